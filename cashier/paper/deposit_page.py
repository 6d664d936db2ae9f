"""The deposit slip: what goes to the bank, every check by name, and cash by denomination as counted."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QPointF, QRectF, Qt
from PySide6.QtGui import QPageLayout, QPageSize, QPainter, QPdfWriter, QPen

from cashier.domain.daily import DailyReport, Tally
from cashier.domain.money import format_dollars
from cashier.domain.receipt import TenderKind
from cashier.paper.daily_page import (
    FOOT,
    HEADER,
    PAGE_MARGIN,
    TENDERS,
    TEXT,
    TITLE,
    WIDTH,
    days_of,
    section,
    signature_item,
)
from cashier.paper.pdf_dates import finished
from cashier.paper.pen import INK, LINE, RESOLUTION, SOFT
from cashier.paper.sheet import (
    UNIT,
    Item,
    Style,
    Table,
    columns,
    font_of,
    metrics_of,
    paginated,
    paint_items,
    paragraph,
)

#: Cents of every note and coin, the largest first.
DENOMINATIONS = (10_000, 5_000, 2_000, 1_000, 500, 200, 100, 50, 25, 10, 5, 1)
#: How many of each, by cents, as the drawer count has it.
Counted = Mapping[int, int]

_CASH = columns(("Cash", 120), ("How many", 120, True), ("Amount", 120, True))
_CHECKS = columns(
    ("No.", 32), ("Number", 90), ("Bank", 128), ("Drawn by", 130), ("Receipt", 70), ("Amount", 90, True)
)
_TOTAL = columns(("", 240), ("How many", 120, True), ("Amount", 180, True))


def deposit_items(report: DailyReport, counted: Counted | None = None) -> Iterator[Item]:
    """Everything on the slip. Without a count, cash has blank lines to be filled in by hand."""
    yield paragraph(f"Deposit slip {days_of(report)}", TITLE, WIDTH, after=1)
    till = f"till {report.scope.till}" if report.scope.till else "every till"
    yield paragraph(f"{report.heading.agency} · {till}", TEXT, WIDTH, after=3)
    drawer = report.figures.drawer
    yield from _cash(drawer[TenderKind.CASH], counted)
    for kind in (TenderKind.CHECK, TenderKind.MONEY_ORDER):
        rows = report.of_kind(kind)
        if not rows:
            continue
        yield from section(f"{TENDERS[kind]} · {len(rows):,}")
        table = Table(_CHECKS)
        yield table.heading
        for place, item in enumerate(rows, 1):
            amount = format_dollars(item.amount_cents)
            yield table.row(
                str(place), item.number, item.bank, item.drawn_by or item.payer, item.receipt, amount
            )
        total = drawer[kind]
        yield table.row(
            "", f"{total.count:,}", "", "", "Together", format_dollars(total.amount_cents), bold=True
        )
    yield from section("Deposit")
    table = Table(_TOTAL)
    yield table.heading
    whole = 0
    for kind, tally in drawer.items():
        whole += tally.amount_cents
        count = f"{tally.count:,}" if kind is not TenderKind.CASH else ""
        yield table.row(TENDERS[kind], count, format_dollars(tally.amount_cents))
    yield table.row("Total", "", format_dollars(whole), bold=True)
    yield signature_item()


def _cash(tally: Tally, counted: Counted | None) -> Iterator[Item]:
    note = "" if counted else "To be filled in from the count."
    yield from section(f"Cash · {format_dollars(tally.amount_cents)} by the receipts", note)
    table = Table(_CASH)
    yield table.heading
    for cents in DENOMINATIONS:
        if counted is None:
            yield table.row(format_dollars(cents), "____________", "____________")
        else:
            many = counted.get(cents, 0)
            yield table.row(format_dollars(cents), f"{many:,}" if many else "", format_dollars(many * cents))
    if counted is not None:
        total = sum(cents * many for cents, many in counted.items())
        yield table.row("Counted", "", format_dollars(total), bold=True)


def pdf_bytes(
    report: DailyReport,
    size: QPageSize.PageSizeId = QPageSize.PageSizeId.Letter,
    counted: Counted | None = None,
) -> bytearray:
    """The slip as the bytes of a PDF. Needs a QGuiApplication."""
    paper = QPageSize(size).size(QPageSize.Unit.Point)
    scale = min(1.0, (paper.width() - 2 * PAGE_MARGIN) / WIDTH)
    height = (paper.height() - 2 * PAGE_MARGIN) / scale
    items = list(deposit_items(report, counted))
    pages = paginated(items, (height - HEADER - FOOT) * UNIT)
    data = QBuffer()
    data.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(data)
    margins = QMarginsF(PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN)
    writer.setPageLayout(QPageLayout(QPageSize(size), QPageLayout.Orientation.Portrait, margins))
    writer.setResolution(RESOLUTION)
    writer.setTitle(f"Deposit slip {days_of(report)}")
    writer.setCreator("cashier")
    painter = QPainter(writer)
    try:
        painter.scale(RESOLUTION / 72 * scale / UNIT, RESOLUTION / 72 * scale / UNIT)
        for number, (start, end) in enumerate(pages):
            if number:
                writer.newPage()
            _header(painter, report, f"page {number + 1} of {len(pages)}")
            painter.save()
            painter.translate(0, HEADER * UNIT)
            paint_items(painter, items, start, end)
            painter.restore()
    finally:
        painter.end()
    return finished(data, report.heading.made_at)


def _header(painter: QPainter, report: DailyReport, place: str) -> None:
    style = Style(8.5, True) if report.heading.training else Style(8.5, color=SOFT)
    text = "TRAINING – NO MONEY MOVED" if report.heading.training else report.heading.agency
    painter.setFont(font_of(style.size, style.bold))
    painter.setPen(style.color)
    ascent = metrics_of(style.size, style.bold).ascent()
    painter.drawText(QPointF(0, ascent), text)
    right = Qt.AlignmentFlag.AlignRight
    painter.setPen(INK)
    painter.drawText(QRectF(0, 0, WIDTH * UNIT, 140), right, place)
    painter.setPen(QPen(LINE, 8))
    painter.drawLine(QPointF(0, 140), QPointF(WIDTH * UNIT, 140))


def write_pdf(
    file: Path,
    report: DailyReport,
    size: QPageSize.PageSizeId = QPageSize.PageSizeId.Letter,
    counted: Counted | None = None,
) -> None:
    """Write the slip as a PDF. Raises OSError when the file cannot be written."""
    file.write_bytes(pdf_bytes(report, size, counted))
