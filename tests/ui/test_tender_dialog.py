"""Cash, checks and what is held, by keyboard through the real window."""

import itertools

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from cashier.domain.entries import EntryKind
from cashier.domain.errors import Refused
from cashier.domain.money import Cents
from cashier.domain.receipt import TenderKind
from cashier.domain.tendering import quick_cash
from cashier.ui.approval_dialog import ApprovalDialog
from cashier.ui.held_dialog import HeldDialog
from cashier.ui.rail import SALE
from cashier.ui.tender_dialog import TenderDialog, typed_cents
from tests.fakes.people import CLERK, CLERK_PIN, PIN, SUPERVISOR, at_once
from tests.ui.desk import Desk

Key = Qt.Key


def _open(desk: Desk, key: Qt.Key) -> TenderDialog:
    QTest.keyClick(desk.window, key)
    [dialog] = desk.dialogs
    assert isinstance(dialog, TenderDialog)
    dialog.activateWindow()  # as a window manager sees to it
    desk.qtbot.waitUntil(dialog.isActiveWindow)
    return dialog


def _held(desk: Desk) -> HeldDialog:
    desk.window.sale.held.click()
    [dialog] = desk.dialogs
    assert isinstance(dialog, HeldDialog)
    return dialog


def test_cash_by_keyboard_to_the_next_sale(desk: Desk) -> None:
    desk.start()
    desk.fill()
    due = desk.draft.due_cents
    dialog = _open(desk, Key.Key_F9)
    QTest.keyClicks(dialog.amount, "10000")
    assert dialog.change.text() == f"Change {(1_000_000 - due) / 100:,.2f}"
    QTest.keyClick(dialog.amount, Key.Key_Return)
    desk.settle()
    assert "PAID" in dialog.paid.text()
    assert dialog.next.hasFocus()
    (receipt,) = desk.till.receipts("")
    assert (receipt.due_cents, receipt.tenders[0].kind) == (0, TenderKind.CASH)
    sale_id = desk.draft.sale_id
    QTest.keyClick(dialog, Key.Key_Return)
    desk.settle()
    assert desk.draft.sale_id != sale_id
    assert desk.dialogs == []


def test_x4_an_enter_held_down_takes_once_and_starts_no_next_sale(desk: Desk) -> None:
    desk.start()
    desk.fill()
    dialog = _open(desk, Key.Key_F9)
    dialog.quick[0].click()
    QTest.keyClick(dialog, Key.Key_Return)
    sale_id = desk.draft.sale_id
    for _ in range(20):
        event = QKeyEvent(QEvent.Type.KeyPress, Key.Key_Return, Qt.KeyboardModifier.NoModifier, "\r", True)
        QApplication.sendEvent(dialog.next, event)
    desk.settle()
    assert desk.draft.sale_id == sale_id
    assert len(desk.till.receipts("")) == 1
    dialog.reject()


def test_a_check_is_taken_with_its_number(desk: Desk) -> None:
    desk.start()
    desk.fill()
    dialog = _open(desk, Key.Key_F10)
    assert dialog.number.hasFocus()
    QTest.keyClick(dialog.number, Key.Key_Return)
    assert "Enter the number of the check" in dialog.fault.text()
    QTest.keyClicks(dialog.number, "1042")
    dialog.bank.setText("First Bank of Sampleton")
    QTest.keyClick(dialog.number, Key.Key_Return)
    (receipt,) = desk.till.receipts("")
    tender = receipt.tenders[0]
    assert (tender.kind, tender.number, tender.payer) == (TenderKind.CHECK, "1042", receipt.customer.name)
    dialog.reject()


@pytest.mark.parametrize("typed", ["", "abc", "1.234,50", "12,34", "1,23.00", "-5", "1 234.50", "1e3"])
def test_x5_an_amount_that_could_be_misread_is_refused(desk: Desk, typed: str) -> None:
    desk.start()
    desk.fill()
    dialog = _open(desk, Key.Key_F9)
    before = list(desk.journal.entries())
    dialog.amount.setText(typed)
    QTest.keyClick(dialog.amount, Key.Key_Return)
    assert dialog.fault.isVisible()
    assert list(desk.journal.entries()) == before
    assert dialog.amount.hasFocus()
    dialog.reject()


def test_x5_a_grouped_amount_is_what_it_says() -> None:
    assert (typed_cents("1,234.50"), typed_cents(" 40 "), typed_cents("1,000,000")) == (
        123_450,
        4_000,
        100_000_000,
    )
    with pytest.raises(Refused):
        typed_cents("1,2345.00")


