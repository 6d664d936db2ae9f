"""Paper as this till paints it: one pen for the screen, for a PDF, for a page and for a narrow roll alike."""

import datetime as dt
import math
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QImage,
    QPagedPaintDevice,
    QPageLayout,
    QPageSize,
    QPainter,
    QPdfWriter,
    QPen,
)

from cashier.domain.language import ENGLISH

#: A page is laid out in points and scaled to whatever it is painted on.
WIDTH = 440.0
MARGIN = 28.0
#: A roll of 80 mm, of which a receipt printer prints 72 mm; points.
ROLL_WIDTH, ROLL_MARGIN = 80 / 25.4 * 72, 4 / 25.4 * 72
FAMILY = "DejaVu Sans"
#: What is on paper is not made smaller than this; it goes on over another page instead.
SCALE_MIN = 0.75
#: Room at the bottom of a page for its number, points.
FOOT = 36.0
RESOLUTION = 300
#: How pages are counted.
COUNT = ENGLISH.words["page"]
INK = QColor("#18212f")
SOFT = QColor("#566275")
BLUE = QColor("#1b4b8f")
LINE = QColor("#d5dbe3")
PALE = QColor("#e9ecf1")
#: The room of a logo, points.
LOGO_WIDTH, LOGO_HEIGHT = 216.0, 58.0
#: Between what stands at the left and at the right of a line, points.
GUTTER = 12.0


class Pen:
    """Writes down the page; `y` is where the next line goes. Without a painter it only measures.

    `ends` are the places where a line or a paragraph ends: a page may end there, too. What stands outside
    of the `part` from one such place to another is measured only. `width` is that of the paper and `margin`
    what stays empty at its sides, both in points.
    """

    def __init__(
        self,
        painter: QPainter | None,
        family: str,
        part: tuple[float, float] = (0.0, math.inf),
        *,
        width: float = WIDTH,
        margin: float = MARGIN,
    ) -> None:
        self._given = painter
        self._family = family
        self._part = part
        self.width = width
        self.margin = margin
        self.y = margin
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
        width = self.width - 2 * self.margin - indent - inset
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
        width = self.width - 2 * self.margin - name_width - GUTTER
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
            self._painter.translate(self.margin + indent, self.y)
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
            y = round(self.y)
            self._painter.drawLine(int(self.margin), y, int(self.width - self.margin), y)
        self.gap(7)

    def stamp(self, word: str, detail: str, color: QColor = BLUE) -> None:
        """The word that matters most, in a box: PAID in blue."""
        height = 40.0
        if self._painter is not None:
            box = QRectF(self.margin, self.y, self.width - 2 * self.margin, height)
            self._painter.setPen(Qt.PenStyle.NoPen)
            self._painter.setBrush(color)
            self._painter.drawRoundedRect(box, 6, 6)
            self._painter.setBrush(Qt.BrushStyle.NoBrush)
        y, self.y = self.y, self.y + 10
        self.text(word, 16, bold=True, color=QColor("white"), right=detail, indent=12, inset=12)
        self.ends.pop()
        self.y = y + height + 10

    def notice(self, *lines: str, size: float = 16) -> None:
        """Lines that must not be overlooked, in a frame that any printer prints."""
        top = self.y
        self.gap(10)
        for text in lines:
            self.text(text, size, bold=True, center=True, indent=8, inset=8)
            self.ends.pop()
        self.gap(10 - size * 0.28)
        if self._given is not None and self._part[0] <= top < self._part[1]:
            box = QRectF(self.margin, top, self.width - 2 * self.margin, self.y - top)
            self._given.setPen(QPen(INK, 2))
            self._given.drawRoundedRect(box.adjusted(1, 1, -1, -1), 6, 6)
        self.gap(10)

    def picture(self, image: QImage) -> None:
        """A picture in the middle, as large as it is at 96 dots an inch and no larger than its room."""
        width = min(LOGO_WIDTH, self.width - 2 * self.margin)
        scale = min(72 / 96, width / image.width(), LOGO_HEIGHT / image.height())
        size = QSizeF(image.width() * scale, image.height() * scale)
        if self._painter is not None:
            left = (self.width - size.width()) / 2
            self._painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            self._painter.drawImage(QRectF(QPointF(left, self.y), size), image)
        self.gap(size.height() + 8)

    def watermark(self, word: str, height: float) -> None:
        """A pale word across paper of this height. To be painted before what stands on it."""
        if self._given is None:
            return
        room = math.hypot(self.width, height) * 0.8
        font = self.font(10, bold=True)
        size = min(room / (QFontMetricsF(font).horizontalAdvance(word) / 100), self.width / 4)
        self._given.save()
        self._given.translate(QPointF(self.width / 2, height / 2))
        self._given.rotate(-math.degrees(math.atan2(height, self.width)))
        self._given.scale(0.1, 0.1)
        self._given.setFont(self.font(size, bold=True))
        self._given.setPen(PALE)
        box = QRectF(-room * 10, -size * 10, room * 20, size * 20)
        self._given.drawText(box, Qt.AlignmentFlag.AlignCenter, word)
        self._given.restore()


