"""What the verbs about copies of journals do: rescue, restore, back up, and what is still owed."""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from cashier.adapters import hub_client, line_of
from cashier.clock import SystemClock
from cashier.data_files import (
    JOURNAL,
    backups_of,
    data_folder,
    imported_file,
    imported_journal,
    real_settings,
)
from cashier.domain.entries import EntryKind, StoredRow
from cashier.domain.errors import Discrepancy, Refused, Unavailable
from cashier.domain.outbox import BATCH_ENTRIES, Owed
from cashier.domain.people import PEOPLE, fold_people

if TYPE_CHECKING:
    from cashier.hub.client import HubClient
    from cashier.journal.store import SqliteJournal
    from cashier.journal.verify import Verified
    from cashier.secrets import Secrets
    from cashier.settings import Settings
    from cashier.till.outbox import Exceptional

#: The hub is told once more of this many entries before the end of a restored journal: when its answer to
#: them was lost with the machine, so was what it refused of them.
_TOLD_AGAIN = 2 * BATCH_ENTRIES

Tell = Callable[[str], object]


@dataclass(frozen=True)
class Imported:
    """What came of an import: whose journal, where it stands, what it has, and how many entries were new."""

    till: str
    file: Path
    entries: int
    receipts: int
    fresh: int


def import_journal(file: Path, settings_file: Path) -> Imported:
    """Take over the journal of a till of this site whose machine is dead, from a copy of its disk.

    It keeps its till's code, its numbers and its chain, and stands beside this till's own journal; what of it
    the hub does not have yet is sent by this till's window. Twice is once. Raises Refused for a file that
    does not hold or is this till's own, Discrepancy when another journal of that till was imported.
    """
    from cashier.journal.adopt import till_of
    from cashier.journal.verify import verify_file
    from cashier.journal.walk import walking_rows

    settings = real_settings(settings_file)
    if not file.is_file():
        raise Refused(f"{file}: no such file")
    _refuse_broken(file, verify_file(file))
    till = till_of(file)
    if till == settings.till:
        raise Refused(
            f"{file} is a journal of this till, {till}. Another till's is imported; this one's own is built "
            "anew with `cashier journal restore`."
        )
    with (
        _unavailable("The journal cannot be taken over"),
        imported_journal(settings, till, SystemClock()) as journal,
    ):
        # First: whatever ends this, nothing that the dead till has told already is told by what is here.
        for owed, told in _told_by(file).items():
            if told > journal.sent(owed):
                journal.mark_sent(owed, told)
        with walking_rows(file) as rows:
            fresh = sum(journal.adopt(batch) for batch in _batches(rows))
        _refuse_broken(imported_file(settings, till), journal.verify_all())
        receipts = sum(1 for _ in journal.entries_of((EntryKind.RECEIPT_ISSUED,)))
        return Imported(till, imported_file(settings, till), journal.head().seq, receipts, fresh)


def _told_by(file: Path) -> dict[Owed, int]:
    """How far the till of a journal file had told each kind of what it owed."""
    from cashier.journal.adopt import head_of, sent_of

    # An older program told portals nothing, and its journal is taken along as it is when it is migrated:
    # no portal hears of what may be settled there long since.
    untold = {Owed.ENTRIES: 0, Owed.NOTICES: head_of(file).seq}
    found = {owed: sent_of(file, owed.value) for owed in Owed}
    return {owed: untold[owed] if told is None else told for owed, told in found.items()}


@dataclass(frozen=True)
class Restored:
    """A journal built anew. `last_receipt` is its number or empty, `altered` what the hub keeps altered.

    Without `has_pins` nobody can sign in before an administrator has a new PIN.
    """

    entries: int
    last_receipt: str
    altered: Sequence[int]
    has_pins: bool


async def restore_journal(
    settings_file: Path, *, from_hub: bool, backup: Path | None, tell: Tell
) -> Restored:
    """Build this till's journal anew on a machine that has none: from a backup, from the hub, or both.

    With both, the backup's entries come first and the hub's after them; they must be of one chain. The
    journal is not there before it is whole and verified. Raises Refused where there is one already, or
    nothing to build it of; Discrepancy when the parts contradict each other.
    """
    from cashier.journal.lock import JournalLock, holder_text
    from cashier.journal.sqlite import into_one_file, settle
    from cashier.journal.store import SqliteJournal

    settings = real_settings(settings_file)
    if not from_hub and backup is None:
        raise Refused("Say what the journal is to be built of: --from-hub, --backup FILE, or both.")
    target = data_folder(settings) / JOURNAL
    part = target.with_name(f"{JOURNAL}.restored")
    with (
        _unavailable(f"The journal {target} cannot be built"),
        JournalLock(target.with_name(f"{JOURNAL}.lock"), holder_text("a restore")),
    ):
        _refuse_present(target)
        _remove(part)
        try:
            with SqliteJournal(part, till=settings.till, clock=SystemClock(), holder="a restore") as journal:
                restored = await _fill(journal, settings, from_hub, backup, tell)
            into_one_file(part)
            part.replace(target)
            settle(target)
        finally:
            _remove(part)
    return restored


def _refuse_present(target: Path) -> None:
    """Raise Refused where there is a journal, or the part of one that SQLite would take for the new one's."""
    log = target.with_name(f"{JOURNAL}-wal")
    for path, is_there in ((target, target.exists()), (log, log.exists() and log.stat().st_size > 0)):
        if is_there:
            raise Refused(
                f"There is a journal at {path}. Move {JOURNAL} and {JOURNAL}-wal away first, and keep both."
            )


