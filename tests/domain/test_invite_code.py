"""The code of an invitation: read however it is written down, and any slip told without asking a hub."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cashier.domain.errors import Refused
from cashier.domain.invite_code import (
    ALPHABET,
    CODE_BITS,
    CODE_CHARS,
    as_typed,
    fault_of,
    invite_code,
    is_whole,
    read_invite_code,
    shown,
)

BITS = st.integers(0, (1 << CODE_BITS) - 1)


def test_a_code_has_55_random_bits_and_twelve_signs_in_groups() -> None:
    assert CODE_BITS >= 50
    assert invite_code(0) == "0" * 12
    one = invite_code(1)
    assert one[:11] == "00000000001" and shown(one) == f"0000-0000-001{one[-1]}"
    assert not set("ILOU") & set(ALPHABET)
    for wrong in (-1, 1 << CODE_BITS):
        with pytest.raises(ValueError, match="55 bits"):
            invite_code(wrong)


@given(BITS, BITS)
def test_two_numbers_never_have_one_code(one: int, other: int) -> None:
    assert (invite_code(one) == invite_code(other)) == (one == other)


@given(BITS)
def test_it_is_read_however_it_is_written(bits: int) -> None:
    code = invite_code(bits)
    written = shown(code)
    look_alikes = written.lower().replace("1", "l").replace("0", "o")
    for text in (code, written, written.lower(), written.replace("-", " "), f" {written}\t", look_alikes):
        assert read_invite_code(text) == code
    assert read_invite_code(written.replace("-", "\u2013").replace("1", "I")) == code
    assert is_whole(written)


@given(BITS, st.integers(0, CODE_CHARS - 1), st.sampled_from(ALPHABET))
def test_any_one_wrong_sign_is_told(bits: int, place: int, sign: str) -> None:
    code = invite_code(bits)
    wrong = code[:place] + sign + code[place + 1 :]
    assert bool(fault_of(wrong)) == (wrong != code)


@given(BITS, st.integers(0, CODE_CHARS - 1), st.integers(0, CODE_CHARS - 1))
def test_any_two_signs_that_changed_places_are_told(bits: int, one: int, other: int) -> None:
    signs = list(invite_code(bits))
    signs[one], signs[other] = signs[other], signs[one]
    swapped = "".join(signs)
    assert bool(fault_of(swapped)) == (swapped != invite_code(bits))


def test_what_may_still_become_a_code_is_no_fault_and_no_code() -> None:
    code = shown(invite_code(123_456_789))
    for length in range(len(code)):
        assert fault_of(code[:length]) == "" and not is_whole(code[:length])
    with pytest.raises(Refused, match="has 12 letters and digits; here are 8"):
        read_invite_code(code[:9])
    with pytest.raises(Refused, match="here are 0"):
        read_invite_code("")


@pytest.mark.parametrize("text", ["7KQ4-M2XU", "7KQ4-M2X!", "7KQ4 \u00e9", "7KQ4/", "\u0661\u0662"])
def test_a_sign_of_no_code_is_named(text: str) -> None:
    wrong = next(sign for sign in text.upper() if sign not in ALPHABET and sign not in "- ")
    assert fault_of(text).startswith(f"{wrong} is in no code")
    with pytest.raises(Refused, match="in no code"):
        read_invite_code(text)


def test_too_many_signs_are_told() -> None:
    assert fault_of(invite_code(5) + "0") == "A code has 12 letters and digits; here are 13."


def test_what_is_typed_is_put_into_groups() -> None:
    assert as_typed("7kq4m2") == "7KQ4-M2"
    assert as_typed("7kq4-") == "7KQ4"
    assert as_typed(" o1l ") == "011"
    assert as_typed(invite_code(77) + "ZZZ") == shown(invite_code(77))
    assert as_typed(as_typed("7kq4m2xd9")) == "7KQ4-M2XD-9"


def test_a_refusal_never_repeats_the_code() -> None:
    code = invite_code(99)
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    with pytest.raises(Refused) as refused:
        read_invite_code(wrong)
    assert wrong not in refused.value.user_text and code not in refused.value.user_text
