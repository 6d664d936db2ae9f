"""Cash that goes back to a payer and opens the drawer: by a refund, or by a void of what was paid in cash."""

from cashier.domain.entries import Entry, EntryKind
from cashier.domain.receipt import TenderKind
from cashier.till.ports import Journal

#: Why the drawer opens, as the journal has it.
REASONS = {EntryKind.REFUND_MADE: "cash refunded", EntryKind.RECEIPT_VOIDED: "cash given back"}


class CashBack:
    """Looks for it in a journal; what was there when it began is over."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._seqs = {kind: self._newest(kind) for kind in REASONS}

    def look(self) -> list[tuple[str, str]]:
        """What is new: why the drawer opens, and for which receipt."""
        found = []
        for kind, seen in tuple(self._seqs.items()):
            if self._newest(kind) == seen:
                continue
            for entry in self._journal.entries_of((kind,), seen):
                self._seqs[kind] = entry.seq
                if self._is_cash(entry):
                    found.append((REASONS[kind], str(entry.body["receipt"])))
        return found

    def _newest(self, kind: EntryKind) -> int:
        entry = self._journal.last_of(kind)
        return entry.seq if entry else 0

    def _is_cash(self, entry: Entry) -> bool:
        if entry.kind is EntryKind.REFUND_MADE:
            return bool(entry.body["kind"] == TenderKind.CASH.value)
        receipt = self._journal.receipt(str(entry.body["receipt"]))
        return receipt is not None and any(item.kind is TenderKind.CASH for item in receipt.tenders)
