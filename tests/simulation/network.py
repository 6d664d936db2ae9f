"""Lines between two machines: each drops requests and answers, repeats, delays, and goes down for a while."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from cashier.domain.errors import CashierError, InDoubt, Unavailable

if TYPE_CHECKING:
    from tests.simulation.world import World

Answer = TypeVar("Answer")
#: A request that arrives twice does so within this, as a proxy repeats it: not minutes later.
REPEATED_WITHIN_S = 1.5


class Line:
    """One line. `down` while an outage lasts; whatever is sent then is lost."""

    def __init__(self, world: "World", name: str) -> None:
        self._world = world
        self.name = name
        self.down = False
        #: Set at the beginning of each outage, for those who wait on the line.
        self.broke = asyncio.Event()

    async def ask(self, what: str, do: Callable[[], Answer], lost: type[CashierError] = InDoubt) -> Answer:
        """Have `do` done at the other end. `lost` is what a request whose answer never came is raised as."""
        world = self._world
        await asyncio.sleep(world.latency_s())
        if self.down or world.chance(world.faults.lost_request):
            world.note(f"{self.name}: {what} was not heard")
            await asyncio.sleep(world.random.uniform(0, 8))
            raise (Unavailable if world.chance(0.5) else lost)("The other side was not reached.")
        if world.chance(world.faults.repeated):
            world.note(f"{self.name}: {what} is heard twice")
            world.spawn(self._again(do), f"{self.name} again")
        try:
            answer = do()
        except CashierError:
            await self._back(what, lost)
            raise
        await self._back(what, lost)
        return answer

    async def _back(self, what: str, lost: type[CashierError]) -> None:
        world = self._world
        await asyncio.sleep(world.latency_s())
        if self.down or world.chance(world.faults.lost_answer):
            world.note(f"{self.name}: the answer to {what} was lost")
            await asyncio.sleep(world.random.uniform(0, 8))
            raise lost("The other side did not answer.")

    async def _again(self, do: Callable[[], object]) -> None:
        await asyncio.sleep(self._world.random.uniform(0, REPEATED_WITHIN_S))
        try:
            do()
        except CashierError as error:
            self._world.note(f"{self.name}: the second time was refused: {error.user_text[:60]}")

    async def outages(self) -> None:
        """Go down now and then, until the world calms down."""
        world = self._world
        rate = world.scenario.outages
        while rate and not world.calm.is_set():
            await world.sleep_or_calm(world.random.expovariate(rate / 86_400))
            if world.calm.is_set():
                return
            world.note(f"{self.name}: down")
            self.down = True
            self.broke.set()
            self.broke = asyncio.Event()
            await world.sleep_or_calm(world.random.expovariate(1 / world.scenario.outage_s))
            self.down = False
            world.note(f"{self.name}: up")
