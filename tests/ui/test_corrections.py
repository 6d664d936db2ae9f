"""Voids, refunds and returned checks through the real window, by keyboard where a hand would be."""

import itertools
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtPdf import QPdfDocument
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QFileDialog, QLabel, QLineEdit, QMenu, QWidget

from cashier.domain.daily import Scope, Tally
from cashier.domain.entries import Entry, EntryKind
from cashier.domain.money import Cents
from cashier.domain.receipt import Receipt, Tender, TenderKind
from cashier.till.printing import PrintConfig
from cashier.ui.approval_dialog import ApprovalDialog
from cashier.ui.correction_dialogs import CorrectionDialog, RefundDialog
from cashier.ui.rail import RECEIPTS, REPORTS
from cashier.ui.receipt_model import PAID, STATE
from cashier.ui.receipts_page import ReceiptsPage
from cashier.ui.tender_dialog import TenderDialog
from tests.fakes.people import CLERK, PIN, SUPERVISOR, at_once
from tests.fakes.printer import FakePrinter
from tests.fakes.shifts import close_shift, open_shift
from tests.ui.desk import Desk
from tests.ui.test_accessibility import nameless_in

K = TenderKind
Key = Qt.Key
CONTROL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
TEXT = "two visits were typed for one"


def cash(cents: int = 20_000) -> Tender:
    return Tender(K.CASH, Cents(0), received_cents=Cents(cents))


def check(number: str = "1042", cents: int = 15_000) -> Tender:
    return Tender(K.CHECK, Cents(cents), number=number, bank="First Sample Bank")


def paid(desk: Desk, *tenders: Tender, name: str = "Robin Example") -> Receipt:
    """A sale of 150.00 that is paid like this, and put away."""
    desk.fill(name=name)
    for tender in tenders:
        taken = desk.till.take_tender(tender)
    desk.till.new_sale()
    assert taken.receipt is not None
    return taken.receipt


def paid_by_card(desk: Desk) -> Receipt:
    desk.open_page()
    desk.approve()
    desk.window.new_sale()
    return desk.till.receipts("")[0]


def shown(desk: Desk, receipt: Receipt) -> ReceiptsPage:
    """The receipts page with a receipt before the clerk."""
    desk.window.show_page(RECEIPTS)
    page = desk.window.receipts
    page.table.selectRow([item.number for item in page.model.receipts].index(receipt.number))
    desk.lay_out()
    return page


def asked(desk: Desk, key: Key) -> ApprovalDialog:
    """The dialog that a key of the page opens."""
    _activate(desk, desk.window)
    desk.key(key, CONTROL_SHIFT)
    [dialog] = desk.dialogs
    assert isinstance(dialog, ApprovalDialog)
    _activate(desk, dialog)
    return dialog


def _activate(desk: Desk, window: QWidget) -> None:
    """As a window manager sees to it."""
    window.activateWindow()
    desk.qtbot.waitUntil(window.isActiveWindow)


def fill(desk: Desk, dialog: ApprovalDialog, text: str = TEXT, pin: str = PIN, *, press: bool = True) -> None:
    """Reason, explanation and PIN by keys, from the reason on; then Enter."""
    reason, explanation = dialog.fields[-2:]
    assert isinstance(reason, QComboBox)
    reason.setFocus()
    desk.key(Key.Key_Down)
    desk.key(Key.Key_Tab)
    assert desk.focus is explanation and isinstance(explanation, QLineEdit)
    explanation.clear()
    desk.type(text)
    desk.key(Key.Key_Tab)
    desk.key(Key.Key_Tab)  # the only supervisor is chosen already
    assert desk.focus is dialog.pin
    desk.type(pin)
    if press:
        desk.key(Key.Key_Return)
        desk.settle()


def refund(desk: Desk, amount: str) -> RefundDialog:
    """A refund of what is before the clerk, up to its end."""
    dialog = asked(desk, Key.Key_R)
    assert isinstance(dialog, RefundDialog)
    dialog.amount.setText(amount)
    fill(desk, dialog)
    return dialog


def leave(desk: Desk, dialog: ApprovalDialog) -> None:
    dialog.reject()
    _activate(desk, desk.window)


