"""The hub's second copies in memory, with a switch for its line."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cashier.domain.entries import StoredRow, first_break
from cashier.domain.errors import CashierError, Discrepancy
from cashier.domain.outbox import (
    Acknowledged,
    Anchor,
    Forked,
    Gap,
    Kept,
    NotTaken,
    RefusedItem,
    TooLarge,
    wants_anchor,
)


class FakeCopies:
    """What all tills of a site have sent. `dislikes` says why an entry is not taken, or nothing.

    More than `most_bytes` of content are not taken at once.
    """

    def __init__(self) -> None:
        self.journals: dict[str, list[StoredRow]] = {}
        self.notices: dict[str, tuple[str, str, Mapping[str, Any]]] = {}
        self.alarms: list[tuple[str, int, str]] = []
        self.dislikes: Callable[[StoredRow], str] = lambda _row: ""
        self.dislikes_notice: Callable[[str], bool] = lambda _notice_id: False
        self.most_bytes = 4 * 1024 * 1024
        self.withheld: dict[str, set[int]] = {}

    def ids(self, till: str) -> list[str]:
        """The ids of a till's kept entries, in order."""
        return [row.id for row in self.journals.get(till, [])]


class FakeCopy:
    """One till's line to FakeCopies. The next calls raise `errors`, one each, before anything is done.

    `lost` are raised after the deed: the answer is lost. `down` is raised by every call until it is None.
    """

    def __init__(self, copies: FakeCopies | None = None) -> None:
        self.copies = copies or FakeCopies()
        self.errors: list[CashierError] = []
        self.lost: list[CashierError] = []
        self.down: CashierError | None = None
        self.batches: list[int] = []
        #: Whether this hub knows how to keep a place alone; an older one does not.
        self.places = True
        self.asked = 0

    async def _asked(self) -> None:
        self.asked += 1
        await asyncio.sleep(0)
        if self.down is not None:
            raise self.down
        if self.errors:
            raise self.errors.pop(0)

    def _answer(self) -> None:
        if self.lost:
            raise self.lost.pop(0)

    async def kept(self, till: str) -> Kept:
        """See the port."""
        await self._asked()
        rows = self.copies.journals.get(till, [])
        return Kept(rows[-1].seq, rows[-1].hash) if rows else Kept()

    async def keep(self, till: str, rows: Sequence[StoredRow]) -> Acknowledged:
        """See the port."""
        await self._asked()
        if sum(len(row.body_text.encode()) for row in rows) > self.copies.most_bytes:
            raise TooLarge("The hub, or a proxy before it, does not take a request of this size (413).")
        return self._kept(till, rows, frozenset())

    async def keep_place(self, till: str, row: StoredRow) -> Acknowledged:
        """See the port."""
        await self._asked()
        if not self.places:
            raise NotTaken("The hub does not take this as it is (422).")
        return self._kept(till, [replace(row, subject="", body_text="{}")], frozenset({row.seq}))

    def _kept(self, till: str, rows: Sequence[StoredRow], withheld: frozenset[int]) -> Acknowledged:
        mine = self.copies.journals.setdefault(till, [])
        self._refuse_fork(till, mine, rows, withheld)
        if rows[0].seq > len(mine) + 1:
            raise Gap(len(mine) + 1)
        places = self.copies.withheld.setdefault(till, set())
        places |= {row.seq for row in rows if row.seq > len(mine)} & withheld
        mine += [row for row in rows if row.seq > len(mine)]
        self.batches.append(len(rows))
        self._answer()

        def dislikes(row: StoredRow) -> str:
            return "it is too large" if row.seq in places else self.copies.dislikes(row)

        return Acknowledged(
            Kept(mine[-1].seq, mine[-1].hash),
            tuple(RefusedItem(row.seq, row.id, why, "supervisor") for row in rows if (why := dislikes(row))),
            tuple(
                Anchor(row.seq, row.hash, "2026-02-03T15:04:05.123Z", f"{row.seq:064x}")
                for row in rows
                if wants_anchor(row.seq, row.kind)
            ),
        )

    def _refuse_fork(
        self, till: str, mine: list[StoredRow], rows: Sequence[StoredRow], withheld: frozenset[int]
    ) -> None:
        known = {row.id: (row.seq, row.hash) for row in mine}
        broken = first_break(rows, rows[0].previous, rows[0].seq, withheld)
        for row in rows:
            if row.till != till:
                self._alarm(till, row.seq, "it is another till's")
            if known.get(row.id, (row.seq, row.hash)) != (row.seq, row.hash):
                self._alarm(till, row.seq, "the same id with other content")
            if row.seq <= len(mine) and row.id not in known:
                self._alarm(till, row.seq, "another entry has this number")
            if broken is not None and broken.seq == row.seq:
                other = "the same id with other content" if row.id in known else broken.reason
                self._alarm(till, row.seq, other)
            if row.seq == len(mine) + 1 and mine and row.previous != mine[-1].hash:
                self._alarm(till, row.seq, "it does not follow the entry before it")

    def _alarm(self, till: str, seq: int, reason: str) -> None:
        self.copies.alarms.append((till, seq, reason))
        raise Forked(seq, reason)

    async def notify(self, till: str, notice_id: str, url: str, kind: str, data: Mapping[str, Any]) -> None:
        """See the port."""
        await self._asked()
        if self.copies.dislikes_notice(notice_id):
            raise NotTaken("The hub does not take this as it is (422).")
        told = (url, kind, dict(data))
        if self.copies.notices.setdefault(notice_id, told) != told:
            raise Discrepancy("The hub knows this with other content. It was not changed.")
        self._answer()
