"""`fees import` and `fees export`: an office's own schedule, from a spreadsheet to the till's prices."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cashier.adapters import schedule_on
from cashier.clock import SystemClock
from cashier.schedules import load_schedule
from tests.cli.conftest import Cashier, open_journal
from tests.fakes.keyring import MemoryKeyring, memory_keyring

BOSS, BOSS_PIN = "Robin Boss", "271828"
ROWS = """name,lakeland
title,City of Lakeland
measure,valuation,Valuation of the work,dollars
code,name,kind,measure,lowest,step,over,up_to,base,rate,per,amount,type_id,gl_account
building-permit,Building permit by valuation,tiered,valuation,1,or_fraction,0,"10,000",80.00,,,,6,101-322
,,,,,,"10,000",,80.00,5.00,"1,000",,,
mural,Mural permit,flat,,,,,,,,,35.00,77,101-399
"""


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    with memory_keyring() as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "Fees 2099.csv"
    made.write_text(ROWS, encoding="utf-8")
    return made


def price(cashier: Cashier, on: str) -> str:
    words = ("--schedule", "lakeland", "--fee", "building-permit", "--valuation", "25500", "--on", on)
    ended = cashier("fees", "price", *words)
    return ended.lines[-1] if ended.code == 0 else ended.err[0]


def own(settings_file: Path) -> list[str]:
    folder = settings_file.parent / "schedules"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_dry_run_shows_prices_before_and_after_and_changes_nothing(
    settings_file: Path, file: Path, home: Path, cashier: Cashier
) -> None:
    ended = cashier("fees", "import", file, "--from", "2099-01-01", "--dry-run")
    assert ended.code == 0
    assert ended.lines[:2] == [
        "City of Lakeland: in force from 2099-01-01; lakeland-2099-01-01.toml is new",
        f"lakeland.toml ({load_shipped_period()}) ends on 2098-12-31",
    ]
    told = "\n".join(ended.lines)
    assert "changed      building-permit  Building permit by valuation" in told
    assert "valuation 25,500         147.68 (72.00 + 16 × 4.73) → 160.00 (80.00 + 16 × 5.00)" in told
    assert "added        mural  Mural permit" in told
    assert "removed      state-surcharge" in told
    (warning,) = ended.err
    assert warning.startswith("Warning: Invoice type 77 is set up for no biller of this till; 1 fee (Mural")
    assert own(settings_file) == []
    assert not (home / "data").exists(), "no journal was touched"


def load_shipped_period() -> str:
    return str(schedule_on("lakeland", SystemClock().today()).period)


def test_without_settings_a_dry_run_does_not_know_the_types(file: Path, cashier: Cashier) -> None:
    ended = cashier("fees", "import", file, "--dry-run")
    assert (ended.code, ended.err) == (0, ())


def test_an_administrator_brings_one_in(
    settings_file: Path, file: Path, ring: MemoryKeyring, home: Path, cashier: Cashier
) -> None:
    cashier("people", "add", BOSS, "--role", "administrator", text=f"{BOSS_PIN}\n")
    words = ("fees", "import", file, "--from", "2099-01-01", "--by", BOSS)
    assert cashier(*words, text="n\n").code == 1
    wrong = cashier(*words, "--yes", text="161803\n")
    assert wrong.code == 2 and "not the PIN" in wrong.err[-1]
    assert own(settings_file) == []
    ended = cashier(*words, text=f"y\n{BOSS_PIN}\n")
    assert ended.code == 0
    assert ended.lines[-1] == "lakeland-2099-01-01.toml is brought in: lakeland is in force from 2099-01-01"
    assert own(settings_file) == ["lakeland-2099-01-01.toml"]
    assert [price(cashier, on) for on in ("2098-12-31", "2099-01-01")] == ["Total 147.68", "Total 160.00"]
    listed = cashier("fees", "list", "--schedule", "lakeland", "--on", "2099-01-01")
    assert [line.split()[0] for line in listed.lines] == ["building-permit", "mural"]
    (entry,) = [
        one
        for one in map(json.loads, cashier("journal", "export").lines)
        if one["kind"] == "schedule_imported"
    ]
    assert (entry["body"]["by"], entry["body"]["source"]) == (BOSS, "Fees 2099.csv")
    taken = cashier("fees", "withdraw", "lakeland-2099-01-01.toml", "--by", BOSS, text=f"{BOSS_PIN}\n")
    assert (taken.code, taken.lines) == (0, ["lakeland-2099-01-01.toml is taken back"])
    assert price(cashier, "2099-01-01") == "Total 147.68"
    again = cashier("fees", "withdraw", "lakeland-2099-01-01.toml", "--by", BOSS, text=f"{BOSS_PIN}\n")
    assert again.code == 2 and "There is no own schedule" in again.err[0]
    assert cashier("journal", "verify").code == 0


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ((), "Say which administrator does it: --by NAME."),
        (("--by", "Nobody"), "Nobody at this till is called 'Nobody'."),
        (("--until", "2020-01-01"), "is before the first"),
        (("--from", "2099-13-01"), "cashier fees import: Invalid value for '--from'"),
    ],
)
def test_what_is_refused(
    more: tuple[str, ...], why: str, settings_file: Path, file: Path, ring: MemoryKeyring, cashier: Cashier
) -> None:
    ended = cashier("fees", "import", file, "--yes", *more)
    assert ended.code == 2
    assert why in ended.err[-1]
    assert own(settings_file) == []


def test_every_fault_is_one_line(settings_file: Path, file: Path, cashier: Cashier) -> None:
    text = ROWS.replace("80.00,,", "x,,").replace("35.00,77", ",0").replace("title", "tittle")
    file.write_text(text, encoding="cp1252")
    ended = cashier("fees", "import", file, "--yes")
    assert (ended.code, ended.out) == (2, b"")
    assert [line.partition(": line ")[2].partition(":")[0] for line in ended.err] == [
        "1, title",
        "2, column A",
        "5, column I (base)",
        "7, column L (amount)",
        "7, column M (type_id)",
    ]


def test_while_the_window_is_open_it_is_refused(
    settings_file: Path, file: Path, home: Path, cashier: Cashier
) -> None:
    with open_journal(home / "data" / "cashier" / "journal.db"):
        ended = cashier("fees", "import", file, "--yes", "--by", BOSS)
        assert ended.code == 2 and "in use by the first window" in ended.err[0]
        assert cashier("fees", "import", file, "--dry-run").code == 0


def test_training_has_its_own(settings_file: Path, file: Path, cashier: Cashier) -> None:
    ended = cashier("--training", "fees", "import", file)
    assert ended.code == 2 and "Leave out --training" in ended.err[0]


@pytest.mark.parametrize("name", ["out.csv", "OUT.TOML"])
def test_an_exported_schedule_comes_back_as_it_was(
    name: str, settings_file: Path, tmp_path: Path, cashier: Cashier
) -> None:
    out = tmp_path / name
    assert cashier("fees", "export", "--schedule", "police", out).code == 0
    ended = cashier("fees", "import", out, "--dry-run")
    assert ended.code == 0
    count = len(load_schedule(Path(__file__).parents[2] / "resources" / "schedules" / "police.toml").fees)
    assert ended.lines[-1].endswith(f"{count} fees: {count} the same")
    again = cashier("fees", "export", "--schedule", "police", out)
    assert again.code == 1 and "File exists" in again.err[0], "no file is written over"


def test_export_says_what_it_cannot(settings_file: Path, tmp_path: Path, cashier: Cashier) -> None:
    ended = cashier("fees", "export", "--schedule", "police", tmp_path / "x.xlsx")
    assert (ended.code, ended.err) == (2, ("x.xlsx: is neither a .toml nor a .csv file",))
