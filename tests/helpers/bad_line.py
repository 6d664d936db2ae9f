"""A line to a server on which requests are dropped, answers are lost or cut, and some of it stalls."""

import asyncio
import contextlib
import random
import socket
import struct
from collections import Counter

from tests.end2end.gateway_line import GatewayLine

#: What becomes of a request, and how often of ten.
FATES = {"passed": 5, "dropped": 1, "answer lost": 2, "answer cut": 1, "stalled": 1}
STALL_S = 0.02


class BadLine(GatewayLine):
    """A relay before a server. Every request's fate is drawn; `fates` counts them. A kept connection ends
    with the first that is not passed.
    """

    def __init__(self, target: str, seed: int) -> None:
        super().__init__(target)
        self._chance = random.Random(seed)
        self.fates: Counter[str] = Counter()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._open |= {writer, far_writer}
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                while await self._pass_one(reader, writer, far_reader, far_writer):
                    pass
        finally:
            for end in (writer, far_writer):
                self._open.discard(end)
                _reset(end)

    async def _pass_one(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        far_reader: asyncio.StreamReader,
        far_writer: asyncio.StreamWriter,
    ) -> bool:
        """One request and its answer; whether the connection may be kept."""
        request = await _message(reader)
        if not request:
            return False
        fate = self._chance.choices(list(FATES), list(FATES.values()))[0]
        self.fates[fate] += 1
        if fate == "dropped":
            return False
        if fate == "stalled":
            await asyncio.sleep(STALL_S)
        far_writer.write(request)
        await far_writer.drain()
        answer = await _message(far_reader)
        if fate == "answer lost":
            return False
        writer.write(answer[: len(answer) // 2] if fate == "answer cut" else answer)
        await writer.drain()
        return fate != "answer cut"


async def _message(reader: asyncio.StreamReader) -> bytes:
    """A whole HTTP message with a Content-Length; empty at the end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    lengths = [
        int(line.partition(b":")[2])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    ]
    return head + await reader.readexactly(lengths[0] if lengths else 0)


def _reset(end: asyncio.StreamWriter) -> None:
    """Let go of a connection the hard way: the other side gets a reset."""
    own: socket.socket = end.get_extra_info("socket")
    with contextlib.suppress(OSError):
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.transport.abort()
