"""What the gateway told the hub reaches the portal: as it came, in order, never after a 2xx."""

import asyncio
import base64
import datetime as dt
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

import cashier
from cashier.domain.errors import Unavailable
from cashier.hub.app import HubConfig
from cashier.hub.courier import ANSWER_MAX_BYTES, with_reference
from cashier.hub.portals import Portals
from cashier.hub.relay import IN_FLIGHT_MAX_PER_HOST, PAUSE_MAX_S, pause
from cashier.hub.relay_queue import enqueue_payment
from cashier.hub.relay_store import LEASE, RelayStore
from cashier.hub.serve import RunningHub, enrol

from .conftest import FORM, MASTER, NOW, Clock, Database, Till, wait_until
from .portal import LOST, OK, Portal, Received
from .relay_world import SITE, TILL, World, on_thread, until


@pytest.fixture
def world(db_url: str) -> Iterator[World]:
    world = World(db_url)
    yield world
    world.close()


@pytest.fixture
def portal() -> Iterator[Portal]:
    with Portal() as portal:
        yield portal


def first(*answers: int) -> Callable[[Received], int]:
    """These answers first, then OK."""
    left = list(answers)
    return lambda _: left.pop(0) if left else OK


async def test_a_postback_goes_on_byte_for_byte(world: World, portal: Portal) -> None:
    body = b"BillerReference=A-1&Approved=True&CustomerName=Zo%c3%ab+%7CEx%2fample&RemoteIP=&&x"
    world.announce("A-1", portal.url + "?payment-id=5&JurisdictionName=Sample%20Town|x")
    sent = world.arrive(
        "A-1", body, query=b"a=%41&b=[1]|2", content_type="application/x-www-form-urlencoded; charset=utf-8"
    )
    async with world.relay(portal.netloc) as relay:
        await until(lambda: relay.counts().delivered)
    (request,) = portal.received
    assert request.target == b"/postback?payment-id=5&JurisdictionName=Sample%20Town|x&a=%41&b=[1]|2"
    assert request.body == body
    assert request.headers["content-type"] == "application/x-www-form-urlencoded; charset=utf-8"
    assert request.headers["host"] == portal.netloc
    assert (request.key, request.attempt) == (sent, 1)
    assert world.states() == ["delivered"]


async def test_a_postback_in_the_query_alone(world: World, portal: Portal) -> None:
    world.announce("A-1", portal.url)
    world.arrive("A-1", b"", query=b"BillerReference=A-1&Approved=False", content_type="")
    async with world.relay(portal.netloc) as relay:
        await until(lambda: relay.counts().delivered)
    (request,) = portal.received
    assert (request.target, request.body) == (b"/postback?BillerReference=A-1&Approved=False", b"")
    assert "content-type" not in request.headers


async def test_only_the_value_of_the_reference_is_replaced(world: World, portal: Portal) -> None:
    world.announce("A-1", portal.url, portal_reference="LE 4711|T&9")
    world.arrive("A-1", b"x=%7c&billerReference=A-1&Approved=True&BillerReferenceX=A-1", query=b"y=A-1")
    async with world.relay(portal.netloc) as relay:
        await until(lambda: relay.counts().delivered)
    assert portal.received[0].body == (
        b"x=%7c&billerReference=LE+4711%7CT%269&Approved=True&BillerReferenceX=A-1"
    )
    assert portal.received[0].target == b"/postback?y=A-1"


def test_a_reference_however_it_is_written() -> None:
    assert with_reference(b"Biller%52eference=1&BILLERREFERENCE&a", "ü") == (
        b"Biller%52eference=%C3%BC&BILLERREFERENCE=%C3%BC&a"
    )
    assert with_reference(b"", "x") == b""


