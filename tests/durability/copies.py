"""Journals whose copies are made, sent and built anew, and which of their steps are taken."""

import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from cashier.domain.entries import EntryKind, StoredRow
from cashier.domain.money import Cents
from cashier.domain.outbox import BATCH_ENTRIES
from cashier.domain.receipt import Tender, TenderKind
from cashier.hub.client import HubClient
from cashier.journal.store import SqliteJournal
from cashier.journal.verify import verify_file
from cashier.till.outbox import Outbox
from tests.durability.chores import plain_line
from tests.durability.steps import sample
from tests.fakes.clock import MovingClock
from tests.fakes.entries import Drafts
from tests.helpers.journal_file import rows_in

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="kill -9 and limits of a process are POSIX's")

MASTER = b"a master secret of tests, 32 bytes long or more"
SEED = 11
#: Steps of a usual run that a process is killed at, and those that a disk or a line fails at.
KILLED, FAILED, HUBS_KILLED = 6, 4, 2
#: A page of SQLite's.
PAGE = 4096

SETTINGS = """
site = "{site}"
till = "A"
agency = "Town of Sampleton"
profile = "grancius"
schedule = "lakeland"
data_folder = "{folder}"
[hub]
url = "{url}"
[[billers]]
name = "building"
invoice_types = {{ 6 = "Building" }}
"""

CASH = (Tender(TenderKind.CASH, Cents(22_418), received_cents=Cents(22_418)),)


def make_journal(file: Path, till: str, entries: int, receipts: Sequence[int]) -> tuple[StoredRow, ...]:
    """A closed journal of so many entries; those of these numbers are receipts that a portal is told of."""
    drafts = Drafts(till.lower(), till)
    wanted = [
        drafts.receipt(f"s{seq}", tenders=CASH, payment_id="")
        if seq in receipts
        else drafts.draft(EntryKind.DRAWER_OPENED, "drawer", {"reason": f"change {seq}"})
        for seq in range(1, entries + 1)
    ]
    with SqliteJournal(file, till=till, clock=MovingClock(), holder="a test") as journal:
        for first in range(0, entries, 100):
            journal.record(wanted[first : first + 100])
        return journal.rows_after(0, entries)


def rows_of(file: Path) -> list[StoredRow]:
    """Every entry of a journal that holds."""
    assert verify_file(file).broken is None
    return rows_in(file)


def settings_in(folder: Path, site: str, url: str) -> Path:
    """The settings of till A whose journal is in a folder."""
    file = folder / "settings.toml"
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(SETTINGS.format(site=site, folder=folder / "data", url=url))
    return file


@dataclass
class Tally:
    """How many steps there are, and at how many of them what was done."""

    name: str
    seed: int
    long: bool
    capsys: pytest.CaptureFixture[str]

    def chosen(self, labels: Sequence[str], usual: int) -> list[int]:
        """The steps to be taken now. Every kind of step that there is is printed once."""
        numbers = sample(labels, len(labels) if self.long else usual, random.Random(self.seed))
        with self.capsys.disabled():
            kinds = len(set(labels))
            print(
                f"\n{self.name}: {len(numbers)} of {len(labels)} steps of {kinds} kinds, seed {self.seed}",
                end="",
            )
        return numbers


def sizes(largest: int, long: bool) -> list[int]:
    """Where a disk may be full: how large a file can become, in bytes."""
    pages = range(0, largest // PAGE + 2) if long else (0, 8, 40)
    return [PAGE * count for count in pages if PAGE * count <= largest + PAGE]


def left_beside(file: Path) -> set[str]:
    """What stands beside a journal, but for the index and the empty log that its readers leave."""
    return {path.name for path in file.parent.iterdir() if path.stat().st_size and path.suffix != ".db-shm"}


async def drained(outbox: Outbox) -> None:
    while await outbox.send_due() <= 0:
        pass


async def told_to(url: str, site: str, till: str, key: str, rows: Sequence[StoredRow]) -> None:
    async with plain_line() as http:
        client = HubClient(http, url, site, till, key)
        for first in range(0, len(rows), BATCH_ENTRIES):
            await client.keep(till, rows[first : first + BATCH_ENTRIES])
