"""What a window has in training alone: the bar with the step of the first day and the rehearsed case."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from cashier.till.first_day import FirstDay, StepView
from cashier.till.rehearsal import Rehearsal, RehearsalView, Verdict
from cashier.till.rehearsal_cases import Case, lesson
from cashier.till.till import Till
from cashier.till.words import Tone
from cashier.ui.training_dialogs import GuideDialog, RehearseDialog, TrainingDialog
from cashier.ui.widgets import Button, announce, label

#: Around the bar's texts and keys, and between them, pixels.
SIDE, GAP = 16, 4
Run = Callable[[Coroutine[Any, Any, None]], None]


@dataclass(frozen=True)
class Said:
    """What the bar says: the step and the case, in full and in short; without both there is no bar.

    `tone` is the case's; `is_over`: the case is, and can be put away.
    """

    guide: str = ""
    case: str = ""
    short_guide: str = ""
    short_case: str = ""
    tone: Tone = Tone.WAITING
    is_over: bool = False


class TrainingBar(QFrame):
    """Above the pages, so that it covers nothing: what to do next, and what is armed or came of it.

    It takes only what the pages can spare, says less where that is little, and nothing where it is nothing:
    then `sign`, in the status line, does, as it does while the bar is hidden. Its keys are reached by Tab; a
    click takes the focus from nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("training-bar")
        self.said = Said()
        self.guide, self.case = label("", "", wrap=True), label("", f"case-{Tone.WAITING.value}", wrap=True)
        self.steps = Button("Steps", "Steps of the first day (Ctrl+G)")
        self.rehearse = Button("Rehearse", "Rehearse what goes wrong (Ctrl+T)")
        self.seen = Button("Seen", "I have read how the rehearsal went")
        self.hide_guide = Button("Hide", "Hide the steps; Ctrl+G brings them back")
        self.sign = Button("")
        self.sign.hide()
        texts = QVBoxLayout()
        texts.setSpacing(GAP)
        texts.addWidget(self.guide)
        texts.addWidget(self.case)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SIDE, GAP, SIDE, GAP)
        layout.setSpacing(GAP)
        layout.addLayout(texts, 1)
        self._buttons = (self.seen, self.steps, self.rehearse, self.hide_guide)
        for button in self._buttons:
            button.setToolTip(button.accessibleName())
            layout.addWidget(button)
        for button in (*self._buttons, self.sign):
            button.setObjectName("link")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.hide()

    def say(self, said: Said, spare: int) -> None:
        """Say it, in at most so many pixels of height; a screen reader says what is new once."""
        for before, now in ((self.said.guide, said.guide), (self.said.case, said.case)):
            if now and now != before:
                announce(self, now)
        self.said = said
        whole = " ".join(text for text in (said.guide, said.case) if text)
        self.setAccessibleName(whole)
        if self.case.objectName() != f"case-{said.tone.value}":
            self.case.setObjectName(f"case-{said.tone.value}")
            self.case.style().unpolish(self.case)
            self.case.style().polish(self.case)
        self.steps.setVisible(bool(said.guide))
        self.hide_guide.setVisible(bool(said.guide))
        self.seen.setVisible(said.is_over)
        fits = bool(whole) and any(
            self._fits(*texts, spare)
            for texts in ((said.guide, said.case), (said.short_guide, said.short_case))
        )
        self.setVisible(fits)
        self.sign.setText(said.short_case or said.short_guide or "First day")
        self.sign.setAccessibleName(whole or self.steps.accessibleName())
        self.sign.setToolTip(self.sign.accessibleName())
        self.sign.setVisible(not fits)

    def _fits(self, guide: str, case: str, spare: int) -> bool:
        """Set the texts; whether they fit. Asked of no layout: what is hidden has old answers there."""
        buttons = [button for button in self._buttons if not button.isHidden()]
        width = self.window().width() - 2 * SIDE
        width -= sum(button.sizeHint().width() + GAP for button in buttons)
        heights = []
        for part, text in ((self.guide, guide), (self.case, case)):
            part.setText(text)
            part.setVisible(bool(text))
            if text:
                heights.append(part.heightForWidth(width) + GAP)
        highest = max((button.sizeHint().height() for button in buttons), default=0)
        return max(sum(heights) - GAP, highest) + 2 * GAP <= spare


