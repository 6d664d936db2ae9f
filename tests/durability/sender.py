"""A till's outbox as a process of its own: it sends until it is killed, and says how much is owed."""

import asyncio
from multiprocessing.connection import Connection
from pathlib import Path

import httpx

from cashier.hub.client import HubClient
from cashier.journal.store import SqliteJournal
from cashier.till.outbox import Outbox
from tests.fakes.clock import MovingClock, SeededRandomness

SITE = "sampleton"


def outbox_of(journal: SqliteJournal, http: httpx.AsyncClient, url: str, key: str) -> Outbox:
    """The outbox of a journal, at a hub."""
    hub = HubClient(http, url, SITE, "A", key)
    return Outbox(
        "A",
        MovingClock(),
        SeededRandomness(),
        journal,
        hub,
        lambda _entry: None,
        lambda: None,
        lambda _broken: None,
    )


def send_until_killed(file: Path, url: str, key: str, say: Connection) -> None:
    """Ends by itself only when everything is sent."""
    asyncio.run(_send(file, url, key, say))


async def _send(file: Path, url: str, key: str, say: Connection) -> None:
    with SqliteJournal(file, till="A", clock=MovingClock(), holder="a sender") as journal:
        async with httpx.AsyncClient(trust_env=False) as http:
            outbox = outbox_of(journal, http, url, key)
            say.send(outbox.view().to_send)
            while await outbox.send_due() <= 0:
                say.send(outbox.view().to_send)
            say.send(outbox.view().to_send)
