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
from PySide6.QtPdf import QPdfDocument
from PySide6.QtWidgets import QApplication

from cashier import paths
from cashier.bootstrap import opener, training_till, view_maker
from cashier.clock import SystemClock
from cashier.data_files import JOURNAL
from cashier.domain.entries import EntryKind
from cashier.domain.errors import Refused, Unavailable
from cashier.domain.money import Cents
from cashier.domain.receipt import Tender, TenderKind
from cashier.domain.sale import Customer
from cashier.gateway.postback import till_key_to_text
from cashier.paper.receipt_page import write_pdf
from cashier.rehearsal import SandboxControl, rehearsing, seed
from cashier.sandbox.serve import RunningSandbox
from cashier.till.config import Connection
from cashier.till.first_day import FirstDay
from cashier.till.readers import ReaderState
from cashier.till.rehearsal_cases import Case
from cashier.till.snapshot import LineState
from cashier.till.till import Till
from cashier.till.trainees import CLERK, INVOICES
from cashier.training import Training
from cashier.ui import theme
from cashier.ui.widgets import Watermark
from cashier.ui.window import MainWindow
from tests.fakes.entries import Drafts
from tests.fakes.shifts import close_shift
from tests.sandbox.payer import Payer

from .conftest import DATA, SETTINGS, WAIT_S, Cashier, open_journal

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
        assert (started.returncode, out, err) == (0, "state APPROVED\nreceipt TRAIN-000001\n", "")
    assert cashier("--training", "journal", "verify").code == 0
    (line,) = cashier("--training", "journal", "search", "TRAIN-000001").lines
    assert line.startswith("TRAIN-000001")
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
        assert (first.returncode, out, err) == (0, "state APPROVED\nreceipt TRAIN-000001\n", "")


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


async def test_x6_a_day_in_training_leaves_the_live_till_alone(tmp_path: Path, qapp: QApplication) -> None:
    """The whole row: watermark on screen and paper, a folder and a number series apart, the sandbox only."""
    live = paths.data_folder(training=False)
    with open_journal(live / JOURNAL) as journal:
        journal.record(Drafts().paid_sale("s1"))
    before = content(live)
    paper = tmp_path / "roll"
    printer = {"kind": "file", "device": str(paper), "answers": False}
    async with training_till(overrides={"printer": printer}) as (till, settings):
        day = FirstDay(till.entries_of)
        await waited(till, lambda: till.snapshot().line is LineState.ONLINE)
        # A card pays what the sandbox alone takes.
        assert settings.gateway.base_url.startswith("http://127.0.0.1:")
        till.set_customer(Customer("BU7-00042", "Robin Example"))
        till.add_fee("re-roof-shingle")
        url = await till.pay_by_card()
        assert url.startswith(settings.gateway.base_url)
        with Payer(url) as payer:
            await asyncio.to_thread(payer.pay)
        await waited(till, lambda: any(till.entries_of({EntryKind.PRINTED})))
        roll = paper.read_bytes()  # a printer that is a file keeps what came last
        assert b"TRAIN-000001" in roll and b"TRAINING" in roll
        # Cash with change pays an invoice that is at the sandbox from the start.
        till.new_sale()
        invoice = INVOICES[0]
        till.retrieving.fill(await till.retrieving.look_up_customer(invoice.account), overwrite=True)
        till.retrieving.add((await till.retrieving.look_up(invoice.number)).candidates[0])
        till.take_tender(Tender(TenderKind.CASH, Cents(0), received_cents=Cents(invoice.due_cents + 450)))
        cash, card = till.receipts("")
        assert [receipt.number for receipt in (card, cash)] == ["TRAIN-000001", "TRAIN-000002"]
        assert (cash.customer.name, cash.tenders[0].change_cents) == (invoice.payer, 450)
        write_pdf(cash, tmp_path / "receipt.pdf")
        document = QPdfDocument()
        document.load(str(tmp_path / "receipt.pdf"))
        assert "TRAINING – NOT A RECEIPT" in document.getAllText(0).text()
        # The screen.
        window = MainWindow(theme.put_on(qapp, paths.resources()), training=True)
        window.attach(till, view_maker(settings))
        window.show()
        assert window.findChildren(Watermark)[0].isVisible()
        assert "TRAINING" in window.windowTitle()
        assert "TRAIN" in window.status.till.text()
        # The day is closed, and only its own.
        till.people.lock()
        await till.people.sign_in(CLERK.name, CLERK.pin)
        z = close_shift(till.shifts)
        assert z.body["receipts"] == ["TRAIN-000001", "TRAIN-000002"]
        done = {step.title for step in day.steps() if step.is_done}
        assert {"Take a card payment", "Take cash and give change", "Print or save a receipt"} <= done
        assert {"Sign in", "Retrieve an invoice and take it", "Close the day"} <= done
        window.close()
        window.deleteLater()
    assert content(live) == before
    assert not any(b"A-000001" in file for file in content(paths.data_folder(training=True)).values())


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder; the live till's are not those of training, which are below it."""
    training = paths.data_folder(training=True)
    files = [file for file in folder.rglob("*") if file.is_file()]
    wanted = [file for file in files if folder == training or training not in file.parents]
    assert wanted
    return {str(file): file.read_bytes() for file in wanted}


