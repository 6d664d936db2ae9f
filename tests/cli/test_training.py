"""Training as a real session: its children, what is left of them, and one session at a time."""

import asyncio
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from cashier.bootstrap import training_till
from cashier.domain.errors import Unavailable
from cashier.till.config import Connection
from cashier.till.readers import ReaderState
from cashier.training import Training
from tests.sandbox.payer import Payer

from .conftest import DATA, WAIT_S, Cashier

SALE = DATA / "sales" / "grancius.json"
MARK = "CASHIERS_MARK"  # in the environment of a session and so of its children

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def until(condition: Callable[[], object]) -> None:
    """Wait for a condition that nothing tells us of."""
    waiting = threading.Event()
    for _ in range(WAIT_S * 50):
        if condition():
            return
        waiting.wait(0.02)
    raise AssertionError("it did not come true")


def running(mark: str) -> dict[int, int]:
    """The processes of a session, a handle on each. One that ended but is not reaped has no mark."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}\0".encode() in (folder / "environ").read_bytes():
                found[int(folder.name)] = os.pidfd_open(int(folder.name))
        except (PermissionError, FileNotFoundError, ProcessLookupError):
            continue  # another user's, or ended meanwhile
    return found


def assert_all_end(processes: dict[int, int]) -> None:
    for pid, handle in processes.items():
        ended, _, _ = select.select([handle], [], [], WAIT_S)
        os.close(handle)
        assert ended, f"process {pid} still runs"


@contextmanager
def session(mark: str, *words: object) -> Iterator["subprocess.Popen[str]"]:
    """A training session with its own process group, as a terminal would give it."""
    started = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "cashier", "--training", *map(str, words)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {MARK: mark},
        start_new_session=True,
    )
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


def said(started: "subprocess.Popen[str]", word: str) -> str:
    """The rest of the line that starts with a word."""
    assert started.stdout is not None
    for line in started.stdout:
        name, _, rest = line.strip().partition(" ")
        if name == word:
            return rest
    raise AssertionError(started.communicate()[1])


@pytest.fixture
def folder(home: Path) -> Path:
    return home / "data" / "cashier" / "training"


def launch(mark: str, wait_s: float, *words: object) -> AbstractContextManager["subprocess.Popen[str]"]:
    """A session that launches the sale and waits."""
    return session(mark, *words, "sale", "launch", "--input", SALE, "--wait", wait_s)


def test_a_launch_leaves_no_process(tmp_path: Path) -> None:
    with launch(str(tmp_path), 1) as started:
        assert said(started, "page").startswith("http://127.0.0.1:")
        processes = running(str(tmp_path))
        assert len(processes) == 3  # the till, its sandbox, its hub
        out, err = started.communicate(timeout=WAIT_S)
        assert (started.returncode, out, err) == (1, "state OPEN\n", "")
        assert_all_end(processes)


def test_its_children_end_when_it_is_killed(tmp_path: Path) -> None:
    with launch(str(tmp_path), WAIT_S) as started:
        said(started, "page")
        processes = running(str(tmp_path))
        assert len(processes) == 3
        started.kill()
        assert_all_end(processes)


@pytest.mark.parametrize("moment", ["starting", "waiting"])
def test_ctrl_c_ends_it_cleanly(moment: str, tmp_path: Path, folder: Path) -> None:
    with launch(str(tmp_path), WAIT_S) as started:
        if moment == "starting":
            until((folder / "hub-secret").exists)
        else:
            said(started, "page")
        processes = running(str(tmp_path))
        os.killpg(started.pid, signal.SIGINT)
        _, err = started.communicate(timeout=WAIT_S)
        assert (started.returncode, err.split()) == (1, ["Stopped."])
        assert_all_end(processes)
        assert running(str(tmp_path)) == {}


def test_a_payer_pays_and_the_journal_holds_it(tmp_path: Path, cashier: Cashier) -> None:
    with launch(str(tmp_path), WAIT_S) as started:
        with Payer(said(started, "page")) as payer:
            assert payer.pay().status_code == 200
        out, err = started.communicate(timeout=WAIT_S)
        assert (started.returncode, out, err) == (0, "state APPROVED\nreceipt A-000001\n", "")
    assert cashier("--training", "journal", "verify").code == 0
    (line,) = cashier("--training", "journal", "search", "A-000001").lines
    assert line.startswith("A-000001")
    assert "PAID  Lee Example" in line


@pytest.mark.parametrize(
    ("fault", "wait_s", "code", "state"),
    [
        ("decline", WAIT_S, 1, "DECLINED"),
        # Waits for no more than the five seconds after which the gateway is asked.
        ("wrong-amount", 5, 3, "IN_DOUBT"),
    ],
)
def test_a_payment_that_is_not_paid(fault: str, wait_s: int, code: int, state: str, tmp_path: Path) -> None:
    with launch(str(tmp_path), wait_s, "--fault", fault) as started:
        with Payer(said(started, "page")) as payer:
            payer.pay()
        out, err = started.communicate(timeout=WAIT_S)
    assert (started.returncode, out) == (code, f"state {state}\n")
    assert [line.partition(":")[0] for line in err.splitlines()] == (["in doubt"] if code == 3 else [])


def test_a_gateway_that_fails_is_one_line(tmp_path: Path) -> None:
    with launch(str(tmp_path), 0, "--fault", "error-500") as started:
        out, err = started.communicate(timeout=WAIT_S)
    assert started.returncode in (1, 3)
    assert (out, len(err.splitlines())) == ("", 1)


def test_a_second_session_is_refused_and_the_first_untouched(
    tmp_path: Path, folder: Path, cashier: Cashier
) -> None:
    with launch(str(tmp_path), WAIT_S) as first:
        reference = said(first, "reference")
        url = said(first, "page")
        entries = cashier("--training", "journal", "export").out
        secret = (folder / "hub-secret").read_bytes()
        with launch(f"{tmp_path}-second", 0) as second:
            out, err = second.communicate(timeout=WAIT_S)
            assert (second.returncode, out, len(err.splitlines())) == (2, "", 1)
            assert "a training session" in err
            assert str(first.pid) in err
        assert running(f"{tmp_path}-second") == {}
        assert cashier("--training", "journal", "export").out == entries
        assert reference.encode() in entries
        assert (folder / "hub-secret").read_bytes() == secret
        with Payer(url) as payer:
            payer.pay()
        out, err = first.communicate(timeout=WAIT_S)
        assert (first.returncode, out, err) == (0, "state APPROVED\nreceipt A-000001\n", "")


def test_each_session_starts_afresh(tmp_path: Path, cashier: Cashier) -> None:
    references = []
    for _ in range(2):
        with launch(str(tmp_path), 0) as started:
            references.append(said(started, "reference"))
            assert started.wait(WAIT_S) == 0
    entries = cashier("--training", "journal", "export").out.decode()
    assert references[0] not in entries
    assert references[1] in entries


def test_a_child_that_does_not_start(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    training = Training(tmp_path / "training", ("--fault", "nosuch"))
    with pytest.raises(Unavailable, match=r"ended before it was ready \(exit code 2\)"):
        training.__enter__()
    assert capfd.readouterr().err.startswith("--fault 'nosuch': is not a fault")


def test_its_folder_is_its_owners_only(tmp_path: Path) -> None:
    with Training(tmp_path / "training") as training:
        assert training.servers is not None
        assert (tmp_path / "training").stat().st_mode & 0o077 == 0
        assert (tmp_path / "training" / "hub-secret").stat().st_mode & 0o077 == 0


async def test_its_reader_list_offers_emulated_ones_that_answer() -> None:
    async with training_till() as (till, _settings):
        seen = asyncio.Event()
        till.subscribe(seen.set)
        serial = [reader for reader in till.config.readers if reader.connection is Connection.SERIAL]
        assert [reader.family for reader in serial] == ["idtech_itp", "verifone_vipa"]
        while not all(till.readers.view(reader).device for reader in serial):
            seen.clear()
            await asyncio.wait_for(seen.wait(), WAIT_S)
        for reader in serial:
            told = await till.ask_reader(till.readers.view(reader).device, reader.family)
            assert (told.is_known, told.clear_tracks) == (True, False if "idtech" in reader.family else None)
            till.choose_reader(reader.id)
            view = till.snapshot().draft.reader
            assert view is not None
            assert (view.state, view.refusal) == (ReaderState.CONNECTED, "")
