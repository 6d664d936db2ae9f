"""Fee schedules: the fees a counter may charge, and finding the one that is meant.

A `Schedule` is a list of fees, each with one rule:

    Flat      one amount
    PerUnit   a price for each unit, some units included, the price may switch with the quantity
    Tiered    a base, and a rate per step over an edge, by a measure such as the valuation of the work
    Percent   a share of other fees on the same sale, perhaps with a minimum; surcharges are this rule

Amounts are cents. A measure (dollars of valuation, square feet, pages) is a whole number of hundredths of
its unit, so a valuation is in cents and 5,000 square feet are 500,000. Nothing here knows files or the
clock: the business date is an argument. `cashier.schedules` reads the files, `cashier.domain.pricing`
prices.
"""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from enum import StrEnum
from fractions import Fraction
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

from cashier.domain.errors import Refused
from cashier.domain.money import Cents, Rounding

#: What the GL accounts of the schedules that ship with the till start with until an office writes its own.
PLACEHOLDER_ACCOUNT = "SAMPLE-"

_MEASURE = re.compile(r"(\d{1,3}(?:,\d{3}){1,3}|\d{1,10})(?:\.(\d{1,2}))?", re.ASCII)
_WORD = re.compile(r"[^\W_]+")


# --- the values of a schedule -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Measure:
    """What a tiered fee goes by. `unit` `dollars` makes it money; `whole` allows no fraction."""

    name: str
    label: str
    unit: str
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Flat:
    """One amount, whatever the size of the work."""

    amount_cents: Cents


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """The price of every charged unit while the quantity is at most `up_to` (None: without limit)."""

    price_cents: Fraction
    up_to: int | None = None


@dataclass(frozen=True, slots=True)
class PerUnit:
    """A price for each unit. `units` is their plural name; the first `included` units cost nothing.

    The whole quantity picks the price, and that price holds for every charged unit.
    """

    units: str
    prices: tuple[UnitPrice, ...]
    included: int = 0

    @property
    def measure_name(self) -> str:
        """The measure by which the quantity may be stated as well: `linear feet` is `linear_feet`."""
        return self.units.replace(" ", "_")


class Step(StrEnum):
    """How a started step counts: `per 1,000 or fraction thereof`, or in proportion."""

    OR_FRACTION = "or_fraction"
    PROPORTIONAL = "proportional"


@dataclass(frozen=True, slots=True)
class Rate:
    """`amount_cents` for each `per` (hundredths of the measure's unit) above `counted_over`."""

    amount_cents: Fraction
    per: int
    counted_over: int
    step: Step


@dataclass(frozen=True, slots=True)
class Tier:
    """Holds for values above `over` up to and including `up_to` (hundredths; None: without limit)."""

    over: int
    up_to: int | None
    base_cents: Cents
    rate: Rate | None = None


@dataclass(frozen=True, slots=True)
class Tiered:
    """Tiers without gap or overlap, ascending: a value falls into exactly one. `lowest` is the smallest
    value accepted, in hundredths; anything below is refused."""

    measure: Measure
    tiers: tuple[Tier, ...]
    lowest: int


@dataclass(frozen=True, slots=True)
class Percent:
    """A share of the fees `of` that are on the same sale, at least `minimum_cents`.

    With none of them on the sale the fee is refused, or costs its minimum when `minimum_alone` says so.
    """

    basis_points: int
    of: tuple[str, ...]
    minimum_cents: Cents | None = None
    minimum_alone: bool = False


Rule = Flat | PerUnit | Tiered | Percent


