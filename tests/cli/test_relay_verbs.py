"""`hub relay list`, `resend` and `status`, and the portals that `hub serve` is told of."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cashier.hub.relay_store import RelayStore
from cashier.hub.store import HubStore

from .conftest import MASTER, Cashier

ID = "0190c4d2-a7b8-7c3e-9f00-112233445566"
NOW = datetime(2026, 2, 3, 9, tzinfo=UTC)
HOST = "portal.example.org"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'hub.db'}"


@pytest.fixture
def dead(url: str) -> str:
    """The address of a hub's database with one dead letter."""
    with HubStore(url) as hub:
        store = RelayStore(hub.engine)
        assert store.add_notice("town", "A", ID, f"https://{HOST}/", b"{}", NOW)
        (letter,) = store.claim(NOW, {HOST: 1}, [HOST], [], 1)
        assert store.failed(letter, 404, "refused", NOW, None)
    return url


def test_a_dead_letter_is_listed_and_sent_again(cashier: Cashier, dead: str) -> None:
    status = cashier("hub", "relay", "status", "--db", dead, "--json")
    assert json.loads(status.out) == {"waiting": 0, "oldest_at": None, "dead": 1}
    (line,) = cashier("hub", "relay", "list", "--db", dead).lines
    for word in (ID, "notice", "town/A", HOST, "2026-02-03T09:00:00.000Z", "1 attempts", "refused 404"):
        assert word in line
    assert cashier("hub", "relay", "resend", "--db", dead, ID).code == 0
    assert cashier("hub", "relay", "list", "--db", dead).lines == []
    (waiting,) = json.loads(cashier("hub", "relay", "list", "--db", dead, "--waiting", "--json").out)
    assert (waiting["id"], waiting["state"], waiting["attempts"]) == (ID, "waiting", 1)
    assert cashier("hub", "relay", "status", "--db", dead).lines == [
        "1 waiting, the oldest since 2026-02-03T09:00:00.000Z",
        "0 dead",
    ]


def test_only_a_dead_letter_can_be_sent_again(cashier: Cashier, url: str) -> None:
    ended = cashier("hub", "relay", "resend", "--db", url, ID)
    assert (ended.code, ended.out) == (2, b"")
    assert "is no dead letter" in ended.err[0]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--portal-host", "https://portal.example.org"), "Portal host"),
        (("--portal-network", "10.1.2.3/8"), "portal network"),
        (("--portal-secrets-file", "/nosuch/file"), "cannot be read"),
    ],
)
def test_portals_that_cannot_be_used(
    cashier: Cashier, url: str, tmp_path: Path, words: tuple[str, ...], why: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(MASTER)
    secret.chmod(0o600)
    ended = cashier("hub", "serve", "--db", url, "--port", 0, "--secret-file", secret, *words)
    assert (ended.code, ended.out) == (2, b"")
    assert why in ended.err[0]
    assert not (tmp_path / "hub.db").exists()
