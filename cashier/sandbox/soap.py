"""The status enquiry (Invoice Cloud contract, section 4): two SOAP services, each in SOAP 1.1 and 1.2.

`ViewInvoiceByInvoiceNumber` tells what is still due on an invoice: 0.00 once paid. `ViewCustomerRecord` tells
a customer. XML is case-sensitive, so are the names here. A wrong GUID or key, and an unknown invoice or
customer, is an answer with Success false and an ErrorMessage; only a malformed envelope is a SOAP fault.
What the faults of enquiries do is told in `app`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from cashier.sandbox.config import Fault, SandboxConfig
from cashier.sandbox.hosted import PAGES
from cashier.sandbox.postback import amount
from cashier.sandbox.state import Store
from cashier.sandbox.web import message, pause, read_body, until_gone

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
    """The envelope cannot be understood; the text is the fault's reason. `code` None blames the caller."""

    def __init__(self, text: str, code: str | None = None) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class _Operation:
    """One operation of a service: `key` is the member that says what is asked about."""

    service: str
    name: str
    key: str
    members: tuple[str, ...]
    look_up: Callable[[str], Answer | None]

    @property
    def namespace(self) -> str:
        return f"{SERVICES}{self.service}/"


class SoapServices:
    """CloudInvoicing.asmx and CloudManagement.asmx over one store."""

    def __init__(self, config: SandboxConfig, store: Store, closing: asyncio.Event) -> None:
        self._config = config
        self._store = store
        self._closing = closing
        self._templates = Environment(
            loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )

    def routes(self) -> list[BaseRoute]:
        """One route a service."""
        invoice = ("CloudInvoicing", "ViewInvoiceByInvoiceNumber", "InvoiceNumber")
        customer = ("CloudManagement", "ViewCustomerRecord", "AccountNumber")
        return [
            self._route(_Operation(*invoice, INVOICE_MEMBERS, self._invoice)),
            self._route(_Operation(*customer, CUSTOMER_MEMBERS, self._customer)),
        ]

    def _route(self, operation: _Operation) -> Route:
        async def endpoint(request: Request) -> Response:
            media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            envelope = ENVELOPES.get(media)
            if envelope is None:
                return Response("Content-Type must be text/xml or application/soap+xml.", 415)
            fault = self._store.take_soap11_fault() if media == "text/xml" else None
            if fault is Fault.SOAP11_OFF:
                return Response("SOAP 1.1 is switched off.", 415)
            try:
                if fault is Fault.SOAP11_MISMATCH:
                    raise SoapFault("This service takes SOAP 1.2 only.", "VersionMismatch")
                if media == "text/xml":
                    _check_action(request, f"{operation.namespace}{operation.name}")
                given = _read(await read_body(request), envelope, operation.namespace, operation.name)
            except SoapFault as error:
                code = error.code or ("Client" if media == "text/xml" else "Sender")
                return self._xml(media, operation, 500, fault=str(error), code=code)
            trouble = self._trouble(operation, given)
            instead = await self._instead(request, media, trouble)
            if instead is not None:
                return instead
            return self._xml(media, operation, 200, members=self._answer(operation, given, trouble))

        return Route(f"/portal/webservices/{operation.service}.asmx", endpoint, methods=["POST"])

    def _xml(
        self,
        media: str,
        operation: _Operation,
        status: int,
        *,
        members: Answer | None = None,
        fault: str = "",
        code: str = "",
    ) -> Response:
        xml = self._templates.get_template("soap.xml").render(
            envelope=ENVELOPES[media],
            is_12=media != "text/xml",
            operation=operation.name,
            namespace=operation.namespace,
            members=members or {},
            fault=fault,
            code=code,
        )
        return Response(xml, status, headers={"content-type": f"{media}; charset=utf-8"})

    def _trouble(self, operation: _Operation, given: dict[str, str]) -> Fault | None:
        """What goes wrong with this enquiry. Customers are always told about."""
        if operation.key != "InvoiceNumber":
            return None
        self._store.enquiries += 1
        return self._store.take_enquiry_fault(given.get(operation.key, ""))

    async def _instead(self, request: Request, media: str, trouble: Fault | None) -> Response | None:
        """What is answered instead of the truth; None: go on."""
        match trouble:
            case Fault.ENQUIRY_429:
                wait = self._config.retry_after_s
                headers = None if wait is None else {"Retry-After": str(wait)}
                return message(429, "Too many requests.", headers)
            case Fault.ENQUIRY_500:
                return message(500, "An error has occurred.")
            case Fault.ENQUIRY_SILENT:
                await until_gone(request, self._closing)
                return Response(status_code=503)
            case Fault.ENQUIRY_GARBAGE:
                return Response('<?xml version="1.0"?><soap:Envelope', media_type=media)
            case Fault.ENQUIRY_SLOW:
                await pause(self._config.slow_s, self._closing)
        return None

    def _answer(self, operation: _Operation, given: dict[str, str], trouble: Fault | None) -> Answer:
        key = operation.key
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
            found = None if trouble is Fault.ENQUIRY_NOT_FOUND else operation.look_up(given[key])
            error = "" if found else f"{key} was not found."
        if found and trouble is Fault.ENQUIRY_STALE:
            found["BalanceDue"] = found["TotalAmountDue"]
        head: Answer = {"Success": "true" if found else "false", "ErrorMessage": error}
        return head | (found or dict.fromkeys(operation.members))

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
            _moment(record.autopay),
        )
        return dict(zip(INVOICE_MEMBERS, values, strict=True))

    def _customer(self, account: str) -> Answer | None:
        customers = (record.customer for record in reversed(self._store.invoices.values()))
        customer = self._store.customers.get(account) or next(
            (known for known in customers if known.account_number == account), None
        )
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
