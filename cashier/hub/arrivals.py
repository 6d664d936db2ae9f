"""Proven postbacks on their way into the database: a group of them in as few statements as can be.

On PostgreSQL one statement looks up the keys, stores the rows and tells the other hub processes: each one
more would be a turn to the server, in which nobody's answer goes out. SQLite is no server, so there it is
three plain ones.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from cashier.domain.entries import utc_text
from cashier.gateway.postback import PostbackClaims
from cashier.hub.database import good_key, is_postgresql, postbacks, tills

#: Where PostgreSQL tells every hub process of new postbacks; the payload is `site/till`.
CHANNEL = "cashier_postback"


@dataclass(frozen=True)
class Arrival:
    """A proven postback to be stored. `query` and `body` are byte for byte as sent, unless `scrubbed`."""

    id: str
    received_at: datetime
    claims: PostbackClaims
    content_type: str
    query: bytes
    body: bytes
    scrubbed: bool


@dataclass(frozen=True)
class Inserted:
    """The ids of a group's arrivals that are stored, and of those whose payment was announced."""

    stored: frozenset[str]
    announced: frozenset[str]


def insert(connection: sa.Connection, arrivals: Sequence[Arrival]) -> Inserted:
    """Store those whose till is enrolled with a good key. At the commit, other processes hear of it."""
    now = utc_text(max(arrival.received_at for arrival in arrivals))
    if is_postgresql(connection.engine):
        rows = [tuple(row_of(arrival).values()) for arrival in arrivals]
        columns = dict(zip(_COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
        told = connection.execute(_INSERT_POSTGRESQL, {**columns, "now": now}).all()
        return Inserted(frozenset(row.id for row in told), frozenset(row.id for row in told if row.announced))
    asked = sorted({_key_of(arrival) for arrival in arrivals})
    good = _known(connection.execute(_GOOD_KEYS, {"keys": asked, "now": now}))
    accepted = [arrival for arrival in arrivals if _key_of(arrival) in good]
    if not accepted:
        return Inserted(frozenset(), frozenset())
    # Past SQLAlchemy's handling of values, which costs as much again as all the rest of a row.
    connection.exec_driver_sql(_INSERT_SQLITE, [tuple(row_of(arrival).values()) for arrival in accepted])
    named = sorted({_payment_of(arrival) for arrival in accepted})
    announced = _known(connection.execute(_ANNOUNCED, {"keys": named}))
    return Inserted(
        frozenset(arrival.id for arrival in accepted),
        frozenset(arrival.id for arrival in accepted if _payment_of(arrival) in announced),
    )


def row_of(arrival: Arrival) -> dict[str, str | int | bytes | bool]:
    """A row of `postbacks` by column, in their order."""
    claims = arrival.claims
    return {
        "id": arrival.id,
        "site": claims.site,
        "till": claims.till,
        "generation": claims.generation,
        "reference": claims.reference,
        "amount_cents": claims.amount_cents,
        "expires_at": utc_text(claims.expires_at),
        "nonce": claims.nonce,
        "received_at": utc_text(arrival.received_at),
        "content_type": arrival.content_type,
        "query": arrival.query,
        "body": arrival.body,
        "scrubbed": arrival.scrubbed,
    }


def _known(rows: Iterable[sa.Row[Any]]) -> set[tuple[object, ...]]:
    return {tuple(row) for row in rows}


def _key_of(arrival: Arrival) -> tuple[str, str, int]:
    return arrival.claims.site, arrival.claims.till, arrival.claims.generation


def _payment_of(arrival: Arrival) -> tuple[str, str, str]:
    return arrival.claims.site, arrival.claims.till, arrival.claims.reference


_COLUMNS = [column.name for column in postbacks.c if column.name not in ("seq", "acknowledged_at")]
_KEY = (tills.c.site, tills.c.till, tills.c.generation)
#: The announced payments, as far as they matter here; `hub.holds` owns the table.
_PAYMENTS = sa.table("payments", *(sa.column(name) for name in ("site", "till", "reference")))

# Statements are made once: to make one takes longer than to run it.
_GOOD_KEYS = sa.select(*_KEY).where(
    sa.tuple_(*_KEY).in_(sa.bindparam("keys", expanding=True)), good_key(sa.bindparam("now"))
)
_ANNOUNCED = sa.select(*_PAYMENTS.c).where(sa.tuple_(*_PAYMENTS.c).in_(sa.bindparam("keys", expanding=True)))
_INSERT_SQLITE = f"INSERT INTO postbacks ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' for _ in _COLUMNS)})"


def _insert_postgresql() -> sa.Executable:
    """Every column comes as one array, so that the text is the same whatever the number of rows."""

    def array(column: sa.Column[Any]) -> sa.Cast[Any]:
        # Text has no length here: a cast would cut off what is too long, an insert refuses it.
        kind = sa.Text() if isinstance(column.type, sa.String) else column.type
        return sa.cast(sa.bindparam(column.name), ARRAY(kind))

    columns = [postbacks.c[name] for name in _COLUMNS]
    came = (
        sa.func.unnest(*map(array, columns))
        .table_valued(*_COLUMNS, with_ordinality="place", name="came")
        .render_derived()
    )
    is_good = sa.exists().where(*(came.c[part.name] == part for part in _KEY), good_key(sa.bindparam("now")))
    stored = (
        postbacks.insert()
        .from_select(
            _COLUMNS, sa.select(*(came.c[name] for name in _COLUMNS)).where(is_good).order_by(came.c.place)
        )
        .returning(postbacks.c.id, postbacks.c.site, postbacks.c.till, postbacks.c.reference)
        .cte("stored")
    )
    announced = sa.exists().where(*(stored.c[part.name] == part for part in _PAYMENTS.c))
    # The same words twice in a transaction are one notice.
    told = sa.func.pg_notify(CHANNEL, stored.c.site + "/" + stored.c.till)
    return sa.select(stored.c.id, announced.label("announced"), told)


_INSERT_POSTGRESQL = _insert_postgresql()
