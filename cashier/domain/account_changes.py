"""Changes of customers' accounts, as the journal has them: who asked for what, and what came of it.

They move no money. An entry names the account and nothing else of the customer: no address, no password, no
token. What was asked and never answered – the till ended, the line broke – may have been done.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from cashier.domain.accounts import AccountStanding, account_key
from cashier.domain.entries import Entry, EntryKind

ACCOUNT_KINDS = frozenset({EntryKind.ACCOUNT_CHANGE_ASKED, EntryKind.ACCOUNT_CHANGE_ANSWERED})


class AccountAct(StrEnum):
    """What is done to an account. Persisted by value."""

    RECORD_MADE = "record_made"
    REGISTERED = "registered"
    LINKED = "linked"
    UNREGISTERED = "unregistered"  # and every link to it with it
    EMAIL_CHANGED = "email_changed"
    PASSWORD_SET = "password_set"  # a new one, or the same to keep it in step with a changed address


#: What the standing of an account shows to be in force, whoever brought it about.
IN_FORCE: Mapping[AccountStanding, frozenset[AccountAct]] = {
    AccountStanding.REGISTERED: frozenset({AccountAct.RECORD_MADE, AccountAct.REGISTERED}),
    AccountStanding.UNREGISTERED: frozenset({AccountAct.RECORD_MADE, AccountAct.UNREGISTERED}),
    AccountStanding.MISSING: frozenset({AccountAct.UNREGISTERED}),
    AccountStanding.NO_USER: frozenset(),
}


class ChangeOutcome(StrEnum):
    """What came of a change. Persisted by value."""

    DONE = "done"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    IN_DOUBT = "in_doubt"


@dataclass(frozen=True)
class AccountChange:
    """One change. `at` is UTC text of when `by` asked for it; `answered_seq` is 0 while nobody answered."""

    id: str
    act: AccountAct
    account: str
    by: str
    at: str
    outcome: ChangeOutcome = ChangeOutcome.IN_DOUBT
    answered_seq: int = 0

    @property
    def is_done(self) -> bool:
        """Whether it is certain that it was made."""
        return self.outcome is ChangeOutcome.DONE


def fold_changes(entries: Iterable[Entry]) -> tuple[AccountChange, ...]:
    """Every change in the order it was asked for; entries of other kinds are passed over.

    What was seen later counts: a change in doubt that is found to be in force is done.
    """
    found: dict[str, AccountChange] = {}
    for entry in entries:
        _apply(entry, found)
    return tuple(found.values())


class DoubtFold:
    """The changes of which nobody knows what came of them, entry by entry. `seq` is the last one taken in."""

    def __init__(self) -> None:
        self.seq = 0
        self._open: dict[str, AccountChange] = {}

    def apply(self, entries: Iterable[Entry]) -> None:
        """Take in the entries that follow; those of other kinds are passed over."""
        for entry in entries:
            self.seq = entry.seq
            change = _apply(entry, self._open)
            if change is None or change.outcome is ChangeOutcome.IN_DOUBT:
                continue
            del self._open[change.id]
            if change.is_done:  # asked for again, and made: what came of the time before is of no matter
                for other in self.of(change.account, change.act):
                    del self._open[other.id]

    def of(self, account: str, act: AccountAct | None = None) -> tuple[AccountChange, ...]:
        """Those of an account, in the order they were asked for; of one act only, where it is named."""
        key = account_key(account)
        return tuple(
            one for one in self._open.values() if account_key(one.account) == key and act in (None, one.act)
        )


def _apply(entry: Entry, found: dict[str, AccountChange]) -> AccountChange | None:
    """The change that an entry is about, as it is after it; None where it is about none of them."""
    body = entry.body
    if entry.kind is EntryKind.ACCOUNT_CHANGE_ASKED:
        act = AccountAct(body["act"])
        found[entry.subject] = AccountChange(entry.subject, act, body["account"], body["by"], entry.at)
    elif entry.kind is EntryKind.ACCOUNT_CHANGE_ANSWERED and entry.subject in found:
        found[entry.subject] = replace(
            found[entry.subject], outcome=ChangeOutcome(body["outcome"]), answered_seq=entry.seq
        )
    else:
        return None
    return found[entry.subject]
