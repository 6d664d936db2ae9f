"""How amounts are spread over invoices and fees: by the printed rule, to the cent."""

import datetime as dt
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cashier.domain.allocation import FeeShare, Share, allocate, due_shares, fee_shares
from cashier.domain.money import Cents
from cashier.domain.receipt import Receipt, Tender, TenderKind
from cashier.domain.sale import Customer, Fee, Invoice

DAY = dt.date(2026, 2, 3)


def _invoice(number: str, *amounts: int) -> Invoice:
    fees = (Fee(f"{number}-{place}", f"Fee {place}", Cents(cents)) for place, cents in enumerate(amounts))
    return Invoice(number, 6, DAY, DAY, tuple(fees))


INVOICES = (_invoice("a", 10_000, 2_500), _invoice("b", 4_001))

amounts = st.lists(st.integers(1, 99_999), min_size=1, max_size=5)
invoice_lists = st.lists(amounts, min_size=1, max_size=5).map(
    lambda lists: tuple(_invoice(f"i{place}", *cents) for place, cents in enumerate(lists))
)


def test_s2_a_part_goes_to_the_invoices_and_fees_in_their_order() -> None:
    shares = allocate(due_shares(INVOICES, {}), Cents(13_000))
    assert shares == (Share("a", Cents(12_500)), Share("b", Cents(500)))
    assert [share.amount_cents for share in fee_shares(INVOICES[0], Cents(0), Cents(11_000))] == [
        10_000,
        1_000,
    ]
    assert fee_shares(INVOICES[0], Cents(11_000), Cents(1_500)) == (
        FeeShare(INVOICES[0], INVOICES[0].fees[1], Cents(1_500)),
    )


def test_what_was_paid_before_is_not_due() -> None:
    assert due_shares(INVOICES, {"a": 12_000, "b": 5_000}) == (Share("a", Cents(500)), Share("b", Cents(0)))
    assert allocate(due_shares(INVOICES, {"a": 12_500}), Cents(1)) == (Share("b", Cents(1)),)


def test_more_than_an_invoice_asks_stays_with_its_last_fee() -> None:
    shares = fee_shares(INVOICES[0], Cents(12_000), Cents(1_000))
    assert [(share.fee.id, share.amount_cents) for share in shares] == [("a-1", 1_000)]


@given(invoice_lists, st.data())
def test_s2_no_cent_appears_or_vanishes_over_any_parts(
    invoices: tuple[Invoice, ...], data: st.DataObject
) -> None:
    total = sum(invoice.total_cents for invoice in invoices)
    cuts = sorted(data.draw(st.sets(st.integers(1, total - 1), max_size=6)) if total > 1 else ())
    paid: dict[str, int] = {}
    by_fee: dict[str, int] = {}
    for start, end in pairwise([0, *cuts, total]):
        part = end - start
        shares = allocate(due_shares(invoices, paid), Cents(part))
        assert sum(share.amount_cents for share in shares) == part
        for share in shares:
            invoice = next(item for item in invoices if item.number == share.number)
            found = fee_shares(invoice, Cents(paid.get(share.number, 0)), share.amount_cents)
            assert sum(item.amount_cents for item in found) == share.amount_cents
            for item in found:
                by_fee[item.fee.id] = by_fee.get(item.fee.id, 0) + item.amount_cents
            paid[share.number] = paid.get(share.number, 0) + share.amount_cents
    assert sum(paid.values()) == total
    assert by_fee == {fee.id: fee.amount_cents for invoice in invoices for fee in invoice.fees}


@given(invoice_lists, st.data())
def test_a_receipt_that_does_not_say_what_it_paid_is_read_by_the_rule(
    invoices: tuple[Invoice, ...], data: st.DataObject
) -> None:
    total = sum(invoice.total_cents for invoice in invoices)
    before = data.draw(st.integers(0, total - 1))
    part = data.draw(st.integers(1, total - before))
    receipt = Receipt(
        "A-000001",
        "s",
        "p",
        "r",
        "2026-02-03T15:04:05.123Z",
        "2026-02-03",
        "Town of Sampleton",
        "A",
        "Kim Clerk",
        Customer("1", "Robin Example"),
        None,
        invoices,
        (Tender(TenderKind.CARD, Cents(part)),),
        training=False,
        paid_before_cents=Cents(before),
    )
    assert sum(share.amount_cents for share in receipt.fee_shares) == part
