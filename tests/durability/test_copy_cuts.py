"""The power fails, or the disk is full, before each I/O operation of an import and of marking what was sent.

What `test_import_steps.py` and `test_send_steps.py` cannot reach: the inside of a commit.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from cashier.domain.entries import StoredRow
from cashier.domain.errors import CashierError
from cashier.domain.outbox import Anchor, Owed
from cashier.journal.store import SqliteJournal
from tests.durability.cuts import ways
from tests.durability.disk import Disk, disks
from tests.durability.power import PowerCutFiles
from tests.durability.trouble import Ill, trouble
from tests.fakes.entries import Drafts, FixedClock
from tests.fakes.journal import MemoryJournal

#: What is taken over in one commit each.
FIRST, SECOND = slice(0, 14), slice(14, 28)
SENT = (5, 14, 28)


@pytest.fixture(scope="module")
def rows() -> tuple[StoredRow, ...]:
    journal, drafts = MemoryJournal("B", FixedClock()), Drafts("b", "B")
    for number in range(4):
        journal.record(drafts.paid_sale(f"s{number}"))
    return journal.rows_after(0, 100)


@pytest.fixture
def files(tmp_path: Path) -> PowerCutFiles:
    return PowerCutFiles(Disk(), str(tmp_path))


def _open(files: PowerCutFiles, folder: Path) -> SqliteJournal:
    return SqliteJournal(
        folder / "journal.db",
        till="B",
        clock=FixedClock(),
        holder="cuts",
        open_connection=files.connect,
        settle=files.settle,
    )


def _anchor(row: StoredRow) -> Anchor:
    return Anchor(row.seq, row.hash, row.at, "0" * 64)


def _steps(journal: SqliteJournal, rows: tuple[StoredRow, ...]) -> Iterator[None]:
    """An import as the verb makes it, and then sending, commit by commit."""
    journal.mark_sent(Owed.NOTICES, 9)
    yield
    journal.adopt(rows[FIRST])
    yield
    journal.adopt(rows[SECOND])
    yield
    for seq in SENT:
        journal.mark_sent(Owed.ENTRIES, seq, [_anchor(rows[seq - 1])])
        yield


def _state(journal: SqliteJournal) -> tuple[int, int, int]:
    """How many commits of `_steps` are told by what is there; and the entries and the mark."""
    entries, sent = journal.head().seq, journal.sent(Owed.ENTRIES)
    assert len(journal.anchors()) == (SENT.index(sent) + 1 if sent else 0), "an anchor comes with its mark"
    assert entries in (0, FIRST.stop, SECOND.stop)
    if sent:
        return 4 + SENT.index(sent), entries, sent
    if entries:
        assert journal.sent(Owed.NOTICES) == 9, "marked before anything was taken over"
        return (2 if entries == FIRST.stop else 3), entries, sent
    return (1 if journal.sent(Owed.NOTICES) else 0), entries, sent


def _finish(journal: SqliteJournal, rows: tuple[StoredRow, ...]) -> None:
    """The next run: what is there already stays, and the rest comes."""
    journal.mark_sent(Owed.NOTICES, max(journal.sent(Owed.NOTICES), 9))
    journal.adopt(rows[FIRST])
    journal.adopt(rows[SECOND])
    journal.mark_sent(Owed.ENTRIES, SENT[-1], [_anchor(rows[seq - 1]) for seq in SENT])
    assert journal.rows_after(0, 100) == rows
    assert [receipt.number for receipt in journal.search("", 9)] == [f"B-00000{n}" for n in (4, 3, 2, 1)]
    assert len(journal.anchors()) == len(SENT)


def test_o8_p3_a_power_cut_at_any_operation_keeps_what_was_done_and_lets_it_go_on(
    tmp_path: Path,
    files: PowerCutFiles,
    rows: tuple[StoredRow, ...],
    long: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    done = [0]
    with _open(files, tmp_path) as journal:
        for _ in _steps(journal, rows):
            done.append(len(files.disk.log))
    log, reopened, last = tuple(files.disk.log), 0, dict[str, object]()
    for point, disk in disks(log):
        if not long and point % 3 and point not in done:
            continue
        promised = sum(at <= point for at in done[1:])
        for name, keep in ways(point, range(8) if long else [point % 8]).items():
            left = disk.after_cut(keep)
            if last.get(name) == (left, promised):
                continue
            last[name] = (left, promised)
            files.disk, reopened = Disk(left), reopened + 1
            with _open(files, tmp_path) as journal:
                commits, _, _ = _state(journal)
                assert promised <= commits <= promised + 1, f"operation {point}, {name} kept"
                _finish(journal, rows)
    with capsys.disabled():
        print(f"\npower cuts of an import: {len(log)} operations, {reopened} disks reopened", end="")
    assert reopened > 50


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
@pytest.mark.parametrize("ill", [Ill.FULL, Ill.WRITE_ERROR], ids=["FULL", "WRITE_ERROR"])
def test_o8_a_disk_that_fails_at_any_operation_says_so_and_lets_it_go_on(
    tmp_path: Path, files: PowerCutFiles, rows: tuple[StoredRow, ...], ill: Ill, lasting: bool, long: bool
) -> None:
    with _open(files, tmp_path):
        begun = files.disk
    empty = begun.after_cut(ways(0, [])["everything"])
    failed = 0
    for at in itertools.count(1, 1 if long else 3):
        files.disk = Disk(empty)
        said = 0
        with _open(files, tmp_path) as journal:
            with trouble(files.disk, ill, at, lasting) as struck:
                try:
                    for _ in _steps(journal, rows):
                        said += 1
                except CashierError as error:
                    failed += 1
                    assert error.user_text
            assert _state(journal)[0] >= said, "what was said to be done is there"
            _finish(journal, rows)
        with _open(files, tmp_path) as journal:
            _finish(journal, rows)
        if not struck.struck:
            break
    assert failed > 3
