"""The tables of the journals' second copies, and entries as their rows.

No card number is stored, as in postbacks: an entry that may hold one is kept without it, under its own hash.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from cashier.domain.entries import StoredRow, canonical, entry_hash
from cashier.domain.outbox import Anchor, Kept
from cashier.domain.scrub import may_hold_card_number, scrub_card_numbers
from cashier.hub.database import metadata

#: Entries of one answer, when a copy is read back or walked over.
PAGE_MAX = 500
#: And what they may say together, beyond the first: a page of the largest would be most of a gigabyte.
PAGE_MAX_CHARS = 8 * 1024 * 1024

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")

journal_entries = sa.Table(
    "journal_entries",
    metadata,
    sa.Column("site", sa.String(32), primary_key=True),
    sa.Column("till", sa.String(32), primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("at", sa.String(24), nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    # The till that sent it: another one, when a dead till's disk was rescued there.
    sa.Column("brought_by", sa.String(32), nullable=False),
    sa.Column("received_at", sa.String(24), nullable=False),
    # Why it is not here as it stands, and who is to see to it.
    sa.Column("refused", sa.Text, nullable=True),
    sa.Column("owner", sa.Text, nullable=True),
    sa.UniqueConstraint("site", "till", "id", name="ux_journal_entries_id"),
)

journal_anchors = sa.Table(
    "journal_anchors",
    metadata,
    sa.Column("site", sa.String(32), primary_key=True),
    sa.Column("till", sa.String(32), primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("made_at", sa.String(24), nullable=False),
    sa.Column("seal", sa.String(64), nullable=False),
)

#: What disagreed with a copy: the same once, however often it is sent.
journal_alarms = sa.Table(
    "journal_alarms",
    metadata,
    sa.Column("n", _NUMBER, primary_key=True, autoincrement=True),
    sa.Column("site", sa.String(32), nullable=False),
    sa.Column("till", sa.String(32), nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("told_hash", sa.String(64), nullable=False),
    sa.Column("kept_hash", sa.String(64), nullable=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("brought_by", sa.String(32), nullable=False),
    sa.Column("first_at", sa.String(24), nullable=False),
    sa.Column("last_at", sa.String(24), nullable=False),
    sa.Column("times", sa.Integer, nullable=False),
    sa.UniqueConstraint("site", "till", "seq", "told_hash", "reason", name="ux_journal_alarms"),
)

MAY_HOLD_CARD_NUMBER = "it may hold a card number; the hub keeps it without that number"
NO_CONTENT = "its content cannot be read"
WITHHELD = "it is too large for the hub, which keeps its number and hash without what it says"


def kept_of(connection: sa.Connection, site: str, till: str) -> Kept:
    row = connection.execute(
        sa.select(journal_entries.c.seq, journal_entries.c.hash)
        .where(*of_till(journal_entries, site, till))
        .order_by(journal_entries.c.seq.desc())
        .limit(1)
    ).first()
    return Kept(row.seq, row.hash) if row else Kept()


def anchors_between(
    connection: sa.Connection, site: str, till: str, first: int, last: int | None, limit: int = PAGE_MAX
) -> Iterable[Anchor]:
    anchor = journal_anchors.c
    query = sa.select(anchor.seq, anchor.hash, anchor.made_at, anchor.seal).where(
        *of_till(journal_anchors, site, till), anchor.seq >= first
    )
    if last is not None:
        query = query.where(anchor.seq <= last)
    return [Anchor(*row) for row in connection.execute(query.order_by(anchor.seq).limit(limit))]


def of_till(table: sa.Table, site: str, till: str) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.site == site, table.c.till == till


def stored_row(row: sa.Row[Any]) -> StoredRow:
    return StoredRow(
        row.seq, row.id, row.kind, row.at, row.till, row.subject, row.body, row.previous, row.hash
    )


def page_of(rows: Iterable[sa.Row[Any]]) -> list[tuple[StoredRow, str | None]]:
    """As many of the first rows as one answer has room for, always one; each with why it was refused."""
    page: list[tuple[StoredRow, str | None]] = []
    size = 0
    for row in rows:
        size += len(row.body)
        if page and size > PAGE_MAX_CHARS:
            break
        page.append((stored_row(row), row.refused))
    return page


def hash_of(row: StoredRow) -> str:
    return entry_hash(
        seq=row.seq,
        id=row.id,
        kind=row.kind,
        at=row.at,
        till=row.till,
        subject=row.subject,
        body_text=row.body_text,
        previous=row.previous,
    )


def withheld_row(row: StoredRow) -> dict[str, Any]:
    """An entry of which only the place is stored."""
    return prepared_row(replace(row, subject="", body_text="{}")) | {
        "refused": WITHHELD,
        "owner": "supervisor",
    }


def prepared_row(row: StoredRow) -> dict[str, Any]:
    """An entry as it is stored: as it stands, or without what may be a card number."""
    subject, body, reason = row.subject, row.body_text, None
    if may_hold_card_number(f"{row.id}\n{row.subject}\n{row.body_text}".encode()):
        subject, body = scrub_card_numbers(row.subject), _scrubbed_json(row.body_text)
        reason = MAY_HOLD_CARD_NUMBER if (subject, body) != (row.subject, row.body_text) else None
    if reason is None and not _is_object(row.body_text):
        reason = NO_CONTENT
    return {
        "seq": row.seq,
        "id": row.id,
        "kind": row.kind,
        "at": row.at,
        "subject": subject,
        "body": body,
        "previous": row.previous,
        "hash": row.hash,
        "refused": reason,
        "owner": None if reason is None else "supervisor",
    }


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _scrubbed_json(text: str) -> str:
    """JSON text without card numbers, the very same when there is none; scrubbed as text if it is no JSON."""
    try:
        value = json.loads(text)
        scrubbed = _scrubbed(value)
        return text if scrubbed == value else canonical(scrubbed)
    except (ValueError, TypeError, RecursionError):
        return scrub_card_numbers(text)


def _scrubbed(value: Any) -> Any:
    if isinstance(value, str):
        return scrub_card_numbers(value)
    if isinstance(value, dict):
        return {scrub_card_numbers(name): _scrubbed(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_scrubbed(item) for item in value]
    text = "" if value is None or isinstance(value, bool) else str(value)
    clean = scrub_card_numbers(text)
    return value if clean == text else clean