def recorded(desk: Desk, *kinds: EntryKind) -> list[Entry]:
    return [entry for entry in desk.journal.entries() if entry.kind in kinds]


def state_of(page: ReceiptsPage, row: int = 0) -> str:
    return str(page.model.index(row, STATE).data())


def words(page: ReceiptsPage) -> str:
    """What the receipt on the screen says."""
    return "\n".join(f"{item.left} | {item.right}" for item in page.view.items)


def text_of(file: Path) -> str:
    document = QPdfDocument()
    assert document.load(str(file)) is QPdfDocument.Error.None_
    return " ".join(document.getAllText(0).text().split())


@pytest.fixture
def printer(desk: Desk) -> FakePrinter:
    """A counter with a printer and a drawer at it."""
    printer = FakePrinter()
    desk.prints = PrintConfig(local=lambda stamp: stamp[:16], printer=printer)
    return printer


def work(desk: Desk) -> None:
    """The printer's own time."""
    desk.loop.run_until_complete(desk.till.printing.work())
    desk.app.processEvents()


# -- void ----------------------------------------------------------------------------------------------------


def test_x1_a_sale_and_its_void_by_keyboard_alone(desk: Desk) -> None:
    desk.start()
    desk.fill()
    desk.key(Key.Key_F9)
    [tender] = desk.dialogs
    assert isinstance(tender, TenderDialog)
    _activate(desk, tender)
    desk.type("200")
    for _ in range(2):  # take; next sale
        desk.key(Key.Key_Return)
        desk.settle()
    _activate(desk, desk.window)
    desk.key(Key.Key_4, Qt.KeyboardModifier.ControlModifier)
    dialog = asked(desk, Key.Key_V)
    assert desk.focus is dialog.fields[0], "the keys go where the first answer is wanted"
    fill(desk, dialog)
    assert isinstance(dialog, CorrectionDialog)
    assert dialog.word.text() == "VOID  A-000001"
    assert "150.00" in [found.text() for found in dialog.findChildren(QLabel)], "what to hand out"
    assert desk.focus is dialog.finish
    desk.key(Key.Key_Return)
    _activate(desk, desk.window)
    assert desk.dialogs == []
    assert desk.focus is desk.window.receipts.table
    assert len(recorded(desk, EntryKind.RECEIPT_VOIDED)) == 1


def test_r3_a_void_receipt_is_struck_through_and_says_why_by_whom_and_with_whom(
    desk: Desk, tmp_path: Path
) -> None:
    desk.start()
    receipt = paid(desk, cash())
    page = shown(desk, receipt)
    dialog = asked(desk, Key.Key_V)
    fill(desk, dialog)
    leave(desk, dialog)
    assert state_of(page) == "✕  VOID"
    for column in range(STATE):
        assert page.model.index(0, column).data(Qt.ItemDataRole.FontRole).strikeOut()
    assert not page.model.index(0, STATE).data(Qt.ItemDataRole.FontRole).strikeOut()
    spoken = page.model.index(0, PAID).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == "150.00, void", "who does not see the line hears it"
    for said in ("VOID", f"wrong amount – {TEXT}", CLERK, SUPERVISOR):
        assert said in words(page), said
    assert page.view.accessibleName().endswith(", void")
    assert "void already" in page.corrections.why.text()
    # The number is there, as VOID: on paper and among the numbers of the day.
    desk.window.papers.write_receipt(receipt, tmp_path / "void.pdf")
    for said in ("VOID", "wrong amount", CLERK, SUPERVISOR):
        assert said in text_of(tmp_path / "void.pdf")
    desk.till.people.sign_out()
    at_once(desk.till.people.sign_in(SUPERVISOR, PIN))
    desk.window.show_page(REPORTS)
    desk.settle()
    report = desk.window.reports.report
    assert report is not None
    (numbers,) = report.numbers
    assert (numbers.voided, numbers.gaps) == (("A-000001",), ())
    (row,) = report.voids
    assert (row.reason, row.text, row.requester, row.approver) == ("wrong amount", TEXT, CLERK, SUPERVISOR)


