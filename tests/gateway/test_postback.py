"""The postback token and what a postback says (Invoice Cloud contract, section 3)."""

import base64
import hashlib
import hmac
import json
import string
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cashier.domain.errors import Refused
from cashier.domain.money import AMOUNT_MAX_CENTS
from cashier.domain.postback import Approved, Postback
from cashier.gateway.postback import (
    NotAPostback,
    PostbackClaims,
    WrongToken,
    mint_path,
    parse_postback,
    till_key_from_text,
    till_key_to_text,
    verify_path,
)

NOW = datetime(2026, 2, 3, 9, 0, tzinfo=UTC)
KEY = bytes(range(32))
OTHER_KEY = bytes(32)
CLAIMS = PostbackClaims(
    site="sampletown",
    till="A",
    reference="A-0198c0ffee007000800000000000000a",
    amount_cents=24550,
    expires_at=NOW + timedelta(days=30),
    nonce="q83vEjRWeJCrze8SNFZ4kA",
)
URL_SAFE = string.ascii_letters + string.digits + "-_"


def key_of(site: str, till: str, generation: int) -> bytes | None:
    return {("sampletown", "A", 1): KEY, ("sampletown", "B", 1): OTHER_KEY}.get((site, till, generation))


def token_of(path: str) -> str:
    return path.rpartition("/")[2]


# --- the token


def test_round_trip() -> None:
    path = mint_path(CLAIMS, KEY)
    assert path.startswith("/pb/v1/sampletown/")
    assert verify_path("sampletown", token_of(path), key_of, NOW) == CLAIMS


def test_path_is_short_and_url_safe() -> None:
    path = mint_path(CLAIMS, KEY)
    assert len(path) < 250
    assert set(path) <= set(URL_SAFE + "/.")
    longest = replace(
        CLAIMS, site="s" * 32, till="t" * 32, reference="r" * 120, nonce="n" * 64, generation=10**6
    )
    assert len(mint_path(longest, KEY)) < 600
    with pytest.raises(Refused, match="characters"):
        mint_path(replace(longest, reference="☃" * 120), KEY)


@given(
    reference=st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=60),
    amount_cents=st.integers(0, AMOUNT_MAX_CENTS),
    expires_at=st.timedeltas(timedelta(microseconds=1), timedelta(days=9_000)).map(lambda late: NOW + late),
)
def test_round_trip_of_anything(reference: str, amount_cents: int, expires_at: datetime) -> None:
    claims = replace(CLAIMS, reference=reference, amount_cents=amount_cents, expires_at=expires_at)
    assert verify_path("sampletown", token_of(mint_path(claims, KEY)), key_of, NOW) == claims


def test_every_changed_character_is_refused() -> None:
    token = token_of(mint_path(CLAIMS, KEY))
    for place, char in enumerate(token):
        for other in set(URL_SAFE + ".=%é") - {char}:
            with pytest.raises(WrongToken):
                verify_path("sampletown", token[:place] + other + token[place + 1 :], key_of, NOW)


def test_every_cut_or_stretched_token_is_refused() -> None:
    token = token_of(mint_path(CLAIMS, KEY))
    wrong = [token[:end] for end in range(len(token))] + [token + char for char in URL_SAFE + ".=\n"]
    for text in [*wrong, "A" + token, token.replace(".", ".."), token + "." + token, "é", "A" * 5000]:
        with pytest.raises(WrongToken):
            verify_path("sampletown", text, key_of, NOW)


def signed(members: object, key: bytes = KEY) -> str:
    """A token whose MAC is right whatever its claims are; the rule is written out here a second time."""
    packed = base64.urlsafe_b64encode(json.dumps(members).encode()).rstrip(b"=").decode()
    mac = hmac.new(key, f"postback/v1/sampletown/{packed}".encode(), hashlib.sha256).digest()
    return f"{packed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


MEMBERS: list[object] = [1, "A", "ref", 100, int((NOW.timestamp() + 60) * 1_000_000), "n" * 22]
BAD: list[object] = [None, 1.5, True, [], -1]


