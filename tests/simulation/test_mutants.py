"""Every planted bug is caught by the auditor, on seeds on which the product itself passes."""

import pytest

from tests.simulation.mutant import Mutant
from tests.simulation.mutants import MUTANTS
from tests.simulation.scenario import SCENARIOS
from tests.simulation.world import Violation, simulate

_NAMED = {scenario.name: scenario for scenario in SCENARIOS}
#: Worlds in which each bug has to show.
SEEDS = range(1, 13)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_auditor_catches(mutant: Mutant, capsys: pytest.CaptureFixture[str]) -> None:
    scenario = _NAMED[mutant.world]
    for seed in SEEDS:
        try:
            simulate(seed, scenario, mutant)
        except Violation as violation:
            if _breaks(seed, mutant.world):
                continue  # this seed says nothing of the mutant: the product itself does not pass it
            with capsys.disabled():
                print(f"\n{mutant.name}: seed {seed} ({scenario.name}): {violation.sentence}", end=" ")
            return
    pytest.fail(f"{mutant.name} was not caught in {len(SEEDS)} worlds that the product passes")


def _breaks(seed: int, world: str) -> str:
    """What the auditor says of the product itself."""
    try:
        simulate(seed, _NAMED[world])
    except Violation as violation:
        return violation.sentence
    return ""


def test_there_are_at_least_twelve() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 12
