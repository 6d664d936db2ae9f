"""How far a journal is told to the hub, the hub's anchors, and since when the line is off: beside the chain.

What is owed are the entries after the number that stands here, so an entry is owed from its own commit on.
Losing these tables loses nothing but time: the hub answers the same to the same entries.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlite_utils import Database

from cashier.domain.entries import StoredRow
from cashier.domain.errors import Unavailable
from cashier.domain.outbox import Anchor, Kept, Outage, Owed
from cashier.journal.rows import COLUMNS, stored_row_of
from cashier.journal.sqlite import is_disk_error, sqlite3, translated

#: Rows of the table `sent` that say where an outage began; they are no queue's.
_BEGAN, _HUB_HAD = "outage", "outage-sent"


class SentTables:
    """The part of a journal that the outbox works on (`cashier.till.ports.OutboxJournal`)."""

    _path: Path

    def _opened(self) -> Database:
        raise NotImplementedError

    def _drop_connection(self) -> None:
        raise NotImplementedError

    def head(self) -> Kept:
        """See the port."""
        with translated(self._path):
            row = self._opened().execute("SELECT seq, hash FROM entry ORDER BY seq DESC LIMIT 1").fetchone()
            return Kept(*row) if row else Kept()

    def rows_after(self, seq: int, limit: int) -> tuple[StoredRow, ...]:
        """See the port."""
        sql = f"SELECT {COLUMNS} FROM entry WHERE seq > ? ORDER BY seq LIMIT ?"
        with translated(self._path):
            return tuple(stored_row_of(row) for row in self._opened().execute(sql, (seq, limit)).fetchall())

    def sent(self, what: Owed) -> int:
        """See the port."""
        with translated(self._path):
            return self._place(what.value) or 0

    def mark_sent(self, what: Owed, seq: int, anchors: Iterable[Anchor] = ()) -> None:
        """See the port."""
        with self._marking("The disk failed; what was sent to the hub is sent once more.") as db:
            db.execute("INSERT OR REPLACE INTO sent (what, seq) VALUES (?, ?)", (what.value, seq))
            for anchor in anchors:
                row = (anchor.seq, anchor.hash, anchor.made_at, anchor.seal)
                db.execute("INSERT OR IGNORE INTO anchor VALUES (?, ?, ?, ?)", row)

    def outage(self) -> Outage | None:
        """See the port."""
        with translated(self._path):
            began = self._place(_BEGAN)
            return None if began is None else Outage(began, self._place(_HUB_HAD))

    def mark_outage(self, outage: Outage | None) -> None:
        """See the port."""
        places = {} if outage is None else {_BEGAN: outage.began, _HUB_HAD: outage.sent}
        with self._marking("The disk failed; an outage of the line may be told once more.") as db:
            db.execute("DELETE FROM sent WHERE what IN (?, ?)", (_BEGAN, _HUB_HAD))
            for what, seq in places.items():
                if seq is not None:
                    db.execute("INSERT INTO sent (what, seq) VALUES (?, ?)", (what, seq))

    def _place(self, what: str) -> int | None:
        row = self._opened().execute("SELECT seq FROM sent WHERE what = ?", (what,)).fetchone()
        return int(row[0]) if row else None

    @contextmanager
    def _marking(self, fault: str) -> Iterator[Database]:
        """One commit. Raises Unavailable with `fault` when it may not have been kept."""
        with translated(self._path):
            db = self._opened()
            try:
                with db.atomic():
                    yield db
            except sqlite3.Error as error:
                if is_disk_error(error):
                    # Whether it was kept is found by opening the file again; marking it again is harmless.
                    self._drop_connection()
                    raise Unavailable(fault) from error
                raise

    def receipts_after(self, seq: int) -> int:
        """See the port."""
        with translated(self._path):
            sql = "SELECT count(*) FROM receipt WHERE seq > ?"
            return int(self._opened().execute(sql, (seq,)).fetchone()[0])

    def anchors(self) -> tuple[Anchor, ...]:
        """See the port."""
        sql = "SELECT seq, hash, made_at, seal FROM anchor ORDER BY seq"
        with translated(self._path):
            return tuple(Anchor(*row) for row in self._opened().execute(sql).fetchall())
