"""The desk: every payment that is not settled, every message that fits none, and what may be done about it.

Nothing here forces a payment to be paid. Two people may record what the gateway's own portal shows; that
stays on the desk until a fact says the same.
"""

import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cashier.domain.entries import Entry, EntryKind, utc_moment, utc_text
from cashier.domain.errors import CashierError, Refused
from cashier.domain.money import Cents, format_dollars
from cashier.domain.payment import Payment, PaymentEvent, PaymentState, Vouch
from cashier.domain.people import Permission
from cashier.domain.scrub import scrub_card_numbers
from cashier.domain.slip import Slip, SlipKind
from cashier.till.approval import checked_reason
from cashier.till.checking import Answer, Checker
from cashier.till.config import TillConfig
from cashier.till.facts import Facts, Told
from cashier.till.people import People
from cashier.till.ports import Clock, Holds, Journal, Quarantined
from cashier.till.words import Standing, standing

_AUTHORISATION = re.compile(r"[0-9A-Za-z][0-9A-Za-z -]{2,19}", re.ASCII)
#: Payments that ended without a charge since the till was started, for their statements.
ENDED_MAX = 20

#: What this till saw of a payment, by the newest hint.
SAW = {
    "": "recorded; the page was never opened",
    PaymentEvent.PAGE_OPENING.value: "the page is open",
    PaymentEvent.PAGE_SUBMITTED.value: "the payer sent something",
    PaymentEvent.PAGE_RETURNED.value: "the page said that it is done",
    PaymentEvent.PAGE_CLOSED.value: "the page was closed here",
    PaymentEvent.PAGE_FAILED.value: "the page did not load",
    PaymentEvent.RENDERER_DIED.value: "the page stopped",
    PaymentEvent.LINE_LOST.value: "the line went down",
    PaymentEvent.READER_LOST.value: "the reader was unplugged",
    PaymentEvent.TILL_RESTARTED.value: "the till was restarted",
    PaymentEvent.GIVEN_UP_UNOPENED.value: "given up before its page was opened",
}


@dataclass(frozen=True)
class DeskRow:
    """One payment that no fact has ended. `age_s` is seconds since it was started; times are UTC text."""

    reference: str
    sale_id: str
    payer: str
    permit: str
    invoices: tuple[str, ...]
    amount_cents: Cents
    fee_cents: Cents
    reader: str
    cashier: str
    issued_at: str
    age_s: float
    state: PaymentState
    standing: Standing
    till_says: str
    till_said_at: str
    gateway_says: str
    gateway_said_at: str
    next_action: str
    can_ask: bool
    can_vouch: bool
    can_print_slip: bool


@dataclass(frozen=True)
class Matter:
    """Something that a person has to see to. `id` is its entry's; `reference` names its payment."""

    id: str
    at: str
    reason: str
    reference: str
    amount: str
    invoice: str


@dataclass(frozen=True)
class EndedRow:
    """A payment that ended without a charge since the till was started."""

    reference: str
    payer: str
    amount_cents: Cents
    standing: Standing


@dataclass(frozen=True)
class DeskView:
    """Everything on the desk. `quarantine_fault` says why the hub's list is not known, or is empty."""

    rows: tuple[DeskRow, ...]
    matters: tuple[Matter, ...]
    ended: tuple[EndedRow, ...]
    quarantined: tuple[Quarantined, ...]
    quarantine_fault: str
    supervisors: tuple[str, ...]


