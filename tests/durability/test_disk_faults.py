"""The disk fails, or is full, at every operation of a sale: the till never says "saved" of what is not.

A disk that gave up a sync shows what it could not write until the power goes, and no later sync writes it.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from cashier.domain.entries import Draft, Entry, EntryKind
from cashier.domain.errors import CashierError, InDoubt, Unavailable
from cashier.domain.payment import PaymentEvent, PaymentState
from cashier.journal.sqlite import Settle
from cashier.journal.verify import verify_file
from tests.durability.cuts import ways
from tests.durability.disk import EVERYTHING, NOTHING, Disk, Kind
from tests.durability.power import PowerCutFiles
from tests.durability.trouble import Ill, trouble
from tests.fakes.clock import MovingClock
from tests.fakes.entries import Drafts, FixedClock
from tests.helpers.payments import told_all
from tests.till.conftest import Desk, FaultyJournal

Files = dict[str, bytes]

LASTING = pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
ILLS = pytest.mark.parametrize("ill", list(Ill), ids=[ill.name for ill in Ill])


@pytest.fixture
def files(tmp_path: Path) -> PowerCutFiles:
    return PowerCutFiles(Disk(), str(tmp_path))


def _open(files: PowerCutFiles, folder: Path, settle: Settle | None = None) -> FaultyJournal:
    return FaultyJournal(
        folder / "journal.db",
        till="A",
        clock=FixedClock(),
        holder="faults",
        open_connection=files.connect,
        settle=settle or files.settle,
    )


def _begun(files: PowerCutFiles, folder: Path, drafts: Drafts, checkpoint: bool) -> tuple[Files, int]:
    """A journal with sales in it, as files, and their number; the next sale is the one with a checkpoint."""
    disk = files.disk = Disk()
    with _open(files, folder) as journal:
        for number in itertools.count(1):
            before, done = disk.after_cut(EVERYTHING), len(disk.log)
            journal.record(drafts.paid_sale(f"s{number}"))
            checkpointed = any(o.kind is Kind.SYNC and o.name == "journal.db" for o in disk.log[done:])
            if checkpointed and number > 1 if checkpoint else number == 4:
                return before, number - 1
    raise AssertionError("not reached")


@dataclass
class Outcomes:
    recorded: int = 0
    unavailable: int = 0
    in_doubt: int = 0


@pytest.mark.parametrize("checkpoint", [False, True], ids=["plain", "with a checkpoint"])
@LASTING
@ILLS
def test_a_failing_disk_never_makes_a_record_that_is_not_there(
    tmp_path: Path,
    files: PowerCutFiles,
    ill: Ill,
    lasting: bool,
    checkpoint: bool,
    long: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    drafts = Drafts()
    begun, sales = _begun(files, tmp_path, drafts, checkpoint)
    life, outcomes = drafts.paid_sale("struck"), Outcomes()
    for at in _struck(ill, lasting, checkpoint, long):
        disk = files.disk = Disk(begun)
        with _open(files, tmp_path) as journal:
            if ill is Ill.READ_ERROR:
                # Little of the file in memory, so that there is something to read.
                journal._opened().execute("PRAGMA cache_size = 1")
                journal._opened().execute("PRAGMA shrink_memory")
            with trouble(disk, ill, at, lasting) as struck:
                said = _record(journal, life, outcomes)
                left = [disk.after_cut(keep) for keep in ways(at, [at]).values()]
            again = journal.record(life)
            assert again[5].body["number"] == f"A-{sales + 1:06d}"
            after = journal.record(drafts.paid_sale(f"after-{at}"))
            assert after[5].body["number"] == f"A-{sales + 2:06d}"
            sure = disk.after_cut(NOTHING)
        for cut in left if said is not None else ():
            assert _there(files, cut, tmp_path, life) is said, f"operation {at}: not as it was said"
        assert _there(files, sure, tmp_path, [*again, *after]), at
        _verify(disk.after_cut(EVERYTHING), tmp_path, 7 * (sales + 2))
        if not struck.struck:
            assert said is True
            break
    with capsys.disabled():
        print(f"\n{ill.name}{', lasting' if lasting else ''}: {outcomes}")


def _struck(ill: Ill, lasting: bool, checkpoint: bool, long: bool) -> Iterator[int]:
    """The numbers of the operations to strike, one after the other."""
    if long:
        return itertools.count(1)
    if ill is Ill.READ_ERROR:
        return itertools.count(1, 11)  # reads are many, and nothing is written by them
    if checkpoint:
        # The operations of a checkpoint are many and much alike: each is struck by another one of the ills.
        return itertools.count(1 + (list(Ill).index(ill) + lasting) % 3, 3)
    return itertools.count(1)


def test_control_building_on_what_a_failed_sync_left_is_caught(tmp_path: Path, files: PowerCutFiles) -> None:
    """Without `settle` a record that is said to be there goes with the power."""
    drafts = Drafts()
    begun, _ = _begun(files, tmp_path, drafts, False)
    life, outcomes, lost = drafts.paid_sale("struck"), Outcomes(), 0
    for at in itertools.count(1):
        disk = files.disk = Disk(begun)
        with _open(files, tmp_path, settle=lambda path: None) as journal:
            with trouble(disk, Ill.WRITE_ERROR, at, True) as struck:
                _record(journal, life, outcomes)
            journal.record(life)
            lost += not _there(files, disk.after_cut(NOTHING), tmp_path, life)
            files.disk = disk
        if not struck.struck:
            break
    assert lost > 0


def _record(journal: FaultyJournal, drafts: tuple[Draft, ...], outcomes: Outcomes) -> bool | None:
    """Whether it said that the drafts are recorded; None when it said that it does not know."""
    try:
        recorded = journal.record(drafts)
    except Unavailable as error:
        outcomes.unavailable += 1
        assert error.user_text
        return False
    except InDoubt as error:
        outcomes.in_doubt += 1
        assert error.user_text
        return None
    outcomes.recorded += 1
    assert [entry.id for entry in recorded] == [draft.id for draft in drafts]
    return True


def _there(files: PowerCutFiles, left: Files, folder: Path, wanted: Sequence[Draft | Entry]) -> bool:
    """Whether all of these are recorded on a disk; None of them is the other way."""
    other = folder / "other"
    files.disk = Disk(left)
    with _open(files, other) as journal:
        (there,) = {journal.entry(item.id) is not None for item in wanted}
        return there


def _verify(left: Files, folder: Path, entries: int) -> None:
    image = folder / "image.db"
    for name, content in left.items():
        (folder / name.replace("journal", "image")).write_bytes(content)
    verified = verify_file(image)
    assert verified.broken is None
    assert verified.entries == entries


# -- at the counter ----------------------------------------------------------------------------------------


class _Counter:
    """A clerk, a payer and the hub at one sale. `go_on` takes it from where it stands to its receipt."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.page = ""
        desk.fill()

    async def go_on(self) -> None:
        """Raises what the till raises."""
        till, feed = self.desk.till, self.desk.feed
        if not self.page:
            self.page = await (till.try_again() if self._unopened() else till.pay_by_card())
        if not feed.waiting:
            self.desk.hint(PaymentEvent.PAGE_SUBMITTED)
            feed.send(self.desk.payment.reference, told_all(self.desk.payment))
        till.take(feed.waiting[0])

    def _unopened(self) -> bool:
        """Brings a payment that was recorded, and not opened, to the payment page."""
        (unsettled,) = self.desk.journal.unsettled_payments() or (None,)
        if unsettled is not None:
            self.desk.till.show_payment(unsettled.reference)
        return unsettled is not None

    def shown(self) -> PaymentState | None:
        """What the payment page says; nothing where the journal cannot be read."""
        try:
            payment = self.desk.till.snapshot().payment
        except CashierError:
            return None
        return payment.state if payment else None


