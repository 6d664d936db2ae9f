"""What a disk does that fails or is full."""

import enum
from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from tests.durability.disk import Disk, Kind, Operation


class Ill(enum.Enum):
    """What goes wrong at the operation that is struck."""

    WRITE_ERROR = "a write, sync, cut-off, creation or deletion fails"
    LATE_ERROR = "the same, and what was said to have failed to sync is on the disk"
    READ_ERROR = "a read fails"
    FULL = "no file can grow"


_CODES = {
    Kind.WRITE: apsw.SQLITE_IOERR_WRITE,
    Kind.TRUNCATE: apsw.SQLITE_IOERR_TRUNCATE,
    Kind.SYNC: apsw.SQLITE_IOERR_FSYNC,
    Kind.SYNC_FOLDER: apsw.SQLITE_IOERR_DIR_FSYNC,
    Kind.DELETE: apsw.SQLITE_IOERR_DELETE,
}


class Trouble:
    """Strikes `disk` at the operation (or read) number `at`, counted from 1, once or until `mend`."""

    def __init__(self, disk: Disk, ill: Ill, at: int, lasting: bool) -> None:
        self._disk = disk
        self._ill = ill
        self._at = at
        self._lasting = lasting
        self._count = 0
        self.struck = False
        if ill is Ill.READ_ERROR:
            disk.before_read = self._before_read
        else:
            disk.before = self._before

    def mend(self) -> None:
        """The disk works again."""
        self._disk.before = self._disk.before_read = None

    def _strikes(self) -> bool:
        self._count += 1
        strikes = self._count == self._at or (self._lasting and self._count > self._at)
        self.struck = self.struck or strikes
        return strikes

    def _before_read(self) -> None:
        if self._strikes():
            raise _error(apsw.IOError, apsw.SQLITE_IOERR_READ)

    def _before(self, operation: Operation) -> None:
        if self._ill is Ill.FULL:
            self._before_growing(operation)
        elif self._strikes():
            if operation.kind is Kind.SYNC and self._ill is Ill.LATE_ERROR:
                self._disk.files[operation.name].sync()
            elif operation.kind is Kind.SYNC:
                self._disk.files[operation.name].sync_failed()
            elif operation.kind is Kind.WRITE:
                self._half(operation, len(operation.data) // 2)
            elif operation.kind is Kind.CREATE:
                raise apsw.CantOpenError(operation.name)
            raise _error(apsw.IOError, _CODES[operation.kind])

    def _before_growing(self, operation: Operation) -> None:
        """What is inside a file already has its place on the disk."""
        if operation.kind is Kind.CREATE and self._strikes():
            raise apsw.CantOpenError(operation.name)
        if operation.kind is Kind.WRITE:
            room = len(self._disk.files[operation.name].seen) - operation.offset
            if room < len(operation.data) and self._strikes():
                self._half(operation, max(room, 0))
                raise _error(apsw.FullError, apsw.SQLITE_FULL)

    def _half(self, operation: Operation, length: int) -> None:
        part = Operation(Kind.WRITE, operation.name, operation.offset, operation.data[:length])
        self._disk.log.append(part)
        self._disk.redo(part)


def _error(cls: type[apsw.Error], code: int) -> apsw.Error:
    error = cls(f"injected, code {code}")
    error.extendedresult = code  # type: ignore[attr-defined]  # what the VFS hands to SQLite
    return error


@contextmanager
def trouble(disk: Disk, ill: Ill, at: int, lasting: bool) -> Iterator[Trouble]:
    """Trouble for as long as the block runs."""
    found = Trouble(disk, ill, at, lasting)
    try:
        yield found
    finally:
        found.mend()
