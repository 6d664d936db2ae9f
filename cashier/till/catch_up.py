"""What became of an outage, in one line: a fold over what was recorded from its start to its end.

It begins when the line goes off. It is over when the line is back, the hub has everything, and each payment
that was open has been asked about once more. Feed, outbox and checker do the work; here it is only told.
"""

from dataclasses import dataclass

from cashier.domain.entries import EntryKind
from cashier.domain.outbox import Owed
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


@dataclass
class _Outage:
    """One outage. `open_before` are payments that could be charged when it began, with their state then.

    `sent` is the last entry that the hub had; None while the hub itself has answered. `asked` is how
    often each open payment had been asked about when the line came back; None before that.
    """

    open_before: dict[str, PaymentState]
    sent: int | None = None
    asked: dict[str, int] | None = None


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
        self._outage: _Outage | None = None
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
            open_now = (item for item in self._journal.unsettled_payments() if _may_charge(item))
            self._outage = _Outage({item.reference: item.state for item in open_now})

    def _is_off(self) -> None:
        self.line_goes()
        assert self._outage is not None
        self._outage.asked = None
        if self._line.hub is LineState.OFFLINE and self._outage.sent is None and self._has_copy:
            self._outage.sent = self._journal.sent(Owed.ENTRIES)

    def _is_back(self, outage: _Outage) -> None:
        if outage.asked is None:
            open_now = [item.reference for item in self._journal.unsettled_payments() if _may_charge(item)]
            outage.asked = {reference: self._checker.times_asked(reference) for reference in open_now}
            for reference in open_now:
                self._checker.ring(reference)  # what it says now counts, not when it would be its turn
        if self._outbox.view().to_send or any(
            self._is_to_be_asked(reference, times) for reference, times in outage.asked.items()
        ):
            return
        self._outage = None
        self.text = self._result(outage).text

    def _is_to_be_asked(self, reference: str, times: int) -> bool:
        payment = self._journal.payment(reference)
        if payment is None or not _may_charge(payment) or not self._checker.can_ask(payment):
            return False
        return self._checker.times_asked(reference) <= times

    def _result(self, outage: _Outage) -> CaughtUp:
        receipts = 0
        if outage.sent is not None:
            kinds = {EntryKind.RECEIPT_ISSUED}
            receipts = sum(1 for _entry in self._journal.entries_of(kinds, outage.sent))
        now = [payment for name in outage.open_before if (payment := self._journal.payment(name)) is not None]
        doubts = [item for item in self._journal.unsettled_payments() if item.state is PaymentState.IN_DOUBT]
        return CaughtUp(
            receipts=receipts,
            confirmed=sum(item.state is PaymentState.APPROVED for item in now),
            not_charged=sum(item.state in ENDED_UNPAID for item in now),
            in_doubt=len(doubts),
            doubted=sum(
                outage.open_before.get(item.reference) is not PaymentState.IN_DOUBT for item in doubts
            ),
        )


def _may_charge(payment: Payment) -> bool:
    """A page of it was opened, and no fact has ended it."""
    return payment.state in (PaymentState.OPEN, PaymentState.IN_DOUBT)
