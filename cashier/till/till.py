"""The till: what every front end holds. Verbs go in, one snapshot comes out, one notification says "look".

Everything runs on one loop and one thread; a verb that decides appends to the journal before it yields.
"""

import contextlib
import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from cashier.domain.corrections import Correction
from cashier.domain.daily import DailyReport, Scope
from cashier.domain.entries import Entry, EntryKind
from cashier.domain.errors import CashierError, InDoubt, Refused, Unavailable
from cashier.domain.fees import (
    Schedule,
    ScheduledFee,
    search,
)
from cashier.domain.money import Cents, format_dollars
from cashier.domain.payment import PAGE_HINTS, Payment, PaymentEvent, PaymentState
from cashier.domain.people import Permission
from cashier.domain.postback import DeliveredPostback
from cashier.domain.pricing import quick_price
from cashier.domain.receipt import Receipt, Tender
from cashier.domain.sale import Customer, Permit, Sale
from cashier.till.accounts import Accounts
from cashier.till.administration import Administration
from cashier.till.catch_up import CatchUp
from cashier.till.checking import Checker, Sleep
from cashier.till.config import Reader, TillConfig
from cashier.till.corrections import Corrections
from cashier.till.day import business_date, close_day
from cashier.till.desk import Desk
from cashier.till.draft import Draft, FeeQuestion
from cashier.till.due import all_held, held_tenders, standing_receipts
from cashier.till.facts import Facts, Told
from cashier.till.held_sales import HeldSale, HeldSales
from cashier.till.holding import HoldKeeper
from cashier.till.identity import new_id
from cashier.till.integrity import Integrity
from cashier.till.line import Line
from cashier.till.notices import NoticeMaker
from cashier.till.outbox import Outbox
from cashier.till.parking import Parking
from cashier.till.payments import TOLD_BEFORE_LAUNCH, TOLD_ON_THE_PAGE, CardPayments, can
from cashier.till.people import People
from cashier.till.ports import Clock, Daybook, Outside, PeopleJournal, Randomness, ReaderTold
from cashier.till.printing import PrintConfig, Printing
from cashier.till.readers import CardReaders
from cashier.till.reporting import Counter, JournalDaybook, shown
from cashier.till.rescued import Found, Rescued
from cashier.till.retrieve import Retrieving, refuse_mixed
from cashier.till.schedule_import import ScheduleImports, TillSchedules
from cashier.till.senders import OwnJournal
from cashier.till.shifts import Shifts
from cashier.till.snapshot import LineState, Snapshot, take_snapshot
from cashier.till.tenders import Taken, Tenders

#: How many receipts a search shows; more would be scrolled past, not read.
SEARCH_LIMIT = 200
#: How many fees the type-ahead offers.
OFFERS_LIMIT = 12
RECENT_LIMIT = 3


