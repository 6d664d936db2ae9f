"""A card number in every direction: afterwards it is in no object of ours, no counter, no log, no error."""

import gc
import logging

import pytest

from cashier.readers.families import FAMILIES
from cashier.readers.family import Family, Outcome
from cashier.readers.probe import probe
from cashier.sandbox.readers import RunningReader
from cashier.sandbox.readers_faults import ReaderFault, faults_of
from cashier.sandbox.readers_wire import TEST_PAN, TRACKS

from .conftest import RESOURCES

FAULTS = [fault for fault in ReaderFault if fault.startswith("pan-")]


def our_reprs() -> str:
    """The repr of every living object of the readers' room."""
    ours = (thing for thing in gc.get_objects() if str(type(thing).__module__).startswith("cashier.readers"))
    return "\n".join(repr(thing) for thing in ours)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_no_card_number_is_anywhere_after_a_probe(
    family: Family, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    kept = []
    for fault in FAULTS:
        if fault in faults_of(family.name):
            with RunningReader(family.name, fault=fault) as reader:
                kept.append(probe(reader.port, family))
    assert len(kept) >= 3
    for probed in kept:
        assert probed.outcome in (Outcome.IDENTIFIED, Outcome.REFUSED)
        assert TEST_PAN not in f"{probed}{probed.detail}{probed.junk}{probed.bad}{probed.identity}"
    out, err = capfd.readouterr()
    assert TEST_PAN not in our_reprs() + caplog.text + out + err


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_codec_keeps_nothing_of_a_swipe(family: Family) -> None:
    codec = family.codec()
    codec.feed(TRACKS * 50)
    codec.gap()
    assert codec.held == 0
    assert TEST_PAN.encode() not in b"".join(
        value for value in vars(codec).values() if isinstance(value, bytearray)
    )
    assert TEST_PAN not in repr(codec)


def test_the_canary_is_the_golden_one(golden: dict[str, bytes]) -> None:
    assert golden["msr_wedge-track1_and_2_cr"] == TRACKS
    assert (RESOURCES / "usb_ids.toml").exists()
