"""The hub: its real postback route, tokens, long poll and rules, with what would be a thread done in line.

Its stores are the real ones over SQLite, or quick ones in memory that promise the same.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.types import Message

from cashier.domain.entries import utc_text
from cashier.domain.errors import Discrepancy, Held, Unavailable
from cashier.domain.postback import Postback
from cashier.gateway.postback import NotAPostback, parse_postback, till_key_to_text
from cashier.hub.app import Hub, HubConfig
from cashier.hub.arrivals import Arrival
from cashier.hub.bell import Bell
from cashier.hub.database import metadata
from cashier.hub.holds import Announcement, HeldPayment, HoldStore
from cashier.hub.keys import till_key
from cashier.hub.limits import Limits, Rate, Rates
from cashier.hub.metrics import HubMetrics
from cashier.hub.postback_route import receive
from cashier.hub.quarantine import Item, QuarantineStore, Unproven, misfit
from cashier.hub.store import HubStore, Pending
from tests.simulation.copies import MemoryCopies, StoredCopies

if TYPE_CHECKING:
    from tests.simulation.world import World

SITE = "sampleton"
SECRET = b"a master secret for a world that is not real"
FORM = b"application/x-www-form-urlencoded"
_GENEROUS = Rate(1e9, 1e9)


class MemoryHubStore:
    """HubStore's promises in lists: what the hub asks of it."""

    def __init__(self, beside: Callable[[Arrival], None]) -> None:
        self._beside = beside
        self._arrivals: dict[str, Arrival] = {}
        self._waiting: dict[tuple[str, str], dict[str, Arrival]] = {}

    def add_all(self, arrivals: Sequence[Arrival]) -> list[bool | Unavailable]:
        for arrival in arrivals:
            claims = arrival.claims
            self._arrivals[arrival.id] = arrival
            self._waiting.setdefault((claims.site, claims.till), {})[arrival.id] = arrival
            self._beside(arrival)
        return [True] * len(arrivals)

    def pending(self, site: str, till: str, limit: int) -> list[Pending]:
        waiting = self._waiting.get((site, till), {})
        return [_pending(item) for item, _ in zip(waiting.values(), range(limit), strict=False)]

    def acknowledge(self, site: str, till: str, ids: Sequence[str], now: datetime) -> int:
        waiting = self._waiting.get((site, till), {})
        return sum(waiting.pop(item, None) is not None for item in ids)

    def everything(self) -> str:
        """All that is kept, as text."""
        return repr(list(self._arrivals.values()))

    def close(self) -> None:
        """There is nothing to let go of."""


@dataclass
class MemoryHolds:
    """HoldStore's promises in dicts. Live holds by (site, biller, casefolded number)."""

    live: dict[tuple[str, str, str], HeldPayment] = field(default_factory=dict)
    announced_by: dict[tuple[str, str, str], Announcement] = field(default_factory=dict)

    def announce(self, wanted: Announcement, now: datetime) -> None:
        own = (wanted.site, wanted.till, wanted.reference)
        if self.announced_by.get(own, wanted) != wanted:
            raise Discrepancy(f"Payment {wanted.reference} was announced with other content.")
        keys = {(wanted.site, wanted.biller, item.number.casefold()): item.number for item in wanted.invoices}
        for key, number in keys.items():
            holder = self.live.get(key)
            if holder is not None and (holder.till, holder.reference) != own[1:]:
                raise Held(number, holder.till, holder.reference, holder.since)
        self.announced_by[own] = wanted
        for key in keys:
            self.live.setdefault(key, HeldPayment(*own, utc_text(now)))

    def settled(self, site: str, till: str, reference: str, outcome: str, now: datetime) -> bool:
        gone = [key for key, item in self.live.items() if (item.till, item.reference) == (till, reference)]
        for key in gone:
            del self.live[key]
        return (site, till, reference) in self.announced_by

    def held(self, site: str, till: str) -> Sequence[HeldPayment]:
        found = {
            item.reference: item for item in self.live.values() if (item.site, item.till) == (site, till)
        }
        return list(found.values())

    def all_held(self) -> Sequence[HeldPayment]:
        return list({item.reference: item for item in self.live.values()}.values())

    def announced(self, site: str, till: str, reference: str) -> Announcement | None:
        return self.announced_by.get((site, till, reference))


