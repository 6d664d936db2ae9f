"""Every family, probed on its emulator under each fault: the right outcome in time, nothing odd is sent."""

import errno
import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import serial

from cashier.readers.families import FAMILIES
from cashier.readers.family import Family, Identity, Line, Outcome, Step, identified
from cashier.readers.probe import TOTAL_S, Conversation, Probed, port_fault, probe
from cashier.sandbox.readers import RunningReader
from cashier.sandbox.readers_faults import ReaderFault, faults_of
from cashier.sandbox.readers_wire import TEST_PAN, WIRES

from .conftest import BY_NAME

#: What a probe ends with; where a fault is not listed the reader is identified all the same.
OUTCOMES = {
    ReaderFault.BAD_CHECKSUM: Outcome.NOT_ANSWERING,
    ReaderFault.SILENT: Outcome.NOT_ANSWERING,
    ReaderFault.ECHO_ONLY: Outcome.NOT_ANSWERING,
    ReaderFault.FLOOD: Outcome.NOT_ANSWERING,
    ReaderFault.CHAIN_UNFINISHED: Outcome.NOT_ANSWERING,
    ReaderFault.REFUSED: Outcome.REFUSED,
    ReaderFault.PAN_REFUSAL: Outcome.REFUSED,
    ReaderFault.NAK_ALWAYS: Outcome.REFUSED,
    ReaderFault.UNPLUGGED: Outcome.DISCONNECTED,
    ReaderFault.UNPLUGGED_MID_FRAME: Outcome.DISCONNECTED,
    ReaderFault.GONE: Outcome.DISCONNECTED,
    ReaderFault.BUSY: Outcome.BUSY,
}
#: Faults that change what the reader says it is.
OTHER_SERIAL = {
    ReaderFault.SERIAL_UNSET,
    ReaderFault.PAN_SERIAL,
    *(fault for fault in ReaderFault if fault.startswith("lrc-")),
}


def timed(family: Family, fault: ReaderFault | None) -> tuple[Probed, float, bytes, str]:
    """One probe of an emulator: outcome, seconds, what the emulator did not understand, every repr."""
    with RunningReader(family.name, fault=fault) as reader:
        began = time.monotonic()
        probed = probe(reader.port, family)
        took = time.monotonic() - began
    return probed, took, reader.unanswered, repr((probed, family))


