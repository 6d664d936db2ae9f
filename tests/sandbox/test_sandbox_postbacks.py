"""The postback: its 18 parameters, where they travel, per invoice or for all, and trying again."""

import socket

import pytest

from tests.sandbox.payer import DECLINING

from .conftest import Counter, Start

PARAMETERS = [
    "BillerGUID",
    "PaymentDate",
    "InvoiceNumber",
    "Approved",
    "CustomerName",
    "CustomerAddress",
    "CustomerCity",
    "CustomerState",
    "CustomerZip",
    "PaymentGUID",
    "PaymentAmount",
    "PaymentDescription",
    "PaymentTypeID",
    "CardType",
    "PaymentMessage",
    "BillerReference",
    "ConvenienceFee",
    "RemoteIP",
]


def test_eighteen_parameters_in_the_form(counter: Counter) -> None:
    counter.register("sagesgov").pay()
    (form,) = counter.biller.wait(1)
    assert list(form) == PARAMETERS
    assert form == {
        "BillerGUID": counter.sandbox.config.biller_guid,
        "PaymentDate": "2/3/2026 10:14:03 AM",
        "InvoiceNumber": "700001",
        "Approved": "True",
        "CustomerName": "Robin Example",
        "CustomerAddress": "3 Sample Lane",
        "CustomerCity": "Sampletown",
        "CustomerState": "GA",
        "CustomerZip": "30001",
        "PaymentGUID": "00000000-0000-0000-0000-000000000002",
        "PaymentAmount": "245.50",
        "PaymentDescription": "Commercial Sign Application",
        "PaymentTypeID": "1",
        "CardType": "VISA",
        "PaymentMessage": "APPROVED 727634",
        "BillerReference": "700001",
        "ConvenienceFee": "6.14",
        "RemoteIP": "127.0.0.1",
    }
    # The URL's own query is untouched, and carries nothing else.
    assert counter.biller.queries == [{"payment-id": "7"}]
    (postback,) = counter.wait_postbacks(1)
    assert (postback["parameters"], postback["tries"]) == (form, ["204"])


@pytest.mark.parametrize(("where", "in_form", "in_query"), [("query", 0, 18), ("both", 18, 18)])
def test_in_the_query_or_both(start: Start, where: str, in_form: int, in_query: int) -> None:
    counter = start(postback_in=where)
    counter.register().pay()
    (form,) = counter.biller.wait(1)
    (query,) = counter.biller.queries
    assert query.pop("payment-id") == "7"
    assert (len(form), len(query)) == (in_form, in_query)
    assert query["PaymentAmount"] == "75.50"


def test_one_postback_per_invoice_with_the_fee_on_the_first(counter: Counter) -> None:
    counter.register("grancius").pay()
    told = [
        (form["InvoiceNumber"], form["PaymentAmount"], form["ConvenienceFee"])
        for form in counter.biller.wait(2)
    ]
    assert told == [("BU7-00042-6", "210.25", "7.50"), ("BU7-00042-93", "89.75", "0.00")]
    assert len({form["PaymentGUID"] for form in counter.biller.forms}) == 1


def test_one_postback_for_all_invoices(start: Start) -> None:
    counter = start(postback_per="payment")
    counter.register("grancius").pay()
    (form,) = counter.biller.wait(1)
    assert form["InvoiceNumber"] == "BU7-00042-6,BU7-00042-93"
    assert (form["PaymentAmount"], form["ConvenienceFee"]) == ("300.00", "7.50")


def test_a_bank_account(counter: Counter) -> None:
    payer = counter.register()
    payer.to_review_by_account()
    payer.process()
    (form,) = counter.biller.wait(1)
    assert (form["CardType"], form["PaymentTypeID"], form["ConvenienceFee"]) == ("ACH", "2", "1.00")


def test_a_decline_is_told(counter: Counter) -> None:
    counter.register().pay(DECLINING)
    (form,) = counter.biller.wait(1)
    assert (form["Approved"], form["PaymentMessage"]) == ("False", "DECLINED - DO NOT HONOR")


def test_tried_again_until_taken(counter: Counter) -> None:
    counter.biller.statuses = [503, 404, 302]
    counter.register().pay()
    (postback,) = counter.wait_postbacks(1)
    assert postback["tries"] == ["503", "404", "302", "204"]
    assert len(counter.biller.forms) == 4


def test_given_up_after_five_tries_more(counter: Counter) -> None:
    counter.biller.statuses = [500] * 6
    counter.register().pay()
    (postback,) = counter.wait_postbacks(1, "given up")
    assert postback["tries"] == ["500"] * 6


def test_a_biller_that_is_not_there(start: Start) -> None:
    counter = start(postback_retries=1)
    with socket.create_server(("127.0.0.1", 0)) as closed_soon:
        port = closed_soon.getsockname()[1]
    counter.register(PostBackURL=f"http://127.0.0.1:{port}/pb").pay()
    (postback,) = counter.wait_postbacks(1, "given up")
    assert postback["tries"] == ["ConnectError"] * 2


def test_without_a_postback_url_nothing_is_sent(counter: Counter) -> None:
    counter.register(PostBackURL=None).pay()
    payment = counter.payment()
    assert (payment["state"], payment["postbacks"]) == ("paid", [])


def test_closing_does_not_wait_for_what_is_held(start: Start) -> None:
    counter = start(fault="late-postback", late_s=3600.0)
    counter.register().pay()
    counter.sandbox.stop()
    assert counter.biller.forms == []
