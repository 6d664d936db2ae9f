"""Two dialogs of training: the menu of what can be rehearsed, and the steps of the first day."""

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QListWidget, QVBoxLayout, QWidget

from cashier.domain.errors import CashierError
from cashier.till.first_day import FirstDay
from cashier.till.rehearsal import Rehearsal
from cashier.till.rehearsal_cases import Lesson, Task
from cashier.ui.theme import scaled
from cashier.ui.widgets import Button, Shrinking, announce, label, row

WIDTH, HEIGHT = 900, 560
#: How much of the window stays visible around a dialog.
MARGIN = 48
_SIGNS = {True: "✓", False: "✕", None: "●"}


class TrainingDialog(QDialog):
    """A window-modal dialog as large as its text, within its window. Deletes itself when it is left."""

    def __init__(self, window: QWidget, title: str) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setWindowTitle(title)
        self.setFixedSize(
            min(scaled(WIDTH), window.width() - MARGIN), min(scaled(HEIGHT), window.height() - MARGIN)
        )
        self.leave = Button("Leave   Esc")
        self.leave.clicked.connect(self.reject)
        self.box = QVBoxLayout(self)
        self.box.setContentsMargins(24, 20, 24, 20)
        self.box.setSpacing(12)

    def refresh(self) -> None:
        """Show how it stands now."""
        raise NotImplementedError


