"""A sale: fees into one invoice per invoice type, and sums."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from cashier.domain.money import Cents
from cashier.domain.sale import Customer, Fee, Invoice, Sale, TypedFee, group_by_type

DAY, DUE = dt.date(2026, 2, 3), dt.date(2026, 3, 5)


def _fee(number: int, cents: int) -> Fee:
    return Fee(f"F{number}", f"Fee {number}", Cents(cents))


def test_one_invoice_a_type_in_the_order_the_types_first_appear() -> None:
    one, two, three = _fee(1, 100), _fee(2, 250), _fee(3, 5)
    made = group_by_type([TypedFee(43, one), TypedFee(6, two), TypedFee(43, three)], DAY, DUE)
    assert made == (Invoice(None, 43, DAY, DUE, (one, three)), Invoice(None, 6, DAY, DUE, (two,)))


def test_no_fees_make_no_invoice() -> None:
    assert group_by_type([], DAY, DUE) == ()


@given(st.lists(st.tuples(st.sampled_from([6, 39, 43]), st.integers(0, 10**6))))
def test_no_cent_is_lost_or_made(typed: list[tuple[int, int]]) -> None:
    fees = [TypedFee(type_id, _fee(place, cents)) for place, (type_id, cents) in enumerate(typed)]
    sale = Sale("mcci", Customer("1", "Robin Example"), group_by_type(fees, DAY, DUE))
    assert sale.total_cents == sum(cents for _, cents in typed)
    assert sorted(fee.id for fee in sale.fees) == sorted(one.fee.id for one in fees)
    assert len({invoice.type_id for invoice in sale.invoices}) == len(sale.invoices)
    for invoice in sale.invoices:
        assert invoice.total_cents == sum(cents for type_id, cents in typed if type_id == invoice.type_id)
