"""Customers' accounts at Invoice Cloud: who a customer is there, and what may be typed (contract, section 5).

Passwords and tokens are carried as `Secret`, whose text shows only where it is asked for by name.
"""

import hmac
import re
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from cashier.domain.errors import Refused

#: As long as a field of the wire, and as long as anybody types.
ACCOUNT_MAX, EMAIL_MAX = 100, 254
#: [assumed] The contract names no rule for passwords; this one keeps out what nobody could type again.
PASSWORD_MIN, PASSWORD_MAX = 8, 64
_EMAIL = re.compile(r"[^\s@<>\"',;:\\]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")


class Secret:
    """A password or a token. Neither its repr nor its text says what it is; `reveal` does."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text, for the one who has to send it."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    __hash__ = None  # type: ignore[assignment]  # nothing may be looked up by it

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__


class AccountStanding(StrEnum):
    """What Invoice Cloud knows of an account, or of an e-mail address."""

    MISSING = "missing"  # there is no customer record of this account
    UNREGISTERED = "unregistered"  # there is one, and nobody has registered it
    REGISTERED = "registered"  # somebody can sign on to it
    NO_USER = "no user"  # nobody has registered with this e-mail address


class AccountPage(IntEnum):
    """The customer's own pages, by their RedirectID."""

    BILLS = 1
    PAPERLESS = 2
    AUTOPAY = 3
    PAYMENT_OPTIONS = 5
    SCHEDULED_PAYMENTS = 9


@dataclass(frozen=True)
class AccountUser:
    """Somebody who has registered: the e-mail address that they sign on by, and their accounts."""

    email: str
    accounts: tuple[str, ...] = ()


@dataclass(frozen=True)
class UserAccount:
    """One account of somebody who is signed on. `is_linked`: it was added to the first one."""

    number: str
    name: str = ""
    is_linked: bool = False


class WrongPassword(Refused):
    """E-mail address and password are not the ones that Invoice Cloud has."""


class SignOnOver(Refused):
    """The sign-on is over, here or at Invoice Cloud."""


def account_key(number: str) -> str:
    """What tells one account from another: its number, whatever its case."""
    return number.strip().casefold()


def is_email(text: str) -> bool:
    """Whether a text is an e-mail address rather than an account number."""
    return "@" in text


def checked_account(text: str) -> str:
    """An account number, trimmed. Raises Refused for what is none."""
    number = text.strip()
    if not number:
        raise Refused("Type the account number first.")
    if len(number) > ACCOUNT_MAX or not number.isprintable() or is_email(number):
        raise Refused("This is not an account number.")
    return number


def checked_email(text: str) -> str:
    """An e-mail address, trimmed. Raises Refused for what is none."""
    address = text.strip()
    if not address:
        raise Refused("Type the e-mail address first.")
    if len(address) > EMAIL_MAX or not address.isprintable() or not _EMAIL.fullmatch(address):
        raise Refused("This is not an e-mail address.")
    return address


def checked_password(password: Secret) -> Secret:
    """A password that is to be set. Raises Refused, without a word of it."""
    text = password.reveal()
    if not PASSWORD_MIN <= len(text) <= PASSWORD_MAX or not text.isprintable() or text != text.strip():
        raise Refused(
            f"A password has {PASSWORD_MIN} to {PASSWORD_MAX} characters, and no space at its start or end."
        )
    return password


def veiled(email: str) -> str:
    """An address that its owner knows again, and nobody else reads: `r…@example.org`."""
    name, _, host = email.rpartition("@")
    return f"{name[:1]}…@{host}"
