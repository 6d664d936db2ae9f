"""Money that went back, as the settlement file has it, beside the card refunds that this till asked for.

Nothing here records anything: that a refund was made is recorded by two people (`till.corrections`), with the
file's line as its reference.
"""

from collections.abc import Mapping, Sequence

from cashier.domain.money import format_dollars
from cashier.domain.scrub import MASK
from cashier.domain.settlement import JournalCharge, JournalRefund, Row, SettlementLine, Side, Verdict


def guid_key(payment_guid: str) -> str:
    """A PaymentGUID in one spelling; empty when it is none or could not be kept (see `scrub`)."""
    text = payment_guid.strip().strip("{}").replace("-", "").casefold()
    return "" if MASK in payment_guid else text


def refund_rows(
    lines: Sequence[SettlementLine], journal: Mapping[str, JournalCharge], refunds: Sequence[JournalRefund]
) -> list[Row]:
    """A row for each line of money that went back; `journal` is the till's charges by `guid_key`."""
    fits = _fits(lines, refunds)
    taken = [id(refund) for refund in fits.values()]  # two of one amount are equal, and still two
    rows = []
    for place, line in enumerate(lines):
        charge = journal.get(guid_key(line.payment_guid)) if guid_key(line.payment_guid) else None
        own = [refund for refund in refunds if _is_of(line, refund)]
        fit = fits.get(place)
        receipts = (item.receipt for item in (fit, charge, *own) if item is not None)
        rows.append(
            Row(
                verdict=Verdict.REFUND,
                payment_guid=line.payment_guid,
                reference=line.reference,
                invoices=(line.invoice,) if line.invoice else (),
                till=charge.till if charge else "",
                receipt=next(receipts, ""),
                when=line.date.isoformat() if line.date else "",
                file=Side(line.amount_cents, line.fee_cents),
                lines=(line.row,),
                notes=_notes(
                    line, fit, own, [one for one in own if id(one) not in taken], charge is not None
                ),
            )
        )
    return rows


def _fits(lines: Sequence[SettlementLine], refunds: Sequence[JournalRefund]) -> dict[int, JournalRefund]:
    """The refund that each line is, by the line's place: one of its payment and its amount, each taken once.

    A file may tell a refund once an invoice: lines that no refund fits alone are one if they come to it
    together. What is not recorded as made is looked for first, so that what is still to be recorded shows.
    """
    fits: dict[int, JournalRefund] = {}
    left = sorted(refunds, key=lambda refund: refund.is_done)
    for place, line in enumerate(lines):
        same = (item for item in left if _is_of(line, item) and item.amount_cents == abs(line.amount_cents))
        if (fit := next(same, None)) is not None:
            left.remove(fit)
            fits[place] = fit
    for refund in left:
        parts = [place for place, line in enumerate(lines) if place not in fits and _is_of(line, refund)]
        if parts and sum(abs(lines[place].amount_cents) for place in parts) == refund.amount_cents:
            fits |= dict.fromkeys(parts, refund)
    return fits


def _is_of(line: SettlementLine, refund: JournalRefund) -> bool:
    """By the payment's PaymentGUID, or by its reference: money that goes back may have a GUID of its own."""
    guid, reference = guid_key(line.payment_guid), line.reference.strip().casefold()
    by_guid = bool(guid) and guid in {guid_key(text) for text in refund.payment_guids}
    return by_guid or (bool(reference) and reference == refund.reference.casefold())


def _notes(
    line: SettlementLine,
    fit: JournalRefund | None,
    own: Sequence[JournalRefund],
    left: Sequence[JournalRefund],
    is_ours: bool,
) -> tuple[str, ...]:
    """What the journal says of a line. `own` are the refunds of its payment, `left` those of no line."""
    if fit is not None and fit.is_done:
        return (f"Asked for on {fit.business_date}, and recorded as made.",)
    if fit is not None:
        return (
            f"Asked for on {fit.business_date} and not recorded as made: record it on the page Receipts, "
            f"with this file and line {line.row}.",
        )
    if left:
        told = ", ".join(format_dollars(refund.amount_cents) for refund in left)
        return (f"Another amount than was asked for: {told}.",)
    if own:
        return ("More than was asked for: other lines of this file are its refunds.",)
    return ("This till's journal asks for no such refund.",) if is_ours else ()
