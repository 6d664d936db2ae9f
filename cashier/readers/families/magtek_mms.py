"""MagTek MMS over SLIP: DynaProx on RS-232.

Source: MagTek, MMS DynaDevices Master Programmer's Manual (connection types; tables 1205 and 1206) and
MagTek's own Web Serial driver. A message is `AA 00` and TLV: 81 type, reference and command, 82 status, 84
payload. There is no checksum: a reply counts when its lengths, type, reference and command are right.
"""

from cashier.readers.family import (
    SILENT,
    Answer,
    Family,
    Identity,
    Line,
    Script,
    ask,
    clean,
    identified,
    refused,
)
from cashier.readers.framing import Frame, Slip

NAME = "magtek_mms"
GET_PROPERTY = b"\xd1\x01"
REQUEST, RESPONSE = 0x01, 0x82
#: Each try has a reference of its own.
REFERENCES = (0xB5, 0xB6, 0xB7)
#: Get the property 2.2.1.1.1.1, the device's serial number.
_SERIAL_PROPERTY = bytes.fromhex("D1018107 2B06010401F609 850102 8704 02010101 8902 C100")
OK = bytes(4)


def encode(reference: int) -> bytes:
    """The request for the serial number."""
    payload = b"\x84" + bytes((len(_SERIAL_PROPERTY),)) + _SERIAL_PROPERTY
    return Slip.encode(b"\xaa\x00\x81\x04" + bytes((REQUEST, reference)) + GET_PROPERTY + payload)


def tlv(data: bytes) -> dict[int, bytes] | None:
    """The values of tags of one byte, the first of each; None unless the lengths come out even.

    A length is one byte below 80, or 81 or 82 and that many bytes, not necessarily the fewest.
    """
    found: dict[int, bytes] = {}
    at = 0
    while at < len(data):
        tag, head = data[at], data[at + 1 : at + 2]
        if not head or head[0] == 0x80 or head[0] > 0x82:
            return None
        more = head[0] - 0x80 if head[0] > 0x80 else 0
        start = at + 2 + more
        length = int.from_bytes(data[at + 2 : start], "big") if more else head[0]
        at = start + length
        if at > len(data) or start > len(data):
            return None
        found.setdefault(tag, data[start:at])
    return found


def _judge(frame: Frame) -> Answer | None:
    if frame.body == bytes((Slip.CAPABILITY_EXCEEDED,)):
        return refused("the message is too long for the device")
    if frame.body[:3] != b"\x02\xaa\x00":
        return None
    message = tlv(frame.body[3:])
    about = message.get(0x81, b"") if message else b""
    if message is None or len(about) != 4 or about[0] != RESPONSE or about[2:] != GET_PROPERTY:
        return None  # a notification, maybe with card data, or the answer to something else
    if about[1] not in REFERENCES:
        return None
    status = message.get(0x82, b"")
    if status != OK:
        return refused(f"status {status.hex().upper()}" if len(status) == 4 else "no status")
    payload = message.get(0x84, b"")
    values = tlv(payload[2:]) if payload[:2] == GET_PROPERTY else None
    property_ = tlv(values.get(0x89, b"")) if values else None
    serial = property_.get(0xC1, b"") if property_ else b""
    if len(serial) != 4:
        return None
    return identified(Identity(NAME, serial=clean(serial.hex().upper()[:7].encode())))


def _script() -> Script:
    answer = yield from ask(tuple(encode(reference) for reference in REFERENCES), _judge)
    return answer or SILENT


FAMILY = Family(
    name=NAME,
    title="MagTek (MMS)",
    line=Line(115_200),
    commands=frozenset(encode(reference) for reference in REFERENCES),
    codec=Slip,
    script=_script,
)
