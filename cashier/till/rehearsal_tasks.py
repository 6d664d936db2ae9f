"""What came of a task on the page of accounts, by the journal alone."""

from collections.abc import Iterable

from cashier.domain.account_changes import AccountAct, AccountChange, fold_changes
from cashier.domain.accounts import account_key
from cashier.domain.entries import Entry
from cashier.till.rehearsal_cases import Task
from cashier.till.trainees import VISITOR


def judge_task(task: Task, entries: Iterable[Entry]) -> tuple[bool, str] | None:
    """Whether the clerk did right, and why; None while it is not done.

    `entries` are those since it was begun. What was refused, not sent or is in doubt is not done: the clerk
    goes on.
    """
    done = [change for change in fold_changes(entries) if change.is_done]
    match task:
        case Task.REGISTER:
            return _judge_register(done)
        case Task.LINK:
            return _judge_link(done)


def _judge_register(done: list[AccountChange]) -> tuple[bool, str] | None:
    found = next((one for one in done if one.act is AccountAct.REGISTERED), None)
    if found is None:
        return None
    if not _is_visitors(found):
        text = (
            f"You registered account {found.account}; the customer came with {VISITOR.account}. Look the "
            "account up first, and compare it with what the customer brought."
        )
        return False, text
    return True, (
        "Registered once, the account that the customer brought. Of the customer the journal has its number "
        "and no more."
    )


def _judge_link(done: list[AccountChange]) -> tuple[bool, str] | None:
    acts = (AccountAct.LINKED, AccountAct.UNREGISTERED)
    found = next((one for one in done if one.act in acts), None)
    if found is None:
        return None
    if found.act is AccountAct.UNREGISTERED:
        text = (
            f"You unregistered account {found.account}: its registration is gone, and every link to it. The "
            "customer wanted one linked."
        )
        return False, text
    if not _is_visitors(found):
        text = f"You linked account {found.account}; the customer wanted {VISITOR.account}."
        return False, text
    return True, "Linked, the account that the customer wanted. Both are theirs now."


def _is_visitors(change: AccountChange) -> bool:
    return account_key(change.account) == account_key(VISITOR.account)
