"""Writes fee schedules as TOML: the one form in which an office's own schedules are kept.

`fee_table` is the inverse of what `cashier.schedules` reads: reading what is written gives the same schedule.
"""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from cashier.domain.fees import Flat, Measure, Percent, PerUnit, Rule, Schedule, ScheduledFee, Tier, Tiered
from cashier.domain.money import Rounding, format_cents

#: Hundredths in a unit of a measure.
_UNIT = 100


def schedule_toml(schedule: Schedule, note: str = "") -> str:
    """A schedule as the text of its file; `note` is a remark for its first lines."""
    lines = [f"# {line}".rstrip() for line in note.splitlines()]
    lines += [*([""] if lines else []), *_members(head_table(schedule))]
    for measure in measures_of_schedule(schedule).values():
        lines += ["", f"[measures.{measure.name}]", *_members(measure_table(measure))]
    for fee in schedule.fees:
        lines += ["", "[[fee]]", *_members(fee_table(fee))]
    return "\n".join(lines) + "\n"


def head_table(schedule: Schedule) -> dict[str, Any]:
    """What stands before the fees, but for the measures."""
    table: dict[str, Any] = {"name": schedule.name, "title": schedule.title}
    if schedule.source:
        table["source"] = schedule.source
    if schedule.period.first is not None:
        table["effective_from"] = schedule.period.first
    if schedule.period.last is not None:
        table["effective_until"] = schedule.period.last
    if schedule.ends:
        table["ends"] = list(schedule.ends)
    return table


def measures_of_schedule(schedule: Schedule) -> dict[str, Measure]:
    """The measures that the fees go by, by name."""
    rules = [fee.rule for fee in schedule.fees if isinstance(fee.rule, Tiered)]
    return {rule.measure.name: rule.measure for rule in rules}


def measure_table(measure: Measure) -> dict[str, Any]:
    """A measure as its `[measures.NAME]`."""
    table: dict[str, Any] = {"label": measure.label, "unit": measure.unit}
    return table | {"whole": True} if measure.whole else table


def fee_table(fee: ScheduledFee) -> dict[str, Any]:
    """A fee as its `[[fee]]`, without members that are as they normally are."""
    table: dict[str, Any] = {"code": fee.code, "name": fee.name, **_rule(fee.rule)}
    table |= {"type_id": fee.type_id, "gl_account": fee.gl_account}
    optional: dict[str, Any] = {
        "external_charge_code": fee.external_charge_code,
        "refundable": None if fee.refundable else False,
        "category": fee.category or None,
        "search_words": list(fee.search_words) or None,
        "rounding": None if fee.rounding is Rounding.HALF_UP else fee.rounding.value,
        "round_to": None if fee.round_to_cents == 1 else "dollar",
        "effective_from": fee.period.first,
        "effective_until": fee.period.last,
    }
    return table | {name: value for name, value in optional.items() if value is not None}


def _rule(rule: Rule) -> dict[str, Any]:
    match rule:
        case Flat(amount_cents):
            return {"kind": "flat", "amount": format_cents(amount_cents)}
        case PerUnit(units, prices, included):
            table: dict[str, Any] = {"kind": "per_unit", "units": units}
            if len(prices) == 1 and prices[0].up_to is None:
                table["price"] = _rate(prices[0].price_cents)
            else:
                table["prices"] = [
                    ({} if one.up_to is None else {"up_to": one.up_to}) | {"price": _rate(one.price_cents)}
                    for one in prices
                ]
            return table | {"included": included} if included else table
        case Tiered(measure, tiers, lowest):
            table = {"kind": "tiered", "measure": measure.name}
            if lowest != tiers[0].over + 1:
                table["lowest"] = _measured(lowest)
            rates = [tier.rate for tier in tiers if tier.rate is not None]
            if rates:
                table["step"] = rates[0].step.value
            return table | {"tiers": [_tier(tier) for tier in tiers]}
        case Percent(basis_points, of, minimum_cents, minimum_alone):
            table = {"kind": "percent", "percent": format_cents(basis_points), "of": list(of)}
            if minimum_cents is not None:
                table["minimum"] = format_cents(minimum_cents)
            return table | {"without_base": "minimum"} if minimum_alone else table


def _tier(tier: Tier) -> dict[str, Any]:
    table: dict[str, Any] = {"over": _measured(tier.over)}
    if tier.up_to is not None:
        table["up_to"] = _measured(tier.up_to)
    if tier.base_cents or tier.rate is None:
        table["base"] = format_cents(tier.base_cents)
    if tier.rate is not None:
        table |= {"rate": _rate(tier.rate.amount_cents), "per": _measured(tier.rate.per)}
        if tier.rate.counted_over != tier.over:
            table["counted_over"] = _measured(tier.rate.counted_over)
    return table


def _rate(cents: Fraction) -> str:
    """Dollars with two to four decimals; the format has no more."""
    ten_thousandths = cents * 100
    assert ten_thousandths.denominator == 1, "a rate has at most four decimals"
    whole, part = divmod(int(ten_thousandths), 10_000)
    decimals = f"{part:04d}".rstrip("0").ljust(2, "0")
    return f"{whole}.{decimals}"


def _measured(hundredths: int) -> str:
    whole, part = divmod(hundredths, _UNIT)
    return f"{whole}.{part:02d}" if part else str(whole)


# --- TOML's own writing -------------------------------------------------------------------------------


def _members(table: Mapping[str, Any]) -> Iterator[str]:
    for name, value in table.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            yield f"{name} = ["
            yield from (f"    {_value(one)}," for one in value)
            yield "]"
        else:
            yield f"{name} = {_value(value)}"


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case dt.date():
            return value.isoformat()
        case str():
            # A TOML string is a JSON string without control characters, which the format has none of.
            return json.dumps(value, ensure_ascii=False)
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case dict():
            return f"{{ {', '.join(f'{name} = {_value(one)}' for name, one in value.items())} }}"
    raise TypeError(f"a schedule has no {type(value).__name__}")
