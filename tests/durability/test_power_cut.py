"""The power fails before every I/O operation of fifty sales, and nothing that the till ever said is lost.

What a kill of the process shows is little: the system still writes what it holds. Here the disk keeps only
what was synced, and any part of the rest (`disk.py`).
"""

import asyncio
import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from cashier.domain.payment import PaymentState
from tests.durability.cuts import Reopener, Tally, cut_everywhere, ways
from tests.durability.disk import Disk, Kind, disks
from tests.durability.workload import HEARD, PAGE, RECORDED, SALES, Recording, record_workload
from tests.fakes.clock import MovingClock
from tests.till.conftest import Desk

SEEDS = range(8)
#: Torn disks a cut in a usual run; `--long` takes every seed at every cut.
USUAL = 1
LEAST_CUTS = 10_000

PROCESSES = 2
#: Operations of the log that one process takes at a time.
CHUNK = 250

#: Settings that look like the pinned ones to the product, but are those that many programs use.
NORMAL = {"PRAGMA synchronous = 2": "PRAGMA synchronous = 1", "PRAGMA synchronous": "SELECT 2"}
DELETE = {
    "PRAGMA journal_mode = wal": "PRAGMA journal_mode = delete",
    "PRAGMA journal_mode": "SELECT 'wal'",
    # The exclusive mode, which WAL needs here, does not delete the journal.
    "PRAGMA locking_mode = exclusive": "PRAGMA locking_mode = normal",
}
#: Without a transaction every statement is a commit of its own.
APART = {"BEGIN": "SELECT 1", "COMMIT": "SELECT 1"}


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """The fifty sales, done once."""
    return asyncio.run(record_workload(tmp_path_factory.mktemp("workload")))


def _seeds(point: int, count: int) -> Sequence[int]:
    """Different ones at each point, so that all have their turn."""
    return [SEEDS[(point + 3 * place) % len(SEEDS)] for place in range(count)]


def _matrix(recording: Recording, torn: int) -> Tally:
    """Every cut of a recording, on both cores."""
    points = range(len(recording.log) + 1)
    context = multiprocessing.get_context("spawn")
    total = Tally()
    with ProcessPoolExecutor(PROCESSES, context) as pool:
        work = partial(cut_everywhere, recording, seeds=partial(_seeds, count=torn))
        for tally in pool.map(work, (points[start : start + CHUNK] for start in points[::CHUNK])):
            total.add(tally)
    return total


