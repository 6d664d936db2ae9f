"""Swipes outside the payment page leave nothing, and hands type as ever (behaviours A2, P18)."""

import gc
import logging
import traceback

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
)
from pytestqt.qtbot import QtBot

from cashier.ui.bursts import GAP_MS, SILENCE_MS
from cashier.ui.pace import RealPace
from tests.ui.guarded import CODE, HAND_MS, PLACES, WAIT_MS, Form, focus, holds_card
from tests.ui.keyboards import BARE_SWIPES, PAN, SWIPE, TRACK_1, TRACK_2

Key = Qt.Key


# -- a swipe leaves nothing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("every_ms", [0, 2, 8, 16, GAP_MS - 1])
@pytest.mark.parametrize("place", PLACES)
def test_a_swipe_leaves_nothing_and_presses_nothing(form: Form, place: str, every_ms: int) -> None:
    focus(form, place)
    before = form.state()
    told_at: list[int] = []
    form.guard.swiped.connect(lambda: told_at.append(form.ticks.now))
    form.keyboard.type(SWIPE, every_ms)
    last = form.ticks.now
    assert form.state() == before and not told_at
    form.keyboard.quiet()
    assert form.state() == before
    assert told_at == [last + SILENCE_MS]  # a message that came earlier would get the reader's Enter
    assert form.lost == 0


@pytest.mark.parametrize("swipe", BARE_SWIPES)
@pytest.mark.parametrize("place", PLACES)
def test_so_does_a_swipe_without_sentinels(form: Form, place: str, swipe: str) -> None:
    focus(form, place)
    before = form.state()
    form.keyboard.type(swipe, 8)
    form.keyboard.quiet()
    assert form.state() == before
    assert (form.swiped, form.lost) == (1, 0)


@pytest.mark.parametrize("swipe", [SWIPE, TRACK_2, "+0111?\r", *BARE_SWIPES])
def test_what_stood_in_a_field_stays_and_undo_brings_nothing(form: Form, swipe: str) -> None:
    form.line.setText("Robin Example")
    form.line.setModified(True)
    form.line.setCursorPosition(5)
    form.long.setPlainText("seen at 10:15")
    for place in ("line", "long"):
        widget = focus(form, place)
        form.keyboard.type(swipe, 2)
        form.keyboard.quiet()
        for field in (widget, form.search):
            for modifier in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier):
                for _ in range(5):
                    QTest.keyClick(field, Key.Key_Z, Qt.KeyboardModifier.ControlModifier | modifier)
                    assert form.state()[0] == "" and not holds_card(repr(form.state()))
        form.line.setCursorPosition(5)
    assert form.line.text() == "Robin Example"
    assert form.line.isModified() and not form.line.isUndoAvailable()
    assert form.long.toPlainText() == "seen at 10:15"
    assert form.search.text() == "" and not form.search.isUndoAvailable()


def test_the_cursor_is_where_it_was(form: Form) -> None:
    form.line.setText("Robin Example")
    focus(form, "line")
    form.line.setCursorPosition(5)
    form.keyboard.type(BARE_SWIPES[0], 8)
    assert (form.line.text(), form.line.cursorPosition()) == ("Robin Example", 5)


def test_a_password_is_not_kept_but_wiped(form: Form) -> None:
    focus(form, "password")
    form.keyboard.type("271828", HAND_MS)
    form.keyboard.type(f"{PAN}\r", 8)
    assert form.password.text() == ""
    form.keyboard.quiet()
    assert form.swiped == 1


def test_a_pause_between_the_tracks_is_no_end(form: Form) -> None:
    focus(form, "button")
    form.keyboard.type(f"{TRACK_1}\r", 8)
    form.ticks.go(SILENCE_MS - 20)
    form.keyboard.type(f"{TRACK_2}\r", 8)
    form.keyboard.quiet()
    assert form.pressed == [] and form.swiped == 1


