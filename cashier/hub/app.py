"""The hub as a web application: receives postbacks for the tills, and hands them over.

    POST /pb/v1/{site}/{token}                    Invoice Cloud, proven by the token alone
    GET  /till/v1/{site}/{till}/postbacks         a till, proven by its key: what it has not acknowledged
    POST /till/v1/{site}/{till}/postbacks/ack     a till: these are in my journal
    GET  /healthz                                 anyone

Receive, then act: the hub stores and answers; the till applies at its own pace. A postback is answered 204
only when it is on disk (Invoice Cloud contract, section 3); 404 for a wrong address, which is counted; 4xx
for garbage; 503 when storage fails, so that it is sent again.

All storage work runs on one thread, the one writer, so that the loop never waits for a disk.
"""

import asyncio
import base64
import hmac
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Annotated, ParamSpec, TypeVar

from fastapi import FastAPI, Header, HTTPException, Query
from pydantic import BaseModel, Field, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cashier.domain.errors import Unavailable
from cashier.domain.ids import RANDOM_BITS, uuid7
from cashier.domain.scrub import scrub_card_numbers
from cashier.gateway.postback import (
    POSTBACK_MAX_BYTES,
    NotAPostback,
    WrongToken,
    read_parameters,
    till_key_to_text,
    verify_path,
)
from cashier.hub.bell import Bell
from cashier.hub.keys import checked_secret, till_key
from cashier.hub.scrubbing import scrub_form
from cashier.hub.store import BUSY_TIMEOUT_MS, Arrival, HubStore, Pending

PULL_WAIT_MAX_S = 60.0
PULL_LIMIT_MAX = 500
ACK_MAX_BYTES = 64 * 1024
CONTENT_TYPE_MAX_CHARS = 100

Clock = Callable[[], datetime]
TokenBytes = Callable[[int], bytes]
P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class HubConfig:
    """What a hub needs to know. The master secret never shows in its text."""

    db_url: str
    master_secret: bytes = field(repr=False)
    busy_timeout_ms: int = BUSY_TIMEOUT_MS
    body_timeout_s: float = 10.0


class Hub:
    """The hub's state while it runs: its store, the writer thread, the bell, a count of wrong addresses."""

    def __init__(self, config: HubConfig, clock: Clock, token_bytes: TokenBytes) -> None:
        checked_secret(config.master_secret)
        self.config = config
        self.clock = clock
        self.bell = Bell()
        #: Postbacks to addresses that are not ours, since the start.
        self.wrong_tokens = 0
        self._token_bytes = token_bytes
        #: To be used through `stored`, on the writer thread.
        self.store = HubStore(config.db_url, config.busy_timeout_ms)
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hub-writer")

    async def stored(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a method of the store on the writer thread. Raises what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, partial(work, *args, **kwargs))

    def close(self) -> None:
        """Wait for the writer, then let go of the database."""
        self._writer.shutdown(wait=True)
        self.store.close()

    def new_id(self, now: datetime) -> str:
        """A UUIDv7 of now."""
        random_bits = int.from_bytes(self._token_bytes(10)) >> (80 - RANDOM_BITS)
        return str(uuid7(int(now.timestamp() * 1000), random_bits))

    def key(self, site: str, till: str, generation: int) -> bytes:
        return till_key(self.config.master_secret, site, till, generation)

    async def receive(self, request: Request) -> Response:
        """The postback route. Whether the till is enrolled is looked up only after the token is proven."""
        site = request.path_params["site"]
        try:
            body = await read_body(request, POSTBACK_MAX_BYTES, self.config.body_timeout_s)
            claims = verify_path(site, request.path_params["token"], self.key, self.clock())
        except WrongToken:
            return self._wrong_token()
        query = request.scope["query_string"]
        if len(query) > POSTBACK_MAX_BYTES:
            return _plain(414, f"more than {POSTBACK_MAX_BYTES} bytes")
        content_type = request.headers.get("content-type", "")
        if body and content_type.partition(";")[0].strip().lower() not in (
            "",
            "application/x-www-form-urlencoded",
        ):
            return _plain(415, "not application/x-www-form-urlencoded")
        try:
            read_parameters(query, body)
        except NotAPostback as error:
            return _plain(400, error.user_text)
        clean_query, clean_body = scrub_form(query), scrub_form(body)
        now = self.clock()
        arrival = Arrival(
            id=self.new_id(now),
            received_at=now,
            claims=claims,
            content_type=scrub_card_numbers(content_type)[:CONTENT_TYPE_MAX_CHARS],
            query=clean_query,
            body=clean_body,
            scrubbed=(clean_query, clean_body) != (query, body),
        )
        try:
            if not await self.stored(self.store.add, arrival):
                return self._wrong_token()
        except Unavailable:
            log.exception("postback not stored, answered 503")
            return _plain(503, "not stored, send it again")
        self.bell.ring((claims.site, claims.till))
        return Response(status_code=204)

    async def authorise(self, site: str, till: str, authorization: str | None) -> None:
        """Raises 401 unless the header carries a live key of this till. Compared in constant time."""
        given = (authorization or "").encode()
        proven = False
        for generation in await self.stored(self.store.generations, site, till):
            wanted = f"Bearer {till_key_to_text(self.key(site, till, generation))}".encode()
            proven |= hmac.compare_digest(given, wanted)
        if not proven:
            raise HTTPException(401, "not a key of this till", headers={"WWW-Authenticate": "Bearer"})

    async def pull(self, site: str, till: str, wait_s: float, limit: int) -> list[Pending]:
        """What the till has not acknowledged, oldest first; waits up to `wait_s` for the first to come."""
        # Listening starts before looking, so that nothing can arrive unheard in between.
        with self.bell.listen((site, till)) as rung:
            rows = await self.stored(self.store.pending, site, till, limit)
            if rows or not wait_s:
                return rows
            try:
                async with asyncio.timeout(wait_s):
                    await rung.wait()
            except TimeoutError:
                return []
            return await self.stored(self.store.pending, site, till, limit)

    def _wrong_token(self) -> Response:
        self.wrong_tokens += 1
        log.info("postback to a wrong address, number %d since the start", self.wrong_tokens)
        return Response(status_code=404)


