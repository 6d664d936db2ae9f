"""A PDF of pages, painted in points from the corner inside the margins."""

from types import TracebackType
from typing import Self

from PySide6.QtCore import QBuffer, QIODevice, QMarginsF
from PySide6.QtGui import QPageLayout, QPageSize, QPainter, QPdfWriter

from cashier.paper.pdf_dates import finished
from cashier.paper.pen import RESOLUTION

#: Around every page, points.
PAGE_MARGIN = 36.0


class PdfPages:
    """Pages of one size while the block lasts; then the bytes. Needs a QGuiApplication."""

    def __init__(self, size: QPageSize.PageSizeId, title: str, resolution: int = RESOLUTION) -> None:
        self._data = QBuffer()
        self._data.open(QIODevice.OpenModeFlag.WriteOnly)
        self._writer = QPdfWriter(self._data)
        margins = QMarginsF(PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN)
        self._writer.setPageLayout(QPageLayout(QPageSize(size), QPageLayout.Orientation.Portrait, margins))
        self._writer.setResolution(resolution)
        self._writer.setTitle(title)
        self._writer.setCreator("cashier")
        self._points = resolution / 72
        #: What is inside the margins, points.
        self.width = self._writer.width() / self._points
        self.height = self._writer.height() / self._points
        self._painter = QPainter()
        self._count = 0

    def __enter__(self) -> Self:
        self._painter.begin(self._writer)
        self._painter.scale(self._points, self._points)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._painter.end()

    def page(self) -> QPainter:
        """The painter, on the next page."""
        if self._count:
            self._writer.newPage()
        self._count += 1
        return self._painter

    def finished(self, stamp: str) -> bytearray:
        """The bytes, after the block: the same ones for the same pages and UTC stamp."""
        return finished(self._data, stamp)
