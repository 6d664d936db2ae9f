"""Which portals the hub may talk to, and how safely: a till names the address, the operator names the hosts.

An address comes from a till, so it is not trusted (server-side request forgery): only https, only hosts on
the operator's list, no credentials in the address, and no address of a private network unless the operator
named that network, or the address itself, as well. The name is resolved by us, every address it has is
checked, and the connection goes to an address that was checked, so that a name cannot change its mind in
between.
"""

import ipaddress
import os
import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from standardwebhooks.webhooks import Webhook

from cashier.domain.errors import Refused

URL_MAX_CHARS = 2000
HOST_MAX_CHARS = 260
SECRETS_VARIABLE = "CASHIER_HUB_PORTAL_SECRETS"
#: What Standard Webhooks asks for: 24 to 64 bytes.
WEBHOOK_SECRET_MIN_BYTES, WEBHOOK_SECRET_MAX_BYTES = 24, 64

_DEFAULT_PORTS = {"https": 443, "http": 80}
_NOT_IN_A_TARGET = re.compile(rb"[^\x21-\x7e]")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class PortalUrl:
    """A portal's address in pieces. `netloc` is the normalised host, with its port unless it is the usual
    one.

    `host` is ASCII, without brackets; `target` the path and query byte for byte as given (only what cannot be
    in a request line is escaped).
    """

    scheme: str
    host: str
    port: int
    netloc: str
    target: bytes

    @property
    def literal(self) -> Address | None:
        """The address that the host is, when it is no name."""
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None

    def with_query(self, query: bytes) -> bytes:
        """The target with `query` appended to the address's own, which stays as it is."""
        if not query:
            return self.target
        joint = b"" if self.target.endswith((b"?", b"&")) else b"&" if b"?" in self.target else b"?"
        return self.target + joint + _NOT_IN_A_TARGET.sub(_escaped, query)


def parse_portal_url(url: str) -> PortalUrl:
    """Raises Refused for everything that is not a plain http or https address without credentials."""
    fault = Refused("This is not a plain https:// address of a portal.")
    if len(url) > URL_MAX_CHARS or not url.isprintable() or any(char in url for char in " \\#"):
        raise fault
    try:
        parsed, plain = httpx.URL(url), urlsplit(url)
    except (httpx.InvalidURL, ValueError, UnicodeError) as error:
        raise fault from error
    netloc = parsed.netloc.decode("ascii").lower()
    if (
        parsed.scheme not in _DEFAULT_PORTS
        or not parsed.host
        or parsed.userinfo
        or not (parsed.port is None or 0 < parsed.port < 65_536)
        or len(netloc) > HOST_MAX_CHARS
    ):
        raise fault
    target = (plain.path or "/") + ("?" + plain.query if "?" in url else "")
    return PortalUrl(
        scheme=parsed.scheme,
        host=parsed.raw_host.decode("ascii").strip("[]"),
        port=parsed.port or _DEFAULT_PORTS[parsed.scheme],
        netloc=netloc,
        target=_NOT_IN_A_TARGET.sub(_escaped, target.encode()),
    )


