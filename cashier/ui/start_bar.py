"""The thin bar that says that settings were changed, and count from the next start on."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout

from cashier.ui.theme import scaled
from cashier.ui.widgets import Button, ElidedLabel, announce

CHANGED = "The settings were changed. They count from the next start on."


class StartBar(QFrame):
    """Above the pages, one line high, from a change of the settings to the next start."""

    pressed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("line-bar")
        self.button = Button("Start anew", "Open the till anew with the changed settings")
        self.button.setObjectName("beside")
        self.button.setToolTip(self.button.accessibleName())
        self.button.clicked.connect(lambda _checked=False: self.pressed.emit())
        layout = QHBoxLayout(self)
        margin = 8 - min(scaled(4), 8)  # large text takes the room
        layout.setContentsMargins(16, margin, 16, margin)
        layout.setSpacing(8)
        layout.addWidget(ElidedLabel(f"●  {CHANGED}"), 1)
        layout.addWidget(self.button)
        self._was_told = False
        self.hide()

    def show_waiting(self, waits: bool, *, on_payment: bool) -> None:
        """Whether something waits for the next start; never while a payer may be at the payment page."""
        shown = waits and not on_payment
        self.setAccessibleName(CHANGED if shown else "")
        self.setVisible(shown)
        if shown and not self._was_told:
            self._was_told = True
            announce(self, CHANGED)
