"""How an amount is spread over invoices, and over the fees of one: in the order in which they stand.

The rule, as it is shown and printed: an amount goes to the invoices in their order, and on each to its fees
in theirs; the next one gets what the one before it does not need. Nothing is rounded, so no cent is lost.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cashier.domain.money import Cents
from cashier.domain.sale import Fee, Invoice

RULE = "Part payments go to the invoices in the order shown, and on each invoice to its fees in that order."


@dataclass(frozen=True)
class Share:
    """So much of one invoice."""

    number: str
    amount_cents: Cents


@dataclass(frozen=True)
class Applied:
    """What was paid of one invoice, after `before_cents` of it had been paid."""

    number: str
    before_cents: Cents
    amount_cents: Cents


@dataclass(frozen=True)
class FeeShare:
    """So much of one fee of an invoice."""

    invoice: Invoice
    fee: Fee
    amount_cents: Cents


def allocate(due: Sequence[Share], amount_cents: Cents) -> tuple[Share, ...]:
    """An amount over what is due on each invoice. Raises ValueError unless it is from 0 to all of it."""
    if not 0 <= amount_cents <= sum(share.amount_cents for share in due):
        raise ValueError(f"{amount_cents} cents cannot be spread over what is due")
    shares, left = [], int(amount_cents)
    for share in due:
        part = min(share.amount_cents, left)
        if part > 0:
            shares.append(Share(share.number, Cents(part)))
        left -= part
    return tuple(shares)


def due_shares(invoices: Iterable[Invoice], paid: Mapping[str, int]) -> tuple[Share, ...]:
    """What is due on each invoice beside what was paid on it, by number; never less than nothing."""
    return tuple(
        Share(number, Cents(max(invoice.total_cents - paid.get(number, 0), 0)))
        for invoice in invoices
        for number in (invoice.number or "",)
    )


def fee_shares(invoice: Invoice, before_cents: Cents, amount_cents: Cents) -> tuple[FeeShare, ...]:
    """An amount on one invoice over its fees, after `before_cents` of it were paid.

    What goes beyond the invoice stays with its last fee: a gateway may confirm more than was asked.
    """
    shares: list[FeeShare] = []
    start, end, reached = int(before_cents), int(before_cents + amount_cents), 0
    for place, fee in enumerate(invoice.fees, 1):
        is_last = place == len(invoice.fees)
        upper = max(end, reached) if is_last else reached + fee.amount_cents
        part = min(end, upper) - max(start, reached)
        if part > 0:
            shares.append(FeeShare(invoice, fee, Cents(part)))
        reached = upper
    return tuple(shares)