@pytest.mark.parametrize(
    ("break_it", "fault"),
    [
        (lambda dialog: dialog.supervisor.addItem(CLERK), "second person"),
        (lambda dialog: dialog.fields[0].setCurrentIndex(-1), "Reason: this is still empty."),
        (lambda dialog: dialog.fields[1].setText("oops"), "explanation"),
        (lambda dialog: dialog.fields[1].clear(), "Explanation: this is still empty."),
        (lambda dialog: dialog.pin.setText("000000"), "not the supervisor's PIN"),
    ],
)
def test_v1_no_void_without_reason_text_and_a_second_person(desk: Desk, break_it, fault: str) -> None:  # type: ignore[no-untyped-def]
    desk.start()
    shown(desk, paid(desk, cash()))
    dialog = asked(desk, Key.Key_V)
    fill(desk, dialog, press=False)
    break_it(dialog)
    dialog.supervisor.setCurrentText(CLERK)  # who is in the list only where the test put them there
    desk.key(Key.Key_Return)
    desk.settle()
    assert dialog.isVisible() and fault in dialog.fault.text()
    assert recorded(desk, EntryKind.RECEIPT_VOIDED) == []
    assert PIN not in dialog.pin.text() or "still empty" in fault, "a PIN that was asked with is forgotten"
    # And mended in place.
    dialog.supervisor.setCurrentText(SUPERVISOR)
    dialog.pin.clear()
    fill(desk, dialog)
    assert len(recorded(desk, EntryKind.RECEIPT_VOIDED)) == 1


def test_v2_after_the_close_a_void_is_refused_with_the_reason_and_a_refund_leaves_the_receipt(
    desk: Desk,
) -> None:
    desk.start()
    receipt = paid(desk, cash())
    close_shift(desk.till.shifts)
    open_shift(desk.till.shifts)
    page = shown(desk, receipt)
    panel, why = page.corrections, "is closed. Only a refund is possible now."
    assert not panel.void.isEnabled() and panel.refund.isEnabled()
    for said in (panel.void.toolTip(), panel.void.accessibleDescription(), panel.why.text()):
        assert why in said
    assert panel.why.isVisible()
    desk.key(Key.Key_V, CONTROL_SHIFT)
    assert desk.dialogs == []
    leave(desk, refund(desk, "40"))
    assert desk.till.receipt(receipt.number) == receipt
    assert recorded(desk, EntryKind.RECEIPT_VOIDED) == []
    assert state_of(page) == "REFUNDED 40.00"
    assert "Refunded · cash | -40.00" in words(page)
    assert "refunded in part" in panel.why.text()


def test_v3_a_card_is_never_voided_here_and_its_refund_is_only_requested(desk: Desk) -> None:
    desk.start()
    receipt = paid_by_card(desk)
    page = shown(desk, receipt)
    panel = page.corrections
    assert not panel.void.isEnabled()
    assert "A card cannot be voided here" in panel.why.text()
    desk.key(Key.Key_V, CONTROL_SHIFT)
    assert desk.dialogs == []
    dialog = asked(desk, Key.Key_R)
    assert isinstance(dialog, RefundDialog)
    assert [dialog.way.itemText(at) for at in range(dialog.way.count())] == ["Card"]
    assert "REQUESTED" in dialog.note.text() and "Invoice Cloud's portal" in dialog.note.text()
    assert dialog.note.objectName() == "warning"
    assert dialog.go_on.text() == "Request the refund"
    fill(desk, dialog)
    assert dialog.word.text() == "REFUND REQUESTED  150.00"
    assert "Nothing has been given back yet" in dialog.told.text()
    leave(desk, dialog)
    assert state_of(page) == "◷  REFUND REQUESTED 150.00"
    color = page.model.index(0, STATE).data(Qt.ItemDataRole.ForegroundRole)
    assert color == QColor(desk.theme.text("waiting"))
    assert "REFUND REQUESTED, not made yet" in words(page)
    assert recorded(desk, EntryKind.RECEIPT_VOIDED) == []


def test_a_void_says_which_checks_go_back(desk: Desk) -> None:
    desk.start()
    shown(desk, paid(desk, check("1042", 5_000), check("77", 4_000), cash(10_000)))
    dialog = asked(desk, Key.Key_V)
    assert "60.00 in cash" in dialog.says.text() and "check 1042 of 50.00" in dialog.says.text()
    fill(desk, dialog)
    assert isinstance(dialog, CorrectionDialog)
    assert "Hand back the check 1042 of 50.00 and the check 77 of 40.00." in dialog.told.text()
    assert "60.00" in [found.text() for found in dialog.findChildren(QLabel)]


