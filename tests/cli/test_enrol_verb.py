"""`cashier hub invite` and `cashier enrol`: from a code read out to the key in the till's keyring."""

import json
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from cashier.domain.invite_code import invite_code, read_invite_code, shown
from cashier.enrolling import Enrolling
from cashier.hub.app import HubConfig
from cashier.hub.serve import RunningHub
from cashier.hub_verbs import invite
from cashier.secrets import TILL_KEY, Secrets
from tests.fakes.keyring import MemoryKeyring, memory_keyring

from .conftest import MASTER, SETTINGS, Cashier
from .test_server_verbs import db_url

SERVICE = "cashier/sampletown/A"
DONE = "This is till A of site sampletown now. Its key is in the keyring, and is used from the next start on."


@pytest.fixture
def ring(home: Path) -> Iterator[MemoryKeyring]:
    with memory_keyring() as ring:
        yield ring


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[RunningHub]:
    config = HubConfig(db_url(tmp_path), MASTER.encode(), public_url="https://hub.example.org")
    with RunningHub(config.db_url, config.master_secret, config=config) as running:
        yield running


def code_for(hub: RunningHub, till: str = "sampletown/A") -> str:
    return invite(hub.state.config.db_url, MASTER.encode(), till, 30)[0]


def settle(home: Path, hub_url: str, **changes: str) -> Path:
    text = SETTINGS.replace("https://hub.example.org", hub_url)
    for name, value in changes.items():
        text = re.sub(rf'^{name} = ".*"$', f'{name} = "{value}"', text, flags=re.MULTILINE)
    file = home / "config" / "cashier" / "settings.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


# --- the hub's verb


