"""The members of a sale file, one by one: types, limits and the rules that need no other member.

The limits are ours, generous for people and far below what would hurt: Invoice Cloud publishes none.
"""

import datetime as dt
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
)

from cashier.domain.errors import Refused
from cashier.domain.money import Cents, parse_cents
from cashier.domain.scrub import scrub_card_numbers
from cashier.gateway.profiles import Numbering, Profile

ID_MAX = 100  # account, invoice, permit and fee numbers, references
NAME_MAX = 200  # people, streets, fees, descriptions
CITY_MAX = 100
STATE_MAX = 50
ZIP_MAX = 20
EMAIL_MAX = 254
URL_MAX = 2000
INVOICES_MAX = 50
FEES_MAX = 500
TYPE_ID_MAX = 999_999
YEAR_MIN, YEAR_MAX = 2000, 2099

#: Unicode categories that no text of a sale has: controls, surrogates, line and paragraph separators.
_CONTROL_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
#: Invisible characters that turn the reading direction around and so show another text than is sent.
_DIRECTION_MARKS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True)
class BillerLimits:
    """What one biller takes. None: any type id, any total. `card_maximum_cents` is per sale."""

    type_ids: frozenset[int] | None = None
    card_maximum_cents: int | None = None


@dataclass(frozen=True)
class Rules:
    """What the members are held to. `profile` is None when the file names none that is known."""

    profile_names: tuple[str, ...]
    profile: Profile | None
    biller: BillerLimits


def _rules(info: ValidationInfo) -> Rules:
    assert isinstance(info.context, Rules), "members are checked with the rules as their context"
    return info.context


def _no_controls(text: str) -> str:
    for char in text:
        if unicodedata.category(char) in _CONTROL_CATEGORIES or char in _DIRECTION_MARKS:
            raise ValueError(f"contains the control character U+{ord(char):04X}")
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text


def _no_card(text: str) -> str:
    """Words for people carry no card number. Identifiers may be long numbers and are not held to this."""
    if scrub_card_numbers(text) != text:
        raise ValueError("carries what looks like a card number; take it out")
    return text


def _cents(value: object) -> Cents:
    if not isinstance(value, str):
        raise ValueError('must be text such as "145.50"')
    try:
        return parse_cents(value)
    except Refused as error:
        raise ValueError(error.user_text) from None


def _date(value: object) -> dt.date:
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            date = dt.date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{value} is not in the calendar") from None
        if not YEAR_MIN <= date.year <= YEAR_MAX:
            raise ValueError(f"must be in the years {YEAR_MIN} to {YEAR_MAX}")
        return date
    raise ValueError('must be a date such as "2026-02-03"')


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("https", "http") and bool(parts.hostname) and " " not in text
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("is not a web address (https://…)")
    return text


def _known_profile(name: str, info: ValidationInfo) -> str:
    rules = _rules(info)
    if name not in rules.profile_names:
        known = ", ".join(rules.profile_names)
        raise ValueError(f"{json.dumps(name[:40])} is not a profile (known: {known})")
    return name


def _known_type(type_id: int, info: ValidationInfo) -> int:
    rules = _rules(info)
    profile, set_up = rules.profile, rules.biller.type_ids
    if profile is not None and profile.type_ids is not None and type_id not in profile.type_ids:
        always = " or ".join(str(one) for one in sorted(profile.type_ids))
        raise ValueError(f"{profile.title} invoices are always of type {always}, not {type_id}")
    if set_up is not None and type_id not in set_up:
        raise ValueError(
            f"invoice type {type_id} is not set up for this biller; "
            "the vendor (Invoice Cloud) must add it before it can be chosen"
        )
    return type_id


def _number_or_rule(number: str | None, info: ValidationInfo) -> str | None:
    profile = _rules(info).profile
    if number is None and profile is not None and profile.numbering is Numbering.GIVEN:
        raise ValueError(f"{profile.title} invoices carry the permit system's own number; give it")
    return number


def _at_least_one(fees: list[Any]) -> list[Any]:
    if not fees:
        raise ValueError("an invoice needs at least one fee")
    return fees


