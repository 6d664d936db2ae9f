"""What emulated readers say, byte for byte: requests they know, and encoders of their own for the replies.

Written from the readers' public documents and sharing nothing with the till's own codecs, so that each checks
the other. A request is known by its exact bytes; whatever else is sent to an emulator is noted as unexpected.
"""

import itertools
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

#: The card number of the canaries: a well-known test number, of no card.
TEST_PAN = "4111111111111111"
TRACKS = f"%B{TEST_PAN}^TEST/CARD^3012101000000000?;{TEST_PAN}=30121010000000000?\r".encode()

ACK, NAK, EOT = b"\x06", b"\x15", b"\x04"


@dataclass(frozen=True)
class Persona:
    """Who an emulated reader is."""

    serial: str
    model: str
    firmware: str


class Wire:
    """One family's side of the line. `acks`: terminals that acknowledge; `delimited`: whose LRC is one
    XOR."""

    acks = False
    delimited = False
    persona = Persona("", "", "")
    #: Requests by their name, as exact bytes or, where a reference is in it, as a pattern.
    requests: ClassVar[Mapping[str, re.Pattern[bytes]]] = MappingProxyType({})

    def reply(self, name: str, request: bytes, who: Persona) -> bytes:
        """The answer to a request, in order."""
        raise NotImplementedError

    def refusal(self, request: bytes, text: bytes = b"") -> bytes:
        """The family's way to say no, with `text` in it where there is room."""
        raise NotImplementedError

    def unset(self, name: str, request: bytes, who: Persona) -> bytes:
        """The answer of a reader whose serial number was never set."""
        return self.reply(name, request, Persona("", who.model, who.firmware))

    def unsolicited(self, text: bytes) -> bytes:
        """A frame in order that nobody asked for, with `text` in it."""
        raise NotImplementedError

    def absurd(self) -> bytes:
        """The beginning of a frame that says it is as long as can be."""
        raise NotImplementedError

    def damaged(self, frame: bytes) -> bytes:
        """The frame with a wrong checksum."""
        return frame[:-1] + bytes((frame[-1] ^ 0x5A,))


def known(**requests: str) -> dict[str, re.Pattern[bytes]]:
    """Requests by their hexadecimal text."""
    return {name: re.compile(re.escape(bytes.fromhex(text)), re.DOTALL) for name, text in requests.items()}


def lrc(data: bytes) -> bytes:
    """The XOR of all bytes."""
    value = 0
    for byte in data:
        value ^= byte
    return bytes((value,))


def crc16(data: bytes) -> bytes:
    """CRC-16/CCITT-FALSE, high byte first."""
    value = 0xFFFF
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1) ^ 0x1021 if value & 0x8000 else value << 1
            value &= 0xFFFF
    return value.to_bytes(2, "big")


class IdtechNeo(Wire):
    persona = Persona("630Z000001", "", "NEO v1.00")
    requests = known(
        ping="5669564F746563683200 18010000 B3CD",
        serial="5669564F746563683200 12010000 18A5",
        firmware="5669564F746563683200 29000000 DEA0",
    )

    def _frame(self, command: int, status: int, data: bytes = b"") -> bytes:
        packet = b"ViVOtech2\x00" + bytes((command, status, len(data) >> 8, len(data) & 0xFF)) + data
        return packet + crc16(packet)

    def reply(self, name: str, request: bytes, who: Persona) -> bytes:
        data = {
            "ping": b"",
            "serial": who.serial.encode().ljust(15, b"\0")[:15],
            "firmware": who.firmware.encode(),
        }
        return self._frame(request[10], 0x00, data[name])

    def refusal(self, request: bytes, text: bytes = b"") -> bytes:
        return self._frame(request[10], 0x03, text)

    def unset(self, name: str, request: bytes, who: Persona) -> bytes:
        return self._frame(request[10], 0x0B) if name == "serial" else self.reply(name, request, who)

    def unsolicited(self, text: bytes) -> bytes:
        return self._frame(0x02, 0x00, text)

    def absurd(self) -> bytes:
        return b"ViVOtech2\x00\x12\x00\xff\xff"


