"""What must lie in the drawer, and what a Z says, against sums that a second bookkeeper makes by hand."""

import asyncio
import contextlib
import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from cashier.domain.entries import EntryKind
from cashier.domain.errors import Refused
from cashier.domain.money import Cents
from cashier.domain.receipt import IN_DRAWER, Receipt, Tender, TenderKind
from cashier.domain.shift import Pile
from cashier.till.config import DrawerRules
from cashier.till.reporting import Counter, JournalDaybook, Scope, reported
from tests.fakes.clock import MovingClock
from tests.fakes.people import PIN, SUPERVISOR
from tests.fakes.shifts import FLOAT, close_shift, right_count
from tests.till.conftest import CONFIG, Desk, FaultyJournal, replace

K = TenderKind
WHY = {"reason": "other", "text": "as the plan of the test says", "supervisor": SUPERVISOR, "pin": PIN}
LIMITLESS = DrawerRules(soft_limit_cents=None, hard_limit_cents=None)

amounts = st.integers(1, 15_000)
plans = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(["cash", "check", "order", "paid_in", "paid_out", "drop", "refund"]), amounts
        ),
        st.tuples(st.sampled_from(["card", "back", "part", "void", "recount", "restart", "close"]), amounts),
    ),
    min_size=1,
    max_size=16,
)


@dataclass
class Book:
    """The second bookkeeper: sums of what was done, by tender, made when it was done."""

    drawer: dict[TenderKind, list[int]] = field(
        default_factory=lambda: {kind: [0, FLOAT if kind is K.CASH else 0] for kind in IN_DRAWER}
    )
    taken: dict[TenderKind, int] = field(default_factory=dict)
    refunded: int = 0
    receipts: list[Receipt] = field(default_factory=list)

    def move(self, kind: TenderKind, cents: int) -> None:
        """Something went into the drawer, or out of it."""
        pile = self.drawer[kind]
        pile[1] += cents
        if kind is not K.CASH:
            pile[0] += 1 if cents > 0 else -1

    def issued(self, receipt: Receipt, sign: int = 1) -> None:
        """A receipt was issued, or taken back."""
        for tender in receipt.tenders:
            self.taken[tender.kind] = self.taken.get(tender.kind, 0) + sign * tender.amount_cents

    def piles(self) -> dict[TenderKind, Pile]:
        """As the fold has it."""
        return {kind: Pile(*pile) for kind, pile in self.drawer.items()}


