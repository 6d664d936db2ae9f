"""ID TECH NGA: Augusta, SREDKey 2.

Source: ID TECH, SREDKey 2 manual p. 13 and section 7.2; Augusta manual pp. 15-16.
`02 length (2, low first) body LRC SUM 03`; LRC and SUM are over the body alone. A reply's body is `06 data`
or `15` and two error bytes. No command that reads the serial number is documented.
"""

from functools import reduce
from operator import xor

from cashier.readers.family import (
    SILENT,
    TRIES,
    Exchange,
    Family,
    Identity,
    Line,
    Script,
    ask,
    clean,
    identified,
    refused,
)
from cashier.readers.framing import ACK, ETX, NAK, STX, Frame, LengthPrefixed

NAME = "idtech_nga"


def _checks(body: bytes) -> bytes:
    return bytes((reduce(xor, body, 0), sum(body) % 256, ETX))


def encode(body: bytes) -> bytes:
    """A frame."""
    return bytes((STX,)) + len(body).to_bytes(2, "little") + body + _checks(body)


def _in_order(raw: bytes) -> bool:
    # The cheap ones first: much that is no frame looks like one until its end.
    return (
        len(raw) > 6 and raw[-1] == ETX and raw[-2] == sum(raw[3:-3]) % 256 and raw[-3:] == _checks(raw[3:-3])
    )


def codec() -> LengthPrefixed:
    """A frame's body is length (2) and body."""
    return LengthPrefixed(bytes((STX,)), length_at=1, byteorder="little", trailer=3, check=_in_order)


MODEL, FIRMWARE = encode(b"\x78\x46\x20"), encode(b"\x78\x46\x31")


def _judge(frame: Frame) -> bytes | int | None:
    """The data of a reply, or the number of its error."""
    if frame.body[2:3] == bytes((ACK,)):
        return frame.body[3:]
    if frame.body[2:3] == bytes((NAK,)) and len(frame.body) == 5:
        return int.from_bytes(frame.body[3:], "big")
    return None


def _ask(command: bytes, tries: int) -> Exchange[bytes | int | None]:
    return ask((command,) * tries, _judge)


def _script() -> Script:
    model = yield from _ask(MODEL, TRIES)
    if model is None:
        return SILENT
    if isinstance(model, int):
        return refused(f"error {model:04X}")
    firmware = yield from _ask(FIRMWARE, 1)
    # A reply does not say what it answers: the same text again is the first reply, twice.
    version = clean(firmware) if isinstance(firmware, bytes) and firmware != model else ""
    return identified(
        Identity(NAME, model=clean(model), firmware=version), "the family tells no serial number"
    )


FAMILY = Family(
    name=NAME,
    title="ID TECH NGA (Augusta, SREDKey)",
    line=Line(115_200),
    commands=frozenset({MODEL, FIRMWARE}),
    codec=codec,
    script=_script,
)
