"""What every enquiry promises, run against the fake and the real one over the real sandbox."""

import asyncio
import contextlib
import datetime as dt
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest
import simplejson

from cashier.domain.enquiry import FoundCustomer, FoundInvoice
from cashier.domain.errors import CashierError, InDoubt, Refused, TooBusy, Unavailable
from cashier.domain.money import Cents
from cashier.gateway.enquiry import InvoiceEnquiry
from cashier.gateway.transport import Timeouts, make_client
from cashier.sandbox.config import SandboxConfig
from cashier.sandbox.serve import RunningSandbox
from cashier.till.ports import Enquiry
from tests.fakes.enquiry import FakeEnquiry, FakeInvoice
from tests.sandbox.payer import Payer

SAMPLE = Path(__file__).parents[1] / "data" / "samples" / "mcci.json"
NUMBER, TOTAL = "MCCI-2026-0001", 18_000
AT_MOST_S = 20
ROBIN = FoundCustomer(
    "BU7-00042",
    "Robin Example",
    "3 Sample Lane",
    "Sampletown",
    "FL",
    "32003",
    "",
    "robin@example.org",
)


class World(Protocol):
    """An enquiry and the gateway behind it. `town` is set up, `other` is not."""

    enquiry: Enquiry

    async def launch(self) -> None: ...
    async def pay(self, cents: int) -> None: ...
    async def seed(self) -> None: ...
    def refuse_credentials(self) -> None: ...
    def be_busy(self, times: int, retry_after_s: int | None) -> None: ...
    def be_silent(self) -> None: ...
    def be_unreachable(self) -> None: ...
    def deny(self, times: int) -> None: ...
    def lag(self, times: int) -> None: ...
    def asked(self) -> int: ...


class FakeWorld:
    def __init__(self) -> None:
        self.fake = FakeEnquiry(not_set_up={"other"})
        self.enquiry: Enquiry = self.fake

    async def launch(self) -> None:
        self.fake.launch(NUMBER, TOTAL)

    async def pay(self, cents: int) -> None:
        self.fake.pay(NUMBER, cents)

    async def seed(self) -> None:
        self.fake.invoices["UB-12345"] = FakeInvoice(
            12_000,
            2_000,
            date=dt.date(2026, 1, 5),
            due_date=dt.date(2026, 2, 28),
            minimum_cents=2_500,
            allow_partial=True,
            autopay=dt.date(2026, 2, 20),
        )
        self.fake.customers["BU7-00042"] = ROBIN

    def refuse_credentials(self) -> None:
        self.fake.refused.add("town")

    def be_busy(self, times: int, retry_after_s: int | None) -> None:
        self.fake.busy_times, self.fake.retry_after_s = times, retry_after_s

    def be_silent(self) -> None:
        self.fake.is_answering = False

    def be_unreachable(self) -> None:
        self.fake.is_reachable = False

    def deny(self, times: int) -> None:
        self.fake.not_found_times = times

    def lag(self, times: int) -> None:
        self.fake.stale_times = times

    def asked(self) -> int:
        return len(self.fake.asked)


