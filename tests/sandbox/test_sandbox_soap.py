"""The status enquiry in SOAP 1.1 and 1.2 (Invoice Cloud contract, section 4)."""

from xml.etree.ElementTree import Element

import httpx
import pytest
from defusedxml.ElementTree import fromstring

from .conftest import Counter, sample

SERVICES = "https://www.invoicecloud.com/portal/webservices/"
V11, V12 = "http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"
VERSIONS = (V11, V12)
INVOICE = ("CloudInvoicing", "ViewInvoiceByInvoiceNumber")
CUSTOMER = ("CloudManagement", "ViewCustomerRecord")


def envelope(call: tuple[str, str], version: str, members: dict[str, str]) -> str:
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in members.items())
    return (
        f'<s:Envelope xmlns:s="{version}"><s:Body><{call[1]} xmlns="{SERVICES}{call[0]}/"><Req>{inner}</Req>'
        f"</{call[1]}></s:Body></s:Envelope>"
    )


def post(counter: Counter, call: tuple[str, str], version: str, body: str, **headers: str) -> httpx.Response:
    media = "text/xml" if version == V11 else "application/soap+xml"
    action = {"SOAPAction": f'"{SERVICES}{call[0]}/{call[1]}"'} if version == V11 else {}
    return counter.sandbox.control.post(
        f"/portal/webservices/{call[0]}.asmx",
        content=body,
        headers={"Content-Type": f"{media}; charset=utf-8", **action, **headers},
    )


def ask(counter: Counter, call: tuple[str, str], version: str, **members: str) -> dict[str, str | None]:
    """The answer's members by name."""
    config = counter.sandbox.config
    given = {"BillerGUID": config.biller_guid, "WebServiceKey": config.web_service_key, **members}
    response = post(counter, call, version, envelope(call, version, given))
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith(
        "text/xml" if version == V11 else "application/soap+xml"
    )
    root: Element = fromstring(response.content)
    space = f"{{{SERVICES}{call[0]}/}}"
    result = root.find(f"{{{version}}}Body/{space}{call[1]}Response/{space}{call[1]}Result")
    assert result is not None, response.text
    return {member.tag.removeprefix(space): member.text for member in result}


@pytest.mark.parametrize("version", VERSIONS)
def test_an_invoice_before_and_after_it_is_paid(counter: Counter, version: str) -> None:
    payer = counter.register("mcci")
    unpaid = ask(counter, INVOICE, version, InvoiceNumber="MCCI-2026-0001")
    assert unpaid == {
        "Success": "true",
        "ErrorMessage": None,
        "InvoiceNumber": "MCCI-2026-0001",
        "InvoiceDate": "2026-03-01T00:00:00",
        "InvoiceDueDate": "2026-03-31T00:00:00",
        "TotalAmountDue": "180.00",
        "BalanceDue": "180.00",
        "MinimumAmountDue": "40.00",
        "AllowPartialPayments": "true",
        "AutoPayCollectionDate": None,
    }
    payer.to_review(**{"amount-0": "50"})
    payer.process()
    partly = ask(counter, INVOICE, version, InvoiceNumber="MCCI-2026-0001")
    assert (partly["TotalAmountDue"], partly["BalanceDue"]) == ("180.00", "130.00")
    rest = sample("mcci")["Customers"]
    rest[0]["Invoices"][0]["BalanceDue"] = "130.00"
    counter.register("mcci", Customers=rest).pay()
    paid = ask(counter, INVOICE, version, InvoiceNumber="MCCI-2026-0001")
    assert (paid["BalanceDue"], paid["MinimumAmountDue"]) == ("0.00", "0.00")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_declined_invoice_stays_due(counter: Counter, version: str) -> None:
    payer = counter.register()
    payer.fault("decline")
    payer.pay()
    answer = ask(counter, INVOICE, version, InvoiceNumber="10000000000002")
    assert (answer["TotalAmountDue"], answer["BalanceDue"]) == ("75.50", "75.50")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"InvoiceNumber": "nothing"}, "InvoiceNumber was not found."),
        ({}, "InvoiceNumber is required."),
        ({"invoicenumber": "10000000000002"}, "InvoiceNumber is required."),
        ({"InvoiceNumber": "10000000000002", "WebServiceKey": "x"}, "Invalid BillerGUID or WebServiceKey."),
        ({"InvoiceNumber": "10000000000002", "BillerGUID": ""}, "Invalid BillerGUID or WebServiceKey."),
    ],
)
def test_no_success(counter: Counter, version: str, members: dict[str, str], error: str) -> None:
    counter.register()
    answer = ask(counter, INVOICE, version, **members)
    assert (answer["Success"], answer["ErrorMessage"]) == ("false", error)
    assert answer["BalanceDue"] is None


@pytest.mark.parametrize("version", VERSIONS)
def test_a_customer(counter: Counter, version: str) -> None:
    counter.register("sagesgov")
    answer = ask(counter, CUSTOMER, version, AccountNumber="J_200001")
    assert (answer["Success"], answer["CustomerName"], answer["Zip"]) == ("true", "Robin Example", "30001")
    assert list(answer)[2:] == [
        "CustomerID",
        "AccountNumber",
        "CustomerName",
        "Address1",
        "Address2",
        "City",
        "State",
        "Zip",
        "Phone",
        "EmailAddress",
        "AutoPay",
        "PaperInvoices",
        "Registered",
        "RegistrationDate",
        "LoginName",
    ]
    unknown = ask(counter, CUSTOMER, version, AccountNumber="J_2")
    assert (unknown["Success"], unknown["ErrorMessage"]) == ("false", "AccountNumber was not found.")


BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    f'<s:Envelope xmlns:s="{V11}"><s:Body>&b;</s:Body></s:Envelope>'
)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "body",
    [
        "",
        "<not xml",
        BOMB,
        envelope(INVOICE, "urn:other", {}),
        envelope(("CloudInvoicing", "Other"), V11, {}),
        envelope(("Other", "ViewInvoiceByInvoiceNumber"), V12, {}),
    ],
)
def test_an_envelope_that_is_none_is_a_fault(counter: Counter, version: str, body: str) -> None:
    response = post(counter, INVOICE, version, body)
    assert response.status_code == 500
    assert fromstring(response.content).find(f"{{{version}}}Body/{{{version}}}Fault") is not None


def test_soap_1_1_needs_its_action_and_a_known_content_type(counter: Counter) -> None:
    body = envelope(INVOICE, V11, {})
    wrong = post(counter, INVOICE, V11, body, SOAPAction="urn:other")
    assert (wrong.status_code, "SOAPAction" in wrong.text) == (500, True)
    assert post(counter, INVOICE, V11, body, **{"Content-Type": "application/json"}).status_code == 415
    unquoted = post(counter, INVOICE, V11, body, SOAPAction=f"{SERVICES}{INVOICE[0]}/{INVOICE[1]}")
    assert unquoted.status_code == 200
