"""A card number in every direction of the readers, through the window: afterwards it is nowhere.

The readers are emulated on pseudo-terminals, and asked as the product asks them. What is looked at is all
that was logged, every file of the till, every text of the windows, the clipboard, and the repr of everything
ours.
"""

import gc
import logging
import sys
from collections.abc import Iterator
from itertools import count, takewhile

import pytest
from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QTableView,
    QWidget,
)

from cashier import paths
from cashier.domain.entries import EntryKind
from cashier.domain.errors import Refused
from cashier.readers.asking import SerialProbe, plugged
from cashier.readers.discovery import PortInfo, UsbIds
from cashier.readers.families import FAMILIES
from cashier.readers.family import Family
from cashier.sandbox.readers import RunningReader
from cashier.sandbox.readers_faults import ReaderFault, faults_of
from cashier.sandbox.readers_wire import TEST_PAN
from cashier.till.config import Connection, Reader
from cashier.till.ports import Plugged, ReaderTold
from cashier.ui.rail import DESK, PAYMENT, RECEIPTS, SALE
from cashier.ui.readers_dialog import ReadersDialog
from cashier.ui.swipe_guard import SWIPED
from tests.end2end.test_no_card_data import holds_card
from tests.end2end.till_process import CARDS
from tests.ui.desk import WAIT_MS, Desk
from tests.ui.keyboards import BARE_SWIPES, SWIPE, TRACK_1, TRACK_2, Keyboard, Ticks

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")

Key = Qt.Key
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
PAN_FAULTS = [fault for fault in ReaderFault if fault.startswith("pan-")]
READER = Reader("left", "Stripe reader, left", "MAG-1", connection=Connection.SERIAL)
OTHER = Reader("right", "Stripe reader, right", "MAG-2", connection=Connection.SERIAL)
#: No USB id that the table knows: what the device calls itself is all that there is to show.
VID, PID = 0x0403, 0x6001
ROLES = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole)


class Kept(SerialProbe):
    """The product's probe; what it told is kept."""

    def __init__(self) -> None:
        self.told: list[ReaderTold] = []

    async def ask(self, device: str, family: str, baud: int | None, rts_cts: bool) -> ReaderTold:
        """See ReaderProbe."""
        self.told.append(await super().ask(device, family, baud, rts_cts))
        return self.told[-1]


class Canary:
    """A counter that asks real ports, and everything that it leaves."""

    def __init__(self, desk: Desk, log: pytest.LogCaptureFixture) -> None:
        log.set_level(logging.DEBUG)
        self.desk, self._log, self.said = desk, log, set[str]()
        self.probe = Kept()
        self.ticks = Ticks()
        self.keyboard = Keyboard(self.ticks)
        desk.reader_probe = self.probe  # type: ignore[assignment]
        desk.pace = self.ticks
        desk.config = desk.config_with(readers=(READER, OTHER))
        desk.start()
        QGuiApplication.clipboard().setText("nothing copied yet")

    def plug(self, *ports: PortInfo) -> tuple[Plugged, ...]:
        """The ports as the product takes them."""
        ids = UsbIds.load(paths.resources() / "readers" / "usb_ids.toml")
        self.desk.till.readers.are_plugged(plugged(ports, ids))
        self.look()
        return self.desk.till.readers.plugged

    def open(self) -> ReadersDialog:
        """The dialog, with the keys in it."""
        QTest.keyClick(self.desk.window, Key.Key_F7, SHIFT)
        [dialog] = self.desk.dialogs
        assert isinstance(dialog, ReadersDialog)
        self.back_to(dialog)
        return dialog

    def back_to(self, dialog: ReadersDialog) -> None:
        """The keys go to the dialog again, as a window manager sees to it."""
        dialog.activateWindow()
        self.desk.qtbot.waitUntil(dialog.isActiveWindow, timeout=WAIT_MS)

    def look(self) -> None:
        """Keep what can be read now: it may be gone later."""
        for widget in QApplication.allWidgets():
            self.said.update(texts(widget))
        self.said.add(QGuiApplication.clipboard().text())

    def everything(self) -> list[str]:
        """All texts: read on the screen, logged, recorded, or in the repr of an object of the product."""
        self.look()
        till = self.desk.till
        views = (till.snapshot(), till.readers.views(), till.readers.plugged, self.probe.told)
        records = [f"{record.getMessage()} {vars(record)}" for record in self._log.records]
        entries = [repr(entry) for entry in self.desk.journal.entries()]
        kept = (repr(views), repr(vars(till.readers)), self._log.text)
        return [*self.said, *records, *entries, *kept, *map(repr, ours())]

    def check(self) -> None:
        """Nowhere."""
        assert [text for text in self.everything() if holds_card(text.encode())] == []
        folder = self.desk.file.parent
        files = [file for file in folder.rglob("*") if file.is_file()]
        assert {"journal.db", "journal.db-wal"} <= {file.name for file in files}
        assert [file for file in files if holds_card(file.read_bytes())] == []


