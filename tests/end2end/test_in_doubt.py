"""Payments in doubt through the real view, sandbox, hub and journal: each ends by a fact, nothing else."""

import asyncio
import os
import signal
from collections.abc import Callable
from urllib.parse import urlencode

import httpx
import pytest
from PySide6.QtWebEngineWidgets import QWebEngineView

from cashier.domain.errors import Refused
from cashier.domain.payment import PaymentState
from cashier.domain.slip import SlipKind
from cashier.sandbox.config import SandboxConfig
from cashier.ui.payer import until
from tests.end2end.conftest import DECLINING, SESSION_S, VISA, Counter
from tests.end2end.gateway_line import GatewayLine
from tests.sandbox.payer import Payer as PayerElsewhere

#: Well before the five seconds after which it is asked anyway.
AT_ONCE_S = 4.0
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def pay_elsewhere(url: str) -> None:
    """The payer goes on where nobody at the counter sees it."""
    with PayerElsewhere(url) as payer:
        assert payer.pay().status_code == 200


def words_of(counter: Counter) -> list[str]:
    """Collects what the clerk is told of the payment from now on, whenever something changes."""
    said: list[str] = []

    def listen() -> None:
        page = counter.window.payment
        buttons = (button.text() for button in page.buttons if not button.isHidden())
        rows = (f"{row.standing} {row.till_says} {row.next_action}" for row in counter.till.desk.view().rows)
        said.append(" ".join((page.banner.text, page.nothing.text(), *buttons, *rows)))

    counter.till.subscribe(listen)
    return said


async def gateway_says(counter: Counter, words: str) -> None:
    """Wait until the desk shows this as the gateway's last word on the one payment it has."""

    def said() -> bool:
        return any(words in row.gateway_says for row in counter.till.desk.view().rows)

    await until(said, f"{words!r} on the desk")


def test_p4_a_closed_page_without_a_postback_is_resolved_by_the_enquiry(counter: Counter) -> None:
    counter.sandbox.set_fault("no-postback")

    async def scenario(counter: Counter) -> None:
        said = words_of(counter)
        await counter.pay_and_close()
        assert counter.payment_state() is PaymentState.IN_DOUBT
        assert counter.sandbox.enquiries() == 0
        # Nobody puts the clock forward here: it is asked by itself.
        await counter.state(PaymentState.APPROVED)
        assert counter.sandbox.enquiries() == 1
        assert any("In doubt" in words for words in said)
        assert not [words for words in said if "cancel" in words.casefold()]
        counter.paid_once()

    counter.run(scenario)
    counter.verify()


def test_p7_an_approval_after_the_page_was_closed_wins(counter: Counter) -> None:
    async def scenario(counter: Counter) -> None:
        said = words_of(counter)
        counter.fill()
        await counter.open_page()
        counter.close_page()
        assert counter.payment_state() is PaymentState.IN_DOUBT
        await asyncio.to_thread(pay_elsewhere, counter.page_url)
        await counter.state(PaymentState.APPROVED)
        assert "completed before the page was closed" in counter.window.payment.banner.text
        assert counter.events() == ["page_opening", "page_closed", "confirmed_paid"]
        assert not [words for words in said if "cancel" in words.casefold()]
        counter.paid_once()

    counter.run(scenario)
    counter.verify()


def test_p8_with_the_line_down_a_closed_payment_stays_in_doubt_until_it_is_asked_about(
    counter: Counter, line: GatewayLine
) -> None:
    counter.sandbox.set_fault("no-postback")

    async def scenario(counter: Counter) -> None:
        said = words_of(counter)
        counter.fill()
        await counter.open_page()
        line.down()
        counter.close_page()
        await counter.later(5)
        await gateway_says(counter, "not")
        assert counter.sandbox.enquiries() == 0
        await asyncio.to_thread(pay_elsewhere, counter.page_url)
        await counter.later(SESSION_S)  # silence is no answer, however long it lasts
        await counter.till.checker.check_due()
        assert counter.payment_state() is PaymentState.IN_DOUBT
        line.up()
        await counter.later(300)
        await counter.state(PaymentState.APPROVED)
        assert not [words for words in said if "cancel" in words.casefold()]
        counter.paid_once()

    counter.run(scenario)


