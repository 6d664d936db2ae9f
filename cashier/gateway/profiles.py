"""Profiles: how each partner system shapes its CPV2 requests, as data.

A profile is a TOML file (`resources/profiles/*.toml`, format in the README beside them): a template of the
request in wire order, the formats of its values, and the partner's rules. Nothing about a partner is in
code. Source of the rows: Invoice Cloud contract, section 1 ("Profiles").
"""

import tomllib
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator, model_validator

from cashier.domain.errors import Refused

PROFILE_MAX_BYTES = 64_000


class InvoicesPerSale(StrEnum):
    """How many invoices the partner sends in one request."""

    ONE = "one"
    ONE_PER_TYPE = "one-per-type"


class Numbering(StrEnum):
    """Who numbers an invoice."""

    GIVEN = "given"  # the permit system
    ACCOUNT_TYPE = "account-type"  # account, dash, type id: `BU5-00001-6`


class ReferenceRule(StrEnum):
    """What the partner's own BillerReference is made of. At the counter ours replaces it."""

    NONE = "none"  # the member is absent
    GIVEN = "given"
    HEX_64 = "hex-64"  # given, 64 hex digits
    INVOICE_NUMBER = "invoice-number"
    ACCOUNT_TICKET = "account-ticket"  # `<account>|<ticket>`
    ACCOUNT_TOTAL_INVOICES = "account-total-invoices"  # `<account>, $<total>, <n> invoices`


class EmvRule(StrEnum):
    """When the chip reader can be used."""

    ALWAYS = "always"
    WITHOUT_CHARGE_CODES = "without-charge-codes"  # the Grancius rule


class TypeIdFormat(StrEnum):
    """How a type id is written."""

    NUMBER = "number"
    TEXT = "text"


class DateFormat(StrEnum):
    """How a date is written."""

    PADDED = "padded"  # 02/03/2026
    UNPADDED = "unpadded"  # 2/3/2026


class AmountFormat(StrEnum):
    """How many decimals a JSON amount is written with. The value is exact in each."""

    SHORTEST = "shortest"  # 0, 75.5, 210.25
    ONE_DECIMAL = "one-decimal"  # at least one: 0.0, 75.5, 210.25
    TWO_DECIMALS = "two-decimals"  # 0.00, 75.50, 210.25


#: The values a template may name, by the table it stands in. `null` is a JSON null that is sent.
PLACEHOLDERS: Mapping[str, frozenset[str]] = {
    "request": frozenset({"customers", "reference", "return_url", "postback_url", "null"}),
    "customer": frozenset(
        {
            "account_number",
            "display_account_number",
            "name",
            "address",
            "city",
            "state",
            "zip",
            "email",
            "invoices",
            "null",
        }
    ),
    "invoice": frozenset(
        {
            "invoice_number",
            "type_id",
            "date",
            "due_date",
            "balance_due",
            "zero",
            "minimum_due",
            "allow_partial",
            "custom_fields",
            "null",
        }
    ),
    "custom_fields": frozenset({"permit_description", "permit_number", "fee_detail", "further_fees", "null"}),
    "counter": frozenset({"null"}),
}

#: Without these a template is no CPV2 request.
REQUIRED: Mapping[str, frozenset[str]] = {
    "request": frozenset({"customers"}),
    "customer": frozenset({"account_number", "invoices"}),
    "invoice": frozenset({"invoice_number", "type_id", "balance_due"}),
}

Template = dict[str, Any]


