"""What the hub has of a site's journals, in memory."""

import asyncio
from collections.abc import Sequence

from cashier.domain.entries import StoredRow
from cashier.domain.errors import CashierError, Refused
from cashier.domain.site import REPORT_KINDS, TillCopy


class FakeSite:
    """The copies of a site's tills. `altered` are ids kept without a card number; `down` is raised by all.

    A page has two entries, so that a report of any length needs several.
    """

    def __init__(self) -> None:
        self.journals: dict[str, tuple[Sequence[StoredRow], str]] = {}
        self.altered: set[str] = set()
        self.alarms: dict[str, int] = {}
        self.revoked: set[str] = set()
        self.down: CashierError | None = None

    def has(self, till: str, rows: Sequence[StoredRow] = (), last_at: str = "") -> None:
        """Have the copy of an enrolled till."""
        self.journals[till] = (rows, last_at)

    async def site_tills(self) -> list[TillCopy]:
        """See the port."""
        await self._asked()
        return [
            TillCopy(till, len(rows), last_at, self.alarms.get(till, 0), till in self.revoked)
            for till, (rows, last_at) in sorted(self.journals.items())
        ]

    async def report_entries(self, till: str, after: int) -> list[tuple[StoredRow, str]]:
        """See the port."""
        await self._asked()
        if till not in self.journals:
            raise Refused("The hub refused the request (404).")
        rows = [row for row in self.journals[till][0] if row.seq > after and row.kind in REPORT_KINDS]
        why = "it may hold a card number; the hub keeps it without that number"
        return [(row, why if row.id in self.altered else "") for row in rows[:2]]

    async def _asked(self) -> None:
        await asyncio.sleep(0)
        if self.down is not None:
            raise self.down
