"""Single sign-on at the sandbox: what it refuses, how long a sign-on lasts, what the pages do."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from cashier.sandbox.accounts import PAGES
from cashier.sandbox.config import TRAINING_ACCOUNTS

from .conftest import KEY, NOW, Counter, Start, sample
from .payer import text_of

NOBODY, ROBIN, ALEX = TRAINING_ACCOUNTS


def call(counter: Counter, path: str, key: str = KEY, **members: Any) -> httpx.Response:
    return counter.sandbox.control.post(f"/api/v1/{path}", json=members, auth=(key, ""))


def token_of(counter: Counter) -> str:
    answer = call(
        counter, "remoteauth/authenticate", Username=ROBIN.email, Password=ROBIN.password, LoginTypeID=1
    )
    token: str = answer.json()["Data"]["RemoteAuthenticationToken"]
    return token


def connect(counter: Counter, token: str, **query: str) -> httpx.Response:
    params = {"RemoteAuthenticationToken": token, "ViewMode": "1", "RedirectID": "1", **query}
    return counter.sandbox.control.get("/portal/sso/connect", params=params, follow_redirects=True)


def test_the_accounts_of_a_fresh_sandbox(counter: Counter) -> None:
    registered = {one["email"]: one["accounts"] for one in counter.sandbox.users()}
    assert registered == {ROBIN.email: [ROBIN.number], ALEX.email: [ALEX.number]}
    assert ALEX.told != ALEX.password and not NOBODY.password
    front = text_of(counter.sandbox.control.get("/"))
    assert ROBIN.told in front and ALEX.told in front and ALEX.password not in front


def test_every_call_wants_the_key_and_its_members(counter: Counter) -> None:
    for path in ("users", "register", "authenticate", "accounts", "password", "email", "link", "unregister"):
        assert call(counter, f"remoteauth/{path}", key="another").status_code == 401
    assert call(counter, "customer/create", key="another").status_code == 401
    for path in ("register", "authenticate", "accounts", "password", "email", "link", "unregister"):
        answer = call(counter, f"remoteauth/{path}")
        assert answer.status_code == 400 and answer.json()["Message"]
    assert call(counter, "customer/create", AccountNumber="X").status_code == 400


@pytest.mark.parametrize("login_type", [None, 0, 2])
def test_login_type_is_always_1(counter: Counter, login_type: int | None) -> None:
    members = {"Username": ROBIN.email, "Password": ROBIN.password, "LoginTypeID": login_type}
    answer = call(counter, "remoteauth/authenticate", **members)
    assert (answer.status_code, answer.json()["Message"]) == (400, "LoginTypeID must be 1.")


@pytest.mark.parametrize(("redirect", "name"), PAGES.items())
def test_each_redirect_id_leads_to_its_page(counter: Counter, redirect: int, name: str) -> None:
    page = connect(counter, token_of(counter), RedirectID=str(redirect))
    assert page.status_code == 200 and page.url.path.endswith(f"/{name}")
    assert f"Signed in as {ROBIN.email}" in text_of(page)
    assert "RemoteAuthenticationToken" not in str(page.url)


def test_without_a_sign_on_there_is_no_page(counter: Counter) -> None:
    assert connect(counter, "made-up-token-of-nobody").status_code == 403
    token = token_of(counter)
    assert connect(counter, token, RedirectID="4").status_code == 400
    assert connect(counter, token, ViewMode="0").status_code == 400
    page = connect(counter, token)
    counter.sandbox.end_sign_ons()
    assert counter.sandbox.control.get(page.url.path).status_code == 403
    assert connect(counter, token).status_code == 403


def test_a_sign_on_ends_after_its_time(start: Start) -> None:
    now = [NOW]
    counter = start(clock=lambda: now[0], sign_on_s=60)
    token = token_of(counter)
    now[0] += timedelta(seconds=59)
    assert connect(counter, token).status_code == 200
    now[0] += timedelta(seconds=1)
    assert connect(counter, token).status_code == 403
    assert call(counter, "remoteauth/accounts", RemoteAuthenticationToken=token).status_code == 400


def test_the_pages_never_show_or_change_address_or_password(counter: Counter) -> None:
    token = token_of(counter)
    for redirect in PAGES:
        page = connect(counter, token, RedirectID=str(redirect))
        assert token not in page.text and ROBIN.password not in page.text
        assert 'name="email"' not in page.text and 'type="password"' not in page.text
        answer = counter.sandbox.control.post(page.url.path, data={"do": "email", "email": "x@example.org"})
        assert "not understood" in text_of(answer)
    assert ROBIN.email in [one["email"] for one in counter.sandbox.users()]


def test_autopay_needs_a_method_and_ends_with_it(counter: Counter) -> None:
    token = token_of(counter)
    page = connect(counter, token, RedirectID="3").url.path
    assert "Add a payment method first" in text_of(counter.sandbox.control.post(page, data={"do": "on"}))
    options = connect(counter, token, RedirectID="5").url.path
    counter.sandbox.control.post(options, data={"do": "add", "card": "0"})
    counter.sandbox.control.post(page, data={"do": "on", "method": "VISA ending in 1111"})
    robin = next(one for one in counter.sandbox.users() if one["email"] == ROBIN.email)
    assert robin["autopay"] == "VISA ending in 1111"
    counter.sandbox.control.post(options, data={"do": "remove", "method": "VISA ending in 1111"})
    robin = next(one for one in counter.sandbox.users() if one["email"] == ROBIN.email)
    assert (robin["autopay"], robin["methods"]) == ("", [])


def test_a_payment_is_of_who_is_signed_on(counter: Counter) -> None:
    token = token_of(counter)
    request = sample("leadsonline", RemoteAuthenticationToken=token)
    assert counter.call(request).status_code == 200
    assert counter.payment()["signed_on"] == ROBIN.email
    assert token not in counter.sandbox.control.get("/sandbox/payments").text
    again = counter.call({**request, "RemoteAuthenticationToken": token_of(counter)})
    assert again.status_code == 400, "another token is another request"
    refused = counter.call({**request, "RemoteAuthenticationToken": "made-up-token"})
    assert "RemoteAuthenticationToken is not valid" in refused.json()["Message"]


def test_an_unknown_fault_is_refused(counter: Counter) -> None:
    answer = counter.sandbox.control.post("/sandbox/accounts-fault", json={"fault": "no-such"})
    assert answer.status_code == 400


def test_customers_are_restored_as_at_the_start(counter: Counter) -> None:
    token = token_of(counter)
    linked = call(counter, "remoteauth/link", RemoteAuthenticationToken=token, AccountNumber=NOBODY.number)
    assert linked.is_success
    assert counter.sandbox.control.post("/sandbox/customers/restore").is_success
    registered = {one["email"]: one["accounts"] for one in counter.sandbox.users()}
    assert registered == {ROBIN.email: [ROBIN.number], ALEX.email: [ALEX.number]}
    assert call(counter, "remoteauth/accounts", RemoteAuthenticationToken=token).status_code == 400
