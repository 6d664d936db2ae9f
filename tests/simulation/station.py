"""One till at the counter: its machine, which lasts, and the processes that run on it, one after another.

A process may end at any call, before or after any commit. Then everything it had not recorded is lost: its
verbs, its pages and its tasks are gone, and whatever still unwinds can record nothing.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cashier.domain.entries import Draft, Entry
from cashier.domain.errors import CashierError, InDoubt, Unavailable
from cashier.domain.outbox import Anchor, Owed
from cashier.domain.payment import PaymentState
from cashier.journal.store import SqliteJournal
from cashier.till.config import TillConfig
from cashier.till.ports import Journal, Outside
from cashier.till.till import Till
from tests.fakes.clock import SeededRandomness
from tests.fakes.journal import MemoryJournal
from tests.fakes.people import FakePins, staff
from tests.fakes.reader_probe import FakeReaderProbe
from tests.simulation.copies import CopyLine
from tests.simulation.gateway import Page
from tests.simulation.loop import SeededBits
from tests.simulation.network import Line
from tests.simulation.outside import GatewayLine, HubLine
from tests.till.conftest import CONFIG, SCHEDULE, TOWN

if TYPE_CHECKING:
    from tests.simulation.world import World


class Dead(BaseException):
    """This process is no more. Not an Exception: nothing in the till may catch it."""


class Disk:
    """The journal as one process has it: faults of the disk, and the process's own end.

    Everything that `record` returned is kept as a promise, for the auditor.
    """

    def __init__(self, process: "Process", store: Journal) -> None:
        self._process = process
        self._world = process.world
        self._store = store
        self._chance = random.Random(f"{self._world.seed} {process.code} {process.number} marks")

    def __getattr__(self, name: str) -> Any:
        """Reading is the store's own."""
        return getattr(self._store, name)

    def record(self, drafts: Sequence[Draft]) -> tuple[Entry, ...]:
        """See the port Journal."""
        world, process = self._world, self._process
        process.must_live()
        if world.chance(world.faults.disk_refuses):
            world.note(f"disk {process.code}: refuses")
            raise Unavailable("The disk is full. Nothing was recorded.")
        if world.chance(world.faults.disk_in_doubt / 2):
            world.note(f"disk {process.code}: fails, nothing is written")
            raise InDoubt("The disk failed.")
        if world.chance(world.faults.crash_at_commit / 2):
            process.die("before a commit")
        known = world.auditor.seen(process.code)
        recorded = self._store.record(drafts)
        fresh = tuple(entry for entry in recorded if entry.seq > known)
        for entry in fresh:
            told = entry.body.get("event") or entry.body.get("number") or entry.body.get("reason") or ""
            state, about = entry.body.get("state", ""), entry.subject.replace("-", "")[:12]
            world.note(f"till {process.code}: {entry.seq} {about} {entry.kind.value} {told} {state}")
        world.auditor.recorded(process.code, fresh)
        if world.chance(world.faults.crash_at_commit / 2):
            process.die("after a commit")
        if world.chance(world.faults.disk_in_doubt / 2):
            world.note(f"disk {process.code}: fails after the write")
            raise InDoubt("The disk failed.")
        world.auditor.promised(process.code, recorded)
        return recorded

    def mark_sent(self, what: Owed, seq: int, anchors: Iterable[Anchor] = ()) -> None:
        """See the port OutboxJournal."""
        world, process = self._world, self._process
        process.must_live()
        world.auditor.copies.marked(process.code, what, seq)
        if self._chance.random() < world.faults.disk_refuses:
            raise Unavailable("The disk failed.")
        self._store.mark_sent(what, seq, anchors)
        if self._chance.random() < world.faults.disk_refuses:
            raise Unavailable("The disk failed.")


