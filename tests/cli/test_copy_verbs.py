"""A dead till's disk, a lost machine, backups: every receipt is there once, and the till goes on."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from cashier.domain.entries import EntryKind, StoredRow
from cashier.domain.outbox import Anchor, Owed
from cashier.hub.serve import RunningHub
from cashier.journal.sqlite import sqlite3
from cashier.journal.store import SqliteJournal
from cashier.journal.verify import verify_file
from tests.fakes.entries import Drafts, FixedClock
from tests.hub.test_hub_journals import told

from .conftest import MASTER, Cashier

SITE = "sampletown"
CARD = "4111111111111111"


def open_journal(file: Path, till: str = "A") -> SqliteJournal:
    return SqliteJournal(file, till=till, clock=FixedClock(), holder="a test")


def fill(file: Path, till: str, sales: int, prefix: str = "id") -> Path:
    """A closed journal of so many paid sales of a till."""
    with open_journal(file, till) as journal:
        drafts = Drafts(prefix, till)
        for number in range(sales):
            journal.record(drafts.paid_sale(f"{prefix}-s{number}"))
    return file


def rows_of(file: Path, till: str = "A") -> tuple[StoredRow, ...]:
    with open_journal(file, till) as journal:
        return journal.rows_after(0, 10_000)


@pytest.fixture
def data(home: Path) -> Path:
    """The folder of this till's journal."""
    folder = home / "till"
    return folder


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[RunningHub]:
    with RunningHub(f"sqlite:///{tmp_path}/hub.db", MASTER.encode()) as running:
        yield running


@pytest.fixture
def at_hub(
    hub: RunningHub, settings_file: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Path, str], None]:
    """This till is set up with the hub. What is given: sends a journal to it, as its till's window would."""
    monkeypatch.setenv("CASHIER_DATA_FOLDER", str(data))
    monkeypatch.setenv("CASHIER_HUB__URL", hub.url)
    monkeypatch.setenv("CASHIER_SECRET_TILL_KEY", hub.enrol(SITE, "A"))

    def send(file: Path, till: str = "A") -> None:
        key = hub.enrol(SITE, till)
        rows = rows_of(file, till)
        for first in range(0, len(rows), 100):
            answer = httpx.post(
                f"{hub.url}/till/v1/{SITE}/{till}/journal",
                json=told(rows[first : first + 100]),
                headers={"authorization": f"Bearer {key}"},
                timeout=60,
            )
            assert answer.status_code == 200, answer.text

    return send


