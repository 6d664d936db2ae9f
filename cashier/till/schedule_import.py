"""Bringing in a fee schedule: a plan that changes nothing and tells everything, then one step that does it.

The step is the journal entry: what is to be in force is on the disk before it, and moved to its place in one
rename after it. Killed in between, the till finishes at its next start what the journal has, and gives up
what it has not. A sale with fees on it keeps its prices; the next one has the new ones.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

from cashier.domain.entries import Draft, Entry, EntryKind
from cashier.domain.errors import CashierError, InDoubt, Refused
from cashier.domain.fee_changes import ChangeKind, FeeChange, changes_between, counted
from cashier.domain.fees import PLACEHOLDER_ACCOUNT, Period, Schedule, ScheduledFee, in_force
from cashier.domain.people import Permission, Person
from cashier.domain.schedule_files import TOML, ScheduleFile, Standing, schedule_on, standings
from cashier.domain.scrub import scrub_card_numbers
from cashier.till.identity import new_id
from cashier.till.ports import Clock, Journal, Randomness
from cashier.till.schedule_ports import ScheduleShelf

#: The subject of every entry about fee schedules.
SCHEDULES = "schedules"
#: How many fees a warning names.
NAMED_MAX = 4
_DAY = dt.timedelta(days=1)
#: What stands at the top of what is stored.
_NOTE = "Brought in from {}. Do not edit: bring in another file instead."


class ScheduleState(StrEnum):
    """Where a schedule file stands on a business date."""

    IN_FORCE = "in force"
    FUTURE = "to come"
    PAST = "past"
    REPLACED = "replaced"
    FAULTY = "faulty"


@dataclass(frozen=True)
class ScheduleRow:
    """One schedule file for people. `period` is when it is in force, in words; `is_used` tells the till's own
    schedule from others that are there."""

    file: str
    name: str
    title: str
    is_own: bool
    is_used: bool
    state: ScheduleState
    period: str
    fees: int
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class EndedFile:
    """A schedule file that another one ends: its period before, and after; None when it never holds again."""

    file: str
    before: Period
    after: Period | None

    @property
    def text(self) -> str:
        """In words."""
        if self.after is None:
            return f"{self.file} ({self.before}) is replaced altogether"
        return f"{self.file} ({self.before}) ends on {self.after.last}"


@dataclass(frozen=True)
class ImportPlan:
    """What bringing in a file would do. Nothing is done yet.

    `source` is the file's name and `sha256` its content's. `schedule` is what is stored as `file`, with the
    dates it will have, and `content` what the file will be; `compared_on` is the business date on which the
    prices before and after are looked at. `basis` is what was there when it was planned.
    """

    source: str
    sha256: str
    schedule: Schedule
    content: bytes = field(repr=False)
    file: str
    replaces: bool
    ended: tuple[EndedFile, ...]
    compared_on: dt.date
    changes: tuple[FeeChange, ...]
    warnings: tuple[str, ...]
    basis: tuple[ScheduleFile, ...]

    @property
    def counts(self) -> Mapping[ChangeKind, int]:
        """How many fees become what."""
        return counted(self.changes)

    @property
    def steps(self) -> tuple[str, ...]:
        """What will be done, in words, a line each."""
        done = "replaces the file of that name" if self.replaces else "is new"
        lines = [f"{self.schedule.title}: in force {self.schedule.period}; {self.file} {done}"]
        return (*lines, *(one.text for one in self.ended))

    @property
    def summary(self) -> str:
        """How much changes, in a line."""
        counts = self.counts
        told = [f"{count} {kind.value}" for kind, count in counts.items() if count]
        return f"{len(self.schedule.fees)} fees: {', '.join(told)}"


class ScheduleImports:
    """The office's own fee schedules at one till.

    `type_ids` are the invoice types that its billers have, with their names; None: not known here. `sent_ids`
    are the only ones that its profile sends; None: any. `in_use` is the name of the till's schedule, and
    `changed` is called when prices may be others for the next sale.
    """

    def __init__(
        self,
        shelf: ScheduleShelf,
        clock: Clock,
        randomness: Randomness,
        *,
        type_ids: Collection[int] | None,
        sent_ids: Collection[int] | None = None,
        in_use: Callable[[], str] = lambda: "",
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._shelf = shelf
        self._clock = clock
        self._randomness = randomness
        self._type_ids = type_ids
        self._sent_ids = sent_ids
        self._in_use = in_use
        self._changed = changed

    # -- looking -----------------------------------------------------------------------------------------

    def view(self) -> tuple[ScheduleRow, ...]:
        """Every schedule file: the till's own schedule first, then by name and date."""
        files, today, used = self._shelf.files(), self._clock.today(), self._in_use()
        names = {one.schedule.name for one in files if one.schedule is not None}
        standing = [one for name in sorted(names) for one in standings(name, files)]
        standing.sort(key=lambda one: one.schedule.period.first or dt.date.min)
        rows = [_row(one, today, used) for one in standing]
        rows += [_faulty_row(one, used) for one in files if one.schedule is None]
        return tuple(sorted(rows, key=lambda row: (not row.is_used, row.name)))

    # -- planning ----------------------------------------------------------------------------------------

    def plan(self, file: Path, first: dt.date | None = None, last: dt.date | None = None) -> ImportPlan:
        """What bringing in a file would do, from `first` to `last` instead of what the file says.

        Without any first day it is today. Touches nothing, and may run on another thread.
        Raises Refused with every fault, one line each.
        """
        read, files, source = self._shelf.read(file), self._shelf.files(), _shown(file.name)
        schedule = read.schedule
        stated = schedule.period
        period = Period(first or stated.first or self._clock.today(), last or stated.last)
        assert period.first is not None
        if period.last is not None and period.last < period.first:
            raise Refused(f"The last day, {period.last}, is before the first, {period.first}.")
        name = f"{schedule.name}-{period.first}{TOML}"
        kept = [one for one in files if not (one.is_own and one.file == name)]
        ends = tuple(_to_end(schedule.name, kept, period.first))
        schedule = replace(schedule, period=period, ends=ends)
        after = (*kept, ScheduleFile(name, True, schedule))
        _refuse_overlaps(schedule.name, after, name)
        on = max(period.first, self._clock.today())
        if period.last is not None:
            on = min(on, period.last)
        changes = changes_between(_standing_on(schedule.name, files, on), in_force(schedule, on), schedule)
        return ImportPlan(
            source=source,
            sha256=read.sha256,
            schedule=schedule,
            content=self._shelf.render(schedule, _NOTE.format(source)),
            file=name,
            replaces=len(kept) < len(files),
            ended=_ended(schedule.name, kept, after),
            compared_on=on,
            changes=changes,
            warnings=tuple(self._warnings(schedule, after)),
            basis=files,
        )

    async def plan_aside(
        self, file: Path, first: dt.date | None = None, last: dt.date | None = None
    ) -> ImportPlan:
        """`plan`, on a thread beside the window: a large file takes its time."""
        import asyncio  # it brings in ssl, which nothing before the first paint may

        return await asyncio.to_thread(self.plan, file, first, last)

    def _warnings(self, schedule: Schedule, after: Sequence[ScheduleFile]) -> Iterable[str]:
        yield from self._type_warnings(schedule)
        made_up = [fee for fee in schedule.fees if fee.gl_account.startswith(PLACEHOLDER_ACCOUNT)]
        if made_up:
            yield (
                f"{_fees(made_up, 'has', 'have')} made-up GL accounts. Put your own in place of those that "
                f"start with {PLACEHOLDER_ACCOUNT} before money is taken."
            )
        first, last, today = schedule.period.first, schedule.period.last, self._clock.today()
        if first is not None and first < today:
            yield (
                f"Its first day, {first}, is past: it counts from the next sale on. What was sold keeps its "
                "price."
            )
        if last is not None and not any(
            one.period.covers(last + _DAY) for one in standings(schedule.name, after) if one.period
        ):
            yield (
                f"From {last + _DAY} on no schedule {schedule.name} is in force: bring in the next one "
                "before."
            )
        used = self._in_use()
        if used and used != schedule.name:
            yield (
                f"This till charges by the schedule {used}, not by {schedule.name}. The setting `schedule` "
                "says which."
            )

    def _type_warnings(self, schedule: Schedule) -> Iterable[str]:
        for type_id in sorted({fee.type_id for fee in schedule.fees}):
            fees = _fees([fee for fee in schedule.fees if fee.type_id == type_id], "uses", "use")
            if self._type_ids is not None and type_id not in self._type_ids:
                yield (
                    f"Invoice type {type_id} is set up for no biller of this till; {fees} it and cannot be "
                    "sold. Invoice Cloud must add the type to the biller; then name it among the biller's "
                    "invoice_types in the settings."
                )
            elif self._sent_ids is not None and type_id not in self._sent_ids:
                yield (
                    f"The till's profile sends no invoices of type {type_id}; {fees} it and cannot be sold "
                    "by card."
                )

    # -- doing -------------------------------------------------------------------------------------------

    def apply(self, plan: ImportPlan, journal: Journal, by: Person) -> Entry:
        """Bring in what was planned: for the next sale, or from its first day on.

        Raises Refused when other schedules are there than when it was planned, Unavailable when nothing was
        done, InDoubt when it will be in force after the next start or cannot be told before.
        """
        self.finish(journal)
        if self._shelf.files() != plan.basis:
            raise Refused(
                "Fee schedules were changed meanwhile. Nothing was brought in; look at it once more."
            )
        token = str(new_id(self._clock, self._randomness))
        self._shelf.prepare(plan.file, plan.schedule, plan.content, token)
        return self._do(_draft(plan, token, by), plan.file, journal)

    def withdraw(self, file: str, journal: Journal, by: Person) -> Entry:
        """Take back an own schedule that is still to come; what it would have ended goes on.

        Raises Refused for any other file: what was in force once stays. Raises otherwise as `apply`.
        """
        self.finish(journal)
        row = next((one for one in self.view() if one.is_own and one.file == file), None)
        if row is None:
            raise Refused(f"There is no own schedule {file[:60]!r}.")
        if row.state is not ScheduleState.FUTURE:
            raise Refused(
                f"{file} is {row.state.value}: only one that is to come is taken back. Bring in another one "
                "instead, from today on."
            )
        token = str(new_id(self._clock, self._randomness))
        self._shelf.prepare_removal(file, token)
        body = {"person": by.id, "by": by.name, "schedule": row.name, "file": file, "period": row.period}
        draft = Draft(token, EntryKind.SCHEDULE_WITHDRAWN, SCHEDULES, body)
        return self._do(draft, file, journal)

    def _do(self, draft: Draft, file: str, journal: Journal) -> Entry:
        """Record what was prepared, then do it."""
        try:
            (entry,) = journal.record([draft])
        except InDoubt:
            raise  # what was prepared waits until the journal can be read
        except CashierError:
            self._shelf.drop(file, draft.id)
            raise
        self._shelf.put(file, draft.id)
        self._changed()
        return entry

    def finish(self, journal: Journal) -> None:
        """Settle what an earlier import left: in its place what the journal has, gone what it has not."""
        for name, token in self._shelf.prepared():
            if journal.entry(token) is not None:
                self._shelf.put(name, token)
            else:
                self._shelf.drop(name, token)


