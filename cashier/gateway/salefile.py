"""The sale file: a sale as JSON text, checked once and completely (Invoice Cloud contract, section 6).

Every fault is collected, one line each, naming the member: `invoices[0].fees[1].amount: …`. The rules are
checked piece by piece, so that a fault in one fee hides no other. A sale from the screen passes the same
checks (`sale_members` turns it back into the members of a file), so both ways in have the same rules.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from cashier.domain.errors import Refused
from cashier.domain.money import AMOUNT_MAX_CENTS, format_cents
from cashier.domain.sale import Customer, Fee, Invoice, Permit, Sale, TypedFee, group_by_type
from cashier.domain.scrub import scrub_card_numbers
from cashier.gateway.cpv2 import number_invoices
from cashier.gateway.profiles import InvoicesPerSale, Numbering, Profile, ReferenceRule
from cashier.gateway.salemembers import (
    FEES_MAX,
    BillerLimits,
    FeeMembers,
    InvoiceMembers,
    Rules,
    SaleMembers,
    TypedFeeMembers,
    fault_lines,
)

SALE_FILE_MAX_BYTES = 1_000_000

Model = TypeVar("Model", bound=BaseModel)


def load_sale(
    source: Path | str | bytes, profiles: Mapping[str, Profile], biller: BillerLimits, today: dt.date
) -> Sale:
    """The sale of a file (a Path) or of its text, every invoice numbered.

    `today` dates the invoices of a file with a top-level `fees` list. Raises Refused with all faults.
    """
    members, faults = _read(source)
    return _check(members, profiles, biller, today, faults)


def check_sale(sale: Sale, profiles: Mapping[str, Profile], biller: BillerLimits) -> None:
    """Hold a sale made elsewhere to the rules of the sale file. Raises Refused with all faults."""
    _check(sale_members(sale), profiles, biller, None, [])


def sale_members(sale: Sale) -> dict[str, Any]:
    """The members of the sale file that says this sale."""
    customer = sale.customer
    return {
        "profile": sale.profile,
        "customer": {
            "account_number": customer.account_number,
            "display_account_number": customer.display_account_number,
            "name": customer.name,
            "address": customer.address,
            "city": customer.city,
            "state": customer.state,
            "zip": customer.zip,
            "email": customer.email,
        },
        "permit": sale.permit and {"number": sale.permit.number, "description": sale.permit.description},
        "invoices": [_invoice_members(invoice) for invoice in sale.invoices],
        "reference": sale.reference,
        "ticket": sale.ticket,
        "return_url": sale.return_url,
        "postback_url": sale.postback_url,
    }


def _invoice_members(invoice: Invoice) -> dict[str, Any]:
    minimum = invoice.minimum_due_cents
    return {
        "number": invoice.number,
        "type_id": invoice.type_id,
        "date": invoice.date.isoformat(),
        "due_date": invoice.due_date.isoformat(),
        "minimum_due": None if minimum is None else format_cents(minimum),
        "allow_partial": invoice.allow_partial,
        "fees": [
            {
                "id": fee.id,
                "name": fee.name,
                "amount": format_cents(fee.amount_cents),
                "external_charge_code": fee.external_charge_code,
            }
            for fee in invoice.fees
        ],
    }


# -- reading ---------------------------------------------------------------------------------------------


def _read(source: Path | str | bytes) -> tuple[Any, list[str]]:
    """The parsed members and the faults of the JSON itself. Raises Refused when it is not JSON at all."""
    data = _bytes(source)
    if len(data) > SALE_FILE_MAX_BYTES:
        raise _refused([f"sale: is larger than {SALE_FILE_MAX_BYTES} bytes"])
    faults: list[str] = []

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in members]
        faults.extend(
            f"{_shown(name)}: is given {names.count(name)} times in one object"
            for name in dict.fromkeys(names)
            if names.count(name) > 1
        )
        return dict(members)

    def constant(name: str) -> None:
        faults.append(f"sale: {name} is not a JSON value")

    try:
        text = data.decode("utf-8-sig")
        members = json.loads(text, object_pairs_hook=pairs, parse_float=Decimal, parse_constant=constant)
    except UnicodeDecodeError as error:
        raise _refused([f"sale: is not UTF-8 text (byte {error.start})"]) from None
    except json.JSONDecodeError as error:
        reason = f"sale: is not JSON: {error.msg}, line {error.lineno}, column {error.colno}"
        raise _refused([reason]) from None
    except (RecursionError, ValueError, ArithmeticError):
        raise _refused(["sale: is not JSON that can be read: too deep, or a number too long"]) from None
    return members, faults


def _bytes(source: Path | str | bytes) -> bytes:
    if isinstance(source, bytes):
        return source
    if isinstance(source, str):
        return source.encode("utf-8", "surrogatepass")
    try:
        with source.open("rb") as stream:
            return stream.read(SALE_FILE_MAX_BYTES + 1)
    except OSError as error:
        raise _refused([f"{source}: cannot be read: {error.strerror or error}"]) from None


def _shown(name: str) -> str:
    return json.dumps(name[:40])


def _refused(faults: Sequence[str]) -> Refused:
    lines = tuple(dict.fromkeys(scrub_card_numbers(line) for line in faults))
    more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    return Refused(f"The sale cannot be taken: {lines[0]}{more}", lines)


# -- checking --------------------------------------------------------------------------------------------


@dataclass
class _Invoice:
    """What is known of one invoice of the file; None stands for what could not be read."""

    where: str
    members: InvoiceMembers | None
    fees: list[FeeMembers | None]

    @property
    def known_cents(self) -> int:
        return sum(fee.amount for fee in self.fees if fee is not None)

    @property
    def complete(self) -> bool:
        return self.members is not None and bool(self.fees) and None not in self.fees


class _Checker:
    """One pass over a file's members, collecting faults."""

    def __init__(self, raw: Any, rules: Rules, faults: list[str]) -> None:
        self.rules = rules
        self.faults = faults
        self.top = self.take(SaleMembers, raw, "")
        self.invoices = [self._invoice(item, place) for place, item in enumerate(_list(raw, "invoices"))]
        self.fees = [
            self.take(TypedFeeMembers, item, f"fees[{place}]")
            for place, item in enumerate(_list(raw, "fees"))
        ]

    def take(self, model: type[Model], raw: Any, where: str) -> Model | None:
        try:
            return model.model_validate(raw, context=self.rules)
        except ValidationError as error:
            self.faults += fault_lines(error, where)
            return None

    def _invoice(self, raw: Any, place: int) -> _Invoice:
        where = f"invoices[{place}]"
        fees = [
            self.take(FeeMembers, item, f"{where}.fees[{number}]")
            for number, item in enumerate(_list(raw, "fees"))
        ]
        return _Invoice(where, self.take(InvoiceMembers, raw, where), fees)

    # -- rules over several members ------------------------------------------------------------------

    def rules_of_sale(self) -> None:
        if self.top is not None:
            self._shape(self.top)
            self._reference(self.top)
        profile = self.rules.profile
        if profile is not None:
            for invoice in self.invoices:
                self._partial(invoice, profile)
            self._separators(profile)
        self._numbers()
        self._totals()

    def _shape(self, top: SaleMembers) -> None:
        """Invoices or fees, and no more invoices than the profile sends."""
        profile, fees, invoices = self.rules.profile, top.fees or [], top.invoices or []
        if invoices and fees:
            self.faults.append("fees: give either invoices or fees, not both")
        elif not invoices and not fees:
            self.faults.append("invoices: a sale needs at least one invoice with a fee")
        if profile is None:
            return
        types = {fee.type_id for fee in self.fees if fee is not None}
        if profile.invoices_per_sale is InvoicesPerSale.ONE and max(len(invoices), len(types)) > 1:
            member = "invoices" if len(invoices) > 1 else "fees"
            count = max(len(invoices), len(types))
            self.faults.append(
                f"{member}: {profile.title} sends one invoice a sale and this would be {count}; "
                "take each invoice type as a sale of its own"
            )
        if fees and profile.numbering is Numbering.GIVEN:
            self.faults.append(
                f"fees: {profile.title} invoices carry the permit system's own number; "
                "give them as invoices with a number"
            )

    def _reference(self, top: SaleMembers) -> None:
        profile = self.rules.profile
        if profile is None:
            return
        hex_digits = frozenset("0123456789abcdefABCDEF")
        given = top.reference
        if (
            profile.reference is ReferenceRule.HEX_64
            and given is not None
            and not (len(given) == 64 and hex_digits.issuperset(given))
        ):
            self.faults.append(f"reference: {profile.title} references are 64 hex digits")
        if profile.reference is ReferenceRule.ACCOUNT_TICKET and "|" in top.customer.account_number:
            self.faults.append("customer.account_number: must not contain | (it ends the account number)")

    def _partial(self, invoice: _Invoice, profile: Profile) -> None:
        members = invoice.members
        if members is None:
            return
        minimum, allowed = members.minimum_due, members.allow_partial
        if not profile.carries("invoice", "allow_partial"):
            if minimum is not None:
                self.faults.append(f"{invoice.where}.minimum_due: {profile.title} has no partial payments")
            if allowed:
                self.faults.append(f"{invoice.where}.allow_partial: {profile.title} has no partial payments")
            return
        if minimum is not None and allowed is None:
            self.faults.append(f"{invoice.where}.allow_partial: say true or false beside a minimum_due")
        if minimum == 0:
            self.faults.append(f"{invoice.where}.minimum_due: must be more than 0.00")
        if minimum is not None and invoice.complete and minimum > invoice.known_cents:
            total = format_cents(invoice.known_cents)
            self.faults.append(f"{invoice.where}.minimum_due: is more than the invoice's total of {total}")

    def _separators(self, profile: Profile) -> None:
        """Custom fields end a value with | and a fee with ; so that no fee may contain them."""
        if profile.custom_fields is None:
            return
        for invoice in self.invoices:
            reserved = "|;" if len(invoice.fees) > 2 else "|"
            for place, fee in enumerate(invoice.fees):
                for member, text in (("id", fee.id), ("name", fee.name)) if fee is not None else ():
                    self.faults.extend(
                        f"{invoice.where}.fees[{place}].{member}: must not contain {mark} "
                        f"({profile.title} separates fee details by it)"
                        for mark in reserved
                        if mark in text
                    )

    def _numbers(self) -> None:
        seen: dict[str, str] = {}
        account = self.top.customer.account_number if self.top else None
        for invoice in self.invoices:
            if invoice.members is None:
                continue
            number = invoice.members.number
            if number is None and account is not None:
                number = f"{account}-{invoice.members.type_id}"
            if number is None:
                continue
            if number in seen:
                self.faults.append(
                    f"{invoice.where}.number: {number} is the number of {seen[number]} already"
                )
            seen.setdefault(number, invoice.where)

    def _totals(self) -> None:
        for invoice in self.invoices:
            if invoice.complete and invoice.known_cents == 0:
                self.faults.append(f"{invoice.where}: comes to 0.00, there is nothing to pay")
        fees = [fee.amount for fee in self.fees if fee is not None]
        if fees and len(fees) == len(self.fees) and not any(fees):
            self.faults.append("fees: come to 0.00, there is nothing to pay")
        total = sum(invoice.known_cents for invoice in self.invoices) + sum(fees)
        member = "invoices" if self.invoices else "fees"
        maximum = self.rules.biller.card_maximum_cents
        if total > AMOUNT_MAX_CENTS:
            self.faults.append(
                f"{member}: the total {format_cents(total)} is over {format_cents(AMOUNT_MAX_CENTS)}, "
                "the most one sale can be"
            )
        elif maximum is not None and total > maximum:
            self.faults.append(
                f"{member}: the total {format_cents(total)} is over {format_cents(maximum)}, "
                "the most this biller takes by card"
            )