async def test_declines_and_repeats_go_too_each_once(world: World, portal: Portal) -> None:
    world.announce("A-1", portal.url)
    world.announce("A-2", None)
    ids = [world.arrive("A-1", b"BillerReference=A-1&Approved=False") for _ in range(2)]
    ids.append(world.arrive("A-1"))
    world.arrive("A-2")
    world.arrive("A-3")
    async with world.relay(portal.netloc) as relay:
        await until(lambda: relay.counts().delivered == 3)
    assert [request.key for request in portal.received] == ids
    assert world.states() == ["delivered"] * 3


async def test_a_postback_before_its_announcement_goes_when_it_is_announced(
    world: World, portal: Portal
) -> None:
    early = [world.arrive("A-1"), world.arrive("A-1")]
    assert world.states() == []
    world.announce("A-1", portal.url)
    assert world.states() == ["waiting"] * 2
    with world.store.engine.begin() as connection:
        assert enqueue_payment(connection, SITE, TILL, "A-1", NOW) == 0
    async with world.relay(portal.netloc) as relay:
        await until(lambda: relay.counts().delivered == 2)
    assert [request.key for request in portal.received] == early


async def test_what_two_transactions_missed_is_found(world: World, portal: Portal) -> None:
    world.arrive("A-1")
    world.announce("A-1", portal.url)
    with world.store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM relay")
    async with world.relay(portal.netloc) as relay:
        await until(lambda: relay.counts().delivered)
    assert world.letters.enqueue_missed(NOW + dt.timedelta(minutes=6)) == 0


async def test_never_again_after_a_2xx(world: World, portal: Portal) -> None:
    world.announce("A-1", portal.url)
    world.arrive("A-1")
    for _ in range(3):
        async with world.relay(portal.netloc) as relay:
            world.clock.at += dt.timedelta(days=1)
            relay.wake()
            world.announce(f"B-{world.clock.at:%d}", portal.url)
            marker = world.arrive(f"B-{world.clock.at:%d}")
            relay.wake()
            await until(lambda marker=marker: marker in [request.key for request in portal.received])
    assert portal.references.count("A-1") == 1


@pytest.mark.parametrize("status", [500, 503, 408, 425, 429])
async def test_put_off_is_tried_again_soon(world: World, portal: Portal, status: int) -> None:
    portal.answer = first(status, status)
    world.announce("A-1", portal.url)
    world.arrive("A-1")
    async with world.relay(portal.netloc) as relay:
        await until(lambda: relay.counts().delivered)
    assert [request.attempt for request in portal.received] == [1, 2, 3]
    assert len({request.key for request in portal.received}) == 1
    assert (relay.counts().retried, relay.counts().rejected) == (2, 0)
    assert world.clock() - NOW < dt.timedelta(minutes=1)


@pytest.mark.parametrize("status", [302, 400, 403, 404, 410])
async def test_refused_is_tried_again_hourly(world: World, portal: Portal, status: int) -> None:
    portal.answer = first(status, status)
    portal.answer_headers = {"Location": portal.url + "/elsewhere"}
    world.announce("A-1", portal.url)
    world.arrive("A-1")
    async with world.relay(portal.netloc) as relay:
        await until(lambda: relay.counts().delivered)
    assert (relay.counts().retried, relay.counts().rejected) == (2, 2)
    assert dt.timedelta(hours=1.8) < world.clock() - NOW < dt.timedelta(hours=2.2)
    assert {request.target for request in portal.received} == {b"/postback"}


async def test_a_lost_answer_is_sent_again_under_the_same_key(world: World, portal: Portal) -> None:
    portal.answer = first(LOST)
    world.announce("A-1", portal.url)
    sent = world.arrive("A-1")
    async with world.relay(portal.netloc) as relay:
        await until(lambda: relay.counts().delivered)
    assert [(request.key, request.attempt) for request in portal.received] == [(sent, 1), (sent, 2)]


