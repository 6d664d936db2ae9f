"""The sale page: what it shows of a sale, and that a clerk needs no mouse for it."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from cashier.domain.entries import EntryKind
from cashier.domain.errors import Unavailable
from cashier.domain.money import Cents, format_dollars
from cashier.domain.payment import PaymentState
from cashier.domain.receipt import Tender, TenderKind
from cashier.domain.sale import Customer
from cashier.till.config import Biller, ServiceFee
from cashier.till.snapshot import LineState
from cashier.ui.sale_page import LOCKED
from tests.ui.desk import TYPES, Desk

Key = Qt.Key


def on_sale(desk: Desk, widget: QWidget) -> None:
    """The focus is where it should be."""
    assert desk.focus is widget, f"{desk.focus} {desk.focus.accessibleName()!r}"


# -- a whole sale by keyboard --------------------------------------------------------------------------------


def test_x1_a_whole_sale_without_a_mouse(desk: Desk) -> None:
    desk.start()
    sale = desk.window.sale
    on_sale(desk, sale.fees.search)
    desk.key(Key.Key_F4)
    on_sale(desk, sale.fields["name"])
    desk.type("Robin Example")
    desk.key(Key.Key_Tab)
    desk.type("BU7-00042")
    desk.key(Key.Key_F3)
    desk.type("planning app")
    desk.key(Key.Key_Return)
    on_sale(desk, sale.fees.search)
    assert sale.fees.search.text() == ""
    desk.type("building perm")
    desk.key(Key.Key_Return)
    on_sale(desk, sale.fees.inputs["valuation"])
    desk.type("25,500")
    desk.key(Key.Key_Return)
    on_sale(desk, sale.fees.search)
    desk.key(Key.Key_F7)
    on_sale(desk, sale.reader)
    desk.key(Key.Key_Down)
    desk.key(Key.Key_F8)
    desk.settle()
    assert desk.lines == [("planning-application", 1), ("building-permit", 1)]
    assert desk.draft.customer == Customer("BU7-00042", "Robin Example")
    assert desk.draft.reader is not None and desk.draft.reader.reader == desk.config.readers[0]
    on_sale(desk, desk.pages[0])
    desk.approve()
    on_sale(desk, desk.window.payment.next_sale)
    desk.key(Key.Key_Return)
    on_sale(desk, sale.fees.search)
    assert desk.draft.is_empty


def test_tab_goes_through_the_page_as_it_is_read(desk: Desk) -> None:
    desk.start()
    desk.fill("planning-application", "right-of-way")
    sale = desk.window.sale
    order = [
        *sale.fields.values(),
        sale.fees.search,
        sale.fees.offers,
        sale.invoices.tree,
        sale.reader,
        sale.readers,
        sale.pay,
        sale.cash,
        sale.check,
    ]
    sale.fields["name"].setFocus()
    for widget in order:
        on_sale(desk, widget)
        desk.key(Key.Key_Tab)
    on_sale(desk, desk.window.rail.buttons[0])  # the others by the arrow keys, as in any group of buttons
    desk.key(Key.Key_Tab)
    on_sale(desk, desk.window.rail.lock)
    desk.key(Key.Key_Tab)
    on_sale(desk, sale.fields["name"])
    desk.key(Key.Key_Backtab)
    on_sale(desk, desk.window.rail.lock)
    desk.key(Key.Key_Backtab)
    on_sale(desk, desk.window.rail.buttons[0])
    desk.key(Key.Key_Down)
    assert desk.window.pages.currentWidget() is desk.window.payment


def test_tab_passes_through_an_open_question(desk: Desk) -> None:
    desk.start()
    fees = desk.window.sale.fees
    desk.type("copies")
    desk.key(Key.Key_Return)
    desk.key(Key.Key_Backtab)
    for widget in (fees.search, fees.inputs[""], fees.add, fees.leave, fees.offers):
        on_sale(desk, widget)
        desk.key(Key.Key_Tab)


def test_typing_anywhere_searches(desk: Desk) -> None:
    desk.start()
    desk.fill()
    sale = desk.window.sale
    for place in (sale.fees.offers, sale.invoices.tree, sale.pay, desk.window.rail.buttons[0], desk.window):
        sale.fees.search.clear()
        place.setFocus()
        desk.type("roof")
        on_sale(desk, sale.fees.search)
        assert sale.fees.search.text() == "roof"
    QTest.keyClick(sale, Key.Key_1, Qt.KeyboardModifier.KeypadModifier)
    assert sale.fees.search.text() == "roof1"


def test_escape_discards_nothing(desk: Desk) -> None:
    desk.start()
    desk.fill("planning-application", "right-of-way")
    before = desk.draft
    sale = desk.window.sale
    for place in (*sale.fields.values(), sale.fees.search, sale.fees.offers, sale.invoices.tree, sale.pay):
        place.setFocus()
        for _ in range(3):
            desk.key(Key.Key_Escape)
    assert desk.draft == before
    assert desk.window.isVisible()


# -- customer and permit -------------------------------------------------------------------------------------


def test_f8_right_after_typing_the_name_pays(desk: Desk) -> None:
    desk.start()
    desk.till.add_fee("planning-application")
    assert not desk.window.sale.pay.isEnabled()
    assert desk.window.sale.note.text() == "Enter the customer's name first."
    desk.key(Key.Key_F4)
    desk.type("Robin Example")
    desk.key(Key.Key_F8)
    desk.settle()
    assert desk.payment.state is PaymentState.OPEN
    assert '"payer": "Robin Example"' in desk.recorded.request


def test_f8_without_a_name_says_so_and_goes_there(desk: Desk) -> None:
    desk.start()
    desk.till.add_fee("planning-application")
    desk.key(Key.Key_F8)
    on_sale(desk, desk.window.sale.fields["name"])
    assert "name" in desk.window.sale.note.text()
    assert not desk.gateway.launched


def test_f8_with_nothing_to_pay_says_so(desk: Desk) -> None:
    desk.start()
    desk.key(Key.Key_F8)
    assert desk.window.sale.note.text() == "Add a fee first."
    assert desk.window.sale.note.isVisible()


def test_function_keys_do_not_lose_what_is_typed(desk: Desk) -> None:
    desk.start()
    for key in (Key.Key_F3, Key.Key_F6, Key.Key_F7):
        desk.window.sale.fields["name"].setFocus()
        desk.type("x")
        desk.key(key)
    assert desk.draft.customer.name == "xxx"
    desk.key(Key.Key_F4)
    desk.type("y")
    desk.key(Key.Key_4, Qt.KeyboardModifier.ControlModifier)
    desk.key(Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    assert desk.draft.customer.name == "xxxy"


def test_news_does_not_wipe_what_is_being_typed(desk: Desk) -> None:
    desk.start()
    desk.key(Key.Key_F4)
    desk.type("Robin Exa")
    desk.till.line_is(LineState.OFFLINE)
    desk.type("mple")
    desk.till.line_is(LineState.ONLINE)
    assert desk.window.sale.fields["name"].text() == "Robin Example"
    desk.key(Key.Key_Tab)
    assert desk.draft.customer.name == "Robin Example"


def test_the_next_sale_starts_with_nothing_of_the_last(desk: Desk) -> None:
    desk.start()
    desk.open_page()
    desk.approve()
    desk.window.show_page(0)
    desk.window.sale.focus_start()
    desk.type("copies")
    desk.key(Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    sale = desk.window.sale
    assert {field.text() for field in sale.fields.values()} == {""}
    assert sale.fees.search.text() == ""
    assert not sale.fees.question_card.isVisible()
    assert sale.total.text() == "0.00"


def test_a_permit_needs_no_number_and_takes_what_it_is_for(desk: Desk) -> None:
    desk.start()
    for name, text in (("permit_number", " BLD-1 "), ("permit_description", "Re-roof")):
        desk.window.sale.fields[name].setFocus()
        desk.type(text)
    desk.key(Key.Key_Tab)
    assert desk.draft.permit is not None
    assert (desk.draft.permit.number, desk.draft.permit.description) == ("BLD-1", "Re-roof")
    desk.window.sale.fields["permit_number"].setFocus()
    desk.key(Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    desk.key(Key.Key_Delete)
    desk.key(Key.Key_Tab)
    assert desk.draft.permit.number == ""


def test_long_texts_show_their_start(desk: Desk) -> None:
    desk.start((1080, 700))
    desk.till.set_customer(Customer("J_200001", "Robin " * 16))
    assert desk.window.sale.fields["name"].cursorPosition() == 0


# -- readers, limits, the line -------------------------------------------------------------------------------


def test_where_a_charge_code_forbids_the_chip_the_readers_say_so(desk: Desk) -> None:
    desk.start()
    desk.fill("planning-application")
    reader = desk.window.sale.reader
    desk.till.choose_reader("lane-3000")
    assert not desk.window.sale.reader_note.isVisible()
    assert reader.currentText() == "Lane 3000, counter 1"
    desk.till.add_fee("right-of-way")
    assert reader.currentText() == "Lane 3000, counter 1 – swipe only"
    assert desk.window.sale.reader_note.isVisible()
    assert desk.window.sale.reader_note.text() == desk.draft.emv_refusal
    texts = [reader.itemText(at) for at in range(reader.count())]
    assert texts[2] == "Chip reader, counter 2 – cannot be used: chip only"
    assert texts[3] == "Swipe reader"
    flags = [bool(reader.model().index(at, 0).flags() & Qt.ItemFlag.ItemIsEnabled) for at in range(4)]
    assert flags == [True, True, False, True]
    desk.key(Key.Key_F8)
    desk.settle()
    assert (desk.gateway.extras[-1].allow_emv, desk.gateway.extras[-1].allow_swipe) == (False, True)


def test_the_keyboard_skips_a_reader_that_cannot_be_used(desk: Desk) -> None:
    desk.start()
    desk.fill("right-of-way")
    desk.till.choose_reader("lane-3000")
    desk.key(Key.Key_F7)
    desk.key(Key.Key_Down)
    assert desk.draft.reader is not None and desk.draft.reader.reader.id == "swipe"
    assert not desk.window.sale.reader_note.isVisible()


def test_f1_the_card_maximum_is_told_before_the_launch_and_cash_makes_room_for_the_card(desk: Desk) -> None:
    biller = Biller("town", TYPES, card_maximum_cents=Cents(100_00), service_fee=ServiceFee())
    desk.config = desk.config_with(billers=(biller,))
    desk.start()
    desk.fill("planning-application")
    due = desk.draft.due_cents
    more = format_dollars(Cents(due - 100_00))
    assert desk.window.sale.note.text() == (
        f"This biller takes at most 100.00 by card; this sale comes to {format_dollars(due)}. Take {more} or "
        "more in cash or by check first, then the rest by card."
    )
    assert not desk.window.sale.pay.isEnabled()
    desk.key(Key.Key_F8)
    desk.settle()
    assert not desk.entries() and not desk.gateway.launched
    part = Cents(due - 100_00)
    desk.till.take_tender(Tender(TenderKind.CASH, part, received_cents=part))
    assert (desk.window.sale.note.text(), desk.window.sale.pay.isEnabled()) == ("", True)
    desk.key(Key.Key_F8)
    desk.settle()
    assert desk.recorded.amount_cents == 100_00


def test_f1_what_stood_on_the_page_before_the_launch_is_in_the_journal(desk: Desk) -> None:
    desk.start()
    desk.fill("planning-application")
    told = [desk.window.sale.total.text(), desk.window.sale.service_fee.text().removeprefix("+ ")]
    told.append(desk.window.sale.with_fee.text())
    desk.key(Key.Key_F8)
    desk.settle()
    [issued] = [entry for entry in desk.entries() if entry.kind is EntryKind.PAYMENT_ISSUED]
    names = ("amount_cents", "expected_fee_cents", "told_total_cents")
    assert [format_dollars(Cents(issued.body[name])) for name in names] == told
    assert issued.body["expected_fee_cents"] > 0
    assert issued.body["consent"] == "told before launch"


def test_o5_without_the_line_no_card_and_a_reason(desk: Desk) -> None:
    desk.start()
    desk.fill()
    desk.till.line_is(LineState.OFFLINE)
    assert "postback hub does not answer" in desk.window.sale.note.text()
    assert desk.window.status.line.text().startswith("○ the postback hub does not answer")
    desk.key(Key.Key_F8)
    desk.settle()
    assert not desk.gateway.launched
    assert not desk.entries()
    desk.till.line_is(LineState.ONLINE)
    assert desk.window.sale.note.text() == ""
    assert desk.window.sale.pay.isEnabled()


# -- a sale that is being paid -------------------------------------------------------------------------------


def test_a_locked_sale_cannot_be_changed_and_says_so(desk: Desk) -> None:
    desk.start()
    desk.open_page("planning-application", "copies")
    desk.window.payment.stop_waiting()
    desk.window.show_page(0)
    before = desk.draft
    sale = desk.window.sale
    assert "not settled" in sale.note.text()
    assert all(field.isReadOnly() for field in sale.fields.values())
    desk.key(Key.Key_F6)
    desk.key(Key.Key_Return)
    assert sale.note.text() == LOCKED
    assert not sale.fees.question_card.isVisible()
    desk.key(Key.Key_Delete)
    assert "cannot be changed now" in sale.note.text()
    for words in ("variance", "copies"):
        desk.key(Key.Key_F3)
        sale.fees.search.clear()
        desk.type(words)
        desk.key(Key.Key_Return)
        assert sale.fees.reason.text() == LOCKED
    assert desk.draft == before
    assert sale.pay.text() == "To the payment   F8"
    desk.key(Key.Key_F8)
    assert desk.window.pages.currentWidget() is desk.window.payment
    desk.settle()
    assert len(desk.gateway.launched) == 1


def test_a_paid_sale_shows_its_receipt(desk: Desk) -> None:
    desk.start()
    desk.open_page()
    desk.approve()
    desk.window.show_page(0)
    assert desk.window.sale.pay.text() == "Show the receipt   F8"
    assert desk.window.sale.due.text() == "0.00"
    desk.key(Key.Key_F8)
    assert desk.window.payment.shown_receipt is not None
    assert len(desk.gateway.launched) == 1


def test_x4_holding_f8_makes_one_attempt(desk: Desk) -> None:
    desk.start()
    desk.fill()
    for _ in range(20):
        QTest.keyClick(desk.focus, Key.Key_F8)
        desk.turn()
    desk.settle()
    assert len(desk.gateway.launched) == 1
    assert desk.hints() == ["page_opening"]


def test_while_it_is_started_the_card_key_is_deaf_and_keeps_the_focus(desk: Desk) -> None:
    desk.start()
    desk.fill()
    desk.gateway.errors = [Unavailable("The gateway did not answer. No money was taken.")]
    desk.gateway.hold(desk.loop)
    desk.window.sale.pay.setFocus()
    desk.key(Key.Key_Return)
    desk.turn()
    assert desk.window.sale.pay.text() == "Starting …"
    for _ in range(5):
        desk.key(Key.Key_Return)
        desk.turn()
    on_sale(desk, desk.window.sale.pay)
    desk.gateway.let_go()
    desk.settle()
    assert len(desk.gateway.launched) == 1


def test_a_full_disk_is_told_and_nothing_is_sent(desk: Desk) -> None:
    desk.start()
    desk.fill()
    desk.journal.disk_full = True
    desk.key(Key.Key_F8)
    desk.settle()
    assert not desk.gateway.launched
    assert "disk is full" in desk.boxes[0].text()
    assert "disk is full" in desk.window.sale.note.text()
    assert desk.window.sale.pay.isEnabled()


def test_a_refusal_is_red_and_a_warning_amber(desk: Desk) -> None:
    desk.start()
    desk.fill("right-of-way")
    desk.till.choose_reader("lane-3000")
    desk.till.line_is(LineState.OFFLINE)
    for note, token in ((desk.window.sale.note, "refused"), (desk.window.sale.reader_note, "waiting")):
        assert note.palette().windowText().color() == QColor(desk.theme.text(token))
