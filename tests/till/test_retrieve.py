"""Retrieving an invoice by its number, and a customer by the account number."""

import asyncio
import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import pytest

from cashier.domain.enquiry import FoundCustomer
from cashier.domain.entries import EntryKind
from cashier.domain.errors import InDoubt, Refused, TooBusy, Unavailable
from cashier.domain.money import Cents
from cashier.domain.payment import PaymentEvent, PaymentState
from cashier.domain.sale import Customer
from cashier.till.config import Biller, ProfileRules, ServiceFee
from cashier.till.draft import Retrieved
from cashier.till.rechecking import Changed
from cashier.till.retrieve import Candidate, looks_like_an_invoice
from cashier.till.snapshot import InvoiceView
from cashier.till.words import Tone
from tests.fakes.enquiry import FakeInvoice
from tests.till.conftest import POLICE, TOWN, Desk
from tests.till.test_card_payment import _partial_sale as partial_sale

S = PaymentState
UTILITY = Biller("town", {42: "Utility"}, TOWN.guid, Cents(500_000), service_fee=ServiceFee(250, Cents(100)))
NUMBER = "UB-12345"


@pytest.fixture
def counter(make_desk: Callable[..., Desk]) -> Desk:
    """A counter whose only biller has one invoice type, so that an invoice can only be meant one way."""
    desk = make_desk(billers=(UTILITY,))
    desk.enquiry.invoices[NUMBER] = FakeInvoice(
        12_000, 2_000, date=dt.date(2026, 1, 5), due_date=dt.date(2026, 2, 28)
    )
    desk.till.set_customer(Customer("10042", "Robin Example"))
    return desk


async def found(desk: Desk, number: str = NUMBER) -> Candidate:
    lookup = await desk.till.retrieving.look_up(number)
    [candidate] = lookup.candidates
    return candidate


async def retrieve(desk: Desk, number: str = NUMBER) -> Retrieved:
    desk.till.retrieving.add(await found(desk, number))
    return retrieved(desk)[-1]


def views(desk: Desk) -> tuple[InvoiceView, ...]:
    return desk.till.snapshot().draft.invoices


def retrieved(desk: Desk) -> list[Retrieved]:
    return [view.retrieved for view in views(desk) if view.retrieved is not None]


# -- looking up ----------------------------------------------------------------------------------------------


async def test_a_found_invoice_joins_the_sale_with_its_number_its_dates_and_its_balance(
    counter: Desk,
) -> None:
    candidate = await found(counter)
    assert views(counter) == (), "asking adds nothing"
    standing = counter.till.retrieving.add(candidate)
    assert standing.tone is Tone.CALM
    assert standing.sentence == "Invoice UB-12345: 100.00 due 02/28/2026."
    [view] = views(counter)
    assert (view.type_id, view.type_name, view.total_cents) == (42, "Utility", 10_000)
    [line] = view.lines
    assert line.priced.name == "Invoice UB-12345 (balance)"
    assert line.priced.explanation == "due 02/28/2026"
    await counter.till.pay_by_card()
    sale = counter.journal.sale(counter.payment.sale_id)
    assert sale is not None
    [invoice] = sale.invoices
    assert (invoice.number, invoice.date, invoice.due_date) == (
        NUMBER,
        dt.date(2026, 1, 5),
        dt.date(2026, 2, 28),
    )
    assert (invoice.is_given, invoice.balance_cents, sale.biller) == (True, 10_000, "town")
    assert [(share.number, share.amount_cents) for share in counter.payment.invoices] == [(NUMBER, 10_000)]


async def test_an_unknown_number_is_told_and_adds_nothing(counter: Desk) -> None:
    lookup = await counter.till.retrieving.look_up("UB-99999")
    assert lookup.candidates == ()
    assert lookup.standing.word == "Not found"
    assert "knows of no invoice UB-99999" in lookup.standing.sentence


async def test_a_paid_invoice_is_told_in_blue_and_not_added(counter: Desk) -> None:
    counter.enquiry.invoices[NUMBER].paid_cents = 12_000
    lookup = await counter.till.retrieving.look_up(f"  {NUMBER} ")
    assert (lookup.candidates, lookup.standing.tone, lookup.standing.word) == ((), Tone.PAID, "Paid already")
    assert "120.00 is paid already" in lookup.standing.sentence
    assert views(counter) == ()


