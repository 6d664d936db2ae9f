"""One's own PIN: whoever is signed in gives themselves a new one, knowing the old."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from cashier.till.till import Till
from cashier.ui.sign_in import Form, Run, pin_field
from cashier.ui.theme import scaled
from cashier.ui.widgets import fit_height

WIDTH = 420


class OwnPinDialog(QDialog):
    """Deletes itself when it is left."""

    def __init__(self, window: QWidget, till: Till, run: Run) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setWindowTitle("Your PIN")
        self.setMinimumWidth(min(scaled(WIDTH), window.width()))
        self.form = OwnPinForm(till, run, self.accept)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.form)

    def showEvent(self, event: QShowEvent) -> None:
        """As high as it needs to be, with the first field ready."""
        super().showEvent(event)
        fit_height(self)
        self.form.focus_start()


class OwnPinForm(Form):
    """The old PIN once, the new one twice. PINs are forgotten with every press."""

    def __init__(self, till: Till, run: Run, done: Callable[[], object]) -> None:
        super().__init__("Your PIN", "Change my PIN", run)
        self._till = till
        self._done = done
        self.go_on.setAutoDefault(False)  # Enter goes to the next field first
        self.says.setText(f"{till.people.name}: the new PIN counts from the next time on.")
        self.old, self.pin = pin_field("Your PIN as it is"), pin_field("Your new PIN")
        self.again = pin_field("Your new PIN again")
        for field in (self.old, self.pin, self.again):
            self._field(field.accessibleName(), field)
            field.returnPressed.connect(self._entered)
        self._finish()

    def focus_start(self) -> None:
        """The first field that is empty."""
        empty = (field for field in (self.old, self.pin, self.again) if not field.text())
        next(empty, self.go_on).setFocus()

    def _entered(self) -> None:
        if all(field.text() for field in (self.old, self.pin, self.again)):
            self.press()
        else:
            self.focus_start()

    def press(self) -> None:
        """Change it."""
        if self._busy:
            return
        old, pin, again = self.old.text(), self.pin.text(), self.again.text()
        for field in (self.old, self.pin, self.again):
            field.clear()
        if not pin or pin != again:
            self.say("The two new PINs are not the same. Enter all three again.")
            fit_height(self.window())
            self.focus_start()
            return
        self.say("")
        self._start(lambda: self._change(old, pin))

    async def _change(self, old: str, pin: str) -> None:
        await self._till.people.change_own_pin(old, pin)
        self._done()