class TillSchedules:
    """Fee schedules as a till's window brings them in: by whoever is signed in and may."""

    def __init__(
        self, imports: ScheduleImports | None, journal: Journal, require: Callable[[Permission], Person]
    ) -> None:
        self._imports = imports
        self._journal = journal
        self._require = require

    @property
    def _there(self) -> ScheduleImports:
        if self._imports is None:
            raise Refused("This till has no schedules of its own: training goes by a made-up one.")
        return self._imports

    def view(self) -> tuple[ScheduleRow, ...]:
        """Every schedule file; nothing where there are none of its own."""
        return () if self._imports is None else self._imports.view()

    async def plan(self, file: Path, first: dt.date | None = None, last: dt.date | None = None) -> ImportPlan:
        """See ScheduleImports."""
        self._require(Permission.MANAGE_SETTINGS)
        return await self._there.plan_aside(file, first, last)

    def apply(self, plan: ImportPlan) -> Entry:
        """See ScheduleImports. Raises Refused for one who may not manage settings, too."""
        return self._there.apply(plan, self._journal, self._require(Permission.MANAGE_SETTINGS))

    def withdraw(self, file: str) -> Entry:
        """See ScheduleImports. Raises Refused as `apply` does."""
        return self._there.withdraw(file, self._journal, self._require(Permission.MANAGE_SETTINGS))