class _Acknowledgement(BaseModel):
    """The body of an acknowledgement."""

    ids: Annotated[list[str], Field(max_length=PULL_LIMIT_MAX)]


async def read_body(request: Request, max_bytes: int, timeout_s: float) -> bytes:
    """The whole body. HTTPException: 413 past `max_bytes`, 408 when it dawdles, 400 when it is cut off."""
    too_much = HTTPException(413, f"more than {max_bytes} bytes")
    if int(request.headers.get("content-length", "0")) > max_bytes:
        raise too_much
    body = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            async for chunk in request.stream():
                body += chunk
                if len(body) > max_bytes:
                    raise too_much
    except TimeoutError:
        raise HTTPException(408, "the body did not arrive in time") from None
    except ClientDisconnect:
        raise HTTPException(400, "the body was cut off") from None
    return bytes(body)


def create_hub(config: HubConfig, clock: Clock, token_bytes: TokenBytes) -> FastAPI:
    """The hub's application; its `state.hub` is the Hub. The database is opened here, closed at shutdown.

    `clock` gives aware UTC, `token_bytes(n)` n unguessable bytes. Raises Refused for a secret or a database
    it cannot use.
    """
    hub = Hub(config, clock, token_bytes)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            hub.close()

    # The postback route is plain Starlette: FastAPI's own handling would cost half the speed.
    app = FastAPI(
        routes=[Route("/pb/v1/{site}/{token}", hub.receive, methods=["POST"])],
        lifespan=lifespan,
        openapi_url=None,
    )
    app.state.hub = hub
    app.add_exception_handler(Unavailable, _unavailable)

    @app.get("/till/v1/{site}/{till}/postbacks")
    async def pull(
        site: str,
        till: str,
        wait: Annotated[float, Query(ge=0, le=PULL_WAIT_MAX_S, allow_inf_nan=False)] = 25.0,
        limit: Annotated[int, Query(ge=1, le=PULL_LIMIT_MAX)] = 50,
        authorization: Annotated[str | None, Header()] = None,
    ) -> dict[str, list[dict[str, str | int | bool]]]:
        await hub.authorise(site, till, authorization)
        return {"postbacks": [_as_json(row) for row in await hub.pull(site, till, wait, limit)]}

    @app.post("/till/v1/{site}/{till}/postbacks/ack")
    async def acknowledge(
        site: str, till: str, request: Request, authorization: Annotated[str | None, Header()] = None
    ) -> dict[str, int]:
        # The body is read only after the till is proven, and never more of it than is allowed.
        await hub.authorise(site, till, authorization)
        body = await read_body(request, ACK_MAX_BYTES, config.body_timeout_s)
        try:
            ids = _Acknowledgement.model_validate_json(body).ids
        except ValidationError:
            raise HTTPException(422, f'not {{"ids": [...]}} with at most {PULL_LIMIT_MAX} ids') from None
        return {"acknowledged": await hub.stored(hub.store.acknowledge, site, till, ids, hub.clock())}

    @app.get("/healthz")
    async def health() -> dict[str, str | int]:
        await hub.stored(hub.store.check)
        return {"status": "ok", "wrong_tokens": hub.wrong_tokens}

    return app


def _as_json(row: Pending) -> dict[str, str | int | bool]:
    """A postback for its till; `query` and `body` are base64 of the bytes."""
    return {
        "id": row.id,
        "received_at": row.received_at,
        "reference": row.reference,
        "amount_cents": row.amount_cents,
        "content_type": row.content_type,
        "query": base64.b64encode(row.query).decode(),
        "body": base64.b64encode(row.body).decode(),
        "scrubbed": row.scrubbed,
    }


def _plain(status: int, text: str) -> Response:
    return Response(text, status_code=status, media_type="text/plain")


async def _unavailable(_request: Request, error: Exception) -> Response:
    log.error("storage failed, answered 503", exc_info=error)
    return JSONResponse({"detail": str(error)}, status_code=503)
