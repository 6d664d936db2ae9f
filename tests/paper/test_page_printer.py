"""Receipts on a printer of the system: pages, and what is told where there is none."""

from pathlib import Path

import pytest
from PySide6.QtCore import QMarginsF
from PySide6.QtGui import QPageLayout, QPageSize
from PySide6.QtPdf import QPdfDocument
from PySide6.QtPrintSupport import QPrinter, QPrinterInfo
from PySide6.QtWidgets import QApplication

from cashier.domain.receipt_text import receipt_paper
from cashier.paper.page_printer import PAGES, PagePrinter
from cashier.paper.pen import MARGIN, WIDTH, paint_on
from cashier.paper.receipt_page import write
from cashier.till.ports import PrintOutcome
from tests.fakes.entries import make_receipt, make_sale

PAPER = receipt_paper(make_receipt("s1", make_sale()), str)


@pytest.fixture(autouse=True)
def _fonts(qapp: QApplication) -> None:
    """Painting text needs an application."""


async def test_a_printer_that_the_system_does_not_have_prints_nothing() -> None:
    printer = PagePrinter("no such printer", "letter")
    for result in (await printer.print(PAPER), await printer.check()):
        assert result.outcome is PrintOutcome.NOT_PRINTED
        assert "no such printer" in result.reason
    assert (await printer.open_drawer()).outcome is PrintOutcome.NOT_PRINTED
    assert "no such printer" not in QPrinterInfo.availablePrinterNames()


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("dots", [300, 600, 1200])
def test_a_page_is_painted_on_any_printers_dots(page: str, dots: int, tmp_path: Path) -> None:
    device = QPrinter()
    device.setOutputFormat(QPrinter.OutputFormat.PdfFormat)
    device.setOutputFileName(str(tmp_path / "page.pdf"))
    device.setResolution(dots)
    layout = QPageLayout(QPageSize(PAGES[page]), QPageLayout.Orientation.Portrait, QMarginsF(36, 36, 36, 36))
    device.setPageLayout(layout)
    assert paint_on(device, lambda pen: write(pen, PAPER), "Receipt")
    document = QPdfDocument()
    assert document.load(str(tmp_path / "page.pdf")) is QPdfDocument.Error.None_
    assert document.pageCount() == 1
    text = document.getAllText(0)
    assert "Robin Example" in text.text() and "224.18" in text.text()
    # As large as on every other paper, and within the margins.
    box, size = text.boundingRectangle(), document.pagePointSize(0)
    assert box.left() >= 36 and box.right() <= size.width() - 36
    assert WIDTH - 2 * MARGIN - 5 <= box.width() <= WIDTH - 2 * MARGIN + 1
