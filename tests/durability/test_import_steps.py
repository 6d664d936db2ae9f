"""The plug is pulled at every step of an import: the next one finishes it, and the hub gets what it lacks.

A step is each call of the product that reaches the disk or the line (`steps.py`). A real process is killed
before it; the disk has no room for it, or for any file that would grow. Then the same verb is run once more.
A usual run takes steps of many kinds, by chance; `--long` takes all of them.
"""

import asyncio
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from cashier.copy_verbs import import_journal
from cashier.domain.entries import EntryKind
from cashier.domain.outbox import Owed
from cashier.journal.adopt import ADOPTED_AT_ONCE, sent_of
from cashier.journal.store import SqliteJournal
from cashier.till.outbox import Outbox
from tests.durability.chores import (
    Work,
    import_disk,
    in_process,
    make_notice,
    told,
)
from tests.durability.copies import (
    FAILED,
    KILLED,
    POSIX,
    Tally,
    drained,
    left_beside,
    make_journal,
    rows_of,
    settings_in,
    sizes,
)
from tests.durability.steps import Ill, taken
from tests.fakes.clock import MovingClock, SeededRandomness
from tests.fakes.copy import FakeCopy

pytestmark = POSIX


class Rescue:
    """Till B's disk, with two commits' worth of entries, of which B had told the hub and a portal some."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.disk = folder / "disk.db"
        self.rows = make_journal(self.disk, "B", ADOPTED_AT_ONCE + 10, [40, 300, 505])
        with SqliteJournal(self.disk, till="B", clock=MovingClock(), holder="a test") as journal:
            journal.mark_sent(Owed.ENTRIES, 100)
            journal.mark_sent(Owed.NOTICES, 40)
        self._count = 0
        self.begin()

    def begin(self) -> None:
        """Another machine, on which nothing was imported yet."""
        self._count += 1
        self.settings = settings_in(self.folder / f"at-{self._count}", "sampleton", "https://hub.example.org")
        self.file = self.settings.parent / "data" / "imported" / "sampleton-B.db"
        self.copy = FakeCopy()
        # The dead till had got further than the disk knows: the answers to its last batch were lost.
        self.copy.copies.journals["B"] = list(self.rows[:450])
        for seq in (40, 300):
            self._notify(seq)
        shutil.rmtree(self.folder / f"at-{self._count - 1}", ignore_errors=True)

    def _notify(self, seq: int) -> None:
        with SqliteJournal(self.disk, till="B", clock=MovingClock(), holder="a test") as journal:
            entry = next(journal.entries_of([EntryKind.RECEIPT_ISSUED], after=seq - 1))
        notice = make_notice("B", entry)
        assert notice is not None
        self.copy.copies.notices[notice.id] = (notice.url, notice.kind, notice.data)

    def work(self) -> Work:
        return partial(import_disk, self.settings, self.disk)

    def start_window(self) -> None:
        """The till starts on what is there, in whatever state, and its outbox tells what is owed."""
        if not self.file.exists():
            return
        own = self.settings.parent / "own.db"
        with (
            SqliteJournal(own, till="A", clock=MovingClock(), holder="a test") as journal,
            SqliteJournal(self.file, till="B", clock=MovingClock(), holder="a test") as rescued,
        ):
            outbox = Outbox(
                "A",
                MovingClock(),
                SeededRandomness(),
                journal,
                self.copy,
                lambda _entry: None,
                lambda: None,
                lambda _broken: None,
            )
            outbox.bring("B", rescued, partial(make_notice, "B"))
            asyncio.run(drained(outbox))
            assert outbox.exceptions() == ()

    def finish(self, *, windows: bool) -> None:
        """The next run; and what must be so then."""
        if windows:
            self.start_window()
        assert import_journal(self.disk, self.settings).entries == len(self.rows)
        assert rows_of(self.file) == list(self.rows)
        assert import_journal(self.disk, self.settings).fresh == 0, "twice is once"
        if not windows:
            for owed, seq in ((Owed.ENTRIES, 100), (Owed.NOTICES, 40)):
                assert sent_of(self.file, owed.value) == seq, "as the dead till had it"
        assert left_beside(self.file) <= {"sampleton-B.db", "sampleton-B.db.lock"}
        self.start_window()
        copies = self.copy.copies
        assert [row.hash for row in copies.journals["B"]] == [row.hash for row in self.rows]
        assert sorted(copies.notices) == [f"01940000-0000-7000-8042-{seq:012d}" for seq in (40, 300, 505)]
        assert copies.alarms == []


@pytest.fixture(scope="module")
def rescue(tmp_path_factory: pytest.TempPathFactory) -> Rescue:
    return Rescue(tmp_path_factory.mktemp("rescue"))


def test_o8_an_import_that_is_killed_at_any_step_is_finished_by_the_next(
    rescue: Rescue, tally: Callable[[str], Tally]
) -> None:
    rescue.begin()
    with taken(Ill.KILL) as steps:
        rescue.work()()
    for at in tally("import, kill -9").chosen(steps.labels, KILLED):
        rescue.begin()
        assert in_process(rescue.work(), {}, at) is None, "it ended by itself"
        rescue.finish(windows=bool(at % 2))


def test_o8_an_import_onto_a_full_disk_says_so_and_is_finished_by_the_next(
    rescue: Rescue, tally: Callable[[str], Tally], long: bool
) -> None:
    rescue.begin()
    with taken(Ill.FULL) as steps:
        rescue.work()()
    largest = rescue.file.stat().st_size
    told_at = set()
    for at in tally("import, no room at a step").chosen(steps.labels, FAILED):
        rescue.begin()
        with taken(Ill.FULL, at):
            told_at.add(bool(told(rescue.work())))
        rescue.finish(windows=bool(at % 2))
    assert True in told_at
    for size in sizes(2 * largest, long):
        rescue.begin()
        ended = in_process(rescue.work(), {}, most_bytes=size)
        assert ended is not None
        assert ended[0] or size > largest, f"it said nothing with files of {size} bytes"
        rescue.finish(windows=False)
