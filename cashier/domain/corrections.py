"""What undoes a receipt: a void on its own business date, a refund after it, a check that the bank returned.

Each is an entry beside the receipt, which stays as it is (behaviours R3, V1 to V4). The subject is the sale.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cashier.domain.entries import Draft, Entry, EntryKind
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


Correction = Void | Refund | ReturnedCheck
_KINDS: Mapping[EntryKind, type[Void] | type[Refund] | type[ReturnedCheck]] = {
    EntryKind.RECEIPT_VOIDED: Void,
    EntryKind.REFUND_MADE: Refund,
    EntryKind.CHECK_RETURNED: ReturnedCheck,
}


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
    return Cents(receipt.paid_cents - gone)
