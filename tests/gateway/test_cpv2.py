"""The request text: the five samples exactly, and what a counter adds."""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cashier.domain.errors import Refused
from cashier.domain.money import Cents
from cashier.domain.sale import Customer, Fee, Invoice, Permit, Sale
from cashier.gateway.cpv2 import amount, date_text, emv_refusal, number_invoices, request_text
from cashier.gateway.profiles import AmountFormat, DateFormat, Profile
from cashier.till.ports import CounterExtras

ALL = ("mcci", "cloudpermit", "grancius", "leadsonline", "sagesgov")
BARE = CounterExtras("A-0190", "https://hub.example.org/pb/v1/secret", None, None)
FULL = CounterExtras(
    reference="A-0190",
    postback_url="https://hub.example.org/pb/v1/secret",
    return_url="https://till.example.org/done",
    cashier_name="Casey",
    allow_emv=True,
    allow_swipe=True,
    emv_device_id="lane-1",
    emv_location_id="counter-2",
    custom_return_site_name="City of Sampleton",
)
READER = ["AllowEMV", "AllowSwipe", "EMVDeviceID", "EMVLocationID", "CashierName"]


@pytest.mark.parametrize("name", ALL)
def test_each_sample_is_rebuilt_exactly(
    name: str,
    profiles: dict[str, Profile],
    sale_of: Callable[[str], Sale],
    sample_of: Callable[[str], str],
) -> None:
    assert request_text(sale_of(name), profiles[name], None) + "\n" == sample_of(name)


@pytest.mark.parametrize(
    ("name", "added"),
    [
        ("mcci", [*READER, "BillerReference", "PostBackURL", "CustomReturnSiteName"]),
        ("cloudpermit", [*READER, "CustomReturnSiteName"]),
        (
            "grancius",
            [
                "AllowEMV",
                "PageResultOptions",
                "EMVDeviceID",
                "EMVLocationID",
                "CashierName",
                "CustomReturnSiteName",
            ],
        ),
        ("leadsonline", ["EMVDeviceID", "EMVLocationID", "CashierName", "CustomReturnSiteName"]),
        ("sagesgov", [*READER, "CustomReturnSiteName"]),
    ],
)
def test_a_counter_adds_its_members_behind_the_profiles_own(
    name: str,
    added: list[str],
    profiles: dict[str, Profile],
    sale_of: Callable[[str], Sale],
) -> None:
    sale = sale_of(name)
    own = json.loads(request_text(sale, profiles[name], None))
    sent = json.loads(request_text(sale, profiles[name], FULL))
    assert list(sent) == [*own, *added]
    assert sent["BillerReference"] == "A-0190"
    assert sent["PostBackURL"] == "https://hub.example.org/pb/v1/secret"
    assert (sent["AllowEMV"], sent["AllowSwipe"]) == (True, True)
    assert (sent["EMVDeviceID"], sent["EMVLocationID"]) == ("lane-1", "counter-2")
    assert (sent["CashierName"], sent["CustomReturnSiteName"]) == ("Casey", "City of Sampleton")
    changed = {"BillerReference", "PostBackURL", "ReturnURL"}
    assert {k: v for k, v in own.items() if k not in changed}.items() <= sent.items()


@pytest.mark.parametrize("name", ALL)
def test_without_a_reader_a_counter_adds_only_reference_and_postback(
    name: str, profiles: dict[str, Profile], sale_of: Callable[[str], Sale]
) -> None:
    sale = sale_of(name)
    own = json.loads(request_text(sale, profiles[name], None))
    sent = json.loads(request_text(sale, profiles[name], BARE))
    extra = {"mcci": ["BillerReference", "PostBackURL"], "grancius": ["AllowEMV", "PageResultOptions"]}
    assert list(sent) == [*own, *extra.get(name, [])]


def test_the_return_address_is_only_sent_where_the_profile_has_one(
    profiles: dict[str, Profile], sale_of: Callable[[str], Sale]
) -> None:
    sent = {name: json.loads(request_text(sale_of(name), profiles[name], FULL)) for name in ALL}
    assert {name: request.get("ReturnURL") for name, request in sent.items()} == {
        "mcci": None,
        "cloudpermit": "https://till.example.org/done",
        "grancius": "https://till.example.org/done",
        "leadsonline": None,
        "sagesgov": "https://till.example.org/done",
    }


def test_with_no_return_address_at_all_the_member_is_absent(
    profiles: dict[str, Profile], sale_of: Callable[[str], Sale]
) -> None:
    sale = replace(sale_of("sagesgov"), return_url=None)
    assert "ReturnURL" not in json.loads(request_text(sale, profiles["sagesgov"], BARE))


