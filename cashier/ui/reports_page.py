"""Reports: the pages as they will print at the left, what to report and what to do with it at the right."""

from collections.abc import Callable, Coroutine
from itertools import pairwise
from pathlib import Path
from typing import Any

from PySide6.QtCore import QDate, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPageSize
from PySide6.QtWidgets import (
    QComboBox,
    QDateEdit,
    QFileDialog,
    QHBoxLayout,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from cashier.domain.daily import DailyReport, Scope
from cashier.domain.errors import CashierError
from cashier.domain.money import format_dollars
from cashier.paper import daily_csv, daily_page, deposit_page
from cashier.paper.daily_page import SIZES, Layout
from cashier.paper.daily_parts import days_of
from cashier.till.site_reporting import SiteReporter
from cashier.till.till import Till
from cashier.ui.report_jobs import OpenDaybook, ReportJobs, Stopped, Turn
from cashier.ui.report_preview import PictureView, ReportPreview
from cashier.ui.theme import Theme, scaled
from cashier.ui.widgets import Button, Shrinking, announce, label, row

EVERY_TILL, EVERY_CLERK = "Every till", "Every clerk"
OF_SITE = "Every till of the site (from the hub)"
#: After why there is no site's report.
_OWN_INSTEAD = (
    " Every till of the site is in the hub alone; this till's own report needs no hub: choose it above."
)
#: Pixels; with large text at most so many, so that the page keeps its place.
SIDE_WIDTH, SIDE_WIDTH_MAX = 320, 430
_DATE = "yyyy-MM-dd"

Run = Callable[[Coroutine[Any, Any, None]], None]


class ReportsPage(QWidget):
    """Preview, choices, buttons. `told` has a title and a text for the clerk."""

    told = Signal(str, str)
    noted = Signal(str)

    def __init__(self, theme: Theme, run: Run) -> None:
        super().__init__()
        self.setObjectName("page")
        self._run = run
        self._till: Till | None = None
        self._jobs: ReportJobs | None = None
        self._wanted = False
        self._busy = False
        self.preview = ReportPreview(theme)
        self.picture = PictureView(_side_width() - 24)
        self.first, self.last = _date_field("First business date"), _date_field("Last business date")
        self.till_choice = _choice("Till", EVERY_TILL)
        self.clerk = _choice("Clerk", EVERY_CLERK)
        self.paper = _choice("Paper", *SIZES)
        self.summary = label("", "soft", wrap=True)
        self.progress = QProgressBar()
        self.progress.setAccessibleName("Progress")
        self.progress.setTextVisible(False)
        self.stop = Button("Stop")
        self.print_it = Button("Print …")
        self.pdf = Button("Save PDF   Ctrl+P")
        self.csv = Button("Save CSV")
        self.deposit = Button("Deposit slip")
        self.buttons = (self.print_it, self.pdf, self.csv, self.deposit)
        self._lay_out()
        self.first.dateChanged.connect(self._first_changed)
        self.last.dateChanged.connect(self.refresh)
        for choice in (self.till_choice, self.clerk):
            choice.activated.connect(self.refresh)
        self.paper.activated.connect(self._size_changed)
        self.print_it.clicked.connect(self._print)
        self.pdf.clicked.connect(self.save_pdf)
        self.csv.clicked.connect(self._save_csv)
        self.deposit.clicked.connect(self._save_deposit)
        self.stop.clicked.connect(self._stop)
        self._show_busy(False)

    def _lay_out(self) -> None:
        side = QVBoxLayout()
        side.setContentsMargins(0, 0, 8, 0)
        side.setSpacing(8)
        for name, widget in (
            ("From business date", self.first),
            ("to", self.last),
            ("Till", self.till_choice),
            ("Clerk", self.clerk),
            ("Paper", self.paper),
        ):
            side.addWidget(label(name, "heading"))
            side.addWidget(widget)
        side.addWidget(self.summary)
        side.addWidget(self.picture)
        side.addSpacing(8)
        for button in self.buttons:
            side.addWidget(button)
        side.addStretch()
        inside = QWidget()
        inside.setLayout(side)
        choices = Shrinking(inside)
        choices.setAccessibleName("Choices")
        working = row(self.progress, self.stop)
        right = QVBoxLayout()
        right.setSpacing(12)
        right.addWidget(choices)
        right.addStretch()
        right.addLayout(working)
        holder = QWidget()
        holder.setLayout(right)
        holder.setFixedWidth(_side_width())
        right.setContentsMargins(0, 0, 0, 0)
        left = QVBoxLayout()
        left.setSpacing(12)
        left.addWidget(label("Reports", "title"))
        left.addWidget(self.preview, 1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.setSpacing(16)
        layout.addLayout(left, 1)
        layout.addWidget(holder)
        choices_made = (self.first, self.last, self.till_choice, self.clerk, self.paper)
        order: list[QWidget] = [*choices_made, *self.buttons, self.stop, self.preview]
        for before, after in pairwise(order):
            QWidget.setTabOrder(before, after)

    # -- the till ------------------------------------------------------------------------------------------

    def attach(
        self, till: Till, open_daybook: OpenDaybook | None, site_reporter: SiteReporter | None = None
    ) -> None:
        """The till is there: the open business date is chosen."""
        self._till = till
        self._jobs = ReportJobs(till, open_daybook, site_reporter)
        self._jobs.progressed.connect(self._progressed)
        self.till_choice.addItem(till.config.till, till.config.till)
        if site_reporter is not None:
            self.till_choice.addItem(OF_SITE)
        today = till.business_date
        for field in (self.first, self.last):
            field.blockSignals(True)
            field.setDate(QDate(today.year, today.month, today.day))
            field.blockSignals(False)

    def refresh(self) -> None:
        """Make the report of what is chosen; while one is being made, the next follows it."""
        if self._till is None:
            return
        self._wanted = True
        if not self._busy:
            self._run(self._make())

    async def _make(self) -> None:
        assert self._jobs is not None
        self._show_busy(True)
        try:
            while self._wanted:
                self._wanted = False
                try:
                    of_site = self.is_of_site
                    make = self._jobs.make_of_site if of_site else self._jobs.make
                    report = await make(self.scope)
                except CashierError as error:
                    self._show(None, error.user_text + (_OWN_INSTEAD if of_site else ""))
                else:
                    self._show(report, "")
        except Stopped:
            self.noted.emit("report stopped")
        finally:
            self._show_busy(False)

    @property
    def scope(self) -> Scope:
        """What is chosen."""
        till = self.till_choice.currentData() or ""
        clerk = self.clerk.currentText() if self.clerk.currentIndex() > 0 else ""
        return Scope(self.first.date().toPython(), self.last.date().toPython(), till, clerk)  # type: ignore[arg-type]

    @property
    def is_of_site(self) -> bool:
        """Whether every till of the site is chosen, from the hub."""
        return self.till_choice.currentText() == OF_SITE

    @property
    def report(self) -> DailyReport | None:
        """What is shown."""
        layout = self.preview.layout_shown
        return layout.report if layout else None

    def _show(self, report: DailyReport | None, fault: str) -> None:
        self.preview.show_layout(Layout(report, self._size) if report else None)
        self.picture.show_report(report)
        if report is None:
            self.summary.setText(fault)
            announce(self.summary, fault)
            return
        if not self.scope.clerk:
            self._offer_clerks(report)
        self.summary.setText(_summary(report))

    def _offer_clerks(self, report: DailyReport) -> None:
        names = sorted({item.clerk for item in report.instruments} | {void.clerk for void in report.voids})
        self.clerk.clear()
        self.clerk.addItems([EVERY_CLERK, *names])

    @property
    def _size(self) -> QPageSize.PageSizeId:
        return SIZES[self.paper.currentText()]

    def _first_changed(self, date: QDate) -> None:
        """A report of one day is what is asked for most: the last day goes with the first."""
        self.last.blockSignals(True)
        self.last.setDate(date)
        self.last.blockSignals(False)
        self.clerk.setCurrentIndex(0)
        self.refresh()

    def _size_changed(self) -> None:
        if self.report is not None:
            self.preview.show_layout(Layout(self.report, self._size))

    # -- what is done with it ------------------------------------------------------------------------------

    def save_pdf(self) -> None:
        """Ask where, then write the report as a PDF."""
        self._ask("Save the report", "report", "pdf", self.write_pdf)

    def _save_csv(self) -> None:
        self._ask("Save every row", "report", "csv", self.write_csv)

    def _save_deposit(self) -> None:
        self._ask("Save the deposit slip", "deposit", "pdf", self.write_deposit)

    def _ask(self, title: str, name: str, kind: str, chosen: Callable[[Path], None]) -> None:
        """Where to; the report that is shown now is the one that is written."""
        if self.report is None or self._busy:
            return
        file = f"{name}-{days_of(self.report).replace(' ', '-')}.{kind}"
        dialog = QFileDialog(self, title, file)
        dialog.setNameFilters([f"{kind.upper()} (*.{kind})"])
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(kind)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda found: chosen(Path(found)))
        dialog.open()

    def write_pdf(self, out: Path) -> None:
        """Write the report that is shown as a PDF."""
        report, size, jobs = self.report, self._size, self._jobs
        if report is not None and jobs is not None:
            self._write(out, lambda part: part.write_bytes(daily_page.pdf_bytes(report, size, jobs.told)))

    def write_csv(self, out: Path) -> None:
        """Write every row of the report that is shown as a table."""
        report = self.report

        def write(part: Path) -> None:
            assert report is not None
            with part.open("w", encoding=daily_csv.ENCODING, newline="") as stream:
                daily_csv.write_csv(report, stream)

        if report is not None:
            self._write(out, write)

    def write_deposit(self, out: Path) -> None:
        """Write the deposit slip of the report that is shown."""
        report, size = self.report, self._size
        if report is not None:
            self._write(out, lambda part: deposit_page.write_pdf(part, report, size))

    def _write(self, out: Path, write: Callable[[Path], object]) -> None:
        if not self._busy:
            self._run(self._written(out, write))

    async def _written(self, out: Path, write: Callable[[Path], object]) -> None:
        assert self._jobs is not None
        self._show_busy(True)
        try:
            await self._jobs.write(out, write)
        except Stopped:
            self.noted.emit(f"stopped, {out.name} was not written")
        except OSError as error:
            reason = error.strerror or str(error)
            self.told.emit(
                "Not saved", f"{out.name} could not be written: {reason}. No money is touched by it."
            )
        else:
            self.noted.emit(f"saved {out.name}")
        finally:
            self._show_busy(False)
        if self._wanted:
            self.refresh()

    def _print(self) -> None:
        """Qt's own dialog: which printer, which pages."""
        layout = self.preview.layout_shown
        if layout is None or self._busy:
            return
        from PySide6.QtPrintSupport import QPrintDialog, QPrinter

        printer = QPrinter(QPrinter.PrinterMode.HighResolution)
        printer.setPageSize(QPageSize(layout.size))
        printer.setDocName(daily_page.title_of(layout.report))
        dialog = QPrintDialog(printer, self)
        dialog.setMinMax(1, len(layout.pages))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self._run(self._printed(layout, printer)))
        dialog.open()  # type: ignore[call-arg]

    async def _printed(self, layout: Layout, printer: Any) -> None:
        """Page by page, with the window alive in between; a stopped job is aborted at the printer."""
        from cashier.ui.printing import print_page, printing

        assert self._jobs is not None
        self._jobs.stopped_is_over()
        self._show_busy(True)
        try:
            first = max(printer.fromPage(), 1)
            last = printer.toPage() or len(layout.pages)
            with printing(printer) as painter:
                for number in range(first, last + 1):
                    self._jobs.told(number - first, last - first + 1)
                    print_page(printer, painter, layout, number - 1, is_first=number == first)
                    await Turn()
        except Stopped:
            printer.abort()
            self.noted.emit("printing stopped")
        except OSError as error:
            self.told.emit("Not printed", f"{error}. Choose another printer, or save a PDF.")
        else:
            self.noted.emit("sent to the printer")
        finally:
            self._show_busy(False)

    def leave(self) -> None:
        """The window closes: what is under way stops."""
        self._stop()

    def _stop(self) -> None:
        if self._jobs is not None:
            self._wanted = False
            self._jobs.stop()

    def _progressed(self, done: int, parts: int) -> None:
        self.progress.setRange(0, parts)
        self.progress.setValue(done)

    def _show_busy(self, busy: bool) -> None:
        self._busy = busy
        self.progress.setRange(0, 0)
        for widget in (self.progress, self.stop):
            widget.setVisible(busy)
        for button in self.buttons:
            button.setEnabled(not busy and self.report is not None)

    def focus_start(self) -> None:
        """Where typing goes when the page comes up."""
        self.first.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc stops what is under way."""
        if event.key() == Qt.Key.Key_Escape and self._busy:
            self._stop()
        else:
            super().keyPressEvent(event)


def _side_width() -> int:
    return min(scaled(SIDE_WIDTH), SIDE_WIDTH_MAX)


def _date_field(name: str) -> QDateEdit:
    field = QDateEdit()
    field.setAccessibleName(name)
    field.setDisplayFormat(_DATE)
    field.setCalendarPopup(True)
    field.setKeyboardTracking(False)
    return field


def _choice(name: str, *items: str) -> QComboBox:
    made = QComboBox()
    made.setAccessibleName(name)
    made.addItems(items)
    return made


def _summary(report: DailyReport) -> str:
    """What matters most, in words."""
    taken = report.figures.taken
    parts = [f"{report.heading.kind.value}: {taken.count:,} taken, {format_dollars(taken.amount_cents)}."]
    missing = sum(len(numbers.gaps) for numbers in report.numbers)
    if not report.instruments and not report.voids:
        parts.append("No receipt was issued.")
    if missing:
        parts.append(f"{missing} receipt numbers are missing.")
    if report.carried:
        parts.append(f"{len(report.carried)} not settled, in no total.")
    if report.unsynced:
        parts.append(f"UNSYNCED, may have more: till {', '.join(one.till for one in report.unsynced)}.")
    return " ".join(parts)