@dataclass(frozen=True, slots=True)
class Period:
    """The business dates on which something is in force, both ends included; None is open."""

    first: dt.date | None = None
    last: dt.date | None = None

    def covers(self, on: dt.date) -> bool:
        """Whether the business date lies in the period."""
        return (self.first is None or self.first <= on) and (self.last is None or on <= self.last)

    def overlaps(self, other: "Period") -> bool:
        """Whether some business date lies in both."""
        firsts = [period.first for period in (self, other) if period.first is not None]
        lasts = [period.last for period in (self, other) if period.last is not None]
        return not firsts or not lasts or max(firsts) <= min(lasts)

    def __str__(self) -> str:
        first = f"from {self.first}" if self.first else ""
        last = f"until {self.last}" if self.last else ""
        return f"{first} {last}".strip() or "always"


@dataclass(frozen=True, slots=True)
class ScheduledFee:
    """A fee as its schedule states it. `type_id` is the invoice type (Invoice Cloud contract, section 1)."""

    code: str
    name: str
    rule: Rule
    type_id: int
    gl_account: str
    external_charge_code: str | None = None
    refundable: bool = True
    category: str = ""
    search_words: tuple[str, ...] = ()
    rounding: Rounding = Rounding.HALF_UP
    round_to_cents: int = 1
    period: Period = Period()


