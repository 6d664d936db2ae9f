"""Reading a CPV2 request (Invoice Cloud contract, section 1) without trusting it.

Member names are matched without regard to case; amounts and ids may be numbers or text, booleans may be text.
Members the sandbox does not know are ignored, as the service does. Amounts become integer cents from exact
decimals, never through a float. Every fault is a `BadRequest` whose text names the member.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import simplejson

TEXT_MAX = 500
URL_MAX = 2_000
INVOICES_MAX = 100
AMOUNT_MAX = Decimal("9999999.99")

_DATE = re.compile(r"\d{1,2}/\d{1,2}/\d{4}", re.ASCII)
_AMOUNT = re.compile(r"\d{1,7}(\.\d{1,8})?", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class BadRequest(Exception):
    """The request breaks a rule of the contract; the text names the member."""


@dataclass(frozen=True, slots=True)
class Invoice:
    """One invoice of a request. Dates are None when the request left them out."""

    number: str
    type_id: int
    balance_cents: int
    minimum_cents: int | None
    allow_partial: bool
    invoice_date: date | None
    due_date: date | None
    custom: tuple[str, ...]

    @property
    def least_cents(self) -> int:
        """The smallest amount that may be paid on this invoice."""
        if not self.allow_partial:
            return self.balance_cents
        return self.minimum_cents or 1

    @property
    def description(self) -> str:
        """What is being paid for: Custom1, else the invoice type."""
        return self.custom[0] or f"Invoice type {self.type_id}"


@dataclass(frozen=True, slots=True)
class Customer:
    """The one customer of a request."""

    account_number: str
    display_account_number: str
    name: str
    address: str
    city: str
    state: str
    zip: str
    email: str


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """A whole CPV2 request. Equal requests are equal whatever their spelling was."""

    customer: Customer
    invoices: tuple[Invoice, ...]
    create_customer: bool
    reference: str
    allow_card: bool
    allow_ach: bool
    allow_emv: bool
    allow_swipe: bool
    emv_device: str
    emv_location: str
    cashier: str
    return_url: str
    postback_url: str
    site_name: str
    view_mode: int
    opens_on_cart: bool
    allow_remove: bool
    #: The token of a payer who is signed on; empty for a one-time payer.
    remote_token: str = field(default="", repr=False)

    @property
    def key(self) -> tuple[str, ...]:
        """What makes two calls the same payment: the reference and the invoice numbers."""
        return (self.reference, *(invoice.number for invoice in self.invoices))

    @property
    def total_cents(self) -> int:
        """The balance of all invoices, before any service fee."""
        return sum(invoice.balance_cents for invoice in self.invoices)


def read_json(body: bytes) -> dict[str, Any]:
    """The JSON object of a body, names in lower case and numbers exact. Raises BadRequest."""
    try:
        loaded = simplejson.loads(
            body.decode("utf-8"), use_decimal=True, object_pairs_hook=_lower_names, allow_nan=False
        )
    except (ValueError, RecursionError) as error:
        raise BadRequest("The body is not valid JSON.") from error
    if not isinstance(loaded, dict):
        raise BadRequest("The body is not a JSON object.")
    return loaded


def parse_request(body: bytes) -> PaymentRequest:
    """The request in `body`. Raises BadRequest naming the first member that breaks the contract."""
    top = Members(read_json(body), "")
    customers = top.objects("Customers")
    if len(customers) != 1:
        raise BadRequest("Customers must hold exactly one customer.")
    invoices = tuple(_invoice(members) for members in customers[0].objects("Invoices"))
    if not 1 <= len(invoices) <= INVOICES_MAX:
        raise BadRequest(f"Invoices must hold 1 to {INVOICES_MAX} invoices.")
    if len({invoice.number for invoice in invoices}) != len(invoices):
        raise BadRequest("InvoiceNumber must differ from invoice to invoice.")
    card, ach = _tenders(top)
    emv, swipe = top.flag("AllowEMV") or False, top.flag("AllowSwipe") or False
    if not (card or ach or emv or swipe):
        raise BadRequest("No way to pay: AllowCCPayment, AllowACHPayment, AllowEMV and AllowSwipe are off.")
    view_mode = top.whole("ViewMode")
    if view_mode not in (None, 0, 1):
        raise BadRequest("ViewMode must be 0 (redirect) or 1 (iFrame).")
    options = top.object("PageResultOptions").object("InvoiceOptions")
    return PaymentRequest(
        customer=_customer(customers[0]),
        invoices=invoices,
        create_customer=top.flag("CreateCustomerRecord") or False,
        reference=top.text("BillerReference"),
        allow_card=card,
        allow_ach=ach,
        allow_emv=emv,
        allow_swipe=swipe,
        emv_device=top.text("EMVDeviceID"),
        emv_location=top.text("EMVLocationID"),
        cashier=top.text("CashierName"),
        return_url=top.url("ReturnURL"),
        postback_url=top.url("PostBackURL"),
        site_name=top.text("CustomReturnSiteName"),
        view_mode=view_mode or 0,
        opens_on_cart=top.whole("PageLoadOverride") == 4,
        allow_remove=options.flag("AllowRemove") or False,
        remote_token=top.text("RemoteAuthenticationToken"),
    )


def _tenders(top: "Members") -> tuple[bool, bool]:
    """Card and ACH. With neither member sent the biller's own setting holds (both); else absent is off."""
    card, ach = top.flag("AllowCCPayment"), top.flag("AllowACHPayment")
    if card is None and ach is None:
        return True, True
    return card or False, ach or False


