"""The CPV2 request text of a sale, in the shape of its profile (Invoice Cloud contract, section 1).

Numbers are written from exact decimals. The text is ASCII with JSON escapes, so that the same bytes mean
the same in every character set; it has no final line end.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import simplejson

from cashier.domain.errors import Refused
from cashier.domain.money import format_cents
from cashier.domain.sale import Fee, Invoice, Permit, Sale
from cashier.gateway.profiles import (
    AmountFormat,
    DateFormat,
    EmvRule,
    Numbering,
    Profile,
    ReferenceRule,
    Template,
    TypeIdFormat,
)
from cashier.till.ports import CounterExtras

Json = dict[str, Any]

#: The members that drive a chip reader; none is sent when the portal has no EMV.
EMV_MEMBERS = ("AllowEMV", "EMVDeviceID", "EMVLocationID")

#: Where a signed-on payer's token goes, and what stands there in the request as it is recorded: the token is
#: a key to the customer's account, and the journal is copied and handed on.
TOKEN_MEMBER, TOKEN_PLACE = "RemoteAuthenticationToken", "(added when it is sent)"

#: What MinimumAmountDue says when partial payments are allowed and no minimum was given.
SMALLEST_PAYMENT_CENTS = 1


def number_invoices(sale: Sale, profile: Profile, fallback_stem: str) -> Sale:
    """The sale with every unnumbered invoice numbered by the profile's rule.

    Under `given` the number is `<fallback_stem>-<type id>`; given numbers are never changed.
    """
    by_account = profile.numbering is Numbering.ACCOUNT_TYPE
    stem = sale.customer.account_number if by_account else fallback_stem
    invoices = (
        invoice if invoice.number is not None else replace(invoice, number=f"{stem}-{invoice.type_id}")
        for invoice in sale.invoices
    )
    return replace(sale, invoices=tuple(invoices))


def emv_refusal(sale: Sale, profile: Profile) -> str | None:
    """Why the chip reader cannot be used for this sale, in a clerk's words, or None when it can."""
    if profile.emv is EmvRule.ALWAYS:
        return None
    for fee in sale.fees:
        if fee.external_charge_code:
            return (
                f"The chip reader cannot be used for this sale: the fee {fee.name!r} has an external charge "
                f"code ({fee.external_charge_code}), and for such fees {profile.title} is on portal version "
                "1, which has no chip reader. Swipe the card or type it into the page."
            )
    return None


def request_text(sale: Sale, profile: Profile, extras: CounterExtras | None) -> str:
    """The request of a checked, numbered sale. With `extras` None it has the partner's exact shape.

    Raises Refused when the exact shape has a member for which the sale gives nothing.
    """
    reference = partner_reference(sale, profile)
    values = {
        "customers": [_customer(sale, profile)],
        "reference": reference,
        "return_url": sale.return_url,
        "postback_url": sale.postback_url,
        "null": None,
    }
    if extras is None:
        faults = _missing(profile, values)
        if faults:
            raise Refused("The request cannot be made: " + faults[0], faults)
        return _text(_fill(profile.request, values))
    values |= {
        "reference": extras.reference,
        "return_url": extras.return_url or sale.return_url,
        "postback_url": extras.postback_url,
    }
    members = _fill(_without_unknown_return(profile.request, values), values)
    members |= _fill(profile.counter, values)
    _add_extras(members, extras)
    if emv_refusal(sale, profile) is not None:
        for member in EMV_MEMBERS:
            members.pop(member, None)
    return _text(members)


def with_token(request: str, token: str) -> str:
    """A recorded request with the token in its place. Raises Refused when it has no such place.

    A quotation mark inside of a value is escaped in JSON, so that no value can look like the place.
    """
    place = simplejson.dumps({TOKEN_MEMBER: TOKEN_PLACE})[1:-1]
    if request.count(place) != 1:
        raise Refused("This payment was not started for a customer who is signed on.")
    return request.replace(place, simplejson.dumps({TOKEN_MEMBER: token})[1:-1])


def partner_reference(sale: Sale, profile: Profile) -> str | None:
    """The partner's own BillerReference, None when it has none or the sale lacks what it is made of.

    A reference given with the sale is used as it is, except that a LeadsOnline ticket always makes it.
    """
    account = sale.customer.account_number
    match profile.reference:
        case ReferenceRule.NONE:
            return None
        case ReferenceRule.ACCOUNT_TICKET if sale.ticket:
            return f"{account}|{sale.ticket}"
        case ReferenceRule.INVOICE_NUMBER:
            return sale.reference or sale.invoices[0].number
        case ReferenceRule.ACCOUNT_TOTAL_INVOICES:
            total, count = format_cents(sale.total_cents), len(sale.invoices)
            return sale.reference or f"{account}, ${total}, {count} invoices"
        case _:
            return sale.reference


