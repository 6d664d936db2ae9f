"""Invoices and customers that are there without having been launched."""

import pytest

from .conftest import Counter, sample
from .test_sandbox_soap import CUSTOMER, INVOICE, VERSIONS, ask

NUMBER = "UB-12345"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_seeded_invoice_is_told_with_all_its_members(counter: Counter, version: str) -> None:
    counter.sandbox.seed_invoice(
        NUMBER,
        "120.00",
        paid="20.00",
        minimum="25.00",
        allow_partial=True,
        date="2026-01-05",
        due_date="2026-02-28",
        autopay="2026-02-20",
    )
    assert ask(counter, INVOICE, version, InvoiceNumber=NUMBER) == {
        "Success": "true",
        "ErrorMessage": None,
        "InvoiceNumber": NUMBER,
        "InvoiceDate": "2026-01-05T00:00:00",
        "InvoiceDueDate": "2026-02-28T00:00:00",
        "TotalAmountDue": "120.00",
        "BalanceDue": "100.00",
        "MinimumAmountDue": "25.00",
        "AllowPartialPayments": "true",
        "AutoPayCollectionDate": "2026-02-20T00:00:00",
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_a_seeded_customer_is_told(counter: Counter, version: str) -> None:
    counter.sandbox.seed_customer("BU7-00042", name="Robin Example", zip="32003")
    told = ask(counter, CUSTOMER, version, AccountNumber="BU7-00042")
    assert (told["Success"], told["CustomerName"], told["Zip"]) == ("true", "Robin Example", "32003")
    counter.sandbox.seed_invoice(NUMBER, "10.00", account="BU7-00077", name="Alex Sample")
    assert ask(counter, CUSTOMER, version, AccountNumber="BU7-00077")["CustomerName"] == "Alex Sample"


def test_a_launch_pays_a_part_of_an_account_that_goes_on(counter: Counter) -> None:
    """Unlike an invoice that only launches know, whose account begins anew with each."""
    customers = sample("mcci")["Customers"]
    invoice = customers[0]["Invoices"][0]
    counter.sandbox.seed_invoice(str(invoice["InvoiceNumber"]), "300.00")
    payer = counter.register("mcci")
    before = ask(counter, INVOICE, VERSIONS[0], InvoiceNumber=str(invoice["InvoiceNumber"]))
    assert (before["TotalAmountDue"], before["BalanceDue"]) == ("300.00", "300.00")
    payer.pay()
    after = ask(counter, INVOICE, VERSIONS[0], InvoiceNumber=str(invoice["InvoiceNumber"]))
    assert (after["TotalAmountDue"], after["BalanceDue"]) == ("300.00", "120.00")


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"number": NUMBER},
        {"number": NUMBER, "total": "0"},
        {"number": NUMBER, "total": "10.00", "paid": "10.01"},
        {"number": NUMBER, "total": "ten"},
        {"number": NUMBER, "total": "10.00", "due_date": "tomorrow"},
        {"number": NUMBER, "total": "10.00", "allow_partial": "perhaps"},
    ],
)
def test_a_seed_that_cannot_be_read_is_refused(counter: Counter, members: dict[str, str]) -> None:
    response = counter.sandbox.control.post("/sandbox/invoices", json=members)
    assert response.status_code == 400
    assert ask(counter, INVOICE, VERSIONS[0], InvoiceNumber=NUMBER)["Success"] == "false"


def test_a_customer_without_an_account_is_refused(counter: Counter) -> None:
    assert counter.sandbox.control.post("/sandbox/customers", json={"name": "Robin"}).status_code == 400
