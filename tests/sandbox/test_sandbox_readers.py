"""The emulated readers say what is documented of real ones: held against the golden frames, byte for byte."""

import json
import os
import select
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cashier.sandbox.readers import RunningReader
from cashier.sandbox.readers_faults import ReaderFault, faults_of
from cashier.sandbox.readers_wire import TEST_PAN, WIRES, crc16, lrc

FRAMES = {
    (row["family"], row["name"]): bytes.fromhex(row["hex"])
    for row in json.loads(
        (Path(__file__).parents[2] / "resources/readers/frames.json").read_text(encoding="utf-8")
    )
}
WAIT_S = 10


@contextmanager
def opened(reader: RunningReader) -> Iterator[int]:
    """The port, opened as by any program."""
    port = os.open(reader.port, os.O_RDWR | os.O_NOCTTY)
    try:
        tty.setraw(port)
        yield port
    finally:
        os.close(port)


def said(port: int, size: int) -> bytes:
    """Exactly `size` bytes of what is said."""
    data = b""
    while len(data) < size:
        ready, _, _ = select.select([port], [], [], WAIT_S)
        assert ready, f"only {data!r} was said"
        data += os.read(port, size - len(data))
    return data


@pytest.mark.parametrize(
    ("family", "serial", "request_", "reply"),
    [
        ("idtech_neo", None, "get_firmware_req", "get_firmware_rsp"),
        ("idtech_itp", None, "review_serial_req", "review_serial_rsp"),
        ("idtech_nga", None, "get_model_req", "get_model_rsp"),
        ("magtek_mms", None, "get_serial_req", "get_serial_rsp"),
    ],
)
def test_replies_are_the_golden_ones(family: str, serial: str | None, request_: str, reply: str) -> None:
    golden = {"magtek_mms": "magtek_mms_slip"}.get(family, family)
    with RunningReader(family, serial) as reader, opened(reader) as port:
        os.write(port, FRAMES[golden, request_])
        wanted = FRAMES[golden, reply]
        assert said(port, len(wanted)) == wanted


def test_a_vipa_reply_begins_as_the_golden_one_and_a_chain_is_the_golden_chain() -> None:
    wanted = FRAMES["verifone_vipa", "reset_device_rsp_chained"]
    with RunningReader("verifone_vipa", fault=ReaderFault.CHAINED) as reader, opened(reader) as port:
        os.write(port, FRAMES["verifone_vipa", "reset_device_serial_req"])
        assert said(port, len(wanted)) == wanted


def test_a_terminal_acknowledges_and_ends_with_eot() -> None:
    request = FRAMES["siso_pinpad", "get_serial_req"]
    wanted = FRAMES["siso_pinpad", "get_serial_rsp_uic_unset"]
    with RunningReader("siso_pinpad", fault=ReaderFault.SERIAL_UNSET) as reader, opened(reader) as port:
        os.write(port, request)
        assert said(port, 1 + len(wanted)) == b"\x06" + wanted
        os.write(port, b"\x15")
        assert said(port, len(wanted)) == wanted  # again, after a NAK
        os.write(port, b"\x06")
        assert said(port, 1) == b"\x04"
    assert reader.received == request + b"\x15\x06"


def test_the_checksums_are_those_of_the_golden_frames() -> None:
    ping = FRAMES["idtech_neo", "get_serial_req"]
    assert crc16(ping[:-2]) == ping[:-3:-1]
    answer = FRAMES["idtech_neo", "light_sensor_rsp"]
    assert crc16(answer[:-2]) == answer[-2:]
    pax = FRAMES["pax_poslink", "cancel_req"]
    assert lrc(pax[1:-1]) == pax[-1:]


def test_what_it_does_not_know_is_noted() -> None:
    with RunningReader("idtech_neo") as reader, opened(reader) as port:
        os.write(port, b"?" * 64)
        os.write(port, FRAMES["idtech_neo", "get_firmware_req"])
        said(port, 5)
    assert reader.unexpected == b"?" * 64


def test_unplugging_ends_the_port() -> None:
    with RunningReader("idtech_neo") as reader, opened(reader) as port:
        reader.unplug()
        assert reader.wait(WAIT_S)
        with pytest.raises((OSError, termios.error)):
            termios.tcflush(port, termios.TCIOFLUSH)
            if os.read(port, 1) == b"":
                raise OSError("end of file")


@pytest.mark.parametrize("family", WIRES)
def test_every_family_has_its_card_number_canaries(family: str) -> None:
    assert {ReaderFault.PAN_BURST, ReaderFault.PAN_FRAME, ReaderFault.PAN_SERIAL} <= set(faults_of(family))
    assert TEST_PAN.encode() in WIRES[family]().unsolicited(TEST_PAN.encode())


@pytest.mark.parametrize(
    ("family", "serial", "fault"),
    [
        ("nobody", None, None),
        ("magtek_mms", "XYZ", None),
        ("pax_poslink", "ab\x1ccd", None),
        ("idtech_neo", None, ReaderFault.NAK_ONCE),
    ],
)
def test_what_there_is_not_is_refused(family: str, serial: str | None, fault: ReaderFault | None) -> None:
    with pytest.raises(ValueError):
        RunningReader(family, serial, fault)
