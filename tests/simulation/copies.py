"""The hub's second copies of the journals, its queue of notices, and a till's line to them.

All chance here is of a source of its own, so that a world takes the steps it takes without this line, too.
"""

import asyncio
import json
import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa

from cashier.domain.entries import StoredRow
from cashier.domain.errors import CashierError, Discrepancy, InDoubt, Unavailable
from cashier.domain.outbox import Acknowledged, Forked, Gap, Kept
from cashier.hub.journals import Fault, JournalStore
from cashier.hub.notices import read_notice
from cashier.hub.relay_queue import relay
from cashier.hub.relay_store import RelayStore
from cashier.till.ports import Clock
from tests.simulation.network import Line

if TYPE_CHECKING:
    from tests.simulation.station import Process
    from tests.simulation.world import World

Answer = TypeVar("Answer")
SITE = "sampleton"
#: A proxy, or the hub itself, may do what was asked so much later: when it was asked again long since.
DONE_WITHIN_S = 90.0
#: How long a till waits for an answer that does not come.
STALLED_S = 15.0


class MemoryCopies:
    """What tills have sent, by till, and the notices that portals are told, by id."""

    def __init__(self) -> None:
        self.journals: dict[str, list[StoredRow]] = {}
        self.letters: dict[str, tuple[str, bytes]] = {}
        self.alarms: list[str] = []

    def kept(self, till: str) -> Kept:
        """How far a till's copy goes."""
        rows = self.journals.get(till)
        return Kept(rows[-1].seq, rows[-1].hash) if rows else Kept()

    def keep(self, till: str, rows: Sequence[StoredRow]) -> Acknowledged:
        """Add what is new. Raises Gap, Forked."""
        mine = self.journals.setdefault(till, [])
        if rows[0].seq > len(mine) + 1:
            raise Gap(len(mine) + 1)
        for row in rows:
            if row.seq <= len(mine) and (row.id, row.hash) != (mine[row.seq - 1].id, mine[row.seq - 1].hash):
                self._alarm(till, row.seq, "another entry has this number")
            if row.seq == len(mine) + 1:
                if row.previous != (mine[-1].hash if mine else "0" * 64):
                    self._alarm(till, row.seq, "it does not follow")
                mine.append(row)
        return Acknowledged(self.kept(till))

    def _alarm(self, till: str, seq: int, reason: str) -> None:
        self.alarms.append(f"entry {seq} of till {till}: {reason}")
        raise Forked(seq, reason)

    def rows(self, till: str) -> list[StoredRow]:
        """Everything of a till."""
        return self.journals.get(till, [])

    def notify(self, notice_id: str, url: str, body: bytes) -> None:
        """Queue a notice. Raises Discrepancy for another one of this id."""
        if self.letters.setdefault(notice_id, (url, body)) != (url, body):
            self.alarms.append(f"notice {notice_id} was told otherwise before")
            raise Discrepancy("The hub knows this with other content.")

    def told(self) -> dict[str, bytes]:
        """The body of each notice, by id."""
        return {own: body for own, (_, body) in self.letters.items()}


