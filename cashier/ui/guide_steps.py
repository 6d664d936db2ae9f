"""One step of the set-up as a page of questions, held against the rules as typed; and the last, Ready."""

from collections.abc import Callable, Coroutine
from typing import Any

import shiboken6
from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from cashier.domain.accounts import Secret
from cashier.domain.errors import CashierError
from cashier.till.set_up_questions import (
    API_KEY,
    INVOICE_TYPES,
    TILL_KEY,
    TYPE_NAME_MAX,
    Field,
    Kind,
    StepName,
)
from cashier.till.setting_up import Guide
from cashier.ui.form_dialog import secret_field
from cashier.ui.widgets import Button, announce, card, label, row

TEXT_MAX = 200
Run = Callable[[Coroutine[Any, Any, None]], None]
SAYS = {
    StepName.TILL: "Who takes the money, and which counter this is.",
    StepName.PERMITS: "Which permit system the sales belong to, and what is charged.",
    StepName.BILLER: "The account at Invoice Cloud that cards are paid to.",
    StepName.HUB: "The hub hears from Invoice Cloud what was paid, and keeps a second copy of the journal.",
    StepName.READER: "A till can work without one: the payer then types the card into the payment page.",
    StepName.PRINTER: "Receipts can be saved as PDF until there is a printer.",
    StepName.READY: "Look it over. Nothing has been written yet; the next press does it, and opens the till.",
}
WORKS = "Invoice Cloud takes this key."


class Question(QWidget):
    """One field: its name above it, the hint below, and what is wrong with it once somebody was there."""

    changed = Signal()
    entered = Signal()

    def __init__(self, asked: Field, guide: Guide) -> None:
        super().__init__()
        self.asked, self.guide = asked, guide
        self.was_typed = False
        self.fault = label("", "fault", wrap=True)
        self.fault.hide()
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(4)
        self.input = self._input()
        named = label(asked.title, "heading", wrap=True)
        named.setBuddy(self.input)
        self.hint = label(asked.hint, "soft", wrap=True)
        if not asked.hint:
            self.hint.hide()
        for part in (named, self.input, *self._further(), self.hint, self.fault):
            self.column.addWidget(part)

    def _input(self) -> QWidget:
        asked = self.asked
        if asked.kind is Kind.CHOICE:
            box = QComboBox()
            for choice in asked.choices:
                box.addItem(choice.title, choice.value)
            box.setCurrentIndex(max(box.findData(self.guide.texts.get(asked.name, "")), 0))
            box.currentIndexChanged.connect(lambda _index: self._chosen(box))
            box.setAccessibleName(asked.title)
            return box
        if asked.kind is Kind.SECRET:
            field = secret_field(asked.title)
            field.textEdited.connect(lambda text: self._secret_typed(text))
        else:
            field = QLineEdit(self.guide.texts.get(asked.name, ""))
            field.setMaxLength(TEXT_MAX)
            field.setAccessibleName(asked.title)
            field.textEdited.connect(self._typed)
        field.returnPressed.connect(self.entered)
        field.editingFinished.connect(self._left)
        return field

    def _further(self) -> tuple[QWidget, ...]:
        return ()

    def _typed(self, text: str) -> None:
        self.guide.answer(self.asked.name, text)
        self.changed.emit()

    def _secret_typed(self, text: str) -> None:
        self.guide.keep_secret(self.asked.name, Secret(text))
        self.changed.emit()

    def _chosen(self, box: QComboBox) -> None:
        self.guide.answer(self.asked.name, box.currentData())
        self.changed.emit()

    def _left(self) -> None:
        field = self.input
        if isinstance(field, QLineEdit) and (field.text() or field.isModified()):
            self.was_typed = True
            self.changed.emit()

    def tell(self, fault: str) -> None:
        """What is wrong; empty for nothing."""
        text = f"{self.asked.title}: {fault}" if fault else ""
        if text and text != self.fault.text():
            announce(self.fault, text)
        self.fault.setText(text)
        self.fault.setVisible(bool(text))

    def show_now(self) -> None:
        """What the guide has by now; a secret stays unseen."""
        if isinstance(self.input, QLineEdit) and self.asked.kind is Kind.TEXT:
            self.input.setText(self.guide.texts.get(self.asked.name, ""))
        self.hint.setText(self.asked.hint)


