"""The journal as files that open without this program: JSON lines of every entry, CSV of the receipts.

Both read a journal file, in use or not, without its lock.
"""

import csv
from pathlib import Path
from typing import TextIO

from cashier.domain.entries import canonical
from cashier.domain.money import format_cents
from cashier.journal.schema import version_of
from cashier.journal.sqlite import reading, sqlite3
from cashier.journal.walk import walking_entries

RECEIPT_COLUMNS = (
    "number",
    "business_date",
    "at",
    "till",
    "cashier",
    "payer",
    "permit",
    "paid",
    "service_fee",
    "reference",
    "sale_id",
    "payment_id",
    "entry",
)


def export_entries(path: Path, out: TextIO) -> int:
    """Write every entry as one line of canonical JSON, in order, and return how many.

    The `hash` of a line is SHA-256 over the canonical JSON array of seq, id, kind, at, till, subject, the
    body's canonical text and `previous`: anyone can follow the chain through the export.
    """
    count = 0
    with walking_entries(path) as entries:
        for entry in entries:
            members = {
                "seq": entry.seq,
                "id": entry.id,
                "kind": entry.kind.value,
                "at": entry.at,
                "till": entry.till,
                "subject": entry.subject,
                "body": entry.body,
                "previous": entry.previous,
                "hash": entry.hash,
            }
            out.write(canonical(members) + "\n")
            count += 1
    return count


def export_receipts(path: Path, out: TextIO) -> int:
    """Write every receipt as one CSV row under a header, oldest first, and return how many.

    Open `out` with newline="". Text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    with reading(path) as connection:
        if version_of(connection, path) == 0:
            csv.writer(out).writerow(RECEIPT_COLUMNS)
            return 0
        return write_receipts(connection, out)


def write_receipts(
    connection: sqlite3.Connection, out: TextIO, first_seq: int = 1, last_seq: int | None = None
) -> int:
    """The same for the receipts that entries `first_seq` to `last_seq` issued."""
    count = 0
    writer = csv.writer(out)
    writer.writerow(RECEIPT_COLUMNS)
    for row in connection.execute(
        "SELECT number, business_date, at, till, cashier, payer, permit, paid_cents, service_fee_cents,"
        " reference, sale_id, payment_id, seq FROM receipt WHERE seq >= ? AND seq <= ifnull(?, seq)"
        " ORDER BY seq",
        (first_seq, last_seq),
    ):
        *texts, paid, fee, reference, sale_id, payment_id, seq = row
        amounts = (format_cents(paid), format_cents(fee))
        ids = (_plain(reference), _plain(sale_id), _plain(payment_id))
        writer.writerow((*(_plain(text) for text in texts), *amounts, *ids, seq))
        count += 1
    return count


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
