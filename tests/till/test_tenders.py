"""Cash, checks and money orders: taken, held beside a card, receipted in part or whole, given back."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cashier.domain.entries import EntryKind
from cashier.domain.errors import Refused, Unavailable
from cashier.domain.money import Cents
from cashier.domain.payment import PaymentEvent, PaymentState
from cashier.domain.receipt import Receipt, Tender, TenderKind
from cashier.domain.tendering import TenderState, drawer_tenders
from cashier.till.snapshot import LineState
from cashier.till.tenders import CASH_MAX_CENTS
from tests.fakes.people import CLERK, PIN, SUPERVISOR
from tests.till.conftest import Desk

S, E = PaymentState, PaymentEvent
K = TenderKind


def cash(cents: int) -> Tender:
    return Tender(K.CASH, Cents(0), received_cents=Cents(cents))


def check(cents: int, number: str = "1042", **words: str) -> Tender:
    return Tender(K.CHECK, Cents(cents), number=number, **words)


def _issued(desk: Desk) -> list[Receipt]:
    return list(reversed(desk.till.receipts("")))


def _held(desk: Desk) -> int:
    return sum(item.tender.amount_cents for item in desk.till.snapshot().draft.held)


# -- one tender --------------------------------------------------------------------------------------------


def test_cash_pays_the_sale_and_gives_change(desk: Desk) -> None:
    desk.fill("permit", "plan")
    taken = desk.till.take_tender(cash(15_000))
    assert (taken.tender.amount_cents, taken.tender.change_cents) == (14_000, 1_000)
    receipt = taken.receipt
    assert receipt is not None
    assert (receipt.number, receipt.paid_cents, receipt.due_cents) == ("A-000001", 14_000, 0)
    assert _issued(desk) == [receipt]
    assert [(item.before_cents, item.amount_cents) for item in receipt.applied] == [(0, 10_000), (0, 4_000)]
    assert desk.kinds() == ["sale_recorded", "tender_taken", "receipt_issued"]
    draft = desk.till.snapshot().draft
    assert (draft.due_cents, draft.drawer_refusal) == (0, "This sale is paid.")
    desk.till.new_sale()


def test_o5_cash_and_checks_are_taken_off_line(desk: Desk) -> None:
    desk.till.line_is(LineState.OFFLINE)
    desk.till.gateway_is(LineState.OFFLINE)
    desk.fill()
    assert desk.till.snapshot().draft.drawer_refusal == ""
    assert desk.till.take_tender(check(10_000)).receipt is not None


def test_a_check_and_a_money_order_say_whose_they_are(desk: Desk) -> None:
    desk.fill()
    desk.till.take_tender(check(4_000, "1042", bank=" First  Bank ", payer="Robin Example"))
    order = Tender(K.MONEY_ORDER, Cents(6_000), number="MO-77")
    receipt = desk.till.take_tender(order).receipt
    assert receipt is not None
    assert [(item.kind, item.number, item.bank, item.payer) for item in receipt.tenders] == [
        (K.CHECK, "1042", "First Bank", "Robin Example"),
        (K.MONEY_ORDER, "MO-77", "", ""),
    ]


@pytest.mark.parametrize(
    ("tender", "why"),
    [
        (cash(0), "Enter the cash"),
        (cash(-100), "Enter the cash"),
        (cash(CASH_MAX_CENTS + 1), "Enter the cash"),
        (check(0), "Enter the amount"),
        (check(10_001), "No change is given"),
        (check(100, ""), "number of the check"),
        (check(100, "4111111111111111"), "number of the check"),
        (check(100, "12 34"), "number of the check"),
        (check(100, bank="4111 1111 1111 1111"), "bank of the check"),
        (check(100, payer="x" * 61), "payer of the check"),
        (Tender(K.CARD, Cents(100)), "payment page"),
        (Tender(K.BANK, Cents(100)), "payment page"),
    ],
)
def test_what_cannot_be_taken_is_refused_and_nothing_recorded(desk: Desk, tender: Tender, why: str) -> None:
    desk.fill()
    with pytest.raises(Refused, match=why):
        desk.till.take_tender(tender)
    assert desk.entries() == []


def test_a_sale_without_fees_or_name_takes_nothing(desk: Desk) -> None:
    with pytest.raises(Refused, match="nothing to pay"):
        desk.till.take_tender(cash(100))
    desk.till.add_fee("permit")
    with pytest.raises(Refused, match="Who pays"):
        desk.till.take_tender(cash(100))


def test_a_full_disk_takes_nothing(desk: Desk) -> None:
    desk.fill()
    desk.journal.disk_full = True
    with pytest.raises(Unavailable):
        desk.till.take_tender(cash(10_000))
    desk.journal.disk_full = False
    assert desk.entries() == []
    assert desk.till.take_tender(cash(10_000)).receipt is not None


# -- several on one sale -----------------------------------------------------------------------------------


async def test_s1_cash_is_kept_when_the_card_beside_it_declines(desk: Desk) -> None:
    desk.fill()
    desk.till.take_tender(cash(4_000))
    draft = desk.till.snapshot().draft
    assert (draft.due_cents, draft.service_fee_cents, _held(desk)) == (6_000, 150, 4_000)
    await desk.till.pay_by_card()
    assert desk.payment.amount_cents == 6_000
    desk.decline()
    await desk.close_declined()
    assert desk.state() is S.DECLINED
    assert (_held(desk), desk.receipts()) == (4_000, [])
    assert desk.till.snapshot().draft.due_cents == 6_000


async def test_s1_giving_up_returns_the_cash_and_says_so(desk: Desk) -> None:
    desk.fill()
    held = desk.till.take_tender(cash(4_000)).tender
    sale_id = desk.till.snapshot().draft.sale_id
    with pytest.raises(Refused, match=r"40\.00 was taken for this sale"):
        desk.till.new_sale()
    with pytest.raises(Refused, match="give it back first"):
        desk.till.add_fee("plan")
    assert desk.till.give_back(sale_id, [held.id], "the payer left") == 4_000
    (returned,) = desk.entries(EntryKind.TENDER_RETURNED)
    assert (returned.body["amount_cents"], returned.body["reason"]) == (4_000, "the payer left")
    desk.till.add_fee("plan")
    assert desk.till.snapshot().draft.sale_id != sale_id, "what was recorded stays as it was"
    desk.till.new_sale()
    assert desk.receipts() == []


async def test_s1_cash_and_card_come_on_one_receipt(desk: Desk) -> None:
    desk.fill("permit", "plan")
    desk.till.take_tender(cash(12_000))
    await desk.till.pay_by_card()
    assert [(item.number[-2:], item.amount_cents) for item in desk.payment.invoices] == [("93", 2_000)]
    desk.approve()
    (receipt,) = _issued(desk)
    assert [(item.kind, item.amount_cents) for item in receipt.tenders] == [
        (K.CASH, 12_000),
        (K.CARD, 2_000),
    ]
    assert [item.amount_cents for item in receipt.applied] == [10_000, 4_000]
    assert (receipt.due_cents, _held(desk)) == (0, 0)


async def test_what_is_held_is_not_given_back_while_the_card_is_open(desk: Desk) -> None:
    desk.fill()
    held = desk.till.take_tender(cash(4_000)).tender
    sale_id = desk.till.snapshot().draft.sale_id
    await desk.till.pay_by_card()
    for verb in (
        lambda: desk.till.give_back(sale_id, [held.id], "changed their mind"),
        lambda: desk.till.finish_part(sale_id),
        lambda: desk.till.take_tender(cash(6_000)),
    ):
        with pytest.raises(Refused, match="not settled"):
            verb()
    assert _held(desk) == 4_000


def test_tenders_in_any_order_make_one_receipt(desk: Desk) -> None:
    desk.fill("permit", "plan")
    for tender in (check(1_000, "7"), cash(2_500), check(10_000, "8")):
        assert desk.till.take_tender(tender).receipt is None
    last = desk.till.take_tender(cash(1_000))
    assert last.tender.change_cents == 500
    assert last.receipt is not None
    assert [item.amount_cents for item in last.receipt.tenders] == [1_000, 2_500, 10_000, 500]


# -- part payments -----------------------------------------------------------------------------------------


def test_s2_a_part_payment_says_what_it_paid_of_each_permit(desk: Desk) -> None:
    desk.fill("permit", "plan")
    desk.till.take_tender(cash(11_000))
    sale_id = desk.till.snapshot().draft.sale_id
    first = desk.till.finish_part(sale_id)
    assert (first.is_part, first.due_cents) == (True, 3_000)
    shares = [(item.fee.gl_account, item.amount_cents) for item in first.fee_shares]
    assert shares == [("GL-6", 10_000), ("GL-93", 1_000)]
    rest = desk.till.take_tender(check(3_000)).receipt
    assert rest is not None
    assert (rest.paid_before_cents, rest.due_cents) == (11_000, 0)
    assert [(item.fee.gl_account, item.amount_cents) for item in rest.fee_shares] == [("GL-93", 3_000)]
    assert (rest.applied[0].before_cents, rest.applied[0].amount_cents) == (1_000, 3_000)


def test_nothing_held_makes_no_receipt(desk: Desk) -> None:
    desk.fill()
    with pytest.raises(Refused, match="Nothing is held"):
        desk.till.finish_part(desk.till.snapshot().draft.sale_id)


@pytest.mark.parametrize(
    ("limits", "cents", "why"),
    [
        ({"allow_partial": False}, 4_000, "cannot be paid in part"),
        ({"minimum_due_cents": Cents(5_000)}, 4_999, r"At least 50\.00"),
    ],
)
def test_an_invoice_that_must_not_be_paid_in_part_is_not(
    desk: Desk, limits: dict[str, object], cents: int, why: str
) -> None:
    desk.fill()
    sale = desk.till._sale()
    (invoice,) = sale.invoices
    sale = replace(sale, invoices=(replace(invoice, **limits),))  # type: ignore[arg-type]
    desk.till.tenders.take("s1", sale, cash(cents))
    with pytest.raises(Refused, match=why):
        desk.till.finish_part("s1")
    assert desk.receipts() == []
    desk.till.tenders.take("s1", sale, cash(10_000))
    assert len(desk.receipts()) == 1


# -- a card in doubt ---------------------------------------------------------------------------------------


async def test_p5_cash_beside_a_card_in_doubt_needs_two_people(desk: Desk) -> None:
    await desk.open_page()
    desk.hint(E.PAGE_CLOSED)
    with pytest.raises(Refused, match="a supervisor can release the sale for cash") as refused:
        desk.till.take_tender(cash(10_000))
    assert desk.payment.reference[:10] in refused.value.user_text
    asked = {"reason": "the payer pays in cash and leaves", "pin": PIN}
    with pytest.raises(Refused, match="second person"):
        await desk.till.release_for_cash(desk.payment.reference, supervisor=CLERK, **asked)
    await desk.till.release_for_cash(desk.payment.reference, supervisor=SUPERVISOR, **asked)
    with pytest.raises(Refused):
        await desk.till.pay_by_card()
    assert desk.till.take_tender(cash(10_000)).receipt is not None
    (released,) = desk.entries(EntryKind.PAYMENT_RELEASED)
    assert (released.body["by"], released.body["supervisor"]) == (CLERK, SUPERVISOR)


async def test_p5_a_page_that_stands_is_not_released(desk: Desk) -> None:
    await desk.open_page()
    with pytest.raises(Refused, match="whose page is closed"):
        await desk.till.release_for_cash(
            desk.payment.reference, reason="the payer wants to leave", supervisor=SUPERVISOR, pin=PIN
        )


async def test_p9_a_late_approval_after_cash_is_a_duplicate_to_refund(desk: Desk) -> None:
    await desk.open_page()
    desk.hint(E.PAGE_CLOSED)
    await desk.till.release_for_cash(
        desk.payment.reference, reason="the payer pays in cash", supervisor=SUPERVISOR, pin=PIN
    )
    desk.till.take_tender(cash(10_000))
    desk.approve()
    assert desk.receipts() == ["A-000001"]
    (found,) = desk.discrepancies()
    assert "DUPLICATE PAYMENT" in found
    assert desk.state() is S.APPROVED


def test_an_invoice_paid_in_cash_is_not_taken_again_on_another_sale(desk: Desk) -> None:
    desk.fill()
    sale = desk.till._sale()
    desk.till.tenders.take("s1", sale, cash(10_000))
    with pytest.raises(Refused, match="paid already: receipt A-000001"):
        desk.till.tenders.take("s2", sale, cash(10_000))


# -- restart and close -------------------------------------------------------------------------------------


def test_what_was_held_when_the_till_ended_is_shown_and_settled(desk: Desk) -> None:
    desk.fill()
    held = desk.till.take_tender(cash(4_000)).tender
    desk.restart()
    (before,) = desk.till.snapshot().held_before
    assert (before.tender, before.state) == (held, TenderState.HELD)
    with pytest.raises(Refused, match=r"40\.00 was taken and is on no receipt"):
        desk.close_day()
    desk.till.give_back(before.sale_id, [held.id], "the payer came back for it")
    assert desk.till.snapshot().held_before == ()
    desk.close_day()


def test_what_was_held_becomes_a_receipt_after_a_restart(desk: Desk) -> None:
    desk.fill()
    desk.till.take_tender(cash(4_000))
    desk.restart()
    (before,) = desk.till.snapshot().held_before
    receipt = desk.till.finish_part(before.sale_id)
    assert (receipt.paid_cents, receipt.due_cents) == (4_000, 6_000)
    assert desk.till.snapshot().held_before == ()


def test_a_tender_is_given_back_once(desk: Desk) -> None:
    desk.fill()
    held = desk.till.take_tender(cash(4_000)).tender
    sale_id = desk.till.snapshot().draft.sale_id
    desk.till.give_back(sale_id, [held.id], "twice")
    with pytest.raises(Refused, match="held no more"):
        desk.till.give_back(sale_id, [held.id], "twice")
    with pytest.raises(Refused, match="held no more"):
        desk.till.give_back(sale_id, [], "nothing")
    states = [item.state for item in drawer_tenders(desk.journal.entries())]
    assert states == [TenderState.RETURNED]


# -- the whole ---------------------------------------------------------------------------------------------


def test_a_days_money_is_what_was_taken_less_what_went_back(
    make_desk: Callable[..., Desk],
) -> None:
    desk = make_desk()
    for place in range(6):
        desk.fill("permit", "plan", account=f"1000{place}")
        first = desk.till.take_tender(cash(5_000 + place)).tender
        sale_id = desk.till.snapshot().draft.sale_id
        if place % 3 == 0:
            desk.till.give_back(sale_id, [first.id], "the payer left")
        elif place % 3 == 1:
            desk.till.finish_part(sale_id)
        else:
            desk.till.take_tender(check(9_000 - place, str(place + 1)))
        desk.till.new_sale()
    tenders = drawer_tenders(desk.journal.entries())
    counted = sum(item.tender.amount_cents for item in tenders if item.state.counts)
    assert counted == sum(receipt.paid_cents for receipt in _issued(desk))
    assert sum(share.amount_cents for item in _issued(desk) for share in item.fee_shares) == counted
