"""Retrieving: an invoice of the gateway's by its number, a customer's record by the account number.

Asking changes nothing, neither at the gateway nor on the sale; what was found joins the sale by a verb of
its own (`add`, `fill`), so that a late answer cannot change a sale that has gone on meanwhile.
"""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

from cashier.domain.enquiry import FoundCustomer, FoundInvoice
from cashier.domain.errors import CashierError, Refused
from cashier.domain.money import format_dollars, parse_cents
from cashier.domain.sale import Customer
from cashier.till.config import Biller, TillConfig
from cashier.till.draft import Draft
from cashier.till.ports import Clock, Enquiry
from cashier.till.words import Standing, Tone

#: What a number of an invoice may look like where it is typed among the names of fees.
_LIKE_A_NUMBER = re.compile(r"(?=\S*\d)[^\s]{3,100}")
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d{1,2})?", re.ASCII)
#: The members of a customer that a record can fill, and what they are called.
FILLED = {
    "name": "Name",
    "address": "Street address",
    "city": "City",
    "state": "State",
    "zip": "ZIP",
    "email": "E-mail",
}


@dataclass(frozen=True)
class Candidate:
    """An invoice that may be meant: whose it is and of which type, as far as this till can tell."""

    biller: str
    type_id: int
    type_name: str
    invoice: FoundInvoice


@dataclass(frozen=True)
class InvoiceLookup:
    """What came of asking about a number. More than one candidate: the clerk says which is meant.

    Nothing is added where there is none: then `standing` says why.
    """

    number: str
    standing: Standing
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True)
class CustomerLookup:
    """What came of asking about an account. `differences` has one line for each member typed otherwise."""

    account: str
    sentence: str
    found: FoundCustomer | None = None
    differences: tuple[str, ...] = ()


def looks_like_an_invoice(text: str) -> bool:
    """Whether a text that matches no fee may be the number of an invoice: one word with a digit in it."""
    return text.isprintable() and _LIKE_A_NUMBER.fullmatch(text) is not None


def refuse_mixed(config: TillConfig, draft: Draft) -> None:
    """Refuse what cannot be one sale with a retrieved invoice. Raises Refused."""
    if not draft.retrieved:
        return
    first = draft.retrieved[0].found.number
    if not config.rules.several_invoices and (draft.lines or len(draft.retrieved) > 1):
        raise Refused(
            f"Invoice {first} must be a sale of its own: this permit system takes one invoice a sale. Take "
            "it first, then the rest as another sale."
        )
    types = config.biller(draft.retrieved[0].biller).invoice_types
    if any(line.priced.type_id not in types for line in draft.lines):
        raise Refused(
            f"Invoice {first} and these fees belong to different billers. Take them as separate sales."
        )


