"""The values of the outbox: every phase with every event, how long to wait, what a batch holds."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cashier.domain.entries import GENESIS, StoredRow
from cashier.domain.outbox import (
    ANCHOR_EVERY,
    BATCH_BYTES,
    BATCH_ENTRIES,
    FAILURES_MAX,
    RETRY_FIRST_S,
    RETRY_MAX_S,
    Event,
    Phase,
    Queue,
    cut,
    retry_s,
    wants_anchor,
)

P, E = Phase, Event
#: What each event makes of each phase; what is not listed leaves it as it is.
MOVES = {
    (P.READY, E.FAILED): P.WAITING,
    (P.READY, E.PAUSED): P.PAUSED,
    (P.READY, E.FORKED): P.STOPPED,
    (P.WAITING, E.SENT): P.READY,
    (P.WAITING, E.DUE): P.READY,
    (P.WAITING, E.PAUSED): P.PAUSED,
    (P.WAITING, E.FORKED): P.STOPPED,
    (P.PAUSED, E.RESUMED): P.READY,
    (P.PAUSED, E.FORKED): P.STOPPED,
    (P.STOPPED, E.RESUMED): P.READY,
}


@pytest.mark.parametrize(("phase", "event"), list(itertools.product(Phase, Event)))
def test_every_phase_with_every_event(phase: Phase, event: Event) -> None:
    assert Queue(phase).after(event, "a fault").phase is MOVES.get((phase, event), phase)


def test_failures_are_counted_until_something_is_sent() -> None:
    queue = Queue()
    for count in range(1, FAILURES_MAX + 5):
        queue = queue.after(Event.FAILED, f"fault {count}")
        assert (queue.failures, queue.fault) == (min(count, FAILURES_MAX), f"fault {count}")
        queue = queue.after(Event.DUE)
        assert queue.fault == f"fault {count}", "it stands until it is over"
    assert queue.after(Event.SENT) == Queue()
    assert queue.after(Event.PAUSED).after(Event.RESUMED) == Queue()


@given(failures=st.integers(1, FAILURES_MAX), chance=st.floats(0, 1))
def test_the_wait_is_within_its_limits(failures: int, chance: float) -> None:
    wait = retry_s(failures, chance)
    assert RETRY_FIRST_S / 2 <= wait <= RETRY_MAX_S
    assert retry_s(failures, 1) <= wait <= retry_s(failures, 0)
    assert retry_s(failures + 1, chance) >= wait


def rows(*sizes: int) -> list[StoredRow]:
    return [
        StoredRow(place + 1, f"id-{place}", "k", "at", "A", "s", "x" * size, GENESIS, GENESIS)
        for place, size in enumerate(sizes)
    ]


@given(sizes=st.lists(st.integers(0, BATCH_BYTES * 2), min_size=1, max_size=12))
def test_a_batch_is_the_longest_start_that_fits_and_never_empty(sizes: list[int]) -> None:
    given_rows = rows(*sizes)
    batch = cut(given_rows)
    assert list(batch) == given_rows[: len(batch)]
    assert batch
    assert len(batch) == 1 or sum(sizes[: len(batch)]) <= BATCH_BYTES
    assert len(batch) == len(sizes) or sum(sizes[: len(batch) + 1]) > BATCH_BYTES


def test_a_batch_has_so_many_entries_at_most() -> None:
    assert len(cut(rows(*[1] * (BATCH_ENTRIES + 1)))) == BATCH_ENTRIES
    assert len(cut(rows(*[1] * (BATCH_ENTRIES - 1)))) == BATCH_ENTRIES - 1
    assert list(cut([])) == []


def test_anchors_stand_at_every_hundredth_entry_and_every_close() -> None:
    assert [seq for seq in range(1, 301) if wants_anchor(seq, "sale_recorded")] == [
        ANCHOR_EVERY,
        2 * ANCHOR_EVERY,
        3 * ANCHOR_EVERY,
    ]
    assert wants_anchor(7, "day_closed")
