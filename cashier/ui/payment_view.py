"""The hosted payment page in a locked-down view.

This module imports Qt WebEngine, which costs some 460 MiB over four processes: import it only when the first
payment nears, never before the sale page is on screen. `top_level_policy` can be imported at any time.

The view knows nothing of payments. Its signals are hints: none of them says that anything was paid, and none
carries a word of the page.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass

import shiboken6
from PySide6.QtCore import Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QClipboard, QFocusEvent, QGuiApplication
from PySide6.QtWebEngineCore import (
    QWebEngineLoadingInfo,
    QWebEnginePage,
    QWebEngineProfile,
    qWebEngineChromiumSecurityPatchVersion,
    qWebEngineChromiumVersion,
)
from PySide6.QtWebEngineWidgets import QWebEngineView
from PySide6.QtWidgets import QApplication, QLabel, QVBoxLayout, QWidget

from cashier import environment
from cashier.domain.errors import Refused
from cashier.ui.lockdown import RequestGuard, SealedPage, encoded, seal_profile
from cashier.ui.top_level_policy import Blocked, TopLevelPolicy, Verdict, host_of

_DEATHS = {
    QWebEnginePage.RenderProcessTerminationStatus.NormalTerminationStatus: "normal",
    QWebEnginePage.RenderProcessTerminationStatus.AbnormalTerminationStatus: "abnormal",
    QWebEnginePage.RenderProcessTerminationStatus.CrashedTerminationStatus: "crashed",
    QWebEnginePage.RenderProcessTerminationStatus.KilledTerminationStatus: "killed",
}

BLOCKED_REPORTS_MAX = 100
"""Reports of one payment. What comes after is still blocked, but a hostile page cannot flood the journal."""


def chromium_versions() -> tuple[str, str]:
    """Chromium's version, and the newest version whose security patches are in it."""
    return str(qWebEngineChromiumVersion()), str(qWebEngineChromiumSecurityPatchVersion())


@dataclass(frozen=True)
class PageWords:
    """What the view says of its page, in place of the page: payment pages have their own words."""

    name: str
    opening: str
    not_opened: str
    not_loaded: str
    stopped: str


#: For the pages of a customer's account, by which nothing of a payment of ours can be in doubt.
ACCOUNT_WORDS = PageWords(
    name="Page of the customer's account",
    opening="Opening the customer's page…",
    not_opened="The customer's page was not opened: its address is not one of the gateway's. Ask for the "
    "settings to be checked.",
    not_loaded="The customer's page did not load. Nothing was paid by it. Open it again.",
    stopped="The customer's page stopped. Nothing was paid by it. Open it again.",
)


@dataclass(slots=True)
class _Sealed:
    """The Chromium side of one payment, made in `PaymentView.open` and deleted in `close_page`."""

    page: SealedPage
    view: QWebEngineView
    profile: QWebEngineProfile
    guard: RequestGuard
    reports: int = 0
    was_returned: bool = False
    was_loaded: bool = False
    is_dead: bool = False
    lost_active: bool = False
    """On a real display Qt makes the window anew for its first web view, and leaves it inactive."""


