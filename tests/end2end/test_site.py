"""A site: its tills hold invoices against each other, its portals hear of payments, its lines come and go."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from cashier.adapters import profiles
from cashier.clock import SystemClock
from cashier.domain.errors import Held, Refused
from cashier.domain.payment import PaymentState
from cashier.gateway.salefile import load_sale
from cashier.gateway.salemembers import BillerLimits
from cashier.hub.portals import Portals
from cashier.journal.sqlite import sqlite3
from cashier.till.snapshot import LineState
from cashier.ui.payer import until
from tests.end2end.conftest import DECLINING, VISA, Counter, fill
from tests.end2end.gateway_line import GatewayLine
from tests.end2end.test_in_doubt import pay_elsewhere
from tests.hub.portal import Portal, Received

SALES = Path(__file__).parents[1] / "data" / "sales"


def at_the_hub(counter: Counter, question: str, *values: str) -> int:
    """A number from the hub's database."""
    with closing(sqlite3.connect(str(counter.hub_file))) as connection:
        return int(connection.execute(question, values).fetchone()[0])


def test_p5_an_invoice_in_doubt_at_one_till_is_refused_at_the_next_until_it_is_settled(
    counter: Counter,
) -> None:
    counter.gateway(quiet_seconds=600)

    async def scenario(counter: Counter) -> None:
        counter.fill()
        payer = await counter.open_page()
        await payer.pay_by_typing(DECLINING)
        await until(lambda: counter.payment.card_declined, "the decline")
        counter.window.payment.other_way.click()
        assert counter.payment_state() is PaymentState.IN_DOUBT
        async with counter.beside("B") as other:
            fill(other)
            with pytest.raises(Held) as held:
                await other.pay_by_card()
            assert (held.value.till, held.value.reference) == ("A", counter.reference)
            assert "till A" in held.value.user_text
            assert f"{held.value.since[11:16]} UTC" in held.value.user_text
            assert counter.reference[:10] in held.value.user_text
            assert len(counter.sandbox.calls()) == 1  # the gateway never heard of the second
            assert not other.snapshot().unsettled
            # Here it is refused, too, by the journal alone.
            with pytest.raises(Refused, match="is not settled"):
                await counter.till.pay_by_card()
            await counter.later(601)
            await counter.state(PaymentState.DECLINED)
            live = "SELECT count(*) FROM holds WHERE ended_at IS NULL"
            await until(lambda: at_the_hub(counter, live) == 0, "the hold to be given back")
            await asyncio.to_thread(pay_elsewhere, await other.pay_by_card())
            await until(lambda: other.snapshot().receipt is not None, "the second till's receipt")
            assert [receipt.number for receipt in other.receipts("")] == ["B-000001"]
            [charge] = counter.sandbox.charges()
            assert charge["reference"] == other.current_reference
            assert not counter.till.receipts("")

    counter.run(scenario)
    counter.verify()


def test_o6_with_the_gateway_unreachable_cards_are_refused_while_the_hub_answers(
    counter: Counter, line: GatewayLine
) -> None:
    line.down()

    async def scenario(counter: Counter) -> None:
        till = counter.till
        await until(lambda: till.snapshot().line is LineState.OFFLINE, "the probe")
        assert at_the_hub(counter, "SELECT count(*) FROM tills") == 1
        counter.fill()
        assert "Invoice Cloud is not reached" in till.snapshot().draft.card_refusal
        assert till.snapshot().line_fault == "Invoice Cloud is not reached"
        counter.window.pay()
        await until(lambda: not counter.window._tasks, "the refusal")
        assert counter.window.payment.hosted is None
        with pytest.raises(Refused, match="Invoice Cloud is not reached"):
            await till.pay_by_card()
        assert counter.kinds() == []
        assert counter.sandbox.calls() == []
        line.up()
        assert await till.probe() is LineState.ONLINE
        await until(lambda: till.snapshot().line is LineState.ONLINE, "hub and gateway")
        payer = await counter.open_page()
        await payer.pay_by_typing(VISA)
        await counter.state(PaymentState.APPROVED)
        counter.paid_once()

    counter.run(scenario, online=False)


# -- the relay ---------------------------------------------------------------------------------------------


@pytest.fixture
def portal() -> Iterator[Portal]:
    """The permit portal."""
    with Portal() as running:
        yield running


@pytest.fixture
def relaying(make_counter: Callable[..., Counter], portal: Portal) -> Counter:
    """A counter whose hub may pass postbacks on to the portal."""
    return make_counter(portals=Portals.of(hosts=[portal.netloc], training=True))


def sent(counter: Counter, reference: str) -> list[bytes]:
    """What the gateway sent to our hub for a payment: the very bytes of each form."""
    [payment] = counter.sandbox.payments(reference)
    return [
        httpx.Request("POST", "http://hub", data=postback["parameters"]).content
        for postback in payment["postbacks"]
    ]


async def relayed(counter: Counter, count: int) -> None:
    """Wait until the hub has passed so many on, and knows it."""
    done = "SELECT count(*) FROM relay WHERE state = 'delivered'"
    await until(lambda: at_the_hub(counter, done) == count, "the relay")


def test_the_relay_passes_a_stored_postback_on_byte_for_byte_and_once(
    relaying: Counter, portal: Portal
) -> None:
    relaying.overrides["portal_url"] = portal.url
    relaying.sandbox.set_fault("double-postback")
    stored: list[int] = []

    def answer(request: Received) -> int:
        body = "SELECT count(*) FROM postbacks WHERE body = ?"
        stored.append(at_the_hub(relaying, body, request.body))  # type: ignore[arg-type]
        return 204

    portal.answer = answer

    async def scenario(counter: Counter) -> None:
        counter.fill()
        payer = await counter.open_page()
        await payer.pay_by_typing(VISA)
        await counter.state(PaymentState.APPROVED)
        await relayed(counter, 2)
        # Told twice by the gateway, so twice to the portal, each once and under a key of its own.
        assert [request.body for request in portal.received] == sent(counter, counter.reference)
        first, second = (request.key for request in portal.received)
        assert first != second
        assert all(stored)
        counter.paid_once()

    relaying.run(scenario)


@pytest.mark.parametrize(("name", "theirs"), [("leadsonline", "300001|55"), ("sagesgov", None)])
def test_a_sales_own_portal_hears_of_it(
    relaying: Counter, portal: Portal, tmp_path: Path, name: str, theirs: str | None
) -> None:
    members = json.loads((SALES / f"{name}.json").read_text())
    file = tmp_path / "sale.json"
    file.write_text(json.dumps(members | {"postback_url": portal.url + "?ticket=55"}))
    sale = load_sale(file, profiles(), BillerLimits(None, None), SystemClock().today())

    async def scenario(counter: Counter) -> None:
        url = await counter.till.pay_sale(sale)
        counter.window.payment.open(counter.reference, url)
        await asyncio.to_thread(pay_elsewhere, counter.page_url)
        await counter.state(PaymentState.APPROVED)
        await relayed(counter, 1)
        [request] = portal.received
        [body] = sent(counter, counter.reference)
        ours = f"BillerReference={counter.reference}".encode()
        assert ours in body
        if theirs is not None:
            body = body.replace(ours, b"BillerReference=" + theirs.replace("|", "%7C").encode())
        assert (request.target, request.body) == (b"/postback?ticket=55", body)

    relaying.run(scenario)
    relaying.verify()
