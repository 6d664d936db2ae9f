"""Customers who have registered at the sandbox: who they are, what they have set, and who is signed on.

In memory, like everything here. A password is compared and never shown; a token ends after a while, or when
the control API says so.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from cashier.sandbox.cards import TEST_CARDS
from cashier.sandbox.config import SandboxConfig
from cashier.sandbox.state import InvoiceRecord, Store
from cashier.sandbox.wire import BadRequest, Customer

#: RedirectID -> the page's name in its address.
PAGES = {1: "bills", 2: "paperless", 3: "autopay", 5: "options", 9: "scheduled"}


class AccountsFault(StrEnum):
    """How the calls of single sign-on can misbehave."""

    ERROR_500 = "error-500"
    SILENT = "silent"
    GARBAGE = "garbage"
    TOO_BUSY = "too-busy"
    DONE_THEN_SILENT = "done-then-silent"
    ECHO = "echo"  # refuses, and repeats in its message all that it was sent


@dataclass(slots=True)
class Scheduled:
    """A payment that the service is to make by itself."""

    invoice: str
    on: date
    method: str


@dataclass(slots=True)
class User:
    """Somebody who has registered. The first account is the one they registered, others are linked."""

    email: str
    password: str = field(repr=False)
    accounts: list[str]
    is_paperless: bool = False
    autopay: str = ""
    methods: list[str] = field(default_factory=list)
    scheduled: list[Scheduled] = field(default_factory=list)


@dataclass(slots=True)
class SignOn:
    """One Remote Authentication. `page` is what its pages' addresses have in place of the token."""

    user: User
    ends_at: datetime
    page: str
    return_url: str = ""
    site_name: str = ""


def same(one: str, other: str) -> bool:
    """Whether two account numbers or addresses are the same, whatever their case."""
    return one.strip().casefold() == other.strip().casefold()


