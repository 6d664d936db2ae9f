"""What another schedule changes, told by prices that anyone can check."""

from dataclasses import replace
from fractions import Fraction

from cashier.domain.fee_changes import ChangeKind, FeeChange, changes_between, counted
from cashier.domain.fees import (
    Flat,
    Measure,
    Percent,
    Period,
    PerUnit,
    Rate,
    Rule,
    Schedule,
    ScheduledFee,
    Step,
    Tier,
    Tiered,
    UnitPrice,
)
from cashier.domain.money import Cents, Rounding

VALUE = Measure("valuation", "Valuation of the work", "dollars")


def tiered(*tiers: tuple[int, int | None, int, int]) -> Tiered:
    """Tiers as over, up to (dollars), base and rate per 1,000 (cents)."""
    made = tuple(
        Tier(
            over * 100,
            None if up_to is None else up_to * 100,
            Cents(base),
            Rate(Fraction(rate), 100_000, over * 100, Step.OR_FRACTION),
        )
        for over, up_to, base, rate in tiers
    )
    return Tiered(VALUE, made, made[0].over + 1)


def fee(code: str, rule: Rule, **more: object) -> ScheduledFee:
    return replace(ScheduledFee(code, code.capitalize(), rule, 6, "GL-1"), **more)  # type: ignore[arg-type]


def town(*fees: ScheduledFee) -> Schedule:
    return Schedule("town", "Town", fees)


def changes(before: Schedule | None, after: Schedule) -> dict[str, FeeChange]:
    return {change.code: change for change in changes_between(before, after, after)}


def pairs(change: FeeChange) -> list[tuple[str, str, str]]:
    return [(pair.at, pair.before, pair.after) for pair in change.prices]


PERMIT = tiered((0, 10_000, 7_200, 0), (10_000, None, 7_200, 473))


def test_a_fee_by_tiers_is_shown_at_three_valuations_with_its_sum() -> None:
    dearer = tiered((0, 10_000, 7_200, 0), (10_000, None, 8_000, 500))
    change = changes(town(fee("permit", PERMIT)), town(fee("permit", dearer)))["permit"]
    assert change.kind is ChangeKind.CHANGED
    assert pairs(change) == [
        ("valuation 1,000", "72.00", "72.00"),
        ("valuation 25,500", "147.68", "160.00"),
        ("valuation 250,000", "1,207.20", "1,280.00"),
    ]
    assert (change.prices[1].before_how, change.prices[1].after_how) == (
        "72.00 + 16 × 4.73",
        "80.00 + 16 × 5.00",
    )
    assert [pair.is_changed for pair in change.prices] == [False, True, True]


def test_changed_ones_come_first_and_are_counted() -> None:
    before = town(fee("a", Flat(Cents(100))), fee("b", Flat(Cents(200))), fee("c", Flat(Cents(300))))
    after = town(fee("a", Flat(Cents(100))), fee("b", Flat(Cents(250))), fee("d", Flat(Cents(400))))
    found = changes_between(before, after, after)
    assert [(one.code, one.kind.value, pairs(one)) for one in found] == [
        ("b", "changed", [("", "2.00", "2.50")]),
        ("d", "added", [("", "", "4.00")]),
        ("c", "removed", [("", "3.00", "")]),
        ("a", "the same", [("", "1.00", "1.00")]),
    ]
    assert {kind.name: count for kind, count in counted(found).items()} == {
        **{"CHANGED": 1, "ADDED": 1, "REMOVED": 1, "LATER": 0, "SAME": 1}
    }


def test_without_a_schedule_before_every_fee_is_new() -> None:
    found = changes(None, town(fee("permit", PERMIT)))
    assert found["permit"].kind is ChangeKind.ADDED
    assert [pair.after for pair in found["permit"].prices] == ["72.00", "147.68", "1,207.20"]


def test_a_difference_that_the_samples_miss_is_looked_for_at_the_edges() -> None:
    before = tiered((0, 30_000, 5_000, 0), (30_000, 40_000, 6_000, 0), (40_000, None, 9_000, 0))
    after = tiered((0, 30_000, 5_000, 0), (30_000, 40_000, 6_500, 0), (40_000, None, 9_000, 0))
    change = changes(town(fee("permit", before)), town(fee("permit", after)))["permit"]
    assert change.kind is ChangeKind.CHANGED
    assert [pair for pair in pairs(change) if pair[1] != pair[2]] == [
        ("valuation 30,000.01", "60.00", "65.00"),
        ("valuation 40,000", "60.00", "65.00"),
    ]


