"""What is done to a customer's account by dialogs: register, link, unregister, address and password."""

from collections.abc import Coroutine, Sequence
from typing import Any

import shiboken6
from PySide6.QtWidgets import QWidget

from cashier.domain.accounts import ACCOUNT_MAX, PASSWORD_MIN, AccountStanding
from cashier.domain.sale import Customer
from cashier.till.accounts import CustomerLeft
from cashier.till.till import Till
from cashier.ui.form_dialog import Act, Asked, FormDialog, Typed
from cashier.ui.messages import Messages
from cashier.ui.sign_in import Run

NAME_MAX = 100
_PASSWORDS = (
    Asked("password", f"Password, {PASSWORD_MIN} signs or more", is_secret=True),
    Asked("again", "The same password again", is_secret=True, again="password"),
)


class AccountActs:
    """The dialogs of one accounts page. One at a time; they go when the customer is left."""

    def __init__(self, page: Any, messages: Messages, run: Run) -> None:
        self._page, self._messages, self._run = page, messages, run
        self._till: Till | None = None
        self._dialog: FormDialog | None = None

    def attach(self, till: Till) -> None:
        """The till is there now."""
        self._till = till

    def leave_dialogs(self) -> None:
        """Nobody stands there any more."""
        if self._dialog is not None and shiboken6.isValid(self._dialog):
            self._dialog.reject()
        self._dialog = None

    def _open(self, title: str, says: str, asked: Sequence[Asked], verb: str, act: Act) -> None:
        window: QWidget = self._page.window()
        self.leave_dialogs()
        self._page.say("")
        self._dialog = FormDialog(window, title, says, asked, verb, act, self._run)
        self._dialog.accepted.connect(self._page.focus_start)
        self._dialog.open()

    async def _quietly(self, work: Coroutine[Any, Any, object]) -> None:
        """What comes back for a customer who was left is told to nobody."""
        try:
            await work
        except CustomerLeft:
            return

    def register(self) -> None:
        """Register who was looked up, with what the sale knows of them."""
        assert self._till is not None
        till, lookup = self._till, self._till.accounts.view().lookup
        if lookup is None:
            return
        is_there = lookup.standing is AccountStanding.UNREGISTERED
        is_email = lookup.standing is AccountStanding.NO_USER
        known = till.accounts.customer_of(lookup.account, till.snapshot().draft.customer)
        asked = [
            Asked("account", "Account number", lookup.account, longest=ACCOUNT_MAX),
            Asked("email", "E-mail address", lookup.asked if is_email else known.email),
        ]
        if not is_there:
            asked += [
                Asked("name", "Name", known.name, longest=NAME_MAX),
                Asked("address", "Street address", known.address, longest=NAME_MAX),
                Asked("city", "City", known.city, longest=NAME_MAX),
                Asked("state", "State", known.state, longest=50),
                Asked("zip", "ZIP", known.zip, longest=20),
            ]
        says = "The customer chooses a password and types it. "
        says += "" if is_there else "What the account lacks is made first; its name is needed for that. "
        says += "Then the customer is signed on."

        async def act(typed: Typed) -> None:
            texts = typed.texts
            customer = Customer(
                account_number=texts["account"],
                name=texts.get("name", ""),
                address=texts.get("address", ""),
                city=texts.get("city", ""),
                state=texts.get("state", ""),
                zip=texts.get("zip", ""),
                email=texts["email"],
            )
            await self._quietly(till.accounts.register(customer, typed.secrets["password"]))

        self._open("Register a customer", says, (*asked, *_PASSWORDS), "Register", act)

    def link(self) -> None:
        """Link another account to who is signed on."""
        assert self._till is not None
        accounts = self._till.accounts

        async def act(typed: Typed) -> None:
            await self._quietly(accounts.link(typed.texts["account"]))

        self._open(
            "Link an account",
            "The account is added to the ones that this customer sees, and stays the account of whoever "
            "has registered it.",
            [Asked("account", "Account number", longest=ACCOUNT_MAX)],
            "Link",
            act,
        )

    def unregister(self, account: str) -> None:
        """Ask, then unregister an account."""
        assert self._till is not None
        if not account:
            return
        text = (
            f"Account {account} will be unregistered. Every link to it is removed as well, those of other "
            "people too. Its bills stay, and it can be paid without an account.\n\nAutoPay, paperless and "
            "scheduled payments of it may end: ask the customer first."
        )
        self._messages.ask(
            "Unregister an account",
            text,
            "Keep it",
            "Unregister",
            lambda: self._page.start(lambda accounts: accounts.unregister(account)),
        )

    @property
    def _email(self) -> str:
        """Whose address or password is changed: who is signed on, or who was looked up."""
        assert self._till is not None
        view = self._till.accounts.view()
        if view.signed_on is not None:
            return view.signed_on.email
        return str(self._page.panel.email.text()).strip()

    def change_email(self) -> None:
        """Another e-mail address."""
        assert self._till is not None
        accounts, email = self._till.accounts, self._email

        async def act(typed: Typed) -> None:
            password, new = typed.secrets["password"], typed.texts["email"]
            await self._quietly(accounts.change_email(email, password, new))

        self._open(
            "Another e-mail address",
            f"{email} becomes another address. With the right password it is changed at once; otherwise a "
            "code is mailed to the old address first, and the password typed here becomes the new one.",
            [
                Asked("email", "New e-mail address"),
                Asked("password", "Password of the customer", is_secret=True),
            ],
            "Change",
            act,
        )

    def change_password(self) -> None:
        """Another password."""
        assert self._till is not None
        accounts, email = self._till.accounts, self._email

        async def act(typed: Typed) -> None:
            old, new = typed.secrets["old"], typed.secrets["password"]
            await self._quietly(accounts.change_password(email, old, new))

        self._open(
            "Another password",
            f"The password of {email or 'the customer'}. With the present one it is changed at once; if that "
            "is forgotten, leave it empty: a code is mailed to the address first.",
            [
                Asked("old", "Present password", is_secret=True),
                Asked("password", f"New password, {PASSWORD_MIN} signs or more", is_secret=True),
                Asked("again", "The same new password again", is_secret=True, again="password"),
            ],
            "Change",
            act,
        )
