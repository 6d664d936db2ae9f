"""The readers' dialog, and what the sale page says of the reader that was chosen (behaviours D2, D3)."""

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest
import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtWidgets import QTableView

from cashier.domain.entries import EntryKind
from cashier.till.config import Connection, Reader
from cashier.till.ports import Plugged, ReaderTold
from cashier.till.snapshot import LineState
from cashier.ui.rail import DESK
from cashier.ui.readers_dialog import NOTHING, ReadersDialog
from tests.fakes.reader_probe import IDTECH, VIPA, FakeReaderProbe
from tests.ui.desk import BOTH, WAIT_MS, Desk
from tests.ui.test_accessibility import nameless_in, names

Key = Qt.Key
SHIFT = Qt.KeyboardModifier.ShiftModifier

LEFT = Reader(
    "left", "Stripe reader, left", "MAG-SN1", connection=Connection.SERIAL, bound_to="0acd:0630:SN1"
)
RIGHT = replace(LEFT, id="right", label="Stripe reader, right", emv_device_id="MAG-2", bound_to="")
TYPING = Reader("typing", "Typing reader", emv=False, connection=Connection.KEYBOARD)
PORT_1 = Plugged("COM5", "0acd:0630:SN1", "SN1", "ID TECH Spectrum III", IDTECH)
PORT_2 = Plugged("COM6", "0acd:0630:SN2", "SN2", "ID TECH Spectrum III", IDTECH)
#: Two of a kind without a serial number.
ALIKE_1 = Plugged("COM7", title="ID TECH Spectrum III", family=IDTECH)
ALIKE_2 = replace(ALIKE_1, device="COM8")
PLAIN = Plugged("COM9", title="Communications Port")
NOT_CONNECTED = "Stripe reader, left (serial SN1) is not connected. Plug it in, or choose another reader."


