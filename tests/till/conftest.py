"""A till on a real journal, with a gateway and a hub that are fakes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from cashier.domain.daily import DailyReport, Scope
from cashier.domain.entries import Draft, Entry, EntryKind
from cashier.domain.errors import Unavailable
from cashier.domain.fees import Flat, Percent, PerUnit, Schedule, ScheduledFee, UnitPrice
from cashier.domain.money import Cents
from cashier.domain.outbox import Outage
from cashier.domain.payment import Payment, PaymentEvent, PaymentState
from cashier.domain.people import PEOPLE_KINDS
from cashier.domain.postback import Postback
from cashier.domain.sale import Customer, Permit
from cashier.journal.store import SqliteJournal
from cashier.till.administration_ports import Tools
from cashier.till.config import Biller, Reader, ServiceFee, TillConfig
from cashier.till.facts import Told
from cashier.till.payments import CardPayments
from cashier.till.ports import Outside, RescuedJournal
from cashier.till.reporting import Counter, JournalDaybook, shown
from cashier.till.snapshot import LineState
from cashier.till.till import Till
from tests.fakes.accounts import FakeAccounts, FakeLetters
from tests.fakes.clock import MovingClock, SeededRandomness
from tests.fakes.copy import FakeCopy
from tests.fakes.enquiry import FakeEnquiry
from tests.fakes.feed import FakeFeed
from tests.fakes.gateway import FakeGateway
from tests.fakes.holds import FakeHolds
from tests.fakes.people import CLERK, FakePins, staff
from tests.fakes.reader_probe import FakeReaderProbe
from tests.fakes.shifts import SHIFT_MOVES, close_shift, open_shift
from tests.helpers.payments import BILLER_GUID, told_all, told_declined, told_each

LANE = Reader("lane", "Lane 3000, counter 1", "LANE-1", "COUNTER-1")
SWIPE = Reader("swipe", "Swipe reader", "SWIPE-1", emv=False)

TOWN = Biller(
    name="town",
    guid=BILLER_GUID,
    invoice_types={6: "Building", 93: "Planning"},
    card_maximum_cents=Cents(500_000),
    return_site_name="Town of Sampleton",
    service_fee=ServiceFee(250, Cents(100)),
)
POLICE = Biller("police", {39: "Police fees"}, service_fee=ServiceFee(300))

CONFIG = TillConfig(
    site="sampleton",
    till="A",
    agency="Town of Sampleton",
    cashier="Unattended",
    profile="mcci",
    billers=(TOWN, POLICE),
    return_url="https://permits.example.org/paid",
    readers=(LANE, SWIPE),
)


def _fee(code: str, name: str, rule: Any, type_id: int, **more: Any) -> ScheduledFee:
    return ScheduledFee(code, name, rule, type_id, f"GL-{type_id}", **more)


SCHEDULE = Schedule(
    "sampleton",
    "Town of Sampleton",
    (
        _fee("permit", "Building permit", Flat(Cents(10_000)), 6),
        _fee("plan", "Plan review", Flat(Cents(4_000)), 93),
        _fee("visit", "Inspection", PerUnit("visits", (UnitPrice(Fraction(3_150)),)), 6),
        _fee("tech", "Technology surcharge", Percent(500, ("permit", "visit")), 6),
        _fee("coded", "Road fee", Flat(Cents(2_500)), 6, external_charge_code="ROW-01"),
        _fee("report", "Police report", Flat(Cents(800)), 39),
        _fee("unknown", "Fee of nobody", Flat(Cents(500)), 77),
        _fee("large", "Large project", Flat(Cents(500_001)), 6),
        _fee("nothing", "Waived fee", Flat(Cents(0)), 6),
    ),
)


class FaultyJournal(SqliteJournal):
    """The real journal on a disk that can be full."""

    disk_full = False
    #: What stands beside the entries cannot be written.
    marks_fail = False

    def mark_outage(self, outage: Outage | None) -> None:
        if self.marks_fail:
            raise Unavailable("The disk is full.")
        super().mark_outage(outage)

    def record(self, drafts: Sequence[Draft]) -> tuple[Entry, ...]:
        if self.disk_full:
            raise Unavailable("The disk is full. Nothing was recorded.")
        return super().record(drafts)

    def record_pin(self, drafts: Sequence[Draft], person: str, pin_hash: str) -> tuple[Entry, ...]:
        if self.disk_full:
            raise Unavailable("The disk is full. Nothing was recorded.")
        return super().record_pin(drafts, person, pin_hash)


class Desk:
    """One counter: its till and everything around it. `restart` is the till starting once more."""

    def __init__(self, journal: FaultyJournal, clock: MovingClock, config: TillConfig = CONFIG) -> None:
        self.journal = journal
        self.clock = clock
        self.randomness = SeededRandomness()
        self.gateway = FakeGateway()
        self.feed = FakeFeed()
        self.holds = FakeHolds()
        self.enquiry = FakeEnquiry()
        self.reader_probe = FakeReaderProbe()
        self.accounts, self.letters = FakeAccounts(), FakeLetters()
        #: The hub's second copies; None for a hub that keeps none.
        self.copy: FakeCopy | None = None
        #: What the settings are changed with; None as in training.
        self.tools: Tools | None = None
        #: Gives the journals of other tills that were rescued to this one.
        self.rescued: Callable[[], Sequence[RescuedJournal]] = tuple
        self.schedule = SCHEDULE
        self.restart(config)

    def restart(self, config: TillConfig = CONFIG, *, shift: bool = True) -> Till:
        """The till starts once more; with a shift open, unless a test says otherwise."""
        self.till = Till(
            config,
            self.clock,
            self.randomness,
            self.journal,
            Outside(
                self.gateway,
                self.feed,
                self.holds,
                self.enquiry,
                FakePins(),
                self.reader_probe,
                self.accounts,
                self.letters,
                self.copy,
                self.tools,
                rescued=self.rescued,
            ),
            schedule_on=lambda _date: self.schedule,
            sleep=self._sleep,
        )
        self.payments = CardPayments(
            config,
            self.clock,
            self.randomness,
            self.journal,
            self.gateway,
            self.feed,
            self.holds,
            lambda: CLERK,
        )
        staff(self.till.people)
        if shift:
            open_shift(self.till.shifts)
        self.till.gateway_is(LineState.ONLINE)
        self.told = 0
        self.till.subscribe(self._count)
        return self.till

    async def _sleep(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def _count(self) -> None:
        self.told += 1

    def fill(self, *codes: str, account: str = "10042") -> None:
        """A sale with a customer, a permit and fees."""
        self.till.set_customer(Customer(account, "Robin Example"))
        self.till.set_permit(Permit("BP-26-0042", "Deck"))
        for code in codes or ("permit",):
            self.till.add_fee(code)

    async def open_page(self, *codes: str) -> Payment:
        """A payment whose page is open."""
        self.fill(*codes)
        await self.till.pay_by_card()
        return self.payment

    @property
    def payment(self) -> Payment:
        """The payment on the payment page."""
        assert self.till.current_reference is not None
        payment = self.journal.payment(self.till.current_reference)
        assert payment is not None
        return payment

    def state(self) -> PaymentState:
        return self.payment.state

    def hint(self, event: PaymentEvent) -> None:
        self.till.page_event(self.payment.reference, event)

    def deliver(self, postback: Postback, reference: str | None = None) -> Told:
        """A postback comes by the hub; it is applied and acknowledged."""
        return self.till.take(self.feed.send(reference or self.payment.reference, postback))

    def approve(self, payment: Payment | None = None, **changes: Any) -> Told:
        payment = payment or self.payment
        told = told_all(payment, **{"payment_guid": f"charge-of-{payment.reference}"} | changes)
        return self.deliver(told, payment.reference)

    def approve_each(self, payment: Payment | None = None) -> list[Told]:
        payment = payment or self.payment
        return [self.deliver(told, payment.reference) for told in told_each(payment)]

    def decline(self, payment: Payment | None = None, guid: str = "d-1") -> Told:
        payment = payment or self.payment
        return self.deliver(told_declined(payment, guid), payment.reference)

    async def pass_time(self, seconds: float) -> None:
        """Time passes; the gateway is asked when it is its time."""
        end = self.clock.monotonic() + seconds
        while (wait := await self.till.checker.check_due()) <= (left := end - self.clock.monotonic()):
            self.clock.advance(wait)
        self.clock.advance(max(left, 0))

    async def close_declined(self) -> None:
        """The page of a declined card is closed, and nothing else comes of it."""
        self.hint(PaymentEvent.PAGE_CLOSED)
        await self.pass_time(self.till.config.waits.quiet_s + 1)

    def close_day(self) -> Entry:
        """The drawer is counted right; the shift closes, and the day with it."""
        return close_shift(self.till.shifts)

    def report(self, scope: Scope) -> DailyReport:
        """What a supervisor is shown, whoever is signed in."""
        counter = Counter.of(self.till.config)
        return shown(JournalDaybook(self.journal), counter, scope, self.clock.now())

    def next_shift(self) -> None:
        """The next shift opens."""
        open_shift(self.till.shifts)

    def entries(self, *kinds: EntryKind) -> list[Entry]:
        """Entries of these kinds; without any, all but those about people and shifts."""
        return [
            entry
            for entry in self.journal.entries()
            if (entry.kind in kinds if kinds else entry.kind not in PEOPLE_KINDS | SHIFT_MOVES)
        ]

    def kinds(self) -> list[str]:
        """Every entry by kind, hints and facts with their event."""
        return [str(entry.body.get("event", entry.kind.value)) for entry in self.entries()]

    def receipts(self) -> list[str]:
        return [entry.body["number"] for entry in self.entries(EntryKind.RECEIPT_ISSUED)]

    def discrepancies(self) -> list[str]:
        return [entry.body["reason"] for entry in self.entries(EntryKind.DISCREPANCY_FOUND)]


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture
def make_desk(tmp_path: Path, clock: MovingClock) -> Iterator[Callable[..., Desk]]:
    """Makes a desk, with members of its configuration changed."""
    with FaultyJournal(tmp_path / "journal.db", till="A", clock=clock, holder="a test") as journal:
        yield lambda **changes: Desk(journal, clock, replace(CONFIG, **changes))
        assert journal.verify() is None


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    return make_desk()
