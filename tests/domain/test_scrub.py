"""Card numbers go, references stay (Invoice Cloud contract, section 3; rule in cashier.domain.scrub)."""

import random
import time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cashier.domain.ids import payment_reference, uuid7
from cashier.domain.scrub import MASK, scrub_card_numbers

VISA = "4111111111111111"


def passes_luhn(digits: str) -> bool:
    """The textbook rule, written apart from the product's."""
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char) * (2 if place % 2 else 1)
        total += value // 10 + value % 10
    return total % 10 == 0


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (VISA, MASK),
        (f"card {VISA}.", f"card {MASK}."),
        ("4111 1111 1111 1111", MASK),
        ("4111-1111-1111-1111", MASK),
        ("4111\n1111\t1111‑1111", MASK),
        ("378282246310005", MASK),
        ("4222222222222", MASK),
        ("6304000000000000000", MASK),
        ("٤١١١١١١١١١١١١١١١", MASK),
        (f"PAN{VISA}exp1225", f"PAN{MASK}exp1225"),
        (f"A-{VISA}", f"A-{MASK}"),
        (f"{VISA} and {VISA}", f"{MASK} and {MASK}"),
        ("4111  1111  1111  1111", "4111  1111  1111  1111"),
        ("4111111111110000", "4111111111110000"),
        ("123456789012", "123456789012"),
        ("APPROVED 727634", "APPROVED 727634"),
        ("", ""),
    ],
)
def test_table(text: str, clean: str) -> None:
    assert scrub_card_numbers(text) == clean


def test_number_inside_a_longer_run_is_found() -> None:
    clean = scrub_card_numbers(f"99{VISA}77")
    assert MASK in clean
    assert VISA not in clean


@given(st.text(alphabet="0123456789 -ax", max_size=60))
def test_nothing_that_passes_luhn_survives(text: str) -> None:
    clean = scrub_card_numbers(text)
    for word in clean.replace(MASK, "\0").replace("x", "\0").replace("a", "\0").split("\0"):
        for joined in _joined_runs(word):
            for size in range(13, 20):
                for at in range(len(joined) - size + 1):
                    assert not passes_luhn(joined[at : at + size]), (text, clean)
    assert scrub_card_numbers(clean) == clean


def _joined_runs(word: str) -> list[str]:
    """Digit runs of a word, single separators taken out, broken where two separators meet."""
    runs, run, separators = [], "", 0
    for char in word:
        if char in " -":
            separators += 1
        else:
            if separators > 1:
                runs.append(run)
                run = ""
            run, separators = run + char, 0
    return [*runs, run]


def test_our_references_survive() -> None:
    rng = random.Random(1)
    for _ in range(20_000):
        reference = payment_reference("A", uuid7(rng.randrange(1 << 48), rng.getrandbits(74)))
        assert scrub_card_numbers(f"ref={reference};") == f"ref={reference};"


def test_our_reference_survives_even_without_a_hex_letter() -> None:
    reference = payment_reference("A", UUID("01999111-1111-7111-8111-411111111111"))
    assert reference.removeprefix("A-").isdecimal()
    assert any(passes_luhn(reference[-size:]) for size in range(13, 20)) or any(
        passes_luhn(reference[at : at + 16]) for at in range(2, 18)
    )
    assert scrub_card_numbers(reference) == reference


def test_guids_and_digests_survive() -> None:
    rng = random.Random(2)
    for _ in range(20_000):
        guid = UUID(int=rng.getrandbits(128), version=4)
        assert scrub_card_numbers(str(guid)) == str(guid)
        assert scrub_card_numbers(str(guid).upper()) == str(guid).upper()
        digest = rng.randbytes(32).hex()
        assert scrub_card_numbers(digest) == digest


def test_a_long_run_is_linear() -> None:
    """16 KiB of digits, the largest postback, is no way to stop the hub."""
    started = time.perf_counter()
    scrub_card_numbers("41" * 8_192)
    scrub_card_numbers("1" * 13 + "a" * 16_384)
    scrub_card_numbers("a-" * 8_192)
    assert time.perf_counter() - started < 2
