"""The tables of a journal file, declared by hand, and how an older file becomes a current one.

`entry` is the journal. Everything else is a projection of it: written in the same commit, and made again
from the entries by `projection.rebuild`. All but `pin`, as the hashes of PINs stand in no entry, which are
copied and exported; and `sent` and `anchor`, which say what the hub has answered.
"""

from pathlib import Path

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from cashier.domain.errors import Discrepancy, Refused
from cashier.journal.aside import project_aside
from cashier.journal.rows import COLUMNS, entry_of
from cashier.journal.sqlite import sqlite3

#: In `PRAGMA user_version`. A newer file is refused.
SCHEMA_VERSION = 5

#: In `PRAGMA application_id`: "CASH".
APPLICATION_ID = 0x43415348

_ENTRY = """
CREATE TABLE entry (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    at TEXT NOT NULL,
    till TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;
CREATE INDEX entry_by_subject ON entry (subject);
CREATE INDEX entry_receipts ON entry (till) WHERE kind = 'receipt_issued';
"""

# A second guard behind the hash chain. The one on INSERT stops INSERT OR REPLACE, whose deletions fire no
# trigger on a connection without recursive_triggers.
_GUARDS = """
CREATE TRIGGER entry_never_updated BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'journal entries are never edited'); END;
CREATE TRIGGER entry_never_deleted BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'journal entries are never deleted'); END;
CREATE TRIGGER entry_only_appended BEFORE INSERT ON entry
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM entry)
    OR EXISTS (SELECT 1 FROM entry WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'journal entries are only appended'); END;
"""

#: `seq` is the issuing entry, `last_seq` the one that last moved the payment.
_PAYMENT = """
CREATE TABLE payment (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    reference TEXT NOT NULL UNIQUE,
    sale_id TEXT NOT NULL,
    till TEXT NOT NULL,
    amount_cents INTEGER NOT NULL,
    state TEXT NOT NULL,
    last_seq INTEGER NOT NULL
) STRICT;
CREATE INDEX payment_by_sale ON payment (sale_id);
"""

_UNSETTLED_1 = """
CREATE INDEX payment_unsettled ON payment (seq) WHERE state IN ('ISSUED', 'OPEN', 'IN_DOUBT');
"""

_UNSETTLED_2 = """
DROP INDEX payment_unsettled;
CREATE INDEX payment_unsettled ON payment (seq) WHERE state IN ('ISSUED', 'OPEN', 'IN_DOUBT', 'VOUCHED');
"""

#: Charges of the gateway by its id, with the payment that confirmed each first. `seq` is that entry's.
_CHARGE = """
CREATE TABLE charge (
    seq INTEGER PRIMARY KEY,
    guid TEXT NOT NULL UNIQUE,
    payment_id TEXT NOT NULL
) STRICT;
"""

#: Which payments were for which invoice. `seq` is the issuing entry, `invoice` the number without case.
_PAYMENT_INVOICE = """
CREATE TABLE payment_invoice (
    invoice TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (invoice, seq)
) STRICT, WITHOUT ROWID;
"""

#: What a person has still to see to. `seq` and `id` are the entry's.
_MATTER = """
CREATE TABLE matter (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE
) STRICT;
"""

_RARE = """
CREATE INDEX entry_rare ON entry (kind, seq) WHERE kind IN ('day_closed', 'break_acknowledged');
"""

_KIND = """
DROP INDEX entry_rare;
CREATE INDEX entry_kind ON entry (kind, seq);
"""

