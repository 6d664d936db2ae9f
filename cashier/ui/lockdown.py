"""The sealed Chromium of one payment: profile, page, request interceptor. Imports Qt WebEngine.

Everything a page could do beyond showing itself is switched off, denied or cancelled here, and reported as a
kind and a host, never with a path, a query or a word of the page. Nothing here reads the page, runs script in
it, or keeps what it says. The rules of where it may go are `top_level_policy`'s.
"""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, QTimer, QUrl
from PySide6.QtWebEngineCore import (
    QWebEngineCertificateError,
    QWebEngineClientCertificateSelection,
    QWebEngineDesktopMediaRequest,
    QWebEngineDownloadRequest,
    QWebEngineFileSystemAccessRequest,
    QWebEngineFullScreenRequest,
    QWebEngineNewWindowRequest,
    QWebEnginePage,
    QWebEnginePermission,
    QWebEngineProfile,
    QWebEngineQuotaRequest,
    QWebEngineRegisterProtocolHandlerRequest,
    QWebEngineSettings,
    QWebEngineUrlRequestInfo,
    QWebEngineUrlRequestInterceptor,
    QWebEngineWebAuthUxRequest,
)

from cashier.ui.top_level_policy import Blocked, TopLevelPolicy, Verdict, host_of

Report = Callable[[Blocked, str], None]
"""Called with what was blocked and the host it concerned (may be empty)."""

_ON = (QWebEngineSettings.WebAttribute.WebRTCPublicInterfacesOnly,)
_OFF = (
    QWebEngineSettings.WebAttribute.AllowGeolocationOnInsecureOrigins,
    QWebEngineSettings.WebAttribute.AllowRunningInsecureContent,
    QWebEngineSettings.WebAttribute.AllowWindowActivationFromJavaScript,
    QWebEngineSettings.WebAttribute.AutoLoadIconsForPage,
    QWebEngineSettings.WebAttribute.BackForwardCacheEnabled,
    QWebEngineSettings.WebAttribute.DnsPrefetchEnabled,
    QWebEngineSettings.WebAttribute.ErrorPageEnabled,
    QWebEngineSettings.WebAttribute.FullScreenSupportEnabled,
    QWebEngineSettings.WebAttribute.HyperlinkAuditingEnabled,
    QWebEngineSettings.WebAttribute.JavascriptCanAccessClipboard,
    QWebEngineSettings.WebAttribute.JavascriptCanOpenWindows,
    QWebEngineSettings.WebAttribute.JavascriptCanPaste,
    QWebEngineSettings.WebAttribute.LocalContentCanAccessFileUrls,
    QWebEngineSettings.WebAttribute.LocalContentCanAccessRemoteUrls,
    QWebEngineSettings.WebAttribute.NavigateOnDropEnabled,
    QWebEngineSettings.WebAttribute.PdfViewerEnabled,
    QWebEngineSettings.WebAttribute.PluginsEnabled,
    QWebEngineSettings.WebAttribute.ScreenCaptureEnabled,
    QWebEngineSettings.WebAttribute.WebGLEnabled,
)
_TOP_LEVEL = frozenset(
    {
        QWebEngineUrlRequestInfo.ResourceType.ResourceTypeMainFrame,
        QWebEngineUrlRequestInfo.ResourceType.ResourceTypeNavigationPreloadMainFrame,
    }
)
_SUB_FRAME = frozenset(
    {
        QWebEngineUrlRequestInfo.ResourceType.ResourceTypeSubFrame,
        QWebEngineUrlRequestInfo.ResourceType.ResourceTypeNavigationPreloadSubFrame,
    }
)


class RequestGuard(QWebEngineUrlRequestInterceptor):
    """Sees every request before it leaves: the second lock behind `SealedPage.acceptNavigationRequest`.

    `on_submit` is called when something is posted to the gateway; what, is not looked at.
    """

    def __init__(self, policy: TopLevelPolicy, report: Report, on_submit: Callable[[], None]) -> None:
        super().__init__()
        self._policy = policy
        self._report = report
        self._on_submit = on_submit

    def interceptRequest(self, info: QWebEngineUrlRequestInfo) -> None:
        """Block unless the policy allows; blocked first, so that an error on the way leaves it blocked."""
        info.block(True)
        url = encoded(info.requestUrl())
        kind = info.resourceType()
        if kind in _TOP_LEVEL or kind in _SUB_FRAME:
            allowed = self._policy.decide(url, kind in _TOP_LEVEL) is Verdict.ALLOW
        else:
            allowed = self._policy.allows_resource(url)
        if allowed:
            info.block(False)
            if info.requestMethod() == b"POST" and self._policy.decide(url, True) is Verdict.ALLOW:
                self._on_submit()
        else:
            self._report(Blocked.RESOURCE, host_of(url))


