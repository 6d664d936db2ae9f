"""A whole counter for the end-to-end tests: window, sealed view, journal, sandbox and hub on real sockets."""

import asyncio
import datetime as dt
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import qasync
from PySide6.QtCore import QEventLoop
from PySide6.QtWidgets import QApplication

from cashier import paths
from cashier.bootstrap import account_view_maker, open_till, view_maker
from cashier.clock import SystemClock
from cashier.data_files import JOURNAL, daybook_of
from cashier.domain.entries import Entry
from cashier.domain.payment import Payment, PaymentState
from cashier.domain.people import PEOPLE_KINDS
from cashier.domain.sale import Customer, Permit
from cashier.hub.app import HubConfig
from cashier.hub.portals import Portals
from cashier.hub.serve import RunningHub
from cashier.journal.verify import verify_file
from cashier.readers.discovery import PortInfo
from cashier.rehearsal import rehearsing
from cashier.sandbox.config import SandboxConfig
from cashier.sandbox.serve import RunningSandbox
from cashier.secrets import Secrets
from cashier.settings import check
from cashier.till.rehearsal import Rehearsal
from cashier.till.till import Till
from cashier.training import SITE, Servers, Training, begin, secrets_of
from cashier.ui import theme
from cashier.ui.pace import ByHand
from cashier.ui.payer import Payer, until
from cashier.ui.window import MainWindow
from tests.end2end.gateway_line import GatewayLine
from tests.fakes.keyring import memory_keyring
from tests.fakes.shifts import SHIFT_MOVES
from tests.helpers.tls import tls

SCENARIO_MAX_S = 90
#: The counter's own code; a training session has another, but these tills are also opened as real ones.
TILL = "A"
MASTER_SECRET = b"a master secret of tests, 32 bytes long or more"
VISA = "4111111111111111"
DECLINING = "4000000000000002"
#: The life of a hosted page with its margin, as the settings have it when nothing else is said; seconds.
SESSION_S = 35 * 60


class Watch(SystemClock):
    """The machine's clock, which a test may put forward, so that nobody has to wait for a session's end."""

    def __init__(self) -> None:
        self._forward_s = 0.0

    def put_forward(self, seconds: float) -> None:
        self._forward_s += seconds

    def now(self) -> dt.datetime:
        return super().now() + dt.timedelta(seconds=self._forward_s)

    def monotonic(self) -> float:
        return super().monotonic() + self._forward_s


