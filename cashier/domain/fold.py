"""A payment as the fold of its journal entries.

The fold runs every recorded event through the table of `domain.payment` again and stops where the recorded
state disagrees with it: a journal that says something else was not written by this till's rules.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from cashier.domain.entries import Entry, EntryKind, Json
from cashier.domain.errors import Discrepancy
from cashier.domain.money import Cents
from cashier.domain.payment import (
    ENDED_UNPAID,
    PAGE_ENDS,
    Confirmation,
    InvoiceShare,
    NotAllowed,
    Payment,
    PaymentEvent,
    PaymentState,
    Vouch,
    apply,
)

#: Kinds that carry an event and the state after it.
MOVING = frozenset({EntryKind.PAYMENT_HINTED, EntryKind.PAYMENT_TOLD, EntryKind.PAYMENT_VOUCHED})


def fold_payment(entries: Iterable[Entry]) -> Payment:
    """The payment its entries describe, in order. They are all entries of one payment id.

    Raises ValueError when there are none, Discrepancy where an entry does not follow from those before it.
    """
    payment: Payment | None = None
    for entry in entries:
        payment = step(payment, entry)
    if payment is None:
        raise ValueError("a payment without entries")
    return payment


def step(payment: Payment | None, entry: Entry) -> Payment:
    """The payment after one more entry. Raises Discrepancy when the entry does not follow."""
    if entry.kind is EntryKind.PAYMENT_ISSUED:
        if payment is not None:
            raise Discrepancy(f"Entry {entry.seq} issues payment {entry.subject} a second time.")
        return _issued(entry)
    if payment is None:
        raise Discrepancy(f"Entry {entry.seq} is about payment {entry.subject}, which was never issued.")
    if entry.subject != payment.id:
        raise Discrepancy(f"Entry {entry.seq} is about {entry.subject}, not about payment {payment.id}.")
    after = _after(payment, entry)
    return replace(after, ended_once=True) if after.state in ENDED_UNPAID else after


def _after(payment: Payment, entry: Entry) -> Payment:
    match entry.kind:
        case EntryKind.PAYMENT_HINTED:
            return _hinted(payment, entry)
        case EntryKind.PAYMENT_TOLD:
            return _told(payment, entry)
        case EntryKind.PAYMENT_VOUCHED:
            return replace(
                payment,
                state=next_state(payment.state, entry),
                vouch=Vouch(**{name: entry.body[name] for name in Vouch.__dataclass_fields__}),
                moved_at=entry.at,
            )
        case EntryKind.PAYMENT_RELEASED:
            return replace(payment, released=True)
        case EntryKind.DISCREPANCY_FOUND:
            return _with_review(payment, entry.body["reason"])
        case EntryKind.POSTBACK_REPEATED | EntryKind.MATTER_SEEN:
            return payment
        case _:
            raise Discrepancy(f"Entry {entry.seq} ({entry.kind}) cannot be about a payment.")


def next_state(state: PaymentState, entry: Entry) -> PaymentState:
    """The state after an entry of MOVING, by the table.

    Raises Discrepancy when the table does not list the event, or the entry recorded another state.
    """
    event, recorded = entry.body["event"], entry.body["state"]
    try:
        after = apply(state, PaymentEvent(event))
    except (NotAllowed, ValueError) as error:
        raise Discrepancy(f"Entry {entry.seq} records {event} in state {state}: {error}") from error
    if after.value != recorded:
        raise Discrepancy(f"Entry {entry.seq} records state {recorded} where {event} leads to {after}.")
    return after


def _issued(entry: Entry) -> Payment:
    body = entry.body
    return Payment(
        id=entry.subject,
        sale_id=body["sale_id"],
        reference=body["reference"],
        till=entry.till,
        biller=body["biller"],
        cashier=body["cashier"],
        issued_at=body["issued_at"],
        amount_cents=Cents(body["amount_cents"]),
        expected_fee_cents=Cents(body["expected_fee_cents"]),
        invoices=tuple(
            InvoiceShare(item["number"], Cents(item["amount_cents"])) for item in body["invoices"]
        ),
        minimum_cents=_cents_or_none(body["minimum_cents"]),
        reader=body["reader"],
        request=body["request"],
        state=PaymentState.ISSUED,
        moved_at=entry.at,
        business_date=body.get("business_date", ""),
        is_signed_on=body.get("is_signed_on", False),
    )


def _hinted(payment: Payment, entry: Entry) -> Payment:
    state = next_state(payment.state, entry)
    event = PaymentEvent(entry.body["event"])
    opened = event in (PaymentEvent.PAGE_OPENING, PaymentEvent.PAGE_SUBMITTED)
    return replace(
        payment,
        state=state,
        card_declined=payment.card_declined and event is not PaymentEvent.PAGE_SUBMITTED,
        page_gone=(payment.page_gone and not opened) or event in PAGE_ENDS,
        moved_at=entry.at,
    )


def _told(payment: Payment, entry: Entry) -> Payment:
    body = entry.body
    told = tuple(_confirmation(item) for item in body["confirmations"])
    moved = replace(
        payment,
        state=next_state(payment.state, entry),
        confirmations=with_told(payment.confirmations, told),
        moved_at=entry.at,
    )
    match PaymentEvent(body["event"]):
        case PaymentEvent.CONFIRMED_DECLINED | PaymentEvent.CARD_DECLINED:
            return replace(moved, declines=(*moved.declines, body["reason"]), card_declined=True)
        case PaymentEvent.NEEDS_REVIEW:
            return _with_review(moved, body["reason"])
        case _:
            return moved


def with_told(
    confirmations: tuple[Confirmation, ...], told: tuple[Confirmation, ...]
) -> tuple[Confirmation, ...]:
    """Confirmations with newly told ones. One that names its charge takes the place of an enquiry's."""
    named = {item.invoice_number for item in told if item.payment_guid}
    kept = (item for item in confirmations if item.payment_guid or item.invoice_number not in named)
    return (*kept, *told)


def _with_review(payment: Payment, reason: str) -> Payment:
    """The reason once more for a person to see; a discrepancy recorded beside its fact says it only once."""
    if payment.reviews[-1:] == (reason,):
        return payment
    return replace(payment, reviews=(*payment.reviews, reason))


def _confirmation(item: Json) -> Confirmation:
    return Confirmation(
        invoice_number=item["invoice_number"],
        amount_cents=Cents(item["amount_cents"]),
        service_fee_cents=Cents(item["service_fee_cents"]),
        payment_guid=item["payment_guid"],
        card_type=item["card_type"],
        message=item["message"],
    )


def _cents_or_none(value: Any) -> Cents | None:
    return None if value is None else Cents(value)