async def test_one_payment_in_order_and_the_others_do_not_wait(world: World, portal: Portal) -> None:
    failing = [True]
    portal.answer = lambda request: 500 if failing[0] and b"=A-1" in request.body else OK
    world.announce("A-1", portal.url)
    world.announce("A-2", portal.url)
    ids = [world.arrive("A-1"), world.arrive("A-1"), world.arrive("A-2")]
    async with world.relay(portal.netloc) as relay:
        await until(lambda: relay.counts().delivered == 1 and relay.counts().retried >= 3)
        assert {request.key for request in portal.received} == {ids[0], ids[2]}
        failing[0] = False
        await until(lambda: relay.counts().delivered == 3)
    assert portal.received[-1].key == ids[1]


async def test_a_portal_down_for_days_then_up(world: World) -> None:
    with Portal() as away:
        port, url = away.port, away.url
    world.announce("A-1", url)
    sent = world.arrive("A-1")
    async with world.relay(f"127.0.0.1:{port}") as relay:
        await until(lambda: world.clock() - NOW > dt.timedelta(days=3), 60)
        depth = await relay.depth()
        assert (depth.waiting, depth.oldest_at, depth.dead) == (1, "2026-02-03T09:00:00.000Z", 0)
        with Portal(port=port) as portal:
            await until(lambda: relay.counts().delivered)
    (request,) = portal.received
    assert (request.key, request.attempt) == (sent, relay.counts().retried + 1)
    # Longer and longer pauses: not much more than one an hour.
    assert relay.counts().retried < 130


async def test_a_dead_letter_after_thirty_days_can_be_sent_again(world: World, portal: Portal) -> None:
    portal.answer = first(500, 500)
    world.announce("A-1", portal.url)
    sent = world.arrive("A-1")
    async with world.relay(portal.netloc) as relay:
        await until(lambda: relay.counts().retried)
        world.clock.at = NOW + dt.timedelta(days=30)
        await until(lambda: relay.counts().dead)
        (dead,) = world.letters.listed()
        assert (dead.id, dead.state, dead.attempts, dead.last_status) == (sent, "dead", 2, 500)
        assert (await relay.depth()).dead == 1
        assert world.letters.resend("no such letter", world.clock()) == 0
        assert world.letters.resend(sent, world.clock()) == 1
        relay.wake()
        await until(lambda: relay.counts().delivered)
    assert [request.attempt for request in portal.received] == [1, 2, 3]
    assert world.letters.listed() == []
    assert world.letters.resend(sent, world.clock()) == 0


async def test_an_address_that_is_none_is_a_dead_letter_at_once(world: World) -> None:
    world.announce("A-1", "ftp://portal.example.org/")
    world.arrive("A-1")
    (dead,) = world.letters.listed()
    assert (dead.state, dead.last_error) == ("dead", "not an address")
    assert world.letters.resend(dead.id, NOW) == 0


def test_a_postback_and_its_letter_are_stored_together_or_not_at_all(
    till: Till, database: Database, portal: Portal
) -> None:
    announce(till, "A-1", portal.url)
    database.run("ALTER TABLE relay RENAME TO away")
    assert till.post(till.path("A-1")) == 503
    database.run("ALTER TABLE away RENAME TO relay")
    assert till.pull() == [] and database.run("SELECT id FROM relay") == []
    assert till.post(till.path("A-1")) == 204
    assert [row["id"] for row in till.pull()] == [row[0] for row in database.run("SELECT id FROM relay")]


async def test_letters_to_hosts_that_are_not_allowed_wait(world: World, portal: Portal) -> None:
    world.announce("A-1", "https://elsewhere.example/")
    world.announce("A-2", portal.url)
    world.arrive("A-1")
    world.arrive("A-2")
    async with world.relay() as relay:  # off
        relay.wake()
    async with world.relay(portal.netloc) as relay:
        await until(lambda: relay.counts().delivered)
    assert world.states() == ["waiting", "delivered"]
    assert [letter.attempts for letter in world.letters.listed(("waiting",))] == [0]


