"""The invoices a sale will become: fees under their invoice type, each line changed or removed in place."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QFont, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
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
from cashier.ui.theme import scaled, tabular
from cashier.ui.widgets import Shrinking, label, row, typed

ROW_HEIGHT = 36
LINE_ROLE = Qt.ItemDataRole.UserRole


class _Tree(QTreeWidget):
    remove_pressed = Signal()
    change_pressed = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete removes, Enter or F2 changes; letters go to the search field."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            if not event.isAutoRepeat():
                self.remove_pressed.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2):
            if not event.isAutoRepeat():
                self.change_pressed.emit()
        elif typed(event):
            event.ignore()
        else:
            super().keyPressEvent(event)
            self._off_headings(event.key() == Qt.Key.Key_Up)

    def _off_headings(self, upwards: bool) -> None:
        """An invoice's heading is no line: the mark goes on over it."""
        item = self.currentItem()
        if item is not None and item.parent() is None:
            line = (self.itemAbove(item) if upwards else None) or item.child(0)
            if line is not None:
                self.setCurrentItem(line)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What is marked stays in sight when something below needs room."""
        super().resizeEvent(event)
        if (item := self.currentItem()) is not None:
            self.scrollToItem(item)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """There is always a marked line while the focus is here."""
        super().focusInEvent(event)
        if self.currentItem() is None and (top := self.topLevelItem(0)) is not None:
            self.setCurrentItem(top)
            self._off_headings(upwards=False)


class InvoiceList(QFrame):
    """Invoices of the draft, or what to do when there are none."""

    remove_asked = Signal(int)
    change_asked = Signal(object)
    #: The last line went away while the focus was on it.
    emptied = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self._drawn: object = None
        self._items: dict[int, QTreeWidgetItem] = {}
        self.tree = _Tree()
        self.tree.setAccessibleName("Invoices of this sale")
        self.tree.setColumnCount(2)
        self.tree.setHeaderHidden(True)
        self.tree.setRootIsDecorated(False)
        self.tree.setItemsExpandable(False)
        self.tree.setIndentation(14)
        self.tree.setFrameShape(QFrame.Shape.NoFrame)
        self.tree.setMinimumHeight(scaled(ROW_HEIGHT))  # a line stays when a bar and large text take the room
        self.tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.tree.header().setStretchLastSection(False)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.remove_pressed.connect(self._remove)
        self.tree.change_pressed.connect(self._change)
        self.tree.itemDoubleClicked.connect(lambda *_: self._change())
        self.empty = label("", "soft", wrap=True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._stack = QStackedLayout()
        inside = QWidget()
        box = QVBoxLayout(inside)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.empty)
        self._what_to_do = Shrinking(inside)
        self._what_to_do.setAccessibleName("What to do")
        self._stack.addWidget(self._what_to_do)
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
            self.empty.setText(_what_to_do(recent))
            had_focus = self.tree.hasFocus()
            self._stack.setCurrentWidget(self._what_to_do)
            self.tree.clear()
            self._items, self._drawn = {}, None
            if had_focus:
                self.emptied.emit()
            return
        self._stack.setCurrentWidget(self.tree)
        if self._drawn == draft.invoices:
            return
        self._drawn = draft.invoices
        before = self._order()
        marked = self._line()
        place = before.index(marked.number) if marked is not None else 0
        self._draw(draft)
        after = self._order()
        added = [number for number in after if number not in before]
        if added:
            self._mark(added[-1])
        elif marked is not None:
            # What was marked stays so; when it was removed, what has moved into its place.
            known = marked.number in after
            self._mark(marked.number if known else after[min(place, len(after) - 1)])

    def _draw(self, draft: DraftView) -> None:
        self.tree.clear()
        self._items = {}
        for invoice in draft.invoices:
            count = len(invoice.lines)
            fees = "1 fee" if count == 1 else f"{count} fees"
            what = "retrieved" if invoice.retrieved is not None else fees
            text = f"{invoice.type_id}  {invoice.type_name} · {what}"
            top = self._item([text, format_dollars(invoice.total_cents)], bold=True)
            top.setFlags(Qt.ItemFlag.ItemIsEnabled)
            self.tree.addTopLevelItem(top)
            for line in invoice.lines:
                child = self._item([_line_text(line), format_dollars(line.priced.amount_cents)])
                child.setData(0, LINE_ROLE, line)
                top.addChild(child)
                self._items[line.number] = child
            top.setExpanded(True)

    def _order(self) -> list[int]:
        return list(self._items)

    def _mark(self, number: int) -> None:
        self.tree.setCurrentItem(self._items[number])  # which brings it into sight

    def _item(self, texts: list[str], *, bold: bool = False) -> QTreeWidgetItem:
        item = QTreeWidgetItem(texts)
        item.setToolTip(0, texts[0])
        item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        font = QFont(QApplication.font())
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
    lines = [
        "No fees yet. Type a word of a fee's name, press Enter, and it stands here under its invoice. An "
        "invoice number, typed or scanned, brings the invoice."
    ]
    if recent:
        lines += ["", "Last sales"]
        lines += [
            f"{receipt.number}   {receipt.customer.name}   {format_dollars(receipt.paid_cents)}"
            for receipt in recent
        ]
    return "\n".join(lines)