async def waited(till: Till, condition: Callable[[], bool]) -> None:
    """Until the till has changed so that a condition holds."""
    changed = asyncio.Event()
    till.subscribe(changed.set)
    while not condition():
        changed.clear()
        await asyncio.wait_for(changed.wait(), WAIT_S)


def test_the_sandbox_of_a_session_has_the_invoices_that_the_guide_names(tmp_path: Path) -> None:
    with RunningSandbox() as sandbox:
        seed(sandbox.url, SystemClock().today())
        known = sandbox.store.invoices
        assert known.keys() == {invoice.number for invoice in INVOICES}
        for invoice in INVOICES:
            record = known[invoice.number]
            assert (record.balance_cents, record.customer.name) == (invoice.due_cents, invoice.payer)
            assert record.invoice.allow_partial is (invoice.minimum_cents is not None)
        assert known["20080-42"].autopay is not None


def test_a_rehearsal_talks_to_this_machine_only() -> None:
    for url in ("https://www.invoicecloud.com", "http://192.0.2.7:80", "https://127.0.0.1"):
        with pytest.raises(Refused, match="real money"):
            SandboxControl(url)


async def test_a_sandbox_that_is_gone_is_told(tmp_path: Path) -> None:
    with RunningSandbox() as sandbox:
        url = sandbox.url
    control = SandboxControl(url)
    with pytest.raises(Unavailable, match="Nothing has changed"):
        await control.arm(Case.LATE)
    await control.close()
    with pytest.raises(Unavailable):
        seed(url, SystemClock().today())


async def test_the_opener_of_a_real_till_brings_nothing_to_rehearse_with(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASHIER_SECRET_TILL_KEY", till_key_to_text(bytes(32)))
    monkeypatch.setenv("CASHIER_SECRET_PIN_PEPPER", "a pepper of tests")
    file = home / "settings.toml"
    file.write_text(SETTINGS.replace("https://hub.example.org", "https://127.0.0.1:9"))
    async with opener(training=False, settings_file=file)() as opened:
        assert opened.till.config.training is False
        assert opened.rehearsal is None
        with pytest.raises(Refused, match="real money"):
            async with rehearsing(opened.till, "http://127.0.0.1:9"):
                pass


def test_a_profile_that_is_none_opens_no_window(cashier: Cashier) -> None:
    ended = cashier("--training", "--profile", "nosuch")
    assert (ended.code, len(ended.err)) == (2, 1)
    assert ended.err[0].startswith("'nosuch' is no profile to train with; there are: cloudpermit, grancius")
