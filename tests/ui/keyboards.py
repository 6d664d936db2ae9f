"""Hands, card readers and scanners that type, at intervals that no test waits for."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

PAN = "4111111111111111"
TRACK_1 = f"%B{PAN}^EXAMPLE/ROBIN^30121010000000000?"
TRACK_2 = f";{PAN}=30121010000000000?"
#: A reader that sends both tracks, each with its Enter.
SWIPE = f"{TRACK_1}\r{TRACK_2}\r"
#: What is sent by readers set up without sentinels.
BARE_SWIPES = (f"{PAN}\r", f"{PAN}=30121010000000000\r", f"B{PAN}^EXAMPLE/ROBIN^3012101\r", PAN)


class Ticks:
    """A clock that goes when a test says so, and what is to be done later."""

    def __init__(self) -> None:
        self.now = 1_000
        self._due: list[tuple[int, Callable[[], None]]] = []

    def now_ms(self) -> int:
        return self.now

    def later(self, ms: int, context: QObject, act: Callable[[], None]) -> None:
        self._due.append((self.now + ms, act))

    def go(self, ms: int) -> None:
        """Time goes by; what is due is done at its time."""
        end = self.now + ms
        while due := [one for one in self._due if one[0] <= end]:
            first = min(due, key=lambda one: one[0])
            self._due.remove(first)
            self.now = max(self.now, first[0])
            first[1]()
        self.now = end


class Keyboard:
    """Types where the keys go: an open popup first, then the focus."""

    def __init__(self, ticks: Ticks) -> None:
        self.ticks = ticks

    def target(self) -> QWidget:
        popup = QApplication.activePopupWidget()
        found = (popup.focusWidget() or popup) if popup else QApplication.focusWidget()
        found = found or QApplication.activeWindow()
        assert found is not None
        return found

    def type(self, text: str, every_ms: int, *, between: Callable[[int], object] | None = None) -> None:
        """Press and release one key after another; `between` is told how many keys were pressed."""
        for count, letter in enumerate(text, 1):
            self.ticks.go(every_ms)
            if letter == "\r":
                QTest.keyClick(self.target(), Qt.Key.Key_Return)
            elif letter == "\t":
                QTest.keyClick(self.target(), Qt.Key.Key_Tab)
            else:
                QTest.keyClicks(self.target(), letter)
            if between is not None:
                between(count)

    def quiet(self) -> None:
        """Longer than any pause of a machine."""
        self.ticks.go(1_000)
