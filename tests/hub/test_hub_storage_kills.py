"""What was answered 204 is on disk, whatever is killed under load.

The hub is killed with SIGKILL on SQLite, PostgreSQL is stopped as by a crash under the hub; meanwhile posters
send without pause, each postback once. `--long` does it 200 and 20 times.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from cashier.hub.serve import enrol
from tests.helpers.postgres import PostgresServer
from tests.helpers.tls import tls

from .conftest import FORM, FORM_TYPE, MASTER, Clock, Database, Till
from .processes import hub_process

POSTERS = 12
WAIT_S = 60.0


@dataclass
class Load:
    """Posters that send postbacks, each with a reference of its own, and what became of them."""

    till: Till
    sent: int = 0
    acknowledged: set[str] = field(default_factory=set)
    #: Answers other than 204, and postbacks without an answer.
    refused: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0
    stopping: bool = False
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Post without pause while the block lasts; every postback begun gets its answer or an error."""
        self.stopping = False
        async with httpx.AsyncClient(verify=tls(), timeout=WAIT_S) as http, asyncio.TaskGroup() as posters:
            for _ in range(POSTERS):
                posters.create_task(self._post(http))
            try:
                yield
            finally:
                self.stopping = True

    async def _post(self, http: httpx.AsyncClient) -> None:
        """Ends when the hub is gone, too."""
        while not self.stopping:
            self.sent += 1
            reference = f"A-{self.sent}"
            url = self.till.url + self.till.path(reference)
            try:
                answer = await http.post(url, content=FORM, headers=FORM_TYPE)
            except httpx.TransportError:
                self.unanswered += 1
                return
            if answer.status_code == 204:
                self.acknowledged.add(reference)
            else:
                self.refused[answer.status_code] += 1
            async with self.changed:
                self.changed.notify_all()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S), self.changed:
            await self.changed.wait_for(condition)

    async def more(self, number: int) -> None:
        """Wait for so many more acknowledged postbacks."""
        wanted = len(self.acknowledged) + number
        await self.until(lambda: len(self.acknowledged) >= wanted)

    def check(self, database: Database) -> None:
        """Nothing acknowledged is lost, nothing is there twice, nothing is there that was not sent."""
        rows = database.run("SELECT id, reference FROM postbacks")
        stored = Counter(str(reference) for _, reference in rows)
        assert self.acknowledged - stored.keys() == set()
        assert [reference for reference, times in stored.items() if times > 1] == []
        assert len({identity for identity, _ in rows}) == len(rows)
        assert stored.keys() <= {f"A-{number + 1}" for number in range(self.sent)}


def enrolled(db_url: str) -> Till:
    return Till("", httpx.Client(verify=tls()), enrol(db_url, MASTER, "sampletown", "A", Clock()))


async def test_kill_9_of_the_hub_loses_nothing_acknowledged(tmp_path: Path, long: bool) -> None:
    db_url = f"sqlite:///{tmp_path}/hub.db"
    chance = random.Random(7)
    load = Load(enrolled(db_url))
    with load.till.http:
        for _ in range(200 if long else 10):
            with hub_process(db_url, errors=tmp_path / "errors") as (process, url):
                load.till.url = url
                async with load.running():
                    await load.more(chance.randint(1, 100))
                    process.kill()  # while other posters wait for their answers
                    await asyncio.to_thread(process.wait)
    database = Database(db_url)
    load.check(database)
    assert load.refused == {}
    assert (tmp_path / "errors").read_text() == ""
    assert database.run("PRAGMA integrity_check") == [("ok",)]
    print(f"{len(load.acknowledged)} acknowledged, {load.unanswered} unanswered")


async def test_immediate_stops_of_postgresql_lose_nothing_acknowledged(tmp_path: Path, long: bool) -> None:
    chance = random.Random(8)
    # Not the server of the other tests: this one does not live long at a time.
    with PostgresServer.started() as server:
        db_url = server.url(server.create())
        load = Load(enrolled(db_url))
        errors = tmp_path / "errors"
        with load.till.http, hub_process(db_url, errors=errors) as (process, load.till.url):
            async with load.running():
                for _ in range(20 if long else 3):
                    await load.more(chance.randint(1, 100))
                    refused = load.refused[503]
                    await asyncio.to_thread(server.stop, "immediate")
                    await load.until(lambda before=refused: load.refused[503] > before)  # type: ignore[misc]
                    await asyncio.to_thread(server.start)
                await load.more(1)
            assert process.poll() is None
        load.check(Database(db_url))
        assert set(load.refused) == {503}
        assert load.unanswered == 0
        assert "was not stored" in errors.read_text()
        print(f"{len(load.acknowledged)} acknowledged, {load.refused[503]} answered 503")
