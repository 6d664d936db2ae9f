"""The card readers of this till: what stands where, what one says that it is, and which is which.

Opened with Shift+F7. Plug and unplug while it is open, and the row that comes or goes is the reader in your
hand: that tells two of the same kind apart. Asking is done on request only.
"""

import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QComboBox, QDialog, QGridLayout, QVBoxLayout, QWidget

from cashier.domain.errors import CashierError
from cashier.till.config import Connection
from cashier.till.ports import Plugged, ReaderTold
from cashier.till.readers import ReaderState
from cashier.till.till import Till
from cashier.ui.approval_dialog import Run
from cashier.ui.tables import Table
from cashier.ui.theme import scaled
from cashier.ui.widgets import Button, announce, fit_height, label, row

WIDTH = 820
#: The larger the text, the fewer rows are seen at once: the dialog must not outgrow the window.
ROWS_HEIGHT = 150
NOTHING = (
    "No serial port has anything on it. Readers that type like a keyboard, and terminals that Invoice Cloud "
    "drives, need no port: choose them on the sale page."
)


class ReadersDialog(QDialog):
    """Shows the readers and ports of a till. Deletes itself when it is left."""

    def __init__(self, window: QWidget, till: Till, run: Run) -> None:
        super().__init__(window)
        self._till, self._run = till, run
        self._told: dict[Plugged, str] = {}
        self._shown: Plugged | None = None
        self._is_filling = self._is_asking = False
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setWindowTitle("Card readers")
        self.setMinimumWidth(min(scaled(WIDTH), window.width()))
        self._readers = QStandardItemModel(0, 3)
        self._readers.setHorizontalHeaderLabels(["Reader", "Standing", "EMV device id"])
        self._ports = QStandardItemModel(0, 4)
        self._ports.setHorizontalHeaderLabels(["Port", "What it may be", "Serial number", "Stands for"])
        self.readers = Table(self._readers, "Readers of the settings", grows=1, make_room=())
        self.ports = Table(self._ports, "Ports with something on them", grows=1, make_room=())
        for table in (self.readers, self.ports):
            table.setFixedHeight(ROWS_HEIGHT)
        self.family = QComboBox()
        self.family.setAccessibleName("How to ask")
        self.family.setPlaceholderText("Choose …")
        for name, title in till.reader_families().items():
            self.family.addItem(title, name)
        self.ask = Button("Ask what it is")
        self.ask.clicked.connect(self._ask)
        self.reader = QComboBox()
        self.reader.setAccessibleName("Which reader of the settings it is")
        self.reader.setPlaceholderText("Choose …")
        for reader in till.config.readers:
            if reader.connection is Connection.SERIAL:
                self.reader.addItem(reader.label, reader.id)
        self.bind = Button("It is this reader")
        self.bind.clicked.connect(self._bind)
        self.announced = label("", "warning", wrap=True)
        self.told = label("", "", wrap=True)
        self.leave = Button("Close   Esc")
        self.leave.clicked.connect(self.accept)
        self._lay_out()
        self.ports.selectionModel().currentRowChanged.connect(lambda *_: self._port_chosen())
        self.family.currentIndexChanged.connect(lambda *_: self._announce())
        self.refresh()
        if self._ports.rowCount():
            self.ports.selectRow(0)
        self._announce()
        self.ports.setFocus()

    def _lay_out(self) -> None:
        verbs = QGridLayout()
        verbs.setHorizontalSpacing(8)
        verbs.setVerticalSpacing(8)
        verbs.setColumnStretch(1, 1)
        for line, (choice, verb) in enumerate(((self.family, self.ask), (self.reader, self.bind))):
            named = label(choice.accessibleName(), "soft")
            named.setBuddy(choice)
            for column, part in enumerate((named, choice, verb)):
                verbs.addWidget(part, line, column)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 20)
        layout.setSpacing(10)
        layout.addWidget(label("Card readers", "title"))
        layout.addWidget(self.readers)
        layout.addWidget(label("Plugged in now", "heading"))
        layout.addWidget(self.ports)
        layout.addLayout(verbs)
        layout.addWidget(self.announced)
        layout.addWidget(self.told)
        layout.addLayout(row(1, self.leave))

    # -- snapshot down -------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show what stands where now; the port that was chosen stays chosen while it is there."""
        chosen = self._device()
        views, plugged = self._till.readers.views(), self._till.readers.plugged
        # What was said of a reader is not said of the next one on its port.
        self._told = {port: text for port, text in self._told.items() if port in plugged}
        self._is_filling = True
        self._fill(
            self._readers,
            [(view.reader.label, view.standing, view.reader.emv_device_id or "–") for view in views],
        )
        self._fill(self._ports, [self._port_row(port) for port in plugged])
        self.choose(chosen)
        self._is_filling = False
        self._port_chosen()

    def choose(self, device: str) -> None:
        """Choose the row of a port, if it is there."""
        for place in range(self._ports.rowCount()):
            if self._ports.item(place, 0).text() == device:
                self.ports.selectRow(place)

    def _port_row(self, port: Plugged) -> tuple[str, ...]:
        bound = self._till.readers.bound_on(port)
        return (port.device, port.title or "–", port.serial or "–", bound.label if bound else "nobody yet")

    def _fill(self, model: QStandardItemModel, rows: list[tuple[str, ...]]) -> None:
        if [self._texts(model, place) for place in range(model.rowCount())] == rows:
            return
        model.setRowCount(0)
        for texts in rows:
            items = [QStandardItem(text) for text in texts]
            for item in items:
                item.setEditable(False)
            model.appendRow(items)

    def _texts(self, model: QStandardItemModel, place: int) -> tuple[str, ...]:
        return tuple(model.item(place, column).text() for column in range(model.columnCount()))

    def _device(self) -> str:
        """The chosen port, or empty."""
        place = self.ports.currentIndex().row()
        return self._ports.item(place, 0).text() if 0 <= place < self._ports.rowCount() else ""

    def _port(self) -> Plugged | None:
        device = self._device()
        return next((port for port in self._till.readers.plugged if port.device == device), None)

    def _port_chosen(self) -> None:
        """Begin with what is known of the port. What was chosen for it since stays while it stands."""
        if self._is_filling:
            return
        port, before = self._port(), self._shown
        self._shown = port
        for widget in (self.family, self.ask, self.reader, self.bind):
            widget.setEnabled(port is not None and (widget not in (self.reader, self.bind) or self._can_bind))
        if port is None:
            text = NOTHING if self._is_nothing_there else ""
            if text != self.told.text():
                self._tell(text)
        elif port != before:
            bound = self._till.readers.bound_on(port)
            family = (bound.family if bound else "") or port.family
            self.family.setCurrentIndex(self.family.findData(family) if family else -1)
            self.reader.setCurrentIndex(self.reader.findData(bound.id) if bound else -1)
            self._tell(self._told.get(port, ""))

    @property
    def _is_nothing_there(self) -> bool:
        readers = self._till.readers
        return not readers.plugged and all(view.state is not ReaderState.LOOKING for view in readers.views())

    @property
    def _can_bind(self) -> bool:
        return self.reader.count() > 0

    def _announce(self) -> None:
        """What asking does that can be seen is said before it is asked."""
        text = self._till.reader_announces(self.family.currentData() or "")
        self.announced.setText(text)
        self.announced.setVisible(bool(text))
        self._fit()

    # -- verbs up ------------------------------------------------------------------------------------------

    def _ask(self) -> None:
        port, family = self._port(), self.family.currentData()
        if port is None or self._is_asking:
            return
        if family is None:
            self._tell("Choose how to ask first: nothing tells which family of readers this is.")
            self.family.setFocus()
            return
        self._is_asking = True
        self._say(port, f"Asking {port.device} …")
        self._run(self._asked(port, family))

    async def _asked(self, port: Plugged, family: str) -> None:
        try:
            told = await self._till.ask_reader(port.device, family)
        except CashierError as error:
            text = error.user_text
        else:
            text = self._words(port, told)
        if shiboken6.isValid(self):  # it may have been left meanwhile
            self._is_asking = False
            if port in self._till.readers.plugged:
                self._say(port, text)

    def _words(self, port: Plugged, told: ReaderTold) -> str:
        if not told.is_known:
            return f"{port.device}: {told.outcome}."
        parts = [f"{port.device} is {told.model or 'a reader'}"]
        parts += [f"serial number {told.serial}"] if told.serial else []
        parts += [f"firmware {told.firmware}"] if told.firmware else []
        text = ", ".join(parts) + "."
        if told.clear_tracks:
            text += " It sends cards UNENCRYPTED: do not use it."
        bound = self._till.readers.bound_on(port)
        if bound is not None and told.serial and told.serial not in bound.emv_device_id:
            # Whether it is its serial number is Invoice Cloud's to say: a hint, never written by itself.
            text += f" The settings call it {bound.emv_device_id or 'nothing'} at Invoice Cloud."
        return text

    def _bind(self) -> None:
        port, reader_id = self._port(), self.reader.currentData()
        if port is None:
            return
        if reader_id is None:
            self._tell("Choose which reader of the settings this is first.")
            self.reader.setFocus()
            return
        try:
            self._till.bind_reader(reader_id, port.device)
        except CashierError as error:
            self._tell(error.user_text)
        else:
            self._tell(f"{port.device} is {self.reader.currentText()} from now on, and chosen.")

    def _say(self, port: Plugged, text: str) -> None:
        """Say it of a port, now and whenever that port is chosen again."""
        self._told[port] = text
        if port == self._shown:
            self._tell(text)

    def _tell(self, text: str) -> None:
        self.told.setText(text)
        self._fit()
        if text:
            announce(self.told, text)

    # -- Qt ------------------------------------------------------------------------------------------------

    def _fit(self) -> None:
        if self.isVisible():
            fit_height(self)

    def showEvent(self, event: QShowEvent) -> None:
        """It has its width now."""
        super().showEvent(event)
        self._fit()
