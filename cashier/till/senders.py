"""What is sent to the hub, each kind in its own order: a journal's entries, and its notices to portals.

When to send is the outbox's to say; here is what one batch is, and from where it goes on.
"""

import datetime as dt
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import Protocol

from cashier.domain.entries import Entry, StoredRow, utc_text
from cashier.domain.errors import Discrepancy
from cashier.domain.outbox import (
    BATCH_BYTES,
    BATCH_ENTRIES,
    Acknowledged,
    Forked,
    Gap,
    Kept,
    NotTaken,
    Owed,
    RefusedItem,
    TooLarge,
    cut,
)
from cashier.till.notices import TOLD_KINDS, Notice, may_be_told
from cashier.till.ports import Clock, Journal, OutboxJournal, SecondCopy

NOTICES_AT_ONCE = 20
#: Entries looked at for notices without a pause: some milliseconds' worth.
LOOKED_AT_ONCE = 100
#: How old a notice may be that a hub which has lost it is told again: as long as a hub tries to deliver one.
NOTICES_AGAIN = dt.timedelta(days=30)

#: Tells of an item that was not taken: the till whose journal it is in, and the item.
Refuse = Callable[[str, RefusedItem], None]


class Sender(Protocol):
    """What one queue sends."""

    @property
    def till(self) -> str:
        """Whose journal it is."""

    def to_send(self) -> int:
        """How many items are owed."""

    def again(self) -> None:
        """Somebody said to try again what had stopped."""

    def send(self) -> Awaitable[bool]:
        """Send one batch, if there is any; whether there may be more. Raises what the line raises."""


class EntrySender:
    """The entries of a journal, to the hub's copy of it."""

    def __init__(
        self,
        till: str,
        journal: OutboxJournal,
        copy: SecondCopy,
        refuse: Refuse,
        lost: Callable[[int], None] = lambda _seq: None,
        *,
        is_own: bool = True,
    ) -> None:
        self.till = till
        self._is_own = is_own
        self._journal = journal
        self._copy = copy
        self._refuse = refuse
        #: Told of the last entry that the hub still has, where it has lost what it had acknowledged.
        self._lost = lost
        self._agreed = False
        #: Halved where the hub, or a proxy before it, does not take so much at once; grows again.
        self._at_once = BATCH_ENTRIES

    def to_send(self) -> int:
        """See Sender."""
        return max(self._journal.head().seq - self._journal.sent(Owed.ENTRIES), 0)

    def again(self) -> None:
        """See Sender."""
        self._agreed = False

    async def send(self) -> bool:
        """See Sender. The first time, both sides make sure that they speak of the same journal."""
        if not self._agreed:
            await self._agree(await self._copy.kept(self.till))
        rows = cut(self._journal.rows_after(self._journal.sent(Owed.ENTRIES), self._at_once))
        if not rows:
            return False
        try:
            told = await self._keep(rows)
        except Gap as gap:
            # The hub has lost some, or a cut in its storage was mended: what it has is asked for once more.
            self._agreed = False
            if gap.next_seq > rows[0].seq:
                raise Forked(gap.next_seq, "the hub wants what this journal has not reached") from gap
            self._go_back(gap.next_seq - 1)
            return True
        if told is None:
            self._at_once = len(rows) // 2
            return True
        self._at_once = min(2 * self._at_once, BATCH_ENTRIES)
        # Told before it is marked: when the till ends in between, the hub says the same once more.
        for item in told.refused:
            self._refuse(self.till, item)
        self._journal.mark_sent(Owed.ENTRIES, rows[-1].seq, told.anchors)
        return self.to_send() > 0

    async def _keep(self, rows: Sequence[StoredRow]) -> Acknowledged | None:
        """What the hub says of a batch; None where it does not take it and a smaller one is to be tried.

        An entry that it does not take by itself either is kept there by its place in the chain alone. Not one
        that every hub has room for: before that one is a proxy that is set up wrong, which a person mends.
        """
        try:
            return await self._copy.keep(self.till, rows)
        except NotTaken as error:
            if len(rows) > 1:
                return None
            if isinstance(error, TooLarge) and len(rows[0].body_text.encode()) <= BATCH_BYTES:
                raise
            return await self._copy.keep_place(self.till, rows[0])

    async def _agree(self, kept: Kept) -> None:
        """Go on from what both have. Raises Forked.

        Never from further than this journal has marked: with the hub's answer what it refused was lost.
        """
        if kept.seq:
            row = next(iter(self._journal.rows_after(kept.seq - 1, 1)), None)
            if row is None and not self._is_own:
                # The dead till had sent more than its disk, or what is taken over of it so far, has.
                await self._agree_behind()
                return
            if row is None:
                lost = self._journal.head().seq + 1
                raise Forked(lost, f"the hub has entries up to {kept.seq}, which this journal lacks")
            if row.hash != kept.hash:
                raise Forked(kept.seq, "the hub has another entry there")
        if kept.seq < self._journal.sent(Owed.ENTRIES):
            self._go_back(kept.seq)
        self._agreed = True

    async def _agree_behind(self) -> None:
        """With a hub that has more: all of this journal is there, if its last entry is. Raises Forked."""
        head = self._journal.head()
        if head.seq:
            told = await self._keep(self._journal.rows_after(head.seq - 1, 1))
            for item in told.refused if told else ():
                self._refuse(self.till, item)
        self._journal.mark_sent(Owed.ENTRIES, head.seq)
        self._agreed = True

    def _go_back(self, seq: int) -> None:
        """The hub has lost what it had acknowledged, such as one restored from a backup: owed once more."""
        self._lost(seq)  # first: when the till ends in between, the same is found by the next start
        self._journal.mark_sent(Owed.ENTRIES, seq)


