"""The hub's till side: every route below /till/v1/{site}/{till}, each proven by the till's key.

A body is read only after the till is proven, and never more of it than is allowed.
"""

import base64
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cashier.domain.errors import Discrepancy, Held, Refused
from cashier.domain.money import Cents
from cashier.domain.payment import InvoiceShare
from cashier.hub import shapes
from cashier.hub.bodies import BODY_MAX_BYTES, Responses, body_faults, fault, given_body, takes
from cashier.hub.body import read_body
from cashier.hub.charges import CHARGES_LIMIT_MAX
from cashier.hub.holds import Announcement
from cashier.hub.journal_api import NOT_OURS, journal_routes, whose
from cashier.hub.notices import NOTICE_MAX_BYTES, read_notice
from cashier.hub.shapes import PULL_LIMIT_MAX, SEQ_MAX, Reference, SiteName, TillName
from cashier.hub.store import Pending

if TYPE_CHECKING:
    from cashier.hub.app import Hub

PULL_WAIT_MAX_S = 60.0
BODY_FAULTS = body_faults(BODY_MAX_BYTES)

_BEARER = HTTPBearer(auto_error=False, scheme_name="tillKey", description="The till's key.")
_Day = Annotated[
    str,
    Query(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        json_schema_extra={"format": "date"},
        description="A UTC day, inclusive.",
    ),
]


#: What every route of a till may answer besides.
_COMMON: Responses = {
    401: fault("Not a key of this till.", WWW_Authenticate="The scheme."),
    422: fault("A parameter or the body is not as declared."),
    429: fault("Too many requests.", Retry_After="Seconds to wait."),
    503: fault("Storage is down."),
}


def till_router(hub: "Hub") -> APIRouter:
    """The routes, over a hub."""

    async def proven(
        request: Request,
        site: SiteName,
        till: TillName,
        given: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
    ) -> None:
        await hub.authorise(request, site, till, given.credentials if given else "")

    router = APIRouter(
        prefix="/till/v1/{site}/{till}", responses=_COMMON, dependencies=[Depends(proven)], tags=["till"]
    )
    _postbacks(router, hub)
    _payments(router, hub)
    _notices(router, hub)
    _reports(router, hub)
    journal_routes(router, hub)
    return router


def _postbacks(router: APIRouter, hub: "Hub") -> None:
    @router.get("/postbacks")
    async def pull(
        site: SiteName,
        till: TillName,
        wait: Annotated[float, Query(ge=0, le=PULL_WAIT_MAX_S, allow_inf_nan=False)] = 25.0,
        limit: Annotated[int, Query(ge=1, le=PULL_LIMIT_MAX)] = 50,
    ) -> shapes.Pulled:
        """What the till has not acknowledged, oldest first; waits for the first to come."""
        rows = await hub.pull(site, till, wait, limit)
        return shapes.Pulled(postbacks=[_pulled(row) for row in rows])

    @router.post("/postbacks/ack", responses=BODY_FAULTS, openapi_extra=takes(shapes.Acknowledgement))
    async def acknowledge(site: SiteName, till: TillName, request: Request) -> shapes.Acknowledged:
        """These are in the till's journal. May be repeated."""
        given = await given_body(hub, request, shapes.Acknowledgement)
        count = await hub.stored(hub.store.acknowledge, site, till, given.ids, hub.clock())
        return shapes.Acknowledged(acknowledged=count)


def _pulled(row: Pending) -> shapes.PulledPostback:
    raw = {name: base64.b64encode(getattr(row, name)).decode() for name in ("query", "body")}
    return shapes.PulledPostback(**asdict(row) | raw)


