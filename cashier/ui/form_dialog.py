"""A dialog of a few fields and one verb. Opened, never executed; what the core refuses is said in it.

Secrets are taken out of their fields with every press, and with leaving: setText alone forgets what could be
undone. The verb may outlive the dialog; the till being locked takes the dialog away.
"""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QGridLayout, QLineEdit, QVBoxLayout, QWidget

from cashier.domain.accounts import EMAIL_MAX, PASSWORD_MAX, Secret
from cashier.domain.errors import CashierError, Refused
from cashier.ui.sign_in import Run
from cashier.ui.theme import scaled
from cashier.ui.widgets import Button, Shrinking, announce, label, row

WIDTH = 560


@dataclass(frozen=True)
class Asked:
    """One field: its key, what it is called, what stands in it; `again` is a secret's key to be repeated."""

    key: str
    name: str
    text: str = ""
    is_secret: bool = False
    again: str = ""
    longest: int = EMAIL_MAX


@dataclass(frozen=True)
class Typed:
    """What was typed, by key."""

    texts: dict[str, str]
    secrets: dict[str, Secret] = field(default_factory=dict)


#: Does it; the error it raises is said, and the dialog stays.
Act = Callable[[Typed], Coroutine[Any, Any, object]]


def secret_field(name: str) -> QLineEdit:
    """A field whose text nobody sees, for a password."""
    made = QLineEdit()
    made.setEchoMode(QLineEdit.EchoMode.Password)
    made.setMaxLength(PASSWORD_MAX)
    made.setAccessibleName(name)
    hints = Qt.InputMethodHint.ImhSensitiveData | Qt.InputMethodHint.ImhNoPredictiveText
    made.setInputMethodHints(made.inputMethodHints() | hints | Qt.InputMethodHint.ImhNoAutoUppercase)
    return made


class FormDialog(QDialog):
    """Fields in two columns above one verb. Deletes itself when it is left."""

    def __init__(
        self, window: QWidget, title: str, says: str, asked: Sequence[Asked], verb: str, act: Act, run: Run
    ) -> None:
        super().__init__(window)
        self._asked, self._act, self._run = tuple(asked), act, run
        self._is_busy = False
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setWindowTitle(title)
        self.setFixedWidth(min(scaled(WIDTH), window.width()))
        self._height_max = window.height()
        self.says = label(says, wrap=True)
        self.fault = label("", "fault", wrap=True)
        self.fault.hide()
        self.fields: dict[str, QLineEdit] = {}
        self.go_on = Button(f"{verb}   Enter", verb)
        self.go_on.setObjectName("primary")
        self.go_on.setDefault(True)
        self.go_on.clicked.connect(lambda _checked=False: self.press())
        self.cancel = Button("Leave   Esc")
        self.cancel.setAutoDefault(False)
        self.cancel.clicked.connect(self.reject)
        self.finished.connect(lambda _result: self._forget_secrets())
        self._inside = QWidget()
        inside = QVBoxLayout(self._inside)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(12)
        inside.addWidget(self.says)
        inside.addLayout(self._grid())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 20)
        layout.setSpacing(12)
        layout.addWidget(label(title, "title", wrap=True))
        self._area = Shrinking(self._inside)
        layout.addWidget(self._area)
        layout.addWidget(self.fault)
        layout.addLayout(row(self.go_on, 1, self.cancel))
        self._focus_empty(self.go_on)

    def _grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(4)
        for place, asked in enumerate(self._asked):
            widget = secret_field(asked.name) if asked.is_secret else QLineEdit(asked.text)
            if not asked.is_secret:
                widget.setMaxLength(asked.longest)
                widget.setAccessibleName(asked.name)
            named = label(asked.name, "soft", wrap=True)
            named.setBuddy(widget)
            at = (2 * (place // 2), place % 2) if len(self._asked) > 2 else (2 * place, 0)
            grid.addWidget(named, *at)
            grid.addWidget(widget, at[0] + 1, at[1])
            self.fields[asked.key] = widget
        for column in range(grid.columnCount()):
            grid.setColumnStretch(column, 1)
        return grid

    def showEvent(self, event: QShowEvent) -> None:
        """As high as it needs to be."""
        super().showEvent(event)
        self._fit()

    def _focus_empty(self, otherwise: QWidget) -> None:
        """The first field that is empty has the focus."""
        empty = (self.fields[asked.key] for asked in self._asked if not self.fields[asked.key].text())
        next(empty, otherwise).setFocus()

    def _fit(self) -> None:
        layout = self.layout()
        assert layout is not None
        layout.activate()
        self._area.updateGeometry()
        width = self.width() - 48
        inside = self._inside.layout()
        assert inside is not None
        wanted = inside.totalHeightForWidth(width)
        others = layout.totalHeightForWidth(self.width()) - max(self._area.sizeHint().height(), 0)
        self.setFixedHeight(min(wanted + max(others, 0) + 4, self._height_max))

    def press(self) -> None:
        """Do it, with what stands in the fields."""
        if self._is_busy:
            return
        texts = {
            asked.key: self.fields[asked.key].text().strip() for asked in self._asked if not asked.is_secret
        }
        secrets = {
            asked.key: Secret(self.fields[asked.key].text()) for asked in self._asked if asked.is_secret
        }
        self._forget_secrets()
        for asked in self._asked:
            if asked.again and secrets[asked.key] != secrets[asked.again]:
                self.say("The two passwords are not the same. Type both again.")
                self.fields[asked.again].setFocus()
                return
        self.say("")
        self._set_busy(True)
        self._run(self._do(Typed(texts, secrets)))

    async def _do(self, typed: Typed) -> None:
        fault = ""
        try:
            await self._act(typed)
        except Refused as error:
            fault = "\n".join(error.faults)
        except CashierError as error:
            fault = error.user_text
        if not shiboken6.isValid(self) or not self.isVisible():
            return
        self._set_busy(False)
        if fault:
            self.say(fault)
            self._focus_empty(next(iter(self.fields.values())))
        else:
            self.accept()

    def _set_busy(self, busy: bool) -> None:
        self._is_busy = busy
        self.go_on.setEnabled(not busy)

    def say(self, fault: str) -> None:
        """Why something was refused."""
        self.fault.setText(fault)
        self.fault.setVisible(bool(fault))
        self._fit()
        if fault:
            announce(self.fault, fault)

    def _forget_secrets(self) -> None:
        for asked in self._asked:
            if asked.is_secret:
                self.fields[asked.key].setText("")
