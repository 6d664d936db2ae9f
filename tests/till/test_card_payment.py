"""A card payment from intent to receipt, over a real journal."""

import asyncio
import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cashier.domain.entries import EntryKind
from cashier.domain.errors import InDoubt, Refused, Unavailable
from cashier.domain.money import Cents
from cashier.domain.payment import PaymentEvent, PaymentState
from cashier.domain.postback import Approved
from cashier.domain.receipt import TenderKind
from cashier.domain.sale import Customer, Fee, Invoice, Sale
from cashier.till.config import Biller
from cashier.till.snapshot import LineState
from cashier.till.till import AlreadyAsked
from tests.fakes.gateway import PAGE
from tests.helpers.payments import told_all, told_declined, told_each
from tests.till.conftest import CONFIG, LANE, POLICE, SWIPE, TOWN, Desk

S, E = PaymentState, PaymentEvent
GOING = [E.PAGE_RETURNED, E.PAGE_CLOSED, E.PAGE_FAILED, E.RENDERER_DIED]


# -- intent before effect ----------------------------------------------------------------------------------


async def test_p1_the_intent_is_recorded_before_the_gateway_hears_of_it(desk: Desk) -> None:
    seen: list[list[str]] = []
    desk.gateway.looked = lambda: seen.append(desk.kinds())
    await desk.open_page()
    assert seen == [["sale_recorded", "payment_issued"]]
    (request, biller) = desk.gateway.launched[0]
    assert (request, biller) == (desk.payment.request, "town")


async def test_the_page_is_recorded_as_opening_before_its_address_is_given(desk: Desk) -> None:
    desk.fill()
    assert await desk.till.pay_by_card() == f"{PAGE}/1"
    assert desk.kinds() == ["sale_recorded", "payment_issued", "page_opening"]
    assert desk.state() is S.OPEN


async def test_what_is_recorded_of_the_intent(desk: Desk) -> None:
    desk.till.choose_reader("lane")
    payment = await desk.open_page("permit", "plan")
    assert payment.reference.startswith("A-")
    assert (payment.till, payment.biller, payment.cashier) == ("A", "town", "Kim Clerk")
    assert (payment.amount_cents, payment.expected_fee_cents) == (14_000, 350)
    assert (payment.minimum_cents, payment.reader) == (None, LANE.label)
    assert [share.amount_cents for share in payment.invoices] == [10_000, 4_000]
    assert payment.issued_at == "2026-02-03T15:04:05.000Z"
    assert desk.feed.minted == [(payment.reference, 14_000)]
    extras = json.loads(payment.request)
    assert extras["reference"] == payment.reference
    assert extras["postback_url"] == "https://hub.example.org/pb/v1/1"
    assert extras["return_url"] == CONFIG.return_url
    assert extras["custom_return_site_name"] == TOWN.return_site_name


@pytest.mark.parametrize(
    ("reader", "codes", "emv", "swipe", "device"),
    [
        (None, ["permit"], False, False, None),
        ("lane", ["permit"], True, True, LANE.emv_device_id),
        ("swipe", ["permit"], False, True, None),
        ("lane", ["coded"], False, True, None),
    ],
)
async def test_the_reader_decides_what_the_page_may_drive(
    desk: Desk, reader: str | None, codes: list[str], emv: bool, swipe: bool, device: str | None
) -> None:
    desk.till.choose_reader(reader)
    await desk.open_page(*codes)
    (extras,) = desk.gateway.extras
    assert (extras.allow_emv, extras.allow_swipe, extras.emv_device_id) == (emv, swipe, device)
    assert extras.emv_location_id == (LANE.emv_location_id if emv else None)
    assert extras.cashier_name == ("Kim Clerk" if reader else None)


async def test_the_biller_of_the_invoice_types_takes_the_payment(desk: Desk) -> None:
    payment = await desk.open_page("report")
    assert (payment.biller, payment.expected_fee_cents) == ("police", 24)
    assert desk.gateway.launched[0][1] == "police"