def _payments(router: APIRouter, hub: "Hub") -> None:
    @router.put(
        "/payments/{reference}",
        response_model=shapes.Holding,
        responses={
            **BODY_FAULTS,
            409: {
                "model": shapes.Conflict,
                "description": "Another payment holds an invoice, or other content.",
            },
        },
        openapi_extra=takes(shapes.PaymentAnnounced),
    )
    async def announce(site: SiteName, till: TillName, reference: Reference, request: Request) -> Response:
        """Announce a payment before it is launched, and hold its invoices. May be repeated."""
        given = await given_body(hub, request, shapes.PaymentAnnounced)
        wanted = Announcement(
            site=site,
            till=till,
            reference=reference,
            biller=given.biller,
            amount_cents=given.amount_cents,
            invoices=tuple(InvoiceShare(item.number, Cents(item.amount_cents)) for item in given.invoices),
            portal_url=given.portal.url if given.portal else None,
            portal_reference=given.portal.reference if given.portal else None,
        )
        try:
            await hub.stored(hub.holds.announce, wanted, hub.clock())
        except Held as held:
            holder = shapes.Holder(
                till=held.till, reference=held.reference, since=held.since, invoice=held.invoice
            )
            return _answer(409, shapes.Conflict(detail="held", holder=holder))
        except Discrepancy:
            hub.metrics.alarms.labels("other_content").inc()
            return _answer(409, shapes.Conflict(detail="other content", holder=None))
        # Its postback may have come before it.
        hub.queued.set()
        return _answer(200, shapes.Holding(held=True))

    @router.post(
        "/payments/{reference}/settled",
        responses={**BODY_FAULTS, 404: fault("No payment of this reference was announced.")},
        openapi_extra=takes(shapes.Outcome),
    )
    async def settled(
        site: SiteName, till: TillName, reference: Reference, request: Request
    ) -> shapes.Settled:
        """Give a payment's invoices back. May be repeated."""
        given = await given_body(hub, request, shapes.Outcome)
        if not await hub.stored(hub.holds.settled, site, till, reference, given.outcome, hub.clock()):
            raise HTTPException(404, "no payment of this reference was announced")
        return shapes.Settled(settled=True)

    @router.get("/payments")
    async def held(site: SiteName, till: TillName) -> shapes.HeldReferences:
        """The payments of this till that hold invoices now."""
        rows = await hub.stored(hub.holds.held, site, till)
        return shapes.HeldReferences(
            held=[shapes.HeldReference(reference=row.reference, since=row.since) for row in rows]
        )


def _notices(router: APIRouter, hub: "Hub") -> None:
    @router.put(
        "/notices/{notice_id}",
        response_model=shapes.Accepted,
        responses={
            **BODY_FAULTS,
            **NOT_OURS,
            409: {"model": shapes.Conflict, "description": "Other content."},
        },
        openapi_extra=takes(shapes.Notice),
    )
    async def notify(
        site: SiteName,
        till: TillName,
        notice_id: shapes.NoticeId,
        request: Request,
        owner: shapes.OwnerName = None,
    ) -> Response:
        """Have a portal told of a payment that no gateway tells it of. At most 16 KiB. May be repeated."""
        owner = await whose(hub, site, till, owner)
        raw = await read_body(request, NOTICE_MAX_BYTES, hub.config.body_timeout_s)
        try:
            url, body = read_notice(notice_id, raw)
        except Refused as refused:
            raise HTTPException(422, refused.user_text) from None
        try:
            await hub.stored(hub.letters.add_notice, site, owner, notice_id, url, body, hub.clock())
        except Discrepancy:
            hub.metrics.alarms.labels("other_notice").inc()
            return _answer(409, shapes.Conflict(detail="other content", holder=None))
        hub.queued.set()
        return _answer(200, shapes.Accepted(accepted=True))


def _reports(router: APIRouter, hub: "Hub") -> None:
    @router.get("/quarantine")
    async def quarantine(site: SiteName, till: TillName) -> shapes.QuarantinedItems:
        """Messages of this site that fit no payment and that no person has seen to, oldest first."""
        rows = await hub.stored(hub.quarantine.open_items, site)
        return shapes.QuarantinedItems(
            quarantined=[
                shapes.QuarantinedItem(
                    id=row.id,
                    received_at=row.received_at,
                    reason=row.reason,
                    reference=row.reference,
                    invoice=row.invoice,
                    amount=row.amount,
                    till=row.till,
                )
                for row in rows
            ]
        )

    @router.get("/charges")
    async def charges(
        site: SiteName,
        till: TillName,
        from_: Annotated[_Day, Query(alias="from")],
        to: _Day,
        after: Annotated[int, Query(ge=0, le=SEQ_MAX, description="The last `seq` seen.")] = 0,
        limit: Annotated[int, Query(ge=1, le=CHARGES_LIMIT_MAX)] = CHARGES_LIMIT_MAX,
    ) -> shapes.Charges:
        """Every stored postback of the site received in these days, in the order of arrival."""
        first, last = _day("from", from_), _day("to", to)
        rows = await hub.stored(hub.charges.between, site, first, last, after, limit)
        return shapes.Charges(charges=[shapes.Charge(**asdict(row)) for row in rows])


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise HTTPException(422, f"{name}: is no day") from None


def _answer(status: int, told: BaseModel) -> Response:
    return JSONResponse(told.model_dump(), status_code=status)
