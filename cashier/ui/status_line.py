"""The line at the foot of the window: who and where, the reader, the line, what is still to be sent."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from cashier.till.snapshot import LineState, Snapshot
from cashier.ui.sending import sending_text
from cashier.ui.shift_steps import status_words
from cashier.ui.theme import scaled
from cashier.ui.widgets import Button, ElidedLabel, label

HEIGHT = 34
#: What the words about the line keep when the status line is crowded.
LINE_WIDTH_MIN = 240
_LINES = {
    LineState.UNKNOWN: "line: asking …",
    LineState.ONLINE: "● online",
}


class StatusLine(QFrame):
    """One line, and at its end the signs of training. `note` is anybody's who has done something."""

    leave_training_asked = Signal()

    def __init__(self, training_sign: QWidget, *, training: bool) -> None:
        super().__init__()
        self.setObjectName("status")
        self.setFixedHeight(scaled(HEIGHT))
        self.till, self.reader = ElidedLabel("starting …"), ElidedLabel("")
        self.line, self.note = ElidedLabel(""), ElidedLabel("")
        self.customer = ElidedLabel("")
        self.outbox = label("")
        self.leave_training = Button("Leave training", "Leave training, and set this till up")
        self.leave_training.setObjectName("link")
        self.leave_training.clicked.connect(lambda _checked=False: self.leave_training_asked.emit())
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 0, 16, 0)
        layout.setSpacing(16)
        for part in (self.till, self.reader, self.line, self.customer, self.outbox, self.note):
            layout.addWidget(part)
        layout.addStretch()
        layout.addWidget(label("F1 shortcuts"))
        layout.addWidget(training_sign)
        layout.addWidget(self.leave_training)
        if training:
            layout.addWidget(label("TRAINING", "training"))
        self.leave_training.hide()

    def show_not_started(self) -> None:
        """There is no till."""
        self.till.setText("not started")
        self.note.setText("")

    def show_snapshot(self, snapshot: Snapshot, customer: str) -> None:
        """What the till says now; `customer` is who is signed on at the customer's account, or empty."""
        self.till.setText(status_words(snapshot.till, snapshot.cashier, snapshot.shift))
        self.till.setToolTip(f"{self.till.text()} · {snapshot.agency}")
        reader = snapshot.draft.reader
        self.reader.setText(f"reader: {reader.reader.label}" if reader else "no reader chosen")
        fault = f"○ {snapshot.line_fault}" if snapshot.line_fault else ""
        self.line.setText(fault or _LINES[snapshot.line])
        self.line.setMinimumWidth(min(self.line.sizeHint().width(), scaled(LINE_WIDTH_MIN)))
        self.customer.setText(customer)
        self.customer.setVisible(bool(customer))
        self.outbox.setText(sending_text(snapshot.outbox))
        self.outbox.setToolTip(snapshot.outbox.fault)
