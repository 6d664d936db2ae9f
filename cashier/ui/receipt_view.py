"""A receipt on the screen: the very page that is printed."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QScrollArea, QSizePolicy, QWidget

from cashier.domain.money import format_dollars
from cashier.domain.receipt import Receipt
from cashier.paper import receipt_page
from cashier.paper.pen import WIDTH

SCALE_MIN, SCALE_MAX = 0.85, 1.15
EMPTY = "No receipt is chosen"


class _Sheet(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.receipt: Receipt | None = None
        self._height = 0.0
        self._scale = SCALE_MAX
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_receipt(self, receipt: Receipt | None) -> None:
        self.receipt = receipt
        self._height = receipt_page.paint(None, receipt, self.font().family()) if receipt else 0.0
        self._fit()

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
        receipt_page.paint(painter, self.receipt, self.font().family())
        painter.end()


class ReceiptView(QScrollArea):
    """Shows one receipt, scrolled by keyboard when it is long."""

    def __init__(self) -> None:
        super().__init__()
        self._sheet = _Sheet()
        self.setWidget(self._sheet)
        self.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self.setAccessibleName(EMPTY)

    def show_receipt(self, receipt: Receipt | None) -> None:
        """Show a receipt, or none."""
        if receipt == self._sheet.receipt:
            return
        self._sheet.show_receipt(receipt)
        self.verticalScrollBar().setValue(0)
        if receipt is None:
            self.setAccessibleName(EMPTY)
            return
        state = "partly paid" if receipt.is_part else "paid"
        self.setAccessibleName(
            f"Receipt {receipt.number}, {receipt.customer.name}, "
            f"{format_dollars(receipt.paid_cents)}, {state}"
        )

    @property
    def receipt(self) -> Receipt | None:
        """What is shown."""
        return self._sheet.receipt

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The sheet goes with the width."""
        super().resizeEvent(event)
        # Room for the scroll bar is always left: one that came and went would change what is fitted.
        bar = self.verticalScrollBar().sizeHint().width()
        self._sheet.fit(self.width() - 2 * self.frameWidth() - bar)
