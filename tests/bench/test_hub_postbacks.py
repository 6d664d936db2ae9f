"""How many postbacks a second the hub makes durable, against an endpoint that does nothing.

    .venv/bin/python -m pytest tests/bench/test_hub_postbacks.py --bench -s

One interleaved run: all servers are up, each is loaded in turn, round after round, over 64 connections, so
that whatever else the machine does falls on all alike. What is compared is each round's ratio to the no-op of
that round; the median of the rounds counts. Times do not carry over to other machines, ratios do.

The contenders, all on the same uvicorn with the same settings, each a process of its own:
- no-op: a bare Starlette route that takes the request in, looks at nothing and answers 204;
- SQLite, PostgreSQL: the hub as it is, every answer after a commit, commits shared by a group;
- the same two, every postback in a commit of its own.
"""

import json
import pickle
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest

from cashier.gateway.postback import PostbackClaims, mint_path, till_key_from_text
from cashier.hub.serve import enrol, utc_now
from cashier.hub.store import HubStore
from tests.helpers.postgres import PostgresServer

ROOT = Path(__file__).parents[2]
MASTER = b"a master secret for tests only, 40 bytes"
CONNECTIONS = 64
ROUNDS = 5
SECONDS = 2.0
REQUESTS = 2_000

NO_OP = """
import sys
from types import SimpleNamespace
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from cashier.hub.bell import Bell
from cashier.hub.serve import _listen, _Server, _url, settle_interpreter
async def nothing(request):
    await request.body()
    return Response(status_code=204)
app = Starlette(routes=[Route("/pb/v1/{site}/{token}", nothing, methods=["POST"])])
app.state.hub = SimpleNamespace(bell=Bell())
listener = _listen("127.0.0.1", 0)
def listening():
    settle_interpreter()
    print(_url(listener), flush=True)
_Server(app, listening).run(sockets=[listener])
"""
HUB = """
import sys
from cashier.hub.serve import serve
url, batch_max = sys.argv[1:]
secret = sys.stdin.readline().strip().encode()
serve(url, "127.0.0.1", 0, secret, lambda url: print(url, flush=True), batch_max=int(batch_max))
"""
SALE = {
    "BillerGUID": "5b5b0ff5-7c2e-4f0e-9d53-0b8f4a1c2d3e",
    "PaymentDate": "2/3/2026 9:00:00 AM",
    "InvoiceNumber": "BU5-00001-6",
    "Approved": "True",
    "CustomerName": "Robin Example",
    "CustomerAddress": "3 Sample Lane",
    "CustomerCity": "Sampletown",
    "CustomerState": "GA",
    "CustomerZip": "30001",
    "PaymentGUID": "8d1f0c52-3a77-4b67-a2a0-6d3c1f0e9b18",
    "PaymentAmount": "245.50",
    "PaymentDescription": "Commercial Sign Application",
    "PaymentTypeID": "1",
    "CardType": "VISA",
    "PaymentMessage": "APPROVED 727634",
    "ConvenienceFee": "2.50",
    "RemoteIP": "192.0.2.7",
}


def requests_for(key_text: str) -> list[bytes]:
    """Whole requests, each to a payment's own address."""
    key = till_key_from_text(key_text)
    made = []
    for number in range(REQUESTS):
        reference = f"A-0190a1b2c3d47e5f8a9b{number:012x}"
        claims = PostbackClaims(
            site="sampletown",
            till="A",
            reference=reference,
            amount_cents=24550,
            expires_at=datetime.now(UTC) + timedelta(days=30),
            nonce=f"{number:022d}",
        )
        body = urlencode(SALE | {"BillerReference": reference}).encode()
        head = (
            f"POST {mint_path(claims, key)} HTTP/1.1\r\nHost: hub.example.org\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


@contextmanager
def server(code: str, *words: str) -> Iterator[int]:
    """A server process while the block lasts; its port."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(MASTER + b"\n")
        process.stdin.flush()
        url = process.stdout.readline().decode().strip()
        assert url, process.communicate()[1].decode()
        yield int(url.rpartition(":")[2])
    finally:
        process.kill()
        process.communicate()


def load(port: int, requests: bytes) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("load.py")), str(port), str(CONNECTIONS), str(SECONDS)],
        input=requests,
        capture_output=True,
        check=True,
    )
    said: dict[str, float] = json.loads(done.stdout)
    assert said["bad"] == []
    return said


def stored(url: str) -> int:
    with HubStore(url) as store, store.engine.connect() as line:
        return int(line.exec_driver_sql("SELECT count(*) FROM postbacks").scalar_one())


@pytest.mark.usefixtures("bench")
def test_durable_postbacks_a_second(
    tmp_path: Path, postgres: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as stack:
        urls = {
            "SQLite": f"sqlite:///{tmp_path}/group.db",
            "SQLite, each": f"sqlite:///{tmp_path}/each.db",
            "PostgreSQL": stack.enter_context(postgres.database()),
            "PostgreSQL, each": stack.enter_context(postgres.database()),
        }
        for url in urls.values():
            key_text = enrol(url, MASTER, "sampletown", "A", utc_now)
        requests = pickle.dumps(requests_for(key_text))
        ports = {"no-op": stack.enter_context(server(NO_OP))}
        for name, url in urls.items():
            batch_max = "1" if name.endswith("each") else "256"
            ports[name] = stack.enter_context(server(HUB, url, batch_max))
        for port in ports.values():  # warm
            load(port, requests)
        before = {name: stored(url) for name, url in urls.items()}
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in ports}
        for _ in range(ROUNDS):
            for name, port in ports.items():
                runs[name].append(load(port, requests))
        for name, url in urls.items():
            answered = sum(run["answered"] for run in runs[name])
            assert stored(url) - before[name] == answered, f"{name}: not every 204 is a row"

    rates = {name: [run["answered"] / run["seconds"] for run in each] for name, each in runs.items()}

    def ratio(name: str, to: str) -> float:
        return statistics.median(one / other for one, other in zip(rates[name], rates[to], strict=True))

    with capsys.disabled():
        print(f"\n{CONNECTIONS} connections, medians of {ROUNDS} rounds of {SECONDS:g} s")
        for name, each in runs.items():
            p50, p99 = (statistics.median(run[key] for run in each) for key in ("p50_ms", "p99_ms"))
            print(
                f"{name:18} {statistics.median(rates[name]):8.0f}/s  {ratio(name, 'no-op'):5.2f} of no-op"
                f"   p50 {p50:6.1f} ms   p99 {p99:6.1f} ms"
            )
        for name in ("SQLite", "PostgreSQL"):
            print(f"{name}: {ratio(name, f'{name}, each'):.1f} times as many as with a commit for each")
    assert ratio("SQLite", "no-op") >= 0.5
    assert ratio("PostgreSQL", "no-op") >= 0.4
    assert ratio("SQLite", "SQLite, each") >= 2
    assert ratio("PostgreSQL", "PostgreSQL, each") >= 2
