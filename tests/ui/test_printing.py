"""Paper from the window: printed and copied by key and button, asked about, never in the way of a sale."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog

from cashier.domain.entries import EntryKind
from cashier.domain.language import ENGLISH
from cashier.till.printing import PrintConfig
from cashier.ui.rail import PAYMENT, RECEIPTS, SALE
from tests.fakes.entries import Drafts, make_sale
from tests.fakes.printer import LOST, NO_PAPER, FakeMailer, FakePrinter
from tests.ui.desk import Desk

CONTROL = Qt.KeyboardModifier.ControlModifier
FRENCH = replace(ENGLISH, code="fr-CA", name="Français", words={**ENGLISH.words, "title": "Reçu"})


@pytest.fixture
def printer(desk: Desk) -> FakePrinter:
    """A counter with a printer and a mail server."""
    printer = FakePrinter()
    desk.prints = PrintConfig(
        local=lambda stamp: stamp[:16],
        printer=printer,
        mailer=FakeMailer(),
        languages={FRENCH.code: FRENCH},
    )
    return printer


def with_receipts(desk: Desk, *names: str) -> None:
    """The receipts page, with a receipt for each name."""
    drafts = Drafts()
    for place, name in enumerate(names, 1):
        desk.journal.record(drafts.paid_sale(f"s{place}", make_sale(name, f"P-{place}")))
    desk.start()
    desk.window.show_page(RECEIPTS)


def work(desk: Desk) -> None:
    """The printer's own time."""
    desk.loop.run_until_complete(desk.till.printing.work())
    desk.app.processEvents()


def said(desk: Desk) -> str:
    bar = desk.window.print_bar
    return bar.text.text() if bar.isVisible() else ""


def test_r4_ctrl_p_prints_and_the_second_time_it_is_a_copy(desk: Desk, printer: FakePrinter) -> None:
    with_receipts(desk, "Robin Example", "Kim Sample")
    panel = desk.window.receipts.panel
    assert panel.print.text() == "Print   Ctrl+P"
    assert desk.window.receipts.save.text() == "Save as PDF"
    desk.key(Qt.Key.Key_P, CONTROL)
    work(desk)
    assert "A-000002" in printer.texts[0] and "DUPLICATE" not in printer.texts[0]
    assert panel.print.text() == "Print a copy   Ctrl+P"
    desk.click(panel.print)
    work(desk)
    assert "DUPLICATE 1" in printer.texts[1]
    assert printer.pulses == 0
    assert "DUPLICATE 1" in desk.window.status.note.text()
    assert said(desk) == ""
    desk.window.receipts.search.setFocus()
    desk.key(Qt.Key.Key_Down)
    assert panel.print.text() == "Print   Ctrl+P"


def test_r6_without_paper_the_sale_goes_on_and_the_bar_says_what_to_do(
    desk: Desk, printer: FakePrinter
) -> None:
    assert desk.prints is not None
    desk.prints = replace(desk.prints, automatic=True)
    printer.results = [NO_PAPER]
    desk.start()
    desk.open_page()
    desk.approve()
    work(desk)
    assert "out of paper" in said(desk) and "payment stands" in said(desk)
    bar = desk.window.print_bar
    assert [button.isVisible() for button in (bar.try_again, bar.put_away, bar.came_out, bar.seen)] == [
        True,
        True,
        False,
        False,
    ]
    desk.window.new_sale()
    assert desk.window.pages.currentIndex() == SALE
    desk.fill()
    assert desk.draft.invoices
    desk.click(bar.try_again)
    work(desk)
    assert len(printer.papers) == 1 and "DUPLICATE" not in printer.texts[0]
    assert said(desk) == ""


def test_r7_the_bar_asks_whether_it_printed(desk: Desk, printer: FakePrinter) -> None:
    printer.results = [LOST]
    with_receipts(desk, "Robin Example")
    desk.key(Qt.Key.Key_P, CONTROL)
    work(desk)
    assert "Did it print?" in said(desk)
    desk.key(Qt.Key.Key_P, CONTROL)
    assert "First say whether" in desk.read_messages()[0]
    desk.click(desk.window.print_bar.print_again)
    work(desk)
    assert "DUPLICATE 1" in printer.texts[1]
    assert said(desk) == ""