class Accounts:
    """All users of one sandbox. Raises BadRequest with the message of a refusal."""

    def __init__(self, config: SandboxConfig, store: Store) -> None:
        self._config, self._store = config, store
        self.users: list[User] = []
        self.sign_ons: dict[str, SignOn] = {}  # by token
        self.fault: AccountsFault | None = None
        self.fault_times: int | None = None
        #: What was asked, by the last part of the path.
        self.calls: list[str] = []
        self.restore()

    def restore(self) -> None:
        """The customers as at the start: nobody else is registered, nobody is signed on."""
        self.users.clear()
        self.sign_ons.clear()
        for one in self._config.accounts:
            record = Customer(one.number, "", one.name, "", "", "", "", one.email)
            self._store.customers[one.number] = record
            if one.password:
                self.register(one.number, one.email, one.password)

    def take_fault(self) -> AccountsFault | None:
        """The fault of one call; counts it when it is limited."""
        fault = self.fault
        if self.fault_times is not None:
            self.fault_times -= 1
            if self.fault_times <= 0:
                self.fault, self.fault_times = None, None
        return fault

    # -- records and users -------------------------------------------------------------------------------

    def record(self, account: str, email: str = "") -> Customer | None:
        """The customer record of an account, or of an e-mail address."""
        launched = (record.customer for record in self._store.invoices.values())
        for customer in (*self._store.customers.values(), *launched):
            if account and same(customer.account_number, account):
                return customer
        for user in self.users:
            if not account and email and same(user.email, email) and user.accounts:
                return self.record(user.accounts[0])
        return None

    def find(self, account: str, email: str) -> list[User]:
        """Users of an account, or of an e-mail address."""
        return [
            user
            for user in self.users
            if (account and any(same(one, account) for one in user.accounts))
            or (email and same(user.email, email))
        ]

    def create(self, customer: Customer) -> None:
        """A new customer record."""
        if self.record(customer.account_number) is not None:
            raise BadRequest("Account already exists.")
        self._store.customers[customer.account_number] = customer

    def register(self, account: str, email: str, password: str) -> User:
        """A new user of an account that has a record."""
        if self.record(account) is None:
            raise BadRequest("Account was not found.")
        if self.find(account, ""):
            raise BadRequest("This account is registered already.")
        if self.find("", email):
            raise BadRequest("This e-mail address is registered already.")
        user = User(email, password, [account])
        self.users.append(user)
        return user

    def user(self, email: str) -> User:
        """A user by the e-mail address."""
        for user in self.users:
            if same(user.email, email):
                return user
        raise BadRequest("User was not found.")

    def update_email(self, email: str, new_email: str) -> None:
        """Another address, which nobody else has."""
        user = self.user(email)
        if any(other is not user for other in self.find("", new_email)):
            raise BadRequest("This e-mail address is registered already.")
        user.email = new_email

    # -- signing on --------------------------------------------------------------------------------------

    def authenticate(self, email: str, password: str) -> str:
        """A token."""
        for user in self.users:
            if same(user.email, email) and user.password == password:
                token = self._config.new_uuid().hex + self._config.new_uuid().hex
                ends_at = self._config.clock() + timedelta(seconds=self._config.sign_on_s)
                self.sign_ons[token] = SignOn(user, ends_at, self._config.new_uuid().hex)
                return token
        raise BadRequest("User name or password is not valid.")

    def signed_on(self, token: str) -> SignOn:
        """The sign-on of a token."""
        sign_on = self.sign_ons.get(token)
        if sign_on is None or sign_on.ends_at <= self._config.clock() or sign_on.user not in self.users:
            raise BadRequest("RemoteAuthenticationToken is not valid or has expired.")
        return sign_on

    def at_page(self, page: str) -> SignOn | None:
        """The sign-on whose pages these are."""
        for token, sign_on in self.sign_ons.items():
            if sign_on.page == page:
                try:
                    return self.signed_on(token)
                except BadRequest:
                    return None
        return None

    def link(self, user: User, account: str) -> None:
        """Another account for a user."""
        if self.record(account) is None:
            raise BadRequest("Account was not found.")
        if any(same(account, one) for one in user.accounts):
            raise BadRequest("This account is linked already.")
        user.accounts.append(account)

    def unregister(self, user: User, account: str) -> None:
        """No registration of an account any more, and no link to it; nobody without an account stays."""
        if not any(same(account, one) for one in user.accounts):
            raise BadRequest("Account was not found.")
        for one in list(self.users):
            one.accounts = [kept for kept in one.accounts if not same(kept, account)]
            if not one.accounts:
                self.users.remove(one)

    # -- what the pages show and change --------------------------------------------------------------------

    def bills(self, user: User) -> list[InvoiceRecord]:
        """Invoices of a user's accounts, paid ones too."""
        return [
            record
            for record in self._store.invoices.values()
            if any(same(record.customer.account_number, account) for account in user.accounts)
        ]

    def act(self, user: User, page: str, form: dict[str, str]) -> str:
        """Do what a page's form asks for; why not, or empty."""
        match page, form.get("do"):
            case "paperless", ("on" | "off") as do:
                user.is_paperless = do == "on"
            case "autopay", "off":
                self._autopay(user, "")
            case "autopay", "on":
                if form.get("method") not in user.methods:
                    return "Add a payment method first."
                self._autopay(user, form["method"])
            case "options", "add":
                number = form.get("card", "")
                if number not in map(str, range(len(TEST_CARDS))):
                    return "Choose a card."
                card = TEST_CARDS[int(number)]
                masked = f"{card.brand} ending in {card.digits[-4:]}"
                if masked in user.methods:
                    return "This method is there already."
                user.methods.append(masked)
            case "options", "remove":
                user.methods = [method for method in user.methods if method != form.get("method")]
                if user.autopay not in user.methods:
                    self._autopay(user, "")
            case "bills", "schedule":
                return self._schedule(user, form.get("invoice", ""))
            case "scheduled", "cancel":
                user.scheduled = [one for one in user.scheduled if one.invoice != form.get("invoice")]
            case _:
                return "This is not understood."
        return ""

    def _autopay(self, user: User, method: str) -> None:
        user.autopay = method
        for record in self.bills(user):
            record.autopay = record.invoice.due_date if method and record.balance_cents else None

    def _schedule(self, user: User, number: str) -> str:
        record = next((one for one in self.bills(user) if one.invoice.number == number), None)
        if record is None or not record.balance_cents:
            return "There is nothing to pay on this invoice."
        if not user.methods:
            return "Add a payment method first."
        if all(one.invoice != number for one in user.scheduled):
            on = record.invoice.due_date or self._config.clock().date()
            user.scheduled.append(Scheduled(number, on, user.methods[0]))
        return ""
