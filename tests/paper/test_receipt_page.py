"""The receipt on paper: what it says, and that nothing on it overlaps or is cut off.

PDFs are read back with Qt's own PDF reader, lines are looked for in the painted picture.
"""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QSizeF
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPageSize, QPainter
from PySide6.QtPdf import QPdfDocument
from PySide6.QtWidgets import QApplication

from cashier.domain.money import Cents
from cashier.domain.receipt import Receipt, Tender, TenderKind
from cashier.domain.sale import Customer, Fee, Invoice, Permit
from cashier.paper.pen import BLUE, FAMILY, GUTTER, MARGIN, WIDTH, Pen, local_time
from cashier.paper.receipt_page import paint, write_pdf
from tests.fakes.entries import make_receipt, make_sale

DAY = dt.date(2026, 2, 3)
LONG_WORDS = (
    "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich: façade, piñata and crème brûlée shop"
)
LONG_WORD = "W" * 100
ZOOM = 3


@pytest.fixture(autouse=True)
def _fonts(qapp: QApplication) -> None:
    """Painting text needs an application."""


def receipt_of(lines: int, name: str = "Commercial sign", **changes: object) -> Receipt:
    """A receipt of so many fees on three invoices."""
    fees = [Fee(f"F{n}", f"{name} {n}", Cents(1000 + n)) for n in range(1, lines + 1)]
    thirds = (fees[0::3], fees[1::3], fees[2::3])
    invoices = tuple(
        Invoice(f"BU7-00042-{type_id}", type_id, DAY, DAY, tuple(part))
        for type_id, part in zip((6, 43, 93), thirds, strict=True)
        if part
    )
    receipt = replace(make_receipt("sale-1", make_sale()), number="A-000123", invoices=invoices)
    paid = Tender(TenderKind.CARD, receipt.total_cents, Cents(561), "VISA", "APPROVED 727634")
    return replace(receipt, tenders=(paid,), **changes)  # type: ignore[arg-type]


def long_receipt() -> Receipt:
    """Everything as long as its field allows."""
    return receipt_of(
        40,
        LONG_WORDS,
        agency=f"Department of {LONG_WORDS}",
        customer=Customer(LONG_WORD, LONG_WORDS),
        permit=Permit(LONG_WORD, LONG_WORDS),
        cashier=LONG_WORDS,
    )


def read(file: Path) -> QPdfDocument:
    document = QPdfDocument()
    assert document.load(str(file)) is QPdfDocument.Error.None_
    return document


def text_of(document: QPdfDocument) -> str:
    """Every page's text, on one line."""
    pages = (document.getAllText(page).text() for page in range(document.pageCount()))
    return " ".join(" ".join(pages).split())


