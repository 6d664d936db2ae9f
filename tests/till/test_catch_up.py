"""After an outage: one line that says what happened, and none when nothing did."""

import asyncio
import contextlib

import pytest
from structlog.testing import capture_logs

from cashier.bootstrap import log_changes
from cashier.domain.errors import Unavailable
from cashier.domain.money import Cents
from cashier.domain.outbox import Owed
from cashier.domain.payment import PaymentEvent
from cashier.domain.receipt import Tender, TenderKind
from cashier.till.catch_up import CaughtUp
from cashier.till.feed import follow
from cashier.till.snapshot import LineState
from tests.fakes.copy import FakeCopy
from tests.helpers.payments import told_all
from tests.till.conftest import Desk

DOWN = Unavailable("The hub cannot be reached.")


@pytest.fixture
def counter(desk: Desk) -> Desk:
    """A till with a second copy at the hub, both lines on."""
    desk.copy = FakeCopy()
    desk.restart()
    desk.till.line_is(LineState.ONLINE)
    return desk


async def drain(desk: Desk) -> None:
    """Send until nothing is due now."""
    while await desk.till.outbox.send_due() <= 0:
        pass


def go_off(desk: Desk) -> None:
    assert desk.copy is not None
    desk.copy.down = DOWN
    desk.till.line_is(LineState.OFFLINE)


async def come_back(desk: Desk) -> None:
    assert desk.copy is not None
    desk.copy.down = None
    desk.till.line_is(LineState.ONLINE)
    await drain(desk)


def take_cash(desk: Desk) -> None:
    desk.fill("permit")
    desk.till.take_tender(Tender(TenderKind.CASH, Cents(10_000), received_cents=Cents(10_000)))
    desk.till.new_sale()


def told(desk: Desk) -> str:
    return desk.till.snapshot().caught_up


async def test_o6_receipts_of_an_outage_are_counted_when_the_hub_has_them(counter: Desk) -> None:
    await drain(counter)
    take_cash(counter)
    await drain(counter)
    go_off(counter)
    take_cash(counter)
    take_cash(counter)
    await drain(counter)
    assert counter.copy is not None
    counter.copy.down = None
    counter.till.line_is(LineState.ONLINE)
    assert told(counter) == "", "not before it is sent"
    await drain(counter)
    assert told(counter) == "2 receipts sent"
    counter.till.seen_catch_up()
    assert told(counter) == ""


async def test_o6_nothing_is_told_when_nothing_happened(counter: Desk) -> None:
    go_off(counter)
    await come_back(counter)
    assert told(counter) == ""


async def test_o6_receipts_that_did_not_wait_are_not_counted(counter: Desk) -> None:
    """With Invoice Cloud alone out of reach the hub has each receipt at once."""
    counter.till.gateway_is(LineState.OFFLINE)
    take_cash(counter)
    await drain(counter)
    counter.till.gateway_is(LineState.ONLINE)
    await drain(counter)
    assert told(counter) == ""


async def test_o6_a_payment_that_was_open_is_told_as_confirmed_late(counter: Desk) -> None:
    await counter.open_page("permit")
    go_off(counter)
    counter.hint(PaymentEvent.PAGE_CLOSED)
    assert counter.copy is not None
    counter.copy.down = None
    counter.approve()  # the postback that waited at the hub: applied before the line is told as back
    await come_back(counter)
    assert told(counter) == "1 receipt sent, 1 card payment confirmed late"


async def test_o6_feed_outbox_and_checker_together_make_the_one_line(counter: Desk) -> None:
    """The three as they run in the product, side by side, through one outage."""
    await drain(counter)
    first = await counter.open_page("permit")
    go_off(counter)
    counter.hint(PaymentEvent.PAGE_CLOSED)
    counter.till.new_sale()
    take_cash(counter)
    assert counter.copy is not None
    lines: list[str] = []
    counter.till.subscribe(lambda: lines.append(told(counter)))
    counter.feed.send(first.reference, told_all(first))  # it waits at the hub
    counter.copy.down = None
    till = counter.till
    works = (follow(counter.feed, till, asyncio.sleep), till.outbox.run(), till.checker.run())
    tasks = [asyncio.create_task(work) for work in works]
    try:
        async with asyncio.timeout(5):
            while not told(counter):
                await asyncio.sleep(0)
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
    assert told(counter) == "2 receipts sent, 1 card payment confirmed late"
    assert {line for line in lines if line} == {told(counter)}, "told once, not in pieces"


async def test_o6_what_is_still_in_doubt_is_told_only_after_it_was_asked(counter: Desk) -> None:
    await counter.open_page("permit")
    go_off(counter)
    counter.hint(PaymentEvent.PAGE_CLOSED)
    await come_back(counter)
    assert told(counter) == "", "nobody has asked Invoice Cloud yet"
    await counter.till.checker.check_due()
    await drain(counter)
    assert told(counter) == "1 still in doubt"


async def test_o6_a_payment_the_gateway_says_is_paid_counts_as_confirmed(counter: Desk) -> None:
    payment = await counter.open_page("permit")
    go_off(counter)
    counter.hint(PaymentEvent.PAGE_CLOSED)
    counter.clock.advance(600)
    for share in payment.invoices:
        counter.enquiry.launch(share.number, share.amount_cents)
        counter.enquiry.pay(share.number)
    await come_back(counter)
    await counter.till.checker.check_due()
    await drain(counter)
    assert "1 card payment confirmed late" in told(counter)
    assert "doubt" not in told(counter)


