"""Where fee schedules are kept, as the till needs it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cashier.domain.fees import Schedule
from cashier.domain.schedule_files import ScheduleFile


@dataclass(frozen=True)
class ReadSchedule:
    """A schedule from a file that is to be brought in; `sha256` is of the file as it was read, in hex."""

    schedule: Schedule
    sha256: str


class ScheduleShelf(Protocol):
    """The schedules that ship with the till, and the office's own.

    A schedule is stored in two steps around its journal entry: `prepare` puts it beside its place, where it
    counts for nothing, and `put` moves it there in one rename. One is taken back the same way. What a crash
    leaves between the two is found by `prepared`.
    """

    def files(self) -> tuple[ScheduleFile, ...]:
        """Every schedule file that counts, faulty ones with their faults."""

    def read(self, file: Path) -> ReadSchedule:
        """A schedule to be brought in, from TOML or CSV. Raises Refused with every fault, a line each."""

    def render(self, schedule: Schedule, note: str) -> bytes:
        """What is stored of a schedule, read back and found to be the same; `note` is a remark in it."""

    def prepare(self, name: str, schedule: Schedule, content: bytes, token: str) -> None:
        """Have a schedule's content on the disk, to be put in its place under a file name.

        `token` names the journal entry it waits for. Raises Unavailable: then nothing is there.
        """

    def prepare_removal(self, name: str, token: str) -> None:
        """Have it on the disk that a file of the office's own is to be taken back. Raises as `prepare`."""

    def put(self, name: str, token: str) -> None:
        """Do what was prepared: put it in its place, or take it from there, where it is kept under another
        name. Prices count from the next reading on. Twice is once.

        Raises InDoubt when the disk refuses: `finish` does it another time.
        """

    def drop(self, name: str, token: str) -> None:
        """Give up what was prepared. What cannot be removed is never put in its place: no entry names it."""

    def prepared(self) -> tuple[tuple[str, str], ...]:
        """File name and token of everything that was prepared and not put, the oldest first."""
