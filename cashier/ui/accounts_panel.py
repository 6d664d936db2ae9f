"""The right side of the page of customers' accounts: what is typed, who stands here, what there is to do.

It has no verbs of its own: the page connects them. A password leaves its field with every press, and with the
customer every text that tells of them; setText alone forgets what could be undone.
"""

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QGridLayout, QLineEdit, QListWidget, QScrollArea, QVBoxLayout, QWidget

from cashier.domain.accounts import EMAIL_MAX, AccountPage, AccountStanding, UserAccount
from cashier.till.accounts_views import AccountsView, Lookup
from cashier.ui.accounts_words import PAGE_NAMES, standing_of
from cashier.ui.form_dialog import secret_field
from cashier.ui.theme import scaled
from cashier.ui.widgets import Banner, Button, label, row, search_field

WIDTH, WIDTH_MAX = 400, 520
LIST_ROWS_MAX, ROW_HEIGHT = 3, 40
CODE_MAX = 40


class AccountsPanel(QScrollArea):
    """One customer at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[UserAccount, ...] = ()
        self._asked_for: Lookup | None = None
        self.search = search_field("Account number or e-mail address", "Account number or e-mail")
        self.search.setMaxLength(EMAIL_MAX)
        self.find_button = Button("Find   Enter")
        self.find_button.setAutoDefault(False)
        self.banner = Banner()
        self.leave = Button("Leave the customer   Esc")
        self.register = Button("Register …")
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(12)
        column.addWidget(label("Customer accounts", "title", wrap=True))
        asking = row(self.search, self.find_button)
        asking.setStretch(0, 1)
        column.addLayout(asking)
        column.addWidget(self.banner)
        for part in (self.leave, self._sign_on(), self._code(), self._signed_on(), self.register):
            column.addWidget(part)
        column.addStretch()
        self.setAccessibleName("Customer")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFixedWidth(min(scaled(WIDTH), WIDTH_MAX))
        self.setWidget(inside)

    # -- building ------------------------------------------------------------------------------------------

    def _sign_on(self) -> QWidget:
        self.email = QLineEdit()
        self.email.setAccessibleName("E-mail address of the customer")
        self.email.setMaxLength(EMAIL_MAX)
        self.password = secret_field("Password of the customer")
        self.email.returnPressed.connect(self.password.setFocus)
        self.sign_on = Button("Sign on   Enter")
        self.sign_on.setObjectName("primary")
        self.forgotten = Button("Set another password …")
        self.other_email = Button("Set another e-mail address …")
        self.sign_on_part, column = _part()
        for name, widget in (
            ("E-mail address", self.email),
            ("Password, typed by the customer", self.password),
        ):
            named = label(name, "soft", wrap=True)
            named.setBuddy(widget)
            column.addWidget(named)
            column.addWidget(widget)
        column.addWidget(self.sign_on)
        column.addWidget(self.forgotten)
        column.addWidget(self.other_email)
        return self.sign_on_part

    def _code(self) -> QWidget:
        self.code = QLineEdit()
        self.code.setAccessibleName("Code from the customer's mail")
        self.code.setMaxLength(CODE_MAX)
        self.approve = Button("Make the change   Enter")
        self.approve.setObjectName("primary")
        self.code_part, column = _part()
        named = label("Code from the customer's mail", "soft", wrap=True)
        named.setBuddy(self.code)
        for widget in (named, self.code, self.approve):
            column.addWidget(widget)
        return self.code_part

    def _signed_on(self) -> QWidget:
        """What there is to do for somebody who is signed on."""
        self.accounts = QListWidget()
        self.accounts.setAccessibleName("Accounts of this customer")
        self.accounts.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.accounts.currentRowChanged.connect(lambda _row: self._name_verbs())
        self.pages = {
            page: Button(f"{name}   {place}") for place, (page, name) in enumerate(PAGE_NAMES.items(), 1)
        }
        self.use = Button("Use for the sale")
        self.link = Button("Link …", "Link an account")
        self.unregister = Button("Unregister …")
        self.change_email = Button("E-mail …", "Change the e-mail address")
        self.change_password = Button("Password …", "Change the password")
        changes = (self.link, self.unregister, self.change_email, self.change_password)
        self.signed_on_part, column = _part()
        column.addWidget(self.accounts)
        column.addWidget(self.use)
        column.addWidget(label("Their pages: Alt and the number", "soft", wrap=True))
        column.addLayout(_grid(*self.pages.values()))
        column.addLayout(_grid(*changes))
        return self.signed_on_part

    # -- view down -----------------------------------------------------------------------------------------

    def show_view(self, view: AccountsView, fault: str) -> None:
        """Show where the customer stands; `fault` is what the last verb was refused with."""
        lookup, signed_on = view.lookup, view.signed_on
        is_somebody = lookup is not None or signed_on is not None
        is_registered = lookup is not None and lookup.standing is AccountStanding.REGISTERED
        waits = bool(view.code_sent_to)
        self.banner.show_standing(standing_of(view, fault))
        if lookup != self._asked_for:
            self._asked_for = lookup
            self.email.setText(lookup.email if lookup else "")
            self.password.setText("")
        self.code_part.setVisible(waits)
        self.sign_on_part.setVisible(is_registered and signed_on is None and not waits)
        self.signed_on_part.setVisible(signed_on is not None)
        self.register.setVisible(is_somebody and not is_registered and signed_on is None)
        self.leave.setVisible(is_somebody)
        self._list(signed_on.accounts if signed_on else ())
        for part in (self.code_part, self.sign_on_part, self.signed_on_part, self.register):
            part.setEnabled(not view.is_busy)

    @property
    def is_of_somebody(self) -> bool:
        """Whether it tells of a customer."""
        return self._asked_for is not None

    def forget(self, asking: str) -> None:
        """Nobody stands here: no text tells of anybody, but for what is being asked about."""
        self.search.setText(asking)
        for field in (self.email, self.password, self.code):
            field.setText("")

    def _list(self, accounts: tuple[UserAccount, ...]) -> None:
        if accounts == self._shown:
            return
        self._shown = accounts
        place = max(self.accounts.currentRow(), 0)
        self.accounts.clear()
        self.accounts.addItems([_line(account) for account in accounts])
        self.accounts.setCurrentRow(min(place, len(accounts) - 1))
        rows = min(max(len(accounts), 1), LIST_ROWS_MAX)
        self.accounts.setFixedHeight(rows * scaled(ROW_HEIGHT) + 6)
        self._name_verbs()

    @property
    def chosen(self) -> str:
        """The number of the marked account, or empty."""
        place = self.accounts.currentRow()
        return self._shown[place].number if 0 <= place < len(self._shown) else ""

    def _name_verbs(self) -> None:
        """Each button says, to a screen reader in full, which account it is about."""
        for button, name in ((self.use, "Use for the sale"), (self.unregister, "Unregister")):
            button.setAccessibleName(f"{name}: account {self.chosen}" if self.chosen else name)

    def focus_start(self) -> None:
        """Where typing goes; in sight, too, once what has just come up is laid out."""
        start = self._start()
        start.setFocus()
        QTimer.singleShot(0, self, lambda: self.ensureWidgetVisible(start))

    def _start(self) -> QWidget:
        if self.signed_on_part.isVisible():
            return self.pages[AccountPage.BILLS]
        if self.code_part.isVisible():
            return self.code
        if self.sign_on_part.isVisible():
            return self.password if self.email.text() else self.email
        return self.register if self.register.isVisible() else self.search


def _grid(*buttons: Button) -> QGridLayout:
    """Two columns, or one where larger text needs the width; the last of an odd number takes the row."""
    grid = QGridLayout()
    grid.setSpacing(8)
    columns = 2 if scaled(WIDTH) <= WIDTH_MAX else 1
    for place, button in enumerate(buttons):
        wide = columns if place == len(buttons) - 1 and place % columns == 0 else 1
        grid.addWidget(button, place // columns, place % columns, 1, wide)
    return grid


def _part() -> tuple[QWidget, QVBoxLayout]:
    part = QWidget()
    column = QVBoxLayout(part)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(8)
    part.hide()
    return part, column


def _line(account: UserAccount) -> str:
    name = f" · {account.name}" if account.name else ""
    return f"{account.number}{name}{' · linked' if account.is_linked else ''}"
