"""Keyboard readers and barcode scanners: a card swiped outside the payment page leaves nothing, a scan finds.

A keyboard reader types a card's tracks wherever the focus is. Inside the payment page that is right, and not
looked at here. Anywhere else the keys are swallowed one by one as they come: there is no buffer, at most one
key is held for `GAP_MS`, and what `Burst` keeps of them is counts. Then the clerk is told.

A scanner types as fast. What it sends goes to the search field, whatever has the focus, and its final Enter
or Tab goes nowhere: a scan finds, the clerk takes. While a dialog or a menu is up a scan is lost, and told.

What a scanner can send: one line of 2 to 40 printable characters without ``% ; + ? = ^``, at most 5 digits at
the very start or right after a first B, at most 10 digits in a row after anything else. Set up with a prefix
(`SwipeGuard.scanner_prefix`) it can send up to 12 digits in a row anywhere, and not one character ever stands
in the field that has the focus; without one the first three may, until the fourth shows what they are and the
field is put back. What it cannot send is 13 digits or more: that may be a card.

The focused widget alone is filtered, following `QApplication.focusChanged`: a Python event filter on
`QApplication` itself crashes with Qt WebEngine, at the moment the focus moves into its view.
"""

from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget

from cashier.domain.errors import Refused
from cashier.till.config import SCANNER_PREFIXES
from cashier.ui.bursts import GAP_MS, SILENCE_MS, Burst, Kind, Verdict
from cashier.ui.pace import Pace, RealPace
from cashier.ui.text_fields import Before, Field, before_a_key, field_of

SWIPED = "Card swiped outside the payment page; nothing was read. Click the payment page and swipe again."
SCAN_LOST = (
    "A barcode was scanned, and nothing was done with it. Leave what is open on the screen, click the search "
    "field and scan again; or the code is not one that the till can search for."
)
_KINDS = {
    **dict.fromkeys("0123456789", Kind.DIGIT),
    **dict.fromkeys("Bb", Kind.TRACK_B),
    **dict.fromkeys("%;+", Kind.SENTINEL),
    **dict.fromkeys("?=^", Kind.SEPARATOR),
    **dict.fromkeys("\r\n\t", Kind.END),
    " ": Kind.SPACE,
}
_END_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab)
_COMMANDS = (
    Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
)
#: How Windows says AltGr, which makes plain characters on many keyboards.
_ALT_GR = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier


