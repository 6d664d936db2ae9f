"""A retrieved invoice in the request of each profile: from the draft to the bytes."""

import datetime as dt
import json
from typing import Any

import httpx
import pytest

from cashier.adapters import profile_rules, profiles, schedule_on
from cashier.domain.enquiry import FoundInvoice
from cashier.domain.money import Cents
from cashier.domain.sale import Customer
from cashier.gateway.invoice_cloud import InvoiceCloud
from cashier.till.draft import Draft
from cashier.till.ports import CounterExtras

DAY = dt.date(2026, 2, 3)
EXTRAS = CounterExtras(
    "A-0190c4d2a7b87c3e9f00112233445566", "https://hub.example.org/pb/v1/x", None, "Kim Clerk"
)
FOUND = FoundInvoice(
    "UB-12345", Cents(12_000), Cents(10_000), dt.date(2026, 1, 5), dt.date(2026, 2, 28), Cents(2_500), True
)


def members(profile: str, draft: Draft) -> list[dict[str, Any]]:
    """The invoices of the request, member names in small letters."""
    known = profiles()
    rules = profile_rules(known[profile])
    gateway = InvoiceCloud(
        client=httpx.AsyncClient(),
        base_url="https://www.invoicecloud.com",
        profiles=known,
        api_keys=lambda _biller: "key",
    )
    sale = draft.sale(profile, DAY, partial_payments=rules.partial_payments)
    sale = gateway.number_invoices(sale, "A1")
    invoices = json.loads(gateway.request(sale, EXTRAS))["Customers"][0]["Invoices"]
    return [{name.lower(): value for name, value in invoice.items()} for invoice in invoices]


def draft(type_id: int) -> Draft:
    """A sale of one retrieved invoice."""
    empty = Draft("sale-1", schedule_on("lakeland", DAY), Customer("BU7-00042", "Robin Example"))
    return empty.retrieve("town", type_id, FOUND)


@pytest.mark.parametrize("profile", ["mcci", "cloudpermit", "grancius", "leadsonline", "sagesgov"])
@pytest.mark.parametrize("part", [False, True])
def test_every_profile_sends_a_retrieved_invoice_with_its_own_number_and_dates(
    profile: str, part: bool
) -> None:
    rules = profile_rules(profiles()[profile])
    one = draft(min(rules.type_ids or {42}))
    if part:
        one = one.pay_of(1, Cents(4_000))
    [invoice] = members(profile, one)
    assert invoice["invoicenumber"] == "UB-12345"
    assert [int(part) for part in invoice["duedate"].split("/")] == [2, 28, 2026]
    assert [int(part) for part in invoice["invoicedate"].split("/")] == [1, 5, 2026]
    assert invoice["balancedue"] == (40 if part else 100)
    if rules.partial_payments:
        allowed = (invoice["allowpartialpayments"], invoice["minimumamountdue"])
        assert allowed == ((False, 40) if part else (True, 25))
    else:
        assert "allowpartialpayments" not in invoice


def test_which_profiles_take_several_invoices_and_parts() -> None:
    rules = {name: profile_rules(profile) for name, profile in profiles().items()}
    assert [name for name, rule in rules.items() if rule.several_invoices] == ["grancius"]
    assert [name for name, rule in rules.items() if rule.partial_payments] == ["mcci"]
    assert [name for name, rule in rules.items() if rule.numbers_end_in_type] == ["grancius"]


def test_grancius_sends_it_beside_typed_fees() -> None:
    invoices = members("grancius", draft(42).add("re-roof-shingle", 1, {}))
    assert [invoice["invoicenumber"] for invoice in invoices][1:] == ["UB-12345"]
    assert len(invoices) == 2