@pytest.fixture
def here(settings_file: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This till, without its hub; the folder of its journal."""
    monkeypatch.setenv("CASHIER_DATA_FOLDER", str(data))
    return data


# -- import ------------------------------------------------------------------------------------------------


def test_o8_a_dead_tills_disk_is_rescued_and_twice_is_once(
    cashier: Cashier, here: Path, tmp_path: Path
) -> None:
    own = fill(here / "journal.db", "A", 1)
    disk = fill(tmp_path / "disk" / "journal.db", "B", 3, "b")
    for fresh in (21, 0, 0):
        ended = cashier("journal", "import", disk)
        assert (ended.code, ended.err) == (0, ())
        assert ended.lines[0].startswith(
            f"till B: {fresh} entries taken over; 21 entries with 3 receipts hold"
        )
    rescued = here / "imported" / f"{SITE}-B.db"
    assert rows_of(rescued, "B") == rows_of(disk, "B"), "byte for byte"
    assert verify_file(rescued).broken is None
    assert len(rows_of(own)) == 7, "this till's own journal is as it was"
    found = cashier("journal", "search", "Robin")
    assert [line.split()[0] for line in found.lines] == ["A-000001", "B-000003", "B-000002", "B-000001"]
    shown = cashier("receipt", "show", "b-000002")
    assert (shown.code, "B-000002" in shown.out.decode()) == (0, True)


def test_o8_a_newer_copy_of_the_disk_adds_what_is_new(cashier: Cashier, here: Path, tmp_path: Path) -> None:
    disk = fill(tmp_path / "journal.db", "B", 2, "b")
    early = Path(shutil.copy(disk, tmp_path / "early.db"))
    with open_journal(disk, "B") as journal:
        journal.record(Drafts("late", "B").paid_sale("late"))
    assert "14 entries taken over" in cashier("journal", "import", early).lines[0]
    assert "7 entries taken over; 21 entries with 3" in cashier("journal", "import", disk).lines[0]
    assert "0 entries taken over; 21 entries with 3" in cashier("journal", "import", early).lines[0]


def test_another_journal_of_the_same_till_is_refused(cashier: Cashier, here: Path, tmp_path: Path) -> None:
    assert cashier("journal", "import", fill(tmp_path / "one.db", "B", 2, "b")).code == 0
    before = rows_of(here / "imported" / f"{SITE}-B.db", "B")
    ended = cashier("journal", "import", fill(tmp_path / "two.db", "B", 3, "other"))
    assert ended.code != 0
    assert "Entry 1 is another one" in ended.err[0]
    assert rows_of(here / "imported" / f"{SITE}-B.db", "B") == before


def test_a_broken_copy_and_a_tills_own_are_refused(cashier: Cashier, here: Path, tmp_path: Path) -> None:
    disk = fill(tmp_path / "journal.db", "B", 2, "b")
    with closing(sqlite3.connect(disk)) as connection:
        connection.execute("DROP TRIGGER entry_never_updated")
        connection.execute("UPDATE entry SET body = '{}' WHERE seq = 3")
        connection.commit()
    ended = cashier("journal", "import", disk)
    assert (ended.code, "BROKEN at entry 3" in ended.err[0]) == (2, True)
    own = cashier("journal", "import", fill(tmp_path / "a.db", "A", 1))
    assert (own.code, "a journal of this till" in own.err[0]) == (2, True)
    assert cashier("journal", "import", tmp_path / "nosuch.db").code == 2
    assert not (here / "imported").exists()


def test_o8_what_the_dead_till_had_told_portals_is_not_told_again(
    cashier: Cashier, here: Path, tmp_path: Path
) -> None:
    disk = fill(tmp_path / "journal.db", "B", 2, "b")
    with open_journal(disk, "B") as journal:
        journal.mark_sent(Owed.ENTRIES, 9)
        journal.mark_sent(Owed.NOTICES, 14)
        rows = journal.rows_after(0, 100)
    file = here / "imported" / f"{SITE}-B.db"
    file.parent.mkdir(parents=True)
    with open_journal(file, "B") as journal:  # as far as it came, ended before anything else
        journal.adopt(rows[:3])
    assert cashier("journal", "import", disk).code == 0
    with open_journal(file, "B") as journal:
        assert (journal.sent(Owed.ENTRIES), journal.sent(Owed.NOTICES)) == (9, 14)
        journal.mark_sent(Owed.ENTRIES, 14)
    assert cashier("journal", "import", disk).code == 0
    with open_journal(file, "B") as journal:
        assert journal.sent(Owed.ENTRIES) == 14, "what was told since stays told"


@pytest.mark.parametrize("version", [1, 2, 3, 4, 5])
def test_o8_a_journal_of_any_schema_is_rescued(
    cashier: Cashier, here: Path, tmp_path: Path, version: int, settings_file: Path
) -> None:
    settings_file.write_text(settings_file.read_text().replace('till = "A"', 'till = "C"'))
    frozen = Path(__file__).parents[1] / "journal" / "frozen" / f"journal-{version}.db"
    disk = Path(shutil.copy(frozen, tmp_path / "disk.db"))
    assert cashier("journal", "import", disk).code == 0
    with open_journal(here / "imported" / f"{SITE}-A.db") as journal:
        assert journal.sent(Owed.NOTICES) in (0, journal.head().seq)
        assert version == 5 or journal.sent(Owed.NOTICES) > 0, "long since settled, as migration has it"
        assert journal.verify() is None


def test_o8_an_import_that_was_ended_at_any_commit_is_finished_by_the_next(
    here: Path, tmp_path: Path, cashier: Cashier
) -> None:
    disk = fill(tmp_path / "journal.db", "B", 3, "b")
    rows = rows_of(disk, "B")
    for done in range(0, 22, 3):
        shutil.rmtree(here, ignore_errors=True)
        file = here / "imported" / f"{SITE}-B.db"
        file.parent.mkdir(parents=True)
        with open_journal(file, "B") as journal:  # as far as it came
            journal.adopt(rows[:done])
        assert f"{21 - done} entries taken over; 21 entries" in cashier("journal", "import", disk).lines[0]
        assert rows_of(file, "B") == rows


# -- restore -----------------------------------------------------------------------------------------------


def test_o8_a_lost_machine_is_restored_from_the_hub_and_goes_on(
    cashier: Cashier, at_hub: Callable[..., None], data: Path, tmp_path: Path
) -> None:
    lost = fill(tmp_path / "lost.db", "A", 3)
    at_hub(lost)
    ended = cashier("journal", "restore", "--from-hub")
    assert (ended.code, ended.lines) == (0, ["21 entries restored; the last receipt is A-000003"])
    assert rows_of(data / "journal.db") == rows_of(lost)
    assert sorted(path.name for path in data.iterdir() if "restored" in path.name) == []
    with open_journal(data / "journal.db") as journal:
        assert journal.verify() is None
        (entry,) = journal.record([Drafts("next").receipt("s-next")])
        assert entry.body["number"] == "A-000004"
    again = cashier("journal", "restore", "--from-hub")
    assert (again.code, "There is a journal" in again.err[0]) == (2, True)


def test_a_backup_and_the_hub_together(
    cashier: Cashier, at_hub: Callable[..., None], data: Path, tmp_path: Path
) -> None:
    lost = fill(tmp_path / "lost.db", "A", 1)
    with open_journal(lost) as journal:
        pin = Drafts("pin").draft(EntryKind.PIN_SET, "people", {"person": "p", "by": "p"})
        person = {"person": "p", "name": "Kim Clerk", "role": "administrator", "by": "p"}
        added = Drafts("added").draft(EntryKind.PERSON_ADDED, "people", person)
        journal.record_pin([added, pin], "p", "hash-of-it")
    backup = Path(shutil.copy(lost, tmp_path / "backup.db"))
    with open_journal(lost) as journal:
        journal.record(Drafts("late").paid_sale("late"))
    at_hub(lost)
    ended = cashier("journal", "restore", "--from-hub", "--backup", backup)
    assert (ended.code, ended.lines) == (0, ["16 entries restored; the last receipt is A-000002"])
    assert not any("PIN" in line for line in ended.err)
    with open_journal(data / "journal.db") as journal:
        assert journal.pin_hash("p") == "hash-of-it"
    (data / "journal.db").unlink()
    alone = cashier("journal", "restore", "--backup", backup)
    assert (alone.code, alone.lines) == (0, ["9 entries restored; the last receipt is A-000001"])
    assert any("--from-hub has it" in line for line in alone.err)
    (data / "journal.db").unlink()
    without = cashier("journal", "restore", "--from-hub")
    assert without.code == 0
    assert any("No PIN is known" in line for line in without.err)


def test_an_administrator_gets_a_pin_after_a_restore_without_one(
    cashier: Cashier, at_hub: Callable[..., None], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASHIER_SECRET_PIN_PEPPER", "a pepper of tests")
    lost = tmp_path / "lost.db"
    with open_journal(lost) as journal:
        pin = Drafts("pin").draft(EntryKind.PIN_SET, "people", {"person": "p", "by": "p"})
        person = {"person": "p", "name": "Kim Clerk", "role": "administrator", "by": "p"}
        journal.record_pin(
            [Drafts("added").draft(EntryKind.PERSON_ADDED, "people", person), pin], "p", "hash"
        )
    at_hub(lost)
    assert cashier("journal", "restore", "--from-hub").code == 0
    assert cashier("people", "set-pin", "Kim Clerk", text="271828\n").code == 0
    refused = cashier("people", "set-pin", "Kim Clerk", text="314159\n")
    assert (refused.code, "--by NAME" in refused.err[0]) == (2, True)


def test_a_restore_needs_something_to_restore(
    cashier: Cashier, at_hub: Callable[..., None], data: Path, tmp_path: Path
) -> None:
    assert "--from-hub" in cashier("journal", "restore").err[0]
    nothing = cashier("journal", "restore", "--from-hub")
    assert (nothing.code, "no entry of this till" in nothing.err[-1]) == (2, True)
    assert not (data / "journal.db").exists()
    other = cashier("journal", "restore", "--backup", fill(tmp_path / "b.db", "B", 1, "b"))
    assert other.code != 0
    assert "till B's, not till A's" in other.err[-1]
    assert not (data / "journal.db").exists()


def test_a_backup_of_another_life_does_not_go_with_the_hub(
    cashier: Cashier, at_hub: Callable[..., None], data: Path, tmp_path: Path
) -> None:
    at_hub(fill(tmp_path / "lost.db", "A", 2))
    other = fill(tmp_path / "other.db", "A", 1, "other")
    ended = cashier("journal", "restore", "--from-hub", "--backup", other)
    assert ended.code != 0
    assert "does not follow" in ended.err[-1]
    assert not (data / "journal.db").exists()


def test_an_entry_that_the_hub_keeps_altered_is_named(
    cashier: Cashier, at_hub: Callable[..., None], data: Path, tmp_path: Path
) -> None:
    lost = fill(tmp_path / "lost.db", "A", 1)
    with open_journal(lost) as journal:
        journal.record([Drafts("x").draft(EntryKind.DRAWER_OPENED, "drawer", {"reason": CARD})])
        journal.record(Drafts("late").paid_sale("late"))
    at_hub(lost)
    ended = cashier("journal", "restore", "--from-hub")
    assert (ended.code, ended.lines) == (0, ["15 entries restored; the last receipt is A-000002"])
    assert any("may be a card number: 8." in line for line in ended.err)
    assert CARD.encode() not in (data / "journal.db").read_bytes()
    broken = verify_file(data / "journal.db").broken
    assert broken is not None
    assert broken.seq == 8
    with open_journal(data / "journal.db") as journal:
        (entry,) = journal.record([Drafts("next").receipt("s-next")])
        assert entry.body["number"] == "A-000003"


def without_content(hub: RunningHub, file: Path, seq: int) -> None:
    """Send a journal to the hub, and of one of its entries the place alone."""
    url = f"{hub.url}/till/v1/{SITE}/A/journal"
    rows, headers = rows_of(file), {"authorization": f"Bearer {hub.enrol(SITE, 'A')}"}
    for row in rows:
        sent = told([row])
        if row.seq == seq:
            sent["entries"][0] |= {"subject": "", "body": "", "withheld": True}
        answer = httpx.post(url, json=sent, headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text


def test_an_entry_that_the_hub_keeps_without_content_is_named(
    cashier: Cashier, at_hub: Callable[..., None], hub: RunningHub, data: Path, tmp_path: Path
) -> None:
    lost = fill(tmp_path / "lost.db", "A", 1)
    with open_journal(lost) as journal:
        journal.record([Drafts("x").draft(EntryKind.DRAWER_OPENED, "drawer", {"reason": "large"})])
        journal.record(Drafts("late").paid_sale("late"))
    without_content(hub, lost, 8)
    assert hub.state.journals.first_fault(SITE, "A") is None
    ended = cashier("journal", "restore", "--from-hub")
    assert (ended.code, ended.lines) == (0, ["15 entries restored; the last receipt is A-000002"])
    broken = verify_file(data / "journal.db").broken
    assert broken is not None
    assert broken.seq == 8
    assert any("8." in line for line in ended.err)


def test_money_that_the_hub_keeps_without_content_needs_a_backup(
    cashier: Cashier, at_hub: Callable[..., None], hub: RunningHub, data: Path, tmp_path: Path
) -> None:
    lost = fill(tmp_path / "lost.db", "A", 2)
    without_content(hub, lost, 6)  # a receipt
    ended = cashier("journal", "restore", "--from-hub")
    assert ended.code != 0
    assert "Entry 6 cannot be taken over" in ended.err[-1]
    assert not (data / "journal.db").exists()
    assert cashier("journal", "restore", "--from-hub", "--backup", lost).code == 0


def test_a_restore_never_puts_a_journal_beside_the_rest_of_another(
    cashier: Cashier, at_hub: Callable[..., None], data: Path, tmp_path: Path
) -> None:
    """SQLite would take what a killed till left in its log for the new journal's."""
    at_hub(fill(tmp_path / "lost.db", "A", 3))
    data.mkdir(parents=True)
    (data / "journal.db-wal").write_bytes(b"left by a till that was killed")
    ended = cashier("journal", "restore", "--from-hub")
    assert (ended.code, "journal.db-wal away first, and keep both" in ended.err[0]) == (2, True)
    assert not (data / "journal.db").exists()
    (data / "journal.db-wal").unlink()
    assert cashier("journal", "restore", "--from-hub").code == 0


# -- backup ------------------------------------------------------------------------------------------------


def test_the_restore_drill(cashier: Cashier, here: Path, tmp_path: Path) -> None:
    """A backup of a journal in use, the machine lost, the backup put back: the till goes on."""
    fill(here / "journal.db", "A", 2)
    with open_journal(here / "journal.db") as journal:
        made = cashier("journal", "backup")
        assert made.code == 0
        assert "14 entries backed up to" in made.lines[0]
        head = journal.head()
    (backup,) = (here / "backups").glob("*.db")
    safe = Path(shutil.copy(backup, tmp_path / "safe.db"))
    shutil.rmtree(here)
    assert cashier("journal", "verify", safe).code == 0
    assert cashier("journal", "restore", "--backup", safe).code == 0
    with open_journal(here / "journal.db") as journal:
        assert journal.head() == head
        (entry,) = journal.record([Drafts("next").receipt("s-next")])
        assert entry.body["number"] == "A-000003"


def test_no_backups_where_none_are_kept(
    cashier: Cashier, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASHIER_BACKUP__KEEP", "0")
    assert "keep no backups" in cashier("journal", "backup").err[0]


# -- what is owed, and the hub's word ----------------------------------------------------------------------


def test_o7_what_is_not_sent_is_counted(cashier: Cashier, here: Path) -> None:
    with open_journal(here / "journal.db") as journal:
        journal.record(Drafts().paid_sale("s1"))
        journal.mark_sent(Owed.ENTRIES, 4)
        body = {"till": "A", "seq": 2, "item": "x", "why": "no", "owner": "supervisor", "reason": "Entry 2 …"}
        journal.record([Drafts("r").draft(EntryKind.COPY_REFUSED, "entry A 2", body)])
    assert cashier("journal", "unsent").lines == [
        "4 to send",
        "2026-02-03T15:04:05.123Z  till A  entry 2  no  (supervisor)",
    ]
    (line,) = cashier("journal", "unsent", "--json").lines
    told = json.loads(line)
    assert (told["to_send"], [one["entry"] for one in told["exceptions"]]) == (4, [2])


def test_a_journal_is_compared_with_the_hub(
    cashier: Cashier, at_hub: Callable[..., None], data: Path, tmp_path: Path
) -> None:
    file = fill(data / "journal.db", "A", 15)
    at_hub(file)
    agreed = cashier("journal", "verify", "--with-hub")
    assert (agreed.code, agreed.lines[-1]) == (0, "the hub has 105 of 105 entries, and 1 anchors fit them")
    file.unlink()
    fill(file, "A", 15, "other")
    ended = cashier("journal", "verify", "--with-hub")
    assert ended.code != 0
    assert "The hub's copy ends at entry 105" in ended.err[-1]


def test_a_cut_tail_shows_against_a_kept_anchor(cashier: Cashier, tmp_path: Path) -> None:
    file = fill(tmp_path / "journal.db", "A", 1)
    with open_journal(file) as journal:
        last = journal.head()
        journal.mark_sent(
            Owed.ENTRIES, 7, [Anchor(last.seq, last.hash, "2026-02-03T15:04:05.123Z", "0" * 64)]
        )
    assert cashier("journal", "verify", file).code == 0
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DROP TRIGGER entry_never_deleted")
        connection.execute("DELETE FROM entry WHERE seq = 7")
        connection.commit()
    ended = cashier("journal", "verify", file)
    assert (ended.code, "the hub's anchor knows another entry 7" in ended.err[0]) == (1, True)
