"""Cut the power before every I/O operation of a recorded workload, and reopen what is left by the product."""

import hashlib
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from cashier.domain.entries import GENESIS, EntryKind
from cashier.domain.errors import CashierError
from cashier.domain.receipt import receipt_number
from cashier.journal.sqlite import sqlite3
from cashier.journal.store import SqliteJournal
from cashier.journal.verify import verify_file
from tests.durability.disk import EVERYTHING, NOTHING, Disk, Keep, Operation, Torn, disks
from tests.durability.power import PowerCutFiles
from tests.durability.workload import Recording
from tests.fakes.entries import Drafts, FixedClock
from tests.till.conftest import FaultyJournal


@dataclass
class Tally:
    """What a run of cuts came to. `disks` are those that differed and were reopened; `cpu_s` what it cost."""

    points: int = 0
    cuts: int = 0
    disks: int = 0
    cpu_s: float = 0.0
    broken: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Take in another range of cuts that ran at the same time."""
        self.points += other.points
        self.cuts += other.cuts
        self.disks += other.disks
        self.cpu_s += other.cpu_s
        self.broken += other.broken


def cut_everywhere(recording: Recording, place: range, seeds: Callable[[int], Sequence[int]]) -> Tally:
    """Cut before each operation of `place` (the log's length: after the last), leaving nothing, everything
    and a torn part, for each of the point's seeds, of what was not synced; then have the product go on.

    A disk that is the same as before, with the same promises, is reopened once.
    """
    started = time.process_time()
    tally = Tally()
    with TemporaryDirectory(prefix="cashier-cuts-") as folder:
        reopener = Reopener(recording, Path(folder))
        last: dict[str, tuple[object, int]] = {}
        for point, disk in disks(recording.log[: place.stop - 1]):
            if point not in place:
                continue
            promised = reopener.promised(point)
            tally.points += 1
            for name, keep in ways(point, seeds(point)).items():
                tally.cuts += 1
                if disk.settled and keep is not NOTHING:
                    continue
                files = disk.after_cut(keep)
                if last.get(name) == (files, promised):
                    continue
                last[name] = (files, promised)
                tally.disks += 1
                broken = reopener.broken(files, point)
                if broken:
                    tally.broken.append(f"cut before operation {point}, {name} kept: {broken}")
    tally.cpu_s = time.process_time() - started
    return tally


def ways(point: int, seeds: Sequence[int]) -> dict[str, Keep]:
    """What a cut at a point may leave of what was not synced, by name."""
    torn = {f"a torn part (seed {seed})": Torn(f"{seed}/{point}") for seed in seeds}
    return {"nothing": NOTHING, "everything": EVERYTHING, **torn}


@dataclass(frozen=True)
class Reopened:
    """What the product found on a disk and did with it.

    `entries` are those found; `repeated` says that the one more sale was among what was on the disk, `number`
    is its receipt's. `image` is the closed file, `log` every operation, `recorded_at` how many of them there
    were when the sale was recorded.
    """

    entries: int
    repeated: bool
    number: str
    image: bytes
    log: tuple[Operation, ...]
    recorded_at: int


class Reopener:
    """Opens what a cut left with the product's journal and has it record one more sale.

    The sale's first entry names the hash of the entry before it, and so all that was found. A file that came
    out of it is looked through entry by entry and verified as a real file, once: equal bytes say the same.
    """

    def __init__(self, recording: Recording, folder: Path) -> None:
        self._recording = recording
        self._folder = folder
        self.files = PowerCutFiles(Disk(), f"cuts {folder}")
        drafts = Drafts("after")
        self._drafts = (drafts.sale("after"), drafts.receipt("after"))
        self._verified: set[bytes] = set()
        self._promises = sorted(recording.promises, key=lambda promise: promise.at)
        self._promised = [0]
        for promise in self._promises:
            self._promised.append(max(self._promised[-1], promise.seq))

    def promised(self, point: int) -> int:
        """The last entry that must be there after a cut at this point of the log."""
        return self._promised[bisect_right(self._promises, point, key=lambda promise: promise.at)]

    def broken(self, files: dict[str, bytes], point: int) -> str:
        """What is not as it must be, or nothing."""
        try:
            found = self.go_on(files)
            if found.entries not in self._recording.commits:
                return f"{found.entries} entries are half a commit"
            if found.entries < self.promised(point):
                made = self._promises[: bisect_right(self._promises, point, key=lambda promise: promise.at)]
                lost = sorted({promise.what for promise in made if promise.seq > found.entries})
                return f"lost: {', '.join(lost)} after entry {found.entries}"
            key = hashlib.blake2b(found.image).digest()
            if key not in self._verified:
                self._verify(found)
                self._verified.add(key)
        except (CashierError, AssertionError, sqlite3.Error) as error:
            return repr(error)
        return ""

    def go_on(self, files: dict[str, bytes]) -> Reopened:
        """Open, record one more sale, close. Raises AssertionError for other entries than were recorded."""
        self.files.disk = disk = Disk(files)
        with self.open() as journal:
            repeated = journal.entry(self._drafts[0].id) is not None
            first, receipt = journal.record(self._drafts)
            recorded_at = len(disk.log)
        found = first.seq - 1
        before = self._recording.entries[:found]
        assert len(before) == found, "more entries than were recorded"
        assert first.previous == (before[-1].hash if before else GENESIS), "other entries than were recorded"
        assert receipt.seq == found + 2
        receipts = sum(entry.kind is EntryKind.RECEIPT_ISSUED for entry in before)
        assert receipt.body["number"] == receipt_number("A", receipts + 1)
        (image,) = (bytes(file.seen) for file in disk.files.values())
        return Reopened(found, repeated, receipt.body["number"], image, tuple(disk.log), recorded_at)

    def open(self) -> FaultyJournal:
        """The product's journal on the disk that `files` has now."""
        path = self._folder / "journal.db"
        return FaultyJournal(
            path,
            till="A",
            clock=FixedClock(),
            holder="cuts",
            open_connection=self.files.connect,
            settle=self.files.settle,
        )

    def _verify(self, found: Reopened) -> None:
        """Everything the file says, as a real file and by the real driver."""
        file = self._folder / "image.db"
        file.write_bytes(found.image)
        verified = verify_file(file)
        assert verified.broken is None, verified.broken
        assert verified.entries == found.entries + 2
        with SqliteJournal(file, till="A", clock=FixedClock(), holder="cuts") as journal:
            entries = tuple(journal.entries())
            assert entries[: found.entries] == self._recording.entries[: found.entries]
            issued = [e.body["number"] for e in entries if e.kind is EntryKind.RECEIPT_ISSUED]
            assert issued == [receipt_number("A", number + 1) for number in range(len(issued))]
            findable = [receipt.number for receipt in journal.search("", len(entries))]
            assert findable == issued[::-1]
