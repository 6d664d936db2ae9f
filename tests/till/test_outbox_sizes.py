"""What is too large for the hub: refused where it would be recorded, and named where it stands already."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cashier.domain.entries import EntryKind, StoredRow
from cashier.domain.errors import InDoubt, Refused
from cashier.domain.outbox import BATCH_BYTES, BATCH_ENTRIES, Owed, Phase
from cashier.domain.sizes import ENTRY_MAX_BYTES, SALE_MAX_BYTES
from cashier.journal.store import SqliteJournal
from tests.contracts.test_copy_contract import chained
from tests.fakes.clock import MovingClock
from tests.fakes.entries import Drafts
from tests.till.conftest import Desk
from tests.till.test_outbox import World

LOST = InDoubt("The hub did not answer.")
#: More than every hub has room for.
LARGE = BATCH_BYTES + 1


@pytest.fixture
def world(tmp_path: Path, clock: MovingClock) -> Iterator[World]:
    made = World(tmp_path / "j.db", clock)
    yield made
    made.journal.close()


def take_over(world: World, text: str) -> StoredRow:
    """Bring an entry of this text into the journal as an older program had recorded it."""
    (last,) = world.journal.rows_after(world.journal.head().seq - 1, 1)
    row = StoredRow(
        last.seq + 1, f"old-{last.seq}", "drawer_opened", last.at, "A", "drawer", text, last.hash, ""
    )
    (row,) = chained([row])
    world.journal.adopt([row])
    return row


async def test_an_entry_too_large_is_an_exception_and_blocks_nothing(world: World) -> None:
    world.copy.copies.most_bytes = LARGE
    world.record(3)
    large = take_over(world, '{"reason":"' + "x" * LARGE + '"}')
    world.record(4)
    await world.drain()
    assert (world.to_send, world.outbox.view().phase) == (0, Phase.READY)
    assert world.kept() == world.entry_ids(), "in its place, and everything behind it"
    (found,) = world.outbox.exceptions()
    assert (found.seq, found.owner, found.reason) == (large.seq, "supervisor", "it is too large")
    assert world.copy.copies.journals["A"][large.seq - 1].body_text == "{}"
    assert [row.hash for row in world.copy.copies.journals["A"]] == [e.hash for e in world.journal.entries()]


async def test_what_is_only_too_much_at_once_goes_whole_in_smaller_batches(world: World) -> None:
    world.copy.copies.most_bytes = 3_000
    for _ in range(6):
        world.journal.record([world.drafts.draft(EntryKind.DRAWER_OPENED, "drawer", {"reason": "y" * 1_000})])
    world.record(300)
    await world.drain()
    assert (world.to_send, world.outbox.exceptions()) == (0, ())
    assert world.kept() == world.entry_ids()
    assert world.copy.batches[0] <= 2
    assert max(world.copy.batches) > 50, "and grows again"
    assert max(world.copy.batches) <= BATCH_ENTRIES


async def test_its_exception_is_made_though_the_answer_was_lost(world: World) -> None:
    world.copy.copies.most_bytes = LARGE
    world.record(1)
    take_over(world, '{"reason":"' + "x" * LARGE + '"}')
    world.copy.lost = [LOST, LOST]
    for _ in range(4):
        await world.drain()
        world.start()
        world.clock.advance(10)
    assert world.to_send == 0
    assert [found.seq for found in world.outbox.exceptions()] == [2]
    assert world.kept() == world.entry_ids()


async def test_a_proxy_that_is_set_up_wrong_is_waited_for(world: World) -> None:
    world.record(2)
    world.copy.copies.most_bytes = 5
    await world.drain()
    assert (world.to_send, world.outbox.view().phase) == (2, Phase.WAITING)
    assert "a proxy before it" in world.outbox.view().fault
    assert world.outbox.exceptions() == (), "nothing is given up"
    world.copy.copies.most_bytes = 10_000
    world.clock.advance(400)
    await world.drain()
    assert (world.to_send, world.kept()) == (0, world.entry_ids())


async def test_an_older_hub_that_keeps_no_place_alone_is_waited_for(world: World) -> None:
    world.record(1)
    take_over(world, '{"reason":"' + "x" * LARGE + '"}')
    world.copy.copies.most_bytes, world.copy.places = LARGE, False
    await world.drain()
    assert (world.to_send, world.outbox.view().phase) == (1, Phase.WAITING)
    assert world.outbox.exceptions() == (), "nothing is given up"
    world.copy.copies.most_bytes = 2 * LARGE
    world.clock.advance(400)
    await world.drain()
    assert (world.to_send, world.kept()) == (0, world.entry_ids())


async def test_a_sale_too_large_is_refused_before_money_moves(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    desk.fill()
    before = list(desk.journal.entries())
    draft = desk.till.snapshot().draft
    desk.till.set_permit(replace(draft.permit, description="x" * SALE_MAX_BYTES))
    with pytest.raises(Refused, match="Nothing was recorded and nothing is charged"):
        await desk.till.pay_by_card()
    assert (list(desk.journal.entries()), desk.gateway.launched) == (before, [])
    desk.till.set_permit(draft.permit)
    assert await desk.till.pay_by_card()


def test_nothing_larger_than_the_hub_takes_is_recorded(world: World) -> None:
    first, *_ = world.record(1)
    body = {"reason": "x" * ENTRY_MAX_BYTES}
    fine = world.drafts.draft(EntryKind.DRAWER_OPENED, "drawer", {"reason": "change"})
    with pytest.raises(Refused, match="at most 1536"):
        world.journal.record([fine, world.drafts.draft(EntryKind.DRAWER_OPENED, "drawer", body)])
    assert [entry.id for entry in world.journal.entries()] == [first.id], "nothing of that commit"


async def test_o8_a_hub_that_is_ahead_of_a_rescued_journal_is_no_contradiction(
    world: World, tmp_path: Path
) -> None:
    """The dead till had sent more than its disk has, or than was taken over of it so far."""
    drafts = Drafts("b", "B")
    with SqliteJournal(tmp_path / "whole.db", till="B", clock=world.clock, holder="B") as whole:
        for number in range(3):
            whole.record(drafts.paid_sale(f"s{number}"))
        rows = whole.rows_after(0, 100)
    world.copy.copies.journals["B"] = list(rows)
    with SqliteJournal(tmp_path / "b.db", till="B", clock=world.clock, holder="the rescue") as rescued:
        rescued.adopt(rows[:10])
        world.outbox.bring("B", rescued, lambda _entry: None)
        await world.drain()
        assert (world.to_send, world.outbox.exceptions(), world.copy.copies.alarms) == (0, (), [])
        assert rescued.sent(Owed.ENTRIES) == 10
        rescued.adopt(rows[10:])
        world.start().bring("B", rescued, lambda _entry: None)
        await world.drain()
        assert (world.to_send, world.outbox.exceptions()) == (0, ())
    assert world.kept("B") == [row.id for row in rows]


async def test_o8_another_journal_than_the_hub_has_is_a_contradiction_though_it_is_shorter(
    world: World, tmp_path: Path
) -> None:
    with SqliteJournal(tmp_path / "whole.db", till="B", clock=world.clock, holder="B") as whole:
        whole.record(Drafts("b", "B").paid_sale("s1"))
        world.copy.copies.journals["B"] = list(whole.rows_after(0, 100))
    with SqliteJournal(tmp_path / "b.db", till="B", clock=world.clock, holder="the rescue") as rescued:
        rescued.record(Drafts("other", "B").paid_sale("s1")[:3])
        world.outbox.bring("B", rescued, lambda _entry: None)
        await world.drain()
    assert [(found.till, found.owner) for found in world.outbox.exceptions()] == [("B", "administrator")]
