"""The second person: a dialog that asks for what is to be recorded, and for a supervisor's word on it.

It is opened, never executed. What the core refuses is said in the dialog, in the core's words, and what was
typed stays – but for the PIN, which is forgotten with every press.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QComboBox, QDialog, QGridLayout, QLineEdit, QVBoxLayout, QWidget

from cashier.domain.errors import CashierError
from cashier.ui.theme import scaled
from cashier.ui.widgets import Button, announce, fit_height, label, row

WIDTH = 520
PIN_MAX = 12
#: A little longer than the core takes, so that it says what is too long.
ANSWER_MAX = 320


@dataclass(frozen=True)
class Approval:
    """What was typed: the answers in the order of their questions, and the supervisor's word."""

    answers: tuple[str, ...]
    supervisor: str
    pin: str = field(repr=False)


#: Does what the dialog is for. Raises a CashierError with the words to show.
Act = Callable[[Approval], Coroutine[Any, Any, None]]
#: Runs a coroutine beside the window.
Run = Callable[[Coroutine[Any, Any, None]], None]


@dataclass(frozen=True)
class Question:
    """A field: its name and what it wants, as a pale text inside; `value` is there to begin with.

    With `choices` it is a list to choose from, of which `value` is chosen. `half` shares its line with the
    next one.
    """

    name: str
    hint: str
    value: str = ""
    choices: tuple[str, ...] = ()
    half: bool = False


Field = QLineEdit | QComboBox
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


def text_of(field: Field) -> str:
    """What was typed or chosen."""
    return field.currentText() if isinstance(field, QComboBox) else field.text()


