"""The till's client against the real hub, and against lines and servers that fail."""

import ast
import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from cashier.domain.errors import CashierError, InDoubt, Refused, Unavailable
from cashier.gateway.postback import parse_postback
from cashier.hub import client as client_module
from cashier.hub.client import HubClient, HubPostback
from cashier.hub.serve import RunningHub

from .conftest import FORM, Till


@pytest.fixture
async def line() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as http:
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
    assert {name for name in names if name and name.startswith("cashier")} == {"cashier.domain.errors"}
