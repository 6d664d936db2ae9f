"""The journal port on SQLite (`cashier.till.ports.Journal`, `PinStore` and `OutboxJournal`)."""

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlite_utils import Database

from cashier.domain.entries import (
    GENESIS,
    Break,
    Draft,
    Entry,
    EntryKind,
    canonical,
    entry_hash,
    utc_text,
)
from cashier.domain.errors import CashierError, Discrepancy, InDoubt
from cashier.domain.fold import MOVING, fold_payment
from cashier.domain.payment import Payment, invoice_key
from cashier.domain.receipt import Receipt, receipt_number
from cashier.domain.records import receipt_from_json, sale_from_json
from cashier.domain.sale import Sale
from cashier.domain.sizes import refuse_oversize
from cashier.journal import projection, search
from cashier.journal.adopt import Adopting
from cashier.journal.lock import JournalLock
from cashier.journal.rows import COLUMNS, body_of, entry_of
from cashier.journal.schema import migrate
from cashier.journal.sent import SentTables
from cashier.journal.sqlite import (
    Connect,
    Settle,
    as_cashier_error,
    connect,
    driver_version,
    is_disk_error,
    open_for_writing,
    require_version,
    settle,
    sqlite3,
    translated,
)
from cashier.journal.verify import Verified, verify_file
from cashier.till.ports import Clock

#: Entries read at a time by `entries`, so that no read stays open while its caller works.
_BATCH = 500
_AFTER = f"SELECT {COLUMNS} FROM entry WHERE seq > ?1"

_NOTHING_RECORDED = "Nothing was recorded."


