"""What the journal keeps of a value is the whole value."""

import datetime as dt
import json
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cashier.domain.agency_text import NO_TEXT, AgencyText
from cashier.domain.entries import canonical
from cashier.domain.money import Cents
from cashier.domain.postback import Approved, Postback
from cashier.domain.receipt import Receipt, Tender, TenderKind
from cashier.domain.records import (
    postback_to_json,
    receipt_from_json,
    receipt_to_json,
    sale_from_json,
    sale_to_json,
)
from cashier.domain.sale import Customer, Fee, Invoice, Permit, Sale
from tests.fakes.entries import make_receipt, make_sale

_TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
_CENTS = st.integers(0, 10**9).map(Cents)
_DATES = st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31))
_CUSTOMERS = st.builds(Customer, *[_TEXT] * 8)
_PERMITS = st.none() | st.builds(Permit, _TEXT, _TEXT)
_FEES = st.builds(Fee, _TEXT, _TEXT, _CENTS, st.none() | _TEXT, _TEXT)
_INVOICES = st.builds(
    Invoice,
    st.none() | _TEXT,
    st.integers(1, 999),
    _DATES,
    _DATES,
    st.lists(_FEES, max_size=3).map(tuple),
    st.none() | _CENTS,
    st.none() | st.booleans(),
)
_MANY = st.lists(_INVOICES, max_size=3).map(tuple)
_SALES = st.builds(Sale, _TEXT, _CUSTOMERS, _MANY, _PERMITS, *[st.none() | _TEXT] * 4)
_TENDERS = st.builds(Tender, st.sampled_from(TenderKind), _CENTS, _CENTS, _TEXT, _TEXT)
_OWN_LINES = st.sampled_from(
    [
        NO_TEXT,
        AgencyText(("3 Sample Lane",)),
        AgencyText(below=(("", ("Goodbye.", "Au revoir.")), ("fr-CA", ()))),
        AgencyText(("3 Sample Lane", "é"), (("", ("Goodbye.",)),)),
    ]
)
_RECEIPTS = st.builds(
    Receipt,
    *[_TEXT] * 9,
    customer=_CUSTOMERS,
    permit=_PERMITS,
    invoices=_MANY,
    tenders=st.lists(_TENDERS, max_size=3).map(tuple),
    training=st.booleans(),
    paid_before_cents=_CENTS,
    text=_OWN_LINES,
)


@given(_SALES)
def test_a_sale_comes_back_whole(sale: Sale) -> None:
    assert sale_from_json(json.loads(canonical(sale_to_json(sale)))) == sale


@given(_RECEIPTS)
def test_a_receipt_comes_back_whole_once_numbered(receipt: Receipt) -> None:
    body = receipt_to_json(receipt)
    assert "number" not in body, "the journal's commit adds it"
    numbered = json.loads(canonical(body | {"number": "A-000001"}))
    assert receipt_from_json(numbered) == replace(receipt, number="A-000001")


def test_the_body_of_a_receipt_says_its_sums() -> None:
    body = receipt_to_json(make_receipt("s1", make_sale(), paid_cents=4000))
    assert (body["total_cents"], body["paid_cents"], body["paid_before_cents"]) == (22418, 4000, 0)


def test_a_receipt_without_its_number_cannot_be_read() -> None:
    with pytest.raises(KeyError, match="number"):
        receipt_from_json(receipt_to_json(make_receipt("s1", make_sale())))


@given(st.sampled_from(Approved), st.none() | _CENTS, st.dictionaries(_TEXT, _TEXT, max_size=3))
def test_every_member_of_a_postback_is_kept(
    approved: Approved, cents: int | None, extra: dict[str, str]
) -> None:
    texts = {item.name: f"the {item.name}" for item in fields(Postback) if item.type in ("str", str)}
    postback = Postback(approved, payment_amount_cents=cents, extra=extra, faults=("odd", "too"), **texts)  # type: ignore[arg-type]
    body = json.loads(canonical(postback_to_json(postback)))
    assert body == {
        **texts,
        "approved": approved.value,
        "payment_amount_cents": cents,
        "convenience_fee_cents": None,
        "extra": extra,
        "faults": ["odd", "too"],
    }
