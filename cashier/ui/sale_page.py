"""The sale: who pays, which permit, which fees; on the right the invoices they make and what is due."""

from collections.abc import Callable
from itertools import pairwise

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtGui import QKeyEvent, QStandardItemModel
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from cashier.domain.errors import CashierError
from cashier.domain.money import Cents, format_dollars
from cashier.domain.sale import Customer, Permit
from cashier.till.draft import Line, Retrieved
from cashier.till.readers import ReaderView
from cashier.till.snapshot import DraftView, LineState, Snapshot
from cashier.till.till import Till
from cashier.ui.fee_picker import FeePicker
from cashier.ui.invoice_list import InvoiceList
from cashier.ui.theme import scaled
from cashier.ui.widgets import (
    Button,
    ElidedLabel,
    Shrinking,
    amount_label,
    announce,
    card,
    label,
    row,
    typed,
)

FIELD_MAX = 100
RIGHT_WIDTH_MIN, RIGHT_WIDTH_MAX = 360, 470
NOTES_HEIGHT_MAX = 132
LOCKED = "This sale was sent to the payment page and stands as it is. Other fees need a new sale: Ctrl+N."


class SalePage(QWidget):
    """Shows the draft of a snapshot; its verbs go to the till, its wish to pay to the window."""

    pay_asked = Signal()
    payment_asked = Signal()
    cash_asked = Signal()
    check_asked = Signal()
    held_asked = Signal()
    #: The reference of the card payment in doubt that stands in the way of cash.
    release_asked = Signal(str)
    readers_asked = Signal()
    #: The sale is to wait for the line.
    park_asked = Signal()
    customer_asked = Signal()
    #: With the retrieved invoice whose amount is to be another.
    amount_asked = Signal(object)
    #: Another sale is on the screen.
    sale_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("page")
        self._till: Till | None = None
        self._shown_sale = ""
        self.fees = FeePicker()
        self.invoices = InvoiceList()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.setSpacing(16)
        left = QVBoxLayout()
        left.setSpacing(12)
        left.addWidget(self._customer_card())
        left.addWidget(self.fees, 1)
        self._left = left
        layout.addLayout(left, 5)
        layout.addLayout(self._right_side(), 4)
        self.invoices.remove_asked.connect(lambda number: self._try(lambda till: till.remove_fee(number)))
        self.invoices.change_asked.connect(self._change)
        self.invoices.emptied.connect(self.focus_start)
        order = (
            *self.fields.values(),
            self.fees.search,
            self.fees.add,
            self.fees.leave,
            self.fees.offers,
            self.invoices.tree,
            self.reader,
            self.readers,
            self.pay,
            self.cash,
            self.check,
            self.held,
        )
        for before, after in pairwise(order):
            QWidget.setTabOrder(before, after)

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
            field.setToolTip(text)
            field.setMaxLength(FIELD_MAX)
            field.editingFinished.connect(self.commit_fields)
            self.fields[name] = field
            grid.addWidget(field, line, column, 1, span)
        for column in range(6):
            grid.setColumnStretch(column, 1)
        box = QVBoxLayout()
        box.setSpacing(8)
        self.fields["account_number"].returnPressed.connect(self.customer_asked.emit)
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
        self.reader_note = label("", "warning", wrap=True)
        self.note = label("", "fault", wrap=True)
        self.pay = Button("Card   F8", "Take a card payment")
        self.pay.setObjectName("primary")
        self.pay.clicked.connect(self._pay_clicked)
        self.cash = Button("Cash   F9", "Take cash")
        self.cash.clicked.connect(lambda _checked=False: self.press_drawer(self.cash_asked))
        self.check = Button("Check   F10", "Take a check or a money order")
        self.check.clicked.connect(lambda _checked=False: self.press_drawer(self.check_asked))
        self.held = Button("…", "What was taken and is on no receipt yet: give it back, or receipt it")
        self.held.setObjectName("beside")
        self.held.setToolTip(self.held.accessibleName())
        self.held.clicked.connect(lambda _checked=False: self.held_asked.emit())
        box = QVBoxLayout()
        box.setSpacing(12 - min(scaled(4), 8))  # large text takes the room
        box.addLayout(row(label("Total", "heading"), 1, self.total))
        box.addWidget(self._part_paid_rows())
        with_fee = label("With card fee", "soft")
        with_fee.setToolTip("The gateway's service fee, and what the payer's card is charged in all")
        self.service_fee.setAccessibleName("Service fee by card, kept by the gateway")
        self.with_fee.setAccessibleName("Payer's card is charged")
        box.addLayout(row(with_fee, 1, self.service_fee, self.with_fee))
        reader_name = label("Card reader", "heading")
        reader_name.setBuddy(self.reader)  # what screen readers on Linux say of a choice
        self.reader_standing = ElidedLabel("", "soft")
        # As narrow as can be: the name of the reader beside it is what must be read.
        self.readers = Button("…", "All readers: what is plugged in, and which is which (Shift+F7)")
        self.readers.setObjectName("beside")
        self.readers.setToolTip(self.readers.accessibleName())
        self.readers.clicked.connect(self.readers_asked.emit)
        box.addLayout(row(reader_name, self.reader_standing, 1, label("F7", "key")))
        choice = row(self.reader, self.readers)
        choice.setStretch(0, 1)
        box.addLayout(choice)
        notes = QVBoxLayout()
        notes.setContentsMargins(0, 0, 0, 0)
        for note in (self.reader_note, self.note):
            note.hide()
            notes.addWidget(note)
        self.park = Button(
            "Park for the line   Shift+F5", "Park this sale until cards can be taken (Shift+F5)"
        )
        self.park.setToolTip(self.park.accessibleName())
        # It goes with the line's return: the focus must not go with it. By keyboard it has a key of its own.
        self.park.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.park.clicked.connect(lambda _checked=False: self.park_asked.emit())
        self.park.hide()
        notes.addWidget(self.park)
        inside = QWidget()
        inside.setLayout(notes)
        # The larger the text, the less room is left for notes.
        self.notes = Shrinking(inside, NOTES_HEIGHT_MAX + 60 - scaled(60))
        self.notes.hide()
        box.addWidget(self.notes)
        box.addWidget(self.pay)
        drawer = row(self.cash, self.check, self.held)
        drawer.setStretch(0, 1)
        drawer.setStretch(1, 1)
        box.addLayout(drawer)
        side = QVBoxLayout()
        side.setSpacing(12)
        paying = card(box)
        for part in (self.invoices, paying):
            part.setMinimumWidth(RIGHT_WIDTH_MIN)
            part.setMaximumWidth(scaled(RIGHT_WIDTH_MAX))
        side.addWidget(self.invoices, 1)
        side.addWidget(paying)
        return side

    def _part_paid_rows(self) -> QWidget:
        self.paid, self.due = amount_label(), amount_label()
        self.paid_name = label("", "soft")
        rows = QVBoxLayout()
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addLayout(row(self.paid_name, 1, self.paid))
        rows.addLayout(row(label("Still due"), 1, self.due))
        self.part_paid = QWidget()
        self.part_paid.setLayout(rows)
        self.part_paid.hide()
        return self.part_paid

    def show_lookups(self, bar: QWidget) -> None:
        """Where what is looked up is told: above the fees."""
        self._left.insertWidget(1, bar)

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
        for view in till.readers.views():
            self.reader.addItem(view.reader.label, view.reader.id)
        self.reader.blockSignals(False)
        self.commit_fields()  # what was typed before the till was there

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the draft."""
        draft = snapshot.draft
        if self._shown_sale not in ("", draft.sale_id):
            self.sale_changed.emit()
        is_other_sale = draft.is_empty and self._shown_sale not in ("", draft.sale_id)
        self._shown_sale = draft.sale_id
        if is_other_sale:
            self.fees.start_over()
        self.fees.locked = LOCKED if draft.is_locked else ""
        self.invoices.show_draft(draft, snapshot.recent)
        self.total.setText(format_dollars(draft.total_cents))
        held_cents = Cents(sum(item.tender.amount_cents for item in draft.held))
        self.paid.setText(f"- {format_dollars(Cents(draft.paid_cents + held_cents))}")
        self.paid_name.setText("Taken" if held_cents else "Paid before")
        self.held.setVisible(bool(draft.held))
        self.due.setText(format_dollars(draft.due_cents))
        self.part_paid.setVisible(draft.paid_cents > 0 or held_cents > 0)
        has_amount = draft.due_cents > 0
        self.service_fee.setText(f"+ {format_dollars(draft.service_fee_cents)}" if has_amount else "")
        whole = draft.due_cents + draft.service_fee_cents
        self.with_fee.setText(format_dollars(whole) if has_amount else "")
        self._show_readers(snapshot.readers, draft)
        self._fill_fields(draft, is_other_sale)
        self.pay.setText(_pay_text(snapshot))
        # While it is being started the button stays on, deaf: one that goes off would lose the focus.
        self.pay.setEnabled(snapshot.busy or draft.is_locked or not draft.card_refusal)
        self.pay.setToolTip(draft.card_refusal)
        for key in (self.cash, self.check):
            key.setEnabled(not draft.drawer_refusal or bool(draft.in_the_way))
            key.setToolTip(draft.drawer_refusal)
        refusal = draft.card_refusal if draft.invoices else draft.reader.refusal if draft.reader else ""
        is_off = snapshot.line is LineState.OFFLINE
        self.park.setVisible(is_off and bool(draft.invoices) and not draft.is_locked)
        self._tell("" if snapshot.busy else refusal)

    def _show_readers(self, readers: tuple[ReaderView, ...], draft: DraftView) -> None:
        """The choice of readers, and where each stands; what cannot take a chip for this sale says why."""
        model = self.reader.model()
        assert isinstance(model, QStandardItemModel)
        for place, view in enumerate(readers, 1):
            reader = view.reader
            no_chip = bool(draft.emv_refusal) and reader.emv
            more = "" if not no_chip else " – swipe only" if reader.swipe else " – cannot be used: chip only"
            gone = f" – {view.standing}" if view.refusal else ""
            model.item(place).setText(reader.label + more + gone)
            model.item(place).setEnabled(not no_chip or reader.swipe)
        chosen = draft.reader
        index = self.reader.findData(chosen.reader.id if chosen else None)
        if index != self.reader.currentIndex():
            self.reader.setCurrentIndex(index)
        self.reader_standing.setText(f"{'○' if chosen.refusal else '●'} {chosen.standing}" if chosen else "")
        chip = chosen is not None and chosen.reader.emv
        self.reader_note.setText(draft.emv_refusal if chip else "")
        self._show_notes()

    def _fill_fields(self, draft: DraftView, is_other_sale: bool) -> None:
        """Show customer and permit. What is being typed stays until it is taken, or the sale is another."""
        permit = draft.permit or Permit("")
        for name, field in self.fields.items():
            if name == "permit_number":
                text = permit.number
            elif name == "permit_description":
                text = permit.description
            else:
                text = getattr(draft.customer, name)
            if is_other_sale or not field.isModified():
                field.setText(text)
                if not field.hasFocus():
                    field.setCursorPosition(0)  # the start of a long text is what tells
            field.setReadOnly(draft.is_locked)

    # -- verbs up ------------------------------------------------------------------------------------------

    def commit_fields(self) -> None:
        """Take what stands in the fields, as leaving one does: a function key must not lose it."""
        if self._till is None:
            return
        draft = self._till.snapshot().draft
        text = {name: field.text().strip() for name, field in self.fields.items()}
        for field in self.fields.values():
            field.setModified(False)
        number, description = text.pop("permit_number"), text.pop("permit_description")
        customer = Customer(display_account_number=draft.customer.display_account_number, **text)
        permit = Permit(number, description) if number or description else None
        if customer != draft.customer:
            self._try(lambda till: till.set_customer(customer))
        if permit != draft.permit:
            self._try(lambda till: till.set_permit(permit))

    def _reader_chosen(self, index: int) -> None:
        self._try(lambda till: till.choose_reader(self.reader.itemData(index)))

    def _change(self, line: Line) -> None:
        if self._till is not None and self._till.snapshot().draft.is_locked:
            self.tell(LOCKED)
        elif (retrieved := self._retrieved(line)) is not None:
            self.amount_asked.emit(retrieved)
        else:
            self.fees.start_change(line)

    def _retrieved(self, line: Line) -> Retrieved | None:
        assert self._till is not None
        views = (view.retrieved for view in self._till.snapshot().draft.invoices)
        return next((item for item in views if item is not None and item.number == line.number), None)

    def _pay_clicked(self) -> None:
        """The card key: it pays what is due, or goes to the payment that holds the sale, or says why not."""
        self.commit_fields()
        if self._till is None:
            return
        snapshot = self._till.snapshot()
        draft = snapshot.draft
        if snapshot.busy:
            return
        if not draft.card_refusal:
            self.pay_asked.emit()
        elif draft.is_locked:
            self.payment_asked.emit()
        else:
            self.tell(draft.card_refusal)
            if draft.invoices and not draft.customer.name.strip():
                self.fields["name"].setFocus()

    def press_drawer(self, asked: SignalInstance) -> None:
        """The key of cash or of checks: it opens their dialog, or says why not."""
        self.commit_fields()
        if self._till is None:
            return
        draft = self._till.snapshot().draft
        refusal = draft.drawer_refusal
        if not refusal:
            asked.emit()
            return
        if draft.in_the_way:
            self.release_asked.emit(draft.in_the_way)
            return
        self.tell(refusal)
        if "name" in refusal:
            self.fields["name"].setFocus()

    def press_pay(self) -> None:
        """The card key was pressed, wherever the focus is."""
        self._pay_clicked()

    def _try(self, verb: Callable[[Till], None]) -> None:
        if self._till is None:
            return
        try:
            verb(self._till)
        except CashierError as error:
            snapshot = self._till.snapshot()
            self._fill_fields(snapshot.draft, False)
            self._show_readers(snapshot.readers, snapshot.draft)
            self.tell(error.user_text)

    def _tell(self, text: str) -> None:
        self.note.setText(text)
        self._show_notes()

    def _show_notes(self) -> None:
        for note in (self.reader_note, self.note):
            note.setVisible(bool(note.text()))
        is_parkable = not self.park.isHidden()
        self.notes.setVisible(bool(self.reader_note.text() or self.note.text()) or is_parkable)

    def tell(self, text: str) -> None:
        """Show, and have said, why something could not be done."""
        self._tell(text)
        announce(self, text)

    # -- keyboard ------------------------------------------------------------------------------------------

    def focus_start(self) -> None:
        """Where typing goes when the page comes up."""
        self.fees.search.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Typing anywhere searches; Esc stops what is being asked."""
        text = typed(event)
        if text:
            self.search_for(text)
        elif event.key() == Qt.Key.Key_Escape and self.fees.is_asking:
            self.fees.stop_asked.emit()
        else:
            super().keyPressEvent(event)

    def search_for(self, text: str) -> None:
        """Go on typing in the search field."""
        self.fees.search.setFocus()
        self.fees.search.setText(self.fees.search.text() + text)


def _pay_text(snapshot: Snapshot) -> str:
    draft = snapshot.draft
    if snapshot.busy:
        return "Starting …"
    if draft.is_locked and draft.card_refusal and not draft.held:
        return "To the payment   F8" if draft.due_cents > 0 else "Show the receipt   F8"
    return "Card   F8"
