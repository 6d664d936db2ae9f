"""A journal in memory: the port's promises, with none of SQLite's.

Everything that is asked for is kept ready, so that a record costs the same after a year: the simulation
writes millions of entries.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence

from cashier.domain.entries import (
    GENESIS,
    Break,
    Draft,
    Entry,
    EntryKind,
    Json,
    StoredRow,
    canonical,
    entry_hash,
    first_break,
    utc_text,
)
from cashier.domain.errors import Discrepancy, Unavailable
from cashier.domain.fold import MOVING, step
from cashier.domain.matters import closes_matter, opens_matter
from cashier.domain.money import format_cents
from cashier.domain.outbox import Anchor, Kept, Outage, Owed
from cashier.domain.payment import UNSETTLED, Payment, invoice_key
from cashier.domain.receipt import Receipt, receipt_number
from cashier.domain.records import receipt_from_json, sale_from_json
from cashier.domain.sale import Sale
from cashier.domain.sizes import refuse_oversize
from cashier.till.ports import Clock

#: Kinds whose subject is a payment, once it was issued.
_OF_A_PAYMENT = MOVING | {EntryKind.PAYMENT_ISSUED, EntryKind.DISCREPANCY_FOUND}


class _Tables:
    """What is made from entries: everything can be made again."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.by_id: dict[str, Entry] = {}
        self.by_subject: dict[str, list[Entry]] = {}
        self.newest: dict[EntryKind, Entry] = {}
        self.payments: dict[str, Payment] = {}
        self.unsettled: dict[str, int] = {}
        self.references: dict[str, str] = {}
        self.of_sale: dict[str, list[str]] = {}
        self.of_invoice: dict[str, list[str]] = {}
        self.sales: dict[str, Sale] = {}
        self.charges: dict[str, str] = {}
        self.matters: dict[str, Entry] = {}
        self.receipts: list[Receipt] = []
        self.receipts_by_number: dict[str, Receipt] = {}
        self.receipts_by_sale: dict[str, list[Receipt]] = {}
        self.receipts_by_day: dict[str, list[Receipt]] = {}

    def add(self, entry: Entry) -> None:
        """One more entry. Raises Discrepancy when it does not follow from those before it."""
        self.entries.append(entry)
        self.by_id[entry.id] = entry
        self.by_subject.setdefault(entry.subject, []).append(entry)
        self.newest[entry.kind] = entry
        if (matter := closes_matter(entry)) is not None:
            self.matters.pop(matter, None)
        if opens_matter(entry):
            self.matters[entry.id] = entry
        if entry.kind is EntryKind.SALE_RECORDED:
            self.sales[entry.subject] = sale_from_json(entry.body)
        elif entry.kind is EntryKind.RECEIPT_ISSUED:
            self._add_receipt(receipt_from_json(entry.body))
        elif entry.kind in _OF_A_PAYMENT:
            self._move_payment(entry)

    def _add_receipt(self, receipt: Receipt) -> None:
        self.receipts.append(receipt)
        self.receipts_by_number[receipt.number.casefold()] = receipt
        self.receipts_by_sale.setdefault(receipt.sale_id, []).append(receipt)
        self.receipts_by_day.setdefault(receipt.business_date, []).append(receipt)

    def _move_payment(self, entry: Entry) -> None:
        known = self.payments.get(entry.subject)
        if known is None and entry.kind is EntryKind.DISCREPANCY_FOUND:
            return  # about a reference that was never issued here
        payment = self.payments[entry.subject] = step(known, entry)
        if known is None:
            if payment.reference in self.references:
                raise Discrepancy(f"The reference {payment.reference} is another payment's.")
            self.references[payment.reference] = payment.id
            self.of_sale.setdefault(payment.sale_id, []).append(payment.id)
            for key in sorted({invoice_key(share.number) for share in payment.invoices}):
                self.of_invoice.setdefault(key, []).append(payment.id)
        if payment.state in UNSETTLED:
            self.unsettled[payment.id] = self.by_subject[payment.id][0].seq
        else:
            self.unsettled.pop(payment.id, None)
        for item in entry.body.get("confirmations", ()):
            if item["payment_guid"]:
                self.charges.setdefault(item["payment_guid"], payment.reference)


