"""Fee rules by themselves: each kind of rule, the sale as context, periods, search, list prices."""

import datetime as dt
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cashier.domain.errors import Refused
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
    context_measures_of,
    cycles,
    in_force,
    measures_of,
    parse_measure,
    search,
    units_of,
)
from cashier.domain.money import AMOUNT_MAX_CENTS, Cents, Rounding
from cashier.domain.pricing import (
    QUANTITY_MAX,
    FeeRequest,
    price,
    price_alone,
    quick_price,
    request,
    total_cents,
)

VALUATION = Measure("valuation", "Valuation", "dollars")
AREA = Measure("square_feet", "Floor area", "square feet")
LOTS = Measure("lots", "Number of lots", "lots", whole=True)
PAGES = PerUnit("pages", (UnitPrice(Fraction(200), 15), UnitPrice(Fraction(215))))


def fee(code: str, rule: Rule, **more: Any) -> ScheduledFee:
    members: dict[str, Any] = {"name": code.title(), "type_id": 6, "gl_account": "101", **more}
    return ScheduledFee(code=code, rule=rule, **members)


def schedule(*fees: ScheduledFee, **more: Any) -> Schedule:
    return Schedule("town", "Town", fees, **more)


def stepped(step: Step, per: int = 100_000) -> Tiered:
    """50.00 up to 2,000.00, then 5.00 per step over it, up to 9,000.00."""
    return Tiered(
        VALUATION,
        (
            Tier(0, 200_000, Cents(5_000)),
            Tier(200_000, 900_000, Cents(5_000), Rate(Fraction(500), per, 200_000, step)),
        ),
        lowest=100,
    )


BASE = fee("permit", stepped(Step.OR_FRACTION))
REVIEW = fee("review", Percent(2_500, ("permit",), Cents(3_150)))
TOWN = schedule(
    BASE,
    REVIEW,
    fee("surcharge", Percent(250, ("permit", "review", "roof"))),
    fee("roof", Flat(Cents(4_050))),
)


def amounts(of: Schedule, *lines: FeeRequest) -> list[int]:
    return [one.amount_cents for one in price(of, lines)]


def refusal(of: Schedule, *lines: FeeRequest) -> tuple[str, ...]:
    with pytest.raises(Refused) as caught:
        price(of, lines)
    return caught.value.faults


def valued(cents: int, code: str = "permit") -> FeeRequest:
    return FeeRequest(code, measures={"valuation": cents})


# --- one rule at a time -------------------------------------------------------------------------------


def test_flat_is_its_amount_and_carries_what_the_invoice_needs() -> None:
    roof = fee("roof", Flat(Cents(4_050)), name="Roof", type_id=43, gl_account="7", external_charge_code="X1")
    (one,) = price(schedule(roof), [FeeRequest("roof")])
    assert (one.code, one.name, one.amount_cents, one.explanation) == ("roof", "Roof", 4_050, "40.50")
    assert (one.type_id, one.gl_account, one.external_charge_code) == (43, "7", "X1")


@pytest.mark.parametrize("quantity", [0, 2, -1])
def test_only_a_fee_by_the_unit_has_a_quantity(quantity: int) -> None:
    (fault,) = refusal(TOWN, FeeRequest("roof", quantity))
    assert fault == f"Roof is charged once a line; its quantity is 1, not {quantity}"


def test_per_unit_is_price_times_quantity() -> None:
    town = schedule(fee("inspection", PerUnit("inspections", (UnitPrice(Fraction(3_150)),))))
    (one,) = price(town, [FeeRequest("inspection", 3)])
    assert (one.amount_cents, one.explanation) == (9_450, "3 × 31.50")


@pytest.mark.parametrize(
    ("quantity", "cents", "text"),
    [
        (1, 0, "0 × 0.10 (1 of 1 pages free)"),
        (10, 0, "0 × 0.10 (10 of 10 pages free)"),
        (11, 10, "1 × 0.10 (10 of 11 pages free)"),
        (1_212, 12_020, "1,202 × 0.10 (10 of 1,212 pages free)"),
    ],
)
def test_included_units_cost_nothing(quantity: int, cents: int, text: str) -> None:
    town = schedule(fee("copies", PerUnit("pages", (UnitPrice(Fraction(10)),), included=10)))
    (one,) = price(town, [FeeRequest("copies", quantity)])
    assert (one.amount_cents, one.explanation) == (cents, text)


