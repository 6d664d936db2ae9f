"""A counter for the tests of the windows: a real till on a real journal behind the real window.

Gateway, hub and hashes of PINs are the fakes of tests/fakes (the gateway can be asked about nothing until
a test says so), the hosted page is a plain widget with the same signals. The
loop turns only when a test says so (`settle`, `turn`), so that every moment in between can be looked at.
"""

import asyncio
import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from cashier import paths
from cashier.domain.entries import Entry, EntryKind
from cashier.domain.errors import Unavailable
from cashier.domain.fees import Schedule
from cashier.domain.money import Cents
from cashier.domain.payment import Payment, PaymentState
from cashier.domain.people import PEOPLE_KINDS
from cashier.domain.postback import Postback
from cashier.domain.sale import Customer, Permit
from cashier.journal.daybook import open_daybook
from cashier.schedules import find
from cashier.till.administration_ports import Tools
from cashier.till.config import Biller, Reader, ServiceFee, TillConfig
from cashier.till.ports import Outside, Quarantined, RescuedJournal
from cashier.till.printing import PrintConfig
from cashier.till.rehearsal import Rehearsal
from cashier.till.site_reporting import SiteReporter
from cashier.till.snapshot import DraftView, LineState, PaymentView, Snapshot
from cashier.till.till import Till
from cashier.ui import theme
from cashier.ui.pace import ByHand, Pace
from cashier.ui.payment_page import ViewMaker
from cashier.ui.rail import DESK
from cashier.ui.window import MainWindow
from tests.fakes.accounts import FakeAccounts, FakeLetters
from tests.fakes.clock import MovingClock, SeededRandomness
from tests.fakes.copy import FakeCopy
from tests.fakes.enquiry import FakeEnquiry
from tests.fakes.feed import FakeFeed
from tests.fakes.holds import FakeHolds
from tests.fakes.people import CLERK, PIN, SUPERVISOR, FakePins, staff
from tests.fakes.reader_probe import FakeReaderProbe
from tests.fakes.shifts import SHIFT_MOVES, open_shift
from tests.fakes.stand_in import FakeStandIn
from tests.helpers.payments import BILLER_GUID, make_payment, told_all, told_declined
from tests.ui.eyes import boxes_on, dialogs_on
from tests.ui.stand_ins import FailingJournal, HostedPage, PartGateway

TYPES = {6: "Building", 43: "Permits", 93: "Planning", 95: "Zoning"}
BOTH = Reader("lane-3000", "Lane 3000, counter 1", "DEVICE-1")
CHIP_ONLY = Reader("chip", "Chip reader, counter 2", "DEVICE-2", swipe=False)
SWIPE_ONLY = Reader("swipe", "Swipe reader", "DEVICE-3", emv=False)
WAIT_MS = 10_000


