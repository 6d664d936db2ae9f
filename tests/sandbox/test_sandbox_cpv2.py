"""The CPV2 call (Invoice Cloud contract, section 1): key, spelling, rules, the same payment for a retry."""

import base64
from typing import Any

import pytest
import simplejson

from cashier.sandbox.wire import BadRequest, parse_request

from .conftest import KEY, PROFILES, SAMPLES, Counter, sample


def change_names(value: Any, how: Any) -> Any:
    """`value` with every member name spelled another way."""
    if isinstance(value, dict):
        return {how(name): change_names(inner, how) for name, inner in value.items()}
    return [change_names(inner, how) for inner in value] if isinstance(value, list) else value


def as_text(value: Any) -> Any:
    """`value` with every number and boolean as text."""
    if isinstance(value, dict):
        return {name: as_text(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [as_text(inner) for inner in value]
    return value if value is None or isinstance(value, str) else str(value)


def with_invoice(**changes: Any) -> dict[str, Any]:
    request = sample("cloudpermit")
    request["Customers"][0]["Invoices"][0].update(changes)
    return request


def without(*path: str) -> dict[str, Any]:
    """The sample without one member; path steps into customer and invoice."""
    request = sample("cloudpermit")
    place: Any = request
    for step in path[:-1]:
        place = place[step][0]
    del place[path[-1]]
    return request


@pytest.mark.parametrize("header", [KEY, f"{KEY}:"])
def test_key_with_and_without_colon(counter: Counter, header: str) -> None:
    headers = {"Authorization": "Basic " + base64.b64encode(header.encode()).decode()}
    body = (SAMPLES / "mcci.json").read_bytes()
    answer = counter.sandbox.control.post("/cloudpaymentsapi/v2", content=body, headers=headers)
    assert answer.status_code == 200
    assert answer.json()["Data"]["CloudPaymentURL"].startswith(f"{counter.sandbox.url}/cloudpay/")
    status = counter.sandbox.control.get("/api/v1/biller/status", headers=headers)
    assert (status.status_code, status.json()["Data"]["Status"]) == (200, "Active")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "Bearer x",
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"other").decode(),
        "Basic " + base64.b64encode(f"{KEY}:x".encode()).decode(),
        "Basic " + base64.b64encode("schlüssel".encode()).decode(),
    ],
)
def test_any_other_key_is_401(counter: Counter, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}
    body = (SAMPLES / "mcci.json").read_bytes()
    for answer in (
        counter.sandbox.control.post("/cloudpaymentsapi/v2", content=body, headers=headers),
        counter.sandbox.control.get("/api/v1/biller/status", headers=headers),
    ):
        assert answer.status_code == 401
        assert "API key" in answer.json()["Message"]
    assert counter.sandbox.payments() == []


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("how", [str.lower, str.upper, str.swapcase])
def test_names_in_any_case_and_values_as_text(profile: str, how: Any) -> None:
    original = parse_request((SAMPLES / f"{profile}.json").read_bytes())
    respelled = as_text(change_names(sample(profile), how))
    assert parse_request(simplejson.dumps(respelled).encode()) == original


def test_the_samples_say_what_they_say() -> None:
    def read(profile: str) -> Any:
        return parse_request((SAMPLES / f"{profile}.json").read_bytes())

    grancius, leads, mcci, sages = map(read, ("grancius", "leadsonline", "mcci", "sagesgov"))
    assert [(i.number, i.type_id, i.balance_cents) for i in grancius.invoices] == [
        ("BU7-00042-6", 6, 21025),
        ("BU7-00042-93", 93, 8975),
    ]
    assert (grancius.allow_swipe, grancius.allow_emv, grancius.create_customer) == (True, False, False)
    assert (leads.view_mode, leads.opens_on_cart, leads.allow_remove, leads.allow_emv) == (
        1,
        True,
        True,
        True,
    )
    assert (mcci.invoices[0].least_cents, mcci.allow_card, mcci.allow_ach) == (4000, True, True)
    assert (sages.allow_card, sages.allow_ach, sages.total_cents) == (True, False, 24550)
    assert sages.invoices[0].description == "Commercial Sign Application"
    assert sages.invoices[0].least_cents == 24550


