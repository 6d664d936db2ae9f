"""Walking a journal file's entries lets go of the file with the block, however the block ends."""

from pathlib import Path

import pytest

from cashier.domain.errors import Refused
from cashier.journal.sqlite import sqlite3
from cashier.journal.walk import walking_entries, walking_rows
from tests.fakes.entries import Drafts
from tests.journal.conftest import Open


@pytest.fixture
def walked(file: Path, open_journal: Open, drafts: Drafts) -> Path:
    """A journal file with a paid sale in it."""
    open_journal().record(drafts.paid_sale("one"))
    return file


def test_rows_and_entries_are_the_same_in_the_same_order(walked: Path) -> None:
    with walking_rows(walked) as rows, walking_entries(walked) as entries:
        told = [(row.seq, row.hash) for row in rows]
        assert told == [(entry.seq, entry.hash) for entry in entries]
    assert len(told) > 1 and [seq for seq, _ in told] == list(range(1, len(told) + 1))


def test_a_walk_left_half_way_keeps_nothing_open(walked: Path) -> None:
    with pytest.raises(ZeroDivisionError), walking_rows(walked) as rows:
        next(rows).seq // 0
    with pytest.raises(sqlite3.ProgrammingError):
        next(rows)


def test_an_empty_file_has_none_and_a_missing_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    with walking_entries(tmp_path / "empty.db") as entries:
        assert list(entries) == []
    with pytest.raises(Refused), walking_rows(tmp_path / "missing.db"):
        pass
