"""Find a fee, answer what it asks, see its price, add it: all by keyboard."""

from itertools import pairwise

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from cashier.domain.errors import Refused
from cashier.domain.money import format_dollars
from cashier.till.draft import FeeQuestion, Line
from cashier.till.retrieve import looks_like_an_invoice
from cashier.till.till import Till
from cashier.ui.theme import scaled, tabular
from cashier.ui.widgets import (
    Button,
    ElidedLabel,
    amount_label,
    announce,
    card,
    label,
    row,
    search_field,
    typed,
)

CODE_ROLE = Qt.ItemDataRole.UserRole
QUANTITY_MAX = 9999
ANSWER_MAX = 14
OFFER_HEIGHT = 40


class OfferRow(QWidget):
    """A fee in the list: name, invoice type, and what it costs or starts from."""

    def __init__(self, name: str, type_name: str, price: str) -> None:
        super().__init__()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 0, 8, 0)
        self.price = amount_label("price")
        self.price.setText(price)
        layout.addWidget(_column(name), 5)
        layout.addWidget(self.price)
        layout.addSpacing(12)
        layout.addWidget(_column(type_name, "soft"), 2)


def _column(text: str, kind: str = "") -> ElidedLabel:
    """A text as wide as its share of the row, so that the columns of all rows are the same."""
    made = ElidedLabel(text, kind)
    made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return made


class _Offers(QListWidget):
    """Fees found. One click, or Enter pressed once, takes one; letters go to the search field."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Fees found")
        self.itemClicked.connect(lambda item: self.chosen.emit(item.data(CODE_ROLE)))
        self.viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A double click is one click: by its second the list may show other fees."""
        if event.type() is QEvent.Type.MouseButtonDblClick and watched is self.viewport():
            return True
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter takes the marked fee."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            item = self.currentItem()
            if item is not None and not event.isAutoRepeat():
                self.chosen.emit(item.data(CODE_ROLE))
        elif typed(event) or event.key() == Qt.Key.Key_Escape:
            event.ignore()
        else:
            super().keyPressEvent(event)


