"""Card payments: issue, launch, hints from the page, facts from the hub.

Intent before effect: a payment with its exact request is in the journal before the gateway hears of it,
and PAGE_OPENING is there before its page is opened. Decide and append happen with no `await` between.
"""

from dataclasses import asdict, dataclass, replace

from cashier.domain.entries import Draft, EntryKind, Json, utc_text
from cashier.domain.errors import Refused
from cashier.domain.ids import payment_reference
from cashier.domain.money import Cents, format_dollars
from cashier.domain.payment import (
    HINTS,
    TRANSITIONS,
    Payment,
    PaymentEvent,
    PaymentState,
    apply,
)
from cashier.domain.postback import DeliveredPostback
from cashier.domain.receipt import Receipt, Tender, TenderKind
from cashier.domain.records import postback_to_json, receipt_to_json, sale_to_json
from cashier.domain.sale import Fee, Invoice, Sale
from cashier.till.config import Biller, Reader, TillConfig
from cashier.till.identity import new_id
from cashier.till.ports import Clock, CounterExtras, Gateway, Journal, PostbackFeed, Randomness
from cashier.till.reconcile import Verdict, charge_id, judge


@dataclass(frozen=True)
class Told:
    """What taking one postback did: the payment it moved, and the receipt it made."""

    payment: Payment | None
    receipt: Receipt | None = None
    repeated: bool = False


