"""Every change of a customer's account goes through here: into the journal before it is asked, and after."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from cashier.domain.account_changes import (
    ACCOUNT_KINDS,
    IN_FORCE,
    AccountAct,
    AccountChange,
    ChangeOutcome,
    DoubtFold,
)
from cashier.domain.accounts import AccountStanding
from cashier.domain.entries import Draft, EntryKind, utc_text
from cashier.domain.errors import CashierError, InDoubt, Refused, Unavailable
from cashier.domain.scrub import scrub_card_numbers
from cashier.till.identity import new_id
from cashier.till.ports import Clock, Journal, Randomness

#: For how long a change that nobody answered is shown with its account.
SHOWN_FOR = dt.timedelta(days=7)


class AccountBook:
    """Records changes. `by` says who is at the till."""

    def __init__(self, clock: Clock, randomness: Randomness, journal: Journal, by: Callable[[], str]) -> None:
        self._clock, self._randomness, self._journal, self._by = clock, randomness, journal, by
        self._doubts = DoubtFold()

    @contextmanager
    def asked(self, act: AccountAct, account: str) -> Iterator[None]:
        """Record a change, let it be made, record what came of it.

        Whatever else ends it – the program is stopped – leaves it without an answer, which is in doubt, too.
        """
        change_id = str(new_id(self._clock, self._randomness))
        # What was typed for an account number may be anything; a card number is kept nowhere.
        body = {"act": act.value, "account": scrub_card_numbers(account.strip()), "by": self._by()}
        self._record(change_id, EntryKind.ACCOUNT_CHANGE_ASKED, body)
        try:
            yield
        except InDoubt:
            self._told(change_id, ChangeOutcome.IN_DOUBT)
            raise
        except Unavailable:
            self._told(change_id, ChangeOutcome.NOT_SENT)
            raise
        except Refused:
            self._told(change_id, ChangeOutcome.REFUSED)
            raise
        if not self._told(change_id, ChangeOutcome.DONE):
            raise InDoubt(
                "Invoice Cloud has made the change, but this till's journal did not take it: tell your "
                "administrator."
            )

    def seen(self, act: AccountAct, account: str) -> None:
        """Invoice Cloud shows that a change is in force: one that was in doubt is done."""
        for change in self._known().of(account, act):
            self._told(change.id, ChangeOutcome.DONE)

    def doubts(self, accounts: Iterable[str], standing: AccountStanding) -> tuple[AccountChange, ...]:
        """What was asked for of these accounts in the last days, and nobody knows what came of it.

        What their standing shows to be in force is left out.
        """
        since, in_force = utc_text(self._clock.now() - SHOWN_FOR), IN_FORCE[standing]
        found = (change for account in accounts for change in self._known().of(account))
        return tuple(change for change in found if change.at >= since and change.act not in in_force)

    def _known(self) -> DoubtFold:
        self._doubts.apply(self._journal.entries_of(ACCOUNT_KINDS, self._doubts.seq))
        return self._doubts

    def _told(self, change_id: str, outcome: ChangeOutcome) -> bool:
        """Record an answer; whether it was. Without it the change stands as in doubt, which is not wrong."""
        try:
            self._record(change_id, EntryKind.ACCOUNT_CHANGE_ANSWERED, {"outcome": outcome.value})
        except CashierError:
            return False
        return True

    def _record(self, change_id: str, kind: EntryKind, body: dict[str, str]) -> None:
        entry_id = str(new_id(self._clock, self._randomness))
        self._journal.record([Draft(entry_id, kind, change_id, body)])
