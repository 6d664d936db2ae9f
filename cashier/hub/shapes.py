"""What crosses the hub's till side, as pydantic models: the one place where its JSON is described."""

from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from cashier.domain.money import AMOUNT_MAX_CENTS
from cashier.gateway.postback import REFERENCE_MAX_CHARS
from cashier.hub.holds import (
    BILLER_MAX_CHARS,
    INVOICE_NUMBER_MAX_CHARS,
    INVOICES_MAX,
    PORTAL_REFERENCE_MAX_CHARS,
    URL_MAX_CHARS,
)
from cashier.hub.journal_rows import PAGE_MAX
from cashier.hub.notices import ID_PATTERN, TYPE_PATTERN

PULL_LIMIT_MAX = 500
#: The largest sequence number a database keeps.
SEQ_MAX = 2**63 - 1

#: Text without control characters, which no database of ours takes.
_TEXT = r"^[^\x00-\x1f\x7f-\x9f]+$"
#: Text that may have line ends, too, or be empty.
_TEXT_OR_NONE = r"^[^\x00]*$"
_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$"

SiteName = Annotated[str, Path(pattern=_NAME, description="The site's name.")]
TillName = Annotated[str, Path(pattern=_NAME, description="The till's code.")]
Reference = Annotated[
    str,
    Path(
        pattern=rf"^[A-Za-z0-9][A-Za-z0-9._~-]{{0,{REFERENCE_MAX_CHARS - 1}}}$",
        description="The till's own reference of the payment.",
    ),
]
NoticeId = Annotated[
    str, Path(pattern=rf"^{ID_PATTERN}$", description="The till's UUIDv7 of the notice, its idempotency key.")
]


def _whole(number: object) -> object:
    """JSON knows one kind of number: 145.0 is a whole one. Within our bounds a float of it is exact."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


AmountCents = Annotated[int, Field(ge=0, le=AMOUNT_MAX_CENTS), BeforeValidator(_whole)]


class _Given(BaseModel):
    """What a till sends: nothing else than declared, no number as text."""

    model_config = ConfigDict(strict=True, extra="forbid")


class _Told(BaseModel):
    """What the hub answers."""

    model_config = ConfigDict(extra="forbid")


class Fault(_Told):
    """Why a request was not done, in words."""

    detail: str


class Acknowledgement(_Given):
    """The postbacks that are in the till's journal, by id."""

    ids: Annotated[
        list[Annotated[str, Field(max_length=64, pattern=_TEXT)]], Field(max_length=PULL_LIMIT_MAX)
    ]


class Acknowledged(_Told):
    """How many of the ids are acknowledged now."""

    acknowledged: int


class PulledPostback(_Told):
    """A postback as it was stored; `query` and `body` are base64 of the bytes."""

    id: str
    received_at: str
    reference: str
    amount_cents: int
    content_type: str
    query: str
    body: str
    scrubbed: bool


class Pulled(_Told):
    """What the till has not acknowledged, oldest first."""

    postbacks: list[PulledPostback]


class Invoice(_Given):
    """One invoice of a payment and what is launched for it."""

    number: Annotated[str, Field(min_length=1, max_length=INVOICE_NUMBER_MAX_CHARS, pattern=_TEXT)]
    amount_cents: AmountCents


class PortalAddress(_Given):
    """The permit portal's own postback address.

    `reference` is what the portal reads in BillerReference; null passes the postback on byte for byte.
    """

    url: Annotated[str, Field(min_length=1, max_length=URL_MAX_CHARS, pattern=r"^https?://[\x21-\x7e]+$")]
    reference: Annotated[
        str | None, Field(min_length=1, max_length=PORTAL_REFERENCE_MAX_CHARS, pattern=_TEXT)
    ] = None


class PaymentAnnounced(_Given):
    """A payment before it is launched."""

    biller: Annotated[str, Field(min_length=1, max_length=BILLER_MAX_CHARS, pattern=_TEXT)]
    amount_cents: AmountCents
    invoices: Annotated[list[Invoice], Field(min_length=1, max_length=INVOICES_MAX)]
    portal: PortalAddress | None = None


class Holding(_Told):
    """The payment's invoices are held for it."""

    held: Literal[True]


class Holder(_Told):
    """The payment that holds an invoice. `since` is UTC text."""

    till: str
    reference: str
    since: str
    invoice: str


class Conflict(_Told):
    """`held`: another payment holds an invoice. `other content`: the reference was announced differently."""

    detail: Literal["held", "other content"]
    holder: Holder | None


class Notice(_Given):
    """What a portal is to be told, and where; it gets type and data, signed."""

    type: Annotated[str, Field(pattern=rf"^{TYPE_PATTERN}$")]
    url: Annotated[str, Field(pattern=r"^https?://", max_length=URL_MAX_CHARS)]
    data: dict[str, Any]


class Accepted(_Told):
    """The notice is stored; it goes on from here by itself."""

    accepted: bool


class Outcome(_Given):
    """How a payment ended."""

    outcome: Literal["APPROVED", "DECLINED", "ABANDONED"]


class Settled(_Told):
    """The payment's invoices are free."""

    settled: Literal[True]


class HeldReference(_Told):
    """A payment that holds invoices."""

    reference: str
    since: str


