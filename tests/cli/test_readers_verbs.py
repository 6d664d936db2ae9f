"""`readers list`, `readers probe` and `sandbox reader`, as processes on a real pseudo-terminal."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from serial.tools import list_ports as tools

from cashier.domain.entries import EntryKind
from cashier.journal.lock import JournalLock
from cashier.sandbox.readers import RunningReader
from cashier.sandbox.readers_faults import ReaderFault
from cashier.sandbox.readers_wire import TEST_PAN
from tests.helpers.journal_file import entries_in

from .conftest import WAIT_S, Cashier, open_journal, process


class Found:
    """A port as pyserial lists it."""

    def __init__(
        self, device: str, vid: int | None = None, pid: int | None = None, serial: str | None = None
    ) -> None:
        self.device, self.vid, self.pid, self.serial_number = device, vid, pid, serial
        self.location, self.description = None, "n/a"


@pytest.fixture
def ports(monkeypatch: pytest.MonkeyPatch) -> list[Found]:
    """The ports of this machine."""
    found: list[Found] = []
    monkeypatch.setattr(tools, "comports", lambda: found)
    return found


@contextmanager
def emulated(*words: object) -> Iterator[str]:
    """`sandbox reader` as a process; its port."""
    with process("sandbox", "reader", *words) as started:
        assert started.stdout is not None
        line = started.stdout.readline()
        assert line.startswith("reader /dev/"), started.stderr and started.stderr.read()
        yield line.split()[1]


def test_an_emulated_reader_is_identified(cashier: Cashier) -> None:
    with emulated("--family", "idtech_neo", "--serial", "630Z000777") as port:
        ended = cashier("readers", "probe", port, "--family", "idtech_neo", "--json")
        told = cashier("readers", "probe", port, "--family", "idtech_neo")
    assert ended.code == 0
    (line,) = ended.lines
    assert json.loads(line) == {
        "port": port,
        "family": "idtech_neo",
        "outcome": "identified",
        "identity": {
            "family": "idtech_neo",
            "model": "",
            "serial": "630Z000777",
            "firmware": "NEO v1.00",
            "clear_tracks": None,
        },
        "detail": "",
        "junk": 0,
        "bad": 0,
    }
    assert told.lines[0] == f"{port}: ID TECH NEO / ViVOpay: identified"
    assert "  serial   630Z000777" in told.lines


def test_a_reader_that_another_program_holds_is_busy(cashier: Cashier) -> None:
    with emulated("--family", "idtech_neo", "--fault", "busy") as port:
        ended = cashier("readers", "probe", port, "--family", "idtech_neo")
    assert ended.code == 1
    assert "busy (another program uses the port)" in ended.lines[0]


def test_an_unencrypted_reader_is_said_to_be_one(cashier: Cashier) -> None:
    with RunningReader("idtech_itp", fault=ReaderFault.CLEAR_TRACKS) as reader:
        ended = cashier("readers", "probe", reader.port, "--family", "idtech_itp")
    assert "  cards    UNENCRYPTED" in ended.lines


def test_what_can_be_seen_is_announced_and_waits_for_a_yes(cashier: Cashier) -> None:
    with RunningReader("verifone_vipa") as reader:
        refused = cashier("readers", "probe", reader.port, "--family", "verifone_vipa")
        assert (refused.code, bytes(reader.received)) == (2, b"")
        assert "may beep" in refused.err[0]
        agreed = cashier("readers", "probe", reader.port, "--family", "verifone_vipa", "--yes")
    assert agreed.code == 0 and "may beep" in agreed.err[0]


def test_an_experimental_family_is_said_to_be_one(cashier: Cashier) -> None:
    with RunningReader("ingenico_rba") as reader:
        ended = cashier("readers", "probe", reader.port, "--family", "ingenico_rba")
    assert ended.code == 0 and "experimental" in ended.err[0]


def test_the_family_is_taken_from_the_usb_ids(cashier: Cashier, ports: list[Found]) -> None:
    with RunningReader("pax_poslink") as reader:
        ports.append(Found(reader.port, 0x2FB8, 0x2116))
        ended = cashier("readers", "probe", reader.port, "--yes")
        ports.clear()
        unknown = cashier("readers", "probe", reader.port, "--yes")
    assert ended.code == 0 and "PAX" in ended.lines[0]
    assert unknown.code == 2 and "say --family" in unknown.err[0]


def test_no_probe_while_the_till_is_open(cashier: Cashier, settings_file: Path, home: Path) -> None:
    journal = home / "data" / "cashier" / "journal.db"
    journal.parent.mkdir(parents=True)
    journal.touch()
    lock = JournalLock(journal.with_name(journal.name + ".lock"), "the first window")
    lock.acquire()
    try:
        with RunningReader("idtech_neo") as reader:
            ended = cashier("readers", "probe", reader.port, "--family", "idtech_neo")
    finally:
        lock.release()
    assert ended.code == 2 and reader.received == b""
    with RunningReader("idtech_neo") as reader:
        assert cashier("readers", "probe", reader.port, "--family", "idtech_neo").code == 0


@pytest.mark.parametrize(
    "words", [("spy://x", "--family", "idtech_neo"), (TEST_PAN,), ("COM5", "--family", TEST_PAN)]
)
def test_what_is_no_port_or_family_is_refused_without_a_card_number(
    cashier: Cashier, words: tuple[str, ...]
) -> None:
    ended = cashier("readers", "probe", *words)
    assert ended.code == 2
    assert TEST_PAN not in "".join(ended.err) + ended.out.decode()


def test_ports_are_listed_with_what_they_may_be(cashier: Cashier, ports: list[Found]) -> None:
    ports += [Found("COM7", 0x0B00, 0x0060, "81234567"), Found("COM1")]
    listed = cashier("readers", "list")
    assert listed.lines == ["COM1  -  -  n/a", "COM7  0b00:0060  81234567  Ingenico iPP350"]
    one, two = (json.loads(line) for line in cashier("readers", "list", "--json").lines)
    assert one["suggestion"] is None
    assert two["usb_id"] == "0b00:0060:81234567" and two["suggestion"]["family"] == "ingenico_rba"


def test_a_system_that_cannot_list_is_not_reached(cashier: Cashier, monkeypatch: pytest.MonkeyPatch) -> None:
    def comports() -> object:
        raise TypeError("while unplugging")

    monkeypatch.setattr(tools, "comports", comports)
    assert cashier("readers", "list").code == 1


@pytest.mark.parametrize(
    "words",
    [
        ("--family", "nobody"),
        ("--family", "idtech_neo", "--fault", "nothing"),
        ("--family", "idtech_neo", "--fault", "filler"),
    ],
)
def test_an_emulator_that_there_is_not_is_refused(cashier: Cashier, words: tuple[str, ...]) -> None:
    ended = cashier("sandbox", "reader", *words)
    assert ended.code == 2 and len(ended.err) == 1


def test_an_emulator_ends_on_a_signal_and_with_its_parent() -> None:
    for ending in ("signal", "parent"):
        with process("sandbox", "reader", "--family", "idtech_neo", "--exit-with-parent") as started:
            assert started.stdout is not None and started.stdin is not None
            assert started.stdout.readline().startswith("reader ")
            if ending == "signal":
                started.send_signal(signal.SIGTERM)
            else:
                started.stdin.close()
                started.stdin = None
            assert started.wait(WAIT_S) == 0


# -- select ------------------------------------------------------------------------------------------------

READERS = """
[[readers]]
id = "mag"
label = "Stripe reader, window 1"
emv = false
connection = "serial"
bound_to = "0acd:0630:SN1"
[[readers]]
id = "chip"
label = "Chip reader, window 2"
emv_device_id = "CHIP-1"
connection = "serial"
"""


@pytest.fixture
def with_readers(settings_file: Path) -> None:
    settings_file.write_text(settings_file.read_text() + READERS)


def _selected(home: Path) -> list[object]:
    entries = entries_in(home / "data" / "cashier" / "journal.db")
    return [entry.body for entry in entries if entry.kind is EntryKind.READER_SELECTED]


@pytest.mark.usefixtures("with_readers")
def test_a_reader_is_selected_by_its_id(home: Path, ports: list[Found], cashier: Cashier) -> None:
    ports.append(Found("/dev/ttyACM0", 0x0ACD, 0x0630, "SN1"))
    ended = cashier("readers", "select", "mag")
    assert (ended.code, ended.lines) == (
        0,
        [
            "* mag  Stripe reader, window 1  connected on /dev/ttyACM0",
            "  chip  Chip reader, window 2  no port yet",
        ],
    )
    assert cashier("readers", "select", "none").lines[0].startswith("  mag")
    assert _selected(home) == [{"reader": "mag", "bindings": {}}, {"reader": None, "bindings": {}}]


@pytest.mark.usefixtures("with_readers")
def test_a_reader_is_bound_to_what_is_on_a_port(home: Path, ports: list[Found], cashier: Cashier) -> None:
    ports.append(Found("/dev/ttyACM3", 0x11CA, 0x0300, "V9"))
    ended = cashier("readers", "select", "chip", "--port", "/dev/ttyACM3")
    assert ended.code == 0
    assert "* chip  Chip reader, window 2  connected on /dev/ttyACM3" in ended.lines
    assert _selected(home) == [{"reader": "chip", "bindings": {"chip": "11ca:0300:V9"}}]


@pytest.mark.usefixtures("with_readers")
@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("lane",), "not set up"),
        (("chip", "--port", "/dev/ttyS9"), "nothing on /dev/ttyS9"),
        (("none", "--port", "/dev/ttyS9"), "not set up"),
    ],
)
def test_what_cannot_be_selected_is_refused(
    home: Path, ports: list[Found], cashier: Cashier, words: tuple[str, ...], why: str
) -> None:
    ended = cashier("readers", "select", *words)
    assert (ended.code, ended.out) == (2, b"")
    (fault,) = ended.err
    assert why in fault
    assert _selected(home) == []


@pytest.mark.usefixtures("with_readers")
def test_nothing_is_selected_while_the_window_is_open_or_in_training(
    home: Path, ports: list[Found], cashier: Cashier
) -> None:
    with open_journal(home / "data" / "cashier" / "journal.db"):
        held = cashier("readers", "select", "mag")
    training = cashier("--training", "readers", "select", "mag")
    assert (held.code, held.out, training.code, training.out) == (2, b"", 2, b"")
    assert "the first window" in held.err[0]
    assert "forgets its readers" in training.err[0]
    assert _selected(home) == []
