"""Daily reports of a till: which rows, whose names, and for a closed day the figures that its close recorded.

A report changes nothing. `reported` reads a Daybook alone, so it may run on another thread than the till.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cashier.domain.corrections import CORRECTION_KINDS, Correction, correction_of
from cashier.domain.daily import (
    Carried,
    DailyReport,
    Heading,
    ReportKind,
    Scope,
    figures_to_json,
    numbers_to_json,
)
from cashier.domain.daily_fold import Local, daily_report, shift_rows, undone_between
from cashier.domain.entries import Entry, EntryKind, canonical, utc_moment
from cashier.domain.errors import Discrepancy, Refused
from cashier.domain.payment import Payment
from cashier.domain.receipt import Receipt
from cashier.till.config import TillConfig
from cashier.till.ports import Daybook, Journal

#: Days in one report, at most: a year and a leap day.
DAYS_MAX = 366
#: Members of a close that a report must find again in the journal.
_CHECKED = ("figures", "numbers")


@dataclass(frozen=True)
class Counter:
    """What a report's heading says of the till that makes it."""

    agency: str
    till: str
    made_by: str
    type_names: Mapping[int, str]
    training: bool = False

    @classmethod
    def of(cls, config: TillConfig, made_by: str = "") -> "Counter":
        """A till's, from its settings."""
        names = {type_id: name for biller in config.billers for type_id, name in biller.invoice_types.items()}
        return cls(config.agency, config.till, made_by or config.cashier, names, config.training)


