"""Pages of a long report: items of known height, put on pages, and painted one after the other.

Everything is measured in tenths of a point, so that fonts of a whole number of pixels do for paper and screen
alike; what it is painted on scales it. An item costs no more than the strokes it makes: 20,000 rows are
painted in little more time than Qt itself needs for their texts.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from cashier.paper.pen import FAMILY, INK, LINE

#: Tenths of a point in a point.
UNIT = 10
#: Between what stands in two columns.
GAP = 60.0
#: No glyph of an ordinary text is wider than the size times this.
_WIDEST = 1.2
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextSingleLine)


class Style(NamedTuple):
    """A font by its size in points, and its colour."""

    size: float
    bold: bool = False
    color: QColor = INK


class _Fonts(threading.local):
    """Fonts and their measures by style. Each thread has its own: Qt's are not to be shared by two."""

    def __init__(self) -> None:
        self.fonts: dict[tuple[float, bool], tuple[QFont, QFontMetricsF]] = {}

    def of(self, size: float, bold: bool) -> tuple[QFont, QFontMetricsF]:
        found = self.fonts.get((size, bold))
        if found is None:
            font = QFont(FAMILY)
            font.setPixelSize(round(size * UNIT))
            font.setBold(bold)
            font.setFeature(QFont.Tag("tnum"), 1)
            found = self.fonts[size, bold] = (font, QFontMetricsF(font))
        return found


_fonts = _Fonts()


def font_of(size: float, bold: bool) -> QFont:
    """The font of a style, in tenths of a point."""
    return _fonts.of(size, bold)[0]


def metrics_of(size: float, bold: bool) -> QFontMetricsF:
    """The measures of a style's font."""
    return _fonts.of(size, bold)[1]


@lru_cache(maxsize=4096)
def fitted(text: str, size: float, bold: bool, width: float) -> str:
    """A text that fits a width, with … at its end where it had to be cut."""
    return metrics_of(size, bold).elidedText(text, Qt.TextElideMode.ElideRight, width)


