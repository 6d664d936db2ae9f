"""The master secret, what is derived from it, and the generations of a till's key."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from cashier.domain.errors import Refused
from cashier.gateway.postback import read_till_key, till_key_to_text
from cashier.hub.app import HubConfig
from cashier.hub.keys import read_master_secret, till_key
from cashier.hub.serve import RunningHub
from cashier.hub.tillkeys import KeyGeneration, KeyStore

from .conftest import MASTER, NOW, Clock, Database, Till

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


# --- generations

MONTH = timedelta(days=30)


def rotated(hub: RunningHub, clock: Clock) -> str:
    """The text of till A's next key, as `cashier hub keys rotate` prints it."""
    generation = hub.state.keys.rotate("sampletown", "A", clock())
    return till_key_to_text(till_key(MASTER, "sampletown", "A", generation), generation)


def pulls(till: Till) -> int:
    return till.http.get(till.pull_url, params={"wait": 0}, headers=till.headers).status_code


def test_the_text_of_a_key_says_its_generation() -> None:
    key = bytes(32)
    assert till_key_to_text(key) == till_key_to_text(key, 1) == "A" * 43
    assert till_key_to_text(key, 2) == "A" * 43 + ".2"
    for generation in (1, 2, 17, 1_000_000):
        assert read_till_key(f" {till_key_to_text(key, generation)}\n") == (key, generation)
    for wrong in (".", ".0", ".1", ".02", ".-2", ".2.2", ".٢", ".x", ".12345678"):
        with pytest.raises(Refused, match="not the 43 characters"):
            read_till_key("A" * 43 + wrong)


def test_a_replaced_key_is_good_for_30_days(till: Till, hub: RunningHub, clock: Clock) -> None:
    new = Till(till.url, till.http, rotated(hub, clock))
    assert new.key_text != till.key_text
    old_path, old_short = (
        till.path("A-1", expires_at=NOW + 3 * MONTH),
        till.path("A-2", expires_at=NOW + MONTH / 2),
    )
    new_path = new.path("A-3", generation=2, expires_at=NOW + 3 * MONTH)

    clock.at = NOW + MONTH / 2 - timedelta(seconds=1)
    assert (pulls(till), pulls(new)) == (200, 200)
    assert [till.post(path) for path in (old_path, old_short, new_path)] == [204, 204, 204]

    clock.at = NOW + MONTH / 2  # a token's own end comes first
    assert [till.post(path) for path in (old_path, old_short, new_path)] == [204, 404, 204]

    clock.at = NOW + MONTH - timedelta(milliseconds=1)
    assert (pulls(till), pulls(new)) == (200, 200)
    assert [till.post(path) for path in (old_path, new_path)] == [204, 204]

    clock.at = NOW + MONTH
    assert (pulls(till), pulls(new)) == (401, 200)
    assert [till.post(path) for path in (old_path, new_path)] == [404, 204]
    # Nothing that came in time is lost with the key, and what came too late is kept for a person.
    assert [row["reference"] for row in new.pull()] == [
        "A-1",
        "A-2",
        "A-3",
        "A-1",
        "A-3",
        "A-1",
        "A-3",
        "A-3",
    ]
    reasons = [item.reason for item in hub.state.quarantine.open_items("sampletown")]
    assert reasons == ["came to an address that has expired"]


def test_the_old_key_after_its_time_goes_to_the_quarantine(till: Till, hub: RunningHub, clock: Clock) -> None:
    late = till.path("A-1", expires_at=NOW + 3 * MONTH)
    rotated(hub, clock)
    clock.at = NOW + MONTH
    assert till.post(late) == 404
    (item,) = hub.state.quarantine.open_items("sampletown")
    assert item.reason == "came to an address made with a till key that is good no more"
    assert (item.till, item.reference, item.invoice, item.amount) == ("A", "A-1", "700001", "245.50")


def test_a_key_of_another_generation_does_not_open(till: Till, hub: RunningHub, clock: Clock) -> None:
    new = rotated(hub, clock)
    for wrong in (new.removesuffix(".2"), f"{till.key_text}.2", f"{new[:-1]}3", f"{new}.2"):
        assert pulls(Till(till.url, till.http, wrong)) == 401
    made_up = till_key_to_text(till_key(MASTER, "sampletown", "A", 3), 3)  # genuine, but never given out
    assert pulls(Till(till.url, till.http, made_up)) == 401


def test_enrolling_again_gives_the_newest_key(till: Till, hub: RunningHub, clock: Clock) -> None:
    assert hub.enrol("sampletown", "A") == till.key_text
    new = rotated(hub, clock)
    assert hub.enrol("sampletown", "A") == new


def test_rotating_twice_keeps_each_one_its_own_month(till: Till, hub: RunningHub, clock: Clock) -> None:
    second = Till(till.url, till.http, rotated(hub, clock))
    clock.at = NOW + timedelta(days=10)
    third = Till(till.url, till.http, rotated(hub, clock))
    for days, answers in ((29, (200, 200, 200)), (30, (401, 200, 200)), (40, (401, 401, 200))):
        clock.at = NOW + timedelta(days=days)
        assert tuple(map(pulls, (till, second, third))) == answers
    assert hub.state.keys.listed() == [
        KeyGeneration("sampletown", "A", 1, "2026-02-03T09:00:00.000Z", "2026-03-05T09:00:00.000Z", False),
        KeyGeneration("sampletown", "A", 2, "2026-02-03T09:00:00.000Z", "2026-03-15T09:00:00.000Z", False),
        KeyGeneration("sampletown", "A", 3, "2026-02-13T09:00:00.000Z", None, False),
    ]


def test_revoking_ends_all_at_once(till: Till, hub: RunningHub, clock: Clock) -> None:
    other = Till(till.url, till.http, hub.enrol("sampletown", "B"), till="B")
    new = Till(till.url, till.http, rotated(hub, clock))
    paths = (till.path("A-1"), new.path("A-2", generation=2))
    assert hub.state.keys.revoke("sampletown", "A") == 2
    assert (pulls(till), pulls(new), pulls(other)) == (401, 401, 200)
    assert [till.post(path) for path in paths] == [404, 404]
    assert other.post(other.path("B-1")) == 204
    for again in (lambda: hub.enrol("sampletown", "A"), lambda: rotated(hub, clock)):
        with pytest.raises(Refused, match="revoked"):
            again()


@pytest.mark.parametrize(
    "act", [lambda keys: keys.rotate("sampletown", "Z", NOW), lambda keys: keys.revoke("sampletown", "Z")]
)
def test_a_till_that_was_never_enrolled(hub: RunningHub, act: Callable[[KeyStore], object]) -> None:
    with pytest.raises(Refused, match="not enrolled"):
        act(hub.state.keys)


def test_no_key_is_in_the_database_or_the_figures(
    till: Till, hub: RunningHub, clock: Clock, database: Database
) -> None:
    new = Till(till.url, till.http, rotated(hub, clock))
    assert new.post(new.path("A-1", generation=2)) == 204
    content = database.content()
    figures = httpx.get(f"{till.url}/metrics").text
    for secret in (till.key_text, new.key_text.removesuffix(".2"), MASTER.decode()):
        assert secret not in content
        assert secret not in figures
