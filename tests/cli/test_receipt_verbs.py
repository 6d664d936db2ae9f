"""`cashier receipt show` and `print`: what a receipt says, and a copy of it by the settings' printer."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from cashier.cli import cli
from cashier.domain.entries import EntryKind
from cashier.journal.store import SqliteJournal
from tests.fakes.clock import MovingClock
from tests.fakes.entries import Drafts
from tests.helpers.escpos_emulator import Fault, PrinterAt, Roll, printer_at
from tests.helpers.journal_file import entries_in

SETTINGS = """
site = "sampletown"
till = "A"
agency = "Sampletown"
cashier = "Kim Clerk"
profile = "mcci"
schedule = "lakeland"
data_folder = "{folder}"
[hub]
url = "https://hub.example.org"
[[billers]]
name = "town"
invoice_types = {{ 43 = "Permits" }}
[printer]
{printer}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A till's folder, with one receipt in its journal."""
    with SqliteJournal(tmp_path / "journal.db", till="A", clock=MovingClock(), holder="a test") as journal:
        journal.record(list(Drafts().paid_sale("s1")))
    return tmp_path


def run(folder: Path, printer: str, *words: str) -> tuple[int, str]:
    file = folder / "settings.toml"
    file.write_text(SETTINGS.format(folder=folder, printer=printer), encoding="utf-8")
    result = CliRunner().invoke(cli, ["--settings", str(file), "receipt", *words])
    return result.exit_code, result.output


def at(there: PrinterAt) -> str:
    return f'kind = "network"\nhost = "127.0.0.1"\nport = {there.port}\nanswer_seconds = 0.5'


@pytest.mark.parametrize("width", [32, 48])
def test_show_writes_what_the_receipt_says(folder: Path, width: int) -> None:
    code, text = run(folder, "", "show", "a-000001", "--width", str(width))
    assert code == 0
    for said in ("Sampletown Building", "A-000001", "Robin Example", "224.18", "[QR A-000001]"):
        assert said in text, said
    assert max(map(len, text.splitlines())) <= width
    assert "Reçu" in run(folder, "", "show", "A-000001", "--language", "fr-CA")[1]


def test_show_refuses_what_is_not_there(folder: Path) -> None:
    for words in (("show", "A-000002"), ("show", "Robin"), ("show", "A-000001", "--language", "xx")):
        assert run(folder, "", *words)[0] == 2


def test_print_prints_and_the_second_is_a_duplicate(folder: Path) -> None:
    with printer_at() as there:
        assert run(folder, at(there), "print", "A-000001") == (0, "A-000001 is printed\n")
        assert run(folder, at(there), "print", "A-000001")[0] == 0
        text = there.settle().text
    assert "DUPLICATE 1" in text and there.roll.pulses == []
    kinds = [entry.kind for entry in entries_in(folder / "journal.db")]
    assert kinds[-3:] == [EntryKind.PRINT_ASKED, EntryKind.PRINT_STARTED, EntryKind.PRINTED]


def test_o8_print_makes_a_copy_of_a_rescued_receipt_and_records_it_here(folder: Path) -> None:
    rescued = folder / "imported" / "sampletown-B.db"
    with SqliteJournal(rescued, till="B", clock=MovingClock(), holder="a test") as journal:
        journal.record(list(Drafts("b", "B").paid_sale("b1")))
    with printer_at() as there:
        assert run(folder, at(there), "print", "B-000001") == (0, "B-000001 is printed\n")
        assert run(folder, at(there), "print", "B-000002")[0] == 2
        text = there.settle().text
    assert "DUPLICATE 1" in text and "B-000001" in text
    kinds = [entry.kind for entry in entries_in(folder / "journal.db")]
    assert kinds[-3:] == [EntryKind.PRINT_ASKED, EntryKind.PRINT_STARTED, EntryKind.PRINTED]
    assert len(entries_in(rescued)) == 7


def test_a_journal_of_the_own_till_is_never_taken_for_a_rescued_one(folder: Path) -> None:
    """As where a machine got another till's code later."""
    own = folder / "imported" / "sampletown-A.db"
    with SqliteJournal(own, till="A", clock=MovingClock(), holder="a test") as journal:
        journal.record(list(Drafts("b").paid_sale("b1")))
    with printer_at() as there:
        assert run(folder, at(there), "print", "A-000001")[0] == 0
        assert "DUPLICATE" not in there.settle().text


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [(Fault.PAPER_OUT, 1, "out of paper"), (Fault.STALL, 3, "not known")],
)
def test_print_ends_as_it_went(folder: Path, fault: Fault, code: int, said: str) -> None:
    with printer_at() as there:
        there.fault = fault
        ended, text = run(folder, at(there), "print", "A-000001")
    assert ended == code and said in text


def test_print_to_a_file(folder: Path) -> None:
    file = folder / "lp0"
    printer = f'kind = "file"\ndevice = "{file}"\nanswers = false\ncolumns = 32\nlanguage = "es-US"'
    assert run(folder, printer, "print", "A-000001")[0] == 0
    roll = Roll()
    roll.feed(file.read_bytes())
    assert "Recibo de pago" in roll.text


def test_print_without_a_printer_says_where_to_set_it_up(folder: Path) -> None:
    code, text = run(folder, "", "print", "A-000001")
    assert code == 2 and "[printer]" in text


@pytest.mark.parametrize(
    ("printer", "fault"),
    [
        ('kind = "network"', "host"),
        ('kind = "usb"', "usb_id"),
        ('kind = "usb"\nusb_id = "1"', "usb_id"),
        ('kind = "file"\ndevice = "/dev/usb/lp0"', "answers"),
        ('kind = "laser"', "kind"),
        ("columns = 12", "columns"),
        ('code_page = "UTF-8"', "code_page"),
        ('[mail]\nhost = "smtp.example.org"', "sender"),
        (
            '[mail]\nhost = "smtp.example.org"\nsender = "a@example.org"\nuser = "a"\nsecurity = "none"',
            "security",
        ),
    ],
)
def test_settings_of_paper_are_checked(folder: Path, printer: str, fault: str) -> None:
    code, text = run(folder, printer, "print", "A-000001")
    assert code == 2 and fault in text