class SqliteJournal(SentTables, Adopting):
    """One till's journal file, held exclusively for as long as this object is open. Use it on one thread.

    `till` is the code whose receipt series it numbers; `holder` is what a second program is told. The last
    four arguments are what a test varies. Opening raises Refused (SQLite too old, in use by another
    program, a newer file, settings that do not hold), Unavailable or Discrepancy.
    """

    def __init__(
        self,
        path: Path,
        *,
        till: str,
        clock: Clock,
        holder: str,
        open_connection: Connect = connect,
        settle: Settle = settle,
        sqlite_version: tuple[int, ...] | None = None,
        platform: str = sys.platform,
    ) -> None:
        require_version(driver_version() if sqlite_version is None else sqlite_version)
        self._path = path
        self._till = till
        self._clock = clock
        self._open_connection = open_connection
        self._settle = settle
        self._platform = platform
        self._db: Database | None = None
        self._lock = JournalLock(path.with_name(path.name + ".lock"), holder)
        self._lock.acquire()
        try:
            self._opened()
        except BaseException:
            self._lock.release()
            raise

    def close(self) -> None:
        """Close the file and give the lock back."""
        self._drop_connection()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- append ----------------------------------------------------------------------------------------

    def record(self, drafts: Sequence[Draft]) -> tuple[Entry, ...]:
        """See the port. One commit and one sync, however many drafts.

        Raises InDoubt when the disk failed and could not be read back either: the same drafts may be
        recorded again, that is what their ids are for. Refused for one too large for the hub
        (`domain.sizes`). A draft that could not be read back, or that the payment's table does not allow,
        raises before anything is written.
        """
        return self._record(drafts, {})

    def record_pin(self, drafts: Sequence[Draft], person: str, pin_hash: str) -> tuple[Entry, ...]:
        """See the port."""
        return self._record(drafts, {person: pin_hash})

    def pin_hash(self, person: str) -> str | None:
        """See the port."""
        with translated(self._path):
            row = self._opened().execute("SELECT hash FROM pin WHERE person = ?", (person,)).fetchone()
            return row[0] if row else None

    def _record(self, drafts: Sequence[Draft], pins: Mapping[str, str]) -> tuple[Entry, ...]:
        db = self._opened()
        try:
            return self._append_all(db, drafts, pins)
        except sqlite3.Error as error:
            if is_disk_error(error):
                return self._read_back(drafts, error)
            known = as_cashier_error(error, self._path, _NOTHING_RECORDED)
            if known is None:
                raise
            raise known from error

    def _append_all(
        self, db: Database, drafts: Sequence[Draft], pins: Mapping[str, str]
    ) -> tuple[Entry, ...]:
        at = utc_text(self._clock.now())
        with db.atomic():
            for person, pin_hash in pins.items():
                db.execute("INSERT OR REPLACE INTO pin (person, hash) VALUES (?, ?)", (person, pin_hash))
            return tuple(self._append(db, draft, at) for draft in drafts)

    def _append(self, db: Database, draft: Draft, at: str) -> Entry:
        if draft.kind is EntryKind.RECEIPT_ISSUED and "number" in draft.body:
            raise ValueError("the journal numbers receipts; a draft has no number")
        earlier = self._entry(db, draft.id)
        if earlier is not None:
            return _same(earlier, draft)
        body = dict(draft.body)
        if draft.kind is EntryKind.RECEIPT_ISSUED:
            body["number"] = self._next_number(db, draft)
        text = canonical(body)
        refuse_oversize(draft.kind, text)
        last = db.execute("SELECT seq, hash FROM entry ORDER BY seq DESC LIMIT 1").fetchone()
        last_seq, previous = last or (0, GENESIS)
        seq = last_seq + 1
        kind = draft.kind.value
        own_hash = entry_hash(
            seq=seq,
            id=draft.id,
            kind=kind,
            at=at,
            till=self._till,
            subject=draft.subject,
            body_text=text,
            previous=previous,
        )
        row = (seq, draft.id, kind, at, self._till, draft.subject, text, previous, own_hash)
        db.execute(f"INSERT INTO entry ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        entry = entry_of(row)
        self._project(db, entry)
        return entry

    def _next_number(self, db: Database, draft: Draft) -> str:
        """The next number of this till. Raises Discrepancy when table and chain disagree about the last."""
        if draft.body["till"] != self._till:
            raise ValueError(f"a receipt of till {draft.body['till']} in the journal of till {self._till}")
        sequence = projection.next_sequence(db, self._till)
        last = db.execute(
            "SELECT body FROM entry WHERE till = ? AND kind = 'receipt_issued' ORDER BY seq DESC LIMIT 1",
            (self._till,),
        ).fetchone()
        told = body_of(last[0])["number"] if last else None
        expected = receipt_number(self._till, sequence - 1) if sequence > 1 else None
        if told != expected:
            raise Discrepancy(
                f"The receipt table ends at {expected}, the journal at {told}. {_NOTHING_RECORDED} "
                "Verify the journal before taking payments."
            )
        return receipt_number(self._till, sequence)

    def _project(self, db: Database, entry: Entry) -> None:
        """Update the tables, and refuse an entry that could not be read back later."""
        projection.project(db, entry)
        if entry.kind is EntryKind.RECEIPT_ISSUED:
            search.add_to_index(db, entry.seq, receipt_from_json(entry.body))
        elif entry.kind is EntryKind.SALE_RECORDED:
            sale_from_json(entry.body)
        elif entry.kind is EntryKind.PAYMENT_ISSUED or entry.kind in MOVING:
            fold_payment(self._of_subject(db, entry.subject))

    def _read_back(self, drafts: Sequence[Draft], error: sqlite3.Error) -> tuple[Entry, ...]:
        """After a failed write or sync: open the file again and see whether the commit is in it.

        What opening finds is on the disk (`sqlite.settle`).
        """
        try:
            self._drop_connection()
            db = self._opened()
            recorded = [entry for draft in drafts if (entry := self._entry(db, draft.id))]
        except (sqlite3.Error, CashierError) as second:
            raise self._in_doubt() from second
        if len(recorded) < len(drafts):
            raise as_cashier_error(error, self._path, _NOTHING_RECORDED) or error
        return tuple(_same(entry, draft) for entry, draft in zip(recorded, drafts, strict=True))

    def _in_doubt(self) -> InDoubt:
        return InDoubt(
            f"The disk of the journal {self._path} failed. Whether the last entry was recorded is not known "
            "until the till is started again. Charge nothing again before that."
        )

    # -- payments and sales ----------------------------------------------------------------------------

    def entry(self, entry_id: str) -> Entry | None:
        """See the port."""
        with translated(self._path):
            return self._entry(self._opened(), entry_id)

    def open_matters(self) -> tuple[Entry, ...]:
        """See the port."""
        sql = f"SELECT {COLUMNS} FROM entry WHERE seq IN (SELECT seq FROM matter) ORDER BY seq"
        with translated(self._path):
            return tuple(entry_of(row) for row in self._opened().execute(sql).fetchall())

    def charged_reference(self, payment_guid: str) -> str | None:
        """See the port."""
        sql = "SELECT reference FROM charge JOIN payment ON payment.id = payment_id WHERE guid = ?"
        with translated(self._path):
            row = self._opened().execute(sql, (payment_guid,)).fetchone()
            return row[0] if row else None

    def last_of(self, kind: EntryKind) -> Entry | None:
        """See the port."""
        sql = f"SELECT {COLUMNS} FROM entry WHERE kind = ? ORDER BY seq DESC LIMIT 1"
        with translated(self._path):
            row = self._opened().execute(sql, (kind.value,)).fetchone()
            return entry_of(row) if row else None

    def payment(self, reference: str) -> Payment | None:
        """See the port."""
        found = self._payments("reference = ?", (reference,))
        return found[0] if found else None

    def unsettled_payments(self) -> tuple[Payment, ...]:
        """See the port."""
        # As the partial index has it, so that settled payments cost nothing.
        return self._payments("state IN ('ISSUED', 'OPEN', 'IN_DOUBT', 'VOUCHED')", ())

    def payments_of_sale(self, sale_id: str) -> tuple[Payment, ...]:
        """See the port."""
        return self._payments("sale_id = ?", (sale_id,))

    def payments_of_invoice(self, number: str) -> tuple[Payment, ...]:
        """See the port."""
        return self._payments(
            "seq IN (SELECT seq FROM payment_invoice WHERE invoice = ?)", (invoice_key(number),)
        )

    def sale(self, sale_id: str) -> Sale | None:
        """See the port: as it was recorded last."""
        sql = "SELECT body FROM entry WHERE subject = ? AND kind = 'sale_recorded' ORDER BY seq DESC LIMIT 1"
        with translated(self._path):
            row = self._opened().execute(sql, (sale_id,)).fetchone()
            return sale_from_json(body_of(row[0])) if row else None

    def _payments(self, condition: str, values: Sequence[str]) -> tuple[Payment, ...]:
        with translated(self._path):
            db = self._opened()
            ids = db.execute(f"SELECT id FROM payment WHERE {condition} ORDER BY seq", values).fetchall()
            return tuple(fold_payment(self._of_subject(db, payment_id)) for (payment_id,) in ids)

    # -- receipts --------------------------------------------------------------------------------------

    def receipt(self, number: str) -> Receipt | None:
        """See the port; upper and lower case are one."""
        found = self._receipts("number = ? COLLATE NOCASE", (number,))
        return found[0] if found else None

    def receipts_of_sale(self, sale_id: str) -> tuple[Receipt, ...]:
        """See the port."""
        return self._receipts("sale_id = ?", (sale_id,))

    def receipts_of_day(self, business_date: str) -> tuple[Receipt, ...]:
        """See the port."""
        return self._receipts("business_date = ?", (business_date,))

    def search(self, text: str, limit: int) -> tuple[Receipt, ...]:
        """See the port and `cashier.journal.search`; a receipt of exactly the typed number comes first."""
        with translated(self._path):
            return search.find(self._opened(), text, limit, self._clock.today)

    def _receipts(self, condition: str, values: Sequence[str]) -> tuple[Receipt, ...]:
        sql = f"SELECT body FROM receipt JOIN entry USING (seq) WHERE receipt.{condition} ORDER BY seq"
        with translated(self._path):
            rows = self._opened().execute(sql, values).fetchall()
            return tuple(receipt_from_json(body_of(body)) for (body,) in rows)

    # -- entries ---------------------------------------------------------------------------------------

    def entries(self, subject: str | None = None) -> Iterator[Entry]:
        """See the port. Entries recorded while the caller works through them are among them."""
        if subject is None:
            return self._walk(_AFTER, (), 0)
        return self._walk(f"{_AFTER} AND subject = ?2", (subject,), 0)

    def entries_of(self, kinds: Collection[EntryKind], after: int = 0) -> Iterator[Entry]:
        """See the port. Entries recorded while the caller works through them are among them."""
        # Merged from the index in order: one question for all kinds would sort every entry of theirs.
        names = tuple(sorted({kind.value for kind in kinds}))
        each = (f"{_AFTER} AND kind = ?{place}" for place in range(2, len(names) + 2))
        return self._walk(" UNION ALL ".join(each), names, after)

    def _walk(self, rows: str, values: tuple[str, ...], last: int) -> Iterator[Entry]:
        sql = f"{rows} ORDER BY seq LIMIT {_BATCH}"
        while rows:
            with translated(self._path):
                batch = self._opened().execute(sql, (last, *values)).fetchall()
            for row in batch:
                yield entry_of(row)
            if len(batch) < _BATCH:
                return
            last = batch[-1][0]

    def verify(self) -> Break | None:
        """See the port; `verify_all` says more."""
        return self.verify_all().broken

    def verify_all(self) -> Verified:
        """Verify the file on a connection of its own. May be called on another thread."""
        return verify_file(self._path)

    def rebuild(self) -> None:
        """Make every table that is made from entries again, in one commit.

        Raises Discrepancy, changing nothing, when the entries do not follow from each other.
        """
        with translated(self._path):
            projection.rebuild(self._opened())

    # -- helpers ---------------------------------------------------------------------------------------

    def _opened(self) -> Database:
        """The connection; a new one after a disk error closed the last."""
        if self._db is None:
            db = open_for_writing(self._path, self._open_connection, self._platform, self._settle)
            try:
                with translated(self._path):
                    migrate(db, self._path)
            except BaseException:
                db.close()
                raise
            self._db = db
        return self._db

    def _drop_connection(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            db.close()

    def _entry(self, db: Database, entry_id: str) -> Entry | None:
        row = db.execute(f"SELECT {COLUMNS} FROM entry WHERE id = ?", (entry_id,)).fetchone()
        return entry_of(row) if row else None

    def _of_subject(self, db: Database, subject: str) -> list[Entry]:
        rows = db.execute(f"SELECT {COLUMNS} FROM entry WHERE subject = ? ORDER BY seq", (subject,))
        return [entry_of(row) for row in rows]


def _same(earlier: Entry, draft: Draft) -> Entry:
    """The earlier entry of a draft's id. Raises Discrepancy when it says something else."""
    body = dict(earlier.body)
    if earlier.kind is EntryKind.RECEIPT_ISSUED:
        del body["number"]
    told = (earlier.kind, earlier.subject, canonical(body))
    if told != (draft.kind, draft.subject, canonical(dict(draft.body))):
        raise Discrepancy(
            f"Entry {earlier.seq} has the id {draft.id} already and says something else. {_NOTHING_RECORDED}"
        )
    return earlier