async def _fill(
    journal: "SqliteJournal", settings: "Settings", from_hub: bool, backup: Path | None, tell: Tell
) -> Restored:
    altered: list[int] = []
    if backup is not None:
        _adopt_backup(journal, backup)
        tell(f"{journal.head().seq} entries of the backup")
    if from_hub:
        async with line_of(settings) as http:
            hub = hub_client(settings, _secrets(settings), http)
            altered = await _adopt_from_hub(journal, hub, settings.till, tell)
    if not journal.head().seq:
        raise Refused("There is nothing to build a journal of: no entry of this till was found.")
    found = journal.verify_all()
    if found.broken is not None and found.broken.seq not in altered[:1]:
        raise Discrepancy(f"What was built does not hold at entry {found.broken.seq}: {found.broken.reason}")
    last = next(iter(journal.search("", 1)), None)
    persons = fold_people(journal.entries(PEOPLE)).persons
    has_pins = not persons or any(journal.pin_hash(person) for person in persons)
    return Restored(journal.head().seq, last.number if last else "", altered, has_pins)


def _adopt_backup(journal: "SqliteJournal", backup: Path) -> None:
    from cashier.journal.adopt import sent_of
    from cashier.journal.verify import verify_file
    from cashier.journal.walk import walking_rows

    if not backup.is_file():
        raise Refused(f"{backup}: no such file")
    _refuse_broken(backup, verify_file(backup))
    with walking_rows(backup) as rows:
        for batch in _batches(rows):
            journal.adopt(batch)
    journal.adopt_pins(backup)
    for owed in Owed:
        journal.mark_sent(owed, sent_of(backup, owed.value) or 0)


async def _adopt_from_hub(journal: "SqliteJournal", hub: "HubClient", till: str, tell: Tell) -> list[int]:
    """Take over what the hub has behind this journal's end; the numbers of entries that it keeps altered."""
    kept = await hub.kept(till)
    altered: list[int] = []
    while page := await hub.entries(journal.head().seq):
        missing = [row.seq for row, why in page if why]
        journal.adopt([row for row, _ in page], frozenset(missing))
        altered += missing
        tell(f"{journal.head().seq} of {kept.seq} entries")
    journal.mark_sent(Owed.ENTRIES, max(min(kept.seq, journal.head().seq) - _TOLD_AGAIN, 0))
    return altered


def back_up(settings_file: Path) -> "tuple[Path, Verified]":
    """Make a backup now, whether the window is open or not; where it is, and what it has.

    Raises Refused, Unavailable, Discrepancy.
    """
    settings = real_settings(settings_file)
    if not settings.backup.keep:
        raise Refused("The settings keep no backups: set keep in [backup].")
    backups = backups_of(settings)
    found = backups.make(SystemClock().now())
    return backups.files()[-1], found


@dataclass(frozen=True)
class Unsent:
    """How much of a journal the hub has not acknowledged, and what it did not take as it stands."""

    to_send: int
    exceptions: "Sequence[Exceptional]"


def unsent(file: Path) -> Unsent:
    """What a journal file still owes the hub, found without its lock. Raises Refused."""
    from cashier.journal.adopt import head_of, sent_of
    from cashier.journal.daybook import open_daybook
    from cashier.till.outbox import exceptional, is_refusal

    owed = head_of(file).seq - (sent_of(file, Owed.ENTRIES.value) or 0)
    with open_daybook(file) as daybook:
        found = [exceptional(entry) for entry in daybook.open_matters() if is_refusal(entry)]
    return Unsent(max(owed, 0), found)


async def verify_with_hub(settings_file: Path) -> str:
    """Compare this till's journal with the hub's copy and its anchors; what agrees, in a line.

    Raises Discrepancy for what does not, Unavailable when the hub does not answer.
    """
    from cashier.journal.walk import walking_rows

    settings = real_settings(settings_file)
    with walking_rows(data_folder(settings) / JOURNAL) as rows:
        hashes = {row.seq: row.hash for row in rows}
    async with line_of(settings) as http:
        hub = hub_client(settings, _secrets(settings), http)
        kept = await hub.kept(settings.till)
        if kept.seq and hashes.get(kept.seq) != kept.hash:
            raise Discrepancy(f"The hub's copy ends at entry {kept.seq}, which is another one here.")
        count, after = 0, 0
        while anchors := await hub.anchors(after):
            wrong = {one.seq for one in anchors if hashes.get(one.seq) != one.hash}
            wrong.update(await hub.wrong_anchors(anchors))
            if wrong:
                raise Discrepancy(f"The hub's anchor of entry {min(wrong)} does not fit this journal.")
            count, after = count + len(anchors), anchors[-1].seq
    return f"the hub has {kept.seq} of {len(hashes)} entries, and {count} anchors fit them"


def _batches(rows: Iterable[StoredRow]) -> Iterator[list[StoredRow]]:
    from cashier.journal.adopt import ADOPTED_AT_ONCE

    iterator = iter(rows)
    while batch := list(islice(iterator, ADOPTED_AT_ONCE)):
        yield batch


def _secrets(settings: "Settings") -> "Secrets":
    from cashier.secrets import Secrets

    return Secrets(settings.site, settings.till, os.environ)


def _refuse_broken(file: Path, found: "Verified") -> None:
    if found.broken is not None:
        raise Refused(f"{file}: BROKEN at entry {found.broken.seq}: {found.broken.reason}")


@contextlib.contextmanager
def _unavailable(what: str) -> Iterator[None]:
    """Tell what a file system says, such as that it is full, as Unavailable."""
    try:
        yield
    except OSError as error:
        raise Unavailable(f"{what}: {error.strerror or error}. Free some space and try again.") from error


def _remove(part: Path) -> None:
    for end in ("", "-wal", "-shm", ".lock"):
        part.with_name(part.name + end).unlink(missing_ok=True)
