"""The one reconciler: what a postback, an enquiry or the passing of time means for a payment.

Pure; nothing else judges a payment. Nothing signs a postback (Invoice Cloud contract, section 3). Its
address proves that it belongs to this payment; reference, invoice, amount and biller must agree with what
was launched on top of that. What does not agree is kept for a person and never marks anything paid. Two
facts that contradict each other are a discrepancy: shown, kept, and never settled here.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from cashier.domain.enquiry import InvoiceStatus
from cashier.domain.entries import EntryKind
from cashier.domain.fold import with_told
from cashier.domain.money import Cents, format_dollars
from cashier.domain.payment import (
    UNSETTLED,
    Confirmation,
    InvoiceShare,
    Payment,
    PaymentEvent,
    PaymentState,
)
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


@dataclass(frozen=True)
class Progress:
    """How far a payment is from its page, for what an enquiry may settle.

    `quiet`: the page is gone for as long as a card under way might still be answered. `over`: it is gone, and
    so is the hosted session's life with its margin, in which page or reader could still complete.
    `declined_before`: an earlier attempt for the same invoice ended with a declined card.
    """

    quiet: bool = False
    over: bool = False
    declined_before: bool = False


def judge(
    payment: Payment,
    postback: Postback,
    biller_guid: str = "",
    declined: Collection[str] = (),
    charged_to: str = "",
) -> Verdict:
    """What one matched-by-address postback says of a payment.

    `biller_guid` is the configured one; empty means that it is not known and not compared. `declined` are
    the charges (see `charge_id`) that were told declined before. `charged_to` is the reference of another
    payment that this charge was told for, or empty.
    """
    fault = _fault(payment, postback, biller_guid)
    if charged_to and not fault and postback.approved is Approved.YES:
        fault = f"the gateway told the same charge for payment {charged_to}"
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
    certain = payment.state in (PaymentState.APPROVED, PaymentState.VOUCHED)
    discrepancy = reason if certain else ""
    return Verdict(EntryKind.PAYMENT_TOLD, reason, PaymentEvent.NEEDS_REVIEW, (), discrepancy)


def _declined(payment: Payment, postback: Postback, declined: Collection[str]) -> Verdict:
    """A decline speaks of one charge. It ends the payment only as long as no other charge has paid."""
    if any(item.payment_guid == postback.payment_guid != "" for item in payment.confirmations):
        return _review(payment, "the gateway said approved and then declined for the same payment")
    charge = charge_id(postback.payment_guid, postback.payment_date, postback.payment_message)
    if charge in declined:
        # Told again, perhaps once an invoice. The payer may be trying another card by now.
        return Verdict(EntryKind.POSTBACK_REPEATED, "the gateway repeats that a card was declined")
    if payment.confirmations and payment.state is not PaymentState.APPROVED:
        return Verdict(EntryKind.POSTBACK_REPEATED, "another card was declined; part is paid already")
    reason = postback.payment_message or "declined"
    discrepancy = ""
    if payment.state is PaymentState.VOUCHED:
        discrepancy = "two people took it for paid, but the gateway says that the card was declined"
    return Verdict(EntryKind.PAYMENT_TOLD, reason, PaymentEvent.CARD_DECLINED, (), discrepancy)


def _approved(payment: Payment, postback: Postback) -> Verdict:
    """An approval: the first of its invoices, the rest of them, the same once more, or something odd.

    One postback for all invoices or one an invoice: the contract leaves both open. So a message may speak of
    the invoices it names, or of all of them while it names some; both may come for the same charge.
    """
    named, amount = _named(payment, postback), postback.payment_amount_cents or 0
    # What an enquiry confirmed names no charge yet: this may be it.
    charges = [item for item in payment.confirmations if item.payment_guid]
    confirmed = {item.invoice_number: item for item in charges}
    earlier = [confirmed[share.number] for share in named if share.number in confirmed]
    if any(item.payment_guid != postback.payment_guid for item in earlier):
        return _review(payment, "the gateway reports a second charge for an invoice already paid")
    one_charge = all(item.payment_guid == postback.payment_guid for item in charges)
    for shares in (named, payment.invoices) if one_charge else (named,):
        fresh = tuple(share for share in shares if share.number not in confirmed)
        told = tuple(confirmed[share.number] for share in shares if share.number in confirmed)
        if 0 < amount == _sum(fresh) + _sum(told):
            return _paid(payment, postback, fresh, told)
    if not charges and _is_part(payment, amount):
        return _paid(payment, postback, (InvoiceShare(named[0].number, Cents(amount)),), ())
    if len(earlier) == len(named):
        return _review(payment, "the gateway repeats a payment with another amount")
    return _review(payment, _amount_fault(payment, postback))


def _sum(items: Sequence[InvoiceShare | Confirmation]) -> int:
    return sum(item.amount_cents for item in items)


def _is_part(payment: Payment, amount_cents: int) -> bool:
    """Whether the launch allowed to pay this much instead of the whole, and nothing is paid yet."""
    minimum = payment.minimum_cents
    if minimum is None or len(payment.invoices) != 1:
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
    asked = {
        item.invoice_number: item.amount_cents for item in payment.confirmations if not item.payment_guid
    }
    if any(asked.get(item.invoice_number, item.amount_cents) != item.amount_cents for item in confirmations):
        return _review(payment, "the gateway tells another amount than it said when it was asked")
    reason = postback.payment_message or "approved"
    return _confirmed(payment, reason, confirmations)


def _confirmed(payment: Payment, reason: str, fresh: tuple[Confirmation, ...]) -> Verdict:
    """The verdict of new confirmations: the whole payment or part of it, and what is odd about it."""
    confirmations = with_told(payment.confirmations, fresh)
    paid = {item.invoice_number for item in confirmations}
    whole = paid == {share.number for share in payment.invoices}
    event = PaymentEvent.CONFIRMED_PAID if whole else PaymentEvent.PART_CONFIRMED
    discrepancy = ""
    if payment.state in (PaymentState.DECLINED, PaymentState.ABANDONED):
        discrepancy = "approved after it was taken to be over; check whether the payer paid again"
    elif payment.vouch is not None and _sum(confirmations) < payment.amount_cents and whole:
        discrepancy = "two people took it for wholly paid, but the gateway says that only a part is"
    elif whole:
        discrepancy = _fee_fault(payment, confirmations)
    return Verdict(EntryKind.PAYMENT_TOLD, reason, event, fresh, discrepancy)


def _fee_fault(payment: Payment, confirmations: Sequence[Confirmation]) -> str:
    """Whether the gateway took another service fee than the payer was told, in words, or empty.

    That is no doubt about the payment: its amount is right and the money moved. So it is told to a person and
    does not keep the payment from being paid. A bank payment and a part have fees of their own.
    """
    told = sum(item.service_fee_cents for item in confirmations)
    is_card = not any(is_bank(item.card_type) for item in confirmations)
    named = all(item.payment_guid for item in confirmations)
    if not payment.expected_fee_cents or not is_card or not named or told == payment.expected_fee_cents:
        return ""
    if _sum(confirmations) < payment.amount_cents:
        return ""
    return (
        f"the gateway took a service fee of {format_dollars(told)}; the payer was told "
        f"{format_dollars(payment.expected_fee_cents)}"
    )


def is_bank(card_type: str) -> bool:
    """Whether a postback's CardType names a bank account."""
    return card_type.upper() in ("ACH", "EFT", "ECHECK", "CHECKING")


