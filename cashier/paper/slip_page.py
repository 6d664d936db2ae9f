"""What a payer is handed in place of a receipt: under verification, do not pay again; or no charge was taken.

Painted like the receipt, on a page or on a roll of 80 mm. It never has a receipt number.
"""

from pathlib import Path

from PySide6.QtGui import QPainter

from cashier.domain.money import format_dollars
from cashier.domain.slip import Slip, SlipKind
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

#: What each says first, and its PDF's title.
WORDS = {
    SlipKind.UNDER_VERIFICATION: ("PAYMENT UNDER VERIFICATION", "DO NOT PAY AGAIN"),
    SlipKind.NO_CHARGE: ("NO CHARGE WAS TAKEN",),
}
_MEANING = {
    SlipKind.UNDER_VERIFICATION: "A card payment was started for what is named below. Whether money was "
    "taken is being checked with Invoice Cloud, the card service. Please do not pay it again – not here, not "
    "online and not by other means – until this office has told you the result.",
    SlipKind.NO_CHARGE: "The card payment named below has ended. No money was taken by it.",
}
_EVIDENCE = {
    SlipKind.UNDER_VERIFICATION: "What Invoice Cloud said last",
    SlipKind.NO_CHARGE: "How this is known",
}
_LAST = {
    SlipKind.UNDER_VERIFICATION: "This is not a receipt. If the payment is confirmed, there will be one. "
    "Keep this slip: the reference finds your payment.",
    SlipKind.NO_CHARGE: "This is not a receipt.",
}


def title_of(slip: Slip) -> str:
    """What the paper says, in one line."""
    return " – ".join(WORDS[slip.kind])


def write_pdf(slip: Slip, file: Path, *, roll: bool = False) -> None:
    """Write the slip as a PDF: a Letter page, or a roll of 80 mm. Raises OSError when that fails."""
    if roll:
        write_roll(lambda pen: _write(pen, slip), file, title=title_of(slip))
    else:
        foot = f"{'TRAINING ' if slip.training else ''}{slip.reference}"
        write_pages(lambda pen: _write(pen, slip), file, title=title_of(slip), foot=foot)


def paint(painter: QPainter | None, slip: Slip, *, roll: bool = False) -> float:
    """Paint a slip at WIDTH or ROLL_WIDTH points; its height in points. Without painter it measures."""
    width, margin = (ROLL_WIDTH, ROLL_MARGIN) if roll else (WIDTH, MARGIN)
    return _write(Pen(painter, FAMILY, width=width, margin=margin), slip)


def _write(pen: Pen, slip: Slip) -> float:
    if slip.training:
        # Across the paper, whose height is known when everything has been measured.
        blank = Pen(None, FAMILY, width=pen.width, margin=pen.margin)
        pen.watermark("TRAINING", _content(blank, slip))
    return _content(pen, slip)


def _content(pen: Pen, slip: Slip) -> float:
    if slip.training:
        pen.text("TRAINING – NO MONEY MOVED", 11, bold=True, color=SOFT, center=True)
        pen.gap(4)
    pen.text(slip.agency, 15, bold=True, center=True)
    pen.gap(4)
    pen.notice(*WORDS[slip.kind], size=16 if pen.width == WIDTH else 13)
    pen.text(_MEANING[slip.kind])
    pen.line()
    pen.text("Amount", 12, bold=True, right=format_dollars(slip.amount_cents))
    pen.fact("Payer", slip.payer)
    if slip.permit:
        pen.fact("Permit", slip.permit)
    pen.fact("Invoice" if len(slip.invoices) == 1 else "Invoices", ", ".join(slip.invoices))
    pen.fact("Started", local_time(slip.started_at))
    pen.gap(2)
    pen.text("Reference", color=SOFT)
    pen.ends.pop()
    pen.text(slip.reference, 9.5 if pen.width == WIDTH else 8.5, bold=True)
    pen.line()
    pen.text(_EVIDENCE[slip.kind], bold=True)
    pen.ends.pop()
    pen.text(f"{slip.evidence[:1].upper()}{slip.evidence[1:]}")
    if slip.evidence_at:
        pen.text(local_time(slip.evidence_at), 9, color=SOFT)
    pen.line()
    pen.text(f"Printed {local_time(slip.printed_at)} · Till {slip.till} · {slip.cashier}", 9, color=SOFT)
    pen.text(_LAST[slip.kind], 9, color=SOFT)
    return pen.y + pen.margin
