"""What the window has in training: the bar, the menu of cases, the steps; a live window has none of it."""

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog

from cashier.till.rehearsal_cases import LESSONS, Case, lesson
from cashier.till.snapshot import LineState
from cashier.ui.training_dialogs import GuideDialog, RehearseDialog
from tests.fakes.people import CLERK, CLERK_PIN, at_once
from tests.fakes.stand_in import FakeStandIn
from tests.ui.desk import Desk
from tests.ui.test_accessibility import nameless, nameless_in

Key = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def training(desk: Desk) -> Desk:
    """A desk with something to rehearse with; not started yet."""
    desk.stand_in = FakeStandIn()
    return desk


def dialog_of(desk: Desk, key: Qt.Key) -> QDialog:
    """The dialog of a key with Ctrl; it is before the clerk, as a window manager sees to it."""
    QTest.keyClick(desk.window, key, CTRL)
    [dialog] = desk.dialogs
    dialog.activateWindow()
    desk.qtbot.waitUntil(dialog.isActiveWindow)
    return dialog


def leave(desk: Desk) -> None:
    """Esc; the window is before the clerk again."""
    desk.key(Key.Key_Escape)
    assert desk.dialogs == []
    desk.window.activateWindow()
    desk.qtbot.waitUntil(desk.window.isActiveWindow)


def menu_of(desk: Desk) -> RehearseDialog:
    """The menu of cases, opened by its key."""
    dialog = dialog_of(desk, Key.Key_T)
    assert isinstance(dialog, RehearseDialog)
    return dialog


def guide_of(desk: Desk) -> GuideDialog:
    """The steps, opened by their key."""
    dialog = dialog_of(desk, Key.Key_G)
    assert isinstance(dialog, GuideDialog)
    return dialog


def arm(desk: Desk, case: Case) -> None:
    """By keyboard, from opening the menu to leaving it."""
    dialog = menu_of(desk)
    for _ in range([item.case for item in LESSONS].index(case)):
        desk.key(Key.Key_Down)
    assert dialog.chosen.case is case
    desk.key(Key.Key_Return)
    desk.settle()
    leave(desk)


def on_screen(desk: Desk, part: object) -> QRect:
    """Where a part of the window is in it."""
    return QRect(part.mapTo(desk.window, part.rect().topLeft()), part.size())  # type: ignore[attr-defined]


# -- a live till ---------------------------------------------------------------------------------------------


def test_a_till_that_takes_money_cannot_rehearse(desk: Desk) -> None:
    desk.config = desk.config_with(training=False)
    desk.start()
    for key in (Key.Key_T, Key.Key_G):
        desk.key(key, CTRL)
    assert (desk.dialogs, desk.boxes) == ([], [])
    bar = desk.window.training.bar
    assert not bar.isVisible() and not bar.sign.isVisible()
    assert bar.said.guide == bar.said.case == ""


# -- the bar -------------------------------------------------------------------------------------------------


def test_the_bar_says_the_next_step_and_goes_on_when_the_journal_has_it(training: Desk) -> None:
    training.start()
    bar = training.window.training.bar
    assert bar.isVisible()
    assert bar.guide.text().startswith("First day, 0 of 9 done. Step 1: Sign in. Ctrl+L")
    training.till.people.lock()
    at_once(training.till.people.sign_in(CLERK, CLERK_PIN))
    assert bar.guide.text().startswith("First day, 1 of 9 done. Step 2: Take a card payment. F4")
    assert bar.accessibleName() == bar.guide.text()


def test_the_bar_covers_nothing_and_takes_the_focus_from_nothing(training: Desk) -> None:
    training.start((1080, 700))
    training.fill("planning-application")
    search = training.window.sale.fees.search
    search.setFocus()
    training.type("roof")
    bar = training.window.training.bar
    training.lay_out()
    assert not on_screen(training, bar).intersects(on_screen(training, training.window.pages))
    training.click(bar.rehearse, bar.rehearse.rect().center())
    training.dialogs[0].reject()
    training.window.activateWindow()
    training.click(bar.hide_guide, bar.hide_guide.rect().center())
    assert not bar.isVisible()
    assert (training.focus, search.text()) == (search, "roof")


