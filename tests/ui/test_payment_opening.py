"""Opening and leaving payment pages, and the other payments that are not settled."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt

from cashier.domain.errors import Refused
from cashier.domain.payment import PaymentState
from cashier.ui.rail import DESK, PAYMENT, SALE
from cashier.ui.widgets import Button
from tests.helpers.payments import told_all
from tests.ui.desk import Desk

Key = Qt.Key
Act = Callable[[Desk], object]


# -- opening -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [Refused("The payment page was not opened: its address is not one of the gateway's.")]
)
def test_a_page_that_will_not_open_is_told_and_in_doubt(desk: Desk, error: Refused) -> None:
    desk.start()
    desk.page_error = error
    desk.fill()
    desk.key(Key.Key_F8)
    desk.settle()
    assert desk.boxes[0].text() == error.user_text
    assert desk.payment.state is PaymentState.IN_DOUBT
    assert desk.window.payment.hosted is None
    assert desk.page.closed == 1
    assert desk.buttons() == ["Next sale", "Slip for the payer"]


def test_a_bug_in_opening_is_in_doubt_too_and_not_hidden(desk: Desk) -> None:
    desk.start()
    desk.page_error = RuntimeError("a bug")
    seen: list[BaseException] = []
    desk.loop.set_exception_handler(lambda _loop, context: seen.append(context["exception"]))
    desk.fill()
    desk.window.pay()
    desk.settle()
    assert [str(error) for error in seen] == ["a bug"]
    assert desk.payment.state is PaymentState.IN_DOUBT
    assert desk.buttons() == ["Next sale", "Slip for the payer"]


def test_each_page_gets_its_own_address_and_the_last_one_goes(desk: Desk) -> None:
    desk.start()
    desk.open_page()
    desk.decline_for_good()
    desk.window.pay()
    desk.settle()
    assert [view.opened for view in desk.pages] == [
        ["https://pay.example.org/page/1"],
        ["https://pay.example.org/page/2"],
    ]
    assert [view.closed for view in desk.pages] == [1, 0]


def test_a_hint_that_cannot_be_recorded_is_told(desk: Desk) -> None:
    desk.start()
    desk.open_page()
    desk.journal.disk_full = True
    desk.window.payment.stop.click()
    assert "disk is full" in desk.boxes[0].text()
    desk.read_messages()
    # The page is gone, so the clerk must still be able to stop waiting once the disk has room.
    assert desk.buttons() == ["Stop waiting"]
    desk.journal.disk_full = False
    desk.window.payment.stop.click()
    assert desk.payment.state is PaymentState.IN_DOUBT


def test_p2_after_a_restart_the_doubt_is_on_the_first_screen(desk: Desk) -> None:
    desk.start()
    desk.open_page()
    reference = desk.payment.reference
    desk.restart()
    assert desk.window.pages.currentWidget() is desk.window.payment
    assert desk.payment.reference == reference
    assert "The till was restarted during this payment" in desk.window.payment.banner.text
    assert desk.window.rail.buttons[DESK].text() == "In doubt  1"
    desk.approve()
    assert desk.window.payment.shown_receipt is not None
    assert desk.focus is desk.window.payment.next_sale


# -- the others that are not settled -------------------------------------------------------------------------


def test_the_others_are_a_key_away(desk: Desk) -> None:
    desk.start()
    first, second = desk.doubt("Robin Example"), desk.doubt("Kim Example")
    desk.window.show_page(PAYMENT)
    others = desk.window.payment.others
    assert others.text() == "2 other payments are not settled   Ctrl+3"
    assert desk.window.rail.buttons[DESK].accessibleName() == "In doubt, 2 not settled"
    others.setFocus()
    desk.key(Key.Key_Return)
    assert desk.window.pages.currentWidget() is desk.window.desk
    desk.settle()
    desk.key(Key.Key_Down)
    desk.key(Key.Key_Return)
    assert desk.window.pages.currentWidget() is desk.window.payment
    assert desk.payment.reference == second
    assert others.text() == "1 other payment is not settled   Ctrl+3"
    assert first != second


def test_looking_at_another_payment_does_not_cost_the_sale_begun_since(desk: Desk) -> None:
    desk.start()
    desk.doubt()
    desk.fill("variance")
    desk.window.show_page(DESK)
    desk.settle()
    desk.key(Key.Key_Return)
    assert desk.buttons() == ["Back to the sale", "Slip for the payer"]
    desk.window.payment.back.click()
    assert desk.lines == [("variance", 1)]


def test_the_card_key_pays_this_sale_and_not_another_that_could_be_tried_again(desk: Desk) -> None:
    desk.start()
    desk.lose_the_launch()
    desk.read_messages()
    first = desk.payment.reference
    desk.key(Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    desk.fill("variance", name="Kim Example")
    desk.till.show_payment(first)
    desk.window.show_page(SALE)
    desk.key(Key.Key_F8)
    desk.settle()
    assert desk.payment.reference != first
    assert desk.payment.amount_cents == 24000


def test_a_button_held_down_is_pressed_once(desk: Desk) -> None:
    desk.start()
    pressed: list[bool] = []
    button = Button("Press   F8")
    button.clicked.connect(lambda: pressed.append(True))
    desk.qtbot.addWidget(button)
    button.show()
    for key in (Key.Key_Return, Key.Key_Space):
        desk.hold(button, key)
    assert len(pressed) == 2


def test_the_same_words_for_the_next_payment_are_said_again(desk: Desk) -> None:
    desk.start()
    said: list[str] = []
    desk.window.payment.banner.changed.connect(said.append)
    for _ in range(2):
        desk.open_page()
        desk.till.choose_reader("swipe")
        desk.till.choose_reader(None)
        desk.approve()
        desk.key(Key.Key_Return)
    words = [text.split(".")[0] for text in said]
    assert [word for word in words if word != "Not started"] == ["Payer is paying", "Paid"] * 2


def test_a_postback_for_a_sale_gone_by_does_not_disturb_the_next(desk: Desk) -> None:
    desk.start()
    desk.open_page()
    old = desk.recorded
    desk.window.payment.stop_waiting()
    desk.key(Key.Key_Return)
    desk.fill("variance", name="Kim Example")
    desk.window.sale.fields["name"].setFocus()
    desk.tell(told_all(old, convenience_fee_cents=375), old.reference)
    assert desk.lines == [("variance", 1)]
    assert desk.focus is desk.window.sale.fields["name"]
    assert desk.window.rail.buttons[DESK].text() == "In doubt"
    assert len(desk.till.receipts("")) == 1
