"""Prints of receipts: what was asked for, and what came of it, as the fold of its journal entries.

Each entry of a print (`PRINT_KINDS`) has the receipt's number as its subject. It also carries the list of
prints that are not over (`open`), so that a start needs the newest of these entries and no more.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from cashier.domain.entries import Entry, EntryKind, Json

PRINT_KINDS = (
    EntryKind.PRINT_ASKED,
    EntryKind.PRINT_STARTED,
    EntryKind.PRINTED,
    EntryKind.PRINT_FAILED,
    EntryKind.PRINT_UNKNOWN,
)


class PrintState(StrEnum):
    """Where a print stands."""

    WAITING = "waiting"  # not begun; it will be
    STARTED = "started"  # at the printer
    FAILED = "failed"  # certainly not printed; waits to be tried again
    UNKNOWN = "unknown"  # perhaps printed: a person looks
    PRINTED = "printed"
    PUT_AWAY = "put_away"  # nobody wants it any more

    @property
    def is_open(self) -> bool:
        """Whether something is still to be done."""
        return self not in (PrintState.PRINTED, PrintState.PUT_AWAY)


class PrintWhat(StrEnum):
    """What is printed of a receipt."""

    RECEIPT = "receipt"
    REFUND = "refund"
    ENDORSEMENT = "endorsement"
    MAIL = "mail"


@dataclass(frozen=True)
class Print:
    """One print. `copy` 0 is the original, n is DUPLICATE n; `of` is the refund's or the tender's id.

    `at` is UTC text; `to` is the address of one that goes by e-mail.
    """

    id: str
    receipt: str
    what: PrintWhat
    copy: int
    by: str
    at: str
    language: str
    of: str = ""
    to: str = ""
    state: PrintState = PrintState.WAITING
    reason: str = ""


#: What each entry makes of its print.
_AFTER: Mapping[EntryKind, PrintState] = {
    EntryKind.PRINT_ASKED: PrintState.WAITING,
    EntryKind.PRINT_STARTED: PrintState.STARTED,
    EntryKind.PRINTED: PrintState.PRINTED,
    EntryKind.PRINT_FAILED: PrintState.FAILED,
    EntryKind.PRINT_UNKNOWN: PrintState.UNKNOWN,
}


def print_to_json(item: Print) -> dict[str, Any]:
    """Members of a print."""
    return asdict(item)


def print_from_json(body: Json) -> Print:
    """The inverse of print_to_json."""
    known = {name: body[name] for name in Print.__dataclass_fields__}
    return Print(**known | {"what": PrintWhat(body["what"]), "state": PrintState(body["state"])})


def print_body(item: Print, after: Iterable[Print]) -> dict[str, Any]:
    """The body of an entry: the print as it is after it, and which of all prints are open after it."""
    return {**print_to_json(item), "open": [print_to_json(one) for one in after if one.state.is_open]}


def prints_of(entries: Iterable[Entry]) -> tuple[Print, ...]:
    """Every print of a receipt in the order in which they were asked for, as they stand."""
    found: dict[str, Print] = {}
    for entry in entries:
        if entry.kind in PRINT_KINDS:
            item = print_from_json(entry.body)
            found[item.id] = item
    return tuple(found.values())


def open_prints(newest: Iterable[Entry | None]) -> tuple[Print, ...]:
    """Prints that were open when the till ended, from the newest entry of each kind.

    One that was at the printer then is unknown now: nobody heard what came of it.
    """
    entries = [entry for entry in newest if entry is not None]
    if not entries:
        return ()
    last = max(entries, key=lambda entry: entry.seq)
    return tuple(_after_end(print_from_json(item)) for item in last.body["open"])


def _after_end(item: Print) -> Print:
    if item.state is not PrintState.STARTED:
        return item
    return replace(item, state=PrintState.UNKNOWN, reason=TILL_ENDED)


def next_copy(prints: Iterable[Print], what: PrintWhat, of: str) -> int:
    """The mark of the next print of the same: 0 until one was printed or may have been (behaviour R7)."""
    made = [item for item in prints if (item.what, item.of) == (what, of)]
    if what is PrintWhat.MAIL:
        return 0
    may_be = (PrintState.PRINTED, PrintState.UNKNOWN, PrintState.STARTED)
    if not any(item.state in may_be or item.reason == DOUBTED for item in made):
        return 0
    return max(item.copy for item in made) + 1


#: The reason of one of which nobody heard what came of it.
TILL_ENDED = "the till ended while it was printing"
#: The reason of a print that was put away because nobody could tell whether it had printed.
DOUBTED = "it was not certain whether it had printed"


def kind_of(state: PrintState) -> EntryKind:
    """The kind of entry that brings a print to a state."""
    if state is PrintState.PUT_AWAY:
        return EntryKind.PRINT_FAILED
    return next(kind for kind, after in _AFTER.items() if after is state)
