"""The bar of prints that need somebody: paper is out, or nobody knows whether it came out."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout

from cashier.domain.prints import PrintState, PrintWhat
from cashier.till.printing import PrintsView
from cashier.ui.widgets import Button, announce, label


class PrintBar(QFrame):
    """One thing at a time: first what is not known, then what waits. The sale goes on meanwhile."""

    try_again_asked = Signal()
    #: The print's id.
    came_out_asked = Signal(str)
    print_again_asked = Signal(str)
    put_away_asked = Signal(str)
    seen_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("print-bar")
        self._print_id = self._announced = ""
        self.text = label("", "", wrap=True)
        self.came_out = Button("It came out")
        self.print_again = Button("Print it again", "It did not come out: print it again, as a duplicate")
        self.try_again = Button("Try again", "Print what waits")
        self.put_away = Button("Do not print", "Do not print it any more")
        self.seen = Button("Seen", "I have seen this")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 8, 16, 8)
        layout.setSpacing(8)
        layout.addWidget(self.text, 1)
        for button, act in (
            (self.came_out, lambda: self.came_out_asked.emit(self._print_id)),
            (self.print_again, lambda: self.print_again_asked.emit(self._print_id)),
            (self.try_again, self.try_again_asked.emit),
            (self.put_away, lambda: self.put_away_asked.emit(self._print_id)),
            (self.seen, self.seen_asked.emit),
        ):
            button.clicked.connect(lambda _checked=False, act=act: act())
            layout.addWidget(button)
        self.hide()

    def show_prints(self, view: PrintsView) -> None:
        """Show what needs somebody, or go away."""
        failed = [item for item in view.waiting if item.state is PrintState.FAILED]
        unknown = view.unknown[0] if view.unknown else None
        self._print_id = unknown.id if unknown else failed[0].id if failed else ""
        text = view.message
        if unknown is not None:
            question = "Did the mail arrive?" if unknown.what is PrintWhat.MAIL else "Did it print?"
            text = (
                f"{unknown.receipt}: {unknown.reason}. {question} The payment stands either way. "
                "Printed again it says DUPLICATE."
            )
        elif failed and not text:
            others = f", {len(view.waiting) - 1} more wait" if len(view.waiting) > 1 else ""
            text = f"{failed[0].receipt} is not printed: {failed[0].reason}{others}. The payment stands."
        for button in (self.came_out, self.print_again):
            button.setVisible(unknown is not None)
        self.try_again.setVisible(unknown is None and bool(failed))
        self.put_away.setVisible(unknown is None and bool(failed))
        self.seen.setVisible(unknown is None and not failed)
        if text != self.text.text():
            self.text.setText(text)
            self.setAccessibleName(text)
        is_new = bool(text) and text != self._announced
        self._announced = text
        self.setVisible(bool(text))
        if is_new:
            announce(self, text)
