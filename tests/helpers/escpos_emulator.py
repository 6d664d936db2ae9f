"""A receipt printer in memory: it reads ESC/POS as a printer does, and shows what it printed as a picture.

Written from the command reference of receipt printers, not from the adapter; it refuses what it does not
know.
`PrinterAt` puts it behind a real TCP socket, with faults.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

#: Code pages by their number in `ESC t`.
PAGES = {0: "cp437", 2: "cp850", 4: "cp863", 16: "cp1252", 19: "cp858"}


@dataclass
class Printed:
    """A line as printed, or a QR code or picture in place of one."""

    text: str = ""
    bold: bool = False
    size: int = 0
    align: int = 0
    qr: str = ""
    dots: tuple[int, int, bytes] | None = None


@dataclass
class Roll:
    """What came out: lines, cuts, pulses for the drawer, answers to questions."""

    lines: list[Printed] = field(default_factory=list)
    cuts: int = 0
    pulses: list[int] = field(default_factory=list)
    answers: bytes = b""
    paper_out: bool = False
    offline: bool = False
    answers_done: bool = True
    page: str = "cp437"
    slips: int = 0
    _now: Printed = field(default_factory=Printed)
    _style: Printed = field(default_factory=Printed)
    _qr: str = ""
    _rest: bytes = b""

    def feed(self, data: bytes) -> None:
        """More bytes have come; a command that is not whole waits for its end."""
        self._rest += data
        while self._rest:
            used = self._one(self._rest)
            if used == 0:
                return
            self._rest = self._rest[used:]

    @property
    def text(self) -> str:
        """Every line, as text."""
        return "\n".join(line.text for line in self.lines)

    def _one(self, data: bytes) -> int:
        """Obey the first command; how long it is, 0 when it is not whole."""
        head = data[0]
        if head == 0x0A:
            self._end_line()
            return 1
        if head == 0x0C:
            self.slips += 1
            return 1
        if head not in (0x1B, 0x1D, 0x10):
            assert head >= 0x20, f"control byte {head:#x} in a text"
            self._now.text += bytes([head]).decode(self.page)
            return 1
        if len(data) < 3:
            return 2 if data == b"\x1b@" else 0
        return {0x1B: self._esc, 0x1D: self._gs, 0x10: self._dle}[head](data)

    def _end_line(self) -> None:
        assert not self.paper_out, "it printed without paper"
        self.lines.append(Printed(self._now.text, self._style.bold, self._style.size, self._style.align))
        self._now = Printed()

    def _esc(self, data: bytes) -> int:
        match data[1:2]:
            case b"@":
                self._style = Printed()
                return 2
            case b"t":
                self.page = PAGES[data[2]]
            case b"a":
                self._style.align = data[2]
            case b"E":
                self._style.bold = bool(data[2])
            case b"d":
                pass
            case b"c":
                return 4 if len(data) >= 4 else 0
            case b"p":
                if len(data) < 5:
                    return 0
                self.pulses.append(data[2])
                return 5
            case other:
                raise AssertionError(f"ESC {other!r}")
        return 3

    def _gs(self, data: bytes) -> int:
        match data[1:2]:
            case b"!":
                self._style.size = data[2]
            case b"V":
                self.cuts += 1
                return 4 if data[2] >= 0x41 else 3
            case b"r":
                if self.answers_done:
                    self.answers += b"\x00"
            case b"(":
                return self._symbol(data)
            case b"v":
                return self._picture(data)
            case other:
                raise AssertionError(f"GS {other!r}")
        return 3

    def _symbol(self, data: bytes) -> int:
        if len(data) < 5:
            return 0
        size = 5 + data[3] + 256 * data[4]
        if len(data) < size:
            return 0
        body = data[5:size]
        assert data[2:3] == b"k", "a symbol that is no QR code"
        if body[1:2] == b"P":
            self._qr = body[3:].decode()
        elif body[1:2] == b"Q":
            self.lines.append(Printed(qr=self._qr, align=self._style.align))
        return size

    def _picture(self, data: bytes) -> int:
        if len(data) < 8:
            return 0
        width, height = data[4] + 256 * data[5], data[6] + 256 * data[7]
        size = 8 + width * height
        if len(data) < size:
            return 0
        self.lines.append(Printed(dots=(width * 8, height, data[8:size]), align=self._style.align))
        return size

    def _dle(self, data: bytes) -> int:
        if data[1] == 0x04:
            bits = {1: 0x08 if self.offline or self.paper_out else 0, 4: 0x60 if self.paper_out else 0}
            self.answers += bytes([0x12 | bits[data[2]]])
            return 3
        assert data[1:3] == b"\x14\x01", f"DLE {data[1:3]!r}"
        if len(data) < 5:
            return 0
        self.pulses.append(data[3])
        return 5

    def picture(self, file: Path, columns: int) -> None:
        """Draw what came out, as a roll of so many columns."""
        from PySide6.QtCore import QRect, Qt
        from PySide6.QtGui import QColor, QFont, QImage, QPainter

        cell, line_height, margin = 12, 30, 16
        heights = [self._height(line, line_height) for line in self.lines]
        image = QImage(columns * cell + 2 * margin, sum(heights) + 2 * margin, QImage.Format.Format_RGB32)
        image.fill(QColor("white"))
        painter = QPainter(image)
        y = margin
        for line, height in zip(self.lines, heights, strict=True):
            if line.qr or line.dots:
                self._draw(painter, line, columns * cell, margin, y)
            wide, tall = 1 + (line.size >> 4), 1 + (line.size & 15)
            assert len(line.text) * wide <= columns, f"too wide for the roll: {line.text!r}"
            start = (columns - len(line.text) * wide) * cell // 2 if line.align == 1 else 0
            font = QFont("DejaVu Sans Mono")
            font.setPixelSize(19)
            font.setBold(line.bold)
            painter.setFont(font)
            for place, sign in enumerate(line.text):
                painter.save()
                painter.translate(margin + start + place * cell * wide, y)
                painter.scale(wide, tall)
                painter.drawText(QRect(0, 0, cell + 4, line_height), Qt.AlignmentFlag.AlignLeft, sign)
                painter.restore()
            y += height
        painter.end()
        assert image.save(str(file))

    def _height(self, line: Printed, line_height: int) -> int:
        if line.qr:
            return 5 * 29
        if line.dots:
            return line.dots[1]
        return line_height * (1 + (line.size & 15))

    def _draw(self, painter: Any, line: Printed, width: int, margin: int, y: int) -> None:
        from PySide6.QtGui import QColor

        if line.qr:
            import qrcode

            code = qrcode.QRCode(border=0)
            code.add_data(line.qr)
            code.make()
            rows = code.get_matrix()
            dot, side = 5, len(rows)
            left = margin + (width - side * dot) // 2
            for at, row in enumerate(rows):
                for place, black in enumerate(row):
                    if black:
                        painter.fillRect(left + place * dot, y + at * dot, dot, dot, QColor("black"))
            return
        assert line.dots is not None
        wide, high, bits = line.dots
        left = margin + (width - wide) // 2
        for at in range(high):
            for place in range(wide):
                if bits[at * wide // 8 + place // 8] >> (7 - place % 8) & 1:
                    painter.fillRect(left + place, y + at, 1, 1, QColor("black"))


class Fault(StrEnum):
    """How a printer misbehaves."""

    NONE = "none"
    PAPER_OUT = "paper_out"
    OFFLINE = "offline"
    SILENT = "silent"  # takes connections and bytes, never answers
    HALF_READ = "half_read"  # reads some of the job and resets the connection
    STALL = "stall"  # prints, but does not say that it is done


class PrinterAt:
    """The printer behind a TCP socket of this machine, one connection at a time."""

    def __init__(self) -> None:
        self.roll = Roll()
        self.fault = Fault.NONE
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def settle(self) -> Roll:
        """Wait until every connection so far is worked through; what came out."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as last:
            last.shutdown(socket.SHUT_WR)
            assert last.recv(1) == b""
        return self.roll

    def close(self) -> None:
        """Switch it off."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._socket.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        roll = self.roll
        roll.paper_out = self.fault is Fault.PAPER_OUT
        roll.offline = self.fault is Fault.OFFLINE
        roll.answers_done = self.fault is not Fault.STALL
        questions = 0
        while data := connection.recv(64):
            if self.fault is Fault.SILENT:
                continue
            if self.fault is Fault.HALF_READ and questions >= 2:
                # Closed with bytes unread: the other side is told with a reset.
                roll.feed(data[:20])
                return
            roll.feed(data)
            if roll.answers:
                questions += len(roll.answers)
                answers, roll.answers = roll.answers, b""
                connection.sendall(answers)


@contextlib.contextmanager
def printer_at() -> Iterator[PrinterAt]:
    """A printer that is switched on."""
    printer = PrinterAt()
    try:
        yield printer
    finally:
        printer.close()
