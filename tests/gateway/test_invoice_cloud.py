"""The calls to Invoice Cloud, against a real service on a real socket: every way in which one can end."""

import asyncio
import base64
import json
import logging
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from cashier.domain.errors import CashierError, InDoubt, Refused, TooBusy, Unavailable
from cashier.domain.sale import Sale
from cashier.gateway.invoice_cloud import InvoiceCloud
from cashier.gateway.profiles import Profile
from cashier.gateway.transport import (
    ANSWER_MAX_BYTES,
    ENDINGS,
    MESSAGE_MAX_CHARS,
    STATUSES,
    TRANSPORT_ERRORS,
    GatewayInDoubt,
    GatewayUnavailable,
    Purpose,
    Reason,
    Timeouts,
    failure,
    make_client,
    service_message,
)
from cashier.till.ports import CounterExtras, Gateway

KEY = "training-api-key"
REQUEST = '{\n  "Customers": []\n}'
SHORT = Timeouts(connect_s=0.3, read_s=0.3, write_s=0.3, pool_s=0.3, whole_s=5)
#: How long a test waits for what must happen at once; never a wait of its own.
AT_MOST_S = 10


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with make_client(SHORT) as one:
        yield one


@pytest.fixture
def cloud_at(client: httpx.AsyncClient, profiles: dict[str, Profile]) -> Callable[..., InvoiceCloud]:
    """An InvoiceCloud at an address, in training unless told otherwise."""

    def make(url: str, **more: Any) -> InvoiceCloud:
        options: dict[str, Any] = {
            "client": client,
            "profiles": profiles,
            "api_keys": lambda biller: KEY,
            "training": True,
            "timeouts": SHORT,
        }
        return InvoiceCloud(base_url=url, **(options | more))

    return make


async def ending(cloud: InvoiceCloud) -> Any:
    """The error a launch ends with; the test fails when it ends well."""
    with pytest.raises(CashierError) as caught:
        await asyncio.wait_for(cloud.launch(REQUEST, "city"), AT_MOST_S)
    return caught.value


def page(url: Any) -> bytes:
    return json.dumps({"Data": {"CloudPaymentURL": url, "More": 1.5}, "Other": None}).encode()


# -- it works ----------------------------------------------------------------------------------------------


async def test_a_launch_sends_the_bytes_and_gives_the_pages_address(service: Any, cloud_at: Any) -> None:
    url = f"{service.url}/pay?token=abc"
    service.say("200 OK", page(url))
    cloud: Gateway = cloud_at(service.url + "/")
    text = '{"Name": "Zo\\u00eb", "BalanceDue": 12.0}'
    assert await cloud.launch(text, "city") == url
    head, body = service.requests[-1]
    assert head.startswith(b"POST /cloudpaymentsapi/v2 HTTP/1.1\r\n")
    assert body == text.encode()
    headers = service.head()
    assert headers["authorization"] == "Basic " + base64.b64encode(b"training-api-key").decode()
    assert headers["content-type"] == "application/json"


async def test_a_launch_may_be_repeated_on_the_kept_client(service: Any, cloud_at: Any) -> None:
    service.say("200 OK", page(service.url + "/pay"), "Set-Cookie: session=1")
    cloud = cloud_at(service.url)
    for _ in range(3):
        await cloud.launch(REQUEST, "city")
    assert [body for _, body in service.requests] == [REQUEST.encode()] * 3
    assert "cookie" not in service.head()


async def test_each_biller_has_its_key(service: Any, cloud_at: Any) -> None:
    service.say("200 OK", page(service.url + "/pay"))
    await cloud_at(service.url, api_keys=lambda biller: f"key-of-{biller}").launch(REQUEST, "county")
    assert base64.b64decode(service.head()["authorization"].split()[1]) == b"key-of-county"


async def test_nothing_of_a_call_is_logged(
    service: Any, cloud_at: Any, caplog: pytest.LogCaptureFixture
) -> None:
    service.say("200 OK", page(service.url + "/pay?token=secret"))
    with caplog.at_level(logging.DEBUG, logger=""):
        await cloud_at(service.url).launch(REQUEST, "city")
    written = " ".join(record.getMessage() for record in caplog.records)
    assert KEY not in written and "cloudpaymentsapi" not in written and "secret" not in written


