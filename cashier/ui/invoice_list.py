"""The invoices a sale will become: fees under their invoice type, each line changed or removed in place."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QStackedLayout,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from cashier.domain.money import format_dollars
from cashier.domain.receipt import Receipt
from cashier.till.draft import Line
from cashier.till.snapshot import DraftView
from cashier.ui.theme import tabular
from cashier.ui.widgets import label, row

LINE_ROLE = Qt.ItemDataRole.UserRole


class _Tree(QTreeWidget):
    remove_pressed = Signal()
    change_pressed = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete removes, Enter or F2 changes."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.remove_pressed.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2):
            self.change_pressed.emit()
        else:
            super().keyPressEvent(event)


class InvoiceList(QFrame):
    """Invoices of the draft, or what to do when there are none."""

    remove_asked = Signal(int)
    change_asked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self._drawn: object = None
        self.tree = _Tree()
        self.tree.setAccessibleName("Invoices of this sale")
        self.tree.setColumnCount(2)
        self.tree.setHeaderHidden(True)
        self.tree.setRootIsDecorated(False)
        self.tree.setItemsExpandable(False)
        self.tree.setIndentation(14)
        self.tree.setFrameShape(QFrame.Shape.NoFrame)
        self.tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.tree.header().setStretchLastSection(False)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.remove_pressed.connect(self._remove)
        self.tree.change_pressed.connect(self._change)
        self.tree.itemDoubleClicked.connect(lambda *_: self._change())
        self._empty = label("", "soft", wrap=True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._stack = QStackedLayout()
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self.tree)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(8)
        layout.addLayout(row(label("Invoices", "heading"), 1, label("Enter changes · Del removes", "key")))
        holder = QWidget()
        holder.setLayout(self._stack)
        layout.addWidget(holder, 1)

    def show_draft(self, draft: DraftView, recent: tuple[Receipt, ...]) -> None:
        """Show the draft's invoices; an empty draft says what to do, with the last sales."""
        if not draft.invoices:
            self._empty.setText(_what_to_do(recent))
            self._stack.setCurrentWidget(self._empty)
            self._drawn = None
            return
        self._stack.setCurrentWidget(self.tree)
        if self._drawn == draft.invoices:
            return
        self._drawn = draft.invoices
        self.tree.clear()
        for invoice in draft.invoices:
            count = len(invoice.lines)
            text = f"{invoice.type_id}  {invoice.type_name} · {count} {'fee' if count == 1 else 'fees'}"
            top = self._item([text, format_dollars(invoice.total_cents)], bold=True)
            top.setFlags(Qt.ItemFlag.ItemIsEnabled)
            self.tree.addTopLevelItem(top)
            for line in invoice.lines:
                child = self._item([_line_text(line), format_dollars(line.priced.amount_cents)])
                child.setData(0, LINE_ROLE, line)
                child.setToolTip(0, line.priced.explanation)
                top.addChild(child)
            top.setExpanded(True)

    def _item(self, texts: list[str], *, bold: bool = False) -> QTreeWidgetItem:
        item = QTreeWidgetItem(texts)
        item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        font = QFont(self.font())
        font.setPixelSize(14)
        font.setBold(bold)
        item.setFont(0, font)
        item.setFont(1, tabular(QFont(font)))
        return item

    def _line(self) -> Line | None:
        item = self.tree.currentItem()
        return item.data(0, LINE_ROLE) if item is not None else None

    def _remove(self) -> None:
        if (line := self._line()) is not None:
            self.remove_asked.emit(line.number)

    def _change(self) -> None:
        if (line := self._line()) is not None:
            self.change_asked.emit(line)


def _line_text(line: Line) -> str:
    explanation = line.priced.explanation
    amount = format_dollars(line.priced.amount_cents)
    count = f" × {line.request.quantity}" if line.request.quantity != 1 else ""
    detail = f"   {explanation}" if explanation and explanation != amount else ""
    return f"{line.priced.name}{count}{detail}"


def _what_to_do(recent: tuple[Receipt, ...]) -> str:
    lines = ["No fees yet. Type a word of a fee's name, press Enter, and it stands here under its invoice."]
    if recent:
        lines += ["", "Last sales"]
        lines += [
            f"{receipt.number}   {receipt.customer.name}   {format_dollars(receipt.paid_cents)}"
            for receipt in recent
        ]
    return "\n".join(lines)
