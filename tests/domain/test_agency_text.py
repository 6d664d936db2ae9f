"""The agency's own lines: where they stand on paper, in which language, and that they are the receipt's."""

from dataclasses import replace

import pytest

from cashier import paths
from cashier.domain.agency_text import NO_TEXT, USUAL, AgencyText
from cashier.domain.columns import lay_out, plain_text
from cashier.domain.corrections import Refund, Void
from cashier.domain.language import ENGLISH
from cashier.domain.money import Cents
from cashier.domain.receipt import Receipt, TenderKind
from cashier.domain.receipt_text import (
    NO_MARKS,
    ItemKind,
    Marks,
    Paper,
    endorsement_paper,
    receipt_paper,
    refund_paper,
)
from cashier.domain.records import receipt_from_json, receipt_to_json
from cashier.languages import load_languages
from tests.fakes.entries import make_receipt, make_sale

LANGUAGES = load_languages(paths.resources() / "languages")
TEXT = AgencyText(
    ("3 Sample Lane, Sampletown", "Telephone 555-0100"),
    (
        (USUAL, ("Thank you for building here.", "Fees are refunded within 30 days.")),
        ("fr-CA", ("Au revoir.",)),
    ),
)
VOID = Void("A-000123", "2026-02-03", Cents(22418), "wrong payer", "", "Kim Clerk", "Robin Boss")
REFUND = Refund(
    "r-1", "A-000123", "2026-02-04", TenderKind.CASH, Cents(10000), Cents(0), "withdrawn", "", "Kim", "Robin",
    is_done=True,
)  # fmt: skip


def receipt_with(text: AgencyText = TEXT) -> Receipt:
    return replace(make_receipt("s1", make_sale()), number="A-000123", training=False, text=text)


def text_of(paper: Paper, width: int = 42) -> str:
    return " ".join(plain_text(lay_out(paper.items, width), width).split())


def test_they_stand_under_the_name_and_after_everything_else() -> None:
    items = receipt_paper(receipt_with(), str).items
    said = [item.left for item in items]
    name = said.index("Sampletown Building Department")
    assert said[name + 1 : name + 3] == list(TEXT.address)
    assert [item.kind for item in items[-3:]] == [ItemKind.SMALL, ItemKind.SMALL, ItemKind.QR]
    assert said[-3:-1] == list(TEXT.below_in("en-US"))
    assert "Thank you." not in said, "the agency thanks in its own words"


@pytest.mark.parametrize("marks", [NO_MARKS, Marks(2, "Sam Other", "2026-02-04T15:04"), Marks(void=VOID)])
@pytest.mark.parametrize("width", [32, 42, 48])
def test_r5_nothing_that_a_receipt_must_say_gives_way_to_them(marks: Marks, width: int) -> None:
    longest = AgencyText(("A" * 60,) * 4, ((USUAL, ("B" * 120,) * 6),))
    plain = receipt_paper(receipt_with(NO_TEXT), str, marks=marks).items
    full = receipt_paper(receipt_with(longest), str, marks=marks).items
    own = {item.left for item in full} - {item.left for item in plain}
    assert own == {"A" * 60, "B" * 120}
    kept = [item for item in full if item.left not in own and item.kind is not ItemKind.GAP]
    assert kept == [item for item in plain if item.left != "Thank you." and item.kind is not ItemKind.GAP]
    rows = lay_out(full, width)
    assert "".join(row.text.strip() for row in rows).count("B" * 120) >= 1
    assert all(len(row.text) * (2 if row.large else 1) <= width for row in rows)


def test_r4_the_mark_of_a_copy_stands_above_them() -> None:
    items = receipt_paper(receipt_with(), str, marks=Marks(1, "Sam Other", "2026-02-04T15:04")).items
    assert items[0].left == "DUPLICATE 1"


@pytest.mark.parametrize(
    ("code", "below"),
    [("en-US", "Fees are refunded"), ("es-US", "Fees are refunded"), ("fr-CA", "Au revoir.")],
)
def test_x5_a_language_without_lines_gets_the_tills_own(code: str, below: str) -> None:
    text = text_of(receipt_paper(receipt_with(), str, LANGUAGES[code]))
    assert below in text and "Telephone 555-0100" in text


def test_x5_without_lines_a_receipt_thanks_in_the_payers_language() -> None:
    text = AgencyText(below=((USUAL, ("Goodbye.",)), ("fr-CA", ())))
    assert "Merci." in text_of(receipt_paper(receipt_with(text), str, LANGUAGES["fr-CA"]))
    assert "Thank you." in text_of(receipt_paper(receipt_with(NO_TEXT), str))


def test_v4_a_refunds_slip_has_those_of_its_receipt() -> None:
    text = text_of(refund_paper(receipt_with(), REFUND, "2026-02-04T15:04", str))
    for said in (*TEXT.address, *TEXT.below_in(ENGLISH.code), "100.00", "Robin"):
        assert said in text, said
    assert "Thank you." not in text_of(refund_paper(receipt_with(NO_TEXT), REFUND, "2026-02-04T15:04", str))


def test_the_back_of_a_check_has_none() -> None:
    check = replace(receipt_with().tenders[0], kind=TenderKind.CHECK, number="1042")
    text = text_of(endorsement_paper(receipt_with(), check, str))
    assert not any(line in text for line in (*TEXT.address, *TEXT.below_in("en-US")))


def test_they_are_recorded_with_the_receipt_in_every_language() -> None:
    receipt = receipt_with()
    body = receipt_to_json(receipt)
    assert body["text"] == {
        "address": list(TEXT.address),
        "below": {"": list(TEXT.below_in("en-US")), "fr-CA": ["Au revoir."]},
    }
    assert receipt_from_json({**body, "number": receipt.number}) == receipt


def test_a_receipt_without_them_is_recorded_as_ever() -> None:
    receipt = receipt_with(NO_TEXT)
    body = receipt_to_json(receipt)
    assert "text" not in body
    assert receipt_from_json({**body, "number": receipt.number}).text == NO_TEXT
