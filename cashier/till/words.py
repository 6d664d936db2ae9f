"""Where a payment stands, in words for the clerk: what happened, what it means for the money, what to do."""

from dataclasses import dataclass
from enum import StrEnum

from cashier.domain.money import format_dollars
from cashier.domain.payment import Payment, PaymentEvent, PaymentState


class Tone(StrEnum):
    """How a sentence looks: PAID is blue, waiting amber, a refusal red; each has an icon and words too."""

    CALM = "calm"
    WAITING = "waiting"
    PAID = "paid"
    REFUSED = "refused"


@dataclass(frozen=True)
class Standing:
    """A payment's standing: a word or two, and a sentence or two."""

    tone: Tone
    word: str
    sentence: str


#: What the clerk is told of each hint that led into doubt.
DOUBT = {
    "page_returned": "The page says it is done. Checking with Invoice Cloud – do not charge again.",
    "page_closed": "The page was closed before Invoice Cloud answered. Checking – do not charge again.",
    "page_failed": "The payment page did not load. Checking with Invoice Cloud – do not charge again.",
    "renderer_died": "The payment page stopped. Checking with Invoice Cloud – do not charge again.",
    "line_lost": "The line went down during this payment. Whatever the page says, wait for Invoice Cloud's "
    "answer – do not charge again.",
    "reader_lost": "The reader was unplugged during this payment. Whatever the page says, wait for Invoice "
    "Cloud's answer – do not charge again.",
    "till_restarted": "The till was restarted during this payment. Checking with Invoice Cloud – "
    "do not charge again.",
}


def standing(payment: Payment, last_hint: str = "") -> Standing:
    """The standing of a payment; `last_hint` is the newest hint recorded for it."""
    amount = format_dollars(payment.amount_cents)
    match payment.state:
        case PaymentState.ISSUED:
            return Standing(
                Tone.CALM,
                "Not started",
                f"{amount} is recorded; the payment page was not opened. No money moved.",
            )
        case PaymentState.OPEN if payment.card_declined:
            return Standing(
                Tone.REFUSED,
                "Declined",
                f"The card was refused ({_reason(payment)}). The payer may try another card on the page; or "
                "close the page and pay another way.",
            )
        case PaymentState.OPEN:
            return Standing(Tone.CALM, "Payer is paying", "The payer is at the payment page.")
        case PaymentState.IN_DOUBT:
            return _in_doubt(payment, last_hint)
        case PaymentState.APPROVED:
            return _approved(payment, last_hint)
        case PaymentState.VOUCHED:
            return _vouched(payment, amount)
        case PaymentState.DECLINED:
            return Standing(
                Tone.REFUSED,
                "Declined",
                f"The card was refused ({_reason(payment)}). No money was taken. The payer may try again or "
                "pay another way.",
            )
        case PaymentState.ABANDONED:
            return Standing(Tone.CALM, "Given up", "No money was taken. The sale can be paid.")


def _in_doubt(payment: Payment, last_hint: str) -> Standing:
    if payment.reviews:
        return Standing(
            Tone.WAITING,
            "In doubt",
            f"Invoice Cloud's message does not fit this payment: {payment.reviews[-1]}. "
            "A supervisor must look at it. Do not charge again.",
        )
    if payment.confirmations:
        paid, total = format_dollars(payment.confirmed_cents), format_dollars(payment.amount_cents)
        return Standing(
            Tone.WAITING,
            "In doubt",
            f"{paid} of {total} is confirmed so far. Checking – do not charge again.",
        )
    if payment.card_declined:
        return Standing(
            Tone.WAITING,
            "Declined",
            f"The card was refused ({_reason(payment)}). Making sure that no other card is under way – "
            "do not charge again yet.",
        )
    return Standing(
        Tone.WAITING, "In doubt", DOUBT.get(last_hint, "Checking with Invoice Cloud – do not charge again.")
    )


def _reason(payment: Payment) -> str:
    return payment.declines[-1] if payment.declines else "declined"


def _vouched(payment: Payment, amount: str) -> Standing:
    assert payment.vouch is not None
    who = f"{payment.vouch.asked_by} and {payment.vouch.approved_by}"
    if payment.reviews:
        return Standing(
            Tone.WAITING, "Paid per portal", f"{who} took it for paid, but: {payment.reviews[-1]}."
        )
    return Standing(
        Tone.WAITING,
        "Paid per portal",
        f"{who} saw {amount} paid in Invoice Cloud's portal. It stays on the desk until Invoice Cloud says "
        "the same.",
    )


def _approved(payment: Payment, last_hint: str) -> Standing:
    paid = format_dollars(payment.confirmed_cents)
    if payment.confirmed_cents < payment.amount_cents:
        due = format_dollars(payment.amount_cents - payment.confirmed_cents)
        return Standing(Tone.PAID, "Partly paid", f"{paid} is paid. {due} is still due.")
    if payment.reviews:
        return Standing(Tone.PAID, "Paid", f"{paid} is paid. A supervisor must look: {payment.reviews[-1]}.")
    if last_hint == PaymentEvent.PAGE_CLOSED.value:
        return Standing(
            Tone.PAID,
            "Paid",
            f"{paid} is paid, confirmed by Invoice Cloud: it was completed before the page was closed.",
        )
    return Standing(Tone.PAID, "Paid", f"{paid} is paid, confirmed by Invoice Cloud.")
