"""What the hub promises about second copies, run against the fake and the real hub over a real socket."""

import contextlib
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from cashier.domain.entries import GENESIS, EntryKind, StoredRow, entry_hash
from cashier.domain.errors import Discrepancy
from cashier.domain.outbox import ANCHOR_EVERY, Forked, Gap, Kept, NotTaken
from cashier.hub.client import HubClient
from cashier.hub.serve import RunningHub
from cashier.till.ports import SecondCopy
from tests.fakes.copy import FakeCopies, FakeCopy
from tests.fakes.entries import Drafts, FixedClock
from tests.fakes.journal import MemoryJournal
from tests.helpers.tls import tls

MakeCopy = Callable[[str], SecondCopy]
NOTICE = "01940000-0000-7000-8000-000000000001"
PORTAL = "https://permits.example.org/hook"


@pytest.fixture(params=["fake", "real"])
async def copy_of(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MakeCopy]:
    """Makes a till's line to the copies of its site. Both tills of the tests are enrolled."""
    if request.param == "fake":
        copies = FakeCopies()
        yield lambda till: FakeCopy(copies)
        return
    with RunningHub(f"sqlite:///{tmp_path}/hub.db", secrets.token_bytes(32)) as running:
        keys = {till: running.enrol("sampletown", till) for till in ("A", "B")}
        async with contextlib.AsyncExitStack() as stack:
            http = await stack.enter_async_context(httpx.AsyncClient(verify=tls()))
            yield lambda till: HubClient(http, running.url, "sampletown", till, keys[till])


def rows_of(count: int, till: str = "A", prefix: str = "id") -> tuple[StoredRow, ...]:
    """A journal of so many entries, as it stands."""
    journal, drafts = MemoryJournal(till, FixedClock()), Drafts(prefix)
    for number in range(count):
        journal.record([drafts.draft(EntryKind.POSTBACK_UNMATCHED, f"s{number}", {"reason": f"r{number}"})])
    return journal.rows_after(0, count)


def chained(rows: Sequence[StoredRow]) -> tuple[StoredRow, ...]:
    """The same entries as a chain that holds, from the first on."""
    made: list[StoredRow] = []
    for row in rows:
        previous = made[-1].hash if made else rows[0].previous
        told = entry_hash(
            seq=row.seq,
            id=row.id,
            kind=row.kind,
            at=row.at,
            till=row.till,
            subject=row.subject,
            body_text=row.body_text,
            previous=previous,
        )
        made.append(replace(row, previous=previous, hash=told))
    return tuple(made)


async def test_a_copy_grows_by_batches_and_says_how_far_it_is(copy_of: MakeCopy) -> None:
    copy, rows = copy_of("A"), rows_of(5)
    assert await copy.kept("A") == Kept(0, GENESIS)
    told = await copy.keep("A", rows[:2])
    assert (told.kept, told.refused) == (Kept(2, rows[1].hash), ())
    assert (await copy.keep("A", rows[2:])).kept == Kept(5, rows[4].hash)
    assert await copy.kept("A") == Kept(5, rows[4].hash)
    assert await copy_of("B").kept("B") == Kept(0, GENESIS)


async def test_o2_the_same_again_is_the_same(copy_of: MakeCopy) -> None:
    copy, rows = copy_of("A"), rows_of(4)
    first = await copy.keep("A", rows[:3])
    assert await copy.keep("A", rows[:3]) == first
    again = await copy.keep("A", rows[1:])
    assert again.kept == Kept(4, rows[3].hash), "a part known, a part new"


async def test_a_gap_says_what_is_wanted_next(copy_of: MakeCopy) -> None:
    copy, rows = copy_of("A"), rows_of(6)
    await copy.keep("A", rows[:2])
    with pytest.raises(Gap) as gap:
        await copy.keep("A", rows[3:])
    assert gap.value.next_seq == 3
    assert (await copy.kept("A")).seq == 2


async def test_o4_the_same_id_with_other_content_is_an_alarm(copy_of: MakeCopy) -> None:
    copy, rows = copy_of("A"), rows_of(4)
    await copy.keep("A", rows)
    altered = (*rows[:1], replace(rows[1], body_text='{"reason":"other"}'), *rows[2:])
    for told in (altered, chained(altered)):
        with pytest.raises(Forked, match="other content") as fork:
            await copy.keep("A", told)
        assert fork.value.seq == 2
    assert await copy.kept("A") == Kept(4, rows[3].hash), "nothing was changed"


async def test_a_journal_that_was_begun_anew_is_not_taken(copy_of: MakeCopy) -> None:
    copy, rows = copy_of("A"), rows_of(4)
    await copy.keep("A", rows[:2])
    with pytest.raises(Forked, match="another entry") as fork:
        await copy.keep("A", rows_of(2, prefix="other"))
    assert fork.value.seq == 1
    behind = chained([replace(rows[2], previous="1" * 64)])
    with pytest.raises(Forked, match="does not follow"):
        await copy.keep("A", behind)


