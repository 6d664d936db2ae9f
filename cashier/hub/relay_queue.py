"""The queue of what is to be passed on to the portals, and how letters get into it.

A postback's letter is written in the transaction that stores the postback, or, when that came first, in the
one that announces its payment. It has no bytes of its own: they are the postback's.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from cashier.domain.entries import utc_text
from cashier.domain.errors import Refused
from cashier.hub.arrivals import Arrival
from cashier.hub.database import metadata, postbacks
from cashier.hub.portals import HOST_MAX_CHARS, parse_portal_url

POSTBACK, NOTICE = "postback", "notice"
WAITING, DELIVERED, DEAD = "waiting", "delivered", "dead"
#: How far back `enqueue_missed` looks; transactions last far shorter than this.
MISSED_WITHIN = timedelta(minutes=5)
ERROR_MAX_CHARS = 60

#: `id` is the postback's, or the notice's, which its till gave it. `reference` is what must go in order: a
#: payment's reference, a notice's own id. `since_at` is when the 30 days began.
relay = sa.Table(
    "relay",
    metadata,
    sa.Column(
        "seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
    ),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("id", sa.String(36), nullable=False),
    sa.Column("site", sa.String(32), nullable=False),
    sa.Column("till", sa.String(32), nullable=False),
    sa.Column("reference", sa.String(120), nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("host", sa.String(HOST_MAX_CHARS), nullable=False),
    sa.Column("portal_reference", sa.Text, nullable=True),
    sa.Column("body", sa.LargeBinary, nullable=True),
    sa.Column("queued_at", sa.String(24), nullable=False),
    sa.Column("since_at", sa.String(24), nullable=False),
    sa.Column("next_at", sa.String(24), nullable=False),
    sa.Column("lease_until", sa.String(24), nullable=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("state", sa.String(9), nullable=False),
    sa.Column("last_status", sa.Integer, nullable=True),
    sa.Column("last_error", sa.String(ERROR_MAX_CHARS), nullable=False),
    sa.Column("ended_at", sa.String(24), nullable=True),
    sa.UniqueConstraint("site", "till", "kind", "id", name="ux_relay_letter"),
    sa.Index("ix_relay_due", "state", "host", "next_at", "seq"),
    sa.Index("ix_relay_payment", "site", "till", "reference", "seq"),
    sa.Index("ix_relay_id", "id"),
)

#: The announced payments, as far as they matter here. The holds own the table, and their announcement calls
#: `enqueue_payment`, so it cannot be imported from there.
_payments = sa.table(
    "payments", *map(sa.column, ("site", "till", "reference", "portal_url", "portal_reference"))
)


#: Stored postbacks whose payment has a portal, not queued yet. Made once: every group of postbacks asks it.
_MISSING = (
    sa.select(
        postbacks.c.id,
        postbacks.c.site,
        postbacks.c.till,
        postbacks.c.reference,
        _payments.c.portal_url,
        _payments.c.portal_reference,
    )
    .join(
        _payments,
        sa.and_(
            _payments.c.site == postbacks.c.site,
            _payments.c.till == postbacks.c.till,
            _payments.c.reference == postbacks.c.reference,
        ),
    )
    .where(
        _payments.c.portal_url.is_not(None),
        ~sa.exists().where(
            relay.c.site == postbacks.c.site,
            relay.c.till == postbacks.c.till,
            relay.c.kind == POSTBACK,
            relay.c.id == postbacks.c.id,
        ),
    )
    .order_by(postbacks.c.seq)
)
_MISSING_OF = _MISSING.where(postbacks.c.id.in_(sa.bindparam("ids", expanding=True)))


def enqueue(connection: sa.Connection, arrivals: Sequence[Arrival]) -> None:
    """Queue those of these stored postbacks whose announced payment has a portal.

    To be called in the transaction that stores them, after them. May be repeated.
    """
    if arrivals:
        now = max(arrival.received_at for arrival in arrivals)
        _enqueue(connection, _MISSING_OF, now, {"ids": [arrival.id for arrival in arrivals]})


def enqueue_payment(connection: sa.Connection, site: str, till: str, reference: str, now: datetime) -> int:
    """Queue the postbacks that arrived before their payment was announced; how many there were.

    To be called in the transaction that announces it, after it is written. May be repeated.
    """
    own = (postbacks.c.site == site, postbacks.c.till == till, postbacks.c.reference == reference)
    return _enqueue(connection, _MISSING.where(*own), now)


def enqueue_missed(connection: sa.Connection, now: datetime) -> int:
    """Queue postbacks of the last minutes that nobody queued; how many there were.

    On PostgreSQL a postback and the announcement of its payment that commit at the same moment do not see
    each other. Neither waits for the other: this finds them afterwards. Ids are UUIDv7, so an id tells a
    time.
    """
    since = f"{int((now - MISSED_WITHIN).timestamp() * 1000):012x}"
    return _enqueue(connection, _MISSING.where(postbacks.c.id >= f"{since[:8]}-{since[8:]}"), now)


def _enqueue(
    connection: sa.Connection,
    missing: sa.Select[tuple[Any, ...]],
    now: datetime,
    parameters: dict[str, list[str]] | None = None,
) -> int:
    rows = [
        new_letter(POSTBACK, row.id, row.site, row.till, row.reference, row.portal_url, now)
        | {"portal_reference": row.portal_reference}
        for row in connection.execute(missing, parameters)
    ]
    if rows:
        connection.execute(relay.insert(), rows)
    return len(rows)


def new_letter(
    kind: str, letter_id: str, site: str, till: str, reference: str, url: str, now: datetime
) -> dict[str, object]:
    """A new letter. One whose address cannot be used is dead at once: never lost, and never in the way."""
    text = utc_text(now)
    row = dict.fromkeys((column.name for column in relay.c if column.name != "seq"), None) | {
        "kind": kind,
        "id": letter_id,
        "site": site,
        "till": till,
        "reference": reference,
        "url": url,
        "queued_at": text,
        "since_at": text,
        "next_at": text,
        "attempts": 0,
        "failures": 0,
    }
    try:
        return row | {"host": parse_portal_url(url).netloc, "state": WAITING, "last_error": ""}
    except Refused:
        return row | {"host": "", "state": DEAD, "last_error": "not an address", "ended_at": text}
