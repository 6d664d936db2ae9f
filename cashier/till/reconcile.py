"""The one reconciler: what a postback means for a payment. Pure; nothing else judges a payment.

Nothing signs a postback (Invoice Cloud contract, section 3). Its address proves that it belongs to this
payment; reference, invoice, amount and biller must agree with what was launched on top of that. What does
not agree is kept for a person and never marks anything paid.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cashier.domain.entries import EntryKind
from cashier.domain.money import Cents, format_dollars
from cashier.domain.payment import Confirmation, InvoiceShare, Payment, PaymentEvent, PaymentState
from cashier.domain.postback import Approved, Postback
from cashier.domain.scrub import scrub_card_numbers


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


def judge(
    payment: Payment, postback: Postback, biller_guid: str = "", declined: Collection[str] = ()
) -> Verdict:
    """What one matched-by-address postback says of a payment.

    `biller_guid` is the configured one; empty means that it is not known and not compared. `declined` are
    the charges (see `charge_id`) that were told declined before.
    """
    fault = _fault(payment, postback, biller_guid)
    if fault:
        return _review(payment, fault)
    if postback.approved is Approved.NO:
        return _declined(payment, postback, declined)
    return _approved(payment, postback)


def charge_id(payment_guid: str, payment_date: str, payment_message: str) -> str:
    """What tells one charge of a payment from another: the gateway's id of it, else when and what it said."""
    return payment_guid or f"{payment_date} {payment_message}"


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
    if not _named(payment, postback):
        return "the gateway named an invoice that was not launched"
    if postback.approved is Approved.YES and not postback.payment_guid:
        return "the gateway gave no payment id"
    return ""


def _named(payment: Payment, postback: Postback) -> tuple[InvoiceShare, ...]:
    """The launched invoices that a message names; nothing when it names none, or another one besides.

    A long numeric account makes invoice numbers that look like card numbers, and those were masked in the
    message before it was stored. So the launched number is masked for the comparison, too.
    """
    told = postback.invoice_number.strip()
    shares = {_as_told(share.number): share for share in payment.invoices}
    if len(shares) < len(payment.invoices):
        return ()  # masked alike: which is meant is for a person to say
    if told in shares:
        return (shares[told],)
    names = [name.strip() for name in told.replace(";", ",").split(",") if name.strip()]
    if not names or any(name not in shares for name in names):
        return ()
    return tuple(share for number, share in shares.items() if number in names)


def _as_told(number: str) -> str:
    return scrub_card_numbers(number).strip()


def _review(payment: Payment, reason: str) -> Verdict:
    discrepancy = reason if payment.state is PaymentState.APPROVED else ""
    return Verdict(EntryKind.PAYMENT_TOLD, reason, PaymentEvent.NEEDS_REVIEW, (), discrepancy)


def _declined(payment: Payment, postback: Postback, declined: Collection[str]) -> Verdict:
    """A decline speaks of one charge. It ends the payment only as long as no other charge has paid."""
    if any(item.payment_guid == postback.payment_guid for item in payment.confirmations):
        return _review(payment, "the gateway said approved and then declined for the same payment")
    charge = charge_id(postback.payment_guid, postback.payment_date, postback.payment_message)
    if charge in declined:
        # Told again, perhaps once an invoice. The payer may be trying another card by now.
        return Verdict(EntryKind.POSTBACK_REPEATED, "the gateway repeats that a card was declined")
    if payment.confirmations and payment.state is not PaymentState.APPROVED:
        return Verdict(EntryKind.POSTBACK_REPEATED, "another card was declined; part is paid already")
    reason = postback.payment_message or "declined"
    return Verdict(EntryKind.PAYMENT_TOLD, reason, PaymentEvent.CONFIRMED_DECLINED)


def _approved(payment: Payment, postback: Postback) -> Verdict:
    """An approval: the first of its invoices, the rest of them, the same once more, or something odd.

    One postback for all invoices or one an invoice: the contract leaves both open. So a message may speak of
    the invoices it names, or of all of them while it names some; both may come for the same charge.
    """
    named, amount = _named(payment, postback), postback.payment_amount_cents or 0
    confirmed = {item.invoice_number: item for item in payment.confirmations}
    earlier = [confirmed[share.number] for share in named if share.number in confirmed]
    if any(item.payment_guid != postback.payment_guid for item in earlier):
        return _review(payment, "the gateway reports a second charge for an invoice already paid")
    one_charge = all(item.payment_guid == postback.payment_guid for item in payment.confirmations)
    for shares in (named, payment.invoices) if one_charge else (named,):
        fresh = tuple(share for share in shares if share.number not in confirmed)
        told = tuple(confirmed[share.number] for share in shares if share.number in confirmed)
        if 0 < amount == _sum(fresh) + _sum(told):
            return _paid(payment, postback, fresh, told)
    if _is_part(payment, amount):
        return _paid(payment, postback, (InvoiceShare(named[0].number, Cents(amount)),), ())
    if len(earlier) == len(named):
        return _review(payment, "the gateway repeats a payment with another amount")
    return _review(payment, _amount_fault(payment, postback))


def _sum(items: Sequence[InvoiceShare | Confirmation]) -> int:
    return sum(item.amount_cents for item in items)


def _is_part(payment: Payment, amount_cents: int) -> bool:
    """Whether the launch allowed to pay this much instead of the whole, and nothing is paid yet."""
    minimum = payment.minimum_cents
    if minimum is None or len(payment.invoices) != 1 or payment.confirmations:
        return False
    return max(minimum, 1) <= amount_cents < payment.amount_cents


def _amount_fault(payment: Payment, postback: Postback) -> str:
    told = postback.payment_amount_cents
    amount = "no amount" if told is None else format_dollars(told)
    return f"the gateway reports {amount}, launched were {format_dollars(payment.amount_cents)}"


def _paid(
    payment: Payment, postback: Postback, fresh: tuple[InvoiceShare, ...], told: tuple[Confirmation, ...]
) -> Verdict:
    """The confirmations that are new; `told` are those that the message speaks of once more."""
    if not fresh:
        return Verdict(EntryKind.POSTBACK_REPEATED, "the gateway repeats what it said before")
    told_fee = sum(item.service_fee_cents for item in told)
    fee = Cents(max((postback.convenience_fee_cents or 0) - told_fee, 0))
    confirmations = tuple(
        Confirmation(
            invoice_number=share.number,
            amount_cents=share.amount_cents,
            # The service fee is told once a message; it stands on the first invoice that is new in it.
            service_fee_cents=fee if index == 0 else Cents(0),
            payment_guid=postback.payment_guid,
            card_type=postback.card_type,
            message=postback.payment_message,
        )
        for index, share in enumerate(fresh)
    )
    paid = {item.invoice_number for item in (*payment.confirmations, *confirmations)}
    whole = paid == {share.number for share in payment.invoices}
    event = PaymentEvent.CONFIRMED_PAID if whole else PaymentEvent.PART_CONFIRMED
    discrepancy = ""
    if payment.state in (PaymentState.DECLINED, PaymentState.ABANDONED):
        discrepancy = "approved after it was taken to be over; check whether the payer paid again"
    reason = postback.payment_message or "approved"
    return Verdict(EntryKind.PAYMENT_TOLD, reason, event, confirmations, discrepancy)