def picture(receipt: Receipt) -> QImage:
    """The receipt as it is painted."""
    height = paint(None, receipt)
    image = QImage(round(WIDTH * ZOOM), round(height * ZOOM), QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    painter.scale(ZOOM, ZOOM)
    paint(painter, receipt)
    painter.end()
    return image


def has_ink(image: QImage, x: float, y: float, width: float, height: float) -> bool:
    """Whether anything is painted in a box given in points."""
    part = image.copy(round(x * ZOOM), round(y * ZOOM), round(width * ZOOM), round(height * ZOOM))
    blank = QImage(part.size(), part.format())
    blank.fill(QColor("white"))
    return part != blank


# -- what it says --------------------------------------------------------------------------------------------


def test_r5_a_receipt_says_what_the_auditor_asks_for(tmp_path: Path) -> None:
    receipt = receipt_of(3, training=False)
    write_pdf(receipt, tmp_path / "receipt.pdf")
    text = text_of(read(tmp_path / "receipt.pdf"))
    for said in (
        "Sampletown Building Department",
        "A-000123",
        local_time(receipt.at),
        "Business date 2026-02-03",
        "Robin Example",
        "CSGN-26-000012",
        "Commercial Sign Application",
        "Commercial sign 1 10.01",
        "Total 30.06",
        "Card VISA 30.06",
        "Kim Clerk",
        "Till A",
        "Service fee of the card service 5.61, charged in all 35.67",
    ):
        assert said in text, said
    assert "TRAINING" not in text


def test_x6_a_training_receipt_says_that_it_is_none(tmp_path: Path) -> None:
    write_pdf(receipt_of(1, training=True), tmp_path / "receipt.pdf")
    assert "TRAINING – NOT A RECEIPT" in text_of(read(tmp_path / "receipt.pdf"))


def test_p14_a_part_payment_says_what_is_left(tmp_path: Path) -> None:
    receipt = receipt_of(3)
    part = replace(receipt, tenders=(replace(receipt.tenders[0], amount_cents=Cents(1000)),))
    write_pdf(part, tmp_path / "part.pdf")
    assert "PARTLY PAID 10.00" in text_of(read(tmp_path / "part.pdf"))
    assert "Still due 20.06" in text_of(read(tmp_path / "part.pdf"))
    rest = replace(
        receipt,
        tenders=(replace(receipt.tenders[0], amount_cents=Cents(2006)),),
        paid_before_cents=Cents(1000),
    )
    write_pdf(rest, tmp_path / "rest.pdf")
    text = text_of(read(tmp_path / "rest.pdf"))
    assert "PAID 20.06" in text and "PARTLY" not in text
    assert "Paid before 10.00" in text


def test_paid_stands_in_blue() -> None:
    image = picture(receipt_of(1, training=False))
    inside = round((MARGIN + 4) * ZOOM)
    column = [QColor(image.pixel(inside, y)).name() for y in range(image.height())]
    assert column.count(BLUE.name()) > 30 * ZOOM


# -- that all of it can be read ------------------------------------------------------------------------------


@pytest.mark.parametrize("lines", [1, 40, 60])
@pytest.mark.parametrize("page", [QPageSize.PageSizeId.Letter, QPageSize.PageSizeId.A4])
def test_every_line_is_on_the_paper(tmp_path: Path, lines: int, page: QPageSize.PageSizeId) -> None:
    write_pdf(receipt_of(lines), tmp_path / "receipt.pdf", page)
    document = read(tmp_path / "receipt.pdf")
    size = QPageSize(page).size(QPageSize.Unit.Point)
    for number in range(document.pageCount()):
        told = document.pagePointSize(number)
        assert QSizeF(round(told.width()), round(told.height())) == QSizeF(size)
    text = text_of(document)
    for number in range(1, lines + 1):
        assert text.count(f"Commercial sign {number} {(1000 + number) / 100:.2f}") == 1
    assert text.count("Thank you.") == 1


def test_a_long_receipt_goes_on_over_pages_that_say_so(tmp_path: Path) -> None:
    write_pdf(long_receipt(), tmp_path / "long.pdf")
    document = read(tmp_path / "long.pdf")
    assert document.pageCount() > 1
    for number in range(document.pageCount()):
        text = document.getAllText(number).text()
        assert f"TRAINING A-000123, page {number + 1} of {document.pageCount()}" in text


def test_a_short_receipt_stays_on_one_page(tmp_path: Path) -> None:
    write_pdf(receipt_of(12), tmp_path / "short.pdf")
    document = read(tmp_path / "short.pdf")
    assert document.pageCount() == 1
    assert "page 1" not in text_of(document)


def test_the_margins_stay_empty_whatever_is_written() -> None:
    image = picture(long_receipt())
    height = image.height() / ZOOM
    assert not has_ink(image, 0, 0, MARGIN - 1, height)
    assert not has_ink(image, WIDTH - MARGIN + 1, 0, MARGIN - 1, height)
    assert not has_ink(image, 0, height - MARGIN + 1, WIDTH, MARGIN - 1)


@pytest.mark.parametrize("text", [LONG_WORDS, LONG_WORD])
def test_a_long_value_goes_on_below_itself_and_not_over_its_name(text: str) -> None:
    image = QImage(round(WIDTH * ZOOM), 200 * ZOOM, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    painter.scale(ZOOM, ZOOM)
    pen = Pen(painter, FAMILY)
    name_end = MARGIN + QFontMetricsF(pen.font(10.5)).horizontalAdvance("Permit") / 10
    pen.fact("Permit", text)
    painter.end()
    height = pen.y - MARGIN
    assert height > 25
    assert has_ink(image, MARGIN, MARGIN, name_end - MARGIN, height)
    assert not has_ink(image, name_end + 1, MARGIN, GUTTER - 2, height)
    assert has_ink(image, name_end + GUTTER, MARGIN, WIDTH - MARGIN - name_end - GUTTER, height)


def test_no_page_ends_below_the_heading_of_an_invoice(tmp_path: Path) -> None:
    for lines in range(30, 61):
        write_pdf(receipt_of(lines), tmp_path / "receipt.pdf")
        document = read(tmp_path / "receipt.pdf")
        for number in range(document.pageCount() - 1):
            *_, last, foot = document.getAllText(number).text().splitlines()
            assert foot.startswith("TRAINING A-000123, page")
            assert not last.startswith("Invoice")


# -- that it is really there ---------------------------------------------------------------------------------


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_pdf(receipt_of(1), tmp_path / "nowhere" / "receipt.pdf")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full disk to write to")
def test_a_full_disk_is_told() -> None:
    with pytest.raises(OSError, match="No space left"):
        write_pdf(receipt_of(1), Path("/dev/full"))