@pytest.mark.parametrize(
    ("day", "warned"),
    [(dt.date(2026, 2, 20), True), (dt.date(2026, 2, 3), True), (dt.date(2026, 1, 20), False)],
)
async def test_autopay_still_to_come_is_warned_about(counter: Desk, day: dt.date, warned: bool) -> None:
    assert counter.clock.today() == dt.date(2026, 2, 3)
    counter.enquiry.invoices[NUMBER].autopay = day
    standing = counter.till.retrieving.add(await found(counter))
    assert (standing.tone is Tone.WAITING) == warned
    assert ("AutoPay will collect it" in standing.sentence) == warned


async def test_the_same_invoice_is_not_added_twice(counter: Desk) -> None:
    candidate = await found(counter)
    counter.till.retrieving.add(candidate)
    other_case = replace(candidate, invoice=replace(candidate.invoice, number=NUMBER.lower()))
    for again in (candidate, other_case):
        with pytest.raises(Refused, match="on this sale already"):
            counter.till.retrieving.add(again)
    assert len(views(counter)) == 1


async def test_a_retrieved_line_is_removed_like_any_other(counter: Desk) -> None:
    line = await retrieve(counter)
    counter.till.remove_fee(line.number)
    assert views(counter) == ()
    await retrieve(counter)


async def test_which_type_or_biller_is_meant_is_asked(desk: Desk) -> None:
    desk.enquiry.invoices[NUMBER] = FakeInvoice(5_000)
    lookup = await desk.till.retrieving.look_up(NUMBER)
    assert [(item.biller, item.type_id, item.type_name) for item in lookup.candidates] == [
        ("town", 6, "Building"),
        ("town", 93, "Planning"),
        ("police", 39, "Police fees"),
    ]
    desk.enquiry.invoices[NUMBER].biller = "police"
    assert (await found(desk)).biller == POLICE.name


async def test_a_number_that_ends_in_its_type_is_offered_first_or_taken(
    make_desk: Callable[..., Desk],
) -> None:
    desk = make_desk(billers=(TOWN,))
    desk.enquiry.invoices["10042-93"] = FakeInvoice(5_000)
    lookup = await desk.till.retrieving.look_up("10042-93")
    assert [item.type_id for item in lookup.candidates] == [93, 6]
    desk.restart(replace(desk.till.config, rules=ProfileRules(numbers_end_in_type=True)))
    assert (await found(desk, "10042-93")).type_id == 93


async def test_only_types_that_the_profile_sends_are_offered(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(billers=(TOWN,), rules=ProfileRules(type_ids=frozenset({93})))
    desk.enquiry.invoices[NUMBER] = FakeInvoice(5_000)
    assert (await found(desk)).type_id == 93
    desk.restart(replace(desk.till.config, rules=ProfileRules(type_ids=frozenset({39}))))
    with pytest.raises(Refused, match="no invoice type that this permit system sends"):
        await desk.till.retrieving.look_up(NUMBER)


async def test_the_billers_own_type_is_charged_by_that_biller(make_desk: Callable[..., Desk]) -> None:
    """Type ids are the billers' own: two may use the same one."""
    desk = make_desk(billers=(TOWN, Biller("county", {6: "County building"}, "g")))
    desk.till.set_customer(Customer("10042", "Robin Example"))
    desk.enquiry.invoices[NUMBER] = FakeInvoice(5_000, biller="county")
    await retrieve(desk)
    assert views(desk)[0].type_name == "County building"
    await desk.till.pay_by_card()
    assert desk.payment.biller == "county"


async def test_without_credentials_it_is_said_that_nothing_can_be_looked_up(counter: Desk) -> None:
    counter.enquiry.not_set_up.add("town")
    for asked in (counter.till.retrieving.look_up(NUMBER), counter.till.retrieving.look_up_customer("1")):
        with pytest.raises(Refused, match="'town' are not set"):
            await asked
    assert counter.enquiry.looked_up == []


@pytest.mark.parametrize(
    "error", [Unavailable("not reached"), InDoubt("no answer"), TooBusy("busy", 4), Refused("credentials")]
)
async def test_what_fails_is_told_and_may_be_tried_again(counter: Desk, error: Exception) -> None:
    counter.enquiry.errors = [error]  # type: ignore[list-item]
    with pytest.raises(type(error)):
        await counter.till.retrieving.look_up(NUMBER)
    await retrieve(counter)


async def test_one_biller_that_fails_does_not_hide_what_another_found(desk: Desk) -> None:
    desk.enquiry.invoices[NUMBER] = FakeInvoice(5_000, biller="police")
    desk.enquiry.errors = [Unavailable("not reached")]
    assert (await found(desk)).biller == "police"


async def test_asking_can_be_stopped(counter: Desk) -> None:
    counter.enquiry.held = asyncio.Event()
    asking = asyncio.create_task(counter.till.retrieving.look_up(NUMBER))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    counter.enquiry.held = None
    await retrieve(counter)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("UB-12345", True),
        ("700001", True),
        ("12", False),
        ("roof", False),
        ("AB 12", False),
        ("A1" * 51, False),
    ],
)
def test_what_looks_like_an_invoice_number(text: str, is_one: bool) -> None:
    assert looks_like_an_invoice(text) == is_one


