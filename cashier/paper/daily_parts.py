"""What the pages of a day are made with: measures, styles, names, headings, and lines to sign on."""

from collections.abc import Iterator

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainter, QPen

from cashier.domain.daily import DailyReport
from cashier.domain.receipt import TenderKind
from cashier.paper.pen import INK, SOFT
from cashier.paper.sheet import UNIT, Item, Style, font_of, gap, metrics_of, paragraph

#: What is inside the margins of a Letter page, points; a narrower page is scaled down to it.
WIDTH = 540.0
#: Room for the header and the foot of each page, points.
HEADER, FOOT = 30.0, 22.0
TITLE, SECTION = Style(15, True), Style(10.5, True)
TEXT, NOTE = Style(8.5), Style(8, color=SOFT)
#: The word for what waits, amber as on screen.
WAITING = Style(10.5, True)

TENDERS = {
    TenderKind.CASH: "Cash",
    TenderKind.CHECK: "Checks",
    TenderKind.MONEY_ORDER: "Money orders",
    TenderKind.CARD: "Cards",
    TenderKind.BANK: "Bank accounts (ACH)",
}


def days_of(report: DailyReport) -> str:
    """The business dates."""
    first, last = report.scope.first.isoformat(), report.scope.last.isoformat()
    return first if first == last else f"{first} to {last}"


def section(title: str, note: str = "", style: Style = SECTION) -> Iterator[Item]:
    """A heading that stays with what follows it."""
    yield gap(12, head=True)
    yield paragraph(title, style, WIDTH, head=True)
    if note:
        yield paragraph(note, NOTE, WIDTH, head=True, after=3)


def line(
    painter: QPainter, text: str, style: Style, x: float, y: float, width: float, *, right: bool = False
) -> None:
    """One line of text at a place, or up to the right end of a width; points."""
    painter.setFont(font_of(style.size, style.bold))
    painter.setPen(style.color)
    metrics = metrics_of(style.size, style.bold)
    if right:
        x = x + width - metrics.horizontalAdvance(text) / UNIT
    painter.drawText(QPointF(x * UNIT, y * UNIT + metrics.ascent()), text)


def sources(report: DailyReport) -> Iterator[Item]:
    """Of a site's report: which tills it is made of, and which of them may have more."""
    if not report.sources:
        return
    waiting = report.unsynced
    title = (
        f"UNSYNCED: {len(waiting)} of {len(report.sources)} tills" if waiting else "Every till is all here"
    )
    note = "Made of what the tills have sent to the hub. What a till has not sent yet is in no figure."
    yield from section(title, note)
    for source in report.sources:
        yield paragraph(source.told, TEXT if source.is_complete else Style(8.5, True), WIDTH, after=1)


_SIGN = (("Counted by", 0.0), ("Reviewed by (supervisor)", 280.0))


def signature_item() -> Item:
    """Two lines to sign on."""
    return Item(95.0 * UNIT, _draw_signatures)


def _draw_signatures(painter: QPainter) -> None:
    for name, x in _SIGN:
        painter.setPen(QPen(INK, 6))
        painter.drawLine(QPointF(x * UNIT, 700), QPointF((x + 170) * UNIT, 700))
        painter.drawLine(QPointF((x + 185) * UNIT, 700), QPointF((x + 260) * UNIT, 700))
        line(painter, name, Style(7.5, color=SOFT), x, 73, 170)
        line(painter, "Date", Style(7.5, color=SOFT), x + 185, 73, 75)
