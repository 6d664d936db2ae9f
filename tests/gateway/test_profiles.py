"""Profiles as data: each row of the contract's profile table, and each fault a profile file can have."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cashier.domain.errors import Refused
from cashier.domain.sale import Sale
from cashier.gateway.cpv2 import request_text
from cashier.gateway.profiles import PROFILE_MAX_BYTES, Profile, load_profile, load_profiles

ALL = ("mcci", "cloudpermit", "grancius", "leadsonline", "sagesgov")
ABSENT = "(absent)"


def _get(path: str) -> Callable[[dict[str, Any]], Any]:
    def get(request: dict[str, Any]) -> Any:
        value: Any = {**request, "customer": request["Customers"][0]}
        value["invoice"] = request["Customers"][0]["Invoices"][0]
        for name in path.split("."):
            if name not in value:
                return ABSENT
            value = value[name]
        return value

    return get


def _names(*candidates: str) -> Callable[[dict[str, Any]], Any]:
    """Which of these spellings the first invoice uses."""
    return lambda request: [
        name
        for name in request["Customers"][0]["Invoices"][0]
        if name.lower() in {c.lower() for c in candidates}
    ]


# Row of the contract's table -> how to look at it -> what each profile (in the order of ALL) shows.
ROWS: list[tuple[str, Callable[[dict[str, Any]], Any], tuple[Any, ...]]] = [
    ("CreateCustomerRecord", _get("CreateCustomerRecord"), (True, True, False, True, True)),
    ("type id member", _names("typeid"), (["TypeID"], ["TypeId"], ["TypeId"], ["TypeID"], ["TypeID"])),
    (
        "type id value",
        lambda r: next(v for k, v in r["Customers"][0]["Invoices"][0].items() if k.lower() == "typeid"),
        (6, 42, "6", 39, 43),
    ),
    (
        "date format",
        _get("invoice.DueDate"),
        ("03/31/2026", "02/03/2026", "02/03/2026", "2/3/2026", "2/3/2026"),
    ),
    (
        "fee members",
        _names("ccservicefee", "achservicefee"),
        (
            ["CCServiceFee", "AchServiceFee"],
            ["CCServiceFee", "AchServiceFee"],
            ["CCServiceFee", "ACHServiceFee"],
            ["CCServiceFee", "AchServiceFee"],
            ["CCServiceFee", "AchServiceFee"],
        ),
    ),
    ("State", _get("customer.State"), ("NC", ABSENT, "FL", "Arizona", "GA")),
    (
        "EmailAddress",
        _get("customer.EmailAddress"),
        ("pat@example.org", "sam@example.org", ABSENT, "kim@example.org", "robin@example.org"),
    ),
    (
        "DisplayAccountNumber",
        _get("customer.DisplayAccountNumber"),
        (ABSENT, ABSENT, ABSENT, ABSENT, "Robin Example"),
    ),
    ("partial: minimum", _get("invoice.MinimumAmountDue"), ("40.0", ABSENT, ABSENT, ABSENT, ABSENT)),
    ("partial: allowed", _get("invoice.AllowPartialPayments"), (True, ABSENT, ABSENT, ABSENT, ABSENT)),
    (
        "CustomFields",
        lambda r: (
            [value is not None for value in r["Customers"][0]["Invoices"][0]["CustomFields"].values()]
            if "CustomFields" in r["Customers"][0]["Invoices"][0]
            else ABSENT
        ),
        (ABSENT, ABSENT, ABSENT, ABSENT, [True, True, False, False, True, True]),
    ),
    ("invoices per sale", lambda r: len(r["Customers"][0]["Invoices"]), (1, 1, 2, 1, 1)),
    (
        "invoice number",
        _get("invoice.InvoiceNumber"),
        ("MCCI-2026-0001", "10000000000002", "BU7-00042-6", "2026000007", "700001"),
    ),
    ("AllowCCPayment", _get("AllowCCPayment"), (ABSENT, True, True, True, True)),
    ("AllowACHPayment", _get("AllowACHPayment"), (ABSENT, True, True, True, ABSENT)),
    ("AllowSwipe", _get("AllowSwipe"), (ABSENT, ABSENT, True, True, ABSENT)),
    ("AllowEMV", _get("AllowEMV"), (ABSENT, ABSENT, ABSENT, True, ABSENT)),
    ("ViewMode", _get("ViewMode"), (ABSENT, ABSENT, 0, 1, 0)),
    ("PageLoadOverride", _get("PageLoadOverride"), (ABSENT, ABSENT, ABSENT, 4, ABSENT)),
    (
        "CssUrl",
        _get("CssUrl"),
        (ABSENT, ABSENT, ABSENT, "https://www.invoicecloud.com/ssotest/sso-gmp.css", None),
    ),
    (
        "PageResultOptions",
        _get("PageResultOptions"),
        (
            ABSENT,
            ABSENT,
            ABSENT,
            *(
                {
                    "AllowRegisterAccount": shown,
                    "InvoiceOptions": {
                        "AllowViewStatement": shown,
                        "AllowRemove": shown,
                        "AllowViewRelated": shown,
                        "AllowRemindMe": shown,
                    },
                }
                for shown in (True, False)
            ),
        ),
    ),
    (
        "BillerReference",
        _get("BillerReference"),
        (ABSENT, "0f" * 32, "BU7-00042, $300.00, 2 invoices", "300001|55", "700001"),
    ),
    (
        "ReturnURL carries",
        lambda r: r.get("ReturnURL", ABSENT).partition("?")[2] or r.get("ReturnURL", ABSENT),
        (
            ABSENT,
            "payment-id=00000000-0000-4000-8000-000000000001",
            "JurisdictionName=co-sample-fl&ReceiptNumber=BU7-00042",
            ABSENT,
            "juri=samplecounty-ga&type=00000000-0000-4000-8000-0000000000A1",
        ),
    ),
    (
        "PostBackURL carries",
        lambda r: r.get("PostBackURL", ABSENT).partition("?")[2] or r.get("PostBackURL", ABSENT),
        (
            ABSENT,
            "payment-id=00000000-0000-4000-8000-000000000001",
            "JurisdictionName=co-sample-fl&ReceiptNumber=BU7-00042",
            "https://tickets.example.org/ETicketsAjax/LogInvoiceCloudPayment",
            "juri=samplecounty-ga&type=00000000-0000-4000-8000-0000000000B2",
        ),
    ),
    ("CCServiceFee text", _get("invoice.CCServiceFee"), ("0.0", 0, 0, "0.0", "0.0")),
    ("BalanceDue text", _get("invoice.BalanceDue"), ("180.0", "75.5", "210.25", "12.0", "245.5")),
]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(("look", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_each_row_of_the_contracts_profile_table(
    name: str,
    look: Callable[[dict[str, Any]], Any],
    expected: tuple[Any, ...],
    profiles: dict[str, Profile],
    sale_of: Callable[[str], Sale],
) -> None:
    text = request_text(sale_of(name), profiles[name], None)
    shown = look(json.loads(text, parse_float=str))
    assert shown == expected[ALL.index(name)]


def test_the_five_partners_ship(profiles: dict[str, Profile]) -> None:
    assert set(profiles) == set(ALL)


@pytest.mark.parametrize(("name", "type_ids"), [("leadsonline", {39}), ("sagesgov", {43}), ("mcci", None)])
def test_fixed_type_ids(name: str, type_ids: set[int] | None, profiles: dict[str, Profile]) -> None:
    assert profiles[name].type_ids == type_ids


GOOD = """\
title = "Sample"
invoices_per_sale = "one"
numbering = "given"
reference = "given"
[format]
type_id = "number"
dates = "padded"
amounts = "shortest"
[request]
Customers = "$customers"
BillerReference = "$reference"
[customer]
AccountNumber = "$account_number"
Invoices = "$invoices"
[invoice]
InvoiceNumber = "$invoice_number"
TypeID = "$type_id"
BalanceDue = "$balance_due"
"""

FAULTS = [
    ("TOML", 'title = "Sample"', "title = ", "line 1"),
    ("unknown key", 'title = "Sample"', 'title = "Sample"\ncolour = "red"', "colour: unknown key"),
    ("name given", 'title = "Sample"', 'name = "other"\ntitle = "Sample"', "name: unknown key"),
    ("missing key", 'numbering = "given"\n', "", "numbering: is missing"),
    ("unknown choice", '"padded"', '"iso"', "format.dates: Input should be 'padded' or 'unpadded'"),
    ("unknown value", '"$account_number"', '"$account"', "customer: AccountNumber: unknown value $account"),
    ("value of another table", '"$reference"', '"$city"', "request: BillerReference: unknown value $city"),
    ("lacks a required one", 'BalanceDue = "$balance_due"', "BalanceDue = 1", "invoice: lacks $balance_due"),
    (
        "float",
        'BalanceDue = "$balance_due"',
        'B = "$balance_due"\nX = 1.5',
        "invoice: X: must be true, false",
    ),
    (
        "two spellings",
        'TypeID = "$type_id"',
        'TypeID = "$type_id"\nTypeId = 6',
        "invoice: TypeId: is there twice",
    ),
    ("reference without place", 'BillerReference = "$reference"\n', "", 'reference: is "none" exactly when'),
    (
        "custom fields without place",
        "[invoice]",
        '[custom_fields]\nCustom1 = "x"\n[invoice]',
        "custom_fields: the table",
    ),
    (
        "minimum alone",
        'TypeID = "$type_id"',
        'TypeID = "$type_id"\nMinimumAmountDue = "$minimum_due"',
        "$minimum_due and $allow_partial need each other",
    ),
    (
        "counter repeats the request",
        "[customer]",
        '[counter]\nbillerreference = "x"\n[customer]',
        "counter: billerreference is in the request already",
    ),
]


@pytest.mark.parametrize(("old", "new", "fault"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_a_faulty_profile_is_refused_with_file_and_key(
    old: str, new: str, fault: str, tmp_path: Path
) -> None:
    assert GOOD.count(old) == 1
    (tmp_path / "sample.toml").write_text(GOOD.replace(old, new))
    with pytest.raises(Refused) as refused:
        load_profile(tmp_path / "sample.toml")
    assert any(line.startswith("sample.toml: ") and fault in line for line in refused.value.faults)


def test_the_good_profile_is_good(tmp_path: Path) -> None:
    (tmp_path / "sample.toml").write_text(GOOD)
    assert load_profile(tmp_path / "sample.toml").name == "sample"


def test_all_faults_of_all_files_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(GOOD.replace('"padded"', '"iso"').replace('"shortest"', '"float"'))
    (tmp_path / "b.toml").write_bytes(b"title = '\xff'")
    (tmp_path / "c.toml").write_text("#" * (PROFILE_MAX_BYTES + 1))
    with pytest.raises(Refused) as refused:
        load_profiles(tmp_path)
    assert [line.split(":")[0] for line in refused.value.faults] == ["a.toml", "a.toml", "b.toml", "c.toml"]


def test_a_folder_without_profiles_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no profile"):
        load_profiles(tmp_path)