#: The hash of each person's PIN: beside the chain, exported nowhere.
_PIN = """
CREATE TABLE pin (
    person TEXT PRIMARY KEY,
    hash TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""

#: How far each kind of what is owed (`domain.outbox.Owed`) was told to the hub, and the hub's anchors.
_SENT = """
CREATE TABLE sent (
    what TEXT PRIMARY KEY,
    seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE anchor (
    seq INTEGER PRIMARY KEY,
    hash TEXT NOT NULL,
    made_at TEXT NOT NULL,
    seal TEXT NOT NULL
) STRICT;
"""

#: `seq` is the entry that issued it, `sequence` the gapless one of its till's series.
_RECEIPT = """
CREATE TABLE receipt (
    seq INTEGER PRIMARY KEY,
    till TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    number TEXT NOT NULL,
    sale_id TEXT NOT NULL,
    payment_id TEXT NOT NULL,
    reference TEXT NOT NULL,
    at TEXT NOT NULL,
    business_date TEXT NOT NULL,
    cashier TEXT NOT NULL,
    payer TEXT NOT NULL,
    permit TEXT NOT NULL,
    paid_cents INTEGER NOT NULL,
    service_fee_cents INTEGER NOT NULL,
    UNIQUE (till, sequence)
) STRICT;
CREATE UNIQUE INDEX receipt_by_number ON receipt (number COLLATE NOCASE);
CREATE INDEX receipt_by_sequence ON receipt (sequence);
CREATE INDEX receipt_by_sale ON receipt (sale_id);
CREATE INDEX receipt_by_day ON receipt (business_date, paid_cents, service_fee_cents);
"""

#: What search looks in (`journal.search`). Without content of its own; its rowid is the receipt's `seq`.
#: The prefix indexes make one typed letter as fast as a whole word.
_RECEIPT_TEXT = """
CREATE VIRTUAL TABLE receipt_text USING fts5(
    number, payer, permit, invoices, facts,
    content = '', prefix = '1 2 3', tokenize = "unicode61 remove_diacritics 2"
);
"""

#: What `projection.project` writes, for a journal file and for the scratch file that verification compares.
PROJECTIONS = _PAYMENT + _PAYMENT_INVOICE + _CHARGE + _MATTER + _RECEIPT


def migrations() -> Migrations:
    """Every step from an empty file to SCHEMA_VERSION; each runs once, in a transaction of its own."""
    steps = Migrations("journal")

    @steps(name="1_entry_payment_receipt")
    def first(db: Database) -> None:
        db.executescript(_ENTRY + _GUARDS + _PAYMENT + _UNSETTLED_1 + _RECEIPT + _RECEIPT_TEXT)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("PRAGMA user_version = 1")

    @steps(name="2_charge_matter")
    def second(db: Database) -> None:
        db.executescript(_UNSETTLED_2 + _PAYMENT_INVOICE + _CHARGE + _MATTER + _RARE)
        for row in db.execute(f"SELECT {COLUMNS} FROM entry ORDER BY seq"):
            project_aside(db, entry_of(row))
        db.execute("PRAGMA user_version = 2")

    @steps(name="3_kind")
    def third(db: Database) -> None:
        db.executescript(_KIND)
        db.execute("PRAGMA user_version = 3")

    @steps(name="4_pin")
    def fourth(db: Database) -> None:
        db.executescript(_PIN)
        db.execute("PRAGMA user_version = 4")

    @steps(name="5_sent")
    def fifth(db: Database) -> None:
        db.executescript(_SENT)
        # What was recorded before is copied, but no portal is told of what may be settled there long since.
        db.execute("INSERT INTO sent (what, seq) SELECT 'notices', coalesce(max(seq), 0) FROM entry")
        db.execute("PRAGMA user_version = 5")

    return steps


def migrate(db: Database, path: Path) -> None:
    """Bring a file to SCHEMA_VERSION. Raises Refused for a newer file, Discrepancy for another program's."""
    if version_of(db.conn, path) < SCHEMA_VERSION:
        migrations().apply(db)


def version_of(connection: sqlite3.Connection, path: Path, schema: str = "main") -> int:
    """The version of a journal's tables, 0 for an empty file. `schema` is its name on the connection.

    Raises Refused when it is newer than this program, Discrepancy when the file is another program's.
    """
    application = connection.execute(f"PRAGMA {schema}.application_id").fetchone()[0]
    version = connection.execute(f"PRAGMA {schema}.user_version").fetchone()[0]
    if application != APPLICATION_ID:
        tables = {name for (name,) in connection.execute(f"SELECT tbl_name FROM {schema}.sqlite_schema")}
        # sqlite-utils' own table stands alone when power failed between it and the first step.
        if application or version or tables - {Migrations.migrations_table}:
            raise Discrepancy(f"{path} is a database of another program, not a journal.")
    if version > SCHEMA_VERSION:
        raise Refused(
            f"The journal {path} was written by a newer version of this program (schema {version}; this "
            f"version knows {SCHEMA_VERSION}). Install the newer version; nothing was changed."
        )
    return int(version)
