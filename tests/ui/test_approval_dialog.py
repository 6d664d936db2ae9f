"""The second person: vouching, seeing to a matter, acknowledging a break – never alone, never forced."""

from itertools import pairwise

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from cashier.domain.entries import Break, EntryKind
from cashier.domain.payment import PaymentState
from cashier.domain.people import Role
from cashier.ui.approval_dialog import Approval, ApprovalDialog
from cashier.ui.rail import DESK, PAYMENT, SALE
from tests.fakes.people import PIN, SUPERVISOR, hire
from tests.helpers.payments import told_all
from tests.ui.desk import Desk

Key = Qt.Key
REASON = "Seen in the portal at 10:15"


def dialog_of(desk: Desk, key: Key) -> ApprovalDialog:
    """The dialog that a key of the desk opens."""
    desk.window.show_page(DESK)
    desk.settle()
    desk.key(key)
    [dialog] = desk.dialogs
    assert isinstance(dialog, ApprovalDialog)
    return dialog


def fill(desk: Desk, dialog: ApprovalDialog, *answers: str, pin: str = PIN) -> None:
    """Type, from field to field by Tab, as a clerk does; then Enter."""
    dialog.answers[0].setFocus()
    for answer in answers:
        field = dialog.focusWidget()
        assert isinstance(field, QLineEdit)
        field.clear()
        QTest.keyClicks(field, answer)
        QTest.keyClick(field, Key.Key_Tab)
    QTest.keyClick(dialog.focusWidget(), Key.Key_Tab)  # the only supervisor is chosen already
    assert dialog.focusWidget() is dialog.pin
    QTest.keyClicks(dialog.pin, pin)
    QTest.keyClick(dialog.pin, Key.Key_Return)
    desk.settle()
    desk.window.activateWindow()


# -- paid per gateway portal ---------------------------------------------------------------------------------


def test_p19_a_second_person_a_code_and_a_reason_and_it_stays_flagged(desk: Desk) -> None:
    desk.start()
    reference = desk.doubt()
    dialog = dialog_of(desk, Key.Key_V)
    for words in ("portal", "No card is charged", "stays on the desk, flagged"):
        assert words in dialog.says.text()
    fill(desk, dialog, "727634", REASON)
    assert not desk.dialogs and not desk.boxes
    payment = desk.journal.payment(reference)
    assert payment is not None and payment.state is PaymentState.VOUCHED
    assert payment.vouch is not None
    assert (payment.vouch.asked_by, payment.vouch.approved_by) == ("Kim Clerk", SUPERVISOR)
    assert (payment.vouch.authorisation, payment.vouch.reason) == ("727634", REASON)
    assert len(desk.till.receipts("")) == 1
    page = desk.window.desk
    assert "PAID PER PORTAL" in page.banner.text
    assert not page.vouch.isVisible()
    # Until a fact says the same.
    desk.tell(told_all(payment, convenience_fee_cents=375), reference)
    assert page.model.rowCount() == 0
    assert len(desk.till.receipts("")) == 1


def test_p19_the_clerk_cannot_be_the_second_person(desk: Desk) -> None:
    desk.start()
    hire(desk.till.people, "Lee Second", Role.SUPERVISOR, "161803")
    reference = desk.doubt()
    dialog = dialog_of(desk, Key.Key_V)
    assert dialog.supervisor.currentText() == ""  # of several none is chosen for them
    assert dialog.supervisor.findText("Kim Clerk") == -1
    dialog.supervisor.addItem("Kim Clerk")  # as if it had been
    dialog.supervisor.setCurrentText("Kim Clerk")
    fill(desk, dialog, "727634", REASON)
    assert dialog.isVisible()
    assert dialog.fault.text() == "The supervisor must be a second person, not the clerk who asks."
    payment = desk.journal.payment(reference)
    assert payment is not None and payment.state is PaymentState.IN_DOUBT


@pytest.mark.parametrize(
    ("answers", "pin", "fault"),
    [
        (("", REASON), PIN, "Authorisation code: this is still empty."),
        (("727634", ""), PIN, "Reason: this is still empty."),
        (("727634", REASON), "", "Supervisor's PIN: this is still empty."),
        (("!", REASON), PIN, "The authorisation code is three to twenty letters and digits"),
        (("727634", "short"), PIN, "Write a reason of 8 to 300 characters."),
        (("727634", REASON), "000000", "This is not the supervisor's PIN."),
    ],
)
def test_what_is_refused_is_said_in_the_dialog(
    desk: Desk, answers: tuple[str, str], pin: str, fault: str
) -> None:
    desk.start()
    reference = desk.doubt()
    dialog = dialog_of(desk, Key.Key_V)
    fill(desk, dialog, *answers, pin=pin)
    assert dialog.isVisible() and dialog.fault.isVisible()
    assert fault in dialog.fault.text()
    assert [field.text() for field in dialog.answers] == list(answers)
    payment = desk.journal.payment(reference)
    assert payment is not None and payment.state is PaymentState.IN_DOUBT
    # And mended in place.
    fill(desk, dialog, "727634", REASON)
    assert not desk.dialogs


def test_the_pin_is_hidden_and_never_kept(desk: Desk) -> None:
    desk.start()
    desk.doubt()
    dialog = dialog_of(desk, Key.Key_V)
    assert dialog.pin.echoMode() is QLineEdit.EchoMode.Password
    fill(desk, dialog, "727634", REASON, pin="000000")
    assert dialog.pin.text() == ""
    fill(desk, dialog, "727634", REASON)
    assert "271828" not in desk.file.read_bytes().decode("latin-1")
    assert "271828" not in repr(Approval(("727634",), SUPERVISOR, "271828"))


