"""What another fee schedule changes: fees that come, go and cost something else, by prices anyone can check.

Two schedules are compared as they stand on one business date each. A fee's price is looked at for a few
measures or quantities, `SAMPLES`; where these tell no difference although the rules differ, at the edges of
the rules' tiers. Every row is plain text, the same for a window and for a terminal.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain

from cashier.domain.errors import Refused
from cashier.domain.fees import (
    Measure,
    Percent,
    PerUnit,
    Schedule,
    ScheduledFee,
    Tiered,
    context_measures_of,
    measures_of,
)
from cashier.domain.money import format_cents, format_dollars
from cashier.domain.pricing import price_alone, quick_price

#: Measures at which prices are shown, in hundredths of the unit: of dollars, of whole units, of others.
SAMPLES_DOLLARS = (100_000, 2_550_000, 25_000_000)
SAMPLES_WHOLE = (100, 500, 2_500)
SAMPLES_OTHER = (10_000, 100_000, 1_000_000)
#: Quantities at which the price of a fee by the unit is shown.
SAMPLES_QUANTITY = (1, 10, 100)
#: How many edges of tiers are shown where the samples above tell no difference.
EDGES_MAX = 3
NO_PRICE = "–"


class ChangeKind(StrEnum):
    """What becomes of a fee."""

    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"
    LATER = "other dates"
    SAME = "the same"


#: The order in which they are looked at.
KINDS = tuple(ChangeKind)


@dataclass(frozen=True)
class PricePair:
    """One price before and after: `at` is what for (`valuation 25,500`, empty for a flat fee), the amounts
    are text (`147.68`), empty where there is no such fee; `…_how` is the sum (`72.00 + 16 × 4.73`) or why
    there is no price."""

    at: str
    before: str = ""
    after: str = ""
    before_how: str = ""
    after_how: str = ""

    @property
    def is_changed(self) -> bool:
        """Whether the two amounts differ."""
        return self.before != self.after

    @property
    def sides(self) -> str:
        """`147.68 (72.00 + 16 × 4.73) → 160.00 (80.00 + 16 × 5.00)`; one side where there is one."""
        sides = ((self.before, self.before_how), (self.after, self.after_how))
        return " → ".join(f"{amount} ({how})" if how else amount for amount, how in sides if amount)

    @property
    def text(self) -> str:
        """What for, and both sides."""
        return f"{self.at}: {self.sides}" if self.at else self.sides


@dataclass(frozen=True)
class FeeChange:
    """What becomes of one fee. `details` are what else differs, one a line: `invoice type 6 → 43`."""

    kind: ChangeKind
    code: str
    name: str
    type_id: int
    prices: tuple[PricePair, ...]
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Sample:
    at: str
    quantity: int | None = None
    measures: Mapping[str, int] = field(default_factory=dict)


_PLAIN = _Sample("")


def changes_between(before: Schedule | None, after: Schedule, later: Schedule) -> tuple[FeeChange, ...]:
    """Every fee of either schedule with what becomes of it, changed ones first.

    `before` and `after` are as they stand on a business date (`in_force`), `before` None where nothing is in
    force then; `later` is the whole schedule, with fees that are in force on other dates only.
    """
    old = {fee.code: fee for fee in before.fees} if before is not None else {}
    new = {fee.code: fee for fee in after.fees}
    found = []
    for code, fee in new.items():
        if before is None or code not in old:
            found.append(_one_sided(ChangeKind.ADDED, after, fee))
        else:
            found.append(_both(before, old[code], after, fee))
    if before is not None:
        found += [_one_sided(ChangeKind.REMOVED, before, fee) for code, fee in old.items() if code not in new]
    shown = {id(fee) for fee in after.fees}  # `in_force` keeps the fees themselves
    found += [_later(fee) for fee in later.fees if id(fee) not in shown]
    return tuple(sorted(found, key=lambda change: KINDS.index(change.kind)))


def counted(changes: Iterable[FeeChange]) -> dict[ChangeKind, int]:
    """How many fees become what; every kind is there."""
    counts = dict.fromkeys(KINDS, 0)
    for change in changes:
        counts[change.kind] += 1
    return counts


def _later(fee: ScheduledFee) -> FeeChange:
    return FeeChange(ChangeKind.LATER, fee.code, fee.name, fee.type_id, (), (f"in force {fee.period}",))


def _one_sided(kind: ChangeKind, schedule: Schedule, fee: ScheduledFee) -> FeeChange:
    pairs = []
    for sample in _samples(schedule, fee):
        amount, how = _price(schedule, fee, sample)
        if kind is ChangeKind.ADDED:
            pairs.append(PricePair(sample.at, after=amount, after_how=how))
        else:
            pairs.append(PricePair(sample.at, before=amount, before_how=how))
    return FeeChange(kind, fee.code, fee.name, fee.type_id, tuple(pairs))


def _both(before: Schedule, old: ScheduledFee, after: Schedule, new: ScheduledFee) -> FeeChange:
    def paired(samples: Iterable[_Sample]) -> list[PricePair]:
        pairs = []
        for sample in samples:
            one, one_how = _price(before, old, sample)
            other, other_how = _price(after, new, sample)
            pairs.append(PricePair(sample.at, one, other, one_how, other_how))
        return pairs

    samples = {sample.at: sample for sample in (*_samples(after, new), *_samples(before, old))}
    if len(samples) > 1:
        samples.pop("", None)  # where one of the two goes by a measure, the other is the same at each
    pairs = paired(samples.values())
    details = _details(old, new)
    if old.rule != new.rule and not any(pair.is_changed for pair in pairs):
        edges = [sample for sample in _edges(old, new) if sample.at not in samples]
        pairs += [pair for pair in paired(edges) if pair.is_changed][:EDGES_MAX]
        if not any(pair.is_changed for pair in pairs) and not any("share of" in one for one in details):
            details.append("the rule is written differently; no difference was found at the samples")
    is_changed = bool(details) or any(pair.is_changed for pair in pairs)
    kind = ChangeKind.CHANGED if is_changed else ChangeKind.SAME
    return FeeChange(kind, new.code, new.name, new.type_id, tuple(pairs), tuple(details))


def _details(old: ScheduledFee, new: ScheduledFee) -> list[str]:
    """What differs beside the price."""
    told = [
        ("name", old.name, new.name),
        ("invoice type", old.type_id, new.type_id),
        ("GL account", old.gl_account, new.gl_account),
        ("charge code", old.external_charge_code or "none", new.external_charge_code or "none"),
        ("refundable", _yes(old.refundable), _yes(new.refundable)),
        ("category", old.category or "none", new.category or "none"),
        ("search words", ", ".join(old.search_words) or "none", ", ".join(new.search_words) or "none"),
        ("rounding", _rounding(old), _rounding(new)),
        ("share of", _share(old), _share(new)),
    ]
    return [f"{name} {one} → {other}" for name, one, other in told if one != other]


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _rounding(fee: ScheduledFee) -> str:
    unit = "cent" if fee.round_to_cents == 1 else "dollar"
    return f"{fee.rounding.value.replace('_', ' ')} to a {unit}"


def _share(fee: ScheduledFee) -> str:
    if not isinstance(fee.rule, Percent):
        return "no fee"
    minimum = fee.rule.minimum_cents
    least = "" if minimum is None else f", at least {format_dollars(minimum)}"
    return ", ".join(fee.rule.of) + least + (", alone its minimum" if fee.rule.minimum_alone else "")


# --- prices -------------------------------------------------------------------------------------------


def _samples(schedule: Schedule, fee: ScheduledFee) -> tuple[_Sample, ...]:
    """What to ask a fee's price for."""
    if isinstance(fee.rule, PerUnit):
        return tuple(_Sample(f"{fee.rule.units} {count:,}", count) for count in SAMPLES_QUANTITY)
    measures = measures_of(fee) or context_measures_of(schedule, fee.code)
    return tuple(_at(measure, value) for measure in measures for value in _values(measure)) or (_PLAIN,)


