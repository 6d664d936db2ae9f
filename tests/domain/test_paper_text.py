"""Paper in words and columns: languages, amounts, allocation, and nothing lost in a narrow roll."""

from collections.abc import Mapping
from dataclasses import replace
from string import Formatter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cashier import paths
from cashier.domain.allocation import Applied
from cashier.domain.columns import WIDTH_MIN, has_code_page, lay_out, plain_text, spelled, wrapped
from cashier.domain.language import ENGLISH, Language
from cashier.domain.money import Cents, format_dollars
from cashier.domain.receipt import Receipt, Tender, TenderKind
from cashier.domain.receipt_text import Item, ItemKind, endorsement_paper, receipt_paper
from cashier.domain.sale import Fee, Invoice
from cashier.languages import load_languages
from tests.fakes.entries import make_receipt, make_sale

LANGUAGES = load_languages(paths.resources() / "languages")


def text_of(receipt: Receipt, language: Language = ENGLISH, width: int = 42) -> str:
    return plain_text(lay_out(receipt_paper(receipt, str, language).items, width), width)


def part_receipt() -> Receipt:
    """100.00 of 224.18 by cash, over two GL accounts."""
    sale = make_sale()
    invoice = sale.invoices[0]
    fees = (
        Fee("F1", "Sign", Cents(6000), gl_account="01-322"),
        Fee("F2", "Review", Cents(16418), gl_account="01-345"),
    )
    invoices = (replace(invoice, fees=fees),)
    cash = Tender(TenderKind.CASH, Cents(10000), received_cents=Cents(12000))
    return replace(
        make_receipt("s1", sale),
        number="A-000007",
        invoices=invoices,
        tenders=(cash,),
        applied=(Applied("700001", Cents(0), Cents(10000)),),
        training=False,
    )


@pytest.mark.parametrize("code", LANGUAGES)
def test_x5_every_language_has_every_text_with_the_same_members(code: str) -> None:
    words: Mapping[str, str] = LANGUAGES[code].words
    assert words.keys() == ENGLISH.words.keys()
    for key, text in words.items():
        members = {name for _, name, _, _ in Formatter().parse(text) if name}
        assert members == {name for _, name, _, _ in Formatter().parse(ENGLISH.words[key]) if name}, key
        assert text.strip()


def test_x5_amounts_are_written_as_the_language_writes_them() -> None:
    assert LANGUAGES.keys() == {"en-US", "es-US", "fr-CA"}
    assert [LANGUAGES[code].amount(123450) for code in sorted(LANGUAGES)] == [
        "1,234.50",
        "1,234.50",
        "1\u00a0234,50",
    ]
    assert LANGUAGES["fr-CA"].money(-123450) == "-1\u00a0234,50\u00a0$"
    assert LANGUAGES["es-US"].money(5) == "$0.05"


@given(st.integers(-999_999_999, 999_999_999))
def test_x5_english_amounts_are_those_of_the_window(cents: int) -> None:
    assert ENGLISH.amount(cents) == format_dollars(cents)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("es-US", ("Recibo de pago", "PAGO PARCIAL", "Efectivo", "Saldo pendiente", "$100.00", "Cambio")),
        ("fr-CA", ("Reçu de paiement", "PAYÉ EN PARTIE", "Comptant", "Reste à payer", "100,00", "Monnaie")),
    ],
)
def test_x5_a_receipt_speaks_the_payers_language(code: str, said: tuple[str, ...]) -> None:
    text = text_of(part_receipt(), LANGUAGES[code])
    for words in said:
        assert words in text, words


@pytest.mark.parametrize("width", [32, 42, 48])
def test_s2_a_part_payment_says_its_rule_and_what_it_paid_per_account(width: int) -> None:
    text = " ".join(text_of(part_receipt(), width=width).split())
    for said in (
        "GL 01-322 60.00",
        "GL 01-345 40.00",
        "Permit CSGN-26-000012",
        "Still due 124.18",
        "Part payments go to the invoices in the order shown",
        "Cash received 120.00",
        "Change 20.00",
    ):
        assert said in text, said


def test_r5_of_a_card_there_is_the_brand_and_no_number() -> None:
    card = Tender(TenderKind.CARD, Cents(22418), brand="VISA", message="APPROVED 4111 1111 1111 1111")
    text = text_of(replace(make_receipt("s1", make_sale()), tenders=(card,)))
    assert "Card VISA" in text and "1111 1111" not in text


def test_r5_a_check_says_its_number_and_bank() -> None:
    check = Tender(TenderKind.CHECK, Cents(22418), number="1042", bank="First Bank", payer="Kim Sample")
    text = text_of(replace(make_receipt("s1", make_sale()), tenders=(check,)))
    assert "Check No. 1042" in text and "First Bank" in text and "Kim Sample" in text


def test_only_checks_and_money_orders_are_endorsed() -> None:
    receipt = make_receipt("s1", make_sale())
    with pytest.raises(ValueError, match="not endorsed"):
        endorsement_paper(receipt, receipt.tenders[0], str)


_TEXT = st.text(max_size=120)
_AMOUNT = st.integers(-999_999_999, 999_999_999).map(format_dollars)


@given(
    st.lists(st.builds(Item, st.sampled_from(ItemKind), _TEXT, _AMOUNT, st.integers(0, 2)), max_size=8),
    st.integers(WIDTH_MIN, 64),
)
@example([Item(ItemKind.QR, "0" * 21)], 20)
def test_no_row_is_wider_than_the_paper(items: list[Item], width: int) -> None:
    for row in lay_out(items, width):
        assert len(row.text) * (2 if row.large else 1) <= width


@given(_TEXT, st.integers(1, 64))
def test_wrapping_loses_no_sign_but_blanks(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(len(line) <= width for line in lines)


@given(_TEXT, st.integers(WIDTH_MIN, 64))
def test_an_amount_is_whole_and_at_the_right(text: str, width: int) -> None:
    rows = lay_out([Item(ItemKind.LINE, text, "9,999,999.99", 1)], width)
    assert rows[-1].text.endswith("9,999,999.99")
    assert len(rows[-1].text) == width


@given(_TEXT, st.sampled_from(["cp437", "cp850", "cp858", "cp1252", "cp863"]))
def test_what_is_spelled_can_be_sent_and_is_no_command(text: str, code_page: str) -> None:
    has = has_code_page(code_page)
    said, lost = spelled(text, has)
    data = said.encode(code_page)
    assert all(byte >= 0x20 for byte in data)
    assert all(not has(sign) for sign in lost)
    assert data.count(b"?") == text.count("?") + sum(
        "?" in sign_said for sign in text if sign != "?" for sign_said in [spelled(sign, has)[0]]
    )
    plain = "".join(sign for sign in text if sign.isascii() and sign.isprintable())
    assert "".join(sign for sign in said if sign in plain) or not plain


def test_too_few_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        lay_out([], WIDTH_MIN - 1)


def test_an_invoice_without_a_gl_account_still_shows_its_part() -> None:
    receipt = part_receipt()
    bare = tuple(replace(fee, gl_account="") for fee in receipt.invoices[0].fees)
    invoices: tuple[Invoice, ...] = (replace(receipt.invoices[0], fees=bare),)
    assert "GL –" in text_of(replace(receipt, invoices=invoices))