class Retrieving:
    """The use cases over the ports. `draft` gives the sale as it is now, `edit` changes it."""

    def __init__(
        self,
        config: TillConfig,
        clock: Clock,
        enquiry: Enquiry,
        draft: Callable[[], Draft],
        edit: Callable[[Callable[[Draft], Draft]], None],
        put_aside: Callable[[str, str], str],
    ) -> None:
        self._config = config
        self._clock = clock
        self._enquiry = enquiry
        self._draft = draft
        self._edit = edit
        self._put_aside = put_aside

    # -- invoices --------------------------------------------------------------------------------------

    async def look_up(self, number: str) -> InvoiceLookup:
        """Ask every biller that can be asked about an invoice number. Changes nothing.

        Raises Refused (nobody can be asked, or the number is none), Unavailable, TooBusy or InDoubt (asking
        takes no money).
        """
        number = number.strip()
        found: list[tuple[Biller, FoundInvoice]] = []
        fault: CashierError | None = None
        for biller in self._askable():
            try:
                invoice = await self._enquiry.find_invoice(biller.name, number)
            except CashierError as error:
                fault = fault or error
            else:
                if invoice is not None:
                    found.append((biller, invoice))
        if not found:
            if fault is not None:
                raise fault
            sentence = f"Invoice Cloud knows of no invoice {number}. Check the number. Nothing was added."
            return InvoiceLookup(number, Standing(Tone.REFUSED, "Not found", sentence))
        due = [(biller, invoice) for biller, invoice in found if invoice.balance_cents > 0]
        if not due:
            return InvoiceLookup(number, _paid(found[0][1]))
        candidates = tuple(
            candidate for biller, invoice in due for candidate in self._candidates(biller, invoice)
        )
        balance = format_dollars(due[0][1].balance_cents)
        if not candidates:
            raise Refused(
                f"Invoice {number} is there, {balance} due, but its biller has no invoice type that this "
                "permit system sends. Ask your administrator to set one up."
            )
        standing = Standing(Tone.CALM, "Found", f"Invoice {number}: {balance} is due.")
        return InvoiceLookup(number, standing, candidates)

    def add(self, candidate: Candidate) -> Standing:
        """Put a found invoice on the sale, at its balance; what the clerk should know of it.

        Raises Refused when it is on the sale, or on one put aside, or cannot be on this one.
        """
        invoice = candidate.invoice
        if invoice.balance_cents <= 0:
            raise Refused(_paid(invoice).sentence)
        if whose := self._put_aside(candidate.biller, invoice.number):
            raise Refused(f"Invoice {invoice.number} is on {whose}. Resume that sale (F5), or drop it.")
        self._edit(lambda draft: draft.retrieve(candidate.biller, candidate.type_id, invoice))
        return self.standing(invoice)

    def standing(self, invoice: FoundInvoice) -> Standing:
        """What to know of an invoice that is due: amount, date, least amount, AutoPay."""
        due = f" due {day_text(invoice.due_date)}" if invoice.due_date else ""
        text = f"Invoice {invoice.number}: {format_dollars(invoice.balance_cents)}{due}. "
        if invoice.allow_partial:
            text += f"A part may be paid, at least {format_dollars(invoice.least_cents)}. "
        if invoice.autopay is not None and invoice.autopay >= self._clock.today():
            text += (
                f"AutoPay will collect it on {day_text(invoice.autopay)}. Tell the payer: paid here as well, "
                "it may be taken twice unless AutoPay is turned off first."
            )
            return Standing(Tone.WAITING, "AutoPay", text)
        return Standing(Tone.CALM, "Added", text.strip())

    def pay_of(self, number: int, text: str) -> None:
        """Pay another amount of a retrieved line, as typed: `40`, `40.00`, `1,250.00`. Raises Refused."""
        text = text.strip()
        cents = parse_cents(text.replace(",", "") if _GROUPED.fullmatch(text) else text)
        self._edit(lambda draft: draft.pay_of(number, cents))

    def _candidates(self, biller: Biller, invoice: FoundInvoice) -> tuple[Candidate, ...]:
        """One an invoice type: the gateway does not tell of which type an invoice is."""
        allowed = self._config.rules.type_ids
        types = {
            type_id: name
            for type_id, name in biller.invoice_types.items()
            if allowed is None or type_id in allowed
        }
        tail = invoice.number.rpartition("-")[2]
        if tail.isascii() and tail.isdigit() and int(tail) in types:
            told = {int(tail): types[int(tail)]}
            if self._config.rules.numbers_end_in_type:
                types = told
            else:
                types = told | {type_id: name for type_id, name in types.items() if type_id != int(tail)}
        return tuple(Candidate(biller.name, type_id, name, invoice) for type_id, name in types.items())

    def _askable(self) -> list[Biller]:
        known = [biller for biller in self._config.billers if self._enquiry.can_ask(biller.name)]
        if not known:
            names = ", ".join(repr(biller.name) for biller in self._config.billers)
            raise Refused(
                f"Nothing can be looked up here: the biller GUID and the web service key of {names} are not "
                "set. Ask your administrator to enter them; until then it is typed in."
            )
        return known

    # -- customers -------------------------------------------------------------------------------------

    async def look_up_customer(self, account: str) -> CustomerLookup:
        """Ask about a customer's record by the account number. Changes nothing. Raises as `look_up`."""
        account = account.strip()
        if not account:
            raise Refused("Type the customer's account number first.")
        fault: CashierError | None = None
        for biller in self._askable():
            try:
                found = await self._enquiry.find_customer(biller.name, account)
            except CashierError as error:
                fault = fault or error
                continue
            if found is not None:
                return self._told(account, found)
        if fault is not None:
            raise fault
        return CustomerLookup(
            account, f"Invoice Cloud knows of no account {account}. What is typed stays as it is."
        )

    def _told(self, account: str, found: FoundCustomer) -> CustomerLookup:
        now = self._draft().customer
        different = tuple(
            f"{title}: {getattr(now, name)} → {getattr(found, name)}"
            for name, title in FILLED.items()
            if getattr(found, name) and getattr(now, name) and getattr(found, name) != getattr(now, name)
        )
        return CustomerLookup(account, f"Account {account}: {found.name or 'found'}.", found, different)

    def fill(self, lookup: CustomerLookup, *, overwrite: bool) -> None:
        """Fill the customer from a record: what is blank, or with `overwrite` all that the record tells.

        Raises Refused when the sale is for another account by now.
        """
        found = lookup.found
        if found is None:
            return
        if self._draft().customer.account_number.casefold() not in ("", lookup.account.casefold()):
            raise Refused("The account number was changed meanwhile. Nothing was filled in.")

        def filled(customer: Customer) -> Customer:
            told = {
                name: getattr(found, name)
                for name in FILLED
                if getattr(found, name) and (overwrite or not getattr(customer, name))
            }
            assert told.keys() <= {item.name for item in fields(customer)}
            return replace(customer, account_number=lookup.account, **told)

        self._edit(lambda draft: replace(draft, customer=filled(draft.customer)))


def _paid(invoice: FoundInvoice) -> Standing:
    total = format_dollars(invoice.total_cents)
    sentence = f"Invoice {invoice.number} over {total} is paid already. It was not added; charge nothing."
    return Standing(Tone.PAID, "Paid already", sentence)


def day_text(day: dt.date) -> str:
    """A date for people: `02/28/2026`."""
    return f"{day:%m/%d/%Y}"
