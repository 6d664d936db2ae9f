"""The quarantine: postbacks that fit no payment, kept for a person. Nothing here marks anything paid.

Two kinds. A *misfit* came to a proven address, so it is stored and delivered like any other and the till
judges it; besides, what it says does not fit what its payment was announced with. An *unproven* one came to
an address that is wrong, expired, or of a key that is good no more, yet reads like a postback: its scrubbed
bytes are kept, at most so many, because it may be a true word about somebody's money.
"""

import hashlib
import logging
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from cashier.domain.entries import utc_text
from cashier.domain.errors import Refused
from cashier.domain.money import format_cents
from cashier.domain.postback import Approved, Postback
from cashier.domain.scrub import scrub_card_numbers
from cashier.gateway.postback import NotAPostback, parse_postback
from cashier.hub.arrivals import Arrival
from cashier.hub.database import metadata
from cashier.hub.holds import REASON_MAX_CHARS, Announcement, announcements
from cashier.hub.store import transaction

#: Open unproven messages kept at once; what comes beyond is only counted.
QUARANTINE_MAX = 10_000
#: Kept of the query and of the body of an unproven message; a postback is a tenth of it.
KEPT_MAX_BYTES = 4 * 1024
TEXT_MAX_CHARS = 200
#: The most a list gives.
LISTED_MAX = 500

