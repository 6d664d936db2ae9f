"""What a person has to see to: facts that do not fit, until someone says in the journal that they have.

Nothing here is ever settled by itself but for one: a postback that came before its payment was known, once
the payment has taken it over.
"""

from cashier.domain.entries import Entry, EntryKind
from cashier.domain.payment import PaymentEvent, PaymentState


def opens_matter(entry: Entry) -> bool:
    """Whether an entry is something that a person has to see to."""
    match entry.kind:
        case EntryKind.DISCREPANCY_FOUND | EntryKind.POSTBACK_UNMATCHED | EntryKind.COPY_REFUSED:
            return True
        case EntryKind.PAYMENT_TOLD:
            # Beside an approval or a vouch the same reason stands in a discrepancy of its own.
            told = (entry.body["event"], entry.body["state"])
            return told == (PaymentEvent.NEEDS_REVIEW.value, PaymentState.IN_DOUBT.value)
        case _:
            return False


def closes_matter(entry: Entry) -> str | None:
    """The id of the entry that needs nobody any more, or None."""
    if entry.kind in (EntryKind.MATTER_SEEN, EntryKind.PAYMENT_TOLD, EntryKind.POSTBACK_REPEATED):
        matter = entry.body.get("matter")
        return matter if isinstance(matter, str) else None
    return None
