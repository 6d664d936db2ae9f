"""Asking the gateway about payments in doubt: when it is asked, and what each answer settles."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from cashier.domain.entries import EntryKind
from cashier.domain.errors import InDoubt, Refused, TooBusy, Unavailable
from cashier.domain.payment import Payment, PaymentEvent, PaymentState
from cashier.till.checking import Checker
from cashier.till.config import Waits
from cashier.till.facts import Facts
from cashier.till.snapshot import LineState
from tests.fakes.enquiry import FakeEnquiry
from tests.fakes.people import PIN, SUPERVISOR
from tests.helpers.payments import told_each
from tests.till.conftest import CONFIG, Desk
from tests.till.test_card_payment import _partial_sale as partial_sale

S, E = PaymentState, PaymentEvent
SESSION_S = CONFIG.waits.session_s + CONFIG.waits.margin_s


async def _opened(desk: Desk, *codes: str) -> Payment:
    """A payment at its page, whose invoices the gateway knows by now."""
    payment = await desk.open_page(*codes)
    for share in payment.invoices:
        desk.enquiry.launch(share.number, share.amount_cents)
    return payment


def _pay(desk: Desk, payment: Payment) -> None:
    for share in payment.invoices:
        desk.enquiry.pay(share.number)


def _asked_at(desk: Desk) -> list[float]:
    """Seconds since now at which the gateway is asked."""
    start, at = desk.clock.monotonic(), []
    desk.enquiry.looked = lambda: at.append(round(desk.clock.monotonic() - start))
    return at


# -- when --------------------------------------------------------------------------------------------------


async def test_p4_a_closed_page_is_asked_about_at_5_15_60_seconds_then_every_five_minutes(desk: Desk) -> None:
    await _opened(desk)
    desk.hint(E.PAGE_CLOSED)
    at = _asked_at(desk)
    await desk.pass_time(1000)
    assert at == [5, 15, 60, 360, 660, 960]
    assert desk.state() is S.IN_DOUBT


async def test_p4_a_page_that_returned_is_asked_about_at_once(desk: Desk) -> None:
    await _opened(desk)
    await desk.pass_time(30)
    at = _asked_at(desk)
    desk.hint(E.PAGE_RETURNED)
    await desk.pass_time(61)
    assert at[0] == 0
    assert at[1:] == [5, 15, 60]


async def test_p2_every_unsettled_payment_is_asked_about_at_once_after_a_restart(desk: Desk) -> None:
    payment = await _opened(desk)
    desk.clock.advance(100)
    desk.restart()
    assert desk.journal.payment(payment.reference).state is S.IN_DOUBT  # type: ignore[union-attr]
    at = _asked_at(desk)
    _pay(desk, payment)
    desk.till.checker.begin()
    await desk.till.checker.check_due()
    assert at[0] == 0
    settled = desk.journal.payment(payment.reference)
    assert settled is not None
    assert (settled.state, desk.receipts()) == (S.APPROVED, ["A-000001"])


async def test_a_page_before_the_payer_is_asked_about_without_hurry_and_ended_by_no_answer(
    desk: Desk,
) -> None:
    await _opened(desk)
    at = _asked_at(desk)
    await desk.pass_time(SESSION_S * 2)
    assert at[:3] == [60, 360, 660]
    assert desk.state() is S.OPEN


async def test_p6_questions_never_overlap(desk: Desk) -> None:
    payment = await _opened(desk)
    desk.hint(E.PAGE_CLOSED)
    desk.enquiry.held = asyncio.Event()
    asking = [asyncio.create_task(desk.till.checker.check(payment.reference)) for _ in range(3)]
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(desk.enquiry.asked) == 1
    desk.enquiry.held.set()
    await asyncio.gather(*asking)
    assert len(desk.enquiry.asked) == 3


async def test_a_gateway_that_asks_for_rest_gets_it_for_every_payment(desk: Desk) -> None:
    await _opened(desk)
    desk.hint(E.PAGE_CLOSED)
    desk.till.new_sale()
    await _opened(desk, "plan")
    desk.hint(E.PAGE_CLOSED)
    desk.enquiry.errors = [TooBusy("Leave me alone.", 100.0)]
    at = _asked_at(desk)
    await desk.pass_time(300)
    assert [moment for moment in at if 5 < moment < 105] == []


@pytest.mark.parametrize("error", [Unavailable("Never sent."), InDoubt("Lost."), Refused("Wrong key.")])
async def test_p8_a_question_without_an_answer_ends_nothing_and_is_asked_again(
    desk: Desk, error: Unavailable
) -> None:
    payment = await _opened(desk)
    desk.hint(E.PAGE_CLOSED)
    desk.enquiry.errors = [error, error]
    _pay(desk, payment)
    await desk.pass_time(16)
    assert desk.state() is S.IN_DOUBT
    (row,) = desk.till.desk.view().rows
    assert row.gateway_says == error.user_text
    await desk.pass_time(60)
    assert desk.state() is S.APPROVED


# -- what an answer settles --------------------------------------------------------------------------------


async def test_p2_paid_at_the_gateway_is_one_receipt_also_when_the_postback_comes_later(desk: Desk) -> None:
    payment = await _opened(desk, "permit", "plan")
    desk.hint(E.PAGE_CLOSED)
    _pay(desk, payment)
    await desk.pass_time(6)
    assert (desk.payment.state, desk.receipts()) == (S.APPROVED, ["A-000001"])
    assert [item.payment_guid for item in desk.payment.confirmations] == ["", ""]
    assert desk.approve(convenience_fee_cents=350).receipt is None
    assert len({item.payment_guid for item in desk.payment.confirmations}) == 1
    assert (desk.payment.confirmed_cents, desk.payment.service_fee_cents) == (14_000, 350)
    assert desk.receipts() == ["A-000001"]
    assert desk.discrepancies() == []
    assert desk.approve(convenience_fee_cents=350).receipt is None
    assert desk.entries()[-1].kind is EntryKind.POSTBACK_REPEATED


async def test_postbacks_an_invoice_take_the_place_of_an_enquirys_word_one_by_one(desk: Desk) -> None:
    payment = await _opened(desk, "permit", "plan")
    desk.hint(E.PAGE_CLOSED)
    _pay(desk, payment)
    await desk.pass_time(6)
    for told in told_each(payment, fee_cents=350):
        desk.deliver(told)
    assert (desk.payment.state, desk.payment.confirmed_cents) == (S.APPROVED, 14_000)
    assert all(item.payment_guid for item in desk.payment.confirmations)
    assert (desk.receipts(), desk.discrepancies()) == (["A-000001"], [])


async def test_the_postback_of_a_returned_page_comes_before_the_enquirys_poorer_word(desk: Desk) -> None:
    payment = await _opened(desk)
    await desk.till.checker.check_due()
    _pay(desk, payment)
    desk.hint(E.PAGE_RETURNED)

    async def postback_meanwhile(seconds: float) -> None:
        desk.clock.advance(seconds)
        desk.approve()

    desk.till.checker._sleep = postback_meanwhile
    await desk.till.checker.check_due()
    (confirmation,) = desk.payment.confirmations
    assert (confirmation.card_type, confirmation.service_fee_cents) == ("VISA", 250)
    assert desk.receipts() == ["A-000001"]


async def test_a_second_charge_after_an_enquirys_word_is_a_discrepancy(desk: Desk) -> None:
    payment = await _opened(desk)
    desk.hint(E.PAGE_CLOSED)
    _pay(desk, payment)
    await desk.pass_time(6)
    desk.approve(payment_guid="first")
    assert desk.discrepancies() == []
    desk.approve(payment_guid="second")
    assert "a second charge" in desk.discrepancies()[0]
    assert desk.receipts() == ["A-000001"]


async def test_a_postback_of_another_amount_than_the_enquirys_is_a_discrepancy(desk: Desk) -> None:
    sale = partial_sale(desk)
    await desk.till.pay_sale(sale)
    desk.enquiry.launch("700001", 10_000)
    desk.hint(E.PAGE_CLOSED)
    desk.enquiry.pay("700001", 4_000)
    await desk.pass_time(6)
    assert (desk.payment.state, desk.payment.confirmed_cents) == (S.APPROVED, 4_000)
    desk.approve(payment_amount_cents=6_000)
    assert "another amount than it said when it was asked" in desk.discrepancies()[0]
    assert desk.payment.confirmed_cents == 4_000


async def test_p14_partly_paid_by_the_balance_is_a_part_and_the_next_attempt_is_for_the_rest(
    desk: Desk,
) -> None:
    sale = partial_sale(desk)
    await desk.till.pay_sale(sale)
    first = desk.payment
    desk.enquiry.launch("700001", 10_000)
    desk.enquiry.pay("700001", 4_000)
    desk.hint(E.PAGE_CLOSED)
    await desk.pass_time(6)
    receipt = desk.journal.receipt("A-000001")
    assert receipt is not None
    assert (receipt.paid_cents, receipt.due_cents) == (4_000, 6_000)
    second = desk.payments.issue(first.sale_id, sale, None)
    assert second.amount_cents == 6_000


async def test_a_part_that_was_not_offered_is_for_a_person(desk: Desk) -> None:
    payment = await _opened(desk)
    desk.enquiry.pay(payment.invoices[0].number, 4_000)
    desk.hint(E.PAGE_CLOSED)
    await desk.pass_time(700)
    assert desk.state() is S.IN_DOUBT
    assert desk.payment.reviews == (
        f"the gateway shows 40.00 of 100.00 paid on invoice {payment.invoices[0].number}",
    ), "said once, however often it is answered"


async def test_one_of_two_invoices_paid_is_a_receipt_for_it_once_the_session_is_over(desk: Desk) -> None:
    payment = await _opened(desk, "permit", "plan")
    desk.enquiry.pay(payment.invoices[0].number)
    desk.hint(E.PAGE_CLOSED)
    await desk.pass_time(60)
    assert (desk.payment.state, desk.receipts()) == (S.IN_DOUBT, [])
    await desk.pass_time(SESSION_S + 400)
    assert desk.state() is S.APPROVED
    (receipt,) = desk.journal.receipts_of_sale(payment.sale_id)
    assert (receipt.paid_cents, receipt.due_cents) == (10_000, 4_000)


@pytest.mark.parametrize("knows", [True, False], ids=["not paid", "not found"])
async def test_p20_not_paid_and_not_found_count_only_after_the_session_and_its_margin(
    desk: Desk, knows: bool
) -> None:
    payment = await _opened(desk)
    if not knows:
        desk.enquiry.invoices.clear()
    desk.hint(E.PAGE_CLOSED)
    await desk.pass_time(SESSION_S - 1)
    assert desk.state() is S.IN_DOUBT
    with pytest.raises(Refused, match="not settled"):
        await desk.till.pay_by_card()
    await desk.pass_time(301)
    assert (desk.payment.state, desk.receipts()) == (S.ABANDONED, [])
    ending = desk.entries(EntryKind.PAYMENT_TOLD)[-1]
    assert (ending.body["source"], ending.body["answers"][0]["found"]) == ("enquiry", knows)
    await desk.till.pay_by_card()
    assert desk.payment.reference != payment.reference


async def test_p20_a_clock_set_forward_ends_no_session(desk: Desk) -> None:
    await _opened(desk)
    desk.hint(E.PAGE_CLOSED)
    await desk.pass_time(10)

    monotonic = desk.clock.monotonic
    behind = 5 * SESSION_S
    desk.clock.advance(behind)
    desk.clock.monotonic = lambda: monotonic() - behind  # type: ignore[method-assign]
    await desk.pass_time(400)
    assert desk.state() is S.IN_DOUBT


async def test_p20_a_restart_counts_from_what_was_recorded(desk: Desk) -> None:
    payment = await _opened(desk)
    desk.hint(E.PAGE_CLOSED)
    desk.clock.advance(SESSION_S - 10)
    desk.restart()
    desk.till.checker.begin()
    await desk.till.checker.check_due()
    waiting = desk.journal.payment(payment.reference)
    assert waiting is not None
    assert waiting.state is S.IN_DOUBT
    await desk.pass_time(301)
    ended = desk.journal.payment(payment.reference)
    assert ended is not None
    assert ended.state is S.ABANDONED


async def test_p1_killed_before_the_gateway_heard_ends_abandoned_without_a_receipt_number(desk: Desk) -> None:
    desk.fill()
    desk.gateway.errors = [Unavailable("Killed.")]
    with pytest.raises(Unavailable):
        await desk.till.pay_by_card()
    first = desk.payment
    desk.clock.advance(10)
    desk.restart()
    desk.till.checker.begin()
    await desk.till.checker.check_due()
    assert desk.enquiry.asked == [(first.invoices[0].number, "town")]
    issued = desk.journal.payment(first.reference)
    assert issued is not None
    assert issued.state is S.ISSUED
    await desk.pass_time(SESSION_S + 301)
    ended = desk.journal.payment(first.reference)
    assert ended is not None
    assert (ended.state, desk.receipts()) == (S.ABANDONED, [])
    await desk.open_page()
    assert desk.approve().receipt is not None
    assert desk.receipts() == ["A-000001"]


async def test_p6_no_timer_alone_frees_the_invoice(desk: Desk) -> None:
    await _opened(desk)
    desk.hint(E.PAGE_CLOSED)
    desk.enquiry.is_answering = False
    await desk.pass_time(30 * 24 * 3600)
    assert desk.state() is S.IN_DOUBT
    (row,) = desk.till.desk.view().rows
    assert row.age_s >= 30 * 24 * 3600, "its age is visible"


async def test_p21_without_credentials_only_a_postback_or_two_people_end_it(desk: Desk) -> None:
    desk.enquiry.not_set_up = {"town"}
    await _opened(desk)
    desk.hint(E.PAGE_CLOSED)
    await desk.pass_time(7 * 24 * 3600)
    assert (desk.payment.state, desk.enquiry.asked) == (S.IN_DOUBT, [])
    (row,) = desk.till.desk.view().rows
    assert not row.can_ask
    assert "its message or a supervisor with its portal settles it" in row.next_action
    with pytest.raises(Refused, match="cannot be asked"):
        await desk.till.desk.check_now(desk.payment.reference)
    assert desk.approve().receipt is not None


async def test_p21_a_decline_still_ends_it_after_the_quiet_time(desk: Desk) -> None:
    desk.enquiry.not_set_up = {"town"}
    await _opened(desk)
    desk.decline()
    desk.hint(E.PAGE_CLOSED)
    await desk.pass_time(19)
    assert desk.state() is S.IN_DOUBT
    await desk.pass_time(3)
    assert desk.state() is S.DECLINED


async def test_p16_a_dead_renderer_is_asked_about(desk: Desk) -> None:
    payment = await _opened(desk)
    _pay(desk, payment)
    desk.hint(E.RENDERER_DIED)
    assert desk.state() is S.IN_DOUBT
    await desk.pass_time(6)
    assert desk.state() is S.APPROVED
    assert len(desk.gateway.launched) == 1, "nothing is opened or sent again"


async def test_p7_paid_although_the_clerk_closed_the_page_says_so(desk: Desk) -> None:
    await _opened(desk)
    desk.hint(E.PAGE_CLOSED)
    desk.clock.advance(1)
    desk.approve()
    view = desk.till.snapshot().payment
    assert view is not None
    assert "completed before the page was closed" in view.standing.sentence
    assert desk.kinds()[-3:] == ["page_closed", "confirmed_paid", "receipt_issued"]


async def test_p9_a_late_approval_of_an_abandoned_attempt_is_a_duplicate_for_a_person(desk: Desk) -> None:
    first = await _opened(desk)
    desk.hint(E.PAGE_CLOSED)
    await desk.pass_time(SESSION_S + 301)
    await desk.till.pay_by_card()
    desk.approve()
    late = desk.approve(first)
    assert late.receipt is None
    assert desk.receipts() == ["A-000001"]
    assert [matter.reason for matter in desk.till.desk.view().matters] == [
        "DUPLICATE PAYMENT: the sale was already paid; refund one of them"
    ]


async def test_an_answer_is_not_credited_to_the_wrong_one_of_two_attempts(desk: Desk) -> None:
    """The first attempt's card was declined, another was under way after all; the balance says "paid"."""
    first = await _opened(desk)
    desk.decline(first)
    await desk.close_declined()
    assert desk.journal.payment(first.reference).state is S.DECLINED  # type: ignore[union-attr]
    await desk.till.pay_by_card()
    second = desk.payment
    assert second.sale_id == first.sale_id
    desk.hint(E.PAGE_CLOSED)
    _pay(desk, second)
    await desk.pass_time(SESSION_S + 400)
    assert desk.state() is S.IN_DOUBT
    assert "not by which of the payer's attempts" in desk.payment.reviews[0]
    desk.approve(first)
    assert desk.receipts() == ["A-000001"]
    await desk.pass_time(SESSION_S + 400)
    assert desk.state() is S.IN_DOUBT, "until a person has seen to it"
    for matter in desk.till.desk.view().matters:
        await desk.till.desk.see(matter.id, note="the first card paid", supervisor=SUPERVISOR, pin=PIN)
    await desk.pass_time(400)
    assert desk.state() is S.ABANDONED, "what the first one paid is not the second one's"