def test_p10_the_same_postback_five_times_and_twice_at_once_makes_one_receipt(
    counter: Counter, post: httpx.Client
) -> None:
    async def scenario(counter: Counter) -> None:
        counter.fill()
        payer = await counter.open_page()
        await payer.pay_by_typing(VISA)
        await counter.state(PaymentState.APPROVED)
        [payment] = counter.sandbox.payments()
        form = urlencode(payment["postbacks"][0]["parameters"])

        def send() -> int:
            return post.post(counter_url, content=form, headers=FORM).status_code

        counter_url = counter.postback_url
        assert [send() for _ in range(5)] == [204] * 5
        assert await asyncio.gather(*(asyncio.to_thread(send) for _ in range(2))) == [204, 204]
        await until(lambda: counter.kinds().count("postback_repeated") == 7, "all seven")
        assert counter.kinds().count("receipt_issued") == 1
        assert not counter.till.desk.view().matters
        counter.paid_once()

    counter.run(scenario)
    counter.verify()


def test_p16_a_dead_renderer_is_never_reloaded_and_the_enquiry_resolves(counter: Counter) -> None:
    counter.sandbox.set_fault("no-postback")

    async def scenario(counter: Counter) -> None:
        counter.fill()
        payer = await counter.open_page()
        await payer.pay_by_typing(VISA)
        await payer.sees("Thank you for your payment")
        assert counter.window.payment.hosted is not None
        engine = counter.window.payment.hosted.findChild(QWebEngineView)
        assert engine is not None
        os.kill(engine.page().renderProcessPid(), signal.SIGKILL)
        await counter.state(PaymentState.IN_DOUBT)
        assert "stopped" in counter.window.payment.banner.text
        assert "failed" not in counter.window.payment.banner.text.lower()
        assert counter.window.payment.hosted is None
        await counter.later(5)
        await counter.state(PaymentState.APPROVED)
        assert counter.window.payment.hosted is None
        [call] = counter.sandbox.calls()
        assert call["outcome"] == "registered"
        counter.paid_once()

    counter.run(scenario)
    counter.verify()


def test_p17_the_pages_own_success_is_no_proof_when_the_gateway_says_declined(counter: Counter) -> None:
    async def scenario(counter: Counter) -> None:
        counter.fill()
        payer = await counter.open_page()
        await payer.pay_by_typing(DECLINING)
        await payer.sees("declined")
        await until(lambda: counter.payment.card_declined, "the decline")
        await payer.run("location.href = 'https://permits.example.org/paid?status=APPROVED'; return true")
        await counter.state(PaymentState.DECLINED)
        assert "page_returned" in counter.events()
        assert not counter.till.receipts("")
        assert counter.sandbox.charges() == []

    counter.run(scenario)


def test_p17_a_page_that_returns_is_asked_about_at_once(counter: Counter) -> None:
    counter.sandbox.set_fault("no-postback")

    async def scenario(counter: Counter) -> None:
        counter.fill()
        payer = await counter.open_page()
        await payer.pay_by_typing(VISA)
        await payer.sees("Thank you for your payment")
        assert counter.payment_state() is PaymentState.OPEN
        asked = asyncio.create_task(counter.asked())
        await payer.press("Return to Home Page")
        await counter.state(PaymentState.IN_DOUBT)
        assert "The page says it is done" in counter.window.payment.banner.text
        assert not counter.till.receipts("")
        await asyncio.wait_for(asked, AT_ONCE_S)
        await counter.state(PaymentState.APPROVED)
        counter.paid_once()

    counter.run(scenario)


