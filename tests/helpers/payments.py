"""Payments and what Invoice Cloud says of them, with everything right unless a keyword says otherwise."""

from dataclasses import replace
from typing import Any

from cashier.domain.fold import with_told
from cashier.domain.money import Cents
from cashier.domain.payment import InvoiceShare, Payment, PaymentEvent, PaymentState, apply
from cashier.domain.postback import Approved, Postback
from cashier.till.reconcile import Verdict, judge

GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
BILLER_GUID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
REFERENCE = "A-0190c4d2a7b87c3e9f00112233445566"


def make_payment(*amounts: int, **changes: Any) -> Payment:
    """A payment at its open page, of invoices `A-<n>-<type>`; one of 100.00 unless amounts say otherwise."""
    numbers = ("700001-6", "700001-43", "700001-93", "700001-95")
    amounts = amounts or (10_000,)
    members: dict[str, Any] = {
        "id": "0190c4d2-a7b8-7c3e-9f00-112233445566",
        "sale_id": "sale-1",
        "reference": REFERENCE,
        "till": "A",
        "biller": "town",
        "cashier": "Kim Clerk",
        "issued_at": "2026-02-03T15:04:05.000Z",
        "amount_cents": sum(amounts),
        "expected_fee_cents": 250,
        "invoices": tuple(
            InvoiceShare(number, Cents(cents)) for number, cents in zip(numbers, amounts, strict=False)
        ),
        "minimum_cents": None,
        "reader": "",
        "request": "{}",
        "state": PaymentState.OPEN,
    }
    return Payment(**members | changes)


def told_all(payment: Payment, **changes: Any) -> Postback:
    """One postback for all invoices of a payment, approved."""
    members: dict[str, Any] = {
        "approved": Approved.YES,
        "biller_guid": BILLER_GUID,
        "biller_reference": payment.reference,
        "invoice_number": ",".join(share.number for share in payment.invoices),
        "payment_guid": GUID,
        "payment_amount_cents": payment.amount_cents,
        "convenience_fee_cents": 250,
        "payment_date": "2/3/2026 10:05:00 AM",
        "payment_message": "APPROVED 727634",
        "card_type": "VISA",
    }
    return Postback(**members | changes)


def told_each(payment: Payment, fee_cents: int = 250, **changes: Any) -> list[Postback]:
    """One postback an invoice; the service fee stands on the first."""
    return [
        told_all(
            payment,
            **{
                "invoice_number": share.number,
                "payment_amount_cents": share.amount_cents,
                "convenience_fee_cents": 0 if place else fee_cents,
                **changes,
            },
        )
        for place, share in enumerate(payment.invoices)
    ]


def told_declined(payment: Payment, guid: str = "d-1", **changes: Any) -> Postback:
    """The card was refused."""
    return told_all(
        payment,
        **{
            "approved": Approved.NO,
            "payment_guid": guid,
            "payment_message": "DECLINED - DO NOT HONOR",
            "convenience_fee_cents": 0,
            **changes,
        },
    )


def after(payment: Payment, verdict: Verdict) -> Payment:
    """The payment with a verdict recorded, as the fold of the journal has it."""
    if verdict.event is None:
        return payment
    declined = verdict.event in (PaymentEvent.CARD_DECLINED, PaymentEvent.CONFIRMED_DECLINED)
    return replace(
        payment,
        state=apply(payment.state, verdict.event),
        confirmations=with_told(payment.confirmations, verdict.confirmations),
        declines=(*payment.declines, verdict.reason) if declined else payment.declines,
        card_declined=declined or payment.card_declined,
    )


def judged(payment: Payment, *postbacks: Postback) -> tuple[Payment, list[Verdict]]:
    """A payment after several postbacks, and what each was judged to be."""
    verdicts = []
    for postback in postbacks:
        verdicts.append(judge(payment, postback, BILLER_GUID))
        payment = after(payment, verdicts[-1])
    return payment, verdicts
