"""The command line as a whole: help, version, secrets, and how a verb ends when the machine fails it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import click
import pytest

from cashier.cli import cli
from tests.fakes.keyring import MemoryKeyring, memory_keyring

from .conftest import SETTINGS, WAIT_S, Cashier, tree


def verbs(group: click.Group = cli, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every verb as its words."""
    for name, command in group.commands.items():
        yield (*before, name)
        if isinstance(command, click.Group):
            yield from verbs(command, (*before, name))


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    with memory_keyring() as made:
        yield made


@pytest.mark.parametrize("words", [(), *verbs()], ids=" ".join)
def test_every_verb_has_help(words: tuple[str, ...], cashier: Cashier) -> None:
    ended = cashier(*words, "--help")
    assert (ended.code, ended.err) == (0, ())
    usage, _, summary, *_ = ended.lines
    assert usage.startswith(" ".join(("Usage: cashier", *words)))
    assert summary.strip()


def test_the_version(cashier: Cashier) -> None:
    assert cashier("--version").lines == [f"cashier, version {version('cashier')}"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("frobnicate",), "cashier: No such command 'frobnicate'."),
        (("sale", "frobnicate"), "cashier sale: No such command 'frobnicate'."),
        (("--frobnicate",), "cashier: No such option '--frobnicate'."),
        (("doctor", "too", "many"), "cashier doctor: Got unexpected extra arguments (too many)"),
        (("journal", "--file"), "cashier: Option '--file' requires an argument."),
        (("journal", "search", "--limit", "0"), "cashier journal search: Invalid value for '--limit'"),
    ],
)
def test_a_word_that_is_none_is_one_line(words: tuple[str, ...], told: str, cashier: Cashier) -> None:
    ended = cashier(*words)
    assert (ended.code, ended.out, len(ended.err)) == (2, b"", 1)
    assert ended.err[0].startswith(told)


def test_a_secret_goes_into_the_keyring(cashier: Cashier, settings_file: Path, ring: MemoryKeyring) -> None:
    for name in ("till-key", "api-key-building", "web-service-key-building"):
        ended = cashier("secret", "set", name, text="the-value\n")
        assert (ended.code, ended.lines, ended.err) == (0, [f"{name} is set"], ())
    assert ring.kept == {
        ("cashier/sampletown/A", "till-key"): "the-value",
        ("cashier/sampletown/A", "api-key-building"): "the-value",
        ("cashier/sampletown/A", "web-service-key-building"): "the-value",
    }


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("nosuch", "x\n", "'nosuch' is not a secret of this till; there are: till-key, api-key-building"),
        ("api-key-planning", "x\n", "'api-key-planning' is not a secret of this till"),
        ("till-key", "", "till-key: nothing was given"),
        ("till-key", "  \n", "till-key: nothing was given"),
    ],
)
def test_a_secret_that_is_none(
    name: str, text: str, told: str, cashier: Cashier, settings_file: Path, ring: MemoryKeyring
) -> None:
    ended = cashier("secret", "set", name, text=text)
    assert (ended.code, ended.out, len(ended.err)) == (2, b"", 1)
    assert ended.err[0].startswith(told)
    assert ring.kept == {}


def test_a_machine_without_a_keyring_says_so(settings_file: Path) -> None:
    words = [sys.executable, "-m", "cashier", "secret", "set", "till-key"]
    ended = subprocess.run(words, input="the-value\n", capture_output=True, text=True, timeout=WAIT_S)
    assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (2, "", 1)
    assert ended.stderr.startswith("This machine's keyring does not take secrets")
    assert "the-value" not in ended.stderr


@pytest.fixture(params=["", "1"], ids=["buffered", "unbuffered"])
def buffering(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written late fails late."""
    monkeypatch.setenv("PYTHONUNBUFFERED", request.param)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
@pytest.mark.usefixtures("buffering")
@pytest.mark.parametrize("verb", ["list", "export"])
def test_a_full_disk_is_one_line(verb: str, journal_file: Path) -> None:
    words = ("fees", "list", "--schedule", "lakeland")
    if verb == "export":
        words = ("journal", "--file", str(journal_file), "export")
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "cashier", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=WAIT_S,
        )
    assert (ended.returncode, ended.stderr) == (1, "No space left on device\n")


@pytest.mark.skipif(os.name != "posix", reason="pipes")
@pytest.mark.usefixtures("buffering")
def test_a_reader_that_is_gone_is_no_fault(journal_file: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    words = [sys.executable, "-m", "cashier", "journal", "--file", str(journal_file), "export"]
    ended = subprocess.run(words, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=WAIT_S)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (1, "")


def test_an_unexpected_refusal_of_the_system_is_one_line(
    cashier: Cashier, home: Path, tmp_path: Path
) -> None:
    (home / "data").write_text("a file where a folder belongs")
    sale = Path(__file__).parent.parent / "data" / "sales" / "grancius.json"
    ended = cashier("--training", "sale", "launch", "--input", sale)
    assert (ended.code, ended.out, len(ended.err)) == (1, b"", 1)
    assert str(home / "data") in ended.err[0]


def test_a_tour_that_has_no_place(cashier: Cashier, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    before = tree(tmp_path)
    ended = cashier("tour", tmp_path / "file" / "pictures")
    assert (ended.code, ended.out, len(ended.err)) == (2, b"", 1)
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    ("name", "value"), [("ALL_PROXY", "socks5://127.0.0.1:9"), ("HTTPS_PROXY", "nonsense://127.0.0.1:9")]
)
def test_a_proxy_that_cannot_be_used(
    name: str,
    value: str,
    cashier: Cashier,
    settings_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    settings_file.write_text(SETTINGS.replace('card_maximum = "250.00"\n', ""))
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("CASHIER_SECRET_TILL_KEY", "A" * 43)
    sale = Path(__file__).parent.parent / "data" / "sales" / "grancius.json"
    ended = cashier("sale", "launch", "--input", sale)
    assert (ended.code, ended.out, len(ended.err)) == (2, b"", 1)
    assert ended.err[0].startswith("The proxy that this machine's environment names (ALL_PROXY")


def test_text_prints_whatever_the_locale(settings_file: Path) -> None:
    words = [sys.executable, "-m", "cashier", "fees", "price", "--schedule", "lakeland"]
    words += ["--fee", "building-permit", "--valuation", "25500"]
    environ = os.environ | {"PYTHONIOENCODING": "ascii"}
    ended = subprocess.run(words, capture_output=True, env=environ, timeout=WAIT_S)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert "72.00 + 16 × 4.73" in ended.stdout.decode("utf-8")
