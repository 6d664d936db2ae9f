"""What Invoice Cloud answers when it is asked about an invoice (Invoice Cloud contract, section 4)."""

import datetime as dt
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


@dataclass(frozen=True)
class FoundInvoice:
    """An invoice that the gateway knows, as a clerk who retrieves it needs it. Amounts are cents.

    `total_cents` is TotalAmountDue, `balance_cents` what is left of it: 0 is paid. `minimum_cents` is the
    smallest partial payment and counts only with `allow_partial`. Dates are None where none was told;
    `autopay` is the day on which the gateway collects the balance by itself.
    """

    number: str
    total_cents: Cents
    balance_cents: Cents
    date: dt.date | None = None
    due_date: dt.date | None = None
    minimum_cents: Cents = Cents(0)
    allow_partial: bool = False
    autopay: dt.date | None = None

    @property
    def least_cents(self) -> Cents:
        """The least that may be paid of it now: the whole balance where partial payment is not allowed."""
        if not self.allow_partial:
            return self.balance_cents
        return Cents(min(max(self.minimum_cents, 1), self.balance_cents))


@dataclass(frozen=True)
class FoundCustomer:
    """A customer record of the gateway (ViewCustomerRecord). Empty text means not told."""

    account_number: str
    name: str = ""
    address: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""
    phone: str = ""
    email: str = ""
