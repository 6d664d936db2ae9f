"""Schedule files: the published schedules to the cent, every fault of a faulty file, choosing by date."""

import datetime as dt
import json
import re
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cashier import schedule_file
from cashier.domain.errors import Refused
from cashier.domain.fees import Schedule, search
from cashier.domain.pricing import price, price_alone, quick_price, request, total_cents
from cashier.schedules import FILE_BYTES_MAX, available, find, load_schedule

FOLDER = Path(__file__).parents[1] / "resources" / "schedules"
TODAY = dt.date(2026, 2, 3)

SHIPPED = ["lakeland", "oshtemo", "generic"]


@cache
def town(name: str) -> Schedule:
    """A shipped schedule, read once: it is a value."""
    return find(name, FOLDER, TODAY)


def cost(of: Schedule, code: str, quantity: int = 1, **measures: str) -> int:
    line = request(of, code, quantity, measures)
    return price_alone(of, line.code, line.quantity, line.measures).amount_cents


# --- the published schedules --------------------------------------------------------------------------


def test_lakeland_worked_example() -> None:
    lines = [
        request(town("lakeland"), "building-permit", measures={"valuation": "25,500"}),
        request(town("lakeland"), "plan-review-residential"),
        request(town("lakeland"), "state-surcharge"),
    ]
    priced = price(town("lakeland"), lines)
    assert [(one.amount_cents, one.explanation) for one in priced] == [
        (14_768, "72.00 + 16 × 4.73"),
        (3_692, "25 % of 147.68"),
        (462, "2.5 % of 184.60 = 4.615, rounded to 4.62"),
    ]
    assert total_cents(priced) == 18_922
    assert {one.type_id for one in priced} == {6}


def test_lakeland_plan_review_alone_goes_by_the_valuation() -> None:
    assert cost(town("lakeland"), "plan-review-residential", valuation="25500") == 3_692
    assert cost(town("lakeland"), "plan-review-commercial", valuation="25500") == 7_384
    assert cost(town("lakeland"), "plan-review-residential", valuation="10000") == 3_150
    assert cost(town("lakeland"), "plan-review-commercial", valuation="10000") == 4_500
    for code in ("plan-review-residential", "plan-review-commercial", "state-surcharge"):
        with pytest.raises(Refused, match="on this sale"):
            price(town("lakeland"), [request(town("lakeland"), code)])


@pytest.mark.parametrize(
    ("valuation", "cents"),
    [
        ("1", 4_050),
        ("999.99", 4_050),
        ("1000", 4_050),
        ("1000.01", 7_200),
        ("1000.50", 7_200),
        ("1001", 7_200),
        ("10000", 7_200),
        ("10000.01", 7_673),
        ("11000", 7_673),
        ("11000.01", 8_146),
        ("25500", 14_768),
        ("99000.01", 49_770),
        ("100000", 49_770),
        ("100000.01", 50_144),
        ("101000", 50_144),
        ("500000", 199_370),
        ("500000.01", 199_528),
        ("1000000", 278_370),
        ("1000000.01", 278_478),
        ("2000000", 386_370),
    ],
)
def test_lakeland_building_permit_at_the_edges(valuation: str, cents: int) -> None:
    assert cost(town("lakeland"), "building-permit", valuation=valuation) == cents


@pytest.mark.parametrize(
    ("valuation", "cents"),
    [
        ("1", 7_500),
        ("2000", 7_500),
        ("2000.01", 7_500),
        ("2062.49", 7_500),
        ("2062.50", 7_600),
        ("2187.49", 7_600),
        ("2187.50", 7_700),
        ("10000", 13_900),
        ("10000.01", 16_500),
        ("14250", 17_800),
        ("100000", 43_500),
        ("100000.01", 43_500),
        ("100249.99", 43_500),
        ("100250", 43_600),
        ("500000", 123_500),
        ("500000.01", 123_500),
        ("501000", 123_800),
        ("1000000", 273_500),
    ],
)
def test_oshtemo_building_permit_at_the_edges(valuation: str, cents: int) -> None:
    assert cost(town("oshtemo"), "building-permit", valuation=valuation) == cents


