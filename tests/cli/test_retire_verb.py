"""`cashier retire`: nothing ends quietly while something is open, and what there is was kept and verified."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from cashier.domain.money import Cents
from cashier.domain.outbox import Owed
from cashier.domain.payment import PaymentEvent
from cashier.domain.receipt import Tender, TenderKind
from cashier.journal.sqlite import sqlite3
from cashier.journal.store import SqliteJournal
from cashier.journal.verify import verify_file
from cashier.report_verbs import verify_sealed
from tests.fakes.clock import MovingClock
from tests.fakes.entries import Drafts
from tests.fakes.shifts import close_shift
from tests.till.conftest import Desk, FaultyJournal

from .conftest import Cashier


@pytest.fixture
def data(settings_file: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of this till's data."""
    folder = home / "till"
    monkeypatch.setenv("CASHIER_DATA_FOLDER", str(folder))
    return folder


@contextmanager
def at_work(data: Path) -> Iterator[Desk]:
    """The till of that folder, with a shift open."""
    clock = MovingClock()
    with FaultyJournal(data / "journal.db", till="A", clock=clock, holder="the window") as journal:
        yield Desk(journal, clock)


def cash(desk: Desk, cents: int = 10_000) -> None:
    desk.fill()
    desk.till.take_tender(Tender(TenderKind.CASH, Cents(cents), received_cents=Cents(cents)))


def all_sent(desk: Desk) -> None:
    desk.journal.mark_sent(Owed.ENTRIES, desk.journal.head().seq)
    desk.journal.mark_sent(Owed.NOTICES, desk.journal.head().seq)


def kept_below(out: Path) -> Path:
    [folder] = out.iterdir()
    assert folder.name.startswith("sampletown-A-")
    return folder


def test_o7_a_till_with_nothing_open_is_kept_verified_and_may_go(
    cashier: Cashier, data: Path, tmp_path: Path
) -> None:
    with at_work(data) as desk:
        cash(desk)
        desk.till.new_sale()
        desk.close_day()
        desk.till.people.sign_out()
        all_sent(desk)
        head = desk.journal.head()
    before = (data / "journal.db").read_bytes()
    ended = cashier("retire", tmp_path / "out")
    assert (ended.code, ended.err) == (0, ())
    assert ended.lines[-1] == "Nothing is open at till A."
    folder = kept_below(tmp_path / "out")
    [copy] = folder.glob("journal-A-*.db")
    found = verify_file(copy)
    assert (found.broken, found.entries, found.head) == (None, head.seq, head.hash)
    assert verify_sealed(folder / "sealed.zip")[0]
    bare = [sys.executable, "-I", str(folder / "verify.py"), str(folder / "sealed.zip")]
    assert not (folder / "verify.py").exists(), "it is in the sealed file"
    subprocess.run([sys.executable, "-m", "zipfile", "-e", folder / "sealed.zip", folder], check=True)
    assert subprocess.run(bare, check=False, capture_output=True).returncode == 0
    assert head.hash in (folder / "what-is-open.txt").read_text()
    assert (data / "journal.db").read_bytes() == before, "nothing of the till's own is touched"
    if os.name == "posix":
        assert folder.stat().st_mode & 0o077 == 0, "it names payers"


def test_o7_what_is_open_is_told_with_what_to_do_and_kept_all_the_same(
    cashier: Cashier, data: Path, tmp_path: Path
) -> None:
    with at_work(data) as desk:
        asyncio.run(desk.open_page("plan"))
        desk.hint(PaymentEvent.PAGE_CLOSED)
        reference = desk.payment.reference
        desk.till.new_sale()
        cash(desk, 4_000)
        owed = desk.journal.head().seq
    ended = cashier("retire", tmp_path / "out")
    assert ended.code == 1
    said = "\n".join(ended.lines)
    for wanted in (
        "STILL OPEN at till A",
        f"1 card payment not settled: {reference} over 40.00 (in doubt)",
        "40.00 was taken at the drawer and is on no receipt",
        "is open. Count the drawer and close it",
        f"{owed} entries not sent to the hub. Open the window with the line on until",
    ):
        assert wanted in said, wanted
    folder = kept_below(tmp_path / "out")
    [copy] = folder.glob("journal-A-*.db")
    assert verify_file(copy).entries == owed
    assert verify_sealed(folder / "sealed.zip")[0]
    assert reference in (folder / "what-is-open.txt").read_text(), "it lies beside the copies"


