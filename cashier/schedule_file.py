"""What a fee schedule file may say: its members, and what they say about each other.

The format is described in `resources/schedules/README.md`. Two passes look at a file: pydantic reads each
member by itself, then `cross_faults` compares members, on whatever the first pass could read, so that one
mistake does not hide the next. `cashier.schedules` opens the files and words the faults.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from fractions import Fraction
from typing import Annotated, Any, Literal, TypeGuard, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from cashier.domain.errors import Refused
from cashier.domain.fees import (
    Flat,
    Measure,
    Percent,
    Period,
    PerUnit,
    Rate,
    Rule,
    Step,
    Tier,
    Tiered,
    UnitPrice,
    cycles,
    parse_measure,
)
from cashier.domain.money import Cents, format_dollars, parse_cents

TEXT_LENGTH_MAX = 120

_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_RATE = re.compile(r"\d{1,7}(\.\d{1,4})?", re.ASCII)
_PERCENT = re.compile(r"\d{1,3}(\.\d{1,2})?", re.ASCII)
_ANY_MEASURE = Measure("any", "measure", "dollars")

#: Where a fault is (`tiers`, 1, `up_to`), and why it is one.
Fault = tuple[tuple[str | int, ...], str]


# --- one member at a time -----------------------------------------------------------------------------


def _wrong(reason: str) -> PydanticCustomError:
    return PydanticCustomError("schedule", "{reason}", {"reason": reason})


def _amount(value: object) -> Cents:
    if not isinstance(value, str):
        raise _wrong('must be an amount in quotes such as "40.50"')
    if value.startswith("-"):
        raise _wrong("must not be negative")
    try:
        return parse_cents(value)
    except Refused as refused:
        raise _wrong(refused.user_text) from refused


def _rate(value: object) -> Fraction:
    if not isinstance(value, str):
        raise _wrong('must be an amount in quotes such as "4.73" or "0.0075"')
    if value.startswith("-"):
        raise _wrong("must not be negative")
    if not _RATE.fullmatch(value):
        raise _wrong(f"{value[:24]!r} is not an amount such as 4.73 or 0.0075 (four decimals at most)")
    return Fraction(value) * 100


def _basis_points(value: object) -> int:
    if not isinstance(value, str) or not _PERCENT.fullmatch(value) or Fraction(value) == 0:
        raise _wrong('must be a percentage above 0 in quotes such as "2.5" (two decimals at most)')
    return int(Fraction(value) * 100)


def _measured(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise _wrong('must be a whole number or text in quotes, such as 1000 or "1,000.00"')
    if str(value).startswith("-"):
        raise _wrong("must not be negative")
    try:
        return parse_measure(_ANY_MEASURE, str(value))
    except Refused as refused:
        raise _wrong(f'{str(value)[:24]!r} is not a number such as 1000 or "1,000.00"') from refused


def _step_size(value: object) -> int:
    size = _measured(value)
    if size == 0:
        raise _wrong("must be more than 0")
    return size


def _date(value: object) -> dt.date:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return dt.date.fromisoformat(value)
        except ValueError as error:
            raise _wrong(f"{value} is not a day of the calendar") from error
    raise _wrong("must be a date such as 2025-01-01")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _wrong("must be text in quotes")
    if not value.strip() or value != value.strip():
        raise _wrong("must not be empty or begin or end with a blank")
    if len(value) > TEXT_LENGTH_MAX or not value.isprintable():
        raise _wrong(f"must be one line of at most {TEXT_LENGTH_MAX} characters, without control characters")
    return value


Amount = Annotated[Cents, BeforeValidator(_amount)]
UnitAmount = Annotated[Fraction, BeforeValidator(_rate)]
Measured = Annotated[int, BeforeValidator(_measured)]
StepSize = Annotated[int, BeforeValidator(_step_size)]
Date = Annotated[dt.date, BeforeValidator(_date)]
Text = Annotated[str, BeforeValidator(_text)]
Code = Annotated[str, Field(pattern=f"^{_CODE.pattern}$", max_length=40)]
Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$", max_length=40)]
Count = Annotated[int, Field(ge=0, le=99_999)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True)


class _Measure(_Strict):
    label: Text
    unit: Text
    whole: bool = False


class Header(_Strict):
    name: Code
    title: Text
    source: Text | None = None
    effective_from: Date | None = None
    effective_until: Date | None = None
    ends: list[Text] = []
    measures: dict[Name, _Measure] = {}


class _Fee(_Strict):
    code: Code
    name: Text
    type_id: Annotated[int, Field(gt=0, le=999_999_999)]
    gl_account: Text
    external_charge_code: Text | None = None
    refundable: bool = True
    category: Text | None = None
    search_words: list[Text] = []
    rounding: Literal["half_up", "half_even", "up", "down"] = "half_up"
    round_to: Literal["cent", "dollar"] = "cent"
    effective_from: Date | None = None
    effective_until: Date | None = None


class FlatFee(_Fee):
    kind: Literal["flat"]
    amount: Amount

    def rule(self, measures: Mapping[str, Measure]) -> Rule:
        return Flat(self.amount)


class _UnitPrice(_Strict):
    price: UnitAmount
    up_to: Annotated[int, Field(ge=1, le=99_999)] | None = None


class PerUnitFee(_Fee):
    kind: Literal["per_unit"]
    units: Annotated[str, Field(pattern="^[a-z]+( [a-z]+)*$", max_length=40)]
    price: UnitAmount | None = None
    prices: Annotated[list[_UnitPrice], Field(min_length=1)] | None = None
    included: Count = 0

    def rule(self, measures: Mapping[str, Measure]) -> Rule:
        prices = tuple(UnitPrice(one.price, one.up_to) for one in self.prices or ())
        if self.price is not None:
            prices = (UnitPrice(self.price),)
        return PerUnit(self.units, prices, self.included)


class _Tier(_Strict):
    over: Measured
    up_to: Measured | None = None
    base: Amount = Cents(0)
    rate: UnitAmount | None = None
    per: StepSize | None = None
    counted_over: Measured | None = None

    def tier(self, step: str | None) -> Tier:
        """The domain's tier. `_rate_faults` has seen to it that a rate has its `per` and its `step`."""
        if self.rate is None or self.per is None or step is None:
            return Tier(self.over, self.up_to, self.base)
        counted_over = self.over if self.counted_over is None else self.counted_over
        return Tier(self.over, self.up_to, self.base, Rate(self.rate, self.per, counted_over, Step(step)))


