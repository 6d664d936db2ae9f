"""Entries of several tills as one Daybook: what a report over a whole site is made of.

Each till's entries go into a scratch database of its own, which SQLite keeps in a nameless temporary file and
which is gone with the daybook: so a site of years needs no more memory than one day's rows. The tables are
made by the code that makes a till's own, so what they say is the same.
"""

import heapq
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import astuple
from types import TracebackType
from typing import Self

from sqlite_utils import Database

from cashier.domain.entries import Entry, EntryKind, StoredRow, entry_hash
from cashier.domain.errors import Discrepancy
from cashier.domain.payment import Payment
from cashier.domain.receipt import Receipt
from cashier.domain.site import REPORT_KINDS
from cashier.journal.daybook import FileDaybook
from cashier.journal.projection import PROJECTED, project
from cashier.journal.rows import COLUMNS, entry_of
from cashier.journal.schema import PROJECTIONS
from cashier.journal.sqlite import connect, sqlite3

#: The name of a database that has none: a temporary file, removed by SQLite itself.
_NAMELESS = "file:"
_MARKS = ", ".join("?" for _ in COLUMNS.split(", "))
_ENTRY = """
CREATE TABLE entry (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL, kind TEXT NOT NULL, at TEXT NOT NULL, till TEXT NOT NULL,
    subject TEXT NOT NULL, body TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE INDEX entry_by_subject ON entry (subject);
CREATE INDEX entry_kind ON entry (kind, seq);
"""


class SiteDaybook:
    """See the module and `cashier.till.ports.Daybook`. One thread's, as long as its `with` block lasts."""

    def __init__(self) -> None:
        self._tills: dict[str, _OneTill] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for till in self._tills.values():
            till.close()

    def add(self, till: str, rows: Sequence[StoredRow], altered: Collection[int] = ()) -> None:
        """Take in entries of a till, in their order; those that no report needs are passed over.

        `altered` are numbers of entries whose hash cannot be made again. Raises Discrepancy for an entry that
        is another till's, was changed, or does not follow from those before it.
        """
        held = self._tills.get(till)
        if held is None:
            held = self._tills[till] = _OneTill(till)
        held.add(rows, altered)

    def closed_dates(self, till: str) -> tuple[str, ...]:
        """The business dates (ISO) that a till has closed and not opened again, in that order."""
        dates: dict[str, None] = {}
        held = self._tills.get(till)
        kinds = (EntryKind.DAY_CLOSED, EntryKind.SHIFT_REOPENED)
        for entry in held.book.entries_of(kinds) if held else ():
            dates.pop(entry.body["business_date"], None)
            if entry.kind is EntryKind.DAY_CLOSED:
                dates[entry.body["business_date"]] = None
        return tuple(dates)

    def receipts(self, first: str, last: str) -> Iterator[Receipt]:
        """See the port; of several tills by their time."""
        books = (held.book.receipts(first, last) for held in self._by_name())
        return heapq.merge(*books, key=lambda receipt: receipt.at)

    def receipt(self, number: str) -> Receipt | None:
        """See the port. A number has its till's code before it, so there is one at most."""
        found = (held.book.receipt(number) for held in self._by_name())
        return next((receipt for receipt in found if receipt is not None), None)

    def entries_of(self, kinds: Collection[EntryKind]) -> Iterator[Entry]:
        """See the port; of several tills by their time."""
        books = (held.book.entries_of(kinds) for held in self._by_name())
        return heapq.merge(*books, key=lambda entry: entry.at)

    def unsettled_payments(self) -> tuple[Payment, ...]:
        """See the port; till by till."""
        return tuple(payment for held in self._by_name() for payment in held.book.unsettled_payments())

    def open_matters(self) -> tuple[Entry, ...]:
        """See the port; till by till."""
        return tuple(entry for held in self._by_name() for entry in held.book.open_matters())

    def _by_name(self) -> "Iterable[_OneTill]":
        return [self._tills[name] for name in sorted(self._tills)]


class _OneTill:
    """One till's scratch database."""

    def __init__(self, till: str) -> None:
        self._till = till
        self._connection = connect(_NAMELESS)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "trusted_schema = 0"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._db = Database(self._connection, execute_plugins=False)
        self._db.executescript(_ENTRY + PROJECTIONS)
        # Never ended: the database is thrown away.
        self._db.begin()
        self.book = FileDaybook(self._connection, is_empty=False)

    def close(self) -> None:
        with closing(self._connection):
            pass

    def add(self, rows: Sequence[StoredRow], altered: Collection[int]) -> None:
        for row in rows:
            if row.kind not in REPORT_KINDS:
                continue
            if row.till != self._till:
                raise Discrepancy(f"Entry {row.seq} of till {self._till} says that it is till {row.till}'s.")
            if row.seq not in altered and _hash_of(row) != row.hash:
                raise Discrepancy(
                    f"Entry {row.seq} of till {self._till} was changed in the copy at the hub. No report is "
                    "made of it. Call support."
                )
            self._take(row)

    def _take(self, row: StoredRow) -> None:
        try:
            entry = entry_of(astuple(row))
            self._db.execute(f"INSERT INTO entry ({COLUMNS}) VALUES ({_MARKS})", astuple(row))
            if entry.kind in PROJECTED:
                project(self._db, entry)
        except Discrepancy as error:
            raise Discrepancy(
                f"The hub's copy of till {self._till} does not hold: {error.user_text}"
            ) from error
        except (KeyError, TypeError, ValueError, sqlite3.IntegrityError) as error:
            raise Discrepancy(
                f"Entry {row.seq} of till {self._till} cannot be read as the hub keeps it. No report is made "
                "of it: take that till's own report, and call support."
            ) from error


def _hash_of(row: StoredRow) -> str:
    return entry_hash(
        seq=row.seq,
        id=row.id,
        kind=row.kind,
        at=row.at,
        till=row.till,
        subject=row.subject,
        body_text=row.body_text,
        previous=row.previous,
    )
