"""`journal verify`, `search` and `export`: on a real journal, in use, edited, missing, and on other files."""

import csv
import itertools
import json
import os
import re
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from cashier.domain.entries import EntryKind
from tests.fakes.entries import Drafts

from .conftest import Cashier, open_journal, tree

VERBS = ("verify", "search", "export")


def test_a_whole_journal(cashier: Cashier, journal_file: Path) -> None:
    verified = cashier("journal", "--file", journal_file, "verify")
    assert (verified.code, verified.err) == (0, ())
    assert f"{journal_file}: 21 entries hold; last hash " in verified.out.decode()
    found = cashier("journal", "--file", journal_file, "search")
    assert [line.split()[0] for line in found.lines] == ["A-000003", "A-000002", "A-000001"]
    assert all("224.18" in line and "PAID" in line and "Robin Example" in line for line in found.lines)


@pytest.mark.parametrize("text", ["A-000002", "2"])
def test_search_puts_the_number_first(text: str, cashier: Cashier, journal_file: Path) -> None:
    ended = cashier("journal", "--file", journal_file, "search", text, "--limit", "1", "--json")
    (line,) = ended.lines
    assert json.loads(line)["number"] == "A-000002"


def test_a_search_that_finds_nothing_is_done(cashier: Cashier, journal_file: Path) -> None:
    ended = cashier("journal", "--file", journal_file, "search", "nobody")
    assert (ended.code, ended.out, ended.err) == (0, b"", ())


def test_export_to_standard_output_and_to_a_file_are_the_same(
    cashier: Cashier, journal_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "entries.jsonl"
    streamed = cashier("journal", "--file", journal_file, "export")
    written = cashier("journal", "--file", journal_file, "export", "--out", out)
    assert (streamed.code, streamed.err, written.code, written.out) == (0, (), 0, b"")
    assert out.read_bytes() == streamed.out
    assert written.err == (f"21 entries written to {out}",)
    entries = [json.loads(line) for line in streamed.lines]
    assert [entry["seq"] for entry in entries] == list(range(1, 22))
    assert all(after["previous"] == before["hash"] for before, after in itertools.pairwise(entries))
    if os.name == "posix":
        assert stat.S_IMODE(out.stat().st_mode) == 0o600  # it names payers


def test_export_of_receipts_is_a_table(cashier: Cashier, journal_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "receipts.csv"
    ended = cashier("journal", "--file", journal_file, "export", "--receipts", "--out", out)
    assert (ended.code, ended.err) == (0, (f"3 receipts written to {out}",))
    with out.open(encoding="utf-8", newline="") as stream:
        assert [row["number"] for row in csv.DictReader(stream)] == ["A-000001", "A-000002", "A-000003"]


def test_a_journal_in_use(cashier: Cashier, journal_file: Path) -> None:
    with open_journal(journal_file) as journal:
        journal.record(Drafts("more").paid_sale("s4"))
        assert "28 entries hold" in cashier("journal", "--file", journal_file, "verify").out.decode()
        assert len(cashier("journal", "--file", journal_file, "search").lines) == 4
        assert len(cashier("journal", "--file", journal_file, "export").lines) == 28
        journal.record((Drafts("last").draft(EntryKind.POSTBACK_REPEATED, "p-s4", {"reason": "again"}),))


def test_one_edited_byte_is_found_and_named(cashier: Cashier, journal_file: Path) -> None:
    content = journal_file.read_bytes()
    for found in re.finditer(b"BalanceDue", content):  # also in other tables, and in pages no longer used
        journal_file.write_bytes(content[: found.start()] + b"b" + content[found.start() + 1 :])
        with closing(sqlite3.connect(f"{journal_file.as_uri()}?mode=ro", uri=True)) as connection:
            edited = connection.execute("SELECT seq FROM entry WHERE body GLOB '*balanceDue*'").fetchall()
        if edited:
            break
    ((seq,),) = edited
    ended = cashier("journal", "--file", journal_file, "verify")
    assert (ended.code, ended.out, len(ended.err)) == (1, b"", 1)
    assert ended.err[0].startswith(f"{journal_file}: BROKEN at entry {seq}: ")


@pytest.mark.parametrize("verb", VERBS)
def test_a_journal_that_is_not_there(verb: str, cashier: Cashier, tmp_path: Path, home: Path) -> None:
    for words in (("--file", tmp_path / "nosuch.db"), ("--file", tmp_path), ()):
        ended = cashier("journal", *words, verb)
        assert (ended.code, ended.out, len(ended.err)) == (2, b"", 1)
        assert ended.err[0].startswith("There is no journal at ")
    assert tree(home) == []
    assert not (tmp_path / "nosuch.db").exists()


@pytest.mark.parametrize("verb", VERBS)
def test_a_file_that_is_no_journal(verb: str, cashier: Cashier, tmp_path: Path) -> None:
    text, other = tmp_path / "notes.txt", tmp_path / "other.db"
    text.write_text("no database " * 100)
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE t (a)")
        connection.commit()
    for file in (text, other):
        before = file.read_bytes()
        out = ("--out", tmp_path / "out.jsonl") if verb == "export" else ()
        ended = cashier("journal", "--file", file, verb, *out)
        assert (ended.code, ended.out, len(ended.err)) == (1, b"", 1)
        assert str(file) in ended.err[0]
        assert file.read_bytes() == before
    assert tree(tmp_path) == sorted([tmp_path / "home", text, other])


@pytest.mark.parametrize("place", ["nosuch/out.jsonl", "file/out.jsonl", "folder", "shop/journal.db"])
def test_an_export_that_cannot_be_written_leaves_nothing(
    place: str, cashier: Cashier, journal_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("here before")
    (tmp_path / "folder").mkdir()
    before = [(path, path.is_file() and path.read_bytes()) for path in tree(tmp_path)]
    ended = cashier("journal", "--file", journal_file, "export", "--out", tmp_path / place)
    assert (ended.code, ended.out, len(ended.err)) == (2, b"", 1)
    assert ended.err[0].startswith(f"{tmp_path / place}: cannot be written: ")
    assert [(path, path.is_file() and path.read_bytes()) for path in tree(tmp_path)] == before


@pytest.mark.skipif(os.name != "posix", reason="a device")
def test_an_export_replaces_no_device(cashier: Cashier, journal_file: Path) -> None:
    ended = cashier("journal", "--file", journal_file, "export", "--out", "/dev/null")
    assert (ended.code, ended.err) == (2, ("/dev/null: cannot be written: is not a file",))
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_an_export_that_breaks_off_leaves_the_earlier_one(
    cashier: Cashier, journal_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "entries.jsonl"
    out.write_text("the earlier one")
    content = journal_file.read_bytes()
    journal_file.write_bytes(content[: len(content) // 2])
    ended = cashier("journal", "--file", journal_file, "export", "--out", out)
    assert (ended.code, len(ended.err)) == (1, 1)
    assert out.read_text() == "the earlier one"
    assert not out.with_name("entries.jsonl.part").exists()


def test_the_tills_own_journal_is_where_its_settings_say(
    cashier: Cashier, journal_file: Path, settings_file: Path
) -> None:
    settings_file.write_text(f'data_folder = "{journal_file.parent}"\n' + settings_file.read_text())
    assert "21 entries hold" in cashier("journal", "verify").out.decode()
    settings_file.write_text("nonsense")
    ended = cashier("journal", "verify")
    assert (ended.code, len(ended.err)) == (2, 1)
    assert cashier("journal", "verify", "--help").code == 0
