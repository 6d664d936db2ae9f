"""What customers' accounts need from the outside (Invoice Cloud contract, section 5), as protocols.

Each has a real adapter and a small real fake; one contract suite (tests/contracts) runs against both.
"""

from collections.abc import Awaitable
from typing import Protocol

from cashier.domain.accounts import AccountPage, AccountUser, Secret, UserAccount
from cashier.domain.sale import Customer
from cashier.till.ports import PrintResult


class CustomerAccounts(Protocol):
    """Invoice Cloud's accounts of one biller's customers. No call of it takes money.

    Every call raises Refused (the service said no, with its message), Unavailable (never sent), TooBusy
    (asked to wait) or InDoubt (sent, no clear answer: it may have been done). No error carries a password or
    a token. Account numbers and e-mail addresses are matched whatever their case.
    """

    def users(self, *, account: str = "", email: str = "") -> Awaitable[tuple[AccountUser, ...]]:
        """Who has registered an account, or with an e-mail address; nobody: empty. Changes nothing."""

    def customer_guid(self, account: str, email: str) -> Awaitable[str | None]:
        """The GUID of a customer's record by account, e-mail or both; None: there is no such record."""

    def create(self, customer: Customer) -> Awaitable[None]:
        """Make a customer record. One that is there already is as good."""

    def register(self, account: str, email: str, password: Secret) -> Awaitable[None]:
        """Register an account that has a record. Refused when somebody has registered it already."""

    def authenticate(self, email: str, password: Secret) -> Awaitable[Secret]:
        """Sign somebody on: the token of this sign-on. Raises WrongPassword."""

    def accounts(self, token: Secret) -> Awaitable[tuple[UserAccount, ...]]:
        """The accounts of who is signed on, the first registered first. Raises SignOnOver."""

    def link(self, token: Secret, account: str) -> Awaitable[None]:
        """Add an account that has a record to who is signed on. Raises SignOnOver."""

    def unregister(self, token: Secret, account: str) -> Awaitable[None]:
        """Take an account's registration away, and every link to it. Raises SignOnOver."""

    def update_email(self, email: str, new_email: str) -> Awaitable[None]:
        """Another e-mail address for a user."""

    def update_password(self, email: str, password: Secret) -> Awaitable[None]:
        """Another password for a user."""

    def page_url(self, token: Secret, page: AccountPage) -> str:
        """The address of one of the customer's own pages. It carries the token: open it, keep it nowhere."""


class Letters(Protocol):
    """Sends plain letters by e-mail. Raises nothing."""

    def write(self, to: str, subject: str, text: str) -> Awaitable[PrintResult]:
        """Send a letter. PRINTED once the server took it; NOT_PRINTED only when it certainly did not."""