class Desk:
    """The desk's view and its verbs."""

    def __init__(
        self,
        config: TillConfig,
        clock: Clock,
        journal: Journal,
        holds: Holds,
        people: People,
        facts: Facts,
        checker: Checker,
        changed: Callable[[Told], None],
    ) -> None:
        self._config = config
        self._clock = clock
        self._journal = journal
        self._holds = holds
        self._people = people
        self._facts = facts
        self._checker = checker
        self._changed = changed
        self._ended: deque[str] = deque(maxlen=ENDED_MAX)
        self._quarantined: tuple[Quarantined, ...] = ()
        self._quarantine_fault = ""

    # -- looking -----------------------------------------------------------------------------------------

    def view(self) -> DeskView:
        """The desk as it stands."""
        ended = (self._journal.payment(reference) for reference in reversed(self._ended))
        return DeskView(
            rows=tuple(self._row(payment) for payment in self._journal.unsettled_payments()),
            matters=tuple(self._matter(entry) for entry in self._journal.open_matters()),
            ended=tuple(
                EndedRow(item.reference, self._payer(item), item.amount_cents, standing(item))
                for item in ended
                if item is not None
            ),
            quarantined=self._quarantined,
            quarantine_fault=self._quarantine_fault,
            supervisors=self._people.approvers(Permission.APPROVE_VOUCH),
        )

    def ended(self, payment: Payment) -> None:
        """A payment has ended; those without a charge stay at hand for their statements."""
        unpaid = payment.state in (PaymentState.DECLINED, PaymentState.ABANDONED)
        if payment.reference in self._ended:
            self._ended.remove(payment.reference)
        if unpaid:
            self._ended.append(payment.reference)

    async def refresh(self) -> None:
        """Ask the hub which messages fit no payment of the site. A failure is shown, not raised."""
        try:
            self._quarantined, self._quarantine_fault = tuple(await self._holds.quarantined()), ""
        except CashierError as error:
            self._quarantine_fault = error.user_text
        self._changed(Told(None))

    def _row(self, payment: Payment) -> DeskRow:
        entries = tuple(self._journal.entries(payment.id))
        sale = self._journal.sale(payment.sale_id)
        hint = _last(entries, EntryKind.PAYMENT_HINTED)
        event = str(hint.body["event"]) if hint else ""
        said, said_at = self._gateway_says(payment, entries)
        can_ask = self._checker.can_ask(payment)
        age = self._clock.now() - utc_moment(payment.issued_at)
        return DeskRow(
            reference=payment.reference,
            sale_id=payment.sale_id,
            payer=sale.customer.name if sale else "",
            permit=sale.permit.number if sale and sale.permit else "",
            invoices=tuple(share.number for share in payment.invoices),
            amount_cents=payment.amount_cents,
            fee_cents=payment.service_fee_cents or payment.expected_fee_cents,
            reader=payment.reader,
            cashier=payment.cashier,
            issued_at=payment.issued_at,
            age_s=max(age.total_seconds(), 0.0),
            state=payment.state,
            standing=standing(payment, event),
            till_says=SAW.get(event, event),
            till_said_at=hint.at if hint else payment.issued_at,
            gateway_says=said,
            gateway_said_at=said_at,
            next_action=self._next_action(payment, can_ask),
            can_ask=can_ask,
            can_vouch=payment.state is PaymentState.IN_DOUBT,
            can_print_slip=payment.state in (PaymentState.IN_DOUBT, PaymentState.VOUCHED),
        )

    def _gateway_says(self, payment: Payment, entries: Sequence[Entry]) -> tuple[str, str]:
        """The newest word of the gateway: what is recorded of it, or what it answered since."""
        told = _last(entries, EntryKind.PAYMENT_TOLD)
        answer: Answer | None = self._checker.answer(payment.reference)
        if told is not None and (answer is None or told.at >= answer.at):
            return str(told.body["reason"]), told.at
        if answer is not None:
            return answer.text, answer.at
        return "nothing yet", ""

    def _next_action(self, payment: Payment, can_ask: bool) -> str:
        match payment.state:
            case PaymentState.ISSUED:
                return "Try again or give it up: its page was never opened, so no money moved."
            case PaymentState.OPEN:
                return "Wait for the payer at the page."
            case PaymentState.VOUCHED:
                return "Nothing from the payer. It stays here until Invoice Cloud says the same."
            case _ if payment.reviews:
                return (
                    "A supervisor compares it with Invoice Cloud's portal. Charge nothing again; give the "
                    "payer the slip."
                )
            case _ if payment.card_declined:
                return "Wait a moment: the card was refused, and no other card must be under way."
            case _ if can_ask:
                return (
                    "Wait: Invoice Cloud is asked again and again. If it shows no payment, that counts "
                    f"{self._from_when(payment)}. Charge nothing again; give the payer the slip."
                )
            case _:
                return (
                    "Invoice Cloud cannot be asked here: its message or a supervisor with its portal settles "
                    "it. Charge nothing again; give the payer the slip."
                )

    def _from_when(self, payment: Payment) -> str:
        """When "not paid" becomes final, in words."""
        if not payment.page_gone:
            return "only when its page is closed"
        gone_s = (self._clock.now() - utc_moment(payment.moved_at)).total_seconds()
        left_s = self._config.waits.session_s + self._config.waits.margin_s - gone_s
        minutes = max(int(left_s // 60) + 1, 1)
        return "within a minute" if minutes == 1 else f"in {minutes} minutes"

    def _matter(self, entry: Entry) -> Matter:
        postback = entry.body.get("postback")
        told = postback if isinstance(postback, dict) else {}
        cents = told.get("payment_amount_cents")
        reference = entry.subject
        if entry.kind is not EntryKind.POSTBACK_UNMATCHED:
            issued = next(iter(self._journal.entries(entry.subject)), None)
            reference = str(issued.body.get("reference", reference)) if issued else reference
        return Matter(
            id=entry.id,
            at=entry.at,
            reason=str(entry.body["reason"]),
            reference=reference,
            amount="" if cents is None else format_dollars(cents),
            invoice=str(told.get("invoice_number", "")),
        )

    def _payer(self, payment: Payment) -> str:
        sale = self._journal.sale(payment.sale_id)
        return sale.customer.name if sale else ""

    # -- acting ------------------------------------------------------------------------------------------

    async def check_now(self, reference: str) -> None:
        """Ask the gateway about a payment now. Raises Refused when it cannot be asked."""
        payment = self._journal.payment(reference)
        if payment is None or not self._checker.can_ask(payment):
            raise Refused(
                "Invoice Cloud cannot be asked about this payment: the biller's GUID or web service key is "
                "not set. Its message or a supervisor with its portal settles it."
            )
        await self._checker.check(reference)

    async def vouch(
        self, reference: str, *, authorisation: str, reason: str, supervisor: str, pin: str
    ) -> Told:
        """Take a payment in doubt for paid, as two people saw it in the gateway's portal.

        The second one is not the clerk (behaviour P19). Raises Refused.
        """
        authorisation = authorisation.strip()
        if (
            _AUTHORISATION.fullmatch(authorisation) is None
            or scrub_card_numbers(authorisation) != authorisation
        ):
            raise Refused(
                "The authorisation code is three to twenty letters and digits, as the portal shows it."
            )
        reason = checked_reason(reason, "reason")
        asker = self._people.require(Permission.TAKE_PAYMENTS)
        what = f"payment {reference} is paid per portal"
        approver = await self._people.approve(supervisor, pin, Permission.APPROVE_VOUCH, what)
        told = self._facts.vouch(reference, Vouch(authorisation, reason, asker.name, approver.name))
        self._changed(told)
        return told

    async def see(self, matter: str, *, note: str, supervisor: str, pin: str) -> None:
        """Record that a supervisor has seen to a matter. It stays in the journal. Raises Refused."""
        note = checked_reason(note, "note")
        what = f"matter {matter} is seen to"
        approver = await self._people.approve(supervisor, pin, Permission.APPROVE_VOUCH, what)
        self._facts.see(matter, approver.name, note)
        self._changed(Told(None))

    # -- paper -------------------------------------------------------------------------------------------

    def slip(self, reference: str) -> Slip:
        """Payment under verification, do not pay again: for the payer. Raises Refused when it is settled."""
        payment = self._journal.payment(reference)
        if payment is None or payment.state not in (PaymentState.IN_DOUBT, PaymentState.VOUCHED):
            raise Refused("Only a payment that is being verified has a verification slip.")
        said, said_at = self._gateway_says(payment, tuple(self._journal.entries(payment.id)))
        return self._paper(SlipKind.UNDER_VERIFICATION, payment, said, said_at)

    def statement(self, reference: str) -> Slip:
        """No charge was taken, with the evidence of it. Raises Refused unless that is so."""
        payment = self._journal.payment(reference)
        if payment is None or payment.state not in (PaymentState.DECLINED, PaymentState.ABANDONED):
            raise Refused("Only a payment that ended without a charge has such a statement.")
        if payment.confirmations:
            raise Refused("A part of this payment was taken.")
        ending = next(
            entry
            for entry in reversed(tuple(self._journal.entries(payment.id)))
            if entry.body.get("state") == payment.state.value
        )
        source = ending.body.get("source")
        asked = f"Invoice Cloud was asked: {_answers(ending)}." if source == "enquiry" else ""
        if payment.state is PaymentState.DECLINED:
            text = f"The card was refused: {_sentence(str(ending.body['reason']))} {asked}".strip()
        elif asked:
            text = f"{asked} {_sentence(str(ending.body['reason']))}"
        else:
            text = "The payment page was never opened, so nothing could be charged."
        return self._paper(SlipKind.NO_CHARGE, payment, text, str(ending.body.get("received_at", ending.at)))

    def _paper(self, kind: SlipKind, payment: Payment, evidence: str, evidence_at: str) -> Slip:
        sale = self._journal.sale(payment.sale_id)
        assert sale is not None, "a payment is recorded in the commit of its sale"
        return Slip(
            kind=kind,
            agency=self._config.agency,
            till=self._config.till,
            cashier=self._people.name or self._config.cashier,
            printed_at=utc_text(self._clock.now()),
            reference=payment.reference,
            payer=sale.customer.name,
            permit=sale.permit.number if sale.permit else "",
            invoices=tuple(share.number for share in payment.invoices),
            amount_cents=payment.amount_cents,
            started_at=payment.issued_at,
            evidence=evidence,
            evidence_at=evidence_at,
            training=self._config.training,
            address=self._config.text.address,
        )


def _last(entries: Sequence[Entry], kind: EntryKind) -> Entry | None:
    return next((entry for entry in reversed(entries) if entry.kind is kind), None)


def _answers(entry: Entry) -> str:
    texts = []
    for item in entry.body["answers"]:
        if not item["found"]:
            texts.append(f"invoice {item['number']} is not known to it")
        else:
            texts.append(f"{format_dollars(item['balance_cents'])} is due on invoice {item['number']}")
    return "; ".join(texts)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
