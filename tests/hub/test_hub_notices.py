"""Cash and check payments, told to the portal as signed Standard Webhooks."""

import json
from collections.abc import Iterator

import httpx
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from cashier.domain.errors import Discrepancy, Refused
from cashier.hub.app import HubConfig
from cashier.hub.client import HubClient
from cashier.hub.notices import NOTICE_MAX_BYTES, read_notice
from cashier.hub.portals import Portals
from cashier.hub.serve import RunningHub, utc_now
from tests.helpers.tls import tls

from .conftest import MASTER, Clock, Database, Till, wait_until
from .portal import Portal
from .relay_world import SITE, TILL, World, until

ID = "0190c4d2-a7b8-7c3e-9f00-112233445566"
SECRET, NEXT_SECRET = "whsec_" + "QUJD" * 8, "whsec_" + "REVG" * 8
DATA = {"receipt": "A-000123", "amount_cents": 14500, "tender": "cash", "rate": 1.50}


def notice(url: str, **changes: object) -> bytes:
    return json.dumps({"type": "payment.recorded", "url": url, "data": DATA} | changes).encode()


@pytest.fixture
def world(db_url: str) -> Iterator[World]:
    # The library's verifier looks at the real clock.
    world = World(db_url, Clock(utc_now()))
    yield world
    world.close()


@pytest.fixture
def portal() -> Iterator[Portal]:
    with Portal() as portal:
        yield portal


def put(world: World, raw: bytes, notice_id: str = ID) -> bool:
    return world.letters.add_notice(SITE, TILL, notice_id, *read_notice(notice_id, raw), world.clock())


def signing(portal: Portal, *secrets: str) -> Portals:
    return Portals.of([portal.netloc], secrets=[(portal.netloc, secret) for secret in secrets], training=True)


async def test_the_library_verifies_what_the_portal_gets(world: World, portal: Portal) -> None:
    assert put(world, notice(portal.url))
    async with world.relay(portals=signing(portal, SECRET)) as relay:
        await until(lambda: relay.counts().delivered)
    (request,) = portal.received
    told = Webhook(SECRET).verify(request.body, request.headers)
    assert told == {"type": "payment.recorded", "timestamp": "2024-07-18T07:50:58.232Z", "data": DATA}
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == request.key == ID
    with pytest.raises(WebhookVerificationError):
        Webhook(NEXT_SECRET).verify(request.body, request.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body.replace(b"14500", b"14501"), request.headers)


async def test_while_secrets_are_exchanged_both_verify(world: World, portal: Portal) -> None:
    put(world, notice(portal.url))
    async with world.relay(portals=signing(portal, SECRET, NEXT_SECRET)) as relay:
        await until(lambda: relay.counts().delivered)
    for secret in (SECRET, NEXT_SECRET):
        Webhook(secret).verify(portal.received[0].body, portal.received[0].headers)


async def test_every_attempt_is_signed_anew(world: World, portal: Portal) -> None:
    answers = [503, 204]
    portal.answer = lambda _: answers.pop(0)
    put(world, notice(portal.url))
    async with world.relay(portals=signing(portal, SECRET)) as relay:
        await until(lambda: relay.counts().delivered)
    one, two = portal.received
    assert (one.body, one.key, one.attempt, two.attempt) == (two.body, two.key, 1, 2)
    assert one.headers["webhook-timestamp"] != two.headers["webhook-timestamp"]
    Webhook(SECRET).verify(two.body, two.headers)


async def test_without_a_secret_it_waits_and_postbacks_do_not(world: World, portal: Portal) -> None:
    put(world, notice(portal.url))
    world.announce("A-1", portal.url)
    world.arrive("A-1")
    async with world.relay(portal.netloc) as relay:
        await until(lambda: relay.counts().delivered)
        assert (await relay.depth()).waiting == 1
    assert [request.headers.get("webhook-id") for request in portal.received] == [None]


async def test_the_secret_is_nowhere(
    world: World, portal: Portal, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "cashier")
    portals = signing(portal, SECRET)
    put(world, notice(portal.url))
    async with world.relay(portals=portals) as relay:
        await until(lambda: relay.counts().delivered)
    for text in (database.content(), caplog.text, repr(portals)):
        assert "QUJD" not in text and "ABCABC" not in text


def test_the_id_is_the_idempotency_key(world: World) -> None:
    url = "https://portal.example.org/notices"
    assert put(world, notice(url))
    reordered = json.dumps({"data": dict(reversed(DATA.items())), "url": url, "type": "payment.recorded"})
    assert not put(world, reordered.encode())
    for other in (notice(url, data=DATA | {"amount_cents": 1}), notice(url + "2"), notice(url, type="a.b")):
        with pytest.raises(Discrepancy):
            put(world, other)
    assert put(world, notice(url, data={}), ID.replace("66", "67"))
    assert len(world.letters.listed(("waiting",))) == 2


