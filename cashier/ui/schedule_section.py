"""Fee schedules among the settings: what is in force and what is to come, and bringing in another one.

Bringing one in has two looks at it: the file's faults, or what it would change; only then there is a button
that does it. What the core refuses is said here, in the core's words.
"""

import datetime as dt
import re
from collections.abc import Callable, Coroutine
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import shiboken6
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFileDialog,
    QLineEdit,
    QListWidget,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from cashier.domain.entries import Entry
from cashier.domain.errors import CashierError, Refused
from cashier.till.schedule_import import ImportPlan, ScheduleRow, ScheduleState
from cashier.ui.schedule_models import (
    FEES,
    FILE,
    HOW,
    ORIGIN,
    TITLE,
    PreviewModel,
    ScheduleModel,
    preview_rows,
)
from cashier.ui.tables import Table
from cashier.ui.theme import Theme, scaled
from cashier.ui.widgets import Button, Shrinking, announce, label, row

Run = Callable[[Coroutine[Any, Any, None]], None]
#: Pixels, the same with large text, or a small window has no room. What is said above a preview is scrolled
#: when it is longer: the prices keep their place.
TABLE_HEIGHT_MIN, SAID_HEIGHT_MAX = 100, 96
COLUMN_WIDTH_MAX = 300
#: Pixels, more with larger text.
DATE_WIDTH = 150
WHAT_CHANGES, EVERY_FEE = "What changes", "Every fee"
FILES = "Fee schedules (*.csv *.toml)"
UNTOUCHED = "Nothing was brought in; the prices are as they were."
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class ScheduleVerbs(Protocol):
    """What this section does, as `till.schedules` has it."""

    def view(self) -> tuple[ScheduleRow, ...]:
        """Every schedule file."""

    def plan(
        self, file: Path, first: dt.date | None = None, last: dt.date | None = None
    ) -> Coroutine[Any, Any, ImportPlan]:
        """What bringing in a file would do. Raises Refused with every fault."""

    def apply(self, plan: ImportPlan) -> Entry:
        """Do it. Raises Refused, Unavailable (nothing was done), InDoubt."""

    def withdraw(self, file: str) -> Entry:
        """Take back one that is to come. Raises as `apply`."""


class FaultList(QListWidget):
    """Faults, a row each; Ctrl+C copies those that are chosen."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setWordWrap(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)

    def show_faults(self, faults: tuple[str, ...]) -> None:
        """Other faults."""
        self.clear()
        self.addItems(list(faults))

    @property
    def faults(self) -> tuple[str, ...]:
        """What is shown."""
        return tuple(self.item(number).text() for number in range(self.count()))

    def copy(self, *, chosen: bool) -> None:
        """Put the faults, or those chosen, on the clipboard."""
        items = [self.item(number) for number in range(self.count())]
        texts = [item.text() for item in items if item.isSelected() or not chosen]
        QGuiApplication.clipboard().setText("\n".join(texts))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """See above."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy(chosen=True)
        else:
            super().keyPressEvent(event)


