"""`report daily`, `x` and `deposit`, `journal seal`: on a journal in use, whole files or none."""

import csv
import json
import stat
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import httpx
import pytest

from cashier.domain.entries import Draft, EntryKind
from cashier.hub.serve import enrol, utc_now
from tests.fakes.entries import Drafts, make_sale
from tests.helpers.daily import K, card, cash, check, refund, void
from tests.helpers.site import SiteTill, two_tills
from tests.hub.conftest import MASTER
from tests.hub.processes import hub_process
from tests.hub.test_hub_journals import told

from .conftest import Cashier, open_journal

DAY = "2026-02-03"
PAYER = '=cmd|"/C calc"!A0 Müller'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Three receipts: three checks with cash, cash that was voided, a card of which some was refunded."""
    path, drafts = tmp_path / "till" / "journal.db", Drafts()
    path.parent.mkdir()
    with open_journal(path) as journal:
        tenders = (
            (check(4_000, "1001"), check(5_000, "1002"), check(1_000, "1003"), cash(12_418, 13_000)),
            (cash(22_418, 30_000),),
            (card(22_418, 561),),
        )
        for place, taken in enumerate(tenders):
            sale = make_sale(PAYER, invoice=f"70000{place}")
            journal.record([drafts.receipt(f"s{place}", sale, tenders=taken)])
        receipts = journal.receipts_of_day(DAY)
        taken_back = {**asdict(void(receipts[1]))}
        given_back = {**asdict(refund(receipts[2], 2_418)), "kind": K.CASH.value}
        journal.record(
            [
                Draft("void-1", EntryKind.RECEIPT_VOIDED, "s1", taken_back),
                Draft("refund-1", EntryKind.REFUND_MADE, "s2", given_back),
            ]
        )
    return path


def test_a_day_as_pdf_csv_and_json_while_the_window_holds_the_journal(
    cashier: Cashier, file: Path, settings_file: Path, tmp_path: Path
) -> None:
    pdf, table = tmp_path / "day.pdf", tmp_path / "day.csv"
    with open_journal(file):
        ended = cashier(
            "report", "--file", file, "daily", "--date", DAY, "--pdf", pdf, "--csv", table, "--json"
        )
    assert (ended.code, ended.err) == (0, ())
    told = json.loads(ended.out)
    assert told["figures"]["tenders"] == {
        "card": {"count": 1, "amount_cents": 22_418, "service_fee_cents": 561},
        "cash": {"count": 1, "amount_cents": 12_418, "service_fee_cents": 0},
        "check": {"count": 3, "amount_cents": 10_000, "service_fee_cents": 0},
    }
    assert told["figures"]["net_cents"] == 22_418 + 12_418 + 10_000 - 2_418
    assert pdf.read_bytes().startswith(b"%PDF")
    assert stat.S_IMODE(pdf.stat().st_mode) == stat.S_IMODE(table.stat().st_mode) == 0o600
    assert table.read_bytes().startswith(b"\xef\xbb\xbf")
    with table.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["number"] for row in rows if row["section"] == "tender" and row["tender"] == "check"] == [
        "1001",
        "1002",
        "1003",
    ]
    assert {row["payer"] for row in rows if row["section"] == "tender"} == {f"'{PAYER}"}
    totals = [row for row in rows if row["in_totals"] == "yes" and row["section"] in ("tender", "refund")]
    cents = sum(int(row["amount"].replace(".", "")) for row in totals)
    assert cents == told["figures"]["net_cents"]
    assert [(row["receipt"], row["approver"]) for row in rows if row["section"] == "void"] == [
        ("A-000002", "Robin Supervisor")
    ]
    assert not list(tmp_path.glob("*.part"))


def test_a_day_in_a_few_lines(cashier: Cashier, file: Path, settings_file: Path) -> None:
    ended = cashier("report", "--file", file, "daily", "--date", DAY)
    assert ended.code == 0
    assert "numbers A-000001 to A-000003, missing: none" in ended.out.decode()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--to", "2026-02-01"), "is after the last"),
        (("--to", "2028-02-01"), "366 days at most"),
        (("--pdf", "same", "--csv", "same"), "name the same file"),
        (("--pdf", "/nowhere/at/all.pdf"), "cannot be written"),
    ],
)
def test_what_cannot_be_reported_is_refused(
    words: tuple[str, ...], says: str, cashier: Cashier, file: Path, settings_file: Path
) -> None:
    ended = cashier("report", "--file", file, "daily", "--date", DAY, *words)
    assert (ended.code, ended.out) == (2, b"")
    assert says in ended.err[0]


@pytest.mark.parametrize("end", ["", "-wal", ".lock"])
def test_the_journal_is_never_overwritten(
    end: str, cashier: Cashier, file: Path, settings_file: Path
) -> None:
    out, before = file.with_name(file.name + end), file.read_bytes()
    ended = cashier("report", "--file", file, "daily", "--date", DAY, "--csv", out)
    assert ended.code == 2
    assert "belongs to the journal" in ended.err[0]
    assert file.read_bytes() == before


def test_the_deposit_slip(cashier: Cashier, file: Path, settings_file: Path, tmp_path: Path) -> None:
    pdf = tmp_path / "deposit.pdf"
    ended = cashier("report", "--file", file, "deposit", "--date", DAY, "--pdf", pdf, "--page", "A4")
    assert ended.code == 0
    # Three checks, and the cash less what was given back of it; the voided cash went back to its payer.
    assert "Deposit 200.00 written" in ended.out.decode()
    assert pdf.read_bytes().startswith(b"%PDF")


# -- every counter of the site -----------------------------------------------------------------------------


@pytest.fixture
def hub_of_two(
    tmp_path: Path, settings_file: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[SiteTill, SiteTill]]:
    """A real hub process with two tills' entries; this till is A, on a machine without a journal."""
    url = f"sqlite:///{tmp_path}/hub.db"
    keys = {till: enrol(url, MASTER, "sampletown", till, utc_now) for till in "AB"}
    tills = two_tills()
    with hub_process(url, "with-parent") as (_, address):
        for till in tills:
            answer = httpx.post(
                f"{address}/till/v1/sampletown/{till.till}/journal",
                json=told(till.rows),
                headers={"authorization": f"Bearer {keys[till.till]}"},
            )
            assert answer.status_code == 200, answer.text
        monkeypatch.setenv("CASHIER_DATA_FOLDER", str(home / "till"))
        monkeypatch.setenv("CASHIER_HUB__URL", address)
        monkeypatch.setenv("CASHIER_SECRET_TILL_KEY", keys["A"])
        yield tills


