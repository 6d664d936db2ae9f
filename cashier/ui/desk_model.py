"""Payments that are not settled, as rows; the word of each in its colour, with its sign."""

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication

from cashier.domain.money import format_dollars
from cashier.till.desk import DeskRow
from cashier.till.words import Tone
from cashier.ui.tables import Index
from cashier.ui.theme import Theme, tabular
from cashier.ui.widgets import SIGNS

HEADERS = ("State", "Age", "Payer", "Permit", "Amount", "Reader", "Next")
STATE, AGE, PAYER, PERMIT, AMOUNT, READER, NEXT = range(len(HEADERS))
#: Columns that make room in a narrow list: what they say stands in the details, too.
MAKE_ROOM = (READER, NEXT, PERMIT, AGE)
_COLORS = {Tone.CALM: "text", Tone.WAITING: "waiting", Tone.PAID: "accent", Tone.REFUSED: "refused"}


class DeskModel(QAbstractTableModel):
    """DeskRows. News of the same payments leaves the place in the list."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.rows: tuple[DeskRow, ...] = ()

    def show_rows(self, rows: tuple[DeskRow, ...]) -> None:
        """Other rows, or the same with news."""
        if [row.reference for row in rows] != [row.reference for row in self.rows]:
            self.beginResetModel()
            self.rows = rows
            self.endResetModel()
        elif rows:
            self.rows = rows
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(HEADERS) - 1))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Rows."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Columns."""
        return 0 if parent.isValid() else len(HEADERS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        """Column names."""
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return HEADERS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole and section == AMOUNT:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A cell."""
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return _text(row, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return {STATE: row.standing.sentence, NEXT: row.next_action}.get(column, _text(row, column))
        if role == Qt.ItemDataRole.AccessibleTextRole and column == STATE:
            return row.standing.word
        if role == Qt.ItemDataRole.TextAlignmentRole and column == AMOUNT:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ForegroundRole and column == STATE:
            return self._theme.color(_COLORS[row.standing.tone])
        if role == Qt.ItemDataRole.FontRole:
            font = QFont(QApplication.font())
            font.setBold(column == STATE)
            return tabular(font)
        return None


def _text(row: DeskRow, column: int) -> str:
    return (
        f"{SIGNS[row.standing.tone]}  {row.standing.word}",
        age_text(row.age_s),
        row.payer,
        row.permit,
        format_dollars(row.amount_cents),
        row.reader or "typed on the page",
        next_in_short(row.next_action),
    )[column]


def next_in_short(action: str) -> str:
    """The first clause of what to do next; the whole stands in the details."""
    return action.partition(".")[0].partition(":")[0]


def age_text(seconds: float) -> str:
    """How long ago, as a person says it: `< 1 min`, `12 min`, `3 h 05 min`, `2 days`."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return "< 1 min"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    days = minutes // (24 * 60)
    return "1 day" if days == 1 else f"{days} days"
