"""The till's side: keys, pulling, waking, acknowledging."""

import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from datetime import timedelta

import httpx
import pytest

from cashier.hub.serve import RunningHub
from tests.helpers.tls import tls

from .conftest import MASTER, Clock, Till, wait_until


def test_limit_and_rest(till: Till) -> None:
    for number in range(5):
        assert till.post(till.path(f"A-{number}")) == 204
    first = till.pull(limit=2)
    assert [row["reference"] for row in first] == ["A-0", "A-1"]
    assert till.pull(limit=2) == first
    assert till.ack(*(row["id"] for row in first)) == 2
    assert [row["reference"] for row in till.pull()] == ["A-2", "A-3", "A-4"]


def test_ack_is_idempotent_and_ignores_what_is_not_there(till: Till) -> None:
    till.post(till.path())
    (row,) = till.pull()
    assert till.ack(row["id"]) == 1
    assert till.ack(row["id"], row["id"]) == 1
    assert till.ack("no-such-id") == 0
    assert till.ack() == 0
    assert till.pull() == []


def test_a_till_sees_and_acknowledges_only_its_own(till: Till, hub: RunningHub) -> None:
    others = [
        Till(till.url, till.http, hub.enrol("sampletown", "B"), till="B"),
        Till(till.url, till.http, hub.enrol("othertown", "A"), site="othertown"),
    ]
    assert till.post(till.path()) == 204
    (row,) = till.pull()
    for other in others:
        assert other.pull() == []
        assert other.ack(row["id"]) == 0
    assert till.pull() == [row]


@pytest.mark.parametrize(
    "scheme", ["", "Bearer", "Bearer x", "Basic {key}", "bearer-{key}", "Bearer {key}A", "{key}"]
)
def test_wrong_keys(till: Till, scheme: str) -> None:
    headers = {"authorization": scheme.format(key=till.key_text)}
    for answer in (
        till.http.get(till.pull_url, headers=headers),
        till.http.get(till.pull_url),
        till.http.post(f"{till.pull_url}/ack", json={"ids": []}, headers=headers),
        till.http.post(f"{till.pull_url}/ack", content=b"x" * 10_000_000),
    ):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


def test_other_tills_key(till: Till, hub: RunningHub) -> None:
    for key in (hub.enrol("sampletown", "B"), hub.enrol("othertown", "A")):
        assert till.http.get(till.pull_url, headers={"authorization": f"Bearer {key}"}).status_code == 401


@pytest.mark.parametrize(
    "params", [{"wait": -1}, {"wait": 61}, {"wait": "nan"}, {"limit": 0}, {"limit": 501}, {"limit": "x"}]
)
def test_pull_limits(till: Till, params: dict[str, str]) -> None:
    assert till.http.get(till.pull_url, params=params, headers=till.headers).status_code == 422


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"[]", 422),
        (b'{"ids": "x"}', 422),
        (b'{"ids": [1]}', 422),
        (b'{"ids": [' + b",".join([b'"x"'] * 501) + b"]}", 422),
        (b"x" * 70_000, 413),
    ],
)
def test_ack_limits(till: Till, body: bytes, status: int) -> None:
    answer = till.http.post(f"{till.pull_url}/ack", content=body, headers=till.headers)
    assert answer.status_code == status


def test_an_arriving_postback_wakes_a_waiting_till_at_once(till: Till, hub: RunningHub) -> None:
    other = Till(till.url, till.http, hub.enrol("sampletown", "B"), till="B")
    with ThreadPoolExecutor(2) as pool:
        mine, theirs = pool.submit(till.pull, 25), pool.submit(other.pull, 2)
        wait_until(lambda: hub.state.bell.listeners == 2)
        assert till.post(till.path("A-7")) == 204
        assert wait((mine, theirs), return_when=FIRST_COMPLETED).done == {mine}
        (row,) = mine.result()
        assert row["reference"] == "A-7"
        assert theirs.result() == []
    wait_until(lambda: hub.state.bell.listeners == 0)


def test_a_poll_ends_empty_after_its_wait(till: Till) -> None:
    started = time.monotonic()
    assert till.pull(wait=0.2) == []
    assert 0.2 <= time.monotonic() - started < 5


def test_a_waiting_till_does_not_hold_up_the_end(db_url: str, clock: Clock) -> None:
    with ThreadPoolExecutor(1) as pool, httpx.Client(verify=tls(), timeout=60) as http:
        with RunningHub(db_url, MASTER, clock) as hub:
            till = Till(hub.url, http, hub.enrol("sampletown", "A"))
            waiting = pool.submit(till.pull, 60)
            wait_until(lambda: hub.state.bell.listeners == 1)
            started = time.monotonic()
        assert time.monotonic() - started < 4
        assert waiting.result() == []


def test_a_restart_keeps_rows_and_keys(db_url: str, clock: Clock, http: httpx.Client) -> None:
    with RunningHub(db_url, MASTER, clock) as hub:
        till = Till(hub.url, http, hub.enrol("sampletown", "A"))
        for number in range(3):
            till.post(till.path(f"A-{number}"))
        rows = till.pull()
        till.ack(rows[0]["id"])
    clock.at += timedelta(days=1)
    with RunningHub(db_url, MASTER, clock) as hub:
        again = Till(hub.url, http, till.key_text)
        assert again.pull() == rows[1:]
        assert again.post(till.path("A-9")) == 204
        assert [row["reference"] for row in again.pull()] == ["A-1", "A-2", "A-9"]


def test_another_master_secret_knows_no_old_key(db_url: str, clock: Clock, http: httpx.Client) -> None:
    with RunningHub(db_url, MASTER, clock) as hub:
        till = Till(hub.url, http, hub.enrol("sampletown", "A"))
    with RunningHub(db_url, b"another master secret of 32 bytes", clock) as hub:
        stale = Till(hub.url, http, till.key_text)
        assert stale.post(stale.path()) == 404
        assert http.get(stale.pull_url, headers=stale.headers).status_code == 401


def test_health(till: Till) -> None:
    answer = till.http.get(till.url + "/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "wrong_tokens": 0})
