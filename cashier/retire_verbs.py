"""What the verb does that takes a till out of use: a verified copy of all it has, and what is still open.

Nothing is deleted, here or by the scripts that remove the program and call this first: a till's data folder
is an administrator's to delete, when the copies are elsewhere.
"""

import contextlib
import datetime as dt
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cashier import paths
from cashier.clock import SystemClock
from cashier.data_files import JOURNAL, data_folder, imported_files, journal_of, real_settings
from cashier.domain.entries import utc_moment, utc_text
from cashier.domain.errors import Discrepancy, Refused, Unavailable
from cashier.domain.outbox import Kept, Owed
from cashier.report_verbs import verifier_file, verify_sealed, write_whole
from cashier.till.retiring import StillOpen, rescued_unsent, still_open

if TYPE_CHECKING:
    from cashier.settings import Settings

OPEN_FILE, SEALED_FILE = "what-is-open.txt", "sealed.zip"
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Retired:
    """What was kept, and where: each file with what it is, in words; and what is still open."""

    till: str
    folder: Path
    kept: tuple[tuple[Path, str], ...]
    open: tuple[StillOpen, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """All of it, for a person."""
        kept = (f"  {file.name}: {what}" for file, what in self.kept)
        if not self.open:
            return (f"kept in {self.folder}, verified:", *kept, f"Nothing is open at till {self.till}.")
        still = (f"  - {one.what}. {one.do}" for one in self.open)
        return (
            f"kept in {self.folder}, verified:",
            *kept,
            f"STILL OPEN at till {self.till}; nothing of it is lost, but nobody sees to it when the program "
            "is gone:",
            *still,
        )


def retire(settings_file: Path, out: Path) -> Retired | None:
    """Keep a verified copy of a till's journal below `out`, and tell what is still open; None without one.

    The window must be closed. Raises Refused while it is not and for a place that is not safe, Discrepancy
    when the journal does not hold (it is then copied as it stands), Unavailable when the copy cannot be made.
    """
    settings = real_settings(settings_file)
    journal_file = data_folder(settings) / JOURNAL
    if not journal_file.exists():
        return None
    out = out.resolve()
    if out.is_relative_to(data_folder(settings).resolve()):
        raise Refused(f"{out}: is in the till's own data folder. Name a place that is kept apart from it.")
    clock = SystemClock()
    stamp = clock.now().astimezone(dt.UTC).strftime(_STAMP)
    folder = out / f"{settings.site}-{settings.till}-{stamp}"
    try:
        with _copied_as_it_stands(journal_file, folder), journal_of(settings, clock) as journal:
            _make(folder)
            kept = [_copy(journal_file, folder, settings.till, journal.head()), *_seal(journal_file, folder)]
            found = list(still_open(journal))
        for file in imported_files(settings):
            till = file.stem.rpartition("-")[2]
            with _copied_as_it_stands(file, folder):
                kept.append(_copy(file, folder, till, None))
                found += _owed_by(file, till)
        retired = Retired(settings.till, folder, tuple(kept), tuple(found))
        _write(folder / OPEN_FILE, [_heading(settings, utc_text(clock.now())), *retired.lines])
    except OSError as error:
        raise Unavailable(f"Nothing was kept in {folder}: {error.strerror or error}.") from error
    return retired


def _heading(settings: "Settings", at: str) -> str:
    return f"Till {settings.till} of {settings.site}, {settings.agency}, at {at}"


def _make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def _copy(file: Path, folder: Path, till: str, head: Kept | None) -> tuple[Path, str]:
    """A plain copy that any till can import. `head` is what it must end with, where that is known."""
    from cashier.journal.backup import Backups

    backups = Backups(file, folder, till, keep=1)
    found = backups.make(SystemClock().now())
    if head is not None and (found.entries, found.head) != (head.seq, head.hash):
        raise Discrepancy(f"The copy of the journal {file} ends at another entry than the journal.")
    return backups.files()[-1], f"{found.entries:,} entries of till {till}; last hash {found.head}"


def _seal(file: Path, folder: Path) -> Sequence[tuple[Path, str]]:
    """All of it as one sealed file, which an auditor reads without this program; none of an empty journal."""
    from cashier.journal.adopt import head_of
    from cashier.journal.seal import seal_journal
    from cashier.journal.walk import walking_rows

    head, target = head_of(file), folder / SEALED_FILE
    if not head.seq:
        return ()
    # Whatever a clock did meanwhile: every entry was recorded on one of these days.
    with walking_rows(file) as rows:
        stamps = [row.at for row in rows]
    first, last = (utc_moment(stamp).astimezone().date() for stamp in (min(stamps), max(stamps)))

    def write(part: Path) -> None:
        verifier = verifier_file(paths.resources())
        made_at = utc_text(SystemClock().now())
        seal_journal(file, part, first, last, made_at=made_at, verifier=verifier, extras={})

    write_whole(target, (file,), write)
    holds, lines = verify_sealed(target)
    told = "\n".join(lines)
    if not holds or f"{head.seq} entries hold" not in told or head.hash not in told:
        raise Discrepancy(f"The sealed copy {target} does not have all of the journal: {'; '.join(lines)}")
    return ((target, "the same, sealed, with its own verifier: python verify.py sealed.zip"),)


def _owed_by(file: Path, till: str) -> list[StillOpen]:
    from cashier.journal.adopt import head_of, sent_of

    owed = head_of(file).seq - (sent_of(file, Owed.ENTRIES.value) or 0)
    return [rescued_unsent(till, owed)] if owed > 0 else []


@contextlib.contextmanager
def _copied_as_it_stands(file: Path, folder: Path) -> Iterator[None]:
    """A journal that does not hold is copied byte for byte, with what lies beside it, before that is told."""
    try:
        yield
    except Discrepancy as error:
        _make(folder)
        for end in ("", "-wal"):
            source = file.with_name(file.name + end)
            if source.exists():
                shutil.copy2(source, folder / f"{file.stem}-as-it-stands.db{end}")
        raise Discrepancy(
            f"{error.user_text} It was copied as it stands to {folder}. Keep it, and call support before "
            "this till is taken out of use."
        ) from error


def _write(file: Path, lines: Sequence[str]) -> None:
    file.touch(mode=0o600)
    with file.open("w", encoding="utf-8") as stream:
        stream.writelines(f"{line}\n" for line in lines)
        stream.flush()
        os.fsync(stream.fileno())
