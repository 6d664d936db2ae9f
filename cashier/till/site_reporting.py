"""Daily reports over every till of a site, made of what the hub has of their journals.

A till's own report is made of its own journal, off line too. This one is made of second copies: it is as
whole as the tills have sent, and names each till that may have more (behaviour O7). It changes nothing.
"""

import datetime as dt
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from typing import Protocol

from cashier.domain.daily import DailyReport, Scope
from cashier.domain.entries import StoredRow, utc_moment
from cashier.domain.errors import Refused
from cashier.domain.site import Source, TillCopy
from cashier.till.ports import Daybook
from cashier.till.reporting import Counter, reported


class SiteCopies(Protocol):
    """The hub as the keeper of all journals of this till's site. Asking changes nothing."""

    def site_tills(self) -> Awaitable[Sequence[TillCopy]]:
        """Every till of the site, by its name. Raises Unavailable, Refused."""

    def report_entries(self, till: str, after: int) -> Awaitable[Sequence[tuple[StoredRow, str]]]:
        """Some entries of a till's copy that reports are made of, behind a number, in order; none at its end.

        Each with why it is not as it stood, or empty. Raises Unavailable, Refused.
        """


class SiteReporter(Protocol):
    """Makes a site's report, waiting for the hub: for a thread that may wait. See `site_report`."""

    def __call__(
        self, counter: Counter, scope: Scope, now: dt.datetime, told: Callable[[], object] = ...
    ) -> DailyReport:
        """The report of a scope."""


class SiteBook(Daybook, Protocol):
    """A Daybook that entries of several tills are put into."""

    def add(self, till: str, rows: Sequence[StoredRow], altered: Collection[int] = ()) -> None:
        """Take in entries of a till, in their order. Raises Discrepancy when they do not hold."""

    def closed_dates(self, till: str) -> tuple[str, ...]:
        """The business dates (ISO) that a till has closed and not opened again."""


async def site_report(
    copies: SiteCopies,
    book: SiteBook,
    counter: Counter,
    scope: Scope,
    now: dt.datetime,
    told: Callable[[], object] = lambda: None,
) -> DailyReport:
    """The report of a scope over the site's tills, or over one of them, with what it is made of.

    `book` is an empty one, and `counter` says who makes the report. `told` is called before each part that is
    asked for; raising from it stops the work. Raises Refused for a till that the site
    does not have, Unavailable when the hub does not answer, Discrepancy when its copies do not hold.
    """
    tills = [one for one in await copies.site_tills() if scope.till in ("", one.till)]
    if not tills:
        raise Refused(f"The hub knows no till {scope.till} of this site.")
    altered = {one.till: await _pulled(copies, book, one.till, told) for one in tills}
    # Of no till's own: a site has no Z, each of its tills has one.
    report = reported(book, replace(counter, till=scope.till), scope, now)
    last = scope.last.isoformat()
    sources = (
        Source(
            till=one.till,
            entries=one.entries,
            last_at=one.last_at,
            heard_time=_local_time(one.last_at),
            is_complete=max(book.closed_dates(one.till), default="") >= last,
            altered=altered[one.till],
            alarms=one.alarms,
            is_revoked=one.is_revoked,
        )
        for one in tills
    )
    return replace(report, sources=tuple(sources))


async def _pulled(copies: SiteCopies, book: SiteBook, till: str, told: Callable[[], object]) -> int:
    """Put what the hub has of a till into the book; how many of its entries are not as they stood."""
    after, count = 0, 0
    told()
    while page := await copies.report_entries(till, after):
        altered = [row.seq for row, why in page if why]
        book.add(till, [row for row, _ in page], altered)
        after, count = page[-1][0].seq, count + len(altered)
        told()
    return count


def _local_time(stamp: str) -> str:
    return utc_moment(stamp).astimezone().strftime("%Y-%m-%d %H:%M") if stamp else ""