# -- refund --------------------------------------------------------------------------------------------------


def test_v4_refunds_over_repeats_never_exceed_what_is_left_and_the_fee_stays(
    desk: Desk, printer: FakePrinter
) -> None:
    desk.start()
    page = shown(desk, paid_by_card(desk))
    leave(desk, refund(desk, "100"))
    dialog = asked(desk, Key.Key_R)
    assert isinstance(dialog, RefundDialog)
    assert dialog.amount.text() == "50.00", "what is left stands there"
    assert "50.00 of it can still be refunded" in dialog.says.text()
    assert "The service fee of 3.75 stays with the card service" in dialog.note.text()
    dialog.amount.setText("50.01")
    assert "At most 50.00" in dialog.note.text()
    fill(desk, dialog)
    assert "Enter an amount up to 50.00." in dialog.fault.text()
    assert desk.focus is dialog.amount
    assert len(recorded(desk, EntryKind.REFUND_MADE)) == 1
    dialog.amount.setText("20")
    assert "Left to be refunded this way after this: 30.00." in dialog.note.text()
    desk.key(Key.Key_Return)  # the PIN was not spent on the wrong amount
    desk.settle()
    leave(desk, dialog)
    assert [entry.body["amount_cents"] for entry in recorded(desk, EntryKind.REFUND_MADE)] == [10_000, 2_000]
    assert all(entry.body["service_fee_cents"] == 0 for entry in recorded(desk, EntryKind.REFUND_MADE))
    leave(desk, refund(desk, "30"))
    assert not page.corrections.refund.isEnabled()
    assert "Refund: All that was paid is refunded" in page.corrections.why.text()
    page.corrections.slip.click()
    menu = page.corrections.findChild(QMenu)
    assert menu is not None
    menu.actions()[-1].trigger()
    work(desk)
    assert "service fee" in printer.texts[-1] and "30.00" in printer.texts[-1]
    assert printer.pulses == 0, "no drawer opens for a card"


@pytest.mark.parametrize("typed", ["", "abc", "1.234,50", "12,34", "1,23.00", "-5", "1 50", "0", "1e2"])
def test_x5_an_amount_that_could_be_misread_is_refused_before_a_pin_is_spent(desk: Desk, typed: str) -> None:
    desk.start()
    shown(desk, paid(desk, cash()))
    dialog = asked(desk, Key.Key_R)
    assert isinstance(dialog, RefundDialog)
    dialog.amount.setText(typed)
    fill(desk, dialog)
    assert dialog.fault.isVisible() and desk.focus is dialog.amount
    assert dialog.pin.text() == PIN
    assert recorded(desk, EntryKind.REFUND_MADE, EntryKind.PIN_ACCEPTED, EntryKind.PIN_REFUSED) == []


def test_each_tender_goes_back_its_own_way(desk: Desk) -> None:
    desk.start()
    page = shown(desk, paid(desk, check()))
    dialog = asked(desk, Key.Key_R)
    assert isinstance(dialog, RefundDialog)
    assert [dialog.way.itemText(at) for at in range(dialog.way.count())] == ["Check", "Cash"]
    assert "nothing leaves the drawer" in dialog.note.text()
    dialog.amount.setText("1")
    dialog.way.setCurrentIndex(1)
    assert dialog.amount.text() == "150.00" and "handed out of the drawer now" in dialog.note.text()
    fill(desk, dialog)
    leave(desk, dialog)
    (entry,) = recorded(desk, EntryKind.REFUND_MADE)
    assert entry.body["kind"] == "cash"
    assert state_of(page) == "REFUNDED 150.00"


def test_x4_enter_held_down_refunds_once_and_reads_nothing_away(desk: Desk) -> None:
    desk.start()
    shown(desk, paid(desk, cash()))
    dialog = asked(desk, Key.Key_R)
    assert isinstance(dialog, RefundDialog)
    dialog.amount.setText("10")
    fill(desk, dialog, press=False)
    desk.hold(dialog.pin, Key.Key_Return)
    desk.settle()
    assert dialog.finish.isVisible()
    desk.hold(dialog.finish, Key.Key_Return, times=1)
    assert len(recorded(desk, EntryKind.REFUND_MADE)) == 1


