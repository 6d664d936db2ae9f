"""The daily receipts on paper: totals with their picture, what is open, every row, and lines to sign on.

One layout for the printer, a PDF and the preview on screen: `Layout` has the pages, `paint` paints one.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QPointF, QSizeF
from PySide6.QtGui import QPageLayout, QPageSize, QPainter, QPdfWriter, QPen

from cashier.domain.daily import Allocation, DailyReport, Instrument, Numbers, ReportKind, Tally
from cashier.domain.money import format_dollars
from cashier.domain.receipt import TenderKind
from cashier.paper.daily_picture import picture
from cashier.paper.pdf_dates import finished
from cashier.paper.pen import INK, LINE, RESOLUTION, SOFT
from cashier.paper.sheet import (
    UNIT,
    Item,
    Style,
    Table,
    columns,
    fitted,
    font_of,
    gap,
    metrics_of,
    paginated,
    paint_items,
    paragraph,
)

#: What is inside the margins of a Letter page, points; a narrower page is scaled down to it.
WIDTH = 540.0
PAGE_MARGIN = 36.0
#: Room for the header and the foot of each page, points.
HEADER, FOOT = 30.0, 22.0
TITLE, SECTION = Style(15, True), Style(10.5, True)
TEXT, NOTE = Style(8.5), Style(8, color=SOFT)
#: The word for what waits, amber as on screen.
_WAITING = Style(10.5, True)

TENDERS = {
    TenderKind.CASH: "Cash",
    TenderKind.CHECK: "Checks",
    TenderKind.MONEY_ORDER: "Money orders",
    TenderKind.CARD: "Cards",
    TenderKind.BANK: "Bank accounts (ACH)",
}
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
    data = QBuffer()
    data.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(data)
    margins = QMarginsF(PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN)
    writer.setPageLayout(QPageLayout(QPageSize(size), QPageLayout.Orientation.Portrait, margins))
    writer.setResolution(RESOLUTION)
    writer.setTitle(title_of(report))
    writer.setCreator("cashier")
    painter = QPainter(writer)
    try:
        painter.scale(RESOLUTION / 72, RESOLUTION / 72)
        for number in range(len(layout.pages)):
            progress(number, len(layout.pages))
            if number:
                writer.newPage()
            layout.paint(painter, number)
    finally:
        painter.end()
    return finished(data, report.heading.made_at)


def write_pdf(
    file: Path, report: DailyReport, size: QPageSize.PageSizeId = QPageSize.PageSizeId.Letter
) -> None:
    """Write a report as a PDF. Raises OSError when the file cannot be written."""
    file.write_bytes(pdf_bytes(report, size))


def title_of(report: DailyReport) -> str:
    """The report's name with its days: `Z report 2026-02-03`."""
    return f"{report.heading.kind.value} {days_of(report)}"


def days_of(report: DailyReport) -> str:
    """The business dates."""
    first, last = report.scope.first.isoformat(), report.scope.last.isoformat()
    return first if first == last else f"{first} to {last}"


# -- every page --------------------------------------------------------------------------------------------


def _header(painter: QPainter, report: DailyReport) -> None:
    training = "TRAINING – NO MONEY MOVED · " if report.heading.training else ""
    who = fitted(f"{training}{report.heading.agency}", 8.5, True, 330 * UNIT)
    _line(painter, who, Style(8.5, True), 0, 0, WIDTH)
    _line(painter, title_of(report), Style(8.5, True), 0, 0, WIDTH, right=True)
    painter.setPen(QPen(LINE, 8))
    painter.drawLine(QPointF(0, 140), QPointF(WIDTH * UNIT, 140))


def _foot(painter: QPainter, report: DailyReport, place: str) -> None:
    heading = report.heading
    who = f" by {heading.made_by}" if heading.made_by else ""
    verb = "Closed" if heading.kind is ReportKind.Z else "Made"
    text = f"{_scope_text(report)} · {verb} {heading.made_time}{who}"
    _line(painter, fitted(text, 7, False, 430 * UNIT), Style(7, color=SOFT), 0, 0, WIDTH)
    _line(painter, place, Style(7, color=SOFT), 0, 0, WIDTH, right=True)


def _scope_text(report: DailyReport) -> str:
    till = f"till {report.scope.till}" if report.scope.till else "every till of this journal"
    return f"{till}, {report.scope.clerk}" if report.scope.clerk else f"{till}, every clerk"


def _line(
    painter: QPainter, text: str, style: Style, x: float, y: float, width: float, *, right: bool = False
) -> None:
    painter.setFont(font_of(style.size, style.bold))
    painter.setPen(style.color)
    metrics = metrics_of(style.size, style.bold)
    if right:
        x = x + width - metrics.horizontalAdvance(text) / UNIT
    painter.drawText(QPointF(x * UNIT, y * UNIT + metrics.ascent()), text)


