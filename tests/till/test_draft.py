"""The sale being put together: lines, prices, what may be changed and when."""

from collections.abc import Callable

import pytest

from cashier.domain.entries import EntryKind
from cashier.domain.errors import Refused, Unavailable
from cashier.domain.payment import PaymentEvent, PaymentState
from cashier.domain.sale import Customer, Permit
from cashier.domain.scrub import scrub_card_numbers
from cashier.till.config import Reader
from cashier.till.draft import LINES_MAX
from cashier.till.draft import Draft as SaleDraft
from tests.till.conftest import LANE, SCHEDULE, SWIPE, Desk

E = PaymentEvent


def _amounts(desk: Desk) -> list[int]:
    views = desk.till.snapshot().draft.invoices
    return [line.priced.amount_cents for view in views for line in view.lines]


# -- lines -------------------------------------------------------------------------------------------------


def test_fees_become_one_invoice_a_type_with_sums(desk: Desk) -> None:
    desk.fill("permit", "plan", "visit")
    draft = desk.till.snapshot().draft
    assert [(view.type_id, view.type_name, view.total_cents) for view in draft.invoices] == [
        (6, "Building", 13_150),
        (93, "Planning", 4_000),
    ]
    assert (draft.total_cents, draft.due_cents, draft.paid_cents) == (17_150, 17_150, 0)
    assert draft.service_fee_cents == 429


def test_a_percentage_follows_the_fees_it_is_of(desk: Desk) -> None:
    desk.fill("permit", "tech")
    assert _amounts(desk) == [10_000, 500]
    desk.till.add_fee("visit", 2)
    assert _amounts(desk) == [10_000, 815, 6_300]
    line = desk.till.snapshot().draft.invoices[0].lines[2]
    desk.till.change_fee(line.number, 4, {})
    assert _amounts(desk) == [10_000, 1_130, 12_600]
    desk.till.remove_fee(line.number)
    assert _amounts(desk) == [10_000, 500]


def test_a_refused_change_leaves_the_sale_as_it_was(desk: Desk) -> None:
    desk.fill("permit", "tech")
    before = desk.till.snapshot()
    line = before.draft.invoices[0].lines[0]
    changes: tuple[Callable[[], None], ...] = (
        lambda: desk.till.remove_fee(line.number),
        lambda: desk.till.add_fee("visit", 0),
        lambda: desk.till.add_fee("visit", -3),
        lambda: desk.till.add_fee("permit", 2),
        lambda: desk.till.add_fee("no-such-fee"),
        lambda: desk.till.change_fee(line.number, 7, {}),
        lambda: desk.till.change_fee(99, 1, {}),
    )
    for change in changes:
        with pytest.raises(Refused):
            change()
        assert desk.till.snapshot() == before


def test_a_line_keeps_its_number_and_a_number_is_never_used_again(desk: Desk) -> None:
    desk.fill("permit", "visit", "plan")
    desk.till.remove_fee(2)
    desk.till.add_fee("visit")
    numbers = [line.number for view in desk.till.snapshot().draft.invoices for line in view.lines]
    assert sorted(numbers) == [1, 3, 4]


def test_a_preview_prices_without_changing(desk: Desk) -> None:
    desk.fill("permit", "tech")
    before = desk.till.snapshot()
    assert desk.till.preview("visit", 3, {}) == 9_450
    assert desk.till.preview("permit", 1, {}, changing=1) == 10_000
    with pytest.raises(Refused):
        desk.till.preview("visit", 0, {})
    assert desk.till.snapshot() == before
    desk.till.add_fee("visit", 3)
    assert desk.till.preview("visit", 1, {}, changing=3) == 3_150


def test_a_sale_has_a_limit_of_lines(desk: Desk) -> None:
    for _ in range(LINES_MAX):
        desk.till.add_fee("visit")
    with pytest.raises(Refused, match=f"at most {LINES_MAX} fees"):
        desk.till.add_fee("visit")
    assert len(_amounts(desk)) == LINES_MAX


def test_fees_are_found_priced_and_asked_about(desk: Desk) -> None:
    assert [fee.code for fee in desk.till.search_fees("plan rev")] == ["plan"]
    assert (desk.till.quick_price("permit"), desk.till.quick_price("visit")) == ("100.00", "31.50 each")
    asked = desk.till.asks("visit")
    assert (asked.name, asked.units, asked.measures) == ("Inspection", "visits", ())
    assert desk.till.asks("permit").units == ""