def test_x1_esc_leaves_and_throws_nothing_away_that_is_recorded(desk: Desk) -> None:
    desk.start()
    receipt = paid(desk, cash())
    shown(desk, receipt)
    before = len(list(desk.journal.entries()))
    dialog = asked(desk, Key.Key_R)
    desk.key(Key.Key_Escape)
    assert desk.dialogs == [] and len(list(desk.journal.entries())) == before
    dialog = asked(desk, Key.Key_R)
    fill(desk, dialog, press=False)
    dialog.go_on.click()
    desk.key(Key.Key_Escape)  # not while it is being done
    assert dialog.isVisible()
    desk.settle()
    desk.key(Key.Key_Escape)
    assert desk.dialogs == []
    assert desk.till.corrections.refundable(receipt, K.CASH) == 0


def test_a_full_disk_is_told_in_the_dialog_and_nothing_is_handed_out(desk: Desk) -> None:
    desk.start()
    shown(desk, paid(desk, cash()))
    dialog = asked(desk, Key.Key_R)
    assert isinstance(dialog, RefundDialog)
    desk.journal.disk_full = True
    fill(desk, dialog)
    assert "disk is full" in dialog.fault.text() and dialog.form.isVisible()
    desk.journal.disk_full = False
    assert recorded(desk, EntryKind.REFUND_MADE) == []


def test_without_a_second_person_it_says_so(desk: Desk) -> None:
    desk.clerk = SUPERVISOR
    desk.start()
    shown(desk, paid(desk, cash()))
    dialog = asked(desk, Key.Key_V)
    assert "No supervisor" in dialog.fault.text() and not dialog.go_on.isEnabled()


def test_one_dialog_at_a_time(desk: Desk) -> None:
    desk.start()
    page = shown(desk, paid(desk, check()))
    asked(desk, Key.Key_R)
    for button in (page.corrections.void, page.corrections.refund, page.corrections.returned):
        button.click()
    assert len(desk.dialogs) == 1


# -- returned check ------------------------------------------------------------------------------------------


def test_a_returned_check_is_chosen_and_recorded_once(desk: Desk) -> None:
    desk.start()
    page = shown(desk, paid(desk, check("1042", 5_000), check("77", 10_000)))
    dialog = asked(desk, Key.Key_B)
    desk.key(Key.Key_Return)
    assert "Check: this is still empty." in dialog.fault.text()
    assert desk.focus is dialog.fields[0]
    desk.key(Key.Key_Down)
    desk.key(Key.Key_Down)
    desk.key(Key.Key_Tab)
    desk.type("account closed")
    desk.key(Key.Key_Return)
    desk.settle()
    assert desk.dialogs == []
    (entry,) = recorded(desk, EntryKind.CHECK_RETURNED)
    assert (entry.body["number"], entry.body["reason"], entry.body["by"]) == ("77", "account closed", CLERK)
    assert state_of(page) == "✕  CHECK RETURNED"
    assert "Check 77 returned by the bank | -100.00" in words(page)
    assert "returned a check of it" in page.corrections.void.accessibleDescription()
    dialog = asked(desk, Key.Key_B)
    way = dialog.fields[0]
    assert isinstance(way, QComboBox) and way.count() == 1 and "1042" in way.currentText()


def test_why_a_check_cannot_be_returned_is_told(desk: Desk) -> None:
    desk.start()
    page = shown(desk, paid(desk, cash()))
    assert not page.corrections.returned.isEnabled()
    assert page.corrections.why.text() == "Returned check: No check is on this receipt."


# -- a card refund that was made -----------------------------------------------------------------------------


