"""Group commit: postbacks that arrive while one commit is under way share the next one.

A durable commit costs a synchronised write, whatever it carries. So a postback is committed at once when none
is under way, those that come meanwhile wait and are committed together, and each caller learns its own result
only after that commit. Nobody waits for a timer.

Lives on one event loop; the commits run on the thread that is handed in, one after the other.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from cashier.domain.errors import Unavailable
from cashier.hub.arrivals import Arrival

#: The most postbacks of one commit, and the most that may wait for one: about 70 MB of them at their largest.
BATCH_MAX = 256
QUEUE_MAX = 2_048

#: Turns of the loop before a commit begins: answers of the last one go out, and what has arrived comes in.
#: Under load groups become twice as large, and the thread and the loop take turns instead of wresting the
#: interpreter from each other, which took a quarter of the time. An idle loop does it in microseconds.
TURNS_BEFORE_COMMIT = 4

#: Stores postbacks in one commit; gives what became of each (see `HubStore.add_all`).
StoreAll = Callable[[Sequence[Arrival]], Sequence[bool | Unavailable]]

log = logging.getLogger(__name__)


class GroupWriter:
    """Commits arrivals in groups of at most `batch_max`; at most `queue_max` wait."""

    def __init__(
        self,
        store_all: StoreAll,
        thread: Executor,
        batch_max: int = BATCH_MAX,
        queue_max: int = QUEUE_MAX,
    ) -> None:
        self._store_all = store_all
        self._thread = thread
        self._batch_max = batch_max
        self._queue_max = queue_max
        self._waiting: deque[tuple[Arrival, asyncio.Future[bool]]] = deque()
        self._draining: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many wait for a commit that has not begun."""
        return len(self._waiting)

    async def add(self, arrival: Arrival) -> bool:
        """Store a postback; on disk when this is True. False: its till is not enrolled, nothing is stored.

        Raises Unavailable when it was not stored for certain or may not have been, when the queue is full
        and when the hub is stopping. A caller that is cancelled leaves its arrival in the queue.
        """
        if self._closed:
            raise Unavailable("The hub is stopping.")
        if len(self._waiting) >= self._queue_max:
            raise Unavailable(f"{self._queue_max} postbacks wait to be stored; no more for now.")
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[bool] = loop.create_future()
        self._waiting.append((arrival, outcome))
        if self._draining is None or self._draining.done():
            self._draining = loop.create_task(self._drain(), name="hub group commit")
        return await outcome

    async def close(self) -> None:
        """Take no more, and wait until all that waits is committed."""
        self._closed = True
        if self._draining is not None:
            await asyncio.wait([self._draining])

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            for _ in range(TURNS_BEFORE_COMMIT):
                await asyncio.sleep(0)
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._batch_max))]
            commit = loop.run_in_executor(self._thread, self._store_all, [arrival for arrival, _ in batch])
            await asyncio.wait([commit])
            error = commit.exception()
            if error is not None:
                log.error("a group of %d postbacks was not stored", len(batch), exc_info=error)
                outcomes: Sequence[bool | BaseException] = [error] * len(batch)
            else:
                outcomes = commit.result()
            for (_, future), outcome in zip(batch, outcomes, strict=True):
                if future.done():  # its caller was cancelled
                    continue
                if isinstance(outcome, BaseException):
                    future.set_exception(outcome)
                else:
                    future.set_result(outcome)