class TypesQuestion(Question):
    """The invoice types of the biller: those that Invoice Cloud has for permit counters, and one's own."""

    def _input(self) -> QWidget:
        self.boxes: dict[int, QCheckBox] = {}
        inside = QWidget()
        self.grid = QGridLayout(inside)
        self.grid.setContentsMargins(0, 0, 0, 0)
        self.grid.setHorizontalSpacing(12)
        self.grid.setVerticalSpacing(0)
        for number, name in {**INVOICE_TYPES, **self.guide.types}.items():
            self._add_box(number, name)
        inside.setFocusProxy(next(iter(self.boxes.values())))
        return inside

    def _further(self) -> tuple[QWidget, ...]:
        self.number, self.name = QLineEdit(), QLineEdit()
        for field, title, most in ((self.number, "Number", 6), (self.name, "Name", TYPE_NAME_MAX)):
            field.setAccessibleName(f"{title} of another invoice type")
            field.setPlaceholderText(title)
            field.setMaxLength(most)
            field.returnPressed.connect(self.add)
        self.number.setMaximumWidth(120)
        self.more = Button("Add", "Add this invoice type")
        self.more.setObjectName("beside")
        self.more.clicked.connect(lambda _checked=False: self.add())
        line = QWidget()
        layout = QHBoxLayout(line)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (self.number, self.name, self.more):
            layout.addWidget(part)
        return (line,)

    def _add_box(self, number: int, name: str) -> None:
        box = QCheckBox(f"{number}  {name}")
        box.setChecked(number in self.guide.types)
        box.toggled.connect(lambda on, number=number, name=name: self._ticked(number, name, on=on))
        place = len(self.boxes)
        self.grid.addWidget(box, place // 2, place % 2)
        self.boxes[number] = box

    def _ticked(self, number: int, name: str, *, on: bool) -> None:
        self.guide.tick(number, name, on=on)
        self.was_typed = True
        self.changed.emit()

    def add(self) -> None:
        """The type that was typed joins the list."""
        number, name = self.number.text().strip(), self.name.text().strip()
        if not number and not name:
            self.entered.emit()
            return
        try:
            self.guide.add_type(number, name)
        except CashierError as error:
            self.tell(error.user_text)
            (self.name if number else self.number).setFocus()
            return
        if int(number) in self.boxes:
            self.boxes[int(number)].setChecked(True)
        else:
            self._add_box(int(number), name)
        for field in (self.number, self.name):
            field.clear()
        self.tell("")
        self.changed.emit()
        self.number.setFocus()

    def show_now(self) -> None:
        """Ticks as the fee schedule wants them, until somebody says otherwise."""
        for number, name in self.guide.types.items():
            if number not in self.boxes:
                self._add_box(number, name)
        for number, box in self.boxes.items():
            box.blockSignals(True)
            box.setChecked(number in self.guide.types)
            box.blockSignals(False)


class ActQuestion(Question):
    """A field beside a button that does something now: tests a key, or redeems an enrolment code."""

    def __init__(
        self, asked: Field, guide: Guide, run: Run, verb: str, act: Callable[[str], Coroutine[Any, Any, str]]
    ) -> None:
        self.button = Button(verb, verb)
        self.button.setObjectName("beside")
        self.said = label("", "soft", wrap=True)
        self.said.hide()
        #: Why it was refused last, until something else is typed.
        self.refused = ""
        super().__init__(asked, guide)
        self._run, self._act = run, act
        self.button.clicked.connect(lambda _checked=False: self.press())
        assert isinstance(self.input, QLineEdit)
        self.input.textEdited.connect(lambda _text: self._forget())
        if asked.kind is Kind.CODE:  # good for nothing else than to be redeemed
            self.input.returnPressed.disconnect(self.entered)
            self.input.returnPressed.connect(self.press_or_pass)

    def _further(self) -> tuple[QWidget, ...]:
        line = QWidget()
        line.setLayout(row(self.button, 1))
        line.layout().setContentsMargins(0, 0, 0, 0)  # type: ignore[union-attr]
        return (line, self.said)

    def press_or_pass(self) -> None:
        """Enter redeems a code that was typed; without one the next field is a way, too."""
        assert isinstance(self.input, QLineEdit)
        if self.input.text().strip():
            self.press()
        else:
            self.entered.emit()

    def press(self) -> None:
        """Do it, once at a time."""
        if self.button.isEnabled():
            self.button.setEnabled(False)
            self._say("asking …")
            assert isinstance(self.input, QLineEdit)
            self._run(self._do(self.input.text()))

    async def _do(self, text: str) -> None:
        fault, told = "", ""
        try:
            told = await self._act(text)
        except CashierError as error:
            fault = error.user_text
        if not shiboken6.isValid(self):
            return
        self.button.setEnabled(True)
        self._say(told)
        self.refused = fault
        self.changed.emit()

    def tell(self, fault: str) -> None:
        """See Question; what was refused stays told."""
        super().tell(fault or self.refused)

    def _forget(self) -> None:
        self.refused = ""
        self._say("")
        self.changed.emit()

    def _say(self, text: str) -> None:
        self.said.setText(text)
        self.said.setVisible(bool(text))
        if text:
            announce(self.said, text)


class StepPage(QWidget):
    """The questions of one step. Which they are may follow from an answer."""

    #: Enter in the last field.
    entered = Signal()

    def __init__(self, name: StepName, guide: Guide, run: Run) -> None:
        super().__init__()
        self.name, self.guide, self._run = name, guide, run
        self.questions: dict[str, Question] = {}
        self._box = QVBoxLayout()
        self._box.setSpacing(16)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(label(name.value, "title", wrap=True))
        column.addWidget(label(SAYS[name], "soft", wrap=True))
        column.addWidget(card(self._box))
        column.addStretch()
        self._follow()

    def _make(self, asked: Field) -> Question:
        if asked.kind is Kind.TYPES:
            return TypesQuestion(asked, self.guide)
        if asked.name == API_KEY:
            return ActQuestion(asked, self.guide, self._run, "Test connection", self._test_key)
        if asked.kind is Kind.CODE:
            return ActQuestion(asked, self.guide, self._run, "Enrol", self._enrol)
        return Question(asked, self.guide)

    def _follow(self) -> None:
        """The questions that the answers so far leave; one that stays keeps what was typed."""
        wanted = {asked.name: asked for asked in self.guide.fields(self.name)}
        for name in [name for name in self.questions if name not in wanted]:
            gone = self.questions.pop(name)
            self._box.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        for place, (name, asked) in enumerate(wanted.items()):
            if name not in self.questions:
                made = self.questions[name] = self._make(asked)
                made.changed.connect(self._changed)
                made.entered.connect(lambda made=made: self._entered(made))
                self._box.insertWidget(place, made)
            self.questions[name].asked = asked
        self.questions = {name: self.questions[name] for name in wanted}

    def _changed(self) -> None:
        """Something was typed: what follows from it, and what is wrong with the fields typed already."""
        self._follow()
        self._tell(all_of_them=False)

    def _tell(self, *, all_of_them: bool) -> list[Question]:
        found = self.guide.faults(self.name)
        wrong = []
        for name, question in self.questions.items():
            fault = found.get(name, "")
            if fault:
                wrong.append(question)
            question.tell(fault if all_of_them or question.was_typed else "")
        return wrong

    def _entered(self, question: Question) -> None:
        """Enter goes to the next field; in the last one to the next step."""
        following = list(self.questions.values())
        rest = following[following.index(question) + 1 :]
        if rest:
            rest[0].input.setFocus()
        else:
            self.entered.emit()

    def is_right(self) -> bool:
        """Whether every answer can stand; each that cannot says so, and the first of them has the keys."""
        wrong = self._tell(all_of_them=True)
        for question in self.questions.values():
            question.was_typed = True
        if wrong:
            wrong[0].input.setFocus()
        return not wrong

    def show_now(self) -> None:
        """The step comes up."""
        self._follow()
        for question in self.questions.values():
            question.show_now()

    def focus_start(self) -> None:
        """The first field that cannot stand as it is; else the first."""
        found = self.guide.faults(self.name)
        wrong = (question for name, question in self.questions.items() if name in found)
        next(wrong, next(iter(self.questions.values()))).input.setFocus()

    async def _test_key(self, _text: str) -> str:
        await self.guide.test_key()
        return WORKS

    async def _enrol(self, code: str) -> str:
        told = await self.guide.enrol(code)
        if shiboken6.isValid(self):
            self.show_now()
            self.questions[TILL_KEY].tell("")
        return told.text


class ReadyStep(QWidget):
    """What will be written, and what is still to be seen to."""

    def __init__(self, guide: Guide) -> None:
        super().__init__()
        self.guide = guide
        self.values: dict[str, QLabel] = {}
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        for place, (name, value) in enumerate(guide.summary()):
            self.values[name] = label(value, "", wrap=True)
            grid.addWidget(label(name, "heading"), place, 0)
            grid.addWidget(self.values[name], place, 1)
        self.warnings = label("", "warning", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(label(StepName.READY.value, "title", wrap=True))
        column.addWidget(label(SAYS[StepName.READY], "soft", wrap=True))
        column.addWidget(card(grid))
        column.addWidget(self.warnings)
        text = "The till then asks for its first administrator. A checklist verifies every step for real."
        column.addWidget(label(text, "soft", wrap=True))
        column.addStretch()

    def show_now(self) -> None:
        """The answers as they are now."""
        for name, value in self.guide.summary():
            self.values[name].setText(value)
        told = self.guide.warnings
        self.warnings.setText("\n".join(f"◷  {one}" for one in told))
        self.warnings.setVisible(bool(told))

    def focus_start(self) -> None:
        """Nothing here takes keys: the page's button does."""
