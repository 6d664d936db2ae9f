"""A window with a payment view in it, as the tests drive and watch it.

`runJavaScript` is used by tests only: the product never runs a script in a payment page.
"""

import json
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWebEngineCore import (
    QWebEnginePage,
)
from PySide6.QtWebEngineWidgets import QWebEngineView
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from cashier.ui.lockdown import SealedPage
from cashier.ui.payment_view import PaymentView
from cashier.ui.top_level_policy import Blocked, TopLevelPolicy
from tests.ui.hostile_site import HostileSite

WAIT_MS = 20_000
"""Far more than any step takes, for machines under load; nothing waits that long unless it fails."""

BIG_BUTTON = '<button style="position:fixed;inset:0" onclick="document.forms[0].submit()">pay</button>'
BIG_LINK = '<a style="position:fixed;inset:0;font-size:40px" href="{href}" {more}>go</a>'


class Watched:
    """A payment view in a window of its own, and everything it has told."""

    def __init__(self, qtbot: QtBot, policy: TopLevelPolicy) -> None:
        self.qtbot = qtbot
        self.window = QWidget()
        self.before = QPushButton("before", self.window)
        self.view = PaymentView(policy, self.window)
        self.after = QPushButton("after", self.window)
        layout = QVBoxLayout(self.window)
        for widget in (self.before, self.view, self.after):
            layout.addWidget(widget)
        self.loaded: list[bool] = []
        self.returned = 0
        self.submitted = 0
        self.died: list[str] = []
        self.blocked: list[tuple[str, str]] = []
        self.view.loaded.connect(self.loaded.append)
        self.view.returned.connect(self._count_return)
        self.view.submitted.connect(self._count_submit)
        self.view.renderer_died.connect(self.died.append)
        self.view.blocked.connect(lambda kind, host: self.blocked.append((kind, host)))
        qtbot.addWidget(self.window)
        self.window.resize(500, 400)
        with qtbot.waitActive(self.window, timeout=WAIT_MS):
            self.window.show()
            self.window.activateWindow()

    def _count_return(self) -> None:
        self.returned += 1

    def _count_submit(self) -> None:
        self.submitted += 1

    def wait(self, condition: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(condition, timeout=WAIT_MS)

    def open(self, url: str) -> None:
        """Open and wait until the page is loaded."""
        with self.qtbot.waitSignal(self.view.loaded, timeout=WAIT_MS) as waiting:
            self.view.open(url)
        assert waiting.args == [True]
        self.wait(self.window.isActiveWindow)

    def wait_blocked(self, kind: Blocked, host: str, times: int = 1) -> None:
        self.wait(lambda: self.blocked.count((kind.value, host)) >= times)

    @property
    def page(self) -> SealedPage:
        page = self.view.findChild(SealedPage)
        assert page is not None
        return page

    @property
    def web(self) -> QWebEngineView:
        web = self.view.findChild(QWebEngineView)
        assert web is not None
        return web

    @property
    def keys(self) -> QWidget:
        """What takes keys and clicks for Chromium."""
        inner = self.web.focusProxy()
        assert inner is not None
        return inner

    @property
    def is_gone(self) -> bool:
        """Neither page nor web view exists any more."""
        return self.view.findChild(QWebEngineView) is None and self.view.findChild(SealedPage) is None

    @property
    def notice(self) -> str:
        """The words in place of the page; empty while the page shows."""
        label = self.view.findChild(QLabel)
        assert label is not None
        return label.text() if label.isVisible() else ""

    def script(self, source: str) -> Any:
        return script(self.qtbot, self.page, source)

    def wait_ready(self) -> None:
        """Chromium drops keys and clicks until the page has been on screen; press Shift until one arrives."""
        self.script("(window.heard = false, addEventListener('keydown', () => window.heard = true))")

        def is_heard() -> bool:
            QTest.keyClick(self.keys, Qt.Key.Key_Shift)
            return self.script("window.heard") is True

        self.wait(is_heard)

    def type(self, text: str) -> None:
        self.wait_ready()
        QTest.keyClicks(self.keys, text)

    def click(self) -> None:
        """Click what covers the whole page."""
        self.wait_ready()
        QTest.mouseClick(self.keys, Qt.MouseButton.LeftButton, pos=QPoint(60, 60))


def script(qtbot: QtBot, page: QWebEnginePage, source: str) -> Any:
    answers: list[str] = []
    page.runJavaScript(f"JSON.stringify({source} ?? null)", answers.append)
    qtbot.waitUntil(lambda: bool(answers), timeout=WAIT_MS)
    return json.loads(answers[0])


def training(site: HostileSite, return_url: str | None = None) -> TopLevelPolicy:
    return TopLevelPolicy.of([site.origin], return_url, training=True)