def _draft(plan: ImportPlan, token: str, by: Person) -> Draft:
    period, counts = plan.schedule.period, plan.counts
    body = {
        "person": by.id,
        "by": by.name,
        "schedule": plan.schedule.name,
        "title": scrub_card_numbers(plan.schedule.title),
        "source": plan.source,
        "source_sha256": plan.sha256,
        "file": plan.file,
        "file_sha256": sha256(plan.content).hexdigest(),
        "effective_from": period.first.isoformat() if period.first else None,
        "effective_until": period.last.isoformat() if period.last else None,
        "ended": [one.file for one in plan.ended],
        "fees": len(plan.schedule.fees),
        "counts": {kind.name.lower(): count for kind, count in counts.items()},
    }
    return Draft(token, EntryKind.SCHEDULE_IMPORTED, SCHEDULES, body)


def _shown(name: str) -> str:
    """A file's name as it may stand in an entry and in a file: anybody may have given it."""
    return scrub_card_numbers("".join(sign if sign.isprintable() else "?" for sign in name))


def _to_end(name: str, files: Iterable[ScheduleFile], first: dt.date) -> list[str]:
    """The office's own files that have begun by the new one's first day and state no end before it.

    Those, too, that another one ends already: it may be taken back.
    """
    own = [(one.stem, one.schedule) for one in files if one.is_own]
    return sorted(
        stem
        for stem, schedule in own
        if schedule is not None
        and schedule.name == name
        and (schedule.period.first is None or schedule.period.first <= first)
        and (schedule.period.last is None or schedule.period.last >= first)
    )


