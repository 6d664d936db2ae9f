"""The blind count: how many of each bill and coin, and the checks and money orders by number and sum.

It knows nothing of what is expected. A blank is no zero: what is not there is written as 0.
"""

import re
from itertools import pairwise

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QFontMetrics, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QGridLayout, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from cashier.domain.errors import Refused
from cashier.domain.money import format_dollars
from cashier.domain.receipt import TenderKind
from cashier.domain.shift import Count, Pile
from cashier.ui.shift_steps import OnceButton, Step
from cashier.ui.tender_dialog import AMOUNT_MAX, typed_cents
from cashier.ui.theme import tabular
from cashier.ui.widgets import Button, amount_label, card, label, row

PIECES_DIGITS = 6
SUM_FIGURES = 10
#: Pixels of a field that hold no text.
PADDING = 28
_NUMBER = re.compile(rf"\d{{1,{PIECES_DIGITS}}}", re.ASCII)
_PAPERS = ((TenderKind.CHECK, "Checks"), (TenderKind.MONEY_ORDER, "Money orders"))
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class CountField(QLineEdit):
    """One number of the count. Enter and Down go on, Up goes back; an Enter held down goes on once."""

    next_asked = Signal()
    back_asked = Signal()

    def __init__(self, name: str, length: int, figures: int) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setMaxLength(length)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setFont(tabular(QApplication.font()))
        self.setFixedWidth(_width("0" * figures) + PADDING)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """See above."""
        if event.key() in _ENTER:
            if not event.isAutoRepeat():
                self.next_asked.emit()
        elif event.key() == Qt.Key.Key_Down:
            self.next_asked.emit()
        elif event.key() == Qt.Key.Key_Up:
            self.back_asked.emit()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """What stands in it is replaced by what is typed."""
        super().focusInEvent(event)
        if event.reason() is not Qt.FocusReason.MouseFocusReason:
            self.selectAll()

    @property
    def is_blank(self) -> bool:
        """Whether nothing was typed."""
        return not self.text().strip()


