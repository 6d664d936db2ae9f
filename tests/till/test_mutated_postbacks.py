"""Mutated postbacks never reach PAID: anything but the gateway's words of this payment is for a person.

Each case mutates the raw parameters of an approval and goes the whole way: parsed as the hub's client does,
judged by the one reconciler. The default run tries some thousands, `--long` a million in chunks.
"""

import random
from urllib.parse import quote_plus

import pytest

from cashier.domain.entries import EntryKind
from cashier.domain.payment import Payment, PaymentEvent, PaymentState
from cashier.gateway.postback import NotAPostback, parse_postback
from cashier.till.reconcile import judge
from tests.helpers.payments import BILLER_GUID, GUID, make_payment

CHUNK = 10_000
CHUNKS, CHUNKS_LONG = 3, 100
#: What proves that a postback is this payment's own.
_PROOFS = ("Approved", "BillerGUID", "BillerReference", "InvoiceNumber", "PaymentAmount", "PaymentGUID")


def _honest(payment: Payment) -> dict[str, str]:
    return {
        "BillerGUID": BILLER_GUID,
        "PaymentDate": "2/3/2026 10:05:00 AM",
        "InvoiceNumber": payment.invoices[0].number,
        "Approved": "True",
        "CustomerName": "Robin Example",
        "CustomerAddress": "3 Sample Lane",
        "CustomerCity": "Sampletown",
        "CustomerState": "GA",
        "CustomerZip": "30001",
        "PaymentGUID": GUID,
        "PaymentAmount": "100.00",
        "PaymentDescription": "Permit",
        "PaymentTypeID": "1",
        "CardType": "VISA",
        "PaymentMessage": "APPROVED 727634",
        "BillerReference": payment.reference,
        "ConvenienceFee": "2.50",
        "RemoteIP": "127.0.0.1",
    }


def _mutated_text(rng: random.Random, text: str) -> str:
    """Another text: a character changed, dropped, doubled, swapped, or something else altogether."""
    way = rng.randrange(7)
    place = rng.randrange(len(text)) if text else 0
    strange = rng.choice(["0", "9", "-", "+", ".", ",", " ", "e", "%00", "'", "１", "\u202e", "A", "x", "\n"])
    match way:
        case 0:
            return text[:place] + strange + text[place + 1 :]
        case 1:
            return text[:place] + text[place + 1 :]
        case 2:
            return text[:place] + text[place : place + 1] * 2 + text[place + 1 :]
        case 3:
            return text[:place] + strange + text[place:]
        case 4:
            return text[::-1]
        case 5:
            return rng.choice(["", "null", "true", "TRUE", "1", "Yes", "[]", "100", "1e2", "NaN"])
        case _:
            return "".join(rng.choice("0123456789.True ,;-") for _ in range(rng.randrange(12)))


def _mutate(rng: random.Random, honest: dict[str, str]) -> str:
    """The parameters as query text with one to three of them dropped, renamed, doubled or changed."""
    pairs = list(honest.items())
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        place = rng.randrange(len(pairs))
        name, value = pairs[place]
        match rng.randrange(5):
            case 0:
                del pairs[place]
            case 1:
                pairs[place] = (_mutated_text(rng, name), value)
            case 2:
                pairs.append((name, _mutated_text(rng, value)))
            case _:
                pairs[place] = (name, _mutated_text(rng, value))
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs)


def test_p13_mutated_postbacks_never_reach_paid(long: bool) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chunks = CHUNKS_LONG if long else CHUNKS
    reviewed = paid = 0
    for chunk in range(chunks):
        rng = random.Random(f"{seed}/{chunk}")
        payment = make_payment(state=rng.choice([PaymentState.OPEN, PaymentState.IN_DOUBT]))
        honest = _honest(payment)
        for case in range(CHUNK):
            query = _mutate(rng, honest)
            try:
                postback = parse_postback(query.encode(), b"")
            except NotAPostback:
                continue
            verdict = judge(payment, postback, BILLER_GUID)
            if verdict.event is PaymentEvent.CONFIRMED_PAID:
                paid += 1
                told = (
                    postback.payment_amount_cents,
                    postback.invoice_number.strip(" ,;"),  # a list of one is that one
                    postback.biller_reference,
                    postback.biller_guid.casefold(),
                )
                wanted = (10_000, payment.invoices[0].number, payment.reference, BILLER_GUID.casefold())
                assert told == wanted, f"seed {seed}, chunk {chunk}, case {case}: {query}"
                assert postback.payment_guid, f"seed {seed}, chunk {chunk}, case {case}: {query}"
            elif verdict.kind is EntryKind.PAYMENT_TOLD:
                assert verdict.confirmations == (), f"seed {seed}, chunk {chunk}, case {case}: {query}"
                reviewed += verdict.event is PaymentEvent.NEEDS_REVIEW
    print(f"{chunks * CHUNK} postbacks, {reviewed} for a person, {paid} still the honest one")
    assert reviewed > chunks * CHUNK // 4
    assert paid > 0, "some mutations change nothing that matters: the test can tell the two apart"


@pytest.mark.parametrize("name", _PROOFS)
def test_p13_each_proof_alone_is_needed(name: str) -> None:
    payment = make_payment()
    honest = _honest(payment)
    query = "&".join(f"{key}={quote_plus(value)}" for key, value in honest.items())
    assert (
        judge(payment, parse_postback(query.encode(), b""), BILLER_GUID).event is PaymentEvent.CONFIRMED_PAID
    )
    without = "&".join(f"{key}={quote_plus(value)}" for key, value in honest.items() if key != name)
    verdict = judge(payment, parse_postback(without.encode(), b""), BILLER_GUID)
    assert verdict.event is PaymentEvent.NEEDS_REVIEW