async def test_two_processes_share_the_work(world: World, portal: Portal) -> None:
    for number in range(40):
        world.announce(f"A-{number}", portal.url)
        for _ in range(2):
            world.arrive(f"A-{number}")
    other = World(world.db_url, world.clock)
    try:
        # Neither may jump over the leases of the other.
        async with (
            world.relay(portal.netloc, sleep=asyncio.sleep) as one,
            other.relay(portal.netloc, sleep=asyncio.sleep) as two,
        ):
            await until(lambda: one.counts().delivered + two.counts().delivered == 80, 60)
    finally:
        other.close()
    assert len(portal.received) == len({request.key for request in portal.received}) == 80
    assert {request.attempt for request in portal.received} == {1}
    assert min(one.counts().delivered, two.counts().delivered) > 0


async def test_a_slow_portal_does_not_hold_up_the_others(world: World, portal: Portal) -> None:
    with Portal() as quick:
        portal.open.clear()
        for number in range(50):
            world.announce(f"S-{number}", portal.url)
            world.arrive(f"S-{number}")
        world.announce("Q-1", quick.url)
        world.arrive("Q-1")
        async with world.relay(portal.netloc, quick.netloc) as relay:
            await until(lambda: relay.counts().delivered == 1)
            await until(lambda: len(portal.received) == IN_FLIGHT_MAX_PER_HOST)
            assert quick.references == ["Q-1"]
            portal.open.set()
            await until(lambda: relay.counts().delivered == 51)
    assert len(portal.received) == 50


async def test_a_long_answer_is_a_2xx_all_the_same(world: World, portal: Portal) -> None:
    portal.answer = lambda _: 200
    portal.answer_body = b"x" * (ANSWER_MAX_BYTES * 20)
    world.announce("A-1", portal.url)
    world.arrive("A-1")
    async with world.relay(portal.netloc) as relay:
        await until(lambda: relay.counts().delivered)
    assert len(portal.received) == 1


async def test_a_2xx_is_not_forgotten_while_storage_fails(world: World, portal: Portal) -> None:
    failures = 3

    async def stored(work: Callable[..., object], *args: object) -> object:
        nonlocal failures
        if getattr(work, "func", None) == world.letters.delivered and failures:
            failures -= 1
            world.clock.at += 2 * LEASE  # its lease is long over when storage is back
            raise Unavailable("away")
        return await on_thread(work, *args)

    world.announce("A-1", portal.url)
    world.arrive("A-1")
    async with world.relay(portal.netloc, stored=stored) as relay:
        await until(lambda: relay.counts().delivered)
    assert (len(portal.received), failures) == (1, 0)


async def test_the_loop_survives_storage_that_is_away(world: World, portal: Portal) -> None:
    failures = 3

    async def stored(work: Callable[..., object], *args: object) -> object:
        nonlocal failures
        if failures:
            failures -= 1
            raise Unavailable("away")
        return await on_thread(work, *args)

    world.announce("A-1", portal.url)
    world.arrive("A-1")
    async with world.relay(portal.netloc, stored=stored) as relay:
        await until(lambda: relay.counts().delivered)


async def test_what_the_end_of_the_hub_cut_off_is_due_at_once(world: World, portal: Portal) -> None:
    portal.open.clear()
    world.announce("A-1", portal.url)
    sent = world.arrive("A-1")
    async with world.relay(portal.netloc, stop_grace_s=0.05):
        await until(lambda: portal.received)
    (letter,) = world.letters.listed(("waiting",))
    assert (letter.attempts, letter.last_error) == (1, "cut off")
    assert world.letters.next_due([portal.netloc], [], world.clock()) == world.clock()
    portal.open.set()
    async with world.relay(portal.netloc) as relay:
        await until(lambda: relay.counts().delivered)
    assert [request.key for request in portal.received] == [sent, sent]


