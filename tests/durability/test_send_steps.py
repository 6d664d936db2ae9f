"""The plug is pulled at every step of sending, at the till and at the hub: the next run finishes, both agree.

Steps and how many of them are taken: as in `test_import_steps.py`. Here the line is cut, the hub is killed,
too.
"""

import asyncio
import multiprocessing
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import sqlalchemy as sa

from cashier.copy_verbs import verify_with_hub
from cashier.domain.entries import EntryKind
from cashier.domain.outbox import Owed
from cashier.hub.client import HubClient
from cashier.hub.relay_queue import relay
from cashier.hub.serve import RunningHub
from cashier.journal.store import SqliteJournal
from tests.durability.chores import (
    PORTAL,
    Work,
    in_process,
    make_notice,
    plain_line,
    send,
    send_all,
    serve_until_killed,
    told,
)
from tests.durability.copies import (
    FAILED,
    HUBS_KILLED,
    KILLED,
    MASTER,
    POSIX,
    Tally,
    make_journal,
    rows_of,
    settings_in,
    sizes,
    told_to,
)
from tests.durability.steps import Ill, taken
from tests.fakes.clock import MovingClock

pytestmark = POSIX


class Owing:
    """Till A with entries and notices to send, its own and those of till B's rescued journal."""

    def __init__(self, folder: Path, hub: RunningHub) -> None:
        self.folder, self.hub = folder, hub
        self._template = folder / "template"
        self._template.mkdir()
        self._rows = {
            "A": make_journal(self._template / "journal.db", "A", 230, [20, 120, 230]),
            "B": make_journal(self._template / "imported.db", "B", 120, [10, 60, 110]),
        }
        with SqliteJournal(
            self._template / "imported.db", till="B", clock=MovingClock(), holder="a test"
        ) as rescued:
            rescued.mark_sent(Owed.ENTRIES, 30)
            rescued.mark_sent(Owed.NOTICES, 10)
        self._count = 0
        self.begin()

    def begin(self) -> None:
        """The same at another site, which has heard of B what it told before it died."""
        shutil.rmtree(self.folder / f"at-{self._count}", ignore_errors=True)
        self._count += 1
        self.site = f"town{self._count}"
        self.settings = settings_in(self.folder / f"at-{self._count}", self.site, self.hub.url)
        self.data = self.settings.parent / "data"
        shutil.copytree(self._template, self.data)
        self.key = self.hub.enrol(self.site, "A")
        key_of_b = self.hub.enrol(self.site, "B")
        asyncio.run(told_to(self.hub.url, self.site, "B", key_of_b, self._rows["B"][:50]))
        asyncio.run(self._notified(key_of_b))

    async def _notified(self, key: str) -> None:
        """B had told of two receipts, and knew of one that it had."""
        with SqliteJournal(
            self.data / "imported.db", till="B", clock=MovingClock(), holder="a test"
        ) as rescued:
            entries = list(rescued.entries_of([EntryKind.RECEIPT_ISSUED]))[:2]
        async with plain_line() as http:
            client = HubClient(http, self.hub.url, self.site, "B", key)
            for entry in entries:
                notice = make_notice("B", entry)
                assert notice is not None
                await client.notify("B", notice.id, PORTAL, notice.kind, notice.data)

    def work(self, url: str = "") -> Work:
        return partial(send, self.data, self.site, url or self.hub.url, self.key)

    def finish(self) -> None:
        """The next run; and what must be so then, at both ends."""
        assert asyncio.run(send_all(self.data, self.site, self.hub.url, self.key)) == 0
        journals = self.hub.state.journals
        for till, name in (("A", "journal.db"), ("B", "imported.db")):
            assert rows_of(self.data / name) == list(self._rows[till]), "nothing was added, or refused"
            kept = journals.entries(self.site, till, 0, 500)
            assert [row for row, _ in kept] == list(self._rows[till]), "each once, in order"
            assert [why for _, why in kept if why] == []
            assert journals.first_fault(self.site, till) is None
            assert journals.alarms(self.site, till) == []
            told_of = [row.seq for row in self._rows[till] if row.kind == EntryKind.RECEIPT_ISSUED.value]
            assert self._letters(till) == [
                f"01940000-0000-7000-80{ord(till):02x}-{seq:012d}" for seq in told_of
            ]
        agreed = asyncio.run(verify_with_hub(self.settings))
        assert agreed == "the hub has 230 of 230 entries, and 2 anchors fit them"

    def _letters(self, till: str) -> list[str]:
        """Ids of what the portal is told of a till, each as often as it is."""
        with self.hub.state.store.engine.connect() as connection:
            query = sa.select(relay.c.id).where(relay.c.site == self.site, relay.c.till == till)
            return list(connection.scalars(query.order_by(relay.c.id)))


