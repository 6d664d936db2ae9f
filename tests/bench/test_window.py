"""How long the window stands still while thousands of entries are sent over a line that fails.

    .venv/bin/python -m pytest tests/bench/test_window.py --bench -s

The window, and what it talks to, are processes of their own, so that only its own work counts.
"""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROUNDS = 5
ENTRIES = 10_000 // int(os.environ.get("CASHIER_BENCH_SHARE", "1"))
STALL_MAX_MS = 50


def started(module: str, *words: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", f"tests.bench.{module}", *map(str, words)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.usefixtures("bench")
def test_the_window_while_thousands_of_entries_are_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    longest = []
    for seed in range(ROUNDS):
        folder = tmp_path / str(seed)
        folder.mkdir()
        with started("office", folder, seed) as office, started("window", folder, ENTRIES) as window:
            try:
                assert office.stdout is not None
                said, _ = window.communicate(office.stdout.readline())
                hub = json.loads(office.communicate()[0])
            finally:
                window.kill()
                office.kill()
        told = json.loads(said)
        assert told["owed"] >= ENTRIES
        assert (hub["kept"], hub["fault"]) == (told["recorded"], None)
        longest.append(told["longest_ms"][-1])
        with capsys.disabled():
            print(
                f"\n{told['owed']} entries in {told['seconds']:.1f} s, line {hub['fates']}: longest stalls "
                f"{', '.join(f'{ms:.0f}' for ms in reversed(told['longest_ms']))} ms, p99 "
                f"{told['p99_ms']:.1f} ms; at work at most {told['busy_ms']:.0f} ms between two ticks; "
                f"with nothing to do {told['idle_ms']:.0f} ms"
            )
    with capsys.disabled():
        print(f"the window's longest stall: {statistics.median(longest):.0f} ms, median of {ROUNDS} runs")
    assert statistics.median(longest) <= STALL_MAX_MS
