"""Giving invoices back: the hub holds them for a payment until this till says that it is settled.

And holding what could not be held when it should have been: a payment that came back into doubt, a sale that
was parked while the hub was out of reach.
"""

import contextlib
from collections.abc import Awaitable, Callable, Collection

from cashier.domain.errors import CashierError, Held
from cashier.domain.payment import Payment, PaymentState
from cashier.till.ports import Holds, Journal
from cashier.till.ringing import rung_or_after

RETRY_FIRST_S = 5.0
RETRY_MAX_S = 300.0
EVERY_S = 600.0


async def give_back(holds: Holds, payment: Payment) -> None:
    """Tell the hub that a payment of this till is settled. Raises what the hub's line raises."""
    vouched = payment.state is PaymentState.VOUCHED
    await holds.settled(payment.reference, PaymentState.APPROVED if vouched else payment.state)


class HoldKeeper:
    """Settles at the hub what is settled in the journal, and holds what came back into doubt.

    What the hub holds is asked for anew each time, so that nothing has to be remembered over a crash. `hold`
    holds a payment's invoices once more; `is_over` knows of sales that were put aside and are no longer, and
    `hold_aside` holds those that should be held and are not among what is.
    """

    def __init__(
        self,
        holds: Holds,
        journal: Journal,
        hold: Callable[[Payment], Awaitable[None]],
        is_over: Callable[[str], bool] = lambda _reference: False,
        hold_aside: Callable[[Collection[str]], Awaitable[object]] | None = None,
    ) -> None:
        self._is_over = is_over
        self._hold_aside = hold_aside
        self._holds = holds
        self._journal = journal
        self._hold = hold
        import asyncio  # not before the first paint

        self._rung = asyncio.Event()

    def ring(self) -> None:
        """A payment was settled, or the line is back."""
        self._rung.set()

    async def release(self) -> None:
        """Give back every hold of a settled payment. Raises what the hub's line raises."""
        held = await self._holds.held()
        if self._hold_aside is not None:
            await self._hold_aside(held)
        for doubtful in self._journal.unsettled_payments():
            if doubtful.state is PaymentState.IN_DOUBT and doubtful.reference not in held:
                # Another payment may hold its invoices by now: then they are safe from a third.
                with contextlib.suppress(Held):
                    await self._hold(doubtful)
        for reference in held:
            if self._is_over(reference):
                await self._holds.settled(reference, PaymentState.ABANDONED)
                continue
            payment = self._journal.payment(reference)
            if payment is not None and not payment.locks_sale:
                await give_back(self._holds, payment)

    async def run(self) -> None:
        """Release for as long as the till runs."""
        retry_s = RETRY_FIRST_S
        while True:
            try:
                await self.release()
            except CashierError:
                wait_s, retry_s = retry_s, min(retry_s * 2, RETRY_MAX_S)
            else:
                wait_s, retry_s = EVERY_S, RETRY_FIRST_S
            await rung_or_after(self._rung, wait_s)
