"""Receipts on Letter or A4 pages, by a printer of the system.

Qt and the system's spooler are asked in a thread: neither may hold up the window. The spooler takes a page
and says no more, so "printed" means here that the system has it. A drawer does not hang on such a printer.
"""

import asyncio
from pathlib import Path

from PySide6.QtCore import QMarginsF
from PySide6.QtGui import QPageLayout, QPageSize

from cashier.domain.receipt_text import Paper
from cashier.paper.logo import Logo
from cashier.paper.pen import paint_on
from cashier.paper.receipt_page import write_marked
from cashier.till.ports import PrintOutcome, PrintResult

PAGES = {"letter": QPageSize.PageSizeId.Letter, "a4": QPageSize.PageSizeId.A4}
_NO_DRAWER = "no drawer hangs on a page printer"


class PagePrinter:
    """A printer of the system, by its name there; the system's default for an empty one."""

    def __init__(self, name: str, page: str, logo: Path | None = None) -> None:
        self._name, self._page = name, PAGES[page]
        self._logo = Logo(logo)

    async def print(self, paper: Paper) -> PrintResult:
        """See the port."""
        return await asyncio.to_thread(self._print, paper)

    async def open_drawer(self) -> PrintResult:
        """See the port."""
        return PrintResult(PrintOutcome.NOT_PRINTED, _NO_DRAWER)

    async def check(self) -> PrintResult:
        """See the port."""
        return await asyncio.to_thread(self._check)

    def _check(self) -> PrintResult:
        from PySide6.QtPrintSupport import QPrinterInfo

        known = QPrinterInfo.availablePrinterNames()
        name = self._name or QPrinterInfo.defaultPrinterName()
        if name not in known:
            there = ", ".join(known) or "none"
            return PrintResult(
                PrintOutcome.NOT_PRINTED, f"the system has no printer {name!r}; there is {there}"
            )
        return PrintResult(PrintOutcome.PRINTED)

    def _print(self, paper: Paper) -> PrintResult:
        from PySide6.QtPrintSupport import QPrinter, QPrinterInfo

        found = self._check()
        if found.outcome is not PrintOutcome.PRINTED:
            return found
        name = self._name or QPrinterInfo.defaultPrinterName()
        device = QPrinter(QPrinterInfo.printerInfo(name), QPrinter.PrinterMode.HighResolution)
        device.setPageLayout(
            QPageLayout(QPageSize(self._page), QPageLayout.Orientation.Portrait, QMarginsF(36, 36, 36, 36))
        )
        device.setDocName(paper.title)
        logo = self._logo.image()
        if not paint_on(device, lambda pen: write_marked(pen, paper, logo), paper.title, paper.page):
            return PrintResult(PrintOutcome.NOT_PRINTED, f"the printer {name} did not take the page")
        if device.printerState() is QPrinter.PrinterState.Error:
            return PrintResult(PrintOutcome.UNKNOWN, f"the printer {name} reports a fault")
        return PrintResult(PrintOutcome.PRINTED, note=self._logo.news())
