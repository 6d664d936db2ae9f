"""The deposit slip: what goes to the bank, every check by name, and cash by denomination as counted."""

from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPageSize, QPainter, QPen

from cashier.domain.daily import DailyReport, ShiftRow, Tally
from cashier.domain.money import format_dollars
from cashier.domain.receipt import TenderKind
from cashier.domain.shift import DENOMINATIONS
from cashier.paper.daily_drawer import deposit_of
from cashier.paper.daily_parts import (
    FOOT,
    HEADER,
    TENDERS,
    TEXT,
    TITLE,
    WIDTH,
    days_of,
    section,
    signature_item,
    sources,
)
from cashier.paper.pdf_pages import PdfPages
from cashier.paper.pen import INK, LINE, SOFT
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

_CASH = columns(("Cash", 120), ("How many", 120, True), ("Amount", 120, True))
_CHECKS = columns(
    ("No.", 32), ("Number", 90), ("Bank", 128), ("Drawn by", 130), ("Receipt", 70), ("Amount", 90, True)
)
_TOTAL = columns(("", 200), ("By the receipts", 120, True), ("Deposit", 120, True))


def deposit_items(report: DailyReport) -> Iterator[Item]:
    """Everything on the slip. Before the count, cash has blank lines to be filled in by hand."""
    yield paragraph(f"Deposit slip {days_of(report)}", TITLE, WIDTH, after=1)
    till = f"till {report.scope.till}" if report.scope.till else "every till"
    if report.sources and not report.scope.till:
        till = "every till of the site, from the hub"
    yield paragraph(f"{report.heading.agency} · {till}", TEXT, WIDTH, after=3)
    yield from sources(report)
    drawer = report.figures.drawer
    yield from _counted(report.shifts) if report.shifts else _blank(drawer[TenderKind.CASH])
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
    by_receipts = {kind: tally.amount_cents for kind, tally in drawer.items()}
    deposit = deposit_of(report) if report.shifts else by_receipts
    note = "As it was counted." if report.shifts else "By the receipts: the drawer has not been counted yet."
    yield from section("Deposit", note)
    table = Table(_TOTAL)
    yield table.heading
    for kind, cents in deposit.items():
        yield table.row(TENDERS[kind], format_dollars(by_receipts[kind]), format_dollars(cents))
    whole = format_dollars(sum(deposit.values()))
    yield table.row("Total", format_dollars(sum(by_receipts.values())), whole, bold=True)
    yield signature_item()


def _blank(tally: Tally) -> Iterator[Item]:
    yield from section(
        f"Cash · {format_dollars(tally.amount_cents)} by the receipts", "To be filled in from the count."
    )
    table = Table(_CASH)
    yield table.heading
    for cents in DENOMINATIONS:
        yield table.row(format_dollars(cents), "____________", "____________")


def _counted(shifts: tuple[ShiftRow, ...]) -> Iterator[Item]:
    """The cash of the counted drawers, less the float that stays and with the bags that went before."""
    yield from section("Cash, as it was counted")
    table = Table(_CASH)
    yield table.heading
    pieces: dict[int, int] = {}
    for shift in shifts:
        for cents, many in shift.pieces.items():
            pieces[cents] = pieces.get(cents, 0) + many
    for cents, many in sorted(pieces.items(), reverse=True):
        if many:
            yield table.row(format_dollars(cents), f"{many:,}", format_dollars(many * cents))
    counted = sum(shift.counted[TenderKind.CASH].amount_cents for shift in shifts)
    dropped = sum(shift.dropped_cents for shift in shifts)
    stays = sum(shift.float_cents for shift in shifts)
    deposit = sum(shift.deposit_cents[TenderKind.CASH] for shift in shifts)
    waits = counted + dropped - stays - deposit
    yield table.row("Counted", "", format_dollars(counted), bold=True)
    if dropped:
        yield table.row("Dropped before", "", format_dollars(dropped))
    yield table.row("Float, stays here", "", format_dollars(-stays))
    if waits:
        yield table.row("Waits beside a card", "", format_dollars(-waits))
    yield table.row("Cash deposited", "", format_dollars(deposit), bold=True)


def pdf_bytes(report: DailyReport, size: QPageSize.PageSizeId = QPageSize.PageSizeId.Letter) -> bytearray:
    """The slip as the bytes of a PDF. Needs a QGuiApplication."""
    items = list(deposit_items(report))
    with PdfPages(size, f"Deposit slip {days_of(report)}") as pdf:
        scale = min(1.0, pdf.width / WIDTH)
        pages = paginated(items, (pdf.height / scale - HEADER - FOOT) * UNIT)
        for number, (start, end) in enumerate(pages, 1):
            painter = pdf.page()
            painter.save()
            painter.scale(scale / UNIT, scale / UNIT)
            _header(painter, report, f"page {number} of {len(pages)}")
            painter.translate(0, HEADER * UNIT)
            paint_items(painter, items, start, end)
            painter.restore()
    return pdf.finished(report.heading.made_at)


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
    file: Path, report: DailyReport, size: QPageSize.PageSizeId = QPageSize.PageSizeId.Letter
) -> None:
    """Write the slip as a PDF. Raises OSError when the file cannot be written."""
    file.write_bytes(pdf_bytes(report, size))
