"""Whatever mix of voids, refunds and returned checks: no cent appears or vanishes, and no closed day moves.

The model here is a fold of its own over the journal's entries; till and reports are held beside it.
"""

import asyncio
import contextlib
import datetime as dt
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cashier.domain.corrections import SeenAt
from cashier.domain.daily import Scope, figures_to_json
from cashier.domain.entries import EntryKind, canonical
from cashier.domain.errors import Refused
from cashier.domain.money import Cents
from cashier.domain.receipt import Receipt, Tender, TenderKind
from tests.fakes.clock import MovingClock
from tests.fakes.people import PIN, SUPERVISOR
from tests.till.conftest import Desk, FaultyJournal

K = TenderKind
EXAMPLES, LONG_EXAMPLES = 30, 2_000
WHY: dict[str, Any] = {
    "reason": "wrong amount",
    "text": "two visits were typed for one",
    "supervisor": SUPERVISOR,
    "pin": PIN,
}
SEEN: dict[str, Any] = {
    "reference": "RF-1",
    "reason": "seen in the portal",
    "supervisor": SUPERVISOR,
    "pin": PIN,
}

#: What is done, to which receipt (by its place, around again), and how much.
steps = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("cash", "check", "both", "card", "part", "mixed"),
                *("void", "refund cash", "refund check", "refund card", "made", "returned"),
                *("close", "restart"),
            ]
        ),
        st.integers(0, 7),
        st.integers(1, 14_000),
    ),
    min_size=2,
    max_size=14,
)


async def _sell(desk: Desk, how: str, cents: int) -> None:
    """A sale of 140.00 with a receipt, whatever it is paid with."""
    desk.till.new_sale()
    desk.fill("permit", "plan")
    sale_id = desk.till.snapshot().draft.sale_id
    if how in ("both", "part"):
        desk.till.take_tender(Tender(K.CASH, Cents(0), received_cents=Cents(cents)))
    if how == "part":
        if desk.till.snapshot().draft.held:
            desk.till.finish_part(sale_id)
    elif how in ("card", "mixed"):
        if how == "mixed":
            desk.till.take_tender(Tender(K.CHECK, Cents(min(cents, 13_000)), number=str(1_000 + cents)))
        await desk.till.pay_by_card()
        desk.approve(convenience_fee_cents=desk.payment.expected_fee_cents)
    elif how == "cash":
        desk.till.take_tender(Tender(K.CASH, Cents(0), received_cents=Cents(20_000)))
    elif due := desk.till.snapshot().draft.due_cents:
        desk.till.take_tender(Tender(K.CHECK, due, number=str(1_000 + cents)))
    desk.till.new_sale()


async def _undo(desk: Desk, how: str, receipt: Receipt, cents: int) -> None:
    corrections = desk.till.corrections
    match how.split():
        case ["void"]:
            await corrections.void(receipt.number, **WHY)
        case ["refund", kind]:
            await corrections.refund(receipt.number, K(kind), Cents(cents), **WHY)
        case ["made"]:
            for asked in corrections.book.open_refunds()[:1]:
                await corrections.refund_done(asked.receipt, asked.id, SeenAt.PORTAL, **SEEN)
        case _:
            for check in corrections.choices(receipt).checks[:1]:
                corrections.returned_check(receipt.number, check.id, "account closed")