# -- which addresses are opened ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("https://pay.example.org/x?y=1", True),
        ("https://PAY.example.org/x", True),
        ("https://pay.example.org:443/x", True),
        ("https://pay.example.org:8443/x", False),
        ("http://pay.example.org/x", False),
        ("https://evil.example.org/x", False),
        ("https://pay.example.org.evil.example/x", False),
        ("https://pay.example.org@evil.example/x", False),
        ("https://user@pay.example.org/x", False),
        ("https://evil.example\\@pay.example.org/x", False),
        ("https://pay.example.org:x/", False),
        ("javascript:alert(1)", False),
        ("file:///etc/passwd", False),
        ("//pay.example.org/x", False),
        ("https://pay.example.org/\nx", False),
        ("https://[", False),
        ("https://pay.example.org/" + "x" * 5000, False),
    ],
)
async def test_only_the_gateways_own_pages_are_opened(
    url: str, taken: bool, service: Any, cloud_at: Any
) -> None:
    service.say("200 OK", page(url))
    cloud = cloud_at(service.url, hosts=("Pay.example.org",))
    if taken:
        assert await cloud.launch(REQUEST, "city") == url
    else:
        error = await ending(cloud)
        assert isinstance(error, GatewayInDoubt) and error.reason is Reason.ADDRESS_NOT_ALLOWED
        assert "evil" not in error.user_text


@pytest.mark.parametrize("base", ["http://www.example.org", "ftp://127.0.0.1", "www.example.org", "https://"])
def test_an_unsafe_base_address_is_refused(base: str, cloud_at: Any) -> None:
    with pytest.raises(Refused, match="https://"):
        cloud_at(base)


def test_plain_http_is_for_training_only(cloud_at: Any) -> None:
    assert cloud_at("http://127.0.0.1:9")
    with pytest.raises(Refused, match="https://"):
        cloud_at("http://127.0.0.1:9", training=False)


# -- what the service says ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        ("401 Unauthorized", Refused, Reason.KEY_REFUSED),
        ("403 Forbidden", Refused, Reason.KEY_REFUSED),
        ("400 Bad Request", Refused, Reason.REQUEST_REFUSED),
        ("404 Not Found", Refused, Reason.REQUEST_REFUSED),
        ("422 Unprocessable", Refused, Reason.REQUEST_REFUSED),
        ("408 Request Timeout", InDoubt, Reason.NO_ANSWER),
        ("429 Too Many", TooBusy, Reason.TOO_BUSY),
        ("500 Server Error", InDoubt, Reason.SERVER_ERROR),
        ("503 Unavailable", InDoubt, Reason.SERVER_ERROR),
        ("302 Found", InDoubt, Reason.UNEXPECTED_ANSWER),
        ("204 No Content", InDoubt, Reason.UNEXPECTED_ANSWER),
        ("201 Created", InDoubt, Reason.UNEXPECTED_ANSWER),
    ],
)
async def test_statuses(
    status: str, kind: type[CashierError], reason: Reason, service: Any, cloud_at: Any
) -> None:
    body = b"" if status.startswith("204") else b'{"Message": "TypeID 6 is unknown", "More": [1]}'
    service.say(status, body)
    error = await ending(cloud_at(service.url))
    assert issubclass(type(error), kind) and error.reason is reason
    assert error.details == f"HTTP {status[:3]}"
    told = reason in (Reason.KEY_REFUSED, Reason.REQUEST_REFUSED, Reason.TOO_BUSY, Reason.SERVER_ERROR)
    assert ("TypeID 6 is unknown" in error.user_text) is told


async def test_a_redirect_is_not_followed(service: Any, cloud_at: Any) -> None:
    service.say("307 Temporary Redirect", b"", f"Location: {service.url}/elsewhere")
    error = await ending(cloud_at(service.url))
    assert isinstance(error, GatewayInDoubt) and error.reason is Reason.UNEXPECTED_ANSWER
    assert len(service.requests) == 1