@pytest.mark.parametrize(
    ("quantity", "cents"), [(1, 200), (15, 3_000), (16, 3_400), (17, 3_700), (20, 4_300)]
)
def test_the_unit_price_switches_for_all_units_and_the_total_is_rounded(quantity: int, cents: int) -> None:
    assert amounts(schedule(fee("large", PAGES, round_to_cents=100)), FeeRequest("large", quantity)) == [
        cents
    ]


def test_a_count_may_be_stated_as_a_measure() -> None:
    town = schedule(fee("large", PAGES), fee("fence", PerUnit("linear feet", (UnitPrice(Fraction(3)),))))
    assert amounts(town, request(town, "large", measures={"pages": "16"})) == [3_440]
    assert amounts(town, request(town, "large", 16, {"pages": "16"})) == [3_440]
    assert amounts(town, request(town, "fence", measures={"Linear-Feet": "1,200"})) == [3_600]
    assert refusal(town, FeeRequest("large", 3, {"pages": 1_600})) == (
        "Large: the quantity is 3, but 16 pages are stated",
    )
    assert refusal(town, FeeRequest("large", 1, {"pages": 1_650})) == (
        "Large: 16.50 is not a whole number of pages",
    )


@pytest.mark.parametrize("quantity", [0, -3, QUANTITY_MAX + 1])
def test_a_quantity_out_of_range_is_refused(quantity: int) -> None:
    (fault,) = refusal(schedule(fee("large", PAGES)), FeeRequest("large", quantity))
    assert fault == f"Large: the number of pages is from 1 to 99,999, not {quantity:,}"


def test_a_quantity_above_the_last_price_is_refused() -> None:
    town = schedule(fee("few", PerUnit("signs", (UnitPrice(Fraction(200), 3),))))
    assert refusal(town, FeeRequest("few", 4)) == ("Few: the schedule has a price for 3 signs at most",)


@pytest.mark.parametrize(
    ("step", "valuation_cents", "cents", "text"),
    [
        (Step.OR_FRACTION, 100, 5_000, "50.00"),
        (Step.OR_FRACTION, 200_000, 5_000, "50.00"),
        (Step.OR_FRACTION, 200_001, 5_500, "50.00 + 1 × 5.00"),
        (Step.OR_FRACTION, 300_000, 5_500, "50.00 + 1 × 5.00"),
        (Step.OR_FRACTION, 300_001, 6_000, "50.00 + 2 × 5.00"),
        (Step.OR_FRACTION, 900_000, 8_500, "50.00 + 7 × 5.00"),
        (Step.PROPORTIONAL, 200_000, 5_000, "50.00"),
        (Step.PROPORTIONAL, 250_000, 5_250, "50.00 + 500 ÷ 1,000 × 5.00"),
        (Step.PROPORTIONAL, 200_100, 5_001, "50.00 + 1 ÷ 1,000 × 5.00 = 50.005, rounded to 50.01"),
        (Step.PROPORTIONAL, 900_000, 8_500, "50.00 + 7,000 ÷ 1,000 × 5.00"),
    ],
)
def test_a_started_step_counts_whole_or_in_part(
    step: Step, valuation_cents: int, cents: int, text: str
) -> None:
    (one,) = price(schedule(fee("permit", stepped(step))), [valued(valuation_cents)])
    assert (one.amount_cents, one.explanation) == (cents, text)


def test_a_rate_may_count_over_another_edge_and_stand_without_a_base() -> None:
    fence = Tiered(AREA, (Tier(0, None, Cents(0), Rate(Fraction(7), 100, 50_000, Step.PROPORTIONAL)),), 1)
    town = schedule(fee("fence", fence))
    lines = [FeeRequest("fence", measures={"square_feet": area}) for area in (10_000, 50_000, 60_025)]
    assert [(one.amount_cents, one.explanation) for one in price(town, lines)] == [
        (0, "0 × 0.07"),
        (0, "0 × 0.07"),
        (702, "100.25 × 0.07 = 7.0175, rounded to 7.02"),
    ]


def test_a_third_of_a_cent_is_shown_as_not_exact() -> None:
    (one,) = price(schedule(fee("permit", stepped(Step.PROPORTIONAL, per=300_000))), [valued(300_100)])
    assert one.explanation == "50.00 + 1,001 ÷ 3,000 × 5.00 = 51.668333…, rounded to 51.67"


