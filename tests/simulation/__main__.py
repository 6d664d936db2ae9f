"""`python -m tests.simulation`: a seed again with its last steps, or many till-days and how fast they go."""

import argparse
import itertools
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

from tests.simulation import world
from tests.simulation.many import Broken, many
from tests.simulation.scenario import SCENARIOS, Scenario, scenario_of
from tests.simulation.world import Violation, simulate


def main() -> int:
    """Returns 1 when the auditor found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this world alone")
    parser.add_argument(
        "--days", type=int, help="working days of that world; without --seed: till-days in all"
    )
    parser.add_argument("--scenario", choices=[item.name for item in SCENARIOS], help="another kind of world")
    parser.add_argument("--real", action="store_true", help="journals and hub on SQLite")
    parser.add_argument("--trace", type=int, default=world.TRACE_LINES, help="last steps to print")
    parser.add_argument("--first", type=int, default=1, help="the first seed of many")
    given = parser.parse_args()
    if given.seed is None:
        return _many(given.days or 1000, given.first)
    return _one(given.seed, _scenario(given), given.trace)


def _scenario(given: argparse.Namespace) -> Scenario:
    chosen = scenario_of(given.seed, given.days)
    if given.scenario is not None:
        named = next(item for item in SCENARIOS if item.name == given.scenario)
        chosen = replace(named, days=given.days or named.days, real_stores=chosen.real_stores)
    return replace(chosen, real_stores=True) if given.real else chosen


def _one(seed: int, scenario: Scenario, trace: int) -> int:
    world.TRACE_LINES = trace
    try:
        print(simulate(seed, scenario))
    except Violation as violation:
        print(violation)
        return 1
    return 0


def _many(till_days: int, first: int) -> int:
    begun, done, broken, asked = time.monotonic(), 0, 0, 0

    def seeds() -> Iterator[int]:
        nonlocal asked
        for seed in itertools.count(first):
            if asked >= till_days:
                return
            scenario = scenario_of(seed)
            asked += scenario.days * scenario.tills
            yield seed

    for outcome in many(seeds(), 1e9):
        if isinstance(outcome, Broken):
            broken += 1
            print(f"seed {outcome.seed}: {outcome.sentence}")
        else:
            done += outcome.till_days
    took_s = time.monotonic() - begun
    print(f"{done} till-days in {took_s:.0f} s: {done / took_s * 60:.0f} a minute; {broken} worlds broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