def test_a_rule_written_differently_is_a_change_even_where_no_sample_tells_it() -> None:
    whole = replace(PERMIT, tiers=(Tier(0, None, Cents(7_200)),))
    split = replace(PERMIT, tiers=(Tier(0, 500_000, Cents(7_200)), Tier(500_000, None, Cents(7_200))))
    change = changes(town(fee("permit", whole)), town(fee("permit", split)))["permit"]
    assert change.kind is ChangeKind.CHANGED
    assert change.details == ("the rule is written differently; no difference was found at the samples",)


def test_a_fee_by_the_unit_is_shown_for_three_quantities() -> None:
    before = PerUnit("pages", (UnitPrice(Fraction(15)),), 5)
    after = PerUnit("pages", (UnitPrice(Fraction(25)),), 5)
    change = changes(town(fee("copies", before)), town(fee("copies", after)))["copies"]
    assert pairs(change) == [
        ("pages 1", "0.00", "0.00"),
        ("pages 10", "0.75", "1.25"),
        ("pages 100", "14.25", "23.75"),
    ]
    limited = PerUnit("pages", (UnitPrice(Fraction(15), 50),), 5)
    change = changes(town(fee("copies", before)), town(fee("copies", limited)))["copies"]
    assert pairs(change)[2] == ("pages 100", "14.25", "–")
    assert "50 pages at most" in change.prices[2].after_how


def test_a_share_of_one_fee_is_shown_at_that_fees_measures_and_follows_it() -> None:
    def with_review(rule: Tiered, percent: int) -> Schedule:
        return town(fee("permit", rule), fee("review", Percent(percent, ("permit",))))

    dearer = tiered((0, 10_000, 8_000, 0), (10_000, None, 8_000, 473))
    found = changes(with_review(PERMIT, 2_500), with_review(dearer, 2_500))
    assert found["review"].kind is ChangeKind.CHANGED
    assert pairs(found["review"])[0] == ("valuation 1,000", "18.00", "20.00")
    assert changes(with_review(PERMIT, 2_500), with_review(PERMIT, 2_500))["review"].kind is ChangeKind.SAME


def test_a_share_of_several_fees_is_shown_as_its_percentage() -> None:
    def with_surcharge(percent: int, *of: str, minimum: int | None = None) -> Schedule:
        rule = Percent(percent, of, None if minimum is None else Cents(minimum))
        return town(fee("a", Flat(Cents(100))), fee("b", Flat(Cents(100))), fee("tech", rule))

    change = changes(with_surcharge(250, "a", "b"), with_surcharge(350, "a", "b"))["tech"]
    assert (pairs(change), change.details) == ([("", "2.5 %", "3.5 %")], ())
    change = changes(with_surcharge(250, "a", "b"), with_surcharge(250, "a", minimum=500))["tech"]
    assert change.kind is ChangeKind.CHANGED
    assert "share of a, b → a, at least 5.00" in change.details


def test_a_flat_fee_that_becomes_one_by_tiers_is_compared_at_the_valuations() -> None:
    change = changes(town(fee("permit", Flat(Cents(9_000)))), town(fee("permit", PERMIT)))["permit"]
    assert pairs(change) == [
        ("valuation 1,000", "90.00", "72.00"),
        ("valuation 25,500", "90.00", "147.68"),
        ("valuation 250,000", "90.00", "1,207.20"),
    ]


def test_what_else_differs_is_told() -> None:
    before = fee("sign", Flat(Cents(100)), external_charge_code="S-1")
    after = fee(
        "sign",
        Flat(Cents(100)),
        name="Sign permit",
        type_id=43,
        gl_account="GL-2",
        refundable=False,
        category="Zoning",
        search_words=("banner",),
        rounding=Rounding.UP,
        round_to_cents=100,
    )
    assert changes(town(before), town(after))["sign"].details == (
        "name Sign → Sign permit",
        "invoice type 6 → 43",
        "GL account GL-1 → GL-2",
        "charge code S-1 → none",
        "refundable yes → no",
        "category none → Zoning",
        "search words none → banner",
        "rounding half up to a cent → up to a dollar",
    )


def test_fees_of_other_dates_are_named() -> None:
    import datetime as dt

    later = fee("sign", Flat(Cents(200)), period=Period(dt.date(2028, 1, 1)))
    now = fee("sign", Flat(Cents(100)), period=Period(None, dt.date(2027, 12, 31)))
    whole = town(now, later)
    found = changes_between(None, town(now), whole)
    assert [(one.kind, one.details) for one in found] == [
        (ChangeKind.ADDED, ()),
        (ChangeKind.LATER, ("in force from 2028-01-01",)),
    ]
