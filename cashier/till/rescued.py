"""Receipts of other tills whose journals were rescued to this one: found and read here, and copied on paper.

A rescued journal is another till's chain. It is only read: what is done here – a copy that is printed, saved
or mailed – is recorded in this till's own journal, under the receipt's number. Money never moves by it: the
receipt's drawer is not this one, and its shifts and totals are its own till's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cashier.domain.corrections import Correction
from cashier.domain.errors import CashierError, Discrepancy
from cashier.domain.receipt import Receipt
from cashier.till.correction_book import CorrectionBook
from cashier.till.ports import RescuedJournal


@dataclass(frozen=True)
class Found:
    """What a search found, newest first, and in a sentence each the rescued journals that cannot be read."""

    receipts: tuple[Receipt, ...]
    faults: tuple[str, ...] = ()


class Rescued:
    """The rescued journals; one that is imported while the till runs is seen by the next search."""

    def __init__(self, journals: Callable[[], Sequence[RescuedJournal]] = tuple) -> None:
        self._journals = journals
        self._there: Sequence[RescuedJournal] | None = None
        self._books: dict[str, CorrectionBook] = {}

    def search(self, own: Sequence[Receipt], text: str, limit: int) -> Found:
        """What was found in this till's own journal, with what the rescued ones have of it."""
        found, faults = list(own), []
        self._there = self._journals()
        for journal in self._there:
            try:
                found += journal.search(text, limit)
                self._book(journal).read()
            except CashierError as error:
                faults.append(_unread(journal.till, error))
        if len(found) > len(own):
            # Newest first over all, but a receipt of exactly the typed number before all others.
            found.sort(key=lambda receipt: receipt.at, reverse=True)
            found.sort(key=lambda receipt: not _is_number(receipt.number, text))
        return Found(tuple(found[:limit]), tuple(faults))

    def journal_of(self, number: str) -> RescuedJournal | None:
        """The rescued journal that a receipt's number is of; None for this till's own numbers."""
        if self._there is None:
            self._there = self._journals()
        till = number.rpartition("-")[0].casefold()
        return next((one for one in self._there if one.till.casefold() == till), None)

    def receipt(self, number: str) -> Receipt | None:
        """A rescued receipt by its number. Raises as reading does."""
        journal = self.journal_of(number)
        return journal.receipt(number) if journal else None

    def corrections(self, number: str) -> tuple[Correction, ...]:
        """What its own till had done to a rescued receipt, in order, as the last search read it."""
        book = self._books.get(number.rpartition("-")[0])
        return book.known(number) if book else ()

    def refusal(self, number: str) -> str:
        """Why nothing of a rescued receipt is undone here; empty for any other number."""
        journal = self.journal_of(number)
        if journal is None:
            return ""
        return (
            f"{number} is a receipt of till {journal.till}, whose journal was rescued to this machine. Only "
            f"till {journal.till} can void or refund it, or record a returned check: its money is in that "
            "till's drawer and in its reports. Ask your administrator to set that till up again, or the "
            "finance office to give the money back. Here it can be read and copied."
        )

    def _book(self, journal: RescuedJournal) -> CorrectionBook:
        book = self._books.get(journal.till)
        if book is None:
            book = self._books[journal.till] = CorrectionBook(journal)
        return book


def _unread(till: str, error: CashierError) -> str:
    """Why receipts of a till are not found. What it says of damage is of this till's own journal."""
    why = "its file is damaged" if isinstance(error, Discrepancy) else error.user_text.rstrip(".")
    return (
        f"The rescued journal of till {till} cannot be read: {why}. Its receipts are not found here. No "
        "money is touched by that; have it imported once more from that till's disk."
    )


def _is_number(number: str, text: str) -> bool:
    """Whether a text is exactly a receipt's number: as printed, without its zeros, or bare."""
    till, _, digits = number.casefold().rpartition("-")
    typed_till, _, typed = text.strip().casefold().rpartition("-")
    return typed_till in ("", till) and typed.isdecimal() and int(typed) == int(digits)
