"""The till's side of the hub: pull what it has not acknowledged, acknowledge what it has journalled.

One table maps what can go wrong to the four errors of the domain. Pulling and asking for health change
nothing at the hub, so a lost answer there is Unavailable; a lost answer to an acknowledgement is InDoubt, and
is settled by the next pull, because acknowledging may be repeated.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from cashier.domain.errors import CashierError, InDoubt, Refused, Unavailable

#: How much longer than the long poll itself we wait for its answer.
ANSWER_TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 5.0

#: httpx errors after which the hub cannot have heard of us. Everything unlisted: it may have.
_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


@dataclass(frozen=True)
class HubPostback:
    """A postback as the hub stored it: `query` and `body` as they came, unless `scrubbed` of card numbers.

    `reference` and `amount_cents` are those bound into the address it was sent to. `received_at` is UTC as
    `2026-01-02T03:04:05.123Z`, `id` the hub's UUIDv7.
    """

    id: str
    received_at: str
    reference: str
    amount_cents: int
    content_type: str
    query: bytes
    body: bytes
    scrubbed: bool


class HubClient:
    """One till's line to its hub. The `httpx.AsyncClient` is the caller's to make and to close."""

    def __init__(self, http: httpx.AsyncClient, base_url: str, site: str, till: str, key_text: str) -> None:
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._till_url = f"{self._base_url}/till/v1/{site}/{till}/postbacks"
        self._headers = {"Authorization": f"Bearer {key_text}"}

    async def pull(self, wait_s: float = 25.0, limit: int = 50) -> list[HubPostback]:
        """Unacknowledged postbacks, oldest first, at most `limit`; waits up to `wait_s` for the first.

        Raises Unavailable when the hub does not answer or answers nonsense, Refused when it does not know
        this till.
        """
        answer = await self._ask(
            Unavailable,
            "GET",
            self._till_url,
            params={"wait": wait_s, "limit": limit},
            headers=self._headers,
            wait_s=wait_s,
        )
        try:
            return [_postback(row) for row in answer["postbacks"]]
        except (KeyError, TypeError, ValueError) as error:
            raise Unavailable("The hub's answer could not be read.") from error

    async def ack(self, ids: Sequence[str]) -> None:
        """Tell the hub that these are in the journal. May be repeated.

        Raises Unavailable when it was never told, InDoubt when its answer was lost or unclear, Refused as
        `pull`.
        """
        if ids:
            await self._ask(
                InDoubt, "POST", f"{self._till_url}/ack", json={"ids": list(ids)}, headers=self._headers
            )

    async def health(self) -> None:
        """Returns when the hub is well. Raises Unavailable."""
        await self._ask(Unavailable, "GET", f"{self._base_url}/healthz")

    async def _ask(
        self, lost: type[CashierError], method: str, url: str, *, wait_s: float = 0.0, **request: Any
    ) -> Any:
        """The JSON of a 200. `lost` is what a request whose answer never came is raised as."""
        timeout = httpx.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S, read=wait_s + ANSWER_TIMEOUT_S)
        try:
            response = await self._http.request(method, url, timeout=timeout, **request)
        except httpx.InvalidURL as error:
            raise Refused("The hub's address is not a web address.") from error
        except _NEVER_SENT as error:
            raise Unavailable("The hub cannot be reached.") from error
        except httpx.HTTPError as error:
            raise lost("The hub did not answer.") from error
        if response.status_code == 200:
            try:
                return response.json()
            except ValueError as error:
                raise lost("The hub's answer could not be read.") from error
        if response.status_code in (401, 403):
            raise Refused("The hub does not know this till's key: enrol the till again.")
        if response.status_code in (408, 429):
            raise Unavailable("The hub has no time for us now.")
        if 400 <= response.status_code < 500:
            raise Refused(f"The hub refused the request ({response.status_code}).")
        if response.status_code >= 500:
            raise lost(f"The hub is out of order ({response.status_code}).")
        raise Unavailable(f"Something else than the hub answered ({response.status_code}).")


def _postback(row: dict[str, Any]) -> HubPostback:
    """Raises KeyError, TypeError or ValueError for anything that is not a postback."""
    postback = HubPostback(
        id=row["id"],
        received_at=row["received_at"],
        reference=row["reference"],
        amount_cents=row["amount_cents"],
        content_type=row["content_type"],
        query=base64.b64decode(row["query"], validate=True),
        body=base64.b64decode(row["body"], validate=True),
        scrubbed=row["scrubbed"],
    )
    texts = (postback.id, postback.received_at, postback.reference, postback.content_type)
    if not all(isinstance(text, str) for text in texts) or type(postback.amount_cents) is not int:
        raise TypeError("a member has the wrong type")
    return postback
