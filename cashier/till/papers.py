"""The papers of a till's receipts, made from the journal, and what the clerk hears of a print."""

from collections.abc import Iterator, Mapping

from cashier.domain.corrections import Refund, Void, corrections_of
from cashier.domain.entries import Entry
from cashier.domain.errors import Refused
from cashier.domain.language import ENGLISH, Language
from cashier.domain.prints import Print, PrintWhat, next_copy, prints_of
from cashier.domain.receipt import Receipt, TenderKind
from cashier.domain.receipt_text import (
    LocalTime,
    Marks,
    Paper,
    endorsement_paper,
    receipt_paper,
    refund_paper,
)
from cashier.till.ports import Journal, PrintOutcome, PrintResult
from cashier.till.rescued import Rescued

#: What can be had of a rescued receipt.
_COPIES = (PrintWhat.RECEIPT, PrintWhat.MAIL)


class Papers:
    """Makes papers. `languages` are those besides English; `language` is the usual one.

    Of a rescued receipt there are copies, and nothing else.
    """

    def __init__(
        self,
        journal: Journal,
        local: LocalTime,
        languages: Mapping[str, Language],
        language: str,
        rescued: Rescued | None = None,
    ) -> None:
        self._journal = journal
        self._rescued = rescued or Rescued()
        self._local = local
        self.languages: Mapping[str, Language] = {ENGLISH.code: ENGLISH, **languages}
        self._usual = language

    def language(self, code: str) -> Language:
        """A language by its code, the usual one for an empty text. Raises Refused."""
        language = self.languages.get(code or self._usual)
        if language is None:
            there = ", ".join(sorted(self.languages))
            raise Refused(f"There is no paper in {code[:16]!r}; there is {there}.")
        return language

    def receipt(self, number: str) -> Receipt:
        """A receipt by its number. Raises Refused when there is none."""
        receipt = self._journal.receipt(number) or self._rescued.receipt(number)
        if receipt is None:
            raise Refused(f"There is no receipt {number[:24]}.")
        return receipt

    def prints(self, number: str) -> tuple[Print, ...]:
        """Every print of a receipt: of a rescued one those of its own till, then those of this one."""
        rescued = self._rescued.journal_of(number)
        before = prints_of(rescued.entries(number)) if rescued else ()
        return (*before, *prints_of(self._journal.entries(number)))

    def next_copy(self, number: str, what: PrintWhat, of: str = "") -> int:
        """The mark of the next print. A rescued receipt's own till had the original, printed or not."""
        least = 1 if what is PrintWhat.RECEIPT and self._rescued.journal_of(number) else 0
        return max(next_copy(self.prints(number), what, of), least)

    def _entries(self, receipt: Receipt) -> Iterator[Entry]:
        """What was recorded of its sale, in its own journal."""
        return (self._rescued.journal_of(receipt.number) or self._journal).entries(receipt.sale_id)

    def of_receipt(self, number: str, language: str, marks: Marks) -> Paper:
        """A receipt, marked VOID when it was taken back. Raises Refused."""
        receipt = self.receipt(number)
        found = corrections_of(self._entries(receipt))
        voids = (item for item in found if isinstance(item, Void) and item.receipt == receipt.number)
        marked = Marks(marks.copy, marks.by, marks.at, next(voids, None))
        return receipt_paper(receipt, self._local, self.language(language), marked)

    def of_print(self, item: Print) -> Paper:
        """What a print prints. Raises Refused for what is not there."""
        receipt, language = self.receipt(item.receipt), self.language(item.language)
        marks = Marks(item.copy, item.by, item.at)
        if item.what not in _COPIES and (why := self._rescued.refusal(receipt.number)):
            raise Refused(why)
        match item.what:
            case PrintWhat.RECEIPT | PrintWhat.MAIL:
                return self.of_receipt(item.receipt, item.language, marks)
            case PrintWhat.REFUND:
                for entry in self._journal.entries(receipt.sale_id):
                    for found in corrections_of([entry]):
                        if isinstance(found, Refund) and found.id == item.of:
                            return refund_paper(receipt, found, entry.at, self._local, language, marks)
                raise Refused(f"{receipt.number} has no such refund.")
            case PrintWhat.ENDORSEMENT:
                for tender in receipt.tenders:
                    is_it = item.of in (tender.id, tender.number)
                    if is_it and tender.kind in (TenderKind.CHECK, TenderKind.MONEY_ORDER):
                        return endorsement_paper(receipt, tender, self._local, language)
                raise Refused(f"{receipt.number} has no such check.")

    def mail_of(self, item: Print) -> tuple[str, str]:
        """Subject and text of the message that a receipt goes with."""
        receipt, language = self.receipt(item.receipt), self.language(item.language)
        known = {"number": receipt.number, "agency": receipt.agency}
        return language.word("mail_subject", **known), language.word("mail_text", **known)


def said_of(item: Print, result: PrintResult) -> str:
    """What the clerk has to know of a print that is over, or empty."""
    is_mail = item.what is PrintWhat.MAIL
    name = f"{item.receipt} to {item.to}" if is_mail else item.receipt
    match result.outcome:
        case PrintOutcome.NOT_PRINTED:
            done = "sent" if is_mail else "printed"
            return f"{name} was not {done}: {result.reason}. The payment stands; it waits: try again."
        case PrintOutcome.UNKNOWN:
            done = "arrived" if is_mail else "came out"
            return f"Whether {name} {done} is not known: {result.reason}. The payment stands."
        case PrintOutcome.PRINTED if result.lost:
            return (
                f"{name} is printed, but the printer has no {' '.join(result.lost)}: numbers stand in their "
                f"place. Save it as PDF for the payer. {result.note}".rstrip()
            )
        case PrintOutcome.PRINTED if result.note:
            return f"{name} is {'sent' if is_mail else 'printed'}. {result.note}"
        case PrintOutcome.PRINTED:
            return ""
