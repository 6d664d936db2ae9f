"""The page of a till that could not be opened: what keeps it closed, line by line, and what can be done."""

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QApplication, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from cashier.domain.errors import CashierError
from cashier.till.starting import StartFault, Trouble
from cashier.till.words import Standing, Tone
from cashier.ui.theme import scaled
from cashier.ui.widgets import Banner, Button, announce, card, label, row

WIDTH = 860
COPIED = "The faults are on the clipboard."


class SafePage(QWidget):
    """One row a fault: file, key, reason. `go_back` puts the settings that last worked in place.

    Nothing here opens the journal, and no money can be taken.
    """

    again_asked = Signal()
    train_asked = Signal()

    def __init__(self, trouble: Trouble, go_back: Callable[[], str]) -> None:
        super().__init__()
        self.setObjectName("page")
        self.trouble, self._go_back = trouble, go_back
        self.banner = Banner()
        self.banner.show_standing(Standing(Tone.REFUSED, trouble.heading, trouble.says))
        self.note = label("", "soft", wrap=True)
        self.note.hide()
        self.again = Button("Try again   Enter")
        self.again.setObjectName("primary")
        self.back = Button("Go back to the settings that last worked")
        self.copy = Button("Copy the faults")
        self.train = Button("Train instead")
        for button, act in (
            (self.again, self.again_asked.emit),
            (self.back, self._back_pressed),
            (self.copy, self._copy_pressed),
            (self.train, self.train_asked.emit),
        ):
            button.clicked.connect(lambda _checked=False, act=act: act())
        self._lay_out()
        if not trouble.last_good:
            self.back.setParent(self)
            self.back.hide()

    def _lay_out(self) -> None:
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(self.banner)
        column.addWidget(self._faults())
        if self.trouble.last_good:
            text = (
                f"The settings that last worked are in {self.trouble.last_good}. Going back to them keeps "
                "the settings that do not work beside them, in settings.broken.toml."
            )
            column.addWidget(label(text, "soft", wrap=True))
        text = "Mend it, then try again. The till does not change the file by itself."
        column.addWidget(label(text, "soft", wrap=True))
        column.addStretch()
        faults = QWidget()
        faults.setObjectName("page")
        faults.setLayout(column)
        area = QScrollArea()
        area.setObjectName("shrinking")
        area.setAccessibleName("Why the till is not open")
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(faults)
        whole = QVBoxLayout()
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(12)
        whole.addWidget(area, 1)
        whole.addWidget(self.note)
        whole.addLayout(row(self.again, *((self.back,) if self.trouble.last_good else ()), 1))
        whole.addLayout(row(self.copy, self.train, 1))
        inside = QWidget()
        inside.setMaximumWidth(scaled(WIDTH))
        inside.setLayout(whole)
        layout = row(1, inside, 1, spacing=0)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.setStretch(1, 100)
        self.setLayout(layout)

    def _faults(self) -> QWidget:
        """A row each: the key large, the file small, the reason beside them."""
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(12)
        grid.setColumnStretch(1, 1)
        self.rows = [self._row(grid, place, fault) for place, fault in enumerate(self.trouble.faults)]
        frame = card(grid)
        frame.setAccessibleName("Faults")
        return frame

    def _row(self, grid: QGridLayout, place: int, fault: StartFault) -> str:
        key = label(fault.key or "the whole file" if fault.file else "", "heading", wrap=True)
        key.setMinimumWidth(scaled(140))
        reason = label(fault.reason, "", wrap=True)
        where = label(fault.file, "soft", wrap=True)
        for part in (reason, where):
            part.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(reason)
        if fault.file:
            texts.addWidget(where)
        grid.addWidget(key, place, 0, Qt.AlignmentFlag.AlignTop)
        grid.addLayout(texts, place, 1)
        return fault.text

    # -- verbs ---------------------------------------------------------------------------------------------

    def focus_start(self) -> None:
        """Where the keys go."""
        self.again.setFocus()

    def say(self, text: str) -> None:
        """What came of a press."""
        self.note.setText(text)
        self.note.show()
        announce(self.note, text)

    def _copy_pressed(self) -> None:
        QApplication.clipboard().setText("\n".join((self.trouble.heading, *self.rows)))
        self.say(COPIED)

    def _back_pressed(self) -> None:
        try:
            told = self._go_back()
        except CashierError as error:
            self.say(error.user_text)
            return
        self.back.hide()
        self.say(f"{told} Try again to open the till with them.")
        self.again.setFocus()
