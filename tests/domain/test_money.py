"""Amounts: in by one pattern, out by one formatter, rounded by a named rule."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cashier.domain.errors import Refused
from cashier.domain.money import (
    AMOUNT_MAX_CENTS,
    Rounding,
    format_cents,
    format_dollars,
    parse_cents,
    percent_exact,
    round_exact,
)


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("0", 0),
        ("0.01", 1),
        ("0.1", 10),
        ("145", 14500),
        ("145.5", 14550),
        ("145.50", 14550),
        ("0007.05", 705),
        ("9999999.99", AMOUNT_MAX_CENTS),
    ],
)
def test_an_amount_is_parsed_exactly(text: str, cents: int) -> None:
    assert parse_cents(text) == cents


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " 1",
            "1 ",
            "1\n",
            "-1",
            "+1",
            "1.",
            ".5",
            "1.234",
            "1,234.50",
            "1.234,50",
            "1e3",
            "NaN",
            "inf",
        ),
        *("$5", "10000000", "12345678.00", "٣", "１２", "1_0", "0x10", "1.5\x00", "--1", "1..5", "1" * 400),
    ],
)
def test_x5_anything_else_is_refused_never_guessed(text: str) -> None:
    with pytest.raises(Refused, match="is not an amount") as refused:
        parse_cents(text)
    assert len(refused.value.user_text) < 90


@given(st.integers(0, AMOUNT_MAX_CENTS))
def test_what_is_formatted_can_be_parsed(cents: int) -> None:
    assert parse_cents(format_cents(cents)) == cents
    assert parse_cents(format_dollars(cents).replace(",", "")) == cents


@pytest.mark.parametrize(
    ("cents", "plain", "people"),
    [
        (0, "0.00", "0.00"),
        (5, "0.05", "0.05"),
        (-5, "-0.05", "-0.05"),
        (-1205, "-12.05", "-12.05"),
        (123450, "1234.50", "1,234.50"),
        (-123456789, "-1234567.89", "-1,234,567.89"),
    ],
)
def test_amounts_are_written_with_two_decimals(cents: int, plain: str, people: str) -> None:
    assert (format_cents(cents), format_dollars(cents)) == (plain, people)


@pytest.mark.parametrize(
    ("exact", "half_up", "half_even", "up", "down"),
    [
        (Fraction(5, 2), 3, 2, 3, 2),
        (Fraction(7, 2), 4, 4, 4, 3),
        (Fraction(-5, 2), -3, -2, -2, -3),
        (Fraction(1, 3), 0, 0, 1, 0),
        (Fraction(2, 3), 1, 1, 1, 0),
        (Fraction(4), 4, 4, 4, 4),
        (7, 7, 7, 7, 7),
    ],
)
def test_every_rounding_has_a_name(
    exact: Fraction | int, half_up: int, half_even: int, up: int, down: int
) -> None:
    rules = (Rounding.HALF_UP, Rounding.HALF_EVEN, Rounding.UP, Rounding.DOWN)
    assert tuple(round_exact(exact, rule) for rule in rules) == (half_up, half_even, up, down)


@pytest.mark.parametrize(
    ("exact", "rule", "rounded"),
    [
        (Fraction(12349), Rounding.HALF_UP, 12300),
        (Fraction(12350), Rounding.HALF_UP, 12400),
        (Fraction(12350), Rounding.DOWN, 12300),
        (Fraction(12301), Rounding.UP, 12400),
        (Fraction(12250), Rounding.HALF_EVEN, 12200),
    ],
)
def test_whole_dollars_are_a_unit_of_a_hundred(exact: Fraction, rule: Rounding, rounded: int) -> None:
    assert round_exact(exact, rule, 100) == rounded


@given(
    st.fractions(min_value=-(10**9), max_value=10**9), st.sampled_from(Rounding), st.sampled_from([1, 5, 100])
)
def test_rounding_moves_less_than_a_unit_and_never_again(exact: Fraction, rule: Rounding, unit: int) -> None:
    rounded = round_exact(exact, rule, unit)
    assert rounded % unit == 0
    assert abs(rounded - exact) < unit
    assert round_exact(rounded, rule, unit) == rounded


def test_a_percentage_is_exact() -> None:
    assert percent_exact(14550, 250) == Fraction(1455, 4)
    assert percent_exact(1, 1) == Fraction(1, 10_000)
    assert percent_exact(0, 250) == 0
