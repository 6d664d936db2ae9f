"""The window: shortcuts, messages, pages, closing; and that nothing in it ever waits."""

import ast
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QIcon, QKeySequence, QShortcut
from PySide6.QtPdf import QPdfDocument
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QMessageBox

import cashier.ui
from cashier import paths
from cashier.domain.errors import Unavailable
from cashier.domain.payment import PaymentState
from cashier.till.snapshot import LineState
from cashier.ui import theme
from cashier.ui.messages import WAITING_MAX
from cashier.ui.rail import ACCOUNTS, DESK, PAYMENT, RECEIPTS, REPORTS, SALE, SETTINGS, SHIFT
from cashier.ui.readers_dialog import ReadersDialog
from cashier.ui.retrieve_dialogs import HeldSalesDialog
from cashier.ui.shortcuts import SHORTCUTS
from cashier.ui.tender_dialog import TenderDialog
from tests.fakes.entries import Drafts
from tests.fakes.people import CLERK, CLERK_PIN, at_once
from tests.ui.desk import Desk

Key = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier


def on(desk: Desk) -> int:
    """Which page is up."""
    return desk.window.pages.currentIndex()


def _stood_paused(desk: Desk) -> bool:
    """Whether sending was paused; it goes on."""
    stood = "to send, paused" in desk.window.status.outbox.text()
    desk.till.outbox.resume()
    return stood


# -- shortcuts -----------------------------------------------------------------------------------------------

WORKS: dict[str, Callable[[Desk], bool]] = {
    "Ctrl+1": lambda desk: on(desk) == SALE,
    "Ctrl+2": lambda desk: on(desk) == PAYMENT,
    "Ctrl+3": lambda desk: on(desk) == DESK,
    "Ctrl+4": lambda desk: on(desk) == RECEIPTS,
    "Ctrl+5": lambda desk: on(desk) == SHIFT,
    "Ctrl+6": lambda desk: on(desk) == REPORTS,
    "Ctrl+7": lambda desk: on(desk) == ACCOUNTS,
    "Ctrl+8": lambda desk: on(desk) == SETTINGS,
    "F3": lambda desk: desk.focus is desk.window.sale.fees.search,
    "Shift+F3": lambda desk: "invoice number here first" in desk.window.sale.fees.reason.text(),
    "F4": lambda desk: desk.focus is desk.window.sale.fields["name"],
    "F5": lambda desk: isinstance(desk.dialogs[0], HeldSalesDialog),
    "Shift+F5": lambda desk: "PUT ASIDE" in desk.window.lookups.bar.banner.text,
    "F6": lambda desk: desk.focus is desk.window.sale.invoices.tree,
    "F7": lambda desk: desk.focus is desk.window.sale.reader,
    "Shift+F7": lambda desk: isinstance(desk.dialogs[0], ReadersDialog),
    "F9": lambda desk: isinstance(desk.dialogs[0], TenderDialog),
    "F10": lambda desk: isinstance(desk.dialogs[0], TenderDialog),
    "F8": lambda desk: bool(desk.gateway.launched),
    "Ctrl+N": lambda desk: "put away" in desk.boxes[0].text(),
    "Ctrl+D": lambda desk: desk.dialogs[0].windowTitle() == "Open the drawer",
    "F1": lambda desk: "Ctrl+1" in desk.boxes[0].text(),
    "Ctrl+U": lambda desk: desk.dialogs[0].windowTitle() == "Your PIN",
    "Ctrl+L": lambda desk: desk.till.people.view().is_locked,
    "Ctrl+Shift+P": lambda desk: _stood_paused(desk),
    "Ctrl+Shift+L": lambda desk: desk.till.people.signed_in is None,
}
#: Keys that are no shortcuts of the window; what they do has tests of its own.
ELSEWHERE = {"Enter", "Esc", "Ctrl+P", "Ctrl+R", "Ctrl+0", "Ctrl+S", "Ctrl+T", "Ctrl+G", "A", "P", "V", "S"}
ELSEWHERE |= {"Ctrl+Shift+V", "Ctrl+Shift+R", "Ctrl+Shift+B", "Ctrl+Shift+M"}
ELSEWHERE |= {f"Alt+{place}" for place in range(1, 6)}