@LASTING
@pytest.mark.parametrize("ill", [Ill.WRITE_ERROR, Ill.FULL], ids=["WRITE_ERROR", "FULL"])
async def test_the_clerk_is_told_and_the_sale_goes_on_when_the_disk_does(
    tmp_path: Path, files: PowerCutFiles, ill: Ill, lasting: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    begun, sales = _begun(files, tmp_path, Drafts(), False)
    told = pages_lost = 0
    for at in itertools.count(1):
        disk = files.disk = Disk(begun)
        with _open(files, tmp_path) as journal:
            counter = _Counter(desk := Desk(journal, MovingClock()))
            with trouble(disk, ill, at, lasting) as struck:
                error = await _error_of(counter)
                shown, left = counter.shown(), disk.after_cut(NOTHING)
                heard = {request for request, _ in desk.gateway.launched}
            if error is not None:
                told += 1
                assert isinstance(error, Unavailable | InDoubt), at
                assert error.user_text
                assert shown is not PaymentState.APPROVED, f"shown as paid ({at})"
            unsettled = journal.unsettled_payments()
            if unsettled and unsettled[0].state is PaymentState.OPEN and not counter.page:
                # Recorded after all, and its page not opened: it waits at the desk for a fact.
                pages_lost += 1
                rows = desk.restart().snapshot().unsettled
                assert [row.reference for row in rows] == [unsettled[0].reference]
            else:
                if desk.receipts()[sales:] == []:
                    assert await _error_of(counter) is None, at
                assert counter.shown() is PaymentState.APPROVED
                assert desk.receipts()[sales:] == [f"A-{sales + 1:06d}"], "one receipt, no gap"
            entries = len(list(journal.entries()))
        _verify(disk.after_cut(EVERYTHING), tmp_path, entries)
        assert heard <= _requests(files, left, tmp_path), at
        if not struck.struck:
            assert error is None
            break
    assert told > 50
    with capsys.disabled():
        print(f"\n{ill.name}{', lasting' if lasting else ''}: clerk told {told}, page lost {pages_lost}")


async def _error_of(counter: _Counter) -> CashierError | None:
    try:
        await counter.go_on()
    except CashierError as error:
        return error
    return None


def _requests(files: PowerCutFiles, left: Files, folder: Path) -> set[str]:
    """What is on the disk to be launched."""
    files.disk = Disk(left)
    with _open(files, folder / "other") as journal:
        return {e.body["request"] for e in journal.entries() if e.kind is EntryKind.PAYMENT_ISSUED}
