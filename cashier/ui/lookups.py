"""Looking up from the sale page: an invoice by its number, a customer by the account number.

Asking never blocks the window: what is being asked stands there with a key to stop it, and the sale goes on
meanwhile. An answer that comes when another sale is on the screen changes nothing.
"""

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from cashier.domain.errors import CashierError
from cashier.domain.money import format_cents
from cashier.till.draft import Retrieved
from cashier.till.retrieve import Candidate, CustomerLookup, InvoiceLookup
from cashier.till.till import Till
from cashier.till.words import Standing, Tone
from cashier.ui.approval_dialog import Run
from cashier.ui.messages import Messages
from cashier.ui.retrieve_dialogs import AmountDialog, ChooseInvoice
from cashier.ui.sale_page import SalePage
from cashier.ui.theme import scaled
from cashier.ui.widgets import Banner, Button, Shrinking, announce, card, label, row

if TYPE_CHECKING:
    import asyncio


HEIGHT_MAX = 150


class LookupBar(QWidget):
    """What is being asked, or what came of it. Away when there is nothing to tell."""

    def __init__(self) -> None:
        super().__init__()
        self.asking = label("", "soft", wrap=True)
        self.stop = Button("Stop asking   Esc")
        self.stop.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it goes away: the focus must not go with it
        line = row(self.asking, self.stop)
        line.setStretch(0, 1)
        self._asking_card = card(line)
        self.banner = Banner()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._asking_card)
        # The larger the text, the less room is left for it: the fees below must stay in sight.
        self._told = Shrinking(self.banner, HEIGHT_MAX + 60 - scaled(60))
        layout.addWidget(self._told)
        self.forget()

    def ask(self, text: str) -> None:
        """Something is being asked."""
        self.asking.setText(text)
        announce(self, text)
        self._told.hide()
        self._asking_card.show()
        self.show()

    def tell(self, standing: Standing) -> None:
        """What came of it."""
        self._asking_card.hide()
        self.banner.forget()
        self.banner.show_standing(standing)
        self._told.show()
        self.show()

    def forget(self) -> None:
        """There is nothing to tell any more."""
        self._asking_card.hide()
        self._told.hide()
        self.banner.forget()
        self.hide()


