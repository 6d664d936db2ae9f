"""Every entry of a journal file, in order; in use or not, without its lock.

The file is let go when the `with` block ends, however it ends: a generator that is left half-way lets go of
it whenever its garbage is collected, on whichever thread that is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cashier.domain.entries import Entry, StoredRow
from cashier.journal.rows import COLUMNS, Row, entry_of, stored_row_of
from cashier.journal.schema import version_of
from cashier.journal.sqlite import reading


@contextmanager
def walking_entries(path: Path) -> Iterator[Iterator[Entry]]:
    """Its entries as values. Raises Refused when there is no such file."""
    with _rows(path) as rows:
        yield map(entry_of, rows)


@contextmanager
def walking_rows(path: Path) -> Iterator[Iterator[StoredRow]]:
    """Its entries exactly as they stand. Raises Refused when there is no such file."""
    with _rows(path) as rows:
        yield map(stored_row_of, rows)


@contextmanager
def _rows(path: Path) -> Iterator[Iterator[Row]]:
    with reading(path) as connection:
        if version_of(connection, path) == 0:
            yield iter(())
        else:
            yield connection.execute(f"SELECT {COLUMNS} FROM entry ORDER BY seq")
