"""The one reconciler: what a postback means for a payment. Pure; nothing else judges a payment.

Nothing signs a postback (Invoice Cloud contract, section 3). Its address proves that it belongs to this
payment; reference, invoice, amount and biller must agree with what was launched on top of that. What does
not agree is kept for a person and never marks anything paid.
"""

from dataclasses import dataclass

from cashier.domain.entries import EntryKind
from cashier.domain.money import Cents, format_dollars
from cashier.domain.payment import Confirmation, InvoiceShare, Payment, PaymentEvent, PaymentState
from cashier.domain.postback import Approved, Postback


@dataclass(frozen=True)
class Verdict:
    """What to record: a fact with its event, or a repetition without one.

    `discrepancy`, when not empty, is recorded beside it and shown until a person has seen to it.
    """

    kind: EntryKind
    reason: str
    event: PaymentEvent | None = None
    confirmations: tuple[Confirmation, ...] = ()
    discrepancy: str = ""


def judge(payment: Payment, postback: Postback, biller_guid: str = "") -> Verdict:
    """What one matched-by-address postback says of a payment.

    `biller_guid` is the configured one; empty means that it is not known and not compared.
    """
    fault = _fault(payment, postback, biller_guid)
    if fault:
        return _review(payment, fault)
    if postback.approved is Approved.NO:
        return _declined(payment, postback)
    earlier = [item for item in payment.confirmations if _names(item, postback)]
    if earlier:
        return _again(payment, postback, earlier)
    shares = _covered(payment, postback)
    if not shares:
        return _review(payment, _amount_fault(payment, postback))
    return _paid(payment, postback, shares)


def _fault(payment: Payment, postback: Postback, biller_guid: str) -> str:
    """Why this message cannot be about this payment, or empty."""
    if postback.faults:
        return "the gateway's message is not as agreed: " + "; ".join(postback.faults)
    if postback.approved is Approved.UNCLEAR:
        return "the gateway said neither approved nor declined"
    if postback.biller_reference != payment.reference:
        return "the gateway named another payment reference"
    if biller_guid and postback.biller_guid.casefold() != biller_guid.casefold():
        return "the gateway named another biller"
    unknown = [name for name in _invoice_names(postback) if name not in _numbers(payment)]
    if unknown or not postback.invoice_number:
        return "the gateway named an invoice that was not launched"
    if postback.approved is Approved.YES and not postback.payment_guid:
        return "the gateway gave no payment id"
    return ""


def _numbers(payment: Payment) -> frozenset[str]:
    return frozenset(share.number for share in payment.invoices)


def _invoice_names(postback: Postback) -> tuple[str, ...]:
    return tuple(name.strip() for name in postback.invoice_number.replace(";", ",").split(","))


def _names(confirmation: Confirmation, postback: Postback) -> bool:
    return confirmation.invoice_number in _invoice_names(postback)


def _review(payment: Payment, reason: str) -> Verdict:
    discrepancy = reason if payment.state is PaymentState.APPROVED else ""
    return Verdict(EntryKind.PAYMENT_TOLD, reason, PaymentEvent.NEEDS_REVIEW, (), discrepancy)


def _declined(payment: Payment, postback: Postback) -> Verdict:
    reason = postback.payment_message or "declined"
    discrepancy = ""
    if any(item.payment_guid == postback.payment_guid for item in payment.confirmations):
        discrepancy = "the gateway said approved and then declined for the same payment"
    return Verdict(EntryKind.PAYMENT_TOLD, reason, PaymentEvent.CONFIRMED_DECLINED, (), discrepancy)


def _again(payment: Payment, postback: Postback, earlier: list[Confirmation]) -> Verdict:
    """An approval for invoices that are confirmed already: the same one again, or a second charge."""
    if any(item.payment_guid != postback.payment_guid for item in earlier):
        return _review(payment, "the gateway reports a second charge for an invoice already paid")
    told = sum(item.amount_cents for item in payment.confirmations if item in earlier)
    whole = sum(item.amount_cents for item in payment.confirmations)
    if postback.payment_amount_cents not in (told, whole):
        return _review(payment, "the gateway repeats a payment with another amount")
    return Verdict(EntryKind.POSTBACK_REPEATED, "the gateway repeats what it said before")


def _covered(payment: Payment, postback: Postback) -> tuple[InvoiceShare, ...]:
    """The invoices an approved amount pays, each with what it pays; nothing when the amount does not fit.

    One postback for all invoices, or one an invoice: the contract leaves both open.
    """
    amount = postback.payment_amount_cents
    if amount is None or amount <= 0:
        return ()
    named = tuple(share for share in payment.invoices if share.number in _invoice_names(postback))
    if amount == sum(share.amount_cents for share in named):
        return named
    if amount == payment.amount_cents and not payment.confirmations:
        return payment.invoices
    minimum = payment.minimum_cents
    if minimum is not None and len(payment.invoices) == 1 and minimum <= amount < payment.amount_cents:
        return (InvoiceShare(named[0].number, Cents(amount)),)
    return ()


def _amount_fault(payment: Payment, postback: Postback) -> str:
    told = postback.payment_amount_cents
    amount = "no amount" if told is None else format_dollars(told)
    return f"the gateway reports {amount}, launched were {format_dollars(payment.amount_cents)}"


def _paid(payment: Payment, postback: Postback, shares: tuple[InvoiceShare, ...]) -> Verdict:
    fee = Cents(postback.convenience_fee_cents or 0)
    confirmations = tuple(
        Confirmation(
            invoice_number=share.number,
            amount_cents=share.amount_cents,
            # The service fee is told once a message; it stands on the first invoice of it.
            service_fee_cents=fee if index == 0 else Cents(0),
            payment_guid=postback.payment_guid,
            card_type=postback.card_type,
            message=postback.payment_message,
        )
        for index, share in enumerate(shares)
    )
    paid = {item.invoice_number for item in (*payment.confirmations, *confirmations)}
    whole = paid == _numbers(payment)
    event = PaymentEvent.CONFIRMED_PAID if whole else PaymentEvent.PART_CONFIRMED
    discrepancy = ""
    if payment.state in (PaymentState.DECLINED, PaymentState.ABANDONED):
        discrepancy = "approved after it was taken to be over; check whether the payer paid again"
    reason = postback.payment_message or "approved"
    return Verdict(EntryKind.PAYMENT_TOLD, reason, event, confirmations, discrepancy)
