"""Asking Invoice Cloud about an invoice: ViewInvoiceByInvoiceNumber (Invoice Cloud contract, section 4).

An answer is a fact only when it is clear: `Success` true about the very invoice that was asked about, or
`Success` false in words that are known to mean "no such invoice". All else raises; nothing is guessed.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from types import MappingProxyType
from urllib.parse import urlsplit

import httpx

from cashier.domain.enquiry import InvoiceStatus
from cashier.domain.errors import Refused
from cashier.domain.money import Cents, parse_cents
from cashier.gateway.soap import Fault, Operation, Result, Unreadable, Version
from cashier.gateway.transport import (
    RETRY_AFTER_MAX_S,
    STATUSES,
    Answer,
    Purpose,
    Reason,
    Timeouts,
    failure,
    fit_for_screen,
    is_secure,
    send,
    service_message,
    status_failure,
)

VIEW_INVOICE = Operation("CloudInvoicing", "ViewInvoiceByInvoiceNumber")
NUMBER_MAX = 100
#: At least this long from the start of a call to the start of the next (section 4).
PACE_S = 0.5
#: After a 429 that names no time: this long, then twice as long with each further one, up to the limit.
BACKOFF_S = 5.0
BACKOFF_MAX_S = RETRY_AFTER_MAX_S

#: Up to two decimals that count; what follows may be zeros only. No sign, no separator, no currency.
_AMOUNT = re.compile(r"(\d{1,7})(?:\.(\d{1,2})0{0,6})?", re.ASCII)

_ASKING = Purpose(
    failed="The gateway could not be asked about the invoice",
    money="Asking takes no money.",
    otherwise="",
    credentials="biller GUID or the web service key",
)


class Meaning(Enum):
    """What an ErrorMessage means."""

    NOT_FOUND = "not found"
    CREDENTIALS = "credentials"


#: [assumed] What the service says when Success is false; the contract names no texts. Compared without regard
#: to case, surrounding space and a final stop. A text that is not here means nothing: then it is in doubt.
MESSAGES: Mapping[str, Meaning] = MappingProxyType(
    {
        "invoicenumber was not found": Meaning.NOT_FOUND,
        "invalid billerguid or webservicekey": Meaning.CREDENTIALS,
    }
)

Sleep = Callable[[float], Awaitable[None]]


class InvoiceEnquiry:
    """The Enquiry port over a real line; one call at a time, at least PACE_S apart.

    `guids` has the biller GUID by the biller's name, empty where it is not known. `web_service_keys` reads a
    biller's key at each call and raises Refused when it is not set; it is kept nowhere. SOAP 1.1 is spoken
    until a biller's service wants 1.2, and the other way round, remembered for the life of this object. After
    "too busy" the next call waits as long as the service said, or an exponential back-off. Close the client
    yourself.
    """

    def __init__(
        self,
        *,
        client: httpx.AsyncClient,
        base_url: str,
        guids: Mapping[str, str],
        web_service_keys: Callable[[str], str],
        monotonic: Callable[[], float],
        sleep: Sleep,
        training: bool = False,
        timeouts: Timeouts | None = None,
    ) -> None:
        if not is_secure(urlsplit(base_url), training):
            raise Refused("The gateway's base address must start with https:// and name a host.")
        self._client = client
        self._url = base_url.rstrip("/") + VIEW_INVOICE.path
        self._guids = guids
        self._keys = web_service_keys
        self._monotonic = monotonic
        self._sleep = sleep
        self._whole_s = (timeouts or Timeouts()).whole_s
        self._spoken: dict[str, Version] = {}
        self._turn = asyncio.Lock()
        self._not_before = monotonic()
        self._refusals = 0  # "too busy", one after the other

    def can_ask(self, biller: str) -> bool:
        """See Enquiry. Reads the keyring."""
        try:
            self._credentials(biller)
        except Refused:
            return False
        return True

    async def ask(self, invoice_number: str, biller: str) -> InvoiceStatus:
        """See Enquiry."""
        if not invoice_number.strip() or len(invoice_number) > NUMBER_MAX or not invoice_number.isprintable():
            raise Refused("This is not an invoice number that the gateway could be asked about.")
        guid, key = self._credentials(biller)
        members = {"BillerGUID": guid, "WebServiceKey": key, "InvoiceNumber": invoice_number}
        async with self._turn:
            result = await self._result(biller, members, key)
        try:
            return _status(invoice_number, result, key)
        except Unreadable:
            raise failure(Reason.NOT_SOAP, _ASKING, "HTTP 200") from None

    def _credentials(self, biller: str) -> tuple[str, str]:
        """GUID and key. Raises Refused when one is not set or is none."""
        guid = self._guids.get(biller, "")
        key = self._keys(biller) if guid else ""
        if not all(text and text.isascii() and text.isprintable() for text in (guid, key)):
            raise Refused(
                f"The gateway cannot be asked about invoices of the biller {biller!r}: its biller GUID or "
                "its web service key is not set. Ask your administrator to enter them in the settings."
            )
        return guid, key

    async def _result(self, biller: str, members: Mapping[str, str], key: str) -> Result:
        """The result in the version that this biller's service spoke last, or else in the other one."""
        version = self._spoken.get(biller, Version.V11)
        for spoken in (version, version.other):
            result = _read(await self._post(spoken, members), key)
            if result is not None:
                self._spoken[biller] = spoken
                return result
        raise failure(Reason.SOAP_FAULT, _ASKING, "neither SOAP 1.1 nor 1.2")

    async def _post(self, version: Version, members: Mapping[str, str]) -> Answer:
        while (wait_s := self._not_before - self._monotonic()) > 0:
            await self._sleep(wait_s)
        self._not_before = self._monotonic() + PACE_S
        request = self._client.build_request(
            "POST",
            self._url,
            content=VIEW_INVOICE.envelope(version, members),
            headers=VIEW_INVOICE.headers(version),
        )
        answer = await send(self._client, request, _ASKING, self._whole_s)
        if STATUSES.get(answer.status) is not Reason.TOO_BUSY:
            self._refusals = 0
            return answer
        pause_s = answer.retry_after_s
        if pause_s is None:
            pause_s = min(BACKOFF_S * 2 ** min(self._refusals, 10), BACKOFF_MAX_S)
        self._refusals += 1
        self._not_before = self._monotonic() + max(PACE_S, pause_s)
        return answer


