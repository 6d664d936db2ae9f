"""Asking now and then whether the gateway can be reached at all (behaviour O6)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from cashier.till.snapshot import LineState

#: Seconds from one question to the next, while it answers and while it does not.
REACHED_S = 60.0
UNREACHED_S = 10.0


class Prober(Protocol):
    """The till, as the probe needs it."""

    async def probe(self) -> LineState:
        """Ask once."""


async def keep_probing(till: Prober, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
    """Run until cancelled. A card payment that could not be reached is refused before it is an attempt."""
    while True:
        state = await till.probe()
        await sleep(REACHED_S if state is LineState.ONLINE else UNREACHED_S)
