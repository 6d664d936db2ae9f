"""Emulated card readers on a pseudo-terminal, for training and tests: each family, each fault.

A reader is a thread that answers the family's requests as a real one would, or as its fault has it.
Everything that is sent to it is kept in `received`; what is no request that it knows goes to `unexpected`,
too.

A pseudo-terminal has no baud rate, no parity errors and no modem lines, and there is none on Windows.
"""

import errno
import os
import re
import select
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType

from cashier.sandbox.readers_faults import LRCS, ReaderFault, faults_of
from cashier.sandbox.readers_wire import (
    ACK,
    EOT,
    NAK,
    TEST_PAN,
    TRACKS,
    WIRES,
    IdtechItpClear,
    VerifoneVipa,
    serial_for_lrc,
)

THREAD_TIMEOUT_S = 10
TRICKLE_S = 0.02
BOOT_TEXT = b"Booting...\r\nNEO 2.0 v1.00\r\nViVOte"


def run(
    family: str,
    serial: str | None,
    fault: str | None,
    announce: Callable[[str], object],
    *,
    exit_with_parent: bool = False,
) -> None:
    """Emulate a reader until it is unplugged by its fault, a signal, or (with `exit_with_parent`) end of
    input.

    `announce` gets the port. Raises ValueError as `RunningReader`, and OSError where there is no
    pseudo-terminal.
    """
    if fault is not None and fault not in list(ReaderFault):
        raise ValueError(f"there is no fault {fault!r}; there are: {', '.join(ReaderFault)}")
    try:
        import pty  # noqa: F401
    except ImportError:
        raise OSError(errno.ENOSYS, "this system has no pseudo-terminals") from None
    with RunningReader(family, serial, ReaderFault(fault) if fault else None) as reader:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: reader.unplug())
        if exit_with_parent:
            threading.Thread(target=_unplug_at_eof, args=(sys.stdin.fileno(), reader), daemon=True).start()
        announce(reader.port)
        reader.wait()


def _unplug_at_eof(fd: int, reader: "RunningReader") -> None:
    # os.read, not sys.stdin: a daemon thread inside a buffered read aborts the interpreter's exit.
    while os.read(fd, 4096):
        pass
    reader.unplug()