def _check(
    raw: Any,
    profiles: Mapping[str, Profile],
    biller: BillerLimits,
    today: dt.date | None,
    faults: list[str],
) -> Sale:
    name = raw.get("profile") if isinstance(raw, dict) else None
    profile = profiles.get(name) if isinstance(name, str) else None
    checker = _Checker(raw, Rules(tuple(sorted(profiles)), profile, biller), faults)
    checker.rules_of_sale()
    if faults:
        raise _refused(faults)
    assert checker.top is not None and profile is not None, "a sale without faults was read completely"
    sale = _sale(checker.top, _invoices(checker, today))
    return number_invoices(sale, profile, sale.customer.account_number)


def _invoices(checker: _Checker, today: dt.date | None) -> tuple[Invoice, ...]:
    if checker.fees:
        assert today is not None, "only a file has fees without invoices"
        typed = [TypedFee(fee.type_id, _fee(fee)) for fee in checker.fees if fee is not None]
        return group_by_type(typed, today, today)
    return tuple(
        Invoice(
            number=invoice.members.number,
            type_id=invoice.members.type_id,
            date=invoice.members.date,
            due_date=invoice.members.due_date,
            fees=tuple(_fee(fee) for fee in invoice.fees if fee is not None),
            minimum_due_cents=invoice.members.minimum_due,
            allow_partial=invoice.members.allow_partial,
        )
        for invoice in checker.invoices
        if invoice.members is not None
    )


def _fee(fee: FeeMembers) -> Fee:
    return Fee(fee.id, fee.name, fee.amount, fee.external_charge_code)


def _sale(top: SaleMembers, invoices: tuple[Invoice, ...]) -> Sale:
    customer = {name: value or "" for name, value in top.customer.model_dump().items()}
    return Sale(
        profile=top.profile,
        customer=Customer(**customer),
        invoices=invoices,
        permit=Permit(top.permit.number, top.permit.description or "") if top.permit else None,
        reference=top.reference,
        ticket=top.ticket,
        return_url=top.return_url,
        postback_url=top.postback_url,
    )


def _list(raw: Any, member: str) -> list[Any]:
    """A list member of what may not be an object at all; bounded, as everything after it is per item."""
    value = raw.get(member) if isinstance(raw, dict) else None
    return value[:FEES_MAX] if isinstance(value, list) else []
