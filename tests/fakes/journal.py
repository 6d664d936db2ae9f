"""A journal in memory: the port's promises in lists, with none of SQLite's."""

from collections.abc import Iterator, Sequence

from cashier.domain.entries import (
    GENESIS,
    Break,
    Draft,
    Entry,
    EntryKind,
    StoredRow,
    canonical,
    entry_hash,
    first_break,
    utc_text,
)
from cashier.domain.errors import Discrepancy, Unavailable
from cashier.domain.fold import fold_payment
from cashier.domain.money import format_cents
from cashier.domain.payment import LOCKING, Payment
from cashier.domain.receipt import Receipt, receipt_number
from cashier.domain.records import receipt_from_json, sale_from_json
from cashier.domain.sale import Sale
from cashier.till.ports import Clock


class MemoryJournal:
    """Keeps everything while it lives. `disk_full` makes `record` refuse, as a full disk would."""

    def __init__(self, till: str, clock: Clock) -> None:
        self.disk_full = False
        self.commits = 0
        self._till = till
        self._clock = clock
        self._entries: list[Entry] = []

    def record(self, drafts: Sequence[Draft]) -> tuple[Entry, ...]:
        """See the port."""
        before = list(self._entries)
        try:
            recorded = tuple(self._append(draft) for draft in drafts)
            for reference in {entry.body["reference"] for entry in self._issued()}:
                self.payment(reference)
            if self.disk_full and len(self._entries) > len(before):
                raise Unavailable("The disk is full. Nothing was recorded.")
        except BaseException:
            self._entries = before
            raise
        self.commits += len(self._entries) > len(before)
        return recorded

    def _append(self, draft: Draft) -> Entry:
        for entry in self._entries:
            if entry.id == draft.id:
                body = {name: value for name, value in entry.body.items() if name != "number"}
                if (entry.kind, entry.subject, canonical(body)) != (
                    draft.kind,
                    draft.subject,
                    canonical({name: value for name, value in draft.body.items() if name != "number"}),
                ):
                    raise Discrepancy(f"Entry {entry.seq} has the id {draft.id} and says something else.")
                return entry
        body = dict(draft.body)
        if draft.kind is EntryKind.RECEIPT_ISSUED:
            body["number"] = receipt_number(self._till, len(self._receipts()) + 1)
        if draft.kind is EntryKind.PAYMENT_ISSUED and body["reference"] in (
            entry.body["reference"] for entry in self._issued()
        ):
            raise Discrepancy(f"The reference {body['reference']} is another payment's.")
        seq = len(self._entries) + 1
        previous = self._entries[-1].hash if self._entries else GENESIS
        at = utc_text(self._clock.now())
        own_hash = entry_hash(
            seq=seq,
            id=draft.id,
            kind=draft.kind.value,
            at=at,
            till=self._till,
            subject=draft.subject,
            body_text=canonical(body),
            previous=previous,
        )
        entry = Entry(seq, draft.id, draft.kind, at, self._till, draft.subject, body, previous, own_hash)
        self._entries.append(entry)
        return entry

    def has(self, entry_id: str) -> bool:
        """See the port."""
        return any(entry.id == entry_id for entry in self._entries)

    def payment(self, reference: str) -> Payment | None:
        """See the port."""
        for entry in self._issued():
            if entry.body["reference"] == reference:
                return fold_payment(self.entries(entry.subject))
        return None

    def unsettled_payments(self) -> tuple[Payment, ...]:
        """See the port."""
        return tuple(payment for payment in self._payments() if payment.state in LOCKING)

    def payments_of_sale(self, sale_id: str) -> tuple[Payment, ...]:
        """See the port."""
        return tuple(payment for payment in self._payments() if payment.sale_id == sale_id)

    def sale(self, sale_id: str) -> Sale | None:
        """See the port."""
        bodies = [e.body for e in self.entries(sale_id) if e.kind is EntryKind.SALE_RECORDED]
        return sale_from_json(bodies[-1]) if bodies else None

    def receipt(self, number: str) -> Receipt | None:
        """See the port."""
        found = [receipt for receipt in self._receipts() if receipt.number == number]
        return found[0] if found else None

    def receipts_of_sale(self, sale_id: str) -> tuple[Receipt, ...]:
        """See the port."""
        return tuple(receipt for receipt in self._receipts() if receipt.sale_id == sale_id)

    def search(self, text: str, limit: int) -> tuple[Receipt, ...]:
        """See the port. Knows whole dates, amounts, and the starts of everything else."""
        words = text.casefold().split()
        found = [r for r in reversed(self._receipts()) if all(_speaks_of(r, word) for word in words)]
        return tuple(found[:limit])

    def entries(self, subject: str | None = None) -> Iterator[Entry]:
        """See the port."""
        yield from [entry for entry in self._entries if subject in (None, entry.subject)]

    def verify(self) -> Break | None:
        """See the port."""
        return first_break(
            StoredRow(e.seq, e.id, e.kind, e.at, e.till, e.subject, canonical(e.body), e.previous, e.hash)
            for e in self._entries
        )

    def _issued(self) -> list[Entry]:
        return [entry for entry in self._entries if entry.kind is EntryKind.PAYMENT_ISSUED]

    def _payments(self) -> list[Payment]:
        return [fold_payment(self.entries(entry.subject)) for entry in self._issued()]

    def _receipts(self) -> list[Receipt]:
        issued = (entry for entry in self._entries if entry.kind is EntryKind.RECEIPT_ISSUED)
        return [receipt_from_json(entry.body) for entry in issued]


def _speaks_of(receipt: Receipt, word: str) -> bool:
    sequence = receipt.number.rpartition("-")[2].lstrip("0")
    starts = [
        receipt.number,
        sequence,
        *receipt.customer.name.split(),
        receipt.permit.number if receipt.permit else "",
        *(invoice.number or "" for invoice in receipt.invoices),
    ]
    amounts = (receipt.paid_cents, receipt.paid_cents + receipt.service_fee_cents)
    exact = [receipt.business_date, *(format_cents(cents) for cents in amounts)]
    return word in exact or any(start.casefold().startswith(word) for start in starts)
