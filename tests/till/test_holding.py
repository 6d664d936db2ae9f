"""Invoices held at every till of the site, and given back when their payment is settled."""

from pathlib import Path

import pytest

from cashier.domain.errors import Discrepancy, Held, InDoubt, Refused, Unavailable
from cashier.domain.payment import PaymentEvent, PaymentState
from cashier.till.snapshot import LineState
from tests.fakes.holds import FakeHolds
from tests.till.conftest import Desk, FaultyJournal
from tests.till.test_card_payment import _partial_sale as partial_sale

S, E = PaymentState, PaymentEvent


def _second_till(desk: Desk, folder: Path) -> Desk:
    journal = FaultyJournal(folder / "second.db", till="B", clock=desk.clock, holder="a test")
    other = Desk(journal, desk.clock)
    other.holds = FakeHolds(desk.holds.hub, "B")
    other.restart()
    return other


async def test_p5_an_invoice_in_doubt_at_one_till_is_refused_at_another(desk: Desk, tmp_path: Path) -> None:
    await desk.till.pay_sale(partial_sale(desk))
    desk.hint(E.PAGE_CLOSED)
    other = _second_till(desk, tmp_path)
    with other.journal:
        with pytest.raises(Held, match="Invoice 700001 is being paid at till A since 15:04 UTC") as held:
            await other.till.pay_sale(partial_sale(other))
        assert held.value.reference == desk.payment.reference
        assert other.gateway.launched == []
        assert other.state() is S.ABANDONED, "the attempt is over before anything was sent"
        desk.approve()
        await desk.till.holding.release()
        with pytest.raises(Refused, match="paid already"):
            await desk.till.pay_sale(partial_sale(desk))


async def test_what_is_settled_is_given_back_with_its_outcome(desk: Desk) -> None:
    approved = await desk.open_page()
    desk.approve()
    desk.till.new_sale()
    declined = await desk.open_page("plan")
    desk.decline()
    await desk.close_declined()
    desk.till.new_sale()
    waiting = await desk.open_page("visit")
    await desk.till.holding.release()
    assert desk.holds.hub.settled == {approved.reference: S.APPROVED, declined.reference: S.DECLINED}
    assert await desk.holds.held() == [waiting.reference]


async def test_a_hold_whose_giving_back_was_lost_is_given_back_after_a_restart(desk: Desk) -> None:
    payment = await desk.open_page()
    desk.approve()
    desk.holds.errors = [Unavailable("down")]
    with pytest.raises(Unavailable):
        await desk.till.holding.release()
    desk.restart()
    await desk.till.holding.release()
    assert desk.holds.hub.settled == {payment.reference: S.APPROVED}


async def test_an_own_hold_that_is_settled_never_stands_in_the_way(desk: Desk) -> None:
    first = await desk.open_page()
    desk.decline()
    await desk.close_declined()
    assert first.reference in await desk.holds.held()
    await desk.till.pay_by_card()
    assert desk.state() is S.OPEN
    assert desk.holds.hub.settled == {first.reference: S.DECLINED}


@pytest.mark.parametrize("error", [Unavailable("never sent"), InDoubt("no answer")])
async def test_without_the_hubs_word_nothing_is_launched_and_the_same_may_be_tried_again(
    desk: Desk, error: Unavailable
) -> None:
    desk.fill()
    desk.holds.lost = [error]
    with pytest.raises(type(error)):
        await desk.till.pay_by_card()
    assert (desk.gateway.launched, desk.state()) == ([], S.ISSUED)
    await desk.till.try_again()
    assert (len(desk.gateway.launched), desk.state()) == (1, S.OPEN)


async def test_a_reference_announced_with_other_content_is_given_up(desk: Desk) -> None:
    desk.fill()
    desk.holds.errors = [Discrepancy("announced with other content")]
    with pytest.raises(Discrepancy):
        await desk.till.pay_by_card()
    assert (desk.gateway.launched, desk.state()) == ([], S.ABANDONED)


async def test_the_portal_hears_of_it_at_the_sales_own_address(desk: Desk) -> None:
    await desk.till.pay_sale(partial_sale(desk))
    assert desk.holds.portals == {desk.payment.reference: None}


async def test_without_the_hub_the_journal_holds_the_invoice(desk: Desk) -> None:
    """Another sale with the same invoice, at this till."""
    await desk.till.pay_sale(partial_sale(desk))
    desk.hint(E.PAGE_CLOSED)
    desk.holds.hub.live.clear()
    with pytest.raises(Refused, match="not settled"):
        await desk.till.pay_sale(partial_sale(desk))
    assert len(desk.gateway.launched) == 1


async def test_p5_a_payment_that_came_back_into_doubt_is_held_again(desk: Desk, tmp_path: Path) -> None:
    await desk.till.pay_sale(partial_sale(desk))
    first = desk.payment
    desk.decline()
    await desk.close_declined()
    await desk.till.holding.release()
    assert await desk.holds.held() == []
    desk.approve(first, payment_amount_cents=1)
    assert desk.state() is S.IN_DOUBT
    await desk.till.holding.release()
    assert await desk.holds.held() == [first.reference]
    other = _second_till(desk, tmp_path)
    with other.journal, pytest.raises(Held):
        await other.till.pay_sale(partial_sale(other))


# -- the line ----------------------------------------------------------------------------------------------


async def test_o6_a_gateway_that_is_not_reached_refuses_cards_with_the_reason(desk: Desk) -> None:
    desk.till.line_is(LineState.ONLINE)
    desk.gateway.unreached = Unavailable("Invoice Cloud is not reached.")
    assert await desk.till.probe() is LineState.OFFLINE
    desk.fill()
    snapshot = desk.till.snapshot()
    assert (snapshot.line, snapshot.line_fault) == (LineState.OFFLINE, "Invoice Cloud is not reached")
    assert "Invoice Cloud is not reached" in snapshot.draft.card_refusal
    with pytest.raises(Refused, match="Invoice Cloud is not reached"):
        await desk.till.pay_by_card()
    assert desk.entries() == [], "no attempt was made"
    desk.gateway.unreached = None
    assert await desk.till.probe() is LineState.ONLINE
    await desk.till.pay_by_card()