@lru_cache(maxsize=256)
def wrapped(text: str, size: float, bold: bool, width: float) -> tuple[str, ...]:
    """The lines of a text in a width; a word that is longer than one is cut."""
    metrics, lines, line = metrics_of(size, bold), [], ""
    for word in text.split():
        longer = f"{line} {word}".lstrip()
        if line and metrics.horizontalAdvance(longer) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    return tuple(fitted(each, size, bold, width) for each in (*lines, line))


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading, where it is and how wide, in points."""

    name: str
    x: float
    width: float
    right: bool = False


def columns(*parts: tuple[str, float] | tuple[str, float, bool]) -> tuple[Column, ...]:
    """Columns one beside the other."""
    made, x = [], 0.0
    for name, width, *right in parts:
        made.append(Column(name, x, width, bool(right and right[0])))
        x += width
    return tuple(made)


#: Paints at the origin of the painter.
Draw = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Item:
    """What stays together on a page: `draw(painter, *args)` paints it, `height` tenths of a point high.

    A `head` stays with what follows it. `table` is what a page begins with when this is its first.
    """

    height: float
    draw: Draw
    args: tuple[Any, ...] = ()
    head: bool = False
    table: "Item | None" = None


class Table:
    """Rows of one font in columns, each on one line; what is too long ends in …."""

    def __init__(self, columns: Sequence[Column], size: float = 8.0) -> None:
        self.columns = tuple(columns)
        self._size = size
        metrics = metrics_of(size, False)
        self.row_height = metrics.height() + 22
        self._ascent = metrics.ascent() + 8
        self._font, self._bold = font_of(size, False), font_of(size, True)
        # Texts of so few characters fit without being measured.
        self._cells = [
            (
                QPointF(column.x * UNIT, self._ascent),
                QRectF(column.x * UNIT, 8, column.width * UNIT - GAP, self.row_height),
                column.right,
                column.width * UNIT - GAP,
                int((column.width * UNIT - GAP) / (size * UNIT * _WIDEST)),
            )
            for column in self.columns
        ]
        self._end = (self.columns[-1].x + self.columns[-1].width) * UNIT
        self._rule = QPen(LINE, 5)
        self.heading = Item(self.row_height + 10, self._draw_heading, head=True)
        # One bound method for all rows, instead of one for each.
        self._draw_lazy = self._draw_lazy  # type: ignore[method-assign]
        self._draw = self._draw  # type: ignore[method-assign]

    def lazy(self, values: Callable[[Any], tuple[str, ...]], row: object) -> Item:
        """A row whose texts are made when it is painted: of many rows no texts are kept."""
        return Item(self.row_height, self._draw_lazy, (values, row), table=self.heading)

    def _draw_lazy(self, painter: QPainter, values: Callable[[Any], tuple[str, ...]], row: object) -> None:
        self._draw(painter, values(row), False, INK)

    def row(self, *values: str, bold: bool = False, color: QColor = INK) -> Item:
        """A row as an item."""
        return Item(self.row_height, self._draw, (values, bold, color), table=self.heading)

    def _draw(self, painter: QPainter, values: tuple[str, ...], bold: bool, color: QColor) -> None:
        painter.setPen(self._rule)
        painter.drawLine(QPointF(0, 0), QPointF(self._end, 0))
        painter.setFont(self._bold if bold else self._font)
        painter.setPen(color)
        for (point, box, right, width, safe), text in zip(self._cells, values, strict=True):
            if not text:
                continue
            if len(text) > safe:
                text = fitted(text, self._size, bold, width)
            if right:
                painter.drawText(box, _RIGHT, text)
            else:
                painter.drawText(point, text)

    def _draw_heading(self, painter: QPainter) -> None:
        painter.save()
        painter.translate(0, 10)
        self._draw(painter, tuple(column.name for column in self.columns), True, INK)
        painter.restore()


def paragraph(
    text: str, style: Style, width: float, *, x: float = 0, after: float = 2, head: bool = False
) -> Item:
    """Wrapped text; `width`, `x` and `after` in points."""
    lines = wrapped(text, style.size, style.bold, (width - x) * UNIT)
    height = len(lines) * metrics_of(style.size, style.bold).lineSpacing() + after * UNIT
    return Item(height, _draw_lines, (lines, style, x * UNIT), head=head)


def _draw_lines(painter: QPainter, lines: tuple[str, ...], style: Style, x: float) -> None:
    metrics = metrics_of(style.size, style.bold)
    painter.setFont(font_of(style.size, style.bold))
    painter.setPen(style.color)
    y = metrics.ascent()
    for line in lines:
        painter.drawText(QPointF(x, y), line)
        y += metrics.lineSpacing()


def gap(points: float, *, head: bool = False) -> Item:
    """Nothing, of a height."""
    return Item(points * UNIT, _draw_nothing, head=head)


def _draw_nothing(_painter: QPainter) -> None:
    return None


def paginated(items: Sequence[Item], room: float) -> tuple[tuple[int, int], ...]:
    """Where each page begins and ends among items. `room` is in tenths of a point."""
    pages: list[tuple[int, int]] = []
    start, used = 0, 0.0
    place, count = 0, len(items)
    while place < count:
        end, needed = place, items[place].height
        while items[end].head and end + 1 < count:  # heads go with what follows them
            end += 1
            needed += items[end].height
        if place > start and used + needed > room:
            pages.append((start, place))
            start, table = place, items[place].table
            used = table.height if table else 0.0
        used += needed
        place = end + 1
    return (*pages, (start, count))


def paint_items(painter: QPainter, items: Sequence[Item], start: int, end: int) -> None:
    """Paint the items of one page at the painter's origin. The painter's place is put back."""
    painter.save()
    table = items[start].table if start < end and start > 0 else None
    for item in (table, *items[start:end]) if table else items[start:end]:
        item.draw(painter, *item.args)
        painter.translate(0, item.height)
    painter.restore()
