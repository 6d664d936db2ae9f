"""The windowed front end: paint first, then bring the till in, then run until the window is closed.

The till can be left and opened anew in the same process, with the settings as they are by then, in a window
of its own each time. A till that cannot be opened is never half there: a page in the window says why.

qasync stays behind this module. It and asyncio (which brings in ssl) are imported after the first paint.
"""

import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QApplication

from cashier.domain.errors import CashierError
from cashier.till.rehearsal import Rehearsal
from cashier.till.site_reporting import SiteReporter
from cashier.till.starting import StartDesk, Trouble, Way
from cashier.till.till import Till
from cashier.ui import theme
from cashier.ui.first_run_page import FirstRunPage
from cashier.ui.payment_page import ViewMaker
from cashier.ui.report_jobs import OpenDaybook
from cashier.ui.safe_page import SafePage
from cashier.ui.theme import Theme
from cashier.ui.window import MainWindow

if TYPE_CHECKING:
    import qasync


@dataclass(frozen=True)
class Opened:
    """What bootstrap plugs in: the till, how to view a payment or an account, and how to open its journal.

    `rehearsal` is there in training alone.
    """

    till: Till
    make_view: ViewMaker
    open_daybook: OpenDaybook | None = None
    rehearsal: Rehearsal | None = None
    make_account_view: ViewMaker | None = None
    site_reporter: SiteReporter | None = None


#: Opens the till; entered after the first paint, left when the window is closed.
Opener = Callable[[], AbstractAsyncContextManager[Opened]]
#: What drives the window once the till is there: nobody in the product, the tour in the tour.
Driver = Callable[[MainWindow, Opened], Awaitable[None]]


def make_application() -> QApplication:
    """The one QApplication. WebEngine, imported later, needs the shared contexts from the start."""
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    app = QApplication(sys.argv[:1])
    app.setApplicationName("cashier")
    app.setApplicationDisplayName("Permit counter till")
    app.setQuitOnLastWindowClosed(False)
    return app


@dataclass(frozen=True)
class Starts:
    """What a program can begin with besides its till: a look before it, and a training session."""

    desk: StartDesk
    open_training: Opener


def run(
    open_till: Opener,
    resources: Path,
    *,
    training: bool,
    drive: Driver | None = None,
    starts: Callable[[], Starts] | None = None,
) -> int:
    """Run the window until it is closed; returns the exit code.

    A till that cannot be opened is told in the window, which stays until it is closed; with `starts` (made
    after the first paint) on a page that offers what can be done. With `drive` the window closes when that is
    done, and its error is raised.
    """
    app = make_application()
    look = theme.put_on(app, resources)
    window = MainWindow(look, training=training)
    window.show()
    app.processEvents()  # the first paint is sacred: nothing below it is imported or opened before
    os.environ.setdefault("QT_API", "pyside6")
    import asyncio

    import qasync

    loop = qasync.QEventLoop(app)
    asyncio.set_event_loop(loop)
    program = Program(window, look, open_till, drive, starts() if starts is not None else None)
    _tell_bugs(program, loop)
    with loop:
        code: int = loop.run_until_complete(program.run())
        return code


def _tell_bugs(program: "Program", loop: "qasync.QEventLoop") -> None:
    """A bug must not pass unseen: it goes to standard error and, in plain words, to the clerk."""

    def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        sys.__excepthook__(kind, error, trace)
        program.window.tell_bug()

    def tell_context(_loop: object, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, BaseException):
            tell(type(error), error, error.__traceback__)
        else:
            loop.default_exception_handler(context)

    sys.excepthook = tell
    loop.set_exception_handler(tell_context)


