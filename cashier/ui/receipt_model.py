"""Receipts as rows of a list, each as it stands now: PAID is blue, VOID is struck through."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication

from cashier.domain.correction_text import states_of
from cashier.domain.corrections import Correction
from cashier.domain.money import format_dollars
from cashier.domain.receipt import Receipt
from cashier.paper.pen import local_time
from cashier.ui.tables import Index
from cashier.ui.theme import Theme, tabular

_HEADERS = ("Number", "Time", "Payer", "Permit", "Paid", "State")
TIME, PAYER, PERMIT, PAID, STATE = range(1, 6)
#: Columns that make room in a narrow list, in this order: what they say stands on the receipt beside it.
MAKE_ROOM = (PERMIT, TIME)

VOID = "VOID"
#: Colour and sign of a state, by how its words begin.
_LOOKS = (
    ("PAID", "accent", ""),
    (VOID, "text_soft", "✕  "),
    ("CHECK RETURNED", "refused", "✕  "),
    ("REFUND REQUESTED", "waiting", "◷  "),
    ("PARTLY PAID", "waiting", ""),
    ("REFUNDED", "text", ""),
)

#: What was done to a receipt, by its number.
CorrectionsOf = Callable[[str], tuple[Correction, ...]]
#: Something where a receipt, by its number, is another till's whose journal was rescued to this one.
IsRescued = Callable[[str], object]


class ReceiptModel(QAbstractTableModel):
    """Receipts, newest first."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._states: list[tuple[str, ...]] = []
        self._numbers: list[str] = []
        self.receipts: tuple[Receipt, ...] = ()

    def show_receipts(
        self,
        receipts: tuple[Receipt, ...],
        corrections_of: CorrectionsOf,
        is_rescued: IsRescued = lambda _number: None,
    ) -> None:
        """Other rows. A rescued receipt says whose it is."""
        self.beginResetModel()
        self.receipts = receipts
        marks = (f" · rescued, till {one.till}" if is_rescued(one.number) else "" for one in receipts)
        self._numbers = [one.number + mark for one, mark in zip(receipts, marks, strict=True)]
        self._states = [states_of(receipt, corrections_of(receipt.number)) for receipt in receipts]
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Rows."""
        return 0 if parent.isValid() else len(self.receipts)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Columns."""
        return 0 if parent.isValid() else len(_HEADERS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        """Column names."""
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _HEADERS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole and section == PAID:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A cell."""
        row, column = index.row(), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return " · ".join(self._states[row]) if column == STATE else self._text(row, column)
        if role == Qt.ItemDataRole.AccessibleTextRole and self._is_void(row) and column != STATE:
            return f"{self._text(row, column)}, void"  # a line through it is not heard
        if role == Qt.ItemDataRole.TextAlignmentRole and column == PAID:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ForegroundRole and (column == STATE or self._is_void(row)):
            return self._theme.color(self._look(row)[1])
        if role == Qt.ItemDataRole.FontRole:
            font = QFont(QApplication.font())
            font.setBold(column == STATE)
            font.setStrikeOut(column != STATE and self._is_void(row))
            return tabular(font)
        return None

    def _is_void(self, row: int) -> bool:
        return self._states[row][0] == VOID

    def _look(self, row: int) -> tuple[str, str, str]:
        return next(look for look in _LOOKS if self._states[row][0].startswith(look[0]))

    def _text(self, row: int, column: int) -> str:
        receipt = self.receipts[row]
        if column == STATE:
            return self._look(row)[2] + self._states[row][0]
        permit = receipt.permit.number if receipt.permit else ""
        paid = format_dollars(receipt.paid_cents)
        return (self._numbers[row], local_time(receipt.at), receipt.customer.name, permit, paid)[column]
