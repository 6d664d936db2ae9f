"""The receipt: what a payer is handed, as the journal keeps it (the body of RECEIPT_ISSUED)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from cashier.domain.money import Cents
from cashier.domain.sale import Customer, Invoice, Permit

ReceiptNumber = NewType("ReceiptNumber", str)


def receipt_number(till: str, sequence: int) -> ReceiptNumber:
    """`A-000123`: the till's code and its gapless sequence."""
    if sequence < 1:
        raise ValueError("receipt sequences start at 1")
    return ReceiptNumber(f"{till}-{sequence:06d}")


class TenderKind(StrEnum):
    """How (part of) a sale is paid."""

    CARD = "card"
    BANK = "bank"  # ACH on the hosted page
    CASH = "cash"
    CHECK = "check"


@dataclass(frozen=True)
class Tender:
    """One tender as printed. `service_fee_cents` went to the gateway, on top of the amount."""

    kind: TenderKind
    amount_cents: Cents
    service_fee_cents: Cents = Cents(0)
    brand: str = ""
    message: str = ""


@dataclass(frozen=True)
class Receipt:
    """A receipt. `number` is empty until the journal's commit has numbered it.

    `paid_before_cents` is what earlier receipts of the same sale had already paid of its invoices.
    `belongs_to` is the closed business date on which its payment was started, when that is another one.
    """

    number: str
    sale_id: str
    payment_id: str
    reference: str
    at: str
    business_date: str
    agency: str
    till: str
    cashier: str
    customer: Customer
    permit: Permit | None
    invoices: tuple[Invoice, ...]
    tenders: tuple[Tender, ...]
    training: bool
    paid_before_cents: Cents = Cents(0)
    belongs_to: str = ""

    @property
    def total_cents(self) -> Cents:
        """What the invoices came to."""
        return Cents(sum(invoice.total_cents for invoice in self.invoices))

    @property
    def paid_cents(self) -> Cents:
        """What the tenders paid of it."""
        return Cents(sum(tender.amount_cents for tender in self.tenders))

    @property
    def service_fee_cents(self) -> Cents:
        """Service fees on top."""
        return Cents(sum(tender.service_fee_cents for tender in self.tenders))

    @property
    def due_cents(self) -> Cents:
        """What is left to pay after this receipt."""
        return Cents(self.total_cents - self.paid_before_cents - self.paid_cents)

    @property
    def is_part(self) -> bool:
        """Whether something is left to pay."""
        return self.due_cents > 0