def test_f1_lists_every_shortcut_and_no_other(desk: Desk) -> None:
    desk.start()
    assert not any(one.autoRepeat() for one in desk.window.findChildren(QShortcut))
    listed = {key for keys, _ in SHORTCUTS for key in keys.split()}
    known = {
        one.key().toString(QKeySequence.SequenceFormat.PortableText)
        for one in desk.window.findChildren(QShortcut)
    }
    assert listed - {"Enter", "Esc"} == known
    assert listed == WORKS.keys() | ELSEWHERE


@pytest.mark.parametrize("keys", WORKS)
def test_every_shortcut_works_from_every_field(desk: Desk, keys: str) -> None:
    desk.start()
    places = ["name", "email", "permit_number", "search", "offers", "tree", "reader", "pay"]
    for place in places if keys not in ("F8", "Ctrl+N", "F1") else places[:1]:
        desk.fill()
        sale = desk.window.sale
        desk.window.show_page(SALE)
        widgets = {
            **sale.fields,
            "search": sale.fees.search,
            "offers": sale.fees.offers,
            "tree": sale.invoices.tree,
            "reader": sale.reader,
            "pay": sale.pay,
        }
        widgets[place].setFocus()
        QTest.keySequence(desk.window, QKeySequence(keys))
        desk.settle()
        assert WORKS[keys](desk), f"{keys} in {place}"
        for dialog in desk.dialogs:
            dialog.reject()
            desk.read_messages()  # none: the window is before the clerk again
        if desk.window.presence.is_away:
            at_once(desk.till.people.sign_in(CLERK, CLERK_PIN))
    desk.read_messages()


@pytest.mark.parametrize("page", [PAYMENT, DESK, RECEIPTS])
@pytest.mark.parametrize("keys", ["F4", "F6", "F7"])
def test_keys_of_the_sale_lead_there_from_other_pages(desk: Desk, page: int, keys: str) -> None:
    desk.start()
    desk.fill()
    desk.window.show_page(page)
    QTest.keySequence(desk.window, QKeySequence(keys))
    assert on(desk) == SALE
    assert WORKS[keys](desk)


def test_f6_with_no_lines_leaves_the_focus_somewhere_sensible(desk: Desk) -> None:
    desk.start()
    for key in (Key.Key_F4, Key.Key_F6):
        desk.key(key)
    assert desk.focus is desk.window.sale.fees.search


def test_ctrl_p_saves_what_is_before_the_clerk(desk: Desk) -> None:
    desk.start()

    def dialogs() -> list[QFileDialog]:
        return [one for one in desk.window.findChildren(QFileDialog) if one.isVisible()]

    desk.open_page()
    desk.key(Key.Key_P, CTRL)
    assert not dialogs()
    desk.approve()
    desk.key(Key.Key_P, CTRL)
    [dialog] = dialogs()
    assert "receipt-A-000001.pdf" in dialog.selectedFiles()[0]
    assert dialog.windowModality() is Qt.WindowModality.WindowModal
    dialog.reject()
    desk.window.activateWindow()
    desk.window.show_page(SALE)
    desk.key(Key.Key_P, CTRL)
    assert not dialogs()


# -- a new sale ----------------------------------------------------------------------------------------------


def test_a_sale_with_fees_is_not_put_away_unasked(desk: Desk) -> None:
    desk.start()
    desk.fill("planning-application", "variance")
    for key in (Key.Key_Escape, Key.Key_Return):
        desk.key(Key.Key_N, CTRL)
        [box] = desk.boxes
        assert box.text() == "The 2 fees of this sale will be put away. Nothing of it was paid."
        QTest.keyClick(box, key)
        desk.read_messages()
        assert len(desk.lines) == 2
    desk.key(Key.Key_N, CTRL)
    [box] = desk.boxes
    [go_on] = [button for button in box.buttons() if button.text() == "New sale"]
    QTest.keyClick(go_on, Key.Key_Space)
    desk.read_messages()
    assert desk.draft.is_empty
    assert desk.focus is desk.window.sale.fees.search


