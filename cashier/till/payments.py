"""Card payments: issue, launch, hints from the page. What ends them is in `facts`.

Intent before effect: a payment with its exact request is in the journal before hub or gateway hear of it,
and PAGE_OPENING is there before its page is opened. Decide and append happen with no `await` between.
"""

from collections.abc import Callable
from dataclasses import replace

from cashier.domain.accounts import Secret, SignOnOver
from cashier.domain.entries import Draft, EntryKind, Json, utc_text
from cashier.domain.errors import Discrepancy, Held, Refused
from cashier.domain.ids import payment_reference
from cashier.domain.money import format_dollars
from cashier.domain.payment import (
    HINTS,
    TRANSITIONS,
    Payment,
    PaymentEvent,
    PaymentState,
    apply,
)
from cashier.domain.records import sale_to_json
from cashier.domain.sale import Sale
from cashier.till.accounts_views import PayerSignOn
from cashier.till.config import Biller, Reader, TillConfig
from cashier.till.day import business_date
from cashier.till.due import attempts_at, refuse_paid_elsewhere, remaining
from cashier.till.holding import give_back
from cashier.till.identity import new_id
from cashier.till.ports import (
    Clock,
    CounterExtras,
    Enquiry,
    Gateway,
    Holds,
    Journal,
    PostbackFeed,
    Randomness,
)
from cashier.till.rechecking import Changed, refuse_changed

#: How the payer agreed to amount and service fee. Both stand on the sale page, and pressing its card key is
#: the clerk's word that the payer was told; a sale that comes as a file is told on the payment page alone.
TOLD_BEFORE_LAUNCH = "told before launch"
TOLD_ON_THE_PAGE = "told on the payment page"
#: Why a registered payer's payment is not sent again.
SIGN_ON_OVER = (
    "This payment was started for a customer who was signed on, and that sign-on is over. It was given up: "
    "its page was never opened, and no money was taken. Sign the customer on again and take it anew, or take "
    "it as a one-time payment."
)