#: Writes everything down a page and returns where its lower margin ends, points.
Write = Callable[[Pen], float]


def local_time(stamp: str) -> str:
    """A stored UTC stamp at the counter's local time, to the minute."""
    return dt.datetime.fromisoformat(stamp).astimezone().strftime("%Y-%m-%d %H:%M")


def write_pages(
    write: Write,
    file: Path,
    *,
    title: str,
    foot: str,
    page: QPageSize.PageSizeId = QPageSize.PageSizeId.Letter,
    count: str = COUNT,
) -> None:
    """Write a PDF of Letter or A4 pages. Raises OSError when the file cannot be written.

    What is somewhat too long for a page is scaled down to it; what is longer goes on over more pages, each
    with `foot` and its number.
    """
    # Qt says nothing of a disk that is full or a folder that cannot be written to: Python writes the file.
    file.write_bytes(pages_bytes(write, title=title, foot=foot, page=page, count=count))


def pages_bytes(
    write: Write,
    *,
    title: str,
    foot: str,
    page: QPageSize.PageSizeId = QPageSize.PageSizeId.Letter,
    count: str = COUNT,
) -> bytes:
    """The same PDF as bytes."""
    layout = QPageLayout(QPageSize(page), QPageLayout.Orientation.Portrait, QMarginsF(36, 36, 36, 36))
    return _pdf_bytes(
        layout, title, lambda painter, writer: _paint_pages(painter, writer, write, foot, count)
    )


def paint_on(device: QPagedPaintDevice, write: Write, foot: str, count: str = COUNT) -> bool:
    """Paint on the pages of a printer; False when it takes none."""
    painter = QPainter()
    if not painter.begin(device):
        return False
    try:
        dots = device.logicalDpiX() / 72
        painter.scale(dots, dots)
        _paint_pages(painter, device, write, foot, count)
    finally:
        ended = painter.end()
    return ended


def write_roll(write: Write, file: Path, *, title: str) -> None:
    """Write a PDF of a roll of 80 mm, as long as it takes. Raises OSError when the file cannot be written."""
    height = write(Pen(None, FAMILY, width=ROLL_WIDTH, margin=ROLL_MARGIN))
    size = QPageSize(
        QSizeF(ROLL_WIDTH, height), QPageSize.Unit.Point, "Roll", QPageSize.SizeMatchPolicy.ExactMatch
    )
    layout = QPageLayout(size, QPageLayout.Orientation.Portrait, QMarginsF())
    data = _pdf_bytes(
        layout,
        title,
        lambda painter, _writer: write(Pen(painter, FAMILY, width=ROLL_WIDTH, margin=ROLL_MARGIN)),
    )
    file.write_bytes(data)


def _pdf_bytes(layout: QPageLayout, title: str, paint: Callable[[QPainter, QPdfWriter], object]) -> bytes:
    data = QBuffer()
    data.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(data)
    writer.setPageLayout(layout)
    writer.setResolution(RESOLUTION)
    writer.setTitle(title)
    writer.setCreator("cashier")
    painter = QPainter(writer)
    try:
        painter.scale(RESOLUTION / 72, RESOLUTION / 72)
        paint(painter, writer)
    finally:
        painter.end()
    return bytes(data.data().data())


def _paint_pages(painter: QPainter, device: QPagedPaintDevice, write: Write, foot: str, count: str) -> None:
    """Paint on as many pages as it takes."""
    size = QSizeF(device.width(), device.height()) / (device.logicalDpiX() / 72)
    measured = Pen(None, FAMILY)
    height = write(measured)
    scale = min(1.0, size.width() / WIDTH, size.height() / height)
    pages = [(0.0, height)]
    if scale < SCALE_MIN:
        scale = min(1.0, size.width() / WIDTH)
        pages = _pages(measured.ends, size.height() / scale - FOOT)
    painter.scale(scale, scale)
    painter.translate((size.width() / scale - WIDTH) / 2, 0)
    for number, (start, end) in enumerate(pages, 1):
        if number > 1:
            device.newPage()
        painter.save()
        painter.translate(0, -start)
        write(Pen(painter, FAMILY, (start, end)))
        painter.restore()
        if len(pages) > 1:
            below = Pen(painter, FAMILY)
            below.y = size.height() / scale - FOOT / 2
            below.text(f"{foot}, {count.format(number=number, count=len(pages))}", 9, color=SOFT, center=True)


def _pages(ends: list[float], room: float) -> list[tuple[float, float]]:
    """Where each page starts and ends, as long as `room` at most and ending where a line does."""
    pages, start = [], 0.0
    while ends[-1] - start > room:
        end = max((end for end in ends if start < end <= start + room), default=start + room)
        pages.append((start, end))
        start = end
    return [*pages, (start, ends[-1])]
