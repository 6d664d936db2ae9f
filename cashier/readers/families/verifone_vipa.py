"""Verifone terminals with VIPA: P200, P400, UX300 and their kind.

Source: two public, unrelated drivers. `NAD PCB LEN data LRC` at 57600 8N1. RESET DEVICE with P2 = 01
answers with `EE { DF0D model, 9F1E serial } 90 00`, in several packets when bit 0 of PCB is set; of two EE
templates the first counts. The other bits of P2 are documented in contradiction, P1 = 01 reboots: neither
is ever sent.
"""

from cashier.readers.family import (
    GO_ON,
    SILENT,
    Answer,
    Exchange,
    Family,
    Heard,
    Identity,
    Line,
    Script,
    Step,
    clean,
    identified,
    refused,
)
from cashier.readers.framing import CAP, Frame, Vipa

NAME = "verifone_vipa"
RESET_WITH_SERIAL = Vipa.encode(b"\xd0\x00\x00\x01")
OK = b"\x90\x00"
#: A reset takes the terminal a moment, and each one is seen: two tries.
TRIES = 2
WAIT_S = 1.2


def tlv(data: bytes) -> dict[bytes, bytes] | None:
    """The values of BER tags, the first of each; None unless the lengths come out even."""
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(data):
        size = 2 if data[at] & 0x1F == 0x1F else 1
        tag, head = data[at : at + size], data[at + size : at + size + 1]
        if not head or head[0] == 0x80 or head[0] > 0x82:
            return None
        more = head[0] - 0x80 if head[0] > 0x80 else 0
        start = at + size + 1 + more
        length = int.from_bytes(data[start - more : start], "big") if more else head[0]
        at = start + length
        if at > len(data) or start > len(data):
            return None
        found.setdefault(tag, data[start:at])
    return found


def _judge(reply: bytes) -> Answer | None:
    data, status = reply[:-2], reply[-2:]
    if status != OK:
        return refused(f"status {status.hex().upper()}")
    template = (tlv(data) or {}).get(b"\xee")
    values = tlv(template) if template is not None else None
    if values is None:
        return None  # the answer to something else: a key was pressed, a card was put in
    serial, model = values.get(b"\x9f\x1e", b""), values.get(b"\xdf\x0d", b"")
    return identified(Identity(NAME, model=clean(model), serial=clean(serial)))


def _replies() -> Exchange[Answer | None]:
    """Packets are joined into replies until one is the answer."""
    joined = b""
    heard = yield Step(RESET_WITH_SERIAL, WAIT_S)
    while heard is not Heard.SILENCE:
        if heard is Heard.DAMAGE:
            joined = b""
        elif isinstance(heard, Frame) and heard.body:
            joined = (joined + heard.body[1:])[: CAP + 1]
            if len(joined) > CAP:
                return None
            if not heard.body[0] & 0x01:
                answer = _judge(joined)
                if answer is not None:
                    return answer
                joined = b""
        heard = yield GO_ON
    return None


def _script() -> Script:
    for _ in range(TRIES):
        answer = yield from _replies()
        if answer is not None:
            return answer
    return SILENT


FAMILY = Family(
    name=NAME,
    title="Verifone (VIPA)",
    line=Line(57_600),
    commands=frozenset({RESET_WITH_SERIAL}),
    codec=Vipa,
    script=_script,
    announces="The terminal's screen is reset, a transaction in progress on it is aborted, and it may beep.",
    gap_s=0.1,
)
