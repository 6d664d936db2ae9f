"""Many tills at two hub processes on one PostgreSQL, behind a balancer; one hub is killed in mid-run.

Every till sells through the product's own client, outbox and feed, as a real one does: it announces a
payment, is paid (the gateway posts until it is answered 204), hears of it, gives the invoices back, and all
the while owes its journal to the hub. In the end nothing is lost and nothing is there twice. `--long` does it
with 1,000 tills.
"""

import asyncio
import ssl
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from cashier.clock import SystemClock, SystemRandomness
from cashier.domain.entries import Break, EntryKind, StoredRow
from cashier.domain.errors import InDoubt, Unavailable
from cashier.domain.money import Cents
from cashier.domain.outbox import RETRY_MAX_S, Acknowledged
from cashier.domain.payment import InvoiceShare, PaymentEvent, PaymentState
from cashier.domain.postback import DeliveredPostback
from cashier.gateway.postback import PostbackClaims, mint_path, parse_postback, read_till_key
from cashier.hub.client import HubClient
from cashier.hub.holds import HoldStore
from cashier.hub.journals import JournalStore
from cashier.hub.keys import anchor_key, till_key
from cashier.hub.serve import allow_files, till_key_to_text, utc_now
from cashier.hub.store import HubStore
from cashier.till.feed import follow
from cashier.till.outbox import Outbox
from cashier.till.snapshot import LineState
from tests.fakes.entries import Drafts, confirmation, make_sale
from tests.fakes.journal import MemoryJournal
from tests.helpers.balancer import Balancer
from tests.helpers.postgres import PostgresServer

from .conftest import FORM_TYPE, MASTER, Database, wait_until

TILLS, TILLS_LONG = 12, 1_000
SALES, SALES_LONG = 2, 1
#: Entries that a till already owes when it comes on line.
OWED, OWED_LONG = 20, 50
TILLS_A_SITE = 10
#: A sale's entries: as recorded here, each once.
ENTRIES_A_SALE = 6
#: Tills that come on line, and clerks who are selling, at the same moment; all others' tills wait at the hub
#: for what comes.
SELLING_AT_ONCE = 50
#: Of one call that a hub cuts off: the next connection is another hub's.
TRIES_MAX = 20
#: The longest that a till waits between two tries, and once more.
DRAINED_WITHIN_S = 2 * RETRY_MAX_S
PAID_CENTS = 22_418
_UNACKNOWLEDGED = "SELECT id FROM postbacks WHERE acknowledged_at IS NULL LIMIT 1"


@contextmanager
def hub_serving(
    db_url: str, secret: Path, errors: Path
) -> Iterator[tuple["subprocess.Popen[str]", Callable[[], str]]]:
    """`cashier hub serve` as a process of its own, and its address, which waits until it listens."""
    words = ("hub", "serve", "--db", db_url, "--port", "0", "--secret-file", str(secret))
    with errors.open("a") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "cashier", *words], stdout=subprocess.PIPE, stderr=said, text=True
        )

    def url() -> str:
        assert process.stdout is not None
        word, _, address = process.stdout.readline().strip().partition(" ")
        assert word == "listening", errors.read_text()
        return address

    try:
        yield process, url
    finally:
        process.kill()
        process.communicate()


@dataclass
class Figures:
    """What all tills have pushed: entries, and how long each batch took from the till's side, in seconds."""

    entries: int = 0
    pushes: list[float] = field(default_factory=list)
    #: Calls that a till had to make again.
    again: Counter[str] = field(default_factory=Counter)
    halfway_at: int = 0
    halfway: asyncio.Event = field(default_factory=asyncio.Event)

    def pushed(self, entries: int, seconds: float) -> None:
        self.entries += entries
        self.pushes.append(seconds)
        if self.entries >= self.halfway_at:
            self.halfway.set()

    def told(self, name: str, seconds: float) -> str:
        """One line for a person."""
        cuts = statistics.quantiles(self.pushes, n=100)
        return (
            f"{name}: {self.entries} entries in {seconds:.1f} s, {self.entries / seconds:.0f}/s; push of a "
            f"batch p50 {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms; again {dict(self.again)}"
        )


