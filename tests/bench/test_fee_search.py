"""Finding a fee as it is typed, against a bare look for the same letters in every name.

    .venv/bin/python -m pytest tests/bench/test_fee_search.py --bench -s

A key stroke has 50 ms for everything; what is compared is each round's ratio, in one interleaved run.
"""

import datetime as dt
import statistics
import time
from pathlib import Path

import pytest

from cashier.domain.fees import search
from cashier.schedules import find
from tests.test_schedules import flat, write

FEES, ROUNDS = 2_000, 200
TYPED = "word1999"

pytestmark = pytest.mark.usefixtures("bench")


def test_finding_a_fee_against_a_bare_look_through_the_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fees = "".join(flat(f"fee-{n}", f'search_words = ["word{n}", "shared"]\n') for n in range(FEES))
    write(tmp_path, "town.toml", "", fees)
    town = find("town", tmp_path, dt.date(2026, 2, 3))
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        found = search(town, TYPED)
        ours.append(time.perf_counter() - start)
        assert [one.code for one in found] == ["fee-1999"]
        start = time.perf_counter()
        looked = [fee for fee in town.fees if TYPED in " ".join((fee.code, fee.name)).casefold()]
        bare.append(time.perf_counter() - start)
        assert looked == []  # none has it in its name
    ratio = statistics.median(a / b for a, b in zip(ours, bare, strict=True))
    with capsys.disabled():
        print(
            f"\nfinding among {FEES} fees: {statistics.median(ours) * 1000:.2f} ms, a bare look at all "
            f"names {statistics.median(bare) * 1000:.2f} ms: {ratio:.2f} times"
        )
    assert ratio <= 5