@pytest.mark.parametrize(
    ("codes", "reason"),
    [
        (["permit", "report"], "different billers"),
        (["unknown"], "Invoice type 77 is not set up"),
        (["large"], "takes at most 5,000.00 by card; this sale comes to 5,000.01"),
        (["nothing"], "paid already"),
        ([], "Add a fee first"),
    ],
)
async def test_a_sale_that_cannot_be_paid_by_card_is_refused_with_nothing_recorded(
    desk: Desk, codes: list[str], reason: str
) -> None:
    desk.till.set_customer(Customer("1", "Robin Example"))
    for code in codes:
        desk.till.add_fee(code)
    with pytest.raises(Refused, match=reason):
        await desk.till.pay_by_card()
    assert (desk.entries(), desk.gateway.launched) == ([], [])
    assert desk.till.current_reference is None
    assert not desk.till.snapshot().busy


async def test_a_customer_without_a_name_is_refused(desk: Desk) -> None:
    desk.fill()
    desk.till.set_customer(Customer("1", "  "))
    with pytest.raises(Refused, match="Who pays"):
        await desk.till.pay_by_card()
    assert desk.entries() == []


async def test_o5_off_line_a_card_is_refused_and_no_attempt_is_made(desk: Desk) -> None:
    desk.fill()
    desk.till.line_is(LineState.OFFLINE)
    with pytest.raises(Refused, match=r"hub does not answer.*cash or a check"):
        await desk.till.pay_by_card()
    assert (desk.entries(), desk.gateway.launched) == ([], [])
    desk.till.line_is(LineState.ONLINE)
    await desk.till.pay_by_card()
    assert desk.state() is S.OPEN


async def test_two_invoices_of_one_number_are_refused(desk: Desk) -> None:
    day = desk.clock.today()
    fee = Fee("F1", "Fee", Cents(100))
    sale = Sale("mcci", Customer("1", "Robin Example"), (Invoice("7", 6, day, day, (fee,)),) * 2)
    with pytest.raises(Refused, match="the same number"):
        await desk.till.pay_sale(sale)
    assert desk.entries() == []


async def test_a_full_disk_stops_before_the_gateway(desk: Desk) -> None:
    desk.fill()
    desk.journal.disk_full = True
    with pytest.raises(Unavailable):
        await desk.till.pay_by_card()
    desk.journal.disk_full = False
    assert desk.gateway.launched == []
    await desk.till.pay_by_card()
    assert len(desk.gateway.launched) == 1


# -- one attempt -------------------------------------------------------------------------------------------


async def test_x4_twenty_presses_make_one_attempt(desk: Desk) -> None:
    desk.fill()
    desk.gateway.held = asyncio.Event()
    presses = [asyncio.create_task(desk.till.pay_by_card()) for _ in range(20)]
    await asyncio.wait(presses, return_when=asyncio.FIRST_COMPLETED)
    assert desk.till.snapshot().busy
    desk.gateway.held.set()
    results = await asyncio.gather(*presses, return_exceptions=True)
    assert results[0] == f"{PAGE}/1"
    assert [type(result) for result in results[1:]] == [AlreadyAsked] * 19
    assert len(desk.gateway.launched) == 1
    assert desk.kinds().count("payment_issued") == 1
    assert not desk.till.snapshot().busy


@pytest.mark.parametrize("going", [None, *GOING])
async def test_p5_a_second_attempt_is_refused_naming_the_first(
    desk: Desk, going: PaymentEvent | None
) -> None:
    first = await desk.open_page()
    if going is not None:
        desk.hint(going)
    desk.clock.advance(60)
    with pytest.raises(Refused) as refused:
        await desk.till.pay_by_card()
    for part in (first.reference[:10], "100.00", "till A", "15:04", "Do not charge again"):
        assert part in refused.value.user_text
    assert len(desk.gateway.launched) == 1


async def test_p5_the_recorded_page_is_not_opened_twice(desk: Desk) -> None:
    await desk.open_page()
    with pytest.raises(Refused, match="opened before"):
        await desk.till.try_again()
    assert len(desk.gateway.launched) == 1