class _Model:
    """What the entries say, folded without a line of the product's own folds."""

    def __init__(self, desk: Desk) -> None:
        self.paid: dict[str, dict[str, int]] = {}
        self.day: dict[str, str] = {}
        self.void: set[str] = set()
        self.refunds: dict[str, Any] = {}
        self.cash_cents = 0
        #: What came in less what went back, by business date.
        self.net: dict[str, int] = defaultdict(int)
        self.drawer_cash: dict[str, int] = defaultdict(int)
        self.drawer_checks: dict[str, int] = defaultdict(int)
        self.gone: dict[str, int] = defaultdict(int)
        for entry in desk.journal.entries():
            self._add(entry.kind, entry.body)

    def _add(self, kind: EntryKind, body: Any) -> None:
        match kind:
            case EntryKind.TENDER_TAKEN if body["tender"]["kind"] == "cash":
                self.cash_cents += body["tender"]["amount_cents"]
            case EntryKind.RECEIPT_ISSUED:
                number, day = body["number"], body["business_date"]
                sums: dict[str, int] = defaultdict(int)
                for tender in body["tenders"]:
                    sums[tender["kind"]] += tender["amount_cents"]
                self.paid[number], self.day[number] = sums, day
                self._move(day, sums, 1)
            case EntryKind.RECEIPT_VOIDED:
                number = body["receipt"]
                assert number not in self.void and self.gone[number] == 0
                self.void.add(number)
                self._move(self.day[number], self.paid[number], -1)
                self.cash_cents -= self.paid[number].get("cash", 0)
            case EntryKind.REFUND_MADE:
                self.refunds[body["id"]] = body
                self.gone[body["receipt"]] += body["amount_cents"]
                if body["is_done"]:
                    self._refunded(body, body["business_date"])
            case EntryKind.REFUND_CONFIRMED:
                asked = self.refunds.pop(body["refund"])
                assert not asked["is_done"]
                self._refunded(asked, body["business_date"])
            case EntryKind.CHECK_RETURNED:
                self.gone[body["receipt"]] += body["amount_cents"]
                self.net[body["business_date"]] -= body["amount_cents"]
            case _:
                pass

    def _move(self, day: str, sums: dict[str, int], sign: int) -> None:
        self.net[day] += sign * sum(sums.values())
        self.drawer_cash[day] += sign * sums.get("cash", 0)
        self.drawer_checks[day] += sign * sums.get("check", 0)

    def _refunded(self, body: Any, day: str) -> None:
        self.net[day] -= body["amount_cents"]
        if body["kind"] == "cash":
            self.drawer_cash[day] -= body["amount_cents"]
            self.cash_cents -= body["amount_cents"]


def _holds(desk: Desk, closed: dict[str, str]) -> None:
    model, corrections = _Model(desk), desk.till.corrections
    for receipt in desk.till.receipts(""):
        paid, gone = model.paid[receipt.number], model.gone[receipt.number]
        choices = corrections.choices(receipt)
        left = {kind: corrections.refundable(receipt, kind) for kind in (K.CASH, K.CHECK, K.CARD)}
        assert all(cents >= 0 for cents in left.values())
        assert {way.kind: way.left_cents for way in choices.ways} == {
            kind: cents for kind, cents in left.items() if cents
        }
        if receipt.number in model.void:
            assert set(left.values()) == {0} and choices.refund_refusal
        else:
            # To the card or out of the drawer: together what was paid and is not gone.
            assert left[K.CASH] == left[K.CHECK]
            assert left[K.CARD] + left[K.CASH] == max(sum(paid.values()) - gone, 0)
        assert corrections.book.of(receipt.number) == corrections.of(receipt)
    days = sorted({*model.net, desk.till.business_date.isoformat()})
    cash_cents = 0
    for day in days:
        date = dt.date.fromisoformat(day)
        report = desk.report(Scope(date, date))
        assert report.figures.net_cents == model.net[day]
        assert sum(share.amount_cents for share in report.allocations) == model.net[day]
        drawer = report.figures.drawer
        assert drawer[K.CASH].amount_cents == model.drawer_cash[day]
        assert drawer[K.CHECK].amount_cents == model.drawer_checks[day]
        cash_cents += drawer[K.CASH].amount_cents
        if day in closed:
            assert canonical(figures_to_json(report.figures)) == closed[day], "a closed day never moves"
    assert cash_cents == model.cash_cents, "what was taken into the drawer less what left it"


async def _week(plan: list[tuple[str, int, int]], folder: Path) -> None:
    clock, closed = MovingClock(), {}
    with FaultyJournal(folder / "journal.db", till="A", clock=clock, holder="a test") as journal:
        desk = Desk(journal, clock)
        for how in ("both", "mixed"):
            await _sell(desk, how, 4_000)
        for how, place, cents in plan:
            receipts = desk.till.receipts("")
            with contextlib.suppress(Refused):  # a step that does not fit; what it left is looked at
                if how in ("cash", "check", "both", "card", "part", "mixed"):
                    await _sell(desk, how, cents)
                elif how == "close":
                    day = desk.close_day().body
                    closed[day["business_date"]] = canonical(day["report"]["figures"])
                    clock.advance(24 * 3600)
                    desk.next_shift()
                elif how == "restart":
                    desk.restart()
                else:
                    await _undo(desk, how, receipts[place % len(receipts)], cents)
        _holds(desk, closed)
        assert journal.verify() is None


def test_no_cent_appears_or_vanishes_over_any_mix_of_corrections(long: bool) -> None:
    @settings(max_examples=LONG_EXAMPLES if long else EXAMPLES)
    @given(steps)
    def holds(plan: list[tuple[str, int, int]]) -> None:
        with TemporaryDirectory() as folder:
            asyncio.run(_week(plan, Path(folder)))

    holds()
