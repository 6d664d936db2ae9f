"""Asking Invoice Cloud about an invoice or a customer record (Invoice Cloud contract, section 4).

An answer is a fact only when it is clear: `Success` true about the very invoice or account that was asked
about, or `Success` false in words that are known to mean "there is none". All else raises; nothing is
guessed.
"""

import asyncio
import datetime as dt
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from urllib.parse import urlsplit

import httpx

from cashier.domain.enquiry import FoundCustomer, FoundInvoice, InvoiceStatus
from cashier.domain.errors import CashierError, Refused
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
VIEW_CUSTOMER = Operation("CloudManagement", "ViewCustomerRecord")
NUMBER_MAX = 100
#: At least this long from the start of a call to the start of the next (section 4).
PACE_S = 0.5
#: After a 429 that names no time: this long, then twice as long with each further one, up to the limit.
BACKOFF_S = 5.0
BACKOFF_MAX_S = RETRY_AFTER_MAX_S

#: Up to two decimals that count; what follows may be zeros only. No sign, no separator, no currency.
_AMOUNT = re.compile(r"(\d{1,7})(?:\.(\d{1,2})0{0,6})?", re.ASCII)

#: Words for people are cut there: as long as a field of the sale page.
WORDS_MAX, STATE_MAX, ZIP_MAX = 100, 50, 20
_ISO_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:T|$)", re.ASCII)
_US_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?:\s|$)", re.ASCII)
DAY_YEAR_MIN, DAY_YEAR_MAX = 2000, 2099

