"""Swipes and scans in the window of the till: the clerk is told, nothing is done (behaviours X3, A2)."""

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QStandardItemModel
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QLineEdit,
    QWidget,
)

from cashier.ui.rail import DESK, PAYMENT, RECEIPTS, SALE
from cashier.ui.swipe_guard import SCAN_LOST, SWIPED
from tests.fakes.people import CLERK, CLERK_PIN, at_once
from tests.ui.desk import Desk
from tests.ui.guarded import CODE, HAND_MS, WAIT_MS, holds_card
from tests.ui.keyboards import BARE_SWIPES, PAN, SWIPE, Keyboard, Ticks

Key = Qt.Key


@pytest.fixture
def counter(desk: Desk) -> Iterator[tuple[Desk, Keyboard]]:
    ticks = Ticks()
    desk.pace = ticks
    desk.start()
    yield desk, Keyboard(ticks)


def texts(desk: Desk) -> list[str]:
    """Every text of the window and its dialogs."""
    found: list[str] = []
    for widget in desk.window.findChildren(QWidget):
        for name in ("text", "toPlainText", "currentText", "accessibleName", "toolTip", "windowTitle"):
            get = getattr(widget, name, "")
            found.append(str(get() if callable(get) else get))
    for model in desk.window.findChildren(QStandardItemModel):
        found += [model.item(at).text() for at in range(model.rowCount())]
    return found


def typing(desk: Desk, act: Callable[[], object]) -> list[str]:
    """The fields of the sale before and after."""
    before = [field.text() for field in desk.window.findChildren(QLineEdit)]
    act()
    assert [field.text() for field in desk.window.findChildren(QLineEdit)] == before
    return before


@pytest.mark.parametrize("swipe", [SWIPE, BARE_SWIPES[0], BARE_SWIPES[2]])
@pytest.mark.parametrize("page", [SALE, PAYMENT, DESK, RECEIPTS])
def test_the_clerk_is_told_on_every_page(counter: tuple[Desk, Keyboard], page: int, swipe: str) -> None:
    desk, keyboard = counter
    desk.doubt()
    desk.window.show_page(page)
    keyboard.quiet()
    drafted = desk.draft
    typing(desk, lambda: (keyboard.type(swipe, 8), keyboard.quiet()))
    assert not desk.dialogs
    assert desk.read_messages() == [SWIPED]
    assert desk.draft == drafted
    assert not any(holds_card(text) for text in texts(desk))
    assert not any(PAN in str(entry.body) for entry in desk.journal.entries())


def test_x3_a_scan_on_the_sale_page(counter: tuple[Desk, Keyboard]) -> None:
    desk, keyboard = counter
    sale = desk.window.sale
    desk.fill("planning-application")
    sale.fees.start_change(desk.draft.invoices[0].lines[0])
    amount = next(iter(sale.fees.inputs.values()))
    places = (*sale.fields.values(), amount, sale.fees.search, sale.invoices.tree, sale.reader, sale.pay)
    lines, fields = desk.lines, [field.text() for field in sale.fields.values()]
    quantity, reader = amount.text(), sale.reader.currentIndex()
    for place in places:
        sale.fees.search.setText("")
        place.setFocus()
        assert QApplication.focusWidget() is place
        keyboard.type("roof-26\r", 8)
        keyboard.quiet()
        assert sale.fees.search.text() == "roof-26"
        assert desk.focus is sale.fees.search
        assert (desk.lines, amount.text()) == (lines, quantity)
        assert [field.text() for field in sale.fields.values()] == fields
        assert sale.reader.currentIndex() == reader
    assert not desk.gateway.launched and not desk.boxes


def test_x3_a_scan_finds_a_receipt_by_its_permit(counter: tuple[Desk, Keyboard]) -> None:
    desk, keyboard = counter
    desk.open_page()
    desk.approve()
    desk.window.show_page(RECEIPTS)
    receipts = desk.window.receipts
    receipts.table.setFocus()
    keyboard.quiet()
    keyboard.type("BLD-26-000012\r", 8)
    assert receipts.search.text() == "BLD-26-000012"
    assert [receipt.number for receipt in receipts.model.receipts] == ["A-000001"]


