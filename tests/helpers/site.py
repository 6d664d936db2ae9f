"""Made-up tills of a site: each a journal in memory, with what its day needs for a report."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from cashier.domain.entries import Draft, EntryKind, StoredRow
from cashier.domain.money import Cents
from cashier.domain.receipt import IN_DRAWER, Receipt, Tender, TenderKind
from cashier.domain.shift import Pile, piles_to_json
from cashier.till.day import day_draft
from tests.fakes.clock import SeededRandomness
from tests.fakes.entries import Drafts, FixedClock, make_sale
from tests.fakes.journal import MemoryJournal
from tests.helpers.daily import DAY, void

FLOAT_CENTS = 20_000
SITE_DAY = DAY.isoformat()


class SiteTill:
    """One till's journal. Receipts are of the test's day unless told otherwise."""

    def __init__(self, till: str, hour: int = 15) -> None:
        self.till = till
        self.clock = FixedClock(dt.datetime(2026, 2, 3, hour, 4, 5, tzinfo=dt.UTC))
        self.journal = MemoryJournal(till, self.clock)
        self._drafts = Drafts(f"{till.lower()}", till)
        self._sales = 0
        self._closes = 0

    def take(self, *tenders: Tender, minute: int = 5, day: str = SITE_DAY) -> Receipt:
        """Issue a receipt of tenders."""
        self._sales += 1
        name = f"{self.till}-s{self._sales}"
        sale = make_sale(f"Payer {name}", invoice=f"7{ord(self.till[0])}{self._sales:03d}")
        at = f"2026-02-03T{self.clock.moment.hour:02d}:{minute:02d}:05.123Z"
        draft = self._drafts.receipt(name, sale, tenders=tenders, at=at, business_date=day, training=False)
        self.journal.record([draft])
        return self.journal.receipts_of_day(day)[-1]

    def leave_in_doubt(self, name: str = "p1") -> None:
        """A card payment that nobody has heard of again."""
        payment = f"{self.till}-{name}"
        self.journal.record(
            [self._drafts.issued(payment, f"{self.till}-sale-{name}", business_date=SITE_DAY)]
        )

    def find_discrepancy(self, reason: str) -> None:
        """What a person has to see to."""
        draft = self._drafts.draft(EntryKind.POSTBACK_UNMATCHED, "postback", {"reason": reason})
        self.journal.record([draft])

    def void(self, receipt: Receipt) -> None:
        """Take a receipt back, this till's or another one's."""
        body = asdict(void(receipt))
        self.journal.record([self._drafts.draft(EntryKind.RECEIPT_VOIDED, receipt.sale_id, body)])

    def set_pin(self) -> None:
        """An entry that is no report's business."""
        self.journal.record([self._drafts.draft(EntryKind.PIN_SET, "person", {"by": "Robin Supervisor"})])

    def close_shift(self, deposit_cents: Mapping[TenderKind, int]) -> None:
        """Close a shift whose drawer was right: the float, and what is deposited."""
        cash = TenderKind.CASH
        piles = {kind: Pile(1, Cents(deposit_cents.get(kind, 0))) for kind in IN_DRAWER}
        piles[cash] = Pile(1, Cents(deposit_cents.get(cash, 0) + FLOAT_CENTS))
        body = {
            "number": 1,
            "revision": 1,
            "business_date": SITE_DAY,
            "clerk": "Kim Clerk",
            "closed_by": "Kim Clerk",
            "counted_by": "Kim Clerk",
            "counts": 1,
            "approver": "",
            "float_cents": FLOAT_CENTS,
            "paid_in_cents": 0,
            "paid_out_cents": 0,
            "dropped_cents": 0,
            "counted": piles_to_json(piles),
            "expected": piles_to_json(piles),
            "over_cents": {kind.value: 0 for kind in IN_DRAWER},
            "deposit_cents": {kind.value: deposit_cents.get(kind, 0) for kind in IN_DRAWER},
            "pieces": {"2000": piles[cash].amount_cents // 2000},
        }
        self.journal.record([self._drafts.draft(EntryKind.SHIFT_CLOSED, f"shift-{self.till}", body)])

    def close_day(self, day: dt.date = DAY) -> None:
        """Close a business date, as a till does."""
        self._closes += 1
        seed = SeededRandomness(1_000 * self._closes + ord(self.till[0]))
        draft: Draft = day_draft(self.journal, self.clock, seed, day, "Kim Clerk", till=self.till)
        self.journal.record([draft])

    def reopen_day(self) -> None:
        """Open the shift of the day again."""
        body = {"business_date": SITE_DAY, "revision": 2, "reason": "a check was forgotten", "by": "Robin"}
        self.journal.record([self._drafts.draft(EntryKind.SHIFT_REOPENED, f"shift-{self.till}", body)])

    @property
    def rows(self) -> Sequence[StoredRow]:
        """Every entry, as it stands."""
        return self.journal.rows_after(0, 10_000)


def two_tills() -> tuple[SiteTill, SiteTill]:
    """A, closed with 124.18 in cash and a check of 40.00; B, open, with a void and a card in doubt."""
    from tests.helpers.daily import card, cash, check

    a, b = SiteTill("A", 15), SiteTill("B", 16)
    a.take(check(4_000, "1001"), cash(8_418))
    a.take(card(22_418, 561), minute=20)
    a.take(cash(4_000), minute=30)
    a.set_pin()
    a.close_shift({TenderKind.CASH: 12_418, TenderKind.CHECK: 4_000})
    a.close_day()
    b.take(cash(1_000))
    b.void(b.take(cash(2_000), minute=7))
    b.leave_in_doubt()
    b.find_discrepancy("a message that fits no payment")
    b.close_shift({TenderKind.CASH: 1_000})
    return a, b
