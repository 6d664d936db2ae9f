"""ID TECH ITP: SecureMag, SecureHead, iMag, Augusta in keyboard mode.

Source: ID TECH, SecureMag manual pp. 15-19; iMag manual p. 7; SecureHead manual section 3.6. Command
`02 52 id 03 LRC`, reply `06` and `02 id length data 03 LRC`; the LRC is over all before it, start included.
Factory line settings are not documented: 9600 8N1 is common.
"""

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
from cashier.readers.framing import ACK, ETX, NAK, STX, DelimitedXor, Frame

NAME = "idtech_itp"
READ, WRITE = 0x52, 0x53
SERIAL_ID, FIRMWARE_ID, ENCRYPTION_ID = 0x4E, 0x22, 0x4C
CLEAR = b"0"
#: On a serial line, on a USB keyboard line.
NAKS = (NAK, 0xFD)
UNKNOWN_ID, IN_POS_MODE = 0x16, 0x17


def _sizes(begin: bytes) -> tuple[int, ...]:
    """How long a text may be: `52 id`, `53 id length data`, or of a reply `id length data`."""
    if len(begin) < 3:
        return ()
    reply = 2 + begin[1]
    if begin[0] == READ:
        return (2, reply)
    return (3 + begin[2], reply) if begin[0] == WRITE else (reply,)


def codec() -> DelimitedXor:
    """A reply's body is id, length and data."""
    controls = bytes((ACK, *NAKS, UNKNOWN_ID, IN_POS_MODE))
    return DelimitedXor({STX: ETX}, lrc_of_start=True, controls=controls, sizes=_sizes)


def encode(function: int) -> bytes:
    """The command that reads a setting."""
    return codec().encode(bytes((READ, function)))


SERIAL, FIRMWARE, ENCRYPTION = encode(SERIAL_ID), encode(FIRMWARE_ID), encode(ENCRYPTION_ID)


def _ask(command: bytes, tries: int = TRIES) -> Exchange[bytes | int | None]:
    """The data of a setting, or the control byte that was the last answer."""
    function = command[2]

    def judge(frame: Frame) -> bytes | int | None:
        if frame.body[:1] == bytes((function,)) and frame.body[1:2] == bytes((len(frame.body) - 2,)):
            return frame.body[2:]
        return None if frame.control == ACK else frame.control

    last: bytes | int | None = None
    for _ in range(tries):
        exchange: Exchange[bytes | int | None] = ask((command,), judge)
        said = yield from exchange
        if isinstance(said, bytes) or said in (UNKNOWN_ID, IN_POS_MODE):
            return said
        if said is not None:
            last = said
    return last


def _script() -> Script:
    serial = yield from _ask(SERIAL)
    if serial is None:
        return SILENT
    if isinstance(serial, int) and serial != UNKNOWN_ID:
        return refused(
            "it is in POS mode" if serial == IN_POS_MODE else "the reader does not accept the question"
        )
    encryption = yield from _ask(ENCRYPTION, tries=2)
    firmware = yield from _ask(FIRMWARE, tries=1)
    if isinstance(serial, int) and not isinstance(encryption, bytes) and not isinstance(firmware, bytes):
        return refused("the reader knows none of the questions")
    identity = Identity(
        NAME,
        serial=clean(serial) if isinstance(serial, bytes) else "",
        firmware=clean(firmware) if isinstance(firmware, bytes) else "",
        clear_tracks=encryption == CLEAR if isinstance(encryption, bytes) else None,
    )
    return identified(identity, "card data leaves this reader unencrypted" if identity.clear_tracks else "")


FAMILY = Family(
    name=NAME,
    title="ID TECH ITP (SecureMag, SecureHead)",
    line=Line(9_600),
    commands=frozenset({SERIAL, FIRMWARE, ENCRYPTION}),
    codec=codec,
    script=_script,
)
