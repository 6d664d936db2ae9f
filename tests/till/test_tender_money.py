"""Whatever mix of tenders, parts, declines and returns: no cent appears or vanishes."""

import asyncio
import contextlib
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from cashier.domain.errors import Refused
from cashier.domain.money import Cents
from cashier.domain.payment import PaymentEvent
from cashier.domain.receipt import Tender, TenderKind
from cashier.domain.tendering import TenderState, drawer_tenders
from tests.fakes.clock import MovingClock
from tests.till.conftest import Desk, FaultyJournal

steps = st.lists(
    st.one_of(
        st.tuples(st.just("cash"), st.integers(1, 20_000)),
        st.tuples(st.just("check"), st.integers(1, 14_000)),
        st.tuples(
            st.sampled_from(["card", "decline", "doubt", "part", "back", "next", "restart"]), st.just(0)
        ),
    ),
    min_size=1,
    max_size=14,
)


async def _step(desk: Desk, kind: str, cents: int) -> None:
    sale_id = desk.till.snapshot().draft.sale_id
    match kind:
        case "cash":
            desk.till.take_tender(Tender(TenderKind.CASH, Cents(0), received_cents=Cents(cents)))
        case "check":
            desk.till.take_tender(Tender(TenderKind.CHECK, Cents(cents), number="1"))
        case "card" | "decline" | "doubt":
            await desk.till.pay_by_card()
            if kind == "card":
                desk.approve()
            elif kind == "decline":
                desk.decline(guid=f"d-{len(desk.entries())}")
                await desk.close_declined()
            else:
                desk.hint(PaymentEvent.PAGE_CLOSED)
        case "part":
            desk.till.finish_part(sale_id)
        case "back":
            held = desk.till.snapshot().draft.held
            desk.till.give_back(sale_id, [item.tender.id for item in held], "the payer left")
        case "next":
            desk.till.new_sale()
            desk.fill("permit", "plan")
        case _:
            desk.restart()
            desk.fill("permit", "plan")


async def _day(plan: list[tuple[str, int]], folder: Path) -> None:
    clock = MovingClock()
    with FaultyJournal(folder / "journal.db", till="A", clock=clock, holder="a test") as journal:
        desk = Desk(journal, clock)
        desk.fill("permit", "plan")
        for kind, cents in plan:
            with contextlib.suppress(Refused):  # a step that does not fit; what it left is looked at
                await _step(desk, kind, cents)
            _holds(desk)
        assert journal.verify() is None


def _holds(desk: Desk) -> None:
    tenders = drawer_tenders(desk.journal.entries())
    receipts = desk.till.receipts("")
    by_card = sum(
        item.amount_cents for receipt in receipts for item in receipt.tenders if item.kind is TenderKind.CARD
    )
    receipted = sum(item.tender.amount_cents for item in tenders if item.state is TenderState.RECEIPTED)
    assert sum(receipt.paid_cents for receipt in receipts) == by_card + receipted
    assert all(
        item.amount_cents == sum(share.amount_cents for share in found.shares)
        for found in tenders
        for item in [found.tender]
    )
    for receipt in receipts:
        assert sum(share.amount_cents for share in receipt.fee_shares) == receipt.paid_cents
        assert receipt.due_cents >= 0
        assert all(item.change_cents >= 0 for item in receipt.tenders)
    due = desk.till.snapshot().draft
    assert due.due_cents == due.total_cents - due.paid_cents - sum(x.tender.amount_cents for x in due.held)
    assert due.due_cents >= 0


@settings(max_examples=60)
@given(steps)
def test_no_cent_appears_or_vanishes_over_any_mix_of_tenders(plan: list[tuple[str, int]]) -> None:
    with TemporaryDirectory() as folder:
        asyncio.run(_day(plan, Path(folder)))
