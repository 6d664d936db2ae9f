"""Passing on: what the gateway told the hub is told to the permit portal, so that it marks its invoice paid.

A proven postback of a payment that was announced with a portal's address goes there as it came: same content
type, same body bytes, its query appended to the address's own. Only the value of BillerReference is replaced,
and only where the announcement asks for it. Declines and repeats go, too: the portal hears what it would have
heard from the gateway. Nothing goes before it is stored.

At least once, in the order of arrival within one payment. A letter that was answered 2xx never goes again.
One whose answer never came, because the line broke or the time was up, may or may not have been taken: it
goes again, and so does one whose 2xx this process could not commit before it died. That is the one way for
a letter to be taken twice, and a portal can tell: every attempt of a letter has the same `Idempotency-Key`,
the postback's or the notice's id, and its number in `X-Relay-Attempt`.

Everything but a 2xx is tried again, with longer and longer pauses, for 30 days. That includes 404, 410 and
redirects, which are never followed: portals have outages of routing. But a request that was refused is
unlikely to fare better in a minute, so it is tried about hourly and counted apart. What is left after 30
days is a dead letter, which a person can list and send again.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol, TypeVar

from cashier.domain.errors import Unavailable
from cashier.hub.courier import CONNECTIONS_MAX, Courier, Failure
from cashier.hub.relay_store import TRIED_FOR, Depth, Letter, RelayStore

#: Deliveries under way at once, in all and to one portal: a slow portal does not hold up the others.
IN_FLIGHT_MAX, IN_FLIGHT_MAX_PER_HOST = CONNECTIONS_MAX // 2, 4
#: A delivery's whole time, well below its lease.
DELIVERY_MAX_S = 45.0
#: The pause after the first failure, doubled after each further one up to the longest.
PAUSE_S, PAUSE_MAX_S = 5.0, 3_600.0
#: How long the loop waits at least and at most before it looks for what is due.
LOOK_MIN_S, LOOK_MAX_S = 0.2, 30.0
SWEEP_EVERY = timedelta(minutes=1)
#: The pause after storage failed.
STORAGE_PAUSE_S = 5.0
STOP_GRACE_S = 2.0

T = TypeVar("T")
Clock = Callable[[], datetime]

log = logging.getLogger(__name__)


class Stored(Protocol):
    """Runs a blocking method of a store on a thread where it may, and gives what it gives."""

    def __call__(self, work: Callable[..., T], *args: Any) -> Awaitable[T]: ...


@dataclass(frozen=True)
class Counts:
    """What became of attempts since the start. `retried` are all failures that will be tried again."""

    delivered: int
    retried: int
    rejected: int
    dead: int


def pause(failures: int, rejected: bool, chance: float) -> timedelta:
    """How long to wait after the `failures`-th failure in a row; `chance` is 0 up to 1.

    Half of it is fixed and half is by chance, so that letters that failed together do not come together; the
    pause after a refusal is an hour, give or take a tenth.
    """
    if rejected:
        return timedelta(seconds=PAUSE_MAX_S * (0.9 + 0.2 * chance))
    longest = min(PAUSE_S * 2 ** min(failures - 1, 20), PAUSE_MAX_S)
    return timedelta(seconds=longest * (0.5 + 0.5 * chance))


@dataclass
class _Delivery:
    """One attempt under way. `answered`: all that is left is to record what became of it."""

    letter: Letter
    task: asyncio.Task[None]
    answered: bool = False


class Relay:
    """The delivery loop of one hub process.

    `stored` runs the store's methods where they may block; `chance` gives numbers from 0 up to 1; `count` is
    called with the name of each of Counts as it grows; whoever sets `woken`, or calls `wake`, has it look at
    once. At the end what is under way gets `stop_grace_s` to be answered, and as long again to be recorded.
    """

    def __init__(
        self,
        store: RelayStore,
        stored: Stored,
        courier: Courier,
        clock: Clock,
        chance: Callable[[], float],
        *,
        count: Callable[[str], None] = lambda _: None,
        woken: asyncio.Event | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        stop_grace_s: float = STOP_GRACE_S,
    ) -> None:
        self._store = store
        self._stored = stored
        self._courier = courier
        self._clock = clock
        self._chance = chance
        self._sleep = sleep
        self._stop_grace_s = stop_grace_s
        self._count_outside = count
        self._woken = woken or asyncio.Event()
        self._counted: Counter[str] = Counter()
        self._in_flight: dict[int, _Delivery] = {}
        self._swept_at: datetime | None = None

    def wake(self) -> None:
        """Something may have been queued: look at once. On the loop's own thread."""
        self._woken.set()

    def counts(self) -> Counts:
        """What became of this process's attempts since its start."""
        return Counts(**{name: self._counted[name] for name in Counts.__dataclass_fields__})

    async def depth(self) -> Depth:
        """How much lies in the queue of all processes. Raises Unavailable when storage fails."""
        return await self._stored(self._store.depth)

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set. What is under way then gets a moment to end, or is given back."""
        if not self._courier.portals.hosts:
            log.info("the relay is off: no portal host is allowed")
            await stop.wait()
            return
        stopping = asyncio.create_task(self._wake_at(stop), name="relay stop")
        try:
            while not stop.is_set():
                self._woken.clear()
                try:
                    pause_s = await self._start_due()
                except Unavailable as error:
                    log.error("the relay cannot reach the storage: %s", error)
                    pause_s = STORAGE_PAUSE_S
                except Exception:
                    # A fault of ours must not end the relay in silence while the hub goes on.
                    log.exception("the relay's loop tripped")
                    pause_s = STORAGE_PAUSE_S
                await self._rest(pause_s)
        finally:
            stopping.cancel()
            await self._let_go()

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._woken.set()

    async def _start_due(self) -> float | None:
        """Start what is due. How long to rest; None: until a delivery ends or something is queued."""
        now = self._clock()
        if self._swept_at is None or now - self._swept_at >= SWEEP_EVERY:
            await self._stored(self._store.enqueue_missed, now)
            self._swept_at = now
        busy = Counter(delivery.letter.host for delivery in self._in_flight.values())
        room = {host: IN_FLIGHT_MAX_PER_HOST - busy[host] for host in self._courier.portals.hosts}
        signed = list(self._courier.portals.secrets)
        most = IN_FLIGHT_MAX - len(self._in_flight)
        letters = await self._stored(self._store.claim, now, room, signed, list(self._in_flight), most)
        for letter in letters:
            task = asyncio.create_task(self._deliver(letter), name=f"relay {letter.id}")
            self._in_flight[letter.seq] = _Delivery(letter, task)
        if self._in_flight:
            return None
        due = await self._stored(self._store.next_due, list(room), signed, now)
        rest_s = LOOK_MAX_S if due is None else (due - now).total_seconds()
        return min(max(rest_s, LOOK_MIN_S), LOOK_MAX_S)

    async def _rest(self, pause_s: float | None) -> None:
        """Until woken, or for `pause_s`."""
        waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._woken.wait())]
        if pause_s is not None:
            waits.append(asyncio.ensure_future(self._sleep(pause_s)))
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        for wait in done:
            wait.result()

    async def _let_go(self) -> None:
        """Wait a moment for what is under way; what is not answered then is given back, due at once."""
        tasks = [delivery.task for delivery in self._in_flight.values()]
        if not tasks:
            return
        await asyncio.wait(tasks, timeout=self._stop_grace_s)
        cut_off = [delivery for delivery in self._in_flight.values() if not delivery.answered]
        for delivery in cut_off:
            delivery.task.cancel()
        # An answer that came is recorded, unless storage stays away.
        _, late = await asyncio.wait(tasks, timeout=self._stop_grace_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for delivery in cut_off:
            try:
                await self._stored(self._store.release, delivery.letter)
            except Unavailable:
                log.warning("letter %s waits for the end of its lease: storage fails", delivery.letter.id)

    async def _deliver(self, letter: Letter) -> None:
        """One attempt and the record of what became of it."""
        try:
            try:
                async with asyncio.timeout(DELIVERY_MAX_S):
                    outcome = await self._courier.send(letter)
            except TimeoutError:
                outcome = Failure("no answer in time")
            except Exception:
                # A letter that trips over a fault of ours must not end the loop for all the others.
                log.exception("letter %s could not be sent", letter.id)
                outcome = Failure("fault of the hub", rejected=True)
            self._in_flight[letter.seq].answered = True
            await self._record(letter, outcome)
        finally:
            self._in_flight.pop(letter.seq, None)
            self._woken.set()

    async def _record(self, letter: Letter, outcome: int | Failure) -> None:
        """Keep the outcome, however often storage fails: a 2xx that is forgotten would be sent twice."""
        now = self._clock()
        if isinstance(outcome, int):
            counted = "delivered"
            write = partial(self._store.delivered, letter, outcome, now)
            log.info("letter %s delivered to %s, attempt %d", letter.id, letter.host, letter.attempts)
        else:
            again: datetime | None = now + pause(letter.failures + 1, outcome.rejected, self._chance())
            if now - datetime.fromisoformat(letter.since_at) >= TRIED_FOR:
                again = None
            counted = "dead" if again is None else "retried"
            if outcome.rejected:
                self._count("rejected")
            write = partial(self._store.failed, letter, outcome.status, outcome.error, now, again)
            log.log(
                logging.ERROR if again is None else logging.WARNING,
                "letter %s to %s failed at attempt %d: %s %s%s",
                letter.id,
                letter.host,
                letter.attempts,
                outcome.error,
                outcome.status or "",
                "; it is a dead letter now" if again is None else "",
            )
        while True:
            try:
                changed = await self._stored(write)
                break
            except Unavailable:
                log.error("what became of letter %s is not stored yet", letter.id)
                await self._sleep(STORAGE_PAUSE_S)
        if changed:
            self._count(counted)

    def _count(self, name: str) -> None:
        self._counted[name] += 1
        self._count_outside(name)
