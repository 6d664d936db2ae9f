"""The plug is pulled at every step of a restore from the hub: a journal is there whole, or none is.

Steps and how many of them are taken: as in `test_import_steps.py`. Here the line is cut, too.
"""

import asyncio
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from cashier.copy_verbs import verify_with_hub
from cashier.domain.errors import Refused
from cashier.domain.outbox import Owed
from cashier.hub.serve import RunningHub
from cashier.journal.store import SqliteJournal
from tests.durability.chores import (
    Work,
    in_process,
    restore,
    told,
)
from tests.durability.copies import (
    FAILED,
    KILLED,
    POSIX,
    Tally,
    left_beside,
    make_journal,
    rows_of,
    settings_in,
    sizes,
    told_to,
)
from tests.durability.steps import Ill, taken
from tests.fakes.clock import MovingClock
from tests.fakes.entries import Drafts

pytestmark = POSIX


class Lost:
    """A till whose machine is gone. The hub has all of its journal."""

    def __init__(self, folder: Path, hub: RunningHub) -> None:
        self.folder, self.hub, self.site = folder, hub, "lostville"
        self.rows = make_journal(folder / "lost.db", "A", 520, [40, 300, 505])
        self.key = hub.enrol(self.site, "A")
        asyncio.run(told_to(hub.url, self.site, "A", self.key, self.rows))
        self._count = 0
        self.begin()

    @property
    def environ(self) -> dict[str, str]:
        return {"CASHIER_SECRET_TILL_KEY": self.key}

    def begin(self) -> None:
        """A new machine."""
        shutil.rmtree(self.folder / f"at-{self._count}", ignore_errors=True)
        self._count += 1
        self.settings = settings_in(self.folder / f"at-{self._count}", self.site, self.hub.url)
        self.file = self.settings.parent / "data" / "journal.db"

    def work(self) -> Work:
        return partial(restore, self.settings)

    def finish(self) -> None:
        """The next run; and what must be so then: a journal is there whole, or was not there at all."""
        if self.file.exists():
            assert rows_of(self.file) == list(self.rows)
            with pytest.raises(Refused, match="There is a journal"):
                self.work()()
        else:
            self.work()()
        assert rows_of(self.file) == list(self.rows)
        with SqliteJournal(self.file, till="A", clock=MovingClock(), holder="a test") as journal:
            assert journal.sent(Owed.ENTRIES) <= len(self.rows)
            (entry,) = journal.record([Drafts("next").receipt("next")])
            assert entry.body["number"] == "A-000004"
        agreed = asyncio.run(verify_with_hub(self.settings))
        assert agreed.startswith(f"the hub has {len(self.rows)} of {len(self.rows) + 1} entries")
        assert left_beside(self.file) <= {"journal.db", "journal.db.lock", "journal.db.restored.lock"}


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory, hub: RunningHub) -> Lost:
    return Lost(tmp_path_factory.mktemp("lost"), hub)


@pytest.fixture
def key_of_lost(lost: Lost, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in lost.environ.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("key_of_lost")
def test_a_restore_that_is_killed_at_any_step_leaves_all_or_nothing(
    lost: Lost, tally: Callable[[str], Tally]
) -> None:
    lost.begin()
    with taken(Ill.KILL) as steps:
        lost.work()()
    for at in tally("restore, kill -9").chosen(steps.labels, KILLED):
        lost.begin()
        in_process(lost.work(), lost.environ, at)
        lost.finish()


@pytest.mark.usefixtures("key_of_lost")
@pytest.mark.parametrize("ill", [Ill.FULL, Ill.CUT], ids=["full", "cut"])
def test_a_restore_that_fails_at_any_step_says_so_and_leaves_all_or_nothing(
    lost: Lost, tally: Callable[[str], Tally], ill: Ill
) -> None:
    lost.begin()
    with taken(ill) as steps:
        lost.work()()
    failed = 0
    for at in tally(f"restore, {ill.value}").chosen(steps.labels, FAILED):
        lost.begin()
        with taken(ill, at):
            failed += bool(told(lost.work()))
        lost.finish()
    assert failed


@pytest.mark.usefixtures("key_of_lost")
def test_a_restore_onto_a_full_disk_says_so_and_leaves_nothing(lost: Lost, long: bool) -> None:
    lost.begin()
    lost.work()()
    largest = lost.file.stat().st_size
    for size in sizes(2 * largest, long):
        lost.begin()
        ended = in_process(lost.work(), lost.environ, most_bytes=size)
        assert ended is not None
        assert bool(ended[0]) is not lost.file.exists(), f"files of {size} bytes: {ended[0]}"
        assert ended[0] or size > largest
        lost.finish()