# -- the gateway does not answer well ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [Refused("The service said no."), Unavailable("Never sent."), InDoubt("No clear answer.")]
)
async def test_p15_an_error_leaves_it_issued_and_a_retry_sends_equal_bytes(desk: Desk, error: Any) -> None:
    desk.fill()
    desk.gateway.errors = [error, error]
    with pytest.raises(type(error)):
        await desk.till.pay_by_card()
    first = desk.payment
    assert (first.state, desk.kinds()) == (S.ISSUED, ["sale_recorded", "payment_issued"])
    assert desk.till.snapshot().payment.can_try_again  # type: ignore[union-attr]
    desk.clock.advance(3600)
    with pytest.raises(type(error)):
        await desk.till.try_again()
    assert await desk.till.try_again() == f"{PAGE}/3"
    assert [request for request, _ in desk.gateway.launched] == [first.request] * 3
    assert desk.payment.reference == first.reference
    assert desk.kinds() == ["sale_recorded", "payment_issued", "page_opening"]


async def test_an_unopened_payment_can_be_given_up_and_the_sale_paid_anew(desk: Desk) -> None:
    desk.fill()
    desk.gateway.errors = [Unavailable("Never sent.")]
    with pytest.raises(Unavailable):
        await desk.till.pay_by_card()
    given_up = desk.payment
    desk.till.give_up()
    assert desk.state() is S.ABANDONED
    await desk.till.pay_by_card()
    assert desk.payment.reference != given_up.reference
    assert desk.state() is S.OPEN
    assert desk.kinds().count("sale_recorded") == 1, "the sale is the same"


@pytest.mark.parametrize("state", [S.OPEN, S.IN_DOUBT, S.APPROVED])
async def test_an_opened_payment_cannot_be_given_up(desk: Desk, state: PaymentState) -> None:
    await desk.open_page()
    if state is S.IN_DOUBT:
        desk.hint(E.PAGE_CLOSED)
    elif state is S.APPROVED:
        desk.approve()
    before = desk.kinds()
    with pytest.raises(Refused, match="cannot be given up"):
        desk.till.give_up()
    assert (desk.payment.state, desk.kinds()) == (state, before)


async def test_while_the_page_is_asked_for_the_payment_page_stays_with_its_payment(desk: Desk) -> None:
    desk.fill()
    desk.gateway.errors = [Unavailable("Never sent.")]
    with pytest.raises(Unavailable):
        await desk.till.pay_by_card()
    other = desk.payment.reference
    desk.till.new_sale()
    desk.fill("plan")
    desk.gateway.held = asyncio.Event()
    paying = asyncio.create_task(desk.till.pay_by_card())
    while len(desk.gateway.launched) < 2:
        await asyncio.sleep(0)
    for verb in (desk.till.give_up, desk.till.new_sale, lambda: desk.till.show_payment(other)):
        with pytest.raises(Refused, match="is being started"):
            verb()
    desk.gateway.held.set()
    await paying
    assert desk.payment.reference != other
    assert desk.state() is S.OPEN


async def test_a_fact_that_overtakes_the_launch_keeps_the_page_shut(desk: Desk) -> None:
    desk.fill()
    desk.gateway.held = asyncio.Event()
    paying = asyncio.create_task(desk.till.pay_by_card())
    while not desk.gateway.launched:
        await asyncio.sleep(0)
    desk.approve()
    desk.gateway.held.set()
    with pytest.raises(Refused, match="meanwhile"):
        await paying
    assert desk.state() is S.APPROVED
    assert len(desk.receipts()) == 1


async def test_try_again_and_give_up_need_a_payment(desk: Desk) -> None:
    with pytest.raises(Refused, match="no payment"):
        await desk.till.try_again()
    with pytest.raises(Refused, match="no payment"):
        desk.till.give_up()


# -- hints -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", GOING)
async def test_p4_p16_the_page_going_leads_into_doubt_and_is_never_paid(
    desk: Desk, event: PaymentEvent
) -> None:
    await desk.open_page()
    desk.hint(E.PAGE_SUBMITTED)
    desk.hint(event)
    assert desk.state() is S.IN_DOUBT
    assert desk.receipts() == []
    assert [row.reference for row in desk.till.snapshot().unsettled] == [desk.payment.reference]
    desk.approve()
    assert desk.state() is S.APPROVED
    assert desk.receipts() == ["A-000001"]


