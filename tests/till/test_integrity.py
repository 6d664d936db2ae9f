"""A journal that does not hold: no new payment until a supervisor has acknowledged it, and no repair."""

from collections.abc import Callable

import pytest

from cashier.domain.entries import Break, EntryKind
from cashier.domain.errors import Refused
from cashier.domain.money import Cents
from cashier.domain.payment import PaymentState
from cashier.domain.receipt import Tender, TenderKind
from tests.fakes.people import PIN, SUPERVISOR
from tests.fakes.shifts import right_count
from tests.till.conftest import Desk

BROKEN = Break(3, "entry 3 was changed after it was recorded")
NOTE = "Called IT; the copy of Monday agrees."


def cash(cents: int) -> Tender:
    return Tender(TenderKind.CASH, Cents(0), received_cents=Cents(cents))


async def test_a1_a_broken_journal_names_its_first_bad_entry_and_takes_no_payment(desk: Desk) -> None:
    payment = await desk.open_page()
    desk.till.integrity.verified(BROKEN)
    snapshot = desk.till.snapshot()
    assert "does not hold at entry 3: entry 3 was changed" in snapshot.journal_fault
    assert desk.approve(payment).receipt is not None, "money that moved must be known"
    desk.till.new_sale()
    desk.fill()
    assert "does not hold at entry 3" in desk.till.snapshot().draft.card_refusal
    with pytest.raises(Refused, match="until a supervisor has acknowledged"):
        await desk.till.pay_by_card()
    assert desk.payments.restart() == ()


async def test_a1_behind_a_break_nobody_moves_money_until_it_is_acknowledged(desk: Desk) -> None:
    desk.fill()
    sale_id = desk.till.snapshot().draft.sale_id
    held = desk.till.take_tender(cash(4_000)).tender
    desk.till.integrity.verified(BROKEN)
    shifts, corrections = desk.till.shifts, desk.till.corrections
    verbs: list[Callable[[], object]] = [
        lambda: desk.till.take_tender(cash(6_000)),
        lambda: desk.till.finish_part(sale_id),
        lambda: desk.till.give_back(sale_id, [held.id], "the payer left"),
        lambda: shifts.pay_in(Cents(1_000), "change from the bank"),
        lambda: shifts.pay_out(Cents(1_000), "postage for certified mail"),
        lambda: shifts.count(right_count(shifts)),
        shifts.close,
        shifts.suspend,
    ]
    before = len(list(desk.journal.entries()))
    for verb in verbs:
        with pytest.raises(Refused, match="does not hold at entry 3"):
            verb()
    with pytest.raises(Refused, match="does not hold at entry 3"):
        await shifts.drop(Cents(1_000), "B-1", supervisor=SUPERVISOR, pin=PIN)
    assert len(list(desk.journal.entries())) == before, "not even that a supervisor was asked"
    await desk.till.integrity.acknowledge(note=NOTE, supervisor=SUPERVISOR, pin=PIN)
    receipt = desk.till.take_tender(cash(6_000)).receipt
    assert receipt is not None
    desk.till.integrity.verified(Break(2, "entry 2 is missing"))
    choices = corrections.choices(receipt)
    why = {choices.void_refusal, choices.refund_refusal, choices.returned_refusal}
    assert len(why) == 1 and "entry 2" in why.pop()
    undo = {"reason": "other", "text": "typed for another payer", "supervisor": SUPERVISOR, "pin": PIN}
    for asked in (
        lambda: corrections.void(receipt.number, **undo),
        lambda: corrections.refund(receipt.number, TenderKind.CHECK, Cents(1_000), **undo),
    ):
        with pytest.raises(Refused, match="entry 2 is missing"):
            await asked()
    with pytest.raises(Refused, match="entry 2 is missing"):
        corrections.returned_check(receipt.number, held.id, "account closed")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"supervisor": "Kim Clerk"}, "second person"),
        ({"pin": "1"}, "not the supervisor's PIN"),
        ({"note": "  "}, "Write a note"),
    ],
)
async def test_a1_only_a_supervisor_with_a_note_acknowledges(
    desk: Desk, words: dict[str, str], why: str
) -> None:
    desk.till.integrity.verified(BROKEN)
    with pytest.raises(Refused, match=why):
        await desk.till.integrity.acknowledge(
            **({"note": NOTE, "supervisor": SUPERVISOR, "pin": PIN} | words)
        )
    assert desk.till.integrity.broken == BROKEN


async def test_a1_an_acknowledged_break_is_journalled_and_known_at_the_next_start(desk: Desk) -> None:
    desk.till.integrity.verified(BROKEN)
    await desk.till.integrity.acknowledge(note=NOTE, supervisor=SUPERVISOR, pin=PIN)
    assert (desk.till.snapshot().journal_fault, desk.till.integrity.broken) == ("", None)
    (entry,) = desk.entries(EntryKind.BREAK_ACKNOWLEDGED)
    assert dict(entry.body) == {"seq": 3, "reason": BROKEN.reason, "by": SUPERVISOR, "note": NOTE}
    payment = await desk.open_page()
    assert payment.state is PaymentState.OPEN
    desk.restart()
    desk.till.integrity.verified(BROKEN)
    assert desk.till.snapshot().journal_fault == ""
    desk.till.integrity.verified(Break(2, "entry 2 is missing"))
    assert "entry 2" in desk.till.snapshot().journal_fault


async def test_a1_a_journal_that_holds_stands_in_nobodys_way(desk: Desk) -> None:
    desk.till.integrity.verified(None)
    assert desk.till.snapshot().journal_fault == ""
    with pytest.raises(Refused, match="nothing to acknowledge"):
        await desk.till.integrity.acknowledge(note=NOTE, supervisor=SUPERVISOR, pin=PIN)
