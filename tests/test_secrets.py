"""Secrets: from the environment or the keyring, in no repr and in no message."""

from collections.abc import Iterator

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring

from cashier.domain.errors import Refused
from cashier.secrets import TILL_KEY, Secrets, api_key_name, web_service_key_name
from tests.fakes.keyring import MemoryKeyring, memory_keyring


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    with memory_keyring() as made:
        yield made


@pytest.fixture
def no_ring(ring: MemoryKeyring) -> None:
    keyring.set_keyring(NoKeyring())  # type: ignore[no-untyped-call]


def test_what_is_written_can_be_read_and_is_the_tills_own(ring: MemoryKeyring) -> None:
    secrets = Secrets("sampleton", "A", {})
    secrets.write(api_key_name("town"), "planted-secret")
    assert ring.kept == {("cashier/sampleton/A", "api-key-town"): "planted-secret"}
    assert secrets.read("api-key-town").get_secret_value() == "planted-secret"
    for other in (Secrets("sampleton", "B", {}), Secrets("elsewhere", "A", {})):
        with pytest.raises(Refused):
            other.read("api-key-town")


def test_the_environment_goes_before_the_keyring(ring: MemoryKeyring) -> None:
    secrets = Secrets(
        "s", "A", {"CASHIER_SECRET_API_KEY_TOWN_HALL": "given", "CASHIER_SECRET_TILL_KEY": "key"}
    )
    secrets.write("api-key-town-hall", "kept")
    assert secrets.read(api_key_name("town-hall")).get_secret_value() == "given"
    assert secrets.read(TILL_KEY).get_secret_value() == "key"


def test_a_billers_two_keys_are_two_secrets(ring: MemoryKeyring) -> None:
    secrets = Secrets("s", "A", {"CASHIER_SECRET_WEB_SERVICE_KEY_TOWN": "given"})
    assert secrets.read(web_service_key_name("town")).get_secret_value() == "given"
    with pytest.raises(Refused, match="cashier secret set api-key-town"):
        secrets.read(api_key_name("town"))
    with pytest.raises(Refused, match="CASHIER_SECRET_WEB_SERVICE_KEY_HALL"):
        secrets.read(web_service_key_name("hall"))


def test_an_empty_variable_is_none_at_all(ring: MemoryKeyring) -> None:
    secrets = Secrets("s", "A", {"CASHIER_SECRET_TILL_KEY": ""})
    secrets.write(TILL_KEY, "kept")
    assert secrets.read(TILL_KEY).get_secret_value() == "kept"


def test_a_missing_secret_says_where_it_belongs(ring: MemoryKeyring) -> None:
    with pytest.raises(Refused) as refused:
        Secrets("s", "A", {}).read(api_key_name("town"))
    for part in (
        "'api-key-town' is missing",
        "cashier secret set api-key-town",
        "CASHIER_SECRET_API_KEY_TOWN",
    ):
        assert part in refused.value.user_text


@pytest.mark.usefixtures("no_ring")
def test_a_machine_without_a_keyring_takes_them_by_environment() -> None:
    assert Secrets("s", "A", {"CASHIER_SECRET_TILL_KEY": "key"}).read(TILL_KEY).get_secret_value() == "key"
    with pytest.raises(Refused, match="is missing"):
        Secrets("s", "A", {}).read(TILL_KEY)
    with pytest.raises(Refused, match="does not take secrets") as refused:
        Secrets("s", "A", {}).write(TILL_KEY, "planted-secret")
    assert "planted-secret" not in refused.value.user_text


def test_a_locked_keyring_is_told(ring: MemoryKeyring) -> None:
    ring.locked = True
    with pytest.raises(Refused, match="the keyring is locked") as refused:
        Secrets("s", "A", {}).write(TILL_KEY, "planted-secret")
    assert "planted-secret" not in refused.value.user_text


def test_no_secret_shows(ring: MemoryKeyring) -> None:
    secrets = Secrets("s", "A", {"CASHIER_SECRET_TILL_KEY": "planted-secret"})
    secrets.write("api-key-town", "planted-secret")
    for value in (secrets, secrets.read(TILL_KEY), secrets.read("api-key-town")):
        assert "planted" not in f"{value!r} {value!s} {value}"
