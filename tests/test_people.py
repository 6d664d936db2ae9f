"""Supervisors' PINs: hashed, checked beside the loop, and slowed down after wrong ones."""

import pytest
from pydantic import SecretStr

from cashier.domain.errors import Refused
from cashier.people import WRONG_MAX, Supervisors, hashed_pin
from cashier.secrets import pin_name
from tests.fakes.clock import MovingClock

ROBIN = "Robin Example"


@pytest.fixture(scope="module")
def stored() -> str:
    return hashed_pin("271828")


def _supervisors(stored: str, clock: MovingClock) -> Supervisors:
    def read(name: str) -> SecretStr:
        if name != pin_name(ROBIN):
            raise Refused(f"The secret {name!r} is missing.")
        return SecretStr(stored)

    return Supervisors(read, clock.monotonic)


async def test_the_right_pin_approves_and_a_wrong_one_does_not(stored: str) -> None:
    supervisors = _supervisors(stored, MovingClock())
    await supervisors.approve(ROBIN, "271828")
    for wrong in ("271829", "", "27182", "271828 "):
        with pytest.raises(Refused, match="not the supervisor's PIN"):
            await supervisors.approve(ROBIN, wrong)


async def test_wrong_pins_make_everyone_wait_the_right_one_too(stored: str) -> None:
    clock = MovingClock()
    supervisors = _supervisors(stored, clock)
    for _ in range(WRONG_MAX):
        with pytest.raises(Refused, match="not the supervisor's PIN"):
            await supervisors.approve(ROBIN, "000000")
    with pytest.raises(Refused, match=r"Wait 6[01] seconds"):
        await supervisors.approve(ROBIN, "271828")
    clock.advance(61)
    with pytest.raises(Refused, match="not the supervisor's PIN"):
        await supervisors.approve(ROBIN, "000000")
    with pytest.raises(Refused, match=r"Wait 12[01] seconds"):
        await supervisors.approve(ROBIN, "271828")
    clock.advance(121)
    await supervisors.approve(ROBIN, "271828")
    with pytest.raises(Refused, match="not the supervisor's PIN"):
        await supervisors.approve(ROBIN, "000000")
    await supervisors.approve(ROBIN, "271828")


async def test_a_supervisor_without_a_pin_and_a_damaged_hash_approve_nothing() -> None:
    with pytest.raises(Refused, match="missing"):
        await _supervisors("", MovingClock()).approve("Nobody", "271828")
    with pytest.raises(Refused, match="not the supervisor's PIN"):
        await _supervisors("271828", MovingClock()).approve(ROBIN, "271828")


@pytest.mark.parametrize("pin", ["", "12345", "1234567890123", "abcdef", "111111", "१२३४५६"])
def test_a_pin_that_is_none_is_refused(pin: str) -> None:
    with pytest.raises(Refused, match="six to twelve digits"):
        hashed_pin(pin)


def test_the_hash_is_argon2id_and_says_nothing(stored: str) -> None:
    assert stored.startswith("$argon2id$")
    assert "271828" not in stored
    assert hashed_pin("271828") != stored


def test_names_of_pins() -> None:
    assert pin_name("Robin Example") == "supervisor-pin-robin-example"
    assert pin_name(" O'Neil, J. ") == "supervisor-pin-o-neil-j"
