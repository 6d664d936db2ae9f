"""How an emulated card reader, or the line to it, can misbehave, and which family can do what."""

from enum import StrEnum

from cashier.sandbox.readers_wire import WIRES


class ReaderFault(StrEnum):
    """A way in which a reader, or the line to it, can misbehave. The value is the `--fault` name."""

    SPLIT = "split"
    TRICKLE = "trickle"
    BOOT_TEXT = "boot-text"
    BAD_CHECKSUM_ONCE = "bad-checksum-once"
    BAD_CHECKSUM = "bad-checksum"
    SILENT_ONCE = "silent-once"
    SILENT = "silent"
    REFUSED = "refused"
    SERIAL_UNSET = "serial-unset"
    CLEAR_TRACKS = "clear-tracks"
    UNPLUGGED = "unplugged"
    UNPLUGGED_MID_FRAME = "unplugged-mid-frame"
    GONE = "gone"
    BUSY = "busy"
    SWAPPED = "swapped"
    ECHO = "echo"
    ECHO_ONLY = "echo-only"
    DUPLICATE = "duplicate"
    FLOOD = "flood"
    ABSURD_LENGTH = "absurd-length"
    PAN_BURST = "pan-burst"
    PAN_FRAME = "pan-frame"
    PAN_SERIAL = "pan-serial"
    PAN_REFUSAL = "pan-refusal"
    NAK_ONCE = "nak-once"
    NAK_ALWAYS = "nak-always"
    ACK_MISSING = "ack-missing"
    ACK_LATE = "ack-late"
    EOT_MISSING = "eot-missing"
    REPEATS = "repeats"
    LRC_ACK = "lrc-06"
    LRC_NAK = "lrc-15"
    LRC_START = "lrc-02"
    LRC_END = "lrc-03"
    FILLER = "filler"
    PARITY = "parity"
    SLIP_BAD_ESCAPE = "slip-bad-escape"
    SLIP_TWO_ENDS = "slip-two-ends"
    CHAINED = "chained"
    CHAIN_UNFINISHED = "chain-unfinished"


_WITH_ACK = frozenset(
    {
        ReaderFault.ACK_MISSING,
        ReaderFault.ACK_LATE,
        ReaderFault.EOT_MISSING,
        ReaderFault.REPEATS,
    }
)
_WITH_NAK = frozenset({ReaderFault.NAK_ONCE, ReaderFault.NAK_ALWAYS})
LRCS = {
    ReaderFault.LRC_ACK: 0x06,
    ReaderFault.LRC_NAK: 0x15,
    ReaderFault.LRC_START: 0x02,
    ReaderFault.LRC_END: 0x03,
}
_OF_ONE = {
    ReaderFault.SERIAL_UNSET: ("idtech_neo", "idtech_itp", "siso_pinpad"),
    ReaderFault.CLEAR_TRACKS: ("idtech_itp",),
    ReaderFault.FILLER: ("pax_poslink",),
    ReaderFault.PARITY: ("siso_pinpad",),
    ReaderFault.SLIP_BAD_ESCAPE: ("magtek_mms",),
    ReaderFault.SLIP_TWO_ENDS: ("magtek_mms",),
    ReaderFault.CHAINED: ("verifone_vipa",),
    ReaderFault.CHAIN_UNFINISHED: ("verifone_vipa",),
    ReaderFault.PAN_REFUSAL: ("idtech_neo", "pax_poslink", "magtek_mms"),
}


def faults_of(family: str) -> tuple[ReaderFault, ...]:
    """The faults that a family's emulator can have."""
    wire = WIRES[family]
    left_out = {fault for fault, families in _OF_ONE.items() if family not in families}
    if not wire.acks:
        left_out |= _WITH_ACK
    if not wire.acks and family != "idtech_itp":
        left_out |= _WITH_NAK
    if not wire.delimited:
        left_out |= LRCS.keys()
    return tuple(fault for fault in ReaderFault if fault not in left_out)
