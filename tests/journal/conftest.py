"""A real journal file in a folder of its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from cashier.journal.store import SqliteJournal
from tests.fakes.entries import Drafts, FixedClock


class Open(Protocol):
    """Opens the test's journal; it is closed at the end of the test."""

    def __call__(self, **changes: Any) -> SqliteJournal: ...


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "journal.db"


@pytest.fixture
def drafts() -> Drafts:
    return Drafts()


@pytest.fixture
def open_journal(file: Path) -> Iterator[Open]:
    opened: list[SqliteJournal] = []

    def _open(**changes: Any) -> SqliteJournal:
        arguments: dict[str, Any] = {"till": "A", "clock": FixedClock(), "holder": "the first window"}
        opened.append(SqliteJournal(file, **arguments | changes))
        return opened[-1]

    yield _open
    for journal in opened:
        journal.close()
