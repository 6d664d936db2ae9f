"""What the hub keeps, in blocking calls: enrolled tills and their postbacks.

For one thread at a time on SQLite, for any number on PostgreSQL.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

import sqlalchemy as sa

from cashier.domain.entries import utc_text
from cashier.domain.errors import Refused, Unavailable
from cashier.hub.arrivals import Arrival, insert, row_of
from cashier.hub.database import STORE_THREADS, is_postgresql, one_at_a_time, open_database, postbacks, tills

BUSY_TIMEOUT_MS = 5_000
#: What a statement raises when the row is at fault, not the storage.
_ROW_FAULTS = (sa.exc.IntegrityError, sa.exc.DataError, ValueError)

log = logging.getLogger(__name__)


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


#: Writes what belongs to postbacks that are stored, beside them.
Beside = Callable[[sa.Connection, Sequence[Arrival]], None]


class HubStore:
    """The hub's tables. Every method is one transaction and raises Unavailable when storage fails."""

    def __init__(self, url: str, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> None:
        """Opens and migrates the database. Raises Refused (see `open_database`)."""
        self._engine = open_database(url, busy_timeout_ms)
        self._besides: list[Beside] = []

    def write_beside(self, beside: Beside) -> None:
        """From now on call this with the postbacks just stored whose payment was announced, if there are any.

        It runs in the transaction that stores them.
        What it writes is on disk when they are, and not otherwise; so it must not fail for what they say.
        """
        self._besides.append(beside)

    @property
    def engine(self) -> sa.Engine:
        """The one pool of connections, for the stores beside this one."""
        return self._engine

    @property
    def threads(self) -> int:
        """How many threads may use it at once."""
        return STORE_THREADS if is_postgresql(self._engine) else 1

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
        with transaction(self._engine) as connection:
            one_at_a_time(connection, f"enrol {site}/{till}")
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

    def add(self, arrival: Arrival) -> bool:
        """Store a postback; on disk when this is True. False: its till is not enrolled, nothing is stored."""
        (outcome,) = self.add_all([arrival])
        if isinstance(outcome, Unavailable):
            raise outcome
        return outcome

    def add_all(self, arrivals: Sequence[Arrival]) -> list[bool | Unavailable]:
        """Store postbacks in one commit; for each what `add` gives or would raise, in the same order.

        A row that cannot be stored leaves the others alone; the same arrival stored before is as good as
        stored now. Raises Unavailable when nothing was stored, or nothing is known of it.
        """
        try:
            with transaction(self._engine) as connection:
                return list(self._insert(connection, arrivals))
        except Unavailable as error:
            if not isinstance(error.__cause__, _ROW_FAULTS):
                raise
        except _ROW_FAULTS:
            log.warning("a row cannot be stored as it is; the rows of its group are stored one by one")
        with transaction(self._engine) as connection:
            return [self._insert_alone(connection, arrival) for arrival in arrivals]

    def _insert(self, connection: sa.Connection, arrivals: Sequence[Arrival]) -> list[bool]:
        """Insert those whose till is enrolled, and what is written beside them; whether it is."""
        inserted = insert(connection, arrivals)
        announced = [arrival for arrival in arrivals if arrival.id in inserted.announced]
        if announced:
            for beside in self._besides:
                beside(connection, announced)
        return [arrival.id in inserted.stored for arrival in arrivals]

    def _insert_alone(self, connection: sa.Connection, arrival: Arrival) -> bool | Unavailable:
        """What became of one arrival, whatever becomes of those beside it in the same transaction."""
        try:
            with connection.begin_nested():
                return self._insert(connection, [arrival])[0]
        except _ROW_FAULTS as error:
            row = row_of(arrival)
            stored = sa.select(*(postbacks.c[name] for name in row)).where(postbacks.c.id == arrival.id)
            if dict(connection.execute(stored).mappings().one_or_none() or {}) == row:
                return True
            refused = Unavailable("The hub's storage does not take this postback.")
            refused.__cause__ = error
            return refused

    def pending(self, site: str, till: str, limit: int) -> list[Pending]:
        """A till's unacknowledged postbacks, oldest first. Never by cursor: rows may commit out of order."""
        columns = [postbacks.c[name] for name in Pending.__dataclass_fields__]
        with transaction(self._engine) as connection:
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
        with transaction(self._engine) as connection:
            connection.execute(
                postbacks.update()
                .where(own, postbacks.c.acknowledged_at.is_(None))
                .values(acknowledged_at=utc_text(now))
            )
            return connection.scalar(sa.select(sa.func.count()).where(own)) or 0

    def check(self) -> None:
        """Raises Unavailable when the postbacks cannot be reached."""
        with transaction(self._engine) as connection:
            connection.execute(sa.select(postbacks.c.seq).limit(1))


@contextmanager
def transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that ends in a commit, or in Unavailable and a fresh connection next time.

    After a failed commit SQLite's idea of the file is not to be trusted, so its connection is thrown away.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except sa.exc.SQLAlchemyError as error:
        if not is_postgresql(engine):  # there a lost connection is told from a refused statement
            engine.dispose()
        raise Unavailable("The hub's storage does not answer.") from error
