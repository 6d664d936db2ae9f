"""Dialogs of retrieving and of holding: which invoice is meant, how much of it, which sale to resume.

Opened, never executed. What the core refuses is said in the dialog, in the core's words.
"""

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from cashier.domain.errors import CashierError
from cashier.domain.money import format_dollars
from cashier.till.held_sales import HeldSale
from cashier.till.retrieve import InvoiceLookup
from cashier.ui.theme import scaled, tabular
from cashier.ui.widgets import Button, announce, label, row

WIDTH, HELD_WIDTH = 520, 720
AMOUNT_MAX = 14
ITEM_ROLE = Qt.ItemDataRole.UserRole
NO_HELD_SALES = "No sale is put aside. Shift+F5 puts the one on the screen aside."


class _Dialog(QDialog):
    """A title, what it says, something to work with, and a row of keys. Deletes itself when it is left."""

    def __init__(self, window: QWidget, title: str, says: str) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setWindowTitle(title)
        self.setMinimumWidth(min(scaled(WIDTH), window.width()))
        self.says = label(says, wrap=True)
        self.fault = label("", "fault", wrap=True)
        self.fault.hide()
        self.leave = Button("Leave   Esc")
        self.leave.clicked.connect(self.reject)
        self._title = title

    def lay_out(self, middle: QWidget, *verbs: Button) -> None:
        """Put it together."""
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 20)
        layout.setSpacing(12)
        layout.addWidget(label(self._title, "title", wrap=True))
        layout.addWidget(self.says)
        layout.addWidget(middle)
        layout.addWidget(self.fault)
        layout.addLayout(row(*verbs, 1, self.leave))

    def say(self, fault: str) -> None:
        """Why something was refused."""
        self.fault.setText(fault)
        self.fault.setVisible(bool(fault))
        # What wraps needs its width before its height; the keys below must not be cut off by it.
        layout = self.layout()
        assert layout is not None
        layout.activate()
        needed = layout.totalHeightForWidth(self.width())
        if needed > self.height():
            self.resize(self.width(), needed)
        if fault:
            announce(self, fault)


class _List(QListWidget):
    """Rows; Enter pressed once, or a double click, takes the marked one; Del asks to take it away."""

    taken = Signal(object)
    removed = Signal(object)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setFont(tabular(self.font()))
        self.setMinimumHeight(scaled(150))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.itemDoubleClicked.connect(lambda item: self.taken.emit(item.data(ITEM_ROLE)))

    def put(self, rows: list[tuple[str, object]]) -> None:
        """Show these rows; the first is marked."""
        self.clear()
        for text, data in rows:
            item = QListWidgetItem(text)
            item.setData(ITEM_ROLE, data)
            item.setToolTip(text)
            self.addItem(item)
        if rows:
            self.setCurrentRow(0)

    @property
    def marked(self) -> object:
        """What the marked row stands for, or None."""
        item = self.currentItem()
        return item.data(ITEM_ROLE) if item is not None else None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """See above."""
        is_enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if is_enter or event.key() == Qt.Key.Key_Delete:
            if self.marked is not None and not event.isAutoRepeat():
                (self.taken if is_enter else self.removed).emit(self.marked)
        else:
            super().keyPressEvent(event)


class ChooseInvoice(_Dialog):
    """Which of several is meant: the gateway tells neither the invoice type nor always whose it is."""

    chosen = Signal(object)

    def __init__(self, window: QWidget, lookup: InvoiceLookup) -> None:
        says = f"{lookup.standing.sentence} Which invoice type is it? It says where the money is booked."
        super().__init__(window, "Which invoice is it?", says)
        several = len({candidate.biller for candidate in lookup.candidates}) > 1
        self.list = _List("Invoices that may be meant")
        self.list.put(
            [
                (
                    f"{item.type_id}  {item.type_name}"
                    + (f" · {item.biller} · {format_dollars(item.invoice.balance_cents)}" if several else ""),
                    item,
                )
                for item in lookup.candidates
            ]
        )
        self.list.taken.connect(self._take)
        take = Button("Add   Enter", "Add the marked invoice")
        take.setObjectName("primary")
        take.clicked.connect(lambda _checked=False: self._take(self.list.marked))
        self.lay_out(self.list, take)
        self.list.setFocus()

    def _take(self, candidate: object) -> None:
        if candidate is not None:
            self.accept()
            self.chosen.emit(candidate)