async def test_o6_a_doubt_from_before_the_outage_is_no_news(counter: Desk) -> None:
    await counter.open_page("permit")
    counter.hint(PaymentEvent.PAGE_CLOSED)
    go_off(counter)
    await come_back(counter)
    await counter.till.checker.check_due()
    await drain(counter)
    assert told(counter) == ""


async def test_o6_a_line_that_comes_and_goes_is_one_outage(counter: Desk) -> None:
    await drain(counter)
    go_off(counter)
    take_cash(counter)
    assert counter.copy is not None
    counter.till.line_is(LineState.ONLINE)  # the feed answers, the copy does not yet
    await drain(counter)
    assert told(counter) == ""
    go_off(counter)
    take_cash(counter)
    await come_back(counter)
    assert told(counter) == "2 receipts sent"


# -- over a restart ------------------------------------------------------------------------------------------


async def test_o6_an_outage_that_began_before_a_restart_is_told_whole(counter: Desk) -> None:
    await drain(counter)
    payment = await counter.open_page("permit")
    await drain(counter)
    go_off(counter)
    counter.hint(PaymentEvent.PAGE_CLOSED)
    counter.till.new_sale()
    take_cash(counter)
    counter.restart()
    counter.till.line_is(LineState.OFFLINE)
    take_cash(counter)
    assert counter.copy is not None
    counter.copy.down = None
    counter.approve(payment)
    await come_back(counter)
    assert told(counter) == "3 receipts sent, 1 card payment confirmed late"


async def test_o6_what_was_confirmed_before_the_restart_counts_too(counter: Desk) -> None:
    await drain(counter)
    payment = await counter.open_page("permit")
    await drain(counter)
    go_off(counter)
    counter.hint(PaymentEvent.PAGE_CLOSED)
    counter.approve(payment)  # Invoice Cloud was asked and said so: the hub alone was away
    counter.restart()
    await come_back(counter)
    assert told(counter) == "1 receipt sent, 1 card payment confirmed late", "the line was never seen off"


async def test_o6_a_doubt_of_the_outage_is_news_after_a_restart_too(counter: Desk) -> None:
    await counter.open_page("permit")
    go_off(counter)
    counter.restart()
    await come_back(counter)
    await counter.till.checker.check_due()
    await drain(counter)
    assert told(counter) == "1 still in doubt"


async def test_o6_a_restart_between_two_batches_loses_no_receipt_of_the_count(counter: Desk) -> None:
    await drain(counter)
    go_off(counter)
    for _ in range(3):
        take_cash(counter)
    assert counter.copy is not None
    counter.copy.down = None
    counter.journal.mark_sent(Owed.ENTRIES, counter.journal.head().seq - 4)  # some of it had been sent
    counter.copy.copies.journals["A"] = list(counter.journal.rows_after(0, counter.journal.head().seq - 4))
    counter.restart()
    await come_back(counter)
    assert told(counter) == "3 receipts sent"


async def test_o6_an_outage_that_was_told_is_not_told_by_the_next_start(counter: Desk) -> None:
    await drain(counter)
    go_off(counter)
    take_cash(counter)
    await come_back(counter)
    assert told(counter) == "1 receipt sent"
    counter.restart()
    take_cash(counter)
    await come_back(counter)
    assert told(counter) == ""


async def test_o6_a_disk_that_is_full_keeps_the_outage_for_this_run(counter: Desk) -> None:
    await drain(counter)
    counter.journal.marks_fail = True
    go_off(counter)
    counter.journal.marks_fail = False
    take_cash(counter)
    await come_back(counter)
    assert told(counter) == "1 receipt sent"


async def test_o6_the_next_outage_puts_the_last_line_away(counter: Desk) -> None:
    await drain(counter)
    go_off(counter)
    take_cash(counter)
    await come_back(counter)
    assert told(counter)
    go_off(counter)
    assert told(counter) == ""


async def test_o6_the_log_has_the_line_once(counter: Desk) -> None:
    await drain(counter)
    with capture_logs() as lines:
        log_changes(counter.till)
        go_off(counter)
        take_cash(counter)
        await come_back(counter)
        counter.till.new_sale()
        counter.till.seen_catch_up()
    told_lines = [line for line in lines if line["event"] == "caught_up"]
    assert told_lines == [{"event": "caught_up", "log_level": "info", "reason": "1 receipt sent"}]


async def test_o6_without_a_second_copy_no_receipt_is_told_as_sent(desk: Desk) -> None:
    desk.till.line_is(LineState.OFFLINE)
    take_cash(desk)
    desk.till.line_is(LineState.ONLINE)
    assert told(desk) == ""


def test_the_line_names_each_kind_once() -> None:
    caught = CaughtUp(receipts=12, confirmed=1, not_charged=2, in_doubt=1, doubted=1)
    assert caught.text == (
        "12 receipts sent, 1 card payment confirmed late, 2 card payments ended without a charge, "
        "1 still in doubt"
    )
    assert CaughtUp(in_doubt=3).text == ""