def test_oshtemo_worked_example() -> None:
    (one,) = price(
        town("oshtemo"), [request(town("oshtemo"), "building-permit", measures={"valuation": "14250"})]
    )
    assert one.explanation == "165.00 + 4,250 ÷ 1,000 × 3.00 = 177.75, rounded to 178.00"


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("valuation", ["0", "0.01", "0.99"])
def test_a_valuation_below_one_dollar_is_refused(name: str, valuation: str) -> None:
    with pytest.raises(Refused, match=r"the valuation of the work must be at least \$1\.00, not \$0\."):
        cost(town(name), "building-permit", valuation=valuation)


@pytest.mark.parametrize(
    ("code", "quantity", "cents"),
    [
        ("plan-review-mobile-home", 1, 3_150),
        ("plan-revision-residential", 1, 3_150),
        ("plan-revision-residential", 3, 9_450),
        ("plan-revision-commercial", 2, 9_000),
        ("new-roof-shingle", 1, 4_050),
        ("re-roof-shingle", 1, 7_200),
        ("additional-inspection", 2, 6_300),
    ],
)
def test_lakeland_other_fees(code: str, quantity: int, cents: int) -> None:
    assert cost(town("lakeland"), code, quantity) == cents


@pytest.mark.parametrize(
    ("code", "quantity", "cents"),
    [
        ("application", 1, 5_000),
        ("additional-inspection", 1, 10_000),
        ("additional-inspection", 3, 30_000),
        ("swimming-pool", 1, 10_000),
        ("pool-barrier", 2, 20_000),
        ("re-roofing", 1, 22_500),
        ("re-siding", 2, 45_000),
        ("demolition-residential", 1, 12_500),
        ("window-door-replacement", 1, 12_500),
        ("solar-panels", 1, 15_000),
        ("monument-sign", 2, 20_000),
        ("copies-large", 1, 200),
        ("copies-large", 15, 3_000),
        ("copies-large", 16, 3_400),
        ("copies-large", 17, 3_700),
        ("copies-large", 18, 3_900),
        ("copies-standard", 10, 0),
        ("copies-standard", 11, 10),
        ("copies-standard", 25, 150),
        ("certificate-occupancy-residential", 1, 6_500),
        ("certificate-occupancy-commercial", 1, 5_000),
        ("address-sign", 1, 1_500),
    ],
)
def test_oshtemo_other_fees(code: str, quantity: int, cents: int) -> None:
    assert cost(town("oshtemo"), code, quantity) == cents


@pytest.mark.parametrize(
    ("area", "cents"),
    [
        ("1", 12_500),
        ("4999", 12_500),
        ("5000", 12_500),
        ("5001", 12_507),
        ("6000", 19_500),
        ("12345", 63_915),
    ],
)
def test_oshtemo_commercial_demolition(area: str, cents: int) -> None:
    assert cost(town("oshtemo"), "demolition-commercial", square_feet=area) == cents


def test_the_published_schedules_are_complete() -> None:
    assert len(town("lakeland").fees) == 10
    assert len(town("oshtemo").fees) == 17
    assert [one.code for one in town("oshtemo").fees if not one.refundable] == ["application"]
    assert town("oshtemo").period.first == dt.date(2025, 1, 1)
    # No external charge code: one of them would rule out the chip reader for a Grancius biller.
    assert {one.external_charge_code for one in (*town("lakeland").fees, *town("oshtemo").fees)} == {None}
    assert {one.type_id for name in SHIPPED for one in town(name).fees} == {6, 43, 93, 95}


def test_every_shipped_fee_has_a_list_price() -> None:
    shape = re.compile(r"(from )?[\d,]+\.\d\d( each)?|[\d.]+ %|\d+ free, then \d+\.\d\d each")
    prices = [quick_price(town(name), one.code) for name in SHIPPED for one in town(name).fees]
    assert [text for text in prices if not shape.fullmatch(text)] == []


