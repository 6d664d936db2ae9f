"""The details of what is chosen on the desk: both sides with their times, and what may be done next."""

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent, QTextOption
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QPlainTextEdit, QWidget

from cashier.domain.money import format_dollars
from cashier.paper.pen import local_time
from cashier.till.desk import DeskRow, EndedRow, Matter
from cashier.till.ports import Quarantined
from cashier.till.words import Standing, Tone
from cashier.ui.widgets import label

#: What the details are of.
Chosen = DeskRow | Matter | Quarantined | EndedRow
#: Above and below a fact whose value stands below its name, pixels.
GAP = 3
UNEXPECTED = (
    "Compare it with Invoice Cloud's portal. It marks nothing paid. Whoever runs the hub closes it there, "
    "with “cashier hub quarantine”."
)


@dataclass(frozen=True)
class Fact:
    """A name and what it says; `below` its name when it is long. An empty value is not shown.

    Every value can be selected with the mouse. One that is a single long word is broken where it must be, and
    the keyboard reaches it, for somebody will want to copy it.
    """

    name: str
    value: str
    below: bool = False
    is_word: bool = False


class LongWord(QPlainTextEdit):
    """A word as long as it wants to be, broken anywhere; it can be selected and copied whole."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("word-value")
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAnywhere)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.document().setDocumentMargin(0)

    def text(self) -> str:
        """The word."""
        return self.toPlainText()

    def setText(self, text: str) -> None:
        """Another word."""
        self.setPlainText(text)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width, another number of lines."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        lines = max(round(self.document().size().height()), 1)
        self.setFixedHeight(lines * self.fontMetrics().lineSpacing() + 4)


class Facts(QWidget):
    """Facts below each other. The text of a value can be selected, also while others change."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(1, 1)
        self._shown: list[tuple[str, bool]] = []
        self._values: list[QLabel | LongWord] = []

    def show_facts(self, facts: list[Fact]) -> None:
        """Other facts, or the same with news."""
        facts = [fact for fact in facts if fact.value]
        shown = [(fact.name, fact.below) for fact in facts]
        if shown != self._shown:
            self._shown = shown
            self._build(facts)
        for value, fact in zip(self._values, facts, strict=True):
            if value.text() != fact.value:
                value.setText(fact.value)
            value.setAccessibleName(f"{fact.name}: {fact.value}")

    def _build(self, facts: list[Fact]) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self._values = []
        line = 0
        for fact in facts:
            name = label(fact.name, "soft")
            value = LongWord() if fact.is_word else label("", wrap=True)
            if isinstance(value, QLabel):
                value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._grid.setRowMinimumHeight(line, GAP if fact.below and line else 0)
            if fact.below:
                self._grid.addWidget(name, line + 1, 0, 1, 2)
                self._grid.addWidget(value, line + 2, 0, 1, 2)
            else:
                name.setAlignment(Qt.AlignmentFlag.AlignTop)
                self._grid.addWidget(name, line + 1, 0)
                self._grid.addWidget(value, line + 1, 1)
            self._grid.setRowMinimumHeight(line + 3, GAP if fact.below else 0)
            line += 4
            self._values.append(value)
            for part in (name, value):
                part.show()  # at once, not with the loop's next turn

    @property
    def text(self) -> str:
        """Everything, as a person reads it."""
        pairs = zip(self._shown, self._values, strict=True)
        return "\n".join(f"{name}: {value.text()}" for (name, _), value in pairs)


def standing_of(chosen: Chosen) -> Standing:
    """Where it stands, in a word and a sentence."""
    match chosen:
        case DeskRow() | EndedRow():
            return chosen.standing
        case Matter():
            return Standing(Tone.REFUSED, "To be seen to", _sentence(chosen.reason))
        case _:
            return Standing(Tone.WAITING, "Nobody expected this", _sentence(chosen.reason))


def facts_of(chosen: Chosen) -> list[Fact]:
    """What is known of it, the most telling first."""
    match chosen:
        case DeskRow():
            return _facts_of_row(chosen)
        case Matter():
            return [
                Fact(
                    "What to do", "A supervisor looks at it, and says here that it was seen to.", below=True
                ),
                Fact("Recorded", local_time(chosen.at)),
                Fact("Amount told", chosen.amount),
                Fact("Invoice told", chosen.invoice),
                Fact("Reference", chosen.reference, below=True, is_word=True),
            ]
        case Quarantined():
            return [
                Fact("What to do", UNEXPECTED, below=True),
                Fact("Received", local_time(chosen.received_at)),
                Fact("Addressed to", f"till {chosen.till}" if chosen.till else ""),
                Fact("Amount told", chosen.amount),
                Fact("Invoice told", chosen.invoice),
                Fact("Reference told", chosen.reference, below=True, is_word=True),
            ]
        case _:
            return [
                Fact("Payer", chosen.payer),
                Fact("Amount", format_dollars(chosen.amount_cents)),
                Fact("Reference", chosen.reference, below=True, is_word=True),
            ]


def _facts_of_row(row: DeskRow) -> list[Fact]:
    fee = f" + {format_dollars(row.fee_cents)} service fee" if row.fee_cents else ""
    return [
        Fact("Next", row.next_action, below=True),
        Fact(_at("This till saw", row.till_said_at), _sentence(row.till_says), below=True),
        Fact(_at("Invoice Cloud says", row.gateway_said_at), _sentence(row.gateway_says), below=True),
        Fact("Payer", row.payer),
        Fact("Permit", row.permit),
        Fact("Amount", f"{format_dollars(row.amount_cents)}{fee}"),
        Fact("Invoices", "\n".join(row.invoices)),
        Fact("Reader", row.reader or "none: typed on the page"),
        Fact("Cashier", row.cashier),
        Fact("Started", local_time(row.issued_at)),
        Fact("Reference", row.reference, below=True, is_word=True),
    ]


def _at(name: str, stamp: str) -> str:
    return f"{name} · {local_time(stamp)[-5:]}" if stamp else name


def _sentence(text: str) -> str:
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"
