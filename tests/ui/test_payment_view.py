"""The payment view's life: opening, closing, coming back, dying (behaviours P16, P17)."""

import os
import signal
import subprocess
import sys

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtTest import QTest
from PySide6.QtWebEngineCore import (
    QWebEnginePage,
)
from PySide6.QtWebEngineWidgets import QWebEngineView
from pytestqt.qtbot import QtBot
from shiboken6 import delete

from cashier.domain.errors import Refused
from cashier.ui.lockdown import SealedPage
from cashier.ui.payment_view import PaymentView, chromium_versions
from cashier.ui.top_level_policy import Blocked, TopLevelPolicy
from tests.ui.hostile_site import FOREIGN_HOST, HostileSite, redirect
from tests.ui.payment_harness import BIG_BUTTON, BIG_LINK, WAIT_MS, Watched, training

SECURITY_PATCH_FLOOR = (155, 0)


def test_a_page_opens_with_one_request_and_takes_the_keyboard(watched: Watched, site: HostileSite) -> None:
    url = site.page("/pay", '<input id="name" autofocus>')
    watched.before.setFocus()
    with watched.qtbot.waitSignal(watched.view.loaded, timeout=WAIT_MS):
        watched.view.open(url)
        assert watched.view.is_open
        assert watched.notice == "Opening the payment page…"
    assert watched.notice == ""
    watched.wait(watched.keys.hasFocus)
    watched.type("Robin")
    watched.wait(lambda: watched.script('document.getElementById("name").value') == "Robin")
    # No icon, no prefetch, nothing beside the page itself.
    assert site.paths == ["/pay"]
    assert watched.blocked == []
    assert watched.loaded == [True]


def test_tab_goes_into_the_page_and_out_of_it(watched: Watched, site: HostileSite) -> None:
    watched.open(site.page("/pay", '<input id="one"><input id="two">'))
    watched.wait_ready()
    watched.before.setFocus()
    QTest.keyClick(watched.before, Qt.Key.Key_Tab)
    watched.wait(lambda: watched.script("document.activeElement.id") == "one")
    for _ in range(2):
        QTest.keyClick(watched.keys, Qt.Key.Key_Tab)
    watched.wait(watched.after.hasFocus)
    QTest.keyClick(watched.after, Qt.Key.Key_Backtab)
    watched.wait(lambda: watched.script("document.activeElement.id") == "two")
    watched.before.setFocus()
    watched.view.setFocus()
    assert watched.keys.hasFocus()


def test_the_view_has_accessible_names(watched: Watched, site: HostileSite) -> None:
    watched.open(site.page("/pay", "x"))
    assert watched.view.accessibleName()
    assert watched.web.accessibleName()


@pytest.mark.parametrize("url", ["http://127.0.0.2/pay", "file:///etc/hostname", "about:blank", "no url", ""])
def test_a_page_that_is_not_the_gateways_is_refused_before_anything_is_made(
    watched: Watched, url: str
) -> None:
    with pytest.raises(Refused, match="No money was taken"):
        watched.view.open(url)
    assert not watched.view.is_open
    assert watched.is_gone


