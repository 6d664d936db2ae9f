"""Parking a sale for the line, through the window: the key, the slip, the bar that says the line is back."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLabel

from cashier.domain.errors import Unavailable
from cashier.domain.money import Cents
from cashier.domain.payment import PaymentState
from cashier.domain.receipt import Tender, TenderKind
from cashier.till.printing import PrintConfig
from cashier.till.rehearsal_cases import LESSONS
from cashier.till.snapshot import LineState
from cashier.ui.rail import PAYMENT, SALE
from cashier.ui.retrieve_dialogs import HeldSalesDialog
from cashier.ui.training_dialogs import RehearseDialog
from tests.fakes.enquiry import FakeInvoice
from tests.fakes.printer import NO_PAPER, FakePrinter
from tests.fakes.stand_in import FakeStandIn
from tests.ui.desk import Desk
from tests.ui.test_accessibility import nameless, nameless_in
from tests.ui.test_theme import check_texts

Key = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def printer(desk: Desk) -> FakePrinter:
    """A counter with a printer; not started yet."""
    printer = FakePrinter()
    desk.prints = PrintConfig(local=lambda stamp: stamp[:16], printer=printer)
    return printer


def go_off(desk: Desk) -> None:
    desk.till.gateway_is(LineState.OFFLINE)


def come_back(desk: Desk) -> None:
    desk.till.line_is(LineState.ONLINE)
    desk.till.gateway_is(LineState.ONLINE)


def park(desk: Desk, name: str = "Robin Example") -> None:
    """By keyboard, with the line off."""
    desk.fill(name=name)
    desk.key(Key.Key_F5, SHIFT)
    desk.settle()


def told(desk: Desk) -> str:
    """What the bar above the fees says."""
    assert desk.window.lookups.bar.banner.isVisible()
    return desk.window.lookups.bar.banner.text


def file_dialogs(desk: Desk) -> list[QFileDialog]:
    return [one for one in desk.window.findChildren(QFileDialog) if one.isVisible()]


def held_list(desk: Desk) -> HeldSalesDialog:
    desk.key(Key.Key_F5)
    [dialog] = desk.dialogs
    assert isinstance(dialog, HeldSalesDialog)
    dialog.activateWindow()
    desk.qtbot.waitUntil(dialog.isActiveWindow)
    return dialog


def rows(dialog: HeldSalesDialog) -> list[str]:
    return [dialog.list.item(row).text() for row in range(dialog.list.count())]


def back_to_window(desk: Desk) -> None:
    desk.window.activateWindow()
    desk.qtbot.waitUntil(desk.window.isActiveWindow)


# -- parking -------------------------------------------------------------------------------------------------


def test_o5_off_line_the_sale_page_offers_to_park_for_the_line(desk: Desk, printer: FakePrinter) -> None:
    desk.start()
    window = desk.window
    assert (window.rail.put_aside.text(), window.sale.park.isVisible()) == ("Put aside", False)
    go_off(desk)
    assert not window.sale.park.isVisible(), "there is nothing to park yet"
    desk.fill()
    assert window.rail.put_aside.text() == "Park"
    assert window.sale.park.isVisible() and "Invoice Cloud is not reached" in window.sale.note.text()
    assert window.sale.cash.isEnabled()
    assert nameless(desk) == []
    desk.click(window.sale.park)
    desk.settle()
    assert desk.draft.is_empty and not window.sale.park.isVisible()
    assert desk.gateway.launched == []
    come_back(desk)
    assert window.rail.put_aside.text() == "Put aside"


def test_o5_the_payer_gets_a_printed_slip_and_the_words_say_what_it_means(
    desk: Desk, printer: FakePrinter
) -> None:
    desk.start()
    go_off(desk)
    park(desk)
    [text] = printer.texts
    assert "NOT PAID" in text and "Robin Example" in text and "TRAINING" in text
    assert told(desk).startswith("●  PARKED The sale of Robin Example over")
    assert "waits for the line. Nothing was paid." in told(desk)
    assert told(desk).endswith("Give the payer the slip from the printer.")
    assert "holds none" not in told(desk)
    assert desk.focus is desk.window.sale.fees.search
    assert file_dialogs(desk) == []


def test_o5_a_slip_that_was_not_printed_is_printed_from_the_list(desk: Desk, printer: FakePrinter) -> None:
    desk.start()
    go_off(desk)
    printer.results = [NO_PAPER]
    park(desk)
    assert "The slip was not printed: the printer is out of paper." in told(desk)
    dialog = held_list(desk)
    assert dialog.slip.isEnabled() and nameless_in(dialog) == []
    desk.key(Key.Key_P, CTRL)
    desk.settle()
    assert len(printer.texts) == 1
    assert "Give the payer the slip" in told(desk)
    assert desk.dialogs == []


def test_o5_without_a_printer_the_slip_is_saved(desk: Desk) -> None:
    desk.start()
    go_off(desk)
    park(desk)
    [dialog] = file_dialogs(desk)
    assert dialog.windowTitle() == "Save the slip for the payer"
    assert len(desk.snapshot.held) == 1, "it is parked, whatever becomes of the paper"
    dialog.reject()


def test_o5_without_a_hold_at_the_hub_the_words_say_so(desk: Desk, printer: FakePrinter) -> None:
    desk.enquiry.not_set_up.clear()
    desk.enquiry.invoices["700-6"] = FakeInvoice(5_000)
    desk.start()
    desk.window.sale.fields["name"].setText("Robin Example")
    desk.window.sale.commit_fields()
    lookup = desk.loop.run_until_complete(desk.till.retrieving.look_up("700-6"))
    desk.till.retrieving.add(lookup.candidates[0])
    desk.till.line_is(LineState.OFFLINE)
    desk.key(Key.Key_F5, SHIFT)
    desk.settle()
    assert "The hub holds none of its invoices: another till may take them." in told(desk)
    assert "700-6" in printer.texts[0]


# -- the line is back ----------------------------------------------------------------------------------------


def test_o5_when_the_line_is_back_the_bar_offers_what_was_parked(desk: Desk, printer: FakePrinter) -> None:
    desk.start()
    desk.fill(name="Sam Ordinary")
    desk.key(Key.Key_F5, SHIFT)
    desk.settle()
    go_off(desk)
    park(desk, "Robin Example")
    park(desk, "Alex Sample")
    bar = desk.window.line_bar
    assert bar.text == ""
    come_back(desk)
    assert bar.isVisible() and bar.text == "2 parked sales can be paid now. F5"
    assert nameless(desk) == []
    dialog = held_list(desk)
    assert [("WAIT" in row, row.startswith("◷")) for row in rows(dialog)] == [
        (True, True),
        (True, True),
        (False, False),
    ]
    assert "Robin Example" in rows(dialog)[0]
    QTest.keyClick(dialog.list, Key.Key_Return)
    desk.settle()
    back_to_window(desk)
    assert bar.text == "1 parked sale can be paid now. F5"
    desk.key(Key.Key_F8)
    desk.settle()
    assert desk.payment.state is PaymentState.OPEN
    assert not bar.isVisible(), "the payment page keeps its size"
    desk.window.show_page(SALE)
    assert bar.isVisible()


def test_o5_a_bar_that_was_read_is_gone_until_the_line_comes_back_again(
    desk: Desk, printer: FakePrinter
) -> None:
    desk.start()
    go_off(desk)
    park(desk)
    park(desk, "Alex Sample")
    come_back(desk)
    bar = desk.window.line_bar
    desk.click(bar.read)
    assert not bar.isVisible()
    desk.till.drop_held_sale(desk.snapshot.held[0].id)
    assert not bar.isVisible(), "what was read is no news with one sale less"
    go_off(desk)
    come_back(desk)
    assert bar.isVisible()
    desk.click(bar.held)
    assert isinstance(desk.dialogs[0], HeldSalesDialog)
    desk.dialogs[0].reject()


def test_o5_an_ordinary_sale_put_aside_has_no_slip_and_no_bar(desk: Desk) -> None:
    desk.start()
    park(desk)
    assert told(desk).startswith("●  PUT ASIDE")
    dialog = held_list(desk)
    assert not dialog.slip.isEnabled()
    desk.key(Key.Key_P, CTRL)
    assert file_dialogs(desk) == []
    dialog.reject()
    go_off(desk)
    come_back(desk)
    assert not desk.window.line_bar.isVisible()


# -- what became of the outage -------------------------------------------------------------------------------


def test_o6_the_bar_says_in_one_line_what_became_of_the_outage(desk: Desk) -> None:
    desk.start()
    drain(desk)
    desk.copy.down = Unavailable("The hub cannot be reached.")
    desk.till.line_is(LineState.OFFLINE)
    desk.fill()
    due = desk.draft.due_cents
    desk.till.take_tender(Tender(TenderKind.CASH, Cents(0), received_cents=due))
    desk.copy.down = None
    desk.till.line_is(LineState.ONLINE)
    bar = desk.window.line_bar
    assert not bar.isVisible()
    drain(desk)
    assert bar.text == "While the line was off: 1 receipt sent."
    assert not bar.held.isVisible()
    desk.window.show_page(PAYMENT)
    assert not bar.isVisible()
    desk.window.show_page(SALE)
    desk.click(bar.read)
    assert not bar.isVisible()
    assert desk.snapshot.caught_up == ""


def drain(desk: Desk) -> None:
    async def send() -> None:
        while await desk.till.outbox.send_due() <= 0:
            pass

    desk.loop.run_until_complete(send())


# -- training, and how it looks ------------------------------------------------------------------------------


def test_x6_a_clerk_practises_it_with_the_line_switch(desk: Desk, printer: FakePrinter) -> None:
    desk.stand_in = FakeStandIn()
    desk.start()
    desk.gateway.unreached = Unavailable("Invoice Cloud is not reached.")
    switch_line(desk)
    assert "park the sale for the line" in desk.window.training.bar.case.text()
    park(desk)
    desk.gateway.unreached = None
    switch_line(desk)
    case = desk.window.training.bar.case.text()
    assert case.startswith("✓  Right: The line to Invoice Cloud drops. You parked the sale for the line")
    assert desk.window.line_bar.text == "1 parked sale can be paid now. F5"


def switch_line(desk: Desk) -> None:
    """In the rehearsal menu, as a clerk does."""
    desk.key(Key.Key_T, CTRL)
    [dialog] = desk.dialogs
    assert isinstance(dialog, RehearseDialog)
    dialog.cases.setCurrentRow(len(LESSONS) - 1)
    dialog.act.click()
    desk.settle()
    dialog.reject()
    back_to_window(desk)


@pytest.mark.parametrize(("size", "text_scale"), [((1080, 700), 1.0), ((1360, 860), 2.0)])
def test_nothing_of_it_is_cut_off(
    desk: Desk, printer: FakePrinter, size: tuple[int, int], text_scale: float
) -> None:
    desk.start(size, text_scale=text_scale)
    go_off(desk)
    park(desk)
    desk.fill()
    desk.lay_out()
    check_texts(desk, "off", text_scale)
    come_back(desk)
    desk.lay_out()
    check_texts(desk, "back", text_scale)
    assert desk.window.line_bar.isVisible()
    assert (desk.window.width(), desk.window.height()) == size
    inside = desk.window.line_bar.findChildren(QLabel)
    assert all(part.width() > 40 for part in inside)
