"""The till's side of enrolling by the code of an invitation: one question, and what its endings mean.

Asking again with the same nonce gives the same answer, so an answer that was lost on the line is simply asked
for once more. A slip in the code is told without a request.
"""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from cashier.domain.accounts import Secret
from cashier.domain.errors import InDoubt, Refused, TooBusy, Unavailable
from cashier.domain.invite_code import read_invite_code
from cashier.hub.client import ANSWER_TIMEOUT_S, CONNECT_TIMEOUT_S, NEVER_SENT

#: How often the same question is asked when no answer comes.
TRIES_MAX = 3
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", re.ASCII)
_KEY = re.compile(r"[A-Za-z0-9_-]{43}(\.[1-9][0-9]{0,6})?", re.ASCII)
_NOT_READ = "Something else than a hub answered at this address. The code was not used; check the address."


@dataclass(frozen=True)
class Enrolled:
    """Which till this is now, and its key. `public_url` is where Invoice Cloud reaches the hub, or empty."""

    site: str
    till: str
    key: Secret = field(repr=False)
    public_url: str


class WrongCode(Refused):
    """The hub has no such code: mistyped, of another hub, or a newer one took its place."""


class ExpiredCode(Refused):
    """The code was good once."""


class UsedCode(Refused):
    """Somebody else has redeemed the code."""


class OtherTill(Refused):
    """The code is for another till than this one; it is still good there."""


class TillRevoked(Refused):
    """The code's till may have no key any more."""


async def enrol(
    http: httpx.AsyncClient, hub_url: str, code: str, nonce: str, asker: tuple[str, str] | None = None
) -> Enrolled:
    """Redeem a code at a hub.

    `nonce` is 22 to 64 signs of base64url that nobody else has; keep it to ask again. `asker` is this till's
    site and code where it has settings: then a code for another till is refused and stays good.

    Raises Refused for a slip in the code or an address that is not https, before anything is sent; WrongCode,
    ExpiredCode, UsedCode, OtherTill, TillRevoked; Unavailable when the hub was never asked, TooBusy when it
    has heard too many codes; InDoubt when no answer came: the code may be used now, and asking again with the
    same nonce is right.
    """
    address = hub_address(hub_url)
    body: dict[str, str | None] = {"code": read_invite_code(code), "nonce": nonce}
    if asker is not None:
        body["site"], body["till"] = asker
    for last in (*[False] * (TRIES_MAX - 1), True):
        try:
            response = await _post(http, f"{address}/enrol", body)
        except InDoubt:
            if last:
                raise
            continue
        return _read(response, asker)
    raise AssertionError("not reached")


def hub_address(text: str) -> str:
    """A hub's address without a slash at its end. Raises Refused unless it is https, or this machine's."""
    try:
        parts = urlsplit(text.strip())
        named = bool(parts.hostname) and not (parts.query or parts.fragment or parts.username)
        _ = parts.port  # raises for one that is none
    except ValueError:
        named = False
    if not named or parts.scheme not in ("https", "http"):
        raise Refused("This is not the address of a hub: write it as https://hub.example.org.")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise Refused(
            "The hub's address must start with https://: a till's key is not sent where others can read it."
        )
    return text.strip().rstrip("/")


async def _post(http: httpx.AsyncClient, url: str, body: dict[str, str | None]) -> httpx.Response:
    """One try. Raises Refused, Unavailable, InDoubt."""
    timeout = httpx.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    try:
        response = await http.post(url, json=body, timeout=timeout, follow_redirects=False)
    except httpx.InvalidURL as error:
        raise Refused("The hub's address is not a web address.") from error
    except NEVER_SENT as error:
        raise Unavailable(
            "The hub cannot be reached. The code was not used; check the address and the line."
        ) from error
    except httpx.HTTPError as error:
        raise InDoubt(
            "The hub did not answer. It may have taken the code: try again here, with the same code."
        ) from error
    if response.status_code >= 500:
        raise InDoubt(
            f"The hub is out of order ({response.status_code}). It may have taken the code: try again here, "
            "with the same code."
        )
    return response


def _read(response: httpx.Response, asker: tuple[str, str] | None) -> Enrolled:
    """What an answer says. Raises as `enrol`."""
    status = response.status_code
    if status == 429:
        wait = response.headers.get("retry-after", "")
        seconds = float(wait) if wait.isascii() and wait.isdigit() and len(wait) <= 6 else None
        when = f"in {wait} seconds" if seconds else "in a minute"
        raise TooBusy(f"The hub has heard too many codes from here. Try again {when}.", seconds)
    try:
        told = response.json()
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise Unavailable(_NOT_READ)
    if status == 200:
        return _enrolled(told)
    detail = told.get("detail")
    whose = f"till {_name(told, 'till')} of site {_name(told, 'site')}"
    if (status, detail) == (403, "wrong"):
        raise WrongCode(
            "The hub does not know this code. It was made at another hub, or a newer one took its place: "
            "have a new one made there with `cashier hub invite`."
        )
    if (status, detail) == (403, "revoked"):
        raise TillRevoked("This till's keys were ended at the hub for good: it needs another code as a till.")
    if (status, detail) == (409, "used"):
        raise UsedCode(
            "Somebody else has used this code already. If that was not you, tell whoever looks after the "
            "hub, and have a new one made there."
        )
    if (status, detail) == (409, "other till"):
        here = f"till {asker[1]} of site {asker[0]}" if asker else "another one"
        raise OtherTill(
            f"The code is for {whose}, and the settings here are those of {here}. Nothing was changed, and "
            "the code is still good."
        )
    if (status, detail) == (410, "expired"):
        raise ExpiredCode(f"The code for {whose} has expired: have a new one made at the hub.")
    if status in (404, 405):
        raise Refused("There is no hub at this address, or one of an older version. The code was not used.")
    if 400 <= status < 500:
        raise Refused(f"The hub does not take this as it is ({status}). The code was not used.")
    raise Unavailable(_NOT_READ)


def _name(told: dict[str, Any], member: str) -> str:
    value = told.get(member)
    return value if isinstance(value, str) and _NAME.fullmatch(value) else "?"


def _enrolled(told: dict[str, Any]) -> Enrolled:
    """Raises Unavailable for an answer that no hub of ours gives."""
    site, till, key, public = (told.get(name) for name in ("site", "till", "key", "public_url"))
    fits = (
        isinstance(site, str)
        and isinstance(till, str)
        and isinstance(key, str)
        and isinstance(public, str)
        and _NAME.fullmatch(site)
        and _NAME.fullmatch(till)
        and _KEY.fullmatch(key)
        and len(public) <= 2_000
    )
    if not fits:
        raise Unavailable("The hub's answer could not be read. Have a new code made there.")
    return Enrolled(site, till, Secret(key), public)  # type: ignore[arg-type]  # just looked at
