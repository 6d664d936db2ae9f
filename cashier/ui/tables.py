"""The tables of the pages: whole rows, one at a time, that make room for what matters in a narrow window."""

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from cashier.ui.theme import scaled
from cashier.ui.widgets import typed

ROW_HEIGHT = 38
#: What is left for the column that grows, at least.
GROWING_MIN = 90
Index = QModelIndex | QPersistentModelIndex


class Table(QTableView):
    """Rows of a model. Column `grows` takes what the others leave; those of `make_room` go first, in order,
    where there is no room: what they say must stand elsewhere, too.

    Letters typed here are left to the page.
    """

    def __init__(
        self, model: QAbstractItemModel, name: str, *, grows: int, make_room: tuple[int, ...]
    ) -> None:
        super().__init__()
        self._grows = grows
        self._make_room = make_room
        self.setModel(model)
        self.setAccessibleName(name)
        self.setItemDelegate(_OwnColors(self))
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(scaled(ROW_HEIGHT))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setHighlightSections(False)
        header.setSectionResizeMode(grows, QHeaderView.ResizeMode.Stretch)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """See above."""
        if typed(event):
            event.ignore()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """A row is chosen as soon as the keys come here."""
        super().focusInEvent(event)
        if self.model().rowCount() and not self.selectionModel().hasSelection():
            self.selectRow(max(self.currentIndex().row(), 0))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """See above."""
        super().resizeEvent(event)
        self.make_room()

    def make_room(self) -> None:
        """Hide as many columns as it takes."""
        header = self.horizontalHeader()
        widths = {
            column: max(self.sizeHintForColumn(column), header.sectionSizeHint(column))
            for column in range(self.model().columnCount())
            if column != self._grows
        }
        needed = sum(widths.values()) + scaled(GROWING_MIN)
        for column in self._make_room:
            is_too_much = needed > self.viewport().width()
            self.setColumnHidden(column, is_too_much)
            needed -= widths[column] if is_too_much else 0


class _OwnColors(QStyledItemDelegate):
    """Cells keep their colour when their row is selected: PAID stays blue."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        """See Qt."""
        super().initStyleOption(option, index)
        own = index.data(Qt.ItemDataRole.ForegroundRole)
        color = own if own is not None else option.palette.color(QPalette.ColorRole.Text)
        option.palette.setColor(QPalette.ColorRole.HighlightedText, color)
