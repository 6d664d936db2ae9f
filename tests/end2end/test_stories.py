"""The counter's stories of the partner designs: an invoice made, retrieved, paid; home, PAID in blue."""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtPdf import QPdfDocument
from PySide6.QtTest import QTest

from cashier.domain.payment import PaymentState
from cashier.domain.sale import Customer
from cashier.paper.receipt_page import write_pdf
from cashier.sandbox.config import SandboxConfig
from cashier.ui.payer import Payer, until
from cashier.ui.rail import PAYMENT, RECEIPTS, SALE
from tests.end2end import test_accounts, test_retrieve
from tests.end2end.conftest import VISA, Counter
from tests.end2end.test_retrieve import NUMBER, seed, type_and_enter

#: What a fee of each partner's types is called in the made-up schedules.
FEES = {
    "mcci": ("generic", "right-of-way", 110_00, 43),
    "sagesgov": ("generic", "right-of-way", 110_00, 43),
}


@pytest.mark.parametrize("profile", FEES)
def test_story_create_invoice_to_pay(make_counter: Callable[..., Counter], profile: str) -> None:
    """Typed at the counter: customer and invoice are made on the fly, in the partner's own shape."""
    schedule, fee, cents, type_id = FEES[profile]
    counter = make_counter(SandboxConfig(late_s=None))
    counter.overrides |= {"profile": profile, "schedule": schedule}

    async def scenario(counter: Counter) -> None:
        counter.fill(fee)
        counter.till.choose_reader("lane-3000")
        payer = await counter.open_page()
        [payment] = counter.sandbox.payments(counter.reference)
        assert payment["state"] == "open" and payment["amount_cents"] == cents
        members = json.loads(counter.payment.request)
        assert members["CreateCustomerRecord"] is True
        [customer] = members["Customers"]
        told = {name.lower(): value for name, value in customer["Invoices"][0].items()}
        assert told["typeid"] == type_id and told["invoicenumber"] == payment["invoices"][0]
        await payer.pay_by_chip()
        await counter.state(PaymentState.APPROVED)
        counter.paid_once(cents)
        # It is an invoice of Invoice Cloud's now: retrieved, it is paid already.
        lookup = await counter.till.retrieving.look_up(payment["invoices"][0])
        assert lookup.standing.word == "Paid already"

    counter.run(scenario)
    counter.verify()


def test_story_pay_invoice_receipt_and_home_with_the_invoice_paid_in_blue(counter: Counter) -> None:
    """The payer goes home by the page's own link before Invoice Cloud has said a word."""
    seed(counter)
    counter.sandbox.set_fault("late-postback")

    async def scenario(counter: Counter) -> None:
        window = counter.window
        counter.till.set_customer(Customer("BU7-00042", "Robin Example"))
        await type_and_enter(counter, NUMBER)
        payer = await counter.open_page()
        counter.sandbox.set_enquiry_fault("enquiry-500")
        await payer.pay_by_typing(VISA)
        await payer.sees("Thank you for your payment")
        await payer.press("Return to Home Page")
        await counter.state(PaymentState.IN_DOUBT)
        assert window.payment.hosted is None and not counter.till.receipts("")
        assert window.payment.banner.objectName() == "banner-waiting", "the return proves nothing"
        counter.sandbox.release_late()
        await counter.state(PaymentState.APPROVED)
        # The receipt, PAID in blue.
        assert window.pages.currentIndex() == PAYMENT
        assert window.payment.banner.objectName() == "banner-paid"
        assert "PAID" in window.payment.banner.text
        shown = window.payment.receipt.receipt
        assert shown is not None and [invoice.number for invoice in shown.invoices] == [NUMBER]
        # Home: the next sale, with this one among the last.
        QTest.keyClick(window.payment.next_sale, Qt.Key.Key_Return)
        assert window.pages.currentIndex() == SALE
        assert "Robin Example" in window.sale.invoices.empty.text()
        window.show_page(RECEIPTS)
        model = window.receipts.table.model()
        row = [model.index(0, column) for column in range(model.columnCount())]
        assert row[-1].data() == "PAID"
        assert row[-1].data(Qt.ItemDataRole.ForegroundRole).name() == window._theme.color("accent").name()
        # And once more it cannot be paid: told in blue.
        window.show_page(SALE)
        counter.sandbox.set_enquiry_fault(None)
        await type_and_enter(counter, NUMBER)
        assert "PAID ALREADY" in window.lookups.bar.banner.text
        assert window.lookups.bar.banner.objectName() == "banner-paid"
        counter.paid_once(100_00)

    counter.run(scenario)
    counter.verify()


