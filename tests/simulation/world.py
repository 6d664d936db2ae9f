"""One world: a seed, a site with its tills, the gateway, the hub, the people, and an auditor who watches all.

`simulate(seed)` runs it. The first thing the auditor does not like ends it, raised as Violation with the seed
and the last steps; the same seed takes the same steps again.
"""

import asyncio
import datetime as dt
import logging
import random
import tempfile
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.simulation import loop
from tests.simulation.auditor import Auditor
from tests.simulation.clerk import Clerk
from tests.simulation.gateway import Gateway
from tests.simulation.hub import SimHub
from tests.simulation.loop import DAY_S, SeededBits, VirtualClock
from tests.simulation.mutant import NONE, Mutant
from tests.simulation.network import Line
from tests.simulation.permits import Permits
from tests.simulation.scenario import CALM, Scenario, scenario_of
from tests.simulation.station import Station
from tests.simulation.telling import Teller

TRACE_LINES = 120
#: The counter is open from 08:00 to 17:00; the world begins at 07:00.
OPENS_S, CLOSES_S = 3600.0, 36_000.0
#: How long the world is left alone at the end: session, margin and every retry fit in several times.
CALM_S = 8 * 3600.0
#: A fast disk for worlds with real stores, where there is one.
FOLDERS = Path("/dev/shm")


class Violation(AssertionError):
    """What the auditor says, with the seed and the last steps."""

    def __init__(self, seed: int, scenario: Scenario, sentence: str, trace: tuple[str, ...]) -> None:
        self.seed, self.sentence, self.trace = seed, sentence, trace
        tail = "\n  ".join(trace)
        super().__init__(
            f"seed {seed} ({scenario.name}): {sentence}\n  {tail}\n"
            f"again: python -m tests.simulation --seed {seed} --days {scenario.days} "
            f"--scenario {scenario.name}{' --real' if scenario.real_stores else ''}"
        )


@dataclass(frozen=True)
class Outcome:
    """What a world came to, and a digest of every step it took."""

    seed: int
    scenario: str
    till_days: int
    sales: int
    charges: int
    entries: int
    excused: int
    digest: str