class Day:
    """A day of a till, with its second bookkeeper."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.book = desk, Book()
        self.days = 0
        desk.fill("permit", "plan")

    async def step(self, kind: str, cents: int) -> None:
        """One step of a plan, if it fits."""
        with contextlib.suppress(Refused):
            await getattr(self, kind)(cents)
        self.holds()

    def holds(self) -> None:
        """What must lie in the drawer is what the second bookkeeper has."""
        assert self.desk.till.shifts._open_shift().drawer == self.book.piles()

    async def _take(self, tender: Tender) -> None:
        taken = self.desk.till.take_tender(tender)
        self.book.move(taken.tender.kind, taken.tender.amount_cents)
        if taken.receipt:
            self._issued(taken.receipt)

    def _issued(self, receipt: Receipt) -> None:
        self.book.receipts.append(receipt)
        self.book.issued(receipt)
        self.desk.till.new_sale()
        self.desk.fill("permit", "plan")

    async def cash(self, cents: int) -> None:
        """Cash, with change when it is too much."""
        await self._take(Tender(K.CASH, Cents(0), received_cents=Cents(cents)))

    async def check(self, cents: int) -> None:
        """A check."""
        await self._take(Tender(K.CHECK, Cents(cents), number=str(cents)))

    async def order(self, cents: int) -> None:
        """A money order."""
        await self._take(Tender(K.MONEY_ORDER, Cents(cents), number=str(cents)))

    async def card(self, _cents: int) -> None:
        """The rest by card, approved: beside what is held, on one receipt."""
        await self.desk.till.pay_by_card()
        told = self.desk.approve(convenience_fee_cents=self.desk.payment.expected_fee_cents)
        assert told.receipt is not None
        self._issued(told.receipt)

    async def back(self, _cents: int) -> None:
        """What is held goes back."""
        held = self.desk.till.snapshot().draft.held
        sale_id = self.desk.till.snapshot().draft.sale_id
        self.desk.till.give_back(sale_id, [item.tender.id for item in held], "the payer left")
        for item in held:
            self.book.move(item.tender.kind, -item.tender.amount_cents)

    async def part(self, _cents: int) -> None:
        """The receipt of a part."""
        self._issued(self.desk.till.finish_part(self.desk.till.snapshot().draft.sale_id))

    async def void(self, place: int) -> None:
        """One of the receipts of the shift is taken back."""
        if not self.book.receipts:
            return
        receipt = self.book.receipts[place % len(self.book.receipts)]
        await self.desk.till.corrections.void(receipt.number, **WHY)
        self.book.issued(receipt, -1)
        for tender in receipt.tenders:
            self.book.move(tender.kind, -tender.amount_cents)

    async def refund(self, cents: int) -> None:
        """Cash for one of the receipts."""
        if not self.book.receipts:
            return
        receipt = self.book.receipts[cents % len(self.book.receipts)]
        await self.desk.till.corrections.refund(receipt.number, K.CASH, Cents(cents), **WHY)
        self.book.move(K.CASH, -cents)
        self.book.refunded += cents

    async def paid_in(self, cents: int) -> None:
        """Cash that is no payment."""
        self.desk.till.shifts.pay_in(Cents(cents), "as the plan says")
        self.book.move(K.CASH, cents)

    async def paid_out(self, cents: int) -> None:
        """Cash that is no refund."""
        self.desk.till.shifts.pay_out(Cents(cents), "as the plan says")
        self.book.move(K.CASH, -cents)

    async def drop(self, cents: int) -> None:
        """Cash to the safe."""
        await self.desk.till.shifts.drop(Cents(cents), "B-1", supervisor=SUPERVISOR, pin=PIN)
        self.book.move(K.CASH, -cents)

    async def recount(self, _cents: int) -> None:
        """The drawer is counted, and the shift goes on."""
        self.desk.till.shifts.count(right_count(self.desk.till.shifts))
        self.desk.till.shifts.resume()

    async def restart(self, _cents: int) -> None:
        """The till starts again. What was held is given back then."""
        held = self.desk.till.snapshot().draft.held
        self.desk.restart(self.desk.till.config)
        if held:
            self.desk.till.give_back(held[0].sale_id, [item.tender.id for item in held], "over a restart")
            for item in held:
                self.book.move(item.tender.kind, -item.tender.amount_cents)
        self.desk.fill("permit", "plan")

    async def close(self, _cents: int) -> None:
        """The shift and its day close; its Z says what the second bookkeeper says."""
        desk, book = self.desk, self.book
        date = desk.till.business_date
        entry = close_shift(desk.till.shifts)
        assert entry.kind is EntryKind.DAY_CLOSED
        report = reported(
            JournalDaybook(desk.journal), Counter.of(desk.till.config), Scope(date, date), desk.clock.now()
        )
        found = {kind: tally.amount_cents for kind, tally in report.figures.tenders.items()}
        assert found == {kind: cents for kind, cents in book.taken.items() if cents}
        assert report.figures.refunded.amount_cents == book.refunded
        assert sum(share.amount_cents for share in report.allocations) == report.figures.net_cents
        (row,) = report.shifts
        assert row.counted == row.expected == book.piles()
        assert all(cents == 0 for cents in row.over_cents.values())
        moved = row.paid_in_cents - row.paid_out_cents
        for kind, tally in report.figures.drawer.items():
            extra = moved if kind is K.CASH else 0
            assert row.deposit_cents[kind] == tally.amount_cents + extra
        self.days += 1
        desk.clock.advance(dt.timedelta(days=1).total_seconds())
        desk.next_shift()
        self.book = Book()


async def _run(plan: list[tuple[str, int]], folder: Path) -> None:
    clock = MovingClock()
    with FaultyJournal(folder / "journal.db", till="A", clock=clock, holder="a test") as journal:
        day = Day(Desk(journal, clock, replace(CONFIG, drawer=LIMITLESS)))
        for kind, cents in plan:
            await day.step(kind, cents)
        await day.step("back", 0)
        await day.step("close", 0)
        assert day.days, "the last close fits whatever came before"
        assert journal.verify() is None


@settings(max_examples=40)
@given(plans)
def test_the_drawer_is_the_fold_and_the_z_the_sum_of_its_entries_over_any_day(
    plan: list[tuple[str, int]],
) -> None:
    with TemporaryDirectory() as folder:
        asyncio.run(_run(plan, Path(folder)))
