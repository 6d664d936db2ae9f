"""Tenders of the drawer – cash, checks, money orders – as the fold of a sale's entries.

One that was taken is held until a receipt names it or it is given back; a void of its receipt gives it back,
too. Cards are payments (`domain.payment`); a card's receipt names the tenders that were held beside it.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import Enum, auto
from typing import Any

from cashier.domain.allocation import Share
from cashier.domain.entries import Entry, EntryKind
from cashier.domain.errors import Discrepancy
from cashier.domain.money import Cents
from cashier.domain.receipt import Tender
from cashier.domain.records import tender_from_json, tender_to_json


class TenderState(Enum):
    """Where a tender of the drawer stands."""

    HELD = auto()  # taken, on no receipt yet
    RECEIPTED = auto()
    RETURNED = auto()
    VOIDED = auto()  # its receipt was taken back, and it with it

    @property
    def counts(self) -> bool:
        """Whether it pays for something."""
        return self in (TenderState.HELD, TenderState.RECEIPTED)


@dataclass(frozen=True)
class DrawerTender:
    """One tender of the drawer. `shares` is what it pays of each invoice, `receipt` its receipt's number."""

    tender: Tender
    sale_id: str
    shares: tuple[Share, ...]
    business_date: str
    by: str
    state: TenderState = TenderState.HELD
    receipt: str = ""


def taken_body(tender: Tender, shares: Iterable[Share], business_date: str, by: str) -> dict[str, Any]:
    """The body of TENDER_TAKEN."""
    return {
        "tender": tender_to_json(tender),
        "shares": [asdict(share) for share in shares],
        "business_date": business_date,
        "by": by,
    }


def drawer_tenders(entries: Iterable[Entry]) -> tuple[DrawerTender, ...]:
    """The tenders of the drawer that entries of one sale or of many tell of, in the order in which they came.

    Raises Discrepancy where an entry does not follow from those before it.
    """
    tenders: dict[str, DrawerTender] = {}
    of_receipt: dict[str, list[str]] = {}
    for entry in entries:
        match entry.kind:
            case EntryKind.TENDER_TAKEN:
                taken = _taken(entry)
                tenders[taken.tender.id] = taken
            case EntryKind.TENDER_RETURNED:
                _move(tenders, entry, entry.body["tender_id"], TenderState.HELD, TenderState.RETURNED)
            case EntryKind.RECEIPT_ISSUED:
                number = entry.body["number"]
                ids = [item["id"] for item in entry.body["tenders"] if item.get("id")]
                of_receipt[number] = ids
                for name in ids:
                    _move(tenders, entry, name, TenderState.HELD, TenderState.RECEIPTED, number)
            case EntryKind.RECEIPT_VOIDED:
                for name in of_receipt.get(entry.body["receipt"], ()):
                    _move(tenders, entry, name, TenderState.RECEIPTED, TenderState.VOIDED)
            case _:
                pass
    return tuple(tenders.values())


def _taken(entry: Entry) -> DrawerTender:
    body = entry.body
    shares = tuple(Share(item["number"], Cents(item["amount_cents"])) for item in body["shares"])
    return DrawerTender(
        tender_from_json(body["tender"]), entry.subject, shares, body["business_date"], body["by"]
    )


def _move(
    tenders: dict[str, DrawerTender],
    entry: Entry,
    name: str,
    before: TenderState,
    after: TenderState,
    receipt: str = "",
) -> None:
    tender = tenders.get(name)
    if tender is None or tender.state is not before:
        found = tender.state.name.lower() if tender else "never taken"
        raise Discrepancy(f"Entry {entry.seq} ({entry.kind}) is about tender {name}, which is {found}.")
    tenders[name] = replace(tender, state=after, receipt=receipt or tender.receipt)


#: What people hand over: bills, in cents.
_BILLS = (100, 500, 1_000, 2_000, 5_000, 10_000)


def quick_cash(due_cents: Cents) -> tuple[Cents, ...]:
    """What a payer is likely to hand over: what is due, and the next full bills above it, ascending."""
    rounded = (-(-due_cents // bill) * bill for bill in _BILLS)
    return tuple(Cents(cents) for cents in sorted({int(due_cents), *rounded}) if cents > 0)
