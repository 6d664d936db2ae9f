"""An edited, deleted, inserted or moved row, and a damaged file, are found and named."""

import json
import os
import shutil
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cashier.domain.entries import GENESIS, Break, canonical, entry_hash
from cashier.domain.errors import Discrepancy, Refused
from cashier.domain.money import Cents
from cashier.domain.receipt import Tender, TenderKind
from cashier.journal.agree import receipts_agree
from cashier.journal.schema import SCHEMA_VERSION
from cashier.journal.sqlite import sqlite3
from cashier.journal.verify import verify_file
from tests.fakes.entries import Drafts, make_sale
from tests.journal.conftest import Open

COLUMNS = ("id", "kind", "at", "till", "subject", "body", "previous", "hash")
GUARDS = ("entry_never_updated", "entry_never_deleted", "entry_only_appended")


@pytest.fixture
def written(open_journal: Open, drafts: Drafts, file: Path) -> Path:
    """A closed journal of 21 entries: three sales, whose receipts are entries 6, 13 and 20."""
    journal = open_journal()
    for name in ("s1", "s2", "s3"):
        journal.record(drafts.paid_sale(name))
    journal.close()
    return file


def _tamper(file: Path, *statements: str, guards: bool = False) -> None:
    """Raw SQL by somebody who knows how to get past the triggers."""
    with closing(sqlite3.connect(file)) as connection:
        if not guards:
            for name in GUARDS:
                connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def _broken(file: Path) -> Break:
    broken = verify_file(file).broken
    assert broken is not None
    return broken


def test_a_whole_journal_holds(written: Path) -> None:
    found = verify_file(written)
    with closing(sqlite3.connect(written)) as connection:
        head = connection.execute("SELECT hash FROM entry ORDER BY seq DESC").fetchone()[0]
    assert (found.entries, found.head, found.broken) == (21, head, None)


def test_an_empty_journal_holds(open_journal: Open, file: Path) -> None:
    open_journal()
    found = verify_file(file)
    assert (found.entries, found.head, found.broken) == (0, GENESIS, None)


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("seq", [1, 10, 21])
def test_a1_one_edited_byte_is_found_and_named(written: Path, column: str, seq: int) -> None:
    with closing(sqlite3.connect(written)) as connection:
        text = connection.execute(f"SELECT {column} FROM entry WHERE seq = ?", (seq,)).fetchone()[0]
    middle = len(text) // 2
    other = "1" if text[middle] != "1" else "2"
    changed = f"{text[:middle]}{other}{text[middle + 1 :]}".replace("'", "''")
    _tamper(written, f"UPDATE entry SET {column} = '{changed}' WHERE seq = {seq}")
    assert _broken(written).seq == seq
    assert verify_file(written).entries == seq - 1


