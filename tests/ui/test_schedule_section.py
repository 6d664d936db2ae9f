"""Fee schedules among the settings: the list, the faults of a file, prices before and after, and doing it."""

import asyncio
import datetime as dt
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from cashier import paths
from cashier.domain.entries import Entry
from cashier.domain.errors import Unavailable
from cashier.till.schedule_import import ImportPlan, ScheduleRow
from cashier.ui import theme
from cashier.ui.schedule_models import AFTER, BEFORE, FEE, HOW, WHAT
from cashier.ui.schedule_section import EVERY_FEE, ScheduleSection
from tests.fakes.people import at_once
from tests.till.test_schedule_import import ROBIN, Office, text
from tests.ui.test_accessibility import nameless_in

Key, Mod = Qt.Key, Qt.KeyboardModifier
SHIPPED = "effective_from = 2025-01-01"


class Verbs:
    """The section's verbs on an office's real folders; `waits` keeps questions until a test answers them."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.error: Exception | None = None
        self.waits = False
        self.waiting: list[Coroutine[Any, Any, None]] = []

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        if self.waits:
            self.waiting.append(work)
        else:
            at_once(work)

    def view(self) -> tuple[ScheduleRow, ...]:
        return self.office.imports.view()

    async def plan(self, file: Path, first: dt.date | None = None, last: dt.date | None = None) -> ImportPlan:
        return self.office.imports.plan(file, first, last)

    def apply(self, plan: ImportPlan) -> Entry:
        if self.error is not None:
            raise self.error
        return self.office.imports.apply(plan, self.office.journal, ROBIN)

    def withdraw(self, file: str) -> Entry:
        if self.error is not None:
            raise self.error
        return self.office.imports.withdraw(file, self.office.journal, ROBIN)


class Shown:
    """The section in a window."""

    def __init__(self, qtbot: QtBot, app: QApplication, office: Office) -> None:
        self.office, self.verbs = office, Verbs(office)
        look = theme.put_on(app, paths.resources(), dark=False, text_scale=1.0)
        self.section = ScheduleSection(look, self.verbs.run)
        self.window = QWidget()
        self.window.setObjectName("page")
        QVBoxLayout(self.window).addWidget(self.section)
        qtbot.addWidget(self.window)
        self.window.resize(1000, 700)
        with qtbot.waitActive(self.window):
            self.window.show()
            self.window.activateWindow()
        self.section.attach(self.verbs)

    def file(self, content: str, name: str = "New fees.toml") -> Path:
        file = self.office.inbox / name
        file.write_text(content, encoding="utf-8")
        return file

    def look_at(self, content: str, name: str = "New fees.toml") -> None:
        self.section.look_at(self.file(content, name))

    def type_day(self, field: QWidget, day: str) -> None:
        """Type a day into a field as a person does."""
        field.setFocus()
        self.key(Key.Key_A, Mod.ControlModifier)
        QTest.keyClicks(field, day)
        self.key(Key.Key_Return)

    @staticmethod
    def key(key: Qt.Key, modifiers: Qt.KeyboardModifier = Mod.NoModifier) -> None:
        focus = QApplication.focusWidget()
        assert focus is not None
        QTest.keyClick(focus, key, modifiers)

    def rows(self) -> list[tuple[str, ...]]:
        model = self.section.preview_model
        return [
            tuple(str(model.data(model.index(row, column))) for column in (WHAT, FEE, BEFORE, AFTER, HOW))
            for row in range(model.rowCount())
        ]

    def listed(self) -> list[str]:
        return [f"{row.state.value} {row.file}" for row in self.section.model.rows]


@pytest.fixture
def shown(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[Shown]:
    office = Office(tmp_path)
    office.ship(text(SHIPPED))
    font, palette = qapp.font(), qapp.palette()
    yield Shown(qtbot, qapp, office)
    qapp.setStyleSheet("")
    qapp.setPalette(palette)
    qapp.setFont(font)


def test_every_schedule_is_listed_and_a_faulty_one_says_why(shown: Shown) -> None:
    section = shown.section
    assert shown.listed() == ["in force town.toml"]
    assert not section.row_faults.isVisible()
    shown.office.keep("name = 3", "town-2026.toml")
    section.refresh()
    assert shown.listed() == ["in force town.toml", "faulty town-2026.toml"]
    section.table.setFocus()
    section.table.selectRow(1)
    assert section.row_faults.isVisible()
    faults = section.row_faults.faults
    assert "town-2026.toml: name: must be text" in faults[0]
    section.row_faults.setFocus()
    section.row_faults.setCurrentRow(0)
    shown.key(Key.Key_C, Mod.ControlModifier)
    assert QGuiApplication.clipboard().text() == faults[0]
    section.table.selectRow(0)
    assert not section.row_faults.isVisible()


def test_a_schedule_is_brought_in_by_keyboard_alone(shown: Shown, qtbot: QtBot) -> None:
    section = shown.section
    section.choose.setFocus()
    shown.key(Key.Key_Return)
    (dialog,) = shown.window.findChildren(QFileDialog)
    assert dialog.isVisible() and dialog.nameFilters() == ["Fee schedules (*.csv *.toml)"]
    dialog.fileSelected.emit(str(shown.file(text(permit="120"))))
    dialog.close()
    assert section.title.text() == "Import New fees.toml"
    assert section.preview.hasFocus()
    assert section.first.text() == "2026-02-03", "today, where nobody says another day"
    shown.type_day(section.first, "2027-01-01")
    assert section.steps.text().splitlines() == [
        "Town of Sampleton: in force from 2027-01-01; town-2027-01-01.toml is new",
        "town.toml (from 2025-01-01) ends on 2026-12-31",
    ]
    assert shown.rows() == [("≠  changed", "Building permit", "100.00", "120.00", "")]
    assert shown.office.stored() == [], "nothing is done before it is asked for"
    order = []
    while not section.do_it.hasFocus():
        shown.key(Key.Key_Tab)
        order.append(QApplication.focusWidget())
    assert order[:4] == [section.last, section.words, section.which, section.preview]
    with qtbot.waitSignal(section.brought_in) as told:
        shown.key(Key.Key_Return)
    assert told.args == ["town-2027-01-01.toml"]
    assert shown.listed() == ["in force town.toml", "to come town-2027-01-01.toml"]
    assert section.said.text() == "Town of Sampleton is brought in: in force from 2027-01-01."
    assert len(shown.office.entries()) == 1
    assert section.choose.hasFocus()


def test_every_fault_of_a_file_is_a_row_that_can_be_copied(shown: Shown) -> None:
    section = shown.section
    shown.look_at("name,town\ncode,name,kind,amount,type_id,gl_account\na,A,flat,x,0,GL\n", "bad.csv")
    assert [one.partition(": ")[2].partition(":")[0] for one in section.faults.faults] == [
        "line 1, title",
        "line 3, column D (amount)",
        "line 3, column E (type_id)",
    ]
    assert section.fault.text() == "✕  3 faults. Nothing was brought in; the prices are as they were."
    assert not section.do_it.isEnabled()
    assert section.faults.hasFocus()
    shown.key(Key.Key_C, Mod.ControlModifier)
    assert QGuiApplication.clipboard().text() == section.faults.faults[0]
    section.copy_all.click()
    assert QGuiApplication.clipboard().text() == "\n".join(section.faults.faults)
    shown.key(Key.Key_Escape)
    assert section.pages.currentIndex() == 0 and section.choose.hasFocus()
    assert shown.office.stored() == []


def test_days_are_checked_as_typed_and_the_preview_follows(shown: Shown) -> None:
    section = shown.section
    shown.office.bring(text(permit="110"), "2028-01-01")
    shown.look_at(text(permit="120"))
    assert section.faults.faults == (
        "town-2028-01-01.toml is in force from 2028-01-01, too. End the new one on 2027-12-31 at the latest.",
    )
    shown.type_day(section.first, "2027-02-30")
    assert section.faults.faults == ("First day: '2027-02-30' is not a day such as 2027-01-01.",)
    shown.type_day(section.first, "2027-01-01")
    assert not section.do_it.isEnabled()
    shown.type_day(section.last, "2027-12-31")
    assert section.do_it.isEnabled() and not section.fault.isVisible()
    assert section.steps.text().startswith("Town of Sampleton: in force from 2027-01-01 until 2027-12-31;")
    assert section.last.hasFocus(), "the hand stays where it is"


def test_fees_are_looked_for_and_those_that_stay_the_same_are_shown_on_request(shown: Shown) -> None:
    section = shown.section
    shown.look_at(text(permit="120"))
    section.which.setCurrentText(EVERY_FEE)
    assert [row[:2] for row in shown.rows()] == [
        ("≠  changed", "Building permit"),
        ("=  the same", "Sign permit"),
    ]
    section.words.setText("permit si")
    assert [row[1] for row in shown.rows()] == ["Sign permit"]
    section.words.setText("changed")
    assert [row[1] for row in shown.rows()] == ["Building permit"]
    section.preview.selectRow(0)
    assert section.how.text() == "Building permit · 100.00 → 120.00"
    section.words.setText("nothing of the kind")
    assert (shown.rows(), section.how.text()) == ([], "")


def test_one_that_is_to_come_is_taken_back(shown: Shown) -> None:
    section = shown.section
    shown.office.bring(text(permit="120"), "2027-01-01")
    section.refresh()
    section.table.setFocus()
    assert not section.take_back.isVisible(), "what is in force is not taken back"
    shown.key(Key.Key_Down)
    assert section.take_back.isVisible()
    assert not nameless_in(section)
    shown.verbs.error = Unavailable("The disk is full. Nothing was recorded.")
    section.take_back.click()
    assert section.said.text() == "✕  The disk is full. Nothing was recorded."
    shown.verbs.error = None
    section.table.selectRow(1)
    section.take_back.setFocus()
    shown.key(Key.Key_Return)
    assert shown.listed() == ["in force town.toml"]
    assert "town-2027-01-01.toml is taken back" in section.said.text()
    assert not section.take_back.isVisible()


def test_a_missing_invoice_type_is_told_before_it_is_done(shown: Shown) -> None:
    shown.look_at(text(type_id=77))
    assert shown.section.warnings.isVisible()
    assert "Invoice type 77 is set up for no biller of this till" in shown.section.warnings.text()
    assert shown.section.summary.text().endswith("1 warning above.")
    assert shown.rows()[1][-1] == "invoice type 6 → 77"
    assert shown.section.do_it.isEnabled()


def test_what_is_refused_is_said_and_is_looked_at_anew_before_a_second_try(shown: Shown) -> None:
    section = shown.section
    shown.look_at(text(permit="120"))
    shown.verbs.error = Unavailable("The disk is full. Nothing was recorded.")
    section.do_it.setFocus()
    section.do_it.click()
    assert section.fault.text() == "✕  The disk is full. Nothing was recorded."
    assert section.pages.currentIndex() == 1
    section.press()
    assert not section.do_it.isEnabled()
    assert shown.office.stored() == []


def test_an_answer_to_an_earlier_question_is_left_out(shown: Shown) -> None:
    section, verbs = shown.section, shown.verbs
    verbs.waits = True
    shown.look_at(text(permit="120"), "one.toml")
    shown.look_at(text(permit="130"), "two.toml")
    one, two = verbs.waiting
    at_once(two)
    at_once(one)
    assert [row[3] for row in shown.rows()] == ["130.00"]
    verbs.waiting.clear()
    shown.look_at(text(permit="140"), "three.toml")
    section.show_list()
    at_once(verbs.waiting[0])
    assert section.pages.currentIndex() == 0
    section.press()
    assert shown.office.stored() == [], "what was left is not brought in"


def test_a_section_that_is_gone_takes_no_answer(shown: Shown, qtbot: QtBot) -> None:
    shown.verbs.waits = True
    shown.look_at(text(permit="120"))
    shown.section.setParent(None)
    shown.section.deleteLater()
    QApplication.sendPostedEvents(None, 52)  # QEvent.Type.DeferredDelete
    at_once(shown.verbs.waiting[0])


def test_everything_that_can_be_used_has_a_name(shown: Shown) -> None:
    assert not nameless_in(shown.section)
    shown.look_at(text(permit="120"))
    shown.section.words.setText("x")
    assert not nameless_in(shown.section)
    shown.look_at("name = 3")
    assert not nameless_in(shown.section)


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_what_is_done_and_the_prices_fit_above_each_other(
    shown: Shown, qapp: QApplication, scale: float
) -> None:
    theme.put_on(qapp, paths.resources(), dark=True, text_scale=scale)
    shown.look_at(text(permit="120", type_id=77, gl="SAMPLE-1"))
    qapp.processEvents()
    section = shown.section
    parts = [section._said_area, section.summary, section.words, section.preview, section.how, section.do_it]
    bottom = 0
    for part in parts:
        top = part.mapTo(section, part.rect().topLeft()).y()
        assert top >= bottom, part.accessibleName()
        bottom = part.mapTo(section, part.rect().bottomLeft()).y()
    assert bottom <= section.height()


def test_the_till_plans_beside_the_window(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.ship(text(SHIPPED))
    file = office.inbox / "x.toml"
    file.write_text(text(permit="120"), encoding="utf-8")
    plan = asyncio.run(office.imports.plan_aside(file, dt.date(2027, 1, 1)))
    assert plan == office.imports.plan(file, dt.date(2027, 1, 1))
