"""The second copy of every till's journal: appended to, checked, never changed.

A till sends its entries in order; the copy is the same chain. What would go back, leave out or contradict is
refused with its reason, and what contradicts is kept as an alarm for a person. Sending the same again changes
nothing and is answered the same.

No card number is stored, as in postbacks: an entry that may hold one is kept without it, under its own
hash, and named in every answer as refused; so the chain goes on behind it. The same goes for an entry that is
too large to be sent: its till sends its place alone. Nothing of an entry is logged.
"""

import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from cashier.domain.entries import GENESIS, StoredRow, first_break, utc_text
from cashier.domain.outbox import Acknowledged, Anchor, Kept, RefusedItem, wants_anchor
from cashier.domain.scrub import scrub_card_numbers
from cashier.hub.database import one_at_a_time, tills
from cashier.hub.journal_rows import (
    PAGE_MAX,
    anchors_between,
    hash_of,
    journal_alarms,
    journal_anchors,
    journal_entries,
    kept_of,
    of_till,
    page_of,
    prepared_row,
    withheld_row,
)
from cashier.hub.keys import anchor_seal
from cashier.hub.store import transaction

LISTED_MAX = 1_000

#: Reasons of a fork, told to the till and kept with the alarm.
OTHER_CONTENT = "the same id with other content"
OTHER_ENTRY = "another entry has this number"
NOT_FOLLOWING = "it does not follow the entry before it"
FOREIGN = "it is another till's"
NO_ID = "its id could be a card number"


@dataclass(frozen=True)
class Fault:
    """Why a batch was not kept. `is_gap`: entries before it are lacking, from `seq` on."""

    seq: int
    reason: str
    is_gap: bool = False


@dataclass(frozen=True)
class CopyStands:
    """One till's copy for a person's eyes. `last_at` is when it was last added to, UTC text."""

    site: str
    till: str
    entries: int
    hash: str
    last_at: str
    anchors: int
    refused: int
    alarms: int


