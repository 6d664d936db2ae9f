"""A permit portal for tests: a real little HTTP server that keeps what it was sent, byte for byte."""

import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

OK = 204
#: Closes the line after it took the request: the answer is lost.
LOST = 0


@dataclass(frozen=True)
class Received:
    """One request. Names of headers are lower case."""

    target: bytes
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str:
        return self.headers["idempotency-key"]

    @property
    def attempt(self) -> int:
        return int(self.headers["x-relay-attempt"])


@dataclass
class Portal:
    """Answers what `answer` says, a status or LOST, while the `with` block lasts; port 0 picks a free one.

    While `open` is clear it takes requests and keeps them waiting for their answer.
    """

    answer: Callable[[Received], int] = lambda _: OK
    answer_headers: dict[str, str] = field(default_factory=dict)
    answer_body: bytes = b""
    port: int = 0
    tls: ssl.SSLContext | None = None
    received: list[Received] = field(default_factory=list)
    open: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self.open.set()
        portal = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 30

            def do_POST(self) -> None:
                portal._serve(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = _Server(("127.0.0.1", self.port), Handler)
        if self.tls is not None:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def netloc(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.netloc}/postback"

    @property
    def references(self) -> list[str]:
        """The BillerReference of each body received, in order."""
        return [
            request.body.decode().partition("BillerReference=")[2].partition("&")[0]
            for request in self.received
        ]

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        request = Received(handler.path.encode("latin-1"), headers, body)
        self.received.append(request)
        self.open.wait(30)
        status = self.answer(request)
        if status == LOST:
            handler.close_connection = True
            return
        handler.send_response(status)
        for name, value in self.answer_headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(self.answer_body)


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away in the middle is what some tests are about."""