class CountStep(Step):
    """Every field of the count. `counted` has the Count; `told` what cannot be, at its field."""

    counted = Signal(object)
    back_asked = Signal()
    told = Signal(str)

    def __init__(self) -> None:
        super().__init__("Count the drawer")
        self.pieces: dict[int, CountField] = {}
        self._worth: dict[int, QLabel] = {}
        self._wrong: CountField | None = None
        self.numbers: dict[TenderKind, CountField] = {}
        self.sums: dict[TenderKind, CountField] = {}
        self.total = amount_label("total")
        self.total.setAccessibleName("Cash counted so far")
        self.done = OnceButton("The count is done")
        self.done.setObjectName("primary")
        self.rest = Button("The rest is none   Ctrl+0")
        self.back = Button("Go on with the shift", "Go on with the shift, and put this count away")
        self.back.setToolTip("What was typed of the count is put away")
        self.done.clicked.connect(lambda _checked=False: self._count())
        self.rest.clicked.connect(lambda _checked=False: self.fill_rest())
        self.back.clicked.connect(lambda _checked=False: self.back_asked.emit())
        shortcut = QShortcut(QKeySequence("Ctrl+0"), self)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.setAutoRepeat(False)
        shortcut.activated.connect(self.fill_rest)

    # -- building ----------------------------------------------------------------------------------------

    def attach(self, denominations: tuple[int, ...]) -> None:
        """The till is there now: one row for each of its bills and coins."""
        bills = [cents for cents in denominations if cents >= 100]
        coins = [cents for cents in denominations if cents < 100]
        left = self._cash_card("Bills", bills)
        right = QVBoxLayout()
        right.setSpacing(12)
        if coins:
            right.addWidget(self._cash_card("Coins", coins))
        right.addWidget(self._papers_card())
        right.addStretch()
        columns = QHBoxLayout()
        columns.setSpacing(12)
        side = QVBoxLayout()
        side.setSpacing(12)
        side.addWidget(left)
        side.addLayout(row(label("Cash counted", "heading"), 1, self.total))
        side.addStretch()
        columns.addLayout(side, 1)
        columns.addLayout(right, 1)
        self.box.addLayout(columns)
        self.box.addLayout(row(self.back, 1, self.rest, self.done))
        self.box.addStretch()
        fields = self.fields
        for before, after in pairwise((*fields, self.done, self.rest, self.back)):
            QWidget.setTabOrder(before, after)
        for place, field in enumerate(fields):
            following = fields[place + 1] if place + 1 < len(fields) else self.done
            previous = fields[max(place - 1, 0)]
            field.next_asked.connect(lambda following=following: following.setFocus())
            field.back_asked.connect(lambda previous=previous: previous.setFocus())
            field.textChanged.connect(self._show_worth)
        self._show_worth()

    def _cash_card(self, name: str, denominations: list[int]) -> QWidget:
        grid = _grid(name)
        grid.setColumnStretch(2, 1)
        for place, cents in enumerate(denominations, 1):
            text = format_dollars(cents)
            field = CountField(f"{name[:-1]} of {text}, pieces", PIECES_DIGITS, PIECES_DIGITS)
            worth = amount_label("soft")
            worth.setAccessibleName(f"{name} of {text}, amount")
            worth.setMinimumWidth(_width("99,999.00"))
            named = label(f"{text}  ×")
            named.setFont(tabular(named.font()))
            named.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            named.setBuddy(field)
            grid.addWidget(named, place, 0)
            grid.addWidget(field, place, 1)
            grid.addWidget(worth, place, 2)
            self.pieces[cents], self._worth[cents] = field, worth
        return card(grid)

    def _papers_card(self) -> QWidget:
        grid = _grid("Papers", "Number", "Sum")
        grid.setColumnStretch(0, 1)
        for place, (kind, name) in enumerate(_PAPERS, 1):
            self.numbers[kind] = CountField(f"{name}, number", PIECES_DIGITS, PIECES_DIGITS)
            self.sums[kind] = CountField(f"{name}, sum", AMOUNT_MAX, SUM_FIGURES)
            named = label(name)
            named.setBuddy(self.numbers[kind])
            grid.addWidget(named, place, 0)
            grid.addWidget(self.numbers[kind], place, 1)
            grid.addWidget(self.sums[kind], place, 2)
        return card(grid)

    @property
    def fields(self) -> list[CountField]:
        """Every field in the order of the count."""
        papers = [field for kind, _ in _PAPERS for field in (self.numbers[kind], self.sums[kind])]
        return [*self.pieces.values(), *papers]

    # -- what is typed -----------------------------------------------------------------------------------

    def _show_worth(self) -> None:
        """The amount of each denomination, and of the cash so far: sums of what was typed, and no more."""
        total = 0
        for cents, field in self.pieces.items():
            count = _pieces(field.text())
            total += cents * (count or 0)
            self._worth[cents].setText("" if count is None else format_dollars(cents * count))
        self.total.setText(format_dollars(total))

    def fill_rest(self) -> None:
        """What is blank is none: 0 is written there, for the clerk to see and to count."""
        for field in self.fields:
            if field.is_blank:
                field.setText("0")
        self.done.setFocus()

    def clear(self) -> None:
        """Another count begins with nothing typed."""
        for field in self.fields:
            field.clear()

    def _count(self) -> None:
        self._wrong = None
        try:
            count = self._read()
            count.piles()  # what is blank is told here, in the core's words, at its field
        except Refused as refused:
            self.told.emit(refused.user_text)
            (self._wrong or self._field_of(refused.user_text)).setFocus()
            return
        self.counted.emit(count)

    def _read(self) -> Count:
        """What was typed. Raises Refused for what is no number; `_wrong` is its field then."""
        pieces = {cents: self._number(field) for cents, field in self.pieces.items()}
        others: dict[TenderKind, Pile | None] = {}
        for kind, number in self.numbers.items():
            count, amount = self._number(number), self._amount(self.sums[kind])
            others[kind] = None if count is None or amount is None else Pile(count, amount)
        return Count(pieces, others)

    def _number(self, field: CountField) -> int | None:
        count = _pieces(field.text())
        if count is None and not field.is_blank:
            self._wrong = field
            raise Refused(f"{field.accessibleName()}: write a number, as 12, or 0 for none.")
        return count

    def _amount(self, field: CountField) -> int | None:
        if field.is_blank:
            return None
        try:
            return typed_cents(field.text())
        except Refused:
            self._wrong = field
            raise

    def _field_of(self, text: str) -> CountField:
        """The field that the core's words are about: the first blank one of its kind, or what is too much."""
        kind = next((kind for kind, name in _PAPERS if name.lower() in text), None)
        fields = list(self.pieces.values()) if kind is None else [self.numbers[kind], self.sums[kind]]
        blank = next((field for field in fields if field.is_blank), None)
        return blank or max(fields[: len(self.pieces)], key=lambda field: _pieces(field.text()) or 0)

    def focus_start(self) -> None:
        """Where the count goes on: the first field that is blank."""
        first = next((field for field in self.fields if field.is_blank), None)
        (first or self.done).setFocus()


def _pieces(text: str) -> int | None:
    """A number of pieces as it was typed; None for a blank, and for what is none."""
    text = text.strip()
    return int(text) if _NUMBER.fullmatch(text) else None


def _grid(name: str, *columns: str) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(12)
    grid.setVerticalSpacing(4)
    grid.addWidget(label(name, "heading"), 0, 0)
    for place, text in enumerate(columns, 1):
        heading = label(text, "heading")
        heading.setAlignment(Qt.AlignmentFlag.AlignRight)
        grid.addWidget(heading, 0, place)
    return grid


def _width(text: str) -> int:
    return QFontMetrics(QApplication.font()).horizontalAdvance(text)
