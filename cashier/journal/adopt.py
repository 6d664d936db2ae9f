"""Taking over entries exactly as another copy of the journal has them: from a dead till's disk, from the hub.

Nothing is recorded anew: number, time, till and hash stay what they were, and every entry has to follow from
the one before it. What is taken over twice is there once. Each call is one commit, so that whatever ends the
program leaves a journal that holds and is only shorter.
"""

from collections.abc import Sequence
from pathlib import Path

from sqlite_utils import Database

from cashier.domain.entries import EntryKind, StoredRow, first_break
from cashier.domain.errors import Discrepancy, Refused
from cashier.domain.outbox import Kept
from cashier.domain.records import receipt_from_json
from cashier.journal import projection, search
from cashier.journal.rows import COLUMNS, entry_of
from cashier.journal.schema import version_of
from cashier.journal.sqlite import reading, translated
from cashier.journal.walk import walking_rows

#: Entries of one commit.
ADOPTED_AT_ONCE = 500


class Adopting:
    """The part of a journal that takes over entries."""

    _path: Path
    _till: str

    def _opened(self) -> Database:
        raise NotImplementedError

    def head(self) -> Kept:
        raise NotImplementedError

    def adopt(self, rows: Sequence[StoredRow], altered: frozenset[int] = frozenset()) -> int:
        """Append those of these entries that are not here yet, in one commit; how many.

        `altered` are numbers of entries that the hub keeps without a card number, or without what they say:
        their hash cannot be made again, and only their place in the chain is proven. Raises Discrepancy, and
        appends nothing, for entries that contradict this journal or do not follow from it.
        """
        with translated(self._path):
            db = self._opened()
            with db.atomic():
                kept = self.head()
                fresh = []
                for row in rows:
                    if row.seq > kept.seq:
                        fresh.append(row)
                    else:
                        self._refuse_other(db, row)
                self._refuse_broken(kept, fresh, altered)
                for row in fresh:
                    try:
                        self._adopt(db, row)
                    except (KeyError, TypeError, ValueError) as error:
                        raise Discrepancy(
                            f"Entry {row.seq} cannot be taken over: what it says is not all there. Nothing "
                            "of this part was taken over. A backup that has this entry is needed, too."
                        ) from error
        return len(fresh)

    def _refuse_other(self, db: Database, row: StoredRow) -> None:
        found = db.execute("SELECT hash FROM entry WHERE seq = ?", (row.seq,)).fetchone()
        if found is None or found[0] != row.hash:
            raise Discrepancy(
                f"Entry {row.seq} is another one than {self._path} has there. Nothing was changed."
            )

    def _refuse_broken(self, kept: Kept, rows: Sequence[StoredRow], altered: frozenset[int]) -> None:
        for row in rows:
            if row.till != self._till:
                raise Discrepancy(f"Entry {row.seq} is till {row.till}'s, not till {self._till}'s.")
        broken = first_break(rows, kept.hash, kept.seq + 1, altered)
        if broken is not None:
            raise Discrepancy(
                f"The chain does not hold: {broken.reason}. Nothing of this part was taken over."
            )

    def _adopt(self, db: Database, row: StoredRow) -> None:
        values = (row.seq, row.id, row.kind, row.at, row.till, row.subject, row.body_text, row.previous)
        db.execute(f"INSERT INTO entry ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*values, row.hash))
        entry = entry_of((*values, row.hash))
        projection.project(db, entry)
        if entry.kind is EntryKind.RECEIPT_ISSUED:
            search.add_to_index(db, entry.seq, receipt_from_json(entry.body))

    def adopt_pins(self, source: Path) -> None:
        """Take over the hashes of PINs that stand in a backup of this journal, but for those known here."""
        with reading(source) as connection:
            found = connection.execute("SELECT person, hash FROM pin").fetchall()
        with translated(self._path):
            db = self._opened()
            with db.atomic():
                for row in found:
                    db.execute("INSERT OR IGNORE INTO pin (person, hash) VALUES (?, ?)", row)


def head_of(path: Path) -> Kept:
    """The last entry of a journal file."""
    with reading(path) as connection:
        if version_of(connection, path) == 0:
            return Kept()
        row = connection.execute("SELECT seq, hash FROM entry ORDER BY seq DESC LIMIT 1").fetchone()
        return Kept(*row) if row else Kept()


def till_of(path: Path) -> str:
    """Whose journal a file is. Raises Refused for an empty one."""
    with walking_rows(path) as rows:
        first = next(rows, None)
    if first is None:
        raise Refused(f"{path}: is a journal without entries.")
    return first.till


def sent_of(path: Path, what: str) -> int | None:
    """What a journal file says of how far something was told; None for one that knows nothing of it."""
    with reading(path) as connection:
        if version_of(connection, path) < 5:  # the schema that brought it
            return None
        row = connection.execute("SELECT seq FROM sent WHERE what = ?", (what,)).fetchone()
        return int(row[0]) if row else 0
