"""Each codec fed with what it was not made for: no error, no hang, no growth. `--long`: a million each."""

import random
import tracemalloc

import pytest

from cashier.readers.families import FAMILIES
from cashier.readers.family import Family
from cashier.readers.framing import CAP, Frame

from .conftest import GOLDEN

GROWTH_MAX = 64 * 1024


def inputs(family: Family, count: int, chance: random.Random) -> "list[bytes]":
    """Golden frames, cut, flipped, joined, and noise of the bytes that mean something."""
    golden = [frame.data for frame in GOLDEN if frame.family == family.name]
    special = bytes(
        (0x00, 0x01, 0x02, 0x03, 0x04, 0x06, 0x0E, 0x0F, 0x15, 0x1C, 0x40, 0xC0, 0xDB, 0xDC, 0xFF)
    )
    made = []
    for _ in range(count):
        kind = chance.randrange(5)
        data = bytearray(chance.choice(golden))
        if kind == 0:
            data = bytearray(chance.randbytes(chance.randrange(40)))
        elif kind == 1:
            data = bytearray(chance.choices(special, k=chance.randrange(40)))
        elif kind == 2:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        elif kind == 3:
            del data[chance.randrange(len(data)) :]
        made.append(bytes(data))
    return made


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_no_error_no_hang_no_growth(family: Family, long: bool) -> None:
    batch, batches = 5_000, 200 if long else 2
    chance = random.Random(family.name)
    codec = family.codec()
    found = 0

    def run() -> None:
        nonlocal found
        for data in inputs(family, batch, chance):
            frames: list[Frame] = codec.feed(data)
            if chance.random() < 0.05:
                frames += codec.gap()
            found += sum(1 for frame in frames if frame.body)
            assert codec.held <= CAP

    run()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(batches - 1):
            run()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < GROWTH_MAX
    assert found > batch * batches // 100  # frames among it were still found