class TieredFee(_Fee):
    kind: Literal["tiered"]
    measure: Name
    lowest: Measured | None = None
    step: Literal["or_fraction", "proportional"] | None = None
    tiers: Annotated[list[_Tier], Field(min_length=1)]

    def rule(self, measures: Mapping[str, Measure]) -> Rule:
        tiers = tuple(tier.tier(self.step) for tier in self.tiers)
        lowest = tiers[0].over + 1 if self.lowest is None else self.lowest
        return Tiered(measures[self.measure], tiers, lowest)


class PercentFee(_Fee):
    kind: Literal["percent"]
    percent: Annotated[int, BeforeValidator(_basis_points)]
    of: Annotated[list[Code], Field(min_length=1)]
    minimum: Amount | None = None
    without_base: Literal["refuse", "minimum"] = "refuse"

    def rule(self, measures: Mapping[str, Measure]) -> Rule:
        return Percent(self.percent, tuple(self.of), self.minimum, self.without_base == "minimum")


AnyFee = FlatFee | PerUnitFee | TieredFee | PercentFee

#: By the member `kind`.
FEES: Mapping[str, type[AnyFee]] = {
    "flat": FlatFee,
    "per_unit": PerUnitFee,
    "tiered": TieredFee,
    "percent": PercentFee,
}

#: pydantic's words for what a finance officer would put otherwise.
_REASONS = {
    "missing": "is missing",
    "string_type": "must be text in quotes",
    "int_type": "must be a whole number, without quotes",
    "bool_type": "must be true or false, without quotes",
    "list_type": "must be a list in [ ]",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "dict_type": "must be a table",
    "too_short": "must not be empty",
    "string_pattern_mismatch": "must be small letters and digits; codes take dashes, measures underscores",
}


