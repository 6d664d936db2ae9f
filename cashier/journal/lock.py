"""One till at a time on a journal: an exclusive lock of the operating system that names its holder.

The lock dies with the process, so a crash leaves none behind; only the text of the last holder stays.
"""

import contextlib
import os
import socket
import stat
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from cashier.domain.errors import Refused, Unavailable

_TEXT_MAX = 200

if sys.platform == "win32":
    import msvcrt

    # Locked ranges cannot be read there, so the locked byte lies far behind the holder's text.
    _OFFSET = 1 << 30

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _OFFSET, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def holder_text(name: str) -> str:
    """Who holds a lock, for people: a name, this machine and this process."""
    return f"{name} on {socket.gethostname()}, process {os.getpid()}"


class JournalLock:
    """An exclusive lock on `path`. `holder` is what a second program is told."""

    def __init__(self, path: Path, holder: str) -> None:
        self._path = path
        self._holder = " ".join(holder.split())[:_TEXT_MAX]
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock. Raises Refused, naming the holder, when it is held; Unavailable without access."""
        try:
            if not self._path.parent.exists():
                self._path.parent.mkdir(mode=stat.S_IRWXU, parents=True)
            flags = os.O_RDWR | os.O_CREAT
            descriptor = os.open(self._path, flags, stat.S_IRUSR | stat.S_IWUSR)
        except OSError as error:
            raise Unavailable(f"The lock {self._path} cannot be opened: {error.strerror}.") from error
        try:
            _lock(descriptor)
        except OSError as error:
            holder = _read(descriptor)
            os.close(descriptor)
            name = holder.decode(errors="replace").strip() or "another program"
            raise Refused(f"This journal is in use by {name}. Close that one first.") from error
        self._descriptor = descriptor
        with contextlib.suppress(OSError):  # a full disk: the lock is held all the same, only without a name
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.write(descriptor, self._holder.encode())

    def release(self) -> None:
        """Give the lock back; nothing when it is not held."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):  # its text is for people; the lock goes with the descriptor
                os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _read(descriptor: int) -> bytes:
    os.lseek(descriptor, 0, os.SEEK_SET)
    return os.read(descriptor, 4 * _TEXT_MAX)