class SoundDisk:
    """The journal without a disk's faults, for what is no part of a world's troubles."""

    def __init__(self, world: "World", code: str, store: Any) -> None:
        self._world, self._code, self._store = world, code, store

    def __getattr__(self, name: str) -> Any:
        """Reading is the store's own."""
        return getattr(self._store, name)

    def record(self, drafts: Sequence[Draft]) -> tuple[Entry, ...]:
        """See the port Journal."""
        return self._noted(self._store.record(drafts))

    def record_pin(self, drafts: Sequence[Draft], person: str, pin_hash: str) -> tuple[Entry, ...]:
        """See the port PinStore."""
        return self._noted(self._store.record_pin(drafts, person, pin_hash))

    def _noted(self, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
        self._world.auditor.recorded(self._code, entries)
        self._world.auditor.promised(self._code, entries)
        return entries


class Process:
    """The till's program from one start to its end."""

    def __init__(self, station: "Station", number: int) -> None:
        self.world, self.code, self.number = station.world, station.code, number
        self.is_alive = True
        self.pages: dict[str, Page] = {}
        self._tasks: list[asyncio.Task[Any]] = []
        world, mutant = self.world, self.world.mutant
        self.disk = Disk(self, station.store)
        gateway = GatewayLine(self, station.gateway_line)
        hub = HubLine(self, station.hub_line, station.key_text)
        outside = mutant.outside(
            Outside(
                gateway,
                hub,
                hub,
                gateway,
                FakePins(),
                FakeReaderProbe(),
                second_copy=CopyLine(self, station.hub_line),
            ),
            self,
        )
        self.feed = outside.feed
        self.till: Till = mutant.till(
            station.config,
            world.clock,
            SeededBits(world.random),
            mutant.journal(self.disk),
            outside,
            lambda _date: SCHEDULE,
            asyncio.sleep,
        )
        #: Waits between two tries are of a chance of their own, as all is about the copies.
        self.till.outbox._randomness = SeededRandomness(self.number)
        mutant.refit(self.till, self)
        self._staff(station)
        self.till.subscribe(self._look)

    def _staff(self, station: "Station") -> None:
        """The clerk signs in, by random bits of their own: a world takes the steps that its seed takes."""
        people: Any = self.till.people
        real = people._journal
        people._journal = SoundDisk(self.world, self.code, station.store)
        staff(people, station.config.cashier, SeededRandomness(self.number))
        people._journal = real

    def run(self) -> None:
        """Start what runs beside the clerk."""
        self.spawn(self._guarded(lambda: self.world.mutant.follow(self.feed, self.till)), "follow")
        self.spawn(self._guarded(self.till.checker.run), "checker")
        self.spawn(self._guarded(self.till.holding.run), "holding")
        self.spawn(self._guarded(self.till.outbox.run), "outbox")

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> "asyncio.Task[Any]":
        """Something that ends with this process."""
        task = self.world.spawn(work, f"{self.code}{self.number} {name}")
        self._tasks = [item for item in self._tasks if not item.done()]
        self._tasks.append(task)
        return task

    async def _guarded(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """What runs beside the clerk runs for ever; its end is a bug, and so is what it raises (`spawn`)."""
        await work()
        self.world.fail(f"a task of till {self.code} ended")

    def must_live(self) -> None:
        """Raises Dead when this process has ended."""
        if not self.is_alive:
            raise Dead

    def may_die(self, where: str) -> None:
        """A moment at which a process may end."""
        self.must_live()
        if self.world.chance(self.world.faults.crash_at_call):
            self.die(where)

    def die(self, where: str) -> None:
        """End here and now. Raises Dead."""
        self.kill(where)
        raise Dead

    def kill(self, where: str) -> None:
        """End, from the outside."""
        if not self.is_alive:
            return
        self.world.note(f"till {self.code}: process {self.number} ends {where}")
        self.is_alive = False
        for page in self.pages.values():
            page.close()
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()

    # -- pages ---------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """As the window does: the page of a payment that is paid is taken down."""
        for reference, page in self.pages.items():
            if page.is_open:
                payment = self.till.payment(reference)
                if payment is not None and payment.state is PaymentState.APPROVED:
                    page.close()

    def open_page(self, reference: str, url: str) -> Page:
        """The embedded view loads a page; one page at a time, as the window has it."""
        for page in self.pages.values():
            page.close()
        page = self.world.gateway.load(url)
        self.pages = {reference: page}
        return page

    def close_page(self, reference: str) -> None:
        """The embedded view lets go of a page."""
        page = self.pages.get(reference)
        if page is not None:
            page.close()

    def has_page(self, reference: str) -> bool:
        """Whether this payment's page is before the payer."""
        page = self.pages.get(reference)
        return page is not None and page.is_open


class Station:
    """A till's machine: its journal, its lines, its settings."""

    def __init__(self, world: "World", code: str, folder: Path | None) -> None:
        self.world, self.code = world, code
        self._folder = folder
        self.gateway_line = Line(world, f"{code}–gateway")
        self.hub_line = Line(world, f"{code}–hub")
        self.key_text = world.hub.enrol(code)
        self.config: TillConfig = replace(
            CONFIG,
            till=code,
            cashier=f"Clerk {code}",
            profile="grancius",  # it sends several invoices in one payment
            billers=(replace(TOWN, card_maximum_cents=None),),
        )
        self.process: Process | None = None
        self._starts = 0
        self.store: Any = self._opened()

    def _opened(self) -> Any:
        if self._folder is None:
            return MemoryJournal(self.code, self.world.clock)
        path = self._folder / f"{self.code}.db"
        return SqliteJournal(path, till=self.code, clock=self.world.clock, holder="the simulation")

    async def started(self) -> Process:
        """The running process; a new one, over the journal as it is on disk, when there is none."""
        if self.process is not None and self.process.is_alive:
            return self.process
        for _ in range(50):
            if self._folder is not None and self._starts:
                self.store.close()
                self.store = self._opened()
            self._starts += 1
            self.world.note(f"till {self.code}: starts for the {self._starts}. time")
            self.world.auditor.restarted(self.code)
            try:
                self.process = Process(self, self._starts)
            except (CashierError, Dead) as error:
                self.world.note(f"till {self.code}: did not start: {error}")
                await asyncio.sleep(5)
                continue
            self.world.auditor.started(self.code)
            self.process.run()
            return self.process
        raise self.world.failure(f"till {self.code} did not start in 50 tries")

    def stop(self) -> None:
        """Switch the till off."""
        if self.process is not None:
            self.process.kill("switched off")

    def close(self) -> None:
        """Let go of the journal's file."""
        self.stop()
        if self._folder is not None:
            self.store.close()

    def unsettled(self) -> Iterator[tuple[str, PaymentState]]:
        """References that are not settled, with their states."""
        return ((item.reference, item.state) for item in self.store.unsettled_payments())


TillMaker = Callable[..., Till]