def _refuse_overlaps(name: str, after: Sequence[ScheduleFile], new: str) -> None:
    """Raises Refused when a file that begins later leaves no room, or when one cannot be read."""
    faults = [fault for one in after if one.may_be(name) for fault in one.faults]
    found = standings(name, after)
    mine = next(one for one in found if one.file.file == new and one.file.is_own)
    assert mine.period is not None
    for other in found:
        if other is not mine and other.period is not None and other.period.overlaps(mine.period):
            first = other.period.first
            room = f" End the new one on {first - _DAY} at the latest." if first else ""
            faults.append(f"{other.file.file} is in force {other.period}, too.{room}")
    if faults:
        raise Refused("\n".join(faults), tuple(faults))


def _ended(name: str, before: Sequence[ScheduleFile], after: Sequence[ScheduleFile]) -> tuple[EndedFile, ...]:
    now = {id(one.file): one.period for one in standings(name, after)}
    return tuple(
        EndedFile(one.file.file, one.period, now[id(one.file)])
        for one in standings(name, before)
        if one.period is not None and now[id(one.file)] != one.period
    )


def _standing_on(name: str, files: Sequence[ScheduleFile], on: dt.date) -> Schedule | None:
    try:
        return schedule_on(name, files, on)
    except Refused:
        return None  # nothing is in force then: every fee is new


def _row(standing: Standing, today: dt.date, used: str) -> ScheduleRow:
    period, schedule = standing.period, standing.schedule
    if period is None:
        state = ScheduleState.REPLACED
    elif period.covers(today):
        state = ScheduleState.IN_FORCE
    elif period.first is not None and period.first > today:
        state = ScheduleState.FUTURE
    else:
        state = ScheduleState.PAST
    return ScheduleRow(
        file=standing.file.file,
        name=schedule.name,
        title=schedule.title,
        is_own=standing.file.is_own,
        is_used=schedule.name == used,
        state=state,
        period="never" if period is None else str(period),
        fees=len(schedule.fees),
    )


def _faulty_row(file: ScheduleFile, used: str) -> ScheduleRow:
    is_used = bool(used) and file.may_be(used)
    state = ScheduleState.FAULTY
    return ScheduleRow(file.file, file.stem, "", file.is_own, is_used, state, "", 0, file.faults)


def _fees(fees: Sequence[ScheduledFee], one: str, several: str) -> str:
    """`2 fees (Sign permit, Copies) use`: how many, which, and the verb that fits."""
    names = list(dict.fromkeys(fee.name for fee in fees))
    more = [f"{len(names) - NAMED_MAX} more"] if len(names) > NAMED_MAX else []
    listed = ", ".join((*names[:NAMED_MAX], *more))
    return f"1 fee ({listed}) {one}" if len(fees) == 1 else f"{len(fees)} fees ({listed}) {several}"
