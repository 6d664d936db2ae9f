"""The generations of every till's key: enrolled, replaced, revoked. No key is stored (see `hub.keys`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from cashier.domain.entries import utc_text
from cashier.domain.errors import Refused
from cashier.gateway.postback import GENERATION_MAX
from cashier.hub.database import good_key, tills
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
            newest = connection.execute(
                sa.select(tills.c.generation, tills.c.revoked)
                .where(*_of(site, till))
                .order_by(tills.c.generation.desc())
                .limit(1)
            ).first()
            if newest is None:
                raise Refused(f"Till {till} of site {site} is not enrolled.")
            if newest.revoked:
                raise Refused(f"Till {till} of site {site} was revoked; give it a new name.")
            if newest.generation >= GENERATION_MAX:
                raise Refused(f"Till {till} of site {site} had all its keys; give it a new name.")
            connection.execute(
                tills.update()
                .where(*_of(site, till), tills.c.valid_until.is_(None))
                .values(valid_until=utc_text(now + OVERLAP))
            )
            generation = int(newest.generation) + 1
            connection.execute(
                tills.insert().values(
                    site=site, till=till, generation=generation, enrolled_at=utc_text(now), revoked=False
                )
            )
        return generation

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


def _of(site: str, till: str) -> tuple[sa.ColumnElement[bool], ...]:
    return tills.c.site == site, tills.c.till == till
