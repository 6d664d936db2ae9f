"""Receipts as they are made: of a card payment's fact, of the tenders of the drawer, or of both together."""

import datetime as dt
from collections.abc import Mapping, Sequence

from cashier.domain.allocation import Applied
from cashier.domain.entries import utc_text
from cashier.domain.money import Cents
from cashier.domain.payment import Payment, invoice_key
from cashier.domain.receipt import Receipt, Tender
from cashier.domain.sale import Sale
from cashier.domain.tendering import DrawerTender
from cashier.till.config import TillConfig
from cashier.till.day import business_date
from cashier.till.due import held_tenders, standing_receipts
from cashier.till.ports import Clock, Journal


class Receipts:
    """Makes receipts, not yet numbered, from what the journal holds."""

    def __init__(self, config: TillConfig, clock: Clock, journal: Journal) -> None:
        self._config = config
        self._clock = clock
        self._journal = journal

    def of_payment(self, payment: Payment, card: Tender, paid: Mapping[str, int]) -> Receipt:
        """The receipt of a card payment, with the tenders that were held for its sale beside it.

        `paid` is what the card paid of each invoice.
        """
        sale = self._journal.sale(payment.sale_id)
        assert sale is not None, "a payment is recorded in the commit of its sale"
        held = held_tenders(self._journal, payment.sale_id)
        return self._make(payment.sale_id, sale, held, payment.cashier, payment, card, paid)

    def of_drawer(self, sale_id: str, sale: Sale, held: Sequence[DrawerTender], clerk: str) -> Receipt:
        """The receipt of tenders of the drawer alone."""
        return self._make(sale_id, sale, held, clerk, None, None, {})

    def _make(
        self,
        sale_id: str,
        sale: Sale,
        held: Sequence[DrawerTender],
        clerk: str,
        payment: Payment | None,
        card: Tender | None,
        paid_by_card: Mapping[str, int],
    ) -> Receipt:
        earlier = standing_receipts(self._journal, sale_id)
        date = business_date(self._journal, self._clock)
        started = payment.business_date if payment else ""
        belongs = dt.date.fromisoformat(started) if started else date
        applied = dict.fromkeys((invoice.number or "" for invoice in sale.invoices), 0)
        keys = {invoice_key(number): number for number in applied}
        for number, cents in paid_by_card.items():
            applied[keys.get(invoice_key(number), number)] += cents
        for item in held:
            for share in item.shares:
                applied[share.number] += share.amount_cents
        before = _applied_before(earlier)
        return Receipt(
            number="",
            sale_id=sale_id,
            payment_id=payment.id if payment else "",
            reference=payment.reference if payment else "",
            at=utc_text(self._clock.now()),
            business_date=date.isoformat(),
            agency=self._config.agency,
            till=self._config.till,
            cashier=clerk,
            customer=sale.customer,
            permit=sale.permit,
            invoices=sale.invoices,
            tenders=(*(item.tender for item in held), *((card,) if card else ())),
            training=self._config.training,
            paid_before_cents=Cents(sum(receipt.paid_cents for receipt in earlier)),
            belongs_to=belongs.isoformat() if belongs != date else "",
            applied=tuple(
                Applied(number, Cents(before.get(number, 0)), Cents(cents))
                for number, cents in applied.items()
                if cents
            ),
            text=self._config.text,
        )


def _applied_before(earlier: Sequence[Receipt]) -> dict[str, int]:
    """What earlier receipts paid of each invoice, by the rule where they do not say so."""
    paid: dict[str, int] = {}
    for receipt in earlier:
        for share in receipt.fee_shares:
            number = share.invoice.number or ""
            paid[number] = paid.get(number, 0) + share.amount_cents
    return paid