@pytest.mark.parametrize("valuation_cents", [0, 1, 99, -100])
def test_a_value_below_the_lowest_is_refused(valuation_cents: int) -> None:
    (fault,) = refusal(TOWN, valued(valuation_cents))
    assert fault.startswith("Permit: the valuation must be at least $1.00, not $")


def test_a_value_above_the_last_tier_is_refused() -> None:
    assert refusal(TOWN, valued(900_001)) == ("Permit: the schedule goes up to $9,000.00, not $9,000.01",)


def test_a_missing_or_strange_measure_is_refused_by_name() -> None:
    assert refusal(TOWN, FeeRequest("permit")) == ("Permit: say the valuation in dollars (valuation)",)
    assert refusal(TOWN, FeeRequest("permit", measures={"area": 1})) == (
        "Permit takes no 'area'; it takes valuation",
    )
    assert refusal(TOWN, FeeRequest("roof", measures={"valuation": 1})) == ("Roof takes no 'valuation'",)


@pytest.mark.parametrize(
    ("rounding", "unit", "cents"),
    [
        (Rounding.HALF_UP, 1, 1_051),
        (Rounding.HALF_EVEN, 1, 1_050),
        (Rounding.UP, 1, 1_051),
        (Rounding.DOWN, 1, 1_050),
        (Rounding.HALF_UP, 100, 1_100),
        (Rounding.UP, 100, 1_100),
        (Rounding.DOWN, 100, 1_000),
    ],
)
def test_a_fee_is_rounded_once_by_its_own_rule(rounding: Rounding, unit: int, cents: int) -> None:
    rule = PerUnit("sheets", (UnitPrice(Fraction(2_101, 2)),))  # 10.505 a sheet
    town = schedule(fee("sheet", rule, rounding=rounding, round_to_cents=unit))
    assert amounts(town, FeeRequest("sheet")) == [cents]


def test_more_than_a_line_or_a_sale_can_carry_is_refused() -> None:
    town = schedule(fee("gold", PerUnit("bars", (UnitPrice(Fraction(AMOUNT_MAX_CENTS)),))))
    assert amounts(town, FeeRequest("gold")) == [AMOUNT_MAX_CENTS]
    assert refusal(town, FeeRequest("gold", 2)) == (
        "Gold comes to 19,999,999.98; a fee is 9,999,999.99 at most",
    )
    assert refusal(town, FeeRequest("gold"), FeeRequest("gold")) == (
        "the fees come to 19,999,999.98; a sale carries 9,999,999.99 at most",
    )


# --- percentages --------------------------------------------------------------------------------------


def test_percentages_go_by_the_rounded_lines_of_the_sale_in_any_order() -> None:
    lines = [FeeRequest("surcharge"), FeeRequest("review"), valued(900_000), FeeRequest("roof")]
    priced = price(TOWN, lines)
    assert [one.code for one in priced] == ["surcharge", "review", "permit", "roof"]
    # 2.5 % of 85.00 + 31.50 + 40.50 = 3.925
    assert [one.amount_cents for one in priced] == [393, 3_150, 8_500, 4_050]
    assert priced[0].explanation == "2.5 % of 157.00 = 3.925, rounded to 3.93"
    assert priced[1].explanation == "minimum 31.50, more than 25 % of 85.00"
    assert total_cents(priced) == 16_093


def test_the_minimum_gives_way_when_the_share_reaches_it() -> None:
    town = schedule(fee("permit", Flat(Cents(12_600))), REVIEW)
    (_, review) = price(town, [FeeRequest("permit"), FeeRequest("review")])
    assert (review.amount_cents, review.explanation) == (3_150, "25 % of 126.00")


def test_two_lines_of_the_base_count_together_and_a_percentage_comes_once() -> None:
    assert amounts(TOWN, valued(900_000), valued(900_000), FeeRequest("review"))[2] == 4_250
    assert refusal(TOWN, valued(900_000), FeeRequest("review"), FeeRequest("review")) == (
        "Review is on the sale twice; it is a share of all its fees already",
    )


def test_without_its_base_a_percentage_is_refused_with_the_reason() -> None:
    assert refusal(TOWN, FeeRequest("review")) == (
        "Review is 25 % of Permit, which is not on this sale: add it, or state its measures",
    )
    assert refusal(TOWN, FeeRequest("surcharge")) == (
        "Surcharge is 2.5 % of Permit, Review and Roof, none of which is on this sale",
    )