class Program:
    """One run of the program: one till after the other, each in its `window`: the one that is shown."""

    def __init__(
        self, window: MainWindow, look: Theme, open_till: Opener, drive: Driver | None, starts: Starts | None
    ) -> None:
        self.window = window
        self._look, self._open_till, self._drive, self._starts = look, open_till, drive, starts
        self._is_first = True

    async def run(self) -> int:
        """Until the window is closed; the exit code."""
        way: Way | None = Way.TRAINING if self.window.is_training else Way.TILL
        code = 0
        while way is not None:
            if not self._is_first:
                self._renew(training=way is Way.TRAINING)
            code, way = await self._once(way)
            self._is_first = False
        return code

    async def _once(self, way: Way) -> tuple[int, Way | None]:
        """One till from its opening to its end: the exit code, and what is to come."""
        asked = _Asked(self.window)
        self.window.show_icons()
        if page := self._page_before(way):
            self.window.show_instead(page)
            next_way = await asked.answer
            return int(isinstance(page, SafePage)), next_way
        try:
            async with self._opener(way)() as opened:
                self._attach(opened, way)
                if self._drive is None:
                    next_way = await asked.answer
                else:
                    try:
                        await self._drive(self.window, opened)
                    finally:
                        self.window.close()
                    next_way = None
                await self.window.leave()
            return 0, next_way
        except CashierError as error:
            if self._drive is not None:
                raise
            return 1, await self._tell_failure(error, asked, way)

    def _opener(self, way: Way) -> Opener:
        """Also a program that was started for training opens its own."""
        within = way is Way.TRAINING and self._starts is not None
        return self._starts.open_training if within and self._starts else self._open_till

    def _attach(self, opened: Opened, way: Way) -> None:
        self.window.status.leave_training.setVisible(way is Way.TRAINING and self._starts is not None)
        self.window.attach(
            opened.till,
            opened.make_view,
            opened.open_daybook,
            opened.rehearsal,
            opened.make_account_view,
            opened.site_reporter,
        )

    def _page_before(self, way: Way) -> "SafePage | FirstRunPage | None":
        """What stands in the till's place: the guide of a new machine, or what keeps the till closed."""
        if self._starts is None or way is Way.TRAINING:
            return None
        desk = self._starts.desk
        if desk.is_new():
            page = FirstRunPage(desk.set_up(), self.window.run_beside)
            page.train_asked.connect(lambda: self.window.start_asked.emit(Way.TRAINING))
            page.finished.connect(self._set_up)
            return page
        trouble = desk.look()
        return self._safe_page(trouble, way) if trouble is not None else None

    def _set_up(self) -> None:
        """The guide is through: the till opens, and the checklist is to follow."""
        self.window.is_new_till = True
        self.window.start_asked.emit(Way.TILL)

    def _safe_page(self, trouble: Trouble, way: Way) -> SafePage:
        assert self._starts is not None
        page = SafePage(trouble, self._starts.desk.go_back)
        page.again_asked.connect(lambda: self.window.start_asked.emit(way))
        page.train_asked.connect(lambda: self.window.start_asked.emit(Way.TRAINING))
        return page

    async def _tell_failure(self, error: CashierError, asked: "_Asked", way: Way) -> Way | None:
        """The till was opened in part, or not at all: nothing of it stays in the window."""
        if self._starts is None:
            self.window.fail(error.user_text)
            return await asked.answer
        if self.window.has_till:
            await self.window.leave()
            self._renew(training=self.window.is_training)
            self.window.show_icons()
            asked = _Asked(self.window)
        self.window.show_instead(self._safe_page(self._starts.desk.trouble_of(error), way))
        return await asked.answer

    def _renew(self, *, training: bool) -> None:
        """Another window in the place of the one that is shown: nothing of the till before is in it."""
        before = self.window
        after = MainWindow(self._look, training=training)
        is_large = before.isMaximized() or before.isFullScreen()
        after.setGeometry(before.normalGeometry() if is_large else before.geometry())
        after.setWindowState(before.windowState())
        after.guard.pace = before.guard.pace
        after.is_new_till = before.is_new_till
        after.show()
        after.activateWindow()
        self.window = after
        before.hide()
        before.deleteLater()


class _Asked:
    """What a window asks for: to be closed, or another start."""

    def __init__(self, window: MainWindow) -> None:
        import asyncio

        #: The way to go on, or None: the window is closed.
        self.answer: asyncio.Future[Way | None] = asyncio.get_running_loop().create_future()
        window.closed.connect(lambda: self._give(None))
        window.start_asked.connect(self._give)

    def _give(self, way: Way | None) -> None:
        if not self.answer.done():
            self.answer.set_result(way)