async def test_the_services_message_is_made_fit_for_a_screen(service: Any, cloud_at: Any) -> None:
    told = f"card 4111 1111 1111 1111\r\nkey {KEY}\u202e {'x' * 500}"
    service.say("400 Bad Request", json.dumps({"message": told}).encode())
    error = await ending(cloud_at(service.url))
    assert "4111" not in error.user_text and KEY not in error.user_text
    assert "card [card number removed] key [secret removed] xxx" in error.user_text
    assert error.user_text.isprintable() and "…" in error.user_text


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"Message": 5}', b"\xff", b"[" * 60_000], ids=str)
async def test_an_error_without_a_usable_message_still_has_words(
    body: bytes, service: Any, cloud_at: Any
) -> None:
    service.say("500 Server Error", body)
    error = await ending(cloud_at(service.url))
    assert error.user_text.startswith(
        "Card payment could not be started: the gateway has a fault of its own. "
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", Reason.NOT_JSON),
        (b"<html>wifi login</html>", Reason.NOT_JSON),
        (b'{"Data": {"CloudPaymentURL": "https://', Reason.NOT_JSON),
        (b"\xff\xfe", Reason.NOT_JSON),
        (b'["Data"]', Reason.NOT_JSON),
        (b"[" * 60_000, Reason.NOT_JSON),
        (b"{}", Reason.NO_ADDRESS),
        (b'{"Data": null}', Reason.NO_ADDRESS),
        (b'{"Data": {"CloudPaymentURL": ""}}', Reason.NO_ADDRESS),
        (b'{"Data": {"CloudPaymentURL": 5}}', Reason.NO_ADDRESS),
        (b'{"Data": {"cloudpaymenturl": null}, "Message": "closed"}', Reason.NO_ADDRESS),
        (b" " * (ANSWER_MAX_BYTES + 1), Reason.TOO_LARGE),
    ],
)
async def test_a_200_that_is_no_answer_is_in_doubt(
    body: bytes, reason: Reason, service: Any, cloud_at: Any
) -> None:
    service.say("200 OK", body)
    error = await ending(cloud_at(service.url))
    assert isinstance(error, GatewayInDoubt) and error.reason is reason
    assert ("(“closed”)" in error.user_text) is (b"closed" in body)


async def test_an_answer_without_end_is_cut(service: Any, cloud_at: Any) -> None:
    service.answer = b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (4 * ANSWER_MAX_BYTES)
    error = await ending(cloud_at(service.url))
    assert isinstance(error, GatewayInDoubt) and error.reason is Reason.TOO_LARGE


# -- what the line does ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 O",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"220 mail.example.org ESMTP\r\n",
    ],
    ids=["closed", "half a head", "half a body", "not HTTP"],
)
async def test_a_broken_answer_is_in_doubt(answer: bytes, service: Any, cloud_at: Any) -> None:
    service.answer = answer
    error = await ending(cloud_at(service.url))
    assert isinstance(error, GatewayInDoubt) and error.reason is Reason.LINE_LOST
    assert isinstance(error.__cause__, httpx.RemoteProtocolError)


async def test_silence_is_in_doubt(service: Any, cloud_at: Any) -> None:
    service.answer = None
    error = await ending(cloud_at(service.url))
    assert isinstance(error, GatewayInDoubt) and error.reason is Reason.NO_ANSWER
    assert error.details == "ReadTimeout"
    assert service.requests, "it was sent"


async def test_the_whole_exchange_is_bounded(service: Any, cloud_at: Any) -> None:
    service.answer = None
    error = await ending(cloud_at(service.url, timeouts=replace(SHORT, whole_s=0.05)))
    assert isinstance(error, GatewayInDoubt) and error.reason is Reason.NO_ANSWER
    assert error.details == "TimeoutError"


