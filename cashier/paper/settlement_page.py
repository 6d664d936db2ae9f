"""The settlement match on paper: what is to be looked at first, then what agrees, then the totals."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPageSize, QPen

from cashier.domain.money import format_dollars
from cashier.domain.settlement import IN_ORDER, Row, SettlementReport, Side, Total, Verdict
from cashier.paper.pdf_pages import PdfPages
from cashier.paper.pen import FAMILY, INK, LINE, MARGIN, SOFT, Pen, local_time

#: The printable width of a Letter page inside its margins, points. Narrower pages are scaled down to it.
WIDTH = 540.0
FOOT = 24.0
RESOLUTION = 300
TEXT, SMALL = 8.5, 7.0
#: Longer texts are cut on paper; the line of the file has them whole.
SHOWN_MAX = 160
ALERT = QColor("#9a3412")
#: Points between the columns.
_GAP = 6.0

_LEFT, _RIGHT = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
#: Heading, width in points, alignment.
_COLUMNS = (
    ("Line", 36.0, _LEFT),
    ("When", 94.0, _LEFT),
    ("Receipt", 66.0, _LEFT),
    ("Invoices", 104.0, _LEFT),
    ("Gateway", 64.0, _RIGHT),
    ("Fee", 46.0, _RIGHT),
    ("Journal", 65.0, _RIGHT),
    ("Hub", 65.0, _RIGHT),
)
#: The totals, under the same amounts.
_TOTALS = (("", 246.0, _LEFT), ("Rows", 54.0, _RIGHT), *_COLUMNS[4:])


@dataclass(frozen=True)
class _Block:
    """What stays on one page. A `head` stays with the block below it; `table` needs the column headings."""

    write: Callable[[Pen], None]
    head: bool = False
    table: bool = False


def settlement_pdf(
    path: Path, report: SettlementReport, page: QPageSize.PageSizeId = QPageSize.PageSizeId.Letter
) -> None:
    """Write a report as a PDF. Raises OSError when the file cannot be written. Needs a QGuiApplication."""
    path.write_bytes(pdf_bytes(report, page))


def pdf_bytes(
    report: SettlementReport, page: QPageSize.PageSizeId = QPageSize.PageSizeId.Letter
) -> bytearray:
    """A report as the bytes of a PDF."""
    with PdfPages(page, f"Settlement match {report.file_name}", RESOLUTION) as pdf:
        scale = min(1.0, pdf.width / WIDTH)
        height = pdf.height / scale
        pages = _pages(list(_blocks(report)), height - FOOT)
        for number, blocks in enumerate(pages, 1):
            painter = pdf.page()
            painter.save()
            painter.scale(scale, scale)
            painter.translate(-MARGIN, 0)  # a Pen begins its lines a receipt's margin to the right
            pen = Pen(painter, FAMILY)
            pen.y = 0
            for block in blocks:
                block.write(pen)
            pen.y = height - FOOT / 2
            _foot(pen, report, f"page {number} of {len(pages)}")
            painter.restore()
    return pdf.finished(report.made_at)


# -- pages --------------------------------------------------------------------------------------------------


def _pages(blocks: list[_Block], room: float) -> list[list[_Block]]:
    """Blocks by page, column headings at the top of each page that begins inside a table."""
    heights = [_height(block) for block in blocks]
    headings = _Block(_headings)
    pages: list[list[_Block]] = [[]]
    used = 0.0
    for number, block in enumerate(blocks):
        needed, place = heights[number], number
        while blocks[place].head and place + 1 < len(blocks):
            place += 1
            needed += heights[place]
        if pages[-1] and used + needed > room:
            pages.append([headings] if block.table else [])
            used = _height(headings) if block.table else 0.0
        pages[-1].append(block)
        used += heights[number]
    return pages


def _height(block: _Block) -> float:
    pen = Pen(None, FAMILY)
    pen.y = 0
    block.write(pen)
    return pen.y


def _blocks(report: SettlementReport) -> Iterator[_Block]:
    """Everything, from the agency's name to the last total."""
    match = report.match
    yield _Block(lambda pen: _title(pen, report))
    for verdict in Verdict:
        rows = match.of(verdict)
        if rows:
            title = f"{verdict.value.capitalize()} · {len(rows)}"
            color = INK if verdict in IN_ORDER else ALERT
            yield _Block(_section(title, match.meaning(verdict), color), head=True)
            yield _Block(_headings, head=True)
            yield from (_Block(_row_writer(row), table=True) for row in rows)
    yield _Block(_section("Totals", "Amounts are without the service fee.", INK), head=True)
    yield _Block(lambda pen: _cells(pen, _TOTALS, [name for name, _, _ in _TOTALS], bold=True), head=True)
    for verdict in Verdict:
        total = match.total(verdict)
        if total.count:
            yield _Block(_total_writer(verdict.value.capitalize(), total), head=True)
    yield _Block(_total_writer("Everything", match.total(), bold=True))


# -- what stands on them ------------------------------------------------------------------------------------