def test_r7_it_came_out_ends_the_question(desk: Desk, printer: FakePrinter) -> None:
    printer.results = [LOST]
    with_receipts(desk, "Robin Example")
    desk.key(Qt.Key.Key_P, CONTROL)
    work(desk)
    desk.click(desk.window.print_bar.came_out)
    assert said(desk) == ""
    assert len(printer.papers) == 1


def test_x5_the_language_is_chosen_for_the_payer(desk: Desk, printer: FakePrinter) -> None:
    with_receipts(desk, "Robin Example", "Kim Sample")
    panel = desk.window.receipts.panel
    panel.language.setCurrentIndex(panel.language.findText("Français"))
    desk.click(panel.print)
    work(desk)
    assert "Reçu" in printer.texts[0]
    desk.window.receipts.search.setFocus()
    desk.key(Qt.Key.Key_Down)
    assert panel.language.currentText() == "English"
    desk.key(Qt.Key.Key_Up)
    assert panel.language.currentText() == "Français"


def test_the_payment_page_prints_its_receipt(desk: Desk, printer: FakePrinter) -> None:
    desk.start()
    desk.open_page()
    assert not desk.window.payment.printing.isVisible()
    desk.window.show_page(PAYMENT)
    desk.approve()
    assert desk.window.payment.printing.isVisible()
    desk.key(Qt.Key.Key_P, CONTROL)
    work(desk)
    assert len(printer.papers) == 1
    assert desk.dialogs == []


def test_a_receipt_is_mailed_to_the_address_that_is_confirmed(desk: Desk, printer: FakePrinter) -> None:
    with_receipts(desk, "Robin Example")
    desk.click(desk.window.receipts.panel.mail)
    [dialog] = desk.dialogs
    assert isinstance(dialog, QInputDialog) and dialog.textValue() == "robin@example.org"
    dialog.setTextValue("other@example.org")
    dialog.accept()
    work(desk)
    assert desk.prints is not None and isinstance(desk.prints.mailer, FakeMailer)
    assert [sent[0] for sent in desk.prints.mailer.sent] == ["other@example.org"]
    assert printer.papers == []


def test_the_drawer_is_opened_with_a_reason(desk: Desk, printer: FakePrinter) -> None:
    desk.start()
    for reason, pulses in (("", 0), ("change for a twenty", 1)):
        desk.key(Qt.Key.Key_D, CONTROL)
        [dialog] = desk.dialogs
        assert isinstance(dialog, QInputDialog)
        dialog.setTextValue(reason)
        dialog.accept()
        desk.settle()
        assert printer.pulses == pulses
        if not pulses:
            assert "reason" in desk.read_messages()[0]
    opened = [entry.body for entry in desk.journal.entries() if entry.kind is EntryKind.DRAWER_OPENED]
    assert [body["reason"] for body in opened] == ["change for a twenty"]


def test_without_a_printer_everything_is_saved_as_before(desk: Desk) -> None:
    with_receipts(desk, "Robin Example")
    assert not desk.window.receipts.panel.isVisible()
    asked: list[str] = []
    desk.window.receipts.save_asked.connect(lambda receipt: asked.append(receipt.number))
    assert desk.window.receipts.save.text() == "Save as PDF   Ctrl+P"
    desk.key(Qt.Key.Key_P, CONTROL)
    assert len(desk.dialogs) == 1


@pytest.mark.parametrize("text_scale", [1.0, 2.0])
def test_the_panel_and_the_bar_fit(desk: Desk, printer: FakePrinter, text_scale: float) -> None:
    printer.results = [LOST]
    desk.journal.record(Drafts().paid_sale("s1"))
    desk.start((1080, 700), text_scale=text_scale)
    desk.window.show_page(RECEIPTS)
    desk.key(Qt.Key.Key_P, CONTROL)
    work(desk)
    desk.lay_out()
    page, bar = desk.window.receipts, desk.window.print_bar
    for widget in (page.panel.print, page.panel.mail, page.save, bar.came_out, bar.print_again):
        assert widget.isVisible()
        assert widget.width() >= widget.minimumSizeHint().width()
        assert desk.window.rect().contains(widget.mapTo(desk.window, widget.rect().bottomRight()))
