"""The rail: a button for each page, with what waits there, and what is at hand on every page."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QButtonGroup, QFrame, QSizePolicy, QVBoxLayout

from cashier.ui.theme import Theme, scaled
from cashier.ui.widgets import Button

SALE, PAYMENT, DESK, RECEIPTS, SHIFT, REPORTS, ACCOUNTS, SETTINGS = range(8)
PAGES = ("Sale", "Payment", "In doubt", "Receipts", "Shift", "Reports", "Accounts", "Settings")
WIDTH, WIDTH_MAX = 148, 220
ICON_SIZE = QSize(22, 22)
_ICONS = (
    "mdi6.cash-register",
    "mdi6.credit-card-outline",
    "mdi6.clock-alert-outline",
    "mdi6.receipt-text-outline",
    "mdi6.account-clock-outline",
    "mdi6.chart-bar",
    "mdi6.account-outline",
    "mdi6.cog-outline",
)
_LOCK = "mdi6.lock-outline"
PUT_ASIDE = "Put this sale aside (Shift+F5)"
PARK = "Park this sale until the line is back (Shift+F5)"


class RailButton(Button):
    """A button of the rail: as high as a finger wants it, and lower where there are many of large text."""

    HEIGHT, HEIGHT_MIN_MORE = 44, 12

    def __init__(self, text: str, name: str = "") -> None:
        super().__init__(text, name)
        self.setObjectName("rail")
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Maximum)

    def sizeHint(self) -> QSize:
        """The height it should have."""
        return QSize(super().sizeHint().width(), scaled(self.HEIGHT))

    def minimumSizeHint(self) -> QSize:
        """The height it needs, and never less than a finger does."""
        text = self.fontMetrics().height() + self.HEIGHT_MIN_MORE
        return QSize(super().minimumSizeHint().width(), max(text, self.HEIGHT))


class Rail(QFrame):
    """Beside the pages. `buttons` has one for each of PAGES."""

    page_asked = Signal(int)
    put_aside_asked = Signal()
    held_asked = Signal()
    lock_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("rail")
        self.setFixedWidth(min(scaled(WIDTH), WIDTH_MAX))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 4)
        layout.setSpacing(2)  # ten buttons at twice the size of text
        self._group = QButtonGroup(self)
        # A clear picture of the icon's size keeps the texts in place until the icons are there.
        blank = QPixmap(ICON_SIZE)
        blank.fill(Qt.GlobalColor.transparent)
        self.buttons = [RailButton(name) for name in PAGES]
        self.put_aside = RailButton("Put aside", PUT_ASIDE)
        self.held = RailButton("Held", "Sales put aside (F5)")
        self.lock = RailButton("Lock")
        for page, button in enumerate(self.buttons):
            button.setCheckable(True)
            button.clicked.connect(lambda _checked=False, page=page: self.page_asked.emit(page))
            self._group.addButton(button)
            layout.addWidget(button)
        layout.addStretch()
        for button, asked in ((self.put_aside, self.put_aside_asked), (self.held, self.held_asked)):
            button.setToolTip(button.accessibleName())
            # By keyboard each has a key of its own; a click must not take the focus from what is typed.
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.clicked.connect(lambda _checked=False, asked=asked: asked.emit())
            layout.addWidget(button)
        self.lock.clicked.connect(lambda _checked=False: self.lock_asked.emit())
        layout.addWidget(self.lock)
        for button in (*self.buttons, self.lock):
            button.setIcon(QIcon(blank))
            button.setIconSize(ICON_SIZE)
        self.buttons[SALE].setChecked(True)
        self.buttons[SETTINGS].hide()  # there for who may change them: the others have no use for its room
        self.lock.hide()

    def show_icons(self, theme: Theme) -> None:
        """Load the icons: after the first paint, since their library takes longer than the window."""
        import qtawesome

        on, off = theme.text("rail_text"), theme.text("rail_off")
        for button, name in zip((*self.buttons, self.lock), (*_ICONS, _LOCK), strict=True):
            button.setIcon(qtawesome.icon(name, color=on, color_disabled=off))

    def show_nothing(self) -> None:
        """There is no till: no page is chosen, and none can be."""
        self._group.setExclusive(False)
        for button in (*self.buttons, self.put_aside, self.held):
            button.setChecked(False)
            button.setEnabled(False)

    def show_held(self, count: int) -> None:
        """How many sales are put aside."""
        self.held.setText(f"Held  {count}" if count else "Held")

    def show_line(self, *, is_off: bool) -> None:
        """What putting aside is now: without the line the sale waits for it."""
        self.put_aside.setText("Park" if is_off else "Put aside")
        name = PARK if is_off else PUT_ASIDE
        self.put_aside.setAccessibleName(name)
        self.put_aside.setToolTip(name)

    def show_counts(self, unsettled: int, matters: int, refunds: int) -> None:
        """What needs a person: payments in doubt, what is to be seen to, refunds that were asked for."""
        self._count(DESK, (unsettled, "not settled"), (matters, "to be seen to"))
        self._count(RECEIPTS, (refunds, "refunds to be made"))

    def _count(self, page: int, *counts: tuple[int, str]) -> None:
        said = [f"{count} {what}" for count, what in counts if count]
        total = sum(count for count, _ in counts)
        button = self.buttons[page]
        button.setText(f"{PAGES[page]}  {total}" if total else PAGES[page])
        button.setAccessibleName(", ".join((PAGES[page], *said)))
