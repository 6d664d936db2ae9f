"""The receipt: its number and its sums."""

from dataclasses import replace

import pytest

from cashier.domain.money import Cents
from cashier.domain.receipt import Tender, TenderKind, receipt_number
from tests.fakes.entries import make_receipt, make_sale


@pytest.mark.parametrize(
    ("till", "sequence", "number"),
    [
        ("A", 1, "A-000001"),
        ("A", 123, "A-000123"),
        ("QB", 999_999, "QB-999999"),
        ("A", 1_000_000, "A-1000000"),
    ],
)
def test_r1_a_number_is_the_tills_code_and_sequence(till: str, sequence: int, number: str) -> None:
    assert receipt_number(till, sequence) == number


@pytest.mark.parametrize("sequence", [0, -1])
def test_sequences_start_at_one(sequence: int) -> None:
    with pytest.raises(ValueError, match="start at 1"):
        receipt_number("A", sequence)


def test_the_sums_of_a_whole_payment() -> None:
    receipt = make_receipt("s1", make_sale())
    assert (receipt.total_cents, receipt.paid_cents, receipt.service_fee_cents) == (22418, 22418, 561)
    assert (receipt.due_cents, receipt.is_part) == (0, False)


def test_p14_a_part_leaves_the_rest_due() -> None:
    receipt = make_receipt("s1", make_sale(), paid_cents=4000)
    assert (receipt.paid_cents, receipt.due_cents, receipt.is_part) == (4000, 18418, True)
    rest = replace(make_receipt("s1", make_sale(), paid_cents=18418), paid_before_cents=Cents(4000))
    assert (rest.paid_cents, rest.due_cents, rest.is_part) == (18418, 0, False)


def test_several_tenders_add_up() -> None:
    tenders = (
        Tender(TenderKind.CARD, Cents(20000), Cents(500), "VISA"),
        Tender(TenderKind.BANK, Cents(2418), Cents(61)),
    )
    receipt = replace(make_receipt("s1", make_sale()), tenders=tenders)
    assert (receipt.paid_cents, receipt.service_fee_cents, receipt.due_cents) == (22418, 561, 0)


def test_more_than_was_due_shows_below_zero() -> None:
    receipt = replace(make_receipt("s1", make_sale()), paid_before_cents=Cents(22418))
    assert receipt.due_cents == -22418
    assert not receipt.is_part