@pytest.mark.parametrize("fault", [None, *ReaderFault], ids=lambda fault: fault or "none")
def test_every_family_under_each_fault(
    fault: ReaderFault | None, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    concerned = [family for family in FAMILIES if fault is None or fault in faults_of(family.name)]
    assert concerned
    with ThreadPoolExecutor(len(concerned)) as pool:
        results = list(pool.map(lambda family: timed(family, fault), concerned))
    for family, (probed, took, unanswered, told) in zip(concerned, results, strict=True):
        assert probed.outcome is OUTCOMES.get(fault, Outcome.IDENTIFIED), family.name  # type: ignore[arg-type]
        assert took < TOTAL_S + 0.2, family.name
        assert unanswered == b"", family.name
        assert TEST_PAN not in told
        assert (probed.identity is not None) == (probed.outcome is Outcome.IDENTIFIED)
        if probed.identity is not None:
            persona = WIRES[family.name].persona
            assert (probed.identity.family, probed.identity.model) in (
                (family.name, persona.model),
                (family.name, "" if fault is ReaderFault.PAN_SERIAL else persona.model),
            )
            if fault not in OTHER_SERIAL:
                assert probed.identity.serial == persona.serial
            assert probed.identity.clear_tracks is (
                None if family.name != "idtech_itp" else fault is ReaderFault.CLEAR_TRACKS
            )
    out, err = capfd.readouterr()
    assert TEST_PAN not in caplog.text + out + err


def test_each_fault_belongs_to_a_family() -> None:
    assert {fault for family in FAMILIES for fault in faults_of(family.name)} == set(ReaderFault)


@pytest.mark.parametrize("fault", [f for f in ReaderFault if f.startswith("lrc-")])
def test_a_reply_whose_lrc_is_a_control_byte_is_understood(fault: ReaderFault) -> None:
    with RunningReader("pax_poslink", fault=fault) as reader:
        probed = probe(reader.port, BY_NAME["pax_poslink"])
    assert probed.identity is not None
    assert probed.identity.serial.startswith("53011") and probed.identity.serial != "53011234"
    assert bytes.fromhex("06") in reader.received


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_reader_that_was_swapped_on_the_same_port_says_so(family: Family) -> None:
    with RunningReader(family.name, fault=ReaderFault.SWAPPED) as reader:
        first = probe(reader.port, family).identity
        assert reader.idle.wait(10)
        second = probe(reader.port, family).identity
    assert first is not None and second is not None and first != second


def test_a_reader_that_is_unset_or_clear() -> None:
    with RunningReader("idtech_neo", fault=ReaderFault.SERIAL_UNSET) as reader:
        unset = probe(reader.port, BY_NAME["idtech_neo"])
    assert (
        unset.identity is not None and unset.identity.serial == "" and unset.detail == "no serial number set"
    )
    with RunningReader("idtech_itp", fault=ReaderFault.CLEAR_TRACKS) as reader:
        clear = probe(reader.port, BY_NAME["idtech_itp"])
    assert "unencrypted" in clear.detail


def test_a_card_number_for_a_serial_number_is_none() -> None:
    for family in FAMILIES:
        with RunningReader(family.name, fault=ReaderFault.PAN_SERIAL) as reader:
            probed = probe(reader.port, family)
        assert probed.identity is not None
        kept = "" if family.name != "magtek_mms" else TEST_PAN[:7]  # it has room for seven digits, no more
        assert probed.identity.serial == kept


def test_the_port_is_free_again_after_every_probe() -> None:
    with RunningReader("idtech_neo") as reader:
        for _ in range(3):
            assert probe(reader.port, BY_NAME["idtech_neo"]).outcome is Outcome.IDENTIFIED
            serial.Serial(reader.port, exclusive=True).close()


def test_settings_that_a_pty_takes_open_the_port() -> None:
    with RunningReader("siso_pinpad", fault=ReaderFault.PARITY) as reader:
        for line in (
            Line(1_200, 7, "E"),
            Line(9_600, 8, "O", rtscts=True),
            Line(115_200, dtr=False, rts=False),
        ):
            assert probe(reader.port, BY_NAME["siso_pinpad"], line=line).outcome is Outcome.IDENTIFIED


# -- ports that misbehave by themselves


class FakeClock:
    """Seconds that a test, or a port that waits, moves on."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class FakePort:
    """A port on which `comes` arrives, a piece a read; then silence, or `dies`."""

    def __init__(
        self, clock: FakeClock, comes: tuple[bytes, ...] = (), dies: Exception | None = None
    ) -> None:
        self.clock, self._comes, self._dies = clock, deque(comes), dies
        self._in = b""
        self.written: list[bytes] = []
        self.closed = False

    @property
    def in_waiting(self) -> int:
        return len(self._in)

    def read(self, size: int = 1) -> bytes:
        if not self._in and self._comes:
            self._in = self._comes.popleft()
        if not self._in:
            if self._dies is not None:
                raise self._dies
            self.clock.seconds += 0.05
        data, self._in = self._in[:size], self._in[size:]
        return data

    def write(self, data: bytes) -> int:
        self.written.append(data)
        return len(data)

    def close(self) -> None:
        self.closed = True


def termios_error() -> Exception:
    import termios

    return termios.error(5, "Input/output error")


@pytest.mark.parametrize(
    "dies",
    [
        serial.SerialException(f"returned no data {TEST_PAN}"),
        OSError(errno.EIO, "Input/output error"),
        TypeError("'NoneType' object cannot be interpreted as an integer"),
        ValueError("negative"),
        termios_error(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_a_dead_port_raises_is_disconnected(dies: Exception) -> None:
    port = FakePort(FakeClock(), (b"%B" + TEST_PAN.encode(),), dies)
    probed = probe("COM5", BY_NAME["idtech_neo"], opener=lambda *_: port, monotonic=port.clock)
    assert probed.outcome is Outcome.DISCONNECTED
    assert port.closed
    assert TEST_PAN not in repr(probed)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (serial.SerialException(errno.EAGAIN, "Could not exclusively lock port"), Outcome.BUSY),
        (serial.SerialException(errno.EBUSY, "busy"), Outcome.BUSY),
        (serial.SerialException(errno.EACCES, "no"), Outcome.BUSY),
        (
            serial.SerialException("could not open port 'COM5': PermissionError(13, 'Access is denied.')"),
            Outcome.BUSY,
        ),
        (
            serial.SerialException("could not open port 'COM5': FileNotFoundError(2, 'No.')"),
            Outcome.DISCONNECTED,
        ),
        (serial.SerialException(errno.ENOENT, "gone"), Outcome.DISCONNECTED),
        (OSError(errno.ENXIO, "gone"), Outcome.DISCONNECTED),
        (ValueError("Not a valid port"), Outcome.DISCONNECTED),
    ],
)
def test_a_port_that_does_not_open(error: Exception, outcome: Outcome) -> None:
    def opener(_device: str, _line: Line) -> FakePort:
        raise error

    assert probe("COM5", BY_NAME["pax_poslink"], opener=opener).outcome is outcome


def test_a_port_that_is_not_there_or_no_port(tmp_path: Path) -> None:
    for device in ("/dev/ttyNOBODY9", str(tmp_path), "/dev/null"):
        assert probe(device, BY_NAME["idtech_neo"]).outcome is Outcome.DISCONNECTED


@contextmanager
def slowly_opened(port: FakePort) -> Iterator[tuple[threading.Event, threading.Event]]:
    """What lets the port open, and what says that it was closed."""
    may_open, was_closed = threading.Event(), threading.Event()
    close = port.close

    def closing() -> None:
        close()
        was_closed.set()

    port.close = closing  # type: ignore[method-assign]
    try:
        yield may_open, was_closed
    finally:
        may_open.set()


def test_a_port_that_opens_too_slowly_is_closed_and_gets_nothing() -> None:
    port = FakePort(FakeClock())
    with slowly_opened(port) as (may_open, was_closed):

        def opener(_device: str, _line: Line) -> FakePort:
            may_open.wait()
            return port

        began = time.monotonic()
        probed = probe("COM5", BY_NAME["verifone_vipa"], opener=opener)
        assert time.monotonic() - began < TOTAL_S + 0.2
        assert (probed.outcome, probed.identity) == (Outcome.NOT_ANSWERING, None)
        may_open.set()
        assert was_closed.wait(10)
    assert port.written == []


def test_a_probe_that_is_stopped_sends_nothing_more() -> None:
    stop, port = threading.Event(), FakePort(FakeClock())
    stop.set()
    probed = probe("COM5", BY_NAME["idtech_neo"], opener=lambda *_: port, stop=stop, monotonic=port.clock)
    assert probed.outcome is Outcome.NOT_ANSWERING
    assert port.written == [] and port.closed


def test_when_the_time_is_over_nothing_more_is_sent_and_what_is_known_is_told() -> None:
    family, clock = BY_NAME["idtech_itp"], FakeClock()
    serial_reply = bytes.fromhex("06024E0A5431323334353637383903 20".replace(" ", ""))

    class Slow(FakePort):
        def write(self, data: bytes) -> int:
            if data == bytes.fromhex("02524E031D"):
                self._comes.append(serial_reply)
            clock.seconds += 1.4
            return super().write(data)

    port = Slow(clock)
    probed = Conversation(family, clock, threading.Event()).on(port)
    assert probed.identity == Identity("idtech_itp", serial="T123456789")
    assert len(port.written) == 2


def test_only_a_familys_commands_are_written() -> None:
    def script():  # type: ignore[no-untyped-def]
        yield Step(b"\x01\x00\x04\xd0\x00\x01\x00\xd4")  # the reboot
        return identified(Identity("x"))

    family, port = replace(BY_NAME["verifone_vipa"], script=script), FakePort(FakeClock())
    with pytest.raises(AssertionError):
        Conversation(family, port.clock, threading.Event()).on(port)
    assert port.written == []


@pytest.mark.parametrize(
    ("device", "ok"),
    [
        ("COM5", True),
        ("/dev/ttyUSB0", True),
        ("socket://10.0.0.5:4001", True),
        ("rfc2217://box:4001", True),
        ("rfc2217://box:4001?logging=debug", False),
        ("spy:///dev/ttyUSB0", False),
        ("loop://", False),
        ("hwgrep://.*", False),
        ("", False),
        ("COM5\n", False),
        (TEST_PAN, False),
        ("x" * 201, False),
    ],
)
def test_what_may_be_typed_in_as_a_port(device: str, ok: bool) -> None:
    fault = port_fault(device)
    assert (fault is None) == ok
    if not ok:
        assert probe(device, BY_NAME["idtech_neo"]) == Probed(Outcome.DISCONNECTED, detail=fault or "")
        assert TEST_PAN not in (fault or "")


def test_a_reader_behind_a_network_box() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def serve() -> None:
            line, _ = server.accept()
            with line:
                line.settimeout(10)
                if line.recv(100):
                    line.sendall(WIRES["verifone_vipa"]().reply("reset", b"", WIRES["verifone_vipa"].persona))
                while line.recv(100):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        probed = probe(f"socket://127.0.0.1:{port}", BY_NAME["verifone_vipa"])
        thread.join(10)
    assert probed.identity == Identity("verifone_vipa", model="P400", serial="275301234")


def test_probes_leave_no_thread_and_no_file_open() -> None:
    files = Path("/proc/self/fd")
    before = len(list(files.iterdir()))
    with RunningReader("idtech_neo") as reader:
        for _ in range(5):
            probe(reader.port, BY_NAME["idtech_neo"])
    for thread in threading.enumerate():
        if thread.name == "probe":
            thread.join(10)
            assert not thread.is_alive()
    assert len(list(files.iterdir())) == before
