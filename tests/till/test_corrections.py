"""Voids, refunds and returned checks: two people, limits, and receipts that stay as they were."""

import datetime as dt
from typing import Any

import pytest

from cashier.domain.corrections import Refund, SeenAt
from cashier.domain.daily import DailyReport, Scope, Tally
from cashier.domain.entries import EntryKind
from cashier.domain.errors import Refused
from cashier.domain.money import Cents
from cashier.domain.receipt import Receipt, Tender, TenderKind
from cashier.domain.tendering import TenderState, drawer_tenders
from cashier.till.day import z_text
from tests.fakes.people import CLERK, PIN, SUPERVISOR, at_once
from tests.till.conftest import Desk

K = TenderKind
WHY: dict[str, Any] = {
    "reason": "wrong amount",
    "text": "two visits were typed for one",
    "supervisor": SUPERVISOR,
    "pin": PIN,
}


def _cash(desk: Desk, *tenders: Tender) -> Receipt:
    desk.fill("permit", "plan")
    for tender in tenders or (Tender(K.CASH, Cents(0), received_cents=Cents(20_000)),):
        taken = desk.till.take_tender(tender)
    desk.till.new_sale()
    assert taken.receipt is not None
    return taken.receipt


async def test_v1_a_void_needs_a_second_person_a_reason_and_a_text(desk: Desk) -> None:
    receipt = _cash(desk)
    for changed, why in (
        ({"supervisor": CLERK}, "second person"),
        ({"reason": "because"}, "reason from the list"),
        ({"text": "oops"}, "explanation"),
        ({"pin": "000000"}, "PIN"),
    ):
        with pytest.raises(Refused, match=why):
            await desk.till.corrections.void(receipt.number, **WHY | changed)
    assert desk.entries(EntryKind.RECEIPT_VOIDED) == []
    void = await desk.till.corrections.void(receipt.number, **WHY)
    assert (void.requester, void.approver, void.amount_cents) == (CLERK, SUPERVISOR, 14_000)
    assert desk.till.corrections.of(receipt) == (void,)
    assert desk.till.receipt(receipt.number) == receipt, "the receipt itself stays"


async def test_a_void_gives_the_money_back_and_frees_the_invoices(desk: Desk) -> None:
    desk.fill("permit")
    sale = desk.till._sale()
    first = desk.till.tenders.take("s1", sale, Tender(K.CASH, Cents(0), received_cents=Cents(10_000)))
    assert first.receipt is not None
    await desk.till.corrections.void(first.receipt.number, **WHY)
    assert [item.state for item in drawer_tenders(desk.journal.entries())] == [TenderState.VOIDED]
    again = desk.till.tenders.take("s1", sale, Tender(K.CHECK, Cents(10_000), number="5"))
    assert again.receipt is not None
    assert (again.receipt.number, again.receipt.paid_before_cents) == ("A-000002", 0)
    with pytest.raises(Refused, match="void already"):
        await desk.till.corrections.void(first.receipt.number, **WHY)


async def test_v2_a_closed_day_leaves_only_the_refund(desk: Desk) -> None:
    receipt = _cash(desk)
    desk.close_day()
    with pytest.raises(Refused, match="Only a refund"):
        await desk.till.corrections.void(receipt.number, **WHY)
    with pytest.raises(Refused, match="No shift is open"):
        await desk.till.corrections.refund(receipt.number, K.CASH, Cents(4_000), **WHY)
    desk.next_shift()
    refund = await desk.till.corrections.refund(receipt.number, K.CASH, Cents(4_000), **WHY)
    assert refund.is_done
    assert refund.business_date > receipt.business_date, "it stands on the day on which it is made"
    assert desk.till.receipt(receipt.number) == receipt


async def test_v3_no_card_is_voided_here(desk: Desk) -> None:
    await desk.open_page()
    desk.approve()
    (number,) = desk.receipts()
    with pytest.raises(Refused, match="Invoice Cloud's portal"):
        await desk.till.corrections.void(number, **WHY)
    refund = await desk.till.corrections.refund(number, K.CARD, Cents(10_000), **WHY)
    assert refund.is_done is False, "the gateway's portal does it"


