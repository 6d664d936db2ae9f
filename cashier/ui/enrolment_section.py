"""Enrolling this till at its hub by a short code: two fields and one verb, for any page with room for them.

The code is put into groups as it is typed, and a slip is told before anything is asked. What is enrolled with
what comes from outside: the section knows no hub.
"""

from collections.abc import Awaitable, Callable

import shiboken6
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from cashier.domain.errors import CashierError, InDoubt, Refused
from cashier.domain.invite_code import CODE_CHARS, as_typed, fault_of, is_whole, signs_of
from cashier.till.words import Standing, Tone
from cashier.ui.sign_in import Run
from cashier.ui.theme import scaled, tabular
from cashier.ui.widgets import SIGNS, Banner, Button, announce, label, row

WIDTH_MAX = 560
ADDRESS_MAX, CODE_MAX = 300, 64

#: Redeems a code at a hub's address, and says in a sentence what came of it. Raises CashierError.
Enrol = Callable[[str, str], Awaitable[str]]


class EnrolmentSection(QWidget):
    """The hub's address, the code, the verb, and what came of it.

    `enrolled` is emitted when it is done. Enter in a field goes on to the next, and in the last does it.
    """

    enrolled = Signal()

    def __init__(self, enrol: Enrol, run: Run, hub_url: str = "") -> None:
        super().__init__()
        self._enrol, self._run = enrol, run
        self._is_busy = False
        self._told = ""
        self.address = QLineEdit(hub_url)
        self.address.setMaxLength(ADDRESS_MAX)
        self.address.setPlaceholderText("https://hub.example.org")
        self.address.setAccessibleName("Address of the hub")
        self.address.setInputMethodHints(Qt.InputMethodHint.ImhUrlCharactersOnly)
        self.code = QLineEdit()
        self.code.setMaxLength(CODE_MAX)
        self.code.setPlaceholderText("XXXX-XXXX-XXXX")
        self.code.setAccessibleName("Code from the hub")
        self.code.setFont(tabular(self.code.font()))
        hints = Qt.InputMethodHint.ImhSensitiveData | Qt.InputMethodHint.ImhNoPredictiveText
        self.code.setInputMethodHints(hints | Qt.InputMethodHint.ImhPreferUppercase)
        self.hint = label("", "soft", wrap=True)
        self.go_on = Button("Enrol   Enter", "Enrol this till")
        self.go_on.setObjectName("primary")
        self.banner = Banner()
        self.banner.hide()
        self.address.returnPressed.connect(self._to_code)
        self.code.textEdited.connect(self._edited)
        self.code.returnPressed.connect(self.press)
        self.go_on.clicked.connect(lambda _checked=False: self.press())
        self._lay_out()
        self._show_hint()

    def _lay_out(self) -> None:
        says = label(
            "Whoever looks after the hub makes a code there with “cashier hub invite”. It is good once and "
            "for a while. The key that it gives goes into this machine's keyring and is shown nowhere.",
            "soft",
            wrap=True,
        )
        self.setMaximumWidth(scaled(WIDTH_MAX))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addWidget(label("Enrol at the hub", "title", wrap=True))
        layout.addWidget(says)
        for name, field, more in (("Address of the hub", self.address, None), ("Code", self.code, self.hint)):
            named = label(name, "soft")
            named.setBuddy(field)
            part = QVBoxLayout()
            part.setSpacing(4)
            for widget in (named, field, more):
                if widget is not None:
                    part.addWidget(widget)
            layout.addLayout(part)
        layout.addWidget(self.banner)
        layout.addLayout(row(self.go_on, 1))

    # -- typing --------------------------------------------------------------------------------------------

    def _to_code(self) -> None:
        """Enter in the address goes on; where the code is there already, it does it."""
        if is_whole(self.code.text()):
            self.press()
        else:
            self.code.setFocus()

    def _edited(self, text: str) -> None:
        """Groups as it is typed; the cursor stays behind the sign it was behind."""
        behind = len(signs_of(text[: self.code.cursorPosition()]))
        shown = as_typed(text)
        if shown != text:
            self.code.setText(shown)
            at = next((at for at in range(len(shown) + 1) if len(signs_of(shown[:at])) >= behind), len(shown))
            self.code.setCursorPosition(at)
        self._show_hint()

    def _show_hint(self) -> None:
        """What is wrong with the code, or how much of it is there."""
        text = self.code.text()
        fault = fault_of(text)
        count = len(signs_of(text))
        if fault:
            told, kind = f"{SIGNS[Tone.REFUSED]}  {fault}", "fault"
        elif is_whole(text):
            told, kind = f"{SIGNS[Tone.PAID]}  The code is whole.", "soft"
        else:
            told, kind = f"{count} of {CODE_CHARS} letters and digits; dashes come by themselves.", "soft"
        if self.hint.objectName() != kind:
            self.hint.setObjectName(kind)
            self.hint.style().unpolish(self.hint)
            self.hint.style().polish(self.hint)
        self.hint.setText(told)
        news = told if fault or is_whole(text) else ""
        if news and news != self._told:
            announce(self.hint, news)
        self._told = news

    # -- doing -----------------------------------------------------------------------------------------------

    def press(self) -> None:
        """Enrol with what stands in the fields; the first that cannot be is told, and has the focus."""
        if self._is_busy:
            return
        address, code = self.address.text().strip(), self.code.text()
        if not address:
            self._say(Tone.REFUSED, "Not asked", "Type the address of the hub first.")
            self.address.setFocus()
        elif not is_whole(code):
            fault = fault_of(code) or f"A code has {CODE_CHARS} letters and digits. Type all of it."
            self._say(Tone.REFUSED, "Not asked", fault)
            self.code.setFocus()
        else:
            self._set_busy(True)
            self._say(Tone.WAITING, "Asking the hub", "The code is on its way.")
            self._run(self._do(address, code))

    async def _do(self, address: str, code: str) -> None:
        tone, word, fault = Tone.CALM, "Enrolled", ""
        try:
            told = await self._enrol(address, code)
        except Refused as error:
            tone, word, fault = Tone.REFUSED, "Not enrolled", "\n".join(error.faults)
        except InDoubt as error:
            tone, word, fault = Tone.WAITING, "No answer", error.user_text
        except CashierError as error:
            tone, word, fault = Tone.REFUSED, "Not enrolled", error.user_text
        if not shiboken6.isValid(self):
            return
        self._set_busy(False)
        self._say(tone, word, fault or told)
        if fault:
            self.code.setFocus()
        else:
            self._forget_code()
            self.enrolled.emit()

    def _say(self, tone: Tone, word: str, sentence: str) -> None:
        if tone is Tone.REFUSED:
            self.banner.forget()  # the same refusal again is news again
        self.banner.show_standing(Standing(tone, word, sentence))
        self.banner.show()

    def _set_busy(self, busy: bool) -> None:
        self._is_busy = busy
        for field in (self.address, self.code):
            field.setReadOnly(busy)
        self.go_on.setEnabled(not busy)

    def _forget_code(self) -> None:
        """It is used up. setText alone forgets what could be undone."""
        self.code.setText("")
        self._show_hint()

    def hideEvent(self, event: QHideEvent) -> None:
        """What came of the last try is not shown to who comes next; what was typed stays."""
        if not self._is_busy:
            self.banner.hide()
        super().hideEvent(event)
