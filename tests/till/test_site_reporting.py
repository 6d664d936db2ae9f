"""Daily reports over every till of a site: what they add up to, and which tills may have more."""

import datetime as dt
from collections.abc import Iterator

import pytest

from cashier.domain.daily import DailyReport, ReportKind, Scope
from cashier.domain.daily_text import report_lines, report_members
from cashier.domain.errors import Discrepancy, Refused, Unavailable
from cashier.domain.receipt import TenderKind
from cashier.journal.site_daybook import SiteDaybook
from cashier.till.reporting import Counter
from cashier.till.site_reporting import site_report
from tests.fakes.site import FakeSite
from tests.helpers.daily import DAY
from tests.helpers.site import SiteTill, two_tills

NOW = dt.datetime(2026, 2, 3, 20, 0, tzinfo=dt.UTC)
COUNTER = Counter("Town of Sampleton", "A", "Robin Supervisor", {})
HEARD = "2026-02-03T19:02:11.000Z"


@pytest.fixture
def tills() -> tuple[SiteTill, SiteTill]:
    return two_tills()


@pytest.fixture
def site(tills: tuple[SiteTill, SiteTill]) -> FakeSite:
    """A is closed, B is open, C was enrolled and never heard."""
    made = FakeSite()
    for till in tills:
        made.has(till.till, till.rows, HEARD)
    made.has("C")
    return made


@pytest.fixture
def book() -> Iterator[SiteDaybook]:
    with SiteDaybook() as made:
        yield made


async def made(site: FakeSite, book: SiteDaybook, till: str = "", **days: dt.date) -> DailyReport:
    return await site_report(site, book, COUNTER, Scope(DAY, days.get("last", DAY), till), NOW)


async def test_all_counters_every_tills_receipts_and_the_combined_deposit(
    site: FakeSite, book: SiteDaybook
) -> None:
    report = await made(site, book)
    assert report.heading.kind is ReportKind.DAILY, "a site has no Z: each till has its own"
    assert report.figures.net_cents == 39_836
    assert [one.till for one in report.numbers] == ["A", "B"]
    told = report_members(report)
    assert told["deposit"] == {"cash": 13_418, "check": 4_000, "money_order": 0}
    assert told["figures"]["drawer"]["cash"]["amount_cents"] == told["deposit"]["cash"]
    assert sum(row.deposit_cents[TenderKind.CASH] for row in report.shifts) == 13_418
    assert "deposit, as counted" in "\n".join(report_lines(report))


async def test_all_counters_which_tills_are_still_unsynced(site: FakeSite, book: SiteDaybook) -> None:
    report = await made(site, book)
    heard = dt.datetime(2026, 2, 3, 19, 2, tzinfo=dt.UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    a, b, c = report.sources
    assert (a.is_complete, b.is_complete, c.is_complete) == (True, False, False)
    assert a.told == f"till A: its business date is closed and all here; last heard {heard}"
    assert b.told == (
        f"till B: UNSYNCED, last heard {heard}; no close of the business date came yet, it may have more"
    )
    assert c.told == "till C: the hub has nothing of it: UNSYNCED, nothing of it is in these figures"
    assert report.unsynced == (b, c)
    assert [line for line in report_lines(report) if line.startswith("till ")] == [a.told, b.told, c.told]
    assert [one["is_complete"] for one in report_members(report)["sources"]] == [True, False, False]


async def test_a_day_that_was_opened_again_may_have_more(
    site: FakeSite, book: SiteDaybook, tills: tuple[SiteTill, SiteTill]
) -> None:
    tills[0].reopen_day()
    site.has("A", tills[0].rows, HEARD)
    report = await made(site, book)
    assert [one.till for one in report.unsynced] == ["A", "B", "C"]


async def test_a_till_that_closed_an_earlier_date_only_may_have_more(
    site: FakeSite, book: SiteDaybook
) -> None:
    report = await made(site, book, last=DAY + dt.timedelta(days=1))
    assert [one.till for one in report.unsynced] == ["A", "B", "C"]


async def test_what_stands_against_a_till_is_told_beside_it(site: FakeSite, book: SiteDaybook) -> None:
    receipt = next(row for row in site.journals["A"][0] if row.kind == "receipt_issued")
    site.altered, site.alarms, site.revoked = {receipt.id}, {"A": 2}, {"A"}
    a, *_ = (await made(site, book)).sources
    assert (a.altered, a.alarms, a.is_revoked) == (1, 2, True)
    assert a.told.endswith(
        "; its key is revoked; 1 of its entries are kept without what may be a card number; the hub holds 2 "
        "contradictions of its journal: call support"
    )


async def test_one_closed_till_of_the_site_has_its_own_z(site: FakeSite, book: SiteDaybook) -> None:
    report = await made(site, book, "A")
    assert report.heading.kind is ReportKind.Z
    assert [one.till for one in report.sources] == ["A"]
    assert report.figures.net_cents == 38_836


async def test_a_till_that_the_site_does_not_have_is_refused(site: FakeSite, book: SiteDaybook) -> None:
    with pytest.raises(Refused, match="knows no till X of this site"):
        await made(site, book, "X")


async def test_without_the_hub_there_is_no_sites_report(site: FakeSite, book: SiteDaybook) -> None:
    site.down = Unavailable("The hub cannot be reached.")
    with pytest.raises(Unavailable, match="cannot be reached"):
        await made(site, book)


async def test_a_copy_that_does_not_hold_makes_no_report(site: FakeSite, book: SiteDaybook) -> None:
    rows, _ = site.journals["A"]
    site.has(
        "A", [row for row in rows if row.kind != "receipt_issued" or "A-000001" not in row.body_text], HEARD
    )
    with pytest.raises(Discrepancy, match="copy of till A does not hold"):
        await made(site, book)