class SlowProbe(FakeReaderProbe):
    """A reader that answers when a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer = asyncio.Event()

    async def ask(self, device: str, family: str, baud: int | None, rts_cts: bool) -> ReaderTold:
        """See the port."""
        await self.may_answer.wait()
        return await super().ask(device, family, baud, rts_cts)


def start(desk: Desk, *ports: Plugged, readers: tuple[Reader, ...] = (LEFT, RIGHT, TYPING)) -> None:
    """A counter with readers on serial ports."""
    desk.config = desk.config_with(readers=readers)
    desk.start()
    plug(desk, *ports)


def plug(desk: Desk, *ports: Plugged) -> None:
    """What is plugged in from now on."""
    desk.till.readers.are_plugged(ports)


def opened(desk: Desk) -> ReadersDialog:
    """The dialog, by its key."""
    desk.key(Key.Key_F7, SHIFT)
    [dialog] = desk.dialogs
    assert isinstance(dialog, ReadersDialog)
    dialog.activateWindow()  # as a window manager does
    desk.qtbot.waitUntil(dialog.ports.hasFocus, timeout=WAIT_MS)
    return dialog


def left_again(desk: Desk, key: Key = Key.Key_Escape) -> None:
    """The dialog is left, and the window is before the clerk again."""
    desk.key(key)
    desk.read_messages()
    assert not desk.dialogs


def rows(table: QTableView) -> list[tuple[str, ...]]:
    """What a table shows."""
    model = table.model()
    columns = range(model.columnCount())
    return [tuple(model.index(at, column).data() for column in columns) for at in range(model.rowCount())]


def chosen_port(dialog: ReadersDialog) -> str:
    """The port of the row that is chosen; empty for none."""
    at = dialog.ports.currentIndex().row()
    return rows(dialog.ports)[at][0] if at >= 0 else ""


def ask(desk: Desk, dialog: ReadersDialog) -> str:
    """Press the button; what is said then."""
    dialog.ask.click()
    desk.settle()
    return dialog.told.text()


# -- opening and leaving -------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [Key.Key_Return, Key.Key_Space])
def test_the_button_beside_the_choice_opens_it(desk: Desk, key: Key) -> None:
    start(desk)
    desk.key(Key.Key_F7)
    desk.key(Key.Key_Tab)
    assert desk.focus is desk.window.sale.readers
    desk.key(key)
    assert [type(dialog) for dialog in desk.dialogs] == [ReadersDialog]
    assert desk.window.sale.readers.toolTip() == desk.window.sale.readers.accessibleName()


def test_shift_f7_opens_it_from_every_page_and_once(desk: Desk) -> None:
    start(desk)
    desk.window.show_page(DESK)
    dialog = opened(desk)
    assert dialog.windowModality() is Qt.WindowModality.WindowModal
    desk.window.show_readers()
    assert desk.dialogs == [dialog]


def test_without_a_till_it_does_not_open(desk: Desk) -> None:
    desk.start_without_till()
    desk.key(Key.Key_F7, SHIFT)
    assert not desk.dialogs


@pytest.mark.parametrize("how", ["Esc", "button", "window"])
def test_left_it_is_gone_and_can_be_opened_again(desk: Desk, how: str) -> None:
    start(desk, PORT_1)
    dialog = opened(desk)
    if how == "Esc":
        desk.key(Key.Key_Escape)
    elif how == "button":
        dialog.leave.setFocus()
        desk.key(Key.Key_Return)
    else:
        dialog.close()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    assert not shiboken6.isValid(dialog)
    assert not desk.window.findChildren(ReadersDialog)
    plug(desk, PORT_1, PORT_2)  # what comes now finds no dialog
    desk.read_messages()
    assert len(rows(opened(desk).ports)) == 2


def test_everything_can_be_done_by_keyboard(desk: Desk) -> None:
    start(desk, ALIKE_1, PLAIN, ALIKE_2)
    dialog = opened(desk)
    assert desk.focus is dialog.ports and chosen_port(dialog) == "COM7"
    desk.key(Key.Key_Down)
    assert chosen_port(dialog) == "COM9"
    desk.key(Key.Key_Tab)
    assert desk.focus is dialog.family
    desk.type("Veri")
    for widget in (dialog.family, dialog.ask):
        assert desk.focus is widget
        desk.key(Key.Key_Tab)
    desk.key(Key.Key_Backtab)
    desk.key(Key.Key_Return)
    desk.settle()
    assert desk.reader_probe.asked == [("COM9", VIPA, None, False)]
    desk.key(Key.Key_Tab)
    assert desk.focus is dialog.reader
    desk.key(Key.Key_Down)
    desk.key(Key.Key_Tab)
    assert desk.focus is dialog.bind
    desk.key(Key.Key_Return)
    assert rows(dialog.ports)[1][3] == "Stripe reader, left"
    desk.key(Key.Key_Tab)
    assert desk.focus is dialog.leave
    left_again(desk, Key.Key_Return)


# -- what it shows -------------------------------------------------------------------------------------------


def test_what_stands_where_is_listed(desk: Desk) -> None:
    start(desk, PORT_1, PLAIN, readers=(LEFT, RIGHT, TYPING, BOTH))
    dialog = opened(desk)
    assert rows(dialog.readers) == [
        ("Stripe reader, left", "connected on COM5", "MAG-SN1"),
        ("Stripe reader, right", "no port yet", "MAG-2"),
        ("Typing reader", "types into the payment page", "–"),
        ("Lane 3000, counter 1", "driven by Invoice Cloud", "DEVICE-1"),
    ]
    assert rows(dialog.ports) == [
        ("COM5", "ID TECH Spectrum III", "SN1", "Stripe reader, left"),
        ("COM9", "Communications Port", "–", "nobody yet"),
    ]


def test_with_nothing_plugged_in_it_says_so(desk: Desk) -> None:
    start(desk)
    dialog = opened(desk)
    assert rows(dialog.ports) == []
    assert dialog.told.text() == NOTHING
    verbs = (dialog.family, dialog.ask, dialog.reader, dialog.bind)
    assert not any(widget.isEnabled() for widget in verbs)
    plug(desk, PORT_1)
    assert dialog.told.text() == ""
    plug(desk)
    assert dialog.told.text() == NOTHING


def test_while_the_ports_are_not_known_it_does_not_say_that_there_are_none(desk: Desk) -> None:
    desk.config = desk.config_with(readers=(TYPING, LEFT))
    desk.start()
    dialog = opened(desk)
    assert rows(dialog.readers)[1][1] == "looking for it …"
    assert dialog.told.text() == ""


def test_without_a_reader_on_a_port_there_is_nothing_to_bind(desk: Desk) -> None:
    start(desk, PORT_1, readers=(TYPING, BOTH))
    dialog = opened(desk)
    assert dialog.ask.isEnabled()
    assert not dialog.reader.isEnabled() and not dialog.bind.isEnabled()


def test_what_comes_and_goes_leaves_the_chosen_port_and_its_choices(desk: Desk) -> None:
    start(desk, PORT_1, PORT_2)
    dialog = opened(desk)
    desk.key(Key.Key_Down)
    dialog.family.setCurrentIndex(dialog.family.findData(VIPA))
    dialog.reader.setCurrentIndex(dialog.reader.findData("right"))
    said = ask(desk, dialog)
    for ports in ((PORT_1, PLAIN, PORT_2), (PORT_2,), (ALIKE_1, PORT_2)):
        plug(desk, *ports)
        assert [row[0] for row in rows(dialog.ports)] == [port.device for port in ports]
        assert chosen_port(dialog) == "COM6"
        assert (dialog.family.currentData(), dialog.reader.currentData()) == (VIPA, "right")
        assert dialog.told.text() == said


def test_when_the_chosen_port_goes_none_is_chosen_in_its_place(desk: Desk) -> None:
    start(desk, PORT_1, PORT_2)
    dialog = opened(desk)
    ask(desk, dialog)
    plug(desk, PORT_2)
    assert chosen_port(dialog) == ""
    assert dialog.told.text() == ""
    dialog.ask.click()
    dialog.bind.click()
    desk.settle()
    assert len(desk.reader_probe.asked) == 1
    assert rows(dialog.ports) == [("COM6", "ID TECH Spectrum III", "SN2", "nobody yet")]
    assert rows(dialog.readers)[0][1] == "not connected (serial SN1)"


def test_what_one_reader_answered_is_not_said_of_the_next_on_its_port(desk: Desk) -> None:
    desk.reader_probe.answers["COM5"] = ReaderTold("identified", True, "Spectrum III", "SN1")
    start(desk, PORT_1)
    dialog = opened(desk)
    assert "SN1" in ask(desk, dialog)
    plug(desk, replace(PORT_2, device="COM5"))
    assert chosen_port(dialog) == "COM5"
    assert dialog.told.text() == ""
    plug(desk, PORT_1)
    assert dialog.told.text() == ""


# -- asking --------------------------------------------------------------------------------------------------


def test_the_family_is_the_one_that_the_usb_id_suggests(desk: Desk) -> None:
    start(desk, PORT_1, PLAIN)
    dialog = opened(desk)
    assert dialog.family.currentText() == "ID TECH (ITP)"
    assert desk.reader_probe.asked == []
    ask(desk, dialog)
    assert desk.reader_probe.asked == [("COM5", IDTECH, None, False)]
    desk.key(Key.Key_Down)
    assert dialog.family.currentIndex() == -1


def test_the_family_of_the_settings_goes_before_it_and_so_does_their_line(desk: Desk) -> None:
    start(desk, PORT_1, readers=(replace(LEFT, family=VIPA, baud=57_600, rts_cts=True),))
    ask(desk, opened(desk))
    assert desk.reader_probe.asked == [("COM5", VIPA, 57_600, True)]


def test_without_a_family_one_must_be_chosen(desk: Desk) -> None:
    start(desk, PLAIN)
    dialog = opened(desk)
    assert ask(desk, dialog).startswith("Choose how to ask first")
    assert desk.focus is dialog.family
    assert desk.reader_probe.asked == []


def test_what_can_be_seen_of_asking_is_said_before(desk: Desk) -> None:
    start(desk, replace(PORT_1, family=VIPA), PORT_2)
    dialog = opened(desk)
    assert dialog.announced.isVisible()
    assert dialog.announced.text() == "Its display goes dark for a moment."
    assert desk.reader_probe.asked == []
    desk.key(Key.Key_Down)
    assert not dialog.announced.isVisible()
    dialog.family.setCurrentIndex(dialog.family.findData(VIPA))
    assert dialog.announced.isVisible()


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (
            ReaderTold("identified", True, "Spectrum III", "SN1", "2.04"),
            "COM5 is Spectrum III, serial number SN1, firmware 2.04.",
        ),
        (ReaderTold("identified", True), "COM5 is a reader."),
        (ReaderTold("not answering", False), "COM5: not answering."),
        (
            ReaderTold("busy (another program uses the port)", False),
            "COM5: busy (another program uses the port).",
        ),
        (
            ReaderTold("identified", True, "Spectrum III", "SN1", clear_tracks=True),
            "COM5 is Spectrum III, serial number SN1. It sends cards UNENCRYPTED: do not use it.",
        ),
        (ReaderTold("identified", True, "Spectrum III", clear_tracks=False), "COM5 is Spectrum III."),
        (
            ReaderTold("identified", True, "Spectrum III", "777"),
            "COM5 is Spectrum III, serial number 777. The settings call it MAG-SN1 at Invoice Cloud.",
        ),
    ],
)
def test_the_answer_is_told_in_words(desk: Desk, told: ReaderTold, said: str) -> None:
    desk.reader_probe.answers["COM5"] = told
    start(desk, PORT_1)
    assert ask(desk, opened(desk)) == said


def test_an_answer_stays_with_its_port(desk: Desk) -> None:
    start(desk, PORT_1, PORT_2)
    dialog = opened(desk)
    ask(desk, dialog)
    desk.key(Key.Key_Down)
    assert dialog.told.text() == ""
    desk.key(Key.Key_Up)
    assert dialog.told.text() == "COM5: not answering."


def test_no_reader_is_asked_while_a_payment_page_stands(desk: Desk) -> None:
    start(desk, PORT_1)
    desk.open_page()
    said = ask(desk, opened(desk))
    assert said == "The payment page is still open. Stop waiting first."
    left_again(desk)
    desk.window.payment.stop_waiting()
    assert "COM5" in ask(desk, opened(desk))
    assert len(desk.reader_probe.asked) == 1


def slow(desk: Desk) -> SlowProbe:
    """Readers that take their time, from now on."""
    desk.reader_probe = SlowProbe()
    return desk.reader_probe


def test_news_while_a_reader_is_asked(desk: Desk) -> None:
    probe = slow(desk)
    start(desk, PORT_1, PORT_2)
    dialog = opened(desk)
    for _ in range(3):
        dialog.ask.click()
        desk.turn()
        desk.till.line_is(LineState.OFFLINE)
        desk.till.line_is(LineState.ONLINE)
        plug(desk, PLAIN, PORT_1, PORT_2)
        assert dialog.told.text() == "Asking COM5 …"
        assert dialog.ask.isEnabled()
    desk.key(Key.Key_Down)
    assert dialog.told.text() == ""
    probe.may_answer.set()
    desk.settle()
    assert dialog.told.text() == ""
    desk.key(Key.Key_Up)
    assert dialog.told.text() == "COM5: not answering."
    assert len(probe.asked) == 1
    ask(desk, dialog)
    assert len(probe.asked) == 2


def test_an_answer_after_the_port_is_gone_is_told_of_none(desk: Desk) -> None:
    probe = slow(desk)
    probe.answers["COM5"] = ReaderTold("identified", True, "Spectrum III", "SN1")
    start(desk, PORT_1)
    dialog = opened(desk)
    dialog.ask.click()
    desk.turn()
    plug(desk, replace(PORT_2, device="COM5"))
    probe.may_answer.set()
    desk.settle()
    assert chosen_port(dialog) == "COM5" and dialog.told.text() == ""
    plug(desk, PORT_1)
    assert dialog.told.text() == ""


def test_left_before_the_answer_it_fails_nowhere(desk: Desk) -> None:
    probe = slow(desk)
    faults: list[object] = []
    desk.loop.set_exception_handler(lambda _loop, context: faults.append(context))
    start(desk, PORT_1)
    dialog = opened(desk)
    dialog.ask.click()
    desk.turn()
    left_again(desk)
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    assert not shiboken6.isValid(dialog)
    again = opened(desk)
    probe.may_answer.set()
    desk.settle()
    assert (len(probe.asked), faults, again.told.text()) == (1, [], "")


# -- binding -------------------------------------------------------------------------------------------------


def test_a_bound_reader_is_the_chosen_one_and_stands_on_the_sale_page(desk: Desk) -> None:
    start(desk, PORT_1, PORT_2)
    desk.fill()
    dialog = opened(desk)
    assert dialog.reader.currentText() == "Stripe reader, left"
    desk.key(Key.Key_Down)
    assert dialog.reader.currentIndex() == -1
    dialog.reader.setCurrentIndex(dialog.reader.findData("right"))
    dialog.bind.click()
    assert dialog.told.text() == "COM6 is Stripe reader, right from now on, and chosen."
    assert [row[3] for row in rows(dialog.ports)] == ["Stripe reader, left", "Stripe reader, right"]
    assert chosen_port(dialog) == "COM6"
    left_again(desk)
    sale = desk.window.sale
    assert sale.reader.currentText() == "Stripe reader, right"
    assert sale.reader_standing.text() == "● connected on COM6"
    assert desk.window.status.reader.text() == "reader: Stripe reader, right"
    [selected] = [entry for entry in desk.journal.entries() if entry.kind is EntryKind.READER_SELECTED]
    assert (selected.body["reader"], selected.body["bindings"]["right"]) == ("right", "0acd:0630:SN2")


def test_without_a_chosen_reader_nothing_is_bound(desk: Desk) -> None:
    start(desk, PORT_2)
    dialog = opened(desk)
    dialog.bind.click()
    assert dialog.told.text() == "Choose which reader of the settings this is first."
    assert desk.focus is dialog.reader
    assert not desk.entries()


def test_what_cannot_be_recorded_is_said_and_not_bound(desk: Desk) -> None:
    start(desk, PORT_2)
    dialog = opened(desk)
    dialog.reader.setCurrentIndex(dialog.reader.findData("right"))
    desk.journal.disk_full = True
    dialog.bind.click()
    desk.journal.disk_full = False
    assert dialog.told.text() == "The disk is full. Nothing was recorded."
    assert rows(dialog.ports)[0][3] == "nobody yet"
    assert desk.draft.reader is None


def test_d3_two_alike_are_told_apart_by_unplugging_one(desk: Desk) -> None:
    unbound = (replace(LEFT, bound_to=""), RIGHT)
    start(desk, ALIKE_1, ALIKE_2, readers=unbound)
    desk.fill()
    dialog = opened(desk)
    # Which is which? The left one is pulled out: its row goes; and back in: its row comes.
    plug(desk, ALIKE_2)
    assert [row[0] for row in rows(dialog.ports)] == ["COM8"]
    plug(desk, ALIKE_1, ALIKE_2)
    for key, port, reader in ((Key.Key_Up, "COM7", "left"), (Key.Key_Down, "COM8", "right")):
        desk.key(key)
        assert chosen_port(dialog) == port
        dialog.reader.setCurrentIndex(dialog.reader.findData(reader))
        dialog.bind.click()
    assert [(row[0], row[3]) for row in rows(dialog.ports)] == [
        ("COM7", "Stripe reader, left"),
        ("COM8", "Stripe reader, right"),
    ]
    desk.reader_probe.answers["COM8"] = ReaderTold("identified", True, "Spectrum III", "SN8")
    assert ask(desk, dialog).startswith("COM8 is Spectrum III, serial number SN8.")


@pytest.mark.parametrize("size", [(1080, 700), (1360, 860)])
def test_d3_reader_amount_and_permit_stand_on_the_page_before_the_payment(
    desk: Desk, size: tuple[int, int]
) -> None:
    desk.config = desk.config_with(readers=(LEFT, replace(RIGHT, bound_to="0acd:0630:SN2")))
    desk.start(size)
    plug(desk, PORT_1, PORT_2)
    desk.fill()
    sale = desk.window.sale
    for reader, port in (("left", "COM5"), ("right", "COM6")):
        desk.till.choose_reader(reader)
        desk.lay_out()
        assert sale.reader.isVisible() and sale.reader.currentText() == f"Stripe reader, {reader}"
        room = sale.reader.width() - 60  # its padding, and its arrow
        assert sale.reader.fontMetrics().horizontalAdvance(sale.reader.currentText()) <= room
        assert sale.reader_standing.isVisible()
        assert sale.reader_standing.text() == f"● connected on {port}"
        assert sale.total.isVisible() and sale.total.text() == "150.00"
        assert sale.fields["permit_number"].isVisible()
        assert sale.fields["permit_number"].text() == "BLD-26-000012"
        assert sale.pay.isEnabled()


# -- the sale page -------------------------------------------------------------------------------------------


def test_d2_a_missing_reader_is_named_and_none_is_taken_in_its_place(desk: Desk) -> None:
    start(desk, PORT_1, PORT_2)
    desk.till.choose_reader("left")
    desk.restart()
    plug(desk, PORT_2)
    sale = desk.window.sale
    # At once, before there is anything on the sale.
    assert sale.note.isVisible() and sale.note.text() == NOT_CONNECTED
    desk.fill()
    assert sale.reader.currentData() == "left"
    assert sale.reader.currentText() == "Stripe reader, left – not connected (serial SN1)"
    assert sale.reader_standing.text() == "○ not connected (serial SN1)"
    assert sale.note.text() == NOT_CONNECTED
    assert not sale.pay.isEnabled()
    desk.key(Key.Key_F8)
    desk.settle()
    assert not desk.gateway.launched
    plug(desk, PORT_1, PORT_2)
    assert sale.reader_standing.text() == "● connected on COM5"
    assert not sale.note.isVisible()
    assert sale.pay.isEnabled()


def test_d2_the_clerk_takes_another_reader_by_hand(desk: Desk) -> None:
    start(desk, PORT_2)
    desk.till.choose_reader("left")
    desk.fill()
    sale = desk.window.sale
    desk.key(Key.Key_F7)
    for said in ("○ no port yet", "● types into the payment page"):
        desk.key(Key.Key_Down)
        assert sale.reader_standing.text() == said
    assert not sale.note.isVisible()
    desk.key(Key.Key_F8)
    desk.settle()
    assert len(desk.gateway.launched) == 1


def test_a_choice_that_cannot_be_recorded_is_not_shown_as_made(desk: Desk) -> None:
    start(desk, PORT_1)
    desk.till.choose_reader("left")
    desk.fill()
    desk.key(Key.Key_F7)
    desk.journal.disk_full = True
    desk.key(Key.Key_Down)
    desk.journal.disk_full = False
    sale = desk.window.sale
    assert sale.note.text() == "The disk is full. Nothing was recorded."
    assert sale.reader.currentData() == "left"
    assert desk.draft.reader is not None and desk.draft.reader.reader == LEFT


def test_a_reader_can_be_swipe_only_and_missing(desk: Desk) -> None:
    start(desk)
    desk.till.choose_reader("left")
    desk.fill("right-of-way")
    text = desk.window.sale.reader.currentText()
    assert text == "Stripe reader, left – swipe only – not connected (serial SN1)"


# -- everybody can read it -----------------------------------------------------------------------------------


def test_everything_in_the_dialog_has_a_name(desk: Desk) -> None:
    start(desk, PLAIN, PORT_1)
    dialog = opened(desk)
    assert nameless_in(dialog) == []
    desk.key(Key.Key_Down)
    ask(desk, dialog)
    assert nameless_in(dialog) == []
    said = [name for _, name in names(dialog)]
    for name in (
        "Readers of the settings",
        "Ports with something on them",
        "Ask what it is",
        "It is this reader",
        "Close",
    ):
        assert name in said
    buddies = {label.buddy(): label.text() for label in desk.labels() if label.buddy() is not None}
    assert buddies[dialog.family] == "How to ask"
    assert buddies[dialog.reader] == "Which reader of the settings it is"


@pytest.mark.parametrize(("size", "text_scale"), [((1080, 700), 1.0), ((1360, 860), 1.0), ((1360, 860), 2.0)])
def test_nothing_in_the_dialog_overlaps_or_outgrows_the_window(
    desk: Desk, size: tuple[int, int], text_scale: float
) -> None:
    desk.config = desk.config_with(readers=(LEFT, RIGHT))
    desk.start(size, text_scale=text_scale)
    plug(desk, replace(PORT_1, family=VIPA), PORT_2, PLAIN)
    desk.reader_probe.answers["COM5"] = ReaderTold("identified", True, "Spectrum III", "777", "2.04", True)
    dialog = opened(desk)
    ask(desk, dialog)
    desk.lay_out()
    assert dialog.announced.isVisible() and "777" in dialog.told.text()
    assert dialog.width() <= size[0] and dialog.height() <= size[1]
    tables = (dialog.readers, dialog.ports)
    parts = (*tables, dialog.ask, dialog.bind, dialog.announced, dialog.told, dialog.leave)
    for above, below in pairwise(parts):
        assert above.geometry().bottom() < below.geometry().top()
    for part in (dialog.announced, dialog.told):
        assert part.height() >= part.heightForWidth(part.width())
    for table in tables:
        assert table.horizontalScrollBar().maximum() == 0
