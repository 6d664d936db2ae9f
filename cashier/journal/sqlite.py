"""SQLite as the journal needs it: the driver, its least version, its settings, and what its errors mean.

The settings were chosen by cutting the power before every I/O operation: WAL with synchronous=FULL lost
nothing, the usual WAL with NORMAL lost up to ten records. They are set and read back at every open.
"""

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from sqlite_utils import Database

# The driver that sqlite-utils itself chose: pysqlite3 where it is installed.
from sqlite_utils.utils import sqlite3 as sqlite3  # type: ignore[attr-defined]

from cashier.domain.errors import CashierError, Discrepancy, Refused, Unavailable

if sys.platform == "darwin":
    import fcntl

#: Older ones can corrupt a database when a WAL file is reset.
LEAST_VERSION = (3, 51, 3)

#: How long opening waits for another program that holds the file.
OPEN_WAIT_S = 5.0

#: How long a record waits for one. Short, because the window stands still for as long.
BUSY_WAIT_MS = 40

Connect = Callable[[str], sqlite3.Connection]
"""Opens a connection on a SQLite URI. An argument, so that tests can open one that fails on purpose."""

Settle = Callable[[Path], None]
"""`settle`, or what takes its place over a disk that a test made."""

_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_HELD = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_CLOSED_TO_US = {
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
}
_DISK = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}


def connect(uri: str) -> sqlite3.Connection:
    """The real driver's connection, in the transaction mode that sqlite-utils works with."""
    return sqlite3.connect(uri, uri=True, timeout=OPEN_WAIT_S)


def driver_version() -> tuple[int, ...]:
    """The version of the SQLite library in use, e.g. (3, 53, 4)."""
    return tuple(int(part) for part in sqlite3.sqlite_version.split("."))


def require_version(version: tuple[int, ...]) -> None:
    """Raise Refused below LEAST_VERSION."""
    if version < LEAST_VERSION:
        raise Refused(
            f"SQLite {_dotted(version)} is too old to be trusted with the journal: it can corrupt the file. "
            f"Version {_dotted(LEAST_VERSION)} or newer is needed; the pysqlite3 package brings one."
        )


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)


def settings(platform: str) -> Mapping[str, str | int]:
    """Pragmas by name with the value that must be read back, for a `sys.platform`."""
    pinned: dict[str, str | int] = {
        "journal_mode": "wal",
        "synchronous": 2,  # FULL
        "foreign_keys": 1,
        "trusted_schema": 0,
        "cell_size_check": 1,
        "recursive_triggers": 1,
    }
    if platform == "darwin":
        # fsync alone does not empty the drive's cache there.
        pinned |= {"fullfsync": 1, "checkpoint_fullfsync": 1}
    return pinned


def settle(path: Path) -> None:
    """See to it that what is read of a database's WAL and folder is on the disk, before more is built on it.

    After a sync that failed the system may show what the disk never got, and no later sync writes it: only
    what is written again is. So the WAL that a crash or an error left is written once more, as it reads, and
    the folder is synced, so that a WAL deleted or a file made is so for good. Raises OSError.
    """
    wal = path.with_name(path.name + "-wal")
    if wal.exists():
        with wal.open("r+b") as stream:
            content = stream.read()
            stream.seek(0)
            stream.write(content)
            stream.flush()
            _sync(stream.fileno())
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    if sys.platform != "win32":  # where a folder cannot be synced; its file system keeps names in order
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            _sync(descriptor)
        except OSError as error:
            # A file system that does not know of syncing a folder. SQLite passes over the same.
            if error.errno != errno.EINVAL:
                raise
        finally:
            os.close(descriptor)


def _sync(descriptor: int) -> None:
    if sys.platform == "darwin":
        # fsync alone does not empty the drive's cache there.
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)


def into_one_file(path: Path) -> None:
    """Bring everything that is committed to a closed database into its one file, and that on the disk.

    So that it can be given another name: a WAL that a full disk has left behind would stay where it is, with
    entries in it. Raises Unavailable, OSError.
    """
    with translated(path), closing(connect(f"{path.absolute().as_uri()}?mode=rw")) as connection:
        mode = connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    if mode != "delete":
        raise Unavailable(f"The journal {path} is in use by another program. Try again.")
    with path.open("r+b") as stream:
        _sync(stream.fileno())


