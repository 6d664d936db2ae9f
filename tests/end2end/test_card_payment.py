"""A card payment through the real embedded view, the sandbox and the real hub."""

from collections.abc import Callable
from urllib.parse import urlencode

import httpx
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from cashier.domain.payment import PaymentState
from cashier.sandbox.config import SandboxConfig
from cashier.ui.payer import until
from tests.end2end.conftest import DECLINING, VISA, Counter


def test_a_chip_payment_makes_one_receipt(counter: Counter) -> None:
    async def scenario(counter: Counter) -> None:
        counter.fill("re-roof-shingle", "plan-review-mobile-home")
        counter.till.choose_reader("lane-3000")
        payer = await counter.open_page()
        await payer.pay_by_chip()
        await counter.state(PaymentState.APPROVED)
        receipt = counter.till.snapshot().receipt
        assert receipt is not None
        assert receipt.number == "A-000001"
        assert receipt.paid_cents == 103_50
        assert receipt.service_fee_cents == 2_59
        assert [invoice.number for invoice in receipt.invoices] == ["BU7-00042-43", "BU7-00042-6"]
        assert len(counter.sandbox.charges()) == 1
        # The page is gone, the receipt is there, and Enter goes on.
        await until(lambda: counter.window.payment.hosted is None, "the page to close")
        assert counter.window.payment.receipt.receipt == receipt
        assert "PAID" in counter.window.payment.banner.text
        assert counter.window.payment.next_sale.hasFocus()
        QTest.keyClick(counter.window.payment.next_sale, Qt.Key.Key_Return)
        assert counter.till.snapshot().draft.is_empty

    counter.run(scenario)
    counter.verify()


def test_the_request_carries_what_a_counter_adds(counter: Counter) -> None:
    async def scenario(counter: Counter) -> None:
        counter.fill()
        counter.till.choose_reader("lane-3000")
        payer = await counter.open_page()
        await payer.sees("TRAINING-LANE-3000")
        [payment] = counter.sandbox.payments(counter.reference)
        assert payment["amount_cents"] == 72_00

    counter.run(scenario)


def test_a_decline_takes_no_money_and_another_card_pays(counter: Counter) -> None:
    async def scenario(counter: Counter) -> None:
        counter.fill()
        payer = await counter.open_page()
        await payer.pay_by_typing(DECLINING)
        await until(lambda: counter.payment.card_declined, "the decline")
        # The page stands, so another card may still be charged: nothing is settled by this one.
        assert counter.payment_state() is PaymentState.OPEN
        assert "The card was refused" in counter.window.payment.banner.text
        await payer.sees("declined")
        await payer.press("Try another card")
        await payer.pay_by_typing(VISA)
        await counter.state(PaymentState.APPROVED)
        counter.paid_once()

    counter.run(scenario)


def test_a_declined_payment_can_be_closed_and_the_sale_paid_again(counter: Counter) -> None:
    async def scenario(counter: Counter) -> None:
        counter.fill()
        payer = await counter.open_page()
        await payer.pay_by_typing(DECLINING)
        await until(lambda: counter.payment.card_declined, "the decline")
        first = counter.reference
        counter.window.payment.other_way.click()
        assert counter.window.payment.hosted is None
        assert counter.payment_state() is PaymentState.IN_DOUBT
        assert "do not charge again yet" in counter.window.payment.banner.text
        await counter.state(PaymentState.DECLINED)
        assert "No money was taken" in counter.window.payment.banner.text
        payer = await counter.open_page()
        assert counter.reference != first
        await payer.pay_by_typing(VISA)
        await counter.state(PaymentState.APPROVED)
        counter.paid_once()

    counter.run(scenario)


def test_p7_a_late_postback_confirms_a_closed_page(counter: Counter) -> None:
    counter.sandbox.set_fault("late-postback")
    counter.sandbox.set_enquiry_fault("enquiry-500")

    async def scenario(counter: Counter) -> None:
        await counter.pay_and_close()
        assert counter.payment_state() is PaymentState.IN_DOUBT
        assert "do not charge again" in counter.window.payment.banner.text
        assert counter.window.rail.buttons[2].text() == "In doubt  1"
        # Nothing can be charged for this sale meanwhile, and the next sale can be taken.
        counter.window.pay()
        await until(lambda: not counter.till.snapshot().busy, "the refusal")
        assert len(counter.sandbox.payments()) == 1
        counter.till.new_sale()
        assert [row.reference for row in counter.till.snapshot().unsettled]
        counter.sandbox.release_late()
        await until(lambda: not counter.till.snapshot().unsettled, "the late postback")
        counter.paid_once()

    counter.run(scenario)


