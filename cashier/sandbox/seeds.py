"""Invoices and customers that are in the sandbox without having been launched, as the control API takes them.

An invoice of a utility or of a permit system that bills by itself is at Invoice Cloud long before a counter
hears of it: it can only be retrieved. What the members are is told in `app`.
"""

from datetime import date
from typing import Any

from cashier.sandbox.state import InvoiceRecord
from cashier.sandbox.wire import BadRequest, Customer, Invoice, Members

NO_CUSTOMER = Customer("", "", "", "", "", "", "", "")


def seeded_invoice(given: dict[str, Any]) -> InvoiceRecord:
    """The record of `number`, `total` and so on. Raises BadRequest for what is missing or cannot be read."""
    members = Members(given, "")
    number = members.text("number", required=True)
    total, paid = members.cents("total"), members.cents("paid") or 0
    if not total or paid > total:
        raise BadRequest("total must be more than 0, and paid not more than total.")
    invoice = Invoice(
        number=number,
        type_id=members.whole("type_id") or 1,
        balance_cents=total - paid,
        minimum_cents=members.cents("minimum"),
        allow_partial=members.flag("allow_partial") or False,
        invoice_date=_day(members, "date"),
        due_date=_day(members, "due_date"),
        custom=("", "", "", "", "", ""),
    )
    return InvoiceRecord(
        invoice,
        seeded_customer(members) if members.text("account") else NO_CUSTOMER,
        total_cents=total,
        paid_cents=paid,
        autopay=_day(members, "autopay"),
        is_seeded=True,
    )


def seeded_customer(members: Members) -> Customer:
    """The customer of `account`, `name` and so on. Raises BadRequest when there is no account."""
    return Customer(
        account_number=members.text("account", required=True),
        display_account_number="",
        name=members.text("name"),
        address=members.text("address"),
        city=members.text("city"),
        state=members.text("state"),
        zip=members.text("zip"),
        email=members.text("email"),
    )


def _day(members: Members, name: str) -> date | None:
    text = members.text(name)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadRequest(f"{name} must be a date such as 2026-02-03.") from None
