"""Cash, a check or a money order: what was handed over, the change, and at the end what was paid.

Opened with F9 and F10. What the core refuses is said in the dialog, and what was typed stays. Enter takes;
held down it takes once.
"""

import re
from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QComboBox, QDialog, QGridLayout, QLineEdit, QVBoxLayout, QWidget

from cashier.domain.errors import CashierError, Refused
from cashier.domain.money import Cents, format_dollars, parse_cents
from cashier.domain.receipt import Receipt, Tender, TenderKind
from cashier.domain.tendering import quick_cash
from cashier.till.tenders import WORDS_MAX, Taken
from cashier.till.till import Till
from cashier.ui.theme import scaled
from cashier.ui.widgets import Button, amount_label, announce, fit_height, label, row

WIDTH = 520
NUMBER_MAX = 12
AMOUNT_MAX = 16
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d{2})?", re.ASCII)
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


def typed_cents(text: str) -> Cents:
    """An amount as it is typed: `145.5`, `1,234.50`. Raises Refused for what could be misread."""
    text = text.strip()
    return parse_cents(text.replace(",", "") if _GROUPED.fullmatch(text) else text)


class TenderDialog(QDialog):
    """Takes one tender for the sale. Deletes itself when it is left.

    `print_receipt` gets the receipt when the clerk asks for it on paper, `next_sale` is what follows.
    """

    def __init__(
        self,
        window: QWidget,
        till: Till,
        kind: TenderKind,
        print_receipt: Callable[[Receipt], None],
        next_sale: Callable[[], None],
    ) -> None:
        super().__init__(window)
        self._till, self._print_receipt, self._next_sale = till, print_receipt, next_sale
        self._due = till.snapshot().draft.due_cents
        self.is_cash = kind is TenderKind.CASH
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setWindowTitle("Cash" if self.is_cash else "Check or money order")
        self.setMinimumWidth(scaled(WIDTH))
        self.kind = QComboBox()
        self.kind.addItem("Check", TenderKind.CHECK)
        self.kind.addItem("Money order", TenderKind.MONEY_ORDER)
        self.kind.setAccessibleName("Kind")
        self.amount = self._field("Cash received" if self.is_cash else "Amount", AMOUNT_MAX)
        self.number = self._field("Number", NUMBER_MAX)
        self.bank = self._field("Bank", WORDS_MAX)
        self.payer = self._field("Whose it is", WORDS_MAX)
        if not self.is_cash:
            self.amount.setText(format_dollars(self._due).replace(",", ""))
            self.payer.setText(till.snapshot().draft.customer.name[:WORDS_MAX])
        self.change = label("", "heading")
        self.fault = label("", "fault", wrap=True)
        self.fault.hide()
        self.quick = [self._quick(cents) for cents in quick_cash(self._due)] if self.is_cash else []
        self.take = Button("Take   Enter")
        self.take.setObjectName("primary")
        self.take.setDefault(True)
        self.take.clicked.connect(self._pressed)
        self.leave = Button("Leave   Esc")
        self.leave.clicked.connect(self.reject)
        self.amount.textChanged.connect(self._show_change)
        self._taken: Taken | None = None
        self._lay_out()
        self._show_change()

    # -- building ------------------------------------------------------------------------------------------

    def _field(self, name: str, length: int) -> QLineEdit:
        made = QLineEdit()
        made.setMaxLength(length)
        made.setAccessibleName(name)
        return made

    def _quick(self, cents: Cents) -> Button:
        button = Button(format_dollars(cents), f"{format_dollars(cents)} in cash")
        button.setAutoDefault(False)
        button.clicked.connect(lambda _checked=False: self._quick_pressed(cents))
        return button

    def _lay_out(self) -> None:
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(24, 20, 24, 20)
        self._form, box = _panel()
        self._layout.addWidget(self._form)
        due = amount_label("total")
        due.setText(format_dollars(self._due))
        due.setAccessibleName("Due")
        box.addLayout(row(label("Due", "heading"), 1, due))
        fields = QGridLayout()
        fields.setHorizontalSpacing(12)
        fields.setVerticalSpacing(4)
        places: list[tuple[QWidget, int, int, int]] = [(self.amount, 0, 0, 2)]
        if not self.is_cash:
            places = [
                (self.kind, 0, 0, 1),
                (self.number, 0, 1, 1),
                (self.amount, 2, 0, 1),
                (self.bank, 2, 1, 1),
                (self.payer, 4, 0, 2),
            ]
        for widget, line, column, span in places:
            named = label(widget.accessibleName(), "soft")
            named.setBuddy(widget)
            fields.addWidget(named, line, column, 1, span)
            fields.addWidget(widget, line + 1, column, 1, span)
        box.addLayout(fields)
        if self.quick:
            keys = QGridLayout()
            keys.setSpacing(8)
            for place, button in enumerate(self.quick):
                keys.addWidget(button, place // 3, place % 3)
            box.addLayout(keys)
        box.addLayout(row(self.change, 1))
        box.addWidget(self.fault)
        box.addLayout(row(1, self.leave, self.take))

    # -- what is typed -------------------------------------------------------------------------------------

    def _cents(self) -> Cents | None:
        try:
            return typed_cents(self.amount.text())
        except Refused:
            return None

    def _show_change(self) -> None:
        cents = self._cents()
        if cents is None or not cents:
            text = ""
        elif cents >= self._due:
            text = f"Change {format_dollars(Cents(cents - self._due))}" if self.is_cash else ""
        else:
            text = f"Still due after this {format_dollars(Cents(self._due - cents))}"
        self.change.setText(text)

    def _quick_pressed(self, cents: Cents) -> None:
        self.amount.setText(format_dollars(cents).replace(",", ""))
        self.take.setFocus()

    def _pressed(self) -> None:
        if self._taken is not None:
            self._go_on()
            return
        try:
            cents = typed_cents(self.amount.text())
            self._taken = self._till.take_tender(self._tender(cents))
        except CashierError as error:
            self._say(error.user_text)
            return
        if self._taken.receipt is None:
            self.accept()
        else:
            self._show_paid(self._taken, self._taken.receipt)

    def _tender(self, cents: Cents) -> Tender:
        if self.is_cash:
            return Tender(TenderKind.CASH, Cents(0), received_cents=cents)
        words = {name: getattr(self, name).text().strip() for name in ("number", "bank", "payer")}
        return Tender(self.kind.currentData(), cents, **words)

    def _say(self, text: str) -> None:
        self.fault.setText(text)
        self.fault.show()
        fit_height(self)
        announce(self.fault, text)
        field = self.number if "number of" in text else self.amount
        field.setFocus()
        field.selectAll()

    # -- paid ----------------------------------------------------------------------------------------------

    def _show_paid(self, taken: Taken, receipt: Receipt) -> None:
        """PAID, the change to hand back, and what comes next."""
        self._form.hide()
        change = amount_label("total")
        change.setText(format_dollars(taken.tender.change_cents))
        change.setAccessibleName("Change")
        self.paid = label(f"PAID  {format_dollars(receipt.paid_cents)}", "paid")
        on_paper = Button("Receipt on paper …   Ctrl+P")
        on_paper.setShortcut("Ctrl+P")
        on_paper.setAutoDefault(False)
        on_paper.clicked.connect(lambda _checked=False: self._print_receipt(receipt))
        self.next = Button("Next sale   Enter")
        self.next.setObjectName("primary")
        self.next.setDefault(True)
        self.next.clicked.connect(self._go_on)
        panel, box = _panel()
        box.addWidget(self.paid)
        box.addWidget(label(f"Receipt {receipt.number}", "soft"))
        if taken.tender.received_cents:
            box.addLayout(row(label("Change", "heading"), 1, change))
        box.addLayout(row(1, on_paper, self.next))
        self._layout.addWidget(panel)
        panel.show()
        fit_height(self)
        self.next.setFocus()
        said = f"Paid {format_dollars(receipt.paid_cents)}. Receipt {receipt.number}."
        if taken.tender.received_cents:
            said += f" Change {format_dollars(taken.tender.change_cents)}."
        announce(self, said)

    def _go_on(self) -> None:
        self.accept()
        self._next_sale()

    # -- Qt ------------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Typing starts where the hand is: at the cash, or at the check's number."""
        super().showEvent(event)
        fit_height(self)
        (self.amount if self.is_cash else self.number).setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """An Enter that is held down counts once: the next one may mean something else."""
        if event.isAutoRepeat() and event.key() in _ENTER:
            event.accept()
            return
        super().keyPressEvent(event)


def _panel() -> tuple[QWidget, QVBoxLayout]:
    panel = QWidget()
    box = QVBoxLayout(panel)
    box.setContentsMargins(0, 0, 0, 0)
    box.setSpacing(12)
    return panel, box
