"""Receipt printers that speak ESC/POS, over python-escpos: USB, network, serial, or a file.

A document is made into bytes before anything is sent: every text is spelled with what the printer's code page
has, so nothing can go wrong half-way. What came of it is told honestly:

- printed: the printer answered after the last byte that it had worked through all of it (`answers`), or, for
  one that never answers, every byte was taken by the line;
- not printed: it was not reached, or said before the first byte that it has no paper or is not ready;
- unknown: anything after the first byte. It is never printed again unasked.

python-escpos is imported with the first print. Blocking calls run in a thread of their own.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from cashier.domain.columns import Row, has_code_page, lay_out, spelled_items
from cashier.domain.receipt_text import Paper
from cashier.paper.logo import Logo
from cashier.till.ports import PrintOutcome, PrintResult

if TYPE_CHECKING:
    from escpos.escpos import Escpos
    from PySide6.QtGui import QImage

ESC, GS, DLE, EOT, FF = b"\x1b", b"\x1d", b"\x10", b"\x04", b"\x0c"
INIT = ESC + b"@"
#: Real-time questions: is it ready, is its cover shut, is there paper. They are answered even when it is not.
ASK_READY, ASK_PAPER = DLE + EOT + b"\x01", DLE + EOT + b"\x04"
#: Answered in its turn, when everything before it has been worked through.
ASK_DONE = GS + b"r\x01"
OFFLINE_BIT, PAPER_END_BITS = 0x08, 0x60
#: Opens the drawer at once, past everything that waits in the printer, also when its paper is out.
KICK_NOW = DLE + b"\x14\x01"
SLIP, ROLL = ESC + b"c0\x04", ESC + b"c0\x01"
FEED_LINES = 4
QR_SIZE = 5
#: How high a picture may be that is sent before every receipt, dots.
LOGO_HEIGHT_MAX = 160
#: How dark what is printed: dark colours are black and light ones white, dots tell only what is between.
TONES = [min(max((level - 110) * 255 // 110, 0), 255) for level in range(256)]
#: The width of a sign of the usual font, dots.
FONT_DOTS = 12
NO_PAPER = "the printer is out of paper"
NOT_READY = "the printer is not ready: look at its cover, its paper and its lamp"


@dataclass(frozen=True)
class RollSettings:
    """How a receipt printer is set up.

    `columns` are those of its font on its paper: 32 for 58 mm, 42 or 48 for 80 mm. `profile` is what
    python-escpos calls its model. `answers` says whether it answers questions of its state. `drawer_pin` is 2
    or 5; 0 without a drawer. `logo` is a file, or None.
    """

    columns: int = 42
    code_page: str = "CP858"
    profile: str = "default"
    answers: bool = True
    drawer_pin: int = 2
    kick_at_once: bool = True
    logo: Path | None = None
    cuts: bool = True
    has_slip_station: bool = False


class Line(Protocol):
    """An open line to a printer."""

    def send(self, data: bytes) -> None:
        """Send all of it. Raises OSError."""

    def ask(self, question: bytes) -> int | None:
        """One byte of answer; None when none came in time. Raises OSError."""


#: Opens the line to a printer, for one job. Raises OSError when it is not there.
OpenLine = Callable[[], contextlib.AbstractContextManager[Line]]


def document_bytes(paper: Paper, settings: RollSettings, logo: "QImage | None" = None) -> tuple[bytes, str]:
    """A document as the printer's commands, a logo above its heading, and the signs told by their numbers.

    Raises ValueError for settings that cannot be: a code page that is not there.
    """
    from escpos.printer import Dummy

    codec = settings.code_page
    try:
        has = has_code_page(codec)
    except LookupError:
        raise ValueError(f"the code page {codec} is not known") from None
    items, lost = spelled_items(paper.items, has)
    above, below = (
        lay_out(part, settings.columns) for part in (items[: paper.heading], items[paper.heading :])
    )
    try:
        dummy = Dummy(profile=settings.profile)
    except KeyError:
        raise ValueError(f"the printer model {settings.profile} is not known") from None
    dummy._raw(INIT)
    number = dummy.profile.get_code_pages().get(codec)
    if number is None:
        raise ValueError(f"the printer {settings.profile} has no code page {codec}")
    dummy._raw(ESC + b"t" + bytes([int(number)]))
    if paper.is_slip and settings.has_slip_station:
        dummy._raw(SLIP)
    for row in above:
        _row(dummy, row, codec)
    if logo is not None and not (paper.is_slip and settings.has_slip_station):
        _logo(dummy, logo, settings.columns)
    for row in below:
        _row(dummy, row, codec)
    if paper.is_slip and settings.has_slip_station:
        dummy._raw(FF + ROLL)
    else:
        dummy._raw(ESC + b"d" + bytes([FEED_LINES]))
        if settings.cuts:
            dummy._raw(GS + b"V\x42\x00")
    return dummy.output, lost


def _logo(dummy: "Escpos", logo: "QImage", columns: int) -> None:
    """A picture in the middle, as small as the paper needs it."""
    from PIL import Image
    from PySide6.QtCore import QSize
    from PySide6.QtGui import QImage

    from cashier.paper.logo import fitted

    across = _dots(dummy, columns)
    # What is known of the paper here, the library need not guess.
    dummy.profile.profile_data = dummy.profile.profile_data | {"media": {"width": {"pixels": across}}}
    small = fitted(logo, QSize(across, LOGO_HEIGHT_MAX))
    grey = small.convertToFormat(QImage.Format.Format_Grayscale8)
    size, data = (grey.width(), grey.height()), bytes(grey.constBits())
    picture = Image.frombytes("L", size, data, "raw", "L", grey.bytesPerLine(), 1)
    dummy._raw(ESC + b"a\x01")
    dummy.image(picture.point(TONES))
    dummy._raw(ESC + b"a\x00")


def _dots(dummy: "Escpos", columns: int) -> int:
    """How many dots there are across the paper, by its columns or by what is known of the printer."""
    known = dummy.profile.profile_data.get("media", {}).get("width", {}).get("pixels", "")
    by_columns = columns * FONT_DOTS
    return min(by_columns, int(known)) if str(known).isdecimal() else by_columns


def _row(dummy: "Escpos", row: Row, codec: str) -> None:
    dummy._raw(ESC + b"a" + bytes([1 if row.center or row.qr else 0]))
    if row.qr:
        dummy.qr(row.qr, size=QR_SIZE, native=True)
        return
    # Bold and double size are set for each row, so that a row lost on the way does not spoil the next.
    dummy._raw(ESC + b"E" + bytes([row.bold]) + GS + b"!" + bytes([0x11 if row.large else 0]))
    dummy._raw(row.text.encode(codec) + b"\n")


class EscposPrinter:
    """A receipt printer. One job at a time; each opens the line and closes it again."""

    def __init__(self, open_line: OpenLine, settings: RollSettings) -> None:
        self._open_line = open_line
        self._settings = settings
        self._turn = asyncio.Lock()
        self._logo = Logo(settings.logo)

    async def print(self, paper: Paper) -> PrintResult:
        """See the port."""
        async with self._turn:
            return await asyncio.to_thread(self._print, paper)

    async def open_drawer(self) -> PrintResult:
        """See the port. Does not wait for paper, nor for a job that waits for it."""
        if not self._settings.drawer_pin:
            return PrintResult(PrintOutcome.NOT_PRINTED, "no drawer is set up at the printer")
        async with self._turn:
            return await asyncio.to_thread(self._open_drawer)

    async def check(self) -> PrintResult:
        """See the port."""
        async with self._turn:
            return await asyncio.to_thread(self._check)

    def _print(self, paper: Paper) -> PrintResult:
        try:
            data, lost = document_bytes(paper, self._settings, self._logo.image())
        except ValueError as error:
            return PrintResult(PrintOutcome.NOT_PRINTED, str(error))
        result = self._with_line(lambda line: self._send(line, data, lost))
        if result.outcome is PrintOutcome.PRINTED:
            return replace(result, note=self._logo.news())
        return result

    def _send(self, line: Line, data: bytes, lost: str) -> PrintResult:
        fault = self._fault(line)
        if fault:
            return PrintResult(PrintOutcome.NOT_PRINTED, fault)
        try:
            line.send(data)
            if not self._settings.answers:
                return PrintResult(PrintOutcome.PRINTED, lost=lost)
            told = line.ask(ASK_DONE)
        except OSError as error:
            return PrintResult(PrintOutcome.UNKNOWN, f"the line to the printer broke: {_said(error)}", lost)
        if told is None:
            return PrintResult(PrintOutcome.UNKNOWN, "the printer took it and did not answer", lost)
        return PrintResult(PrintOutcome.PRINTED, lost=lost)

    def _open_drawer(self) -> PrintResult:
        pin = 0 if self._settings.drawer_pin == 2 else 1
        buffered = ESC + b"p" + bytes([pin, 60, 120])
        kick = KICK_NOW + bytes([pin, 1]) if self._settings.kick_at_once else buffered

        def send(line: Line) -> PrintResult:
            line.send(kick)
            return PrintResult(PrintOutcome.PRINTED)

        return self._with_line(send)

    def _check(self) -> PrintResult:
        def look(line: Line) -> PrintResult:
            fault = self._fault(line)
            outcome = PrintOutcome.NOT_PRINTED if fault else PrintOutcome.PRINTED
            return PrintResult(outcome, fault)

        try:
            document_bytes(Paper("test", ()), self._settings)
        except ValueError as error:
            return PrintResult(PrintOutcome.NOT_PRINTED, str(error))
        return self._with_line(look)

    def _fault(self, line: Line) -> str:
        """Why it cannot print now, by its own word, or empty. Raises OSError: nothing was sent to print."""
        if not self._settings.answers:
            return ""
        paper = line.ask(ASK_PAPER)
        if paper is None:
            return "the printer does not answer"
        if paper & PAPER_END_BITS:
            return NO_PAPER
        ready = line.ask(ASK_READY)
        if ready is None:
            return "the printer does not answer"
        return NOT_READY if ready & OFFLINE_BIT else ""

    def _with_line(self, use: Callable[[Line], PrintResult]) -> PrintResult:
        """Use a line. What breaks outside of `_send`'s own sending happened before anything was printed."""
        result: PrintResult | None = None
        try:
            with self._open_line() as line:
                result = use(line)
        except OSError as error:
            # A line that breaks when it is closed says nothing of a job that has its result.
            if result is None:
                return PrintResult(PrintOutcome.NOT_PRINTED, f"the printer is not reached: {_said(error)}")
        return result


