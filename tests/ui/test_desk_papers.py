"""What the payer is handed, from the desk and from the payment page."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtPdf import QPdfDocument
from PySide6.QtWidgets import QFileDialog

from cashier.ui.desk_page import DeskPage
from cashier.ui.papers import LETTER, ROLL
from cashier.ui.rail import DESK, PAYMENT
from tests.helpers.payments import told_all
from tests.ui.desk import Desk

Key = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier


def desk_of(desk: Desk) -> DeskPage:
    """The desk's page, with a payment in doubt."""
    desk.start()
    desk.doubt()
    desk.key(Key.Key_3, CTRL)
    desk.settle()
    return desk.window.desk


def chosen_file(desk: Desk, file: Path, paper: str) -> str:
    """Choose a file in the dialog that is up; the name it proposed."""
    [dialog] = [one for one in desk.window.findChildren(QFileDialog) if one.isVisible()]
    proposed = Path(dialog.selectedFiles()[0]).name
    assert sorted(dialog.nameFilters()) == sorted([LETTER, ROLL])
    dialog.selectNameFilter(paper)
    dialog.fileSelected.emit(str(file))
    dialog.reject()
    desk.window.activateWindow()
    return proposed


def text_of(file: Path) -> str:
    document = QPdfDocument()
    assert document.load(str(file)) is QPdfDocument.Error.None_
    return " ".join(document.getAllText(0).text().split())


def test_p_saves_the_slip_for_the_payer(desk: Desk, tmp_path: Path) -> None:
    page = desk_of(desk)
    reference = page.model.rows[0].reference
    desk.key(Key.Key_P)
    assert chosen_file(desk, tmp_path / "slip.pdf", ROLL) == f"verification-{reference}.pdf"
    text = text_of(tmp_path / "slip.pdf")
    assert "DO NOT PAY AGAIN" in text and "Robin Example" in text
    assert desk.window.status.note.text() == "saved slip.pdf"
    # The paper that was chosen comes first the next time; Ctrl+P is the same as P.
    desk.key(Key.Key_P, CTRL)
    [dialog] = [one for one in desk.window.findChildren(QFileDialog) if one.isVisible()]
    assert dialog.selectedNameFilter() == ROLL
    dialog.reject()


def test_what_ended_without_a_charge_has_its_statement(desk: Desk, tmp_path: Path) -> None:
    desk.start()
    desk.open_page()
    desk.decline_for_good()
    reference = desk.payment.reference
    desk.window.show_page(DESK)
    desk.settle()
    page = desk.window.desk
    assert desk.focus is page.ended.list
    assert [button.accessibleName() for button in page.buttons if button.isVisible()] == [
        "No-charge statement",
        "Open the payment",
    ]
    desk.key(Key.Key_P)
    assert chosen_file(desk, tmp_path / "none.pdf", LETTER) == f"no-charge-{reference}.pdf"
    assert "NO CHARGE WAS TAKEN" in text_of(tmp_path / "none.pdf")
    desk.key(Key.Key_Return)
    assert desk.payment.reference == reference
    assert desk.window.pages.currentIndex() == PAYMENT


def test_the_payment_page_hands_out_the_same_papers(desk: Desk, tmp_path: Path) -> None:
    desk.start()
    desk.open_page()
    desk.key(Key.Key_P, CTRL)
    assert not desk.dialogs  # nothing to hand out while the payer is paying
    desk.decline()
    desk.window.payment.other_way.click()
    desk.key(Key.Key_P, CTRL)
    assert chosen_file(desk, tmp_path / "slip.pdf", LETTER).startswith("verification-")
    assert "DO NOT PAY AGAIN" in text_of(tmp_path / "slip.pdf")
    desk.wait(desk.config.waits.quiet_s + 1)
    desk.key(Key.Key_P, CTRL)
    assert chosen_file(desk, tmp_path / "none.pdf", LETTER).startswith("no-charge-")
    assert "NO CHARGE WAS TAKEN" in text_of(tmp_path / "none.pdf")


def test_a_slip_that_cannot_be_written_is_told(desk: Desk, tmp_path: Path) -> None:
    page = desk_of(desk)
    slip = desk.till.desk.slip(page.model.rows[0].reference)
    desk.window.papers.write_slip(slip, tmp_path / "nowhere" / "s.pdf")
    [said] = desk.read_messages()
    assert said.startswith("The slip could not be written to ") and said.endswith(
        "No such file or directory."
    )


def test_a_slip_that_is_due_no_more_is_refused_in_words(desk: Desk) -> None:
    page = desk_of(desk)
    [payment] = desk.journal.unsettled_payments()
    chosen = page.model.rows[0]
    desk.tell(told_all(payment, convenience_fee_cents=375), payment.reference)
    page._chosen = chosen
    page._ask_slip()
    assert desk.read_messages() == ["Only a payment that is being verified has a verification slip."]
