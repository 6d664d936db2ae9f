"""One machine for the tests of starts: the real program and its windows, one till after the other.

Gateway, hub and PINs are the fakes of tests/fakes; settings file, journal and loop are real. The loop turns
only when a test says so.
"""

import asyncio
import tomllib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from cashier import paths
from cashier.domain.accounts import Secret
from cashier.domain.errors import CashierError, Unavailable
from cashier.domain.money import Cents
from cashier.domain.people import Role
from cashier.journal.store import SqliteJournal
from cashier.schedules import find
from cashier.settings_file import SettingsFile
from cashier.till.administration_ports import Tools
from cashier.till.config import Biller, Connection, Reader, ServiceFee, TillConfig
from cashier.till.ports import Outside
from cashier.till.printing import PrintConfig
from cashier.till.snapshot import LineState
from cashier.till.starting import StartDesk
from cashier.till.till import Till
from cashier.ui import theme
from cashier.ui.app import Opened, Program, Starts
from cashier.ui.pace import ByHand
from cashier.ui.payment_page import ViewMaker
from cashier.ui.window import MainWindow
from tests.fakes.clock import MovingClock, SeededRandomness
from tests.fakes.enquiry import FakeEnquiry
from tests.fakes.feed import FakeFeed
from tests.fakes.holds import FakeHolds
from tests.fakes.people import CLERK, CLERK_PIN, SUPERVISOR, FakePins, at_once, staff
from tests.fakes.reader_probe import FakeReaderProbe
from tests.fakes.shifts import open_shift
from tests.helpers.payments import BILLER_GUID
from tests.ui.eyes import boxes_on, dialogs_on
from tests.ui.stand_ins import HostedPage, PartGateway

TYPES = {6: "Building", 43: "Permits", 93: "Planning", 95: "Zoning"}
CHIP = Reader("lane-3000", "Lane 3000, counter 1", "DEVICE-1")
SERIAL = Reader("serial", "Spectrum", "DEVICE-2", connection=Connection.SERIAL, family="idtech_itp")
SETTINGS = """
site = "town"
till = "A"
agency = "Town of Sampleton"
profile = "grancius"
schedule = "generic"
[hub]
url = "https://127.0.0.1:9"
[[billers]]
name = "town"
invoice_types = { 6 = "Building", 43 = "Permits", 93 = "Planning", 95 = "Zoning" }
"""


@dataclass
class Finding:
    """One finding of an examination."""

    what: str
    state: str = "ok"
    detail: str = "as it should be"
    do: str = ""


@dataclass
class Outsides:
    """What a till's settings are changed with here, as a test wants it to be."""

    findings: Sequence[Finding] = (Finding("versions"), Finding("settings"), Finding("backup"))
    secrets: dict[str, Secret] = field(default_factory=dict)
    key_error: CashierError | None = None
    trained: bool | None = True
    asked_keys: list[str] = field(default_factory=list)

    def is_set(self, name: str) -> bool:
        """See SecretStore."""
        return name in self.secrets

    def put(self, name: str, value: Secret) -> None:
        """See SecretStore."""
        self.secrets[name] = value

    async def test_key(self, biller: str, typed: Secret | None) -> None:
        """See KeyTest."""
        self.asked_keys.append(biller)
        if self.key_error is not None:
            raise self.key_error

    async def enrol(self, hub_url: str, code: str) -> str:
        """See Tools: no hub is here."""
        raise Unavailable("The hub cannot be reached.")

    async def examine(self) -> Sequence[Finding]:
        """See Examination."""
        return self.findings


