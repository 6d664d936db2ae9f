"""Running the sandbox on a real socket: as a process of its own, and in a thread for tests.

`serve` is what `cashier sandbox serve` calls; `RunningSandbox` is for tests and tours within one process.
"""

import asyncio
import contextlib
import logging
import os
import re
import socket
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import httpx
import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from cashier.sandbox.accounts import Accounts, AccountsFault
from cashier.sandbox.app import create_app
from cashier.sandbox.config import Fault, SandboxConfig
from cashier.sandbox.postback import tls
from cashier.sandbox.state import Store

#: How long the in-process runner waits for its thread to start or end, in seconds.
THREAD_TIMEOUT_S = 15.0
#: uvicorn's own pulse; it counts on ten to a second.
TICK_S = 0.1
#: At its end: how long callers that have their answers get to leave before it is done uvicorn's way, and how
#: often is looked whether they have.
LEAVE_S = 0.1
LOOK_S = 0.002

#: What a connection of the control API begins with.
_CONTROL = re.compile(rb"[A-Z]+ /sandbox/")


def _line_of(store: Store) -> type[asyncio.Protocol]:
    """HTTP over a line that can be down: then what comes is dropped unread, but for the control API."""

    class Line(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # one of two classes, as installed
        is_control: bool | None = None

        def data_received(self, data: bytes) -> None:
            if self.is_control is None:
                self.is_control = bool(_CONTROL.match(data))
            if store.line_is_down and not self.is_control:
                self.transport.abort()
            else:
                super().data_received(data)

    return Line


class _Server(uvicorn.Server):
    """uvicorn that says when it listens, stops on a thread's event, and lets waiting answers go first.

    uvicorn looks every 100 ms whether it is to end, and then waits 100 ms for callers even if there are none.
    """

    def __init__(self, config: SandboxConfig, stop: threading.Event, listening: Callable[[], None]) -> None:
        app = create_app(config)
        super().__init__(
            uvicorn.Config(
                app,
                http=_line_of(app.state.store),
                log_config=None,
                log_level="warning",
                access_log=False,
                ws="none",
                loop="asyncio",
            )
        )
        self.store: Store = app.state.store
        self.accounts: Accounts = app.state.accounts
        self._closing: asyncio.Event = app.state.closing
        self._stop = stop
        self._listening = listening
        self._told = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        if not self.should_exit:
            self._listening()

    def stop(self) -> None:
        """End, from another thread, once it listens."""
        self.should_exit = True
        # Closed already when it has ended by itself.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._told.set)

    async def main_loop(self) -> None:
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), TICK_S)

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or self._stop.is_set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._closing.set()
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


def _listen(host: str, port: int) -> tuple[socket.socket, str]:
    """A listening socket and its URL. Raises OSError when the port is taken."""
    is_v6 = ":" in host
    listener = socket.create_server((host, port), family=socket.AF_INET6 if is_v6 else socket.AF_INET)
    shown = f"[{host}]" if is_v6 else host
    return listener, f"http://{shown}:{listener.getsockname()[1]}"


def serve(
    host: str,
    port: int,
    config: SandboxConfig,
    announce: Callable[[str], None],
    stop: threading.Event | None = None,
    *,
    exit_with_parent: bool = False,
) -> None:
    """Serves until `stop` is set, a signal comes, or (with `exit_with_parent`) standard input ends.

    `port` 0 picks a free one. `announce` gets the URL, such as `http://127.0.0.1:40001`, once the sandbox
    answers there. Raises OSError when the port is taken.
    """
    # httpx tells every URL at INFO, and a PostBackURL carries a secret token.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    stop = stop or threading.Event()
    if exit_with_parent:
        threading.Thread(target=_stop_at_eof, args=(sys.stdin.fileno(), stop), daemon=True).start()
    listener, url = _listen(host, port)
    with listener:
        _Server(config, stop, lambda: announce(url)).run([listener])


def _stop_at_eof(fd: int, stop: threading.Event) -> None:
    # os.read, not sys.stdin: a daemon thread inside a buffered read aborts the interpreter's exit.
    while os.read(fd, 4096):
        pass
    stop.set()


