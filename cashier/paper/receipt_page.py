"""The receipt as a page: painted once, for the screen, for a PDF and for a Letter or A4 printer alike.

Its required members follow WA BARS 3.6.1: agency, number, date and time, payer, purpose per permit, amount,
modes of payment, clerk, counter.
"""

import datetime as dt
from pathlib import Path

from PySide6.QtCore import QMarginsF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPageLayout, QPageSize, QPainter, QPdfWriter, QPen

from cashier.domain.money import format_dollars
from cashier.domain.receipt import Receipt, Tender, TenderKind

#: The page is laid out in points and scaled to whatever it is painted on.
WIDTH = 440.0
MARGIN = 28.0
INK = QColor("#18212f")
SOFT = QColor("#566275")
BLUE = QColor("#1b4b8f")
LINE = QColor("#d5dbe3")
_KINDS = {
    TenderKind.CARD: "Card",
    TenderKind.BANK: "Bank account",
    TenderKind.CASH: "Cash",
    TenderKind.CHECK: "Check",
}


class _Pen:
    """Writes down the page; `y` is where the next line goes. Without a painter it only measures."""

    def __init__(self, painter: QPainter | None, family: str) -> None:
        self._painter = painter
        self._family = family
        self.y = MARGIN

    def font(self, size: float, bold: bool = False) -> QFont:
        font = QFont(self._family)
        font.setPixelSize(round(size * 10))
        font.setBold(bold)
        font.setFeature(QFont.Tag("tnum"), 1)
        return font

    def text(
        self,
        text: str,
        size: float = 10.5,
        *,
        bold: bool = False,
        color: QColor = INK,
        right: str = "",
        center: bool = False,
        indent: float = 0,
        inset: float = 0,
    ) -> None:
        """A paragraph, with an amount at the right margin, less `inset`, if given. Sizes are points."""
        font = self.font(size, bold)
        # Measured at ten times the size and scaled down, so that screen, PDF and printer break lines alike.
        metrics = QFontMetricsF(font)
        space = metrics.horizontalAdvance(right) / 10 + 12 if right else 0
        box = QRectF(0, 0, (WIDTH - 2 * MARGIN - indent - space) * 10, 100_000)
        flags = (
            Qt.TextFlag.TextWordWrap | Qt.TextFlag.TextWrapAnywhere
            if len(text) > 60
            else Qt.TextFlag.TextWordWrap
        )
        align = Qt.AlignmentFlag.AlignHCenter if center else Qt.AlignmentFlag.AlignLeft
        height = metrics.boundingRect(box, flags | align, text).height() / 10
        if self._painter is not None:
            self._painter.save()
            self._painter.translate(MARGIN + indent, self.y)
            self._painter.scale(0.1, 0.1)
            self._painter.setFont(font)
            self._painter.setPen(color)
            self._painter.drawText(box, flags | align, text)
            if right:
                whole = QRectF(0, 0, (WIDTH - 2 * MARGIN - indent - inset) * 10, metrics.height())
                self._painter.drawText(whole, Qt.AlignmentFlag.AlignRight, right)
            self._painter.restore()
        self.y += height + size * 0.28

    def gap(self, points: float = 8) -> None:
        self.y += points

    def line(self) -> None:
        self.gap(4)
        if self._painter is not None:
            self._painter.setPen(QPen(LINE, 0.8))
            self._painter.drawLine(int(MARGIN), round(self.y), int(WIDTH - MARGIN), round(self.y))
        self.gap(7)

    def stamp(self, word: str, detail: str) -> None:
        """The word that matters most, in a box: PAID in blue."""
        height = 40.0
        if self._painter is not None:
            box = QRectF(MARGIN, self.y, WIDTH - 2 * MARGIN, height)
            self._painter.setPen(Qt.PenStyle.NoPen)
            self._painter.setBrush(BLUE)
            self._painter.drawRoundedRect(box, 6, 6)
            self._painter.setBrush(Qt.BrushStyle.NoBrush)
        y, self.y = self.y, self.y + 10
        self.text(word, 16, bold=True, color=QColor("white"), right=detail, indent=12, inset=12)
        self.y = y + height + 10


def paint(painter: QPainter | None, receipt: Receipt, family: str = "DejaVu Sans") -> float:
    """Paint a receipt at WIDTH points; returns its height in points. Without a painter it only measures."""
    pen = _Pen(painter, family)
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
    pen.text(f"Payment reference {receipt.reference}", 8, color=SOFT)
    pen.text("Thank you.", color=SOFT)
    return pen.y + MARGIN


def _head(pen: _Pen, receipt: Receipt) -> None:
    pen.text("Receipt", color=SOFT, right=receipt.number)
    pen.text("Date", color=SOFT, right=local_time(receipt.at))
    pen.text("Business date", color=SOFT, right=receipt.business_date)
    pen.text("Received from", color=SOFT, right=receipt.customer.name)
    pen.text("Account", color=SOFT, right=receipt.customer.account_number)
    if receipt.permit is not None:
        pen.text("Permit", color=SOFT, right=receipt.permit.number)
        if receipt.permit.description:
            pen.text("For", color=SOFT, right=receipt.permit.description)


def _tender(pen: _Pen, tender: Tender) -> None:
    name = f"{_KINDS[tender.kind]} {tender.brand}".strip()
    pen.text(name, right=format_dollars(tender.amount_cents))
    if tender.message:
        pen.text(tender.message, 9, color=SOFT, indent=10)
    if tender.service_fee_cents:
        fee, whole = tender.service_fee_cents, tender.amount_cents + tender.service_fee_cents
        text = (
            f"Service fee of the card service {format_dollars(fee)}, charged in all {format_dollars(whole)}"
        )
        pen.text(text, 9, color=SOFT, indent=10)


def local_time(stamp: str) -> str:
    """A stored UTC stamp at the counter's local time, to the minute."""
    return dt.datetime.fromisoformat(stamp).astimezone().strftime("%Y-%m-%d %H:%M")


def write_pdf(receipt: Receipt, file: Path, page: QPageSize.PageSizeId = QPageSize.PageSizeId.Letter) -> None:
    """Write the receipt as a one-page PDF. Raises OSError when the file cannot be written.

    A receipt too long for the page is scaled down to it.
    """
    with file.open("wb"):
        pass  # QPdfWriter says nothing of a folder it cannot write to
    writer = QPdfWriter(str(file))
    writer.setPageLayout(
        QPageLayout(QPageSize(page), QPageLayout.Orientation.Portrait, QMarginsF(36, 36, 36, 36))
    )
    writer.setResolution(300)
    writer.setTitle(f"Receipt {receipt.number}")
    writer.setCreator("cashier")
    painter = QPainter(writer)
    try:
        points = 300 / 72
        size = QSizeF(writer.width() / points, writer.height() / points)
        scale = min(1.0, size.height() / paint(None, receipt), size.width() / WIDTH)
        painter.scale(points * scale, points * scale)
        painter.translate((size.width() / scale - WIDTH) / 2, 0)
        paint(painter, receipt)
    finally:
        painter.end()
