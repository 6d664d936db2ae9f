"""Voids, refunds and returned checks: what undoes a receipt, each with two people, none by itself.

A void takes a whole receipt back on its own business date, and only what lies in the drawer: no card is ever
voided here (behaviour V3). After the date there is only the refund. A card's refund is recorded as asked for;
the gateway's portal does it, and two people record that it did.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cashier.domain.corrections import (
    REASONS,
    Correction,
    Refund,
    RefundConfirmed,
    ReturnedCheck,
    SeenAt,
    Void,
    correction_draft,
    corrections_of,
    is_void,
    open_refunds,
    refundable_cents,
)
from cashier.domain.errors import Refused
from cashier.domain.money import Cents, format_dollars
from cashier.domain.people import Permission
from cashier.domain.receipt import IN_DRAWER, Receipt, Tender, TenderKind
from cashier.domain.scrub import scrub_card_numbers
from cashier.till.approval import checked_reason
from cashier.till.correction_book import CorrectionBook
from cashier.till.day import business_date
from cashier.till.identity import new_id
from cashier.till.integrity import Integrity
from cashier.till.people import People
from cashier.till.ports import Clock, Journal, Randomness
from cashier.till.shifts import Shifts

_CARDS = (TenderKind.CARD, TenderKind.BANK)
VOID_GONE = "This receipt is void: what was paid went back to the payer."
CHECK_IS_BACK = "The bank has returned a check of it: what is left can be refunded."
REFUND_FIRST = "It was refunded in part: refund the rest instead."
#: The number under which a refund stands in the portal or in the settlement file.
_REFERENCE = re.compile(r"[0-9A-Za-z][0-9A-Za-z ._#:/-]{2,39}", re.ASCII)


@dataclass(frozen=True)
class Way:
    """A way in which a receipt's money may go back, and how much of it."""

    kind: TenderKind
    left_cents: Cents


@dataclass(frozen=True)
class Choices:
    """What may be done to a receipt now. Each refusal is empty where something may be.

    `checks` are those that the bank may still return, `open_refunds` were asked for and are not known to be
    made.
    """

    void_refusal: str
    refund_refusal: str
    returned_refusal: str
    ways: tuple[Way, ...]
    checks: tuple[Tender, ...]
    open_refunds: tuple[Refund, ...]


