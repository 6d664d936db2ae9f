"""Whether a journal file still says what was recorded.

Reads only, needs no lock and migrates nothing, so it works on a journal in use and on a copy. A cut tail or
a chain written anew from some entry on holds in itself: it shows only against a `head` kept elsewhere.
"""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlite_utils import Database

from cashier.domain.entries import GENESIS, Break, EntryKind, first_break
from cashier.domain.errors import Discrepancy, Unavailable
from cashier.journal.agree import damage, receipts_agree
from cashier.journal.projection import PROJECTED, project
from cashier.journal.rows import COLUMNS, entry_of, stored_row_of
from cashier.journal.schema import PROJECTIONS, SCHEMA_VERSION, version_of
from cashier.journal.sqlite import connect, readonly_uri, sqlite3, tell_damaged_text, translated

#: Projection tables, compared column by column with what the entries say.
_COMPARED = ("payment", "payment_invoice", "charge", "matter", "receipt")

#: What an entry's hash is made of, as `entry_hash` has it, written by SQLite; and what it is held against.
_HASHED = """
SELECT seq, json_array(seq, id, kind, at, till, subject, body, previous), previous, hash
FROM journal.entry WHERE seq >= ? ORDER BY seq
"""
_ENTRY = f"SELECT {COLUMNS} FROM journal.entry WHERE seq = ?"
_FIRST_SEQ = -(1 << 63)


@dataclass(frozen=True)
class Verified:
    """What verification found: the number of entries that hold, the hash of the last, the first break."""

    entries: int
    head: str
    broken: Break | None


def verify_file(path: Path) -> Verified:
    """Verify every entry, then the tables made from them, then the file's own structure.

    SQLite checks what it can check alone on threads of its own, beside the walk over the chain. Raises
    Refused when there is no such file or a newer program wrote it, Discrepancy when it is another program's,
    Unavailable when it cannot be read.
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
        with closing(connect(f"{scratch}?mode=rwc")) as connection, ThreadPoolExecutor(2) as beside:
            tell_damaged_text(connection)
            for pragma in ("journal_mode = OFF", "synchronous = OFF", "trusted_schema = 0"):
                connection.execute(f"PRAGMA {pragma}")
            connection.execute("ATTACH ? AS journal", (readonly_uri(path),))
            return _verify(Database(connection, execute_plugins=False), path, beside)


def _verify(db: Database, path: Path, beside: ThreadPoolExecutor) -> Verified:
    version = version_of(db.conn, path, "journal")
    is_current = version == SCHEMA_VERSION
    agree = beside.submit(receipts_agree, path) if is_current else None
    damaged = beside.submit(damage, path)
    # One view of the journal throughout. Never ended: the scratch file is thrown away.
    db.begin()
    walk = _Walk(db, version)
    broken = walk.first_break()
    if broken is None and agree is not None:
        broken = _first_disagreement(db, agree.result) or _lost_anchor(db)
    if broken is None and (said := damaged.result()) is not None:
        broken = Break(0, f"the file is damaged: {said}")  # it belongs to no entry
    damaged.cancel()
    return Verified(walk.entries, walk.head, broken)


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
        start = _FIRST_SEQ
        while (seq := self._stop(start)) is not None:
            try:
                # The domain judges what does not hold as SQLite writes it.
                row = self._db.execute(_ENTRY, (seq,)).fetchone()
                broken = first_break([stored_row_of(row)], self.head, self.entries + 1)
            except (sqlite3.Error, TypeError) as error:
                return Break(seq, f"entry {seq} cannot be read: {error}")
            if broken is not None:
                return broken
            self.entries, self.head = row[0], row[8]
            start = seq + 1
        return None

    def _stop(self, start: int) -> int | None:
        """Go over what holds, from an entry on; the first that does not, or None.

        Bytes as they are in the file, and no object for an entry: what is left is the hashing itself.
        """
        connection, sha256 = self._db.conn, hashlib.sha256
        entries, head = self.entries, self.head.encode()
        as_text, connection.text_factory = connection.text_factory, bytes
        try:
            for seq, said, previous, told in connection.execute(_HASHED, (start,)):
                if seq != entries + 1 or previous != head or sha256(said).hexdigest().encode() != told:
                    return int(seq)
                entries, head = seq, told
        except sqlite3.Error:
            # The driver reads a row ahead: the next one may well hold, and is looked at alone.
            return entries + 1
        finally:
            connection.text_factory = as_text
            self.entries, self.head = entries, head.decode()
        return None


def _first_disagreement(db: Database, agree: Callable[[], bool]) -> Break | None:
    """The first entry that does not follow, or that a table made from the entries contradicts.

    The entries are projected again into the scratch file, by the code that projected them first; receipts
    only where they do not agree with their table in SQLite's own eyes.
    """
    seq = 0
    try:
        db.executescript(PROJECTIONS)
        alike = agree()
        left_out = {EntryKind.RECEIPT_ISSUED} if alike else set()
        kinds = ", ".join(f"'{kind}'" for kind in sorted(PROJECTED - left_out))
        sql = f"SELECT {COLUMNS} FROM journal.entry WHERE kind IN ({kinds}) ORDER BY seq"
        for row in db.execute(sql):
            seq = row[0]
            project(db, entry_of(row))
        for table in _COMPARED:
            differing = None if alike and table == "receipt" else _first_difference(db, table)
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
    SELECT seq FROM journal.receipt WHERE seq NOT IN (SELECT id FROM journal.receipt_text_docsize)
    UNION ALL
    SELECT id FROM journal.receipt_text_docsize WHERE id NOT IN (SELECT seq FROM journal.receipt)
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
