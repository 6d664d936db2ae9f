"""The second person: a dialog that asks for what is to be recorded, and for a supervisor's word on it.

It is opened, never executed. What the core refuses is said in the dialog, in the core's words, and what was
typed stays – but for the PIN, which is forgotten with every press.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
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
    """A field: its name and what it wants, as a pale text inside."""

    name: str
    hint: str


class ApprovalDialog(QDialog):
    """One thing to record, with a supervisor's approval. Deletes itself when it is left."""

    def __init__(
        self,
        window: QWidget,
        *,
        title: str,
        says: str,
        questions: tuple[Question, ...],
        supervisors: tuple[str, ...],
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
        self.answers = [self._answer(question) for question in questions]
        self.supervisor = QComboBox()
        self.supervisor.addItems(supervisors)
        self.supervisor.setPlaceholderText("Choose …")
        self.supervisor.setCurrentIndex(0 if len(supervisors) == 1 else -1)
        self.supervisor.setAccessibleName("Supervisor")
        self.pin = QLineEdit()
        self.pin.setEchoMode(QLineEdit.EchoMode.Password)
        self.pin.setMaxLength(PIN_MAX)
        self.pin.setAccessibleName("Supervisor's PIN")
        self.pin.setPlaceholderText("6 to 12 digits")
        self.fault = label("", "fault", wrap=True)
        self.fault.hide()
        self.go_on = Button(go_on)
        self.go_on.setObjectName("primary")
        self.go_on.setDefault(True)
        self.go_on.clicked.connect(self._pressed)
        self.leave = Button("Leave   Esc")
        self.leave.clicked.connect(self.reject)
        self._lay_out(title, questions)
        if not supervisors:
            self.go_on.setEnabled(False)
            self._say("No supervisor is set up at this till: the settings name them, and each has a PIN.")

    def _answer(self, question: Question) -> QLineEdit:
        made = QLineEdit()
        made.setMaxLength(ANSWER_MAX)
        made.setAccessibleName(question.name)
        made.setPlaceholderText(question.hint)
        return made

    def _lay_out(self, title: str, questions: tuple[Question, ...]) -> None:
        fields = QGridLayout()
        fields.setVerticalSpacing(4)
        fields.setHorizontalSpacing(12)
        for question, answer in zip(questions, self.answers, strict=True):
            self._field(fields, fields.rowCount(), 0, 2, question.name, answer)
        last = fields.rowCount()
        self._field(fields, last, 0, 1, "Supervisor, not the clerk", self.supervisor)
        self._field(fields, last, 1, 1, "Supervisor's PIN", self.pin)
        fields.setColumnStretch(0, 3)
        fields.setColumnStretch(1, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 20)
        layout.setSpacing(12)
        layout.addWidget(label(title, "title", wrap=True))
        layout.addWidget(self.says)
        layout.addLayout(fields)
        layout.addWidget(self.fault)
        layout.addLayout(row(1, self.leave, self.go_on))

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
        empty = next((answer for answer in (*self.answers, self.pin) if not answer.text().strip()), None)
        if empty is not None:
            self._say(f"{empty.accessibleName()}: this is still empty.")
            empty.setFocus()
            return
        approval = Approval(
            tuple(answer.text() for answer in self.answers), self.supervisor.currentText(), self.pin.text()
        )
        self.pin.clear()
        self._set_busy(True)
        self._run(self._do(approval))

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
            self.pin.setFocus()
        else:
            self.accept()

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
        if self.answers:
            self.answers[0].setFocus()
        else:
            (self.pin if self.supervisor.currentIndex() >= 0 else self.supervisor).setFocus()

    def reject(self) -> None:
        """Esc leaves; not while what was asked for is being done."""
        if not self._busy:
            self.pin.clear()
            super().reject()
