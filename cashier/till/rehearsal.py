"""Rehearsing what goes wrong: one case is armed for the next payment, and the journal tells how it went.

For training tills only. What is armed and what came of it is in memory alone: a training session starts
afresh each time. Nothing here moves a payment; it reads what the till recorded of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from cashier.domain.account_changes import ACCOUNT_KINDS
from cashier.domain.entries import Entry, EntryKind
from cashier.domain.errors import Refused
from cashier.domain.payment import UNSETTLED, Payment, PaymentEvent, PaymentState
from cashier.till.rehearsal_cases import ACCOUNT_LESSONS, LESSONS, Case, Lesson, Task, lesson
from cashier.till.rehearsal_tasks import judge_task
from cashier.till.till import Till

#: What a rehearsal is judged by.
_KINDS = ACCOUNT_KINDS | frozenset(
    {
        EntryKind.SALE_RECORDED,
        EntryKind.PAYMENT_ISSUED,
        EntryKind.PAYMENT_HINTED,
        EntryKind.PAYMENT_TOLD,
        EntryKind.PAYMENT_RELEASED,
        EntryKind.PAYMENT_VOUCHED,
        EntryKind.DISCREPANCY_FOUND,
        EntryKind.TENDER_TAKEN,
        EntryKind.SALE_HELD,
    }
)
TRAINING_ONLY = "Rehearsing is for training. This till takes real money."


class StandIn(Protocol):
    """What stands in for Invoice Cloud in training, as the rehearsal needs it."""

    async def arm(self, case: Case | None) -> None:
        """Have the next payment, and no other, meet a case; None: have it meet nothing.

        Raises Unavailable when the stand-in does not answer.
        """

    async def drop_line(self, *, down: bool) -> None:
        """Drop the line to it, or bring it back. Raises as `arm`."""

    async def restore_customers(self) -> None:
        """Have the customers be as at the start: who is registered, linked, signed on. Raises as `arm`."""


@dataclass(frozen=True)
class Verdict:
    """How a rehearsal went. `is_right` None: there was nothing to do right or wrong."""

    case: Case | Task
    is_right: bool | None
    text: str


@dataclass(frozen=True)
class Course:
    """What the journal says of a rehearsed payment, from its issue on.

    `charged_again`: the same payer was charged or paid at the drawer for another attempt while this one was
    not settled. `told_again`: a discrepancy stands beside it.
    """

    payment: Payment
    was_in_doubt: bool = False
    was_closed: bool = False
    charged_again: bool = False
    was_released: bool = False
    told_again: bool = False


@dataclass(frozen=True)
class RehearsalView:
    """What a window shows. `armed` waits for a payment or is to be done; `running` is on one.

    `verdicts` newest first.
    """

    armed: Lesson | None = None
    running: Lesson | None = None
    reference: str = ""
    line_is_down: bool = False
    verdicts: tuple[Verdict, ...] = ()


@dataclass
class _Run:
    """A case on its way, armed after an entry. `reference` is of the payment that met it, or empty."""

    case: Case | Task
    after: int
    reference: str = ""


class Rehearsal:
    """The use cases of rehearsing, over a till in training and what stands in for Invoice Cloud.

    Raises Refused for a till that takes real money.
    """

    def __init__(self, till: Till, stand_in: StandIn) -> None:
        if not till.config.training:
            raise Refused(TRAINING_ONLY)
        self._till = till
        self._stand_in = stand_in
        self._run: _Run | None = None
        #: The newest entry when the line went down, or None.
        self._down_since: int | None = None
        self._verdicts: tuple[Verdict, ...] = ()
        #: What was recorded in this session, as far as it matters here.
        self._entries: list[Entry] = []
        self._references: dict[str, str] = {}
        self._is_asking = False

    @property
    def lessons(self) -> tuple[Lesson, ...]:
        """What can be rehearsed at this till: what is done for accounts only where there are some."""
        return LESSONS if self._till.accounts.refusal else (*LESSONS, *ACCOUNT_LESSONS)

    def view(self) -> RehearsalView:
        """How it stands, after a look at what was recorded since the last time."""
        self._look()
        run = self._run
        told = lesson(run.case) if run else None
        return RehearsalView(
            armed=told if run and not run.reference else None,
            running=told if run and run.reference else None,
            reference=run.reference if run else "",
            line_is_down=self._down_since is not None,
            verdicts=self._verdicts,
        )

    async def arm(self, case: Case) -> None:
        """Have the next card payment meet a case; it takes the place of one that is armed.

        Raises Refused while a payment is being started or an armed one is under way, Unavailable when the
        stand-in does not answer: then nothing has changed.
        """
        if lesson(case).is_switch:
            raise Refused("This is switched on and off, and not armed.")
        self._refuse_running()
        await self._ask(case)
        self._run = _Run(case, self._last_seq)

    async def begin(self, task: Task) -> None:
        """Have something be done on the page of accounts, by customers who are as at the start.

        Raises Refused where there are no accounts and otherwise as `arm`.
        """
        if self._till.accounts.refusal:
            raise Refused(self._till.accounts.refusal)
        self._refuse_running()
        await self._stand_in.restore_customers()
        await self._ask(None)  # the last that can fail: until then what was armed stays armed
        self._till.accounts.leave()
        self._look()
        self._run = _Run(task, self._last_seq)

    async def disarm(self) -> None:
        """Have the next payment meet nothing. Raises as `arm`."""
        self._refuse_running()
        await self._ask(None)
        self._run = None

    async def _ask(self, case: Case | None) -> None:
        if self._is_asking or self._till.snapshot().busy:
            raise Refused("A card payment is being started. Wait until it is.")
        self._is_asking = True
        try:
            await self._stand_in.arm(case)
        finally:
            self._is_asking = False

    def _refuse_running(self) -> None:
        self._look()
        if self._run is not None and self._run.reference:
            raise Refused(
                f"“{lesson(self._run.case).title}” is still under way. See it to its end first, on the page "
                "In doubt."
            )

    async def drop_line(self) -> None:
        """The line to Invoice Cloud goes down. Raises Unavailable when the stand-in does not answer."""
        if self._down_since is None:
            await self._stand_in.drop_line(down=True)
            self._look()
            self._down_since = self._last_seq
            await self._till.probe()

    async def restore_line(self) -> None:
        """It is back; what the clerk did meanwhile is judged. Raises as `drop_line`."""
        if self._down_since is not None:
            await self._stand_in.drop_line(down=False)
            self._look()
            self._conclude(judge_line(item for item in self._entries if item.seq > (self._down_since or 0)))
            self._down_since = None
            await self._till.probe()

    # -- looking -----------------------------------------------------------------------------------------

    @property
    def _last_seq(self) -> int:
        return self._entries[-1].seq if self._entries else 0

    def _look(self) -> None:
        """Read on. The first payment whose page opens after a case was armed is the one that meets it."""
        for entry in self._till.entries_of(_KINDS, self._last_seq):
            self._entries.append(entry)
            if entry.kind is EntryKind.PAYMENT_ISSUED:
                self._references[entry.subject] = entry.body["reference"]
            run = self._run
            opens = entry.body.get("event") == PaymentEvent.PAGE_OPENING.value
            is_armed = run is not None and isinstance(run.case, Case) and not run.reference
            if run is not None and is_armed and opens and entry.seq > run.after:
                run.reference = self._references[entry.subject]
        run = self._run
        if run is not None and isinstance(run.case, Task):
            told = judge_task(run.case, (item for item in self._entries if item.seq > run.after))
            if told is not None:
                self._conclude(Verdict(run.case, *told))
                self._run = None
            return
        if run is not None and run.reference and isinstance(run.case, Case):
            payment = self._till.payment(run.reference)
            assert payment is not None, "a payment that was opened is in the journal"
            course = course_of(payment, self._entries)
            if is_over(run.case, course):
                self._conclude(judge(run.case, course))
                self._run = None

    def _conclude(self, verdict: Verdict) -> None:
        self._verdicts = (verdict, *self._verdicts)


# -- judging -------------------------------------------------------------------------------------------------


def course_of(payment: Payment, entries: Iterable[Entry]) -> Course:
    """What entries say of a payment; they may begin before it and speak of others, too."""
    course = Course(payment)
    payers: dict[str, str] = {}
    started = settled = False
    for entry in entries:
        body = entry.body
        if entry.kind is EntryKind.SALE_RECORDED:
            payers[entry.subject] = body["customer"]["name"].casefold()
        elif entry.subject == payment.id:
            started = True
            state = body.get("state")
            if state == PaymentState.IN_DOUBT.value:
                course = replace(course, was_in_doubt=True)
            settled = settled or (state is not None and PaymentState(state) not in UNSETTLED)
            if body.get("event") == PaymentEvent.PAGE_CLOSED.value and not settled:
                course = replace(course, was_closed=True)
            if entry.kind is EntryKind.PAYMENT_RELEASED:
                course = replace(course, was_released=True)
            if entry.kind is EntryKind.DISCREPANCY_FOUND:
                course = replace(course, told_again=True)
        elif started and not settled and entry.kind in (EntryKind.PAYMENT_ISSUED, EntryKind.TENDER_TAKEN):
            sale = body.get("sale_id", entry.subject)
            same_payer = payers.get(sale, "?") == payers.get(payment.sale_id)
            course = replace(course, charged_again=course.charged_again or same_payer)
    return course


def is_over(case: Case, course: Course) -> bool:
    """Whether there is nothing more to come: a fact has ended the payment, or two people's word stands."""
    if course.payment.state is PaymentState.VOUCHED:
        return True
    if case is Case.DOUBLE and course.payment.state is PaymentState.APPROVED:
        return course.told_again
    return course.payment.state not in UNSETTLED


