"""The close after the count: the supervisor where one is needed, what is carried forward, the signature."""

from PySide6.QtCore import Signal, SignalInstance
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QCheckBox, QLineEdit

from cashier.domain.errors import CashierError
from cashier.domain.money import format_dollars
from cashier.domain.receipt import IN_DRAWER, TenderKind
from cashier.domain.shift import Pile
from cashier.till.shifts import Review
from cashier.till.snapshot import Snapshot
from cashier.till.till import Till
from cashier.ui.approval_dialog import ANSWER_MAX
from cashier.ui.shift_steps import (
    CarriedList,
    OnceButton,
    Step,
    carried_rows,
    day_words,
    fit_rows,
    left_cell,
    right_cell,
)
from cashier.ui.shift_working import PILES
from cashier.ui.tables import Table
from cashier.ui.widgets import Button, label, row

GO_ON = "Go on with the shift"


def _go_on_button(signal: SignalInstance) -> Button:
    button = Button(GO_ON)
    button.setToolTip("The shift takes money again; the drawer is counted anew before it is closed")
    button.clicked.connect(lambda _checked=False: signal.emit())
    return button


class WaitStep(Step):
    """The count waits for a supervisor. Nothing here says by how much it differs, or whether it does."""

    review_asked = Signal()
    back_asked = Signal()

    def __init__(self) -> None:
        super().__init__("A supervisor is needed")
        self.review = Button("Supervisor …", "A supervisor looks at the count")
        self.review.setObjectName("primary")
        self.review.clicked.connect(lambda _checked=False: self.review_asked.emit())
        self.back = _go_on_button(self.back_asked)
        text = "The supervisor enters their PIN, sees what was expected, and accepts the count or rejects it."
        self.box.addWidget(label(text, wrap=True))
        self.box.addLayout(row(self.back, 1, self.review))
        self.box.addStretch()

    def focus_start(self) -> None:
        """At the one thing to do."""
        self.review.setFocus()


class ReviewStep(Step):
    """For the supervisor's eyes: what was expected, what was counted, over or short; and the decision."""

    left = Signal()
    told = Signal(str)

    def __init__(self) -> None:
        super().__init__("Over or short")
        self._till: Till | None = None
        self.shown: Review | None = None
        self._model = QStandardItemModel(0, 4)
        self._model.setHorizontalHeaderLabels(["", "Expected", "Counted", "Over or short"])
        self.table = Table(self._model, "Expected, counted, over or short", grows=0, make_room=())
        self.counts = label("", "soft", wrap=True)
        self.reason = QLineEdit()
        self.reason.setMaxLength(ANSWER_MAX)
        self.reason.setAccessibleName("Reason")
        self.reason.setPlaceholderText("why it is accepted or rejected")
        self.accept = OnceButton("Accept the count")
        self.accept.setObjectName("primary")
        self.reject = OnceButton("Reject the count")
        self.leave = Button("Decide later", "Hide this, and decide later")
        self.accept.clicked.connect(lambda _checked=False: self._decide(accepts=True))
        self.reject.clicked.connect(lambda _checked=False: self._decide(accepts=False))
        self.leave.clicked.connect(lambda _checked=False: self.left.emit())
        named = label("Reason", "soft")
        named.setBuddy(self.reason)
        self.box.addWidget(self.table)
        self.box.addWidget(self.counts)
        self.box.addWidget(named)
        self.box.addWidget(self.reason)
        self.box.addLayout(row(self.leave, 1, self.reject, self.accept))
        self.box.addStretch()

    def attach(self, till: Till) -> None:
        """The till is there now."""
        self._till = till

    def show_review(self, review: Review) -> None:
        """Show what a supervisor has asked to see."""
        self.shown = review
        self.reason.clear()
        self._model.setRowCount(0)
        count = review.count
        for kind in IN_DRAWER:
            expected, counted = count.expected[kind], count.counted[kind]
            texts = (_pile(kind, expected), _pile(kind, counted), _over(kind, expected, counted))
            self._model.appendRow([left_cell(PILES[kind]), *(right_cell(text) for text in texts)])
        self._model.appendRow(
            [left_cell("In all"), right_cell(""), right_cell(""), right_cell(_signed(count.net_over_cents))]
        )
        fit_rows(self.table)
        self.counts.setText(_counts(review))

    def hide_review(self) -> None:
        """Nobody may see it any more: its figures are gone, not just out of sight."""
        self.shown = None
        self._model.setRowCount(0)
        self.counts.setText("")
        self.reason.clear()

    def _decide(self, *, accepts: bool) -> None:
        assert self._till is not None
        review, shifts = self.shown, self._till.shifts
        if review is None:
            return
        try:
            (shifts.approve if accepts else shifts.reject)(review, self.reason.text())
        except CashierError as error:
            self.told.emit(error.user_text)
            self.reason.setFocus()

    def focus_start(self) -> None:
        """At the reason, which both decisions need."""
        self.reason.setFocus()


