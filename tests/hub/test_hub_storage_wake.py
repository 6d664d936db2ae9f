"""Two hub processes over one PostgreSQL: what one stores wakes the tills that wait at the other."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from cashier.hub.serve import RunningHub
from tests.helpers.postgres import PostgresServer

from .conftest import MASTER, Clock, Database, Till, wait_until
from .processes import hub_process

LISTENERS = "FROM pg_stat_activity WHERE datname = current_database() AND left(query, 6) = 'LISTEN'"


@pytest.fixture
def pg_url(postgres: PostgresServer, postgres_template: str) -> Iterator[str]:
    with postgres.database(postgres_template) as url:
        yield url


def test_a_postback_stored_by_another_process_wakes_a_waiting_till(pg_url: str, http: httpx.Client) -> None:
    with RunningHub(pg_url, MASTER, Clock()) as here, hub_process(pg_url) as (_, there):
        mine = Till(here.url, http, here.enrol("sampletown", "A"))
        theirs = Till(there, http, mine.key_text)
        other = Till(here.url, http, here.enrol("sampletown", "B"), till="B")
        with ThreadPoolExecutor(2) as pool:
            for number in range(3):
                polled = pool.submit(mine.pull, 25)
                wait_until(lambda: here.state.bell.listeners == 1)
                started = time.monotonic()
                assert theirs.post(theirs.path(f"A-{number}")) == 204
                (row,) = polled.result()
                assert time.monotonic() - started < 10
                assert row["reference"] == f"A-{number}"
                # Acknowledged at one process, it is gone at the other.
                assert theirs.ack(row["id"]) == 1
                assert mine.pull() == theirs.pull() == []
            assert other.pull() == []


def test_a_postback_of_another_till_wakes_nobody_else(pg_url: str, http: httpx.Client) -> None:
    with RunningHub(pg_url, MASTER, Clock()) as here, RunningHub(pg_url, MASTER, Clock()) as there:
        mine = Till(here.url, http, here.enrol("sampletown", "A"))
        others = Till(there.url, http, here.enrol("sampletown", "B"), till="B")
        wait_until(lambda: Database(pg_url).run(f"SELECT count(*) {LISTENERS}") == [(2,)])
        with ThreadPoolExecutor(1) as pool, here.state.bell.listen(("sampletown", "B")) as rung:
            polled = pool.submit(mine.pull, 1)
            wait_until(lambda: here.state.bell.listeners == 2)
            assert others.post(others.path()) == 204
            wait_until(rung.is_set)
            assert polled.result() == []


def test_a_broken_line_is_mended_and_nothing_is_missed(pg_url: str, http: httpx.Client) -> None:
    database = Database(pg_url)
    with RunningHub(pg_url, MASTER, Clock()) as here, hub_process(pg_url) as (_, there):
        mine = Till(here.url, http, here.enrol("sampletown", "A"))
        theirs = Till(there, http, mine.key_text)
        wait_until(lambda: database.run(f"SELECT count(*) {LISTENERS}") == [(2,)])
        with ThreadPoolExecutor(1) as pool:
            polled = pool.submit(mine.pull, 25)
            wait_until(lambda: here.state.bell.listeners == 1)
            database.run(f"SELECT pg_terminate_backend(pid) {LISTENERS}")
            assert theirs.post(theirs.path("A-1")) == 204
            assert [row["reference"] for row in polled.result()] == ["A-1"]
        wait_until(lambda: database.run(f"SELECT count(*) {LISTENERS}") == [(2,)])


def test_the_end_of_a_hub_leaves_no_connection(pg_url: str) -> None:
    database = Database(pg_url)
    with RunningHub(pg_url, MASTER, Clock()):
        wait_until(lambda: database.run(f"SELECT count(*) {LISTENERS}") == [(1,)])
    ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'cashier hub'"
    wait_until(lambda: database.run(f"{ours} AND datname = current_database()") == [(0,)])