# -- what stands on them -----------------------------------------------------------------------------------


def _items(report: DailyReport) -> Iterator[Item]:
    yield from _title(report)
    yield from _summary(report)
    yield from _numbers(report)
    yield from _open(report)
    for kind, name in TENDERS.items():
        yield from _instruments(report, kind, name)
    yield from _voids(report)
    yield from _refunds(report)
    yield from _returned(report)
    yield from _late(report)
    yield from _allocations(report)
    yield signature_item()


def _title(report: DailyReport) -> Iterator[Item]:
    yield paragraph(title_of(report), TITLE, WIDTH, after=1)
    heading = report.heading
    yield paragraph(f"{heading.agency} · {_scope_text(report)}", TEXT, WIDTH, after=3)
    if heading.kind is ReportKind.X:
        yield paragraph("The day is open: this report changes nothing, and figures may change.", NOTE, WIDTH)
    if not report.instruments and not report.voids:
        yield paragraph("No receipt was issued.", SECTION, WIDTH, after=3)


def section(title: str, note: str = "", style: Style = SECTION) -> Iterator[Item]:
    """A heading that stays with what follows it."""
    yield gap(12, head=True)
    yield paragraph(title, style, WIDTH, head=True)
    if note:
        yield paragraph(note, NOTE, WIDTH, head=True, after=3)


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
    yield from section(
        "To be in the drawer for the bank", "Without the float, drops, and cash paid in or out."
    )
    for kind, tally in figures.drawer.items():
        yield _tally(table, TENDERS[kind], Tally(tally.count, tally.amount_cents), fee=False)
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


_CASH = columns(
    ("Receipt", 62),
    ("Time", 58),
    ("Payer", 150),
    ("Permit", 100),
    ("Given", 58, True),
    ("Change", 50, True),
    ("Amount", 62, True),
)
_PAPER = columns(
    ("Receipt", 62),
    ("Time", 58),
    ("Number", 62),
    ("Bank", 96),
    ("Drawn by", 100),
    ("Payer", 100),
    ("Amount", 62, True),
)
_CARD = columns(
    ("Receipt", 62),
    ("Time", 58),
    ("Brand", 70),
    ("Payer", 134),
    ("Permit", 104),
    ("Fee", 50, True),
    ("Amount", 62, True),
)


def _instruments(report: DailyReport, kind: TenderKind, name: str) -> Iterator[Item]:
    rows = report.of_kind(kind)
    if not rows:
        return
    yield from section(f"{name} · {len(rows):,}")
    if kind is TenderKind.CASH:
        shape, values = _CASH, _cash_values
    elif kind in (TenderKind.CHECK, TenderKind.MONEY_ORDER):
        shape, values = _PAPER, _paper_values
    else:
        shape, values = _CARD, _card_values
    table = Table(shape)
    yield table.heading
    for item in rows:
        yield table.lazy(values, item)
    total = report.figures.tenders[kind]
    last = (
        f"{total.count:,}",
        *("" for _ in shape[2:-2]),
        format_dollars(total.service_fee_cents) if shape is _CARD else "",
        format_dollars(total.amount_cents),
    )
    yield table.row("Together", *last, bold=True)


def _cash_values(item: Instrument) -> tuple[str, ...]:
    given = item.received_cents
    over = format_dollars(given) if given else ""
    change = format_dollars(given - item.amount_cents) if given else ""
    amount = format_dollars(item.amount_cents)
    return (item.receipt, item.time, item.payer, item.permit, over, change, amount)


def _paper_values(item: Instrument) -> tuple[str, ...]:
    amount = format_dollars(item.amount_cents)
    return (item.receipt, item.time, item.number, item.bank, item.drawn_by, item.payer, amount)


def _card_values(item: Instrument) -> tuple[str, ...]:
    fee, amount = format_dollars(item.service_fee_cents), format_dollars(item.amount_cents)
    return (item.receipt, item.time, item.brand, item.payer, item.permit, fee, amount)


_UNDONE = columns(("Receipt", 62), ("", 76), ("Payer", 170), ("Permit", 130), ("Amount", 102, True))


def _voids(report: DailyReport) -> Iterator[Item]:
    if not report.voids:
        return
    note = "Taken back on their own business date. Their numbers stay; their tenders were handed back."
    yield from section(f"Voids · {len(report.voids)}", note)
    table = Table(_UNDONE)
    yield table.heading
    for void in report.voids:
        yield _kept(
            table.row(void.receipt, "VOID", void.payer, void.permit, format_dollars(void.amount_cents))
        )
        handed = "; ".join(_handed_back(item) for item in void.instruments)
        yield _kept(paragraph(f"Handed back: {handed}", NOTE, WIDTH, x=62, after=0))
        yield _why(void.reason, void.text, void.requester, void.approver)
    yield _total(table, len(report.voids), report.figures.voids.amount_cents)