@dataclass(frozen=True)
class Portals:
    """What the operator allows. `hosts` and the keys of `secrets` are `netloc`s; no host: the relay is off.

    `networks` are private networks that portals may be in. `secrets` are the keys that notices to a host are
    signed with; two of them while one replaces the other. `training` allows http to this machine itself.
    """

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()
    secrets: Mapping[str, tuple[Webhook, ...]] = field(default_factory=dict, repr=False)
    training: bool = False

    @classmethod
    def of(
        cls,
        hosts: Sequence[str] = (),
        networks: Sequence[str] = (),
        secrets: Iterable[tuple[str, str]] = (),
        training: bool = False,
    ) -> "Portals":
        """From the operator's texts: `portal.example.org` or `host:8443`, `10.1.0.0/16`, `(host, whsec_…)`.

        Raises Refused for one that cannot be used; a secret is never in its words.
        """
        keys: dict[str, tuple[Webhook, ...]] = {}
        for host, secret in secrets:
            keys[_netloc(host)] = (*keys.get(_netloc(host), ()), _webhook(host, secret))
        try:
            known = tuple(ipaddress.ip_network(network) for network in networks)
        except ValueError as error:
            raise Refused(f"A portal network must look like 10.1.0.0/16: {error}.") from error
        return cls(frozenset(map(_netloc, hosts)), known, keys, training)

    def objection(self, url: PortalUrl) -> str | None:
        """Why nothing may be sent to this address, whatever its name resolves to; None: it may."""
        if url.netloc not in self.hosts:
            return "host not allowed"
        literal = url.literal
        here = url.host == "localhost" or (literal is not None and literal.is_loopback)
        if url.scheme != "https" and not (self.training and here):
            return "not https"
        return None

    def objection_to_addresses(self, url: PortalUrl, addresses: Sequence[str]) -> str | None:
        """Why no connection may be made to these addresses of the host; None: it may, to each of them."""
        if not addresses:
            return "host has no address"
        return None if all(self._may_reach(url, text) for text in addresses) else "private address"

    def _may_reach(self, url: PortalUrl, text: str) -> bool:
        # A link-local address may carry its interface.
        address = _unwrapped(ipaddress.ip_address(text.partition("%")[0]))
        if url.literal is not None and _unwrapped(url.literal) == address:
            return True  # The operator's own list names this very address.
        if any(address in network for network in self.networks):
            return True
        if self.training and address.is_loopback:
            return True
        return address.is_global and not address.is_multicast and not address.is_reserved


def read_portal_secrets(environ: Mapping[str, str], file: Path | None = None) -> list[tuple[str, str]]:
    """`(host, whsec_…)` pairs of `CASHIER_HUB_PORTAL_SECRETS`, else of a file that only its owner may read.

    Words: `host=whsec_…`, parted by white space; a host may come twice. None set: an empty list. Raises
    Refused for a file that cannot be read or is open to others, and for a word that is no such pair.
    """
    text = environ.get(SECRETS_VARIABLE, "")
    if not text.strip() and file is not None:
        try:
            mode = stat.S_IMODE(file.stat().st_mode)
            text = file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(f"The portal secrets {file} cannot be read.") from error
        # Windows has no such bits; there the folder's access list guards the file.
        if os.name == "posix" and mode & 0o077:
            raise Refused(f"The portal secrets {file} are open to others: run chmod 600 on the file.")
    pairs = []
    for number, word in enumerate(text.split(), 1):
        host, equals, secret = word.partition("=")
        if not (host and equals and secret):
            raise Refused(f"Portal secret number {number} is not host=whsec_…")
        pairs.append((host, secret))
    return pairs


def _netloc(host: str) -> str:
    """The normalised host of the operator's list."""
    try:
        url = parse_portal_url(f"https://{host}")
    except Refused as error:
        raise Refused(f"Portal host {host[:80]!r} is not such as portal.example.org or host:8443.") from error
    if url.target != b"/":
        raise Refused(f"Portal host {host[:80]!r} is a host without a path.")
    return url.netloc


def _webhook(host: str, secret: str) -> Webhook:
    fault = Refused(
        f"The portal secret of {host[:80]} is not whsec_ and the base64 of {WEBHOOK_SECRET_MIN_BYTES} to "
        f"{WEBHOOK_SECRET_MAX_BYTES} bytes."
    )
    # The library takes any text; a typing slip must not become a weak key.
    match = re.fullmatch(r"whsec_([A-Za-z0-9+/]+)={0,2}", secret)
    bits = 6 * len(match[1]) if match else 0
    if not WEBHOOK_SECRET_MIN_BYTES <= bits // 8 <= WEBHOOK_SECRET_MAX_BYTES:
        raise fault
    try:
        return Webhook(secret)
    except ValueError:
        raise fault from None


def _unwrapped(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that only wraps it; else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None) or address


def _escaped(match: re.Match[bytes]) -> bytes:
    return b"%%%02X" % match.group()[0]
