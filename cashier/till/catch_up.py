"""What became of an outage, in one line: a fold over what was recorded from its start to its end.

It begins when the line goes off. It is over when the line is back, the hub has everything, and each payment
that was open has been asked about once more. Feed, outbox and checker do the work; here it is only told.
Where it began stands beside the journal's entries, so that an outage may outlive the program.
"""

import contextlib
from dataclasses import dataclass, replace

from cashier.domain.errors import Unavailable
from cashier.domain.fold import MOVING, fold_payment
from cashier.domain.outbox import Outage, Owed
from cashier.domain.payment import ENDED_UNPAID, Payment, PaymentState
from cashier.till.checking import Checker
from cashier.till.line import Line
from cashier.till.outbox import Outbox
from cashier.till.ports import PeopleJournal
from cashier.till.snapshot import LineState


@dataclass(frozen=True)
class CaughtUp:
    """What happened meanwhile: receipts that the hub got late, and what became of open card payments.

    `doubted` of those in doubt came into doubt by this outage.
    """

    receipts: int = 0
    confirmed: int = 0
    not_charged: int = 0
    in_doubt: int = 0
    doubted: int = 0

    @property
    def text(self) -> str:
        """One line; empty when nothing happened."""
        if not (self.receipts or self.confirmed or self.not_charged or self.doubted):
            return ""
        parts = (
            (self.receipts, _counted(self.receipts, "receipt") + " sent"),
            (self.confirmed, _counted(self.confirmed, "card payment") + " confirmed late"),
            (self.not_charged, _counted(self.not_charged, "card payment") + " ended without a charge"),
            (self.in_doubt, f"{self.in_doubt} still in doubt"),
        )
        return ", ".join(text for count, text in parts if count)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def open_at(journal: PeopleJournal, seq: int) -> dict[str, PaymentState]:
    """Payments that could be charged when an entry was the newest, by reference, with their state then."""
    moved = (entry.subject for entry in journal.entries_of(MOVING, seq))
    names = {payment.id for payment in journal.unsettled_payments()}.union(moved)
    found = {}
    for name in names:
        before = [entry for entry in journal.entries(name) if entry.seq <= seq]
        if before and _may_charge(payment := fold_payment(before)):
            found[payment.reference] = payment.state
    return found


class CatchUp:
    """Looks on with every change at the till; `text` is the last outage that has something to tell."""

    def __init__(
        self, line: Line, journal: PeopleJournal, outbox: Outbox, checker: Checker, *, has_copy: bool
    ) -> None:
        self._line = line
        self._journal = journal
        self._outbox = outbox
        self._checker = checker
        self._has_copy = has_copy
        #: The one that an earlier run of the program did not see the end of, too.
        self._outage = journal.outage()
        #: How often each open payment had been asked about when the line came back; None before that.
        self._asked: dict[str, int] | None = None
        self.text = ""

    def seen(self) -> None:
        """The clerk has read it."""
        self.text = ""

    def look(self) -> None:
        """Something changed."""
        if self._line.state is LineState.OFFLINE:
            self._is_off()
        elif self._outage is not None and self._line.state is LineState.ONLINE:
            self._is_back(self._outage)

    def line_goes(self) -> None:
        """The line goes off, and nothing has been put into doubt by that yet."""
        if self._outage is None:
            self.text = ""
            self._keep(Outage(self._journal.head().seq, self._hub_had()))

    def _hub_had(self) -> int | None:
        is_away = self._line.hub is LineState.OFFLINE and self._has_copy
        return self._journal.sent(Owed.ENTRIES) if is_away else None

    def _is_off(self) -> None:
        self.line_goes()
        assert self._outage is not None
        self._asked = None
        if self._outage.sent is None and (sent := self._hub_had()) is not None:
            self._keep(replace(self._outage, sent=sent))

    def _keep(self, outage: Outage | None) -> None:
        """Also over a restart; on a disk that is full for this run alone."""
        self._outage = outage
        with contextlib.suppress(Unavailable):
            self._journal.mark_outage(outage)

    def _is_back(self, outage: Outage) -> None:
        if self._asked is None:
            open_now = [item.reference for item in self._journal.unsettled_payments() if _may_charge(item)]
            self._asked = {reference: self._checker.times_asked(reference) for reference in open_now}
            for reference in open_now:
                self._checker.ring(reference)  # what it says now counts, not when it would be its turn
        if self._outbox.view().to_send or any(
            self._is_to_be_asked(reference, times) for reference, times in self._asked.items()
        ):
            return
        self._asked = None
        self.text = self._result(outage).text
        self._keep(None)

    def _is_to_be_asked(self, reference: str, times: int) -> bool:
        payment = self._journal.payment(reference)
        if payment is None or not _may_charge(payment) or not self._checker.can_ask(payment):
            return False
        return self._checker.times_asked(reference) <= times

    def _result(self, outage: Outage) -> CaughtUp:
        receipts = 0 if outage.sent is None else self._journal.receipts_after(outage.sent)
        before = open_at(self._journal, outage.began)
        now = [payment for name in before if (payment := self._journal.payment(name)) is not None]
        doubts = [item for item in self._journal.unsettled_payments() if item.state is PaymentState.IN_DOUBT]
        return CaughtUp(
            receipts=receipts,
            confirmed=sum(item.state is PaymentState.APPROVED for item in now),
            not_charged=sum(item.state in ENDED_UNPAID for item in now),
            in_doubt=len(doubts),
            doubted=sum(before.get(item.reference) is not PaymentState.IN_DOUBT for item in doubts),
        )


def _may_charge(payment: Payment) -> bool:
    """A page of it was opened, and no fact has ended it."""
    return payment.state in (PaymentState.OPEN, PaymentState.IN_DOUBT)
