"""Customers' accounts at Invoice Cloud, from the counter (Invoice Cloud contract, section 5).

A customer is found, registered where that is needed, and signed on with their own password; then their own
pages can be opened, accounts linked and unregistered, and a sale of theirs paid as a registered payer.

The sign-on is in memory alone. It ends when the customer is left, when the till is locked or signed out of,
when the window is closed, and after its life; a call that comes back later changes nothing any more. No
entry, log or view carries a password or a token.

Each change of an account is in the journal, before Invoice Cloud hears of it and after it has answered.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from cashier.domain.account_changes import AccountAct
from cashier.domain.accounts import (
    AccountPage,
    AccountStanding,
    AccountUser,
    Secret,
    SignOnOver,
    WrongPassword,
    account_key,
    checked_account,
    checked_email,
    checked_password,
    is_email,
    veiled,
)
from cashier.domain.errors import CashierError, InDoubt, Refused
from cashier.domain.people import Permission
from cashier.domain.sale import Customer
from cashier.till.account_book import AccountBook
from cashier.till.accounts_ports import CustomerAccounts, Letters
from cashier.till.accounts_views import AccountsView, Lookup, PayerSignOn, Session, SignedOn
from cashier.till.config import AccountsConfig
from cashier.till.identity import new_id
from cashier.till.mailed_codes import CredentialChange, MailedCode
from cashier.till.people import People
from cashier.till.ports import Clock, Journal, Randomness

NOT_SIGNED_ON = "No customer is signed on. Sign the customer on first."
BUSY = "Invoice Cloud is being asked already. Wait until it has answered."


class CustomerLeft(CashierError):
    """The customer was left while Invoice Cloud was being asked: nothing to tell the clerk."""


class Accounts:
    """The use cases over the ports, for one till. `port` is None where there are no accounts."""

    def __init__(
        self,
        config: AccountsConfig,
        clock: Clock,
        randomness: Randomness,
        port: CustomerAccounts | None,
        letters: Letters | None,
        people: People,
        journal: Journal,
        changed: Callable[[], None],
    ) -> None:
        self._config, self._clock, self._randomness = config, clock, randomness
        self._port, self._people = port, people
        self._book = AccountBook(clock, randomness, journal, lambda: people.name)
        self._code = MailedCode(clock, randomness, letters, config.agency)
        self._changed = changed
        self._lookup: Lookup | None = None
        self._session: Session | None = None
        #: Counts customers: an answer for one who was left is known by it.
        self._visit = 0
        #: The visit for which Invoice Cloud is being asked.
        self._asking: int | None = None
        self._notice = ""
        self._of: str | None = None

    # -- looking -----------------------------------------------------------------------------------------

    @property
    def refusal(self) -> str:
        """Why this till has no customer accounts, or empty."""
        return self._config.refusal

    def view(self) -> AccountsView:
        """What a front end shows."""
        session = self._alive()
        signed_on = None
        if session is not None:
            left_s = session.until_s - self._clock.monotonic()
            signed_on = SignedOn(session.email, session.accounts, left_s)
        change = self._code.change
        return AccountsView(
            refusal=self.refusal,
            lookup=self._lookup,
            signed_on=signed_on,
            is_busy=self._asking == self._visit,
            code_sent_to=veiled(change.email) if change else "",
            notice=self._notice,
        )

    def payer_of(self, account: str, biller: str) -> PayerSignOn | None:
        """The sign-on by which a sale of this account is paid at this biller; None: a one-time payer."""
        session = self._alive()
        if session is None or biller != self._config.biller or not session.has(account):
            return None
        return PayerSignOn(session.id, session.token)

    def customer_text(self, account: str) -> str:
        """Who is signed on, for a status line, and whether the sale of an account is theirs; or empty."""
        session = self._alive()
        if session is None:
            return ""
        what = "registered payer" if session.has(account) else "signed on"
        return f"{what}: {veiled(session.email)}"

    def customer_of(self, account: str, now: Customer) -> Customer:
        """A sale's customer for an account: who is signed on, with what the sale has of it already."""
        session = self._alive()
        known = now if account and account_key(now.account_number) == account_key(account) else None
        customer = known or Customer(account, "")
        if session is None or not session.has(account):
            return customer
        name = next(one.name for one in session.accounts if account_key(one.number) == account_key(account))
        return replace(customer, name=customer.name or name, email=customer.email or session.email)

    # -- leaving -----------------------------------------------------------------------------------------

    def leave(self, notice: str = "") -> None:
        """Forget the customer: sign-on, address and all. What is being asked changes nothing any more."""
        was_busy = self._asking == self._visit
        self._visit += 1
        if not any((self._lookup, self._session, self._code.change, self._notice != notice, was_busy)):
            return
        self._forget()
        self._notice = notice
        self._changed()

    def _forget(self) -> None:
        self._lookup = self._session = None
        self._code.forget()

    def look(self) -> None:
        """Be told of any change of the till: who is at it, above all. Nobody else sees this customer."""
        person = self._people.signed_in
        at_till = None if person is None or self._people.view().is_locked else person.id
        if at_till != self._of:
            self._of = at_till
            self.leave()

    def tick(self) -> None:
        """Time goes by: a sign-on ends after its life, and says so; a code after its own."""
        self._code.tick()
        session = self._session
        if session is not None and self._clock.monotonic() >= session.until_s:
            minutes = round(self._config.life_s / 60)
            self.leave(
                f"The sign-on of {veiled(session.email)} has ended after {minutes} minutes. Sign on again."
            )

    def sale_over(self, account: str) -> None:
        """A sale is put away: whose it was is left."""
        if account and self._session is not None and self._session.has(account):
            self.leave()

    def _alive(self) -> Session | None:
        """The session while it lasts."""
        session = self._session
        return session if session and self._clock.monotonic() < session.until_s else None

    def _signed_on(self) -> Session:
        session = self._alive()
        if session is None:
            raise Refused(NOT_SIGNED_ON)
        return session

    @asynccontextmanager
    async def _asked(self) -> AsyncIterator[tuple[CustomerAccounts, int]]:
        """One question at a time, by somebody who is at the till; with the visit that it is for."""
        if self._port is None or self.refusal:
            raise Refused(self.refusal)
        self._people.require(Permission.TAKE_PAYMENTS)
        self.look()  # who is at the till from now on is who asks
        self._refuse_busy()
        visit = self._asking = self._visit
        self._notice = ""
        self._changed()
        try:
            yield self._port, visit
        except CashierError as error:
            self._still(visit)
            if isinstance(error, SignOnOver):
                self._session = None
                self._notice = error.user_text
            raise
        finally:
            if self._asking == visit:
                self._asking = None
            self._changed()

    def _refuse_busy(self) -> None:
        if self._asking == self._visit:
            raise Refused(BUSY)

    def _still(self, visit: int) -> None:
        """Nothing that comes back for a customer who was left counts any more."""
        if visit != self._visit:
            raise CustomerLeft("The customer was left.")

    # -- finding -----------------------------------------------------------------------------------------

    async def find(self, text: str) -> Lookup:
        """Look a customer up by e-mail address or account number; who was there before is left.

        Raises Refused (also for what is neither), Unavailable or InDoubt: looking up changes nothing.
        """
        asked = checked_email(text) if is_email(text) else checked_account(text)
        self._refuse_busy()
        self.leave()
        async with self._asked() as (port, visit):
            lookup = await self._find(port, asked)
            self._still(visit)
            self._lookup = lookup
            return lookup

    async def _find(self, port: CustomerAccounts, asked: str) -> Lookup:
        if is_email(asked):
            users = await port.users(email=asked)
            if not users:
                return Lookup(asked, AccountStanding.NO_USER)
            accounts = users[0].accounts
            account = accounts[0] if accounts else ""
            standing = AccountStanding.REGISTERED
            return Lookup(asked, standing, account, (users[0].email,), self._book.doubts(accounts, standing))
        users = await port.users(account=asked)
        if users:
            standing = AccountStanding.REGISTERED
        else:
            is_there = await port.customer_guid(asked, "") is not None
            standing = AccountStanding.UNREGISTERED if is_there else AccountStanding.MISSING
        emails = tuple(user.email for user in users)
        return Lookup(asked, standing, asked, emails, self._book.doubts([asked], standing))

    # -- registering and signing on ------------------------------------------------------------------------

    async def register(self, customer: Customer, password: Secret) -> None:
        """Register a customer by `account_number` and `email`, then sign them on.

        What is missing is made first: account missing, record made and registered; unregistered, registered;
        registered by the same address, only signed on. Each time the standing is read anew, so that it may
        be asked for again after any error. Raises Refused, Unavailable or InDoubt.
        """
        account, email = checked_account(customer.account_number), checked_email(customer.email)
        checked_password(password)
        async with self._asked() as (port, visit):
            users = await port.users(account=account)
            if any(_same(user.email, email) for user in users):
                self._book.seen(AccountAct.REGISTERED, account)
            else:
                _refuse_taken(account, email, users, await port.users(email=email))
                if await port.customer_guid(account, "") is not None:
                    self._book.seen(AccountAct.RECORD_MADE, account)
                else:
                    if not customer.name.strip():
                        raise Refused(
                            f"There is no account {account} yet. Type the customer's name, then register."
                        )
                    self._still(visit)
                    with self._book.asked(AccountAct.RECORD_MADE, account):
                        await port.create(customer)
                self._still(visit)
                with self._book.asked(AccountAct.REGISTERED, account):
                    await port.register(account, email, password)
            self._still(visit)
            await self._sign_on(port, visit, email, password, account)

    async def sign_on(self, email: str, password: Secret) -> None:
        """Sign a registered customer on.

        Raises WrongPassword, Refused, Unavailable or InDoubt (a sign-on that nobody heard of does nothing).
        """
        address = checked_email(email)
        if not password:
            raise Refused("The customer's password is missing.")
        async with self._asked() as (port, visit):
            known = self._lookup.account if self._lookup else ""
            await self._sign_on(port, visit, address, password, known)

    async def _sign_on(
        self, port: CustomerAccounts, visit: int, email: str, password: Secret, account: str
    ) -> None:
        """Authenticate, CustomerGUID, user accounts; then the session has what Invoice Cloud has.

        The GUID is asked for because the flow has it; nothing here needs what it is.
        """
        token = await port.authenticate(email, password)
        await port.customer_guid(account, email)
        accounts = await port.accounts(token)
        self._still(visit)
        self._session = Session(
            id=str(new_id(self._clock, self._randomness)),
            email=email,
            token=token,
            accounts=accounts,
            until_s=self._clock.monotonic() + self._config.life_s,
        )
        first = accounts[0].number if accounts else account
        self._lookup = Lookup(email, AccountStanding.REGISTERED, first, (email,))

    # -- accounts ------------------------------------------------------------------------------------------

    async def link(self, account: str) -> None:
        """Add another account to who is signed on. Raises Refused, Unavailable or InDoubt."""
        number = checked_account(account)
        session = self._signed_on()
        async with self._asked() as (port, visit):
            async with self._read_anew(port, visit):
                with self._book.asked(AccountAct.LINKED, number):
                    await port.link(session.token, number)
            await self._sync(port, visit)

    async def unregister(self, account: str) -> None:
        """Take an account's registration away, and every link to it with it.

        Who has no account left after it is left. Raises Refused, Unavailable or InDoubt.
        """
        session = self._signed_on()
        if not session.has(account):
            raise Refused(f"Account {account} is not one of this customer's.")
        async with self._asked() as (port, visit):
            async with self._read_anew(port, visit):
                with self._book.asked(AccountAct.UNREGISTERED, account):
                    await port.unregister(session.token, account)
            if len(session.accounts) > 1:
                await self._sync(port, visit)
            else:
                self._still(visit)
                self._visit += 1
                self._forget()
                self._notice = (
                    f"Account {account} is unregistered. It was the only one, so nobody is signed on."
                )

    @asynccontextmanager
    async def _read_anew(self, port: CustomerAccounts, visit: int) -> AsyncIterator[None]:
        """What went wrong may have been done all the same: the accounts are read, and the error is raised."""
        try:
            yield
        except (Refused, InDoubt) as error:
            if not isinstance(error, SignOnOver):
                with suppress(CashierError):
                    await self._sync(port, visit)
            raise

    async def _sync(self, port: CustomerAccounts, visit: int) -> None:
        """The session's accounts as Invoice Cloud has them now."""
        session = self._signed_on()
        accounts = await port.accounts(session.token)
        self._still(visit)
        session = self._signed_on()
        before = {account_key(one.number): one.number for one in session.accounts}
        now = {account_key(one.number): one.number for one in accounts}
        # Only what is new, or gone, since then: an account may be theirs otherwise than by a link in doubt.
        for key in now.keys() - before.keys():
            self._book.seen(AccountAct.LINKED, now[key])
        for key in before.keys() - now.keys():
            self._book.seen(AccountAct.UNREGISTERED, before[key])
        self._session = replace(session, accounts=accounts)

    # -- e-mail address and password -------------------------------------------------------------------------

    async def change_email(self, email: str, password: Secret, new_email: str) -> bool:
        """Give a customer another e-mail address; True when it is done, False when a code was mailed.

        With the right password both address and password are brought in step at once. Otherwise a code goes
        to the address that Invoice Cloud has, and `approve` takes it. Raises Refused, Unavailable, InDoubt.
        """
        address, new = checked_email(email), checked_email(new_email)
        if _same(address, new):
            raise Refused("This is the address that they have already.")
        if not password:
            raise Refused("The customer's password is missing.")
        async with self._asked() as (port, visit):
            self._code.forget()
            user = await self._stored(port, address)
            if await port.users(email=new):
                raise Refused(f"Somebody has registered with {new} already. Nothing was changed.")
            return await self._change(port, visit, user, new, password, password)

    async def change_password(self, email: str, password: Secret, new_password: Secret) -> bool:
        """Give a customer another password; as `change_email`."""
        address = checked_email(email)
        checked_password(new_password)
        async with self._asked() as (port, visit):
            self._code.forget()
            user = await self._stored(port, address)
            return await self._change(port, visit, user, user.email, password, new_password)

    async def _stored(self, port: CustomerAccounts, email: str) -> AccountUser:
        users = await port.users(email=email)
        if not users:
            raise Refused(f"Nobody has registered with {email}. Nothing was changed.")
        return users[0]

    async def _change(
        self,
        port: CustomerAccounts,
        visit: int,
        user: AccountUser,
        new_email: str,
        typed: Secret,
        new: Secret,
    ) -> bool:
        change = CredentialChange(user.email, new_email, new, user.accounts[0] if user.accounts else "")
        try:
            if not typed:
                raise WrongPassword("")
            await port.authenticate(user.email, typed)
        except WrongPassword:
            self._still(visit)
            await self._code.send(change, lambda: self._still(visit))
            return False
        self._still(visit)
        await self._update(port, visit, change)
        return True

    async def approve(self, code: str) -> None:
        """Make the change whose code came from its owner's mailbox.

        Raises Refused (a wrong code; after too many of them the change is forgotten), Unavailable, InDoubt.
        """
        async with self._asked() as (port, visit):
            await self._update(port, visit, self._code.approved(code))

    async def _update(self, port: CustomerAccounts, visit: int, change: CredentialChange) -> None:
        """Both updates, so that address and password stay in step; then sign on anew who was signed on."""
        email, new_email = change.email, change.new_email
        is_moved = new_email != email
        if is_moved:
            with self._book.asked(AccountAct.EMAIL_CHANGED, change.account):
                await port.update_email(email, new_email)
            self._still(visit)
            self._code.address_is_changed()
        try:
            with self._book.asked(AccountAct.PASSWORD_SET, change.account):
                await port.update_password(new_email, change.password)
        except CashierError as error:
            if not is_moved:
                raise
            text = f"The e-mail address is {new_email} now. {error.user_text}"
            raise (InDoubt(text) if isinstance(error, InDoubt) else Refused(text)) from error
        self._still(visit)
        self._code.forget()
        session, lookup = self._session, self._lookup
        if lookup is not None:
            emails = tuple(new_email if _same(one, email) else one for one in lookup.emails)
            self._lookup = replace(lookup, emails=emails)
        if session is not None and _same(session.email, email):
            self._session = None
            try:
                account = lookup.account if lookup else ""
                await self._sign_on(port, visit, new_email, change.password, account)
            except CashierError as error:
                self._still(visit)
                self._notice = f"The change was made. {error.user_text}"

    # -- pages ---------------------------------------------------------------------------------------------

    def page_url(self, page: AccountPage) -> str:
        """The address of one of the customer's own pages: open it, and keep it nowhere. Raises Refused."""
        self._people.require(Permission.TAKE_PAYMENTS)
        session = self._signed_on()
        assert self._port is not None
        return self._port.page_url(session.token, page)


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def _refuse_taken(
    account: str, email: str, of_account: tuple[AccountUser, ...], of_email: tuple[AccountUser, ...]
) -> None:
    """Refuse to register what somebody else has, or who is somebody already."""
    if of_account:
        raise Refused(
            f"Account {account} is registered already, by {veiled(of_account[0].email)}. Sign on with that "
            "address; who has another one can link the account."
        )
    if of_email:
        raise Refused(
            f"{email} is registered already, with another account. Sign on with it, then link {account}."
        )