def test_the_fee_of_a_line_says_its_quantity(desk: Desk) -> None:
    draft = SaleDraft("s1", SCHEDULE).add("visit", 3, {}).add("coded", 1, {})
    (invoice,) = draft.sale("mcci", desk.clock.today()).invoices
    assert [(fee.id, fee.name, fee.amount_cents) for fee in invoice.fees] == [
        ("visit-1", "Inspection × 3", 9_450),
        ("coded-2", "Road fee", 2_500),
    ]
    assert invoice.fees[1].external_charge_code == "ROW-01"
    assert invoice.fees[1].gl_account == "GL-6"
    assert invoice.date == invoice.due_date == desk.clock.today()


# -- numbers -----------------------------------------------------------------------------------------------


async def test_what_has_no_number_gets_one_of_the_till_and_the_sale(desk: Desk) -> None:
    desk.fill("permit", "plan", account="")
    await desk.till.pay_by_card()
    sale = desk.journal.sale(desk.payment.sale_id)
    assert sale is not None
    stem = sale.customer.account_number
    assert stem.startswith("A")
    assert [invoice.number for invoice in sale.invoices] == [f"{stem}-6", f"{stem}-93"]
    assert [share.number for share in desk.payment.invoices] == [f"{stem}-6", f"{stem}-93"]


async def test_made_up_numbers_are_never_taken_for_card_numbers(desk: Desk) -> None:
    """48 bits in hex may all be decimal digits; with the type id that would be 13 or more in a row."""
    for tail in ("411111111111", "000000000000", "999999999999", "123456789012"):
        stem = desk.till._stem(f"0190c4d2-a7b8-7c3e-9f00-{tail}")
        assert tail[:6] in stem
        assert tail[6:] in stem
        for type_id in (6, 43, 999_999):
            number = f"{stem}-{type_id}"
            assert scrub_card_numbers(number) == number


async def test_a_given_account_number_is_kept(desk: Desk) -> None:
    await desk.open_page()
    sale = desk.journal.sale(desk.payment.sale_id)
    assert sale is not None
    assert sale.customer.account_number == "10042"


