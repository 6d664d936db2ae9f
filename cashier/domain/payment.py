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
    VOUCHED = "VOUCHED"  # two people say paid by the gateway's own portal; flagged until a fact matches
    APPROVED = "APPROVED"  # a fact says paid
    DECLINED = "DECLINED"  # the card was refused and nothing else can come of it
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
    READER_LOST = "reader_lost"  # the payment's reader was unplugged
    TILL_RESTARTED = "till_restarted"
    # Facts.
    CONFIRMED_PAID = "confirmed_paid"  # matched postback or enquiry covers the payment
    CARD_DECLINED = "card_declined"  # one card was refused; the payer may be trying another
    CONFIRMED_DECLINED = "confirmed_declined"  # refused, the page long gone, and nothing was paid
    CONFIRMED_UNPAID = "confirmed_unpaid"  # enquiry after the hosted session's life: no money moved
    PART_CONFIRMED = "part_confirmed"  # one invoice of several is told paid
    REST_UNPAID = "rest_unpaid"  # enquiry after the hosted session's life: what is confirmed is all
    NEEDS_REVIEW = "needs_review"  # the gateway told something that does not match
    # Neither hint nor fact: the word of two people, with the gateway's portal before them.
    VOUCHED_PAID = "vouched_paid"


FACTS = frozenset(
    {
        PaymentEvent.CONFIRMED_PAID,
        PaymentEvent.CARD_DECLINED,
        PaymentEvent.CONFIRMED_DECLINED,
        PaymentEvent.CONFIRMED_UNPAID,
        PaymentEvent.PART_CONFIRMED,
        PaymentEvent.REST_UNPAID,
        PaymentEvent.NEEDS_REVIEW,
    }
)
HINTS = frozenset(PaymentEvent) - FACTS - {PaymentEvent.VOUCHED_PAID}

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

#: Hints after which the page stands no more. One that failed to load, or whose line was lost, may still.
PAGE_ENDS = frozenset(
    {
        PaymentEvent.PAGE_RETURNED,
        PaymentEvent.PAGE_CLOSED,
        PaymentEvent.RENDERER_DIED,
        PaymentEvent.TILL_RESTARTED,
    }
)

#: States in which the sale may not be paid by anything else.
LOCKING = frozenset({PaymentState.ISSUED, PaymentState.OPEN, PaymentState.IN_DOUBT})

#: States in which it was not paid and is over.
ENDED_UNPAID = frozenset({PaymentState.DECLINED, PaymentState.ABANDONED})