def test_the_clerk_is_told_also_when_the_next_key_is_faster_than_the_timer(form: Form) -> None:
    focus(form, "line")
    form.keyboard.type(SWIPE, 8)
    form.ticks.now += SILENCE_MS
    QTest.keyClicks(form.line, "%")
    assert form.swiped == 1
    form.keyboard.quiet()
    assert form.swiped == 1 and form.line.text() == "%"


def test_shift_down_and_up_between_the_letters_hides_nothing(form: Form) -> None:
    focus(form, "line")
    for letter in TRACK_1:
        form.ticks.go(16)
        QTest.keyPress(form.line, Key.Key_Shift)
        form.ticks.go(16)
        QTest.keyClicks(form.line, letter)
        form.ticks.go(16)
        QTest.keyRelease(form.line, Key.Key_Shift)
    form.keyboard.quiet()
    assert form.line.text() == "" and form.swiped == 1


def test_keys_that_the_system_takes_for_repeated_ones_are_swallowed_too(form: Form) -> None:
    """X11 takes a release and a press in the same millisecond for a key held down."""
    focus(form, "line")
    form.keyboard.type("4", 8)
    for letter in PAN[1:]:
        form.ticks.go(8)
        key = Qt.Key(ord(letter))
        event = QKeyEvent(QEvent.Type.KeyPress, key, Qt.KeyboardModifier.NoModifier, letter, letter == "1")
        QApplication.sendEvent(form.keyboard.target(), event)
    form.keyboard.quiet()
    assert form.line.text() == "" and form.search.text() == "" and form.swiped == 1


def test_keys_that_waited_are_told_by_when_they_were_pressed(form: Form, qtbot: QtBot) -> None:
    """The window was busy: by our clock seconds lie between keys of one swipe; the system knows better."""
    focus(form, "line")
    handle = form.window.windowHandle()
    for key in (Key.Key_Percent, Key.Key_B, *[Key.Key_1] * 16, Key.Key_Return):
        form.ticks.go(700)
        QTest.keyClick(handle, key)  # the system's own time, 2 ms a key
    qtbot.waitUntil(lambda: form.line.text() == "", timeout=WAIT_MS)
    assert form.search.text() == "" and form.swiped >= 1


# -- hands type as ever --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "every_ms"),
    [
        ("50% off; x+y", 60),
        ("%%;", 60),
        ("%%%+++;;;", GAP_MS),
        ("1234.56", 45),
        (PAN, GAP_MS),
        ("?a=b^c", 60),
        (" a b ", 40),
    ],
)
@pytest.mark.parametrize("place", ["search", "line", "password", "long", "editable"])
def test_slow_typing_is_unchanged(form: Form, place: str, text: str, every_ms: int) -> None:
    widget = focus(form, place)
    if isinstance(widget, QComboBox):
        widget.setEditText("")
    form.keyboard.type(text, every_ms)
    form.keyboard.quiet()
    typed = {
        "long": form.long.toPlainText(),
        "editable": form.editable.currentText(),
    }.get(place) or getattr(widget, "text", str)()
    assert typed == text
    assert (form.swiped, form.lost) == (0, 0)


def test_two_or_three_keys_at_once_are_a_hands(form: Form) -> None:
    focus(form, "line")
    for text in ("th", "ing", "12", "5."):
        form.ticks.go(200)
        form.keyboard.type(text, 5)
    assert form.line.text() == "thing125."
    form.ticks.go(100)
    form.keyboard.type("\r", 100)
    assert (form.swiped, form.lost) == (0, 0)


def test_a_sentinel_shows_after_its_hold_and_before_the_next_key(form: Form) -> None:
    focus(form, "line")
    form.keyboard.type("%", HAND_MS)
    assert form.line.text() == ""
    form.ticks.go(GAP_MS)
    assert form.line.text() == "%"
    # The timer may be late, but no key overtakes the held one.
    QTest.keyClicks(form.line, ";")
    form.ticks.now += GAP_MS
    QTest.keyClicks(form.line, "x")
    assert form.line.text() == "%;x"


