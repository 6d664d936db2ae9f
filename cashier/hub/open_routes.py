"""What the hub tells anyone: its health, figures and description. They name no site, till or payment."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cashier.domain.errors import Unavailable
from cashier.hub import shapes
from cashier.hub.access import peer_of
from cashier.hub.bodies import fault
from cashier.hub.metrics import CONTENT_TYPE

if TYPE_CHECKING:
    from cashier.hub.app import Hub


def open_router(hub: "Hub", describe: Callable[[], dict[str, Any]]) -> APIRouter:
    """The routes, over a hub; `describe` gives its OpenAPI document."""

    def limited(request: Request) -> None:
        hub.limited("open", hub.limits.open(peer_of(request.scope, hub.config.trust_proxy)))

    router = APIRouter(
        dependencies=[Depends(limited)],
        responses={429: fault("Too many requests.", Retry_After="Seconds to wait.")},
        tags=["open"],
    )
    described: list[Response] = []

    @router.get("/healthz", responses={503: fault("Storage is down.")})
    async def health() -> shapes.Health:
        """Whether the hub lives and its storage answers."""
        await hub.stored(hub.store.check)
        return shapes.Health(status="ok", wrong_tokens=hub.wrong_tokens)

    @router.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def metrics() -> Response:
        """Figures for Prometheus, also while storage is down."""
        try:
            counts = await hub.stored(hub.status.counts, hub.clock())
        except Unavailable:
            counts = None
        return Response(hub.metrics.text(counts), headers={"content-type": CONTENT_TYPE})

    @router.get("/openapi.json", response_model=dict[str, Any])
    async def openapi() -> Response:
        """This document."""
        if not described:
            described.append(JSONResponse(describe()))
        return described[0]

    return router
