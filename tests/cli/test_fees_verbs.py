"""`fees list` and `fees price`: the total is the last amount, and every bad number is one line."""

import pytest

from .conftest import Cashier

LAKELAND = ("--schedule", "lakeland")


@pytest.mark.parametrize(
    ("words", "total"),
    [
        (("--fee", "building-permit", "--valuation", "25500"), "147.68"),
        (("--fee", "building-permit", "--valuation", "$25,500.00"), "147.68"),
        (("--fee", "building-permit", "--measure", "valuation=25500"), "147.68"),
        # A share of a fee that is not on the sale is priced from that fee's measures.
        (("--fee", "plan-review-residential", "--valuation", "25500"), "36.92"),
        (("--fee", "building-permit", "--fee", "plan-review-residential", "--valuation", "25500"), "184.60"),
    ],
)
def test_the_total_is_the_last_amount(words: tuple[str, ...], total: str, cashier: Cashier) -> None:
    ended = cashier("fees", "price", *LAKELAND, *words)
    assert (ended.code, ended.err) == (0, ())
    assert ended.lines[-1] == f"Total {total}"


def test_several_fees_take_what_each_asks_for(cashier: Cashier) -> None:
    both = ("--fee", "building-permit", "--fee", "additional-inspection", "--valuation", "25500")
    one = cashier("fees", "price", *LAKELAND, *both).lines
    three = cashier("fees", "price", *LAKELAND, *both, "--quantity", "3").lines
    assert (one[-1], three[-1]) == ("Total 179.18", "Total 242.18")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--fee", "building-permit", "--valuation", "abc"), "Valuation of the work: 'abc' is not a number"),
        (("--fee", "building-permit", "--valuation", "-1"), "Valuation of the work: '-1' is not a number"),
        (("--fee", "building-permit", "--valuation", "1e9"), "Valuation of the work: '1e9' is not a number"),
        (("--fee", "building-permit", "--valuation", ""), "Valuation of the work: '' is not a number"),
        (("--fee", "building-permit"), "Building permit by valuation: say the valuation"),
        (
            ("--fee", "building-permit", "--quantity", "0"),
            "cashier fees price: Invalid value for '--quantity'",
        ),
        (
            ("--fee", "building-permit", "--valuation", "9", "--quantity", "2"),
            "Building permit by valuation is",
        ),
        (("--fee", "nosuch"), "fee schedule lakeland has no fee 'nosuch'"),
        (
            ("--fee", "building-permit", "--measure", "moons=1"),
            "Building permit by valuation takes no 'moons'",
        ),
        (("--fee", "building-permit", "--measure", "valuation"), "--measure 'valuation': is not name=N"),
        (("--fee", "building-permit", "--measure", "=1"), "--measure '=1': is not name=N"),
        (
            ("--fee", "building-permit", "--valuation", "1", "--measure", "Valuation=2"),
            "--measure 'valuation': is given twice",
        ),
        (
            (
                "--fee",
                "building-permit",
                "--fee",
                "additional-inspection",
                "--valuation",
                "9",
                "--measure",
                "x=1",
            ),
            "--measure 'x': none of these fees takes it",
        ),
        (
            ("--fee", "building-permit", "--fee", "state-surcharge", "--valuation", "9", "--quantity", "2"),
            "--quantity 2: none of these fees takes a quantity",
        ),
        ((), "cashier fees price: Missing option '--fee'"),
    ],
)
def test_a_bad_price_question_is_one_line(words: tuple[str, ...], told: str, cashier: Cashier) -> None:
    ended = cashier("fees", "price", *LAKELAND, *words)
    assert (ended.code, ended.out, len(ended.err)) == (2, b"", 1)
    assert ended.err[0].startswith(told)


@pytest.mark.parametrize("verb", [("list",), ("price", "--fee", "x")])
def test_an_unknown_schedule(verb: tuple[str, ...], cashier: Cashier) -> None:
    for name in ("nosuch", "../schedules/lakeland", ""):
        ended = cashier("fees", verb[0], "--schedule", name, *verb[1:])
        assert (ended.code, ended.out, len(ended.err)) == (2, b"", 1)
        assert "there are: generic, lakeland, oshtemo, police" in ended.err[0]


def test_a_date_that_is_none(cashier: Cashier) -> None:
    ended = cashier("fees", "list", *LAKELAND, "--on", "2026-02-30")
    assert (ended.code, ended.out, len(ended.err)) == (2, b"", 1)


@pytest.mark.parametrize("schedule", ["generic", "lakeland", "oshtemo", "police"])
def test_list_names_every_fee_with_a_price(schedule: str, cashier: Cashier) -> None:
    from cashier.adapters import schedule_on
    from cashier.clock import SystemClock

    ended = cashier("fees", "list", "--schedule", schedule)
    fees = schedule_on(schedule, SystemClock().today()).fees
    assert (ended.code, ended.err, len(ended.lines)) == (0, (), len(fees))
    for fee, line in zip(fees, ended.lines, strict=True):
        assert line.startswith(fee.code)
        assert fee.name in line
