"""Backups of the journal, one every so many hours, beside everything else."""

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Protocol

from cashier.domain.errors import CashierError

#: After a start the till has other things to do.
START_S = 60.0
#: After one that failed: a second drive may have been taken out for a while.
RETRY_S = 900.0


class Backing(Protocol):
    """Where backups are kept."""

    def newest_at(self) -> dt.datetime | None:
        """When the newest was made, aware UTC, or None."""

    def make(self, now: dt.datetime) -> object:
        """Make one; blocking. Raises Unavailable or Discrepancy."""


async def keep_backing_up(
    backups: Backing,
    every: dt.timedelta,
    now: Callable[[], dt.datetime],
    run: Callable[[Callable[[dt.datetime], object], dt.datetime], Awaitable[object]],
    tell: Callable[[str], object],
    sleep: Callable[[float], Awaitable[object]],
) -> None:
    """Make one whenever the newest is too old, for as long as the till runs.

    `run` makes it on another thread. `tell` hears why one failed. The clock counts at the start alone.
    """
    await sleep(START_S)
    newest = backups.newest_at()
    left = (newest + every - now()).total_seconds() if newest else 0.0
    await sleep(min(max(left, 0.0), every.total_seconds()))
    while True:
        try:
            await run(backups.make, now())
        except CashierError as error:
            tell(error.user_text)
            await sleep(RETRY_S)
        else:
            await sleep(every.total_seconds())
