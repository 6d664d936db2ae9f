"""What a front end shows of customers' accounts, and what the till keeps while somebody is signed on."""

from dataclasses import dataclass, field

from cashier.domain.account_changes import AccountChange
from cashier.domain.accounts import AccountStanding, Secret, UserAccount, account_key


@dataclass(frozen=True)
class Lookup:
    """What was asked for, and what Invoice Cloud knows of it.

    `emails` are those who have registered the account: more than one where others have linked it. `doubts`
    are changes of it that Invoice Cloud was asked for and did not answer.
    """

    asked: str
    standing: AccountStanding
    account: str = ""
    emails: tuple[str, ...] = ()
    doubts: tuple[AccountChange, ...] = ()

    @property
    def email(self) -> str:
        """The address to sign on by, where there is only one."""
        return self.emails[0] if len(self.emails) == 1 else ""


@dataclass(frozen=True)
class SignedOn:
    """Who is signed on, as a front end shows it. `left_s` is how long it still lasts."""

    email: str
    accounts: tuple[UserAccount, ...]
    left_s: float


@dataclass(frozen=True)
class AccountsView:
    """Everything a front end shows. `refusal` is why this till has no accounts, or empty.

    `code_sent_to` is the veiled address that a code was mailed to, while it is waited for.
    """

    refusal: str
    lookup: Lookup | None
    signed_on: SignedOn | None
    is_busy: bool
    code_sent_to: str = ""
    notice: str = ""


@dataclass(frozen=True)
class PayerSignOn:
    """A payer who is signed on, for a card payment. `id` tells this sign-on from any other."""

    id: str
    token: Secret = field(repr=False)


@dataclass(frozen=True)
class Session:
    """Somebody who is signed on, until `until_s` of the monotonic clock."""

    id: str
    email: str
    token: Secret
    accounts: tuple[UserAccount, ...]
    until_s: float

    def has(self, account: str) -> bool:
        """Whether an account is one of theirs."""
        return any(account_key(one.number) == account_key(account) for one in self.accounts)
