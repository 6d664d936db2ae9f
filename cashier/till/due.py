"""What is still due on a sale: its invoices less what cards paid by facts and what the drawer holds."""

from dataclasses import replace

from cashier.domain.corrections import ReturnedCheck, corrections_of, is_void, refundable_cents
from cashier.domain.entries import EntryKind
from cashier.domain.errors import Refused
from cashier.domain.money import Cents, format_dollars
from cashier.domain.payment import Payment, invoice_key
from cashier.domain.receipt import Receipt
from cashier.domain.sale import Fee, Invoice, Sale
from cashier.domain.tendering import DrawerTender, TenderState, drawer_tenders
from cashier.till.ports import Journal

#: Receipts of one invoice number; there are never more than its part payments.
SEARCH_MAX = 50


def tenders_of(journal: Journal, sale_id: str) -> tuple[DrawerTender, ...]:
    """Every tender of the drawer that was taken for a sale, whatever became of it."""
    return drawer_tenders(journal.entries(sale_id))


def held_tenders(journal: Journal, sale_id: str) -> tuple[DrawerTender, ...]:
    """Those on no receipt yet."""
    return tuple(item for item in tenders_of(journal, sale_id) if item.state is TenderState.HELD)


def all_held(journal: Journal) -> tuple[DrawerTender, ...]:
    """Every held tender, for whatever sale.

    Looks back to the opening of the newest shift, which names those that were held before it; before the
    first shift, to the last close of a day.
    """
    opened = journal.last_of(EntryKind.SHIFT_OPENED)
    start = opened or journal.last_of(EntryKind.DAY_CLOSED)
    before = [item["sale_id"] for item in opened.body["held"]] if opened else []
    taken = journal.entries_of((EntryKind.TENDER_TAKEN,), start.seq if start else 0)
    return tuple(
        item
        for sale_id in dict.fromkeys((*before, *(entry.subject for entry in taken)))
        for item in held_tenders(journal, sale_id)
    )


def is_carried(journal: Journal, held: DrawerTender) -> bool:
    """Whether a held tender waits for a card payment that nobody can settle now: a close does not."""
    sale = journal.sale(held.sale_id)
    return sale is not None and any(
        payment.locks_sale for payment in attempts_at(journal, held.sale_id, sale)
    )


def standing_receipts(journal: Journal, sale_id: str) -> tuple[Receipt, ...]:
    """The receipts of a sale that were not taken back."""
    receipts = journal.receipts_of_sale(sale_id)
    corrections = corrections_of(journal.entries(sale_id)) if receipts else ()
    return tuple(receipt for receipt in receipts if not is_void(receipt, corrections))


def paid_by_invoice(journal: Journal, sale_id: str) -> dict[str, int]:
    """What was paid of each invoice of a sale, in cents, held tenders included."""
    paid: dict[str, int] = {}
    for payment in journal.payments_of_sale(sale_id):
        for number, cents in payment.paid_by_invoice.items():
            paid[number] = paid.get(number, 0) + cents
    for number, cents in drawer_by_invoice(journal, sale_id).items():
        paid[number] = paid.get(number, 0) + cents
    return paid


def drawer_by_invoice(journal: Journal, sale_id: str) -> dict[str, int]:
    """What cash, checks and money orders pay of each invoice of a sale, in cents, held ones included."""
    paid: dict[str, int] = {}
    for item in tenders_of(journal, sale_id):
        for share in item.shares if item.state.counts else ():
            paid[share.number] = paid.get(share.number, 0) + share.amount_cents
    return paid


def attempts_at(journal: Journal, sale_id: str, sale: Sale) -> tuple[Payment, ...]:
    """Every card payment for a sale, or for one of its invoices on whatever sale."""
    attempts = {payment.id: payment for payment in journal.payments_of_sale(sale_id)}
    for invoice in sale.invoices:
        found = journal.payments_of_invoice(invoice.number or "")
        attempts |= {payment.id: payment for payment in found}
    return tuple(attempts.values())


def refuse_paid_elsewhere(journal: Journal, sale_id: str, sale: Sale) -> None:
    """An invoice that was wholly paid on another sale is not taken a second time. Raises Refused.

    Of a retrieved invoice the gateway has told what is due by its own charges; what the drawer took of it, it
    does not know.
    """
    for invoice in sale.invoices:
        number = invoice.number or ""
        key = invoice_key(number)
        is_told = invoice.balance_cents is not None
        for payment in () if is_told else journal.payments_of_invoice(number):
            launched = sum(item.amount_cents for item in payment.invoices if invoice_key(item.number) == key)
            paid = sum(cents for found, cents in payment.paid_by_invoice.items() if invoice_key(found) == key)
            if payment.sale_id != sale_id and 0 < launched <= paid:
                raise Refused(
                    f"Invoice {number} was paid already: {format_dollars(Cents(launched))} by payment "
                    f"{payment.reference[:10]}… on {payment.issued_at[:10]}. Do not charge it again."
                )
        for receipt in journal.search(number, SEARCH_MAX) if number else ():
            if receipt.sale_id == sale_id or (is_told and receipt.payment_id):
                continue
            if _pays_wholly(journal, receipt, key):
                raise Refused(
                    f"Invoice {number} was paid already: receipt {receipt.number} of "
                    f"{receipt.business_date}. Do not take it again."
                )


def _pays_wholly(journal: Journal, receipt: Receipt, key: str) -> bool:
    """Whether an invoice is paid with this receipt, which stands."""
    whole = [item.total_cents for item in receipt.invoices if invoice_key(item.number or "") == key]
    paid = [
        item.before_cents + item.amount_cents for item in receipt.applied if invoice_key(item.number) == key
    ]
    if not whole or not paid or paid[0] < whole[0]:
        return False
    done = [
        item for item in corrections_of(journal.entries(receipt.sale_id)) if item.receipt == receipt.number
    ]
    # A check that the bank returned is owed again, and so is what was refunded to the last cent.
    is_owed = any(isinstance(item, ReturnedCheck) for item in done) or not refundable_cents(receipt, done)
    return not is_void(receipt, done) and not is_owed


def remaining(journal: Journal, sale_id: str, sale: Sale) -> Sale:
    """The sale with each invoice at what is still due on it; paid invoices are left out."""
    paid = paid_by_invoice(journal, sale_id)
    left = (_less(invoice, paid.get(invoice.number or "", 0)) for invoice in sale.invoices)
    return replace(sale, invoices=tuple(invoice for invoice in left if invoice.total_cents > 0))


def _less(invoice: Invoice, paid_cents: int) -> Invoice:
    """An invoice with what was paid taken off: one balance line in place of its fees."""
    if paid_cents <= 0:
        return invoice
    left = Cents(max(invoice.total_cents - paid_cents, 0))
    # The charge code stays: it decides whether the chip reader may be used (Grancius).
    code = next((fee.external_charge_code for fee in invoice.fees if fee.external_charge_code), None)
    balance = Fee("balance", f"Balance of invoice {invoice.number}", left, code)
    minimum = invoice.minimum_due_cents
    return replace(
        invoice,
        fees=(balance,) if left else (),
        minimum_due_cents=None if minimum is None else Cents(min(minimum, left)),
    )
