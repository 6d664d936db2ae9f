"""The main window: rail, pages, status line. It holds the till and passes its snapshot down.

The window is painted before the till exists; `attach` brings the till in.
"""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal, SignalInstance
from PySide6.QtGui import QCloseEvent, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from cashier.domain.errors import CashierError
from cashier.domain.outbox import Phase
from cashier.domain.payment import PaymentState
from cashier.domain.people import Permission
from cashier.domain.receipt import Receipt, TenderKind
from cashier.till.checklist import Section
from cashier.till.rehearsal import Rehearsal
from cashier.till.site_reporting import SiteReporter
from cashier.till.snapshot import LineState, Snapshot
from cashier.till.starting import Way
from cashier.till.till import AlreadyAsked, Till
from cashier.ui.accounts_page import AccountsPage
from cashier.ui.checklist import ChecklistDialog
from cashier.ui.correction_acts import CorrectionActs
from cashier.ui.desk_acts import DeskActs
from cashier.ui.desk_page import DeskPage
from cashier.ui.held_dialog import HeldDialog
from cashier.ui.line_bar import LineBar
from cashier.ui.lookups import Lookups
from cashier.ui.messages import Messages
from cashier.ui.own_pin_dialog import OwnPinDialog
from cashier.ui.papers import Papers
from cashier.ui.payment_page import PaymentPage, ViewMaker
from cashier.ui.people_dialog import PeopleDialog
from cashier.ui.presence import Presence
from cashier.ui.print_acts import PrintActs
from cashier.ui.print_bar import PrintBar
from cashier.ui.putting_aside import PuttingAside
from cashier.ui.rail import ACCOUNTS, DESK, PAYMENT, RECEIPTS, REPORTS, SALE, SETTINGS, SHIFT, Rail
from cashier.ui.readers_dialog import ReadersDialog
from cashier.ui.receipts_page import ReceiptsPage
from cashier.ui.report_jobs import OpenDaybook
from cashier.ui.reports_page import ReportsPage
from cashier.ui.restarting import Restarting
from cashier.ui.sale_page import SalePage
from cashier.ui.settings_page import SettingsPage
from cashier.ui.shift_bar import ShiftBar
from cashier.ui.shift_page import ShiftPage
from cashier.ui.shortcuts import SHORTCUTS
from cashier.ui.start_bar import StartBar
from cashier.ui.status_line import StatusLine
from cashier.ui.swipe_guard import SCAN_LOST, SWIPED, SwipeGuard
from cashier.ui.tender_dialog import TenderDialog
from cashier.ui.theme import Theme
from cashier.ui.training_bar import TrainingActs
from cashier.ui.widgets import FaultBar, Watermark, typed

if TYPE_CHECKING:
    import asyncio

    from cashier.ui.first_run_page import FirstRunPage
    from cashier.ui.safe_page import SafePage