class IdtechItp(Wire):
    delimited = True
    persona = Persona("T123456789", "", "ID TECH TM3 SecureMag")
    requests = known(serial="02524E031D", firmware="0252220371", encryption="02524C031F")
    encryption = b"1"

    def _frame(self, function: int, data: bytes) -> bytes:
        packet = bytes((0x02, function, len(data))) + data + b"\x03"
        return ACK + packet + lrc(packet)

    def reply(self, name: str, request: bytes, who: Persona) -> bytes:
        data = {
            "serial": who.serial.encode(),
            "firmware": who.firmware.encode(),
            "encryption": self.encryption,
        }
        return self._frame(request[2], data[name])

    def refusal(self, request: bytes, text: bytes = b"") -> bytes:
        return b"\x17"

    def unset(self, name: str, request: bytes, who: Persona) -> bytes:
        return b"\x16" if name == "serial" else self.reply(name, request, who)

    def unsolicited(self, text: bytes) -> bytes:
        return self._frame(0x7E, text)

    def absurd(self) -> bytes:
        return b"\x02\x4e\xff"


class IdtechItpClear(IdtechItp):
    """A reader that is set to emit card data unencrypted."""

    encryption = b"0"


class IdtechNga(Wire):
    persona = Persona("", "SREDKey2-0001", "SREDKey2 V1.02.003")
    requests = known(model="0203007846201EDE03", firmware="0203007846310FEF03")

    def _frame(self, body: bytes) -> bytes:
        size = bytes((len(body) & 0xFF, len(body) >> 8))
        return b"\x02" + size + body + lrc(body) + bytes((sum(body) & 0xFF,)) + b"\x03"

    def reply(self, name: str, request: bytes, who: Persona) -> bytes:
        return self._frame(ACK + (who.model + who.serial if name == "model" else who.firmware).encode())

    def refusal(self, request: bytes, text: bytes = b"") -> bytes:
        return self._frame(NAK + b"\x03\x00")

    def unsolicited(self, text: bytes) -> bytes:
        return self._frame(b"\x01" + text)

    def absurd(self) -> bytes:
        return b"\x02\xff\xff"

    def damaged(self, frame: bytes) -> bytes:
        return frame[:-2] + bytes((frame[-2] ^ 0x5A,)) + frame[-1:]


class PaxPoslink(Wire):
    acks = delimited = True
    persona = Persona("53011234", "A920", "")
    requests = known(initialize="024130301C312E33351C035B")

    def _frame(self, *fields: str) -> bytes:
        packet = "\x1c".join(fields).encode() + b"\x03"
        return b"\x02" + packet + lrc(packet)

    def reply(self, name: str, request: bytes, who: Persona) -> bytes:
        return self._frame("0", "A01", "1.35", "000000", "OK", who.serial, who.model, "")

    def refusal(self, request: bytes, text: bytes = b"") -> bytes:
        return self._frame("0", "A01", "1.35", "100001", text.decode() or "TIMEOUT")

    def unsolicited(self, text: bytes) -> bytes:
        return self._frame("0", "T01", "1.35", "000000", text.decode())

    def absurd(self) -> bytes:
        return b"\x02" + b"0" * 300


class SisoPinpad(Wire):
    acks = delimited = True
    persona = Persona("401A001234", "", "")
    requests = known(serial="0F30360E08")

    def _frame(self, text: bytes) -> bytes:
        packet = text + b"\x0e"
        return b"\x0f" + packet + lrc(packet)

    def reply(self, name: str, request: bytes, who: Persona) -> bytes:
        return self._frame(b"06" + who.serial.encode())

    def refusal(self, request: bytes, text: bytes = b"") -> bytes:
        return EOT

    def unset(self, name: str, request: bytes, who: Persona) -> bytes:
        return self._frame(b"06" + b"0" * 12)

    def unsolicited(self, text: bytes) -> bytes:
        packet = text.strip() + b"\x03"
        return b"\x02" + packet + lrc(packet)

    def absurd(self) -> bytes:
        return b"\x0f" + b"0" * 300


class IngenicoRba(Wire):
    acks = delimited = True
    persona = Persona("80012345", "iPP350", "15.0.3")
    requests = known(unit_data="0230372E032A")

    def _frame(self, text: str) -> bytes:
        packet = text.encode() + b"\x03"
        return b"\x02" + packet + lrc(packet)

    def reply(self, name: str, request: bytes, who: Persona) -> bytes:
        fields = ("INGNCO", who.model, who.serial, "32MB", "64MB", "NONE", "SM", "OS 1", who.firmware)
        return self._frame("07." + "\x1c".join(fields))

    def refusal(self, request: bytes, text: bytes = b"") -> bytes:
        return EOT

    def unsolicited(self, text: bytes) -> bytes:
        return self._frame("23.0" + text.decode().strip())

    def absurd(self) -> bytes:
        return b"\x02" + b"0" * 300


