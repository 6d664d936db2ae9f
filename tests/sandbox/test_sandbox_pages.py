"""The hosted page step by step, by form posts (Invoice Cloud contract, section 2)."""

import html

import pytest

from cashier.sandbox.cards import CardRefused, Entry, tender_of_account, tender_of_card, tender_of_track
from cashier.sandbox.config import SandboxConfig
from cashier.sandbox.hosted import parse_amount
from tests.sandbox.payer import AMEX, DECLINING, MASTERCARD, VISA, text_of

from .conftest import Counter, sample


@pytest.mark.parametrize(
    ("amount", "card_fee"), [(1, 100), (4000, 100), (4001, 100), (4020, 101), (4019, 100), (30000, 750)]
)
def test_service_fee_rounds_half_up_with_a_floor(amount: int, card_fee: int) -> None:
    config = SandboxConfig()
    assert config.service_fee_cents(amount, by_card=True) == card_fee
    assert config.service_fee_cents(amount, by_card=False) == 100


def test_by_card_from_the_options_to_the_receipt(counter: Counter) -> None:
    payer = counter.register(CustomReturnSiteName="Permit <Office>")
    options = text_of(payer.open())
    assert "TRAINING – sandbox, no money moves" in options
    assert "service fee $1.89" in options and "service fee $1.00" in options
    information = text_of(payer.post("options", method="card"))
    for printed in ("4111 1111 1111 1111", "5555 5555 5555 4444", "3782 822463 10005", "4000 0000 0000 0002"):
        assert printed in information
    review = payer.post("information", card_number="4111-1111 11111111")
    words = text_of(review)
    assert "Subtotal $75.50 Service fee $1.89 Grand Total $77.39" in words
    assert "Process Payment $77.39" in words and "XXXXXXXXXXXX1111" in words
    receipt = payer.process()
    words = text_of(receipt)
    assert receipt.url.path.endswith("/receipt")
    assert "Thank you for your payment! $77.39" in words
    assert "APPROVED 727634" in words and "VISA XXXXXXXXXXXX1111" in words
    source = html.unescape(receipt.text)
    assert f'href="{sample("cloudpermit")["ReturnURL"]}"' in source
    assert 'title="Sign out and Return to Permit <Office>"' in source
    assert "Permit <Office>" not in receipt.text
    payment = counter.payment()
    (charge,) = payment["charges"]
    assert (payment["state"], charge["amount_cents"], charge["fee_cents"]) == ("paid", 7550, 189)


def test_the_return_is_named_after_the_biller_when_no_site_is_given(counter: Counter) -> None:
    receipt = counter.register().pay()
    assert 'title="Sign out and Return to City of Sampleton"' in receipt.text


def test_pages_are_not_stored_and_load_nothing_from_elsewhere(counter: Counter) -> None:
    payer = counter.register()
    page = payer.to_review()
    assert page.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for path in ("sandbox.css", "page.js", "crash.js"):
        assert counter.sandbox.control.get(f"/cloudpay/static/{path}").status_code == 200
    assert counter.sandbox.control.get("/cloudpay/static/../base.html").status_code == 404


def test_terms_must_be_accepted(counter: Counter) -> None:
    payer = counter.register()
    payer.to_review()
    assert "Please accept the terms" in payer.post("review").text
    assert counter.payment()["attempts"] == 0


def test_no_step_can_be_skipped(counter: Counter) -> None:
    payer = counter.register()
    for step in ("review", "information", "reader", "receipt", "declined"):
        assert payer.get(step).url.path.endswith("/options"), step
    for step in ("review", "information", "reader"):
        assert payer.post(step, terms="yes").url.path.endswith("/options"), step
    assert counter.payment()["attempts"] == 0


def test_pressing_twice_charges_once(counter: Counter) -> None:
    payer = counter.register()
    payer.to_review()
    assert "Thank you" in payer.process().text
    assert "Thank you" in payer.process().text
    assert "Thank you" in payer.get("options").text
    assert len(counter.payment()["charges"]) == 1


def test_an_unknown_link_is_404(counter: Counter) -> None:
    page = counter.sandbox.control.get("/cloudpay/0123/options")
    assert (page.status_code, "Payment not found" in page.text) == (404, True)


@pytest.mark.parametrize(("card", "brand", "masked"), [(MASTERCARD, "MASTERCARD", 16), (AMEX, "AMEX", 15)])
def test_each_brand(counter: Counter, card: str, brand: str, masked: int) -> None:
    receipt = text_of(counter.register().pay(card))
    assert f"{brand} {'X' * (masked - 4)}{card[-4:]}" in receipt