async def test_a_permit_system_with_accounts_of_its_own_needs_one(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(account_required=True)
    desk.fill(account="")
    with pytest.raises(Refused, match="needs the customer's account number"):
        await desk.till.pay_by_card()
    assert desk.entries() == []
    desk.till.set_customer(Customer("BU5-00001", "Robin Example"))
    await desk.till.pay_by_card()
    assert desk.state() is PaymentState.OPEN


# -- readers -----------------------------------------------------------------------------------------------


def _chosen(desk: Desk) -> Reader | None:
    view = desk.till.snapshot().draft.reader
    return view.reader if view else None


def test_d2_among_several_readers_the_clerk_chooses(desk: Desk) -> None:
    assert desk.till.snapshot().draft.reader is None
    desk.till.choose_reader("swipe")
    assert _chosen(desk) == SWIPE
    with pytest.raises(Refused, match="not set up"):
        desk.till.choose_reader("another")
    assert _chosen(desk) == SWIPE
    desk.till.choose_reader(None)
    assert desk.till.snapshot().draft.reader is None


def test_the_only_reader_is_chosen_at_once(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(readers=(LANE,))
    assert _chosen(desk) == LANE


# -- what may be changed when ------------------------------------------------------------------------------

_EDITS: dict[str, Callable[[Desk], None]] = {
    "add": lambda desk: desk.till.add_fee("visit"),
    "change": lambda desk: desk.till.change_fee(2, 5, {}),
    "remove": lambda desk: desk.till.remove_fee(1),
    "customer": lambda desk: desk.till.set_customer(Customer("1", "Another Example")),
    "permit": lambda desk: desk.till.set_permit(Permit("BP-2", "Shed")),
}


@pytest.mark.parametrize("edit", _EDITS.values(), ids=_EDITS)
@pytest.mark.parametrize("event", [None, E.PAGE_CLOSED])
async def test_p5_a_sale_whose_payment_is_not_settled_cannot_be_changed(
    desk: Desk, edit: Callable[[Desk], None], event: PaymentEvent | None
) -> None:
    await desk.open_page("permit", "visit")
    if event is not None:
        desk.hint(event)
    before = desk.till.snapshot()
    assert before.draft.is_locked
    with pytest.raises(Refused, match="cannot be changed now"):
        edit(desk)
    assert desk.till.snapshot() == before


@pytest.mark.parametrize("edit", _EDITS.values(), ids=_EDITS)
async def test_a_paid_sale_cannot_be_changed(desk: Desk, edit: Callable[[Desk], None]) -> None:
    await desk.open_page("permit", "visit")
    desk.approve()
    with pytest.raises(Refused, match="Start a new sale"):
        edit(desk)
    assert desk.till.snapshot().draft.card_refusal == "This sale is paid."


@pytest.mark.parametrize("edit", _EDITS.values(), ids=_EDITS)
async def test_a_change_after_a_decline_makes_another_sale(desk: Desk, edit: Callable[[Desk], None]) -> None:
    first = await desk.open_page("permit", "visit")
    desk.decline()
    await desk.close_declined()
    edit(desk)
    assert desk.till.snapshot().draft.sale_id != first.sale_id
    assert desk.till.current_reference is None
    await desk.till.pay_by_card()
    assert desk.payment.sale_id != first.sale_id
    recorded = desk.journal.sale(first.sale_id)
    assert recorded is not None
    assert recorded.total_cents == 13_150, "what was sent stays as it was"
    assert len(desk.entries(EntryKind.SALE_RECORDED)) == 2


async def test_setting_what_stands_there_already_changes_nothing(desk: Desk) -> None:
    """Leaving a field tells the till again what is in it."""
    first = await desk.open_page()
    view = desk.till.snapshot().draft
    told = desk.told
    for _ in ("locked", "declined"):
        desk.till.set_customer(view.customer)
        desk.till.set_permit(view.permit)
        assert desk.till.current_reference == first.reference
        assert desk.till.snapshot().draft.sale_id == first.sale_id
        assert desk.told == told
        desk.decline()
        await desk.close_declined()
        told = desk.told


# -- a new sale --------------------------------------------------------------------------------------------


async def test_a_new_sale_is_empty_and_of_its_own(desk: Desk) -> None:
    first = await desk.open_page()
    desk.approve()
    desk.till.new_sale()
    snapshot = desk.till.snapshot()
    assert snapshot.draft.is_empty
    assert not snapshot.draft.is_locked
    assert snapshot.draft.sale_id != first.sale_id
    assert (snapshot.payment, snapshot.receipt) == (None, None)
    assert [receipt.number for receipt in snapshot.recent] == ["A-000001"]


async def test_no_new_sale_while_a_page_is_before_the_payer(desk: Desk) -> None:
    await desk.open_page()
    with pytest.raises(Refused, match="still open"):
        desk.till.new_sale()
    desk.hint(E.PAGE_CLOSED)
    desk.till.new_sale()
    assert len(desk.till.snapshot().unsettled) == 1, "the doubt stays on the list"


async def test_another_payment_is_not_shown_over_an_open_page(desk: Desk) -> None:
    first = await desk.open_page()
    desk.hint(E.PAGE_CLOSED)
    desk.till.new_sale()
    second = await desk.open_page("plan")
    with pytest.raises(Refused, match="still open"):
        desk.till.show_payment(first.reference)
    desk.till.show_payment(second.reference)
    with pytest.raises(Refused, match="still open"):
        desk.till.new_sale()
    desk.hint(E.PAGE_RETURNED)
    desk.till.show_payment(first.reference)
    assert desk.payment.reference == first.reference
    with pytest.raises(Refused, match="not in this till's journal"):
        desk.till.show_payment("A-unknown")


async def test_an_unopened_payment_of_an_earlier_sale_can_be_gone_on_with(desk: Desk) -> None:
    desk.fill()
    desk.gateway.errors = [Unavailable("Never sent.")]
    with pytest.raises(Unavailable):
        await desk.till.pay_by_card()
    first = desk.payment
    desk.till.new_sale()
    desk.fill("plan")
    desk.till.show_payment(first.reference)
    await desk.till.try_again()
    assert desk.payment.reference == first.reference
    assert desk.state() is PaymentState.OPEN
    assert _amounts(desk) == [4_000], "the draft is another matter"