class Formats(BaseModel):
    """How the values of a request are written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type_id: TypeIdFormat
    dates: DateFormat
    amounts: AmountFormat


class Profile(BaseModel):
    """One partner system. `type_ids` None means any type id that the biller has set up.

    With `portal_reads_reference` the partner's portal tells its payments apart by its own BillerReference, so
    that a relayed postback must carry that in place of ours. With `customer_accounts` the partner's customers
    have accounts at Invoice Cloud (single sign-on). `counter` holds members of the partner's row
    that its own sample leaves out: they are sent at the counter and never under the exact shape.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str
    type_ids: frozenset[int] | None = None
    invoices_per_sale: InvoicesPerSale
    numbering: Numbering
    reference: ReferenceRule
    portal_reads_reference: bool = False
    customer_accounts: bool = False
    emv: EmvRule = EmvRule.ALWAYS
    format: Formats
    request: Template
    customer: Template
    invoice: Template
    custom_fields: Template | None = None
    counter: Template = {}

    @field_validator("request", "customer", "invoice", "custom_fields", "counter")
    @classmethod
    def _template(cls, template: Template | None, info: ValidationInfo) -> Template | None:
        if template is None:
            return None
        section = str(info.field_name)
        used = set(_placeholders(template, PLACEHOLDERS[section]))
        if missing := sorted(REQUIRED.get(section, frozenset()) - used):
            raise ValueError(f"lacks ${missing[0]}")
        return template

    @model_validator(mode="after")
    def _parts_fit(self) -> "Profile":
        if self.carries("request", "reference") == (self.reference is ReferenceRule.NONE):
            raise ValueError('reference: is "none" exactly when the request has no $reference')
        if self.carries("invoice", "custom_fields") != (self.custom_fields is not None):
            raise ValueError("custom_fields: the table and $custom_fields in the invoice need each other")
        if self.carries("invoice", "minimum_due") != self.carries("invoice", "allow_partial"):
            raise ValueError("invoice: $minimum_due and $allow_partial need each other")
        twice = {member.lower() for member in self.request} & {member.lower() for member in self.counter}
        if twice:
            raise ValueError(f"counter: {min(twice)} is in the request already")
        return self

    def carries(self, section: str, placeholder: str) -> bool:
        """Whether a template of this profile has a place for a value."""
        template: Template | None = getattr(self, section)
        return template is not None and f"${placeholder}" in _values(template)


def load_profiles(folder: Path) -> dict[str, Profile]:
    """Every profile of a folder by its name, which is the file's name without `.toml`.

    Raises Refused with one line per fault: file, key and reason.
    """
    profiles: dict[str, Profile] = {}
    faults: list[str] = []
    for file in sorted(folder.glob("*.toml")):
        try:
            profiles[file.stem] = load_profile(file)
        except Refused as error:
            faults += error.faults
    if not profiles and not faults:
        faults.append(f"{folder}: no profile (*.toml) is there")
    if faults:
        raise Refused("The profiles cannot be used: " + faults[0], tuple(faults))
    return profiles


def load_profile(file: Path) -> Profile:
    """One profile. Raises Refused as `load_profiles` does."""
    try:
        with file.open("rb") as stream:
            data = stream.read(PROFILE_MAX_BYTES + 1)
        if len(data) > PROFILE_MAX_BYTES:
            raise ValueError(f"is larger than {PROFILE_MAX_BYTES} bytes")
        table = tomllib.loads(data.decode())
        if "name" in table:
            raise ValueError("name: unknown key (the file's name is the profile's name)")
    except (OSError, ValueError) as error:  # TOML and UTF-8 faults are ValueErrors
        raise Refused(f"{file.name}: {error}") from None
    try:
        return Profile.model_validate({**table, "name": file.stem})
    except ValidationError as error:
        faults = tuple(f"{file.name}: {_reason(dict(item))}" for item in error.errors())
        raise Refused(faults[0], faults) from None


def _reason(item: Mapping[str, Any]) -> str:
    key = ".".join(str(part) for part in item["loc"])
    known = {"extra_forbidden": "unknown key", "missing": "is missing"}
    text = known.get(item["type"], str(item["msg"]).removeprefix("Value error, "))
    return f"{key}: {text}" if key else text


def _placeholders(template: Template, known: frozenset[str]) -> Iterator[str]:
    """Names of the placeholders in a template. Raises ValueError for what a template cannot hold."""
    spelled: set[str] = set()
    for member, value in template.items():
        # The service matches member names without regard to case.
        if member.lower() in spelled:
            raise ValueError(f"{member}: is there twice")
        spelled.add(member.lower())
        match value:
            case bool() | int():
                pass
            case str() if value.startswith("$"):
                if value[1:] not in known:
                    raise ValueError(f"{member}: unknown value {value}")
                yield value[1:]
            case str():
                pass
            case dict():
                yield from _placeholders(value, known)
            case _:
                raise ValueError(f"{member}: must be true, false, a whole number, text or a table")


def _values(template: Template) -> Iterator[Any]:
    for value in template.values():
        if isinstance(value, dict):
            yield from _values(value)
        else:
            yield value
