"""What a program finds before its till is open: nothing set up yet, settings that cannot stand, or neither.

A till is opened whole or not at all. What keeps it closed is told by file, key and reason, and found before
the journal is touched.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from cashier.domain.errors import CashierError
from cashier.domain.payment import PaymentState
from cashier.till.setting_up import SetUp
from cashier.till.snapshot import Snapshot

#: What is certain of a till that was never opened.
UNTOUCHED = "The journal was not touched. No payment can be taken."
NOT_OPENED = "What is recorded is safe. No payment can be taken."


class Way(Enum):
    """What a program begins with, or goes on with."""

    TILL = auto()  # the till of the settings file
    TRAINING = auto()  # a training session


@dataclass(frozen=True)
class StartFault:
    """One thing that keeps the till from starting. `key` is empty where it is the whole file."""

    file: str
    key: str
    reason: str

    @property
    def text(self) -> str:
        """As one line."""
        return ": ".join(part for part in (self.file, self.key, self.reason) if part)


@dataclass(frozen=True)
class Trouble:
    """Why the till is not open. `last_good` is where the settings are that last worked; empty for none."""

    heading: str
    says: str
    faults: tuple[StartFault, ...]
    last_good: str = ""


class StartDesk(Protocol):
    """Looks before the till is opened, and mends what can be mended without it."""

    def is_new(self) -> bool:
        """Whether nothing was ever set up here: no settings, none that worked once, and no journal."""

    def look(self) -> Trouble | None:
        """What keeps the till from being opened, as far as that can be told without opening anything."""

    def trouble_of(self, error: CashierError) -> Trouble:
        """What kept it from being opened after all."""

    def go_back(self) -> str:
        """Put the settings that last worked in the broken file's place; where that is kept now, in words.

        Raises Refused, Unavailable.
        """

    def set_up(self) -> SetUp:
        """What the guide through a first set-up works with."""


def refusal_to_leave(snapshot: Snapshot, *, has_page: bool, is_busy: bool) -> str:
    """Why a till may not be left to be opened anew now; empty when it may.

    `has_page`: a payment page stands in the window. `is_busy`: a payment is being started.
    """
    payment = snapshot.payment
    if has_page or (payment is not None and payment.state is PaymentState.OPEN):
        return (
            "A card payment is before a payer. The till is not started anew: nothing has changed. Wait for "
            "the payment's end, or stop waiting for it, and try again."
        )
    if is_busy:
        return "A card payment is being started. The till is not started anew. Try again when it is over."
    return ""
