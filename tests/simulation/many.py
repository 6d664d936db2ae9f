"""Many worlds at once: over all processors, until the seeds or the time are used up."""

import itertools
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context
from os import cpu_count

from tests.simulation.scenario import scenario_of
from tests.simulation.world import Outcome, Violation, simulate


@dataclass(frozen=True)
class Broken:
    """A world in which the auditor found something: what to print."""

    seed: int
    sentence: str
    text: str


def one(seed: int, days: int | None = None) -> Outcome | Broken:
    """One world, in any process."""
    try:
        return simulate(seed, scenario_of(seed, days))
    except Violation as violation:
        return Broken(seed, violation.sentence, str(violation))


def many(
    seeds: Iterable[int], limit_s: float, processes: int | None = None, least: int = 0
) -> Iterator[Outcome | Broken]:
    """Worlds as they end. After `limit_s` seconds no new one is begun, once `least` were."""
    count = processes or cpu_count() or 1
    until = time.monotonic() + limit_s
    waiting = iter(seeds)
    with ProcessPoolExecutor(count, mp_context=get_context("forkserver")) as pool:
        running = {pool.submit(one, seed) for seed in itertools.islice(waiting, count * 2)}
        begun = len(running)
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
                is_time = time.monotonic() < until or begun < least
                if is_time and (seed := next(waiting, None)) is not None:
                    begun += 1
                    running.add(pool.submit(one, seed))