def test_o7_a_day_that_nobody_closed_sales_put_aside_and_notices_are_open_too(
    cashier: Cashier, data: Path, tmp_path: Path
) -> None:
    with at_work(data) as desk:
        cash(desk)
        desk.till.new_sale()
        desk.fill()
        asyncio.run(desk.till.hold_sale())
        close_shift(desk.till.shifts, closes_day=False)
        desk.journal.mark_sent(Owed.ENTRIES, desk.journal.head().seq)
    said = "\n".join(cashier("retire", tmp_path / "out").lines)
    for wanted in (
        "1 sale put aside",
        "no close of the business date 2026-02-03. Close it: `cashier day close`.",
        "1 notice not told to the permit portal",
    ):
        assert wanted in said, wanted
    assert "not sent to the hub" not in said


def test_o7_a_rescued_journal_is_kept_too_and_what_it_owes_is_open(
    cashier: Cashier, data: Path, tmp_path: Path
) -> None:
    with at_work(data) as desk:
        all_sent(desk)
    with SqliteJournal(
        data / "imported" / "sampletown-B.db", till="B", clock=MovingClock(), holder="a test"
    ) as rescued:
        rescued.record(Drafts("b", "B").paid_sale("b1"))
    ended = cashier("retire", tmp_path / "out")
    assert ended.code == 1
    said = "\n".join(ended.lines)
    assert "7 entries of till B, whose journal was rescued to this machine, not sent to the hub" in said
    [copy] = kept_below(tmp_path / "out").glob("journal-B-*.db")
    assert verify_file(copy).entries == 7


def test_o7_a_journal_that_does_not_hold_is_copied_as_it_stands_and_told(
    cashier: Cashier, data: Path, tmp_path: Path
) -> None:
    with at_work(data) as desk:
        cash(desk)
    with closing(sqlite3.connect(data / "journal.db")) as connection:
        connection.execute("DROP TRIGGER entry_never_updated")
        connection.execute("UPDATE entry SET at = '2020-01-01T00:00:00.000Z' WHERE seq = 3")
        connection.commit()
    ended = cashier("retire", tmp_path / "out")
    assert ended.code == 1
    assert "does not hold at entry 3" in ended.err[0] and "copied as it stands" in ended.err[0]
    [copy] = kept_below(tmp_path / "out").glob("*-as-it-stands.db")
    broken = verify_file(copy).broken
    assert broken is not None and broken.seq == 3


def test_o7_it_is_refused_while_the_window_is_open_and_into_the_tills_own_folder(
    cashier: Cashier, data: Path, tmp_path: Path
) -> None:
    with at_work(data):
        ended = cashier("retire", tmp_path / "out")
    assert (ended.code, "in use by" in ended.err[0]) == (2, True)
    ended = cashier("retire", data / "kept")
    assert (ended.code, "own data folder" in ended.err[0]) == (2, True)
    assert not (tmp_path / "out").exists()
    assert cashier("--training", "retire", tmp_path / "out").code == 2


def test_a_till_without_a_journal_has_nothing_to_keep(cashier: Cashier, data: Path, tmp_path: Path) -> None:
    ended = cashier("retire", tmp_path / "out")
    assert (ended.code, ended.lines) == (0, ["There is no journal at this till: nothing to keep."])
    assert not (tmp_path / "out").exists()
    assert not data.exists()
