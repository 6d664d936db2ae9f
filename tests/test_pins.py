"""Hashes of PINs: argon2id over a peppered PIN, made and compared beside the loop; none of it ever shows."""

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring
from pydantic import SecretStr

from cashier.domain.errors import Refused
from cashier.people import ArgonPins, make_pepper
from cashier.secrets import PIN_PEPPER, Secrets
from tests.fakes.keyring import memory_keyring

PEPPER = "planted-pepper"


def pins(pepper: str = PEPPER) -> ArgonPins:
    return ArgonPins(lambda: SecretStr(pepper), light=True)


async def test_the_right_pin_fits_and_nothing_else_does() -> None:
    stored = await pins().hashed("e1", "271828")
    assert await pins().fits("e1", stored, "271828")
    for wrong in ("271829", "", "27182", "271828 "):
        assert not await pins().fits("e1", stored, wrong)
    assert not await pins().fits("e2", stored, "271828"), "the hash of another PIN's entry"
    assert not await pins("another").fits("e1", stored, "271828"), "another machine's pepper"
    for damaged in ("", "271828", stored[:-3]):
        assert not await pins().fits("e1", damaged, "271828")


async def test_the_hash_is_argon2id_of_full_cost_and_says_nothing() -> None:
    stored = await ArgonPins(lambda: SecretStr(PEPPER)).hashed("e1", "271828")
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert "271828" not in stored and PEPPER not in stored
    assert await pins().fits("e1", stored, "271828"), "a hash tells what it cost"
    assert await pins().hashed("e1", "271828") != await pins().hashed("e1", "271828")


async def test_without_a_pepper_nothing_is_made_or_compared() -> None:
    def missing() -> SecretStr:
        raise Refused("The secret 'pin-pepper' is missing.")

    with pytest.raises(Refused, match="pin-pepper"):
        await ArgonPins(missing).hashed("e1", "271828")
    with pytest.raises(Refused, match="pin-pepper"):
        await ArgonPins(missing).fits("e1", "", "271828")


def test_the_pepper_is_made_once() -> None:
    with memory_keyring() as ring:
        kept = Secrets("town", "A", {})
        make_pepper(kept)
        [made] = ring.kept.values()
        assert len(made) >= 43
        make_pepper(kept)
        assert list(ring.kept.values()) == [made]
        make_pepper(Secrets("town", "B", {"CASHIER_SECRET_PIN_PEPPER": "given"}))
        assert list(ring.kept) == [("cashier/town/A", PIN_PEPPER)]


def test_a_machine_without_a_keyring_is_told_when_a_pin_is_set() -> None:
    with memory_keyring():
        keyring.set_keyring(NoKeyring())  # type: ignore[no-untyped-call]
        kept = Secrets("town", "A", {})
        make_pepper(kept)
        with pytest.raises(Refused, match="CASHIER_SECRET_PIN_PEPPER"):
            kept.read(PIN_PEPPER)