def test_p3_power_cut_before_every_operation_loses_nothing(
    recording: Recording, long: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(recording.receipts) == SALES
    started = time.monotonic()
    total = _matrix(recording, len(SEEDS) if long else USUAL)
    with capsys.disabled():
        print(
            f"\npower cuts: {total.cuts} before {total.points} operations, seeds 0 to 7; {total.disks}"
            f" different disks reopened in {time.monotonic() - started:.0f} s"
            f" ({total.cpu_s:.0f} s of {PROCESSES} cores)"
        )
    assert total.broken == []
    assert total.points == len(recording.log) + 1
    assert total.disks >= LEAST_CUTS
    # By what it costs, because others may be at work on the same cores.


@pytest.mark.parametrize(
    ("name", "instead", "told"),
    [
        ("WAL and NORMAL", NORMAL, "lost: "),
        ("DELETE and FULL", DELETE, "lost: "),
        ("no transaction", APART, "half a commit"),
    ],
)
async def test_control_other_settings_are_caught(
    tmp_path: Path,
    name: str,
    instead: dict[str, str],
    told: str,
    long: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    weak = await record_workload(tmp_path, 4 if long else 2, instead)
    total = cut_everywhere(weak, range(len(weak.log) + 1), partial(_seeds, count=1))
    with capsys.disabled():
        print(f"\ncontrol, {name}: {len(total.broken)} of {total.cuts} cuts break a promise")
    assert any(told in broken for broken in total.broken)


async def test_r2_power_cut_between_number_and_insert_leaves_no_gap(tmp_path: Path) -> None:
    """The number of a receipt whose commit the power cut short is the next receipt's."""
    recording = await record_workload(tmp_path, 3)
    third = next(entry.seq for entry in recording.entries if entry.body.get("number") == "A-000003")
    recorded = [promise for promise in recording.promises if promise.what == RECORDED]
    begun = max(promise.at for promise in recorded if promise.seq < third)
    done = min(promise.at for promise in recorded if promise.seq >= third)
    reopener = Reopener(recording, tmp_path)
    numbers, next_numbers = set[str](), set[str]()
    for point, disk in disks(recording.log):
        if begun < point <= done:
            numbers = {reopener.go_on(disk.after_cut(keep)).number for keep in ways(point, SEEDS).values()}
            next_numbers |= numbers
    assert numbers == {"A-000004"}, "acknowledged"
    assert next_numbers == {"A-000003", "A-000004"}, "taken with its row, or free; never skipped"


async def test_p3_power_cut_again_while_recovering_loses_nothing(
    tmp_path: Path, long: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """The power fails once more before each operation of reopening and of the sale after it."""
    recording = await record_workload(tmp_path, 6)
    reopener, again = Reopener(recording, tmp_path), 0
    # The operations are many and much alike: every so many, and those where a checkpoint ends.
    last = [point for point, operation in enumerate(recording.log) if operation.kind is Kind.TRUNCATE]
    for point, disk in disks(recording.log):
        if point % (29 if long else 397) and point not in last:
            continue
        firsts = ways(point, [1]).values()
        for way, keep in enumerate(firsts):
            files = disk.after_cut(keep)
            first = reopener.go_on(files)
            for later, half_done in disks(first.log, files):
                # Every operation in turn after another way of the first cut.
                if not long and later % len(firsts) != way:
                    continue
                for name, kept in ways(later, [2]).items():
                    again += 1
                    left = half_done.after_cut(kept)
                    assert not reopener.broken(left, point), (point, later, name)
                    assert later < first.recorded_at or reopener.go_on(left).repeated, (point, later, name)
    with capsys.disabled():
        print(f"\npower cuts while recovering from one: {again}")
    assert again > 1_000


# -- intent before effect ----------------------------------------------------------------------------------


async def test_p2_p3_what_the_gateway_heard_of_is_known_after_any_cut(
    recording: Recording, tmp_path: Path, long: bool
) -> None:
    """After the cut the till is started again: a launched payment is known with the same bytes, and one whose
    page may have been opened is in doubt, or settled by what was told meanwhile."""
    promises = [promise for promise in recording.promises if promise.what in (HEARD, PAGE)]
    assert len(promises) > 2 * SALES
    reopener, clock = Reopener(recording, tmp_path), MovingClock()
    clock.advance(86_400)
    wanted = iter(sorted(promises, key=lambda promise: promise.at))
    promise = next(wanted, None)
    for point, disk in disks(recording.log):
        while promise is not None and promise.at == point:
            entry = recording.entries[promise.seq - 1]
            for keep in ways(point, SEEDS if long else _seeds(point, 2)).values():
                reopener.files.disk = Disk(disk.after_cut(keep))
                with reopener.open() as journal:
                    desk = Desk(journal, clock)
                    (payment,) = (p for p in desk.journal.unsettled_payments() if p.id == entry.subject)
                    if promise.what == HEARD:
                        assert payment.request == entry.body["request"]
                        assert payment.reference == entry.body["reference"]
                    else:
                        assert payment.state is PaymentState.IN_DOUBT
            promise = next(wanted, None)
    assert promise is None


async def test_control_an_effect_before_its_intent_is_on_disk_is_caught(tmp_path: Path, long: bool) -> None:
    weak = await record_workload(tmp_path, 4 if long else 2, NORMAL)
    total = cut_everywhere(weak, range(len(weak.log) + 1), lambda point: [])
    assert any(HEARD in broken for broken in total.broken)
    assert any(PAGE in broken for broken in total.broken)
