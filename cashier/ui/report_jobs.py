"""Long work of the reports page: on a thread of its own, telling how far it is, stopped when asked to.

What it makes it writes beside its place and puts there at the end: a job that is stopped leaves nothing.
"""

import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from cashier.domain.daily import DailyReport, Scope
from cashier.paper.whole import write_whole
from cashier.till.ports import Daybook
from cashier.till.site_reporting import SiteReporter
from cashier.till.till import Till

#: Opens the journal for reading on the thread that enters it.
OpenDaybook = Callable[[], AbstractContextManager[Daybook]]


class Stopped(Exception):
    """The clerk stopped a job."""


class ReportJobs(QObject):
    """Makes and writes reports. `progressed` tells parts done and parts in all."""

    progressed = Signal(int, int)

    def __init__(
        self, till: Till, open_daybook: OpenDaybook | None, site_reporter: SiteReporter | None = None
    ) -> None:
        super().__init__()
        self._site_reporter = site_reporter
        self._till = till
        self._open = open_daybook
        self._stop = threading.Event()

    def stop(self) -> None:
        """Stop what is under way, at its next page or receipt."""
        self._stop.set()

    def stopped_is_over(self) -> None:
        """Another job begins, which nobody has stopped yet."""
        self._stop.clear()

    def told(self, done: int, parts: int) -> None:
        """Tell how far a job is. Raises Stopped when it is to end."""
        if self._stop.is_set():
            raise Stopped
        self.progressed.emit(done, parts)

    async def make(self, scope: Scope) -> DailyReport:
        """The report of a scope. Raises CashierError as the till does, Stopped."""
        self.stopped_is_over()
        open_it = self._open
        if open_it is None:
            return self._till.report(scope)
        make = self._till.reporter()

        def read() -> DailyReport:
            with open_it() as daybook:
                return make(scope, _Stoppable(daybook, self.told))  # type: ignore[arg-type]

        report: DailyReport = await _on_thread(read)
        return report

    async def make_of_site(self, scope: Scope) -> DailyReport:
        """The report of a scope over every till of the site, from the hub.

        Raises CashierError as `site_report` does, Stopped.
        """
        self.stopped_is_over()
        make = self._site_reporter
        assert make is not None, "offered only where there is one"
        counter, now = self._till.report_maker()
        report: DailyReport = await _on_thread(lambda: make(counter, scope, now, lambda: self.told(0, 0)))
        return report

    async def write(self, out: Path, write: Callable[[Path], object]) -> None:
        """Write a file, whole or not at all. Raises OSError, Stopped."""
        self.stopped_is_over()
        await _on_thread(lambda: write_whole(out, write))


class Turn:
    """Awaited, it lets the window take its turn."""

    def __await__(self) -> Generator[None, None, None]:
        yield


class _Stoppable:
    """A daybook whose receipts end when the job is stopped."""

    def __init__(self, daybook: Daybook, told: Callable[[int, int], None]) -> None:
        self._daybook = daybook
        self._told = told

    def __getattr__(self, name: str) -> object:
        return getattr(self._daybook, name)

    def receipts(self, first: str, last: str):  # type: ignore[no-untyped-def]
        """The daybook's, with a word after each hundred."""
        for number, receipt in enumerate(self._daybook.receipts(first, last)):
            if number % 100 == 0:
                self._told(0, 0)
            yield receipt


async def _on_thread(work: Callable[[], object]):  # type: ignore[no-untyped-def]
    import asyncio  # it brings in ssl, which nothing before the first paint may

    return await asyncio.to_thread(work)
