"""What undoes a receipt: a void on its own business date, a refund after it, a check that the bank returned.

Each is an entry beside the receipt, which stays as it is (behaviours R3, V1 to V4). The subject is the sale.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from cashier.domain.entries import Draft, Entry, EntryKind
from cashier.domain.errors import Discrepancy
from cashier.domain.money import Cents
from cashier.domain.receipt import Receipt, TenderKind

#: Why a receipt is undone; text is asked for beside it.
REASONS = (
    "wrong amount",
    "wrong permit or customer",
    "wrong tender",
    "permit withdrawn",
    "paid twice",
    "other",
)


@dataclass(frozen=True)
class Void:
    """A receipt taken back on its own business date: body of RECEIPT_VOIDED. It keeps its number."""

    receipt: str
    business_date: str
    amount_cents: Cents
    reason: str
    text: str
    requester: str
    approver: str


@dataclass(frozen=True)
class Refund:
    """Money given back for a receipt: body of REFUND_MADE.

    `is_done` is False for a card refund that was requested and is to be done in the gateway's portal.
    `service_fee_cents` is what of the service fee goes back with it. `tender_id` is the tender it undoes.
    """

    id: str
    receipt: str
    business_date: str
    kind: TenderKind
    amount_cents: Cents
    service_fee_cents: Cents
    reason: str
    text: str
    requester: str
    approver: str
    is_done: bool
    tender_id: str = ""


@dataclass(frozen=True)
class ReturnedCheck:
    """A check that the bank did not honour: body of CHECK_RETURNED."""

    receipt: str
    business_date: str
    tender_id: str
    number: str
    amount_cents: Cents
    reason: str
    by: str


class SeenAt(StrEnum):
    """Where it was seen that a card refund was made. Persisted by name."""

    PORTAL = "portal"
    SETTLEMENT_FILE = "settlement file"


@dataclass(frozen=True)
class RefundConfirmed:
    """A card refund that was asked for is made: body of REFUND_CONFIRMED.

    `refund` is the id of the Refund that it speaks of, `reference` the number under which it was seen. From
    its `business_date` on the refund counts as done; the day on which it was asked for stays as it was.
    """

    refund: str
    receipt: str
    business_date: str
    seen_at: SeenAt
    reference: str
    reason: str
    requester: str
    approver: str


#: What takes money back, as reports count it.
Undoing = Void | Refund | ReturnedCheck
Correction = Undoing | RefundConfirmed
_KINDS: Mapping[EntryKind, type[Void] | type[Refund] | type[ReturnedCheck] | type[RefundConfirmed]] = {
    EntryKind.RECEIPT_VOIDED: Void,
    EntryKind.REFUND_MADE: Refund,
    EntryKind.CHECK_RETURNED: ReturnedCheck,
    EntryKind.REFUND_CONFIRMED: RefundConfirmed,
}
#: Every kind of entry that is a correction.
CORRECTION_KINDS = tuple(_KINDS)


def correction_draft(entry_id: str, sale_id: str, correction: Correction) -> Draft:
    """The entry of a correction."""
    kind = next(kind for kind, made in _KINDS.items() if made is type(correction))
    return Draft(entry_id, kind, sale_id, asdict(correction))


def correction_of(entry: Entry) -> Correction | None:
    """The correction that an entry records, or None for another kind."""
    made = _KINDS.get(entry.kind)
    if made is None:
        return None
    body: dict[str, Any] = dict(entry.body)
    if made is Refund:
        body["kind"] = TenderKind(body["kind"])
    elif made is RefundConfirmed:
        body["seen_at"] = SeenAt(body["seen_at"])
    return made(**body)


def corrections_of(entries: Iterable[Entry]) -> tuple[Correction, ...]:
    """Every correction among entries, in order."""
    return tuple(found for entry in entries if (found := correction_of(entry)) is not None)


def is_void(receipt: Receipt, corrections: Iterable[Correction]) -> bool:
    """Whether a receipt was taken back."""
    return any(isinstance(item, Void) and item.receipt == receipt.number for item in corrections)


def refundable_cents(receipt: Receipt, corrections: Iterable[Correction]) -> Cents:
    """What may still be refunded of a receipt, over all tenders; nothing of one taken back."""
    corrections = tuple(corrections)
    if is_void(receipt, corrections):
        return Cents(0)
    gone = sum(
        item.amount_cents
        for item in corrections
        if isinstance(item, Refund | ReturnedCheck) and item.receipt == receipt.number
    )
    # A check may come back from the bank after its money was refunded.
    return Cents(max(receipt.paid_cents - gone, 0))


def counted(corrections: Iterable[tuple[Correction, str]]) -> Iterator[tuple[Undoing, str]]:
    """Corrections, each with its till, as reports count them: a confirmed refund comes again, as done.

    It then has the business date of its confirmation, and says where it was seen. Takes all there are, in
    order. Raises Discrepancy for a confirmation of what was not asked for.
    """
    asked: dict[str, Refund] = {}
    for item, till in corrections:
        if not isinstance(item, RefundConfirmed):
            if isinstance(item, Refund) and not item.is_done:
                asked[item.id] = item
            yield item, till
            continue
        refund = asked.pop(item.refund, None)
        if refund is None:
            raise Discrepancy(f"A refund of {item.receipt} is confirmed that was not asked for, or twice.")
        seen = f"asked for on {refund.business_date}; {item.seen_at.value} {item.reference}"
        text = f"{refund.text} ({seen}, approved by {item.approver})"
        yield replace(refund, is_done=True, business_date=item.business_date, text=text), till


def open_refunds(corrections: Iterable[Correction]) -> tuple[Refund, ...]:
    """Card refunds that were asked for and are not known to be made, oldest first."""
    asked: dict[str, Refund] = {}
    for item in corrections:
        if isinstance(item, Refund) and not item.is_done:
            asked[item.id] = item
        elif isinstance(item, RefundConfirmed):
            asked.pop(item.refund, None)
    return tuple(asked.values())


def made_refunds(corrections: Iterable[Correction]) -> tuple[Refund, ...]:
    """Refunds that were made, or are known to be."""
    corrections = tuple(corrections)
    still_open = {item.id for item in open_refunds(corrections)}
    return tuple(item for item in corrections if isinstance(item, Refund) and item.id not in still_open)
