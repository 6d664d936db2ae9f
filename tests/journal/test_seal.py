"""The auditor's export: sealed, verified with nothing installed, a changed byte anywhere found and named."""

import csv
import datetime as dt
import json
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from cashier import paths
from cashier.domain.errors import Discrepancy, Refused
from cashier.journal.seal import Sealed, seal_journal
from cashier.journal.store import SqliteJournal
from cashier.report_verbs import verifier_file, verify_sealed
from tests.fakes.entries import Drafts, FixedClock, make_sale

VERIFIER = verifier_file(paths.resources())
DAY = dt.date(2026, 2, 3)
#: Changed bytes that are tried; every byte of the short parts, and some of each file.
TRIES = 120


@pytest.fixture
def journal_file(tmp_path: Path) -> Path:
    """Three days with two sales each."""
    file, clock, drafts = tmp_path / "journal.db", FixedClock(), Drafts()
    with SqliteJournal(file, till="A", clock=clock, holder="test") as journal:
        for place in range(6):
            sale = make_sale(f"Robin Müller-Ørsted {place}", invoice=f"70000{place}")
            day = (DAY + dt.timedelta(days=place // 2)).isoformat()
            entries = drafts.paid_sale(f"s{place}", sale)
            journal.record(entries[:5])
            journal.record([drafts.receipt(f"s{place}", sale, business_date=day)])
            clock.moment += dt.timedelta(hours=12)
    return file


def sealed(journal: Path, out: Path, first: dt.date = DAY, last: dt.date = DAY) -> Sealed:
    extras = {"daily.csv": lambda stream: stream.write("a,ü\n".encode())}
    made_at = "2026-02-04T12:00:00.000Z"
    return seal_journal(journal, out, first, last, made_at=made_at, verifier=VERIFIER, extras=extras)


def bare(*words: object) -> subprocess.CompletedProcess[str]:
    """A bare interpreter: no site packages, no environment, no folder of ours."""
    command = [sys.executable, "-I", "-S", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd="/")


def test_a2_it_verifies_in_a_bare_interpreter_by_the_program_that_it_carries(
    journal_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "audit.zip"
    made = sealed(journal_file, out)
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(out) as archive:
        assert archive.testzip() is None
        archive.extractall(folder)
    for words in ((folder / "verify.py", out), (folder / "verify.py",)):
        ended = bare(*words)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert f"{made.entries} entries hold" in ended.stdout
        assert f"head {made.head}" in ended.stdout
    assert verify_sealed(out)[0]
    assert sorted(path.name for path in folder.iterdir()) == [
        "daily.csv",
        "entries.jsonl",
        "manifest.json",
        "receipts.csv",
        "verify.py",
    ]


def test_a2_one_changed_byte_anywhere_is_found_and_named(journal_file: Path, tmp_path: Path) -> None:
    out, changed = tmp_path / "audit.zip", tmp_path / "changed.zip"
    sealed(journal_file, out)
    content = out.read_bytes()
    with zipfile.ZipFile(out) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    chance = random.Random(20260203)
    places = {chance.randrange(len(content)) for _ in range(TRIES)} | {0, 1, len(content) - 1}
    places |= {content.find(b'"cashier_export"') + 2, content.find(b"end_of_manifest"), len(content) - 100}
    named = set()
    for place in sorted(places):
        changed.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        holds, lines = verify_sealed(changed)
        assert not holds, f"byte {place} of {len(content)}"
        assert lines
        for item in manifest["files"]:
            if item["offset"] <= place < item["offset"] + item["stored"]:
                assert f"CHANGED: {item['name']} was changed" in lines
                named.add(item["name"])
    assert {"entries.jsonl", "verify.py"} <= named


@pytest.mark.parametrize("cut", [1, 50, 400])
def test_a2_a_cut_or_longer_file_is_found(journal_file: Path, tmp_path: Path, cut: int) -> None:
    out = tmp_path / "audit.zip"
    sealed(journal_file, out)
    content = out.read_bytes()
    for other in (content[:-cut], content + b"\n" * cut, b"", b"PK", content[cut:]):
        out.write_bytes(other)
        assert not verify_sealed(out)[0]


def test_a2_a_changed_file_of_the_unpacked_folder_is_named(journal_file: Path, tmp_path: Path) -> None:
    sealed(journal_file, tmp_path / "audit.zip")
    with zipfile.ZipFile(tmp_path / "audit.zip") as archive:
        archive.extractall(tmp_path / "unpacked")
    receipts = tmp_path / "unpacked" / "receipts.csv"
    receipts.write_bytes(receipts.read_bytes().replace(b"224.18", b"224.19", 1))
    ended = bare(tmp_path / "unpacked" / "verify.py")
    assert ended.returncode == 1
    assert "CHANGED: receipts.csv was changed" in ended.stdout
    receipts.unlink()
    assert "receipts.csv is missing" in bare(tmp_path / "unpacked" / "verify.py").stdout


def test_a2_a_forged_entry_with_a_manifest_made_to_fit_breaks_the_chain(
    journal_file: Path, tmp_path: Path
) -> None:
    out, folder = tmp_path / "audit.zip", tmp_path / "unpacked"
    sealed(journal_file, out)
    with zipfile.ZipFile(out) as archive:
        archive.extractall(folder)
    lines = (folder / "entries.jsonl").read_text("utf-8").replace("Robin Müller", "Robin Muller", 1)
    (folder / "entries.jsonl").write_text(lines, encoding="utf-8")
    import hashlib

    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    manifest["files"][0]["sha256"] = hashlib.sha256(lines.encode()).hexdigest()
    manifest["files"][0]["size"] = len(lines.encode())
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    ended = bare(folder / "verify.py")
    assert ended.returncode == 1
    assert "was changed after it was recorded" in ended.stdout


def test_the_days_are_one_unbroken_run_by_time_and_by_business_date(
    journal_file: Path, tmp_path: Path
) -> None:
    whole = sealed(journal_file, tmp_path / "whole.zip", DAY, DAY + dt.timedelta(days=9))
    assert whole.entries == 36
    second = DAY + dt.timedelta(days=1)
    part = sealed(journal_file, tmp_path / "part.zip", second, second)
    assert 12 <= part.entries < 36
    with zipfile.ZipFile(tmp_path / "part.zip") as archive:
        entries = [json.loads(line) for line in archive.read("entries.jsonl").splitlines()]
        rows = list(csv.DictReader(archive.read("receipts.csv").decode("utf-8-sig").splitlines()))
    assert [entry["seq"] for entry in entries] == list(range(entries[0]["seq"], entries[-1]["seq"] + 1))
    dates = {row["business_date"] for row in rows}
    assert second.isoformat() in dates
    assert verify_sealed(tmp_path / "part.zip")[0]


def test_the_same_days_seal_to_the_same_bytes(journal_file: Path, tmp_path: Path) -> None:
    sealed(journal_file, tmp_path / "one.zip")
    sealed(journal_file, tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_days_without_entries_are_refused(journal_file: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no entry of 2027-01-01"):
        sealed(journal_file, tmp_path / "no.zip", dt.date(2027, 1, 1), dt.date(2027, 1, 2))


def test_an_edited_journal_is_not_sealed(journal_file: Path, tmp_path: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(journal_file)
    connection.execute("DROP TRIGGER entry_never_updated")
    connection.execute("UPDATE entry SET body = replace(body, 'Robin', 'Rubin') WHERE seq = 3 OR seq = 1")
    connection.commit()
    connection.close()
    with pytest.raises(Discrepancy, match="Nothing was sealed: entry 1"):
        sealed(journal_file, tmp_path / "no.zip")
