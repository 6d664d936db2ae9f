"""What Invoice Cloud answers when it is asked about an invoice (Invoice Cloud contract, section 4)."""

from dataclasses import dataclass

from cashier.domain.money import Cents


@dataclass(frozen=True)
class InvoiceStatus:
    """One invoice at the gateway. Amounts are cents; None where the answer had none that could be read.

    `total_due_cents` is TotalAmountDue, what was launched; `balance_cents` BalanceDue, what is left of it.
    `message` is the service's own ErrorMessage, bounded and without card numbers.
    """

    number: str
    found: bool
    total_due_cents: Cents | None = None
    balance_cents: Cents | None = None
    message: str = ""
