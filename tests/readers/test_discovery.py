"""Ports that come, go, move, flap and are swapped, by a fake lister and clock; and the table of USB ids."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from serial.tools import list_ports as tools

from cashier.readers.discovery import (
    STANDS_S,
    Change,
    PortDiff,
    PortInfo,
    PortWatcher,
    UsbIds,
    bound_to,
    list_ports,
)
from cashier.readers.families import family_named
from cashier.sandbox.readers_wire import TEST_PAN

from .conftest import RESOURCES

IPP = PortInfo("COM5", 0x0B00, 0x0060, "81234567", "1-2", "Ingenico iPP350")
MOVED = PortInfo("COM7", 0x0B00, 0x0060, "81234567", "1-3", "Ingenico iPP350")
OTHER = PortInfo("COM5", 0x0B00, 0x0060, "89999999", "1-2", "Ingenico iPP350")
PLAIN = PortInfo("/dev/ttyS0")
TWIN_1 = PortInfo("/dev/ttyUSB0", 0x0403, 0x6001, None, "1-1", "FT232R")
TWIN_2 = PortInfo("/dev/ttyUSB1", 0x0403, 0x6001, None, "1-2", "FT232R")


class Desk:
    """A watcher on a list of ports that the test changes, by a clock that it moves on."""

    def __init__(self, *ports: PortInfo) -> None:
        self.ports: Sequence[PortInfo] | Exception | None = ports
        self.seconds = 0.0
        self.changes: list[Change] = []
        self.watcher = PortWatcher(self.listed, self.changes.append, monotonic=lambda: self.seconds)

    def listed(self) -> Sequence[PortInfo] | None:
        if isinstance(self.ports, Exception):
            raise self.ports
        return self.ports

    def after(self, seconds: float, *ports: PortInfo) -> list[Change]:
        """What is told when the ports are these, then and `seconds` later."""
        self.changes.clear()
        self.ports = ports
        self.watcher.poll()
        self.seconds += seconds
        self.watcher.poll()
        return list(self.changes)


def desk_with(*ports: PortInfo) -> Desk:
    desk = Desk(*ports)
    desk.watcher.poll()
    return desk


def test_what_is_there_at_the_start_counts_at_once() -> None:
    desk = desk_with(PLAIN, IPP)
    assert desk.changes == [Change((PLAIN, IPP), (PLAIN, IPP), ())]


def test_plugged_in_and_pulled_out() -> None:
    desk = desk_with(PLAIN)
    assert desk.after(STANDS_S, PLAIN, IPP) == [Change((PLAIN, IPP), (IPP,), ())]
    assert desk.after(STANDS_S, PLAIN, IPP) == []
    assert desk.after(STANDS_S, PLAIN) == [Change((PLAIN,), (), (IPP,))]


def test_moved_to_another_port_it_is_the_same_reader() -> None:
    desk = desk_with(IPP)
    assert desk.after(STANDS_S, MOVED) == [Change((MOVED,), (MOVED,), (IPP,))]
    assert IPP.usb_id is not None and bound_to(IPP.usb_id, (PLAIN, MOVED)) == (MOVED,)


def test_another_reader_on_the_same_name_is_another() -> None:
    desk = desk_with(IPP)
    assert desk.after(STANDS_S, OTHER) == [Change((OTHER,), (OTHER,), (IPP,))]
    assert IPP.usb_id is not None and bound_to(IPP.usb_id, (OTHER,)) == ()


def test_a_flapping_port_is_told_of_once_it_stands_and_holds_no_other_back() -> None:
    desk = desk_with(PLAIN)
    for step in range(11):
        ports = (PLAIN, IPP) if step % 2 else (PLAIN,)
        assert desk.after(0.4, *ports) == []
    assert desk.after(0.9, PLAIN, IPP, TWIN_1) == []
    desk.changes.clear()
    desk.ports = (PLAIN, TWIN_1)
    desk.seconds += 0.2
    desk.watcher.poll()
    assert desk.changes == [Change((PLAIN, TWIN_1), (TWIN_1,), ())]
    assert desk.after(STANDS_S, PLAIN, TWIN_1, IPP)[-1].came == (IPP,)


def test_a_short_loss_is_none() -> None:
    desk = desk_with(IPP)
    assert desk.after(0.9) == []
    assert desk.after(5.0, IPP) == []


def test_two_identical_readers_are_two_ports_and_cannot_be_told_apart_by_id() -> None:
    desk = desk_with(TWIN_1, TWIN_2)
    assert desk.changes[0].ports == (TWIN_1, TWIN_2)
    assert TWIN_1.usb_id is None
    assert bound_to(TWIN_1.device, (TWIN_1, TWIN_2)) == (TWIN_1,)
    same = (IPP, MOVED)  # two that say the same serial number
    assert IPP.usb_id is not None and bound_to(IPP.usb_id, same) == same
    assert desk.after(STANDS_S, TWIN_2)[0].gone == (TWIN_1,)


def test_missing_is_nothing() -> None:
    assert bound_to("0b00:0060:81234567", (PLAIN, TWIN_1)) == ()


@pytest.mark.parametrize(
    "trouble", [None, TypeError("while unplugging"), OSError(5, "gone"), RuntimeError("odd")]
)
def test_when_the_ports_cannot_be_listed_the_list_before_stands(trouble: Exception | None) -> None:
    desk = desk_with(IPP)
    desk.changes.clear()
    desk.ports = trouble
    for _ in range(5):
        desk.seconds += 5
        desk.watcher.poll()
    assert desk.changes == []
    assert desk.after(STANDS_S)[0].gone == (IPP,)


@given(
    st.lists(
        st.lists(st.sampled_from([IPP, MOVED, OTHER, PLAIN, TWIN_1]), unique=True), min_size=1, max_size=20
    )
)
def test_the_changes_always_add_up(lists: list[list[PortInfo]]) -> None:
    diff, standing, now = PortDiff(), set[PortInfo](), 0.0
    for ports in [*lists, lists[-1], lists[-1]]:
        now += 0.7
        change = diff.update(ports, now)
        if change is not None:
            assert change.came or change.gone or not standing
            assert not standing & set(change.came) and set(change.gone) <= standing
            standing = (standing - set(change.gone)) | set(change.came)
            assert standing == set(change.ports) == set(diff.ports)
    assert standing == set(lists[-1])


def test_the_watcher_polls_by_itself() -> None:
    told = threading.Event()
    names: list[str] = []

    def tell(change: Change) -> None:
        names.extend(port.device for port in change.came)
        told.set()

    with PortWatcher(lambda: (IPP,), tell, poll_s=0.01):
        assert told.wait(10)
    assert names == ["COM5"]


# -- pyserial's own list


def listing(found: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> tuple[PortInfo, ...] | None:
    monkeypatch.setattr(tools, "comports", found)
    return list_ports()


def test_a_port_of_pyserial_becomes_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    usb = SimpleNamespace(
        device="COM5", vid=0x0B00, pid=0x57, serial_number="INST_0", location="1-1", description="USB VCOM"
    )
    plain = SimpleNamespace(
        device="COM1", vid=None, pid=None, serial_number=None, location=None, description="n/a"
    )
    ports = listing(lambda: [usb, plain], monkeypatch)
    assert ports == (PortInfo("COM1"), PortInfo("COM5", 0x0B00, 0x57, None, "1-1"))
    assert ports[1].usb_id is None  # INST_0 is no serial number


@pytest.mark.parametrize("number", [TEST_PAN, "4111-1111-1111-1111", f"SN{TEST_PAN}"])
def test_a_serial_number_that_may_be_a_card_number_is_none(
    number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    usb = SimpleNamespace(
        device="COM5", vid=0x0B00, pid=0x57, serial_number=number, location="1-1", description=number
    )
    ports = listing(lambda: [usb], monkeypatch)
    assert ports == (PortInfo("COM5", 0x0B00, 0x57, None, "1-1"),)
    assert ports[0].usb_id is None
    assert number not in repr(ports)


@pytest.mark.parametrize("error", [TypeError, OSError, AttributeError, RuntimeError])
def test_listing_never_raises(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def comports() -> object:
        raise error("while unplugging")

    assert listing(comports, monkeypatch) is None


def test_this_machine_can_be_listed() -> None:
    assert list_ports() is not None


# -- the table


@pytest.fixture(scope="module")
def ids() -> UsbIds:
    return UsbIds.load(RESOURCES / "usb_ids.toml")


@pytest.mark.parametrize(
    ("vid", "pid", "title", "line", "family"),
    [
        (0x0ACD, 0x2030, "ID TECH SecureHead, SecureMag as a keyboard", "keyboard", None),
        (0x0ACD, 0x26FA, "ID TECH SREDKey", "hid", None),
        (0x0ACD, 0x9999, "ID TECH", "unknown", "idtech_neo"),
        (0x0801, 0x0001, "MagTek swipe reader as a keyboard", "keyboard", None),
        (0x0B00, 0x0060, "Ingenico iPP350", "serial", "ingenico_rba"),
        (0x11CA, 0x0300, "Verifone P400, P200", "serial", "verifone_vipa"),
        (0x11CA, 0x0220, "Verifone Vx", "serial", "verifone_vipa"),
        (0x2FB8, 0x2116, "PAX A920", "serial", "pax_poslink"),
        (0x1234, 0x0101, "PAX", "serial", "pax_poslink"),
    ],
)
def test_what_a_usb_id_suggests(
    ids: UsbIds, vid: int, pid: int, title: str, line: str, family: str | None
) -> None:
    found = ids.suggestion(vid, pid)
    assert found is not None
    assert (found.title, found.line, found.family) == (title, line, family)


@pytest.mark.parametrize(
    ("vid", "pid"), [(0x1234, 0x0001), (0x9908, 1), (0x0403, 0x6001), (None, None), (0x0B00, None)]
)
def test_what_suggests_nothing(ids: UsbIds, vid: int | None, pid: int | None) -> None:
    assert ids.suggestion(vid, pid) is None


def test_every_family_in_the_table_is_one(ids: UsbIds) -> None:
    families = {suggestion.family for _, suggestion in ids._rows if suggestion.family is not None}
    assert len(families) >= 4
    assert all(family_named(name) is not None for name in families)


@pytest.mark.parametrize(
    "text",
    [
        'vid = "acd"\npid = "0001"\nmaker = "x"\nline = "hid"',
        'vid = "0acd"\npid = "0001"\nmaker = "x"\nline = "usb"',
    ],
)
def test_a_table_that_is_wrong_is_not_read(text: str, tmp_path: Path) -> None:
    file = tmp_path / "ids.toml"
    file.write_text(f"[[device]]\n{text}\n", encoding="utf-8")
    with pytest.raises(ValueError):
        UsbIds.load(file)
