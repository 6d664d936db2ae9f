"""Rehearsing: what is armed, which payment meets it, and how the journal judges the clerk."""

from collections.abc import Callable

import pytest

from cashier.domain.errors import Refused, Unavailable
from cashier.domain.money import Cents
from cashier.domain.payment import PaymentEvent, PaymentState
from cashier.domain.receipt import Tender, TenderKind
from cashier.rehearsal import PLANS
from cashier.till.rehearsal import Rehearsal, RehearsalView, Verdict
from cashier.till.rehearsal_cases import LESSONS, Case, lesson
from tests.fakes.people import PIN, SUPERVISOR
from tests.fakes.stand_in import FakeStandIn
from tests.till.conftest import Desk

E, S = PaymentEvent, PaymentState


class World:
    """A desk in training with something to rehearse with."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.stand_in = FakeStandIn()
        self.rehearsal = Rehearsal(desk.till, self.stand_in)

    @property
    def view(self) -> RehearsalView:
        return self.rehearsal.view()

    @property
    def verdict(self) -> Verdict:
        """The one there is."""
        (verdict,) = self.view.verdicts
        return verdict

    async def rehearse(self, case: Case) -> None:
        """Arm a case and open a payment's page."""
        await self.rehearsal.arm(case)
        await self.desk.open_page()

    def pay_the_same_payer_again(self) -> None:
        """As a new sale, in cash, with the first payment still in doubt."""
        self.desk.till.new_sale()
        self.desk.fill()
        self.desk.till.take_tender(Tender(TenderKind.CASH, Cents(0), received_cents=Cents(10_000)))


@pytest.fixture
def world(make_desk: Callable[..., Desk]) -> World:
    return World(make_desk(training=True))


def test_the_table_has_every_case_once_and_the_sandbox_a_plan_for_each_that_is_armed() -> None:
    assert [item.case for item in LESSONS] == list(Case)
    assert PLANS.keys() == {item.case for item in LESSONS if not item.is_switch}
    assert len({item.title for item in LESSONS}) == len(LESSONS)


def test_a_till_that_takes_real_money_has_no_rehearsal(make_desk: Callable[..., Desk]) -> None:
    with pytest.raises(Refused, match="real money"):
        Rehearsal(make_desk(training=False).till, FakeStandIn())


# -- arming --------------------------------------------------------------------------------------------------


async def test_a_case_is_armed_for_the_next_payment_that_opens(world: World) -> None:
    await world.desk.open_page()
    await world.rehearsal.arm(Case.LATE)
    assert (world.view.armed, world.view.running) == (lesson(Case.LATE), None)
    world.desk.approve()
    world.desk.till.new_sale()
    assert world.view.armed is not None, "the payment that was open before is not the one"
    await world.desk.open_page()
    view = world.view
    assert (view.armed, view.running, view.reference) == (
        None,
        lesson(Case.LATE),
        world.desk.payment.reference,
    )
    assert world.stand_in.asked == [Case.LATE]


async def test_another_case_takes_its_place_and_none_disarms(world: World) -> None:
    await world.rehearsal.arm(Case.LATE)
    await world.rehearsal.arm(Case.TWICE)
    assert world.view.armed == lesson(Case.TWICE)
    await world.rehearsal.disarm()
    assert (world.view.armed, world.stand_in.asked) == (None, [Case.LATE, Case.TWICE, None])
    await world.desk.open_page()
    assert world.view.running is None


async def test_while_one_is_under_way_no_other_is_armed(world: World) -> None:
    await world.rehearse(Case.LATE)
    for work in (world.rehearsal.arm(Case.TWICE), world.rehearsal.disarm()):
        with pytest.raises(Refused, match="still under way"):
            await work
    assert world.stand_in.asked == [Case.LATE]


async def test_a_stand_in_that_does_not_answer_changes_nothing(world: World) -> None:
    world.stand_in.is_gone = True
    for work in (world.rehearsal.arm(Case.LATE), world.rehearsal.drop_line()):
        with pytest.raises(Unavailable):
            await work
    assert world.view == RehearsalView()
    world.stand_in.is_gone = False
    await world.rehearsal.arm(Case.LATE)
    assert world.view.armed == lesson(Case.LATE)


async def test_the_line_is_switched_and_never_armed(world: World) -> None:
    with pytest.raises(Refused, match="switched"):
        await world.rehearsal.arm(Case.LINE)


# -- judging -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [Case.HANG, Case.SILENCE, Case.VERY_LATE])
async def test_who_keeps_it_in_doubt_until_the_fact_comes_does_right(world: World, case: Case) -> None:
    await world.rehearse(case)
    world.desk.hint(E.PAGE_CLOSED)
    assert (world.view.running, world.view.verdicts) == (lesson(case), ())
    world.desk.approve()
    assert world.verdict.is_right is True
    assert "in doubt until the fact came" in world.verdict.text
    assert world.view.running is None


async def test_who_charges_the_payer_again_meanwhile_does_wrong(world: World) -> None:
    await world.rehearse(Case.VERY_LATE)
    world.desk.hint(E.PAGE_CLOSED)
    reference = world.desk.payment.reference
    world.pay_the_same_payer_again()
    assert world.view.verdicts == ()
    payment = world.desk.till.payment(reference)
    world.desk.approve(payment)
    assert world.verdict.is_right is False
    assert "charged a second time" in world.verdict.text