class PaymentView(QWidget):
    """Shows one payment page at a time, sealed; each `open` starts from nothing.

    Signals, all hints, all emitted from the event loop and never after `close_page`:
        loaded(ok): a page of the gateway finished loading, or failed to.
        submitted(): the page posted something to the gateway: the payer is doing something.
        returned(): the page wanted to go to the return URL, at most once a payment.
        renderer_died(how): Chromium's renderer ended: normal, abnormal, crashed or killed. Not reloaded.
        blocked(kind, host): something was blocked, see `Blocked`; the host may be empty.
    """

    loaded = Signal(bool)
    submitted = Signal()
    returned = Signal()
    renderer_died = Signal(str)
    blocked = Signal(str, str)

    def __init__(
        self,
        allowed: TopLevelPolicy,
        parent: QWidget | None = None,
        *,
        language: str = "en-US",
        words: PageWords | None = None,
    ) -> None:
        super().__init__(parent)
        self._words = words or self._payment_words()
        self._allowed = allowed
        self._language = language
        self._sealed: _Sealed | None = None
        self._console_count = 0
        self._is_clearing = False
        self._notice = QLabel(self)
        self._notice.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._notice.setWordWrap(True)
        self._notice.setTextFormat(Qt.TextFormat.PlainText)
        # One of the two shows. (A stacked layout would move its widgets among the children, see `_seal`.)
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.addWidget(self._notice)
        self.setAccessibleName(self._words.name)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.setAcceptDrops(False)
        QGuiApplication.clipboard().changed.connect(self._keep_off_clipboard)

    def _payment_words(self) -> PageWords:
        return PageWords(
            name=self.tr("Payment page"),
            opening=self.tr("Opening the payment page…"),
            not_opened=self.tr(
                "The payment page was not opened: its address is not one of the gateway's. "
                "No money was taken. Ask for the payment page settings to be checked."
            ),
            not_loaded=self.tr(
                "The payment page did not load. Nothing is lost: the payment is being checked. "
                "Do not charge again."
            ),
            stopped=self.tr(
                "The payment page stopped. Nothing is lost: the payment is being checked. "
                "Do not charge again."
            ),
        )

    @property
    def is_open(self) -> bool:
        """Whether a page is open; false again once its renderer has died."""
        return self._sealed is not None and not self._sealed.is_dead

    @property
    def console_count(self) -> int:
        """Console messages of the page that is open, or of the last one. Their text is never kept."""
        return self._sealed.page.console_count if self._sealed else self._console_count

    def open(self, url: str) -> None:
        """Load `url` in a fresh Chromium profile; a page that is still open is closed first.

        Raises `Refused`, with nothing requested, when the URL is not one of the allowed origins or when this
        process must not show a real card page (`environment.card_page_refusal`).
        """
        refusal = environment.card_page_refusal(
            os.environ, training=self._allowed.training, is_root=environment.is_root()
        )
        if refusal is not None:
            raise Refused(refusal)
        target = QUrl(url, QUrl.ParsingMode.StrictMode)
        if not target.isValid() or self._allowed.decide(encoded(target), True) is not Verdict.ALLOW:
            raise Refused(self._words.not_opened)
        self.close_page()
        was_active = self.isActiveWindow()
        self._sealed = self._seal()
        self._show_notice(self._words.opening)
        self._sealed.page.load(target)
        self._sealed.lost_active = was_active and not self.isActiveWindow()

    def close_page(self) -> None:
        """Delete page, view and profile, in this order. May be called at any time and any number of times.

        Call it before the window is given to `deleteLater`, and before the application's event loop ends:
        Chromium does not outlive the loop, nor can a page be opened in a second one.
        """
        sealed, self._sealed = self._sealed, None
        if sealed is None:
            return
        self._console_count = sealed.page.console_count
        self._show_notice("")
        # The order matters: any other one crashes, now or at exit.
        for part in (sealed.page, sealed.view, sealed.profile, sealed.guard):
            shiboken6.delete(part)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Pass the keyboard on to the page while one shows. (A focus proxy would upset the order of Tab.)"""
        super().focusInEvent(event)
        if self._sealed is not None and self._sealed.view.isVisibleTo(self):
            self._sealed.view.setFocus(event.reason())

    def _seal(self) -> _Sealed:
        profile = QWebEngineProfile()
        guard = RequestGuard(self._allowed, self._report, self._note_submit)
        seal_profile(profile, guard, self._report, self._language)
        page = SealedPage(profile, self._allowed, self._report, self._note_return, self)
        view = QWebEngineView(self)
        # Qt deletes children in the order they came, so also a window that goes without close_page() deletes
        # page, view, profile and guard in the one order that does not crash.
        profile.setParent(self)
        guard.setParent(self)
        view.setPage(page)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        view.setAcceptDrops(False)
        view.setAccessibleName(self.tr("Payment page of the gateway"))
        page.loadingChanged.connect(self._note_loading)
        page.renderProcessTerminated.connect(self._note_death)
        view.hide()
        self._box.addWidget(view)
        return _Sealed(page, view, profile, guard)

    def _show_notice(self, text: str) -> None:
        self._notice.setText(text)
        self._notice.setAccessibleName(text)
        if self._sealed is not None:
            self._sealed.view.hide()
        self._notice.show()

    def _show_page(self, view: QWebEngineView) -> None:
        self._notice.hide()
        view.show()
        inner = view.focusProxy()
        if inner is not None:
            # Chromium makes this widget late, and anew with a new renderer, so it stands last in the window;
            # Tab is to find it here. Qt orders only what takes focus, hence the policy for this one call.
            self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            self.setTabOrder(self, inner)
            self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    # Chromium is waiting while these run: they note what happened and act from the event loop.

    def _report(self, kind: Blocked, host: str) -> None:
        sealed = self._sealed
        if sealed is None or sealed.reports >= BLOCKED_REPORTS_MAX:
            return
        sealed.reports += 1
        self._later(sealed, lambda: self.blocked.emit(kind.value, host))

    def _note_return(self) -> None:
        sealed = self._sealed
        if sealed is None or sealed.was_returned:
            return
        sealed.was_returned = True
        self._later(sealed, self.returned.emit)

    def _note_submit(self) -> None:
        sealed = self._sealed
        if sealed is not None:
            self._later(sealed, self.submitted.emit)

    def _note_loading(self, info: QWebEngineLoadingInfo) -> None:
        sealed, status = self._sealed, info.status()
        if sealed is None or status is QWebEngineLoadingInfo.LoadStatus.LoadStartedStatus:
            return
        is_answer = info.errorDomain() is QWebEngineLoadingInfo.ErrorDomain.HttpStatusCodeDomain
        self._later(sealed, lambda: self._finish_loading(sealed, status, is_answer))

    def _note_death(self, status: QWebEnginePage.RenderProcessTerminationStatus, exit_code: int) -> None:
        sealed = self._sealed
        if sealed is None or sealed.is_dead:
            return
        sealed.is_dead = True
        self._later(sealed, lambda: self._finish_death(_DEATHS[status]))

    def _keep_off_clipboard(self, mode: QClipboard.Mode) -> None:
        # What the page puts on the clipboard may be a card number. Qt cannot forbid the copy (Ctrl+C, or a
        # page answering a click), so it is taken off again. A change made elsewhere in the till is not ours.
        focused = QApplication.focusWidget()
        if self._sealed is None or self._is_clearing or focused is None or not self.isAncestorOf(focused):
            return
        self._is_clearing = True
        QGuiApplication.clipboard().clear(mode)
        self._is_clearing = False
        self._report(Blocked.CLIPBOARD, host_of(encoded(self._sealed.page.url())))

    # From the event loop.

    def _later(self, sealed: _Sealed, act: Callable[[], None]) -> None:
        """Run `act` from the event loop, unless that page has been closed by then."""

        def run() -> None:
            if self._sealed is sealed:
                act()

        QTimer.singleShot(0, self, run)

    def _finish_loading(
        self, sealed: _Sealed, status: QWebEngineLoadingInfo.LoadStatus, is_answer: bool
    ) -> None:
        """Show the page or say that there is none. `is_answer`: the gateway answered with an HTTP error."""
        if sealed.is_dead:
            return
        if status is QWebEngineLoadingInfo.LoadStatus.LoadStoppedStatus and (
            # A navigation was blocked, was the return, or made way for the next one: what shows, stays.
            sealed.was_loaded or sealed.was_returned or sealed.page.isLoading()
        ):
            return
        ok = status is QWebEngineLoadingInfo.LoadStatus.LoadSucceededStatus
        if ok or (is_answer and sealed.was_loaded):
            self._show_page(sealed.view)
        else:
            self._show_notice(self._words.not_loaded)
        if ok and not sealed.was_loaded:
            sealed.was_loaded = True
            if sealed.lost_active:
                # Not earlier: until the new window is on screen, X11 does not give it the keyboard.
                self.window().activateWindow()
            sealed.view.setFocus(Qt.FocusReason.OtherFocusReason)
        self.loaded.emit(ok)

    def _finish_death(self, how: str) -> None:
        # The page goes away at once, so that nothing can ever load it a second time.
        self.close_page()
        self._show_notice(self._words.stopped)
        self.renderer_died.emit(how)
