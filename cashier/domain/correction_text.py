"""What was done to a receipt since it was issued, in words: its state in a list, items beneath its page."""

from collections.abc import Iterable, Iterator

from cashier.domain.corrections import (
    Correction,
    Refund,
    RefundConfirmed,
    ReturnedCheck,
    is_void,
    made_refunds,
    open_refunds,
)
from cashier.domain.money import format_dollars
from cashier.domain.receipt import Receipt, TenderKind
from cashier.domain.receipt_text import Item, ItemKind

#: How money goes back, as people say it.
WAYS = {
    TenderKind.CASH: "cash",
    TenderKind.CHECK: "check",
    TenderKind.CARD: "card",
    TenderKind.BANK: "bank account",
}


def states_of(receipt: Receipt, corrections: Iterable[Correction]) -> tuple[str, ...]:
    """What a receipt is now, the most pressing first: `VOID`, `CHECK RETURNED`, `REFUNDED 40.00` …"""
    corrections = tuple(corrections)
    if is_void(receipt, corrections):
        return ("VOID",)
    back = any(isinstance(item, ReturnedCheck) for item in corrections)
    asked = [item.amount_cents for item in open_refunds(corrections)]
    made = [item.amount_cents for item in made_refunds(corrections)]
    named = (("REFUND REQUESTED", asked), ("REFUNDED", made))
    refunds = (f"{word} {format_dollars(sum(cents))}" for word, cents in named if cents)
    found = (*(("CHECK RETURNED",) if back else ()), *refunds)
    if receipt.is_part:
        return (*found, f"PARTLY PAID, {format_dollars(receipt.due_cents)} due")
    return found or ("PAID",)


def correction_items(corrections: Iterable[Correction]) -> tuple[Item, ...]:
    """Refunds and returned checks, to stand beneath a receipt. A void stands above it, by its marks."""
    corrections = tuple(corrections)
    made = {item.refund: item for item in corrections if isinstance(item, RefundConfirmed)}
    items: list[Item] = []
    for item in corrections:
        if isinstance(item, Refund):
            items += _refund(item, made.get(item.id))
        elif isinstance(item, ReturnedCheck):
            items += _returned(item)
    return tuple(items)


def _refund(refund: Refund, made: RefundConfirmed | None) -> Iterator[Item]:
    word = "Refunded" if refund.is_done or made else "REFUND REQUESTED, not made yet"
    yield Item(ItemKind.RULE)
    yield Item(ItemKind.HEAD, f"{word} · {WAYS[refund.kind]}", format_dollars(-refund.amount_cents))
    yield Item(ItemKind.FACT, "Business date", refund.business_date)
    yield Item(ItemKind.FACT, "Reason", f"{refund.reason} – {refund.text}")
    yield Item(ItemKind.FACT, "Requested by", refund.requester)
    yield Item(ItemKind.FACT, "Approved by", refund.approver)
    if made is not None:
        yield Item(ItemKind.FACT, "Made, as recorded", made.business_date)
        yield Item(ItemKind.FACT, "Seen in", f"the {made.seen_at.value}: {made.reference}")
        yield Item(ItemKind.FACT, "Recorded by", f"{made.requester}, approved by {made.approver}")


def _returned(check: ReturnedCheck) -> Iterator[Item]:
    yield Item(ItemKind.RULE)
    said = f"Check {check.number} returned by the bank"
    yield Item(ItemKind.HEAD, said, format_dollars(-check.amount_cents))
    yield Item(ItemKind.FACT, "Business date", check.business_date)
    yield Item(ItemKind.FACT, "Reason", check.reason)
    yield Item(ItemKind.FACT, "Recorded by", check.by)
