"""Fifty sales by card through the till's own verbs, over a disk that logs every I/O operation.

What the till said to anybody outside is kept with the length of the log at that moment: a promise that no
power cut from then on may break.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from cashier.domain.entries import Draft, Entry, EntryKind
from cashier.domain.errors import Unavailable
from cashier.domain.payment import PaymentEvent
from tests.durability.disk import Disk, Operation
from tests.durability.power import PowerCutFiles
from tests.fakes.clock import MovingClock
from tests.fakes.feed import FakeFeed
from tests.fakes.gateway import FakeGateway
from tests.helpers.payments import told_all, told_each
from tests.till.conftest import Desk, FaultyJournal

SALES = 50

RECORDED = "a record that returned"
HEARD = "a launch that the gateway heard of"
PAGE = "a page address that was handed out"


@dataclass(frozen=True)
class Promise:
    """`what` was said when the log had `at` operations. It stands on the entry `seq`."""

    at: int
    what: str
    seq: int


@dataclass(frozen=True)
class Recording:
    """A workload: its operations, and, as it ended, its entries, commits and promises in order.

    `commits` are the numbers of entries that there were between two commits, 0 among them.
    """

    log: tuple[Operation, ...]
    entries: tuple[Entry, ...]
    commits: frozenset[int]
    promises: tuple[Promise, ...]

    @property
    def receipts(self) -> tuple[str, ...]:
        """Receipt numbers in order."""
        return tuple(entry.body["number"] for entry in self.entries if entry.kind is EntryKind.RECEIPT_ISSUED)


@dataclass
class _Notes:
    """What was said when, and which entry makes it true."""

    disk: Disk
    said: list[tuple[int, str, Callable[[Entry], bool]]] = field(default_factory=list)
    commits: list[tuple[Entry, ...]] = field(default_factory=list)

    def say(self, what: str, stands_on: Callable[[Entry], bool]) -> None:
        self.said.append((len(self.disk.log), what, stands_on))

    def recording(self) -> Recording:
        entries = tuple(entry for commit in self.commits for entry in commit)
        promises = (
            Promise(at, what, next(entry.seq for entry in entries if stands_on(entry)))
            for at, what, stands_on in self.said
        )
        ends = frozenset({0, *(commit[-1].seq for commit in self.commits)})
        return Recording(tuple(self.disk.log), entries, ends, tuple(promises))


class _Journal(FaultyJournal):
    """Notes every `record` that returned."""

    def __init__(self, notes: _Notes, *args: object, **options: object) -> None:
        self._notes = notes
        super().__init__(*args, **options)  # type: ignore[arg-type]

    def record(self, drafts: Sequence[Draft]) -> tuple[Entry, ...]:
        return self._noted(super().record(drafts))

    def record_pin(self, drafts: Sequence[Draft], person: str, pin_hash: str) -> tuple[Entry, ...]:
        return self._noted(super().record_pin(drafts, person, pin_hash))

    def _noted(self, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
        self._notes.commits.append(entries)
        self._notes.say(RECORDED, lambda entry: entry == entries[-1])
        return entries


class _Gateway(FakeGateway):
    """Notes what it hears in the moment of hearing it."""

    def __init__(self, notes: _Notes) -> None:
        super().__init__()
        self._notes = notes

    async def launch(self, request: str, biller: str) -> str:
        reference = json.loads(request)["reference"]
        self._notes.say(
            HEARD,
            lambda entry: (
                entry.kind is EntryKind.PAYMENT_ISSUED
                and entry.body["reference"] == reference
                and entry.body["request"] == request
            ),
        )
        return await super().launch(request, biller)


async def record_workload(
    folder: Path, sales: int = SALES, instead: Mapping[str, str] | None = None
) -> Recording:
    """Do the sales on an empty disk; after two thirds the till is started again, with a page
    before the payer.

    `folder` is where the journal's lock is; the journal itself is in memory. `instead` are statements that
    SQLite is given in place of the product's.
    """
    notes = _Notes(Disk())
    clock, feed = MovingClock(), FakeFeed()
    files = PowerCutFiles(notes.disk)
    connect = partial(files.connect, instead=instead)

    def start() -> Desk:
        journal = _Journal(
            notes,
            folder / "journal.db",
            till="A",
            clock=clock,
            holder="workload",
            open_connection=connect,
            settle=files.settle,
        )
        desk = Desk(journal, clock)
        desk.gateway, desk.feed = _Gateway(notes), feed
        desk.restart()
        return desk

    desk = start()
    for number in range(sales):
        clock.advance(60)
        if number == sales * 2 // 3:
            await _open_page(desk, notes, number)
            desk.journal.close()
            clock.advance(60)
            desk = start()
        await _open_page(desk, notes, number)
        _pay(desk, notes, number)
        desk.till.new_sale()
    desk.journal.close()
    return notes.recording()


async def _open_page(desk: Desk, notes: _Notes, number: int) -> None:
    """To the open page; each fifth launch is not sent at first, each fourth sale has two invoices."""
    desk.fill(*(("permit", "plan") if number % 4 == 1 else ("permit",)), account=f"{10_000 + number}")
    if number % 5 == 3:
        desk.gateway.errors.append(Unavailable("Not sent."))
        try:
            await desk.till.pay_by_card()
        except Unavailable:
            await desk.till.try_again()
    else:
        await desk.till.pay_by_card()
    payment = desk.payment
    notes.say(
        PAGE,
        lambda entry: (
            entry.subject == payment.id and entry.body.get("event") == PaymentEvent.PAGE_OPENING.value
        ),
    )


def _pay(desk: Desk, notes: _Notes, number: int) -> None:
    """The payer pays; what the hub hands over is acknowledged to it."""
    desk.hint(PaymentEvent.PAGE_SUBMITTED)
    payment = desk.payment
    guid = f"guid-{number}"
    each = number % 4 == 1
    for postback in told_each(payment, payment_guid=guid) if each else [told_all(payment, payment_guid=guid)]:
        delivered = desk.feed.send(payment.reference, postback)
        assert desk.till.take(delivered).repeated is False
        notes.say("a postback that was acknowledged", partial(_has_id, delivered.id))
    if number % 3 == 2:
        desk.hint(PaymentEvent.PAGE_RETURNED)


def _has_id(entry_id: str, entry: Entry) -> bool:
    return entry.id == entry_id
