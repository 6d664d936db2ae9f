"""Fixtures of the tests that pull the plug on copies of journals."""

from collections.abc import Callable, Iterator

import pytest

from cashier.hub.serve import RunningHub
from tests.durability.copies import MASTER, SEED, Tally


@pytest.fixture
def tally(long: bool, capsys: pytest.CaptureFixture[str]) -> Callable[[str], Tally]:
    """Chooses steps, by the name of what is done."""
    return lambda name: Tally(name, SEED, long, capsys)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """A hub for the tests of a module."""
    with RunningHub(f"sqlite:///{tmp_path_factory.mktemp('hub')}/hub.db", MASTER) as running:
        yield running
