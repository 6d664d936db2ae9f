"""Made-up sales, payments and receipts, as drafts for a journal."""

import datetime as dt
import itertools
from dataclasses import dataclass, field, replace
from typing import Any

from cashier.domain.entries import Draft, EntryKind, Json
from cashier.domain.money import Cents
from cashier.domain.payment import PaymentEvent, PaymentState, apply
from cashier.domain.receipt import Receipt, Tender, TenderKind
from cashier.domain.records import receipt_to_json, sale_to_json
from cashier.domain.sale import Customer, Fee, Invoice, Permit, Sale

_DAY = dt.date(2026, 2, 3)


@dataclass
class FixedClock:
    """A clock that a test sets. The counter is five hours behind UTC."""

    moment: dt.datetime = field(default_factory=lambda: dt.datetime(2026, 2, 3, 15, 4, 5, 123456, dt.UTC))

    def now(self) -> dt.datetime:
        return self.moment

    def today(self) -> dt.date:
        return (self.moment - dt.timedelta(hours=5)).date()

    def monotonic(self) -> float:
        return self.moment.timestamp()


def make_sale(payer: str = "Robin Example", permit: str = "CSGN-26-000012", invoice: str = "700001") -> Sale:
    """One invoice of 145.50 and 78.68, which is 224.18."""
    fees = (Fee("F1", "Commercial Sign Fee", Cents(14550)), Fee("F2", "Plan Review", Cents(7868)))
    return Sale(
        profile="sagesgov",
        customer=Customer(
            "J_200001", payer, "3 Sample Lane", "Sampletown", "GA", "30001", "robin@example.org"
        ),
        permit=Permit(permit, "Commercial Sign Application"),
        invoices=(Invoice(invoice, 43, _DAY, _DAY, fees),),
        reference=invoice,
    )


def make_receipt(sale_id: str, sale: Sale, till: str = "A", paid_cents: int | None = None) -> Receipt:
    """A receipt by card of a sale, with a service fee of 5.61, not numbered."""
    paid = Cents(sale.total_cents if paid_cents is None else paid_cents)
    return Receipt(
        number="",
        sale_id=sale_id,
        payment_id=f"payment-of-{sale_id}",
        reference=f"{till}-{sale_id}",
        at="2026-02-03T15:04:05.123Z",
        business_date="2026-02-03",
        agency="Sampletown Building Department",
        till=till,
        cashier="Kim Clerk",
        customer=sale.customer,
        permit=sale.permit,
        invoices=sale.invoices,
        tenders=(Tender(TenderKind.CARD, paid, Cents(561), "VISA", "APPROVED 727634"),),
        training=True,
    )


class Drafts:
    """Drafts with ids that count up. Follows each payment's state, so that its entries are true."""

    def __init__(self, prefix: str = "id", till: str = "A") -> None:
        self._till = till
        self._ids = (f"{prefix}-{number:06d}" for number in itertools.count(1))
        self._states: dict[str, PaymentState] = {}

    def draft(self, kind: EntryKind, subject: str, body: Json) -> Draft:
        return Draft(next(self._ids), kind, subject, body)

    def sale(self, sale_id: str, sale: Sale | None = None) -> Draft:
        return self.draft(EntryKind.SALE_RECORDED, sale_id, sale_to_json(sale or make_sale()))

    def issued(self, payment_id: str, sale_id: str, **changes: Any) -> Draft:
        self._states[payment_id] = PaymentState.ISSUED
        body: dict[str, Any] = {
            "sale_id": sale_id,
            "reference": f"A-{payment_id}",
            "biller": "Building",
            "cashier": "Kim Clerk",
            "amount_cents": 22418,
            "expected_fee_cents": 561,
            "invoices": [{"number": "700001", "amount_cents": 22418}],
            "minimum_cents": None,
            "reader": "Window 1",
            "request": '{"BalanceDue": "224.18"}',
            "issued_at": "2026-02-03T15:04:05.123Z",
        }
        return self.draft(EntryKind.PAYMENT_ISSUED, payment_id, body | changes)

    def hinted(self, payment_id: str, event: PaymentEvent, detail: str = "") -> Draft:
        body = {"event": event.value, "state": self._moved(payment_id, event), "detail": detail}
        return self.draft(EntryKind.PAYMENT_HINTED, payment_id, body)

    def told(self, payment_id: str, event: PaymentEvent, reason: str = "", *confirmations: Json) -> Draft:
        body = {
            "event": event.value,
            "state": self._moved(payment_id, event),
            "reason": reason,
            "source": "postback",
            "postback": None,
            "confirmations": list(confirmations),
        }
        return self.draft(EntryKind.PAYMENT_TOLD, payment_id, body)

    def receipt(self, sale_id: str, sale: Sale | None = None, **changes: Any) -> Draft:
        receipt = replace(make_receipt(sale_id, sale or make_sale(), self._till), **changes)
        return self.draft(EntryKind.RECEIPT_ISSUED, sale_id, receipt_to_json(receipt))

    def paid_sale(self, name: str, sale: Sale | None = None) -> tuple[Draft, ...]:
        """The whole life of a sale paid by card, in seven entries."""
        sale = sale or make_sale()
        events = PaymentEvent
        return (
            self.sale(name, sale),
            self.issued(f"p-{name}", name),
            self.hinted(f"p-{name}", events.PAGE_OPENING),
            self.hinted(f"p-{name}", events.PAGE_SUBMITTED),
            self.told(f"p-{name}", events.CONFIRMED_PAID, "APPROVED 727634", confirmation()),
            self.receipt(name, sale),
            self.draft(EntryKind.POSTBACK_REPEATED, f"p-{name}", {"reason": "said before"}),
        )

    def _moved(self, payment_id: str, event: PaymentEvent) -> str:
        self._states[payment_id] = apply(self._states[payment_id], event)
        return self._states[payment_id].value


def confirmation(invoice: str = "700001", amount_cents: int = 22418, guid: str = "G-1") -> dict[str, Any]:
    """A confirmation as the body of PAYMENT_TOLD has it."""
    return {
        "invoice_number": invoice,
        "amount_cents": amount_cents,
        "service_fee_cents": 561,
        "payment_guid": guid,
        "card_type": "VISA",
        "message": "APPROVED 727634",
    }
