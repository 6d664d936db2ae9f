"""Fixtures of the user interface's tests. Qt WebEngine is imported only by the tests that ask for it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.ui.desk import Desk
from tests.ui.guarded import Form
from tests.ui.hostile_site import FOREIGN_HOST, GATEWAY_HOST, HostileSite
from tests.ui.machine import SETTINGS, Machine

if TYPE_CHECKING:
    from tests.ui.payment_harness import Watched


@pytest.fixture
def site() -> Iterator[HostileSite]:
    """What stands for the gateway."""
    with HostileSite(GATEWAY_HOST) as running:
        yield running


@pytest.fixture
def foreign() -> Iterator[HostileSite]:
    """A host that is none of the gateway's."""
    with HostileSite(FOREIGN_HOST) as running:
        yield running


@pytest.fixture
def watched(qtbot: QtBot, site: HostileSite) -> "Iterator[Watched]":
    """A payment view that may show `site` and knows one return URL."""
    from tests.ui.payment_harness import Watched, training

    watching = Watched(qtbot, training(site, "https://permits.example.org/return"))
    yield watching
    watching.view.close_page()


@pytest.fixture
def form(qtbot: QtBot) -> Form:
    """A window with a swipe guard and one of everything that takes keys."""
    return Form(qtbot)


@pytest.fixture
def desk(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[Desk]:
    """A counter of the window tests; the application's look is put back after it."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    font, palette = qapp.font(), qapp.palette()
    made = Desk(qtbot, qapp, tmp_path, loop)
    yield made
    made.close()
    asyncio.set_event_loop(None)
    loop.close()
    qapp.setStyleSheet("")
    qapp.setPalette(palette)
    qapp.setFont(font)


@pytest.fixture
def machine(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[Machine]:
    """A machine with a settings file; the application's look is put back after it."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    font, palette = qapp.font(), qapp.palette()
    made = Machine(qtbot, qapp, tmp_path, loop)
    made.file.write_text(SETTINGS, encoding="utf-8")
    yield made
    made.clean_up()
    asyncio.set_event_loop(None)
    loop.close()
    qapp.setStyleSheet("")
    qapp.setPalette(palette)
    qapp.setFont(font)
