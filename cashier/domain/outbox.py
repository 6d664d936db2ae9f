"""What is still to be told to the hub, as values: how far its copy is, what it refused, when to try again.

Entries are append-only and numbered without gaps, so what is owed is told by one number: everything after the
last entry that the hub has acknowledged. An entry is owed from the very commit that records it, and no row
beside it can be forgotten. The hub's copy is a chain like the journal, so nothing is ever left out of it:
an item that the hub does not take as it stands is kept there by its place and hash, and comes back as one of
the exceptions, which a person sees to.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from cashier.domain.entries import GENESIS, StoredRow
from cashier.domain.errors import CashierError, Discrepancy, Refused

#: Of one request: small enough that neither the window nor the hub's other tills wait for it.
BATCH_ENTRIES = 100
BATCH_BYTES = 512 * 1024

RETRY_FIRST_S = 2.0
RETRY_MAX_S = 300.0
#: Beyond it the wait is the longest anyway.
FAILURES_MAX = 16

#: An anchor is made at every so many entries, and wherever a day was closed.
ANCHOR_EVERY = 100


class Owed(StrEnum):
    """What is owed, each in an order of its own. Persisted by name."""

    ENTRIES = "entries"
    NOTICES = "notices"


@dataclass(frozen=True)
class Kept:
    """How far a copy of a journal goes: its last entry and that one's hash. None kept is 0 and GENESIS."""

    seq: int = 0
    hash: str = GENESIS


@dataclass(frozen=True)
class Outage:
    """An outage of the line whose outcome the clerk has not been told yet, as places in the journal.

    `began` is the last entry before it. `sent` is the last entry that the hub had when the hub itself went
    away; None while it has answered.
    """

    began: int
    sent: int | None = None


@dataclass(frozen=True)
class Anchor:
    """The hub's word for one entry: `seal` can be made by nobody without the hub's secret. UTC text."""

    seq: int
    hash: str
    made_at: str
    seal: str


@dataclass(frozen=True)
class RefusedItem:
    """An item that was not taken as it stands: why, and who is to see to it."""

    seq: int
    id: str
    reason: str
    owner: str


@dataclass(frozen=True)
class Acknowledged:
    """What a copy says of a batch: how far it goes now, and what it did not take as it stands."""

    kept: Kept
    refused: tuple[RefusedItem, ...] = ()
    anchors: tuple[Anchor, ...] = ()


class Gap(CashierError):
    """The copy lacks entries before these: it wants `next_seq` first. Nothing was kept."""

    def __init__(self, next_seq: int) -> None:
        super().__init__(f"The hub wants entry {next_seq} of this journal first.")
        self.next_seq = next_seq


class Forked(Discrepancy):
    """The copy has something else at `seq`: one of the two was changed, cut or begun anew."""

    def __init__(self, seq: int, reason: str) -> None:
        super().__init__(f"The hub's copy of the journal disagrees at entry {seq}: {reason}.")
        self.seq, self.reason = seq, reason


class NotTaken(Refused):
    """This item is not one that the hub takes, now or later; another one may be. Nothing was kept."""


class TooLarge(NotTaken):
    """This is more than the hub, or a proxy before it, takes at once. Nothing was kept."""


class Phase(StrEnum):
    """What a queue does."""

    READY = "ready"
    WAITING = "waiting"
    PAUSED = "paused"
    STOPPED = "stopped"


class Event(StrEnum):
    """What happens to a queue."""

    SENT = "sent"
    FAILED = "failed"
    DUE = "due"
    PAUSED = "paused"
    RESUMED = "resumed"
    FORKED = "forked"


#: What is not listed leaves the phase as it is: an answer that comes while nothing more is to be sent.
_NEXT = {
    (Phase.READY, Event.FAILED): Phase.WAITING,
    (Phase.READY, Event.PAUSED): Phase.PAUSED,
    (Phase.READY, Event.FORKED): Phase.STOPPED,
    (Phase.WAITING, Event.SENT): Phase.READY,
    (Phase.WAITING, Event.DUE): Phase.READY,
    (Phase.WAITING, Event.PAUSED): Phase.PAUSED,
    (Phase.WAITING, Event.FORKED): Phase.STOPPED,
    (Phase.PAUSED, Event.RESUMED): Phase.READY,
    (Phase.PAUSED, Event.FORKED): Phase.STOPPED,
    (Phase.STOPPED, Event.RESUMED): Phase.READY,
}


@dataclass(frozen=True)
class Queue:
    """How one queue stands. `failures` in a row, `fault` the last one in words or empty."""

    phase: Phase = Phase.READY
    failures: int = 0
    fault: str = ""

    def after(self, event: Event, fault: str = "") -> "Queue":
        """The queue after one more event."""
        phase = _NEXT.get((self.phase, event), self.phase)
        match event:
            case Event.FAILED:
                return Queue(phase, min(self.failures + 1, FAILURES_MAX), fault)
            case Event.FORKED:
                return Queue(phase, self.failures, fault)
            case Event.SENT | Event.RESUMED:
                return Queue(phase)
            case _:
                return replace(self, phase=phase)


def retry_s(failures: int, chance: float) -> float:
    """Seconds until the next try after so many failures in a row: twice as long each time, to a limit.

    `chance` from 0 to 1 takes up to half of it off, so that the tills of a site do not come back as one.
    """
    longest = min(RETRY_FIRST_S * float(1 << max(failures - 1, 0)), RETRY_MAX_S)
    return longest * (1 - chance / 2)


def cut(rows: Sequence[StoredRow]) -> Sequence[StoredRow]:
    """As many of the first rows as one request takes; always one."""
    size = 0
    for count, row in enumerate(rows[:BATCH_ENTRIES]):
        size += len(row.body_text.encode(errors="surrogatepass"))
        if size > BATCH_BYTES and count:
            return rows[:count]
    return rows[:BATCH_ENTRIES]


def wants_anchor(seq: int, kind: str) -> bool:
    """Whether the hub anchors an entry."""
    return seq % ANCHOR_EVERY == 0 or kind == "day_closed"


@dataclass(frozen=True)
class OutboxView:
    """What a front end shows. `fault` says why nothing is being sent, or is empty."""

    to_send: int
    phase: Phase
    fault: str = ""


NOTHING_OWED = OutboxView(0, Phase.READY)
