"""Around every request: who asks, how long it took, and one line for the access log without path or token."""

import ipaddress
import json
import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cashier.domain.entries import utc_text

if TYPE_CHECKING:
    from cashier.hub.app import Hub

#: Methods named in figures and lines; anything else a peer makes up is `OTHER`.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_NO_ROUTE = "none"

#: One JSON object a line at INFO: when, method, route (its template), status, seconds, peer.
access_log = logging.getLogger("cashier.hub.access")


def peer_of(scope: Scope, trust_proxy: bool) -> str:
    """The address of who asks. Behind a trusted proxy: the last hop of X-Forwarded-For, which it wrote.

    Everything before the last hop is what the peer itself claims, and is not looked at.
    """
    client = scope.get("client")
    direct = str(client[0]) if client else ""
    if not trust_proxy:
        return direct
    hops = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    last = hops[-1].rpartition(b",")[2].strip().decode("latin-1") if hops else ""
    try:
        return str(ipaddress.ip_address(last.strip("[]")))
    except ValueError:
        return direct


class Access:
    """Counts every request by its route's template, and logs it."""

    def __init__(self, app: ASGIApp, hub: "Hub", plain: Sequence[Route]) -> None:
        self._app = app
        self._hub = hub
        # Of its own routes FastAPI says in the scope which it was, of plain ones the endpoint alone.
        self._plain: dict[object, str] = {route.endpoint: route.path for route in plain}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500  # what the server answers for us when nothing was sent

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            self._tell(scope, status, time.perf_counter() - started)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        plain = self._plain.get(scope.get("endpoint"), _NO_ROUTE)
        route = getattr(scope.get("route"), "path", plain)
        self._hub.metrics.requests.labels(method, route, str(status)).observe(seconds)
        if access_log.isEnabledFor(logging.INFO):
            line = {
                "event": "request",
                "at": utc_text(self._hub.clock()),
                "method": method,
                "route": route,
                "status": status,
                "seconds": round(seconds, 6),
                "peer": peer_of(scope, self._hub.config.trust_proxy),
            }
            access_log.info(json.dumps(line))
