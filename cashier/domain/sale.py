"""What one payer settles now: customer, permit, and fees grouped into one invoice per invoice type."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from cashier.domain.money import Cents


@dataclass(frozen=True)
class Customer:
    """The payer, as Invoice Cloud's `Customers[]` wants it. Empty text means not known."""

    account_number: str
    name: str
    address: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""
    email: str = ""
    display_account_number: str = ""


@dataclass(frozen=True)
class Permit:
    """The permit the fees are for: its number and what it is."""

    number: str
    description: str = ""


@dataclass(frozen=True)
class Fee:
    """One priced fee on an invoice. `id` is the permit system's own fee id, or the till's."""

    id: str
    name: str
    amount_cents: Cents
    external_charge_code: str | None = None
    gl_account: str = ""


@dataclass(frozen=True)
class Invoice:
    """Fees of one invoice type. `number` is None until the profile's rule has numbered it.

    `is_given`: somebody else numbered it, so that another counter may take the same one. `balance_cents` is
    what the gateway said was due on it when it was retrieved; None for one that was not.
    """

    number: str | None
    type_id: int
    date: dt.date
    due_date: dt.date
    fees: tuple[Fee, ...]
    minimum_due_cents: Cents | None = None
    allow_partial: bool | None = None
    is_given: bool = False
    balance_cents: Cents | None = None

    @property
    def total_cents(self) -> Cents:
        """Sum of the fees."""
        return Cents(sum(fee.amount_cents for fee in self.fees))


@dataclass(frozen=True)
class Sale:
    """One sale, ready to be told to the gateway. `profile` names the partner system's request shape.

    `reference` is the partner's own biller reference and `ticket` LeadsOnline's ticket number; a counter
    payment is sent under the till's unique reference instead (Invoice Cloud contract, section 1). `biller`
    names whose invoices these are where their types do not say it (a retrieved invoice does).
    """

    profile: str
    customer: Customer
    invoices: tuple[Invoice, ...]
    permit: Permit | None = None
    reference: str | None = None
    ticket: str | None = None
    return_url: str | None = None
    postback_url: str | None = None
    biller: str | None = None

    @property
    def total_cents(self) -> Cents:
        """Sum of the invoices."""
        return Cents(sum(invoice.total_cents for invoice in self.invoices))

    @property
    def fees(self) -> tuple[Fee, ...]:
        """Every fee of every invoice, in order."""
        return tuple(fee for invoice in self.invoices for fee in invoice.fees)


@dataclass(frozen=True)
class TypedFee:
    """A fee that still has to find its invoice."""

    type_id: int
    fee: Fee


def group_by_type(fees: Iterable[TypedFee], date: dt.date, due_date: dt.date) -> tuple[Invoice, ...]:
    """One unnumbered invoice per type id, in the order in which the types first appear."""
    groups: dict[int, list[Fee]] = {}
    for typed in fees:
        groups.setdefault(typed.type_id, []).append(typed.fee)
    return tuple(Invoice(None, type_id, date, due_date, tuple(group)) for type_id, group in groups.items())
