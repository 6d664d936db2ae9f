"""Where the payment page may go: a pure value, decided on text, without Qt.

Invoice Cloud contract, section 2: the real page loads scripts from other hosts (reCAPTCHA), so the lock-down
restricts top-level navigation to the gateway's own origins and the return URL; sub-resources only have to be
encrypted. The return URL is a hint: it is recognised and never requested.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import NamedTuple, Self
from urllib.parse import SplitResult, urlsplit

from cashier.domain.errors import Refused

DEFAULT_PORTS = {"https": 443, "wss": 443, "http": 80, "ws": 80}
ENCRYPTED = frozenset({"https", "wss"})
PLAIN = frozenset({"http", "ws"})
IN_PAGE = frozenset({"data", "blob"})
"""Content the page carries in itself: no connection is made for it."""

EMPTY_FRAMES = frozenset({"about:blank", "about:srcdoc"})
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})
HOST_DIGITS_MAX = 12
"""An IPv4 address has at most 12 digits, a card number at least 13."""


class Verdict(Enum):
    """What happens to a navigation. RETURN: the payer came back; tell it, and never request the URL."""

    ALLOW = "allow"
    RETURN = "return"
    BLOCK = "block"


class Blocked(StrEnum):
    """What the lock-down stopped; the `kind` of `PaymentView.blocked`."""

    NAVIGATION = "navigation"
    RESOURCE = "resource"
    POPUP = "popup"
    DOWNLOAD = "download"
    CERTIFICATE = "certificate"
    PERMISSION = "permission"
    AUTHENTICATION = "authentication"
    DIALOG = "dialog"
    FILE = "file"
    PRINT = "print"
    CLIPBOARD = "clipboard"
    FULLSCREEN = "fullscreen"
    SCREEN = "screen"


class Origin(NamedTuple):
    """Scheme, host and port, each compared exactly; host in lower case, port always a number."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class TopLevelPolicy:
    """The origins a payment page may show at top level, and the URL that means "the payer came back".

    `return_origin` is None for a partner whose page has no return URL. Build it with `of`, which checks.
    """

    origins: frozenset[Origin]
    return_origin: Origin | None
    return_path: str
    training: bool

    @classmethod
    def of(cls, origins: Iterable[str], return_url: str | None, *, training: bool = False) -> Self:
        """Check and take in `origins` such as `https://www.invoicecloud.com` and the whole return URL.

        Only https is taken. Training takes origins on this machine only, there also http: so a page where a
        real card could be typed never counts as training. Raises `Refused` with one fault per bad address.
        """
        faults: list[str] = []
        parsed: set[Origin] = set()
        for text in origins:
            parts = _split(text)
            origin = _origin(parts, training) if parts else None
            if (
                origin is None
                or parts is None
                or parts.path not in ("", "/")
                or parts.query
                or parts.fragment
            ):
                faults.append(f"payment page origin: {text!r} is not https://host[:port]")
            elif training and origin.host not in LOOPBACK_HOSTS:
                faults.append(f"payment page origin: {text!r} is not on this machine, as training needs it")
            else:
                parsed.add(origin)
        if not parsed and not faults:
            faults.append("payment page origin: none is given")
        return_parts = _split(return_url) if return_url else None
        return_origin = _origin(return_parts, training) if return_parts else None
        if return_url and return_origin is None:
            faults.append("return URL: it is not an https address")
        if faults:
            raise Refused("The payment page's addresses are not set up correctly.", tuple(faults))
        path = (return_parts.path or "/") if return_parts else ""
        return cls(frozenset(parsed), return_origin, path, training)

    def decide(self, url: str, is_main_frame: bool) -> Verdict:
        """What to do with a navigation to the fully encoded `url`. Total: any odd text is BLOCK.

        The query of the return URL is not compared, as the gateway may add to it; its path is matched whole
        or up to a `/`. A sub-frame may show any encrypted page (reCAPTCHA lives in one) or an empty one.
        """
        if not is_main_frame and url in EMPTY_FRAMES:
            return Verdict.ALLOW
        parts = _split(url)
        origin = _origin(parts, self.training) if parts else None
        if parts is None or origin is None:
            return Verdict.BLOCK
        if origin == self.return_origin and self._is_return_path(parts.path or "/"):
            return Verdict.RETURN
        if not is_main_frame or origin in self.origins:
            return Verdict.ALLOW
        return Verdict.BLOCK

    def allows_resource(self, url: str) -> bool:
        """Whether a sub-resource (script, image, fetch, socket …) of the page may be loaded from `url`."""
        scheme = url.partition(":")[0].lower()
        if scheme in IN_PAGE:
            return True
        parts = _split(url)
        return parts is not None and _origin(parts, self.training, sockets=True) is not None

    def _is_return_path(self, path: str) -> bool:
        return path == self.return_path or (
            self.return_path != "/" and path.startswith(self.return_path.rstrip("/") + "/")
        )


def host_of(url: str) -> str:
    """The host of `url` for a log line: never a path or query, and nothing that could carry a card number."""
    parts = _split(url)
    if parts is None or not parts.hostname:
        return ""
    digits = sum(character.isdigit() for character in parts.hostname)
    return parts.hostname if digits <= HOST_DIGITS_MAX else "(withheld)"


def _split(url: str) -> SplitResult | None:
    # Chromium and Python read these characters differently, so an address with one is refused.
    if "\\" in url or any(ord(character) <= 0x20 or ord(character) == 0x7F for character in url):
        return None
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _origin(parts: SplitResult, training: bool, *, sockets: bool = False) -> Origin | None:
    """The origin, or None if the address is not encrypted, carries a user name, or has no usable host."""
    try:
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname
    if not host or "@" in parts.netloc or not host.isascii():
        return None
    secure = parts.scheme in ENCRYPTED
    local = training and parts.scheme in PLAIN and host in LOOPBACK_HOSTS
    if not (secure or local) or (parts.scheme in ("ws", "wss") and not sockets):
        return None
    return Origin(parts.scheme, host, DEFAULT_PORTS[parts.scheme] if port is None else port)
