"""What lies in the hub, in numbers: for its figures, and for a person who asks."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from cashier.domain.entries import utc_text
from cashier.hub.database import good_key, postbacks, tills
from cashier.hub.holds import holds
from cashier.hub.metrics import Counts
from cashier.hub.quarantine import quarantine
from cashier.hub.relay_store import RelayStore
from cashier.hub.store import transaction


@dataclass(frozen=True)
class Status:
    """Counts of the whole hub. `oldest_pending` is UTC text, None when nothing is pending."""

    tills: int
    pending: int
    oldest_pending: str | None
    holds: int
    quarantine_open: int


class StatusStore:
    """Counts what lies in storage. Raises Unavailable when it does not answer."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def status(self, now: datetime) -> Status:
        """All counts, of one moment."""
        pending = postbacks.c.acknowledged_at.is_(None)
        with transaction(self._engine) as connection:

            def count(query: sa.Select[tuple[object, ...]]) -> int:
                return connection.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0

            return Status(
                tills=count(sa.select(tills.c.site, tills.c.till).where(good_key(utc_text(now))).distinct()),
                pending=count(sa.select(postbacks.c.seq).where(pending)),
                oldest_pending=connection.scalar(
                    sa.select(sa.func.min(postbacks.c.received_at)).where(pending)
                ),
                holds=count(
                    sa.select(holds.c.site, holds.c.till, holds.c.reference)
                    .where(holds.c.ended_at.is_(None))
                    .distinct()
                ),
                quarantine_open=count(sa.select(quarantine.c.seq).where(quarantine.c.closed_at.is_(None))),
            )

    def counts(self, now: datetime) -> Counts:
        """The same for the figures."""
        status = self.status(now)
        relay = RelayStore(self._engine).depth()
        return Counts(
            pending=status.pending,
            oldest_pending_s=_age_s(status.oldest_pending, now),
            holds=status.holds,
            quarantine_open=status.quarantine_open,
            relay_waiting=relay.waiting,
            oldest_relay_s=_age_s(relay.oldest_at, now),
            relay_dead=relay.dead,
        )


def _age_s(since: str | None, now: datetime) -> float:
    return max((now - datetime.fromisoformat(since)).total_seconds(), 0.0) if since else 0.0