def open_for_writing(
    path: Path, open_connection: Connect, platform: str, settle: Settle = settle
) -> Database:
    """Open, or create readable by its owner only, a database file with the pinned settings.

    Raises Refused when a setting does not hold (WAL on a network share, for one), Unavailable when the file
    cannot be opened, Discrepancy when it is not a database.
    """
    try:
        if not path.parent.exists():
            path.parent.mkdir(mode=stat.S_IRWXU, parents=True)
        path.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
        settle(path)
    except OSError as error:
        raise Unavailable(f"The journal {path} cannot be opened: {error.strerror}.") from error
    with translated(path):
        connection = open_connection(f"{path.absolute().as_uri()}?mode=rw")
        try:
            db = Database(connection, execute_plugins=False)
            for name, value in settings(platform).items():
                db.execute(f"PRAGMA {name} = {value}").fetchall()
            assert_settings(db, platform)
            db.execute(f"PRAGMA busy_timeout = {BUSY_WAIT_MS}").fetchall()
        except BaseException:
            connection.close()
            raise
    return db


def assert_settings(db: Database, platform: str) -> None:
    """Raise Refused, with one fault a line, unless every pinned setting reads back as set."""
    read = {name: db.execute(f"PRAGMA {name}").fetchone()[0] for name in settings(platform)}
    faults = tuple(
        f"The journal needs SQLite's {name} = {value}, but this disk or library gives {read[name]}."
        for name, value in settings(platform).items()
        if read[name] != value
    )
    if faults:
        raise Refused("\n".join(faults), faults)


def readonly_uri(path: Path) -> str:
    """The URI on which a journal, in use or not, opens for reading. Raises Refused when it is not there."""
    if not path.is_file():
        raise Refused(f"There is no journal at {path}.")
    uri = path.absolute().as_uri()
    with closing(connect(f"{uri}?mode=ro")) as connection:
        try:
            connection.execute("PRAGMA schema_version").fetchone()
        except sqlite3.OperationalError as error:
            wal = path.with_name(path.name + "-wal")
            if code_of(error) not in _CLOSED_TO_US or (wal.exists() and wal.stat().st_size):
                raise
            # A copy on read-only media: WAL wants to write beside the file. With an empty WAL and nobody
            # able to write there, the file alone is the whole journal.
            return f"{uri}?mode=ro&immutable=1"
    return f"{uri}?mode=ro"


def tell_damaged_text(connection: sqlite3.Connection) -> None:
    """Read bytes that are not UTF-8 as half surrogate pairs instead of failing."""
    connection.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that cannot write, on one consistent view of a journal that may be in use.

    Raises Refused when there is no such file.
    """
    with translated(path), closing(connect(readonly_uri(path))) as connection:
        tell_damaged_text(connection)
        connection.execute("PRAGMA trusted_schema = 0")
        connection.execute("BEGIN")
        yield connection


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn the driver's errors into ours, for what reads or opens."""
    try:
        yield
    except sqlite3.Error as error:
        known = as_cashier_error(error, path)
        if known is None:
            raise
        raise known from error


def code_of(error: sqlite3.Error) -> int | None:
    """SQLite's primary result code, None for an error of the driver's own."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def is_disk_error(error: sqlite3.Error) -> bool:
    """Whether a write or sync failed below SQLite: whether the commit is on disk must be read back."""
    return code_of(error) in _DISK


def as_cashier_error(error: sqlite3.Error, path: Path, outcome: str = "") -> CashierError | None:
    """What an error means for the till, or None when it is a bug. `outcome` ends the text for a clerk."""
    code = code_of(error)
    tail = f" {outcome}" if outcome else ""
    if code in _CORRUPT:
        return Discrepancy(
            f"The journal {path} is damaged or is no journal ({error}).{tail} Take no payments on this till; "
            "keep the file and call support."
        )
    if code == sqlite3.SQLITE_CONSTRAINT:
        return Discrepancy(f"The journal refused an entry that contradicts it ({error}).{tail}")
    if code in _HELD:
        return Unavailable(f"Another program holds the journal {path}.{tail} Try again.")
    if code in _CLOSED_TO_US:
        return Unavailable(f"The journal {path} cannot be opened or written ({error}).{tail}")
    if code == sqlite3.SQLITE_FULL:
        return Unavailable(f"The disk is full.{tail} Free some space and try again.")
    if code == sqlite3.SQLITE_IOERR:
        return Unavailable(f"The disk failed ({error}).{tail}")
    return None