class Counter:
    """One counter. `run` opens the till and its window for a scenario; call it again for a restart.

    `overrides` and `secrets` are what the till is opened with; change them before `run`.
    """

    def __init__(
        self,
        loop: "QtLoop",
        app: QApplication,
        folder: Path,
        sandbox: RunningSandbox,
        portals: Portals,
    ) -> None:
        self._loop = loop
        self._app = app
        app.setQuitOnLastWindowClosed(False)  # as the product does: closing a window must not stop the loop
        self.folder = folder / TILL
        self.hub_file = folder / "hub.db"
        self.sandbox = sandbox
        self.watch = Watch()
        self.hub: RunningHub | None = None
        #: Whether the window has what a training session has: the menu of cases, and the first day's steps.
        self.rehearses = False
        self.rehearsal: Rehearsal | None = None
        #: What is plugged in; the machine of the tests has its own ports, and none counts here.
        self.ports: list[PortInfo] = []
        self._portals = portals
        self._hub_port = 0
        hub = self.hub_up()
        training = Training(self.folder)
        training.servers = Servers(sandbox.url, hub.url, hub.enrol(SITE, TILL))
        self.secrets = secrets_of(training.servers.till_key)
        self.overrides: dict[str, Any] = {"data_folder": str(self.folder), "till": TILL}
        self.gateway()
        self._table = training.settings

    def gateway(self, **members: object) -> None:
        """Settings of the gateway beside its address; a decline need not stand for long."""
        self.overrides["gateway"] = {"base_url": self.sandbox.url, "quiet_seconds": 1, **members}

    @property
    def table(self) -> dict[str, Any]:
        """The settings as a file would have them."""
        return self._table(self.overrides)

    def hub_up(self) -> RunningHub:
        """Start the hub, at the address it had before."""
        config = HubConfig(f"sqlite:///{self.hub_file}", MASTER_SECRET, portals=self._portals)
        self.hub = RunningHub(config.db_url, MASTER_SECRET, port=self._hub_port, config=config).__enter__()
        self._hub_port = int(self.hub.url.rpartition(":")[2])
        return self.hub

    def hub_down(self) -> None:
        """Stop the hub."""
        if self.hub is not None:
            self.hub.__exit__(None, None, None)
            self.hub = None

    def run(
        self,
        scenario: Callable[["Counter"], Awaitable[None]],
        *,
        first: Callable[["Counter"], None] | None = None,
        online: bool = True,
    ) -> None:
        """Open the till behind a real window, play the scenario, close the window.

        `first` looks at the very first screen, before anything else can have happened.
        """
        self._loop.run(asyncio.wait_for(self._play(scenario, first, online), SCENARIO_MAX_S))

    async def _play(
        self,
        scenario: Callable[["Counter"], Awaitable[None]],
        first: Callable[["Counter"], None] | None,
        online: bool,
    ) -> None:
        settings = check(self.table, "test", environment=False)
        self.window = MainWindow(theme.put_on(self._app, paths.resources()), training=True)
        # Keys of a test come at a machine's pace; they stand for a hand's.
        self.window.guard.pace = ByHand()
        self.window.show()
        secrets = Secrets(SITE, TILL, self.secrets)
        async with (
            AsyncExitStack() as stack,
            open_till(settings, secrets, self.watch, lister=lambda: tuple(self.ports)) as till,
        ):
            self.till = till
            await begin(till)
            if self.rehearses:
                self.rehearsal = await stack.enter_async_context(rehearsing(till, self.sandbox.url))
            self.window.attach(
                till,
                view_maker(settings),
                daybook_of(settings),
                self.rehearsal,
                account_view_maker(settings),
            )
            try:
                if first is not None:
                    first(self)
                if online:
                    await until(lambda: till.snapshot().line.value == "online", "hub and gateway")
                await scenario(self)
            finally:
                self.window.close()
                self.window.deleteLater()

    @asynccontextmanager
    async def beside(self, name: str) -> AsyncIterator[Till]:
        """Another till of the same site, at the same hub and gateway, with its own journal; no window."""
        assert self.hub is not None
        folder = self.folder.with_name(name)
        settings = check(self.table | {"till": name, "data_folder": str(folder)}, "test", environment=False)
        secrets = self.secrets | {"CASHIER_SECRET_TILL_KEY": self.hub.enrol(SITE, name)}
        async with open_till(settings, Secrets(SITE, name, secrets), self.watch) as till:
            await begin(till)
            await until(lambda: till.snapshot().line.value == "online", "hub and gateway")
            yield till

    # -- what a scenario is made of ----------------------------------------------------------------------

    def fill(self, *codes: str, account: str = "BU7-00042") -> None:
        """A sale with fees that ask nothing."""
        fill(self.till, *codes, account=account)

    async def open_page(self) -> Payer:
        """Press the card key and wait for the hosted page."""
        self.window.pay()
        await until(lambda: self.window.payment.hosted is not None, "the page")
        assert self.window.payment.hosted is not None
        payer = Payer(self.window.payment.hosted)
        await payer.sees("How would you like to pay?")
        return payer

    async def pay_and_close(self, *codes: str) -> None:
        """A sale is charged at the gateway; the clerk closes the page before anything was heard of it."""
        self.fill(*codes)
        payer = await self.open_page()
        await payer.pay_by_typing(VISA)
        await payer.sees("Thank you for your payment")
        self.close_page()

    def close_page(self) -> None:
        """The clerk's key."""
        self.window.payment.stop.click()
        assert self.window.payment.hosted is None

    async def later(self, seconds: float) -> None:
        """So much time goes by: what is due by then is done now."""
        await self.till.checker.check_due()  # it has seen what happened before
        self.watch.put_forward(seconds)
        self.till.checker.ring()

    async def asked(self) -> None:
        """Wait until one more enquiry has come to the gateway."""
        before = self.sandbox.enquiries()
        await until(lambda: self.sandbox.enquiries() > before, "an enquiry")

    async def state(self, state: PaymentState) -> None:
        """Wait for the current payment to be in a state."""
        await until(lambda: self.payment_state() is state, f"{state} instead of {self.payment_state()}")

    def payment_state(self) -> PaymentState | None:
        """The current payment's state."""
        payment = self.till.snapshot().payment
        return payment.state if payment else None

    @property
    def reference(self) -> str:
        """The current payment's reference."""
        assert self.till.current_reference is not None
        return self.till.current_reference

    @property
    def payment(self) -> Payment:
        """The current payment."""
        payment = self.till.payment(self.reference)
        assert payment is not None
        return payment

    @property
    def page_url(self) -> str:
        """The current payment's hosted page."""
        [payment] = self.sandbox.payments(self.reference)
        return f"{self.sandbox.url}/cloudpay/{payment['token']}"

    @property
    def postback_url(self) -> str:
        """Where the gateway was told to send the current payment's postbacks."""
        [url] = [word for word in self.payment.request.split('"') if "/pb/v1/" in word]
        return url

    def entries(self) -> list[Entry]:
        """All journal entries but those about people and shifts, in order: for looking only."""
        aside = PEOPLE_KINDS | SHIFT_MOVES
        return [entry for entry in self.till._journal.entries() if entry.kind not in aside]

    def kinds(self) -> list[str]:
        """Their kinds."""
        return [entry.kind.value for entry in self.entries()]

    def events(self) -> list[str]:
        """What happened to payments, in order."""
        return [entry.body["event"] for entry in self.entries() if "event" in entry.body]

    def verify(self) -> None:
        """The journal's chain holds."""
        assert verify_file(self.folder / JOURNAL).broken is None

    def paid_once(self, cents: int = 72_00) -> None:
        """One receipt here, one charge there, of the same amount."""
        [receipt] = self.till.receipts("")
        assert (receipt.number, receipt.paid_cents) == ("A-000001", cents)
        assert [charge["amount_cents"] for charge in self.sandbox.charges()] == [cents]