class MainWindow(QMainWindow):
    """One window, a page for each kind of work."""

    closed = Signal()
    #: The program is to go on with another start, a `Way`, in a window of its own.
    start_asked = Signal(object)

    def __init__(self, theme: Theme, *, training: bool) -> None:
        super().__init__()
        self._theme = theme
        self.is_training = training
        self._till: Till | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._readers: ReadersDialog | None = None
        self._greeted = ""
        #: The till was set up a moment ago: its administrator is shown what is left to be done.
        self.is_new_till = False
        self._shortcuts: list[QShortcut] = []
        self.messages = Messages(self)
        self.setWindowTitle("Permit counter till – TRAINING" if training else "Permit counter till")
        self.resize(1360, 860)
        self.setMinimumSize(1080, 700)
        self.sale = SalePage()
        self.payment = PaymentPage()
        self.desk = DeskPage(theme)
        self.receipts = ReceiptsPage(theme)
        self.shift = ShiftPage(self._run)
        self.reports = ReportsPage(theme, self._run)
        self.accounts = AccountsPage(
            self.messages, self._run, is_paying=lambda: self.payment.hosted is not None
        )
        self.settings = SettingsPage(theme, self._run)
        self.acts = DeskActs(self, self.desk, self.messages.tell, self._run)
        self.lookups = Lookups(self, self.sale, self.messages, self._run)
        self.aside = PuttingAside(self, self.sale, self.lookups.bar, self._run)
        self.fault_bar = FaultBar("Acknowledge …")
        self.print_bar = PrintBar()
        self.training = TrainingActs(self, self._run, self._spare)
        self.rail = Rail()
        self.status = StatusLine(self.training.bar.sign, training=training)
        self.shift_bar = ShiftBar()
        self.line_bar = LineBar()
        self.start_bar = StartBar()
        self.restarting = Restarting(
            self.messages, self._run, lambda: self.payment.hosted is not None, self.start_asked.emit
        )
        self.pages = QStackedWidget()
        for page in (
            self.sale,
            self.payment,
            self.desk,
            self.receipts,
            self.shift,
            self.reports,
            self.accounts,
            self.settings,
        ):
            self.pages.addWidget(page)
        upper = QHBoxLayout()
        upper.setContentsMargins(0, 0, 0, 0)
        upper.setSpacing(0)
        upper.addWidget(self.rail)
        upper.addWidget(self.pages, 1)
        self._upper = upper
        layout = QVBoxLayout()
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.fault_bar)
        layout.addWidget(self.print_bar)
        layout.addWidget(self.training.bar)
        layout.addWidget(self.shift_bar)
        layout.addWidget(self.line_bar)
        layout.addWidget(self.start_bar)
        layout.addLayout(upper, 1)
        layout.addWidget(self.status)
        middle = QWidget()
        middle.setLayout(layout)
        self.setCentralWidget(middle)
        self._watermark = Watermark(self.pages, theme) if training else None
        self.papers = Papers(self, self.messages, self.status.note.setText)
        self.prints = PrintActs(self, self.print_bar, self.messages, self.status.note.setText, self._run)
        self.undoing = CorrectionActs(
            self, self.receipts, self.papers, self.messages.tell, self.status.note.setText, self._run
        )
        self.guard = SwipeGuard(
            self, sealed=lambda: self.payment.hosted or self.accounts.hosted, search=self._search
        )
        self._connect()
        self.presence = Presence(
            self,
            middle,
            self._shortcuts,
            self.messages,
            self.guard,
            is_paying=lambda: self.payment.hosted is not None,
            leaving=self._leaving,
            back=self._somebody_is_back,
        )
        self.sale.focus_start()

    # -- building ------------------------------------------------------------------------------------------

    def _spare(self) -> int:
        """How many pixels of height the pages can do without."""
        bars = sum(
            bar.height()
            for bar in (self.fault_bar, self.print_bar, self.line_bar, self.start_bar)
            if not bar.isHidden()
        )
        return self.height() - self.status.height() - bars - self._upper.minimumSize().height()

    def _connect(self) -> None:
        self.rail.page_asked.connect(self.show_page)
        self.rail.put_aside_asked.connect(lambda: self._on_sale(self.aside.hold))
        self.rail.held_asked.connect(lambda: self._on_sale(self.aside.show))
        self.rail.lock_asked.connect(lambda: self.presence.lock())
        self.status.leave_training_asked.connect(lambda: self.start_anew())
        self.sale.pay_asked.connect(self.pay)
        self.sale.payment_asked.connect(self._to_payment)
        self.sale.cash_asked.connect(lambda: self._take(TenderKind.CASH))
        self.sale.check_asked.connect(lambda: self._take(TenderKind.CHECK))
        self.sale.held_asked.connect(self.show_held)
        self.sale.release_asked.connect(self.acts.release)
        self.sale.readers_asked.connect(self.show_readers)
        self.sale.park_asked.connect(self.aside.hold)
        self.aside.save_slip = self.papers.save_slip
        self.line_bar.held_asked.connect(lambda: self._on_sale(self.aside.show))
        self.start_bar.pressed.connect(lambda: self.start_anew())
        self.line_bar.seen.connect(lambda: self._till.seen_catch_up() if self._till else None)
        self.payment.try_again_asked.connect(self.try_again)
        self.payment.next_sale_asked.connect(self.new_sale)
        self.payment.sale_asked.connect(lambda: self.show_page(SALE))
        self.payment.desk_asked.connect(lambda: self.show_page(DESK))
        self.payment.save_asked.connect(self.papers.save_receipt)
        self.payment.slip_asked.connect(self.papers.save_slip)
        self.payment.told.connect(lambda text: self.messages.tell("Not recorded", text))
        self.desk.open_asked.connect(self.open_payment)
        self.desk.slip_asked.connect(self.papers.save_slip)
        self.receipts.save_asked.connect(self.papers.save_receipt)
        self.shift.sale_asked.connect(lambda: self.show_page(SALE))
        self.shift_bar.shift_asked.connect(lambda: self.show_page(SHIFT))
        self.accounts.sale_asked.connect(lambda: self.show_page(SALE))
        self.settings.people_asked.connect(self.show_people)
        self.settings.section_asked.connect(self.show_section)
        self.reports.told.connect(self.messages.tell)
        self.reports.noted.connect(lambda text: self.status.note.setText(text))
        self.fault_bar.pressed.connect(self.acts.acknowledge)
        self.prints.connect_panel(self.receipts.panel)
        self.prints.connect_panel(self.payment.printing)
        self.guard.swiped.connect(lambda: self.messages.tell("Card not read", SWIPED))
        self.guard.scan_lost.connect(lambda: self.messages.tell("Barcode not read", SCAN_LOST))
        for keys, act in (
            ("Ctrl+1", lambda: self.show_page(SALE)),
            ("Ctrl+2", lambda: self.show_page(PAYMENT)),
            ("Ctrl+3", lambda: self.show_page(DESK)),
            ("Ctrl+4", lambda: self.show_page(RECEIPTS)),
            ("Ctrl+5", lambda: self.show_page(SHIFT)),
            ("Ctrl+6", lambda: self.show_page(REPORTS)),
            ("Ctrl+7", lambda: self.show_page(ACCOUNTS)),
            ("Ctrl+8", lambda: self.show_page(SETTINGS)),
            ("F1", self.show_shortcuts),
            ("F3", self._search),
            ("Shift+F3", self._look_up_invoice),
            ("F5", lambda: self._on_sale(self.aside.show)),
            ("Shift+F5", lambda: self._on_sale(self.aside.hold)),
            ("F4", lambda: self._focus_on_sale(self.sale.fields["name"])),
            ("F6", lambda: self._focus_on_sale(self.sale.invoices.tree)),
            ("F7", lambda: self._focus_on_sale(self.sale.reader)),
            ("Shift+F7", self.show_readers),
            ("F8", self._f8),
            ("F9", lambda: self._drawer_key(self.sale.cash_asked)),
            ("F10", lambda: self._drawer_key(self.sale.check_asked)),
            ("Ctrl+R", self._report_again),
            ("Ctrl+N", self.new_sale),
            ("Ctrl+P", self._save_shown),
            ("Ctrl+D", self.prints.ask_drawer),
            ("Ctrl+U", self.show_people),
            ("Ctrl+T", self.training.show_menu),
            ("Ctrl+G", self.training.show_guide),
            ("Ctrl+L", lambda: self.presence.lock()),
            ("Ctrl+Shift+L", lambda: self.presence.sign_out()),
            ("Ctrl+Shift+P", self._pause_sending),
        ):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setAutoRepeat(False)
            shortcut.activated.connect(act)
            self._shortcuts.append(shortcut)

    def show_icons(self) -> None:
        """Load the icons: after the first paint, since their library takes longer than the window."""
        self.rail.show_icons(self._theme)

    # -- the till ------------------------------------------------------------------------------------------

    def attach(
        self,
        till: Till,
        make_view: ViewMaker,
        open_daybook: OpenDaybook | None = None,
        rehearsal: Rehearsal | None = None,
        make_account_view: ViewMaker | None = None,
        site_reporter: SiteReporter | None = None,
    ) -> None:
        """The till is there: everything comes to life. `open_daybook` is what reports are made from."""
        self._till = till
        self.guard.scanner_prefix = till.config.scanner_prefix
        self.sale.attach(till)
        self.payment.attach(till, make_view)
        self.desk.attach(till)
        self.acts.attach(till)
        self.prints.attach(till)
        self.undoing.attach(till)
        self.papers.attach(till.printing)
        self.payment.receipt.logo = self.receipts.view.logo = self.papers.logo
        self.lookups.attach(till)
        self.aside.attach(till)
        self.receipts.attach(till)
        self.shift.attach(till)
        self.reports.attach(till, open_daybook, site_reporter)
        self.training.attach(till, rehearsal)
        self.accounts.attach(till, make_account_view or make_view)
        self.settings.attach(till)
        self.presence.attach(till, self._run)
        self.rail.lock.show()
        till.subscribe(self.refresh)
        self.refresh()
        if unsettled := till.snapshot().unsettled:
            till.show_payment(unsettled[-1].reference)
            self.show_page(PAYMENT if len(unsettled) == 1 else DESK)
        if not self.presence.is_away:
            self._greet_new()
            self._lead_to_shift()
            self._ask_for_held()

    def _leaving(self) -> None:
        self.sale.commit_fields()
        self.settings.forget()
        self.accounts.forget()

    def _somebody_is_back(self) -> None:
        self._greet_new()
        if not self._lead_to_shift():
            self._focus_page(self.pages.currentIndex())
        self._ask_for_held()

    def _greet_new(self) -> None:
        """Whoever has set the till up sees what is left to be done, once."""
        if self._till is not None and self.is_new_till and not self._till.administration.refusal:
            self.is_new_till = False
            dialog = ChecklistDialog(self, self._till, self._run)
            dialog.section_asked.connect(self.show_section)
            dialog.open()

    def _lead_to_shift(self) -> bool:
        """Who signs in while no shift is open is asked to open one, unless a payment is before them."""
        assert self._till is not None
        snapshot = self._till.snapshot()
        person = snapshot.people.signed_in
        is_new = person is not None and person.id != self._greeted
        self._greeted = person.id if person is not None else ""
        no_shift = snapshot.shift is None or snapshot.shift.is_closed
        is_paying = self.pages.currentIndex() == PAYMENT and bool(snapshot.unsettled)
        leads = is_new and no_shift and not is_paying
        if leads:
            self.show_page(SHIFT)
        return leads

    def _ask_for_held(self) -> None:
        """Ask somebody who is there, until it is settled, for what was held when the till last ended."""
        assert self._till is not None
        if self._till.snapshot().held_before:
            self.show_held()

    def fail(self, text: str) -> None:
        """The till could not be started: say so and stay."""
        self.status.show_not_started()
        self.sale.tell(text)
        self.messages.tell("The till could not be started", text)

    @property
    def has_till(self) -> bool:
        """Whether a till was brought into this window."""
        return self._till is not None

    def run_beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside the window, until the window is left."""
        self._run(work)

    def show_instead(self, page: "SafePage | FirstRunPage") -> None:
        """A page in the place of all others: there is no till, and nothing of one can be used."""
        self.status.show_not_started()
        self.pages.setCurrentIndex(self.pages.addWidget(page))
        self.rail.show_nothing()
        for shortcut in self._shortcuts:
            shortcut.setEnabled(False)
        page.focus_start()

    def show_section(self, section: Section) -> None:
        """To the part of the settings, or to training, that a step of the checklist needs."""
        if section is Section.TRAINING:
            self.start_anew(Way.TRAINING)
            return
        self.show_page(SETTINGS)
        self.settings.show_section(section.value)

    def start_anew(self, way: Way = Way.TILL) -> None:
        """Leave the till, and open it anew with the settings as they are now; or train meanwhile."""
        self.sale.commit_fields()
        self.restarting.ask(self._till, way, keeps_sale=not self.is_training)

    async def leave(self) -> None:
        """Let go of the till, which is about to end: what is under way here ends."""
        import asyncio

        self.setEnabled(False)
        self._let_go()
        self._till = None
        if tasks := self._tasks - {asyncio.current_task()}:
            await asyncio.gather(*tasks, return_exceptions=True)  # each has told its own errors

    def _let_go(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self.payment.hosted is not None:
            self.payment.stop_waiting()
        self.reports.leave()
        self.accounts.close_page()
        self.accounts.forget()

    def refresh(self) -> None:
        """Pass a new snapshot down."""
        if self._till is None:
            return
        snapshot = self._till.snapshot()
        self.sale.show_snapshot(snapshot)
        self.payment.show_snapshot(snapshot)
        page = self.pages.currentWidget()
        if page is self.receipts:
            self.receipts.refresh()
        elif page is self.desk:
            self.desk.refresh()
        elif page is self.shift:
            self.shift.refresh()
        if snapshot.people.signed_in is None:
            self._greeted = ""
        self.accounts.refresh()
        self.settings.refresh()
        self.rail.buttons[SETTINGS].setVisible(not self._till.administration.refusal)
        self.fault_bar.show_fault(snapshot.journal_fault)
        self.prints.refresh()
        self.training.refresh()
        self._show_status(snapshot)
        self.presence.show_people(snapshot.people)

    def _show_status(self, snapshot: Snapshot) -> None:
        assert self._till is not None
        self._show_shift_bar(snapshot)
        if self._readers is not None:
            self._readers.refresh()
        account = snapshot.draft.customer.account_number
        self.status.show_snapshot(snapshot, self._till.accounts.customer_text(account))
        self.rail.show_held(len(snapshot.held))
        self.rail.show_line(is_off=snapshot.line is LineState.OFFLINE)
        payment = snapshot.payment
        paying = payment.reference if payment and payment.state is PaymentState.OPEN else ""
        unsettled = sum(row.reference != paying for row in snapshot.unsettled)
        matters, refunds = self._till.desk.view().matters, self._till.corrections.book.open_refunds()
        self.rail.show_counts(unsettled, len(matters), len(refunds))

    def _pause_sending(self) -> None:
        """Ctrl+Shift+P: send nothing to the hub, or go on. What is recorded stays owed."""
        if self._till is not None:
            outbox = self._till.outbox
            stands = outbox.view().phase in (Phase.PAUSED, Phase.STOPPED)
            outbox.resume() if stands else outbox.pause()

    def _show_shift_bar(self, snapshot: Snapshot) -> None:
        page = self.pages.currentIndex()
        self.shift_bar.show_snapshot(snapshot, on_sale=page == SALE, on_shift=page == SHIFT)
        self.line_bar.show_snapshot(snapshot, on_payment=page == PAYMENT)
        assert self._till is not None
        self.start_bar.show_waiting(self._till.administration.waits_for_start, on_payment=page == PAYMENT)

    # -- verbs ---------------------------------------------------------------------------------------------

    def _focus_page(self, page: int) -> None:
        pages = (
            self.sale,
            self.payment,
            self.desk,
            self.receipts,
            self.shift,
            self.reports,
            self.accounts,
            self.settings,
        )
        pages[page].focus_start()

    def show_page(self, page: int) -> None:
        """Bring a page up; what was typed elsewhere stays."""
        self.sale.commit_fields()
        if page != SHIFT:
            self.shift.leave()
        self.pages.setCurrentIndex(page)
        self.rail.buttons[page].setChecked(True)
        if self._till is not None:
            self._show_shift_bar(self._till.snapshot())
        if self._watermark is not None:
            self._watermark.raise_()
        if page == RECEIPTS:
            self.receipts.refresh()
        elif page == DESK:
            self.desk.refresh()
            self.acts.shown()
        elif page == SHIFT:
            self.shift.refresh()
        elif page == REPORTS:
            self.reports.refresh()
        self._focus_page(page)

    def open_payment(self, reference: str) -> None:
        """Bring an earlier payment to the payment page. Refused while another is before a payer."""
        assert self._till is not None
        try:
            self._till.show_payment(reference)
        except CashierError as error:
            self.messages.tell("Not opened", error.user_text)
        else:
            self.show_page(PAYMENT)

    def pay(self) -> None:
        """Start the sale's card payment, or send it again when it is recorded and was never opened."""
        if self._till is None:
            return
        snapshot = self._till.snapshot()
        payment = snapshot.payment
        is_own = payment is not None and payment.sale_id == snapshot.draft.sale_id
        again = payment is not None and is_own and payment.can_try_again
        self._run(self._start_payment(self._till, again=again))

    def try_again(self) -> None:
        """Send the payment on the payment page again."""
        if self._till is not None:
            self._run(self._start_payment(self._till, again=True))

    async def _start_payment(self, till: Till, *, again: bool) -> None:
        try:
            url = await (till.try_again() if again else till.pay_by_card())
            assert till.current_reference is not None
            self.show_page(PAYMENT)
            self.accounts.close_page()  # one page stands at a time
            self.payment.open(till.current_reference, url)
        except AlreadyAsked:
            return
        except CashierError as error:
            recorded = till.snapshot().payment
            if recorded is not None and recorded.can_try_again:
                self.show_page(PAYMENT)
            self.sale.tell(error.user_text)
            self.messages.tell("Card payment not started", error.user_text)
            return
        self.refresh()
        self.payment.focus_start()

    def _drawer_key(self, asked: SignalInstance) -> None:
        self.show_page(SALE)
        self.sale.press_drawer(asked)

    def _take(self, kind: TenderKind) -> None:
        assert self._till is not None
        TenderDialog(self, self._till, kind, self._put_on_paper, self._start_new_sale).open()

    def _put_on_paper(self, receipt: Receipt) -> None:
        """Print a receipt; where there is no printer, save it."""
        assert self._till is not None
        if self.receipts.panel.has_printer:
            self.prints.print(receipt, self._till.printing.config.language)
        else:
            self.papers.save_receipt(receipt)

    def show_held(self) -> None:
        """What was taken and is on no receipt yet."""
        assert self._till is not None
        HeldDialog(self, self._till).open()

    def _to_payment(self) -> None:
        """To what settled the sale: its card payment, or the receipt of the drawer."""
        assert self._till is not None
        snapshot = self._till.snapshot()
        is_own = snapshot.payment is not None and snapshot.payment.sale_id == snapshot.draft.sale_id
        self.show_page(PAYMENT if is_own else RECEIPTS)

    def new_sale(self) -> None:
        """Start an empty sale; one with fees that nobody has paid for is not put away unasked.

        A payment in doubt stays on its page.
        """
        if self._till is None:
            return
        self.sale.commit_fields()
        draft = self._till.snapshot().draft
        if draft.invoices and not draft.is_locked:
            count = sum(len(invoice.lines) for invoice in draft.invoices)
            fees = "The fee" if count == 1 else f"The {count} fees"
            text = f"{fees} of this sale will be put away. Nothing of it was paid."
            self.messages.ask("New sale", text, "Keep this sale", "New sale", self._start_new_sale)
        else:
            self._start_new_sale()

    def _start_new_sale(self) -> None:
        assert self._till is not None
        try:
            self._till.new_sale()
        except CashierError as error:
            self.messages.tell("New sale", error.user_text)
            return
        if self.payment.hosted is not None:
            self.payment.stop_waiting()
        self.show_page(SALE)

    def _f8(self) -> None:
        """The card key: on the sale page it pays, on the payment page it goes on."""
        if self.pages.currentWidget() is self.payment:
            for button in (self.payment.try_again, self.payment.take_rest):
                if not button.isHidden():
                    button.click()
                    return
        elif self.pages.currentWidget() is self.sale:
            self.sale.press_pay()

    def _search(self) -> QLineEdit:
        """The search field of the page, or of the sale where the page has none; the focus is in it."""
        if self.pages.currentWidget() is self.accounts and self.accounts.panel.isVisible():
            self.accounts.panel.search.setFocus()
            return self.accounts.panel.search
        if self.pages.currentWidget() is self.receipts:
            self.receipts.focus_start()
            return self.receipts.search
        self._focus_on_sale(self.sale.fees.search)
        return self.sale.fees.search

    def _look_up_invoice(self) -> None:
        """What stands in the sale's search field is an invoice number."""
        self._on_sale(self.sale.fees.ask_invoice)

    def _on_sale(self, act: Callable[[], object]) -> None:
        if self.pages.currentIndex() != SALE:
            self.show_page(SALE)
        act()

    def _report_again(self) -> None:
        if self.pages.currentWidget() is self.reports:
            self.reports.refresh()

    def _focus_on_sale(self, widget: QWidget) -> None:
        self.show_page(SALE)
        widget.setFocus()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        import asyncio  # it brings in ssl, which nothing before the first paint may

        task = asyncio.get_event_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        """A bug in a verb is told at once, not when the task is swept up."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            task.get_loop().call_exception_handler({"message": "a verb failed", "exception": error})

    # -- dialogs: always open(), never exec() ----------------------------------------------------------------

    def tell_bug(self) -> None:
        """The till met something it was not made for."""
        self.messages.tell(
            "The till made a mistake",
            "Something unexpected happened. What is recorded is safe: a payment under way is being checked. "
            "Do not charge it again. If this comes back, close the till and start it anew.",
        )

    def show_readers(self) -> None:
        """Shift+F7."""
        if self._till is None or self._readers is not None:
            return
        self._readers = ReadersDialog(self, self._till, self._run)
        self._readers.finished.connect(self._readers_left)
        self._readers.open()

    def _readers_left(self) -> None:
        self._readers = None

    def show_people(self) -> None:
        """Ctrl+U: everybody for an administrator, their own PIN for the others."""
        if self._till is None or self.findChild(QDialog) is not None:
            return
        if not self._till.people.refusal(Permission.MANAGE_PEOPLE):
            PeopleDialog(self, self._till, self._run).open()
        elif self._till.people.name:
            OwnPinDialog(self, self._till, self._run).open()

    def show_shortcuts(self) -> None:
        """F1."""
        self.messages.tell("Shortcuts", "\n".join(f"{keys}:  {what}" for keys, what in SHORTCUTS))

    def _save_shown(self) -> None:
        page = self.pages.currentWidget()
        if page is self.receipts and self.receipts.panel.has_printer:
            self.receipts.panel.ask_print()
        elif page is self.receipts and self.receipts.view.receipt is not None:
            self.papers.save_receipt(self.receipts.view.receipt)
        elif page is self.payment:
            self.payment.save_shown()
        elif page is self.desk:
            self.desk.save_shown()
        elif page is self.reports:
            self.reports.save_pdf()

    # -- Qt ------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Typing anywhere searches, also when the rail has the focus."""
        text = "" if self.presence.is_away else typed(event)
        if text and self.pages.currentWidget() is self.sale:
            self.sale.search_for(text)
        elif text and self.pages.currentWidget() is self.receipts:
            self.receipts.search_for(text)
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Closing the window is closing the page: the payment is in doubt, never failed.

        One that is only being started opens no page any more; it is there to be sent again at the next start.
        """
        self._let_go()
        super().closeEvent(event)
        self.closed.emit()
