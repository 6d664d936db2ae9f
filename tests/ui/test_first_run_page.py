"""The greeting of a new machine and its guide, by keyboard; training first in the same window."""

import os
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit

from cashier.domain.errors import Refused, Unavailable
from cashier.starting import Starting
from cashier.till.set_up_questions import API_KEY, STEPS, TILL_KEY, StepName
from cashier.till.setting_up import SetUp
from cashier.ui.checklist import ChecklistDialog
from cashier.ui.first_run_page import FirstRunPage
from cashier.ui.guide_steps import WORKS, ActQuestion, StepPage, TypesQuestion
from tests.fakes.set_up import KEY, FakeSetUp
from tests.ui.machine import SETTINGS, Machine
from tests.ui.test_accessibility import nameless_in

Key = Qt.Key


class NewMachine(Starting):
    """A machine where nothing is, until the guide has saved."""

    def __init__(self, file: Path, tools: FakeSetUp) -> None:
        super().__init__(file, {"CASHIER_SECRET_TILL_KEY": KEY})
        self._tools = tools

    def is_new(self) -> bool:
        """See StartDesk."""
        return not self._tools.saved

    def set_up(self) -> SetUp:
        """See StartDesk."""
        return self._tools


@pytest.fixture(autouse=True)
def no_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CASHIER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def tools() -> FakeSetUp:
    return FakeSetUp()


def begin(machine: Machine, tools: FakeSetUp) -> FirstRunPage:
    machine.start(NewMachine(machine.file, tools))
    page = machine.window.pages.currentWidget()
    assert isinstance(page, FirstRunPage)
    return page


def on(page: FirstRunPage) -> StepPage:
    step = page.steps[page.step]
    assert isinstance(step, StepPage)
    return step


def act(page: FirstRunPage, name: str) -> ActQuestion:
    question = on(page).questions[name]
    assert isinstance(question, ActQuestion)
    return question


def faults(page: FirstRunPage) -> dict[str, str]:
    """What is told beside fields that can be seen."""
    found = on(page).questions.items()
    return {name: question.fault.text() for name, question in found if question.fault.isVisible()}


def fill_in(machine: Machine, page: FirstRunPage) -> None:
    """Through every step by keyboard alone, to the last."""
    page.set_up.setFocus()
    machine.key(Key.Key_Return)
    machine.type("Town of Sampleton")
    machine.key(Key.Key_Return)
    machine.type("town")
    machine.key(Key.Key_Return)
    machine.key(Key.Key_Return)
    assert page.step is StepName.PERMITS
    page.on.setFocus()
    machine.key(Key.Key_Return)
    assert page.step is StepName.BILLER
    act(page, API_KEY).input.setFocus()
    machine.type("an-api-key")
    machine.key(Key.Key_Return)
    assert page.step is StepName.HUB
    machine.type("https://hub.example.org")
    act_key = on(page).questions[TILL_KEY]
    act_key.input.setFocus()
    machine.type(KEY)
    machine.key(Key.Key_Return)
    assert page.step is StepName.READER
    for _ in range(2):
        page.on.setFocus()
        machine.key(Key.Key_Return)
    assert page.step is StepName.READY


def test_a_new_machine_is_greeted_and_training_is_one_key_away(machine: Machine, tools: FakeSetUp) -> None:
    page = begin(machine, tools)
    assert machine.focus is page.train
    machine.key(Key.Key_Return)
    assert machine.opened == ["training", "till"]
    assert machine.window.is_training
    assert machine.window.status.leave_training.isVisible()
    machine.window.status.leave_training.click()
    machine.turn()
    assert isinstance(machine.window.pages.currentWidget(), FirstRunPage), "and back to the greeting"
    assert machine.close() == 0


def test_the_guide_is_gone_through_by_keyboard_and_opens_the_till(machine: Machine, tools: FakeSetUp) -> None:
    page = begin(machine, tools)
    fill_in(machine, page)
    assert tools.saved == [], "nothing is written before the last press"
    assert machine.focus is page.on
    machine.key(Key.Key_Return)
    [(table, secrets)] = tools.saved
    assert table["agency"] == "Town of Sampleton" and table["site"] == "town"
    assert secrets == {"till-key": KEY, "api-key-permits": "an-api-key"}
    assert machine.opened == ["till"], "and the till is open"
    assert machine.window.has_till


def test_the_checklist_comes_once_the_administrator_is_there(machine: Machine, tools: FakeSetUp) -> None:
    page = begin(machine, tools)
    fill_in(machine, page)
    machine.key(Key.Key_Return)
    machine.turn()
    assert [type(dialog) for dialog in machine.dialogs] == [ChecklistDialog]
    machine.dialogs[0].reject()
    machine.turn()
    machine.window.start_anew()
    machine.turn()
    assert machine.opened == ["till", "left", "till"]
    assert machine.dialogs == [], "once"


def test_a_step_that_is_not_right_is_not_left_and_says_why(machine: Machine, tools: FakeSetUp) -> None:
    page = begin(machine, tools)
    page.set_up.click()
    page.on.click()
    assert page.step is StepName.TILL
    assert faults(page) == {"agency": "Agency: is missing", "site": "Site: is missing"}
    assert machine.focus is on(page).questions["agency"].input


