"""The people of the till, as an administrator sees and changes them."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from cashier.domain.people import Role
from cashier.ui.own_pin_dialog import OwnPinDialog
from cashier.ui.people_dialog import PeopleDialog
from tests.fakes.people import CLERK, CLERK_PIN, PIN, SUPERVISOR, at_once
from tests.ui.desk import Desk
from tests.ui.test_accessibility import nameless_in

Key, Mod = Qt.Key, Qt.KeyboardModifier


@pytest.fixture
def dialog(desk: Desk) -> PeopleDialog:
    desk.start()
    desk.till.people.sign_out()
    at_once(desk.till.people.sign_in(SUPERVISOR, PIN))
    desk.key(Key.Key_U, Mod.ControlModifier)
    [found] = desk.dialogs
    assert isinstance(found, PeopleDialog)
    return found


def rows(dialog: PeopleDialog) -> list[str]:
    return [dialog.people.item(place).text() for place in range(dialog.people.count())]


def pins(dialog: PeopleDialog, pin: str, again: str = "") -> None:
    dialog.pin.setText(pin)
    dialog.again.setText(again or pin)


@pytest.fixture
def own(desk: Desk) -> OwnPinDialog:
    desk.start()
    desk.key(Key.Key_U, Mod.ControlModifier)
    [found] = desk.dialogs
    assert isinstance(found, OwnPinDialog), "a clerk manages nobody"
    return found


def type_pins(desk: Desk, *pins: str) -> None:
    for pin in pins:
        desk.type(pin)
        desk.key(Key.Key_Return)
    desk.settle()


def test_a_clerk_changes_their_own_pin_by_keyboard_alone(desk: Desk, own: OwnPinDialog) -> None:
    assert own.form.old.hasFocus()
    assert not nameless_in(own)
    type_pins(desk, "9999", "5772", "5772")
    assert own.form.fault.text() == "This is not your PIN."
    type_pins(desk, CLERK_PIN, "5772", "5773")
    assert "not the same" in own.form.fault.text()
    assert not own.form.old.text() + own.form.pin.text() + own.form.again.text()
    type_pins(desk, CLERK_PIN, "1111", "1111")
    assert own.isVisible(), "the core refuses it"
    type_pins(desk, CLERK_PIN, "5772", "5772")
    assert not desk.dialogs
    desk.till.people.sign_out()
    assert at_once(desk.till.people.sign_in(CLERK, "5772")).name == CLERK


def test_nobody_changes_no_pin(desk: Desk) -> None:
    desk.start()
    desk.till.people.sign_out()
    desk.settle()
    desk.key(Key.Key_U, Mod.ControlModifier)
    assert not desk.dialogs


def test_a_name_and_a_role_are_changed(desk: Desk, dialog: PeopleDialog) -> None:
    dialog.people.setCurrentRow(1)
    assert dialog.change.accessibleName() == f"Change the name and role of {CLERK}"
    dialog.name.setText("Kim Married")
    dialog.change.click()
    assert dialog.told.text() == "Kim Married is clerk now."
    assert rows(dialog)[1] == "Kim Married · clerk"
    dialog.role.setCurrentIndex(1)
    dialog.change.click()
    assert dialog.told.text() == "Kim Married is supervisor now. A new PIN is due."
    assert rows(dialog)[1] == "Kim Married · supervisor · has no PIN"
    dialog.people.setCurrentRow(0)
    dialog.role.setCurrentIndex(0)
    dialog.change.click()
    assert "last administrator" in dialog.told.text()


def test_somebody_is_added_and_signs_in(desk: Desk, dialog: PeopleDialog) -> None:
    assert rows(dialog) == [f"{SUPERVISOR} · administrator", "Kim Clerk · clerk"]
    dialog.name.setText("Lee Second")
    dialog.role.setCurrentIndex(1)
    pins(dialog, "577215")
    dialog.add.click()
    desk.settle()
    assert dialog.told.text() == "Lee Second is added."
    assert (dialog.name.text(), dialog.pin.text(), dialog.again.text()) == ("", "", "")
    assert rows(dialog)[2] == "Lee Second · supervisor"
    assert desk.till.people.view().everybody[2].role is Role.SUPERVISOR


def test_a_pin_is_set_and_a_person_is_let_in_no_more(desk: Desk, dialog: PeopleDialog) -> None:
    dialog.people.setCurrentRow(1)
    assert dialog.set_pin.accessibleName() == f"Set the PIN of {CLERK}"
    pins(dialog, "5772")
    dialog.set_pin.click()
    desk.settle()
    assert dialog.told.text() == "Kim Clerk has a new PIN."
    dialog.switch.click()
    assert rows(dialog)[1] == "Kim Clerk · clerk · may not sign in"
    assert dialog.switch.accessibleName() == "Activate Kim Clerk"
    dialog.switch.click()
    assert rows(dialog)[1] == "Kim Clerk · clerk"


def test_what_is_refused_is_said_there(desk: Desk, dialog: PeopleDialog) -> None:
    dialog.switch.click()
    assert "last administrator" in dialog.told.text()
    pins(dialog, "5772", "5773")
    dialog.set_pin.click()
    assert dialog.told.text() == "Enter the new PIN twice, the same both times."
    dialog.name.setText(CLERK)
    pins(dialog, "5772")
    dialog.add.click()
    desk.settle()
    assert "somebody called Kim Clerk" in dialog.told.text()
    assert dialog.told.objectName() == "fault" and dialog.pin.text() == ""
    assert len(rows(dialog)) == 2


def test_it_is_left_by_esc_and_with_the_lock(desk: Desk, dialog: PeopleDialog) -> None:
    assert nameless_in(dialog) == []
    desk.window.presence.lock()
    desk.settle()
    assert not desk.dialogs
    for widget in desk.window.findChildren(QWidget):
        assert CLERK_PIN not in widget.accessibleName()