class CardPayments:
    """The use cases of a card payment over the ports. `cashier` tells who is signed in."""

    def __init__(
        self,
        config: TillConfig,
        clock: Clock,
        randomness: Randomness,
        journal: Journal,
        gateway: Gateway,
        feed: PostbackFeed,
        holds: Holds,
        cashier: Callable[[], str],
        enquiry: Enquiry | None = None,
    ) -> None:
        self._config = config
        self._clock = clock
        self._randomness = randomness
        self._journal = journal
        self._gateway = gateway
        self._feed = feed
        self._holds = holds
        self._enquiry = enquiry
        #: Whether a reference is of a sale that was put aside here and is no longer.
        self.is_resumed: Callable[[str], bool] = lambda _reference: False
        #: The sign-on of a payer, by account and biller; None for a one-time payer.
        self.payer_of: Callable[[str, str], PayerSignOn | None] = lambda _account, _biller: None
        #: By which sign-on a payment of this run was begun. Never by another: its bytes would be others.
        self._begun_by: dict[str, str] = {}
        self._cashier = cashier

    # -- intent ----------------------------------------------------------------------------------------

    def issue(
        self, sale_id: str, sale: Sale, reader: Reader | None, consent: str = TOLD_BEFORE_LAUNCH
    ) -> Payment:
        """Record a card payment for what is left of a sale. Nothing has been sent yet.

        `consent` says how the payer agreed to what is recorded beside it: amount, service fee, total.

        Raises Refused when another attempt is open, nothing is left, the biller's card maximum is exceeded or
        the profile cannot express the sale.
        """
        self._refuse_second_attempt(sale_id, sale)
        refuse_paid_elsewhere(self._journal, sale_id, sale)
        _refuse_equal_numbers(sale)
        due = remaining(self._journal, sale_id, sale)
        if due.total_cents <= 0:
            raise Refused("This sale is paid already.")
        types = [invoice.type_id for invoice in due.invoices]
        biller = self._config.biller(sale.biller) if sale.biller else self._config.biller_of(types)
        if refusal := biller.card_refusal(due.total_cents):
            raise Refused(refusal)
        payment_id = new_id(self._clock, self._randomness)
        reference = payment_reference(self._config.till, payment_id)
        extras = self._extras(reference, due, biller, reader, self._gateway.emv_refusal(sale) is None)
        payer = self.payer_of(due.customer.account_number, biller.name)
        if payer is not None:
            extras = replace(extras, is_signed_on=True)
            self._begun_by[reference] = payer.id
        request = self._gateway.request(due, extras)
        fee_cents = biller.service_fee.of(due.total_cents)
        body = {
            "sale_id": sale_id,
            "reference": reference,
            "biller": biller.name,
            "cashier": self._cashier(),
            "amount_cents": due.total_cents,
            "expected_fee_cents": fee_cents,
            # What the payer was told before the page opened (behaviour F1).
            "told_total_cents": due.total_cents + fee_cents,
            "consent": consent,
            "invoices": [
                {"number": invoice.number, "amount_cents": invoice.total_cents} for invoice in due.invoices
            ],
            "minimum_cents": _minimum(due),
            "reader": reader.label if reader else "",
            "request": request,
            "issued_at": utc_text(self._clock.now()),
            "business_date": business_date(self._journal, self._clock).isoformat(),
        }
        if payer is not None:
            body["is_signed_on"] = True
        drafts = []
        if self._journal.sale(sale_id) != sale:
            drafts.append(self._draft(EntryKind.SALE_RECORDED, sale_id, sale_to_json(sale)))
        drafts.append(self._draft(EntryKind.PAYMENT_ISSUED, str(payment_id), body))
        self._journal.record(drafts)
        return self._payment(reference)

    def _refuse_second_attempt(self, sale_id: str, sale: Sale) -> None:
        """One attempt at a time for a sale, and for an invoice, whichever sale it stands on."""
        for payment in attempts_at(self._journal, sale_id, sale):
            if payment.locks_sale:
                raise Refused(
                    f"Payment {payment.reference[:10]}… of {format_dollars(payment.amount_cents)} for this "
                    f"sale is not settled (till {payment.till}, {payment.issued_at[11:16]} UTC). "
                    "Do not charge again; wait until it is."
                )

    def _extras(
        self, reference: str, due: Sale, biller: Biller, reader: Reader | None, emv_works: bool
    ) -> CounterExtras:
        emv = bool(reader and reader.emv and emv_works)
        return CounterExtras(
            reference=reference,
            postback_url=self._feed.mint_url(reference, due.total_cents),
            return_url=self._config.return_url,
            cashier_name=self._cashier() if reader else None,
            allow_emv=emv,
            allow_swipe=bool(reader and reader.swipe),
            emv_device_id=reader.emv_device_id if reader and emv else None,
            emv_location_id=(reader.emv_location_id or None) if reader and emv else None,
            custom_return_site_name=biller.return_site_name,
        )

    # -- effect ----------------------------------------------------------------------------------------

    async def launch(self, reference: str) -> str:
        """Hold the payment's invoices at the hub and register them with the gateway; its page's address.

        On an error the payment stays ISSUED: no page was opened, so no money can have moved, and the same
        bytes may be sent again. The token of a payer who is signed on is in no record: it is added here.
        Raises Refused, Unavailable or InDoubt. Held, Changed and SignOnOver give the payment up: an invoice
        is being paid elsewhere or is no longer due as it was, or the sign-on it was begun by is over.
        """
        payment = self._payment(reference)
        if payment.state is PaymentState.APPROVED:
            raise Refused("Invoice Cloud has confirmed this payment already. Its page was not opened.")
        if payment.state is not PaymentState.ISSUED:
            raise Refused("This payment's page was opened before. It is being checked; do not charge again.")
        try:
            self._token_of(payment)
            await self.hold(payment)
            await self._refuse_changed(payment)
            token = self._token_of(payment)
        except (Held, Changed, Discrepancy, SignOnOver) as error:
            if self._payment(reference).state is PaymentState.ISSUED:
                self.hint(reference, PaymentEvent.GIVEN_UP_UNOPENED, error.user_text)
            raise
        if token is None:
            url = await self._gateway.launch(payment.request, payment.biller)
        else:
            url = await self._gateway.launch(payment.request, payment.biller, token.reveal())
        if self._payment(reference).state is not PaymentState.ISSUED:
            raise Refused("This payment was settled or given up meanwhile. Its page was not opened.")
        self.hint(reference, PaymentEvent.PAGE_OPENING)
        return url

    def _token_of(self, payment: Payment) -> Secret | None:
        """The token of a registered payer's payment; None for a one-time payer's. Raises SignOnOver."""
        if not payment.is_signed_on:
            return None
        sale = self._journal.sale(payment.sale_id)
        assert sale is not None, "a payment is recorded in the commit of its sale"
        payer = self.payer_of(sale.customer.account_number, payment.biller)
        if payer is None or payer.id != self._begun_by.get(payment.reference):
            raise SignOnOver(SIGN_ON_OVER)
        return payer.token

    async def hold(self, payment: Payment) -> None:
        """Hold a payment's invoices at every till of the site. Raises as `Holds.announce`."""
        sale = self._journal.sale(payment.sale_id)
        assert sale is not None, "a payment is recorded in the commit of its sale"
        portal = self._gateway.portal(sale, self._config.portal_url)
        wanted = (payment.reference, payment.biller, payment.amount_cents, payment.invoices, portal)
        try:
            await self._holds.announce(*wanted)
        except Held as held:
            if not await self._gave_back(held.reference):
                raise
            await self._holds.announce(*wanted)

    async def _refuse_changed(self, payment: Payment) -> None:
        """Ask about given invoices once more, now that no other till can take them. See `rechecking`."""
        sale = self._journal.sale(payment.sale_id)
        if self._enquiry is None or sale is None:
            return
        paid: dict[str, int] = {}
        for earlier in self._journal.payments_of_sale(payment.sale_id):
            for number, cents in earlier.paid_by_invoice.items():
                paid[number] = paid.get(number, 0) + cents
        launched = {share.number for share in payment.invoices}
        due = tuple(invoice for invoice in sale.invoices if invoice.number in launched)
        await refuse_changed(self._enquiry, replace(sale, invoices=due), payment.biller, paid)

    async def _gave_back(self, reference: str) -> bool:
        """Whether the holder is of our own and over: a settled payment, a sale that was put aside."""
        if self.is_resumed(reference):
            await self._holds.settled(reference, PaymentState.ABANDONED)
            return True
        holder = self._journal.payment(reference)
        if holder is None or holder.locks_sale:
            return False
        await give_back(self._holds, holder)
        return True

    # -- hints -----------------------------------------------------------------------------------------

    def hint(self, reference: str, event: PaymentEvent, detail: str = "") -> Payment:
        """Record a hint. It may lead into doubt; it never ends a payment."""
        if event not in HINTS:
            raise ValueError(f"{event} is a fact")
        payment = self._payment(reference)
        state = apply(payment.state, event)
        if event is PaymentEvent.PAGE_SUBMITTED and state is payment.state and not payment.card_declined:
            return payment  # only the first press after a decline says something new
        body = {"event": event.value, "state": state.value, "detail": detail}
        self._journal.record([self._draft(EntryKind.PAYMENT_HINTED, payment.id, body)])
        return self._payment(reference)

    def line_lost(self) -> None:
        """No word of the gateway can arrive: a payment whose page is open is in doubt until one does."""
        for payment in self._journal.unsettled_payments():
            if payment.state is PaymentState.OPEN:
                self.hint(payment.reference, PaymentEvent.LINE_LOST)

    def reader_lost(self, reader: Reader) -> None:
        """A reader was unplugged: its payment may have been taken all the same, so it is in doubt."""
        for payment in self._journal.unsettled_payments():
            if payment.state is PaymentState.OPEN and payment.reader == reader.label:
                self.hint(payment.reference, PaymentEvent.READER_LOST)

    def restart(self) -> tuple[Payment, ...]:
        """At start: no page stands any more, and a payment whose page did is in doubt; the unsettled ones."""
        for payment in self._journal.unsettled_payments():
            if not payment.page_gone:
                self.hint(payment.reference, PaymentEvent.TILL_RESTARTED)
        return self._journal.unsettled_payments()

    # -- helpers ---------------------------------------------------------------------------------------

    def _payment(self, reference: str) -> Payment:
        payment = self._journal.payment(reference)
        if payment is None:
            raise Refused(f"No payment of reference {reference!r} is in this till's journal.")
        return payment

    def _draft(self, kind: EntryKind, subject: str, body: Json) -> Draft:
        return Draft(str(new_id(self._clock, self._randomness)), kind, subject, body)


def can(payment: Payment, event: PaymentEvent) -> bool:
    """Whether the table lists this event in the payment's state."""
    return (payment.state, event) in TRANSITIONS


def _refuse_equal_numbers(sale: Sale) -> None:
    """A postback names invoices by their numbers alone, so that no two may share one."""
    numbers = [invoice.number for invoice in sale.invoices]
    if len(set(numbers)) < len(numbers):
        raise Refused("Two invoices of this sale have the same number. A payment could not be told apart.")


def _minimum(sale: Sale) -> int | None:
    """The smallest partial payment the launch allows; partial payments need a single invoice."""
    if len(sale.invoices) != 1 or not sale.invoices[0].allow_partial:
        return None
    return min(sale.invoices[0].minimum_due_cents or 1, sale.total_cents)
