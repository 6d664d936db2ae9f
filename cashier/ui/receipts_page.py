"""Receipts: searched as typed, with the receipt itself beside the list, and what may be done to it below."""

from itertools import pairwise

from PySide6.QtCore import QEvent, QItemSelection, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from cashier.domain.receipt import Receipt
from cashier.till.till import Till
from cashier.ui.correction_panel import CorrectionPanel
from cashier.ui.print_panel import PrintPanel
from cashier.ui.receipt_model import MAKE_ROOM, PAYER, ReceiptModel
from cashier.ui.receipt_view import ReceiptView
from cashier.ui.tables import Table
from cashier.ui.theme import Theme, scaled
from cashier.ui.widgets import Button, Shrinking, label, row, search_field, typed

#: The button that shows only receipts with a card refund that was asked for and is not known to be made.
TO_BE_MADE = "Refunds to be made"


class ReceiptsPage(QWidget):
    """Search, list, details."""

    save_asked = Signal(object)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("page")
        self._till: Till | None = None
        self._seen_correction = 0
        self.search = search_field(
            "Search receipts", "Number, payer, permit, invoice, amount, today, yesterday …"
        )
        self.search.textChanged.connect(self._typed)
        self.search.installEventFilter(self)
        self.model = ReceiptModel(theme)
        self.table = Table(self.model, "Receipts found", grows=PAYER, make_room=MAKE_ROOM)
        self.table.selectionModel().selectionChanged.connect(self._selected)
        self.found = label("", "soft")
        self.found.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.unread = label("", "fault", wrap=True)
        self.unread.hide()
        self.view = ReceiptView()
        self.view.setMinimumWidth(400)
        self.view.setMaximumWidth(scaled(540))
        self.save = Button("Save as PDF   Ctrl+P")
        self.save.setEnabled(False)
        self.save.clicked.connect(self._save)
        self.to_be_made = Button(TO_BE_MADE)
        self.to_be_made.setObjectName("filter")
        self.to_be_made.setCheckable(True)
        self.to_be_made.setAutoDefault(False)
        self.to_be_made.clicked.connect(self._to_be_made_pressed)
        self.to_be_made.hide()
        left = QVBoxLayout()
        left.setSpacing(12)
        left.addLayout(row(label("Receipts", "title"), 1, self.found))
        left.addWidget(self.to_be_made)
        left.addWidget(self.search)
        left.addWidget(self.table, 1)
        left.addWidget(self.unread)
        right = QVBoxLayout()
        right.setSpacing(12)
        right.addWidget(self.view, 1)
        self.panel = PrintPanel()
        right.addWidget(self.panel)
        right.addLayout(row(1, self.save))
        self.corrections = CorrectionPanel(self)
        right.addWidget(Shrinking(self.corrections))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.setSpacing(16)
        layout.addLayout(left, 5)
        layout.addLayout(right, 4)
        places = (self.search, self.table, self.view, self.panel.language, self.panel.print, self.panel.mail)
        undoing = (*self.corrections.papers, *self.corrections.acts, self.to_be_made)
        for before, after in pairwise((*places, self.save, *undoing)):
            QWidget.setTabOrder(before, after)

    def attach(self, till: Till) -> None:
        """The till is there now."""
        self._till = till
        self.panel.attach(till)
        self.corrections.attach(till)
        if self.panel.has_printer:
            self.save.setText("Save as PDF")
        self.refresh()

    def refresh(self) -> None:
        """Search again, keeping the selected receipt selected."""
        if self._till is None:
            return
        selected, book = self.view.receipt, self._till.corrections.book
        receipts, faults = self._receipts(self._till)
        count, newest = len(receipts), book.read()
        self.found.setText("Nothing found." if not count else f"{count} shown")
        self.unread.setText("\n".join(faults))
        self.unread.setVisible(bool(faults))
        if receipts == self.model.receipts and newest == self._seen_correction:
            self.panel.show_receipt(selected)
            self.corrections.show_receipt(selected)
            return  # the place in the list stays
        self._seen_correction = newest
        self.model.show_receipts(receipts, self._till.done_to, self._till.rescued.journal_of)
        self.table.make_room()
        if not receipts:
            self._show(None)
            return
        numbers = [receipt.number for receipt in receipts]
        known = selected is not None and selected.number in numbers
        self.table.selectRow(numbers.index(selected.number) if known and selected else 0)

    def _receipts(self, till: Till) -> tuple[tuple[Receipt, ...], tuple[str, ...]]:
        """What is searched for, or the receipts with refunds to be made, while there are any.

        Beside it the rescued journals that cannot be read, in a sentence each.
        """
        refunds = till.corrections.book.open_refunds()
        shown = self.to_be_made.isChecked() and bool(refunds)
        text = "All receipts" if shown else f"◷  {TO_BE_MADE}  {len(refunds)}"
        self.to_be_made.setVisible(bool(refunds))
        self.to_be_made.setText(text)
        self.to_be_made.setAccessibleName("All receipts" if shown else f"{TO_BE_MADE}: {len(refunds)}")
        if not refunds:
            self.to_be_made.setChecked(False)
        if not self.to_be_made.isChecked():
            found = till.find(self.search.text())
            return found.receipts, found.faults
        numbers = dict.fromkeys(refund.receipt for refund in reversed(refunds))
        return tuple(receipt for number in numbers if (receipt := till.receipt(number)) is not None), ()

    def _typed(self) -> None:
        """What is typed is searched for among all."""
        self.to_be_made.setChecked(False)
        self.refresh()

    def _to_be_made_pressed(self) -> None:
        self.refresh()
        if self.to_be_made.isChecked():
            self.table.setFocus()

    def _selected(self, _now: QItemSelection, _before: QItemSelection) -> None:
        rows = self.table.selectionModel().selectedRows()
        if rows:
            self._show(self.model.receipts[rows[0].row()])

    def _show(self, receipt: Receipt | None) -> None:
        assert self._till is not None, "there are receipts without a till"
        done = self._till.done_to(receipt.number) if receipt else ()
        self.view.show_receipt(receipt, done)
        self.save.setEnabled(receipt is not None)
        self.panel.show_receipt(receipt)
        self.corrections.show_receipt(receipt)

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
