"""Journal entries: kinds, canonical JSON and the hash chain.

An entry is never edited. Its hash covers everything it says and the hash of the entry before it, so that
one changed byte anywhere shows (`Break`).
"""

import datetime as dt
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from json.encoder import encode_basestring
from typing import Any

#: What the first entry names as its predecessor.
GENESIS = "0" * 64


class EntryKind(StrEnum):
    """Past tense, persisted by name."""

    SALE_RECORDED = "sale_recorded"
    PAYMENT_ISSUED = "payment_issued"
    PAYMENT_HINTED = "payment_hinted"
    PAYMENT_TOLD = "payment_told"
    PAYMENT_RELEASED = "payment_released"
    PAYMENT_VOUCHED = "payment_vouched"
    POSTBACK_REPEATED = "postback_repeated"
    POSTBACK_UNMATCHED = "postback_unmatched"
    DISCREPANCY_FOUND = "discrepancy_found"
    MATTER_SEEN = "matter_seen"
    TENDER_TAKEN = "tender_taken"
    TENDER_RETURNED = "tender_returned"
    RECEIPT_ISSUED = "receipt_issued"
    RECEIPT_VOIDED = "receipt_voided"
    REFUND_MADE = "refund_made"
    REFUND_CONFIRMED = "refund_confirmed"
    CHECK_RETURNED = "check_returned"
    SHIFT_OPENED = "shift_opened"
    SHIFT_SUSPENDED = "shift_suspended"
    SHIFT_RESUMED = "shift_resumed"
    SHIFT_COUNTED = "shift_counted"
    SHIFT_BALANCED = "shift_balanced"
    SHIFT_REJECTED = "shift_rejected"
    SHIFT_CLOSED = "shift_closed"
    SHIFT_REOPENED = "shift_reopened"
    CASH_PAID_IN = "cash_paid_in"
    CASH_PAID_OUT = "cash_paid_out"
    CASH_DROPPED = "cash_dropped"
    DAY_CLOSED = "day_closed"
    BREAK_ACKNOWLEDGED = "break_acknowledged"
    READER_SELECTED = "reader_selected"
    READER_MOVED = "reader_moved"
    PRINT_ASKED = "print_asked"
    PRINT_STARTED = "print_started"
    PRINTED = "printed"
    PRINT_FAILED = "print_failed"
    PRINT_UNKNOWN = "print_unknown"
    DRAWER_OPENED = "drawer_opened"
    SALE_HELD = "sale_held"
    SALE_HELD_AT_HUB = "sale_held_at_hub"
    SALE_RESUMED = "sale_resumed"
    SALE_HELD_DROPPED = "sale_held_dropped"
    ACCOUNT_CHANGE_ASKED = "account_change_asked"
    ACCOUNT_CHANGE_ANSWERED = "account_change_answered"
    PERSON_ADDED = "person_added"
    PERSON_CHANGED = "person_changed"
    PIN_SET = "pin_set"
    PIN_REFUSED = "pin_refused"
    PIN_ACCEPTED = "pin_accepted"
    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    SCREEN_LOCKED = "screen_locked"
    SCREEN_UNLOCKED = "screen_unlocked"
    PERMISSION_USED = "permission_used"
    COPY_REFUSED = "copy_refused"
    SETTINGS_CHANGED = "settings_changed"
    SECRET_SET = "secret_set"
    SCHEDULE_IMPORTED = "schedule_imported"
    SCHEDULE_WITHDRAWN = "schedule_withdrawn"


Json = Mapping[str, Any]


@dataclass(frozen=True)
class Draft:
    """An entry about to be recorded. `subject` is what it is about: a sale id or a payment id.

    A RECEIPT_ISSUED draft has no `number`: the journal gives it one in the same commit.
    """

    id: str
    kind: EntryKind
    subject: str
    body: Json


@dataclass(frozen=True)
class Entry:
    """One recorded entry. `at` is UTC text with milliseconds; order is by `seq`, never by time."""

    seq: int
    id: str
    kind: EntryKind
    at: str
    till: str
    subject: str
    body: Json
    previous: str
    hash: str


@dataclass(frozen=True)
class Break:
    """The first entry at which the chain does not hold, and why."""

    seq: int
    reason: str


def utc_text(moment: dt.datetime) -> str:
    """`2026-01-02T03:04:05.123Z`, as `Entry.at` has it. Raises ValueError for a naive time."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def utc_moment(text: str) -> dt.datetime:
    """The inverse of utc_text. Raises ValueError for text that is none."""
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment


def canonical(value: object) -> str:
    """The one JSON text of a value: sorted names, no spaces, no escapes, integers only.

    Raises TypeError for a float (money would lose cents) and for anything JSON does not have, ValueError
    for text that is not Unicode (half a surrogate pair), which no file could keep.
    """
    _refuse_floats(value)
    text = _dump(value)
    text.encode()
    return text


def _dump(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _refuse_floats(value: object) -> None:
    match value:
        case float():
            raise TypeError("a journal entry carries no floats")
        case Mapping():
            for name, item in value.items():
                if not isinstance(name, str):
                    raise TypeError(f"member names are text, not {type(name).__name__}")
                _refuse_floats(item)
        case list() | tuple():
            for item in value:
                _refuse_floats(item)


def entry_hash(
    *, seq: int, id: str, kind: str, at: str, till: str, subject: str, body_text: str, previous: str
) -> str:
    """SHA-256, in hex, over the canonical array of all members and the previous hash.

    Takes half surrogate pairs, too: verification reads bytes that are not UTF-8 as such, so that damaged
    text never hashes like the text it was.
    """
    # As `_dump` has it, in two thirds of the time: a whole journal is verified at each start.
    texts = ",".join(map(encode_basestring, (id, kind, at, till, subject, body_text, previous)))
    return hashlib.sha256(f"[{seq},{texts}]".encode(errors="surrogatepass")).hexdigest()


@dataclass(frozen=True)
class StoredRow:
    """An entry exactly as stored, for verification: the body is still text."""

    seq: int
    id: str
    kind: str
    at: str
    till: str
    subject: str
    body_text: str
    previous: str
    hash: str


def first_break(
    rows: Iterable[StoredRow],
    previous: str = GENESIS,
    first_seq: int = 1,
    unproven: Collection[int] = frozenset(),
) -> Break | None:
    """The first Break of the chain, or None when every entry holds.

    `unproven` are numbers of entries whose content is not all here, so that only their place can be proven.
    """
    expected_seq = first_seq
    for row in rows:
        if row.seq < expected_seq:
            return Break(row.seq, f"entry {row.seq} does not belong here")
        if row.seq > expected_seq:
            return Break(expected_seq, f"entry {expected_seq} is missing")
        if row.previous != previous:
            return Break(row.seq, f"entry {row.seq} does not follow the entry before it")
        told = entry_hash(
            seq=row.seq,
            id=row.id,
            kind=row.kind,
            at=row.at,
            till=row.till,
            subject=row.subject,
            body_text=row.body_text,
            previous=row.previous,
        )
        if told != row.hash and row.seq not in unproven:
            return Break(row.seq, f"entry {row.seq} was changed after it was recorded")
        previous, expected_seq = row.hash, expected_seq + 1
    return None