async def test_p13_an_enquiry_settles_nothing_that_a_postback_contradicts(desk: Desk) -> None:
    payment = await _opened(desk)
    desk.approve(payment_amount_cents=10_100)
    _pay(desk, payment)
    await desk.pass_time(SESSION_S + 400)
    assert (desk.payment.state, desk.receipts()) == (S.IN_DOUBT, [])
    (matter,) = desk.till.desk.view().matters
    await desk.till.desk.see(matter.id, note="the portal says 100.00", supervisor=SUPERVISOR, pin=PIN)
    await desk.pass_time(400)
    assert (desk.payment.state, desk.receipts()) == (S.APPROVED, ["A-000001"])


async def test_an_earlier_part_of_the_same_sale_is_not_paid_again_by_the_next_answer(desk: Desk) -> None:
    sale = partial_sale(desk)
    await desk.till.pay_sale(sale)
    first = desk.payment
    desk.enquiry.launch("700001", 10_000)
    desk.approve(payment_amount_cents=4_000)
    second = desk.payments.issue(first.sale_id, sale, None)
    await desk.payments.launch(second.reference)
    desk.enquiry.launch("700001", 6_000)
    desk.till.page_event(second.reference, E.PAGE_CLOSED)
    desk.till.show_payment(second.reference)
    await desk.pass_time(10)
    assert (desk.payment.state, desk.payment.confirmed_cents) == (S.IN_DOUBT, 0)
    desk.enquiry.pay("700001")
    await desk.pass_time(70)
    assert (desk.payment.state, desk.payment.confirmed_cents) == (S.APPROVED, 6_000)
    assert desk.receipts() == ["A-000001", "A-000002"]