# -- enquiry -----------------------------------------------------------------------------------------------


def judge_enquiry(
    payment: Payment, statuses: Sequence[InvoiceStatus], elsewhere: Mapping[str, int], progress: Progress
) -> Verdict | None:
    """What the gateway's answers about each invoice, in order, say of a payment; None while nothing final.

    `elsewhere` is what other payments paid of an invoice since this one was issued, in cents. BalanceDue 0.00
    on an invoice we launched is paid, the whole is not paid (Invoice Cloud contract, section 4). "Not paid"
    and "not found" settle nothing before the hosted session is over; a declined card needs only quiet.
    """
    if payment.state not in UNSETTLED or any(item.found and item.balance_cents is None for item in statuses):
        return None
    own: dict[str, int] = {}
    for item in payment.confirmations:  # not what two people say: that is what is asked about
        own[item.invoice_number] = own.get(item.invoice_number, 0) + item.amount_cents
    fresh = []
    for share, status in zip(payment.invoices, statuses, strict=True):
        if status.found:
            paid = share.amount_cents - (status.balance_cents or 0) - elsewhere.get(share.number, 0)
        else:
            paid = 0
        new = paid - own.get(share.number, 0)
        if new < 0:
            # It may lag behind what it told by postback; once the session is over it should not.
            return _once(payment, _less_fault(share, status)) if progress.over else None
        if new > 0:
            fresh.append((share, new))
    if fresh and payment.state is PaymentState.ISSUED:
        # Only its page could have taken money, and that was never opened: another payment paid the invoice.
        reason = "the gateway shows it as paid, but not by this payment, whose page was never opened"
        return Verdict(EntryKind.PAYMENT_TOLD, reason, PaymentEvent.CONFIRMED_UNPAID)
    if fresh:
        return _asked_paid(payment, fresh, progress)
    return _asked_unpaid(payment, progress)


