"""The logo: on every kind of paper, small enough, and never a reason for a paper not to come out."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QRect, QSize
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtPdf import QPdfDocument
from PySide6.QtWidgets import QApplication

from cashier.domain.receipt_text import Marks, Paper, receipt_paper
from cashier.paper.escpos import LOGO_HEIGHT_MAX, EscposPrinter, RollSettings, document_bytes, open_line_of
from cashier.paper.logo import BYTES_MAX, KEPT, SIDE_MAX, Logo, read_logo
from cashier.paper.pen import LOGO_HEIGHT, LOGO_WIDTH, MARGIN, ROLL_WIDTH, WIDTH, Pen
from cashier.paper.receipt_page import write, write_paper
from cashier.paper.slip_page import write_pdf
from cashier.till.ports import PrintOutcome
from tests.fakes.entries import make_receipt, make_sale
from tests.helpers.escpos_emulator import Roll, printer_at
from tests.paper.test_slip_page import slip_of

RECEIPT = replace(make_receipt("s1", make_sale()), number="A-000123", training=False)
PAPER = receipt_paper(RECEIPT, str)
COPY = receipt_paper(RECEIPT, str, marks=Marks(1, "Kim Clerk", "2026-02-04"))
RED = QColor("#c00000")


@pytest.fixture(autouse=True)
def _fonts(qapp: QApplication) -> None:
    """Painting text needs an application."""


def logo_file(folder: Path, width: int = 600, height: int = 200, ending: str = "png") -> Path:
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(RED)
    file = folder / f"logo.{ending}"
    assert image.save(str(file))
    return file


def red_box(image: QImage, step: int = 1) -> QRect:
    """What is red of a picture, pixels; looked for at every so many."""
    places = [
        (x, y)
        for y in range(0, image.height(), step)
        for x in range(0, image.width(), step)
        if (color := image.pixelColor(x, y)).red() > 150 and color.green() < 60
    ]
    xs, ys = [x for x, _ in places], [y for _, y in places]
    return QRect(min(xs), min(ys), max(xs) - min(xs) + 1, max(ys) - min(ys) + 1) if places else QRect()


def painted(paper: Paper, logo: QImage | None) -> QImage:
    height = write(Pen(None, "DejaVu Sans"), paper, logo)
    image = QImage(round(WIDTH), round(height), QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    write(Pen(painter, "DejaVu Sans"), paper, logo)
    painter.end()
    return image


def first_page(file: Path) -> QImage:
    document = QPdfDocument()
    assert document.load(str(file)) is QPdfDocument.Error.None_
    size = document.pagePointSize(0).toSize()
    image = QImage(size, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    painter.drawImage(0, 0, document.render(0, size))
    painter.end()
    return image


# -- reading -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp"])
def test_a_png_a_jpeg_and_a_bmp_are_read_whatever_they_are_called(tmp_path: Path, ending: str) -> None:
    file = logo_file(tmp_path, ending=ending).rename(tmp_path / "logo")
    assert read_logo(file).size() == QSize(600, 200)


def test_a_large_picture_is_made_smaller(tmp_path: Path) -> None:
    image = read_logo(logo_file(tmp_path, SIDE_MAX, 1000))
    assert image.width() <= KEPT.width() and image.height() == KEPT.height()


def test_what_is_see_through_is_white(tmp_path: Path) -> None:
    image = QImage(10, 10, QImage.Format.Format_ARGB32)
    image.fill(0)
    assert image.save(str(tmp_path / "logo.png"))
    assert read_logo(tmp_path / "logo.png").pixelColor(5, 5) == QColor("white")


def _damaged(folder: Path) -> Path:
    file = logo_file(folder)
    file.write_bytes(file.read_bytes()[:60])
    return file


def _of(content: bytes, folder: Path) -> Path:
    (folder / "logo.png").write_bytes(content)
    return folder / "logo.png"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: folder / "none.png", "No such file"),
        (lambda folder: folder, "directory"),
        (lambda folder: _of(b"", folder), "is not a picture of the kind PNG, JPEG or BMP"),
        (lambda folder: _of(b"<svg/>", folder), "is not a picture of the kind"),
        (lambda folder: _of(b"GIF89a\1\0\1\0\0\0\0;", folder), "is not a picture of the kind"),
        (lambda folder: _of(b"\x89PNG" * (BYTES_MAX // 4 + 1), folder), "is larger than 4 MB"),
        (lambda folder: logo_file(folder, SIDE_MAX + 1, 8), "at most 2000 by 2000 dots"),
        (_damaged, "is damaged"),
    ],
    ids=["none", "folder", "empty", "svg", "gif", "large", "wide", "damaged"],
)
def test_what_cannot_be_a_logo_is_left_out_and_told_once(tmp_path: Path, make, said: str) -> None:  # type: ignore[no-untyped-def]
    file = make(tmp_path)
    with pytest.raises(ValueError, match=said):
        read_logo(file)
    logo = Logo(file)
    assert logo.image() is None and said in logo.fault
    assert "The logo was left out" in logo.news()
    assert logo.image() is None and logo.news() == "", "it is said once"


def test_a_logo_that_is_put_in_order_is_there_again(tmp_path: Path) -> None:
    file = tmp_path / "logo.png"
    logo = Logo(file)
    assert logo.image() is None and logo.news()
    logo_file(tmp_path)
    assert logo.image() is not None and logo.fault == logo.news() == ""
    logo_file(tmp_path, 300, 100)
    os.utime(file, ns=(1, 1))
    image = logo.image()
    assert image is not None and image.size() == QSize(300, 100)
    file.unlink()
    assert logo.image() is None and logo.news(), "what is missing anew is said anew"


def test_without_a_logo_there_is_nothing_to_say() -> None:
    logo = Logo(None)
    assert logo.image() is None and logo.fault == logo.news() == ""


# -- pages ---------------------------------------------------------------------------------------------------


def test_it_stands_in_the_middle_above_the_agencys_name(tmp_path: Path) -> None:
    logo = read_logo(logo_file(tmp_path))
    box = red_box(painted(PAPER, logo))
    assert box.width() <= LOGO_WIDTH + 2 and box.height() <= LOGO_HEIGHT + 2
    assert abs(box.center().x() - WIDTH / 2) <= 2
    assert box.top() >= MARGIN - 1
    assert red_box(painted(PAPER, None), 3).isEmpty()


def test_r4_the_mark_of_a_copy_stands_above_it(tmp_path: Path) -> None:
    logo = read_logo(logo_file(tmp_path))
    assert red_box(painted(COPY, logo), 3).top() > red_box(painted(PAPER, logo), 3).top() + 40


def test_a_small_one_is_not_made_larger(tmp_path: Path) -> None:
    box = red_box(painted(PAPER, read_logo(logo_file(tmp_path, 40, 20))))
    assert box.width() == pytest.approx(30, abs=1) and box.height() == pytest.approx(15, abs=1)


def test_it_is_in_the_pdfs_of_receipts_and_slips(tmp_path: Path) -> None:
    logo, file = read_logo(logo_file(tmp_path)), tmp_path / "paper.pdf"
    write_paper(PAPER, file, logo=logo)
    assert not red_box(first_page(file), 5).isEmpty()
    assert file.stat().st_size < 300_000
    for roll in (False, True):
        write_pdf(slip_of(), file, roll=roll, logo=logo)
        box = red_box(first_page(file), 5)
        assert not box.isEmpty()
        assert not roll or box.right() < ROLL_WIDTH


# -- rolls ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("columns", "across"), [(32, 384), (42, 504), (48, 512)])
def test_it_fits_the_roll(
    tmp_path: Path, columns: int, across: int, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = RollSettings(columns=columns, profile="default" if columns < 48 else "TM-T88V")
    roll = Roll()
    roll.feed(document_bytes(PAPER, settings, read_logo(logo_file(tmp_path, 2000, 300)))[0])
    assert capsys.readouterr().out == "", "the library has nothing to complain about"
    wide, high, bits = roll.lines[0].dots or (0, 0, b"")
    assert 0 < wide <= across and 0 < high <= LOGO_HEIGHT_MAX
    assert bits.count(b"\xff") > len(bits) * 0.9, "a dark colour is black, not a pattern of dots"
    assert "Sampletown Building" in roll.lines[1].text


def test_r4_on_a_roll_too_the_mark_of_a_copy_stands_above_it(tmp_path: Path) -> None:
    roll = Roll()
    roll.feed(document_bytes(COPY, RollSettings(), read_logo(logo_file(tmp_path)))[0])
    place = next(number for number, line in enumerate(roll.lines) if line.dots)
    assert "DUPLICATE 1" in "".join(line.text for line in roll.lines[:place])
    assert "Sampletown Building" in "".join(line.text for line in roll.lines[place:])


async def test_a_logo_that_cannot_be_read_keeps_no_receipt_from_printing(tmp_path: Path) -> None:
    settings = RollSettings(logo=tmp_path / "none.png")
    with printer_at() as there:
        line = open_line_of("network", settings, host="127.0.0.1", port=there.port, timeout_s=1)
        printer = EscposPrinter(line, settings)
        assert (await printer.check()).outcome is PrintOutcome.PRINTED
        first, second = await printer.print(PAPER), await printer.print(COPY)
        roll = there.settle()
    assert first.outcome is second.outcome is PrintOutcome.PRINTED
    assert "The logo was left out" in first.note and "none.png" in first.note
    assert second.note == "", "it is said once"
    assert roll.text.count("A-000123") >= 2 and not any(line.dots for line in roll.lines)
