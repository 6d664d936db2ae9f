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

from cashier.domain.entries import StoredRow
from cashier.domain.errors import CashierError, Discrepancy, Held, InDoubt, Refused, TooBusy, Unavailable
from cashier.domain.outbox import Acknowledged, Anchor, Forked, Gap, Kept, NotTaken, RefusedItem, TooLarge
from cashier.domain.payment import InvoiceShare, PaymentState
from cashier.domain.postback import Approved
from cashier.domain.settlement import HubCharge
from cashier.domain.site import TillCopy
from cashier.till.ports import Portal, Quarantined

#: How much longer than the long poll itself we wait for its answer.
ANSWER_TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 5.0

#: Postbacks of one page of `charges`.
CHARGES_PAGE = 1_000
#: Entries of one page of a journal's copy.
ENTRIES_PAGE = 500
#: What the hub says of a payment that it was never told of: then nothing is held for it.
_NEVER_ANNOUNCED = "no payment of this reference was announced"

#: httpx errors after which the hub cannot have heard of us. Everything unlisted: it may have.
NEVER_SENT = (
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

    async def notify(self, till: str, notice_id: str, url: str, kind: str, data: Mapping[str, Any]) -> None:
        """Have the portal at `url` told of a payment that no gateway tells it of, signed. May be repeated.

        `till` is whose notice it is, `notice_id` a UUIDv7 made before; the hub keeps at it until the portal
        has it. `kind` is such as
        `payment.recorded`, `data` JSON with amounts in cents; at most 16 KiB together. Raises Discrepancy
        when the id was used with other content, Unavailable, InDoubt and Refused as `announce`.
        """
        notice = {"type": kind, "url": url, "data": data}
        await self._ask(
            InDoubt,
            "PUT",
            f"{self._till_url}/notices/{quote(notice_id, safe='')}",
            params={"of": till},
            json=notice,
            headers=self._headers,
        )

    # -- the second copy of journals ---------------------------------------------------------------------

    async def kept(self, till: str) -> Kept:
        """How far the copy of a journal of the site goes. Raises as `pull`."""
        return _kept(await self._read("journal/kept", of=till))

    async def keep(self, till: str, rows: Sequence[StoredRow]) -> Acknowledged:
        """See the till's port SecondCopy. Raises Gap, Forked, NotTaken and the others as there."""
        return await self._keep(till, [_entry(row) for row in rows])

    async def keep_place(self, till: str, row: StoredRow) -> Acknowledged:
        """See the till's port SecondCopy. Raises as `keep`."""
        return await self._keep(till, [_entry(row) | {"subject": "", "body": "", "withheld": True}])

    async def _keep(self, till: str, entries: Sequence[Mapping[str, Any]]) -> Acknowledged:
        answer = await self._ask(
            InDoubt,
            "POST",
            f"{self._till_url}/journal",
            params={"of": till},
            json={"entries": entries},
            headers=self._headers,
        )
        return Acknowledged(
            _kept(answer.get("kept") if isinstance(answer, dict) else None),
            tuple(_refused(row) for row in _rows(answer, "refused")),
            tuple(_anchor(row) for row in _rows(answer, "anchors")),
        )

    async def entries(self, after: int) -> list[tuple[StoredRow, str]]:
        """Some entries of this till's own copy behind a number, in order; none behind its end.

        Each with why it is not as it stood, or empty. Raises as `pull`.
        """
        answer = await self._read("journal", after=after, limit=ENTRIES_PAGE)
        return [_kept_row(row) for row in _rows(answer, "entries")]

    async def site_tills(self) -> list[TillCopy]:
        """See the port SiteCopies (till.site_reporting). Raises as `pull`."""
        return [_till_copy(row) for row in _rows(await self._read("journal/tills"), "tills")]

    async def report_entries(self, till: str, after: int) -> list[tuple[StoredRow, str]]:
        """See the port SiteCopies (till.site_reporting). Raises as `pull`."""
        answer = await self._read("journal/report", of=till, after=after, limit=ENTRIES_PAGE)
        page = [_kept_row(row) for row in _rows(answer, "entries")]
        if page and page[0][0].seq <= after:
            raise Unavailable("The hub's answer could not be read.")
        return page

    async def anchors(self, after: int) -> list[Anchor]:
        """Some anchors of this till's journal behind a number, in order. Raises as `pull`."""
        answer = await self._read("journal/anchors", after=after, limit=ENTRIES_PAGE)
        return [_anchor(row) for row in _rows(answer, "anchors")]

    async def wrong_anchors(self, anchors: Sequence[Anchor]) -> list[int]:
        """The numbers of those that the hub did not make. At most 500 at once. Raises as `pull`."""
        answer = await self._ask(
            Unavailable,
            "POST",
            f"{self._till_url}/journal/anchors/check",
            json={"anchors": [{"seq": one.seq, "hash": one.hash, "seal": one.seal} for one in anchors]},
            headers=self._headers,
        )
        return [_whole(seq) for seq in _rows(answer, "wrong")]

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
        except NEVER_SENT as error:
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
            "The hub does not know this till's key: have a code made there with `cashier hub invite`, and "
            "redeem it here with `cashier enrol`; or set a key with `cashier secret set till-key`."
        )
    if status == 409:
        return _conflict(response, lost)
    if status == 429:
        return TooBusy("The hub has no time for us now.", _seconds(response.headers.get("retry-after", "")))
    if status in (400, 408):
        # 400 is a body that was cut off on its way, never one that says something wrong.
        return Unavailable("The hub did not get all of it in time.")
    if status == 413:
        return TooLarge("The hub, or a proxy before it, does not take a request of this size (413).")
    if status == 422:
        return NotTaken(f"The hub does not take this as it is ({status}).")
    if 400 <= status < 500:
        return Refused(f"The hub refused the request ({status}).")
    if status >= 500:
        return lost(f"The hub is out of order ({status}).")
    return Unavailable(f"Something else than the hub answered ({status}).")


