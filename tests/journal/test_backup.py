"""Backups: whole, verified, the newest kept; nothing that fails takes an older one away."""

import datetime as dt
import sys
from contextlib import closing
from pathlib import Path

import pytest

from cashier.domain.errors import Discrepancy, Refused, Unavailable
from cashier.journal.backup import Backups
from cashier.journal.sqlite import sqlite3
from cashier.journal.store import SqliteJournal
from cashier.journal.verify import verify_file
from tests.fakes.entries import Drafts, FixedClock

NOON = dt.datetime(2026, 2, 3, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    file = tmp_path / "journal.db"
    with SqliteJournal(file, till="A", clock=FixedClock(), holder="a test") as opened:
        opened.record(Drafts().paid_sale("s1"))
    return file


def backups(journal: Path, keep: int = 3) -> Backups:
    return Backups(journal, journal.parent / "second", "A", keep)


def test_a_backup_of_a_journal_in_use_is_one_file_that_holds(journal: Path) -> None:
    with SqliteJournal(journal, till="A", clock=FixedClock(), holder="the window") as opened:
        opened.record(Drafts("more").paid_sale("s2"))  # in the log beside the file
        found = backups(journal).make(NOON)
        assert (found.entries, found.head) == (14, opened.head().hash)
    (file,) = backups(journal).files()
    assert file.name == "journal-A-20260203T120000Z.db"
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert verify_file(file).entries == 14
    if sys.platform != "win32":
        assert file.stat().st_mode & 0o777 == 0o600


def test_only_the_newest_are_kept(journal: Path) -> None:
    for hour in range(5):
        backups(journal).make(NOON + hour * HOUR)
    assert [path.name[19:23] for path in backups(journal).files()] == ["1400", "1500", "1600"]
    assert backups(journal).newest_at() == NOON + 4 * HOUR


def test_one_made_with_the_clock_put_back_is_not_dropped_itself(journal: Path) -> None:
    for hour in (3, 4, 5, 0):
        backups(journal).make(NOON + hour * HOUR)
    assert [path.name[19:23] for path in backups(journal).files()] == ["1200", "1600", "1700"]


def test_other_files_and_other_tills_are_left_alone(journal: Path) -> None:
    folder = journal.parent / "second"
    folder.mkdir()
    others = ["journal-B-20260101T000000Z.db", "journal-A-old.db", "notes.txt"]
    for name in others:
        (folder / name).write_text("x")
    (folder / "journal-A-20260101T000000Z.db.part").write_text("of a run that was ended")
    for hour in range(3):
        backups(journal, keep=1).make(NOON + hour * HOUR)
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [*others, "journal-A-20260203T140000Z.db"]
    )
    assert Backups(journal, folder, "C", 3).newest_at() is None


def test_a_copy_that_does_not_hold_is_thrown_away_and_the_earlier_ones_stay(journal: Path) -> None:
    backups(journal, keep=1).make(NOON)
    with closing(sqlite3.connect(journal)) as connection:
        connection.execute("DROP TRIGGER entry_never_updated")
        connection.execute("UPDATE entry SET body = '{}' WHERE seq = 4")
        connection.commit()
    with pytest.raises(Discrepancy, match="does not hold at entry 4"):
        backups(journal, keep=1).make(NOON + HOUR)
    assert [path.name[19:23] for path in backups(journal).files()] == ["1200"]
    assert len(list((journal.parent / "second").iterdir())) == 1


def test_a_folder_that_is_none_is_unavailable(journal: Path) -> None:
    (journal.parent / "second").write_text("a file")
    with pytest.raises(Unavailable, match="No backup in"):
        backups(journal).make(NOON)


def test_no_journal_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(Refused):
        backups(tmp_path / "nosuch.db").make(NOON)
    assert list((tmp_path / "second").iterdir()) == []