def test_what_is_typed_is_checked_as_typed_but_not_before(machine: Machine, tools: FakeSetUp) -> None:
    page = begin(machine, tools)
    page.set_up.click()
    machine.turn()
    assert faults(page) == {}
    on(page).questions["site"].input.setFocus()
    machine.type("Town!")
    assert faults(page) == {}, "while it is typed for the first time nobody is scolded"
    machine.key(Key.Key_Tab)
    assert "small letters" in faults(page)["site"]
    site = on(page).questions["site"].input
    assert isinstance(site, QLineEdit)
    site.setFocus()
    site.selectAll()
    machine.type("town")
    assert faults(page) == {}


def test_esc_goes_back_and_keeps_what_was_typed(machine: Machine, tools: FakeSetUp) -> None:
    page = begin(machine, tools)
    fill_in(machine, page)
    for _ in STEPS:
        machine.key(Key.Key_Escape)
    assert page.stack.currentIndex() == 0 and machine.focus is page.set_up
    machine.key(Key.Key_Return)
    agency = on(page).questions["agency"].input
    assert isinstance(agency, QLineEdit) and agency.text() == "Town of Sampleton"


def test_the_key_is_tested_and_never_shown(machine: Machine, tools: FakeSetUp) -> None:
    page = begin(machine, tools)
    page.show_step(StepName.BILLER)
    question = act(page, API_KEY)
    assert isinstance(question.input, QLineEdit)
    assert question.input.echoMode() is QLineEdit.EchoMode.Password
    question.input.setFocus()
    machine.type("an-api-key")
    question.button.click()
    machine.turn()
    assert tools.tested == [("permits", "an-api-key")] and question.said.text() == WORKS
    tools.error = Refused("Invoice Cloud does not know this key.")
    question.button.click()
    machine.turn()
    assert "does not know" in faults(page)[API_KEY] and question.said.isHidden()
    assert question.button.isEnabled()


def test_a_type_that_is_not_listed_is_added_with_a_word_about_invoice_cloud(
    machine: Machine, tools: FakeSetUp
) -> None:
    page = begin(machine, tools)
    page.show_step(StepName.BILLER)
    types = on(page).questions["types"]
    assert isinstance(types, TypesQuestion)
    assert "added to your biller by Invoice Cloud" in types.hint.text()
    assert set(types.boxes) == {6, 39, 42, 43, 93, 95}
    assert {number for number, box in types.boxes.items() if box.isChecked()} == {6, 43}
    types.number.setFocus()
    machine.type("x")
    types.name.setFocus()
    machine.type("Fire")
    machine.key(Key.Key_Return)
    assert "one to six digits" in types.fault.text()
    types.number.setText("12")
    types.more.click()
    assert types.boxes[12].isChecked() and page.guide.types[12] == "Fire"


def test_enrolling_by_a_code_needs_no_key(machine: Machine, tools: FakeSetUp) -> None:
    page = begin(machine, tools)
    page.show_step(StepName.HUB)
    machine.type("https://hub.example.org")
    code = act(page, "code")
    code.input.setFocus()
    machine.type("7KQ4-M2XD-9RTB")
    machine.key(Key.Key_Return)
    assert tools.codes == [("https://hub.example.org", "7KQ4-M2XD-9RTB")], "Enter redeems it, once"
    assert "till C of site hubtown" in code.said.text()
    page.on.click()
    assert page.step is StepName.READER
    assert page.guide.texts["site"] == "hubtown"


def test_a_code_that_is_refused_says_so_and_the_key_is_still_a_way(
    machine: Machine, tools: FakeSetUp
) -> None:
    tools.error = Unavailable("The hub cannot be reached.")
    page = begin(machine, tools)
    page.show_step(StepName.HUB)
    code = act(page, "code")
    code.button.click()
    machine.turn()
    assert "cannot be reached" in faults(page)["code"]
    assert TILL_KEY in on(page).questions


def test_without_enrolment_only_the_key_is_asked_for(machine: Machine, tools: FakeSetUp) -> None:
    tools.enrols = False
    page = begin(machine, tools)
    page.show_step(StepName.HUB)
    assert list(on(page).questions) == ["hub", TILL_KEY]


def test_a_keyring_that_refuses_leaves_everything_as_it_was(machine: Machine, tools: FakeSetUp) -> None:
    page = begin(machine, tools)
    fill_in(machine, page)
    tools.error = Refused("This machine's keyring does not take secrets.")
    machine.key(Key.Key_Return)
    assert "keyring" in page.fault.text() and machine.opened == []
    tools.error = None
    machine.key(Key.Key_Return)
    assert machine.opened == ["till"], "and what was typed is still there"


def test_further_questions_come_and_go_with_the_answer(machine: Machine, tools: FakeSetUp) -> None:
    page = begin(machine, tools)
    page.show_step(StepName.READER)
    machine.key(Key.Key_Down)
    assert list(on(page).questions) == ["reader", "label", "device", "location"]
    page.on.click()
    assert set(faults(page)) == {"label", "device"}
    on(page).questions["reader"].input.setFocus()
    machine.key(Key.Key_Up)
    assert list(on(page).questions) == ["reader"]


def test_everything_of_every_step_has_a_name(machine: Machine, tools: FakeSetUp) -> None:
    page = begin(machine, tools)
    assert nameless_in(machine.window) == []
    for step in STEPS:
        page.show_step(step)
        machine.turn()
        assert nameless_in(machine.window) == [], step


def test_settings_in_place_need_no_greeting(machine: Machine) -> None:
    machine.file.write_text(SETTINGS, encoding="utf-8")
    machine.start(Starting(machine.file, {"CASHIER_SECRET_TILL_KEY": KEY}))
    assert machine.opened == ["till"]