class Machine:
    """One machine. `start` runs the program; what it opens is `open_till`'s, unless a test says."""

    def __init__(
        self, qtbot: QtBot, app: QApplication, folder: Path, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.qtbot, self.app, self.folder, self.loop = qtbot, app, folder, loop
        app.setQuitOnLastWindowClosed(False)
        self.file = folder / "settings.toml"
        self.journal_file = folder / "journal.db"
        self.outsides = Outsides()
        self.gateway, self.holds = PartGateway(), FakeHolds()
        self.clock = MovingClock()
        self.randomness = SeededRandomness()
        self.readers: tuple[Reader, ...] = (CHIP,)
        self.reader_probe = FakeReaderProbe()
        self.prints = PrintConfig()
        self.clerk, self.is_alone = SUPERVISOR, False
        self.types = TYPES
        self.tills: list[Till] = []
        self.opened: list[str] = []
        self.dark = False
        self._stack = AsyncExitStack()

    def start(self, desk: StartDesk | None = None, *, open_till: Callable[..., object] | None = None) -> None:
        """Show the first window and run the program."""
        look = theme.put_on(self.app, paths.resources(), dark=self.dark, text_scale=1.0)
        window = MainWindow(look, training=False)
        window.guard.pace = ByHand()
        self.look = look
        with self.qtbot.waitActive(window, timeout=10_000):
            window.show()
            window.activateWindow()
        starts = Starts(desk, self.open_training) if desk is not None else None
        opener = cast("Callable[[], object]", open_till or self.open_till)
        self.program = Program(window, look, opener, None, starts)  # type: ignore[arg-type]
        self.task = self.loop.create_task(self.program.run())
        self.turn()

    def open_alone(self) -> None:
        """Open the till without any window, until the test ends."""
        self.loop.run_until_complete(self._stack.enter_async_context(self.open_till()))

    @property
    def window(self) -> MainWindow:
        """The window that is shown."""
        return self.program.window

    @property
    def till(self) -> Till:
        """The till that was opened last."""
        return self.tills[-1]

    @asynccontextmanager
    async def open_till(self, *, training: bool = False) -> AsyncIterator[Opened]:
        """A till on the journal, its people there, a shift open."""
        with SqliteJournal(self.journal_file, till="A", clock=self.clock, holder="test") as journal:
            till = self._make(journal)
            staff(till.people, self.clerk)
            if not self.is_alone and len(till.people.view().active) == 1:
                at_once(till.people.add(CLERK, Role.CLERK, CLERK_PIN))
            open_shift(till.shifts)
            if not training:
                till.administration.note_start(tomllib.loads(self.file.read_text()))
            self.tills.append(till)
            self.opened.append("till")
            till.line_is(LineState.ONLINE)
            till.gateway_is(LineState.ONLINE)
            try:
                yield Opened(till, cast(ViewMaker, HostedPage))
            finally:
                till.people.sign_out()
        self.opened.append("left")

    @asynccontextmanager
    async def open_training(self) -> AsyncIterator[Opened]:
        """A training session, as far as its start goes."""
        self.opened.append("training")
        async with self.open_till(training=True) as opened:
            yield opened

    def _make(self, journal: SqliteJournal) -> Till:
        outsides = self.outsides
        store = SettingsFile(self.file, {}, lambda _settings: "")
        tools = Tools(
            store,
            outsides,
            outsides.test_key,
            outsides.examine,
            outsides.enrol,
            lambda: outsides.trained,
        )
        config = TillConfig(
            site="town",
            till="A",
            agency="Sampletown Building Department",
            cashier="Unattended",
            profile="grancius",
            billers=(Biller("town", self.types, BILLER_GUID, service_fee=ServiceFee(250, Cents(100))),),
            training=True,
            readers=self.readers,
        )
        outside = Outside(
            self.gateway,
            FakeFeed(),
            self.holds,
            FakeEnquiry(not_set_up={"town"}),
            FakePins(),
            self.reader_probe,
            administration=tools,
        )
        return Till(
            config,
            self.clock,
            self.randomness,
            journal,
            outside,
            lambda date: find("generic", paths.resources() / "schedules", date),
            prints=self.prints,
        )

    # -- the loop, hands and eyes ----------------------------------------------------------------------------

    def turn(self) -> None:
        """Turn loop and window a little."""

        async def turns() -> None:
            for _ in range(5):
                await asyncio.sleep(0)

        for _ in range(3):
            self.loop.run_until_complete(turns())
            self.app.processEvents()

    def until(self, condition: Callable[[], object]) -> None:
        """Turn until it is true: for what takes threads or sockets."""

        async def come_true() -> None:
            while not condition():
                self.app.processEvents()
                await asyncio.sleep(0.005)

        self.loop.run_until_complete(asyncio.wait_for(come_true(), 30))

    def close(self) -> int:
        """The user closes the window; the program's exit code."""
        self.window.close()
        code: int = self.loop.run_until_complete(self.task)
        return code

    def clean_up(self) -> None:
        """At the end of a test, however it went."""
        if hasattr(self, "task"):
            if not self.task.done():
                self.window.close()
                self.loop.run_until_complete(asyncio.wait([self.task]))
            self.window.close()
            self.window.deleteLater()
        self.loop.run_until_complete(self._stack.aclose())
        left = asyncio.all_tasks(self.loop)
        for task in left:
            task.cancel()
        if left:
            self.loop.run_until_complete(asyncio.wait(left))
        self.app.processEvents()

    @property
    def focus(self) -> QWidget:
        """The widget that has the focus."""
        return self.app.focusWidget() or self.window

    def key(self, key: Qt.Key) -> None:
        """A key where the focus is."""
        QTest.keyClick(self.focus, key)
        self.turn()

    def type(self, text: str) -> None:
        """Type where the focus is."""
        QTest.keyClicks(self.focus, text)

    @property
    def boxes(self) -> list[QMessageBox]:
        """Message boxes that are up."""
        return boxes_on(self.window)

    @property
    def dialogs(self) -> list[QDialog]:
        """Dialogs that are up, but for message boxes."""
        return dialogs_on(self.window)