def _title(pen: Pen, report: SettlementReport) -> None:
    match = report.match
    if report.training:
        _line(pen, "TRAINING – NO MONEY MOVED", 11, SOFT, bold=True)
    _line(pen, report.agency, 15, INK, bold=True)
    _line(pen, "Settlement match", 11, SOFT)
    pen.gap(6)
    sources = "journal, hub and gateway" if match.hub_asked else "journal and gateway; the hub was not asked"
    facts = (
        ("Site and till", f"{report.site}, till {report.till}"),
        ("Charges of", f"{report.first.isoformat()} to {report.last.isoformat()}"),
        ("File", _short(report.file_name)),
        ("SHA-256", report.sha256),
        ("Compared", sources),
        ("Made", local_time(report.made_at)),
    )
    for name, value in facts:
        _cells(pen, (("", 84.0, _LEFT), ("", WIDTH - 84.0, _LEFT)), (name, value))
    pen.gap(6)
    if not match.rows:
        _line(pen, "Nothing to compare: no charge is in the file, and none was expected there.", 11, INK)
    elif match.agrees:
        _line(pen, f"Everything agrees: {_rows(match.total().count)}.", 11, INK, bold=True)
    else:
        count = sum(len(match.of(verdict)) for verdict in Verdict if verdict not in IN_ORDER)
        _line(pen, f"To be looked at: {count} of {_rows(match.total().count)}.", 11, ALERT, bold=True)


def _rows(count: int) -> str:
    return f"{count:,} row" if count == 1 else f"{count:,} rows"


def _section(title: str, meaning: str, color: QColor) -> Callable[[Pen], None]:
    def write(pen: Pen) -> None:
        pen.gap(12)
        _line(pen, title, 11, color, bold=True)
        _line(pen, meaning, TEXT, SOFT)
        pen.gap(2)

    return write


def _headings(pen: Pen) -> None:
    _cells(pen, _COLUMNS, [name for name, _, _ in _COLUMNS], bold=True)


def _row_writer(row: Row) -> Callable[[Pen], None]:
    return lambda pen: _row(pen, row)


def _row(pen: Pen, row: Row) -> None:
    """A charge: its amounts, its names below them, and what is to be said of it."""
    values = (
        lines_text(row.lines),
        local_time(row.when) if "T" in row.when else row.when,
        row.receipt or (f"Till {row.till}" if row.till else ""),
        _short(", ".join(row.invoices)),
        _amount(row.file),
        _fee(row),
        _amount(row.journal),
        _amount(row.hub),
    )
    _rule(pen)
    _cells(pen, _COLUMNS, values)
    names = [("Reference", row.reference), ("payment", row.payment_guid)]
    told = " · ".join(f"{name} {_short(value)}" for name, value in names if value)
    indent = _COLUMNS[0][1] + _GAP / 2
    if told:
        _line(pen, told, SMALL, SOFT, indent=indent)
    for note in row.notes:
        _line(pen, note, TEXT, ALERT, indent=indent)
    pen.gap(1.5)


def _total_writer(name: str, total: Total, *, bold: bool = False) -> Callable[[Pen], None]:
    amounts = (total.file_cents, total.fee_cents, total.journal_cents, total.hub_cents)
    values = (name, f"{total.count:,}", *(format_dollars(cents) for cents in amounts))

    def write(pen: Pen) -> None:
        _rule(pen)
        _cells(pen, _TOTALS, values, bold=bold)

    return write


def lines_text(lines: tuple[int, ...]) -> str:
    """`2`, `2, 3` or, of many, `2 … 40`."""
    return ", ".join(map(str, lines)) if len(lines) < 3 else f"{lines[0]} … {lines[-1]}"


def _amount(side: Side | None) -> str:
    if side is None:
        return "–"
    return "unreadable" if side.amount_cents is None else format_dollars(side.amount_cents)


def _fee(row: Row) -> str:
    """The file's fee, else what journal or hub know of it."""
    fees = (side.fee_cents for side in (row.file, row.journal, row.hub) if side is not None)
    return next((format_dollars(cents) for cents in fees if cents is not None), "–")


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}…"


# -- strokes ------------------------------------------------------------------------------------------------


def _line(pen: Pen, text: str, size: float, color: QColor, *, bold: bool = False, indent: float = 0) -> None:
    height = pen._block(text, pen.font(size, bold), color, indent, WIDTH - indent, _LEFT)
    pen.y += height + size * 0.15


def _cells(
    pen: Pen,
    columns: tuple[tuple[str, float, Qt.AlignmentFlag], ...],
    values: "tuple[str, ...] | list[str]",
    *,
    bold: bool = False,
) -> None:
    """One line of a table; a long value goes on below itself within its column."""
    font = pen.font(TEXT, bold)
    at, height = 0.0, 0.0
    for (_, width, align), value in zip(columns, values, strict=True):
        height = max(height, pen._block(value, font, INK, at + _GAP / 2, width - _GAP, align))
        at += width
    pen.y += height + 1.5


def _rule(pen: Pen) -> None:
    painter = pen._painter
    if painter is not None:
        painter.setPen(QPen(LINE, 0.6))
        painter.drawLine(int(MARGIN), round(pen.y), int(MARGIN + WIDTH), round(pen.y))
    pen.gap(2)


def _foot(pen: Pen, report: SettlementReport, place: str) -> None:
    name = "TRAINING · Settlement match" if report.training else "Settlement match"
    text = f"{name} · till {report.till} · {report.sha256[:12]} · {report.file_name}"
    font, width = pen.font(SMALL), WIDTH - 90
    text = QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, width * 10)
    pen._block(text, font, SOFT, 0, width, _LEFT)
    pen._block(place, font, SOFT, WIDTH - 90, 90, _RIGHT)