@pytest.mark.parametrize("column", COLUMNS)
def test_a_byte_that_is_not_text_is_found_and_named(written: Path, column: str) -> None:
    """One byte of the file itself, past SQLite: 0xFF, which no text has."""
    with closing(sqlite3.connect(written)) as connection:
        text = connection.execute(f"SELECT {column} FROM entry WHERE seq = 10").fetchone()[0].encode()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        rows = connection.execute("SELECT * FROM entry WHERE seq = 10").fetchone()
    record = "".join(str(value) for value in rows[1:]).encode()
    content = bytearray(written.read_bytes())
    start = content.index(record)
    content[content.index(text, start) + len(text) // 2] = 0xFF
    written.write_bytes(content)
    assert _broken(written).seq == 10


def test_an_edited_number_of_an_entry_is_found(written: Path) -> None:
    _tamper(written, "UPDATE entry SET seq = 99 WHERE seq = 10")
    assert _broken(written) == Break(10, "entry 10 is missing")


@pytest.mark.parametrize(("seq", "named"), [(1, 1), (10, 10)])
def test_a_deleted_row_is_found(written: Path, seq: int, named: int) -> None:
    _tamper(written, f"DELETE FROM entry WHERE seq = {seq}")
    assert _broken(written) == Break(named, f"entry {named} is missing")


def test_rows_closed_up_behind_a_deleted_one_are_found(written: Path) -> None:
    _tamper(written, "DELETE FROM entry WHERE seq = 10", "UPDATE entry SET seq = seq - 1 WHERE seq > 10")
    assert _broken(written).seq == 10


def test_a_cut_tail_shows_in_the_tables_it_left_behind(written: Path) -> None:
    _tamper(written, "DELETE FROM entry WHERE seq >= 20")
    assert _broken(written) == Break(20, "the receipt table does not say what entry 20 says")


def test_an_inserted_row_is_found(written: Path) -> None:
    _tamper(
        written,
        "INSERT INTO entry SELECT 22, 'forged', kind, at, till, subject, body, previous, hash FROM entry"
        " WHERE seq = 20",
    )
    assert _broken(written).seq == 22
    _tamper(written, "UPDATE entry SET seq = -5 WHERE seq = 22", guards=True)
    assert _broken(written) == Break(-5, "entry -5 does not belong here")


def test_reordered_rows_are_found(written: Path) -> None:
    _tamper(
        written,
        "UPDATE entry SET seq = 1000 WHERE seq = 10",
        "UPDATE entry SET seq = 10 WHERE seq = 11",
        "UPDATE entry SET seq = 11 WHERE seq = 1000",
    )
    assert _broken(written).seq == 10


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entry SET body = '{}' WHERE seq = 10",
        "DELETE FROM entry WHERE seq = 10",
        "DELETE FROM entry",
        "INSERT OR REPLACE INTO entry SELECT 10, 'x', kind, at, till, subject, body, previous, hash"
        " FROM entry WHERE seq = 10",
        "INSERT OR REPLACE INTO entry SELECT 22, 'id-000010', kind, at, till, subject, '{}', previous, hash"
        " FROM entry WHERE seq = 10",
        "UPDATE OR REPLACE entry SET seq = 10 WHERE seq = 11",
        "INSERT INTO entry SELECT 30, 'x', kind, at, till, subject, body, previous, hash FROM entry"
        " WHERE seq = 10",
    ],
)
def test_the_triggers_stop_plain_sql(written: Path, statement: str) -> None:
    with closing(sqlite3.connect(written)) as connection:
        connection.execute("PRAGMA recursive_triggers = OFF")
        with pytest.raises(sqlite3.IntegrityError, match="journal entries are"):
            connection.execute(statement)
    assert verify_file(written).broken is None


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE receipt SET paid_cents = 1 WHERE seq = 13", Break(13, "the receipt table")),
        ("UPDATE receipt SET number = lower(number) WHERE seq = 13", Break(13, "the receipt table")),
        ("UPDATE receipt SET payer = 'Sam Other' WHERE seq = 6", Break(6, "the receipt table")),
        ("DELETE FROM receipt WHERE seq = 13", Break(13, "the receipt table")),
        ("INSERT INTO receipt SELECT 99, till, 99, 'A-000099', sale_id, payment_id, reference, at,"
         " business_date, cashier, payer, permit, paid_cents, service_fee_cents FROM receipt LIMIT 1",
         Break(99, "the receipt table")),
        ("UPDATE payment SET state = 'ABANDONED' WHERE id = 'p-s2'", Break(9, "the payment table")),
        ("DELETE FROM payment WHERE id = 'p-s3'", Break(16, "the payment table")),
        ("INSERT INTO receipt_text (receipt_text) VALUES ('delete-all')", Break(6, "the search index")),
        ("DROP TABLE receipt", Break(21, "the tables made from the entries cannot be read")),
    ],
)  # fmt: skip
def test_a_table_that_contradicts_the_chain_is_found(written: Path, statement: str, broken: Break) -> None:
    _tamper(written, statement, guards=True)
    found = _broken(written)
    assert found.seq == broken.seq
    assert found.reason.startswith(broken.reason)


