"""Running the hub: as a process of its own, or on a thread for tests and training; and enrolling tills."""

import asyncio
import contextlib
import gc
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from cashier.domain.errors import Refused, Unavailable
from cashier.gateway.postback import check_name, till_key_to_text
from cashier.hub.app import Clock, Hub, HubConfig, TokenBytes, create_hub
from cashier.hub.finance import Finance
from cashier.hub.keys import checked_secret, till_key
from cashier.hub.limits import Monotonic
from cashier.hub.portals import Portals
from cashier.hub.store import HubStore
from cashier.hub.writer import BATCH_MAX

#: Each till has one that waits for postbacks and one that sends: 1,000 tills with one hub left of two, and
#: the gateway. Further connections get 503.
CONNECTIONS_MAX = 4_000
#: Files that the process has open beside them.
FILES_BESIDE = 200
SHUTDOWN_TIMEOUT_S = 5
#: uvicorn's own pulse; it counts on ten to a second.
TICK_S = 0.1
#: At its end: how long callers that have their answers get to leave before it is done uvicorn's way, and how
#: often is looked whether they have.
LEAVE_S = 0.1
LOOK_S = 0.002
START_TIMEOUT_S = 30.0
#: How long a thread may compute before another one gets the interpreter; Python's own is ten times that.
SWITCH_S = 0.0005
#: New objects before the collector looks for rings among them: some hundred requests' worth.
GC_THRESHOLD = 10_000

Announce = Callable[[str], None]


def utc_now() -> datetime:
    """The real clock."""
    return datetime.now(UTC)


def enrol(db_url: str, master_secret: bytes, site: str, till: str, clock: Clock) -> str:
    """Enrol a till, also while the hub runs, and give its key as 43 characters of base64url.

    Enrolling twice gives the same key. Raises Refused for a name, secret or database that cannot be used
    and for a till that was revoked, Unavailable when storage fails.
    """
    check_name("site", site)
    check_name("till", till)
    checked_secret(master_secret)
    with HubStore(db_url) as store:
        generation = store.enrol(site, till, clock())
    return till_key_to_text(till_key(master_secret, site, till, generation), generation)


def serve(
    db_url: str,
    host: str,
    port: int,
    master_secret: bytes,
    announce: Announce,
    exit_with_parent: bool = False,
    *,
    portals: Portals | None = None,
    finance: Finance | None = None,
    trust_proxy: bool = False,
    public_url: str = "",
    batch_max: int = BATCH_MAX,
    clock: Clock = utc_now,
    token_bytes: TokenBytes = secrets.token_bytes,
) -> None:
    """Run the hub until SIGINT or SIGTERM, or with `exit_with_parent` until standard input ends.

    Port 0 picks a free one. `portals` are those that postbacks are passed on to; `finance` what
    makes the finance office's page, None for none; `trust_proxy`, `public_url` and
    `batch_max` see HubConfig. `announce` gets `http://host:port` once the hub listens. Raises Refused when
    the address is not free or the secret or database cannot be used.
    """
    listener = _listen(host, port)
    try:
        config = HubConfig(
            db_url,
            master_secret,
            batch_max=batch_max,
            trust_proxy=trust_proxy,
            portals=portals or Portals(),
            finance=finance,
            public_url=public_url,
        )
        app = create_hub(config, clock, token_bytes)
    except BaseException:
        listener.close()
        raise

    def listening() -> None:
        settle_interpreter()
        allow_files(CONNECTIONS_MAX + FILES_BESIDE)
        announce(_url(listener))

    server = _Server(app, listening)
    if exit_with_parent:
        threading.Thread(target=_stop_at_end_of_input, args=(server,), daemon=True).start()
    server.run(sockets=[listener])


