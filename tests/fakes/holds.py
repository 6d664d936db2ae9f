"""The hub's holds in memory, shared by the tills of a site, with a switch for its line."""

import asyncio
from collections.abc import Sequence

from cashier.domain.errors import CashierError, Discrepancy, Held
from cashier.domain.payment import InvoiceShare, PaymentState
from cashier.till.ports import Portal, Quarantined


class FakeHub:
    """What all tills of a site agree on. `tills` maps a reference to the till that announced it."""

    def __init__(self) -> None:
        self.announced: dict[str, tuple[object, ...]] = {}
        self.tills: dict[str, str] = {}
        self.live: dict[tuple[str, str], str] = {}
        self.settled: dict[str, PaymentState] = {}
        self.quarantined: list[Quarantined] = []
        self.since = "2026-02-03T15:04:05.000Z"


class FakeHolds:
    """One till's line to a FakeHub. The next calls raise `errors`, one each, before anything is done.

    `lost` are raised after the deed: the answer is lost.
    """

    def __init__(self, hub: FakeHub | None = None, till: str = "A") -> None:
        self.hub = hub or FakeHub()
        self.till = till
        self.errors: list[CashierError] = []
        self.lost: list[CashierError] = []
        self.portals: dict[str, Portal | None] = {}

    async def _asked(self) -> None:
        await asyncio.sleep(0)
        if self.errors:
            raise self.errors.pop(0)

    def _answer(self) -> None:
        if self.lost:
            raise self.lost.pop(0)

    async def announce(
        self,
        reference: str,
        biller: str,
        amount_cents: int,
        invoices: Sequence[InvoiceShare],
        portal: Portal | None,
    ) -> None:
        """See the port."""
        await self._asked()
        content = (biller, amount_cents, tuple(invoices), portal)
        if self.hub.announced.get(reference, content) != content:
            raise Discrepancy(f"Payment {reference} was announced with other content.")
        keys = [(biller, share.number.casefold()) for share in invoices]
        for key, share in zip(keys, invoices, strict=True):
            holder = self.hub.live.get(key, reference)
            if holder != reference:
                raise Held(share.number, self.hub.tills[holder], holder, self.hub.since)
        self.hub.live |= dict.fromkeys(keys, reference)
        self.hub.announced[reference] = content
        self.hub.tills[reference] = self.till
        self.portals[reference] = portal
        self._answer()

    async def settled(self, reference: str, outcome: PaymentState) -> None:
        """See the port."""
        await self._asked()
        self.hub.settled[reference] = outcome
        self.hub.live = {key: holder for key, holder in self.hub.live.items() if holder != reference}
        self._answer()

    async def held(self) -> Sequence[str]:
        """See the port."""
        await self._asked()
        return sorted({ref for ref in self.hub.live.values() if self.hub.tills[ref] == self.till})

    async def quarantined(self) -> Sequence[Quarantined]:
        """See the port."""
        await self._asked()
        return list(self.hub.quarantined)
