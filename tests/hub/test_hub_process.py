"""The hub as a process of its own: what is answered 204 survives kill -9; it ends with its parent."""

import os
import signal

import httpx
import pytest

from cashier.domain.errors import Refused
from cashier.hub.serve import RunningHub, allow_files, enrol, serve

from .conftest import FORM, MASTER, Clock, Database, Till
from .processes import hub_process


def test_every_204_survives_kill_9(db_url: str, http: httpx.Client) -> None:
    key_text = enrol(db_url, MASTER, "sampletown", "A", Clock())
    acknowledged = []
    for round_number in range(3):
        with hub_process(db_url) as (process, url):
            till = Till(url, http, key_text)
            for number in range(5):
                reference = f"A-{round_number}-{number}"
                assert till.post(till.path(reference)) == 204
                acknowledged.append(reference)
            process.kill()
            process.wait()
    with RunningHub(db_url, MASTER, Clock()) as hub:
        rows = Till(hub.url, http, key_text).pull()
    assert [row["reference"] for row in rows] == acknowledged


def test_a_till_enrolled_while_the_hub_runs(db_url: str, http: httpx.Client) -> None:
    with hub_process(db_url) as (_, url):
        till = Till(url, http, enrol(db_url, MASTER, "sampletown", "N", Clock()), till="N")
        assert till.post(till.path()) == 204
        assert len(till.pull()) == 1


def test_it_ends_with_its_parent(db_url: str) -> None:
    with hub_process(db_url, "with-parent") as (process, url):
        assert httpx.get(url + "/healthz").status_code == 200
        out, err = process.communicate(timeout=30)  # closes its standard input
        assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_sigterm_stops_it_cleanly(db_url: str) -> None:
    with hub_process(db_url) as (process, _):
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (-signal.SIGTERM, "")
    if (database := Database(db_url)).is_sqlite:
        # A clean end closes the database, which folds the write-ahead log back.
        assert not database.file.with_name(database.file.name + "-wal").exists()


def test_a_port_that_is_taken(db_url: str) -> None:
    with RunningHub(db_url, MASTER, Clock()) as hub:
        port = int(hub.url.rpartition(":")[2])
        with pytest.raises(Refused, match=f"cannot listen on 127.0.0.1 port {port}"):
            serve(db_url, "127.0.0.1", port, MASTER, print)


@pytest.mark.skipif(os.name != "posix", reason="POSIX limits")
def test_a_process_may_open_as_many_files_as_the_system_lets_it() -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    wishes = [(400, 500), (600, 600)]
    if before[1] != resource.RLIM_INFINITY:
        wishes.append((before[1] + 1, before[1]))
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (500, before[1]))
        for wanted, given in wishes:
            allow_files(wanted)
            assert resource.getrlimit(resource.RLIMIT_NOFILE) == (given, before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_short_secret_or_bad_database_is_refused_before_anything_listens(db_url: str) -> None:
    with pytest.raises(Refused, match="32 are needed"):
        serve(db_url, "127.0.0.1", 0, b"short", print)
    with pytest.raises(Refused, match="SQLite file"):
        serve("sqlite://", "127.0.0.1", 0, MASTER, print)


def test_tokens_are_in_no_output(db_url: str, http: httpx.Client) -> None:
    key_text = enrol(db_url, MASTER, "sampletown", "A", Clock())
    with hub_process(db_url, "with-parent") as (process, url):
        till = Till(url, http, key_text)
        assert till.post(till.path()) == 204
        assert till.post(till.path() + "x") == 404
        assert till.post(till.path(), b"<x>") == 400
        assert till.post(till.path(), FORM) == 204
        out, err = process.communicate(timeout=30)
    assert (out, err) == ("", "")
