"""The daily receipts as one table: every row that the totals are made of, each with what it is.

The file starts with a byte order mark, since it is opened in a spreadsheet more often than by a program, and
Excel takes UTF-8 without one for the system's old code page: names with accents would be damaged. Python
reads it as `utf-8-sig`. Amounts are plain decimals (`1234.50`, `-12.05`). Text that a spreadsheet would take
for a formula gets an apostrophe before it.
"""

import csv
from collections.abc import Iterator
from typing import TextIO

from cashier.domain.daily import DailyReport, Instrument
from cashier.domain.money import format_cents

#: How the file is to be opened for writing, with newline="".
ENCODING = "utf-8-sig"

COLUMNS = (
    # tender, allocation, void, voided tender, refund, returned check, numbers, gap, open, drawer, deposit,
    # source
    "section",
    "business_date",
    "till",
    "clerk",
    "receipt",
    "at_utc",
    "tender",
    "number",
    "bank",
    "drawn_by",
    "payer",
    "permit",
    "invoice_type",
    "gl_account",
    "amount",
    "service_fee",
    "in_totals",  # yes, or no: in doubt, void, refund not done yet
    "reason",
    "requester",
    "approver",
    "reference",
)
_TO_FORMULA = ("=", "+", "-", "@")


def write_csv(report: DailyReport, out: TextIO) -> int:
    """Write every row of a report under a header, and return how many. Open `out` with newline=""."""
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    count = 0
    for members in _rows(report):
        writer.writerow([members.get(name, "") for name in COLUMNS])
        count += 1
    return count


def plain(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    start = text.lstrip(" \t\r\n\ufeff")[:1]
    return f"'{text}" if text[:1] in ("\t", "\r", "\n") or start in _TO_FORMULA else text


def _rows(report: DailyReport) -> Iterator[dict[str, str]]:
    for item in report.instruments:
        yield {"section": "tender", **_instrument(item), "in_totals": "yes"}
    for share in report.allocations:
        yield {
            "section": "allocation",
            "receipt": share.receipt,
            "permit": plain(share.permit),
            "invoice_type": str(share.type_id) if share.type_id else "",
            "gl_account": plain(share.account),
            "amount": format_cents(share.amount_cents),
            "in_totals": "yes",
        }
    yield from _undone(report)
    for numbers in report.numbers:
        reason = f"{numbers.first} to {numbers.last}: {numbers.count} receipts, {len(numbers.voided)} void"
        yield {"section": "numbers", "till": numbers.till, "receipt": numbers.last, "reason": reason}
        for gap in numbers.gaps:
            yield {"section": "gap", "till": numbers.till, "receipt": gap.number, "reason": plain(gap.reason)}
    yield from _drawers(report)
    for carried in report.carried:
        yield {
            "section": "open",
            "business_date": carried.business_date,
            "at_utc": carried.since,
            "amount": format_cents(carried.amount_cents),
            "in_totals": "no",
            "reason": carried.state,
            "reference": plain(carried.reference),
        }
    yield from _sources(report)


def _sources(report: DailyReport) -> Iterator[dict[str, str]]:
    """The tills that a site's report is made of; who may have more is a reason."""
    for source in report.sources:
        yield {
            "section": "source",
            "till": source.till,
            "at_utc": source.last_at,
            "reason": source.told,
        }


def _drawers(report: DailyReport) -> Iterator[dict[str, str]]:
    """What was counted of every shift, and what of it is deposited; what it was over or short is a reason."""
    for shift in report.shifts:
        common = {
            "business_date": shift.business_date,
            "till": shift.till,
            "clerk": plain(shift.clerk),
            "requester": plain(shift.counted_by),
            "approver": plain(shift.approver),
            "reference": f"shift {shift.number}, revision {shift.revision}",
            "in_totals": "no",
        }
        for kind, pile in shift.counted.items():
            over, expected = shift.over_cents[kind], shift.expected[kind].amount_cents
            yield {
                **common,
                "section": "drawer",
                "tender": kind.value,
                "amount": format_cents(pile.amount_cents),
                "reason": f"expected {format_cents(expected)}, over or short {format_cents(over)}",
            }
        for kind, cents in shift.deposit_cents.items():
            yield {**common, "section": "deposit", "tender": kind.value, "amount": format_cents(cents)}


def _undone(report: DailyReport) -> Iterator[dict[str, str]]:
    for void in report.voids:
        yield {
            "section": "void",
            "business_date": void.business_date,
            "till": void.till,
            "clerk": plain(void.clerk),
            "receipt": void.receipt,
            "payer": plain(void.payer),
            "permit": plain(void.permit),
            "amount": format_cents(void.amount_cents),
            "in_totals": "no",
            "reason": plain(_reason(void.reason, void.text)),
            "requester": plain(void.requester),
            "approver": plain(void.approver),
        }
        for item in void.instruments:
            yield {"section": "voided tender", **_instrument(item), "in_totals": "no"}
    for refund in report.refunds:
        yield {
            "section": "refund",
            "business_date": refund.business_date,
            "receipt": refund.receipt,
            "tender": refund.kind.value,
            "payer": plain(refund.payer),
            "permit": plain(refund.permit),
            "amount": format_cents(-refund.amount_cents),
            "service_fee": format_cents(-refund.service_fee_cents),
            "in_totals": "yes" if refund.is_done else "no",
            "reason": plain(_reason(refund.reason, refund.text)),
            "requester": plain(refund.requester),
            "approver": plain(refund.approver),
            "reference": plain(refund.id),
        }
    for check in report.returned:
        yield {
            "section": "returned check",
            "business_date": check.business_date,
            "receipt": check.receipt,
            "tender": "check",
            "number": plain(check.number),
            "payer": plain(check.payer),
            "permit": plain(check.permit),
            "amount": format_cents(-check.amount_cents),
            "in_totals": "yes",
            "reason": plain(check.reason),
            "requester": plain(check.by),
        }


def _instrument(item: Instrument) -> dict[str, str]:
    return {
        "business_date": item.business_date,
        "till": item.till,
        "clerk": plain(item.clerk),
        "receipt": item.receipt,
        "at_utc": item.at,
        "tender": item.kind.value,
        "number": plain(item.number),
        "bank": plain(item.bank or item.brand),
        "drawn_by": plain(item.drawn_by),
        "payer": plain(item.payer),
        "permit": plain(item.permit),
        "amount": format_cents(item.amount_cents),
        "service_fee": format_cents(item.service_fee_cents),
        "reason": f"belongs to {item.belongs_to}" if item.belongs_to else "",
        "reference": plain(item.reference),
    }


def _reason(reason: str, text: str) -> str:
    return f"{reason}: {text}" if text else reason
