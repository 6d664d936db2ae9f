"""A sale parked while cards cannot be taken: put aside to wait for the line, with a slip for its payer."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cashier.domain.entries import Draft, EntryKind
from cashier.domain.errors import Held, InDoubt, Refused, Unavailable
from cashier.domain.sale import Customer, Permit
from cashier.domain.slip import SlipKind
from cashier.till.held_sales import SUBJECT, HeldSale, HeldSales
from cashier.till.parking import Parking, reference_of
from cashier.till.printing import PrintConfig
from cashier.till.rechecking import Changed
from cashier.till.snapshot import LineState
from tests.fakes.enquiry import FakeInvoice
from tests.fakes.holds import FakeHolds
from tests.fakes.people import CLERK
from tests.fakes.printer import LOST, NO_PAPER, FakePrinter
from tests.till.conftest import TOWN, Desk, FaultyJournal

NUMBER = "700-6"


@pytest.fixture
def counter(make_desk: Callable[..., Desk]) -> Desk:
    desk = make_desk(billers=(TOWN,))
    desk.enquiry.invoices[NUMBER] = FakeInvoice(5_000, allow_partial=True)
    desk.till.line_is(LineState.ONLINE)
    return desk


async def fill_with_invoice(desk: Desk) -> None:
    desk.till.set_customer(Customer("10042", "Robin Example"))
    desk.till.set_permit(Permit("BP-26-0042", "Deck"))
    lookup = await desk.till.retrieving.look_up(NUMBER)
    desk.till.retrieving.add(lookup.candidates[0])


async def park(desk: Desk) -> HeldSale:
    """A sale with a retrieved invoice, parked while neither hub nor gateway answers."""
    await fill_with_invoice(desk)
    desk.till.line_is(LineState.OFFLINE)
    desk.till.gateway_is(LineState.OFFLINE)
    return await desk.till.hold_sale()


def bring_back(desk: Desk) -> None:
    desk.till.line_is(LineState.ONLINE)
    desk.till.gateway_is(LineState.ONLINE)


def parking(desk: Desk, printer: FakePrinter | None = None) -> Parking:
    """What hands out slips, with a printer or without."""
    config = desk.till.config
    aside = HeldSales(config, desk.clock, desk.randomness, desk.journal, desk.holds, lambda: CLERK)
    return Parking(config, desk.clock, aside, PrintConfig(printer=printer), lambda: CLERK)


# -- parking -------------------------------------------------------------------------------------------------


async def test_o5_off_line_no_attempt_is_made_and_the_sale_is_parked(desk: Desk) -> None:
    desk.till.gateway_is(LineState.OFFLINE)
    desk.fill("permit")
    with pytest.raises(Refused, match="Invoice Cloud is not reached"):
        await desk.till.pay_by_card()
    held = await desk.till.hold_sale()
    [entry] = desk.entries()
    assert entry.kind is EntryKind.SALE_HELD
    assert (entry.body["waits_for_line"], entry.body["line_fault"]) == (True, "Invoice Cloud is not reached")
    assert (held.waits_for_line, held.is_unheld, held.permit) == (True, False, "BP-26-0042")
    assert desk.gateway.launched == []
    assert desk.till.snapshot().draft.is_empty


async def test_o5_with_the_line_on_a_sale_waits_for_nothing(desk: Desk) -> None:
    desk.till.line_is(LineState.ONLINE)
    desk.fill("permit")
    held = await desk.till.hold_sale()
    assert not held.waits_for_line
    assert desk.entries()[-1].body["waits_for_line"] is False


async def test_o5_what_waits_for_the_line_comes_first_in_the_list(desk: Desk) -> None:
    made = []
    for is_off in (False, True, False, True):
        desk.till.gateway_is(LineState.OFFLINE if is_off else LineState.ONLINE)
        desk.fill("permit")
        made.append(await desk.till.hold_sale())
    held = desk.till.snapshot().held
    assert [one.waits_for_line for one in held] == [True, True, False, False]
    assert held == (made[1], made[3], made[0], made[2])


async def test_o5_a_parked_sale_is_paid_by_card_when_the_line_is_back(desk: Desk) -> None:
    desk.till.gateway_is(LineState.OFFLINE)
    desk.fill("permit")
    held = await desk.till.hold_sale()
    desk.restart()
    assert desk.till.snapshot().held == (held,)
    desk.till.resume_sale(held.id)
    await desk.till.pay_by_card()
    desk.approve()
    assert desk.receipts() == ["A-000001"]
    assert desk.till.snapshot().held == ()


# -- the hold of its invoices --------------------------------------------------------------------------------


async def test_o5_without_the_hub_it_is_parked_without_a_hold(counter: Desk) -> None:
    counter.holds.errors = [Unavailable("must not be asked")]
    held = await park(counter)
    assert (held.is_unheld, held.reference, held.invoices) == (True, "", (("town", NUMBER),))
    assert counter.holds.errors, "a hub that is known to be away is not waited for"
    assert counter.holds.hub.live == {}


async def test_o5_while_the_hub_answers_it_is_held_there(counter: Desk) -> None:
    await fill_with_invoice(counter)
    counter.till.gateway_is(LineState.OFFLINE)
    held = await counter.till.hold_sale()
    assert not held.is_unheld
    assert counter.holds.hub.live == {("town", NUMBER): held.reference}


@pytest.mark.parametrize("is_lost", [False, True])
async def test_o5_a_hub_that_gives_no_word_leaves_it_unheld_until_it_does(
    counter: Desk, is_lost: bool
) -> None:
    await fill_with_invoice(counter)
    counter.till.gateway_is(LineState.OFFLINE)
    if is_lost:
        counter.holds.lost = [InDoubt("no answer")]
    else:
        counter.holds.errors = [Unavailable("the hub is away")]
    held = await counter.till.hold_sale()
    assert held.is_unheld
    assert counter.till.snapshot().held == (held,)
    await counter.till.holding.release()  # one whose answer was lost is the same that is asked for now
    [now] = counter.till.snapshot().held
    assert counter.holds.hub.live == {("town", NUMBER): now.reference}
    assert now == replace(held, reference=now.reference)
    counter.till.drop_held_sale(held.id)
    await counter.till.holding.release()
    assert counter.holds.hub.live == {}


async def test_with_the_line_on_a_hub_that_gives_no_word_still_refuses(counter: Desk) -> None:
    await fill_with_invoice(counter)
    counter.holds.errors = [Unavailable("the hub is away")]
    with pytest.raises(Unavailable):
        await counter.till.hold_sale()
    assert counter.till.snapshot().held == ()


async def test_o5_what_another_till_holds_is_not_parked(counter: Desk, tmp_path: Path) -> None:
    await fill_with_invoice(counter)
    journal = FaultyJournal(tmp_path / "second.db", till="B", clock=counter.clock, holder="a test")
    with journal:
        other = Desk(journal, counter.clock)
        other.holds = FakeHolds(counter.holds.hub, "B")
        other.enquiry = counter.enquiry
        other.restart(replace(counter.till.config, till="B"))
        await fill_with_invoice(other)
        await other.till.hold_sale()
        counter.till.gateway_is(LineState.OFFLINE)
        with pytest.raises(Held):
            await counter.till.hold_sale()
    assert counter.till.snapshot().held == ()


async def test_o5_a_sale_parked_without_a_hold_is_held_when_the_hub_is_back(counter: Desk) -> None:
    parked = await park(counter)
    counter.clock.advance(60)
    bring_back(counter)
    heard = counter.told
    await counter.till.holding.release()
    [held] = counter.till.snapshot().held
    assert (held.is_unheld, held.waits_for_line, held.at) == (False, True, parked.at)
    assert counter.holds.hub.live == {("town", NUMBER): held.reference}
    assert counter.told > heard, "the window hears of it"
    await counter.till.holding.release()
    assert len(counter.entries(EntryKind.SALE_HELD_AT_HUB)) == 1, "once"
    counter.restart()
    assert counter.till.snapshot().held == (held,)
    await counter.till.holding.release()
    assert counter.holds.hub.live == {("town", NUMBER): held.reference}
    counter.till.resume_sale(held.id)
    await counter.till.pay_by_card()
    counter.approve()
    await counter.till.holding.release()
    assert counter.holds.hub.live == {}


@pytest.mark.parametrize("is_lost", [False, True])
async def test_o5_a_hub_that_gives_no_word_yet_is_asked_again(counter: Desk, is_lost: bool) -> None:
    await park(counter)
    bring_back(counter)
    if is_lost:
        counter.holds.lost = [InDoubt("no answer")]
    else:
        counter.holds.errors = [Unavailable("the hub is away")]
    with pytest.raises((Unavailable, InDoubt)):
        await counter.till.holding.release()
    assert counter.till.snapshot().held[0].is_unheld
    await counter.till.holding.release()
    [held] = counter.till.snapshot().held
    assert counter.holds.hub.live == {("town", NUMBER): held.reference}


async def test_o5_what_another_till_has_taken_meanwhile_stays_without_a_hold_and_says_who_has_it(
    counter: Desk, tmp_path: Path
) -> None:
    await park(counter)
    journal = FaultyJournal(tmp_path / "second.db", till="B", clock=counter.clock, holder="a test")
    with journal:
        other = Desk(journal, counter.clock)
        other.holds = FakeHolds(counter.holds.hub, "B")
        other.enquiry = counter.enquiry
        other.restart(replace(counter.till.config, till="B"))
        await fill_with_invoice(other)
        theirs = await other.till.hold_sale()
        bring_back(counter)
        await counter.till.holding.release()
        [held] = counter.till.snapshot().held
        assert held.is_unheld
        assert f"Invoice {NUMBER} is on a sale that till B has put aside" in held.not_held
        other.till.drop_held_sale(theirs.id)
        await other.till.holding.release()
    await counter.till.holding.release()
    [held] = counter.till.snapshot().held
    assert (held.is_unheld, held.not_held) == (False, "")


async def test_o5_a_sale_that_is_resumed_while_the_hub_is_asked_keeps_no_hold(counter: Desk) -> None:
    held = await park(counter)
    bring_back(counter)
    asked = asyncio.create_task(counter.till.holding.release())
    await asyncio.sleep(0)
    counter.till.resume_sale(held.id)
    await asked
    await counter.till.holding.release()
    assert counter.holds.hub.live == {}
    assert counter.entries(EntryKind.SALE_HELD_AT_HUB) == []


async def test_what_a_restored_hub_has_forgotten_is_held_again(counter: Desk) -> None:
    await fill_with_invoice(counter)
    held = await counter.till.hold_sale()
    counter.holds.hub.live.clear()
    counter.holds.hub.announced.clear()
    await counter.till.holding.release()
    assert counter.holds.hub.live == {("town", NUMBER): held.reference}
    assert counter.till.snapshot().held == (held,), "nothing new to record"


async def test_o5_an_invoice_paid_elsewhere_meanwhile_is_not_charged_again(counter: Desk) -> None:
    held = await park(counter)
    bring_back(counter)
    counter.enquiry.invoices[NUMBER] = FakeInvoice(0)
    counter.till.resume_sale(held.id)
    with pytest.raises(Changed, match="paid already"):
        await counter.till.pay_by_card()
    assert counter.gateway.launched == []


async def test_a_sale_put_aside_by_an_earlier_version_waits_for_nothing(desk: Desk) -> None:
    desk.fill("permit")
    await desk.till.hold_sale()
    body = dict(desk.entries()[-1].body)
    del body["waits_for_line"], body["line_fault"]
    desk.journal.record([Draft("old", EntryKind.SALE_HELD, SUBJECT, {**body, "held_id": "old"})])
    desk.restart()
    assert [one.waits_for_line for one in desk.till.snapshot().held] == [False, False]


# -- the slip ------------------------------------------------------------------------------------------------


async def test_o5_the_slip_says_not_paid_and_by_what_it_is_found(counter: Desk) -> None:
    held = await park(counter)
    slip = counter.till.parking.slip(held.id)
    assert (slip.kind, slip.payer, slip.permit) == (SlipKind.WAITING, "Robin Example", "BP-26-0042")
    assert (slip.amount_cents, slip.invoices, slip.started_at) == (5_000, (NUMBER,), held.at)
    assert slip.cashier == CLERK
    assert slip.reference == reference_of("A", held)
    assert slip.reference.startswith("A-WAIT-") and len(slip.reference) == len("A-WAIT-123456")


async def test_o5_the_slip_of_the_printer_has_all_of_it(counter: Desk) -> None:
    held = await park(counter)
    printer = FakePrinter()
    said = await parking(counter, printer).print_slip(held.id)
    assert said == "Give the payer the slip from the printer."
    [text] = printer.texts
    for part in (
        "NOT PAID",
        "YOUR PERMIT FEES",
        "Town of Sampleton",
        "Robin Example",
        NUMBER,
        "50.00",
        "A-WAIT-",
    ):
        assert part in text, part
    assert "no money was taken" in " ".join(text.split())
    for wrong in ("A-0000", "TRAINING", "Receipt"):
        assert wrong not in text


async def test_x6_the_slip_of_a_training_session_says_so(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(training=True)
    desk.till.gateway_is(LineState.OFFLINE)
    desk.fill("permit")
    held = await desk.till.hold_sale()
    printer = FakePrinter()
    await parking(desk, printer).print_slip(held.id)
    assert "TRAINING" in printer.texts[0] and printer.papers[0].training


@pytest.mark.parametrize(("result", "said"), [(NO_PAPER, "was not printed"), (LOST, "is not known")])
async def test_o5_a_slip_that_did_not_come_out_is_told(counter: Desk, result: object, said: str) -> None:
    held = await park(counter)
    printer = FakePrinter()
    printer.results = [result]  # type: ignore[list-item]
    told = await parking(counter, printer).print_slip(held.id)
    assert said in told and "Ctrl+P" in told


async def test_a_slip_needs_a_sale_that_waits_and_a_printer(counter: Desk) -> None:
    counter.fill("permit")
    ordinary = await counter.till.hold_sale()
    with pytest.raises(Refused, match="waits for the line"):
        counter.till.parking.slip(ordinary.id)
    with pytest.raises(Refused, match="no longer put aside"):
        counter.till.parking.slip("gone")
    held = await park(counter)
    assert not counter.till.parking.has_printer
    with pytest.raises(Refused, match="No printer"):
        await counter.till.parking.print_slip(held.id)
