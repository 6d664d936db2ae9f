"""From nothing to a till: the guide at sandbox and hub, and the first training sale in the same window."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import keyring
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from cashier import paths
from cashier.administering import trained
from cashier.bootstrap import open_till, opener, starts_of, view_maker
from cashier.domain.entries import EntryKind
from cashier.domain.invite_code import invite_code, shown
from cashier.domain.money import Cents
from cashier.domain.receipt import Tender, TenderKind
from cashier.domain.sale import Customer
from cashier.enrolling import Enrolling
from cashier.first_set_up import REST, FirstSetUp
from cashier.gateway.postback import read_till_key
from cashier.hub.serve import RunningHub
from cashier.sandbox.serve import RunningSandbox
from cashier.secrets import Secrets
from cashier.settings import check, load, read_table
from cashier.starting import Starting
from cashier.till.set_up_questions import API_KEY, StepName
from cashier.training import API_KEY as SANDBOX_KEY
from cashier.ui.app import Opened
from cashier.ui.checklist import ChecklistDialog
from cashier.ui.first_run_page import FirstRunPage
from cashier.ui.guide_steps import WORKS, ActQuestion, StepPage
from tests.end2end.conftest import MASTER_SECRET
from tests.ui.machine import Machine

Key = Qt.Key
ADMINISTRATOR, PIN = "Alex Example", "314159"


@pytest.fixture
def machine(
    qtbot: QtBot, qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Machine]:
    """A computer on which nothing was ever set up; the keyring is the tests' empty one."""
    for name in [name for name in os.environ if name.startswith("CASHIER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    made = Machine(qtbot, qapp, tmp_path, loop)
    made.file = paths.settings_file()
    yield made
    made.clean_up()
    asyncio.set_event_loop(None)
    loop.close()
    qapp.setStyleSheet("")


def start(machine: Machine) -> FirstRunPage:
    """The product's own openers, from the very first start."""
    starts = starts_of(machine.file)
    machine.start(starts.desk, open_till=opener(training=False, settings_file=machine.file))
    machine.program._starts = starts
    page = machine.window.pages.currentWidget()
    assert isinstance(page, FirstRunPage)
    return page


class AtTheSandbox(Starting):
    """The product's look before the start; a key is tested at the sandbox, which has no TLS."""

    def __init__(self, file: Path, sandbox: RunningSandbox) -> None:
        super().__init__(file, os.environ)
        self._rest = {**REST, "training": True, "gateway": {"base_url": sandbox.url}}

    def set_up(self) -> FirstSetUp:
        """See StartDesk."""
        return FirstSetUp(self._file, os.environ, Enrolling(self._file, os.environ), self._rest)

    @asynccontextmanager
    async def open_till(self) -> AsyncIterator[Opened]:
        """The till of the file that the guide has written, at the sandbox."""
        table = read_table(self._file) | {"training": True, "gateway": self._rest["gateway"]}
        settings = check(table, "test")
        secrets = Secrets(settings.site, settings.till, os.environ)
        async with open_till(settings, secrets, lister=tuple, file=self._file) as till:
            yield Opened(till, view_maker(settings))


def put(page: FirstRunPage, name: str, text: str) -> None:
    """Type into a field of the step that is up."""
    step = page.steps[page.step]
    assert isinstance(step, StepPage)
    field = step.questions[name].input
    assert isinstance(field, QLineEdit)
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)


def test_from_nothing_through_the_guide_to_an_opened_till(machine: Machine, tmp_path: Path) -> None:
    with RunningSandbox() as sandbox, RunningHub(f"sqlite:///{tmp_path / 'hub.db'}", MASTER_SECRET) as hub:
        desk = AtTheSandbox(machine.file, sandbox)
        machine.start(desk, open_till=desk.open_till)
        page = machine.window.pages.currentWidget()
        assert isinstance(page, FirstRunPage)
        page.set_up.click()
        put(page, "agency", "Town of Sampleton")
        put(page, "site", "sampletown")
        page.on.click()
        page.on.click()
        assert page.step is StepName.BILLER
        put(page, "biller", "building")
        put(page, API_KEY, SANDBOX_KEY)
        step = page.steps[StepName.BILLER]
        assert isinstance(step, StepPage)
        key = step.questions[API_KEY]
        assert isinstance(key, ActQuestion)
        key.button.click()
        machine.until(lambda: key.said.text() == WORKS)
        page.on.click()
        put(page, "hub", hub.url)
        code = invite_code(0x1234567890ABC)
        hub.state.invites.invite("sampletown", "A", code, 30, hub.state.clock())
        put(page, "code", shown(code))
        machine.key(Key.Key_Return)
        machine.until(lambda: page.guide.enrolled is not None)
        for _ in range(3):
            page.on.click()
        assert page.step is StepName.READY, page.steps[page.step]
        till_key = keyring.get_password("cashier/sampletown/A", "till-key")
        assert till_key is not None and read_till_key(till_key)
        assert not machine.file.exists() and not (tmp_path / "data" / "cashier").exists()
        page.on.click()
        machine.until(lambda: machine.window.has_till)
        settings = load(machine.file)
        assert (settings.site, settings.till, settings.agency) == ("sampletown", "A", "Town of Sampleton")
        assert keyring.get_password("cashier/sampletown/A", "api-key-building") == SANDBOX_KEY
        written = machine.file.read_text(encoding="utf-8")
        assert till_key not in written and SANDBOX_KEY not in written
        _first_administrator(machine)
        [dialog] = machine.dialogs
        assert isinstance(dialog, ChecklistDialog)
        machine.until(lambda: dialog.panel.rows)
        states = {check.title: check.state.value for check in dialog.panel.checks}
        assert states["Invoice Cloud takes the key of building"] == "done"
        assert states["The hub answers, and knows this till"] == "done"
        assert states["A training sale was made"] == "to do"
        dialog.reject()
        assert machine.close() == 0


def _first_administrator(machine: Machine) -> None:
    """What every first start asks for."""
    cover = machine.window.presence.cover
    assert cover is not None and cover.first_start.isVisible()
    form = cover.first_start
    for field, text in ((form.name, ADMINISTRATOR), (form.pin, PIN), (form.again, PIN)):
        field.setFocus()
        QTest.keyClicks(field, text)
    form.go_on.click()
    machine.until(lambda: not machine.window.presence.is_away and machine.dialogs)


def test_from_nothing_to_the_first_training_sale_in_the_same_window(machine: Machine) -> None:
    start(machine)
    QTest.keyClick(machine.focus, Key.Key_Return)  # the one key that it takes
    machine.until(lambda: machine.window.has_till)
    window = machine.window
    assert window.is_training and window.training.bar.said.guide, "the bar says the next step"
    till = window._till
    assert till is not None and till.people.name and till.shifts.view() is not None
    assert trained() is False
    till.set_customer(Customer("BU7-00042", "Robin Example"))
    till.add_fee("re-roof-shingle")
    due = till.snapshot().draft.due_cents
    till.take_tender(Tender(TenderKind.CASH, due, received_cents=Cents(due)))
    assert next(till.entries_of((EntryKind.RECEIPT_ISSUED,))).body
    assert not machine.file.exists(), "nothing was set up by it"
    window.status.leave_training.click()
    machine.until(lambda: isinstance(machine.window.pages.currentWidget(), FirstRunPage))
    assert trained() is True, "and the checklist will know"
    assert machine.close() == 0
