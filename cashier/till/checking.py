"""Asking the gateway about payments that no fact has ended: when, in which order, and what came of it.

The wire is the port's, the judging `reconcile`'s. Here is only the pace: 5, 15 and 60 seconds after the last
thing that happened to a payment, then every five minutes; at once at each start and when its page returns
(Invoice Cloud contract, section 4). One question at a time.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cashier.domain.enquiry import InvoiceStatus
from cashier.domain.entries import utc_moment, utc_text
from cashier.domain.errors import CashierError, TooBusy
from cashier.domain.money import format_dollars
from cashier.domain.payment import Payment, PaymentState
from cashier.till.config import Waits
from cashier.till.facts import Facts, Told
from cashier.till.ports import Clock, Enquiry, Journal
from cashier.till.reconcile import Progress
from cashier.till.ringing import rung_or_after

#: Seconds after the last thing that happened; after these, every EVERY_S.
FIRST_S = (5.0, 15.0, 60.0)
EVERY_S = 300.0
#: While the page stands before the payer, and once two people have said that it is paid, there is no hurry.
OPEN_S = 60.0
VOUCHED_S = 3600.0
#: The postback of an approval says more than an enquiry – card, service fee, charge – and is given this long.
POSTBACK_FIRST_S = 2.0
BUSY_S = 30.0
IDLE_S = 3600.0
#: How long it is remembered whether a biller's credentials are set.
ASKABLE_S = 60.0

Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True)
class Answer:
    """What the gateway said last of a payment, in words; `at` is UTC text."""

    at: str
    text: str
    answered: bool


@dataclass
class _Plan:
    """When a payment is asked about next. All in monotonic seconds but `moved_at`."""

    moved_at: str
    seen: float
    age_s: float
    due: float
    asked: int = 0


class Checker:
    """Asks about every unsettled payment at its time."""

    def __init__(
        self,
        waits: Waits,
        clock: Clock,
        journal: Journal,
        enquiry: Enquiry,
        facts: Facts,
        changed: Callable[[Told], None],
        sleep: Sleep | None = None,
    ) -> None:
        import asyncio  # not before the first paint

        self._waits = waits
        self._clock = clock
        self._journal = journal
        self._enquiry = enquiry
        self._facts = facts
        self._changed = changed
        self._sleep = sleep or asyncio.sleep
        self._plans: dict[str, _Plan] = {}
        self._askable: dict[str, tuple[float, bool]] = {}
        self._answers: dict[str, Answer] = {}
        self._ended: dict[str, int] = {}
        self._asking = asyncio.Lock()
        self._rung = asyncio.Event()
        self._quiet_until = 0.0

    def can_ask(self, payment: Payment) -> bool:
        """Whether the gateway can be asked about this payment at all.

        The keyring is not asked again each time that the desk is looked at.
        """
        known = self._askable.get(payment.biller)
        now = self._clock.monotonic()
        if known is None or now - known[0] > ASKABLE_S:
            known = self._askable[payment.biller] = (now, self._enquiry.can_ask(payment.biller))
        return known[1]

    def answer(self, reference: str) -> Answer | None:
        """What the gateway said last of a payment since this till was started."""
        return self._answers.get(reference)

    def times_asked(self, reference: str) -> int:
        """How often a question about a payment came to its end, with what it settled applied."""
        return self._ended.get(reference, 0)

    def ring(self, reference: str | None = None) -> None:
        """Something happened: look at the plans again; ask about this payment at once."""
        payment = self._journal.payment(reference) if reference is not None else None
        if payment is not None:
            self._plan(payment).due = self._clock.monotonic()
        self._rung.set()

    def begin(self) -> None:
        """The till has started: all that an earlier run has left is to be asked about at once."""
        for left in self._journal.unsettled_payments():
            self._plan(left).due = self._clock.monotonic()

    async def run(self) -> None:
        """Ask for as long as the till runs."""
        self.begin()
        while True:
            try:
                wait_s = await self.check_due()
            except CashierError:  # the journal cannot be read now; payments wait until it can
                wait_s = BUSY_S
            await rung_or_after(self._rung, wait_s)

    async def check_due(self) -> float:
        """Ask about every payment whose time has come; the seconds until the next."""
        while True:
            waits = {item.reference: self._wait_s(item) for item in self._journal.unsettled_payments()}
            for gone in self._plans.keys() - waits.keys():
                del self._plans[gone]
            if not waits:
                return IDLE_S
            reference = min(waits, key=lambda name: waits[name])
            if waits[reference] > 0:
                return waits[reference]
            await self.check(reference)

    async def check(self, reference: str) -> None:
        """Ask about one payment now, and apply what the answer settles."""
        async with self._asking:
            payment = self._journal.payment(reference)
            if payment is None:
                return
            plan = self._plan(payment)
            plan.asked += 1
            plan.due = self._clock.monotonic() + self._next_s(payment, plan)
            try:
                if not self.can_ask(payment):
                    told = self._facts.settle_quiet(reference, self.progress(payment))
                else:
                    told = await self._ask(payment)
            except TooBusy as error:
                self._quiet_until = self._clock.monotonic() + (error.retry_after_s or BUSY_S)
                self._end(reference)
                self._answered(reference, error.user_text, answered=False)
            except CashierError as error:
                self._end(reference)
                self._answered(reference, error.user_text, answered=False)
            else:
                self._end(reference)
                self._changed(told)

    def _end(self, reference: str) -> None:
        self._ended[reference] = self.times_asked(reference) + 1

    async def _ask(self, payment: Payment) -> Told:
        progress = self.progress(payment)
        statuses = []
        for share in payment.invoices:
            statuses.append(await self._enquiry.ask(share.number, payment.biller))
        self._answered(payment.reference, _in_words(statuses), answered=True)
        if any(item.found and not item.balance_cents for item in statuses):
            await self._sleep(max(POSTBACK_FIRST_S - self._age_s(payment), 0))
        # How far it was when it was asked is what counts, not how far it is now.
        now = self._journal.payment(payment.reference)
        if now is None or now.moved_at != payment.moved_at:
            progress = Progress()
        return self._facts.asked(payment.reference, statuses, progress)

    def progress(self, payment: Payment) -> Progress:
        """How far a payment is from its page."""
        if not payment.page_gone:
            return Progress()
        age_s = self._age_s(payment)
        over = age_s >= self._waits.session_s + self._waits.margin_s
        return Progress(quiet=age_s >= self._waits.quiet_s, over=over)

    # -- time ------------------------------------------------------------------------------------------

    def _plan(self, payment: Payment) -> _Plan:
        """The plan of a payment, begun anew when something happened to it.

        The wall clock counts once, when an entry is first seen, as it must after a restart; from then on
        only the monotonic clock does, so that setting the clock forward ends no session.
        """
        plan = self._plans.get(payment.reference)
        now = self._clock.monotonic()
        if plan is None or plan.moved_at != payment.moved_at:
            age_s = max((self._clock.now() - utc_moment(payment.moved_at)).total_seconds(), 0.0)
            # One that is seen late is overdue.
            overdue = age_s >= FIRST_S[0]
            plan = _Plan(payment.moved_at, now, age_s, now)
            if not overdue:
                plan.due = now + self._next_s(payment, plan)
            self._plans[payment.reference] = plan
        return plan

    def _age_s(self, payment: Payment) -> float:
        plan = self._plan(payment)
        return plan.age_s + self._clock.monotonic() - plan.seen

    def _wait_s(self, payment: Payment) -> float:
        return max(self._plan(payment).due, self._quiet_until) - self._clock.monotonic()

    def _next_s(self, payment: Payment, plan: _Plan) -> float:
        """Seconds from now to the next question."""
        if payment.state is PaymentState.VOUCHED:
            return VOUCHED_S
        first = set(FIRST_S) if payment.state is PaymentState.IN_DOUBT else {OPEN_S}
        if payment.card_declined and payment.state is PaymentState.IN_DOUBT:
            first.add(self._waits.quiet_s)
        age_s = plan.age_s + self._clock.monotonic() - plan.seen
        return min((at - age_s for at in first if at > age_s), default=EVERY_S)

    def _answered(self, reference: str, text: str, *, answered: bool) -> None:
        self._answers[reference] = Answer(utc_text(self._clock.now()), text, answered)
        self._changed(Told(None))


def _in_words(statuses: list[InvoiceStatus]) -> str:
    return "; ".join(_one_in_words(status) for status in statuses)


def _one_in_words(status: InvoiceStatus) -> str:
    if not status.found:
        return f"invoice {status.number} not found"
    if status.balance_cents is None:
        return f"invoice {status.number}: the balance could not be read"
    if status.balance_cents == 0:
        return f"invoice {status.number} is paid"
    return f"{format_dollars(status.balance_cents)} due on invoice {status.number}"
