"""Tables made from the entries, for finding things: which payments are open, which receipts there are.

`project` runs in the commit of the entry it projects; `rebuild` makes everything again from the entries.
Both go the same way, so that an incremental and a rebuilt table are equal.
"""

from sqlite_utils import Database

from cashier.domain.entries import Entry, EntryKind
from cashier.domain.errors import Discrepancy
from cashier.domain.fold import MOVING, next_state
from cashier.domain.payment import PaymentState
from cashier.domain.receipt import Receipt, receipt_number
from cashier.domain.records import receipt_from_json
from cashier.journal.aside import project_aside
from cashier.journal.rows import COLUMNS, entry_of
from cashier.journal.search import add_to_index

#: Kinds that change a projection.
PROJECTED = MOVING | {
    EntryKind.PAYMENT_ISSUED,
    EntryKind.RECEIPT_ISSUED,
    EntryKind.DISCREPANCY_FOUND,
    EntryKind.POSTBACK_UNMATCHED,
    EntryKind.POSTBACK_REPEATED,
    EntryKind.MATTER_SEEN,
    EntryKind.COPY_REFUSED,
}


def project(db: Database, entry: Entry) -> None:
    """Bring the tables up to one more entry. Raises Discrepancy when it does not follow from them."""
    project_aside(db, entry)
    if entry.kind is EntryKind.PAYMENT_ISSUED:
        _issue(db, entry)
    elif entry.kind in MOVING:
        _move(db, entry)
    elif entry.kind is EntryKind.RECEIPT_ISSUED:
        _add_receipt(db, entry)


def next_sequence(db: Database, till: str) -> int:
    """The number after a till's last receipt; 1 for its first."""
    last: int = db.execute(
        "SELECT coalesce(max(sequence), 0) FROM receipt WHERE till = ?", (till,)
    ).fetchone()[0]
    return last + 1


def rebuild(db: Database) -> None:
    """Make every projection again from the entries, in one commit.

    Raises Discrepancy, and changes nothing, when an entry does not follow from those before it.
    """
    with db.atomic():
        for table in ("payment", "payment_invoice", "charge", "matter", "receipt"):
            db.execute(f"DELETE FROM {table}")
        db.execute("INSERT INTO receipt_text (receipt_text) VALUES ('delete-all')")
        for row in db.execute(f"SELECT {COLUMNS} FROM entry ORDER BY seq"):
            entry = entry_of(row)
            project(db, entry)
            if entry.kind is EntryKind.RECEIPT_ISSUED:
                add_to_index(db, entry.seq, receipt_from_json(entry.body))


def _issue(db: Database, entry: Entry) -> None:
    body = entry.body
    db.execute(
        "INSERT INTO payment (seq, id, reference, sale_id, till, amount_cents, state, last_seq)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            entry.seq,
            entry.subject,
            body["reference"],
            body["sale_id"],
            entry.till,
            body["amount_cents"],
            PaymentState.ISSUED.value,
            entry.seq,
        ),
    )


def _move(db: Database, entry: Entry) -> None:
    row = db.execute("SELECT state FROM payment WHERE id = ?", (entry.subject,)).fetchone()
    if row is None:
        raise Discrepancy(f"Entry {entry.seq} is about payment {entry.subject}, which was never issued.")
    state = next_state(PaymentState(row[0]), entry)
    db.execute(
        "UPDATE payment SET state = ?, last_seq = ? WHERE id = ?", (state.value, entry.seq, entry.subject)
    )


def _add_receipt(db: Database, entry: Entry) -> None:
    receipt: Receipt = receipt_from_json(entry.body)
    sequence = next_sequence(db, entry.till)
    expected = receipt_number(entry.till, sequence)
    if receipt.number != expected:
        raise Discrepancy(f"Entry {entry.seq} has receipt number {receipt.number} where {expected} is due.")
    db.execute(
        "INSERT INTO receipt (seq, till, sequence, number, sale_id, payment_id, reference, at, business_date,"
        " cashier, payer, permit, paid_cents, service_fee_cents) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            entry.seq,
            entry.till,
            sequence,
            receipt.number,
            receipt.sale_id,
            receipt.payment_id,
            receipt.reference,
            receipt.at,
            receipt.business_date,
            receipt.cashier,
            receipt.customer.name,
            receipt.permit.number if receipt.permit else "",
            receipt.paid_cents,
            receipt.service_fee_cents,
        ),
    )