def test_a_result_after_its_lease_was_lost(world: World) -> None:
    host = "portal.example.org"
    world.announce("A-1", f"https://{host}/")
    world.arrive("A-1")
    world.arrive("A-1")

    def claim(at: dt.datetime) -> list[int]:
        return [letter.attempts for letter in letters.claim(at, {host: 4}, [], [], 32)]

    letters: RelayStore = world.letters
    (old,) = letters.claim(NOW, {host: 4}, [], [], 32)
    assert claim(NOW + LEASE - dt.timedelta(seconds=1)) == []
    assert letters.next_due([host], [], NOW) is None
    assert letters.next_due([host], [], NOW + LEASE) == NOW
    assert letters.claim(NOW + LEASE, {host: 4}, [], [old.seq], 32) == []
    (new,) = letters.claim(NOW + LEASE, {host: 4}, [], [], 32)
    assert (new.seq, new.attempts) == (old.seq, 2)
    assert not letters.failed(old, 500, "out of order", NOW, NOW)
    assert not letters.release(old)
    assert letters.delivered(old, 200, NOW)  # a fact, whoever saw it
    assert not letters.delivered(new, 200, NOW)
    assert not letters.failed(new, 500, "out of order", NOW, NOW)
    assert world.states() == ["delivered", "waiting"]
    assert claim(NOW) == [1]


def test_a_backlog_of_one_portal_does_not_hide_the_others(world: World) -> None:
    for number in range(70):
        world.announce(f"S-{number}", "https://slow.example/")
        world.arrive(f"S-{number}")
    world.announce("Q-1", "https://quick.example/")
    world.arrive("Q-1")
    taken = world.letters.claim(NOW, {"slow.example": 4, "quick.example": 4}, [], [], 32)
    assert [letter.host for letter in taken] == ["slow.example"] * 4 + ["quick.example"]
    assert world.letters.claim(NOW, {"slow.example": 0, "quick.example": 4}, [], [], 32) == []
    assert len(world.letters.claim(NOW, {"slow.example": 4, "quick.example": 4}, [], [], 3)) == 3


def test_pauses_grow_to_an_hour_and_differ() -> None:
    seconds = [pause(failures, False, 0.999).total_seconds() for failures in range(1, 2000)]
    assert seconds[0] < 5.0 and seconds == sorted(seconds) and seconds[-1] <= PAUSE_MAX_S
    assert pause(1, False, 0.0) < pause(1, False, 0.9)
    assert pause(1, True, 0.0) == dt.timedelta(minutes=54)