def test_v4_a_requested_refund_waits_on_the_page_until_two_people_have_seen_it_made(desk: Desk) -> None:
    desk.start()
    paid(desk, cash())
    receipt = paid_by_card(desk)
    paid(desk, cash())
    page = shown(desk, receipt)
    assert not page.to_be_made.isVisible() and not page.corrections.made.isVisible()
    leave(desk, refund(desk, "40"))
    close_shift(desk.till.shifts)
    desk.clock.advance(24 * 3600)
    open_shift(desk.till.shifts)
    assert desk.window.rail.buttons[RECEIPTS].text() == "Receipts  1"
    assert page.to_be_made.accessibleName() == "Refunds to be made: 1"
    page.to_be_made.click()
    assert [item.number for item in page.model.receipts] == [receipt.number]
    dialog = asked(desk, Key.Key_M)
    assert "No money is moved by this" in dialog.says.text()
    desk.key(Key.Key_Down)
    for typed in ("RF-20417", "Robin saw it in the portal at 10:15"):
        desk.key(Key.Key_Tab)
        desk.type(typed)
    desk.key(Key.Key_Tab)
    desk.key(Key.Key_Tab)
    desk.type(PIN)
    desk.key(Key.Key_Return)
    desk.settle()
    assert desk.dialogs == []
    (entry,) = recorded(desk, EntryKind.REFUND_CONFIRMED)
    told = (entry.body["seen_at"], entry.body["reference"], entry.body["requester"], entry.body["approver"])
    assert told == ("portal", "RF-20417", CLERK, SUPERVISOR)
    assert not page.to_be_made.isVisible() and desk.window.rail.buttons[RECEIPTS].text() == "Receipts"
    assert page.model.rowCount() == 3, "all receipts again"
    assert state_of(page, 1) == "REFUNDED 40.00"
    assert "the portal: RF-20417" in words(page)
    today = desk.till.business_date
    desk.till.people.sign_out()
    at_once(desk.till.people.sign_in(SUPERVISOR, PIN))
    assert desk.till.report(Scope(today, today)).figures.refunds == {K.CARD: Tally(1, 4_000)}


def test_typing_searches_among_all_receipts_again(desk: Desk) -> None:
    desk.start()
    paid(desk, cash(), name="Kim Sample")
    page = shown(desk, paid_by_card(desk))
    leave(desk, refund(desk, "40"))
    page.to_be_made.click()
    assert page.model.rowCount() == 1
    desk.type("kim")
    assert not page.to_be_made.isChecked()
    assert [item.customer.name for item in page.model.receipts] == ["Kim Sample"]


# -- paper and drawer ----------------------------------------------------------------------------------------


def test_v4_the_slip_of_a_cash_refund_is_offered_and_the_drawer_opens_once(
    desk: Desk, printer: FakePrinter
) -> None:
    desk.start()
    page = shown(desk, paid(desk, cash()))
    work(desk)
    pulses = printer.pulses
    dialog = refund(desk, "40")
    work(desk)
    assert printer.pulses == pulses + 1
    assert dialog.word.text() == "REFUNDED  40.00"
    desk.key(Key.Key_P, Qt.KeyboardModifier.ControlModifier)
    work(desk)
    assert "REFUNDED" in printer.texts[-1] and "two visits were" in printer.texts[-1]
    assert "DUPLICATE" not in printer.texts[-1]
    leave(desk, dialog)
    page.corrections.slip.click()
    work(desk)
    assert "DUPLICATE 1" in printer.texts[-1] and "DUPLICATE 1" in desk.window.status.note.text()
    assert printer.pulses == pulses + 1, "paper opens no drawer"


def test_a_void_of_cash_opens_the_drawer_and_one_of_a_check_does_not(
    desk: Desk, printer: FakePrinter
) -> None:
    desk.start()
    by_check = paid(desk, check())
    by_cash = paid(desk, cash())
    work(desk)
    for receipt, more in ((by_check, 0), (by_cash, 1)):
        pulses = printer.pulses
        shown(desk, receipt)
        dialog = asked(desk, Key.Key_V)
        fill(desk, dialog)
        leave(desk, dialog)
        work(desk)
        assert printer.pulses == pulses + more


