"""What a journal has as paid by card: every invoice confirmed or vouched for, with payment and receipt.

And what it has as asked to go back to a card.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from cashier.domain.corrections import CORRECTION_KINDS, Refund, RefundConfirmed, correction_of
from cashier.domain.entries import Entry, EntryKind, Json
from cashier.domain.money import Cents
from cashier.domain.settlement import JournalCharge, JournalRefund


def journal_charges(entries: Iterable[Entry]) -> tuple[JournalCharge, ...]:
    """The charges of a journal's entries, by payment in the order they were issued, one an invoice.

    A charge's moment is when the hub received the word of it, else when the entry was recorded. Only a
    postback tells PaymentGUID and service fee; it takes the place of what an enquiry or a person said.
    """
    issued: dict[str, Json] = {}
    charges: dict[str, list[JournalCharge]] = {}
    receipts: dict[str, str] = {}
    for entry in entries:
        match entry.kind:
            case EntryKind.PAYMENT_ISSUED:
                issued[entry.subject], charges[entry.subject] = entry.body, []
            case EntryKind.RECEIPT_ISSUED:
                receipts[entry.body["payment_id"]] = entry.body["number"]
            case EntryKind.PAYMENT_TOLD | EntryKind.PAYMENT_VOUCHED if entry.subject in issued:
                reference = issued[entry.subject]["reference"]
                known = charges[entry.subject]
                for item in _told(entry, issued[entry.subject], known):
                    _put(known, _charge(entry, item, reference))
    return tuple(
        replace(charge, receipt=receipts.get(payment, ""))
        for payment, told in charges.items()
        for charge in told
    )


def journal_refunds(entries: Iterable[Entry]) -> tuple[JournalRefund, ...]:
    """The card refunds that a journal's entries ask for, in that order."""
    guids: dict[str, list[str]] = {}
    paid: dict[str, tuple[str, str]] = {}
    found: dict[str, JournalRefund] = {}
    for entry in entries:
        if entry.kind is EntryKind.RECEIPT_ISSUED:
            paid[entry.body["number"]] = entry.body["payment_id"], entry.body["reference"]
        elif entry.kind is EntryKind.PAYMENT_TOLD:
            told = (item["payment_guid"] for item in entry.body["confirmations"])
            guids.setdefault(entry.subject, []).extend(guid for guid in told if guid)
        elif entry.kind in CORRECTION_KINDS:
            correction = correction_of(entry)
            if isinstance(correction, Refund) and not correction.is_done:
                payment, reference = paid[correction.receipt]
                found[correction.id] = JournalRefund(
                    correction.receipt,
                    correction.business_date,
                    correction.amount_cents,
                    False,
                    reference,
                    tuple(dict.fromkeys(guids.get(payment, ()))),
                )
            elif isinstance(correction, RefundConfirmed):
                found[correction.refund] = replace(found[correction.refund], is_done=True)
    return tuple(found.values())


def _told(entry: Entry, issued: Json, known: list[JournalCharge]) -> list[Any]:
    """What an entry says is paid: its confirmations, or all that is not confirmed by two people's word."""
    if entry.kind is EntryKind.PAYMENT_TOLD:
        return list(entry.body["confirmations"])
    told = {charge.invoice for charge in known}
    return [
        {"invoice_number": share["number"], "amount_cents": share["amount_cents"], "payment_guid": ""}
        for share in issued["invoices"]
        if share["number"] not in told
    ]


def _charge(entry: Entry, item: Json, reference: str) -> JournalCharge:
    named = bool(item["payment_guid"])
    return JournalCharge(
        payment_guid=item["payment_guid"],
        reference=reference,
        invoice=item["invoice_number"],
        amount_cents=Cents(item["amount_cents"]),
        fee_cents=Cents(item["service_fee_cents"]) if named else None,
        at=entry.body.get("received_at") or entry.at,
        till=entry.till,
        vouched=entry.kind is EntryKind.PAYMENT_VOUCHED,
    )


def _put(known: list[JournalCharge], charge: JournalCharge) -> None:
    """Add a charge in place of what was said of its invoice without a PaymentGUID."""
    known[:] = [other for other in known if other.payment_guid or other.invoice != charge.invoice]
    known.append(charge)
