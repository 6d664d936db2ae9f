"""A shift is open: cash in and out of its drawer, its rest, and the way to its count."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from cashier.domain.entries import EntryKind
from cashier.domain.errors import CashierError
from cashier.domain.money import format_dollars
from cashier.domain.people import Permission
from cashier.domain.receipt import IN_DRAWER, TenderKind
from cashier.domain.shift import CashMove
from cashier.paper.pen import local_time
from cashier.till.snapshot import Snapshot
from cashier.till.till import Till
from cashier.ui.shift_steps import Step, left_cell, right_cell
from cashier.ui.tables import Table
from cashier.ui.theme import scaled
from cashier.ui.widgets import Button, amount_label, announce, card, label, row

MOVED = {
    EntryKind.CASH_PAID_IN: "Paid in",
    EntryKind.CASH_PAID_OUT: "Paid out",
    EntryKind.CASH_DROPPED: "Dropped",
}
PILES = {TenderKind.CASH: "Cash", TenderKind.CHECK: "Checks", TenderKind.MONEY_ORDER: "Money orders"}
SHOW, HIDE = "Show what is expected", "Hide what is expected"
TABLE_HEIGHT_MIN = 120


class WorkStep(Step):
    """Buttons, and the cash moves of the shift. What is expected is for those alone who may see it."""

    sale_asked = Signal()
    count_asked = Signal()
    rest_asked = Signal()
    pay_asked = Signal(object)
    drop_asked = Signal()
    told = Signal(str)

    def __init__(self) -> None:
        super().__init__("The open shift")
        self._till: Till | None = None
        self._moves: tuple[CashMove, ...] | None = None
        self.sale = Button("To the sale   Ctrl+1")
        self.sale.setObjectName("primary")
        self.count = Button("Count and close …")
        self.rest = Button("Suspend")
        self.pay_in, self.pay_out = Button("Pay in …"), Button("Pay out …")
        self.drop = Button("Drop …")
        self.expected = Button(SHOW)
        for button, signal in (
            (self.sale, self.sale_asked),
            (self.count, self.count_asked),
            (self.rest, self.rest_asked),
            (self.drop, self.drop_asked),
        ):
            button.clicked.connect(lambda _checked=False, signal=signal: signal.emit())
        self.pay_in.clicked.connect(lambda _checked=False: self.pay_asked.emit(EntryKind.CASH_PAID_IN))
        self.pay_out.clicked.connect(lambda _checked=False: self.pay_asked.emit(EntryKind.CASH_PAID_OUT))
        self.expected.clicked.connect(lambda _checked=False: self._turn_expected())
        self._model = QStandardItemModel(0, 5)
        self._model.setHorizontalHeaderLabels(["Time", "What", "Why", "Who", "Amount"])
        self.moves = Table(self._model, "Cash in and out of the drawer", grows=2, make_room=(3, 0))
        self.moves.setMinimumHeight(scaled(TABLE_HEIGHT_MIN))
        self.nothing = label("No cash was paid in, paid out or dropped in this shift.", "soft", wrap=True)
        self.panel, self._amounts = self._expected_panel()
        self.box.addLayout(row(self.sale, self.count, self.rest, 1))
        self.box.addLayout(row(self.pay_in, self.pay_out, self.drop, 1, self.expected))
        self.box.addWidget(self.panel)
        self.box.addWidget(label("Cash in and out of the drawer", "heading"))
        self.box.addWidget(self.nothing)
        self.box.addWidget(self.moves, 1)
        self.box.addStretch()

    def _expected_panel(self) -> tuple[QWidget, QGridLayout]:
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setColumnStretch(2, 1)
        box = QVBoxLayout()
        box.addWidget(label("Expected in the drawer now", "heading"))
        box.addLayout(grid)
        panel = card(box)
        panel.hide()
        return panel, grid

    def attach(self, till: Till) -> None:
        """The till is there now."""
        self._till = till

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the shift as it is."""
        shift = snapshot.shift
        assert self._till is not None and shift is not None
        works = shift.state.takes_money
        self.rest.setText("Suspend" if works else "Resume")
        self.rest.setAccessibleName("Suspend the shift" if works else "Resume the shift")
        for button in (self.pay_in, self.pay_out, self.drop):
            button.setEnabled(works)
        may_see = not self._till.people.refusal(Permission.SEE_EXPECTED_TOTALS)
        self.expected.setVisible(may_see)
        if not may_see:
            self.hide_expected()
        elif not self.panel.isHidden():
            self._show_expected()
        self._show_moves(shift.moves)

    def _show_moves(self, moves: tuple[CashMove, ...]) -> None:
        if moves == self._moves:
            return
        self._moves = moves
        self._model.setRowCount(0)
        for move in reversed(moves):
            who = f"{move.by}, {move.approver}" if move.approver else move.by
            why = f"bag {move.reason}" if move.kind is EntryKind.CASH_DROPPED else move.reason
            texts = (local_time(move.at)[-5:], MOVED[move.kind], why, who)
            cells = [left_cell(text) for text in texts]
            self._model.appendRow([*cells, right_cell(format_dollars(move.amount_cents))])
        self.moves.make_room()
        self.moves.setVisible(bool(moves))
        self.nothing.setVisible(not moves)

    # -- what is expected --------------------------------------------------------------------------------

    def _turn_expected(self) -> None:
        if self.panel.isHidden():
            self._show_expected()
        else:
            self.hide_expected()

    def _show_expected(self) -> None:
        assert self._till is not None
        try:
            piles = self._till.shifts.expected()
        except CashierError as error:
            self.hide_expected()
            self.told.emit(error.user_text)
            return
        self._forget()
        said = []
        for place, kind in enumerate(IN_DRAWER):
            pile, amount = piles[kind], amount_label()
            count = "" if kind is TenderKind.CASH else f"{pile.count} × "
            amount.setText(f"{count}{format_dollars(pile.amount_cents)}")
            amount.setAccessibleName(f"{PILES[kind]} expected")
            self._amounts.addWidget(label(PILES[kind]), place, 0)
            self._amounts.addWidget(amount, place, 1)
            said.append(f"{PILES[kind]} {amount.text()}")
        if self.panel.isHidden():
            announce(self.panel, "Expected: " + ", ".join(said))
        self.panel.show()
        self.expected.setText(HIDE)
        self.expected.setAccessibleName(HIDE)

    def hide_expected(self) -> None:
        """Nobody may see it any more: its figures are gone, not just out of sight."""
        self._forget()
        self.panel.hide()
        self.expected.setText(SHOW)
        self.expected.setAccessibleName(SHOW)

    def _forget(self) -> None:
        while (item := self._amounts.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.setParent(None)
                widget.deleteLater()

    def focus_start(self) -> None:
        """Where the clerk goes on."""
        (self.sale if self.rest.text() == "Suspend" else self.rest).setFocus()
