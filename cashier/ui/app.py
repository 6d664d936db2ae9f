"""The windowed front end: paint first, then bring the till in, then run until the window is closed.

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
from cashier.till.till import Till
from cashier.ui import theme
from cashier.ui.payment_page import ViewMaker
from cashier.ui.report_jobs import OpenDaybook
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


def run(open_till: Opener, resources: Path, *, training: bool, drive: Driver | None = None) -> int:
    """Run the window until it is closed; returns the exit code.

    A till that cannot be opened is told in the window, which stays until it is closed. With `drive` the
    window closes when that is done, and its error is raised.
    """
    app = make_application()
    window = MainWindow(theme.put_on(app, resources), training=training)
    window.show()
    app.processEvents()  # the first paint is sacred: nothing below it is imported or opened before
    os.environ.setdefault("QT_API", "pyside6")
    import asyncio

    import qasync

    loop = qasync.QEventLoop(app)
    asyncio.set_event_loop(loop)
    _tell_bugs(window, loop)
    with loop:
        code: int = loop.run_until_complete(_main(window, open_till, drive))
        return code


def _tell_bugs(window: MainWindow, loop: "qasync.QEventLoop") -> None:
    """A bug must not pass unseen: it goes to standard error and, in plain words, to the clerk."""

    def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        sys.__excepthook__(kind, error, trace)
        window.tell_bug()

    def tell_context(_loop: object, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, BaseException):
            tell(type(error), error, error.__traceback__)
        else:
            loop.default_exception_handler(context)

    sys.excepthook = tell
    loop.set_exception_handler(tell_context)


async def _main(window: MainWindow, open_till: Opener, drive: Driver | None) -> int:
    import asyncio

    closed = asyncio.Event()
    window.closed.connect(closed.set)
    window.show_icons()
    try:
        async with open_till() as opened:
            window.attach(
                opened.till,
                opened.make_view,
                opened.open_daybook,
                opened.rehearsal,
                opened.make_account_view,
                opened.site_reporter,
            )
            if drive is None:
                await closed.wait()
            else:
                try:
                    await drive(window, opened)
                finally:
                    window.close()
        return 0
    except CashierError as error:
        if drive is not None:
            raise
        window.fail(error.user_text)
        await closed.wait()
        return 1
