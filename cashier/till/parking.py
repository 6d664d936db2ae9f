"""What a payer is handed whose sale was parked: not paid, waiting for the line (behaviour O5)."""

from collections.abc import Callable

from cashier.domain.entries import utc_text
from cashier.domain.errors import Refused
from cashier.domain.slip import Slip, SlipKind
from cashier.domain.slip_text import slip_paper
from cashier.till.config import TillConfig
from cashier.till.held_sales import HeldSale, HeldSales
from cashier.till.ports import Clock, PrintOutcome
from cashier.till.printing import PrintConfig

#: Hex digits of the sale's id that a payer reads out; at most HELD_MAX sales wait at once.
REFERENCE_DIGITS = 6


def reference_of(till: str, held: HeldSale) -> str:
    """What slip and list call a parked sale: never like a receipt number, and letters in every one."""
    return f"{till}-WAIT-{held.id.replace('-', '')[-REFERENCE_DIGITS:].upper()}"


class Parking:
    """Makes the acknowledgement of a parked sale, and prints it where there is a printer."""

    def __init__(
        self,
        config: TillConfig,
        clock: Clock,
        aside: HeldSales,
        prints: PrintConfig,
        cashier: Callable[[], str],
    ) -> None:
        self._config = config
        self._clock = clock
        self._aside = aside
        self._prints = prints
        self._cashier = cashier

    @property
    def has_printer(self) -> bool:
        """Whether it is printed; where it is not, it is saved as a file."""
        return self._prints.printer is not None

    def slip(self, held_id: str) -> Slip:
        """Not paid, the fees are waiting. Raises Refused for a sale that does not wait for the line."""
        held = self._aside.one(held_id)
        if not held.waits_for_line:
            raise Refused("Only a sale that waits for the line has such a slip.")
        return Slip(
            kind=SlipKind.WAITING,
            agency=self._config.agency,
            till=self._config.till,
            cashier=self._cashier() or self._config.cashier,
            printed_at=utc_text(self._clock.now()),
            reference=reference_of(self._config.till, held),
            payer=held.name,
            permit=held.permit,
            invoices=tuple(number for _biller, number in held.invoices),
            amount_cents=held.total_cents,
            started_at=held.at,
            evidence=f"Cards could not be taken: {held.line_fault}.",
            evidence_at="",
            training=self._config.training,
            address=self._config.text.address,
        )

    async def print_slip(self, held_id: str) -> str:
        """Print it; what the clerk should know of that, in a sentence. The same slip may be printed again.

        It is no receipt, and a second one of it does no harm: the entry of the parked sale is what counts,
        and its prints are not in the journal. Raises Refused as `slip`, and where there is no printer.
        """
        printer = self._prints.printer
        if printer is None:
            raise Refused("No printer is set up at this till. Save the slip as PDF.")
        result = await printer.print(slip_paper(self.slip(held_id), self._prints.local))
        match result.outcome:
            case PrintOutcome.PRINTED:
                return f"Give the payer the slip from the printer. {result.note}".rstrip()
            case PrintOutcome.NOT_PRINTED:
                return f"The slip was not printed: {result.reason}. F5 and Ctrl+P print it again."
        return f"Whether the slip came out is not known: {result.reason}. F5 and Ctrl+P print it again."