class TimedClient(HubClient):
    """The product's client, with a stop watch at its pushes."""

    figures: Figures

    async def keep(self, till: str, rows: Sequence[StoredRow]) -> Acknowledged:
        start = time.perf_counter()
        try:
            told = await super().keep(till, rows)
        except (Unavailable, InDoubt):
            self.figures.again["keep"] += 1
            raise
        self.figures.pushed(len(rows), time.perf_counter() - start)
        return told


@dataclass
class Gateway:
    """Posts that a payment was made, again and again until the hub has it on disk."""

    http: httpx.AsyncClient
    url: str
    posts: Counter[str] = field(default_factory=Counter)

    async def paid(self, path: str, reference: str, invoice: str) -> None:
        form = {
            "BillerReference": reference,
            "InvoiceNumber": invoice,
            "Approved": "True",
            "PaymentAmount": "224.18",
            "PaymentGUID": f"G-{reference}",
        }
        for _ in range(TRIES_MAX):
            self.posts[reference] += 1
            try:
                answer = await self.http.post(
                    self.url + path, content=urlencode(form).encode(), headers=FORM_TYPE
                )
            except httpx.TransportError:
                continue
            if answer.status_code == 204:
                return
        raise AssertionError(f"no hub took the postback of {reference}")


class SimulatedTill:
    """One till: its journal, its outbox and what it has heard."""

    def __init__(self, site: str, name: str, key_text: str, hub: TimedClient) -> None:
        self.site, self.name = site, name
        self.hub = hub
        self._key, self._generation = read_till_key(key_text)
        self._drafts = Drafts(f"{site}-{name}", name)
        self._numbers = count(1)
        clock = SystemClock()
        self.journal = MemoryJournal(name, clock)
        self.forks: list[Break] = []
        self._sent = asyncio.Event()
        self.outbox = Outbox(
            name,
            clock,
            SystemRandomness(),
            self.journal,  # type: ignore[arg-type]
            hub,
            lambda _entry: None,
            self._sent.set,
            self.forks.append,
        )
        self.is_on = asyncio.Event()
        #: How often each postback was handed over, by the hub's id; and payments that one told of.
        self.delivered: Counter[str] = Counter()
        self.acks_lost = 0
        self._heard: dict[str, asyncio.Event] = {}

    # -- as the feed needs it ----------------------------------------------------------------------------

    async def pull(self, wait_s: float) -> Sequence[DeliveredPostback]:
        return [
            DeliveredPostback(
                item.id,
                item.received_at,
                item.reference,
                item.amount_cents,
                parse_postback(item.query, item.body),
            )
            for item in await self.hub.pull(wait_s)
        ]

    async def acknowledge(self, ids: Sequence[str]) -> None:
        try:
            await self.hub.ack(ids)
        except (Unavailable, InDoubt):
            self.acks_lost += 1
            raise

    def mint_url(self, reference: str, amount_cents: int) -> str:
        claims = PostbackClaims(
            site=self.site,
            till=self.name,
            reference=reference,
            amount_cents=amount_cents,
            expires_at=datetime.now(UTC) + timedelta(days=1),
            nonce=f"{next(self._numbers):022d}",
            generation=self._generation,
        )
        return mint_path(claims, self._key)

    def take(self, delivered: DeliveredPostback) -> None:
        """A postback moves its payment once, however often it is told."""
        self.delivered[delivered.id] += 1
        payment = self.journal.payment(delivered.reference)
        assert payment is not None, "another till's"
        if payment.state is not PaymentState.APPROVED:
            told = confirmation(
                payment.invoices[0].number, delivered.amount_cents, delivered.postback.payment_guid
            )
            self.journal.record(
                [
                    self._drafts.told(payment.id, PaymentEvent.CONFIRMED_PAID, "APPROVED", told),
                    self._drafts.receipt(payment.sale_id, self.journal.sale(payment.sale_id)),
                ]
            )
            self.outbox.look()
        self._heard[delivered.reference].set()

    def line_is(self, line: LineState) -> None:
        if line is LineState.ONLINE:
            self.is_on.set()

    # -- selling -----------------------------------------------------------------------------------------

    def owe(self, count: int) -> None:
        """So many entries were recorded while there was no line."""
        body = {"reason": "change for a payer"}
        self._record(*(self._drafts.draft(EntryKind.DRAWER_OPENED, "drawer", body) for _ in range(count)))

    async def sell(self, number: int, gateway: Gateway) -> None:
        """A sale by card, from the payment's intent to its invoices given back."""
        sale, payment = f"s{number}", f"p{number}"
        reference, invoice = f"{self.name}-{self.site}-{number}", f"{self.name}-INV-{number}"
        heard = self._heard[reference] = asyncio.Event()
        shares = [InvoiceShare(invoice, Cents(PAID_CENTS))]
        body = [{"number": invoice, "amount_cents": PAID_CENTS}]
        self._record(
            self._drafts.sale(sale, make_sale(invoice=invoice)),
            self._drafts.issued(payment, sale, reference=reference, invoices=body),
        )
        await self._again(
            "announce", lambda: self.hub.announce(reference, "Building", PAID_CENTS, shares, None)
        )
        self._record(
            self._drafts.hinted(payment, PaymentEvent.PAGE_OPENING),
            self._drafts.hinted(payment, PaymentEvent.PAGE_SUBMITTED),
        )
        await gateway.paid(self.mint_url(reference, PAID_CENTS), reference, invoice)
        await heard.wait()
        await self._again("settled", lambda: self.hub.settled(reference, PaymentState.APPROVED))

    async def all_is_sent(self) -> None:
        """Wait until the hub has everything."""
        while self.outbox.view().to_send:
            self._sent.clear()
            await self._sent.wait()

    def _record(self, *drafts: object) -> None:
        self.journal.record(drafts)  # type: ignore[arg-type]
        self.outbox.look()

    async def _again(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        for _ in range(TRIES_MAX):
            try:
                return await work()
            except (Unavailable, InDoubt):
                self.hub.figures.again[name] += 1
        raise AssertionError(f"no hub answered {name}")


def batched(tills: Sequence[SimulatedTill], size: int) -> Iterator[Sequence[SimulatedTill]]:
    """So many after the other."""
    return (tills[first : first + size] for first in range(0, len(tills), size))


def enrolled(db_url: str, tills: int) -> dict[tuple[str, str], str]:
    """The keys of so many tills, some at each site."""
    keys = {}
    with HubStore(db_url) as store:
        for number in range(tills):
            site, till = f"site-{number // TILLS_A_SITE}", f"T{number % TILLS_A_SITE}"
            generation = store.enrol(site, till, utc_now())
            keys[site, till] = till_key_to_text(till_key(MASTER, site, till, generation), generation)
    return keys


async def sell_everywhere(
    keys: dict[tuple[str, str], str], url: str, owed: int, sales: int, figures: Figures, database: Database
) -> tuple[list[SimulatedTill], Gateway]:
    """Let every till sell, send what it owes, hear and acknowledge what comes, until all of it is done."""
    trust = ssl.create_default_context()  # a tenth of a second each, were each to make its own
    async with AsyncExitStack() as stack:

        async def client() -> httpx.AsyncClient:
            return await stack.enter_async_context(httpx.AsyncClient(trust_env=False, verify=trust))

        gateway = Gateway(await client(), url)
        tills = []
        for (site, name), key_text in keys.items():
            hub = TimedClient(await client(), url, site, name, key_text)
            hub.figures = figures
            tills.append(SimulatedTill(site, name, key_text, hub))
            tills[-1].owe(owed)
        clerks = asyncio.Semaphore(SELLING_AT_ONCE)

        async def sell(till: SimulatedTill) -> None:
            for number in range(1, sales + 1):
                async with clerks:
                    await till.sell(number, gateway)

        # What ends by an error ends everything.
        async with asyncio.TaskGroup() as running:
            loops = []
            for some in batched(tills, SELLING_AT_ONCE):
                loops += [
                    running.create_task(work)
                    for till in some
                    for work in (till.outbox.run(), follow(till, till))
                ]
                for till in some:
                    await till.is_on.wait()
            async with asyncio.TaskGroup() as selling:
                for till in tills:
                    selling.create_task(sell(till))
            async with asyncio.timeout(DRAINED_WITHIN_S):
                for till in tills:
                    await till.all_is_sent()
            # The last acknowledgements may still be under way.
            await asyncio.to_thread(wait_until, lambda: not database.run(_UNACKNOWLEDGED), DRAINED_WITHIN_S)
            for loop in loops:
                loop.cancel()
        return tills, gateway


def check_entries(database: Database, tills: Sequence[SimulatedTill]) -> None:
    """Every entry of every till is in the hub once, as the till has it, in a chain that holds. No other."""
    total = 0
    with HubStore(database.url) as store:
        journals = JournalStore(store.engine, anchor_key(MASTER))
        for till in tills:
            kept: list[tuple[int, str, str]] = []
            while page := journals.entries(till.site, till.name, len(kept), 500):
                assert [refused for _, refused in page if refused] == []
                kept += [(row.seq, row.id, row.hash) for row, _ in page]
            told = [(entry.seq, entry.id, entry.hash) for entry in till.journal.entries()]
            assert kept == told, f"{till.site}/{till.name}"
            assert journals.first_fault(till.site, till.name) is None
            assert till.forks == []
            total += len(told)
        assert HoldStore(store.engine).all_held() == [], "every invoice was given back"
    assert database.run("SELECT count(*) FROM journal_entries") == [(total,)]
    assert database.run("SELECT * FROM journal_alarms") == []


def check_postbacks(database: Database, tills: Sequence[SimulatedTill], gateway: Gateway, sales: int) -> None:
    """Every payment was told of, every stored postback handed over and acknowledged, every receipt issued.

    Twice is only a postback that was posted twice, for its first answer was lost; it is handed over twice
    only where the answer to its acknowledgement was lost.
    """
    rows = database.run("SELECT id, reference, site, till, acknowledged_at FROM postbacks")
    assert all(acknowledged for *_, acknowledged in rows)
    stored = Counter(str(reference) for _, reference, *_ in rows)
    assert stored.keys() == gateway.posts.keys()
    assert len(stored) == len(tills) * sales
    assert {name: times for name, times in stored.items() if times > gateway.posts[name]} == {}
    own: dict[tuple[object, object], set[object]] = {}
    for identity, _, site, till, _ in rows:
        own.setdefault((site, till), set()).add(identity)
    for simulated in tills:
        assert simulated.delivered.keys() == own[simulated.site, simulated.name]
        assert max(simulated.delivered.values()) <= 1 + simulated.acks_lost
        numbers = [receipt.number for receipt in simulated.journal.search("", sales + 1)]
        assert numbers == [f"{simulated.name}-{number:06d}" for number in range(sales, 0, -1)]
        assert simulated.journal.unsettled_payments() == ()


async def test_o2_no_till_loses_or_repeats_anything_when_one_of_two_hubs_is_killed(
    postgres: PostgresServer,
    postgres_template: str,
    tmp_path: Path,
    long: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    allow_files(8 * TILLS_LONG)
    count_of, owed, sales = (TILLS_LONG, OWED_LONG, SALES_LONG) if long else (TILLS, OWED, SALES)
    entries = count_of * (owed + sales * ENTRIES_A_SALE)
    secret = tmp_path / "secret"
    secret.write_bytes(MASTER)
    secret.chmod(0o600)
    with ExitStack() as stack:
        db_url = stack.enter_context(postgres.database(postgres_template))
        started = [
            stack.enter_context(hub_serving(db_url, secret, tmp_path / f"errors-{number}"))
            for number in (0, 1)
        ]
        keys = enrolled(db_url, count_of)
        (first, first_url), (second, second_url) = started
        database = Database(db_url)
        figures = Figures(halfway_at=entries // 2)
        async with Balancer([first_url(), second_url()]) as balancer:

            async def kill() -> int:
                await figures.halfway.wait()
                first.kill()
                return figures.entries

            killing = asyncio.create_task(kill())
            began = time.perf_counter()
            tills, gateway = await sell_everywhere(keys, balancer.url, owed, sales, figures, database)
            seconds = time.perf_counter() - began
            killed_at = await killing
        assert first.wait() == -9
        assert second.poll() is None, "the other one serves"
        check_entries(database, tills)
        check_postbacks(database, tills, gateway, sales)
        assert figures.entries >= entries > killed_at
        assert balancer.cut >= count_of // 4, "tills were at the hub that was killed"
        assert balancer.turned_away == 0
        assert (tmp_path / "errors-1").read_text() == ""
    with capsys.disabled():
        print(f"\n{figures.told(f'{count_of} tills at two hubs, one killed', seconds)}; cut {balancer.cut}")
