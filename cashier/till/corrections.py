"""Voids, refunds and returned checks: what undoes a receipt, each with two people, none by itself.

A void takes a whole receipt back on its own business date, and only what lies in the drawer: no card is ever
voided here (behaviour V3). After the date there is only the refund. A card's refund is recorded as asked for;
the gateway's portal does it.
"""

from collections.abc import Sequence

from cashier.domain.corrections import (
    REASONS,
    Correction,
    Refund,
    ReturnedCheck,
    Void,
    correction_draft,
    corrections_of,
    is_void,
    refundable_cents,
)
from cashier.domain.errors import Refused
from cashier.domain.money import Cents, format_dollars
from cashier.domain.people import Permission
from cashier.domain.receipt import IN_DRAWER, Receipt, TenderKind
from cashier.till.approval import checked_reason
from cashier.till.day import business_date
from cashier.till.identity import new_id
from cashier.till.people import People
from cashier.till.ports import Clock, Journal, Randomness
from cashier.till.shifts import Shifts

_CARDS = (TenderKind.CARD, TenderKind.BANK)
REFUND_FIRST = "It was refunded in part: refund the rest instead."


class Corrections:
    """The use cases of corrections over the ports."""

    def __init__(
        self,
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

    # -- looking -----------------------------------------------------------------------------------------

    def of(self, receipt: Receipt) -> tuple[Correction, ...]:
        """What was done to a receipt since it was issued, in order."""
        found = corrections_of(self._journal.entries(receipt.sale_id))
        return tuple(item for item in found if item.receipt == receipt.number)

    def void_refusal(self, receipt: Receipt) -> str:
        """Why a receipt cannot be voided, or empty."""
        done = self.of(receipt)
        if is_void(receipt, done):
            return "This receipt is void already."
        if done:
            return REFUND_FIRST
        if any(tender.kind not in IN_DRAWER for tender in receipt.tenders):
            return (
                "A card cannot be voided here: the money is with Invoice Cloud. Ask for a refund; it is done "
                "in Invoice Cloud's portal."
            )
        if not self._shifts.is_receipt_open(receipt.number):
            return f"The shift of {receipt.business_date} is closed. Only a refund is possible now."
        return self._shifts.refusal()

    def refundable(self, receipt: Receipt, kind: TenderKind) -> Cents:
        """What may still be refunded of a receipt's tenders of a kind; of a card's never more than it paid.

        What was paid at the drawer, by whatever tender, goes back in cash or by the finance office's check.
        """
        done = self.of(receipt)
        is_card = kind in _CARDS
        paid = sum(item.amount_cents for item in receipt.tenders if (item.kind in _CARDS) is is_card)
        gone = sum(
            item.amount_cents
            for item in done
            if (isinstance(item, Refund) and (item.kind in _CARDS) is is_card)
            or (isinstance(item, ReturnedCheck) and not is_card)
        )
        return Cents(max(min(paid - gone, refundable_cents(receipt, done)), 0))

    # -- doing -------------------------------------------------------------------------------------------

    async def void(self, number: str, *, reason: str, text: str, supervisor: str, pin: str) -> Void:
        """Take a receipt back; its money goes back to the payer. Its number stays, as VOID.

        Raises Refused (see `void_refusal`), also when the supervisor is the one who asks (behaviour V1).
        """
        text = _checked(reason, text)
        self._refuse(self.void_refusal(self._receipt(number)))
        asker = self._people.require(Permission.VOID)
        approver = await self._people.approve(supervisor, pin, Permission.APPROVE_VOID, f"void of {number}")
        receipt = self._receipt(number)
        self._refuse(self.void_refusal(receipt))  # again: time has passed
        cash = sum(item.amount_cents for item in receipt.tenders if item.kind is TenderKind.CASH)
        self._shifts.require_cash(cash)
        void = Void(
            receipt.number,
            self._today(),
            receipt.paid_cents,
            reason,
            text,
            asker.name,
            approver.name,
        )
        self._record(receipt, [void])
        return void

    async def refund(
        self,
        number: str,
        kind: TenderKind,
        amount_cents: Cents,
        *,
        reason: str,
        text: str,
        supervisor: str,
        pin: str,
    ) -> Refund:
        """Give money back for a receipt, on today's business date. The service fee stays with the gateway.

        In cash or by check it is done with this; a card's is asked for, and the gateway's portal does it.
        Raises Refused for more than is left over all refunds of the receipt (behaviour V4).
        """
        text = _checked(reason, text)
        self._refuse_refund(self._receipt(number), kind, amount_cents)
        asker = self._people.require(Permission.REFUND)
        what = f"refund of {format_dollars(amount_cents)} for {number}"
        approver = await self._people.approve(supervisor, pin, Permission.APPROVE_REFUND, what)
        receipt = self._receipt(number)
        self._refuse_refund(receipt, kind, amount_cents)
        refund = Refund(
            id=str(new_id(self._clock, self._randomness)),
            receipt=receipt.number,
            business_date=self._today(),
            kind=kind,
            amount_cents=amount_cents,
            service_fee_cents=Cents(0),
            reason=reason,
            text=text,
            requester=asker.name,
            approver=approver.name,
            is_done=kind not in _CARDS,
        )
        self._record(receipt, [refund])
        return refund

    def returned_check(self, number: str, tender_id: str, reason: str) -> ReturnedCheck:
        """Record that the bank did not honour a check. The receipt stays; the amount is owed again.

        Raises Refused for a tender that is no check, or was returned before.
        """
        clerk = self._people.require(Permission.REFUND)
        reason = checked_reason(reason, "reason")
        receipt = self._receipt(number)
        check = next((item for item in receipt.tenders if item.id == tender_id), None)
        if check is None or check.kind is not TenderKind.CHECK:
            raise Refused(f"Receipt {number} has no such check.")
        done = self.of(receipt)
        if is_void(receipt, done):
            raise Refused("This receipt is void: its check went back to the payer.")
        if any(isinstance(item, ReturnedCheck) and item.tender_id == tender_id for item in done):
            raise Refused("This check was returned already.")
        returned = ReturnedCheck(
            receipt.number,
            self._today(),
            tender_id,
            check.number,
            check.amount_cents,
            reason,
            clerk.name,
        )
        self._record(receipt, [returned])
        return returned

    def _refuse_refund(self, receipt: Receipt, kind: TenderKind, amount_cents: Cents) -> None:
        if kind is TenderKind.MONEY_ORDER:
            raise Refused("Refunds are made in cash, by check, or to the card.")
        if kind is TenderKind.CASH:
            self._shifts.require_cash(amount_cents)
        left = self.refundable(receipt, kind)
        if amount_cents <= 0:
            raise Refused("Enter the amount of the refund.")
        if amount_cents > left:
            raise Refused(
                f"At most {format_dollars(left)} of receipt {receipt.number} can be refunded this way."
            )

    def _refuse(self, why: str) -> None:
        if why:
            raise Refused(why)

    def _receipt(self, number: str) -> Receipt:
        receipt = self._journal.receipt(number)
        if receipt is None:
            raise Refused(f"There is no receipt {number}.")
        return receipt

    def _record(self, receipt: Receipt, corrections: Sequence[Correction]) -> None:
        self._journal.record(
            [
                correction_draft(str(new_id(self._clock, self._randomness)), receipt.sale_id, item)
                for item in corrections
            ]
        )

    def _today(self) -> str:
        return business_date(self._journal, self._clock).isoformat()


def _checked(reason: str, text: str) -> str:
    if reason not in REASONS:
        raise Refused("Choose a reason from the list.")
    return checked_reason(text, "explanation")
