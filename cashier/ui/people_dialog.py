"""The people of the till, for its administrators: add somebody, set a PIN, let somebody in no more.

What the core refuses is said in the dialog, in the core's words. PINs are forgotten with every press.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QDialog, QGridLayout, QLineEdit, QListWidget, QVBoxLayout, QWidget

from cashier.domain.errors import CashierError
from cashier.domain.people import NAME_MAX, PIN_MIN, Person, Role
from cashier.till.till import Till
from cashier.ui.sign_in import Run, pin_field
from cashier.ui.theme import scaled
from cashier.ui.widgets import Button, announce, fit_height, label, row

WIDTH = 560
LIST_HEIGHT = 160


class PeopleDialog(QDialog):
    """Everybody who was ever added. Deletes itself when it is left."""

    def __init__(self, window: QWidget, till: Till, run: Run) -> None:
        super().__init__(window)
        self._till = till
        self._run = run
        self._busy = False
        self._everybody: tuple[Person, ...] = ()
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setWindowTitle("People")
        self.setMinimumWidth(min(scaled(WIDTH), window.width()))
        self.people = QListWidget()
        self.people.setAccessibleName("People of this till")
        self.people.setFixedHeight(LIST_HEIGHT)
        self.people.currentRowChanged.connect(lambda _row: self._name_verbs())
        self.name = QLineEdit()
        self.name.setMaxLength(NAME_MAX)
        self.name.setAccessibleName("Name of the new person, or a new name")
        self.role = QComboBox()
        for role in Role:
            self.role.addItem(f"{role.value}, PIN of {PIN_MIN[role]} digits or more", role)
        self.role.setAccessibleName("Role")
        self.pin, self.again = pin_field("New PIN"), pin_field("The same PIN again")
        self.add, self.set_pin, self.switch = Button("Add"), Button("Set PIN"), Button("Deactivate")
        self.change = Button("Change name and role")
        self.add.clicked.connect(self._add)
        self.change.clicked.connect(self._change)
        self.set_pin.clicked.connect(self._set_pin)
        self.switch.clicked.connect(self._switch)
        self.told = label("", "", wrap=True)
        self.leave = Button("Close   Esc")
        self.leave.clicked.connect(self.accept)
        self._lay_out()
        self.refresh()
        self.people.setCurrentRow(0)
        self.people.setFocus()

    def _lay_out(self) -> None:
        fields = QGridLayout()
        fields.setHorizontalSpacing(12)
        fields.setVerticalSpacing(4)
        for place, (text, widget) in enumerate(
            (
                ("Name, of a new person or a new one", self.name),
                ("Role", self.role),
                ("New PIN, of either", self.pin),
                ("The same PIN again", self.again),
            )
        ):
            named = label(text, "soft")
            named.setBuddy(widget)
            fields.addWidget(named, 2 * (place // 2), place % 2)
            fields.addWidget(widget, 2 * (place // 2) + 1, place % 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 20)
        layout.setSpacing(10)
        layout.addWidget(label("People", "title"))
        layout.addWidget(self.people)
        layout.addLayout(fields)
        layout.addWidget(self.told)
        layout.addLayout(row(self.add, self.change, self.set_pin, self.switch, 1, self.leave))

    def refresh(self) -> None:
        """Show everybody as they are now; who was chosen stays chosen."""
        place = self.people.currentRow()
        self._everybody = self._till.people.view().everybody
        self.people.clear()
        self.people.addItems([_line(person) for person in self._everybody])
        self.people.setCurrentRow(min(max(place, 0), self.people.count() - 1))
        self._name_verbs()

    @property
    def _chosen(self) -> Person | None:
        place = self.people.currentRow()
        return self._everybody[place] if 0 <= place < len(self._everybody) else None

    def _name_verbs(self) -> None:
        """Each button says, to a screen reader in full, whom it is about."""
        person = self._chosen
        self.add.setAccessibleName("Add the new person")
        for button in (self.change, self.set_pin, self.switch):
            button.setEnabled(person is not None)
        if person is not None:
            self.change.setAccessibleName(f"Change the name and role of {person.name}")
            self.set_pin.setAccessibleName(f"Set the PIN of {person.name}")
            self.switch.setText("Deactivate" if person.is_active else "Activate")
            self.switch.setAccessibleName(f"{self.switch.text()} {person.name}")

    # -- verbs ---------------------------------------------------------------------------------------------

    def _add(self) -> None:
        name, role = self.name.text(), Role(self.role.currentData())
        if (pin := self._new_pin()) is not None:
            self._start(lambda: self._till.people.add(name, role, pin), f"{name} is added.", self.name.clear)

    def _change(self) -> None:
        """The chosen person gets the role that is chosen, and the name that is typed, if any is."""
        person = self._chosen
        if person is None:
            return
        name, role = self.name.text().strip() or person.name, Role(self.role.currentData())
        try:
            self._till.people.change(person.id, name=name if name != person.name else None, role=role)
        except CashierError as error:
            self._say(error.user_text, fault=True)
            return
        self.name.clear()
        new_pin = (
            ""
            if self._till.people.view().everybody[self.people.currentRow()].pin_id
            else " A new PIN is due."
        )
        self._say(f"{name} is {role.value} now.{new_pin}")
        self.refresh()

    def _set_pin(self) -> None:
        person = self._chosen
        if person is not None and (pin := self._new_pin()) is not None:
            self._start(lambda: self._till.people.set_pin(person.id, pin), f"{person.name} has a new PIN.")

    def _switch(self) -> None:
        person = self._chosen
        if person is None:
            return
        try:
            self._till.people.change(person.id, is_active=not person.is_active)
        except CashierError as error:
            self._say(error.user_text, fault=True)
            return
        may = "may sign in no more" if person.is_active else "may sign in again"
        self._say(f"{person.name} {may}.")
        self.refresh()

    def _new_pin(self) -> str | None:
        """The PIN, typed twice; None, told, when the two are not one."""
        pin, again = self.pin.text(), self.again.text()
        self.pin.clear()
        self.again.clear()
        if not pin or pin != again:
            self._say("Enter the new PIN twice, the same both times.", fault=True)
            self.pin.setFocus()
            return None
        return pin

    def _start(
        self,
        work: Callable[[], Coroutine[Any, Any, object]],
        done: str,
        after: Callable[[], object] = lambda: None,
    ) -> None:
        if not self._busy:
            self._busy = True
            self._run(self._do(work, done, after))

    async def _do(
        self, work: Callable[[], Coroutine[Any, Any, object]], done: str, after: Callable[[], object]
    ) -> None:
        try:
            await work()
        except CashierError as error:
            self._say(error.user_text, fault=True)
        else:
            after()
            self._say(done)
            self.refresh()
        finally:
            self._busy = False

    def _say(self, text: str, *, fault: bool = False) -> None:
        self.told.setObjectName("fault" if fault else "")
        self.told.style().unpolish(self.told)
        self.told.style().polish(self.told)
        self.told.setText(text)
        fit_height(self)
        announce(self.told, text)

    def showEvent(self, event: QShowEvent) -> None:
        """As high as it needs to be."""
        super().showEvent(event)
        fit_height(self)

    def reject(self) -> None:
        """Esc leaves; what is being recorded is recorded first."""
        if not self._busy:
            super().reject()


def _line(person: Person) -> str:
    state = "" if person.is_active else " · may not sign in"
    missing = "" if person.pin_id else " · has no PIN"
    return f"{person.name} · {person.role.value}{state}{missing}"
