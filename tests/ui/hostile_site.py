"""A real HTTP server for pages that try to get out, recording every request that reaches it.

Two of them on two loopback addresses stand for the gateway (127.0.0.1) and for a foreign host (127.0.0.2,
which the lock-down does not take for this machine).
"""

import datetime
import ipaddress
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

GATEWAY_HOST = "127.0.0.1"
FOREIGN_HOST = "127.0.0.2"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the site answers at one path."""

    body: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def redirect(url: str) -> Reply:
    """A reply that sends the browser to `url`."""
    return Reply(status=302, headers={"Location": url})


@dataclass(frozen=True, slots=True)
class Seen:
    """One request that arrived; `path` with its query."""

    method: str
    path: str
    headers: Mapping[str, str]


class HostileSite:
    """A web server on a free port of `host`; an unknown path answers an empty 200, so that nothing fails."""

    def __init__(self, host: str = GATEWAY_HOST, tls: ssl.SSLContext | None = None) -> None:
        self.pages: dict[str, Reply] = {}
        self.broken: list[BaseException | None] = []
        self._seen: list[Seen] = []
        self._lock = Lock()
        site = self

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                # A browser that refuses our certificate breaks the connection off: that is what is tested.
                site.broken.append(sys.exc_info()[1])

        class Handler(BaseHTTPRequestHandler):
            # A connection that Chromium opens in advance and never uses must not keep a thread for good.
            timeout = 30

            def do_GET(self) -> None:
                site._answer(self)

            do_POST = do_HEAD = do_OPTIONS = do_PUT = do_GET

            def log_message(self, format: str, *args: Any) -> None:
                """Requests are recorded, not printed."""

        self._server = Server((host, 0), Handler)
        self.scheme = "https" if tls else "http"
        if tls:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.host = host
        self.port = int(self._server.server_address[1])
        self.origin = f"{self.scheme}://{host}:{self.port}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def page(self, path: str, body: str, **headers: str) -> str:
        """Serve an HTML document whose body is `body` at `path`; its URL is returned."""
        document = f"<!doctype html><html><head><title>start</title></head><body>{body}</body></html>"
        self.pages[path] = Reply(
            document, headers={key.replace("_", "-"): text for key, text in headers.items()}
        )
        return self.origin + path

    @property
    def seen(self) -> list[Seen]:
        """Every request so far, in order of arrival."""
        with self._lock:
            return list(self._seen)

    @property
    def paths(self) -> list[str]:
        """The paths of `seen`."""
        return [request.path for request in self.seen]

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        handler.rfile.read(length)
        with self._lock:
            self._seen.append(Seen(handler.command, handler.path, dict(handler.headers.items())))
        reply = self.pages.get(handler.path.partition("?")[0], Reply())
        body = reply.body.encode()
        handler.send_response(reply.status)
        for name, text in {"Content-Type": "text/html; charset=utf-8", **reply.headers}.items():
            handler.send_header(name, text)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


def self_signed(folder: Path, host: str = GATEWAY_HOST) -> tuple[ssl.SSLContext, bytes]:
    """A server context with a certificate for `host` that nobody has signed, and that certificate as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hostile.example")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    path = folder / "hostile.pem"
    path.write_bytes(
        pem
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context, pem
