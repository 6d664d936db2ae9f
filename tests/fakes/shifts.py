"""The shift of the tests' tills: opened with a float, and closed with a count that is right."""

from collections.abc import Iterator
from contextlib import contextmanager

from cashier.domain.entries import Entry
from cashier.domain.money import Cents
from cashier.domain.receipt import IN_DRAWER
from cashier.domain.shift import MOVES, Count, EntryKind, Piles, ShiftState
from cashier.till.shifts import Shifts
from tests.fakes.clock import SeededRandomness

FLOAT = Cents(20_000)
#: Entries that open and close shifts, which most tests leave aside as they do people.
SHIFT_MOVES = frozenset({EntryKind.SHIFT_OPENED, *MOVES})


def open_shift(shifts: Shifts) -> None:
    """Have a shift open for whoever is signed in, when none is.

    By random bits of its own, other ones at each start: the till's are as they would be without shifts.
    """
    view = shifts.view()
    if view is not None and view.state is not ShiftState.CLOSED:
        return
    with _own_bits(shifts):
        shifts.open(FLOAT)


@contextmanager
def _own_bits(shifts: Shifts) -> Iterator[None]:
    randomness = shifts._randomness
    shifts._randomness = SeededRandomness(20_000 + sum(1 for _ in shifts._journal.entries()))
    try:
        yield
    finally:
        shifts._randomness = randomness


def counted(piles: Piles, denominations: tuple[int, ...]) -> Count:
    """A count that comes to these piles."""
    cash, *_ = IN_DRAWER
    left, pieces = piles[cash].amount_cents, {}
    for cents in sorted(denominations, reverse=True):
        pieces[cents], left = divmod(left, cents)
    return Count(pieces, {kind: piles[kind] for kind in IN_DRAWER[1:]})


def right_count(shifts: Shifts) -> Count:
    """A count that agrees with what is expected, whoever is signed in."""
    return counted(shifts._open_shift().drawer, shifts._config.drawer.denominations)


def close_shift(shifts: Shifts, *, closes_day: bool = True) -> Entry:
    """Count right and close; the entry of the day that it closes, else the shift's."""
    view = shifts.view()
    with _own_bits(shifts):
        if view is None or view.state is not ShiftState.BALANCED:
            shifts.count(right_count(shifts))
        entry = shifts.close(closes_day=closes_day)
    day = shifts._journal.last_of(EntryKind.DAY_CLOSED)
    return day if closes_day and day is not None else entry
