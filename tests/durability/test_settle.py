"""What is found of a WAL at opening is written again and synced, as it is, on a real disk."""

import shutil
from pathlib import Path

import pytest

from cashier.domain.errors import InDoubt, Unavailable
from cashier.journal.sqlite import settle, sqlite3
from cashier.journal.store import SqliteJournal
from tests.fakes.entries import Drafts, FixedClock
from tests.journal.faults import Faults, driver_error


def _open(file: Path, **options: object) -> SqliteJournal:
    return SqliteJournal(file, till="A", clock=FixedClock(), holder="a test", **options)  # type: ignore[arg-type]


def test_a_wal_that_a_crash_left_stays_what_it_is(tmp_path: Path) -> None:
    file, left = tmp_path / "journal.db", tmp_path / "left" / "journal.db"
    wal = left.with_name("journal.db-wal")
    left.parent.mkdir()
    with _open(file) as journal:
        recorded = journal.record(Drafts().paid_sale("s1"))
        for name in ("journal.db", "journal.db-wal"):
            shutil.copy(tmp_path / name, left.parent / name)
    before, written = wal.read_bytes(), wal.stat().st_mtime_ns
    assert len(before) > 4096
    settle(left)
    assert wal.read_bytes() == before
    assert wal.stat().st_mtime_ns > written, "written again"
    with _open(left) as journal:
        assert tuple(journal.entries()) == recorded


def test_without_a_wal_there_is_nothing_to_write(tmp_path: Path) -> None:
    settle(tmp_path / "journal.db")
    assert list(tmp_path.iterdir()) == []


def test_a_wal_that_cannot_be_written_again_is_not_built_upon(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    file.with_name("journal.db-wal").mkdir()
    with pytest.raises(Unavailable, match="cannot be opened"):
        _open(file)


def test_a_record_that_cannot_be_settled_is_in_doubt_and_the_next_try_finds_it(tmp_path: Path) -> None:
    refusals: list[OSError] = []

    def refusing(path: Path) -> None:
        if refusals:
            raise refusals[0]
        settle(path)

    faults, sale = Faults(), Drafts().paid_sale("s1")
    with _open(tmp_path / "journal.db", open_connection=faults.connect, settle=refusing) as journal:
        faults.after["COMMIT"] = driver_error(sqlite3.SQLITE_IOERR, "disk I/O error")
        refusals.append(OSError(5, "Input/output error"))
        with pytest.raises(InDoubt, match="not known"):
            journal.record(sale)
        with pytest.raises(Unavailable, match="Input/output error"):
            journal.record(sale)
        refusals.clear()
        assert journal.record(sale) == tuple(journal.entries())
