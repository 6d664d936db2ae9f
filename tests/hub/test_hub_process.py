"""The hub as a process of its own: what is answered 204 survives kill -9; it ends with its parent."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

import cashier
from cashier.domain.errors import Refused
from cashier.hub.serve import RunningHub, enrol, serve

from .conftest import FORM, MASTER, Clock, Till

SERVE = """
import sys
from datetime import UTC, datetime
from cashier.hub.serve import serve
serve(sys.argv[1], "127.0.0.1", 0, sys.argv[2].encode(), lambda url: print(url, flush=True),
      exit_with_parent=sys.argv[3] == "with-parent", clock=lambda: datetime(2026, 2, 3, 9, tzinfo=UTC))
"""


@contextmanager
def hub_process(db_url: str, mode: str = "alone") -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A hub process and its address. Whatever still runs at the end is killed."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SERVE, db_url, MASTER.decode(), mode],
        cwd=Path(cashier.__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), process.communicate()[1]
        yield process, url
    finally:
        process.kill()
        process.communicate()


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
    # A clean end closes the database, which folds the write-ahead log back.
    assert not Path(db_url.removeprefix("sqlite:///") + "-wal").exists()


def test_a_port_that_is_taken(db_url: str) -> None:
    with RunningHub(db_url, MASTER, Clock()) as hub:
        port = int(hub.url.rpartition(":")[2])
        with pytest.raises(Refused, match=f"cannot listen on 127.0.0.1 port {port}"):
            serve(db_url, "127.0.0.1", port, MASTER, print)


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