class StoredCopies:
    """The same promises by the product's own stores."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        self._engine, self._clock = engine, clock
        self._journals = JournalStore(engine, b"a key for anchors of a world that is not real")
        self._relay = RelayStore(engine)
        self._tills: set[str] = set()
        self._misfits: list[str] = []

    def kept(self, till: str) -> Kept:
        """See MemoryCopies."""
        return self._journals.kept(SITE, till)

    def keep(self, till: str, rows: Sequence[StoredRow]) -> Acknowledged:
        """See MemoryCopies."""
        self._tills.add(till)
        found = self._journals.keep(SITE, till, rows, till, self._clock.now())
        if isinstance(found, Fault):
            raise Gap(found.seq) if found.is_gap else Forked(found.seq, found.reason)
        return found

    def rows(self, till: str) -> list[StoredRow]:
        """See MemoryCopies."""
        found: list[StoredRow] = []
        while page := self._journals.entries(SITE, till, len(found), 500):
            found += [row for row, _ in page]
        return found

    @property
    def alarms(self) -> list[str]:
        """What contradicted a copy, and what in one does not hold."""
        faults = [self._journals.first_fault(SITE, till) for till in sorted(self._tills)]
        told = [
            str(item["reason"]) for till in sorted(self._tills) for item in self._journals.alarms(SITE, till)
        ]
        return [*told, *(item.reason for item in faults if item is not None), *self._misfits]

    def notify(self, notice_id: str, url: str, body: bytes) -> None:
        """See MemoryCopies."""
        try:
            self._relay.add_notice(SITE, "all", notice_id, url, body, self._clock.now())
        except Discrepancy:
            self._misfits.append(f"notice {notice_id} was told otherwise before")
            raise

    def told(self) -> dict[str, bytes]:
        """See MemoryCopies."""
        with self._engine.connect() as connection:
            return {row.id: row.body for row in connection.execute(sa.select(relay.c.id, relay.c.body))}


class CopyLine:
    """The till's port SecondCopy. Whatever is asked may be dropped, done twice or late, or not answered."""

    def __init__(self, process: "Process", line: Line) -> None:
        self._process, self._line = process, line
        self._world: World = process.world
        self._chance = random.Random(f"{self._world.seed} {process.code} {process.number} copies")

    def _happens(self, probability: float) -> bool:
        return probability > 0 and self._chance.random() < probability

    async def _ask(self, what: str, do: Callable[[], Answer], lost: type[CashierError]) -> Answer:
        process, world, faults = self._process, self._world, self._world.faults
        process.must_live()
        await asyncio.sleep(self._chance.expovariate(20))
        if self._line.down or self._happens(faults.lost_request):
            world.note(f"{self._line.name}: {what} was not heard")
            await asyncio.sleep(self._chance.uniform(0, 8))
            raise (Unavailable if self._happens(0.5) else lost)("The hub was not reached.")
        if self._happens(faults.hub_storage_down):
            raise lost("The hub is out of order (503).")
        if self._happens(faults.repeated):
            world.spawn(self._late(what, do), f"{self._line.name} late")
            if self._happens(0.5):
                await asyncio.sleep(STALLED_S)
                raise lost("The hub did not answer.")
        if self._happens(faults.crash_at_call):
            process.die(f"before {what}")
        answer = do()
        if self._happens(faults.crash_at_call):
            process.die(f"after {what}")
        await asyncio.sleep(self._chance.expovariate(20))
        if self._line.down or self._happens(faults.lost_answer):
            world.note(f"{self._line.name}: the answer to {what} was lost")
            await asyncio.sleep(self._chance.uniform(0, 8))
            raise lost("The hub did not answer.")
        process.must_live()
        return answer

    async def _late(self, what: str, do: Callable[[], object]) -> None:
        await self._world.sleep_or_calm(self._chance.uniform(0, DONE_WITHIN_S))
        try:
            do()
        except Gap:
            self._world.note(f"{self._line.name}: {what} came too early for what is lacking")

    async def kept(self, till: str) -> Kept:
        """See the port."""
        return await self._ask("how far", partial(self._world.hub.copies.kept, till), Unavailable)

    async def keep(self, till: str, rows: Sequence[StoredRow]) -> Acknowledged:
        """See the port."""
        what = f"entries {rows[0].seq} to {rows[-1].seq}"
        return await self._ask(what, partial(self._world.hub.copies.keep, till, tuple(rows)), InDoubt)

    async def keep_place(self, till: str, row: StoredRow) -> Acknowledged:
        """See the port. No hub of the simulation refuses an entry."""
        raise self._world.failure(f"till {till} keeps entry {row.seq} back")

    async def notify(self, till: str, notice_id: str, url: str, kind: str, data: Mapping[str, Any]) -> None:
        """See the port."""
        raw = json.dumps({"type": kind, "url": url, "data": data}).encode()
        url, body = read_notice(notice_id, raw)
        await self._ask("a notice", partial(self._world.hub.copies.notify, notice_id, url, body), InDoubt)