class Lookups:
    """Runs the lookups of one sale page. One at a time."""

    def __init__(self, window: QWidget, page: SalePage, messages: Messages, run: Run) -> None:
        self._window, self._page, self._messages, self._run = window, page, messages, run
        self._till: Till | None = None
        self._task: asyncio.Task[Any] | None = None
        self._is_for_nothing = False
        self.bar = LookupBar()
        self.bar.stop.clicked.connect(lambda _checked=False: self.stop())
        page.show_lookups(self.bar)
        page.fees.invoice_asked.connect(self.look_up)
        page.fees.stop_asked.connect(self.stop)
        page.fees.search.textEdited.connect(lambda _text: self._forget())
        page.customer_asked.connect(self.look_up_customer)
        page.amount_asked.connect(self.change_amount)
        page.sale_changed.connect(self._other_sale)

    def attach(self, till: Till) -> None:
        """The till is there now."""
        self._till = till

    @property
    def is_asking(self) -> bool:
        """Whether the gateway is being asked."""
        return self._page.fees.is_asking

    def stop(self) -> None:
        """Stop asking. Asking changes nothing, so that nothing has to be undone."""
        if self._task is not None:
            self._task.cancel()

    def _forget(self) -> None:
        if not self.is_asking:
            self.bar.forget()

    def _other_sale(self) -> None:
        """What is being asked was for the sale before: nobody waits for it any more."""
        self._is_for_nothing = self.is_asking
        self.stop()
        self.bar.forget()

    def _start(self, till: Till, what: str, work: Coroutine[Any, Any, None]) -> None:
        self._page.fees.is_asking = True
        self.bar.ask(f"Asking Invoice Cloud about {what} … The sale can go on meanwhile.")
        self._run(self._asking(work))

    async def _asking(self, work: Coroutine[Any, Any, None]) -> None:
        import asyncio  # it brings in ssl, which nothing before the first paint may

        self._task = asyncio.current_task()
        try:
            await work
        except CashierError as error:
            self.bar.tell(Standing(Tone.REFUSED, "Not looked up", error.user_text))
        except asyncio.CancelledError:
            if not self._is_for_nothing:
                text = "Nothing was looked up, and nothing has changed."
                self.bar.tell(Standing(Tone.CALM, "Stopped", text))
            raise
        finally:
            self._page.fees.is_asking = self._is_for_nothing = False
            self._task = None

    # -- invoices ------------------------------------------------------------------------------------------

    def look_up(self, number: str) -> None:
        """Ask about an invoice number; one that is due and can only be meant one way joins the sale."""
        till = self._till
        if till is None or self.is_asking or not number.strip():
            return
        if self._page.fees.locked:
            self.bar.tell(Standing(Tone.REFUSED, "Not looked up", self._page.fees.locked))
            return
        self._start(till, f"invoice {number.strip()}", self._look_up(till, number))

    async def _look_up(self, till: Till, number: str) -> None:
        sale_id = till.snapshot().draft.sale_id
        lookup = await till.retrieving.look_up(number)
        if till.snapshot().draft.sale_id != sale_id:
            self.bar.forget()
        elif len(lookup.candidates) == 1:
            self._add(till, lookup.candidates[0])
        elif lookup.candidates:
            self.bar.tell(lookup.standing)
            self._choose(till, lookup)
        else:
            self.bar.tell(lookup.standing)
            self._page.fees.search.selectAll()

    def _choose(self, till: Till, lookup: InvoiceLookup) -> None:
        dialog = ChooseInvoice(self._window, lookup)
        dialog.chosen.connect(lambda candidate: self._add(till, candidate))
        dialog.open()

    def _add(self, till: Till, candidate: Candidate) -> None:
        try:
            standing = till.retrieving.add(candidate)
        except CashierError as error:
            standing = Standing(Tone.REFUSED, "Not added", error.user_text)
        else:
            self._page.fees.search.clear()
        self.bar.tell(standing)

    def change_amount(self, line: Retrieved) -> None:
        """Pay another amount of a retrieved invoice, where that is allowed."""
        till = self._till
        if till is None:
            return
        found = line.found
        if not found.allow_partial:
            text = f"Invoice {found.number} must be paid in full. Its biller takes no part payment."
            self.bar.tell(Standing(Tone.REFUSED, "Not changed", text))
            return
        dialog = AmountDialog(
            self._window,
            says=till.retrieving.standing(found).sentence,
            amount=format_cents(line.amount_cents),
            act=lambda text: till.retrieving.pay_of(line.number, text),
        )
        dialog.open()

    # -- customers -----------------------------------------------------------------------------------------

    def look_up_customer(self) -> None:
        """Ask about the account number that stands in its field."""
        till = self._till
        if till is None or self.is_asking:
            return
        self._page.commit_fields()
        account = till.snapshot().draft.customer.account_number
        self._start(till, f"account {account}" if account else "the customer", self._customer(till, account))

    async def _customer(self, till: Till, account: str) -> None:
        sale_id = till.snapshot().draft.sale_id
        lookup = await till.retrieving.look_up_customer(account)
        if till.snapshot().draft.sale_id != sale_id:
            self.bar.forget()
            return
        if lookup.found is None:
            self.bar.tell(Standing(Tone.REFUSED, "Not found", lookup.sentence))
            return
        self._page.commit_fields()  # what was typed meanwhile is typed
        self._fill(till, lookup, overwrite=False)
        if lookup.differences:
            text = "Invoice Cloud has something else on record:\n\n" + "\n".join(lookup.differences)
            self._messages.ask(
                "Customer record",
                text,
                "Keep what is typed",
                "Take the record",
                lambda: self._fill(till, lookup, overwrite=True),
            )

    def _fill(self, till: Till, lookup: CustomerLookup, *, overwrite: bool) -> None:
        try:
            till.retrieving.fill(lookup, overwrite=overwrite)
        except CashierError as error:
            self.bar.tell(Standing(Tone.REFUSED, "Not filled in", error.user_text))
        else:
            kept = lookup.differences and not overwrite
            more = "What was typed otherwise was kept." if kept else "The record was filled in."
            self.bar.tell(Standing(Tone.CALM, "Found", f"{lookup.sentence} {more}"))
