"""Figures, health and the access log: what they tell, and what they never do."""

import json
import logging
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from cashier.hub.app import HubConfig
from cashier.hub.serve import RunningHub

from .conftest import MASTER, NOW, Clock, Database, Till, wait_until

ANNOUNCEMENT = {
    "biller": "building",
    "amount_cents": 24550,
    "invoices": [{"number": "700009", "amount_cents": 24550}],
}
Figures = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read(text: str) -> Figures:
    return {
        (sample.name.removeprefix("cashier_hub_"), tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def figures(till: Till) -> Figures:
    answer = httpx.get(f"{till.url}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return read(answer.text)


def outcome(name: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    return "postbacks_total", (("outcome", name),)


def test_postbacks_by_what_became_of_them(till: Till, database: Database) -> None:
    for number in range(3):
        assert till.post(till.path(f"A-{number}")) == 204
    assert till.post("/pb/v1/sampletown/wrong") == 404
    assert till.post(till.path(), b"<x>") == 400
    assert till.post(till.path(), b"x" * 20_000) == 413
    database.run("ALTER TABLE postbacks RENAME TO away")
    assert till.post(till.path()) == 503
    found = figures(till)
    assert found["storage_up", ()] == 0
    assert found["pending", ()] != found["pending", ()]  # not a number: nobody knows
    assert till.http.get(f"{till.url}/healthz").status_code == 503
    database.run("ALTER TABLE away RENAME TO postbacks")
    found = figures(till)
    assert found["storage_up", ()] == 1
    named = {name: found[outcome(name)] for name in ("stored", "wrong_token", "refused", "not_stored")}
    assert named == {"stored": 3, "wrong_token": 1, "refused": 2, "not_stored": 1}
    assert found["wrong_tokens_total", ()] == 1
    assert till.http.get(f"{till.url}/healthz").json() == {"status": "ok", "wrong_tokens": 1}


def test_what_lies_in_storage(till: Till, clock: Clock) -> None:
    empty = figures(till)
    names = ("pending", "pending_oldest_seconds", "holds", "quarantine_open")
    assert [empty[name, ()] for name in names] == [0, 0, 0, 0]
    assert till.post(till.path("A-1")) == 204
    clock.at = NOW + timedelta(minutes=5)
    assert till.post(till.path("A-2")) == 204
    assert till.post("/pb/v1/sampletown/wrong") == 404
    url = f"{till.url}/till/v1/{till.site}/{till.till}/payments/A-3"
    assert till.http.put(url, json=ANNOUNCEMENT, headers=till.headers).status_code == 200
    clock.at = NOW + timedelta(minutes=6)
    found = figures(till)
    assert [found[name, ()] for name in names] == [2, 360, 1, 1]
    till.ack(*(row["id"] for row in till.pull()))
    assert [figures(till)[name, ()] for name in names] == [0, 0, 1, 1]


def test_batches_and_commits(till: Till) -> None:
    for number in range(3):
        assert till.post(till.path(f"A-{number}")) == 204
    found = figures(till)
    assert (found["batch_size_sum", ()], found["batch_size_count", ()]) == (3, 3)
    assert found["commit_seconds_count", ()] == 3
    assert 0 < found["commit_seconds_sum", ()] < 60


def test_requests_by_route_not_by_path(till: Till) -> None:
    assert till.post(till.path("A-1")) == 204
    till.pull()
    till.http.get(f"{till.url}/no/such/route")
    till.http.request("BREW", f"{till.url}/healthz")
    wanted = {
        ("POST", "/pb/v1/{site}/{token}", "204"),
        ("GET", "/till/v1/{site}/{till}/postbacks", "200"),
        ("GET", "none", "404"),
        ("OTHER", "/healthz", "405"),
    }

    def seen() -> set[tuple[str, ...]]:
        named = {labels for name, labels in figures(till) if name == "request_seconds_count"}
        return {tuple(value for _, value in labels) for labels in named}

    # Counted after the answer; asking for the figures is a request, too.
    wait_until(lambda: seen() - {("GET", "/metrics", "200")} == wanted)


def test_two_hubs_do_not_share_figures(till: Till, new_db_url: Callable[[], str], clock: Clock) -> None:
    assert till.post(till.path()) == 204
    with RunningHub(new_db_url(), MASTER, clock) as hub:
        found = read(httpx.get(f"{hub.url}/metrics").text)
    assert found["batch_size_count", ()] == 0
    assert figures(till)["batch_size_count", ()] == 1


def test_neither_figures_nor_health_nor_description_name_anybody(till: Till) -> None:
    path = till.path("A-secret-reference")
    assert till.post(path) == 204
    assert till.post("/pb/v1/sampletown/a-secret-token") == 404
    till.pull()
    open_paths = ("/metrics", "/healthz", "/openapi.json")
    told = "".join(httpx.get(till.url + open_path).text for open_path in open_paths)
    token = path.rpartition("/")[2]
    for secret in ("sampletown", "A-secret", "a-secret", token, till.key_text, MASTER.decode(), "700001"):
        assert secret not in told


# --- the access log


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [json.loads(entry.message) for entry in caplog.records if entry.name == "cashier.hub.access"]


def test_one_line_a_request_without_path_query_or_token(till: Till, caplog: pytest.LogCaptureFixture) -> None:
    path = till.path("A-secret-reference")
    with caplog.at_level(logging.INFO):
        assert till.post(path) == 204
        assert till.post(path + "x") == 404
        assert till.http.post(f"{till.url}{path}?Note=a-secret-note").status_code == 204
        till.pull()
        till.http.get(f"{till.url}/a-secret-path?a-secret=query")
        till.http.get(f"{till.url}/healthz")
        wait_until(lambda: len(lines(caplog)) == 6)  # a line follows its answer
    found = lines(caplog)
    assert [(line["method"], line["route"], line["status"]) for line in found] == [
        ("POST", "/pb/v1/{site}/{token}", 204),
        ("POST", "/pb/v1/{site}/{token}", 404),
        ("POST", "/pb/v1/{site}/{token}", 204),
        ("GET", "/till/v1/{site}/{till}/postbacks", 200),
        ("GET", "none", 404),
        ("GET", "/healthz", 200),
    ]
    for line in found:
        assert set(line) == {"event", "at", "method", "route", "status", "seconds", "peer"}
        assert (line["event"], line["at"], line["peer"]) == (
            "request",
            "2026-02-03T09:00:00.000Z",
            "127.0.0.1",
        )
        assert isinstance(line["seconds"], float)
    ours = "\n".join(
        entry.getMessage() for entry in caplog.records if entry.name not in ("httpx", "httpcore")
    )
    assert "uvicorn.access" not in {entry.name for entry in caplog.records}
    token = path.rpartition("/")[2]
    for secret in ("secret", token, token[:40], till.key_text):
        assert secret not in ours


def test_the_peer_behind_a_proxy(
    db_url: str, clock: Clock, http: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    config = HubConfig(db_url, MASTER, trust_proxy=True)
    with caplog.at_level(logging.INFO), RunningHub(db_url, MASTER, clock, config=config) as hub:
        http.get(f"{hub.url}/healthz", headers={"x-forwarded-for": "198.51.100.1, 203.0.113.7"})
    (line,) = lines(caplog)
    assert line["peer"] == "203.0.113.7"


def test_no_line_where_nobody_listens(till: Till, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        till.pull()
    assert lines(caplog) == []
