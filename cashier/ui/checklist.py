"""The checklist from a first set-up to live, as a page and as a dialog: a row a step, and what to do."""

import shiboken6
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from cashier.domain.errors import CashierError
from cashier.till.checklist import Check, Checklist, CheckState, Section
from cashier.till.till import Till
from cashier.till.words import Standing, Tone
from cashier.ui.sign_in import Run
from cashier.ui.theme import scaled
from cashier.ui.widgets import Banner, Button, announce, label, row

SIGNS = {CheckState.DONE: "✓", CheckState.TO_DO: "◷", CheckState.FAULT: "✕", CheckState.UNKNOWN: "?"}
#: The style of a state's word.
_KINDS = {
    CheckState.DONE: "step-now",
    CheckState.TO_DO: "warning",
    CheckState.FAULT: "fault",
    CheckState.UNKNOWN: "step",
}
STATE_WIDTH = 120
LOOKING = "Each step is being verified …"


class CheckRow(QFrame):
    """One step: its state in a sign and a word, how it is, what to do, and the way there."""

    def __init__(self, check: Check) -> None:
        super().__init__()
        self.check = check
        self.setObjectName("check-row")
        self.state = label(f"{SIGNS[check.state]}  {check.state.value}", _KINDS[check.state])
        self.state.setFixedWidth(scaled(STATE_WIDTH))
        self.state.setAlignment(Qt.AlignmentFlag.AlignTop)
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(label(check.title, "word-title", wrap=True))
        texts.addWidget(label(check.detail, "soft", wrap=True))
        if check.do:
            texts.addWidget(label(check.do, "", wrap=True))
        self.go = Button("Go there", f"Go to the settings of this step: {check.title}")
        self.go.setObjectName("beside")
        if check.state is CheckState.DONE:
            self.go.hide()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 10, 16, 10)
        layout.setSpacing(12)
        layout.addWidget(self.state)
        layout.addLayout(texts, 1)
        layout.addWidget(self.go, 0, Qt.AlignmentFlag.AlignTop)
        self.setAccessibleName(f"{check.title}: {check.state.value}. {check.detail} {check.do}".strip())


class ChecklistPanel(QWidget):
    """Verifies when it is asked to. `section_asked` tells the part of the settings that somebody wants.

    Where it stands in something that scrolls it does not scroll by itself.
    """

    section_asked = Signal(Section)

    def __init__(self, run: Run, *, scrolls: bool = True) -> None:
        super().__init__()
        self._run = run
        self._list: Checklist | None = None
        self._is_looking = False
        self.checks: tuple[Check, ...] = ()
        self.rows: list[CheckRow] = []
        self.banner = Banner()
        self.again = Button("Check again")
        self.test_page = Button("Print a test page")
        self.note = label("", "soft", wrap=True)
        self.note.hide()
        self.again.clicked.connect(lambda _checked=False: self.look())
        self.test_page.clicked.connect(lambda _checked=False: self._print())
        self._column = QVBoxLayout()
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._frame = QFrame()
        self._frame.setObjectName("card")
        self._frame.setLayout(self._column)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addWidget(self.banner)
        layout.addLayout(row(self.again, self.test_page, 1))
        layout.addWidget(self.note)
        if scrolls:
            layout.addWidget(self._area(), 1)
        else:
            layout.addWidget(self._frame)

    def _area(self) -> QScrollArea:
        inside = QWidget()
        inside.setObjectName("page")
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._frame)
        column.addStretch()
        area = QScrollArea()
        area.setAccessibleName("Steps to live")
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inside)
        return area

    def attach(self, till: Till) -> None:
        """The till is there now."""
        self._list = Checklist(till)
        self.test_page.setVisible(self._list.has_printer)

    def look(self) -> None:
        """Verify every step; nothing happens while that is under way."""
        if self._list is not None and not self._is_looking:
            self._set_looking(True)
            self.banner.show_standing(Standing(Tone.CALM, "Checking", LOOKING))
            self._run(self._look(self._list))

    async def _look(self, steps: Checklist) -> None:
        fault = ""
        checks: tuple[Check, ...] = ()
        try:
            checks = await steps.look()
        except CashierError as error:
            fault = error.user_text
        if not shiboken6.isValid(self):
            return
        self._set_looking(False)
        self._show(checks)
        if fault:
            self.banner.show_standing(Standing(Tone.REFUSED, "Not checked", fault))
            return
        is_live = all(one.state not in (CheckState.TO_DO, CheckState.FAULT) for one in checks)
        tone, word = (Tone.PAID, "Ready for live") if is_live else (Tone.WAITING, "Not live yet")
        self.banner.show_standing(Standing(tone, word, Checklist.verdict(checks)))

    def _show(self, checks: tuple[Check, ...]) -> None:
        for gone in self.rows:
            self._column.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        self.checks, self.rows = checks, [CheckRow(check) for check in checks]
        for made in self.rows:
            made.go.clicked.connect(
                lambda _checked=False, made=made: self.section_asked.emit(made.check.section)
            )
            self._column.addWidget(made)

    def _print(self) -> None:
        assert self._list is not None
        self.test_page.setEnabled(False)
        self._run(self._do_print(self._list))

    async def _do_print(self, steps: Checklist) -> None:
        try:
            told = await steps.print_test_page()
        except CashierError as error:
            told = error.user_text
        if shiboken6.isValid(self):
            self.test_page.setEnabled(True)
            self.note.setText(told)
            self.note.show()
            announce(self.note, told)

    def _set_looking(self, looking: bool) -> None:
        self._is_looking = looking
        self.again.setEnabled(not looking)


class ChecklistDialog(QDialog):
    """The checklist after a first set-up, before there is anything else to do."""

    section_asked = Signal(Section)

    def __init__(self, window: QWidget, till: Till, run: Run) -> None:
        super().__init__(window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setWindowTitle("Checklist")
        self.resize(min(scaled(860), window.width() - 40), window.height() - 40)
        self.panel = ChecklistPanel(run)
        self.panel.attach(till)
        self.panel.section_asked.connect(self._go)
        leave = Button("Leave   Esc", "Leave the checklist")
        leave.clicked.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 20)
        layout.setSpacing(12)
        layout.addWidget(label("From here to live", "title", wrap=True))
        layout.addWidget(self.panel, 1)
        layout.addLayout(row(1, leave))
        self.panel.again.setFocus()
        self.panel.look()

    def _go(self, section: Section) -> None:
        self.accept()
        self.section_asked.emit(section)
