"""Customers' accounts at Invoice Cloud over REST, and the address of their pages (contract, section 5).

The contract names the calls; their paths (but one), members and messages are assumed. All that is assumed is
in this file: the paths in `Paths`, which the settings can correct, the members where they are sent and read,
the messages in `MESSAGES`.
"""

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import simplejson

from cashier.domain.accounts import (
    AccountPage,
    AccountUser,
    Secret,
    SignOnOver,
    UserAccount,
    WrongPassword,
)
from cashier.domain.errors import Refused
from cashier.domain.sale import Customer
from cashier.gateway.transport import (
    STATUSES,
    Answer,
    Purpose,
    Reason,
    Timeouts,
    failure,
    fit_for_screen,
    is_secure,
    parse_object,
    send,
    status_failure,
)

#: LoginTypeID is always 1: an e-mail address and a password.
LOGIN_TYPE_ID = 1
#: ViewMode of the pages is always 1: they stand in a view of ours.
VIEW_MODE = 1
ROWS_MAX, WORDS_MAX = 200, 100

#: A token that can be put into JSON and into a query as it stands.
_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{8,4096}", re.ASCII)


@dataclass(frozen=True)
class Paths:
    """Where each call is, behind the base address. [assumed], all but `customer_guid`."""

    users: str = "/api/v1/remoteauth/users"
    registration: str = "/api/v1/remoteauth/register"
    authenticate: str = "/api/v1/remoteauth/authenticate"
    customer_guid: str = "/api/v1/customer/RetrieveCustomerGuid"
    accounts: str = "/api/v1/remoteauth/accounts"
    create: str = "/api/v1/customer/create"
    password: str = "/api/v1/remoteauth/password"
    email: str = "/api/v1/remoteauth/email"
    link: str = "/api/v1/remoteauth/link"
    unregister: str = "/api/v1/remoteauth/unregister"
    connect: str = "/portal/sso/connect"


class Meaning(Enum):
    """What a refusal's message means."""

    NOT_FOUND = "not found"
    THERE_ALREADY = "there already"
    WRONG_PASSWORD = "wrong password"
    SIGN_ON_OVER = "sign-on over"


#: [assumed] What a refusal's `Message` says. Compared without regard to case, surrounding space and a final
#: stop. A text that is not here is a refusal, told in its own words: a path that is not there, which answers
#: 404 as well, must never be taken for an account that is not there.
MESSAGES: Mapping[str, Meaning] = MappingProxyType(
    {
        "account was not found": Meaning.NOT_FOUND,
        "user was not found": Meaning.NOT_FOUND,
        "customer was not found": Meaning.NOT_FOUND,
        "account already exists": Meaning.THERE_ALREADY,
        "user name or password is not valid": Meaning.WRONG_PASSWORD,
        "remoteauthenticationtoken is not valid or has expired": Meaning.SIGN_ON_OVER,
    }
)

_MONEY = "This takes no money."


def _purpose(failed: str) -> Purpose:
    return Purpose(failed=failed, money=_MONEY, otherwise="", about="customer")


_FINDING = _purpose("The customer could not be looked up")
_CREATING = _purpose("The customer record could not be made")
_REGISTERING = _purpose("The customer could not be registered")
_SIGNING_ON = _purpose("The customer could not be signed on")
_LISTING = _purpose("The customer's accounts could not be read")
_LINKING = _purpose("The account could not be linked")
_UNREGISTERING = _purpose("The account could not be unregistered")
_NEW_EMAIL = _purpose("The e-mail address could not be changed")
_NEW_PASSWORD = _purpose("The password could not be changed")

_WRONG = (
    "E-mail address and password are not the ones that Invoice Cloud has. Nothing was changed. Have the "
    "customer type them again, or set a new password."
)
_OVER = "The customer is no longer signed on at Invoice Cloud. Nothing was changed. Sign them on again."


@dataclass(frozen=True)
class Look:
    """What the pages are told beside the token; empty is left out."""

    css_url: str = ""
    return_url: str = ""
    site_name: str = ""


@dataclass(frozen=True)
class _Refusal:
    """A clear no. `text` is fit for a screen and without what was secret."""

    answer: Answer
    meaning: Meaning | None
    text: str


@dataclass(frozen=True)
class _Call:
    path: str
    body: Mapping[str, object] = field(repr=False)
    purpose: Purpose
    secrets: tuple[str, ...] = field(default=(), repr=False)


