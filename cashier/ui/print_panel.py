"""Printing and mailing of the receipt before the clerk, in the payer's language."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from cashier.domain.prints import PrintWhat
from cashier.domain.receipt import Receipt
from cashier.till.till import Till
from cashier.ui.widgets import Button, row

PRINT, COPY = "Print   Ctrl+P", "Print a copy   Ctrl+P"


class PrintPanel(QWidget):
    """Language, Print and E-mail; what this till is not set up for is not there."""

    #: A receipt, and the language's code; then the same to be mailed.
    print_asked = Signal(object, str)
    mail_asked = Signal(object, str)

    def __init__(self) -> None:
        super().__init__()
        self._till: Till | None = None
        self._receipt: Receipt | None = None
        self.language = QComboBox()
        self.language.setAccessibleName("Language of the receipt")
        self.language.setToolTip("The payer's language, on paper")
        self.print = Button(PRINT)
        self.print.clicked.connect(lambda _checked=False: self._ask(self.print_asked))
        self.mail = Button("E-mail …", "E-mail the receipt")
        self.mail.clicked.connect(lambda _checked=False: self._ask(self.mail_asked))
        # Two rows: at twice the size three things have no room beside each other.
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(row(self.language, self.mail))
        layout.addWidget(self.print)
        self.hide()

    def attach(self, till: Till) -> None:
        """The till is there now."""
        self._till = till
        printing = till.printing
        self.language.clear()
        for code, language in printing.papers.languages.items():
            self.language.addItem(language.name, code)
        self.print.setVisible(printing.config.printer is not None)
        self.mail.setVisible(printing.config.mailer is not None)
        self._choose(printing.config.language)

    @property
    def has_printer(self) -> bool:
        """Whether this till prints by itself, instead of saving files."""
        return self._till is not None and self._till.printing.config.printer is not None

    @property
    def is_of_use(self) -> bool:
        """Whether there is a printer or a mail server."""
        if self._till is None:
            return False
        config = self._till.printing.config
        return config.printer is not None or config.mailer is not None

    def show_receipt(self, receipt: Receipt | None) -> None:
        """The receipt that is before the clerk, or none; another one starts with its payer's language."""
        is_other = (receipt.number if receipt else "") != (self._receipt.number if self._receipt else "")
        self._receipt = receipt
        self.setVisible(self.is_of_use and receipt is not None)
        if self._till is None or receipt is None or not self.is_of_use:
            return
        prints = self._till.printing.prints(receipt.number)
        if is_other:
            self._choose(prints[-1].language if prints else self._till.printing.config.language)
        is_copy = self._till.printing.papers.next_copy(receipt.number, PrintWhat.RECEIPT)
        text = COPY if is_copy else PRINT
        if self.print.text() != text:
            self.print.setText(text)
            self.print.setAccessibleName(text.split("   ")[0])

    def _choose(self, code: str) -> None:
        self.language.setCurrentIndex(max(self.language.findData(code), 0))

    def ask_print(self) -> None:
        """Ctrl+P."""
        self._ask(self.print_asked)

    def _ask(self, signal: object) -> None:
        if self._receipt is not None:
            signal.emit(self._receipt, self.language.currentData())  # type: ignore[attr-defined]
