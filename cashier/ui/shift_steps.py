"""What the steps of the Shift page share: words, a place that scrolls, and what is handed on by name."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtCore import QDate, QLocale, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QLineEdit,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from cashier.domain.money import format_dollars
from cashier.domain.tendering import DrawerTender
from cashier.paper.pen import local_time
from cashier.till.shift_views import ShiftView
from cashier.till.tenders import NAMES
from cashier.till.till import Till
from cashier.ui.desk_model import age_text
from cashier.ui.tables import ROW_HEIGHT, Table
from cashier.ui.theme import scaled, tabular
from cashier.ui.widgets import Button, label

#: The language of the window, whatever the system's is.
_ENGLISH = QLocale(QLocale.Language.English, QLocale.Country.UnitedStates)
ROWS_MAX = 6
HEADER_HEIGHT = 34
#: What is kept in sight above and below what has the keys.
SIGHT = 40


def day_words(date: dt.date | str) -> str:
    """A date as a person says it: `Tuesday, February 3, 2026`."""
    day = dt.date.fromisoformat(date) if isinstance(date, str) else date
    return _ENGLISH.toString(QDate(day.year, day.month, day.day), "dddd, MMMM d, yyyy")


def since_words(shift: ShiftView) -> str:
    """Since when a shift is open: the local time; with the date when that is not its business date."""
    at = local_time(shift.opened_at)
    return at[-5:] if at[:10] == shift.business_date else at


def status_words(till: str, cashier: str, shift: ShiftView | None) -> str:
    """Till, who is there, and where the shift stands, for the status line."""
    who = cashier or "nobody is signed in"
    if shift is None or shift.is_closed:
        return f"Till {till} · {who} · no shift open"
    whose = "" if shift.clerk == cashier else f" of {shift.clerk}"
    if shift.state.takes_money:
        stands = f"since {since_words(shift)}"
    else:
        stands = "counting" if shift.state.is_counting else "suspended"
    return f"Till {till} · {who} · shift{whose} {stands}"


class OnceButton(Button):
    """The button of a step: the second press of a double click is no press of what comes up in its place."""

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """See above."""
        event.accept()


class OnceField(QLineEdit):
    """A field whose Enter does something: held down from what was before it, it does nothing here."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """See above."""
        if event.isAutoRepeat() and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            return
        super().keyPressEvent(event)


class Step(QScrollArea):
    """One state of the page. What does not fit is scrolled, and Tab goes to it for that."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName("shrinking")
        self.setAccessibleName(name)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.verticalScrollBar().rangeChanged.connect(self._range_changed)
        inside = QWidget()
        self.box = QVBoxLayout(inside)
        self.box.setContentsMargins(0, 0, 0, 0)
        self.box.setSpacing(12)
        self.setWidget(inside)
        for part in (inside, self.viewport()):
            part.setAutoFillBackground(False)  # Qt has just turned it on
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._follow_focus)

    def _follow_focus(self, *_what: object) -> None:
        """What has the keys is in sight: Qt sees to it for Tab alone."""
        focused = QApplication.focusWidget()
        inside = self.widget()
        if focused is not None and inside is not None and inside.isAncestorOf(focused):
            self.ensureWidgetVisible(focused, 0, scaled(SIGHT))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A message above takes room: what has the keys stays in sight."""
        super().resizeEvent(event)
        self._follow_focus()

    def _range_changed(self, _least: int, most: int) -> None:
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if most else Qt.FocusPolicy.NoFocus)

    def focus_start(self) -> None:
        """Where typing goes when the step comes up."""


@dataclass(frozen=True)
class Carried:
    """Something that is handed on: what it is, which one, since when or how long, and its amount."""

    what: str
    which: str
    age: str
    amount: str


def carried_rows(till: Till, held: Iterable[DrawerTender]) -> list[Carried]:
    """Card payments that are not settled, money beside them, and sales put aside."""
    rows = [
        Carried(
            f"Card payment, {row.standing.word.lower()}",
            f"{row.payer} · {row.reference}",
            age_text(row.age_s),
            format_dollars(row.amount_cents),
        )
        for row in till.desk.view().rows
    ]
    rows += [
        Carried(
            f"{NAMES[item.tender.kind].capitalize()}, on no receipt yet",
            till.payer_of(item.sale_id),
            f"taken by {item.by}",
            format_dollars(item.tender.amount_cents),
        )
        for item in held
    ]
    rows += [
        Carried("Sale put aside", sale.name, local_time(sale.at), format_dollars(sale.total_cents))
        for sale in till.snapshot().held
    ]
    return rows


def right_cell(text: str) -> QStandardItem:
    """An amount in a table."""
    cell = QStandardItem(text)
    cell.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    cell.setFont(tabular(QApplication.font()))
    cell.setEditable(False)
    return cell


def left_cell(text: str) -> QStandardItem:
    """A text in a table; the whole of it is in its tool tip."""
    cell = QStandardItem(text)
    cell.setToolTip(text)
    cell.setEditable(False)
    return cell


class CarriedList(QWidget):
    """What is handed on, by name; or a sentence when nothing is."""

    def __init__(self, name: str, nothing: str) -> None:
        super().__init__()
        self._model = QStandardItemModel(0, 4)
        self._model.setHorizontalHeaderLabels(["What", "Which", "Since", "Amount"])
        self.table = Table(self._model, name, grows=1, make_room=(2,))
        self.nothing = label(nothing, "soft", wrap=True)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.nothing)
        box.addWidget(self.table)
        self._shown: list[Carried] | None = None

    def show_rows(self, rows: list[Carried]) -> None:
        """Show these; the place in the list stays when they are the same."""
        if rows == self._shown:
            return
        self._shown = rows
        self._model.setRowCount(0)
        for row in rows:
            cells = [left_cell(row.what), left_cell(row.which), left_cell(row.age), right_cell(row.amount)]
            self._model.appendRow(cells)
        fit_rows(self.table)
        self.table.make_room()
        self.table.setVisible(bool(rows))
        self.nothing.setVisible(not rows)

    @property
    def rows(self) -> list[Carried]:
        """What is shown."""
        return self._shown or []


def fit_rows(table: Table) -> None:
    """As high as its rows, up to a limit; then it is scrolled."""
    rows = min(max(table.model().rowCount(), 1), ROWS_MAX)
    table.setFixedHeight(rows * scaled(ROW_HEIGHT) + scaled(HEADER_HEIGHT) + 4)
