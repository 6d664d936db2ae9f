"""Signing in, unlocking, and the first start: forms that stand over the whole window.

What the core refuses is said in the form, in the core's words. A PIN is forgotten with every press.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QListWidget, QVBoxLayout, QWidget

from cashier.domain.errors import CashierError
from cashier.domain.people import NAME_MAX, PIN_MAX, PIN_MIN, Person, Role, name_key
from cashier.till.people import PeopleView
from cashier.till.till import Till
from cashier.till.trainees import TRAINEES
from cashier.ui.theme import scaled
from cashier.ui.widgets import Button, announce, label

#: Names that are to be seen at once; the others are found by typing.
ROWS_MAX = 5
ROW_HEIGHT = 38
#: Runs a coroutine beside the window.
Run = Callable[[Coroutine[Any, Any, None]], None]


def pin_field(name: str) -> QLineEdit:
    """A field whose text nobody sees."""
    field = QLineEdit()
    field.setEchoMode(QLineEdit.EchoMode.Password)
    field.setMaxLength(PIN_MAX)
    field.setAccessibleName(name)
    hints = Qt.InputMethodHint.ImhSensitiveData | Qt.InputMethodHint.ImhNoPredictiveText
    field.setInputMethodHints(field.inputMethodHints() | hints)
    return field


class NameField(QLineEdit):
    """A name as it is typed; up and down go through the names that fit."""

    moved = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Name")
        self.setMaxLength(NAME_MAX)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """See above."""
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self.moved.emit(step)


class Form(QWidget):
    """Fields above a button that does something, and what was refused last."""

    def __init__(self, title: str, go_on: str, run: Run) -> None:
        super().__init__()
        self._run = run
        self._busy = False
        self.title = label(title, "title", wrap=True)
        self.says = label("", "soft", wrap=True)
        self.fault = label("", "fault", wrap=True)
        self.fault.hide()
        self.go_on = Button(go_on)
        self.go_on.setObjectName("primary")
        self.go_on.clicked.connect(self.press)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(24, 20, 24, 20)
        self.column.setSpacing(4)
        self.column.addWidget(self.title)
        self.column.addWidget(self.says)

    def _field(self, name: str, widget: QWidget) -> None:
        named = label(name, "soft")
        named.setBuddy(widget)
        self.column.addSpacing(8)
        self.column.addWidget(named)
        self.column.addWidget(widget)

    def _finish(self) -> None:
        """The last of the layout, when every field is in it."""
        self.column.addSpacing(8)
        self.column.addWidget(self.fault)
        self.column.addWidget(self.go_on)

    def press(self) -> None:
        """What the button does."""
        raise NotImplementedError

    def _start(self, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        self._set_busy(True)
        self._run(self._do(work))

    async def _do(self, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        try:
            await work()
        except CashierError as error:
            self.say(error.user_text)
        finally:
            self._set_busy(False)
        if self.isVisible():
            self.focus_start()

    def _set_busy(self, busy: bool) -> None:
        self._busy = busy
        self.go_on.setEnabled(not busy)

    def say(self, text: str) -> None:
        """Tell what was refused; a screen reader says it. Nothing takes the last one away."""
        self.fault.setText(text)
        self.fault.setVisible(bool(text))
        if text:
            announce(self.fault, text)

    def focus_start(self) -> None:
        """Where typing goes."""
        raise NotImplementedError


class SignInForm(Form):
    """A name, chosen by typing, and a PIN."""

    def __init__(self, till: Till, run: Run) -> None:
        super().__init__("Sign in", "Sign in", run)
        self._till = till
        self._people: tuple[Person, ...] = ()
        self.name = NameField()
        self.name.textEdited.connect(self._typed)
        self.name.moved.connect(self._move)
        self.name.returnPressed.connect(self._name_entered)
        self.names = QListWidget()
        self.names.setAccessibleName("People who fit")
        self.names.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.names.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.names.itemClicked.connect(lambda item: self._choose(item.text()))
        self.pin = pin_field("PIN")
        self.pin.returnPressed.connect(self.press)
        self._field("Name: type its first letters, Enter takes it", self.name)
        self.column.addWidget(self.names)
        self._field("PIN", self.pin)
        self._finish()
        if till.config.training:
            told = "\n".join(f"{one.name}, {one.role.value}: {one.pin}" for one in TRAINEES)
            self.column.addWidget(label(f"PINs of this training:\n{told}", "soft", wrap=True))

    def show_people(self, view: PeopleView, *, is_paying: bool) -> None:
        """Who may come, and who has locked the till."""
        here = view.signed_in if view.is_locked else None
        self.title.setText("Locked" if here else "Sign in")
        self.go_on.setText("Unlock" if here else "Sign in")
        self.go_on.setAccessibleName(self.go_on.text())
        texts = [f"Till {self._till.config.till} · {self._till.config.agency}"]
        if here:
            texts.append(f"{here.name} is signed in. {here.name} or a supervisor can unlock it.")
        if is_paying:
            texts.append("A payment is under way. It goes on behind this: nothing of it is lost.")
        self.says.setText("\n".join(texts))
        self._people = view.active
        self.pin.clear()
        self.say("")
        only = self._people[0] if len(self._people) == 1 else None
        person = here or only
        self.name.setText(person.name if person else "")
        self._list(self._people)
        announce(self, f"{self.title.text()}. {self.says.text()}")

    def focus_start(self) -> None:
        """The PIN of who is chosen already; else the name."""
        (self.pin if self._known(self.name.text()) else self.name).setFocus()

    def _known(self, name: str) -> Person | None:
        key = name_key(name)
        return next((person for person in self._people if name_key(person.name) == key), None)

    def _fitting(self, text: str) -> list[Person]:
        """People any of whose names starts as typed."""
        key = name_key(text)
        return [
            person
            for person in self._people
            if name_key(person.name).startswith(key)
            or any(word.startswith(key) for word in name_key(person.name).split())
        ]

    def _list(self, people: tuple[Person, ...] | list[Person]) -> None:
        """Show who fits; nothing when who it is has been chosen already."""
        self.names.setVisible(self._known(self.name.text()) is None)
        self.names.clear()
        self.names.addItems([person.name for person in people])
        chosen = name_key(self.name.text())
        rows = [at for at, person in enumerate(people) if name_key(person.name) == chosen]
        self.names.setCurrentRow(rows[0] if rows else 0)
        shown = min(max(len(self._people), 1), ROWS_MAX)
        self.names.setFixedHeight(shown * max(self.names.sizeHintForRow(0), scaled(ROW_HEIGHT)) + 4)

    def _typed(self, text: str) -> None:
        self.say("")
        self._list(self._fitting(text))
        self.names.show()

    def _move(self, step: int) -> None:
        row = self.names.currentRow() + step
        if 0 <= row < self.names.count():
            self.names.setCurrentRow(row)
            announce(self.names, self.names.currentItem().text())

    def _name_entered(self) -> None:
        item = self.names.currentItem()
        if item is None:
            self.say("Nobody of this name may sign in at this till.")
        else:
            self._choose(item.text())

    def _choose(self, name: str) -> None:
        self.name.setText(name)
        self._list(self._fitting(name))
        self.pin.setFocus()

    def press(self) -> None:
        """Sign in, or unlock."""
        if self._busy:
            return
        if self._known(self.name.text()) is None:
            item = self.names.currentItem()
            if item is not None and self.name.text().strip():
                self.name.setText(item.text())
            else:
                self.say("Choose your name first.")
                self.name.setFocus()
                return
        name, pin = self.name.text(), self.pin.text()
        self.pin.clear()
        if not pin:
            self.say("Enter your PIN.")
            self.pin.setFocus()
            return
        self.say("")
        self._start(lambda: self._till.people.sign_in(name, pin))


class FirstStartForm(Form):
    """The first administrator of a till."""

    def __init__(self, till: Till, run: Run) -> None:
        super().__init__("Who looks after this till?", "Create the administrator", run)
        self._till = till
        self.says.setText(
            f"Till {till.config.till} · {till.config.agency}\n"
            "This is its first start. The administrator adds the other people, and sets their PINs. "
            "No payment is taken before somebody is signed in."
        )
        self.name = QLineEdit()
        self.name.setAccessibleName("Name of the administrator")
        self.name.setMaxLength(NAME_MAX)
        self.pin, self.again = pin_field("PIN of the administrator"), pin_field("The same PIN again")
        least = PIN_MIN[Role.ADMINISTRATOR]
        self._field("Name", self.name)
        self._field(f"PIN, {least} to {PIN_MAX} digits", self.pin)
        self._field("The same PIN again", self.again)
        self._finish()
        self.name.returnPressed.connect(self.pin.setFocus)
        self.pin.returnPressed.connect(self.again.setFocus)
        self.again.returnPressed.connect(self.press)

    def focus_start(self) -> None:
        """The first field that is empty."""
        empty = (field for field in (self.name, self.pin, self.again) if not field.text().strip())
        next(empty, self.go_on).setFocus()

    def press(self) -> None:
        """Create them."""
        if self._busy:
            return
        name, pin, again = self.name.text(), self.pin.text(), self.again.text()
        self.pin.clear()
        self.again.clear()
        if not name.strip():
            self.say("Enter the administrator's name.")
        elif pin != again:
            self.say("The two PINs are not the same. Enter both again.")
        else:
            self.say("")
            self._start(lambda: self._till.people.create_first(name, pin))
            return
        self.focus_start()