Id = Annotated[str, Field(max_length=ID_MAX), AfterValidator(_no_controls), AfterValidator(_not_blank)]
Name = Annotated[
    str,
    Field(max_length=NAME_MAX),
    AfterValidator(_no_controls),
    AfterValidator(_no_card),
    AfterValidator(_not_blank),
]
Id0 = Annotated[str, Field(max_length=ID_MAX), AfterValidator(_no_controls)]
Name0 = Annotated[str, Field(max_length=NAME_MAX), AfterValidator(_no_controls), AfterValidator(_no_card)]
City0 = Annotated[str, Field(max_length=CITY_MAX), AfterValidator(_no_controls), AfterValidator(_no_card)]
State0 = Annotated[str, Field(max_length=STATE_MAX), AfterValidator(_no_controls)]
Zip0 = Annotated[str, Field(max_length=ZIP_MAX), AfterValidator(_no_controls)]
Email0 = Annotated[str, Field(max_length=EMAIL_MAX), AfterValidator(_no_controls), AfterValidator(_no_card)]
Url = Annotated[str, Field(max_length=URL_MAX), AfterValidator(_no_controls), AfterValidator(_url)]
Amount = Annotated[Cents, BeforeValidator(_cents)]
Date = Annotated[dt.date, BeforeValidator(_date)]
TypeId = Annotated[int, Field(ge=1, le=TYPE_ID_MAX), AfterValidator(_known_type)]


class _Members(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class CustomerMembers(_Members):
    """`customer`. Null and left out both mean not known."""

    account_number: Id
    name: Name0
    display_account_number: Id0 | None = None
    address: Name0 | None = None
    city: City0 | None = None
    state: State0 | None = None
    zip: Zip0 | None = None
    email: Email0 | None = None


class PermitMembers(_Members):
    """`permit`; a permit that has no number yet may say what it is."""

    number: Id0
    description: Name0 | None = None


class FeeMembers(_Members):
    """One of an invoice's `fees`."""

    id: Id
    name: Name
    amount: Amount
    external_charge_code: Id0 | None = None


class TypedFeeMembers(FeeMembers):
    """One of the top-level `fees`."""

    type_id: TypeId


class InvoiceMembers(_Members):
    """One of `invoices`; its fees are checked one by one."""

    number: Annotated[Id | None, AfterValidator(_number_or_rule), Field(validate_default=True)] = None
    type_id: TypeId
    date: Date
    due_date: Date
    minimum_due: Amount | None = None
    allow_partial: bool | None = None
    fees: Annotated[list[Any], Field(max_length=FEES_MAX), AfterValidator(_at_least_one)]


class SaleMembers(_Members):
    """The file; its invoices and fees are checked one by one."""

    profile: Annotated[str, AfterValidator(_known_profile)]
    customer: CustomerMembers
    permit: PermitMembers | None = None
    invoices: Annotated[list[Any], Field(max_length=INVOICES_MAX)] | None = None
    fees: Annotated[list[Any], Field(max_length=FEES_MAX)] | None = None
    reference: Id | None = None
    ticket: Id | None = None
    return_url: Url | None = None
    postback_url: Url | None = None


_REASONS = {
    "extra_forbidden": "unknown member",
    "missing": "is missing",
    "string_type": "must be text",
    "string_unicode": "is not valid text",
    "int_type": "must be a whole number",
    "bool_type": "must be true, false or null",
    "list_type": "must be a list",
    "model_type": "must be an object",
}


def fault_lines(error: ValidationError, where: str) -> Iterator[str]:
    """One line per fault, each naming its member below `where`. Values are not repeated at length."""
    for item in error.errors(include_url=False):
        limits = item.get("ctx", {})
        match item["type"]:
            case "string_too_long":
                reason = f"is longer than {limits['max_length']} characters"
            case "too_long":
                reason = f"has more than {limits['max_length']} items"
            case "greater_than_equal" | "less_than_equal":
                reason = f"must be a number from 1 to {TYPE_ID_MAX}"
            case kind:
                reason = _REASONS.get(kind, item["msg"].removeprefix("Value error, "))
        yield f"{_member(where, item['loc'])}: {reason}"


def _member(where: str, path: tuple[int | str, ...]) -> str:
    text = where
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        name = part if re.fullmatch(r"\w{1,40}", part, re.ASCII) else json.dumps(part[:40])
        text += f".{name}" if text else name
    return text or "sale"