def test_the_back_of_each_check_is_printed(desk: Desk, printer: FakePrinter) -> None:
    desk.start()
    page = shown(desk, paid(desk, check("1042", 5_000), check("77", 10_000)))
    panel = page.corrections
    panel.endorse.setFocus()
    desk.key(Key.Key_Return)
    menu = panel.findChild(QMenu)
    assert menu is not None
    assert [action.text() for action in menu.actions()] == ["1042 of 50.00", "77 of 100.00"]
    QTest.keyClick(menu, Key.Key_Down)
    QTest.keyClick(menu, Key.Key_Return)
    work(desk)
    assert "FOR DEPOSIT ONLY" in printer.texts[-1] and "100.00" in printer.texts[-1]
    page.corrections.endorse.click()
    second = [found for found in panel.findChildren(QMenu) if found.isVisible()]
    second[0].actions()[0].trigger()
    second[0].close()
    work(desk)
    assert "50.00" in printer.texts[-1]
    shown(desk, paid(desk, cash()))
    assert not panel.endorse.isVisible() and not panel.slip.isVisible()


def test_without_a_printer_the_slip_is_saved(desk: Desk, tmp_path: Path) -> None:
    desk.start()
    page = shown(desk, paid(desk, cash()))
    assert not page.corrections.endorse.isVisible()
    leave(desk, refund(desk, "40"))
    page.corrections.slip.click()
    [dialog] = desk.window.findChildren(QFileDialog)
    assert Path(dialog.selectedFiles()[0]).name == "refund-A-000001.pdf"
    dialog.fileSelected.emit(str(tmp_path / "slip.pdf"))
    dialog.reject()
    assert "REFUNDED" in text_of(tmp_path / "slip.pdf") and SUPERVISOR in text_of(tmp_path / "slip.pdf")
    assert "saved slip.pdf" in desk.window.status.note.text()


# -- to be seen and heard ------------------------------------------------------------------------------------


def _whole(desk: Desk, top: QWidget) -> None:
    """Every text and button of a dialog or page has the room that it needs."""
    desk.lay_out()
    assert nameless_in(top) == []
    for found in top.findChildren(QLabel):
        if found.isVisible() and found.wordWrap():
            assert found.height() >= found.heightForWidth(found.width()), found.text()
    for widget in (*top.findChildren(QLineEdit), *top.findChildren(QComboBox)):
        if widget.isVisible():
            assert widget.height() >= widget.minimumSizeHint().height(), widget.accessibleName()


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_nothing_in_the_dialogs_is_nameless_cut_off_or_over_another(desk: Desk, scale: float) -> None:
    desk.start((1360, 860), text_scale=scale)
    name = "Robin Example of the Associated Contractors"
    by_card, by_drawer = paid_by_card(desk), paid(desk, check("1042", 5_000), cash(), name=name)
    shown(desk, by_card)
    done = refund(desk, "40")
    _whole(desk, done)
    leave(desk, done)
    for receipt, keys in ((by_card, (Key.Key_M, Key.Key_R)), (by_drawer, (Key.Key_V, Key.Key_R, Key.Key_B))):
        shown(desk, receipt)
        for key in keys:
            dialog = asked(desk, key)
            dialog._say("Enter an amount up to 150.00, and write a reason of 8 to 300 characters.")
            _whole(desk, dialog)
            parts = [dialog.says, *dialog.fields, dialog.note, dialog.fault, dialog.go_on]
            boxes = [(at.mapTo(dialog, at.rect().topLeft()), at.height()) for at in parts if at.isVisible()]
            for (above, height), (below, _) in itertools.pairwise(boxes):
                assert above.y() + height <= below.y() or above.y() == below.y(), key
            leave(desk, dialog)


@pytest.mark.parametrize(("size", "scale"), [((1080, 700), 1.0), ((1360, 860), 2.0)])
def test_the_page_has_room_for_what_may_be_done_and_why_not(
    desk: Desk, size: tuple[int, int], scale: float
) -> None:
    desk.start(size, text_scale=scale)
    receipt = paid(desk, check())
    desk.till.corrections.returned_check(receipt.number, receipt.tenders[0].id, "account closed")
    page = shown(desk, receipt)
    panel = page.corrections
    _whole(desk, panel)
    for widget in (*panel.acts, panel.why):
        assert widget.isVisible()
        assert widget.visibleRegion().boundingRect() == widget.rect()
        assert desk.window.rect().contains(widget.mapTo(desk.window, widget.rect().bottomRight()))
    for button in panel.acts:
        assert button.width() >= button.minimumSizeHint().width()
    assert page.view.height() > 100
