"""How bytes on a serial line become frames: four pure incremental codecs, for all families of readers.

`feed` takes whatever came and gives the frames that are now whole; however a stream is cut into pieces, the
frames are the same. `gap` says that the line has been silent: what is held will not be finished any more.

Nothing of what came is kept but the unfinished frame, at most CAP bytes of it, and counters: `junk` bytes
outside of any frame and `bad` frames that were damaged. No payload is in a repr or an error: card data that a
reader sends by itself passes through here and is gone.

A checksum of one byte (all but NEO and NGA) misses what it must: of the damages that make a delimiter or
a length out of another byte, one in 256 leaves a shorter frame that is in order.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import xor
from typing import Literal

#: The longest frame, in bytes on the line. No answer of a probe comes near it.
CAP = 2048

STX, ETX, EOT, ACK, FS, NAK = 0x02, 0x03, 0x04, 0x06, 0x1C, 0x15
_END, _ESC = 0xC0, 0xDB
_UNESCAPED = {0xDC: _END, 0xDD: _ESC}


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole frame, or one control byte between frames.

    `raw` is as it was on the line, `body` what is within header and checksum; of a control byte it is empty.
    """

    raw: bytes = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def control(self) -> int | None:
        """The control byte that this is, or None."""
        return self.raw[0] if len(self.raw) == 1 else None


class Codec(ABC):
    """What the four have in common."""

    def __init__(self) -> None:
        self._held = bytearray()
        self.junk = 0
        self.bad = 0

    @property
    def held(self) -> int:
        """How many bytes of an unfinished frame are held; never more than CAP."""
        return len(self._held)

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are whole with `data`, in order. Raises nothing."""
        frames: list[Frame] = []
        for at in range(0, len(data), CAP):
            self._held += data[at : at + CAP]
            frames += self._take()
        return frames

    def gap(self) -> list[Frame]:
        """The frames within what was taken for the beginning of a longer one. Nothing is held afterwards."""
        frames: list[Frame] = []
        if self._held:
            self.bad += 1
        while self._held:
            self._drop(1)
            # What looks like a control byte within the rest of a frame is none.
            frames += [frame for frame in self._take() if frame.body]
        return frames

    def _drop(self, count: int) -> None:
        self.junk += count
        del self._held[:count]

    @abstractmethod
    def _take(self) -> list[Frame]:
        """Take whole frames and junk off the front of what is held, and leave at most CAP bytes."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(held={self.held}, junk={self.junk}, bad={self.bad})"


class DelimitedXor(Codec):
    """`start text end LRC`: PAX, RBA, SI/SO, ITP. The LRC is the XOR of all before it, or of all but the
    start.

    After the end exactly one byte is the LRC, whatever its value: it may be that of ACK, NAK, start or end.

    `pairs` are start and end bytes; `controls` are bytes that mean something between frames; with
    `seven_bits` the eighth is a parity bit, which is cleared first; `filler` bytes are no part of a text.
    A text with any bytes and a length in it has `sizes`, which tells from its first three bytes how long it
    may be, nothing while it cannot; without it a start within a frame begins a new one.
    """

    def __init__(
        self,
        pairs: Mapping[int, int],
        *,
        lrc_of_start: bool = False,
        controls: bytes = bytes((ACK, NAK, EOT)),
        seven_bits: bool = False,
        filler: bytes = b"",
        sizes: Callable[[bytes], tuple[int, ...]] | None = None,
    ) -> None:
        super().__init__()
        self._pairs, self._lrc_of_start, self._controls = pairs, lrc_of_start, controls
        self._seven_bits, self._filler, self._sizes = seven_bits, filler, sizes
        self._searched = 1
        self._of_interest = re.compile(b"[" + re.escape(controls + bytes(pairs)) + b"]")

    def encode(self, body: bytes, start: int = STX) -> bytes:
        """The frame of a text."""
        rest = body + bytes((self._pairs[start],))
        return bytes((start,)) + rest + bytes((_xor(rest) ^ (start if self._lrc_of_start else 0),))

    def feed(self, data: bytes) -> list[Frame]:
        """As in every codec."""
        return super().feed(bytes(byte & 0x7F for byte in data) if self._seven_bits else data)

    def _drop(self, count: int) -> None:
        super()._drop(count)
        self._searched = 1

    def _take(self) -> list[Frame]:
        frames: list[Frame] = []
        while self._held:
            first = self._held[0]
            if first in self._controls:
                frames.append(Frame(bytes((first,)), b""))
                del self._held[0]
            elif first not in self._pairs:
                found = self._of_interest.search(self._held)
                self._drop(found.start() if found else len(self._held))
            else:
                size = self._size(self._pairs[first])
                if size is None:
                    if len(self._held) < CAP:
                        break
                    self.bad += 1
                    self._drop(1)
                elif size:
                    frames += self._whole(size)
        return frames

    def _size(self, end: int) -> int | None:
        """The size of the frame at the front, None if that cannot be told yet, 0 if it begins further on."""
        if self._sizes is not None:
            return self._known_size(self._sizes(bytes(self._held[1:4])), end)
        for at in range(self._searched, min(len(self._held), CAP) - 1):
            byte = self._held[at]
            if byte in self._pairs:
                self.bad += 1
                self._drop(at)
                return 0
            if byte == end:
                return at + 2
            self._searched = at + 1
        return None

    def _known_size(self, sizes: tuple[int, ...], end: int) -> int | None:
        for size in sorted(sizes):
            if len(self._held) < size + 3:
                return None
            if self._held[size + 1] == end:
                return size + 3
        if not sizes:
            return None
        self.bad += 1
        self._drop(1)
        return 0

    def _whole(self, size: int) -> list[Frame]:
        raw = bytes(self._held[:size])
        if _xor(raw if self._lrc_of_start else raw[1:]):
            self.bad += 1
            # All of it goes, so that nothing within is taken for a control byte; but the LRC's place may be
            # where the next frame begins.
            self._drop(size - 1 if raw[-1] in self._pairs else size)
            return []
        del self._held[:size]
        self._searched = 1
        return [Frame(raw, raw[1:-2].translate(None, self._filler))]