_ASKING = Purpose(
    failed="The gateway could not be asked about the invoice",
    money="Asking takes no money.",
    otherwise="",
    credentials="biller GUID or the web service key",
)
_LOOKING_UP = Purpose(
    failed="The gateway could not be asked about the customer",
    money="Asking takes no money.",
    otherwise=", or type the customer in",
    credentials="biller GUID or the web service key",
    about="customer",
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
        "accountnumber was not found": Meaning.NOT_FOUND,
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
        self._base_url = base_url.rstrip("/")
        self._guids = guids
        self._keys = web_service_keys
        self._monotonic = monotonic
        self._sleep = sleep
        self._whole_s = (timeouts or Timeouts()).whole_s
        self._spoken: dict[tuple[str, str], Version] = {}  # by biller and service
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
        told = await self._tell(_Question(VIEW_INVOICE, "InvoiceNumber", invoice_number, _ASKING), biller)
        if told.result is None:
            return InvoiceStatus(invoice_number, found=False, message=told.message)
        return InvoiceStatus(
            invoice_number,
            found=True,
            total_due_cents=amount_cents(told.text("TotalAmountDue")),
            balance_cents=amount_cents(told.text("BalanceDue")),
            message=told.message,
        )

    async def find_invoice(self, biller: str, number: str) -> FoundInvoice | None:
        """See Enquiry."""
        told = await self._tell(_Question(VIEW_INVOICE, "InvoiceNumber", number, _ASKING), biller)
        return None if told.result is None else _invoice(told)

    async def find_customer(self, biller: str, account: str) -> FoundCustomer | None:
        """See Enquiry."""
        told = await self._tell(_Question(VIEW_CUSTOMER, "AccountNumber", account, _LOOKING_UP), biller)
        return None if told.result is None else _customer(told)

    async def _tell(self, question: "_Question", biller: str) -> "_Told":
        """The clear answer to a question. Raises as the port says."""
        about = question.about
        if not about.strip() or len(about) > NUMBER_MAX or not about.isprintable():
            what = "an invoice number" if question.operation is VIEW_INVOICE else "an account number"
            raise Refused(f"This is not {what} that the gateway could be asked about.")
        guid, key = self._credentials(biller)
        members = {"BillerGUID": guid, "WebServiceKey": key, question.member: about}
        async with self._turn:
            result = await self._result(question, biller, members, key)
        try:
            return _clear(question, result, key)
        except Unreadable:
            raise failure(Reason.NOT_SOAP, question.purpose, "HTTP 200") from None

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

    async def _result(
        self, question: "_Question", biller: str, members: Mapping[str, str], key: str
    ) -> Result:
        """The result in the version that this biller's service spoke last, or else in the other one."""
        service = (biller, question.operation.service)
        version = self._spoken.get(service, Version.V11)
        for spoken in (version, version.other):
            result = _read(question, await self._post(question, spoken, members), key)
            if result is not None:
                self._spoken[service] = spoken
                return result
        raise failure(Reason.SOAP_FAULT, question.purpose, "neither SOAP 1.1 nor 1.2")

    async def _post(self, question: "_Question", version: Version, members: Mapping[str, str]) -> Answer:
        while (wait_s := self._not_before - self._monotonic()) > 0:
            await self._sleep(wait_s)
        self._not_before = self._monotonic() + PACE_S
        request = self._client.build_request(
            "POST",
            self._base_url + question.operation.path,
            content=question.operation.envelope(version, members),
            headers=question.operation.headers(version),
        )
        answer = await send(self._client, request, question.purpose, self._whole_s)
        if STATUSES.get(answer.status) is not Reason.TOO_BUSY:
            self._refusals = 0
            return answer
        pause_s = answer.retry_after_s
        if pause_s is None:
            pause_s = min(BACKOFF_S * 2 ** min(self._refusals, 10), BACKOFF_MAX_S)
        self._refusals += 1
        self._not_before = self._monotonic() + max(PACE_S, pause_s)
        return answer


@dataclass(frozen=True)
class _Question:
    """What is asked: `member` of the request carries what it is about; answers name it again."""

    operation: Operation
    member: str
    about: str
    purpose: Purpose


@dataclass(frozen=True)
class _Told:
    """A clear answer. `result` None: there is no such thing. `message` is fit for a screen."""

    question: _Question
    result: Result | None
    message: str
    key: str

    def text(self, name: str) -> str:
        """A member's text, trimmed. Raises as `find_invoice` does when it cannot be read."""
        assert self.result is not None
        try:
            return self.result.text(name)
        except Unreadable:
            raise failure(Reason.NOT_SOAP, self.question.purpose, "HTTP 200") from None

    def words(self, name: str, longest: int = WORDS_MAX) -> str:
        """A member's text as words for people: one bounded line, no card number, not the key."""
        return fit_for_screen(self.text(name), self.key)[:longest]

    def not_clear(self) -> CashierError:
        """It says something that cannot be used."""
        return failure(Reason.NOT_CLEAR, self.question.purpose, "HTTP 200")


def _read(question: _Question, answer: Answer, key: str) -> Result | None:
    """The result, or None when the service wants the other version of SOAP.

    What 4xx say beyond the table is not about the credentials: in doubt.
    """
    purpose = question.purpose
    if answer.status == 415:
        return None
    if answer.status in STATUSES:
        raise status_failure(answer, purpose, service_message(answer.body or b"", key))
    if answer.body is None:
        raise failure(Reason.TOO_LARGE, purpose, answer.details)
    try:
        told = question.operation.parse(answer.body)
    except Unreadable:
        told = None
    if isinstance(told, Fault):
        if told.is_of_version:
            return None
        raise failure(Reason.SOAP_FAULT, purpose, answer.details, fit_for_screen(told.text, key))
    if answer.status != 200:
        reason = Reason.SERVER_ERROR if 500 <= answer.status <= 599 else Reason.UNEXPECTED_ANSWER
        raise failure(reason, purpose, answer.details)
    if told is None:
        raise failure(Reason.NOT_SOAP, purpose, answer.details)
    return told


def _clear(question: _Question, result: Result, key: str) -> _Told:
    """What a result says of what was asked about. Raises as `ask` does, and Unreadable."""
    success, told = result.text("Success").casefold(), result.text("ErrorMessage")
    message, named = fit_for_screen(told, key), result.text(question.member)
    is_other = named.casefold() != question.about.strip().casefold()
    if success == "true":
        if is_other:
            raise failure(Reason.OTHER_INVOICE, question.purpose, "HTTP 200")
        return _Told(question, result, message, key)
    if success == "false":
        meaning = MESSAGES.get(told.casefold().removesuffix(".").strip())
        if meaning is Meaning.CREDENTIALS:
            raise failure(Reason.KEY_REFUSED, question.purpose, "HTTP 200", message)
        if meaning is Meaning.NOT_FOUND:
            if named and is_other:
                raise failure(Reason.OTHER_INVOICE, question.purpose, "HTTP 200")
            return _Told(question, None, message, key)
    raise failure(Reason.NOT_CLEAR, question.purpose, "HTTP 200", message)


def _invoice(told: _Told) -> FoundInvoice:
    """An invoice to be paid. What cannot be read of its money is not guessed at."""
    total, balance = amount_cents(told.text("TotalAmountDue")), amount_cents(told.text("BalanceDue"))
    allowed = told.text("AllowPartialPayments").casefold()
    minimum_text = told.text("MinimumAmountDue")
    minimum = amount_cents(minimum_text) if minimum_text else Cents(0)
    if total is None or balance is None or minimum is None or allowed not in ("true", "false", ""):
        raise told.not_clear()
    return FoundInvoice(
        number=told.text("InvoiceNumber"),
        total_cents=total,
        balance_cents=balance,
        date=_day(told.text("InvoiceDate")),
        due_date=_day(told.text("InvoiceDueDate")),
        minimum_cents=minimum,
        allow_partial=allowed == "true",
        autopay=_day(told.text("AutoPayCollectionDate")),
    )


def _customer(told: _Told) -> FoundCustomer:
    lines = (told.words("Address1"), told.words("Address2"))
    return FoundCustomer(
        account_number=told.text("AccountNumber"),
        name=told.words("CustomerName"),
        address=", ".join(line for line in lines if line)[:WORDS_MAX],
        city=told.words("City"),
        state=told.words("State", STATE_MAX),
        zip=told.words("Zip", ZIP_MAX),
        phone=told.words("Phone", ZIP_MAX),
        email=told.words("EmailAddress"),
    )


def _day(text: str) -> dt.date | None:
    """The day of `2026-02-03T00:00:00` or `2/3/2026 12:00:00 AM`; None where there is none to be read.

    [assumed] The contract says that dates are told, not how. .NET's "no date" (year 1) is none.
    """
    try:
        if match := _ISO_DAY.match(text):
            day = dt.date.fromisoformat(match[1])
        elif match := _US_DAY.match(text):
            day = dt.date(int(match[3]), int(match[1]), int(match[2]))
        else:
            return None
    except ValueError:
        return None
    return day if DAY_YEAR_MIN <= day.year <= DAY_YEAR_MAX else None


def amount_cents(text: str) -> Cents | None:
    """Cents of `145`, `145.5`, `145.50` or `145.5000`; None for whatever is not exactly cents."""
    match = _AMOUNT.fullmatch(text)
    return parse_cents(f"{match[1]}.{match[2] or 0}") if match else None