class Desk:
    """One counter. `attach` brings the till into the window, as the product does after the first paint."""

    def __init__(
        self, qtbot: QtBot, app: QApplication, folder: Path, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.qtbot, self.app, self.loop = qtbot, app, loop
        app.setQuitOnLastWindowClosed(False)  # as the product does
        self.clock = MovingClock()
        self.randomness = SeededRandomness()
        self.file = folder / "journal.db"
        self.journal = FailingJournal(self.file, till="A", clock=self.clock, holder="test")
        self.gateway, self.feed = PartGateway(), FakeFeed()
        self.holds, self.enquiry = FakeHolds(), FakeEnquiry(not_set_up={"town"})
        self.reader_probe = FakeReaderProbe()
        self.accounts, self.letters = FakeAccounts(), FakeLetters()
        self.copy = FakeCopy()
        #: Gives the journals of other tills that were rescued to this one.
        self.rescued: Callable[[], Sequence[RescuedJournal]] = tuple
        self.config = TillConfig(
            site="town",
            till="A",
            agency="Sampletown Building Department",
            cashier="Unattended",
            profile="grancius",
            billers=(Biller("town", TYPES, BILLER_GUID, service_fee=ServiceFee(250, Cents(100))),),
            training=True,
            readers=(BOTH, CHIP_ONLY, SWIPE_ONLY),
        )
        #: Who is signed in when the till is there; empty for nobody, and nobody is known.
        self.clerk = CLERK
        #: Whether a shift is open then.
        self.has_shift = True
        #: Keys are a hand's, however fast a test types them.
        self.pace: Pace = ByHand()
        self._windows: list[MainWindow] = []
        self.pages: list[HostedPage] = []
        self.page_error: Exception | None = None
        self.prints: PrintConfig | None = None
        #: What the settings are changed with; None as in training.
        self.tools: Tools | None = None
        #: What there is to rehearse with; None: nothing, and the window has no bar of training.
        self.stand_in: FakeStandIn | None = None
        #: What makes reports over the whole site; None as in training, which has no hub of a site.
        self.site_reporter: SiteReporter | None = None

    def start(
        self, size: tuple[int, int] = (1360, 860), *, dark: bool = False, text_scale: float = 1.0
    ) -> "Desk":
        """Show the window with the till in it."""
        self.start_without_till(size, dark=dark, text_scale=text_scale)
        self.window.show_icons()
        self.attach()
        return self

    def start_without_till(
        self, size: tuple[int, int] = (1360, 860), *, dark: bool = False, text_scale: float = 1.0
    ) -> None:
        """Show the window as it is at its first paint."""
        self.theme = theme.put_on(self.app, paths.resources(), dark=dark, text_scale=text_scale)
        self.window = MainWindow(self.theme, training=self.config.training)
        self.window.guard.pace = self.pace
        self._windows.append(self.window)
        self.window.resize(*size)
        with self.qtbot.waitActive(self.window, timeout=WAIT_MS):
            self.window.show()
            self.window.activateWindow()

    def attach(self) -> None:
        """Bring the till in."""
        self.till = Till(
            self.config,
            self.clock,
            self.randomness,
            self.journal,
            Outside(
                self.gateway,
                self.feed,
                self.holds,
                self.enquiry,
                FakePins(),
                self.reader_probe,
                self.accounts,
                self.letters,
                self.copy,
                self.tools,
                rescued=self.rescued,
            ),
            self._schedule,
            self._sleep,
            prints=self.prints,
        )
        if self.clerk:
            staff(self.till.people, self.clerk)
            if self.has_shift:
                open_shift(self.till.shifts)
        daybook = partial(open_daybook, self.file)
        rehearsal = Rehearsal(self.till, self.stand_in) if self.stand_in is not None else None
        make_view = cast(ViewMaker, self._make_page)
        self.window.attach(self.till, make_view, daybook, rehearsal, site_reporter=self.site_reporter)
        self.till.line_is(LineState.ONLINE)
        self.till.gateway_is(LineState.ONLINE)
        self.settle()

    async def _sleep(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def restart(self) -> None:
        """The program ends at once, without a word, and is started again."""
        self.window.hide()
        self.start()

    def config_with(self, **changes: Any) -> TillConfig:
        """The counter's settings with some changed; for before `start`."""
        return replace(self.config, **changes)

    def _schedule(self, date: dt.date) -> Schedule:
        return find("generic", paths.resources() / "schedules", date)

    def _make_page(self, parent: QWidget) -> HostedPage:
        self.pages.append(HostedPage(parent, self.page_error))
        return self.pages[-1]

    def close(self) -> None:
        """At the end of a test."""
        for box in (*self.boxes, *self.dialogs):
            box.close()
        self.settle()
        # Now, not some time later: the look of every widget that is left is worked out at each change of it.
        for window in self._windows:
            window.close()
            window.deleteLater()
        self.app.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        self.journal.close()

    # -- the loop ------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Turn the loop until nothing is under way."""
        while tasks := asyncio.all_tasks(self.loop):
            self.loop.run_until_complete(asyncio.wait(tasks))
        self.app.processEvents()

    def turn(self) -> None:
        """Turn the loop a little: what waits for the gateway goes on waiting."""

        async def turns() -> None:
            for _ in range(5):
                await asyncio.sleep(0)

        self.loop.run_until_complete(turns())

    # -- hands and eyes ------------------------------------------------------------------------------------

    def key(self, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """Press a key where the focus is; a dialog gets it when it is up."""
        QTest.keyClick(self.focus, key, modifier)

    def type(self, text: str) -> None:
        """Type where the focus is; the focus may move meanwhile."""
        for letter in text:
            QTest.keyClicks(self.focus, letter)

    @property
    def focus(self) -> QWidget:
        """The widget that has the focus; the window when none has."""
        return self.app.focusWidget() or self.window

    @property
    def boxes(self) -> list[QMessageBox]:
        """Message boxes that are up."""
        return boxes_on(self.window)

    @property
    def dialogs(self) -> list[QDialog]:
        """Dialogs that are up, but for message boxes."""
        return dialogs_on(self.window)

    def labels(self) -> list[QLabel]:
        """Every label of the window."""
        return self.window.findChildren(QLabel)

    def read_messages(self) -> list[str]:
        """Read every message with Enter; what they said. The window is before the clerk again after that."""
        said = []
        while self.boxes:
            [box] = self.boxes
            said.append(box.text())
            QTest.keyClick(box, Qt.Key.Key_Return)
            self.app.processEvents()
        self.window.activateWindow()  # as a window manager does
        self.qtbot.waitUntil(self.window.isActiveWindow, timeout=WAIT_MS)
        return said

    def lay_out(self) -> None:
        """Let the layouts come to rest: what wraps needs its width before its height."""
        for _ in range(4):
            self.app.processEvents()

    def grab(self, file: Path) -> None:
        """A picture of the window."""
        self.lay_out()
        assert self.window.grab().save(str(file))

    def click(self, widget: QWidget, at: QPoint | None = None) -> None:
        """A mouse click."""
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at or QPoint())

    def hold(self, widget: QWidget | None, key: Qt.Key, times: int = 10) -> None:
        """A key held down: one press, then what the keyboard repeats; without a widget where the focus is."""
        for count in range(times):
            for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
                repeated = count > 0 if kind is QEvent.Type.KeyPress else count < times - 1
                event = QKeyEvent(kind, key, Qt.KeyboardModifier.NoModifier, "", repeated)
                QApplication.sendEvent(widget or self.focus, event)

    def double_click(self, widget: QWidget, at: QPoint) -> None:
        """A double click: all four events of it."""
        where = (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
        QTest.mouseClick(widget, *where)
        QTest.mouseDClick(widget, *where)
        QTest.mouseRelease(widget, *where)

    # -- the sale and its payment --------------------------------------------------------------------------

    @property
    def snapshot(self) -> Snapshot:
        """What the window shows."""
        return self.till.snapshot()

    @property
    def draft(self) -> DraftView:
        """The sale."""
        return self.snapshot.draft

    @property
    def lines(self) -> list[tuple[str, int]]:
        """Fee codes and quantities on the sale."""
        lines = [line for invoice in self.draft.invoices for line in invoice.lines]
        return [(line.request.code, line.request.quantity) for line in lines]

    @property
    def payment(self) -> PaymentView:
        """The payment on the payment page."""
        payment = self.snapshot.payment
        assert payment is not None
        return payment

    @property
    def recorded(self) -> Payment:
        """The same, as the journal has it."""
        payment = self.journal.payment(self.payment.reference)
        assert payment is not None
        return payment

    def entries(self) -> list[Entry]:
        """Every entry in the journal but those about people."""
        return [entry for entry in self.journal.entries() if entry.kind not in PEOPLE_KINDS | SHIFT_MOVES]

    def hints(self) -> list[str]:
        """Every hint in the journal."""
        return [
            entry.body["event"] for entry in self.journal.entries() if entry.kind is EntryKind.PAYMENT_HINTED
        ]

    def fill(self, *codes: str, name: str = "Robin Example") -> None:
        """A sale, as if it had been typed."""
        self.till.set_customer(Customer("BU7-00042", name, "3 Sample Lane", "Sampletown", "FL", "32003"))
        self.till.set_permit(Permit("BLD-26-000012", "Re-roof and shed"))
        for code in codes or ("planning-application",):
            self.till.add_fee(code)

    def open_page(self, *codes: str) -> HostedPage:
        """A sale with its page open."""
        self.fill(*codes)
        self.window.pay()
        self.settle()
        assert self.payment.state is PaymentState.OPEN
        return self.pages[-1]

    @property
    def open_view(self) -> object:
        """The page that is open now."""
        return self.window.payment.hosted

    @property
    def page(self) -> HostedPage:
        """The hosted page of the last payment."""
        return self.pages[-1]

    def buttons(self) -> list[str]:
        """The payment page's buttons that are to be seen, by their names."""
        return [button.accessibleName() for button in self.window.payment.buttons if button.isVisible()]

    def lose_the_launch(self) -> None:
        """A launch that got no answer: the payment is recorded, its page was not opened."""
        self.fill()
        self.gateway.errors = [Unavailable("The gateway did not answer. No money was taken. Try again.")]
        self.window.pay()
        self.settle()

    def tell(self, postback: Postback, reference: str = "") -> None:
        """The gateway's word arrives."""
        delivered = self.feed.send(reference or self.payment.reference, postback)
        self.till.take(delivered)
        self.app.processEvents()

    def approve(self, **changes: object) -> None:
        """The gateway says paid, with the service fee that the payer was told."""
        payment = self.recorded
        usual = {
            "payment_guid": f"charge of {payment.reference}",
            "convenience_fee_cents": payment.expected_fee_cents,
        }
        self.tell(told_all(payment, **{**usual, **changes}))

    def decline(self) -> None:
        """The gateway says declined."""
        self.tell(told_declined(self.recorded))

    def vouch(self, reference: str = "") -> None:
        """Clerk and supervisor take the payment for paid, as the portal shows it."""
        self.loop.run_until_complete(
            self.till.desk.vouch(
                reference or self.payment.reference,
                authorisation="727634",
                reason="Seen in the portal at 10:15",
                supervisor=SUPERVISOR,
                pin=PIN,
            )
        )
        self.app.processEvents()

    def find_what_nobody_expected(self) -> None:
        """A postback of no payment of this till, and a message that the hub could not place."""
        unknown = told_all(make_payment(7250))
        self.till.take(self.feed.send("B-unknown", unknown))
        reason = "the invoice is not one of the payment's"
        stamp = "2026-02-03T15:04:05.000Z"
        message = Quarantined("q1", stamp, reason, "A-0190", "700001-6", "72.50", "A")
        self.holds.hub.quarantined.append(message)
        self.window.show_page(DESK)
        self.settle()

    def wait(self, seconds: float) -> None:
        """Time goes by, and the till asks whom it is time to ask."""
        self.clock.advance(seconds)
        self.loop.run_until_complete(self.till.checker.check_due())
        self.app.processEvents()

    def decline_for_good(self) -> None:
        """The card was refused, the page is closed, and it is certain that no other card is under way."""
        self.decline()
        self.window.payment.other_way.click()
        self.wait(self.config.waits.quiet_s + 1)
        assert self.payment.state is PaymentState.DECLINED

    def doubt(self, name: str = "Robin Example", *codes: str) -> str:
        """A sale whose page was closed before a word of the gateway; its reference."""
        self.fill(*codes, name=name)
        self.window.pay()
        self.settle()
        self.window.payment.stop_waiting()
        reference = self.payment.reference
        self.window.new_sale()
        return reference
