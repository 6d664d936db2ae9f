"""What a journal file has in it."""

from pathlib import Path

from cashier.domain.entries import Entry, StoredRow
from cashier.journal.walk import walking_entries, walking_rows


def entries_in(path: Path) -> list[Entry]:
    """Every entry, in order."""
    with walking_entries(path) as entries:
        return list(entries)


def rows_in(path: Path) -> list[StoredRow]:
    """Every entry exactly as it stands, in order."""
    with walking_rows(path) as rows:
        return list(rows)
