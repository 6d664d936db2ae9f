"""Leaving the till from the window, to open it anew or to train: when that may be, and what comes first."""

from collections.abc import Callable

from cashier.domain.errors import CashierError
from cashier.till.starting import Way, refusal_to_leave
from cashier.till.till import Till
from cashier.ui.messages import Messages
from cashier.ui.sign_in import Run

TITLE, NOT_LEFT = "Start anew", "Not started anew"


class Restarting:
    """For one window. `has_page` tells whether a payment page stands in it, `go` asks for the next start."""

    def __init__(
        self, messages: Messages, run: Run, has_page: Callable[[], bool], go: Callable[[Way], object]
    ) -> None:
        self._messages, self._run, self._has_page, self._go = messages, run, has_page, go

    def ask(self, till: Till | None, way: Way, *, keeps_sale: bool) -> None:
        """Go on with another start. Refused while a card payment is before a payer.

        A sale with fees that nobody has paid for is put aside first, if `keeps_sale`. Where there is no till
        yet it is tried again.
        """
        if till is None:
            self._go(way)
            return
        snapshot = till.snapshot()
        if refusal := refusal_to_leave(snapshot, has_page=self._has_page(), is_busy=snapshot.busy):
            self._messages.tell(NOT_LEFT, refusal)
        elif keeps_sale and snapshot.draft.invoices and not snapshot.draft.is_locked:
            text = "The fees of this sale are not paid. They are put aside first; F5 brings them back then."
            act = self._put_aside
            self._messages.ask(
                TITLE, text, "Keep this sale", "Put aside, start anew", lambda: self._run(act(till, way))
            )
        else:
            self._go(way)

    async def _put_aside(self, till: Till, way: Way) -> None:
        """The sale is put aside; where that cannot be, nothing happens."""
        try:
            await till.hold_sale()
        except CashierError as error:
            self._messages.tell(NOT_LEFT, error.user_text)
        else:
            self._go(way)