class MagtekMms(Wire):
    persona = Persona("B61378A", "", "")
    #: Any reference, but for those that SLIP would escape.
    requests: ClassVar = {
        "serial": re.compile(
            rb"\xc0\x00\x00\x00\x00\x22\xaa\x00\x81\x04\x01[^\xc0\xdb]\xd1\x01\x84\x18\xd1\x01\x81\x07\x2b\x06\x01"
            rb"\x04\x01\xf6\x09\x85\x01\x02\x87\x04\x02\x01\x01\x01\x89\x02\xc1\x00\xc0",
            re.DOTALL,
        )
    }

    def _slip(self, message: bytes) -> bytes:
        plain = b"\x02" + len(message).to_bytes(4, "big") + message
        escapes = {0xC0: b"\xdb\xdc", 0xDB: b"\xdb\xdd"}
        return b"\xc0" + b"".join(escapes.get(byte, bytes((byte,))) for byte in plain) + b"\xc0"

    def _message(self, request: bytes, status: bytes, payload: bytes) -> bytes:
        about = b"\x81\x04\x82" + request[11:14]
        return self._slip(
            b"\xaa\x00" + about + b"\x82\x04" + status + b"\x84\x82\x00" + bytes((len(payload),)) + payload
        )

    def reply(self, name: str, request: bytes, who: Persona) -> bytes:
        digits = who.serial if re.fullmatch(r"[0-9A-Fa-f]{7}", who.serial) else f"{len(who.serial):07X}"
        value = b"\x89\x06\xc1\x04" + bytes.fromhex(digits + "0")
        return self._message(request, bytes(4), request[16:36] + value)

    def refusal(self, request: bytes, text: bytes = b"") -> bytes:
        return self._message(request, b"\x01\x02\x03\x04", text[:100])

    def unsolicited(self, text: bytes) -> bytes:
        return self._slip(b"\xaa\x00\x81\x04\x83\x00\x10\x01\x84" + bytes((len(text),)) + text)

    def absurd(self) -> bytes:
        return b"\xc0\x02\xff\xff\xff\xff\xaa\x00\xc0"

    def damaged(self, frame: bytes) -> bytes:
        """There is no checksum: the length is wrong."""
        return frame[:5] + bytes((frame[5] ^ 0x05,)) + frame[6:]


class VerifoneVipa(Wire):
    persona = Persona("275301234", "P400", "")
    requests = known(reset="010004D0000001D4")

    def _packet(self, data: bytes, more: bool = False) -> bytes:
        packet = bytes((0x01, 0x01 if more else 0x00, len(data))) + data
        return packet + lrc(packet)

    def _data(self, who: Persona) -> bytes:
        serial, model = who.serial.encode(), who.model.encode()
        inner = b"\xdf\x0d" + bytes((len(model),)) + model + b"\x9f\x1e" + bytes((len(serial),)) + serial
        return b"\xee" + bytes((len(inner),)) + inner

    def reply(self, name: str, request: bytes, who: Persona) -> bytes:
        second = b"\xee\x07\x9f\x1e\x04NEXT"  # a split unit tells of its other half as well: the first counts
        return self._packet(self._data(who) + second + b"\x90\x00")

    def chained(self, who: Persona, finished: bool) -> bytes:
        """The reply in two packets, or the first of them."""
        data = self._data(who)
        first = self._packet(data[:12], more=True)
        return first + self._packet(data[12:] + b"\x90\x00") if finished else first

    def refusal(self, request: bytes, text: bytes = b"") -> bytes:
        return self._packet(b"\x9f\x41")

    def unsolicited(self, text: bytes) -> bytes:
        return self._packet(
            b"\xe0" + bytes((len(text) + 2,)) + b"\x57" + bytes((len(text),)) + text + b"\x90\x00"
        )

    def absurd(self) -> bytes:
        return b"\x01\x00\xff"


WIRES: dict[str, type[Wire]] = {
    "idtech_neo": IdtechNeo,
    "idtech_itp": IdtechItp,
    "idtech_nga": IdtechNga,
    "pax_poslink": PaxPoslink,
    "magtek_mms": MagtekMms,
    "verifone_vipa": VerifoneVipa,
    "siso_pinpad": SisoPinpad,
    "ingenico_rba": IngenicoRba,
}


def serial_for_lrc(serial: str, lrc_now: int, wanted: int) -> str:
    """The serial number with an end that turns a frame's LRC from what it is now into `wanted`."""
    needed = lrc_now ^ wanted ^ lrc(serial[-3:].encode())[0]
    letters = string.digits + string.ascii_letters
    tails = ("".join(tail) for tail in itertools.product(letters, repeat=3))
    return serial[:-3] + next(tail for tail in tails if lrc(tail.encode())[0] == needed)
