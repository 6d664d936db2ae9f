"""The dialogs of the Shift page: cash in and out with its reason, and a shift that is opened again.

Opened, never executed. What the core refuses is said in the dialog, and what was typed stays.
"""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QVBoxLayout, QWidget

from cashier.domain.entries import EntryKind
from cashier.domain.errors import CashierError
from cashier.domain.money import Cents
from cashier.domain.people import Permission
from cashier.till.shifts import Review
from cashier.till.till import Till
from cashier.ui.approval_dialog import ANSWER_MAX, Approval, ApprovalDialog, Question, Run
from cashier.ui.tender_dialog import AMOUNT_MAX, typed_cents
from cashier.ui.theme import scaled
from cashier.ui.widgets import Button, announce, fit_height, label, row

WIDTH = 520
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
#: Does what the dialog is for, with the amount (0 where none is asked for) and the reason.
#: Raises a CashierError with the words to show.
Act = Callable[[Cents, str], object]


class ReasonDialog(QDialog):
    """Something that is recorded with a reason, and with an amount of cash or without. Deletes itself."""

    def __init__(
        self, window: QWidget, *, title: str, says: str, go_on: str, has_amount: bool, act: Act
    ) -> None:
        super().__init__(window)
        self._act = act
        self._has_amount = has_amount
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setWindowTitle(title)
        self.setMinimumWidth(min(scaled(WIDTH), window.width()))
        self.amount = self._field("Amount of cash", AMOUNT_MAX)
        self.reason = self._field("Reason", ANSWER_MAX)
        self.fault = label("", "fault", wrap=True)
        self.fault.hide()
        self.go_on = Button(go_on)
        self.go_on.setObjectName("primary")
        self.go_on.setDefault(True)
        self.go_on.clicked.connect(lambda _checked=False: self._pressed())
        self.leave = Button("Leave   Esc")
        self.leave.clicked.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 20)
        layout.setSpacing(8)
        layout.addWidget(label(title, "title", wrap=True))
        layout.addWidget(label(says, wrap=True))
        self.amount.setVisible(has_amount)
        for field in (self.amount, self.reason) if has_amount else (self.reason,):
            named = label(field.accessibleName(), "soft")
            named.setBuddy(field)
            layout.addWidget(named)
            layout.addWidget(field)
        layout.addWidget(self.fault)
        layout.addLayout(row(1, self.leave, self.go_on))

    def _field(self, name: str, length: int) -> QLineEdit:
        made = QLineEdit(self)
        made.setMaxLength(length)
        made.setAccessibleName(name)
        return made

    def _pressed(self) -> None:
        at = self.amount if self._has_amount else self.reason
        try:
            cents = typed_cents(self.amount.text()) if self._has_amount else Cents(0)
            at = self.reason if cents or not self._has_amount else self.amount
            self._act(cents, self.reason.text())
        except CashierError as error:
            self.fault.setText(error.user_text)
            self.fault.show()
            fit_height(self)
            announce(self.fault, error.user_text)
            at.setFocus()
            at.selectAll()
        else:
            self.accept()

    def showEvent(self, event: QShowEvent) -> None:
        """Typing starts at the first field."""
        super().showEvent(event)
        fit_height(self)
        (self.amount if self._has_amount else self.reason).setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """An Enter that is held down counts once."""
        if event.isAutoRepeat() and event.key() in _ENTER:
            event.accept()
            return
        super().keyPressEvent(event)


def pay_dialog(window: QWidget, till: Till, kind: EntryKind) -> ReasonDialog:
    """Cash paid in or out."""
    goes_in = kind is EntryKind.CASH_PAID_IN
    return ReasonDialog(
        window,
        title="Pay in" if goes_in else "Pay out",
        says="Cash that is put into the drawer and is no payment, such as change from the bank."
        if goes_in
        else "Cash that is taken out of the drawer and is no refund, such as change for another till.",
        go_on="Record as paid in" if goes_in else "Record as paid out",
        has_amount=True,
        act=till.shifts.pay_in if goes_in else till.shifts.pay_out,
    )


def reopen_dialog(window: QWidget, till: Till) -> ReasonDialog:
    """A closed shift is opened again."""
    return ReasonDialog(
        window,
        title="Open the shift again",
        says="The shift and its business date are open again, under the next revision. The old close stays "
        "as it is. Before the next close the drawer is counted anew, and a supervisor accepts the count.",
        go_on="Open again",
        has_amount=False,
        act=lambda _cents, reason: till.shifts.reopen(reason),
    )


def drop_dialog(window: QWidget, till: Till, run: Run) -> ApprovalDialog:
    """Cash that two people move to the safe."""

    async def act(approval: Approval) -> None:
        amount, bag = approval.answers
        await till.shifts.drop(typed_cents(amount), bag, supervisor=approval.supervisor, pin=approval.pin)

    return ApprovalDialog(
        window,
        title="Drop",
        says="Cash that goes from the drawer to the safe, in a bag. Two people count it and record it.",
        questions=(
            Question("Amount of cash", "what goes into the bag"),
            Question("Bag number", "as it is printed on the bag"),
        ),
        supervisors=till.people.approvers(Permission.APPROVE_DROP),
        go_on="Record the drop",
        act=act,
        run=run,
    )


def review_dialog(window: QWidget, till: Till, run: Run, show: Callable[[Review], object]) -> ApprovalDialog:
    """A supervisor asks to see the count beside what was expected."""

    async def act(approval: Approval) -> None:
        show(await till.shifts.review(approval.supervisor, approval.pin))

    return ApprovalDialog(
        window,
        title="Supervisor",
        says="What was expected is shown to the supervisor alone: whoever counted looks away. It is recorded "
        "that it was seen.",
        questions=(),
        supervisors=till.people.approvers(Permission.APPROVE_VARIANCE),
        go_on="Show the count",
        act=act,
        run=run,
    )
