"""Whether a journal file still says what was recorded.

Reads only, needs no lock and migrates nothing, so it works on a journal in use and on a copy. A cut tail or
a chain written anew from some entry on holds in itself: it shows only against a `head` kept elsewhere.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlite_utils import Database

from cashier.domain.entries import GENESIS, Break, StoredRow, first_break
from cashier.domain.errors import Discrepancy, Unavailable
from cashier.journal.projection import PROJECTED, project
from cashier.journal.rows import COLUMNS, entry_of, stored_row_of
from cashier.journal.schema import PROJECTIONS, SCHEMA_VERSION, version_of
from cashier.journal.sqlite import connect, readonly_uri, sqlite3, tell_damaged_text, translated

#: Projection tables, compared column by column with what the entries say.
_COMPARED = ("payment", "payment_invoice", "charge", "matter", "receipt")


@dataclass(frozen=True)
class Verified:
    """What verification found: the number of entries that hold, the hash of the last, the first break."""

    entries: int
    head: str
    broken: Break | None


def verify_file(path: Path) -> Verified:
    """Verify every entry, then the tables made from them, then the file's own structure.

    Raises Refused when there is no such file or a newer program wrote it, Discrepancy when it is another
    program's, Unavailable when it cannot be read.
    """
    try:
        with TemporaryDirectory(prefix="cashier-verify-") as folder:
            return _verified(path, Path(folder) / "scratch.db")
    except OSError as error:
        raise Unavailable(
            f"The journal {path} cannot be verified: {error.strerror or error}. Free some space and try "
            "again."
        ) from error


def _verified(path: Path, scratch_file: Path) -> Verified:
    with translated(path):
        scratch = scratch_file.as_uri()
        with closing(connect(f"{scratch}?mode=rwc")) as connection:
            tell_damaged_text(connection)
            for pragma in ("journal_mode = OFF", "synchronous = OFF", "trusted_schema = 0"):
                connection.execute(f"PRAGMA {pragma}")
            connection.execute("ATTACH ? AS journal", (readonly_uri(path),))
            return _verify(Database(connection, execute_plugins=False), path)


def _verify(db: Database, path: Path) -> Verified:
    version = version_of(db.conn, path, "journal")
    # One view of the journal throughout. Never ended: the scratch file is thrown away.
    db.begin()
    walk = _Walk(db, version)
    broken = walk.first_break()
    if broken is None and version == SCHEMA_VERSION:
        broken = _first_disagreement(db) or _lost_anchor(db)
    return Verified(walk.entries, walk.head, broken or _damage(db))


class _Walk:
    """One pass over the chain, counting what holds."""

    def __init__(self, db: Database, version: int) -> None:
        self._db = db
        self._version = version
        self.entries = 0
        self.head = GENESIS

    def first_break(self) -> Break | None:
        if self._version == 0:
            return None
        try:
            return first_break(self._rows())
        except sqlite3.Error as error:
            return Break(self.entries + 1, f"entry {self.entries + 1} cannot be read: {error}")

    def _rows(self) -> Iterator[StoredRow]:
        for row in self._db.execute(f"SELECT {COLUMNS} FROM journal.entry ORDER BY seq"):
            stored = stored_row_of(row)
            yield stored
            # Resumed only when the entry before holds.
            self.entries, self.head = stored.seq, stored.hash


def _first_disagreement(db: Database) -> Break | None:
    """The first entry that does not follow, or that a table made from the entries contradicts.

    The entries are projected again into the scratch file, by the code that projected them first.
    """
    seq = 0
    try:
        db.executescript(PROJECTIONS)
        kinds = ", ".join(f"'{kind}'" for kind in sorted(PROJECTED))
        sql = f"SELECT {COLUMNS} FROM journal.entry WHERE kind IN ({kinds}) ORDER BY seq"
        for row in db.execute(sql):
            seq = row[0]
            project(db, entry_of(row))
        for table in _COMPARED:
            differing = _first_difference(db, table)
            if differing is not None:
                return Break(differing, f"the {table} table does not say what entry {differing} says")
        unfindable = db.execute(_INDEX_DIFFERENCE).fetchone()[0]
    except Discrepancy as error:
        return Break(seq, error.user_text)
    except (KeyError, TypeError, ValueError) as error:
        return Break(seq, f"entry {seq} has no readable body: {error!r}")
    except sqlite3.Error as error:
        return Break(seq, f"the tables made from the entries cannot be read: {error}")
    if unfindable is not None:
        return Break(unfindable, f"the search index disagrees with entry {unfindable}")
    return None


_INDEX_DIFFERENCE = """
SELECT min(seq) FROM (
    SELECT seq FROM receipt WHERE seq NOT IN (SELECT id FROM journal.receipt_text_docsize)
    UNION ALL
    SELECT id FROM journal.receipt_text_docsize WHERE id NOT IN (SELECT seq FROM receipt)
)
"""


def _lost_anchor(db: Database) -> Break | None:
    """The first anchor of the hub that the entries do not bear out: they were cut or written anew."""
    row = db.execute(
        "SELECT anchor.seq FROM journal.anchor LEFT JOIN journal.entry USING (seq)"
        " WHERE entry.hash IS NOT anchor.hash ORDER BY anchor.seq LIMIT 1"
    ).fetchone()
    return Break(row[0], f"the hub's anchor knows another entry {row[0]}") if row else None


def _first_difference(db: Database, table: str) -> int | None:
    """The first `seq` at which the scratch table and the journal's differ."""
    sql = f"""
    SELECT min(seq) FROM (
        SELECT * FROM (SELECT * FROM main.{table} EXCEPT SELECT * FROM journal.{table})
        UNION ALL
        SELECT * FROM (SELECT * FROM journal.{table} EXCEPT SELECT * FROM main.{table})
    )
    """
    found: int | None = db.execute(sql).fetchone()[0]
    return found


def _damage(db: Database) -> Break | None:
    """What SQLite itself finds wrong with the file; it belongs to no entry."""
    try:
        said = db.execute("PRAGMA journal.integrity_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        said = str(error)
    return None if said == "ok" else Break(0, f"the file is damaged: {said}")
