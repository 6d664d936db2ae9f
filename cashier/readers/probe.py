"""Asking the reader on a serial port what it is: on a person's request only, and never during a payment.

A thread of its own opens the port exclusively, runs the family's script on it and closes it. The answer is
there within TOTAL_S, whatever the port does; a port that takes longer to open is closed by the thread as
soon as it lets go, and nothing is sent to it. Nothing but the family's commands is ever written.

`probe` raises nothing and logs nothing: what a dead port raises (SerialException, OSError, termios.error,
TypeError, ValueError) is caught in one place, and its text, which may quote what came, goes no further.
"""

import errno
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from cashier.readers.family import (
    Answer,
    Family,
    Heard,
    Identity,
    Line,
    Outcome,
    Script,
    Step,
    clean,
)
from cashier.readers.framing import Frame

#: From the request to the answer, in seconds; and for the conversation, which leaves time to close.
TOTAL_S = 3.0
TALK_S = 2.6
READ_S = 0.05
WRITE_S = 0.5
#: While a frame is coming in byte by byte, a step lasts this much longer than its last byte.
GRACE_S = 0.25
#: Bytes taken at once. A flood is taken in pieces, so that the time is looked at.
READ_MAX = 4096

#: What a port's address may begin with besides a device's name: a reader behind a network box. Other URLs of
#: pyserial copy the traffic, or are no reader.
URLS = ("socket://", "rfc2217://")


class Port(Protocol):
    """What is needed of an open serial port. `read` waits up to READ_S."""

    @property
    def in_waiting(self) -> int: ...
    def read(self, size: int = 1, /) -> bytes: ...
    def write(self, data: bytes, /) -> int | None: ...
    def close(self) -> None: ...


Opener = Callable[[str, Line], Port]


@dataclass(frozen=True, slots=True)
class Probed:
    """What came of a probe. `detail` is for a person; the counters are of bytes and frames passed over."""

    outcome: Outcome
    identity: Identity | None = None
    detail: str = ""
    junk: int = 0
    bad: int = 0


def port_fault(device: str) -> str | None:
    """Why a text typed in by hand is no port that may be opened, or None if it may be tried."""
    if not device.isprintable() or not clean(device.encode()) or len(device) > 200:
        return "A port has a name, such as COM5 or /dev/ttyUSB0."
    if "://" in device and (not device.startswith(URLS) or "?" in device or "#" in device):
        return "Of addresses, only socket://host:port and rfc2217://host:port can be used."
    return None


def open_port(device: str, line: Line) -> Port:
    """Open a port exclusively. Raises one of `port_errors()`."""
    import serial

    port: Any = serial.serial_for_url(device, do_not_open=True, exclusive=True, timeout=READ_S)
    port.baudrate, port.bytesize, port.parity, port.rtscts = line.baud, line.bits, line.parity, line.rtscts
    port.write_timeout = WRITE_S
    port.dtr, port.rts = line.dtr, line.rts  # before it is open: some pads reset when DTR is raised
    port.open()
    return port  # type: ignore[no-any-return]


def port_errors() -> tuple[type[Exception], ...]:
    """Everything that a dead port is known to raise."""
    import serial

    errors: list[type[Exception]] = [serial.SerialException, OSError, TypeError, ValueError]
    if sys.platform != "win32":
        import termios

        errors.append(termios.error)
    return tuple(errors)


def probe(
    device: str,
    family: Family,
    *,
    line: Line | None = None,
    opener: Opener = open_port,
    monotonic: Callable[[], float] = time.monotonic,
    stop: threading.Event | None = None,
) -> Probed:
    """Ask the reader on `device` what it is. Blocks for at most TOTAL_S seconds; raises nothing.

    `line` takes the place of the family's own settings. When `stop` is set the port is closed at once, and
    the answer is NOT_ANSWERING.
    """
    fault = port_fault(device)
    if fault is not None:
        return Probed(Outcome.DISCONNECTED, detail=fault)
    talk = Conversation(family, monotonic, stop or threading.Event())
    answers: queue.SimpleQueue[Probed] = queue.SimpleQueue()

    def work() -> None:
        answers.put(_on_port(device, line or family.line, opener, talk))

    threading.Thread(target=work, name="probe", daemon=True).start()
    try:
        return answers.get(timeout=TOTAL_S)
    except queue.Empty:
        talk.stop.set()
        return Probed(Outcome.NOT_ANSWERING, detail="the port takes too long to open or to close")