class RealWorld:
    """The clock only moves when the enquiry sleeps, so nothing here waits."""

    def __init__(self, client: httpx.AsyncClient, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self._client = client
        self._now = 0.0
        self._key = SandboxConfig().web_service_key
        self._begin(None)

    def _begin(self, retry_after_s: int | None) -> None:
        self._sandbox = self._stack.enter_context(RunningSandbox(SandboxConfig(retry_after_s=retry_after_s)))
        self.enquiry: Enquiry = self._at(self._sandbox.url)

    def _at(self, url: str, whole_s: float = AT_MOST_S) -> InvoiceEnquiry:
        def key_of(biller: str) -> str:
            if biller != "town":
                raise Refused(f"The key of {biller} is missing.")
            return self._key

        return InvoiceEnquiry(
            client=self._client,
            base_url=url,
            guids=dict.fromkeys(("town", "other"), self._sandbox.config.biller_guid),
            web_service_keys=key_of,
            monotonic=lambda: self._now,
            sleep=self._sleep,
            training=True,
            timeouts=Timeouts(whole_s=whole_s),
        )

    async def _sleep(self, seconds: float) -> None:
        self._now += seconds

    async def launch(self) -> None:
        request: dict[str, Any] = simplejson.loads(SAMPLE.read_text(), use_decimal=True)
        answer = await asyncio.to_thread(
            self._sandbox.control.post,
            "/cloudpaymentsapi/v2",
            content=simplejson.dumps(request).encode(),
            auth=(self._sandbox.config.api_key, ""),
        )
        self._page = answer.json()["Data"]["CloudPaymentURL"]

    async def pay(self, cents: int) -> None:
        def at_the_page() -> None:
            with Payer(self._page) as payer:
                payer.to_review(**{"amount-0": f"{cents // 100}.{cents % 100:02d}"})
                assert "Thank you" in payer.process().text

        await asyncio.to_thread(at_the_page)

    async def seed(self) -> None:
        await asyncio.to_thread(
            self._sandbox.seed_invoice,
            "UB-12345",
            "120.00",
            paid="20.00",
            minimum="25.00",
            allow_partial=True,
            date="2026-01-05",
            due_date="2026-02-28",
            autopay="2026-02-20",
        )
        await asyncio.to_thread(
            self._sandbox.seed_customer,
            "BU7-00042",
            name="Robin Example",
            address="3 Sample Lane",
            city="Sampletown",
            state="FL",
            zip="32003",
            email="robin@example.org",
        )

    def refuse_credentials(self) -> None:
        self._key = "another-key"

    def be_busy(self, times: int, retry_after_s: int | None) -> None:
        self._begin(retry_after_s)
        self._sandbox.set_enquiry_fault("enquiry-429", times)

    def be_silent(self) -> None:
        self._sandbox.set_enquiry_fault("enquiry-silent")
        self.enquiry = self._at(self._sandbox.url, whole_s=0.3)

    def be_unreachable(self) -> None:
        free = self._stack.enter_context(socket.socket())
        free.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        self.enquiry = self._at(f"http://127.0.0.1:{free.getsockname()[1]}")

    def deny(self, times: int) -> None:
        self._sandbox.set_enquiry_fault("enquiry-not-found", times)

    def lag(self, times: int) -> None:
        self._sandbox.set_enquiry_fault("enquiry-stale", times)

    def asked(self) -> int:
        return self._sandbox.enquiries()


@pytest.fixture(params=["fake", "real"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "fake":
        yield FakeWorld()
        return
    with contextlib.ExitStack() as stack:
        async with make_client(Timeouts()) as client:
            yield RealWorld(client, stack)


async def failing(world: World, biller: str = "town") -> CashierError:
    with pytest.raises(CashierError) as caught:
        await asyncio.wait_for(world.enquiry.ask(NUMBER, biller), AT_MOST_S)
    assert caught.value.user_text
    return caught.value


async def test_it_knows_whom_it_can_ask(world: World) -> None:
    assert world.enquiry.can_ask("town")
    assert not world.enquiry.can_ask("other")
    assert isinstance(await failing(world, "other"), Refused)
    assert world.asked() == 0


async def test_an_invoice_nobody_launched_is_not_found(world: World) -> None:
    status = await world.enquiry.ask(NUMBER, "town")
    assert (status.number, status.found) == (NUMBER, False)
    assert (status.total_due_cents, status.balance_cents) == (None, None)
    assert status.message


@pytest.mark.parametrize("paid_cents", [0, 5_000, TOTAL])
async def test_the_balance_falls_by_what_was_paid(world: World, paid_cents: int) -> None:
    await world.launch()
    if paid_cents:
        await world.pay(paid_cents)
    for _ in range(2):  # asking changes nothing
        status = await world.enquiry.ask(NUMBER, "town")
        assert (status.number, status.found, status.message) == (NUMBER, True, "")
        assert (status.total_due_cents, status.balance_cents) == (TOTAL, TOTAL - paid_cents)
    assert world.asked() == 2


async def test_refused_credentials_are_refused(world: World) -> None:
    await world.launch()
    world.refuse_credentials()
    assert world.enquiry.can_ask("town")
    assert isinstance(await failing(world), Refused)


@pytest.mark.parametrize("retry_after_s", [None, 7])
async def test_too_busy_says_for_how_long_and_passes(world: World, retry_after_s: int | None) -> None:
    world.be_busy(2, retry_after_s)
    for _ in range(2):
        error = await failing(world)
        assert isinstance(error, TooBusy) and error.retry_after_s == retry_after_s
    assert not (await world.enquiry.ask(NUMBER, "town")).found
    assert world.asked() == 3


async def test_silence_is_in_doubt(world: World) -> None:
    world.be_silent()
    assert isinstance(await failing(world), InDoubt)


async def test_nobody_there_is_unavailable(world: World) -> None:
    world.be_unreachable()
    error = await failing(world)
    assert isinstance(error, Unavailable) and not isinstance(error, TooBusy)
    assert world.asked() == 0


async def test_the_gateway_may_know_of_it_later(world: World) -> None:
    await world.launch()
    world.deny(1)
    assert [(await world.enquiry.ask(NUMBER, "town")).found for _ in range(2)] == [False, True]


async def test_the_balance_may_lag_behind_the_payment(world: World) -> None:
    await world.launch()
    world.lag(1)
    await world.pay(TOTAL)
    balances = [(await world.enquiry.ask(NUMBER, "town")).balance_cents for _ in range(2)]
    assert balances == [TOTAL, 0]


async def test_calls_at_once_are_all_answered(world: World) -> None:
    await world.launch()
    numbers = (NUMBER, "nothing", NUMBER)
    answers = await asyncio.gather(*(world.enquiry.ask(number, "town") for number in numbers))
    assert [(answer.number, answer.found) for answer in answers] == [
        (NUMBER, True),
        ("nothing", False),
        (NUMBER, True),
    ]


# -- retrieving ----------------------------------------------------------------------------------------------


async def test_an_invoice_is_found_with_all_that_a_clerk_needs(world: World) -> None:
    await world.seed()
    found = await world.enquiry.find_invoice("town", "UB-12345")
    assert found == FoundInvoice(
        number="UB-12345",
        total_cents=Cents(12_000),
        balance_cents=Cents(10_000),
        date=dt.date(2026, 1, 5),
        due_date=dt.date(2026, 2, 28),
        minimum_cents=Cents(2_500),
        allow_partial=True,
        autopay=dt.date(2026, 2, 20),
    )
    assert found.least_cents == 2_500


async def test_a_launched_invoice_is_found_too_and_then_paid(world: World) -> None:
    await world.launch()
    found = await world.enquiry.find_invoice("town", NUMBER)
    assert found is not None and (found.total_cents, found.balance_cents) == (TOTAL, TOTAL)
    await world.pay(TOTAL)
    found = await world.enquiry.find_invoice("town", NUMBER)
    assert found is not None and (found.total_cents, found.balance_cents) == (TOTAL, 0)


async def test_an_unknown_number_is_an_answer_and_no_error(world: World) -> None:
    await world.seed()
    assert await world.enquiry.find_invoice("town", "UB-99999") is None
    assert await world.enquiry.find_customer("town", "BU7-99999") is None


async def test_a_customer_is_found_by_account_number(world: World) -> None:
    await world.seed()
    assert await world.enquiry.find_customer("town", "BU7-00042") == ROBIN


@pytest.mark.parametrize("what", ["find_invoice", "find_customer"])
async def test_a_biller_without_credentials_cannot_be_looked_up_at(world: World, what: str) -> None:
    with pytest.raises(Refused) as refused:
        await getattr(world.enquiry, what)("other", "UB-12345")
    assert "other" in refused.value.user_text
    assert world.asked() == 0


@pytest.mark.parametrize("what", ["find_invoice", "find_customer"])
async def test_looking_up_with_refused_credentials_is_refused(world: World, what: str) -> None:
    await world.seed()
    world.refuse_credentials()
    with pytest.raises(Refused):
        await getattr(world.enquiry, what)("town", "UB-12345")


async def test_looking_up_is_paced_and_waits_when_it_is_too_busy(world: World) -> None:
    world.be_busy(1, 7)
    await world.seed()
    with pytest.raises(TooBusy) as busy:
        await world.enquiry.find_invoice("town", "UB-12345")
    assert busy.value.retry_after_s == 7
    assert await world.enquiry.find_invoice("town", "UB-12345") is not None


async def test_silence_when_looking_up_is_in_doubt(world: World) -> None:
    world.be_silent()
    with pytest.raises(InDoubt):
        await asyncio.wait_for(world.enquiry.find_invoice("town", "UB-12345"), AT_MOST_S)


@pytest.mark.parametrize("what", ["find_invoice", "find_customer"])
async def test_nobody_there_when_looking_up_is_unavailable(world: World, what: str) -> None:
    world.be_unreachable()
    with pytest.raises(Unavailable):
        await getattr(world.enquiry, what)("town", "UB-12345")
