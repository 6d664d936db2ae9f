"""The daily receipts on paper: totals with their picture, what is open, every row, and lines to sign on.

One layout for the printer, a PDF and the preview on screen: `Layout` has the pages, `paint` paints one.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from PySide6.QtCore import QPointF, QSizeF
from PySide6.QtGui import QPageSize, QPainter, QPen

from cashier.domain.daily import DailyReport, Numbers, ReportKind, Tally
from cashier.domain.money import format_dollars
from cashier.paper import daily_rows
from cashier.paper.daily_drawer import drawer
from cashier.paper.daily_parts import (
    FOOT,
    HEADER,
    NOTE,
    SECTION,
    TENDERS,
    TEXT,
    TITLE,
    WIDTH,
    days_of,
    line,
    section,
    signature_item,
    sources,
)
from cashier.paper.daily_picture import picture
from cashier.paper.pdf_pages import PAGE_MARGIN, PdfPages
from cashier.paper.pen import LINE, SOFT
from cashier.paper.sheet import (
    UNIT,
    Item,
    Style,
    Table,
    columns,
    fitted,
    gap,
    paginated,
    paint_items,
    paragraph,
)

SIZES = {"Letter": QPageSize.PageSizeId.Letter, "A4": QPageSize.PageSizeId.A4}


class Layout:
    """A report on pages of a size."""

    def __init__(self, report: DailyReport, size: QPageSize.PageSizeId = QPageSize.PageSizeId.Letter) -> None:
        self.report = report
        self.size = size
        paper = QPageSize(size).size(QPageSize.Unit.Point)
        self.paper = QSizeF(paper)
        #: Points of the layout to points of the paper.
        self.scale = min(1.0, (paper.width() - 2 * PAGE_MARGIN) / WIDTH)
        self.height = (paper.height() - 2 * PAGE_MARGIN) / self.scale
        self.items = list(_items(report))
        self.pages = paginated(self.items, (self.height - HEADER - FOOT) * UNIT)

    def paint(self, painter: QPainter, number: int) -> None:
        """Paint a page (from 0) at the painter's origin, the corner inside the margins, in points."""
        painter.save()
        painter.scale(self.scale / UNIT, self.scale / UNIT)
        _header(painter, self.report)
        painter.save()
        painter.translate(0, HEADER * UNIT)
        paint_items(painter, self.items, *self.pages[number])
        painter.restore()
        painter.translate(0, (self.height - FOOT + 8) * UNIT)
        _foot(painter, self.report, f"page {number + 1} of {len(self.pages)}")
        painter.restore()


#: Told how many pages are done and how many there are; raising from it stops the work.
Progress = Callable[[int, int], None]


def pdf_bytes(
    report: DailyReport,
    size: QPageSize.PageSizeId = QPageSize.PageSizeId.Letter,
    progress: Progress = lambda _done, _all: None,
) -> bytearray:
    """A report as the bytes of a PDF: the same bytes for the same report. Needs a QGuiApplication."""
    layout = Layout(report, size)
    with PdfPages(size, title_of(report)) as pdf:
        for number in range(len(layout.pages)):
            progress(number, len(layout.pages))
            layout.paint(pdf.page(), number)
    return pdf.finished(report.heading.made_at)


def write_pdf(
    file: Path, report: DailyReport, size: QPageSize.PageSizeId = QPageSize.PageSizeId.Letter
) -> None:
    """Write a report as a PDF. Raises OSError when the file cannot be written."""
    file.write_bytes(pdf_bytes(report, size))


def title_of(report: DailyReport) -> str:
    """The report's name with its days: `Z report 2026-02-03`, `Z report 2026-02-03, revision 2`."""
    revision = report.heading.revision
    return f"{report.heading.kind.value} {days_of(report)}" + (
        f", revision {revision}" if revision > 1 else ""
    )


# -- every page --------------------------------------------------------------------------------------------


def _header(painter: QPainter, report: DailyReport) -> None:
    training = "TRAINING – NO MONEY MOVED · " if report.heading.training else ""
    who = fitted(f"{training}{report.heading.agency}", 8.5, True, 330 * UNIT)
    line(painter, who, Style(8.5, True), 0, 0, WIDTH)
    line(painter, title_of(report), Style(8.5, True), 0, 0, WIDTH, right=True)
    painter.setPen(QPen(LINE, 8))
    painter.drawLine(QPointF(0, 140), QPointF(WIDTH * UNIT, 140))


def _foot(painter: QPainter, report: DailyReport, place: str) -> None:
    heading = report.heading
    who = f" by {heading.made_by}" if heading.made_by else ""
    verb = "Closed" if heading.kind is ReportKind.Z else "Made"
    text = f"{_scope_text(report)} · {verb} {heading.made_time}{who}"
    line(painter, fitted(text, 7, False, 430 * UNIT), Style(7, color=SOFT), 0, 0, WIDTH)
    line(painter, place, Style(7, color=SOFT), 0, 0, WIDTH, right=True)


def _scope_text(report: DailyReport) -> str:
    every = "every till of the site, from the hub" if report.sources else "every till of this journal"
    till = f"till {report.scope.till}" if report.scope.till else every
    return f"{till}, {report.scope.clerk}" if report.scope.clerk else f"{till}, every clerk"


# -- what stands on them -----------------------------------------------------------------------------------


def _items(report: DailyReport) -> Iterator[Item]:
    yield from _title(report)
    yield from _summary(report)
    yield from _numbers(report)
    yield from _open(report)
    for kind, name in TENDERS.items():
        yield from daily_rows.instruments(report, kind, name)
    yield from daily_rows.voids(report)
    yield from daily_rows.refunds(report)
    yield from daily_rows.returned(report)
    yield from daily_rows.late(report)
    yield from daily_rows.allocations(report)
    yield signature_item()


