"""Customers' accounts: find a customer, register them, sign them on, and open their own pages, sealed.

What it shows is the till's view of the accounts; what is asked of it goes up as the till's verbs.
"""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

import shiboken6
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QWidget

from cashier.domain.accounts import AccountPage, Secret
from cashier.domain.errors import CashierError
from cashier.till.accounts import Accounts, CustomerLeft
from cashier.till.till import Till
from cashier.ui.account_acts import AccountActs
from cashier.ui.accounts_panel import AccountsPanel
from cashier.ui.accounts_words import ASIDE, PAGE_NAMES, PAGE_STOPPED, PAYMENT_STANDS
from cashier.ui.messages import Messages
from cashier.ui.payment_page import ViewMaker
from cashier.ui.sign_in import Run
from cashier.ui.widgets import Button, label

if TYPE_CHECKING:
    from cashier.ui.payment_view import PaymentView as HostedPage

TICK_MS = 1000


class AccountsPage(QWidget):
    """One customer at a time. `is_paying` tells whether a payment page stands."""

    #: To the sale, whose customer is now the one who stands here.
    sale_asked = Signal()

    def __init__(self, messages: Messages, run: Run, is_paying: Callable[[], bool]) -> None:
        super().__init__()
        self.setObjectName("page")
        self._run, self._is_paying = run, is_paying
        self._till: Till | None = None
        self._make_view: ViewMaker | None = None
        self._accounts: Accounts | None = None
        self._fault = self._finding = ""
        self._is_started = False
        self.hosted: HostedPage | None = None
        self.acts = AccountActs(self, messages, run)
        self.refusal, self.aside = label("", "empty", wrap=True), label(ASIDE, "soft", wrap=True)
        self.refusal.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.left = QStackedWidget()
        for text in (self.aside, self.refusal):
            text.setAlignment(Qt.AlignmentFlag.AlignCenter)
            self.left.addWidget(text)
        self.panel = AccountsPanel()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.setSpacing(16)
        layout.addWidget(self.left, 1)
        layout.addWidget(self.panel)
        self._ticking = QTimer(self)
        self._ticking.setInterval(TICK_MS)
        self._ticking.timeout.connect(self.tick)
        self._connect()

    def _connect(self) -> None:
        panel, acts = self.panel, self.acts
        for field, act in (
            (panel.search, self.look_up),
            (panel.password, self.sign_on),
            (panel.code, self.approve),
        ):
            field.returnPressed.connect(act)
        for button, verb in (
            (panel.find_button, self.look_up),
            (panel.sign_on, self.sign_on),
            (panel.approve, self.approve),
            (panel.forgotten, acts.change_password),
            (panel.other_email, acts.change_email),
            (panel.change_password, acts.change_password),
            (panel.change_email, acts.change_email),
            (panel.register, acts.register),
            (panel.link, acts.link),
            (panel.unregister, lambda: acts.unregister(panel.chosen)),
            (panel.use, self._use),
            (panel.leave, self._leave),
        ):
            self._on_click(button, verb)
        for place, (page, button) in enumerate(panel.pages.items(), 1):
            self._on_click(button, partial(self.open, page))
            self._shortcut(f"Alt+{place}", partial(self._press, button))

    @staticmethod
    def _on_click(button: Button, act: Callable[[], object]) -> None:
        button.clicked.connect(lambda _checked=False: act())

    @staticmethod
    def _press(button: Button) -> None:
        if button.isVisible() and button.isEnabled():
            button.click()

    def _shortcut(self, keys: str, act: Callable[[], object]) -> None:
        shortcut = QShortcut(QKeySequence(keys), self)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.setAutoRepeat(False)
        shortcut.activated.connect(lambda: act())

    # -- view down -----------------------------------------------------------------------------------------

    def attach(self, till: Till, make_view: ViewMaker) -> None:
        """The till is there now."""
        self._till, self._make_view, self._accounts = till, make_view, till.accounts
        self.acts.attach(till)
        self.refresh()

    def refresh(self) -> None:
        """Show the accounts as they are now."""
        if self._accounts is None:
            return
        view = self._accounts.view()
        self.panel.setVisible(not view.refusal)
        self.refusal.setText(view.refusal)
        if view.refusal:
            self.left.setCurrentWidget(self.refusal)
            return
        if view.lookup is None and self.panel.is_of_somebody:
            self._forget()
        if view.signed_on is None:
            self.close_page()
        self.panel.show_view(view, self._fault)
        if view.signed_on is None and not view.code_sent_to:
            self._ticking.stop()
        elif not self._ticking.isActive():
            self._ticking.start()

    def _forget(self) -> None:
        self.panel.forget(self._finding)
        self.acts.leave_dialogs()

    def forget(self) -> None:
        """Whoever is at the till leaves it: so does the customer, and what was typed of them."""
        self._fault = self._finding = ""
        self._forget()
        if self._accounts is not None:
            self._accounts.leave()

    def tick(self) -> None:
        """Time goes by: a sign-on ends after its life."""
        if self._accounts is not None:
            self._accounts.tick()

    def say(self, fault: str) -> None:
        """Say why something was not done; empty takes it back."""
        self._fault = fault
        self.refresh()

    # -- verbs up ------------------------------------------------------------------------------------------

    def look_up(self) -> None:
        """Look up what was typed."""
        text = self._finding = self.panel.search.text()
        self.start(lambda accounts: accounts.find(text), self._found)

    def _found(self) -> None:
        if self.panel.register.isVisible() or self.panel.sign_on_part.isVisible():
            self.panel.focus_start()
        else:
            self.panel.search.selectAll()

    def sign_on(self) -> None:
        """Sign on with what was typed."""
        email, password = self.panel.email.text(), Secret(self.panel.password.text())
        self.panel.password.setText("")
        self.start(lambda accounts: accounts.sign_on(email, password), self.panel.focus_start)

    def approve(self) -> None:
        """Make the change whose code was typed."""
        code = self.panel.code.text()

        def done() -> None:
            self.panel.code.setText("")
            self.panel.focus_start()

        self.start(lambda accounts: accounts.approve(code), done)

    def start(
        self,
        verb: Callable[[Accounts], Coroutine[Any, Any, object]],
        after: Callable[[], object] = lambda: None,
    ) -> None:
        """Run a verb beside the window; what it is refused with is said in the banner."""
        if self._accounts is not None and not self._is_started and not self._accounts.view().is_busy:
            self._is_started = True  # a second press in the same moment is the same press
            self.say("")
            self._run(self._do(self._accounts, verb, after))

    async def _do(
        self,
        accounts: Accounts,
        verb: Callable[[Accounts], Coroutine[Any, Any, object]],
        after: Callable[[], object],
    ) -> None:
        focused, self._is_started = self.focusWidget(), False
        try:
            await verb(accounts)
        except CustomerLeft:
            return
        except CashierError as error:
            self._finding = ""
            self.say(error.user_text)
            if focused is not None and shiboken6.isValid(focused) and focused.isVisible():
                focused.setFocus()  # what is disabled meanwhile loses it
        else:
            self._finding = ""
            after()

    def _use(self) -> None:
        """The sale is for the marked account."""
        assert self._till is not None and self._accounts is not None
        try:
            now = self._till.snapshot().draft.customer
            self._till.set_customer(self._accounts.customer_of(self.panel.chosen, now))
        except CashierError as error:
            self.say(error.user_text)
        else:
            self.say("")
            self.sale_asked.emit()

    def _leave(self) -> None:
        self._fault = ""
        if self._accounts is not None:
            self._accounts.leave()
        self.panel.search.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc leaves: first the page, then the customer."""
        if event.key() != Qt.Key.Key_Escape:
            super().keyPressEvent(event)
        elif self.hosted is not None:
            self.close_page()
            self.focus_start()
        elif self.panel.leave.isVisible():
            self._leave()

    # -- the customer's own pages ----------------------------------------------------------------------------

    def open(self, page: AccountPage) -> None:
        """Open one of the customer's own pages, in place of the one that stands."""
        assert self._accounts is not None and self._make_view is not None
        self.close_page()
        if self._is_paying():
            self.say(PAYMENT_STANDS)
            return
        try:
            url = self._accounts.page_url(page)
            view = self._make_view(self.left)
            view.returned.connect(self._returned)
            view.renderer_died.connect(lambda _how: self._died())
            view.setAccessibleName(f"{PAGE_NAMES[page]} of the customer")
            self.hosted = view
            self.left.addWidget(view)
            self.left.setCurrentWidget(view)
            view.open(url)
        except CashierError as error:
            self.close_page()
            self.say(error.user_text)
        else:
            self.say("")
            view.setFocus()

    def close_page(self) -> None:
        """Take the page down; the customer stays signed on."""
        if self.hosted is None:
            return
        view, self.hosted = self.hosted, None
        self.left.removeWidget(view)
        self.left.setCurrentWidget(self.aside)
        view.close_page()
        view.deleteLater()

    def _returned(self) -> None:
        self.close_page()
        self.focus_start()

    def _died(self) -> None:
        self.close_page()
        self.say(PAGE_STOPPED)

    def focus_start(self) -> None:
        """Where typing goes when the page comes up."""
        if self._accounts is not None and self._accounts.refusal:
            self.refusal.setFocus()
        elif self.hosted is not None:
            self.hosted.setFocus()
        else:
            self.panel.focus_start()