def _on_port(device: str, line: Line, opener: Opener, talk: "Conversation") -> Probed:
    """The thread's work: open, talk, close. The one place where a port's errors are caught."""
    errors = port_errors()
    try:
        port = opener(device, line)
    except errors as error:
        return _not_opened(error)
    try:
        probed = talk.on(port)
    except errors:
        probed = talk.probed(Answer(Outcome.DISCONNECTED, None, "the port went away"))
    try:
        port.close()
    except errors:
        return probed if probed.outcome is Outcome.IDENTIFIED else _replace_gone(probed)
    return probed


def _replace_gone(probed: Probed) -> Probed:
    return Probed(Outcome.DISCONNECTED, None, "the port went away", probed.junk, probed.bad)


def _not_opened(error: Exception) -> Probed:
    """What an error of opening means. Windows tells it in words only."""
    number = getattr(error, "errno", None)
    words = str(error)
    if number in (errno.EAGAIN, errno.EBUSY) or (number is None and "PermissionError" in words):
        return Probed(Outcome.BUSY, detail="another program uses the port")
    if number in (errno.EACCES, errno.EPERM):
        return Probed(Outcome.BUSY, detail="this user may not open the port")
    return Probed(Outcome.DISCONNECTED, detail="the port is not there, or is no serial port")


class Conversation:
    """The script's steps on an open port, within the time there is from its making."""

    def __init__(self, family: Family, monotonic: Callable[[], float], stop: threading.Event) -> None:
        self._family, self._now, self.stop = family, monotonic, stop
        self._codec = family.codec()
        self._until = monotonic() + TALK_S
        self._heard: deque[Frame | Heard] = deque()
        self._sent = b""
        self._last_byte = monotonic()

    def on(self, port: Port) -> Probed:
        """Run the script. Raises what the port raises."""
        script: Script = self._family.script()
        heard: Frame | Heard | None = None
        step_until = self._now()
        while True:
            try:
                step = next(script) if heard is None else script.send(heard)
            except StopIteration as end:
                return self.probed(end.value)
            if step.command and not self._over():
                self._write(port, step)
            if step.command:
                step_until = self._now() + step.wait_s
            heard = self._listen(port, step_until)

    def probed(self, answer: Answer) -> Probed:
        """The answer, with the counters."""
        junk, bad, detail = self._codec.junk, self._codec.bad, answer.detail
        if answer.outcome is Outcome.NOT_ANSWERING and not detail and (junk or bad):
            detail = "something comes, but nothing that this family says"
        return Probed(answer.outcome, answer.identity, detail, junk, bad)

    def _over(self) -> bool:
        return self.stop.is_set() or self._now() >= self._until

    def _write(self, port: Port, step: Step) -> None:
        if step.command not in self._family.commands:
            raise AssertionError(f"{self._family.name}: not a command of this family")
        if len(step.command) > 1:
            self._heard.clear()  # what is left of the answer to the question before
        self._sent = step.command
        port.write(step.command)

    def _listen(self, port: Port, step_until: float) -> Frame | Heard:
        """The next thing that is heard. When all time is over that is silence, at once."""
        while not self._heard:
            now = self._now()
            coming = self._codec.held and now < self._last_byte + GRACE_S
            if self._over() or (now >= step_until and not coming):
                return Heard.SILENCE
            self._read(port)
        return self._heard.popleft()

    def _read(self, port: Port) -> None:
        """Take what came in. A larger read would lose what it had when the port dies."""
        bad = self._codec.bad
        data = port.read(1)
        if data:
            data += port.read(min(port.in_waiting, READ_MAX))
            self._last_byte = self._now()
            frames = self._codec.feed(data)
        elif self._now() >= self._last_byte + self._family.gap_s:
            frames = self._codec.gap()
        else:
            return
        # A line may echo: what is exactly what was sent last says nothing.
        self._heard += [frame for frame in frames if frame.raw != self._sent]
        if self._codec.bad > bad and not any(frame.body for frame in frames):
            self._heard.append(Heard.DAMAGE)
