"""The business date, and its close: an entry that names every receipt of the day and what is carried on.

The date is chosen when a shift is opened and stays with it past midnight and a changed clock (behaviour T8).
A closed day is never touched again: what a fact tells later is receipted on the next open day, with a
reference to the day it belongs to.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterable
from typing import Any

from cashier.domain.entries import Draft, Entry, EntryKind, Json, canonical
from cashier.domain.errors import Refused
from cashier.domain.money import format_dollars
from cashier.domain.payment import Payment
from cashier.domain.receipt import Receipt
from cashier.domain.tendering import DrawerTender
from cashier.till.due import all_held, is_carried
from cashier.till.identity import new_id
from cashier.till.ports import Clock, Journal, Randomness
from cashier.till.reporting import JournalDaybook, close_figures

#: The newest entry of a kind, or None.
LastOf = Callable[[EntryKind], Entry | None]
_OPENS = (EntryKind.SHIFT_OPENED, EntryKind.SHIFT_REOPENED)
#: The kinds that tell which business date it is.
DATE_KINDS = (*_OPENS, EntryKind.SHIFT_CLOSED, EntryKind.DAY_CLOSED)


def open_shift_entry(last_of: LastOf) -> Entry | None:
    """The entry that opened the shift that is open, for the first time or again; None while none is."""
    found = [entry for kind in (*_OPENS, EntryKind.SHIFT_CLOSED) if (entry := last_of(kind))]
    newest = max(found, key=lambda entry: entry.seq, default=None)
    return newest if newest is not None and newest.kind in _OPENS else None


def business_date(journal: Journal, clock: Clock) -> dt.date:
    """The business date of the open shift; without one, the date that the next would have."""
    return business_date_of(journal.last_of, clock.today())


def business_date_of(last_of: LastOf, today: dt.date) -> dt.date:
    """See `business_date`."""
    opened = open_shift_entry(last_of)
    if opened is not None:
        return _date_of(opened)
    return max(today, earliest_date(last_of) or today)


def earliest_date(last_of: LastOf) -> dt.date | None:
    """The first business date that a shift may have now: none after a closed day, nor before a shift's."""
    closed, shift = last_of(EntryKind.DAY_CLOSED), last_of(EntryKind.SHIFT_CLOSED)
    dates = [_date_of(closed) + dt.timedelta(days=1)] if closed else []
    dates += [_date_of(shift)] if shift else []
    return max(dates, default=None)


def _date_of(entry: Entry) -> dt.date:
    return dt.date.fromisoformat(entry.body["business_date"])


def left_open(journal: Journal, before: dt.date) -> tuple[dt.date, ...]:
    """Business dates before a date on which something was recorded and that nobody closed, in order."""
    closed = journal.last_of(EntryKind.DAY_CLOSED)
    kinds = (
        EntryKind.RECEIPT_ISSUED,
        EntryKind.REFUND_MADE,
        EntryKind.REFUND_CONFIRMED,
        EntryKind.CHECK_RETURNED,
        EntryKind.SHIFT_CLOSED,
    )
    dates = {_date_of(entry) for entry in journal.entries_of(kinds, closed.seq if closed else 0)}
    earliest = _date_of(closed) + dt.timedelta(days=1) if closed else dt.date.min
    return tuple(sorted(date for date in dates if earliest <= date < before))


def close_day(journal: Journal, clock: Clock, randomness: Randomness, closed_by: str, *, till: str) -> Entry:
    """Close the open business date: one entry, over the receipts that it names, asking nobody.

    Raises Refused for a day that has not begun (a second press), while a shift is open, and while money is
    held that could be receipted or given back.
    """
    if open_shift_entry(journal.last_of) is not None:
        raise Refused("A shift is open. Count its drawer and close it; that closes the day.")
    date = business_date(journal, clock)
    if date > clock.today() and not journal.receipts_of_day(date.isoformat()):
        raise Refused(f"The business date is closed; {date.isoformat()} has not begun.")
    refuse_held(journal)
    (entry,) = journal.record([day_draft(journal, clock, randomness, date, closed_by, till=till)])
    return entry


def day_draft(
    journal: Journal, clock: Clock, randomness: Randomness, date: dt.date, closed_by: str, *, till: str
) -> Draft:
    """The entry that closes a business date.

    What no fact has ended is carried on by name, and what the Z report says is recorded, so that it can be
    printed again, the same.
    """
    receipts = journal.receipts_of_day(date.isoformat())
    voided = {entry.body["receipt"] for entry in journal.entries_of((EntryKind.RECEIPT_VOIDED,))}
    body = close_body(date, receipts, journal.unsettled_payments(), closed_by, voided, all_held(journal))
    body["report"] = close_figures(JournalDaybook(journal), till, date, clock.now())
    return Draft(str(new_id(clock, randomness)), EntryKind.DAY_CLOSED, date.isoformat(), body)


def refuse_held(journal: Journal) -> tuple[DrawerTender, ...]:
    """Refuse a close while money is held that somebody can see to; else what is held all the same.

    That waits beside a card payment in doubt, and is carried on by name: no close waits for an answer.
    """
    held = all_held(journal)
    settleable = [item for item in held if not is_carried(journal, item)]
    if settleable:
        names = ", ".join(dict.fromkeys(format_dollars(item.tender.amount_cents) for item in settleable))
        raise Refused(
            f"{names} was taken and is on no receipt yet. Issue the receipt or give it back, then close "
            "the day."
        )
    return held


def close_body(
    date: dt.date,
    receipts: Iterable[Receipt],
    carried: Iterable[Payment],
    closed_by: str,
    voided: Collection[str] = (),
    held: Iterable[DrawerTender] = (),
) -> dict[str, Any]:
    """The Z of a day: totals derivable from its receipts, by tender, and what it carries on by name.

    A carried payment is in no total: whether it was paid is not known. A voided receipt is named and in none.
    """
    receipts = tuple(receipts)
    counted = tuple(receipt for receipt in receipts if receipt.number not in voided)
    tenders: dict[str, dict[str, int]] = {}
    for receipt in counted:
        for tender in receipt.tenders:
            sums = tenders.setdefault(
                tender.kind.value, {"count": 0, "amount_cents": 0, "service_fee_cents": 0}
            )
            sums["count"] += 1
            sums["amount_cents"] += tender.amount_cents
            sums["service_fee_cents"] += tender.service_fee_cents
    return {
        "business_date": date.isoformat(),
        "closed_by": closed_by,
        "receipts": [receipt.number for receipt in receipts],
        "total_cents": sum(receipt.paid_cents for receipt in counted),
        "tenders": tenders,
        "carried": carried_json(carried, held),
    }


def carried_json(payments: Iterable[Payment], held: Iterable[DrawerTender]) -> list[dict[str, Any]]:
    """What is carried on, by name: card payments that are not settled, and tenders that wait beside them."""
    return [
        {
            "reference": payment.reference,
            "amount_cents": payment.amount_cents,
            "state": payment.state.value,
            "issued_at": payment.issued_at,
            "business_date": payment.business_date,
        }
        for payment in payments
    ] + [
        {
            "reference": item.tender.id,
            "amount_cents": item.tender.amount_cents,
            "state": f"HELD {item.tender.kind.value}",
            "issued_at": "",
            "business_date": item.business_date,
        }
        for item in held
    ]


def z_text(body: Json) -> str:
    """The one text of a Z, the same for the same entry, byte for byte."""
    return canonical(dict(body))
