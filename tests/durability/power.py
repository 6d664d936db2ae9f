"""SQLite over a disk in memory (`disk.Disk`), by apsw, and shown to the product as its own driver.

Only what the journal and sqlite-utils use of the driver is here. WAL without shared memory needs
`locking_mode=exclusive`, so one connection at a time is open on a disk.
"""

import contextlib
import errno
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any, cast

import apsw

from cashier.journal.sqlite import sqlite3
from tests.durability.disk import Disk, File, Kind, Operation

#: What the driver's own file system says of a disk on Linux: 4 KiB sectors, and that writing some bytes never
#: harms those beside them.
_SECTOR_SIZE = 4096
_CHARACTERISTICS = apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE

_FOLDER_SYNCED = apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL


class PowerCutFiles(apsw.VFS):
    """SQLite's file system over `disk`, which may be exchanged while no connection is open.

    It syncs a folder where the driver's own does: after the first sync of a new journal or WAL, and with a
    deletion that asks for it.
    """

    def __init__(self, disk: Disk, name: str = "power") -> None:
        self.disk = disk
        self.name = name
        super().__init__(name, "")

    def connect(self, uri: str, instead: Mapping[str, str] | None = None) -> sqlite3.Connection:
        """Takes the place of `cashier.journal.sqlite.connect`. `instead` are statements to run in place."""
        # The product has touched the file: its name is there, not synced.
        name = _in_folder(uri.partition("?")[0])
        if name not in self.disk.files:
            self.disk.do(Operation(Kind.CREATE, name))
        return cast(sqlite3.Connection, Connection(uri, self.name, instead or {}))

    def settle(self, path: Path) -> None:
        """Takes the place of `cashier.journal.sqlite.settle`, and does the same to the disk in memory."""
        wal = f"{path.name}-wal"
        try:
            file = self.disk.files.get(wal)
            # Writing what is there already leaves it there at any cut.
            if file is not None and file.seen != file.synced:
                self.disk.do(Operation(Kind.WRITE, wal, 0, bytes(file.seen)))
                self.disk.do(Operation(Kind.SYNC, wal))
            self.disk.do(Operation(Kind.SYNC_FOLDER))
        except apsw.Error as error:
            raise OSError(errno.EIO, str(error)) from error

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> Any:
        flags[1] = flags[0]
        if name is None:
            return _OpenFile(None, "", False)
        own = _in_folder(name if isinstance(name, str) else name.filename())
        new = own not in self.disk.files
        if new:
            if not flags[0] & apsw.SQLITE_OPEN_CREATE:
                raise apsw.CantOpenError(own)
            self.disk.do(Operation(Kind.CREATE, own))
        return _OpenFile(self.disk, own, new and bool(flags[0] & _FOLDER_SYNCED))

    def xAccess(self, pathname: str, flags: int) -> bool:
        return _in_folder(pathname) in self.disk.files

    def xDelete(self, filename: str, syncdir: bool) -> None:
        self.disk.do(Operation(Kind.DELETE, _in_folder(filename)))
        if syncdir:
            self.disk.do(Operation(Kind.SYNC_FOLDER))

    def xFullPathname(self, name: str) -> str:
        return name

    def excepthook(
        self,
        etype: type[BaseException] | None,
        evalue: BaseException | None,
        etraceback: TracebackType | None,
    ) -> bool:
        """An error that SQLite chose to live with, as it does with a checkpoint that can be made later."""
        if not isinstance(evalue, apsw.Error):
            sys.unraisablehook(
                SimpleNamespace(
                    exc_type=etype, exc_value=evalue, exc_traceback=etraceback, err_msg=None, object=self
                )
            )
        return True


def _in_folder(path: str) -> str:
    return path.rpartition("/")[2]