class ApprovalDialog(QDialog):
    """One thing to record, with a supervisor's approval. Deletes itself when it is left.

    `supervisors` is None where one person's word is enough; nobody else is asked for then.
    """

    def __init__(
        self,
        window: QWidget,
        *,
        title: str,
        says: str,
        questions: tuple[Question, ...],
        supervisors: tuple[str, ...] | None,
        go_on: str,
        act: Act,
        run: Run,
    ) -> None:
        super().__init__(window)
        self._act = act
        self._run = run
        self._busy = False
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setWindowTitle(title)
        self.setMinimumWidth(scaled(WIDTH))
        self.says = label(says, wrap=True)
        self.fields: list[Field] = [self._made(question) for question in questions]
        #: Those that are typed into.
        self.answers = [field for field in self.fields if isinstance(field, QLineEdit)]
        self._is_approved = supervisors is not None
        self.supervisor = _choice("Supervisor", supervisors or ())
        if supervisors is not None and len(supervisors) == 1:
            self.supervisor.setCurrentIndex(0)
        self.pin = QLineEdit()
        self.pin.setEchoMode(QLineEdit.EchoMode.Password)
        self.pin.setMaxLength(PIN_MAX)
        self.pin.setAccessibleName("Supervisor's PIN")
        self.pin.setPlaceholderText("6 to 12 digits")
        #: What follows from the answers so far.
        self.note = label("", "", wrap=True)
        self.note.hide()
        self.fault = label("", "fault", wrap=True)
        self.fault.hide()
        self.go_on = Button(go_on)
        self.go_on.setObjectName("primary")
        self.go_on.setDefault(True)
        self.go_on.clicked.connect(self._pressed)
        self.leave = Button("Leave   Esc")
        self.leave.clicked.connect(self.reject)
        self._lay_out(title, questions)
        if supervisors is not None and not supervisors:
            self.go_on.setEnabled(False)
            self._say(
                "No supervisor is set up at this till who could be the second person: an administrator adds "
                "one (Ctrl+U)."
            )

    def _made(self, question: Question) -> Field:
        if question.choices:
            choice = _choice(question.name, question.choices)
            choice.setCurrentText(question.value)
            return choice
        made = QLineEdit(question.value)
        made.setMaxLength(ANSWER_MAX)
        made.setAccessibleName(question.name)
        made.setPlaceholderText(question.hint)
        return made

    def _lay_out(self, title: str, questions: tuple[Question, ...]) -> None:
        fields = QGridLayout()
        fields.setVerticalSpacing(4)
        fields.setHorizontalSpacing(12)
        line, column = 0, 0
        for question, answer in zip(questions, self.fields, strict=True):
            halved = question.half or column == 1
            self._field(fields, line, column, 1 if halved else 2, question.name, answer)
            column = 1 if halved and column == 0 else 0
            line += 0 if column else 2
        if self._is_approved:
            self._field(fields, line, 0, 1, "Supervisor, not the clerk", self.supervisor)
            self._field(fields, line, 1, 1, "Supervisor's PIN", self.pin)
        fields.setColumnStretch(0, 3)
        fields.setColumnStretch(1, 2)
        self.form = QWidget(self)  # now: the button that Enter presses looks for its dialog when it is added
        layout = QVBoxLayout(self.form)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addWidget(label(title, "title", wrap=True))
        layout.addWidget(self.says)
        layout.addLayout(fields)
        layout.addWidget(self.note)
        layout.addWidget(self.fault)
        layout.addLayout(row(1, self.leave, self.go_on))
        outside = QVBoxLayout(self)
        outside.setContentsMargins(24, 20, 24, 20)
        outside.addWidget(self.form)

    def _field(
        self, grid: QGridLayout, line: int, column: int, span: int, name: str, widget: QWidget
    ) -> None:
        named = label(name, "soft")
        named.setBuddy(widget)
        grid.addWidget(named, line, column, 1, span)
        grid.addWidget(widget, line + 1, column, 1, span)

    # -- verbs ---------------------------------------------------------------------------------------------

    def _pressed(self) -> None:
        if self._busy:
            return
        asked = (*self.fields, self.pin) if self._is_approved else self.fields
        empty = next((answer for answer in asked if not text_of(answer).strip()), None)
        if empty is not None:
            self._say(f"{empty.accessibleName()}: this is still empty.")
            empty.setFocus()
            return
        if (wrong := self._wrong()) is not None:
            text, field = wrong
            self._say(text)
            field.setFocus()
            return
        approval = Approval(
            tuple(text_of(answer) for answer in self.fields), self.supervisor.currentText(), self.pin.text()
        )
        self.pin.clear()
        self._set_busy(True)
        self._run(self._do(approval))

    def _wrong(self) -> tuple[str, QWidget] | None:
        """What is wrong with the answers before anybody is asked, and where; for dialogs that can tell."""
        return None

    def _succeeded(self) -> None:
        """It is recorded."""
        self.accept()

    async def _do(self, approval: Approval) -> None:
        try:
            await self._act(approval)
        except CashierError as error:
            refusal = error.user_text
        else:
            refusal = ""
        finally:
            self._set_busy(False)
        if refusal:
            self._say(refusal)
            (self.pin if self._is_approved else self.fields[-1]).setFocus()
        else:
            self._succeeded()

    def _set_busy(self, busy: bool) -> None:
        self._busy = busy
        self.go_on.setEnabled(not busy)
        self.leave.setEnabled(not busy)

    def _say(self, text: str) -> None:
        self.fault.setText(text)
        self.fault.show()
        fit_height(self)
        announce(self.fault, text)

    # -- Qt ------------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Typing starts at the first question, or at who approves."""
        super().showEvent(event)
        fit_height(self)
        if self.fields:
            self.fields[0].setFocus()
        else:
            (self.pin if self.supervisor.currentIndex() >= 0 else self.supervisor).setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """An Enter that is held down counts once."""
        if event.isAutoRepeat() and event.key() in _ENTER:
            event.accept()
            return
        super().keyPressEvent(event)

    def reject(self) -> None:
        """Esc leaves; not while what was asked for is being done."""
        if not self._busy:
            self.pin.clear()
            super().reject()


def _choice(name: str, choices: tuple[str, ...]) -> QComboBox:
    """A list of which nothing is chosen yet."""
    made = QComboBox()
    made.addItems(choices)
    made.setPlaceholderText("Choose …")
    made.setCurrentIndex(-1)
    made.setAccessibleName(name)
    return made
