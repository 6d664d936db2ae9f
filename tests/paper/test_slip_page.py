"""What a payer is handed in place of a receipt: what it says, on a page and on a roll, and that it fits."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtPdf import QPdfDocument
from PySide6.QtWidgets import QApplication

from cashier.domain.money import Cents
from cashier.domain.slip import Slip, SlipKind
from cashier.domain.slip_text import slip_paper, title_of
from cashier.paper.pen import INK, MARGIN, PALE, ROLL_MARGIN, ROLL_WIDTH, WIDTH, local_time
from cashier.paper.slip_page import paint, write_pdf

ZOOM = 3
REFERENCE = "A-0190c4d2a7b87c3e9f00112233445566"
LONG = "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich: façade, piñata and crème brûlée shop"
PAPERS = pytest.mark.parametrize("roll", [False, True])


@pytest.fixture(autouse=True)
def _fonts(qapp: QApplication) -> None:
    """Painting text needs an application."""


def slip_of(kind: SlipKind = SlipKind.UNDER_VERIFICATION, **changes: object) -> Slip:
    made = Slip(
        kind=kind,
        agency="Sampletown Building Department",
        till="A",
        cashier="Kim Clerk",
        printed_at="2026-02-03T15:16:05.000Z",
        reference=REFERENCE,
        payer="Robin Example",
        permit="BLD-26-000012",
        invoices=("BU7-00042-6", "BU7-00042-93"),
        amount_cents=Cents(14768),
        started_at="2026-02-03T15:04:05.000Z",
        evidence="invoice BU7-00042-6 not found",
        evidence_at="2026-02-03T15:09:05.000Z",
        training=False,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def long_slip() -> Slip:
    """Everything as long as its field allows."""
    return slip_of(
        agency=LONG,
        payer="W" * 100,
        permit=LONG,
        invoices=tuple(f"BU7-{n:032d}" for n in range(20)),
        evidence=LONG * 3,
        cashier=LONG,
        training=True,
    )


def read(file: Path) -> QPdfDocument:
    document = QPdfDocument()
    assert document.load(str(file)) is QPdfDocument.Error.None_
    return document


def text_of(document: QPdfDocument) -> str:
    pages = (document.getAllText(page).text() for page in range(document.pageCount()))
    return " ".join(" ".join(pages).split())


def saved(slip: Slip, folder: Path, *, roll: bool) -> QPdfDocument:
    write_pdf(slip, folder / "slip.pdf", roll=roll)
    return read(folder / "slip.pdf")


def picture(slip: Slip, *, roll: bool) -> QImage:
    width = ROLL_WIDTH if roll else WIDTH
    height = paint(None, slip, roll=roll)
    image = QImage(round(width * ZOOM), round(height * ZOOM), QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    painter.scale(ZOOM, ZOOM)
    paint(painter, slip, roll=roll)
    painter.end()
    return image


def colors(image: QImage) -> set[str]:
    return {
        QColor(image.pixel(x, y)).name()
        for x in range(0, image.width(), 2)
        for y in range(0, image.height(), 2)
    }


# -- what it says --------------------------------------------------------------------------------------------


@PAPERS
def test_a_payment_under_verification_says_do_not_pay_again(tmp_path: Path, roll: bool) -> None:
    slip = slip_of()
    text = text_of(saved(slip, tmp_path, roll=roll))
    for said in (
        "PAYMENT UNDER VERIFICATION",
        "DO NOT PAY AGAIN",
        "Sampletown Building Department",
        "Payer Robin Example",
        "Permit BLD-26-000012",
        "BU7-00042-6, BU7-00042-93",
        "Amount 147.68",
        f"Started {local_time(slip.started_at)}",
        f"Invoice BU7-00042-6 not found {local_time(slip.evidence_at)}",
        f"Printed {local_time(slip.printed_at)} · Till A · Kim Clerk",
        "This is not a receipt.",
    ):
        assert said in text, said
    assert REFERENCE in text.replace(" ", "")
    assert title_of(slip) == "PAYMENT UNDER VERIFICATION – DO NOT PAY AGAIN"
    for wrong in ("PAID", "NO CHARGE", "TRAINING", "A-0000"):
        assert wrong not in text


@PAPERS
def test_no_charge_was_taken_says_how_that_is_known(tmp_path: Path, roll: bool) -> None:
    slip = slip_of(SlipKind.NO_CHARGE, evidence="Invoice Cloud was asked: 147.68 is due.", permit="")
    text = text_of(saved(slip, tmp_path, roll=roll))
    assert "NO CHARGE WAS TAKEN" in text
    assert f"How this is known Invoice Cloud was asked: 147.68 is due. {local_time(slip.evidence_at)}" in text
    for wrong in ("VERIFICATION", "DO NOT PAY", "Permit", "TRAINING"):
        assert wrong not in text


def waiting_slip() -> Slip:
    return slip_of(
        SlipKind.WAITING,
        reference="A-WAIT-3F2C91",
        invoices=(),
        evidence="cards could not be taken: Invoice Cloud is not reached.",
        evidence_at="",
    )


@PAPERS
def test_o5_a_sale_that_waits_says_not_paid_and_by_what_it_is_found(tmp_path: Path, roll: bool) -> None:
    slip = waiting_slip()
    text = text_of(saved(slip, tmp_path, roll=roll))
    for said in (
        "NOT PAID",
        "YOUR PERMIT FEES ARE WAITING",
        "Sampletown Building Department",
        "no money was taken",
        "come back to pay, or be called",
        "Payer Robin Example",
        "Amount 147.68",
        f"Waiting since {local_time(slip.started_at)}",
        "A-WAIT-3F2C91",
        "Why it waits Cards could not be taken: Invoice Cloud is not reached. Printed",
        "This is not a receipt.",
    ):
        assert said in text, said
    for wrong in ("VERIFICATION", "Invoices", "Started", "TRAINING", "A-0000"):
        assert wrong not in text


@PAPERS
def test_the_address_stands_under_the_agencys_name(tmp_path: Path, roll: bool) -> None:
    slip = slip_of(address=("3 Sample Lane, Sampletown", "Telephone 555-0100"))
    text = text_of(saved(slip, tmp_path, roll=roll))
    assert "Building Department 3 Sample Lane, Sampletown Telephone 555-0100 PAYMENT UNDER" in text


@pytest.mark.parametrize("kind", list(SlipKind))
def test_the_receipt_printer_prints_what_the_page_says(tmp_path: Path, kind: SlipKind) -> None:
    slip = slip_of(kind, training=True, address=("3 Sample Lane",))
    page = text_of(saved(slip, tmp_path, roll=False)).replace(" ", "")
    for item in slip_paper(slip, local_time).items:
        for text in (item.left, item.right):
            if "TRAINING" not in text:
                assert text.replace(" ", "") in page, text


@PAPERS
def test_before_the_gateway_has_said_anything_there_is_no_time_of_it(tmp_path: Path, roll: bool) -> None:
    slip = slip_of(evidence="nothing yet", evidence_at="")
    assert "What Invoice Cloud said last Nothing yet Printed" in text_of(saved(slip, tmp_path, roll=roll))


@PAPERS
def test_x6_training_stands_across_the_paper(tmp_path: Path, roll: bool) -> None:
    text = text_of(saved(slip_of(training=True), tmp_path, roll=roll))
    assert "TRAINING – NO MONEY MOVED" in text
    assert text.count("TRAINING") == 2
    assert PALE.name() in colors(picture(slip_of(training=True), roll=roll))
    assert PALE.name() not in colors(picture(slip_of(), roll=roll))


# -- that all of it can be read ------------------------------------------------------------------------------


def test_each_paper_has_its_size(tmp_path: Path) -> None:
    page = saved(slip_of(), tmp_path, roll=False).pagePointSize(0)
    assert (round(page.width()), round(page.height())) == (612, 792)
    roll = saved(slip_of(), tmp_path, roll=True).pagePointSize(0)
    assert round(roll.width() / 72 * 25.4) == 80
    assert roll.height() == pytest.approx(paint(None, slip_of(), roll=True), abs=1.5)


@PAPERS
def test_a_slip_is_one_piece_of_paper(tmp_path: Path, roll: bool) -> None:
    assert saved(slip_of(training=True), tmp_path, roll=roll).pageCount() == 1


@PAPERS
def test_the_longest_of_everything_is_on_the_paper(tmp_path: Path, roll: bool) -> None:
    slip = long_slip()
    text = text_of(saved(slip, tmp_path, roll=roll)).replace(" ", "")
    for said in (*slip.invoices, "W" * 100, slip.reference, LONG.replace(" ", "") * 3):
        assert said in text, said


@PAPERS
def test_the_margins_stay_empty(roll: bool) -> None:
    # The watermark may run into them; what is to be read may not.
    image = picture(replace(long_slip(), training=False), roll=roll)
    margin = round((ROLL_MARGIN if roll else MARGIN) * ZOOM) - ZOOM
    for part in (
        image.copy(0, 0, margin, image.height()),
        image.copy(image.width() - margin, 0, margin, image.height()),
        image.copy(0, image.height() - margin, image.width(), margin),
    ):
        assert colors(part) == {"#ffffff"}


@PAPERS
def test_the_words_that_matter_stand_in_a_frame(roll: bool) -> None:
    image = picture(slip_of(SlipKind.NO_CHARGE), roll=roll)
    inside = round(((ROLL_MARGIN if roll else MARGIN) + 1) * ZOOM)
    column = [QColor(image.pixel(inside, y)).name() for y in range(image.height())]
    assert column.count(INK.name()) > 20 * ZOOM


# -- that it is really there ---------------------------------------------------------------------------------


@PAPERS
def test_a_folder_that_is_not_there_is_told(tmp_path: Path, roll: bool) -> None:
    with pytest.raises(FileNotFoundError):
        write_pdf(slip_of(), tmp_path / "nowhere" / "slip.pdf", roll=roll)
