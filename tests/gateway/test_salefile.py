"""The sale file: what is taken, and one line for each fault that names its member."""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cashier.domain.errors import Refused
from cashier.domain.money import Cents, parse_cents
from cashier.domain.sale import Sale
from cashier.gateway.profiles import Profile
from cashier.gateway.salefile import SALE_FILE_MAX_BYTES, check_sale, load_sale, sale_members
from cashier.gateway.salemembers import FEES_MAX, NAME_MAX, BillerLimits

TODAY = dt.date(2026, 2, 3)
ALL = ("mcci", "cloudpermit", "grancius", "leadsonline", "sagesgov")
Members = dict[str, Any]


def faults_of(
    source: Members | str | bytes | Path,
    profiles: dict[str, Profile],
    biller: BillerLimits | None = None,
) -> tuple[str, ...]:
    """The faults of a file; the test fails when it has none."""
    text = json.dumps(source) if isinstance(source, dict) else source
    with pytest.raises(Refused) as refused:
        load_sale(text, profiles, biller or BillerLimits(), TODAY)
    assert all("\n" not in fault for fault in refused.value.faults)
    return refused.value.faults


def put(members: Members, path: str, value: Any) -> None:
    """Set `invoices.0.fees.1.amount` and the like."""
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = members
    for part in way:
        place = place[part]
    place[last] = value


# -- what is taken -----------------------------------------------------------------------------------------


def test_a_file_becomes_a_sale(sale_of: Callable[[str], Sale]) -> None:
    sale = sale_of("sagesgov")
    assert sale.customer.account_number == "J_200001"
    assert sale.permit is not None and sale.permit.number == "CSGN-26-000012"
    assert sale.invoices[0].date == TODAY
    assert [fee.amount_cents for fee in sale.fees] == [14550, 10000]
    assert (sale.total_cents, sale.reference) == (24550, "700001")


@pytest.mark.parametrize("name", ALL)
def test_a_sale_survives_being_written_as_a_file(
    name: str, sale_of: Callable[[str], Sale], profiles: dict[str, Profile]
) -> None:
    sale = sale_of(name)
    assert load_sale(json.dumps(sale_members(sale)), profiles, BillerLimits(), TODAY) == sale
    check_sale(sale, profiles, BillerLimits())


def test_null_numbers_follow_the_account_type_rule(sale_of: Callable[[str], Sale]) -> None:
    assert [one.number for one in sale_of("grancius").invoices] == ["BU7-00042-6", "BU7-00042-93"]


def test_top_level_fees_make_one_invoice_per_type(
    members_of: Callable[[str], Members], profiles: dict[str, Profile]
) -> None:
    members = members_of("grancius")
    invoices = members.pop("invoices")
    fees = [{**fee, "type_id": one["type_id"]} for one in invoices for fee in one["fees"]]
    members["fees"] = [fees[0], fees[2], fees[1]]
    sale = load_sale(json.dumps(members), profiles, BillerLimits(), TODAY)
    assert [(one.number, one.type_id, one.total_cents) for one in sale.invoices] == [
        ("BU7-00042-6", 6, 21025),
        ("BU7-00042-93", 93, 8975),
    ]
    assert {(one.date, one.due_date) for one in sale.invoices} == {(TODAY, TODAY)}


def test_a_file_a_text_and_bytes_are_the_same(
    sale_of: Callable[[str], Sale], members_of: Callable[[str], Members], profiles: dict[str, Profile]
) -> None:
    text = json.dumps(members_of("mcci"))
    for source in (text, text.encode(), b"\xef\xbb\xbf" + text.encode()):
        assert load_sale(source, profiles, BillerLimits(), TODAY) == sale_of("mcci")


@given(cents=st.lists(st.integers(1, 999_999), min_size=1, max_size=8))
def test_amounts_never_change(cents: list[int], profiles: dict[str, Profile]) -> None:
    fees = [
        {"id": f"F{n}", "name": "Fee", "amount": f"{c // 100}.{c % 100:02d}"} for n, c in enumerate(cents)
    ]
    invoice = {"number": "1", "type_id": 6, "date": "2026-02-03", "due_date": "2026-02-03", "fees": fees}
    members = {"profile": "mcci", "customer": {"account_number": "A", "name": "Pat"}, "invoices": [invoice]}
    sale = load_sale(json.dumps(members), profiles, BillerLimits(), TODAY)
    assert [fee.amount_cents for fee in sale.fees] == cents


