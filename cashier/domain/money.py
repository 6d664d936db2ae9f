"""Money as integer cents.

Amounts enter by one bounded pattern, leave by one formatter, and never pass through a float. Names of
amounts end in `_cents`; percents are basis points (2.5 % is 250). Exact intermediate values are
`fractions.Fraction`; every rounding names its rule.
"""

import re
from enum import StrEnum
from fractions import Fraction
from math import ceil, floor
from typing import NewType

from cashier.domain.errors import Refused

Cents = NewType("Cents", int)

#: The largest amount one line, invoice or sale may carry: 9,999,999.99 (seven digits before the point).
AMOUNT_MAX_CENTS = 999_999_999

_AMOUNT = re.compile(r"(\d{1,7})(?:\.(\d{1,2}))?", re.ASCII)


class Rounding(StrEnum):
    """How an exact amount becomes whole units."""

    HALF_UP = "half_up"
    HALF_EVEN = "half_even"
    UP = "up"
    DOWN = "down"


def parse_cents(text: str) -> Cents:
    """Cents of a text such as `145.5`, `145.50` or `145`.

    Raises Refused for anything but `\\d{1,7}(\\.\\d{1,2})?` in ASCII digits.
    """
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise Refused(f"{text[:24]!r} is not an amount such as 145.50")
    whole, part = match.groups()
    return Cents(int(whole) * 100 + int((part or "0").ljust(2, "0")))


def format_cents(cents: int) -> str:
    """Plain text with two decimals: `-12.05`, `1234.50`."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def format_dollars(cents: int) -> str:
    """For people: `1,234.50`, `-12.05`."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def round_exact(amount: Fraction | int, rounding: Rounding, unit_cents: int = 1) -> Cents:
    """Round an exact amount of cents to a multiple of `unit_cents` (100 for whole dollars).

    Half up rounds away from zero, as a cashier does.
    """
    units = Fraction(amount) / unit_cents
    match rounding:
        case Rounding.UP:
            whole = ceil(units)
        case Rounding.DOWN:
            whole = floor(units)
        case Rounding.HALF_EVEN:
            whole = round(units)
        case Rounding.HALF_UP:
            whole = floor(abs(units) + Fraction(1, 2))
            whole = -whole if units < 0 else whole
    return Cents(whole * unit_cents)


def percent_exact(amount_cents: int, basis_points: int) -> Fraction:
    """`basis_points` of an amount, exact and unrounded, in cents."""
    return Fraction(amount_cents * basis_points, 10_000)
