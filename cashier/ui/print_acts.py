"""What the clerk does about paper: print, mail, say what came out, open the drawer."""

from collections.abc import Callable, Coroutine
from typing import Any

from PySide6.QtWidgets import QInputDialog, QLineEdit, QWidget

from cashier.domain.errors import CashierError
from cashier.domain.prints import PrintWhat
from cashier.domain.receipt import Receipt
from cashier.till.till import Till
from cashier.ui.messages import Messages
from cashier.ui.print_bar import PrintBar
from cashier.ui.print_panel import PrintPanel


class PrintActs:
    """The verbs of paper, for one window."""

    def __init__(
        self,
        window: QWidget,
        bar: PrintBar,
        messages: Messages,
        note: Callable[[str], object],
        run: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._window, self._bar, self._messages = window, bar, messages
        self._note, self._run = note, run
        self._till: Till | None = None
        bar.try_again_asked.connect(lambda: self._do(lambda till: till.printing.try_again()))
        bar.seen_asked.connect(lambda: self._do(lambda till: till.printing.seen()))
        bar.came_out_asked.connect(lambda found: self._do(lambda till: till.printing.came_out(found)))
        bar.print_again_asked.connect(lambda found: self._do(lambda till: till.printing.print_again(found)))
        bar.put_away_asked.connect(lambda found: self._do(lambda till: till.printing.put_away(found)))

    def connect_panel(self, panel: PrintPanel) -> None:
        """A panel's wishes come here."""
        panel.print_asked.connect(self.print)
        panel.mail_asked.connect(self.ask_address)

    def attach(self, till: Till) -> None:
        """The till is there now."""
        self._till = till

    def refresh(self) -> None:
        """Show what needs somebody."""
        if self._till is not None:
            self._bar.show_prints(self._till.printing.view())

    def print(self, receipt: Receipt, language: str) -> None:
        """Print a receipt, or a copy of it."""

        def ask(till: Till) -> None:
            asked = till.printing.ask(receipt.number, language)
            mark = f" as DUPLICATE {asked.copy}" if asked.copy else ""
            self._note(f"{receipt.number} is printed{mark} …")

        self._do(ask)

    def ask_address(self, receipt: Receipt, language: str) -> None:
        """Ask for the address, with the one that the customer gave."""
        dialog = self._question(
            "E-mail the receipt", f"E-mail address for {receipt.number}", receipt.customer.email
        )

        def send(address: str) -> None:
            def ask(till: Till) -> None:
                till.printing.ask(receipt.number, language, PrintWhat.MAIL, to=address)
                self._note(f"{receipt.number} is sent to {address.strip()} …")

            self._do(ask)

        dialog.textValueSelected.connect(send)
        dialog.open()

    def ask_drawer(self) -> None:
        """Ctrl+D: the drawer without a sale, with a reason."""
        if self._till is None:
            return
        dialog = self._question("Open the drawer", "Why? It goes into the journal with your name.", "")
        dialog.textValueSelected.connect(lambda reason: self._run(self._open_drawer(reason)))
        dialog.open()

    async def _open_drawer(self, reason: str) -> None:
        assert self._till is not None
        try:
            await self._till.printing.open_drawer(reason)
        except CashierError as error:
            self._messages.tell("Drawer not opened", error.user_text)

    def _question(self, title: str, text: str, value: str) -> QInputDialog:
        dialog = QInputDialog(self._window)
        dialog.setWindowTitle(title)
        dialog.setLabelText(text)
        dialog.setTextValue(value)
        for field in dialog.findChildren(QLineEdit):
            field.setAccessibleName(text)
        dialog.finished.connect(dialog.deleteLater)
        return dialog

    def _do(self, verb: Callable[[Till], object]) -> None:
        if self._till is None:
            return
        try:
            verb(self._till)
        except CashierError as error:
            self._messages.tell("Not printed", error.user_text)
