"""Where a till's data is, and its journals: its own, their backups, and those that were rescued to it."""

import asyncio
import datetime as dt
import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cashier import paths
from cashier.clock import SystemClock, SystemRandomness
from cashier.domain.errors import Refused
from cashier.till.ports import Clock

if TYPE_CHECKING:
    from cashier.journal.backup import Backups
    from cashier.journal.rescued import RescuedFile
    from cashier.journal.store import SqliteJournal
    from cashier.settings import Settings
    from cashier.till.people import People
    from cashier.ui.report_jobs import OpenDaybook

JOURNAL = "journal.db"
#: Where journals of other tills are kept that were rescued to this one.
IMPORTED = "imported"


def data_folder(settings: "Settings") -> Path:
    """Where this till's journal is."""
    return settings.data_folder or paths.data_folder(settings.training)


def real_settings(file: Path) -> "Settings":
    """The settings of a till that takes money. Raises Refused for those of a training session."""
    from cashier.settings import load

    settings = load(file)
    if settings.training:
        raise Refused("The settings file is for training. Start with --training instead.")
    return settings


def journal_of(settings: "Settings", clock: Clock | None = None) -> "SqliteJournal":
    """This till's journal, held exclusively while open. Raises Refused when another program holds it."""
    from cashier.journal.lock import holder_text
    from cashier.journal.store import SqliteJournal

    folder = data_folder(settings)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    holder = holder_text(f"till {settings.till} of {settings.site}")
    return SqliteJournal(folder / JOURNAL, till=settings.till, clock=clock or SystemClock(), holder=holder)


def backups_of(settings: "Settings") -> "Backups":
    """This till's backups of its journal."""
    from cashier.journal.backup import Backups

    folder = data_folder(settings)
    where = settings.backup.folder or folder / "backups"
    return Backups(folder / JOURNAL, where, settings.till, settings.backup.keep)


async def backing_up(settings: "Settings", clock: Clock) -> None:
    """Make backups for as long as the till runs, on a thread beside the window."""
    import structlog

    from cashier.till.backing_up import keep_backing_up

    if settings.training or not settings.backup.keep:
        return
    log = structlog.get_logger("cashier")
    await keep_backing_up(
        backups_of(settings),
        dt.timedelta(hours=settings.backup.every_hours),
        clock.now,
        asyncio.to_thread,
        lambda fault: log.error("backup_failed", reason=fault),
        asyncio.sleep,
    )


def imported_file(settings: "Settings", till: str) -> Path:
    """Where the rescued journal of a till stands, or is to."""
    return data_folder(settings) / IMPORTED / f"{settings.site}-{till}.db"


def imported_files(settings: "Settings") -> "Sequence[Path]":
    """The journals of other tills that were rescued to this one (`cashier journal import`)."""
    found = sorted((data_folder(settings) / IMPORTED).glob("*.db"))
    return [file for file in found if file == imported_file(settings, file.stem.rpartition("-")[2])]


def imported_journal(settings: "Settings", till: str, clock: Clock) -> "SqliteJournal":
    """The rescued journal of another till of the site, made if it is not there. Raises as `journal_of`."""
    from cashier.journal.lock import holder_text
    from cashier.journal.store import SqliteJournal

    file = imported_file(settings, till)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    holder = holder_text(f"till {settings.till} of {settings.site}")
    return SqliteJournal(file, till=till, clock=clock, holder=holder)


def rescued_of(settings: "Settings", clock: Clock) -> "Callable[[], Sequence[RescuedFile]]":
    """Gives the rescued journals that are there when it is called, for reading."""
    from cashier.journal.rescued import RescuedFile

    def files() -> "Sequence[RescuedFile]":
        found = ((file, file.stem.rpartition("-")[2]) for file in imported_files(settings))
        return [RescuedFile(file, till, clock.today) for file, till in found if till != settings.till]

    return files


def people_of(settings: "Settings", journal: "SqliteJournal", environ: Mapping[str, str]) -> "People":
    """The people of a till without the till, on its journal."""
    from cashier.people import ArgonPins, make_pepper
    from cashier.secrets import PIN_PEPPER, Secrets
    from cashier.till.people import People

    secrets = Secrets(settings.site, settings.till, environ)
    hasher = ArgonPins(lambda: secrets.read(PIN_PEPPER))
    people = People(settings.cashier, SystemClock(), SystemRandomness(), journal, hasher, lambda: None)
    if people.view().is_first_start:
        make_pepper(secrets)
    return people


def daybook_of(settings: "Settings") -> "OpenDaybook":
    """Opens this till's journal for reading, on the thread that does."""
    from cashier.journal.daybook import open_daybook

    return functools.partial(open_daybook, data_folder(settings) / JOURNAL)
