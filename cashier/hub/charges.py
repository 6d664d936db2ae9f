"""What the gateway told of a site's charges on given days, for matching its settlement against it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from cashier.gateway.postback import parse_postback
from cashier.hub.database import postbacks
from cashier.hub.store import transaction

CHARGES_LIMIT_MAX = 1_000


@dataclass(frozen=True)
class Told:
    """A stored postback as read. `reference` is the one of its address; amounts are None when unreadable."""

    seq: int
    id: str
    till: str
    received_at: str
    reference: str
    approved: str
    invoice: str
    payment_guid: str
    amount_cents: int | None
    fee_cents: int | None
    payment_date: str


class ChargeStore:
    """Reads the stored postbacks of a site. Raises Unavailable when storage fails."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def between(self, site: str, first: date, last: date, after: int, limit: int) -> Sequence[Told]:
        """Postbacks received from the UTC day `first` to `last`, both included, in the order of arrival.

        `after` is the `seq` that the page before ended with, 0 at first; at most `limit` come.
        """
        # Times are stored as text of one shape, so that they compare as texts; "T24" is after all of a day.
        with transaction(self._engine) as connection:
            rows = connection.execute(
                sa.select(postbacks)
                .where(
                    postbacks.c.site == site,
                    postbacks.c.received_at >= f"{first.isoformat()}T00",
                    postbacks.c.received_at < f"{last.isoformat()}T24",
                    postbacks.c.seq > after,
                )
                .order_by(postbacks.c.seq)
                .limit(limit)
            ).all()
        return [_told(row) for row in rows]


def _told(row: sa.Row[tuple[object, ...]]) -> Told:
    said = parse_postback(row.query, row.body)
    return Told(
        seq=row.seq,
        id=row.id,
        till=row.till,
        received_at=row.received_at,
        reference=row.reference,
        approved=said.approved.value,
        invoice=said.invoice_number,
        payment_guid=said.payment_guid,
        amount_cents=said.payment_amount_cents,
        fee_cents=said.convenience_fee_cents,
        payment_date=said.payment_date,
    )