async def test_v4_refunds_never_come_to_more_than_was_paid(desk: Desk) -> None:
    receipt = _cash(desk)
    for cents in (9_000, 4_999):
        await desk.till.corrections.refund(receipt.number, K.CASH, Cents(cents), **WHY)
    with pytest.raises(Refused, match=r"At most 0\.01"):
        await desk.till.corrections.refund(receipt.number, K.CHECK, Cents(2), **WHY)
    await desk.till.corrections.refund(receipt.number, K.CHECK, Cents(1), **WHY)
    with pytest.raises(Refused, match=r"At most 0\.00"):
        await desk.till.corrections.refund(receipt.number, K.CASH, Cents(1), **WHY)
    with pytest.raises(Refused, match="refunded in part"):
        await desk.till.corrections.void(receipt.number, **WHY)
    done = desk.till.corrections.of(receipt)
    assert sum(item.amount_cents for item in done if isinstance(item, Refund)) == receipt.paid_cents


async def test_v4_the_service_fee_stays_and_each_tender_goes_back_its_own_way(desk: Desk) -> None:
    desk.fill()
    desk.till.take_tender(Tender(K.CASH, Cents(0), received_cents=Cents(4_000)))
    await desk.till.pay_by_card()
    desk.approve()
    (number,) = desk.receipts()
    with pytest.raises(Refused, match=r"At most 40\.00"):
        await desk.till.corrections.refund(number, K.CASH, Cents(4_001), **WHY)
    with pytest.raises(Refused, match=r"At most 60\.00"):
        await desk.till.corrections.refund(number, K.CARD, Cents(6_001), **WHY)
    refund = await desk.till.corrections.refund(number, K.CARD, Cents(6_000), **WHY)
    assert refund.service_fee_cents == 0
    await desk.till.corrections.refund(number, K.CASH, Cents(4_000), **WHY)


@pytest.mark.parametrize(("kind", "cents"), [(K.CASH, 0), (K.CASH, -1), (K.MONEY_ORDER, 100), (K.CARD, 100)])
async def test_what_cannot_be_refunded_is_refused(desk: Desk, kind: TenderKind, cents: int) -> None:
    receipt = _cash(desk)
    with pytest.raises(Refused):
        await desk.till.corrections.refund(receipt.number, kind, Cents(cents), **WHY)
    assert desk.entries(EntryKind.REFUND_MADE) == []


def test_a_check_that_bounced_is_recorded_once(desk: Desk) -> None:
    receipt = _cash(desk, Tender(K.CHECK, Cents(14_000), number="1042"))
    (check,) = receipt.tenders
    returned = desk.till.corrections.returned_check(receipt.number, check.id, "account closed")
    assert (returned.number, returned.amount_cents) == ("1042", 14_000)
    with pytest.raises(Refused, match="already"):
        desk.till.corrections.returned_check(receipt.number, check.id, "account closed")
    with pytest.raises(Refused, match="no such check"):
        desk.till.corrections.returned_check(receipt.number, "another", "account closed")
    assert desk.till.corrections.refundable(receipt, K.CASH) == 0


async def test_what_nobody_issued_cannot_be_corrected(desk: Desk) -> None:
    with pytest.raises(Refused, match="There is no receipt"):
        await desk.till.corrections.void("A-000099", **WHY)


# -- what may be done, and why not ---------------------------------------------------------------------------


async def test_v2_v3_what_may_be_done_is_told_with_the_reason_why_not(desk: Desk) -> None:
    receipt = _cash(desk)
    choices = desk.till.corrections.choices(receipt)
    assert (choices.void_refusal, choices.refund_refusal) == ("", "")
    assert choices.returned_refusal == "No check is on this receipt."
    assert [(way.kind, way.left_cents) for way in choices.ways] == [(K.CASH, 14_000), (K.CHECK, 14_000)]
    await desk.till.corrections.refund(receipt.number, K.CASH, Cents(14_000), **WHY)
    choices = desk.till.corrections.choices(receipt)
    assert "refunded in part" in choices.void_refusal
    assert choices.refund_refusal == "All that was paid is refunded or returned already."
    assert choices.ways == ()
    desk.till.people.lock()
    assert "locked" in desk.till.corrections.choices(receipt).void_refusal


