"""What the settings page has beside plain rows: keys, invoice types, an example request, the history."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import shiboken6
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QFontDatabase
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from cashier.domain.accounts import Secret
from cashier.domain.errors import CashierError, Refused
from cashier.domain.settings_change import Change, SettingsEntry, Source
from cashier.ui.settings_fields import INVOICE_TYPES, MISSING_TYPE
from cashier.ui.settings_form import lines, narrow
from cashier.ui.theme import scaled
from cashier.ui.widgets import Button, announce, label

KEY_WIDTH, TYPES_HEIGHT, PREVIEW_HEIGHT, HISTORY_HEIGHT = 420, 180, 320, 420
OFFERED_WIDTH = 240
SECRET_HINTS = (
    Qt.InputMethodHint.ImhSensitiveData
    | Qt.InputMethodHint.ImhNoPredictiveText
    | Qt.InputMethodHint.ImhNoAutoUppercase
)
IS_SET, NOT_SET = "A key is set. It is never shown.", "No key is set."
Run = Callable[[Coroutine[Any, Any, None]], None]


class KeyBlock(QWidget):
    """A secret that is written only: whether it is set, a field for another, and, with `test`, a test of it.

    `save` keeps what is typed and `test` asks the gateway, with what is typed or with what is kept. What is
    typed is taken out of the field when it is saved, and when the page is left. `counts` is from when on it
    does.
    """

    def __init__(
        self,
        name: str,
        is_set: Callable[[], bool],
        save: Callable[[Secret], None],
        run: Run,
        test: Callable[[Secret | None], Coroutine[Any, Any, None]] | None = None,
        counts: str = "now",
    ) -> None:
        super().__init__()
        self._counts = counts
        self._name, self._is_set, self._save, self._test, self._run = name, is_set, save, test, run
        self._busy = False
        self.field = QLineEdit()
        self.field.setEchoMode(QLineEdit.EchoMode.Password)
        self.field.setInputMethodHints(SECRET_HINTS)
        self.field.setAccessibleName(f"New {name}")
        self.field.setMaximumWidth(scaled(KEY_WIDTH))
        self.save = Button("Save key", f"Save the new {name}")
        self.save.clicked.connect(lambda _checked=False: self._save_typed())
        self.test = Button("Test connection", f"Test the {name} at Invoice Cloud")
        self.test.clicked.connect(lambda _checked=False: self._start_test())
        if test is None:
            self.test.hide()
        self.told = label("", "soft", wrap=True)
        title = label(name)
        title.setBuddy(self.field)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(title)
        layout.addLayout(lines(self.field, self.save, self.test))
        layout.addWidget(self.told)

    def refresh(self) -> None:
        """Say whether the key is set; what was typed for another is forgotten."""
        self.forget()
        self._say(IS_SET if self._is_set() else NOT_SET)

    def forget(self) -> None:
        """Take what is typed out of the field, undo and all."""
        self.field.setText("")

    def _typed(self) -> Secret:
        typed = Secret(self.field.text())
        self.forget()
        return typed

    def _save_typed(self) -> None:
        try:
            self._save(self._typed())
        except CashierError as error:
            self._say(error.user_text, fault=True)
        else:
            self._say(f"The {self._name} is set. It counts from {self._counts} on.")

    def _start_test(self) -> None:
        if not self._busy and self._test is not None:
            self._busy = True
            # What is typed stays: a key that works is to be saved next.
            typed = Secret(self.field.text().strip())
            self._say("Asking Invoice Cloud …")
            self._run(self._do_test(typed or None))

    async def _do_test(self, typed: Secret | None) -> None:
        assert self._test is not None
        what = "The key just typed" if typed else "The key that is set"
        text, fault = f"{what} works: Invoice Cloud knows this biller.", False
        try:
            await self._test(typed)
        except CashierError as error:
            text, fault = error.user_text, True
        finally:
            self._busy = False
        if shiboken6.isValid(self):
            self._say(text, fault=fault)

    def _say(self, text: str, *, fault: bool = False) -> None:
        say(self.told, text, fault=fault)


def say(told: QLabel, text: str, *, fault: bool = False) -> None:
    """A line under what was pressed, in the colour of a fault when it is one; announced."""
    told.setObjectName("fault" if fault else "soft")
    told.style().unpolish(told)
    told.style().polish(told)
    told.setText(text)
    announce(told, text)


class TypesBlock(QWidget):
    """A biller's invoice types: their numbers and names, from the list or typed."""

    changed = Signal(dict)

    def __init__(self) -> None:
        super().__init__()
        self._loading = False
        self.table = QTableWidget(0, 2)
        self.table.setAccessibleName("Invoice types")
        self.table.setHorizontalHeaderLabels(["Number", "Name"])
        self.table.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.table.verticalHeader().hide()
        self.table.setFixedHeight(scaled(TYPES_HEIGHT))
        self.table.setTabKeyNavigation(False)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.itemChanged.connect(lambda _item: self._edited())
        self.offered = narrow(QComboBox())
        self.offered.setMinimumWidth(scaled(OFFERED_WIDTH))
        self.offered.setAccessibleName("An invoice type to add")
        for number, name in INVOICE_TYPES:
            self.offered.addItem(f"{number}  {name}", (str(number), name))
        self.offered.addItem("another one …", ("", ""))
        self.add, self.remove = Button("Add type"), Button("Remove type")
        self.add.clicked.connect(lambda _checked=False: self._add())
        self.remove.clicked.connect(lambda _checked=False: self._remove())
        self.fault = label("", "fault", wrap=True)
        self.fault.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(label("Invoice types"))
        layout.addWidget(self.table)
        layout.addLayout(lines(self.offered, self.add, self.remove))
        layout.addWidget(label(MISSING_TYPE, "soft", wrap=True))
        layout.addWidget(self.fault)

    def load(self, types: object) -> None:
        """Show a biller's types."""
        pairs = list(types.items()) if isinstance(types, dict) else []
        self._loading = True
        self.table.setRowCount(len(pairs))
        for at, (number, name) in enumerate(pairs):
            self._put(at, str(number), str(name))
        self._loading = False

    def _put(self, at: int, number: str, name: str) -> None:
        self.table.setItem(at, 0, QTableWidgetItem(number))
        self.table.setItem(at, 1, QTableWidgetItem(name))

    @property
    def types(self) -> dict[str, str]:
        """What stands in the table; a row without number and name is none."""
        pairs = [(self._text(at, 0), self._text(at, 1)) for at in range(self.table.rowCount())]
        return {number: name for number, name in pairs if number or name}

    def _text(self, at: int, column: int) -> str:
        item = self.table.item(at, column)
        return item.text().strip() if item else ""

    def _add(self) -> None:
        number, name = self.offered.currentData()
        at = self.table.rowCount()
        if number and number in self.types:
            self.table.selectRow(list(self.types).index(number))
            return
        self._loading = True
        self.table.setRowCount(at + 1)
        self._put(at, number, name)
        self._loading = False
        self.table.setCurrentCell(at, 0)
        self.table.setFocus()
        if not number:
            self.table.edit(self.table.model().index(at, 0))
        self._edited()

    def _remove(self) -> None:
        if self.table.currentRow() >= 0:
            self.table.removeRow(self.table.currentRow())
            self._edited()

    def _edited(self) -> None:
        if not self._loading:
            self.changed.emit(self.types)

    def show_fault(self, reason: str) -> None:
        """Why these types cannot stand; empty when they can."""
        self.fault.setText(reason)
        self.fault.setVisible(bool(reason))


