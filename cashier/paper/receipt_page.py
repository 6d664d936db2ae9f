"""The receipt as a page: painted once, for the screen, for a PDF and for a Letter or A4 printer alike.

Its required members follow WA BARS 3.6.1: agency, number, date and time, payer, purpose per permit, amount,
modes of payment, clerk, counter.
"""

from pathlib import Path

from PySide6.QtGui import QPageSize, QPainter

from cashier.domain.money import format_dollars
from cashier.domain.receipt import Receipt, Tender, TenderKind
from cashier.paper.pen import FAMILY, SOFT, Pen, local_time, write_pages

_KINDS = {
    TenderKind.CARD: "Card",
    TenderKind.BANK: "Bank account",
    TenderKind.CASH: "Cash",
    TenderKind.CHECK: "Check",
    TenderKind.MONEY_ORDER: "Money order",
}


def paint(painter: QPainter | None, receipt: Receipt, family: str = FAMILY) -> float:
    """Paint a receipt at WIDTH points; returns its height in points. Without a painter it only measures."""
    return _write(Pen(painter, family), receipt)


def _write(pen: Pen, receipt: Receipt) -> float:
    if receipt.training:
        pen.text("TRAINING – NOT A RECEIPT", 13, bold=True, color=SOFT, center=True)
        pen.gap(4)
    pen.text(receipt.agency, 16, bold=True, center=True)
    pen.text("Payment receipt", 10.5, color=SOFT, center=True)
    pen.gap()
    word = "PARTLY PAID" if receipt.is_part else "PAID"
    pen.stamp(word, format_dollars(receipt.paid_cents))
    _head(pen, receipt)
    pen.line()
    for invoice in receipt.invoices:
        pen.text(f"Invoice {invoice.number}", bold=True, right=format_dollars(invoice.total_cents))
        pen.ends.pop()  # no page ends between an invoice and its first fee
        for fee in invoice.fees:
            pen.text(fee.name, color=SOFT, right=format_dollars(fee.amount_cents), indent=10)
        pen.gap(4)
    pen.line()
    pen.text("Total", 12, bold=True, right=format_dollars(receipt.total_cents))
    if receipt.paid_before_cents:
        pen.text("Paid before", right=format_dollars(receipt.paid_before_cents))
    for tender in receipt.tenders:
        _tender(pen, tender)
    if receipt.is_part:
        pen.text("Still due", 12, bold=True, right=format_dollars(receipt.due_cents))
    pen.line()
    pen.text(f"Till {receipt.till} · {receipt.cashier}", color=SOFT)
    if receipt.reference:
        pen.text(f"Payment reference {receipt.reference}", 8, color=SOFT)
    pen.text("Thank you.", color=SOFT)
    return pen.y + pen.margin


def _head(pen: Pen, receipt: Receipt) -> None:
    pen.fact("Receipt", receipt.number)
    pen.fact("Date", local_time(receipt.at))
    pen.fact("Business date", receipt.business_date)
    if receipt.belongs_to:
        pen.fact("Started on the closed day", receipt.belongs_to)
    pen.fact("Received from", receipt.customer.name)
    pen.fact("Account", receipt.customer.account_number)
    if receipt.permit is not None:
        pen.fact("Permit", receipt.permit.number)
        if receipt.permit.description:
            pen.fact("For", receipt.permit.description)


def _tender(pen: Pen, tender: Tender) -> None:
    name = " ".join(part for part in (_KINDS[tender.kind], tender.brand, tender.number) if part)
    pen.text(name, right=format_dollars(tender.amount_cents))
    if tender.received_cents:
        received, change = format_dollars(tender.received_cents), format_dollars(tender.change_cents)
        pen.text(f"Received {received}, change {change}", 9, color=SOFT, indent=10)
    if tender.message:
        pen.text(tender.message, 9, color=SOFT, indent=10)
    if tender.service_fee_cents:
        fee, whole = tender.service_fee_cents, tender.amount_cents + tender.service_fee_cents
        text = (
            f"Service fee of the card service {format_dollars(fee)}, charged in all {format_dollars(whole)}"
        )
        pen.text(text, 9, color=SOFT, indent=10)


def write_pdf(receipt: Receipt, file: Path, page: QPageSize.PageSizeId = QPageSize.PageSizeId.Letter) -> None:
    """Write the receipt as a PDF. Raises OSError when the file cannot be written."""
    name = "TRAINING" if receipt.training else "Receipt"
    write_pages(
        lambda pen: _write(pen, receipt),
        file,
        title=f"Receipt {receipt.number}",
        foot=f"{name} {receipt.number}",
        page=page,
    )
