"""Holds: while a payment of any till of a site is not settled, nobody else may charge its invoices.

A payment is announced before it is launched, and holds its invoices from then until its till says how it
ended, or until a person releases it because that till is dead. What decides between two that come at once, in
one process or in several, is a unique index over the live holds of (site, biller, invoice); nothing is read
first and written later.

Nothing is deleted: a hold that ended keeps its row. A payment that is announced again after it was settled
(a declined one whose page is used once more) takes its invoices again if they are free.
"""

import json
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from cashier.domain.entries import utc_text
from cashier.domain.errors import Discrepancy, Held, Refused, Unavailable
from cashier.domain.money import AMOUNT_MAX_CENTS
from cashier.domain.payment import InvoiceShare
from cashier.gateway.postback import REFERENCE_MAX_CHARS
from cashier.hub.database import metadata
from cashier.hub.relay_queue import enqueue_payment
from cashier.hub.store import transaction

INVOICES_MAX = 50
INVOICE_NUMBER_MAX_CHARS = 100
BILLER_MAX_CHARS = 32
URL_MAX_CHARS = 2000
PORTAL_REFERENCE_MAX_CHARS = 200
REASON_MAX_CHARS = 500
#: What a till may tell as the end of a payment.
OUTCOMES = ("APPROVED", "DECLINED", "ABANDONED")
#: How often an announcement is tried anew when the hold in its way is gone by the time it is looked at.
_TRIES = 5

#: Every announced payment: what it was announced with, and how it last ended.
payments = sa.Table(
    "payments",
    metadata,
    sa.Column("site", sa.String(32), primary_key=True),
    sa.Column("till", sa.String(32), primary_key=True),
    sa.Column("reference", sa.String(120), primary_key=True),
    sa.Column("biller", sa.String(32), nullable=False),
    sa.Column("amount_cents", sa.BigInteger, nullable=False),
    # JSON list of [number, cents].
    sa.Column("invoices", sa.Text, nullable=False),
    sa.Column("portal_url", sa.Text, nullable=True),
    sa.Column("portal_reference", sa.Text, nullable=True),
    sa.Column("announced_at", sa.String(24), nullable=False),
    sa.Column("settled_at", sa.String(24), nullable=True),
    sa.Column("outcome", sa.String(16), nullable=True),
    sa.Column("released_at", sa.String(24), nullable=True),
    sa.Column("release_reason", sa.Text, nullable=True),
)

#: One invoice held by one payment; live until it has an end. `invoice_key` is the number casefolded.
holds = sa.Table(
    "holds",
    metadata,
    sa.Column(
        "seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
    ),
    sa.Column("site", sa.String(32), nullable=False),
    sa.Column("biller", sa.String(32), nullable=False),
    # Casefolding may make three characters of one.
    sa.Column("invoice_key", sa.String(3 * INVOICE_NUMBER_MAX_CHARS), nullable=False),
    sa.Column("invoice", sa.String(INVOICE_NUMBER_MAX_CHARS), nullable=False),
    sa.Column("till", sa.String(32), nullable=False),
    sa.Column("reference", sa.String(120), nullable=False),
    sa.Column("since", sa.String(24), nullable=False),
    sa.Column("ended_at", sa.String(24), nullable=True),
    sa.ForeignKeyConstraint(
        ["site", "till", "reference"],
        ["payments.site", "payments.till", "payments.reference"],
        name="fk_holds_payments",
    ),
    sa.Index(
        "ux_holds_live",
        "site",
        "biller",
        "invoice_key",
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    ),
    sa.Index("ix_holds_payment", "site", "till", "reference"),
)

_LIVE = holds.c.ended_at.is_(None)


@dataclass(frozen=True)
class Announcement:
    """A payment that is about to be launched. Raises Refused when a member cannot be kept."""

    site: str
    till: str
    reference: str
    biller: str
    amount_cents: int
    invoices: tuple[InvoiceShare, ...]
    portal_url: str | None = None
    portal_reference: str | None = None

    def __post_init__(self) -> None:
        _checked("reference", self.reference, REFERENCE_MAX_CHARS)
        _checked("biller", self.biller, BILLER_MAX_CHARS)
        for text, name, longest in (
            (self.portal_url, "portal url", URL_MAX_CHARS),
            (self.portal_reference, "portal reference", PORTAL_REFERENCE_MAX_CHARS),
        ):
            if text is not None:
                _checked(name, text, longest)
        if self.portal_reference is not None and self.portal_url is None:
            raise Refused("a portal reference needs a portal url")
        if not 1 <= len(self.invoices) <= INVOICES_MAX:
            raise Refused(f"{len(self.invoices)} invoices; 1 to {INVOICES_MAX} are possible")
        for invoice in self.invoices:
            _checked("invoice number", invoice.number, INVOICE_NUMBER_MAX_CHARS)
        amounts = (self.amount_cents, *(invoice.amount_cents for invoice in self.invoices))
        if not all(0 <= cents <= AMOUNT_MAX_CENTS for cents in amounts):
            raise Refused("an amount cannot be carried")

    @property
    def invoices_text(self) -> str:
        """The invoices as JSON, always in the same order."""
        pairs = sorted((invoice.number, invoice.amount_cents) for invoice in self.invoices)
        return json.dumps(pairs, ensure_ascii=False, separators=(",", ":"))


