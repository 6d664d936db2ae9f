"""The hub as a web application: receives postbacks for the tills, and hands them over.

    POST /pb/v1/{site}/{token}               Invoice Cloud, proven by the token alone (hub.postback_route)
         /till/v1/{site}/{till}/…            a till, proven by its key (hub.till_api)
    POST /enrol                              a till to be, proven by an invitation's code (hub.enrol_route)
    GET  /healthz, /metrics, /openapi.json   anyone (hub.open_routes)

Receive, then act: the hub stores and answers; the till applies at its own pace. A postback is answered 204
only when it is on disk (Invoice Cloud contract, section 3); 404 for a wrong address, which is counted; 4xx
for garbage; 503 when storage fails, so that it is sent again.

Storage work runs on threads, so that the loop never waits for a disk. Postbacks are committed in groups
(`hub.writer`). With SQLite one thread does all in turn; with PostgreSQL the groups have one of their own.
"""

import asyncio
import hmac
import logging
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import ParamSpec, TypeVar

from fastapi import FastAPI, HTTPException
from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from cashier.domain.errors import Refused, Unavailable
from cashier.domain.ids import RANDOM_BITS, uuid7
from cashier.gateway.postback import read_till_key, till_key_to_text
from cashier.hub.access import Access, peer_of
from cashier.hub.bell import Bell
from cashier.hub.charges import ChargeStore
from cashier.hub.courier import Courier, make_portal_client
from cashier.hub.enrol_route import enrol_router
from cashier.hub.finance import Finance
from cashier.hub.finance_routes import finance_router
from cashier.hub.holds import HoldStore
from cashier.hub.invites import InviteStore
from cashier.hub.journals import JournalStore
from cashier.hub.keys import anchor_key, checked_secret, invite_key, till_key
from cashier.hub.limits import Limits, Monotonic, Rates
from cashier.hub.listener import listen
from cashier.hub.metrics import HubMetrics
from cashier.hub.open_routes import open_router
from cashier.hub.openapi import describe
from cashier.hub.portals import Portals
from cashier.hub.postback_route import POSTBACK_PREFIX, POSTBACK_ROUTE, receive
from cashier.hub.quarantine import QUARANTINE_MAX, QuarantineStore
from cashier.hub.relay import Relay
from cashier.hub.relay_queue import enqueue
from cashier.hub.relay_store import RelayStore
from cashier.hub.site_journals import SiteJournals
from cashier.hub.status import StatusStore
from cashier.hub.store import BUSY_TIMEOUT_MS, HubStore, Pending
from cashier.hub.till_api import till_router
from cashier.hub.tillkeys import KeyStore
from cashier.hub.writer import BATCH_MAX, GroupWriter

Clock = Callable[[], datetime]
TokenBytes = Callable[[int], bytes]
P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class HubConfig:
    """What a hub needs to know. Neither the master secret nor the database's password shows in its text.

    `trust_proxy`: a proxy of ours stands before the hub, so the peer is what it wrote into X-Forwarded-For.
    `public_url`: where Invoice Cloud reaches the hub, told to tills that enrol; empty where they know.
    """

    db_url: str = field(repr=False)
    master_secret: bytes = field(repr=False)
    busy_timeout_ms: int = BUSY_TIMEOUT_MS
    batch_max: int = BATCH_MAX
    body_timeout_s: float = 10.0
    trust_proxy: bool = False
    rates: Rates = Rates()
    quarantine_max: int = QUARANTINE_MAX
    portals: Portals = Portals()
    finance: Finance | None = None
    public_url: str = ""