class RunningReader:
    """An emulated reader: `with RunningReader("idtech_neo") as reader: probe(reader.port)`.

    `port` is its device. Each time that the port is opened counts as a session; a fault that strikes "once"
    strikes once a session. Raises ValueError for a family, serial number or fault that it does not have.
    """

    def __init__(self, family: str, serial: str | None = None, fault: ReaderFault | None = None) -> None:
        if family not in WIRES:
            raise ValueError(f"there is no reader of family {family!r}")
        if fault is not None and fault not in faults_of(family):
            raise ValueError(f"a reader of family {family} cannot have the fault {fault}")
        self._wire = IdtechItpClear() if fault is ReaderFault.CLEAR_TRACKS else WIRES[family]()
        self._who = self._wire.persona
        if serial is not None:
            ok = r"[0-9A-Fa-f]{7}" if family == "magtek_mms" else r"[0-9A-Za-z \-]{3,15}"
            if not re.fullmatch(ok, serial):
                raise ValueError(f"a serial number of family {family} has the form {ok}")
            self._who = replace(self._who, serial=serial)
        if fault is ReaderFault.PAN_SERIAL:
            self._who = replace(self._who, serial=TEST_PAN[:7] if family == "magtek_mms" else TEST_PAN)
        self.family, self.fault = family, fault
        self.received, self.unexpected = bytearray(), bytearray()
        self.port, self.sessions = "", 0
        self.idle = threading.Event()  # nobody has the port open
        self._stop = threading.Event()

    def __enter__(self) -> "RunningReader":
        import fcntl
        import pty
        import termios
        import tty

        self._master, self._slave = pty.openpty()
        self._wake_read, self._wake_write = os.pipe()
        self.port = os.ttyname(self._slave)
        for end in (self._master, self._slave):
            tty.setraw(end)
        self._settings = termios.tcgetattr(self._master)
        os.set_blocking(self._master, False)
        if self.fault is ReaderFault.BUSY:
            fcntl.flock(self._slave, fcntl.LOCK_EX)  # held by "another program" until the reader ends
        else:
            os.close(self._slave)
        if self.fault is ReaderFault.GONE:
            self.port += ".gone"  # the number itself is the next one's as soon as it is given back
        self._thread = threading.Thread(target=self._run, name=f"reader {self.family}", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unplug()
        self._thread.join(THREAD_TIMEOUT_S)
        if self._thread.is_alive():
            raise RuntimeError("the emulated reader did not stop")
        os.close(self._wake_read)
        os.close(self._wake_write)
        if self.fault is ReaderFault.BUSY:
            os.close(self._slave)

    def unplug(self) -> None:
        """Pull the cable. May be called twice."""
        self._stop.set()
        os.write(self._wake_write, b".")

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the reader is unplugged; whether it is."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    # -- the line

    def _run(self) -> None:
        try:
            self._new_session()
            self.sessions = 0
            open_now = False
            while not self._stop.is_set():
                data = self._read()
                if data is None:
                    if open_now or not self.idle.is_set():
                        self._reset_settings()
                    open_now = False
                    self.idle.set()
                    self._stop.wait(0.005)  # nobody has the port open
                    continue
                if not open_now:
                    open_now = True
                    self.idle.clear()
                    self._new_session()
                self.received += data
                self._buffer += data
                self._answer_all()
        finally:
            os.close(self._master)

    def _new_session(self) -> None:
        self.sessions += 1
        self._buffer = bytearray()
        self._asked = 0
        self._unacked: list[bytes] = []
        self._repeated = False

    def _read(self) -> bytes | None:
        """What came; None while nobody has the port open."""
        ready, _, _ = select.select([self._master, self._wake_read], [], [])
        if self._wake_read in ready:
            self._stop.set()
            return b""
        try:
            return os.read(self._master, 4096)
        except OSError as error:
            if error.errno in (errno.EIO, errno.EAGAIN):
                return None
            raise

    def _say(self, data: bytes) -> None:
        """Write, as fast as it is read; what nobody reads any more is dropped."""
        poll = select.poll()
        poll.register(self._master, select.POLLOUT)
        poll.register(self._wake_read, select.POLLIN)
        while data and not self._stop.is_set():
            for place, what in poll.poll():
                if place == self._wake_read:
                    self._stop.set()
                elif what & select.POLLHUP:
                    return
                elif what & select.POLLOUT:
                    data = data[os.write(self._master, data) :]

    # -- the conversation

    def _answer_all(self) -> None:
        """Answer every whole request that has come, and every control byte."""
        while self._buffer and not self._stop.is_set():
            if self._wire.acks and self._buffer[:1] in (ACK, NAK, EOT):
                self._control(bytes(self._buffer[:1]))
                del self._buffer[:1]
                continue
            searched = ((known.search(self._buffer), name) for name, known in self._wire.requests.items())
            found = min(
                ((match.start(), match.group(), name) for match, name in searched if match), default=None
            )
            if found is None:
                if len(self._buffer) >= 64:
                    self.unexpected += self._buffer
                    self._buffer.clear()
                return
            start, request, name = found
            self.unexpected += self._buffer[:start]
            del self._buffer[: start + len(request)]
            self._asked += 1
            self._answer(name, request)

    @property
    def unanswered(self) -> bytes:
        """What came and is no request so far."""
        rest = bytes(self._buffer)
        return bytes(self.unexpected) + (rest.strip(ACK + NAK + EOT) if self._wire.acks else rest)

    def _control(self, byte: bytes) -> None:
        if byte == NAK and self._unacked:
            self._say(self._unacked[0])
        elif byte == ACK and self._unacked:
            if self.fault is ReaderFault.REPEATS and not self._repeated:
                self._repeated = True
                self._say(self._unacked[0])  # as if the ACK had been lost
                return
            self._unacked.pop(0)
            if not self._unacked and self.fault is not ReaderFault.EOT_MISSING:
                self._say(EOT)

    def _answer(self, name: str, request: bytes) -> None:
        fault, first = self.fault, self._asked == 1
        if fault in (ReaderFault.ECHO, ReaderFault.ECHO_ONLY):
            self._say(request)
        if fault in (ReaderFault.SILENT, ReaderFault.ECHO_ONLY) or (
            first and fault is ReaderFault.SILENT_ONCE
        ):
            return
        if fault is ReaderFault.UNPLUGGED:
            self._stop.set()
            return
        if fault is ReaderFault.FLOOD:
            while not self._stop.is_set() and self._still_open():
                self._say(b"U" * 4096)
                self._stop.wait(0.002)
            return
        if fault is ReaderFault.NAK_ALWAYS or (first and fault is ReaderFault.NAK_ONCE):
            self._say(NAK)
            return
        if fault in (ReaderFault.REFUSED, ReaderFault.PAN_REFUSAL):
            text = TEST_PAN.encode() if fault is ReaderFault.PAN_REFUSAL else b""
            refusal = self._wire.refusal(request, text)
            self._say(ACK + refusal if self._wire.acks and len(refusal) > 1 else refusal)
            return
        self._say_reply(self._reply(name, request), first)

    def _still_open(self) -> bool:
        poll = select.poll()
        poll.register(self._master, 0)
        return not any(what & select.POLLHUP for _, what in poll.poll(0))

    def _reply(self, name: str, request: bytes) -> bytes:
        """The reply's frame, as the fault has it."""
        who, fault = self._who, self.fault
        if fault is ReaderFault.SWAPPED and self.sessions > 1:
            end = "8" if who.serial.endswith("9") else "9"
            who = replace(who, serial=who.serial[:-1] + end, model=who.model and who.model + end)
        if fault is ReaderFault.SERIAL_UNSET:
            return self._wire.unset(name, request, who)
        if fault in LRCS and name in ("serial", "initialize", "unit_data"):
            now = self._wire.reply(name, request, who)[-1]
            who = replace(who, serial=serial_for_lrc(who.serial, now, LRCS[fault]))
        if isinstance(self._wire, VerifoneVipa) and fault in (
            ReaderFault.CHAINED,
            ReaderFault.CHAIN_UNFINISHED,
        ):
            return self._wire.chained(who, finished=fault is ReaderFault.CHAINED)
        return self._wire.reply(name, request, who)

    def _say_reply(self, frame: bytes, first: bool) -> None:
        """Say the frame with what the fault puts before, into or after it."""
        fault, wire = self.fault, self._wire
        head = ACK if wire.acks and fault not in (ReaderFault.ACK_MISSING, ReaderFault.ACK_LATE) else b""
        before, said, after = self._around(frame, first)
        if wire.acks:
            self._unacked = [said if fault is ReaderFault.BAD_CHECKSUM else frame]
        if fault is ReaderFault.PAN_FRAME and wire.acks:
            self._unacked.insert(0, before)
        self._say(head + before)
        if fault is ReaderFault.UNPLUGGED_MID_FRAME:
            self._say(said[: len(said) * 2 // 3])
            self._drain()
            self._stop.set()
        elif fault is ReaderFault.SPLIT:
            for at in range(0, len(said), 5):
                self._say(said[at : at + 5])
                self._stop.wait(0.001)
        elif fault is ReaderFault.TRICKLE:
            for at in range(len(said)):
                self._say(said[at : at + 1])
                self._stop.wait(TRICKLE_S)
        else:
            self._say(said)
        self._say(after)

    def _around(self, frame: bytes, first: bool) -> tuple[bytes, bytes, bytes]:
        """What is said before the frame, instead of it, and after it."""
        wire, once = self._wire, first or not isinstance(self._wire, VerifoneVipa)
        tracks = TRACKS[:90]
        before: dict[ReaderFault, Callable[[], bytes]] = {
            ReaderFault.BOOT_TEXT: lambda: BOOT_TEXT if first else b"",
            # What is glued to a frame of VIPA, which has no start byte, takes the frame with it.
            ReaderFault.PAN_BURST: lambda: TRACKS if once else b"",
            ReaderFault.PAN_FRAME: lambda: wire.unsolicited(tracks),
            ReaderFault.ABSURD_LENGTH: lambda: wire.absurd() if first else b"",
            ReaderFault.SLIP_BAD_ESCAPE: lambda: b"\xc0\x02\xdb\x00\xc0",
            ReaderFault.SLIP_TWO_ENDS: lambda: b"\xc0\xc0",
        }
        said: dict[ReaderFault, Callable[[], bytes]] = {
            ReaderFault.BAD_CHECKSUM: lambda: wire.damaged(frame),
            ReaderFault.BAD_CHECKSUM_ONCE: lambda: wire.damaged(frame) if first else frame,
            ReaderFault.DUPLICATE: lambda: frame + frame,
            ReaderFault.FILLER: lambda: (
                b"\0\0" + b"\0".join(frame[:-1][i : i + 1] for i in range(len(frame) - 1)) + frame[-1:]
            ),
            ReaderFault.PARITY: lambda: bytes(b | 0x80 if b.bit_count() % 2 else b for b in frame),
        }
        after = {ReaderFault.ACK_LATE: ACK}
        if self.fault is None:
            return b"", frame, b""
        return (
            before.get(self.fault, lambda: b"")(),
            said.get(self.fault, lambda: frame)(),
            after.get(self.fault, b""),
        )

    def _reset_settings(self) -> None:
        """A pseudo-terminal takes seven bits or parity only along with something that it can change."""
        import termios

        termios.tcsetattr(self._master, termios.TCSANOW, self._settings)

    def _drain(self) -> None:
        """Let the till take what was said before the cable is pulled."""
        import termios

        termios.tcdrain(self._master)
