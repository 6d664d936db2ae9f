"""Facts: what postbacks, enquiries and two people's word do to a payment, each recorded exactly once.

`reconcile` judges; this records what it said, in one commit with the receipt and the discrepancy it leads to.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from cashier.domain.enquiry import InvoiceStatus
from cashier.domain.entries import Draft, Entry, EntryKind, Json, utc_text
from cashier.domain.errors import Refused
from cashier.domain.fold import with_told
from cashier.domain.money import Cents
from cashier.domain.payment import (
    Confirmation,
    Payment,
    PaymentEvent,
    PaymentState,
    Vouch,
    apply,
)
from cashier.domain.postback import DeliveredPostback
from cashier.domain.receipt import Receipt, Tender, TenderKind
from cashier.domain.records import postback_from_json, postback_to_json, receipt_to_json
from cashier.till.config import TillConfig
from cashier.till.due import drawer_by_invoice
from cashier.till.identity import new_id
from cashier.till.ports import Clock, Journal, Randomness
from cashier.till.receipts import Receipts
from cashier.till.rechecking import seen_from_launch
from cashier.till.reconcile import (
    Progress,
    Verdict,
    charge_id,
    is_bank,
    judge,
    judge_enquiry,
    judge_quiet,
)

DUPLICATE = "DUPLICATE PAYMENT: the sale was already paid; refund one of them"
#: Events after which a receipt is due, unless the payment has one.
_RECEIPTED = (PaymentEvent.CONFIRMED_PAID, PaymentEvent.REST_UNPAID, PaymentEvent.VOUCHED_PAID)


@dataclass(frozen=True)
class Told:
    """What a fact did: the payment it moved, and the receipt it made."""

    payment: Payment | None
    receipt: Receipt | None = None
    repeated: bool = False


class Facts:
    """Records facts over the ports."""

    def __init__(self, config: TillConfig, clock: Clock, randomness: Randomness, journal: Journal) -> None:
        self._config = config
        self._clock = clock
        self._randomness = randomness
        self._journal = journal
        self._receipts = Receipts(config, clock, journal)

    # -- postbacks -------------------------------------------------------------------------------------

    def take(self, delivered: DeliveredPostback) -> Told:
        """Apply one postback from the hub, exactly once: its delivery id is the id of its entry.

        The same id with other content is an alarm: recorded as a discrepancy, and nothing else.
        """
        payment = self._journal.payment(delivered.reference)
        earlier = self._journal.entry(delivered.id)
        if earlier is not None:
            self._alarm_unless_same(earlier, delivered, payment)
            return Told(payment, repeated=True)
        if payment is None:
            self._record_unmatched(delivered)
            return Told(None)
        return self._take_matched(delivered, payment)

    def match_waiting(self, reference: str) -> None:
        """Apply the postbacks that came before their payment was known here, oldest first."""
        for entry in tuple(self._journal.entries(reference)):
            if entry.kind is not EntryKind.POSTBACK_UNMATCHED:
                continue
            payment = self._journal.payment(reference)
            taken_id = f"{entry.id}+matched"
            if payment is None or self._journal.entry(taken_id) is not None:
                continue
            delivered = DeliveredPostback(
                taken_id,
                entry.body["received_at"],
                reference,
                entry.body.get("amount_cents", payment.amount_cents),
                postback_from_json(entry.body["postback"]),
            )
            self._take_matched(delivered, payment, matter=entry.id)

    def _take_matched(
        self, delivered: DeliveredPostback, payment: Payment, matter: str | None = None
    ) -> Told:
        postback = delivered.postback
        charged_to = self._journal.charged_reference(postback.payment_guid) if postback.payment_guid else None
        verdict = judge(
            payment,
            postback,
            self._guid(payment.biller),
            self._declined_charges(payment),
            charged_to if charged_to and charged_to != payment.reference else "",
        )
        body: dict[str, object] = {
            "source": "postback",
            "received_at": delivered.received_at,
            "reason": verdict.reason,
            "postback": postback_to_json(postback),
        }
        if matter is not None:
            body["matter"] = matter
        return self._record(payment, verdict, delivered.id, body)

    def _alarm_unless_same(
        self, earlier: Entry, delivered: DeliveredPostback, payment: Payment | None
    ) -> None:
        told = earlier.body.get("postback"), earlier.body.get("received_at")
        if told == (postback_to_json(delivered.postback), delivered.received_at):
            return
        reason = f"the hub delivered {delivered.id} again with other content"
        subject = payment.id if payment else delivered.reference
        known = (entry for entry in self._journal.entries(subject) if entry.body.get("reason") == reason)
        if any(known):
            return
        body = {"reason": reason, "postback": postback_to_json(delivered.postback)}
        self._journal.record([self._draft(EntryKind.DISCREPANCY_FOUND, subject, body)])

    def _record_unmatched(self, delivered: DeliveredPostback) -> None:
        body = {
            "source": "postback",
            "received_at": delivered.received_at,
            "amount_cents": delivered.amount_cents,
            "reason": "this till knows no payment of this reference",
            "postback": postback_to_json(delivered.postback),
        }
        draft = Draft(delivered.id, EntryKind.POSTBACK_UNMATCHED, delivered.reference, body)
        self._journal.record([draft])

    def _guid(self, biller: str) -> str:
        """The biller's GUID; empty when it is not known, also because the biller is no longer set up.

        A payment must find its end even after its biller was taken out of the settings.
        """
        return next((item.guid for item in self._config.billers if item.name == biller), "")

    def _declined_charges(self, payment: Payment) -> frozenset[str]:
        told = (
            entry.body["postback"]
            for entry in self._journal.entries(payment.id)
            if entry.body.get("event")
            in (PaymentEvent.CARD_DECLINED.value, PaymentEvent.CONFIRMED_DECLINED.value)
            and entry.body.get("postback")
        )
        return frozenset(
            charge_id(item["payment_guid"], item["payment_date"], item["payment_message"]) for item in told
        )

    # -- enquiries -------------------------------------------------------------------------------------

    def asked(self, reference: str, statuses: Sequence[InvoiceStatus], progress: Progress) -> Told:
        """Apply the gateway's answers about each of a payment's invoices, in their order.

        They settle nothing that the gateway has contradicted, until a person has seen to that: of two facts
        that disagree neither is believed.
        """
        payment = self._journal.payment(reference)
        if payment is None:
            return Told(None)
        if any(matter.subject == payment.id for matter in self._journal.open_matters()):
            return Told(payment)
        siblings = self._siblings(payment)
        progress = replace(
            progress, declined_before=any(item.state is PaymentState.DECLINED for item in siblings)
        )
        if (sale := self._journal.sale(payment.sale_id)) is not None:
            drawer = drawer_by_invoice(self._journal, payment.sale_id)
            statuses = [seen_from_launch(sale, status, drawer) for status in statuses]
        verdict = judge_enquiry(payment, statuses, self._paid_elsewhere(payment, siblings), progress)
        if verdict is None:
            return Told(payment)
        body: dict[str, object] = {
            "source": "enquiry",
            "received_at": utc_text(self._clock.now()),
            "reason": verdict.reason,
            "answers": [asdict(item) for item in statuses],
        }
        return self._record(payment, verdict, self._new_id(), body)

    def settle_quiet(self, reference: str, progress: Progress) -> Told:
        """Apply what time alone settles, where the gateway cannot be asked."""
        payment = self._journal.payment(reference)
        verdict = judge_quiet(payment, progress) if payment else None
        if payment is None or verdict is None:
            return Told(payment)
        body: dict[str, object] = {
            "source": "quiet",
            "received_at": utc_text(self._clock.now()),
            "reason": verdict.reason,
        }
        return self._record(payment, verdict, self._new_id(), body)

    def _siblings(self, payment: Payment) -> tuple[Payment, ...]:
        """Other attempts for any of its invoices."""
        found = {
            item.id: item
            for share in payment.invoices
            for item in self._journal.payments_of_invoice(share.number)
            if item.id != payment.id
        }
        return tuple(found.values())

    def _paid_elsewhere(self, payment: Payment, siblings: Sequence[Payment]) -> dict[str, int]:
        """What other attempts were told to have paid since this one was issued, an invoice."""
        issued = next(iter(self._journal.entries(payment.id))).seq
        paid: dict[str, int] = {}
        for sibling in siblings:
            fresh: tuple[Confirmation, ...] = ()
            before: tuple[Confirmation, ...] = ()
            for entry in self._journal.entries(sibling.id):
                told = tuple(Confirmation(**item) for item in entry.body.get("confirmations", ()))
                if entry.seq < issued:
                    before = with_told(before, told)
                fresh = with_told(fresh, told)
            for sign, items in ((1, fresh), (-1, before)):
                for item in items:
                    paid[item.invoice_number] = paid.get(item.invoice_number, 0) + sign * item.amount_cents
        return paid

    # -- people ----------------------------------------------------------------------------------------

    def vouch(self, reference: str, vouch: Vouch) -> Told:
        """Record two people's word that the gateway's portal shows a payment as paid; its receipt.

        The caller has proven both. Raises Refused when the payment is not in doubt.
        """
        payment = self._journal.payment(reference)
        if payment is None or payment.state is not PaymentState.IN_DOUBT:
            raise Refused("Only a payment in doubt can be taken for paid by the gateway's portal.")
        event = PaymentEvent.VOUCHED_PAID
        body = {"event": event.value, "state": apply(payment.state, event).value, **asdict(vouch)}
        drafts = [self._draft(EntryKind.PAYMENT_VOUCHED, payment.id, body)]
        tender = Tender(
            TenderKind.CARD,
            Cents(payment.amount_cents),
            message=f"per gateway portal, authorisation {vouch.authorisation}",
        )
        paid = {share.number: int(share.amount_cents) for share in payment.invoices}
        receipt = self._receipts.of_payment(payment, tender, paid)
        if receipt.due_cents < 0:
            drafts.append(self._draft(EntryKind.DISCREPANCY_FOUND, payment.id, {"reason": DUPLICATE}))
        return self._commit(payment, drafts, receipt if receipt.due_cents >= 0 else None)

    def see(self, matter: str, by: str, note: str) -> None:
        """Record that a person has seen to a matter. Raises Refused when it is none (any more)."""
        entry = next((item for item in self._journal.open_matters() if item.id == matter), None)
        if entry is None:
            raise Refused("This has been seen to already.")
        body = {"matter": matter, "by": by, "note": note}
        self._journal.record([self._draft(EntryKind.MATTER_SEEN, entry.subject, body)])

    # -- recording -------------------------------------------------------------------------------------

    def _record(self, payment: Payment, verdict: Verdict, entry_id: str, body: dict[str, object]) -> Told:
        if verdict.event is not None:
            body |= {
                "event": verdict.event.value,
                "state": apply(payment.state, verdict.event).value,
                "confirmations": [asdict(item) for item in verdict.confirmations],
            }
        drafts = [Draft(entry_id, verdict.kind, payment.id, body)]
        receipt = self._due_receipt(payment, verdict)
        discrepancies = [verdict.discrepancy] if verdict.discrepancy else []
        if receipt is not None and receipt.due_cents < 0:
            receipt, discrepancies = None, [DUPLICATE]
        for reason in discrepancies:
            found = {"reason": reason, "told": entry_id}
            drafts.append(self._draft(EntryKind.DISCREPANCY_FOUND, payment.id, found))
        return self._commit(payment, drafts, receipt)

    def _commit(self, payment: Payment, drafts: list[Draft], receipt: Receipt | None) -> Told:
        if receipt is not None:
            drafts.append(self._draft(EntryKind.RECEIPT_ISSUED, payment.sale_id, receipt_to_json(receipt)))
        recorded = self._journal.record(drafts)
        if receipt is not None:
            receipt = replace(receipt, number=recorded[-1].body["number"])
        return Told(self._journal.payment(payment.reference), receipt)

    def _due_receipt(self, payment: Payment, verdict: Verdict) -> Receipt | None:
        """The receipt of the fact that completes a payment, not yet numbered."""
        if verdict.event not in _RECEIPTED or payment.state in (PaymentState.APPROVED, PaymentState.VOUCHED):
            return None
        items = with_told(payment.confirmations, verdict.confirmations)
        card = items[0].card_type
        paid: dict[str, int] = {}
        for item in items:
            paid[item.invoice_number] = paid.get(item.invoice_number, 0) + item.amount_cents
        return self._receipts.of_payment(
            payment,
            Tender(
                kind=TenderKind.BANK if is_bank(card) else TenderKind.CARD,
                amount_cents=Cents(sum(item.amount_cents for item in items)),
                service_fee_cents=Cents(sum(item.service_fee_cents for item in items)),
                brand=card,
                message=items[0].message,
            ),
            paid,
        )

    def _new_id(self) -> str:
        return str(new_id(self._clock, self._randomness))

    def _draft(self, kind: EntryKind, subject: str, body: Json) -> Draft:
        return Draft(self._new_id(), kind, subject, body)
