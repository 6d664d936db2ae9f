"""A sandbox on a real socket, and a biller that receives its postbacks on another."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import simplejson

from cashier.sandbox.config import SandboxConfig
from cashier.sandbox.serve import RunningSandbox
from tests.sandbox.payer import Payer

SAMPLES = Path(__file__).parents[1] / "data" / "samples"
PROFILES = ("cloudpermit", "grancius", "leadsonline", "mcci", "sagesgov")
KEY = "training-api-key"
WAIT_S = 10.0
NOW = datetime(2026, 2, 3, 10, 14, 3, tzinfo=UTC)


class Biller:
    """Receives postbacks; `statuses` are the answers to come (204 when used up), `on_post` runs before."""

    def __init__(self) -> None:
        self.forms: list[dict[str, str]] = []
        self.queries: list[dict[str, str]] = []
        self.statuses: list[int] = []
        self.on_post: Callable[[], None] = lambda: None
        self._changed = threading.Condition()
        biller = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                biller.on_post()
                with biller._changed:
                    biller.forms.append(dict(parse_qsl(body, keep_blank_values=True)))
                    query = urlsplit(self.path).query
                    biller.queries.append(dict(parse_qsl(query, keep_blank_values=True)))
                    status = biller.statuses.pop(0) if biller.statuses else 204
                    biller._changed.notify_all()
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/pb?payment-id=7"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def wait(self, count: int) -> list[dict[str, str]]:
        """The forms received, once there are `count` of them."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.forms) >= count, WAIT_S), self.forms
            return list(self.forms)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(WAIT_S)


def sample(profile: str, **changes: Any) -> dict[str, Any]:
    """A partner's CPV2 request; amounts exact."""
    request = simplejson.loads((SAMPLES / f"{profile}.json").read_text(), use_decimal=True)
    return {**request, **changes}


class Counter:
    """A counter's side of one sandbox: registers payments and looks at what became of them."""

    def __init__(self, sandbox: RunningSandbox, biller: Biller, stack: ExitStack) -> None:
        self.sandbox = sandbox
        self.biller = biller
        self._stack = stack

    def call(
        self, request: dict[str, Any] | bytes, key: str = KEY, timeout: float = WAIT_S
    ) -> httpx.Response:
        body = request if isinstance(request, bytes) else simplejson.dumps(request).encode()
        return self.sandbox.control.post(
            "/cloudpaymentsapi/v2", content=body, auth=(key, ""), timeout=timeout
        )

    def register(self, profile: str = "cloudpermit", **changes: Any) -> Payer:
        """Registers a sample whose postbacks come to the biller, and hands it to a payer."""
        answer = self.call(sample(profile, **{"PostBackURL": self.biller.url, **changes}))
        assert answer.status_code == 200, answer.text
        return self._stack.enter_context(Payer(answer.json()["Data"]["CloudPaymentURL"]))

    def payment(self) -> dict[str, Any]:
        """The only payment."""
        (payment,) = self.sandbox.payments()
        return payment

    def wait_postbacks(self, count: int, state: str = "delivered") -> list[dict[str, Any]]:
        """The only payment's postbacks once `count` of them are in `state`."""
        deadline = time.monotonic() + WAIT_S
        while True:
            postbacks: list[dict[str, Any]] = self.payment()["postbacks"]
            if [postback["state"] for postback in postbacks] == [state] * count:
                return postbacks
            assert time.monotonic() < deadline, postbacks

    def wait_all_told(self) -> None:
        """Until every postback of every payment is delivered."""
        deadline = time.monotonic() + WAIT_S
        while any(
            postback["state"] != "delivered"
            for payment in self.sandbox.payments()
            for postback in payment["postbacks"]
        ):
            assert time.monotonic() < deadline


Start = Callable[..., Counter]


@pytest.fixture
def biller() -> Iterator[Biller]:
    biller = Biller()
    yield biller
    biller.close()


@pytest.fixture
def start(biller: Biller) -> Iterator[Start]:
    """Starts a sandbox with the given settings; back-off and steps are short, the clock stands still."""
    with ExitStack() as stack:

        def start_sandbox(**settings: Any) -> Counter:
            numbers = iter(range(1, 1000))
            config = SandboxConfig(
                **{
                    "postback_backoff_s": 0.01,
                    "slow_s": 0.3,
                    "late_s": None,
                    "clock": lambda: NOW,
                    "new_uuid": lambda: uuid.UUID(int=next(numbers)),
                    **settings,
                }
            )
            return Counter(stack.enter_context(RunningSandbox(config)), biller, stack)

        yield start_sandbox


@pytest.fixture
def counter(start: Start) -> Counter:
    """A sandbox with no faults."""
    return start()
