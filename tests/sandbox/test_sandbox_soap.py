"""The status enquiry in SOAP 1.1 and 1.2 (Invoice Cloud contract, section 4)."""

from xml.etree.ElementTree import Element, ParseError

import httpx
import pytest
from defusedxml.ElementTree import fromstring

from cashier.sandbox.config import Fault

from .conftest import NOW, Counter, Start, sample

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


# --- faults

NUMBER = "10000000000002"  # the invoice of the sample that `register` takes


def ask_raw(counter: Counter, version: str = V11, timeout: float = 10.0) -> httpx.Response:
    config = counter.sandbox.config
    given = {
        "BillerGUID": config.biller_guid,
        "WebServiceKey": config.web_service_key,
        "InvoiceNumber": NUMBER,
    }
    counter.sandbox.control.timeout = httpx.Timeout(timeout)
    return post(counter, INVOICE, version, envelope(INVOICE, version, given))


def balance(counter: Counter) -> str | None:
    return ask(counter, INVOICE, V12, InvoiceNumber=NUMBER)["BalanceDue"]


def test_soap_1_1_can_be_switched_off(start: Start) -> None:
    counter = start(fault=Fault.SOAP11_OFF)  # as `--fault soap11-off` does
    counter.register()
    assert ask_raw(counter, V11).status_code == 415
    assert ask_raw(counter, V12).status_code == 200
    counter.sandbox.set_enquiry_fault("soap11-mismatch", times=1)
    refused = ask_raw(counter, V11)
    code = fromstring(refused.content).find(f"{{{V11}}}Body/{{{V11}}}Fault/faultcode")
    assert (refused.status_code, code is not None and code.text) == (500, "soap:VersionMismatch")
    assert ask_raw(counter, V11).status_code == 200


def test_too_busy_says_for_how_long(start: Start) -> None:
    counter = start(enquiry_fault=Fault.ENQUIRY_429, enquiry_fault_times=2, retry_after_s=7)
    assert [ask_raw(counter).headers.get("retry-after") for _ in range(2)] == ["7", "7"]
    assert ask_raw(counter).status_code == 200
    silent = start(enquiry_fault=Fault.ENQUIRY_429, retry_after_s=None)
    answer = ask_raw(silent)
    assert (answer.status_code, "retry-after" in answer.headers) == (429, False)


def test_an_enquiry_can_fail_and_be_garbage(counter: Counter) -> None:
    counter.register()
    counter.sandbox.set_enquiry_fault("enquiry-500", times=1)
    assert ask_raw(counter).status_code == 500
    counter.sandbox.set_enquiry_fault("enquiry-garbage", times=1)
    with pytest.raises(ParseError):
        fromstring(ask_raw(counter).content)
    assert balance(counter) == "75.50"
    assert counter.sandbox.enquiries() == 3


def test_an_enquiry_can_be_slow_or_never_answered(start: Start) -> None:
    counter = start(enquiry_fault=Fault.ENQUIRY_SILENT, enquiry_fault_times=1, slow_s=0.5)
    with pytest.raises(httpx.ReadTimeout):
        ask_raw(counter, timeout=0.2)
    counter.sandbox.set_enquiry_fault("enquiry-slow", times=2)
    with pytest.raises(httpx.ReadTimeout):
        ask_raw(counter, timeout=0.1)
    assert ask_raw(counter).status_code == 200


def test_not_found_counts_only_what_is_there(counter: Counter) -> None:
    counter.sandbox.set_enquiry_fault("enquiry-not-found", times=1)
    assert ask(counter, INVOICE, V11, InvoiceNumber=NUMBER)["Success"] == "false"
    counter.register()
    denied = ask(counter, INVOICE, V11, InvoiceNumber=NUMBER)
    assert (denied["Success"], denied["ErrorMessage"]) == ("false", "InvoiceNumber was not found.")
    assert balance(counter) == "75.50"


def test_a_stale_balance_counts_only_after_the_payment(counter: Counter) -> None:
    counter.sandbox.set_enquiry_fault("enquiry-stale", times=2)
    payer = counter.register()
    assert balance(counter) == "75.50"
    payer.pay()
    assert [balance(counter) for _ in range(3)] == ["75.50", "75.50", "0.00"]


def test_a_payment_has_its_own_fault_and_others_not(counter: Counter) -> None:
    counter.register().pay()
    token = counter.payment()["token"]
    counter.sandbox.set_payment_enquiry_fault(token, "enquiry-stale")
    counter.register("mcci").pay()
    assert balance(counter) == "75.50"
    assert ask(counter, INVOICE, V11, InvoiceNumber="MCCI-2026-0001")["BalanceDue"] == "0.00"
    counter.sandbox.set_payment_enquiry_fault(token, None)
    assert balance(counter) == "0.00"


def test_faults_of_enquiries_and_of_payments_are_set_apart(start: Start) -> None:
    counter = start(fault=Fault.NO_POSTBACK, enquiry_fault=Fault.ENQUIRY_500, enquiry_fault_times=3)
    control = counter.sandbox.control
    assert control.get("/sandbox/fault").json() == {"fault": "no-postback", "times": None}
    known = control.get("/sandbox/enquiry-fault").json()
    assert known == {"fault": "enquiry-500", "times": 3, "enquiries": 0}
    for path, fault in (("fault", "enquiry-500"), ("enquiry-fault", "decline"), ("enquiry-fault", "x")):
        assert control.post(f"/sandbox/{path}", json={"fault": fault}).status_code == 400
    token = (counter.register(), counter.payment()["token"])[1]
    for path, fault in (("fault", "enquiry-500"), ("enquiry-fault", "soap11-off")):
        answer = control.post(f"/sandbox/payments/{token}/{path}", json={"fault": fault})
        assert answer.status_code == 400
    assert control.post("/sandbox/payments/0/enquiry-fault", json={}).status_code == 404
    counter.sandbox.set_enquiry_fault(None)
    assert ask_raw(counter).status_code == 200


def test_customers_are_told_about_whatever_is_wrong_with_enquiries(start: Start) -> None:
    counter = start(enquiry_fault=Fault.ENQUIRY_500)
    counter.register("sagesgov")
    assert ask(counter, CUSTOMER, V11, AccountNumber="J_200001")["Success"] == "true"
    assert counter.sandbox.enquiries() == 0


def test_all_money_taken_is_listed_in_order(counter: Counter) -> None:
    assert counter.sandbox.charges() == []
    first, second = counter.register("grancius"), counter.register()
    second.fault("decline")
    second.pay()
    second.fault("")
    second.pay()
    first.pay()
    one, two = counter.sandbox.charges()
    payments = {payment["reference"]: payment for payment in counter.sandbox.payments()}
    assert one == {
        "at": NOW.isoformat(),
        "token": payments[one["reference"]]["token"],
        "reference": sample("cloudpermit")["BillerReference"],
        "invoices": {NUMBER: 7550},
        "amount_cents": 7550,
        "fee_cents": 189,
        "payment_guid": payments[one["reference"]]["charges"][0]["payment_guid"],
    }
    assert sum(two["invoices"].values()) == two["amount_cents"]
    assert len(two["invoices"]) == len(sample("grancius")["Customers"][0]["Invoices"])
