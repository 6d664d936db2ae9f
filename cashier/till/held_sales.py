"""Hold and resume: sales put aside for a while, under the customer's name.

What is put aside is in the journal, content and all, and nowhere else: it survives a restart and can be
resumed at this till only. Given invoice numbers of it are held at the hub, so that no other till can take or
hold the same one meanwhile. Nothing of a held sale is money: fees are priced anew when it is resumed.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from cashier.domain.enquiry import FoundInvoice
from cashier.domain.entries import Draft as EntryDraft
from cashier.domain.entries import Entry, EntryKind
from cashier.domain.errors import Held, Refused
from cashier.domain.ids import held_by, held_reference
from cashier.domain.money import Cents, format_dollars
from cashier.domain.payment import InvoiceShare, PaymentState
from cashier.domain.pricing import FeeRequest
from cashier.domain.sale import Customer, Permit
from cashier.till.config import TillConfig
from cashier.till.draft import Draft, Retrieved
from cashier.till.identity import new_id
from cashier.till.ports import Clock, Holds, Journal, Randomness

#: More than a counter's queue; a limit so that nothing grows without one.
HELD_MAX = 30
#: What the entries are about, all of them: so that the list is found without reading the whole journal.
SUBJECT = "held-sales"


@dataclass(frozen=True)
class HeldSale:
    """A sale put aside. `at` is UTC text, `by` who did it; `reference` its hold at the hub, or empty."""

    id: str
    at: str
    by: str
    name: str
    total_cents: Cents
    lines: int
    invoices: tuple[tuple[str, str], ...]
    reference: str


class HeldSales:
    """What is put aside at this till: a fold over the journal, kept up with each entry."""

    def __init__(
        self,
        config: TillConfig,
        clock: Clock,
        randomness: Randomness,
        journal: Journal,
        holds: Holds,
        cashier: Callable[[], str],
    ) -> None:
        self._cashier = cashier
        self._config = config
        self._clock = clock
        self._randomness = randomness
        self._journal = journal
        self._holds = holds
        self._held: dict[str, Entry] = {}
        self._announcing: set[str] = set()
        for entry in journal.entries(SUBJECT):
            self._apply(entry)

    def _apply(self, entry: Entry) -> None:
        if entry.kind is EntryKind.SALE_HELD:
            self._held[entry.body["held_id"]] = entry
        else:
            self._held.pop(entry.body["held_id"], None)

    # -- looking ---------------------------------------------------------------------------------------

    def all(self) -> tuple[HeldSale, ...]:
        """What is put aside now, oldest first."""
        return tuple(_view(entry) for entry in self._held.values())

    def whose(self, biller: str, number: str) -> str:
        """The sale put aside that an invoice is on, in words, or empty."""
        wanted = (biller, number.casefold())
        for held in self.all():
            if wanted in ((name, invoice.casefold()) for name, invoice in held.invoices):
                return f"the sale of {held.name}, put aside by {held.by} at {held.at[11:16]} UTC"
        return ""

    def is_over(self, reference: str) -> bool:
        """Whether a reference is of this till's held sales and of none that is put aside or about to be."""
        own = held_by(reference) == self._config.till
        alive = {entry.body["reference"] for entry in self._held.values()} | self._announcing
        return own and reference not in alive

    # -- verbs -----------------------------------------------------------------------------------------

    async def hold(self, draft: Draft, is_unchanged: Callable[[], bool]) -> HeldSale:
        """Put a draft aside: held at the hub first where it has given invoices, then recorded.

        Raises Held when another till has one of the invoices, Refused for what cannot be held, Unavailable
        or InDoubt when the hub gave no word: then it is not put aside.
        """
        if not draft.has_lines:
            raise Refused("There is nothing to put aside yet.")
        if not draft.customer.name.strip():
            raise Refused("A sale is put aside under the customer's name. Enter it first.")
        if len(self._held) >= HELD_MAX:
            raise Refused(f"{HELD_MAX} sales are put aside already. Resume or drop one of them first.")
        held_id = new_id(self._clock, self._randomness)
        reference = held_reference(self._config.till, held_id) if draft.retrieved else ""
        if reference:
            self._announcing.add(reference)
        try:
            if reference:
                await self._announce(reference, draft)
            if not is_unchanged():
                raise Refused("The sale was changed meanwhile. It is not put aside; try again.")
            return self._record_held(str(held_id), reference, draft)
        finally:
            # From now on it is alive by its entry, or over: then the keeper of holds gives it back.
            self._announcing.discard(reference)

    async def _announce(self, reference: str, draft: Draft) -> None:
        shares = [InvoiceShare(line.found.number, line.amount_cents) for line in draft.retrieved]
        total = sum(share.amount_cents for share in shares)
        wanted = (reference, draft.biller or "", total, shares, None)
        try:
            await self._holds.announce(*wanted)
        except Held as held:
            if not self.is_over(held.reference):
                raise
            await self._holds.settled(held.reference, PaymentState.ABANDONED)
            await self._holds.announce(*wanted)

    def resume(self, held_id: str, empty: Draft) -> tuple[Draft, str]:
        """Take a sale up again over an empty draft; the draft, and what has changed of its prices, or empty.

        Raises Refused, and it stays put aside, when a fee of it can no longer be priced.
        """
        entry = self._entry(held_id)
        draft = draft_from_json(entry.body["draft"], empty)
        before, now = entry.body["total_cents"], draft.total_cents
        self._record(EntryKind.SALE_RESUMED, held_id, {"by": self._cashier(), "total_cents": now})
        if before == now:
            return draft, ""
        return draft, (
            f"The fees were priced anew: {format_dollars(before)} when it was put aside, "
            f"{format_dollars(now)} now. Tell the payer."
        )

    def drop(self, held_id: str) -> None:
        """Give a held sale up. Nothing of it was paid."""
        self._entry(held_id)
        self._record(EntryKind.SALE_HELD_DROPPED, held_id, {"by": self._cashier()})

    # -- recording -------------------------------------------------------------------------------------

    def _entry(self, held_id: str) -> Entry:
        if held_id not in self._held:
            raise Refused("This sale is no longer put aside.")
        return self._held[held_id]

    def _record_held(self, held_id: str, reference: str, draft: Draft) -> HeldSale:
        body = {
            "reference": reference,
            "name": draft.customer.name,
            "by": self._cashier(),
            "total_cents": draft.total_cents,
            "draft": draft_to_json(draft),
        }
        return _view(self._record(EntryKind.SALE_HELD, held_id, body))

    def _record(self, kind: EntryKind, held_id: str, body: Mapping[str, Any]) -> Entry:
        drafted = EntryDraft(
            str(new_id(self._clock, self._randomness)), kind, SUBJECT, {"held_id": held_id, **body}
        )
        (entry,) = self._journal.record([drafted])
        self._apply(entry)
        return entry