async def test_p17_no_sequence_of_hints_ever_pays_declines_or_abandons(desk: Desk) -> None:
    await desk.open_page()
    for events in itertools.product([E.PAGE_SUBMITTED, *GOING], repeat=3):
        for event in events:
            desk.hint(event)
    assert desk.state() is S.IN_DOUBT
    assert desk.receipts() == []


@pytest.mark.parametrize("event", [*sorted(set(E) - {E.PAGE_SUBMITTED, *GOING})])
async def test_a_page_cannot_tell_facts_or_give_up(desk: Desk, event: PaymentEvent) -> None:
    desk.fill()
    desk.gateway.errors = [Unavailable("Never sent.")]
    with pytest.raises(Unavailable):
        await desk.till.pay_by_card()
    with pytest.raises(ValueError, match="not a page's to tell"):
        desk.hint(event)
    assert desk.state() is S.ISSUED


@pytest.mark.parametrize("event", [E.PAGE_SUBMITTED, *GOING])
async def test_events_of_a_page_that_outlives_its_payment_change_nothing(
    desk: Desk, event: PaymentEvent
) -> None:
    await desk.open_page()
    desk.approve()
    desk.hint(event)
    assert desk.state() is S.APPROVED
    desk.till.page_event("A-unknown", event)
    assert len(desk.receipts()) == 1


async def test_submitting_again_and_again_is_not_journalled(desk: Desk) -> None:
    await desk.open_page()
    for _ in range(5):
        desk.hint(E.PAGE_SUBMITTED)
    assert desk.kinds().count("page_submitted") == 0
    desk.decline()
    desk.hint(E.PAGE_SUBMITTED)
    desk.hint(E.PAGE_SUBMITTED)
    assert desk.kinds().count("page_submitted") == 1
    assert desk.state() is S.OPEN


# -- facts -------------------------------------------------------------------------------------------------


async def test_an_approval_makes_one_receipt_in_its_own_commit(desk: Desk) -> None:
    desk.till.choose_reader("lane")
    payment = await desk.open_page("permit", "plan")
    desk.clock.advance(75)
    told = desk.approve(convenience_fee_cents=350)
    receipt = told.receipt
    assert receipt is not None
    assert receipt == desk.journal.receipt("A-000001")
    assert (receipt.number, receipt.reference, receipt.payment_id) == (
        "A-000001",
        payment.reference,
        payment.id,
    )
    assert (receipt.agency, receipt.till, receipt.cashier) == ("Town of Sampleton", "A", "Kim Clerk")
    assert (receipt.at, receipt.business_date) == ("2026-02-03T15:05:20.000Z", "2026-02-03")
    assert receipt.permit is not None
    assert (receipt.customer.name, receipt.permit.number) == ("Robin Example", "BP-26-0042")
    assert (receipt.total_cents, receipt.paid_cents, receipt.service_fee_cents) == (14_000, 14_000, 350)
    assert (receipt.due_cents, receipt.training) == (0, False)
    (tender,) = receipt.tenders
    assert (tender.kind, tender.brand, tender.message) == (TenderKind.CARD, "VISA", "APPROVED 727634")
    fact, last = desk.entries()[-2:]
    assert (fact.kind, last.kind) == (EntryKind.PAYMENT_TOLD, EntryKind.RECEIPT_ISSUED)
    assert desk.till.snapshot().receipt == receipt


@pytest.mark.parametrize("brand", ["ACH", "ach", "EFT", "eCheck"])
async def test_a_bank_payment_is_no_card(desk: Desk, brand: str) -> None:
    await desk.open_page()
    receipt = desk.approve(card_type=brand).receipt
    assert receipt is not None
    assert receipt.tenders[0].kind is TenderKind.BANK


