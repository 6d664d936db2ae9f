"""What a payer is handed when there is no receipt to hand out. Never carries a receipt number.

It is printed as the office is now, and recorded nowhere: `address` is what the settings say. The agency's
lines at the end are not on it: thanks and a refund policy belong to money that was taken.
"""

from dataclasses import dataclass
from enum import StrEnum

from cashier.domain.money import Cents


class SlipKind(StrEnum):
    """What the paper says."""

    UNDER_VERIFICATION = "under_verification"  # do not pay again
    NO_CHARGE = "no_charge"  # proof that nothing was taken
    WAITING = "waiting"  # a sale parked until cards can be taken again: nothing was taken


@dataclass(frozen=True)
class Slip:
    """One slip. Times are UTC text; `evidence` is the gateway's word, `evidence_at` when it was given.

    Of a sale that waits, `started_at` is when it was parked and `evidence` why; it may have no `invoices`.
    """

    kind: SlipKind
    agency: str
    till: str
    cashier: str
    printed_at: str
    reference: str
    payer: str
    permit: str
    invoices: tuple[str, ...]
    amount_cents: Cents
    started_at: str
    evidence: str
    evidence_at: str
    training: bool
    address: tuple[str, ...] = ()