def test_numbers_keep_their_text_and_card_numbers_go() -> None:
    raw = b"""{"type": "payment.recorded", "url": "https://p.example/", "data":
        {"amount": 145.50, "big": 12345678901,
         "note": "card 4111 1111 1111 1111!", "list": ["4111111111111111"]}}"""
    _, body = read_notice(ID, raw)
    assert b'"amount":145.50' in body and b'"big":12345678901' in body
    assert b"1111" not in body


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff",
        b"[]",
        b"{",
        b"NaN",
        b"[" * 9000,
        notice("https://p.example/", more=1),
        notice("https://p.example/", data=[]),
        notice("https://p.example/", data={"x": float("nan")}),
        notice("https://p.example/", data={"pan": 4111111111111111}),
        notice("https://p.example/", type="recorded"),
        notice("https://p.example/", type=5),
        notice("ftp://p.example/"),
        notice("https://p.example/").replace(b'"https://p.example/"', b"null"),
        notice("https://p.example/", data={"x": "x" * NOTICE_MAX_BYTES}),
        b'{"type": "a.b", "url": "https://p.example/", "data": ' + b'{"x":' * 20 + b"1" + b"}" * 21,
        b'{"type": "a.b"}',
    ],
)
def test_no_notice(raw: bytes) -> None:
    with pytest.raises(Refused):
        read_notice(ID, raw)


@pytest.mark.parametrize("notice_id", ["", "x", ID.upper(), ID.replace("-7", "-4"), "f" + ID[1:], ID + "\n"])
def test_no_id(notice_id: str) -> None:
    with pytest.raises(Refused, match="UUIDv7"):
        read_notice(notice_id, notice("https://p.example/"))


# -- through the hub's own door ----------------------------------------------------------------------------


@pytest.fixture
def hub(db_url: str, portal: Portal) -> Iterator[RunningHub]:
    config = HubConfig(db_url, MASTER, portals=signing(portal, SECRET))
    with RunningHub(db_url, MASTER, utc_now, config=config) as running:
        yield running


def answer(till: Till, raw: bytes, notice_id: str = ID) -> tuple[int, object]:
    url = f"{till.url}/till/v1/{till.site}/{till.till}/notices/{notice_id}"
    told = till.http.put(url, content=raw, headers=till.headers)
    return told.status_code, told.json()


def test_a_notice_goes_from_the_till_to_the_portal(till: Till, portal: Portal) -> None:
    assert answer(till, notice(portal.url)) == (200, {"accepted": True})
    wait_until(lambda: bool(portal.received))
    Webhook(SECRET).verify(portal.received[0].body, portal.received[0].headers)
    assert answer(till, notice(portal.url)) == (200, {"accepted": True})
    assert answer(till, notice(portal.url, data={})) == (409, {"detail": "other content", "holder": None})
    assert 'cashier_hub_alarms_total{kind="other_notice"} 1.0' in till.http.get(till.url + "/metrics").text
    assert answer(till, notice(portal.url), ID.replace("66", "67"))[0] == 200
    wait_until(lambda: len(portal.received) == 2)
    assert [request.key for request in portal.received] == [ID, ID.replace("66", "67")]


def test_what_is_no_notice_is_refused(till: Till) -> None:
    assert answer(till, b"{}")[0] == 422
    assert answer(till, notice("https://p.example/"), "1")[0] == 422
    assert answer(till, notice("https://p.example/", data={"x": "x" * NOTICE_MAX_BYTES}))[0] == 413
    till.headers = {"authorization": "Bearer x"}
    assert answer(till, notice("https://p.example/"))[0] == 401


async def test_the_till_s_client_gives_a_notice(till: Till, portal: Portal) -> None:
    async with httpx.AsyncClient(verify=tls()) as http:
        client = HubClient(http, till.url, till.site, till.till, till.key_text)
        for _ in range(2):
            await client.notify("A", ID, portal.url, "payment.recorded", DATA)
        with pytest.raises(Discrepancy):
            await client.notify("A", ID, portal.url, "payment.recorded", DATA | {"receipt": "A-000124"})
        with pytest.raises(Refused):
            await client.notify("A", "x", portal.url, "payment.recorded", DATA)
        await until(lambda: portal.received)
    told = Webhook(SECRET).verify(portal.received[0].body, portal.received[0].headers)
    assert told["data"] == DATA
