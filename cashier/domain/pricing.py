"""Pricing: what a fee costs, and why, in words a clerk can read out.

Everything between a schedule's cents and the result is an exact `Fraction`; a fee is rounded once, at the
end, by its own rule and unit. Percentages go by the rounded amounts of the fees beside them on the sale.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from cashier.domain.errors import Refused
from cashier.domain.fees import (
    Flat,
    Measure,
    Percent,
    PerUnit,
    Schedule,
    ScheduledFee,
    Step,
    Tier,
    Tiered,
    bases_of,
    context_measures_of,
    measures_of,
    parse_measure,
)
from cashier.domain.money import (
    AMOUNT_MAX_CENTS,
    Cents,
    format_cents,
    format_dollars,
    percent_exact,
    round_exact,
)

#: The most units one line may charge for.
QUANTITY_MAX = 99_999

_LARGEST = format_dollars(AMOUNT_MAX_CENTS)


@dataclass(frozen=True, slots=True)
class FeeRequest:
    """One line asked for. `measures` are by name, in hundredths of their unit; see `request`."""

    code: str
    quantity: int = 1
    measures: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PricedFee:
    """One line priced. `explanation` shows the sum, e.g. `72.00 + 16 × 4.73`."""

    code: str
    name: str
    amount_cents: Cents
    type_id: int
    gl_account: str
    external_charge_code: str | None
    explanation: str


def request(
    schedule: Schedule, code: str, quantity: int = 1, measures: Mapping[str, str] | None = None
) -> FeeRequest:
    """A line from what a person typed. Raises Refused with every fault: unknown fee or measure, bad number.

    A fee by the unit takes its quantity also as a measure named like its units (`pages`).
    """
    fee = schedule.fee(code)
    accepted = _accepted(schedule, fee)
    values: dict[str, int] = {}
    faults: list[str] = []
    for typed, text in (measures or {}).items():
        name = typed.strip().casefold().replace("-", "_").replace(" ", "_")
        try:
            if name not in accepted:
                raise Refused(_not_accepted(fee, typed, accepted))
            values[name] = parse_measure(accepted[name], text)
        except Refused as refused:
            faults.extend(refused.faults)
    if faults:
        raise Refused(*_one_or_all(faults))
    return FeeRequest(code, quantity, values)


def price(schedule: Schedule, lines: Sequence[FeeRequest]) -> tuple[PricedFee, ...]:
    """Price the lines of one sale, in their order; percentages go by the rounded lines beside them.

    A percentage of one fee that is not among the lines may state that fee's measures and is then priced
    from them, without the fee being added. Raises Refused with one fault per line that cannot be priced.
    """
    done: dict[int, PricedFee] = {}
    faults: dict[int, str] = {}
    refused_codes: set[str] = set()
    for index, line in sorted(enumerate(lines), key=lambda item: schedule.rank_by_code.get(item[1].code, 0)):
        try:
            fee = schedule.fee(line.code)
            if refused_codes.intersection(bases_of(fee)):
                refused_codes.add(line.code)  # Its base has said why.
                continue
            if bases_of(fee) and any(one.code == line.code for one in done.values()):
                raise Refused(f"{fee.name} is on the sale twice; it is a share of all its fees already")
            beside = [one for one in done.values() if one.code in bases_of(fee)]
            done[index] = _priced(schedule, fee, line, beside, alone=False)
        except Refused as refused:
            faults[index] = refused.user_text
            refused_codes.add(line.code)
    if faults:
        raise Refused(*_one_or_all([faults[index] for index in sorted(faults)]))
    priced = tuple(done[index] for index in sorted(done))
    total_cents(priced)
    return priced


def price_alone(
    schedule: Schedule, code: str, quantity: int = 1, measures: Mapping[str, int] | None = None
) -> PricedFee:
    """Price one fee by itself. A percentage of one other fee is priced from that fee's measures, as
    context: the other fee is not added. Raises Refused like `price`."""
    return _priced(schedule, schedule.fee(code), FeeRequest(code, quantity, measures or {}), [], alone=True)


def total_cents(priced: Iterable[PricedFee]) -> Cents:
    """The sum of priced lines. Raises Refused above the largest amount a sale may carry."""
    total = sum(one.amount_cents for one in priced)
    if total > AMOUNT_MAX_CENTS:
        raise Refused(f"the fees come to {format_dollars(total)}; a sale carries {_LARGEST} at most")
    return Cents(total)


class _Sum(NamedTuple):
    """An exact, unrounded amount and how it came about."""

    cents: Fraction
    text: str


def _priced(
    schedule: Schedule, fee: ScheduledFee, line: FeeRequest, beside: Sequence[PricedFee], alone: bool
) -> PricedFee:
    accepted = _accepted(schedule, fee)
    for name in line.measures:
        if name not in accepted:
            raise Refused(_not_accepted(fee, name, accepted))
    if not isinstance(fee.rule, PerUnit) and line.quantity != 1:
        raise Refused(f"{fee.name} is charged once a line; its quantity is 1, not {line.quantity}")
    match fee.rule:
        case Flat(amount_cents):
            exact = _Sum(Fraction(amount_cents), format_dollars(amount_cents))
        case PerUnit() as rule:
            exact = _per_unit(fee.name, rule, line)
        case Tiered() as rule:
            exact = _tiered(fee.name, rule, line.measures.get(rule.measure.name))
        case Percent() as rule:
            exact = _percent(schedule, fee.name, rule, line, beside, alone)
    amount_cents = round_exact(exact.cents, fee.rounding, fee.round_to_cents)
    if amount_cents > AMOUNT_MAX_CENTS:
        raise Refused(f"{fee.name} comes to {format_dollars(amount_cents)}; a fee is {_LARGEST} at most")
    text = exact.text
    if exact.cents != amount_cents:
        text = f"{text} = {_exact_dollars(exact.cents)}, rounded to {format_dollars(amount_cents)}"
    return PricedFee(
        fee.code, fee.name, amount_cents, fee.type_id, fee.gl_account, fee.external_charge_code, text
    )


def _per_unit(name: str, rule: PerUnit, line: FeeRequest) -> _Sum:
    quantity = line.quantity
    stated = line.measures.get(rule.measure_name)
    if stated is not None:
        counted, part = divmod(stated, 100)
        if part:
            raise Refused(f"{name}: {_plain(stated)} is not a whole number of {rule.units}")
        if quantity not in (1, counted):
            raise Refused(f"{name}: the quantity is {quantity}, but {counted} {rule.units} are stated")
        quantity = counted
    if not 1 <= quantity <= QUANTITY_MAX:
        raise Refused(f"{name}: the number of {rule.units} is from 1 to {QUANTITY_MAX:,}, not {quantity:,}")
    price_cents = next(
        (one.price_cents for one in rule.prices if one.up_to is None or quantity <= one.up_to), None
    )
    if price_cents is None:
        raise Refused(f"{name}: the schedule has a price for {rule.prices[-1].up_to} {rule.units} at most")
    charged = max(0, quantity - rule.included)
    text = f"{charged:,} × {_exact_dollars(price_cents)}"
    if rule.included:
        text += f" ({quantity - charged} of {quantity:,} {rule.units} free)"
    return _Sum(charged * price_cents, text)


def _tiered(name: str, rule: Tiered, value: int | None) -> _Sum:
    measure = rule.measure
    if value is None:
        raise Refused(f"{name}: say the {measure.label.lower()} in {measure.unit} ({measure.name})")
    if value < rule.lowest:
        least, stated = _stated(measure, rule.lowest), _stated(measure, value)
        raise Refused(f"{name}: the {measure.label.lower()} must be at least {least}, not {stated}")
    tier = next((one for one in rule.tiers if one.up_to is None or value <= one.up_to), None)
    if tier is None:
        most = _stated(measure, rule.tiers[-1].up_to or 0)
        raise Refused(f"{name}: the schedule goes up to {most}, not {_stated(measure, value)}")
    return _tier_sum(tier, value)


def _tier_sum(tier: Tier, value: int) -> _Sum:
    base, rate = Fraction(tier.base_cents), tier.rate
    if rate is None:
        return _Sum(base, format_dollars(tier.base_cents))
    excess = max(0, value - rate.counted_over)
    if rate.step is Step.OR_FRACTION:
        steps = Fraction(-(-excess // rate.per))
        count = f"{int(steps):,}"
    else:
        steps = Fraction(excess, rate.per)
        count = _plain(excess) if rate.per == 100 else f"{_plain(excess)} ÷ {_plain(rate.per)}"
    added = f"{count} × {_exact_dollars(rate.amount_cents)}"
    text = f"{format_dollars(tier.base_cents)} + {added}" if tier.base_cents else added
    return _Sum(base + steps * rate.amount_cents, text)


def _percent(
    schedule: Schedule,
    name: str,
    rule: Percent,
    line: FeeRequest,
    beside: Sequence[PricedFee],
    alone: bool,
) -> _Sum:
    share = f"{_percent_text(rule.basis_points)} of"
    others = _listed([schedule.fee(code).name if code in schedule else code for code in rule.of])
    from_measures = len(rule.of) == 1 and rule.of[0] in schedule
    where = ""
    if beside:
        base_cents = sum(one.amount_cents for one in beside)
    elif from_measures and (line.measures or (alone and not rule.minimum_alone)):
        base_fee = schedule.fee(rule.of[0])
        try:
            base = _priced(schedule, base_fee, FeeRequest(base_fee.code, 1, line.measures), [], alone=True)
        except Refused as refused:
            raise Refused(f"{name} is {share} {others}. {refused.user_text}") from refused
        base_cents, where = base.amount_cents, f" ({base.name}, not on this sale)"
    elif rule.minimum_alone and rule.minimum_cents is not None:
        text = f"minimum {format_dollars(rule.minimum_cents)}, without {others} on this sale"
        return _Sum(Fraction(rule.minimum_cents), text)
    else:
        way = ", or state its measures" if from_measures and measures_of(schedule.fee(rule.of[0])) else ""
        which = "which is not on this sale: add it" if len(rule.of) == 1 else "none of which is on this sale"
        raise Refused(f"{name} is {share} {others}, {which}{way}")
    exact = percent_exact(base_cents, rule.basis_points)
    text = f"{share} {format_dollars(base_cents)}{where}"
    if rule.minimum_cents is not None and exact < rule.minimum_cents:
        text = f"minimum {format_dollars(rule.minimum_cents)}, more than {text}"
        exact = Fraction(rule.minimum_cents)
    return _Sum(exact, text)


def quick_price(schedule: Schedule, code: str) -> str:
    """A short price for lists: `72.00`, `from 31.50`, `31.50 each`, `2.5 %`."""
    fee = schedule.fee(code)

    def rounded(exact: Fraction | int) -> str:
        return format_dollars(round_exact(exact, fee.rounding, fee.round_to_cents))

    match fee.rule:
        case Flat(amount_cents):
            return rounded(amount_cents)
        case PerUnit() as rule:
            each = _exact_dollars(min(one.price_cents for one in rule.prices))
            if rule.included:
                return f"{rule.included} free, then {each} each"
            return f"{each} each" if len(rule.prices) == 1 else f"from {each} each"
        case Tiered() as rule:
            least = min(_tier_sum(one, max(rule.lowest, one.over + 1)).cents for one in rule.tiers)
            fixed = len(rule.tiers) == 1 and rule.tiers[0].rate is None
            return rounded(least) if fixed else f"from {rounded(least)}"
        case Percent(basis_points, minimum_cents=minimum_cents):
            return _percent_text(basis_points) if minimum_cents is None else f"from {rounded(minimum_cents)}"


def _accepted(schedule: Schedule, fee: ScheduledFee) -> dict[str, Measure]:
    if isinstance(fee.rule, PerUnit):
        return {fee.rule.measure_name: Measure(fee.rule.measure_name, fee.name, fee.rule.units, whole=True)}
    own = measures_of(fee) or context_measures_of(schedule, fee.code)
    return {measure.name: measure for measure in own}


def _not_accepted(fee: ScheduledFee, name: str, accepted: Iterable[str]) -> str:
    takes = ", ".join(accepted)
    return f"{fee.name} takes no {name[:40]!r}" + (f"; it takes {takes}" if takes else "")


def _one_or_all(faults: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    return "; ".join(faults), tuple(faults)


def _listed(names: Sequence[str]) -> str:
    more = [f"{len(names) - 3} more"] if len(names) > 4 else []
    shown = [*(names[:3] if more else names), *more]
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def _plain(hundredths: int) -> str:
    return format_dollars(hundredths).removesuffix(".00")


def _stated(measure: Measure, hundredths: int) -> str:
    if measure.unit == "dollars":
        return f"${format_dollars(hundredths)}"
    return f"{_plain(hundredths)} {measure.unit}"


def _percent_text(basis_points: int) -> str:
    text = format_cents(basis_points)
    return f"{text.rstrip('0').rstrip('.')} %"


def _exact_dollars(cents: Fraction) -> str:
    """Dollars with two to six decimals, and `…` when even those are not exact."""
    millionths = cents * 10_000
    whole = int(millionths)
    decimals = f"{whole % 1_000_000:06d}".rstrip("0").ljust(2, "0")
    more = "" if whole == millionths else "…"
    return f"{whole // 1_000_000:,}.{decimals}{more}"
