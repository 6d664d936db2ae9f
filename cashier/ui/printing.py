"""Pages of a report to a printer that Qt knows."""

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtGui import QPainter
from PySide6.QtPrintSupport import QPrinter

from cashier.paper.daily_page import Layout
from cashier.paper.pdf_pages import PAGE_MARGIN


@contextmanager
def printing(printer: QPrinter) -> Iterator[QPainter]:
    """A painter on a printer. Raises OSError when the printer cannot be begun with."""
    printer.setFullPage(True)
    painter = QPainter()
    if not painter.begin(printer):
        raise OSError(f"The printer {printer.printerName() or 'chosen'} did not start")
    try:
        yield painter
    finally:
        painter.end()


def print_page(printer: QPrinter, painter: QPainter, layout: Layout, number: int, *, is_first: bool) -> None:
    """One page, from 0. Raises OSError when the printer takes no further page."""
    if not is_first and not printer.newPage():
        raise OSError(f"The printer {printer.printerName()} took no further page")
    scale = printer.resolution() / 72
    painter.save()
    painter.scale(scale, scale)
    painter.translate(PAGE_MARGIN, PAGE_MARGIN)
    layout.paint(painter, number)
    painter.restore()
