"""Hold and resume from the window: the key that puts a sale aside, and the list of those that are.

While the line is off the same key parks the sale for it, and the payer gets a slip that nothing was paid.
"""

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from cashier.domain.errors import CashierError
from cashier.domain.money import format_dollars
from cashier.domain.slip import Slip
from cashier.till.held_sales import HeldSale
from cashier.till.parking import reference_of
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
        #: Saves a slip as a file, where there is no printer.
        self.save_slip: Callable[[Slip], object] = lambda _slip: None

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
        self._page.focus_start()
        if held.waits_for_line:
            await self._hand_out(till, held.id, parked_words(held))
            return
        text = f"The sale of {held.name} over {format_dollars(held.total_cents)} waits. F5 brings it back."
        self._bar.tell(Standing(Tone.CALM, "Put aside", text))

    async def _hand_out(self, till: Till, held_id: str, words: str = "") -> None:
        """The slip of a parked sale for its payer, from the printer or as a file; `words` are told before."""
        try:
            if till.parking.has_printer:
                self._bar.tell(Standing(Tone.CALM, "Parked", f"{words} The slip is printed …".strip()))
                words = f"{words} {await till.parking.print_slip(held_id)}".strip()
            else:
                words = words or "The slip of the parked sale is saved as a file."
                self.save_slip(till.parking.slip(held_id))
        except CashierError as error:
            self._bar.tell(Standing(Tone.REFUSED, "No slip", error.user_text))
            return
        self._bar.tell(Standing(Tone.CALM, "Parked", words))

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
            slip=lambda held_id: self._run(self._hand_out(till, held_id)),
            name=lambda held: reference_of(till.config.till, held),
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


def parked_words(held: HeldSale) -> str:
    """What parking means for the sale and its money."""
    text = (
        f"The sale of {held.name} over {format_dollars(held.total_cents)} waits for the line. Nothing was "
        "paid. F5 brings it back."
    )
    if held.is_unheld:
        text += (
            " The hub holds none of its invoices: another till may take them. It is asked to as soon as it "
            "answers; before they are charged, what is still due is asked for."
        )
    return text
