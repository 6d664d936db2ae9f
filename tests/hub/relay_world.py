"""A hub's storage, a portal and a relay between them, with a clock that only moves when the relay rests."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import TypeVar

from cashier.domain.ids import uuid7
from cashier.domain.money import Cents
from cashier.domain.payment import InvoiceShare
from cashier.gateway.postback import PostbackClaims
from cashier.hub.arrivals import Arrival
from cashier.hub.courier import Courier, Resolve, make_portal_client, resolve_host
from cashier.hub.holds import Announcement, HoldStore
from cashier.hub.portals import Portals
from cashier.hub.relay import Relay
from cashier.hub.relay_queue import enqueue
from cashier.hub.relay_store import RelayStore
from cashier.hub.store import HubStore

from .conftest import NOW, Clock

SITE, TILL = "sampletown", "A"
FORM = "application/x-www-form-urlencoded"
T = TypeVar("T")


async def until(condition: Callable[[], object], timeout_s: float = 20.0) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.005)


async def on_thread(work: Callable[..., T], *args: object) -> T:
    return await asyncio.to_thread(work, *args)


@dataclass
class World:
    """One hub database."""

    db_url: str
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.store = HubStore(self.db_url)
        self.store.write_beside(enqueue)
        self.store.enrol(SITE, TILL, NOW)
        self.holds = HoldStore(self.store.engine)
        self.letters = RelayStore(self.store.engine)
        self._numbers = count(1)

    def close(self) -> None:
        self.store.close()

    def announce(self, reference: str, url: str | None, portal_reference: str | None = None) -> None:
        self.holds.announce(
            Announcement(
                site=SITE,
                till=TILL,
                reference=reference,
                biller="building",
                amount_cents=24550,
                invoices=(InvoiceShare(f"I-{reference}", Cents(24550)),),
                portal_url=url,
                portal_reference=portal_reference,
            ),
            self.clock(),
        )

    def arrive(
        self, reference: str, body: bytes | None = None, query: bytes = b"", content_type: str = FORM
    ) -> str:
        """Store a proven postback; its id."""
        number = next(self._numbers)
        arrival = Arrival(
            id=str(uuid7(int(self.clock().timestamp() * 1000), number)),
            received_at=self.clock(),
            claims=PostbackClaims(SITE, TILL, reference, 24550, NOW + timedelta(days=60), f"{number:022d}"),
            content_type=content_type,
            query=query,
            body=f"BillerReference={reference}&Approved=True".encode() if body is None else body,
            scrubbed=False,
        )
        assert self.store.add(arrival)
        return arrival.id

    def states(self) -> list[str]:
        """The states of all letters, in the order they were queued."""
        return [letter.state for letter in self.letters.listed(("waiting", "delivered", "dead"))]

    def portals(self, *hosts: str) -> Portals:
        return Portals.of(hosts=hosts, training=True)

    @asynccontextmanager
    async def relay(
        self,
        *hosts: str,
        portals: Portals | None = None,
        stored: Callable[..., object] = on_thread,
        resolve: Resolve = resolve_host,
        tls: ssl.SSLContext | None = None,
        stop_grace_s: float = 2.0,
        sleep: Callable[[float], Awaitable[None]] | None = None,
    ) -> AsyncIterator[Relay]:
        """A relay that runs while the block lasts. When idle, the clock jumps to what is next due."""
        allowed = portals or self.portals(*hosts)

        async def jump(seconds: float) -> None:
            due = await asyncio.to_thread(
                self.letters.next_due, list(allowed.hosts), list(allowed.secrets), self.clock()
            )
            if due is None:
                await asyncio.Event().wait()
            assert due is not None
            self.clock.at = max(due, self.clock.at + timedelta(seconds=0.001))

        async with make_portal_client(tls) as http:
            courier = Courier(allowed, http, self.clock, resolve)
            relay = Relay(
                self.letters,
                stored,  # type: ignore[arg-type]
                courier,
                self.clock,
                lambda: 0.5,
                sleep=sleep or jump,
                stop_grace_s=stop_grace_s,
            )
            stop = asyncio.Event()
            running = asyncio.create_task(relay.run(stop))
            try:
                yield relay
            finally:
                stop.set()
                await running
                await courier.close()