class Corrections:
    """The use cases of corrections over the ports. Behind a break of the journal nothing is undone (A1)."""

    def __init__(
        self,
        clock: Clock,
        randomness: Randomness,
        journal: Journal,
        people: People,
        shifts: Shifts,
        integrity: Integrity,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._shifts = shifts
        self._integrity = integrity
        self._clock = clock
        self._randomness = randomness
        self._journal = journal
        self._people = people
        self._changed = changed
        self.book = CorrectionBook(journal)
        #: Why a receipt of this number is none of this journal's, or empty.
        self.elsewhere: Callable[[str], str] = lambda _number: ""

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
        if any(tender.kind not in IN_DRAWER for tender in receipt.tenders):
            return (
                "A card cannot be voided here: the money is with Invoice Cloud. Ask for a refund; it is done "
                "in Invoice Cloud's portal."
            )
        if any(isinstance(item, ReturnedCheck) for item in done):
            return CHECK_IS_BACK
        if done:
            return REFUND_FIRST
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

    def choices(self, receipt: Receipt) -> Choices:
        """What the one who is signed in may ask for, and why not."""
        if elsewhere := self.elsewhere(receipt.number):
            return Choices(elsewhere, elsewhere, elsewhere, (), (), ())
        done = self.of(receipt)
        found = ((kind, self.refundable(receipt, kind)) for kind in _ways(receipt))
        ways = tuple(Way(kind, cents) for kind, cents in found if cents)
        back = {item.tender_id for item in done if isinstance(item, ReturnedCheck)}
        all_checks = [item for item in receipt.tenders if item.kind is TenderKind.CHECK and item.id]
        checks = tuple(item for item in all_checks if item.id not in back)
        if is_void(receipt, done):
            refund_refusal = returned_refusal = VOID_GONE
            ways, checks = (), ()
        else:
            refund_refusal = "" if ways else "All that was paid is refunded or returned already."
            gone = "Its check was returned already." if all_checks else "No check is on this receipt."
            returned_refusal = "" if checks else gone
        broken = self._integrity.refusal
        may_refund = self._people.refusal(Permission.REFUND) or broken
        return Choices(
            void_refusal=self._people.refusal(Permission.VOID) or broken or self.void_refusal(receipt),
            refund_refusal=may_refund or refund_refusal,
            returned_refusal=may_refund or returned_refusal,
            ways=ways,
            checks=checks,
            open_refunds=open_refunds(done),
        )

    # -- doing -------------------------------------------------------------------------------------------

    async def void(self, number: str, *, reason: str, text: str, supervisor: str, pin: str) -> Void:
        """Take a receipt back; its money goes back to the payer. Its number stays, as VOID.

        Raises Refused (see `void_refusal`), also when the supervisor is the one who asks (behaviour V1).
        """
        text = _checked(reason, text)
        self._refuse_void(self._receipt(number))
        asker = self._people.require(Permission.VOID)
        approver = await self._people.approve(supervisor, pin, Permission.APPROVE_VOID, f"void of {number}")
        receipt = self._receipt(number)
        self._refuse_void(receipt)  # again: time has passed
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
        self._integrity.require()
        reason = checked_reason(reason, "reason")
        receipt = self._receipt(number)
        check = next((item for item in receipt.tenders if item.id == tender_id), None)
        if check is None or check.kind is not TenderKind.CHECK:
            raise Refused(f"Receipt {number} has no such check.")
        done = self.of(receipt)
        if is_void(receipt, done):
            raise Refused(VOID_GONE)
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

    async def refund_done(
        self,
        number: str,
        refund_id: str,
        seen_at: SeenAt,
        *,
        reference: str,
        reason: str,
        supervisor: str,
        pin: str,
    ) -> RefundConfirmed:
        """Record that the gateway made a card refund that was asked for, as the portal or a file shows it.

        It counts on today's business date; the day on which it was asked for stays as it was. Raises Refused,
        also for a refund that is recorded as made already.
        """
        reference = _checked_reference(reference)
        reason = checked_reason(reason, "reason")
        self._open_refund(number, refund_id)
        asker = self._people.require(Permission.REFUND)
        what = f"refund of {number} as made: {reference}"
        approver = await self._people.approve(supervisor, pin, Permission.APPROVE_REFUND, what)
        receipt = self._receipt(number)
        refund = self._open_refund(number, refund_id)  # again: time has passed
        confirmed = RefundConfirmed(
            refund=refund.id,
            receipt=receipt.number,
            business_date=self._today(),
            seen_at=seen_at,
            reference=reference,
            reason=reason,
            requester=asker.name,
            approver=approver.name,
        )
        self._record(receipt, [confirmed])
        return confirmed

    def _open_refund(self, number: str, refund_id: str) -> Refund:
        self._integrity.require()
        asked = open_refunds(self.of(self._receipt(number)))
        refund = next((item for item in asked if item.id == refund_id), None)
        if refund is None:
            raise Refused(f"No card refund of {number} is waiting to be made. Look at the receipt again.")
        return refund

    def _refuse_void(self, receipt: Receipt) -> None:
        self._integrity.require()
        if why := self.void_refusal(receipt):
            raise Refused(why)
        self._shifts.require_cash(
            sum(item.amount_cents for item in receipt.tenders if item.kind is TenderKind.CASH)
        )

    def _refuse_refund(self, receipt: Receipt, kind: TenderKind, amount_cents: Cents) -> None:
        self._integrity.require()
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

    def _receipt(self, number: str) -> Receipt:
        receipt = self._journal.receipt(number)
        if receipt is None:
            raise Refused(self.elsewhere(number) or f"There is no receipt {number}.")
        return receipt

    def _record(self, receipt: Receipt, corrections: Sequence[Correction]) -> None:
        self._journal.record(
            [
                correction_draft(str(new_id(self._clock, self._randomness)), receipt.sale_id, item)
                for item in corrections
            ]
        )
        self._changed()

    def _today(self) -> str:
        return business_date(self._journal, self._clock).isoformat()


def _ways(receipt: Receipt) -> tuple[TenderKind, ...]:
    """How a receipt's money could go back, the usual way first: cash as cash, a check as a check."""
    kinds = {item.kind for item in receipt.tenders}
    by_card = tuple(kind for kind in _CARDS if kind in kinds)[:1]
    if not kinds & set(IN_DRAWER):
        return by_card
    cash_first = (TenderKind.CASH, TenderKind.CHECK)
    return (*(cash_first if TenderKind.CASH in kinds else reversed(cash_first)), *by_card)


def _checked_reference(text: str) -> str:
    text = " ".join(text.split())
    if _REFERENCE.fullmatch(text) is None:
        raise Refused("The reference is three to forty letters and digits, as the portal or the file has it.")
    if scrub_card_numbers(text) != text:
        raise Refused("The reference has a card number in it. Card numbers are never kept here.")
    return text


def _checked(reason: str, text: str) -> str:
    if reason not in REASONS:
        raise Refused("Choose a reason from the list.")
    return checked_reason(text, "explanation")