def test_written_out_rule_agrees() -> None:
    assert verify_path("sampletown", signed(MEMBERS), key_of, NOW).reference == "ref"


@pytest.mark.parametrize(
    "members",
    [
        None,
        {},
        "text",
        [],
        MEMBERS[:5],
        [*MEMBERS, 1],
        *([*MEMBERS[:place], bad, *MEMBERS[place + 1 :]] for place in range(6) for bad in BAD),
        [*MEMBERS[:4], 10**30, MEMBERS[5]],
        [*MEMBERS[:4], float("nan"), MEMBERS[5]],
        [*MEMBERS[:5], "short"],
        [1, "A", "", *MEMBERS[3:]],
        [1, "A|1", *MEMBERS[2:]],
        [2, *MEMBERS[1:]],
    ],
)
def test_claims_of_the_wrong_shape_are_refused_even_when_signed(members: object) -> None:
    with pytest.raises(WrongToken):
        verify_path("sampletown", signed(members), key_of, NOW)


def test_expiry() -> None:
    token = token_of(mint_path(CLAIMS, KEY))
    last = CLAIMS.expires_at - timedelta(microseconds=1)
    assert verify_path("sampletown", token, key_of, last) == CLAIMS
    with pytest.raises(WrongToken):
        verify_path("sampletown", token, key_of, CLAIMS.expires_at)


@pytest.mark.parametrize(
    "change",
    [
        lambda: verify_path("othertown", token_of(mint_path(CLAIMS, KEY)), lambda *_: KEY, NOW),
        lambda: verify_path("sampletown", token_of(mint_path(CLAIMS, OTHER_KEY)), key_of, NOW),
        lambda: verify_path("sampletown", token_of(mint_path(replace(CLAIMS, till="B"), KEY)), key_of, NOW),
        lambda: verify_path("sampletown", token_of(mint_path(replace(CLAIMS, till="C"), KEY)), key_of, NOW),
        lambda: verify_path(
            "sampletown", token_of(mint_path(replace(CLAIMS, till="C"), bytes(32))), key_of, NOW
        ),
        lambda: verify_path(
            "sampletown", token_of(mint_path(replace(CLAIMS, generation=2), KEY)), key_of, NOW
        ),
    ],
    ids=[
        "wrong site",
        "other key",
        "other till's key",
        "unknown till",
        "unknown till, zero key",
        "generation",
    ],
)
def test_not_ours(change: Callable[[], PostbackClaims]) -> None:
    with pytest.raises(WrongToken) as caught:
        change()
    assert str(caught.value) == "This postback address is not one of ours."
    assert caught.value.__cause__ is None


def test_other_payments_have_other_tokens() -> None:
    paths = {
        mint_path(claims, KEY)
        for claims in (
            CLAIMS,
            replace(CLAIMS, amount_cents=24551),
            replace(CLAIMS, reference="A-1"),
            replace(CLAIMS, nonce="q83vEjRWeJCrze8SNFZ4kB"),
            replace(CLAIMS, expires_at=NOW + timedelta(days=31)),
        )
    }
    assert len({path.rpartition(".")[2] for path in paths}) == 5


@pytest.mark.parametrize(
    "change",
    [
        {"site": ""},
        {"site": "a/b"},
        {"site": "s" * 33},
        {"till": "A|1"},
        {"till": "Ä"},
        {"reference": ""},
        {"reference": "a\nb"},
        {"reference": "r" * 121},
        {"nonce": "n" * 21},
        {"nonce": "n" * 22 + "/"},
        {"amount_cents": -1},
        {"amount_cents": AMOUNT_MAX_CENTS + 1},
        {"generation": 0},
        {"expires_at": datetime(2026, 1, 1)},  # noqa: DTZ001
        {"expires_at": datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=-5)))},
    ],
)
def test_claims_that_cannot_be_carried(change: dict[str, object]) -> None:
    with pytest.raises(Refused):
        replace(CLAIMS, **change)  # type: ignore[arg-type]


