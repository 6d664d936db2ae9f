"""Sales put aside and taken up again; two tills cannot have the same invoice."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cashier.domain.entries import EntryKind
from cashier.domain.errors import Held, InDoubt, Refused, Unavailable
from cashier.domain.fees import Flat
from cashier.domain.money import Cents
from cashier.domain.payment import PaymentEvent, PaymentState
from cashier.domain.sale import Customer, Permit
from cashier.till.held_sales import HELD_MAX
from tests.fakes.enquiry import FakeInvoice
from tests.fakes.holds import FakeHolds
from tests.till.conftest import SCHEDULE, TOWN, Desk, FaultyJournal

NUMBER = "700-6"
ONE_BILLER = {"billers": (TOWN,)}


@pytest.fixture
def counter(make_desk: Callable[..., Desk]) -> Desk:
    desk = make_desk(**ONE_BILLER)
    desk.enquiry.invoices[NUMBER] = FakeInvoice(5_000, allow_partial=True)
    return desk


def second_till(desk: Desk, folder: Path) -> Desk:
    journal = FaultyJournal(folder / "second.db", till="B", clock=desk.clock, holder="a test")
    other = Desk(journal, desk.clock)
    other.holds = FakeHolds(desk.holds.hub, "B")
    other.enquiry = desk.enquiry
    other.restart(replace(desk.till.config, till="B"))
    return other


async def with_invoice(desk: Desk, *codes: str) -> None:
    desk.till.set_customer(Customer("10042", "Robin Example"))
    desk.till.set_permit(Permit("BP-26-0042", "Deck"))
    for code in codes:
        desk.till.add_fee(code)
    lookup = await desk.till.retrieving.look_up(NUMBER)
    desk.till.retrieving.add(lookup.candidates[0])


async def test_a_sale_is_put_aside_and_comes_back_as_it_was(counter: Desk) -> None:
    await with_invoice(counter, "permit", "tech")
    counter.till.add_fee("visit", 3)
    counter.till.retrieving.pay_of(3, "20.00")
    counter.till.choose_reader("lane")
    before = counter.till.snapshot().draft
    held = await counter.till.hold_sale()
    assert (held.name, held.total_cents, held.lines) == ("Robin Example", before.total_cents, 4)
    assert counter.till.snapshot().draft.is_empty
    assert counter.till.snapshot().held == (held,)
    assert counter.till.resume_sale(held.id) == ""
    assert counter.till.snapshot().draft == before
    assert counter.till.snapshot().held == ()
    assert [entry.kind for entry in counter.entries()][-2:] == [EntryKind.SALE_HELD, EntryKind.SALE_RESUMED]
    counter.till.add_fee("plan")  # its lines are numbered on, not anew
    numbers = [line.number for view in counter.till.snapshot().draft.invoices for line in view.lines]
    assert len(set(numbers)) == 5


async def test_what_is_put_aside_survives_a_restart(counter: Desk) -> None:
    await with_invoice(counter, "permit")
    before = counter.till.snapshot().draft
    held = await counter.till.hold_sale()
    counter.restart(counter.till.config)
    assert counter.till.snapshot().held == (held,)
    counter.till.resume_sale(held.id)
    assert counter.till.snapshot().draft == before
    counter.restart(counter.till.config)
    assert counter.till.snapshot().held == ()


async def test_fees_are_priced_anew_and_the_difference_is_told(desk: Desk) -> None:
    desk.fill("permit")
    held = await desk.till.hold_sale()
    dearer = replace(SCHEDULE.fees[0], rule=Flat(Cents(12_500)))
    desk.schedule = replace(SCHEDULE, fees=(dearer, *SCHEDULE.fees[1:]))
    desk.till.new_sale()
    note = desk.till.resume_sale(held.id)
    assert "100.00 when it was put aside, 125.00 now" in note
    assert desk.till.snapshot().draft.total_cents == 12_500


async def test_a_fee_that_is_gone_leaves_the_sale_aside(desk: Desk) -> None:
    desk.fill("permit")
    held = await desk.till.hold_sale()
    desk.schedule = replace(SCHEDULE, fees=SCHEDULE.fees[1:])
    desk.till.new_sale()
    with pytest.raises(Refused, match="stays put aside"):
        desk.till.resume_sale(held.id)
    assert desk.till.snapshot().held == (held,)
    desk.till.drop_held_sale(held.id)
    assert desk.till.snapshot().held == ()
    assert desk.entries()[-1].kind is EntryKind.SALE_HELD_DROPPED
    with pytest.raises(Refused, match="no longer put aside"):
        desk.till.drop_held_sale(held.id)


async def test_nothing_is_put_aside_without_lines_or_a_name_or_beyond_the_limit(desk: Desk) -> None:
    with pytest.raises(Refused, match="nothing to put aside"):
        await desk.till.hold_sale()
    desk.till.add_fee("permit")
    with pytest.raises(Refused, match="customer's name"):
        await desk.till.hold_sale()
    for _ in range(HELD_MAX):
        desk.fill()
        await desk.till.hold_sale()
    desk.fill()
    with pytest.raises(Refused, match="are put aside already"):
        await desk.till.hold_sale()


async def test_another_sale_on_the_screen_is_not_thrown_away(desk: Desk) -> None:
    desk.fill()
    held = await desk.till.hold_sale()
    desk.fill("plan")
    with pytest.raises(Refused, match="Another sale is on the screen"):
        desk.till.resume_sale(held.id)
    assert desk.till.snapshot().draft.total_cents == 4_000


async def test_a_sale_with_a_payment_not_settled_or_money_taken_is_not_put_aside(desk: Desk) -> None:
    await desk.open_page()
    with pytest.raises(Refused, match="not settled"):
        await desk.till.hold_sale()
    desk.hint(PaymentEvent.PAGE_CLOSED)
    with pytest.raises(Refused, match="not settled"):
        await desk.till.hold_sale()
    desk.approve()
    with pytest.raises(Refused, match="partly or fully paid"):
        await desk.till.hold_sale()
    assert desk.till.snapshot().held == ()


async def test_a_declined_sale_can_be_put_aside_and_paid_later(desk: Desk) -> None:
    await desk.open_page()
    desk.decline()
    await desk.close_declined()
    held = await desk.till.hold_sale()
    desk.till.resume_sale(held.id)
    await desk.till.pay_by_card()
    desk.approve()
    assert desk.receipts() == ["A-000001"]


async def test_a_full_disk_keeps_the_sale_on_the_screen(counter: Desk) -> None:
    await with_invoice(counter)
    counter.journal.disk_full = True
    with pytest.raises(Unavailable):
        await counter.till.hold_sale()
    assert not counter.till.snapshot().draft.is_empty
    await counter.till.holding.release()
    assert await counter.holds.held() == [], "what the hub held for it is given back"


# -- two tills -----------------------------------------------------------------------------------------------


async def test_two_tills_cannot_hold_the_same_invoice(counter: Desk, tmp_path: Path) -> None:
    await with_invoice(counter)
    held = await counter.till.hold_sale()
    other = second_till(counter, tmp_path)
    with other.journal:
        await with_invoice(other)
        with pytest.raises(Held, match="till A has put aside since 2026-02-03 15:04 UTC"):
            await other.till.hold_sale()
        assert not other.till.snapshot().draft.is_empty
        with pytest.raises(Held, match="till A has put aside"):
            await other.till.pay_by_card()
        assert other.gateway.launched == []
        counter.till.drop_held_sale(held.id)
        await counter.till.holding.release()
        await other.till.hold_sale()
        assert len(other.till.snapshot().held) == 1


async def test_an_invoice_being_paid_elsewhere_cannot_be_put_aside(counter: Desk, tmp_path: Path) -> None:
    await with_invoice(counter)
    await counter.till.pay_by_card()
    other = second_till(counter, tmp_path)
    with other.journal:
        await with_invoice(other)
        with pytest.raises(Held, match="is being paid at till A"):
            await other.till.hold_sale()


async def test_what_is_resumed_is_given_back_and_can_be_paid_at_once(counter: Desk, tmp_path: Path) -> None:
    await with_invoice(counter)
    held = await counter.till.hold_sale()
    assert await counter.holds.held() == [held.reference]
    counter.till.resume_sale(held.id)
    await counter.till.pay_by_card()  # before the keeper of holds had its turn
    assert await counter.holds.held() == [counter.payment.reference]


async def test_what_is_resumed_can_be_put_aside_again_at_once(counter: Desk) -> None:
    await with_invoice(counter)
    first = await counter.till.hold_sale()
    counter.till.resume_sale(first.id)
    second = await counter.till.hold_sale()
    assert await counter.holds.held() == [second.reference]


async def test_what_is_put_aside_stays_held_over_a_restart(counter: Desk) -> None:
    await with_invoice(counter)
    held = await counter.till.hold_sale()
    counter.restart(counter.till.config)
    await counter.till.holding.release()
    assert await counter.holds.held() == [held.reference]


async def test_one_till_does_not_take_it_twice_either(counter: Desk) -> None:
    await with_invoice(counter)
    await counter.till.hold_sale()
    with pytest.raises(Refused, match="the sale of Robin Example, put aside by Kim Clerk at 15:04 UTC"):
        await with_invoice(counter)


@pytest.mark.parametrize("error", [Unavailable("never sent"), InDoubt("no answer")])
async def test_without_the_hub_a_given_number_is_not_put_aside_but_typed_fees_are(
    counter: Desk, error: Exception
) -> None:
    await with_invoice(counter)
    counter.holds.lost = [error]  # type: ignore[list-item]
    with pytest.raises(type(error)):
        await counter.till.hold_sale()
    assert counter.till.snapshot().held == ()
    await counter.till.holding.release()
    assert await counter.holds.held() == [], "what it may have held is given back"
    counter.till.new_sale()
    counter.fill()
    counter.holds.errors = [error]  # type: ignore[list-item]
    await counter.till.hold_sale()
    assert len(counter.till.snapshot().held) == 1


async def test_two_tills_one_after_the_other_cannot_both_charge_it(counter: Desk, tmp_path: Path) -> None:
    """The hub's hold ends with the first payment: the balance is what the second is refused by."""
    await with_invoice(counter)
    other = second_till(counter, tmp_path)
    with other.journal:
        await with_invoice(other)
        await counter.till.pay_by_card()
        counter.enquiry.pay(NUMBER, 5_000)
        counter.approve()
        await counter.till.holding.release()
        with pytest.raises(Refused, match=r"takes 50\.00 of it.*0\.00 \(paid already\)"):
            await other.till.pay_by_card()
        assert other.gateway.launched == []
        assert other.state() is PaymentState.ABANDONED
        assert other.receipts() == []
