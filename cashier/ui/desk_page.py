"""The desk: every payment that is not settled, what each side says of it, and the next safe action.

It shows the desk's view and asks for its verbs by signals. There is nothing on it that forces a payment to be
paid.
"""

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from cashier.domain.errors import CashierError
from cashier.domain.money import format_dollars
from cashier.paper.pen import local_time
from cashier.till.desk import DeskRow, DeskView, EndedRow, Matter
from cashier.till.ports import Quarantined
from cashier.till.till import Till
from cashier.ui.desk_details import Chosen, Facts, facts_of, standing_of
from cashier.ui.desk_model import MAKE_ROOM, PAYER, DeskModel
from cashier.ui.desk_section import Section
from cashier.ui.tables import Table
from cashier.ui.theme import Theme, scaled
from cashier.ui.widgets import SIGNS, Banner, Button, Shrinking, card, label, row

PANEL_WIDTH, PANEL_WIDTH_MAX = 400, 470
#: Ages are told to the minute.
TICK_MS = 60_000
NOTHING = "Nothing is in doubt.\n\nEvery card payment of this till has its answer."
ASK = "Ask Invoice Cloud now   A"


class DeskPage(QWidget):
    """Lists on the left, the chosen one's details and verbs on the right."""

    open_asked = Signal(str)
    check_asked = Signal(str)
    slip_asked = Signal(object)
    vouch_asked = Signal(object)
    see_asked = Signal(object)
    #: A verb was refused: what the clerk has to know.
    told = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("page")
        self._till: Till | None = None
        self._chosen: Chosen | None = None
        self._asking: set[str] = set()
        self._marking = False
        self._width = min(scaled(PANEL_WIDTH), PANEL_WIDTH_MAX)
        self.model = DeskModel(theme)
        self.table = Table(self.model, "Payments that are not settled", grows=PAYER, make_room=MAKE_ROOM)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._row_selected())
        self.table.activated.connect(lambda index: self._open(self.model.rows[index.row()]))
        self.nothing = label(NOTHING, "empty", wrap=True)
        self.nothing.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.nothing)
        self.stack.addWidget(self.table)
        self.matters = Section("To be seen to")
        self.messages = Section("Messages nobody expected")
        self.ended = Section("Ended without a charge")
        self._sections = (self.matters, self.messages, self.ended)
        for section in self._sections:
            section.chosen.connect(self._choose)
            section.opened.connect(self._open)
        self.count = label("", "soft")
        left = QVBoxLayout()
        left.setSpacing(12)
        left.addLayout(row(label("In doubt", "title"), 1, self.count))
        left.addWidget(self.stack, 1)
        for section in self._sections:
            left.addWidget(section)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.setSpacing(16)
        layout.addLayout(left, 1)
        layout.addWidget(self._panel())
        for key, button in (("A", self.ask), ("P", self.slip), ("V", self.vouch), ("S", self.see)):
            self._shortcut(key, button)
        self._ticking = QTimer(self)
        self._ticking.setInterval(TICK_MS)
        self._ticking.timeout.connect(self.refresh)

    # -- building ------------------------------------------------------------------------------------------

    def _panel(self) -> QWidget:
        self.banner = Banner()
        self.facts = Facts()
        facts = QVBoxLayout()
        facts.addWidget(self.facts)
        told = QWidget()
        inside = QVBoxLayout(told)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(12)
        inside.addWidget(self.banner)
        inside.addWidget(card(facts))
        self.ask = self._button(ASK, lambda: self.check_asked.emit(self._reference))
        self.slip = self._button("Slip for the payer   P", self._ask_slip)
        self.vouch = self._button(
            "Paid per gateway portal …   V", lambda: self.vouch_asked.emit(self._chosen)
        )
        self.see = self._button("Seen to …   S", lambda: self.see_asked.emit(self._chosen))
        self.open = self._button("Open the payment   Enter", lambda: self.open_asked.emit(self._reference))
        self.buttons = (self.ask, self.see, self.slip, self.vouch, self.open)
        self.panel = QWidget()
        self.panel.setFixedWidth(self._width)
        box = QVBoxLayout(self.panel)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(12)
        box.addWidget(Shrinking(told))
        keys = QVBoxLayout()
        keys.setSpacing(8)
        for button in self.buttons:
            keys.addWidget(button)
        box.addLayout(keys)
        box.addStretch()
        return self.panel

    def _button(self, text: str, act: Callable[[], object]) -> Button:
        button = Button(text)
        button.clicked.connect(lambda _checked=False: act())
        return button

    def _shortcut(self, key: str, button: Button) -> None:
        shortcut = QShortcut(QKeySequence(key), self)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.setAutoRepeat(False)
        shortcut.activated.connect(lambda: button.click() if button.isVisible() else None)

    # -- view down -----------------------------------------------------------------------------------------

    def attach(self, till: Till) -> None:
        """The till is there now."""
        self._till = till
        self.refresh()

    def refresh(self) -> None:
        """Show the desk as it stands; what is chosen stays so for as long as it is there."""
        if self._till is None:
            return
        view = self._till.desk.view()
        count = len(view.rows)
        self.count.setText(f"{count} not settled" if count else "")
        self.model.show_rows(view.rows)
        self.table.make_room()
        self.stack.setCurrentWidget(self.table if count else self.nothing)
        self.matters.show_items(view.matters, [_matter_text(item) for item in view.matters])
        self.messages.show_items(
            view.quarantined,
            [_message_text(item) for item in view.quarantined],
            f"Not known now: {view.quarantine_fault}" if view.quarantine_fault else "",
        )
        self.ended.show_items(view.ended, [_ended_text(item) for item in view.ended])
        self._choose(self._still_there(view))

    def _still_there(self, view: DeskView) -> Chosen | None:
        """The chosen one as it is now, or the first there is."""
        everything: tuple[Chosen, ...] = (*view.rows, *view.matters, *view.quarantined, *view.ended)
        key = _key(self._chosen) if self._chosen else None
        same = (item for item in everything if _key(item) == key)
        return next(same, everything[0] if everything else None)

    def asking(self, reference: str, *, now: bool) -> None:
        """The gateway is being asked about a payment, or has been."""
        (self._asking.add if now else self._asking.discard)(reference)
        self._show_buttons()

    # -- choosing ------------------------------------------------------------------------------------------

    def _row_selected(self) -> None:
        if not self._marking and (rows := self._selected_rows()):
            self._choose(self.model.rows[rows[0]])

    def _selected_rows(self) -> list[int]:
        return [index.row() for index in self.table.selectionModel().selectedRows()]

    def _choose(self, chosen: Chosen | None) -> None:
        """Show one thing's details, and mark it as the chosen one in its list and in no other."""
        self._chosen = chosen
        self._mark(chosen)
        self.panel.setVisible(chosen is not None)
        if chosen is None:
            self.banner.forget()
            return
        self.banner.show_standing(standing_of(chosen))
        self.facts.show_facts(facts_of(chosen))
        self._show_buttons()

    def _mark(self, chosen: Chosen | None) -> None:
        self._marking = True
        if isinstance(chosen, DeskRow):
            place = [item.reference for item in self.model.rows].index(chosen.reference)
            if self._selected_rows() != [place]:
                self.table.selectRow(place)
        else:
            self.table.clearSelection()
        self._marking = False
        for section in self._sections:
            keys = [_key(item) for item in section.items]
            key = _key(chosen) if chosen else None
            section.choose(keys.index(key) if key in keys else None)

    def _show_buttons(self) -> None:
        chosen, till = self._chosen, self._till
        if chosen is None or till is None:
            return
        payment = chosen if isinstance(chosen, DeskRow) else None
        shown = {
            self.ask: payment is not None and payment.can_ask,
            self.see: isinstance(chosen, Matter),
            self.slip: isinstance(chosen, EndedRow) or (payment is not None and payment.can_print_slip),
            self.vouch: payment is not None and payment.can_vouch,
            self.open: not isinstance(chosen, Quarantined) and till.payment(self._reference) is not None,
        }
        self.ask.setText("Asking …" if self._reference in self._asking else ASK)
        self.slip.setText(
            "No-charge statement   P" if isinstance(chosen, EndedRow) else "Slip for the payer   P"
        )
        self.slip.setAccessibleName(self.slip.text().split("   ")[0])
        lost = any(button.hasFocus() and not wanted for button, wanted in shown.items())
        for button, wanted in shown.items():
            button.setVisible(wanted)
        if lost:
            self.focus_start()

    # -- verbs up ------------------------------------------------------------------------------------------

    @property
    def _reference(self) -> str:
        return self._chosen.reference if self._chosen else ""

    def _open(self, chosen: Chosen) -> None:
        self._choose(chosen)
        if self.open.isVisible():
            self.open.click()

    def _ask_slip(self) -> None:
        assert self._till is not None
        desk = self._till.desk
        try:
            is_ended = isinstance(self._chosen, EndedRow)
            slip = desk.statement(self._reference) if is_ended else desk.slip(self._reference)
        except CashierError as error:
            self.told.emit(error.user_text)
        else:
            self.slip_asked.emit(slip)

    def save_shown(self) -> None:
        """The slip of what is chosen, if it has one."""
        if self.slip.isVisible():
            self.slip.click()

    def choose_reference(self, reference: str) -> None:
        """Choose a payment by its reference, if it is on the desk."""
        place = next((row for row in self.model.rows if row.reference == reference), None)
        if place is not None:
            self._choose(place)

    # -- focus and time ------------------------------------------------------------------------------------

    def focus_start(self) -> None:
        """Where the keys go when the page comes up: the list of what is chosen."""
        lists = (self.table, *(section.list for section in self._sections))
        chosen = (one for one in lists if one.selectionModel().hasSelection())
        next(chosen, self.nothing).setFocus()

    def showEvent(self, event: QShowEvent) -> None:
        """Ages tick while they can be seen."""
        super().showEvent(event)
        self._ticking.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """And no longer."""
        super().hideEvent(event)
        self._ticking.stop()


def _key(item: Chosen) -> tuple[str, str]:
    """What makes it the same after news."""
    name = item.id if isinstance(item, Matter | Quarantined) else item.reference
    return type(item).__name__, name


def _matter_text(item: Matter) -> str:
    amount = f" · {item.amount}" if item.amount else ""
    return f"✕  {local_time(item.at)}{amount} · {item.reason}"


def _message_text(item: Quarantined) -> str:
    amount = f" · {item.amount}" if item.amount else ""
    return f"◷  {local_time(item.received_at)}{amount} · {item.reason}"


def _ended_text(item: EndedRow) -> str:
    sign, word = SIGNS[item.standing.tone], item.standing.word
    return f"{sign}  {word} · {format_dollars(item.amount_cents)} · {item.payer}"