def judge(case: Case, course: Course) -> Verdict:
    """Whether the clerk did right, by what is recorded."""
    state = course.payment.state
    if course.charged_again:
        return Verdict(
            case,
            False,
            "The payer was charged a second time while the first payment was not settled. Right is to wait: "
            "the payer gets the slip, and the fact comes.",
        )
    if course.was_released:
        return Verdict(
            case,
            False,
            "The sale was released for cash while the payment was in doubt. That is for a payer who cannot "
            "wait; where the card was charged after all, it has to be paid back. Right is to wait.",
        )
    if state is PaymentState.VOUCHED and case is Case.AMOUNT:
        text = (
            "Nothing was charged again, and two people recorded what the portal shows. It stays on the desk."
        )
        return Verdict(case, True, text)
    if state is PaymentState.VOUCHED:
        return Verdict(
            case,
            None,
            "Two people took it for paid before Invoice Cloud had said so. That needs the portal before "
            "them; here the answer would have come by itself.",
        )
    if state is PaymentState.APPROVED:
        return _judge_approved(case, course)
    if state is PaymentState.DECLINED:
        return Verdict(case, True, "Declined, and nothing was charged. You waited until that was certain.")
    return Verdict(case, None, "The payment was given up before anything was charged. Try it once more.")


def _judge_approved(case: Case, course: Course) -> Verdict:
    kept = "You kept the payment in doubt until the fact came, and the payer was charged once."
    match case:
        case Case.CLOSED if course.was_closed:
            return Verdict(case, True, f"Stopping cancelled nothing. {kept}")
        case Case.CLOSED:
            return Verdict(case, None, "The page was not closed. Press Stop waiting while it works.")
        case Case.TWICE:
            return Verdict(case, True, "Told twice, counted once: one payment, one receipt.")
        case Case.DOUBLE:
            return Verdict(
                case,
                True,
                "One receipt, and the second charge stands on the page In doubt for a supervisor, who has it "
                "paid back.",
            )
        case Case.DECLINE:
            return Verdict(case, True, "Another card paid. One receipt.")
    if course.was_in_doubt:
        return Verdict(case, True, kept)
    return Verdict(case, True, "You waited for the fact, and the payer was charged once.")


def judge_line(entries: Iterable[Entry]) -> Verdict:
    """What the clerk did while the line was down."""
    kinds = {entry.kind for entry in entries}
    if kinds & {EntryKind.TENDER_TAKEN, EntryKind.SALE_HELD}:
        if EntryKind.TENDER_TAKEN in kinds:
            done, now = "took cash or a check", ""
        else:
            done, now = "parked the sale for the line", " F5: it can be paid now."
        text = f"You {done} while cards could not be taken. The line is back.{now}"
        return Verdict(Case.LINE, True, text)
    if EntryKind.PAYMENT_ISSUED in kinds:
        text = "A card payment was recorded, not sent. Nothing was charged; send it again, or give it up."
        return Verdict(Case.LINE, None, text)
    return Verdict(Case.LINE, None, "The line is back. Nothing was taken meanwhile.")
