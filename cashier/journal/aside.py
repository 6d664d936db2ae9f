"""Tables beside the payments: their invoices, the gateway's charges, what a person has to see to.

They say nothing about what follows from what, so that they can be made from any journal, a broken one too.
"""

from sqlite_utils import Database

from cashier.domain.entries import Entry, EntryKind
from cashier.domain.matters import closes_matter, opens_matter
from cashier.domain.payment import invoice_key


def project_aside(db: Database, entry: Entry) -> None:
    """Bring invoices, charges and matters up to one more entry."""
    if opens_matter(entry):
        db.execute("INSERT INTO matter (seq, id) VALUES (?, ?)", (entry.seq, entry.id))
    if (seen := closes_matter(entry)) is not None:
        db.execute("DELETE FROM matter WHERE id = ?", (seen,))
    if entry.kind is EntryKind.PAYMENT_ISSUED:
        for invoice in sorted({invoice_key(item["number"]) for item in entry.body["invoices"]}):
            db.execute("INSERT INTO payment_invoice (invoice, seq) VALUES (?, ?)", (invoice, entry.seq))
    if entry.kind is EntryKind.PAYMENT_TOLD:
        guids = {item["payment_guid"] for item in entry.body["confirmations"]} - {""}
        for guid in sorted(guids):
            db.execute(
                "INSERT INTO charge (seq, guid, payment_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (entry.seq, guid, entry.subject),
            )