@pytest.fixture
def canary(desk: Desk, caplog: pytest.LogCaptureFixture) -> Iterator[Canary]:
    # What is there already is other tests': neither collected nor looked through, which takes seconds late in
    # a long run.
    gc.freeze()
    yield Canary(desk, caplog)
    gc.unfreeze()


def texts(widget: QWidget) -> list[str]:
    """Everything that a widget says, or would say to somebody who asks it."""
    found = [widget.accessibleName(), widget.accessibleDescription(), widget.toolTip(), widget.windowTitle()]
    if isinstance(widget, QLabel | QLineEdit):
        found.append(widget.text())
    elif isinstance(widget, QComboBox):
        found += [widget.currentText(), widget.placeholderText()]
        found += [widget.itemText(at) for at in range(widget.count())]
    elif isinstance(widget, QAbstractItemView) and (model := widget.model()) is not None:
        found += [str(cell.data(role)) for cell in cells(model) for role in ROLES]
        if isinstance(widget, QTableView):
            columns = range(widget.horizontalHeader().count())
            found += [str(model.headerData(column, Qt.Orientation.Horizontal)) for column in columns]
    else:
        # Buttons, groups, editors of more than one line.
        found += [str(widget.property(name)) for name in ("text", "title", "plainText")]
    return found


def cells(model: QAbstractItemModel, above: QModelIndex | None = None) -> Iterator[QModelIndex]:
    """Every cell of a list, a table or a tree."""
    above = above or QModelIndex()
    for at in range(model.rowCount(above)):
        first = model.index(at, 0, above)
        # Not columnCount: that of a list is private.
        yield from takewhile(QModelIndex.isValid, map(first.siblingAtColumn, count()))
        yield from cells(model, first)


def ours() -> list[object]:
    """This test's living objects whose class is the product's, but for widgets: their texts are looked at."""
    gc.collect()
    return [thing for thing in gc.get_objects() if _is_ours(type(thing))]


def _is_ours(kind: type) -> bool:
    module = str(kind.__module__)
    # The emulator has to know the number.
    emulates = module.startswith("cashier.sandbox")
    return module.startswith("cashier.") and not emulates and not issubclass(kind, QObject)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_no_card_number_that_a_reader_sends_is_anywhere(canary: Canary, family: Family) -> None:
    desk = canary.desk
    faults = [fault for fault in PAN_FAULTS if fault in faults_of(family.name)]
    assert len(faults) >= 3
    for fault in faults:
        with RunningReader(family.name, fault=fault) as reader:
            [port] = canary.plug(PortInfo(reader.port, VID, PID, f"SN{fault}", None, f"Reader {TEST_PAN}"))
            dialog = canary.open()
            dialog.family.setCurrentIndex(dialog.family.findData(family.name))
            dialog.ask.click()
            desk.settle()
            canary.look()
            assert dialog.told.text().startswith(port.device)
            dialog.reader.setCurrentIndex(dialog.reader.findData("left"))
            dialog.bind.click()
            QTest.keyClick(dialog.ports, Key.Key_C, CTRL)
            canary.look()
            assert QGuiApplication.clipboard().text() == port.device
            dialog.reject()
            desk.read_messages()
    assert len(canary.probe.told) == len(faults)
    assert all(told.outcome != "not answering" for told in canary.probe.told)
    canary.check()


@pytest.mark.parametrize("number", CARDS)
def test_no_card_number_that_a_device_calls_itself_is_anywhere(canary: Canary, number: str) -> None:
    desk = canary.desk
    # With ids that the table does not know, and with ids that it knows.
    ports = (
        PortInfo("COM5", VID, PID, number, None, f"Reader {number}"),
        PortInfo("COM6", 0x0ACD, 0x0630, f"SN{number}", None, number),
    )
    first, second = canary.plug(*ports)
    assert (first.serial, first.usb_id, second.serial, second.usb_id) == ("", None, "", None)
    dialog = canary.open()
    for reader, device in (("left", "COM5"), ("right", "COM6")):
        dialog.choose(device)
        dialog.reader.setCurrentIndex(dialog.reader.findData(reader))
        dialog.bind.click()
        dialog.family.setCurrentIndex(0)
        dialog.ask.click()
        desk.settle()
        canary.look()
    dialog.reject()
    desk.read_messages()
    # Bound to its port, missing, on another port, and refused: what is said and recorded of it has no number.
    desk.fill()
    canary.plug(ports[0])
    assert desk.draft.card_refusal.startswith("Stripe reader, right (COM6) is not connected.")
    with pytest.raises(Refused) as refused:
        desk.loop.run_until_complete(desk.till.pay_by_card())
    canary.said |= {repr(refused.value), str(refused.value)}
    desk.window.pay()
    desk.settle()
    canary.look()
    canary.said.update(desk.read_messages())
    canary.plug(ports[0], PortInfo("COM7", 0x0ACD, 0x0630, f"SN{number}", None, number))
    selected = [entry for entry in desk.journal.entries() if entry.kind is EntryKind.READER_SELECTED]
    assert selected[-1].body["bindings"] == {"left": "COM5", "right": "COM6"}
    canary.check()


