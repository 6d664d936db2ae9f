"""The desk over real parts: two people's word, messages that fit nothing, and who is told of them."""

import httpx
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from cashier.domain.errors import Refused
from cashier.domain.payment import PaymentState
from cashier.till.trainees import SUPERVISOR
from cashier.ui.payer import until
from cashier.ui.rail import DESK
from tests.end2end.conftest import VISA, Counter

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
WORD = {"authorisation": "727634", "reason": "seen as paid in the gateway's portal"}


def test_p19_two_people_take_a_payment_for_paid_and_the_late_postback_takes_the_flag_away(
    counter: Counter,
) -> None:
    del counter.secrets["CASHIER_SECRET_WEB_SERVICE_KEY_TRAINING"]
    counter.sandbox.set_fault("late-postback")

    async def scenario(counter: Counter) -> None:
        await counter.pay_and_close()
        desk, reference = counter.till.desk, counter.reference
        for name, pin in (
            (counter.till.config.cashier, SUPERVISOR.pin),
            ("Kim Nobody", SUPERVISOR.pin),
            (SUPERVISOR.name, "161803"),
            (SUPERVISOR.name, ""),
        ):
            with pytest.raises(Refused):
                await desk.vouch(reference, **WORD, supervisor=name, pin=pin)
        for lacks in ("authorisation", "reason"):
            with pytest.raises(Refused):
                await desk.vouch(
                    reference, **WORD | {lacks: ""}, supervisor=SUPERVISOR.name, pin=SUPERVISOR.pin
                )
        assert counter.payment_state() is PaymentState.IN_DOUBT
        assert not counter.till.receipts("")
        await desk.vouch(reference, **WORD, supervisor=SUPERVISOR.name, pin=SUPERVISOR.pin)
        assert counter.payment_state() is PaymentState.VOUCHED
        [row] = desk.view().rows
        assert row.standing.word == "Paid per portal"
        assert "stays on the desk until Invoice Cloud says the same" in row.standing.sentence
        counter.paid_once()
        # The gateway's word comes late; then nothing is left to look at, and there is no second receipt.
        counter.sandbox.release_late()
        await counter.state(PaymentState.APPROVED)
        assert not desk.view().rows and not desk.view().matters
        assert counter.payment.vouch is not None
        counter.paid_once()

    counter.run(scenario)
    counter.verify()


def test_p13_a_postback_with_a_wrong_amount_is_on_the_desk_and_at_the_hub_and_pays_nothing(
    counter: Counter,
) -> None:
    counter.sandbox.set_fault("wrong-amount")
    counter.sandbox.set_enquiry_fault("enquiry-500")

    async def scenario(counter: Counter) -> None:
        counter.fill()
        payer = await counter.open_page()
        await payer.pay_by_typing(VISA)
        await counter.state(PaymentState.IN_DOUBT)
        desk = counter.till.desk
        await desk.refresh()
        [row] = desk.view().rows
        assert "71.99" in row.gateway_says
        assert "supervisor" in row.next_action
        [message] = desk.view().quarantined
        assert (message.reference, message.amount, message.till) == (counter.reference, "71.99", "A")
        assert message.reason == "reports 71.99; 72.00 were announced"
        assert counter.hub is not None
        [item] = counter.hub.state.quarantine.listed()
        assert (item.id, item.postback_id) == (message.id, message.id)
        assert not counter.till.receipts("")

    counter.run(scenario)
    counter.verify()


def test_p11_a_forged_address_is_in_the_hubs_quarantine_and_pays_nothing(
    counter: Counter, post: httpx.Client
) -> None:
    async def scenario(counter: Counter) -> None:
        counter.fill()
        await counter.open_page()
        form = (
            f"Approved=True&BillerReference={counter.reference}&InvoiceNumber=BU7-00042-43"
            "&PaymentAmount=72.00&PaymentGUID=forged"
        )
        for _ in range(3):
            answer = post.post(counter.postback_url[:-3] + "abc", content=form, headers=FORM)
            assert answer.status_code == 404
        desk = counter.till.desk
        await desk.refresh()
        [message] = desk.view().quarantined
        assert message.reason == "came to an address that is not one of ours"
        assert (message.reference, message.amount) == (counter.reference, "72.00")
        assert counter.hub is not None
        [item] = counter.hub.state.quarantine.listed()
        assert (item.times, item.body) == (3, form.encode())
        assert counter.payment_state() is PaymentState.OPEN
        assert not counter.till.receipts("")

    counter.run(scenario)


def test_a_hub_that_is_down_is_said_on_the_desk(counter: Counter) -> None:
    async def scenario(counter: Counter) -> None:
        counter.hub_down()
        await counter.till.desk.refresh()
        assert "hub" in counter.till.desk.view().quarantine_fault
        counter.hub_up()
        await counter.till.desk.refresh()
        assert counter.till.desk.view().quarantine_fault == ""

    counter.run(scenario)


def test_the_clerk_asks_from_the_desk_page_and_the_payment_is_gone_from_it(counter: Counter) -> None:
    counter.sandbox.set_fault("no-postback")

    async def scenario(counter: Counter) -> None:
        await counter.pay_and_close()
        window = counter.window
        window.show_page(DESK)
        assert [row.reference for row in window.desk.model.rows] == [counter.reference]
        assert not window.desk.ask.isHidden() and not window.desk.vouch.isHidden()
        assert not any("force" in button.text().casefold() for button in window.desk.buttons)
        QTest.mouseClick(window.desk.ask, Qt.MouseButton.LeftButton)
        await until(lambda: not window.desk.model.rows, "the answer")
        assert counter.payment_state() is PaymentState.APPROVED
        counter.paid_once()

    counter.run(scenario)
