"""The daily receipts: rows by instrument, what was undone beside them, and totals that the rows add up to.

Nothing here reads anything: `daily_fold.daily_report` makes a report of receipts, corrections and open items.
A voided receipt is in the block of voids alone, its number present and no gap; refunds and returned checks
stand in blocks of their own on the day they happen (behaviours R3, T5, T7). What is in doubt is in no total.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cashier.domain.receipt import IN_DRAWER, TenderKind
from cashier.domain.shift import Piles
from cashier.domain.site import Source

#: In the figures of a closed day; another number is another shape.
FIGURES_VERSION = 1


class ReportKind(StrEnum):
    """What a report is, as its title says it."""

    X = "X report"  # any time, changes nothing
    Z = "Z report"  # of a closed business date, never changing
    DAILY = "Daily receipts"  # of several days, one clerk, or a day still open


@dataclass(frozen=True)
class Scope:
    """Which receipts: business dates from first to last; `till` and `clerk` empty for all.

    `revision` names one of the closes of a day that was opened again; 0 is the last.
    """

    first: dt.date
    last: dt.date
    till: str = ""
    clerk: str = ""
    revision: int = 0

    def takes(self, till: str, clerk: str) -> bool:
        """Whether a till's and clerk's rows belong to it."""
        return self.till in ("", till) and self.clerk in ("", clerk)


@dataclass(frozen=True, slots=True)
class Instrument:
    """One tender: one check, one money order, one card payment, one handing over of cash.

    `at` is UTC text, `time` the counter's local time of it. `payer` is the receipt's, `drawn_by` what the
    check says. `belongs_to` is the closed business date of a late approval.
    """

    receipt: str
    kind: TenderKind
    business_date: str
    at: str
    time: str
    till: str
    clerk: str
    payer: str
    permit: str
    amount_cents: int
    service_fee_cents: int = 0
    received_cents: int = 0
    number: str = ""
    bank: str = ""
    drawn_by: str = ""
    brand: str = ""
    reference: str = ""
    belongs_to: str = ""


@dataclass(frozen=True, slots=True)
class Allocation:
    """What a receipt paid, or what undoing it took back (negative), of one invoice type and GL account.

    Type 0 with no account is what no fee of its invoices accounts for.
    """

    receipt: str
    permit: str
    type_id: int
    account: str
    amount_cents: int


@dataclass(frozen=True)
class VoidRow:
    """A receipt taken back, with the instruments that were handed back; in no total of tenders."""

    receipt: str
    business_date: str
    time: str
    till: str
    clerk: str
    payer: str
    permit: str
    amount_cents: int
    reason: str
    text: str
    requester: str
    approver: str
    instruments: tuple[Instrument, ...]


@dataclass(frozen=True)
class RefundRow:
    """Money given back on this day for a receipt of this or an earlier one.

    `is_done` False: a card refund that was requested and is to be done in the gateway's portal; in no total.
    """

    id: str
    receipt: str
    business_date: str
    payer: str
    permit: str
    kind: TenderKind
    amount_cents: int
    service_fee_cents: int
    reason: str
    text: str
    requester: str
    approver: str
    is_done: bool


@dataclass(frozen=True)
class ReturnedRow:
    """A check that the bank did not honour."""

    receipt: str
    business_date: str
    payer: str
    permit: str
    number: str
    amount_cents: int
    reason: str
    by: str


@dataclass(frozen=True)
class Gap:
    """A number between the others that is on none of these receipts, and why."""

    number: str
    reason: str


@dataclass(frozen=True)
class Numbers:
    """A till's receipt numbers: first to last, whatever the clerk. `voided` are present, and no gaps."""

    till: str
    first: str
    last: str
    count: int
    voided: tuple[str, ...]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True)
class Carried:
    """What is not settled: in no total, carried on by name. `since` is UTC text."""

    reference: str
    amount_cents: int
    state: str
    since: str
    business_date: str


@dataclass(frozen=True)
class ShiftRow:
    """A closed shift and the count of its drawer, in cents; of several revisions the last.

    `over_cents` is what each tender was over, negative for short. `deposit_cents` is what goes to the bank:
    counted and dropped, less the float and what waits beside a card payment. `pieces` are bills and coins.
    """

    till: str
    number: int
    revision: int
    business_date: str
    clerk: str
    closed_by: str
    counted_by: str
    counts: int
    approver: str
    float_cents: int
    paid_in_cents: int
    paid_out_cents: int
    dropped_cents: int
    counted: Piles
    expected: Piles
    over_cents: Mapping[TenderKind, int]
    deposit_cents: Mapping[TenderKind, int]
    pieces: Mapping[int, int]


@dataclass(frozen=True)
class Tally:
    """How many, how much, and the service fees on top, in cents."""

    count: int = 0
    amount_cents: int = 0
    service_fee_cents: int = 0

    def plus(self, amount_cents: int, service_fee_cents: int = 0) -> "Tally":
        """One more."""
        return Tally(
            self.count + 1, self.amount_cents + amount_cents, self.service_fee_cents + service_fee_cents
        )


@dataclass(frozen=True)
class Flow:
    """What came in and what was given back of one invoice type or GL account, in cents."""

    taken_cents: int = 0
    undone_cents: int = 0
    count: int = 0

    @property
    def net_cents(self) -> int:
        """What is left."""
        return self.taken_cents - self.undone_cents