@pytest.mark.parametrize("place", ["readers", "ports", "family", "ask", "reader", "bind", "leave"])
def test_no_card_number_that_is_swiped_into_the_dialog_is_anywhere(canary: Canary, place: str) -> None:
    desk = canary.desk
    canary.plug(PortInfo("COM5", VID, PID, "SN1", None, "Reader"))
    dialog = canary.open()
    before = (dialog.family.currentIndex(), dialog.reader.currentIndex(), dialog.told.text())
    for swipe in (SWIPE, TRACK_1, f"{TRACK_2}\r", *BARE_SWIPES):
        getattr(dialog, place).setFocus()
        canary.keyboard.quiet()
        canary.keyboard.type(swipe, 8, between=lambda _count: canary.look())
        canary.keyboard.quiet()
        desk.settle()
        canary.look()
        # Nothing was asked, bound or left by the reader's Enter.
        assert dialog.isVisible() and canary.probe.told == []
        assert (dialog.family.currentIndex(), dialog.reader.currentIndex(), dialog.told.text()) == before
        [box] = desk.boxes
        assert box.text() == SWIPED
        box.accept()
        desk.app.processEvents()
        canary.back_to(dialog)
    canary.check()


@pytest.mark.parametrize("page", [SALE, PAYMENT, DESK, RECEIPTS])
def test_no_card_number_that_is_swiped_into_the_window_is_anywhere(canary: Canary, page: int) -> None:
    desk = canary.desk
    canary.plug(PortInfo("COM5", VID, PID, "SN1", None, "Reader"))
    desk.fill()
    desk.window.show_page(page)
    shown = desk.window.pages.currentWidget()
    assert shown is not None
    fields = [one for one in shown.findChildren(QLineEdit) if one.isVisible()] or [
        desk.window.rail.buttons[page]
    ]
    if page == SALE:
        fields += [desk.window.sale.reader, desk.window.sale.readers]
    for field in fields:
        for swipe in (SWIPE, BARE_SWIPES[1]):
            field.setFocus()
            canary.keyboard.quiet()
            canary.keyboard.type(swipe, 8)
            canary.keyboard.quiet()
            canary.look()
            assert desk.read_messages() == [SWIPED]
    canary.check()


# -- that the search would find it ---------------------------------------------------------------------------


def test_the_search_reads_what_is_on_the_screen(canary: Canary) -> None:
    canary.plug(PortInfo("COM5", VID, PID, "SN-to-be-found", None, "Product to be found"))
    dialog = canary.open()
    dialog.family.setCurrentIndex(-1)
    dialog.ask.click()
    said = "\n".join(canary.everything())
    for text in (
        "SN-to-be-found",
        "Product to be found",
        "Choose how to ask first",
        "Stripe reader, right",
        "Verifone",
        "EMV device id",
        "All readers: what is plugged in",
        "nothing copied yet",
    ):
        assert text in said


@pytest.mark.parametrize("where", ["field", "list", "tip", "clipboard", "log", "object"])
def test_the_search_finds_a_number_that_got_somewhere(canary: Canary, where: str) -> None:
    sale = canary.desk.window.sale
    if where == "field":
        sale.fields["city"].setText(CARDS[1])
    elif where == "list":
        sale.reader.addItem(CARDS[2])
    elif where == "tip":
        sale.readers.setToolTip(TEST_PAN)
    elif where == "clipboard":
        QGuiApplication.clipboard().setText(TEST_PAN)
    elif where == "log":
        logging.getLogger("cashier.readers").debug("heard %s", TEST_PAN)
    else:
        kept = Plugged(TEST_PAN)
        assert kept.device
    with pytest.raises(AssertionError):
        canary.check()
    QGuiApplication.clipboard().clear()