def _title(report: DailyReport) -> Iterator[Item]:
    yield paragraph(title_of(report), TITLE, WIDTH, after=1)
    heading = report.heading
    yield paragraph(f"{heading.agency} · {_scope_text(report)}", TEXT, WIDTH, after=3)
    if heading.kind is ReportKind.X:
        yield paragraph("The day is open: this report changes nothing, and figures may change.", NOTE, WIDTH)
    if not report.instruments and not report.voids:
        yield paragraph("No receipt was issued.", SECTION, WIDTH, after=3)
    yield from sources(report)


_TOTALS = columns(("", 200), ("Count", 60, True), ("Amount", 100, True), ("Service fee", 90, True))
_FLOWS = columns(("", 200), ("Taken", 90, True), ("Given back", 90, True), ("Net", 90, True))


def _summary(report: DailyReport) -> Iterator[Item]:
    figures = report.figures
    table = Table(_TOTALS)
    note = "Each tender is counted: three checks on one receipt are three. Voided receipts are in no total."
    yield from section("Taken, by tender", note)
    yield table.heading
    for kind, name in TENDERS.items():
        if kind in figures.tenders:
            yield _tally(table, name, figures.tenders[kind])
    yield _tally(table, "Taken", figures.taken, bold=True)
    for kind, tally in figures.refunds.items():
        yield _tally(table, f"Refunded, {TENDERS[kind].lower()}", tally, sign=-1)
    if figures.returned.count:
        yield _tally(table, "Checks returned by the bank", figures.returned, sign=-1)
    yield table.row("Net", "", format_dollars(figures.net_cents), "", bold=True)
    yield _tally(table, "Receipts, voided ones left out", figures.receipts)
    if figures.voids.count:
        yield _tally(table, "Voided, in no total", figures.voids)
    if figures.refunds_asked.count:
        yield _tally(table, "Card refunds asked for, not done, in no total", figures.refunds_asked)
    yield from section("For the bank, by the receipts", "Without the float, and cash paid in or out.")
    for kind, tally in figures.drawer.items():
        yield _tally(table, TENDERS[kind], Tally(tally.count, tally.amount_cents), fee=False)
    yield from drawer(report)
    flows = Table(_FLOWS)
    for title, rows in (
        ("By invoice type", [(report.type_name(name), flow) for name, flow in figures.types.items()]),
        ("By GL account", [(name or "no account", flow) for name, flow in figures.accounts.items()]),
    ):
        if not rows:
            continue
        yield from section(title)
        yield flows.heading
        for name, flow in rows:
            amounts = (flow.taken_cents, -flow.undone_cents, flow.net_cents)
            yield flows.row(name, *(format_dollars(cents) for cents in amounts))
        sums = [sum(getattr(flow, part) for _, flow in rows) for part in ("taken_cents", "undone_cents")]
        amounts = (sums[0], -sums[1], sums[0] - sums[1])
        yield flows.row("Together", *(format_dollars(cents) for cents in amounts), bold=True)
    if figures.hours:
        yield gap(12)
        yield picture(report, WIDTH)


def _tally(
    table: Table, name: str, tally: Tally, *, bold: bool = False, sign: int = 1, fee: bool = True
) -> Item:
    service_fee = format_dollars(sign * tally.service_fee_cents) if fee and tally.service_fee_cents else ""
    return table.row(
        name, f"{tally.count:,}", format_dollars(sign * tally.amount_cents), service_fee, bold=bold
    )


_NUMBERS = columns(("Number", 90), ("Why", 450))


def _numbers(report: DailyReport) -> Iterator[Item]:
    for numbers in report.numbers:
        yield from section(f"Receipt numbers of till {numbers.till}", _numbers_text(numbers))
        table = Table(_NUMBERS)
        if numbers.voided or numbers.gaps:
            yield table.heading
        reasons = {void.receipt: void for void in report.voids}
        for name in numbers.voided:
            void = reasons.get(name)
            why = f"VOID: {void.reason}, {void.requester}, approved by {void.approver}" if void else "VOID"
            yield table.row(name, why)
        for missing in numbers.gaps:
            yield table.row(missing.number, missing.reason, bold=True)


def _numbers_text(numbers: Numbers) -> str:
    voided = f", {len(numbers.voided)} of them void" if numbers.voided else ""
    gaps = f"{len(numbers.gaps)} missing" if numbers.gaps else "no number is missing"
    return f"{numbers.first} to {numbers.last}: {numbers.count:,} receipts{voided}; {gaps}. Every clerk's."


_OPEN = columns(("Reference", 235), ("State", 90), ("Since (UTC)", 115), ("Amount", 100, True))


def _open(report: DailyReport) -> Iterator[Item]:
    if report.carried:
        note = "Whether these were paid is not known yet. They are in no total, and are carried on by name."
        yield from section(f"Not settled: {len(report.carried)}", note)
        table = Table(_OPEN)
        yield table.heading
        for item in report.carried:
            since = item.since[:16].replace("T", " ")
            state = item.state.replace("_", " ").lower()
            yield table.row(item.reference, state, since, format_dollars(item.amount_cents))
    if report.matters:
        note = "Open when this was made; in no total."
        yield from section(f"To be seen to by a person: {len(report.matters)}", note)
        for text in report.matters:
            yield paragraph(text, TEXT, WIDTH)
