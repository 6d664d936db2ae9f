"""Every case of the rehearsal menu, through real sandbox, hub and till; the one that needs a page, in it."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from cashier.domain.payment import PaymentEvent, PaymentState
from cashier.domain.sale import Customer
from cashier.sandbox.config import SandboxConfig, utc_now
from cashier.till.rehearsal import Rehearsal, Verdict
from cashier.till.rehearsal_cases import Case
from cashier.till.snapshot import LineState
from cashier.till.trainees import SUPERVISOR
from cashier.ui.payer import until
from tests.end2end.conftest import VISA, Counter
from tests.sandbox.payer import Payer

#: How far a test has put the sandbox's clock forward.
Ahead = list[float]


class Trainee:
    """A clerk who rehearses, and the payer, who pays without a browser."""

    def __init__(self, counter: Counter, ahead: Ahead) -> None:
        assert counter.rehearsal is not None
        self.counter, self.ahead = counter, ahead
        self.rehearsal: Rehearsal = counter.rehearsal
        self.count = 0

    async def pay(self, case: Case, timeout_s: float = 15.0) -> None:
        """Arm a case and let a payer meet it; the page has gone its way after that."""
        till = self.counter.till
        self.count += 1
        till.new_sale()
        await self.rehearsal.arm(case)
        till.set_customer(Customer(f"BU7-{self.count:05d}", f"Payer {self.count}"))
        till.add_fee("re-roof-shingle")
        url = await till.pay_by_card()
        with Payer(url, timeout_s) as payer:
            await asyncio.to_thread(payer.pay)

    def leave(self, event: PaymentEvent = PaymentEvent.PAGE_CLOSED) -> None:
        """The page is gone."""
        self.counter.till.page_event(self.counter.reference, event)

    async def later(self, seconds: float) -> None:
        """Time goes by, here and at the gateway."""
        self.ahead[0] += seconds
        await self.counter.later(seconds)

    async def ends(self, case: Case) -> Verdict:
        """The verdict, once there is one."""

        def is_there() -> bool:
            verdicts = self.rehearsal.view().verdicts
            return bool(verdicts) and verdicts[0].case is case

        await until(is_there, f"the end of {case}")
        return self.rehearsal.view().verdicts[0]


async def twice(trainee: Trainee) -> None:
    await trainee.pay(Case.TWICE)
    await trainee.ends(Case.TWICE)


async def double(trainee: Trainee) -> None:
    await trainee.pay(Case.DOUBLE)
    await trainee.ends(Case.DOUBLE)
    assert len([item for item in trainee.counter.till.desk.view().matters if item.reason]) == 1


async def decline(trainee: Trainee) -> None:
    await trainee.pay(Case.DECLINE)
    await until(lambda: trainee.counter.payment.card_declined, "the decline")
    trainee.leave()
    await trainee.later(2)
    await trainee.counter.state(PaymentState.DECLINED)


async def silence(trainee: Trainee) -> None:
    asked = trainee.counter.sandbox.enquiries()
    await trainee.pay(Case.SILENCE)
    trainee.leave(PaymentEvent.PAGE_RETURNED)
    await until(lambda: trainee.counter.sandbox.enquiries() > asked, "the first enquiry")
    assert trainee.counter.payment_state() is PaymentState.IN_DOUBT
    await trainee.later(15)
    await trainee.counter.state(PaymentState.APPROVED)


async def amount(trainee: Trainee) -> None:
    await trainee.pay(Case.AMOUNT)
    await trainee.counter.state(PaymentState.IN_DOUBT)
    assert "71.99" in trainee.counter.till.snapshot().unsettled[-1].standing.sentence
    trainee.leave()
    await trainee.later(15)
    await trainee.counter.till.desk.vouch(
        trainee.counter.reference,
        authorisation="727634",
        reason="Seen paid in the portal",
        supervisor=SUPERVISOR.name,
        pin=SUPERVISOR.pin,
    )
    assert trainee.counter.payment_state() is PaymentState.VOUCHED


async def late(trainee: Trainee) -> None:
    for case in (Case.LATE, Case.VERY_LATE):
        await trainee.pay(case)
        trainee.leave()
        assert trainee.counter.payment_state() is PaymentState.IN_DOUBT
        trainee.counter.sandbox.release_late()
        await trainee.counter.state(PaymentState.APPROVED)
        await trainee.ends(case)


async def hang(trainee: Trainee) -> None:
    with pytest.raises(httpx.ReadTimeout):
        await trainee.pay(Case.HANG, timeout_s=1.0)
    trainee.leave()
    trainee.counter.sandbox.release_late()
    await trainee.counter.state(PaymentState.APPROVED)
    await trainee.ends(Case.HANG)


def test_every_case_ends_as_the_menu_says(make_counter: Callable[..., Counter]) -> None:
    ahead: Ahead = [0.0]
    config = SandboxConfig(late_s=None, clock=lambda: utc_now() + timedelta(seconds=ahead[0]))
    counter = make_counter(config)
    counter.rehearses = True

    async def scenario(counter: Counter) -> None:
        trainee = Trainee(counter, ahead)
        for rehearse in (twice, double, decline, silence, amount, late, hang):
            await rehearse(trainee)
        verdicts = trainee.rehearsal.view().verdicts
        assert {verdict.case for verdict in verdicts} == set(Case) - {Case.CLOSED, Case.LINE}
        assert [verdict.text for verdict in verdicts if not verdict.is_right] == []
        assert len(counter.till.receipts("")) == trainee.count - 1  # all but the declined one

    counter.run(scenario)
    counter.verify()


def test_p7_rehearsed_in_the_page_stopping_cancels_nothing(make_counter: Callable[..., Counter]) -> None:
    counter = make_counter(SandboxConfig(after_close_s=0.2))
    counter.rehearses = True

    async def scenario(counter: Counter) -> None:
        trainee = Trainee(counter, [0.0])
        await trainee.rehearsal.arm(Case.CLOSED)
        counter.fill()
        payer = await counter.open_page()
        await payer.pay_by_typing(VISA)
        await until(lambda: counter.sandbox.payments()[0]["processing"], "the press of the payer")
        counter.close_page()
        assert counter.payment_state() is PaymentState.IN_DOUBT
        assert counter.sandbox.charges() == []
        await counter.state(PaymentState.APPROVED)
        verdict = await trainee.ends(Case.CLOSED)
        assert verdict.is_right is True and "cancelled nothing" in verdict.text
        assert verdict.text in counter.window.training.bar.case.text()
        counter.paid_once()

    counter.run(scenario)
    counter.verify()


def test_o6_a_rehearsed_drop_of_the_line_refuses_cards_at_once(make_counter: Callable[..., Counter]) -> None:
    counter = make_counter()
    counter.rehearses = True

    async def scenario(counter: Counter) -> None:
        trainee = Trainee(counter, [0.0])
        await trainee.rehearsal.drop_line()
        assert counter.till.snapshot().line is LineState.OFFLINE
        counter.fill()
        assert counter.till.snapshot().draft.card_refusal
        assert counter.sandbox.payments() == []
        await trainee.rehearsal.restore_line()
        assert counter.till.snapshot().draft.card_refusal == ""
        assert (await trainee.ends(Case.LINE)).is_right is None

    counter.run(scenario)
