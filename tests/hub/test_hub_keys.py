"""The master secret and what is derived from it."""

import os
from pathlib import Path

import pytest

from cashier.domain.errors import Refused
from cashier.hub.app import HubConfig
from cashier.hub.keys import read_master_secret, till_key

SECRET = "0123456789abcdef0123456789abcdef"


def test_keys_differ_in_every_part() -> None:
    one = SECRET.encode()
    keys = {
        till_key(one, "s", "A", 1),
        till_key(one, "t", "A", 1),
        till_key(one, "s", "B", 1),
        till_key(one, "s", "A", 2),
        till_key(one + b"x", "s", "A", 1),
    }
    assert len(keys) == 5
    assert {len(key) for key in keys} == {32}


def secret_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / "secret"
    file.write_text(text)
    file.chmod(mode)
    return file


def test_the_environment_comes_first(tmp_path: Path) -> None:
    file = secret_file(tmp_path, "f" * 32)
    assert read_master_secret({"CASHIER_HUB_SECRET": SECRET}, file) == SECRET.encode()
    assert read_master_secret({}, file) == b"f" * 32
    assert (
        read_master_secret({"CASHIER_HUB_SECRET": " "}, secret_file(tmp_path, "g" * 32 + "\n")) == b"g" * 32
    )


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="needs its master secret"):
        read_master_secret({})
    with pytest.raises(Refused, match="31 bytes"):
        read_master_secret({"CASHIER_HUB_SECRET": SECRET[1:]})
    with pytest.raises(Refused, match="cannot be read"):
        read_master_secret({}, tmp_path / "absent")
    with pytest.raises(Refused, match="31 bytes"):
        read_master_secret({}, secret_file(tmp_path, SECRET[1:]))


@pytest.mark.skipif(os.name != "posix", reason="POSIX file modes")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_file_open_to_others(tmp_path: Path, mode: int) -> None:
    with pytest.raises(Refused, match="open to others"):
        read_master_secret({}, secret_file(tmp_path, SECRET, mode))


def test_the_secret_shows_nowhere() -> None:
    assert SECRET not in repr(HubConfig("sqlite:///x", SECRET.encode()))
