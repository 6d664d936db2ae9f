"""A load generator, a process of its own: POSTs over kept connections for so many seconds.

    python load.py PORT CONNECTIONS SECONDS < requests

Standard input is a pickled list of whole requests; the connections send them in turn. Prints JSON: requests
answered, seconds, answers that were not 204, and the latencies of the median and of 99 in 100 in ms.
Nothing here parses more of HTTP than it must, so that the server is what is measured.
"""

import asyncio
import json
import pickle
import sys
import time
from itertools import cycle

GOOD = b"HTTP/1.1 204 "


class Connection(asyncio.Protocol):
    """Sends a request, waits for its answer (which has no body), and so on until the time is over."""

    def __init__(
        self, requests: "cycle[bytes]", until: float, latencies: list[float], bad: list[bytes]
    ) -> None:
        self.requests, self.until, self.latencies, self.bad = requests, until, latencies, bad
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.send()

    def send(self) -> None:
        self.began = time.perf_counter()
        if self.began >= self.until:
            self.transport.close()
        else:
            self.transport.write(next(self.requests))

    def data_received(self, data: bytes) -> None:
        self.answer += data
        if not self.answer.endswith(b"\r\n\r\n") and self.answer.startswith(GOOD):
            return
        self.latencies.append(time.perf_counter() - self.began)
        if not self.answer.startswith(GOOD):
            self.bad.append(self.answer)
            self.transport.close()
        self.answer = b""
        self.send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def main(port: int, connections: int, seconds: float, requests: list[bytes]) -> None:
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    bad: list[bytes] = []
    began = time.perf_counter()
    turn = cycle(requests)
    made = [
        await loop.create_connection(
            lambda: Connection(turn, began + seconds, latencies, bad), "127.0.0.1", port
        )
        for _ in range(connections)
    ]
    for _, connection in made:
        await connection.done
    took = time.perf_counter() - began
    latencies.sort()
    print(
        json.dumps(
            {
                "answered": len(latencies),
                "seconds": took,
                "bad": [answer.decode(errors="replace")[:200] for answer in bad[:3]],
                "p50_ms": latencies[len(latencies) // 2] * 1000,
                "p99_ms": latencies[len(latencies) * 99 // 100] * 1000,
            }
        )
    )


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), pickle.load(sys.stdin.buffer)))
