"""The finance office's page as a browser shows it: Chromium, the served pages, a person's sign-in."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from PySide6.QtCore import QUrl
from PySide6.QtPdf import QPdfDocument
from PySide6.QtWebEngineCore import QWebEnginePage, QWebEngineProfile
from PySide6.QtWebEngineWidgets import QWebEngineView
from pytestqt.qtbot import QtBot
from shiboken6 import delete

from cashier.hub.app import HubConfig
from cashier.hub.finance import FinanceStore
from cashier.hub.serve import RunningHub
from cashier.hub.store import HubStore
from cashier.hub_verbs import finance_office
from tests.helpers.site import two_tills
from tests.hub.test_hub_journals import told

MASTER, PASSWORD = b"a master secret for tests only, 40 bytes", "twelve wild geese"
NOW = datetime(2026, 2, 3, 20, tzinfo=UTC)
WAIT_MS = 20_000


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A hub with the day of two tills. By its name: Chromium takes a TLS-only cookie from this machine."""
    url = f"sqlite:///{tmp_path}/hub.db"
    config = HubConfig(url, MASTER, finance=finance_office())
    with RunningHub(url, MASTER, lambda: NOW, config=config) as hub:
        for till in two_tills():
            answer = httpx.post(
                f"{hub.url}/till/v1/sampletown/{till.till}/journal",
                json=told(till.rows),
                headers={"authorization": f"Bearer {hub.enrol('sampletown', till.till)}"},
            )
            assert answer.status_code == 200
        with HubStore(url) as beside:
            FinanceStore(beside.engine).set_password("sampletown", PASSWORD, NOW)
        yield f"{hub.url.replace('127.0.0.1', 'localhost')}/finance"


class Page(QWebEnginePage):
    """Remembers what the browser complains of, such as a style that the policy blocks."""

    def __init__(self, profile: QWebEngineProfile) -> None:
        super().__init__(profile)
        self.said: list[str] = []

    def javaScriptConsoleMessage(self, _level: object, text: str, _line: int, _source: str) -> None:
        self.said.append(text)


@pytest.fixture
def browser(qtbot: QtBot) -> Iterator[tuple[QWebEngineView, Page]]:
    """A browser that keeps nothing."""
    profile, view = QWebEngineProfile(), QWebEngineView()
    page = Page(profile)
    view.setPage(page)
    view.resize(1000, 1200)
    view.show()
    yield view, page
    for thing in (view, page, profile):
        delete(thing)


def on_paper(qtbot: QtBot, page: Page, file: Path) -> str:
    """What the browser's own printing makes of the page: the text of all sheets."""
    with qtbot.waitSignal(page.pdfPrintingFinished, timeout=WAIT_MS) as done:
        page.printToPdf(str(file))
    assert done.args == [str(file), True]
    document = QPdfDocument()
    document.load(str(file))
    text = [document.getAllText(sheet).text() for sheet in range(document.pageCount())]
    document.close()
    return " ".join(" ".join(text).split())


def test_finance_office_signs_in_with_a_browser_and_sees_the_day(
    qtbot: QtBot, browser: tuple[QWebEngineView, Page], address: str, tmp_path: Path
) -> None:
    view, page = browser
    shown: list[str] = []

    def text() -> str:
        page.toPlainText(shown.append)
        return shown[-1] if shown else ""

    def fill_in(password: str) -> None:
        # Ours, by the browser's own means: the pages have no script.
        page.runJavaScript(
            "document.getElementById('site').value = 'sampletown';"
            f"document.getElementById('password').value = '{password}';"
            "document.querySelector('main form button').click()"
        )

    with qtbot.waitSignal(view.loadFinished, timeout=WAIT_MS):
        view.load(QUrl(address))
    with qtbot.waitSignal(view.loadFinished, timeout=WAIT_MS):
        fill_in("a wrong password")
    qtbot.waitUntil(lambda: "is not right" in text(), timeout=WAIT_MS)
    with qtbot.waitSignal(view.loadFinished, timeout=WAIT_MS):
        fill_in(PASSWORD)
    qtbot.waitUntil(lambda: "Daily receipts 2026-02-03, every till of sampletown" in text(), timeout=WAIT_MS)
    assert view.url().path() == "/finance"
    assert "till B: UNSYNCED, last heard" in shown[-1]
    assert "174.18" in shown[-1]
    printed = on_paper(qtbot, page, tmp_path / "printed.pdf")
    for wanted in (
        "Daily receipts 2026-02-03",
        "UNSYNCED: 1 of 2 tills",
        "Deposit together",
        "174.18",
        "Made 2026",
    ):
        assert wanted in printed
    for only_on_screen in ("Sign out", "Show", "CSV"):
        assert only_on_screen not in printed
    with qtbot.waitSignal(view.loadFinished, timeout=WAIT_MS):
        page.runJavaScript("document.querySelector('header button').click()")
    qtbot.waitUntil(lambda: "Password" in text(), timeout=WAIT_MS)
    assert page.said == [], "nothing was blocked: the policy fits the pages"
