"""The gateway's settlement file beside the journal and the hub: values, verdicts and what is reported.

The rules are in `domain.settling`. Nothing here changes anything: a finding is shown to a person.
Amounts are cents without the service fee, which stands beside them (Invoice Cloud contract, section 3).
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from cashier.domain.money import Cents
from cashier.domain.postback import Approved


class LineKind(StrEnum):
    """What a line of the file says happened to the money."""

    CHARGE = "charge"
    REFUND = "refund"  # refund, void, reversal, chargeback: money that went back


class Verdict(StrEnum):
    """What became of one charge, the most pressing first."""

    MISSING_IN_JOURNAL = "missing in journal"
    UNKNOWN = "unknown"
    AMOUNT_DIFFERS = "amount differs"
    DUPLICATE = "duplicate"
    MISSING_AT_HUB = "missing at hub"
    MISSING_AT_GATEWAY = "missing at gateway"
    FEE_DIFFERS = "fee differs"
    REFUND = "refund"
    OTHER_TILL = "other till"
    MATCHED = "matched"


#: Nobody needs to look at these.
IN_ORDER = frozenset({Verdict.MATCHED, Verdict.OTHER_TILL})

MEANINGS = {
    Verdict.MATCHED: "Journal, hub and gateway agree.",
    Verdict.OTHER_TILL: "Hub and gateway agree; the journal is another till's.",
    Verdict.MISSING_IN_JOURNAL: "Charged for this till, and the journal does not have it as paid.",
    Verdict.MISSING_AT_HUB: "Journal and gateway have it; no approval of it is at the hub.",
    Verdict.MISSING_AT_GATEWAY: "Paid, but not in the file. It may settle later: see the next files.",
    Verdict.AMOUNT_DIFFERS: "The sources name different amounts for it.",
    Verdict.FEE_DIFFERS: "The amounts agree; the service fees do not.",
    Verdict.DUPLICATE: "The file has this charge more than once.",
    Verdict.REFUND: "Money that went back, listed apart: compare it with the refunds that were approved.",
    Verdict.UNKNOWN: "Only the file has it.",
}
#: The same where the hub was not asked.
_WITHOUT_HUB = {
    Verdict.MATCHED: "Journal and gateway agree; the hub was not asked.",
    Verdict.UNKNOWN: "Only the file has it; the hub was not asked, so it may be another till's.",
}


@dataclass(frozen=True)
class SettlementLine:
    """One line of the settlement file. `row` is its line number there.

    `invoice` may name several numbers, or be empty when the line speaks of the whole payment. Amounts of a
    refund are negative. `fee_cents` is None when the file has no fee column.
    """

    row: int
    payment_guid: str
    reference: str
    invoice: str
    amount_cents: int
    fee_cents: int | None
    kind: LineKind = LineKind.CHARGE
    date: dt.date | None = None


@dataclass(frozen=True)
class JournalCharge:
    """One invoice that this till's journal has as paid.

    `payment_guid` is empty and `fee_cents` None when an enquiry or a person said so: they tell neither.
    `at` is UTC text, `receipt` empty until there is one, `vouched` true while only two people's word stands.
    """

    payment_guid: str
    reference: str
    invoice: str
    amount_cents: Cents
    fee_cents: Cents | None
    at: str
    till: str
    receipt: str = ""
    vouched: bool = False


@dataclass(frozen=True)
class JournalRefund:
    """One card refund that was asked for at this till; `is_done` once two people recorded that it was made.

    `payment_guids` and `reference` are of the payment that it gives back.
    """

    receipt: str
    business_date: str
    amount_cents: Cents
    is_done: bool
    reference: str
    payment_guids: tuple[str, ...] = ()


@dataclass(frozen=True)
class HubCharge:
    """One postback that the hub stored, of any till of the site: an approval, a decline or neither.

    `reference` is the one bound into the address it came to, `received_at` UTC text. Amounts are None when
    they could not be read.
    """

    seq: int
    id: str
    till: str
    received_at: str
    reference: str
    approved: Approved
    invoice: str
    payment_guid: str
    amount_cents: int | None
    fee_cents: int | None
    payment_date: str


@dataclass(frozen=True)
class Side:
    """What one source says of a charge. None where it does not say, or not readably."""

    amount_cents: int | None
    fee_cents: int | None


@dataclass(frozen=True)
class Row:
    """One charge, or the part of it that can be told apart, and what each source says of it.

    `lines` are the file's line numbers in it; each line of the file is in exactly one row. `when` is UTC
    text of journal or hub, else the file's date.
    """

    verdict: Verdict
    payment_guid: str
    reference: str
    invoices: tuple[str, ...]
    till: str
    receipt: str
    when: str
    file: Side | None = None
    journal: Side | None = None
    hub: Side | None = None
    lines: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Total:
    """How many rows and what the sources say of them in all; fees are the file's."""

    count: int
    file_cents: int
    fee_cents: int
    journal_cents: int
    hub_cents: int


@dataclass(frozen=True)
class SettlementMatch:
    """Every row, the most pressing first."""

    rows: tuple[Row, ...]
    hub_asked: bool

    @property
    def agrees(self) -> bool:
        """Whether nothing is left to look at; a refund is looked at, too."""
        return all(row.verdict in IN_ORDER for row in self.rows)

    def of(self, verdict: Verdict) -> tuple[Row, ...]:
        """The rows of a verdict."""
        return tuple(row for row in self.rows if row.verdict is verdict)

    def total(self, verdict: Verdict | None = None) -> Total:
        """The sums of a verdict, or of everything."""
        return _total(self.rows if verdict is None else self.of(verdict))

    def meaning(self, verdict: Verdict) -> str:
        """A verdict in a sentence."""
        return MEANINGS[verdict] if self.hub_asked else _WITHOUT_HUB.get(verdict, MEANINGS[verdict])


@dataclass(frozen=True)
class SettlementReport:
    """A match with what it was made of. `sha256` is the file's, in hex; `made_at` UTC text.

    `first` and `last` are the days whose charges are expected in the file, inclusive.
    """

    agency: str
    site: str
    till: str
    file_name: str
    sha256: str
    first: dt.date
    last: dt.date
    made_at: str
    match: SettlementMatch
    training: bool = False


def _total(rows: Iterable[Row]) -> Total:
    rows = tuple(rows)
    return Total(
        count=len(rows),
        file_cents=sum((row.file.amount_cents or 0) for row in rows if row.file),
        fee_cents=sum((row.file.fee_cents or 0) for row in rows if row.file),
        journal_cents=sum((row.journal.amount_cents or 0) for row in rows if row.journal),
        hub_cents=sum((row.hub.amount_cents or 0) for row in rows if row.hub),
    )
