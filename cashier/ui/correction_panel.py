"""What can be undone of the receipt before the clerk: each act, or the reason why not; and its papers."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QGridLayout, QMenu, QVBoxLayout, QWidget

from cashier.domain.correction_text import WAYS
from cashier.domain.corrections import Refund
from cashier.domain.money import format_dollars
from cashier.domain.receipt import Receipt, Tender, TenderKind
from cashier.till.corrections import Choices
from cashier.till.till import Till
from cashier.ui.theme import scaled
from cashier.ui.widgets import Button, announce, label

#: Three buttons stand beside each other where text is of this size or smaller, pixels of a hundred.
_BESIDE_MAX = 130
_ENDORSED = (TenderKind.CHECK, TenderKind.MONEY_ORDER)
KEYS = {"void": "Ctrl+Shift+V", "refund": "Ctrl+Shift+R", "returned": "Ctrl+Shift+B", "made": "Ctrl+Shift+M"}

Choice = TypeVar("Choice")


class CorrectionPanel(QWidget):
    """Void, refund, returned check; below them why not; and what there is to print or to record of them."""

    void_asked = Signal(object)
    refund_asked = Signal(object)
    returned_asked = Signal(object)
    #: A receipt, and the card refund of it that was made.
    made_asked = Signal(object, object)
    #: A receipt, and the refund whose slip is wanted, or the check whose back is printed.
    slip_asked = Signal(object, object)
    endorse_asked = Signal(object, object)

    def __init__(self, page: QWidget) -> None:
        super().__init__()
        self._till: Till | None = None
        self._receipt: Receipt | None = None
        self._open: tuple[Refund, ...] = ()
        self._refunds: tuple[Refund, ...] = ()
        self.void = self._button("Void …", "void", lambda: self.void_asked.emit(self._receipt))
        self.refund = self._button("Refund …", "refund", lambda: self.refund_asked.emit(self._receipt))
        self.returned = self._button(
            "Returned check …", "returned", lambda: self.returned_asked.emit(self._receipt)
        )
        self.made = self._button("Refund made …", "made", self._ask_made)
        self.slip = self._button("Refund slip", "", self._ask_slip)
        self.endorse = self._button("Back of the check", "", self._ask_back)
        self.why = label("", "soft", wrap=True)
        self.acts = (self.void, self.refund, self.returned)
        self.papers = (self.made, self.slip, self.endorse)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        # Where text is large, what is long has a line of its own.
        is_wide = scaled(100) <= _BESIDE_MAX
        pair_and_one = ((0, 0, 1), (0, 1, 1), (1, 0, 2))
        one_each = ((0, 0, 1), (1, 0, 1), (2, 0, 1))
        layout.addLayout(_grid(self.papers, pair_and_one if is_wide else one_each))
        layout.addLayout(_grid(self.acts, ((0, 0, 1), (0, 1, 1), (0, 2, 1)) if is_wide else pair_and_one))
        layout.addWidget(self.why)
        for button in self.papers:
            button.hide()
        self.hide()
        for name, button in zip(KEYS, (self.void, self.refund, self.returned, self.made), strict=True):
            shortcut = QShortcut(QKeySequence(KEYS[name]), page)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.setAutoRepeat(False)
            shortcut.activated.connect(lambda button=button: self._pressed(button))

    def _button(self, text: str, key: str, act: Callable[[], object]) -> Button:
        button = Button(text, text.removesuffix(" …"))
        button.setToolTip(KEYS.get(key, ""))
        button.clicked.connect(lambda _checked=False: act())
        return button

    def _pressed(self, button: Button) -> None:
        """A key does what its button does; where that cannot be done, the reason is said once more."""
        if self._receipt is None or button.isHidden():
            return
        if button.isEnabled():
            button.click()
        else:
            announce(button, button.accessibleDescription())

    def attach(self, till: Till) -> None:
        """The till is there now."""
        self._till = till

    def show_receipt(self, receipt: Receipt | None) -> None:
        """The receipt that is before the clerk, or none."""
        self._receipt = receipt
        self.setVisible(receipt is not None)
        if receipt is None or self._till is None:
            return
        choices = self._till.corrections.choices(receipt)
        self._refunds = tuple(
            item for item in self._till.corrections.book.of(receipt.number) if isinstance(item, Refund)
        )
        self._open = choices.open_refunds
        self._show_acts(choices)
        has_printer = self._till.printing.config.printer is not None
        is_own = not self._till.rescued.refusal(receipt.number)
        for button, is_wanted in (
            (self.made, bool(self._open)),
            (self.slip, bool(self._refunds)),
            (self.endorse, has_printer and is_own and bool(_endorsed(receipt))),
        ):
            button.setVisible(is_wanted)

    def _show_acts(self, choices: Choices) -> None:
        """Each act, or the reason why not: at the button, below it, and for whoever does not see either."""
        refusals = (choices.void_refusal, choices.refund_refusal, choices.returned_refusal)
        said: dict[str, list[str]] = {}
        for button, refusal, key in zip(self.acts, refusals, KEYS.values(), strict=False):
            button.setEnabled(not refusal)
            button.setToolTip(refusal or key)
            button.setAccessibleDescription(refusal)
            if refusal:
                said.setdefault(refusal, []).append(button.accessibleName())
        self.why.setText("\n".join(f"{', '.join(names)}: {refusal}" for refusal, names in said.items()))
        self.why.setVisible(bool(said))

    # -- which of several --------------------------------------------------------------------------------

    def _ask_made(self) -> None:
        named = [
            (f"{format_dollars(item.amount_cents)} of {item.business_date}", item) for item in self._open
        ]
        self._pick(self.made, named, lambda refund: self.made_asked.emit(self._receipt, refund))

    def _ask_slip(self) -> None:
        named = [
            (f"{format_dollars(item.amount_cents)} by {WAYS[item.kind]}, {item.business_date}", item)
            for item in self._refunds
        ]
        self._pick(self.slip, named, lambda refund: self.slip_asked.emit(self._receipt, refund))

    def _ask_back(self) -> None:
        assert self._receipt is not None
        named = [
            (f"{item.number} of {format_dollars(item.amount_cents)}", item)
            for item in _endorsed(self._receipt)
        ]
        self._pick(self.endorse, named, lambda check: self.endorse_asked.emit(self._receipt, check))

    def _pick(
        self, button: Button, named: Sequence[tuple[str, Choice]], act: Callable[[Choice], object]
    ) -> None:
        """The only one, or the one that is chosen of several."""
        if len(named) == 1:
            act(named[0][1])
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for text, item in named:
            menu.addAction(text).triggered.connect(lambda _checked=False, item=item: act(item))
        menu.setActiveAction(menu.actions()[0])
        menu.popup(button.mapToGlobal(QPoint(0, button.height())))


def _grid(buttons: Sequence[Button], places: Sequence[tuple[int, int, int]]) -> QGridLayout:
    """Buttons at a line and a column each, over so many columns."""
    grid = QGridLayout()
    grid.setSpacing(8)
    for button, (line, column, span) in zip(buttons, places, strict=True):
        grid.addWidget(button, line, column, 1, span)
    return grid


def _endorsed(receipt: Receipt) -> list[Tender]:
    return [item for item in receipt.tenders if item.kind in _ENDORSED and item.id]
