"""Off line and back against the bare thing: sending, verifying, finding.

    .venv/bin/python -m pytest tests/bench/test_offline.py --bench -s

Each is one interleaved run on one machine; what is compared is each round's ratio, and the median counts.
`CASHIER_BENCH_SHARE=20` makes a twentieth of everything, for a busy machine. Times do not carry over.
"""

import asyncio
import hashlib
import json
import math
import os
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from sqlite_utils import Database

from cashier.domain.entries import StoredRow
from cashier.domain.outbox import BATCH_ENTRIES
from cashier.domain.records import receipt_from_json
from cashier.hub.client import HubClient
from cashier.hub.serve import enrol, utc_now
from cashier.journal.agree import damage, receipts_agree
from cashier.journal.rows import COLUMNS
from cashier.journal.schema import SCHEMA_VERSION
from cashier.journal.search import decoded
from cashier.journal.sqlite import connect, readonly_uri, sqlite3
from cashier.journal.store import SqliteJournal
from cashier.journal.verify import _Walk, verify_file
from cashier.journal.walk import walking_rows
from cashier.till.outbox import Outbox
from tests.bench.rows import NAMES, chain, write_journal
from tests.bench.test_hub_postbacks import HUB, MASTER, server
from tests.fakes.clock import MovingClock, SeededRandomness
from tests.hub.test_hub_journals import told

SHARE = int(os.environ.get("CASHIER_BENCH_SHARE", "1"))
ROUNDS = 7
SENT_A_ROUND = 2_000
ENTRIES = 1_000_000 // SHARE
QUESTIONS = 400
TURNS = 3

pytestmark = pytest.mark.usefixtures("bench")


def median_ratio(one: list[float], other: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(one, other, strict=True))


async def test_sending_against_the_same_batches_posted_bare(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path}/hub.db"
    keys = {till: enrol(url, MASTER, "sampletown", till, utc_now) for till in ("A", "B")}
    rows = {till: list(chain(till, ROUNDS * SENT_A_ROUND)) for till in ("A", "B")}
    bodies = [
        json.dumps(told(rows["B"][first : first + BATCH_ENTRIES])).encode()
        for first in range(0, len(rows["B"]), BATCH_ENTRIES)
    ]
    ours: list[float] = []
    bare: list[float] = []
    with server(HUB, url, "256") as port:
        base = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(trust_env=False) as http:
            with SqliteJournal(tmp_path / "j.db", till="A", clock=MovingClock(), holder="a bench") as journal:
                hub = HubClient(http, base, "sampletown", "A", keys["A"])
                outbox = Outbox(
                    "A",
                    MovingClock(),
                    SeededRandomness(),
                    journal,
                    hub,
                    lambda _entry: None,
                    lambda: None,
                    lambda _broken: None,
                )
                running = asyncio.create_task(outbox.run())
                await asyncio.sleep(0.2)
                where = f"{base}/till/v1/sampletown/B/journal"
                headers = {"authorization": f"Bearer {keys['B']}", "content-type": "application/json"}
                for round_ in range(ROUNDS):
                    first = round_ * SENT_A_ROUND
                    journal.adopt(rows["A"][first : first + SENT_A_ROUND])
                    start = time.perf_counter()
                    outbox.look()
                    while outbox.view().to_send:
                        await asyncio.sleep(0.001)
                    ours.append(time.perf_counter() - start)
                    batches = SENT_A_ROUND // BATCH_ENTRIES
                    start = time.perf_counter()
                    for body in bodies[round_ * batches : (round_ + 1) * batches]:
                        assert (await http.post(where, content=body, headers=headers)).status_code == 200
                    bare.append(time.perf_counter() - start)
                running.cancel()
    speed = median_ratio(bare, ours)
    with capsys.disabled():
        print(
            f"\nsending: {SENT_A_ROUND / statistics.median(ours):.0f} entries/s, bare httpx "
            f"{SENT_A_ROUND / statistics.median(bare):.0f}/s: {speed:.2f} of it"
        )
    assert speed >= 0.6