async def test_nobody_there_is_unavailable(cloud_at: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        error = await ending(cloud_at(f"http://127.0.0.1:{free.getsockname()[1]}"))
    assert isinstance(error, GatewayUnavailable) and error.reason is Reason.NOT_REACHED
    assert error.user_text == (
        "Card payment could not be started: the gateway was not reached. No money was taken: only the "
        "payment page takes money, and it was not opened. Try again, or take cash or a check."
    )


async def test_an_unknown_name_is_unavailable(cloud_at: Any) -> None:
    error = await ending(cloud_at("https://gateway.invalid"))
    assert isinstance(error, GatewayUnavailable) and error.reason is Reason.NOT_REACHED


async def test_a_line_that_is_never_free_is_unavailable(service: Any, profiles: dict[str, Profile]) -> None:
    service.answer = None
    async with make_client(replace(SHORT, read_s=AT_MOST_S)) as client:
        cloud = InvoiceCloud(
            client=client,
            base_url=service.url,
            profiles=profiles,
            api_keys=lambda biller: KEY,
            training=True,
        )
        waiting = [asyncio.create_task(cloud.launch(REQUEST, "city")) for _ in range(5)]
        async with asyncio.timeout(AT_MOST_S):
            while len(service.requests) < len(waiting):
                await asyncio.sleep(0)
        error = await ending(cloud)
        assert isinstance(error, GatewayUnavailable) and error.details == "PoolTimeout"
        for task in waiting:
            task.cancel()
        done = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in done)


async def test_a_cancelled_launch_is_cancelled(service: Any, cloud_at: Any) -> None:
    service.answer = None
    task = asyncio.create_task(cloud_at(service.url).launch(REQUEST, "city"))
    async with asyncio.timeout(AT_MOST_S):
        while not service.requests:
            await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("eager", [True, False], ids=["answers in plain", "never shakes hands"])
async def test_plain_http_where_tls_is_due_is_unavailable(eager: bool, service: Any, cloud_at: Any) -> None:
    service.say("400 Bad Request", b"plain")
    service.eager = eager
    error = await ending(cloud_at(service.url.replace("http://", "https://")))
    assert isinstance(error, GatewayUnavailable) and error.reason is Reason.NOT_SECURE
    assert "no secure line" in error.user_text and service.requests == []


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that it signed itself, with its key in the same file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is needed to make a certificate")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
    more = ("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert))
    subprocess.run(
        [openssl, *words.split(), *more],
        check=True,
        capture_output=True,
    )
    both = tmp_path / "both.pem"
    both.write_bytes(cert.read_bytes() + key.read_bytes())
    return both


@pytest.fixture
async def tls_service(service: Any, certificate: Path) -> AsyncIterator[Any]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    await service.stop()
    await service.start(tls)
    yield service


async def test_an_untrusted_certificate_is_unavailable_and_nothing_is_sent(
    tls_service: Any, cloud_at: Any
) -> None:
    tls_service.say("200 OK", page(tls_service.url + "/pay"))
    error = await ending(cloud_at(tls_service.url, training=False))
    assert isinstance(error, GatewayUnavailable) and error.reason is Reason.CERTIFICATE
    assert "certificate is not trusted" in error.user_text and "administrator" in error.user_text
    assert tls_service.requests == []


async def test_a_trusted_certificate_is_fine(
    tls_service: Any, certificate: Path, profiles: dict[str, Profile]
) -> None:
    tls_service.say("200 OK", page("https://127.0.0.1/pay"))
    async with make_client(SHORT, ssl.create_default_context(cafile=str(certificate))) as client:
        cloud = InvoiceCloud(
            client=client, base_url=tls_service.url, profiles=profiles, api_keys=lambda biller: KEY
        )
        assert await cloud.launch(REQUEST, "city") == "https://127.0.0.1/pay"


# -- the table ---------------------------------------------------------------------------------------------


def _every_httpx_error(kind: type[Exception]) -> list[type[Exception]]:
    return [kind, *(deeper for child in kind.__subclasses__() for deeper in _every_httpx_error(child))]


@pytest.mark.parametrize("kind", _every_httpx_error(httpx.RequestError), ids=lambda kind: kind.__name__)
async def test_never_sent_is_unavailable_and_all_else_in_doubt(
    kind: type[httpx.RequestError], profiles: dict[str, Profile]
) -> None:
    class Broken(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            raise kind("no")

    never_sent = {"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol"}
    async with httpx.AsyncClient(transport=Broken()) as client:
        cloud = InvoiceCloud(
            client=client,
            base_url="https://www.example.org",
            profiles=profiles,
            api_keys=lambda biller: KEY,
        )
        error = await ending(cloud)
    assert isinstance(error, Unavailable if kind.__name__ in never_sent else InDoubt)


def test_every_reason_has_words_and_none_a_placeholder() -> None:
    assert set(ENDINGS) == set(Reason)
    purpose = Purpose("It failed", "No money was taken.", ", or take cash")
    for reason in Reason:
        text = failure(reason, purpose, "code 7").user_text
        assert text.startswith("It failed: ") and "No money was taken. " in text and text.endswith(".")
        assert not set("{}") & set(text) and "code 7" not in text and "  " not in text
    assert {reason for _, reason in TRANSPORT_ERRORS} | set(STATUSES.values()) <= set(Reason)


def test_messages_are_bounded() -> None:
    assert (
        service_message(json.dumps({"Message": "y" * 5000}).encode(), "")
        == "y" * (MESSAGE_MAX_CHARS - 1) + "…"
    )


# -- keys --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["", "kéy", "two\nlines"])
async def test_a_key_that_is_none_is_refused_before_anything_is_sent(
    key: str, service: Any, cloud_at: Any
) -> None:
    with pytest.raises(Refused, match="API key of the biller 'city'") as refused:
        await cloud_at(service.url, api_keys=lambda biller: key).launch(REQUEST, "city")
    assert not key or key not in str(refused.value)
    assert service.requests == []


def test_the_key_is_not_kept(cloud_at: Any) -> None:
    cloud = cloud_at("https://www.example.org")
    assert KEY not in repr(cloud) and KEY not in repr(vars(cloud))


async def test_a_working_key(service: Any, cloud_at: Any) -> None:
    for body in (b"", b'{"Status": "ok"}'):
        service.say("200 OK", body)
        await cloud_at(service.url).biller_status("city")
    head, _ = service.requests[-1]
    assert head.startswith(b"GET /api/v1/biller/status HTTP/1.1\r\n")
    assert base64.b64decode(service.head()["authorization"].split()[1]) == b"training-api-key:"


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        ("401 Unauthorized", b'{"Message": "no such key"}', Reason.KEY_REFUSED),
        ("500 Server Error", b"", Reason.SERVER_ERROR),
        ("200 OK", b"<html>wifi login</html>", Reason.NOT_JSON),
    ],
)
async def test_a_key_that_does_not_work(
    status: str, body: bytes, reason: Reason, service: Any, cloud_at: Any
) -> None:
    service.say(status, body)
    with pytest.raises(CashierError) as caught:
        await cloud_at(service.url).biller_status("city")
    error: Any = caught.value
    assert error.reason is reason and error.user_text.startswith("The API key could not be checked: ")


