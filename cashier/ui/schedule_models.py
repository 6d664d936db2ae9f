"""Fee schedules and what one of them would change, as rows of tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication

from cashier.domain.fee_changes import ChangeKind, FeeChange
from cashier.till.schedule_import import ScheduleRow, ScheduleState
from cashier.ui.tables import Index
from cashier.ui.theme import Theme, tabular

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
#: A sign goes with every colour.
STATE_SIGNS = {
    ScheduleState.IN_FORCE: "●",
    ScheduleState.FUTURE: "◷",
    ScheduleState.PAST: "○",
    ScheduleState.REPLACED: "○",
    ScheduleState.FAULTY: "✕",
}
_STATE_COLORS = {ScheduleState.FUTURE: "waiting", ScheduleState.FAULTY: "refused"}
_QUIET = frozenset({ScheduleState.PAST, ScheduleState.REPLACED})
CHANGE_SIGNS = {
    ChangeKind.CHANGED: "≠",
    ChangeKind.ADDED: "+",
    ChangeKind.REMOVED: "−",
    ChangeKind.LATER: "◷",
    ChangeKind.SAME: "=",
}

SCHEDULE_HEADERS = ("State", "Schedule", "In force", "From", "Fees", "File")
STATE, TITLE, PERIOD, ORIGIN, FEES, FILE = range(len(SCHEDULE_HEADERS))
PREVIEW_HEADERS = ("What", "Fee", "For", "Before", "After", "How")
WHAT, FEE, AT, BEFORE, AFTER, HOW = range(len(PREVIEW_HEADERS))

Row = TypeVar("Row")


class _Rows(QAbstractTableModel, Generic[Row]):
    """Rows that are shown whole; what a cell says is a subclass's."""

    HEADERS: tuple[str, ...] = ()
    RIGHT: frozenset[int] = frozenset()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.rows: tuple[Row, ...] = ()

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Other rows."""
        self.beginResetModel()
        self.rows = tuple(rows)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Rows."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Columns."""
        return 0 if parent.isValid() else len(self.HEADERS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        """Column names."""
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self.HEADERS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole and section in self.RIGHT:
            return _RIGHT
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A cell."""
        row, column = self.rows[index.row()], index.column()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return self.text(row, column)
        if role == Qt.ItemDataRole.TextAlignmentRole and column in self.RIGHT:
            return _RIGHT
        if role == Qt.ItemDataRole.ForegroundRole:
            color = self.color(row, column)
            return self._theme.color(color) if color else None
        if role == Qt.ItemDataRole.FontRole:
            font = QFont(QApplication.font())
            font.setBold(self.is_bold(row, column))
            return tabular(font)
        return None

    def text(self, row: Row, column: int) -> str:
        """What a cell says."""
        raise NotImplementedError

    def color(self, row: Row, column: int) -> str:
        """A cell's colour by its name, or empty."""
        raise NotImplementedError

    def is_bold(self, row: Row, column: int) -> bool:
        """Whether a cell is to be seen first."""
        raise NotImplementedError


class ScheduleModel(_Rows[ScheduleRow]):
    """Schedule files."""

    HEADERS = SCHEDULE_HEADERS
    RIGHT = frozenset({FEES})

    def text(self, row: ScheduleRow, column: int) -> str:
        """See the base."""
        return (
            f"{STATE_SIGNS[row.state]}  {row.state.value}",
            row.title or row.name,
            row.period,
            "this office" if row.is_own else "the product",
            "" if row.state is ScheduleState.FAULTY else str(row.fees),
            row.file,
        )[column]

    def color(self, row: ScheduleRow, column: int) -> str:
        """See the base."""
        return "text_soft" if row.state in _QUIET else _STATE_COLORS.get(row.state, "") if not column else ""

    def is_bold(self, row: ScheduleRow, column: int) -> bool:
        """The schedule that the till charges by."""
        return row.is_used and column in (STATE, TITLE)


@dataclass(frozen=True)
class PreviewRow:
    """One price or one detail of a fee. `is_first` begins a fee: only there it is named."""

    change: FeeChange
    is_first: bool
    at: str
    before: str
    after: str
    how: str
    is_changed: bool
    in_full: str


def preview_rows(
    changes: Sequence[FeeChange], words: str = "", *, with_same: bool = False
) -> tuple[PreviewRow, ...]:
    """The rows of every fee that is looked for: all typed words in its code, name or what becomes of it."""
    wanted = words.casefold().split()
    found: list[PreviewRow] = []
    for change in changes:
        said = f"{change.code} {change.name} {change.kind.value}".casefold()
        if (with_same or change.kind is not ChangeKind.SAME) and all(word in said for word in wanted):
            found += _rows_of(change)
    return tuple(found)


def _rows_of(change: FeeChange) -> list[PreviewRow]:
    rows: list[PreviewRow] = []
    for pair in change.prices:
        hows = (pair.before_how, pair.after_how) if pair.is_changed else (pair.after_how,)
        how = " → ".join(dict.fromkeys(one for one in hows if one))
        is_changed = pair.is_changed and change.kind is ChangeKind.CHANGED
        in_full = f"{change.name} · {pair.text}"
        rows.append(PreviewRow(change, not rows, pair.at, pair.before, pair.after, how, is_changed, in_full))
    for detail in change.details:
        is_changed = change.kind is ChangeKind.CHANGED
        rows.append(PreviewRow(change, not rows, "", "", "", detail, is_changed, f"{change.name} · {detail}"))
    return rows


class PreviewModel(_Rows[PreviewRow]):
    """Prices before and after."""

    HEADERS = PREVIEW_HEADERS
    RIGHT = frozenset({BEFORE, AFTER})

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """A cell; for a screen reader every row says which fee it is of."""
        if role == Qt.ItemDataRole.AccessibleTextRole and index.column() in (WHAT, FEE):
            change = self.rows[index.row()].change
            return change.kind.value if index.column() == WHAT else change.name
        return super().data(index, role)

    def text(self, row: PreviewRow, column: int) -> str:
        """See the base."""
        kind = row.change.kind
        return (
            f"{CHANGE_SIGNS[kind]}  {kind.value}" if row.is_first else "",
            row.change.name if row.is_first else "",
            row.at,
            row.before,
            row.after,
            row.how,
        )[column]

    def color(self, row: PreviewRow, column: int) -> str:
        """See the base."""
        return "text_soft" if row.change.kind is ChangeKind.SAME or column == HOW else ""

    def is_bold(self, row: PreviewRow, column: int) -> bool:
        """What is new."""
        return column == WHAT or (column == AFTER and row.is_changed)