def _reason(error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        name = str(error["loc"][-1])
        models = (Header, _Measure, _UnitPrice, _Tier, *FEES.values())
        known = sorted({member for model in models for member in model.model_fields} - {name})
        near = get_close_matches(name, known, 1)
        return "unknown member" + (f"; did you mean {near[0]}?" if near else "")
    plain = error["msg"].replace("Input should be", "must be").replace("String should", "must")
    return _REASONS.get(error["type"], plain)


def _member_faults(error: ValidationError) -> list[Fault]:
    return [
        (tuple(part for part in one["loc"] if part != "[key]"), _reason(one))
        for one in error.errors(include_url=False)
    ]


def is_code(value: object) -> TypeGuard[str]:
    """Whether a value can name a fee, and can therefore be shown in a fault as it stands."""
    return isinstance(value, str) and _CODE.fullmatch(value) is not None


def read_header(table: Mapping[str, Any]) -> tuple[Header | None, list[Fault]]:
    """What a file says before its fees, or everything wrong with it."""
    faults = [*_period_faults(table), *_ends_faults(table)]
    try:
        return Header.model_validate(table), faults
    except ValidationError as error:
        return None, _member_faults(error) + faults


def read_fee(table: Mapping[str, Any]) -> tuple[AnyFee | None, list[Fault]]:
    """One `[[fee]]` table, or what is wrong with each member by itself."""
    kind = table.get("kind")
    model = FEES.get(kind) if isinstance(kind, str) else None
    try:
        if model is not None:
            return model.model_validate(table), []
        # Without a kind only the members that every fee has can be judged.
        _Fee.model_validate({name: table[name] for name in _Fee.model_fields if name in table})
        faults = []
    except ValidationError as error:
        faults = _member_faults(error)
    return None, [(("kind",), f"must be one of {', '.join(FEES)}"), *faults] if model is None else faults


# --- what members say about each other ----------------------------------------------------------------


Read = TypeVar("Read")


def _read(read: Callable[[object], Read], table: Mapping[str, Any], name: str) -> Read | None:
    """A member as the first pass reads it; None when it is absent or the first pass has refused it."""
    try:
        return read(table[name]) if name in table else None
    except PydanticCustomError:
        return None


def _tables(value: object) -> list[tuple[int, dict[str, Any]]]:
    """The tables of a list, with their places; whatever else is in it the first pass has refused."""
    if not isinstance(value, list):
        return []
    return [(number, one) for number, one in enumerate(value) if isinstance(one, dict)]


def _shown(hundredths: int) -> str:
    return format_dollars(hundredths).removesuffix(".00")


def cross_faults(fee: Mapping[str, Any], measures: Iterable[str], codes: Iterable[str]) -> Iterator[Fault]:
    """What one fee's members say about each other, and about the file's other names."""
    yield from _period_faults(fee)
    match fee.get("kind"):
        case "per_unit":
            yield from _per_unit_faults(fee)
        case "tiered":
            yield from _tier_faults(fee)
            yield from _rate_faults(fee)
            if isinstance(measure := fee.get("measure"), str) and measure not in measures:
                yield ("measure",), f"unknown reference {measure[:40]!r}: [measures] does not have it"
        case "percent":
            yield from _percent_faults(fee, codes)


def _period_faults(table: Mapping[str, Any]) -> Iterator[Fault]:
    first, last = _read(_date, table, "effective_from"), _read(_date, table, "effective_until")
    if first is not None and last is not None and last < first:
        yield ("effective_until",), f"must not be before effective_from, {first}"


def _ends_faults(table: Mapping[str, Any]) -> Iterator[Fault]:
    ends, name = table.get("ends"), table.get("name")
    if ends and "effective_from" not in table:
        yield ("effective_from",), "is missing: ends needs the day from which the other files end"
    for number, stem in enumerate(ends if isinstance(ends, list) else []):
        if isinstance(stem, str) and stem != name and not stem.startswith(f"{name}-"):
            yield ("ends", number), f"{stem[:40]!r} is no file of the schedule {name}, without .toml"


def _per_unit_faults(fee: Mapping[str, Any]) -> Iterator[Fault]:
    if ("price" in fee) == ("prices" in fee):
        yield ("price",), "state either price or prices"
    prices = _tables(fee.get("prices"))
    before: int | None = None
    for number, one in prices:
        up_to = one.get("up_to")
        if up_to is None and number < prices[-1][0]:
            yield ("prices", number, "up_to"), "is missing; only the last price goes on without limit"
        if not isinstance(up_to, int):
            continue
        if before is not None and up_to <= before:
            yield ("prices", number, "up_to"), f"overlaps the price before, which holds up to {before}"
        before = up_to


def _tier_faults(fee: Mapping[str, Any]) -> Iterator[Fault]:
    tiers = _tables(fee.get("tiers"))
    before: int | None = None
    for number, tier in tiers:
        over, up_to = _read(_measured, tier, "over"), _read(_measured, tier, "up_to")
        if over is not None and up_to is not None and up_to <= over:
            yield ("tiers", number, "up_to"), f"must be more than over, {_shown(over)}"
        if over is not None and before is not None and over != before:
            fault = "overlaps" if over < before else "leaves a gap after"
            yield ("tiers", number, "over"), f"{fault} the tier before, which holds up to {_shown(before)}"
        if "up_to" not in tier and number < tiers[-1][0]:
            yield ("tiers", number, "up_to"), "is missing; only the last tier goes on without limit"
        before = up_to
    lowest = _read(_measured, fee, "lowest")
    if lowest is None or not tiers:
        return
    over, up_to = _read(_measured, tiers[0][1], "over"), _read(_measured, tiers[0][1], "up_to")
    if (over is not None and lowest <= over) or (up_to is not None and lowest > up_to):
        yield ("lowest",), "must lie in the first tier"


def _rate_faults(fee: Mapping[str, Any]) -> Iterator[Fault]:
    tiers = _tables(fee.get("tiers"))
    for number, tier in tiers:
        if "rate" in tier and "per" not in tier:
            yield ("tiers", number, "per"), "is missing: the measure that one rate is for"
        for name in ("per", "counted_over"):
            if name in tier and "rate" not in tier:
                yield ("tiers", number, name), "stands without a rate"
        if "rate" not in tier and "base" not in tier:
            yield ("tiers", number, "base"), "is missing: a tier has a base, a rate or both"
    rated = any("rate" in tier for _, tier in tiers)
    if rated and "step" not in fee:
        yield ("step",), "is missing: or_fraction or proportional"
    if tiers and "step" in fee and not rated:
        yield ("step",), "stands without a rate in any tier"


def _percent_faults(fee: Mapping[str, Any], codes: Iterable[str]) -> Iterator[Fault]:
    if fee.get("without_base") == "minimum" and "minimum" not in fee:
        yield ("minimum",), 'is missing: without_base = "minimum" needs it'
    of = fee.get("of")
    for number, code in enumerate(of if isinstance(of, list) else []):
        if isinstance(code, str) and code not in codes:
            near = get_close_matches(code, codes, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            yield ("of", number), f"unknown reference {code[:40]!r}: no fee has this code{hint}"
        elif isinstance(of, list) and code in of[:number]:
            yield ("of", number), f"{code} is named twice"


def circular_faults(fees: Iterable[Mapping[str, Any]]) -> list[tuple[str, Fault]]:
    """Percentages that go in a circle, each under the code of its first fee."""
    graph: dict[str, list[str]] = {}
    for fee in fees:
        code, of = fee.get("code"), fee.get("of")
        if fee.get("kind") == "percent" and is_code(code) and isinstance(of, list):
            graph.setdefault(code, []).extend(base for base in of if is_code(base))
    return [(circle[0], (("of",), f"circular percentage {' → '.join(circle)}")) for circle in cycles(graph)]


def duplicate_faults(fees: Sequence[Mapping[str, Any]]) -> dict[int, Fault]:
    """By place in the file: a code may come again only for other business dates."""
    faults: dict[int, Fault] = {}
    earlier: dict[str, list[tuple[int, Period]]] = {}
    for number, fee in enumerate(fees):
        if not isinstance(code := fee.get("code"), str):
            continue
        period = Period(_read(_date, fee, "effective_from"), _read(_date, fee, "effective_until"))
        for other, other_period in earlier.get(code, ()):
            if period.overlaps(other_period):
                faults[number] = ("code",), f"duplicate code: fee number {other + 1} has it at the same time"
        earlier.setdefault(code, []).append((number, period))
    return faults