def test_the_steps_are_hidden_and_brought_back_by_keyboard(training: Desk) -> None:
    training.start()
    bar = training.window.training.bar
    dialog = guide_of(training)
    assert dialog.toggle.text() == "Hide from the window"
    training.key(Key.Key_Tab)
    assert dialog.toggle.hasFocus()
    training.key(Key.Key_Return)
    assert not bar.isVisible()
    assert dialog.toggle.accessibleName() == "Show in the window"
    assert (bar.sign.isVisible(), bar.sign.text()) == (True, "First day")
    training.key(Key.Key_Return)
    assert bar.isVisible()
    leave(training)


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0])
def test_x2_the_bar_takes_no_more_than_the_pages_can_spare(training: Desk, scale: float) -> None:
    size = (1080, 700)
    training.start(size, text_scale=scale)
    training.fill("planning-application", "right-of-way")
    arm(training, Case.CLOSED)
    training.lay_out()
    window = training.window
    bar = window.training.bar
    assert (window.width(), window.height()) == size
    upper = window._upper.minimumSize().height()
    needed = min(upper, window.height() - window.training.bar.sign.parentWidget().height())
    assert window.pages.height() >= needed, "a page was squeezed"
    # What is armed is to be seen either way.
    assert bar.isVisible() is not bar.sign.isVisible()
    assert bar.sign.isVisible() is (scale == 2.0)
    if bar.isVisible():
        assert bar.height() >= bar.heightForWidth(bar.width()), "a text was cut off"
        assert "rmed" in bar.case.text()
        assert (bar.case.text() == "◷ armed") is (scale == 1.5)
    else:
        assert (bar.sign.text(), bar.sign.width()) == ("◷ armed", bar.sign.sizeHint().width())
        assert lesson(Case.CLOSED).title in bar.sign.accessibleName()


def test_another_size_of_the_window_is_another_bar(training: Desk) -> None:
    training.start((1080, 700), text_scale=2.0)
    bar = training.window.training.bar
    assert not bar.isVisible() and bar.sign.isVisible()
    training.window.resize(1360, 1200)
    training.lay_out()
    assert bar.isVisible() and not bar.sign.isVisible()


def test_the_key_in_the_status_line_leads_to_what_it_says(training: Desk) -> None:
    training.start((1080, 700), text_scale=2.0)
    sign = training.window.training.bar.sign
    assert sign.text() == "Step 1: Sign in"
    sign.click()
    [dialog] = training.dialogs
    assert isinstance(dialog, GuideDialog)
    dialog.activateWindow()
    training.qtbot.waitUntil(dialog.isActiveWindow)
    leave(training)
    arm(training, Case.LATE)
    sign.click()
    [dialog] = training.dialogs
    assert isinstance(dialog, RehearseDialog)


# -- rehearsing ----------------------------------------------------------------------------------------------


def test_a_case_from_the_menu_to_the_verdict_without_a_mouse(training: Desk) -> None:
    training.start()
    bar = training.window.training.bar
    arm(training, Case.VERY_LATE)
    assert training.stand_in is not None and training.stand_in.asked == [Case.VERY_LATE]
    assert bar.case.text() == "◷  Armed for the next card payment: The word comes 20 seconds late."
    assert bar.case.palette().windowText().color() == training.theme.color("waiting")
    training.open_page()
    assert bar.case.text().startswith("◷  Rehearsing: The word comes 20 seconds late. Wait")
    training.window.payment.stop_waiting()
    training.approve()
    assert bar.case.text().startswith(
        "✓  Right: The word comes 20 seconds late. You kept the payment in doubt"
    )
    assert "See a payment in doubt resolved" not in bar.guide.text()
    assert bar.case.palette().windowText().color() == training.theme.color("accent")
    bar.seen.setFocus()
    training.key(Key.Key_Space)
    assert bar.case.text() == ""


