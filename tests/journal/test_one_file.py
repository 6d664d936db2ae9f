"""A journal that gets another name takes everything that is committed with it."""

import shutil
from pathlib import Path

import pytest

from cashier.domain.errors import Unavailable
from cashier.journal.lock import JournalLock
from cashier.journal.sqlite import into_one_file
from cashier.journal.store import SqliteJournal
from cashier.journal.verify import verify_file
from tests.fakes.entries import Drafts, FixedClock


def test_what_a_log_still_holds_comes_into_the_file(tmp_path: Path) -> None:
    file, left = tmp_path / "journal.db", tmp_path / "left" / "journal.db"
    left.parent.mkdir()
    with SqliteJournal(file, till="A", clock=FixedClock(), holder="a test") as journal:
        recorded = journal.record(Drafts().paid_sale("s1"))
        for name in ("journal.db", "journal.db-wal"):  # as a full disk leaves them, or a kill
            shutil.copy(tmp_path / name, left.parent / name)
    into_one_file(left)
    assert [path.name for path in left.parent.iterdir()] == ["journal.db"]
    moved = left.replace(tmp_path / "moved.db")
    assert verify_file(moved).entries == len(recorded)
    with SqliteJournal(moved, till="A", clock=FixedClock(), holder="a test") as journal:
        assert tuple(journal.entries()) == recorded


def test_a_journal_that_somebody_reads_is_not_given_another_name(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    with SqliteJournal(file, till="A", clock=FixedClock(), holder="a test") as journal:
        journal.record(Drafts().paid_sale("s1"))
        with pytest.raises(Unavailable):
            into_one_file(file)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
def test_a_lock_holds_though_its_name_has_no_room_on_the_disk(tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.symlink_to("/dev/full")  # opens, locks, and takes no byte
    with JournalLock(full, "a till"):
        pass