@pytest.mark.parametrize("typed", ["4242424242424242", "4111111111111112", "", "4111", VISA + "1", "٤" * 16])
def test_any_other_number_is_refused_and_not_repeated(counter: Counter, typed: str) -> None:
    page = counter.register().to_review(typed)
    assert "takes the test cards listed on this page only" in page.text
    assert len(typed) < 5 or typed not in page.text.replace(" ", "").replace(VISA, "")
    assert counter.payment()["attempts"] == 0


def test_a_declined_card_says_why_and_another_card_works(counter: Counter) -> None:
    payer = counter.register()
    declined = payer.pay(DECLINING)
    assert declined.url.path.endswith("/declined")
    assert "DECLINED - DO NOT HONOR" in declined.text and "Try another card" in declined.text
    assert counter.payment()["state"] == "declined"
    assert (
        "Your payment was declined" in payer.process().text or "Payment Options" in payer.get("options").text
    )
    assert counter.payment()["attempts"] == 1
    assert "APPROVED 727634" in payer.pay(VISA).text
    payment = counter.payment()
    assert (payment["state"], payment["attempts"], len(payment["declines"])) == ("paid", 2, 1)


def test_by_bank_account(counter: Counter) -> None:
    payer = counter.register()
    page = payer.post("options", method="ach")
    assert "110000000" in page.text and "000123456789" in page.text
    refused = payer.post("information", routing_number="110000000", account_number="99887766")
    assert "test account listed on this page only" in refused.text and "99887766" not in refused.text
    review = text_of(payer.to_review_by_account())
    assert "ACH XXXXXXXX6789" in review and "Process Payment $76.50" in review
    assert "Thank you" in payer.process().text
    assert counter.payment()["charges"][0]["fee_cents"] == 100


def test_only_the_allowed_methods_are_offered(counter: Counter) -> None:
    payer = counter.register("sagesgov")
    page = payer.open().text
    assert 'value="card"' in page
    assert not any(f'value="{method}"' in page for method in ("ach", "emv", "swipe"))
    assert "Choose how you want to pay" in payer.post("options", method="ach").text


def test_a_part_payment_down_to_the_minimum(counter: Counter) -> None:
    payer = counter.register("mcci")
    assert "From $40.00 to $180.00" in payer.open().text
    for wrong in ("39.99", "180.01", "forty", "", "-40", "40.001"):
        assert (
            "enter an amount from $40.00 to $180.00"
            in payer.post("options", **{"amount-0": wrong, "method": "card"}).text
        )
    assert "Process Payment $41.00" in payer.to_review(**{"amount-0": "$40"}).text
    payer.process()
    payment = counter.payment()
    assert payment["charges"][0]["invoices"] == {"MCCI-2026-0001": 4000}
    assert counter.biller.wait(1)[0]["PaymentAmount"] == "40.00"


def test_a_full_payment_ignores_a_posted_amount(counter: Counter) -> None:
    payer = counter.register()
    assert "Process Payment $77.39" in payer.to_review(**{"amount-0": "1.00"}).text


@pytest.mark.parametrize(
    ("typed", "cents"), [("1,234.5", 123450), ("$ 7", 700), ("7.5.0", None), ("٧", None)]
)
def test_amounts_as_people_type_them(typed: str, cents: int | None) -> None:
    assert parse_amount(typed) == cents


def test_the_cart_opens_first_and_invoices_can_be_removed(counter: Counter) -> None:
    request = sample(
        "grancius", PageLoadOverride=4, PageResultOptions={"InvoiceOptions": {"AllowRemove": True}}
    )
    payer = counter.register("grancius", **request | {"PostBackURL": counter.biller.url})
    cart = payer.open()
    assert cart.url.path.endswith("/cart")
    assert "BU7-00042-6" in cart.text and "$210.25" in cart.text and "02/03/2026" in cart.text
    left = payer.post("cart", remove="BU7-00042-93")
    assert "BU7-00042-93" not in left.text
    assert "cannot be removed" in payer.post("cart", remove="BU7-00042-6").text
    assert payer.post("cart", go="options").url.path.endswith("/options")
    payer.pay()
    assert counter.payment()["charges"][0]["invoices"] == {"BU7-00042-6": 21025}


def test_removal_needs_leave(counter: Counter) -> None:
    payer = counter.register("grancius", PageLoadOverride=4)
    assert "Remove" not in payer.open().text
    assert "cannot be removed" in payer.post("cart", remove="BU7-00042-93").text


