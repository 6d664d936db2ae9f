"""Closing the business day, with payments that nobody can settle yet."""

import datetime as dt

import pytest

from cashier.domain.entries import EntryKind
from cashier.domain.errors import Refused
from cashier.domain.payment import PaymentEvent, PaymentState
from cashier.till.day import z_text
from tests.till.conftest import Desk

S, E = PaymentState, PaymentEvent


async def _sold(desk: Desk, code: str = "permit", **changes: object) -> None:
    await desk.open_page(code)
    desk.approve(**{"convenience_fee_cents": desk.payment.expected_fee_cents} | changes)
    desk.till.new_sale()


async def test_t4_a_day_closes_with_what_is_in_doubt_carried_by_name(desk: Desk) -> None:
    await _sold(desk)
    await _sold(desk, "plan")
    doubtful = await desk.open_page()
    with pytest.raises(Refused, match="still open"):
        desk.close_day()
    desk.hint(E.PAGE_CLOSED)
    closed = desk.close_day()
    body = closed.body
    assert (body["business_date"], body["closed_by"]) == ("2026-02-03", "Kim Clerk")
    assert (body["receipts"], body["total_cents"]) == (["A-000001", "A-000002"], 14_000)
    assert body["tenders"] == {"card": {"count": 2, "amount_cents": 14_000, "service_fee_cents": 350}}
    (carried,) = body["carried"]
    assert (carried["reference"], carried["amount_cents"], carried["state"]) == (
        doubtful.reference,
        10_000,
        "IN_DOUBT",
    )
    assert doubtful.amount_cents not in (body["total_cents"],)
    desk.restart()
    assert [row.reference for row in desk.till.snapshot().unsettled] == [doubtful.reference]


async def test_t5_a_late_approval_goes_to_the_next_open_day_and_the_closed_one_stays(desk: Desk) -> None:
    payment = await desk.open_page()
    desk.hint(E.PAGE_CLOSED)
    before = z_text(desk.close_day().body)
    desk.clock.advance(30 * 24 * 3600)
    told = desk.approve(payment)
    assert told.receipt is not None
    assert (told.receipt.business_date, told.receipt.belongs_to) == ("2026-03-05", "2026-02-03")
    (entry,) = desk.entries(EntryKind.DAY_CLOSED)
    assert z_text(entry.body) == before
    assert desk.journal.receipts_of_day("2026-02-03") == ()
    assert desk.journal.receipt(told.receipt.number) == told.receipt
    desk.next_shift()
    z = desk.close_day().body
    assert (z["receipts"], z["carried"]) == (["A-000001"], [])


async def test_t5_the_same_day_is_never_opened_again(desk: Desk) -> None:
    await _sold(desk)
    desk.close_day()
    desk.next_shift()
    await _sold(desk, "plan")
    receipt = desk.journal.receipt("A-000002")
    assert receipt is not None
    assert (receipt.business_date, receipt.belongs_to) == ("2026-02-04", "")
    z = desk.close_day()
    assert (z.body["business_date"], z.body["receipts"]) == ("2026-02-04", ["A-000002"])
    desk.clock.advance(dt.timedelta(days=5).total_seconds())
    desk.next_shift()
    await _sold(desk)
    later = desk.journal.receipt("A-000003")
    assert later is not None
    assert later.business_date == "2026-02-08"


async def test_closing_asks_nobody(desk: Desk) -> None:
    await _sold(desk)
    asked = len(desk.enquiry.asked)
    desk.close_day()
    assert len(desk.enquiry.asked) == asked


async def test_a_second_press_closes_no_day_that_has_not_begun(desk: Desk) -> None:
    await _sold(desk)
    with pytest.raises(Refused, match="A shift is open"):
        desk.till.close_day()
    desk.close_day()
    with pytest.raises(Refused, match="2026-02-04 has not begun"):
        desk.till.close_day()
    assert len(desk.entries(EntryKind.DAY_CLOSED)) == 1
