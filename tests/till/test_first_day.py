"""The guided first day: each step is ticked off by what the journal says, and by nothing else."""

from collections.abc import Callable

import pytest

from cashier.domain.corrections import REASONS
from cashier.domain.money import Cents
from cashier.domain.payment import PaymentEvent
from cashier.domain.receipt import Tender, TenderKind
from cashier.till.first_day import STEPS, FirstDay
from cashier.till.trainees import INVOICES
from tests.fakes.people import CLERK, CLERK_PIN, PIN, SUPERVISOR, at_once
from tests.till.conftest import Desk


class Day:
    """A desk in training, and its first day."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.first_day = FirstDay(desk.till.entries_of)

    @property
    def done(self) -> list[str]:
        """Titles of the steps that are done."""
        return [step.title for step in self.first_day.steps() if step.is_done]

    def cash(self, received: int = 10_000) -> None:
        self.desk.till.take_tender(Tender(TenderKind.CASH, Cents(0), received_cents=Cents(received)))


@pytest.fixture
def day(make_desk: Callable[..., Desk]) -> Day:
    return Day(make_desk(training=True))


def test_at_the_start_nothing_is_done_and_the_first_step_is_next(day: Day) -> None:
    steps = day.first_day.steps()
    assert (day.done, len(steps)) == ([], len(STEPS))
    assert [step.is_next for step in steps] == [True] + [False] * (len(STEPS) - 1)
    assert all(step.title and step.how for step in steps)


@pytest.mark.parametrize("leave", ["lock", "sign_out"])
async def test_coming_back_with_a_pin_is_signing_in(day: Day, leave: str) -> None:
    getattr(day.desk.till.people, leave)()
    assert day.done == []
    await day.desk.till.people.sign_in(CLERK, CLERK_PIN)
    assert day.done == ["Sign in"]


async def test_a_card_payment_counts_once_it_is_paid(day: Day) -> None:
    await day.desk.open_page()
    assert day.done == []
    day.desk.approve()
    assert day.done == ["Take a card payment"]


def test_cash_counts_when_change_was_given(day: Day) -> None:
    day.desk.fill()
    day.cash()
    assert day.done == []
    day.desk.till.new_sale()
    day.desk.fill()
    day.cash(12_000)
    assert day.done == ["Take cash and give change"]


def test_a_receipt_that_is_saved_counts_as_printed(day: Day) -> None:
    day.desk.fill()
    day.cash()
    [number] = day.desk.receipts()
    day.desk.till.printing.save(number, "", lambda _paper: None)
    assert day.done == ["Print or save a receipt"]


async def test_a_doubt_counts_when_a_fact_has_ended_it(day: Day) -> None:
    await day.desk.open_page()
    day.desk.hint(PaymentEvent.PAGE_CLOSED)
    assert day.done == []
    day.desk.approve()
    assert "See a payment in doubt resolved" in day.done


async def test_a_sale_put_aside_counts_once_it_is_taken_up_again(day: Day) -> None:
    day.desk.fill()
    held = await day.desk.till.hold_sale()
    assert day.done == []
    day.desk.till.resume_sale(held.id)
    assert day.done == ["Put a sale aside and take it up again"]


async def test_a_void_counts(day: Day) -> None:
    day.desk.fill()
    day.cash()
    [number] = day.desk.receipts()
    await day.desk.till.corrections.void(
        number, reason=REASONS[0], text="wrong fee", supervisor=SUPERVISOR, pin=PIN
    )
    assert day.done == ["Void a receipt"]


def test_closing_the_day_counts(day: Day) -> None:
    day.desk.fill()
    day.cash()
    day.desk.till.people.sign_out()
    signed_in(day.desk)
    day.desk.close_day()
    assert "Close the day" in day.done


def signed_in(desk: Desk) -> None:
    """Somebody who may close the day."""
    at_once(desk.till.people.sign_in(SUPERVISOR, PIN))


def test_steps_done_out_of_order_leave_the_first_that_is_not_done_next(day: Day) -> None:
    day.desk.fill()
    day.cash(12_000)
    [following] = [step.title for step in day.first_day.steps() if step.is_next]
    assert following == STEPS[0].title


def test_the_guide_names_the_invoices_that_are_there() -> None:
    [step] = [step for step in STEPS if step.title.startswith("Retrieve")]
    assert all(invoice.number in step.how for invoice in INVOICES)
    assert "145.50" in step.how
