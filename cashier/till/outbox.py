"""Telling the hub what this till has recorded: in order, once, and past what is refused.

Every queue has its own pace and its own faults, so none holds up another: this till's entries, its notices to
portals, and each journal that was rescued from another till's disk. One small batch at a time; between two of
them the window has its turn. Nothing here is waited for by a sale, by signing out or by closing the day.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cashier.domain.entries import Break, Draft, Entry, EntryKind
from cashier.domain.errors import CashierError, Discrepancy, TooBusy
from cashier.domain.outbox import (
    BATCH_ENTRIES,
    RETRY_FIRST_S,
    Event,
    Forked,
    Gap,
    Kept,
    NotTaken,
    OutboxView,
    Owed,
    Phase,
    Queue,
    RefusedItem,
    cut,
    retry_s,
)
from cashier.till.notices import TOLD_KINDS, Notice, may_be_told
from cashier.till.ports import Clock, Journal, OutboxJournal, PeopleJournal, Randomness, SecondCopy
from cashier.till.ringing import rung_or_after

#: Between two batches, beside the waits for the line itself.
PACE_S = 0.002
#: With nothing to send: a ring comes with the next entry, this is for one that was missed.
IDLE_S = 600.0
NOTICES_AT_ONCE = 20
#: Bits of the chance that spreads the tries of a site's tills.
CHANCE_BITS = 32
#: Who sees to a journal that the hub knows otherwise.
FORK_OWNER = "administrator"

Sleep = Callable[[float], Awaitable[object]]
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

    def __init__(self, till: str, journal: OutboxJournal, copy: SecondCopy, refuse: Refuse) -> None:
        self.till = till
        self._journal = journal
        self._copy = copy
        self._refuse = refuse
        self._agreed = False

    def to_send(self) -> int:
        """See Sender."""
        return max(self._journal.head().seq - self._journal.sent(Owed.ENTRIES), 0)

    def again(self) -> None:
        """See Sender."""
        self._agreed = False

    async def send(self) -> bool:
        """See Sender. The first time, both sides make sure that they speak of the same journal."""
        if not self._agreed:
            self._agree(await self._copy.kept(self.till))
        rows = cut(self._journal.rows_after(self._journal.sent(Owed.ENTRIES), BATCH_ENTRIES))
        if not rows:
            return False
        try:
            told = await self._copy.keep(self.till, rows)
        except Gap as gap:
            # The hub has lost some, or a cut in its storage was mended: what it has is asked for once more.
            self._agreed = False
            if gap.next_seq > rows[0].seq:
                raise Forked(gap.next_seq, "the hub wants what this journal has not reached") from gap
            self._journal.mark_sent(Owed.ENTRIES, gap.next_seq - 1)
            return True
        # Told before it is marked: when the till ends in between, the hub says the same once more.
        for item in told.refused:
            self._refuse(self.till, item)
        self._journal.mark_sent(Owed.ENTRIES, rows[-1].seq, told.anchors)
        return self.to_send() > 0

    def _agree(self, kept: Kept) -> None:
        """Go on from what both have. Raises Forked.

        Never from further than this journal has marked: with the hub's answer what it refused was lost.
        """
        if kept.seq:
            row = next(iter(self._journal.rows_after(kept.seq - 1, 1)), None)
            if row is None:
                lost = self._journal.head().seq + 1
                raise Forked(lost, f"the hub has entries up to {kept.seq}, which this journal lacks")
            if row.hash != kept.hash:
                raise Forked(kept.seq, "the hub has another entry there")
        if kept.seq < self._journal.sent(Owed.ENTRIES):
            self._journal.mark_sent(Owed.ENTRIES, kept.seq)
        self._agreed = True


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
    ) -> None:
        self.till = till
        self._journal = journal
        self._copy = copy
        self._make = make
        self._refuse = refuse
        self._seen = journal.sent(Owed.NOTICES)
        self._owed: deque[Entry] = deque()

    def to_send(self) -> int:
        """See Sender."""
        self._look()
        return len(self._owed)

    def again(self) -> None:
        """See Sender."""

    def _look(self) -> None:
        for entry in self._journal.entries_of(TOLD_KINDS, after=self._seen):
            self._seen = entry.seq
            if may_be_told(entry):
                self._owed.append(entry)

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
            if done:
                before = self._owed[0].seq - 1 if self._owed else self._seen
                self._journal.mark_sent(Owed.NOTICES, before)
        return self.to_send() > 0

    async def _tell(self, seq: int, notice: Notice) -> None:
        try:
            await self._copy.notify(notice.id, notice.url, notice.kind, notice.data)
        except (NotTaken, Discrepancy) as error:
            reason = f"the portal cannot be told of it ({error.user_text})"
            self._refuse(self.till, RefusedItem(seq, f"{notice.id}-notice", reason, "supervisor"))


@dataclass
class _Lane:
    """A sender with its queue. `due` is in monotonic seconds."""

    sender: Sender
    is_own: bool
    queue: Queue = field(default_factory=Queue)
    due: float = 0.0


@dataclass(frozen=True)
class Exceptional:
    """An item that was not taken as it stands, until a person has seen to it. `at` is UTC text."""

    at: str
    till: str
    seq: int
    reason: str
    owner: str


class Outbox:
    """All queues of a till. Without a second copy there is nothing to do."""

    def __init__(
        self,
        till: str,
        clock: Clock,
        randomness: Randomness,
        journal: PeopleJournal,
        copy: SecondCopy | None,
        make_notice: Callable[[Entry], Notice | None],
        changed: Callable[[], None],
        forked: Callable[[Break], None],
        sleep: Sleep | None = None,
    ) -> None:
        import asyncio  # not before the first paint

        self._clock = clock
        self._randomness = randomness
        self._journal = journal
        self._copy = copy
        self._changed = changed
        self._forked = forked
        self._sleep = sleep or asyncio.sleep
        self._rung = asyncio.Event()
        self._lanes: list[_Lane] = []
        self._shown = OutboxView(0, Phase.READY)
        if copy is not None:
            entries = EntrySender(till, journal, copy, self._refuse)
            notices = NoticeSender(till, journal, copy, make_notice, self._refuse)
            self._lanes = [_Lane(entries, is_own=True), _Lane(notices, is_own=True)]

    def bring(self, till: str, journal: OwnJournal, make_notice: Callable[[Entry], Notice | None]) -> None:
        """Send what another till's rescued journal still owes, too."""
        if self._copy is not None:
            entries = EntrySender(till, journal, self._copy, self._refuse)
            notices = NoticeSender(till, journal, self._copy, make_notice, self._refuse)
            self._lanes += [_Lane(entries, is_own=False), _Lane(notices, is_own=False)]
            self._rung.set()

    # -- looking -----------------------------------------------------------------------------------------

    def view(self) -> OutboxView:
        """How much is to be sent, and what stands in the way."""
        queues = [lane.queue for lane in self._lanes]
        phases = (Phase.STOPPED, Phase.WAITING, Phase.PAUSED)
        phase = next((one for one in phases if any(queue.phase is one for queue in queues)), Phase.READY)
        fault = next((queue.fault for queue in queues if queue.phase is phase), "")
        return OutboxView(sum(lane.sender.to_send() for lane in self._lanes), phase, fault)

    def exceptions(self) -> Sequence[Exceptional]:
        """What was not taken as it stands and nobody has seen to yet, oldest first."""
        return tuple(exceptional(entry) for entry in self._journal.open_matters() if is_refusal(entry))

    # -- verbs -------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Something may have been recorded. Whoever else looks now sees how much is to be sent."""
        self._shown = self.view()
        if self._is_ready():
            self._rung.set()

    def line_is_up(self) -> None:
        """The hub has answered somebody: what waits for it need not wait longer."""
        for lane in self._lanes:
            lane.due = self._clock.monotonic()
        self._rung.set()

    def pause(self) -> None:
        """Send nothing more until `resume`. What is recorded stays owed."""
        self._move_all(Event.PAUSED)

    def resume(self) -> None:
        """Send again, and try again what had stopped."""
        for lane in self._lanes:
            lane.sender.again()
        self._move_all(Event.RESUMED)
        self._rung.set()

    def _move_all(self, event: Event) -> None:
        for lane in self._lanes:
            lane.queue = lane.queue.after(event)
        self._tell()

    # -- sending -----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Send for as long as the till runs."""
        while True:
            try:
                wait_s = await self.send_due()
            except CashierError:
                # The journal itself could not be read or written, which is told where money is taken.
                wait_s = RETRY_FIRST_S
            if wait_s <= 0:
                await self._sleep(PACE_S)
            else:
                await rung_or_after(self._rung, wait_s)

    async def send_due(self) -> float:
        """Send one batch of each queue that is due; the seconds until one is due again, 0 for at once."""
        waits = [await self._step(lane) for lane in list(self._lanes)]
        # What one queue was refused is recorded, and owed by another that may have had its turn.
        return 0.0 if self._is_ready() else min(waits, default=IDLE_S)

    def _is_ready(self) -> bool:
        return any(lane.queue.phase is Phase.READY and lane.sender.to_send() for lane in self._lanes)

    async def _step(self, lane: _Lane) -> float:
        if lane.queue.phase is Phase.WAITING:
            left_s = lane.due - self._clock.monotonic()
            if left_s > 0:
                return left_s
            lane.queue = lane.queue.after(Event.DUE)
        if lane.queue.phase is not Phase.READY:
            return IDLE_S
        try:
            more = await lane.sender.send()
        except Forked as fork:
            self._stop(lane, fork)
            return IDLE_S
        except CashierError as error:
            return self._put_off(lane, error)
        else:
            lane.queue = lane.queue.after(Event.SENT)
            return 0.0 if more else IDLE_S
        finally:
            self._tell()

    def _put_off(self, lane: _Lane, error: CashierError) -> float:
        lane.queue = lane.queue.after(Event.FAILED, error.user_text)
        chance = self._randomness.bits(CHANCE_BITS) / 2**CHANCE_BITS
        wait_s = retry_s(lane.queue.failures, chance)
        if isinstance(error, TooBusy) and error.retry_after_s is not None:
            wait_s = max(wait_s, error.retry_after_s)
        lane.due = self._clock.monotonic() + wait_s
        return wait_s

    def _stop(self, lane: _Lane, fork: Forked) -> None:
        """The two copies contradict each other: nothing more is sent until a person says so."""
        item = RefusedItem(fork.seq, f"fork-{lane.sender.till}-{fork.seq}", fork.reason, FORK_OWNER)
        self._refuse(lane.sender.till, item)  # first: a disk that is full now is asked again
        lane.queue = lane.queue.after(Event.FORKED, fork.user_text)
        if lane.is_own:
            self._forked(Break(fork.seq, fork.reason))

    def _refuse(self, till: str, item: RefusedItem) -> None:
        """Record an exception, once: the same item is told again when an answer was lost."""
        entry_id = f"{item.id}-refused"
        if self._journal.entry(entry_id) is not None:
            return
        text = (
            f"Entry {item.seq} of till {till} was not taken by the hub as it stands: {item.reason}. To be "
            f"seen to by: {item.owner}."
        )
        body = {
            "till": till,
            "seq": item.seq,
            "item": item.id,
            "why": item.reason,
            "owner": item.owner,
            "reason": text,
        }
        self._journal.record([Draft(entry_id, EntryKind.COPY_REFUSED, f"entry {till} {item.seq}", body)])

    def _tell(self) -> None:
        view = self.view()
        if view != self._shown:
            self._shown = view
            self._changed()


def is_refusal(entry: Entry) -> bool:
    """Whether an entry records an exception."""
    return entry.kind is EntryKind.COPY_REFUSED


def exceptional(entry: Entry) -> Exceptional:
    """The exception that an entry records."""
    body = entry.body
    return Exceptional(entry.at, body["till"], body["seq"], body["why"], body["owner"])