async def test_p10_same_postback_five_times_makes_one_receipt(desk: Desk) -> None:
    await desk.open_page()
    first = desk.approve()
    again = [desk.approve() for _ in range(4)]
    assert first.receipt is not None
    assert [told.receipt for told in again] == [None] * 4
    assert desk.receipts() == ["A-000001"]
    assert desk.kinds().count("postback_repeated") == 4
    assert desk.discrepancies() == []


async def test_p10_one_delivery_twice_is_one_entry(desk: Desk) -> None:
    await desk.open_page()
    delivered = desk.feed.send(desk.payment.reference, told_all(desk.payment))
    desk.till.take(delivered)
    before = desk.kinds()
    told = desk.till.take(delivered)
    assert (told.repeated, told.receipt, desk.kinds()) == (True, None, before)


async def test_p10_a_delivery_whose_record_failed_is_taken_the_next_time(desk: Desk) -> None:
    await desk.open_page()
    delivered = desk.feed.send(desk.payment.reference, told_all(desk.payment))
    desk.journal.disk_full = True
    with pytest.raises(Unavailable):
        desk.till.take(delivered)
    desk.journal.disk_full = False
    assert (desk.payment.state, desk.receipts()) == (S.OPEN, [])
    assert desk.till.take(delivered).receipt is not None
    assert desk.receipts() == ["A-000001"]


async def test_p11_a_postback_of_no_known_payment_is_kept_not_dropped(desk: Desk) -> None:
    payment = await desk.open_page()
    told = desk.deliver(told_all(payment), "A-unknown")
    assert (told.payment, told.receipt) == (None, None)
    (entry,) = desk.entries(EntryKind.POSTBACK_UNMATCHED)
    assert entry.subject == "A-unknown"
    assert entry.body["postback"]["payment_amount_cents"] == 10_000
    assert desk.state() is S.OPEN
    delivered = desk.feed.waiting[-1]
    assert desk.till.take(delivered).repeated
    assert len(desk.entries(EntryKind.POSTBACK_UNMATCHED)) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"payment_amount_cents": 9_999},
        {"biller_reference": "A-another"},
        {"invoice_number": "another"},
        {"biller_guid": "another"},
        {"approved": Approved.UNCLEAR},
    ],
)
async def test_p13_what_does_not_match_marks_nothing_paid(desk: Desk, changes: dict[str, Any]) -> None:
    await desk.open_page()
    told = desk.approve(**changes)
    assert told.receipt is None
    assert (desk.payment.state, desk.receipts()) == (S.IN_DOUBT, [])
    view = desk.till.snapshot().payment
    assert view is not None
    assert view.needs_person
    assert "A supervisor must look at it. Do not charge again." in view.standing.sentence
    with pytest.raises(Refused, match="Do not charge again"):
        await desk.till.pay_by_card()
    assert desk.approve().receipt is not None, "the right one is believed still"


async def test_p12_nothing_regresses_an_approval(desk: Desk) -> None:
    await desk.open_page()
    desk.approve()
    desk.decline()
    desk.approve(approved=Approved.UNCLEAR)
    desk.approve(payment_amount_cents=1)
    assert (desk.payment.state, desk.payment.confirmed_cents) == (S.APPROVED, 10_000)
    assert desk.receipts() == ["A-000001"]
    assert len(desk.discrepancies()) == 2


async def test_p7_a_late_approval_beats_stopping_to_wait(desk: Desk) -> None:
    await desk.open_page()
    desk.hint(E.PAGE_CLOSED)
    told = desk.approve()
    assert (desk.payment.state, desk.discrepancies()) == (S.APPROVED, [])
    assert told.receipt is not None
    assert desk.kinds()[2:] == ["page_opening", "page_closed", "confirmed_paid", "receipt_issued"]


async def test_p7_a_late_approval_after_giving_up_is_paid_and_flagged(desk: Desk) -> None:
    desk.fill()
    desk.gateway.errors = [InDoubt("No clear answer.")]
    with pytest.raises(InDoubt):
        await desk.till.pay_by_card()
    desk.till.give_up()
    assert desk.approve().receipt is not None
    assert "check whether the payer paid again" in desk.discrepancies()[0]


