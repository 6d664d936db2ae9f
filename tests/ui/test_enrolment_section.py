"""The section that enrols a till by a code: typed in groups, checked as typed, by keyboard alone."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from itertools import pairwise
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from cashier import paths
from cashier.domain.errors import CashierError, InDoubt, Refused, Unavailable
from cashier.domain.invite_code import invite_code, shown
from cashier.ui import theme
from cashier.ui.enrolment_section import EnrolmentSection
from tests.ui.test_accessibility import nameless_in

HUB = "https://hub.example.org"
CODE = shown(invite_code(0x2B_7A31_90C4_55E1))
DONE = "This is till A of site sampletown now. Its key is in the keyring, and is used from the next start on."


class Hand:
    """A section in a window, and a hub that answers when it is told to."""

    def __init__(self, qtbot: QtBot, hub_url: str = "") -> None:
        self.asked: list[tuple[str, str]] = []
        self.end: str | CashierError = DONE
        self.works: list[Coroutine[Any, Any, None]] = []
        self.window = QWidget()
        self.section = EnrolmentSection(self.enrol, self.works.append, hub_url)
        self.section.setParent(self.window)
        self.window.resize(600, 480)
        self.section.resize(560, 420)
        qtbot.addWidget(self.window)
        self.done = 0
        self.section.enrolled.connect(self._count)
        self.window.show()
        self.window.activateWindow()

    def _count(self) -> None:
        self.done += 1

    async def enrol(self, hub_url: str, code: str) -> str:
        self.asked.append((hub_url, code))
        if isinstance(self.end, CashierError):
            raise self.end
        return self.end

    def answer(self) -> None:
        """What was started runs to its end."""
        while self.works:
            asyncio.run(self.works.pop(0))

    def type(self, text: str) -> None:
        self.section.code.setFocus()
        QTest.keyClicks(self.section.code, text)

    def enter(self) -> None:
        QTest.keyClick(self.window.focusWidget(), Qt.Key.Key_Return)


@pytest.fixture
def hand(qtbot: QtBot) -> Hand:
    return Hand(qtbot, HUB)


def test_a_code_is_put_into_groups_as_it_is_typed(hand: Hand) -> None:
    hand.type(CODE.replace("-", "").lower())
    assert hand.section.code.text() == CODE
    assert hand.section.code.cursorPosition() == len(CODE)
    assert hand.section.hint.text() == "✓  The code is whole."


def test_how_much_of_it_is_there_is_told(hand: Hand) -> None:
    assert hand.section.hint.text().startswith("0 of 12")
    hand.type("7kq4m")
    assert hand.section.code.text() == "7KQ4-M"
    assert hand.section.hint.text().startswith("5 of 12")


def test_a_slip_is_told_as_typed_and_nothing_is_asked(hand: Hand) -> None:
    wrong = CODE[:-1] + ("0" if CODE[-1] != "0" else "1")
    hand.type(wrong)
    assert (
        hand.section.hint.text()
        == "✕  A letter or digit is wrong. Compare the code with what was written down."
    )
    assert hand.section.hint.objectName() == "fault"
    hand.enter()
    assert hand.works == [] and "A letter or digit is wrong" in hand.section.banner.text
    QTest.keyClick(hand.section.code, Qt.Key.Key_Backspace)
    assert hand.section.hint.objectName() == "soft"
    hand.section.code.setText("")
    hand.type("7U")
    assert hand.section.hint.text().startswith("✕  U is in no code")


def test_a_sign_in_the_middle_is_mended_where_it_stands(hand: Hand) -> None:
    hand.type(CODE.replace("-", ""))
    hand.section.code.setCursorPosition(7)
    right = CODE[6]
    QTest.keyClick(hand.section.code, Qt.Key.Key_Backspace)
    assert hand.section.code.cursorPosition() == 6
    QTest.keyClicks(hand.section.code, right)
    assert (hand.section.code.text(), hand.section.code.cursorPosition()) == (CODE, 7)
    # A dash is no sign: what is taken away before it is the sign.
    hand.section.code.setCursorPosition(5)
    QTest.keyClick(hand.section.code, Qt.Key.Key_Backspace)
    QTest.keyClick(hand.section.code, Qt.Key.Key_Backspace)
    assert hand.section.code.text() == shown(CODE.replace("-", "")[:3] + CODE.replace("-", "")[4:])


def test_a_code_that_is_pasted_out_of_a_mail_is_read(hand: Hand) -> None:
    QApplication.clipboard().setText(f"  {CODE.lower().replace('-', ' – ')} \n")
    hand.section.code.setFocus()
    QTest.keyClick(hand.section.code, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert hand.section.code.text() == CODE
    QApplication.clipboard().clear()


def test_by_keyboard_alone(qtbot: QtBot) -> None:
    hand = Hand(qtbot)
    hand.section.address.setFocus()
    QTest.keyClicks(hand.section.address, HUB)
    hand.enter()
    assert hand.window.focusWidget() is hand.section.code
    QTest.keyClicks(hand.section.code, CODE)
    hand.enter()
    assert "ASKING THE HUB" in hand.section.banner.text
    hand.answer()
    assert hand.asked == [(HUB, CODE)] and hand.done == 1
    assert f"ENROLLED {DONE}" in hand.section.banner.text
    assert hand.section.code.text() == "", "it is used up"


def test_x4_enter_twice_asks_once(hand: Hand) -> None:
    hand.type(CODE)
    for _ in range(20):
        hand.enter()
    hand.section.go_on.click()
    assert len(hand.works) == 1
    hand.answer()
    assert len(hand.asked) == 1


@pytest.mark.parametrize(
    ("error", "word", "banner"),
    [
        (Refused("The code has expired."), "NOT ENROLLED", "banner-refused"),
        (Unavailable("The hub cannot be reached."), "NOT ENROLLED", "banner-refused"),
        (InDoubt("The hub did not answer. Try again here."), "NO ANSWER", "banner-waiting"),
    ],
)
def test_what_went_wrong_is_said_and_the_code_stays(
    hand: Hand, error: CashierError, word: str, banner: str
) -> None:
    hand.end = error
    hand.type(CODE)
    hand.enter()
    hand.answer()
    assert word in hand.section.banner.text and error.user_text in hand.section.banner.text
    assert hand.section.banner.objectName() == banner
    assert hand.section.code.text() == CODE and hand.done == 0
    assert hand.window.focusWidget() is hand.section.code
    hand.end = DONE
    hand.enter()
    hand.answer()
    assert hand.done == 1


def test_what_is_missing_is_told_first(qtbot: QtBot) -> None:
    hand = Hand(qtbot)
    hand.section.go_on.click()
    assert "Type the address of the hub first" in hand.section.banner.text
    assert hand.window.focusWidget() is hand.section.address
    hand.section.address.setText(HUB)
    hand.section.go_on.click()
    assert "Type all of it" in hand.section.banner.text and hand.works == []


def test_what_came_of_it_is_gone_with_the_page_and_what_was_typed_stays(hand: Hand) -> None:
    hand.end = Refused("The code has expired.")
    hand.type(CODE)
    hand.enter()
    hand.answer()
    hand.window.hide()
    hand.window.show()
    assert not hand.section.banner.isVisible() and hand.section.code.text() == CODE


def test_x2_everything_has_a_name_and_is_reached_by_tab(hand: Hand) -> None:
    assert nameless_in(hand.section) == []
    hand.section.address.setFocus()
    met = []
    for _ in range(3):
        met.append(hand.window.focusWidget())
        QTest.keyClick(hand.window.focusWidget(), Qt.Key.Key_Tab)
    assert met == [hand.section.address, hand.section.code, hand.section.go_on]


@pytest.fixture
def large(qapp: QApplication) -> Iterator[Callable[[float, bool], None]]:
    """Another size of text, as the system asks for it; put back after the test."""
    font, palette = qapp.font(), qapp.palette()

    def put_on(scale: float, dark: bool) -> None:
        theme.put_on(qapp, paths.resources(), dark=dark, text_scale=scale)

    yield put_on
    qapp.setStyleSheet("")
    qapp.setPalette(palette)
    qapp.setFont(font)


def test_x2_at_200_percent_text_nothing_lies_over_anything(
    qtbot: QtBot, large: Callable[[float, bool], None]
) -> None:
    large(2.0, False)
    hand = Hand(qtbot, HUB)
    hand.end = Refused("Somebody else has used this code already. Have a new one made there.")
    hand.type(CODE)
    hand.enter()
    hand.answer()
    section = hand.section
    width = section.maximumWidth()
    section.resize(width, section.heightForWidth(width))
    parts = (section.address, section.code, section.hint, section.banner, section.go_on)
    boxes = [part.rect().translated(part.mapTo(section, QPoint(0, 0))) for part in parts]
    for upper, lower in pairwise(boxes):
        assert upper.bottom() < lower.top()
    assert section.rect().contains(boxes[-1])
    assert isinstance(section.go_on, QPushButton)
