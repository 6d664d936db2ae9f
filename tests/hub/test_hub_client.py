"""The till's client against the real hub, and against lines and servers that fail."""

import ast
import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from cashier.domain.errors import CashierError, Discrepancy, Held, InDoubt, Refused, TooBusy, Unavailable
from cashier.domain.money import Cents
from cashier.domain.payment import InvoiceShare, PaymentState
from cashier.domain.postback import Approved
from cashier.domain.settlement import HubCharge
from cashier.gateway.postback import parse_postback
from cashier.hub import client as client_module
from cashier.hub.client import HubClient, HubPostback
from cashier.hub.serve import RunningHub
from cashier.till.ports import Holds, Portal, Quarantined
from tests.helpers.tls import tls

from .conftest import FORM, NOW, Clock, Till


@pytest.fixture
async def line() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=tls()) as http:
        yield http


@pytest.fixture
def client(line: httpx.AsyncClient, till: Till) -> HubClient:
    return HubClient(line, till.url, till.site, till.till, till.key_text)


async def test_pull_then_ack(client: HubClient, till: Till) -> None:
    assert till.post(till.path("A-1")) == 204
    (postback,) = await client.pull(0, 10)
    assert postback == HubPostback(
        id=postback.id,
        received_at="2026-02-03T09:00:00.000Z",
        reference="A-1",
        amount_cents=24550,
        content_type="application/x-www-form-urlencoded",
        query=b"",
        body=FORM,
        scrubbed=False,
    )
    assert parse_postback(postback.query, postback.body).payment_amount_cents == 24550
    await client.ack([postback.id])
    await client.ack([postback.id])
    await client.ack([])
    assert await client.pull(0) == []


async def test_a_waiting_pull_is_woken(client: HubClient, till: Till, hub: RunningHub) -> None:
    waiting = asyncio.create_task(client.pull(25))
    async with asyncio.timeout(10):
        while not hub.state.bell.listeners:
            await asyncio.sleep(0)
        assert await asyncio.to_thread(till.post, till.path("A-5")) == 204
        assert [postback.reference for postback in await waiting] == ["A-5"]


async def test_health(client: HubClient) -> None:
    await client.health()


async def test_a_wrong_key_is_refused(line: httpx.AsyncClient, till: Till) -> None:
    stranger = HubClient(line, till.url, till.site, till.till, "x" * 43)
    for call in (stranger.pull(0), stranger.ack(["x"])):
        with pytest.raises(Refused, match="enrol"):
            await call