class TrainingActs(QObject):
    """Training's verbs in one window: the bar, the menu of cases, the steps. Idle until the till is there.

    `spare` tells how many pixels of height the pages can do without.
    """

    def __init__(self, window: QWidget, run: Run, spare: Callable[[], int]) -> None:
        super().__init__(window)
        self._window, self._run, self._spare = window, run, spare
        self._rehearsal: Rehearsal | None = None
        self._day: FirstDay | None = None
        self._is_guided = True
        self._read: Verdict | None = None
        self.bar = TrainingBar()
        self.bar.steps.clicked.connect(lambda _checked=False: self.show_guide())
        self.bar.rehearse.clicked.connect(lambda _checked=False: self.show_menu())
        self.bar.seen.clicked.connect(lambda _checked=False: self._seen())
        self.bar.hide_guide.clicked.connect(lambda _checked=False: self.guide_is_shown(False))
        self.bar.sign.clicked.connect(lambda _checked=False: self._sign_pressed())

    def attach(self, till: Till, rehearsal: Rehearsal | None) -> None:
        """The till is there; `rehearsal` only where there is something to rehearse with."""
        self._rehearsal = rehearsal
        if rehearsal is not None:
            self._day = FirstDay(till.entries_of)
            # Its steps are a permit counter's; who trains with customers' accounts has had that day.
            self._is_guided = bool(till.accounts.refusal)
            self._window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Another height of the window is another height for the bar."""
        if event.type() is QEvent.Type.Resize and watched is self._window and self._rehearsal is not None:
            self.bar.say(self.bar.said, self._spare())
        return False

    @property
    def is_guided(self) -> bool:
        """Whether the bar shows the steps."""
        return self._is_guided

    def guide_is_shown(self, shown: bool) -> None:
        """Show the steps in the bar, or hide them."""
        self._is_guided = shown
        self.refresh()

    def refresh(self) -> None:
        """Look at what was recorded, and show it."""
        if self._rehearsal is None or self._day is None:
            return
        view = self._rehearsal.view()
        guide = _next_step(self._day.steps()) if self._is_guided else ("", "")
        newest = view.verdicts[0] if view.verdicts else None
        unread = newest if newest is not self._read else None
        case = case_text(view, unread)
        is_over = bool(unread and not _is_busy(view))
        tone = _TONES[unread.is_right] if unread is not None and is_over else Tone.WAITING
        self.bar.say(Said(guide[0], case[0], guide[1], case[1], tone, is_over), self._spare())
        for dialog in self._window.findChildren(TrainingDialog):
            dialog.refresh()

    def _seen(self) -> None:
        if self._rehearsal is not None:
            view = self._rehearsal.view()
            self._read = view.verdicts[0] if view.verdicts else None
            self.refresh()

    def _sign_pressed(self) -> None:
        """In the status line there is room for one key: to the case where there is one, else to the steps."""
        if not self.bar.said.case:
            self.show_guide()
            return
        if self.bar.said.is_over:
            self._seen()
        self.show_menu()

    def show_menu(self) -> None:
        """Ctrl+T."""
        if self._rehearsal is not None and self._window.findChild(RehearseDialog) is None:
            RehearseDialog(self._window, self._rehearsal, self._run, self.refresh).open()

    def show_guide(self) -> None:
        """Ctrl+G."""
        if self._day is not None and self._window.findChild(GuideDialog) is None:
            GuideDialog(self._window, self._day, self).open()


def _next_step(steps: tuple[StepView, ...]) -> tuple[str, str]:
    """What is next, in full and in short."""
    done = sum(step.is_done for step in steps)
    for place, step in enumerate(steps, 1):
        if step.is_next:
            full = f"First day, {done} of {len(steps)} done. Step {place}: {step.title}. {step.how}"
            return full, f"Step {place}: {step.title}"
    return f"First day: all {len(steps)} steps are done.", "First day done"


def _is_busy(view: RehearsalView) -> bool:
    return view.line_is_down or view.armed is not None or view.running is not None


def case_text(view: RehearsalView, unread: Verdict | None) -> tuple[str, str]:
    """What is on, what is armed, what is under way, or how the last went: in full and in short."""
    if view.line_is_down:
        full = f"◷  For training the line to Invoice Cloud is down. {lesson(Case.LINE).right}"
        return full, "◷ line down"
    if view.running is not None:
        return f"◷  Rehearsing: {view.running.title}. {view.running.right}", "◷ rehearsing"
    if view.armed is not None and view.armed.is_task:
        return f"◷  Rehearsing: {view.armed.title}. {view.armed.do}", "◷ rehearsing"
    if view.armed is not None:
        armed = view.armed
        return f"◷  Armed for the next card payment: {armed.title}. {armed.extra}".rstrip(), "◷ armed"
    if unread is not None:
        return verdict_text(unread), _WORDS[unread.is_right]
    return "", ""


_TONES = {True: Tone.PAID, False: Tone.REFUSED, None: Tone.CALM}
_WORDS = {True: "✓ right", False: "✕ not right", None: "● rehearsed"}


def verdict_text(verdict: Verdict) -> str:
    """How a rehearsal went, in a line."""
    word = _WORDS[verdict.is_right]
    return f"{word[0]}  {word[2:].capitalize()}: {lesson(verdict.case).title}. {verdict.text}"