async def test_a_void_receipt_leaves_nothing_to_do(desk: Desk) -> None:
    receipt = _cash(desk, Tender(K.CHECK, Cents(14_000), number="1042"))
    assert desk.till.corrections.choices(receipt).checks == receipt.tenders
    await desk.till.corrections.void(receipt.number, **WHY)
    choices = desk.till.corrections.choices(receipt)
    assert "void already" in choices.void_refusal
    assert "is void" in choices.refund_refusal and "is void" in choices.returned_refusal
    assert (choices.ways, choices.checks) == ((), ())


async def test_a_card_goes_back_to_the_card_alone(desk: Desk) -> None:
    receipt = await _card(desk)
    choices = desk.till.corrections.choices(receipt)
    assert "Invoice Cloud's portal" in choices.void_refusal
    assert [(way.kind, way.left_cents) for way in choices.ways] == [(K.CARD, 14_000)]


# -- a card refund that was made -----------------------------------------------------------------------------

SEEN: dict[str, Any] = {
    "reference": "RF-20417",
    "reason": "seen in the portal at 10:15",
    "supervisor": SUPERVISOR,
    "pin": PIN,
}


async def _card(desk: Desk) -> Receipt:
    await desk.open_page("permit", "plan")
    desk.approve(convenience_fee_cents=desk.payment.expected_fee_cents)
    desk.till.new_sale()
    (receipt, *_) = desk.till.receipts("")
    return receipt


def _report(desk: Desk, day: dt.date) -> DailyReport:
    return desk.report(Scope(day, day))


async def test_v4_a_card_refund_counts_on_the_day_on_which_it_is_confirmed(desk: Desk) -> None:
    receipt = await _card(desk)
    first = desk.till.business_date
    corrections = desk.till.corrections
    asked = await corrections.refund(receipt.number, K.CARD, Cents(4_000), **WHY)
    assert corrections.book.open_refunds() == (asked,)
    z = z_text(desk.close_day().body)
    before = _report(desk, first)
    assert (before.figures.net_cents, before.figures.refunds_asked) == (14_000, Tally(1, 4_000))
    desk.clock.advance(3 * 24 * 3600)
    confirmed = await corrections.refund_done(receipt.number, asked.id, SeenAt.PORTAL, **SEEN)
    assert (confirmed.requester, confirmed.approver) == (CLERK, SUPERVISOR)
    assert corrections.book.open_refunds() == ()
    assert corrections.refundable(receipt, K.CARD) == 10_000, "it is not taken off twice"
    # The closed day is as it was; the open one has what was made.
    assert _report(desk, first) == before
    (closed,) = desk.entries(EntryKind.DAY_CLOSED)
    assert z_text(closed.body) == z
    after = _report(desk, desk.till.business_date)
    assert (after.figures.net_cents, after.figures.refunds_asked) == (-4_000, Tally())
    (row,) = after.refunds
    assert row.is_done and "RF-20417" in row.text and SUPERVISOR in row.text
    assert sum(share.amount_cents for share in after.allocations) == -4_000


async def test_a_refund_asked_for_and_made_on_one_day_is_one_row(desk: Desk) -> None:
    receipt = await _card(desk)
    asked = await desk.till.corrections.refund(receipt.number, K.CARD, Cents(4_000), **WHY)
    await desk.till.corrections.refund_done(receipt.number, asked.id, SeenAt.SETTLEMENT_FILE, **SEEN)
    report = _report(desk, desk.till.business_date)
    assert [row.is_done for row in report.refunds] == [True]
    assert (report.figures.net_cents, report.figures.refunds_asked) == (10_000, Tally())
    closed = desk.close_day()
    assert closed.body["report"]["figures"]["refunds"]["card"]["amount_cents"] == 4_000


