"""What was done to receipts, by receipt: for lists, which ask it of each row they show.

Corrections are few beside receipts. They are read once, by kind, and then as they come; nothing is decided
by this, the verbs of `till.corrections` look into the journal themselves.
"""

from collections.abc import Collection, Iterator
from typing import Protocol

from cashier.domain.corrections import CORRECTION_KINDS, Correction, Refund, correction_of, open_refunds
from cashier.domain.entries import Entry, EntryKind


class Recorded(Protocol):
    """A journal, as far as a book of it is kept."""

    def entries_of(self, kinds: Collection[EntryKind], after: int = 0) -> Iterator[Entry]:
        """See `Journal`."""


class CorrectionBook:
    """Every correction of one journal."""

    def __init__(self, journal: Recorded) -> None:
        self._journal = journal
        self._last_seq = 0
        self._by_receipt: dict[str, tuple[Correction, ...]] = {}
        self._open: dict[str, tuple[Refund, ...]] = {}

    def of(self, number: str) -> tuple[Correction, ...]:
        """What was done to a receipt, in order; `number` as the receipt has it."""
        self.read()
        return self.known(number)

    def known(self, number: str) -> tuple[Correction, ...]:
        """The same as it was read last."""
        return self._by_receipt.get(number, ())

    def open_refunds(self) -> tuple[Refund, ...]:
        """Card refunds that were asked for and are not known to be made, of all receipts."""
        self.read()
        return tuple(refund for refunds in self._open.values() for refund in refunds)

    def read(self) -> int:
        """Take in what is new; the sequence number of the newest correction, which says whether any is."""
        for entry in self._journal.entries_of(CORRECTION_KINDS, self._last_seq):
            self._last_seq = entry.seq
            found = correction_of(entry)
            assert found is not None, "it is of one of their kinds"
            number = found.receipt
            self._by_receipt[number] = (*self._by_receipt.get(number, ()), found)
            self._open.pop(number, None)
            if still_open := open_refunds(self._by_receipt[number]):
                self._open[number] = still_open
        return self._last_seq