class Rows(QListWidget):
    """Rows of text; Enter on one is told once, however long the key is held, and to nobody else."""

    entered_on = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setWordWrap(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """See above."""
        if event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            super().keyPressEvent(event)
        elif not event.isAutoRepeat():
            self.entered_on.emit()


class RehearseDialog(TrainingDialog):
    """The cases, each with what to do, what will be seen, what is right and how it went the last time."""

    def __init__(
        self,
        window: QWidget,
        rehearsal: Rehearsal,
        run: Callable[[Coroutine[Any, Any, None]], None],
        changed: Callable[[], None],
    ) -> None:
        super().__init__(window, "Rehearse")
        self._rehearsal, self._run, self._changed = rehearsal, run, changed
        self.cases = Rows("What can go wrong")
        for item in rehearsal.lessons:
            self.cases.addItem(item.title)
        self.cases.setCurrentRow(0)
        self.cases.currentRowChanged.connect(lambda _row: self.refresh())
        self.cases.entered_on.connect(self._act)
        self.cases.itemDoubleClicked.connect(lambda _item: self._act())
        self.details = label("", "", wrap=True)
        self.details.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.told = label("", "warning", wrap=True)
        self.act, self.disarm = Button(""), Button("Disarm", "Let the next payment go well")
        self.act.setObjectName("primary")
        self.act.clicked.connect(lambda _checked=False: self._act())
        self.disarm.clicked.connect(lambda _checked=False: self._disarm())
        self.box.addWidget(label("Rehearse what goes wrong", "title", wrap=True))
        self.box.addLayout(_side_by_side(self.cases, self.details, self.told), 1)
        self.box.addLayout(row(self.act, self.disarm, 1, self.leave))
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        """The keys go to the cases."""
        super().showEvent(event)
        self.cases.setFocus()

    @property
    def chosen(self) -> Lesson:
        """The case that is chosen."""
        return self._rehearsal.lessons[max(self.cases.currentRow(), 0)]

    def refresh(self) -> None:
        """Show what is armed, and how each case went the last time."""
        view = self._rehearsal.view()
        lasts = {verdict.case: verdict for verdict in reversed(view.verdicts)}
        for place, item in enumerate(self._rehearsal.lessons):
            last = lasts.get(item.case)
            sign = "◷" if item in (view.armed, view.running) else _SIGNS[last.is_right] if last else "   "
            self.cases.item(place).setText(f"{sign}  {item.title}")
        chosen = self.chosen
        parts = [f"What you do: {chosen.do}", f"What you will see: {chosen.sees}"]
        parts.append(f"What is right: {chosen.right}")
        if last := lasts.get(chosen.case):
            parts.append(f"Last time: {last.text}")
        self.details.setText("\n\n".join(parts))
        if chosen.is_switch:
            self.act.setText("Bring the line back" if view.line_is_down else "Drop the line")
        elif chosen.is_task:
            self.act.setText("Begin")
        else:
            self.act.setText("Arm for the next payment")
        self.act.setAccessibleName(self.act.text())
        is_task = view.armed is not None and view.armed.is_task
        self.disarm.setText("Put away" if is_task else "Disarm")
        self.disarm.setAccessibleName("Put the task away" if is_task else "Let the next payment go well")
        self.disarm.setVisible(view.armed is not None)
        self._say(_standing(view.armed, view.running, down=view.line_is_down))

    def _say(self, text: str) -> None:
        if text and text != self.told.text():
            announce(self.told, text)
        self.told.setText(text)
        self.told.setVisible(bool(text))

    def _act(self) -> None:
        chosen = self.chosen
        if isinstance(chosen.case, Task):
            self._do(self._rehearsal.begin(chosen.case))
        elif not chosen.is_switch:
            self._do(self._rehearsal.arm(chosen.case))
        elif self._rehearsal.view().line_is_down:
            self._do(self._rehearsal.restore_line())
        else:
            self._do(self._rehearsal.drop_line())

    def _disarm(self) -> None:
        self._do(self._rehearsal.disarm())
        self.cases.setFocus()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        self._run(self._done(work))

    async def _done(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except CashierError as error:
            self._say(error.user_text)
        else:
            self._changed()


def _side_by_side(rows: QListWidget, text: QLabel, *below: QWidget) -> QHBoxLayout:
    """Rows, and beside them what is to be said of the chosen one; scrolled where it is long."""
    right = QVBoxLayout()
    right.addWidget(Shrinking(text))
    right.addStretch()
    for part in below:
        right.addWidget(part)
    middle = QHBoxLayout()
    middle.setSpacing(16)
    middle.addWidget(rows, 1)
    middle.addLayout(right, 1)
    return middle


def _standing(armed: Lesson | None, running: Lesson | None, *, down: bool) -> str:
    parts = []
    if armed is not None and armed.is_task:
        parts.append(f"To do: {armed.title}. Leave, and do it on the page Accounts (Ctrl+7).")
    elif armed is not None:
        parts.append(f"Armed: {armed.title}. Leave, and take a card payment.")
    if running is not None:
        parts.append(f"Under way: {running.title}. See it to its end first.")
    if down:
        parts.append("The line to Invoice Cloud is down.")
    return " ".join(parts)


class Guided(Protocol):
    """What shows the steps in the window, or hides them."""

    @property
    def is_guided(self) -> bool:
        """Whether it shows them."""

    def guide_is_shown(self, shown: bool) -> None:
        """Show or hide them."""


class GuideDialog(TrainingDialog):
    """All steps of the first day, with what is done. They tick themselves off."""

    def __init__(self, window: QWidget, day: FirstDay, guided: Guided) -> None:
        super().__init__(window, "First day")
        self._day, self._guided = day, guided
        self.steps = Rows("Steps of the first day")
        self.steps.currentRowChanged.connect(lambda _row: self.refresh())
        self.how = label("", "", wrap=True)
        self.how.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.toggle = Button("")
        self.toggle.clicked.connect(lambda _checked=False: self._toggle())
        self.head = label("", "title", wrap=True)
        self.box.addWidget(self.head)
        self.box.addLayout(_side_by_side(self.steps, self.how), 1)
        self.box.addLayout(row(self.toggle, 1, self.leave))
        for step in day.steps():
            self.steps.addItem(step.title)
            if step.is_next:
                self.steps.setCurrentRow(self.steps.count() - 1)
        self.steps.setCurrentRow(max(self.steps.currentRow(), 0))
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        """The keys go to the steps."""
        super().showEvent(event)
        self.steps.setFocus()

    def refresh(self) -> None:
        """Show what is done by now."""
        steps = self._day.steps()
        if self.steps.count() < len(steps):
            return  # it is being filled
        self.head.setText(f"First day: {sum(step.is_done for step in steps)} of {len(steps)} done")
        for place, step in enumerate(steps):
            sign = "✓" if step.is_done else "▸" if step.is_next else "○"
            done = " – done" if step.is_done else ""
            self.steps.item(place).setText(f"{sign}  {place + 1}. {step.title}{done}")
        chosen = steps[self.steps.currentRow()]
        self.how.setText(f"{chosen.how}\n\nIt is ticked off when the journal has it.")
        self.toggle.setText("Hide from the window" if self._guided.is_guided else "Show in the window")
        self.toggle.setAccessibleName(self.toggle.text())

    def _toggle(self) -> None:
        self._guided.guide_is_shown(not self._guided.is_guided)
        self.refresh()