async def test_nothing_but_fixed_words_in_the_log(
    world: World, portal: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    portal.answer = first(500)
    portal.answer_body = b"the portal's own words"
    world.announce("A-1", portal.url + "?secret=4711")
    world.arrive("A-1", query=b"CustomerName=Robin")
    caplog.set_level("INFO")
    async with world.relay(portal.netloc) as relay:
        await until(lambda: relay.counts().delivered)
    assert "out of order 500" in caplog.text
    for text in ("4711", "Robin", "own words", "BillerReference"):
        assert text not in caplog.text


# -- through the hub's own doors ---------------------------------------------------------------------------


def announce(till: Till, reference: str, url: str, portal_reference: str | None = None) -> None:
    answer = till.http.put(
        f"{till.url}/till/v1/{till.site}/{till.till}/payments/{reference}",
        json={
            "biller": "building",
            "amount_cents": 24550,
            "invoices": [{"number": f"I-{reference}", "amount_cents": 24550}],
            "portal": {"url": url, "reference": portal_reference},
        },
        headers=till.headers,
    )
    assert answer.status_code == 200, answer.text


def relaying(db_url: str, *hosts: str, later: dt.timedelta = dt.timedelta()) -> RunningHub:
    config = HubConfig(db_url, MASTER, portals=Portals.of(hosts, training=True))
    return RunningHub(db_url, MASTER, Clock(NOW + later), config=config)


def test_from_the_gateway_through_the_hub_to_the_portal(
    db_url: str, portal: Portal, http: httpx.Client
) -> None:
    card = b"BillerReference=A-1&Approved=True&x=4111+1111+1111+1111&y=%41"
    with relaying(db_url, portal.netloc) as hub:
        till = Till(hub.url, http, hub.enrol(SITE, TILL))
        announce(till, "A-1", portal.url + "?payment-id=5")
        assert till.post(till.path("A-1")) == 204
        wait_until(lambda: len(portal.received) == 1)
        assert till.post(till.path("A-1"), card) == 204
        wait_until(lambda: len(portal.received) == 2)
        assert till.post(till.path("A-2")) == 204
        announce(till, "A-2", portal.url, portal_reference="acc|1")
        wait_until(lambda: len(portal.received) == 3)
        pulled = till.pull()
    assert portal.received[0].target == b"/postback?payment-id=5"
    # The very bytes that were stored: scrubbed where they had to be.
    bodies = [base64.b64decode(row["body"]) for row in pulled]
    assert [request.body for request in portal.received[:2]] == bodies[:2]
    assert bodies[0] == FORM and b"4111" not in bodies[1]
    assert portal.received[2].body == bodies[2].replace(b"BillerReference=A-1", b"BillerReference=acc%7C1")
    assert [request.key for request in portal.received] == [row["id"] for row in pulled]


HUB = """
import sys
from datetime import UTC, datetime
from cashier.hub.app import HubConfig
from cashier.hub.portals import Portals
from cashier.hub.serve import RunningHub
db_url, master, host = sys.argv[1:]
config = HubConfig(db_url, master.encode(), portals=Portals.of([host], training=True))
with RunningHub(db_url, master.encode(), lambda: datetime(2026, 2, 3, 9, tzinfo=UTC), config=config) as hub:
    print(hub.url, flush=True)
    sys.stdin.read()
"""


def test_kill_9_in_mid_delivery_loses_nothing(db_url: str, portal: Portal, http: httpx.Client) -> None:
    key_text = enrol(db_url, MASTER, SITE, TILL, Clock())
    portal.open.clear()
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", HUB, db_url, MASTER.decode(), portal.netloc],
        cwd=Path(cashier.__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        till = Till(process.stdout.readline().strip(), http, key_text)
        for number in range(6):
            announce(till, f"A-{number}", portal.url)
            assert till.post(till.path(f"A-{number}")) == 204
        wait_until(lambda: len(portal.received) == IN_FLIGHT_MAX_PER_HOST)
    finally:
        process.kill()
        process.communicate()
    cut_off = {request.key for request in portal.received}
    portal.open.set()
    with relaying(db_url, portal.netloc, later=LEASE) as hub:
        till = Till(hub.url, http, key_text)
        ids = {row["id"] for row in till.pull()}
        wait_until(lambda: len(portal.received) == IN_FLIGHT_MAX_PER_HOST + 6)
    attempts = {(request.key, request.attempt) for request in portal.received}
    assert attempts == {(key, 1) for key in ids} | {(key, 2) for key in cut_off}


def test_the_figures_tell_of_the_relay(db_url: str, portal: Portal, http: httpx.Client) -> None:
    with relaying(db_url, portal.netloc) as hub:
        till = Till(hub.url, http, hub.enrol(SITE, TILL))
        announce(till, "A-1", portal.url)
        announce(till, "A-2", "https://elsewhere.example/")
        announce(till, "A-3", "https://user@elsewhere.example/")
        for reference in ("A-1", "A-2", "A-3"):
            assert till.post(till.path(reference)) == 204

        def figures() -> list[str]:
            return [line for line in http.get(till.url + "/metrics").text.splitlines() if "_relay" in line]

        wait_until(lambda: 'cashier_hub_relay_total{outcome="delivered"} 1.0' in figures())
        assert "cashier_hub_relay_waiting 1.0" in figures()
        assert "cashier_hub_relay_oldest_seconds 0.0" in figures()
        assert "cashier_hub_relay_dead 1.0" in figures()
