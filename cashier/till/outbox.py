"""Telling the hub what this till has recorded: in order, once, and past what is refused.

Every queue has its own pace and its own faults, so none holds up another: this till's entries, its notices to
portals, and each journal that was rescued from another till's disk. One small batch at a time; between two of
them the window has its turn. Nothing here is waited for by a sale, by signing out or by closing the day.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from cashier.domain.entries import Break, Draft, Entry, EntryKind
from cashier.domain.errors import CashierError, TooBusy
from cashier.domain.outbox import (
    RETRY_FIRST_S,
    Event,
    Forked,
    OutboxView,
    Phase,
    Queue,
    RefusedItem,
    retry_s,
)
from cashier.till.notices import Notice
from cashier.till.ports import Clock, PeopleJournal, Randomness, SecondCopy
from cashier.till.ringing import rung_or_after
from cashier.till.senders import EntrySender, NoticeSender, OwnJournal, Sender

#: Between two batches, beside the waits for the line itself.
PACE_S = 0.002
#: With nothing to send: a ring comes with the next entry, this is for one that was missed.
IDLE_S = 600.0
#: Bits of the chance that spreads the tries of a site's tills.
CHANCE_BITS = 32
#: Who sees to a journal that the hub knows otherwise.
FORK_OWNER = "administrator"

Sleep = Callable[[float], Awaitable[object]]


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
            self._lanes = self._lanes_of(till, journal, copy, make_notice, is_own=True)

    def bring(self, till: str, journal: OwnJournal, make_notice: Callable[[Entry], Notice | None]) -> None:
        """Send what another till's rescued journal still owes, too."""
        if self._copy is not None:
            self._lanes += self._lanes_of(till, journal, self._copy, make_notice, is_own=False)
            self._rung.set()

    def _lanes_of(
        self,
        till: str,
        journal: OwnJournal,
        copy: SecondCopy,
        make_notice: Callable[[Entry], Notice | None],
        *,
        is_own: bool,
    ) -> list[_Lane]:
        notices = NoticeSender(till, journal, copy, make_notice, self._refuse, self._clock)
        entries = EntrySender(till, journal, copy, self._refuse, notices.go_back, is_own=is_own)
        return [_Lane(entries, is_own), _Lane(notices, is_own)]

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
