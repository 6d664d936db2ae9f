"""The safe state: what keeps a till closed is told by file, key and reason; the journal is not touched."""

import os
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from cashier import paths
from cashier.bootstrap import opener
from cashier.data_files import JOURNAL
from cashier.domain.errors import Refused
from cashier.gateway.postback import till_key_to_text
from cashier.settings_file import LAST_GOOD
from cashier.starting import Starting
from cashier.till.starting import UNTOUCHED
from cashier.ui.safe_page import SafePage
from tests.ui.machine import SETTINGS, Machine
from tests.ui.test_accessibility import nameless_in

Marks = dict[str, tuple[bytes, int]]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user of our own, with the secrets of the till."""
    for name in [name for name in os.environ if name.startswith("CASHIER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setenv("CASHIER_SECRET_TILL_KEY", till_key_to_text(bytes(32)))
    monkeypatch.setenv("CASHIER_SECRET_PIN_PEPPER", "a pepper of tests")
    return tmp_path / "data" / "cashier"


def begin(machine: Machine, settings: str | None = None, *, real: bool = False) -> None:
    """The program on a settings file, or without one."""
    if settings is None:
        machine.file.unlink(missing_ok=True)
    else:
        machine.file.write_text(settings, encoding="utf-8")
    open_it = opener(training=False, settings_file=machine.file) if real else None
    machine.start(Starting(machine.file, os.environ), open_till=open_it)


def page_of(machine: Machine) -> SafePage:
    page = machine.window.pages.currentWidget()
    assert isinstance(page, SafePage)
    return page


def told(machine: Machine) -> dict[str, str]:
    """Reasons by key."""
    return {fault.key: fault.reason for fault in page_of(machine).trouble.faults}


def journal_with_a_past(folder: Path) -> Path:
    from cashier.journal.store import SqliteJournal
    from tests.fakes.entries import Drafts, FixedClock

    folder.mkdir(parents=True)
    with SqliteJournal(folder / JOURNAL, till="A", clock=FixedClock(), holder="before") as journal:
        journal.record(Drafts().paid_sale("s1"))
    return folder / JOURNAL


def marks(folder: Path) -> Marks:
    """Bytes and times of everything in a folder."""
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


WITHOUT = {
    "not TOML": (SETTINGS + "\n[", "", "is not TOML"),
    "an unknown key": (SETTINGS.replace("[hub]", "shiny = 1\n[hub]"), "shiny", "newer version"),
    "a wrong value": (SETTINGS.replace('till = "A"', 'till = "a1"'), "till", "one to four capital letters"),
    "a missing key": (SETTINGS.replace('site = "town"', ""), "site", "is missing"),
    "a deep key": (SETTINGS.replace('url = "https', 'url = "ftp'), "hub.url", "web address"),
    "an unknown profile": (SETTINGS.replace("grancius", "granite"), "profile", "is unknown; there are"),
    "an unknown fee schedule": (SETTINGS.replace("generic", "nowhere"), "schedule", "no fee schedule"),
    "settings of training": (SETTINGS.replace("[hub]", "training = true\n[hub]"), "training", "training"),
}


@pytest.mark.parametrize("case", WITHOUT)
def test_broken_settings_are_reported_with_key_and_reason_and_the_journal_is_untouched(
    machine: Machine, home: Path, case: str
) -> None:
    settings, key, reason = WITHOUT[case]
    journal_with_a_past(home)
    before = marks(home)
    begin(machine, settings, real=True)
    page = page_of(machine)
    assert [fault.key for fault in page.trouble.faults] == [key]
    assert reason in told(machine)[key]
    assert page.trouble.faults[0].file == str(machine.file)
    assert UNTOUCHED in page.banner.text
    assert machine.window.has_till is False
    assert machine.close() == 1
    assert marks(home) == before, "not a byte, not a time, not a file beside it"


def test_a_missing_till_key_is_told_as_the_keyrings(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CASHIER_SECRET_TILL_KEY")
    begin(machine, SETTINGS)
    [fault] = page_of(machine).trouble.faults
    assert (fault.file, fault.key) == ("keyring", "till-key") and "missing" in fault.reason


def test_a_till_key_that_is_none_is_told_and_never_shown(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASHIER_SECRET_TILL_KEY", "CANARY-no-key")
    begin(machine, SETTINGS)
    assert "43 characters" in told(machine)["till-key"]
    assert "CANARY" not in repr(page_of(machine).trouble)


def test_every_fault_has_a_row_and_can_be_copied(machine: Machine) -> None:
    begin(machine, SETTINGS.replace("town", "Town!").replace('till = "A"', "till = 7"))
    page = page_of(machine)
    assert {"site", "till"} <= set(told(machine))
    page.copy.click()
    copied = QApplication.clipboard().text().splitlines()
    assert copied[1:] == [fault.text for fault in page.trouble.faults]
    assert all(str(machine.file) in line for line in copied[1:])


def test_nothing_of_a_till_can_be_used_meanwhile(machine: Machine) -> None:
    begin(machine, SETTINGS + "[")
    window = machine.window
    assert not any(
        button.isEnabled() for button in (*window.rail.buttons, window.rail.put_aside, window.rail.held)
    )
    for key in (Qt.Key.Key_F8, Qt.Key.Key_F9, Qt.Key.Key_F5):
        machine.key(key)
    assert isinstance(window.pages.currentWidget(), SafePage) and not machine.dialogs
    assert machine.opened == []


def test_try_again_opens_the_till_once_the_file_is_mended(machine: Machine) -> None:
    begin(machine, SETTINGS.replace("grancius", "granite"))
    machine.key(Qt.Key.Key_Return)
    assert "profile" in told(machine), "it is still broken, and said anew"
    machine.file.write_text(SETTINGS, encoding="utf-8")
    machine.key(Qt.Key.Key_Return)
    assert machine.opened == ["till"] and machine.window.has_till
    assert machine.close() == 0


def test_the_real_till_opens_once_its_file_is_mended(machine: Machine, home: Path) -> None:
    journal = journal_with_a_past(home)
    begin(machine, SETTINGS + "[", real=True)
    machine.file.write_text(SETTINGS, encoding="utf-8")
    page_of(machine).again.click()
    machine.until(lambda: machine.window.has_till)
    assert machine.window.status.till.text().startswith("Till A")
    assert journal.exists()
    assert machine.close() == 0
    assert machine.file.with_name(LAST_GOOD).exists(), "what has worked can be gone back to"


def test_going_back_to_what_last_worked_keeps_the_broken_file(machine: Machine) -> None:
    machine.file.with_name(LAST_GOOD).write_text(SETTINGS, encoding="utf-8")
    begin(machine, SETTINGS + "[")
    page = page_of(machine)
    assert page.back.isVisible() and page.back.window() is machine.window
    page.back.click()
    aside = machine.file.with_name("settings.broken.toml")
    assert str(aside) in page.note.text() and aside.read_text(encoding="utf-8") == SETTINGS + "["
    machine.key(Qt.Key.Key_Return)
    assert machine.opened == ["till"]


def test_there_is_no_way_back_where_nothing_has_worked(machine: Machine) -> None:
    begin(machine, SETTINGS + "[")
    assert page_of(machine).back.isHidden()


def test_a_way_back_that_is_broken_itself_is_refused(machine: Machine) -> None:
    machine.file.with_name(LAST_GOOD).write_text("broken [", encoding="utf-8")
    begin(machine, SETTINGS + "[")
    page_of(machine).back.click()
    assert "is not TOML" in page_of(machine).note.text()
    assert machine.file.read_text(encoding="utf-8") == SETTINGS + "["


def test_train_instead_opens_a_training_session_in_the_same_process(machine: Machine) -> None:
    begin(machine, SETTINGS + "[")
    page_of(machine).train.click()
    machine.turn()
    assert machine.opened == ["training", "till"]
    assert machine.window.is_training and "TRAINING" in machine.window.windowTitle()
    machine.window.status.leave_training.click()
    machine.turn()
    assert isinstance(machine.window.pages.currentWidget(), SafePage), "and back to what was wrong"
    assert machine.window.is_training is False


def test_settings_that_are_gone_beside_a_journal_are_no_new_machine(machine: Machine, home: Path) -> None:
    journal = journal_with_a_past(home)
    before = marks(home)
    begin(machine)
    [fault] = page_of(machine).trouble.faults
    assert str(journal) in fault.reason and "cashier journal restore" in fault.reason
    assert machine.close() == 1
    assert marks(home) == before


def test_settings_that_are_gone_can_be_gone_back_to(machine: Machine) -> None:
    machine.file.with_name(LAST_GOOD).write_text(SETTINGS, encoding="utf-8")
    begin(machine)
    page_of(machine).back.click()
    machine.key(Qt.Key.Key_Return)
    assert machine.opened == ["till"]


def failing(error: Exception) -> Callable[[], Any]:
    """An opener that opens and fails after that."""

    @asynccontextmanager
    async def open_it() -> Any:
        raise error
        yield

    return open_it


def test_what_is_found_only_by_opening_is_told_on_the_same_page(machine: Machine) -> None:
    machine.start(
        Starting(machine.file, os.environ), open_till=failing(Refused("Another till holds this journal."))
    )
    page = page_of(machine)
    assert [fault.text for fault in page.trouble.faults] == ["Another till holds this journal."]
    assert UNTOUCHED not in page.banner.text, "the journal may have been opened"
    assert machine.close() == 1


def test_everything_of_the_page_has_a_name(machine: Machine) -> None:
    machine.file.with_name(LAST_GOOD).write_text(SETTINGS, encoding="utf-8")
    begin(machine, SETTINGS + "[")
    assert nameless_in(machine.window) == []


def test_a_fee_schedule_of_the_offices_own_is_known(machine: Machine) -> None:
    own = machine.file.parent / "schedules"
    own.mkdir()
    shipped = paths.resources() / "schedules" / "generic.toml"
    text = shipped.read_text(encoding="utf-8").replace('name = "generic"', 'name = "ours"', 1)
    (own / "ours.toml").write_text(text, encoding="utf-8")
    begin(machine, SETTINGS.replace("generic", "ours"))
    assert machine.opened == ["till"]