class JournalStore:
    """The copies. Every method is one transaction and raises Unavailable when storage fails."""

    def __init__(self, engine: sa.Engine, anchor_key: bytes) -> None:
        self._engine = engine
        self._anchor_key = anchor_key

    def keep(
        self,
        site: str,
        till: str,
        rows: Sequence[StoredRow],
        brought_by: str,
        now: datetime,
        withheld: frozenset[int] = frozenset(),
    ) -> Acknowledged | Fault:
        """Add entries to a till's copy; on disk when this is Acknowledged. Repeated ones are kept once.

        `withheld` are numbers of those that come without what they say: only their place is proven.
        """
        prepared = [withheld_row(row) if row.seq in withheld else prepared_row(row) for row in rows]
        with transaction(self._engine) as connection:
            one_at_a_time(connection, f"journal {site}/{till}")
            kept = kept_of(connection, site, till)
            fault = self._fault(connection, site, till, kept, rows, withheld)
            if fault is not None:
                if not fault.is_gap:
                    told = next(row.hash for row in rows if row.seq == fault.seq)
                    self._alarm(connection, site, till, fault, told, brought_by, now)
                return fault
            is_repeated = rows[0].seq <= kept.seq
            stamp = {"site": site, "till": till, "brought_by": brought_by, "received_at": utc_text(now)}
            fresh = [stamp | item for item in prepared if item["seq"] > kept.seq]
            if fresh:
                connection.execute(journal_entries.insert(), fresh)
                anchored = [row for row in fresh if wants_anchor(row["seq"], row["kind"])]
                anchors = [self._anchor(site, till, row, now) for row in anchored]
                if anchors:
                    connection.execute(journal_anchors.insert(), anchors)
                kept = Kept(fresh[-1]["seq"], fresh[-1]["hash"])
            given = tuple(anchors_between(connection, site, till, rows[0].seq, rows[-1].seq))
            some = is_repeated or any(item["refused"] for item in prepared)
            refused = tuple(self._refused(connection, site, till, rows)) if some else ()
            return Acknowledged(kept, refused, given)

    def kept(self, site: str, till: str) -> Kept:
        """How far a till's copy goes."""
        with transaction(self._engine) as connection:
            return kept_of(connection, site, till)

    def is_enrolled(self, site: str, till: str) -> bool:
        """Whether a till is or was one of the site's: a dead one's key may be revoked by now."""
        with transaction(self._engine) as connection:
            found = sa.select(tills.c.till).where(tills.c.site == site, tills.c.till == till).limit(1)
            return connection.scalar(found) is not None

    def entries(self, site: str, till: str, after: int, limit: int) -> list[tuple[StoredRow, str | None]]:
        """Entries of a copy after a number, in order, each with why it is not as it stood, or None.

        Fewer than `limit` where they are large, none only behind the end.
        """
        with transaction(self._engine) as connection:
            rows = connection.execute(
                sa.select(journal_entries)
                .where(*of_till(journal_entries, site, till), journal_entries.c.seq > after)
                .order_by(journal_entries.c.seq)
                .limit(limit)
            )
            return page_of(rows)

    def anchors(self, site: str, till: str, after: int, limit: int) -> list[Anchor]:
        """The anchors of a till's journal after a number, in order."""
        with transaction(self._engine) as connection:
            return list(anchors_between(connection, site, till, after + 1, None, limit))

    def seal_is_ours(self, site: str, till: str, anchor: Anchor) -> bool:
        """Whether this hub's secret made an anchor."""
        return hmac.compare_digest(
            anchor.seal.encode(), anchor_seal(self._anchor_key, site, till, anchor.seq, anchor.hash).encode()
        )

    def listed(self) -> list[CopyStands]:
        """Every till's copy, by site and till."""
        entry = journal_entries.c
        heads = (
            sa.select(
                entry.site,
                entry.till,
                sa.func.max(entry.seq).label("seq"),
                sa.func.count(entry.refused).label("refused"),
            )
            .group_by(entry.site, entry.till)
            .subquery()
        )

        def count(table: sa.Table, name: str) -> Any:
            same = (table.c.site == heads.c.site, table.c.till == heads.c.till)
            return sa.select(sa.func.count()).select_from(table).where(*same).scalar_subquery().label(name)

        same = (entry.site == heads.c.site, entry.till == heads.c.till, entry.seq == heads.c.seq)
        query = (
            sa.select(
                entry.site,
                entry.till,
                entry.seq.label("entries"),
                entry.hash,
                entry.received_at.label("last_at"),
                count(journal_anchors, "anchors"),
                heads.c.refused,
                count(journal_alarms, "alarms"),
            )
            .join(heads, sa.and_(*same))
            .order_by(entry.site, entry.till)
            .limit(LISTED_MAX)
        )
        with transaction(self._engine) as connection:
            return [CopyStands(**row) for row in connection.execute(query).mappings()]

    def alarms(self, site: str, till: str) -> list[Mapping[str, Any]]:
        """What disagreed with a till's copy, oldest first."""
        with transaction(self._engine) as connection:
            rows = connection.execute(
                sa.select(journal_alarms)
                .where(*of_till(journal_alarms, site, till))
                .order_by(journal_alarms.c.n)
                .limit(LISTED_MAX)
            )
            return [dict(row) for row in rows.mappings()]

    def first_fault(self, site: str, till: str) -> Fault | None:
        """The first entry of a copy that does not hold, or whose anchor this hub did not make."""
        previous, after = GENESIS, 0
        while page := self.entries(site, till, after, PAGE_MAX):
            for row, refused in page:
                if row.seq != after + 1 or row.previous != previous:
                    return Fault(row.seq, NOT_FOLLOWING)
                if refused is None and hash_of(row) != row.hash:
                    return Fault(row.seq, "it was changed in the hub's database")
                previous, after = row.hash, row.seq
            for anchor in self.anchors(site, till, page[0][0].seq - 1, PAGE_MAX):
                told = next((row.hash for row, _ in page if row.seq == anchor.seq), anchor.hash)
                if told != anchor.hash or not self.seal_is_ours(site, till, anchor):
                    return Fault(anchor.seq, "its anchor does not fit it")
        return None

    # -- one batch ---------------------------------------------------------------------------------------

    def _fault(
        self,
        connection: sa.Connection,
        site: str,
        till: str,
        kept: Kept,
        rows: Sequence[StoredRow],
        withheld: frozenset[int],
    ) -> Fault | None:
        """Why these entries do not go on the copy as it is, or None."""
        if any(row.till != till for row in rows):
            return Fault(next(row.seq for row in rows if row.till != till), FOREIGN)
        known = self._known(connection, site, till, rows)
        ids: set[str] = set()
        for row in rows:
            if row.id in ids:
                return Fault(row.seq, OTHER_CONTENT)
            if scrub_card_numbers(row.id) != row.id:
                return Fault(row.seq, NO_ID)
            ids.add(row.id)
            # By id first: what a till has said before is the sharpest thing to hold against it.
            if row.id in known and known[row.id] != (row.seq, row.hash):
                return Fault(row.seq, OTHER_CONTENT)
        broken = first_break(rows, rows[0].previous, rows[0].seq, withheld)
        if broken is not None:
            at = next((row for row in rows if row.seq == broken.seq), rows[0])
            return Fault(at.seq, OTHER_CONTENT if at.id in known else broken.reason)
        for row in rows:
            if row.seq <= kept.seq and row.id not in known:
                return Fault(row.seq, OTHER_ENTRY)
        first = next((row for row in rows if row.seq > kept.seq), None)
        if first is not None and first.seq > kept.seq + 1:
            return Fault(kept.seq + 1, "entries before these are lacking", is_gap=True)
        if first is not None and first.previous != kept.hash:
            return Fault(first.seq, NOT_FOLLOWING)
        return None

    @staticmethod
    def _known(
        connection: sa.Connection, site: str, till: str, rows: Sequence[StoredRow]
    ) -> dict[str, tuple[int, str]]:
        """Of these ids the ones that the copy has: with number and hash."""
        entry = journal_entries.c
        found = connection.execute(
            sa.select(entry.id, entry.seq, entry.hash).where(
                *of_till(journal_entries, site, till), entry.id.in_([row.id for row in rows])
            )
        )
        return {row.id: (row.seq, row.hash) for row in found}

    @staticmethod
    def _refused(
        connection: sa.Connection, site: str, till: str, rows: Sequence[StoredRow]
    ) -> Iterator[RefusedItem]:
        entry = journal_entries.c
        found = connection.execute(
            sa.select(entry.seq, entry.id, entry.refused, entry.owner)
            .where(
                *of_till(journal_entries, site, till),
                entry.seq.between(rows[0].seq, rows[-1].seq),
                entry.refused.is_not(None),
            )
            .order_by(entry.seq)
        )
        return (RefusedItem(row.seq, row.id, row.refused, row.owner) for row in found)

    @staticmethod
    def _alarm(
        connection: sa.Connection,
        site: str,
        till: str,
        fault: Fault,
        told_hash: str,
        brought_by: str,
        now: datetime,
    ) -> None:
        alarm, at = journal_alarms, utc_text(now)
        same = (
            *of_till(alarm, site, till),
            alarm.c.seq == fault.seq,
            alarm.c.told_hash == told_hash,
            alarm.c.reason == fault.reason,
        )
        again = connection.execute(alarm.update().where(*same).values(last_at=at, times=alarm.c.times + 1))
        if again.rowcount:
            return
        entry = journal_entries.c
        kept_hash = connection.scalar(
            sa.select(entry.hash).where(*of_till(journal_entries, site, till), entry.seq == fault.seq)
        )
        connection.execute(
            alarm.insert().values(
                site=site,
                till=till,
                seq=fault.seq,
                told_hash=told_hash,
                kept_hash=kept_hash,
                reason=fault.reason,
                brought_by=brought_by,
                first_at=at,
                last_at=at,
                times=1,
            )
        )

    def _anchor(self, site: str, till: str, row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        seal = anchor_seal(self._anchor_key, site, till, row["seq"], row["hash"])
        anchor = Anchor(row["seq"], row["hash"], utc_text(now), seal)
        return {"site": site, "till": till, **asdict(anchor)}