class RunningSandbox:
    """A sandbox in a thread of this process, on a free loopback port: `with RunningSandbox() as sandbox`.

    `url` is its base, `control` an open client on it, `store` what it remembers (to look at when it is quiet:
    it belongs to the thread). Leaving stops it and closes the sockets.
    """

    def __init__(self, config: SandboxConfig | None = None) -> None:
        self.config = config or SandboxConfig()
        self.url = ""
        self._stop = threading.Event()
        self._ready = threading.Event()

    def __enter__(self) -> Self:
        self._listener, self.url = _listen("127.0.0.1", 0)
        server = self._server = _Server(self.config, self._stop, self._ready.set)
        self.store, self.accounts = server.store, server.accounts
        self._thread = threading.Thread(target=self._run, args=(server,), name="sandbox", daemon=True)
        self._thread.start()
        if not self._ready.wait(THREAD_TIMEOUT_S):
            self._stop.set()
            raise RuntimeError("the sandbox did not start")
        self.control = httpx.Client(
            base_url=self.url, verify=tls(), trust_env=False, timeout=THREAD_TIMEOUT_S
        )
        return self

    def _run(self, server: "_Server") -> None:
        with self._listener:
            asyncio.run(server.serve([self._listener]))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.control.close()
        self.stop()

    def stop(self) -> None:
        """Stops serving, as when the service goes away, and waits for the thread. May be called twice."""
        self._stop.set()
        self._server.stop()
        self._thread.join(THREAD_TIMEOUT_S)
        if self._thread.is_alive():
            raise RuntimeError("the sandbox did not stop")

    def payments(self, reference: str | None = None) -> list[dict[str, Any]]:
        """What the control API lists, oldest first."""
        params = {} if reference is None else {"reference": reference}
        payments: list[dict[str, Any]] = self._json("GET", "/sandbox/payments", params=params)["payments"]
        return payments

    def calls(self) -> list[dict[str, Any]]:
        """Every CPV2 call so far, oldest first."""
        calls: list[dict[str, Any]] = self._json("GET", "/sandbox/calls")["calls"]
        return calls

    def charges(self) -> list[dict[str, Any]]:
        """All money taken so far, oldest first."""
        charges: list[dict[str, Any]] = self._json("GET", "/sandbox/charges")["charges"]
        return charges

    def enquiries(self) -> int:
        """How many enquiries about invoices came so far."""
        return int(self._json("GET", "/sandbox/enquiry-fault")["enquiries"])

    def set_fault(self, fault: Fault | str | None, times: int | None = None) -> None:
        """The default fault for the CPV2 calls and payments to come."""
        self._json("POST", "/sandbox/fault", json={"fault": fault, "times": times})

    def set_payment_fault(self, token: str, fault: Fault | str | None) -> None:
        """The fault of one registered payment."""
        self._json("POST", f"/sandbox/payments/{token}/fault", json={"fault": fault})

    def set_enquiry_fault(self, fault: Fault | str | None, times: int | None = None) -> None:
        """The fault of the enquiries to come; `times` of them, or until changed when None."""
        self._json("POST", "/sandbox/enquiry-fault", json={"fault": fault, "times": times})

    def set_payment_enquiry_fault(self, token: str, fault: Fault | str | None) -> None:
        """The fault of enquiries about one registered payment's invoices."""
        self._json("POST", f"/sandbox/payments/{token}/enquiry-fault", json={"fault": fault})

    def plan(self, **members: object) -> None:
        """What the next payment meets; members as `app` tells them."""
        self._json("POST", "/sandbox/next", json=members)

    def set_line(self, *, down: bool) -> None:
        """Drop what comes, or take it again."""
        self._json("POST", "/sandbox/line", json={"down": down})

    def seed_invoice(self, number: str, total: str, **members: object) -> None:
        """An invoice that is there without having been launched; members as `app` tells them."""
        self._json("POST", "/sandbox/invoices", json={"number": number, "total": total, **members})

    def seed_customer(self, account: str, **members: object) -> None:
        """A customer record that is there without a launch."""
        self._json("POST", "/sandbox/customers", json={"account": account, **members})

    def seed_user(self, account: str, email: str = "", password: str = "", **members: object) -> None:
        """A customer record, registered with e-mail and password where there is a password."""
        told = {"account": account, "email": email, "password": password, **members}
        self._json("POST", "/sandbox/users", json=told)

    def users(self) -> list[dict[str, Any]]:
        """Who has registered, and what they have set."""
        users: list[dict[str, Any]] = self._json("GET", "/sandbox/users")["users"]
        return users

    def end_sign_ons(self) -> None:
        """Every token ends now, as after a while."""
        self._json("POST", "/sandbox/sign-ons/end")

    def set_accounts_fault(self, fault: AccountsFault | str | None, times: int | None = None) -> None:
        """The fault of the calls of single sign-on to come."""
        self._json("POST", "/sandbox/accounts-fault", json={"fault": fault, "times": times})

    def release_late(self) -> int:
        """Sends held late postbacks; returns how many payments that were."""
        return int(self._json("POST", "/sandbox/late/release")["released"])

    def _json(self, method: str, path: str, **more: Any) -> Any:
        response = self.control.request(method, path, **more)
        response.raise_for_status()
        return response.json()