@pytest.fixture(scope="module")
def journal_file(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A journal of as many receipts."""
    if not request.config.getoption("bench"):
        pytest.skip("a measurement")
    file: Path = tmp_path_factory.mktemp("large") / "journal.db"
    write_journal(file, "A", ENTRIES)
    return file


def test_verifying_against_bare_hashing(
    journal_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bare are two: hashes of the very bytes in a flat file, and the least that makes them of rows.

    Ours are the walk over the chain, what SQLite checks beside it on threads, and all of it as it is done.
    """
    flat = tmp_path / "flat"
    with flat.open("wb") as stream, walking_rows(journal_file) as rows:
        for row in rows:
            stream.write(_hashed(row) + b"\n")

    def of_bytes() -> None:
        with flat.open("rb") as lines:
            for line in lines:
                hashlib.sha256(line[:-1]).hexdigest()

    def of_rows() -> None:
        with closing(sqlite3.connect(f"{journal_file.as_uri()}?mode=ro", uri=True)) as connection:
            for row in connection.execute(f"SELECT {COLUMNS} FROM entry ORDER BY seq"):
                text = json.dumps(row[:8], separators=(",", ":"), ensure_ascii=False)
                assert hashlib.sha256(text.encode()).hexdigest() == row[8]

    def chain_only() -> None:
        with closing(connect(":memory:")) as connection:
            connection.execute("ATTACH ? AS journal", (readonly_uri(journal_file),))
            walk = _Walk(Database(connection, execute_plugins=False), SCHEMA_VERSION)
            assert walk.first_break() is None
            assert walk.entries == ENTRIES

    def receipts() -> None:
        assert receipts_agree(journal_file)

    def structure() -> None:
        assert damage(journal_file) is None

    def whole() -> None:
        assert verify_file(journal_file).broken is None

    works = (of_bytes, of_rows, chain_only, receipts, structure, whole)
    times: dict[str, list[float]] = {work.__name__: [] for work in works}
    for _ in range(3):
        for work in works:
            times[work.__name__].append(timed(work))
    least = {name: min(each) for name, each in times.items()}
    with capsys.disabled():
        print(f"\nverifying {ENTRIES} receipts of {flat.stat().st_size / 1e6:.0f} MB")
        for name, seconds in least.items():
            print(
                f"{name:12} {seconds:7.2f} s   {seconds / least['of_bytes']:5.1f} of the bytes' hashes   "
                f"{seconds / least['of_rows']:5.1f} of the rows'"
            )
    assert least["chain_only"] / least["of_rows"] <= 2
    assert least["chain_only"] / least["of_bytes"] <= 2


def _hashed(row: StoredRow) -> bytes:
    members = [row.seq, row.id, row.kind, row.at, row.till, row.subject, row.body_text, row.previous]
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode()


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@pytest.mark.parametrize("what", ["number", "name", "date"])
def test_finding_against_the_bare_query(
    journal_file: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def asked(place: int) -> str:
        number = 1 + place * 7_919 % ENTRIES
        match what:
            case "number":
                return f"A-{number:06d}"
            case "name":
                return f"{NAMES[number % len(NAMES)]} {number % 9_973}"
            case _:
                return f"2026-{1 + number % 12:02d}-{1 + number % 28:02d}"

    def match_of(text: str) -> str:
        match what:
            case "name":
                return " AND ".join(f'"{word}"*' for word in text.split())
            case _:
                return f'facts : "d{text.replace("-", "")}"'

    ours: list[float] = []
    bare: list[float] = []
    read: list[float] = []
    with (
        SqliteJournal(journal_file, till="A", clock=MovingClock(), holder="a bench") as journal,
        closing(sqlite3.connect(f"{journal_file.as_uri()}?mode=ro", uri=True)) as connection,
    ):
        for place in range(QUESTIONS):
            text = asked(place)

            def query(text: str = text) -> list[tuple[str]]:
                if what == "number":
                    sql = "SELECT body FROM receipt JOIN entry USING (seq) WHERE number = ? COLLATE NOCASE"
                    return connection.execute(sql, (text,)).fetchall()
                sql = (
                    "SELECT (SELECT body FROM entry WHERE seq = receipt_text.rowid) FROM receipt_text"
                    " WHERE receipt_text MATCH ? ORDER BY rowid DESC LIMIT 20"
                )
                return connection.execute(sql, (match_of(text),)).fetchall()

            def query_and_read(text: str = text) -> object:
                return [receipt_from_json(json.loads(body)) for (body,) in query(text)]

            def search(text: str = text) -> object:
                return journal.receipt(text) if what == "number" else journal.search(text, 20)

            # Each three times in turn, and the best counts: what else the machine does is in none of them.
            works = ((bare, query), (read, query_and_read), (ours, search))
            best = [math.inf] * len(works)
            for turn in range(TURNS * len(works)):
                decoded.cache_clear()  # what one question has read is no help to the next
                which = turn % len(works)
                best[which] = min(best[which], timed(works[which][1]))
            for (times, _), seconds in zip(works, best, strict=True):
                times.append(seconds)

    def p99(times: list[float]) -> float:
        return statistics.quantiles(times, n=100)[98] * 1000

    with capsys.disabled():
        print(
            f"\nby {what} in {ENTRIES} receipts: p99 {p99(ours):.2f} ms (median "
            f"{statistics.median(ours) * 1000:.2f}), bare query p99 {p99(bare):.2f} ms (median "
            f"{statistics.median(bare) * 1000:.2f}): {p99(ours) / p99(bare):.2f} times; "
            f"with the receipts made of its rows p99 {p99(read):.2f} ms (median "
            f"{statistics.median(read) * 1000:.2f}): {p99(ours) / p99(read):.2f} times"
        )
    assert p99(ours) <= 1.5 * p99(read)
