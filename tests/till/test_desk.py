"""The desk: what it lists, what two people may record, what a payer is handed."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from cashier.domain.entries import EntryKind
from cashier.domain.errors import Refused, Unavailable
from cashier.domain.payment import PaymentEvent, PaymentState
from cashier.domain.receipt import TenderKind
from cashier.domain.slip import SlipKind
from cashier.till.ports import Quarantined
from tests.fakes.people import PIN, SUPERVISOR
from tests.helpers.payments import told_all
from tests.till.conftest import CONFIG, Desk, FaultyJournal

S, E = PaymentState, PaymentEvent
SESSION_S = CONFIG.waits.session_s + CONFIG.waits.margin_s
REASON = "The portal shows it as approved."


async def _in_doubt(desk: Desk) -> str:
    payment = await desk.open_page()
    desk.hint(E.PAGE_CLOSED)
    return payment.reference


async def _vouch(desk: Desk, reference: str, **changes: str) -> None:
    words = {"authorisation": "727634", "reason": REASON, "supervisor": SUPERVISOR, "pin": PIN}
    await desk.till.desk.vouch(reference, **(words | changes))


# -- the list ----------------------------------------------------------------------------------------------


async def test_p5_a_row_says_all_that_is_known_of_an_attempt(desk: Desk) -> None:
    desk.till.choose_reader("lane")
    reference = await _in_doubt(desk)
    desk.clock.advance(90)
    (row,) = desk.till.desk.view().rows
    assert (row.reference, row.payer, row.permit) == (reference, "Robin Example", "BP-26-0042")
    assert (row.amount_cents, row.reader, row.cashier) == (10_000, "Lane 3000, counter 1", "Kim Clerk")
    assert (row.age_s, row.state, row.standing.word) == (90, S.IN_DOUBT, "In doubt")
    assert (row.till_says, row.gateway_says) == ("the page was closed here", "nothing yet")
    assert (row.can_ask, row.can_vouch, row.can_print_slip) == (True, True, True)
    assert "Charge nothing again" in row.next_action


async def test_p5_the_invoice_is_refused_everywhere_with_attempt_till_and_time(desk: Desk) -> None:
    reference = await _in_doubt(desk)
    for _ in range(2):
        with pytest.raises(Refused, match=f"{reference[:10]}.* of 100.00 .*till A, 15:04 UTC") as refused:
            await desk.till.pay_by_card()
        assert "Do not charge again" in refused.value.user_text
    assert len(desk.gateway.launched) == 1


async def test_the_newest_word_of_the_gateway_counts(desk: Desk) -> None:
    reference = await _in_doubt(desk)
    payment = desk.payment
    desk.enquiry.launch(payment.invoices[0].number, 10_000)
    await desk.till.desk.check_now(reference)
    assert "100.00 due on invoice" in desk.till.desk.view().rows[0].gateway_says
    desk.clock.advance(1)
    desk.approve(payment_amount_cents=1)
    (row,) = desk.till.desk.view().rows
    assert "reports 0.01, launched were 100.00" in row.gateway_says
    assert "A supervisor compares it" in row.next_action


async def test_each_state_has_its_next_safe_action(desk: Desk) -> None:
    def action() -> str:
        return desk.till.desk.view().rows[0].next_action

    desk.fill()
    desk.gateway.errors = [Unavailable("Never sent.")]
    with pytest.raises(Unavailable):
        await desk.till.pay_by_card()
    assert "no money moved" in action()
    await desk.till.try_again()
    assert "Wait for the payer" in action()
    desk.decline()
    desk.hint(E.PAGE_CLOSED)
    assert "no other card must be under way" in action()
    desk.hint(E.PAGE_SUBMITTED)
    assert "only when its page is closed" in action()
    desk.hint(E.PAGE_CLOSED)
    assert "that counts in 36 minutes" in action()
    await _vouch(desk, desk.payment.reference)
    assert "until Invoice Cloud says the same" in action()


async def test_a_settled_desk_is_empty(desk: Desk) -> None:
    await _in_doubt(desk)
    desk.approve()
    view = desk.till.desk.view()
    assert (view.rows, view.matters, view.ended) == ((), (), ())


async def test_the_hubs_quarantine_is_on_the_desk_and_a_lost_line_is_told(desk: Desk) -> None:
    stray = Quarantined("q1", "2026-02-03T15:00:00.000Z", "wrong address", "A-x", "700001", "10.00", "A")
    desk.holds.hub.quarantined.append(stray)
    await desk.till.desk.refresh()
    assert (desk.till.desk.view().quarantined, desk.till.desk.view().quarantine_fault) == ((stray,), "")
    desk.holds.errors = [Unavailable("The hub does not answer.")]
    await desk.till.desk.refresh()
    view = desk.till.desk.view()
    assert (view.quarantined, view.quarantine_fault) == ((stray,), "The hub does not answer.")


# -- paid per portal ---------------------------------------------------------------------------------------


async def test_p19_two_people_a_code_and_a_reason_take_it_for_paid_and_it_stays_flagged(desk: Desk) -> None:
    reference = await _in_doubt(desk)
    await _vouch(desk, reference, authorisation=" 727634 ", reason=f"  {REASON}\n")
    payment = desk.payment
    assert payment.state is S.VOUCHED
    assert asdict(payment.vouch) == {  # type: ignore[arg-type]
        "authorisation": "727634",
        "reason": REASON,
        "asked_by": "Kim Clerk",
        "approved_by": SUPERVISOR,
    }
    receipt = desk.journal.receipt("A-000001")
    assert receipt is not None
    (tender,) = receipt.tenders
    assert (tender.kind, tender.amount_cents) == (TenderKind.CARD, 10_000)
    assert "per gateway portal, authorisation 727634" in tender.message
    (row,) = desk.till.desk.view().rows
    assert (row.standing.word, row.can_vouch) == ("Paid per portal", False)
    with pytest.raises(Refused, match="paid already"):
        await desk.till.pay_by_card()


async def test_p19_a_matching_postback_takes_the_flag_away_without_a_second_receipt(desk: Desk) -> None:
    reference = await _in_doubt(desk)
    await _vouch(desk, reference)
    assert desk.approve().receipt is None
    assert (desk.payment.state, desk.receipts(), desk.discrepancies()) == (S.APPROVED, ["A-000001"], [])
    assert desk.till.desk.view().rows == ()


async def test_p19_an_enquiry_that_says_paid_takes_the_flag_away_too(desk: Desk) -> None:
    reference = await _in_doubt(desk)
    number = desk.payment.invoices[0].number
    desk.enquiry.launch(number, 10_000)
    desk.enquiry.pay(number)
    await _vouch(desk, reference)
    await desk.pass_time(3601)
    assert (desk.payment.state, desk.receipts()) == (S.APPROVED, ["A-000001"])


async def test_p19_a_gateway_that_says_otherwise_is_a_discrepancy_and_resolves_nothing(desk: Desk) -> None:
    reference = await _in_doubt(desk)
    await _vouch(desk, reference)
    await desk.pass_time(3 * 3600)
    assert desk.state() is S.VOUCHED
    assert desk.discrepancies() == ["two people took it for paid, but the gateway shows it as not paid"]
    desk.decline()
    assert desk.state() is S.VOUCHED
    assert "the card was declined" in desk.discrepancies()[-1]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"supervisor": "Kim Clerk"}, "must be a second person"),
        ({"supervisor": " KIM clerk "}, "must be a second person"),
        ({"supervisor": "Nobody Known"}, "Choose a supervisor"),
        ({"pin": "000000"}, "not the supervisor's PIN"),
        ({"pin": ""}, "not the supervisor's PIN"),
        ({"authorisation": ""}, "authorisation code"),
        ({"authorisation": "<script>"}, "authorisation code"),
        ({"authorisation": "4111 1111 1111 1111"}, "authorisation code"),
        ({"reason": ""}, "Write a reason"),
        ({"reason": "  ok  "}, "Write a reason"),
        ({"reason": "x" * 301}, "Write a reason"),
        ({"reason": "card 4111111111111111 is charged"}, "card number"),
    ],
)
async def test_p19_anything_missing_is_refused_and_nothing_recorded(
    desk: Desk, changes: dict[str, str], why: str
) -> None:
    reference = await _in_doubt(desk)
    before = len(desk.entries())
    with pytest.raises(Refused, match=why):
        await _vouch(desk, reference, **changes)
    assert (len(desk.entries()), desk.state()) == (before, S.IN_DOUBT)


async def test_p19_only_a_payment_in_doubt_can_be_vouched_for(desk: Desk) -> None:
    payment = await desk.open_page()
    with pytest.raises(Refused, match="Only a payment in doubt"):
        await _vouch(desk, payment.reference)
    desk.approve()
    with pytest.raises(Refused, match="Only a payment in doubt"):
        await _vouch(desk, payment.reference)
    with pytest.raises(Refused, match="Only a payment in doubt"):
        await _vouch(desk, "A-unknown")


async def test_p19_a_vouched_part_that_the_gateway_tells_otherwise_is_for_a_person(desk: Desk) -> None:
    reference = await _in_doubt(desk)
    await _vouch(desk, reference)
    desk.approve(payment_amount_cents=4_000)
    assert desk.state() is S.VOUCHED
    assert "reports 40.00, launched were 100.00" in desk.discrepancies()[0]


# -- matters -----------------------------------------------------------------------------------------------


async def test_p13_a_mismatch_stays_on_the_desk_until_a_supervisor_has_seen_to_it(desk: Desk) -> None:
    reference = await _in_doubt(desk)
    desk.approve(payment_amount_cents=9_999)
    (matter,) = desk.till.desk.view().matters
    assert (matter.reference, matter.amount) == (reference, "99.99")
    assert "launched were 100.00" in matter.reason
    with pytest.raises(Refused, match="second person"):
        await desk.till.desk.see(matter.id, note="called the gateway", supervisor="Kim Clerk", pin=PIN)
    await desk.till.desk.see(matter.id, note="called the gateway", supervisor=SUPERVISOR, pin=PIN)
    assert desk.till.desk.view().matters == ()
    assert desk.state() is S.IN_DOUBT, "to have seen it settles nothing"
    with pytest.raises(Refused, match="seen to already"):
        await desk.till.desk.see(matter.id, note="called the gateway", supervisor=SUPERVISOR, pin=PIN)
    seen = desk.entries(EntryKind.MATTER_SEEN)[0].body
    assert (seen["by"], seen["note"]) == (SUPERVISOR, "called the gateway")


async def test_p11_a_postback_of_an_unknown_reference_is_kept_and_on_the_desk(desk: Desk) -> None:
    payment = await desk.open_page()
    desk.deliver(told_all(payment), "A-0190c4d2a7b87c3e9f00112233445566")
    (matter,) = desk.till.desk.view().matters
    assert (matter.reference, matter.invoice) == (
        "A-0190c4d2a7b87c3e9f00112233445566",
        payment.invoices[0].number,
    )


async def test_p11_it_is_matched_when_its_attempt_appears(
    make_desk: Callable[..., Desk], tmp_path: Path
) -> None:
    """A till whose journal was lost makes the same payment once more after its postback came."""
    desk = make_desk()
    payment = await desk.open_page()
    with FaultyJournal(tmp_path / "lost.db", till="A", clock=desk.clock, holder="a test") as empty:
        again = Desk(empty, desk.clock)
        again.deliver(told_all(payment), payment.reference)
        assert [matter.reference for matter in again.till.desk.view().matters] == [payment.reference]
        with pytest.raises(Refused, match="confirmed this payment already"):
            await again.open_page()
        assert again.payment.reference == payment.reference, "the same random bits"
        assert again.gateway.launched == []
        assert (again.state(), again.receipts()) == (S.APPROVED, ["A-000001"])
        assert again.till.desk.view().matters == ()
        assert empty.verify() is None


async def test_the_same_guid_for_two_payments_is_for_a_person(desk: Desk) -> None:
    await desk.open_page()
    desk.approve(payment_guid="G-1")
    desk.till.new_sale()
    second = await desk.open_page("plan")
    desk.approve(payment_guid="G-1")
    assert desk.state() is S.IN_DOUBT
    assert "the same charge for payment A-" in desk.payment.reviews[0]
    desk.approve(second, payment_guid="G-2")
    assert desk.state() is S.APPROVED


async def test_p10_the_same_delivery_with_other_content_is_an_alarm_once(desk: Desk) -> None:
    payment = await desk.open_page()
    delivered = desk.feed.send(payment.reference, told_all(payment))
    desk.till.take(delivered)
    changed = type(delivered)(
        delivered.id,
        delivered.received_at,
        delivered.reference,
        delivered.amount_cents,
        told_all(payment, payment_amount_cents=1),
    )
    for _ in range(3):
        assert desk.till.take(changed).repeated
    assert desk.discrepancies() == [f"the hub delivered {delivered.id} again with other content"]
    assert desk.till.take(delivered).repeated
    assert desk.receipts() == ["A-000001"]


async def test_a_service_fee_other_than_told_is_paid_and_flagged(desk: Desk) -> None:
    await desk.open_page()
    assert desk.approve(convenience_fee_cents=395).receipt is not None
    assert desk.discrepancies() == ["the gateway took a service fee of 3.95; the payer was told 2.50"]


@pytest.mark.parametrize("changes", [{"card_type": "ACH", "convenience_fee_cents": 95}])
async def test_a_bank_payment_has_a_fee_of_its_own(desk: Desk, changes: dict[str, object]) -> None:
    await desk.open_page()
    desk.approve(**changes)
    assert desk.discrepancies() == []


# -- paper -------------------------------------------------------------------------------------------------


async def test_the_verification_slip_has_a_reference_and_no_receipt_number(desk: Desk) -> None:
    reference = await _in_doubt(desk)
    desk.clock.advance(30)
    slip = desk.till.desk.slip(reference)
    assert (slip.kind, slip.reference, slip.payer) == (
        SlipKind.UNDER_VERIFICATION,
        reference,
        "Robin Example",
    )
    assert (slip.amount_cents, slip.started_at, slip.printed_at) == (
        10_000,
        "2026-02-03T15:04:05.000Z",
        "2026-02-03T15:04:35.000Z",
    )
    desk.approve()
    with pytest.raises(Refused, match="being verified"):
        desk.till.desk.slip(reference)


async def test_proof_of_no_charge_names_the_question_and_its_time(desk: Desk) -> None:
    reference = await _in_doubt(desk)
    with pytest.raises(Refused, match="ended without a charge"):
        desk.till.desk.statement(reference)
    await desk.pass_time(SESSION_S + 301)
    statement = desk.till.desk.statement(reference)
    assert statement.kind is SlipKind.NO_CHARGE
    assert "is not known to it" in statement.evidence
    assert statement.evidence_at > "2026-02-03T15:39:05"
    (ended,) = desk.till.desk.view().ended
    assert (ended.reference, ended.payer) == (reference, "Robin Example")


async def test_proof_of_no_charge_for_a_declined_card_and_a_page_never_opened(desk: Desk) -> None:
    payment = await desk.open_page()
    desk.decline()
    await desk.close_declined()
    assert "DO NOT HONOR" in desk.till.desk.statement(payment.reference).evidence
    desk.gateway.errors = [Unavailable("Never sent.")]
    with pytest.raises(Unavailable):
        await desk.till.pay_by_card()
    desk.till.give_up()
    assert "never opened" in desk.till.desk.statement(desk.payment.reference).evidence
    assert [row.reference for row in desk.till.desk.view().ended] == [
        desk.payment.reference,
        payment.reference,
    ]


async def test_a_late_approval_takes_the_proof_of_no_charge_back(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    reference = await _in_doubt(desk)
    payment = desk.payment
    await desk.pass_time(SESSION_S + 301)
    assert len(desk.till.desk.view().ended) == 1
    desk.approve(payment)
    assert desk.till.desk.view().ended == ()
    with pytest.raises(Refused, match="ended without a charge"):
        desk.till.desk.statement(reference)
