"""Where fee schedules are: the folder that ships with the till, and the office's own beside its settings.

What is brought in is written beside its place under a name that no reading takes for a schedule, synced, and
moved there in one rename. Nothing of another file is ever written: a file says itself which ones it ends.
"""

import datetime as dt
import errno
import hashlib
import os
import re
import sys
from pathlib import Path

from cashier.domain.errors import InDoubt, Refused, Unavailable
from cashier.domain.fees import Schedule
from cashier.domain.schedule_files import ScheduleFile
from cashier.schedule_csv import parse_csv
from cashier.schedule_toml import schedule_toml
from cashier.schedules import Found, find, parse_schedule, read_content, read_file, schedule_files
from cashier.till.schedule_ports import ReadSchedule

#: `oshtemo-2027-01-01.toml.<token>.ready`: prepared for its place, to be put there once the journal has it;
#: `.<token>.goes`: the file of that name is to be taken away then; `.<token>.withdrawn`: it was.
_PREPARED = re.compile(r"(?P<name>.+\.toml)\.(?P<token>[0-9a-f-]{36})\.(ready|goes)", re.ASCII)
#: What a file that is brought in may be called.
CSV, TOML = ".csv", ".toml"


class Disk:
    """What is done to the disk, one step each. Raises OSError."""

    def write(self, path: Path, content: bytes) -> None:
        """A new file, on the disk when this returns."""
        with path.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def rename(self, path: Path, target: Path) -> None:
        """In one step, in place of a file that may be there."""
        path.replace(target)

    def sync_folder(self, folder: Path) -> None:
        """The names in a folder are on the disk when this returns."""
        if sys.platform == "win32":  # where a folder cannot be synced; its file system keeps names in order
            return
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno != errno.EINVAL:  # a file system that does not know of syncing a folder
                raise
        finally:
            os.close(descriptor)


class ScheduleFolders:
    """The ScheduleShelf on two folders; it also keeps the schedules that were read, by business date."""

    #: How many business dates are kept: today's, and those a clerk looks at beside it.
    DATES_MAX = 4

    def __init__(self, shipped: Path, own: Path | None, disk: Disk | None = None) -> None:
        self._shipped = shipped
        self._own = own
        self._disk = disk or Disk()
        self._by_date: dict[tuple[str, dt.date], Schedule] = {}
        #: Files that were read, as long as they are the very same.
        self._parsed: dict[Path, tuple[tuple[int, ...], Found]] = {}

    def on(self, name: str, date: dt.date) -> Schedule:
        """A schedule as it stands on a business date, read once. Raises Refused as `schedules.find` does."""
        key = (name, date)
        if key not in self._by_date:
            found = find(name, self._shipped, date, self._own, self._found)
            while len(self._by_date) >= self.DATES_MAX:
                self._by_date.pop(next(iter(self._by_date)))
            self._by_date[key] = found
        return self._by_date[key]

    def files(self) -> tuple[ScheduleFile, ...]:
        """See the port."""
        return schedule_files(self._shipped, self._own, read=self._found)

    def _found(self, path: Path) -> Found:
        stamp = _stamp(path)
        known = self._parsed.get(path)
        if known is None or known[0] != stamp or not stamp:
            known = self._parsed[path] = (stamp, read_file(path))
        return known[1]

    def read(self, file: Path) -> ReadSchedule:
        """See the port."""
        suffix = file.suffix.casefold()
        if suffix not in (CSV, TOML):
            raise Refused(f"{file.name}: is neither a {TOML} nor a {CSV} file")
        try:
            content = read_content(file)
        except Refused as refused:
            raise Refused(refused.user_text.replace(str(file), file.name)) from refused
        if suffix == CSV:
            schedule = parse_csv(content, file.name)
        else:
            schedule = parse_schedule(content, file.name, None)
        return ReadSchedule(schedule, hashlib.sha256(content).hexdigest())

    def render(self, schedule: Schedule, note: str) -> bytes:
        """See the port."""
        content = schedule_toml(schedule, note).encode()
        assert parse_schedule(content, "what is stored", schedule.name) == schedule, "it reads as it was"
        return content

    def prepare(self, name: str, schedule: Schedule, content: bytes, token: str) -> None:
        """See the port."""
        folder = self._own_folder()
        ready = _beside(folder, name, token, "ready")
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._disk.write(ready, content)
            self._disk.sync_folder(folder)
            self._parsed[ready] = (_stamp(ready), Found(folder / name, schedule))
        except OSError as error:
            self.drop(name, token)
            raise Unavailable(
                f"The schedule could not be stored in {folder}: {error.strerror or error}. Nothing was "
                "changed; the prices are as they were. Mend that and try again."
            ) from error

    def put(self, name: str, token: str) -> None:
        """See the port."""
        folder = self._own_folder()
        ready = _beside(folder, name, token, "ready")
        self._by_date.clear()
        try:
            if _beside(folder, name, token, "goes").exists():
                self._take_away(folder, name, token)
            elif ready.exists():
                self._disk.rename(ready, folder / name)
                self._take_parsed(ready, folder / name)
            self._disk.sync_folder(folder)
        except OSError as error:
            raise InDoubt(
                f"It is recorded, but {name} could not be put in its place in {folder}, or taken from it: "
                f"{error.strerror or error}. Prices may be the old ones until the till is started anew, "
                "which finishes it. Do not do it again."
            ) from error

    def prepare_removal(self, name: str, token: str) -> None:
        """See the port."""
        folder = self._own_folder()
        try:
            self._disk.write(_beside(folder, name, token, "goes"), b"")
            self._disk.sync_folder(folder)
        except OSError as error:
            self.drop(name, token)
            raise Unavailable(
                f"{name} could not be taken back in {folder}: {error.strerror or error}. Nothing was "
                "changed; the prices are as they were. Mend that and try again."
            ) from error

    def _take_away(self, folder: Path, name: str, token: str) -> None:
        if (folder / name).exists():
            self._disk.rename(folder / name, _beside(folder, name, token, "withdrawn"))
        self._disk.sync_folder(folder)
        _beside(folder, name, token, "goes").unlink(missing_ok=True)

    def _take_parsed(self, ready: Path, target: Path) -> None:
        """What was written need not be read again: a large schedule would hold the window up."""
        if (known := self._parsed.pop(ready, None)) is not None and known[0] == _stamp(target):
            self._parsed[target] = known

    def drop(self, name: str, token: str) -> None:
        """See the port."""
        try:
            for what in ("ready", "goes"):
                _beside(self._own_folder(), name, token, what).unlink(missing_ok=True)
        except OSError:
            return  # it counts for nothing where it is, and the next start tries again

    def prepared(self) -> tuple[tuple[str, str], ...]:
        """See the port."""
        if self._own is None:
            return ()
        matches = (_PREPARED.fullmatch(path.name) for path in self._own.glob("*.toml.*"))
        found = [(match["name"], match["token"]) for match in matches if match is not None]
        return tuple(sorted(found, key=lambda one: one[1]))

    def _own_folder(self) -> Path:
        assert self._own is not None, "who has no folder of its own is offered no import"
        return self._own


def _stamp(path: Path) -> tuple[int, ...]:
    """What tells a file from another one in its place; empty where it cannot be looked at."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def _beside(folder: Path, name: str, token: str, what: str) -> Path:
    return folder / f"{name}.{token}.{what}"
