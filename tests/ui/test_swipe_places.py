"""Swipes while the focus moves, in dialogs, menus and lists, and beside the payment page."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QLineEdit,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from cashier.ui.swipe_guard import SwipeGuard
from tests.ui.guarded import HAND_MS, WAIT_MS, Form, focus
from tests.ui.keyboards import BARE_SWIPES, SWIPE, TRACK_1, TRACK_2, Keyboard, Ticks

Key = Qt.Key


# -- the focus moves, dialogs and popups ---------------------------------------------------------------------


@pytest.mark.parametrize("swipe", [SWIPE, *BARE_SWIPES])
@pytest.mark.parametrize("at", [1, 2, 3, 4, 5, 6, 12])
def test_a_focus_change_in_mid_swipe(form: Form, swipe: str, at: int) -> None:
    focus(form, "line")
    before = form.state()

    def move(count: int) -> None:
        if count == at:
            form.long.setFocus()
        elif count == at + 1:
            form.button.setFocus()

    form.keyboard.type(swipe, 8, between=move)
    form.keyboard.quiet()
    assert form.state() == before
    assert (form.swiped, form.lost) == (1, 0)


def default_dialog(parent: QWidget) -> tuple[QDialog, QLineEdit, QPushButton]:
    dialog = QDialog(parent)
    dialog.setWindowModality(Qt.WindowModality.WindowModal)
    field, go_on = QLineEdit(), QPushButton("Approve")
    go_on.setDefault(True)
    go_on.clicked.connect(dialog.accept)
    box = QVBoxLayout(dialog)
    box.addWidget(field)
    box.addWidget(go_on)
    return dialog, field, go_on


@pytest.mark.parametrize("opens_at", [0, 1, 3, 10])
@pytest.mark.parametrize("on", ["field", "button"])
@pytest.mark.parametrize("swipe", [SWIPE, BARE_SWIPES[0]])
def test_a_dialog_is_guarded_also_when_it_opens_in_mid_swipe(
    form: Form, swipe: str, on: str, opens_at: int
) -> None:
    focus(form, "line")
    dialog, field, go_on = default_dialog(form.window)
    results: list[int] = []
    dialog.finished.connect(results.append)

    def open_at(count: int) -> None:
        if count == opens_at:
            with form.qtbot.waitActive(dialog, timeout=WAIT_MS):
                dialog.open()
                dialog.activateWindow()
            (field if on == "field" else go_on).setFocus()

    open_at(0)
    form.keyboard.type(swipe, 8, between=open_at)
    form.keyboard.quiet()
    assert results == [] and dialog.isVisible()
    assert (field.text(), form.line.text(), form.search.text()) == ("", "", "")
    assert (form.swiped, form.lost) == (1, 0)
    dialog.close()


@pytest.mark.parametrize("swipe", [SWIPE, *BARE_SWIPES])
def test_a_swipe_while_a_menu_is_open(form: Form, swipe: str) -> None:
    menu = QMenu(form.window)
    chosen: list[str] = []
    for name in ("&Bravo", "4 fees", "&1 fee", "%", "Delete"):
        menu.addAction(name, lambda name=name: chosen.append(name))
    focus(form, "line")
    menu.popup(form.window.mapToGlobal(QPoint(5, 5)))
    assert QApplication.activePopupWidget() is menu
    form.keyboard.type(swipe, 8)
    form.keyboard.quiet()
    assert chosen == [] and menu.isVisible()
    assert form.line.text() == "" and form.swiped == 1
    form.keyboard.type("d", HAND_MS)
    QTest.keyClick(menu, Key.Key_Return)
    menu.hide()


def test_the_menus_keys_come_through_the_windows_too(form: Form) -> None:
    """The same with keys that Qt delivers itself, from window to popup, as it does those of the system."""
    menu = QMenu(form.window)
    chosen: list[str] = []
    for name in ("&Bravo", "&4 fees"):
        menu.addAction(name, lambda name=name: chosen.append(name))
    focus(form, "line")
    menu.popup(form.window.mapToGlobal(QPoint(5, 5)))
    handle = form.window.windowHandle()
    for key in (Key.Key_Percent, Key.Key_B, Key.Key_4, *[Key.Key_1] * 15, Key.Key_Return):
        QTest.keyClick(handle, key)
    form.keyboard.quiet()
    assert chosen == [] and menu.isVisible() and form.swiped == 1
    menu.hide()


@pytest.mark.parametrize("swipe", [SWIPE, *BARE_SWIPES])
def test_a_swipe_while_a_list_of_choices_is_down(form: Form, swipe: str) -> None:
    focus(form, "choice")
    form.choice.showPopup()
    assert QApplication.activePopupWidget() is not None
    form.keyboard.type(swipe, 8)
    form.keyboard.quiet()
    assert form.choice.currentText() == "none" and form.choice.view().isVisible()
    form.choice.hidePopup()
    assert form.swiped == 1


def test_with_no_focus_at_all_the_window_is_guarded(form: Form) -> None:
    focus(form, "line").clearFocus()
    assert QApplication.focusWidget() is None
    form.keyboard.type(SWIPE, 8)
    form.keyboard.quiet()
    assert form.swiped == 1


def test_another_window_of_the_program_is_left_alone(form: Form, qtbot: QtBot) -> None:
    other = QLineEdit()
    qtbot.addWidget(other)
    with qtbot.waitActive(other, timeout=WAIT_MS):
        other.show()
        other.activateWindow()
    other.setFocus()
    form.keyboard.type("+45", 8)
    assert other.text() == "+45"


# -- the payment page ----------------------------------------------------------------------------------------


def test_what_is_inside_the_payment_view_gets_its_keys_and_what_is_beside_does_not(form: Form) -> None:
    form.sealed = QWidget(form.window)
    inside = QLineEdit(form.sealed)
    form.sealed.show()
    inside.setFocus()
    form.keyboard.type(SWIPE, 8)
    assert inside.text() == TRACK_1 + TRACK_2
    form.keyboard.quiet()
    form.sealed.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    form.sealed.setFocus()  # the view without a page in it yet
    form.keyboard.type(SWIPE, 8)
    form.keyboard.quiet()
    assert form.swiped == 1 and form.state()[:3] == ["", "", ""]


@pytest.mark.parametrize("left", range(1, 12))
def test_when_the_page_goes_in_mid_swipe_its_rest_does_nothing(form: Form, left: int) -> None:
    """As when the page closes and the focus falls on the next button."""
    form.sealed = QWidget(form.window)
    inside = QLineEdit(form.sealed)
    form.sealed.show()
    inside.setFocus()
    swipe = f"{TRACK_2}\r"

    def leave(count: int) -> None:
        if count == len(swipe) - left:
            form.button.setFocus()

    form.keyboard.type(swipe, 8, between=leave)
    form.keyboard.quiet()
    assert form.pressed == []
    assert form.state()[:3] == ["", "", ""]
    assert form.swiped == (left > 1)  # of a lone Enter nothing needs to be told
    form.keyboard.type("\r", HAND_MS)
    assert len(form.pressed) == 1 or not form.button.autoDefault()


def test_tab_out_of_the_page_and_on_is_a_hands(form: Form) -> None:
    form.sealed = QWidget(form.window)
    inside = QLineEdit(form.sealed)
    form.sealed.show()
    inside.setFocus()
    form.line.setFocus()
    form.keyboard.type("\t", 100)
    assert QApplication.focusWidget() is form.password
    form.keyboard.type("271828", HAND_MS)
    assert form.password.text() == "271828" and form.swiped == 0


# -- a real page ---------------------------------------------------------------------------------------------


def test_a_real_page_gets_its_own_keys_and_a_field_beside_it_none(qtbot: QtBot) -> None:
    from tests.ui.hostile_site import GATEWAY_HOST, HostileSite
    from tests.ui.payment_harness import Watched, training

    with HostileSite(GATEWAY_HOST) as site:
        watched = Watched(qtbot, training(site))
        beside = QLineEdit(watched.window)
        watched.window.layout().addWidget(beside)
        ticks = Ticks()
        keyboard = Keyboard(ticks)
        guard = SwipeGuard(watched.window, sealed=lambda: watched.view, search=lambda: beside, pace=ticks)
        told: list[bool] = []
        guard.swiped.connect(lambda: told.append(True))
        watched.open(site.page("/pay", '<input id="card" autofocus>'))
        watched.wait(watched.keys.hasFocus)
        for _ in range(3):
            watched.script('(document.getElementById("card").value = "", 1)')
            watched.type(TRACK_2)
            watched.wait(lambda: watched.script('document.getElementById("card").value') == TRACK_2)
            keyboard.quiet()
            beside.setFocus()
            keyboard.quiet()
            keyboard.type(SWIPE, 2)
            keyboard.quiet()
            assert beside.text() == ""
            watched.view.setFocus()
            watched.wait(watched.keys.hasFocus)
        assert watched.script('document.getElementById("card").value') == TRACK_2
        assert len(told) == 3
        watched.view.close_page()