class HeldReferences(_Told):
    """What this till holds, oldest first."""

    held: list[HeldReference]


class QuarantinedItem(_Told):
    """A message that fits no payment, scrubbed of card numbers."""

    id: str
    received_at: str
    reason: str
    reference: str
    invoice: str
    amount: str
    till: str


class QuarantinedItems(_Told):
    """What no person has seen to at this site, oldest first."""

    quarantined: list[QuarantinedItem]


class Charge(_Told):
    """A stored postback of the site as read by the hub. Amounts are cents, null when unreadable."""

    seq: int
    id: str
    till: str
    received_at: str
    reference: str
    approved: Literal["yes", "no", "unclear"]
    invoice: str
    payment_guid: str
    amount_cents: int | None
    fee_cents: int | None
    payment_date: str


class Charges(_Told):
    """Postbacks in the order of arrival."""

    charges: list[Charge]


_HASH = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
#: Of the till whose journal it is, where that is not the till that asks: a dead one's, rescued from its disk.
OwnerName = Annotated[
    str | None, Query(alias="of", pattern=_NAME, description="Whose it is; the asking till's own.")
]


class JournalEntry(_Given):
    """One entry of a till's journal, exactly as it stands there: `body` is its text, `hash` covers it all.

    `withheld`: what it says is too large to be sent; subject and body are empty and only its place is kept.
    """

    seq: Annotated[int, Field(ge=1, le=SEQ_MAX), BeforeValidator(_whole)]
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    kind: Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,63}$")]
    at: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$")]
    till: Annotated[str, Field(pattern=_NAME)]
    subject: Annotated[str, Field(max_length=400, pattern=_TEXT_OR_NONE)]
    body: Annotated[str, Field(pattern=_TEXT_OR_NONE)]
    previous: _HASH
    hash: _HASH
    withheld: bool = False


class JournalEntries(_Given):
    """Entries in their order, without a gap."""

    entries: Annotated[list[JournalEntry], Field(min_length=1, max_length=PAGE_MAX)]


class JournalKept(_Told):
    """How far the copy goes: its last entry and that one's hash; 0 and zeros while there is none."""

    seq: int
    hash: str


class RefusedEntry(_Told):
    """An entry that is not kept as it stands; `owner` is who sees to it."""

    seq: int
    id: str
    reason: str
    owner: str


class JournalAnchor(_Told):
    """The hub's word for an entry: an HMAC over site, till, number and hash."""

    seq: int
    hash: str
    made_at: str
    seal: str


class JournalAcknowledged(_Told):
    """The entries are on disk. What of them is not as it stands, and the anchors among them."""

    kept: JournalKept
    refused: list[RefusedEntry]
    anchors: list[JournalAnchor]


class JournalConflict(_Told):
    """Nothing was kept. `gap`: entries from `seq` on are lacking; `fork`: the copy contradicts there."""

    detail: Literal["gap", "fork"]
    seq: int
    reason: str


class KeptEntry(_Told):
    """An entry as it was sent; or, with a reason in `refused`, without what was taken out of it."""

    seq: int
    id: str
    kind: str
    at: str
    till: str
    subject: str
    body: str
    previous: str
    hash: str
    refused: str | None


class KeptEntries(_Told):
    """A part of a copy, in order; empty behind its end."""

    entries: list[KeptEntry]


class SiteTill(_Told):
    """A till of the site; `entries` is how many the hub has, `last_at` when some came last, or empty."""

    till: str
    entries: int
    last_at: str
    alarms: int
    is_revoked: bool


class SiteTills(_Told):
    """Every till that is or was one of the site's."""

    tills: list[SiteTill]


class JournalAnchors(_Told):
    """Anchors in order."""

    anchors: list[JournalAnchor]


class GivenAnchor(_Given):
    """An anchor as it was given once."""

    seq: Annotated[int, Field(ge=1, le=SEQ_MAX), BeforeValidator(_whole)]
    hash: _HASH
    seal: _HASH


class GivenAnchors(_Given):
    """Anchors to be checked."""

    anchors: Annotated[list[GivenAnchor], Field(max_length=PAGE_MAX)]


class Genuine(_Told):
    """The numbers of those that this hub did not make for this till."""

    wrong: list[int]


class EnrolmentAsked(_Given):
    """The code of an invitation, dashes or not, and who asks.

    `nonce` is made by the asker and kept: with it the same answer is given again. `site` and `till` are what
    the asker is by its own settings; null leaves that to the code.
    """

    code: Annotated[str, Field(max_length=64, pattern=_TEXT)]
    nonce: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{22,64}$")]
    site: Annotated[str, Field(pattern=_NAME)] | None = None
    till: Annotated[str, Field(pattern=_NAME)] | None = None


class Enrolment(_Told):
    """Which till the asker is now, and its key.

    `public_url` is where Invoice Cloud reaches the hub, empty where the hub was not told.
    """

    site: str
    till: str
    key: str
    generation: int
    public_url: str


class EnrolmentRefused(_Told):
    """The code was not redeemed. Whose it is, where the asker holds a code that is or was good."""

    detail: Literal["wrong", "expired", "used", "other till", "revoked"]
    site: str | None
    till: str | None


class Health(_Told):
    """The hub is well."""

    status: Literal["ok"]
    wrong_tokens: int
