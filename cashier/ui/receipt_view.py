"""A receipt on the screen: the very page that is printed, and beneath it what was done to it since."""

from dataclasses import replace

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QScrollArea, QSizePolicy, QWidget

from cashier.domain.correction_text import correction_items, states_of
from cashier.domain.corrections import Correction, Void
from cashier.domain.money import format_dollars
from cashier.domain.receipt import Receipt
from cashier.domain.receipt_text import Item, Marks, Paper, receipt_paper
from cashier.paper import receipt_page
from cashier.paper.logo import Logo
from cashier.paper.pen import WIDTH, Pen, local_time

SCALE_MIN, SCALE_MAX = 0.85, 1.15
EMPTY = "No receipt is chosen"


class _Sheet(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.receipt: Receipt | None = None
        self.corrections: tuple[Correction, ...] = ()
        self.logo: Logo | None = None
        self._paper = Paper("", ())
        self._image: QImage | None = None
        self._height = 0.0
        self._scale = SCALE_MAX
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_receipt(self, receipt: Receipt | None, corrections: tuple[Correction, ...]) -> None:
        self.receipt, self.corrections = receipt, corrections
        if receipt is not None:
            void = next((item for item in corrections if isinstance(item, Void)), None)
            paper = receipt_paper(receipt, local_time, marks=Marks(void=void))
            self._paper = replace(paper, items=(*paper.items, *correction_items(corrections)))
            self._image = self.logo.image() if self.logo else None
            self._height = receipt_page.write(Pen(None, self.font().family()), self._paper, self._image)
        self._fit()

    @property
    def items(self) -> tuple[Item, ...]:
        return self._paper.items if self.receipt else ()

    def fit(self, width: int) -> None:
        """Be as large as a width allows."""
        self._scale = min(max(width / WIDTH, SCALE_MIN), SCALE_MAX)
        self._fit()

    def _fit(self) -> None:
        width = WIDTH if self.receipt else 0.0
        self.setFixedSize(QSize(int(width * self._scale), int(self._height * self._scale)))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self.receipt is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor("white"))
        painter.scale(self._scale, self._scale)
        receipt_page.write(Pen(painter, self.font().family()), self._paper, self._image)
        painter.end()


class ReceiptView(QScrollArea):
    """Shows one receipt, scrolled by keyboard when it is long."""

    def __init__(self) -> None:
        super().__init__()
        self._sheet = _Sheet()
        self.setWidget(self._sheet)
        self.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self.setAccessibleName(EMPTY)

    def show_receipt(self, receipt: Receipt | None, corrections: tuple[Correction, ...] = ()) -> None:
        """Show a receipt and what was done to it since, or none."""
        if (receipt, corrections) == (self._sheet.receipt, self._sheet.corrections):
            return
        self._sheet.show_receipt(receipt, corrections)
        self.verticalScrollBar().setValue(0)
        if receipt is None:
            self.setAccessibleName(EMPTY)
            return
        states = ["partly paid" if receipt.is_part else "paid"]
        if corrections:
            states = [state.lower() for state in states_of(receipt, corrections)]
        self.setAccessibleName(
            f"Receipt {receipt.number}, {receipt.customer.name}, "
            f"{format_dollars(receipt.paid_cents)}, {', '.join(states)}"
        )

    @property
    def logo(self) -> Logo | None:
        """The logo above the agency's name, from the next receipt on."""
        return self._sheet.logo

    @logo.setter
    def logo(self, logo: Logo | None) -> None:
        self._sheet.logo = logo

    @property
    def receipt(self) -> Receipt | None:
        """What is shown."""
        return self._sheet.receipt

    @property
    def items(self) -> tuple[Item, ...]:
        """What its page says."""
        return self._sheet.items

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The sheet goes with the width."""
        super().resizeEvent(event)
        # Room for the scroll bar is always left: one that came and went would change what is fitted.
        bar = self.verticalScrollBar().sizeHint().width()
        self._sheet.fit(self.width() - 2 * self.frameWidth() - bar)