def lakeland_published(valuation: int) -> int:
    """The published table in whole cents of fee, by the valuation in cents."""

    def started(over: int) -> int:
        return -((over * 100_00 * 10 - valuation) // (1_000 * 100))

    if valuation <= 1_000_00:
        return 4_050
    if valuation <= 10_000_00:
        return 7_200
    for over, limit, base, rate in (
        (10, 100_000_00, 7_200, 473),
        (100, 500_000_00, 49_770, 374),
        (500, 1_000_000_00, 199_370, 158),
        (1_000, 10**15, 278_370, 108),
    ):
        if valuation <= limit:
            return base + started(over) * rate
    raise AssertionError(valuation)


def oshtemo_published(valuation: int) -> int:
    """The published table in cents, rounded half up to whole dollars, by the valuation in cents."""
    for over, limit, base, rate in (
        (0, 2_000_00, 75, 0),
        (2_000_00, 10_000_00, 75, 8),
        (10_000_00, 100_000_00, 165, 3),
        (100_000_00, 500_000_00, 435, 2),
        (500_000_00, 10**15, 1_235, 3),
    ):
        if valuation <= limit:
            return (base + (2 * (valuation - over) * rate + 100_000) // 200_000) * 100
    raise AssertionError(valuation)


VALUATIONS = st.one_of(
    st.integers(100, 3_000_000_00),
    st.integers(100, 999_999_999_999),
    st.builds(
        lambda edge, off: edge * 100 + off,
        st.sampled_from([1_000, 2_000, 10_000, 100_000, 500_000, 1_000_000]),
        st.integers(-2, 2),
    ),
)
Published = Callable[[int], int]


@pytest.mark.parametrize(
    ("name", "published"), [("lakeland", lakeland_published), ("oshtemo", oshtemo_published)]
)
@given(valuation=VALUATIONS)
def test_the_permit_is_what_the_published_table_says(name: str, published: Published, valuation: int) -> None:
    text = f"{valuation // 100}.{valuation % 100:02d}"
    if published(valuation) > 999_999_999:
        with pytest.raises(Refused, match=r"a fee is 9,999,999\.99 at most"):
            cost(town(name), "building-permit", valuation=text)
    else:
        assert cost(town(name), "building-permit", valuation=text) == published(valuation)


@pytest.mark.parametrize("name", SHIPPED)
@given(one=VALUATIONS, other=VALUATIONS)
def test_more_work_never_costs_less(name: str, one: int, other: int) -> None:
    low, high = sorted((one, other))
    if high <= 100_000_000_000:
        less, more = (
            price_alone(town(name), "building-permit", 1, {"valuation": value}).amount_cents
            for value in (low, high)
        )
        assert less <= more


@given(valuation=st.integers(100, 500_000_000_00), review=st.booleans(), roofs=st.integers(0, 3))
def test_a_lakeland_sale_adds_up(valuation: int, review: bool, roofs: int) -> None:
    text = f"{valuation // 100}.{valuation % 100:02d}"
    lines = [request(town("lakeland"), "building-permit", measures={"valuation": text})]
    lines += [request(town("lakeland"), "plan-review-residential")] * review
    lines += [request(town("lakeland"), "new-roof-shingle")] * roofs
    *permits, surcharge = price(town("lakeland"), [*lines, request(town("lakeland"), "state-surcharge")])
    base = sum(one.amount_cents for one in permits)
    # 2.5 % is a fortieth; half up in whole cents.
    assert surcharge.amount_cents == (base + 20) // 40
    assert total_cents([*permits, surcharge]) == base + surcharge.amount_cents
    if review:
        assert permits[1].amount_cents == max(3_150, (permits[0].amount_cents + 2) // 4)
        assert permits[1].amount_cents == cost(town("lakeland"), "plan-review-residential", valuation=text)


def test_generic_shows_every_kind_of_rule() -> None:
    assert cost(town("generic"), "building-permit", valuation="2000.01") == 5_125
    assert cost(town("generic"), "plan-review", valuation="25500") == 7_800
    assert cost(town("generic"), "plan-review") == 3_500
    assert cost(town("generic"), "fence", linear_feet="260") == 3_900
    assert cost(town("generic"), "demolition", square_feet="1777") == 11_579
    assert cost(town("generic"), "subdivision-plat", lots="100") == 192_800
    assert cost(town("generic"), "plan-prints", 51) == 16_575
    assert cost(town("generic"), "copies", 6) == 15
    with pytest.raises(Refused, match="goes up to 100 lots, not 101 lots"):
        cost(town("generic"), "subdivision-plat", lots="101")
    assert town("generic").fee("right-of-way").external_charge_code == "ROW-01"
    assert (
        town("generic").fee("variance").rule
        != find("generic", FOLDER, dt.date(2025, 6, 1)).fee("variance").rule
    )


# --- faulty files -------------------------------------------------------------------------------------

HEAD = 'name = "town"\ntitle = "Town"\n[measures.valuation]\nlabel = "Valuation"\nunit = "dollars"\n'
COMMON = 'name = "A fee"\ntype_id = 6\ngl_account = "1"\n'


def flat(code: str, more: str = "") -> str:
    return f'[[fee]]\ncode = "{code}"\nkind = "flat"\namount = "1.00"\n{COMMON}{more}'


def percent(code: str, of: str, more: str = "") -> str:
    return f'[[fee]]\ncode = "{code}"\nkind = "percent"\npercent = "25"\nof = {of}\n{COMMON}{more}'


def tiered(tiers: str, more: str = 'step = "or_fraction"\n') -> str:
    return (
        f'[[fee]]\ncode = "permit"\nkind = "tiered"\nmeasure = "valuation"\n{COMMON}{more}tiers = [{tiers}]\n'
    )


def per_unit(more: str) -> str:
    return f'[[fee]]\ncode = "copies"\nkind = "per_unit"\nunits = "pages"\n{COMMON}{more}'


RATED = 'base = "72.00", rate = "4.73", per = "1000"'


def faults_of(folder: Path, text: str, name: str = "town.toml") -> list[str]:
    """The faults without the file's name, which each must begin with."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Refused) as caught:
        load_schedule(path)
    assert caught.value.user_text == "\n".join(caught.value.faults)
    assert all(fault.startswith(f"{path}: ") and fault.isprintable() for fault in caught.value.faults)
    return [fault.removeprefix(f"{path}: ") for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        # Tiers.
        (
            tiered('{ over = 0, up_to = 1000, base = "1" }, { over = 500, base = "2" }', ""),
            "fee[permit].tiers[2].over: overlaps the tier before, which holds up to 1,000",
        ),
        (
            tiered(f'{{ over = 0, up_to = "1,000", base = "1" }}, {{ over = "1000.01", {RATED} }}'),
            "fee[permit].tiers[2].over: leaves a gap after the tier before, which holds up to 1,000",
        ),
        (
            tiered('{ over = 0, up_to = 9, base = "1" }, { over = 9, up_to = 9, base = "2" }', ""),
            "fee[permit].tiers[2].up_to: must be more than over, 9",
        ),
        (
            tiered('{ over = 0, base = "1" }, { over = 9, base = "2" }', ""),
            "fee[permit].tiers[1].up_to: is missing; only the last tier goes on without limit",
        ),
        (
            tiered('{ over = 0, rate = "4.73", per = 1 }', ""),
            "fee[permit].step: is missing: or_fraction or proportional",
        ),
        (tiered('{ over = 0, base = "1" }'), "fee[permit].step: stands without a rate in any tier"),
        (
            tiered('{ over = 0, rate = "4.73" }'),
            "fee[permit].tiers[1].per: is missing: the measure that one rate is for",
        ),
        (
            tiered(f'{{ over = 0, up_to = 1, per = 1, base = "1" }}, {{ over = 1, {RATED} }}'),
            "fee[permit].tiers[1].per: stands without a rate",
        ),
        (tiered('{ over = 0, rate = "4.73", per = 0 }'), "fee[permit].tiers[1].per: must be more than 0"),
        (
            tiered("{ over = 0 }", ""),
            "fee[permit].tiers[1].base: is missing: a tier has a base, a rate or both",
        ),
        (tiered(f"{{ {RATED} }}"), "fee[permit].tiers[1].over: is missing"),
        (tiered("", ""), "fee[permit].tiers: must not be empty"),
        (tiered(f"{{ over = -1, {RATED} }}"), "fee[permit].tiers[1].over: must not be negative"),
        (
            tiered(f"{{ over = 0.5, {RATED} }}"),
            'fee[permit].tiers[1].over: must be a whole number or text in quotes, such as 1000 or "1,000.00"',
        ),
        (
            tiered(f'{{ over = "1.234", {RATED} }}'),
            "fee[permit].tiers[1].over: '1.234' is not a number such as 1000 or \"1,000.00\"",
        ),
        (
            tiered('{ over = 0, up_to = 9, base = "1" }', "lowest = 10\n"),
            "fee[permit].lowest: must lie in the first tier",
        ),
        (
            tiered('{ over = 0, up_to = 9, base = "1" }', "lowest = 0\n"),
            "fee[permit].lowest: must lie in the first tier",
        ),
        (
            tiered('{ over = 0, base = "1" }', "").replace('"valuation"', '"area"'),
            "fee[permit].measure: unknown reference 'area': [measures] does not have it",
        ),
        (
            tiered('{ over = 0, base = "1", bsae = "2" }', ""),
            "fee[permit].tiers[1].bsae: unknown member; did you mean base?",
        ),
        # Percentages.
        (
            flat("permit") + percent("review", '["permitt"]'),
            "fee[review].of[1]: unknown reference 'permitt': no fee has this code; did you mean permit?",
        ),
        (
            percent("a", '["b"]') + percent("b", '["c"]') + percent("c", '["a"]'),
            "fee[a].of: circular percentage a → b → c → a",
        ),
        (percent("a", '["a"]'), "fee[a].of: circular percentage a → a"),
        (flat("x") + percent("a", '["x", "x"]'), "fee[a].of[2]: x is named twice"),
        (percent("a", "[]"), "fee[a].of: must not be empty"),
        (
            flat("x") + percent("a", '["x"]', 'without_base = "minimum"\n'),
            'fee[a].minimum: is missing: without_base = "minimum" needs it',
        ),
        (
            flat("x") + percent("a", '["x"]').replace('"25"', "25"),
            'fee[a].percent: must be a percentage above 0 in quotes such as "2.5" (two decimals at most)',
        ),
        # Units.
        (per_unit(""), "fee[copies].price: state either price or prices"),
        (
            per_unit('price = "1"\nprices = [{ price = "1" }]\n'),
            "fee[copies].price: state either price or prices",
        ),
        (
            per_unit('prices = [{ up_to = 9, price = "1" }, { up_to = 9, price = "1" }]\n'),
            "fee[copies].prices[2].up_to: overlaps the price before, which holds up to 9",
        ),
        (
            per_unit('prices = [{ price = "1" }, { up_to = 9, price = "1" }]\n'),
            "fee[copies].prices[1].up_to: is missing; only the last price goes on without limit",
        ),
        (
            per_unit('price = "0.12345"\n'),
            "fee[copies].price: '0.12345' is not an amount such as 4.73 or 0.0075 (four decimals at most)",
        ),
        (
            per_unit('price = "1"\nincluded = -1\n'),
            "fee[copies].included: must be greater than or equal to 0",
        ),
        # Amounts and other values.
        (flat("x").replace('"1.00"', "1.00"), 'fee[x].amount: must be an amount in quotes such as "40.50"'),
        (flat("x").replace('"1.00"', "40"), 'fee[x].amount: must be an amount in quotes such as "40.50"'),
        (flat("x").replace('"1.00"', '"-1.00"'), "fee[x].amount: must not be negative"),
        (flat("x").replace('"1.00"', '"1.005"'), "fee[x].amount: '1.005' is not an amount such as 145.50"),
        (flat("x").replace('"1.00"', '"1e3"'), "fee[x].amount: '1e3' is not an amount such as 145.50"),
        (
            flat("x").replace("type_id = 6", 'type_id = "6"'),
            "fee[x].type_id: must be a whole number, without quotes",
        ),
        (
            flat("x").replace("type_id = 6", "type_id = true"),
            "fee[x].type_id: must be a whole number, without quotes",
        ),
        (flat("x").replace('gl_account = "1"\n', ""), "fee[x].gl_account: is missing"),
        (flat("x", "refundable = 1\n"), "fee[x].refundable: must be true or false, without quotes"),
        (flat("x", 'round_to = "dime"\n'), "fee[x].round_to: must be 'cent' or 'dollar'"),
        (flat("x", "refundabel = true\n"), "fee[x].refundabel: unknown member; did you mean refundable?"),
        (flat("x", '"a\\nb" = 1\n'), "fee[x].'a\\nb': unknown member"),
        (
            flat("x", 'category = "a\\u0007b"\n'),
            "fee[x].category: must be one line of at most 120 characters, without control characters",
        ),
        (flat("x", 'category = " "\n'), "fee[x].category: must not be empty or begin or end with a blank"),
        (flat("x", 'search_words = ["a", 2]\n'), "fee[x].search_words[2]: must be text in quotes"),
        (
            flat("x").replace('"flat"', '"flatt"'),
            "fee[x].kind: must be one of flat, per_unit, tiered, percent",
        ),
        (
            flat("x").replace('kind = "flat"\n', ""),
            "fee[x].kind: must be one of flat, per_unit, tiered, percent",
        ),
        (
            flat("Big Fee"),
            "fee[#1].code: must be small letters and digits; codes take dashes, measures underscores",
        ),
        # Dates.
        (flat("x", "effective_from = 2025\n"), "fee[x].effective_from: must be a date such as 2025-01-01"),
        (
            flat("x", 'effective_from = "2025-02-30"\n'),
            "fee[x].effective_from: 2025-02-30 is not a day of the calendar",
        ),
        (
            flat("x", "effective_from = 2025-01-01T00:00:00Z\n"),
            "fee[x].effective_from: must be a date such as 2025-01-01",
        ),
        (
            flat("x", "effective_from = 2025-01-02\neffective_until = 2025-01-01\n"),
            "fee[x].effective_until: must not be before effective_from, 2025-01-02",
        ),
        # Codes twice.
        (
            flat("x") + flat("y") + flat("x"),
            "fee[x#3].code: duplicate code: fee number 1 has it at the same time",
        ),
        (
            flat("x", "effective_until = 2025-12-31\n") + flat("x", "effective_from = 2025-12-31\n"),
            "fee[x#2].code: duplicate code: fee number 1 has it at the same time",
        ),
    ],
)
def test_one_fault_in_a_fee_is_one_line(tmp_path: Path, text: str, fault: str) -> None:
    assert faults_of(tmp_path, HEAD + text) == [fault]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "fee: a schedule is a list of at least one [[fee]] table"),
        ("[fee]\n", "fee: a schedule is a list of at least one [[fee]] table"),
        (
            "[measures.Area]\nlabel = 'A'\nunit = 'a'\n" + flat("x"),
            "measures.Area: must be small letters and digits; codes take dashes, measures underscores",
        ),
        ("[measures.area]\nlabel = 'A'\n" + flat("x"), "measures.area.unit: is missing"),
        ("[[fees]]\n" + flat("x"), "fees: unknown member"),
    ],
)
def test_one_fault_outside_the_fees_is_one_line(tmp_path: Path, text: str, fault: str) -> None:
    assert faults_of(tmp_path, HEAD + text) == [fault]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('name = "town"\ntitle = Town\n', r"line 2, column 9: .+"),
        ('name = "town"\nname = "town"\n', r"line 2, column 14: .+"),
        ("a = 1\n\nfrom = 2025-02-30\n", r"line 3, column 8: .+"),
        ("a = [1,\n", r"end of document: .+"),
    ],
)
def test_what_is_not_toml_is_refused_with_its_line(tmp_path: Path, text: str, fault: str) -> None:
    (told,) = faults_of(tmp_path, text)
    assert re.fullmatch(fault, told)


def test_every_fault_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    text = (
        'name = "town"\neffective_from = "soon"\nsauce = "x"\n'
        '[measures.valuation]\nlabel = 1\nunit = "dollars"\n'
        + tiered(
            '{ over = 0, up_to = 1000, base = -1.5 }, { over = 900, up_to = 800, base = "2", rate = "x" }'
        )
        + percent("a", '["b", "permit", "nowhere"]', 'minimum = "-1"\n')
        + percent("b", '["c"]')
        + percent("c", '["b"]', "rounding = 1\n")
        + flat("a").replace('"flat"', '"flag"').replace("type_id = 6", "type_id = 0")
    )
    assert faults_of(tmp_path, text) == [
        "title: is missing",
        "effective_from: must be a date such as 2025-01-01",
        "measures.valuation.label: must be text in quotes",
        "sauce: unknown member; did you mean source?",
        'fee[permit].tiers[1].base: must be an amount in quotes such as "40.50"',
        "fee[permit].tiers[2].rate: 'x' is not an amount such as 4.73 or 0.0075 (four decimals at most)",
        "fee[permit].tiers[2].up_to: must be more than over, 900",
        "fee[permit].tiers[2].over: overlaps the tier before, which holds up to 1,000",
        "fee[permit].tiers[2].per: is missing: the measure that one rate is for",
        "fee[a#2].minimum: must not be negative",
        "fee[a#2].of[3]: unknown reference 'nowhere': no fee has this code",
        "fee[c].rounding: must be 'half_up', 'half_even', 'up' or 'down'",
        "fee[a#5].kind: must be one of flat, per_unit, tiered, percent",
        "fee[a#5].type_id: must be greater than 0",
        "fee[a#5].code: duplicate code: fee number 2 has it at the same time",
        "fee[b].of: circular percentage b → c → b",
    ]


def inline(value: Any) -> str:
    """A value as TOML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {inline(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(inline(one) for one in value) + "]"
    return str(value) if isinstance(value, float | dt.date) else json.dumps(value)


FEES: list[dict[str, Any]] = [
    {"code": "permit", "kind": "tiered", "measure": "valuation", "step": "proportional", "lowest": 1,
     "tiers": [{"over": 0, "up_to": 9, "base": "1"}, {"over": 9, "base": "2", "rate": "1", "per": "2"}]},
    {"code": "review", "kind": "percent", "percent": "25", "of": ["permit"], "minimum": "3.50"},
    {"code": "copies", "kind": "per_unit", "units": "pages", "prices": [{"price": "1", "up_to": 9}]},
    {"code": "roof", "kind": "flat", "amount": "40.50", "effective_from": dt.date(2025, 1, 1)},
]  # fmt: skip
JUNK: st.SearchStrategy[Any] = st.recursive(
    st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats()
    | st.text(st.characters(max_codepoint=0x2FF, exclude_characters="\x7f"), max_size=6)
    | st.sampled_from(["permit", "review", "copies", "roof", "valuation", "1", "-1", "9", "2025-01-01"])
    | st.dates(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["over", "x\n"]), inner),
    max_leaves=3,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every list or table within, with each of its keys."""
    if not isinstance(value, list | dict):
        return []
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    return [(value, key) for key in keys] + [one for key in keys for one in places(value[key])]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_a_file_says_it_is_a_schedule_or_refused_in_single_lines(
    tmp_path: Path, data: st.DataObject
) -> None:
    document = {
        "name": "town",
        "title": "Town",
        "measures": {"valuation": {"label": "Valuation", "unit": "dollars"}},
        "fee": [{"name": "A fee", "type_id": 6, "gl_account": "1"} | deepcopy(fee) for fee in FEES],
    }
    for _ in range(data.draw(st.integers(0, 3))):
        if options := places(document):
            holder, key = options[data.draw(st.integers(0, len(options) - 1))]
            if data.draw(st.booleans()):
                holder[key] = data.draw(JUNK)
            else:
                del holder[key]
    path = tmp_path / "town.toml"
    path.write_text(
        "\n".join(f"{key} = {inline(value)}" for key, value in document.items()), encoding="utf-8"
    )
    try:
        schedule = load_schedule(path)
    except Refused as refused:
        assert refused.faults and all(fault.isprintable() for fault in refused.faults)
        assert all(fault.startswith(f"{path}: ") for fault in refused.faults)
    else:
        assert all(quick_price(schedule, one.code) for one in schedule.fees)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"gone\.toml: cannot be read: No such file"):
        load_schedule(tmp_path / "gone.toml")
    with pytest.raises(Refused, match="cannot be read: Is a directory"):
        load_schedule(tmp_path)
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b"a = 1\nb = '\xe9'\n")
    with pytest.raises(Refused, match=r"latin\.toml: line 2: is not UTF-8 text"):
        load_schedule(latin)
    big = tmp_path / "big.toml"
    big.write_bytes(b"#" * (FILE_BYTES_MAX + 1))
    with pytest.raises(Refused, match=r"big\.toml: is larger than 4 MiB"):
        load_schedule(big)


def test_a_name_that_is_not_the_files_is_refused(tmp_path: Path) -> None:
    text = HEAD + flat("x")
    assert faults_of(tmp_path, text, "city.toml") == ["name: town must also begin the file's name"]


# --- choosing a file ----------------------------------------------------------------------------------


def write(folder: Path, name: str, head: str, fees: str = "") -> None:
    (folder / name).write_text(f'name = "town"\ntitle = "Town"\n{head}{fees or flat("x")}', encoding="utf-8")


def test_the_business_date_chooses_the_file(tmp_path: Path) -> None:
    write(tmp_path, "town.toml", "effective_until = 2025-12-31\n")
    write(tmp_path, "town-2026.toml", 'effective_from = "2026-01-01"\n', flat("x").replace("1.00", "2.00"))
    assert cost(find("town", tmp_path, dt.date(2025, 12, 31)), "x") == 100
    assert cost(find("town", tmp_path, dt.date(2026, 1, 1)), "x") == 200
    write(tmp_path, "town-b.toml", "effective_from = 2027-01-01\n")
    with pytest.raises(Refused, match=r"stated twice for 2027-01-01: town-2026\.toml, town-b\.toml"):
        find("town", tmp_path, dt.date(2027, 1, 1))


def test_an_unknown_or_outdated_schedule_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        Refused, match="no fee schedule 'nowhere'; there are: generic, lakeland, oshtemo, police"
    ):
        find("nowhere", FOLDER, TODAY)
    with pytest.raises(Refused, match=r"no fee schedule '\.\./schedules/lakeland'"):
        find("../schedules/lakeland", FOLDER, TODAY)
    with pytest.raises(Refused, match="there are: none"):
        find("town", tmp_path, TODAY)
    with pytest.raises(Refused, match="oshtemo is not in force on 2024-12-31, but from 2025-01-01"):
        find("oshtemo", FOLDER, dt.date(2024, 12, 31))


def test_a_faulty_file_blocks_its_own_name_only(tmp_path: Path) -> None:
    write(tmp_path, "town.toml", "effective_until = 2025-12-31\n")
    write(tmp_path, "town-2026.toml", "effective_from = 2026\n")
    (tmp_path / "village.toml").write_text("nonsense", encoding="utf-8")
    with pytest.raises(Refused) as caught:
        find("town", tmp_path, dt.date(2025, 1, 1))
    assert caught.value.faults == (
        f"{tmp_path / 'town-2026.toml'}: effective_from: must be a date such as 2025-01-01",
    )
    found = {one.path.name: (one.schedule is not None, len(one.faults)) for one in available(tmp_path)}
    assert found == {"town-2026.toml": (False, 1), "town.toml": (True, 0), "village.toml": (False, 1)}


def test_the_shipped_files_are_available_and_described() -> None:
    found = available(FOLDER)
    assert [(one.path.stem, one.faults) for one in found] == [
        ("generic", ()),
        ("lakeland", ()),
        ("oshtemo", ()),
        ("police", ()),
    ]
    described = (FOLDER / "README.md").read_text(encoding="utf-8")
    models = [*schedule_file.FEES.values(), schedule_file.Header]
    for name in {name for model in models for name in model.model_fields} - {"measures"}:
        assert f"`{name}`" in described, name


def test_two_thousand_fees_load_and_are_found(tmp_path: Path) -> None:
    fees = "".join(flat(f"fee-{n}", f'search_words = ["word{n}", "shared"]\n') for n in range(2_000))
    write(tmp_path, "town.toml", "", fees)
    town = find("town", tmp_path, TODAY)
    assert [one.code for one in search(town, "WORD1999")] == ["fee-1999"]
    assert len(search(town, "shared fe")) == 2_000
    assert len(search(town, "sha", limit=20)) == 20