def _checked(name: str, text: str, longest: int) -> None:
    # What a sale may hold, the hub can keep: all but controls and stray surrogates, which no database takes.
    if not 0 < len(text) <= longest or any(unicodedata.category(char) in ("Cc", "Cs") for char in text):
        raise Refused(f"{name} {text[:40]!r} is not 1 to {longest} characters without controls")


@dataclass(frozen=True)
class HeldPayment:
    """A payment that holds invoices now. `since` is UTC text."""

    site: str
    till: str
    reference: str
    since: str


class _Taken(Exception):
    """Somebody else was first; the transaction is rolled back."""


class HoldStore:
    """Announced payments and their holds. Blocking; every method is one transaction a try.

    Any number of processes and threads may use one database at once. Raises Unavailable when storage fails.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def announce(self, wanted: Announcement, now: datetime) -> None:
        """Hold the invoices of a payment. The same again is the same.

        Raises Held when another payment of the site holds one of them (nothing is stored), Discrepancy when
        the reference was announced with other content (nothing is changed).
        """
        for _ in range(_TRIES):
            try:
                self._announce(wanted, now)
                return
            except _Taken:
                if (holder := self._holder(wanted)) is not None:
                    raise holder from None
        raise Unavailable("The hub's holds change too fast.")

    def _announce(self, wanted: Announcement, now: datetime) -> None:
        now_text = utc_text(now)
        with transaction(self._engine) as connection:
            known = connection.execute(sa.select(payments).where(_is(payments, wanted))).mappings().first()
            content = {
                "biller": wanted.biller,
                "amount_cents": wanted.amount_cents,
                "invoices": wanted.invoices_text,
                "portal_url": wanted.portal_url,
                "portal_reference": wanted.portal_reference,
            }
            own = {"site": wanted.site, "till": wanted.till, "reference": wanted.reference}
            if known is not None and any(known[name] != value for name, value in content.items()):
                raise Discrepancy(f"Payment {wanted.reference} was announced with other content.")
            live: set[str] = set()
            if known is not None:
                live = set(
                    connection.scalars(sa.select(holds.c.invoice_key).where(_is(holds, wanted), _LIVE))
                )
            # In one order everywhere, so that two announcements never wait for each other in a circle.
            numbers = {invoice.number.casefold(): invoice.number for invoice in wanted.invoices}
            rows = [
                own | {"biller": wanted.biller, "invoice_key": key, "invoice": number, "since": now_text}
                for key, number in sorted(numbers.items())
                if key not in live
            ]
            try:
                if known is None:
                    connection.execute(payments.insert().values(**own, **content, announced_at=now_text))
                for row in rows:
                    connection.execute(holds.insert().values(row))
            except sa.exc.IntegrityError as error:
                raise _Taken from error
            # A postback may have been faster than the announcement of its payment.
            enqueue_payment(connection, wanted.site, wanted.till, wanted.reference, now)

    def _holder(self, wanted: Announcement) -> Held | None:
        """Who is in the way now. None: nobody any more, or the same payment announced at the same time."""
        keys = [invoice.number.casefold() for invoice in wanted.invoices]
        with transaction(self._engine) as connection:
            row = connection.execute(
                sa.select(holds)
                .where(
                    holds.c.site == wanted.site,
                    holds.c.biller == wanted.biller,
                    holds.c.invoice_key.in_(keys),
                    _LIVE,
                    sa.not_(_is(holds, wanted)),
                )
                .order_by(holds.c.seq)
                .limit(1)
            ).first()
        return None if row is None else Held(row.invoice, row.till, row.reference, row.since)

    def settled(self, site: str, till: str, reference: str, outcome: str, now: datetime) -> bool:
        """Give the invoices of a payment back. May be repeated. False: it was never announced.

        Raises Refused for an outcome that is none.
        """
        if outcome not in OUTCOMES:
            raise Refused(f"{outcome[:40]!r} is no outcome; there are: {', '.join(OUTCOMES)}")
        this = (payments.c.site == site, payments.c.till == till, payments.c.reference == reference)
        with transaction(self._engine) as connection:
            known = connection.execute(sa.select(payments.c.outcome).where(*this)).first()
            if known is None:
                return False
            ended = self._end(connection, site, till, reference, now)
            if ended or known.outcome != outcome:
                connection.execute(
                    payments.update().where(*this).values(outcome=outcome, settled_at=utc_text(now))
                )
        return True

    def release(self, site: str, reference: str, reason: str, now: datetime) -> Sequence[HeldPayment]:
        """A person ends the hold of a payment whose till is dead; what was ended. The reason is kept.

        Raises Refused for no reason, and when no payment of this reference holds anything.
        """
        _checked("reason", reason.strip(), REASON_MAX_CHARS)
        with transaction(self._engine) as connection:
            found = self._held(connection, holds.c.site == site, holds.c.reference == reference)
            for held in found:
                self._end(connection, held.site, held.till, reference, now)
                connection.execute(
                    payments.update()
                    .where(
                        payments.c.site == held.site,
                        payments.c.till == held.till,
                        payments.c.reference == reference,
                    )
                    .values(released_at=utc_text(now), release_reason=reason.strip())
                )
        if not found:
            raise Refused(f"No payment {reference[:REFERENCE_MAX_CHARS]!r} holds an invoice at site {site}.")
        return found

    def held(self, site: str, till: str) -> Sequence[HeldPayment]:
        """What a till holds now, oldest first."""
        with transaction(self._engine) as connection:
            return self._held(connection, holds.c.site == site, holds.c.till == till)

    def all_held(self) -> Sequence[HeldPayment]:
        """What all tills of all sites hold now, oldest first."""
        with transaction(self._engine) as connection:
            return self._held(connection)

    def announced(self, site: str, till: str, reference: str) -> Announcement | None:
        """What a payment was announced with."""
        with transaction(self._engine) as connection:
            key = (site, till, reference)
            return announcements(connection, [key]).get(key)

    @staticmethod
    def _held(connection: sa.Connection, *where: sa.ColumnElement[bool]) -> list[HeldPayment]:
        since = sa.func.min(holds.c.since).label("since")
        rows = connection.execute(
            sa.select(holds.c.site, holds.c.till, holds.c.reference, since)
            .where(_LIVE, *where)
            .group_by(holds.c.site, holds.c.till, holds.c.reference)
            .order_by(sa.func.min(holds.c.seq))
        )
        return [HeldPayment(**row) for row in rows.mappings()]

    @staticmethod
    def _end(connection: sa.Connection, site: str, till: str, reference: str, now: datetime) -> bool:
        """End the live holds of a payment; whether there were any."""
        done = connection.execute(
            holds.update()
            .where(holds.c.site == site, holds.c.till == till, holds.c.reference == reference, _LIVE)
            .values(ended_at=utc_text(now))
        )
        return bool(done.rowcount)


def _is(table: sa.Table, wanted: Announcement) -> sa.ColumnElement[bool]:
    """The rows of a payment in a table."""
    return sa.and_(
        table.c.site == wanted.site, table.c.till == wanted.till, table.c.reference == wanted.reference
    )


PaymentKey = tuple[str, str, str]
#: Made once: every group of postbacks asks it.
_ANNOUNCED = sa.select(payments).where(
    sa.tuple_(payments.c.site, payments.c.till, payments.c.reference).in_(
        sa.bindparam("keys", expanding=True)
    )
)


def announcements(connection: sa.Connection, keys: Iterable[PaymentKey]) -> dict[PaymentKey, Announcement]:
    """What payments, given by site, till and reference, were announced with, within a transaction."""
    rows = connection.execute(_ANNOUNCED, {"keys": sorted(keys)})
    return {(row.site, row.till, row.reference): _announcement(row) for row in rows}


def _announcement(row: sa.Row[tuple[object, ...]]) -> Announcement:
    return Announcement(
        site=row.site,
        till=row.till,
        reference=row.reference,
        biller=row.biller,
        amount_cents=row.amount_cents,
        invoices=tuple(InvoiceShare(number, cents) for number, cents in json.loads(row.invoices)),
        portal_url=row.portal_url,
        portal_reference=row.portal_reference,
    )
