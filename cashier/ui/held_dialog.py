"""Money that was taken and is on no receipt yet: give it back, or issue the receipt of a part payment.

Opened from the sale page, and at the start for what was held when the till last ended.
"""

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QDialog, QLineEdit, QVBoxLayout, QWidget

from cashier.domain.allocation import RULE
from cashier.domain.errors import CashierError
from cashier.domain.money import format_dollars
from cashier.domain.tendering import DrawerTender
from cashier.till.tenders import NAMES
from cashier.till.till import Till
from cashier.ui.tables import Table
from cashier.ui.theme import scaled
from cashier.ui.widgets import Button, announce, fit_height, label, row

WIDTH, ROWS_HEIGHT, REASON_MAX = 640, 170, 120


class HeldDialog(QDialog):
    """Shows the held tenders of the sale and of earlier ones. Deletes itself when it is left."""

    def __init__(self, window: QWidget, till: Till) -> None:
        super().__init__(window)
        self._till = till
        self._held: tuple[DrawerTender, ...] = ()
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setWindowTitle("Taken, not on a receipt yet")
        self.setMinimumWidth(scaled(WIDTH))
        self._model = QStandardItemModel(0, 4)
        self._model.setHorizontalHeaderLabels(["Payer", "What", "Taken by", "Amount"])
        self.rows = Table(self._model, "Tenders that are on no receipt yet", grows=0, make_room=(2,))
        self.rows.setFixedHeight(scaled(ROWS_HEIGHT))
        self.reason = QLineEdit()
        self.reason.setMaxLength(REASON_MAX)
        self.reason.setAccessibleName("Why it goes back")
        self.reason.setPlaceholderText("Why it goes back to the payer")
        self.back = Button("Give back")
        self.back.clicked.connect(self._give_back)
        self.receipt = Button("Receipt of a part payment")
        self.receipt.clicked.connect(self._finish)
        self.leave = Button("Leave   Esc")
        self.leave.clicked.connect(self.reject)
        for button in (self.back, self.receipt, self.leave):
            button.setAutoDefault(False)
        self.told = label("", "fault", wrap=True)
        self.told.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 20)
        layout.setSpacing(12)
        layout.addWidget(label("Taken, not on a receipt yet", "title", wrap=True))
        layout.addWidget(self.rows)
        layout.addLayout(row(self.reason, self.back))
        layout.addWidget(label(RULE, "soft", wrap=True))
        layout.addWidget(self.told)
        layout.addLayout(row(self.receipt, 1, self.leave))
        self.refresh()

    def refresh(self) -> None:
        """Show what is held now; leave when nothing is."""
        snapshot = self._till.snapshot()
        found = {item.tender.id: item for item in (*snapshot.held_before, *snapshot.draft.held)}
        self._held = tuple(found.values())
        self._model.setRowCount(0)
        for item in self._held:
            tender = item.tender
            what = " ".join(part for part in (NAMES[tender.kind].capitalize(), tender.number) if part)
            texts = (self._till.payer_of(item.sale_id), what, item.by, format_dollars(tender.amount_cents))
            cells = [QStandardItem(text) for text in texts]
            cells[-1].setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            for cell in cells:
                cell.setEditable(False)
            self._model.appendRow(cells)
        if self._held:
            self.rows.selectRow(0)

    def _chosen(self) -> DrawerTender | None:
        place = self.rows.currentIndex().row()
        return self._held[place] if 0 <= place < len(self._held) else None

    def _give_back(self) -> None:
        chosen, reason = self._chosen(), self.reason.text().strip()
        if chosen is None:
            return
        if not reason:
            self._tell("Write why it goes back.")
            self.reason.setFocus()
            return
        self._do(lambda: self._till.give_back(chosen.sale_id, [chosen.tender.id], reason))

    def _finish(self) -> None:
        chosen = self._chosen()
        if chosen is not None:
            self._do(lambda: self._till.finish_part(chosen.sale_id))

    def _do(self, verb: object) -> None:
        assert callable(verb)
        try:
            verb()
        except CashierError as error:
            self._tell(error.user_text)
            return
        self.reason.clear()
        self._tell("")
        self.refresh()
        if not self._held:
            self.accept()

    def _tell(self, text: str) -> None:
        self.told.setText(text)
        self.told.setVisible(bool(text))
        if self.isVisible():
            fit_height(self)
        if text:
            announce(self.told, text)

    def showEvent(self, event: QShowEvent) -> None:
        """The keys go to the rows."""
        super().showEvent(event)
        fit_height(self)
        self.rows.setFocus()
