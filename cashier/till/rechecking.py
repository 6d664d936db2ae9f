"""Asking once more, right before an invoice that others may take, too, is charged.

The hub's hold keeps two tills from charging the same invoice at the same time; it ends when the first is
settled. What the second must not do is shown by the balance alone: it is asked for with the hold in the
hand, once, and a launch whose invoice has changed is given up before any page is opened.
"""

from collections.abc import Mapping

from cashier.domain.enquiry import InvoiceStatus
from cashier.domain.errors import CashierError, InDoubt, Refused, Unavailable
from cashier.domain.money import Cents, format_dollars
from cashier.domain.sale import Invoice, Sale
from cashier.till.ports import Enquiry


class Changed(Refused):
    """The gateway tells another balance than this sale was made for."""


def left_of(invoice: Invoice, total_cents: int | None, balance_cents: int, drawer_cents: int = 0) -> Cents:
    """How much of a launched invoice is left, of what the gateway says is left of its own.

    An invoice that was retrieved and is paid in part stands at the gateway with its whole account [assumed],
    so that what was not launched is taken off; or the launch has made a new account of it, whose total is
    what was launched. `drawer_cents` of it were paid in cash or by check, of which the gateway knows nothing.
    """
    launched = invoice.total_cents - drawer_cents
    not_launched = max((invoice.balance_cents or 0) - launched, 0)
    if not not_launched or total_cents == launched:
        return Cents(balance_cents)
    return Cents(max(balance_cents - not_launched, 0))


def seen_from_launch(sale: Sale, status: InvoiceStatus, drawer: Mapping[str, int]) -> InvoiceStatus:
    """An answer about an invoice of the sale, with the balance that is left of what was launched.

    `drawer` is what cash and checks paid of each invoice, in cents.
    """
    invoice = next((item for item in sale.invoices if item.number == status.number), None)
    if invoice is None or invoice.balance_cents is None or status.balance_cents is None:
        return status
    in_drawer = drawer.get(status.number, 0)
    left = left_of(invoice, status.total_due_cents, status.balance_cents, in_drawer)
    return InvoiceStatus(status.number, status.found, status.total_due_cents, left, status.message)


async def refuse_changed(enquiry: Enquiry, sale: Sale, biller: str, paid_cents: Mapping[str, int]) -> None:
    """Refuse what was paid or changed since it was retrieved, or since its number was given.

    `paid_cents` is what this till itself has paid of each invoice through the gateway. Where the gateway
    cannot be asked, nothing is refused. Raises Changed with both figures; Unavailable when no clear answer
    came: nothing was charged, and the same may be tried again.
    """
    given = [invoice for invoice in sale.invoices if invoice.is_given and invoice.number]
    if not given or not enquiry.can_ask(biller):
        return
    for invoice in given:
        number = invoice.number or ""
        try:
            found = await enquiry.find_invoice(biller, number)
        except InDoubt as error:  # asking takes no money: nothing has happened
            raise Unavailable(_not_asked(number, error)) from error
        due = Cents(invoice.total_cents - paid_cents.get(number, 0))
        if found is None:
            if invoice.balance_cents is not None:
                raise Changed(
                    f"Invoice {number} was looked up with {format_dollars(due)} due, and now Invoice Cloud "
                    "knows of no such invoice. Nothing was charged. Look it up again."
                )
            continue  # a new one: the launch makes it known
        left = left_of(invoice, found.total_cents, found.balance_cents)
        if left != due if invoice.balance_cents is not None else left < due:
            now = format_dollars(left) if left else "0.00 (paid already)"
            raise Changed(
                f"Invoice {number} has changed: this sale takes {format_dollars(due)} of it, and Invoice "
                f"Cloud now says that {now} is due. Somebody may have paid it meanwhile. Nothing was "
                "charged. Take it off the sale and look it up again."
            )


def _not_asked(number: str, error: CashierError) -> str:
    return (
        f"Whether invoice {number} is still to be paid could not be made sure: {error.user_text} Nothing was "
        "charged."
    )
