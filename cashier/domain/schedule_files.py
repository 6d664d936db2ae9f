"""Schedule files beside each other: which of them is in force on a business date.

Three rules. A file holds on the dates that it states. It ends the day before another file begins that names
it in `ends`. A file that ships with the till ends the day before the first file of the office's own with that
name begins, whatever it states: an office's own schedule replaces the one that ships.

Nothing of a file is changed when another one takes its place, so that bringing one in is one file's doing.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cashier.domain.errors import Refused
from cashier.domain.fees import Period, Schedule, in_force

_DAY = dt.timedelta(days=1)
TOML = ".toml"


@dataclass(frozen=True)
class ScheduleFile:
    """A schedule file by its name, `oshtemo-2027-01-01.toml`: what it holds, or why it is refused.

    `is_own` tells the office's own from those that ship with the till.
    """

    file: str
    is_own: bool
    schedule: Schedule | None
    faults: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        """The file's name without `.toml`."""
        return self.file.removesuffix(TOML)

    def may_be(self, name: str) -> bool:
        """Whether it is of that schedule, or, as it cannot be read, might be."""
        if self.schedule is not None:
            return self.schedule.name == name
        return self.stem == name or self.stem.startswith(f"{name}-")


@dataclass(frozen=True)
class Standing:
    """A schedule file, and when it is in force; None: never, for another one has taken its place."""

    file: ScheduleFile
    schedule: Schedule
    period: Period | None


def standings(name: str, files: Iterable[ScheduleFile]) -> tuple[Standing, ...]:
    """The readable files of a schedule with the periods in which they are in force, in the order given."""
    named = [(one, one.schedule) for one in files if one.schedule is not None and one.schedule.name == name]
    own_firsts = [schedule.period.first for one, schedule in named if one.is_own]
    found = []
    for one, schedule in named:
        ends = [
            other.period.first
            for other_file, other in named
            if other_file is not one and one.is_own and other_file.is_own and one.stem in other.ends
        ]
        found.append(Standing(one, schedule, _cut(schedule.period, ends if one.is_own else own_firsts)))
    return tuple(found)


def _cut(period: Period, ends: Sequence[dt.date | None]) -> Period | None:
    """The period up to the day before the earliest of these days; None among them is before all days."""
    last = period.last
    for first in ends:
        if first is None:
            return None
        last = first - _DAY if last is None else min(last, first - _DAY)
    if last is not None and period.first is not None and last < period.first:
        return None
    return Period(period.first, last)


def schedule_on(
    name: str, files: Sequence[ScheduleFile], on: dt.date, others: Sequence[str] = ()
) -> Schedule:
    """The schedule of that name as it stands on a business date. `others` are names that there are instead.

    Raises Refused when there is none, when none is in force then, when two are, and when a file of that
    name is faulty, for it might be the one that holds.
    """
    if faults := tuple(fault for one in files if one.may_be(name) for fault in one.faults):
        raise Refused("\n".join(faults), faults)
    named = standings(name, files)
    if not named:
        raise Refused(f"there is no fee schedule {name[:40]!r}; there are: {', '.join(others) or 'none'}")
    match [one for one in named if one.period is not None and one.period.covers(on)]:
        case [holding]:
            return in_force(holding.schedule, on)
        case []:
            periods = "; ".join(str(one.period) for one in named if one.period is not None)
            raise Refused(f"fee schedule {name} is not in force on {on}, but {periods}")
        case several:
            told = ", ".join(one.file.file for one in several)
            raise Refused(f"fee schedule {name} is stated twice for {on}: {told}")
