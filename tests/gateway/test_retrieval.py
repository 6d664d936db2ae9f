"""Finding invoices and customers on the wire: what is read, what is cut, and what is never guessed at."""

import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from cashier.domain.enquiry import FoundCustomer, FoundInvoice
from cashier.domain.errors import InDoubt, Refused
from cashier.domain.money import Cents
from cashier.gateway.enquiry import NUMBER_MAX, PACE_S, WORDS_MAX, InvoiceEnquiry
from cashier.gateway.transport import GatewayInDoubt, Reason, Timeouts, make_client
from tests.gateway.test_enquiry import GUID, KEY, NUMBER, Time, answer, denial, envelope, versions

ACCOUNT = "BU7-00042"
SPACE = "https://www.invoicecloud.com/portal/webservices/CloudManagement/"
CARD = "4111 1111 1111 1111"


@dataclass
class Line:
    """An enquiry at the service, and the clock that it sleeps by."""

    enquiry: InvoiceEnquiry
    time: Time = field(default_factory=Time)


@pytest.fixture
async def line(service: Any) -> AsyncIterator[Line]:
    time = Time()
    async with make_client(Timeouts()) as client:
        yield Line(
            InvoiceEnquiry(
                client=client,
                base_url=service.url,
                guids={"city": GUID},
                web_service_keys=lambda _biller: KEY,
                monotonic=time.monotonic,
                sleep=time.sleep,
                training=True,
            ),
            time,
        )


def customer(**members: str) -> bytes:
    told = {"Success": "true", "AccountNumber": ACCOUNT, "CustomerName": "Robin Example", **members}
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in told.items())
    name = "ViewCustomerRecord"
    return envelope(f'<{name}Response xmlns="{SPACE}"><{name}Result>{inner}</{name}Result></{name}Response>')


async def test_all_that_is_told_of_an_invoice_is_read(service: Any, line: Line) -> None:
    told = {
        "InvoiceDate": "2026-01-05T00:00:00",
        "InvoiceDueDate": "2/28/2026 12:00:00 AM",
        "TotalAmountDue": "120.0000",
        "BalanceDue": "100",
        "MinimumAmountDue": "25.5",
        "AllowPartialPayments": "True",
        "AutoPayCollectionDate": "2026-02-20",
    }
    service.say("200 OK", answer(**told))
    assert await line.enquiry.find_invoice("city", NUMBER.lower()) == FoundInvoice(
        NUMBER,
        Cents(12_000),
        Cents(10_000),
        dt.date(2026, 1, 5),
        dt.date(2026, 2, 28),
        Cents(2_550),
        True,
        dt.date(2026, 2, 20),
    )


@pytest.mark.parametrize(
    "text",
    ["", "0001-01-01T00:00:00", "1/1/1900 12:00:00 AM", "soon", "2026-02-30", "13/40/2026", "2026-02-20x"],
)
async def test_a_date_that_is_none_is_not_told(text: str, service: Any, line: Line) -> None:
    service.say("200 OK", answer(InvoiceDueDate=text))
    found = await line.enquiry.find_invoice("city", NUMBER)
    assert found is not None and found.due_date is None
    assert (found.allow_partial, found.least_cents) == (False, found.balance_cents)


@pytest.mark.parametrize(
    "members",
    [
        {"BalanceDue": ""},
        {"BalanceDue": "100.005"},
        {"BalanceDue": "-1.00"},
        {"TotalAmountDue": "$120.00"},
        {"MinimumAmountDue": "some"},
        {"AllowPartialPayments": "perhaps"},
    ],
)
async def test_money_that_cannot_be_read_is_never_guessed_at(
    members: dict[str, str], service: Any, line: Line
) -> None:
    service.say("200 OK", answer(**members))
    with pytest.raises(GatewayInDoubt) as caught:
        await line.enquiry.find_invoice("city", NUMBER)
    assert caught.value.reason is Reason.NOT_CLEAR


async def test_an_answer_about_another_is_none_about_this(service: Any, line: Line) -> None:
    service.say("200 OK", answer(InvoiceNumber="BU5-00001-7"))
    with pytest.raises(InDoubt, match="about another invoice"):
        await line.enquiry.find_invoice("city", NUMBER)
    service.say("200 OK", customer(AccountNumber="BU7-00043"))
    with pytest.raises(InDoubt, match="about another customer"):
        await line.enquiry.find_customer("city", ACCOUNT)


async def test_what_is_not_there_is_none_and_other_words_are_in_doubt(service: Any, line: Line) -> None:
    service.say("200 OK", denial("InvoiceNumber was not found."))
    assert await line.enquiry.find_invoice("city", NUMBER) is None
    service.say("200 OK", denial("The moon is full."))
    with pytest.raises(InDoubt, match="The moon is full"):
        await line.enquiry.find_invoice("city", NUMBER)


async def test_a_customer_is_asked_for_at_the_other_service(service: Any, line: Line) -> None:
    service.say(
        "200 OK", customer(Address1="3 Sample Lane", Address2="Floor 2", City="Sampletown", Zip="32003")
    )
    assert await line.enquiry.find_customer("city", ACCOUNT) == FoundCustomer(
        ACCOUNT, "Robin Example", "3 Sample Lane, Floor 2", "Sampletown", "", "32003"
    )
    head, body = service.requests[-1]
    assert head.startswith(b"POST /portal/webservices/CloudManagement.asmx HTTP/1.1\r\n")
    assert service.head()["soapaction"] == f'"{SPACE}ViewCustomerRecord"'
    assert f"AccountNumber>{ACCOUNT}</".encode() in body and b"InvoiceNumber" not in body


async def test_what_comes_for_people_is_one_bounded_line_without_cards_or_the_key(
    service: Any, line: Line
) -> None:
    service.say(
        "200 OK",
        customer(CustomerName="Robin&#10;\u202e Example " + "x" * 500, City=CARD, EmailAddress=KEY),
    )
    found = await line.enquiry.find_customer("city", ACCOUNT)
    assert found is not None
    assert found.name.startswith("Robin Example xxx") and len(found.name) == WORDS_MAX
    assert CARD not in found.city and "1111 1111 1111" not in found.city
    assert KEY not in found.email


async def test_each_service_is_spoken_to_in_its_own_version(service: Any, line: Line) -> None:
    service.then("415 Unsupported Media Type", b"")
    service.say("200 OK", answer())
    await line.enquiry.find_invoice("city", NUMBER)
    service.say("200 OK", customer())
    await line.enquiry.find_customer("city", ACCOUNT)
    await line.enquiry.find_customer("city", ACCOUNT)
    assert versions(service) == ["1.1", "1.2", "1.1", "1.1"]


async def test_all_questions_share_one_pace(service: Any, line: Line) -> None:
    service.say("200 OK", answer())
    await line.enquiry.ask(NUMBER, "city")
    await line.enquiry.find_invoice("city", NUMBER)
    service.say("200 OK", customer())
    await line.enquiry.find_customer("city", ACCOUNT)
    assert line.time.slept == [PACE_S, PACE_S]


@pytest.mark.parametrize("text", ["", "  ", "x" * (NUMBER_MAX + 1), "a\nb", "a\x00b"])
async def test_what_is_no_number_is_not_sent(text: str, service: Any, line: Line) -> None:
    with pytest.raises(Refused, match="not an invoice number"):
        await line.enquiry.find_invoice("city", text)
    with pytest.raises(Refused, match="not an account number"):
        await line.enquiry.find_customer("city", text)
    assert service.requests == []
