"""Fee schedules as CSV: what spreadsheets write, every fault with line and column, and there and back."""

import datetime as dt
import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
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
)
from cashier.domain.money import Cents, Rounding
from cashier.schedule_csv import letters, parse_csv
from cashier.schedule_csv_writing import csv_text
from cashier.schedule_toml import schedule_toml
from cashier.schedules import FILE_BYTES_MAX, load_schedule, parse_schedule

FOLDER = Path(__file__).parents[1] / "resources" / "schedules"
PROPERTY = settings(max_examples=60)
(EXAMPLE,) = re.findall(r"```csv\n(.*?)```", (FOLDER / "README.md").read_text(encoding="utf-8"), re.DOTALL)


def faults(text: str | bytes) -> list[str]:
    """What is wrong with a CSV file, without its name."""
    with pytest.raises(Refused) as refused:
        parse_csv(text.encode() if isinstance(text, str) else text, "fees.csv")
    assert all(fault.startswith("fees.csv: ") for fault in refused.value.faults)
    return [fault.removeprefix("fees.csv: ") for fault in refused.value.faults]


def small(rows: str, columns: str = "code,name,kind,amount,type_id,gl_account") -> str:
    return f"name,town\ntitle,Town\n{columns}\n{rows}\n"


def example() -> Schedule:
    return parse_csv(EXAMPLE.encode(), "fees.csv")


# --- what is read -------------------------------------------------------------------------------------


def test_the_example_of_the_format_is_a_schedule() -> None:
    schedule = example()
    assert (schedule.name, schedule.period) == ("hilltown", Period(dt.date(2027, 1, 1)))
    assert [fee.code for fee in schedule.fees] == [
        *("building-permit", "plan-review", "plat", "reinspection", "plan-prints", "planning-application")
    ]
    by_tiers = schedule.fee("building-permit").rule
    assert isinstance(by_tiers, Tiered)
    assert [(tier.over, tier.up_to, tier.base_cents) for tier in by_tiers.tiers] == [
        (0, 200_000, 4_500),
        (200_000, 5_000_000, 4_500),
        (5_000_000, None, 34_500),
    ]
    assert schedule.fee("plat").rule == Tiered(
        Measure("lots", "Number of lots", "lots", whole=True),
        (Tier(0, 10_000, Cents(20_000), Rate(Fraction(1800), 100, 0, Step.PROPORTIONAL)),),
        1,
    )
    assert schedule.fee("plan-prints").rule == PerUnit(
        "sheets", (UnitPrice(Fraction(400), 10), UnitPrice(Fraction(325)))
    )
    assert schedule.fee("plan-review").rule == Percent(4_000, ("building-permit",), Cents(3_500))
    assert schedule.fee("planning-application").rule == Flat(Cents(115_000))
    assert {fee.gl_account[:5] for fee in schedule.fees} == {"00101"}, "zeros in front stay"
    assert schedule.fee("building-permit").search_words == ("house", "addition")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_encodings_delimiters_and_line_ends_of_spreadsheets(
    encoding: str, delimiter: str, newline: str
) -> None:
    text = EXAMPLE.replace("Subdivision plat", "Subdivision – café").replace('"2,000"', "2000")
    text = text.replace('"50,000"', "50000").replace('"1,000"', "1000").replace('"1,150.00"', "1150")
    text = text.replace(",", delimiter).replace("\n", newline)
    schedule = parse_csv(text.encode(encoding), "fees.csv")
    assert schedule.fee("plat").name == "Subdivision – café"
    assert schedule.fee("building-permit").rule == example().fee("building-permit").rule


def test_habits_of_spreadsheets() -> None:
    text = (
        'sep=,\r\nname,town,,,\r\nTitle,"Town, the",,,\r\neffective from,1/2/2027,,,\r\n,,,\r\n'
        "Code,NAME,Kind,Amount,type id,GL account,refundable,,\r\n"
        'a,"Say ""yes""",Flat,"$1,234.50 ",6,="00123",FALSE,,\r\n'
        "b,\xa0Blank ,flat,72,6,0042,TRUE,,\r\n"
        ",,,,,,,,\r\n,,\r\n"
    )
    schedule = parse_csv(text.encode("cp1252"), "fees.csv")
    assert (schedule.title, schedule.period.first) == ("Town, the", dt.date(2027, 1, 2))
    one, other = schedule.fees
    assert (one.name, one.rule, one.gl_account, one.refundable) == (
        'Say "yes"',
        Flat(Cents(123_450)),
        "00123",
        False,
    )
    assert (other.name, other.rule, other.gl_account, other.refundable) == (
        "Blank",
        Flat(Cents(7_200)),
        "0042",
        True,
    )


def test_a_schedule_may_be_called_code() -> None:
    text = (
        EXAMPLE.replace("name,hilltown", "name,code")
        .replace("lots", "code")
        .replace("title,Town", "Title,Code")
    )
    text = text.replace("Title,Code of Hilltown: building and zoning", "Title,Code")
    schedule = parse_csv(text.encode(), "fees.csv")
    assert (schedule.name, schedule.title, len(schedule.fees)) == ("code", "Code", 6)