# -- faults of one member ----------------------------------------------------------------------------------

MEMBER_FAULTS = [
    ("colour", "red", "colour: unknown member"),
    ("customer.phone", "5", "customer.phone: unknown member"),
    ("invoices.0.fees.1.tax", "5", "invoices[0].fees[1].tax: unknown member"),
    ("bad\nname", 1, '"bad\\nname": unknown member'),
    ("profile", "smartgov", 'profile: "smartgov" is not a profile (known: cloudpermit, grancius,'),
    ("profile", None, "profile: must be text"),
    ("customer", "Robin", "customer: must be an object"),
    ("customer.account_number", 5, "customer.account_number: must be text"),
    ("customer.account_number", " ", "customer.account_number: must not be empty"),
    ("customer.name", "x" * (NAME_MAX + 1), f"customer.name: is longer than {NAME_MAX} characters"),
    ("customer.name", "Robin\u0007", "customer.name: contains the control character U+0007"),
    ("customer.name", "Robin\u202e", "customer.name: contains the control character U+202E"),
    ("customer.city", "a\nb", "customer.city: contains the control character U+000A"),
    ("customer.name", "\ud800", "customer.name: is not valid text"),
    ("permit.number", "x" * 101, "permit.number: is longer than 100 characters"),
    ("permit.description", "\u0000", "permit.description: contains the control character U+0000"),
    ("invoices", [], "invoices: a sale needs at least one invoice with a fee"),
    ("invoices", None, "invoices: a sale needs at least one invoice with a fee"),
    ("invoices", "700001", "invoices: must be a list"),
    ("invoices.0", 5, "invoices[0]: must be an object"),
    ("invoices.0.fees", [], "invoices[0].fees: an invoice needs at least one fee"),
    ("invoices.0.fees.0", None, "invoices[0].fees[0]: must be an object"),
    ("invoices.0.number", None, "invoices[0].number: SagesGov invoices carry the permit system's own number"),
    ("invoices.0.number", 700001, "invoices[0].number: must be text"),
    ("invoices.0.type_id", "43", "invoices[0].type_id: must be a whole number"),
    ("invoices.0.type_id", True, "invoices[0].type_id: must be a whole number"),
    ("invoices.0.type_id", 0, "invoices[0].type_id: must be a number from 1 to 999999"),
    ("invoices.0.type_id", 39, "invoices[0].type_id: SagesGov invoices are always of type 43, not 39"),
    ("invoices.0.date", "02/03/2026", 'invoices[0].date: must be a date such as "2026-02-03"'),
    ("invoices.0.date", 20260203, 'invoices[0].date: must be a date such as "2026-02-03"'),
    ("invoices.0.due_date", "2026-02-30", "invoices[0].due_date: 2026-02-30 is not in the calendar"),
    ("invoices.0.due_date", "1926-02-03", "invoices[0].due_date: must be in the years 2000 to 2099"),
    ("invoices.0.minimum_due", "10.00", "invoices[0].minimum_due: SagesGov has no partial payments"),
    ("invoices.0.allow_partial", True, "invoices[0].allow_partial: SagesGov has no partial payments"),
    ("invoices.0.allow_partial", "yes", "invoices[0].allow_partial: must be true, false or null"),
    ("invoices.0.fees.0.id", "", "invoices[0].fees[0].id: must not be empty"),
    ("invoices.0.fees.1.name", "Plan|Review", "invoices[0].fees[1].name: must not contain |"),
    ("reference", "x" * 101, "reference: is longer than 100 characters"),
    ("return_url", "ftp://permits.example.org", "return_url: is not a web address"),
    ("return_url", "https://", "return_url: is not a web address"),
    ("postback_url", "javascript:alert(1)", "postback_url: is not a web address"),
    ("postback_url", "https://p.example.org/" + "x" * 2000, "postback_url: is longer than 2000 characters"),
]


