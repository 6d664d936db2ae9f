"""The bar about the shift: why the sale page can take no money, and what should be seen to."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout

from cashier.till.snapshot import Snapshot
from cashier.ui.theme import scaled
from cashier.ui.widgets import Button, announce, label


class ShiftBar(QFrame):
    """An amber line across the window, with the way to the Shift page."""

    shift_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("print-bar")  # as the other bar of what waits for somebody
        self._text = label("", "", wrap=True)
        self.button = Button("To the shift")
        self.button.setObjectName("beside")
        self.button.clicked.connect(lambda _checked=False: self.shift_asked.emit())
        layout = QHBoxLayout(self)
        margin = 8 - min(scaled(4), 8)  # large text takes the room
        layout.setContentsMargins(16, margin, 16, margin)
        layout.setSpacing(16)
        layout.addWidget(self._text, 1)
        layout.addWidget(self.button)
        self.hide()

    def show_snapshot(self, snapshot: Snapshot, *, on_sale: bool, on_shift: bool) -> None:
        """Say why there is no money on the sale page; elsewhere the warnings; nothing on the shift's own."""
        people, shift = snapshot.people, snapshot.shift
        if people.signed_in is None or people.is_locked:
            return  # covered: what is behind stays as it is
        text = snapshot.no_money if on_sale else ""
        if not text and shift is not None and not on_shift:
            text = warnings_of(snapshot)
        is_none = shift is None or shift.is_closed
        self.button.setText("Open a shift" if is_none else "To the shift")
        self.button.setAccessibleName(self.button.text())
        is_new = bool(text) and text != self.text
        self.setAccessibleName(text)
        self._text.setText(f"◷  {text}")
        self.setVisible(bool(text))
        if is_new:
            announce(self, text)

    @property
    def text(self) -> str:
        """What it says; empty while it is away."""
        return self.accessibleName()


def warnings_of(snapshot: Snapshot, *, counting: bool = False) -> str:
    """What should be seen to about the drawer, the day and the clock; or empty.

    Whoever counts is not told what the drawer holds (behaviour T2).
    """
    shift = snapshot.shift
    if shift is None:
        return ""
    cash = "" if counting or shift.state.is_counting else shift.cash_warning
    return " ".join(part for part in (cash, shift.date_warning) if part)