def fill(till: Till, *codes: str, account: str = "BU7-00042") -> None:
    """A sale with fees that ask nothing."""
    till.set_customer(Customer(account, "Robin Example", zip="32003"))
    till.set_permit(Permit("BLD-26-000012", "Re-roof"))
    for code in codes or ("re-roof-shingle",):
        till.add_fee(code)


class QtLoop:
    """One qasync loop for all scenarios, run by processing Qt's events instead of `app.exec()`.

    Leaving `app.exec()` emits aboutToQuit, at which Qt WebEngine takes itself down for good: a second
    scenario in the same process would crash.
    """

    def __init__(self, app: QApplication) -> None:
        self._app = app
        self._loop = qasync.QEventLoop(app, already_running=True)
        asyncio.events._set_running_loop(None)

    def run(self, scenario: Coroutine[Any, Any, None]) -> None:
        """Run to the end; raises what the scenario raises."""
        asyncio.events._set_running_loop(self._loop)
        try:
            task = self._loop.create_task(scenario)
            waiting = QEventLoop()
            task.add_done_callback(lambda _task: waiting.quit())
            waiting.exec()
            task.result()
        finally:
            asyncio.events._set_running_loop(None)

    def close(self) -> None:
        """At the end of the session, once."""
        self._loop.stop()
        self._loop.close()


@pytest.fixture(scope="session")
def qt_loop(qapp: QApplication) -> Iterator[QtLoop]:
    """The loop of all scenarios."""
    loop = QtLoop(qapp)
    yield loop
    loop.close()


@pytest.fixture(autouse=True)
def empty_keyring() -> Iterator[None]:
    """The keyring of whoever runs the tests is nobody's business here."""
    with memory_keyring():
        yield


@pytest.fixture
def make_counter(qt_loop: QtLoop, qapp: QApplication, tmp_path: Path) -> Iterator[Callable[..., Counter]]:
    """Makes a counter over a sandbox of the given settings, and a hub that may relay to the given portals."""
    with ExitStack() as stack:

        def make(config: SandboxConfig | None = None, portals: Portals | None = None) -> Counter:
            sandbox = stack.enter_context(RunningSandbox(config or SandboxConfig(late_s=None)))
            counter = Counter(qt_loop, qapp, tmp_path, sandbox, portals or Portals())
            stack.callback(counter.hub_down)
            return counter

        yield make


@pytest.fixture
def counter(make_counter: Callable[..., Counter]) -> Counter:
    """A counter whose late postbacks wait until they are released."""
    return make_counter()


@pytest.fixture
def line(counter: Counter) -> Iterator[GatewayLine]:
    """The counter's line to the gateway, which can be cut."""
    with GatewayLine(counter.sandbox.url) as line:
        counter.gateway(base_url=line.url)
        yield line


@pytest.fixture
def post() -> Iterator[httpx.Client]:
    """A client for posting to the hub as anybody could."""
    with httpx.Client(verify=tls(), trust_env=False) as client:
        yield client


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The environment of a process of its own, whose every folder is the test's."""
    home = tmp_path / "home"
    for folder in ("tmp", "config", "data", "cache"):
        (home / folder).mkdir(parents=True)
    own = {
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }
    return {name: value for name, value in os.environ.items() if not name.startswith("CASHIER_")} | own