def test_key_text() -> None:
    text = till_key_to_text(KEY)
    assert len(text) == 43
    assert till_key_from_text(f" {text}\n") == KEY
    for wrong in ("", text[:-1], text + "A", text[:-1] + "9", "é" * 43, "A" * 44):
        with pytest.raises(Refused, match="43 characters"):
            till_key_from_text(wrong)


# --- the message

PAID = {
    "BillerGUID": "0d4c3b2a-1f0e-4d3c-8b2a-190807060504",
    "PaymentDate": "2/3/2026 9:05:00 AM",
    "InvoiceNumber": "700001",
    "Approved": "True",
    "CustomerName": "Robin Example",
    "CustomerAddress": "3 Sample Lane",
    "CustomerCity": "Sampletown",
    "CustomerState": "GA",
    "CustomerZip": "30001",
    "PaymentGUID": "8a7b6c5d-4e3f-4a1b-9c8d-7e6f5a4b3c2d",
    "PaymentAmount": "245.50",
    "PaymentDescription": "Commercial Sign Application",
    "PaymentTypeID": "1",
    "CardType": "VISA",
    "PaymentMessage": "APPROVED 727634",
    "BillerReference": "A-0198c0ffee007000800000000000000a",
    "ConvenienceFee": "6.14",
    "RemoteIP": "192.0.2.7",
}
EXPECTED = Postback(
    approved=Approved.YES,
    biller_guid="0d4c3b2a-1f0e-4d3c-8b2a-190807060504",
    payment_date="2/3/2026 9:05:00 AM",
    invoice_number="700001",
    customer_name="Robin Example",
    customer_address="3 Sample Lane",
    customer_city="Sampletown",
    customer_state="GA",
    customer_zip="30001",
    payment_guid="8a7b6c5d-4e3f-4a1b-9c8d-7e6f5a4b3c2d",
    payment_amount_cents=24550,
    convenience_fee_cents=614,
    payment_description="Commercial Sign Application",
    payment_type_id="1",
    payment_message="APPROVED 727634",
    card_type="VISA",
    biller_reference="A-0198c0ffee007000800000000000000a",
    remote_ip="192.0.2.7",
)


def parsed(**changes: str | None) -> Postback:
    """The paid postback as a form, with parameters changed or (None) left out."""
    form = {name: value for name, value in (PAID | changes).items() if value is not None}
    return parse_postback(b"", urlencode(form).encode())


def test_all_eighteen_from_query_body_or_both() -> None:
    assert len(PAID) == 18
    text = urlencode(PAID)
    half = {name: PAID[name] for name in list(PAID)[:9]}
    rest = {name: PAID[name] for name in list(PAID)[9:]}
    for query, body in (
        (text, b""),
        (text.encode(), b""),
        (b"", text.encode()),
        (text, text.encode()),
        (urlencode(half), urlencode(rest).encode()),
        (text.lower().replace("true", "True"), b""),
    ):
        postback = parse_postback(query, body)
        if query == text or body:
            assert postback == EXPECTED
        else:
            assert (postback.approved, postback.payment_amount_cents, postback.faults) == (
                Approved.YES,
                24550,
                (),
            )


@pytest.mark.parametrize(
    ("text", "approved", "faults"),
    [
        ("True", Approved.YES, ()),
        ("False", Approved.NO, ()),
        ("maybe", Approved.UNCLEAR, ("Approved is 'maybe', neither 'True' nor 'False'",)),
        ("true", Approved.UNCLEAR, ("Approved is 'true', neither 'True' nor 'False'",)),
        ("True ", Approved.UNCLEAR, ("Approved is 'True ', neither 'True' nor 'False'",)),
        ("1", Approved.UNCLEAR, ("Approved is '1', neither 'True' nor 'False'",)),
        ("", Approved.UNCLEAR, ("Approved is '', neither 'True' nor 'False'",)),
        (None, Approved.UNCLEAR, ("Approved is missing",)),
    ],
)
def test_approved(text: str | None, approved: Approved, faults: tuple[str, ...]) -> None:
    postback = parsed(Approved=text)
    assert (postback.approved, postback.faults) == (approved, faults)


