"""Classic PIN pads with SI/SO packets: Verifone 1000SE and MX800, UIC PP791. Experimental.

Source: VeriFone MX800 Programmer's Guide pp. 290-294; UIC PP791 Programmer's Manual pp. 26-27, 37.
`0F 06 text 0E LRC`, the LRC over all but the start; the eighth bit may be parity. Factory line settings are
not documented: 1200 7E1 is common.
"""

from cashier.readers.family import (
    Answer,
    Family,
    Identity,
    Line,
    Script,
    ask_with_ack,
    clean,
    identified,
    serial_detail,
)
from cashier.readers.framing import ACK, EOT, ETX, NAK, STX, DelimitedXor, Frame

NAME = "siso_pinpad"
SI, SO = 0x0F, 0x0E
MESSAGE = b"06"
UNSET = b"0" * 12


def codec() -> DelimitedXor:
    """A frame's body is message id and text."""
    return DelimitedXor({SI: SO, STX: ETX}, seven_bits=True)


SERIAL = codec().encode(MESSAGE, start=SI)


def _judge(frame: Frame) -> Answer | None:
    if frame.raw[0] != SI or not frame.body.startswith(MESSAGE):
        return None
    text = frame.body.removeprefix(MESSAGE)
    said = b"" if text == UNSET else text
    serial = clean(said)
    return identified(Identity(NAME, serial=serial), serial_detail(serial, bool(said)))


def _script() -> Script:
    return ask_with_ack(SERIAL, _judge)


FAMILY = Family(
    name=NAME,
    title="PIN pad (SI/SO packets)",
    line=Line(1_200, bits=7, parity="E"),
    commands=frozenset({SERIAL, bytes((ACK,)), bytes((NAK,)), bytes((EOT,))}),
    codec=codec,
    script=_script,
    announces="The pad shows its serial number on its display.",
    experimental=True,
)