class Till:
    """One counter's till."""

    def __init__(
        self,
        config: TillConfig,
        clock: Clock,
        randomness: Randomness,
        journal: PeopleJournal,
        outside: Outside,
        schedule_on: Callable[[dt.date], Schedule],
        sleep: Sleep | None = None,
        prints: PrintConfig | None = None,
    ) -> None:
        self.config = config
        self._clock = clock
        self._randomness = randomness
        self._journal = journal
        self._gateway = outside.gateway
        self._schedule_on = schedule_on
        self.rescued = Rescued(outside.rescued)
        self.people = People(config.cashier, clock, randomness, journal, outside.pin_hasher, self._changed)
        self._payments = CardPayments(
            config,
            clock,
            randomness,
            journal,
            outside.gateway,
            outside.feed,
            outside.holds,
            lambda: self.people.name,
            outside.enquiry,
        )
        self._aside = HeldSales(config, clock, randomness, journal, outside.holds, lambda: self.people.name)
        self._payments.is_resumed = self._aside.is_over
        self.retrieving = Retrieving(
            config, clock, outside.enquiry, lambda: self._draft, self._edit, self._aside.whose
        )
        self._facts = Facts(config, clock, randomness, journal)
        self.checker = Checker(config.waits, clock, journal, outside.enquiry, self._facts, self._told, sleep)
        self.holding = HoldKeeper(
            outside.holds, journal, self._payments.hold, self._aside.is_over, self._hold_aside
        )
        self.desk = Desk(
            config,
            clock,
            journal,
            outside.holds,
            self.people,
            self._facts,
            self.checker,
            self._told,
        )
        self.integrity = Integrity(clock, randomness, journal, self.people, self._changed)
        self.readers = CardReaders(
            config.readers, clock, randomness, journal, self._changed, self._reader_lost
        )
        self.shifts = Shifts(
            config,
            clock,
            randomness,
            journal,
            self.people,
            self.integrity,
            self._changed,
            self._refuse_while_paying,
        )
        self.tenders = Tenders(config, clock, randomness, journal, self.people, self.shifts)
        self.corrections = Corrections(
            clock, randomness, journal, self.people, self.shifts, self.integrity, self._changed
        )
        self.corrections.elsewhere = self.rescued.refusal
        self._listeners: list[Callable[[], None]] = []
        self._line = Line()
        self._busy = False
        self._reader_probe = outside.reader_probe
        self._asks_reader = False
        self._current: str | None = None
        self._draft = self._new_draft()
        #: Sales for which something was held when the till last ended; no screen shows them any more.
        self._sales_before = tuple(dict.fromkeys(item.sale_id for item in all_held(journal)))
        self.printing = Printing(
            replace(prints or PrintConfig(), clerk=lambda: self.people.name),
            config,
            clock,
            randomness,
            journal,
            self.rescued,
        )
        self.parking = Parking(config, clock, self._aside, self.printing.config, lambda: self.people.name)
        self.accounts = Accounts(
            config.accounts,
            clock,
            randomness,
            outside.accounts,
            outside.letters,
            self.people,
            journal,
            self._changed,
        )
        self.administration = Administration(
            clock, randomness, journal, self.people, outside.administration, self._changed
        )
        self.schedules = TillSchedules(self._schedule_imports(outside), journal, self.people.require)
        self._payments.payer_of = self.accounts.payer_of
        self.subscribe(self.accounts.look)
        self.outbox = Outbox(
            config.till,
            clock,
            randomness,
            journal,
            outside.second_copy,
            NoticeMaker(config, journal, outside.gateway),
            self._changed,
            self.integrity.forked,
            sleep,
        )
        self.subscribe(self.outbox.look)
        has_copy = outside.second_copy is not None
        self.catch_up = CatchUp(self._line, journal, self.outbox, self.checker, has_copy=has_copy)
        self.subscribe(self.catch_up.look)
        self.printing.subscribe(self._changed)
        self.subscribe(self.printing.look)
        for payment in self._payments.restart():
            self._facts.match_waiting(payment.reference)

    # -- looking -----------------------------------------------------------------------------------------

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Be told, without arguments, that a new snapshot is worth a look."""
        self._listeners.append(listener)

    def snapshot(self) -> Snapshot:
        """Everything a front end shows, as one immutable value."""
        payment = self._journal.payment(self._current) if self._current else None
        return take_snapshot(
            config=self.config,
            draft=self._draft,
            draft_payments=self._journal.payments_of_sale(self._draft.sale_id),
            paid_cents=self._paid_cents(),
            payment=payment,
            payment_entries=tuple(self._journal.entries(payment.id)) if payment else (),
            unsettled=self._journal.unsettled_payments(),
            receipt=self._receipt_of(payment) if payment else None,
            recent=self._journal.search("", RECENT_LIMIT),
            line=self._line.state,
            line_fault=self._line.fault,
            refusal=self.integrity.refusal,
            busy=self._busy,
            emv_refusal=self._emv_refusal(),
            readers=self.readers.views(),
            held=held_tenders(self._journal, self._draft.sale_id),
            held_before=tuple(
                item for sale_id in self._sales_before for item in held_tenders(self._journal, sale_id)
            ),
            aside=self._aside.all(),
            people=self.people.view(),
            shift=self.shifts.view(),
            not_allowed=self.people.refusal(Permission.TAKE_PAYMENTS) or self.shifts.refusal(),
            outbox=self.outbox.view(),
            caught_up=self.catch_up.text,
        )

    def bring(self, till: str, journal: OwnJournal) -> None:
        """Tell the hub, and the portals, what another till's rescued journal has not told them yet."""
        make = NoticeMaker(replace(self.config, till=till), journal, self._gateway)
        self.outbox.bring(till, journal, make)

    def _changed(self) -> None:
        for listener in self._listeners:
            listener()

    def _paid_cents(self) -> Cents:
        receipts = standing_receipts(self._journal, self._draft.sale_id)
        return Cents(sum(receipt.paid_cents for receipt in receipts))

    def _receipt_of(self, payment: Payment) -> Receipt | None:
        receipts = self._journal.receipts_of_sale(payment.sale_id)
        return next((receipt for receipt in receipts if receipt.payment_id == payment.id), None)

    def _emv_refusal(self) -> str | None:
        return self._gateway.emv_refusal(self._unnumbered_sale()) if self._draft.has_lines else None

    # -- fee schedules -----------------------------------------------------------------------------------

    def _schedule_imports(self, outside: Outside) -> ScheduleImports | None:
        if outside.schedules is None:
            return None
        return ScheduleImports(
            outside.schedules,
            self._clock,
            self._randomness,
            type_ids={type_id for biller in self.config.billers for type_id in biller.invoice_types},
            sent_ids=self.config.rules.type_ids,
            in_use=lambda: self._draft.schedule.name,
            changed=self._schedules_changed,
        )

    def _schedules_changed(self) -> None:
        self._draft_of_today()
        self._changed()

    def _draft_of_today(self) -> Draft:
        """The draft, from now on as `_priced_today` has it: a till may have stood empty overnight."""
        with contextlib.suppress(Refused):  # where today has no schedule, the next fee that is added says so
            self._draft = self._priced_today(self._draft)
        return self._draft

    def _priced_today(self, draft: Draft) -> Draft:
        """A draft that goes by today's schedule, unless prices were told to somebody by an earlier one."""
        if draft.lines:
            return draft
        schedule = self._schedule_on(self._clock.today())
        return draft if schedule is draft.schedule else replace(draft, schedule=schedule)

    # -- the draft ---------------------------------------------------------------------------------------

    @property
    def schedule(self) -> Schedule:
        """The fee schedule of the sale on the screen."""
        return self._draft.schedule

    def search_fees(self, text: str) -> tuple[ScheduledFee, ...]:
        """Fees as typed, best first."""
        return search(self._draft_of_today().schedule, text, OFFERS_LIMIT)

    def preview(
        self, code: str, quantity: int, measures: Mapping[str, str], changing: int | None = None
    ) -> Cents:
        """The price of a fee on this sale before it is added, or of the line about to change.

        Raises Refused when it cannot be priced.
        """
        return self._draft_of_today().preview(code, quantity, measures, changing)

    def quick_price(self, code: str) -> str:
        """A short price for lists: `72.00`, `from 31.50`."""
        return quick_price(self._draft_of_today().schedule, code)

    def asks(self, code: str) -> FeeQuestion:
        """What to ask before this fee can be priced."""
        return self._draft_of_today().asks(code)

    def add_fee(self, code: str, quantity: int = 1, measures: Mapping[str, str] | None = None) -> None:
        """Add a fee to the sale."""
        self._edit(lambda draft: self._priced_today(draft).add(code, quantity, measures or {}))

    def change_fee(self, number: int, quantity: int, measures: Mapping[str, str]) -> None:
        """Change a line in place."""
        self._edit(lambda draft: draft.change(number, quantity, measures))

    def remove_fee(self, number: int) -> None:
        """Take a line off the sale."""
        self._edit(lambda draft: draft.remove(number))

    def set_customer(self, customer: Customer) -> None:
        """Who pays."""
        self._edit(lambda draft: replace(draft, customer=customer))

    def set_permit(self, permit: Permit | None) -> None:
        """What for."""
        self._edit(lambda draft: replace(draft, permit=permit))

    def choose_reader(self, reader_id: str | None) -> None:
        """The clerk's choice of reader; None is a card typed in by the payer."""
        self.readers.choose(reader_id)
        self._draft = replace(self._draft, reader_id=reader_id)
        self._changed()

    def bind_reader(self, reader_id: str, device: str) -> None:
        """The clerk says that a reader is the one on a port; it is chosen, too."""
        self.readers.bind(reader_id, device)
        self._draft = replace(self._draft, reader_id=reader_id)
        self._changed()

    def reader_families(self) -> Mapping[str, str]:
        """The families of readers that can be asked what they are, by name, as a person calls them."""
        return self._reader_probe.families()

    def reader_announces(self, family: str) -> str:
        """What asking does that can be seen on the reader, or empty."""
        return self._reader_probe.announces(family)

    async def ask_reader(self, device: str, family: str) -> ReaderTold:
        """Ask what is on a port. Never while a payment is before a payer: a reader may be at work for it."""
        self._refuse_while_paying()
        if not all(payment.page_gone for payment in self._journal.unsettled_payments()):
            raise Refused("A payment page still stands. Close it before a reader is asked.")
        reader = next((view.reader for view in self.readers.views() if view.device == device), None)
        baud, rts_cts = (reader.baud, reader.rts_cts) if reader and reader.family == family else (None, False)
        if self._asks_reader:
            raise Refused("A reader is being asked already. Wait until it has answered.")
        self._asks_reader = True
        try:
            return await self._reader_probe.ask(device, family, baud, rts_cts)
        finally:
            self._asks_reader = False

    def new_sale(self) -> None:
        """Put the sale away and start an empty one. Refused while its payment is not settled at the page."""
        self._refuse_while_paying()
        if held := held_tenders(self._journal, self._draft.sale_id):
            cents = Cents(sum(item.tender.amount_cents for item in held))
            raise Refused(
                f"{format_dollars(cents)} was taken for this sale and is on no receipt yet. Take the rest, "
                "issue the receipt of a part payment, or give it back."
            )
        self.accounts.sale_over(self._draft.customer.account_number)
        self._draft, self._current = self._new_draft(), None
        self._changed()

    def _refuse_while_paying(self) -> None:
        """While a page is asked for or open, the payment page stays with its payment.

        A page that was open when the till last ended is in doubt by now: what is OPEN is before a payer.
        """
        if self._busy:
            raise Refused("A card payment is being started. Wait until it is.")
        if any(item.state is PaymentState.OPEN for item in self._journal.unsettled_payments()):
            raise Refused("The payment page is still open. Stop waiting first.")

    def _new_draft(self) -> Draft:
        schedule = self._schedule_on(self._clock.today())
        return Draft(str(new_id(self._clock, self._randomness)), schedule, reader_id=self.readers.at_start())

    def _edit(self, change: Callable[[Draft], Draft]) -> None:
        """Change the draft. A sale that was sent to the gateway stays as it was: a change makes a new one."""
        draft = change(self._draft)
        if draft == self._draft:
            return  # a field that was left as it was
        payments = self._refuse_touched("It cannot be changed now", "Start a new sale for further fees")
        refuse_mixed(self.config, draft)
        if payments or self._journal.sale(self._draft.sale_id) is not None:
            draft = replace(draft, sale_id=str(new_id(self._clock, self._randomness)))
            self._current = None
        self._draft = draft
        self._changed()

    def _refuse_touched(self, unsettled: str, paid: str) -> tuple[Payment, ...]:
        """Refuse a sale that money has touched; else its earlier attempts, all of them over."""
        payments = self._journal.payments_of_sale(self._draft.sale_id)
        if any(payment.locks_sale for payment in payments):
            raise Refused(f"A card payment for this sale is not settled. {unsettled}.")
        if held_tenders(self._journal, self._draft.sale_id):
            raise Refused(f"Money was taken for this sale. {unsettled}: give it back first.")
        if self._paid_cents():
            raise Refused(f"This sale is partly or fully paid. {paid}.")
        return payments

    # -- hold and resume ---------------------------------------------------------------------------------

    async def hold_sale(self) -> HeldSale:
        """Put the sale aside and start an empty one. Raises as `HeldSales.hold`.

        While cards cannot be taken it is parked: it waits for the line.
        """
        self._claim()
        try:
            draft = self._draft
            self._refuse_touched("It cannot be put aside", "It cannot be put aside")
            held = await self._aside.hold(
                draft,
                lambda: self._draft is draft,
                line_fault=self._line.fault,
                hub_answers=self._line.hub is not LineState.OFFLINE,
            )
            self.accounts.sale_over(draft.customer.account_number)
            self._draft, self._current = self._new_draft(), None
            return held
        finally:
            self._release()

    def resume_sale(self, held_id: str) -> str:
        """Take a sale up again; what has changed of its prices, in words, or empty. Raises Refused."""
        self._refuse_while_paying()
        if not self._draft.is_empty:
            raise Refused("Another sale is on the screen. Take it, put it aside, or start a new one first.")
        self._draft, note = self._aside.resume(held_id, self._new_draft())
        self._current = None
        self.holding.ring()
        self._changed()
        return note

    async def _hold_aside(self, known: Collection[str]) -> None:
        """Hold at the hub what was parked while it was out of reach (`HeldSales.hold_again`)."""
        if await self._aside.hold_again(known):
            self._changed()

    def drop_held_sale(self, held_id: str) -> None:
        """Give a sale up that was put aside. Nothing of it was paid."""
        self._aside.drop(held_id)
        self.holding.ring()
        self._changed()

    def _unnumbered_sale(self) -> Sale:
        partial = self.config.rules.partial_payments
        return self._draft.sale(self.config.profile, self._clock.today(), partial_payments=partial)

    def _sale(self) -> Sale:
        """The draft as a sale with every invoice and the account numbered."""
        recorded = self._journal.sale(self._draft.sale_id)
        if recorded is not None:
            return recorded
        stem = self._stem(self._draft.sale_id)
        sale = self._unnumbered_sale()
        if not sale.customer.account_number:
            if self.config.account_required:
                raise Refused("This permit system needs the customer's account number.")
            sale = replace(sale, customer=replace(sale.customer, account_number=stem))
        return self._gateway.number_invoices(sale, stem)

    def _stem(self, sale_id: str) -> str:
        """What made-up account and invoice numbers start with: the till's code and the sale's last 48 bits.

        The till's code stands in the middle once more: a run of 13 digits in a postback's invoice number
        might be taken for a card number and masked.
        """
        tail = sale_id.replace("-", "")[-12:]
        return f"{self.config.till}{tail[:6]}{self.config.till}{tail[6:]}"

    # -- the card payment --------------------------------------------------------------------------------

    async def pay_by_card(self) -> str:
        """Record a card payment for the sale and register it; the address of the page to open.

        Twenty presses in a row make one attempt. On an error the payment stays recorded, unopened, and
        `try_again` sends the same bytes. Raises Refused, Unavailable or InDoubt.
        """
        self._claim()
        try:
            self._refuse_unready()
            self._refuse_card()
            reader = self.readers.of_id(self._draft.reader_id)
            self.readers.refuse(reader)
            payment = self._issue(self._draft.sale_id, self._sale(), reader)
            return await self._launch(payment.reference)
        finally:
            self._release()

    async def pay_sale(self, sale: Sale) -> str:
        """Record and register a card payment for a sale that came as a file; the address of its page."""
        self._claim()
        try:
            self._refuse_card()
            sale_id = str(new_id(self._clock, self._randomness))
            given = (replace(item, is_given=item.number is not None) for item in sale.invoices)
            sale = replace(sale, invoices=tuple(given))
            sale = self._gateway.number_invoices(sale, self._stem(sale_id))
            payment = self._issue(sale_id, sale, None, TOLD_ON_THE_PAGE)
            return await self._launch(payment.reference)
        finally:
            self._release()

    async def try_again(self) -> str:
        """Send the recorded payment's same bytes again; the address of the page to open."""
        self._claim()
        try:
            self._refuse_card()
            reference = self._current_reference()
            if payment := self._journal.payment(reference):
                self.readers.refuse(self.readers.of_label(payment.reader))
            return await self._launch(reference)
        finally:
            self._release()

    def _issue(
        self, sale_id: str, sale: Sale, reader: Reader | None, consent: str = TOLD_BEFORE_LAUNCH
    ) -> Payment:
        payment = self._payments.issue(sale_id, sale, reader, consent)
        self._current = payment.reference
        self._facts.match_waiting(payment.reference)
        return payment

    async def _launch(self, reference: str) -> str:
        try:
            return await self._payments.launch(reference)
        finally:
            self._moved(reference)

    def _refuse_card(self) -> None:
        """No attempt is made that could not be confirmed (behaviour O5), or recorded soundly (A1)."""
        self.people.require(Permission.TAKE_PAYMENTS)
        if why := self.shifts.refusal():
            raise Refused(why)
        self.integrity.require()
        if self._asks_reader:
            raise Refused("A reader is being asked what it is. Try again in a moment.")
        if self._line.state is LineState.OFFLINE:
            raise Refused(
                f"Cards cannot be taken now: {self._line.fault}. No money was taken. Take cash or a check."
            )

    def _refuse_unready(self) -> None:
        if not self._draft.has_lines:
            raise Refused("There is nothing to pay yet. Add a fee first.")
        if not self._draft.customer.name.strip():
            raise Refused("Who pays? Enter the customer's name first.")

    def give_up(self) -> None:
        """Give up a payment whose page was never opened. Refused while its page is being asked for."""
        self.people.require(Permission.TAKE_PAYMENTS)
        if self._busy:
            raise Refused("A card payment is being started. Wait until it is.")
        payment = self._journal.payment(self._current_reference())
        if payment is None or not can(payment, PaymentEvent.GIVEN_UP_UNOPENED):
            raise Refused("This payment's page was opened: it cannot be given up. Only a fact settles it.")
        self._payments.hint(payment.reference, PaymentEvent.GIVEN_UP_UNOPENED)
        self._moved(payment.reference)
        self._changed()

    def page_event(self, reference: str, event: PaymentEvent, detail: str = "") -> None:
        """What the page, its renderer or the clerk's closing of it suggests. Never ends a payment.

        An event that the payment's state does not list is a page outliving its payment, and ignored.
        """
        if event not in PAGE_HINTS:
            raise ValueError(f"{event} is not a page's to tell")
        payment = self._journal.payment(reference)
        if payment is not None and can(payment, event):
            self._payments.hint(reference, event, detail)
            self.checker.ring(reference if event is PaymentEvent.PAGE_RETURNED else None)
            self._changed()

    def show_payment(self, reference: str) -> None:
        """Bring an earlier payment's standing to the payment page."""
        if self._journal.payment(reference) is None:
            raise Refused("This payment is not in this till's journal.")
        if reference != self._current:
            self._refuse_while_paying()
        self._current = reference
        self._changed()

    def take(self, delivered: DeliveredPostback) -> Told:
        """Apply one postback. Raises Unavailable when the journal could not record it."""
        told = self._facts.take(delivered)
        self._told(told)
        return told

    def _told(self, told: Told) -> None:
        """Something was told of a payment, or of none."""
        if told.payment is not None:
            self._moved(told.payment.reference)
        self._changed()

    def _moved(self, reference: str) -> None:
        """A payment's state may have changed: who asks, who holds and what is at hand follow."""
        payment = self._journal.payment(reference)
        if payment is not None and not payment.locks_sale:
            self.desk.ended(payment)
        self.holding.ring()
        self.checker.ring()

    def close_day(self) -> Entry:
        """Close the open business date; payments that are not settled are carried on by name.

        Closing depends on no answer of anyone. Refused while a payment is before a payer.
        """
        closer = self.people.require(Permission.CLOSE_SHIFT)
        self._refuse_while_paying()
        by, till = closer.name, self.config.till
        entry = close_day(self._journal, self._clock, self._randomness, by, till=till)
        self._changed()
        return entry

    @property
    def business_date(self) -> dt.date:
        """The open business date."""
        return business_date(self._journal, self._clock)

    def report(self, scope: Scope) -> DailyReport:
        """The daily receipts of a scope: a closed day's Z, or the X of the open day. Changes nothing.

        Raises Refused as `reporter` does.
        """
        return self.reporter()(scope, JournalDaybook(self._journal))

    def reporter(self) -> Callable[[Scope, Daybook], DailyReport]:
        """Makes reports, also on another thread with a daybook of that thread's own.

        Raises Refused for one who may not see them: an X tells what must be in the drawer, which whoever
        counts it must not know (behaviour T2).
        """
        counter, now = self.report_maker()
        return lambda scope, daybook: shown(daybook, counter, scope, now)

    def report_maker(self) -> tuple[Counter, dt.datetime]:
        """Who makes a report now, and when. Raises Refused as `reporter` does."""
        return Counter.of(self.config, self.people.require(Permission.PRINT_REPORTS).name), self._clock.now()

    # -- the drawer --------------------------------------------------------------------------------------

    def take_tender(self, tender: Tender) -> Taken:
        """Take cash, a check or a money order for the sale; with the one that pays the rest its receipt.

        Works off line. Raises Refused, Unavailable (nothing was recorded) or InDoubt.
        """
        if self._busy:
            raise Refused("A card payment is being started. Wait until it is.")
        self.integrity.require()
        self._refuse_unready()
        taken = self.tenders.take(self._draft.sale_id, self._sale(), tender)
        self._changed()
        return taken

    def finish_part(self, sale_id: str) -> Receipt:
        """Issue the receipt of what is held for a sale, though more is due."""
        receipt = self.tenders.finish_part(sale_id)
        self._changed()
        return receipt

    def give_back(self, sale_id: str, tender_ids: Sequence[str], reason: str) -> Cents:
        """Record that held tenders went back to the payer; how much that was."""
        cents = self.tenders.give_back(sale_id, tender_ids, reason)
        self._changed()
        return cents

    def payer_of(self, sale_id: str) -> str:
        """Whose a recorded sale is."""
        sale = self._journal.sale(sale_id)
        return sale.customer.name if sale else ""

    async def release_for_cash(self, reference: str, *, reason: str, supervisor: str, pin: str) -> None:
        """Let the sale of a payment in doubt be paid at the drawer, as two people decide (behaviour P5)."""
        await self.tenders.release(reference, reason=reason, supervisor=supervisor, pin=pin)
        self._changed()

    # -- the line ----------------------------------------------------------------------------------------

    def line_is(self, line: LineState) -> None:
        """What the hub's feed says of the line."""
        if line is self._line.hub:
            return
        self._line.hub = line
        if line is LineState.OFFLINE:
            self.catch_up.line_goes()
            # When it is the journal that fails, the hint cannot be recorded either: the line says so by
            # itself, and the next start puts an open payment into doubt.
            with contextlib.suppress(Unavailable, InDoubt):
                self._payments.line_lost()
        elif line is LineState.ONLINE:
            self.holding.ring()
            self.outbox.line_is_up()
        self._changed()

    def seen_catch_up(self) -> None:
        """The clerk has read what became of an outage."""
        self.catch_up.seen()
        self._changed()

    def _reader_lost(self, reader: Reader) -> None:
        # As with the line: what the journal cannot record now, the next start puts into doubt.
        with contextlib.suppress(Unavailable, InDoubt):
            self._payments.reader_lost(reader)
        self.checker.ring()

    def gateway_is(self, line: LineState) -> None:
        """What the probe of the gateway says."""
        if line is not self._line.gateway:
            self._line.gateway = line
            self._changed()

    async def probe(self) -> LineState:
        """Ask whether the gateway can be reached; the system's own "online" flag says nothing of it."""
        try:
            await self._gateway.reach()
        except CashierError:
            self.gateway_is(LineState.OFFLINE)
        else:
            self.gateway_is(LineState.ONLINE)
        return self._line.gateway

    # -- payments ----------------------------------------------------------------------------------------

    def payment(self, reference: str) -> Payment | None:
        """A payment by its reference."""
        return self._journal.payment(reference)

    @property
    def current_reference(self) -> str | None:
        """The payment on the payment page."""
        return self._current

    def _current_reference(self) -> str:
        if self._current is None:
            raise Refused("There is no payment to go on with.")
        return self._current

    def _claim(self) -> None:
        if self._busy:
            raise AlreadyAsked("The payment is being started.")
        self._busy = True
        self._changed()

    def _release(self) -> None:
        self._busy = False
        self._changed()

    # -- receipts ----------------------------------------------------------------------------------------

    def receipts(self, text: str) -> tuple[Receipt, ...]:
        """Receipts as typed, newest first."""
        return self._journal.search(text, SEARCH_LIMIT)

    def find(self, text: str) -> Found:
        """The same, with those of other tills whose journals were rescued to this one."""
        return self.rescued.search(self.receipts(text), text, SEARCH_LIMIT)

    def done_to(self, number: str) -> tuple[Correction, ...]:
        """What was done to a receipt, this till's or a rescued one, in order."""
        return self.rescued.corrections(number) or self.corrections.book.of(number)

    def receipt(self, number: str) -> Receipt | None:
        """One receipt."""
        return self._journal.receipt(number)

    def entries_of(self, kinds: Collection[EntryKind], after: int = 0) -> Iterator[Entry]:
        """See `Journal`: to look at what was recorded, in order."""
        return self._journal.entries_of(kinds, after)


class AlreadyAsked(CashierError):
    """The same verb is still under way: a second press of the same key. Nothing to tell the clerk."""
