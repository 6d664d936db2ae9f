"""The calm bar about the line: what became of an outage, and which parked sales can be paid now."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout

from cashier.till.snapshot import LineState, Snapshot
from cashier.ui.theme import scaled
from cashier.ui.widgets import Button, ElidedLabel, announce


class LineBar(QFrame):
    """Above the pages, one line high. It comes when the line is back, and goes when it has been read.

    Parked sales come back with the next start and with the next return of the line, as long as they wait.
    """

    held_asked = Signal()
    #: What the bar said has been read.
    seen = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("line-bar")
        #: The parked sales that are offered, and those whose offer was read, by id.
        self._parked: frozenset[str] = frozenset()
        self._read: frozenset[str] = frozenset()
        self._announced = ""
        self._text = ElidedLabel("")
        self.held = Button("Parked sales   F5", "Sales put aside: parked sales can be paid now (F5)")
        self.read = Button("Seen", "I have read what happened while the line was off")
        layout = QHBoxLayout(self)
        margin = 8 - min(scaled(4), 8)  # large text takes the room
        layout.setContentsMargins(16, margin, 16, margin)
        layout.setSpacing(8)
        layout.addWidget(self._text, 1)
        for button in (self.held, self.read):
            button.setObjectName("beside")
            button.setToolTip(button.accessibleName())
            layout.addWidget(button)
        self.held.clicked.connect(lambda _checked=False: self.held_asked.emit())
        self.read.clicked.connect(lambda _checked=False: self._seen())
        self.hide()

    def show_snapshot(self, snapshot: Snapshot, *, on_payment: bool) -> None:
        """Say it, but never while a payer may be at the payment page: that keeps its size."""
        people = snapshot.people
        if people.signed_in is None or people.is_locked:
            return  # covered: what is behind stays as it is
        if snapshot.line is LineState.OFFLINE:
            self._read, self._announced = frozenset(), ""
        self._parked = frozenset(held.id for held in snapshot.held if held.waits_for_line)
        parked = parked_text(snapshot) if self._parked - self._read else ""
        parts = (f"While the line was off: {snapshot.caught_up}." if snapshot.caught_up else "", parked)
        text = " ".join(part for part in parts if part)
        shown = text if not on_payment else ""
        self.setAccessibleName(shown)
        self._text.setText(f"●  {shown}")
        self.held.setVisible(bool(parked))
        self.setVisible(bool(shown))
        if shown and shown != self._announced:
            self._announced = shown  # once, also when the page is left and come back to
            announce(self, shown)

    def _seen(self) -> None:
        self._read = self._parked
        self.seen.emit()

    @property
    def text(self) -> str:
        """What it says; empty while it is away."""
        return self.accessibleName()


def parked_text(snapshot: Snapshot) -> str:
    """How many sales that waited for the line can be paid now; empty without one, and while it is off."""
    count = sum(held.waits_for_line for held in snapshot.held)
    if not count or snapshot.line is not LineState.ONLINE:
        return ""
    return f"{count} parked {'sale' if count == 1 else 'sales'} can be paid now. F5"
