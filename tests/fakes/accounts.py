"""Customers' accounts in memory: the port's promises, a switch for each failure; letters that are kept."""

from collections.abc import Callable
from dataclasses import dataclass, field

from cashier.domain.accounts import (
    AccountPage,
    AccountUser,
    Secret,
    SignOnOver,
    UserAccount,
    WrongPassword,
    account_key,
)
from cashier.domain.errors import CashierError, InDoubt, Refused, TooBusy, Unavailable
from cashier.domain.sale import Customer
from cashier.till.ports import PrintOutcome, PrintResult

PAGES = "https://pay.example.org/sso"


@dataclass
class FakeUser:
    """Somebody who has registered; the first account is the one they registered."""

    email: str
    password: str = field(repr=False)
    accounts: list[str] = field(default_factory=list)


@dataclass
class FakeAccounts:
    """Change the members and the switches at any time. `calls` has the name of each call that was sent.

    `errors` are raised by the next calls, one each; `errors_at` by the next call of a name, before it is
    done, and `lost_at` after it was done.
    """

    records: dict[str, Customer] = field(default_factory=dict)
    users_known: list[FakeUser] = field(default_factory=list)
    is_reachable: bool = True
    is_answering: bool = True
    busy_times: int = 0
    errors: list[CashierError] = field(default_factory=list)
    errors_at: dict[str, CashierError] = field(default_factory=dict)
    lost_at: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    tokens: dict[str, FakeUser] = field(default_factory=dict)
    #: Called with the name of each call, at its moment.
    looked: Callable[[str], object] = lambda _name: None

    def seed(self, account: str, email: str = "", password: str = "", name: str = "") -> None:
        """A customer record, registered where there is a password."""
        self.records[account_key(account)] = Customer(account, name, email=email)
        if password:
            self.users_known.append(FakeUser(email, password, [account]))

    def end_sign_ons(self) -> None:
        """Every token is over."""
        self.tokens.clear()

    async def users(self, *, account: str = "", email: str = "") -> tuple[AccountUser, ...]:
        """See the port."""
        self._sent("users")
        return tuple(
            AccountUser(user.email, tuple(user.accounts))
            for user in self.users_known
            if (account and _has(user, account)) or (email and _same(user.email, email))
        )

    async def customer_guid(self, account: str, email: str) -> str | None:
        """See the port."""
        self._sent("customer_guid")
        if account:
            return f"guid-{account_key(account)}" if account_key(account) in self.records else None
        found = [user for user in self.users_known if _same(user.email, email) and user.accounts]
        return f"guid-{account_key(found[0].accounts[0])}" if found else None

    async def create(self, customer: Customer) -> None:
        """See the port."""
        self._sent("create")
        self.records.setdefault(account_key(customer.account_number), customer)
        self._done("create")

    async def register(self, account: str, email: str, password: Secret) -> None:
        """See the port."""
        self._sent("register")
        if account_key(account) not in self.records:
            raise Refused("The customer could not be registered: the account is not there.")
        if any(_has(user, account) or _same(user.email, email) for user in self.users_known):
            raise Refused("The customer could not be registered: it is registered already.")
        self.users_known.append(FakeUser(email, password.reveal(), [account]))
        self._done("register")

    async def authenticate(self, email: str, password: Secret) -> Secret:
        """See the port."""
        self._sent("authenticate")
        for user in self.users_known:
            if _same(user.email, email) and user.password == password.reveal():
                token = f"token-{len(self.tokens)}-of-{len(self.calls)}"
                self.tokens[token] = user
                return Secret(token)
        raise WrongPassword("E-mail address and password are not the ones that Invoice Cloud has.")

    async def accounts(self, token: Secret) -> tuple[UserAccount, ...]:
        """See the port."""
        self._sent("accounts")
        numbers = self._signed_on(token).accounts
        return tuple(
            UserAccount(number, self.records[account_key(number)].name, place > 0)
            for place, number in enumerate(numbers)
        )

    async def link(self, token: Secret, account: str) -> None:
        """See the port."""
        self._sent("link")
        user = self._signed_on(token)
        if account_key(account) not in self.records:
            raise Refused("The account could not be linked: the account is not there.")
        if _has(user, account):
            raise Refused("The account could not be linked: it is linked already.")
        user.accounts.append(account)
        self._done("link")

    async def unregister(self, token: Secret, account: str) -> None:
        """See the port."""
        self._sent("unregister")
        if not _has(self._signed_on(token), account):
            raise Refused("The account could not be unregistered: it is not theirs.")
        for user in list(self.users_known):
            user.accounts = [one for one in user.accounts if not _same(one, account)]
            if not user.accounts:
                self.users_known.remove(user)
                self.tokens = {token: one for token, one in self.tokens.items() if one is not user}
        self._done("unregister")

    async def update_email(self, email: str, new_email: str) -> None:
        """See the port."""
        self._sent("update_email")
        if any(_same(user.email, new_email) and not _same(email, new_email) for user in self.users_known):
            raise Refused("The e-mail address could not be changed: somebody has it.")
        self._user(email).email = new_email
        self._done("update_email")

    async def update_password(self, email: str, password: Secret) -> None:
        """See the port."""
        self._sent("update_password")
        self._user(email).password = password.reveal()
        self._done("update_password")

    def page_url(self, token: Secret, page: AccountPage) -> str:
        """See the port."""
        return f"{PAGES}?RemoteAuthenticationToken={token.reveal()}&ViewMode=1&RedirectID={int(page)}"

    def _sent(self, name: str) -> None:
        if not self.is_reachable:
            raise Unavailable("The gateway was not reached. This takes no money.")
        self.looked(name)
        self.calls.append(name)
        if self.errors:
            raise self.errors.pop(0)
        if name in self.errors_at:
            raise self.errors_at.pop(name)
        if self.busy_times:
            self.busy_times -= 1
            raise TooBusy("The gateway is too busy.", 2)
        if not self.is_answering:
            raise InDoubt("The gateway did not answer in time. This takes no money.")

    def _done(self, name: str) -> None:
        if name in self.lost_at:
            self.lost_at.discard(name)
            raise InDoubt("The gateway did not answer in time. This takes no money.")

    def _signed_on(self, token: Secret) -> FakeUser:
        user = self.tokens.get(token.reveal())
        if user is None:
            raise SignOnOver("The customer is no longer signed on at Invoice Cloud.")
        return user

    def _user(self, email: str) -> FakeUser:
        for user in self.users_known:
            if _same(user.email, email):
                return user
        raise Refused("The customer could not be changed: nobody has this address.")


@dataclass
class FakeLetters:
    """Keeps what it is to send: address, subject, text. `outcome` is what comes of it."""

    sent: list[tuple[str, str, str]] = field(default_factory=list)
    outcome: PrintResult = PrintResult(PrintOutcome.PRINTED)

    async def write(self, to: str, subject: str, text: str) -> PrintResult:
        """See the port."""
        self.sent.append((to, subject, text))
        return self.outcome


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def _has(user: FakeUser, account: str) -> bool:
    return any(_same(one, account) for one in user.accounts)
