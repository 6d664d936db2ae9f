"""A till core as a process of its own: it sells until it is killed, and says what it promised anybody."""

import asyncio
import json
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from cashier.domain.payment import PaymentEvent
from tests.fakes.clock import MovingClock, SeededRandomness
from tests.fakes.gateway import FakeGateway
from tests.helpers.payments import told_all
from tests.till.conftest import Desk, FaultyJournal

#: What is said, each with a payment's reference: the gateway heard of it; its page's address was handed out;
#: its postback is acknowledged (with the receipt's number).
HEARD, PAGE, PAID = "heard", "page", "paid"


class _Gateway(FakeGateway):
    def __init__(self, say: Connection) -> None:
        super().__init__()
        self._say = say

    async def launch(self, request: str, biller: str) -> str:
        self._say.send((HEARD, json.loads(request)["reference"], ""))
        return await super().launch(request, biller)


def sell_until_killed(file: Path, round_: int, say: Connection) -> None:
    """Never returns. `round_` makes this process's time and ids different from the earlier ones'."""
    asyncio.run(_sell(file, round_, say))


async def _sell(file: Path, round_: int, say: Connection) -> None:
    clock = MovingClock()
    clock.advance(3600 * round_)
    with FaultyJournal(file, till="A", clock=clock, holder=f"round {round_}") as journal:
        desk = Desk(journal, clock)
        desk.randomness, desk.gateway = SeededRandomness(1000 + round_), _Gateway(say)
        desk.restart()
        number = 0
        while True:
            number += 1
            clock.advance(1)
            payment = await desk.open_page("permit")
            say.send((PAGE, payment.reference, ""))
            desk.hint(PaymentEvent.PAGE_SUBMITTED)
            told = told_all(payment, payment_guid=f"guid-{round_}-{number}")
            delivered = replace(desk.feed.send(payment.reference, told), id=f"hub-{round_}-{number}")
            receipt = desk.till.take(delivered).receipt
            assert receipt is not None
            say.send((PAID, payment.reference, receipt.number))
            desk.till.new_sale()
