"""The only cards and the only bank account the sandbox knows, and the one place that sees a typed number.

A typed number lives inside `tender_of_card`, `tender_of_track` or `tender_of_account` and nowhere else: what
leaves them is a `Tender`, which carries a brand, the last four digits and a mask. A number that is not on the
list is refused without being repeated, so a real card typed by mistake goes no further than the handler.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum

ONLY_TEST_CARDS = (
    "This is the training sandbox: it takes the test cards listed on this page only. "
    "Never enter a real card here. Nothing you typed was kept."
)
ONLY_TEST_ACCOUNT = (
    "This is the training sandbox: it takes the test account listed on this page only. "
    "Nothing you typed was kept."
)


class CardRefused(Exception):
    """The number is not a listed test number. The text is fit for the payer and holds no digit of it."""


class Entry(StrEnum):
    """How the payer pays, in the words of the page."""

    CARD = "card"
    ACH = "ach"
    EMV = "emv"
    SWIPE = "swipe"

    @property
    def by_card(self) -> bool:
        """Whether the card fee applies."""
        return self is not Entry.ACH


@dataclass(frozen=True, slots=True)
class TestCard:
    """A published test number; `printed` is how the page lists it."""

    __test__ = False  # not a test class, whatever its name suggests to pytest

    printed: str = field(repr=False)
    brand: str
    declines: bool = False

    @property
    def digits(self) -> str:
        """The number as a payer may type it without spaces."""
        return self.printed.replace(" ", "")

    @property
    def last_four(self) -> str:
        """What may be shown and kept."""
        return self.printed[-4:]


TEST_CARDS = (
    TestCard("4111 1111 1111 1111", "VISA"),
    TestCard("5555 5555 5555 4444", "MASTERCARD"),
    TestCard("3782 822463 10005", "AMEX"),
    TestCard("4000 0000 0000 0002", "VISA", declines=True),
)
TEST_ROUTING = "110000000"
TEST_ACCOUNT = "000123456789"


@dataclass(frozen=True, slots=True)
class Tender:
    """What is left of a card or account once the handler has seen it."""

    entry: Entry
    brand: str
    last_four: str
    masked: str
    declines: bool = False


def tender_of_card(typed: str, entry: Entry = Entry.CARD) -> Tender:
    """The tender of a typed card number; spaces and hyphens are ignored.

    Raises CardRefused for every number that is not a listed test card.
    """
    digits = re.sub(r"[ -]", "", typed)
    for card in TEST_CARDS:
        if card.digits == digits:
            return Tender(entry, card.brand, card.last_four, _mask(digits), card.declines)
    raise CardRefused(ONLY_TEST_CARDS)


def tender_of_track(track: str) -> Tender:
    """The tender of a magnetic stripe's track 1 (`%B…^`) or track 2 (`;…=`). Raises CardRefused."""
    match = re.match(r"(?:%B|;)(\d{12,19})[\^=]", track.strip(), re.ASCII)
    if match is None:
        raise CardRefused("The stripe could not be read. Swipe a test card again.")
    return tender_of_card(match[1], Entry.SWIPE)


def tender_of_account(routing: str, account: str) -> Tender:
    """The tender of the listed test account. Raises CardRefused for any other pair."""
    if routing.strip() != TEST_ROUTING or account.strip() != TEST_ACCOUNT:
        raise CardRefused(ONLY_TEST_ACCOUNT)
    return Tender(Entry.ACH, "ACH", account.strip()[-4:], _mask(account.strip()))


def _mask(digits: str) -> str:
    return "X" * (len(digits) - 4) + digits[-4:]