class CarryStep(Step):
    """Step 2: what is carried forward, by name."""

    next_asked = Signal()
    back_asked = Signal()

    def __init__(self) -> None:
        super().__init__("Carry forward")
        self._till: Till | None = None
        self.carried = CarriedList(
            "Carried forward", "Nothing is carried forward: everything is settled, and no sale was put aside."
        )
        self.says = label(
            "What is in doubt is in no total of this shift: whether it was paid is not known yet. All of "
            "this is carried forward by name, and a late answer goes to the next open day.",
            wrap=True,
        )
        self.refusal = label("", "fault", wrap=True)
        self.go_on = OnceButton("On to sign   Enter")
        self.go_on.setObjectName("primary")
        self.go_on.clicked.connect(lambda _checked=False: self.next_asked.emit())
        self.back = _go_on_button(self.back_asked)
        self.box.addWidget(self.carried)
        self.box.addWidget(self.says)
        self.box.addWidget(self.refusal)
        self.box.addLayout(row(self.back, 1, self.go_on))
        self.box.addStretch()

    def attach(self, till: Till) -> None:
        """The till is there now."""
        self._till = till

    def show_snapshot(self, _snapshot: Snapshot) -> None:
        """Show what a close would carry forward now."""
        assert self._till is not None
        try:
            held, refusal = self._till.shifts.carried().held, ""
        except CashierError as error:
            held, refusal = self._till.shifts.carried_in().held, error.user_text
        self.carried.show_rows(carried_rows(self._till, held))
        self.says.setVisible(bool(self.carried.rows))
        self.refusal.setText(refusal)
        self.refusal.setVisible(bool(refusal))

    def focus_start(self) -> None:
        """On to the signature."""
        self.go_on.setFocus()


class SignStep(Step):
    """Step 3: whether the business date closes with the shift, and the close itself."""

    sign_asked = Signal(bool)
    back_asked = Signal()

    def __init__(self) -> None:
        super().__init__("Sign")
        self.says = label("", wrap=True)
        self.last = label("", wrap=True)
        self.day = QCheckBox("Close the business date, too")
        self.day.setChecked(True)
        self.sign = OnceButton("Close the shift   Enter")
        self.sign.setObjectName("primary")
        self.sign.clicked.connect(lambda _checked=False: self.sign_asked.emit(self.day.isChecked()))
        self.back = _go_on_button(self.back_asked)
        for widget in (self.says, self.last, self.day):
            self.box.addWidget(widget)
        self.box.addLayout(row(self.back, 1, self.sign))
        self.box.addStretch()

    def show_snapshot(self, snapshot: Snapshot, carried: int, *, day_was_closed: bool) -> None:
        """Who signs what. A date that was closed before closes again with its shift."""
        shift = snapshot.shift
        assert shift is not None
        date = day_words(shift.business_date)
        again = f", revision {shift.revision}" if shift.revision > 1 else ""
        what = f"{carried} carried forward" if carried else "nothing carried forward"
        by = f"; the count was accepted by {shift.approver}" if shift.approver else ""
        whose = "" if shift.clerk == snapshot.cashier else f" of {shift.clerk}"
        self.says.setText(
            f"{snapshot.cashier} closes shift {shift.number}{whose}{again}: counted, {what}{by}."
        )
        question = f"This was the last shift of {date}:"
        self.last.setText(f"{date} was closed before, and is closed again." if day_was_closed else question)
        self.day.setAccessibleName(f"{self.last.text()} {self.day.text().lower()}")
        self.day.setEnabled(not day_was_closed)
        if day_was_closed:
            self.day.setChecked(True)

    def start_over(self) -> None:
        """Another close: the date closes with it unless somebody says otherwise."""
        self.day.setChecked(True)

    def focus_start(self) -> None:
        """At the signature."""
        self.sign.setFocus()


def _pile(kind: TenderKind, pile: Pile) -> str:
    count = "" if kind is TenderKind.CASH else f"{pile.count} × "
    return f"{count}{format_dollars(pile.amount_cents)}"


def _over(kind: TenderKind, expected: Pile, counted: Pile) -> str:
    papers = counted.count - expected.count
    more = "" if kind is TenderKind.CASH or not papers else f"{papers:+d} × "
    return more + _signed(counted.amount_cents - expected.amount_cents)


def _signed(cents: int) -> str:
    if not cents:
        return "0.00"
    return f"{format_dollars(abs(cents))} {'over' if cents > 0 else 'short'}"


def _counts(review: Review) -> str:
    """Every count of this close, each with what it came to: all of them are kept."""
    lines = [
        f"{place}. count by {count.by}: "
        + ", ".join(f"{PILES[kind].lower()} {_pile(kind, count.counted[kind])}" for kind in IN_DRAWER)
        for place, count in enumerate(review.shift.counts, 1)
    ]
    return "\n".join(lines)