class JournalDaybook:
    """The till's own journal as a Daybook, on the till's thread."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def receipts(self, first: str, last: str) -> Iterator[Receipt]:
        """See the port."""
        day, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
        while day <= end:
            yield from self._journal.receipts_of_day(day.isoformat())
            day += dt.timedelta(days=1)

    def receipt(self, number: str) -> Receipt | None:
        """See the port."""
        return self._journal.receipt(number)

    def entries_of(self, kinds: Collection[EntryKind]) -> Iterator[Entry]:
        """See the port."""
        return self._journal.entries_of(kinds)

    def unsettled_payments(self) -> tuple[Payment, ...]:
        """See the port."""
        return self._journal.unsettled_payments()

    def open_matters(self) -> tuple[Entry, ...]:
        """See the port."""
        return self._journal.open_matters()


def reported(daybook: Daybook, counter: Counter, scope: Scope, now: dt.datetime) -> DailyReport:
    """The report of a scope as the journal has it now.

    A whole day of one till that was closed is its Z: made at its close, with what that carried on. Raises
    Discrepancy when the journal does not give the figures that the close recorded, Refused for a wrong scope
    and for a revision that there is not.
    """
    if scope.first > scope.last:
        raise Refused(
            f"The first day, {scope.first.isoformat()}, is after the last, {scope.last.isoformat()}."
        )
    if (scope.last - scope.first).days >= DAYS_MAX:
        raise Refused(f"A report covers {DAYS_MAX} days at most.")
    closes = _closes_of(daybook, scope, counter)
    if scope.revision > len(closes):
        raise Refused(f"{scope.first.isoformat()} has no revision {scope.revision} of its Z report.")
    if scope.revision or (closes and not _is_open_again(daybook, closes[-1])):
        revision = scope.revision or len(closes)
        return _z_report(daybook, counter, scope, closes[revision - 1], revision)
    made_at = now.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    heading = _heading(counter, ReportKind.DAILY, made_at, counter.made_by, _local)
    return _report(daybook, scope, heading, _local, _carried(daybook.unsettled_payments(), scope))


def x_report(daybook: Daybook, counter: Counter, date: dt.date, now: dt.datetime) -> DailyReport:
    """The open business date so far. Changes nothing and may be taken any number of times."""
    found = reported(daybook, counter, Scope(date, date, till=counter.till), now)
    if found.heading.kind is ReportKind.Z:
        raise Refused(f"The business date {date.isoformat()} is closed: it has its Z report.")
    heading = _heading(counter, ReportKind.X, found.heading.made_at, counter.made_by, _local)
    return DailyReport(**{name: getattr(found, name) for name in _MEMBERS} | {"heading": heading})


def shown(daybook: Daybook, counter: Counter, scope: Scope, now: dt.datetime) -> DailyReport:
    """What a person who chose these days sees: the X of one day of this till that is not closed."""
    if scope.first == scope.last and not scope.clerk and scope.till in ("", counter.till):
        found = reported(daybook, counter, scope, now)
        if found.heading.kind is ReportKind.Z or not (found.instruments or found.voids):
            return found
        return x_report(daybook, counter, scope.first, now)
    return reported(daybook, counter, scope, now)


_MEMBERS = tuple(DailyReport.__dataclass_fields__)


def close_figures(daybook: Daybook, till: str, date: dt.date, now: dt.datetime) -> dict[str, Any]:
    """What a close records of its report: every figure, the numbers, and the counter's distance from UTC."""
    offset = int((now.astimezone().utcoffset() or dt.timedelta()).total_seconds() // 60)
    counter = Counter("", till, "", {})
    heading = _heading(counter, ReportKind.Z, "", "", None)
    report = _report(daybook, Scope(date, date, till=till), heading, _at_offset(offset), ())
    matters = list(report.matters)
    return {"till": till, "utc_offset_minutes": offset, "matters": matters, **_recorded(report)}


def _recorded(report: DailyReport) -> dict[str, Any]:
    return {
        "figures": figures_to_json(report.figures),
        "numbers": [numbers_to_json(item) for item in report.numbers],
    }


def _z_report(daybook: Daybook, counter: Counter, scope: Scope, closed: Entry, revision: int) -> DailyReport:
    body = closed.body
    local = _at_offset(body["report"]["utc_offset_minutes"])
    heading = _heading(counter, ReportKind.Z, closed.at, body["closed_by"], local, revision)
    carried = tuple(
        Carried(
            item["reference"], item["amount_cents"], item["state"], item["issued_at"], item["business_date"]
        )
        for item in body["carried"]
    )
    scope = Scope(scope.first, scope.last, till=closed.till, revision=scope.revision)
    matters = body["report"]["matters"]
    report = _report(daybook, scope, heading, local, carried, closed, matters=matters)
    told = _recorded(report)
    for name in _CHECKED:
        if canonical(told[name]) != canonical(body["report"][name]):
            raise Discrepancy(
                f"The journal does not give the {name} that the close of {scope.first.isoformat()} recorded. "
                "Nothing was changed. Verify the journal, keep the file and call support."
            )
    return report


def _report(
    daybook: Daybook,
    scope: Scope,
    heading: Heading,
    local: Local,
    carried: Iterable[Carried],
    closed: Entry | None = None,
    *,
    matters: Iterable[str] | None = None,
) -> DailyReport:
    """What came after a close is not in its report: neither corrections nor receipts."""
    upto = closed.seq if closed else None
    corrections = _corrections(daybook, upto)
    receipts = daybook.receipts(scope.first.isoformat(), scope.last.isoformat())
    if closed is not None:
        named = frozenset(closed.body["receipts"])
        receipts = (receipt for receipt in receipts if receipt.number in named)
    shifts = daybook.entries_of((EntryKind.SHIFT_CLOSED,))

    def elsewhere(number: str) -> str | None:
        found = daybook.receipt(number)
        return found.business_date if found else None

    return daily_report(
        heading=heading,
        scope=scope,
        receipts=receipts,
        undone=undone_between(corrections, scope, daybook.receipt),
        carried=carried,
        local=local,
        elsewhere=elsewhere,
        matters=[_matter(entry) for entry in daybook.open_matters()] if matters is None else matters,
        shifts=shift_rows((entry for entry in shifts if upto is None or entry.seq <= upto), scope),
    )


def _corrections(daybook: Daybook, upto: int | None) -> Iterator[tuple[Correction, str]]:
    """Corrections with the till that recorded each, up to an entry: what came after a close is not in it."""
    for entry in daybook.entries_of(CORRECTION_KINDS):
        if upto is not None and entry.seq > upto:
            return
        found = correction_of(entry)
        if found is not None:
            yield found, entry.till


def _closes_of(daybook: Daybook, scope: Scope, counter: Counter) -> list[Entry]:
    """The closes, oldest first, of a scope that is one whole day of this till; those with figures."""
    if scope.first != scope.last or scope.clerk or scope.till not in ("", counter.till):
        return []
    date = scope.first.isoformat()
    return [
        entry
        for entry in daybook.entries_of((EntryKind.DAY_CLOSED,))
        if entry.body["business_date"] == date and entry.till == counter.till and "report" in entry.body
    ]


def _is_open_again(daybook: Daybook, closed: Entry) -> bool:
    """Whether the day was opened again since its close."""
    opened = list(daybook.entries_of((EntryKind.SHIFT_REOPENED,)))
    same = opened and opened[-1].body["business_date"] == closed.body["business_date"]
    return bool(same and opened[-1].seq > closed.seq)


def _heading(
    counter: Counter,
    kind: ReportKind,
    made_at: str,
    made_by: str,
    local: Local | None,
    revision: int = 1,
) -> Heading:
    time = local(made_at).strftime("%Y-%m-%d %H:%M") if local else ""
    return Heading(
        kind, counter.agency, made_at, made_by, time, counter.training, counter.type_names, revision
    )


def _carried(payments: Iterable[Payment], scope: Scope) -> tuple[Carried, ...]:
    return tuple(
        Carried(item.reference, item.amount_cents, item.state.value, item.issued_at, item.business_date)
        for item in payments
        if scope.takes(item.till, item.cashier)
        and (not item.business_date or item.business_date <= scope.last.isoformat())
    )


def _matter(entry: Entry) -> str:
    """What a person has to see to, in a line: it belongs to no day, and to no total."""
    reason = str(entry.body.get("reason", "")) or "a message that fits no payment"
    return f"{entry.at[:10]} {reason}"


def _local(stamp: str) -> dt.datetime:
    return utc_moment(stamp).astimezone()


def _at_offset(minutes: int) -> Local:
    zone = dt.timezone(dt.timedelta(minutes=minutes))
    return lambda stamp: utc_moment(stamp).astimezone(zone)
