"""A journal that does not hold: no new payment until a supervisor has acknowledged it, and no repair."""

import pytest

from cashier.domain.entries import Break, EntryKind
from cashier.domain.errors import Refused
from cashier.domain.payment import PaymentState
from tests.fakes.people import PIN, SUPERVISOR
from tests.till.conftest import Desk

BROKEN = Break(3, "entry 3 was changed after it was recorded")
NOTE = "Called IT; the copy of Monday agrees."


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
