"""Group commit: who shares a commit, who learns what and when, and what a failure costs."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from cashier.domain.errors import Unavailable
from cashier.gateway.postback import PostbackClaims
from cashier.hub.app import Hub, HubConfig, create_hub
from cashier.hub.arrivals import Arrival
from cashier.hub.store import HubStore
from cashier.hub.writer import TURNS_BEFORE_COMMIT, GroupWriter

from .conftest import FORM, MASTER, NOW, Database

WAIT_S = 30.0


def arrival(number: int, till: str = "A", content_type: str = "") -> Arrival:
    return Arrival(
        id=f"00000000-0000-7000-8000-{number:012d}",
        received_at=NOW,
        claims=PostbackClaims(
            site="sampletown",
            till=till,
            reference=f"{till}-{number}",
            amount_cents=24550,
            expires_at=NOW + timedelta(days=30),
            nonce=f"{number:022d}",
        ),
        content_type=content_type,
        query=b"",
        body=FORM,
        scrubbed=False,
    )


@dataclass
class SlowDisk:
    """Stores nothing; every commit waits for the gate, and ends as it is told."""

    gate: threading.Event = field(default_factory=threading.Event)
    groups: list[list[str]] = field(default_factory=list)
    broken: Exception | None = None
    refused: set[str] = field(default_factory=set)

    def store_all(self, arrivals: Sequence[Arrival]) -> list[bool | Unavailable]:
        self.groups.append([one.claims.reference for one in arrivals])
        assert self.gate.wait(WAIT_S)
        if self.broken is not None:
            raise self.broken
        return [Unavailable("no") if one.id in self.refused else one.claims.till == "A" for one in arrivals]

    @property
    def sizes(self) -> list[int]:
        return [len(group) for group in self.groups]


@pytest.fixture
def disk() -> SlowDisk:
    return SlowDisk()


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


async def added(writer: GroupWriter, arrivals: Sequence[Arrival]) -> list[asyncio.Task[bool]]:
    """Callers that wait in the queue, in this order."""
    tasks = [asyncio.create_task(writer.add(one)) for one in arrivals]
    for _ in range(2 * TURNS_BEFORE_COMMIT):
        await asyncio.sleep(0)
    return tasks


async def test_those_that_come_during_a_commit_share_the_next(
    disk: SlowDisk, thread: ThreadPoolExecutor
) -> None:
    writer = GroupWriter(disk.store_all, thread)
    first = await added(writer, [arrival(0)])
    rest = await added(writer, [arrival(number) for number in range(1, 11)])
    assert writer.waiting == 10
    assert not any(task.done() for task in first + rest)
    disk.gate.set()
    assert await asyncio.gather(*first, *rest) == [True] * 11
    assert disk.groups == [["A-0"], [f"A-{number}" for number in range(1, 11)]]


async def test_nobody_learns_anything_before_the_commit(disk: SlowDisk, thread: ThreadPoolExecutor) -> None:
    writer = GroupWriter(disk.store_all, thread)
    tasks = await added(writer, [arrival(1), arrival(2, till="B")])
    done, _ = await asyncio.wait(tasks, timeout=0.05)
    assert not done
    disk.gate.set()
    assert await asyncio.gather(*tasks) == [True, False]


async def test_a_group_has_a_limit(disk: SlowDisk, thread: ThreadPoolExecutor) -> None:
    writer = GroupWriter(disk.store_all, thread, batch_max=3)
    tasks = await added(writer, [arrival(0)])
    tasks += await added(writer, [arrival(number) for number in range(1, 8)])
    disk.gate.set()
    assert await asyncio.gather(*tasks) == [True] * 8
    assert disk.sizes == [1, 3, 3, 1]


async def test_a_full_queue_is_unavailable_at_once(disk: SlowDisk, thread: ThreadPoolExecutor) -> None:
    writer = GroupWriter(disk.store_all, thread, queue_max=2)
    tasks = await added(writer, [arrival(0)])
    tasks += await added(writer, [arrival(1), arrival(2)])
    with pytest.raises(Unavailable, match="2 postbacks wait"):
        await writer.add(arrival(3))
    disk.gate.set()
    assert await asyncio.gather(*tasks) == [True] * 3
    assert await writer.add(arrival(4))


@pytest.mark.parametrize("error", [Unavailable("disk"), RuntimeError("a bug")])
async def test_a_failed_commit_fails_its_group_and_no_other(
    disk: SlowDisk, thread: ThreadPoolExecutor, error: Exception
) -> None:
    writer = GroupWriter(disk.store_all, thread)
    disk.broken = error
    tasks = await added(writer, [arrival(1), arrival(2)])
    disk.gate.set()
    assert await asyncio.gather(*tasks, return_exceptions=True) == [error] * 2
    disk.broken = None
    assert await writer.add(arrival(3))


async def test_a_refused_row_fails_its_own_caller(disk: SlowDisk, thread: ThreadPoolExecutor) -> None:
    writer = GroupWriter(disk.store_all, thread)
    disk.refused = {arrival(2).id}
    disk.gate.set()
    tasks = await added(writer, [arrival(number) for number in (1, 2, 3)])
    one, two, three = await asyncio.gather(*tasks, return_exceptions=True)
    assert (one, three) == (True, True)
    assert isinstance(two, Unavailable)


async def test_a_caller_that_leaves_harms_nobody(disk: SlowDisk, thread: ThreadPoolExecutor) -> None:
    writer = GroupWriter(disk.store_all, thread)
    tasks = await added(writer, [arrival(0)])
    tasks += await added(writer, [arrival(number) for number in (1, 2, 3)])
    for gone in (0, 2):
        tasks[gone].cancel()
    disk.gate.set()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(one, asyncio.CancelledError) for one in ended] == [True, False, True, False]
    assert disk.groups == [["A-0"], ["A-1", "A-2", "A-3"]]


async def test_closing_waits_for_what_was_taken(disk: SlowDisk, thread: ThreadPoolExecutor) -> None:
    writer = GroupWriter(disk.store_all, thread, batch_max=1)
    tasks = await added(writer, [arrival(number) for number in range(3)])
    closing = asyncio.create_task(writer.close())
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="stopping"):
        await writer.add(arrival(9))
    assert not closing.done()
    disk.gate.set()
    await closing
    assert [task.result() for task in tasks] == [True] * 3
    await writer.close()


# -- the store beneath it --------------------------------------------------------------------------------


@pytest.fixture
def store(db_url: str) -> Iterator[HubStore]:
    with HubStore(db_url) as opened:
        opened.enrol("sampletown", "A", NOW)
        yield opened


def references(store: HubStore) -> list[str]:
    return [row.reference for row in store.pending("sampletown", "A", 100)]


def test_a_group_is_stored_in_order_without_strangers(store: HubStore) -> None:
    group = [arrival(3), arrival(1, till="Z"), arrival(2)]
    assert store.add_all(group) == [True, False, True]
    assert references(store) == ["A-3", "A-2"]


def test_the_same_arrival_twice_is_one_row(store: HubStore) -> None:
    assert store.add(arrival(1))
    assert store.add(arrival(1))
    assert store.add_all([arrival(2), arrival(2), arrival(1), arrival(3)]) == [True] * 4
    assert references(store) == ["A-1", "A-2", "A-3"]


@pytest.mark.parametrize(
    "bad",
    [
        replace(arrival(1), body=b"Approved=False"),  # the id of another one
        arrival(7, content_type="\udc80"),  # no text
    ],
)
def test_a_row_that_cannot_be_stored_leaves_the_others_alone(store: HubStore, bad: Arrival) -> None:
    assert store.add(arrival(1))
    outcomes = store.add_all([arrival(2), bad, arrival(3), arrival(4, till="Z")])
    assert [type(one) for one in outcomes] == [bool, Unavailable, bool, bool]
    assert (outcomes[0], outcomes[2], outcomes[3]) == (True, True, False)
    assert references(store) == ["A-1", "A-2", "A-3"]
    assert store.pending("sampletown", "A", 1)[0].body == FORM
    with pytest.raises(Unavailable, match="does not take"):
        store.add(bad)


def test_a_broken_table_fails_the_group(store: HubStore, database: Database) -> None:
    database.run("ALTER TABLE postbacks RENAME TO away")
    with pytest.raises(Unavailable):
        store.add_all([arrival(1), arrival(2)])
    database.run("ALTER TABLE away RENAME TO postbacks")
    assert references(store) == []


async def test_postbacks_without_end_do_not_starve_other_work(db_url: str) -> None:
    hub: Hub = create_hub(HubConfig(db_url, MASTER), lambda: NOW, bytes).state.hub
    await hub.stored(hub.store.enrol, "sampletown", "A", NOW)
    ended = 0

    async def post() -> None:
        nonlocal ended
        for number in range(200):
            await hub.writer.add(arrival(number))
        ended += 1

    async with asyncio.TaskGroup() as posters:
        poster = posters.create_task(post())
        for _ in range(20):
            await hub.stored(hub.store.check)
        assert ended == 0
        assert not poster.done()
    await hub.close()
