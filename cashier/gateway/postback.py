"""The postback: the unguessable address it is sent to, and what it says (Invoice Cloud contract, section 3).

Nothing signs a postback, so the till makes its own proof: every payment gets a path of its own,

    /pb/v1/{site}/{token}      token = base64url(claims) "." base64url(HMAC-SHA256(till key, site + claims))

where the claims are the compact JSON list `[generation, till, reference, amount in cents, expiry in Unix
microseconds, nonce]`. Only the till and the hub, which derives the same key, can make one. The MAC is taken
over and compared as text, so no other spelling of the same bytes passes.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from cashier.domain.errors import Refused
from cashier.domain.money import AMOUNT_MAX_CENTS, parse_cents
from cashier.domain.postback import Approved, Postback
from cashier.domain.scrub import scrub_card_numbers

#: The longest path we hand to the gateway, and the most a postback may carry in its query or its body.
PATH_MAX_CHARS = 599
POSTBACK_MAX_BYTES = 16 * 1024
PARAMETERS_MAX = 100
#: 128 bits in base64url.
NONCE_MIN_CHARS = 22
REFERENCE_MAX_CHARS = 120
TILL_KEY_BYTES = 32
GENERATION_MAX = 1_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", re.ASCII)
_NONCE = re.compile(rf"[A-Za-z0-9_-]{{{NONCE_MIN_CHARS},64}}", re.ASCII)
_TOKEN = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})", re.ASCII)
#: Bytes that url-encoded text never has. Unescaped spaces and non-ASCII letters are let pass: some senders
#: forget to escape them, and a true postback is worth more than their manners.
_NOT_URL_ENCODED = re.compile(rb'[\x00-\x1f\x7f"<>{}]')

#: A name that has a value.
_PARAMETER = re.compile(rb"(?:^|&)[^=&]+=[^&]")

KeyOf = Callable[[str, str, int], bytes | None]


class WrongToken(Refused):
    """The token proves nothing. It never says why, neither to a person nor in its text."""

    def __init__(self) -> None:
        super().__init__("This postback address is not one of ours.")


class NotAPostback(Refused):
    """Neither query nor body holds url-encoded parameters."""


def check_name(kind: str, name: str) -> str:
    """A site or till name fit for paths and keys: 1 to 32 letters, digits, `_`, `-`. Raises Refused."""
    if not _NAME.fullmatch(name):
        raise Refused(f"{kind} {name[:40]!r} is not a name of 1 to 32 letters, digits, '_' and '-'")
    return name


@dataclass(frozen=True)
class PostbackClaims:
    """What a postback address is bound to. `nonce` is url-safe text of at least 128 random bits.

    `generation` numbers the till's keys, so that a key can be replaced while old addresses live.
    Raises Refused when a member cannot be carried.
    """

    site: str
    till: str
    reference: str
    amount_cents: int
    expires_at: datetime
    nonce: str
    generation: int = 1

    def __post_init__(self) -> None:
        check_name("site", self.site)
        check_name("till", self.till)
        if not (0 < len(self.reference) <= REFERENCE_MAX_CHARS and self.reference.isprintable()):
            raise Refused(
                f"reference {self.reference[:40]!r} is not 1 to {REFERENCE_MAX_CHARS} printable characters"
            )
        if not _NONCE.fullmatch(self.nonce):
            raise Refused(f"the nonce is not url-safe text of {NONCE_MIN_CHARS} to 64 characters")
        if not 0 <= self.amount_cents <= AMOUNT_MAX_CENTS:
            raise Refused(f"an amount of {self.amount_cents} cents cannot be carried")
        if not 1 <= self.generation <= GENERATION_MAX:
            raise Refused(f"{self.generation} is no key generation")
        if self.expires_at.utcoffset() != timedelta(0):
            raise Refused("the expiry is not in UTC")


def mint_path(claims: PostbackClaims, till_key: bytes) -> str:
    """The path `/pb/v1/{site}/{token}` of a payment: url-safe ASCII, at most 599 characters.

    Raises Refused when the claims do not fit.
    """
    members = [
        claims.generation,
        claims.till,
        claims.reference,
        claims.amount_cents,
        (claims.expires_at - _EPOCH) // timedelta(microseconds=1),
        claims.nonce,
    ]
    packed = _to_base64url(json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode())
    path = f"/pb/v1/{claims.site}/{packed}.{_mac(till_key, claims.site, packed)}"
    if len(path) > PATH_MAX_CHARS:
        raise Refused(
            f"the postback address would have {len(path)} characters, at most {PATH_MAX_CHARS} are possible"
        )
    return path


def verify_path(site: str, token: str, key_of: KeyOf, now: datetime) -> PostbackClaims:
    """The claims of a token that came to `/pb/v1/{site}/{token}`.

    `key_of(site, till, generation)` gives the till's key, or None for a till it does not know. Raises
    WrongToken, always the same, for every other token. The MAC is compared in constant time.
    """
    match = _TOKEN.fullmatch(token)
    if match is None or len(token) > PATH_MAX_CHARS:
        raise WrongToken
    packed, mac = match.groups()
    claims = _unpack(site, packed)
    key = key_of(site, claims.till, claims.generation)
    expected = _mac(key or bytes(TILL_KEY_BYTES), site, packed)
    genuine = hmac.compare_digest(expected, mac)
    if key is None or not genuine or now >= claims.expires_at:
        raise WrongToken
    return claims


def till_key_from_text(text: str) -> bytes:
    """The 32 bytes of a till key as given out at enrolment (see `read_till_key`). Raises Refused."""
    return read_till_key(text)[0]


def read_till_key(text: str) -> tuple[bytes, int]:
    """A till key's 32 bytes and its generation, from the text given out at enrolment or rotation.

    That is 43 characters of base64url, with `.` and the number behind them from the second generation on.
    Raises Refused.
    """
    stripped = text.strip()
    packed, dot, number = stripped.partition(".")
    try:
        key = base64.b64decode(_padded(packed), altchars=b"-_", validate=True)
    except ValueError:
        key = b""
    generation = int(number) if dot and len(number) <= 7 and number.isdecimal() else 1
    if len(key) != TILL_KEY_BYTES or till_key_to_text(key, generation) != stripped:
        raise Refused("the till key is not the 43 characters given out at enrolment")
    return key, generation


def till_key_to_text(key: bytes, generation: int = 1) -> str:
    """A key as the text that `read_till_key` reads."""
    return _to_base64url(key) + (f".{generation}" if generation > 1 else "")


def _mac(key: bytes, site: str, packed: str) -> str:
    return _to_base64url(hmac.digest(key, f"postback/v1/{site}/{packed}".encode(), hashlib.sha256))


def _unpack(site: str, packed: str) -> PostbackClaims:
    """Claims as they stand in a token, not yet proven. Raises WrongToken."""
    try:
        members = json.loads(base64.b64decode(_padded(packed), altchars=b"-_", validate=True).decode())
        generation, till, reference, amount_cents, expiry, nonce = members
        if [type(member) for member in members] != [int, str, str, int, int, str]:
            raise WrongToken
        expires_at = _EPOCH + timedelta(microseconds=expiry)
        return PostbackClaims(site, till, reference, amount_cents, expires_at, nonce, generation)
    except (ValueError, TypeError, OverflowError, RecursionError, Refused):
        # binascii.Error, UnicodeDecodeError and JSONDecodeError are ValueErrors. From None: no detail leaks.
        raise WrongToken from None


def _to_base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _padded(text: str) -> bytes:
    try:
        return text.encode("ascii") + b"=" * (-len(text) % 4)
    except UnicodeEncodeError as error:
        raise binascii.Error("not ASCII") from error


#: Parameters that are kept as text: name on the wire, field, longest text kept in characters.
_TEXTS = (
    ("BillerGUID", "biller_guid", 64),
    ("PaymentDate", "payment_date", 64),
    ("InvoiceNumber", "invoice_number", 4000),
    ("CustomerName", "customer_name", 200),
    ("CustomerAddress", "customer_address", 200),
    ("CustomerCity", "customer_city", 100),
    ("CustomerState", "customer_state", 50),
    ("CustomerZip", "customer_zip", 20),
    ("PaymentGUID", "payment_guid", 64),
    ("PaymentDescription", "payment_description", 500),
    ("PaymentTypeID", "payment_type_id", 32),
    ("CardType", "card_type", 32),
    ("PaymentMessage", "payment_message", 500),
    ("BillerReference", "biller_reference", 200),
    ("RemoteIP", "remote_ip", 64),
)
_EXTRA_NAME_MAX, _EXTRA_VALUE_MAX = 64, 500
_OTHERS = ("Approved", "PaymentAmount", "ConvenienceFee")
_KNOWN = {name.casefold() for name, _, _ in _TEXTS} | {name.casefold() for name in _OTHERS}


def check_parameters(query: bytes, body: bytes) -> None:
    """Raises NotAPostback exactly when `read_parameters` would, without decoding anything."""
    for part, raw in (("query", query), ("body", body)):
        if _NOT_URL_ENCODED.search(raw):
            raise NotAPostback(f"the {part} is not url-encoded")
        if raw.count(b"&") >= PARAMETERS_MAX:
            raise NotAPostback(f"the {part} has more than {PARAMETERS_MAX} parameters")
    if not (_PARAMETER.search(query) or _PARAMETER.search(body)):
        raise NotAPostback("neither query nor body has a parameter")


def read_parameters(query: bytes | str, body: bytes) -> list[tuple[str, str]]:
    """Every `name=value` of query string and form body, in order, decoded but otherwise as sent.

    Bytes that are no UTF-8 become surrogates. Raises NotAPostback when query or body is not url-encoded,
    has more than 100 parameters, or both are empty.
    """
    raw_query = query.encode("utf-8", "surrogateescape") if isinstance(query, str) else query
    pairs: list[tuple[str, str]] = []
    for part, raw in (("query", raw_query), ("body", body)):
        if _NOT_URL_ENCODED.search(raw):
            raise NotAPostback(f"the {part} is not url-encoded")
        try:
            pairs += parse_qsl(
                raw.decode("utf-8", "surrogateescape"),
                keep_blank_values=True,
                errors="surrogateescape",
                max_num_fields=PARAMETERS_MAX,
            )
        except ValueError as error:
            raise NotAPostback(f"the {part} has more than {PARAMETERS_MAX} parameters") from error
    if not any(name and value for name, value in pairs):
        raise NotAPostback("neither query nor body has a parameter")
    return pairs


def parse_postback(query: bytes | str, body: bytes) -> Postback:
    """What a postback says, from its query string, its form body, or both.

    Names are matched without regard to case. A name given twice with different values is a fault, its first
    value is kept as text, but an amount or `Approved` so given is unknown. Texts are bounded, free of control
    characters and card numbers. Every fault means "needs review". Raises NotAPostback (see read_parameters).
    """
    given: dict[str, list[str]] = {}
    spelled: dict[str, str] = {}
    for name, value in read_parameters(query, body):
        key = name.casefold()
        spelled.setdefault(key, name)
        values = given.setdefault(key, [])
        if value not in values:
            values.append(value)

    faults = [
        f"{_clean(spelled[key], _EXTRA_NAME_MAX)} is given more than once with different values"
        for key, values in given.items()
        if len(values) > 1
    ]
    texts = {}
    for name, field, longest in _TEXTS:
        value = given.get(name.casefold(), [""])[0]
        texts[field] = _clean(value, longest)
        if len(value) > longest:
            faults.append(f"{name} has more than {longest} characters")
    for name in ("InvoiceNumber", "BillerReference"):
        if given.get(name.casefold(), [""]) == [""]:
            faults.append(f"{name} is missing")
    approved = _approved(given, faults)
    amount_cents = _cents(given, "PaymentAmount", faults)
    if given.get("paymentamount", [""]) == [""]:
        faults.append("PaymentAmount is missing")
    fee_cents = _cents(given, "ConvenienceFee", faults)
    extra = {
        _clean(spelled[key], _EXTRA_NAME_MAX): _clean(values[0], _EXTRA_VALUE_MAX)
        for key, values in given.items()
        if key not in _KNOWN
    }
    return Postback(
        approved=approved,
        payment_amount_cents=amount_cents,
        convenience_fee_cents=fee_cents,
        extra=extra,
        faults=tuple(faults),
        **texts,
    )


def _approved(given: dict[str, list[str]], faults: list[str]) -> Approved:
    """Only the texts `True` and `False`, given alone, say anything."""
    match given.get("approved", []):
        case ["True"]:
            return Approved.YES
        case ["False"]:
            return Approved.NO
        case []:
            faults.append("Approved is missing")
        case [other]:
            faults.append(f"Approved is {_clean(other, 24)!r}, neither 'True' nor 'False'")
    return Approved.UNCLEAR


def _cents(given: dict[str, list[str]], name: str, faults: list[str]) -> int | None:
    """An amount; None when it is missing, empty, unreadable (a fault) or given in two ways (told already)."""
    values = given.get(name.casefold(), [""])
    if len(values) > 1 or values[0] == "":
        return None
    try:
        return parse_cents(values[0])
    except Refused:
        faults.append(f"{name} is {_clean(values[0], 24)!r}, not an amount such as 145.50")
        return None


def _clean(text: str, longest: int) -> str:
    """Bounded, control characters and stray bytes replaced by spaces, card numbers removed.

    Scrubbed before it is cut, so that no half of a card number is left at the edge.
    """
    spaced = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
    return scrub_card_numbers(spaced)[:longest]
