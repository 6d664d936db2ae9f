"""Find a fee, answer what it asks, see its price, add it: all by keyboard."""

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from cashier.domain.errors import Refused
from cashier.domain.money import format_dollars
from cashier.till.draft import Line
from cashier.till.till import FeeQuestion, Till
from cashier.ui.theme import tabular
from cashier.ui.widgets import ElidedLabel, amount_label, card, label, row

CODE_ROLE = Qt.ItemDataRole.UserRole
QUANTITY_MAX = 9999


class OfferRow(QWidget):
    """A fee in the list: name, invoice type, and what it costs or starts from."""

    def __init__(self, name: str, type_name: str, price: str) -> None:
        super().__init__()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 0, 8, 0)
        self._amount = amount_label("price")
        self._amount.setText(price)
        self._amount.setMinimumWidth(110)
        kind = label(type_name, "soft")
        kind.setFixedWidth(150)
        layout.addWidget(ElidedLabel(name), 1)
        layout.addWidget(self._amount)
        layout.addSpacing(12)
        layout.addWidget(kind)


class FeePicker(QFrame):
    """Search field, offers, and the question row of the chosen fee."""

    message = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self._till: Till | None = None
        self._question: FeeQuestion | None = None
        self._changing: int | None = None
        self.search = QLineEdit()
        self.search.setObjectName("search")
        self.search.setPlaceholderText("Add a fee: type a word of its name, e.g. roof")
        self.search.setAccessibleName("Add a fee")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._searched)
        self.search.installEventFilter(self)
        self.offers = QListWidget()
        self.offers.setAccessibleName("Fees found")
        self.offers.itemActivated.connect(lambda item: self._choose(item.data(CODE_ROLE)))
        self.offers.itemClicked.connect(lambda item: self._choose(item.data(CODE_ROLE)))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(8)
        layout.addLayout(
            row(label("Fees", "heading"), 1, label("F3 searches · ↑ ↓ choose · Enter adds", "key"))
        )
        layout.addWidget(self.search)
        layout.addWidget(self._question_row())
        layout.addWidget(self.offers, 1)

    def _question_row(self) -> QWidget:
        self._asked = label("", "title")
        self._fields_box = QHBoxLayout()
        self._fields_box.setSpacing(8)
        self.price = amount_label()
        self.price.setMinimumWidth(110)
        self.add = QPushButton("Add")
        self.add.clicked.connect(self._commit)
        cancel = QPushButton("Leave it")
        cancel.clicked.connect(self.close_question)
        self.inputs: dict[str, QLineEdit] = {}
        self._reason = label("", "soft", wrap=True)
        box = QVBoxLayout()
        box.setSpacing(8)
        box.addWidget(self._asked)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addLayout(self._fields_box, 1)
        line.addWidget(self.price)
        line.addWidget(self.add)
        line.addWidget(cancel)
        box.addLayout(line)
        box.addWidget(self._reason)
        self._question_card = card(box)
        self._question_card.hide()
        return self._question_card

    def attach(self, till: Till) -> None:
        """The till is there now; show what was typed meanwhile."""
        self._till = till
        self._searched(self.search.text())

    # -- searching -----------------------------------------------------------------------------------------

    def _searched(self, text: str) -> None:
        self.offers.clear()
        if self._till is None:
            return
        for fee in self._till.search_fees(text):
            item = QListWidgetItem()
            item.setData(CODE_ROLE, fee.code)
            price = self._till.quick_price(fee.code)
            kind = self._till.config.type_name(fee.type_id)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{fee.name}, {price}, {kind}")
            item.setSizeHint(QSize(0, 40))
            self.offers.addItem(item)
            self.offers.setItemWidget(item, OfferRow(fee.name, kind, price))
        if self.offers.count() and text.strip():
            self.offers.setCurrentRow(0)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows move in the offers while the cursor stays in the field; Enter takes the marked one."""
        if event.type() is QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if watched is self.search and event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
                step = 1 if event.key() == Qt.Key.Key_Down else -1
                self.offers.setCurrentRow(
                    max(0, min(self.offers.count() - 1, self.offers.currentRow() + step))
                )
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.isAutoRepeat():
                self._enter(watched)
                return True
            if event.key() == Qt.Key.Key_Escape and watched is not self.search:
                self.close_question()
                return True
        return super().eventFilter(watched, event)

    def _enter(self, watched: QObject) -> None:
        if watched is self.search:
            item = self.offers.currentItem()
            if item is not None:
                self._choose(item.data(CODE_ROLE))
        else:
            self._commit()

    # -- the question row ----------------------------------------------------------------------------------

    def _choose(self, code: str) -> None:
        """A fee that asks nothing is added at once; another shows its question row."""
        if self._till is None:
            return
        question = self._till.asks(code)
        if question.measures or question.units:
            self._ask(question, {}, 1)
            return
        self._question, self._changing = question, None
        self._clear_inputs()
        self._commit()

    def start_change(self, line: Line) -> None:
        """Bring a line of the sale back to its question row."""
        if self._till is None:
            return
        question = self._till.asks(line.request.code)
        values = {name: _plain(value) for name, value in line.request.measures.items()}
        self._ask(question, values, line.request.quantity)
        self._changing = line.number
        self.add.setText("Change")

    def _ask(self, question: FeeQuestion, values: dict[str, str], quantity: int) -> None:
        self._question, self._changing = question, None
        self._clear_inputs()
        self._asked.setText(question.name)
        self.add.setText("Add")
        for measure in question.measures:
            unit = f" ({measure.unit})" if measure.unit else ""
            self._add_input(measure.name, f"{measure.label}{unit}", values.get(measure.name, ""))
        if not question.measures:
            self._add_input(
                "", f"Quantity ({question.units})" if question.units else "Quantity", str(quantity)
            )
        self._question_card.show()
        first = next(iter(self.inputs.values()))
        first.setFocus()
        first.selectAll()
        self._preview()

    def _add_input(self, name: str, text: str, value: str) -> None:
        field = QLineEdit(value)
        field.setPlaceholderText(text)
        field.setAccessibleName(text)
        field.setToolTip(text)
        field.setMaxLength(14)
        field.setFont(tabular(field.font()))
        field.setMinimumWidth(170)
        field.textChanged.connect(self._preview)
        field.installEventFilter(self)
        caption = label(text, "soft")
        self._fields_box.addWidget(caption)
        self._fields_box.addWidget(field)
        self.inputs[name] = field

    def _clear_inputs(self) -> None:
        self.inputs = {}
        while (item := self._fields_box.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()

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
        if any(not field.text().strip() for field in self.inputs.values()):
            self.price.setText("")
            self._reason.hide()
            return
        try:
            quantity, measures = self._answers()
            cents = self._till.preview(self._question.code, quantity, measures, self._changing)
        except Refused as refused:
            self.price.setText("")
            self._reason.setText(refused.user_text)
            self._reason.show()
        else:
            self.price.setText(f"→ {format_dollars(cents)}")
            self._reason.hide()

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
            self._reason.setText(refused.user_text)
            self._reason.setVisible(self._question_card.isVisible())
            self.message.emit(refused.user_text)
            return
        self.close_question()
        self.search.clear()

    def close_question(self) -> None:
        """Put the question row away; what was not added is not added."""
        self._question, self._changing = None, None
        self._question_card.hide()
        self.search.setFocus()


def _plain(hundredths: int) -> str:
    whole, part = divmod(hundredths, 100)
    return f"{whole}.{part:02d}" if part else str(whole)