def _customer(members: "Members") -> Customer:
    return Customer(
        account_number=members.text("AccountNumber", required=True),
        display_account_number=members.text("DisplayAccountNumber"),
        name=members.text("Name"),
        address=members.text("Address"),
        city=members.text("City"),
        state=members.text("State"),
        zip=members.text("Zip"),
        email=members.text("EmailAddress"),
    )


def _invoice(members: "Members") -> Invoice:
    number = members.text("InvoiceNumber", required=True)
    type_id = members.whole("TypeID")
    if type_id is None or type_id < 1:
        raise BadRequest(f"{members.path('TypeID')} is required and must be a positive whole number.")
    balance = members.cents("BalanceDue")
    if not balance:
        raise BadRequest(f"{members.path('BalanceDue')} is required and must be above 0.00.")
    for fee in ("CCServiceFee", "AchServiceFee"):
        if members.cents(fee) != 0:
            raise BadRequest(
                f"{members.path(fee)} is required and must be 0.00: the service adds its own fees."
            )
    minimum = members.cents("MinimumAmountDue")
    if minimum is not None and minimum > balance:
        raise BadRequest(f"{members.path('MinimumAmountDue')} is above BalanceDue.")
    custom = members.object("CustomFields")
    return Invoice(
        number=number,
        type_id=type_id,
        balance_cents=balance,
        minimum_cents=minimum,
        allow_partial=members.flag("AllowPartialPayments") or False,
        invoice_date=members.date("InvoiceDate"),
        due_date=members.date("DueDate"),
        custom=tuple(custom.text(f"Custom{n}") for n in range(1, 7)),
    )


def _lower_names(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name.lower() in members:
            raise BadRequest(f"{name[:40]} is given twice.")
        members[name.lower()] = value
    return members


class Members:
    """One JSON object, read by member name without regard to case. A null member counts as absent."""

    def __init__(self, members: dict[str, Any], where: str) -> None:
        self._members = members
        self._where = where

    def path(self, name: str) -> str:
        """The member's name as an error should say it."""
        return f"{self._where}{name}"

    def _bad(self, name: str, rule: str) -> BadRequest:
        return BadRequest(f"{self.path(name)} {rule}.")

    def _get(self, name: str) -> Any:
        return self._members.get(name.lower())

    def text(self, name: str, *, required: bool = False, longest: int = TEXT_MAX) -> str:
        """A text, or a whole number as text; "" when absent."""
        value = self._get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if value is None or value == "":
            if required:
                raise self._bad(name, "is required")
            return ""
        if not isinstance(value, str):
            raise self._bad(name, "must be text")
        if len(value) > longest:
            raise self._bad(name, f"is longer than {longest} characters")
        if _CONTROL.search(value):
            raise self._bad(name, "holds a control character")
        return value

    def url(self, name: str) -> str:
        """An absolute http(s) URL; "" when absent."""
        value = self.text(name, longest=URL_MAX)
        if not value:
            return ""
        try:
            parts = urlsplit(value)
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if not good or " " in value:
            raise self._bad(name, "must be an http or https URL")
        return value

    def whole(self, name: str) -> int | None:
        """A whole number of up to six digits, as a number or as text; None when absent."""
        value = self.text(name)
        if not value:
            return None
        if not re.fullmatch(r"\d{1,6}", value, re.ASCII):
            raise self._bad(name, "must be a whole number")
        return int(value)

    def flag(self, name: str) -> bool | None:
        """A boolean, or the text true or false; None when absent."""
        value = self._get(name)
        if isinstance(value, str):
            value = {"true": True, "false": False, "": None}.get(value.lower(), value)
        if value is not None and not isinstance(value, bool):
            raise self._bad(name, "must be true or false")
        return value

    def cents(self, name: str) -> int | None:
        """An amount from 0.00 to 9,999,999.99, as a number or as text; None when absent."""
        value = self._get(name)
        if value is None or value == "":
            return None
        if isinstance(value, str) and _AMOUNT.fullmatch(value):
            value = Decimal(value)
        if isinstance(value, int) and not isinstance(value, bool):
            value = Decimal(value)
        if not isinstance(value, Decimal) or not value.is_finite() or not 0 <= value <= AMOUNT_MAX:
            raise self._bad(name, "must be an amount from 0.00 to 9999999.99")
        exponent = value.as_tuple().exponent
        # The bound keeps the arithmetic below exact: at most 7 + 8 digits of a 28-digit context.
        if not isinstance(exponent, int) or exponent < -8 or value * 100 != int(value * 100):
            raise self._bad(name, "must have no more than two decimals")
        return int(value * 100)

    def date(self, name: str) -> date | None:
        """A date `MM/DD/YYYY` or `M/D/YYYY`; None when absent."""
        value = self.text(name)
        if not value:
            return None
        try:
            if _DATE.fullmatch(value):
                return datetime.strptime(value, "%m/%d/%Y").date()  # noqa: DTZ007 - a calendar date
        except ValueError as error:
            raise self._bad(name, "is not a date of the calendar") from error
        raise self._bad(name, "must be a date as M/D/YYYY")

    def object(self, name: str) -> "Members":
        """The object under `name`; an empty one when absent."""
        value = self._get(name)
        if value is None:
            value = {}
        if not isinstance(value, dict):
            raise self._bad(name, "must be an object")
        return Members(value, f"{self.path(name)}.")

    def objects(self, name: str) -> list["Members"]:
        """The objects listed under `name`. Raises BadRequest when absent."""
        value = self._get(name)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self._bad(name, "is required and must be a list of objects")
        return [Members(item, f"{self.path(name)}[{n}].") for n, item in enumerate(value)]
