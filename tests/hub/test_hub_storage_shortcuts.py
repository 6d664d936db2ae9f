"""The shortcuts of the postback's way to the disk decide as the long ways do."""

from urllib.parse import parse_qsl, urlencode

from hypothesis import example, given
from hypothesis import strategies as st

from cashier.domain.scrub import may_hold_card_number, scrub_card_numbers
from cashier.gateway.postback import NotAPostback, check_parameters, read_parameters
from cashier.hub.scrubbing import scrub_form

CARD = "4111111111111111"
#: Parts of forms: card numbers in all their dresses, other digits, joints, and what comes between.
PARTS = st.sampled_from(
    [
        *(CARD, "4111 1111 1111 1111", "4111+1111+1111+1111", "4111-1111-1111-1111", "%34111111111111111"),
        *("4111111", "111111111", "٤١١١١١١١١١١١١١١١", "%D9%A4111111111111111", "12345678901234567890"),
        *("0190a1b2-c3d4-7e5f-8a9b-000000000001", "A-0190a1b2c3d47e5f8a9b000000000001"),
        *(
            "&",
            "=",
            "&&",
            "==",
            "%26",
            "%3D",
            "%",
            "%zz",
            "%e9",
            "\xe9",
            "a",
            "Approved",
            "+",
            "-",
            "%2D",
            " ",
        ),
        *("%09", "%E2%80%93", "<", "\n", "\x7f", ";"),
    ]
)
FORMS = st.lists(PARTS, max_size=12).map("".join).map(lambda text: text.encode("latin-1", "replace"))


def scrubbed_the_long_way(raw: bytes) -> bytes:
    pairs = parse_qsl(
        raw.decode("utf-8", "surrogateescape"), keep_blank_values=True, errors="surrogateescape"
    )
    clean = [(scrub_card_numbers(name), scrub_card_numbers(value)) for name, value in pairs]
    return raw if clean == pairs else urlencode(clean, errors="surrogateescape").encode("ascii")


@given(FORMS | st.binary(max_size=60))
@example(b"Note=4111+1111+1111+1111")
@example("Note=٤١١١١١١١١١١١١١١١".encode())
@example(b"a=41111111&b=11111111")
def test_scrubbing_a_form(raw: bytes) -> None:
    assert scrub_form(raw) == scrubbed_the_long_way(raw)


@given(st.lists(PARTS, max_size=8).map("".join) | st.text(max_size=60))
@example(CARD)
def test_no_is_certain(text: str) -> None:
    if not may_hold_card_number(text.encode("utf-8", "surrogatepass")):
        assert scrub_card_numbers(text) == text


def test_the_shortcut_is_taken() -> None:
    assert not may_hold_card_number(
        b"InvoiceNumber=BU5-00001-6&PaymentAmount=245.50&PaymentDate=2/3/2026 9:00"
    )


@given(FORMS | st.binary(max_size=60), FORMS | st.binary(max_size=60))
@example(b"", b"")
@example(b"&".join([b"a=1"] * 100), b"")
@example(b"&".join([b"a=1"] * 101), b"a=1")
@example(b"=x&a=", b"a&&=")
@example(b"a==", b"")
def test_checking_parameters(query: bytes, body: bytes) -> None:
    told = []
    for check in (read_parameters, check_parameters):
        try:
            check(query, body)
            told.append("")
        except NotAPostback as error:
            told.append(error.user_text)
    assert told[0] == told[1]
