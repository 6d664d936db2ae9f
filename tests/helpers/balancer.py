"""What a load balancer does before hubs: each new connection goes to the next one that takes it."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

BACKLOG = 1_000


class Balancer:
    """Listens on a port of its own, on the loop it is entered on, while the `async with` block lasts.

    `cut` counts the connections that their hub ended first, `turned_away` those that no hub took.
    """

    def __init__(self, hubs: Sequence[str]) -> None:
        parts = [urlsplit(url) for url in hubs]
        self._hubs = [(str(part.hostname), int(part.port or 0)) for part in parts]
        self._turn = 0
        self._connecting: set[asyncio.Task[None]] = set()
        self._near: set[_End] = set()
        self.cut = 0
        self.turned_away = 0

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _End(self), "127.0.0.1", 0, backlog=BACKLOG)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._connecting:
            task.cancel()
        if self._connecting:
            await asyncio.wait(self._connecting)
        for end in list(self._near):
            end.transport.abort()
        await self._server.wait_closed()

    def connect(self, near: "_End") -> None:
        """A connection has come: find a hub for it."""
        self._near.add(near)
        task = asyncio.create_task(self._connect(near))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    def forget(self, end: "_End", was_cut: bool) -> None:
        """A connection has ended."""
        self._near.discard(end)
        self.cut += was_cut

    async def _connect(self, near: "_End") -> None:
        loop = asyncio.get_running_loop()
        self._turn += 1
        first = self._turn % len(self._hubs)
        for host, port in (*self._hubs[first:], *self._hubs[:first]):
            try:
                _, far = await loop.create_connection(lambda: _End(None), host, port)
            except OSError:
                continue
            near.join(far)
            return
        self.turned_away += 1
        near.transport.abort()


class _End(asyncio.Protocol):
    """One side of a relayed connection: what comes goes out at the other. The near one has a balancer."""

    transport: asyncio.Transport

    def __init__(self, balancer: Balancer | None) -> None:
        self._balancer = balancer
        self._other: _End | None = None
        self._is_gone = False

    def join(self, far: "_End") -> None:
        """Relay from now on."""
        self._other, far._other = far, self
        if self._is_gone:
            far.transport.abort()
        else:
            self.transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self._balancer is not None:
            transport.pause_reading()  # until there is somebody to pass it on to
            self._balancer.connect(self)

    def data_received(self, data: bytes) -> None:
        assert self._other is not None
        self._other.transport.write(data)

    def pause_writing(self) -> None:
        if self._other is not None:
            self._other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self._other is not None and not self._other.transport.is_closing():
            self._other.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self._is_gone = True
        other = self._other
        if self._balancer is not None:
            self._balancer.forget(self, was_cut=False)
        elif other is not None and not other._is_gone and other._balancer is not None:
            other._balancer.forget(other, was_cut=True)
        if other is not None and not other._is_gone:
            other.transport.close()
