"""kill -9 of the till core, again and again, at any moment of its sales, over one journal on disk.

This shows nothing about power (`test_power_cut.py`): a kill loses nothing that the operating system holds. It
shows that a commit is whole or absent, that the lock dies with its process, and what a restart makes of it.
"""

import multiprocessing
import random
import sys
from collections import Counter
from contextlib import closing
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, SpawnContext
from pathlib import Path

import pytest

from cashier.domain.entries import EntryKind
from cashier.domain.errors import Refused
from cashier.domain.payment import PaymentState
from cashier.journal.verify import verify_file
from tests.durability.counter import HEARD, PAGE, PAID, sell_until_killed
from tests.fakes.clock import MovingClock, SeededRandomness
from tests.till.conftest import Desk, FaultyJournal

KILLS, KILLS_LONG = 15, 200
SEED = 3

Said = list[tuple[str, str, str]]


def _killed(file: Path, round_: int, chance: random.Random) -> Said:
    """What a till core said before it was killed at a moment of chance."""
    context = _context()
    hear, say = context.Pipe(duplex=False)
    process = context.Process(target=sell_until_killed, args=(file, round_, say), daemon=True)
    with closing(hear):
        process.start()
        say.close()
        said: Said = [hear.recv() for _ in range(chance.randrange(1, 25))]
        if round_ == 0:
            with pytest.raises(Refused, match="round 0"):
                FaultyJournal(file, till="A", clock=MovingClock(), holder="a second one")
        process.join(chance.uniform(0, 0.02))
        assert process.exitcode is None, "it ended by itself"
        process.kill()
        process.join()
        said += _rest(hear)
    return said


def _context() -> SpawnContext | ForkServerContext:
    """Where it can be, one process imports everything once and every till core starts from there."""
    if sys.platform == "win32":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.durability.counter"])
    return context


def _rest(hear: Connection) -> Said:
    """What was said and not heard yet; the last of it may be half a message."""
    said: Said = []
    try:
        while True:
            said.append(hear.recv())
    except (EOFError, OSError):
        return said


def test_p2_kill_9_of_the_till_core_loses_nothing_it_said(
    tmp_path: Path, long: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    file, chance = tmp_path / "data" / "journal.db", random.Random(SEED)
    acknowledged: list[str] = []
    in_doubt = 0
    for round_ in range(KILLS_LONG if long else KILLS):
        said = _killed(file, round_, chance)
        assert verify_file(file).broken is None
        by_word = {
            word: {reference for what, reference, _ in said if what == word} for word in (HEARD, PAGE, PAID)
        }
        acknowledged += [number for what, _, number in said if what == PAID]
        clock = MovingClock()
        clock.advance(3600 * round_ + 1800)
        with FaultyJournal(file, till="A", clock=clock, holder="after the kill") as journal:
            found = {reference: journal.payment(reference) for reference in by_word[HEARD]}
            states = {reference: payment.state for reference, payment in found.items() if payment}
            assert states.keys() == by_word[HEARD], "heard of by the gateway, and not by the journal"
            assert all(states[reference] is PaymentState.APPROVED for reference in by_word[PAID])
            assert all(states[reference] is not PaymentState.ISSUED for reference in by_word[PAGE])
            desk = Desk(journal, clock)
            desk.randomness = SeededRandomness(5000 + round_)
            shown = {row.reference for row in desk.restart().snapshot().unsettled}
            for reference, state in states.items():
                after = journal.payment(reference)
                assert after is not None
                if state in (PaymentState.OPEN, PaymentState.IN_DOUBT):
                    in_doubt += 1
                    assert after.state is PaymentState.IN_DOUBT
                    assert reference in shown
                else:
                    assert after.state is state
    with FaultyJournal(file, till="A", clock=MovingClock(), holder="at the end") as journal:
        receipts = [e.body for e in journal.entries() if e.kind is EntryKind.RECEIPT_ISSUED]
        for receipt in receipts:
            payment = journal.payment(receipt["reference"])
            assert payment is not None
            assert payment.state is PaymentState.APPROVED
    assert [receipt["number"] for receipt in receipts] == [f"A-{n + 1:06d}" for n in range(len(receipts))]
    assert max(Counter(receipt["reference"] for receipt in receipts).values()) == 1, "one receipt a payment"
    assert len(set(acknowledged)) == len(acknowledged)
    assert set(acknowledged) <= {receipt["number"] for receipt in receipts}
    with capsys.disabled():
        print(
            f"\nkill -9: {round_ + 1} kills, {len(acknowledged)} sales acknowledged,"
            f" {len(receipts)} receipts, {in_doubt} pages found in doubt, seed {SEED}"
        )
    assert acknowledged and in_doubt
