"""The one route that needs neither token nor key: a till to be brings the code of an invitation.

Tries are limited by peer and by code, right ones too. Every outcome is counted; a code that somebody else has
redeemed is an alarm, because one of the two is not the till it was made for.
"""

import logging
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cashier.domain.errors import Refused
from cashier.domain.invite_code import read_invite_code
from cashier.gateway.postback import till_key_to_text
from cashier.hub import shapes
from cashier.hub.access import peer_of
from cashier.hub.bodies import Responses, body_faults, fault, given_body, takes
from cashier.hub.invites import NotRedeemed, Redeemed, Refusal

if TYPE_CHECKING:
    from cashier.hub.app import Hub

ENROL_MAX_BYTES = 2_048
_STATUS = {
    Refusal.WRONG: 403,
    Refusal.REVOKED: 403,
    Refusal.USED: 409,
    Refusal.OTHER_TILL: 409,
    Refusal.EXPIRED: 410,
}
#: What somebody may know who has brought a code that is or was good.
_TELLS_WHOSE = frozenset({Refusal.EXPIRED, Refusal.OTHER_TILL})
_NO_STORE = {"Cache-Control": "no-store"}
_RESPONSES: Responses = {
    **body_faults(ENROL_MAX_BYTES),
    403: {"model": shapes.EnrolmentRefused, "description": "No such code, or its till was revoked."},
    409: {"model": shapes.EnrolmentRefused, "description": "Somebody else's code, or another till's."},
    410: {"model": shapes.EnrolmentRefused, "description": "The code has expired."},
    422: fault("The body is not as declared."),
    429: fault("Too many codes.", Retry_After="Seconds to wait."),
    503: fault("Storage is down."),
}

log = logging.getLogger(__name__)


def enrol_router(hub: "Hub") -> APIRouter:
    """The route, over a hub."""
    router = APIRouter(tags=["enrolment"])

    @router.post(
        "/enrol",
        response_model=shapes.Enrolment,
        responses=_RESPONSES,
        openapi_extra=takes(shapes.EnrolmentAsked),
    )
    async def enrol(request: Request) -> Response:
        """Redeem an invitation for a till's key. May be repeated with the same nonce while the code lives."""
        peer = peer_of(request.scope, hub.config.trust_proxy)
        hub.limited("enrol", hub.limits.enrolling(peer))
        given = await given_body(hub, request, shapes.EnrolmentAsked, ENROL_MAX_BYTES)
        asker = (given.site, given.till) if given.site is not None and given.till is not None else None
        try:
            code = read_invite_code(given.code)
        except Refused:
            return _refused(hub, NotRedeemed(Refusal.WRONG))
        hub.limited("enrol", hub.limits.redeeming(hub.invites.hash_of(code)))
        try:
            redeemed = await hub.stored(hub.invites.redeem, code, given.nonce, asker, hub.clock())
        except NotRedeemed as refused:
            return _refused(hub, refused)
        except Refused:  # it had all its keys: it needs a new name, as a revoked one does
            return _refused(hub, NotRedeemed(Refusal.REVOKED))
        return _enrolled(hub, redeemed)

    return router


def _enrolled(hub: "Hub", redeemed: Redeemed) -> Response:
    hub.metrics.enrolments.labels("again" if redeemed.again else "enrolled").inc()
    key = hub.key(redeemed.site, redeemed.till, redeemed.generation)
    told = shapes.Enrolment(
        site=redeemed.site,
        till=redeemed.till,
        key=till_key_to_text(key, redeemed.generation),
        generation=redeemed.generation,
        public_url=hub.config.public_url,
    )
    return JSONResponse(told.model_dump(), headers=_NO_STORE)


def _refused(hub: "Hub", refused: NotRedeemed) -> Response:
    hub.metrics.enrolments.labels(refused.refusal.value).inc()
    if refused.refusal is Refusal.USED:
        hub.metrics.alarms.labels("invite_used_twice").inc()
        log.warning(
            "the code of till %s/%s was brought once more, by somebody else: was it read by others? "
            "cashier hub keys revoke ends what it gave",
            refused.site,
            refused.till,
        )
    tells = refused.refusal in _TELLS_WHOSE
    told = shapes.EnrolmentRefused(
        detail=refused.refusal.value,
        site=refused.site if tells else None,
        till=refused.till if tells else None,
    )
    return JSONResponse(told.model_dump(), status_code=_STATUS[refused.refusal], headers=_NO_STORE)