def _conflict(response: httpx.Response, lost: type[CashierError]) -> CashierError:
    try:
        told = response.json()
        if told["detail"] == "gap":
            return Gap(_whole(told["seq"]))
        if told["detail"] == "fork":
            return Forked(_whole(told["seq"]), _text(told, "reason"))
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


def _whole(value: Any) -> int:
    """A whole number. Raises Unavailable."""
    if type(value) is not int:
        raise Unavailable("The hub's answer could not be read.")
    return value


def _entry(row: StoredRow) -> dict[str, str | int]:
    return {
        "seq": row.seq,
        "id": row.id,
        "kind": row.kind,
        "at": row.at,
        "till": row.till,
        "subject": row.subject,
        "body": row.body_text,
        "previous": row.previous,
        "hash": row.hash,
    }


def _kept(row: Any) -> Kept:
    return Kept(_seq(row), _text(row, "hash"))


def _seq(row: Any) -> int:
    return _whole(row.get("seq") if isinstance(row, dict) else None)


def _refused(row: Any) -> RefusedItem:
    return RefusedItem(_seq(row), *(_text(row, name) for name in ("id", "reason", "owner")))


def _anchor(row: Any) -> Anchor:
    return Anchor(_seq(row), *(_text(row, name) for name in ("hash", "made_at", "seal")))


def _till_copy(row: Any) -> TillCopy:
    entries, alarms = _number(row, "entries"), _number(row, "alarms")
    is_revoked = row.get("is_revoked")
    if entries is None or alarms is None or not isinstance(is_revoked, bool):
        raise Unavailable("The hub's answer could not be read.")
    return TillCopy(_text(row, "till"), entries, _text(row, "last_at"), alarms, is_revoked)


def _kept_row(row: Any) -> tuple[StoredRow, str]:
    texts = (_text(row, name) for name in ("id", "kind", "at", "till", "subject", "body", "previous", "hash"))
    stored = StoredRow(_seq(row), *texts)
    return stored, "" if row.get("refused") is None else _text(row, "refused")
