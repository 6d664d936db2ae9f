"""No shift is open: open one, with its business date and its starting cash, which is counted and typed."""

import datetime as dt

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QVBoxLayout

from cashier.domain.errors import CashierError
from cashier.domain.money import format_dollars
from cashier.domain.people import Permission
from cashier.till.snapshot import Snapshot
from cashier.till.till import Till
from cashier.ui.shift_steps import CarriedList, OnceButton, OnceField, Step, carried_rows, day_words
from cashier.ui.tender_dialog import AMOUNT_MAX, typed_cents
from cashier.ui.theme import scaled
from cashier.ui.widgets import Button, ElidedLabel, card, label, row

FIELD_WIDTH = 320


class OpenStep(Step):
    """Who, which day, how much cash. `told` has what the core refuses."""

    told = Signal(str)
    reopen_asked = Signal()

    def __init__(self) -> None:
        super().__init__("Open a shift")
        self._till: Till | None = None
        self.who = ElidedLabel("")
        self.date = QComboBox()
        self.date.setAccessibleName("Business date")
        self.float = OnceField()
        self.float.setMaxLength(AMOUNT_MAX)
        self.float.setAccessibleName("Starting cash")
        self.float.returnPressed.connect(self._open)
        self.carried = CarriedList("Carried on from before", "Nothing is carried on from before.")
        self.open = OnceButton("Open the shift   Enter")
        self.open.setObjectName("primary")
        self.open.clicked.connect(lambda _checked=False: self._open())
        self.reopen = Button("Open again …", "Open the closed shift again")
        self.reopen.clicked.connect(lambda _checked=False: self.reopen_asked.emit())
        self._lay_out()

    def _lay_out(self) -> None:
        fields = QGridLayout()
        fields.setHorizontalSpacing(16)
        fields.setVerticalSpacing(8)
        for place, (name, widget) in enumerate(
            (("Clerk", self.who), ("Business date", self.date), ("Starting cash", self.float))
        ):
            named = label(name, "soft")
            named.setBuddy(widget)
            fields.addWidget(named, place, 0)
            fields.addWidget(widget, place, 1)
        for field in (self.date, self.float):
            field.setMinimumWidth(scaled(FIELD_WIDTH))
        fields.setColumnStretch(2, 1)
        box = QVBoxLayout()
        box.setSpacing(12)
        box.addLayout(fields)
        box.addLayout(row(self.open, 1, self.reopen))
        self.box.addWidget(card(box))
        self.box.addWidget(label("Carried on from before", "heading"))
        self.box.addWidget(self.carried)
        self.box.addStretch()

    def attach(self, till: Till) -> None:
        """The till is there now."""
        self._till = till
        usual = till.config.drawer.float_cents
        hint = "0.00 for none" if usual is None else f"usually {format_dollars(usual)}"
        self.float.setPlaceholderText(hint)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show who would open it, the dates it could have and what it would begin with."""
        assert self._till is not None
        self.who.setText(snapshot.cashier)
        self._show_dates(self._till.shifts.dates())
        self.carried.show_rows(carried_rows(self._till, self._till.shifts.carried_in().held))
        may_reopen = not self._till.people.refusal(Permission.REOPEN_DAY)
        self.reopen.setVisible(snapshot.shift is not None and may_reopen)

    def _show_dates(self, dates: tuple[dt.date, ...]) -> None:
        """The usual one first and chosen; another stays chosen while it can be."""
        if [self.date.itemData(place) for place in range(self.date.count())] == list(dates):
            return
        self.date.clear()
        for date in dates:
            self.date.addItem(day_words(date), date)
        self.date.setCurrentIndex(0)

    def _open(self) -> None:
        assert self._till is not None
        text = self.float.text().strip()
        try:
            self._till.shifts.open(typed_cents(text) if text else None, self.date.currentData())
        except CashierError as error:
            self.told.emit(error.user_text)
            self.float.setFocus()
            self.float.selectAll()
        else:
            self.float.clear()
            self.told.emit("")

    def focus_start(self) -> None:
        """At the cash: the date is mostly right."""
        self.float.setFocus()