async def test_p9_late_approval_after_it_was_paid_otherwise_is_a_duplicate_without_a_receipt(
    desk: Desk,
) -> None:
    first = await desk.open_page()
    desk.decline(first)
    await desk.close_declined()
    await desk.till.pay_by_card()
    second = desk.payment
    assert second.reference != first.reference
    desk.approve(second, payment_guid="second")
    told = desk.approve(first, payment_guid="first")
    assert told.receipt is None
    assert desk.receipts() == ["A-000001"]
    assert desk.discrepancies() == ["DUPLICATE PAYMENT: the sale was already paid; refund one of them"]
    late = desk.journal.payment(first.reference)
    assert late is not None
    assert (late.state, late.confirmed_cents) == (S.APPROVED, 10_000)
    assert any("DUPLICATE PAYMENT" in review for review in late.reviews)
    assert desk.approve(first, payment_guid="first").receipt is None
    assert len(desk.discrepancies()) == 1


async def test_p9_it_is_the_same_whichever_of_the_two_comes_first(desk: Desk) -> None:
    first = await desk.open_page()
    desk.decline(first)
    await desk.close_declined()
    await desk.till.pay_by_card()
    second = desk.payment
    assert desk.approve(first, payment_guid="first").receipt is not None
    assert desk.approve(second, payment_guid="second").receipt is None
    assert desk.receipts() == ["A-000001"]
    assert any("DUPLICATE PAYMENT" in text for text in desk.discrepancies())


async def test_a_decline_keeps_the_sale_locked_while_another_card_may_be_under_way(desk: Desk) -> None:
    await desk.open_page()
    desk.decline()
    assert (desk.payment.state, desk.payment.card_declined) == (S.OPEN, True)
    assert desk.till.snapshot().draft.is_locked, "the payer may try another card on the page"
    desk.hint(E.PAGE_SUBMITTED)
    assert not desk.payment.card_declined
    desk.decline()
    assert not desk.payment.card_declined, "the first decline told again is not about the second card"
    desk.hint(E.RENDERER_DIED)
    desk.decline()
    await desk.pass_time(60)
    assert desk.state() is S.IN_DOUBT, "the second card was not answered"
    desk.decline(guid="d-2")
    await desk.pass_time(19)
    assert desk.state() is S.IN_DOUBT
    with pytest.raises(Refused, match="not settled"):
        await desk.till.pay_by_card()
    await desk.pass_time(2)
    assert desk.state() is S.DECLINED
    assert not desk.till.snapshot().draft.is_locked
    assert desk.payment.declines == ("DECLINED - DO NOT HONOR",) * 3


async def test_a_card_under_way_behind_a_decline_is_found_before_the_sale_is_freed(desk: Desk) -> None:
    """The payer's second card was sent before the first one's decline was told; the page was closed."""
    payment = await desk.open_page()
    desk.hint(E.PAGE_CLOSED)
    desk.decline(payment)
    (share,) = payment.invoices
    desk.enquiry.launch(share.number, share.amount_cents)
    desk.enquiry.pay(share.number)
    await desk.pass_time(30)
    assert (desk.payment.state, desk.receipts()) == (S.APPROVED, ["A-000001"])
    assert desk.approve(payment).receipt is None
    assert desk.receipts() == ["A-000001"]


async def test_a_payment_finds_its_end_after_its_biller_was_taken_out_of_the_settings(desk: Desk) -> None:
    payment = await desk.open_page()
    desk.restart(replace(CONFIG, billers=(POLICE,)))
    assert desk.approve(payment).receipt is not None


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
async def test_several_invoices_in_any_order_make_one_receipt(desk: Desk, order: tuple[int, ...]) -> None:
    payment = await desk.open_page("permit", "plan")
    each = told_each(payment, fee_cents=350)
    postbacks = [*each, told_all(payment, convenience_fee_cents=350), each[0]]
    told = [desk.deliver(postbacks[place], payment.reference) for place in order]
    assert desk.state() is S.APPROVED
    (receipt,) = [one.receipt for one in told if one.receipt]
    assert (receipt.paid_cents, receipt.service_fee_cents, receipt.due_cents) == (14_000, 350, 0)
    assert desk.receipts() == ["A-000001"]
    assert desk.discrepancies() == []