async def test_a_balance_that_falls_behind_a_confirmed_payment_is_a_matter_once_the_session_is_over(
    desk: Desk,
) -> None:
    payment = await _opened(desk, "permit", "plan")
    desk.deliver(told_each(payment)[0])
    desk.hint(E.PAGE_CLOSED)
    await desk.pass_time(60)
    assert desk.payment.reviews == ()
    await desk.pass_time(SESSION_S + 400)
    assert "more than is left of it here" in desk.payment.reviews[0]


async def test_the_waits_are_settings(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(waits=Waits(session_s=60, margin_s=0, quiet_s=2))
    await _opened(desk)
    desk.hint(E.PAGE_CLOSED)
    await desk.pass_time(400)
    assert desk.state() is S.ABANDONED


async def test_everything_asked_is_the_fakes_own_contract() -> None:
    """The helper of this file pays what it launched."""
    enquiry = FakeEnquiry()
    enquiry.launch("1", 500)
    enquiry.pay("1")
    answer = await enquiry.ask("1", "town")
    assert replace(answer, message="").balance_cents == 0


@pytest.mark.parametrize("event", [E.LINE_LOST, E.PAGE_FAILED])
async def test_nothing_is_settled_as_unpaid_while_the_page_still_stands(
    desk: Desk, event: PaymentEvent
) -> None:
    """The line was lost, or a part of the page did not load; the payer may be at it all the same."""
    payment = await _opened(desk)
    if event is E.LINE_LOST:
        desk.till.line_is(LineState.ONLINE)
        desk.till.line_is(LineState.OFFLINE)
    else:
        desk.hint(event)
    desk.decline(payment)
    await desk.pass_time(2 * SESSION_S)
    assert desk.state() is S.IN_DOUBT
    desk.hint(E.PAGE_CLOSED)
    await desk.pass_time(25)
    assert desk.state() is S.DECLINED


async def test_a_restart_ends_every_page_also_that_of_a_payment_already_in_doubt(desk: Desk) -> None:
    payment = await _opened(desk)
    desk.till.line_is(LineState.ONLINE)
    desk.till.line_is(LineState.OFFLINE)
    assert not desk.payment.page_gone
    desk.restart()
    await desk.pass_time(SESSION_S + 301)
    ended = desk.journal.payment(payment.reference)
    assert ended is not None
    assert (ended.page_gone, ended.state) == (True, S.ABANDONED)


async def test_what_another_till_was_paid_is_not_credited_to_a_page_never_opened(desk: Desk) -> None:
    """The till died between recording and announcing; the payer went to the next window."""
    desk.gateway.errors = [Unavailable("Killed.")]
    with pytest.raises(Unavailable):
        await desk.till.pay_sale(partial_sale(desk))
    desk.enquiry.launch("700001", 10_000)
    desk.enquiry.pay("700001")
    desk.restart()
    await desk.pass_time(61)
    (ended,) = desk.journal.payments_of_invoice("700001")
    assert (ended.state, ended.confirmations, desk.receipts()) == (S.ABANDONED, (), [])


async def test_a_payment_that_had_ended_is_not_credited_with_what_another_paid_meanwhile(desk: Desk) -> None:
    """Its hold was given back; a message that does not fit puts it in doubt; the invoice is paid by then."""
    first = await _opened(desk)
    desk.decline(first)
    await desk.close_declined()
    desk.approve(first, payment_amount_cents=1)
    _pay(desk, first)
    (matter,) = desk.till.desk.view().matters
    await desk.till.desk.see(matter.id, note="asked the gateway", supervisor=SUPERVISOR, pin=PIN)
    await desk.pass_time(400)
    assert (desk.payment.state, desk.receipts()) == (S.IN_DOUBT, [])
    assert "not by which of the payer's attempts" in desk.payment.reviews[-1]


async def test_a_journal_that_cannot_be_read_for_a_while_does_not_end_the_asking(desk: Desk) -> None:
    payment = await _opened(desk)
    desk.hint(E.PAGE_CLOSED)
    _pay(desk, payment)
    waits: list[float] = []

    class Failing(Checker):
        async def check_due(self) -> float:
            waits.append(desk.clock.monotonic())
            if len(waits) == 1:
                self.ring()
                raise Unavailable("The journal cannot be read.")
            desk.clock.advance(6)
            return await super().check_due()

    facts = Facts(CONFIG, desk.clock, desk.randomness, desk.journal)
    checker = Failing(CONFIG.waits, desk.clock, desk.journal, desk.enquiry, facts, lambda told: None)
    task = asyncio.create_task(checker.run())
    async with asyncio.timeout(5):
        while desk.state() is not S.APPROVED:
            await asyncio.sleep(0)
    task.cancel()
