"""PAX terminals with POSLINK: S300, A920, IM30 and their kind.

Source: Global Payments' public .NET SDK (TerminalUtilities, PaxTcpInterface, InitializeResponse and its
tests). `02 A00 1C version 1C 03 LRC`, LRC over all but the start. Reply `02 status 1C A01 1C version 1C
code 1C text 1C serial [1C more] 03 LRC`. Terminals may put 00 bytes between others.
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
    refused,
)
from cashier.readers.framing import ACK, EOT, ETX, NAK, STX, DelimitedXor, Frame

NAME = "pax_poslink"
_FS = b"\x1c"
OK = b"000000"


def codec() -> DelimitedXor:
    """A frame's body is the text between start and end."""
    return DelimitedXor({STX: ETX}, filler=b"\0")


INITIALIZE = codec().encode(_FS.join((b"A00", b"1.35", b"")))


def _judge(frame: Frame) -> Answer | None:
    fields = frame.body.split(_FS)
    if len(fields) < 4 or fields[1] != b"A01":
        return None
    code = fields[3]
    if code != OK:
        return refused(f"code {code.decode()}" if len(code) == 6 and code.isdigit() else "an error code")
    if len(fields) < 6:
        return None
    return identified(Identity(NAME, serial=clean(fields[5]), model=clean(fields[6]) if fields[6:] else ""))


def _script() -> Script:
    return ask_with_ack(INITIALIZE, _judge)


FAMILY = Family(
    name=NAME,
    title="PAX (POSLINK)",
    line=Line(9_600),
    commands=frozenset({INITIALIZE, bytes((ACK,)), bytes((NAK,)), bytes((EOT,))}),
    codec=codec,
    script=_script,
    announces="The terminal may draw its idle screen anew.",
)
