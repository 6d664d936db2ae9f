"""Virtual time: an event loop that never waits, and clocks that read it.

The loop is asyncio's own, with the selector replaced by one that steps to the next timer instead of sleeping.
It has no file, no socket and no thread, so the same seed runs the same steps in the same order.
"""

import asyncio
import datetime as dt
import random
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")
#: When the world begins: a Monday, 07:00 at the counter, which is five hours behind UTC.
BEGIN = dt.datetime(2026, 2, 2, 12, 0, tzinfo=dt.UTC)
COUNTER_BEHIND = dt.timedelta(hours=5)
DAY_S = 86_400.0
#: What each turn of the loop takes. Were it nothing, whoever waits for less than floating point can tell
#: would wait for ever.
TICK_S = 1e-6


class Stuck(Exception):
    """Nobody will ever do anything again, and the world was to go on."""


class VirtualLoop(asyncio.BaseEventLoop):
    """A loop whose time moves from timer to timer, and by a tick a turn. Seconds since BEGIN."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._selector = self
        # Timers this close together are due together: below it floating point cannot tell them apart.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """Seconds since BEGIN."""
        return self._now

    def select(self, timeout: float | None) -> list[Any]:
        """What asyncio waits in: the next timer is due at once."""
        if timeout is None:
            raise Stuck("nobody in the world will ever do anything again")
        self._now += TICK_S + max(timeout, 0)
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        """There are no files that could be ready."""

    def _write_to_self(self) -> None:
        """There is no other thread that would have to wake this one."""


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine in virtual time to its end; what is left over is cancelled."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(main)
    finally:
        left = sorted(asyncio.all_tasks(loop), key=lambda task: task.get_name())
        for task in left:
            task.cancel()
        for task in left:
            loop.run_until_complete(_ended(task))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def _ended(task: "asyncio.Task[Any]") -> None:
    await asyncio.wait([task])
    if not task.cancelled():
        task.exception()  # looked at: whoever should have cared for it has ended with the world


class VirtualClock:
    """The clock of one machine."""

    def now(self) -> dt.datetime:
        """Aware UTC."""
        return BEGIN + dt.timedelta(seconds=asyncio.get_running_loop().time())

    def today(self) -> dt.date:
        """The date at the counter."""
        return (self.now() - COUNTER_BEHIND).date()

    def monotonic(self) -> float:
        """Seconds."""
        return asyncio.get_running_loop().time()


class SeededBits:
    """Random bits of the world's one source."""

    def __init__(self, source: random.Random) -> None:
        self._source = source

    def bits(self, count: int) -> int:
        """See the till's port Randomness."""
        return self._source.getrandbits(count)
