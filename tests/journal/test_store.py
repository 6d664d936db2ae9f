"""The SQLite journal beyond the port: settings, commits, faults of the disk."""

import os
import stat
from contextlib import closing
from pathlib import Path

import pytest

from cashier.domain.entries import EntryKind
from cashier.domain.errors import Discrepancy, InDoubt, Refused, Unavailable
from cashier.domain.payment import PaymentEvent
from cashier.journal.schema import SCHEMA_VERSION
from cashier.journal.sqlite import (
    LEAST_VERSION,
    assert_settings,
    driver_version,
    settings,
    settle,
    sqlite3,
)
from tests.fakes.entries import Drafts
from tests.journal.conftest import Open
from tests.journal.faults import Faults, driver_error

IOERR = driver_error(sqlite3.SQLITE_IOERR, "disk I/O error")
RECEIPT_TABLES = ("payment", "receipt", "receipt_text_docsize")


def _raw(file: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(sql).fetchall()


def _commits_in_wal(file: Path) -> int:
    """The commit frames of the WAL file (SQLite file format, section 4.1). Each is one commit, one sync."""
    wal = file.with_name(file.name + "-wal").read_bytes()
    page_size = int.from_bytes(wal[8:12])
    salt = wal[16:24]
    frames = (wal[start : start + 24] for start in range(32, len(wal), 24 + page_size))
    return sum(1 for frame in frames if frame[8:16] == salt and int.from_bytes(frame[4:8]) > 0)


# -- opening -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", ["linux", "win32", "darwin"])
def test_the_pinned_settings_hold_on_the_open_journal(open_journal: Open, platform: str) -> None:
    journal = open_journal(platform=platform)
    db = journal._opened()
    read = {name: db.execute(f"PRAGMA {name}").fetchone()[0] for name in settings("darwin")}
    mac = platform == "darwin"
    assert read == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "trusted_schema": 0,
        "cell_size_check": 1,
        "recursive_triggers": 1,
        "fullfsync": int(mac),
        "checkpoint_fullfsync": int(mac),
    }


@pytest.mark.parametrize("pragma", ["synchronous = NORMAL", "foreign_keys = OFF", "trusted_schema = ON"])
def test_a_setting_that_does_not_hold_is_refused_by_name(open_journal: Open, pragma: str) -> None:
    db = open_journal()._opened()
    db.execute(f"PRAGMA {pragma}")
    with pytest.raises(Refused, match=pragma.split()[0]):
        assert_settings(db, "linux")


def test_a_disk_without_wal_is_refused(open_journal: Open) -> None:
    with pytest.raises(Refused, match="journal_mode = wal, but this disk or library gives memory"):
        open_journal(open_connection=lambda uri: sqlite3.connect(":memory:"))


def test_an_old_sqlite_is_refused(open_journal: Open, file: Path) -> None:
    with pytest.raises(Refused, match=r"SQLite 3\.51\.2 is too old.*3\.51\.3"):
        open_journal(sqlite_version=(3, 51, 2))
    assert not file.exists()
    open_journal(sqlite_version=LEAST_VERSION)
    assert driver_version() >= LEAST_VERSION


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_the_journal_belongs_to_its_owner_only(open_journal: Open, file: Path, drafts: Drafts) -> None:
    before = os.umask(0)
    try:
        open_journal().record([drafts.sale("s1")])
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()} == {
        "journal.db": 0o600,
        "journal.db-wal": 0o600,
        "journal.db-shm": 0o600,
        "journal.db.lock": 0o600,
    }


def test_a_second_till_on_the_journal_is_refused_with_the_holder(open_journal: Open) -> None:
    first = open_journal(holder="till A of City Hall on counter-1, process 4711")
    with pytest.raises(Refused, match="till A of City Hall on counter-1, process 4711"):
        open_journal(holder="the second window")
    first.close()
    open_journal(holder="the second window")


def test_a_failed_opening_gives_the_lock_back(open_journal: Open, file: Path) -> None:
    file.parent.mkdir()
    file.write_text("This is no database, but long enough to be looked at as one. " * 20)
    with pytest.raises(Discrepancy, match="damaged or is no journal"):
        open_journal()
    file.unlink()
    open_journal()


