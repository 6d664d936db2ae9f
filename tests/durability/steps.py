"""A program taken step by step: each of its calls that reaches the disk or the line is one, by number.

The interpreter tells of every call into C (`sys.setprofile`), so that the product runs as it is. Right before
a chosen step the process is killed, the disk has no room, or the line is cut. What happens inside a commit is
told by cutting at every I/O operation of SQLite's (`test_power_cut.py`).
"""

import errno
import io
import os
import random
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from types import FrameType
from typing import Any

from cashier.journal.sqlite import sqlite3

_FILES = {"open", "mkdir", "write", "ftruncate", "fsync", "replace", "rename", "unlink", "remove", "utime"}
_STREAM = {"write", "flush", "truncate", "close"}
_LINE = {"connect", "send", "sendall", "recv", "recv_into"}
_FILE = io.FileIO | io.BufferedWriter | io.BufferedRandom | io.TextIOWrapper
_SQL = {"execute", "executemany", "executescript", "close"}


class Ill(Enum):
    """What happens at a step."""

    KILL = "kill -9"
    FULL = "the disk is full"
    CUT = "the line is cut"


@dataclass
class Steps:
    """Counts steps. `ill` happens before number `at`, counted from 1; with 0 nothing does.

    `labels` has what each step was, `counts` is off before it begins. With FULL only what writes to the disk
    counts, with CUT only the line.
    """

    ill: Ill = Ill.KILL
    at: int = 0
    labels: list[str] = field(default_factory=list)
    counts: bool = True

    def __call__(self, frame: FrameType, event: str, function: Any) -> None:
        """What `sys.setprofile` calls."""
        if event != "c_call" or not self.counts:
            return
        place, label = _label(frame, function)
        if (
            not label
            or (self.ill is Ill.FULL and place != "disk")
            or (self.ill is Ill.CUT and place != "line")
        ):
            return
        self.labels.append(label)
        if len(self.labels) == self.at:
            self._strike(label)

    def _strike(self, label: str) -> None:
        if self.ill is Ill.KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.ill is Ill.CUT:
            raise ConnectionResetError(errno.ECONNRESET, "injected")
        if label.startswith("sql"):
            error = sqlite3.OperationalError("database or disk is full (injected)")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        raise OSError(errno.ENOSPC, "No space left on device (injected)")


@contextmanager
def taken(ill: Ill, at: int = 0) -> Iterator[Steps]:
    """Count the steps of this thread while the block lasts. What is injected ends the counting."""
    steps = Steps(ill, at)
    sys.setprofile(steps)
    try:
        yield steps
    finally:
        sys.setprofile(None)


def _label(frame: FrameType, function: Any) -> tuple[str, str]:
    """Where a call goes, and what it does there; two empty texts for what reaches neither disk nor line."""
    owner, name = getattr(function, "__self__", None), function.__name__
    if isinstance(owner, sqlite3.Connection | sqlite3.Cursor) and name in _SQL:
        if name == "close":
            return "lock", "sql close"  # it says nothing of a disk that is full
        words = str(frame.f_locals.get("sql", name)).split()[:3]
        is_read = words[0] == "SELECT" or (words[0] == "PRAGMA" and "=" not in " ".join(words))
        return ("", "") if is_read else ("disk", f"sql {' '.join(words)}")
    if isinstance(owner, socket.socket) and name in _LINE:
        return "line", f"line {name}"
    if isinstance(owner, _FILE) and name in _STREAM:
        return "disk", f"file {name}"
    module = getattr(owner, "__name__", "")
    if module in ("posix", "nt") and name in _FILES:
        return "disk", f"{name}"
    return ("lock", "flock") if (module, name) == ("fcntl", "flock") else ("", "")


def sample(labels: Sequence[str], count: int, chance: random.Random) -> list[int]:
    """Numbers of so many steps, or of all, of as many different labels as there are, in order."""
    numbers = list(range(1, len(labels) + 1))
    if count >= len(numbers):
        return numbers
    chance.shuffle(numbers)
    seen: dict[str, int] = {}
    # How often its label came before: all that come first before any that comes again.
    ranked = sorted(numbers, key=lambda number: _times(seen, labels[number - 1]))
    return sorted(ranked[:count])


def _times(seen: dict[str, int], label: str) -> int:
    seen[label] = seen.get(label, 0) + 1
    return seen[label]