def test_damage_of_the_file_is_found(written: Path) -> None:
    with closing(sqlite3.connect(written)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'entry_by_subject'"
        ).fetchone()
    content = bytearray(written.read_bytes())
    end = page * 4096
    content[end - 12 : end - 8] = b"\x00\x00\x00\x00"
    written.write_bytes(content)
    broken = _broken(written)
    assert broken.seq == 0
    assert broken.reason.startswith("the file is damaged")


def test_a_page_of_entries_that_cannot_be_read_is_named(
    open_journal: Open, drafts: Drafts, file: Path
) -> None:
    journal = open_journal()
    for number in range(20):
        journal.record(drafts.paid_sale(f"s{number}"))
    journal.close()
    content = bytearray(file.read_bytes())
    for start in range(4096, len(content), 4096):
        if b"id-000100" in content[start : start + 4096] and content[start] == 0x0D:
            content[start : start + 4096] = b"\xa5" * 4096
    file.write_bytes(content)
    broken = _broken(file)
    assert 80 < broken.seq <= 100
    assert "cannot be read" in broken.reason


def test_a_journal_in_use_verifies_while_it_is_written(
    open_journal: Open, drafts: Drafts, file: Path
) -> None:
    journal = open_journal()
    for number in range(5):
        journal.record(drafts.paid_sale(f"s{number}"))
        assert verify_file(file).entries == 7 * (number + 1)
        assert journal.verify() is None


def test_an_edit_of_a_journal_in_use_is_found(written: Path, open_journal: Open) -> None:
    journal = open_journal()
    _tamper(written, "UPDATE entry SET body = '{}' WHERE seq = 4")
    assert journal.verify() == Break(4, "entry 4 was changed after it was recorded")


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_a_copy_where_nobody_may_write_verifies(written: Path, tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    folder.mkdir()
    copy = Path(shutil.copy(written, folder / "copy.db"))
    copy.chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
    folder.chmod(0o555)
    try:
        assert verify_file(copy).entries == 21
    finally:
        folder.chmod(0o755)


def test_verification_changes_nothing(written: Path) -> None:
    before = written.read_bytes()
    verify_file(written)
    assert written.read_bytes() == before


def test_what_is_no_journal_is_said_so(tmp_path: Path, written: Path) -> None:
    with pytest.raises(Refused, match="There is no journal"):
        verify_file(tmp_path / "none.db")
    text = tmp_path / "text.db"
    text.write_text("no database " * 100)
    with pytest.raises(Discrepancy, match="damaged or is no journal"):
        verify_file(text)
    _tamper(written, f"PRAGMA user_version = {SCHEMA_VERSION + 1}", guards=True)
    with pytest.raises(Refused, match="newer version"):
        verify_file(written)


# --- what SQLite is asked alone, and what is judged again entry by entry


def _rewritten(file: Path, seq: int, change: Callable[[dict[str, Any]], object]) -> None:
    """The journal of somebody who makes the whole chain anew from an entry on."""
    with closing(sqlite3.connect(file)) as connection:
        for name in GUARDS:
            connection.execute(f"DROP TRIGGER {name}")
        rows = connection.execute(f"SELECT seq, {', '.join(COLUMNS)} FROM entry ORDER BY seq").fetchall()
        previous = GENESIS
        for row in rows:
            members = dict(zip(("seq", *COLUMNS), row, strict=True)) | {"previous": previous}
            text = members.pop("body")
            del members["hash"]
            if members["seq"] == seq:
                body = json.loads(text)
                text = canonical(change(body) or body)
            previous = entry_hash(**members, body_text=text)
            connection.execute(
                "UPDATE entry SET body = ?, previous = ?, hash = ? WHERE seq = ?",
                (text, members["previous"], previous, members["seq"]),
            )
        connection.commit()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda body: body["tenders"][0].update(amount_cents=1), "the receipt table does not say"),
        (lambda body: body["tenders"][0].update(service_fee_cents=1), "the receipt table does not say"),
        (lambda body: body["tenders"].append(body["tenders"][0]), "the receipt table does not say"),
        (lambda body: body["customer"].update(name="Sam Other"), "the receipt table does not say"),
        (lambda body: body.update(permit=None), "the receipt table does not say"),
        (lambda body: body["permit"].update(number="X-1"), "the receipt table does not say"),
        (lambda body: body.update(business_date="2026-02-04"), "the receipt table does not say"),
        (lambda body: body.update(number="A-000009"), "Entry 13 has receipt number A-000009 where A-000002"),
        (lambda body: body["tenders"][0].update(kind="gold"), "entry 13 has no readable body"),
        (lambda body: body["tenders"][0].update(amount_cents="22418"), "entry 13 has no readable body"),
        (lambda body: body["tenders"][0].update(service_fee_cents="561"), "entry 13 has no readable body"),
        (lambda body: body.pop("tenders") and None, "entry 13 has no readable body"),
        (lambda body: body.pop("agency") and None, "entry 13 has no readable body"),
        (lambda body: body.pop("permit") and None, "entry 13 has no readable body"),
        (lambda body: body.update(customer="Robin"), "entry 13 has no readable body"),
        (lambda body: [body], "entry 13 has no readable body"),
    ],
)  # fmt: skip
def test_a_chain_made_anew_shows_in_the_tables(
    written: Path, change: Callable[[dict[str, Any]], object], reason: str
) -> None:
    _rewritten(written, 13, change)
    broken = _broken(written)
    assert broken.seq == 13
    assert reason in broken.reason