def test_without_its_base_a_fee_may_say_that_its_minimum_holds() -> None:
    review = replace(REVIEW, rule=Percent(2_500, ("permit",), Cents(3_150), minimum_alone=True))
    town = schedule(BASE, review)
    (one,) = price(town, [FeeRequest("review")])
    assert (one.amount_cents, one.explanation) == (3_150, "minimum 31.50, without Permit on this sale")
    assert price_alone(town, "review") == one
    assert amounts(town, valued(900_000, "review")) == [3_150]


def test_a_percentage_is_priced_from_its_bases_measures_without_adding_the_base() -> None:
    town = schedule(fee("permit", Flat(Cents(20_000))), REVIEW)
    (one,) = price(schedule(_rich(), REVIEW), [valued(300_000, "review")])
    assert (one.amount_cents, one.explanation) == (13_875, "25 % of 555.00 (Permit, not on this sale)")
    assert price_alone(schedule(_rich(), REVIEW), "review", 1, {"valuation": 300_000}) == one
    # A base without measures needs the sale, or to be asked for alone.
    assert refusal(town, FeeRequest("review")) == (
        "Review is 25 % of Permit, which is not on this sale: add it",
    )
    assert price_alone(town, "review").amount_cents == 5_000


def _rich() -> ScheduledFee:
    rate = Rate(Fraction(5_500), 100_000, 200_000, Step.OR_FRACTION)
    return fee("permit", Tiered(VALUATION, (Tier(0, None, Cents(50_000), rate),), 100))


def test_a_base_on_the_sale_goes_before_stated_measures() -> None:
    (_, review) = price(schedule(_rich(), REVIEW), [valued(900_000), valued(100, "review")])
    assert review.explanation == "25 % of 885.00"


def test_the_context_reaches_through_a_percentage_of_a_percentage() -> None:
    town = schedule(_rich(), REVIEW, fee("state", Percent(1_000, ("review",))))
    assert context_measures_of(town, "state") == (VALUATION,)
    assert price_alone(town, "state", 1, {"valuation": 300_000}).amount_cents == 1_388


def test_alone_a_percentage_says_what_is_missing() -> None:
    with pytest.raises(Refused, match=r"Review is 25 % of Permit\. Permit: say the valuation"):
        price_alone(TOWN, "review")
    with pytest.raises(Refused, match=r"at least \$1\.00, not \$0\.00"):
        price_alone(TOWN, "review", 1, {"valuation": 0})
    with pytest.raises(Refused, match="none of which is on this sale"):
        price_alone(TOWN, "surcharge")
    with pytest.raises(Refused, match="takes no 'valuation'"):
        price_alone(TOWN, "surcharge", 1, {"valuation": 100})
    with pytest.raises(Refused, match="its quantity is 1, not 2"):
        price_alone(TOWN, "review", 2, {"valuation": 300_000})


def test_a_long_list_of_bases_is_cut() -> None:
    fees = [fee(f"f{n}", Flat(Cents(1))) for n in range(6)]
    town = schedule(*fees, fee("all", Percent(100, tuple(one.code for one in fees))))
    assert refusal(town, FeeRequest("all")) == (
        "All is 1 % of F0, F1, F2 and 3 more, none of which is on this sale",
    )


def test_every_faulty_line_is_told_and_a_consequence_is_not() -> None:
    lines = [
        FeeRequest("review"),
        valued(0),
        FeeRequest("surcharge"),
        FeeRequest("rof"),
        FeeRequest("roof", 2),
    ]
    assert refusal(TOWN, *lines) == (
        "Permit: the valuation must be at least $1.00, not $0.00",
        "fee schedule town has no fee 'rof'; did you mean roof?",
        "Roof is charged once a line; its quantity is 1, not 2",
    )


def test_a_circle_of_percentages_is_refused() -> None:
    with pytest.raises(Refused, match="circular percentage a → b → a"):
        schedule(fee("b", Percent(100, ("a",))), fee("a", Percent(100, ("b",))))
    assert cycles({"x": ("x",), "a": ("b",), "b": ("c",), "c": ("b",), "d": ("a",)}) == (
        ("x", "x"),
        ("b", "c", "b"),
    )


