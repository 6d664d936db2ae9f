"""A whole counter for the end-to-end tests: window, sealed view, journal, sandbox and hub on real sockets."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import qasync
from PySide6.QtCore import QEventLoop
from PySide6.QtWidgets import QApplication

from cashier import paths
from cashier.bootstrap import JOURNAL, open_till, view_maker
from cashier.domain.payment import PaymentState
from cashier.domain.sale import Customer, Permit
from cashier.hub.serve import RunningHub
from cashier.journal.verify import verify_file
from cashier.sandbox.config import SandboxConfig
from cashier.sandbox.serve import RunningSandbox
from cashier.secrets import Secrets
from cashier.settings import check
from cashier.till.till import Till
from cashier.training import API_KEY, SITE, TILL, Servers, Training
from cashier.ui import theme
from cashier.ui.payer import Payer, until
from cashier.ui.window import MainWindow

SCENARIO_MAX_S = 90
MASTER_SECRET = b"a master secret of tests, 32 bytes long or more"


class Counter:
    """One counter. `run` opens the till and its window for a scenario; call it again for a restart."""

    def __init__(self, loop: "QtLoop", app: QApplication, folder: Path, sandbox: RunningSandbox) -> None:
        self._loop = loop
        self._app = app
        app.setQuitOnLastWindowClosed(False)  # as the product does: closing a window must not stop the loop
        self.folder = folder
        self.sandbox = sandbox
        self.hub: RunningHub | None = None
        self._hub_port = 0
        self.hub_up()
        training = Training(folder)
        assert self.hub is not None
        training.servers = Servers(sandbox.url, self.hub.url, self.hub.enrol(SITE, TILL))
        self._key = training.servers.till_key
        self.overrides: dict[str, object] = {"data_folder": str(folder)}
        self._table = training.settings

    def hub_up(self) -> None:
        """Start the hub, at the address it had before."""
        url = f"sqlite:///{self.folder / 'hub.db'}"
        self.hub = RunningHub(url, MASTER_SECRET, port=self._hub_port).__enter__()
        self._hub_port = int(self.hub.url.rpartition(":")[2])

    def hub_down(self) -> None:
        """Stop the hub."""
        if self.hub is not None:
            self.hub.__exit__(None, None, None)
            self.hub = None

    def run(self, scenario: Callable[["Counter"], Awaitable[None]]) -> None:
        """Open the till behind a real window, play the scenario, close the window."""
        self._loop.run(asyncio.wait_for(self._play(scenario), SCENARIO_MAX_S))

    async def _play(self, scenario: Callable[["Counter"], Awaitable[None]]) -> None:
        settings = check(self._table(self.overrides), "test", environment=False)
        given = {"CASHIER_SECRET_API_KEY_TRAINING": API_KEY, "CASHIER_SECRET_TILL_KEY": self._key}
        self.window = MainWindow(theme.put_on(self._app, paths.resources()), training=True)
        self.window.show()
        async with open_till(settings, Secrets(SITE, TILL, given)) as till:
            self.till = till
            self.window.attach(till, view_maker(settings))
            try:
                await until(lambda: till.snapshot().line.value == "online", "the hub")
                await scenario(self)
            finally:
                self.window.close()
                self.window.deleteLater()

    # -- what a scenario is made of ----------------------------------------------------------------------

    def fill(self, *codes: str, account: str = "BU7-00042") -> None:
        """A sale with fees that ask nothing."""
        self.till.set_customer(Customer(account, "Robin Example", zip="32003"))
        self.till.set_permit(Permit("BLD-26-000012", "Re-roof"))
        for code in codes or ("re-roof-shingle",):
            self.till.add_fee(code)

    async def open_page(self) -> Payer:
        """Press the card key and wait for the hosted page."""
        self.window.pay()
        await until(lambda: self.window.payment.hosted is not None, "the page")
        assert self.window.payment.hosted is not None
        payer = Payer(self.window.payment.hosted)
        await payer.sees("How would you like to pay?")
        return payer

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

    def charges(self) -> list[dict[str, object]]:
        """Every charge the sandbox has taken."""
        return [charge for payment in self.sandbox.payments() for charge in payment["charges"]]

    def kinds(self) -> list[str]:
        """The kinds of all journal entries, in order."""
        return [entry.kind.value for entry in self.journal_of(self.till).entries()]

    @staticmethod
    def journal_of(till: Till):  # type: ignore[no-untyped-def]
        """The journal behind a till: for looking only."""
        return till._journal

    def verify(self) -> None:
        """The journal's chain holds."""
        assert verify_file(self.folder / JOURNAL).broken is None


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


@pytest.fixture
def make_counter(qt_loop: QtLoop, qapp: QApplication, tmp_path: Path) -> Iterator[Callable[..., Counter]]:
    """Makes a counter over a sandbox of the given settings."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def make(config: SandboxConfig | None = None) -> Counter:
            sandbox = stack.enter_context(RunningSandbox(config or SandboxConfig(late_s=None)))
            counter = Counter(qt_loop, qapp, tmp_path, sandbox)
            stack.callback(counter.hub_down)
            return counter

        yield make


@pytest.fixture
def counter(make_counter: Callable[..., Counter]) -> Counter:
    """A counter whose late postbacks wait until they are released."""
    return make_counter()


@pytest.fixture
def post() -> Iterator[httpx.Client]:
    """A client for posting to the hub as anybody could."""
    with httpx.Client(trust_env=False) as client:
        yield client