async def test_nobody_there_is_unavailable(line: httpx.AsyncClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    nobody = HubClient(line, f"http://127.0.0.1:{port}", "s", "A", "k")
    for call in (nobody.pull(0), nobody.ack(["x"]), nobody.health()):
        with pytest.raises(Unavailable):
            await call


@pytest.mark.parametrize("url", ["nonsense", "ftp://example.org", "http://[bad"])
async def test_addresses_that_are_none(line: httpx.AsyncClient, url: str) -> None:
    with pytest.raises((Refused, Unavailable)):
        await HubClient(line, url, "s", "A", "k").pull(0)


async def test_a_lost_answer(line: httpx.AsyncClient) -> None:
    """The server hangs up after it has heard: for an acknowledgement that is in doubt."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        rude = HubClient(line, f"http://127.0.0.1:{port}", "s", "A", "k")
        with pytest.raises(Unavailable):
            await rude.pull(0)
        with pytest.raises(InDoubt):
            await rude.ack(["x"])


def answering(status: int, content: bytes) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _request: httpx.Response(status, content=content)


def row(**changes: object) -> bytes:
    good = {
        "id": "i",
        "received_at": "t",
        "reference": "r",
        "amount_cents": 1,
        "content_type": "",
        "query": base64.b64encode(b"q").decode(),
        "body": "",
        "scrubbed": False,
    }
    return json.dumps({"postbacks": [good | changes]}).encode()


@pytest.mark.parametrize(
    ("status", "content", "pulling", "acknowledging"),
    [
        (401, b"", Refused, Refused),
        (403, b"", Refused, Refused),
        (404, b"", Refused, Refused),
        (422, b"", Refused, Refused),
        (429, b"", Unavailable, Unavailable),
        (302, b"", Unavailable, Unavailable),
        (204, b"", Unavailable, Unavailable),
        (500, b"", Unavailable, InDoubt),
        (503, b"", Unavailable, InDoubt),
        (200, b"<html>sign in to the wireless network", Unavailable, InDoubt),
        (200, b"{}", Unavailable, None),
        (200, b"[]", Unavailable, None),
        (200, b'{"postbacks": [{}]}', Unavailable, None),
        (200, row(id=7), Unavailable, None),
        (200, row(amount_cents="1"), Unavailable, None),
        (200, row(amount_cents=1.5), Unavailable, None),
        (200, row(query="not base64"), Unavailable, None),
        (200, row(body=None), Unavailable, None),
    ],
)
async def test_what_answers_become(
    status: int, content: bytes, pulling: type[CashierError], acknowledging: type[CashierError] | None
) -> None:
    transport = httpx.MockTransport(answering(status, content))
    async with httpx.AsyncClient(transport=transport) as http:
        client = HubClient(http, "http://hub.invalid/", "s", "A", "k")
        with pytest.raises(pulling):
            await client.pull(0)
        if acknowledging is None:
            await client.ack(["x"])
        else:
            with pytest.raises(acknowledging):
                await client.ack(["x"])


async def test_a_good_row_is_read() -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(answering(200, row()))) as http:
        (postback,) = await HubClient(http, "http://hub.invalid", "s", "A", "k").pull(0)
    assert (postback.query, postback.body) == (b"q", b"")


def test_the_client_knows_nothing_of_the_service() -> None:
    tree = ast.parse(Path(client_module.__file__).read_text())
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)} | {
        alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    ours = {name for name in names if name and name.startswith("cashier")}
    assert ours == {
        "cashier.domain.entries",
        "cashier.domain.errors",
        "cashier.domain.outbox",
        "cashier.domain.payment",
        "cashier.domain.postback",
        "cashier.domain.settlement",
        "cashier.domain.site",
        "cashier.till.ports",
    }


# --- holds, quarantine and charges

SHARES = (InvoiceShare("BU5-6", Cents(14500)),)


@pytest.fixture
def other(line: httpx.AsyncClient, till: Till, hub: RunningHub) -> HubClient:
    return HubClient(line, till.url, till.site, "B", hub.enrol("sampletown", "B"))


async def test_the_client_is_what_the_till_asks_for(client: HubClient) -> None:
    holds: Holds = client
    await holds.announce("A-1", "building", 14500, SHARES, None)
    assert await holds.held() == ["A-1"]


async def test_the_life_of_a_hold(client: HubClient, other: HubClient) -> None:
    portal = Portal("https://portal.example.org/pb", "J_1|2")
    for _ in range(2):
        await client.announce("A-1", "building", 14500, SHARES, portal)
    with pytest.raises(Held) as caught:
        await other.announce("B-1", "building", 14500, SHARES, None)
    held = caught.value
    assert (held.invoice, held.till, held.reference) == ("BU5-6", "A", "A-1")
    assert held.since == "2026-02-03T09:00:00.000Z"
    with pytest.raises(Discrepancy):
        await client.announce("A-1", "building", 14501, SHARES, portal)
    for _ in range(2):
        await client.settled("A-1", PaymentState.APPROVED)
    assert await client.held() == []
    await other.announce("B-1", "building", 14500, SHARES, None)
    await client.settled("A-never-announced", PaymentState.ABANDONED)


async def test_what_cannot_be_announced_is_refused(client: HubClient) -> None:
    with pytest.raises(Refused, match="422"):
        await client.announce("A-1", "building", 14500, (), None)
    with pytest.raises(Refused, match="404"):
        await client.settled("A/../../B", PaymentState.APPROVED)
    with pytest.raises(Refused, match="422"):
        await client.settled("A-1", PaymentState.OPEN)


async def test_the_quarantine(client: HubClient, till: Till) -> None:
    await client.announce("A-1", "building", 14500, SHARES, None)
    assert till.post(till.path("A-1")) == 204
    (item,) = await client.quarantined()
    assert item == Quarantined(
        id=item.id,
        received_at="2026-02-03T09:00:00.000Z",
        reason="names an invoice that was not announced",
        reference="A-1",
        invoice="700001",
        amount="245.50",
        till="A",
    )


async def test_charges(client: HubClient, till: Till, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "CHARGES_PAGE", 2)
    for number in range(5):
        clock.at = NOW + timedelta(days=number)
        assert till.post(till.path(f"A-{number}"), FORM + b"&ConvenienceFee=1.00&PaymentGUID=g") == 204
    first, last = (NOW + timedelta(days=1)).date(), (NOW + timedelta(days=3)).date()
    found = await client.charges(first, last)
    assert [charge.reference for charge in found] == ["A-1", "A-2", "A-3"]
    assert found[0] == HubCharge(
        seq=found[0].seq,
        id=found[0].id,
        till="A",
        received_at="2026-02-04T09:00:00.000Z",
        reference="A-1",
        approved=Approved.YES,
        invoice="700001",
        payment_guid="g",
        amount_cents=24550,
        fee_cents=100,
        payment_date="",
    )
    assert await client.charges(last, first) == []


async def test_a_lost_answer_to_an_announcement_is_in_doubt(line: httpx.AsyncClient) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        rude = HubClient(line, f"http://127.0.0.1:{port}", "s", "A", "k")
        with pytest.raises(InDoubt):
            await rude.announce("A-1", "building", 14500, SHARES, None)
        with pytest.raises(InDoubt):
            await rude.settled("A-1", PaymentState.APPROVED)
        for asking in (rude.held(), rude.quarantined(), rude.charges(NOW.date(), NOW.date())):
            with pytest.raises(Unavailable):
                await asking


HELD = b'{"detail": "held", "holder": {"till": "B", "reference": "B-1", "since": "2026", "invoice": "x"}}'


@pytest.mark.parametrize(
    ("status", "content", "announcing", "settling"),
    [
        (401, b"", Refused, Refused),
        (404, b"", Refused, Refused),
        (409, HELD, Held, Held),
        (409, b'{"detail": "other content", "holder": null}', Discrepancy, Discrepancy),
        (409, b'{"detail": "held", "holder": null}', InDoubt, InDoubt),
        (409, b"<html>", InDoubt, InDoubt),
        (409, b"[]", InDoubt, InDoubt),
        (429, b"", TooBusy, TooBusy),
        (503, b"", InDoubt, InDoubt),
        (302, b"", Unavailable, Unavailable),
        (200, b"<html>", InDoubt, InDoubt),
    ],
)
async def test_what_answers_to_announcements_become(
    status: int, content: bytes, announcing: type[CashierError], settling: type[CashierError]
) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(answering(status, content))) as http:
        client = HubClient(http, "http://hub.invalid/", "s", "A", "k")
        with pytest.raises(announcing) as caught:
            await client.announce("A-1", "building", 14500, SHARES, None)
        assert type(caught.value) is announcing
        with pytest.raises(settling):
            await client.settled("A-1", PaymentState.APPROVED)


@pytest.mark.parametrize(
    ("text", "seconds"), [("7", 7.0), ("", None), ("Wed, 21 Oct", None), ("-1", None), ("9" * 30, None)]
)
async def test_how_long_to_wait(text: str, seconds: float | None) -> None:
    def busy(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(429, headers={"retry-after": text})

    async with httpx.AsyncClient(transport=httpx.MockTransport(busy)) as http:
        with pytest.raises(TooBusy) as caught:
            await HubClient(http, "http://hub.invalid/", "s", "A", "k").held()
    assert caught.value.retry_after_s == seconds


@pytest.mark.parametrize(
    "content",
    [
        b"[]",
        b"{}",
        b'{"held": {}, "quarantined": {}, "charges": {}}',
        b'{"held": [1], "quarantined": [1], "charges": [1]}',
        b'{"held": [{}], "quarantined": [{}], "charges": [{}]}',
        b'{"held": [{"reference": 1}], "quarantined": [{"id": 1}], "charges": [{"seq": true}]}',
        b'{"held": [null], "quarantined": [null], "charges": [{"seq": 0, "approved": "perhaps"}]}',
    ],
)
async def test_answers_that_cannot_be_read(content: bytes) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(answering(200, content))) as http:
        client = HubClient(http, "http://hub.invalid/", "s", "A", "k")
        for asking in (client.held(), client.quarantined(), client.charges(NOW.date(), NOW.date())):
            with pytest.raises(Unavailable):
                await asking