class FeePicker(QFrame):
    """Search field, offers, and the question row of the chosen fee.

    What is typed or scanned and is no fee may be an invoice number: then Enter asks for the invoice.
    """

    invoice_asked = Signal(str)
    stop_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        #: Why no fee can be added now, or empty.
        self.locked = ""
        #: Whether the gateway is being asked about an invoice: then Esc stops that.
        self.is_asking = False
        self._till: Till | None = None
        self._question: FeeQuestion | None = None
        self._changing: int | None = None
        self.search = search_field("Add a fee", "A fee's name, e.g. roof, or an invoice number")
        self.search.textChanged.connect(self._searched)
        self.search.installEventFilter(self)
        self.offers = _Offers()
        self.offers.chosen.connect(self._choose)
        self.reason = label("", "fault", wrap=True)
        self.reason.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(8)
        layout.addLayout(
            row(label("Fees", "heading"), 1, label("F3 searches · ↑ ↓ choose · Enter adds", "key"))
        )
        layout.addWidget(self.search)
        layout.addWidget(self._question_row())
        layout.addWidget(self.reason)
        layout.addWidget(self.offers, 1)

    def _question_row(self) -> QWidget:
        self.asked = label("", "title", wrap=True)
        self._fields_box = QVBoxLayout()
        self._fields_box.setSpacing(8)
        self.price = amount_label()
        self.add = Button("Add")
        self.add.clicked.connect(self._commit)
        self.leave = Button("Leave it")
        self.leave.clicked.connect(self.close_question)
        self.inputs: dict[str, QLineEdit] = {}
        box = QVBoxLayout()
        box.setSpacing(8)
        box.addWidget(self.asked)
        box.addLayout(self._fields_box)
        box.addLayout(row(self.price, 1, self.add, self.leave))
        self.question_card = card(box)
        self.question_card.hide()
        return self.question_card

    def attach(self, till: Till) -> None:
        """The till is there now; show what was typed meanwhile."""
        self._till = till
        self._searched(self.search.text())

    def start_over(self) -> None:
        """Another sale: nothing typed for the last one stays."""
        self._put_away()
        self.search.clear()

    # -- searching -----------------------------------------------------------------------------------------

    def _searched(self, text: str) -> None:
        self.offers.clear()
        if self._question is None:
            self._tell("")
        if self._till is None:
            return
        rows: list[OfferRow] = []
        for fee in self._till.search_fees(text):
            item = QListWidgetItem()
            item.setData(CODE_ROLE, fee.code)
            price = self._till.quick_price(fee.code)
            kind = self._till.config.type_name(fee.type_id)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{fee.name}, {price}, {kind}")
            item.setSizeHint(QSize(0, scaled(OFFER_HEIGHT)))
            self.offers.addItem(item)
            rows.append(OfferRow(fee.name, kind, price))
            self.offers.setItemWidget(item, rows[-1])
        price_width = max((offer.price.sizeHint().width() for offer in rows), default=0)
        for offer in rows:
            offer.price.setFixedWidth(price_width)
        if self.offers.count() and text.strip():
            self.offers.setCurrentRow(0)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows move in the offers while the cursor stays in the field; Enter takes the marked one."""
        if event.type() is not QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
            return super().eventFilter(watched, event)
        if watched is self.search and event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            step = 1 if event.key() == Qt.Key.Key_Down else -1
            self.offers.setCurrentRow(max(0, min(self.offers.count() - 1, self.offers.currentRow() + step)))
            if (item := self.offers.currentItem()) is not None:
                announce(self.search, item.data(Qt.ItemDataRole.AccessibleTextRole))
            return True
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if not event.isAutoRepeat():
                self._enter(watched)
            return True
        if event.key() == Qt.Key.Key_Escape and watched is self.search and self.is_asking:
            self.stop_asked.emit()
            return True
        if event.key() == Qt.Key.Key_Escape and watched is self.search and self.search.text():
            self.search.clear()
            return True
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc leaves the question, wherever the focus is in it."""
        if event.key() == Qt.Key.Key_Escape and self._question is not None:
            self.close_question()
        else:
            super().keyPressEvent(event)

    def _enter(self, watched: QObject) -> None:
        if watched is not self.search:
            self._commit()
        elif (item := self.offers.currentItem()) is not None:
            self._choose(item.data(CODE_ROLE))
        elif looks_like_an_invoice(text := self.search.text().strip()):
            self.invoice_asked.emit(text)
        elif text:
            self._refuse("No fee is called that, and no invoice number looks like it. Nothing was added.")

    def ask_invoice(self) -> None:
        """Take what stands in the search field for an invoice number, whatever fees it finds."""
        if text := self.search.text().strip():
            self.invoice_asked.emit(text)
        else:
            self.search.setFocus()
            self._refuse("Type or scan the invoice number here first.")

    # -- the question row ----------------------------------------------------------------------------------

    def _choose(self, code: str) -> None:
        """A fee that asks nothing is added at once; another shows its question row."""
        if self._till is None:
            return
        if self.locked:
            self._refuse(self.locked)
            return
        question = self._till.asks(code)
        if question.measures or question.units:
            self._ask(question, {}, 1)
            return
        self._put_away()
        self._question = question
        self._commit()

    def start_change(self, line: Line) -> None:
        """Bring a line of the sale back to its question row."""
        if self._till is None:
            return
        question = self._till.asks(line.request.code)
        values = {name: _plain(value) for name, value in line.request.measures.items()}
        self._ask(question, values, line.request.quantity, line.number)

    def _ask(
        self, question: FeeQuestion, values: dict[str, str], quantity: int, changing: int | None = None
    ) -> None:
        self._put_away()
        self._question, self._changing = question, changing
        self.asked.setText(question.name)
        verb = "Add" if changing is None else "Change"
        self.add.setText(verb)
        self.add.setAccessibleName(f"{verb} {question.name}")
        for measure in question.measures:
            unit = f" ({measure.unit})" if measure.unit else ""
            self._add_input(measure.name, f"{measure.label}{unit}", values.get(measure.name, ""))
        if not question.measures:
            text = f"Quantity ({question.units})" if question.units else "Quantity"
            self._add_input("", text, str(quantity))
        fields = list(self.inputs.values())
        for before, after in pairwise((self.search, *fields, self.add, self.leave, self.offers)):
            QWidget.setTabOrder(before, after)
        self.question_card.show()
        fields[0].setFocus()
        fields[0].selectAll()
        self._preview()

    def _add_input(self, name: str, text: str, value: str) -> None:
        field = QLineEdit(value)
        field.setAccessibleName(text)
        field.setMaxLength(ANSWER_MAX)
        field.setFont(tabular(field.font()))
        field.setFixedWidth(scaled(170))
        field.textChanged.connect(self._preview)
        field.installEventFilter(self)
        holder = QWidget()
        line = row(label(text, "soft", wrap=True), field)
        line.setStretch(0, 1)
        line.setContentsMargins(0, 0, 0, 0)
        holder.setLayout(line)
        self._fields_box.addWidget(holder)
        self.inputs[name] = field

    def _answers(self) -> tuple[int, dict[str, str]]:
        """Quantity and measures as typed. Raises Refused for a quantity that is none."""
        measures = {name: field.text().strip() for name, field in self.inputs.items() if name}
        text = self.inputs[""].text().strip() if "" in self.inputs else "1"
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= QUANTITY_MAX):
            raise Refused(f"The quantity is a whole number from 1 to {QUANTITY_MAX}.")
        return int(text), measures

    def _preview(self) -> None:
        """The price before anything is added; while nothing is typed there is nothing to complain of."""
        if self._till is None or self._question is None:
            return
        self._tell("")
        self.price.setText("")
        if any(not field.text().strip() for field in self.inputs.values()):
            return
        try:
            quantity, measures = self._answers()
            cents = self._till.preview(self._question.code, quantity, measures, self._changing)
        except Refused as refused:
            self._tell(refused.user_text)
        else:
            self.price.setText(f"→ {format_dollars(cents)}")

    def _commit(self) -> None:
        if self._till is None or self._question is None:
            return
        try:
            quantity, measures = self._answers()
            if self._changing is None:
                self._till.add_fee(self._question.code, quantity, measures)
            else:
                self._till.change_fee(self._changing, quantity, measures)
        except Refused as refused:
            self._refuse(refused.user_text)
            if not self.inputs:
                self._question = None
            return
        self.close_question()
        self.search.clear()

    def _refuse(self, reason: str) -> None:
        self._tell(reason)
        announce(self, reason)

    def _tell(self, reason: str) -> None:
        """Why the price or the adding was refused, right below the fields."""
        self.reason.setText(reason)
        self.reason.setVisible(bool(reason))

    def close_question(self) -> None:
        """Put the question row away; what was not added is not added."""
        self._put_away()
        self.search.setFocus()

    def _put_away(self) -> None:
        self._question, self._changing = None, None
        self._tell("")
        self.inputs = {}
        # The focus must not be on what goes away: Qt would hand it to anything.
        focused = self.window().focusWidget()
        if focused is not None and self.question_card.isAncestorOf(focused):
            self.search.setFocus()
        self.question_card.hide()
        while (item := self._fields_box.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()


def _plain(hundredths: int) -> str:
    whole, part = divmod(hundredths, 100)
    return f"{whole}.{part:02d}" if part else str(whole)