def _said(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


class _EscposLine:
    """A line of python-escpos. Its devices raise errors of many kinds, each of them an OSError here."""

    def __init__(self, device: "Escpos") -> None:
        self._device = device

    def send(self, data: bytes) -> None:
        """See the protocol."""
        with _as_os_error():
            self._device._raw(data)

    def ask(self, question: bytes) -> int | None:
        """See the protocol."""
        with _as_os_error():
            self._device._raw(question)
            try:
                told = bytes(self._device._read())
            except TimeoutError:
                return None
            except Exception as error:
                if type(error).__name__ == "USBTimeoutError":
                    return None
                raise
        return told[-1] if told else None


class _SocketLine:
    """A network printer's line. Not python-escpos' own: that leaves sockets open when nobody is there."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def send(self, data: bytes) -> None:
        """See the protocol."""
        self._connection.sendall(data)

    def ask(self, question: bytes) -> int | None:
        """See the protocol."""
        self._connection.sendall(question)
        try:
            told = self._connection.recv(16)
        except TimeoutError:
            return None
        if not told:
            raise ConnectionResetError("the printer closed the line")
        return told[-1]


@contextlib.contextmanager
def _as_os_error() -> Iterator[None]:
    """Unplugging raises whatever the library of the line raises: for us the line is broken."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(f"{type(error).__name__}: {error}") from error


def open_line_of(kind: str, settings: RollSettings, **where: Any) -> OpenLine:
    """How to open the line to a printer.

    `kind` is "network" (host, port), "serial" (device, baud), "usb" (vendor, product) or "file" (device).
    `timeout_s` holds for all but the last.
    """

    @contextlib.contextmanager
    def opened() -> Iterator[Line]:
        if kind == "network":
            with socket.create_connection((where["host"], where["port"]), where["timeout_s"]) as connection:
                yield _SocketLine(connection)
            return
        with _as_os_error():
            device = _device(kind, settings, where)
            device.open()
        try:
            yield _EscposLine(device)
        finally:
            with _as_os_error():
                device.close()

    return opened


def _device(kind: str, settings: RollSettings, where: dict[str, Any]) -> "Escpos":
    from escpos import printer

    profile, timeout_s = settings.profile, where.get("timeout_s", 5)
    match kind:
        case "serial":
            return printer.Serial(where["device"], where["baud"], timeout=timeout_s, profile=profile)
        case "usb":
            ends = {"in_ep": where["in_ep"], "out_ep": where["out_ep"]}
            ids = (where["vendor"], where["product"])
            return printer.Usb(*ids, timeout=int(timeout_s * 1000), profile=profile, **ends)
        case "file":
            return printer.File(where["device"], profile=profile)
        case _:
            raise ValueError(f"{kind} is not a kind of line")