def test_story_leadsonline_page_is_closed_by_the_postback_alone(counter: Counter) -> None:
    """Its page has no way home; the receipt comes by the postback."""
    counter.overrides |= {"profile": "leadsonline", "schedule": "police", "return_url": None}

    async def scenario(counter: Counter) -> None:
        counter.fill("crash-report", "incident-report")
        counter.window.pay()
        await until(lambda: counter.window.payment.hosted is not None, "the page")
        assert counter.window.payment.hosted is not None
        payer = Payer(counter.window.payment.hosted)
        await payer.press_when_seen("Pay these invoices")
        await payer.pay_by_typing(VISA)
        await counter.state(PaymentState.APPROVED)
        await until(lambda: counter.window.payment.hosted is None, "the page to close")
        assert "page_returned" not in counter.events()
        assert counter.window.payment.banner.objectName() == "banner-paid"
        members = json.loads(counter.payment.request)
        assert "ReturnURL" not in members and members["PageLoadOverride"] == 4 and members["ViewMode"] == 1
        counter.paid_once(20_00)

    counter.run(scenario)


def test_story_one_time_pay_with_fees_created_on_the_fly_and_the_reader_chosen(counter: Counter) -> None:
    """Grancius: fees of two types become two invoices of one payment, made at the launch."""

    async def scenario(counter: Counter) -> None:
        counter.fill("re-roof-shingle", "plan-review-mobile-home")
        readers = counter.window.sale.reader
        lane = next(row for row in range(readers.count()) if "Lane 3000" in readers.itemText(row))
        readers.setCurrentIndex(lane)
        readers.activated.emit(lane)
        payer = await counter.open_page()
        await payer.pay_by_chip()
        await counter.state(PaymentState.APPROVED)
        told = json.loads(counter.payment.request, parse_float=Decimal)
        assert told["CreateCustomerRecord"] is False
        assert (told["AllowEMV"], told["EMVDeviceID"]) == (True, "TRAINING-LANE-3000")
        [customer] = told["Customers"]
        made = {one["InvoiceNumber"]: (one["TypeId"], one["BalanceDue"]) for one in customer["Invoices"]}
        assert made == {"BU7-00042-6": ("6", Decimal("31.50")), "BU7-00042-43": ("43", 72)}
        [payment] = counter.sandbox.payments(counter.reference)
        assert sorted(payment["invoices"]) == sorted(made)
        [charge] = payment["charges"]
        assert charge["method"] == "emv"
        counter.paid_once(103_50)

    counter.run(scenario)
    counter.verify()