def seal_profile(profile: QWebEngineProfile, guard: RequestGuard, report: Report, language: str) -> None:
    """Seal `profile`, which must be off the record: no cache, no kept cookie, no push, no download.

    `language` is an Accept-Language such as `en-US`. The caller keeps `guard` alive as long as the profile.
    """
    assert profile.isOffTheRecord(), "a payment never leaves anything on disk"
    profile.setUrlRequestInterceptor(guard)
    profile.setHttpCacheType(QWebEngineProfile.HttpCacheType.NoCache)
    profile.setPersistentCookiesPolicy(QWebEngineProfile.PersistentCookiesPolicy.NoPersistentCookies)
    profile.setPersistentPermissionsPolicy(QWebEngineProfile.PersistentPermissionsPolicy.AskEveryTime)
    profile.setPushServiceEnabled(False)
    profile.setSpellCheckEnabled(False)
    profile.setHttpAcceptLanguage(language)

    def cancel(download: QWebEngineDownloadRequest) -> None:
        download.cancel()
        report(Blocked.DOWNLOAD, host_of(encoded(download.url())))

    profile.downloadRequested.connect(cancel)


class SealedPage(QWebEnginePage):
    """A page that can show the gateway's payment page and do nothing else.

    `on_return` is called when the page wants to go to the return URL, which is not requested. It and `report`
    are called while Chromium waits, so they must not touch the page; `PaymentView` puts them off.
    """

    def __init__(
        self,
        profile: QWebEngineProfile,
        policy: TopLevelPolicy,
        report: Report,
        on_return: Callable[[], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(profile, parent)
        self._policy = policy
        self._report = report
        self._on_return = on_return
        self.console_count = 0
        settings = self.settings()
        for attribute in _OFF:
            settings.setAttribute(attribute, False)
        for attribute in _ON:
            settings.setAttribute(attribute, True)
        settings.setUnknownUrlSchemePolicy(
            QWebEngineSettings.UnknownUrlSchemePolicy.DisallowUnknownUrlSchemes
        )
        self._deny_requests()

    # Chromium's questions, answered in place.

    def acceptNavigationRequest(
        self, url: QUrl | str, type: QWebEnginePage.NavigationType, isMainFrame: bool
    ) -> bool:
        """Ask the policy, for every navigation and every redirect of one."""
        text = encoded(QUrl(url))
        verdict = self._policy.decide(text, isMainFrame)
        if verdict is Verdict.RETURN:
            self._on_return()
        elif verdict is Verdict.BLOCK:
            self._report(Blocked.NAVIGATION, host_of(text))
        return verdict is Verdict.ALLOW

    def createWindow(self, type: QWebEnginePage.WebWindowType) -> QWebEnginePage:
        """No second window, whatever asks for it (reported by `newWindowRequested`, which knows the host)."""
        return None  # type: ignore[return-value]  # Qt takes a null page as "no"; the stub does not say so.

    def chooseFiles(
        self,
        mode: QWebEnginePage.FileSelectionMode,
        oldFiles: Sequence[str],
        acceptedMimeTypes: Sequence[str],
    ) -> list[str]:
        """No file of this machine is ever offered."""
        self._report(Blocked.FILE, host_of(encoded(self.url())))
        return []

    def javaScriptAlert(self, securityOrigin: QUrl | str, msg: str) -> None:
        """Dismissed unseen: a dialog of Qt's would stop the window."""
        self._report(Blocked.DIALOG, host_of(encoded(QUrl(securityOrigin))))

    def javaScriptConfirm(self, securityOrigin: QUrl | str, msg: str) -> bool:
        """Answered "Cancel"."""
        self._report(Blocked.DIALOG, host_of(encoded(QUrl(securityOrigin))))
        return False

    def javaScriptPrompt(self, securityOrigin: QUrl | str, msg: str, defaultValue: str) -> tuple[bool, str]:
        """Answered "Cancel"."""
        self._report(Blocked.DIALOG, host_of(encoded(QUrl(securityOrigin))))
        return False, ""

    def javaScriptConsoleMessage(
        self,
        level: QWebEnginePage.JavaScriptConsoleMessageLevel,
        message: str,
        lineNumber: int,
        sourceID: str,
    ) -> None:
        """Counted, never kept: a page may write anything there, a card number too."""
        self.console_count += 1

    # Requests that arrive as signals.

    def _deny_requests(self) -> None:
        self.permissionRequested.connect(self._deny_permission)
        self.certificateError.connect(self._reject_certificate)
        self.selectClientCertificate.connect(self._select_no_certificate)
        self.newWindowRequested.connect(self._refuse_window)
        self.authenticationRequired.connect(self._leave_unauthenticated)
        self.proxyAuthenticationRequired.connect(self._leave_unauthenticated)
        self.webAuthUxRequested.connect(self._cancel_web_auth)
        self.desktopMediaRequested.connect(self._cancel_desktop_media)
        self.fullScreenRequested.connect(self._reject_full_screen)
        self.fileSystemAccessRequested.connect(self._reject_file_system)
        self.registerProtocolHandlerRequested.connect(self._reject_protocol_handler)
        self.quotaRequested.connect(self._reject_quota)
        self.printRequested.connect(self._ignore_print)
        self.printRequestedByFrame.connect(self._ignore_print)

    def _deny_permission(self, permission: QWebEnginePermission) -> None:
        permission.deny()
        self._report(Blocked.PERMISSION, host_of(encoded(permission.origin())))

    def _reject_certificate(self, error: QWebEngineCertificateError) -> None:
        error.rejectCertificate()
        self._report(Blocked.CERTIFICATE, host_of(encoded(error.url())))

    def _select_no_certificate(self, selection: QWebEngineClientCertificateSelection) -> None:
        selection.selectNone()
        self._report(Blocked.AUTHENTICATION, host_of(encoded(selection.host())))

    def _refuse_window(self, request: QWebEngineNewWindowRequest) -> None:
        self._report(Blocked.POPUP, host_of(encoded(request.requestedUrl())))

    def _leave_unauthenticated(self, url: QUrl) -> None:
        # WORKAROUND (PySide6 6.11): Qt cancels only if the handler assigns a null QAuthenticator. Python
        # cannot; Qt then answers with an empty name and password, at each 401 again. So stop the page.
        self._report(Blocked.AUTHENTICATION, host_of(encoded(url)))
        QTimer.singleShot(0, self, lambda: self.triggerAction(QWebEnginePage.WebAction.Stop))

    def _cancel_web_auth(self, request: QWebEngineWebAuthUxRequest) -> None:
        request.cancel()
        self._report(Blocked.AUTHENTICATION, host_of(f"https://{request.relyingPartyId()}"))

    def _cancel_desktop_media(self, request: QWebEngineDesktopMediaRequest) -> None:
        request.cancel()
        self._report(Blocked.SCREEN, host_of(encoded(self.url())))

    def _reject_full_screen(self, request: QWebEngineFullScreenRequest) -> None:
        request.reject()
        self._report(Blocked.FULLSCREEN, host_of(encoded(request.origin())))

    def _reject_file_system(self, request: QWebEngineFileSystemAccessRequest) -> None:
        request.reject()
        self._report(Blocked.FILE, host_of(encoded(request.origin())))

    def _reject_protocol_handler(self, request: QWebEngineRegisterProtocolHandlerRequest) -> None:
        request.reject()
        self._report(Blocked.PERMISSION, host_of(encoded(request.origin())))

    def _reject_quota(self, request: QWebEngineQuotaRequest) -> None:
        request.reject()
        self._report(Blocked.PERMISSION, host_of(encoded(request.origin())))

    def _ignore_print(self) -> None:
        self._report(Blocked.PRINT, host_of(encoded(self.url())))


def encoded(url: QUrl) -> str:
    """The URL exactly as it would be sent; only to be decided on, never kept or logged."""
    return url.toString(QUrl.ComponentFormattingOption.FullyEncoded)
