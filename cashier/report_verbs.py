"""What the reports' verbs do: read a journal file without its lock, write whole files or none."""

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cashier.clock import SystemClock
from cashier.domain.daily import DailyReport, Scope
from cashier.domain.errors import Refused
from cashier.till.reporting import Counter, reported, x_report

if TYPE_CHECKING:
    from cashier.settings import Settings


def counter_of(settings: "Settings | None") -> Counter:
    """Who makes a report: the till of the settings, or of a training session."""
    from cashier.training import TILL

    if settings is None:
        return Counter("Training", TILL, "", {}, training=True)
    names = {type_id: name for biller in settings.billers for type_id, name in biller.invoice_types.items()}
    return Counter(settings.agency, settings.till, settings.cashier, names, settings.training)


def daily(journal: Path, settings: "Settings | None", scope: Scope) -> DailyReport:
    """The report of a scope, from a journal file in use or not."""
    from cashier.journal.daybook import open_daybook

    with open_daybook(journal) as daybook:
        return reported(daybook, counter_of(settings), scope, SystemClock().now())


def site_daily(settings_file: Path, scope: Scope) -> DailyReport:
    """The report of a scope over every till of this till's site, made of what the hub has of their journals.

    Raises Refused, Unavailable when the hub does not answer, Discrepancy when its copies do not hold.
    """
    import os

    from cashier.bootstrap import site_reporter
    from cashier.data_files import real_settings
    from cashier.secrets import Secrets

    settings = real_settings(settings_file)
    secrets = Secrets(settings.site, settings.till, os.environ)
    return site_reporter(settings, secrets)(counter_of(settings), scope, SystemClock().now())


def x_now(journal: Path, settings: "Settings | None") -> DailyReport:
    """The open business date so far, from a journal file in use or not."""
    from cashier.journal.daybook import open_daybook
    from cashier.till.day import DATE_KINDS, business_date_of

    clock = SystemClock()
    with open_daybook(journal) as daybook:
        newest = {entry.kind: entry for entry in daybook.entries_of(DATE_KINDS)}
        date = business_date_of(newest.get, clock.today())
        return x_report(daybook, counter_of(settings), date, clock.now())


def write_whole(out: Path, sources: Sequence[Path], write: Callable[[Path], object]) -> None:
    """Have a file written beside `out` and put in its place, or not at all. Its owner's only.

    `sources` are files that it must not replace. Raises Refused when it cannot be written.
    """
    out = out.resolve()
    taken = {source.resolve() for source in sources}
    taken |= {source.with_name(source.name + end) for source in taken for end in ("-wal", "-shm", ".lock")}
    if out in taken:
        raise Refused(f"{out}: cannot be written: belongs to the journal")
    if out.exists() and not out.is_file():
        raise Refused(f"{out}: cannot be written: is not a file")
    from cashier.paper import whole

    try:
        whole.write_whole(out, write)
    except OSError as error:
        raise Refused(f"{out}: cannot be written: {error.strerror}") from None


def print_report(report: DailyReport, out: Path, page: str, sources: Sequence[Path]) -> None:
    """Write a report as a PDF of a page size."""
    from cashier.paper.daily_page import SIZES, write_pdf

    with painting():
        write_whole(out, sources, lambda part: write_pdf(part, report, SIZES[page]))


def print_deposit(report: DailyReport, out: Path, page: str, sources: Sequence[Path]) -> None:
    """Write the deposit slip of a report's drawer as a PDF."""
    from cashier.paper.daily_page import SIZES
    from cashier.paper.deposit_page import write_pdf

    with painting():
        write_whole(out, sources, lambda part: write_pdf(part, report, SIZES[page]))


def save_csv(report: DailyReport, out: Path, sources: Sequence[Path]) -> None:
    """Write a report as CSV."""
    from cashier.paper.daily_csv import ENCODING, write_csv

    def write(part: Path) -> None:
        with part.open("w", encoding=ENCODING, newline="") as stream:
            write_csv(report, stream)

    write_whole(out, sources, write)


@contextlib.contextmanager
def painting() -> Iterator[None]:
    """Painting needs an application; a page needs no screen."""
    import sys

    from PySide6.QtGui import QGuiApplication

    screenless = ("-platform", "offscreen") if sys.platform == "linux" else ()
    application = QGuiApplication.instance() or QGuiApplication(["cashier", *screenless])
    try:
        yield
    finally:
        del application


def seal(
    journal: Path, settings: "Settings | None", out: Path, first: dt.date, last: dt.date
) -> tuple[int, str]:
    """Seal the auditor's export of some days into a file; how many entries, and the last one's hash."""
    import io
    from typing import IO

    from cashier import paths
    from cashier.domain.entries import utc_text
    from cashier.journal.seal import Sealed, seal_journal
    from cashier.paper.daily_csv import ENCODING, write_csv

    if first > last:
        raise Refused(f"--from {first.isoformat()} is after --to {last.isoformat()}")

    def daily_table(stream: IO[bytes]) -> None:
        text = io.TextIOWrapper(stream, encoding=ENCODING, newline="", write_through=True)
        write_csv(daily(journal, settings, Scope(first, last)), text)
        text.detach()

    made: list[Sealed] = []

    def write(part: Path) -> None:
        made.append(
            seal_journal(
                journal,
                part,
                first,
                last,
                made_at=utc_text(SystemClock().now()),
                verifier=verifier_file(paths.resources()),
                extras={"daily.csv": daily_table},
            )
        )

    write_whole(out, (journal,), write)
    return made[0].entries, made[0].head


def verifier_file(resources: Path) -> Path:
    """The program that every sealed file carries."""
    return resources / "auditor" / "verify.py"


def is_sealed(file: Path) -> bool:
    """Whether a file is a sealed export rather than a journal."""
    with file.open("rb") as stream:
        return stream.read(2) == b"PK"


def verify_sealed(file: Path) -> tuple[bool, tuple[str, ...]]:
    """Verify a sealed export by the verifier of this version, never by the one that is in it."""
    import runpy

    from cashier import paths

    verifier = runpy.run_path(str(verifier_file(paths.resources())))
    lines, faults = verifier["verify"](file)
    return not faults, (*lines, *(f"CHANGED: {fault}" for fault in faults))
