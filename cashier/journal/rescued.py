"""The journal of another till that was rescued to this one, for reading: each question on a view of its own.

Nothing of it is kept open or locked: beside it another connection may be telling the hub what it owes.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from cashier.domain.entries import Entry, EntryKind
from cashier.domain.receipt import Receipt
from cashier.journal.daybook import open_daybook
from cashier.journal.rows import COLUMNS, entry_of
from cashier.journal.search import search_file
from cashier.journal.sqlite import reading


class RescuedFile:
    """A RescuedJournal (`cashier.till.ports`) over its file. Raises Refused, Unavailable, Discrepancy."""

    def __init__(self, file: Path, till: str, today: Callable[[], dt.date]) -> None:
        self.till = till
        self._file = file
        self._today = today

    def search(self, text: str, limit: int) -> tuple[Receipt, ...]:
        """See the port."""
        return search_file(self._file, text, limit, self._today)

    def receipt(self, number: str) -> Receipt | None:
        """See the port."""
        with open_daybook(self._file) as daybook:
            return daybook.receipt(number)

    def entries(self, subject: str) -> Iterator[Entry]:
        """See the port."""
        return self._entries("subject = ?", subject)

    def entries_of(self, kinds: Collection[EntryKind], after: int = 0) -> Iterator[Entry]:
        """See the port."""
        marks = ", ".join("?" for _ in kinds)
        return self._entries(f"kind IN ({marks}) AND seq > ?", *(kind.value for kind in kinds), after)

    def _entries(self, condition: str, *values: str | int) -> Iterator[Entry]:
        with reading(self._file) as connection:
            rows = connection.execute(f"SELECT {COLUMNS} FROM entry WHERE {condition} ORDER BY seq", values)
            return iter([entry_of(row) for row in rows])
