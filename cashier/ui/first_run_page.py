"""The greeting of a machine that is no till yet: train first, or set it up, one page a step, by keyboard."""

from collections.abc import Callable, Coroutine
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from cashier.domain.errors import CashierError
from cashier.till.set_up_questions import STEPS, StepName
from cashier.till.setting_up import Guide, SetUp
from cashier.ui.guide_steps import ReadyStep, StepPage
from cashier.ui.theme import scaled
from cashier.ui.widgets import Button, announce, card, label, row

WIDTH = 860
Run = Callable[[Coroutine[Any, Any, None]], None]
WELCOME = (
    "There are no settings and no journal on this computer yet. Nothing can go wrong here: no money moves "
    "before the till is set up."
)
TRAIN = (
    "A whole till with made-up people, fees and cards. Nothing is to be filled in, and a bar on top leads "
    "through the first sale and a first day, step by step (Ctrl+G). It takes less than five minutes to the "
    "first receipt."
)
SET_UP = (
    "Seven short steps. Have ready: the name of your Invoice Cloud biller with its API key, the address of "
    "your hub with an enrolment code or till key, and what Invoice Cloud calls your card reader. Key and "
    "reader can be added later."
)


class FirstRunPage(QWidget):
    """Greeting and guide. `finished`: the settings are written; the till can be opened."""

    train_asked = Signal()
    finished = Signal()

    def __init__(self, tools: SetUp, run: Run) -> None:
        super().__init__()
        self.setObjectName("page")
        self._run = run
        self.guide = Guide(tools)
        self.train = Button("Train first   Enter", "Train first")
        self.train.setObjectName("primary")
        self.set_up = Button("Set up this till")
        self.train.clicked.connect(lambda _checked=False: self.train_asked.emit())
        self.set_up.clicked.connect(lambda _checked=False: self.show_step(STEPS[0]))
        self.heads = [
            label(f"{place}  {name.value}", "step", wrap=True) for place, name in enumerate(STEPS, 1)
        ]
        self.steps: dict[StepName, StepPage | ReadyStep] = {
            name: ReadyStep(self.guide) if name is StepName.READY else StepPage(name, self.guide, run)
            for name in STEPS
        }
        self.back = Button("Back   Esc", "Back to the step before")
        self.on = Button("Next   Enter", "Next step")
        self.on.setObjectName("primary")
        self.fault = label("", "fault", wrap=True)
        self.fault.hide()
        self.back.clicked.connect(lambda _checked=False: self.go_back())
        self.on.clicked.connect(lambda _checked=False: self.go_on())
        for page in self.steps.values():
            if isinstance(page, StepPage):
                page.entered.connect(self.go_on)
        self.stack = QStackedWidget()
        self.stack.addWidget(_middle(self._greeting(), "Welcome"))
        self.stack.addWidget(self._guide())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.addWidget(self.stack)
        self.step = STEPS[0]

    def _greeting(self) -> QWidget:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(16)
        column.addWidget(label("Welcome to the permit counter till", "title", wrap=True))
        column.addWidget(label(WELCOME, "soft", wrap=True))
        for button, text in ((self.train, TRAIN), (self.set_up, SET_UP)):
            box = QVBoxLayout()
            box.setSpacing(12)
            box.addWidget(label(text, "", wrap=True))
            box.addLayout(row(button, 1))
            column.addWidget(card(box))
        column.addStretch()
        return inside

    def _guide(self) -> QWidget:
        self.pages = QStackedWidget()
        for page in self.steps.values():
            self.pages.addWidget(_middle(page, "Step of the set-up"))
        inside = QWidget()
        inside.setMaximumWidth(scaled(WIDTH))
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addLayout(row(*self.heads, spacing=20))
        column.addWidget(self.pages, 1)
        column.addWidget(self.fault)
        column.addLayout(row(self.back, 1, self.on))
        return _centred(inside)

    # -- moving --------------------------------------------------------------------------------------------

    def focus_start(self) -> None:
        """Where the keys go."""
        if self.stack.currentIndex() == 0:
            self.train.setFocus()
        else:
            self.steps[self.step].focus_start()

    def show_step(self, name: StepName) -> None:
        """Bring a step up; what was typed elsewhere stays."""
        self.step = name
        self._say("")
        self.stack.setCurrentIndex(1)
        place = STEPS.index(name)
        self.pages.setCurrentIndex(place)
        for at, head in enumerate(self.heads):
            head.setObjectName("step-now" if at == place else "step")
            head.style().unpolish(head)
            head.style().polish(head)
        last = name is StepName.READY
        self.on.setText("Save and open the till   Enter" if last else "Next   Enter")
        self.on.setAccessibleName("Save and open the till" if last else "Next step")
        self.steps[name].show_now()
        announce(self, f"Step {place + 1} of {len(STEPS)}: {name.value}")
        if last:
            self.on.setFocus()
        else:
            self.steps[name].focus_start()

    def go_back(self) -> None:
        """The step before; before the first one the greeting."""
        place = STEPS.index(self.step)
        if place == 0:
            self.stack.setCurrentIndex(0)
            self.set_up.setFocus()
        else:
            self.show_step(STEPS[place - 1])

    def go_on(self) -> None:
        """The next step, once this one is right; after the last one everything is saved."""
        page = self.steps[self.step]
        if isinstance(page, ReadyStep):
            self._save()
        elif page.is_right():
            self.show_step(STEPS[STEPS.index(self.step) + 1])

    def keyPressEvent(self, event: Any) -> None:
        """Esc goes back; nothing is lost by that."""
        if event.key() == Qt.Key.Key_Escape and self.stack.currentIndex() == 1:
            self.go_back()
        else:
            super().keyPressEvent(event)

    def _save(self) -> None:
        for name in STEPS[:-1]:
            if self.guide.faults(name):
                self.show_step(name)
                page = self.steps[name]
                assert isinstance(page, StepPage)
                page.is_right()
                return
        try:
            self.guide.save()
        except CashierError as error:
            self._say(error.user_text)
        else:
            self.finished.emit()

    def _say(self, text: str) -> None:
        self.fault.setText(text)
        self.fault.setVisible(bool(text))
        if text:
            announce(self.fault, text)


def _middle(inside: QWidget, name: str) -> QScrollArea:
    """In the middle of the page, no wider than it is read well; it scrolls where there is no room."""
    inside.setMaximumWidth(scaled(WIDTH))
    area = QScrollArea()
    area.setObjectName("shrinking")
    area.setAccessibleName(name)
    area.setWidgetResizable(True)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(_centred(inside))
    return area


def _centred(inside: QWidget) -> QWidget:
    outside = QWidget()
    outside.setObjectName("page")
    layout = row(1, inside, 1, spacing=0)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setStretch(1, 100)
    outside.setLayout(layout)
    return outside
