"""The receipt as a page: painted once, for the screen, for a PDF and for a Letter or A4 printer alike.

What it says is `domain.receipt_text`; here is only how that looks.
"""

from pathlib import Path

from PySide6.QtGui import QImage, QPageSize, QPainter

from cashier.domain.language import ENGLISH, Language
from cashier.domain.receipt import Receipt
from cashier.domain.receipt_text import NO_MARKS, Item, ItemKind, Marks, Paper, receipt_paper
from cashier.paper.pen import FAMILY, SOFT, Pen, local_time, write_pages

#: An indented text starts so much further right, points.
INDENT = 10


def paint(
    painter: QPainter | None,
    receipt: Receipt,
    family: str = FAMILY,
    language: Language = ENGLISH,
    marks: Marks = NO_MARKS,
) -> float:
    """Paint a receipt at WIDTH points; returns its height in points. Without a painter it only measures."""
    return write(Pen(painter, family), receipt_paper(receipt, local_time, language, marks))


def write(pen: Pen, paper: Paper, logo: QImage | None = None) -> float:
    """Write a document down a page, a logo above its heading; where its lower margin ends, points."""
    place = paper.heading if logo is not None and not paper.is_slip else None
    for number, item in enumerate(paper.items):
        if logo is not None and number == place:
            pen.picture(logo)
        _write_item(pen, item)
    return pen.y + pen.margin


def write_marked(pen: Pen, paper: Paper, logo: QImage | None = None) -> float:
    """The same for paper that leaves the till: of a training session with TRAINING across it."""
    if paper.training:
        blank = Pen(None, FAMILY, width=pen.width, margin=pen.margin)
        pen.watermark("TRAINING", write(blank, paper, logo))
    return write(pen, paper, logo)


def _write_item(pen: Pen, item: Item) -> None:
    indent = item.indent * INDENT
    match item.kind:
        case ItemKind.TITLE:
            pen.text(item.left, 16, bold=True, center=True)
        case ItemKind.CENTER:
            pen.text(item.left, 10.5, color=SOFT, center=True)
        case ItemKind.NOTICE:
            pen.notice(item.left, size=13)
        case ItemKind.STAMP:
            pen.stamp(item.left, item.right)
        case ItemKind.STRUCK:
            pen.stamp(item.left, item.right, color=SOFT)
        case ItemKind.FACT:
            pen.fact(item.left, item.right)
        case ItemKind.HEAD:
            pen.text(item.left, bold=True, right=item.right)
            pen.ends.pop()  # no page ends between a heading and what follows it
        case ItemKind.LINE:
            soft = {"color": SOFT} if item.indent else {}
            pen.text(item.left, right=item.right, indent=indent, **soft)  # type: ignore[arg-type]
        case ItemKind.SUM:
            pen.text(item.left, 12, bold=True, right=item.right)
        case ItemKind.SMALL:
            pen.text(item.left, 9, color=SOFT, indent=indent)
        case ItemKind.RULE:
            pen.line()
        case ItemKind.GAP:
            pen.gap(4)
        case ItemKind.SIGN:
            pen.gap(28)
            pen.line()
            pen.text(item.left, 9, color=SOFT)
        case ItemKind.QR:
            pass  # a page is searched for by its number; a roll is scanned


def write_pdf(
    receipt: Receipt,
    file: Path,
    page: QPageSize.PageSizeId = QPageSize.PageSizeId.Letter,
    language: Language = ENGLISH,
    marks: Marks = NO_MARKS,
) -> None:
    """Write the receipt as a PDF. Raises OSError when the file cannot be written."""
    write_paper(receipt_paper(receipt, local_time, language, marks), file, page)


def write_paper(
    paper: Paper,
    file: Path,
    page: QPageSize.PageSizeId = QPageSize.PageSizeId.Letter,
    logo: QImage | None = None,
) -> None:
    """Write a document as a PDF. Raises OSError when the file cannot be written."""
    foot = f"TRAINING {paper.number}" if paper.training else paper.title
    write_pages(
        lambda pen: write_marked(pen, paper, logo),
        file,
        title=paper.title,
        foot=foot,
        page=page,
        count=paper.page,
    )
