"""The payment: the sealed hosted page on the left, where the payment stands on the right, in words.

The view's signals are hints and go up to the till as such; only the till's snapshot says what is true.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from cashier.domain.errors import CashierError
from cashier.domain.money import format_dollars
from cashier.domain.payment import PaymentEvent, PaymentState
from cashier.domain.receipt import Receipt
from cashier.paper.pen import local_time
from cashier.till.snapshot import PaymentView, Snapshot, Step, StepState
from cashier.till.till import Till
from cashier.ui.print_panel import PrintPanel
from cashier.ui.receipt_view import ReceiptView
from cashier.ui.theme import scaled
from cashier.ui.widgets import Banner, Button, Shrinking, amount_label, card, label

if TYPE_CHECKING:
    from cashier.ui.payment_view import PaymentView as HostedPage

#: Makes the sealed view of one payment. Plugged in late, because it brings in Qt WebEngine.
ViewMaker = Callable[[QWidget], "HostedPage"]
PANEL_WIDTH, PANEL_WIDTH_MAX = 380, 520
#: What the left side says while there is neither a page nor a receipt to show.
_ASIDE = {
    PaymentState.ISSUED: "The payment page was not opened.",
    PaymentState.OPEN: "The payment page is not open here.",
    PaymentState.IN_DOUBT: "This sale is locked until Invoice Cloud answers, here or after a restart.\n\n"
    "Ask the payer to wait, or hand out the slip and go on with the next sale: this payment stands under "
    "“In doubt” until it has its answer.",
    PaymentState.VOUCHED: "No receipt was made: see what stands beside.",
    PaymentState.APPROVED: "No receipt was made: see what stands beside.",
    PaymentState.DECLINED: "The page is closed. Nothing was charged.",
    PaymentState.ABANDONED: "Nothing was charged.",
}
#: The same, while it is made sure that a declined card was the last one.
_DECLINED_ASIDE = (
    "The page is closed. In half a minute or so it is certain that no other card is under way; then this "
    "sale can be paid another way.\n\nIt stays as it is on the sale page."
)
TRY_AGAIN, NEXT_SALE = "Try again   F8", "Next sale   Enter"
_NO_PAYMENT = "No payment is open. Take one from the sale page with F8."
#: The page of such a payment is taken down: nothing more may be sent by it.
_OVER = (PaymentState.APPROVED, PaymentState.VOUCHED, PaymentState.DECLINED, PaymentState.ABANDONED)
_RECEIPTED = (PaymentState.APPROVED, PaymentState.VOUCHED)
_SIGNS = {StepState.AHEAD: "○", StepState.NOW: "◷", StepState.DONE: "✓", StepState.STOPPED: "✕"}


class PaymentPage(QWidget):
    """One payment at a time; the others that are not settled are on the desk."""

    next_sale_asked = Signal()
    sale_asked = Signal()
    desk_asked = Signal()
    try_again_asked = Signal()
    save_asked = Signal(object)
    slip_asked = Signal(object)
    #: A verb failed: what the clerk has to know.
    told = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("page")
        self._till: Till | None = None
        self._make_view: ViewMaker | None = None
        self.hosted: HostedPage | None = None
        self._hosted_reference = ""
        self._focused_for: tuple[str, PaymentState] | None = None
        self._width = min(scaled(PANEL_WIDTH), PANEL_WIDTH_MAX)
        self.receipt = ReceiptView()
        self.nothing = label(_NO_PAYMENT, "soft", wrap=True)
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.left = QStackedWidget()
        self.left.addWidget(self.nothing)
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
        self.fee_name = label("Service fee", "soft")
        for line, (name, value) in enumerate(
            (
                (label("Amount", "soft"), self.amount),
                (self.fee_name, self.fee),
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
        self.others = self._button("", self.desk_asked.emit)
        self.others.setObjectName("link")
        panel = QVBoxLayout()
        panel.setSpacing(12)
        facts_area = Shrinking(self.facts)
        panel.addWidget(facts_area)
        panel.addWidget(self.banner)
        panel.addLayout(self._buttons())
        self.printing = PrintPanel()
        panel.addWidget(self.printing)
        panel.addWidget(self.others)
        panel.addStretch()
        for part in (facts_area, self.banner, self.others):
            part.setFixedWidth(self._width)
        return panel

    def _buttons(self) -> QVBoxLayout:
        self.try_again = self._button(TRY_AGAIN, self.try_again_asked.emit, primary=True)
        self.give_up = self._button("Give up this payment", self._give_up)
        self.stop = self._button("Stop waiting", self.stop_waiting)
        self.other_way = self._button("Pay another way", self._pay_another_way)
        self.take_rest = self._button("Take the rest   F8", self.sale_asked.emit, primary=True)
        self.next_sale = self._button(NEXT_SALE, self.next_sale_asked.emit, primary=True)
        self.save = self._button("Save the receipt as PDF   Ctrl+P", self._save)
        self.slip = self._button("Slip for the payer   Ctrl+P", self._ask_slip)
        self.statement = self._button("No-charge statement   Ctrl+P", self._ask_slip)
        self.back = self._button("Back to the sale", self.sale_asked.emit)
        box = QVBoxLayout()
        box.setSpacing(8)
        self.buttons = (
            self.try_again,
            self.take_rest,
            self.other_way,
            self.back,
            self.next_sale,
            self.save,
            self.slip,
            self.statement,
            self.stop,
            self.give_up,
        )
        for button in self.buttons:
            button.setFixedWidth(self._width)
            button.hide()
            box.addWidget(button)
        return box

    def _button(self, text: str, act: Callable[[], object], *, primary: bool = False) -> Button:
        button = Button(text)
        button.setObjectName("primary" if primary else "")
        button.clicked.connect(lambda _checked=False: act())
        return button

    # -- the hosted page -----------------------------------------------------------------------------------

    def attach(self, till: Till, make_view: ViewMaker) -> None:
        """The till is there now."""
        self._till, self._make_view = till, make_view
        self.printing.attach(till)
        if self.printing.has_printer:
            self.save.setText("Save the receipt as PDF")

    def open(self, reference: str, url: str) -> None:
        """Open the hosted page of a payment that is recorded as opening.

        Raises what keeps the page from being opened; the payment is in doubt then, for it counts as opened.
        """
        assert self._make_view is not None
        if self.hosted is not None:
            self._take_down(self._hosted_reference, PaymentEvent.PAGE_CLOSED)
        try:
            view = self._make_view(self.left)
            view.loaded.connect(lambda ok: None if ok else self._hint(reference, PaymentEvent.PAGE_FAILED))
            view.submitted.connect(lambda: self._hint(reference, PaymentEvent.PAGE_SUBMITTED))
            view.returned.connect(lambda: self._take_down(reference, PaymentEvent.PAGE_RETURNED))
            view.renderer_died.connect(
                lambda how: self._take_down(reference, PaymentEvent.RENDERER_DIED, how)
            )
            self.hosted, self._hosted_reference = view, reference
            self.left.addWidget(view)
            self.left.setCurrentWidget(view)
            view.open(url)
        except Exception:
            self._take_down(reference, PaymentEvent.PAGE_FAILED)
            raise

    def close_hosted(self) -> None:
        """Take the hosted page down. That by itself says nothing about the money."""
        if self.hosted is None:
            return
        view, self.hosted, self._hosted_reference = self.hosted, None, ""
        self.left.removeWidget(view)
        view.close_page()
        view.deleteLater()

    def _take_down(self, reference: str, event: PaymentEvent, detail: str = "") -> None:
        """The page is over, for a reason that is a hint: close it first, then show where that leads."""
        if reference == self._hosted_reference:
            self.close_hosted()
        self._hint(reference, event, detail)
        if self._till is not None:
            self.show_snapshot(self._till.snapshot())

    def _hint(self, reference: str, event: PaymentEvent, detail: str = "") -> None:
        self._try(lambda till: till.page_event(reference, event, detail))

    def _try(self, verb: Callable[[Till], None]) -> None:
        if self._till is None:
            return
        try:
            verb(self._till)
        except CashierError as error:
            self.told.emit(error.user_text)

    # -- snapshot down -------------------------------------------------------------------------------------

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the current payment and the others that are not settled."""
        payment = snapshot.payment
        self._show_others(snapshot)
        self.facts.setVisible(payment is not None)
        self.banner.setVisible(payment is not None)
        if payment is None:
            self.printing.show_receipt(None)
            self.banner.forget()
            self._focused_for = None
            self.nothing.setText(_NO_PAYMENT)
            self.left.setCurrentWidget(self.nothing)
            for button in self.buttons:
                button.setVisible(button is self.back)
            return
        self._show_facts(payment)
        self.banner.show_standing(payment.standing)
        if payment.state in _OVER and payment.reference == self._hosted_reference:
            self.close_hosted()
        receipt = snapshot.receipt if payment.state in _RECEIPTED else None
        if receipt is not None and receipt.reference == payment.reference:
            self.receipt.show_receipt(receipt)
            self.left.setCurrentWidget(self.receipt)
        elif self.hosted is not None and payment.reference == self._hosted_reference:
            self.left.setCurrentWidget(self.hosted)
        else:
            self.nothing.setText(_aside(payment))
            self.left.setCurrentWidget(self.nothing)
        self.printing.show_receipt(self.shown_receipt)
        self._show_actions(snapshot, payment)

    def _show_facts(self, payment: PaymentView) -> None:
        self.reference.setText(payment.reference)
        self.amount.setText(format_dollars(payment.amount_cents))
        self.fee.setText(f"+ {format_dollars(payment.fee_cents)}")
        self.fee_name.setText("Service fee, expected" if payment.fee_is_expected else "Service fee")
        self.whole.setText(format_dollars(payment.amount_cents + payment.fee_cents))
        self.reader.setText(f"Reader: {payment.reader}" if payment.reader else "No reader: typed on the page")
        for widget, step in zip(self.steps, payment.steps, strict=True):
            widget.setText(_step_text(step))

    def _show_others(self, snapshot: Snapshot) -> None:
        shown = snapshot.payment.reference if snapshot.payment else ""
        count = sum(row.reference != shown for row in snapshot.unsettled)
        payments = "1 other payment is" if count == 1 else f"{count} other payments are"
        self.others.setText(f"{payments} not settled   Ctrl+3")
        self.others.setAccessibleName(f"{payments} not settled")
        self.others.setVisible(count > 0)

    def _show_actions(self, snapshot: Snapshot, payment: PaymentView) -> None:
        state = payment.state
        open_here = self.hosted is not None and payment.reference == self._hosted_reference
        draft = snapshot.draft
        is_own_sale = draft.sale_id == payment.sale_id
        rest = state is PaymentState.APPROVED and is_own_sale and draft.due_cents > 0
        is_other_sale = not is_own_sale and not draft.is_empty
        declined_before = payment.card_declined and state is PaymentState.IN_DOUBT and not open_here
        shown = {
            self.try_again: payment.can_try_again,
            self.give_up: payment.can_give_up and not snapshot.busy,
            self.other_way: (state is PaymentState.DECLINED and is_own_sale)
            or (payment.card_declined and state is PaymentState.OPEN),
            self.stop: (state is PaymentState.OPEN and not payment.card_declined)
            or (open_here and state is PaymentState.IN_DOUBT),
            self.take_rest: rest,
            self.next_sale: not rest
            and not open_here
            and not is_other_sale
            and not payment.can_try_again
            and state is not PaymentState.OPEN
            and not (state is PaymentState.DECLINED and is_own_sale),
            self.save: self.left.currentWidget() is self.receipt,
            self.slip: payment.can_print_slip and not open_here,
            self.statement: payment.can_print_statement,
            self.back: state is PaymentState.ABANDONED
            or (is_other_sale and not open_here)
            or (declined_before and is_own_sale),
        }
        is_open = state is PaymentState.OPEN
        self.other_way.setText("Close the page, pay another way" if is_open else "Pay another way")
        self.other_way.setAccessibleName(self.other_way.text())
        self.try_again.setText("Starting …" if snapshot.busy else TRY_AGAIN)
        self.next_sale.setText("Next sale" if shown[self.back] else NEXT_SALE)
        for button, wanted in shown.items():
            button.setVisible(wanted)
        # A button that goes away hands its focus to anything; Enter must go on with the sale.
        standing = None if open_here else (payment.reference, payment.state)
        if self.isVisible() and standing is not None and self._focused_for != standing:
            self.focus_start()
        self._focused_for = standing

    # -- verbs up ------------------------------------------------------------------------------------------

    def stop_waiting(self) -> None:
        """Close the page; the payment stays in doubt until a fact."""
        reference = self._hosted_reference or (self._till.current_reference if self._till else None)
        if reference is not None:
            self._take_down(reference, PaymentEvent.PAGE_CLOSED)

    def _pay_another_way(self) -> None:
        """Back to the sale; while the page stands, close it first: nobody may pay on it meanwhile."""
        reference = self._till.current_reference if self._till else None
        payment = self._till.payment(reference) if self._till and reference else None
        if payment is not None and payment.state is PaymentState.OPEN:
            self.stop_waiting()
        else:
            self.sale_asked.emit()

    def _give_up(self) -> None:
        self._try(lambda till: till.give_up())

    def _save(self) -> None:
        if self.receipt.receipt is not None:
            self.save_asked.emit(self.receipt.receipt)

    def _ask_slip(self) -> None:
        """What the payer is handed in place of a receipt."""

        def ask(till: Till) -> None:
            reference = till.current_reference or ""
            desk = till.desk
            self.slip_asked.emit(
                desk.slip(reference) if self.statement.isHidden() else desk.statement(reference)
            )

        self._try(ask)

    def save_shown(self) -> None:
        """What there is on paper for the payment before the clerk: printed, else saved."""
        if self.shown_receipt is not None and self.printing.has_printer:
            self.printing.ask_print()
            return
        for button in (self.save, self.slip, self.statement):
            if not button.isHidden():
                button.click()
                return

    @property
    def shown_receipt(self) -> Receipt | None:
        """The receipt that is before the clerk."""
        return self.receipt.receipt if self.left.currentWidget() is self.receipt else None

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


def _aside(payment: PaymentView) -> str:
    if payment.state is PaymentState.IN_DOUBT and payment.card_declined:
        return _DECLINED_ASIDE
    return _ASIDE.get(payment.state, "")


def _step_text(step: Step) -> str:
    time = f"   {local_time(step.at)[-5:]}" if step.at else ""
    return f"{_SIGNS[step.state]}  {step.text}{time}"
