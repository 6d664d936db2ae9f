"""What a family of readers is, and the conversations that the families share.

A family's probe is a script: a generator that yields what to send and how long to listen, and is sent what
was heard. It knows no port and no clock, ends by itself when it hears nothing, and may send nothing but its
family's commands, which are data.
"""

import re
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Literal, TypeVar

from cashier.readers.framing import ACK, EOT, NAK, Codec, Frame

TRIES = 3
WAIT_S = 0.6

TEXT_MAX = 40
_SEPARATED_DIGITS = r"[ \-]?[0-9]"


class Outcome(StrEnum):
    """How a probe ends."""

    IDENTIFIED = "identified"
    NOT_ANSWERING = "not answering"
    REFUSED = "answers but refused"
    DISCONNECTED = "disconnected"
    BUSY = "busy"


@dataclass(frozen=True, slots=True)
class Line:
    """How a serial line is set. `dtr` and `rts` are set before the port is opened."""

    baud: int
    bits: Literal[7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    rtscts: bool = False
    dtr: bool = True
    rts: bool = True


@dataclass(frozen=True, slots=True)
class Identity:
    """What a reader says that it is. What it does not say is empty, or None.

    `clear_tracks` is True for a reader that emits card data unencrypted.
    """

    family: str
    model: str = ""
    serial: str = ""
    firmware: str = ""
    clear_tracks: bool | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """How a script ends. `detail` is for a person and quotes nothing that came but a status."""

    outcome: Outcome
    identity: Identity | None = None
    detail: str = ""


class Heard(Enum):
    """What was heard when it was no frame."""

    SILENCE = "nothing, for as long as the step allowed"
    DAMAGE = "a frame that was not in order"


@dataclass(frozen=True, slots=True)
class Step:
    """Send `command` and listen for up to `wait_s` seconds; without a command, go on listening."""

    command: bytes = b""
    wait_s: float = WAIT_S


GO_ON = Step()

Script = Generator[Step, Frame | Heard, Answer]
T = TypeVar("T")
Exchange = Generator[Step, Frame | Heard, T]


@dataclass(frozen=True)
class Family:
    """A family of readers that can be asked what they are.

    `commands` is everything that may ever be sent to one, byte for byte. `announces` says what a probe
    visibly does, "" for nothing; it is told before anything is sent. `gap_s` is the silence that ends a
    frame. What is `experimental` was built from documents that leave parts of the answer open.
    """

    name: str
    title: str
    line: Line
    commands: frozenset[bytes]
    codec: Callable[[], Codec] = field(repr=False)
    script: Callable[[], Script] = field(repr=False)
    announces: str = ""
    experimental: bool = False
    gap_s: float = 0.25


def identified(identity: Identity, detail: str = "") -> Answer:
    """The answer of a reader that was identified."""
    return Answer(Outcome.IDENTIFIED, identity, detail)


def refused(detail: str) -> Answer:
    """The answer of a reader that understands the question and does not answer it."""
    return Answer(Outcome.REFUSED, None, detail)


def serial_detail(serial: str, is_set: bool) -> str:
    """What to say about a serial number that is empty: never set, or not fit to be shown."""
    if serial:
        return ""
    return "what it tells as its serial number is none" if is_set else "no serial number set"


SILENT = Answer(Outcome.NOT_ANSWERING)


def ask(
    commands: tuple[bytes, ...], judge: Callable[[Frame], T | None], wait_s: float = WAIT_S
) -> Exchange[T | None]:
    """Send each command in turn until `judge` makes something of a frame; what it leaves is None.

    A frame that it makes nothing of (unsolicited, late, of something else) is passed over.
    """
    for command in commands:
        heard = yield Step(command, wait_s)
        while heard is not Heard.SILENCE:
            if isinstance(heard, Frame):
                judged = judge(heard)
                if judged is not None:
                    return judged
            heard = yield GO_ON
    return None


def ask_with_ack(command: bytes, judge: Callable[[Frame], Answer | None]) -> Script:
    """Ask a terminal that acknowledges: command, its ACK, its frame, our ACK, its EOT.

    Every frame is acknowledged, a damaged one with NAK; then the terminal sends it again. After a NAK of the
    command, or an EOT before an answer (it may be a late one), it is asked again; after the third it has
    refused. Its ACK may be missing, or come late.
    """
    end = refused("the terminal does not accept the question")
    naks = damaged = 0
    for _ in range(TRIES):
        heard = yield Step(command)
        while heard is not Heard.SILENCE:
            reply = b""
            if heard is Heard.DAMAGE and damaged < TRIES:
                damaged += 1
                reply = bytes((NAK,))
            elif isinstance(heard, Frame) and heard.body:
                answer = judge(heard)
                if answer is not None:
                    yield Step(bytes((ACK,)), 0.2)  # and its EOT, or not
                    return answer
                reply = bytes((ACK,))
            elif isinstance(heard, Frame) and heard.control in (NAK, EOT):
                naks += 1
                break
            heard = yield Step(reply) if reply else GO_ON
    if naks < TRIES:
        return SILENT if not naks else end
    yield Step(bytes((EOT,)), 0.0)
    return end


def clean(data: bytes, digits_max: int = 12) -> str:
    """The text of a field: printable ASCII, trimmed, at most TEXT_MAX characters.

    Empty when it has more than `digits_max` digits in a row, with or without spaces and dashes: nothing that
    could be a card number is taken over from a reader, not even a part of it.
    """
    text = "".join(chr(byte) if 0x20 <= byte < 0x7F else " " for byte in data)
    if re.search(rf"[0-9](?:{_SEPARATED_DIGITS}){{{digits_max}}}", text):
        return ""
    return " ".join(text.split())[:TEXT_MAX]