def _values(measure: Measure) -> tuple[int, ...]:
    if measure.unit == "dollars":
        return SAMPLES_DOLLARS
    return SAMPLES_WHOLE if measure.whole else SAMPLES_OTHER


def _at(measure: Measure, value: int) -> _Sample:
    shown = format_dollars(value).removesuffix(".00")
    return _Sample(f"{measure.name.replace('_', ' ')} {shown}", None, {measure.name: value})


def _edges(old: ScheduledFee, new: ScheduledFee) -> list[_Sample]:
    """Where a price may differ although it does not at the samples: at the edges of either rule."""
    rules = (old.rule, new.rule)
    counts = {
        one.up_to + more
        for rule in rules
        if isinstance(rule, PerUnit)
        for one in rule.prices
        if one.up_to is not None
        for more in (0, 1)
    } | {rule.included + 1 for rule in rules if isinstance(rule, PerUnit)}
    units = next((rule.units for rule in rules if isinstance(rule, PerUnit)), "")
    samples = [_Sample(f"{units} {count:,}", count) for count in sorted(counts)]
    for rule in rules:
        if isinstance(rule, Tiered):
            edges = {edge for tier in rule.tiers for edge in _edges_of(rule, tier.over, tier.up_to)}
            samples += [_at(rule.measure, edge) for edge in sorted(edges)]
    return list({sample.at: sample for sample in samples}.values())


def _edges_of(rule: Tiered, over: int, up_to: int | None) -> Sequence[int]:
    """The first and last values of a tier, and one well inside the last."""
    step = 100 if rule.measure.whole else 1
    ends = (up_to,) if up_to is not None else (2 * over + 100 * step,)
    return [value for value in chain((over + step,), ends) if value >= rule.lowest]


def _price(schedule: Schedule, fee: ScheduledFee, sample: _Sample) -> tuple[str, str]:
    """A fee's amount as text, and how it comes about where that says more, or why there is none."""
    accepted = {one.name for one in measures_of(fee) or context_measures_of(schedule, fee.code)}
    measures = {name: value for name, value in sample.measures.items() if name in accepted}
    if isinstance(fee.rule, Percent) and not measures:
        percent = format_cents(fee.rule.basis_points).rstrip("0").rstrip(".")
        return f"{percent} %", f"of {', '.join(fee.rule.of)}"
    is_asked = accepted and not measures
    if is_asked or (isinstance(fee.rule, PerUnit) and sample.quantity is None):
        return quick_price(schedule, fee.code), ""
    quantity = (sample.quantity or 1) if isinstance(fee.rule, PerUnit) else 1
    try:
        priced = price_alone(schedule, fee.code, quantity, measures)
    except Refused as refused:
        return NO_PRICE, refused.user_text
    amount = format_dollars(priced.amount_cents)
    return amount, "" if priced.explanation == amount else priced.explanation
