"""Probing the gateway: often while it does not answer, seldom while it does."""

import asyncio
import contextlib

import pytest

from cashier.domain.errors import Unavailable
from cashier.till.line import Line
from cashier.till.probe import REACHED_S, UNREACHED_S, keep_probing
from cashier.till.ringing import rung_or_after
from cashier.till.snapshot import LineState
from tests.till.conftest import Desk

UNKNOWN, ONLINE, OFFLINE = LineState.UNKNOWN, LineState.ONLINE, LineState.OFFLINE


async def test_o6_it_asks_at_once_and_then_by_what_it_heard(desk: Desk) -> None:
    desk.gateway.unreached = Unavailable("Invoice Cloud is not reached.")
    naps: list[float] = []

    async def nap(seconds: float) -> None:
        naps.append(seconds)
        await asyncio.sleep(0)
        if len(naps) == 2:
            desk.gateway.unreached = None
        if len(naps) == 4:
            raise asyncio.CancelledError

    with contextlib.suppress(asyncio.CancelledError):
        await keep_probing(desk.till, nap)
    assert naps == [UNREACHED_S, UNREACHED_S, REACHED_S, REACHED_S]


@pytest.mark.parametrize(
    ("hub", "gateway", "state", "fault"),
    [
        (UNKNOWN, UNKNOWN, UNKNOWN, ""),
        (ONLINE, UNKNOWN, UNKNOWN, ""),
        (ONLINE, ONLINE, ONLINE, ""),
        (OFFLINE, ONLINE, OFFLINE, "the postback hub does not answer"),
        (ONLINE, OFFLINE, OFFLINE, "Invoice Cloud is not reached"),
        (UNKNOWN, OFFLINE, OFFLINE, "Invoice Cloud is not reached"),
        (OFFLINE, OFFLINE, OFFLINE, "the postback hub does not answer"),
    ],
)
def test_o6_a_card_needs_both(hub: LineState, gateway: LineState, state: LineState, fault: str) -> None:
    line = Line(hub, gateway)
    assert line.state is state
    assert line.fault.startswith(fault)
    assert bool(line.fault) is (state is OFFLINE)


async def test_a_ring_ends_the_waiting_and_is_used_up() -> None:
    rung = asyncio.Event()
    rung.set()
    async with asyncio.timeout(5):
        await rung_or_after(rung, 3600)
    assert not rung.is_set()
    await rung_or_after(rung, 0.001)
    assert not rung.is_set()
