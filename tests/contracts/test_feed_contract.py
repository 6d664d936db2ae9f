"""What the hub promises a till about its postbacks, run against the fake and the real hub."""

import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import httpx
import pytest

from cashier.adapters import HubFeed
from cashier.clock import SystemClock, SystemRandomness
from cashier.domain.errors import Unavailable
from cashier.domain.postback import Approved, Postback
from cashier.hub.client import HubClient
from cashier.hub.serve import RunningHub
from cashier.settings import check
from cashier.till.ports import PostbackFeed
from tests.fakes.feed import FakeFeed
from tests.helpers.tls import tls

REFERENCE = "A-0190c4d2a7b87c3e9f00112233445566"


class World(NamedTuple):
    """A feed, and the gateway posting an approval of so many cents to an address that it made."""

    feed: PostbackFeed
    post: Callable[[str, int], Awaitable[None]]
    cut: Callable[[], None]


@pytest.fixture(params=["fake", "real"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    if request.param == "fake":
        fake = FakeFeed()

        async def post(_url: str, cents: int) -> None:
            fake.send(REFERENCE, Postback(Approved.YES, payment_amount_cents=cents), cents)

        yield World(fake, post, lambda: fake.fail(Unavailable("The hub does not answer.")))
        return
    with RunningHub(f"sqlite:///{tmp_path}/hub.db", secrets.token_bytes(32)) as hub:
        async with contextlib.AsyncExitStack() as stack:
            http = await stack.enter_async_context(httpx.AsyncClient(verify=tls()))
            key = hub.enrol("sampletown", "A")
            table = {
                "site": "sampletown",
                "till": "A",
                "agency": "Sampletown",
                "profile": "mcci",
                "schedule": "lakeland",
                "hub": {"url": hub.url},
                "billers": [{"name": "town", "invoice_types": {6: "Building"}}],
            }
            settings = check(table, "test", environment=False)
            client = HubClient(http, hub.url, "sampletown", "A", key)
            feed = HubFeed(client, settings, key, SystemClock(), SystemRandomness())

            async def post_form(url: str, cents: int) -> None:
                form = {
                    "Approved": "True",
                    "InvoiceNumber": "700001",
                    "BillerReference": REFERENCE,
                    "PaymentAmount": f"{cents // 100}.{cents % 100:02d}",
                }
                headers = {"content-type": "application/x-www-form-urlencoded"}
                answer = await http.post(url, content=urlencode(form).encode(), headers=headers)
                assert answer.status_code == 204

            yield World(feed, post_form, lambda: hub.__exit__(None, None, None))


async def test_what_is_posted_is_pulled_until_it_is_acknowledged(world: World) -> None:
    assert list(await world.feed.pull(0)) == []
    await world.post(world.feed.mint_url(REFERENCE, 10_000), 10_000)
    for _ in range(2):
        (delivered,) = await world.feed.pull(0)
        assert (delivered.reference, delivered.amount_cents) == (REFERENCE, 10_000)
        assert (delivered.postback.approved, delivered.postback.payment_amount_cents) == (
            Approved.YES,
            10_000,
        )
    await world.feed.acknowledge([delivered.id])
    assert list(await world.feed.pull(0)) == []
    await world.feed.acknowledge([delivered.id])


async def test_they_come_in_the_order_in_which_they_came(world: World) -> None:
    url = world.feed.mint_url(REFERENCE, 10_000)
    for cents in (1, 2, 3):
        await world.post(url, cents)
    delivered = await world.feed.pull(0)
    assert [item.postback.payment_amount_cents for item in delivered] == [1, 2, 3]
    await world.feed.acknowledge([delivered[1].id])
    assert [item.postback.payment_amount_cents for item in await world.feed.pull(0)] == [1, 3]


async def test_every_address_is_another(world: World) -> None:
    assert len({world.feed.mint_url(REFERENCE, 10_000) for _ in range(50)}) == 50


async def test_a_hub_that_does_not_answer_is_unavailable(world: World) -> None:
    world.cut()
    with pytest.raises(Unavailable):
        await world.feed.pull(0)
