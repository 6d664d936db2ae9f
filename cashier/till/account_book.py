"""Every change of a customer's account goes through here: into the journal before it is asked, and after."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cashier.domain.account_changes import AccountAct, ChangeOutcome
from cashier.domain.accounts import account_key
from cashier.domain.entries import Draft, EntryKind
from cashier.domain.errors import CashierError, InDoubt, Refused, Unavailable
from cashier.domain.scrub import scrub_card_numbers
from cashier.till.identity import new_id
from cashier.till.ports import Clock, Journal, Randomness


class AccountBook:
    """Records changes. `by` says who is at the till."""

    def __init__(self, clock: Clock, randomness: Randomness, journal: Journal, by: Callable[[], str]) -> None:
        self._clock, self._randomness, self._journal, self._by = clock, randomness, journal, by
        #: Changes in doubt of this start of the till, which may be seen to be in force.
        self._unclear: dict[tuple[AccountAct, str], str] = {}

    @contextmanager
    def asked(self, act: AccountAct, account: str) -> Iterator[None]:
        """Record a change, let it be made, record what came of it.

        Whatever else ends it – the program is stopped – leaves it without an answer, which is in doubt, too.
        """
        change_id = str(new_id(self._clock, self._randomness))
        # What was typed for an account number may be anything; a card number is kept nowhere.
        body = {"act": act.value, "account": scrub_card_numbers(account.strip()), "by": self._by()}
        self._record(change_id, EntryKind.ACCOUNT_CHANGE_ASKED, body)
        self._unclear[act, account_key(account)] = change_id
        try:
            yield
        except InDoubt:
            self._told(change_id, ChangeOutcome.IN_DOUBT)
            raise
        except Unavailable:
            self._settle(act, account, ChangeOutcome.NOT_SENT)
            raise
        except Refused:
            self._settle(act, account, ChangeOutcome.REFUSED)
            raise
        if not self._settle(act, account, ChangeOutcome.DONE):
            raise InDoubt(
                "Invoice Cloud has made the change, but this till's journal did not take it: tell your "
                "administrator."
            )

    def seen(self, act: AccountAct, account: str) -> None:
        """Invoice Cloud shows that a change is in force: one that was in doubt is done."""
        if (act, account_key(account)) in self._unclear:
            self._settle(act, account, ChangeOutcome.DONE)

    def _settle(self, act: AccountAct, account: str, outcome: ChangeOutcome) -> bool:
        return self._told(self._unclear.pop((act, account_key(account))), outcome)

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