class MemoryJournal:
    """Keeps everything while it lives. `disk_full` makes `record` refuse, as a full disk would."""

    def __init__(self, till: str, clock: Clock) -> None:
        self.disk_full = False
        self.commits = 0
        self._till = till
        self._clock = clock
        self._tables = _Tables()
        self._pins: dict[str, str] = {}
        self._sent: dict[Owed, int] = {}
        self._anchors: dict[int, Anchor] = {}
        self._outage: Outage | None = None

    def record(self, drafts: Sequence[Draft]) -> tuple[Entry, ...]:
        """See the port."""
        return self._record(drafts)

    def record_pin(self, drafts: Sequence[Draft], person: str, pin_hash: str) -> tuple[Entry, ...]:
        """See the port."""
        recorded = self._record(drafts)
        self._pins[person] = pin_hash
        return recorded

    def pin_hash(self, person: str) -> str | None:
        """See the port."""
        return self._pins.get(person)

    def _record(self, drafts: Sequence[Draft]) -> tuple[Entry, ...]:
        before = len(self._tables.entries)
        try:
            recorded = tuple(self._append(draft) for draft in drafts)
            if self.disk_full and len(self._tables.entries) > before:
                raise Unavailable("The disk is full. Nothing was recorded.")
        except BaseException:
            kept = self._tables.entries[:before]
            self._tables = _Tables()
            for entry in kept:
                self._tables.add(entry)
            raise
        self.commits += len(self._tables.entries) > before
        return recorded

    def _append(self, draft: Draft) -> Entry:
        earlier = self._tables.by_id.get(draft.id)
        if earlier is not None:
            told = (earlier.kind, earlier.subject, _text(earlier.body))
            if told != (draft.kind, draft.subject, _text(draft.body)):
                raise Discrepancy(f"Entry {earlier.seq} has the id {draft.id} and says something else.")
            return earlier
        body = dict(draft.body)
        if draft.kind is EntryKind.RECEIPT_ISSUED:
            body["number"] = receipt_number(self._till, len(self._tables.receipts) + 1)
        refuse_oversize(draft.kind, canonical(body))
        entries = self._tables.entries
        seq = len(entries) + 1
        previous = entries[-1].hash if entries else GENESIS
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
        self._tables.add(entry)
        return entry

    def entry(self, entry_id: str) -> Entry | None:
        """See the port."""
        return self._tables.by_id.get(entry_id)

    def open_matters(self) -> tuple[Entry, ...]:
        """See the port."""
        return tuple(self._tables.matters.values())

    def charged_reference(self, payment_guid: str) -> str | None:
        """See the port."""
        return self._tables.charges.get(payment_guid)

    def last_of(self, kind: EntryKind) -> Entry | None:
        """See the port."""
        return self._tables.newest.get(kind)

    def payment(self, reference: str) -> Payment | None:
        """See the port."""
        payment_id = self._tables.references.get(reference)
        return None if payment_id is None else self._tables.payments[payment_id]

    def unsettled_payments(self) -> tuple[Payment, ...]:
        """See the port."""
        unsettled = self._tables.unsettled
        return tuple(self._tables.payments[name] for name in sorted(unsettled, key=lambda n: unsettled[n]))

    def payments_of_sale(self, sale_id: str) -> tuple[Payment, ...]:
        """See the port."""
        return tuple(self._tables.payments[name] for name in self._tables.of_sale.get(sale_id, ()))

    def payments_of_invoice(self, number: str) -> tuple[Payment, ...]:
        """See the port."""
        names = self._tables.of_invoice.get(invoice_key(number), ())
        return tuple(self._tables.payments[name] for name in names)

    def sale(self, sale_id: str) -> Sale | None:
        """See the port."""
        return self._tables.sales.get(sale_id)

    def receipt(self, number: str) -> Receipt | None:
        """See the port."""
        return self._tables.receipts_by_number.get(number.casefold())

    def receipts_of_sale(self, sale_id: str) -> tuple[Receipt, ...]:
        """See the port."""
        return tuple(self._tables.receipts_by_sale.get(sale_id, ()))

    def receipts_of_day(self, business_date: str) -> tuple[Receipt, ...]:
        """See the port."""
        return tuple(self._tables.receipts_by_day.get(business_date, ()))

    def search(self, text: str, limit: int) -> tuple[Receipt, ...]:
        """See the port. Knows whole dates, amounts, and the starts of everything else."""
        words = text.casefold().split()
        found: list[Receipt] = []
        for receipt in reversed(self._tables.receipts):
            if len(found) >= limit:
                break
            if all(_speaks_of(receipt, word) for word in words):
                found.append(receipt)
        return tuple(found)

    def entries(self, subject: str | None = None) -> Iterator[Entry]:
        """See the port. Entries recorded while the caller works through them are among them."""
        tables = self._tables
        yield from tables.entries if subject is None else tables.by_subject.get(subject, ())

    def entries_of(self, kinds: Collection[EntryKind], after: int = 0) -> Iterator[Entry]:
        """See the port."""
        entries, place = self._tables.entries, after
        while place < len(entries):
            place += 1
            if entries[place - 1].kind in kinds:
                yield entries[place - 1]

    def verify(self) -> Break | None:
        """See the port."""
        return first_break(_row(entry) for entry in self._tables.entries)

    def head(self) -> Kept:
        """See the port."""
        entries = self._tables.entries
        return Kept(entries[-1].seq, entries[-1].hash) if entries else Kept()

    def rows_after(self, seq: int, limit: int) -> tuple[StoredRow, ...]:
        """See the port."""
        return tuple(_row(entry) for entry in self._tables.entries[seq : seq + limit])

    def sent(self, what: Owed) -> int:
        """See the port."""
        return self._sent.get(what, 0)

    def mark_sent(self, what: Owed, seq: int, anchors: Iterable[Anchor] = ()) -> None:
        """See the port."""
        if self.disk_full:
            raise Unavailable("The disk is full.")
        self._sent[what] = seq
        for anchor in anchors:
            self._anchors.setdefault(anchor.seq, anchor)

    def receipts_after(self, seq: int) -> int:
        """See the port."""
        return sum(1 for _entry in self.entries_of((EntryKind.RECEIPT_ISSUED,), seq))

    def anchors(self) -> tuple[Anchor, ...]:
        """See the port."""
        return tuple(self._anchors[seq] for seq in sorted(self._anchors))

    def outage(self) -> Outage | None:
        """See the port."""
        return self._outage

    def mark_outage(self, outage: Outage | None) -> None:
        """See the port."""
        if self.disk_full:
            raise Unavailable("The disk is full.")
        self._outage = outage


def _row(e: Entry) -> StoredRow:
    return StoredRow(e.seq, e.id, e.kind, e.at, e.till, e.subject, canonical(e.body), e.previous, e.hash)


def _text(body: Json) -> str:
    return canonical({name: value for name, value in body.items() if name != "number"})


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