def _handed_back(item: Instrument) -> str:
    what = {TenderKind.CHECK: "check", TenderKind.MONEY_ORDER: "money order"}.get(item.kind, item.kind.value)
    named = f"{what} {item.number}".rstrip()
    return f"{named} {format_dollars(item.amount_cents)}"


def _refunds(report: DailyReport) -> Iterator[Item]:
    if not report.refunds:
        return
    yield from section(
        f"Refunds · {len(report.refunds)}", "Given back on this day; the receipts stay as they are."
    )
    table = Table(_UNDONE)
    yield table.heading
    for refund in report.refunds:
        how = refund.kind.value.replace("_", " ")
        amount = format_dollars(-refund.amount_cents)
        yield _kept(table.row(refund.receipt, how, refund.payer, refund.permit, amount))
        if refund.service_fee_cents:
            fee = f"Service fee given back with it: {format_dollars(refund.service_fee_cents)}"
            yield _kept(paragraph(fee, NOTE, WIDTH, x=62, after=0))
        if not refund.is_done:
            said = "ASKED FOR, NOT DONE YET: to be done in the gateway's portal. In no total."
            yield _kept(paragraph(said, Style(8, True), WIDTH, x=62, after=0))
        yield _why(refund.reason, refund.text, refund.requester, refund.approver)
    yield _total(table, report.figures.refunded.count, -report.figures.refunded.amount_cents)


def _returned(report: DailyReport) -> Iterator[Item]:
    if not report.returned:
        return
    yield from section(f"Checks returned by the bank · {len(report.returned)}")
    table = Table(_UNDONE)
    yield table.heading
    for check in report.returned:
        amount = format_dollars(-check.amount_cents)
        yield _kept(table.row(check.receipt, check.number, check.payer, check.permit, amount))
        yield _why(check.reason, "", check.by, "")
    total = report.figures.returned
    yield _total(table, total.count, -total.amount_cents)


def _total(table: Table, count: int, cents: int) -> Item:
    return table.row("Together", f"{count:,}", "", "", format_dollars(cents), bold=True)


def _why(reason: str, text: str, requester: str, approver: str) -> Item:
    said = f"{reason}: {text}" if text else reason
    by = f"{requester}, approved by {approver}" if approver else requester
    return paragraph(f"{said} – {by}", NOTE, WIDTH, x=62, after=3)


def _kept(item: Item) -> Item:
    """An item that stays with the one below it."""
    return Item(item.height, item.draw, item.args, head=True, table=item.table)


_LATE = columns(("Receipt", 62), ("Belongs to", 80), ("Reference", 258), ("Amount", 140, True))


def _late(report: DailyReport) -> Iterator[Item]:
    if not report.late:
        return
    note = "Confirmed after their business date was closed. They count here; the closed day stays as it was."
    yield from section(f"Late approvals · {len(report.late)}", note)
    table = Table(_LATE)
    yield table.heading
    for item in report.late:
        yield table.row(item.receipt, item.belongs_to, item.reference, format_dollars(item.amount_cents))


_SHARES = columns(
    ("Receipt", 62), ("Permit", 128), ("Invoice type", 130), ("GL account", 140), ("Amount", 80, True)
)


def _allocations(report: DailyReport) -> Iterator[Item]:
    if not report.allocations:
        return
    note = "What each receipt paid, and what each refund took back, of every invoice type and GL account."
    yield from section("Allocation, receipt by receipt", note)
    table = Table(_SHARES)
    yield table.heading
    names = {type_id: report.type_name(type_id) for type_id in report.figures.types}

    def values(share: Allocation) -> tuple[str, ...]:
        account, amount = share.account or "no account", format_dollars(share.amount_cents)
        return (share.receipt, share.permit, names[share.type_id], account, amount)

    for share in report.allocations:
        yield table.lazy(values, share)
    total = format_dollars(sum(share.amount_cents for share in report.allocations))
    yield table.row("Together", "", "", "", total, bold=True)


_SIGN = (("Counted by", 0.0), ("Reviewed by (supervisor)", 280.0))


def signature_item() -> Item:
    return Item(95.0 * UNIT, _draw_signatures)


def _draw_signatures(painter: QPainter) -> None:
    for name, x in _SIGN:
        painter.setPen(QPen(INK, 6))
        painter.drawLine(QPointF(x * UNIT, 700), QPointF((x + 170) * UNIT, 700))
        painter.drawLine(QPointF((x + 185) * UNIT, 700), QPointF((x + 260) * UNIT, 700))
        _line(painter, name, Style(7.5, color=SOFT), x, 73, 170)
        _line(painter, "Date", Style(7.5, color=SOFT), x + 185, 73, 75)
