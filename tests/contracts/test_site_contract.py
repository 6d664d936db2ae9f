"""What the hub promises about a site's journals, run against the fake and the real hub over a real socket."""

import contextlib
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from cashier.domain.entries import StoredRow
from cashier.domain.errors import Refused
from cashier.domain.site import REPORT_KINDS
from cashier.hub.client import HubClient
from cashier.hub.serve import RunningHub
from cashier.till.site_reporting import SiteCopies
from tests.fakes.site import FakeSite
from tests.helpers.site import SiteTill, two_tills
from tests.helpers.tls import tls

SITE = "sampletown"


@pytest.fixture
def tills() -> tuple[SiteTill, SiteTill]:
    return two_tills()


@pytest.fixture(params=["fake", "real"])
async def site(
    request: pytest.FixtureRequest, tmp_path: Path, tills: tuple[SiteTill, SiteTill]
) -> AsyncIterator[SiteCopies]:
    """Till A's line to its site. A and B have sent all they have; C is enrolled and has sent nothing."""
    if request.param == "fake":
        fake = FakeSite()
        for till in tills:
            fake.has(till.till, till.rows, "2026-02-03T19:02:11.000Z")
        fake.has("C")
        yield fake
        return
    with RunningHub(f"sqlite:///{tmp_path}/hub.db", secrets.token_bytes(32)) as running:
        async with contextlib.AsyncExitStack() as stack:
            http = await stack.enter_async_context(httpx.AsyncClient(verify=tls()))
            running.enrol(SITE, "C")
            running.enrol("othertown", "D")
            for till in tills:
                line = HubClient(http, running.url, SITE, till.till, running.enrol(SITE, till.till))
                await line.keep(till.till, till.rows)
            yield HubClient(http, running.url, SITE, "A", running.enrol(SITE, "A"))


async def all_of(site: SiteCopies, till: str) -> list[tuple[StoredRow, str]]:
    found: list[tuple[StoredRow, str]] = []
    while page := await site.report_entries(till, found[-1][0].seq if found else 0):
        found += page
    return found


async def test_every_till_of_the_site_and_how_far_it_has_come(
    site: SiteCopies, tills: tuple[SiteTill, SiteTill]
) -> None:
    a, b, c = await site.site_tills()
    assert [one.till for one in (a, b, c)] == ["A", "B", "C"]
    assert (a.entries, b.entries, c.entries) == (len(tills[0].rows), len(tills[1].rows), 0)
    assert a.last_at.endswith("Z")
    assert c.last_at == ""
    assert {(one.alarms, one.is_revoked) for one in (a, b, c)} == {(0, False)}


async def test_entries_that_reports_are_made_of_come_in_order_byte_for_byte(
    site: SiteCopies, tills: tuple[SiteTill, SiteTill]
) -> None:
    for till in tills:
        wanted = [(row, "") for row in till.rows if row.kind in REPORT_KINDS]
        assert await all_of(site, till.till) == wanted
    assert "pin_set" in {row.kind for row in tills[0].rows}, "and some are left out"
    assert await site.report_entries("C", 0) == []


async def test_a_till_that_the_site_never_had_is_refused(site: SiteCopies) -> None:
    with pytest.raises(Refused):
        await site.report_entries("D", 0)