class SwipeGuard(QObject):
    """Watches the keys of a window and of its dialogs, menus and popups, but not those of the payment page.

    `sealed` gives the payment view while there is one; what is inside it is never watched. `search` brings up
    the field where a scan goes, gives it the focus and returns it. The signals carry no data.
    """

    swiped = Signal()
    scan_lost = Signal()

    def __init__(
        self,
        window: QWidget,
        *,
        sealed: Callable[[], QWidget | None],
        search: Callable[[], QLineEdit],
        pace: Pace | None = None,
    ) -> None:
        super().__init__(window)
        self._window, self._sealed, self._search = window, sealed, search
        self.pace: Pace = pace or RealPace()
        #: Whether something stands over the pages: a scan is lost then.
        self.is_covered: Callable[[], bool] = lambda: False
        #: Keys that were pressed, whatever became of them.
        self.presses = 0
        self._prefix = ""
        self._burst = Burst()
        self._held: tuple[QKeyEvent, QWidget] | None = None
        self._is_replaying = False
        self._before: list[Before] = []
        self._target: QLineEdit | None = None
        self._is_taken_up = False
        self._told: Verdict | None = None
        self._turn = 0
        self._watched: list[QWidget] = []
        self._was_sealed = False
        self._rest_until_ms: int | None = None
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._focus_changed)
        app.focusWindowChanged.connect(self._focus_changed)
        self._follow()

    @property
    def scanner_prefix(self) -> str:
        """The one character that the counter's scanners send before every code; empty for none."""
        return self._prefix

    @scanner_prefix.setter
    def scanner_prefix(self, prefix: str) -> None:
        """Raises Refused for one that people type fast, that cards have, or that is not on every keyboard."""
        if prefix and prefix not in SCANNER_PREFIXES:
            raise Refused("A scanner's prefix is one sign, as ~ or #: no letter, no digit, none of %;+?=^.")
        self._prefix = prefix

    # -- whom to watch -------------------------------------------------------------------------------------

    def _focus_changed(self, *_what: Any) -> None:
        self._follow()

    def _follow(self) -> None:
        """Watch what gets the keys now: the focused widget and an open popup; without a focus the window."""
        focused = QApplication.focusWidget()
        is_sealed = self._is_sealed(focused)
        if self._was_sealed and not is_sealed:
            self._rest_until_ms = self.pace.now_ms() + SILENCE_MS
        self._was_sealed = is_sealed
        popup = QApplication.activePopupWidget()
        wanted: list[QWidget] = []
        for widget in (
            focused or QApplication.activeWindow(),
            popup,
            popup.focusWidget() if popup is not None else None,
        ):
            if widget is not None and widget not in wanted and self._is_ours(widget):
                wanted.append(widget)
        for widget in self._watched:
            if shiboken6.isValid(widget) and widget not in wanted:
                widget.removeEventFilter(self)
        for widget in wanted:
            widget.installEventFilter(self)  # anew, if need be: the last one installed is asked first
        self._watched = wanted

    def _is_sealed(self, widget: QWidget | None) -> bool:
        view = self._sealed()
        if widget is None or view is None or widget is view or not shiboken6.isValid(view):
            return False  # the view itself has the focus while there is no page in it yet
        return view.isAncestorOf(widget)

    def _is_ours(self, widget: QWidget) -> bool:
        """Of this window, or of a dialog or a popup of it; and outside the payment page."""
        if self._is_sealed(widget):
            return False
        above: QWidget | None = widget
        while above is not None and above is not self._window:
            above = above.parentWidget()
        return above is not None

    # -- keys ----------------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """True swallows a key. Key releases do nothing by themselves and go on."""
        kind = event.type()
        self.presses += kind is QEvent.Type.KeyPress
        if kind is QEvent.Type.FocusOut and isinstance(event, QFocusEvent):
            if event.reason() is Qt.FocusReason.PopupFocusReason:
                self._follow()  # a menu takes the keys, not everywhere the focus
            return False
        if self._is_replaying or not isinstance(event, QKeyEvent) or not isinstance(watched, QWidget):
            return False
        if kind is QEvent.Type.KeyPress:
            return self._pressed(event, watched)
        if kind is QEvent.Type.ShortcutOverride and self._is_wanted(event, watched):
            event.accept()  # no shortcut: it comes as a key then
            return True
        return False

    def _is_wanted(self, event: QKeyEvent, widget: QWidget) -> bool:
        """Whether a key that may be a shortcut has to come here first."""
        if self._burst.is_machine and self._burst.goes_on(self._time(event)):
            return True
        return field_of(widget) is None and self._kind(event) not in (None, Kind.END, Kind.SPACE)

    def _time(self, event: QKeyEvent) -> int:
        """When the key was pressed, as the system says: it may have waited. Some systems do not say."""
        return event.timestamp() or self.pace.now_ms()

    def _pressed(self, event: QKeyEvent, widget: QWidget) -> bool:
        at_ms = self._time(event)
        kind = self._kind(event)
        if self._is_rest(kind, event):
            if kind is Kind.END:
                return True
            self._start_anew()
            self._burst.resume_swipe(at_ms)
            self._is_taken_up = True
        goes_on = self._burst.goes_on(at_ms)
        is_repeated = event.isAutoRepeat() and not goes_on  # a key held down; no keyboard starts that fast
        if kind is None or is_repeated:
            self._burst.touch(at_ms)
            return self._burst.is_machine and goes_on
        if not goes_on:
            self._start_anew()
        editor = field_of(widget)
        verdict = self._burst.take(kind, at_ms, in_text=editor is not None)
        if verdict is Verdict.PASS:
            if editor is not None and kind is not Kind.END:
                self._note_before(editor)
            return False
        if verdict is Verdict.HOLD:
            self._held = (event.clone(), widget)
            self._after(GAP_MS, self._replay)
            return True
        self._swallow(verdict, event, is_end=kind is Kind.END)
        self._after(SILENCE_MS, self._tell)
        return True

    def _kind(self, event: QKeyEvent) -> Kind | None:
        """None for what has no character, and for commands as Ctrl+C."""
        if event.key() in _END_KEYS:
            return Kind.END
        commands = event.modifiers() & _COMMANDS
        text = event.text()
        if not text or commands not in (Qt.KeyboardModifier.NoModifier, _ALT_GR):
            return Kind.END if text == "\n" else None  # Ctrl+J, as some scanners end a line
        if text == self._prefix:
            return Kind.PREFIX
        return _KINDS.get(text, Kind.PLAIN if text.isprintable() else None)

    def _is_rest(self, kind: Kind | None, event: QKeyEvent) -> bool:
        """The focus left the payment page a moment ago: what comes now was meant for the page.

        But for Tab, with which a hand goes on from there.
        """
        until = self._rest_until_ms
        if until is None or kind is None or event.key() == Qt.Key.Key_Tab:
            return False
        is_rest = self.pace.now_ms() < until
        if not is_rest or kind is not Kind.END:
            self._rest_until_ms = None
        return is_rest

    def _start_anew(self) -> None:
        """The last burst is over, and so is everything kept of it; timers may be late."""
        self._replay()
        self._tell()
        self._before = []
        self._target = None
        self._is_taken_up = False

    # -- a machine's keys ----------------------------------------------------------------------------------

    def _swallow(self, verdict: Verdict, event: QKeyEvent, *, is_end: bool) -> None:
        if not self._is_taken_up:
            self._is_taken_up = True
            verdict = self._take_up(verdict)
        if verdict is not Verdict.SCAN:
            self._wipe()
            self._told = verdict if self._told is not Verdict.SWIPE else self._told
        elif not is_end and self._target is not None and shiboken6.isValid(self._target):
            self._target.insert(event.text())

    def _take_up(self, verdict: Verdict) -> Verdict:
        """A machine is known by this key: fields are as before; a scan starts anew in the search field."""
        held, self._held = self._held, None
        begun = self._begun(held[0] if held is not None else None)
        for before in self._before:
            before.put_back()
        self._before = []
        if verdict is not Verdict.SCAN:
            return verdict
        is_up = QApplication.activeModalWidget() or QApplication.activePopupWidget() or self.is_covered()
        if begun is None or is_up:
            self._burst.lose()
            return Verdict.LOST
        self._target = self._search()
        self._target.setText(begun)
        return verdict

    def _begun(self, held: QKeyEvent | None) -> str | None:
        """What a scan sent before it was known to be one: the held key, or what stands in the one field."""
        typed = [before for before in self._before if before.keys]
        if held is not None and not typed:
            return "" if self._kind(held) is Kind.PREFIX else held.text()
        text = typed[0].typed() if held is None and len(typed) == 1 else None
        return text.removeprefix(self._prefix) if text is not None else None

    def _wipe(self) -> None:
        """What seemed to be a scan is none."""
        if self._target is not None and shiboken6.isValid(self._target):
            self._target.setText("")
        self._target = None

    def _note_before(self, editor: Field) -> None:
        """A key is about to go into a text field: a machine's will be taken back out of it."""
        known = next((before for before in self._before if before.editor is editor), None)
        if known is None:
            known = before_a_key(editor)
            self._before.append(known)
        known.keys += 1

    # -- later ---------------------------------------------------------------------------------------------

    def _after(self, ms: int, act: Callable[[], None]) -> None:
        """Do it unless another key comes before."""
        self._turn += 1
        turn = self._turn
        self.pace.later(ms, self, lambda: act() if turn == self._turn else None)

    def _replay(self) -> None:
        """The held key was a hand's: it goes where it was pressed."""
        held, self._held = self._held, None
        if held is None or not shiboken6.isValid(held[1]):
            return
        event, widget = held
        if (editor := field_of(widget)) is not None:
            self._note_before(editor)
        self._is_replaying = True
        try:
            QApplication.sendEvent(widget, event)
        finally:
            self._is_replaying = False

    def _tell(self) -> None:
        """It is quiet again: a message that came earlier would be answered by the reader's Enter."""
        told, self._told = self._told, None
        if told is Verdict.SWIPE:
            self.swiped.emit()
        elif told is Verdict.LOST:
            self.scan_lost.emit()