@pytest.mark.parametrize(
    ("fault", "evidence"),
    [("enquiry-not-found", "is not known to it"), (None, "72.00 is due on invoice BU7-00042-43")],
)
def test_p20_no_payment_is_final_only_after_the_sessions_life(
    counter: Counter, fault: str | None, evidence: str
) -> None:
    counter.sandbox.set_enquiry_fault(fault)

    async def scenario(counter: Counter) -> None:
        counter.fill()
        await counter.open_page()
        first = counter.reference
        counter.close_page()
        for wait_s in (5, SESSION_S - 60):
            await counter.later(wait_s)
            await counter.asked()
            await counter.till.checker.check_due()
            assert counter.payment_state() is PaymentState.IN_DOUBT
            with pytest.raises(Refused, match="is not settled"):
                await counter.till.pay_by_card()
            with pytest.raises(Refused):
                counter.till.desk.statement(first)
        await counter.later(300)
        await counter.state(PaymentState.ABANDONED)
        statement = counter.till.desk.statement(first)
        assert statement.kind is SlipKind.NO_CHARGE
        assert evidence in statement.evidence
        assert statement.evidence_at
        counter.sandbox.set_enquiry_fault(None)
        payer = await counter.open_page()
        assert counter.reference != first
        await payer.pay_by_typing(VISA)
        await counter.state(PaymentState.APPROVED)
        counter.paid_once()

    counter.run(scenario)
    counter.verify()


def test_p21_without_a_web_service_key_nothing_but_a_postback_or_two_people_resolve(counter: Counter) -> None:
    del counter.secrets["CASHIER_SECRET_WEB_SERVICE_KEY_TRAINING"]
    counter.sandbox.set_fault("late-postback")

    async def scenario(counter: Counter) -> None:
        await counter.pay_and_close()
        await counter.later(2 * SESSION_S)
        await counter.till.checker.check_due()
        assert counter.payment_state() is PaymentState.IN_DOUBT
        [row] = counter.till.desk.view().rows
        assert not row.can_ask and row.can_vouch
        assert "cannot be asked" in row.next_action
        assert "its message or a supervisor" in row.next_action
        with pytest.raises(Refused, match="web service key"):
            await counter.till.desk.check_now(row.reference)
        assert counter.sandbox.enquiries() == 0
        counter.sandbox.release_late()
        await counter.state(PaymentState.APPROVED)
        counter.paid_once()

    counter.run(scenario)


def test_a_service_that_speaks_soap_12_only_is_asked_in_it(counter: Counter) -> None:
    counter.sandbox.set_fault("no-postback")
    counter.sandbox.set_enquiry_fault("soap11-off")

    async def scenario(counter: Counter) -> None:
        await counter.pay_and_close()
        await counter.later(5)
        await counter.state(PaymentState.APPROVED)
        assert counter.sandbox.enquiries() == 1  # what SOAP 1.1 was refused is none
        counter.paid_once()

    counter.run(scenario)


def test_a_gateway_that_is_too_busy_is_left_alone_for_as_long_as_it_says(
    make_counter: Callable[..., Counter],
) -> None:
    counter = make_counter(SandboxConfig(late_s=None, retry_after_s=1))
    counter.sandbox.set_fault("no-postback")
    counter.sandbox.set_enquiry_fault("enquiry-429", times=1)

    async def scenario(counter: Counter) -> None:
        loop = asyncio.get_running_loop()
        await counter.pay_and_close()
        await counter.later(5)
        await counter.asked()
        since = loop.time()
        await counter.later(10)
        await counter.asked()
        assert loop.time() - since > 0.5
        await counter.state(PaymentState.APPROVED)
        assert counter.sandbox.enquiries() == 2
        counter.paid_once()

    counter.run(scenario)


def test_no_secret_is_in_any_file(counter: Counter) -> None:
    counter.sandbox.set_fault("no-postback")

    async def scenario(counter: Counter) -> None:
        await counter.pay_and_close()
        await counter.later(5)
        await counter.state(PaymentState.APPROVED)
        files = [file for file in counter.folder.parent.rglob("*") if file.is_file()]
        assert {"journal.db", "hub.db", "till.log"} <= {file.name for file in files}
        for file in files:
            content = file.read_bytes()
            for name, secret in counter.secrets.items():
                assert secret.encode() not in content, (name, file)

    counter.run(scenario)