@pytest.mark.parametrize(("path", "value", "fault"), MEMBER_FAULTS)
def test_each_fault_names_its_member(
    path: str, value: Any, fault: str, members_of: Callable[[str], Members], profiles: dict[str, Profile]
) -> None:
    members = members_of("sagesgov")
    put(members, path, value)
    faults = faults_of(members, profiles)
    assert len(faults) == 1 and faults[0].startswith(fault), faults


@pytest.mark.parametrize(
    "amount",
    ["145.500", "12345678.00", "-1.00", "1,000.00", "1e3", "", " 1.00", "1.", ".5", "٣.00", "NaN", "1.00\n"],
)
def test_amounts_that_are_no_amounts(
    amount: str, members_of: Callable[[str], Members], profiles: dict[str, Profile]
) -> None:
    members = members_of("sagesgov")
    put(members, "invoices.0.fees.1.amount", amount)
    (fault,) = faults_of(members, profiles)
    assert fault.startswith("invoices[0].fees[1].amount: ") and "is not an amount" in fault


@pytest.mark.parametrize("amount", [145.5, 145, True, None, ["145.50"]])
def test_amounts_must_be_text(
    amount: Any, members_of: Callable[[str], Members], profiles: dict[str, Profile]
) -> None:
    members = members_of("sagesgov")
    put(members, "invoices.0.fees.1.amount", amount)
    assert faults_of(members, profiles) == ('invoices[0].fees[1].amount: must be text such as "145.50"',)


@pytest.mark.parametrize(
    "path",
    [
        "profile",
        "customer",
        "customer.name",
        "invoices.0.date",
        "invoices.0.type_id",
        "invoices.0.fees.0.amount",
    ],
)
def test_missing_members(
    path: str, members_of: Callable[[str], Members], profiles: dict[str, Profile]
) -> None:
    members = members_of("sagesgov")
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = members
    for part in way:
        place = place[part]
    del place[last]
    (fault,) = faults_of(members, profiles)
    assert fault.endswith("is missing") and str(last) in fault


# -- faults of several members -----------------------------------------------------------------------------


def test_all_faults_are_told_at_once(
    members_of: Callable[[str], Members], profiles: dict[str, Profile]
) -> None:
    members = members_of("grancius")
    put(members, "colour", 1)
    put(members, "invoices.0.fees.0.amount", 178.75)
    put(members, "invoices.0.fees.1.amount", "1.234")
    put(members, "invoices.1.date", "soon")
    put(members, "invoices.1.fees.0.amount", "9000.00")
    faults = faults_of(members, profiles, BillerLimits(frozenset({6}), 100_000))
    assert [fault.split(": ")[0] for fault in faults] == [
        "colour",
        "invoices[0].fees[0].amount",
        "invoices[0].fees[1].amount",
        "invoices[1].type_id",
        "invoices[1].date",
        "invoices",
    ]
    assert faults[-1] == "invoices: the total 9000.00 is over 1000.00, the most this biller takes by card"


def test_a_type_that_is_not_set_up_must_be_added_by_the_vendor(
    members_of: Callable[[str], Members], profiles: dict[str, Profile]
) -> None:
    (fault,) = faults_of(members_of("mcci"), profiles, BillerLimits(frozenset({42, 43})))
    assert fault.startswith("invoices[0].type_id: invoice type 6 is not set up")
    assert "the vendor (Invoice Cloud) must add it" in fault


@pytest.mark.parametrize(("maximum", "taken"), [(24550, True), (24549, False)])
def test_the_billers_maximum_is_inclusive(
    maximum: int, taken: bool, members_of: Callable[[str], Members], profiles: dict[str, Profile]
) -> None:
    biller = BillerLimits(None, maximum)
    if taken:
        load_sale(json.dumps(members_of("sagesgov")), profiles, biller, TODAY)
    else:
        (fault,) = faults_of(members_of("sagesgov"), profiles, biller)
        assert fault == "invoices: the total 245.50 is over 245.49, the most this biller takes by card"