class OwnJournal(Journal, OutboxJournal, Protocol):
    """A journal that is read for what it says, and marked with what was told."""


class NoticeSender:
    """Notices to portals, made from a journal's entries."""

    def __init__(
        self,
        till: str,
        journal: OwnJournal,
        copy: SecondCopy,
        make: Callable[[Entry], Notice | None],
        refuse: Refuse,
        clock: Clock,
    ) -> None:
        self._clock = clock
        self.till = till
        self._journal = journal
        self._copy = copy
        self._make = make
        self._refuse = refuse
        self._seen = self._marked = journal.sent(Owed.NOTICES)
        self._owed: deque[Entry] = deque()
        #: Whether entries may be left to look at: the window has its turn before the next look.
        self._is_behind = True

    def to_send(self) -> int:
        """See Sender: as far as it has looked, and one more for what it has not."""
        self._look()
        return len(self._owed) + self._is_behind

    def again(self) -> None:
        """See Sender."""

    def go_back(self, seq: int) -> None:
        """The hub has lost what came after an entry, and with it notices that may never have left it.

        Those of NOTICES_AGAIN are owed once more; the rest had long left it. Each has its entry's id: a
        portal that has heard of one knows it again.
        """
        since = utc_text(self._clock.now() - NOTICES_AGAIN)
        lost = (entry.seq for entry in self._journal.entries_of(TOLD_KINDS, after=seq) if entry.at >= since)
        first = next(lost, None)
        if first is not None and first <= self._journal.sent(Owed.NOTICES):
            self._journal.mark_sent(Owed.NOTICES, first - 1)
            self._seen = self._marked = first - 1
            self._owed.clear()
            self._is_behind = True

    def _look(self) -> None:
        looked = 0
        for entry in islice(self._journal.entries_of(TOLD_KINDS, after=self._seen), LOOKED_AT_ONCE):
            looked, self._seen = looked + 1, entry.seq
            if may_be_told(entry):
                self._owed.append(entry)
        self._is_behind = looked == LOOKED_AT_ONCE

    async def send(self) -> bool:
        """See Sender. In order, and past one that is not taken."""
        done = 0
        try:
            while self._owed and done < NOTICES_AT_ONCE:
                entry = self._owed[0]
                if (notice := self._make(entry)) is not None:
                    await self._tell(entry.seq, notice)
                self._owed.popleft()
                done = done + 1
        finally:
            before = self._owed[0].seq - 1 if self._owed else self._seen
            # What nobody has to be told of is marked, too, now and then: no start looks at it all again.
            if done or before - self._marked >= LOOKED_AT_ONCE:
                self._journal.mark_sent(Owed.NOTICES, before)
                self._marked = before
        return self.to_send() > 0

    async def _tell(self, seq: int, notice: Notice) -> None:
        try:
            await self._copy.notify(self.till, notice.id, notice.url, notice.kind, notice.data)
        except (NotTaken, Discrepancy) as error:
            reason = f"the portal cannot be told of it ({error.user_text})"
            self._refuse(self.till, RefusedItem(seq, f"{notice.id}-notice", reason, "supervisor"))
