"""Hold and resume: sales put aside for a while, under the customer's name.

What is put aside is in the journal, content and all, and nowhere else: it survives a restart and can be
resumed at this till only. Given invoice numbers of it are held at the hub, so that no other till can take or
hold the same one meanwhile. Nothing of a held sale is money: fees are priced anew when it is resumed.

While cards cannot be taken a sale can be parked: put aside to wait for the line. Where the hub gives no word
then, it has no hold until the hub answers again (`hold_again`), and what is due is asked for right before it
is charged, as of any other (`rechecking`).
"""

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

from cashier.domain.enquiry import FoundInvoice
from cashier.domain.entries import Draft as EntryDraft
from cashier.domain.entries import Entry, EntryKind
from cashier.domain.errors import Discrepancy, Held, InDoubt, Refused, Unavailable
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
    """A sale put aside. `at` is UTC text, `by` who did it; `reference` its hold at the hub, or empty.

    `line_fault` says why cards could not be taken when it was parked for the line; empty for any other.
    `not_held` says why the hub refused its invoices since: whoever has them; empty where it did not.
    """

    id: str
    at: str
    by: str
    name: str
    total_cents: Cents
    lines: int
    invoices: tuple[tuple[str, str], ...]
    reference: str
    permit: str = ""
    line_fault: str = ""
    not_held: str = ""

    @property
    def waits_for_line(self) -> bool:
        """Whether it was parked because cards could not be taken."""
        return bool(self.line_fault)

    @property
    def is_unheld(self) -> bool:
        """Whether it has given invoices that the hub does not hold for it."""
        return bool(self.invoices) and not self.reference


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
        #: Why the hub refused to hold a parked sale's invoices when it was asked last, by the sale's id.
        self._not_held: dict[str, str] = {}
        for entry in journal.entries(SUBJECT):
            self._apply(entry)

    def _apply(self, entry: Entry) -> None:
        if entry.kind is EntryKind.SALE_HELD:
            self._held[entry.body["held_id"]] = entry
        elif entry.kind is EntryKind.SALE_HELD_AT_HUB:
            earlier = self._held[entry.body["held_id"]]  # as it was put aside, by whom and when
            body = {**earlier.body, "reference": entry.body["reference"]}
            self._held[entry.body["held_id"]] = replace(earlier, body=body)
        else:
            self._held.pop(entry.body["held_id"], None)
        self._not_held.pop(entry.body["held_id"], None)

    # -- looking ---------------------------------------------------------------------------------------

    def all(self) -> tuple[HeldSale, ...]:
        """What is put aside now: what waits for the line first, then oldest first."""
        views = (
            replace(_view(entry), not_held=self._not_held.get(held_id, ""))
            for held_id, entry in self._held.items()
        )
        return tuple(sorted(views, key=lambda held: not held.waits_for_line))

    def one(self, held_id: str) -> HeldSale:
        """One of them. Raises Refused when it is no longer put aside."""
        return _view(self._entry(held_id))

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

    async def hold(
        self,
        draft: Draft,
        is_unchanged: Callable[[], bool],
        *,
        line_fault: str = "",
        hub_answers: bool = True,
    ) -> HeldSale:
        """Put a draft aside: held at the hub first where it has given invoices, then recorded.

        `line_fault` says why cards cannot be taken now: then it waits for the line, with a hold only where
        the hub can be asked (`hub_answers`) and gives its word.

        Raises Held when another till has one of the invoices, Refused for what cannot be held, Unavailable
        or InDoubt when the hub gave no word and the line is not off: then it is not put aside.
        """
        if not draft.has_lines:
            raise Refused("There is nothing to put aside yet.")
        if not draft.customer.name.strip():
            raise Refused("A sale is put aside under the customer's name. Enter it first.")
        if len(self._held) >= HELD_MAX:
            raise Refused(f"{HELD_MAX} sales are put aside already. Resume or drop one of them first.")
        held_id = new_id(self._clock, self._randomness)
        wants_hold = bool(draft.retrieved) and (hub_answers or not line_fault)
        reference = held_reference(self._config.till, held_id) if wants_hold else ""
        if reference:
            self._announcing.add(reference)
        is_held = False
        try:
            if reference:
                is_held = await self._is_announced(reference, draft, is_needed=not line_fault)
            if not is_unchanged():
                raise Refused("The sale was changed meanwhile. It is not put aside; try again.")
            return self._record_held(str(held_id), reference if is_held else "", draft, line_fault)
        finally:
            # From now on it is alive by its entry, or over: then the keeper of holds gives it back.
            self._announcing.discard(reference)

    async def _is_announced(self, reference: str, draft: Draft, *, is_needed: bool) -> bool:
        """Whether the hub gave its word. A hold whose answer was lost is given back: no entry names it."""
        shares = [InvoiceShare(line.found.number, line.amount_cents) for line in draft.retrieved]
        try:
            await self._announce(reference, draft.biller or "", shares)
        except (Unavailable, InDoubt):
            if is_needed:
                raise
            return False
        return True

    async def hold_again(self, known: Collection[str]) -> bool:
        """Hold at the hub what it should hold and does not; whether anything is other than it was.

        `known` are the references that it holds: what was parked without its word is not among them, and what
        a hub lacks that was restored from a backup. What it refuses stays put aside without a hold, with the
        reason, and is asked for again the next time. Raises Unavailable or InDoubt when it gives no word.
        """
        before = self.all()
        for held in before:
            is_lacking = bool(held.invoices) and held.reference not in known
            if is_lacking and held.id in self._held:  # the one before took its time
                await self._hold_again(held)
        return self.all() != before

    async def _hold_again(self, held: HeldSale) -> None:
        items = self._held[held.id].body["draft"]["invoices"]
        shares = [InvoiceShare(item["found"]["number"], Cents(item["amount_cents"])) for item in items]
        # Always the same reference for a sale: asked for twice, it is held once.
        reference = held_reference(self._config.till, UUID(held.id))
        self._announcing.add(reference)
        try:
            await self._announce(reference, items[0]["biller"], shares)
            self._not_held.pop(held.id, None)
            if held.is_unheld and held.id in self._held:  # resumed meanwhile, the hold is given back
                self._record(EntryKind.SALE_HELD_AT_HUB, held.id, {"reference": reference})
        except (Refused, Discrepancy) as refused:
            self._not_held[held.id] = refused.user_text
        finally:
            self._announcing.discard(reference)

    async def _announce(self, reference: str, biller: str, shares: Sequence[InvoiceShare]) -> None:
        total = sum(share.amount_cents for share in shares)
        wanted = (reference, biller, total, shares, None)
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

    def _record_held(self, held_id: str, reference: str, draft: Draft, line_fault: str) -> HeldSale:
        body = {
            "reference": reference,
            "name": draft.customer.name,
            "by": self._cashier(),
            "total_cents": draft.total_cents,
            "waits_for_line": bool(line_fault),
            "line_fault": line_fault,
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
        permit=content["permit"]["number"] if content["permit"] else "",
        line_fault=body.get("line_fault", ""),  # entries of earlier versions have none
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
