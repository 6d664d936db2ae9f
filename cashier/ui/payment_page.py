"""The payment: the sealed hosted page on the left, where the payment stands on the right, in words.

The view's signals are hints and go up to the till as such; only the till's snapshot says what is true.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from cashier.domain.money import format_dollars
from cashier.domain.payment import PaymentEvent, PaymentState
from cashier.paper.receipt_page import local_time
from cashier.till.snapshot import PaymentView, Snapshot, Step, StepState, UnsettledRow
from cashier.till.till import Till
from cashier.ui.receipt_view import ReceiptView
from cashier.ui.widgets import Banner, amount_label, card, label

if TYPE_CHECKING:
    from cashier.ui.payment_view import PaymentView as HostedPage

#: Makes the sealed view of one payment. Plugged in late, because it brings in Qt WebEngine.
ViewMaker = Callable[[QWidget], "HostedPage"]
PANEL_WIDTH = 380
#: What the left side says while there is neither a page nor a receipt to show.
_ASIDE = {
    PaymentState.ISSUED: "The payment page was not opened.",
    PaymentState.IN_DOUBT: "This sale is locked until Invoice Cloud answers, here or after a restart.\n\n"
    "Ask the payer to wait, or go on with the next sale: this payment stays on the list.",
    PaymentState.ABANDONED: "Nothing was charged.",
}
_SIGNS = {StepState.AHEAD: "○", StepState.NOW: "◷", StepState.DONE: "✓", StepState.STOPPED: "✕"}


class PaymentPage(QWidget):
    """One payment at a time; below it, the others that are not settled."""

    next_sale_asked = Signal()
    sale_asked = Signal()
    try_again_asked = Signal()
    save_asked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("page")
        self._till: Till | None = None
        self._make_view: ViewMaker | None = None
        self.hosted: HostedPage | None = None
        self._hosted_reference = ""
        self._focused_for: tuple[str, PaymentState] | None = None
        self.receipt = ReceiptView()
        self._nothing = label("No payment is open. Take one from the sale page with F8.", "soft", wrap=True)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.left = QStackedWidget()
        self.left.addWidget(self._nothing)
        self.left.addWidget(self.receipt)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.setSpacing(16)
        layout.addWidget(self.left, 1)
        layout.addLayout(self._panel())

    # -- building ------------------------------------------------------------------------------------------

    def _panel(self) -> QVBoxLayout:
        self.title = label("Payment", "title")
        self.reference = label("", "soft", wrap=True)
        self.reference.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.amounts = QGridLayout()
        self.amounts.setVerticalSpacing(4)
        self.amount, self.fee, self.whole = amount_label(), amount_label(), amount_label()
        self._fee_name = label("Service fee", "soft")
        for line, (name, value) in enumerate(
            (
                (label("Amount", "soft"), self.amount),
                (self._fee_name, self.fee),
                (label("Card pays"), self.whole),
            )
        ):
            self.amounts.addWidget(name, line, 0)
            self.amounts.addWidget(value, line, 1)
        self.reader = label("", "soft", wrap=True)
        self.steps = [label("", "step", wrap=True) for _ in range(4)]
        facts = QVBoxLayout()
        facts.setSpacing(6)
        for widget in (self.title, self.reference):
            facts.addWidget(widget)
        facts.addLayout(self.amounts)
        facts.addWidget(self.reader)
        for step in self.steps:
            facts.addWidget(step)
        self.facts = card(facts)
        self.banner = Banner()
        self.others_title = label("Not settled", "heading")
        self.others = QListWidget()
        self.others.setAccessibleName("Payments that are not settled")
        self.others.itemActivated.connect(self._other_chosen)
        self.others.itemClicked.connect(self._other_chosen)
        panel = QVBoxLayout()
        panel.setSpacing(12)
        panel.addWidget(self.facts)
        panel.addWidget(self.banner)
        panel.addLayout(self._buttons())
        panel.addWidget(self.others_title)
        panel.addWidget(self.others, 1)
        panel.addStretch()
        for part in (self.facts, self.banner, self.others):
            part.setFixedWidth(PANEL_WIDTH)
        return panel

    def _buttons(self) -> QVBoxLayout:
        self.try_again = self._button("Try again   F8", self.try_again_asked.emit, primary=True)
        self.give_up = self._button("Give up this payment", self._give_up)
        self.stop = self._button("Stop waiting", self.stop_waiting)
        self.other_way = self._button("Close the page, pay another way", self._close_declined)
        self.take_rest = self._button("Take the rest   F8", self.sale_asked.emit, primary=True)
        self.next_sale = self._button("Next sale   Enter", self.next_sale_asked.emit, primary=True)
        self.save = self._button("Save the receipt as PDF   Ctrl+P", self._save)
        self.back = self._button("Back to the sale", self.sale_asked.emit)
        box = QVBoxLayout()
        box.setSpacing(8)
        self.buttons = (
            self.try_again,
            self.take_rest,
            self.next_sale,
            self.save,
            self.other_way,
            self.stop,
            self.give_up,
            self.back,
        )
        for button in self.buttons:
            button.setFixedWidth(PANEL_WIDTH)
            button.hide()
            box.addWidget(button)
        return box

    def _button(self, text: str, act: Callable[[], object], *, primary: bool = False) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName("primary" if primary else "")
        button.setAutoDefault(primary)
        button.clicked.connect(lambda _checked=False: act())
        return button

    # -- the hosted page -----------------------------------------------------------------------------------

    def attach(self, till: Till, make_view: ViewMaker) -> None:
        """The till is there now."""
        self._till, self._make_view = till, make_view

    def open(self, reference: str, url: str) -> None:
        """Open the hosted page of a payment that is recorded as opening."""
        assert self._make_view is not None
        self.close_hosted()
        view = self._make_view(self.left)
        view.loaded.connect(lambda ok: None if ok else self._hint(reference, PaymentEvent.PAGE_FAILED))
        view.submitted.connect(lambda: self._hint(reference, PaymentEvent.PAGE_SUBMITTED))
        view.returned.connect(lambda: self._returned(reference))
        view.renderer_died.connect(lambda how: self._hint(reference, PaymentEvent.RENDERER_DIED, how))
        self.hosted, self._hosted_reference = view, reference
        self.left.addWidget(view)
        self.left.setCurrentWidget(view)
        view.open(url)

    def close_hosted(self) -> None:
        """Take the hosted page down. That by itself says nothing about the money."""
        if self.hosted is None:
            return
        view, self.hosted, self._hosted_reference = self.hosted, None, ""
        self.left.removeWidget(view)
        view.close_page()
        view.deleteLater()

    def _hint(self, reference: str, event: PaymentEvent, detail: str = "") -> None:
        if self._till is not None:
            self._till.page_event(reference, event, detail)

    def _returned(self, reference: str) -> None:
        self._hint(reference, PaymentEvent.PAGE_RETURNED)
        if reference == self._hosted_reference:
            self.close_hosted()

    # -- snapshot down -------------------------------------------------------------------------------------

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the current payment and the others that are not settled."""
        payment = snapshot.payment
        self._show_others(snapshot.unsettled, payment)
        self.facts.setVisible(payment is not None)
        self.banner.setVisible(payment is not None)
        if payment is None:
            self.left.setCurrentWidget(self._nothing)
            for button in self.buttons:
                button.setVisible(button is self.back)
            return
        self._show_facts(payment)
        self.banner.show_standing(payment.standing)
        settled = payment.state is PaymentState.APPROVED
        if settled and payment.reference == self._hosted_reference:
            self.close_hosted()
        if settled and snapshot.receipt is not None and snapshot.receipt.reference == payment.reference:
            self.receipt.show_receipt(snapshot.receipt)
            self.left.setCurrentWidget(self.receipt)
        elif self.hosted is not None and payment.reference == self._hosted_reference:
            self.left.setCurrentWidget(self.hosted)
        else:
            self._nothing.setText(_ASIDE.get(payment.state, ""))
            self.left.setCurrentWidget(self._nothing)
        self._show_actions(snapshot, payment)

    def _show_facts(self, payment: PaymentView) -> None:
        self.reference.setText(payment.reference)
        self.amount.setText(format_dollars(payment.amount_cents))
        self.fee.setText(f"+ {format_dollars(payment.fee_cents)}")
        self._fee_name.setText("Service fee, expected" if payment.fee_is_expected else "Service fee")
        self.whole.setText(format_dollars(payment.amount_cents + payment.fee_cents))
        self.reader.setText(f"Reader: {payment.reader}" if payment.reader else "No reader: typed on the page")
        for widget, step in zip(self.steps, payment.steps, strict=True):
            widget.setText(_step_text(step))

    def _show_others(self, unsettled: tuple[UnsettledRow, ...], payment: PaymentView | None) -> None:
        others = [row for row in unsettled if payment is None or row.reference != payment.reference]
        self.others.clear()
        for row in others:
            amount, at = format_dollars(row.amount_cents), local_time(row.issued_at)
            item = QListWidgetItem(f"{row.standing.word} · {amount} · since {at}")
            item.setData(Qt.ItemDataRole.UserRole, row.reference)
            item.setSizeHint(QSize(0, 40))
            self.others.addItem(item)
        self.others.setVisible(bool(others))
        self.others_title.setVisible(bool(others))

    def _show_actions(self, snapshot: Snapshot, payment: PaymentView) -> None:
        paid = payment.state is PaymentState.APPROVED
        open_here = self.hosted is not None and payment.reference == self._hosted_reference
        rest = paid and snapshot.draft.sale_id == payment.sale_id and snapshot.draft.due_cents > 0
        shown = {
            self.try_again: payment.can_try_again and not snapshot.busy,
            self.give_up: payment.can_give_up and not snapshot.busy,
            self.stop: open_here and payment.state in (PaymentState.OPEN, PaymentState.IN_DOUBT),
            self.other_way: payment.state is PaymentState.DECLINED,
            self.take_rest: rest,
            self.next_sale: not rest
            and not open_here
            and not payment.can_try_again
            and payment.state is not PaymentState.DECLINED,
            self.save: paid and snapshot.receipt is not None,
            self.back: payment.state is PaymentState.ABANDONED,
        }
        for button, wanted in shown.items():
            button.setVisible(wanted)
        # A button that goes away hands its focus to anything; Enter must go on with the sale.
        if self.isVisible() and not open_here and self._focused_for != (payment.reference, payment.state):
            self._focused_for = (payment.reference, payment.state)
            self.focus_start()

    # -- verbs up ------------------------------------------------------------------------------------------

    def stop_waiting(self) -> None:
        """Close the page; the payment stays in doubt until a fact."""
        reference = self._hosted_reference
        self.close_hosted()
        self._hint(reference, PaymentEvent.PAGE_CLOSED)

    def _close_declined(self) -> None:
        if self._hosted_reference:
            self.stop_waiting()
        self.sale_asked.emit()

    def _give_up(self) -> None:
        if self._till is not None:
            self._till.give_up()

    def _save(self) -> None:
        if self.receipt.receipt is not None:
            self.save_asked.emit(self.receipt.receipt)

    def _other_chosen(self, item: QListWidgetItem) -> None:
        if self._till is not None and self.hosted is None:
            self._till.show_payment(item.data(Qt.ItemDataRole.UserRole))

    def focus_start(self) -> None:
        """Where typing goes when the page comes up."""
        if self.hosted is not None:
            self.hosted.setFocus()
            return
        for button in self.buttons:
            if not button.isHidden():
                button.setFocus()
                return
        self.others.setFocus()


def _step_text(step: Step) -> str:
    time = f"   {local_time(step.at)[-5:]}" if step.at else ""
    return f"{_SIGNS[step.state]}  {step.text}{time}"
