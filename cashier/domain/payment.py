"""One card attempt: its states, the table that moves it, and its fold over the journal.

Hints (what a page, a clerk or a restart suggests) never end a payment. Facts (a matched postback, a status
enquiry) do. Anything unclear is IN_DOUBT, which is a state and not an error; only a fact leaves it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from cashier.domain.money import Cents


class PaymentState(StrEnum):
    """Persisted by name: renaming one needs a migration."""

    ISSUED = "ISSUED"  # durable here; the hosted page was never opened
    OPEN = "OPEN"  # the hosted page is, or was about to be, before the payer
    IN_DOUBT = "IN_DOUBT"  # the page is gone or something is unclear; locked until a fact
    APPROVED = "APPROVED"  # a fact says paid
    DECLINED = "DECLINED"  # a fact says the card was refused
    ABANDONED = "ABANDONED"  # certainly not paid and given up


class PaymentEvent(StrEnum):
    """What can happen to a payment. See HINTS and FACTS."""

    # Hints and acts of our own.
    PAGE_OPENING = "page_opening"  # recorded before the page's address is opened
    GIVEN_UP_UNOPENED = "given_up_unopened"  # the clerk gives up before the page was ever opened
    PAGE_SUBMITTED = "page_submitted"  # the payer sent something to the gateway
    PAGE_RETURNED = "page_returned"  # the page went to the return address
    PAGE_CLOSED = "page_closed"  # the clerk stopped waiting
    PAGE_FAILED = "page_failed"  # the page did not load
    RENDERER_DIED = "renderer_died"
    LINE_LOST = "line_lost"  # the hub does not answer, so no word of the gateway can arrive
    TILL_RESTARTED = "till_restarted"
    # Facts.
    CONFIRMED_PAID = "confirmed_paid"  # matched postback (or enquiry) covers the payment
    CONFIRMED_DECLINED = "confirmed_declined"
    CONFIRMED_UNPAID = "confirmed_unpaid"  # enquiry after the hosted session's life: no money moved
    PART_CONFIRMED = "part_confirmed"  # one invoice of several is told paid
    NEEDS_REVIEW = "needs_review"  # the gateway told something that does not match


FACTS = frozenset(
    {
        PaymentEvent.CONFIRMED_PAID,
        PaymentEvent.CONFIRMED_DECLINED,
        PaymentEvent.CONFIRMED_UNPAID,
        PaymentEvent.PART_CONFIRMED,
        PaymentEvent.NEEDS_REVIEW,
    }
)
HINTS = frozenset(PaymentEvent) - FACTS

#: Hints that a hosted page, its renderer or the clerk's closing of it may give.
PAGE_HINTS = frozenset(
    {
        PaymentEvent.PAGE_SUBMITTED,
        PaymentEvent.PAGE_RETURNED,
        PaymentEvent.PAGE_CLOSED,
        PaymentEvent.PAGE_FAILED,
        PaymentEvent.RENDERER_DIED,
    }
)

#: States in which the sale may not be paid by anything else.
LOCKING = frozenset({PaymentState.ISSUED, PaymentState.OPEN, PaymentState.IN_DOUBT})


def _table() -> Mapping[tuple[PaymentState, PaymentEvent], PaymentState]:
    s, e = PaymentState, PaymentEvent
    page_gone = (e.PAGE_RETURNED, e.PAGE_CLOSED, e.PAGE_FAILED, e.RENDERER_DIED, e.TILL_RESTARTED)
    return MappingProxyType(
        {
            (s.ISSUED, e.PAGE_OPENING): s.OPEN,
            # The launch takes no money; opening its address does (Invoice Cloud contract, section 1). So a
            # payment whose page was never opened may be given up without a fact.
            (s.ISSUED, e.GIVEN_UP_UNOPENED): s.ABANDONED,
            (s.ISSUED, e.TILL_RESTARTED): s.ISSUED,
            (s.OPEN, e.PAGE_SUBMITTED): s.OPEN,
            (s.OPEN, e.LINE_LOST): s.IN_DOUBT,
            **{(s.OPEN, gone): s.IN_DOUBT for gone in page_gone},
            **{(s.IN_DOUBT, gone): s.IN_DOUBT for gone in page_gone},
            (s.IN_DOUBT, e.PAGE_SUBMITTED): s.IN_DOUBT,
            # A decline speaks of one card. While the page stands the payer may try another, and from that
            # moment the outcome is open again.
            (s.DECLINED, e.PAGE_SUBMITTED): s.OPEN,
            **{(s.DECLINED, gone): s.DECLINED for gone in page_gone},
            # No page should be left by then; but what is sent now could take money, so it is not over.
            (s.ABANDONED, e.PAGE_SUBMITTED): s.IN_DOUBT,
            # The page lives on for a moment after its own success; what it does then changes nothing.
            (s.APPROVED, e.PAGE_SUBMITTED): s.APPROVED,
            **{(s.APPROVED, gone): s.APPROVED for gone in page_gone},
            # Facts. A late approval wins over everything; nothing regresses an approval.
            **{(state, e.CONFIRMED_PAID): s.APPROVED for state in s},
            **{(state, e.CONFIRMED_DECLINED): s.DECLINED for state in (s.ISSUED, s.OPEN, s.IN_DOUBT)},
            (s.DECLINED, e.CONFIRMED_DECLINED): s.DECLINED,
            (s.ABANDONED, e.CONFIRMED_DECLINED): s.ABANDONED,
            (s.APPROVED, e.CONFIRMED_DECLINED): s.APPROVED,
            **{(state, e.CONFIRMED_UNPAID): s.ABANDONED for state in (s.ISSUED, s.OPEN, s.IN_DOUBT)},
            (s.OPEN, e.PART_CONFIRMED): s.OPEN,
            **{
                (state, e.PART_CONFIRMED): s.IN_DOUBT
                for state in (s.ISSUED, s.IN_DOUBT, s.DECLINED, s.ABANDONED)
            },
            (s.APPROVED, e.PART_CONFIRMED): s.APPROVED,
            **{(state, e.NEEDS_REVIEW): s.IN_DOUBT for state in s if state is not s.APPROVED},
            (s.APPROVED, e.NEEDS_REVIEW): s.APPROVED,
        }
    )


TRANSITIONS = _table()


class NotAllowed(Exception):
    """A pair the table does not list: a bug in the caller, or a journal written by something else."""


def apply(state: PaymentState, event: PaymentEvent) -> PaymentState:
    """The state after an event. Raises NotAllowed for an unlisted pair; there is no way to force one."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise NotAllowed(f"{event} is not allowed in {state}") from None


