"""A receipt on the screen: the very page that is printed."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QScrollArea, QSizePolicy, QWidget

from cashier.domain.money import format_dollars
from cashier.domain.receipt import Receipt
from cashier.paper import receipt_page

SCALE = 1.15


class _Sheet(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.receipt: Receipt | None = None
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_receipt(self, receipt: Receipt) -> None:
        self.receipt = receipt
        height = receipt_page.paint(None, receipt, self.font().family())
        self.setFixedSize(QSize(round(receipt_page.WIDTH * SCALE), round(height * SCALE)))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self.receipt is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor("white"))
        painter.scale(SCALE, SCALE)
        receipt_page.paint(painter, self.receipt, self.font().family())
        painter.end()


class ReceiptView(QScrollArea):
    """Shows one receipt, scrolled by keyboard when it is long."""

    def __init__(self) -> None:
        super().__init__()
        self._sheet = _Sheet()
        self.setWidget(self._sheet)
        self.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self.setAccessibleName("Receipt")

    def show_receipt(self, receipt: Receipt) -> None:
        """Show a receipt."""
        if receipt == self._sheet.receipt:
            return
        self._sheet.show_receipt(receipt)
        state = "partly paid" if receipt.is_part else "paid"
        self.setAccessibleName(
            f"Receipt {receipt.number}, {receipt.customer.name}, "
            f"{format_dollars(receipt.paid_cents)}, {state}"
        )

    @property
    def receipt(self) -> Receipt | None:
        """What is shown."""
        return self._sheet.receipt
