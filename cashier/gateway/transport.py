"""One exchange with Invoice Cloud over HTTPS, and the one table that says what each ending means.

Never sent means Unavailable: nothing can have happened; asked to wait means TooBusy. Whatever is not in the
table is InDoubt. No body, header or query is ever logged, and no redirect is followed.
"""

import asyncio
import email.utils
import json
import logging
import re
import ssl
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import MappingProxyType
from typing import Any
from urllib.parse import SplitResult

import httpx
import truststore

from cashier.domain.errors import CashierError, InDoubt, Refused, TooBusy, Unavailable
from cashier.domain.scrub import scrub_card_numbers

ANSWER_MAX_BYTES = 64 * 1024
MESSAGE_MAX_CHARS = 200
CONNECTIONS_MAX = 5
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
#: No service is left alone for longer than this, whatever it asks for, in seconds.
RETRY_AFTER_MAX_S = 300.0


@dataclass(frozen=True)
class Timeouts:
    """Seconds. `whole_s` bounds the exchange, so that an answer dripping in byte by byte ends, too."""

    connect_s: float = 5
    read_s: float = 20
    write_s: float = 10
    pool_s: float = 5
    whole_s: float = 45


class Reason(StrEnum):
    """How an exchange ended other than well."""

    NOT_REACHED = "not_reached"
    CERTIFICATE = "certificate"
    NOT_SECURE = "not_secure"
    KEY_REFUSED = "key_refused"
    REQUEST_REFUSED = "request_refused"
    TOO_BUSY = "too_busy"
    SERVER_ERROR = "server_error"
    NO_ANSWER = "no_answer"
    LINE_LOST = "line_lost"
    UNEXPECTED_ANSWER = "unexpected_answer"
    NOT_JSON = "not_json"
    NOT_SOAP = "not_soap"
    SOAP_FAULT = "soap_fault"
    NOT_CLEAR = "not_clear"
    OTHER_INVOICE = "other_invoice"
    TOO_LARGE = "too_large"
    NO_ADDRESS = "no_address"
    ADDRESS_NOT_ALLOWED = "address_not_allowed"


class GatewayRefused(Refused):
    """Invoice Cloud said no. `reason` is its kind; `details` (a code) is for the Details fold only."""

    def __init__(self, user_text: str, reason: Reason, details: str) -> None:
        super().__init__(user_text)
        self.reason, self.details = reason, details


class GatewayUnavailable(Unavailable):
    """Nothing was sent. Members as in GatewayRefused."""

    def __init__(self, user_text: str, reason: Reason, details: str) -> None:
        super().__init__(user_text)
        self.reason, self.details = reason, details


class GatewayTooBusy(TooBusy):
    """It asks to be left alone for a while; nothing was done. Members as in GatewayRefused."""

    def __init__(self, user_text: str, reason: Reason, details: str) -> None:
        super().__init__(user_text)
        self.reason, self.details = reason, details


class GatewayInDoubt(InDoubt):
    """It was sent and no clear answer came. Members as in GatewayRefused."""

    def __init__(self, user_text: str, reason: Reason, details: str) -> None:
        super().__init__(user_text)
        self.reason, self.details = reason, details


@dataclass(frozen=True)
class Purpose:
    """What an exchange is for, in a clerk's words: what did not happen, and what that means for money.

    `credentials` names the secret that the exchange carries, `about` what is asked about.
    """

    failed: str
    money: str
    otherwise: str
    credentials: str = "API key"
    about: str = "invoice"


_AGAIN = "Try again{otherwise}."
_ASK = "Trying again will not help: ask your administrator{otherwise}."

