"""Which of several schedule files is in force: periods that others end, without a word changed in them."""

import datetime as dt

import pytest

from cashier.domain.errors import Refused
from cashier.domain.fees import Flat, Period, Schedule, ScheduledFee
from cashier.domain.money import Cents
from cashier.domain.schedule_files import ScheduleFile, schedule_on, standings


def day(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


def file(
    name: str, first: str | None, last: str | None = None, *ends: str, own: bool = True, of: str = "town"
) -> ScheduleFile:
    fee = ScheduledFee("sign", name, Flat(Cents(100)), 6, "GL")
    return ScheduleFile(
        f"{name}.toml", own, Schedule(of, of, (fee,), "", Period(day(first), day(last)), ends)
    )


def periods(*files: ScheduleFile) -> dict[str, str]:
    return {
        one.file.stem + ("" if one.file.is_own else " (shipped)"): str(one.period)
        for one in standings("town", files)
    }


def holding(on: str, *files: ScheduleFile) -> str:
    return schedule_on("town", files, dt.date.fromisoformat(on)).fees[0].name


def test_a_file_ends_the_day_before_the_one_that_names_it_begins() -> None:
    files = (file("town-2026", "2026-01-01"), file("town-2027", "2027-01-01", None, "town-2026"))
    assert periods(*files) == {
        "town-2026": "from 2026-01-01 until 2026-12-31",
        "town-2027": "from 2027-01-01",
    }
    assert [holding(on, *files) for on in ("2026-12-31", "2027-01-01")] == ["town-2026", "town-2027"]


def test_the_earliest_end_counts_and_none_makes_a_period_longer() -> None:
    files = (
        file("town-a", "2026-01-01", "2026-03-31"),
        file("town-b", "2026-07-01", "2026-12-31", "town-a"),
        file("town-c", "2026-02-01", "2026-02-28", "town-a", "town-b"),
    )
    assert periods(*files) == {
        "town-a": "from 2026-01-01 until 2026-01-31",
        "town-b": "None",
        "town-c": "from 2026-02-01 until 2026-02-28",
    }


def test_one_that_begins_on_the_same_day_takes_the_place_altogether() -> None:
    files = (file("town", "2026-01-01"), file("town-2026-01-01", "2026-01-01", None, "town"))
    assert periods(*files)["town"] == "None"


def test_an_own_schedule_replaces_the_shipped_one_from_its_first_day_on() -> None:
    files = (file("town", None, own=False), file("town-2027", "2027-01-01", "2027-06-30"))
    assert periods(*files)["town (shipped)"] == "until 2026-12-31"
    assert holding("2026-12-31", *files) == "town"
    with pytest.raises(Refused, match="not in force on 2027-07-01"):
        holding("2027-07-01", *files)
    assert periods(files[0], file("town-x", None))["town (shipped)"] == "None"
    # A shipped file of the very same file name is another file.
    same = (file("town", "2025-01-01", own=False), file("town", "2026-01-01", None, "town"))
    assert periods(*same) == {
        "town (shipped)": "from 2025-01-01 until 2025-12-31",
        "town": "from 2026-01-01",
    }


def test_two_own_files_on_one_date_are_refused() -> None:
    files = (file("town-a", "2026-01-01"), file("town-b", "2026-07-01"))
    assert holding("2026-06-30", *files) == "town-a"
    with pytest.raises(Refused, match=r"stated twice for 2026-07-01: town-a\.toml, town-b\.toml"):
        holding("2026-07-01", *files)


def test_a_faulty_file_that_might_be_the_one_is_refused() -> None:
    faulty = ScheduleFile("town-2027.toml", True, None, ("town-2027.toml: name: is missing",))
    other = ScheduleFile("village.toml", True, None, ("village.toml: broken",))
    files = (file("town", None, own=False), other)
    assert holding("2026-01-01", *files) == "town"
    with pytest.raises(Refused) as refused:
        holding("2026-01-01", *files, faulty)
    assert refused.value.faults == faulty.faults


def test_files_of_other_schedules_have_no_say() -> None:
    other = file("town-hall", "2026-01-01", None, "town-hall-old", of="town-hall")
    assert periods(file("town", None, own=False), other) == {"town (shipped)": "always"}
    with pytest.raises(Refused, match="there is no fee schedule 'city'; there are: town"):
        schedule_on("city", (other,), dt.date(2026, 1, 1), ["town"])
