"""The second copies of a whole site, read for its reports: which tills there are, and what of them counts."""

import sqlalchemy as sa

from cashier.domain.entries import StoredRow
from cashier.domain.site import REPORT_KINDS, TillCopy
from cashier.hub.database import tills
from cashier.hub.journal_rows import journal_alarms, journal_entries, kept_of, of_till, page_of
from cashier.hub.store import transaction

_KINDS = sorted(kind.value for kind in REPORT_KINDS)


class SiteJournals:
    """What a site's tills have sent. Every method is one transaction and raises Unavailable."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def tills(self, site: str) -> list[TillCopy]:
        """Every till that is or was one of the site's, by its name."""
        with transaction(self._engine) as connection:
            names = connection.execute(
                sa.select(tills.c.till, sa.func.min(sa.cast(tills.c.revoked, sa.Integer)).label("revoked"))
                .where(tills.c.site == site)
                .group_by(tills.c.till)
                .order_by(tills.c.till)
            ).all()
            return [_copy(connection, site, row.till, bool(row.revoked)) for row in names]

    def entries(self, site: str, till: str, after: int, limit: int) -> list[tuple[StoredRow, str | None]]:
        """Entries that reports are made of, after a number, in order, each with why it is not as it stood."""
        with transaction(self._engine) as connection:
            rows = connection.execute(
                sa.select(journal_entries)
                .where(
                    *of_till(journal_entries, site, till),
                    journal_entries.c.seq > after,
                    journal_entries.c.kind.in_(_KINDS),
                )
                .order_by(journal_entries.c.seq)
                .limit(limit)
            )
            return page_of(rows)


def _copy(connection: sa.Connection, site: str, till: str, is_revoked: bool) -> TillCopy:
    seq = kept_of(connection, site, till).seq
    entry = journal_entries.c
    last_at = connection.scalar(
        sa.select(entry.received_at).where(*of_till(journal_entries, site, till), entry.seq == seq)
    )
    alarms = connection.scalar(
        sa.select(sa.func.count()).select_from(journal_alarms).where(*of_till(journal_alarms, site, till))
    )
    return TillCopy(till, seq, last_at or "", alarms or 0, is_revoked)