class Hub:
    """The hub's state while it runs: its stores and writer, the bell, limits and figures."""

    def __init__(
        self, config: HubConfig, clock: Clock, token_bytes: TokenBytes, monotonic: Monotonic
    ) -> None:
        checked_secret(config.master_secret)
        self.config = config
        self.clock = clock
        self.bell = Bell()
        self.metrics = HubMetrics()
        self.monotonic = monotonic
        self.limits = Limits(config.rates, monotonic)
        #: Postbacks to addresses that are not ours, since the start.
        self.wrong_tokens = 0
        self._token_bytes = token_bytes
        #: The stores are to be used through `stored`, on its threads.
        self.store = HubStore(config.db_url, config.busy_timeout_ms)
        engine = self.store.engine
        self.keys = KeyStore(engine)
        self.invites = InviteStore(engine, invite_key(config.master_secret))
        self.holds = HoldStore(engine)
        self.charges = ChargeStore(engine)
        self.status = StatusStore(engine)
        self.quarantine = QuarantineStore(
            engine, lambda kind: self.metrics.quarantined.labels(kind).inc(), config.quarantine_max
        )
        self.letters = RelayStore(engine)
        self.journals = JournalStore(engine, anchor_key(config.master_secret))
        self.site_journals = SiteJournals(engine)
        self.store.write_beside(self.quarantine.misfits)
        self.store.write_beside(enqueue)
        #: Set when something may have been queued for the relay.
        self.queued = asyncio.Event()
        self._stopping = asyncio.Event()
        self._relaying: asyncio.Task[None] | None = None
        self._threads = ThreadPoolExecutor(self.store.threads, "hub-store")
        # SQLite has one writer: the groups take their turn with the other work, in the order of asking.
        shared = self.store.threads == 1
        self._writer_thread = self._threads if shared else ThreadPoolExecutor(1, "hub-writer")
        self.writer = GroupWriter(
            self.metrics.timed(self.store.add_all), self._writer_thread, config.batch_max
        )
        self._listener: asyncio.Task[None] | None = None

    async def stored(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a method of a store on one of its threads. Raises what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *args, **kwargs))

    def open(self) -> None:
        """Begin to hear of postbacks that other processes store, and to relay. On the serving loop."""
        self._listener = asyncio.create_task(listen(self.store.engine, self.bell), name="hub listener")
        if self.config.portals.hosts:
            self._relaying = asyncio.create_task(self._relay(), name="hub relay")

    async def _relay(self) -> None:
        async with make_portal_client() as http:
            courier = Courier(self.config.portals, http, self.clock)
            relay = Relay(
                self.letters,
                self.stored,
                courier,
                self.clock,
                lambda: int.from_bytes(self._token_bytes(4)) / 2**32,
                count=lambda outcome: self.metrics.relay.labels(outcome).inc(),
                woken=self.queued,
            )
            await relay.run(self._stopping)
            await courier.close()

    async def close(self) -> None:
        """Wait for what is being stored, then let go of the database."""
        self._stopping.set()
        await self.writer.close()
        if self._relaying is not None:
            await asyncio.wait([self._relaying])
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.wait([self._listener])
        self._threads.shutdown(wait=True)
        self._writer_thread.shutdown(wait=True)
        self.store.close()

    def new_id(self, now: datetime) -> str:
        """A UUIDv7 of now."""
        random_bits = int.from_bytes(self._token_bytes(10)) >> (80 - RANDOM_BITS)
        return str(uuid7(int(now.timestamp() * 1000), random_bits))

    def key(self, site: str, till: str, generation: int) -> bytes:
        return till_key(self.config.master_secret, site, till, generation)

    async def authorise(self, request: Request, site: str, till: str, key_text: str) -> None:
        """HTTPException 401 unless this is a good key of this till, compared in constant time, or 429.

        Whether its generation is still good is looked up only after the key is proven.
        """
        now = self.clock()
        generation = self._generation(site, till, key_text)
        if generation is None or not await self.stored(self.keys.is_good, site, till, generation, now):
            self.metrics.wrong_keys.inc()
            self.limited("wrong_key", self.limits.wrong(peer_of(request.scope, self.config.trust_proxy)))
            raise HTTPException(401, "not a key of this till", headers={"WWW-Authenticate": "Bearer"})
        self.limited("till", self.limits.till(site, till))

    def _generation(self, site: str, till: str, key_text: str) -> int | None:
        """The generation of a genuine key of this till, or None."""
        try:
            _, generation = read_till_key(key_text)
        except Refused:
            return None
        wanted = till_key_to_text(self.key(site, till, generation), generation)
        return generation if hmac.compare_digest(key_text.encode(), wanted.encode()) else None

    def limited(self, what: str, wait_s: int) -> None:
        """HTTPException 429 when there is something to wait for."""
        if wait_s:
            self.metrics.limited.labels(what).inc()
            raise HTTPException(429, "too many requests", headers={"Retry-After": str(wait_s)})

    async def pull(self, site: str, till: str, wait_s: float, limit: int) -> list[Pending]:
        """What the till has not acknowledged, oldest first; waits up to `wait_s` for the first to come."""
        # Listening starts before looking, so that nothing can arrive unheard in between.
        with self.bell.listen((site, till)) as rung:
            rows = await self.stored(self.store.pending, site, till, limit)
            try:
                async with asyncio.timeout(wait_s):
                    # It may ring for what was taken over meanwhile.
                    while not rows and not self.bell.closed:
                        await rung.wait()
                        rung.clear()
                        rows = await self.stored(self.store.pending, site, till, limit)
            except TimeoutError:
                return []
            return rows


def create_hub(
    config: HubConfig, clock: Clock, token_bytes: TokenBytes, monotonic: Monotonic = time.monotonic
) -> FastAPI:
    """The hub's application; its `state.hub` is the Hub. The database is opened here, closed at shutdown.

    `clock` gives aware UTC, `token_bytes(n)` n unguessable bytes, `monotonic` seconds for the limits. Raises
    Refused for a secret or a database it cannot use.
    """
    hub = Hub(config, clock, token_bytes, monotonic)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        hub.open()
        try:
            yield
        finally:
            await hub.close()

    postback = Route(POSTBACK_ROUTE, partial(receive, hub), methods=["POST"])
    app = _HubApp(
        lifespan=lifespan,
        openapi_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        redirect_slashes=False,
        exception_handlers={Unavailable: _unavailable, RequestValidationError: _not_as_declared},
    )
    app.state.hub = hub
    app.postbacks = Access(Router([postback], redirect_slashes=False), hub, [postback])
    app.include_router(till_router(hub))
    if config.finance is not None:
        app.include_router(finance_router(hub, config.finance))
    app.include_router(open_router(hub, lambda: describe(app)))
    app.include_router(enrol_router(hub))
    app.add_middleware(Access, hub=hub, plain=[])
    return app


class _HubApp(FastAPI):
    """FastAPI for the tills; postbacks go to plain Starlette, as FastAPI's handling costs half the speed."""

    postbacks: Access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(POSTBACK_PREFIX):
            await self.postbacks(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


async def _not_as_declared(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    fault = error.errors()[0]
    where = ".".join(map(str, fault["loc"][1:])) or "request"
    return JSONResponse({"detail": f"{where}: {fault['msg']}"}, status_code=422)


async def _unavailable(_request: Request, error: Exception) -> Response:
    log.error("storage failed, answered 503: %s", error)
    return JSONResponse({"detail": str(error)}, status_code=503)