@given(st.integers(100, 900_000), st.integers(1, 10_000), st.integers(0, 10_000))
def test_a_share_is_within_half_a_cent_and_never_below_its_minimum(
    valuation_cents: int, basis_points: int, minimum_cents: int
) -> None:
    share = fee("share", Percent(basis_points, ("permit",), Cents(minimum_cents)))
    base, priced = price(schedule(BASE, share), [valued(valuation_cents), FeeRequest("share")])
    exact = Fraction(base.amount_cents * basis_points, 10_000)
    assert priced.amount_cents >= minimum_cents
    assert abs(priced.amount_cents - max(exact, Fraction(minimum_cents))) <= Fraction(1, 2)


@given(st.lists(st.sampled_from(["roof", "permit"]), max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_the_lines_changes_no_amount(codes: list[str], shuffler: Any) -> None:
    lines = [valued(345_678) if code == "permit" else FeeRequest(code) for code in ["permit", *codes]]
    lines += [FeeRequest("review"), FeeRequest("surcharge")]
    shuffled = list(lines)
    shuffler.shuffle(shuffled)
    first, second = price(TOWN, lines), price(TOWN, shuffled)
    assert sorted(first, key=repr) == sorted(second, key=repr)
    assert total_cents(first) == sum(one.amount_cents for one in second)


@given(st.integers(1, 40_000), st.integers(1, 40_000))
def test_units_split_over_lines_cost_the_same_without_switch_or_rounding(first: int, second: int) -> None:
    town = schedule(fee("inspection", PerUnit("inspections", (UnitPrice(Fraction(31)),))))
    split = price(town, [FeeRequest("inspection", first), FeeRequest("inspection", second)])
    assert amounts(town, FeeRequest("inspection", first + second)) == [total_cents(split)]


# --- what to ask, and what was typed ------------------------------------------------------------------


def test_what_the_counter_asks_for() -> None:
    town = schedule(*TOWN.fees, fee("large", PAGES))
    assert measures_of(town.fee("permit")) == (VALUATION,)
    assert measures_of(town.fee("review")) == measures_of(town.fee("large")) == ()
    assert units_of(town.fee("large")) == "pages"
    assert units_of(town.fee("permit")) is None
    assert context_measures_of(town, "review") == (VALUATION,)
    assert context_measures_of(town, "surcharge") == context_measures_of(town, "roof") == ()


@pytest.mark.parametrize(
    ("text", "hundredths"),
    [
        ("25500", 2_550_000),
        ("25,500.00", 2_550_000),
        ("$1,000.5", 100_050),
        (" 0.01 ", 1),
        ("1,234,567,890.12", 123_456_789_012),
        ("9999999999.99", 999_999_999_999),
    ],
)
def test_numbers_as_people_type_them(text: str, hundredths: int) -> None:
    assert parse_measure(VALUATION, text) == hundredths


@pytest.mark.parametrize(
    "text",
    ["", "-5", "1e6", "25,50", "1.234", "12,3456", "abc", "٣", "1 000", "99999999999", ".5", "$", "1.\n"],
)
def test_numbers_that_are_none(text: str) -> None:
    with pytest.raises(Refused, match="is not a number of dollars such as 25500"):
        parse_measure(VALUATION, text)


def test_numbers_that_a_measure_does_not_take() -> None:
    with pytest.raises(Refused, match="'\\$5' is not a number of square feet"):
        parse_measure(AREA, "$5")
    with pytest.raises(Refused, match=r"2\.5 is not a whole number of lots"):
        parse_measure(LOTS, "2.5")
    assert parse_measure(LOTS, "2.00") == 200


def test_a_request_tells_every_fault() -> None:
    with pytest.raises(Refused) as caught:
        request(TOWN, "permit", 1, {"valuation": "x", "area": "1"})
    assert caught.value.faults == (
        "Valuation: 'x' is not a number of dollars such as 25500 or 25,500.00",
        "Permit takes no 'area'; it takes valuation",
    )
    with pytest.raises(Refused, match="no fee 'permits'; did you mean permit"):
        request(TOWN, "permits")


# --- periods ------------------------------------------------------------------------------------------


def test_the_business_date_chooses_the_fee() -> None:
    old = fee("variance", Flat(Cents(100)), period=Period(None, dt.date(2025, 12, 31)))
    new = fee("variance", Flat(Cents(200)), period=Period(dt.date(2026, 1, 1), dt.date(2026, 6, 30)))
    town = schedule(old, new)
    for day, cents in ((dt.date(2025, 12, 31), 100), (dt.date(2026, 1, 1), 200), (dt.date(2026, 6, 30), 200)):
        assert amounts(in_force(town, day), FeeRequest("variance")) == [cents]
    assert "variance" not in in_force(town, dt.date(2026, 7, 1))
    assert search(in_force(town, dt.date(2026, 7, 1)), "variance") == ()
    with pytest.raises(Refused, match=r"several versions \(until 2025-12-31, from 2026-01-01 until"):
        town.fee("variance")


def test_a_schedule_out_of_its_time_is_refused() -> None:
    town = schedule(BASE, period=Period(dt.date(2025, 1, 1)))
    assert in_force(town, dt.date(2025, 1, 1)).fees == (BASE,)
    with pytest.raises(Refused, match="in force from 2025-01-01, not on 2024-12-31"):
        in_force(town, dt.date(2024, 12, 31))


def test_a_base_that_is_no_longer_in_force_is_never_on_the_sale() -> None:
    ended = replace(BASE, period=Period(None, dt.date(2025, 1, 1)))
    town = in_force(schedule(ended, REVIEW), dt.date(2026, 1, 1))
    assert refusal(town, FeeRequest("review")) == (
        "Review is 25 % of permit, which is not on this sale: add it",
    )


DAYS = st.none() | st.dates(dt.date(2025, 1, 1), dt.date(2025, 1, 9))


@given(st.tuples(DAYS, DAYS), st.tuples(DAYS, DAYS))
def test_periods_overlap_when_a_day_lies_in_both(one: Any, other: Any) -> None:
    for first, last in (one, other):
        if first and last and last < first:
            return
    days = [dt.date(2024, 12, 30) + dt.timedelta(n) for n in range(14)]
    shared = any(Period(*one).covers(day) and Period(*other).covers(day) for day in days)
    assert Period(*one).overlaps(Period(*other)) == shared == Period(*other).overlaps(Period(*one))


# --- lists and search ---------------------------------------------------------------------------------


def test_list_prices() -> None:
    town = schedule(
        *TOWN.fees,
        fee("inspection", PerUnit("inspections", (UnitPrice(Fraction(3_150)),))),
        fee("copies", PerUnit("pages", (UnitPrice(Fraction(10)),), included=10)),
        fee("large", PAGES),
        fee("one", Tiered(AREA, (Tier(0, None, Cents(7_200)),), 1)),
    )
    assert {one.code: quick_price(town, one.code) for one in town.fees} == {
        "permit": "from 50.00",
        "review": "from 31.50",
        "surcharge": "2.5 %",
        "roof": "40.50",
        "inspection": "31.50 each",
        "copies": "10 free, then 0.10 each",
        "large": "from 2.00 each",
        "one": "72.00",
    }


def found(of: Schedule, text: str) -> list[str]:
    return [one.code for one in search(of, text)]


def test_search_finds_beginnings_of_words_and_ranks_them() -> None:
    flat = Flat(Cents(1))
    town = schedule(
        fee("x1", flat, name="Driveway", search_words=("plan",)),
        fee("x2", flat, name="Site plan"),
        fee("x3", flat, name="Plan review, one- and two-family", category="House"),
        fee("plan", flat, name="Something else"),
        fee("x5", flat, name="Airplane shed"),
    )
    assert found(town, "plan") == ["plan", "x3", "x2", "x1"]
    assert found(town, "PLAN rev") == ["x3"]
    assert found(town, "review plan") == ["x3"]
    assert found(town, "two hou") == ["x3"]
    assert found(town, "x") == ["x1", "x2", "x3", "x5"]
    assert found(town, "lan") == found(town, "-") == found(town, "plan zz") == []
    assert found(town, " ") == [one.code for one in town.fees]
    assert [one.code for one in search(town, "plan", limit=2)] == ["plan", "x3"]


def test_search_is_case_blind_beyond_ascii() -> None:
    assert found(schedule(fee("street", Flat(Cents(1)), name="STRASSE Élan")), "straße él") == ["street"]


def test_the_core_is_light() -> None:
    code = "import sys, cashier.domain.pricing; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "cashier.domain.pricing" in run.stdout.split()
    assert not {"pydantic", "tomllib"} & set(run.stdout.split())
