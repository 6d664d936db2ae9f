"""The table of a shift, and what a count comes to."""

from collections.abc import Iterable

import pytest

from cashier.domain.entries import Draft, Entry, EntryKind
from cashier.domain.errors import Discrepancy
from cashier.domain.receipt import IN_DRAWER, TenderKind
from cashier.domain.shift import (
    EMPTY,
    MOVES,
    Outcome,
    Pile,
    Piles,
    ShiftFold,
    ShiftState,
    differs,
    off_cents,
    outcome_of,
    piles_from_json,
    piles_to_json,
)
from tests.fakes.entries import Drafts

K, S = TenderKind, ShiftState


def entries_of(drafts: Iterable[Draft]) -> list[Entry]:
    return [
        Entry(seq, item.id, item.kind, "2026-02-03T15:04:05.123Z", "A", item.subject, item.body, "", "")
        for seq, item in enumerate(drafts, 1)
    ]


def piles(cash: int = 0, checks: tuple[int, int] = (0, 0)) -> Piles:
    return {**EMPTY, K.CASH: Pile(0, cash), K.CHECK: Pile(*checks)}


def test_piles_come_back_from_json_as_they_were() -> None:
    found = piles(12_345, (3, 700))
    assert piles_from_json(piles_to_json(found)) == found
    assert tuple(piles_to_json(found)) == tuple(kind.value for kind in IN_DRAWER)


@pytest.mark.parametrize(
    ("counted", "earlier", "revision", "outcome"),
    [
        (piles(100), 0, 1, Outcome.BALANCED),
        (piles(100), 0, 2, Outcome.APPROVAL),
        (piles(101), 0, 1, Outcome.RECOUNT),
        (piles(105), 1, 1, Outcome.BALANCED),
        (piles(95), 1, 1, Outcome.BALANCED),
        (piles(106), 1, 1, Outcome.APPROVAL),
        (piles(94), 1, 1, Outcome.APPROVAL),
        (piles(101), 1, 2, Outcome.APPROVAL),
        (piles(97, (1, 3)), 1, 1, Outcome.APPROVAL),
    ],
)
def test_what_a_count_comes_to(counted: Piles, earlier: int, revision: int, outcome: Outcome) -> None:
    assert outcome_of(counted, piles(100), earlier, 5, revision) is outcome


def test_cash_has_no_number_and_papers_have() -> None:
    assert not differs({**EMPTY, K.CASH: Pile(7, 100)}, piles(100))
    assert differs(piles(0, (2, 100)), piles(0, (1, 100)))
    assert off_cents(piles(3, (1, 100)), piles(0, (1, 103))) == 6


def test_every_move_that_the_table_does_not_list_is_a_discrepancy() -> None:
    """Over every state and kind: what is listed leads where the table says, nothing else anywhere."""
    bodies = _bodies()
    roads: dict[ShiftState, tuple[EntryKind, ...]] = {
        S.OPEN: (),
        S.SUSPENDED: (EntryKind.SHIFT_SUSPENDED,),
        S.COUNTED: (EntryKind.SHIFT_COUNTED,),
        S.BALANCED: (EntryKind.SHIFT_COUNTED, EntryKind.SHIFT_BALANCED),
        S.REJECTED: (EntryKind.SHIFT_COUNTED, EntryKind.SHIFT_REJECTED),
        S.CLOSED: (EntryKind.SHIFT_COUNTED, EntryKind.SHIFT_BALANCED, EntryKind.SHIFT_CLOSED),
        S.REOPENED: (
            EntryKind.SHIFT_COUNTED,
            EntryKind.SHIFT_BALANCED,
            EntryKind.SHIFT_CLOSED,
            EntryKind.SHIFT_REOPENED,
        ),
    }
    for state, road in roads.items():
        for kind, (sources, target) in MOVES.items():
            drafts = Drafts("shift")
            steps = (EntryKind.SHIFT_OPENED, *road)
            fold = ShiftFold()
            fold.apply(entries_of(drafts.draft(step, "shift-1", bodies[step]) for step in steps))
            assert fold.shift is not None and fold.shift.state is state
            last = entries_of(drafts.draft(step, "shift-1", bodies[step]) for step in (*steps, kind))[-1:]
            if state not in sources:
                with pytest.raises(Discrepancy):
                    fold.apply(last)
                continue
            fold.apply(last)
            back = S.OPEN if fold.shift.revision == 1 else S.REOPENED
            assert fold.shift.state is (target or back)


def _bodies() -> dict[EntryKind, dict[str, object]]:
    whose = {"by": "Kim Clerk", "by_id": "p1"}
    empty = piles_to_json(EMPTY)
    counted = {**whose, "pieces": {}, "counted": empty, "expected": empty, "outcome": "balanced"}
    return {
        EntryKind.SHIFT_OPENED: {
            **whose,
            "number": 1,
            "business_date": "2026-02-03",
            "float_cents": 0,
            "held": [],
        },
        EntryKind.SHIFT_SUSPENDED: whose,
        EntryKind.SHIFT_RESUMED: whose,
        EntryKind.SHIFT_COUNTED: counted,
        EntryKind.SHIFT_BALANCED: {"approver": "", "reason": ""},
        EntryKind.SHIFT_REJECTED: {"by": "Robin", "reason": ""},
        EntryKind.SHIFT_CLOSED: {},
        EntryKind.SHIFT_REOPENED: {"revision": 2},
    }