# -- how much of it ------------------------------------------------------------------------------------------


async def test_a_part_is_paid_down_to_the_minimum_where_it_is_allowed(counter: Desk) -> None:
    counter.enquiry.invoices[NUMBER].allow_partial = True
    counter.enquiry.invoices[NUMBER].minimum_cents = 2_500
    line = await retrieve(counter)
    for text in ("24.99", "100.01", "0"):
        with pytest.raises(Refused, match=r"at least 25\.00 and at most 100\.00"):
            counter.till.retrieving.pay_of(line.number, text)
    with pytest.raises(Refused, match="not an amount"):
        counter.till.retrieving.pay_of(line.number, "1,00.00")
    counter.till.retrieving.pay_of(line.number, "40")
    assert counter.till.snapshot().draft.total_cents == 4_000
    assert views(counter)[0].lines[0].priced.explanation == "of 100.00 · due 02/28/2026"


async def test_the_whole_is_due_where_no_part_is_allowed(counter: Desk) -> None:
    line = await retrieve(counter)
    with pytest.raises(Refused, match=r"paid in full: 100\.00"):
        counter.till.retrieving.pay_of(line.number, "40.00")


async def test_the_page_may_take_a_part_of_the_whole_but_not_of_a_chosen_part(counter: Desk) -> None:
    counter.enquiry.invoices[NUMBER].allow_partial = True
    counter.enquiry.invoices[NUMBER].minimum_cents = 2_500
    line = await retrieve(counter)
    await counter.till.pay_by_card()
    assert counter.payment.minimum_cents == 2_500
    counter.till.page_event(counter.payment.reference, PaymentEvent.PAGE_CLOSED)
    counter.decline()
    await counter.close_declined()
    counter.till.retrieving.pay_of(line.number, "40.00")
    await counter.till.pay_by_card()
    assert (counter.payment.amount_cents, counter.payment.minimum_cents) == (4_000, None)


