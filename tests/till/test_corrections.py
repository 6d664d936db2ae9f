"""Voids, refunds and returned checks: two people, limits, and receipts that stay as they were."""

from typing import Any

import pytest

from cashier.domain.corrections import Refund
from cashier.domain.entries import EntryKind
from cashier.domain.errors import Refused
from cashier.domain.money import Cents
from cashier.domain.receipt import Receipt, Tender, TenderKind
from cashier.domain.tendering import TenderState, drawer_tenders
from tests.fakes.people import CLERK, PIN, SUPERVISOR
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