#: Reason -> (kind of error, what happened, what to do).
ENDINGS: Mapping[Reason, tuple[type[CashierError], str, str]] = MappingProxyType(
    {
        Reason.NOT_REACHED: (GatewayUnavailable, "the gateway was not reached", _AGAIN),
        Reason.CERTIFICATE: (
            GatewayUnavailable,
            "the gateway's certificate is not trusted, so nothing was sent to it",
            _ASK,
        ),
        Reason.NOT_SECURE: (
            GatewayUnavailable,
            "no secure line to the gateway could be made, so nothing was sent to it",
            _AGAIN,
        ),
        Reason.KEY_REFUSED: (
            GatewayRefused,
            "the gateway refused the {credentials}{message}",
            "The {credentials} in the settings must be corrected: ask your administrator{otherwise}.",
        ),
        Reason.REQUEST_REFUSED: (
            GatewayRefused,
            "the gateway refused the request{message}",
            "Correct what it names{otherwise}.",
        ),
        Reason.TOO_BUSY: (GatewayTooBusy, "the gateway is too busy{message}", "Wait a minute. " + _AGAIN),
        Reason.SERVER_ERROR: (GatewayInDoubt, "the gateway has a fault of its own{message}", _AGAIN),
        Reason.NO_ANSWER: (GatewayInDoubt, "the gateway did not answer in time", _AGAIN),
        Reason.LINE_LOST: (GatewayInDoubt, "the line broke before the gateway's answer was complete", _AGAIN),
        Reason.UNEXPECTED_ANSWER: (
            GatewayInDoubt,
            "the gateway's address answered with something else than agreed",
            _ASK,
        ),
        Reason.NOT_JSON: (GatewayInDoubt, "the gateway's answer could not be read", _AGAIN),
        Reason.NOT_SOAP: (GatewayInDoubt, "the gateway's answer could not be read", _AGAIN),
        Reason.SOAP_FAULT: (GatewayInDoubt, "the gateway could not handle the question{message}", _AGAIN),
        Reason.NOT_CLEAR: (GatewayInDoubt, "the gateway gave no clear answer{message}", _AGAIN),
        Reason.OTHER_INVOICE: (GatewayInDoubt, "the gateway answered about another {about}", _AGAIN),
        Reason.TOO_LARGE: (GatewayInDoubt, "the gateway's answer was far too long", _AGAIN),
        Reason.NO_ADDRESS: (
            GatewayInDoubt,
            "the gateway's answer had no address of a payment page{message}",
            _AGAIN,
        ),
        Reason.ADDRESS_NOT_ALLOWED: (
            GatewayInDoubt,
            "the gateway named a payment page at an address that this till does not trust",
            _ASK,
        ),
    }
)

#: What httpx raises -> why. The first row that fits counts; what no row fits is LINE_LOST, so InDoubt.
TRANSPORT_ERRORS: tuple[tuple[type[Exception], Reason], ...] = (
    (httpx.ConnectError, Reason.NOT_REACHED),
    (httpx.ConnectTimeout, Reason.NOT_REACHED),
    (httpx.PoolTimeout, Reason.NOT_REACHED),
    (httpx.UnsupportedProtocol, Reason.NOT_REACHED),
    (httpx.TimeoutException, Reason.NO_ANSWER),
    (TimeoutError, Reason.NO_ANSWER),
)

#: HTTP status -> why; other 4xx are REQUEST_REFUSED, 5xx SERVER_ERROR, all else UNEXPECTED_ANSWER.
STATUSES: Mapping[int, Reason] = MappingProxyType(
    {
        401: Reason.KEY_REFUSED,
        403: Reason.KEY_REFUSED,
        408: Reason.NO_ANSWER,
        425: Reason.TOO_BUSY,
        429: Reason.TOO_BUSY,
    }
)


def failure(reason: Reason, purpose: Purpose, details: str, message: str = "") -> CashierError:
    """The error of an ending, worded: what happened, what it means for the money, what to do."""
    kind, happened, advice = ENDINGS[reason]
    words = {
        "message": f" (“{message}”)" if message else "",
        "otherwise": purpose.otherwise,
        "credentials": purpose.credentials,
        "about": purpose.about,
    }
    text = f"{purpose.failed}: {happened.format(**words)}. {purpose.money} {advice.format(**words)}"
    make: Any = kind
    error = make(text.replace("  ", " "), reason, details)
    assert isinstance(error, CashierError)
    return error


def make_client(timeouts: Timeouts, tls: ssl.SSLContext | None = None) -> httpx.AsyncClient:
    """The one client of a till: make it once, keep it, close it at the end.

    `tls` None means the operating system's trusted certificates. Proxies of the environment apply, except
    to this machine itself. Cookies are never kept.
    """
    for noisy in ("httpx", "httpcore"):  # at INFO they write whole addresses
        logging.getLogger(noisy).setLevel(logging.WARNING)
    return httpx.AsyncClient(
        verify=tls or truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        timeout=httpx.Timeout(
            connect=timeouts.connect_s, read=timeouts.read_s, write=timeouts.write_s, pool=timeouts.pool_s
        ),
        limits=httpx.Limits(max_connections=CONNECTIONS_MAX),
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        headers={"User-Agent": "cashier", "Accept": "application/json", "Accept-Encoding": "identity"},
        mounts={f"all://{f'[{host}]' if ':' in host else host}": None for host in LOOPBACK_HOSTS},
    )