class World:
    """Everything in one world. Its one source of chance is `random`."""

    def __init__(self, seed: int, scenario: Scenario, mutant: Mutant, folder: Path | None) -> None:
        self.seed, self.scenario, self.mutant = seed, scenario, mutant
        self.faults = scenario
        self.random = random.Random(seed)
        self.clock = VirtualClock()
        self.calm = asyncio.Event()
        self.postback_life = dt.timedelta(days=30)
        self.sales = 0
        self.logged: list[str] = []
        self.trace: deque[str] = deque(maxlen=TRACE_LINES)
        self._digest = sha256()
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._bits = SeededBits(self.random)
        self.auditor = Auditor(self)
        self.gateway = Gateway(self)
        self.permits = Permits(self)
        self.hub = SimHub(self, folder)
        mutant.hub(self.hub)
        self.teller_line = Line(self, "gateway–hub")
        Teller(self.gateway, self.hub, self.teller_line)
        self.stations = [Station(self, code, folder) for code in "ABCDEFGH"[: scenario.tills]]

    # -- chance, time, words ------------------------------------------------------------------------------

    def chance(self, probability: float) -> bool:
        """Whether something of this probability happens now."""
        return probability > 0 and self.random.random() < probability

    def latency_s(self) -> float:
        """Seconds that something needs on a line; now and then many."""
        return self.random.expovariate(20) + (self.chance(0.01) and self.random.uniform(0, 5))

    def new_guid(self) -> str:
        """A GUID of the gateway. Its letters keep it from looking like a card number."""
        return str(UUID(int=self._bits.bits(120) | 0xAB << 120))

    async def sleep_or_calm(self, seconds: float) -> None:
        """Sleep, but no longer than until the world calms down."""
        if seconds < 60:
            await asyncio.sleep(seconds)
        elif not self.calm.is_set():
            try:
                async with asyncio.timeout(seconds):
                    await self.calm.wait()
            except TimeoutError:
                pass
        else:
            await asyncio.sleep(60)

    def note(self, text: str) -> None:
        """A step, for the trace."""
        now = asyncio.get_running_loop().time()
        line = f"{now:12.3f} {text}"
        self.trace.append(line)
        self._digest.update(line.encode())

    def hub_texts(self) -> list[str]:
        """Everything that the hub keeps."""
        return self.hub.texts()

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> "asyncio.Task[Any]":
        """A task of the world. An error in it ends the world, unless it is a process's own end."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        from tests.simulation.station import Dead

        if isinstance(error, Violation):
            self._end(error)
        elif not isinstance(error, Dead):
            failure = self.failure(f"{task.get_name()} raised {type(error).__name__}: {error}")
            failure.__cause__ = error
            self._end(failure)

    def failure(self, sentence: str) -> Violation:
        """What ends the world."""
        return Violation(self.seed, self.scenario, sentence, tuple(self.trace))

    def fail(self, sentence: str) -> None:
        """End the world."""
        self._end(self.failure(sentence))

    def _end(self, error: BaseException) -> None:
        if not self._failed.done():
            self._failed.set_exception(error)

    # -- its life -----------------------------------------------------------------------------------------

    async def live(self) -> Outcome:
        """Work for the scenario's days, calm down, be audited."""
        story = asyncio.get_running_loop().create_task(self._story(), name="the world")
        await asyncio.wait((story, self._failed), return_when=asyncio.FIRST_COMPLETED)
        if self._failed.done():
            story.cancel()
            self._failed.result()
        self._failed.cancel()
        return story.result()

    async def _story(self) -> Outcome:
        lines = [self.teller_line]
        for station in self.stations:
            lines += [station.gateway_line, station.hub_line]
        for line in lines:
            self.spawn(line.outages(), f"outages of {line.name}")
        hub_lines = [self.teller_line, *(station.hub_line for station in self.stations)]
        self.spawn(self._hub_crashes(hub_lines), "hub crashes")
        days = [self.spawn(self._work(station), f"days of {station.code}") for station in self.stations]
        await asyncio.wait(days)
        await self._calm_down(lines)
        self.auditor.audit()
        return Outcome(
            seed=self.seed,
            scenario=self.scenario.name,
            till_days=self.scenario.days * len(self.stations),
            sales=self.sales,
            charges=len(self.gateway.charges),
            entries=sum(self.auditor.seen(station.code) for station in self.stations),
            excused=self.auditor.excused,
            digest=self._digest.hexdigest(),
        )

    async def _work(self, station: Station) -> None:
        for day in range(self.scenario.days):
            opens, closes = (day * DAY_S + moment for moment in (OPENS_S, CLOSES_S))
            await self._until(opens + self.random.uniform(0, 600))
            crashes = self.spawn(self._crashes(station, closes), f"crashes of {station.code}")
            await self._day(station, closes)
            crashes.cancel()
            # The counter is closed; the till stays on until somebody switches it off, or over night.
            await asyncio.sleep(self.random.uniform(0, 5400))
            if self.chance(0.8):
                station.stop()

    async def _day(self, station: Station, closes: float) -> None:
        """A clerk's day: the clerk goes on with the next process when one ends."""
        has_closed = False
        while not has_closed:
            process = await station.started()
            clerk = Clerk(process)
            task = process.spawn(clerk.work(closes), "clerk")
            await asyncio.wait((task,))
            has_closed = clerk.has_closed
            if not has_closed:
                process.kill("with its clerk")
                await asyncio.sleep(self.random.uniform(5, 120))

    async def _crashes(self, station: Station, closes: float) -> None:
        while (rate := self.faults.crashes) and asyncio.get_running_loop().time() < closes:
            await asyncio.sleep(self.random.expovariate(rate / (CLOSES_S - OPENS_S)))
            if station.process is not None:
                station.process.kill("at a whim")

    async def _hub_crashes(self, lines: list[Line]) -> None:
        while (rate := self.scenario.hub_crashes) and not self.calm.is_set():
            await self.sleep_or_calm(self.random.expovariate(rate / DAY_S))
            if self.calm.is_set():
                return
            self.note("hub: crashes")
            for line in lines:
                line.down = True
                line.broke.set()
                line.broke = asyncio.Event()
            await asyncio.sleep(self.random.uniform(2, 300))
            for line in lines:
                line.down = False
            self.note("hub: is back")

    async def _until(self, moment: float) -> None:
        await asyncio.sleep(max(moment - asyncio.get_running_loop().time(), 0))

    async def _calm_down(self, lines: list[Line]) -> None:
        """Everything heals, every postback that is under way arrives, every till runs; then a long wait."""
        self.note("the world calms down")
        names = ("tills", "days", "credentials", "lag_max_s", "wrong_vouches", "excused_doubles", "name")
        self.faults = replace(CALM, **{name: getattr(self.scenario, name) for name in names})
        self.calm.set()
        for line in lines:
            line.down = False
        # Whoever still waits for its line to come back, or for a hub that is down, does so within minutes.
        await asyncio.sleep(1800)
        for line in lines:
            line.down = False
        for station in self.stations:
            process = await station.started()
            for page in process.pages.values():
                page.close()
        await asyncio.sleep(CALM_S)


class _Kept(logging.Handler):
    """Keeps what the product logs, for the auditor."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        self._world.logged.append(record.getMessage())


async def _lived(seed: int, scenario: Scenario, mutant: Mutant, folder: Path | None) -> Outcome:
    world = World(seed, scenario, mutant, folder)
    log, kept = logging.getLogger("cashier"), _Kept(world)
    propagate, log.propagate = log.propagate, False
    log.addHandler(kept)
    try:
        return await world.live()
    finally:
        log.removeHandler(kept)
        log.propagate = propagate
        for station in world.stations:
            station.close()
        world.hub.close()


def simulate(
    seed: int, scenario: Scenario | None = None, mutant: Mutant = NONE, days: int | None = None
) -> Outcome:
    """Run the world of a seed. Raises Violation."""
    scenario = scenario or scenario_of(seed, days)
    if not scenario.real_stores:
        return loop.run(_lived(seed, scenario, mutant, None))
    shared = FOLDERS if FOLDERS.is_dir() else None
    with tempfile.TemporaryDirectory(dir=shared) as name:
        return loop.run(_lived(seed, scenario, mutant, Path(name)))
