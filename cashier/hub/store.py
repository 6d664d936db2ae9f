"""What the hub keeps, in blocking calls: enrolled tills and their postbacks. For one thread at a time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import sqlalchemy as sa

from cashier.domain.errors import Refused, Unavailable
from cashier.gateway.postback import PostbackClaims
from cashier.hub.database import open_database, postbacks, tills

BUSY_TIMEOUT_MS = 5_000


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
class Pending:
    """A stored postback that its till has not acknowledged."""

    id: str
    received_at: str
    reference: str
    amount_cents: int
    content_type: str
    query: bytes
    body: bytes
    scrubbed: bool


class HubStore:
    """The hub's tables. Every method is one transaction and raises Unavailable when storage fails."""

    def __init__(self, url: str, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> None:
        """Opens and migrates the database. Raises Refused (see `open_database`)."""
        self._engine = open_database(url, busy_timeout_ms)

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def enrol(self, site: str, till: str, now: datetime) -> int:
        """The key generation of a till, enrolled now unless it was. Raises Refused when it was revoked."""
        with _transaction(self._engine) as connection:
            row = connection.execute(
                sa.select(tills.c.generation, tills.c.revoked)
                .where(tills.c.site == site, tills.c.till == till)
                .order_by(tills.c.generation.desc())
                .limit(1)
            ).one_or_none()
            if row is None:
                connection.execute(
                    tills.insert().values(
                        site=site, till=till, generation=1, enrolled_at=utc_text(now), revoked=False
                    )
                )
                return 1
        if row.revoked:
            raise Refused(f"Till {till} of site {site} was revoked; give it a new name.")
        return int(row.generation)

    def generations(self, site: str, till: str) -> tuple[int, ...]:
        """The key generations a till may use, newest first; none when it is not enrolled."""
        with _transaction(self._engine) as connection:
            return tuple(
                connection.scalars(
                    sa.select(tills.c.generation)
                    .where(tills.c.site == site, tills.c.till == till, tills.c.revoked.is_(False))
                    .order_by(tills.c.generation.desc())
                )
            )

    def add(self, arrival: Arrival) -> bool:
        """Store a postback; on disk when this is True. False: its till is not enrolled, nothing is stored."""
        claims = arrival.claims
        with _transaction(self._engine) as connection:
            enrolled = connection.scalar(
                sa.select(sa.func.count()).where(
                    tills.c.site == claims.site,
                    tills.c.till == claims.till,
                    tills.c.generation == claims.generation,
                    tills.c.revoked.is_(False),
                )
            )
            if not enrolled:
                return False
            connection.execute(
                postbacks.insert().values(
                    id=arrival.id,
                    site=claims.site,
                    till=claims.till,
                    generation=claims.generation,
                    reference=claims.reference,
                    amount_cents=claims.amount_cents,
                    expires_at=utc_text(claims.expires_at),
                    nonce=claims.nonce,
                    received_at=utc_text(arrival.received_at),
                    content_type=arrival.content_type,
                    query=arrival.query,
                    body=arrival.body,
                    scrubbed=arrival.scrubbed,
                )
            )
        return True

    def pending(self, site: str, till: str, limit: int) -> list[Pending]:
        """A till's unacknowledged postbacks, oldest first. Never by cursor: rows may commit out of order."""
        columns = [postbacks.c[name] for name in Pending.__dataclass_fields__]
        with _transaction(self._engine) as connection:
            rows = connection.execute(
                sa.select(*columns)
                .where(
                    postbacks.c.site == site,
                    postbacks.c.till == till,
                    postbacks.c.acknowledged_at.is_(None),
                )
                .order_by(postbacks.c.seq)
                .limit(limit)
            )
            return [Pending(**row) for row in rows.mappings()]

    def acknowledge(self, site: str, till: str, ids: Sequence[str], now: datetime) -> int:
        """Mark a till's own postbacks as taken over; how many of `ids` are so now. May be repeated."""
        own = sa.and_(postbacks.c.site == site, postbacks.c.till == till, postbacks.c.id.in_(ids))
        with _transaction(self._engine) as connection:
            connection.execute(
                postbacks.update()
                .where(own, postbacks.c.acknowledged_at.is_(None))
                .values(acknowledged_at=utc_text(now))
            )
            return connection.scalar(sa.select(sa.func.count()).where(own)) or 0

    def check(self) -> None:
        """Raises Unavailable when the postbacks cannot be reached."""
        with _transaction(self._engine) as connection:
            connection.execute(sa.select(postbacks.c.seq).limit(1))


@contextmanager
def _transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that ends in a commit, or in Unavailable and a fresh connection next time.

    After a failed commit the connection's idea of the file is not to be trusted, so it is thrown away.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except sa.exc.SQLAlchemyError as error:
        engine.dispose()
        raise Unavailable("The hub's storage does not answer.") from error


def utc_text(moment: datetime) -> str:
    """`2026-01-02T03:04:05.123Z` of an aware time."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