# -- requests ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mcci", "cloudpermit", "grancius", "leadsonline", "sagesgov"])
def test_the_port_makes_the_partners_request(
    name: str, cloud_at: Any, sale_of: Callable[[str], Sale], sample_of: Callable[[str], str]
) -> None:
    cloud = cloud_at("https://www.example.org")
    assert cloud.request(sale_of(name), None) + "\n" == sample_of(name)
    counter = CounterExtras("A-0190", "https://hub.example.org/pb", None, None)
    assert json.loads(cloud.request(sale_of(name), counter))["BillerReference"] == "A-0190"


def test_the_port_refuses_a_sale_with_one_fault_a_line(cloud_at: Any, sale_of: Callable[[str], Sale]) -> None:
    sale = sale_of("mcci")
    bad = replace(sale, customer=replace(sale.customer, account_number="", city="x" * 200))
    with pytest.raises(Refused) as refused:
        cloud_at("https://www.example.org").request(bad, None)
    assert refused.value.faults == (
        "customer.account_number: must not be empty",
        "customer.city: is longer than 100 characters",
    )


def test_the_port_numbers_and_tells_about_emv(cloud_at: Any, sale_of: Callable[[str], Sale]) -> None:
    cloud = cloud_at("https://www.example.org")
    sale = sale_of("mcci")
    unnumbered = replace(sale, invoices=(replace(sale.invoices[0], number=None),))
    assert cloud.number_invoices(unnumbered, "A77").invoices[0].number == "A77-6"
    assert cloud.emv_refusal(sale) is None
    with pytest.raises(Refused, match="'other' is not a profile"):
        cloud.emv_refusal(replace(sale, profile="other"))