def test_view_mode_1_is_compact_and_returns_nowhere(counter: Counter) -> None:
    payer = counter.register("leadsonline")
    page = payer.open()
    assert '<body class="compact">' in page.text and '<header class="site">' not in page.text
    assert "You may close this page" in payer.pay().text
    with_return = counter.register(ViewMode=1)
    receipt = with_return.pay()
    assert "permits.example.org" not in receipt.text
    assert "Return to Home Page" in receipt.text
    assert "You may close this page" in with_return.get("closed").text
    assert "target=" not in receipt.text


@pytest.mark.parametrize("way", ["insert", "tap"])
def test_the_chip_reader(counter: Counter, way: str) -> None:
    payer = counter.register(AllowEMV="true", EMVDeviceID="Lane 3000 <1>", EMVLocationID="Counter 2")
    waiting = payer.post("options", method="emv")
    assert "Insert or tap on Lane 3000 &lt;1&gt;" in waiting.text and "Counter 2" in waiting.text
    assert "$77.39" in waiting.text
    assert payer.post("reader", removed="yes").url.path.endswith("/reader")
    assert "did not read" in payer.post("reader", present="swipe").text
    assert "did not read" in payer.post("reader", present="insert", card="9").text
    page = payer.post("reader", present=way, card="0")
    if way == "insert":
        assert "Remove card" in page.text and 'data-go-on-ms="1500"' in page.text
        page = payer.post("reader", removed="yes")
    assert page.url.path.endswith("/review") and "XXXXXXXXXXXX1111" in page.text
    assert "Thank you" in payer.process().text
    assert counter.payment()["charges"][0]["method"] == "emv"


def test_a_card_that_is_declined_at_the_reader(counter: Counter) -> None:
    payer = counter.register(AllowEMV=True)
    assert "Insert or tap on the card reader" in payer.post("options", method="emv").text
    payer.post("reader", present="tap", card="3")
    assert "Your payment was declined" in payer.process().text


@pytest.mark.parametrize(
    "fields",
    [
        {"present": "swipe", "card": "1"},
        {"track": f"%B{MASTERCARD}^EXAMPLE/PAT^3912101000000000?"},
        {"track": f";{MASTERCARD}=39121010000000000000?"},
    ],
)
def test_the_swipe_reader(counter: Counter, fields: dict[str, str]) -> None:
    payer = counter.register("grancius")
    assert "Swipe the card on the card reader" in payer.post("options", method="swipe").text
    review = payer.post("reader", **fields)
    assert "MASTERCARD" in review.text and "XXXXXXXXXXXX4444" in review.text
    assert "Thank you" in payer.process().text
    assert counter.payment()["charges"][0]["method"] == "swipe"


def test_a_stripe_that_is_no_test_card_is_refused(counter: Counter) -> None:
    payer = counter.register("grancius")
    payer.post("options", method="swipe")
    page = payer.post("reader", track=";4242424242424242=3912?")
    assert "test cards listed" in page.text and "4242424242424242" not in page.text
    assert "could not be read" in payer.post("reader", track="garbage").text


def test_an_invoice_paid_elsewhere_is_not_charged_again(counter: Counter) -> None:
    first = counter.register()
    second = counter.register(BillerReference="a second attempt")
    first.pay()
    second.to_review()
    assert "has already been paid. Nothing was charged." in second.process().text
    assert [p["state"] for p in counter.sandbox.payments()] == ["paid", "open"]


def test_a_posted_form_is_bounded(counter: Counter) -> None:
    payer = counter.register()
    assert payer.post("options", **{f"f{n}": "x" for n in range(100)}).status_code == 400
    assert payer.post("options", method="x" * 300_000).status_code == 413


def test_text_from_the_request_is_escaped(counter: Counter) -> None:
    request = sample("cloudpermit")
    request["Customers"][0]["Name"] = "<script>alert(1)</script>"
    page = counter.register(Customers=request["Customers"]).to_review()
    assert "<script>alert" not in page.text and "&lt;script&gt;alert" in page.text


def test_the_front_page_lists_payments(counter: Counter) -> None:
    assert "No payment yet" in counter.sandbox.control.get("/").text
    counter.register("sagesgov")
    assert "700001" in counter.sandbox.control.get("/").text


def test_a_tender_keeps_four_digits() -> None:
    tender = tender_of_card(f" {VISA} ", Entry.CARD)
    assert (tender.brand, tender.last_four, tender.masked) == ("VISA", "1111", "XXXXXXXXXXXX1111")
    assert VISA not in repr(tender)
    for refused in (lambda: tender_of_card("4242424242424242"), lambda: tender_of_account("1", "2")):
        with pytest.raises(CardRefused) as caught:
            refused()
        assert not any(char.isdigit() for char in str(caught.value))
    with pytest.raises(CardRefused):
        tender_of_track("%B" + "9" * 5000)
