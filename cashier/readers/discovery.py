"""Which serial ports there are, what comes and goes, and what a USB id suggests that a device is.

A port is the same only if device, USB ids, serial number and location all are: pyserial's own comparison is
by name, and a different reader on the same name would pass for the old one. What comes or goes is believed
after it stood for a while: terminals enumerate again and again while they boot.

Keyboard readers, HID readers and terminals that the gateway drives have no port and are never listed here.
"""

import contextlib
import re
import threading
import time
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cashier.domain.scrub import scrub_card_numbers

POLL_S = 1.5
STANDS_S = 1.0

#: What the driver of Windows makes of the instance path of an Ingenico: no serial number.
_NO_SERIAL = re.compile(r"INST_\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PortInfo:
    """A serial port. `vid` and `pid` are None for a port that is not on USB.

    A device can call itself anything: a serial number that may be a card number is taken for none.
    """

    device: str
    vid: int | None = None
    pid: int | None = None
    serial_number: str | None = None
    location: str | None = None
    description: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if self.serial_number and scrub_card_numbers(self.serial_number) != self.serial_number:
            object.__setattr__(self, "serial_number", None)
        object.__setattr__(self, "description", scrub_card_numbers(self.description))

    @property
    def usb_id(self) -> str | None:
        """`vid:pid:serial`, what a reader is bound by; None without a serial number."""
        if self.vid is None or self.pid is None or not self.serial_number:
            return None
        return f"{self.vid:04x}:{self.pid:04x}:{self.serial_number}"


#: The ports there are now, or None when the system could not tell.
Lister = Callable[[], Sequence[PortInfo] | None]


def list_ports() -> tuple[PortInfo, ...] | None:
    """This machine's serial ports, by name. None when they cannot be listed just now; raises nothing.

    pyserial raises all kinds of errors while a device is being unplugged (its issues 550 and 774).
    """
    try:
        from serial.tools import list_ports as tools

        return tuple(sorted((_port(found) for found in tools.comports()), key=lambda port: port.device))
    except Exception:  # noqa: BLE001 - whatever it is, the list before still stands
        return None


def _port(found: object) -> PortInfo:
    def text(name: str) -> str:
        return str(getattr(found, name, None) or "")

    def number(name: str) -> int | None:
        value = getattr(found, name, None)
        return value if isinstance(value, int) else None

    serial = text("serial_number")
    return PortInfo(
        device=text("device"),
        vid=number("vid"),
        pid=number("pid"),
        serial_number=None if not serial or _NO_SERIAL.fullmatch(serial) else serial,
        location=text("location") or None,
        description=text("description"),
    )


def bound_to(binding: str, ports: Sequence[PortInfo]) -> tuple[PortInfo, ...]:
    """The ports that a binding means: a `vid:pid:serial` wherever it is plugged in, else a device's name.

    None: it is missing. More than one: they cannot be told apart, and a person must choose.
    """
    return tuple(port for port in ports if binding in (port.usb_id, port.device))


# -- what comes and goes


@dataclass(frozen=True, slots=True)
class Change:
    """What stands now, and what is new in it and gone from it. A reader on another name is in both."""

    ports: tuple[PortInfo, ...]
    came: tuple[PortInfo, ...]
    gone: tuple[PortInfo, ...]


class PortDiff:
    """Lists in, changes out: pure. What comes or goes counts once it stood for STANDS_S."""

    def __init__(self) -> None:
        self._standing: dict[PortInfo, None] | None = None
        self._differs_since: dict[PortInfo, float] = {}

    @property
    def ports(self) -> tuple[PortInfo, ...]:
        """The ports that stand now."""
        return tuple(self._standing or ())

    def update(self, listed: Sequence[PortInfo] | None, now: float) -> Change | None:
        """What has changed with this list at `now`, in monotonic seconds. The first list counts at once."""
        if listed is None:
            return None
        seen = dict.fromkeys(listed)
        if self._standing is None:
            self._standing = seen
            return Change(self.ports, self.ports, ())
        differing = [port for port in (*self._standing, *seen) if (port in self._standing) != (port in seen)]
        self._differs_since = {port: self._differs_since.get(port, now) for port in differing}
        settled = [port for port, since in self._differs_since.items() if now - since >= STANDS_S]
        if not settled:
            return None
        came = tuple(port for port in settled if port in seen)
        gone = tuple(port for port in settled if port not in seen)
        standing = (*(port for port in self._standing if port not in gone), *came)
        self._standing = dict.fromkeys(sorted(standing, key=lambda port: port.device))
        for port in settled:
            del self._differs_since[port]
        return Change(self.ports, came, gone)


class PortWatcher:
    """Polls a lister in a thread: `with PortWatcher(list_ports, tell): ...`.

    `tell` gets every change, in the watcher's thread: hand it on to a loop. What a lister raises is taken for
    "cannot tell now".
    """

    def __init__(
        self,
        lister: Lister,
        tell: Callable[[Change], None],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        poll_s: float = POLL_S,
    ) -> None:
        self._lister, self._tell, self._now, self._poll_s = lister, tell, monotonic, poll_s
        self._diff = PortDiff()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ports", daemon=True)

    def poll(self) -> None:
        """Look once. The thread does so by itself."""
        listed: Sequence[PortInfo] | None = None
        with contextlib.suppress(Exception):
            listed = self._lister()
        change = self._diff.update(listed, self._now())
        if change is not None:
            self._tell(change)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End it. Does not wait for a lister that hangs."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            self.poll()
            self._stop.wait(self._poll_s)

    def __enter__(self) -> "PortWatcher":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


# -- what a USB id suggests


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a USB id suggests. `family` is None when no probe is known to suit."""

    maker: str
    model: str
    line: Literal["serial", "hid", "keyboard", "unknown"]
    family: str | None

    @property
    def title(self) -> str:
        """Maker and model."""
        return f"{self.maker} {self.model}".strip()


class UsbIds:
    """The table of USB ids, `resources/readers/usb_ids.toml`."""

    def __init__(self, rows: Sequence[tuple[re.Pattern[str], Suggestion]]) -> None:
        self._rows = tuple(rows)

    @classmethod
    def load(cls, file: Path) -> "UsbIds":
        """Read the table. Raises OSError, ValueError and KeyError for a table that is no table."""
        devices = tomllib.loads(file.read_text(encoding="utf-8"))["device"]
        return cls([_row(device) for device in devices])

    def suggestion(self, vid: int | None, pid: int | None) -> Suggestion | None:
        """What a device with these ids may be, or None."""
        if vid is None or pid is None:
            return None
        text = f"{vid:04x}:{pid:04x}"
        return next((suggestion for pattern, suggestion in self._rows if pattern.fullmatch(text)), None)


def _row(device: dict[str, str]) -> tuple[re.Pattern[str], Suggestion]:
    ids = f"{device['vid']}:{device['pid']}"
    line = device["line"]
    if not re.fullmatch(r"[0-9a-f]{4}:[0-9a-fx]{4}", ids):
        raise ValueError(f"{ids!r} is no pair of USB ids")
    if line not in ("serial", "hid", "keyboard", "unknown"):
        raise ValueError(f"{ids}: {line!r} is no line")
    pattern = re.compile(ids.replace("x", "[0-9a-f]"))
    return pattern, Suggestion(device["maker"], device.get("model", ""), line, device.get("family"))  # type: ignore[arg-type]
