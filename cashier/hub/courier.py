"""Carrying one letter to its portal: what is sent, to which address, and what the answer means.

A postback goes as it was stored: same content type, same body bytes, its query appended to the portal
address's own. Only the value of BillerReference is replaced, and only where the announcement asked for it.
A notice goes signed (`hub.notices`). Redirects are not followed, and nothing of an answer but its status is
looked at.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote_plus, unquote_to_bytes

import httpx
import truststore

from cashier.hub.notices import signed_headers
from cashier.hub.portals import Portals, PortalUrl, parse_portal_url
from cashier.hub.relay_queue import NOTICE
from cashier.hub.relay_store import Letter

CONNECT_TIMEOUT_S, WRITE_TIMEOUT_S, READ_TIMEOUT_S = 5.0, 10.0, 25.0
CONNECTIONS_MAX = 64
#: An answer is read no further than this, and thrown away.
ANSWER_MAX_BYTES, ANSWER_MAX_S = 64 * 1024, 5.0

#: Refusals that a little patience may mend.
_PATIENCE = frozenset({408, 425, 429})
_BILLER_REFERENCE = b"billerreference"

Clock = Callable[[], datetime]
Resolve = Callable[[str, int], Awaitable[list[str]]]


@dataclass(frozen=True)
class Failure:
    """Why an attempt came to nothing; `error` is one of a few fixed words, fit for a log."""

    error: str
    status: int | None = None
    #: The portal, or the hub itself, refused it: trying again soon is pointless.
    rejected: bool = False


async def resolve_host(host: str, port: int) -> list[str]:
    """Every address of a host, as the system says. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for _, _, _, _, address in found))


def make_portal_client(tls: ssl.SSLContext | None = None) -> httpx.AsyncClient:
    """A client fit for strange hosts; `tls` None means the operating system's trusted certificates.

    No redirects, no proxy of the environment (it would resolve names again), and no connection is kept: a
    connection is found by its address alone, and another host at the same address must prove its own name.
    """
    return httpx.AsyncClient(
        verify=tls or truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(
            connect=CONNECT_TIMEOUT_S, write=WRITE_TIMEOUT_S, read=READ_TIMEOUT_S, pool=CONNECT_TIMEOUT_S
        ),
        limits=httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=0),
    )


def with_reference(form: bytes, reference: str) -> bytes:
    """Url-encoded bytes with only the value of every BillerReference replaced."""
    parts = form.split(b"&")
    for place, part in enumerate(parts):
        name = part.partition(b"=")[0]
        if unquote_to_bytes(name.replace(b"+", b" ")).lower() == _BILLER_REFERENCE:
            parts[place] = name + b"=" + quote_plus(reference).encode("ascii")
    return b"&".join(parts)


class Courier:
    """Takes letters to portals. The client is the caller's to make (`make_portal_client`) and to close.

    `resolve` is `resolve_host` but for tests.
    """

    def __init__(
        self, portals: Portals, http: httpx.AsyncClient, clock: Clock, resolve: Resolve = resolve_host
    ) -> None:
        self.portals = portals
        self._http = http
        self._clock = clock
        self._resolve = resolve
        self._reading: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Wait until every answer is read away; not long."""
        if self._reading:
            await asyncio.wait(self._reading)

    async def send(self, letter: Letter) -> int | Failure:
        """The portal's 2xx, or why there is none. Takes as long as the portal does."""
        url = parse_portal_url(letter.url)
        if (objection := self.portals.objection(url)) is not None:
            return Failure(objection, rejected=True)
        try:
            addresses = [url.host] if url.literal else await self._resolve(url.host, url.port)
        except (OSError, UnicodeError):
            return Failure("host not found")
        if (objection := self.portals.objection_to_addresses(url, addresses)) is not None:
            return Failure(objection, rejected=True)
        outcome: int | Failure = Failure("not reached")
        for address in addresses:
            try:
                status = await self._post(letter, url, address)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                outcome = Failure("not reached" if not _is_tls(error) else "no trusted certificate")
                continue  # Nothing was sent; the host's next address may do.
            except httpx.HTTPError:
                return Failure("no clear answer")
            if 200 <= status < 300:
                return status
            return Failure("refused" if status < 500 else "out of order", status, _is_rejected(status))
        return outcome

    async def _post(self, letter: Letter, url: PortalUrl, address: str) -> int:
        """The status of the answer. The name is proven by the certificate though we connect to an address."""
        headers = {
            "Host": url.netloc,
            "User-Agent": "cashier-hub-relay",
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "Connection": "close",
            "Idempotency-Key": letter.id,
            "X-Relay-Attempt": str(letter.attempts),
        }
        query, body = letter.query, letter.body
        if letter.kind == NOTICE:
            headers["Content-Type"] = "application/json"
            headers |= signed_headers(letter.id, body, self.portals.secrets[letter.host], self._clock())
        else:
            if letter.content_type:
                headers["Content-Type"] = letter.content_type
            if letter.portal_reference is not None:
                query = with_reference(query, letter.portal_reference)
                body = with_reference(body, letter.portal_reference)
        host = f"[{address}]" if ":" in address else address
        request = self._http.build_request(
            "POST",
            f"{url.scheme}://{host}:{url.port}/",
            headers=[(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()],
            content=body,
            # The target goes out byte for byte; a URL's own would be rewritten.
            extensions={"target": url.with_query(query), "sni_hostname": url.host},
        )
        response = await self._http.send(request, stream=True)
        # Its status stands, and can be recorded while the rest is read.
        reading = asyncio.create_task(_read_away(response), name=f"relay answer {letter.id}")
        self._reading.add(reading)
        reading.add_done_callback(self._reading.discard)
        return response.status_code


async def _read_away(response: httpx.Response) -> None:
    """Read a bounded answer to its end, so that the portal is not cut off while it works."""
    taken = 0
    try:
        async with asyncio.timeout(ANSWER_MAX_S):
            async for chunk in response.aiter_raw():
                taken += len(chunk)
                if taken > ANSWER_MAX_BYTES:
                    break
    except (httpx.HTTPError, TimeoutError):
        pass  # It said all that matters.
    finally:
        await response.aclose()


def _is_rejected(status: int) -> bool:
    """Refused, not just put off. A redirect is none of our business, and so a refusal, too."""
    return status < 500 and status not in _PATIENCE


def _is_tls(error: BaseException) -> bool:
    """Whether a connection failed over its certificate or its encryption."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
