"""Cash, checks and money orders: taken for a sale, held until its receipt, given back when it comes to none.

A tender is in the journal before the clerk is told that it was taken; with the one that pays the rest comes
the receipt, in the same commit. What is held stays held when a card beside it is declined (behaviour S1).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cashier.domain.allocation import allocate, due_shares
from cashier.domain.entries import Draft, EntryKind, Json
from cashier.domain.errors import Refused
from cashier.domain.money import Cents, format_dollars
from cashier.domain.payment import Payment
from cashier.domain.people import Permission
from cashier.domain.receipt import IN_DRAWER, Receipt, Tender, TenderKind
from cashier.domain.records import receipt_to_json, sale_to_json
from cashier.domain.sale import Sale
from cashier.domain.scrub import scrub_card_numbers
from cashier.domain.tendering import DrawerTender, taken_body
from cashier.till.approval import checked_reason
from cashier.till.config import TillConfig
from cashier.till.day import business_date
from cashier.till.due import attempts_at, held_tenders, paid_by_invoice, refuse_paid_elsewhere
from cashier.till.identity import new_id
from cashier.till.people import People
from cashier.till.ports import Clock, Journal, Randomness
from cashier.till.receipts import Receipts
from cashier.till.shifts import Shifts

#: More cash than this in one hand is a slip of the keyboard.
CASH_MAX_CENTS = Cents(10_000_000)
#: What a check or a money order calls itself: never as long as an account or card number.
_NUMBER = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,11}", re.ASCII)
WORDS_MAX = 60
OR_GIVE_BACK = "Take more, or give back what is held."
NAMES = {TenderKind.CASH: "cash", TenderKind.CHECK: "check", TenderKind.MONEY_ORDER: "money order"}


@dataclass(frozen=True)
class Taken:
    """A tender that was taken, and the receipt when it paid the rest."""

    tender: Tender
    receipt: Receipt | None


class Tenders:
    """The use cases of tenders of the drawer over the ports."""

    def __init__(
        self,
        config: TillConfig,
        clock: Clock,
        randomness: Randomness,
        journal: Journal,
        people: People,
        shifts: Shifts,
    ) -> None:
        self._shifts = shifts
        self._clock = clock
        self._randomness = randomness
        self._journal = journal
        self._people = people
        self._receipts = Receipts(config, clock, journal)

    # -- taking ------------------------------------------------------------------------------------------

    def take(self, sale_id: str, sale: Sale, tender: Tender) -> Taken:
        """Record a tender of the drawer for a sale, with its receipt when nothing is left to pay.

        Of cash `received_cents` counts: what is due is kept and the rest is change. Raises Refused for what
        cannot be taken, and while a card payment for the sale or one of its invoices is not settled.
        """
        clerk = self._people.require(Permission.TAKE_PAYMENTS)
        self._shifts.require()
        self._refuse_unsettled(sale_id, sale)
        refuse_paid_elsewhere(self._journal, sale_id, sale)
        due = due_shares(sale.invoices, paid_by_invoice(self._journal, sale_id))
        due_cents = Cents(sum(share.amount_cents for share in due))
        if due_cents <= 0:
            raise Refused("This sale is paid already.")
        tender = replace(_checked(tender, due_cents), id=self._new_id())
        if tender.kind is TenderKind.CASH:
            self._shifts.require_room()
        shares = allocate(due, tender.amount_cents)
        date = business_date(self._journal, self._clock).isoformat()
        drafts = []
        if self._journal.sale(sale_id) != sale:
            drafts.append(self._draft(EntryKind.SALE_RECORDED, sale_id, sale_to_json(sale)))
        taken = DrawerTender(tender, sale_id, shares, date, clerk.name)
        body = taken_body(tender, shares, date, clerk.name)
        drafts.append(self._draft(EntryKind.TENDER_TAKEN, sale_id, body))
        if tender.amount_cents < due_cents:
            self._journal.record(drafts)
            return Taken(tender, None)
        held = (*held_tenders(self._journal, sale_id), taken)
        return Taken(tender, self._receipted(sale_id, sale, held, drafts))

    def finish_part(self, sale_id: str) -> Receipt:
        """The receipt of a part payment: what is held for a sale of which more is due.

        Raises Refused when nothing is held, or an invoice would be paid in part that must not be.
        """
        self._people.require(Permission.TAKE_PART_PAYMENTS)
        self._shifts.require()
        sale = self._journal.sale(sale_id)
        held = held_tenders(self._journal, sale_id)
        if sale is None or not held:
            raise Refused("Nothing is held for this sale.")
        self._refuse_unsettled(sale_id, sale)
        paid = paid_by_invoice(self._journal, sale_id)
        for invoice in sale.invoices:
            part = paid.get(invoice.number or "", 0)
            if not 0 < part < invoice.total_cents:
                continue
            if invoice.allow_partial is False:
                raise Refused(f"Invoice {invoice.number} cannot be paid in part. {OR_GIVE_BACK}")
            minimum = Cents(invoice.minimum_due_cents or 0)
            if part < minimum:
                raise Refused(
                    f"At least {format_dollars(minimum)} must be paid on invoice {invoice.number}. "
                    f"{OR_GIVE_BACK}"
                )
        return self._receipted(sale_id, sale, held, [])

    def _receipted(
        self, sale_id: str, sale: Sale, held: Sequence[DrawerTender], drafts: list[Draft]
    ) -> Receipt:
        receipt = self._receipts.of_drawer(sale_id, sale, held, self._people.name)
        drafts.append(self._draft(EntryKind.RECEIPT_ISSUED, sale_id, receipt_to_json(receipt)))
        recorded = self._journal.record(drafts)
        return replace(receipt, number=recorded[-1].body["number"])

    # -- giving back -------------------------------------------------------------------------------------

    def give_back(self, sale_id: str, tender_ids: Sequence[str], reason: str) -> Cents:
        """Record that held tenders went back to the payer, in one commit; how much that was.

        Raises Refused when one of them is not held (any more), or a card payment for the rest is not settled.
        """
        clerk = self._people.require(Permission.TAKE_PAYMENTS)
        self._shifts.require()
        sale = self._journal.sale(sale_id)
        if sale is not None:
            self._refuse_unsettled(sale_id, sale)
        held = {item.tender.id: item for item in held_tenders(self._journal, sale_id)}
        if not tender_ids or not held.keys() >= set(tender_ids):
            raise Refused("This is held no more: it is on a receipt, or was given back.")
        self._journal.record(
            [
                self._draft(
                    EntryKind.TENDER_RETURNED,
                    sale_id,
                    {
                        "tender_id": name,
                        "amount_cents": held[name].tender.amount_cents,
                        "kind": held[name].tender.kind.value,
                        "reason": reason,
                        "by": clerk.name,
                    },
                )
                for name in tender_ids
            ]
        )
        return Cents(sum(held[name].tender.amount_cents for name in tender_ids))

    # -- beside a card -----------------------------------------------------------------------------------

    async def release(self, reference: str, *, reason: str, supervisor: str, pin: str) -> None:
        """Let a sale be paid at the drawer although its card payment is in doubt (behaviour P5).

        Two people say so, with a reason. A charge that is told later is flagged as a duplicate, to be
        refunded. Raises Refused.
        """
        reason = checked_reason(reason, "reason")
        asker = self._people.require(Permission.TAKE_PAYMENTS)
        what = f"the sale of payment {reference} is paid at the drawer"
        approver = await self._people.approve(supervisor, pin, Permission.APPROVE_VOUCH, what)
        payment = self._journal.payment(reference)
        if payment is None or not payment.locks_sale or not payment.page_gone:
            raise Refused("Only a payment in doubt, whose page is closed, stands in the way of cash.")
        body = {"reason": reason, "by": asker.name, "supervisor": approver.name}
        self._journal.record([self._draft(EntryKind.PAYMENT_RELEASED, payment.id, body)])

    def _refuse_unsettled(self, sale_id: str, sale: Sale) -> None:
        for payment in attempts_at(self._journal, sale_id, sale):
            if payment.locks_sale and not payment.released:
                raise Refused(_unsettled(payment))

    def _new_id(self) -> str:
        return str(new_id(self._clock, self._randomness))

    def _draft(self, kind: EntryKind, subject: str, body: Json) -> Draft:
        return Draft(self._new_id(), kind, subject, body)


def _unsettled(payment: Payment) -> str:
    return (
        f"Card payment {payment.reference[:10]}… of {format_dollars(payment.amount_cents)} for this sale is "
        f"not settled (till {payment.till}, {payment.issued_at[11:16]} UTC). Wait until it is; a supervisor "
        "can release the sale for cash."
    )


def _checked(tender: Tender, due_cents: Cents) -> Tender:
    """A tender as it can be taken: cash at what is due of it, anything else as it is. Raises Refused."""
    if tender.kind not in IN_DRAWER:
        raise Refused("A card is taken on the payment page.")
    name = NAMES[tender.kind]
    if tender.kind is TenderKind.CASH:
        if not 0 < tender.received_cents <= CASH_MAX_CENTS:
            raise Refused(f"Enter the cash that was handed over, up to {format_dollars(CASH_MAX_CENTS)}.")
        return Tender(
            TenderKind.CASH,
            Cents(min(tender.received_cents, due_cents)),
            received_cents=tender.received_cents,
        )
    if tender.amount_cents <= 0:
        raise Refused(f"Enter the amount of the {name}.")
    if tender.amount_cents > due_cents:
        raise Refused(
            f"The {name} is of {format_dollars(tender.amount_cents)}, and {format_dollars(due_cents)} is "
            "due. No change is given for it; ask for one of what is due or less."
        )
    words = {key: " ".join(getattr(tender, key).split()) for key in ("number", "bank", "payer")}
    if _NUMBER.fullmatch(words["number"]) is None:
        raise Refused(f"Enter the number of the {name}: up to twelve digits or letters, no account number.")
    for key in ("bank", "payer"):
        text = words[key]
        if len(text) > WORDS_MAX or (text and not text.isprintable()) or scrub_card_numbers(text) != text:
            raise Refused(f"The {key} of the {name} is a name of up to {WORDS_MAX} letters.")
    return Tender(
        tender.kind,
        tender.amount_cents,
        number=words["number"],
        bank=words["bank"],
        payer=words["payer"],
    )
