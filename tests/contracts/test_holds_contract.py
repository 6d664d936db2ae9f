"""What the hub promises about held invoices, run against the fake and the real hub over a real socket."""

import contextlib
import secrets
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from cashier.domain.errors import Discrepancy, Held
from cashier.domain.ids import held_reference
from cashier.domain.money import Cents
from cashier.domain.payment import InvoiceShare, PaymentState
from cashier.hub.client import HubClient
from cashier.hub.serve import RunningHub
from cashier.till.ports import Holds, Portal
from tests.fakes.holds import FakeHolds, FakeHub
from tests.helpers.tls import tls

S = PaymentState
ONE, TWO = "A-0190c4d2a7b87c3e9f00112233445566", "B-0190c4d2a7b87c3e9f00112233445577"
SHARES = (InvoiceShare("700001-6", Cents(10_000)), InvoiceShare("700001-43", Cents(4_000)))
PORTAL = Portal("https://permits.example.org/postback?payment-id=7", "10042|77")

#: Makes a till's line to the hub of the site.
MakeHolds = Callable[[str], Holds]


@pytest.fixture(params=["fake", "real"])
async def holds_of(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MakeHolds]:
    if request.param == "fake":
        hub = FakeHub()
        yield lambda till: FakeHolds(hub, till)
        return
    with RunningHub(f"sqlite:///{tmp_path}/hub.db", secrets.token_bytes(32)) as running:
        async with contextlib.AsyncExitStack() as stack:
            http = await stack.enter_async_context(httpx.AsyncClient(verify=tls()))
            yield lambda till: HubClient(
                http, running.url, "sampletown", till, running.enrol("sampletown", till)
            )


async def _announce(holds: Holds, reference: str = ONE, biller: str = "town", **changes: object) -> None:
    wanted = {"amount_cents": 14_000, "invoices": SHARES, "portal": PORTAL} | changes
    await holds.announce(reference, biller, **wanted)  # type: ignore[arg-type]


async def test_an_announced_payment_holds_until_it_is_settled(holds_of: MakeHolds) -> None:
    holds = holds_of("A")
    assert list(await holds.held()) == []
    await _announce(holds)
    assert list(await holds.held()) == [ONE]
    await holds.settled(ONE, S.APPROVED)
    assert list(await holds.held()) == []


async def test_the_same_announcement_again_is_the_same(holds_of: MakeHolds) -> None:
    holds = holds_of("A")
    for _ in range(3):
        await _announce(holds)
    assert list(await holds.held()) == [ONE]


async def test_other_content_under_the_same_reference_is_a_discrepancy(holds_of: MakeHolds) -> None:
    holds = holds_of("A")
    await _announce(holds)
    for changes in ({"amount_cents": 1}, {"invoices": SHARES[:1]}, {"portal": None}):
        with pytest.raises(Discrepancy):
            await _announce(holds, **changes)
    assert list(await holds.held()) == [ONE]


@pytest.mark.parametrize("number", ["700001-43", "700001-43".upper()])
async def test_p5_an_invoice_is_held_against_every_till_of_the_site(holds_of: MakeHolds, number: str) -> None:
    first, second = holds_of("A"), holds_of("B")
    await _announce(first)
    with pytest.raises(Held) as held:
        await _announce(second, TWO, invoices=(InvoiceShare(number, Cents(4_000)),), amount_cents=4_000)
    assert (held.value.till, held.value.reference, held.value.invoice) == ("A", ONE, number)
    assert held.value.since.endswith("Z")
    assert list(await second.held()) == [], "nothing of a refused payment stays"
    await first.settled(ONE, S.DECLINED)
    await _announce(second, TWO)
    assert (list(await first.held()), list(await second.held())) == ([], [TWO])


async def test_another_biller_has_other_invoices(holds_of: MakeHolds) -> None:
    await _announce(holds_of("A"))
    await _announce(holds_of("B"), TWO, "police")


async def test_settling_may_be_repeated(holds_of: MakeHolds) -> None:
    holds = holds_of("A")
    await _announce(holds)
    for _ in range(2):
        await holds.settled(ONE, S.ABANDONED)
    assert list(await holds.held()) == []


async def test_what_is_announced_once_more_is_held_once_more(holds_of: MakeHolds) -> None:
    """A person ended the hold of a till thought dead; when it goes on, its payment must be safe again."""
    holds = holds_of("A")
    await _announce(holds)
    await holds.settled(ONE, S.ABANDONED)
    await _announce(holds)
    assert list(await holds.held()) == [ONE]
    with pytest.raises(Held):
        await _announce(holds_of("B"), TWO)


async def test_nothing_is_quarantined_at_first(holds_of: MakeHolds) -> None:
    assert list(await holds_of("A").quarantined()) == []


async def test_a_sale_put_aside_holds_its_invoices_and_gives_them_back(holds_of: MakeHolds) -> None:
    first, second = holds_of("A"), holds_of("B")
    reference = held_reference("A", uuid.UUID(int=7))
    await _announce(first, reference, portal=None)
    with pytest.raises(Held, match="till A has put aside since") as held:
        await _announce(second, TWO)
    assert (held.value.till, held.value.reference) == ("A", reference)
    assert list(await first.held()) == [reference]
    await first.settled(reference, S.ABANDONED)
    await _announce(second, TWO)
