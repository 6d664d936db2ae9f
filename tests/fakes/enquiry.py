"""A gateway that can be asked about invoices, in memory: the port's promises, a switch for each failure."""

import asyncio
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

from cashier.domain.enquiry import FoundCustomer, FoundInvoice, InvoiceStatus
from cashier.domain.errors import CashierError, InDoubt, Refused, TooBusy, Unavailable
from cashier.domain.money import Cents


@dataclass
class FakeInvoice:
    """What the gateway knows of one invoice, in cents."""

    total_cents: int
    paid_cents: int = 0
    is_readable: bool = True
    #: What else it tells when it is retrieved.
    date: dt.date | None = None
    due_date: dt.date | None = None
    minimum_cents: int = 0
    allow_partial: bool = False
    autopay: dt.date | None = None
    #: The biller whose invoice it is; empty for every biller's.
    biller: str = ""


@dataclass
class FakeEnquiry:
    """Answers from `invoices`, by invoice number. Change them and the switches at any time.

    `errors` are raised by the next calls, one each, before any switch counts. `held` makes calls wait once
    they have been noted in `asked`; `looked` is called at the moment of each call.
    """

    invoices: dict[str, FakeInvoice] = field(default_factory=dict)
    #: Billers whose GUID or web service key is not set, and those whose credentials the gateway refuses.
    not_set_up: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    #: The line is down: nothing is sent. The service does not answer, or not clearly.
    is_reachable: bool = True
    is_answering: bool = True
    #: How many calls are still answered with "too busy", "no such invoice", the balance before the payment.
    busy_times: int = 0
    retry_after_s: float | None = None
    not_found_times: int = 0
    stale_times: int = 0
    errors: list[CashierError] = field(default_factory=list)
    held: asyncio.Event | None = None
    looked: Callable[[], object] = lambda: None
    #: Every call that was sent: invoice number and biller.
    asked: list[tuple[str, str]] = field(default_factory=list)
    #: Customer records by account number, and what was looked up: number or account, and biller.
    customers: dict[str, FoundCustomer] = field(default_factory=dict)
    looked_up: list[tuple[str, str]] = field(default_factory=list)

    def launch(self, number: str, total_cents: int) -> None:
        """The gateway hears of an invoice, as by CPV2."""
        self.invoices[number] = FakeInvoice(total_cents)

    def pay(self, number: str, cents: int | None = None) -> None:
        """A payer pays an invoice, or a part of it."""
        invoice = self.invoices[number]
        invoice.paid_cents += invoice.total_cents if cents is None else cents

    def can_ask(self, biller: str) -> bool:
        """See the port."""
        return biller not in self.not_set_up

    async def ask(self, invoice_number: str, biller: str) -> InvoiceStatus:
        """See the port."""
        await self._answering(biller, self.asked, invoice_number)
        invoice = self.invoices.get(invoice_number)
        if invoice is None or self._takes("not_found_times"):
            return InvoiceStatus(invoice_number, found=False, message="InvoiceNumber was not found.")
        return InvoiceStatus(
            invoice_number,
            found=True,
            total_due_cents=Cents(invoice.total_cents) if invoice.is_readable else None,
            balance_cents=self._balance(invoice) if invoice.is_readable else None,
        )

    async def find_invoice(self, biller: str, number: str) -> FoundInvoice | None:
        """See the port."""
        await self._answering(biller, self.looked_up, number)
        invoice = self.invoices.get(number)
        if invoice is None or invoice.biller not in ("", biller) or self._takes("not_found_times"):
            return None
        if not invoice.is_readable:
            raise InDoubt("The gateway gave no clear answer.")
        balance = self._balance(invoice)
        return FoundInvoice(
            number=number,
            total_cents=Cents(invoice.total_cents),
            balance_cents=balance,
            date=invoice.date,
            due_date=invoice.due_date,
            minimum_cents=Cents(min(invoice.minimum_cents, balance)),
            allow_partial=invoice.allow_partial,
            autopay=invoice.autopay,
        )

    async def find_customer(self, biller: str, account: str) -> FoundCustomer | None:
        """See the port."""
        await self._answering(biller, self.looked_up, account)
        return self.customers.get(account)

    async def _answering(self, biller: str, noted: list[tuple[str, str]], about: str) -> None:
        if not self.can_ask(biller):
            raise Refused(f"The gateway cannot be asked about invoices of the biller {biller!r}.")
        if not self.is_reachable:
            raise Unavailable("The gateway was not reached.")
        self.looked()
        noted.append((about, biller))
        if self.held is not None:
            await self.held.wait()
        if self.errors:
            raise self.errors.pop(0)
        if self._takes("busy_times"):
            raise TooBusy("The gateway is too busy.", self.retry_after_s)
        if not self.is_answering:
            raise InDoubt("The gateway did not answer in time.")
        if biller in self.refused:
            raise Refused("The gateway refused the biller GUID or the web service key.")

    def _balance(self, invoice: FakeInvoice) -> Cents:
        if invoice.paid_cents and self._takes("stale_times"):
            return Cents(invoice.total_cents)
        return Cents(max(0, invoice.total_cents - invoice.paid_cents))

    def _takes(self, switch: str) -> bool:
        left: int = getattr(self, switch)
        setattr(self, switch, max(0, left - 1))
        return left > 0
