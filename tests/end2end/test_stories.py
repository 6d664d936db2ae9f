"""The counter's stories of the partner designs: an invoice made, retrieved, paid; home, PAID in blue."""

import json
from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from cashier.domain.payment import PaymentState
from cashier.domain.sale import Customer
from cashier.sandbox.config import SandboxConfig
from cashier.ui.payer import Payer, until
from cashier.ui.window import PAYMENT, RECEIPTS, SALE
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
