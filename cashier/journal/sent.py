"""How far a journal is told to the hub, and the hub's anchors: beside the chain, made from no entry.

What is owed are the entries after the number that stands here, so an entry is owed from its own commit on.
Losing these tables loses nothing but time: the hub answers the same to the same entries.
"""

from collections.abc import Iterable
from pathlib import Path

from sqlite_utils import Database

from cashier.domain.entries import StoredRow
from cashier.domain.errors import Unavailable
from cashier.domain.outbox import Anchor, Kept, Owed
from cashier.journal.rows import COLUMNS, stored_row_of
from cashier.journal.sqlite import is_disk_error, sqlite3, translated


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
            row = self._opened().execute("SELECT seq FROM sent WHERE what = ?", (what.value,)).fetchone()
            return int(row[0]) if row else 0

    def mark_sent(self, what: Owed, seq: int, anchors: Iterable[Anchor] = ()) -> None:
        """See the port."""
        with translated(self._path):
            db = self._opened()
            try:
                with db.atomic():
                    db.execute(
                        "INSERT OR REPLACE INTO sent (what, seq) VALUES (?, ?)",
                        (what.value, seq),
                    )
                    for anchor in anchors:
                        row = (anchor.seq, anchor.hash, anchor.made_at, anchor.seal)
                        db.execute("INSERT OR IGNORE INTO anchor VALUES (?, ?, ?, ?)", row)
            except sqlite3.Error as error:
                if is_disk_error(error):
                    # Whether it was kept is found by opening the file again; sending it again is harmless.
                    self._drop_connection()
                    raise Unavailable(
                        "The disk failed; what was sent to the hub is sent once more."
                    ) from error
                raise

    def anchors(self) -> tuple[Anchor, ...]:
        """See the port."""
        sql = "SELECT seq, hash, made_at, seal FROM anchor ORDER BY seq"
        with translated(self._path):
            return tuple(Anchor(*row) for row in self._opened().execute(sql).fetchall())