def test_p2_a_payment_survives_a_restart(counter: Counter) -> None:
    counter.sandbox.set_fault("late-postback")
    counter.sandbox.set_enquiry_fault("enquiry-500")

    async def pay(counter: Counter) -> None:
        counter.fill()
        payer = await counter.open_page()
        await payer.pay_by_typing(VISA)
        await payer.sees("Thank you for your payment")
        # The window is closed here, with the page open.

    def first(counter: Counter) -> None:
        [row] = counter.till.snapshot().unsettled
        assert row.standing.word == "In doubt"
        assert counter.window.pages.currentWidget() is counter.window.payment

    async def restart(counter: Counter) -> None:
        counter.sandbox.release_late()
        await until(lambda: not counter.till.snapshot().unsettled, "the late postback")
        counter.paid_once()

    counter.run(pay)
    counter.run(restart, first=first)
    counter.verify()


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("wrong-reference", "another payment reference"),
        ("approved-maybe", "neither"),
    ],
)
def test_p13_a_postback_that_does_not_fit_never_pays(counter: Counter, fault: str, told: str) -> None:
    counter.sandbox.set_fault(fault)

    async def scenario(counter: Counter) -> None:
        counter.fill()
        payer = await counter.open_page()
        await payer.pay_by_typing(VISA)
        await counter.state(PaymentState.IN_DOUBT)
        payment = counter.till.snapshot().payment
        assert payment is not None and payment.needs_person
        assert told in payment.standing.sentence
        assert not counter.till.receipts("")

    counter.run(scenario)


def test_a_forged_postback_is_refused_and_pays_nothing(counter: Counter, post: httpx.Client) -> None:
    async def scenario(counter: Counter) -> None:
        counter.fill()
        await counter.open_page()
        true_url = counter.postback_url
        forged = {
            "Approved": "True",
            "BillerReference": counter.reference,
            "InvoiceNumber": "BU7-00042-43",
            "PaymentAmount": "72.00",
            "PaymentGUID": "forged",
        }
        for wrong_url in (true_url[:-3] + "abc", true_url.replace("/training/", "/elsewhere/")):
            answer = post.post(wrong_url, content=urlencode(forged), headers=_FORM)
            assert answer.status_code == 404
        # Anybody who got hold of the address can lock the sale, but a wrong amount never pays it.
        answer = post.post(true_url, content=urlencode({**forged, "PaymentAmount": "0.01"}), headers=_FORM)
        assert answer.status_code == 204
        await counter.state(PaymentState.IN_DOUBT)
        assert not counter.till.receipts("")

    counter.run(scenario)


_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_a_lost_line_leads_into_doubt_and_back(counter: Counter) -> None:
    async def scenario(counter: Counter) -> None:
        counter.fill()
        payer = await counter.open_page()
        counter.hub_down()
        await counter.state(PaymentState.IN_DOUBT)
        assert "line went down" in counter.window.payment.banner.text
        assert counter.window.payment.hosted is not None
        await payer.pay_by_typing(VISA)
        await payer.sees("Thank you for your payment")
        counter.hub_up()
        await counter.state(PaymentState.APPROVED)
        counter.paid_once()

    counter.run(scenario)


def test_p15_a_lost_answer_is_retried_with_the_same_bytes(make_counter: Callable[..., Counter]) -> None:
    counter = make_counter(SandboxConfig(late_s=None))
    counter.gateway(answer_seconds=0.5)
    counter.sandbox.set_fault("timeout-after-success", times=1)

    async def scenario(counter: Counter) -> None:
        counter.fill()
        counter.window.pay()
        await until(lambda: counter.payment_state() is not None, "the payment")
        await until(lambda: not counter.till.snapshot().busy, "the lost answer")
        assert counter.payment_state() is PaymentState.ISSUED
        payer = await counter.open_page()
        await payer.pay_by_typing(VISA)
        await counter.state(PaymentState.APPROVED)
        first, second = counter.sandbox.calls()
        assert first["body_sha256"] == second["body_sha256"]
        assert len(counter.sandbox.payments()) == 1
        counter.paid_once()

    counter.run(scenario)


def test_x4_twenty_presses_make_one_attempt(counter: Counter) -> None:
    async def scenario(counter: Counter) -> None:
        counter.fill()
        for _ in range(20):
            QTest.mouseClick(counter.window.sale.pay, Qt.MouseButton.LeftButton)
            counter.window.pay()
        await until(lambda: counter.window.payment.hosted is not None, "the page")
        assert len(counter.sandbox.calls()) == 1
        assert counter.kinds().count("payment_issued") == 1

    counter.run(scenario)