def settle_interpreter() -> None:
    """Settle the interpreter of a process that does nothing but serve.

    What is alive now stays: otherwise every request that waits for its commit makes the collector go through
    all modules again and again, which took a third of the hub's time under load. And the thread that commits
    gets its turn soon: all wait for it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    sys.setswitchinterval(SWITCH_S)


def allow_files(count: int) -> None:
    """Let this process open so many files and sockets, as far as the system lets it: at first often 1,024."""
    if sys.platform != "win32":
        import resource

        allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = count if most == resource.RLIM_INFINITY else min(count, most)
        if allowed != resource.RLIM_INFINITY and allowed < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


class RunningHub:
    """A hub on a thread of this process behind a real socket, while the `with` block lasts.

    with RunningHub(f"sqlite:///{folder}/hub.db", b"…32 bytes…", clock) as hub:
        key_text = hub.enrol("site", "A")
        httpx.get(hub.url + "/healthz")
    """

    def __init__(
        self,
        db_url: str,
        master_secret: bytes,
        clock: Clock = utc_now,
        token_bytes: TokenBytes = secrets.token_bytes,
        *,
        port: int = 0,
        config: HubConfig | None = None,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._config = config or HubConfig(db_url, master_secret)
        self._clock = clock
        self._token_bytes = token_bytes
        self._port = port
        self.url = ""

    def __enter__(self) -> Self:
        listener = _listen("127.0.0.1", self._port)
        try:
            app = create_hub(self._config, self._clock, self._token_bytes, self._monotonic)
        except BaseException:
            listener.close()
            raise
        self.url = _url(listener)
        self.state: Hub = app.state.hub
        listening = threading.Event()
        self._server = _Server(app, listening.set)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="hub", daemon=True
        )
        self._thread.start()
        if not listening.wait(START_TIMEOUT_S):
            raise Unavailable("The hub did not start.")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()
        self._thread.join()

    def enrol(self, site: str, till: str) -> str:
        """Enrol a till and give its key text (see `enrol`)."""
        return enrol(self._config.db_url, self._config.master_secret, site, till, self._clock)


class _WithoutPaths(H11Protocol):
    """HTTP without uvicorn's own access log: it holds paths, and paths hold tokens."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        # It looks for handlers by itself, and would log to any that somebody else has put there.
        self.access_log = False


class _Server(uvicorn.Server):
    """uvicorn that says when it listens, does not let waiting tills hold up its end, and ends at once.

    uvicorn looks every 100 ms whether it is to end, and then waits 100 ms for callers even if there are none.
    """

    def __init__(self, app: FastAPI, listening: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=_WithoutPaths,
                ws="none",
                loop="asyncio",
                lifespan="on",
                # The process that runs the hub decides about logs; paths hold tokens and are never logged.
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=CONNECTIONS_MAX,
                timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
            )
        )
        self._hub = app.state.hub
        self._listening = listening
        self._told = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self._listening()

    def stop(self) -> None:
        """End, from another thread, once it listens."""
        self.should_exit = True
        # Closed already when a signal came first.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._told.set)

    async def main_loop(self) -> None:
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), TICK_S)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._hub.bell.close()
        for server in self.servers:
            server.close()
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        until = self._loop.time() + LEAVE_S
        while (state.connections or state.tasks) and self._loop.time() < until:
            await asyncio.sleep(LOOK_S)
        if state.connections or state.tasks:
            await super().shutdown(sockets)
            return
        for listener in sockets or []:
            listener.close()
        if not self.force_exit:
            await self.lifespan.shutdown()


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises Refused when the address cannot be had."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        return socket.create_server((host, port), family=family, backlog=512)
    except (OSError, OverflowError) as error:
        raise Refused(f"The hub cannot listen on {host} port {port}: {error}.") from error


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if listener.family == socket.AF_INET6 else f"http://{host}:{port}"


def _stop_at_end_of_input(server: _Server) -> None:
    """Our parent holds the other end of standard input; when it dies, however it dies, we stop."""
    # Not through sys.stdin: its lock, held by this thread, would abort the interpreter's own shutdown.
    descriptor = sys.stdin.fileno()
    while os.read(descriptor, 4096):
        pass
    server.should_exit = True
