"""Follow the hub: pull postbacks, apply them, acknowledge them, for as long as the till runs."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from cashier.domain.errors import CashierError
from cashier.domain.postback import DeliveredPostback
from cashier.till.ports import PostbackFeed
from cashier.till.snapshot import LineState

#: How long one pull waits at the hub for a postback.
PULL_WAIT_S = 25.0
RETRY_FIRST_S = 1.0
RETRY_MAX_S = 30.0


class Taker(Protocol):
    """The till, as the feed needs it."""

    def take(self, delivered: DeliveredPostback) -> object:
        """Apply one postback."""

    def line_is(self, line: LineState) -> None:
        """Tell what the line does."""


async def follow(
    feed: PostbackFeed, till: Taker, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
) -> None:
    """Run until cancelled. A postback is acknowledged only after the journal has it.

    A failure of hub or journal is shown as the line's state and tried again with back-off; the first pull
    does not wait, so that the line's state is known at once. A bug ends it, raised, with the line shown as
    down: no card payment may start that nobody would hear of.
    """
    wait_s, retry_s = 0.0, RETRY_FIRST_S
    while True:
        try:
            delivered = await feed.pull(wait_s)
            for item in delivered:
                till.take(item)
            if delivered:
                await feed.acknowledge([item.id for item in delivered])
        except CashierError:
            till.line_is(LineState.OFFLINE)
            await sleep(retry_s)
            wait_s, retry_s = 0.0, min(retry_s * 2, RETRY_MAX_S)
        except Exception:
            till.line_is(LineState.OFFLINE)
            raise
        else:
            till.line_is(LineState.ONLINE)
            wait_s, retry_s = PULL_WAIT_S, RETRY_FIRST_S
