"""The till's side of the hub: pull and acknowledge postbacks, hold invoices, read what the site should know.

One table maps what can go wrong to the errors of the domain. Asking changes nothing at the hub, so a lost
answer there is Unavailable; a lost answer to what changes something is InDoubt, and is settled by doing it
again, because everything here may be repeated.
"""

import base64
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from cashier.domain.errors import CashierError, Discrepancy, Held, InDoubt, Refused, TooBusy, Unavailable
from cashier.domain.payment import InvoiceShare, PaymentState
from cashier.domain.postback import Approved
from cashier.domain.settlement import HubCharge
from cashier.till.ports import Portal, Quarantined

#: How much longer than the long poll itself we wait for its answer.
ANSWER_TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 5.0

#: Postbacks of one page of `charges`.
CHARGES_PAGE = 1_000
#: What the hub says of a payment that it was never told of: then nothing is held for it.
_NEVER_ANNOUNCED = "no payment of this reference was announced"

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
    """One till's line to its hub; what the till's port Holds asks for, too.

    The `httpx.AsyncClient` is the caller's to make and to close.
    """

    def __init__(self, http: httpx.AsyncClient, base_url: str, site: str, till: str, key_text: str) -> None:
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._till_url = f"{self._base_url}/till/v1/{site}/{till}"
        self._headers = {"Authorization": f"Bearer {key_text}"}

    async def pull(self, wait_s: float = 25.0, limit: int = 50) -> list[HubPostback]:
        """Unacknowledged postbacks, oldest first, at most `limit`; waits up to `wait_s` for the first.

        Raises Unavailable when the hub does not answer or answers nonsense, Refused when it does not know
        this till.
        """
        answer = await self._ask(
            Unavailable,
            "GET",
            f"{self._till_url}/postbacks",
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
                InDoubt,
                "POST",
                f"{self._till_url}/postbacks/ack",
                json={"ids": list(ids)},
                headers=self._headers,
            )

    async def announce(
        self,
        reference: str,
        biller: str,
        amount_cents: int,
        invoices: Sequence[InvoiceShare],
        portal: Portal | None,
    ) -> None:
        """Hold the invoices of a payment before it is launched. The same again is the same.

        Raises Held when another unsettled payment of the site holds one of them, Discrepancy when the
        reference was announced with other content, Unavailable when the hub was never told, InDoubt when its
        answer was lost or unclear (it may be announced again), Refused as `pull`.
        """
        payment = {
            "biller": biller,
            "amount_cents": amount_cents,
            "invoices": [{"number": item.number, "amount_cents": item.amount_cents} for item in invoices],
            "portal": {"url": portal.url, "reference": portal.reference} if portal else None,
        }
        await self._ask(InDoubt, "PUT", self._payment_url(reference), json=payment, headers=self._headers)

    async def settled(self, reference: str, outcome: PaymentState) -> None:
        """Give a settled payment's invoices back. May be repeated; also for one that was never announced.

        Raises Unavailable, InDoubt and Refused as `announce`.
        """
        await self._ask(
            InDoubt,
            "POST",
            f"{self._payment_url(reference)}/settled",
            json={"outcome": outcome.value},
            headers=self._headers,
        )

    async def held(self) -> Sequence[str]:
        """References of this till's payments that hold invoices now, oldest first. Raises as `pull`."""
        answer = await self._read("payments")
        return [_text(row, "reference") for row in _rows(answer, "held")]

    async def quarantined(self) -> Sequence[Quarantined]:
        """Messages of this site that fit no payment and that no person has seen to. Raises as `pull`."""
        answer = await self._read("quarantine")
        names = Quarantined.__dataclass_fields__
        return [
            Quarantined(**{name: _text(row, name) for name in names}) for row in _rows(answer, "quarantined")
        ]

    async def charges(self, from_: dt.date, to: dt.date) -> list[HubCharge]:
        """What the gateway told of the site's charges, received from UTC day to UTC day, both included.

        In the order of arrival. Raises as `pull`.
        """
        found: list[HubCharge] = []
        while True:
            after = found[-1].seq if found else 0
            days = {"from": from_.isoformat(), "to": to.isoformat()}
            answer = await self._read("charges", **days, after=after, limit=CHARGES_PAGE)
            page = [_charge(row) for row in _rows(answer, "charges")]
            if page and page[0].seq <= after:
                raise Unavailable("The hub's answer could not be read.")
            found += page
            if len(page) < CHARGES_PAGE:
                return found

    async def notify(self, notice_id: str, url: str, kind: str, data: Mapping[str, Any]) -> None:
        """Have the portal at `url` told of a payment that no gateway tells it of, signed. May be repeated.

        `notice_id` is a UUIDv7 made before; the hub keeps at it until the portal has it. `kind` is such as
        `payment.recorded`, `data` JSON with amounts in cents; at most 16 KiB together. Raises Discrepancy
        when the id was used with other content, Unavailable, InDoubt and Refused as `announce`.
        """
        notice = {"type": kind, "url": url, "data": data}
        await self._ask(
            InDoubt,
            "PUT",
            f"{self._till_url}/notices/{quote(notice_id, safe='')}",
            json=notice,
            headers=self._headers,
        )

    def _payment_url(self, reference: str) -> str:
        return f"{self._till_url}/payments/{quote(reference, safe='')}"

    async def _read(self, what: str, **params: str | int) -> Any:
        return await self._ask(
            Unavailable, "GET", f"{self._till_url}/{what}", params=params, headers=self._headers
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
        if response.status_code == 404 and _NEVER_ANNOUNCED in response.text:
            return None  # asked by `settled` alone: there is nothing to give back
        if response.status_code == 200:
            try:
                return response.json()
            except ValueError as error:
                raise lost("The hub's answer could not be read.") from error
        raise _refusal(response, lost)


def _refusal(response: httpx.Response, lost: type[CashierError]) -> CashierError:
    """What an answer other than 200 becomes."""
    status = response.status_code
    if status in (401, 403):
        return Refused(
            "The hub does not know this till's key: enrol the till again, or have a new key made there, and "
            "set the key here with `cashier secret set till-key`."
        )
    if status == 409:
        return _conflict(response, lost)
    if status == 429:
        return TooBusy("The hub has no time for us now.", _seconds(response.headers.get("retry-after", "")))
    if status == 408:
        return Unavailable("The hub has no time for us now.")
    if 400 <= status < 500:
        return Refused(f"The hub refused the request ({status}).")
    if status >= 500:
        return lost(f"The hub is out of order ({status}).")
    return Unavailable(f"Something else than the hub answered ({status}).")


def _conflict(response: httpx.Response, lost: type[CashierError]) -> CashierError:
    try:
        told = response.json()
        if told["detail"] == "other content":
            return Discrepancy("The hub knows this with other content. It was not changed.")
        names = ("invoice", "till", "reference", "since")
        return Held(*(_text(told["holder"], name) for name in names))
    except (ValueError, KeyError, TypeError, Unavailable):
        return lost("The hub's answer could not be read.")


def _seconds(text: str) -> float | None:
    """The whole seconds of a Retry-After; a date there is of no use to us."""
    return float(text) if text.isascii() and text.isdigit() and len(text) <= 6 else None


def _rows(answer: Any, name: str) -> list[Any]:
    """A list member of an answer. Raises Unavailable."""
    rows = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise Unavailable("The hub's answer could not be read.")
    return rows


def _text(row: Any, name: str) -> str:
    """A text member. Raises Unavailable."""
    value = row.get(name) if isinstance(row, dict) else None
    if not isinstance(value, str):
        raise Unavailable("The hub's answer could not be read.")
    return value


def _number(row: Any, name: str) -> int | None:
    """A whole number or null. Raises Unavailable."""
    value = row.get(name, "") if isinstance(row, dict) else ""
    if value is not None and type(value) is not int:
        raise Unavailable("The hub's answer could not be read.")
    return value


def _charge(row: Any) -> HubCharge:
    """Raises Unavailable for anything that is not a charge."""
    seq = _number(row, "seq")
    try:
        approved = Approved(_text(row, "approved"))
    except ValueError:
        seq = None
    if seq is None:
        raise Unavailable("The hub's answer could not be read.")
    texts = ("id", "till", "received_at", "reference", "invoice", "payment_guid", "payment_date")
    return HubCharge(
        seq=seq,
        approved=approved,
        amount_cents=_number(row, "amount_cents"),
        fee_cents=_number(row, "fee_cents"),
        **{name: _text(row, name) for name in texts},
    )


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
