"""Barcode scanners: what they send goes to the search field, and nowhere else (behaviour X3)."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QLineEdit,
)

from cashier.domain.errors import Refused
from cashier.ui.bursts import GAP_MS
from tests.ui.guarded import CODE, HAND_MS, PLACES, Form, focus
from tests.ui.keyboards import PAN, TRACK_1

Key = Qt.Key


@pytest.mark.parametrize("prefix", ["", "~"])
@pytest.mark.parametrize("end", ["\r", "\t", ""])
@pytest.mark.parametrize("every_ms", [2, 8, 30])
@pytest.mark.parametrize("place", [place for place in PLACES if place not in ("password", "spin")])
def test_x3_a_scan_goes_to_the_search_field_from_anywhere(
    form: Form, place: str, every_ms: int, end: str, prefix: str
) -> None:
    form.guard.scanner_prefix = prefix
    form.line.setText("Robin")
    form.search.setText("half typed")
    focus(form, place)
    wanted = [CODE, *form.state()[1:]]
    form.keyboard.type(prefix + CODE + end, every_ms)
    form.keyboard.quiet()
    assert form.state() == wanted
    assert QApplication.focusWidget() is form.search
    form.keyboard.type(prefix + "ROOF" + end, every_ms)  # the next one replaces it
    assert form.search.text() == "ROOF"
    assert (form.swiped, form.lost) == (0, 0)


@pytest.mark.parametrize("place", ["line", "password", "long", "spin"])
def test_x3_with_a_prefix_not_one_character_ever_stands_in_a_field(form: Form, place: str) -> None:
    form.guard.scanner_prefix = "~"
    widget = focus(form, place)
    seen: list[object] = []
    for field in (form.line, form.password, form.spin.findChild(QLineEdit)):
        assert field is not None
        field.textChanged.connect(seen.append)
    form.long.textChanged.connect(lambda: seen.append(widget))
    form.keyboard.type(f"~{CODE}\r", 8)
    assert seen == [] and form.search.text() == CODE
    form.keyboard.quiet()
    form.line.setFocus()
    form.keyboard.type("a~b", HAND_MS)
    assert form.line.text() == "a~b"


@pytest.mark.parametrize(
    ("code", "finds"),
    [
        ("12", True),
        ("12345", True),
        ("123456", False),
        ("B12345", True),
        ("B123456", False),
        ("2026-000123", True),
        ("J_200001", True),
        ("P1234567890", True),
        ("P12345678901", False),
        ("A+B1", False),
        ("https://x.example/?permit=1", False),
        ("~123456789012", True),
        ("~1234567890123", False),
        (f"~{PAN}", False),
        (f"~{PAN}123", False),
        (f"~{TRACK_1}", False),
        (f"~M{PAN}", False),
    ],
)
@pytest.mark.parametrize("place", ["line", "button", "search"])
def test_x3_what_a_scanner_can_send(form: Form, place: str, code: str, finds: bool) -> None:
    form.guard.scanner_prefix = "~"
    focus(form, place)
    form.keyboard.type(f"{code}\r", 8)
    form.keyboard.quiet()
    assert form.search.text() == (code.removeprefix("~") if finds else "")
    assert (form.swiped, form.lost) == (0 if finds else 1, 0)
    assert form.line.text() == "" and form.pressed == []


@pytest.mark.parametrize("code", ["A" * 41, "DAQ1\rDCS2\r", "DAQ1\r\rDCS2\r"])
def test_x3_a_scan_that_is_too_long_or_has_lines_is_lost_and_told(form: Form, code: str) -> None:
    focus(form, "line")
    form.keyboard.type(code, 8)
    form.keyboard.quiet()
    assert form.state()[:2] == ["", ""]
    assert (form.swiped, form.lost) == (0, 1)


@pytest.mark.parametrize("place", ["line", "password", "spin"])
def test_x3_without_a_prefix_a_scan_into_what_takes_no_such_text_is_lost(form: Form, place: str) -> None:
    form.line.setMaxLength(2)
    focus(form, place)
    before = form.state()
    form.keyboard.type(f"{CODE}\r", 8)
    form.keyboard.quiet()
    assert form.state() == before
    assert (form.swiped, form.lost) == (0, 1)
    form.guard.scanner_prefix = "~"
    focus(form, place)
    form.keyboard.type(f"~{CODE}\r", 8)
    assert form.state() == [CODE, *before[1:]]


def test_x3_a_prefix_that_was_let_go_too_early_is_no_part_of_the_code(form: Form) -> None:
    """The window was busy: the timer of the held key came before the next key, pressed long since."""
    form.guard.scanner_prefix = "~"
    focus(form, "line")
    handle = form.window.windowHandle()
    QTest.keyClick(handle, Key.Key_AsciiTilde)
    form.ticks.go(GAP_MS)
    assert form.line.text() == "~"
    for key in (Key.Key_A, Key.Key_Minus, Key.Key_7, Key.Key_Return):
        QTest.keyClick(handle, key)
    form.keyboard.quiet()
    assert form.line.text() == "" and form.search.text() == "a-7"


@pytest.mark.parametrize("prefix", ["5", "A", "b", "%", ";", "=", " ", "~~", "\t", "é", "\x02"])
def test_x3_a_prefix_that_hands_or_cards_use_is_refused(form: Form, prefix: str) -> None:
    with pytest.raises(Refused, match="prefix"):
        form.guard.scanner_prefix = prefix
    assert form.guard.scanner_prefix == ""