async def test_a_profile_without_partial_payments_sends_none(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(billers=(UTILITY,), rules=ProfileRules(partial_payments=False))
    desk.till.set_customer(Customer("10042", "Robin Example"))
    desk.enquiry.invoices[NUMBER] = FakeInvoice(10_000, minimum_cents=2_500, allow_partial=True)
    await retrieve(desk)
    await desk.till.pay_by_card()
    sale = desk.journal.sale(desk.payment.sale_id)
    assert sale is not None
    assert (sale.invoices[0].minimum_due_cents, sale.invoices[0].allow_partial) == (None, None)


# -- beside fees ---------------------------------------------------------------------------------------------


async def test_it_stands_beside_typed_fees_where_the_profile_has_room(desk: Desk) -> None:
    desk.enquiry.invoices["700-6"] = FakeInvoice(5_000, biller="town")
    desk.fill("permit")
    lookup = await desk.till.retrieving.look_up("700-6")
    desk.till.retrieving.add(lookup.candidates[0])
    assert [(view.type_id, view.total_cents) for view in views(desk)] == [(6, 10_000), (6, 5_000)]
    desk.till.add_fee("tech")  # 5 % of the permit: the schedule knows nothing of the invoice
    assert desk.till.snapshot().draft.total_cents == 10_000 + 500 + 5_000
    await desk.till.pay_by_card()
    assert sorted(share.amount_cents for share in desk.payment.invoices) == [5_000, 10_500]


async def test_one_invoice_a_sale_is_refused_clearly_either_way_round(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(billers=(TOWN,), rules=ProfileRules(several_invoices=False, numbers_end_in_type=True))
    for number in ("700-6", "701-6"):
        desk.enquiry.invoices[number] = FakeInvoice(5_000)
    desk.fill("permit")
    with pytest.raises(Refused, match="one invoice a sale"):
        desk.till.retrieving.add(await found(desk, "700-6"))
    desk.till.new_sale()
    await retrieve(desk, "700-6")
    with pytest.raises(Refused, match="one invoice a sale"):
        desk.till.add_fee("permit")
    with pytest.raises(Refused, match="one invoice a sale"):
        desk.till.retrieving.add(await found(desk, "701-6"))
    assert len(views(desk)) == 1


async def test_fees_of_another_biller_are_another_sale(desk: Desk) -> None:
    desk.enquiry.invoices[NUMBER] = FakeInvoice(5_000, biller="police")
    desk.fill("permit")
    with pytest.raises(Refused, match="different billers"):
        desk.till.retrieving.add(await found(desk))


# -- asked once more before it is charged --------------------------------------------------------------------


async def test_an_invoice_paid_meanwhile_is_refused_with_both_figures_and_nothing_is_launched(
    counter: Desk,
) -> None:
    await retrieve(counter)
    counter.enquiry.pay(NUMBER, 10_000)
    with pytest.raises(Changed, match=r"takes 100\.00 of it.*0\.00 \(paid already\) is due"):
        await counter.till.pay_by_card()
    assert counter.gateway.launched == []
    assert counter.state() is S.ABANDONED
    await counter.till.holding.release()
    assert await counter.holds.held() == []
    assert counter.receipts() == []


@pytest.mark.parametrize(("cents", "now"), [(3_000, "70.00"), (-1_500, "115.00")])
async def test_a_balance_that_changed_either_way_is_refused(counter: Desk, cents: int, now: str) -> None:
    await retrieve(counter)
    counter.enquiry.pay(NUMBER, cents)
    with pytest.raises(Changed, match=f"now says that {now} is due"):
        await counter.till.pay_by_card()
    assert counter.gateway.launched == []


async def test_an_invoice_that_is_gone_is_refused(counter: Desk) -> None:
    await retrieve(counter)
    del counter.enquiry.invoices[NUMBER]
    with pytest.raises(Changed, match="knows of no such invoice"):
        await counter.till.pay_by_card()


async def test_it_is_asked_with_the_hold_in_the_hand_and_once(counter: Desk) -> None:
    await retrieve(counter)
    counter.enquiry.looked_up.clear()
    held: list[bool] = []
    counter.enquiry.looked = lambda: held.append(("town", NUMBER.casefold()) in counter.holds.hub.live)
    await counter.till.pay_by_card()
    assert (held, counter.enquiry.looked_up) == ([True], [(NUMBER, "town")])
    assert len(counter.gateway.launched) == 1


@pytest.mark.parametrize("error", [Unavailable("not reached"), InDoubt("no answer"), TooBusy("busy")])
async def test_without_a_clear_answer_nothing_is_launched_and_the_same_may_be_tried_again(
    counter: Desk, error: Exception
) -> None:
    await retrieve(counter)
    counter.enquiry.errors = [error]  # type: ignore[list-item]
    with pytest.raises(Unavailable):
        await counter.till.pay_by_card()
    assert (counter.gateway.launched, counter.state()) == ([], S.ISSUED)
    await counter.till.try_again()
    assert counter.state() is S.OPEN
    assert len(counter.entries(EntryKind.PAYMENT_ISSUED)) == 1


async def test_typed_fees_are_not_asked_about(desk: Desk) -> None:
    await desk.open_page("permit")
    assert desk.enquiry.looked_up == []


async def test_a_given_number_of_a_file_that_was_paid_elsewhere_is_refused(desk: Desk) -> None:
    desk.enquiry.launch("700001", 10_000)
    desk.enquiry.pay("700001", 4_000)
    with pytest.raises(Changed, match=r"takes 100\.00 of it.*60\.00 is due"):
        await desk.till.pay_sale(partial_sale(desk))
    assert desk.gateway.launched == []


async def test_a_given_number_of_a_file_that_nobody_knows_yet_is_launched(desk: Desk) -> None:
    await desk.till.pay_sale(partial_sale(desk))
    assert desk.state() is S.OPEN


@pytest.mark.parametrize("own_account", [True, False])
async def test_a_chosen_part_is_known_as_paid_whichever_account_the_gateway_keeps(
    counter: Desk, own_account: bool
) -> None:
    """Of 100.00 due 40.00 are launched: the gateway may go on with its account, or begin a new one."""
    invoice = counter.enquiry.invoices[NUMBER]
    invoice.allow_partial = True
    line = await retrieve(counter)
    counter.till.retrieving.pay_of(line.number, "40.00")
    await counter.till.pay_by_card()
    if not own_account:
        counter.enquiry.launch(NUMBER, 4_000)
    counter.hint(PaymentEvent.PAGE_CLOSED)
    await counter.pass_time(20)
    assert counter.state() is S.IN_DOUBT, "nothing is paid yet"
    counter.enquiry.pay(NUMBER, 4_000)
    await counter.pass_time(120)
    assert counter.state() is S.APPROVED
    assert counter.payment.confirmed_cents == 4_000
    assert counter.receipts() == ["A-000001"]
    assert counter.discrepancies() == []


async def test_the_rest_of_one_paid_in_part_is_retrieved_and_paid_too(counter: Desk) -> None:
    invoice = counter.enquiry.invoices[NUMBER]
    invoice.allow_partial = True
    line = await retrieve(counter)
    counter.till.retrieving.pay_of(line.number, "40.00")
    await counter.till.pay_by_card()
    counter.enquiry.pay(NUMBER, 4_000)
    counter.approve(convenience_fee_cents=counter.payment.expected_fee_cents)
    await counter.till.holding.release()
    counter.till.new_sale()
    counter.till.set_customer(Customer("10042", "Robin Example"))
    assert (await retrieve(counter)).amount_cents == 6_000
    await counter.till.pay_by_card()
    counter.hint(PaymentEvent.PAGE_CLOSED)
    counter.enquiry.pay(NUMBER, 6_000)
    await counter.pass_time(120)
    assert (counter.state(), counter.payment.confirmed_cents) == (S.APPROVED, 6_000)
    assert counter.receipts() == ["A-000001", "A-000002"]
    assert counter.discrepancies() == []


# -- customers -----------------------------------------------------------------------------------------------

RECORD = FoundCustomer(
    "10042", "Robin Q. Example", "3 Sample Lane", "Sampletown", "FL", "32003", "", "robin@example.org"
)


async def test_a_record_fills_what_is_blank_and_tells_what_differs(desk: Desk) -> None:
    desk.enquiry.customers["10042"] = RECORD
    desk.till.set_customer(Customer("10042", "Robin Example", city="Sampletown"))
    lookup = await desk.till.retrieving.look_up_customer("10042")
    assert lookup.differences == ("Name: Robin Example → Robin Q. Example",)
    desk.till.retrieving.fill(lookup, overwrite=False)
    assert desk.till.snapshot().draft.customer == Customer(
        "10042", "Robin Example", "3 Sample Lane", "Sampletown", "FL", "32003", "robin@example.org"
    )
    desk.till.retrieving.fill(lookup, overwrite=True)
    assert desk.till.snapshot().draft.customer.name == "Robin Q. Example"


async def test_an_unknown_account_is_told_and_leaves_what_was_typed(desk: Desk) -> None:
    desk.till.set_customer(Customer("10099", "Robin Example"))
    lookup = await desk.till.retrieving.look_up_customer("10099")
    assert lookup.found is None and "knows of no account 10099" in lookup.sentence
    desk.till.retrieving.fill(lookup, overwrite=True)
    assert desk.till.snapshot().draft.customer == Customer("10099", "Robin Example")


async def test_a_late_answer_does_not_fill_another_account(desk: Desk) -> None:
    desk.enquiry.customers["10042"] = RECORD
    desk.till.set_customer(Customer("10042", ""))
    lookup = await desk.till.retrieving.look_up_customer("10042")
    desk.till.set_customer(Customer("20077", "Alex Sample"))
    with pytest.raises(Refused, match="changed meanwhile"):
        desk.till.retrieving.fill(lookup, overwrite=True)
    assert desk.till.snapshot().draft.customer == Customer("20077", "Alex Sample")


async def test_off_line_the_customer_is_simply_typed(desk: Desk) -> None:
    desk.enquiry.is_reachable = False
    desk.till.set_customer(Customer("10042", "Robin Example"))
    with pytest.raises(Unavailable):
        await desk.till.retrieving.look_up_customer("10042")
    assert desk.till.snapshot().draft.customer == Customer("10042", "Robin Example")
