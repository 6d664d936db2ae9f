"""One till at a time, and the second is told who the first is."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cashier.domain.errors import Refused, Unavailable
from cashier.journal.lock import JournalLock, holder_text


def test_the_holder_is_named_until_it_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "journal.db.lock"
    first, second = JournalLock(path, "till A,\nprocess 1"), JournalLock(path, "till B")
    with first:
        with pytest.raises(Refused, match=r"in use by till A, process 1\."):
            second.acquire()
        assert path.read_text() == "till A, process 1"
    with second:
        assert path.read_text() == "till B"
    first.release()  # Not held: nothing happens, and `second` could have it.
    with second:
        pass


def test_a_crashed_holder_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "journal.db.lock"
    program = (
        "import os, sys; from pathlib import Path; from cashier.journal.lock import JournalLock;"
        "JournalLock(Path(sys.argv[1]), 'a till that crashed').acquire(); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(path)], check=False).returncode == 9
    assert path.read_text() == "a till that crashed"
    with JournalLock(path, "the next"):
        assert path.read_text() == "the next"


def test_a_holder_without_a_name_is_another_program(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with JournalLock(path, ""), pytest.raises(Refused, match="in use by another program"):
        JournalLock(path, "x").acquire()


def test_a_place_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be opened"):
        JournalLock(tmp_path / "file" / "lock", "x").acquire()


def test_the_holder_text_says_who_where_and_which() -> None:
    assert holder_text("till A") == f"till A on {socket.gethostname()}, process {os.getpid()}"