@dataclass(frozen=True)
class Schedule:
    """A fee schedule. A code may stand for several fees as long as their periods do not overlap;
    `in_force` leaves at most one of each.

    `ends` names files of the same schedule, without `.toml`, that are in force no longer from this one's
    first day on (`domain.schedule_files`).

    Raises Refused when percentages go in a circle.
    """

    name: str
    title: str
    fees: tuple[ScheduledFee, ...]
    source: str = ""
    period: Period = Period()
    ends: tuple[str, ...] = ()
    _by_code: Mapping[str, tuple[ScheduledFee, ...]] = field(init=False, repr=False, compare=False)
    rank_by_code: Mapping[str, int] = field(init=False, repr=False, compare=False)
    index: tuple["Entry", ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_code: dict[str, tuple[ScheduledFee, ...]] = {}
        graph: dict[str, tuple[str, ...]] = {}
        for fee in self.fees:
            by_code[fee.code] = (*by_code.get(fee.code, ()), fee)
            graph[fee.code] = graph.get(fee.code, ()) + bases_of(fee)
        if circles := cycles(graph):
            told = "; ".join(" → ".join(circle) for circle in circles)
            raise Refused(f"{self.name}: circular percentage {told}")
        order = TopologicalSorter(graph).static_order()
        object.__setattr__(self, "_by_code", by_code)
        object.__setattr__(self, "rank_by_code", {code: rank for rank, code in enumerate(order)})
        object.__setattr__(self, "index", tuple(_entry(fee) for fee in self.fees))

    def fee(self, code: str) -> ScheduledFee:
        """The fee of that code. Raises Refused when there is none, or several and no date to choose by."""
        match self._by_code.get(code, ()):
            case (fee,):
                return fee
            case ():
                near = get_close_matches(code, self._by_code, 1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise Refused(f"fee schedule {self.name} has no fee {code[:40]!r}{hint}")
            case several:
                periods = ", ".join(str(fee.period) for fee in several)
                raise Refused(f"fee {code} has several versions ({periods}); choose a business date")

    def __contains__(self, code: object) -> bool:
        return code in self._by_code


def in_force(schedule: Schedule, on: dt.date) -> Schedule:
    """The schedule as it stands on a business date, without fees of other times.

    Raises Refused when the schedule itself is not in force then.
    """
    if not schedule.period.covers(on):
        raise Refused(f"fee schedule {schedule.name} is in force {schedule.period}, not on {on}")
    return replace(schedule, fees=tuple(fee for fee in schedule.fees if fee.period.covers(on)))


def cycles(graph: Mapping[str, Iterable[str]]) -> tuple[tuple[str, ...], ...]:
    """The circles in which codes are percentages of each other, each as `(a, b, a)`."""
    left: dict[str, Iterable[str]] = dict(graph)
    found: list[tuple[str, ...]] = []
    while True:
        try:
            TopologicalSorter(left).prepare()
        except CycleError as error:
            circle = list(reversed(error.args[1][1:]))
            start = circle.index(min(circle))
            circle = circle[start:] + circle[:start]
            found.append((*circle, circle[0]))
            del left[circle[0]]
        else:
            return tuple(found)


# --- what to ask for ----------------------------------------------------------------------------------


def bases_of(fee: ScheduledFee) -> tuple[str, ...]:
    """The codes of the fees that this fee is a percentage of."""
    return fee.rule.of if isinstance(fee.rule, Percent) else ()


def measures_of(fee: ScheduledFee) -> tuple[Measure, ...]:
    """The measures that a line of this fee must state."""
    return (fee.rule.measure,) if isinstance(fee.rule, Tiered) else ()


def units_of(fee: ScheduledFee) -> str | None:
    """What a line of this fee counts, in the plural (`inspections`), or None when it has no quantity."""
    return fee.rule.units if isinstance(fee.rule, PerUnit) else None


def context_measures_of(schedule: Schedule, code: str) -> tuple[Measure, ...]:
    """The measures from which a percentage can be priced while its one base fee is not on the sale."""
    fee = schedule.fee(code)
    bases = bases_of(fee)
    if len(bases) != 1 or bases[0] not in schedule:
        return ()
    base = schedule.fee(bases[0])
    return measures_of(base) or context_measures_of(schedule, base.code)


def parse_measure(measure: Measure, text: str) -> int:
    """Hundredths of a text such as `25500`, `25,500.00` or, for dollars, `$25,500`.

    Raises Refused for anything else, for a fraction of a whole measure, and above 9,999,999,999.99.
    """
    plain = text.strip().removeprefix("$") if measure.unit == "dollars" else text.strip()
    match = _MEASURE.fullmatch(plain)
    if match is None:
        example = "25500 or 25,500.00" if measure.unit == "dollars" else "120"
        raise Refused(f"{measure.label}: {text[:24]!r} is not a number of {measure.unit} such as {example}")
    digits, part = match.groups()
    value = int(digits.replace(",", "")) * 100 + int((part or "0").ljust(2, "0"))
    if value >= 10**12:
        raise Refused(f"{measure.label}: {text[:24]} is more than 9,999,999,999.99 {measure.unit}")
    if measure.whole and value % 100:
        raise Refused(f"{measure.label}: {text[:24]} is not a whole number of {measure.unit}")
    return value


# --- search ------------------------------------------------------------------------------------------


class Entry(NamedTuple):
    """A fee's words, each after one blank, so that ` roo` in a line finds the start of a word."""

    code: str
    name: str
    words: str


def _entry(fee: ScheduledFee) -> Entry:
    code, name = _words(fee.code), _words(fee.name)
    return Entry(code, name, code + name + _words(" ".join((*fee.search_words, fee.category))))


def search(schedule: Schedule, text: str, limit: int | None = None) -> tuple[ScheduledFee, ...]:
    """Fees in which every typed word begins a word of code, name, category or search words; case-blind.

    The very code or name comes first, then codes and names that begin so, then words of either, then the
    rest; the schedule's own order within each. An empty text finds every fee.
    """
    typed = _words(text)
    words = [f" {word}" for word in typed.split()]
    if text.strip() and not words:
        return ()
    found: list[tuple[int, int]] = []
    for position, entry in enumerate(schedule.index):
        if all(word in entry.words for word in words):
            if typed in (entry.code, entry.name):
                rank = 0
            elif entry.name.startswith(typed) or entry.code.startswith(typed):
                rank = 1
            else:
                rank = 2 if all(word in entry.name or word in entry.code for word in words) else 3
            found.append((rank if words else 0, position))
    return tuple(schedule.fees[position] for _, position in sorted(found)[:limit])


def _words(text: str) -> str:
    return "".join(f" {word}" for word in _WORD.findall(text.casefold()))
