"""Ingenico terminals with RBA: iPP320, iPP350, Lane. Experimental.

Source: public drivers and users of RBA; the manual itself is confidential and was not used. `02 07. 03
LRC`, the LRC over all but the start; every frame of the terminal is acknowledged, or it comes again. Of the
reply the order of the fields is known, not what separates them: without separators only the text as a whole
is told.
"""

from cashier.readers.family import Answer, Family, Identity, Line, Script, ask_with_ack, clean, identified
from cashier.readers.framing import ACK, EOT, ETX, NAK, STX, DelimitedXor, Frame

NAME = "ingenico_rba"
MESSAGE = b"07."
_FS = b"\x1c"
#: In the raw text nothing of twelve digits in a row is told.
DIGITS_MAX = 11


def codec() -> DelimitedXor:
    """A frame's body is the text between start and end."""
    return DelimitedXor({STX: ETX})


UNIT_DATA = codec().encode(MESSAGE)


def _judge(frame: Frame) -> Answer | None:
    if not frame.body.startswith(MESSAGE):
        return None
    text = frame.body.removeprefix(MESSAGE)
    # Manufacturer, device, serial, RAM, flash, digitizer, security module, operating system, application.
    fields = [clean(part, DIGITS_MAX) for part in text.split(_FS)]
    if len(fields) < 3:
        return identified(
            Identity(NAME, model=clean(text, DIGITS_MAX)), "the serial number is not told apart"
        )
    return identified(
        Identity(NAME, model=fields[1], serial=fields[2], firmware=fields[8] if fields[8:] else "")
    )


def _script() -> Script:
    return ask_with_ack(UNIT_DATA, _judge)


FAMILY = Family(
    name=NAME,
    title="Ingenico (RBA)",
    line=Line(115_200),
    commands=frozenset({UNIT_DATA, bytes((ACK,)), bytes((NAK,)), bytes((EOT,))}),
    codec=codec,
    script=_script,
    experimental=True,
)