class ScheduleSection(QWidget):
    """Schedules, and the import of one. `brought_in` has the file's name."""

    brought_in = Signal(str)

    def __init__(self, theme: Theme, run: Run, verbs: ScheduleVerbs | None = None) -> None:
        super().__init__()
        self._run = run
        self._verbs: ScheduleVerbs | None = None
        self._file: Path | None = None
        self._plan: ImportPlan | None = None
        #: Counts the questions for a plan, so that an answer to an earlier one is left out.
        self._asked = 0
        #: Whether the days are being typed: then the hand stays where it is.
        self._is_typing = False
        self._make_list(theme)
        self._make_import(theme)
        self.pages = QStackedWidget()
        self.pages.addWidget(self._list_page())
        self.pages.addWidget(self._import_page())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.pages)
        if verbs is not None:
            self.attach(verbs)

    def attach(self, verbs: ScheduleVerbs) -> None:
        """The till is there."""
        self._verbs = verbs
        self.refresh()

    # -- the parts -----------------------------------------------------------------------------------------

    def _make_list(self, theme: Theme) -> None:
        self.model = ScheduleModel(theme)
        self.table = Table(self.model, "Fee schedules", grows=TITLE, make_room=(FEES, ORIGIN, FILE))
        self.table.setMinimumHeight(TABLE_HEIGHT_MIN)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._show_chosen())
        self.row_faults = FaultList("Faults of the chosen file")
        self.row_faults.setMaximumHeight(TABLE_HEIGHT_MIN)
        self.choose = Button("Import …", "Import a fee schedule")
        self.choose.setObjectName("primary")
        self.choose.clicked.connect(lambda _checked=False: self.choose_file())
        self.take_back = Button("Take back")
        self.take_back.clicked.connect(lambda _checked=False: self._withdraw())
        self.said = label("", "", wrap=True)

    def _make_import(self, theme: Theme) -> None:
        self.title = label("", "title", wrap=True)
        self.first, self.last = _day_field("First day"), _day_field("Last day, or empty")
        for field in (self.first, self.last):
            field.editingFinished.connect(self._dates_edited)
        self.steps, self.warnings = label("", wrap=True), label("", "warning", wrap=True)
        self.fault = label("", "fault", wrap=True)
        self.faults = FaultList("Faults of the file")
        self.copy_all = Button("Copy all faults")
        self.copy_all.clicked.connect(lambda _checked=False: self.faults.copy(chosen=False))
        self.summary = label("", "soft", wrap=True)
        self.words = QLineEdit()
        self.words.setAccessibleName("Show only fees with these words")
        self.words.setPlaceholderText("Show only fees with …")
        self.words.setClearButtonEnabled(True)
        for button in self.words.findChildren(QToolButton):
            button.setAccessibleName("Show every fee again")
        self.words.textChanged.connect(lambda _text: self._show_changes())
        self.which = QComboBox()
        self.which.setAccessibleName("Which fees are shown")
        self.which.addItems([WHAT_CHANGES, EVERY_FEE])
        self.which.currentIndexChanged.connect(lambda _index: self._show_changes())
        self.preview_model = PreviewModel(theme)
        self.preview = Table(self.preview_model, "Prices before and after", grows=HOW, make_room=())
        self.preview.horizontalHeader().setMaximumSectionSize(COLUMN_WIDTH_MAX)
        self.preview.setMinimumHeight(TABLE_HEIGHT_MIN)
        self.preview.selectionModel().selectionChanged.connect(lambda *_: self._show_how())
        self.how = label("", "soft", wrap=True)
        self.do_it = Button("Import", "Import this schedule")
        self.do_it.setObjectName("primary")
        self.do_it.clicked.connect(lambda _checked=False: self.press())
        self.another = Button("Another file …")
        self.another.clicked.connect(lambda _checked=False: self.choose_file())
        self.leave = Button("Leave   Esc")
        self.leave.clicked.connect(lambda _checked=False: self.show_list())

    def _list_page(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addWidget(label("Fee schedules", "title"))
        layout.addWidget(
            label(
                "An own schedule takes the place of the product's of the same name from its first day on. "
                "Bold: what this till charges by.",
                "soft",
                wrap=True,
            )
        )
        layout.addWidget(self.table, 1)
        layout.addWidget(self.row_faults)
        layout.addWidget(self.said)
        layout.addLayout(row(self.choose, self.take_back, 1))
        self.row_faults.hide()
        self.said.hide()
        return page

    def _import_page(self) -> QWidget:
        dates = []
        for field in (self.first, self.last):
            named = label(field.accessibleName(), "soft")
            named.setBuddy(field)
            dates += [named, field]
        said = QWidget()
        inside = QVBoxLayout(said)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(4)
        for text in (self.steps, self.warnings):
            inside.addWidget(text)
        self._said_area = Shrinking(said, height_max=SAID_HEIGHT_MAX)
        self._said_area.setAccessibleName("What will be done, and warnings")
        changes = QWidget()
        inside = QVBoxLayout(changes)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(8)
        inside.addWidget(self._said_area)
        inside.addWidget(self.summary)
        inside.addLayout(row(self.words, self.which))
        inside.addWidget(self.preview, 1)
        inside.addWidget(self.how)
        refused = QWidget()
        inside = QVBoxLayout(refused)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(8)
        inside.addWidget(self.faults, 1)
        inside.addLayout(row(self.copy_all, 1))
        self.results = QStackedWidget()
        for result in (changes, refused):
            self.results.addWidget(result)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addWidget(self.title)
        layout.addLayout(row(*dates, 1))
        layout.addWidget(self.fault)
        layout.addWidget(self.results, 1)
        layout.addLayout(row(self.do_it, self.another, 1, self.leave))
        order: list[QWidget] = [self.first, self.last, self.words, self.which, self.preview]
        order += [self.faults, self.copy_all, self.do_it, self.another, self.leave]
        for before, after in pairwise(order):
            QWidget.setTabOrder(before, after)
        self.fault.hide()
        return page

    # -- the list ------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the schedules as they are now; the chosen one stays chosen."""
        if self._verbs is None:
            return
        before = self._chosen
        self.model.show_rows(self._verbs.view())
        self.table.make_room()
        files = [(one.file, one.is_own) for one in self.model.rows]
        if before is not None and (before.file, before.is_own) in files:
            self.table.selectRow(files.index((before.file, before.is_own)))
        elif files and self.table.hasFocus():
            self.table.selectRow(0)
        self._show_chosen()

    @property
    def _chosen(self) -> ScheduleRow | None:
        chosen = self.table.selectionModel().selectedRows()
        return self.model.rows[chosen[0].row()] if chosen else None

    def _show_chosen(self) -> None:
        """What is wrong with the chosen file; whether it can be taken back."""
        chosen = self._chosen
        faults = chosen.faults if chosen else ()
        self.row_faults.show_faults(faults)
        self.row_faults.setVisible(bool(faults))
        is_to_come = chosen is not None and chosen.is_own and chosen.state is ScheduleState.FUTURE
        self.take_back.setVisible(is_to_come)
        if chosen is not None:
            self.take_back.setAccessibleName(f"Take back {chosen.file}, which is to come")

    def _withdraw(self) -> None:
        chosen = self._chosen
        if self._verbs is None or chosen is None:
            return
        try:
            self._verbs.withdraw(chosen.file)
        except CashierError as error:
            self.show_list(f"✕  {error.user_text}")
        else:
            self.show_list(f"{chosen.file} is taken back; what it would have ended goes on.")

    def show_list(self, said: str = "") -> None:
        """Back to the list, with what came of it; what was planned is forgotten."""
        self._asked += 1
        self._file = self._plan = None
        self.refresh()
        self.said.setText(said)
        self.said.setVisible(bool(said))
        self.pages.setCurrentIndex(0)
        self.choose.setFocus()
        if said:
            announce(self.said, said)

    # -- the import ----------------------------------------------------------------------------------------

    def choose_file(self) -> None:
        """Ask for the file; opened, never executed."""
        dialog = QFileDialog(
            self.window(), "Import a fee schedule", str(self._file.parent) if self._file else ""
        )
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilter(FILES)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.look_at(Path(path)))
        dialog.open()

    def look_at(self, file: Path) -> None:
        """Show what bringing in a file would do, on the days that it says itself."""
        self._file = file
        self.first.clear()
        self.last.clear()
        self.words.clear()
        self.title.setText(f"Import {file.name}")
        self.pages.setCurrentIndex(1)
        self._is_typing = False
        self._ask()

    def _dates_edited(self) -> None:
        if self._file is not None and (self.first.isModified() or self.last.isModified()):
            self._is_typing = True
            self._ask()

    def _ask(self) -> None:
        """Ask for the plan of what stands in the fields."""
        self._asked += 1
        self._plan = None
        self.do_it.setEnabled(False)
        for field in (self.first, self.last):
            field.setModified(False)
        try:
            days = tuple(_day(field) for field in (self.first, self.last))
        except Refused as refused:
            self._refuse(refused.faults)
            return
        self._run(self._look(self._asked, days))

    async def _look(self, asked: int, days: tuple[dt.date | None, ...]) -> None:
        if self._verbs is None or self._file is None:
            return
        try:
            plan = await self._verbs.plan(self._file, *days)
        except CashierError as error:
            if shiboken6.isValid(self) and asked == self._asked:
                self._refuse(error.faults if isinstance(error, Refused) else (error.user_text,))
            return
        if shiboken6.isValid(self) and asked == self._asked:
            self._show_plan(plan)

    def _refuse(self, faults: tuple[str, ...]) -> None:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        self.faults.show_faults(faults)
        self._say(f"✕  {count}. {UNTOUCHED}")
        self.results.setCurrentIndex(1)
        if not self._is_typing:
            self.faults.setFocus()
            self.faults.setCurrentRow(0)

    def _show_plan(self, plan: ImportPlan) -> None:
        self._plan = plan
        period = plan.schedule.period
        for field, day in ((self.first, period.first), (self.last, period.last)):
            field.setText("" if day is None else day.isoformat())
        self.steps.setText("\n".join(plan.steps))
        self.warnings.setText("\n".join(f"◷  {warning}" for warning in plan.warnings))
        self.warnings.setVisible(bool(plan.warnings))
        text = f"Prices on {plan.compared_on}, before and after. {plan.summary}.{_warned(plan)}"
        self.summary.setText(text)
        self._say("")
        self._show_changes()
        self.results.setCurrentIndex(0)
        self.do_it.setEnabled(True)
        if not self._is_typing:
            self.preview.setFocus()
        announce(self.summary, text)

    def _show_changes(self) -> None:
        if self._plan is not None:
            with_same = self.which.currentText() == EVERY_FEE
            rows = preview_rows(self._plan.changes, self.words.text(), with_same=with_same)
            self.preview_model.show_rows(rows)
            self.preview.make_room()
            self._show_how()

    def _show_how(self) -> None:
        """The chosen row in full: what its columns have no room for."""
        chosen = self.preview.selectionModel().selectedRows()
        self.how.setText(self.preview_model.rows[chosen[0].row()].in_full if chosen else "")

    def press(self) -> None:
        """Do what is shown."""
        if self._verbs is None or self._plan is None:
            return
        plan = self._plan
        self.do_it.setEnabled(False)  # whatever comes of it, it is looked at anew before a second time
        try:
            self._verbs.apply(plan)
        except CashierError as error:
            self._say(f"✕  {error.user_text}")
            self.leave.setFocus()
            return
        self.brought_in.emit(plan.file)
        self.show_list(f"{plan.schedule.title} is brought in: in force {plan.schedule.period}.")

    def _say(self, fault: str) -> None:
        self.fault.setText(fault)
        self.fault.setVisible(bool(fault))
        if fault:
            announce(self.fault, fault)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc leaves the import."""
        if event.key() == Qt.Key.Key_Escape and self.pages.currentIndex():
            self.show_list()
        else:
            super().keyPressEvent(event)


def _warned(plan: ImportPlan) -> str:
    count = len(plan.warnings)
    return "" if not count else " 1 warning above." if count == 1 else f" {count} warnings above."


def _day_field(name: str) -> QLineEdit:
    field = QLineEdit()
    field.setAccessibleName(name)
    field.setPlaceholderText("2027-01-01")
    field.setMaxLength(10)
    field.setFixedWidth(scaled(DATE_WIDTH))
    return field


def _day(field: QLineEdit) -> dt.date | None:
    """The day in a field; None for an empty one. Raises Refused."""
    text = field.text().strip()
    if not text:
        return None
    try:
        if _DAY.fullmatch(text):
            return dt.date.fromisoformat(text)
    except ValueError:
        pass
    raise Refused(f"{field.accessibleName()}: {text!r} is not a day such as 2027-01-01.")
