"""What would be lost sight of if a till were taken out of use now, or its program removed (behaviour O7).

Nothing of it would be lost: the journal stays where it is. But nobody would send, settle, count or resume it.
"""

import datetime as dt
from dataclasses import dataclass

from cashier.domain.entries import EntryKind
from cashier.domain.errors import Refused
from cashier.domain.money import format_dollars
from cashier.domain.outbox import Owed
from cashier.domain.payment import Payment
from cashier.till.correction_book import CorrectionBook
from cashier.till.day import left_open, open_shift_entry
from cashier.till.due import all_held
from cashier.till.held_sales import SUBJECT as PUT_ASIDE
from cashier.till.notices import TOLD_KINDS, may_be_told
from cashier.till.ports import PeopleJournal

#: Payments that are named one by one; of more than these the rest are counted.
NAMED_MAX = 20


@dataclass(frozen=True)
class StillOpen:
    """One kind of thing that is not over, in a sentence, and what somebody is to do about it."""

    what: str
    do: str


def still_open(journal: PeopleJournal) -> tuple[StillOpen, ...]:
    """Everything that is not over at a till, the money first."""
    return (
        *_payments(journal.unsettled_payments()),
        *_money(journal),
        *_days(journal),
        *_asides(journal),
        *_unsent(journal),
    )


def _payments(unsettled: tuple[Payment, ...]) -> list[StillOpen]:
    if not unsettled:
        return []
    named = ", ".join(
        f"{payment.reference} over {format_dollars(payment.amount_cents)} "
        f"({payment.state.value.replace('_', ' ').lower()})"
        for payment in unsettled[:NAMED_MAX]
    )
    more = f" and {len(unsettled) - NAMED_MAX} more" if len(unsettled) > NAMED_MAX else ""
    return [
        StillOpen(
            f"{_counted(len(unsettled), 'card payment')} not settled: {named}{more}",
            "Their money may have moved. Open the window with the line on until the page In doubt is empty, "
            "or have two people settle them there.",
        )
    ]


def _money(journal: PeopleJournal) -> list[StillOpen]:
    found = []
    if held := all_held(journal):
        cents = sum(item.tender.amount_cents for item in held)
        found.append(
            StillOpen(
                f"{format_dollars(cents)} was taken at the drawer and is on no receipt",
                "Issue its receipt, or give it back.",
            )
        )
    if refunds := CorrectionBook(journal).open_refunds():
        cents = sum(item.amount_cents for item in refunds)
        found.append(
            StillOpen(
                f"{_counted(len(refunds), 'card refund')} of {format_dollars(cents)} requested and not known "
                "to be made",
                "Have them made in Invoice Cloud's portal, and recorded on the page Receipts.",
            )
        )
    return found


def _days(journal: PeopleJournal) -> list[StillOpen]:
    opened = open_shift_entry(journal.last_of)
    if opened is not None:
        who, date = opened.body["by"], opened.body["business_date"]
        return [
            StillOpen(f"the shift of {who} for {date} is open", "Count the drawer and close it, page Shift.")
        ]
    if days := left_open(journal, dt.date.max):
        dates = ", ".join(day.isoformat() for day in days)
        return [StillOpen(f"no close of the business date {dates}", "Close it: `cashier day close`.")]
    return []


def _asides(journal: PeopleJournal) -> list[StillOpen]:
    found = []
    aside: set[str] = set()
    for entry in journal.entries(PUT_ASIDE):
        if entry.kind is EntryKind.SALE_HELD:
            aside.add(entry.body["held_id"])
        elif entry.kind in (EntryKind.SALE_RESUMED, EntryKind.SALE_HELD_DROPPED):
            aside.discard(entry.body["held_id"])
    if aside:
        sales = _counted(len(aside), "sale")
        found.append(StillOpen(f"{sales} put aside", "Resume or drop them (F5); nothing of them was paid."))
    if matters := len(journal.open_matters()):
        what = f"{_counted(matters, 'matter')} that a person has to see to"
        found.append(StillOpen(what, "See to them on the page In doubt."))
    return found


def _unsent(journal: PeopleJournal) -> list[StillOpen]:
    found = []
    do = "Open the window with the line on until the status line says 0 to send."
    if entries := journal.head().seq - journal.sent(Owed.ENTRIES):
        found.append(StillOpen(f"{_counted(entries, 'entry', 'entries')} not sent to the hub", do))
    told = journal.entries_of(TOLD_KINDS, journal.sent(Owed.NOTICES))
    if notices := sum(may_be_told(entry) for entry in told):
        found.append(StillOpen(f"{_counted(notices, 'notice')} not told to the permit portal", do))
    return found


def rescued_unsent(till: str, entries: int) -> StillOpen:
    """What a rescued journal, kept beside the till's own, owes the hub."""
    return StillOpen(
        f"{_counted(entries, 'entry', 'entries')} of till {till}, whose journal was rescued to this machine, "
        "not sent to the hub",
        "Open the window with the line on until the status line says 0 to send.",
    )


def _counted(count: int, one: str, more: str = "") -> str:
    if count < 0:
        raise Refused("The journal was marked as sent beyond its end. Verify it, and call support.")
    return f"{count:,} {one if count == 1 else more or one + 's'}"