def test_the_menu_tells_each_case_and_how_it_went(training: Desk) -> None:
    training.start()
    dialog = menu_of(training)
    for place, item in enumerate(LESSONS):
        dialog.cases.setCurrentRow(place)
        assert dialog.cases.item(place).text().strip() == item.title
        for text in (item.do, item.sees, item.right):
            assert text in dialog.details.text()
    leave(training)
    arm(training, Case.TWICE)
    training.open_page()
    training.approve()
    dialog = menu_of(training)
    dialog.cases.setCurrentRow(3)
    assert dialog.cases.item(3).text() == "✓  The word comes twice"
    assert "Last time: Told twice, counted once" in dialog.details.text()


def test_what_is_armed_can_be_disarmed(training: Desk) -> None:
    training.start()
    dialog = menu_of(training)
    assert not dialog.disarm.isVisible()
    training.key(Key.Key_Return)
    training.settle()
    assert dialog.told.text().startswith("Armed: The card is declined.")
    dialog.disarm.click()
    training.settle()
    assert training.stand_in is not None and training.stand_in.asked == [Case.DECLINE, None]
    assert (dialog.told.text(), dialog.disarm.isVisible()) == ("", False)
    assert dialog.cases.hasFocus()


def test_what_cannot_be_armed_is_told_in_the_menu(training: Desk) -> None:
    training.start()
    dialog = menu_of(training)
    assert training.stand_in is not None
    training.stand_in.is_gone = True
    training.key(Key.Key_Return)
    training.settle()
    assert "does not answer" in dialog.told.text()
    assert training.window.training.bar.case.text() == ""


def test_the_line_is_dropped_and_brought_back(training: Desk) -> None:
    training.start()
    bar = training.window.training.bar
    dialog = menu_of(training)
    dialog.cases.setCurrentRow(len(LESSONS) - 1)
    assert dialog.act.text() == "Drop the line"
    training.key(Key.Key_Return)
    training.settle()
    assert dialog.act.text() == "Bring the line back"
    assert training.stand_in is not None and training.stand_in.line_is_down
    assert "the line to Invoice Cloud is down" in bar.case.text()
    training.key(Key.Key_Return)
    training.settle()
    assert not training.stand_in.line_is_down
    assert bar.case.text().startswith("●  Rehearsed: The line to Invoice Cloud drops. The line is back.")
    assert training.snapshot.line is LineState.ONLINE


def test_one_menu_at_a_time_and_each_gone_when_it_is_left(training: Desk) -> None:
    training.start()
    for show in (training.window.training.show_menu, training.window.training.show_guide):
        show()
        show()
        assert len(training.dialogs) == 1
        training.dialogs[0].reject()
        training.app.sendPostedEvents(None, 52)  # DeferredDelete
        assert training.window.findChildren(RehearseDialog) == []
        assert training.window.findChildren(GuideDialog) == []
        training.window.activateWindow()


def test_x2_everything_of_training_has_a_name(training: Desk) -> None:
    training.start()
    arm(training, Case.LATE)
    assert nameless(training) == []
    assert nameless_in(menu_of(training)) == []
    leave(training)
    assert nameless_in(guide_of(training)) == []


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_x2_the_dialogs_fit_the_window_and_their_keys_are_whole(training: Desk, scale: float) -> None:
    training.start((1080, 700), text_scale=scale)
    arm(training, Case.CLOSED)
    for open_one in (menu_of, guide_of):
        dialog = open_one(training)
        training.lay_out()
        assert dialog.width() <= training.window.width() and dialog.height() <= training.window.height()
        for button in dialog.findChildren(type(dialog.leave)):
            if button.isVisible():
                assert button.width() >= button.sizeHint().width()
                assert button.height() >= button.sizeHint().height()
        leave(training)


def test_its_keys_are_shortcuts_that_do_not_repeat(training: Desk) -> None:
    training.start()
    keys = {one.key().toString(): one.autoRepeat() for one in training.window.findChildren(QShortcut)}
    assert (keys["Ctrl+T"], keys["Ctrl+G"]) == (False, False)