def test_an_invitation_prints_a_code_alone_and_says_beside_it_what_it_is_for(
    cashier: Cashier, tmp_path: Path, secret_file: Path
) -> None:
    words = ("hub", "invite", "town/A", "--db", db_url(tmp_path), "--secret-file", secret_file)
    ended = cashier(*words, "--minutes", "5")
    assert ended.code == 0
    [code] = ended.lines
    assert (
        re.fullmatch(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", code) and shown(read_invite_code(code)) == code
    )
    [beside] = ended.err
    until = datetime.strptime(beside, "for till town/A, once, until %Y-%m-%d %H:%M UTC").replace(tzinfo=UTC)
    assert timedelta(minutes=3) < until - datetime.now(UTC) <= timedelta(minutes=5)
    assert cashier(*words).lines != ended.lines
    for wrong in (("hub", "invite", "Town/A"), ("hub", "invite", "town/A", "--minutes", "1441")):
        assert cashier(*wrong, *words[3:]).code == 2


def test_the_hub_says_where_it_is_reached_only_by_an_address(cashier: Cashier, tmp_path: Path) -> None:
    words = ("hub", "serve", "--db", db_url(tmp_path), "--port", "0")
    ended = cashier(*words, "--public-url", "http://hub.example.org")
    assert (ended.code, ended.err) == (2, ("'http://hub.example.org': must start with https://",))


# --- the till's


def test_a_new_till_is_told_what_belongs_into_its_settings(
    cashier: Cashier, hub: RunningHub, ring: MemoryKeyring
) -> None:
    ended = cashier("enrol", f"{hub.url}/", code_for(hub).lower())
    assert (ended.code, ended.err) == (0, ())
    assert ended.lines[0] == DONE
    printed = tomllib.loads("\n".join(ended.lines[2:]))
    assert printed == {
        "site": "sampletown",
        "till": "A",
        "hub": {"url": hub.url, "public_url": "https://hub.example.org"},
    }
    key = hub.enrol("sampletown", "A")
    assert ring.kept == {(SERVICE, TILL_KEY): key}
    assert key.encode() not in ended.out


def test_the_code_may_come_by_standard_input(cashier: Cashier, hub: RunningHub, ring: MemoryKeyring) -> None:
    assert cashier("enrol", hub.url, text=f"{code_for(hub)}\n").code == 0
    assert (SERVICE, TILL_KEY) in ring.kept


def test_settings_that_agree_stay_as_they_are(
    cashier: Cashier, hub: RunningHub, ring: MemoryKeyring, home: Path
) -> None:
    file = settle(home, hub.url)
    before = file.read_bytes()
    ended = cashier("enrol", hub.url, code_for(hub))
    assert ended.lines == [DONE]
    assert file.read_bytes() == before
    key = Secrets("sampletown", "A", {}).read(TILL_KEY).get_secret_value()
    assert httpx.get(
        f"{hub.url}/till/v1/sampletown/A/postbacks?wait=0", headers={"authorization": f"Bearer {key}"}
    ).is_success


def test_settings_of_another_till_are_refused_with_both_and_the_code_stays_good(
    cashier: Cashier, hub: RunningHub, ring: MemoryKeyring, home: Path
) -> None:
    settle(home, hub.url, till="B")
    code = code_for(hub)
    ended = cashier("enrol", hub.url, code)
    assert ended.code == 2 and ring.kept == {}
    assert "till A of site sampletown" in ended.err[0] and "till B of site sampletown" in ended.err[0]
    settle(home, hub.url)
    assert cashier("enrol", hub.url, code).code == 0


def test_settings_that_name_another_hub_are_refused_before_anything_is_sent(
    cashier: Cashier, hub: RunningHub, ring: MemoryKeyring, home: Path
) -> None:
    settle(home, "https://other.example.org")
    ended = cashier("enrol", hub.url, code_for(hub))
    assert ended.code == 2
    assert "name the hub https://other.example.org" in ended.err[0] and hub.url in ended.err[0]
    assert hub.state.keys.listed() == [] and ring.kept == {}


def test_a_keyring_that_takes_nothing_is_found_before_the_code_is_used_up(
    cashier: Cashier, hub: RunningHub, ring: MemoryKeyring
) -> None:
    ring.locked = True
    code = code_for(hub)
    ended = cashier("enrol", hub.url, code)
    assert (ended.code, ended.err) == (
        2,
        ("This machine's keyring does not take secrets: the keyring is locked",),
    )
    ring.locked = False
    assert cashier("enrol", hub.url, code).code == 0


def test_a_key_of_the_environment_would_go_before_the_new_one(
    cashier: Cashier, hub: RunningHub, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASHIER_SECRET_TILL_KEY", "another")
    ended = cashier("enrol", hub.url, code_for(hub))
    assert ended.code == 2 and "CASHIER_SECRET_TILL_KEY" in ended.err[0]
    assert hub.state.keys.listed() == []


@pytest.mark.parametrize(
    ("url", "code", "says"),
    [
        ("http://hub.example.org", invite_code(5), "must start with https://"),
        ("https://hub.example.org", "7KQ4", "A code has 12 letters and digits; here are 4."),
        ("https://hub.example.org", "U" * 12, "U is in no code"),
    ],
)
def test_what_cannot_be_is_refused_without_a_line(
    url: str, code: str, says: str, cashier: Cashier, ring: MemoryKeyring
) -> None:
    ended = cashier("enrol", url, code)
    assert ended.code == 2 and says in ended.err[0] and ring.kept == {}


def test_training_enrols_by_itself(cashier: Cashier, ring: MemoryKeyring) -> None:
    ended = cashier("--training", "enrol", "https://hub.example.org", invite_code(5))
    assert (ended.code, ended.err) == (2, ("A training till enrols by itself. Leave out --training.",))


def test_a_broken_settings_file_is_told_and_no_code_is_used(
    cashier: Cashier, hub: RunningHub, ring: MemoryKeyring, home: Path
) -> None:
    file = settle(home, hub.url)
    file.write_text("site = [", encoding="utf-8")
    assert cashier("enrol", hub.url, code_for(hub)).code == 2
    assert hub.state.keys.listed() == []


def test_no_key_or_code_is_in_what_is_printed_or_logged(
    cashier: Cashier, hub: RunningHub, ring: MemoryKeyring, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    code = code_for(hub)
    ended = cashier("enrol", hub.url, code)
    again = cashier("enrol", hub.url, code)  # another process has another nonce
    assert again.code == 2 and "already" in again.err[0]
    said = json.dumps([ended.lines, ended.err, again.lines, again.err]) + caplog.text
    for secret in (code, read_invite_code(code), ring.kept[SERVICE, TILL_KEY]):
        assert secret not in said


async def test_a_window_is_told_in_words_and_may_try_the_same_code_again(
    hub: RunningHub, ring: MemoryKeyring, tmp_path: Path
) -> None:
    enrolling = Enrolling(tmp_path / "settings.toml", {})
    code = code_for(hub)
    told = await enrolling.in_words(hub.url, code)
    assert told.startswith(f"{DONE}\nThese lines belong into the settings:\nsite = ")
    assert await enrolling.in_words(hub.url, code.lower()) == told, "as after an answer that was lost"
    assert len(hub.state.keys.listed()) == 1
    assert repr(enrolling) == "Enrolling(…)"
