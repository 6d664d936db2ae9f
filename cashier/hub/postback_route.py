"""The postback route: POST /pb/v1/{site}/{token} (Invoice Cloud contract, section 3).

204 only when the postback is on disk; 404 for an address that proves nothing, which is counted and, if it
reads like a postback, quarantined; 4xx for garbage; 503 when storage fails, so that it is sent again. A
proven postback is never limited.
"""

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fastapi import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from cashier.domain.errors import Refused, Unavailable
from cashier.domain.scrub import scrub_card_numbers
from cashier.gateway.postback import (
    POSTBACK_MAX_BYTES,
    NotAPostback,
    PostbackClaims,
    WrongToken,
    check_name,
    check_parameters,
    verify_path,
)
from cashier.hub.access import peer_of
from cashier.hub.arrivals import Arrival
from cashier.hub.body import read_body
from cashier.hub.quarantine import Unproven, reads_like_a_postback
from cashier.hub.scrubbing import scrub_form

if TYPE_CHECKING:
    from cashier.hub.app import Hub

POSTBACK_PREFIX = "/pb/v1/"
POSTBACK_ROUTE = POSTBACK_PREFIX + "{site}/{token}"
CONTENT_TYPE_MAX_CHARS = 100
FORM_TYPE = "application/x-www-form-urlencoded"

_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)
_NOT_OURS = "came to an address that is not one of ours"
_EXPIRED = "came to an address that has expired"
_KEY_GONE = "came to an address made with a till key that is good no more"

log = logging.getLogger(__name__)


class _Answered(Exception):
    """The request is answered before its end."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


async def receive(hub: "Hub", request: Request) -> Response:
    """Answer a postback. Whether the till's key is still good is looked up only after the token is proven."""
    try:
        response, outcome = await _received(hub, request)
    except _Answered as answered:
        response, outcome = answered.response, "refused"
    except Unavailable as error:
        log.error("postback not stored, answered 503: %s", error)
        response, outcome = _plain(503, "not stored, send it again"), "not_stored"
    hub.metrics.postbacks.labels(outcome).inc()
    return response


async def _received(hub: "Hub", request: Request) -> tuple[Response, str]:
    site, token = request.path_params["site"], request.path_params["token"]
    try:
        claims = verify_path(site, token, hub.key, hub.clock())
    except WrongToken:
        return await _unproven(hub, request, _why(hub, site, token))
    query, body = await _bytes(hub, request)
    content_type = request.headers.get("content-type", "")
    if body and not _is_form(content_type):
        raise _Answered(_plain(415, f"not {FORM_TYPE}"))
    try:
        check_parameters(query, body)
    except NotAPostback as error:
        raise _Answered(_plain(400, error.user_text)) from None
    clean_query, clean_body = scrub_form(query), scrub_form(body)
    now = hub.clock()
    arrival = Arrival(
        id=hub.new_id(now),
        received_at=now,
        claims=claims,
        content_type=scrub_card_numbers(content_type)[:CONTENT_TYPE_MAX_CHARS],
        query=clean_query,
        body=clean_body,
        scrubbed=(clean_query, clean_body) != (query, body),
    )
    if not await hub.writer.add(arrival):
        return await _unproven(hub, request, (_KEY_GONE, claims), (query, body))
    hub.bell.ring((claims.site, claims.till))
    hub.queued.set()
    return Response(status_code=204), "stored"


def _why(hub: "Hub", site: str, token: str) -> tuple[str, PostbackClaims | None]:
    """Why a token proves nothing, for a person's eyes only; its claims where it was a true one once."""
    try:
        return _EXPIRED, verify_path(site, token, hub.key, _BEFORE_ALL)
    except WrongToken:
        return _NOT_OURS, None


async def _unproven(
    hub: "Hub",
    request: Request,
    why: tuple[str, PostbackClaims | None],
    read: tuple[bytes, bytes] | None = None,
) -> tuple[Response, str]:
    """404, always the same, however it is wrong. What reads like a postback is quarantined first."""
    hub.wrong_tokens += 1
    hub.metrics.wrong_tokens.inc()
    log.info("postback to a wrong address, number %d since the start", hub.wrong_tokens)
    if wait_s := hub.limits.wrong(peer_of(request.scope, hub.config.trust_proxy)):
        hub.metrics.limited.labels("wrong_token").inc()
        return _plain(429, "too many wrong addresses", {"Retry-After": str(wait_s)}), "limited"
    query, body = read or await _bytes(hub, request)
    content_type = request.headers.get("content-type", "")
    # Scrubbed before it is read: what is told of it in words is free of card numbers, too.
    query, body = scrub_form(query), scrub_form(body) if _is_form(content_type) else b""
    if (said := reads_like_a_postback(query, body)) is not None:
        reason, claims = why
        now = hub.clock()
        message = Unproven(
            id=hub.new_id(now),
            site=_site(request.path_params["site"]),
            till=claims.till if claims else "",
            reason=reason,
            query=query,
            body=body,
        )
        await hub.stored(hub.quarantine.keep, message, said, now)
    return Response(status_code=404), "wrong_token"


def _site(text: str) -> str:
    """The site that an address names; empty when it cannot be one."""
    try:
        return check_name("site", text)
    except Refused:
        return ""


async def _bytes(hub: "Hub", request: Request) -> tuple[bytes, bytes]:
    """Query and body. Raises _Answered 400, 408, 413 (see `read_body`) or 414."""
    try:
        body = await read_body(request, POSTBACK_MAX_BYTES, hub.config.body_timeout_s)
    except HTTPException as fault:
        raise _Answered(_plain(fault.status_code, str(fault.detail))) from None
    query: bytes = request.scope["query_string"]
    if len(query) > POSTBACK_MAX_BYTES:
        raise _Answered(_plain(414, f"more than {POSTBACK_MAX_BYTES} bytes"))
    return query, body


def _is_form(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() in ("", FORM_TYPE)


def _plain(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    return Response(text, status_code=status, media_type="text/plain", headers=headers)
