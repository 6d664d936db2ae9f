"""The settlement match as text for a terminal, as JSON and as a table for a spreadsheet."""

import csv
import json
from collections.abc import Iterator
from typing import Any, TextIO

from cashier.domain.money import format_cents, format_dollars
from cashier.domain.settlement import Row, SettlementReport, Side, Total, Verdict

_CSV_COLUMNS = (
    *("verdict", "lines", "when", "till", "receipt", "reference", "payment_guid", "invoices"),
    *("gateway", "gateway_fee", "journal", "journal_fee", "hub", "hub_fee", "notes"),
)


def text_lines(report: SettlementReport) -> Iterator[str]:
    """The report for a terminal: a line a charge, its notes below it, the totals last."""
    match = report.match
    if report.training:
        yield "TRAINING – no money moved"
    yield f"{report.agency}: settlement match of {report.site}, till {report.till}"
    yield f"{report.file_name}, SHA-256 {report.sha256}"
    yield f"charges of {report.first.isoformat()} to {report.last.isoformat()}, made {report.made_at}"
    for verdict in Verdict:
        rows = match.of(verdict)
        if rows:
            yield ""
            yield f"{verdict.value.upper()} ({len(rows)}): {match.meaning(verdict)}"
        for row in rows:
            yield f"  {_row_text(row)}"
            yield from (f"    {note}" for note in row.notes)
    yield ""
    yield f"{'':20}{'rows':>7}{'gateway':>16}{'fee':>13}{'journal':>16}{'hub':>16}"
    for verdict in Verdict:
        if match.of(verdict):
            yield _total_text(verdict.value, match.total(verdict))
    yield _total_text("everything", match.total())


def _row_text(row: Row) -> str:
    amounts = ((name, side) for name, side in _sides(row) if side is not None)
    parts = (
        f"line {', '.join(map(str, row.lines))}" if row.lines else "",
        row.receipt or (f"till {row.till}" if row.till else ""),
        row.when[:10],
        " ".join(f"{name} {_dollars(side.amount_cents)}" for name, side in amounts),
        ", ".join(row.invoices),
        row.reference,
        row.payment_guid,
    )
    return "  ".join(part for part in parts if part)


def _total_text(name: str, total: Total) -> str:
    amounts = (total.file_cents, total.fee_cents, total.journal_cents, total.hub_cents)
    texts = (
        f"{format_dollars(cents):>{width}}" for cents, width in zip(amounts, (16, 13, 16, 16), strict=True)
    )
    return f"{name:20}{total.count:>7}{''.join(texts)}"


def report_json(report: SettlementReport) -> str:
    """The report as one JSON object; amounts are integer cents."""
    match = report.match
    members = {
        "agency": report.agency,
        "site": report.site,
        "till": report.till,
        "training": report.training,
        "file": {"name": report.file_name, "sha256": report.sha256},
        "from": report.first.isoformat(),
        "to": report.last.isoformat(),
        "made_at": report.made_at,
        "hub_asked": match.hub_asked,
        "agrees": match.agrees,
        "rows": [_row_json(row) for row in match.rows],
        "totals": {
            verdict.value: _total_json(match.total(verdict)) for verdict in Verdict if match.of(verdict)
        },
        "total": _total_json(match.total()),
    }
    return json.dumps(members, ensure_ascii=False, indent=2)


def _row_json(row: Row) -> dict[str, Any]:
    return {
        "verdict": row.verdict.value,
        "lines": list(row.lines),
        "when": row.when,
        "till": row.till,
        "receipt": row.receipt,
        "reference": row.reference,
        "payment_guid": row.payment_guid,
        "invoices": list(row.invoices),
        **{
            name: None if side is None else {"amount_cents": side.amount_cents, "fee_cents": side.fee_cents}
            for name, side in _sides(row)
        },
        "notes": list(row.notes),
    }


def _total_json(total: Total) -> dict[str, int]:
    return {
        "rows": total.count,
        "gateway_cents": total.file_cents,
        "fee_cents": total.fee_cents,
        "journal_cents": total.journal_cents,
        "hub_cents": total.hub_cents,
    }


def write_csv(report: SettlementReport, out: TextIO) -> None:
    """The rows under a header; amounts as 1234.50, empty where a source does not have the charge.

    Text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    writer = csv.writer(out)
    writer.writerow(_CSV_COLUMNS)
    for row in report.match.rows:
        texts = (row.when, row.till, row.receipt, row.reference, row.payment_guid, ", ".join(row.invoices))
        amounts = [_cents(cents) for _, side in _sides(row) for cents in _members(side)]
        lines = " ".join(map(str, row.lines))
        writer.writerow(
            (row.verdict.value, lines, *(_plain(text) for text in texts), *amounts, " ".join(row.notes))
        )


def _sides(row: Row) -> tuple[tuple[str, Side | None], ...]:
    return (("gateway", row.file), ("journal", row.journal), ("hub", row.hub))


def _members(side: Side | None) -> tuple[int | None, int | None]:
    return (None, None) if side is None else (side.amount_cents, side.fee_cents)


def _cents(cents: int | None) -> str:
    return "" if cents is None else format_cents(cents)


def _dollars(cents: int | None) -> str:
    return "unreadable" if cents is None else format_dollars(cents)


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