async def test_one_invoice_of_two_told_keeps_the_sale_locked(desk: Desk) -> None:
    payment = await desk.open_page("permit", "plan")
    first, second = told_each(payment)
    desk.deliver(first)
    assert (desk.payment.state, desk.receipts()) == (S.OPEN, [])
    desk.hint(E.PAGE_CLOSED)
    desk.deliver(told_declined(payment))
    assert desk.state() is S.IN_DOUBT
    view = desk.till.snapshot().payment
    assert view is not None
    assert "100.00 of 140.00 is confirmed so far" in view.standing.sentence
    with pytest.raises(Refused, match="not settled"):
        await desk.till.pay_by_card()
    desk.deliver(second)
    assert (desk.payment.state, desk.receipts()) == (S.APPROVED, ["A-000001"])


# -- parts -------------------------------------------------------------------------------------------------


def _partial_sale(desk: Desk, minimum: int | None = 1_000) -> Sale:
    day = desk.clock.today()
    fees = (Fee("F1", "Building permit", Cents(7_000)), Fee("F2", "Plan review", Cents(3_000), "X-1"))
    invoice = Invoice("700001", 6, day, day, fees, minimum, True)  # type: ignore[arg-type]
    return Sale("mcci", Customer("10042", "Robin Example"), (invoice,))


async def test_p14_a_part_is_applied_and_the_next_attempt_is_for_the_rest(desk: Desk) -> None:
    sale = _partial_sale(desk)
    await desk.till.pay_sale(sale)
    [issued] = [entry for entry in desk.entries() if entry.kind is EntryKind.PAYMENT_ISSUED]
    assert issued.body["consent"] == "told on the payment page"  # no clerk told it before
    first = desk.payment
    assert (first.amount_cents, first.minimum_cents) == (10_000, 1_000)
    receipt = desk.approve(payment_amount_cents=4_000).receipt
    assert receipt is not None
    assert (receipt.paid_cents, receipt.due_cents, receipt.is_part) == (4_000, 6_000, True)
    assert desk.state() is S.APPROVED
    payments = desk.payments
    second = payments.issue(first.sale_id, sale, None)
    assert (second.amount_cents, second.minimum_cents) == (6_000, 1_000)
    assert [(share.number, share.amount_cents) for share in second.invoices] == [("700001", 6_000)]
    assert json.loads(second.request)["invoices"] == [["700001", "60.00", 1_000]]
    await payments.launch(second.reference)
    rest = desk.approve(second, payment_guid="second", convenience_fee_cents=150).receipt
    assert rest is not None
    assert (rest.number, rest.paid_before_cents, rest.paid_cents) == ("A-000002", 4_000, 6_000)
    assert (rest.total_cents, rest.due_cents, rest.is_part) == (10_000, 0, False)
    with pytest.raises(Refused, match="paid already"):
        payments.issue(first.sale_id, sale, None)
    assert desk.discrepancies() == []


async def test_p14_the_whole_after_a_part_is_for_a_person(desk: Desk) -> None:
    await desk.till.pay_sale(_partial_sale(desk))
    desk.approve(payment_amount_cents=4_000)
    assert desk.approve().receipt is None
    assert desk.payment.confirmed_cents == 4_000
    assert "another amount" in desk.discrepancies()[0]


async def test_p14_what_is_left_below_the_minimum_is_the_minimum(desk: Desk) -> None:
    sale = _partial_sale(desk, minimum=5_000)
    await desk.till.pay_sale(sale)
    desk.approve(payment_amount_cents=9_000)
    rest = desk.payments.issue(desk.payment.sale_id, sale, None)
    assert (rest.amount_cents, rest.minimum_cents) == (1_000, 1_000)
    assert json.loads(rest.request)["invoices"] == [["700001", "10.00", 1_000]]


