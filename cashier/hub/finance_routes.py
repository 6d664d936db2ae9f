"""The finance office's routes: sign in, see a site's business date, take it as a table, sign out.

Only reads. A password may be tried only so often, by peer and by site, and is checked beside the loop, two at
a time: argon2 is slow by design.
"""

import asyncio
import io
import re
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from cashier.domain.daily import DailyReport
from cashier.domain.errors import CashierError, Refused
from cashier.hub.access import peer_of
from cashier.hub.body import read_body
from cashier.hub.finance import (
    SESSION,
    Finance,
    FinanceStore,
    SiteReading,
    fits,
    sealed_session,
    session_holds,
    site_named,
)
from cashier.hub.finance_pages import POLICY, fault_page, report_page, sign_in_page
from cashier.hub.keys import finance_key
from cashier.hub.limits import Buckets, Rate, network_of

if TYPE_CHECKING:
    from cashier.hub.app import Hub

COOKIE, HOME = "finance", "/finance"
FORM_MAX_BYTES = 4_096
#: Tries of a password, right ones too. The site's own is wider: nobody is to be kept out by a stranger.
PER_PEER = Rate(burst=5, per_second=1 / 30)
PER_SITE = Rate(burst=60, per_second=1 / 5)
IS_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
WRONG = "The site or the password is not right."
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def finance_router(hub: "Hub", finance: Finance) -> APIRouter:
    """The routes, over a hub."""
    router = APIRouter(prefix=HOME, include_in_schema=False)
    office = _Office(hub, finance)
    router.add_api_route("", office.show, methods=["GET"], response_model=None)
    router.add_api_route("/report.csv", office.table, methods=["GET"], response_model=None)
    router.add_api_route("/sign-in", office.sign_in, methods=["POST"], response_model=None)
    router.add_api_route("/sign-out", office.sign_out, methods=["POST"], response_model=None)
    return router


class _Office:
    """The handlers, with what they share."""

    def __init__(self, hub: "Hub", finance: Finance) -> None:
        self._hub = hub
        self._finance = finance
        self._store = FinanceStore(hub.store.engine)
        self._key = finance_key(hub.config.master_secret)
        self._by_peer = Buckets(PER_PEER, hub.monotonic)
        self._by_site = Buckets(PER_SITE, hub.monotonic)
        self._hashing, self._reporting = asyncio.Semaphore(2), asyncio.Semaphore(2)

    async def show(self, request: Request) -> Response:
        """The report of a business date, today's when none is named; or where to sign in."""
        self._limit_open(request)
        site = await self._site_of(request)
        if site is None:
            return _html(sign_in_page())
        text = request.query_params.get("date") or self._hub.clock().astimezone().date().isoformat()
        try:
            return _html(report_page(site, await self._report(site, text)))
        except CashierError as error:
            status = 400 if isinstance(error, Refused) else 503
            return _html(fault_page(site, text[:10], error.user_text), status)

    async def table(self, request: Request) -> Response:
        """The same report as CSV."""
        self._limit_open(request)
        site = await self._site_of(request)
        if site is None:
            return _to_home()
        text = request.query_params.get("date", "")
        try:
            report = await self._report(site, text)
        except CashierError as error:
            status = 400 if isinstance(error, Refused) else 503
            return _html(fault_page(site, text[:10], error.user_text), status)
        out = io.StringIO(newline="")
        self._finance.write_table(report, out)
        name = f"receipts-{report.scope.first.isoformat()}.csv"
        disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(
            out.getvalue().encode("utf-8-sig"), media_type="text/csv", headers=_HEADERS | disposition
        )

    async def sign_in(self, request: Request) -> Response:
        """Check a password; at most so many tries."""
        body = await read_body(request, FORM_MAX_BYTES, self._hub.config.body_timeout_s)
        site, password = _given(body)
        peer = network_of(peer_of(request.scope, self._hub.config.trust_proxy))
        wait_s = self._by_peer.take(peer) or self._by_site.take(site)
        if wait_s:
            self._hub.metrics.limited.labels("finance").inc()
            page = sign_in_page(f"Too many tries. Wait {wait_s} seconds, then try again.", site)
            return _html(page, 429, {"Retry-After": str(wait_s)})
        stored = await self._stored(site)
        async with self._hashing:
            is_right = await asyncio.to_thread(fits, stored, password)
        if stored is None or not is_right:
            return _html(sign_in_page(WRONG, site), 403)
        answer = _to_home()
        cookie = sealed_session(self._key, site, stored, self._hub.clock())
        answer.set_cookie(
            COOKIE,
            cookie,
            max_age=int(SESSION.total_seconds()),
            path=HOME,
            secure=True,
            httponly=True,
            samesite="strict",
        )
        return answer

    async def sign_out(self, request: Request) -> Response:
        """Take the session's cookie back."""
        self._limit_open(request)
        answer = _to_home()
        answer.delete_cookie(COOKIE, path=HOME, secure=True, httponly=True, samesite="strict")
        return answer

    def _limit_open(self, request: Request) -> None:
        """Who asks has proven nothing yet: as the other open routes."""
        self._hub.limited("open", self._hub.limits.open(peer_of(request.scope, self._hub.config.trust_proxy)))

    async def _site_of(self, request: Request) -> str | None:
        """The site that whoever asks is signed in to."""
        cookie = request.cookies.get(COOKIE, "")
        site = site_named(cookie)
        stored = await self._stored(site)
        return site if session_holds(self._key, cookie, stored, self._hub.clock()) else None

    async def _stored(self, site: str) -> str | None:
        """The hash of a site's password; None for what is no site's name, which no database is asked for."""
        return await self._hub.stored(self._store.hash_of, site) if IS_NAME.fullmatch(site) else None

    async def _report(self, site: str, text: str) -> DailyReport:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise Refused("The business date is no date such as 2026-02-03.") from None
        reading = SiteReading(self._hub, site, asyncio.get_running_loop())
        async with self._reporting:
            return await asyncio.to_thread(self._finance.report, reading, site, day, self._hub.clock())


def _given(body: bytes) -> tuple[str, str]:
    """Site and password of the form; empty where it is none of ours."""
    try:
        given = parse_qs(body.decode(), max_num_fields=2)
    except ValueError:
        return "", ""
    return given.get("site", [""])[0].strip(), given.get("password", [""])[0]


def _html(page: str, status: int = 200, more: dict[str, str] | None = None) -> Response:
    return HTMLResponse(page, status, headers=_HEADERS | (more or {}))


def _to_home() -> Response:
    return RedirectResponse(HOME, 303, headers=_HEADERS)