def test_a_receipt_of_several_tenders_and_one_without_a_permit_agree(
    open_journal: Open, drafts: Drafts, file: Path
) -> None:
    card, cash = Tender(TenderKind.CARD, Cents(10_000), Cents(250)), Tender(TenderKind.CASH, Cents(12_418))
    journal = open_journal()
    journal.record(
        [
            drafts.receipt("s1", tenders=(card, cash)),
            drafts.receipt("s2", permit=None),
            drafts.receipt("s3", tenders=()),
            drafts.receipt("s4", make_sale('O"Brien \\ \x01 \x7f \u2028 \U0001f4b5 Größe')),
        ]
    )
    assert receipts_agree(file), "SQLite alone sees it"
    assert verify_file(file).broken is None
    _tamper(file, "UPDATE receipt SET service_fee_cents = 251 WHERE seq = 1")
    assert not receipts_agree(file)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE receipt SET sequence = 9 WHERE seq = 13",
        "UPDATE receipt SET seq = 12 WHERE seq = 13",
        "UPDATE receipt SET till = 'B' WHERE seq = 13",
        "DELETE FROM receipt WHERE seq = 20",
        "UPDATE receipt SET reference = 'x' WHERE seq = 6",
        "DROP TABLE receipt",
    ],
)
def test_what_sqlite_alone_doubts_is_judged_again(written: Path, statement: str) -> None:
    assert receipts_agree(written)
    _tamper(written, statement)
    assert not receipts_agree(written)
    assert _broken(written).seq in (6, 12, 13, 20, 21)


@given(st.text(max_size=40), st.text(max_size=40))
def test_sqlite_writes_what_is_hashed_as_the_domain_does(subject: str, body: str) -> None:
    """Else a whole journal would be walked twice; what differs is judged by the domain all the same."""
    members = ("id", "kind", "at", "till", subject, body, "previous")
    try:
        text = json.dumps([7, *members], separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return  # no file could keep it
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.text_factory = bytes
        asked = f"SELECT json_array(7, {', '.join('?' for _ in members)})"
        assert connection.execute(asked, members).fetchone() == (text,)


def test_a_text_that_was_made_a_blob_is_found(written: Path) -> None:
    """Past a table's types, as one bit of the file can do it: the bytes are the same, and are no text."""
    with closing(sqlite3.connect(written)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_schema SET sql = replace(sql, ') STRICT', ')') WHERE name = 'entry'"
        )
        connection.commit()
    _tamper(written, "UPDATE entry SET subject = CAST(subject AS BLOB) WHERE seq = 10")
    assert _broken(written).seq == 10