def test_s1_what_is_held_shows_and_goes_back_with_a_reason(desk: Desk) -> None:
    desk.start()
    desk.fill()
    whole = desk.draft.due_cents
    dialog = _open(desk, Key.Key_F9)
    dialog.amount.setText("10")
    QTest.keyClick(dialog.amount, Key.Key_Return)
    desk.settle()
    assert desk.dialogs == []
    sale = desk.window.sale
    assert sale.held.isVisible()
    assert desk.draft.due_cents == whole - 1_000
    held = _held(desk)
    held.back.click()
    assert "Write why" in held.told.text()
    QTest.keyClicks(held.reason, "the payer left")
    held.back.click()
    desk.settle()
    assert desk.dialogs == []
    assert not sale.held.isVisible()
    returned = [entry for entry in desk.journal.entries() if entry.kind is EntryKind.TENDER_RETURNED]
    assert returned[0].body["reason"] == "the payer left"


def test_s2_a_part_payment_gets_its_receipt(desk: Desk) -> None:
    desk.start()
    desk.fill()
    dialog = _open(desk, Key.Key_F9)
    dialog.amount.setText("10")
    QTest.keyClick(dialog.amount, Key.Key_Return)
    desk.settle()
    held = _held(desk)
    held.receipt.click()
    desk.settle()
    (receipt,) = desk.till.receipts("")
    assert (receipt.paid_cents, receipt.is_part) == (1_000, True)
    assert desk.window.sale.part_paid.isVisible()


def test_what_was_held_before_a_restart_is_asked_for_at_the_start(desk: Desk) -> None:
    desk.start()
    desk.fill()
    dialog = _open(desk, Key.Key_F9)
    dialog.amount.setText("10")
    QTest.keyClick(dialog.amount, Key.Key_Return)
    desk.settle()
    desk.restart()
    [held] = desk.dialogs
    assert isinstance(held, HeldDialog)
    held.receipt.click()
    desk.settle()
    assert len(desk.till.receipts("")) == 1


def test_the_keys_say_why_nothing_can_be_taken(desk: Desk) -> None:
    desk.start()
    for key in (Key.Key_F9, Key.Key_F10):
        QTest.keyClick(desk.window, key)
        assert desk.dialogs == []
        assert desk.window.sale.note.text() == "Add a fee first."


@pytest.mark.parametrize(
    ("due", "keys"),
    [
        (22_418, [22_418, 22_500, 23_000, 24_000, 25_000, 30_000]),
        (10_000, [10_000]),
        (1, [1, 100, 500, 1_000, 2_000, 5_000, 10_000]),
    ],
)
def test_quick_keys_are_the_bills_above_what_is_due(due: int, keys: list[int]) -> None:
    assert list(quick_cash(Cents(due))) == keys


def test_p5_cash_beside_a_card_in_doubt_asks_for_a_supervisor(desk: Desk) -> None:
    desk.start()
    desk.fill()
    desk.window.pay()
    desk.settle()
    desk.window.payment.stop_waiting()
    desk.window.show_page(SALE)
    QTest.keyClick(desk.window, Key.Key_F9)
    [dialog] = desk.dialogs
    assert isinstance(dialog, ApprovalDialog)
    dialog.answers[0].setText("the payer has a train to catch")
    dialog.supervisor.setCurrentText(SUPERVISOR)
    dialog.pin.setText(PIN)
    dialog.go_on.click()
    desk.settle()
    assert desk.dialogs == []
    desk.window.activateWindow()
    desk.qtbot.waitUntil(desk.window.isActiveWindow)
    cash = _open(desk, Key.Key_F9)
    cash.quick[0].click()
    cash.take.click()
    assert len(desk.till.receipts("")) == 1
    cash.reject()


def test_what_was_held_is_asked_for_when_somebody_signs_in(desk: Desk) -> None:
    desk.start()
    desk.fill()
    dialog = _open(desk, Key.Key_F9)
    dialog.amount.setText("10")
    QTest.keyClick(dialog.amount, Key.Key_Return)
    desk.settle()
    desk.clerk = ""
    desk.till.people.sign_out()
    desk.restart()
    assert desk.dialogs == [], "nothing stands before the sign-in page"
    at_once(desk.till.people.sign_in(CLERK, CLERK_PIN))
    desk.settle()
    [held] = desk.dialogs
    assert isinstance(held, HeldDialog)
    held.reject()
    desk.till.people.lock()
    desk.settle()
    assert desk.dialogs == []
    at_once(desk.till.people.sign_in(CLERK, CLERK_PIN))
    desk.settle()
    [again] = desk.dialogs
    assert isinstance(again, HeldDialog)
    again.receipt.click()
    desk.settle()
    assert len(desk.till.receipts("")) == 1
    assert desk.dialogs == []


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_nothing_lies_over_another_in_the_dialog_of_what_is_held(desk: Desk, scale: float) -> None:
    desk.start(text_scale=scale)
    desk.fill()
    dialog = _open(desk, Key.Key_F9)
    dialog.amount.setText("10")
    QTest.keyClick(dialog.amount, Key.Key_Return)
    desk.settle()
    held = _held(desk)
    held.back.click()  # without a reason: the fault is told, and needs its room
    desk.settle()
    parts = [held.rows, held.reason, held.told, held.receipt]
    for above, below in itertools.pairwise(parts):
        assert above.geometry().bottom() < below.geometry().top()
    assert held.receipt.geometry().bottom() < held.height()
    held.reject()