@pytest.mark.parametrize(
    ("name", "change", "faults"),
    [
        ("cloudpermit", {"reference": None}, ("reference",)),
        ("cloudpermit", {"return_url": None, "postback_url": None}, ("return_url", "postback_url")),
        ("leadsonline", {"ticket": None}, ("ticket",)),
    ],
)
def test_the_exact_shape_needs_what_the_partner_sends(
    name: str,
    change: dict[str, Any],
    faults: tuple[str, ...],
    profiles: dict[str, Profile],
    sale_of: Callable[[str], Sale],
) -> None:
    sale = replace(sale_of(name), **change)
    with pytest.raises(Refused) as refused:
        request_text(sale, profiles[name], None)
    assert refused.value.faults == tuple(f"{member}: is missing, {name} sends it" for member in faults)
    assert request_text(sale, profiles[name], BARE), "a counter brings its own"


# -- the Grancius rules ------------------------------------------------------------------------------------


def _coded(sale: Sale, code: str | None) -> Sale:
    """The sale with an external charge code on the last fee of its last invoice."""
    last = sale.invoices[-1]
    fees = (*last.fees[:-1], replace(last.fees[-1], external_charge_code=code))
    return replace(sale, invoices=(*sale.invoices[:-1], replace(last, fees=fees)))


def test_one_external_charge_code_takes_emv_away(
    profiles: dict[str, Profile], sale_of: Callable[[str], Sale]
) -> None:
    profile, sale = profiles["grancius"], _coded(sale_of("grancius"), "XC-9")
    refusal = emv_refusal(sale, profile)
    assert (
        refusal is not None and "Site plan review" in refusal and "XC-9" in refusal and "version 1" in refusal
    )
    sent = json.loads(request_text(sale, profile, FULL))
    assert not {"AllowEMV", "EMVDeviceID", "EMVLocationID"} & set(sent)
    assert sent["AllowSwipe"] is True and sent["CashierName"] == "Casey"


@pytest.mark.parametrize("code", [None, ""])
def test_without_external_charge_codes_emv_works(
    code: str | None, profiles: dict[str, Profile], sale_of: Callable[[str], Sale]
) -> None:
    profile, sale = profiles["grancius"], _coded(sale_of("grancius"), code)
    assert emv_refusal(sale, profile) is None
    assert json.loads(request_text(sale, profile, FULL))["AllowEMV"] is True


@pytest.mark.parametrize("name", sorted(set(ALL) - {"grancius"}))
def test_the_rule_is_grancius_own(
    name: str, profiles: dict[str, Profile], sale_of: Callable[[str], Sale]
) -> None:
    sale = _coded(sale_of(name), "XC-9")
    assert emv_refusal(sale, profiles[name]) is None
    assert json.loads(request_text(sale, profiles[name], FULL))["EMVDeviceID"] == "lane-1"


def test_the_invoice_options_are_sent_at_the_counter_only(
    profiles: dict[str, Profile], sale_of: Callable[[str], Sale]
) -> None:
    sale = sale_of("grancius")
    assert json.loads(request_text(sale, profiles["grancius"], BARE))["PageResultOptions"] == {
        "InvoiceOptions": {
            "AllowViewStatement": True,
            "AllowRemove": False,
            "AllowViewRelated": False,
            "AllowRemindMe": False,
        }
    }
    assert "PageResultOptions" not in json.loads(request_text(sale, profiles["grancius"], None))


def test_a_given_reference_is_kept_and_a_total_is_plain(
    profiles: dict[str, Profile], sale_of: Callable[[str], Sale]
) -> None:
    sale = replace(sale_of("grancius"), reference="own reference")
    assert json.loads(request_text(sale, profiles["grancius"], None))["BillerReference"] == "own reference"
    fee = Fee("F", "Permit", Cents(123_456_700))
    big = replace(sale, reference=None, invoices=(replace(sale.invoices[0], fees=(fee,)),))
    sent = json.loads(request_text(big, profiles["grancius"], None))
    assert sent["BillerReference"] == "BU7-00042, $1234567.00, 1 invoices"


# -- numbering ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "numbers"), [("grancius", ["ACC-6", "kept", "ACC-93"]), ("mcci", ["A77-6", "kept", "A77-93"])]
)
def test_numbering(name: str, numbers: list[str], profiles: dict[str, Profile]) -> None:
    day, fees = dt.date(2026, 2, 3), (Fee("F", "Permit", Cents(100)),)
    invoices = tuple(
        Invoice(number, type_id, day, day, fees) for number, type_id in ((None, 6), ("kept", 7), (None, 93))
    )
    sale = Sale(name, Customer("ACC", "Pat Example"), invoices)
    numbered = number_invoices(sale, profiles[name], "A77")
    assert [invoice.number for invoice in numbered.invoices] == numbers


