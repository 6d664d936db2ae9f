"""A short list under a heading, as the desk has several: away while there is nothing to list."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from cashier.ui.theme import scaled
from cashier.ui.widgets import label, typed

#: How many rows of a list are to be seen at once; it scrolls beyond.
LIST_ROWS = 3
ROW_HEIGHT = 40


class _List(QListWidget):
    """A list whose row is chosen as soon as the keys come to it."""

    def focusInEvent(self, event: QFocusEvent) -> None:
        """See above."""
        super().focusInEvent(event)
        if self.count() and not self.selectedItems():
            self.setCurrentRow(max(self.currentRow(), 0))
            self.currentItem().setSelected(True)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Letters are left to the page."""
        if typed(event):
            event.ignore()
        else:
            super().keyPressEvent(event)


class Section(QWidget):
    """A heading over a short list, both away while there is nothing to list."""

    #: One of its rows was chosen; one was asked to be opened.
    chosen = Signal(object)
    opened = Signal(object)

    def __init__(self, heading: str) -> None:
        super().__init__()
        self.items: tuple[Any, ...] = ()
        self._texts: list[str] = []
        self.list = _List()
        self.list.setAccessibleName(heading)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.itemSelectionChanged.connect(self._selected)
        self.list.itemActivated.connect(lambda item: self.opened.emit(self.items[self.list.row(item)]))
        self.fault = label("", "fault", wrap=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for widget in (label(heading, "heading"), self.fault, self.list):
            layout.addWidget(widget)
        self.hide()

    def show_items(self, items: Sequence[Any], texts: list[str], fault: str = "") -> None:
        """Other rows, or the same with news; and why they are not known, if so."""
        self.items = tuple(items)
        if texts != self._texts:
            self._texts = texts
            self.list.blockSignals(True)
            self.list.clear()
            for text in texts:
                item = QListWidgetItem(text)
                item.setToolTip(text)
                item.setSizeHint(QSize(0, scaled(ROW_HEIGHT)))
                self.list.addItem(item)
            self.list.blockSignals(False)
            self.list.setFixedHeight(scaled(ROW_HEIGHT) * min(len(texts), LIST_ROWS) + 4)
        self.fault.setText(fault)
        self.fault.setVisible(bool(fault))
        self.list.setVisible(bool(texts))
        self.setVisible(bool(texts or fault))

    def choose(self, place: int | None) -> None:
        """Mark a row as the chosen one, or none."""
        self.list.blockSignals(True)
        if place is None:
            self.list.clearSelection()
        elif self.list.currentRow() != place or not self.list.selectedItems():
            self.list.setCurrentRow(place)
        self.list.blockSignals(False)

    def _selected(self) -> None:
        if self.list.selectedItems():
            self.chosen.emit(self.items[self.list.currentRow()])
