"""The drawers of a day on paper: what was expected, counted and deposited, by shift."""

from collections.abc import Iterator

from cashier.domain.daily import DailyReport, ShiftRow
from cashier.domain.money import format_dollars
from cashier.domain.receipt import TenderKind
from cashier.paper.daily_parts import NOTE, TENDERS, WIDTH, section
from cashier.paper.sheet import Item, Table, columns, paragraph

_COUNT = columns(
    ("", 150),
    ("Expected", 98, True),
    ("Counted", 98, True),
    ("Over / short", 96, True),
    ("Deposit", 98, True),
)


def drawer(report: DailyReport) -> Iterator[Item]:
    """Every closed shift, and their deposit together."""
    for shift in report.shifts:
        yield from _shift(shift)
    if len(report.shifts) > 1:
        yield from section("Deposit of all shifts")
        table = Table(_COUNT)
        yield table.heading
        for kind, deposit in deposit_of(report).items():
            amounts = (
                sum(shift.expected[kind].amount_cents for shift in report.shifts),
                sum(shift.counted[kind].amount_cents for shift in report.shifts),
                sum(shift.over_cents[kind] for shift in report.shifts),
                deposit,
            )
            yield table.row(TENDERS[kind], *(format_dollars(cents) for cents in amounts))
        yield _total(table, report.shifts)


def deposit_of(report: DailyReport) -> dict[TenderKind, int]:
    """What goes to the bank of every tender, in cents, as it was counted."""
    sums: dict[TenderKind, int] = {}
    for shift in report.shifts:
        for kind, cents in shift.deposit_cents.items():
            sums[kind] = sums.get(kind, 0) + cents
    return sums


def _shift(shift: ShiftRow) -> Iterator[Item]:
    revision = f", revision {shift.revision}" if shift.revision > 1 else ""
    counts = f" in {shift.counts} counts" if shift.counts > 1 else ""
    approved = f", accepted by {shift.approver}" if shift.approver else ""
    note = (
        f"{shift.clerk} · counted by {shift.counted_by}{counts}{approved} · closed by {shift.closed_by}. "
        "The drawer is the float, what was taken and paid in, less what was given back, paid out and dropped."
    )
    yield from section(f"Drawer of shift {shift.number}{revision}, till {shift.till}", note)
    table = Table(_COUNT)
    yield table.heading
    for kind, expected in shift.expected.items():
        amounts = (
            expected.amount_cents,
            shift.counted[kind].amount_cents,
            shift.over_cents[kind],
            shift.deposit_cents[kind],
        )
        name = TENDERS[kind]
        if kind is not TenderKind.CASH:
            name = f"{name} ({shift.counted[kind].count} of {expected.count})"
        yield table.row(name, *(format_dollars(cents) for cents in amounts))
    yield _total(table, (shift,))
    moved = {
        "float": shift.float_cents,
        "paid in": shift.paid_in_cents,
        "paid out": shift.paid_out_cents,
        "dropped": shift.dropped_cents,
    }
    said = " · ".join(f"{name} {format_dollars(cents)}" for name, cents in moved.items() if cents)
    if said:
        yield paragraph(f"Cash: {said}", NOTE, WIDTH)


def _total(table: Table, shifts: tuple[ShiftRow, ...]) -> Item:
    sums = (
        sum(pile.amount_cents for shift in shifts for pile in shift.expected.values()),
        sum(pile.amount_cents for shift in shifts for pile in shift.counted.values()),
        sum(cents for shift in shifts for cents in shift.over_cents.values()),
        sum(cents for shift in shifts for cents in shift.deposit_cents.values()),
    )
    return table.row("Together", *(format_dollars(cents) for cents in sums), bold=True)