async def test_v1_a_refund_is_recorded_as_made_once_and_by_two_people(desk: Desk) -> None:
    receipt = await _card(desk)
    corrections = desk.till.corrections
    asked = await corrections.refund(receipt.number, K.CARD, Cents(4_000), **WHY)
    for changed, why in (
        ({"supervisor": CLERK}, "second person"),
        ({"pin": "000000"}, "PIN"),
        ({"reference": "!"}, "reference is three"),
        ({"reference": "4111111111111111"}, "card number"),
        ({"reason": "ok"}, "reason"),
    ):
        with pytest.raises(Refused, match=why):
            await corrections.refund_done(receipt.number, asked.id, SeenAt.PORTAL, **SEEN | changed)
    assert desk.entries(EntryKind.REFUND_CONFIRMED) == []
    await corrections.refund_done(receipt.number, asked.id, SeenAt.PORTAL, **SEEN)
    with pytest.raises(Refused, match="No card refund"):
        await corrections.refund_done(receipt.number, asked.id, SeenAt.PORTAL, **SEEN)
    assert len(desk.entries(EntryKind.REFUND_CONFIRMED)) == 1


async def test_a_cash_refund_is_not_waiting_to_be_made(desk: Desk) -> None:
    receipt = _cash(desk)
    refund = await desk.till.corrections.refund(receipt.number, K.CASH, Cents(4_000), **WHY)
    with pytest.raises(Refused, match="No card refund"):
        await desk.till.corrections.refund_done(receipt.number, refund.id, SeenAt.PORTAL, **SEEN)


# -- the book ------------------------------------------------------------------------------------------------


def test_the_book_has_what_each_receipt_went_through_as_it_comes(desk: Desk) -> None:
    first, second = _cash(desk), _cash(desk, Tender(K.CHECK, Cents(14_000), number="1042"))
    book = desk.till.corrections.book
    assert book.of(first.number) == ()
    told = desk.told
    void = at_once(desk.till.corrections.void(first.number, **WHY))
    assert desk.told > told, "everything that shows receipts looks again"
    returned = desk.till.corrections.returned_check(second.number, second.tenders[0].id, "account closed")
    assert (book.of(first.number), book.of(second.number)) == ((void,), (returned,))
    desk.restart()
    assert desk.till.corrections.book.of(first.number) == (void,)


async def test_a_check_that_bounces_after_its_refund_leaves_nothing_to_refund(desk: Desk) -> None:
    receipt = _cash(desk, Tender(K.CHECK, Cents(14_000), number="1042"))
    await desk.till.corrections.refund(receipt.number, K.CASH, Cents(9_000), **WHY)
    desk.till.corrections.returned_check(receipt.number, receipt.tenders[0].id, "account closed")
    assert desk.till.corrections.refundable(receipt, K.CASH) == 0
    assert _report(desk, desk.till.business_date).figures.net_cents == -9_000, "paid out, and never came in"


@pytest.mark.parametrize("how", ["void", "returned", "refunded", "part", "nothing"])
async def test_an_invoice_whose_money_went_back_may_be_paid_again(desk: Desk, how: str) -> None:
    desk.fill("permit", "plan")
    sale = desk.till._sale()
    by_check = Tender(K.CHECK, Cents(14_000), number="1042")
    receipt = desk.till.tenders.take("s1", sale, by_check).receipt
    assert receipt is not None
    corrections = desk.till.corrections
    if how == "void":
        await corrections.void(receipt.number, **WHY)
    elif how == "returned":
        corrections.returned_check(receipt.number, receipt.tenders[0].id, "account closed")
    elif how in ("refunded", "part"):
        cents = Cents(14_000 if how == "refunded" else 13_999)
        await corrections.refund(receipt.number, K.CHECK, cents, **WHY)
    cash = Tender(K.CASH, Cents(0), received_cents=Cents(14_000))
    if how in ("part", "nothing"):
        with pytest.raises(Refused, match="paid already: receipt A-000001"):
            desk.till.tenders.take("s2", sale, cash)
    else:
        assert desk.till.tenders.take("s2", sale, cash).receipt is not None