@pytest.mark.parametrize(
    ("text", "cents"), [("75.5", 7550), ("75", 7500), ("0.00", 0), ("0.07", 7), ("9999999.99", 999_999_999)]
)
def test_amounts(text: str, cents: int) -> None:
    postback = parsed(PaymentAmount=text, ConvenienceFee=text)
    assert (postback.payment_amount_cents, postback.convenience_fee_cents) == (cents, cents)
    assert postback.faults == ()


@pytest.mark.parametrize(
    "text", ["75.555", "$75", "1,234.50", "-5.00", "7e1", "nan", " 75", "٧٥", "12345678"]
)
def test_amounts_that_are_none(text: str) -> None:
    postback = parsed(PaymentAmount=text, ConvenienceFee=text)
    assert (postback.payment_amount_cents, postback.convenience_fee_cents) == (None, None)
    assert [fault.split()[0] for fault in postback.faults] == ["PaymentAmount", "ConvenienceFee"]


def test_missing() -> None:
    for absent in (None, ""):
        postback = parsed(
            InvoiceNumber=absent, BillerReference=absent, PaymentAmount=absent, ConvenienceFee=absent
        )
        assert postback.faults == (
            "InvoiceNumber is missing",
            "BillerReference is missing",
            "PaymentAmount is missing",
        )
        assert postback.payment_amount_cents is None
        assert postback.convenience_fee_cents is None


def test_two_values_of_one_name_are_a_fault() -> None:
    body = urlencode(PAID).encode()
    postback = parse_postback("PaymentAmount=999.00&approved=False&InvoiceNumber=1", body)
    assert postback.approved is Approved.UNCLEAR
    assert postback.payment_amount_cents is None
    assert postback.invoice_number == "1"
    assert postback.faults == tuple(
        f"{name} is given more than once with different values"
        for name in ("PaymentAmount", "approved", "InvoiceNumber")
    )
    within_one = parse_postback(b"", body + b"&CardType=AMEX&CardType=VISA")
    assert within_one.faults == ("CardType is given more than once with different values",)


def test_texts_are_bounded_and_clean() -> None:
    postback = parsed(CustomerName="x" * 201, PaymentMessage="a\x00b\r\nc\u202ed")
    assert postback.customer_name == "x" * 200
    assert postback.payment_message == "a b  c d"
    assert postback.faults == ("CustomerName has more than 200 characters",)


def test_extra_parameters_are_scrubbed() -> None:
    postback = parsed(
        Pan="4111 1111 1111 1111",
        CustomerName="4111111111111111",
        Note="fine",
        **{"n4111111111111111": "y" * 900},
    )
    assert postback.extra == {
        "Pan": "[card number removed]",
        "Note": "fine",
        "n[card number removed]": "y" * 500,
    }
    assert postback.customer_name == "[card number removed]"
    assert postback.faults == ()


def test_half_a_card_number_is_not_left_at_the_edge() -> None:
    assert "4111" not in parsed(CustomerZip="x" * 10 + "4111111111111111").customer_zip


def test_bytes_that_are_no_utf8() -> None:
    assert parse_postback(b"CustomerName=Jos%E9", b"CardType=\xe9").customer_name == "Jos "


@pytest.mark.parametrize(
    ("query", "body"),
    [
        (b"", b""),
        (b"&&=", b"&"),
        (b"just-a-word", b""),
        (b"", b'{"Approved": "True"}'),
        (b"", b"<Approved>True</Approved>"),
        (b"Approved=True", b"\x00\x01"),
        (b"Approved=True", b"a=b\r\nc=d"),
        (b"", b"a=1&" * 101),
    ],
)
def test_garbage(query: bytes, body: bytes) -> None:
    with pytest.raises(NotAPostback):
        parse_postback(query, body)


@given(query=st.binary(max_size=80), body=st.binary(max_size=80))
def test_parsing_ends_in_a_postback_or_one_error(query: bytes, body: bytes) -> None:
    try:
        postback = parse_postback(query, body)
    except NotAPostback:
        return
    assert postback.approved is Approved.UNCLEAR
    assert postback.faults
