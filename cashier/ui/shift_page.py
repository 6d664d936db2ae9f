"""The Shift page: open a shift, cash in and out of its drawer, and its close in three steps.

Count, carry forward, sign. What is expected is shown to those alone who may see it, for as long as they look
at it; whoever counts never sees it, nor by how much a count differs (behaviours T2, T3).
"""

from collections.abc import Callable
from enum import Enum, auto

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from cashier.domain.errors import CashierError
from cashier.domain.shift import Count, Outcome, ShiftState
from cashier.till.shift_views import ShiftView
from cashier.till.shifts import NO_SHIFT, Review
from cashier.till.snapshot import Snapshot
from cashier.till.till import Till
from cashier.till.words import Standing, Tone
from cashier.ui.approval_dialog import Run
from cashier.ui.count_form import CountStep
from cashier.ui.shift_bar import warnings_of
from cashier.ui.shift_closing import CarryStep, ReviewStep, SignStep, WaitStep
from cashier.ui.shift_dialogs import drop_dialog, pay_dialog, reopen_dialog, review_dialog
from cashier.ui.shift_opening import OpenStep
from cashier.ui.shift_steps import Step, day_words, since_words
from cashier.ui.shift_working import WorkStep
from cashier.ui.widgets import Banner, announce, label

RECOUNT = "The count does not agree. Count once more."
STEPS = ("1  Count", "2  Carry forward", "3  Sign")


class Showing(Enum):
    """What the page is about."""

    FAULT = auto()
    OPEN = auto()
    WORK = auto()
    COUNT = auto()
    WAIT = auto()
    REVIEW = auto()
    CARRY = auto()
    SIGN = auto()


#: Which of the three steps of a close each is part of.
_STEP_OF = {Showing.COUNT: 0, Showing.WAIT: 0, Showing.REVIEW: 0, Showing.CARRY: 1, Showing.SIGN: 2}


