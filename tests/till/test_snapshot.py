"""What a front end shows, and in what words."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from cashier.domain.errors import Unavailable
from cashier.domain.money import Cents
from cashier.domain.payment import HINTS, TRANSITIONS, Confirmation, PaymentEvent, PaymentState, Vouch
from cashier.domain.sale import Customer
from cashier.till.snapshot import LineState, PaymentView, StepState
from cashier.till.words import DOUBT, Tone, standing
from tests.helpers.payments import make_payment, told_each
from tests.till.conftest import Desk

S, E = PaymentState, PaymentEvent
D, N, A, X = StepState.DONE, StepState.NOW, StepState.AHEAD, StepState.STOPPED

VOUCH = Vouch("727634", "the portal shows it", "Kim Clerk", "Robin Supervisor")
CONFIRMED = Confirmation("700001-6", Cents(4_000), Cents(100), "g", "VISA", "APPROVED 1")


# -- words -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "tone", "word", "sentence"),
    [
        (
            {"state": S.ISSUED},
            Tone.CALM,
            "Not started",
            "100.00 is recorded; the payment page was not opened.",
        ),
        ({"state": S.OPEN}, Tone.CALM, "Payer is paying", "The payer is at the payment page."),
        (
            {"state": S.IN_DOUBT},
            Tone.WAITING,
            "In doubt",
            "Checking with Invoice Cloud – do not charge again.",
        ),
        (
            {"state": S.IN_DOUBT, "reviews": ("one", "two")},
            Tone.WAITING,
            "In doubt",
            "does not fit this payment: two. A supervisor must look at it. Do not charge again.",
        ),
        (
            {"state": S.IN_DOUBT, "confirmations": (CONFIRMED,)},
            Tone.WAITING,
            "In doubt",
            "40.00 of 100.00 is confirmed so far. Checking – do not charge again.",
        ),
        (
            {"state": S.APPROVED, "confirmations": (CONFIRMED,)},
            Tone.PAID,
            "Partly paid",
            "40.00 is paid. 60.00 is still due.",
        ),
        (
            {"state": S.APPROVED, "amount_cents": 4_000, "confirmations": (CONFIRMED,)},
            Tone.PAID,
            "Paid",
            "40.00 is paid, confirmed by Invoice Cloud.",
        ),
        (
            {
                "state": S.APPROVED,
                "amount_cents": 4_000,
                "confirmations": (CONFIRMED,),
                "reviews": ("DUPLICATE",),
            },
            Tone.PAID,
            "Paid",
            "40.00 is paid. A supervisor must look: DUPLICATE.",
        ),
        (
            {"state": S.DECLINED, "declines": ("first", "DO NOT HONOR")},
            Tone.REFUSED,
            "Declined",
            "The card was refused (DO NOT HONOR). No money was taken.",
        ),
        (
            {"state": S.OPEN, "declines": ("DO NOT HONOR",), "card_declined": True},
            Tone.REFUSED,
            "Declined",
            "The card was refused (DO NOT HONOR). The payer may try another card on the page",
        ),
        (
            {"state": S.IN_DOUBT, "declines": ("DO NOT HONOR",), "card_declined": True},
            Tone.WAITING,
            "Declined",
            "no other card is under way – do not charge again yet",
        ),
        (
            {"state": S.VOUCHED, "vouch": VOUCH},
            Tone.WAITING,
            "Paid per portal",
            "Kim Clerk and Robin Supervisor saw 100.00 paid in Invoice Cloud's portal.",
        ),
        (
            {"state": S.VOUCHED, "vouch": VOUCH, "reviews": ("the gateway shows it as not paid",)},
            Tone.WAITING,
            "Paid per portal",
            "took it for paid, but: the gateway shows it as not paid.",
        ),
        ({"state": S.ABANDONED}, Tone.CALM, "Given up", "No money was taken. The sale can be paid."),
    ],
)
def test_every_state_has_its_words(changes: dict[str, Any], tone: Tone, word: str, sentence: str) -> None:
    told = standing(make_payment(**changes))
    assert (told.tone, told.word) == (tone, word)
    assert sentence in told.sentence


_HINTS = ("", *(event.value for event in PaymentEvent))
_KNOWN: tuple[dict[str, Any], ...] = (
    {},
    {"reviews": ("the gateway named another biller",)},
    {"confirmations": (CONFIRMED,)},
    {"declines": ("DO NOT HONOR",)},
)


@pytest.mark.parametrize(("hint", "known"), list(itertools.product(_HINTS, _KNOWN)))
def test_p4_doubt_never_says_failed_cancelled_or_no_money(hint: str, known: dict[str, Any]) -> None:
    told = standing(make_payment(state=S.IN_DOUBT, **known), hint)
    assert (told.tone, told.word) == (Tone.WAITING, "In doubt")
    assert "do not charge again" in told.sentence.casefold()
    for never in ("no money", "not charged", "nothing was", "failed", "cancel", "declined", "again later"):
        assert never not in told.sentence.casefold()


@pytest.mark.parametrize(("state", "hint", "known"), list(itertools.product(S, _HINTS, _KNOWN)))
def test_no_sentence_says_failed_or_cancelled(state: PaymentState, hint: str, known: dict[str, Any]) -> None:
    told = standing(make_payment(state=state, vouch=VOUCH, **known), hint)
    for never in ("failed", "cancel", "error"):
        assert never not in f"{told.word} {told.sentence}".casefold()


def test_every_hint_that_leads_into_doubt_is_named() -> None:
    leading = {event for event in HINTS if TRANSITIONS.get((S.OPEN, event)) is S.IN_DOUBT}
    assert {E.PAGE_RETURNED, E.LINE_LOST, E.READER_LOST} <= leading
    assert set(DOUBT) == {event.value for event in leading}
    assert len(set(DOUBT.values())) == len(DOUBT)


# -- the payment's view ------------------------------------------------------------------------------------


def _view(desk: Desk) -> PaymentView:
    view = desk.till.snapshot().payment
    assert view is not None
    return view


def _steps(desk: Desk) -> list[tuple[StepState, str]]:
    return [(step.state, step.at[11:19]) for step in _view(desk).steps]


async def test_the_steps_of_a_payment_and_their_times(desk: Desk) -> None:
    desk.fill()
    desk.gateway.errors = [Unavailable("Never sent.")]
    with pytest.raises(Unavailable):
        await desk.till.pay_by_card()
    assert _steps(desk) == [(N, ""), (A, ""), (A, ""), (A, "")]
    desk.clock.advance(60)
    await desk.till.try_again()
    assert _steps(desk) == [(D, "15:05:05"), (N, ""), (A, ""), (A, "")]
    desk.hint(E.PAGE_RETURNED)
    assert _steps(desk) == [(D, "15:05:05"), (D, ""), (N, ""), (A, "")]
    desk.clock.advance(60)
    desk.approve()
    done = [(D, "15:05:05"), (D, ""), (D, "15:06:05"), (D, "15:06:05")]
    assert _steps(desk) == done
    assert _view(desk).steps[3].text == "receipt A-000001"
    desk.clock.advance(3600)
    desk.approve()
    desk.decline()
    desk.approve(payment_amount_cents=1)
    assert _steps(desk) == done, "what is told later does not move the time of the approval"


async def test_a_decline_stops_the_steps(desk: Desk) -> None:
    await desk.open_page()
    desk.clock.advance(60)
    desk.decline()
    assert _steps(desk) == [(D, "15:04:05"), (D, ""), (X, "15:05:05"), (A, "")]
    desk.hint(E.PAGE_SUBMITTED)
    assert _steps(desk) == [(D, "15:04:05"), (N, ""), (A, ""), (A, "")]


async def test_the_service_fee_is_expected_until_it_is_told(desk: Desk) -> None:
    await desk.open_page()
    assert (_view(desk).fee_cents, _view(desk).fee_is_expected) == (250, True)
    desk.approve(convenience_fee_cents=275)
    assert (_view(desk).fee_cents, _view(desk).fee_is_expected) == (275, False)


@pytest.mark.parametrize("event", [E.PAGE_RETURNED, E.PAGE_CLOSED, E.PAGE_FAILED, E.RENDERER_DIED])
async def test_the_newest_hint_gives_the_words(desk: Desk, event: PaymentEvent) -> None:
    await desk.open_page()
    desk.hint(event)
    assert _view(desk).standing.sentence == DOUBT[event.value]
    desk.hint(E.PAGE_CLOSED)
    assert _view(desk).standing.sentence == DOUBT["page_closed"]


async def test_the_verbs_of_each_state(desk: Desk) -> None:
    desk.fill()
    desk.gateway.errors = [Unavailable("Never sent.")]
    with pytest.raises(Unavailable):
        await desk.till.pay_by_card()

    def verbs() -> tuple[bool, bool, bool]:
        return _view(desk).can_try_again, _view(desk).can_give_up, _view(desk).needs_person

    assert verbs() == (True, True, False)
    await desk.till.try_again()
    assert verbs() == (False, False, False)
    desk.approve(payment_amount_cents=1)
    assert verbs() == (False, False, True)


async def test_the_receipt_is_that_of_the_payment_shown(desk: Desk) -> None:
    first = await desk.open_page()
    desk.approve()
    desk.till.new_sale()
    second = await desk.open_page("plan")
    desk.hint(E.PAGE_CLOSED)
    desk.till.show_payment(first.reference)
    snapshot = desk.till.snapshot()
    assert snapshot.receipt is not None
    assert snapshot.receipt.number == "A-000001"
    desk.till.show_payment(second.reference)
    assert desk.till.snapshot().receipt is None
    assert _view(desk).steps[3].text == "receipt"
    desk.approve(second)
    snapshot = desk.till.snapshot()
    assert snapshot.receipt is not None
    assert snapshot.receipt.number == "A-000002"


# -- the sale's view ---------------------------------------------------------------------------------------


def test_an_empty_till(desk: Desk) -> None:
    snapshot = desk.till.snapshot()
    assert (snapshot.till, snapshot.cashier, snapshot.agency) == ("A", "Kim Clerk", "Town of Sampleton")
    assert (snapshot.line, snapshot.busy, snapshot.training) == (LineState.UNKNOWN, False, False)
    assert snapshot.draft.is_empty
    assert (snapshot.draft.invoices, snapshot.unsettled, snapshot.recent) == ((), (), ())
    assert (snapshot.payment, snapshot.receipt) == (None, None)
    assert len(snapshot.readers) == 2


def test_the_card_key_says_why_it_is_off(desk: Desk) -> None:
    def refusal() -> str:
        return desk.till.snapshot().draft.card_refusal

    assert refusal() == "Add a fee first."
    desk.till.add_fee("permit")
    assert refusal() == "Enter the customer's name first."
    desk.till.set_customer(Customer("", "Robin Example"))
    assert refusal() == ""
    desk.till.line_is(LineState.OFFLINE)
    assert "the postback hub does not answer" in refusal()
    desk.till.line_is(LineState.ONLINE)
    assert refusal() == ""
    desk.till.add_fee("report")
    assert "different billers" in refusal()
    desk.till.remove_fee(2)
    desk.till.add_fee("unknown")
    assert "Invoice type 77 is not set up" in refusal()
    desk.till.remove_fee(3)
    desk.till.add_fee("large")
    assert refusal() == (
        "This biller takes at most 5,000.00 by card; this sale comes to 5,100.01. Take 100.01 or more "
        "in cash or by check first, then the rest by card."
    )


async def test_a_running_payment_locks_the_sale_and_a_settled_one_shows_what_was_paid(desk: Desk) -> None:
    payment = await desk.open_page("permit", "plan")
    draft = desk.till.snapshot().draft
    assert (draft.is_locked, draft.card_refusal) == (True, "A card payment for this sale is not settled.")
    for told in told_each(payment):
        desk.deliver(told)
    draft = desk.till.snapshot().draft
    assert (draft.is_locked, draft.paid_cents, draft.due_cents) == (True, 14_000, 0)
    assert (draft.card_refusal, draft.service_fee_cents) == ("This sale is paid.", 0)


def test_the_chip_reader_is_greyed_out_with_the_reason(desk: Desk) -> None:
    assert desk.till.snapshot().draft.emv_refusal == ""
    desk.fill("permit")
    assert desk.till.snapshot().draft.emv_refusal == ""
    desk.till.add_fee("coded")
    assert "chip reader cannot be used" in desk.till.snapshot().draft.emv_refusal


async def test_unsettled_payments_are_listed_oldest_first(desk: Desk) -> None:
    first = await desk.open_page()
    desk.hint(E.PAGE_CLOSED)
    desk.till.new_sale()
    desk.clock.advance(60)
    second = await desk.open_page("plan")
    rows = desk.till.snapshot().unsettled
    assert [row.reference for row in rows] == [first.reference, second.reference]
    assert [row.amount_cents for row in rows] == [10_000, 4_000]
    assert [row.standing.word for row in rows] == ["In doubt", "Payer is paying"]
    desk.approve(first)
    assert [row.reference for row in desk.till.snapshot().unsettled] == [second.reference]


async def test_receipts_are_found_as_typed(desk: Desk) -> None:
    await desk.open_page()
    desk.approve()
    assert [receipt.number for receipt in desk.till.receipts("robin")] == ["A-000001"]
    assert desk.till.receipts("nobody") == ()
    assert desk.till.receipt("A-000001") == desk.till.receipts("")[0]
    assert desk.till.receipt("A-000009") is None


_VERBS: dict[str, Callable[[Desk], object]] = {
    "fee": lambda desk: desk.till.add_fee("visit"),
    "customer": lambda desk: desk.till.set_customer(Customer("1", "Another Example")),
    "permit": lambda desk: desk.till.set_permit(None),
    "reader": lambda desk: desk.till.choose_reader("lane"),
    "new": lambda desk: desk.till.new_sale(),
    "line": lambda desk: desk.till.line_is(LineState.ONLINE),
}


@pytest.mark.parametrize("verb", _VERBS.values(), ids=_VERBS)
def test_each_verb_says_once_that_there_is_something_to_look_at(
    desk: Desk, verb: Callable[[Desk], object]
) -> None:
    desk.fill()
    before, told = desk.till.snapshot(), desk.told
    verb(desk)
    assert desk.told == told + 1
    assert desk.till.snapshot() != before


def test_the_same_line_again_is_no_news(desk: Desk) -> None:
    desk.till.line_is(LineState.ONLINE)
    told = desk.told
    desk.till.line_is(LineState.ONLINE)
    assert desk.told == told
