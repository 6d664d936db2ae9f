"""What the operations part of the README promises: a hub restored, lost or moved is sent what it lacks."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from cashier.domain.money import Cents
from cashier.domain.outbox import Phase
from cashier.domain.payment import PaymentEvent, PaymentState
from cashier.domain.receipt import Tender, TenderKind
from cashier.hub.client import HubClient
from cashier.hub.serve import RunningHub
from cashier.hub_verbs import copies
from cashier.till.printing import PrintConfig, Printing
from tests.end2end.test_replay import MASTER, SITE, Office, drain, journal_of, take_cash
from tests.fakes.printer import FakePrinter
from tests.till.conftest import CONFIG, Desk

OTHER_MASTER = b"the secret of the other hub, 32 bytes long or more"
PORTAL = "https://permits.example.org/hook"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with httpx.AsyncClient(trust_env=False) as http:
        made = Office(tmp_path, http)
        try:
            yield made
        finally:
            await asyncio.to_thread(made.down)


def point_at(desk: Desk, http: httpx.AsyncClient, url: str, key: str) -> None:
    """The till starts with a hub of its settings and its key, for copies and holds."""
    client = HubClient(http, url, SITE, "A", key)
    desk.copy = client  # type: ignore[assignment]
    desk.holds = client  # type: ignore[assignment]
    desk.restart(replace(CONFIG, portal_url=PORTAL))


def notices(hub: RunningHub) -> list[str]:
    with hub.state.store.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT reference FROM relay ORDER BY reference")
        return [row[0] for row in rows]


async def in_doubt(desk: Desk) -> str:
    """A card payment that nobody knows the end of; its reference."""
    payment = await desk.open_page("plan")
    desk.hint(PaymentEvent.PAGE_CLOSED)
    desk.till.new_sale()
    assert desk.journal.payment(payment.reference).state is PaymentState.IN_DOUBT  # type: ignore[union-attr]
    return payment.reference


@pytest.mark.parametrize("is_running", [True, False], ids=["till runs on", "till starts anew"])
async def test_a_hub_restored_from_an_older_backup_is_sent_what_it_lacks(
    office: Office, is_running: bool
) -> None:
    database, backup = office.folder / "hub.db", office.folder / "backup.db"
    with office.desk() as desk:
        assert office.hub is not None
        point_at(desk, office.http, office.url, office.keys["A"])
        take_cash(desk)
        await drain(desk)
        await asyncio.to_thread(office.down)
        shutil.copy(database, backup)
        await asyncio.to_thread(office.up)
        for _ in range(3):
            take_cash(desk)
        doubtful = await in_doubt(desk)
        await drain(desk)
        told = notices(office.hub)
        assert len(told) == 4
        # The hub's disk dies; last night's backup takes its place.
        await asyncio.to_thread(office.down)
        for beside in ("-wal", "-shm"):
            database.with_name(database.name + beside).unlink(missing_ok=True)
        shutil.copy(backup, database)
        await asyncio.to_thread(office.up)
        assert len(office.kept()) < len(journal_of(desk))
        if not is_running:
            point_at(desk, office.http, office.url, office.keys["A"])
        take_cash(desk)
        await drain(desk, tries=3)
        await desk.till.holding.release()
        assert desk.till.snapshot().outbox.to_send == 0
        assert office.kept() == journal_of(desk)
        assert list(await desk.holds.held()) == [doubtful], "nobody else charges what is in doubt"
        assert set(told) <= set(notices(office.hub)) and len(notices(office.hub)) == 5
        assert office.hub.state.journals.alarms(SITE, "A") == [], "an honest till is never accused"
        assert desk.till.snapshot().outbox.phase is Phase.READY
        assert desk.till.integrity.refusal == ""
        anchors = await office_anchors(desk)
        assert anchors == []


async def office_anchors(desk: Desk) -> list[int]:
    """Anchors that the till has and the hub did not make."""
    client = desk.copy
    assert isinstance(client, HubClient)
    return list(await client.wrong_anchors(desk.journal.anchors()))


@contextmanager
def another_hub(folder: Path) -> "Iterator[RunningHub]":
    with RunningHub(f"sqlite:///{folder}/other.db", OTHER_MASTER) as hub:
        yield hub


async def test_a_site_moves_to_another_hub_and_its_tills_take_all_of_it_along(office: Office) -> None:
    """Other database, other master secret, other address: the tills are told, and push anew."""
    with office.desk() as desk, office.desk("B") as second:
        assert office.hub is not None
        point_at(desk, office.http, office.url, office.keys["A"])
        for _ in range(30):
            take_cash(desk)
        take_cash(second)
        doubtful = await in_doubt(desk)
        desk.close_day()
        await drain(desk)
        await drain(second)
        before, _ = copies(f"sqlite:///{office.folder}/hub.db", MASTER)
    with another_hub(office.folder) as other:
        keys = {till: other.enrol(SITE, till) for till in ("A", "B")}
        assert keys["A"] != office.keys["A"]
        with office.desk() as desk, office.desk("B") as second:
            point_at(desk, office.http, other.url, keys["A"])
            second.copy = HubClient(office.http, other.url, SITE, "B", keys["B"])  # type: ignore[assignment]
            second.restart(replace(CONFIG, till="B"))
            await drain(desk, tries=3)
            await drain(second, tries=3)
            await desk.till.holding.release()
            assert list(await desk.holds.held()) == [doubtful]
            journals = {"A": desk.journal, "B": second.journal}
            after, holds = copies(f"sqlite:///{office.folder}/other.db", OTHER_MASTER)
            assert holds
            for old, new in zip(before.members["copies"], after.members["copies"], strict=True):
                journal = journals[new["till"]]
                assert (new["entries"], new["hash"]) == (journal.head().seq, journal.head().hash)
                rows = journal.rows_after(old["entries"] - 1, 1)
                assert rows[0].hash == old["hash"], "the old hub's copy is the beginning of the new one's"
                assert new["anchors"] >= old["anchors"] and new["alarms"] == []
            take_cash(desk)
            await drain(desk)
            assert other.state.journals.kept(SITE, "A").seq == desk.journal.head().seq
        assert office.hub.state.journals.first_fault(SITE, "A") is None, "the old one is as it was"


async def test_a_receipt_takes_the_disk_that_the_readme_says(office: Office) -> None:
    """8 entries with its print, 10 KB at the till, at most 1.3 KB an entry at the hub."""
    count = 60
    with office.desk() as desk:
        printing = Printing(
            PrintConfig(printer=FakePrinter(), automatic=True),
            desk.till.config,
            desk.clock,
            desk.randomness,
            desk.journal,
        )
        await drain(desk)
        before = desk.journal.head().seq
        for number in range(count):
            if number % 2:
                await desk.open_page("permit", "plan", "visit")
                desk.hint(PaymentEvent.PAGE_RETURNED)
                desk.approve()
            else:
                desk.fill("permit", "plan")
                check = Tender(TenderKind.CHECK, Cents(14_000), number=str(number), bank="First Sample")
                desk.till.take_tender(check)
            desk.till.new_sale()
            await printing.work()
        entries = desk.journal.head().seq - before
        await drain(desk)
        at_till, at_hub = (
            sum(len(row.body_text) for row in desk.journal.rows_after(before, entries)),
            sum(
                len(value)
                for row, _ in office.hub.state.journals.entries(SITE, "A", before, 500)  # type: ignore[union-attr]
                for value in (row.id, row.kind, row.at, row.subject, row.body_text, row.previous, row.hash)
            ),
        )
    file = office.folder / "A" / "journal.db"
    assert 7.5 <= entries / count <= 8.5
    assert 6_000 <= file.stat().st_size / count <= 14_000
    assert at_till / count < 7_000
    assert at_hub / entries < 1_300
