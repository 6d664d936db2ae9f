"""Shared by every test. The environment is set first: nothing of Qt may be imported before it.

Tests are training: no card is real. Chromium's sandbox stays on for a normal user and is off only for root.
"""

import gc
import os
import shutil
import signal
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import hypothesis
import pytest

from cashier import environment
from tests.helpers import memory_disk

if TYPE_CHECKING:
    from tests.helpers.postgres import PostgresServer

# Thousands of windows and hubs are a large heap: looking all of it through as often as a small one would be
# a tenth of the whole run.
gc.set_threshold(100_000, 20, 50)

# No test judges by the clock. A failure prints what brings it back; nothing is kept from run to run.
hypothesis.settings.register_profile("tests", database=None, deadline=None, print_blob=True)
hypothesis.settings.load_profile("tests")

environment.clean(os.environ, training=True, is_root=environment.is_root())
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["QTWEBENGINE_CHROMIUM_FLAGS"] = "--disable-gpu"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--long",
        action="store_true",
        help="give tests that repeat something (kill -9 of the hub, power cuts) their full numbers: minutes",
    )
    parser.addoption(
        "--bench", action="store_true", help="run the measurements of tests/bench, which want an idle machine"
    )


def pytest_configure(config: pytest.Config) -> None:
    # A shell starts what runs in the background with interrupts ignored, and so would be every program that a
    # test interrupts.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # What is measured is measured on the real disk.
    if not config.getoption("bench") and (folder := memory_disk.use()) is not None:
        config.add_cleanup(partial(shutil.rmtree, folder, ignore_errors=True))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is long on purpose is not stopped for it."""
    if config.getoption("long") or config.getoption("bench"):
        for item in items:
            item.add_marker(pytest.mark.timeout(0))


@pytest.fixture(scope="session")
def long(request: pytest.FixtureRequest) -> bool:
    """Whether to repeat things as often as they are to be repeated once in a while, instead of always."""
    return bool(request.config.getoption("long"))


@pytest.fixture(scope="session")
def postgres() -> "Iterator[PostgresServer]":
    """One PostgreSQL server for all tests that want one. Fails, never skips, where it is not installed."""
    from tests.helpers.postgres import PostgresServer

    with PostgresServer.started() as server:
        yield server