class PreviewBlock(QWidget):
    """The request that a made-up sale would make with the settings as they are typed."""

    def __init__(self) -> None:
        super().__init__()
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setAccessibleName("Example request")
        self.text.setTabChangesFocus(True)
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setStyleHint(QFont.StyleHint.Monospace)
        self.text.setFont(font)
        self.text.setMinimumHeight(scaled(PREVIEW_HEIGHT))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(label("What a sale would send to Invoice Cloud", wrap=True))
        layout.addWidget(
            label("Payer, permit and fee are made up; the rest is as typed here.", "soft", wrap=True)
        )
        layout.addWidget(self.text)

    def show_request(self, make: Callable[[], str]) -> None:
        """Show what `make` makes, or why it cannot be made; the place that is read stays."""
        try:
            text = make()
        except Refused as error:
            text = error.user_text
        if text != self.text.toPlainText():
            at = self.text.verticalScrollBar().value()
            self.text.setPlainText(text)
            self.text.verticalScrollBar().setValue(at)


class ChangesTable(QTableWidget):
    """Changes of settings, one a row: key, before, after."""

    def __init__(self, name: str, first: Sequence[str] = ()) -> None:
        super().__init__(0, len(first) + 3)
        self.setAccessibleName(name)
        self.setHorizontalHeaderLabels([*first, "Setting", "Before", "After"])
        self.verticalHeader().hide()
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setMaximumSectionSize(scaled(300))
        header.setStretchLastSection(True)

    def add(self, *texts: str) -> None:
        """One more row."""
        at = self.rowCount()
        self.setRowCount(at + 1)
        for column, text in enumerate(texts):
            item = QTableWidgetItem(text)
            item.setToolTip(text)
            self.setItem(at, column, item)


def shown(change: Change) -> tuple[str, str, str]:
    """A change as a row."""
    before, after = ("default" if text is None else text or "empty" for text in (change.before, change.after))
    return change.key, before, after


class HistoryBlock(QWidget):
    """Every change of the settings, newest first: when, who, what."""

    def __init__(self) -> None:
        super().__init__()
        self.table = ChangesTable("Changes of the settings", ("When (UTC)", "Who"))
        self.table.setMinimumHeight(scaled(HISTORY_HEIGHT))
        self._newest: SettingsEntry | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)

    def show_history(self, entries: Sequence[SettingsEntry]) -> None:
        """Show them; nothing is laid out anew while nothing was added."""
        newest = entries[0] if entries else None
        if newest == self._newest:
            return
        self._newest = newest
        self.table.setRowCount(0)
        for entry in entries:
            when = f"{entry.at[:10]} {entry.at[11:16]}"
            who = entry.who if entry.source is Source.PAGE else "changed in the file"
            if entry.secret:
                self.table.add(when, who, entry.secret, "", "a new secret was set")
            for change in entry.changes:
                self.table.add(when, who, *shown(change))