# --- every fault --------------------------------------------------------------------------------------


def test_every_fault_is_told_at_once_with_line_and_column() -> None:
    text = EXAMPLE
    for right, wrong in (
        ("$45.00", "abc"),
        (",flat,", ",flatt,"),
        ("inspections,55.00", "inspections,"),
        (",lots,yes", ",lots,maybe"),
        ("00101-341.90", "1.01E+11"),
        ("40%", "140.123%"),
        ("2027-01-01", "2027-02-30"),
    ):
        assert right in text
        text = text.replace(right, wrong, 1)
    assert faults(text) == [
        "line 4, column B (effective_from): 2027-02-30 is not a day of the calendar",
        "line 6, column E (whole): must be yes or no",
        "line 9, column K (base): 'abc' is not an amount such as 145.50",
        'line 12, column N (percent): must be a percentage above 0 such as "2.5" (two decimals at most)',
        "line 14, column F (price): is missing: the price of each unit",
        "line 15, column R (gl_account): 1.01E+11 is a number that the spreadsheet has shortened; type it "
        "anew in a column of text",
        "line 17, column C (kind): must be one of flat, per_unit, tiered, percent",
    ]


def test_tiers_with_a_gap_and_references_to_nothing() -> None:
    text = EXAMPLE.replace('"2,000","50,000"', '"3,000","50,000"').replace(
        "building-permit,35", "building,35"
    )
    assert faults(text) == [
        "line 10, column I (over): leaves a gap after the tier before, which holds up to 2,000",
        "line 12, column O (of): unknown reference 'building': no fee has this code; did you mean "
        "building-permit?",
    ]


def test_what_is_stated_twice() -> None:
    text = small("a,One,flat,1,6,GL\na,Two,flat,2,6,GL").replace("title,Town", "title,Town\ntitle,City")
    assert faults(text) == [
        "line 3, column A: title is stated twice",
        "line 6, column A (code): duplicate code: the fee of line 5 has it at the same time",
    ]


def test_columns_that_are_none_hide_no_fault_of_the_head() -> None:
    text = "name,town\ncode,name,kind,amuont,type_id,gl_account,name\na,One,flat,1,6,GL,x\n"
    assert faults(text) == [
        "line 1, title: is missing",
        "line 2, column D: unknown column 'amuont'; did you mean amount?",
        "line 2, column G: column name is there twice",
    ]


def test_a_forgotten_code_is_not_taken_for_a_row_of_the_fee_above() -> None:
    assert faults(small("a,One,flat,1,6,GL\n,Two,flat,2,6,GL")) == [
        "line 5, column A: is missing; a further row of a fee has only a tier or a price"
    ]


def test_what_does_not_belong_to_a_fee_of_its_kind() -> None:
    columns = "code,name,kind,amount,type_id,gl_account,price,over"
    rows = "a,One,flat,1,6,GL,2.00,\nb,Two,per_unit,,6,GL,2.00,5\n,,,,,,3.00,\nc,C,flat,1,6,GL,,,stray"
    assert faults(small(rows, columns)) == [
        "line 4, column G (price): does not belong to a fee of this kind",
        "line 5, units: is missing",
        "line 5, up_to: is missing; only the last price goes on without limit",
        "line 5, column H (over): does not belong to a fee of this kind",
        "line 7, column I: stands in a column without a name",
    ]


def test_a_line_break_in_a_cell_does_not_shift_the_lines() -> None:
    found = faults(small('a,"One\ntwo",flat,1,6,GL\nb,Two,flat,x,6,GL'))
    assert [one.partition(":")[0] for one in found] == [
        "line 4, column B (name)",
        "line 6, column D (amount)",
    ]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "has no row of column names"),
        (b"name,town\n", "has no row of column names"),
        ("code,name\n".encode("utf-16"), "is not UTF-8 or Windows-1252 text"),
        (b"PK\x03\x04 a workbook", "is a workbook"),
        (b"code,name\na,\x81\n", "line 2: is neither UTF-8 nor Windows-1252 text"),
        (b'code,name\na,"x"y\n', "line 2: "),
        (b"name,town\ntitle,Town\ncode,name\n\n\n", "line 1: there is no row of a fee"),
        (b"code,name\n" + b"a,b\n" * 20_001, "has more than 20,000 lines"),
        (b"code,name\n" + b"," * 100 + b"x\n", "line 2: has more than 100 columns"),
    ],
)
def test_what_is_no_such_file(content: bytes, why: str) -> None:
    assert faults(content)[0].startswith(why)


def test_a_file_of_rubbish_is_refused_in_time() -> None:
    assert faults(b'"' * FILE_BYTES_MAX)


def test_columns_are_named_as_spreadsheets_name_them() -> None:
    assert [letters(number) for number in (0, 25, 26, 51, 52, 701, 702)] == [
        *("A", "Z", "AA", "AZ", "BA", "ZZ", "AAA")
    ]