@dataclass(frozen=True)
class Figures:
    """Every total of a report; what a close records. Keys are in a fixed order, so equal is equal in bytes.

    `tenders` counts instruments that were not taken back. `refunds` and `returned` count what was done;
    `refunds_asked` what is still to be done in the portal. `hours` goes by the counter's local hour.
    """

    tenders: Mapping[TenderKind, Tally]
    receipts: Tally
    voids: Tally
    refunds: Mapping[TenderKind, Tally]
    refunds_asked: Tally
    returned: Tally
    types: Mapping[int, Flow]
    accounts: Mapping[str, Flow]
    hours: Mapping[int, Tally]

    @property
    def taken(self) -> Tally:
        """Every tender."""
        return _sum(self.tenders)

    @property
    def refunded(self) -> Tally:
        """Every refund that was done."""
        return _sum(self.refunds)

    @property
    def net_cents(self) -> int:
        """Taken, less refunds and returned checks."""
        return self.taken.amount_cents - self.refunded.amount_cents - self.returned.amount_cents

    @property
    def drawer(self) -> Mapping[TenderKind, Tally]:
        """What of it must lie in the drawer and go to the bank.

        Cash is less the cash refunds, and their service fees; a check refund is drawn on the agency's account
        and touches no drawer. The float, drops and cash paid in or out are the drawer count's, not these.
        """
        found = {}
        for kind in IN_DRAWER:
            taken = self.tenders.get(kind, Tally())
            if kind is TenderKind.CASH:
                back = self.refunds.get(kind, Tally())
                out = back.amount_cents + back.service_fee_cents
                taken = Tally(taken.count, taken.amount_cents + taken.service_fee_cents - out)
            found[kind] = taken
        return found


def _sum(tallies: Mapping[TenderKind, Tally]) -> Tally:
    values = tuple(tallies.values())
    return Tally(
        sum(item.count for item in values),
        sum(item.amount_cents for item in values),
        sum(item.service_fee_cents for item in values),
    )


@dataclass(frozen=True)
class Heading:
    """What stands above a report. `made_at` is UTC text: of the close for a Z, so that it prints the same.

    `revision` counts the closes of a business date: one that was opened again is closed again.
    """

    kind: ReportKind
    agency: str
    made_at: str
    made_by: str
    made_time: str = ""
    training: bool = False
    type_names: Mapping[int, str] = field(default_factory=dict)
    revision: int = 1


@dataclass(frozen=True)
class DailyReport:
    """A report: rows, and the figures that they add up to.

    `sources` are the tills of a report that is made of what the hub has; of a till's own there are none.
    """

    heading: Heading
    scope: Scope
    figures: Figures
    instruments: tuple[Instrument, ...]
    allocations: tuple[Allocation, ...]
    voids: tuple[VoidRow, ...]
    refunds: tuple[RefundRow, ...]
    returned: tuple[ReturnedRow, ...]
    numbers: tuple[Numbers, ...]
    carried: tuple[Carried, ...]
    matters: tuple[str, ...] = ()
    shifts: tuple[ShiftRow, ...] = ()
    sources: tuple[Source, ...] = ()

    @property
    def unsynced(self) -> tuple[Source, ...]:
        """The tills that may have more than the hub knows."""
        return tuple(source for source in self.sources if not source.is_complete)

    @property
    def late(self) -> tuple[Instrument, ...]:
        """Approvals that came after their business date was closed: they count here, and name that day."""
        return tuple(item for item in self.instruments if item.belongs_to)

    def of_kind(self, kind: TenderKind) -> tuple[Instrument, ...]:
        """The instruments of a tender, in the order they came."""
        return tuple(item for item in self.instruments if item.kind is kind)

    def type_name(self, type_id: int) -> str:
        """An invoice type for people."""
        if type_id == 0:
            return "no invoice"
        name = self.heading.type_names.get(type_id, "")
        return f"{type_id} {name}".rstrip()


def figures_to_json(figures: Figures) -> dict[str, Any]:
    """Members of the figures, for the entry of a close."""
    return {
        "version": FIGURES_VERSION,
        "tenders": {kind.value: _tally_to_json(item) for kind, item in figures.tenders.items()},
        "receipts": _tally_to_json(figures.receipts),
        "voids": _tally_to_json(figures.voids),
        "refunds": {kind.value: _tally_to_json(item) for kind, item in figures.refunds.items()},
        "refunds_asked": _tally_to_json(figures.refunds_asked),
        "returned": _tally_to_json(figures.returned),
        "types": {str(name): _flow_to_json(item) for name, item in figures.types.items()},
        "accounts": {name: _flow_to_json(item) for name, item in figures.accounts.items()},
        "hours": {f"{hour:02d}": _tally_to_json(item) for hour, item in figures.hours.items()},
        "net_cents": figures.net_cents,
        "drawer": {kind.value: _tally_to_json(item) for kind, item in figures.drawer.items()},
    }


def numbers_to_json(numbers: Numbers) -> dict[str, Any]:
    """Members of a till's numbers."""
    return {
        "till": numbers.till,
        "first": numbers.first,
        "last": numbers.last,
        "count": numbers.count,
        "voided": list(numbers.voided),
        "gaps": [{"number": gap.number, "reason": gap.reason} for gap in numbers.gaps],
    }


def _tally_to_json(tally: Tally) -> dict[str, int]:
    return {
        "count": tally.count,
        "amount_cents": tally.amount_cents,
        "service_fee_cents": tally.service_fee_cents,
    }


def _flow_to_json(flow: Flow) -> dict[str, int]:
    return {"count": flow.count, "taken_cents": flow.taken_cents, "undone_cents": flow.undone_cents}
