"""The shipped profiles, the five sale files, and a real HTTP service on a real socket."""

import asyncio
import datetime as dt
import json
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from cashier.domain.sale import Sale
from cashier.gateway.profiles import Profile, load_profiles
from cashier.gateway.salefile import load_sale
from cashier.gateway.salemembers import BillerLimits

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests" / "data" / "samples"
SALES = ROOT / "tests" / "data" / "sales"
TODAY = dt.date(2026, 2, 3)


@pytest.fixture(scope="session")
def profiles() -> dict[str, Profile]:
    return load_profiles(ROOT / "resources" / "profiles")


@pytest.fixture
def sale_of(profiles: dict[str, Profile]) -> Callable[[str], Sale]:
    """The sale of one of the five sale files."""
    return lambda name: load_sale(SALES / f"{name}.json", profiles, BillerLimits(), TODAY)


@pytest.fixture
def members_of() -> Callable[[str], dict[str, Any]]:
    """The members of one of the five sale files, to be changed by the test."""
    return lambda name: json.loads((SALES / f"{name}.json").read_text())


@pytest.fixture
def sample_of() -> Callable[[str], str]:
    """A partner's sample request, as printed."""
    return lambda name: (SAMPLES / f"{name}.json").read_text()


class Service:
    """Answers each connection's first request with `answer`, as it stands; None means never.

    While there are `answers`, each request gets the next of them instead.
    """

    def __init__(self) -> None:
        self.answer: bytes | None = b""
        self.answers: list[bytes] = []
        self.eager = False  # answer before anything was asked
        self.requests: list[tuple[bytes, bytes]] = []
        self.url = ""
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    def say(self, status: str, body: bytes, *headers: str) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
        self.answer = "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def then(self, status: str, body: bytes, *headers: str) -> None:
        """What the next request gets that nothing is planned for yet."""
        kept = self.answer
        self.say(status, body, *headers)
        assert self.answer is not None
        self.answers.append(self.answer)
        self.answer = kept

    def head(self) -> dict[str, str]:
        """Headers of the last request, names in small letters."""
        lines = self.requests[-1][0].decode().split("\r\n")[1:]
        return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines) if name}

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        try:
            if self.eager and self.answer:
                writer.write(self.answer)
            head = await reader.readuntil(b"\r\n\r\n")
            length = 0
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            self.requests.append((head, await reader.readexactly(length)))
            answer = self.answers.pop(0) if self.answers else self.answer
            if answer is None:
                return  # the connection stays open until the test ends
            writer.write(answer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client hung up, which some tests want
        if self.answer is not None:
            writer.close()

    async def stop(self) -> None:
        for writer in self._writers:
            writer.close()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    one = Service()
    await one.start()
    yield one
    await one.stop()