@pytest.mark.parametrize(
    ("request_body", "named"),
    [
        (b"", "JSON"),
        (b"[]", "object"),
        (b'{"a":1,"A":2}', "twice"),
        (b"[" * 100_000, "JSON"),
        (b'{"BalanceDue": NaN}', "JSON"),
        (b"\xff{}", "JSON"),
        ({}, "Customers"),
        (sample("cloudpermit", Customers=[]), "Customers"),
        (sample("cloudpermit", Customers=sample("cloudpermit")["Customers"] * 2), "exactly one"),
        (sample("cloudpermit", ViewMode=2), "ViewMode"),
        (sample("cloudpermit", PostBackURL="ftp://example.org/"), "PostBackURL"),
        (sample("cloudpermit", ReturnURL="javascript:alert(1)"), "ReturnURL"),
        (sample("cloudpermit", ReturnURL="http://[::1"), "ReturnURL"),
        (sample("cloudpermit", BillerReference="a\nb"), "BillerReference"),
        (sample("cloudpermit", BillerReference="x" * 501), "BillerReference"),
        (sample("cloudpermit", AllowCCPayment="yes"), "AllowCCPayment"),
        (sample("cloudpermit", AllowCCPayment=False, AllowACHPayment=False), "No way to pay"),
        (without("Customers", "AccountNumber"), "AccountNumber"),
        (without("Customers", "Invoices"), "Invoices"),
        (without("Customers", "Invoices", "InvoiceNumber"), "InvoiceNumber"),
        (without("Customers", "Invoices", "TypeId"), "TypeID"),
        (without("Customers", "Invoices", "BalanceDue"), "BalanceDue"),
        (without("Customers", "Invoices", "CCServiceFee"), "CCServiceFee"),
        (with_invoice(AchServiceFee="1.00"), "AchServiceFee"),
        (with_invoice(BalanceDue=0), "BalanceDue"),
        (with_invoice(BalanceDue=-1), "BalanceDue"),
        (with_invoice(BalanceDue="75.505"), "BalanceDue"),
        (with_invoice(BalanceDue="75,50"), "BalanceDue"),
        (with_invoice(BalanceDue=10_000_000), "BalanceDue"),
        (with_invoice(BalanceDue=True), "BalanceDue"),
        (with_invoice(TypeId="six"), "TypeID"),
        (with_invoice(DueDate="2026-02-03"), "DueDate"),
        (with_invoice(DueDate="02/30/2026"), "DueDate"),
        (with_invoice(MinimumAmountDue="80.00"), "MinimumAmountDue"),
    ],
)
def test_a_broken_rule_names_the_member(request_body: Any, named: str) -> None:
    body = request_body if isinstance(request_body, bytes) else simplejson.dumps(request_body).encode()
    with pytest.raises(BadRequest, match=named):
        parse_request(body)


def test_a_broken_rule_is_400_and_registers_nothing(counter: Counter) -> None:
    answer = counter.call(with_invoice(AchServiceFee="1.00"))
    assert answer.status_code == 400
    assert answer.json() == {
        "Message": "Customers[0].Invoices[0].AchServiceFee is required and must be 0.00: "
        "the service adds its own fees."
    }
    assert counter.sandbox.payments() == []
    assert counter.sandbox.calls()[0]["outcome"] == "refused"


@pytest.mark.parametrize("number", [b"75.5", b'"75.50"', b"75.50000000", b"7.55e1", b'"75.5"'])
def test_amounts_are_exact(number: bytes) -> None:
    body = simplejson.dumps(with_invoice(BalanceDue="AMOUNT")).encode().replace(b'"AMOUNT"', number)
    assert parse_request(body).total_cents == 7550


def test_a_body_too_long_is_413(counter: Counter) -> None:
    answer = counter.call(b" " * 300_000)
    assert (answer.status_code, "262144" in answer.json()["Message"]) == (413, True)


def test_a_retry_is_the_same_payment_also_once_paid(counter: Counter) -> None:
    payer = counter.register()
    request = sample("cloudpermit", PostBackURL=counter.biller.url)
    first, second = counter.call(request), counter.call(change_names(request, str.upper))
    assert first.json() == second.json()
    assert "Thank you" in payer.pay().text
    assert counter.call(request).json() == first.json()
    payment = counter.payment()
    assert (payment["cpv2_calls"], payment["attempts"], payment["state"]) == (4, 1, "paid")
    assert "Thank you" in payer.open().text
    digests = [call["body_sha256"] for call in counter.sandbox.calls()]
    assert digests[0] == digests[1] == digests[3] != digests[2]


def test_the_same_reference_with_other_content_is_refused(counter: Counter) -> None:
    counter.register()
    other = with_invoice(BalanceDue="80.00")
    answer = counter.call(other)
    assert (answer.status_code, "BillerReference" in answer.json()["Message"]) == (400, True)
    assert counter.payment()["amount_cents"] == 7550


def test_a_paid_invoice_is_not_registered_again_but_the_rest_of_a_part_payment_is(counter: Counter) -> None:
    counter.register().pay()
    again = counter.call(sample("cloudpermit", BillerReference="another"))
    assert (again.status_code, "already been paid" in again.json()["Message"]) == (400, True)

    part = counter.register("mcci")
    part.to_review(**{"amount-0": "40"})
    part.process()
    rest = sample("mcci")
    rest["Customers"][0]["Invoices"][0]["BalanceDue"] = "140.00"
    assert counter.call(rest).status_code == 200
    assert [p["amount_cents"] for p in counter.sandbox.payments()] == [7550, 18000, 14000]


def test_the_public_url_leads_the_link(start: Any) -> None:
    counter = start(public_url="https://pay.example.org/")
    url = counter.call(sample("mcci")).json()["Data"]["CloudPaymentURL"]
    assert url.startswith("https://pay.example.org/cloudpay/")


def test_a_limited_default_fault_lasts_as_many_calls(counter: Counter) -> None:
    counter.sandbox.set_fault("error-500", times=2)
    statuses = [counter.call(sample("mcci")).status_code for _ in range(3)]
    assert statuses == [500, 500, 200]
    assert counter.payment()["cpv2_calls"] == 1
    wrong = counter.sandbox.control.post("/sandbox/fault", json={"fault": "nonsense"})
    assert (wrong.status_code, "decline" in wrong.json()["Message"]) == (400, True)
