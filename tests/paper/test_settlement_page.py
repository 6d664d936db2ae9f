"""The settlement match on paper: what it says, in which order, and that no row is lost between pages."""

import datetime as dt
import json
import re
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QImage, QPageSize, QPainter
from PySide6.QtPdf import QPdfDocument
from PySide6.QtWidgets import QApplication

from cashier.domain.money import Cents
from cashier.domain.settlement import (
    JournalCharge,
    LineKind,
    SettlementLine,
    SettlementMatch,
    SettlementReport,
)
from cashier.domain.settling import match
from cashier.paper.pdf_pages import PAGE_MARGIN
from cashier.paper.settlement_page import lines_text, settlement_pdf
from cashier.paper.settlement_text import report_json, text_lines

SHA256 = "0123456789abcdef" * 4
AT = "2026-02-03T15:04:05.000Z"
ZOOM = 2


@pytest.fixture(autouse=True)
def _fonts(qapp: QApplication) -> None:
    """Painting text needs an application."""


def sample(count: int, faulty: int = 0) -> SettlementMatch:
    """So many charges that agree; of the first `faulty` the file has a cent less."""
    lines, charges = [], []
    for number in range(1, count + 1):
        guid, reference, invoice = str(uuid.UUID(int=number)), f"A-{number:032x}", f"BU7-{number:05d}-43"
        cents = 10_000 + number
        short = cents - (number <= faulty)
        lines.append(
            SettlementLine(number + 1, guid, reference, invoice, short, 250, date=dt.date(2026, 2, 3))
        )
        receipt = f"A-{number:06d}"
        charges.append(JournalCharge(guid, reference, invoice, Cents(cents), Cents(250), AT, "A", receipt))
    return match(lines, charges, None, "A")


def report_of(found: SettlementMatch, **changes: object) -> SettlementReport:
    report = SettlementReport(
        agency="Town of Sampleton",
        site="sampletown",
        till="A",
        file_name="settlement-2026-02.csv",
        sha256=SHA256,
        first=dt.date(2026, 2, 1),
        last=dt.date(2026, 2, 28),
        made_at=AT,
        match=found,
    )
    return replace(report, **changes)  # type: ignore[arg-type]


def pages(tmp_path: Path, report: SettlementReport) -> list[str]:
    """Each page's text, on one line."""
    settlement_pdf(tmp_path / "report.pdf", report)
    document = QPdfDocument()
    assert document.load(str(tmp_path / "report.pdf")) is QPdfDocument.Error.None_
    return [
        " ".join(document.getAllText(page).text().split()).replace("\ufffe", "-")
        for page in range(document.pageCount())
    ]


