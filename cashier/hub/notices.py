"""Payments that no gateway tells the portal of (cash, check), told as signed Standard Webhooks.

A till puts a notice under an id of its own making, which is its idempotency key; it then goes through the
same queue as the postbacks. What the portal gets is

    {"type": "payment.recorded", "timestamp": "2026-01-02T03:04:05.123Z", "data": {...}}

with the headers `webhook-id`, `webhook-timestamp` and `webhook-signature` of the Standard Webhooks
specification; the library that signs verifies, too. `timestamp` is when the notice's id was made, a UUIDv7,
so that a notice which is put twice is the same, byte for byte. The signature is made anew at each attempt,
because a portal refuses one older than five minutes.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import simplejson
from standardwebhooks.webhooks import Webhook

from cashier.domain.entries import utc_text
from cashier.domain.errors import Refused
from cashier.domain.scrub import scrub_card_numbers
from cashier.hub.portals import parse_portal_url

NOTICE_MAX_BYTES = 16 * 1024
#: Dotted words, as the specification has them: `payment.recorded`.
TYPE_PATTERN = r"[a-z][a-z0-9_]{0,31}(?:\.[a-z][a-z0-9_]{0,31}){1,3}"
#: A UUIDv7 in its groups, lower case, of a time before the year 2500.
ID_PATTERN = r"0[0-9a-f]{7}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
DEPTH_MAX = 16

_TYPE = re.compile(TYPE_PATTERN, re.ASCII)
_ID = re.compile(ID_PATTERN, re.ASCII)


def read_notice(notice_id: str, raw: bytes) -> tuple[str, bytes]:
    """The portal's address and the body to be signed, of what a till put.

    Members in any order give the same body; numbers keep their exact text; card numbers are taken out of
    every text. Raises Refused for anything that is not a notice.
    """
    if not _ID.fullmatch(notice_id):
        raise Refused("A notice's id is a UUIDv7 in lower case.")
    if len(raw) > NOTICE_MAX_BYTES:
        raise Refused(f"A notice has at most {NOTICE_MAX_BYTES} bytes.")
    try:
        given = simplejson.loads(raw.decode(), use_decimal=True, allow_nan=False)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise Refused("The notice is not JSON.") from error
    if not isinstance(given, dict) or set(given) != {"type", "url", "data"}:
        raise Refused('A notice is {"type": …, "url": …, "data": {…}}.')
    kind, url, data = given["type"], given["url"], given["data"]
    if not isinstance(kind, str) or not _TYPE.fullmatch(kind):
        raise Refused("A notice's type is dotted words such as payment.recorded.")
    if not isinstance(url, str):
        raise Refused("A notice's url is a text.")
    parse_portal_url(url)
    if not isinstance(data, dict):
        raise Refused("A notice's data is an object.")
    made_at = datetime.fromtimestamp((UUID(notice_id).int >> 80) / 1000, UTC)
    told = {"type": kind, "timestamp": utc_text(made_at), "data": _scrubbed(data, DEPTH_MAX)}
    return url, simplejson.dumps(told, use_decimal=True, sort_keys=True, separators=(",", ":")).encode()


def signed_headers(notice_id: str, body: bytes, secrets: Sequence[Webhook], now: datetime) -> dict[str, str]:
    """The three headers of Standard Webhooks; one signature for each of the secrets."""
    # Whole seconds are what both sides sign.
    moment = now.replace(microsecond=0)
    return {
        "webhook-id": notice_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(
            secret.sign(msg_id=notice_id, timestamp=moment, data=body.decode()) for secret in secrets
        ),
    }


def _scrubbed(value: Any, depth: int) -> Any:
    """The value without card numbers. A number that looks like one is refused: it cannot be masked."""
    if depth < 0:
        raise Refused(f"A notice's data is nested more than {DEPTH_MAX} deep.")
    if isinstance(value, str):
        return scrub_card_numbers(value)
    if isinstance(value, dict):
        return {scrub_card_numbers(name): _scrubbed(item, depth - 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_scrubbed(item, depth - 1) for item in value]
    if not isinstance(value, bool) and value is not None and scrub_card_numbers(str(value)) != str(value):
        raise Refused("A number in the notice looks like a card number.")
    return value
