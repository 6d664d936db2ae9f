"""Measurements run with `--bench` alone: they take minutes, and a busy machine makes them fail."""

import pytest


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> None:
    """Skips the test unless `--bench` was given."""
    if not request.config.getoption("bench"):
        pytest.skip("a measurement: runs with --bench, on an idle machine")