def test_x3_the_letters_of_a_scan_are_no_verbs_of_the_desk(counter: tuple[Desk, Keyboard]) -> None:
    desk, keyboard = counter
    desk.doubt()
    asked = list(desk.enquiry.asked)
    desk.window.show_page(DESK)
    keyboard.quiet()
    for code in ("PVSA-26-1", "VP", "SA12", "AP-1"):
        desk.window.show_page(DESK)
        keyboard.quiet()
        keyboard.type(f"{code}\r", 8)
        keyboard.quiet()
        desk.settle()
        assert not desk.dialogs and not desk.boxes
        assert desk.window.sale.fees.search.text() == code
    assert desk.enquiry.asked == asked
    desk.window.show_page(DESK)
    keyboard.quiet()
    keyboard.type("v", HAND_MS)  # a hand's is, once it is known for one
    assert not desk.dialogs
    keyboard.quiet()
    assert len(desk.dialogs) == 1


@pytest.mark.parametrize("place", ["answer", "pin", "supervisor", "go_on"])
def test_swipes_and_scans_while_the_approval_dialog_is_open(
    counter: tuple[Desk, Keyboard], place: str
) -> None:
    from cashier.ui.approval_dialog import ApprovalDialog

    desk, keyboard = counter
    reference = desk.doubt()
    desk.window.show_page(DESK)
    keyboard.quiet()
    keyboard.type("v", HAND_MS)
    keyboard.quiet()
    [dialog] = desk.dialogs
    assert isinstance(dialog, ApprovalDialog)
    QTest.keyClicks(dialog.answers[1], "x")
    for sent, said in ((SWIPE, SWIPED), (BARE_SWIPES[0], SWIPED), (f"{CODE}\r", SCAN_LOST)):
        keyboard.quiet()
        if not dialog.isActiveWindow():
            with desk.qtbot.waitActive(dialog, timeout=WAIT_MS):
                dialog.activateWindow()
        (dialog.answers[0] if place == "answer" else getattr(dialog, place)).setFocus()
        chosen = dialog.supervisor.currentText()
        keyboard.type(sent, 8)
        assert not desk.boxes
        keyboard.quiet()
        assert desk.dialogs == [dialog] and dialog.fault.isHidden()
        assert (dialog.answers[0].text(), dialog.pin.text()) == ("", "")
        assert dialog.supervisor.currentText() == chosen
        assert desk.window.sale.fees.search.text() == ""
        [box] = desk.boxes
        assert box.text() == said
        QTest.keyClick(box, Key.Key_Return)
        desk.app.processEvents()
    payment = desk.journal.payment(reference)
    assert payment is not None and payment.vouch is None


def test_a_second_swipe_does_not_answer_the_message_of_the_first(counter: tuple[Desk, Keyboard]) -> None:
    desk, keyboard = counter
    for _ in range(2):
        keyboard.type(SWIPE, 8)
        keyboard.quiet()
        assert [box.text() for box in desk.boxes] == [SWIPED]
    assert desk.read_messages() == [SWIPED]


@pytest.mark.parametrize(("sent", "said"), [(SWIPE, SWIPED), (f"{CODE}\r", SCAN_LOST)])
def test_swipes_and_scans_at_the_locked_till_leave_nothing(
    counter: tuple[Desk, Keyboard], sent: str, said: str
) -> None:
    desk, keyboard = counter
    desk.window.presence.lock()
    cover = desk.window.presence.cover
    assert cover is not None
    keyboard.quiet()
    keyboard.type(sent, 8)
    keyboard.quiet()
    assert cover.sign_in.pin.text() == "" and cover.sign_in.fault.isHidden()
    assert desk.window.sale.fees.search.text() == ""
    assert cover.isVisible() and desk.focus is cover.sign_in.pin and not desk.boxes
    at_once(desk.till.people.sign_in(CLERK, CLERK_PIN))
    assert desk.read_messages() == [said]
