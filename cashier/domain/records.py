"""The bodies of journal entries: domain values to plain JSON members and back.

One pair of functions a value, so that what the journal keeps is defined in one place.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from cashier.domain.agency_text import AgencyText
from cashier.domain.allocation import Applied
from cashier.domain.postback import Approved, Postback
from cashier.domain.receipt import Receipt, Tender, TenderKind
from cashier.domain.sale import Customer, Fee, Invoice, Permit, Sale

Json = Mapping[str, Any]


def invoice_to_json(invoice: Invoice) -> dict[str, Any]:
    """Members of an invoice; dates as ISO text. What only retrieved invoices have is left out of others."""
    body = asdict(invoice)
    if not invoice.is_given:
        del body["is_given"]
    if invoice.balance_cents is None:
        del body["balance_cents"]
    body["date"], body["due_date"] = invoice.date.isoformat(), invoice.due_date.isoformat()
    body["fees"] = [asdict(fee) for fee in invoice.fees]
    return body


def invoice_from_json(body: Json) -> Invoice:
    """The inverse of invoice_to_json."""
    return Invoice(
        number=body["number"],
        type_id=body["type_id"],
        date=dt.date.fromisoformat(body["date"]),
        due_date=dt.date.fromisoformat(body["due_date"]),
        fees=tuple(Fee(**fee) for fee in body["fees"]),
        minimum_due_cents=body["minimum_due_cents"],
        allow_partial=body["allow_partial"],
        is_given=body.get("is_given", False),
        balance_cents=body.get("balance_cents"),
    )


def sale_to_json(sale: Sale) -> dict[str, Any]:
    """Members of a sale."""
    body = {
        "profile": sale.profile,
        "customer": asdict(sale.customer),
        "permit": asdict(sale.permit) if sale.permit else None,
        "invoices": [invoice_to_json(invoice) for invoice in sale.invoices],
        "reference": sale.reference,
        "ticket": sale.ticket,
        "return_url": sale.return_url,
        "postback_url": sale.postback_url,
    }
    return body if sale.biller is None else body | {"biller": sale.biller}


def sale_from_json(body: Json) -> Sale:
    """The inverse of sale_to_json."""
    return Sale(
        profile=body["profile"],
        customer=Customer(**body["customer"]),
        permit=Permit(**body["permit"]) if body["permit"] else None,
        invoices=tuple(invoice_from_json(invoice) for invoice in body["invoices"]),
        reference=body["reference"],
        ticket=body["ticket"],
        return_url=body["return_url"],
        postback_url=body["postback_url"],
        biller=body.get("biller"),
    )


_TENDER = tuple(item.name for item in fields(Tender))
#: Members of a tender that only one in the drawer has; left out where they are empty.
_OF_THE_DRAWER = ("id", "received_cents", "number", "bank", "payer")


def tender_to_json(tender: Tender) -> dict[str, Any]:
    """Members of a tender."""
    body = asdict(tender)
    return {name: value for name, value in body.items() if value or name not in _OF_THE_DRAWER}


def tender_from_json(body: Json) -> Tender:
    """The inverse of tender_to_json. Raises ValueError for an unknown kind."""
    members = {name: body[name] for name in _TENDER if name in body}
    members["kind"] = TenderKind(body["kind"])
    return Tender(**members)


def receipt_to_json(receipt: Receipt) -> dict[str, Any]:
    """Members of a receipt, without its number, which the journal's commit adds."""
    return {
        "sale_id": receipt.sale_id,
        "payment_id": receipt.payment_id,
        "reference": receipt.reference,
        "at": receipt.at,
        "business_date": receipt.business_date,
        "agency": receipt.agency,
        "till": receipt.till,
        "cashier": receipt.cashier,
        "customer": asdict(receipt.customer),
        "permit": asdict(receipt.permit) if receipt.permit else None,
        "invoices": [invoice_to_json(invoice) for invoice in receipt.invoices],
        "tenders": [tender_to_json(tender) for tender in receipt.tenders],
        "training": receipt.training,
        "total_cents": receipt.total_cents,
        "paid_cents": receipt.paid_cents,
        "paid_before_cents": receipt.paid_before_cents,
        "belongs_to": receipt.belongs_to,
        **({"applied": [asdict(item) for item in receipt.applied]} if receipt.applied else {}),
        **({"text": text} if (text := receipt.text.to_json()) else {}),
    }


def receipt_from_json(body: Json) -> Receipt:
    """A receipt from the body of RECEIPT_ISSUED, number included."""
    return Receipt(
        number=body["number"],
        sale_id=body["sale_id"],
        payment_id=body["payment_id"],
        reference=body["reference"],
        at=body["at"],
        business_date=body["business_date"],
        agency=body["agency"],
        till=body["till"],
        cashier=body["cashier"],
        customer=Customer(**body["customer"]),
        permit=Permit(**body["permit"]) if body["permit"] else None,
        invoices=tuple(invoice_from_json(invoice) for invoice in body["invoices"]),
        tenders=tuple(tender_from_json(tender) for tender in body["tenders"]),
        training=body["training"],
        paid_before_cents=body["paid_before_cents"],
        belongs_to=body.get("belongs_to", ""),
        applied=tuple(Applied(**item) for item in body.get("applied", ())),
        text=AgencyText.from_json(body.get("text", {})),
    )


def postback_to_json(postback: Postback) -> dict[str, Any]:
    """Every member of a postback, already scrubbed of card numbers."""
    # Not asdict: it copies deeply, which a read-only `extra` does not allow.
    body = {item.name: getattr(postback, item.name) for item in fields(postback)}
    body["approved"] = postback.approved.value
    body["extra"] = dict(postback.extra)
    body["faults"] = list(postback.faults)
    return body


def postback_from_json(body: Json) -> Postback:
    """The inverse of postback_to_json."""
    members = {item.name: body[item.name] for item in fields(Postback)}
    members |= {"approved": Approved(body["approved"]), "faults": tuple(body["faults"])}
    return Postback(**members)