def test_a_newer_schema_is_refused_and_left_alone(open_journal: Open, file: Path, drafts: Drafts) -> None:
    journal = open_journal()
    journal.record([drafts.sale("s1")])
    journal.close()
    _raw(file, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(Refused, match="newer version"):
        open_journal()
    assert _raw(file, "PRAGMA user_version") == [(SCHEMA_VERSION + 1,)]


def test_another_programs_database_is_left_alone(open_journal: Open, file: Path) -> None:
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE recipes (name)")
    with pytest.raises(Discrepancy, match="another program"):
        open_journal()
    assert _raw(file, "SELECT name FROM sqlite_schema") == [("recipes",)]


def test_a_migration_cut_short_goes_on_at_the_next_start(open_journal: Open, drafts: Drafts) -> None:
    faults = Faults()
    faults.before["PRAGMA user_version = 1"] = driver_error(sqlite3.SQLITE_FULL, "database or disk is full")
    with pytest.raises(Unavailable, match="disk is full"):
        open_journal(open_connection=faults.connect)
    journal = open_journal()
    journal.record(drafts.paid_sale("s1"))
    assert journal.verify() is None


# -- commits -----------------------------------------------------------------------------------------------


def test_a_sale_of_seven_entries_is_one_commit(open_journal: Open, file: Path, drafts: Drafts) -> None:
    journal = open_journal()
    journal.record(drafts.paid_sale("s0"))
    for number in range(1, 4):
        before = _commits_in_wal(file)
        journal.record(drafts.paid_sale(f"s{number}"))
        assert _commits_in_wal(file) == before + 1


def test_a_repeated_record_writes_nothing(open_journal: Open, file: Path, drafts: Drafts) -> None:
    journal = open_journal()
    life = drafts.paid_sale("s1")
    journal.record(life)
    before = _commits_in_wal(file)
    journal.record(life)
    assert _commits_in_wal(file) == before


@pytest.mark.parametrize(
    "cut", ["INSERT INTO entry", "INSERT INTO receipt ", "INSERT INTO receipt_text", "COMMIT"]
)
def test_r2_a_crash_between_number_and_insert_leaves_no_gap(
    open_journal: Open, drafts: Drafts, cut: str
) -> None:
    faults = Faults()
    journal = open_journal(open_connection=faults.connect)
    journal.record([drafts.receipt("s1")])
    faults.before[cut] = KeyboardInterrupt("the till dies here")
    lost = drafts.receipt("s2")
    with pytest.raises(KeyboardInterrupt):
        journal.record([lost])
    assert journal.entry(lost.id) is None
    journal.record([drafts.receipt("s3")])
    assert [receipt.number for receipt in journal.search("", 9)] == ["A-000002", "A-000001"]
    assert journal.verify() is None


def test_a_receipt_of_another_till_or_with_a_number_is_a_bug(open_journal: Open, drafts: Drafts) -> None:
    journal = open_journal()
    with pytest.raises(ValueError, match="till B"):
        journal.record([drafts.receipt("s1", till="B")])
    good = drafts.receipt("s1")
    numbered = drafts.draft(EntryKind.RECEIPT_ISSUED, "s1", {**good.body, "number": "A-000009"})
    with pytest.raises(ValueError, match="no number"):
        journal.record([numbered])
    assert list(journal.entries()) == []


def test_what_could_not_be_read_back_is_not_recorded(open_journal: Open, drafts: Drafts) -> None:
    journal = open_journal()
    journal.record([drafts.issued("p1", "s1")])
    told = drafts.told("p1", PaymentEvent.CONFIRMED_DECLINED, "no")
    bad = [
        drafts.draft(EntryKind.SALE_RECORDED, "s1", {"profile": "sagesgov"}),
        drafts.draft(EntryKind.RECEIPT_ISSUED, "s1", {"till": "A"}),
        drafts.draft(
            EntryKind.PAYMENT_ISSUED, "p9", {"reference": "A-p9", "sale_id": "s", "amount_cents": 1}
        ),
        drafts.draft(told.kind, "p1", {name: told.body[name] for name in ("event", "state", "reason")}),
    ]
    for draft in bad:
        with pytest.raises(KeyError):
            journal.record([draft])
    assert len(list(journal.entries())) == 1
    assert journal.verify() is None


def test_entries_stream_while_more_are_recorded(open_journal: Open, drafts: Drafts) -> None:
    journal = open_journal()
    unmatched = [drafts.draft(EntryKind.POSTBACK_UNMATCHED, "r", {"n": n}) for n in range(1201)]
    journal.record(unmatched)
    seen = []
    for entry in journal.entries("r"):
        seen.append(entry.body["n"])
        if len(seen) == 700:
            journal.record([drafts.draft(EntryKind.POSTBACK_UNMATCHED, "r", {"n": 1201})])
    assert seen == list(range(1202))


# -- a disk that refuses -----------------------------------------------------------------------------------


def test_a_full_disk_is_unavailable_and_records_nothing(open_journal: Open, drafts: Drafts) -> None:
    faults = Faults()
    journal = open_journal(open_connection=faults.connect)
    journal.record(drafts.paid_sale("s1"))
    # A real SQLITE_FULL: the file may not grow by a page.
    db = journal._opened()
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {pages}").fetchone()
    big = drafts.draft(EntryKind.POSTBACK_UNMATCHED, "r", {"text": "x" * 50_000})
    with pytest.raises(Unavailable, match=r"The disk is full\. Nothing was recorded\."):
        journal.record([drafts.receipt("s2"), big])
    assert journal.entry(big.id) is None
    journal.record([drafts.receipt("s3"), big])
    assert journal.search("", 9)[0].number == "A-000002"
    assert journal.verify() is None


def test_a_read_only_disk_is_unavailable(open_journal: Open, drafts: Drafts) -> None:
    journal = open_journal()
    journal._opened().execute("PRAGMA query_only = 1")
    with pytest.raises(Unavailable, match="Nothing was recorded"):
        journal.record([drafts.sale("s1")])
    journal._opened().execute("PRAGMA query_only = 0")
    journal.record([drafts.sale("s1")])


def test_a_journal_held_by_another_program_is_unavailable(
    open_journal: Open, file: Path, drafts: Drafts
) -> None:
    journal = open_journal()
    with closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="Another program holds the journal"):
            journal.record([drafts.sale("s1")])
    journal.record([drafts.sale("s1")])
    assert len(list(journal.entries())) == 1