def test_two_invoices_under_a_profile_of_one(
    members_of: Callable[[str], Members], profiles: dict[str, Profile]
) -> None:
    members = members_of("mcci")
    members["invoices"].append({**members["invoices"][0], "number": "other"})
    (fault,) = faults_of(members, profiles)
    assert fault.startswith("invoices: MCCi sends one invoice a sale and this would be 2")


def test_two_invoices_of_one_number(
    members_of: Callable[[str], Members], profiles: dict[str, Profile]
) -> None:
    members = members_of("grancius")
    put(members, "invoices.1.type_id", 6)
    (fault,) = faults_of(members, profiles)
    assert fault == "invoices[1].number: BU7-00042-6 is the number of invoices[0] already"


def test_invoices_and_fees_exclude_each_other(
    members_of: Callable[[str], Members], profiles: dict[str, Profile]
) -> None:
    members = members_of("grancius")
    members["fees"] = [{"type_id": 6, "id": "F", "name": "Fee", "amount": "1.00"}]
    assert faults_of(members, profiles) == ("fees: give either invoices or fees, not both",)


def test_top_level_fees_have_no_number_to_give(
    members_of: Callable[[str], Members], profiles: dict[str, Profile]
) -> None:
    members = members_of("mcci")
    del members["invoices"]
    members["fees"] = [{"type_id": 6, "id": "F", "name": "Fee", "amount": "x"}]
    faults = faults_of(members, profiles)
    assert [fault.split(": ")[0] for fault in faults] == ["fees[0].amount", "fees"]


def test_nothing_to_pay(members_of: Callable[[str], Members], profiles: dict[str, Profile]) -> None:
    members = members_of("leadsonline")
    put(members, "invoices.0.fees.0.amount", "0.00")
    assert faults_of(members, profiles) == ("invoices[0]: comes to 0.00, there is nothing to pay",)


def test_more_than_one_sale_can_be(
    members_of: Callable[[str], Members], profiles: dict[str, Profile]
) -> None:
    members = members_of("mcci")
    put(members, "invoices.0.fees.0.amount", "9999999.99")
    (fault,) = faults_of(members, profiles)
    assert fault.startswith("invoices: the total 10000032.49 is over 9999999.99")


@pytest.mark.parametrize(
    ("minimum", "allowed", "fault"),
    [
        ("180.01", True, "invoices[0].minimum_due: is more than the invoice's total of 180.00"),
        ("0.00", True, "invoices[0].minimum_due: must be more than 0.00"),
        ("40.00", None, "invoices[0].allow_partial: say true or false beside a minimum_due"),
    ],
)
def test_partial_payments_that_cannot_be(
    minimum: str,
    allowed: bool | None,
    fault: str,
    members_of: Callable[[str], Members],
    profiles: dict[str, Profile],
) -> None:
    members = members_of("mcci")
    put(members, "invoices.0.minimum_due", minimum)
    put(members, "invoices.0.allow_partial", allowed)
    assert faults_of(members, profiles) == (fault,)


def test_references_that_cannot_be(
    members_of: Callable[[str], Members], profiles: dict[str, Profile]
) -> None:
    members = members_of("cloudpermit")
    members["reference"] = "0f" * 31
    assert faults_of(members, profiles) == ("reference: CloudPermit references are 64 hex digits",)
    members = members_of("leadsonline")
    put(members, "customer.account_number", "30|1")
    assert faults_of(members, profiles)[0].startswith("customer.account_number: must not contain |")


def test_a_semicolon_is_reserved_only_where_fees_are_joined(
    members_of: Callable[[str], Members], profiles: dict[str, Profile]
) -> None:
    members = members_of("sagesgov")
    put(members, "invoices.0.fees.0.name", "Sign; lit")
    load_sale(json.dumps(members), profiles, BillerLimits(), TODAY)
    members["invoices"][0]["fees"].append({"id": "F3", "name": "Third", "amount": "1.00"})
    (fault,) = faults_of(members, profiles)
    assert fault.startswith("invoices[0].fees[0].name: must not contain ;")


def test_too_many_fees(members_of: Callable[[str], Members], profiles: dict[str, Profile]) -> None:
    members = members_of("mcci")
    fee = members["invoices"][0]["fees"][0]
    members["invoices"][0]["fees"] = [{**fee, "amount": "1.00"}] * (FEES_MAX + 1)
    assert faults_of(members, profiles) == (f"invoices[0].fees: has more than {FEES_MAX} items",)