def _read(answer: Answer, key: str) -> Result | None:
    """The result, or None when the service wants the other version of SOAP.

    What 4xx say beyond the table is not about the credentials: in doubt.
    """
    if answer.status == 415:
        return None
    if answer.status in STATUSES:
        raise status_failure(answer, _ASKING, service_message(answer.body or b"", key))
    if answer.body is None:
        raise failure(Reason.TOO_LARGE, _ASKING, answer.details)
    try:
        told = VIEW_INVOICE.parse(answer.body)
    except Unreadable:
        told = None
    if isinstance(told, Fault):
        if told.is_of_version:
            return None
        raise failure(Reason.SOAP_FAULT, _ASKING, answer.details, fit_for_screen(told.text, key))
    if answer.status != 200:
        reason = Reason.SERVER_ERROR if 500 <= answer.status <= 599 else Reason.UNEXPECTED_ANSWER
        raise failure(reason, _ASKING, answer.details)
    if told is None:
        raise failure(Reason.NOT_SOAP, _ASKING, answer.details)
    return told


def _status(asked: str, result: Result, key: str) -> InvoiceStatus:
    """What a result says about the invoice. Raises as `ask` does, and Unreadable."""
    success, told = result.text("Success").casefold(), result.text("ErrorMessage")
    message, number = fit_for_screen(told, key), result.text("InvoiceNumber")
    is_other = number.casefold() != asked.strip().casefold()
    if success == "true":
        if is_other:
            raise failure(Reason.OTHER_INVOICE, _ASKING, "HTTP 200")
        return InvoiceStatus(
            asked,
            found=True,
            total_due_cents=amount_cents(result.text("TotalAmountDue")),
            balance_cents=amount_cents(result.text("BalanceDue")),
            message=message,
        )
    if success == "false":
        meaning = MESSAGES.get(told.casefold().removesuffix(".").strip())
        if meaning is Meaning.CREDENTIALS:
            raise failure(Reason.KEY_REFUSED, _ASKING, "HTTP 200", message)
        if meaning is Meaning.NOT_FOUND:
            if number and is_other:
                raise failure(Reason.OTHER_INVOICE, _ASKING, "HTTP 200")
            return InvoiceStatus(asked, found=False, message=message)
    raise failure(Reason.NOT_CLEAR, _ASKING, "HTTP 200", message)


def amount_cents(text: str) -> Cents | None:
    """Cents of `145`, `145.5`, `145.50` or `145.5000`; None for whatever is not exactly cents."""
    match = _AMOUNT.fullmatch(text)
    return parse_cents(f"{match[1]}.{match[2] or 0}") if match else None
