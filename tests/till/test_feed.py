"""Following the hub: pull, apply, acknowledge, and what a broken line does."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from cashier.domain.errors import Unavailable
from cashier.domain.payment import PaymentState
from cashier.domain.postback import DeliveredPostback
from cashier.till.feed import PULL_WAIT_S, RETRY_FIRST_S, RETRY_MAX_S, follow
from cashier.till.snapshot import LineState
from tests.fakes.feed import FakeFeed
from tests.helpers.payments import told_all
from tests.till.conftest import Desk

S = PaymentState
DOWN = Unavailable("The hub does not answer.")


class Naps:
    """Stands for sleeping: notes how long and goes on at once."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def _following(desk: Desk, naps: Naps) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(follow(desk.feed, desk.till, naps))
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def test_a_postback_is_applied_and_then_acknowledged(desk: Desk) -> None:
    payment = await desk.open_page()
    async with _following(desk, Naps()):
        await _until(lambda: desk.till.snapshot().line is LineState.ONLINE)
        delivered = desk.feed.send(payment.reference, told_all(payment))
        await _until(lambda: desk.feed.acknowledged)
    assert desk.feed.acknowledged == [delivered.id]
    assert desk.state() is S.APPROVED
    assert desk.feed.pulls[0] == 0, "the first pull does not wait"
    assert desk.feed.pulls[1] == PULL_WAIT_S


async def test_it_is_acknowledged_only_after_the_journal_has_it(desk: Desk) -> None:
    payment = await desk.open_page()
    seen: list[bool] = []

    class Watching(FakeFeed):
        async def acknowledge(self, ids: list[str]) -> None:  # type: ignore[override]
            seen.extend(desk.journal.entry(one) is not None for one in ids)
            await super().acknowledge(ids)

    desk.feed = Watching()
    desk.feed.send(payment.reference, told_all(payment))
    desk.feed.send("A-unknown", told_all(payment))
    async with _following(desk, Naps()):
        await _until(lambda: len(desk.feed.acknowledged) == 2)
    assert seen == [True, True]


async def test_a_journal_that_refuses_is_not_acknowledged_and_tried_again(desk: Desk) -> None:
    payment = await desk.open_page()
    desk.journal.disk_full = True
    desk.feed.send(payment.reference, told_all(payment))
    naps = Naps()
    async with _following(desk, naps):
        await _until(lambda: len(naps.taken) >= 3)
        assert desk.feed.acknowledged == []
        assert (desk.payment.state, desk.till.snapshot().line) == (S.OPEN, LineState.OFFLINE)
        desk.journal.disk_full = False
        await _until(lambda: desk.feed.acknowledged)
        await _until(lambda: desk.till.snapshot().line is LineState.ONLINE)
    assert (desk.payment.state, desk.receipts()) == (S.APPROVED, ["A-000001"])


async def test_p10_a_lost_acknowledgement_brings_it_again_and_changes_nothing(desk: Desk) -> None:
    payment = await desk.open_page()
    desk.feed.ack_errors = [DOWN, DOWN]
    desk.feed.send(payment.reference, told_all(payment))
    async with _following(desk, Naps()):
        await _until(lambda: desk.feed.acknowledged)
    assert desk.receipts() == ["A-000001"]
    assert desk.kinds().count("confirmed_paid") == 1
    assert desk.kinds().count("postback_repeated") == 0


async def test_o6_a_hub_that_does_not_answer_is_off_line_until_it_does(desk: Desk) -> None:
    desk.feed.errors = [DOWN] * 8
    naps, lines = Naps(), []
    desk.till.subscribe(lambda: lines.append(desk.till.snapshot().line))
    async with _following(desk, naps):
        await _until(lambda: desk.till.snapshot().line is LineState.ONLINE)
        assert lines == [LineState.OFFLINE, LineState.ONLINE]
        assert naps.taken == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
        assert (naps.taken[0], naps.taken[-1]) == (RETRY_FIRST_S, RETRY_MAX_S)
        desk.feed.fail(DOWN)
        await _until(lambda: desk.till.snapshot().line is LineState.OFFLINE)
        await _until(lambda: desk.till.snapshot().line is LineState.ONLINE)
    assert naps.taken[-1] == RETRY_FIRST_S, "an answer starts the pauses afresh"
    assert desk.feed.pulls[:9] == [0.0] * 9, "after a failure the next pull asks at once"


async def test_a_bug_ends_it_with_the_line_down_so_that_no_card_is_taken(desk: Desk) -> None:
    desk.till.line_is(LineState.ONLINE)

    class Buggy:
        def take(self, delivered: DeliveredPostback) -> object:
            raise KeyError("a bug")

        def line_is(self, line: LineState) -> None:
            desk.till.line_is(line)

    desk.feed.send("A-x", told_all(await desk.open_page()))
    with pytest.raises(KeyError, match="a bug"):
        await follow(desk.feed, Buggy(), Naps())
    assert desk.till.snapshot().line is LineState.OFFLINE
    assert desk.feed.acknowledged == []


async def test_cancelling_ends_it_quietly(desk: Desk) -> None:
    async with _following(desk, Naps()) as task:
        await _until(lambda: desk.till.snapshot().line is LineState.ONLINE)
    assert task.cancelled()
    assert desk.till.snapshot().line is LineState.ONLINE