def _view(entry: Entry) -> HeldSale:
    body = entry.body
    content = body["draft"]
    return HeldSale(
        id=body["held_id"],
        at=entry.at,
        by=body["by"],
        name=body["name"],
        total_cents=Cents(body["total_cents"]),
        lines=len(content["lines"]) + len(content["invoices"]),
        invoices=tuple((item["biller"], item["found"]["number"]) for item in content["invoices"]),
        reference=body["reference"],
    )


def draft_to_json(draft: Draft) -> dict[str, Any]:
    """A draft's content as plain JSON; dates as ISO text. Prices are kept for comparison only."""
    return {
        "sale_id": draft.sale_id,
        "customer": asdict(draft.customer),
        "permit": asdict(draft.permit) if draft.permit else None,
        "reader_id": draft.reader_id,
        "next_number": draft.next_number,
        "lines": [
            {
                "number": line.number,
                "code": line.request.code,
                "quantity": line.request.quantity,
                "measures": dict(line.request.measures),
                "amount_cents": line.priced.amount_cents,
            }
            for line in draft.lines
        ],
        "invoices": [
            {
                "number": line.number,
                "biller": line.biller,
                "type_id": line.type_id,
                "amount_cents": line.amount_cents,
                "found": _found_to_json(line.found),
            }
            for line in draft.retrieved
        ],
    }


def draft_from_json(body: Mapping[str, Any], empty: Draft) -> Draft:
    """The inverse of draft_to_json, over an empty draft whose schedule prices the fees anew.

    Raises Refused when a fee cannot be priced any more.
    """
    draft = replace(
        empty,
        sale_id=body["sale_id"],
        customer=Customer(**body["customer"]),
        permit=Permit(**body["permit"]) if body["permit"] else None,
        reader_id=body["reader_id"],
        next_number=body["next_number"],
        retrieved=tuple(
            Retrieved(
                item["number"],
                item["biller"],
                item["type_id"],
                _found_from_json(item["found"]),
                Cents(item["amount_cents"]),
            )
            for item in body["invoices"]
        ),
    )
    requests = {
        item["number"]: FeeRequest(item["code"], item["quantity"], item["measures"]) for item in body["lines"]
    }
    try:
        return draft.priced_anew(requests)
    except Refused as refused:
        raise Refused(
            f"This sale cannot be resumed as it was: {refused.user_text} It stays put aside; drop it and "
            "enter it anew."
        ) from refused


def _found_to_json(found: FoundInvoice) -> dict[str, Any]:
    members = asdict(found)
    for name in ("date", "due_date", "autopay"):
        members[name] = members[name].isoformat() if members[name] else None
    return members


def _found_from_json(body: Mapping[str, Any]) -> FoundInvoice:
    days = {name: _day(body[name]) for name in ("date", "due_date", "autopay")}
    return FoundInvoice(**{**body, **days})


def _day(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None
