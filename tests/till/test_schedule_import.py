"""Bringing in a fee schedule: the plan tells everything, the step is whole or not at all, whatever fails."""

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from cashier.domain.entries import Draft, Entry, EntryKind
from cashier.domain.errors import CashierError, InDoubt, Refused, Unavailable
from cashier.domain.fee_changes import ChangeKind
from cashier.domain.people import Person, Role
from cashier.schedule_shelf import Disk, ScheduleFolders
from cashier.schedules import load_schedule
from cashier.till.schedule_import import ImportPlan, ScheduleImports, ScheduleState
from tests.fakes.clock import MovingClock, SeededRandomness
from tests.fakes.journal import MemoryJournal

ROBIN = Person("robin", "Robin Administrator", Role.ADMINISTRATOR)
TODAY = dt.date(2026, 2, 3)
TYPES = {6, 93}

TOWN = """
name = "{name}"
title = "Town of Sampleton"
{head}
[[fee]]
code = "permit"
name = "Building permit"
kind = "flat"
amount = "{permit}"
type_id = 6
gl_account = "001"
[[fee]]
code = "sign"
name = "Sign permit"
kind = "flat"
amount = "40"
type_id = {type_id}
gl_account = "{gl}"
"""


def text(head: str = "", permit: str = "100", type_id: int = 6, gl: str = "002", name: str = "town") -> str:
    return TOWN.format(head=head, permit=permit, type_id=type_id, gl=gl, name=name)