async def test_the_rest_keeps_the_chip_reader_off_when_a_fee_had_an_external_code(desk: Desk) -> None:
    sale = _partial_sale(desk)
    await desk.till.pay_sale(sale)
    desk.approve(payment_amount_cents=4_000)
    desk.payments.issue(desk.payment.sale_id, sale, LANE)
    assert not desk.gateway.extras[-1].allow_emv


# -- restart -----------------------------------------------------------------------------------------------


async def test_p2_a_restart_puts_an_open_payment_in_doubt_and_the_fact_still_counts(desk: Desk) -> None:
    payment = await desk.open_page()
    till = desk.restart()
    (row,) = till.snapshot().unsettled
    assert row.reference == payment.reference
    assert "The till was restarted during this payment" not in row.standing.word
    till.show_payment(payment.reference)
    view = till.snapshot().payment
    assert view is not None
    assert view.state is S.IN_DOUBT
    assert "restarted" in view.standing.sentence
    assert desk.approve().receipt is not None
    assert till.snapshot().receipt is not None
    assert till.snapshot().unsettled == ()


async def test_p1_a_restart_leaves_an_unopened_payment_as_it_was(desk: Desk) -> None:
    desk.fill()
    desk.gateway.errors = [Unavailable("Never sent.")]
    with pytest.raises(Unavailable):
        await desk.till.pay_by_card()
    issued = desk.payment
    till = desk.restart()
    till.show_payment(issued.reference)
    assert desk.payment == issued
    await till.try_again()
    assert desk.gateway.launched[0][0] == desk.gateway.launched[1][0]
    assert desk.state() is S.OPEN


async def test_a_second_restart_says_it_again_and_settled_payments_are_left_alone(desk: Desk) -> None:
    await desk.open_page()
    desk.approve()
    desk.till.new_sale()
    open_one = await desk.open_page("plan")
    desk.restart()
    desk.restart()
    assert desk.kinds().count("till_restarted") == 1
    payment = desk.journal.payment(open_one.reference)
    assert payment is not None
    assert payment.state is S.IN_DOUBT


# -- the card maximum goes by what is due ------------------------------------------------------------------


@pytest.mark.parametrize(("maximum", "taken"), [(None, True), (Cents(10_000), True), (Cents(9_999), False)])
async def test_the_card_maximum(make_desk: Callable[..., Desk], maximum: Cents | None, taken: bool) -> None:
    biller = replace(TOWN, card_maximum_cents=maximum)
    desk = make_desk(billers=(biller,))
    desk.fill()
    view = desk.till.snapshot().draft
    assert bool(view.card_refusal) is not taken
    if taken:
        await desk.till.pay_by_card()
        assert desk.payment.amount_cents == 10_000
    else:
        assert "99.99" in view.card_refusal
        with pytest.raises(Refused, match=r"99\.99 by card"):
            await desk.till.pay_by_card()


async def test_the_first_biller_that_takes_all_types_is_chosen(make_desk: Callable[..., Desk]) -> None:
    narrow = Biller("narrow", {6: "Building"})
    desk = make_desk(billers=(narrow, TOWN))
    await desk.open_page("permit", "plan")
    assert desk.payment.biller == "town"
    desk.hint(E.PAGE_CLOSED)
    desk.till.new_sale()
    await desk.open_page("permit")
    assert desk.payment.biller == "narrow"


def test_readers_and_billers_are_found_by_name() -> None:
    assert CONFIG.biller("police") is POLICE
    with pytest.raises(Refused, match="'nobody' is not set up"):
        CONFIG.biller("nobody")
    assert (CONFIG.type_name(93), CONFIG.type_name(77)) == ("Planning", "Type 77")
    assert SWIPE.emv is False


@pytest.mark.parametrize(
    ("cents", "fee"), [(0, 0), (-5, 0), (1, 100), (4_000, 100), (4_020, 101), (14_550, 364), (10_000, 250)]
)
def test_f1_the_service_fee_is_a_percentage_with_a_minimum_rounded_half_up(cents: int, fee: int) -> None:
    assert TOWN.service_fee.of(cents) == fee
