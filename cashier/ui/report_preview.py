"""A report on the screen: the very pages that are printed, each painted when it is scrolled to."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QScrollArea, QSizePolicy, QWidget

from cashier.domain.daily import DailyReport
from cashier.domain.money import format_dollars
from cashier.paper.daily_page import Layout, title_of
from cashier.paper.daily_picture import HEIGHT, draw_hours
from cashier.paper.pdf_pages import PAGE_MARGIN
from cashier.paper.sheet import UNIT
from cashier.ui.theme import Theme

#: Between two pages, pixels.
BETWEEN = 16
SCALE_MIN, SCALE_MAX = 0.5, 1.6
EMPTY = "No report is shown"
#: Points of the picture beside the preview.
PICTURE_WIDTH = 255.0


class _Pages(QWidget):
    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._scale = 1.0
        self.layout_shown: Layout | None = None
        self.painted: set[int] = set()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_layout(self, layout: Layout | None) -> None:
        self.layout_shown = layout
        self.painted = set()
        self._fit()

    def fit(self, width: int) -> None:
        """Be as large as a width allows."""
        paper = self.layout_shown.paper.width() if self.layout_shown else 612.0
        self._scale = min(max(width / paper, SCALE_MIN), SCALE_MAX)
        self._fit()

    def _fit(self) -> None:
        layout = self.layout_shown
        if layout is None:
            self.setFixedSize(QSize(0, 0))
            return
        width, height = layout.paper.width() * self._scale, self._page_height()
        self.setFixedSize(QSize(int(width), int(height * len(layout.pages) - BETWEEN)))
        self.update()

    def _page_height(self) -> float:
        assert self.layout_shown is not None
        return self.layout_shown.paper.height() * self._scale + BETWEEN

    def paintEvent(self, event: QPaintEvent) -> None:
        layout = self.layout_shown
        if layout is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        height = self._page_height()
        first = int(event.rect().top() / height)
        last = min(int(event.rect().bottom() / height), len(layout.pages) - 1)
        for number in range(first, last + 1):
            self.painted.add(number)
            painter.save()
            painter.translate(0, number * height)
            page = QRectF(0, 0, layout.paper.width() * self._scale, height - BETWEEN)
            painter.fillRect(page, QColor("white"))
            painter.setPen(self._theme.color("line"))
            painter.drawRect(page.adjusted(0, 0, -1, -1))
            painter.scale(self._scale, self._scale)
            painter.translate(PAGE_MARGIN, PAGE_MARGIN)
            layout.paint(painter, number)
            painter.restore()
        painter.end()


class ReportPreview(QScrollArea):
    """Shows a report's pages, scrolled by the keyboard."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.pages = _Pages(theme)
        self.setWidget(self.pages)
        self.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self.setAccessibleName(EMPTY)

    @property
    def layout_shown(self) -> Layout | None:
        """What is shown."""
        return self.pages.layout_shown

    def show_layout(self, layout: Layout | None) -> None:
        """Show other pages, or none."""
        self.pages.show_layout(layout)
        self._fit()
        self.verticalScrollBar().setValue(0)
        if layout is None:
            self.setAccessibleName(EMPTY)
            return
        report, figures = layout.report, layout.report.figures
        pages = f"{len(layout.pages)} pages" if len(layout.pages) > 1 else "1 page"
        self.setAccessibleName(
            f"{title_of(report)}, {pages}: {figures.taken.count} tenders, "
            f"{format_dollars(figures.taken.amount_cents)} taken, {format_dollars(figures.net_cents)} net"
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The pages go with the width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        # Room for the scroll bar is always left: one that came and went would change what is fitted.
        bar = self.verticalScrollBar().sizeHint().width()
        self.pages.fit(self.width() - 2 * self.frameWidth() - bar)


class PictureView(QWidget):
    """The small picture by hour, as it is on paper, `width` pixels wide."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self._report: DailyReport | None = None
        self.setFixedSize(width, round(width / PICTURE_WIDTH * HEIGHT))

    def show_report(self, report: DailyReport | None) -> None:
        """Show another report's picture; none for a day without receipts."""
        self._report = report if report is not None and report.figures.hours else None
        self.setAccessibleName(_told(self._report) if self._report else "")
        self.setVisible(self._report is not None)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint it on paper of its own: its colours are the paper's, in the dark theme, too."""
        if self._report is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor("white"))
        painter.translate(4, 4)
        scale = (self.width() - 8) / PICTURE_WIDTH / UNIT
        painter.scale(scale, scale)
        draw_hours(painter, self._report, PICTURE_WIDTH)
        painter.end()


def _told(report: DailyReport) -> str:
    parts = [f"{hour}:00 {tally.count}" for hour, tally in report.figures.hours.items()]
    return "Tenders by hour: " + ", ".join(parts)
