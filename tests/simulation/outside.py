"""A till's lines to the gateway and to the hub: its ports over the virtual network.

What the till itself does – requests in a partner's shape, addresses minted, postbacks parsed – is real code.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, TypeVar

from cashier.adapters import NONCE_BITS, profiles
from cashier.domain.enquiry import FoundCustomer, FoundInvoice, InvoiceStatus
from cashier.domain.errors import CashierError, InDoubt, Refused, TooBusy, Unavailable
from cashier.domain.payment import InvoiceShare, PaymentState
from cashier.domain.postback import DeliveredPostback
from cashier.domain.sale import Sale
from cashier.gateway import cpv2
from cashier.gateway.postback import PostbackClaims, mint_path, parse_postback, till_key_from_text
from cashier.gateway.profiles import Profile
from cashier.gateway.salefile import check_sale
from cashier.gateway.salemembers import BillerLimits
from cashier.hub.holds import Announcement
from cashier.till.ports import CounterExtras, Portal, Quarantined
from tests.simulation.hub import SITE
from tests.simulation.loop import DAY_S, SeededBits
from tests.simulation.network import Line

if TYPE_CHECKING:
    from tests.simulation.station import Process
    from tests.simulation.world import World

Answer = TypeVar("Answer")
#: One pull in the world is worth many long polls: see README.
LONG_PULL_S = DAY_S
PULL_LIMIT = 50

shipped_profiles = cache(profiles)


class _Lines:
    """A line used by one process of a till; it may end in any call."""

    def __init__(self, process: "Process", line: Line) -> None:
        self._process = process
        self._line = line
        self._world: World = process.world

    async def _ask(self, what: str, do: Callable[[], Answer], lost: type[CashierError] = InDoubt) -> Answer:
        process = self._process
        process.may_die(f"before {what}")
        answer = await self._line.ask(f"{process.code} {what}", do, lost)
        process.may_die(f"after {what}")
        return answer


class GatewayLine(_Lines):
    """The till's ports Gateway and Enquiry."""

    def number_invoices(self, sale: Sale, fallback_stem: str) -> Sale:
        """See the port."""
        return cpv2.number_invoices(sale, self._profile(sale), fallback_stem)

    def emv_refusal(self, sale: Sale) -> str | None:
        """See the port."""
        return cpv2.emv_refusal(sale, self._profile(sale))

    def request(self, sale: Sale, extras: CounterExtras | None) -> str:
        """See the port."""
        check_sale(sale, shipped_profiles(), BillerLimits())
        return cpv2.request_text(sale, self._profile(sale), extras)

    def portal(self, sale: Sale, fallback: str | None) -> Portal | None:
        """See the port."""
        return Portal("https://permits.example.org/hook", sale.reference or None)

    def _profile(self, sale: Sale) -> Profile:
        return shipped_profiles()[sale.profile]

    async def launch(self, request: str, biller: str) -> str:
        """See the port."""
        return await self._ask("launch", partial(self._world.gateway.register, request, biller))

    async def reach(self) -> None:
        """See the port."""
        await self._ask("probe", lambda: None, Unavailable)

    def can_ask(self, biller: str) -> bool:
        """See the port."""
        return self._world.scenario.credentials

    async def ask(self, invoice_number: str, biller: str) -> InvoiceStatus:
        """See the port."""
        if not self.can_ask(biller):
            raise Refused("The biller GUID is not set.")
        return await self._ask("enquiry", partial(self._status, invoice_number, biller))

    async def find_invoice(self, biller: str, number: str) -> FoundInvoice | None:
        """See the port. The simulated gateway tells no dates."""
        status = await self.ask(number, biller)
        if not status.found:
            return None
        if status.balance_cents is None or status.total_due_cents is None:
            raise InDoubt("The gateway gave no clear answer.")
        return FoundInvoice(number, status.total_due_cents, status.balance_cents)

    async def find_customer(self, biller: str, account: str) -> FoundCustomer | None:
        """See the port. No customer is looked up in the simulation."""
        raise Refused("Nobody asks for customers here.")

    def _status(self, number: str, biller: str) -> InvoiceStatus:
        world = self._world
        if world.chance(world.faults.too_busy):
            raise TooBusy("The gateway is too busy.", world.random.choice((None, 2.0, 40.0)))
        if world.chance(world.faults.not_answering):
            raise InDoubt("The gateway did not answer clearly.")
        return world.gateway.status(number, biller)