@dataclass(frozen=True)
class Answer:
    """What came back: `body` None when it was over ANSWER_MAX_BYTES, `retry_after_s` where it was given."""

    status: int
    body: bytes | None
    retry_after_s: float | None

    @property
    def details(self) -> str:
        """For the Details fold."""
        return f"HTTP {self.status}"


async def send(client: httpx.AsyncClient, request: httpx.Request, purpose: Purpose, whole_s: float) -> Answer:
    """One request and its answer, whatever its status. Raises GatewayUnavailable or GatewayInDoubt."""
    try:
        async with asyncio.timeout(whole_s):
            response = await client.send(request, stream=True)
            try:
                body = await _bounded(response)
            finally:
                await response.aclose()
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError) as error:
        raise failure(_transport_reason(error), purpose, type(error).__name__) from error
    return Answer(response.status_code, body, _retry_after_s(response.headers))


def status_failure(answer: Answer, purpose: Purpose, message: str) -> CashierError:
    """The error of an answer whose status is not 200. `message` is fit for a screen."""
    error = failure(_status_reason(answer.status), purpose, answer.details, message)
    if isinstance(error, TooBusy):
        error.retry_after_s = answer.retry_after_s
    return error


async def exchange(
    client: httpx.AsyncClient, request: httpx.Request, purpose: Purpose, whole_s: float, *secrets: str
) -> bytes:
    """The body of a 200 answer, at most ANSWER_MAX_BYTES.

    `secrets` are taken out of what the service says back. Raises GatewayRefused, GatewayUnavailable,
    GatewayTooBusy or GatewayInDoubt.
    """
    answer = await send(client, request, purpose, whole_s)
    if answer.status != 200:
        raise status_failure(answer, purpose, service_message(answer.body or b"", *secrets))
    if answer.body is None:
        raise failure(Reason.TOO_LARGE, purpose, answer.details)
    return answer.body


async def _bounded(response: httpx.Response) -> bytes | None:
    """The body as it came, or None when it is over the limit."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > ANSWER_MAX_BYTES:
            return None
    return bytes(body)


def _transport_reason(error: Exception) -> Reason:
    reason = next((why for kind, why in TRANSPORT_ERRORS if isinstance(error, kind)), Reason.LINE_LOST)
    if reason is Reason.NOT_REACHED:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return Reason.CERTIFICATE
            if isinstance(cause, ssl.SSLError):
                return Reason.NOT_SECURE
            cause = cause.__cause__ or cause.__context__
    return reason


def _status_reason(status: int) -> Reason:
    if status in STATUSES:
        return STATUSES[status]
    if 400 <= status <= 499:
        return Reason.REQUEST_REFUSED
    return Reason.SERVER_ERROR if 500 <= status <= 599 else Reason.UNEXPECTED_ANSWER


def _retry_after_s(headers: httpx.Headers) -> float | None:
    """Seconds of a Retry-After header, at most RETRY_AFTER_MAX_S; None where there is none to be read.

    A date is held against the answer's own Date, so that this machine's clock does not matter.
    """
    given = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}", given, re.ASCII):
        return min(float(given), RETRY_AFTER_MAX_S)
    try:
        until, now = (email.utils.parsedate_to_datetime(date) for date in (given, headers.get("Date", "")))
        seconds = (until - now).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), RETRY_AFTER_MAX_S)


def is_secure(parts: SplitResult, training: bool) -> bool:
    """Whether an address is https, or plain http to this machine in training."""
    if parts.scheme == "https":
        return bool(parts.hostname)
    return training and parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS


def parse_object(body: bytes) -> dict[str, Any] | None:
    """The JSON object of a body, or None when it is not one. Numbers stay exact."""
    try:
        value = json.loads(body.decode(), parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def service_message(body: bytes, *secrets: str) -> str:
    """The service's own `Message`, fit for a screen: one bounded line, no card number, no secret."""
    members = parse_object(body) or {}
    told = next((value for name, value in members.items() if name.lower() == "message"), None)
    if not isinstance(told, str):
        return ""
    return fit_for_screen(told, *secrets)


def fit_for_screen(told: str, *secrets: str) -> str:
    """A text from outside as one bounded line without card numbers and without the secrets."""
    text = "".join(" " if unicodedata.category(char).startswith(("C", "Z")) else char for char in told)
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "[secret removed]")
    text = scrub_card_numbers(" ".join(text.split()))
    return text if len(text) <= MESSAGE_MAX_CHARS else text[: MESSAGE_MAX_CHARS - 1] + "…"
