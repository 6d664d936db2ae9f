"""A hub in memory: it hands every postback over until that one is acknowledged."""

import asyncio
from collections.abc import Sequence

from cashier.domain.errors import CashierError
from cashier.domain.postback import DeliveredPostback, Postback


class FakeFeed:
    """Add postbacks with `send`. The next pulls raise `errors`, the next acknowledgings `ack_errors`.

    A pull with nothing to give waits until something is sent or an error is put in by `fail`.
    """

    def __init__(self) -> None:
        self.minted: list[tuple[str, int]] = []
        self.waiting: list[DeliveredPostback] = []
        self.acknowledged: list[str] = []
        self.pulls: list[float] = []
        self.errors: list[CashierError] = []
        self.ack_errors: list[CashierError] = []
        self._bell = asyncio.Event()

    def send(self, reference: str, postback: Postback, amount_cents: int = 0) -> DeliveredPostback:
        """A postback has come to the hub."""
        number = len(self.waiting) + len(self.acknowledged) + 1
        delivered = DeliveredPostback(
            f"hub-{number:04d}", "2026-02-03T15:05:00.000Z", reference, amount_cents, postback
        )
        self.waiting.append(delivered)
        self._bell.set()
        return delivered

    def fail(self, error: CashierError) -> None:
        """The line breaks, also under a pull that waits."""
        self.errors.append(error)
        self._bell.set()

    def mint_url(self, reference: str, amount_cents: int) -> str:
        """See the port."""
        self.minted.append((reference, amount_cents))
        return f"https://hub.example.org/pb/v1/{len(self.minted)}"

    async def pull(self, wait_s: float) -> Sequence[DeliveredPostback]:
        """See the port."""
        self.pulls.append(wait_s)
        if wait_s and not self.waiting and not self.errors:
            self._bell.clear()
            await self._bell.wait()
        await asyncio.sleep(0)
        if self.errors:
            raise self.errors.pop(0)
        return list(self.waiting)

    async def acknowledge(self, ids: Sequence[str]) -> None:
        """See the port."""
        await asyncio.sleep(0)
        if self.ack_errors:
            raise self.ack_errors.pop(0)
        self.waiting = [item for item in self.waiting if item.id not in ids]
        self.acknowledged += ids
