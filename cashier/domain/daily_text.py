"""A daily report for a program, and in a few lines for a person at the command line."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from cashier.domain.daily import DailyReport, figures_to_json, numbers_to_json
from cashier.domain.money import format_dollars


def report_members(report: DailyReport) -> dict[str, Any]:
    """Everything but the rows, as plain members; amounts are integer cents."""
    return {
        "kind": report.heading.kind.value,
        "agency": report.heading.agency,
        "training": report.heading.training,
        "made_at": report.heading.made_at,
        "made_by": report.heading.made_by,
        "first": report.scope.first.isoformat(),
        "last": report.scope.last.isoformat(),
        "till": report.scope.till,
        "clerk": report.scope.clerk,
        "figures": figures_to_json(report.figures),
        "numbers": [numbers_to_json(item) for item in report.numbers],
        "carried": [asdict(item) for item in report.carried],
        "to_be_seen_to": list(report.matters),
        **({"sources": [asdict(item) for item in report.sources]} if report.sources else {}),
        **({"deposit": deposit_members(report)} if report.shifts else {}),
    }


def deposit_members(report: DailyReport) -> dict[str, int]:
    """What the closed shifts deposit together, as it was counted, in cents by tender."""
    sums: dict[str, int] = {}
    for shift in report.shifts:
        for kind, cents in shift.deposit_cents.items():
            sums[kind.value] = sums.get(kind.value, 0) + cents
    return sums


def report_lines(report: DailyReport) -> Iterator[str]:
    """The totals, a line each."""
    figures = report.figures
    first, last = report.scope.first.isoformat(), report.scope.last.isoformat()
    days = first if first == last else f"{first} to {last}"
    yield f"{report.heading.kind.value} {days}, {report.heading.agency}"
    for kind, tally in figures.tenders.items():
        yield _line(kind.value.replace("_", " "), tally.count, tally.amount_cents)
    yield _line("taken", figures.taken.count, figures.taken.amount_cents)
    yield _line("refunded", figures.refunded.count, -figures.refunded.amount_cents)
    yield _line("returned checks", figures.returned.count, -figures.returned.amount_cents)
    yield _line("voided, in no total", figures.voids.count, figures.voids.amount_cents)
    yield f"{'net':24}{'':>8}  {format_dollars(figures.net_cents):>14}"
    for numbers in report.numbers:
        missing = ", ".join(f"{gap.number} ({gap.reason})" for gap in numbers.gaps) or "none"
        yield f"numbers {numbers.first} to {numbers.last}, missing: {missing}"
    open_cents = sum(item.amount_cents for item in report.carried)
    if report.carried:
        yield f"not settled, in no total: {len(report.carried)}, {format_dollars(open_cents)}"
    if report.shifts:
        yield _line("deposit, as counted", len(report.shifts), sum(deposit_members(report).values()))
    for source in report.sources:
        yield source.told


def _line(name: str, count: int, cents: int) -> str:
    return f"{name:24}{count:>8,}  {format_dollars(cents):>14}"
