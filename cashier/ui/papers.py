"""What goes on paper: the dialog that asks where, and the writing. Receipts, and slips in place of one."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from cashier.domain.corrections import Refund
from cashier.domain.errors import CashierError
from cashier.domain.prints import PrintWhat
from cashier.domain.receipt import Receipt
from cashier.domain.slip import Slip, SlipKind
from cashier.paper.logo import Logo
from cashier.till.printing import Printing
from cashier.ui.messages import Messages

if TYPE_CHECKING:
    from PySide6.QtGui import QImage

PDF = "PDF (*.pdf)"
#: The papers of a slip; the one chosen last comes first the next time.
LETTER, ROLL = "Letter page, PDF (*.pdf)", "Roll of 80 mm, PDF (*.pdf)"
_NAMES = {
    SlipKind.UNDER_VERIFICATION: "verification",
    SlipKind.NO_CHARGE: "no-charge",
    SlipKind.WAITING: "waiting",
}


class Papers:
    """Saves papers of one window. `note` gets a word for its status line."""

    def __init__(self, window: QWidget, messages: Messages, note: Callable[[str], object]) -> None:
        self._window = window
        self._messages = messages
        self._note = note
        self._paper = LETTER
        #: Where each saved receipt is recorded; None until the till is there.
        self.printing: Printing | None = None
        #: The agency's logo; None until the till is there.
        self.logo: Logo | None = None

    def attach(self, printing: Printing) -> None:
        """The till is there."""
        self.printing, self.logo = printing, Logo(printing.config.logo)

    def save_receipt(self, receipt: Receipt) -> None:
        """Ask where, then write the receipt as a PDF."""
        dialog = self._dialog("Save the receipt", f"receipt-{receipt.number}.pdf", [PDF])
        dialog.fileSelected.connect(lambda file: self.write_receipt(receipt, Path(file)))
        dialog.open()

    def save_refund(self, receipt: Receipt, refund: Refund) -> None:
        """Ask where, then write a refund's slip as a PDF."""
        dialog = self._dialog("Save the refund slip", f"refund-{receipt.number}.pdf", [PDF])
        dialog.fileSelected.connect(lambda file: self.write_receipt(receipt, Path(file), refund))
        dialog.open()

    def save_slip(self, slip: Slip) -> None:
        """Ask where and for which paper, then write the slip as a PDF."""
        papers = sorted((LETTER, ROLL), key=lambda paper: paper != self._paper)
        name = f"{_NAMES[slip.kind]}-{slip.reference}.pdf"
        dialog = self._dialog("Save the slip for the payer", name, papers)

        def selected(file: str) -> None:
            self._paper = dialog.selectedNameFilter()
            self.write_slip(slip, Path(file), roll=self._paper == ROLL)

        dialog.fileSelected.connect(selected)
        dialog.open()

    def _dialog(self, title: str, name: str, kinds: list[str]) -> QFileDialog:
        dialog = QFileDialog(self._window, title, name)
        dialog.setNameFilters(kinds)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("pdf")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return dialog

    def write_receipt(self, receipt: Receipt, file: Path, refund: Refund | None = None) -> None:
        """Write the receipt, or a refund's slip, as a PDF, or say why not.

        It is recorded: the next one says DUPLICATE.
        """
        from cashier.paper.receipt_page import write_paper

        assert self.printing is not None, "there are receipts without a till"
        printing, logo = self.printing, self._logo_image()
        what, of = (PrintWhat.REFUND, refund.id) if refund else (PrintWhat.RECEIPT, "")
        self._write(
            "refund slip" if refund else "receipt",
            file,
            lambda: printing.save(
                receipt.number, "", lambda paper: write_paper(paper, file, logo=logo), what, of
            ),
        )

    def write_slip(self, slip: Slip, file: Path, *, roll: bool = False) -> None:
        """Write the slip as a PDF, or say why not."""
        from cashier.paper.slip_page import write_pdf

        logo = self._logo_image()
        self._write("slip", file, lambda: write_pdf(slip, file, roll=roll, logo=logo))

    def _write(self, what: str, file: Path, write: Callable[[], object]) -> None:
        try:
            write()
        except CashierError as error:
            self._messages.tell("Not saved", error.user_text)
        except OSError as error:
            reason = error.strerror or str(error)
            self._messages.tell("Not saved", f"The {what} could not be written to {file}: {reason}.")
        else:
            news = self.logo.news() if self.logo else ""
            self._note(f"saved {file.name}. {news}" if news else f"saved {file.name}")

    def _logo_image(self) -> "QImage | None":
        return self.logo.image() if self.logo else None
