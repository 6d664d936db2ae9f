"""The sale: who pays, which permit, which fees; on the right the invoices they make and what is due."""

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from cashier.domain.errors import Refused
from cashier.domain.money import format_dollars
from cashier.domain.sale import Customer, Permit
from cashier.till.snapshot import DraftView, Snapshot
from cashier.till.till import Till
from cashier.ui.fee_picker import FeePicker
from cashier.ui.invoice_list import InvoiceList
from cashier.ui.widgets import amount_label, card, label, row

FIELD_MAX = 100
RIGHT_WIDTH = 470


class SalePage(QWidget):
    """Shows the draft of a snapshot; its verbs go to the till, its wish to pay to the window."""

    pay_asked = Signal()
    payment_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("page")
        self._till: Till | None = None
        self._filling = False
        self.fees = FeePicker()
        self.invoices = InvoiceList()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.setSpacing(16)
        left = QVBoxLayout()
        left.setSpacing(12)
        left.addWidget(self._customer_card())
        left.addWidget(self.fees, 1)
        layout.addLayout(left, 1)
        layout.addLayout(self._right_side())
        self.fees.message.connect(self._tell)
        self.invoices.remove_asked.connect(lambda number: self._try(lambda till: till.remove_fee(number)))
        self.invoices.change_asked.connect(self.fees.start_change)
        QWidget.setTabOrder(self.fields["permit_description"], self.fees.search)

    # -- building ------------------------------------------------------------------------------------------

    def _customer_card(self) -> QWidget:
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(8)
        self.fields: dict[str, QLineEdit] = {}
        places = (
            ("name", "Customer name", 0, 0, 3),
            ("account_number", "Account number", 0, 3, 3),
            ("address", "Street address", 1, 0, 2),
            ("city", "City", 1, 2, 2),
            ("state", "State", 1, 4, 1),
            ("zip", "ZIP", 1, 5, 1),
            ("permit_number", "Permit number", 2, 0, 2),
            ("permit_description", "What the permit is for", 2, 2, 2),
            ("email", "E-mail", 2, 4, 2),
        )
        for name, text, line, column, span in places:
            field = QLineEdit()
            field.setPlaceholderText(text)
            field.setAccessibleName(text)
            field.setMaxLength(FIELD_MAX)
            field.editingFinished.connect(self._fields_edited)
            self.fields[name] = field
            grid.addWidget(field, line, column, 1, span)
        for column in range(6):
            grid.setColumnStretch(column, 1)
        box = QVBoxLayout()
        box.setSpacing(8)
        box.addLayout(row(label("Customer and permit", "heading"), 1, label("F4", "key")))
        box.addLayout(grid)
        return card(box)

    def _right_side(self) -> QVBoxLayout:
        self.total = amount_label("total")
        self.total.setAccessibleName("Total")
        self.service_fee = amount_label()
        self.with_fee = amount_label()
        self.reader = QComboBox()
        self.reader.setAccessibleName("Card reader")
        self.reader.activated.connect(self._reader_chosen)
        self.reader_note = label("", "soft", wrap=True)
        self.note = label("", "fault", wrap=True)
        self.note.setAccessibleName("")
        self.pay = QPushButton("Card   F8")
        self.pay.setObjectName("primary")
        self.pay.setAccessibleName("Take a card payment")
        self.pay.clicked.connect(self._pay_clicked)
        box = QVBoxLayout()
        box.setSpacing(8)
        box.addLayout(row(label("Total", "heading"), 1, self.total))
        box.addLayout(row(label("Service fee by card, kept by the gateway", "soft"), 1, self.service_fee))
        box.addLayout(row(label("Payer's card is charged", "soft"), 1, self.with_fee))
        box.addWidget(self.reader)
        box.addWidget(self.reader_note)
        box.addWidget(self.note)
        box.addWidget(self.pay)
        side = QVBoxLayout()
        side.setSpacing(12)
        paying = card(box)
        for part in (self.invoices, paying):
            part.setFixedWidth(RIGHT_WIDTH)
        side.addWidget(self.invoices, 1)
        side.addWidget(paying)
        return side

    # -- snapshot down -------------------------------------------------------------------------------------

    def attach(self, till: Till) -> None:
        """The till is there now."""
        self._till = till
        self.fees.attach(till)
        if not till.config.account_required:
            self.fields["account_number"].setPlaceholderText("Account number (blank: made for you)")
        self.reader.blockSignals(True)
        self.reader.clear()
        self.reader.addItem("No reader: the card is typed in on the page", None)
        for reader in till.config.readers:
            self.reader.addItem(reader.label, reader.id)
        self.reader.blockSignals(False)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the draft."""
        draft = snapshot.draft
        self.invoices.show_draft(draft, snapshot.recent)
        self.total.setText(format_dollars(draft.due_cents))
        has_amount = draft.due_cents > 0
        self.service_fee.setText(f"+ {format_dollars(draft.service_fee_cents)}" if has_amount else "")
        whole = draft.due_cents + draft.service_fee_cents
        self.with_fee.setText(format_dollars(whole) if has_amount else "")
        self._show_reader(draft)
        self._fill_fields(draft)
        self.pay.setText(
            "Starting …"
            if snapshot.busy
            else "Go on with the payment   F8"
            if draft.is_locked and snapshot.payment and draft.due_cents > 0 and draft.paid_cents == 0
            else "Card   F8"
        )
        self.pay.setEnabled(not snapshot.busy and (not draft.card_refusal or draft.is_locked))
        self.pay.setToolTip(draft.card_refusal)
        if not draft.is_empty:
            self._tell(draft.card_refusal if draft.invoices else "")
        else:
            self._tell("")

    def _show_reader(self, draft: DraftView) -> None:
        index = self.reader.findData(draft.reader.id if draft.reader else None)
        if index != self.reader.currentIndex():
            self.reader.setCurrentIndex(index)
        chip = draft.reader is not None and draft.reader.emv
        self.reader_note.setText(draft.emv_refusal if chip else "")
        self.reader_note.setVisible(bool(self.reader_note.text()))

    def _fill_fields(self, draft: DraftView) -> None:
        permit = draft.permit or Permit("")
        texts = {
            **{name: getattr(draft.customer, name) for name in self.fields if not name.startswith("permit_")},
            "permit_number": permit.number,
            "permit_description": permit.description,
        }
        self._filling = True
        for name, field in self.fields.items():
            if not field.hasFocus() or draft.is_empty:
                field.setText(texts[name])
            field.setReadOnly(draft.is_locked)
        self._filling = False

    # -- verbs up ------------------------------------------------------------------------------------------

    def _fields_edited(self) -> None:
        if self._filling or self._till is None:
            return
        draft = self._till.snapshot().draft
        text = {name: field.text().strip() for name, field in self.fields.items()}
        number, description = text.pop("permit_number"), text.pop("permit_description")
        customer = Customer(display_account_number=draft.customer.display_account_number, **text)
        permit = Permit(number, description) if number or description else None
        if customer != draft.customer:
            self._try(lambda till: till.set_customer(customer))
        if permit != draft.permit:
            self._try(lambda till: till.set_permit(permit))

    def commit_fields(self) -> None:
        """Take what stands in the fields, as leaving one does: a function key must not lose it."""
        self._fields_edited()

    def _reader_chosen(self, index: int) -> None:
        self._try(lambda till: till.choose_reader(self.reader.itemData(index)))

    def _pay_clicked(self) -> None:
        self.commit_fields()
        if self._till is None:
            return
        if self._till.snapshot().draft.is_locked:
            self.payment_asked.emit()
        else:
            self.pay_asked.emit()

    def _try(self, verb: Callable[[Till], None]) -> None:
        if self._till is None:
            return
        try:
            verb(self._till)
        except Refused as refused:
            self._tell(refused.user_text)

    def _tell(self, text: str) -> None:
        self.note.setText(text)
        self.note.setVisible(bool(text))

    def tell(self, text: str) -> None:
        """Show why something could not be done."""
        self._tell(text)

    # -- keyboard ------------------------------------------------------------------------------------------

    def focus_start(self) -> None:
        """Where typing goes when the page comes up."""
        self.fees.search.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Typing anywhere searches."""
        text = event.text()
        if text.isprintable() and text.strip() and not event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier:
            self.fees.search.setFocus()
            self.fees.search.setText(self.fees.search.text() + text)
            return
        super().keyPressEvent(event)
