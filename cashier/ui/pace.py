"""Time, as what tells a machine's keys from a hand's needs it: real, or a hand's that a program plays."""

import time
from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QObject, QTimer


class Pace(Protocol):
    """A clock, and something to be done later."""

    def now_ms(self) -> int:
        """Milliseconds of a clock that is never set."""

    def later(self, ms: int, context: QObject, act: Callable[[], None]) -> None:
        """Do it after that time, unless `context` is gone by then."""


class RealPace:
    """The machine's clock and Qt's timers."""

    def now_ms(self) -> int:
        """See the protocol."""
        return time.monotonic_ns() // 1_000_000

    def later(self, ms: int, context: QObject, act: Callable[[], None]) -> None:
        """See the protocol."""
        QTimer.singleShot(ms, context, act)


class ByHand:
    """For keys that a program plays in place of a hand, as the tour does: a second lies between any two."""

    def __init__(self) -> None:
        self._now_ms = 0

    def now_ms(self) -> int:
        """See the protocol."""
        self._now_ms += 1000
        return self._now_ms

    def later(self, ms: int, context: QObject, act: Callable[[], None]) -> None:
        """See the protocol: that time has gone by already."""
        act()
