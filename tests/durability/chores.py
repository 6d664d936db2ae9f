"""What is done with copies of journals, by the product's own verbs, in processes that end at any step."""

import asyncio
import contextlib
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import httpx

from cashier.copy_verbs import import_journal, restore_journal
from cashier.domain.entries import Entry, EntryKind
from cashier.domain.errors import CashierError
from cashier.hub.client import HubClient
from cashier.hub.serve import RunningHub
from cashier.journal.store import SqliteJournal
from cashier.till.notices import Notice
from cashier.till.outbox import Outbox
from tests.durability.steps import Ill, Steps, taken
from tests.fakes.clock import MovingClock, SeededRandomness

PORTAL = "https://permits.example.org/hook"

Work = Callable[[], object]
#: How a piece of work ended: in words, empty where it did what it was to do; and every step it took.
Ended = tuple[str, list[str]]


def import_disk(settings: Path, disk: Path) -> None:
    """`cashier journal import`."""
    import_journal(disk, settings)


def restore(settings: Path) -> None:
    """`cashier journal restore --from-hub`."""
    asyncio.run(restore_journal(settings, from_hub=True, backup=None, tell=lambda _: None))


def make_notice(till: str, entry: Entry) -> Notice | None:
    """What a portal is told of a receipt: made from its entry alone."""
    if entry.kind is not EntryKind.RECEIPT_ISSUED:
        return None
    notice_id = f"01940000-0000-7000-80{ord(till):02x}-{entry.seq:012d}"
    return Notice(notice_id, PORTAL, "payment.recorded", {"receipt": entry.body["number"], "till": till})


@contextlib.contextmanager
def till_at(folder: Path, site: str, http: httpx.AsyncClient, url: str, key: str) -> Iterator[Outbox]:
    """The outbox of till A in a folder, with the journal of till B that was rescued to it."""
    with contextlib.ExitStack() as stack:
        open_journal = partial(SqliteJournal, clock=MovingClock(), holder="a till")
        own = stack.enter_context(open_journal(folder / "journal.db", till="A"))
        rescued = stack.enter_context(open_journal(folder / "imported.db", till="B"))
        hub = HubClient(http, url, site, "A", key)
        outbox = Outbox(
            "A",
            MovingClock(),
            SeededRandomness(),
            own,
            hub,
            partial(make_notice, "A"),
            lambda: None,
            lambda _broken: None,
        )
        outbox.bring("B", rescued, partial(make_notice, "B"))
        yield outbox


def plain_line() -> httpx.AsyncClient:
    """A client for a hub on this machine: without certificates, which take longer to read than all else."""
    return httpx.AsyncClient(trust_env=False, verify=False)


async def send_all(folder: Path, site: str, url: str, key: str) -> int:
    """Send what is owed until nothing is due; how much is owed still."""
    async with plain_line() as http:
        with till_at(folder, site, http, url, key) as outbox:
            while await outbox.send_due() <= 0:
                pass
            return outbox.view().to_send


def send(folder: Path, site: str, url: str, key: str) -> None:
    """`send_all` as a process does it."""
    asyncio.run(send_all(folder, site, url, key))


# -- as processes ------------------------------------------------------------------------------------------


def in_process(
    work: Work, environ: Mapping[str, str], at: int = 0, most_bytes: int | None = None
) -> Ended | None:
    """Do a piece of work in a process of its own; None when it was killed, right before its step `at`.

    `most_bytes`: no file of it can grow beyond that, which the system itself sees to.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.durability.chores"])
    hear, say = context.Pipe(duplex=False)
    process = context.Process(target=_do, args=(work, dict(environ), at, most_bytes, say), daemon=True)
    with closing(hear):
        process.start()
        say.close()
        try:
            ended: Ended | None = hear.recv()
        except EOFError:
            ended = None
        process.join()
    assert process.exitcode == (-9 if ended is None else 0), f"it ended with {process.exitcode}"
    return ended


def _do(work: Work, environ: dict[str, str], at: int, most_bytes: int | None, say: Connection) -> None:
    os.environ.update(environ)
    if most_bytes is not None:
        import resource  # not on Windows, where no process is limited like this

        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, hard))
    with taken(Ill.KILL, at) as steps:
        said = told(work)
    say.send((said, steps.labels))


def serve_until_killed(db_url: str, master: bytes, at: int, say: Connection) -> None:
    """A hub that is killed right before its step `at` since it was told to count; else it serves on."""
    steps = Steps(Ill.KILL, at, counts=False)
    threading.setprofile(steps)  # of the threads that are started from now on
    with RunningHub(db_url, master) as hub:
        say.send(hub.url)
        say.recv()
        steps.counts = True
        say.recv()
    say.send(steps.labels)


def told(work: Work) -> str:
    """What a clerk is told of a piece of work that failed; empty where it did not. A bug is raised."""
    try:
        work()
    except CashierError as error:
        assert error.user_text
        return error.user_text
    return ""