class SingleSignOn:
    """The CustomerAccounts port over a real line, for one biller. Close the client yourself.

    `api_keys` reads the biller's API key at each call and raises Refused when it is not set.
    """

    def __init__(
        self,
        *,
        client: httpx.AsyncClient,
        base_url: str,
        biller: str,
        api_keys: Callable[[str], str],
        paths: Paths | None = None,
        look: Look | None = None,
        training: bool = False,
        timeouts: Timeouts | None = None,
    ) -> None:
        if not is_secure(urlsplit(base_url), training):
            raise Refused("The gateway's base address must start with https:// and name a host.")
        self._client = client
        self._base_url = base_url.rstrip("/")
        self._biller, self._api_keys = biller, api_keys
        self._paths, self._look = paths or Paths(), look or Look()
        self._whole_s = (timeouts or Timeouts()).whole_s

    # -- finding -----------------------------------------------------------------------------------------

    async def users(self, *, account: str = "", email: str = "") -> tuple[AccountUser, ...]:
        """See CustomerAccounts."""
        body = {"AccountNumber": account, "EmailAddress": email}
        told = await self._ask(_Call(self._paths.users, body, _FINDING), {Meaning.NOT_FOUND})
        if isinstance(told, _Refusal):
            return ()
        return tuple(
            AccountUser(_words(user, "EmailAddress", _FINDING), _texts(user, "AccountNumbers", _FINDING))
            for user in _rows(told, "Users", _FINDING)
        )

    async def customer_guid(self, account: str, email: str) -> str | None:
        """See CustomerAccounts."""
        body = {"AccountNumber": account, "EmailAddress": email, "Username": ""}
        told = await self._ask(_Call(self._paths.customer_guid, body, _FINDING), {Meaning.NOT_FOUND})
        if isinstance(told, _Refusal):
            return None
        return _words(told, "CustomerGuid", _FINDING)

    async def create(self, customer: Customer) -> None:
        """See CustomerAccounts."""
        body = {
            "AccountNumber": customer.account_number,
            "Name": customer.name,
            "Address": customer.address,
            "City": customer.city,
            "State": customer.state,
            "Zip": customer.zip,
            "EmailAddress": customer.email,
        }
        await self._ask(_Call(self._paths.create, body, _CREATING), {Meaning.THERE_ALREADY})

    async def register(self, account: str, email: str, password: Secret) -> None:
        """See CustomerAccounts."""
        body = {
            "AccountNumber": account,
            "EmailAddress": email,
            **_login(email, password),
        }
        await self._ask(_Call(self._paths.registration, body, _REGISTERING, (password.reveal(),)))

    # -- signing on --------------------------------------------------------------------------------------

    async def authenticate(self, email: str, password: Secret) -> Secret:
        """See CustomerAccounts."""
        call = _Call(self._paths.authenticate, _login(email, password), _SIGNING_ON, (password.reveal(),))
        told = await self._ask(call, {Meaning.WRONG_PASSWORD, Meaning.NOT_FOUND})
        if isinstance(told, _Refusal):
            raise WrongPassword(_WRONG)
        token = told.get("remoteauthenticationtoken")
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise failure(Reason.NOT_CLEAR, _SIGNING_ON, "HTTP 200")
        return Secret(token)

    async def accounts(self, token: Secret) -> tuple[UserAccount, ...]:
        """See CustomerAccounts."""
        told = await self._signed_on(self._paths.accounts, token, {}, _LISTING)
        return tuple(
            UserAccount(
                number=_words(account, "AccountNumber", _LISTING),
                name=fit_for_screen(str(account.get("name") or ""), token.reveal())[:WORDS_MAX],
                is_linked=account.get("islinked") is True,
            )
            for account in _rows(told, "Accounts", _LISTING)
        )

    async def link(self, token: Secret, account: str) -> None:
        """See CustomerAccounts."""
        await self._signed_on(self._paths.link, token, {"AccountNumber": account}, _LINKING)

    async def unregister(self, token: Secret, account: str) -> None:
        """See CustomerAccounts."""
        await self._signed_on(self._paths.unregister, token, {"AccountNumber": account}, _UNREGISTERING)

    async def update_email(self, email: str, new_email: str) -> None:
        """See CustomerAccounts."""
        body = {"Username": email, "EmailAddress": new_email}
        await self._ask(_Call(self._paths.email, body, _NEW_EMAIL))

    async def update_password(self, email: str, password: Secret) -> None:
        """See CustomerAccounts."""
        body = {"Username": email, "Password": password.reveal()}
        await self._ask(_Call(self._paths.password, body, _NEW_PASSWORD, (password.reveal(),)))

    def page_url(self, token: Secret, page: AccountPage) -> str:
        """See CustomerAccounts."""
        query = {
            "RemoteAuthenticationToken": token.reveal(),
            "ViewMode": str(VIEW_MODE),
            "RedirectID": str(int(page)),
            "CSSUrl": self._look.css_url,
            "ReturnUrl": self._look.return_url,
            "CustomReturnSiteName": self._look.site_name,
        }
        told = urlencode({name: value for name, value in query.items() if value})
        return f"{self._base_url}{self._paths.connect}?{told}"

    # -- one call ----------------------------------------------------------------------------------------

    async def _signed_on(
        self, path: str, token: Secret, body: Mapping[str, object], purpose: Purpose
    ) -> Mapping[str, Any]:
        whole = {"RemoteAuthenticationToken": token.reveal(), **body}
        told = await self._ask(_Call(path, whole, purpose, (token.reveal(),)), {Meaning.SIGN_ON_OVER})
        if isinstance(told, _Refusal):
            raise SignOnOver(_OVER)
        return told

    async def _ask(self, call: _Call, understood: Iterable[Meaning] = ()) -> Mapping[str, Any] | _Refusal:
        """The answer's members, or a refusal whose meaning is understood; any other refusal is raised."""
        key = self._key()
        request = self._client.build_request(
            "POST",
            self._base_url + call.path,
            content=simplejson.dumps(call.body).encode(),
            headers={"Authorization": _basic(key), "Content-Type": "application/json"},
        )
        answer = await send(self._client, request, call.purpose, self._whole_s)
        told = _read(answer, call, (key, *call.secrets))
        if not isinstance(told, _Refusal) or told.meaning in frozenset(understood):
            return told
        if answer.status == 200:
            raise failure(Reason.REQUEST_REFUSED, call.purpose, "HTTP 200", told.text)
        raise status_failure(answer, call.purpose, told.text)

    def _key(self) -> str:
        key = self._api_keys(self._biller)
        if not key or not key.isascii() or not key.isprintable():
            raise Refused(
                f"The API key of the biller {self._biller!r} is not set or not a key. {_MONEY} "
                "Ask your administrator to enter it in the settings."
            )
        return key