# -- what is no sale file at all ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("", "sale: is not JSON: Expecting value, line 1, column 1"),
        ('{"profile": "mcci",}', "sale: is not JSON:"),
        ("[]", "sale: must be an object"),
        ("5", "sale: must be an object"),
        (b'{"profile": "\xff"}', "sale: is not UTF-8 text (byte 13)"),
        ("[" * 100_000, "sale: is not JSON that can be read"),
        ("9" * 10_000, "sale: is not JSON that can be read"),
        (" " * (SALE_FILE_MAX_BYTES + 1), f"sale: is larger than {SALE_FILE_MAX_BYTES} bytes"),
    ],
    ids=["empty", "comma", "list", "number", "bytes", "deep", "long number", "large"],
)
def test_garbage(source: str | bytes, fault: str, profiles: dict[str, Profile]) -> None:
    faults = faults_of(source, profiles)
    assert faults[0].startswith(fault), faults


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_does_not_have(
    value: str, members_of: Callable[[str], Members], profiles: dict[str, Profile]
) -> None:
    text = json.dumps(members_of("mcci")).replace('"147.50"', value)
    assert f"sale: {value} is not a JSON value" in faults_of(text, profiles)


def test_members_given_twice(members_of: Callable[[str], Members], profiles: dict[str, Profile]) -> None:
    text = json.dumps(members_of("mcci")).replace(
        '"amount": "147.50"', '"amount": "147.50", "amount": "200.00"'
    )
    assert faults_of(text, profiles) == ('"amount": is given 2 times in one object',)


def test_a_file_that_is_not_there(tmp_path: Path, profiles: dict[str, Profile]) -> None:
    (fault,) = faults_of(tmp_path / "none.json", profiles)
    assert fault.endswith("none.json: cannot be read: No such file or directory")
    (fault,) = faults_of(tmp_path, profiles)
    assert "cannot be read" in fault


def test_a_large_file_is_not_read_whole(tmp_path: Path, profiles: dict[str, Profile]) -> None:
    with (tmp_path / "large.json").open("wb") as stream:
        stream.truncate(10**12)  # sparse: a terabyte that is not there
    assert faults_of(tmp_path / "large.json", profiles) == (
        f"sale: is larger than {SALE_FILE_MAX_BYTES} bytes",
    )


def test_a_card_number_in_the_wrong_place_is_not_repeated(
    members_of: Callable[[str], Members], profiles: dict[str, Profile]
) -> None:
    members = members_of("mcci")
    put(members, "invoices.0.fees.0.amount", "4111 1111 1111 1111")
    (fault,) = faults_of(members, profiles)
    assert "4111" not in fault and "card number removed" in fault


# -- a sale from the screen --------------------------------------------------------------------------------


def test_a_sale_from_the_screen_is_held_to_the_same_rules(
    sale_of: Callable[[str], Sale], profiles: dict[str, Profile]
) -> None:
    sale = sale_of("sagesgov")
    invoice = replace(sale.invoices[0], number=None, type_id=6)
    bad = replace(sale, customer=replace(sale.customer, name="Rob\u0000in"), invoices=(invoice,))
    with pytest.raises(Refused) as refused:
        check_sale(bad, profiles, BillerLimits(None, parse_cents("1.00")))
    assert [fault.split(": ")[0] for fault in refused.value.faults] == [
        "customer.name",
        "invoices[0].number",
        "invoices[0].type_id",
        "invoices",
    ]
    assert refused.value.user_text.endswith("(and 3 more)")
    assert Cents(sale.total_cents) == 24550


@pytest.mark.parametrize("member", ["name", "address", "city", "email"])
def test_a2_words_that_carry_a_card_number_are_refused(
    member: str, members_of: Callable[[str], Members], profiles: dict[str, Profile]
) -> None:
    members = members_of("mcci")
    members["customer"][member] = "card 4111 1111 1111 1111"
    assert faults_of(members, profiles) == (
        f"customer.{member}: carries what looks like a card number; take it out",
    )