# -- values ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cents", "shortest", "one", "two"),
    [
        (0, "0", "0.0", "0.00"),
        (5, "0.05", "0.05", "0.05"),
        (7550, "75.5", "75.5", "75.50"),
        (21025, "210.25", "210.25", "210.25"),
        (10000, "100", "100.0", "100.00"),
        (999_999_999, "9999999.99", "9999999.99", "9999999.99"),
    ],
)
def test_amounts_are_exact_text(cents: int, shortest: str, one: str, two: str) -> None:
    styles = (AmountFormat.SHORTEST, AmountFormat.ONE_DECIMAL, AmountFormat.TWO_DECIMALS)
    assert [str(amount(cents, style)) for style in styles] == [shortest, one, two]


@pytest.mark.parametrize(
    ("style", "text"), [(DateFormat.PADDED, "02/03/2026"), (DateFormat.UNPADDED, "2/3/2026")]
)
def test_dates(style: DateFormat, text: str) -> None:
    assert date_text(dt.date(2026, 2, 3), style) == text


@pytest.mark.parametrize(
    ("count", "custom5", "custom6"),
    [
        (1, "poi:F1|i:Fee 1|amt:1.0500", None),
        (2, "poi:F1|i:Fee 1|amt:1.0500", "poi:F2|i:Fee 2|amt:2.0500"),
        (
            4,
            "poi:F1|i:Fee 1|amt:1.0500",
            "poi:F2|i:Fee 2|amt:2.0500;poi:F3|i:Fee 3|amt:3.0500;poi:F4|i:Fee 4|amt:4.0500",
        ),
    ],
)
def test_custom_fields_lose_no_fee(
    count: int,
    custom5: str,
    custom6: str | None,
    profiles: dict[str, Profile],
    sale_of: Callable[[str], Sale],
) -> None:
    sale = sale_of("sagesgov")
    fees = tuple(Fee(f"F{n}", f"Fee {n}", Cents(n * 100 + 5)) for n in range(1, count + 1))
    sale = replace(sale, invoices=(replace(sale.invoices[0], fees=fees),))
    custom = json.loads(request_text(sale, profiles["sagesgov"], None))["Customers"][0]["Invoices"][0][
        "CustomFields"
    ]
    assert list(custom) == [f"Custom{n}" for n in range(1, 7)]
    assert (custom["Custom5"], custom["Custom6"]) == (custom5, custom6)


@pytest.mark.parametrize("permit", [None, Permit("", "")])
def test_an_unknown_permit_is_null(
    permit: Permit | None, profiles: dict[str, Profile], sale_of: Callable[[str], Sale]
) -> None:
    sale = replace(sale_of("sagesgov"), permit=permit)
    custom = json.loads(request_text(sale, profiles["sagesgov"], None))["Customers"][0]["Invoices"][0][
        "CustomFields"
    ]
    assert (custom["Custom1"], custom["Custom2"]) == (None, None)


@pytest.mark.parametrize(
    ("minimum", "allowed", "sent"),
    [
        (None, None, (180.0, False)),
        (None, True, (0.01, True)),
        (4000, True, (40.0, True)),
        (4000, False, (40.0, False)),
    ],
)
def test_partial_payments(
    minimum: int | None,
    allowed: bool | None,
    sent: tuple[float, bool],
    profiles: dict[str, Profile],
    sale_of: Callable[[str], Sale],
) -> None:
    sale = sale_of("mcci")
    cents = None if minimum is None else Cents(minimum)
    invoice = replace(sale.invoices[0], minimum_due_cents=cents, allow_partial=allowed)
    sent_invoice = json.loads(request_text(replace(sale, invoices=(invoice,)), profiles["mcci"], None))
    sent_invoice = sent_invoice["Customers"][0]["Invoices"][0]
    assert (sent_invoice["MinimumAmountDue"], sent_invoice["AllowPartialPayments"]) == sent


def test_a_missing_display_account_number_is_the_account_number(
    profiles: dict[str, Profile], sale_of: Callable[[str], Sale]
) -> None:
    sale = sale_of("sagesgov")
    sale = replace(sale, customer=replace(sale.customer, display_account_number=""))
    customer = json.loads(request_text(sale, profiles["sagesgov"], None))["Customers"][0]
    assert customer["DisplayAccountNumber"] == "J_200001"


def test_the_text_is_ascii_whatever_the_names(
    profiles: dict[str, Profile], sale_of: Callable[[str], Sale]
) -> None:
    sale = sale_of("mcci")
    sale = replace(sale, customer=replace(sale.customer, name="Zoë Ñandú 李 😀"))
    text = request_text(sale, profiles["mcci"], None)
    assert text.isascii()
    assert json.loads(text)["Customers"][0]["Name"] == "Zoë Ñandú 李 😀"
