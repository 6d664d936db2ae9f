"""The receipt as a page: painted once, for the screen, for a PDF and for a Letter or A4 printer alike.

Its required members follow WA BARS 3.6.1: agency, number, date and time, payer, purpose per permit, amount,
modes of payment, clerk, counter.
"""

import datetime as dt
import math
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPageLayout, QPageSize, QPainter, QPdfWriter, QPen

from cashier.domain.money import format_dollars
from cashier.domain.receipt import Receipt, Tender, TenderKind

#: The page is laid out in points and scaled to whatever it is painted on.
WIDTH = 440.0
MARGIN = 28.0
FAMILY = "DejaVu Sans"
#: A receipt on paper is not made smaller than this; it goes on over another page instead.
SCALE_MIN = 0.75
#: Room at the bottom of a page for its number, points.
FOOT = 36.0
INK = QColor("#18212f")
SOFT = QColor("#566275")
BLUE = QColor("#1b4b8f")
LINE = QColor("#d5dbe3")
#: Between what stands at the left and at the right of a line, points.
GUTTER = 12.0
_KINDS = {
    TenderKind.CARD: "Card",
    TenderKind.BANK: "Bank account",
    TenderKind.CASH: "Cash",
    TenderKind.CHECK: "Check",
}


class _Pen:
    """Writes down the page; `y` is where the next line goes. Without a painter it only measures.

    `ends` are the places where a line or a paragraph ends: a page may end there, too. What stands outside
    of the `part` from one such place to another is measured only.
    """

    def __init__(
        self, painter: QPainter | None, family: str, part: tuple[float, float] = (0.0, math.inf)
    ) -> None:
        self._given = painter
        self._family = family
        self._part = part
        self.y = MARGIN
        self.ends: list[float] = []

    @property
    def _painter(self) -> QPainter | None:
        start, end = self._part
        return self._given if start <= self.y < end else None

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
        metrics = QFontMetricsF(font)
        width = WIDTH - 2 * MARGIN - indent - inset
        space = metrics.horizontalAdvance(right) / 10 + GUTTER if right else 0
        align = Qt.AlignmentFlag.AlignHCenter if center else Qt.AlignmentFlag.AlignLeft
        height = self._block(text, font, color, indent, width - space, align)
        if right:
            self._block(right, font, color, indent, width, Qt.AlignmentFlag.AlignRight)
        self._end(height + size * 0.28)

    def fact(self, name: str, value: str, size: float = 10.5) -> None:
        """A name at the left and its value at the right; a long value goes on below itself."""
        font = self.font(size)
        name_width = QFontMetricsF(font).horizontalAdvance(name) / 10
        width = WIDTH - 2 * MARGIN - name_width - GUTTER
        self._block(name, font, SOFT, 0, name_width + 1, Qt.AlignmentFlag.AlignLeft)
        indent = name_width + GUTTER
        height = self._block(value, font, SOFT, indent, width, Qt.AlignmentFlag.AlignRight)
        self._end(height + size * 0.28)

    def _block(
        self, text: str, font: QFont, color: QColor, indent: float, width: float, align: Qt.AlignmentFlag
    ) -> float:
        """Wrapped text at `y`; its height in points, one line at least."""
        # Measured at ten times the size and scaled down, so that screen, PDF and printer break lines alike.
        metrics = QFontMetricsF(font)
        box = QRectF(0, 0, width * 10, 100_000)
        widest = max((metrics.horizontalAdvance(word) for word in text.split()), default=0.0)
        # A word that is longer than its line is broken anywhere; no other is.
        wrap = Qt.TextFlag.TextWrapAnywhere if widest > box.width() else Qt.TextFlag.TextWordWrap
        height = max(metrics.boundingRect(box, wrap | align, text).height(), metrics.height()) / 10
        if self._painter is not None:
            self._painter.save()
            self._painter.translate(MARGIN + indent, self.y)
            self._painter.scale(0.1, 0.1)
            self._painter.setFont(font)
            self._painter.setPen(color)
            self._painter.drawText(box, wrap | align, text)
            self._painter.restore()
        return height

    def _end(self, height: float) -> None:
        self.y += height
        self.ends.append(self.y)

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
        self.ends.pop()
        self.y = y + height + 10


def paint(painter: QPainter | None, receipt: Receipt, family: str = FAMILY) -> float:
    """Paint a receipt at WIDTH points; returns its height in points. Without a painter it only measures."""
    return _write(_Pen(painter, family), receipt)


def _write(pen: _Pen, receipt: Receipt) -> float:
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
    pen.text(f"Payment reference {receipt.reference}", 8, color=SOFT)
    pen.text("Thank you.", color=SOFT)
    return pen.y + MARGIN


def _head(pen: _Pen, receipt: Receipt) -> None:
    pen.fact("Receipt", receipt.number)
    pen.fact("Date", local_time(receipt.at))
    pen.fact("Business date", receipt.business_date)
    pen.fact("Received from", receipt.customer.name)
    pen.fact("Account", receipt.customer.account_number)
    if receipt.permit is not None:
        pen.fact("Permit", receipt.permit.number)
        if receipt.permit.description:
            pen.fact("For", receipt.permit.description)


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
    """Write the receipt as a PDF. Raises OSError when the file cannot be written.

    A receipt somewhat too long for a page is scaled down to it; a longer one goes on over more pages, each
    with the receipt's number.
    """
    data = QBuffer()
    data.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(data)
    writer.setPageLayout(
        QPageLayout(QPageSize(page), QPageLayout.Orientation.Portrait, QMarginsF(36, 36, 36, 36))
    )
    writer.setResolution(300)
    writer.setTitle(f"Receipt {receipt.number}")
    writer.setCreator("cashier")
    painter = QPainter(writer)
    try:
        points = 300 / 72
        painter.scale(points, points)
        _paint_pages(painter, writer, receipt, QSizeF(writer.width() / points, writer.height() / points))
    finally:
        painter.end()
    # Qt says nothing of a disk that is full or a folder that cannot be written to: Python writes the file.
    file.write_bytes(data.data().data())


def _paint_pages(painter: QPainter, writer: QPdfWriter, receipt: Receipt, size: QSizeF) -> None:
    """Paint on as many pages as it takes; sizes are points."""
    measured = _Pen(None, FAMILY)
    height = _write(measured, receipt)
    scale = min(1.0, size.width() / WIDTH, size.height() / height)
    pages = [(0.0, height)]
    if scale < SCALE_MIN:
        scale = min(1.0, size.width() / WIDTH)
        pages = _pages(measured.ends, size.height() / scale - FOOT)
    painter.scale(scale, scale)
    painter.translate((size.width() / scale - WIDTH) / 2, 0)
    for number, (start, end) in enumerate(pages, 1):
        if number > 1:
            writer.newPage()
        painter.save()
        painter.translate(0, -start)
        _write(_Pen(painter, FAMILY, (start, end)), receipt)
        painter.restore()
        if len(pages) > 1:
            foot = _Pen(painter, FAMILY)
            foot.y = size.height() / scale - FOOT / 2
            name = "TRAINING" if receipt.training else "Receipt"
            foot.text(f"{name} {receipt.number}, page {number} of {len(pages)}", 9, color=SOFT, center=True)


def _pages(ends: list[float], room: float) -> list[tuple[float, float]]:
    """Where each page starts and ends, as long as `room` at most and ending where a line does."""
    pages, start = [], 0.0
    while ends[-1] - start > room:
        end = max((end for end in ends if start < end <= start + room), default=start + room)
        pages.append((start, end))
        start = end
    return [*pages, (start, ends[-1])]
