"""ID TECH NEO (ViVOpay IDG protocol 2): VP3300, VP5300, Kiosk and their kind.

Source: ID TECH, NEO 2 Interface Developer's Guide 80139403-002 (line p. 39, frame p. 42, serial number p.
143). `"ViVOtech2" 00, command, sub-command (in replies: status), length, data, CRC`; requests carry the CRC
with its low byte first, replies with its high byte first, but documents and readers differ: either is
taken.
"""

from binascii import crc_hqx

from cashier.readers.family import (
    SILENT,
    TRIES,
    Answer,
    Exchange,
    Family,
    Identity,
    Line,
    Script,
    ask,
    clean,
    identified,
    refused,
    serial_detail,
)
from cashier.readers.framing import Frame, LengthPrefixed

NAME = "idtech_neo"
MAGIC = b"ViVOtech2\0"
OK, NOT_ALLOWED = 0x00, 0x0B


def encode(command: int, sub_command: int, data: bytes = b"") -> bytes:
    """A request."""
    packet = MAGIC + bytes((command, sub_command)) + len(data).to_bytes(2, "big") + data
    return packet + crc_hqx(packet, 0xFFFF).to_bytes(2, "little")


def _in_order(raw: bytes) -> bool:
    crc = crc_hqx(raw[:-2], 0xFFFF)
    return raw[-2:] in (crc.to_bytes(2, "little"), crc.to_bytes(2, "big"))


def codec() -> LengthPrefixed:
    """A frame's body is command, status, length (2) and data."""
    return LengthPrefixed(MAGIC, length_at=12, byteorder="big", trailer=2, check=_in_order)


PING, SERIAL, FIRMWARE = encode(0x18, 0x01), encode(0x12, 0x01), encode(0x29, 0x00)


def _ask(request: bytes, tries: int = TRIES) -> Exchange[tuple[int, bytes] | None]:
    """Status and data of the reply to a request."""
    command = request[len(MAGIC)]

    def judge(frame: Frame) -> tuple[int, bytes] | None:
        return (frame.body[1], frame.body[4:]) if frame.body[0] == command else None

    return ask((request,) * tries, judge)


def _script() -> Script:
    if (yield from _ask(PING)) is None:
        return SILENT
    reply = yield from _ask(SERIAL)
    if reply is None:
        return Answer(SILENT.outcome, None, "it answers, but not with its serial number")
    status, data = reply
    if status not in (OK, NOT_ALLOWED):
        return refused(f"status {status:02X}")
    firmware = yield from _ask(FIRMWARE, tries=1)
    version = clean(firmware[1]) if firmware is not None and firmware[0] == OK else ""
    said = data.rstrip(b"\0") if status == OK else b""
    serial = clean(said)
    return identified(Identity(NAME, serial=serial, firmware=version), serial_detail(serial, bool(said)))


FAMILY = Family(
    name=NAME,
    title="ID TECH NEO / ViVOpay",
    line=Line(115_200),
    commands=frozenset({PING, SERIAL, FIRMWARE}),
    codec=codec,
    script=_script,
)