async def test_serving_the_next_payer_meanwhile_is_no_fault(world: World) -> None:
    await world.rehearse(Case.VERY_LATE)
    world.desk.hint(E.PAGE_CLOSED)
    first = world.desk.payment
    world.desk.till.new_sale()
    world.desk.fill()
    customer = world.desk.till.snapshot().draft.customer
    world.desk.till.set_customer(type(customer)("10043", "Another Example"))
    world.desk.till.take_tender(Tender(TenderKind.CASH, Cents(0), received_cents=Cents(10_000)))
    world.desk.approve(first)
    assert world.verdict.is_right is True


async def test_what_the_payer_pays_after_the_end_is_no_fault(world: World) -> None:
    await world.rehearse(Case.DECLINE)
    world.desk.decline()
    await world.desk.close_declined()
    assert world.desk.state() is S.DECLINED
    world.desk.till.take_tender(Tender(TenderKind.CASH, Cents(0), received_cents=Cents(10_000)))
    assert world.verdict.is_right is True
    assert "nothing was charged" in world.verdict.text


async def test_releasing_it_for_cash_is_not_what_was_rehearsed(world: World) -> None:
    await world.rehearse(Case.SILENCE)
    world.desk.hint(E.PAGE_CLOSED)
    await world.desk.till.release_for_cash(
        world.desk.payment.reference, reason="cannot wait", supervisor=SUPERVISOR, pin=PIN
    )
    world.desk.approve()
    assert world.verdict.is_right is False
    assert "released for cash" in world.verdict.text


@pytest.mark.parametrize(("case", "right"), [(Case.SILENCE, None), (Case.AMOUNT, True)])
async def test_two_peoples_word_ends_it_and_is_right_only_where_nothing_else_would(
    world: World, case: Case, right: bool | None
) -> None:
    await world.rehearse(case)
    world.desk.hint(E.PAGE_CLOSED)
    await world.desk.till.desk.vouch(
        world.desk.payment.reference,
        authorisation="727634",
        reason="Seen in the portal",
        supervisor=SUPERVISOR,
        pin=PIN,
    )
    assert (world.verdict.is_right, world.view.running) == (right, None)


@pytest.mark.parametrize(("closed", "right"), [(True, True), (False, None)])
async def test_stopping_is_rehearsed_only_by_who_stops(
    world: World, closed: bool, right: bool | None
) -> None:
    await world.rehearse(Case.CLOSED)
    if closed:
        world.desk.hint(E.PAGE_CLOSED)
    world.desk.approve()
    assert world.verdict.is_right is right


async def test_a_word_that_comes_twice_counts_once(world: World) -> None:
    await world.rehearse(Case.TWICE)
    world.desk.approve()
    world.desk.approve()
    assert (world.verdict.is_right, len(world.desk.receipts())) == (True, 1)


async def test_a_second_charge_ends_it_when_it_stands_beside_the_first(world: World) -> None:
    await world.rehearse(Case.DOUBLE)
    world.desk.approve()
    assert world.view.running == lesson(Case.DOUBLE)
    world.desk.approve(payment_guid="another charge")
    assert (world.verdict.is_right, len(world.desk.receipts())) == (True, 1)


async def test_the_verdicts_of_a_session_are_kept_newest_first(world: World) -> None:
    for case in (Case.TWICE, Case.LATE):
        await world.rehearse(case)
        world.desk.approve()
        assert world.view.verdicts[0].case is case
        world.desk.till.new_sale()
    assert [item.case for item in world.view.verdicts] == [Case.LATE, Case.TWICE]


# -- the line ------------------------------------------------------------------------------------------------


async def test_o5_with_the_line_down_cards_are_refused_at_once_and_cash_is_right(world: World) -> None:
    world.desk.gateway.unreached = Unavailable("The gateway is not reached.")
    await world.rehearsal.drop_line()
    assert (world.stand_in.line_is_down, world.view.line_is_down) == (True, True)
    world.desk.fill()
    assert world.desk.till.snapshot().draft.card_refusal
    world.desk.till.take_tender(Tender(TenderKind.CASH, Cents(0), received_cents=Cents(10_000)))
    world.desk.gateway.unreached = None
    await world.rehearsal.restore_line()
    assert (world.stand_in.line_is_down, world.view.line_is_down) == (False, False)
    assert world.verdict == Verdict(
        Case.LINE, True, "You took cash or a check while cards could not be taken. The line is back."
    )
    assert world.desk.till.snapshot().line_fault == ""


async def test_o5_x6_a_sale_parked_while_the_line_is_down_is_right(world: World) -> None:
    world.desk.gateway.unreached = Unavailable("The gateway is not reached.")
    await world.rehearsal.drop_line()
    world.desk.fill()
    held = await world.desk.till.hold_sale()
    assert held.waits_for_line
    assert world.desk.till.parking.slip(held.id).training
    world.desk.gateway.unreached = None
    await world.rehearsal.restore_line()
    assert world.verdict.is_right is True
    assert "parked the sale for the line" in world.verdict.text and "F5" in world.verdict.text


async def test_nothing_done_while_the_line_was_down_is_neither_right_nor_wrong(world: World) -> None:
    world.desk.fill()
    world.desk.till.take_tender(Tender(TenderKind.CASH, Cents(0), received_cents=Cents(10_000)))
    await world.rehearsal.drop_line()
    await world.rehearsal.restore_line()
    assert world.verdict.is_right is None
    await world.rehearsal.restore_line()
    assert len(world.view.verdicts) == 1
