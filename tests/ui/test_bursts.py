"""Bursts by their times and kinds alone: no clock, no keys, no Qt."""

from hypothesis import given
from hypothesis import strategies as st

from cashier.ui.bursts import (
    BARE_DIGITS_MAX,
    BURST_KEYS,
    GAP_MS,
    MIXED_DIGITS_MAX,
    SCAN_KEYS_MAX,
    SILENCE_MS,
    Burst,
    Kind,
    Verdict,
)

KINDS = st.sampled_from(list(Kind))
FAST = st.integers(0, GAP_MS - 1)
TYPED = (Verdict.PASS, Verdict.HOLD)


def judge(keys: list[tuple[Kind, int]], *, in_text: bool) -> list[Verdict]:
    """What becomes of keys, each with the time since the one before."""
    burst, now, found = Burst(), 10_000, []
    for kind, gap in keys:
        now += gap
        found.append(burst.take(kind, now, in_text=in_text))
    return found


@given(st.lists(st.tuples(KINDS, st.integers(GAP_MS, 5_000))), st.booleans())
def test_no_slow_key_is_ever_taken_for_a_machines(keys: list[tuple[Kind, int]], in_text: bool) -> None:
    assert set(judge(keys, in_text=in_text)) <= set(TYPED)


@given(st.lists(st.tuples(KINDS.filter(lambda kind: kind is not Kind.END), FAST), min_size=4), st.booleans())
def test_no_more_than_three_fast_keys_pass(keys: list[tuple[Kind, int]], in_text: bool) -> None:
    found = judge(keys, in_text=in_text)
    assert not set(found[BURST_KEYS - 1 :]) & set(TYPED)
    if not in_text and keys[0][0] is not Kind.SPACE:
        assert found[0] is Verdict.HOLD and Verdict.PASS not in found


@given(st.lists(FAST, min_size=13, max_size=40), st.booleans(), st.sampled_from([[], [Kind.TRACK_B]]))
def test_of_a_card_number_at_most_five_digits_count_as_a_scan(
    gaps: list[int], in_text: bool, before: list[Kind]
) -> None:
    kinds = [*before, *[Kind.DIGIT] * len(gaps)]
    found = judge(list(zip(kinds, [5, *gaps], strict=False)), in_text=in_text)
    assert set(found[len(before) + BARE_DIGITS_MAX :]) == {Verdict.SWIPE}


@given(st.lists(KINDS, max_size=30), st.integers(MIXED_DIGITS_MAX + 3, 25), st.booleans())
def test_thirteen_digits_in_a_row_are_a_swipe_wherever_they_stand(
    before: list[Kind], digits: int, in_text: bool
) -> None:
    kinds = [*before, *[Kind.DIGIT] * digits]
    assert judge([(kind, 5) for kind in kinds], in_text=in_text)[-1] is Verdict.SWIPE


@given(st.lists(KINDS.filter(lambda kind: kind is not Kind.END), min_size=4, max_size=20), st.booleans())
def test_a_machines_burst_lasts_until_silence(kinds: list[Kind], in_text: bool) -> None:
    burst = Burst()
    for at, kind in enumerate(kinds):
        burst.take(kind, at * 8, in_text=in_text)
    last = (len(kinds) - 1) * 8
    assert burst.is_machine
    assert burst.goes_on(last + SILENCE_MS - 1)
    assert burst.take(Kind.END, last + SILENCE_MS - 1, in_text=in_text) not in TYPED
    assert burst.take(Kind.END, last + 2 * SILENCE_MS, in_text=in_text) is Verdict.PASS


def test_what_is_too_long_or_has_two_lines_is_lost() -> None:
    long = judge([(Kind.PLAIN, 5)] * (SCAN_KEYS_MAX + 1), in_text=True)
    assert long[-2:] == [Verdict.SCAN, Verdict.LOST]
    lines = [Kind.PLAIN] * 6 + [Kind.END, Kind.END, Kind.PLAIN]
    assert judge([(kind, 5) for kind in lines], in_text=True)[-2:] == [Verdict.SCAN, Verdict.LOST]


def test_shift_bridges_a_burst_and_begins_none() -> None:
    burst = Burst()
    burst.touch(100)
    assert not burst.goes_on(101)
    assert burst.take(Kind.SENTINEL, 120, in_text=True) is Verdict.HOLD
    burst.touch(150)
    assert burst.take(Kind.TRACK_B, 180, in_text=True) is Verdict.SWIPE


def test_a_burst_keeps_no_key() -> None:
    burst = Burst()
    for at in range(30):
        burst.take(Kind.DIGIT, at, in_text=True)
    assert all(isinstance(kept, (bool, int, Verdict)) for kept in vars(burst).values())