#: States that a fact has still to end.
UNSETTLED = LOCKING | {PaymentState.VOUCHED}


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
            (s.OPEN, e.READER_LOST): s.IN_DOUBT,
            **{(s.OPEN, gone): s.IN_DOUBT for gone in page_gone},
            **{(s.IN_DOUBT, gone): s.IN_DOUBT for gone in page_gone},
            (s.IN_DOUBT, e.PAGE_SUBMITTED): s.IN_DOUBT,
            # A decline speaks of one card: while the page stands the payer may try another, and when it was
            # closed another may be under way.
            (s.ISSUED, e.CARD_DECLINED): s.IN_DOUBT,
            **{
                (state, e.CARD_DECLINED): state
                for state in (s.OPEN, s.IN_DOUBT, s.VOUCHED, s.APPROVED, s.DECLINED, s.ABANDONED)
            },
            # No page should be left by then; but what is sent now could take money, so it is not over.
            (s.DECLINED, e.PAGE_SUBMITTED): s.OPEN,
            **{(s.DECLINED, gone): s.DECLINED for gone in page_gone},
            (s.ABANDONED, e.PAGE_SUBMITTED): s.IN_DOUBT,
            # The page lives on for a moment after its own success; what it does then changes nothing.
            (s.APPROVED, e.PAGE_SUBMITTED): s.APPROVED,
            **{(s.APPROVED, gone): s.APPROVED for gone in page_gone},
            # The word of two people stands until a fact says the same; one that says otherwise is kept beside
            # it as a discrepancy.
            (s.IN_DOUBT, e.VOUCHED_PAID): s.VOUCHED,
            **{
                (s.VOUCHED, event): s.VOUCHED
                for event in (
                    *page_gone,
                    e.PAGE_SUBMITTED,
                    e.CONFIRMED_DECLINED,
                    e.CONFIRMED_UNPAID,
                    e.PART_CONFIRMED,
                    e.NEEDS_REVIEW,
                )
            },
            # Facts. A late approval wins over everything; nothing regresses an approval.
            **{(state, e.CONFIRMED_PAID): s.APPROVED for state in s},
            **{(state, e.CONFIRMED_DECLINED): s.DECLINED for state in (s.ISSUED, s.OPEN, s.IN_DOUBT)},
            (s.DECLINED, e.CONFIRMED_DECLINED): s.DECLINED,
            (s.ABANDONED, e.CONFIRMED_DECLINED): s.ABANDONED,
            (s.APPROVED, e.CONFIRMED_DECLINED): s.APPROVED,
            **{(state, e.CONFIRMED_UNPAID): s.ABANDONED for state in (s.ISSUED, s.OPEN, s.IN_DOUBT)},
            (s.IN_DOUBT, e.REST_UNPAID): s.APPROVED,
            (s.OPEN, e.PART_CONFIRMED): s.OPEN,
            **{
                (state, e.PART_CONFIRMED): s.IN_DOUBT
                for state in (s.ISSUED, s.IN_DOUBT, s.DECLINED, s.ABANDONED)
            },
            (s.APPROVED, e.PART_CONFIRMED): s.APPROVED,
            **{
                (state, e.NEEDS_REVIEW): s.IN_DOUBT
                for state in (s.ISSUED, s.OPEN, s.IN_DOUBT, s.DECLINED, s.ABANDONED)
            },
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


def invoice_key(number: str) -> str:
    """What tells one invoice from another: its number, whatever its case."""
    return number.strip().casefold()


@dataclass(frozen=True)
class InvoiceShare:
    """What a payment launched for one invoice."""

    number: str
    amount_cents: Cents


@dataclass(frozen=True)
class Confirmation:
    """One invoice told paid: the amount, the service fee on top, and who says so.

    An enquiry tells neither the charge nor its fee: `payment_guid` is empty then, until the postback of the
    charge takes its place.
    """

    invoice_number: str
    amount_cents: Cents
    service_fee_cents: Cents
    payment_guid: str
    card_type: str
    message: str


@dataclass(frozen=True)
class Vouch:
    """Two people's word that the gateway's own portal shows a payment as paid."""

    authorisation: str
    reason: str
    asked_by: str
    approved_by: str


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
    #: Whether the last word is that a card was refused; the payer has sent nothing since.
    card_declined: bool = False
    #: Whether no page of it stands here: it was never opened, was closed, or died.
    page_gone: bool = True
    #: Whether it had ended without a charge once; its invoices were anybody's from then on.
    ended_once: bool = False
    #: UTC text of the newest entry that moved it; empty for a payment not read from a journal.
    moved_at: str = ""
    business_date: str = ""
    vouch: Vouch | None = None
    #: Whether two people let its sale be paid at the drawer while it is in doubt.
    released: bool = False
    #: Whether the payer was signed on to an account: `request` has the place of a token, never the token.
    is_signed_on: bool = False

    @property
    def confirmed_cents(self) -> Cents:
        """What facts say has been paid, without the service fee."""
        return Cents(sum(item.amount_cents for item in self.confirmations))

    @property
    def paid_by_invoice(self) -> Mapping[str, int]:
        """What counts as paid of each invoice, in cents: by facts, or wholly by two people's word."""
        if self.state is PaymentState.VOUCHED:
            return {share.number: share.amount_cents for share in self.invoices}
        paid: dict[str, int] = {}
        for item in self.confirmations:
            paid[item.invoice_number] = paid.get(item.invoice_number, 0) + item.amount_cents
        return paid

    @property
    def service_fee_cents(self) -> Cents:
        """The service fee the gateway says it took."""
        return Cents(sum(item.service_fee_cents for item in self.confirmations))

    @property
    def locks_sale(self) -> bool:
        """Whether the sale may not be paid by anything else."""
        return self.state in LOCKING