@pytest.fixture(scope="module")
def owing(tmp_path_factory: pytest.TempPathFactory, hub: RunningHub) -> Owing:
    return Owing(tmp_path_factory.mktemp("owing"), hub)


@contextmanager
def hub_to_kill(owing: Owing, at: int) -> Iterator[tuple[str, Connection]]:
    """A second hub process on the database of the hub; its address, and what it says at its end."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.durability.chores"])
    hear, say = context.Pipe()
    db_url = str(owing.hub.state.config.db_url)
    process = context.Process(target=serve_until_killed, args=(db_url, MASTER, at, say), daemon=True)
    process.start()
    say.close()
    try:
        yield hear.recv(), hear
    finally:
        process.kill()
        process.join()
        hear.close()


@contextmanager
def key_of(owing: Owing) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CASHIER_SECRET_TILL_KEY", owing.key)
        yield


def test_o2_sending_that_is_killed_at_any_step_is_finished_by_the_next_start(
    owing: Owing, tally: Callable[[str], Tally]
) -> None:
    owing.begin()
    with taken(Ill.KILL) as steps:
        owing.work()()
    for at in tally("sending, kill -9").chosen(steps.labels, KILLED):
        owing.begin()
        in_process(owing.work(), {}, at)
        with key_of(owing):
            owing.finish()


@pytest.mark.parametrize("ill", [Ill.FULL, Ill.CUT], ids=["full", "cut"])
def test_o2_sending_that_fails_at_any_step_is_finished_by_the_next_try(
    owing: Owing, tally: Callable[[str], Tally], ill: Ill
) -> None:
    owing.begin()
    with taken(ill) as steps:
        owing.work()()
    for at in tally(f"sending, {ill.value}").chosen(steps.labels, FAILED):
        owing.begin()
        with taken(ill, at):
            told(owing.work())
        with key_of(owing):
            owing.finish()


def test_o2_a_hub_that_is_killed_at_any_step_has_what_it_acknowledged(
    owing: Owing, tally: Callable[[str], Tally]
) -> None:
    def send_to(at: int) -> list[str]:
        """What the hub did, when it was not killed."""
        owing.begin()
        with hub_to_kill(owing, at) as (url, hub):
            hub.send("count")
            told(owing.work(url))
            try:
                hub.send("end")
                steps: list[str] = hub.recv()
            except (EOFError, OSError):
                return []
            return steps

    for at in tally("sending, kill -9 of the hub").chosen(send_to(0), HUBS_KILLED):
        send_to(at)
        with SqliteJournal(
            owing.data / "journal.db", till="A", clock=MovingClock(), holder="a test"
        ) as journal:
            assert owing.hub.state.journals.kept(owing.site, "A").seq >= journal.sent(Owed.ENTRIES)
        with key_of(owing):
            owing.finish()


def test_o2_sending_from_a_full_disk_loses_nothing(owing: Owing, long: bool) -> None:
    owing.begin()
    largest = (owing.data / "journal.db").stat().st_size
    for size in sizes(2 * largest, long):
        owing.begin()
        ended = in_process(owing.work(), {}, most_bytes=size)
        assert ended is not None
        with key_of(owing):
            owing.finish()