@dataclass
class MemoryQuarantine:
    """QuarantineStore's promises in a list."""

    holds: MemoryHolds
    items: list[Item] = field(default_factory=list)

    def misfits(self, arrival: Arrival) -> None:
        claims = arrival.claims
        announced = self.holds.announced(claims.site, claims.till, claims.reference)
        if announced is None:
            return
        try:
            said = parse_postback(arrival.query, arrival.body)
            reason = misfit(announced, said)
        except NotAPostback:
            said, reason = None, "cannot be read"
        if reason:
            self._keep(arrival.id, claims.till, arrival.received_at, reason, said)

    def keep(self, message: Unproven, said: Postback, now: datetime) -> None:
        self._keep(message.id, message.till, now, message.reason, said)

    def _keep(self, own: str, till: str, now: datetime, reason: str, said: Postback | None) -> None:
        reference, invoice = (said.biller_reference, said.invoice_number) if said else ("", "")
        texts = (reason, reference, invoice, "")
        self.items.append(Item(own, SITE, till, None, utc_text(now), *texts, None, None, 1, None, None))

    def open_items(self, site: str) -> Sequence[Item]:
        return self.items[:500]


class InLineWriter:
    """Stores each arrival in the moment it is handed over, unless the storage is down just then."""

    def __init__(self, hub: "SimHub") -> None:
        self._hub = hub

    async def add(self, arrival: Arrival) -> bool:
        """True once it is stored."""
        await asyncio.sleep(0)
        if self._hub.world.chance(self._hub.world.faults.hub_storage_down):
            raise Unavailable("The hub's storage does not answer.")
        (stored,) = self._hub.store.add_all([arrival])
        if isinstance(stored, Unavailable):
            raise stored
        return bool(stored)


class SimHub(Hub):
    """The hub over in-line stores. Only what postbacks, pulls and holds need of it is there."""

    store: Any
    holds: Any
    quarantine: Any
    writer: Any
    copies: Any

    def __init__(self, world: "World", folder: Path | None) -> None:
        self.world = world
        self.clock = world.clock.now
        self.config = HubConfig("sqlite:///not-used", SECRET, rates=Rates(*[_GENEROUS] * 5))
        self.bell = Bell()
        self.metrics = HubMetrics()
        self.limits = Limits(self.config.rates, world.clock.monotonic)
        self.wrong_tokens = 0
        self.queued = asyncio.Event()
        self._chance = random.Random(world.random.getrandbits(64))
        self._token_bytes = self._chance.randbytes
        self.writer = InLineWriter(self)
        if folder is None:
            self.holds = MemoryHolds()
            self.quarantine = MemoryQuarantine(self.holds)
            self.store = MemoryHubStore(self.quarantine.misfits)
            self.copies = MemoryCopies()
        else:
            self.store = HubStore(f"sqlite:///{folder / 'hub.db'}")
            self.holds = HoldStore(self.store.engine)
            self.quarantine = QuarantineStore(self.store.engine)
            self.store.write_beside(self.quarantine.misfits)
            self.copies = StoredCopies(self.store.engine, world.clock)

    def enrol(self, till: str) -> str:
        """A till's key as text."""
        if isinstance(self.store, HubStore):
            self.store.enrol(SITE, till, self.clock())
        return till_key_to_text(till_key(SECRET, SITE, till, 1))

    async def stored(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """In line, where the real one uses a thread."""
        await asyncio.sleep(0)
        return work(*args, **kwargs)

    async def post(self, path: str, body: bytes, query: bytes = b"") -> int:
        """A request to the postback route; its status."""
        _, _, _, site, token = path.split("/")
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "query_string": query,
            "headers": [(b"content-type", FORM)],
            "path_params": {"site": site, "token": token},
            "client": ("203.0.113.9", 443),
        }

        async def heard() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        response = await receive(self, Request(scope, heard))
        return response.status_code

    def texts(self) -> list[str]:
        """Everything that is kept."""
        if not hasattr(self.store, "engine"):  # in memory, perhaps behind a mutant
            return [self.store.everything(), repr(self.quarantine.items), repr(self.holds)]
        with self.store.engine.begin() as connection:
            return [
                repr(row) for table in metadata.sorted_tables for row in connection.execute(table.select())
            ]

    def close(self) -> None:  # type: ignore[override]  # there is nothing to wait for
        """Let go of the database."""
        self.store.close()


def _pending(arrival: Arrival) -> Pending:
    return Pending(
        id=arrival.id,
        received_at=utc_text(arrival.received_at),
        reference=arrival.claims.reference,
        amount_cents=arrival.claims.amount_cents,
        content_type=arrival.content_type,
        query=arrival.query,
        body=arrival.body,
        scrubbed=arrival.scrubbed,
    )
