"""The golden frames, and a script played without a port."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from cashier.readers.families import FAMILIES
from cashier.readers.family import Answer, Family, Heard
from cashier.readers.framing import Frame

RESOURCES = Path(__file__).parent.parent.parent / "resources" / "readers"
BY_NAME = {family.name: family for family in FAMILIES}
#: What the golden frames call a family, where it is not its name.
_FAMILY_OF = {"magtek_mms_slip": "magtek_mms"}


@dataclass(frozen=True)
class Golden:
    """A frame as it is printed in a source, or built from its rule."""

    family: str
    name: str
    data: bytes

    def __str__(self) -> str:
        return f"{self.family}-{self.name}"


def _load() -> tuple[Golden, ...]:
    rows = json.loads((RESOURCES / "frames.json").read_text(encoding="utf-8"))
    return tuple(
        Golden(_FAMILY_OF.get(row["family"], row["family"]), row["name"], bytes.fromhex(row["hex"]))
        for row in rows
    )


ALL_GOLDEN = _load()
#: Those that are frames on a serial line of a family of ours.
GOLDEN = tuple(golden for golden in ALL_GOLDEN if golden.family in BY_NAME)


@pytest.fixture(scope="session")
def golden() -> Mapping[str, bytes]:
    """Golden frames by `family-name`."""
    return {str(frame): frame.data for frame in ALL_GOLDEN}


def decoded(family: Family, data: bytes) -> list[Frame]:
    """All frames of a stream after which the line is silent."""
    codec = family.codec()
    return codec.feed(data) + codec.gap()


def bodies(family: Family, data: bytes) -> list[bytes]:
    """Their bodies; control bytes have none."""
    return [frame.body for frame in decoded(family, data) if frame.body]


def play(family: Family, *replies: bytes) -> tuple[Answer, list[bytes]]:
    """Play a probe: the nth question is answered with the nth reply. The answer, and all that was sent."""
    script, left, sent = family.script(), list(replies), []
    heard: list[Frame | Heard] = []
    step = next(script)
    while True:
        if len(step.command) > 1:
            heard = list(decoded(family, left.pop(0))) if left else []
        if step.command:
            sent.append(step.command)
        try:
            step = script.send(heard.pop(0) if heard else Heard.SILENCE)
        except StopIteration as end:
            return end.value, sent
