"""A fee schedule that is brought in while the till runs: the next sale has it, the one begun does not."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from cashier.domain.entries import EntryKind
from cashier.domain.errors import Refused
from cashier.domain.people import Role
from cashier.schedule_shelf import ScheduleFolders
from cashier.till.ports import Outside
from cashier.till.schedule_import import ImportPlan
from cashier.till.till import Till
from tests.fakes.people import PIN, SUPERVISOR, FakePins, at_once, hire, staff
from tests.fakes.shifts import open_shift
from tests.till.conftest import Desk
from tests.till.test_schedule_import import text

NEXT_DAY_S = 24 * 3600


class Counter:
    """A desk whose till goes by schedule files, with an administrator signed in."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self.desk, self.inbox = desk, folder / "inbox"
        (folder / "shipped").mkdir()
        self.inbox.mkdir()
        (folder / "shipped" / "town.toml").write_text(text(), encoding="utf-8")
        self.shelf = ScheduleFolders(folder / "shipped", folder / "own")
        self.till = Till(
            desk.till.config,
            desk.clock,
            desk.randomness,
            desk.journal,
            Outside(
                desk.gateway,
                desk.feed,
                desk.holds,
                desk.enquiry,
                FakePins(),
                desk.reader_probe,
                schedules=self.shelf,
            ),
            schedule_on=lambda date: self.shelf.on("town", date),
        )
        staff(self.till.people, SUPERVISOR)
        open_shift(self.till.shifts)
        self.told = 0
        self.till.subscribe(self._count)

    def _count(self) -> None:
        self.told += 1

    async def plan(self, permit: str, first: str | None = None) -> ImportPlan:
        file = self.inbox / "new.toml"
        file.write_text(text(permit=permit), encoding="utf-8")
        return await self.till.schedules.plan(file, dt.date.fromisoformat(first) if first else None)

    async def bring(self, permit: str, first: str | None = None) -> None:
        self.till.schedules.apply(await self.plan(permit, first))

    def total(self) -> int:
        return self.till.snapshot().draft.total_cents


@pytest.fixture
def counter(make_desk: Callable[..., Desk], tmp_path: Path) -> Counter:
    folder = tmp_path / "schedules"
    folder.mkdir()
    return Counter(make_desk(), folder)


async def test_a_sale_with_fees_keeps_its_prices_and_the_next_has_the_new_ones(counter: Counter) -> None:
    counter.till.add_fee("permit")
    await counter.bring("120")
    assert counter.told
    counter.till.add_fee("sign")
    assert counter.total() == 14_000, "old prices to the end of the sale"
    counter.till.new_sale()
    counter.till.add_fee("permit")
    assert counter.total() == 12_000


async def test_an_empty_sale_on_the_screen_is_the_next_sale(counter: Counter) -> None:
    await counter.bring("120")
    assert counter.till.quick_price("permit") == "120.00"
    counter.till.add_fee("permit")
    assert counter.total() == 12_000


async def test_one_of_a_day_to_come_counts_from_that_day_without_a_restart(counter: Counter) -> None:
    await counter.bring("120", "2026-02-04")
    counter.till.add_fee("permit")
    assert counter.total() == 10_000
    counter.desk.clock.advance(NEXT_DAY_S)
    counter.till.add_fee("sign")
    assert counter.total() == 14_000, "begun the day before"
    counter.till.new_sale()
    assert counter.till.quick_price("permit") == "120.00"


async def test_a_till_left_empty_overnight_has_the_prices_of_the_morning(counter: Counter) -> None:
    await counter.bring("120", "2026-02-04")
    assert counter.till.quick_price("permit") == "100.00"
    counter.desk.clock.advance(NEXT_DAY_S)
    assert counter.till.preview("permit", 1, {}) == 12_000
    assert counter.till.quick_price("permit") == "120.00"
    counter.till.add_fee("permit")
    assert counter.total() == 12_000


async def test_a_day_without_a_schedule_sells_nothing_and_says_so(counter: Counter) -> None:
    file = counter.inbox / "new.toml"
    file.write_text(text("effective_until = 2026-02-03"), encoding="utf-8")
    counter.till.schedules.apply(await counter.till.schedules.plan(file))
    counter.desk.clock.advance(NEXT_DAY_S)
    assert counter.till.search_fees("perm")
    with pytest.raises(Refused, match="fee schedule town is not in force on 2026-02-04"):
        counter.till.add_fee("permit")


async def test_only_who_may_manage_settings_brings_one_in(counter: Counter) -> None:
    plan = await counter.plan("120")
    hire(counter.till.people, "Sam Supervisor", Role.SUPERVISOR, "161803")
    counter.till.people.sign_out()
    for name, pin in (("Sam Supervisor", "161803"), ("Kim Clerk", "2718")):
        at_once(counter.till.people.sign_in(name, pin))
        with pytest.raises(Refused, match="may not manage settings here"):
            counter.till.schedules.apply(plan)
        with pytest.raises(Refused, match="may not manage settings here"):
            await counter.plan("120")
        counter.till.people.sign_out()
    with pytest.raises(Refused, match="Nobody is signed in"):
        counter.till.schedules.apply(plan)
    at_once(counter.till.people.sign_in(SUPERVISOR, PIN))
    entry = counter.till.schedules.apply(plan)
    assert entry.body["by"] == SUPERVISOR
    later = counter.till.schedules.apply(await counter.plan("130", "2027-01-01"))
    counter.till.people.sign_out()
    at_once(counter.till.people.sign_in("Kim Clerk", "2718"))
    with pytest.raises(Refused, match="may not manage settings here"):
        counter.till.schedules.withdraw(later.body["file"])
    counter.till.people.sign_out()
    at_once(counter.till.people.sign_in(SUPERVISOR, PIN))
    assert counter.till.schedules.withdraw(later.body["file"]).body["by"] == SUPERVISOR
    assert list(counter.till.entries_of((EntryKind.SCHEDULE_IMPORTED,))) == [entry, later]


async def test_a_till_without_schedules_of_its_own_says_so(desk: Desk) -> None:
    desk.till.people.sign_out()
    at_once(desk.till.people.sign_in(SUPERVISOR, PIN))
    assert desk.till.schedules.view() == ()
    with pytest.raises(Refused, match="no schedules of its own"):
        await desk.till.schedules.plan(Path("x.toml"))


async def test_what_a_till_charges_by_is_marked(counter: Counter) -> None:
    (row,) = counter.till.schedules.view()
    assert (row.file, row.is_used, row.is_own, row.state.value) == ("town.toml", True, False, "in force")
