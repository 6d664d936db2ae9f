"""`hub serve`, `hub enrol` and `sandbox serve`: as real processes, and what they refuse."""

import os
import signal
import socket
import stat
import subprocess
from pathlib import Path

import httpx
import pytest

from .conftest import WAIT_S, Cashier, process, tree


def db_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'hub.db'}"


def hub_words(folder: Path, secret: Path, *more: object) -> tuple[object, ...]:
    return ("hub", "serve", "--port", 0, "--db", db_url(folder), "--secret-file", secret, *more)


def listening(started: "subprocess.Popen[str]") -> str:
    assert started.stdout is not None
    word, _, url = started.stdout.readline().strip().partition(" ")
    assert word == "listening", started.communicate()[1]
    return url


def test_the_hub_serves_until_its_parent_is_gone(tmp_path: Path, secret_file: Path) -> None:
    with process(*hub_words(tmp_path, secret_file, "--exit-with-parent")) as started:
        url = listening(started)
        assert httpx.get(f"{url}/healthz", trust_env=False).status_code == 200
        out, err = started.communicate(timeout=WAIT_S)  # closes its standard input
        assert (started.returncode, out, err) == (0, "", "")


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
@pytest.mark.parametrize("verb", ["hub", "sandbox"])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_server_ends_on_a_signal(verb: str, how: signal.Signals, tmp_path: Path, secret_file: Path) -> None:
    words = hub_words(tmp_path, secret_file) if verb == "hub" else ("sandbox", "serve", "--port", 0)
    with process(*words) as started:
        listening(started)
        started.send_signal(how)
        out, err = started.communicate(timeout=WAIT_S)
        assert (out, err.split()) == ("", ["Stopped."] if how is signal.SIGINT else [])
        assert started.returncode == (1 if how is signal.SIGINT else -signal.SIGTERM)


def test_the_hub_enrols_first_and_gives_the_same_key_later(
    tmp_path: Path, secret_file: Path, cashier: Cashier
) -> None:
    with process(*hub_words(tmp_path, secret_file, "--enrol", "town/A", "--exit-with-parent")) as started:
        assert started.stdout is not None
        word, _, key = started.stdout.readline().strip().partition(" ")
        assert (word, len(key)) == ("till-key", 43)
        listening(started)
        ended = cashier("hub", "enrol", "--db", db_url(tmp_path), "--secret-file", secret_file, "town/A")
        assert (ended.code, ended.lines, ended.err) == (0, [key], ())
        other = cashier("hub", "enrol", "--db", db_url(tmp_path), "--secret-file", secret_file, "town/B")
        assert other.lines != [key]


def test_the_secret_may_come_from_the_environment(
    tmp_path: Path, secret_file: Path, cashier: Cashier, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_file = cashier("hub", "enrol", "--db", db_url(tmp_path), "--secret-file", secret_file, "town/A")
    monkeypatch.setenv("CASHIER_HUB_SECRET", secret_file.read_text())
    assert cashier("hub", "enrol", "--db", db_url(tmp_path), "town/A").out == by_file.out


@pytest.mark.parametrize("verb", ["enrol", "serve"])
@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "",
        "sqlite://",
        "sqlite:////nosuch/folder/hub.db",
        "mysql://h/d",
        "a:b:c://",
    ],
)
def test_a_database_that_cannot_be_used(verb: str, url: str, cashier: Cashier, secret_file: Path) -> None:
    end = ("town/A",) if verb == "enrol" else ("--port", 0)
    ended = cashier("hub", verb, "--db", url, "--secret-file", secret_file, *end)
    assert (ended.code, ended.out, len(ended.err)) == (2, b"", 1)


@pytest.mark.parametrize("verb", ["enrol", "serve"])
def test_a_database_that_does_not_answer(verb: str, cashier: Cashier, secret_file: Path) -> None:
    """Nothing is wrong with what was given, so it is not bad input: try again."""
    end = ("town/A",) if verb == "enrol" else ("--port", 0)
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"postgresql://127.0.0.1:{gone.getsockname()[1]}/hub"
    ended = cashier("hub", verb, "--db", url, "--secret-file", secret_file, *end)
    assert (ended.code, ended.out, len(ended.err)) == (1, b"", 1)


@pytest.mark.parametrize("verb", ["enrol", "serve"])
def test_a_secret_that_is_none(verb: str, cashier: Cashier, tmp_path: Path, secret_file: Path) -> None:
    end = ("town/A",) if verb == "enrol" else ("--port", 0)
    cases = [(("--secret-file", tmp_path / "nosuch"), "cannot be read"), ((), "needs its master secret")]
    short = tmp_path / "short"
    short.touch(mode=0o600)
    short.write_text("short")
    cases.append((("--secret-file", short), "32 are needed"))
    if os.name == "posix":
        secret_file.chmod(stat.S_IRUSR | stat.S_IRGRP)
        cases.append((("--secret-file", secret_file), "chmod 600"))
    for words, told in cases:
        ended = cashier("hub", verb, "--db", db_url(tmp_path), *words, *end)
        assert (ended.code, ended.out, len(ended.err)) == (2, b"", 1)
        assert told in ended.err[0]
    assert not (tmp_path / "hub.db").exists()


@pytest.mark.parametrize("till", ["A", "town/", "/A", "to wn/A", "town/A/B", "", "t|own/A"])
def test_a_till_that_has_no_name(till: str, cashier: Cashier, tmp_path: Path, secret_file: Path) -> None:
    before = tree(tmp_path)
    for words in (("enrol", till), ("serve", "--port", 0, "--enrol", till)):
        ended = cashier("hub", words[0], "--db", db_url(tmp_path), "--secret-file", secret_file, *words[1:])
        assert (ended.code, ended.out, len(ended.err)) == (2, b"", 1)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("verb", ["hub", "sandbox"])
def test_a_port_in_use(verb: str, cashier: Cashier, tmp_path: Path, secret_file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        more = ("--db", db_url(tmp_path), "--secret-file", secret_file) if verb == "hub" else ()
        ended = cashier(verb, "serve", "--port", port, *more)
    assert (ended.code, ended.out, len(ended.err)) == (2, b"", 1)
    assert f"cannot listen on 127.0.0.1 port {port}" in ended.err[0]


def test_the_sandbox_serves_until_its_parent_is_gone() -> None:
    with process("sandbox", "serve", "--port", 0, "--fault", "decline", "--exit-with-parent") as started:
        url = listening(started)
        assert httpx.get(f"{url}/sandbox/fault", trust_env=False).json() == {
            "fault": "decline",
            "times": None,
        }
        out, err = started.communicate(timeout=WAIT_S)
        assert (started.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--port", "0", "--fault", "nosuch"), "--fault 'nosuch': is not a fault; there are: decline, slow"),
        (("--port", "0", "--fault", ""), "--fault '': is not a fault"),
        (("--port", "0", "--late", "nan"), "cashier sandbox serve: Invalid value for '--late'"),
        (("--port", "65536"), "cashier sandbox serve: Invalid value for '--port'"),
        (("--port", "http"), "cashier sandbox serve: Invalid value for '--port'"),
        ((), "cashier sandbox serve: Missing option '--port'"),
    ],
)
def test_a_sandbox_that_cannot_be(words: tuple[str, ...], told: str, cashier: Cashier) -> None:
    ended = cashier("sandbox", "serve", *words)
    assert (ended.code, ended.out, len(ended.err)) == (2, b"", 1)
    assert ended.err[0].startswith(told)