def _read(answer: Answer, call: _Call, secrets: Iterable[str]) -> Mapping[str, Any] | _Refusal:
    """Members by their names in small letters, those of `Data` among them; or a refusal.

    [assumed] A refusal is a 4xx, or a 200 whose `Success` is false; both with a `Message`.
    """
    members = _lower(parse_object(answer.body or b"") or {})
    is_refusal = 400 <= answer.status <= 499 and answer.status not in STATUSES
    is_refusal |= answer.status == 200 and str(members.get("success")).casefold() == "false"
    message = members.get("message")
    text = fit_for_screen(message, *secrets) if isinstance(message, str) else ""
    if is_refusal:
        meaning = MESSAGES.get(text.casefold().removesuffix(".").strip())
        return _Refusal(answer, meaning, text)
    if answer.status != 200:
        raise status_failure(answer, call.purpose, text)
    if answer.body is None:
        raise failure(Reason.TOO_LARGE, call.purpose, answer.details)
    if answer.body.strip() and not members and parse_object(answer.body) is None:
        raise failure(Reason.NOT_JSON, call.purpose, answer.details)
    data = members.get("data")
    return members | _lower(data) if isinstance(data, dict) else members


def _lower(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in members.items()}


def _rows(members: Mapping[str, Any], name: str, purpose: Purpose) -> list[dict[str, Any]]:
    """The objects of a list. What is none, or far too long, cannot be read."""
    rows = members.get(name.lower())
    if not isinstance(rows, list) or len(rows) > ROWS_MAX or not all(isinstance(row, dict) for row in rows):
        raise failure(Reason.NOT_CLEAR, purpose, "HTTP 200")
    return [_lower(row) for row in rows]


def _words(members: Mapping[str, Any], name: str, purpose: Purpose) -> str:
    """A text that has to be there."""
    text = members.get(name.lower())
    if not isinstance(text, str) or not text.strip() or not text.isprintable() or len(text) > 300:
        raise failure(Reason.NOT_CLEAR, purpose, "HTTP 200")
    return text.strip()


def _texts(members: Mapping[str, Any], name: str, purpose: Purpose) -> tuple[str, ...]:
    texts = members.get(name.lower())
    if not isinstance(texts, list) or len(texts) > ROWS_MAX:
        raise failure(Reason.NOT_CLEAR, purpose, "HTTP 200")
    return tuple(_words({name.lower(): text}, name, purpose) for text in texts)


def _login(email: str, password: Secret) -> dict[str, object]:
    return {"Username": email, "Password": password.reveal(), "LoginTypeID": LOGIN_TYPE_ID}


def _basic(key: str) -> str:
    """The key as the user name, with an empty password, as all calls under /api/v1 have it."""
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()
