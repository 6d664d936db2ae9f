"""A till that is killed keeps every entry it was told is recorded, and its numbers have no gap.

This shows nothing about power: a kill loses nothing that the operating system holds. It shows that a commit
is whole or absent, and that the lock dies with its process.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cashier.domain.errors import Refused
from cashier.journal.verify import verify_file
from tests.journal.conftest import Open

ROOT = Path(__file__).resolve().parents[2]


def _start(file: Path, name: str) -> "subprocess.Popen[str]":
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.journal.recorder", str(file), name]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def test_kill_9_while_recording_loses_nothing_acknowledged(file: Path, open_journal: Open) -> None:
    acknowledged: list[tuple[str, str]] = []
    for round_ in range(3):
        with _start(file, f"r{round_}") as recorder:
            assert recorder.stdout is not None
            for _ in range(10 + 7 * round_):
                line = recorder.stdout.readline()
                assert line, "the recorder ended by itself"
                acknowledged.append(tuple(line.split()))  # type: ignore[arg-type]
            with pytest.raises(Refused, match=f"recorder r{round_}"):
                open_journal()
            recorder.kill()
            whole = [line for line in recorder.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
            acknowledged += [tuple(line.split()) for line in whole]  # type: ignore[misc]
    journal = open_journal()
    found = verify_file(file)
    assert found.broken is None
    assert found.entries % 7 == 0, "a commit is whole or absent"
    assert found.entries >= 7 * len(acknowledged)
    for number, last_id in acknowledged:
        assert journal.receipt(number) is not None
        assert journal.has(last_id)
    newest_first = [receipt.number for receipt in journal.search("", 1_000_000)]
    count = found.entries // 7
    assert newest_first == [f"A-{sequence:06d}" for sequence in range(count, 0, -1)]
