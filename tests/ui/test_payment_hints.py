"""What the page suggests and what the gateway says, as the payment page takes them."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt

from cashier.domain.money import Cents
from cashier.domain.payment import PaymentEvent, PaymentState
from cashier.till.snapshot import LineState
from cashier.ui.rail import SALE
from tests.ui.desk import Desk
from tests.ui.stand_ins import HostedPage

Key = Qt.Key
Act = Callable[[Desk], object]


# -- hints and facts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tell", "event"),
    [
        (lambda page: page.loaded.emit(False), PaymentEvent.PAGE_FAILED),
        (lambda page: page.returned.emit(), PaymentEvent.PAGE_RETURNED),
        (lambda page: page.renderer_died.emit("killed"), PaymentEvent.RENDERER_DIED),
    ],
)
def test_what_the_page_signals_is_recorded_as_a_hint(
    desk: Desk, tell: Callable[[HostedPage], None], event: PaymentEvent
) -> None:
    desk.start()
    desk.open_page()
    desk.page.loaded.emit(True)
    desk.page.blocked.emit("popup", "shop.example.org")
    assert desk.hints() == ["page_opening"]
    tell(desk.page)
    assert desk.hints() == ["page_opening", event.value]


def test_p16_a_page_whose_renderer_died_is_taken_down_and_not_opened_again(desk: Desk) -> None:
    desk.start()
    desk.open_page()
    desk.page.renderer_died.emit("killed")
    assert desk.window.payment.hosted is None
    assert desk.page.closed == 1
    assert len(desk.pages) == 1 and len(desk.page.opened) == 1


def test_p17_a_return_closes_the_page_and_proves_nothing(desk: Desk) -> None:
    desk.start()
    desk.open_page()
    desk.page.returned.emit()
    assert desk.window.payment.hosted is None
    assert desk.payment.state is PaymentState.IN_DOUBT
    # What shows in the page's place is about this payment.
    assert desk.window.payment.left.currentWidget() is desk.window.payment.nothing
    assert "locked until Invoice Cloud answers" in desk.window.payment.nothing.text()
    assert not desk.till.receipts("")


def test_another_card_after_a_decline_opens_the_payment_again(desk: Desk) -> None:
    desk.start()
    desk.open_page()
    desk.decline()
    assert desk.open_view is desk.page
    desk.page.submitted.emit()
    assert desk.payment.state is PaymentState.OPEN
    assert "PAYER IS PAYING" in desk.window.payment.banner.text
    desk.approve()
    assert desk.payment.state is PaymentState.APPROVED


def test_after_a_decline_the_sale_can_be_paid_again(desk: Desk) -> None:
    desk.start()
    desk.open_page()
    first = desk.payment.reference
    desk.decline_for_good()
    assert desk.page.closed == 1
    assert desk.focus is desk.window.payment.other_way
    desk.key(Key.Key_Return)
    assert desk.window.pages.currentWidget() is desk.window.sale
    assert desk.lines == [("planning-application", 1)]
    desk.key(Key.Key_F8)
    desk.settle()
    assert desk.payment.reference != first
    assert desk.payment.state is PaymentState.OPEN


def test_until_no_other_card_can_be_under_way_a_declined_sale_stays_locked(desk: Desk) -> None:
    desk.start()
    desk.open_page()
    desk.decline()
    assert desk.open_view is desk.page
    desk.window.payment.other_way.setFocus()
    desk.key(Key.Key_Return)
    # Enter once more must neither put the sale away nor charge it.
    assert desk.focus is desk.window.payment.back
    assert "Making sure that no other card is under way" in desk.window.payment.banner.text
    assert "no other card is under way" in desk.window.payment.nothing.text()
    desk.key(Key.Key_Return)
    assert desk.window.pages.currentWidget() is desk.window.sale
    assert desk.lines == [("planning-application", 1)]
    assert desk.draft.card_refusal == "A card payment for this sale is not settled."
    desk.wait(desk.config.waits.quiet_s + 1)
    assert not desk.draft.card_refusal
    desk.key(Key.Key_F8)
    desk.settle()
    assert len(desk.pages) == 2


def test_leaving_the_declined_page_for_another_closes_nothing(desk: Desk) -> None:
    """The payer may be trying another card: looking at the sale must not take the page from them."""
    desk.start()
    desk.open_page()
    desk.decline()
    desk.window.show_page(SALE)
    assert desk.open_view is desk.page and desk.page.closed == 0
    desk.page.submitted.emit()
    desk.approve()
    assert desk.payment.state is PaymentState.APPROVED


def test_a_page_that_outlives_its_decline_keeps_the_payment_open_until_it_is_closed(desk: Desk) -> None:
    """The line was lost and came back: the payer may still be typing another card."""
    desk.start()
    desk.open_page()
    desk.till.line_is(LineState.OFFLINE)
    desk.till.line_is(LineState.ONLINE)
    desk.decline()
    assert desk.open_view is desk.page
    desk.wait(desk.config.waits.quiet_s + 1)
    assert desk.payment.state is PaymentState.IN_DOUBT
    assert desk.open_view is desk.page
    desk.window.payment.stop_waiting()
    desk.wait(desk.config.waits.quiet_s + 1)
    assert desk.payment.state is PaymentState.DECLINED
    assert desk.open_view is None and desk.page.closed == 1
    assert desk.buttons() == ["Pay another way", "No-charge statement"]


def test_approval_closes_the_page_and_shows_the_receipt(desk: Desk) -> None:
    desk.start()
    desk.open_page()
    desk.approve()
    assert desk.window.payment.hosted is None
    assert desk.page.closed == 1
    receipt = desk.window.payment.shown_receipt
    assert receipt is not None and receipt.number == "A-000001"
    assert "PAID" in desk.window.payment.banner.text
    # What the page still says changes nothing.
    desk.page.submitted.emit()
    desk.page.returned.emit()
    assert desk.payment.state is PaymentState.APPROVED
    assert desk.window.payment.shown_receipt == receipt


def test_p7_a_late_approval_of_a_closed_page(desk: Desk) -> None:
    desk.start()
    desk.open_page()
    desk.window.payment.stop.click()
    desk.window.show_page(SALE)
    desk.window.sale.fields["email"].setFocus()
    desk.approve()
    # News does not pull the clerk off another page; it is there when they come back.
    assert desk.window.pages.currentWidget() is desk.window.sale
    assert desk.focus is desk.window.sale.fields["email"]
    desk.key(Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    assert desk.window.payment.shown_receipt is not None
    assert desk.focus is desk.window.payment.next_sale


def test_p14_a_part_payment_shows_what_is_left_and_takes_the_rest(desk: Desk) -> None:
    desk.gateway.minimum_cents = 100
    desk.start()
    desk.open_page()
    desk.approve(payment_amount_cents=4000)
    assert "40.00 is paid. 110.00 is still due." in desk.window.payment.banner.text
    assert desk.buttons() == ["Take the rest", "Save the receipt as PDF"]
    assert desk.focus is desk.window.payment.take_rest
    receipt = desk.window.payment.shown_receipt
    assert receipt is not None and receipt.due_cents == Cents(11000)
    desk.key(Key.Key_F8)
    sale = desk.window.sale
    assert desk.window.pages.currentWidget() is sale
    assert [part.text() for part in (sale.total, sale.paid, sale.due)] == ["150.00", "- 40.00", "110.00"]
    assert sale.with_fee.text() == "112.75"
    assert sale.pay.text() == "Card   F8"
    desk.key(Key.Key_F8)
    desk.settle()
    assert desk.payment.state is PaymentState.OPEN
    assert desk.payment.amount_cents == 11000
    desk.approve()
    assert "110.00 is paid" in desk.window.payment.banner.text
    assert desk.buttons() == ["Next sale", "Save the receipt as PDF"]
    assert desk.draft.due_cents == 0