quarantine = sa.Table(
    "quarantine",
    metadata,
    sa.Column(
        "seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
    ),
    sa.Column("id", sa.String(36), nullable=False, unique=True),
    sa.Column("site", sa.String(32), nullable=False),
    # Empty where nothing proves it.
    sa.Column("till", sa.String(32), nullable=False),
    # The stored postback that is a misfit; its bytes are there.
    sa.Column("postback_id", sa.String(36), nullable=True, unique=True),
    sa.Column("received_at", sa.String(24), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("reference", sa.Text, nullable=False),
    sa.Column("invoice", sa.Text, nullable=False),
    sa.Column("amount", sa.Text, nullable=False),
    # Of an unproven message: scrubbed and cut. The digest tells a repetition.
    sa.Column("query", sa.LargeBinary, nullable=True),
    sa.Column("body", sa.LargeBinary, nullable=True),
    sa.Column("digest", sa.String(64), nullable=True),
    sa.Column("times", sa.Integer, nullable=False),
    sa.Column("closed_at", sa.String(24), nullable=True),
    sa.Column("close_reason", sa.Text, nullable=True),
    sa.ForeignKeyConstraint(["postback_id"], ["postbacks.id"], name="fk_quarantine_postbacks"),
    sa.Index("ix_quarantine_open", "site", "closed_at", "seq"),
    sa.Index(
        "ux_quarantine_open_digest",
        "digest",
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    ),
)

_OPEN = quarantine.c.closed_at.is_(None)

#: Counts a kind: misfit, unproven, repeated, full.
Counted = Callable[[str], None]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Unproven:
    """A message to an address that proves nothing. `query` and `body` are scrubbed. `till` may be empty."""

    id: str
    site: str
    till: str
    reason: str
    query: bytes
    body: bytes


@dataclass(frozen=True)
class Item:
    """A quarantined message. `times` is how often the same came, `query` and `body` None for a misfit."""

    id: str
    site: str
    till: str
    postback_id: str | None
    received_at: str
    reason: str
    reference: str
    invoice: str
    amount: str
    query: bytes | None
    body: bytes | None
    times: int
    closed_at: str | None
    close_reason: str | None


class QuarantineStore:
    """Keeps, lists and closes. Every method is one transaction a try and raises Unavailable."""

    def __init__(
        self, engine: sa.Engine, counted: Counted = lambda _kind: None, unproven_max: int = QUARANTINE_MAX
    ) -> None:
        self._engine = engine
        self._counted = counted
        self._unproven_max = unproven_max

    def misfits(self, connection: sa.Connection, arrivals: Sequence[Arrival]) -> None:
        """Quarantine those of some stored postbacks that do not fit their announced payment.

        Runs in the transaction that stores them: both are on disk, or neither.
        """
        keys = {(item.claims.site, item.claims.till, item.claims.reference) for item in arrivals}
        known = announcements(connection, keys)
        if not known:
            return
        for arrival in arrivals:
            claims = arrival.claims
            announced = known.get((claims.site, claims.till, claims.reference))
            if announced is None:
                continue
            try:
                said = parse_postback(arrival.query, arrival.body)
                reason = misfit(announced, said)
            except NotAPostback:
                said, reason = Postback(Approved.UNCLEAR), "cannot be read"
            if not reason:
                continue
            row = _texts(said) | {
                "id": arrival.id,
                "site": claims.site,
                "till": claims.till,
                "postback_id": arrival.id,
                "received_at": utc_text(arrival.received_at),
                "reason": reason,
                "times": 1,
            }
            connection.execute(quarantine.insert().values(row))
            self._counted("misfit")

    def keep(self, message: Unproven, said: Postback, now: datetime) -> None:
        """Keep a message that proves nothing, once however often it comes, or count that there is no room."""
        digest = hashlib.sha256(b"\0".join((message.site.encode(), message.query, message.body))).hexdigest()
        if self._repeated(digest):
            self._counted("repeated")
            return
        row = _texts(said) | {
            "id": message.id,
            "site": message.site,
            "till": message.till,
            "received_at": utc_text(now),
            "reason": message.reason,
            "query": message.query[:KEPT_MAX_BYTES],
            "body": message.body[:KEPT_MAX_BYTES],
            "digest": digest,
            "times": 1,
        }
        try:
            with transaction(self._engine) as connection:
                if self._open_unproven(connection) >= self._unproven_max:
                    self._counted("full")
                    log.warning("the quarantine is full: a message was only counted")
                    return
                try:
                    connection.execute(quarantine.insert().values(row))
                except sa.exc.IntegrityError as error:
                    raise _Known from error
        except _Known:
            # Another process kept the same at the same moment.
            self._repeated(digest)
            self._counted("repeated")
            return
        self._counted("unproven")

    def _repeated(self, digest: str) -> bool:
        with transaction(self._engine) as connection:
            return bool(
                connection.execute(
                    quarantine.update()
                    .where(quarantine.c.digest == digest, _OPEN)
                    .values(times=quarantine.c.times + 1)
                ).rowcount
            )

    @staticmethod
    def _open_unproven(connection: sa.Connection) -> int:
        unproven = sa.select(sa.func.count(quarantine.c.digest)).where(_OPEN)
        return connection.scalar(unproven) or 0

    def open_items(self, site: str) -> Sequence[Item]:
        """What no person has seen to at a site, oldest first, at most 500."""
        return self._items(_OPEN, quarantine.c.site == site)

    def listed(self, *, closed: bool = False) -> Sequence[Item]:
        """What is open at all sites, or closed too, oldest first, at most 500."""
        return self._items(*(() if closed else (_OPEN,)))

    def item(self, item_id: str) -> Item:
        """One message, open or closed. Raises Refused when there is none."""
        for item in self._items(quarantine.c.id == item_id):
            return item
        raise Refused(f"{item_id[:40]!r} is not in the quarantine.")

    def close(self, item_id: str, reason: str, now: datetime) -> None:
        """A person has seen to it; the reason is kept. Raises Refused when it is not there or was closed."""
        reason = reason.strip()
        if not 0 < len(reason) <= REASON_MAX_CHARS or any(
            unicodedata.category(char) in ("Cc", "Cs") for char in reason
        ):
            raise Refused(f"a reason has 1 to {REASON_MAX_CHARS} characters")
        with transaction(self._engine) as connection:
            closed = connection.execute(
                quarantine.update()
                .where(quarantine.c.id == item_id, _OPEN)
                .values(closed_at=utc_text(now), close_reason=scrub_card_numbers(reason))
            ).rowcount
        if not closed:
            raise Refused(f"{item_id[:40]!r} is not in the quarantine, or closed already.")

    def _items(self, *where: sa.ColumnElement[bool]) -> list[Item]:
        columns = [quarantine.c[name] for name in Item.__dataclass_fields__]
        with transaction(self._engine) as connection:
            rows = connection.execute(
                sa.select(*columns).where(*where).order_by(quarantine.c.seq).limit(LISTED_MAX)
            )
            return [Item(**row) for row in rows.mappings()]


class _Known(Exception):
    """The same message is kept already; the transaction is rolled back."""


def misfit(announced: Announcement, said: Postback) -> str:
    """Why a postback does not fit its announced payment, in words; empty when it does.

    It may speak of one invoice, of some, or of all (Invoice Cloud contract, section 3). Numbers are compared
    as they are stored: a number that looks like a card's is masked on both sides. A decline's amount is not
    looked at: nothing was taken.
    """
    if said.biller_reference != announced.reference:
        return "names another payment reference"
    shares = {scrub_card_numbers(item.number).strip(): item.amount_cents for item in announced.invoices}
    told = said.invoice_number.strip()
    names = [told] if told in shares else [name.strip() for name in told.replace(";", ",").split(",")]
    if any(name not in shares for name in names):
        return "names an invoice that was not announced"
    if said.approved is Approved.NO:
        return ""
    if said.approved is Approved.UNCLEAR:
        return "says neither approved nor declined"
    if said.payment_amount_cents is None:
        return "gives no amount that can be read"
    if said.payment_amount_cents not in (sum(shares[name] for name in set(names)), announced.amount_cents):
        told_amount, amount = format_cents(said.payment_amount_cents), format_cents(announced.amount_cents)
        return f"reports {told_amount}; {amount} were announced"
    return ""


def reads_like_a_postback(query: bytes, body: bytes) -> Postback | None:
    """What a message says if it has `Approved` and an invoice number or a reference, else None."""
    try:
        said = parse_postback(query, body)
    except NotAPostback:
        return None
    names_something = bool(said.invoice_number or said.biller_reference)
    return said if names_something and "Approved is missing" not in said.faults else None


def _texts(said: Postback) -> dict[str, object]:
    """What a list shows of a message."""
    amount = said.payment_amount_cents
    return {
        "reference": said.biller_reference[:TEXT_MAX_CHARS],
        "invoice": said.invoice_number[:TEXT_MAX_CHARS],
        "amount": "" if amount is None else format_cents(amount),
    }
