"""The people: a clerk at a till, a payer at its page, a supervisor with the gateway's portal.

They do what the window lets them do, in any order and at bad moments.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from cashier.domain.entries import EntryKind
from cashier.domain.errors import CashierError, InDoubt
from cashier.domain.money import Cents
from cashier.domain.payment import Payment, PaymentEvent, PaymentState
from cashier.domain.receipt import Tender, TenderKind
from cashier.domain.sale import Customer, Fee, Invoice, Permit, Sale
from cashier.till.till import Till
from tests.fakes.people import PIN, SUPERVISOR
from tests.fakes.shifts import close_shift, open_shift
from tests.simulation.gateway import Page
from tests.simulation.permits import Given

if TYPE_CHECKING:
    from tests.simulation.station import Process

NAMES = ("Robin Example", "Sam O'Sample", "Alex Muster", "Jo Ångström", "Kim Beispiel", "Chris Exemple")
#: What people come for: fees and how many of each.
BASKETS = (
    (("permit", 1),),
    (("visit", 2),),
    (("permit", 1), ("tech", 1)),
    (("permit", 1), ("plan", 1)),
    (("visit", 1), ("plan", 1), ("coded", 1)),
)


class Clerk:
    """A clerk for the life of one process; with the next one the day goes on."""

    def __init__(self, process: "Process") -> None:
        self._process = process
        self._till: Till = process.till
        self._world = process.world
        self._chance = process.world.chance
        self._random = process.world.random
        self.has_closed = False
        #: Of a source of its own: with or without cash a world is otherwise the same.
        self._drawer = random.Random(f"{self._world.seed} {process.code} {process.number} drawer")

    # -- the day -------------------------------------------------------------------------------------------

    async def work(self, closes: float) -> None:
        """Sell until the counter closes, then close the day."""
        await self._pause(2, 10)
        while asyncio.get_running_loop().time() < closes:
            await self._tried(self._open)
            await self._tried(self._tidy)
            await self._tried(self._sell)
            if self._drawer.random() < self._world.scenario.cash:
                await self._tried(self._sell_for_cash)
            await asyncio.sleep(self._random.expovariate(1 / self._world.scenario.gap_s))
        while not await self._close():
            await self._pause(5, 30)
        self.has_closed = True

    async def _open(self) -> None:
        open_shift(self._till.shifts)

    async def _close(self) -> bool:
        """Close the day; what is not settled is carried on. After a doubt the till is started again."""
        today = self._world.clock.today().isoformat()
        closed = self._process.disk.last_of(EntryKind.DAY_CLOSED)
        if closed is not None and closed.body["business_date"] >= today:
            return True
        await self._tried(self._tidy)
        try:
            close_shift(self._till.shifts)
        except InDoubt:
            self._process.die("for its clerk wants to know")
        except CashierError as error:
            self._world.note(f"clerk {self._process.code}: cannot close: {error.user_text[:60]}")
            return False
        return True

    async def _tried(self, verb: Callable[[], Awaitable[object]]) -> None:
        try:
            await verb()
        except CashierError as error:
            self._world.note(f"clerk {self._process.code}: is told: {error.user_text[:70]}")

    async def _pause(self, least: float, most: float) -> None:
        await asyncio.sleep(self._random.uniform(least, most))

    # -- a sale --------------------------------------------------------------------------------------------

    async def _sell(self) -> None:
        self._world.sales += 1
        if self._chance(0.05):
            await self._till.probe()
        if self._chance(self._world.scenario.given):
            await self._sell_given(self._world.permits.pick())
            return
        self._till.new_sale()
        self._till.set_customer(Customer("", self._random.choice(NAMES)))
        self._till.set_permit(Permit(f"BP-26-{self._random.randrange(10_000):04d}", "Deck"))
        for code, quantity in self._random.choice(BASKETS):
            self._till.add_fee(code, quantity)
        self._till.choose_reader(self._random.choice((None, "lane", "swipe")))
        await self._pause(5, 40)
        for _ in range(3):
            payment = await self._pay(self._till.pay_by_card)
            if payment is None or not await self._may_pay_again(payment):
                return

    async def _sell_for_cash(self) -> None:
        """A sale at the drawer, of which a portal hears by a notice of the hub alone."""
        self._till.new_sale()
        self._till.set_customer(Customer("", self._drawer.choice(NAMES)))
        self._till.add_fee("visit", self._drawer.randrange(1, 4))
        due = self._till.snapshot().draft.due_cents
        paid = Cents(due if self._drawer.random() < 0.5 else due + 500)
        self._till.take_tender(Tender(TenderKind.CASH, due, received_cents=paid))
        self._till.new_sale()

    async def _sell_given(self, given: Given) -> None:
        """A sale as a file, for an invoice that another till may be asked to take, too."""
        due = self._world.permits.due(given)
        if due <= 0:
            return
        today = self._world.clock.today()
        partial = given.minimum is not None
        invoice = Invoice(
            number=given.number if self._chance(0.9) else given.number.lower(),
            type_id=6,
            date=today,
            due_date=today,
            fees=(Fee("F1", "Building permit", Cents(due)),),
            minimum_due_cents=Cents(min(given.minimum, due)) if given.minimum is not None else None,
            allow_partial=partial or None,
        )
        sale = Sale("mcci", Customer("20077", self._random.choice(NAMES)), (invoice,), Permit("BP-26-7"))
        still_due = lambda: self._world.permits.due(given) == due  # noqa: E731
        payment = await self._pay(lambda: self._till.pay_sale(sale), given, still_due)
        if payment is not None:
            await self._may_pay_again(payment)

    async def _pay(
        self,
        verb: Callable[[], Awaitable[str]],
        given: Given | None = None,
        still_due: Callable[[], bool] = lambda: True,
    ) -> Payment | None:
        """Press pay, once or twenty times, until there is a page or not; see the payer through it."""
        before = self._till.current_reference
        url = await self._pressed(verb)
        reference = self._till.current_reference
        if reference is None or (reference == before and url is None):
            return None
        if given is not None:
            given.tries.append((self._process.code, reference))
        for _ in range(3):
            if url is not None or not self._chance(0.7) or not still_due():
                break
            await self._pause(2, 30)
            url = await self._pressed(self._till.try_again)
        payment = self._till.payment(reference)
        if url is None:
            if payment is not None and payment.state is PaymentState.ISSUED and self._chance(0.6):
                self._till.give_up()
            return None
        if not still_due():
            self._end_page(reference, PaymentEvent.PAGE_CLOSED)
            return None
        await self._attend(reference, url)
        return self._till.payment(reference)

    async def _pressed(self, verb: Callable[[], Awaitable[str]]) -> str | None:
        """The page's address of however many presses, or None."""
        presses = 20 if self._chance(0.05) else 2 if self._chance(0.1) else 1
        tasks = [self._process.spawn(self._press(verb), "press") for _ in range(presses)]
        await asyncio.wait(tasks)
        urls = [url for task in tasks if not task.cancelled() and (url := task.result())]
        return urls[-1] if urls else None

    async def _press(self, verb: Callable[[], Awaitable[str]]) -> str | None:
        await asyncio.sleep(self._random.uniform(0, 0.1))
        try:
            return await verb()
        except CashierError as error:
            self._world.note(f"clerk {self._process.code}: cannot pay: {error.user_text[:70]}")
            return None

    async def _may_pay_again(self, payment: Payment) -> bool:
        """Wait a while for the end; whether the same sale is to be paid by another attempt."""
        for _ in range(self._random.randint(1, 6)):
            now = self._till.payment(payment.reference)
            if now is None or not now.locks_sale:
                break
            if self._till.checker.can_ask(now) and self._chance(0.2):
                await self._tried(lambda: self._till.desk.check_now(payment.reference))
            await self._pause(5, 40)
        now = self._till.payment(payment.reference)
        if now is None or now.state is PaymentState.APPROVED:
            return False
        if now.locks_sale:
            return self._chance(0.2)  # a stubborn one, who is to be refused
        self._process.close_page(payment.reference)
        return self._chance(0.7)

    # -- at the page ---------------------------------------------------------------------------------------

    async def _attend(self, reference: str, url: str) -> None:
        """Open the page and watch the payer until it is gone; the clerk may lose patience."""
        scenario = self._world.scenario
        if self._chance(scenario.does_not_load):
            # The view stands there and may yet load, until the clerk closes it.
            self._end_page(reference, PaymentEvent.PAGE_FAILED)
            await self._pause(1, 40)
            self._end_page(reference, PaymentEvent.PAGE_CLOSED)
            return
        page = self._process.open_page(reference, url)
        payer = self._process.spawn(self._payer(page, reference), "payer")
        patience = 600.0
        if self._chance(scenario.closes_early):
            patience = self._random.uniform(1, 60)
        done, _ = await asyncio.wait((payer,), timeout=patience)
        event = payer.result() if done and not payer.cancelled() else PaymentEvent.PAGE_CLOSED
        payer.cancel()
        if event is PaymentEvent.RENDERER_DIED and self._world.mutant.reloads:
            page.close()
            page = self._process.open_page(reference, url)
            event = await self._payer(page, reference)
        if self._chance(0.2):
            await self._pause(0, 60)  # the page stands there with its last word
        self._end_page(reference, event)

    async def _payer(self, page: Page, reference: str) -> PaymentEvent:
        """What happens at the page, and how it ends."""
        scenario = self._world.scenario
        await self._pause(4, 40)
        if self._chance(scenario.abandons):
            # The page's own link home says nothing about a payment.
            return PaymentEvent.PAGE_RETURNED if self._chance(0.5) else PaymentEvent.PAGE_CLOSED
        for card in range(4):
            if self._chance(0.9):
                await self._tried(self._hinting(reference, PaymentEvent.PAGE_SUBMITTED))
            amounts = dict(page.session.amounts)
            minimum = page.session.minimum
            if minimum is not None and page.session.total > minimum and self._chance(0.5):
                amounts = {next(iter(amounts)): self._random.randrange(minimum, page.session.total)}
            if self._chance(scenario.renderer_dies):
                self._process.spawn(page.submit(amounts, True, 1), "a last submit")
                await asyncio.sleep(0.1)
                return PaymentEvent.RENDERER_DIED
            if card and self._chance(2 * scenario.closes_early):
                # Another card is under way when the page goes.
                self._process.spawn(page.submit(amounts, True, 1), "another card")
                await self._pause(0.1, 2)
                return PaymentEvent.PAGE_CLOSED
            presses = 2 if self._chance(scenario.double_submits) else 1
            shown = await page.submit(amounts, not self._chance(scenario.declined), presses)
            if shown == "approved":
                await self._pause(0, 20)
                return PaymentEvent.PAGE_RETURNED if self._chance(0.6) else PaymentEvent.PAGE_CLOSED
            if self._chance(0.3):
                break
            await self._pause(2, 60)
        return PaymentEvent.PAGE_CLOSED

    def _hinting(self, reference: str, event: PaymentEvent) -> Callable[[], Awaitable[object]]:
        async def hint() -> None:
            self._till.page_event(reference, event)

        return hint

    def _end_page(self, reference: str, event: PaymentEvent) -> None:
        self._process.close_page(reference)
        self._till.page_event(reference, event)

    # -- the desk ------------------------------------------------------------------------------------------

    async def _tidy(self) -> None:
        """Look after what is not settled, alone or with a supervisor."""
        for payment in self._process.disk.unsettled_payments():
            await self._tried(partial(self._tend, payment))
        if self._chance(0.05):
            await self._till.desk.refresh()
            self._world.auditor.read(repr(self._till.desk.view()) + repr(self._till.snapshot()))
        if self._chance(0.1):
            for entry in self._process.disk.open_matters()[:3]:
                note = "seen with the gateway's portal"
                await self._till.desk.see(entry.id, note=note, supervisor=SUPERVISOR, pin=PIN)

    async def _tend(self, payment: Payment) -> None:
        reference = payment.reference
        if payment.state is PaymentState.OPEN and not self._process.has_page(reference):
            self._till.page_event(reference, PaymentEvent.PAGE_CLOSED)
        elif payment.state is PaymentState.ISSUED and self._chance(0.5):
            self._till.show_payment(reference)
            self._till.give_up()
        elif payment.state is PaymentState.IN_DOUBT:
            if self._chance(0.1):
                self._world.auditor.read(repr(self._till.desk.slip(reference)))
            if self._till.checker.can_ask(payment) and self._chance(0.2):
                await self._till.desk.check_now(reference)
            elif self._chance(0.1 if self._world.scenario.credentials else 0.4):
                await self._vouch(payment)

    async def _vouch(self, payment: Payment) -> None:
        """Two people look at the gateway's portal, and say what it shows; in some worlds what it does not."""
        seen = sum(charge.total for charge in self._world.gateway.portal(payment.reference))
        if seen == payment.amount_cents or (self._world.scenario.wrong_vouches and self._chance(0.3)):
            await self._till.desk.vouch(
                payment.reference,
                authorisation="727634",
                reason="the portal shows it as paid",
                supervisor=SUPERVISOR,
                pin=PIN,
            )