class Office:
    """A folder that ships, an office's own, files to bring in, and a journal."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self.shipped, self.own, self.inbox = folder / "shipped", folder / "own", folder / "inbox"
        for one in (self.shipped, self.inbox):
            one.mkdir(exist_ok=True)
        self.clock, self.randomness = MovingClock(), SeededRandomness()
        self.journal: Any = MemoryJournal("A", self.clock)
        self.changed = 0
        self.in_use = "town"
        self.restart(disk)

    def restart(self, disk: Disk | None = None) -> None:
        """The program starts anew: nothing of it is left but what is on disk."""
        self.shelf = ScheduleFolders(self.shipped, self.own, disk)
        self.imports = ScheduleImports(
            self.shelf,
            self.clock,
            self.randomness,
            type_ids=TYPES,
            in_use=lambda: self.in_use,
            changed=self._count,
        )

    def _count(self) -> None:
        self.changed += 1

    def ship(self, content: str, file: str = "town.toml") -> None:
        (self.shipped / file).write_text(content, encoding="utf-8")

    def keep(self, content: str, file: str) -> None:
        self.own.mkdir(exist_ok=True)
        (self.own / file).write_text(content, encoding="utf-8")

    def plan(self, content: str, *days: str | None, file: str = "New fees.toml") -> ImportPlan:
        (self.inbox / file).write_text(content, encoding="utf-8")
        first, last = (dt.date.fromisoformat(one) if one else None for one in (*days, None, None)[:2])
        return self.imports.plan(self.inbox / file, first, last)

    def bring(self, content: str, *days: str | None) -> Entry:
        return self.imports.apply(self.plan(content, *days), self.journal, ROBIN)

    def price(self, on: str) -> str:
        """What a permit costs on a day, as a till that starts now reads it; or why it has no price."""
        try:
            fee = self.shelf.on("town", dt.date.fromisoformat(on)).fee("permit")
        except Refused as refused:
            return refused.user_text
        return str(fee.rule.amount_cents)  # type: ignore[union-attr]

    def entries(self) -> list[Entry]:
        return list(self.journal.entries_of((EntryKind.SCHEDULE_IMPORTED,)))

    def stored(self) -> list[str]:
        return sorted(path.name for path in self.own.glob("*")) if self.own.exists() else []


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def refused(office: Office, *wanted: Any, **more: Any) -> tuple[str, ...]:
    with pytest.raises(Refused) as found:
        office.plan(*wanted, **more)
    return found.value.faults


# --- the plan -----------------------------------------------------------------------------------------


def test_a_plan_tells_prices_before_and_after_and_changes_nothing(office: Office) -> None:
    office.ship(text("effective_from = 2025-01-01"))
    plan = office.plan(text(permit="120"), "2027-01-01")
    assert plan.steps == (
        "Town of Sampleton: in force from 2027-01-01; town-2027-01-01.toml is new",
        "town.toml (from 2025-01-01) ends on 2026-12-31",
    )
    (changed, same) = plan.changes
    assert (changed.code, changed.prices[0].before, changed.prices[0].after) == ("permit", "100.00", "120.00")
    assert same.kind is ChangeKind.SAME
    assert (plan.summary, plan.compared_on) == ("2 fees: 1 changed, 1 the same", dt.date(2027, 1, 1))
    assert plan.warnings == ()
    assert (office.stored(), office.entries(), office.changed) == ([], [], 0)


def test_days_that_are_given_go_before_the_files_and_without_any_it_is_today(office: Office) -> None:
    dated = text("effective_from = 2027-01-01\neffective_until = 2027-12-31")
    assert str(office.plan(dated).schedule.period) == "from 2027-01-01 until 2027-12-31"
    given = office.plan(dated, "2028-01-01", "2028-06-30")
    assert str(given.schedule.period) == "from 2028-01-01 until 2028-06-30"
    assert str(office.plan(text()).schedule.period) == f"from {TODAY}"
    assert refused(office, dated, "2028-01-01") == (
        "The last day, 2027-12-31, is before the first, 2028-01-01.",
    )


def test_the_file_before_it_ends_and_is_not_written_to(office: Office) -> None:
    office.keep(text("effective_from = 2026-01-01"), "town-2026-01-01.toml")
    before = (office.own / "town-2026-01-01.toml").read_bytes()
    office.bring(text(permit="120"), "2027-01-01")
    assert (office.own / "town-2026-01-01.toml").read_bytes() == before
    assert [office.price(on) for on in ("2026-12-31", "2027-01-01")] == ["10000", "12000"]


def test_the_same_first_day_once_more_takes_the_place(office: Office) -> None:
    office.keep(text("effective_from = 2026-01-01"), "town-2026-01-01.toml")
    office.bring(text(permit="120"), "2027-01-01")
    plan = office.plan(text(permit="125"), "2027-01-01")
    assert plan.replaces
    assert plan.steps[0].endswith("town-2027-01-01.toml replaces the file of that name")
    assert plan.changes[0].prices[0].before == "120.00"
    office.imports.apply(plan, office.journal, ROBIN)
    assert office.stored() == ["town-2026-01-01.toml", "town-2027-01-01.toml"]
    assert [office.price(on) for on in ("2026-12-31", "2027-01-01")] == ["10000", "12500"]


def test_one_that_is_to_come_is_never_ended_by_what_begins_before_it(office: Office) -> None:
    office.bring(text(permit="120"), "2027-01-01")
    assert refused(office, text(permit="110"), "2026-07-01") == (
        "town-2027-01-01.toml is in force from 2027-01-01, too. End the new one on 2026-12-31 at the latest.",
    )
    office.bring(text(permit="110"), "2026-07-01", "2026-12-31")
    assert [office.price(on) for on in ("2026-12-31", "2027-01-01")] == ["11000", "12000"]


def test_warnings_of_what_the_counter_will_stumble_over(office: Office) -> None:
    office.in_use = "lakeland"
    plan = office.plan(text(type_id=77, gl="SAMPLE-1"), "2026-03-01", "2026-12-31")
    kind, gl, gap, used = plan.warnings
    assert kind == (
        "Invoice type 77 is set up for no biller of this till; 1 fee (Sign permit) uses it and cannot be "
        "sold. Invoice Cloud must add the type to the biller; then name it among the biller's invoice_types "
        "in the settings."
    )
    assert gl.startswith("1 fee (Sign permit) has made-up GL accounts.")
    assert gap.startswith("From 2027-01-01 on no schedule town is in force")
    assert used.startswith("This till charges by the schedule lakeland, not by town.")


def test_a_first_day_that_is_past_is_told(office: Office) -> None:
    (warning,) = office.plan(text(), "2016-01-01").warnings
    assert warning.startswith("Its first day, 2016-01-01, is past: it counts from the next sale on.")


def test_a_type_that_the_profile_does_not_send_is_told(office: Office) -> None:
    imports = ScheduleImports(
        office.shelf, office.clock, office.randomness, type_ids={6, 93}, sent_ids=frozenset({6})
    )
    office.plan(text(type_id=93))
    (warning,) = imports.plan(office.inbox / "New fees.toml").warnings
    assert "sends no invoices of type 93; 1 fee (Sign permit) uses it" in warning


def test_every_fault_of_a_file_is_told_and_it_may_be_called_anything(office: Office) -> None:
    faults = refused(office, text(permit="x", type_id=-1))
    assert [fault.split(": ")[:2] for fault in faults] == [
        ["New fees.toml", "fee[permit].amount"],
        ["New fees.toml", "fee[sign].type_id"],
    ]
    assert refused(office, "name = ", file="x.toml")[0].startswith("x.toml: end of document")
    assert refused(office, "", file="fees.xlsx") == ("fees.xlsx: is neither a .toml nor a .csv file",)
    with pytest.raises(Refused, match=r"^none\.csv: cannot be read"):
        office.imports.plan(office.inbox / "none.csv")


def test_a_faulty_own_file_of_that_name_stands_in_the_way(office: Office) -> None:
    office.keep("name = ", "town-2026.toml")
    assert "town-2026.toml: end of document" in refused(office, text(), "2027-01-01")[0]


# --- doing it -----------------------------------------------------------------------------------------


def test_an_import_is_stored_recorded_and_told(office: Office) -> None:
    office.ship(text("effective_from = 2025-01-01"))
    plan = office.plan(text(permit="120"), "2027-01-01", file="Fees 4111111111111111.toml")
    entry = office.imports.apply(plan, office.journal, ROBIN)
    (stored,) = office.own.iterdir()
    assert load_schedule(stored) == plan.schedule
    assert stored.stat().st_mode & 0o077 == 0 or stored.parent.stat().st_mode & 0o077 == 0
    assert [entry] == office.entries()
    assert (entry.body["by"], entry.body["person"], entry.body["schedule"]) == (ROBIN.name, "robin", "town")
    assert (entry.body["effective_from"], entry.body["effective_until"]) == ("2027-01-01", None)
    assert (entry.body["file"], entry.body["ended"]) == ("town-2027-01-01.toml", ["town.toml"])
    assert entry.body["counts"] == {"changed": 1, "added": 0, "removed": 0, "later": 0, "same": 1}
    assert (len(entry.body["source_sha256"]), len(entry.body["file_sha256"])) == (64, 64)
    assert "4111111111111111" not in repr(entry) + stored.read_text(encoding="utf-8")
    assert office.changed == 1


@pytest.mark.parametrize(
    "name", ["fees\n[[fee]].toml", "fees \x01\x7f.toml", "fees \udcff.toml", "töwn € 中.toml"]
)
def test_a_file_may_have_any_name_that_a_disk_takes(office: Office, name: str) -> None:
    entry = office.imports.apply(office.plan(text(permit="120"), file=name), office.journal, ROBIN)
    assert entry.body["source"].isprintable()
    assert office.price(str(TODAY)) == "12000"


def test_what_was_planned_on_other_schedules_is_not_done(office: Office) -> None:
    office.ship(text())
    plan = office.plan(text(permit="120"), "2027-01-01")
    office.keep(text("effective_from = 2026-06-01"), "town-other.toml")
    with pytest.raises(Refused, match="changed meanwhile"):
        office.imports.apply(plan, office.journal, ROBIN)
    assert (office.entries(), office.stored(), office.changed) == ([], ["town-other.toml"], 0)


class Killed(BaseException):
    """The machine loses power."""


class BadDisk(Disk):
    """Fails, or dies, before or after its step of a number."""

    def __init__(self, step: int, error: type[BaseException], *, after: bool = False) -> None:
        self.left, self.error, self.after = step, error, after

    def _step(self, work: Callable[[], None], part: Callable[[], None] = lambda: None) -> None:
        self.left -= 1
        if self.left == 0:
            (work if self.after else part)()
            raise self.error(28, "No space left on device")
        work()

    def write(self, path: Path, content: bytes) -> None:
        self._step(lambda: Disk.write(self, path, content), lambda: Disk.write(self, path, content[:40]))

    def rename(self, path: Path, target: Path) -> None:
        self._step(lambda: Disk.rename(self, path, target))

    def sync_folder(self, folder: Path) -> None:
        self._step(lambda: Disk.sync_folder(self, folder))


#: Write, sync, (the entry,) rename, sync.
STEPS = 4


def settled(office: Office) -> tuple[int, str]:
    """After a start: how many imports are recorded, and what a permit costs once they hold."""
    office.restart()
    office.imports.finish(office.journal)
    assert not [name for name in office.stored() if not name.endswith(".toml")], "nothing is left over"
    return len(office.entries()), office.price("2027-01-01")


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_killed_at_any_step_it_is_done_whole_or_not_at_all(tmp_path: Path, step: int, after: bool) -> None:
    office = Office(tmp_path, BadDisk(step, Killed, after=after))
    office.keep(text("effective_from = 2026-01-01"), "town-2026-01-01.toml")
    with pytest.raises(Killed):
        office.bring(text(permit="120"), "2027-01-01")
    assert office.price("2026-02-03") == "10000"
    assert office.price("2027-01-01") in ("10000", "12000"), "whatever was left, somebody can be charged"
    assert settled(office) == ((1, "12000") if step > 2 else (0, "10000"))


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_a_disk_that_fails_at_any_step_is_told_for_what_it_means(
    tmp_path: Path, step: int, after: bool
) -> None:
    office = Office(tmp_path, BadDisk(step, OSError, after=after))
    office.keep(text("effective_from = 2026-01-01"), "town-2026-01-01.toml")
    with pytest.raises(Unavailable if step <= 2 else InDoubt) as told:
        office.bring(text(permit="120"), "2027-01-01")
    if step <= 2:
        assert "Nothing was changed" in told.value.user_text
        assert (office.stored(), office.entries()) == (["town-2026-01-01.toml"], [])
        office.bring(text(permit="120"), "2027-01-01")  # the disk works again
    else:
        assert "Do not do it again" in told.value.user_text
    assert settled(office) == (1, "12000")


class BadJournal:
    """A journal that refuses one record, and may have kept it all the same."""

    def __init__(self, journal: MemoryJournal, error: CashierError, *, kept: bool = False) -> None:
        self._journal, self._error, self._kept = journal, error, kept

    def record(self, drafts: Sequence[Draft]) -> tuple[Entry, ...]:
        if self._kept:
            self._journal.record(drafts)
        raise self._error

    def entry(self, entry_id: str) -> Entry | None:
        return self._journal.entry(entry_id)


@pytest.mark.parametrize("kept", [False, True])
def test_a_journal_in_doubt_is_asked_at_the_next_start(office: Office, kept: bool) -> None:
    office.ship(text())
    plan = office.plan(text(permit="120"), "2027-01-01")
    journal: Any = BadJournal(office.journal, InDoubt("The disk failed."), kept=kept)
    with pytest.raises(InDoubt):
        office.imports.apply(plan, journal, ROBIN)
    assert office.price("2027-01-01") == "10000"
    assert settled(office) == ((1, "12000") if kept else (0, "10000"))


def test_a_journal_that_records_nothing_leaves_nothing(office: Office) -> None:
    office.ship(text())
    plan = office.plan(text(permit="120"), "2027-01-01")
    journal: Any = BadJournal(office.journal, Unavailable("The disk is full. Nothing was recorded."))
    with pytest.raises(Unavailable):
        office.imports.apply(plan, journal, ROBIN)
    assert (office.stored(), office.price("2027-01-01"), office.changed) == ([], "10000", 0)


def test_the_next_import_finishes_the_one_before_it_first(tmp_path: Path) -> None:
    office = Office(tmp_path, BadDisk(3, OSError))
    with pytest.raises(InDoubt):
        office.bring(text(permit="120"), "2027-01-01")
    plan = office.plan(text(permit="130"), "2028-01-01")
    with pytest.raises(Refused, match="changed meanwhile"):
        office.imports.apply(plan, office.journal, ROBIN)
    office.bring(text(permit="130"), "2028-01-01")
    assert [office.price(on) for on in ("2027-12-31", "2028-01-01")] == ["12000", "13000"]


# --- taking it back -----------------------------------------------------------------------------------


def with_two(folder: Path, disk: Disk | None = None) -> Office:
    """An office whose next schedule is to come."""
    office = Office(folder)
    office.keep(text("effective_from = 2026-01-01"), "town-2026-01-01.toml")
    office.bring(text(permit="120"), "2027-01-01")
    office.changed = 0
    office.restart(disk)
    return office


NEXT = "town-2027-01-01.toml"


def withdrawn(office: Office) -> list[Entry]:
    return list(office.journal.entries_of((EntryKind.SCHEDULE_WITHDRAWN,)))


def test_one_that_is_to_come_is_taken_back_and_the_one_before_it_goes_on(tmp_path: Path) -> None:
    office = with_two(tmp_path)
    assert office.price("2027-01-01") == "12000"
    entry = office.imports.withdraw(NEXT, office.journal, ROBIN)
    assert office.price("2027-01-01") == "10000"
    assert (entry.body["by"], entry.body["file"], entry.body["period"]) == (
        ROBIN.name,
        NEXT,
        "from 2027-01-01",
    )
    assert (withdrawn(office), office.changed) == ([entry], 1)
    kept = [name for name in office.stored() if not name.endswith(".toml")]
    assert kept == [f"{NEXT}.{entry.id}.withdrawn"], "what it said is kept"
    office.bring(text(permit="130"), "2027-01-01")
    assert office.price("2027-01-01") == "13000"
    office.restart()
    office.imports.finish(office.journal)
    assert office.price("2027-01-01") == "13000"


def test_taking_back_the_one_in_the_middle_leaves_no_two_in_force(tmp_path: Path) -> None:
    office = with_two(tmp_path)
    office.bring(text(permit="130"), "2028-01-01")
    office.imports.withdraw(NEXT, office.journal, ROBIN)
    assert [office.price(on) for on in ("2027-12-31", "2028-01-01")] == ["10000", "13000"]


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("town-2026-01-01.toml", "is in force: only one that is to come is taken back"),
        ("town.toml", "There is no own schedule 'town.toml'"),
        ("../shipped/town.toml", "There is no own schedule"),
    ],
)
def test_what_was_in_force_once_stays(tmp_path: Path, file: str, why: str) -> None:
    office = with_two(tmp_path)
    office.ship(text("effective_from = 2024-01-01"))
    with pytest.raises(Refused, match=why):
        office.imports.withdraw(file, office.journal, ROBIN)
    assert withdrawn(office) == []


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("error", [Killed, OSError])
@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_taking_back_is_whole_or_not_at_all(
    tmp_path: Path, step: int, error: type[BaseException], after: bool
) -> None:
    office = with_two(tmp_path, BadDisk(step, error, after=after))
    meant = Killed if error is Killed else Unavailable if step <= 2 else InDoubt
    with pytest.raises(meant):
        office.imports.withdraw(NEXT, office.journal, ROBIN)
    office.restart()
    office.imports.finish(office.journal)
    is_done = step > 2
    assert (len(withdrawn(office)), office.price("2027-01-01")) == ((1, "10000") if is_done else (0, "12000"))
    assert not [name for name in office.stored() if name.endswith((".ready", ".goes"))]


# --- looking ------------------------------------------------------------------------------------------


def test_every_file_is_listed_with_where_it_stands(office: Office) -> None:
    office.ship(text("effective_from = 2025-01-01"))
    office.ship(text(name="village"), "village.toml")
    office.keep("name = ", "broken.toml")
    office.bring(text(), "2026-01-15")
    office.bring(text(permit="120"), "2027-01-01")
    found = [(row.file, row.is_own, row.is_used, row.state, row.period) for row in office.imports.view()]
    assert found == [
        ("town.toml", False, True, ScheduleState.PAST, "from 2025-01-01 until 2026-01-14"),
        ("town-2026-01-15.toml", True, True, ScheduleState.IN_FORCE, "from 2026-01-15 until 2026-12-31"),
        ("town-2027-01-01.toml", True, True, ScheduleState.FUTURE, "from 2027-01-01"),
        ("broken.toml", True, False, ScheduleState.FAULTY, ""),
        ("village.toml", False, False, ScheduleState.IN_FORCE, "always"),
    ]
    assert "broken.toml: end of document" in office.imports.view()[3].faults[0]