@dataclass(frozen=True)
class InvoiceShare:
    """What a payment launched for one invoice."""

    number: str
    amount_cents: Cents


@dataclass(frozen=True)
class Confirmation:
    """One invoice told paid: the amount, the service fee on top, and who says so."""

    invoice_number: str
    amount_cents: Cents
    service_fee_cents: Cents
    payment_guid: str
    card_type: str
    message: str


@dataclass(frozen=True)
class Payment:
    """One card attempt as the journal has it.

    `biller` names whose payment page it is. `minimum_cents` is the smallest partial payment the launch
    allowed, None when the page must take the whole amount. `request` is the exact text sent to the gateway:
    a retry sends the same bytes.
    """

    id: str
    sale_id: str
    reference: str
    till: str
    biller: str
    cashier: str
    issued_at: str
    amount_cents: Cents
    expected_fee_cents: Cents
    invoices: tuple[InvoiceShare, ...]
    minimum_cents: Cents | None
    reader: str
    request: str
    state: PaymentState
    confirmations: tuple[Confirmation, ...] = ()
    declines: tuple[str, ...] = ()
    reviews: tuple[str, ...] = ()

    @property
    def confirmed_cents(self) -> Cents:
        """What facts say has been paid, without the service fee."""
        return Cents(sum(item.amount_cents for item in self.confirmations))

    @property
    def service_fee_cents(self) -> Cents:
        """The service fee the gateway says it took."""
        return Cents(sum(item.service_fee_cents for item in self.confirmations))

    @property
    def locks_sale(self) -> bool:
        """Whether the sale may not be paid by anything else."""
        return self.state in LOCKING