def test_a_new_sale_while_a_payment_is_in_doubt_keeps_it_on_the_list(desk: Desk) -> None:
    desk.start()
    desk.open_page()
    desk.key(Key.Key_N, CTRL)
    assert desk.read_messages() == ["The payment page is still open. Stop waiting first."]
    assert desk.open_view is desk.pages[0]
    desk.pages[0].loaded.emit(False)
    desk.key(Key.Key_N, CTRL)
    # The page of a payment that is left does not go on unseen.
    assert desk.window.payment.hosted is None
    assert desk.pages[0].closed == 1
    assert desk.draft.is_empty
    assert len(desk.snapshot.unsettled) == 1


# -- messages ------------------------------------------------------------------------------------------------


def test_messages_come_one_at_a_time_and_are_not_repeated(desk: Desk) -> None:
    desk.start()
    for _ in range(20):
        desk.window.messages.tell("First", "one")
        desk.window.messages.tell("Second", "two")
        desk.window.tell_bug()
    assert len(desk.boxes) == 1
    said = desk.read_messages()
    assert said[:2] == ["one", "two"]
    assert len(said) == 3


def test_messages_do_not_pile_up_without_end(desk: Desk) -> None:
    desk.start()
    for number in range(1000):
        desk.window.messages.tell("News", f"message {number}")
    assert len(desk.read_messages()) == 1 + WAITING_MAX
    assert not desk.window.findChildren(QMessageBox)


def test_messages_hold_the_window_and_are_plain_text(desk: Desk) -> None:
    desk.start()
    desk.window.messages.tell("News", "<b>not bold</b>")
    [box] = desk.boxes
    assert box.windowModality() is Qt.WindowModality.WindowModal
    assert box.textFormat() is Qt.TextFormat.PlainText
    # A shortcut behind a message does nothing.
    QTest.keySequence(desk.window, QKeySequence("F8"))
    QTest.keySequence(desk.window, QKeySequence("Ctrl+4"))
    assert on(desk) == SALE
    desk.read_messages()


def test_the_focus_is_where_it_was_when_a_message_is_read(desk: Desk) -> None:
    desk.start()
    desk.window.sale.fields["city"].setFocus()
    desk.key(Key.Key_F1)
    desk.read_messages()
    assert desk.focus is desk.window.sale.fields["city"]