def test_esc_leaves_and_records_nothing(desk: Desk) -> None:
    desk.start()
    desk.doubt()
    before = len(list(desk.journal.entries()))
    dialog = dialog_of(desk, Key.Key_V)
    QTest.keyClicks(dialog.answers[0], "727634")
    QTest.keyClick(dialog.answers[0], Key.Key_Escape)
    desk.settle()
    assert not desk.dialogs
    assert len(list(desk.journal.entries())) == before
    desk.window.activateWindow()
    assert dialog_of(desk, Key.Key_V).answers[0].text() == ""


def test_enter_held_down_records_once(desk: Desk) -> None:
    desk.start()
    desk.doubt()
    dialog = dialog_of(desk, Key.Key_V)
    dialog.answers[0].setText("727634")
    dialog.answers[1].setText(REASON)
    dialog.pin.setText(PIN)
    for _ in range(20):
        QTest.keyClick(dialog.go_on, Key.Key_Return)
    QTest.keyClick(dialog.go_on, Key.Key_Escape)  # not while it is being done
    assert dialog.isVisible()
    desk.settle()
    kinds = [entry.kind for entry in desk.journal.entries()]
    assert kinds.count(EntryKind.PAYMENT_VOUCHED) == 1
    assert not desk.boxes


def test_only_one_dialog_at_a_time(desk: Desk) -> None:
    desk.start()
    desk.doubt()
    dialog_of(desk, Key.Key_V)
    desk.window.desk.vouch.click()
    assert len(desk.dialogs) == 1
    assert desk.dialogs[0].windowModality() is Qt.WindowModality.WindowModal


def test_without_a_supervisor_it_says_what_is_missing(desk: Desk) -> None:
    desk.clerk = SUPERVISOR  # who is no second person to themselves
    desk.start()
    desk.doubt()
    dialog = dialog_of(desk, Key.Key_V)
    assert "No supervisor is set up at this till" in dialog.fault.text()
    assert not dialog.go_on.isEnabled()


def test_a_disk_that_is_full_is_told_in_the_dialog(desk: Desk) -> None:
    desk.start()
    desk.doubt()
    dialog = dialog_of(desk, Key.Key_V)
    desk.journal.disk_full = True
    fill(desk, dialog, "727634", REASON)
    assert dialog.isVisible()
    assert "disk is full" in dialog.fault.text()
    desk.journal.disk_full = False


@pytest.mark.parametrize("text_scale", [1.0, 2.0])
def test_nothing_in_the_dialog_overlaps(desk: Desk, text_scale: float) -> None:
    desk.start(text_scale=text_scale)
    desk.doubt("Robin Example of the Associated Contractors")
    dialog = dialog_of(desk, Key.Key_V)
    dialog.pin.setText("000000")
    dialog.answers[0].setText("727634")
    dialog.answers[1].setText(REASON)
    dialog.go_on.click()
    desk.settle()
    desk.lay_out()
    assert dialog.fault.isVisible()
    parts = [dialog.says, *dialog.answers, dialog.pin, dialog.fault, dialog.go_on]
    for above, below in pairwise(parts):
        assert above.geometry().bottom() < below.geometry().top()
    for part in (dialog.says, dialog.fault):
        assert part.height() >= part.heightForWidth(part.width())


# -- seen to -------------------------------------------------------------------------------------------------


def test_a_matter_goes_when_a_supervisor_has_seen_to_it(desk: Desk) -> None:
    desk.start()
    desk.find_what_nobody_expected()
    page = desk.window.desk
    page.matters.list.setFocus()
    dialog = dialog_of(desk, Key.Key_S)
    assert "this till knows no payment of this reference" in dialog.says.text()
    fill(desk, dialog, "Belongs to the till of the annex")
    assert not desk.dialogs
    assert not page.matters.isVisible()
    [seen] = [entry for entry in desk.journal.entries() if entry.kind is EntryKind.MATTER_SEEN]
    assert (seen.body["by"], seen.body["note"]) == (SUPERVISOR, "Belongs to the till of the annex")


# -- a broken journal ----------------------------------------------------------------------------------------


def test_a1_a_break_stands_across_every_page_until_it_is_acknowledged(desk: Desk) -> None:
    desk.start()
    bar = desk.window.fault_bar
    assert not bar.isVisible()
    desk.till.integrity.verified(Break(17, "its hash is not the one that was recorded"))
    for page in (SALE, PAYMENT, DESK):
        desk.window.show_page(page)
        assert bar.isVisible()
    assert "does not hold at entry 17" in bar.text and "No payment is taken" in bar.text
    desk.settle()
    desk.fill()
    desk.window.pay()
    desk.settle()
    assert not desk.pages
    desk.read_messages()
    bar.button.setFocus()
    desk.key(Key.Key_Return)
    [dialog] = desk.dialogs
    assert isinstance(dialog, ApprovalDialog)
    assert "Nothing is repaired" in dialog.says.text()
    fill(desk, dialog, "The disk was restored from a copy")
    assert not desk.dialogs and not bar.isVisible()
    desk.window.pay()
    desk.settle()
    assert len(desk.pages) == 1