def _asked_paid(
    payment: Payment, fresh: Sequence[tuple[InvoiceShare, int]], progress: Progress
) -> Verdict | None:
    ambiguous = progress.declined_before or payment.ended_once
    if ambiguous and payment.state is not PaymentState.VOUCHED:
        # An answer about an invoice does not say which of two attempts paid it. The postback does.
        return _once(payment, "the gateway shows it as paid, but not by which of the payer's attempts")
    for share, new in fresh:
        if new != share.amount_cents and not _is_part(payment, new):
            return _once(
                payment,
                f"the gateway shows {format_dollars(new)} of {format_dollars(share.amount_cents)} paid on "
                f"invoice {share.number}",
            )
    confirmations = tuple(
        Confirmation(share.number, Cents(new), Cents(0), "", "", "confirmed by enquiry")
        for share, new in fresh
    )
    return _confirmed(payment, "the gateway shows it as paid", confirmations)


def _asked_unpaid(payment: Payment, progress: Progress) -> Verdict | None:
    event, reason = (
        PaymentEvent.CONFIRMED_UNPAID,
        "the hosted session is over and the gateway shows no payment",
    )
    if payment.state is PaymentState.VOUCHED:
        if not progress.over or payment.confirmations:
            return None
        return _once(payment, "two people took it for paid, but the gateway shows it as not paid")
    if payment.state is PaymentState.OPEN:
        return None  # the page still stands
    if payment.confirmations:
        if not progress.over:
            return None
        event, reason = PaymentEvent.REST_UNPAID, "the hosted page is over and the rest was not paid"
    elif payment.card_declined and progress.quiet:
        event, reason = PaymentEvent.CONFIRMED_DECLINED, payment.declines[-1]
    elif not progress.over:
        return None
    return Verdict(EntryKind.PAYMENT_TOLD, reason, event)


def judge_quiet(payment: Payment, progress: Progress) -> Verdict | None:
    """What time alone settles where the gateway cannot be asked: a declined card, after quiet."""
    declined = payment.card_declined and not payment.confirmations
    if payment.state is PaymentState.IN_DOUBT and declined and progress.quiet:
        return Verdict(EntryKind.PAYMENT_TOLD, payment.declines[-1], PaymentEvent.CONFIRMED_DECLINED)
    return None


def _once(payment: Payment, reason: str) -> Verdict | None:
    """A review that is not yet known: the same answer comes every few minutes."""
    return None if reason in payment.reviews else _review(payment, reason)


def _less_fault(share: InvoiceShare, status: InvoiceStatus) -> str:
    if not status.found:
        return f"the gateway does not find invoice {share.number}, of which a payment was confirmed"
    return (
        f"the gateway shows {format_dollars(status.balance_cents or 0)} due on invoice {share.number}, more "
        "than is left of it here"
    )