def test_a_sync_that_failed_before_the_commit_is_read_back_as_nothing(
    open_journal: Open, drafts: Drafts
) -> None:
    faults = Faults()
    journal = open_journal(open_connection=faults.connect)
    faults.before["COMMIT"] = IOERR
    life = drafts.paid_sale("s1")
    with pytest.raises(Unavailable, match=r"The disk failed .*Nothing was recorded"):
        journal.record(life)
    assert faults.opened == 2, "what the first connection remembers is not believed"
    assert list(journal.entries()) == []
    assert journal.record(life)[5].body["number"] == "A-000001"


def test_a_sync_that_failed_after_the_commit_is_read_back_as_recorded(
    open_journal: Open, drafts: Drafts
) -> None:
    faults, settled = Faults(), list[int]()

    def noted(path: Path) -> None:
        settled.append(faults.opened)
        settle(path)

    journal = open_journal(open_connection=faults.connect, settle=noted)
    faults.after["COMMIT"] = IOERR
    recorded = journal.record(drafts.paid_sale("s1"))
    assert recorded == tuple(journal.entries())
    assert faults.opened == 2
    assert settled == [0, 1], "written and synced once more before it was read"
    assert journal.verify() is None


@pytest.mark.parametrize("second", ["PRAGMA journal_mode", "SELECT seq, id"])
def test_a_disk_that_cannot_be_read_back_leaves_doubt(
    open_journal: Open, drafts: Drafts, second: str
) -> None:
    faults = Faults()
    journal = open_journal(open_connection=faults.connect)
    life = drafts.paid_sale("s1")[:1]
    faults.after["COMMIT"] = IOERR

    faults.then[second] = driver_error(sqlite3.SQLITE_IOERR, "disk I/O error")
    with pytest.raises(InDoubt, match="not known"):
        journal.record(life)
    assert faults.before == {}, "the second fault struck"
    journal.record(life)
    assert len(list(journal.entries())) == 1


def test_a_damaged_page_is_a_discrepancy(open_journal: Open, file: Path, drafts: Drafts) -> None:
    journal = open_journal()
    for number in range(40):
        journal.record(drafts.paid_sale(f"s{number}"))
    journal.close()
    with file.open("r+b") as stream:
        size = file.stat().st_size
        stream.seek(4096)
        stream.write(b"\xa5" * (size - 4096))
    with pytest.raises(Discrepancy, match="damaged"):
        open_journal().record(drafts.paid_sale("more"))


# -- tables made from entries ------------------------------------------------------------------------------


def _tables(file: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(
            "CREATE VIRTUAL TABLE temp.words USING fts5vocab('main', 'receipt_text', 'instance')"
        )
        found = {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in RECEIPT_TABLES}
        return found | {"words": connection.execute("SELECT * FROM temp.words").fetchall()}


def test_rebuilt_tables_equal_those_kept_commit_by_commit(
    open_journal: Open, file: Path, drafts: Drafts
) -> None:
    journal = open_journal()
    for number in range(12):
        journal.record(drafts.paid_sale(f"s{number}"))
    journal.record([drafts.issued("open", "s0"), drafts.hinted("open", PaymentEvent.PAGE_OPENING)])
    kept = _tables(file)
    assert [len(kept[name]) for name in RECEIPT_TABLES] == [13, 12, 12]
    journal.rebuild()
    assert _tables(file) == kept
    assert journal.verify() is None


def test_rebuild_mends_tables_and_touches_no_entry(open_journal: Open, file: Path, drafts: Drafts) -> None:
    journal = open_journal()
    journal.record(drafts.paid_sale("s1"))
    entries, kept = list(journal.entries()), _tables(file)
    db = journal._opened()
    db.execute("DELETE FROM receipt")
    db.execute("UPDATE payment SET state = 'ABANDONED'")
    db.execute("INSERT INTO receipt_text (receipt_text) VALUES ('delete-all')")
    assert journal.verify() is not None
    journal.rebuild()
    assert (list(journal.entries()), _tables(file)) == (entries, kept)
    assert journal.verify() is None


def test_no_number_is_given_twice_when_the_receipt_table_lost_its_last_row(
    open_journal: Open, drafts: Drafts
) -> None:
    journal = open_journal()
    journal.record([drafts.receipt("s1"), drafts.receipt("s2")])
    journal._opened().execute("DELETE FROM receipt WHERE sequence = 2")
    with pytest.raises(Discrepancy, match=r"ends at A-000001, the journal at A-000002"):
        journal.record([drafts.receipt("s3")])
    journal.rebuild()
    (entry,) = journal.record([drafts.receipt("s3")])
    assert entry.body["number"] == "A-000003"