class LengthPrefixed(Codec):
    """`magic … length body check`: NEO and NGA. `check` judges a whole frame."""

    def __init__(
        self,
        magic: bytes,
        *,
        length_at: int,
        byteorder: Literal["big", "little"],
        trailer: int,
        check: Callable[[bytes], bool],
    ) -> None:
        super().__init__()
        self._magic, self._length_at, self._byteorder = magic, length_at, byteorder
        self._head, self._trailer, self._check = length_at + 2, trailer, check

    def _take(self) -> list[Frame]:
        frames: list[Frame] = []
        while self._at_a_beginning():
            length = self._held[self._length_at : self._head]
            size = self._head + int.from_bytes(length, self._byteorder) + self._trailer
            if len(length) == 2 and size > CAP:
                self.bad += 1
                self._drop(1)
                continue
            if len(length) < 2 or len(self._held) < size:
                break
            raw = bytes(self._held[:size])
            if self._check(raw):
                del self._held[:size]
                frames.append(Frame(raw, raw[len(self._magic) : -self._trailer]))
            else:
                self.bad += 1
                self._drop(1)
        return frames

    def _at_a_beginning(self) -> bool:
        """Drop what cannot be the beginning of a frame; whether there is anything left."""
        at = self._held.find(self._magic)
        if at < 0:
            parts = range(min(len(self._magic) - 1, len(self._held)), 0, -1)
            kept = next((part for part in parts if self._held.endswith(self._magic[:part])), 0)
            at = len(self._held) - kept
        if at:
            self._drop(at)
        return bool(self._held)


class Vipa(Codec):
    """`NAD PCB LEN data LRC`: Verifone. There is no start byte, so after damage all is lost until a gap.

    A frame's body is PCB and data.
    """

    NADS = frozenset({0x01, 0x02, 0x11})
    PCBS = frozenset({*range(0x00, 0x04), *range(0x40, 0x44)})
    LENGTHS = range(0x02, 0xFF)

    def __init__(self) -> None:
        super().__init__()
        self._lost = False

    @staticmethod
    def encode(data: bytes) -> bytes:
        """A request in one packet."""
        packet = bytes((0x01, 0x00, len(data))) + data
        return packet + bytes((_xor(packet),))

    def gap(self) -> list[Frame]:
        """Discard what is held, and begin anew."""
        if self._held:
            self.bad += 1
            self._drop(len(self._held))
        self._lost = False
        return []

    def _take(self) -> list[Frame]:
        frames: list[Frame] = []
        while not self._lost and self._held:
            if not self._may_be_a_packet():
                self.bad += 1
                self._lost = True
                break
            size = self._held[2] + 4 if len(self._held) > 2 else CAP
            if len(self._held) < size:
                break
            raw = bytes(self._held[:size])
            if _xor(raw):
                self.bad += 1
                self._lost = True
                break
            del self._held[:size]
            frames.append(Frame(raw, raw[1:2] + raw[3:-1]))
        if self._lost:
            self._drop(len(self._held))
        return frames

    def _may_be_a_packet(self) -> bool:
        allowed = (self.NADS, self.PCBS, self.LENGTHS)
        return all(byte in those for byte, those in zip(self._held, allowed, strict=False))


class Slip(Codec):
    """`C0 info length message C0` with escapes: MagTek MMS. No checksum, but the length must be right.

    A frame's body is info (1) and message. Info 3, "capability exceeded", has no message: its length is the
    maximum that the device takes.
    """

    CAPABILITY_EXCEEDED = 0x03

    def __init__(self) -> None:
        super().__init__()
        self._lost = False

    @staticmethod
    def encode(message: bytes) -> bytes:
        """A message from host to device."""
        plain = b"\0" + len(message).to_bytes(4, "big") + message
        escaped = plain.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
        return b"\xc0" + escaped + b"\xc0"

    def gap(self) -> list[Frame]:
        """Discard what is held."""
        if self._held:
            self.bad += 1
            self._drop(len(self._held))
        return []

    def _take(self) -> list[Frame]:
        frames: list[Frame] = []
        while (at := self._held.find(_END)) >= 0:
            between, lost = bytes(self._held[:at]), self._lost
            self._lost = False
            body = None if lost or at > CAP - 2 else _unslipped(between)
            if body is None:
                self.bad += bool(between)
                self._drop(at)
                del self._held[0]
                continue
            del self._held[: at + 1]
            frames.append(Frame(b"\xc0" + between + b"\xc0", body))
        if len(self._held) > CAP - 2:
            self._lost = True
            self._drop(len(self._held))
        return frames


def _xor(data: bytes) -> int:
    return reduce(xor, data, 0)


def _unslipped(between: bytes) -> bytes | None:
    """Info and message of what is between two ends, or None if it is no frame."""
    plain = bytearray()
    escaped = False
    for byte in between:
        if escaped:
            if byte not in _UNESCAPED:
                return None
            plain.append(_UNESCAPED[byte])
            escaped = False
        elif byte == _ESC:
            escaped = True
        else:
            plain.append(byte)
    if escaped or len(plain) < 5:
        return None
    message = bytes(plain[5:])
    if plain[0] == Slip.CAPABILITY_EXCEEDED:
        return bytes(plain[:1]) if not message else None
    right = plain[0] in (0x00, 0x02) and int.from_bytes(plain[1:5], "big") == len(message)
    return bytes(plain[:1]) + message if right else None
