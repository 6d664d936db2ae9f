"""Is it a hand that types, a card that was swiped, or a barcode scanner? Told by time and kind of keys alone.

Nothing here ever sees a key: a key is only its kind, and what is kept of a burst is a few counts. No Qt.

How a machine is told from a hand. Readers and scanners send a key every 2 to 16 ms, hands one every 100 ms
and seldom two within 35. So:

- a key less than `GAP_MS` after the one before belongs to the same burst;
- the first key of a burst that can be held (see `Burst.take`) is held for `GAP_MS`;
- a burst is a machine's when a second key follows a held one, with the fourth key in a text field, or with
  the Enter or Tab that ends two keys or more; it lasts until `SILENCE_MS` have gone by without a key.

What a machine's burst is:

- a **swipe** when it has a character of a card's tracks in it (``% ; + ? = ^``, ISO/IEC 7813), or more than
  `BARE_DIGITS_MAX` digits right from its start (or after the B that track 1 begins with), or more than
  `MIXED_DIGITS_MAX` in a row anywhere; after a scanner's prefix more than `PREFIXED_DIGITS_MAX`, since the
  shortest card numbers in use have 13;
- else a **scan**: one line of 2 to `SCAN_KEYS_MAX` other characters. A longer one, or a second line, is lost.
"""

from enum import Enum, auto

GAP_MS = 35
"""Less than this between two keys: a machine, or once in a while two fingers at once."""

SILENCE_MS = 150
"""This long without a key ends a machine's burst: readers pause between two tracks."""

BURST_KEYS = 4
"""Keys in a row, each within `GAP_MS`, that no hand types into a text field."""

BARE_DIGITS_MAX = 5
"""Digits that a scanner without a prefix may begin with: one less than tell a bank."""

MIXED_DIGITS_MAX = 10
"""Digits in a row after something else: as many of a card number as may be shown (PCI DSS 3.4.1)."""

PREFIXED_DIGITS_MAX = 12
"""Digits in a row after a scanner's prefix."""

SCAN_KEYS_MAX = 40
"""Longer than any permit number or fee code; a driving licence has hundreds."""


class Kind(Enum):
    """What a key is; which one it was is not known here."""

    DIGIT = auto()
    TRACK_B = auto()
    """B or b, the format code that track 1 begins with, right before the card number."""
    SENTINEL = auto()
    """% ; + begin the tracks of a card."""
    SEPARATOR = auto()
    """? = ^ end and divide them."""
    PREFIX = auto()
    """What the scanner is set up to send before every code."""
    SPACE = auto()
    PLAIN = auto()
    """Any other character."""
    END = auto()
    """Enter or Tab."""


class Verdict(Enum):
    """What becomes of a key."""

    PASS = auto()
    HOLD = auto()
    SCAN = auto()
    LOST = auto()
    """A scanner's, of which nothing can be made."""
    SWIPE = auto()


_TRACK = (Kind.SENTINEL, Kind.SEPARATOR)
_HELD_IN_TEXT = (Kind.SENTINEL, Kind.PREFIX)


class Burst:
    """The keys that came one right after the other; times in milliseconds of any one clock."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._start()

    def _start(self) -> None:
        self.is_machine = False
        self._count = 0
        self._digits = 0
        self._is_bare = True
        self._is_prefixed = False
        self._began_with_sentinel = False
        self._has_ended = False
        self._verdict = Verdict.SCAN

    def goes_on(self, at_ms: int) -> bool:
        """Whether a key at this time belongs to the burst. A clock set back counts as no time."""
        if self._last is None:
            return False
        return at_ms - self._last < (SILENCE_MS if self.is_machine else GAP_MS)

    def touch(self, at_ms: int) -> None:
        """A key without a character, as Shift: it is none of the burst's, but bridges it."""
        if self.goes_on(at_ms):
            self._last = at_ms

    def lose(self) -> None:
        """What there is can be made nothing of; it may still prove to be a swipe."""
        if self._verdict is Verdict.SCAN:
            self._verdict = Verdict.LOST

    def resume_swipe(self, at_ms: int) -> None:
        """The keys from now on are the rest of what was meant for the payment page."""
        self._start()
        self.is_machine, self._last, self._verdict = True, at_ms, Verdict.SWIPE

    def take(self, kind: Kind, at_ms: int, *, in_text: bool) -> Verdict:
        """Judge a key that goes to a text field, or to a button, a list, a menu.

        Of a text field sentinels and the prefix are held, for everything else has to show at once; elsewhere
        any character is, since there it may choose or do something. Space is not: it presses a button by its
        press and its release.
        """
        if not self.goes_on(at_ms):
            self._start()
        self._last = at_ms
        if kind is Kind.END:
            return self._end()
        self._count += 1
        self._classify(kind)
        if self.is_machine:
            return self._verdict
        if self._count == 1:
            held = kind in _HELD_IN_TEXT or not (in_text or kind is Kind.SPACE)
            return Verdict.HOLD if held else Verdict.PASS
        is_certain = self._is_prefixed or self._began_with_sentinel or not in_text
        self.is_machine = is_certain or self._count >= BURST_KEYS
        return self._verdict if self.is_machine else Verdict.PASS

    def _end(self) -> Verdict:
        self.is_machine = self.is_machine or self._count >= 2
        if not self.is_machine:
            self._start()
            return Verdict.PASS
        self._has_ended = True
        return self._verdict

    def _classify(self, kind: Kind) -> None:
        if self._count == 1:
            self._is_prefixed = kind is Kind.PREFIX
            self._began_with_sentinel = kind is Kind.SENTINEL
        if kind is Kind.DIGIT:
            self._digits += 1
        else:
            self._digits = 0
            if not (kind is Kind.TRACK_B and self._count == 1):
                self._is_bare = False
        if kind in _TRACK or self._digits > self._digits_max():
            self._verdict = Verdict.SWIPE
        elif self._has_ended or self._count > SCAN_KEYS_MAX:
            self.lose()

    def _digits_max(self) -> int:
        if self._is_prefixed:
            return PREFIXED_DIGITS_MAX
        return BARE_DIGITS_MAX if self._is_bare else MIXED_DIGITS_MAX
