"""The outbox: what is owed reaches the hub in order, once, whatever the line does and whatever is refused."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cashier.domain.entries import Draft, Entry, EntryKind, StoredRow
from cashier.domain.errors import InDoubt, Refused, TooBusy, Unavailable
from cashier.domain.money import Cents
from cashier.domain.outbox import BATCH_ENTRIES, Owed, Phase
from cashier.domain.receipt import Tender, TenderKind
from cashier.journal.store import SqliteJournal
from cashier.till.outbox import IDLE_S, PACE_S, Outbox
from cashier.till.senders import LOOKED_AT_ONCE, NOTICES_AGAIN
from cashier.till.snapshot import LineState
from tests.fakes.clock import MovingClock, SeededRandomness
from tests.fakes.copy import FakeCopy
from tests.fakes.entries import Drafts
from tests.fakes.people import PIN, SUPERVISOR
from tests.till.conftest import Desk, FaultyJournal

DOWN = Unavailable("The hub cannot be reached.")
LOST = InDoubt("The hub did not answer.")
PORTAL = "https://permits.example.org/hook"


class World:
    """A journal, its outbox, and the copies at the hub."""

    def __init__(self, file: Path, clock: MovingClock) -> None:
        self.clock = clock
        self.copy = FakeCopy()
        self.drafts = Drafts()
        self.slept: list[float] = []
        self.forks: list[int] = []
        self.told = 0
        self.journal = FaultyJournal(file, till="A", clock=clock, holder="a test")
        self.start()

    def start(self) -> Outbox:
        """The till starts once more, on the same journal."""
        self.outbox = Outbox(
            "A",
            self.clock,
            SeededRandomness(),
            self.journal,
            self.copy,
            lambda _entry: None,
            self._changed,
            lambda broken: self.forks.append(broken.seq),
            self._sleep,
        )
        return self.outbox

    def _changed(self) -> None:
        self.told += 1

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    def record(self, count: int) -> tuple[Entry, ...]:
        """So many entries that need nothing else."""
        number = self.journal.head().seq
        return self.journal.record(
            [
                self.drafts.draft(EntryKind.DRAWER_OPENED, "drawer", {"reason": f"change {number + place}"})
                for place in range(count)
            ]
        )

    async def drain(self) -> None:
        """Send until nothing is due now."""
        while await self.outbox.send_due() <= 0:
            pass

    def kept(self, till: str = "A") -> list[str]:
        return self.copy.copies.ids(till)

    def entry_ids(self) -> list[str]:
        return [entry.id for entry in self.journal.entries()]

    @property
    def to_send(self) -> int:
        return self.outbox.view().to_send


@pytest.fixture
def world(tmp_path: Path, clock: MovingClock) -> Iterator[World]:
    made = World(tmp_path / "j.db", clock)
    yield made
    made.journal.close()


async def test_everything_recorded_is_owed_until_the_hub_has_it(world: World) -> None:
    world.record(3)
    assert world.to_send == 3
    await world.drain()
    assert (world.to_send, world.kept()) == (0, world.entry_ids())
    assert world.outbox.view().phase is Phase.READY
    world.record(1)
    assert world.to_send == 1


async def test_o1_what_was_owed_when_the_till_ended_is_owed_when_it_starts(world: World) -> None:
    world.copy.down = DOWN
    world.record(5)
    await world.drain()
    assert world.outbox.view().phase is Phase.WAITING
    world.start()
    assert world.to_send == 5
    world.copy.down = None
    await world.drain()
    assert (world.kept(), world.to_send) == (world.entry_ids(), 0)


async def test_o2_a_lost_answer_makes_nothing_twice(world: World) -> None:
    world.record(3)
    world.copy.lost = [LOST, LOST]
    for _ in range(3):
        await world.drain()
        world.clock.advance(10)
    assert world.kept() == world.entry_ids()
    assert (len(world.kept()), world.to_send) == (3, 0)
    assert world.copy.batches == [3, 3, 3], "the same three, until it was answered"


async def test_o3_a_refused_item_is_an_exception_and_blocks_nothing(world: World) -> None:
    _, second, _ = world.record(3)
    world.copy.copies.dislikes = lambda row: "it may hold a card number" if row.id == second.id else ""
    await world.drain()
    (found,) = world.outbox.exceptions()
    assert (found.seq, found.owner, found.reason) == (2, "supervisor", "it may hold a card number")
    assert world.kept() == world.entry_ids(), "the exception is journalled, and told like everything"
    assert len(world.kept()) == 4
    (matter,) = world.journal.open_matters()
    assert matter.kind is EntryKind.COPY_REFUSED
    assert "Entry 2 of till A" in matter.body["reason"]


async def test_o3_an_exception_is_made_once_though_the_answer_was_lost(world: World) -> None:
    world.record(3)
    world.copy.copies.dislikes = lambda row: "no" if row.seq == 2 else ""
    world.copy.lost = [LOST]
    await world.drain()
    assert world.outbox.exceptions() == (), "its answer was lost"
    world.start()  # the till ended there
    await world.drain()
    assert [found.seq for found in world.outbox.exceptions()] == [2], "never silently dropped"
    world.journal.mark_sent(Owed.ENTRIES, 0)
    world.start()
    await world.drain()
    assert len(world.outbox.exceptions()) == 1


async def test_o3_an_exception_that_could_not_be_recorded_is_told_again(world: World) -> None:
    world.record(3)
    world.copy.copies.dislikes = lambda row: "no" if row.seq == 2 else ""
    world.journal.disk_full = True
    await world.drain()
    assert (world.to_send, world.outbox.view().fault) == (3, "The disk is full. Nothing was recorded.")
    world.journal.disk_full = False
    world.clock.advance(60)
    await world.drain()
    assert (world.to_send, [found.seq for found in world.outbox.exceptions()]) == (0, [2])


async def test_a_journal_that_fails_ends_nothing(world: World) -> None:
    world.record(1)
    await world.drain()
    world.copy.copies.journals["A"][0] = replace(world.copy.copies.journals["A"][0], hash="f" * 64)
    world.start()
    world.journal.disk_full = True
    running = asyncio.create_task(world.outbox.run())
    while world.copy.asked < 3:
        await asyncio.sleep(0)
    assert not running.done()
    assert world.outbox.view().phase is Phase.READY, "nobody was told of the fork yet"
    world.journal.disk_full = False
    world.outbox.line_is_up()
    while world.outbox.view().phase is not Phase.STOPPED:
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])
    assert len(world.outbox.exceptions()) == 1


async def test_o3_what_a_person_has_seen_to_is_no_exception_any_more(world: World) -> None:
    world.record(1)
    world.copy.copies.dislikes = lambda row: "no" if row.seq == 1 else ""
    await world.drain()
    (matter,) = world.journal.open_matters()
    seen = {"matter": matter.id, "by": "Robin Supervisor", "note": "looked into"}
    world.journal.record([world.drafts.draft(EntryKind.MATTER_SEEN, matter.subject, seen)])
    assert world.outbox.exceptions() == ()


async def test_o4_a_contradiction_stops_it_with_an_alarm(world: World) -> None:
    rows = world.record(3)
    await world.drain()
    other = replace(world.copy.copies.journals["A"][1], body_text="{}", hash="f" * 64)
    world.copy.copies.journals["A"][1:] = [other]
    world.record(1)
    world.start()
    await world.drain()
    view = world.outbox.view()
    assert (view.phase, world.forks) == (Phase.STOPPED, [2])
    assert "disagrees at entry 2" in view.fault
    (found,) = world.outbox.exceptions()
    assert (found.seq, found.owner) == (2, "administrator")
    asked = world.copy.asked
    await world.drain()
    assert world.copy.asked == asked, "nothing more is sent"
    world.start()
    await world.drain()
    assert len(world.outbox.exceptions()) == 1, "the same alarm is one"
    world.copy.copies.journals["A"] = list(world.journal.rows_after(0, 2))
    world.outbox.resume()
    await world.drain()
    assert (world.outbox.view().phase, world.kept()) == (Phase.READY, world.entry_ids())
    assert len(rows) == 3


async def test_a_cut_journal_is_told_from_the_hubs_copy(world: World, tmp_path: Path) -> None:
    world.record(3)
    await world.drain()
    shorter = World(tmp_path / "shorter.db", world.clock)
    shorter.copy = world.copy
    for row in world.copy.copies.journals["A"][:2]:
        shorter.journal.record([_draft(row)])
    shorter.start()
    await shorter.drain()
    assert shorter.forks == [3]
    assert "the hub has entries up to 3, which this journal lacks" in shorter.outbox.view().fault
    shorter.journal.close()


def _draft(row: StoredRow) -> Draft:
    return Draft(row.id, EntryKind(row.kind), row.subject, {"reason": row.body_text[11:-2]})


async def test_what_the_hub_has_lost_is_sent_once_more(world: World) -> None:
    world.record(250)
    await world.drain()
    del world.copy.copies.journals["A"][120:]
    world.record(1)
    await world.drain()
    assert world.kept() == world.entry_ids(), "told by the gap, while it runs"
    del world.copy.copies.journals["A"][:]
    world.start()
    await world.drain()
    assert world.kept() == world.entry_ids(), "told by asking, at the start"


async def test_batches_are_small_and_the_window_has_its_turn_between(world: World) -> None:
    world.record(10 * BATCH_ENTRIES + 7)
    running = asyncio.create_task(world.outbox.run())
    while world.to_send:
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])
    assert max(world.copy.batches) == BATCH_ENTRIES
    assert len(world.copy.batches) == 11
    assert world.slept[:10] == [PACE_S] * 10


async def test_large_entries_make_smaller_batches(world: World) -> None:
    for number in range(7):
        body = {"reason": f"{number}" + "x" * 200_000}
        world.journal.record([world.drafts.draft(EntryKind.DRAWER_OPENED, "drawer", body)])
    await world.drain()
    assert world.copy.batches == [2, 2, 2, 1]
    assert world.kept() == world.entry_ids()


async def test_o9_five_hundred_receipts_come_in_order_with_progress(world: World) -> None:
    world.copy.down = DOWN
    for number in range(72):
        world.journal.record(world.drafts.paid_sale(f"s{number}"))
    await world.drain()
    assert world.to_send == 504
    world.copy.down = None
    world.outbox.line_is_up()
    seen: list[int] = []
    while world.to_send:
        seen.append(world.to_send)
        await world.outbox.send_due()
    assert seen == [504, 404, 304, 204, 104, 4]
    assert world.kept() == world.entry_ids()
    assert world.told >= len(seen), "each step is shown"


async def test_tries_come_further_and_further_apart_with_a_chance_in_them(world: World) -> None:
    world.copy.down = DOWN
    world.record(1)
    waits = []
    for _ in range(12):
        waits.append(await world.outbox.send_due())
        world.clock.advance(waits[-1] + 0.001)
    limits = [2.0, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]
    assert all(limit / 2 <= wait <= limit for wait, limit in zip(waits, limits, strict=True))
    assert len({wait / limit for wait, limit in zip(waits, limits, strict=True)}) > 6, "not all at once"
    asked = world.copy.asked
    world.record(1)
    world.outbox.look()
    assert await world.outbox.send_due() > 0
    world.clock.advance(1)
    await world.outbox.send_due()
    assert world.copy.asked == asked + 1, "a new entry makes nobody ask sooner"
    world.copy.down = None
    world.outbox.line_is_up()
    await world.drain()
    assert (world.to_send, world.outbox.view().fault) == (0, "")


async def test_a_hub_that_is_busy_is_left_alone_as_long_as_it_says(world: World) -> None:
    world.copy.errors = [TooBusy("no time", 77.0)]
    world.record(1)
    assert await world.outbox.send_due() == 77


async def test_pause_and_resume(world: World) -> None:
    world.outbox.pause()
    world.record(2)
    assert await world.outbox.send_due() == IDLE_S
    assert (world.outbox.view().phase, world.to_send, world.copy.asked) == (Phase.PAUSED, 2, 0)
    world.outbox.resume()
    await world.drain()
    assert (world.outbox.view().phase, world.to_send) == (Phase.READY, 0)


async def test_a_refusal_of_the_till_itself_waits_and_loses_nothing(world: World) -> None:
    world.copy.down = Refused("The hub does not know this till's key")
    world.record(2)
    await world.drain()
    assert (world.outbox.view().phase, world.to_send) == (Phase.WAITING, 2)
    assert world.outbox.exceptions() == ()


async def test_o8_a_rescued_journal_is_sent_under_its_own_till(world: World, tmp_path: Path) -> None:
    with SqliteJournal(tmp_path / "b.db", till="B", clock=world.clock, holder="the rescue") as rescued:
        rescued.record(Drafts("b", "B").paid_sale("s1"))
        world.copy.copies.dislikes = lambda row: "no" if row.id == "b-000003" else ""
        world.record(1)
        world.outbox.bring("B", rescued, lambda _entry: None)
        assert world.to_send == 8
        await world.drain()
        assert (world.to_send, len(world.kept("B")), world.kept()) == (0, 7, world.entry_ids())
        assert rescued.head().seq == 7, "nothing is ever added to a dead till's journal"
        assert [(found.till, found.seq) for found in world.outbox.exceptions()] == [("B", 3)]


async def test_o8_a_rescued_journal_whose_till_goes_on_elsewhere_is_no_contradiction(
    world: World, tmp_path: Path
) -> None:
    with SqliteJournal(tmp_path / "b.db", till="B", clock=world.clock, holder="till B") as alive:
        alive.record(Drafts("b", "B").paid_sale("s1"))
        early = alive.rows_after(0, 99)
        alive.record(Drafts("later", "B").paid_sale("s2"))
        world.copy.copies.journals["B"] = list(alive.rows_after(0, 99))
    for sent in (7, 3):
        with SqliteJournal(tmp_path / f"{sent}.db", till="B", clock=world.clock, holder="it") as rescued:
            rescued.adopt(early)
            rescued.mark_sent(Owed.ENTRIES, sent)
            world.start().bring("B", rescued, lambda _entry: None)
            await world.drain()
            assert (world.to_send, len(world.kept("B"))) == (0, 14)
            assert world.outbox.view().phase is Phase.READY
    assert world.outbox.exceptions() == ()


async def test_o8_a_rescued_journal_is_sent_again_to_a_hub_that_has_lost_it(
    world: World, tmp_path: Path
) -> None:
    with SqliteJournal(tmp_path / "b.db", till="B", clock=world.clock, holder="the rescue") as rescued:
        rescued.record(Drafts("b", "B").paid_sale("s1"))
        rescued.mark_sent(Owed.ENTRIES, 7)
        world.outbox.bring("B", rescued, lambda _entry: None)
        await world.drain()
        assert (world.to_send, len(world.kept("B"))) == (0, 7)


async def test_one_queue_does_not_hold_up_another(world: World, tmp_path: Path) -> None:
    with SqliteJournal(tmp_path / "b.db", till="B", clock=world.clock, holder="the rescue") as rescued:
        rescued.record(Drafts("b", "B").paid_sale("s1"))
        world.copy.copies.journals["B"] = [replace(rescued.rows_after(0, 1)[0], hash="0" * 63 + "1")]
        world.outbox.bring("B", rescued, lambda _entry: None)
        world.record(2)
        await world.drain()
        assert world.kept() == world.entry_ids()
        assert (world.outbox.view().phase, world.forks) == (Phase.STOPPED, []), (
            "this till's own journal holds"
        )


async def test_without_a_hub_nothing_is_owed(world: World) -> None:
    idle = Outbox(
        "A",
        world.clock,
        SeededRandomness(),
        world.journal,
        None,
        lambda _: None,
        lambda: None,
        lambda _: None,
    )
    world.record(3)
    idle.bring("B", world.journal, lambda _entry: None)
    assert (idle.view().to_send, await idle.send_due()) == (0, IDLE_S)


# -- in a till ---------------------------------------------------------------------------------------------


@pytest.fixture
def counter(make_desk: Callable[..., Desk]) -> tuple[Desk, FakeCopy]:
    """A till whose hub keeps copies, and which a portal wants to hear of."""
    desk, copy = make_desk(portal_url=PORTAL), FakeCopy()
    desk.copy = copy
    desk.restart(desk.till.config)
    return desk, copy


async def _drain(desk: Desk) -> None:
    while await desk.till.outbox.send_due() <= 0:
        pass


def _cash(desk: Desk, cents: int = 10_000) -> str:
    desk.fill()
    taken = desk.till.take_tender(Tender(TenderKind.CASH, Cents(cents), received_cents=Cents(cents)))
    assert taken.receipt is not None
    desk.till.new_sale()
    return taken.receipt.number


async def test_o7_what_is_not_sent_is_counted_and_stands_in_nobodys_way(
    counter: tuple[Desk, FakeCopy],
) -> None:
    desk, copy = counter
    copy.down = DOWN
    number = _cash(desk)
    await _drain(desk)
    owed = desk.till.snapshot().outbox.to_send
    assert owed > 3
    desk.close_day()
    desk.till.people.sign_out()
    desk.restart(desk.till.config)
    assert desk.till.snapshot().outbox.to_send > owed, "the close and the signing out are owed as well"
    assert desk.journal.receipt(number) is not None
    copy.down = None
    await _drain(desk)
    assert desk.till.snapshot().outbox.to_send == 0
    assert copy.copies.ids("A") == [entry.id for entry in desk.journal.entries()]


async def test_the_line_coming_back_sends_at_once(counter: tuple[Desk, FakeCopy]) -> None:
    desk, copy = counter
    copy.down = DOWN
    for _ in range(6):
        await desk.till.outbox.send_due()
        desk.clock.advance(400)
    copy.down = None
    assert desk.till.snapshot().outbox.phase is Phase.WAITING
    desk.till.line_is(LineState.ONLINE)
    await _drain(desk)
    assert desk.till.snapshot().outbox.to_send == 0


async def test_a1_a_journal_that_the_hub_contradicts_takes_no_money(counter: tuple[Desk, FakeCopy]) -> None:
    desk, copy = counter
    await _drain(desk)
    first = copy.copies.journals["A"][0]
    copy.copies.journals["A"] = [replace(first, hash="e" * 64)]
    desk.restart(desk.till.config)
    await _drain(desk)
    desk.till.integrity.verified(None)  # the file itself holds
    desk.fill()
    with pytest.raises(Refused, match="the hub has another entry there"):
        desk.till.take_tender(Tender(TenderKind.CASH, Cents(10_000), received_cents=Cents(10_000)))


async def test_cash_and_what_undoes_it_are_told_to_the_portal_once(counter: tuple[Desk, FakeCopy]) -> None:
    desk, copy = counter
    copy.down = DOWN
    number = _cash(desk)
    await _drain(desk)
    assert copy.copies.notices == {}
    copy.down = None
    copy.lost = [LOST]
    for _ in range(4):
        desk.clock.advance(60)
        await _drain(desk)
    receipt = desk.journal.receipt(number)
    assert receipt is not None
    ((url, kind, data),) = copy.copies.notices.values()
    assert (url, kind) == (PORTAL, "payment.recorded")
    assert data["receipt"] == number
    assert (data["amount_cents"], data["by_card_cents"]) == (10_000, 0)
    assert data["tenders"] == [{"kind": "cash", "amount_cents": 10_000}]
    assert data["permit"] == "BP-26-0042"
    assert "Robin" not in repr(data)
    await desk.till.corrections.void(
        number, reason="wrong amount", text="typed wrongly", supervisor=SUPERVISOR, pin=PIN
    )
    await _drain(desk)
    assert [told[1] for told in copy.copies.notices.values()] == ["payment.recorded", "payment.voided"]
    desk.restart(desk.till.config)
    await _drain(desk)
    assert len(copy.copies.notices) == 2


async def test_notices_that_a_restored_hub_has_lost_are_told_once_more(
    counter: tuple[Desk, FakeCopy],
) -> None:
    desk, copy = counter
    await _drain(desk)
    backup = len(copy.copies.journals["A"])
    for _ in range(3):
        _cash(desk)
        await _drain(desk)
        desk.clock.advance(NOTICES_AGAIN.total_seconds() * 0.4)
    told = dict(copy.copies.notices)
    assert len(told) == 3
    for is_at_start in (False, True):
        del copy.copies.journals["A"][backup:]
        copy.copies.notices.clear()
        if is_at_start:
            desk.restart(desk.till.config)
        desk.till.readers.choose("swipe" if is_at_start else "lane")
        await _drain(desk)
        assert copy.copies.ids("A") == [entry.id for entry in desk.journal.entries()]
        assert list(copy.copies.notices) == list(told)[1:], "the first had left the hub long before"
        assert all(told[name] == notice for name, notice in copy.copies.notices.items()), "the very same"
    assert desk.journal.sent(Owed.NOTICES) >= desk.journal.last_of(EntryKind.RECEIPT_ISSUED).seq  # type: ignore[union-attr]


async def test_o3_a_notice_that_is_not_taken_is_an_exception(counter: tuple[Desk, FakeCopy]) -> None:
    desk, copy = counter
    await _drain(desk)
    first, second = _cash(desk), _cash(desk)
    entries = desk.entries(EntryKind.RECEIPT_ISSUED)
    copy.copies.dislikes_notice = lambda notice_id: notice_id == entries[0].id
    await _drain(desk)
    assert [told[2]["receipt"] for told in copy.copies.notices.values()] == [second]
    (found,) = desk.till.outbox.exceptions()
    assert "the portal cannot be told" in found.reason
    assert first != second
    assert desk.till.snapshot().outbox.to_send == 0


async def test_what_no_portal_is_told_of_is_looked_at_once_and_some_at_a_time(world: World) -> None:
    receipts = 2 * LOOKED_AT_ONCE + 5
    world.journal.record([world.drafts.receipt(f"s{number}") for number in range(receipts)])
    assert world.start().view().to_send == receipts + 1, "and one more for what was not looked at yet"
    await world.drain()
    assert world.to_send == 0
    assert receipts - world.journal.sent(Owed.NOTICES) < LOOKED_AT_ONCE
    assert world.start().view().to_send == 0
    assert world.copy.copies.notices == {}


async def test_a_card_is_not_told_to_the_portal_by_the_till(counter: tuple[Desk, FakeCopy]) -> None:
    desk, copy = counter
    await desk.open_page()
    desk.approve()
    await _drain(desk)
    assert (copy.copies.notices, desk.till.snapshot().outbox.to_send) == ({}, 0)


async def test_o7_what_is_sent_at_once_is_told_as_sent(world: World) -> None:
    """Whoever looked when it was recorded has seen that it is owed."""
    world.record(3)
    world.outbox.look()
    assert world.outbox.view().to_send == 3
    before = world.told
    await world.drain()
    assert world.told == before + 1
