"""When backups are made: when the newest is too old, and again soon after one that failed."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import Callable

from cashier.domain.errors import Unavailable
from cashier.till.backing_up import RETRY_S, START_S, keep_backing_up
from tests.fakes.clock import MovingClock

EVERY = dt.timedelta(hours=6)


class Drive:
    """Where backups are kept. The next ones fail with `errors`."""

    def __init__(self, newest: dt.datetime | None = None) -> None:
        self.newest = newest
        self.made: list[dt.datetime] = []
        self.errors: list[Unavailable] = []

    def newest_at(self) -> dt.datetime | None:
        return self.newest

    def make(self, now: dt.datetime) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.made.append(now)


async def lived(drive: Drive, clock: MovingClock, hours: float) -> tuple[list[float], list[str]]:
    """So many hours of a till's life: how long it waited each time, and what was told."""
    slept: list[float] = []
    told: list[str] = []
    end = clock.now() + dt.timedelta(hours=hours)

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.advance(seconds)
        if clock.now() > end:
            raise asyncio.CancelledError
        await asyncio.sleep(0)

    async def run(make: Callable[[dt.datetime], object], now: dt.datetime) -> object:
        return make(now)

    with contextlib.suppress(asyncio.CancelledError):
        await keep_backing_up(drive, EVERY, clock.now, run, told.append, sleep)
    return slept, told


async def test_the_first_is_made_soon_after_the_start_and_then_one_each_time(clock: MovingClock) -> None:
    drive, start = Drive(), clock.now()
    slept, told = await lived(drive, clock, 13)
    assert [(made - start).total_seconds() for made in drive.made] == [
        START_S,
        START_S + 6 * 3600,
        START_S + 12 * 3600,
    ]
    assert (slept[0], told) == (START_S, [])


async def test_one_that_is_new_enough_is_waited_for(clock: MovingClock) -> None:
    drive, start = Drive(clock.now() - dt.timedelta(hours=2)), clock.now()
    await lived(drive, clock, 5)
    assert [(made - start).total_seconds() for made in drive.made] == [4 * 3600]


async def test_one_of_the_future_is_waited_for_no_longer_than_usual(clock: MovingClock) -> None:
    drive, start = Drive(clock.now() + dt.timedelta(days=30)), clock.now()
    await lived(drive, clock, 7)
    assert [(made - start).total_seconds() for made in drive.made] == [START_S + 6 * 3600]


async def test_one_that_failed_is_told_and_tried_again_soon(clock: MovingClock) -> None:
    drive, start = Drive(), clock.now()
    drive.errors = [Unavailable("No backup: the drive is not there.")] * 2
    _, told = await lived(drive, clock, 1)
    assert told == ["No backup: the drive is not there."] * 2
    assert [(made - start).total_seconds() for made in drive.made] == [START_S + 2 * RETRY_S]
