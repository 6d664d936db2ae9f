"""A till's core and a real hub on a socket: what was recorded off line arrives once, over any line."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from cashier.data_files import IMPORTED, JOURNAL
from cashier.domain.entries import EntryKind
from cashier.domain.money import Cents
from cashier.domain.outbox import Phase
from cashier.domain.receipt import Tender, TenderKind
from cashier.hub.client import HubClient
from cashier.hub.serve import RunningHub
from cashier.journal.store import SqliteJournal
from cashier.training import SITE as TRAINING_SITE
from cashier.ui.payer import until
from tests.end2end.conftest import Counter
from tests.fakes.clock import MovingClock, SeededRandomness
from tests.fakes.entries import Drafts
from tests.fakes.shifts import close_shift
from tests.helpers.bad_line import FATES, BadLine
from tests.helpers.journal_file import entries_in
from tests.till.conftest import CONFIG, Desk, FaultyJournal

SITE = CONFIG.site
MASTER = b"a master secret of tests, 32 bytes long or more"
QUEUED, QUEUED_LONG = 2_000, 10_000
SEED = 7


class Office:
    """A hub that can be stopped and started at the same address, and tills at it."""

    def __init__(self, folder: Path, http: httpx.AsyncClient) -> None:
        self.folder = folder
        self.http = http
        self.clock = MovingClock()
        self.hub: RunningHub | None = None
        self._port = 0
        self.up()
        assert self.hub is not None
        self.keys = {till: self.hub.enrol(SITE, till) for till in ("A", "B")}
        self.url = self.hub.url

    def up(self) -> None:
        url = f"sqlite:///{self.folder}/hub.db"
        self.hub = RunningHub(url, MASTER, port=self._port).__enter__()
        self._port = int(self.hub.url.rpartition(":")[2])

    def down(self) -> None:
        if self.hub is not None:
            self.hub.__exit__(None, None, None)
            self.hub = None

    @contextlib.contextmanager
    def desk(self, till: str = "A", url: str = "") -> "contextlib._GeneratorContextManager[Desk]":
        """A till's core on its journal, which it has for as long as the block lasts."""
        file = self.folder / till / "journal.db"
        with FaultyJournal(file, till=till, clock=self.clock, holder=f"till {till}") as journal:
            desk = Desk(journal, self.clock, replace(CONFIG, till=till))
            desk.randomness = SeededRandomness(len(list(journal.entries())) + ord(till))
            desk.copy = HubClient(self.http, url or self.url, SITE, till, self.keys[till])  # type: ignore[assignment]
            desk.restart(replace(CONFIG, till=till))
            yield desk

    def kept(self, till: str = "A") -> list[tuple[str, str]]:
        """The hub's copy, by id and hash."""
        assert self.hub is not None
        journals, after, found = self.hub.state.journals, 0, []
        while page := journals.entries(SITE, till, after, 500):
            found += [(row.id, row.hash) for row, _ in page]
            after = page[-1][0].seq
        assert journals.first_fault(SITE, till) is None
        return found

    def receipts(self, till: str = "A") -> int:
        """How many receipts the hub's copy has."""
        assert self.hub is not None
        rows = self.hub.state.journals.entries(SITE, till, 0, 500)
        return sum(row.kind == EntryKind.RECEIPT_ISSUED.value for row, _ in rows)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with httpx.AsyncClient(trust_env=False) as http:
        made = Office(tmp_path, http)
        try:
            yield made
        finally:
            await asyncio.to_thread(made.down)


def take_cash(desk: Desk) -> str:
    desk.clock.advance(1)
    desk.fill("report")
    taken = desk.till.take_tender(Tender(TenderKind.CASH, Cents(800), received_cents=Cents(800)))
    assert taken.receipt is not None
    desk.till.new_sale()
    return taken.receipt.number


async def drain(desk: Desk, tries: int = 1) -> int:
    """Send, waiting out what is to be waited, until nothing is owed or the tries are over; how many were."""
    for count in range(tries):
        while (wait_s := await desk.till.outbox.send_due()) <= 0:
            pass
        if not desk.till.snapshot().outbox.to_send:
            return count
        desk.clock.advance(wait_s + 0.001)
    return tries


def journal_of(desk: Desk) -> list[tuple[str, str]]:
    return [(entry.id, entry.hash) for entry in desk.journal.entries()]


async def test_o1_cash_taken_off_line_is_one_receipt_at_the_hub(office: Office) -> None:
    await asyncio.to_thread(office.down)
    with office.desk() as desk:
        number = take_cash(desk)
        await drain(desk, tries=3)
        assert desk.till.snapshot().outbox.phase is Phase.WAITING
    # The process ends there; another one starts.
    await asyncio.to_thread(office.up)
    with office.desk() as desk:
        owed = desk.till.snapshot().outbox.to_send
        assert owed > 2
        await drain(desk)
        assert (desk.till.snapshot().outbox.to_send, desk.receipts()) == (0, [number])
        assert office.kept() == journal_of(desk)
    assert office.receipts() == 1


