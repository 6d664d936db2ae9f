"""The command line under test: in this process through click's runner, and as a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
from click.testing import CliRunner
from PySide6.QtWidgets import QApplication

from cashier.cli import cli
from cashier.journal.store import SqliteJournal
from tests.fakes.entries import Drafts, FixedClock

DATA = Path(__file__).parent.parent / "data"
WAIT_S = 60
MASTER = "a master secret of tests, 32 bytes long or more"

SETTINGS = """
site = "sampletown"
till = "A"
agency = "Town of Sampleton"
profile = "grancius"
schedule = "lakeland"
[hub]
url = "https://hub.example.org"
[[billers]]
name = "building"
invoice_types = { 6 = "Building", 93 = "Planning" }
card_maximum = "250.00"
"""


@pytest.fixture(autouse=True)
def application(qapp: QApplication) -> None:
    """Where there is none, a verb that paints makes one without windows: of no use to later tests."""


@dataclass(frozen=True)
class Ended:
    """How a verb ended."""

    code: int
    out: bytes
    err: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        return self.out.decode().splitlines()


class Cashier(Protocol):
    """Runs a verb. A trace is a failure of the test, whatever the test is about."""

    def __call__(self, *words: object, text: str | None = None) -> Ended: ...


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user of our own: no folder and no variable of the real one counts."""
    # The program cleans Chromium's away before a verb runs; here the tests' own are still there.
    for name in [name for name in os.environ if name.startswith(("CASHIER_", "QTWEBENGINE"))]:
        monkeypatch.delenv(name)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(folder / "data"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    return folder


@pytest.fixture
def cashier() -> Cashier:
    def run(*words: object, text: str | None = None) -> Ended:
        found = CliRunner().invoke(cli, [str(word) for word in words], prog_name="cashier", input=text)
        if not isinstance(found.exception, SystemExit | None):
            raise found.exception
        return Ended(found.exit_code, found.stdout_bytes, tuple(found.stderr.splitlines()))

    return run


@contextmanager
def process(*words: object, stdin: int = subprocess.PIPE) -> Iterator["subprocess.Popen[str]"]:
    """The real program. Whatever still runs at the end is killed."""
    started = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "cashier", *map(str, words)],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


@pytest.fixture
def settings_file(home: Path) -> Path:
    """A till's settings, where this user's are looked for."""
    file = home / "config" / "cashier" / "settings.toml"
    file.parent.mkdir(parents=True)
    file.write_text(SETTINGS, encoding="utf-8")
    return file


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    file = tmp_path / "hub-secret"
    file.touch(mode=0o600)
    file.write_text(MASTER, encoding="ascii")
    return file


@pytest.fixture
def journal_file(tmp_path: Path) -> Path:
    """A closed journal of 21 entries: three paid sales, receipts A-000001 to A-000003."""
    file = tmp_path / "shop" / "journal.db"
    with open_journal(file) as journal:
        drafts = Drafts()
        for name in ("s1", "s2", "s3"):
            journal.record(drafts.paid_sale(name))
    return file


def open_journal(file: Path) -> SqliteJournal:
    """A till's hold on a journal."""
    return SqliteJournal(file, till="A", clock=FixedClock(), holder="the first window")


def tree(folder: Path) -> Sequence[Path]:
    """Everything below a folder."""
    return sorted(folder.rglob("*"))