def test_story_return_to_home_page_with_the_invoice_paid_in_blue(
    make_counter: Callable[..., Counter],
) -> None:
    """CloudPermit: paid on the page, home by its link, and the list of receipts has it PAID in blue."""
    counter = make_counter(SandboxConfig(late_s=None))
    counter.overrides |= {"profile": "cloudpermit"}
    counter.sandbox.set_fault("late-postback")

    async def scenario(counter: Counter) -> None:
        window = counter.window
        counter.fill("re-roof-shingle")
        payer = await counter.open_page()
        told = json.loads(counter.payment.request)
        assert told["ReturnURL"] == "https://permits.example.org/paid"
        counter.sandbox.set_enquiry_fault("enquiry-500")
        await payer.pay_by_typing(VISA)
        await payer.sees("Thank you for your payment")
        await payer.press("Return to Home Page")
        await counter.state(PaymentState.IN_DOUBT)
        assert window.payment.hosted is None and "page_returned" in counter.events()
        counter.sandbox.release_late()
        await counter.state(PaymentState.APPROVED)
        counter.sandbox.set_enquiry_fault(None)
        assert window.payment.banner.objectName() == "banner-paid"
        QTest.keyClick(window.payment.next_sale, Qt.Key.Key_Return)
        assert window.pages.currentIndex() == SALE, "home: the next sale"
        window.show_page(RECEIPTS)
        model = window.receipts.table.model()
        row = [model.index(0, column) for column in range(model.columnCount())]
        assert row[0].data() == "A-000001" and row[-1].data() == "PAID"
        blue = window._theme.color("accent").name()
        assert row[-1].data(Qt.ItemDataRole.ForegroundRole).name() == blue
        [invoice] = counter.till.receipts("")[0].invoices
        lookup = await counter.till.retrieving.look_up(invoice.number)
        assert lookup.standing.word == "Paid already", "and so Invoice Cloud says"
        counter.paid_once(72_00)

    counter.run(scenario)


def test_story_receipt(make_counter: Callable[..., Counter], tmp_path: Path) -> None:
    """MCCi: what the payer takes along has number, date, payer, purpose, amount, card, clerk and counter."""
    counter = make_counter(SandboxConfig(late_s=None))
    counter.overrides |= {"profile": "mcci"}
    file = tmp_path / "receipt.pdf"

    async def scenario(counter: Counter) -> None:
        counter.fill("re-roof-shingle")
        payer = await counter.open_page()
        await payer.pay_by_typing(VISA)
        await counter.state(PaymentState.APPROVED)
        shown = counter.window.payment.receipt.receipt
        assert shown is not None and shown.number == "A-000001"
        write_pdf(shown, file)
        document = QPdfDocument()
        document.load(str(file))
        text = " ".join(document.getAllText(0).text().split())
        clerk = counter.till.people.name
        for wanted in (
            *("A-000001", shown.business_date, "Robin Example", "BLD-26-000012", "72.00", "VISA"),
            *("Card", clerk, "Till A", "City of Sampleton"),
        ):
            assert wanted in text
        assert VISA not in text

    counter.run(scenario)


#: Each story of the five partner designs, and the test that plays it from the window to the sandbox.
STORIES = {
    "retrieve invoice to pay": test_retrieve.test_retrieve_invoice_to_pay,
    "pay invoice": test_story_pay_invoice_receipt_and_home_with_the_invoice_paid_in_blue,
    "receipt": test_story_receipt,
    "return to home page with the invoice PAID in blue": (
        test_story_return_to_home_page_with_the_invoice_paid_in_blue
    ),
    "one-time pay with fees created on the fly and the reader chosen": (
        test_story_one_time_pay_with_fees_created_on_the_fly_and_the_reader_chosen
    ),
    "create invoice to pay": test_story_create_invoice_to_pay,
    "log-in": test_accounts.test_story_log_in,
    "registration (three cases)": test_accounts.test_story_registration_in_its_three_cases,
    "unregistered payment": test_accounts.test_story_unregistered_payment,
    "registered payment": test_accounts.test_story_registered_payment,
    "scheduled payments": test_accounts.test_story_scheduled_payments,
    "paperless": test_accounts.test_story_paperless,
    "AutoPay": test_accounts.test_story_autopay,
    "e-mail and password": test_accounts.test_story_email_and_password,
    "payment methods": test_accounts.test_story_payment_methods,
    "manage accounts": test_accounts.test_story_manage_accounts,
}


def test_each_story_has_a_test_that_says_so() -> None:
    """Its name has the story's words, but for small ones."""
    small = {"the", "with", "three", "cases"}
    for story, test in STORIES.items():
        words = {word.lower() for word in re.findall(r"[A-Za-z]+", story)} - small
        missing = [word for word in words if word not in test.__name__.lower()]
        assert missing == [], f"{story}: {test.__name__}"
