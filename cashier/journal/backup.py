"""Backups of a journal in use: made by SQLite itself from one view of the file, verified, the oldest dropped.

A backup is one file that opens as a journal. It is not there before it is whole, verified and on the disk,
and an older one is dropped only then; so there is always a good one.
"""

import contextlib
import datetime as dt
import os
import re
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from cashier.domain.errors import Discrepancy, Unavailable
from cashier.journal.sqlite import connect, readonly_uri, translated
from cashier.journal.verify import Verified, verify_file

_STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"journal-([A-Z]{1,4})-(\d{8}T\d{6}Z)\.db")


class Backups:
    """Backups of one till's journal in a folder; at most `keep` of them. Use it on one thread at a time."""

    def __init__(self, journal: Path, folder: Path, till: str, keep: int) -> None:
        self._journal = journal
        self._folder = folder
        self._till = till
        self._keep = keep

    def files(self) -> Sequence[Path]:
        """Every backup, oldest first."""
        found = {path: _NAME.fullmatch(path.name) for path in self._folder.glob("journal-*.db")}
        return sorted(path for path, name in found.items() if name and name[1] == self._till)

    def newest_at(self) -> dt.datetime | None:
        """When the newest was made, aware UTC, or None."""
        files = self.files()
        name = _NAME.fullmatch(files[-1].name) if files else None
        return dt.datetime.strptime(name[2], _STAMP).replace(tzinfo=dt.UTC) if name else None

    def make(self, now: dt.datetime) -> Verified:
        """Make one more. Blocking, for as long as copying and verifying take; the till goes on meanwhile.

        Raises Discrepancy when the copy does not hold, Unavailable when there is no room or no folder: then
        all earlier ones stay.
        """
        target = self._folder / f"journal-{self._till}-{now.astimezone(dt.UTC).strftime(_STAMP)}.db"
        part = target.with_name(target.name + ".part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for left in self._folder.glob(f"journal-{self._till}-*.part*"):
                left.unlink()
            part.touch(mode=0o600)
            with translated(self._journal):
                self._copy(part)
            found = verify_file(part)
            if found.broken is not None:
                raise Discrepancy(
                    f"The backup of the journal does not hold at entry {found.broken.seq}: "
                    f"{found.broken.reason}. It was thrown away, and the earlier ones stay."
                )
            _sync(part)
            part.replace(target)
            _sync_folder(self._folder)
            others = [path for path in self.files() if path != target]
            for old in others[: len(others) + 1 - self._keep]:
                old.unlink()
        except OSError as error:
            raise Unavailable(f"No backup in {self._folder}: {error.strerror or error}.") from error
        finally:
            with contextlib.suppress(OSError):  # the next one removes it
                part.unlink(missing_ok=True)
        return found

    def _copy(self, part: Path) -> None:
        with (
            closing(connect(readonly_uri(self._journal))) as source,
            closing(connect(f"{part.absolute().as_uri()}?mode=rw")) as copy,
        ):
            # All in one step, which is one view of the file; a second step might begin anew.
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE").fetchall()  # one file, without a log beside it


def _sync(path: Path) -> None:
    with path.open("r+b") as stream:
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