class ShiftPage(QWidget):
    """One state of the shift at a time. What was typed stays when the page is left."""

    sale_asked = Signal()

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.setObjectName("page")
        self._run = run
        self._till: Till | None = None
        self._snapshot: Snapshot | None = None
        self._person = ""
        self._is_counting = self._is_signing = False
        self.showing = Showing.FAULT
        self.banner = Banner()
        self.warning = label("", "warning", wrap=True)
        self.fault = label("", "fault", wrap=True)
        self.opening, self.working, self.counting = OpenStep(), WorkStep(), CountStep()
        self.waiting, self.review = WaitStep(), ReviewStep()
        self.carrying, self.signing = CarryStep(), SignStep()
        self._steps: dict[Showing, Step] = {
            Showing.FAULT: Step("The shift cannot be shown"),
            Showing.OPEN: self.opening,
            Showing.WORK: self.working,
            Showing.COUNT: self.counting,
            Showing.WAIT: self.waiting,
            Showing.REVIEW: self.review,
            Showing.CARRY: self.carrying,
            Showing.SIGN: self.signing,
        }
        self.stack = QStackedWidget()
        for step in self._steps.values():
            self.stack.addWidget(step)
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        self.steps = [label(text, "step") for text in STEPS]
        head = QHBoxLayout()
        head.setSpacing(24)
        head.addWidget(label("Shift", "title"))
        head.addStretch()
        for step in self.steps:
            head.addWidget(step)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.setSpacing(12)
        layout.addLayout(head)
        layout.addWidget(self.banner)
        layout.addWidget(self.warning)
        layout.addWidget(self.fault)
        layout.addWidget(self.stack, 1)
        self.warning.hide()
        self.fault.hide()

    def _connect(self) -> None:
        for told in (self.opening.told, self.working.told, self.counting.told, self.review.told):
            told.connect(self.tell)
        self.opening.reopen_asked.connect(lambda: self._open_dialog(reopen_dialog))
        self.working.sale_asked.connect(self.sale_asked)
        self.working.count_asked.connect(self._start_count)
        self.working.rest_asked.connect(self._rest)
        self.working.pay_asked.connect(lambda kind: self._open_dialog(pay_dialog, kind))
        self.working.drop_asked.connect(lambda: self._open_dialog(drop_dialog, self._run))
        self.counting.counted.connect(self._counted)
        self.waiting.review_asked.connect(
            lambda: self._open_dialog(review_dialog, self._run, self._show_review)
        )
        self.review.left.connect(self._leave_review)
        self.carrying.next_asked.connect(self._sign_next)
        self.signing.sign_asked.connect(self._close)
        for back in (
            self.counting.back_asked,
            self.waiting.back_asked,
            self.carrying.back_asked,
            self.signing.back_asked,
        ):
            back.connect(self._go_on)

    # -- snapshot down -----------------------------------------------------------------------------------

    def attach(self, till: Till) -> None:
        """The till is there now."""
        self._till = till
        for step in (self.opening, self.working, self.review, self.carrying):
            step.attach(till)
        self.counting.attach(till.config.drawer.denominations)

    def refresh(self) -> None:
        """Show the shift as it is now. Where something else is to be done, the focus goes there."""
        if self._till is None:
            return
        snapshot = self._snapshot = self._till.snapshot()
        self._hide_from_others(snapshot)
        before, self.showing = self.showing, self._to_show(snapshot)
        shift = snapshot.shift
        if self.showing is not Showing.REVIEW:
            self.review.hide_review()
        if self.showing is not Showing.WORK:
            self.working.hide_expected()
        if self.showing is Showing.OPEN:
            self.opening.show_snapshot(snapshot)
        elif self.showing is Showing.WORK:
            self.working.show_snapshot(snapshot)
        elif self.showing is Showing.CARRY:
            self.carrying.show_snapshot(snapshot)
        elif self.showing is Showing.SIGN:
            self.carrying.show_snapshot(snapshot)
            closed = self._till.shifts.day_was_closed()
            self.signing.show_snapshot(snapshot, len(self.carrying.carried.rows), day_was_closed=closed)
        self.stack.setCurrentWidget(self._steps[self.showing])
        self._show_steps()
        self.banner.show_standing(self._standing(shift, snapshot))
        warning = warnings_of(snapshot, counting=self.showing in _STEP_OF)
        self.warning.setText(f"◷  {warning}" if warning else "")
        self.warning.setVisible(bool(warning))
        if self.showing is not before:
            self.tell("")
            if self.isVisible():
                self.focus_start()

    def _to_show(self, snapshot: Snapshot) -> Showing:
        shift = snapshot.shift
        if shift is None and _is_fault(snapshot):
            return Showing.FAULT
        if shift is None or shift.is_closed:
            self._is_counting = self._is_signing = False
            return Showing.OPEN
        if shift.state is ShiftState.BALANCED:
            return Showing.SIGN if self._is_signing else Showing.CARRY
        self._is_signing = False
        if shift.state is ShiftState.COUNTED and shift.outcome is Outcome.APPROVAL:
            return Showing.REVIEW if self.review.shown is not None else Showing.WAIT
        if shift.state.is_counting or self._is_counting:
            return Showing.COUNT
        return Showing.WORK

    def _hide_from_others(self, snapshot: Snapshot) -> None:
        """What only one person may see goes with them, and when the screen is locked."""
        people = snapshot.people
        is_there = people.signed_in is not None and not people.is_locked
        person = people.signed_in.id if people.signed_in is not None and is_there else ""
        if person != self._person:
            self.leave()
        self._person = person

    def leave(self) -> None:
        """The page is left: what only some may see is seen no more. What was typed stays."""
        self.working.hide_expected()
        self.review.hide_review()

    def _show_steps(self) -> None:
        now = _STEP_OF.get(self.showing)
        for place, step in enumerate(self.steps):
            step.setVisible(now is not None)
            step.setObjectName("step-now" if place == now else "step")
            step.style().unpolish(step)
            step.style().polish(step)
            step.setAccessibleName(f"Step {step.text()}{', now' if place == now else ''}")

    def _standing(self, shift: ShiftView | None, snapshot: Snapshot) -> Standing:
        if self.showing is Showing.FAULT:
            return Standing(Tone.REFUSED, "No shift", snapshot.no_money)
        if shift is None:
            return Standing(Tone.CALM, "No shift", "Open the first one with the cash that the drawer holds.")
        whose = f"Shift {shift.number} of {shift.clerk}"
        if shift.is_closed:
            date = day_words(shift.business_date)
            assert self._till is not None
            day = "is closed, too" if self._till.shifts.day_was_closed() else "is open for another shift"
            return Standing(Tone.CALM, "Closed", f"{whose} is closed. {date} {day}.")
        revision = f", revision {shift.revision}" if shift.revision > 1 else ""
        facts = (
            f"{whose}{revision}, since {since_words(shift)}. Business date {day_words(shift.business_date)}."
        )
        tone, word, more = self._doing(shift, snapshot)
        return Standing(tone, word, f"{more} {facts}".strip())

    def _doing(self, shift: ShiftView, snapshot: Snapshot) -> tuple[Tone, str, str]:
        """Tone and word of what is to be done, and a sentence about it."""
        match self.showing:
            case Showing.COUNT if shift.state is ShiftState.COUNTED:
                return Tone.WAITING, "Count once more", RECOUNT
            case Showing.COUNT if shift.state is ShiftState.REJECTED:
                text = "The supervisor did not accept the count. Count the drawer again."
                return Tone.WAITING, "Count again", text
            case Showing.COUNT:
                return Tone.CALM, "Count", "Count the whole drawer, and write 0 for what is not there."
            case Showing.WAIT:
                text = "A supervisor must look at the count before the shift can be closed."
                return Tone.WAITING, "Supervisor", text
            case Showing.REVIEW:
                assert self.review.shown is not None
                return Tone.WAITING, "Over or short", f"For {self.review.shown.supervisor.name} alone."
            case Showing.CARRY | Showing.SIGN:
                return Tone.CALM, "Counted", "The count is accepted."
        if shift.state is ShiftState.SUSPENDED:
            return Tone.WAITING, "Suspended", "Nobody takes money until it is resumed."
        word = "Open" if shift.state is ShiftState.OPEN else "Opened again"
        tone = Tone.WAITING if snapshot.no_money or shift.revision > 1 else Tone.CALM
        return tone, word, snapshot.no_money

    # -- verbs up ----------------------------------------------------------------------------------------

    def _open_dialog(self, make: Callable[..., object], *more: object) -> None:
        self.tell("")
        make(self.window(), self._till, *more).open()  # type: ignore[attr-defined]

    def _try(self, verb: Callable[[Till], object]) -> bool:
        """Whether it was done; what the core refuses is told."""
        assert self._till is not None
        try:
            verb(self._till)
        except CashierError as error:
            self.tell(error.user_text)
            return False
        return True

    def _rest(self) -> None:
        """Suspend the shift, or resume it."""
        shift = self._snapshot.shift if self._snapshot else None
        if shift is not None:
            works = shift.state.takes_money
            if self._try(lambda till: till.shifts.suspend() if works else till.shifts.resume()):
                self.tell("")
                self.working.focus_start()

    def _start_count(self) -> None:
        self._is_counting = True
        self.refresh()

    def _counted(self, count: Count) -> None:
        """A count is recorded once, and forgotten here: the next one begins with nothing."""
        if self._try(lambda till: till.shifts.count(count)):
            self._is_counting = False
            self.counting.clear()
            self.signing.start_over()
            self.tell("")
            self.refresh()
            self.focus_start()

    def _go_on(self) -> None:
        """Back to work: a count that was recorded stays in the journal, one that was not is put away."""
        shift = self._snapshot.shift if self._snapshot else None
        if shift is None or (shift.state.is_counting and not self._try(lambda till: till.shifts.resume())):
            return
        self._is_counting = self._is_signing = False
        self.counting.clear()
        self.refresh()

    def _show_review(self, review: Review) -> None:
        """The supervisor has entered their PIN; nobody has left meanwhile."""
        if self.isVisible() and self._person:
            self.review.show_review(review)
            self.refresh()

    def _leave_review(self) -> None:
        self.review.hide_review()
        self.refresh()

    def _sign_next(self) -> None:
        self._is_signing = True
        self.refresh()

    def _close(self, closes_day: bool) -> None:
        if self._try(lambda till: till.shifts.close(closes_day=closes_day)):
            self.tell("")

    def tell(self, text: str) -> None:
        """Say why something could not be done, until something is."""
        self.fault.setText(text)
        self.fault.setVisible(bool(text))
        if text:
            announce(self.fault, text)

    def focus_start(self) -> None:
        """Where typing goes when the page comes up."""
        self._steps[self.showing].focus_start()


def _is_fault(snapshot: Snapshot) -> bool:
    """Whether there is no shift to see because the journal contradicts itself."""
    people = snapshot.people
    is_there = people.signed_in is not None and not people.is_locked
    return is_there and snapshot.no_money not in ("", NO_SHIFT)
