"""What stands in for the page, the gateway and a failing disk in the tests of the windows."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from cashier.domain.entries import Draft, Entry
from cashier.domain.errors import Unavailable
from cashier.domain.money import Cents
from cashier.domain.sale import Sale
from cashier.journal.store import SqliteJournal
from tests.fakes.gateway import FakeGateway


class HostedPage(QWidget):
    """Stands for the sealed view: the same signals and verbs, and a list of what was asked of it."""

    loaded = Signal(bool)
    submitted = Signal()
    returned = Signal()
    renderer_died = Signal(str)
    blocked = Signal(str, str)

    def __init__(self, parent: QWidget, error: Exception | None = None) -> None:
        super().__init__(parent)
        self._error = error
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Payment page")
        self.opened: list[str] = []
        self.closed = 0

    def open(self, url: str) -> None:
        """As the real view: it may refuse the address."""
        if self._error is not None:
            raise self._error
        self.opened.append(url)

    def close_page(self) -> None:
        """Count it."""
        self.closed += 1


class PartGateway(FakeGateway):
    """A gateway whose invoices may be paid in part, from `minimum_cents` on, when that is set."""

    minimum_cents: int | None = None

    def hold(self, loop: asyncio.AbstractEventLoop) -> None:
        """Launches wait from now on."""

        async def make() -> asyncio.Event:
            return asyncio.Event()

        self.held = loop.run_until_complete(make())

    def let_go(self) -> None:
        """And go on."""
        assert self.held is not None
        self.held.set()

    def emv_refusal(self, sale: Sale) -> str | None:
        """See the port; as long as the real one."""
        for fee in sale.fees:
            if fee.external_charge_code:
                return (
                    f"The chip reader cannot be used for this sale: the fee {fee.name!r} has an external "
                    f"charge code ({fee.external_charge_code}), and for such fees Grancius is on portal "
                    "version 1, which has no chip reader. Swipe the card or type it into the page."
                )
        return None

    def number_invoices(self, sale: Sale, fallback_stem: str) -> Sale:
        """See the port."""
        numbered = super().number_invoices(sale, fallback_stem)
        if self.minimum_cents is None:
            return numbered
        minimum = Cents(self.minimum_cents)
        parts = (replace(one, allow_partial=True, minimum_due_cents=minimum) for one in numbered.invoices)
        return replace(numbered, invoices=tuple(parts))


class FailingJournal(SqliteJournal):
    """A real journal on a disk that can become full."""

    disk_full = False

    def record(self, drafts: Sequence[Draft]) -> tuple[Entry, ...]:
        """See the port."""
        if self.disk_full:
            raise Unavailable("The disk is full. Nothing was recorded.")
        return super().record(drafts)
