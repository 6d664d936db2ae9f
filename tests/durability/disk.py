"""A disk in memory that keeps apart what is synced and what is only written, so that its power can be cut.

What a system promises without a sync is nothing: after a cut any part of what was written since may be on
the disk, in any order, down to single sectors and parts of one. That goes for a file's size as well, and for
names: a created, deleted or renamed file is sure only once its folder was synced.

Every operation is one value, so that a disk can be built again from a log of them.
"""

import enum
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

#: What a drive writes as one piece.
SECTOR = 512


class Kind(enum.Enum):
    """What can be done to a disk."""

    CREATE = enum.auto()
    WRITE = enum.auto()
    TRUNCATE = enum.auto()
    SYNC = enum.auto()
    DELETE = enum.auto()
    SYNC_FOLDER = enum.auto()


@dataclass(frozen=True, slots=True)
class Operation:
    """One I/O operation. `offset` is the new size of a TRUNCATE, in bytes."""

    kind: Kind
    name: str = ""
    offset: int = 0
    data: bytes = b""


class _Nothing:
    """Nothing that was not synced is on the disk after the cut."""

    def name_kept(self) -> bool:
        return False

    def parts(self, operation: Operation) -> Iterator[Operation]:
        yield from ()


class _Everything:
    """Everything that was written is on the disk, synced or not."""

    def name_kept(self) -> bool:
        return True

    def parts(self, operation: Operation) -> Iterator[Operation]:
        yield operation


class Torn:
    """Sectors chosen by chance are on the disk; some of those only up to their middle."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        self._kept = self._random.choice((0.05, 0.3, 0.5, 0.7, 0.95))

    def name_kept(self) -> bool:
        """Whether an unsynced change of a name is there."""
        return self._random.random() < self._kept

    def parts(self, operation: Operation) -> Iterator[Operation]:
        """What is there of an unsynced change of a file."""
        if operation.kind is Kind.TRUNCATE:
            if self.name_kept():
                yield operation
            return
        chance, data, start = self._random.random, operation.data, 0
        while start < len(data):
            end = min(len(data), start + SECTOR - (operation.offset + start) % SECTOR)
            if chance() < self._kept:
                stop = end if chance() > 0.05 else start + int(chance() * (end - start))
                yield Operation(Kind.WRITE, operation.name, operation.offset + start, data[start:stop])
            start = end


Keep = _Nothing | _Everything | Torn
NOTHING: Keep = _Nothing()
EVERYTHING: Keep = _Everything()


@dataclass(eq=False)
class File:
    """A file as programs see it (`seen`), as it is surely on the disk (`synced`), and what lies between."""

    seen: bytearray = field(default_factory=bytearray)
    synced: bytearray = field(default_factory=bytearray)
    pending: list[Operation] = field(default_factory=list)

    def change(self, operation: Operation) -> None:
        """Write or cut off, in memory only."""
        _apply(self.seen, operation)
        self.pending.append(operation)

    def sync(self) -> None:
        """Everything seen is on the disk now."""
        for operation in self.pending:
            _apply(self.synced, operation)
        self.pending.clear()

    def sync_failed(self) -> None:
        """The system gives up what it could not write: it is still seen, and no later sync writes it."""
        self.pending.clear()

    def after_cut(self, keep: Keep) -> bytes:
        """What is read once the power is back."""
        if keep is EVERYTHING and self.pending:
            return bytes(self.seen)
        content = bytearray(self.synced)
        if keep is not NOTHING:
            for operation in self.pending:
                for part in keep.parts(operation):
                    _apply(content, part)
        return bytes(content)


def _apply(content: bytearray, operation: Operation) -> None:
    if operation.kind is Kind.TRUNCATE:
        del content[operation.offset :]
        return
    missing = operation.offset - len(content)
    if missing > 0:
        content.extend(bytes(missing))
    content[operation.offset : operation.offset + len(operation.data)] = operation.data


class Disk:
    """One folder of files by name. `log` is everything done to it.

    `before` may raise in place of doing an operation, `before_read` in place of reading.
    """

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.files = {
            name: File(bytearray(content), bytearray(content)) for name, content in (files or {}).items()
        }
        self._synced_names = dict(self.files)
        self._pending_names: list[tuple[str, File | None]] = []
        self.log: list[Operation] = []
        self.before: Callable[[Operation], None] | None = None
        self.before_read: Callable[[], None] | None = None

    def do(self, operation: Operation) -> None:
        """Carry out one operation, after `before` had its say, and log it."""
        if self.before is not None:
            self.before(operation)
        self.log.append(operation)
        self.redo(operation)

    def redo(self, operation: Operation) -> None:
        """Carry out an operation of a log."""
        match operation.kind:
            case Kind.WRITE | Kind.TRUNCATE:
                self.files[operation.name].change(operation)
            case Kind.SYNC:
                self.files[operation.name].sync()
            case Kind.SYNC_FOLDER:
                self._sync_names()
            case Kind.CREATE:
                self.files[operation.name] = File()
                self._pending_names.append((operation.name, self.files[operation.name]))
            case Kind.DELETE:
                del self.files[operation.name]
                self._pending_names.append((operation.name, None))

    def after_cut(self, keep: Keep) -> dict[str, bytes]:
        """The files once the power is back."""
        names = dict(self._synced_names)
        _rename(names, (change for change in self._pending_names if keep.name_kept()))
        return {name: file.after_cut(keep) for name, file in names.items()}

    @property
    def settled(self) -> bool:
        """Whether a cut now would lose nothing at all."""
        return not self._pending_names and not any(file.pending for file in self.files.values())

    def _sync_names(self) -> None:
        _rename(self._synced_names, self._pending_names)
        self._pending_names.clear()


def _rename(names: dict[str, File], changes: Iterable[tuple[str, File | None]]) -> None:
    for name, file in changes:
        if file is None:
            names.pop(name, None)
        else:
            names[name] = file


def disks(log: Sequence[Operation], files: dict[str, bytes] | None = None) -> Iterator[tuple[int, Disk]]:
    """A disk as it was before each operation of a log, and after the last, with the number done by then.

    It is one disk that goes on: take from it what is wanted before the next.
    """
    disk = Disk(files)
    yield 0, disk
    for done, operation in enumerate(log, 1):
        disk.redo(operation)
        yield done, disk
