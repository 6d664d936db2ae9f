"""What reports are made of, read from a journal file: in use or not, without its lock, on any one thread."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from cashier.domain.entries import Entry, EntryKind
from cashier.domain.errors import Refused
from cashier.domain.fold import fold_payment
from cashier.domain.payment import Payment
from cashier.domain.receipt import Receipt
from cashier.domain.records import receipt_from_json
from cashier.journal.rows import COLUMNS, body_of, entry_of
from cashier.journal.schema import SCHEMA_VERSION, version_of
from cashier.journal.sqlite import reading, sqlite3


@contextmanager
def open_daybook(path: Path) -> "Iterator[FileDaybook]":
    """A journal file as a Daybook (`cashier.till.ports`), on one consistent view while the block lasts.

    Raises Refused when there is no such file, or one that this version has not opened yet, Unavailable and
    Discrepancy as reading does.
    """
    with reading(path) as connection:
        version = version_of(connection, path)
        if 0 < version < SCHEMA_VERSION:
            raise Refused(f"The journal {path} is an older version's. Start the till once, then try again.")
        yield FileDaybook(connection, is_empty=version == 0)


class FileDaybook:
    """See `open_daybook`. Rows are taken from the file as they are asked for."""

    def __init__(self, connection: sqlite3.Connection, *, is_empty: bool) -> None:
        self._connection = connection
        self._is_empty = is_empty

    def receipts(self, first: str, last: str) -> Iterator[Receipt]:
        """See the port."""
        yield from self._receipts("business_date BETWEEN ? AND ?", first, last)

    def receipt(self, number: str) -> Receipt | None:
        """See the port."""
        return next(self._receipts("number = ? COLLATE NOCASE", number), None)

    def _receipts(self, condition: str, *values: str) -> Iterator[Receipt]:
        # Two statements: one that sorts bodies, too, would keep all of them until the last is read.
        numbers = [seq for (seq,) in self._rows(f"SELECT seq FROM receipt WHERE {condition}", *values)]
        for seq in sorted(numbers):
            ((body,),) = self._rows("SELECT body FROM entry WHERE seq = ?", seq)
            yield receipt_from_json(body_of(body))

    def entries_of(self, kinds: Collection[EntryKind]) -> Iterator[Entry]:
        """See the port."""
        marks = ", ".join("?" for _ in kinds)
        sql = f"SELECT {COLUMNS} FROM entry WHERE kind IN ({marks}) ORDER BY seq"
        for row in self._rows(sql, *(kind.value for kind in kinds)):
            yield entry_of(row)

    def unsettled_payments(self) -> tuple[Payment, ...]:
        """See the port."""
        states = "state IN ('ISSUED', 'OPEN', 'IN_DOUBT', 'VOUCHED')"
        ids = [row[0] for row in self._rows(f"SELECT id FROM payment WHERE {states} ORDER BY seq")]
        sql = f"SELECT {COLUMNS} FROM entry WHERE subject = ? ORDER BY seq"
        return tuple(fold_payment(entry_of(row) for row in self._rows(sql, name)) for name in ids)

    def open_matters(self) -> tuple[Entry, ...]:
        """See the port."""
        sql = f"SELECT {COLUMNS} FROM entry WHERE seq IN (SELECT seq FROM matter) ORDER BY seq"
        return tuple(entry_of(row) for row in self._rows(sql))

    def _rows(self, sql: str, *values: str | int) -> Iterator[tuple]:  # type: ignore[type-arg]
        return iter(()) if self._is_empty else iter(self._connection.execute(sql, values))