def picture(file: Path, page: int) -> QImage:
    """A page as it is painted."""
    document = QPdfDocument()
    document.load(str(file))
    size = document.pagePointSize(page).toSize() * ZOOM
    image = QImage(size, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    painter.drawImage(0, 0, document.render(page, QSize(size)))
    painter.end()
    return image


def has_ink(image: QImage, x: float, y: float, width: float, height: float) -> bool:
    """Whether anything is painted in a box given in points."""
    part = image.copy(round(x * ZOOM), round(y * ZOOM), round(width * ZOOM), round(height * ZOOM))
    blank = QImage(part.size(), part.format())
    blank.fill(QColor("white"))
    return part != blank


def test_a_report_says_what_it_was_made_of(tmp_path: Path) -> None:
    (text,) = pages(tmp_path, report_of(sample(5, faulty=2)))
    for said in (
        "Town of Sampleton",
        "sampletown, till A",
        "2026-02-01 to 2026-02-28",
        "settlement-2026-02.csv",
        SHA256,
        "the hub was not asked",
        "To be looked at: 2 of 5 rows.",
        "Amount: gateway 100.00, journal 100.01.",
        "page 1 of 1",
    ):
        assert said in text, said
    assert "TRAINING" not in text


def test_findings_come_first_then_what_agrees_then_the_totals(tmp_path: Path) -> None:
    (text,) = pages(tmp_path, report_of(sample(5, faulty=2)))
    places = [text.index(title) for title in ("Amount differs · 2", "Matched · 3", "Totals", "Everything 5")]
    assert places == sorted(places)
    assert "Everything 5 500.13 12.50 500.15 0.00" in text


def test_a_report_without_findings_says_so(tmp_path: Path) -> None:
    (text,) = pages(tmp_path, report_of(sample(1)))
    assert "Everything agrees: 1 row." in text
    assert "To be looked at" not in text


def test_a_report_of_nothing(tmp_path: Path) -> None:
    (text,) = pages(tmp_path, report_of(sample(0)))
    assert "Nothing to compare" in text
    assert "Everything 0 0.00 0.00 0.00 0.00" in text


def test_a_long_report_loses_no_row_and_counts_its_pages(tmp_path: Path) -> None:
    told = pages(tmp_path, report_of(sample(300, faulty=40)))
    assert len(told) > 5
    for number, text in enumerate(told, 1):
        assert text.count(f"page {number} of {len(told)}") == 1
        assert SHA256[:12] in text
    receipts = [receipt for text in told for receipt in re.findall(r"\bA-\d{6}\b", text)]
    assert receipts == [f"A-{number:06d}" for number in range(1, 301)]


def test_every_page_of_a_table_has_its_headings(tmp_path: Path) -> None:
    heading = "Line When Receipt Invoices Gateway Fee Journal Hub"
    tables = [text for text in pages(tmp_path, report_of(sample(300))) if "Reference A-" in text]
    assert len(tables) > 5
    for text in tables:
        assert text.index(heading) < text.index("Reference A-")


def test_no_heading_stands_at_the_end_of_a_page(tmp_path: Path) -> None:
    for count in range(12, 40):
        for text in pages(tmp_path, report_of(sample(count, faulty=count // 2))):
            body = (
                text[: text.index("Settlement match · till A")]
                if "Settlement match · till A" in text
                else text
            )
            assert not body.rstrip().endswith(("Hub", "Journal and gateway agree; the hub was not asked."))
            assert ("Totals" in text) == ("Everything" in text.partition("Totals")[2])


def test_the_margins_stay_empty_whatever_is_written(tmp_path: Path) -> None:
    text = "W" * 400
    line = SettlementLine(2, text, text, text, -999_999_999, -999_999_999, LineKind.REFUND)
    charge = JournalCharge(
        text, text, text, Cents(999_999_999), Cents(999_999_999), AT, "ABCD", "ABCD-000001"
    )
    found = match([line, replace(line, row=3, kind=LineKind.CHARGE, amount_cents=1)], [charge], [], "ABCD")
    settlement_pdf(tmp_path / "wide.pdf", report_of(found, agency=text, file_name=text))
    image = picture(tmp_path / "wide.pdf", 0)
    width, height = image.width() / ZOOM, image.height() / ZOOM
    edge = PAGE_MARGIN - 1
    assert has_ink(image, PAGE_MARGIN, PAGE_MARGIN, width - 2 * PAGE_MARGIN, 200)
    assert not has_ink(image, 0, 0, edge, height)
    assert not has_ink(image, width - edge, 0, edge, height)
    assert not has_ink(image, 0, height - edge, width, edge)


def test_a4_paper_is_wide_enough(tmp_path: Path) -> None:
    settlement_pdf(tmp_path / "a4.pdf", report_of(sample(5)), QPageSize.PageSizeId.A4)
    image = picture(tmp_path / "a4.pdf", 0)
    width = image.width() / ZOOM
    assert has_ink(image, width - PAGE_MARGIN - 30, PAGE_MARGIN, 30, 400)
    assert not has_ink(image, width - PAGE_MARGIN + 1, 0, PAGE_MARGIN - 1, image.height() / ZOOM)


def test_x6_a_training_report_says_that_it_is_one(tmp_path: Path) -> None:
    for text in pages(tmp_path, report_of(sample(60), training=True)):
        assert "TRAINING" in text
    assert next(text_lines(report_of(sample(1), training=True))).startswith("TRAINING")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        settlement_pdf(tmp_path / "nowhere" / "report.pdf", report_of(sample(1)))


def test_many_lines_are_named_by_the_first_and_the_last() -> None:
    assert [lines_text(lines) for lines in ((), (2,), (2, 3), (2, 3, 9))] == ["", "2", "2, 3", "2 … 9"]


def test_text_and_json_say_the_same(tmp_path: Path) -> None:
    report = report_of(sample(3, faulty=1))
    lines = list(text_lines(report))
    assert "AMOUNT DIFFERS (1): The sources name different amounts for it." in lines
    assert "    Amount: gateway 100.00, journal 100.01." in lines
    told = json.loads(report_json(report))
    assert [row["verdict"] for row in told["rows"]] == ["amount differs", "matched", "matched"]
    assert told["rows"][0]["gateway"] == {"amount_cents": 10_000, "fee_cents": 250}
    assert told["rows"][0]["hub"] is None
    assert told["total"]["gateway_cents"] == 30_005