def test_a_real_card_page_is_refused_where_the_sandbox_is_off(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QTWEBENGINE_DISABLE_SANDBOX", "1")
    view = PaymentView(TopLevelPolicy.of(["https://www.invoicecloud.com"], None))
    qtbot.addWidget(view)
    with pytest.raises(Refused, match="Card payments are off"):
        view.open("https://www.invoicecloud.com/pay")
    assert not view.is_open


def test_a_page_that_cannot_be_reached_says_so_and_nothing_of_failed_payments(qtbot: QtBot) -> None:
    with HostileSite() as gone:
        policy = training(gone)
    watched = Watched(qtbot, policy)
    watched.view.open(gone.origin + "/pay")
    watched.wait(lambda: watched.loaded == [False])
    assert "did not load" in watched.notice
    assert "Do not charge again" in watched.notice
    watched.view.close_page()


def test_a_closed_page_tells_nothing_more(watched: Watched, site: HostileSite) -> None:
    url = site.page("/pay", "x")
    watched.open(url)
    # What Chromium would ask in this very moment: it is noted, and told from the event loop.
    typed = QWebEnginePage.NavigationType.NavigationTypeTyped
    watched.page.javaScriptAlert(QUrl(url), "x")
    assert not watched.page.acceptNavigationRequest(QUrl("https://permits.example.org/return"), typed, True)
    watched.view.close_page()
    watched.view.close_page()
    assert not watched.view.is_open
    # A whole further page comes and goes: any word of the closed one would have come before its own.
    watched.open(url)
    assert watched.returned == 0
    assert watched.blocked == []
    assert watched.loaded == [True, True]


@pytest.mark.parametrize("way", ["close_page", "delete"])
def test_the_parts_are_deleted_in_the_order_that_does_not_crash(
    qtbot: QtBot, site: HostileSite, way: str
) -> None:
    gone: list[str] = []
    view = PaymentView(training(site))
    view.open(site.page("/pay", "x"))
    page, web = view.findChild(SealedPage), view.findChild(QWebEngineView)
    assert page is not None and web is not None
    page.profile().destroyed.connect(lambda: gone.append("profile"))
    page.destroyed.connect(lambda: gone.append("page"))
    web.destroyed.connect(lambda: gone.append("view"))
    if way == "close_page":
        view.close_page()
        qtbot.addWidget(view)
    else:
        delete(view)
    assert gone == ["page", "view", "profile"]


def test_ten_payments_one_after_the_other(watched: Watched, site: HostileSite) -> None:
    url = site.page("/pay", "<p>pay</p>")
    for turn in range(10):
        watched.open(url)
        if turn % 2:
            watched.view.close_page()
            assert watched.is_gone
    assert site.paths == ["/pay"] * 10


@pytest.mark.parametrize("ending", ["view.close_page()", "delete(view)", "del view", "pass"])
def test_the_process_ends_well_however_the_view_goes(site: HostileSite, ending: str) -> None:
    url = site.page("/pay", "x")
    code = f"""
from PySide6.QtWidgets import QApplication
from shiboken6 import delete
from cashier.ui.payment_view import PaymentView
from cashier.ui.top_level_policy import TopLevelPolicy
app = QApplication([])
view = PaymentView(TopLevelPolicy.of([{site.origin!r}], None, training=True))
view.show()
view.loaded.connect(app.quit)
view.open({url!r})
app.exec()
{ending}
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_what_is_posted_to_the_gateway_is_a_hint_and_to_anyone_else_none(
    watched: Watched, site: HostileSite, foreign: HostileSite
) -> None:
    fetches = f"""<script>
      fetch("{foreign.origin}/take", {{method: "POST", mode: "no-cors"}}).catch(() => 0)
    </script>"""
    watched.open(site.page("/pay", f'{fetches}<form method="post" action="/take"></form>{BIG_BUTTON}'))
    watched.wait_blocked(Blocked.RESOURCE, FOREIGN_HOST)
    assert watched.submitted == 0
    watched.click()
    watched.wait(lambda: watched.submitted > 0)
    watched.wait(lambda: watched.loaded == [True, True])
    assert watched.submitted == 1
    assert [(request.method, request.path) for request in site.seen] == [("GET", "/pay"), ("POST", "/take")]


@pytest.mark.parametrize("how", ["redirect", "link", "script"])
def test_p17_the_return_is_seen_once_and_never_requested(qtbot: QtBot, site: HostileSite, how: str) -> None:
    with HostileSite("localhost") as portal:
        watched = Watched(qtbot, training(site, portal.origin + "/return?juri=5"))
        target = portal.origin + "/return?juri=5&payment=1"
        if how == "redirect":
            site.pages["/done"] = redirect(target)
            url = site.page("/pay", BIG_LINK.format(href="/done", more=""))
        elif how == "link":
            url = site.page("/pay", BIG_LINK.format(href=target, more=""))
        else:
            leave = f"window.asked = 0; setInterval(() => {{ asked++; location = '{target}' }}, 20)"
            url = site.page("/pay", BIG_LINK.format(href="#", more=f'onclick="{leave}"'))
        watched.open(url)
        watched.click()
        watched.wait(lambda: watched.returned > 0)
        if how == "script":
            # It goes on asking; the till is told once.
            watched.wait(lambda: watched.script("window.asked") > 5)
        assert watched.returned == 1
        assert portal.seen == []
        assert False not in watched.loaded
        assert watched.view.is_open
        watched.view.close_page()


def test_p16_a_dead_renderer_is_told_and_nothing_is_loaded_again(watched: Watched, site: HostileSite) -> None:
    url = site.page("/pay", "x")
    watched.open(url)
    with watched.qtbot.waitSignal(watched.view.renderer_died, timeout=WAIT_MS) as waiting:
        os.kill(watched.page.renderProcessPid(), signal.SIGKILL)
    assert waiting.args is not None and waiting.args[0] in ("killed", "crashed")
    assert not watched.view.is_open
    assert watched.notice == (
        "The payment page stopped. Nothing is lost: the payment is being checked. Do not charge again."
    )
    assert watched.is_gone
    # The till lives, and the next payment has its page; the first one was asked for once.
    next_url = site.page("/next", "y")
    watched.open(next_url)
    assert watched.notice == ""
    assert site.paths == ["/pay", "/next"]
    assert watched.died == waiting.args
    assert watched.loaded == [True, True]


def test_chromium_carries_recent_security_patches() -> None:
    version, patched = chromium_versions()
    assert int(version.split(".")[0]) >= 140
    assert tuple(int(part) for part in patched.split("."))[:2] >= SECURITY_PATCH_FLOOR