def test_a_letter_still_chooses_and_keys_press_buttons(form: Form) -> None:
    focus(form, "choice")
    form.keyboard.type("b", HAND_MS)
    form.keyboard.quiet()
    assert form.choice.currentText() == "Bravo"
    focus(form, "button")
    QTest.keyClick(form.button, Key.Key_Space)
    assert len(form.pressed) == 1


def test_a_key_held_down_repeats_as_ever(form: Form) -> None:
    focus(form, "line")
    form.keyboard.type("1", HAND_MS)
    form.ticks.go(500)
    for _ in range(20):
        form.ticks.go(30)
        event = QKeyEvent(QEvent.Type.KeyPress, Key.Key_1, Qt.KeyboardModifier.NoModifier, "1", True)
        QApplication.sendEvent(form.line, event)
    assert form.line.text() == "1" * 21


def test_a_held_key_goes_where_it_was_pressed_or_nowhere(form: Form) -> None:
    focus(form, "line")
    form.keyboard.type("%", HAND_MS)
    form.long.setFocus()
    form.keyboard.quiet()
    assert form.line.text() == "%" and form.long.toPlainText() == ""
    gone = QLineEdit(form.window)
    gone.show()
    gone.setFocus()
    form.keyboard.type("%", HAND_MS)
    gone.setParent(None)
    gone.deleteLater()
    form.qtbot.waitSignal(gone.destroyed, timeout=WAIT_MS).wait()
    form.keyboard.quiet()
    assert form.swiped == 0


def test_in_real_time(form: Form, qtbot: QtBot) -> None:
    """The machine's clock and Qt's timers: a slow machine only makes the slow typing slower."""
    form.guard.pace = RealPace()
    focus(form, "line")
    QTest.keyClicks(form.line, "50%;1", delay=GAP_MS + 10)
    qtbot.waitUntil(lambda: form.line.text() == "50%;1", timeout=WAIT_MS)
    QTest.keyClicks(form.line, "+", delay=GAP_MS + 10)
    qtbot.waitUntil(lambda: form.line.text() == "50%;1+", timeout=WAIT_MS)
    QTest.qWait(GAP_MS)
    with qtbot.waitSignal(form.guard.swiped, timeout=WAIT_MS):
        QTest.keyClicks(form.line, TRACK_2)
        QTest.keyClick(form.line, Key.Key_Return)
    assert form.line.text() == "50%;1+"


# -- the number is nowhere -----------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_a2_the_number_is_nowhere_afterwards(
    form: Form, place: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    clipboard = QGuiApplication.clipboard()
    clipboard.setText("before")
    focus(form, place)
    for swipe in (SWIPE, *BARE_SWIPES):
        form.keyboard.type(swipe, 8)
        form.keyboard.quiet()
    kept = [repr(vars(form.guard)), repr(form.guard), repr(vars(form.guard._burst)), clipboard.text()]
    kept += [repr(vars(one)) for one in form.guard._before]
    kept += [str(one) for one in form.state()]
    kept += [label.text() for label in form.window.findChildren(QLabel)]
    kept += [caplog.text, *capfd.readouterr()]
    assert clipboard.text() == "before"
    assert not [text for text in kept if holds_card(text)]
    assert form.guard._held is None
    events = [one for one in gc.get_objects() if isinstance(one, QKeyEvent)]
    assert not events


def test_a2_a_bug_on_the_way_tells_no_key(form: Form, qtbot: QtBot) -> None:
    def broken() -> QLineEdit:
        raise LookupError("the search field is gone")

    form.guard._search = broken
    focus(form, "line")
    with pytest.raises(LookupError, match="the search field is gone") as caught:
        form.keyboard.type(CODE, 8)
    told = "".join(traceback.format_exception(caught.value))
    assert CODE not in told and CODE[:2] not in told
    assert form.search.text() == ""
    assert CODE[:2] not in form.line.text()


def test_the_signals_carry_nothing(form: Form) -> None:
    meta = form.guard.metaObject()
    methods = [meta.method(at) for at in range(meta.methodCount())]
    own = {bytes(one.name().data()): one.parameterCount() for one in methods}
    assert own[b"swiped"] == own[b"scan_lost"] == 0
