"""Receipts: searched as typed, with the receipt itself beside the list."""

from itertools import pairwise
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QEvent, QItemSelection, QModelIndex, QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QKeyEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QVBoxLayout, QWidget

from cashier.domain.money import format_dollars
from cashier.domain.receipt import Receipt
from cashier.paper.pen import local_time
from cashier.till.till import Till
from cashier.ui.print_panel import PrintPanel
from cashier.ui.receipt_view import ReceiptView
from cashier.ui.tables import Index, Table
from cashier.ui.theme import Theme, scaled, tabular
from cashier.ui.widgets import Button, label, row, search_field, typed

_HEADERS = ("Number", "Time", "Payer", "Permit", "Paid", "State")
_TIME, _PAYER, _PERMIT, _PAID, _STATE = range(1, 6)
#: Columns that make room in a narrow list, in this order: what they say stands on the receipt beside it.
_MAKE_ROOM = (_PERMIT, _TIME)


class ReceiptModel(QAbstractTableModel):
    """Receipts as rows; PAID is blue."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.receipts: tuple[Receipt, ...] = ()

    def show_receipts(self, receipts: tuple[Receipt, ...]) -> None:
        """Other rows."""
        self.beginResetModel()
        self.receipts = receipts
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Rows."""
        return 0 if parent.isValid() else len(self.receipts)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Columns."""
        return 0 if parent.isValid() else len(_HEADERS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        """Column names."""
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _HEADERS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole and section == _PAID:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A cell."""
        receipt, column = self.receipts[index.row()], index.column()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return self._text(receipt, column)
        if role == Qt.ItemDataRole.TextAlignmentRole and column == _PAID:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ForegroundRole and column == _STATE:
            return QColor(self._theme.color("waiting" if receipt.is_part else "accent"))
        if role == Qt.ItemDataRole.FontRole:
            font = QFont(QApplication.font())
            font.setBold(column == _STATE)
            return tabular(font)
        return None

    def _text(self, receipt: Receipt, column: int) -> str:
        state = f"PARTLY PAID, {format_dollars(receipt.due_cents)} due" if receipt.is_part else "PAID"
        permit = receipt.permit.number if receipt.permit else ""
        paid = format_dollars(receipt.paid_cents)
        return (receipt.number, local_time(receipt.at), receipt.customer.name, permit, paid, state)[column]


class ReceiptsPage(QWidget):
    """Search, list, details."""

    save_asked = Signal(object)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("page")
        self._till: Till | None = None
        self.search = search_field(
            "Search receipts", "Number, payer, permit, invoice, amount, today, yesterday …"
        )
        self.search.textChanged.connect(self.refresh)
        self.search.installEventFilter(self)
        self.model = ReceiptModel(theme)
        self.table = Table(self.model, "Receipts found", grows=_PAYER, make_room=_MAKE_ROOM)
        self.table.selectionModel().selectionChanged.connect(self._selected)
        self.found = label("", "soft")
        self.found.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.view = ReceiptView()
        self.view.setMinimumWidth(400)
        self.view.setMaximumWidth(scaled(540))
        self.save = Button("Save as PDF   Ctrl+P")
        self.save.setEnabled(False)
        self.save.clicked.connect(self._save)
        left = QVBoxLayout()
        left.setSpacing(12)
        left.addLayout(row(label("Receipts", "title"), 1, self.found))
        left.addWidget(self.search)
        left.addWidget(self.table, 1)
        right = QVBoxLayout()
        right.setSpacing(12)
        right.addWidget(self.view, 1)
        self.panel = PrintPanel()
        right.addWidget(self.panel)
        right.addLayout(row(1, self.save))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.setSpacing(16)
        layout.addLayout(left, 5)
        layout.addLayout(right, 4)
        places = (self.search, self.table, self.view, self.panel.language, self.panel.print, self.panel.mail)
        for before, after in pairwise((*places, self.save)):
            QWidget.setTabOrder(before, after)

    def attach(self, till: Till) -> None:
        """The till is there now."""
        self._till = till
        self.panel.attach(till)
        if self.panel.has_printer:
            self.save.setText("Save as PDF")
        self.refresh()

    def refresh(self) -> None:
        """Search again, keeping the selected receipt selected."""
        if self._till is None:
            return
        selected = self.view.receipt
        receipts = self._till.receipts(self.search.text())
        count = len(receipts)
        self.found.setText("Nothing found." if not count else f"{count} shown")
        if receipts == self.model.receipts:
            self.panel.show_receipt(selected)
            return  # the place in the list stays
        self.model.show_receipts(receipts)
        self.table.make_room()
        if not receipts:
            self._show(None)
            return
        numbers = [receipt.number for receipt in receipts]
        known = selected is not None and selected.number in numbers
        self.table.selectRow(numbers.index(selected.number) if known and selected else 0)

    def _selected(self, _now: QItemSelection, _before: QItemSelection) -> None:
        rows = self.table.selectionModel().selectedRows()
        if rows:
            self._show(self.model.receipts[rows[0].row()])

    def _show(self, receipt: Receipt | None) -> None:
        self.view.show_receipt(receipt)
        self.save.setEnabled(receipt is not None)
        self.panel.show_receipt(receipt)

    def _save(self) -> None:
        if self.view.receipt is not None:
            self.save_asked.emit(self.view.receipt)

    def focus_start(self) -> None:
        """Where typing goes when the page comes up."""
        self.search.setFocus()
        self.search.selectAll()

    def search_for(self, text: str) -> None:
        """Go on typing in the search field."""
        self.search.setFocus()
        self.search.setText(self.search.text() + text)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Typing anywhere searches."""
        text = typed(event)
        if text:
            self.search_for(text)
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """In the search field arrows move in the list, and Esc clears the text."""
        if event.type() is QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
                step = 1 if event.key() == Qt.Key.Key_Down else -1
                last = self.model.rowCount() - 1
                self.table.selectRow(max(0, min(last, self.table.currentIndex().row() + step)))
                return True
            if event.key() == Qt.Key.Key_Escape and self.search.text():
                self.search.clear()
                return True
        return super().eventFilter(watched, event)
