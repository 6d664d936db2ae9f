"""UUIDv7 and our gateway reference."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cashier.domain.ids import (
    RANDOM_BITS,
    held_by,
    held_reference,
    is_held_reference,
    payment_reference,
    uuid7,
)
from cashier.domain.scrub import scrub_card_numbers

_MS = st.integers(0, (1 << 48) - 1)
_BITS = st.integers(0, (1 << RANDOM_BITS) - 1)


def test_the_example_of_the_rfc() -> None:
    made = uuid7(0x017F22E279B0, 0xCC3 << 62 | 0x18C4DC0C0C07398F)
    assert made == uuid.UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")


@given(_MS, _BITS)
def test_time_and_bits_are_all_in_it(unix_ms: int, bits: int) -> None:
    made = uuid7(unix_ms, bits)
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert made.int >> 80 == unix_ms
    assert ((made.int >> 64) & 0xFFF) << 62 | made.int & ((1 << 62) - 1) == bits


@given(_MS, _MS, _BITS, _BITS)
def test_later_ids_sort_later(first_ms: int, second_ms: int, first_bits: int, second_bits: int) -> None:
    if first_ms < second_ms:
        assert str(uuid7(first_ms, first_bits)) < str(uuid7(second_ms, second_bits))


@pytest.mark.parametrize(("unix_ms", "bits"), [(-1, 0), (1 << 48, 0), (0, -1), (0, 1 << RANDOM_BITS)])
def test_what_does_not_fit_is_an_error(unix_ms: int, bits: int) -> None:
    with pytest.raises(ValueError, match=r"time out of range|number of 74 bits"):
        uuid7(unix_ms, bits)


@given(st.from_regex(r"[A-Z]{1,4}", fullmatch=True), _MS, _BITS)
def test_a_reference_has_letters_fits_and_is_never_taken_for_a_card(
    till: str, unix_ms: int, bits: int
) -> None:
    reference = payment_reference(till, uuid7(unix_ms, bits))
    assert len(reference) <= 40
    assert reference.startswith(f"{till}-")
    assert scrub_card_numbers(reference) == reference
    assert scrub_card_numbers(f"BillerReference={reference}&x=1") == f"BillerReference={reference}&x=1"


def test_a_reference_of_a_sale_put_aside_says_by_whom() -> None:
    reference = held_reference("A-1", uuid.UUID(int=7))
    assert reference == "A-1-held-00000000000000000000000000000007"
    assert (is_held_reference(reference), held_by(reference)) == (True, "A-1")
    payments = payment_reference("A", uuid.UUID(int=7))
    assert (is_held_reference(payments), held_by(payments)) == (False, "")