class _OpenFile:
    """One file as SQLite has it open; without a disk a temporary one, which no cut needs to spare."""

    def __init__(self, disk: Disk | None, name: str, sync_folder: bool) -> None:
        self._disk = disk
        self._name = name
        self._file = disk.files[name] if disk else File()
        self._sync_folder = sync_folder

    def _do(self, operation: Operation) -> None:
        if self._disk is None:
            self._file.change(operation)
        else:
            self._disk.do(operation)

    def xRead(self, amount: int, offset: int) -> bytes:
        if self._disk is not None and self._disk.before_read is not None:
            self._disk.before_read()
        return bytes(self._file.seen[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:
        self._do(Operation(Kind.WRITE, self._name, offset, data))

    def xTruncate(self, size: int) -> None:
        self._do(Operation(Kind.TRUNCATE, self._name, size))

    def xSync(self, flags: int) -> None:
        if self._disk is None:
            return
        self._disk.do(Operation(Kind.SYNC, self._name))
        if self._sync_folder:
            self._disk.do(Operation(Kind.SYNC_FOLDER))
            self._sync_folder = False

    def xFileSize(self) -> int:
        return len(self._file.seen)

    def xClose(self) -> None:
        self._disk = None

    def xLock(self, level: int) -> None:
        """One connection at a time."""

    def xUnlock(self, level: int) -> None:
        """One connection at a time."""

    def xCheckReservedLock(self) -> bool:
        return False

    def xFileControl(self, operation: int, pointer: int) -> bool:
        return False

    def xSectorSize(self) -> int:
        return _SECTOR_SIZE

    def xDeviceCharacteristics(self) -> int:
        return _CHARACTERISTICS

    excepthook = PowerCutFiles.excepthook


class Connection:
    """An apsw connection with the face of the driver's, in its autocommit mode."""

    isolation_level = None

    def __init__(self, uri: str, vfs: str, instead: Mapping[str, str]) -> None:
        self._instead = instead
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI
        with _drivers_errors():
            self._connection = apsw.Connection(uri, flags=flags, vfs=vfs)
        try:
            self.execute("PRAGMA locking_mode = exclusive")
        except BaseException:
            self.close()
            raise

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def cursor(self) -> "Connection":
        """Everything a cursor is asked for, the connection itself does."""
        return self

    def execute(self, sql: str, parameters: Any = ()) -> "Rows":
        """Run one statement to its end."""
        columns: list[tuple[str, str]] = []

        def describe(cursor: apsw.Cursor, _sql: str, _bindings: object) -> bool:
            # Asked here, because a statement that gave no row cannot be asked any more.
            columns[:] = cursor.get_description()
            return True

        with _drivers_errors():
            cursor = self._connection.cursor()
            cursor.exec_trace = describe
            rows = list(cursor.execute(self._instead.get(sql, sql), parameters or None))
        return Rows(rows, columns or None, self._connection.last_insert_rowid(), self._connection.changes())

    def executescript(self, sql: str) -> "Rows":
        """Run every statement of a text."""
        return self.execute(sql)

    def close(self) -> None:
        """Close. If its checkpoint fails, the next to open makes it; the driver is as silent about that."""
        with contextlib.suppress(apsw.IOError, apsw.FullError):
            self._connection.close(True)


class Rows:
    """What a statement gave."""

    def __init__(
        self, rows: Sequence[Any], description: Sequence[Any] | None, lastrowid: int, rowcount: int
    ) -> None:
        self._rows = iter(rows)
        self.description = description
        self.lastrowid = lastrowid
        self.rowcount = rowcount

    def __iter__(self) -> Iterator[Any]:
        return self._rows

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        return list(self._rows)


class _drivers_errors:
    """Raise apsw's errors as the driver's, with SQLite's code on them."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, apsw.Error):
            # apsw's own errors, of misuse, have no code and are bugs of a test.
            code = getattr(error, "extendedresult", 0)
            if not code:
                return
            cls = {
                apsw.SQLITE_CONSTRAINT: sqlite3.IntegrityError,
                apsw.SQLITE_CORRUPT: sqlite3.DatabaseError,
                apsw.SQLITE_NOTADB: sqlite3.DatabaseError,
            }.get(code & 0xFF, sqlite3.OperationalError)
            known = cls(str(error))
            known.sqlite_errorcode = code
            raise known from error
