"""Hold and resume from the window: the key that puts a sale aside, and the list of those that are."""

from PySide6.QtWidgets import QWidget

from cashier.domain.errors import CashierError
from cashier.domain.money import format_dollars
from cashier.till.till import AlreadyAsked, Till
from cashier.till.words import Standing, Tone
from cashier.ui.approval_dialog import Run
from cashier.ui.lookups import LookupBar
from cashier.ui.retrieve_dialogs import HeldSalesDialog
from cashier.ui.sale_page import SalePage


class PuttingAside:
    """Runs the till's verbs of held sales for one window; what came of them stands in the sale page's bar."""

    def __init__(self, window: QWidget, page: SalePage, bar: LookupBar, run: Run) -> None:
        self._window, self._page, self._bar, self._run = window, page, bar, run
        self._till: Till | None = None
        self._dialog: HeldSalesDialog | None = None

    def attach(self, till: Till) -> None:
        """The till is there now."""
        self._till = till

    def hold(self) -> None:
        """Put the sale on the screen aside."""
        if self._till is not None:
            self._page.commit_fields()
            self._run(self._hold(self._till))

    async def _hold(self, till: Till) -> None:
        try:
            held = await till.hold_sale()
        except AlreadyAsked:
            return
        except CashierError as error:
            self._bar.tell(Standing(Tone.REFUSED, "Not put aside", error.user_text))
            return
        text = f"The sale of {held.name} over {format_dollars(held.total_cents)} waits. F5 brings it back."
        self._bar.tell(Standing(Tone.CALM, "Put aside", text))
        self._page.focus_start()

    def show(self) -> None:
        """The list of the sales put aside."""
        till = self._till
        if till is None or self._dialog is not None:
            return
        self._page.commit_fields()
        self._dialog = HeldSalesDialog(
            self._window,
            sales=lambda: till.snapshot().held,
            resume=lambda held_id: self._resume(till, held_id),
            drop=till.drop_held_sale,
        )
        self._dialog.finished.connect(self._left)
        self._dialog.open()

    def _left(self) -> None:
        self._dialog = None

    def _resume(self, till: Till, held_id: str) -> None:
        note = till.resume_sale(held_id)
        name = till.snapshot().draft.customer.name
        if note:
            self._bar.tell(Standing(Tone.WAITING, "Resumed", note))
        else:
            self._bar.tell(Standing(Tone.CALM, "Resumed", f"The sale of {name} is as it was."))
