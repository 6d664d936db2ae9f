"""Asking about an invoice on the wire: exact requests, hostile answers, both versions of SOAP, pacing."""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cashier.domain.enquiry import InvoiceStatus
from cashier.domain.errors import CashierError, InDoubt, Refused, TooBusy, Unavailable
from cashier.gateway.enquiry import (
    BACKOFF_MAX_S,
    BACKOFF_S,
    MESSAGES,
    NUMBER_MAX,
    PACE_S,
    VIEW_INVOICE,
    InvoiceEnquiry,
    Meaning,
    amount_cents,
)
from cashier.gateway.soap import Fault, Result, Unreadable
from cashier.gateway.transport import (
    ANSWER_MAX_BYTES,
    RETRY_AFTER_MAX_S,
    GatewayInDoubt,
    GatewayRefused,
    GatewayTooBusy,
    Reason,
    Timeouts,
    make_client,
)
from cashier.till.ports import Enquiry

KEY = "planted web-service key"
GUID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
NUMBER = "BU5-00001-6"
#: How long a test waits for what must happen at once; never a wait of its own.
AT_MOST_S = 10

V11, V12 = "http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"
SPACE = "https://www.invoicecloud.com/portal/webservices/CloudInvoicing/"


class Time:
    """A clock that moves only when somebody sleeps, and notes for how long."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with make_client(Timeouts()) as one:
        yield one


Make = Callable[..., InvoiceEnquiry]


@pytest.fixture
def enquiry_at(client: httpx.AsyncClient, time: Time) -> Make:
    """An enquiry at an address, in training unless told otherwise."""

    def make(url: str, **more: Any) -> InvoiceEnquiry:
        options: dict[str, Any] = {
            "client": client,
            "guids": {"city": GUID, "county": GUID},
            "web_service_keys": lambda biller: KEY,
            "monotonic": time.monotonic,
            "sleep": time.sleep,
            "training": True,
        }
        return InvoiceEnquiry(base_url=url, **(options | more))

    return make


def envelope(inner: str, version: str = V11) -> bytes:
    return f'<s:Envelope xmlns:s="{version}"><s:Body>{inner}</s:Body></s:Envelope>'.encode()


def answer(version: str = V11, **members: str) -> bytes:
    """An answer about an unpaid invoice; `members` change it, "" leaves one out."""
    told = {
        "Success": "true",
        "ErrorMessage": "",
        "InvoiceNumber": NUMBER,
        "TotalAmountDue": "145.5000",
        "BalanceDue": "145.5000",
        **members,
    }
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in told.items() if value)
    name = VIEW_INVOICE.name
    return envelope(
        f'<{name}Response xmlns="{SPACE}"><{name}Result>{inner}</{name}Result></{name}Response>', version
    )


def denial(message: str, number: str = "") -> bytes:
    return answer(
        Success="false", ErrorMessage=message, InvoiceNumber=number, TotalAmountDue="", BalanceDue=""
    )


def fault11(code: str, text: str) -> bytes:
    return envelope(f"<s:Fault><faultcode>s:{code}</faultcode><faultstring>{text}</faultstring></s:Fault>")


def fault12(code: str, text: str) -> bytes:
    return envelope(
        f"<s:Fault><s:Code><s:Value>s:{code}</s:Value></s:Code>"
        f'<s:Reason><s:Text xml:lang="en">{text}</s:Text><s:Text xml:lang="fr">autre</s:Text></s:Reason>'
        "</s:Fault>",
        V12,
    )


async def asked(enquiry: Enquiry, biller: str = "city") -> InvoiceStatus:
    return await asyncio.wait_for(enquiry.ask(NUMBER, biller), AT_MOST_S)


async def ending(enquiry: Enquiry, biller: str = "city") -> Any:
    """The error a question ends with; the test fails when it ends well."""
    with pytest.raises(CashierError) as caught:
        await asked(enquiry, biller)
    return caught.value


def versions(service: Any) -> list[str]:
    """The version of each request so far."""
    return ["1.1" if b"text/xml; charset" in head else "1.2" for head, _ in service.requests]


# -- requests ----------------------------------------------------------------------------------------------


async def test_the_request_in_soap_1_1(service: Any, enquiry_at: Make) -> None:
    service.say("200 OK", answer())
    await asked(enquiry_at(service.url + "/"))
    head, body = service.requests[-1]
    assert head.startswith(b"POST /portal/webservices/CloudInvoicing.asmx HTTP/1.1\r\n")
    headers = service.head()
    assert headers["content-type"] == "text/xml; charset=utf-8"
    assert headers["soapaction"] == f'"{SPACE}ViewInvoiceByInvoiceNumber"'
    assert headers["accept"] == "text/xml"
    assert "authorization" not in headers
    assert body.decode() == (
        "<?xml version='1.0' encoding='utf-8'?>\n"
        f'<ns0:Envelope xmlns:ns0="{V11}" xmlns:ns1="{SPACE}"><ns0:Body><ns1:ViewInvoiceByInvoiceNumber>'
        f"<ns1:Req><ns1:BillerGUID>{GUID}</ns1:BillerGUID><ns1:WebServiceKey>{KEY}</ns1:WebServiceKey>"
        f"<ns1:InvoiceNumber>{NUMBER}</ns1:InvoiceNumber></ns1:Req></ns1:ViewInvoiceByInvoiceNumber>"
        "</ns0:Body></ns0:Envelope>"
    )


async def test_the_request_in_soap_1_2(service: Any, enquiry_at: Make) -> None:
    service.then("415 Unsupported Media Type", b"")
    service.say("200 OK", answer(V12))
    await asked(enquiry_at(service.url))
    (_, first), (_, second) = service.requests
    headers = service.head()
    assert headers["content-type"] == (
        f'application/soap+xml; charset=utf-8; action="{SPACE}ViewInvoiceByInvoiceNumber"'
    )
    assert headers["accept"] == "application/soap+xml, text/xml"
    assert "soapaction" not in headers
    assert second == first.replace(V11.encode(), V12.encode()) != first


async def test_what_xml_would_misread_is_escaped(service: Any, enquiry_at: Make) -> None:
    number = 'A&B <c> "é" ]]>'
    service.say("200 OK", answer(InvoiceNumber="A&amp;B &lt;c&gt; &quot;&#233;&quot; ]]&gt;"))
    status = await enquiry_at(service.url).ask(number, "city")
    assert (status.number, status.found) == (number, True)
    assert 'InvoiceNumber>A&amp;B &lt;c&gt; "é" ]]&gt;</' in service.requests[-1][1].decode()


@pytest.mark.parametrize(
    "number", ["", "  ", "x" * (NUMBER_MAX + 1), "a\nb", "a\x00b", "a\ud800b", "a\ufffeb"]
)
async def test_what_is_no_invoice_number_is_not_sent(number: str, service: Any, enquiry_at: Make) -> None:
    with pytest.raises(Refused, match="not an invoice number"):
        await enquiry_at(service.url).ask(number, "city")
    assert service.requests == []


@pytest.mark.parametrize("base", ["http://www.example.org", "ftp://127.0.0.1", "www.example.org", "https://"])
def test_an_unsafe_base_address_is_refused(base: str, enquiry_at: Make) -> None:
    with pytest.raises(Refused, match="https://"):
        enquiry_at(base)
    with pytest.raises(Refused, match="https://"):
        enquiry_at("http://127.0.0.1:9", training=False)


# -- answers -----------------------------------------------------------------------------------------------

NAME = VIEW_INVOICE.name
MEMBERS = (
    f"<Success>true</Success><ErrorMessage/><InvoiceNumber>{NUMBER}</InvoiceNumber>"
    "<InvoiceDate>2026-02-03T00:00:00</InvoiceDate><TotalAmountDue>145.5</TotalAmountDue>"
    "<BalanceDue>45.50</BalanceDue><AutoPayCollectionDate/><Extra><Success>false</Success></Extra>"
)


@pytest.mark.parametrize(
    "body",
    [
        envelope(f'<{NAME}Response xmlns="{SPACE}"><{NAME}Result>{MEMBERS}</{NAME}Result></{NAME}Response>'),
        envelope(f"<{NAME}Response><{NAME}Result>{MEMBERS}</{NAME}Result></{NAME}Response>", V12),
        envelope(
            f'<r:{NAME}Response xmlns:r="urn:x"><{NAME}Result>{MEMBERS}</{NAME}Result></r:{NAME}Response>'
        ),
        b'<?xml version="1.0" encoding="utf-8"?>\r\n<!-- hello -->'
        + envelope(
            f'<{NAME}Response xmlns="urn:x"><{NAME}Result>'
            + MEMBERS.replace("<ErrorMessage/>", '<ErrorMessage xmlns:x="urn:i" x:nil="true"/>')
            + f"</{NAME}Result></{NAME}Response>"
        ),
        f'<Envelope xmlns="{V11}"><Header><a/></Header><Body><{NAME}Response xmlns=""><{NAME}Result>'
        f"{MEMBERS}</{NAME}Result></{NAME}Response></Body></Envelope>".encode("utf-16"),
    ],
    ids=["default", "none, 1.2", "prefixes", "nil and comments", "UTF-16"],
)
async def test_prefixes_and_namespaces_do_not_matter(body: bytes, service: Any, enquiry_at: Make) -> None:
    service.say("200 OK", body, "Content-Type: text/xml")
    assert await asked(enquiry_at(service.url)) == InvoiceStatus(
        NUMBER,
        found=True,
        total_due_cents=14_550,  # type: ignore[arg-type]
        balance_cents=4_550,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("0", 0),
        ("0.00", 0),
        ("0.0000", 0),
        ("145", 14_500),
        ("145.5", 14_550),
        ("145.50", 14_550),
        ("145.5000", 14_550),
        (" 145.50 ", 14_550),
        ("9999999.99", 999_999_999),
        ("145.505", None),
        ("145.5050", None),
        ("145.500000000", None),
        ("-145.50", None),
        ("-0.00", None),
        ("+1.00", None),
        ("1,145.50", None),
        ("145,50", None),
        ("$145.50", None),
        ("1e2", None),
        ("NaN", None),
        ("12345678", None),
        ("12345670.00", None),
        (".50", None),
        ("145.", None),
        ("1 45", None),
        ("١٤٥", None),
        ("", None),
        ("9" * 10_000, None),
    ],
)
async def test_amounts_are_exact_or_nothing(
    text: str, cents: int | None, service: Any, enquiry_at: Make
) -> None:
    assert amount_cents(text.strip()) == cents
    service.say("200 OK", answer(BalanceDue=text))
    status = await asked(enquiry_at(service.url))
    assert (status.found, status.balance_cents, status.total_due_cents) == (True, cents, 14_550)


async def test_names_are_case_sensitive(service: Any, enquiry_at: Make) -> None:
    service.say("200 OK", answer(BalanceDue="", balancedue="1.00", BALANCEDUE="2.00"))
    status = await asked(enquiry_at(service.url))
    assert (status.found, status.balance_cents) == (True, None)
    service.say("200 OK", answer(Success="", success="true"))
    assert (await ending(enquiry_at(service.url))).reason is Reason.NOT_CLEAR


@pytest.mark.parametrize("number", [NUMBER.lower(), f"\n  {NUMBER} \t", NUMBER.upper()])
async def test_case_and_space_around_a_number_do_not_matter(
    number: str, service: Any, enquiry_at: Make
) -> None:
    service.say("200 OK", answer(InvoiceNumber=number))
    assert (await asked(enquiry_at(service.url))).number == NUMBER


@pytest.mark.parametrize("number", ["", "BU5-00001-60", "BU5-00001", "BU5 00001-6", NUMBER * 2])
async def test_an_answer_about_another_invoice_is_in_doubt(
    number: str, service: Any, enquiry_at: Make
) -> None:
    service.say("200 OK", answer(InvoiceNumber=number, BalanceDue="0.00"))
    error = await ending(enquiry_at(service.url))
    assert isinstance(error, GatewayInDoubt) and error.reason is Reason.OTHER_INVOICE
    if number:
        service.say("200 OK", denial("InvoiceNumber was not found.", number))
        assert (await ending(enquiry_at(service.url))).reason is Reason.OTHER_INVOICE


@pytest.mark.parametrize(
    "message",
    ["InvoiceNumber was not found.", " invoicenumber WAS not found", "InvoiceNumber was not found ."],
)
@pytest.mark.parametrize("number", ["", NUMBER])
async def test_not_found(message: str, number: str, service: Any, enquiry_at: Make) -> None:
    service.say("200 OK", denial(message, number))
    status = await asked(enquiry_at(service.url))
    assert status == InvoiceStatus(NUMBER, found=False, message=" ".join(message.split()))


async def test_refused_credentials(service: Any, enquiry_at: Make) -> None:
    service.say("200 OK", denial("Invalid BillerGUID or WebServiceKey."))
    error = await ending(enquiry_at(service.url))
    assert isinstance(error, GatewayRefused) and error.reason is Reason.KEY_REFUSED
    assert error.user_text == (
        "The gateway could not be asked about the invoice: the gateway refused the biller GUID or the web "
        "service key (“Invalid BillerGUID or WebServiceKey.”). Asking takes no money. The biller GUID or the "
        "web service key in the settings must be corrected: ask your administrator."
    )


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Biller was not found.",
        "An error occurred while InvoiceNumber was not found.",
        "InvoiceNumber was not found. Invalid BillerGUID or WebServiceKey.",
        "Timeout expired.",
    ],
)
async def test_an_unknown_no_is_in_doubt_and_never_not_found(
    message: str, service: Any, enquiry_at: Make
) -> None:
    service.say("200 OK", denial(message))
    error = await ending(enquiry_at(service.url))
    assert isinstance(error, GatewayInDoubt) and error.reason is Reason.NOT_CLEAR
    assert message in error.user_text
    assert set(MESSAGES.values()) == set(Meaning)


@pytest.mark.parametrize("success", ["", "maybe", "yes", "1", "truefalse"])
async def test_a_success_that_is_none_is_in_doubt(success: str, service: Any, enquiry_at: Make) -> None:
    service.say("200 OK", answer(Success=success, BalanceDue="0.00"))
    assert (await ending(enquiry_at(service.url))).reason is Reason.NOT_CLEAR


BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
)
GOOD = answer(BalanceDue="0.00").decode()
HOSTILE = {
    "empty": b"",
    "a login page": b"<html><body>wifi login</body></html>",
    "html that is not xml": b"<!doctype html><html><br></html>",
    "json": b'{"Success": true}',
    "cut": GOOD[: len(GOOD) // 2].encode(),
    "two roots": (GOOD + GOOD).encode(),
    "binary": bytes(range(256)),
    "entity bomb": (BOMB + GOOD.replace("0.00", "&i;")).encode(),
    "a harmless document type": ("<!DOCTYPE x>" + GOOD).encode(),
    "outer entity": ('<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>' + GOOD).encode(),
    "undeclared entity": GOOD.replace("0.00", "&zero;").encode(),
    "unknown encoding": b'<?xml version="1.0" encoding="nonsense"?>' + GOOD.encode(),
    "wrong encoding": GOOD.replace("true", "tr\xfce").encode("latin-1"),
    "deep": b"<a>" * 8_000 + b"</a>" * 8_000,
    "no body": f'<s:Envelope xmlns:s="{V11}"/>'.encode(),
    "an empty body": envelope(""),
    "two answers": envelope(GOOD.partition("<s:Body>")[2].partition("</s:Body>")[0] * 2),
    "another operation": GOOD.replace(NAME, "ViewCustomerRecord").encode(),
    "success told twice": GOOD.replace("<Success>", "<Success>false</Success><Success>").encode(),
    "balance told twice": GOOD.replace("<BalanceDue>", "<BalanceDue>9</BalanceDue><BalanceDue>").encode(),
    "a balance with an inside": GOOD.replace("0.00", "0<b/>.00").encode(),
    "results told twice": envelope(
        f"<{NAME}Response><{NAME}Result>{MEMBERS}</{NAME}Result><{NAME}Result/></{NAME}Response>"
    ),
    "a fault without a code": envelope("<s:Fault/>"),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
async def test_what_is_no_answer_is_in_doubt(body: bytes, service: Any, enquiry_at: Make) -> None:
    service.say("200 OK", body)
    error = await ending(enquiry_at(service.url))
    assert isinstance(error, GatewayInDoubt) and error.reason is Reason.NOT_SOAP
    assert len(service.requests) == 1


@given(st.one_of(st.binary(max_size=300), st.lists(st.tuples(st.integers(0, 10**4), st.binary(max_size=3)))))
def test_no_bytes_upset_the_reader(change: Any) -> None:
    body = change if isinstance(change, bytes) else bytearray(GOOD.encode())
    for place, piece in change if isinstance(change, list) else ():
        body[place % len(body) : place % len(body) + len(piece)] = piece
    try:
        told = VIEW_INVOICE.parse(bytes(body))
        assert isinstance(told, Fault) or (isinstance(told, Result) and told.text("Success") is not None)
    except Unreadable:
        pass


@pytest.mark.parametrize("status", ["200 OK", "500 Server Error"])
async def test_far_too_much_is_in_doubt(status: str, service: Any, enquiry_at: Make) -> None:
    service.say(status, GOOD.encode() + b" " * ANSWER_MAX_BYTES)
    error = await ending(enquiry_at(service.url))
    assert isinstance(error, GatewayInDoubt) and error.reason is Reason.TOO_LARGE


@pytest.mark.parametrize("make", [fault11, fault12])
@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request", "500 Server Error"])
async def test_a_fault_is_in_doubt_with_its_words(
    make: Callable[[str, str], bytes], status: str, service: Any, enquiry_at: Make
) -> None:
    service.say(status, make("Server", f"card 4111 1111 1111 1111\n key {KEY} {'x' * 500}"))
    error = await ending(enquiry_at(service.url))
    assert isinstance(error, GatewayInDoubt) and error.reason is Reason.SOAP_FAULT
    assert "card [card number removed] key [secret removed] xxx" in error.user_text
    assert error.user_text.isprintable() and len(error.user_text) < 500


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        ("401 Unauthorized", Refused, Reason.KEY_REFUSED),
        ("403 Forbidden", Refused, Reason.KEY_REFUSED),
        ("400 Bad Request", InDoubt, Reason.UNEXPECTED_ANSWER),
        ("404 Not Found", InDoubt, Reason.UNEXPECTED_ANSWER),
        ("408 Request Timeout", InDoubt, Reason.NO_ANSWER),
        ("425 Too Early", TooBusy, Reason.TOO_BUSY),
        ("429 Too Many", TooBusy, Reason.TOO_BUSY),
        ("500 Server Error", InDoubt, Reason.SERVER_ERROR),
        ("503 Unavailable", InDoubt, Reason.SERVER_ERROR),
        ("201 Created", InDoubt, Reason.UNEXPECTED_ANSWER),
        ("204 No Content", InDoubt, Reason.UNEXPECTED_ANSWER),
        ("302 Found", InDoubt, Reason.UNEXPECTED_ANSWER),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>", GOOD.encode()], ids=["empty", "html", "a good answer"])
async def test_statuses(
    status: str, kind: type[CashierError], reason: Reason, body: bytes, service: Any, enquiry_at: Make
) -> None:
    service.say(status, b"" if status.startswith("204") else body, f"Location: {service.url}/elsewhere")
    error = await ending(enquiry_at(service.url))
    assert isinstance(error, kind) and error.reason is reason
    assert error.details == f"HTTP {status[:3]}" and "API key" not in error.user_text
    assert len(service.requests) == 1, "no redirect was followed"


async def test_silence_and_broken_lines_are_in_doubt(service: Any, enquiry_at: Make) -> None:
    service.answer = None
    impatient = enquiry_at(service.url, timeouts=Timeouts(whole_s=0.3))
    assert (await ending(impatient)).reason is Reason.NO_ANSWER
    service.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<"
    assert (await ending(enquiry_at(service.url))).reason is Reason.LINE_LOST


async def test_an_unknown_name_is_unavailable(enquiry_at: Make) -> None:
    error = await ending(enquiry_at("https://gateway.invalid"))
    assert isinstance(error, Unavailable) and not isinstance(error, TooBusy)


# -- which version of SOAP ---------------------------------------------------------------------------------

UNKNOWN_ACTION = f"Server did not recognize the value of HTTP Header SOAPAction: {SPACE}{NAME}."
WANTS_THE_OTHER = [
    ("415 Unsupported Media Type", b""),
    ("500 Server Error", fault11("VersionMismatch", "no")),
    ("500 Server Error", fault12("VersionMismatch", "no")),
    ("500 Server Error", fault11("MustUnderstand", "no")),
    ("500 Server Error", fault11("Client", UNKNOWN_ACTION)),
    ("200 OK", fault12("Sender", UNKNOWN_ACTION)),
]


@pytest.mark.parametrize(("status", "body"), WANTS_THE_OTHER)
async def test_it_falls_back_and_remembers_and_comes_back(
    status: str, body: bytes, service: Any, enquiry_at: Make
) -> None:
    enquiry = enquiry_at(service.url)
    service.say("200 OK", answer(V12))
    service.then(status, body)
    for _ in range(2):
        assert (await asked(enquiry)).found
    assert versions(service) == ["1.1", "1.2", "1.2"]
    service.then(status, body)
    for _ in range(2):
        assert (await asked(enquiry)).found
    assert versions(service)[3:] == ["1.2", "1.1", "1.1"]


async def test_each_biller_is_remembered_by_itself(service: Any, enquiry_at: Make) -> None:
    enquiry = enquiry_at(service.url)
    service.say("200 OK", answer(V12))
    service.then("415 Unsupported Media Type", b"")
    for biller in ("city", "county", "city"):
        await asked(enquiry, biller)
    assert versions(service) == ["1.1", "1.2", "1.1", "1.2"]


async def test_neither_version_is_in_doubt_and_nothing_is_remembered(service: Any, enquiry_at: Make) -> None:
    enquiry = enquiry_at(service.url)
    service.say("415 Unsupported Media Type", b"")
    for _ in range(2):
        error = await ending(enquiry)
        assert isinstance(error, GatewayInDoubt) and error.reason is Reason.SOAP_FAULT
    assert versions(service) == ["1.1", "1.2"] * 2


async def test_a_version_that_gave_no_answer_is_not_remembered(service: Any, enquiry_at: Make) -> None:
    enquiry = enquiry_at(service.url)
    service.then("415 Unsupported Media Type", b"")
    service.then("500 Server Error", b"")
    service.say("200 OK", answer())
    assert (await ending(enquiry)).reason is Reason.SERVER_ERROR
    assert (await asked(enquiry)).found
    assert versions(service) == ["1.1", "1.2", "1.1"]


@pytest.mark.parametrize("code", ["Client", "Server", "Sender"])
async def test_other_faults_do_not_change_the_version(code: str, service: Any, enquiry_at: Make) -> None:
    service.say("500 Server Error", fault11(code, "Object reference not set."))
    assert (await ending(enquiry_at(service.url))).reason is Reason.SOAP_FAULT
    assert versions(service) == ["1.1"]


# -- pacing ------------------------------------------------------------------------------------------------


async def test_calls_keep_their_distance(service: Any, enquiry_at: Make, time: Time) -> None:
    service.say("200 OK", answer())
    enquiry = enquiry_at(service.url)
    await asked(enquiry)
    assert time.slept == []
    time.now += 0.2
    await asked(enquiry, "county")
    assert time.slept == [pytest.approx(PACE_S - 0.2)]
    time.now += PACE_S
    await asked(enquiry)
    assert len(time.slept) == 1


async def test_falling_back_and_failing_keep_their_distance_too(
    service: Any, enquiry_at: Make, time: Time
) -> None:
    enquiry = enquiry_at(service.url)
    service.say("415 Unsupported Media Type", b"")
    await ending(enquiry)
    assert time.slept == [PACE_S]
    service.answer = b""
    await ending(enquiry)
    await ending(enquiry)
    assert time.slept == [PACE_S] * 3


async def test_a_sleep_that_ends_early_is_gone_on_with(service: Any, enquiry_at: Make, time: Time) -> None:
    async def doze(seconds: float) -> None:
        time.slept.append(seconds)
        time.now += max(seconds / 2, 0.01)

    service.say("200 OK", answer())
    enquiry = enquiry_at(service.url, sleep=doze)
    started = time.now
    await asked(enquiry)
    await asked(enquiry)
    assert time.now >= started + PACE_S and len(time.slept) > 1


async def test_calls_never_overlap(time: Time) -> None:
    class Slow(httpx.AsyncBaseTransport):
        now = most = 0

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            self.now += 1
            self.most = max(self.most, self.now)
            for _ in range(20):
                await asyncio.sleep(0)
            self.now -= 1
            return httpx.Response(200, stream=httpx.ByteStream(answer()))

    transport = Slow()
    async with httpx.AsyncClient(transport=transport) as client:
        enquiry = InvoiceEnquiry(
            client=client,
            base_url="https://www.example.org",
            guids={"city": GUID, "county": GUID},
            web_service_keys=lambda biller: KEY,
            monotonic=time.monotonic,
            sleep=time.sleep,
        )
        await asyncio.gather(*(asked(enquiry, biller) for biller in ("city", "county") * 3))
    assert transport.most == 1
    assert time.slept == [PACE_S] * 5


async def test_a_cancelled_question_makes_way_for_the_next(service: Any, enquiry_at: Make) -> None:
    enquiry = enquiry_at(service.url)
    service.answer = None
    first = asyncio.create_task(asked(enquiry))
    async with asyncio.timeout(AT_MOST_S):
        while not service.requests:
            await asyncio.sleep(0)
    second = asyncio.create_task(asked(enquiry))
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    service.answer = b""
    with pytest.raises(InDoubt):
        await second
    assert len(service.requests) == 2


DATE = "Date: Tue, 03 Feb 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "told_s"),
    [
        (["Retry-After: 30"], 30),
        (["Retry-After:  7 "], 7),
        (["Retry-After: 0"], 0),
        (["Retry-After: 999999999"], RETRY_AFTER_MAX_S),
        ([DATE, "Retry-After: Tue, 03 Feb 2026 10:01:30 GMT"], 90),
        ([DATE, "Retry-After: Tue, 03 Feb 2026 09:00:00 GMT"], 0),
        ([DATE, "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT"], RETRY_AFTER_MAX_S),
        (["Retry-After: Tue, 03 Feb 2026 10:01:30 GMT"], None),
        ([DATE, "Retry-After: soon"], None),
        ([DATE, "Retry-After: Tue, 03 Feb 2026 10:01:30"], None),
        (["Retry-After: -5"], None),
        (["Retry-After: 1.5"], None),
        (["Retry-After: " + "9" * 500], None),
        ([], None),
    ],
)
async def test_too_busy_makes_the_next_call_wait(
    headers: list[str], told_s: float | None, service: Any, enquiry_at: Make, time: Time
) -> None:
    enquiry = enquiry_at(service.url)
    service.then("429 Too Many Requests", b"", *headers)
    service.say("200 OK", answer())
    error = await ending(enquiry)
    assert isinstance(error, GatewayTooBusy) and error.retry_after_s == told_s
    assert time.slept == []
    await asked(enquiry)
    assert time.slept == [BACKOFF_S if told_s is None else max(told_s, PACE_S)]


async def test_the_back_off_grows_to_its_limit_and_starts_afresh(
    service: Any, enquiry_at: Make, time: Time
) -> None:
    enquiry = enquiry_at(service.url)
    for _ in range(12):
        service.then("429 Too Many Requests", b"")
    service.then("500 Server Error", b"")  # any other answer ends the series
    service.then("429 Too Many Requests", b"")
    service.say("200 OK", answer())
    for _ in range(14):
        await ending(enquiry)
    await asked(enquiry)
    grown = [min(BACKOFF_S * 2**n, BACKOFF_MAX_S) for n in range(12)]
    assert time.slept == [*grown, PACE_S, BACKOFF_S]
    assert grown[:3] == [5, 10, 20] and grown[-1] == BACKOFF_MAX_S == 300


# -- secrets -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["", "kéy", "two\nlines"])
async def test_a_key_that_is_none_is_refused_before_anything_is_sent(
    key: str, service: Any, enquiry_at: Make
) -> None:
    enquiry = enquiry_at(service.url, web_service_keys=lambda biller: key)
    assert not enquiry.can_ask("city")
    error = await ending(enquiry)
    assert type(error) is Refused and "biller 'city'" in error.user_text
    assert not key or key not in str(error)
    assert service.requests == []


@pytest.mark.parametrize("guid", ["", "sp\x00oiled"])
def test_without_a_guid_there_is_nothing_to_ask_with(guid: str, enquiry_at: Make) -> None:
    def keys(biller: str) -> str:
        assert guid, "without a GUID the keyring is left alone"
        return KEY

    enquiry = enquiry_at("https://www.example.org", guids={"city": guid}, web_service_keys=keys)
    assert not enquiry.can_ask("city")


def test_a_biller_nobody_knows_cannot_be_asked(enquiry_at: Make) -> None:
    enquiry = enquiry_at("https://www.example.org")
    assert (enquiry.can_ask("city"), enquiry.can_ask("nosuch")) == (True, False)


async def test_a_key_is_read_at_each_call_and_may_be_missing(service: Any, enquiry_at: Make) -> None:
    keys = ["one", "two"]

    def read(biller: str) -> str:
        if not keys:
            raise Refused("The secret is missing.")
        return keys.pop(0)

    service.say("200 OK", answer())
    enquiry = enquiry_at(service.url, web_service_keys=read)
    await asked(enquiry)
    await asked(enquiry)
    assert [b"WebServiceKey>two<" in body for _, body in service.requests] == [False, True]
    assert not enquiry.can_ask("city")
    assert (await ending(enquiry)).user_text == "The secret is missing."


async def test_the_key_shows_nowhere(
    service: Any, enquiry_at: Make, caplog: pytest.LogCaptureFixture
) -> None:
    enquiry = enquiry_at(service.url)
    written = []
    endings = [
        denial(f"Bad key {KEY} given"),
        denial("Invalid BillerGUID or WebServiceKey."),
        fault11("Server", f"at {KEY}"),
        b"<cut",
        b"",
    ]
    with caplog.at_level(logging.DEBUG, logger=""):
        for body in endings:
            service.say("200 OK", body)
            error = await ending(enquiry)
            written += [repr(error), str(error), error.user_text, error.details]
            written += traceback.format_exception(error)
        service.answer = b""
        written += traceback.format_exception(await ending(enquiry))
        service.say("200 OK", answer(ErrorMessage=f"with {KEY} inside"))
        status = await asked(enquiry)
    assert status.message == "with [secret removed] inside"
    written += [
        repr(status),
        repr(enquiry),
        repr(vars(enquiry)),
        *(record.getMessage() for record in caplog.records),
    ]
    assert not [text for text in written if KEY in text or "planted" in text.lower()]
