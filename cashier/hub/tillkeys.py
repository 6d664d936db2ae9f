"""The generations of every till's key: enrolled, replaced, revoked. No key is stored (see `hub.keys`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from cashier.domain.entries import utc_text
from cashier.domain.errors import Refused
from cashier.gateway.postback import GENERATION_MAX
from cashier.hub.database import good_key, one_at_a_time, tills
from cashier.hub.store import transaction

#: How long a replaced key is still good: a till may be away, and addresses made with it are out in the world.
OVERLAP = timedelta(days=30)


@dataclass(frozen=True)
class KeyGeneration:
    """One generation of a till's key. `valid_until` is UTC text, None while nothing replaces it."""

    site: str
    till: str
    generation: int
    enrolled_at: str
    valid_until: str | None
    revoked: bool


class KeyStore:
    """Which generations are good. Every method is one transaction and raises Unavailable."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def is_good(self, site: str, till: str, generation: int, now: datetime) -> bool:
        """Whether a key of this generation may be used now."""
        with transaction(self._engine) as connection:
            found = connection.scalar(
                sa.select(tills.c.generation).where(
                    *_of(site, till), tills.c.generation == generation, good_key(utc_text(now))
                )
            )
        return found is not None

    def rotate(self, site: str, till: str, now: datetime) -> int:
        """Begin a new generation; the ones before stay good for 30 days. Gives the new one's number.

        Raises Refused for a till that is not enrolled or was revoked.
        """
        with transaction(self._engine) as connection:
            if newest_generation(connection, site, till) is None:
                raise Refused(f"Till {till} of site {site} is not enrolled.")
            return begin_generation(connection, site, till, now)

    def revoke(self, site: str, till: str) -> int:
        """End all generations of a till's key at once; how many. Raises Refused when it is not enrolled."""
        with transaction(self._engine) as connection:
            ended = connection.execute(tills.update().where(*_of(site, till)).values(revoked=True)).rowcount
        if not ended:
            raise Refused(f"Till {till} of site {site} is not enrolled.")
        return ended

    def listed(self) -> Sequence[KeyGeneration]:
        """Every generation of every till, by site, till and number."""
        columns = [tills.c[name] for name in KeyGeneration.__dataclass_fields__]
        with transaction(self._engine) as connection:
            rows = connection.execute(
                sa.select(*columns).order_by(tills.c.site, tills.c.till, tills.c.generation)
            )
            return [KeyGeneration(**row) for row in rows.mappings()]


@dataclass(frozen=True)
class Newest:
    """The newest generation of a till's key."""

    generation: int
    is_revoked: bool


def newest_generation(connection: sa.Connection, site: str, till: str) -> Newest | None:
    """The newest generation of a till's key, in a transaction; None: it is not enrolled.

    Whoever asks first has the till's keys to itself until the transaction ends.
    """
    one_at_a_time(connection, f"enrol {site}/{till}")
    row = connection.execute(
        sa.select(tills.c.generation, tills.c.revoked)
        .where(*_of(site, till))
        .order_by(tills.c.generation.desc())
        .limit(1)
    ).first()
    return Newest(int(row.generation), bool(row.revoked)) if row is not None else None


def begin_generation(connection: sa.Connection, site: str, till: str, now: datetime) -> int:
    """Enrol a till, or begin a new generation of its key: the ones before stay good for 30 days. Its number.

    Raises Refused for a till that was revoked or had all its keys.
    """
    newest = newest_generation(connection, site, till)
    if newest is not None and newest.is_revoked:
        raise Refused(f"Till {till} of site {site} was revoked; give it a new name.")
    if newest is not None and newest.generation >= GENERATION_MAX:
        raise Refused(f"Till {till} of site {site} had all its keys; give it a new name.")
    connection.execute(
        tills.update()
        .where(*_of(site, till), tills.c.valid_until.is_(None))
        .values(valid_until=utc_text(now + OVERLAP))
    )
    generation = newest.generation + 1 if newest is not None else 1
    connection.execute(
        tills.insert().values(
            site=site, till=till, generation=generation, enrolled_at=utc_text(now), revoked=False
        )
    )
    return generation


def _of(site: str, till: str) -> tuple[sa.ColumnElement[bool], ...]:
    return tills.c.site == site, tills.c.till == till
