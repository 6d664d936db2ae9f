"""The business date, and its close: an entry that names every receipt of the day and what is carried on.

A closed day is never touched again: what a fact tells later is receipted on the next open day, with a
reference to the day it belongs to.
"""

import datetime as dt
from collections.abc import Collection, Iterable
from typing import Any

from cashier.domain.entries import Draft, Entry, EntryKind, Json, canonical
from cashier.domain.errors import Refused
from cashier.domain.money import format_dollars
from cashier.domain.payment import Payment
from cashier.domain.receipt import Receipt
from cashier.till.due import all_held
from cashier.till.identity import new_id
from cashier.till.ports import Clock, Journal, Randomness
from cashier.till.reporting import JournalDaybook, close_figures


def business_date(journal: Journal, clock: Clock) -> dt.date:
    """The open business date: today, or the day after the last one closed when that is later."""
    closed = journal.last_of(EntryKind.DAY_CLOSED)
    today = clock.today()
    if closed is None:
        return today
    return max(today, dt.date.fromisoformat(closed.body["business_date"]) + dt.timedelta(days=1))


def close_day(journal: Journal, clock: Clock, randomness: Randomness, closed_by: str, *, till: str) -> Entry:
    """Close the open business date: one entry, over the receipts that it names, asking nobody.

    What no fact has ended is carried on by name, and what the Z report says is recorded, so that it can be
    printed again, the same. Raises Refused for a day that has not begun: a second press.
    """
    date = business_date(journal, clock)
    receipts = journal.receipts_of_day(date.isoformat())
    if date > clock.today() and not receipts:
        raise Refused(f"The business date is closed; {date.isoformat()} has not begun.")
    if held := all_held(journal):
        names = ", ".join(dict.fromkeys(format_dollars(item.tender.amount_cents) for item in held))
        raise Refused(
            f"{names} was taken and is on no receipt yet. Issue the receipt or give it back, then close "
            "the day."
        )
    voided = {entry.body["receipt"] for entry in journal.entries_of((EntryKind.RECEIPT_VOIDED,))}
    body = close_body(date, receipts, journal.unsettled_payments(), closed_by, voided)
    body["report"] = close_figures(JournalDaybook(journal), till, date, clock.now())
    draft = Draft(str(new_id(clock, randomness)), EntryKind.DAY_CLOSED, date.isoformat(), body)
    (entry,) = journal.record([draft])
    return entry


def close_body(
    date: dt.date,
    receipts: Iterable[Receipt],
    carried: Iterable[Payment],
    closed_by: str,
    voided: Collection[str] = (),
) -> dict[str, Any]:
    """The Z of a day: totals derivable from its receipts, by tender, and the payments it carries on by name.

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
        "carried": [
            {
                "reference": payment.reference,
                "amount_cents": payment.amount_cents,
                "state": payment.state.value,
                "issued_at": payment.issued_at,
                "business_date": payment.business_date,
            }
            for payment in carried
        ],
    }


def z_text(body: Json) -> str:
    """The one text of a Z, the same for the same entry, byte for byte."""
    return canonical(dict(body))