async def test_an_entry_that_was_changed_on_the_way_is_not_taken(copy_of: MakeCopy) -> None:
    copy, rows = copy_of("A"), rows_of(3)
    with pytest.raises(Forked) as fork:
        await copy.keep("A", (rows[0], replace(rows[1], subject="other"), rows[2]))
    assert fork.value.seq == 2
    assert (await copy.kept("A")).seq == 0


async def test_another_tills_entries_are_not_taken_for_its_own(copy_of: MakeCopy) -> None:
    with pytest.raises(Forked, match="another till"):
        await copy_of("A").keep("A", rows_of(2, till="B"))


async def test_o8_a_till_brings_another_ones_journal(copy_of: MakeCopy) -> None:
    rows = rows_of(3, till="B")
    await copy_of("A").keep("B", rows)
    assert await copy_of("B").kept("B") == await copy_of("A").kept("B") == Kept(3, rows[2].hash)
    assert (await copy_of("A").kept("A")).seq == 0


async def test_too_much_at_once_is_not_taken_and_less_is(copy_of: MakeCopy) -> None:
    copy, journal, drafts = copy_of("A"), MemoryJournal("A", FixedClock()), Drafts()
    for number in range(5):
        body = {"reason": f"{number}" + "x" * 1_000_000}
        journal.record([drafts.draft(EntryKind.POSTBACK_UNMATCHED, "s", body)])
    rows = journal.rows_after(0, 5)
    with pytest.raises(NotTaken):
        await copy.keep("A", rows)
    assert await copy.kept("A") == Kept(0, GENESIS)
    assert (await copy.keep("A", rows[:2])).kept == Kept(2, rows[1].hash)
    assert (await copy.keep("A", rows[2:])).kept == Kept(5, rows[4].hash)


async def test_o3_the_place_of_an_entry_is_kept_without_what_it_says(copy_of: MakeCopy) -> None:
    copy, rows = copy_of("A"), rows_of(4)
    await copy.keep("A", rows[:1])
    told = await copy.keep_place("A", rows[1])
    assert told.kept == Kept(2, rows[1].hash)
    (refused,) = told.refused
    assert (refused.seq, refused.id, refused.owner) == (2, rows[1].id, "supervisor")
    assert "too large" in refused.reason
    assert await copy.keep_place("A", rows[1]) == told, "the same again is the same"
    assert (await copy.keep("A", rows[2:])).kept == Kept(4, rows[3].hash), "the chain goes on behind it"
    again = await copy.keep("A", rows)
    assert (again.kept.seq, again.refused) == (4, told.refused), "it stays what it is, and is named"


async def test_the_place_of_an_entry_has_to_fit(copy_of: MakeCopy) -> None:
    copy, rows = copy_of("A"), rows_of(4)
    await copy.keep("A", rows[:2])
    with pytest.raises(Gap):
        await copy.keep_place("A", rows[3])
    with pytest.raises(Forked, match="does not follow"):
        await copy.keep_place("A", replace(rows[2], previous="1" * 64))
    with pytest.raises(Forked, match="other content"):
        await copy.keep_place("A", replace(rows[1], hash="1" * 64))
    told = await copy.keep_place("A", rows[1])
    assert (told.kept, told.refused) == (Kept(2, rows[1].hash), ()), "it is there as it stands already"


async def test_anchors_come_at_every_hundredth_entry_and_are_the_same_again(copy_of: MakeCopy) -> None:
    copy, rows = copy_of("A"), rows_of(ANCHOR_EVERY + 1)
    assert (await copy.keep("A", rows[:-2])).anchors == ()
    told = await copy.keep("A", rows[-2:])
    assert [(anchor.seq, anchor.hash) for anchor in told.anchors] == [(ANCHOR_EVERY, rows[-2].hash)]
    assert len(told.anchors[0].seal) == 64
    assert (await copy.keep("A", rows[-2:])).anchors == told.anchors


async def test_an_anchor_comes_where_a_day_was_closed(copy_of: MakeCopy) -> None:
    journal, drafts = MemoryJournal("A", FixedClock()), Drafts()
    journal.record([drafts.draft(EntryKind.DAY_CLOSED, "2026-02-03", {"business_date": "2026-02-03"})])
    told = await copy_of("A").keep("A", journal.rows_after(0, 9))
    assert [anchor.seq for anchor in told.anchors] == [1]


async def test_a_notice_is_told_once(copy_of: MakeCopy) -> None:
    copy = copy_of("A")
    for _ in range(2):
        await copy.notify("A", NOTICE, PORTAL, "payment.recorded", {"amount_cents": 1})
    with pytest.raises(Discrepancy):
        await copy.notify("A", NOTICE, PORTAL, "payment.recorded", {"amount_cents": 2})


async def test_o8_a_notice_that_its_own_till_has_told_is_the_same_from_the_till_that_rescued_it(
    copy_of: MakeCopy,
) -> None:
    await copy_of("B").notify("B", NOTICE, PORTAL, "payment.recorded", {"amount_cents": 1})
    await copy_of("A").notify("B", NOTICE, PORTAL, "payment.recorded", {"amount_cents": 1})
    with pytest.raises(Discrepancy):
        await copy_of("A").notify("B", NOTICE, PORTAL, "payment.recorded", {"amount_cents": 2})
