"""The small picture of a day: bars by hour, and by invoice type, as wide as their amounts."""

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from cashier.domain.daily import DailyReport
from cashier.domain.money import format_dollars
from cashier.paper.pen import BLUE, SOFT
from cashier.paper.sheet import UNIT, Item, Style, fitted, font_of, metrics_of

#: Bars of invoice types; more would be no picture. The table beside it has them all.
TYPES_MAX = 8
#: Points.
HEIGHT, BARS = 118.0, 66.0
_LABEL = Style(7, color=SOFT)
_TITLE = Style(8, True)


def picture(report: DailyReport, width: float) -> Item:
    """The picture as an item of a page, `width` points wide."""
    return Item(HEIGHT * UNIT, _draw, (report, width))


def _draw(painter: QPainter, report: DailyReport, width: float) -> None:
    half = (width - 30) / 2
    draw_hours(painter, report, half)
    painter.save()
    painter.translate((half + 30) * UNIT, 0)
    _types(painter, report, half)
    painter.restore()


def hours_shown(report: DailyReport) -> list[int]:
    """Every hour from the first with a tender to the last, those without any, too."""
    hours = report.figures.hours
    return list(range(min(hours), max(hours) + 1)) if hours else []


def draw_hours(painter: QPainter, report: DailyReport, width: float) -> None:
    """The bars by hour at the painter's origin, in tenths of a point."""
    _text(painter, "Taken by hour", _TITLE, 0, 0)
    shown, tallies = hours_shown(report), report.figures.hours
    most = max((tally.amount_cents for tally in tallies.values()), default=0) or 1
    step = width / max(len(shown), 6)
    painter.fillRect(QRectF(0, (BARS + 22) * UNIT, width * UNIT, 5), SOFT)
    for place, hour in enumerate(shown):
        tally = tallies.get(hour)
        x = place * step
        _text(painter, f"{hour:02d}", _LABEL, x, BARS + 24, step)
        if tally is None:
            continue
        height = max(BARS * tally.amount_cents / most, 0.8)
        box = QRectF((x + step * 0.15) * UNIT, (22 + BARS - height) * UNIT, step * 0.7 * UNIT, height * UNIT)
        painter.fillRect(box, BLUE)
        _text(painter, f"{tally.count:,}", _LABEL, x, 22 + BARS - height - 9.5, step)
    _text(painter, f"Tenders above the bars; the highest is {format_dollars(most)}.", _LABEL, 0, BARS + 36)


def _types(painter: QPainter, report: DailyReport, width: float) -> None:
    _text(painter, "Taken by invoice type", _TITLE, 0, 0)
    flows = sorted(report.figures.types.items(), key=lambda item: -item[1].taken_cents)[:TYPES_MAX]
    most = max((flow.taken_cents for _, flow in flows), default=0) or 1
    step = min(16.0, (HEIGHT - 20) / max(len(flows), 1))
    for place, (type_id, flow) in enumerate(flows):
        y = 18 + place * step
        name = fitted(report.type_name(type_id), 7, False, 88 * UNIT)
        _text(painter, name, _LABEL, 0, y)
        length = max((width - 152) * flow.taken_cents / most, 0.8)
        painter.fillRect(QRectF(92 * UNIT, (y + 1) * UNIT, length * UNIT, (step - 6) * UNIT), BLUE)
        _text(painter, format_dollars(flow.taken_cents), _LABEL, 92 + length + 4, y)


def _text(
    painter: QPainter, text: str, style: Style, x: float, y: float, centered_in: float | None = None
) -> None:
    metrics = metrics_of(style.size, style.bold)
    if centered_in is not None:
        x += (centered_in - metrics.horizontalAdvance(text) / UNIT) / 2
    painter.setFont(font_of(style.size, style.bold))
    painter.setPen(style.color)
    painter.drawText(QPointF(x * UNIT, y * UNIT + metrics.ascent()), text)