def test_nothing_in_the_windows_ever_waits() -> None:
    """exec() stops every task of the loop, and a synchronous wait stops the window."""
    folder = Path(cashier.ui.__file__).parent
    calls = [
        (file.name, node.lineno, name)
        for file in sorted(folder.glob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for name in [ast.unparse(node.func)]
    ]
    assert len(calls) > 500
    banned = {"exec", "exec_", "sleep", "getSaveFileName", "getOpenFileName", "information", "question"}
    banned |= {"warning", "critical", "run_until_complete", "waitForFinished", "wait"}
    allowed = {
        ("app.py", "loop.run_until_complete"),
        ("app.py", "closed.wait"),
        ("payer.py", "asyncio.sleep"),
    }
    found = [call for call in calls if call[2].split(".")[-1] in banned and (call[0], call[2]) not in allowed]
    assert found == []


# -- saving --------------------------------------------------------------------------------------------------


def test_a_receipt_is_saved_as_a_pdf_that_opens(desk: Desk, tmp_path: Path) -> None:
    desk.start()
    desk.open_page()
    desk.approve()
    receipt = desk.window.payment.shown_receipt
    assert receipt is not None
    desk.window.papers.write_receipt(receipt, tmp_path / "r.pdf")
    document = QPdfDocument()
    assert document.load(str(tmp_path / "r.pdf")) is QPdfDocument.Error.None_
    assert "A-000001" in document.getAllText(0).text()
    assert document.metaData(QPdfDocument.MetaDataField.Title) == "Receipt A-000001"
    assert desk.window.status.note.text() == "saved r.pdf"
    assert not desk.boxes


def test_a_logo_that_cannot_be_read_keeps_no_receipt_from_being_saved(desk: Desk, tmp_path: Path) -> None:
    desk.start()
    printing = desk.till.printing
    printing.config = replace(printing.config, logo=tmp_path / "none.png")
    desk.window.papers.attach(printing)
    desk.open_page()
    desk.approve()
    receipt = desk.window.payment.shown_receipt
    assert receipt is not None
    assert desk.window.payment.receipt.logo is not None and desk.window.receipts.view.logo is not None
    for number, said in enumerate(("saved 0.pdf. The logo was left out: ", "saved 1.pdf")):
        desk.window.papers.write_receipt(receipt, tmp_path / f"{number}.pdf")
        assert desk.window.status.note.text().startswith(said)
        assert (tmp_path / f"{number}.pdf").stat().st_size > 1000
    assert desk.window.status.note.text() == "saved 1.pdf", "it is said once"
    assert not desk.boxes


def test_a_path_that_cannot_be_written_is_told(desk: Desk, tmp_path: Path) -> None:
    desk.start()
    desk.open_page()
    desk.approve()
    receipt = desk.window.payment.shown_receipt
    assert receipt is not None
    (tmp_path / "folder.pdf").mkdir()
    for file, reason in (("nowhere/r.pdf", "No such file or directory"), ("folder.pdf", "Is a directory")):
        desk.window.papers.write_receipt(receipt, tmp_path / file)
        [said] = desk.read_messages()
        assert said == f"The receipt could not be written to {tmp_path / file}: {reason}."
    assert desk.window.status.note.text() == ""


# -- the life of the window ----------------------------------------------------------------------------------


def test_closing_the_window_with_an_open_page_is_closing_the_page(desk: Desk) -> None:
    desk.start()
    desk.open_page()
    closed: list[bool] = []
    desk.window.closed.connect(lambda: closed.append(True))
    desk.window.close()
    assert desk.hints() == ["page_opening", "page_closed"]
    assert desk.payment.state is PaymentState.IN_DOUBT
    assert desk.pages[0].closed == 1
    assert closed == [True]


def test_the_window_closes_on_a_full_disk_too(desk: Desk) -> None:
    desk.start()
    desk.open_page()
    desk.journal.disk_full = True
    with desk.qtbot.waitSignal(desk.window.closed):
        desk.window.close()
    assert not desk.window.isVisible()
    desk.journal.disk_full = False


def test_a_payment_being_started_when_the_window_closes_opens_no_page(desk: Desk) -> None:
    desk.start()
    desk.fill()
    desk.gateway.hold(desk.loop)
    desk.window.pay()
    desk.turn()
    desk.window.close()
    desk.gateway.let_go()
    desk.settle()
    assert desk.pages == []
    assert desk.payment.state is PaymentState.ISSUED  # it can be sent again, or given up


def test_before_the_till_is_there_nothing_happens_and_nothing_breaks(desk: Desk) -> None:
    desk.start_without_till()
    for keys, _ in SHORTCUTS:
        for key in keys.split():
            if len(key) == 1:
                continue  # a letter: it is typed into the search field here
            QTest.keySequence(desk.window, QKeySequence(key))
            desk.read_messages()
    desk.window.show_page(SALE)
    desk.window.sale.focus_start()
    desk.type("plan")
    desk.attach()
    # What was typed meanwhile is searched now.
    assert desk.window.sale.fees.search.text() == "plan"
    assert desk.window.sale.fees.offers.count() > 0


def test_a_name_typed_before_the_till_is_there_stays(desk: Desk) -> None:
    desk.start_without_till()
    desk.key(Key.Key_F4)
    desk.type("Robin")
    desk.key(Key.Key_Tab)
    desk.attach()
    desk.key(Key.Key_Tab)
    assert desk.window.sale.fields["name"].text() == "Robin"
    assert desk.draft.customer.name == "Robin"


def test_a_till_that_cannot_be_started_is_told(desk: Desk) -> None:
    desk.start_without_till()
    desk.window.fail("Another till holds this journal.")
    assert desk.window.sale.note.text() == "Another till holds this journal."
    assert desk.read_messages() == ["Another till holds this journal."]
    assert desk.window.status.till.text() == "not started"


def test_the_status_line_says_what_is_what(desk: Desk) -> None:
    desk.start()
    window = desk.window
    assert window.status.till.text() == "Till A · Kim Clerk · shift since 15:04"
    assert window.status.till.toolTip().endswith(" · Sampletown Building Department")
    assert window.status.reader.text() == "no reader chosen"
    desk.till.choose_reader("swipe")
    assert window.status.reader.text() == "reader: Swipe reader"
    assert window.status.line.text() == "● online"
    desk.till.line_is(LineState.OFFLINE)
    assert window.status.line.text() == (
        "○ the postback hub does not answer, so a payment could not be confirmed"
    )
    desk.till.line_is(LineState.ONLINE)
    desk.till.gateway_is(LineState.OFFLINE)
    assert window.status.line.text() == "○ Invoice Cloud is not reached"


def test_o7_the_status_line_counts_what_is_not_sent_yet(desk: Desk) -> None:
    desk.copy.down = Unavailable("The hub cannot be reached.")
    desk.start()
    window, outbox = desk.window, desk.till.outbox
    desk.loop.run_until_complete(_send(desk))
    owed = outbox.view().to_send
    assert owed
    assert window.status.outbox.text() == f"{owed} to send"
    assert window.status.outbox.toolTip() == "The hub cannot be reached."
    desk.key(Key.Key_P, CTRL | Qt.KeyboardModifier.ShiftModifier)
    assert window.status.outbox.text() == f"‖ {owed} to send, paused"
    desk.key(Key.Key_P, CTRL | Qt.KeyboardModifier.ShiftModifier)
    desk.copy.down = None
    desk.loop.run_until_complete(_send(desk))
    assert window.status.outbox.text() == ""
    desk.copy.copies.journals["A"] = [replace(desk.copy.copies.journals["A"][0], hash="0" * 63 + "1")]
    outbox.resume()
    desk.loop.run_until_complete(_send(desk))
    assert window.status.outbox.text().startswith("✕ 1 not sent")
    window.show_page(DESK)
    assert "the hub has another entry there" in desk.till.desk.view().matters[0].reason


async def _send(desk: Desk) -> None:
    while await desk.till.outbox.send_due() <= 0:
        pass


def test_long_names_do_not_push_the_window_wide(desk: Desk) -> None:
    desk.config = desk.config_with(agency="Department of very long names " * 6)
    desk.clerk = "Kim " * 15
    desk.start((1080, 700))
    desk.app.processEvents()
    assert (desk.window.width(), desk.window.height()) == (1080, 700)
    assert desk.window.status.line.width() >= desk.window.status.line.sizeHint().width()


@pytest.mark.parametrize("training", [True, False])
def test_x6_training_is_written_on_the_window(desk: Desk, training: bool) -> None:
    desk.config = desk.config_with(training=training)
    desk.start()
    desk.fill()
    assert ("TRAINING" in desk.window.windowTitle()) is training
    texts = [label.text() for label in desk.labels() if label.isVisible()]
    assert ("TRAINING" in texts) is training


def test_the_pages_keep_what_was_typed(desk: Desk) -> None:
    desk.journal.record(Drafts().paid_sale("s1"))
    desk.start()
    desk.type("plan")
    desk.key(Key.Key_4, CTRL)
    desk.type("robin")
    desk.key(Key.Key_1, CTRL)
    assert desk.window.sale.fees.search.text() == "plan"
    desk.key(Key.Key_4, CTRL)
    assert desk.window.receipts.search.text() == "robin"
    assert desk.window.receipts.search.selectedText() == "robin"


def test_the_icons_come_after_the_first_paint(desk: Desk) -> None:
    desk.start_without_till()
    before = [_pixels(button.icon()) for button in desk.window.rail.buttons]
    desk.window.show_icons()
    after = [_pixels(button.icon()) for button in desk.window.rail.buttons]
    assert len(set(before)) == 1
    assert len(set(after)) == 8


def test_an_icon_of_a_page_that_cannot_be_chosen_is_as_pale_as_its_text(desk: Desk) -> None:
    desk.start_without_till()
    desk.window.show_icons()
    image = desk.window.rail.buttons[0].icon().pixmap(22, 22, QIcon.Mode.Disabled).toImage()
    colors = {image.pixelColor(x, y).name() for x in range(22) for y in range(22)}
    assert theme.load(paths.resources(), dark=False).text("rail_off") in colors


def _pixels(icon) -> bytes:  # type: ignore[no-untyped-def]
    image = icon.pixmap(22, 22).toImage()
    return bytes(QByteArray(image.constBits().tobytes()).data())


def test_a_window_has_no_parts_that_are_nobodys(desk: Desk) -> None:
    """A part without a place in it would outlive it, and be painted anew with every style sheet."""
    before = set(map(id, desk.app.topLevelWidgets()))
    desk.start()
    new = [one for one in desk.app.topLevelWidgets() if id(one) not in before and one.parent() is None]
    assert new == [desk.window]
