"""Ports and readers as the till knows them, with the emulated readers on pseudo-terminals."""

import asyncio
import sys

import pytest

from cashier.readers.asking import SerialProbe, plugged
from cashier.readers.discovery import PortInfo, UsbIds
from cashier.readers.families import FAMILIES
from cashier.readers.family import Family
from cashier.sandbox.readers import RunningReader
from cashier.sandbox.readers_faults import ReaderFault
from cashier.till.ports import Plugged, ReaderTold

from .conftest import RESOURCES

has_ptys = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")


def asked(device: str, family: str, *, baud: int | None = None) -> ReaderTold:
    return asyncio.run(SerialProbe().ask(device, family, baud, False))


def test_ports_come_with_what_their_ids_suggest() -> None:
    ids = UsbIds.load(RESOURCES / "usb_ids.toml")
    ports = (
        PortInfo("COM5", 0x11CA, 0x0300, "401-1", "1-2", "USB Serial Device (COM5)"),
        PortInfo("COM6", 0x0403, 0x6001, None, "1-3", "USB Serial Port (COM6)"),
        PortInfo("COM1", description="n/a"),
    )
    assert plugged(ports, ids) == (
        Plugged("COM5", "11ca:0300:401-1", "401-1", "Verifone P400, P200", "verifone_vipa"),
        Plugged("COM6", None, "", "USB Serial Port (COM6)", None),
        Plugged("COM1"),
    )


def test_every_family_can_be_asked_and_the_uncertain_ones_say_so() -> None:
    titles = SerialProbe().families()
    assert list(titles) == [family.name for family in FAMILIES]
    for family in FAMILIES:
        assert titles[family.name].endswith(" (experimental)") == family.experimental
        assert SerialProbe().announces(family.name) == family.announces
    assert any(family.announces for family in FAMILIES)
    assert SerialProbe().announces("no_family") == ""


@has_ptys
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_reader_says_what_it_is(family: Family) -> None:
    with RunningReader(family.name) as reader:
        told = asked(reader.port, family.name, baud=19_200)
    assert told.is_known and told.outcome.startswith("identified")
    assert told.model or told.serial


@has_ptys
def test_a_reader_that_sends_cards_unencrypted_is_known_for_it() -> None:
    with RunningReader("idtech_itp", fault=ReaderFault.CLEAR_TRACKS) as reader:
        told = asked(reader.port, "idtech_itp")
    assert (told.is_known, told.clear_tracks) == (True, True)


@has_ptys
@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (ReaderFault.SILENT, "not answering"),
        (ReaderFault.REFUSED, "answers but refused ("),
        (ReaderFault.BUSY, "busy (another program uses the port)"),
        (ReaderFault.GONE, "disconnected (the port is not there, or is no serial port)"),
    ],
)
def test_what_else_can_come_of_it_is_told_in_words(fault: ReaderFault, outcome: str) -> None:
    with RunningReader("idtech_neo", fault=fault) as reader:
        told = asked(reader.port, "idtech_neo")
    assert not told.is_known
    assert told.outcome.startswith(outcome)


def test_a_family_that_is_none_is_not_asked() -> None:
    assert asked("COM5", "no_family") == ReaderTold("'no_family' is not a family of readers", is_known=False)
