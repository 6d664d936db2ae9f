"""What a payer is handed in place of a receipt: under verification, do not pay again; no charge was taken;
or not paid, the fees are waiting.

Painted like the receipt, on a page or on a roll of 80 mm. It never has a receipt number.
"""

from pathlib import Path

from PySide6.QtGui import QImage, QPainter

from cashier.domain.money import format_dollars
from cashier.domain.slip import Slip
from cashier.domain.slip_text import (
    EVIDENCE,
    LAST,
    MEANING,
    STARTED,
    WORDS,
    evidence_text,
    invoices_word,
    title_of,
)
from cashier.paper.pen import (
    FAMILY,
    MARGIN,
    ROLL_MARGIN,
    ROLL_WIDTH,
    SOFT,
    WIDTH,
    Pen,
    local_time,
    write_pages,
    write_roll,
)


def write_pdf(slip: Slip, file: Path, *, roll: bool = False, logo: QImage | None = None) -> None:
    """Write the slip as a PDF: a Letter page, or a roll of 80 mm. Raises OSError when that fails."""
    if roll:
        write_roll(lambda pen: _write(pen, slip, logo), file, title=title_of(slip))
    else:
        foot = f"{'TRAINING ' if slip.training else ''}{slip.reference}"
        write_pages(lambda pen: _write(pen, slip, logo), file, title=title_of(slip), foot=foot)


def paint(painter: QPainter | None, slip: Slip, *, roll: bool = False, logo: QImage | None = None) -> float:
    """Paint a slip at WIDTH or ROLL_WIDTH points; its height in points. Without painter it measures."""
    width, margin = (ROLL_WIDTH, ROLL_MARGIN) if roll else (WIDTH, MARGIN)
    return _write(Pen(painter, FAMILY, width=width, margin=margin), slip, logo)


def _write(pen: Pen, slip: Slip, logo: QImage | None) -> float:
    if slip.training:
        # Across the paper, whose height is known when everything has been measured.
        blank = Pen(None, FAMILY, width=pen.width, margin=pen.margin)
        pen.watermark("TRAINING", _content(blank, slip, logo))
    return _content(pen, slip, logo)


def _content(pen: Pen, slip: Slip, logo: QImage | None) -> float:
    if slip.training:
        pen.text("TRAINING – NO MONEY MOVED", 11, bold=True, color=SOFT, center=True)
        pen.gap(4)
    if logo is not None:
        pen.picture(logo)
    pen.text(slip.agency, 15, bold=True, center=True)
    for text in slip.address:
        pen.text(text, 10.5 if pen.width == WIDTH else 9, color=SOFT, center=True)
    pen.gap(4)
    pen.notice(*WORDS[slip.kind], size=16 if pen.width == WIDTH else 13)
    pen.text(MEANING[slip.kind])
    pen.line()
    pen.text("Amount", 12, bold=True, right=format_dollars(slip.amount_cents))
    pen.fact("Payer", slip.payer)
    if slip.permit:
        pen.fact("Permit", slip.permit)
    if slip.invoices:
        pen.fact(invoices_word(slip), ", ".join(slip.invoices))
    pen.fact(STARTED[slip.kind], local_time(slip.started_at))
    pen.gap(2)
    pen.text("Reference", color=SOFT)
    pen.ends.pop()
    pen.text(slip.reference, 9.5 if pen.width == WIDTH else 8.5, bold=True)
    pen.line()
    pen.text(EVIDENCE[slip.kind], bold=True)
    pen.ends.pop()
    pen.text(evidence_text(slip))
    if slip.evidence_at:
        pen.text(local_time(slip.evidence_at), 9, color=SOFT)
    pen.line()
    pen.text(f"Printed {local_time(slip.printed_at)} · Till {slip.till} · {slip.cashier}", 9, color=SOFT)
    pen.text(LAST[slip.kind], 9, color=SOFT)
    return pen.y + pen.margin
