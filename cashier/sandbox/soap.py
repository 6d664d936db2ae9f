"""The status enquiry (Invoice Cloud contract, section 4): two SOAP services, each in SOAP 1.1 and 1.2.

`ViewInvoiceByInvoiceNumber` tells what is still due on an invoice: 0.00 once paid. `ViewCustomerRecord` tells
a customer. XML is case-sensitive, so are the names here. A wrong GUID or key, and an unknown invoice or
customer, is an answer with Success false and an ErrorMessage; only a malformed envelope is a SOAP fault.
"""

from collections.abc import Callable
from datetime import date
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from cashier.sandbox.config import SandboxConfig
from cashier.sandbox.hosted import PAGES
from cashier.sandbox.postback import amount
from cashier.sandbox.state import Store
from cashier.sandbox.web import read_body

ENVELOPES = {
    "text/xml": "http://schemas.xmlsoap.org/soap/envelope/",
    "application/soap+xml": "http://www.w3.org/2003/05/soap-envelope",
}
SERVICES = "https://www.invoicecloud.com/portal/webservices/"
#: The members of each answer, in order, after Success and ErrorMessage.
INVOICE_MEMBERS = (
    "InvoiceNumber",
    "InvoiceDate",
    "InvoiceDueDate",
    "TotalAmountDue",
    "BalanceDue",
    "MinimumAmountDue",
    "AllowPartialPayments",
    "AutoPayCollectionDate",
)
CUSTOMER_MEMBERS = (
    "CustomerID",
    "AccountNumber",
    "CustomerName",
    "Address1",
    "Address2",
    "City",
    "State",
    "Zip",
    "Phone",
    "EmailAddress",
    "AutoPay",
    "PaperInvoices",
    "Registered",
    "RegistrationDate",
    "LoginName",
)

#: An element's text; None is written as xsi:nil.
Answer = dict[str, str | None]


class SoapFault(Exception):
    """The envelope cannot be understood; the text becomes the fault's reason."""


class SoapServices:
    """CloudInvoicing.asmx and CloudManagement.asmx over one store."""

    def __init__(self, config: SandboxConfig, store: Store) -> None:
        self._config = config
        self._store = store
        self._templates = Environment(
            loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )

    def routes(self) -> list[BaseRoute]:
        """One route a service."""
        return [
            self._service("CloudInvoicing", "ViewInvoiceByInvoiceNumber", "InvoiceNumber", self._invoice),
            self._service("CloudManagement", "ViewCustomerRecord", "AccountNumber", self._customer),
        ]

    def _service(self, name: str, operation: str, key: str, look_up: Callable[[str], Answer | None]) -> Route:
        namespace = f"{SERVICES}{name}/"
        empty = INVOICE_MEMBERS if key == "InvoiceNumber" else CUSTOMER_MEMBERS

        async def endpoint(request: Request) -> Response:
            media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            envelope = ENVELOPES.get(media)
            if envelope is None:
                return Response("Content-Type must be text/xml or application/soap+xml.", 415)
            context = {
                "envelope": envelope,
                "is_12": media == "application/soap+xml",
                "operation": operation,
                "namespace": namespace,
            }
            status, fault = 200, ""
            members: Answer = {}
            try:
                if media == "text/xml":
                    _check_action(request, f"{namespace}{operation}")
                given = _read(await read_body(request), envelope, namespace, operation)
                members = self._answer(given, key, empty, look_up)
            except SoapFault as error:
                status, fault = 500, str(error)
            xml = self._templates.get_template("soap.xml").render(fault=fault, members=members, **context)
            return Response(xml, status, headers={"content-type": f"{media}; charset=utf-8"})

        return Route(f"/portal/webservices/{name}.asmx", endpoint, methods=["POST"])

    def _answer(
        self, given: dict[str, str], key: str, empty: tuple[str, ...], look_up: Callable[[str], Answer | None]
    ) -> Answer:
        config = self._config
        error = ""
        found: Answer | None = None
        if (
            given.get("BillerGUID", "").lower() != config.biller_guid.lower()
            or given.get("WebServiceKey", "") != config.web_service_key
        ):
            error = "Invalid BillerGUID or WebServiceKey."
        elif not given.get(key):
            error = f"{key} is required."
        else:
            found = look_up(given[key])
            error = "" if found else f"{key} was not found."
        head: Answer = {"Success": "true" if found else "false", "ErrorMessage": error}
        return head | (found or dict.fromkeys(empty))

    def _invoice(self, number: str) -> Answer | None:
        record = self._store.invoices.get(number)
        if record is None:
            return None
        invoice = record.invoice
        values = (
            invoice.number,
            _moment(invoice.invoice_date),
            _moment(invoice.due_date),
            amount(record.total_cents),
            amount(record.balance_cents),
            amount(min(invoice.minimum_cents or 0, record.balance_cents)),
            str(invoice.allow_partial).lower(),
            None,
        )
        return dict(zip(INVOICE_MEMBERS, values, strict=True))

    def _customer(self, account: str) -> Answer | None:
        customers = (record.customer for record in reversed(self._store.invoices.values()))
        customer = next((known for known in customers if known.account_number == account), None)
        if customer is None:
            return None
        values = (
            account,
            account,
            customer.name,
            customer.address,
            "",
            customer.city,
            customer.state,
            customer.zip,
            "",
            customer.email,
            "false",
            "true",
            "false",
            None,
            "",
        )
        return dict(zip(CUSTOMER_MEMBERS, values, strict=True))


def _moment(day: date | None) -> str | None:
    return f"{day.isoformat()}T00:00:00" if day else None


def _check_action(request: Request, expected: str) -> None:
    action = request.headers.get("soapaction", "").strip('"')
    if action != expected:
        raise SoapFault(f"Server did not recognize the value of HTTP Header SOAPAction: {action[:200]}.")


def _read(body: bytes, envelope: str, namespace: str, operation: str) -> dict[str, str]:
    """The members of Req. Raises SoapFault for anything but the operation in an envelope of its version."""
    try:
        root: Element = fromstring(body)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise SoapFault("The request is not well-formed XML.") from error
    if root.tag != f"{{{envelope}}}Envelope":
        raise SoapFault("The envelope does not belong to the SOAP version of the Content-Type.")
    req = root.find(f"{{{envelope}}}Body/{{{namespace}}}{operation}/{{{namespace}}}Req")
    if req is None:
        raise SoapFault(f"The body holds no {operation} with a Req.")
    prefix = f"{{{namespace}}}"
    return {
        child.tag.removeprefix(prefix): (child.text or "").strip()
        for child in req
        if child.tag.startswith(prefix)
    }
