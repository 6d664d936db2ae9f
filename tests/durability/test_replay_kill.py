"""kill -9 of a till at any moment of sending: the hub has every entry once, and nothing is sent for ever."""

import random
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from cashier.domain.entries import EntryKind
from cashier.domain.outbox import BATCH_ENTRIES
from cashier.hub.serve import RunningHub
from cashier.journal.store import SqliteJournal
from cashier.journal.verify import verify_file
from tests.durability.sender import SITE, outbox_of, send_until_killed
from tests.durability.test_kill import _context
from tests.fakes.clock import MovingClock
from tests.fakes.entries import Drafts

KILLS, KILLS_LONG = 6, 100
#: A batch and a half for each kill.
QUEUED_PER_KILL = 3 * BATCH_ENTRIES // 2
SEED = 5
MASTER = b"a master secret of tests, 32 bytes long or more"


def _killed(file: Path, url: str, key: str, chance: random.Random) -> int:
    """Start a sender and kill it at a moment of chance; how much was owed when it said so last."""
    context = _context()
    hear, say = context.Pipe(duplex=False)
    process = context.Process(target=send_until_killed, args=(file, url, key, say), daemon=True)
    with closing(hear):
        process.start()
        say.close()
        owed = hear.recv()
        for _ in range(chance.randrange(3)):
            owed = hear.recv()
        process.join(chance.uniform(0, 0.03))
        process.kill()
        process.join()
    return int(owed)


def _queue(file: Path, count: int) -> None:
    drafts = Drafts("queued")
    with SqliteJournal(file, till="A", clock=MovingClock(), holder="the till") as journal:
        for first in range(0, count, 50):
            journal.record(
                [
                    drafts.draft(EntryKind.DRAWER_OPENED, "drawer", {"reason": f"change {first + place}"})
                    for place in range(50)
                ]
            )


async def test_o2_kill_9_while_sending_makes_nothing_twice_and_loses_nothing(
    tmp_path: Path, long: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    file, chance = tmp_path / "journal.db", random.Random(SEED)
    kills = KILLS_LONG if long else KILLS
    _queue(file, kills * QUEUED_PER_KILL)
    with RunningHub(f"sqlite:///{tmp_path}/hub.db", MASTER) as hub:
        key, journals = hub.enrol(SITE, "A"), hub.state.journals
        seen = []
        for _ in range(kills):
            before = journals.kept(SITE, "A").seq
            seen.append(_killed(file, hub.url, key, chance))
            assert journals.kept(SITE, "A").seq >= before
            assert verify_file(file).broken is None
        with SqliteJournal(file, till="A", clock=MovingClock(), holder="at the end") as journal:
            async with httpx.AsyncClient(trust_env=False) as http:
                outbox = outbox_of(journal, http, hub.url, key)
                while await outbox.send_due() <= 0:
                    pass
                assert outbox.view().to_send == 0
                assert outbox.exceptions() == ()
            told = [(row.seq, row.id, row.hash) for row in journal.rows_after(0, 1_000_000)]
        kept, after = [], 0
        while page := journals.entries(SITE, "A", after, 500):
            kept += [(row.seq, row.id, row.hash) for row, _ in page]
            after = page[-1][0].seq
        assert kept == told
        assert journals.first_fault(SITE, "A") is None
    with capsys.disabled():
        print(f"\nkill -9 while sending: {kills} kills of {len(told)} entries, owed then {seen}, seed {SEED}")
    assert len(set(seen)) > 1, "none was killed before it had sent anything, or all after"