def test_all_counters_report_daily_site_over_the_hub(
    cashier: Cashier, hub_of_two: tuple[SiteTill, SiteTill], tmp_path: Path
) -> None:
    pdf, table = tmp_path / "site.pdf", tmp_path / "site.csv"
    ended = cashier("report", "daily", "--date", DAY, "--site", "--pdf", pdf, "--csv", table, "--json")
    assert ended.code == 0
    (warning,) = ended.err
    assert warning.startswith("till B: UNSYNCED, last heard 2026-02-03")
    assert warning.endswith("may have more")
    members = json.loads(ended.out)
    assert members["figures"]["net_cents"] == 39_836
    assert members["deposit"] == {"cash": 13_418, "check": 4_000, "money_order": 0}
    assert [(one["till"], one["is_complete"]) for one in members["sources"]] == [("A", True), ("B", False)]
    assert [one["till"] for one in members["numbers"]] == ["A", "B"]
    assert pdf.read_bytes().startswith(b"%PDF")
    with table.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["receipt"] for row in rows if row["section"] == "tender"] == [
        *("A-000001", "A-000001", "A-000002", "A-000003", "B-000001"),
    ]
    assert [row["reason"] for row in rows if row["section"] == "source"][1] == warning
    lines = cashier("report", "daily", "--date", DAY, "--site").lines
    assert warning in lines
    assert any(line.startswith("deposit, as counted") and line.endswith("174.18") for line in lines)
    one = cashier("report", "daily", "--date", DAY, "--site", "--till", "A")
    assert (one.code, one.err, one.lines[0].split()[0]) == (0, (), "Z")


def test_all_counters_the_combined_deposit_slip(
    cashier: Cashier, hub_of_two: tuple[SiteTill, SiteTill], tmp_path: Path
) -> None:
    pdf = tmp_path / "deposit.pdf"
    ended = cashier("report", "deposit", "--date", DAY, "--site", "--pdf", pdf)
    assert (ended.code, len(ended.err)) == (0, 1)
    assert "Deposit 174.18 written" in ended.out.decode()
    assert pdf.read_bytes().startswith(b"%PDF")


def test_all_counters_without_the_hub_says_so_and_writes_nothing(
    cashier: Cashier, settings_file: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASHIER_DATA_FOLDER", str(home / "till"))
    monkeypatch.setenv("CASHIER_HUB__URL", "http://127.0.0.1:9")
    monkeypatch.setenv("CASHIER_SECRET_TILL_KEY", "k1." + "A" * 43)
    pdf = tmp_path / "site.pdf"
    ended = cashier("report", "daily", "--date", DAY, "--site", "--pdf", pdf)
    assert (ended.code != 0, ended.out, pdf.exists()) == (True, b"", False)
    assert "The hub cannot be reached" in ended.err[0]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--training", "report"), "A training session has no site"),
        (("report", "--file", "journal.db"), "leave out one of them"),
    ],
)
def test_a_site_is_neither_a_training_session_nor_a_file(
    words: tuple[str, ...], says: str, cashier: Cashier, settings_file: Path
) -> None:
    ended = cashier(*words, "daily", "--date", DAY, "--site")
    assert (ended.code, ended.out) == (2, b"")
    assert says in ended.err[0]


def test_an_x_report_of_a_day_without_receipts(
    cashier: Cashier, file: Path, settings_file: Path, tmp_path: Path
) -> None:
    before = file.read_bytes()
    ended = cashier("report", "--file", file, "x", "--json", "--pdf", tmp_path / "x.pdf")
    assert ended.code == 0
    told = json.loads(ended.out)
    assert (told["kind"], told["figures"]["taken" if "taken" in told else "net_cents"]) == ("X report", 0)
    assert file.read_bytes() == before


def test_a2_an_export_is_sealed_and_verified(
    cashier: Cashier, file: Path, settings_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "audit.zip"
    with open_journal(file):
        ended = cashier("journal", "--file", file, "seal", "--from", DAY, "--to", DAY, out)
    assert (ended.code, ended.err) == (0, ())
    assert "5 entries sealed" in ended.out.decode()
    assert b"argon2" not in out.read_bytes()
    verified = cashier("journal", "verify", out)
    assert (verified.code, verified.err) == (0, ())
    assert "5 entries hold" in verified.out.decode()
    content = bytearray(out.read_bytes())
    content[200] ^= 1
    out.write_bytes(content)
    broken = cashier("journal", "verify", out)
    assert (broken.code, broken.out) == (1, b"")
    assert "entries.jsonl was changed" in broken.err[0]


def test_verify_takes_a_journal_by_name_and_refuses_no_file(cashier: Cashier, file: Path) -> None:
    assert "5 entries hold" in cashier("journal", "verify", file).out.decode()
    ended = cashier("journal", "verify", file.with_name("none.zip"))
    assert (ended.code, ended.out) == (2, b"")
