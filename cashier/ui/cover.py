"""What stands over the whole window while nobody is at the till, and when nobody has been for a while.

The pages stay as they are behind it, the payment page too: it is covered, never closed, and what it says is
recorded as ever.
"""

import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from cashier.till.people import PeopleView
from cashier.till.till import Till
from cashier.ui.sign_in import FirstStartForm, Form, Run, SignInForm
from cashier.ui.theme import scaled
from cashier.ui.widgets import card, label

WIDTH = 460
TICK_MS = 1000


class Cover(QScrollArea):
    """Over `window`; shows the form that brings somebody to the till."""

    def __init__(self, window: QWidget, till: Till, run: Run) -> None:
        super().__init__(window)
        self._window = window
        self._till = till
        self.setObjectName("cover")
        self.setAccessibleName("Sign in")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.sign_in = SignInForm(till, run)
        self.first_start = FirstStartForm(till, run)
        self.setWidget(self._inside())
        self._shown: tuple[object, ...] = ()
        window.installEventFilter(self)
        self.hide()

    def _inside(self) -> QWidget:
        box = QVBoxLayout()
        box.addWidget(self.sign_in)
        box.addWidget(self.first_start)
        frame = card(box)
        frame.setFixedWidth(scaled(WIDTH))
        inside = QWidget()
        inside.setObjectName("page")
        layout = QVBoxLayout(inside)
        middle = QHBoxLayout()
        middle.addStretch()
        middle.addWidget(frame)
        middle.addStretch()
        layout.addStretch()
        layout.addLayout(middle)
        if self._till.config.training:
            training = label("TRAINING", "training")
            training.setAlignment(Qt.AlignmentFlag.AlignCenter)
            layout.addWidget(training)
        layout.addStretch()
        return inside

    @property
    def form(self) -> Form:
        """The form that is to be seen."""
        return self.sign_in if self.first_start.isHidden() else self.first_start

    def show_people(self, view: PeopleView, *, is_paying: bool) -> None:
        """Come up, or stay as it is when nothing of it is another."""
        shown = (view.signed_in, view.is_first_start, tuple(person.id for person in view.active), is_paying)
        if not self.isHidden() and shown == self._shown:
            return
        came_up, self._shown = self.isHidden(), shown
        self.first_start.setVisible(view.is_first_start)
        self.sign_in.setVisible(not view.is_first_start)
        self.sign_in.show_people(view, is_paying=is_paying)
        if came_up:
            self.resize(self._window.size())
            self.show()
        self.raise_()
        self.form.focus_start()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep to the window's size."""
        if watched is self._window:
            if event.type() is QEvent.Type.Resize:
                self.resize(self._window.size())
            return False
        return super().eventFilter(watched, event)  # the scroll area's own, of what is in it


class IdleWatch(QObject):
    """Calls `lock` with the seconds when nobody has been there for `limit_s` of them; 0 is never.

    `seen` gives something that changes with whatever a person does; None means that somebody is at work
    where it cannot be seen, which is on the payment page.
    """

    def __init__(self, parent: QObject, seen: Callable[[], object], lock: Callable[[int], None]) -> None:
        super().__init__(parent)
        self._seen = seen
        self._lock = lock
        self.now_s: Callable[[], float] = time.monotonic
        self.limit_s = 0.0
        self._last: object = None
        self._since_s = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self.tick)

    def start(self, limit_s: float) -> None:
        """Watch from now on."""
        self.limit_s = limit_s
        self._last, self._since_s = None, self.now_s()
        if limit_s > 0:
            self._timer.start()

    def tick(self) -> None:
        """Look once."""
        seen, now_s = self._seen(), self.now_s()
        if seen is None or seen != self._last:
            self._last, self._since_s = seen, now_s
        elif self.limit_s and now_s - self._since_s >= self.limit_s:
            idle_s, self._since_s = int(now_s - self._since_s), now_s
            self._lock(idle_s)