async def test_r1_two_counters_off_line_have_series_of_their_own(office: Office) -> None:
    await asyncio.to_thread(office.down)
    numbers: dict[str, list[str]] = {}
    for till in ("A", "B"):
        with office.desk(till) as desk:
            numbers[till] = [take_cash(desk) for _ in range(50)]
    await asyncio.to_thread(office.up)
    for till in ("A", "B"):
        assert numbers[till] == [f"{till}-{number:06d}" for number in range(1, 51)]
        with office.desk(till) as desk:
            await drain(desk)
            assert office.kept(till) == journal_of(desk)
        assert office.receipts(till) == 50


async def test_o2_thousands_of_entries_arrive_once_over_a_line_that_fails(
    office: Office, long: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    queued = QUEUED_LONG if long else QUEUED
    with BadLine(office.url, SEED) as line, office.desk(url=line.url) as desk:
        drafts = Drafts("queued")
        while (count := desk.journal.head().seq) < queued:
            desk.journal.record(
                [
                    drafts.draft(EntryKind.DRAWER_OPENED, "drawer", {"reason": f"change {count} {place}"})
                    for place in range(min(50, queued - count))
                ]
            )
        tries = await drain(desk, tries=10 * queued)
        assert desk.till.snapshot().outbox.to_send == 0
        assert office.kept() == journal_of(desk)
        assert [anchor.seq for anchor in desk.journal.anchors()] == list(range(100, queued + 1, 100))
        assert desk.till.outbox.exceptions() == ()
    assert set(line.fates) == set(FATES), "every fault happened"
    with capsys.disabled():
        print(f"\nreplay of {queued} entries: {dict(line.fates)}, {tries} tries, seed {SEED}")


async def test_o9_a_hub_that_was_away_gets_everything_in_order(office: Office) -> None:
    with office.desk() as desk:
        await drain(desk)
        await asyncio.to_thread(office.down)
        for _ in range(5):
            take_cash(desk)
            await drain(desk)
            desk.clock.advance(8 * 3600 / 5)
        await asyncio.to_thread(office.up)
        await drain(desk, tries=3)
        assert office.kept() == journal_of(desk)


def test_o1_the_window_counts_what_is_owed_and_sends_it_when_the_hub_is_back(counter: Counter) -> None:
    """The whole product: window, real till of bootstrap, real hub, which is away at first."""
    counter.hub_down()

    async def off_line(counter: Counter) -> None:
        counter.fill()
        due = counter.till.snapshot().draft.due_cents
        counter.till.take_tender(Tender(TenderKind.CASH, due, received_cents=due))
        await until(lambda: counter.till.snapshot().outbox.phase is Phase.WAITING, "a try in vain")
        assert counter.window.status.outbox.text().endswith(" to send")
        close_shift(counter.till.shifts)

    async def on_line(counter: Counter) -> None:
        await until(lambda: counter.till.snapshot().outbox.to_send == 0, "everything is sent")
        assert counter.window.status.outbox.text() == ""
        assert [receipt.number for receipt in counter.till.receipts("")] == ["A-000001"]

    counter.run(off_line, online=False)
    hub = counter.hub_up()
    counter.run(on_line)
    rows = [row for row, _ in hub.state.journals.entries(TRAINING_SITE, "A", 0, 500)]
    kept = [(row.seq, row.hash) for row in rows]
    told = [(entry.seq, entry.hash) for entry in entries_in(counter.folder / JOURNAL)]
    assert kept == told[: len(kept)]
    assert len(kept) > 5
    assert [row.kind for row in rows].count(EntryKind.RECEIPT_ISSUED.value) == 1
    closed = next(row for row in rows if row.kind == EntryKind.DAY_CLOSED.value)
    anchors = hub.state.journals.anchors(TRAINING_SITE, "A", 0, 9)
    assert [anchor.seq for anchor in anchors] == [closed.seq]
    counter.verify()


def test_o8_a_rescued_journal_is_told_to_the_hub_by_the_till_that_has_it(
    make_counter: Callable[..., Counter], tmp_path: Path
) -> None:
    counter = make_counter()
    assert counter.hub is not None
    hub = counter.hub
    hub.enrol(TRAINING_SITE, "B")
    rescued = counter.folder / IMPORTED / f"{TRAINING_SITE}-B.db"
    with SqliteJournal(rescued, till="B", clock=MovingClock(), holder="the import") as journal:
        journal.record(Drafts("b", "B").paid_sale("s1"))
    broken = rescued.with_name(f"{TRAINING_SITE}-C.db")
    broken.write_text("this is no journal")

    async def look(counter: Counter) -> None:
        await until(lambda: counter.till.snapshot().outbox.to_send == 0, "everything is sent")

    counter.run(look)
    rows = [row for row, _ in hub.state.journals.entries(TRAINING_SITE, "B", 0, 500)]
    assert [row.till for row in rows] == ["B"] * 7
    assert hub.state.journals.first_fault(TRAINING_SITE, "B") is None
    counter.run(look)
    assert hub.state.journals.kept(TRAINING_SITE, "B").seq == 7, "once"
    assert "import_failed" in (counter.folder / "log" / "till.log").read_text()