# --- there and back -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["generic", "lakeland", "oshtemo", "police"])
def test_shipped_schedules_are_the_same_through_either_form(name: str) -> None:
    schedule = load_schedule(FOLDER / f"{name}.toml")
    assert parse_csv(csv_text(schedule).encode("utf-8-sig"), "x.csv") == schedule
    assert parse_schedule(schedule_toml(schedule, "a note\nof two lines").encode(), "x", name) == schedule


_codes = st.from_regex(r"[a-z0-9]{1,6}(-[a-z0-9]{1,4})?", fullmatch=True)
_texts = (
    st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z"), include_characters=" "), max_size=20)
    .map(str.strip)
    .filter(lambda text: text and text.isprintable() and not re.match(r'="|\d([.,]\d+)?[eE]', text))
)
_words = _texts.filter(lambda text: "|" not in text)
_cents = st.integers(0, 999_999_999).map(Cents)
_rates = st.integers(0, 99_999_999).map(lambda number: Fraction(number, 100))
_days = st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31))


@st.composite
def _periods(draw: st.DrawFn) -> Period:
    first, last = sorted((draw(_days), draw(_days)))
    return Period(draw(st.sampled_from((first, None))), draw(st.sampled_from((last, None))))


@st.composite
def _tiered(draw: st.DrawFn) -> Tiered:
    measure = draw(
        st.sampled_from((Measure("valuation", "Value", "dollars"), Measure("lots", "L", "lots", True)))
    )
    edges = sorted(draw(st.sets(st.integers(0, 10**9), min_size=2, max_size=5)))
    step = draw(st.sampled_from(Step))
    ends: list[int | None] = [*edges[1:-1], draw(st.sampled_from((edges[-1], None)))]
    tiers = []
    for over, up_to in zip(edges, ends, strict=False):
        counted = draw(st.sampled_from((over, over + 100, 0)))
        rate = Rate(draw(_rates), draw(st.integers(1, 10**6)), counted, step)
        tiers.append(Tier(over, up_to, draw(_cents), draw(st.sampled_from((rate, None)))))
    first = tiers[0]
    highest = first.up_to or first.over + 500
    return Tiered(measure, tuple(tiers), draw(st.integers(first.over + 1, highest)))


@st.composite
def _per_unit(draw: st.DrawFn) -> PerUnit:
    edges = sorted(draw(st.sets(st.integers(1, 99_999), max_size=3)))
    prices = [UnitPrice(draw(_rates), edge) for edge in edges]
    if not prices or draw(st.booleans()):
        prices.append(UnitPrice(draw(_rates)))
    return PerUnit(draw(st.sampled_from(("pages", "linear feet"))), tuple(prices), draw(st.integers(0, 9)))


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    """Any schedule that a file can state."""
    codes = draw(st.lists(_codes, min_size=1, max_size=4, unique=True))
    fees = []
    for number, code in enumerate(codes):
        rules: list[st.SearchStrategy[Rule]] = [st.builds(Flat, _cents), _per_unit(), _tiered()]
        if number:
            of = st.lists(st.sampled_from(codes[:number]), min_size=1, unique=True).map(tuple)
            minimum = draw(st.none() | _cents)
            alone = st.booleans() if minimum is not None else st.just(False)
            rules.append(st.builds(Percent, st.integers(1, 99_999), of, st.just(minimum), alone))
        fees.append(
            ScheduledFee(
                code,
                draw(_texts),
                draw(st.one_of(rules)),
                draw(st.integers(1, 999_999_999)),
                draw(_texts),
                draw(st.none() | _texts),
                draw(st.booleans()),
                draw(st.just("") | _texts),
                tuple(draw(st.lists(_words, max_size=3))),
                draw(st.sampled_from(Rounding)),
                draw(st.sampled_from((1, 100))),
                draw(_periods()),
            )
        )
    return Schedule("town", draw(_texts), tuple(fees), draw(st.just("") | _texts), draw(_periods()))


@PROPERTY
@given(schedules())
def test_a_schedule_is_the_same_from_csv_to_toml_and_back(schedule: Schedule) -> None:
    from_csv = parse_csv(csv_text(schedule).encode(), "x.csv")
    assert from_csv == schedule
    assert parse_schedule(schedule_toml(from_csv).encode(), "town.toml", "town") == schedule


@PROPERTY
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_do_anything_but_be_refused(content: bytes) -> None:
    with pytest.raises(Refused):
        parse_csv(content, "x.csv")


@PROPERTY
@given(st.data())
def test_a_damaged_file_is_a_schedule_or_is_refused(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(EXAMPLE) - 1))
    damaged = EXAMPLE[:place] + data.draw(st.text(max_size=3)) + EXAMPLE[place + 1 :]
    try:
        schedule = parse_csv(damaged.encode(), "x.csv")
    except Refused as refused:
        assert all(fault.startswith("x.csv: ") for fault in refused.faults)
    else:
        assert parse_schedule(schedule_toml(schedule).encode(), "x", schedule.name) == schedule
