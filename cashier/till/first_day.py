"""A guided first day: what a new clerk does once, in order, each ticked off by what the journal says.

One table, `STEPS`; a further step is a further row. For training tills only.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from cashier.domain.entries import Entry, EntryKind
from cashier.domain.money import format_dollars
from cashier.domain.payment import UNSETTLED, PaymentState
from cashier.domain.receipt import TenderKind
from cashier.till.trainees import CLERK, INVOICES, SUPERVISOR


@dataclass
class Facts:
    """What has happened so far, as the steps need it."""

    kinds: set[EntryKind]
    signed_in: bool = False
    card_taken: bool = False
    change_given: bool = False
    doubted: frozenset[str] = frozenset()
    resolved: bool = False
    paid_retrieved: bool = False


@dataclass(frozen=True)
class Step:
    """One step. `how` says what to press; `is_done` asks the facts."""

    title: str
    how: str
    is_done: Callable[[Facts], bool]


_RETRIEVED = INVOICES[0]

STEPS = (
    Step(
        "Sign in",
        f"Ctrl+L locks the till. Come back as {CLERK.name} with PIN {CLERK.pin}.",
        lambda facts: facts.signed_in or EntryKind.SCREEN_UNLOCKED in facts.kinds,
    ),
    Step(
        "Take a card payment",
        "F4: a customer's name, and any account number such as BU7-00042. F3: a word such as roof, Enter. F8 "
        "opens the payment page; pay with a test card that the page lists.",
        lambda facts: facts.card_taken,
    ),
    Step(
        "Take cash and give change",
        "Ctrl+N: a new sale, with a customer and a fee as before. F9, and type more than is due: the change "
        "stands large.",
        lambda facts: facts.change_given,
    ),
    Step(
        "Print or save a receipt",
        "Ctrl+4: the receipts. Ctrl+P prints the chosen one, or saves it as PDF.",
        lambda facts: EntryKind.PRINTED in facts.kinds,
    ),
    Step(
        "See a payment in doubt resolved",
        "Ctrl+T, arm a case such as “The word comes 20 seconds late”, take a card payment, and wait for the "
        "fact. Ctrl+3 lists what is in doubt.",
        lambda facts: facts.resolved,
    ),
    Step(
        "Put a sale aside and take it up again",
        "Shift+F5 puts the sale on the screen aside. F5 lists what waits; Enter takes it up.",
        lambda facts: {EntryKind.SALE_HELD, EntryKind.SALE_RESUMED} <= facts.kinds,
    ),
    Step(
        "Retrieve an invoice and take it",
        f"Ctrl+N, F4: account {_RETRIEVED.account} and Enter fill in the payer. F3: {_RETRIEVED.number}, and "
        f"Shift+F3 retrieve it; take the {format_dollars(_RETRIEVED.due_cents)}. Also there: "
        + ", ".join(f"{item.number} ({item.about})" for item in INVOICES[1:])
        + ".",
        lambda facts: facts.paid_retrieved,
    ),
    Step(
        "Void a receipt",
        "On Receipts, choose one that was paid in cash and void it with a reason. A second person approves: "
        f"{SUPERVISOR.name}, PIN {SUPERVISOR.pin}.",
        lambda facts: EntryKind.RECEIPT_VOIDED in facts.kinds,
    ),
    Step(
        "Close the day",
        "On Shift (Ctrl+5): count, carry forward what is in doubt, and sign. The Z is on Reports (Ctrl+6).",
        lambda facts: EntryKind.DAY_CLOSED in facts.kinds,
    ),
)

_CARDS = (TenderKind.CARD.value, TenderKind.BANK.value)
_KINDS = frozenset(
    {
        EntryKind.SIGNED_IN,
        EntryKind.SCREEN_UNLOCKED,
        EntryKind.RECEIPT_ISSUED,
        EntryKind.PRINTED,
        EntryKind.PAYMENT_HINTED,
        EntryKind.PAYMENT_TOLD,
        EntryKind.SALE_HELD,
        EntryKind.SALE_RESUMED,
        EntryKind.RECEIPT_VOIDED,
        EntryKind.DAY_CLOSED,
    }
)


@dataclass(frozen=True)
class StepView:
    """One step as it is shown. `is_next`: the first that is not done."""

    title: str
    how: str
    is_done: bool
    is_next: bool


class FirstDay:
    """Follows the journal. `entries_of` gives entries of some kinds after a sequence number.

    Whoever is signed in by its start was not signed in by the clerk: a training session asks for no PIN then.
    """

    def __init__(self, entries_of: Callable[[Collection[EntryKind], int], Iterator[Entry]]) -> None:
        self._entries_of = entries_of
        self._facts = Facts(set())
        self._seq = 0
        self._start = max((entry.seq for entry in entries_of({EntryKind.SIGNED_IN}, 0)), default=0)

    def steps(self) -> tuple[StepView, ...]:
        """All steps in order. A step may be done out of order."""
        for entry in self._entries_of(_KINDS, self._seq):
            self._seq = entry.seq
            self._take(entry)
        done = [step.is_done(self._facts) for step in STEPS]
        following = done.index(False) if False in done else None
        return tuple(
            StepView(step.title, step.how, done[place], place == following)
            for place, step in enumerate(STEPS)
        )

    def _take(self, entry: Entry) -> None:
        facts, body = self._facts, entry.body
        facts.kinds.add(entry.kind)
        match entry.kind:
            case EntryKind.SIGNED_IN:
                facts.signed_in = facts.signed_in or entry.seq > self._start
            case EntryKind.RECEIPT_ISSUED:
                self._take_receipt(entry)
            case EntryKind.PAYMENT_HINTED | EntryKind.PAYMENT_TOLD:
                state = PaymentState(body["state"]) if "state" in body else None
                if state is PaymentState.IN_DOUBT:
                    facts.doubted |= {entry.subject}
                elif state is not None and state not in UNSETTLED and entry.subject in facts.doubted:
                    facts.resolved = True

    def _take_receipt(self, entry: Entry) -> None:
        facts, tenders = self._facts, entry.body["tenders"]
        facts.card_taken = facts.card_taken or any(tender["kind"] in _CARDS for tender in tenders)
        facts.change_given = facts.change_given or any(_has_change(tender) for tender in tenders)
        is_given = any(invoice.get("is_given") for invoice in entry.body["invoices"])
        facts.paid_retrieved = facts.paid_retrieved or is_given


def _has_change(tender: Any) -> bool:
    return bool(tender.get("received_cents", 0) > tender["amount_cents"])
