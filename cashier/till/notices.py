"""What the permit portal is told of money that no gateway tells it of: cash, checks, and what undoes them.

A card's payment reaches the portal by the gateway's postback, which the hub passes on. The rest is told as a
signed notice by the hub. A notice is made from its entry alone and has its id, so the same is told once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cashier.domain.corrections import Refund, ReturnedCheck, Void, correction_of
from cashier.domain.entries import Entry, EntryKind
from cashier.domain.errors import Refused
from cashier.domain.receipt import IN_DRAWER, Receipt
from cashier.domain.records import receipt_from_json
from cashier.till.config import TillConfig
from cashier.till.ports import Gateway, Journal, Portal

#: Entries that a portal may have to be told of.
TOLD_KINDS = frozenset(
    {
        EntryKind.RECEIPT_ISSUED,
        EntryKind.RECEIPT_VOIDED,
        EntryKind.REFUND_MADE,
        EntryKind.CHECK_RETURNED,
    }
)


def may_be_told(entry: Entry) -> bool:
    """Whether an entry of TOLD_KINDS may have a notice: cheap, and never wrong when it says no."""
    if entry.kind is not EntryKind.RECEIPT_ISSUED:
        return True
    return any(tender["kind"] in IN_DRAWER for tender in entry.body["tenders"])


@dataclass(frozen=True)
class Notice:
    """What a portal is told: `data` is JSON with amounts in cents, `id` the entry's."""

    id: str
    url: str
    kind: str
    data: Mapping[str, Any]


class NoticeMaker:
    """Makes the notice of an entry."""

    def __init__(self, config: TillConfig, journal: Journal, gateway: Gateway) -> None:
        self._config = config
        self._journal = journal
        self._gateway = gateway

    def __call__(self, entry: Entry) -> Notice | None:
        """The notice of an entry; None where a portal has nothing to hear of it, or nobody listens."""
        if entry.kind is EntryKind.RECEIPT_ISSUED:
            return self._recorded(entry, receipt_from_json(entry.body))
        return self._undone(entry)

    def _recorded(self, entry: Entry, receipt: Receipt) -> Notice | None:
        drawer = [tender for tender in receipt.tenders if tender.kind in IN_DRAWER]
        portal = self._portal(receipt) if drawer else None
        if portal is None:
            return None
        cents = sum(tender.amount_cents for tender in drawer)
        data = self._data(entry, receipt, portal, cents) | {
            "business_date": receipt.business_date,
            "tenders": [{"kind": item.kind.value, "amount_cents": item.amount_cents} for item in drawer],
            "by_card_cents": receipt.paid_cents - cents,
            "invoices": [
                {"number": item.number, "amount_cents": item.amount_cents} for item in receipt.applied
            ],
        }
        return Notice(entry.id, portal.url, "payment.recorded", data)

    def _undone(self, entry: Entry) -> Notice | None:
        correction = correction_of(entry)
        receipt = self._journal.receipt(correction.receipt) if correction else None
        portal = self._portal(receipt) if receipt else None
        if correction is None or receipt is None or portal is None:
            return None
        match correction:
            case Void():
                kind = "payment.voided"
            case ReturnedCheck():
                kind = "payment.check_returned"
            case Refund() if correction.kind in IN_DRAWER:
                kind = "payment.refunded"
            case _:
                return None  # a card's refund is done, and told, in the gateway's own portal
        data = self._data(entry, receipt, portal, correction.amount_cents)
        return Notice(entry.id, portal.url, kind, data | {"business_date": correction.business_date})

    def _data(self, entry: Entry, receipt: Receipt, portal: Portal, cents: int) -> dict[str, Any]:
        """What all notices say. No name of a payer: the portal knows whose permit it is."""
        return {
            "site": self._config.site,
            "till": self._config.till,
            "receipt": receipt.number,
            "at": entry.at,
            "amount_cents": cents,
            "permit": receipt.permit.number if receipt.permit else None,
            "reference": portal.reference,
        }

    def _portal(self, receipt: Receipt) -> Portal | None:
        sale = self._journal.sale(receipt.sale_id)
        try:
            return self._gateway.portal(sale, self._config.portal_url) if sale else None
        except Refused:
            return None  # a partner whose profile is no longer there