class CardPayments:
    """The use cases of a card payment over the ports."""

    def __init__(
        self,
        config: TillConfig,
        clock: Clock,
        randomness: Randomness,
        journal: Journal,
        gateway: Gateway,
        feed: PostbackFeed,
    ) -> None:
        self._config = config
        self._clock = clock
        self._randomness = randomness
        self._journal = journal
        self._gateway = gateway
        self._feed = feed

    # -- intent ----------------------------------------------------------------------------------------

    def issue(self, sale_id: str, sale: Sale, reader: Reader | None) -> Payment:
        """Record a card payment for what is left of a sale. Nothing has been sent yet.

        Raises Refused when another attempt is open, nothing is left, the biller's card maximum is exceeded
        or the profile cannot express the sale.
        """
        self._refuse_second_attempt(sale_id)
        _refuse_equal_numbers(sale)
        due = self.remaining(sale_id, sale)
        if due.total_cents <= 0:
            raise Refused("This sale is paid already.")
        biller = self._config.biller_of(invoice.type_id for invoice in due.invoices)
        maximum = biller.card_maximum_cents
        if maximum is not None and due.total_cents > maximum:
            raise Refused(
                f"This biller takes at most {format_dollars(maximum)} by card; "
                f"this sale comes to {format_dollars(due.total_cents)}. Take cash or a check."
            )
        payment_id = new_id(self._clock, self._randomness)
        reference = payment_reference(self._config.till, payment_id)
        extras = self._extras(reference, due, biller, reader, self._gateway.emv_refusal(sale) is None)
        request = self._gateway.request(due, extras)
        body = {
            "sale_id": sale_id,
            "reference": reference,
            "biller": biller.name,
            "cashier": self._config.cashier,
            "amount_cents": due.total_cents,
            "expected_fee_cents": biller.service_fee.of(due.total_cents),
            "invoices": [
                {"number": invoice.number, "amount_cents": invoice.total_cents} for invoice in due.invoices
            ],
            "minimum_cents": _minimum(due),
            "reader": reader.label if reader else "",
            "request": request,
            "issued_at": utc_text(self._clock.now()),
        }
        drafts = []
        if self._journal.sale(sale_id) != sale:
            drafts.append(self._draft(EntryKind.SALE_RECORDED, sale_id, sale_to_json(sale)))
        drafts.append(self._draft(EntryKind.PAYMENT_ISSUED, str(payment_id), body))
        self._journal.record(drafts)
        return self._payment(reference)

    def remaining(self, sale_id: str, sale: Sale) -> Sale:
        """The sale with each invoice at what is still due on it; paid invoices are left out."""
        paid: dict[str, int] = {}
        for payment in self._journal.payments_of_sale(sale_id):
            for item in payment.confirmations:
                paid[item.invoice_number] = paid.get(item.invoice_number, 0) + item.amount_cents
        left = (_less(invoice, paid.get(invoice.number or "", 0)) for invoice in sale.invoices)
        return replace(sale, invoices=tuple(invoice for invoice in left if invoice.total_cents > 0))

    def _refuse_second_attempt(self, sale_id: str) -> None:
        for payment in self._journal.payments_of_sale(sale_id):
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
            cashier_name=self._config.cashier if reader else None,
            allow_emv=emv,
            allow_swipe=bool(reader and reader.swipe),
            emv_device_id=reader.emv_device_id if reader and emv else None,
            emv_location_id=(reader.emv_location_id or None) if reader and emv else None,
            custom_return_site_name=biller.return_site_name,
        )

    # -- effect ----------------------------------------------------------------------------------------

    async def launch(self, reference: str) -> str:
        """Register the payment's invoices with the gateway; the address of its hosted page.

        On an error the payment stays ISSUED: no page was opened, so no money can have moved, and the same
        bytes may be sent again. Raises Refused, Unavailable or InDoubt.
        """
        payment = self._payment(reference)
        if payment.state is not PaymentState.ISSUED:
            raise Refused("This payment's page was opened before. It is being checked; do not charge again.")
        url = await self._gateway.launch(payment.request, payment.biller)
        if self._payment(reference).state is not PaymentState.ISSUED:
            raise Refused("This payment was settled or given up meanwhile. Its page was not opened.")
        self.hint(reference, PaymentEvent.PAGE_OPENING)
        return url

    # -- hints -----------------------------------------------------------------------------------------

    def hint(self, reference: str, event: PaymentEvent, detail: str = "") -> Payment:
        """Record a hint. It may lead into doubt; it never ends a payment."""
        if event not in HINTS:
            raise ValueError(f"{event} is a fact")
        payment = self._payment(reference)
        state = apply(payment.state, event)
        if state is payment.state and event is PaymentEvent.PAGE_SUBMITTED:
            return payment  # only the first press after a decline says something new
        body = {"event": event.value, "state": state.value, "detail": detail}
        self._journal.record([self._draft(EntryKind.PAYMENT_HINTED, payment.id, body)])
        return self._payment(reference)

    def line_lost(self) -> None:
        """No word of the gateway can arrive: a payment whose page is open is in doubt until one does."""
        for payment in self._journal.unsettled_payments():
            if payment.state is PaymentState.OPEN:
                self.hint(payment.reference, PaymentEvent.LINE_LOST)

    def restart(self) -> tuple[Payment, ...]:
        """At start: every payment whose page was open is in doubt now. Returns the unsettled ones."""
        for payment in self._journal.unsettled_payments():
            if payment.state is PaymentState.OPEN:
                self.hint(payment.reference, PaymentEvent.TILL_RESTARTED)
        return self._journal.unsettled_payments()

    # -- facts -----------------------------------------------------------------------------------------

    def take(self, delivered: DeliveredPostback) -> Told:
        """Apply one postback from the hub, exactly once: its delivery id is the id of its entry."""
        payment = self._journal.payment(delivered.reference)
        if self._journal.has(delivered.id):
            return Told(payment, repeated=True)
        if payment is None:
            self._record_unmatched(delivered)
            return Told(None)
        verdict = judge(
            payment, delivered.postback, self._guid(payment.biller), self._declined_charges(payment)
        )
        drafts = [self._told_draft(delivered, payment, verdict)]
        receipt = self._receipt(payment, verdict)
        discrepancy = verdict.discrepancy
        if receipt is not None and receipt.due_cents < 0:
            receipt, discrepancy = None, "DUPLICATE PAYMENT: the sale was already paid; refund one of them"
        if discrepancy:
            body = {"reason": discrepancy, "postback": delivered.id}
            drafts.append(self._draft(EntryKind.DISCREPANCY_FOUND, payment.id, body))
        if receipt is not None:
            drafts.append(self._draft(EntryKind.RECEIPT_ISSUED, payment.sale_id, receipt_to_json(receipt)))
        recorded = self._journal.record(drafts)
        if receipt is not None:
            receipt = replace(receipt, number=recorded[-1].body["number"])
        return Told(self._payment(payment.reference), receipt)

    def _guid(self, biller: str) -> str:
        """The biller's GUID; empty when it is not known, also because the biller is no longer set up.

        A payment must find its end even after its biller was taken out of the settings.
        """
        return next((item.guid for item in self._config.billers if item.name == biller), "")

    def _declined_charges(self, payment: Payment) -> frozenset[str]:
        told = (
            entry.body["postback"]
            for entry in self._journal.entries(payment.id)
            if entry.body.get("event") == PaymentEvent.CONFIRMED_DECLINED.value
        )
        return frozenset(
            charge_id(item["payment_guid"], item["payment_date"], item["payment_message"]) for item in told
        )

    def _told_draft(self, delivered: DeliveredPostback, payment: Payment, verdict: Verdict) -> Draft:
        body: dict[str, object] = {
            "source": "postback",
            "received_at": delivered.received_at,
            "reason": verdict.reason,
            "postback": postback_to_json(delivered.postback),
        }
        if verdict.event is not None:
            body |= {
                "event": verdict.event.value,
                "state": apply(payment.state, verdict.event).value,
                "confirmations": [asdict(item) for item in verdict.confirmations],
            }
        return Draft(delivered.id, verdict.kind, payment.id, body)

    def _record_unmatched(self, delivered: DeliveredPostback) -> None:
        body = {
            "source": "postback",
            "received_at": delivered.received_at,
            "reason": "this till knows no payment of this reference",
            "postback": postback_to_json(delivered.postback),
        }
        draft = Draft(delivered.id, EntryKind.POSTBACK_UNMATCHED, delivered.reference, body)
        self._journal.record([draft])

    def _receipt(self, payment: Payment, verdict: Verdict) -> Receipt | None:
        """The receipt of the fact that completes a payment, not yet numbered."""
        if verdict.event is not PaymentEvent.CONFIRMED_PAID or payment.state is PaymentState.APPROVED:
            return None
        sale = self._journal.sale(payment.sale_id)
        assert sale is not None, "a payment is recorded in the commit of its sale"
        earlier = self._journal.receipts_of_sale(payment.sale_id)
        items = (*payment.confirmations, *verdict.confirmations)
        card = items[0].card_type
        tender = Tender(
            kind=TenderKind.BANK if card.upper() in ("ACH", "EFT", "ECHECK", "CHECKING") else TenderKind.CARD,
            amount_cents=Cents(sum(item.amount_cents for item in items)),
            service_fee_cents=Cents(sum(item.service_fee_cents for item in items)),
            brand=card,
            message=items[0].message,
        )
        return Receipt(
            number="",
            sale_id=payment.sale_id,
            payment_id=payment.id,
            reference=payment.reference,
            at=utc_text(self._clock.now()),
            business_date=self._clock.today().isoformat(),
            agency=self._config.agency,
            till=self._config.till,
            cashier=payment.cashier,
            customer=sale.customer,
            permit=sale.permit,
            invoices=sale.invoices,
            tenders=(tender,),
            training=self._config.training,
            paid_before_cents=Cents(sum(item.paid_cents for item in earlier)),
        )

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


def _less(invoice: Invoice, paid_cents: int) -> Invoice:
    """An invoice with what was paid taken off: one balance line in place of its fees."""
    if paid_cents <= 0:
        return invoice
    left = Cents(max(invoice.total_cents - paid_cents, 0))
    # The charge code stays: it decides whether the chip reader may be used (Grancius).
    code = next((fee.external_charge_code for fee in invoice.fees if fee.external_charge_code), None)
    balance = Fee("balance", f"Balance of invoice {invoice.number}", left, code)
    minimum = invoice.minimum_due_cents
    return replace(
        invoice,
        fees=(balance,) if left else (),
        minimum_due_cents=None if minimum is None else Cents(min(minimum, left)),
    )
