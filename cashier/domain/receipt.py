"""The receipt: what a payer is handed, as the journal keeps it (the body of RECEIPT_ISSUED)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from cashier.domain.agency_text import NO_TEXT, AgencyText
from cashier.domain.allocation import Applied, FeeShare, allocate, due_shares, fee_shares
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
    MONEY_ORDER = "money_order"


#: What lies in the drawer, and is counted there.
IN_DRAWER = (TenderKind.CASH, TenderKind.CHECK, TenderKind.MONEY_ORDER)


@dataclass(frozen=True)
class Tender:
    """One tender as printed. `service_fee_cents` went to the gateway, on top of the amount.

    `id` names a tender of the drawer. `received_cents` is the cash that was handed over, 0 for anything else;
    `number`, `bank` and `payer` are what a check or money order says of itself. No account number is kept.
    """

    kind: TenderKind
    amount_cents: Cents
    service_fee_cents: Cents = Cents(0)
    brand: str = ""
    message: str = ""
    id: str = ""
    received_cents: Cents = Cents(0)
    number: str = ""
    bank: str = ""
    payer: str = ""

    @property
    def change_cents(self) -> Cents:
        """Cash handed back."""
        return Cents(self.received_cents - self.amount_cents) if self.received_cents else Cents(0)


@dataclass(frozen=True)
class Receipt:
    """A receipt. `number` is empty until the journal's commit has numbered it.

    `paid_before_cents` is what earlier receipts of the same sale had already paid of its invoices.
    `belongs_to` is the closed business date on which its payment was started, when that is another one.
    `payment_id` and `reference` are empty when no card was used. `applied` says what it paid of each invoice.
    `text` are the agency's own lines, as they were when it was issued.
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
    applied: tuple[Applied, ...] = ()
    text: AgencyText = NO_TEXT

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

    @property
    def fee_shares(self) -> tuple[FeeShare, ...]:
        """What this receipt paid of each fee: its amount by fee, and so by invoice type and GL account.

        Receipts of the first journals do not say what they paid of each invoice: the rule does.
        """
        applied = self.applied or _applied_in_order(self)
        invoices = {invoice.number: invoice for invoice in self.invoices}
        return tuple(
            share
            for item in applied
            for share in fee_shares(invoices[item.number], item.before_cents, item.amount_cents)
        )


def _applied_in_order(receipt: Receipt) -> tuple[Applied, ...]:
    invoices = receipt.invoices
    whole = due_shares(invoices, {})
    before = {share.number: share.amount_cents for share in allocate(whole, receipt.paid_before_cents)}
    left = Cents(min(receipt.paid_cents, receipt.total_cents - receipt.paid_before_cents))
    shares = allocate(due_shares(invoices, before), left)
    return tuple(
        Applied(share.number, Cents(before.get(share.number, 0)), share.amount_cents) for share in shares
    )