def _missing(profile: Profile, values: Mapping[str, Any]) -> tuple[str, ...]:
    sources = {"reference": "reference", "return_url": "return_url", "postback_url": "postback_url"}
    if profile.reference is ReferenceRule.ACCOUNT_TICKET:
        sources["reference"] = "ticket"
    return tuple(
        f"{member}: is missing, {profile.name} sends it"
        for placeholder, member in sources.items()
        if profile.carries("request", placeholder) and values[placeholder] is None
    )


def _without_unknown_return(template: Template, values: Mapping[str, Any]) -> Template:
    """At the counter a page with nowhere to return to has no ReturnURL rather than an empty one."""
    if values["return_url"] is not None:
        return template
    return {member: value for member, value in template.items() if value != "$return_url"}


def _add_extras(members: Json, extras: CounterExtras) -> None:
    """Add what a counter needs: in place where the profile has the member, else behind it in this order."""
    wanted = {
        "AllowEMV": True if extras.allow_emv else None,
        "AllowSwipe": True if extras.allow_swipe else None,
        "EMVDeviceID": extras.emv_device_id,
        "EMVLocationID": extras.emv_location_id,
        "CashierName": extras.cashier_name,
        "BillerReference": extras.reference,
        "PostBackURL": extras.postback_url,
        "CustomReturnSiteName": extras.custom_return_site_name,
        TOKEN_MEMBER: TOKEN_PLACE if extras.is_signed_on else None,
    }
    spelled = {member.lower(): member for member in members}
    for member, value in wanted.items():
        if value is not None:
            members[spelled.get(member.lower(), member)] = value


def _customer(sale: Sale, profile: Profile) -> Json:
    customer = sale.customer
    values = {
        "account_number": customer.account_number,
        "display_account_number": customer.display_account_number or customer.account_number,
        "name": customer.name,
        "address": customer.address,
        "city": customer.city,
        "state": customer.state,
        "zip": customer.zip,
        "email": customer.email,
        "invoices": [_invoice(invoice, sale.permit, profile) for invoice in sale.invoices],
        "null": None,
    }
    return _fill(profile.customer, values)


def _invoice(invoice: Invoice, permit: Permit | None, profile: Profile) -> Json:
    formats = profile.format
    total = invoice.total_cents
    minimum: int | None = invoice.minimum_due_cents
    if minimum is None:
        minimum = SMALLEST_PAYMENT_CENTS if invoice.allow_partial else total
    values = {
        "invoice_number": invoice.number,
        "type_id": str(invoice.type_id) if formats.type_id is TypeIdFormat.TEXT else invoice.type_id,
        "date": date_text(invoice.date, formats.dates),
        "due_date": date_text(invoice.due_date, formats.dates),
        "balance_due": amount(total, formats.amounts),
        "zero": amount(0, formats.amounts),
        "minimum_due": amount(minimum, formats.amounts),
        "allow_partial": bool(invoice.allow_partial),
        "custom_fields": _custom_fields(invoice.fees, permit, profile),
        "null": None,
    }
    return _fill(profile.invoice, values)


def _custom_fields(fees: Sequence[Fee], permit: Permit | None, profile: Profile) -> Json | None:
    """Permit and fees in the profile's custom fields (Invoice Cloud contract, sections 1 and 6).

    `fee_detail` takes the first fee, `further_fees` all others joined by `;`; what is not known is null.
    """
    if profile.custom_fields is None:
        return None
    details = [_fee_detail(fee) for fee in fees]
    values = {
        "permit_description": (permit.description or None) if permit else None,
        "permit_number": (permit.number or None) if permit else None,
        "fee_detail": details[0] if details else None,
        "further_fees": ";".join(details[1:]) or None,
        "null": None,
    }
    return _fill(profile.custom_fields, values)


def _fee_detail(fee: Fee) -> str:
    """`poi:<fee id>|i:<fee name>|amt:<amount, 4 decimals>`."""
    return f"poi:{fee.id}|i:{fee.name}|amt:{format_cents(fee.amount_cents)}00"


def date_text(date: dt.date, style: DateFormat) -> str:
    """`02/03/2026` or `2/3/2026`."""
    width = 2 if style is DateFormat.PADDED else 1
    return f"{date.month:0{width}d}/{date.day:0{width}d}/{date.year:04d}"


def amount(cents: int, style: AmountFormat) -> Decimal:
    """An exact decimal whose text has the decimals of the style."""
    whole, _, part = format_cents(cents).partition(".")
    match style:
        case AmountFormat.SHORTEST:
            part = part.rstrip("0")
        case AmountFormat.ONE_DECIMAL:
            part = part.rstrip("0") or "0"
    return Decimal(f"{whole}.{part}" if part else whole)


def _fill(template: Template, values: Mapping[str, Any]) -> Json:
    """A template with its placeholders replaced, in its order."""
    filled: Json = {}
    for member, value in template.items():
        if isinstance(value, dict):
            filled[member] = _fill(value, values)
        elif isinstance(value, str) and value.startswith("$"):
            filled[member] = values[value[1:]]
        else:
            filled[member] = value
    return filled


def _text(members: Json) -> str:
    return simplejson.dumps(members, indent=2, use_decimal=True)
