"""Waiting for a ring, or for a time: how the loops of the till sleep."""

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio


async def rung_or_after(rung: "asyncio.Event", wait_s: float) -> None:
    """Wait for a ring, at most so many seconds; the ring is used up."""
    import asyncio

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(wait_s):
            await rung.wait()
    rung.clear()
