"""Rows of the `entry` table as values, and values as rows."""

import json
from collections.abc import Mapping
from typing import Any

from cashier.domain.entries import Entry, EntryKind, StoredRow

#: The columns of an entry, in the order of `Row`.
COLUMNS = "seq, id, kind, at, till, subject, body, previous, hash"

Row = tuple[int, str, str, str, str, str, str, str, str]


def entry_of(row: Row) -> Entry:
    """A row of COLUMNS as an entry."""
    seq, id_, kind, at, till, subject, body, previous, hash_ = row
    return Entry(seq, id_, EntryKind(kind), at, till, subject, body_of(body), previous, hash_)


def stored_row_of(row: Row) -> StoredRow:
    """A row of COLUMNS exactly as it stands, for verification."""
    return StoredRow(*row)


def body_of(text: str) -> Mapping[str, Any]:
    """The members of a stored body. It has no floats; a number with a point in it is not ours."""
    body: Mapping[str, Any] = _DECODER.decode(text)
    return body


def _refuse_float(text: str) -> Any:
    raise ValueError(f"a journal entry carries no floats, but this one has {text}")


#: Made once: `json.loads` would make one for each body.
_DECODER = json.JSONDecoder(parse_float=_refuse_float)
