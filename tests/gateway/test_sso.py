"""The calls of single sign-on on the wire: what is sent, what an answer means, what never shows."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from cashier.domain.accounts import AccountPage, Secret, SignOnOver, WrongPassword
from cashier.domain.errors import CashierError, InDoubt, Refused
from cashier.domain.sale import Customer
from cashier.gateway.sso import Look, Paths, SingleSignOn
from cashier.gateway.transport import Timeouts, make_client

KEY = "training-api-key"
PASSWORD, TOKEN = Secret("planted-pass-7"), Secret("planted-token-of-a-test-7")
SHORT = Timeouts(connect_s=0.3, read_s=0.3, write_s=0.3, pool_s=0.3, whole_s=5)


@pytest.fixture
async def sso_at() -> AsyncIterator[Any]:
    async with make_client(SHORT) as client:

        def make(url: str, **more: Any) -> SingleSignOn:
            options: dict[str, Any] = {
                "client": client,
                "biller": "city",
                "api_keys": lambda _biller: KEY,
                "training": True,
                "timeouts": SHORT,
            }
            return SingleSignOn(base_url=url, **(options | more))

        yield make


def sent(service: Any) -> tuple[str, dict[str, Any]]:
    head, body = service.requests[-1]
    return head.decode().split("\r\n")[0], json.loads(body)


async def test_every_call_goes_where_the_contract_says_with_login_type_1(service: Any, sso_at: Any) -> None:
    sso = sso_at(service.url + "/")
    service.say("200 OK", b'{"Data": {"RemoteAuthenticationToken": "a-token-of-a-test"}}')
    assert await sso.authenticate("robin@example.org", PASSWORD) == Secret("a-token-of-a-test")
    assert sent(service) == (
        "POST /api/v1/remoteauth/authenticate HTTP/1.1",
        {"Username": "robin@example.org", "Password": PASSWORD.reveal(), "LoginTypeID": 1},
    )
    assert service.head()["authorization"] == "Basic dHJhaW5pbmctYXBpLWtleTo="  # the key and a colon
    await sso.register("MY-1", "robin@example.org", PASSWORD)
    line, body = sent(service)
    assert line == "POST /api/v1/remoteauth/register HTTP/1.1"
    assert body == {
        "AccountNumber": "MY-1",
        "EmailAddress": "robin@example.org",
        "Username": "robin@example.org",
        "Password": PASSWORD.reveal(),
        "LoginTypeID": 1,
    }
    service.say("200 OK", b'{"CustomerGuid": "0e7f"}')
    assert await sso.customer_guid("MY-1", "robin@example.org") == "0e7f"
    assert sent(service) == (
        "POST /api/v1/customer/RetrieveCustomerGuid HTTP/1.1",
        {"AccountNumber": "MY-1", "EmailAddress": "robin@example.org", "Username": ""},
    )


async def test_a_biller_with_other_paths_gets_them(service: Any, sso_at: Any) -> None:
    sso = sso_at(
        service.url,
        paths=replace(Paths(), users="/api/v2/users", connect="/sso"),
        look=Look("https://x.example.org/a.css", "https://x.example.org/back", "Sampleton"),
    )
    service.say("200 OK", b'{"users": []}')
    assert await sso.users(account="MY-1") == ()
    assert sent(service)[0] == "POST /api/v2/users HTTP/1.1"
    assert sso.page_url(TOKEN, AccountPage.SCHEDULED_PAYMENTS) == (
        f"{service.url}/sso?RemoteAuthenticationToken=planted-token-of-a-test-7&ViewMode=1&RedirectID=9"
        "&CSSUrl=https%3A%2F%2Fx.example.org%2Fa.css&ReturnUrl=https%3A%2F%2Fx.example.org%2Fback"
        "&CustomReturnSiteName=Sampleton"
    )


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        ("400 Bad Request", "User name or password is not valid.", WrongPassword),
        ("404 Not Found", "USER WAS NOT FOUND", WrongPassword),
        ("200 OK", "User name or password is not valid", WrongPassword),
        ("400 Bad Request", "The account is locked.", Refused),
        ("401 Unauthorized", "The API key is missing or not valid.", Refused),
        ("500 Server Error", "Oops", InDoubt),
        ("302 Found", "", InDoubt),
    ],
)
async def test_what_a_refused_sign_on_means(
    service: Any, sso_at: Any, status: str, message: str, kind: type[CashierError]
) -> None:
    body = {"Success": False, "Message": message} if status.startswith("200") else {"Message": message}
    service.say(status, json.dumps(body).encode())
    with pytest.raises(kind) as caught:
        await sso_at(service.url).authenticate("robin@example.org", PASSWORD)
    assert (kind is WrongPassword) == isinstance(caught.value, WrongPassword)


async def test_a_path_that_is_not_there_is_no_account_that_is_not_there(service: Any, sso_at: Any) -> None:
    """A till that took it for one would make a record of everybody who is there already."""
    service.say("404 Not Found", b"<html>There is no such page</html>")
    for call in (sso_at(service.url).customer_guid("MY-1", ""), sso_at(service.url).users(account="MY-1")):
        with pytest.raises(Refused):
            await call
    service.say("400 Bad Request", b'{"Message": "Customer was not found."}')
    assert await sso_at(service.url).customer_guid("MY-1", "") is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{}",
        b'{"Data": {"RemoteAuthenticationToken": ""}}',
        b'{"Data": {"RemoteAuthenticationToken": 17}}',
        b'{"Data": {"RemoteAuthenticationToken": "short"}}',
        b'{"Data": {"RemoteAuthenticationToken": "with \\"quotes\\" in it"}}',
        b'{"Data": {"RemoteAuthenticationToken": "with a\\nline end in it"}}',
        json.dumps({"Data": {"RemoteAuthenticationToken": "x" * 5000}}).encode(),
    ],
)
async def test_a_token_that_is_none_is_in_doubt(service: Any, sso_at: Any, body: bytes) -> None:
    service.say("200 OK", body)
    with pytest.raises(InDoubt):
        await sso_at(service.url).authenticate("robin@example.org", PASSWORD)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"Data": {"Users": "many"}}',
        b'{"Data": {"Users": [1]}}',
        b'{"Data": {"Users": [{"EmailAddress": "", "AccountNumbers": []}]}}',
        b'{"Data": {"Users": [{"EmailAddress": "a@b.org"}]}}',
        json.dumps({"Data": {"Users": [{"EmailAddress": "a@b.org", "AccountNumbers": []}] * 201}}).encode(),
    ],
)
async def test_users_that_cannot_be_read_are_not_guessed_at(service: Any, sso_at: Any, body: bytes) -> None:
    service.say("200 OK", body)
    with pytest.raises(InDoubt):
        await sso_at(service.url).users(account="MY-1")


async def test_nothing_secret_comes_back_in_a_message(service: Any, sso_at: Any) -> None:
    """The service may repeat what it was sent; cut off or not, no part of it is told."""
    sso = sso_at(service.url)
    for status in ("400 Bad Request", "200 OK", "500 Server Error", "429 Too Many", "403 Forbidden"):
        for secret, make in (
            (PASSWORD, lambda: sso.authenticate("robin@example.org", PASSWORD)),
            (PASSWORD, lambda: sso.register("MY-1", "robin@example.org", PASSWORD)),
            (PASSWORD, lambda: sso.update_password("robin@example.org", PASSWORD)),
            (TOKEN, lambda: sso.link(TOKEN, "MY-1")),
        ):
            echo = f"{'x' * 185} {secret.reveal()} {KEY} {secret.reveal()}"
            service.say(status, json.dumps({"Success": False, "Message": echo}).encode())
            with pytest.raises(CashierError) as caught:
                await make()
            said = f"{caught.value!r} {caught.value.user_text} {caught.value.__cause__!r}"
            assert "x" * 100 in said
            assert secret.reveal()[:6] not in said and KEY[:10] not in said, status


async def test_a_token_over_is_told_as_such(service: Any, sso_at: Any) -> None:
    text = b'{"Message": "RemoteAuthenticationToken is not valid or has expired."}'
    service.say("400 Bad Request", text)
    with pytest.raises(SignOnOver):
        await sso_at(service.url).accounts(TOKEN)


async def test_without_a_key_nothing_is_sent(service: Any, sso_at: Any) -> None:
    with pytest.raises(Refused, match="API key of the biller 'city'"):
        await sso_at(service.url, api_keys=lambda _biller: "").create(Customer("MY-4", "Sam New"))
    assert service.requests == []


def test_a_plain_line_is_refused_outside_training(sso_at: Any) -> None:
    with pytest.raises(Refused):
        sso_at("http://127.0.0.1:1", training=False)