class AmountDialog(_Dialog):
    """How much of an invoice is paid now. `act` takes what was typed, or refuses it."""

    def __init__(self, window: QWidget, *, says: str, amount: str, act: Callable[[str], None]) -> None:
        super().__init__(window, "How much of it is paid now?", says)
        self._act = act
        self.amount = QLineEdit(amount)
        self.amount.setAccessibleName("Amount to pay")
        self.amount.setMaxLength(AMOUNT_MAX)
        self.amount.setFont(tabular(self.amount.font()))
        self.amount.setAlignment(Qt.AlignmentFlag.AlignRight)
        go_on = Button("Pay this much   Enter")
        go_on.setObjectName("primary")
        go_on.setDefault(True)
        go_on.clicked.connect(self._pressed)
        self.lay_out(self.amount, go_on)
        self.amount.setFocus()
        self.amount.selectAll()

    def _pressed(self) -> None:
        try:
            self._act(self.amount.text())
        except CashierError as error:
            self.say(error.user_text)
            self.amount.setFocus()
            self.amount.selectAll()
        else:
            self.accept()


class HeldSalesDialog(_Dialog):
    """The sales put aside at this till. Enter resumes the marked one; Del drops it, pressed twice.

    Those that wait for the line come first, named as on their slips; Ctrl+P makes a slip once more.
    """

    def __init__(
        self,
        window: QWidget,
        *,
        sales: Callable[[], tuple[HeldSale, ...]],
        resume: Callable[[str], None],
        drop: Callable[[str], None],
        slip: Callable[[str], None],
        name: Callable[[HeldSale], str],
    ) -> None:
        super().__init__(window, "Sales put aside", "")
        self._slip, self._name = slip, name
        self._waiting: set[str] = set()
        self.setMinimumWidth(min(scaled(HELD_WIDTH), window.width()))
        self._sales, self._resume, self._drop = sales, resume, drop
        self._about_to_drop = ""
        self.list = _List("Sales put aside")
        self.list.taken.connect(self._take)
        self.list.removed.connect(self._remove)
        self.list.currentRowChanged.connect(lambda _row: self._row_changed())
        self.take = Button("Resume   Enter")
        self.take.setObjectName("primary")
        self.take.clicked.connect(lambda _checked=False: self._take(self.list.marked))
        self.drop = Button("Drop   Del")
        self.drop.clicked.connect(lambda _checked=False: self._remove(self.list.marked))
        self.slip = Button("Slip   Ctrl+P", "Slip for the payer of the marked sale")
        self.slip.clicked.connect(lambda _checked=False: self._make_slip(self.list.marked))
        shortcut = QShortcut(QKeySequence("Ctrl+P"), self)
        shortcut.setAutoRepeat(False)
        shortcut.activated.connect(self.slip.click)
        self.lay_out(self.list, self.take, self.drop, self.slip)
        self.refresh()
        self.list.setFocus()

    def refresh(self) -> None:
        """Show what is put aside now."""
        sales = self._sales()
        self._waiting = {held.id for held in sales if held.waits_for_line}
        self.list.put([(self._text(held), held.id) for held in sales])
        says = "Nothing of these was paid. Fees are priced anew when a sale is resumed."
        if self._waiting:
            says += " ◷ waited for the line: its payer has a slip with this reference."
        for held in sales:
            if held.not_held:
                says += f" {held.name}: {held.not_held}"
        self.says.setText(says if sales else NO_HELD_SALES)
        self.take.setEnabled(bool(sales))
        self.drop.setEnabled(bool(sales))
        self._row_changed()

    def _row_changed(self) -> None:
        self._about_to_drop = ""
        self.slip.setEnabled(self.list.marked in self._waiting)

    def _text(self, held: HeldSale) -> str:
        return f"◷ {self._name(held)} · {_held_text(held)}" if held.waits_for_line else _held_text(held)

    def _make_slip(self, held_id: object) -> None:
        """One dialog at a time: the slip may ask where to."""
        if isinstance(held_id, str) and held_id in self._waiting:
            self.accept()
            self._slip(held_id)

    def _take(self, held_id: object) -> None:
        if not isinstance(held_id, str):
            return
        try:
            self._resume(held_id)
        except CashierError as error:
            self.say(error.user_text)
        else:
            self.accept()

    def _remove(self, held_id: object) -> None:
        """The first press says what the second will do."""
        if not isinstance(held_id, str):
            return
        if self._about_to_drop != held_id:
            self._about_to_drop = held_id
            self.say("Drop this sale? Nothing of it was paid. Press Del once more to drop it.")
            return
        try:
            self._drop(held_id)
        except CashierError as error:
            self.say(error.user_text)
        else:
            self.say("")
        self.refresh()


def _held_text(held: HeldSale) -> str:
    lines = f"{held.lines} {'line' if held.lines == 1 else 'lines'}"
    since = f"{held.at[:10]} {held.at[11:16]} UTC"
    unheld = " · not held at the hub" if held.is_unheld else ""
    return f"{format_dollars(held.total_cents)} · {held.name} · {lines} · since {since} · {held.by}{unheld}"