class HubLine(_Lines):
    """The till's ports PostbackFeed and Holds."""

    def __init__(self, process: "Process", line: Line, key_text: str) -> None:
        super().__init__(process, line)
        self._key = till_key_from_text(key_text)
        self._bits = SeededBits(process.world.random)

    def mint_url(self, reference: str, amount_cents: int) -> str:
        """See the port."""
        claims = PostbackClaims(
            site=SITE,
            till=self._process.code,
            reference=reference,
            amount_cents=amount_cents,
            expires_at=self._world.clock.now() + self._world.postback_life,
            nonce=f"{self._bits.bits(NONCE_BITS):040x}",
        )
        return "https://hub.example.org" + mint_path(claims, self._key)

    async def pull(self, wait_s: float) -> Sequence[DeliveredPostback]:
        """See the port. Waits as long as nothing happens, not `wait_s`; an outage breaks it."""
        process, line, world = self._process, self._line, self._world
        process.may_die("before pull")
        await asyncio.sleep(world.latency_s())
        if line.down or world.chance(world.faults.lost_request):
            await asyncio.sleep(world.random.uniform(0, 8))
            raise Unavailable("The hub did not answer.")
        long_s = LONG_PULL_S if wait_s else 0.0
        waiting = asyncio.ensure_future(world.hub.pull(SITE, process.code, long_s, PULL_LIMIT))
        broke = asyncio.ensure_future(line.broke.wait())
        try:
            await asyncio.wait((waiting, broke), return_when=asyncio.FIRST_COMPLETED)
        finally:
            broke.cancel()
            waiting.cancel()
        await asyncio.sleep(world.latency_s())
        if not waiting.done() or waiting.cancelled() or line.down or world.chance(world.faults.lost_answer):
            raise Unavailable("The hub did not answer.")
        process.may_die("after pull")
        return [
            DeliveredPostback(
                item.id,
                item.received_at,
                item.reference,
                item.amount_cents,
                parse_postback(item.query, item.body),
            )
            for item in waiting.result()
        ]

    async def acknowledge(self, ids: Sequence[str]) -> None:
        """See the port."""
        store, code, clock = self._world.hub.store, self._process.code, self._world.clock
        await self._ask("ack", lambda: store.acknowledge(SITE, code, ids, clock.now()))

    async def announce(
        self,
        reference: str,
        biller: str,
        amount_cents: int,
        invoices: Sequence[InvoiceShare],
        portal: Portal | None,
    ) -> None:
        """See the port."""
        wanted = Announcement(SITE, self._process.code, reference, biller, amount_cents, tuple(invoices))
        clock = self._world.clock
        await self._ask("announce", lambda: self._world.hub.holds.announce(wanted, clock.now()))

    async def settled(self, reference: str, outcome: PaymentState) -> None:
        """See the port."""
        holds, code, clock = self._world.hub.holds, self._process.code, self._world.clock
        await self._ask("settled", lambda: holds.settled(SITE, code, reference, outcome.value, clock.now()))

    async def held(self) -> Sequence[str]:
        """See the port."""
        holds, code = self._world.hub.holds, self._process.code
        rows = await self._ask("held", lambda: holds.held(SITE, code), Unavailable)
        return [row.reference for row in rows]

    async def quarantined(self) -> Sequence[Quarantined]:
        """See the port."""
        rows = await self._ask("quarantine", lambda: self._world.hub.quarantine.open_items(SITE), Unavailable)
        return [
            Quarantined(row.id, row.received_at, row.reason, row.reference, row.invoice, row.amount, row.till)
            for row in rows
        ]
