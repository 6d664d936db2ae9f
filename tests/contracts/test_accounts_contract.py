"""What customers' accounts promise, run against the fake and the real ones over the real sandbox."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from cashier.domain.accounts import (
    AccountPage,
    AccountUser,
    Secret,
    SignOnOver,
    UserAccount,
    WrongPassword,
)
from cashier.domain.errors import CashierError, InDoubt, Refused, TooBusy, Unavailable
from cashier.domain.sale import Customer
from cashier.gateway.sso import SingleSignOn
from cashier.gateway.transport import Timeouts, make_client
from cashier.sandbox.config import SandboxConfig
from cashier.sandbox.serve import RunningSandbox
from cashier.till.accounts_ports import CustomerAccounts
from tests.fakes.accounts import FakeAccounts

ROBIN, ALEX = "robin@example.org", "alex@example.org"
PASSWORD, OTHER = Secret("sample-pass-1"), Secret("sample-pass-2")
AT_MOST_S = 20


class World(Protocol):
    """Accounts: MY-1 registered by Robin, MY-2 registered by Alex, MY-3 by nobody; there is no MY-4."""

    port: CustomerAccounts

    def end_sign_ons(self) -> None: ...
    def be_silent(self) -> None: ...
    def be_unreachable(self) -> None: ...
    def be_busy(self) -> None: ...
    def lose(self, call: str) -> None: ...
    def asked(self) -> int: ...


class FakeWorld:
    def __init__(self) -> None:
        self.fake = FakeAccounts()
        self.port: CustomerAccounts = self.fake
        self.fake.seed("MY-1", ROBIN, PASSWORD.reveal(), "Robin Example")
        self.fake.seed("MY-2", ALEX, PASSWORD.reveal(), "Alex Sample")
        self.fake.seed("MY-3", name="Sam Nobody")

    def end_sign_ons(self) -> None:
        self.fake.end_sign_ons()

    def be_silent(self) -> None:
        self.fake.is_answering = False

    def be_unreachable(self) -> None:
        self.fake.is_reachable = False

    def be_busy(self) -> None:
        self.fake.busy_times = 1

    def lose(self, call: str) -> None:
        self.fake.lost_at.add(call)

    def asked(self) -> int:
        return len(self.fake.calls)


class RealWorld:
    def __init__(self, client: httpx.AsyncClient, stack: contextlib.ExitStack) -> None:
        self._client, self._stack = client, stack
        self.sandbox = stack.enter_context(RunningSandbox(SandboxConfig(accounts=())))
        self.port: CustomerAccounts = self._at(self.sandbox.url)
        self.sandbox.seed_user("MY-1", ROBIN, PASSWORD.reveal(), name="Robin Example")
        self.sandbox.seed_user("MY-2", ALEX, PASSWORD.reveal(), name="Alex Sample")
        self.sandbox.seed_user("MY-3", name="Sam Nobody")

    def _at(self, url: str, whole_s: float = AT_MOST_S) -> SingleSignOn:
        return SingleSignOn(
            client=self._client,
            base_url=url,
            biller="town",
            api_keys=lambda _biller: "training-api-key",
            training=True,
            timeouts=Timeouts(whole_s=whole_s),
        )

    def end_sign_ons(self) -> None:
        self.sandbox.end_sign_ons()

    def be_silent(self) -> None:
        self.sandbox.set_accounts_fault("silent")
        self.port = self._at(self.sandbox.url, whole_s=0.3)

    def be_unreachable(self) -> None:
        free = self._stack.enter_context(socket.socket())
        free.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        self.port = self._at(f"http://127.0.0.1:{free.getsockname()[1]}")

    def be_busy(self) -> None:
        self.sandbox.set_accounts_fault("too-busy", 1)

    def lose(self, call: str) -> None:
        self.sandbox.set_accounts_fault("done-then-silent", 1)
        self.port = self._at(self.sandbox.url, whole_s=0.3)

    def asked(self) -> int:
        return len(self.sandbox.accounts.calls)


@pytest.fixture(params=["fake", "real"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "fake":
        yield FakeWorld()
        return
    with contextlib.ExitStack() as stack:
        async with make_client(Timeouts()) as client:
            yield RealWorld(client, stack)


async def test_users_are_found_by_account_and_by_address(world: World) -> None:
    robin = AccountUser(ROBIN, ("MY-1",))
    assert await world.port.users(account="MY-1") == (robin,)
    assert await world.port.users(account="my-1") == (robin,)
    assert await world.port.users(email="Robin@Example.org") == (robin,)
    assert await world.port.users(account="MY-3") == ()
    assert await world.port.users(account="MY-4") == ()
    assert await world.port.users(email="nobody@example.org") == ()


async def test_a_record_is_there_or_not_registered_or_not(world: World) -> None:
    assert await world.port.customer_guid("MY-1", "")
    assert await world.port.customer_guid("MY-3", "")
    assert await world.port.customer_guid("", ROBIN) == await world.port.customer_guid("MY-1", "")
    assert await world.port.customer_guid("MY-4", "") is None
    assert await world.port.customer_guid("", "nobody@example.org") is None


async def test_a_missing_account_is_made_then_registered_then_signed_on(world: World) -> None:
    sam = Customer("MY-4", "Sam New", "1 Sample Lane", "Sampletown", "FL", "32003", "sam@example.org")
    with pytest.raises(Refused):
        await world.port.register("MY-4", sam.email, PASSWORD)
    for _ in range(2):  # one that is there already is as good
        await world.port.create(sam)
    assert await world.port.customer_guid("MY-4", "")
    await world.port.register("MY-4", sam.email, PASSWORD)
    token = await world.port.authenticate(sam.email, PASSWORD)
    assert await world.port.accounts(token) == (UserAccount("MY-4", "Sam New"),)


async def test_registered_is_registered_once(world: World) -> None:
    with pytest.raises(Refused):
        await world.port.register("MY-1", "new@example.org", PASSWORD)
    with pytest.raises(Refused):
        await world.port.register("MY-3", ROBIN, PASSWORD)
    assert await world.port.users(account="MY-3") == ()


async def test_only_the_right_password_signs_on(world: World) -> None:
    for email, password in ((ROBIN, OTHER), ("nobody@example.org", PASSWORD)):
        with pytest.raises(WrongPassword):
            await world.port.authenticate(email, password)
    assert await world.port.authenticate("ROBIN@example.org", PASSWORD)


async def test_each_sign_on_has_a_token_of_its_own(world: World) -> None:
    first = await world.port.authenticate(ROBIN, PASSWORD)
    second = await world.port.authenticate(ROBIN, PASSWORD)
    assert first != second
    assert repr(first) == "Secret(…)" and first.reveal() not in str(first)


async def test_accounts_are_linked_and_unregistered_with_every_link(world: World) -> None:
    robin = await world.port.authenticate(ROBIN, PASSWORD)
    alex = await world.port.authenticate(ALEX, PASSWORD)
    await world.port.link(robin, "MY-3")
    await world.port.link(robin, "MY-2")
    linked = (UserAccount("MY-3", "Sam Nobody", True), UserAccount("MY-2", "Alex Sample", True))
    assert await world.port.accounts(robin) == (UserAccount("MY-1", "Robin Example"), *linked)
    for account in ("MY-3", "MY-4"):  # linked already; not there
        with pytest.raises(Refused):
            await world.port.link(robin, account)
    await world.port.link(alex, "MY-3")
    await world.port.unregister(robin, "MY-3")
    assert [one.number for one in await world.port.accounts(robin)] == ["MY-1", "MY-2"]
    assert [one.number for one in await world.port.accounts(alex)] == ["MY-2"]
    with pytest.raises(Refused):
        await world.port.unregister(robin, "MY-3")


async def test_who_has_no_account_left_is_nobody(world: World) -> None:
    robin = await world.port.authenticate(ROBIN, PASSWORD)
    await world.port.unregister(robin, "MY-1")
    with pytest.raises(SignOnOver):
        await world.port.accounts(robin)
    with pytest.raises(WrongPassword):
        await world.port.authenticate(ROBIN, PASSWORD)
    assert await world.port.users(email=ROBIN) == ()
    assert await world.port.customer_guid("MY-1", ""), "the record stays"


async def test_address_and_password_are_changed(world: World) -> None:
    await world.port.update_email(ROBIN, "new@example.org")
    await world.port.update_password("new@example.org", OTHER)
    assert await world.port.authenticate("new@example.org", OTHER)
    with pytest.raises(WrongPassword):
        await world.port.authenticate(ROBIN, PASSWORD)
    with pytest.raises(Refused):
        await world.port.update_email("new@example.org", ALEX)
    with pytest.raises(Refused):
        await world.port.update_password(ROBIN, OTHER)


async def test_a_token_that_is_over_is_told_from_other_refusals(world: World) -> None:
    token = await world.port.authenticate(ROBIN, PASSWORD)
    world.end_sign_ons()
    for call in (
        world.port.accounts(token),
        world.port.link(token, "MY-3"),
        world.port.unregister(token, "MY-1"),
    ):
        with pytest.raises(SignOnOver):
            await call


@pytest.mark.parametrize("page", AccountPage)
async def test_a_pages_address_carries_what_it_must(world: World, page: AccountPage) -> None:
    token = await world.port.authenticate(ROBIN, PASSWORD)
    parts = urlsplit(world.port.page_url(token, page))
    told = parse_qs(parts.query)
    assert told == {
        "RemoteAuthenticationToken": [token.reveal()],
        "ViewMode": ["1"],
        "RedirectID": [str(page.value)],
    }


CALLS: dict[str, Callable[[CustomerAccounts], Awaitable[object]]] = {
    "users": lambda port: port.users(account="MY-1"),
    "customer_guid": lambda port: port.customer_guid("MY-1", ""),
    "create": lambda port: port.create(Customer("MY-4", "Sam New")),
    "register": lambda port: port.register("MY-3", "sam@example.org", PASSWORD),
    "authenticate": lambda port: port.authenticate(ROBIN, PASSWORD),
    "accounts": lambda port: port.accounts(Secret("a-token-of-a-test")),
    "link": lambda port: port.link(Secret("a-token-of-a-test"), "MY-3"),
    "unregister": lambda port: port.unregister(Secret("a-token-of-a-test"), "MY-1"),
    "update_email": lambda port: port.update_email(ROBIN, "new@example.org"),
    "update_password": lambda port: port.update_password(ROBIN, OTHER),
}


async def ending(work: Awaitable[object]) -> CashierError:
    with pytest.raises(CashierError) as caught:
        await asyncio.wait_for(work, AT_MOST_S)
    assert "takes no money" in caught.value.user_text or "busy" in caught.value.user_text
    for secret in (PASSWORD, OTHER, Secret("a-token-of-a-test")):
        assert secret.reveal() not in repr(caught.value)
    return caught.value


async def test_silence_is_in_doubt_whatever_was_asked(world: World) -> None:
    world.be_silent()
    for call in CALLS.values():
        assert isinstance(await ending(call(world.port)), InDoubt)


async def test_nobody_there_is_unavailable_whatever_was_asked(world: World) -> None:
    world.be_unreachable()
    before = world.asked()
    for call in CALLS.values():
        error = await ending(call(world.port))
        assert isinstance(error, Unavailable) and not isinstance(error, TooBusy)
    assert world.asked() == before


async def test_too_busy_passes(world: World) -> None:
    world.be_busy()
    error = await ending(world.port.users(account="MY-1"))
    assert isinstance(error, TooBusy) and error.retry_after_s == 2
    assert await world.port.users(account="MY-1")


async def test_what_was_done_before_the_answer_was_lost_is_done(world: World) -> None:
    world.lose("register")
    assert isinstance(await ending(world.port.register("MY-3", "sam@example.org", PASSWORD)), InDoubt)
    assert await world.port.users(account="MY-3") == (AccountUser("sam@example.org", ("MY-3",)),)
