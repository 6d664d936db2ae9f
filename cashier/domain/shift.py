"""A shift: one clerk's session on the till and its drawer, as the fold of the entries since it was opened.

What must lie in the drawer is nobody's to type: it follows from what was taken, given back, paid in and out
and dropped. A count is compared with it and never replaces it (behaviours T1 to T6, T9).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from cashier.domain.entries import Entry, EntryKind, Json
from cashier.domain.errors import Discrepancy, Refused
from cashier.domain.money import AMOUNT_MAX_CENTS, Cents
from cashier.domain.receipt import IN_DRAWER, TenderKind

#: Bills and coins of the United States, in cents, largest first.
DENOMINATIONS = (10_000, 5_000, 2_000, 1_000, 500, 200, 100, 50, 25, 10, 5, 1)
#: Pieces of one denomination, checks or money orders that a count may have.
PIECES_MAX = 100_000
#: Counts that differ before the supervisor is asked: the first one, and one recount.
COUNTS_BEFORE_APPROVAL = 2


class ShiftState(StrEnum):
    """Where a shift stands."""

    OPEN = "open"
    SUSPENDED = "suspended"  # its clerk is away, and nobody takes money
    COUNTED = "counted"  # the count differs: a recount, or a supervisor's word, is due
    BALANCED = "balanced"  # counted; what it is over or short is accepted
    REJECTED = "rejected"  # a supervisor did not accept the count
    CLOSED = "closed"
    REOPENED = "reopened"  # a closed one, by a supervisor, under the next revision

    @property
    def takes_money(self) -> bool:
        """Whether money may be taken."""
        return self in (ShiftState.OPEN, ShiftState.REOPENED)

    @property
    def is_counting(self) -> bool:
        """Whether the drawer has been counted, and must lie as it was."""
        return self in (ShiftState.COUNTED, ShiftState.BALANCED, ShiftState.REJECTED)


class Outcome(StrEnum):
    """What a count comes to. Persisted by name."""

    BALANCED = "balanced"
    RECOUNT = "recount"
    APPROVAL = "approval"


_S, _E = ShiftState, EntryKind
_COUNTABLE = (_S.OPEN, _S.REOPENED, _S.SUSPENDED, _S.COUNTED, _S.BALANCED, _S.REJECTED)
#: The one table of what may happen to a shift: from which states an entry leads, and where to. None is back
#: to work: OPEN, or REOPENED for a later revision.
MOVES: Mapping[EntryKind, tuple[tuple[ShiftState, ...], ShiftState | None]] = {
    _E.SHIFT_SUSPENDED: ((_S.OPEN, _S.REOPENED), _S.SUSPENDED),
    _E.SHIFT_RESUMED: ((_S.SUSPENDED, _S.COUNTED, _S.BALANCED, _S.REJECTED), None),
    _E.SHIFT_COUNTED: (_COUNTABLE, _S.COUNTED),
    _E.SHIFT_BALANCED: ((_S.COUNTED,), _S.BALANCED),
    _E.SHIFT_REJECTED: ((_S.COUNTED, _S.BALANCED), _S.REJECTED),
    _E.SHIFT_CLOSED: ((_S.BALANCED,), _S.CLOSED),
    _E.SHIFT_REOPENED: ((_S.CLOSED,), None),
}
#: Entries that change what must lie in the drawer, beside those that move the shift.
_MONEY = frozenset(
    {
        _E.TENDER_TAKEN,
        _E.TENDER_RETURNED,
        _E.RECEIPT_ISSUED,
        _E.RECEIPT_VOIDED,
        _E.REFUND_MADE,
        _E.CASH_PAID_IN,
        _E.CASH_PAID_OUT,
        _E.CASH_DROPPED,
    }
)
#: Every kind that a shift is folded from.
SHIFT_KINDS = frozenset({_E.SHIFT_OPENED, *MOVES, *_MONEY})


@dataclass(frozen=True)
class Pile:
    """Tenders of one kind: how many, and how much. Of cash only the amount counts."""

    count: int = 0
    amount_cents: int = 0

    def plus(self, amount_cents: int, count: int = 1) -> "Pile":
        """With so much more; negative for less."""
        return Pile(self.count + count, self.amount_cents + amount_cents)


Piles = Mapping[TenderKind, Pile]
EMPTY: Piles = dict.fromkeys(IN_DRAWER, Pile())


@dataclass(frozen=True)
class Count:
    """What a person counted. `pieces` of cash by denomination in cents; None is blank, and blank is not zero.

    `others` are the checks and money orders.
    """

    pieces: Mapping[int, int | None]
    others: Mapping[TenderKind, Pile | None]

    def piles(self) -> Piles:
        """What it comes to. Raises Refused, naming what is blank or cannot be."""
        blank = [_denomination(cents) for cents, count in self.pieces.items() if count is None]
        if blank:
            raise Refused(f"Count {', '.join(blank)}, too. Write 0 where there is none: blank is not zero.")
        if not self.pieces or any(not 0 <= count <= PIECES_MAX for count in self.pieces.values() if count):
            raise Refused("A number of bills or coins cannot be right.")
        found = {TenderKind.CASH: Pile(0, sum(cents * (count or 0) for cents, count in self.pieces.items()))}
        for kind in IN_DRAWER[1:]:
            name = f"{kind.value.replace('_', ' ')}s"
            pile = self.others.get(kind)
            if pile is None:
                raise Refused(f"Count the {name}, too: how many, and their sum. Write 0 where there is none.")
            if not 0 <= pile.count <= PIECES_MAX or not 0 <= pile.amount_cents <= AMOUNT_MAX_CENTS:
                raise Refused(f"The number or the sum of the {name} cannot be right.")
            if (pile.count == 0) != (pile.amount_cents == 0):
                raise Refused(f"The number and the sum of the {name} do not go together.")
            found[kind] = pile
        return found


def _denomination(cents: int) -> str:
    return f"{cents // 100}.00" if cents >= 100 else f"0.{cents:02d}"


@dataclass(frozen=True)
class CountMade:
    """A count as it was recorded: by whom, what it comes to, and what was expected at that moment."""

    id: str
    at: str
    by: str
    by_id: str
    counted: Piles
    expected: Piles
    outcome: Outcome
    pieces: Mapping[int, int] = field(default_factory=dict)

    @property
    def over_cents(self) -> Mapping[TenderKind, int]:
        """Over (positive) or short (negative), by tender."""
        return {
            kind: self.counted[kind].amount_cents - self.expected[kind].amount_cents for kind in IN_DRAWER
        }

    @property
    def net_over_cents(self) -> int:
        """Over or short in all."""
        return sum(self.over_cents.values())


def differs(counted: Piles, expected: Piles) -> bool:
    """Whether a count is not what is expected: an amount of any tender, or a number of papers."""
    return any(
        counted[kind].amount_cents != expected[kind].amount_cents
        or (kind is not TenderKind.CASH and counted[kind].count != expected[kind].count)
        for kind in IN_DRAWER
    )


def off_cents(counted: Piles, expected: Piles) -> Cents:
    """How far a count is off: the sum over the tenders, so that one over hides no other short."""
    return Cents(sum(abs(counted[kind].amount_cents - expected[kind].amount_cents) for kind in IN_DRAWER))


def outcome_of(counted: Piles, expected: Piles, earlier: int, limit_cents: int, revision: int) -> Outcome:
    """What a count comes to after `earlier` counts of the same close.

    A difference is counted once more; up to `limit_cents` it is then accepted, above it a supervisor decides,
    and about every count of a shift that was opened again.
    """
    if not differs(counted, expected):
        return Outcome.BALANCED if revision == 1 else Outcome.APPROVAL
    if earlier + 1 < COUNTS_BEFORE_APPROVAL:
        return Outcome.RECOUNT
    if revision == 1 and off_cents(counted, expected) <= limit_cents:
        return Outcome.BALANCED
    return Outcome.APPROVAL


@dataclass(frozen=True)
class CashMove:
    """Cash paid in, paid out or dropped. `approver` is the second person of a drop."""

    kind: EntryKind
    at: str
    amount_cents: Cents
    reason: str
    by: str
    approver: str = ""


@dataclass(frozen=True)
class Shift:
    """One shift. `drawer` is what must lie in the drawer now.

    `counts` are those of the close under way, or of the last one. `approver` accepted the count, or is empty.
    """

    id: str
    number: int
    business_date: str
    clerk: str
    clerk_id: str
    opened_at: str
    float_cents: Cents
    drawer: Piles
    state: ShiftState = ShiftState.OPEN
    revision: int = 1
    moves: tuple[CashMove, ...] = ()
    counts: tuple[CountMade, ...] = ()
    approver: str = ""

    @property
    def count(self) -> CountMade | None:
        """The count that stands."""
        return self.counts[-1] if self.counts else None

    def moved_cents(self, kind: EntryKind) -> Cents:
        """How much was paid in, paid out or dropped."""
        return Cents(sum(move.amount_cents for move in self.moves if move.kind is kind))


class ShiftFold:
    """Takes entries one by one; `shift` is the newest shift, None before the first.

    `receipts` are the numbers of those issued while it was not closed, `at` is the latest time of an entry,
    which a clock that was set back comes after. Entries before the first shift are none of its business.
    Raises Discrepancy where an entry does not follow.
    """

    def __init__(self) -> None:
        self.shift: Shift | None = None
        self.seq = 0
        self.at = ""
        self.receipts: set[str] = set()
        self._in_receipt: dict[str, list[tuple[TenderKind, int]]] = {}

    def apply(self, entries: Iterable[Entry]) -> None:
        """Take further entries, in order."""
        for entry in entries:
            self.seq, self.at = entry.seq, max(self.at, entry.at)
            if entry.kind is EntryKind.SHIFT_OPENED:
                self._open(entry)
            elif self.shift is not None and entry.kind in MOVES:
                self.shift = self._moved(self.shift, entry)
            elif self.shift is not None and entry.kind in _MONEY:
                self._money(self.shift, entry)

    def _open(self, entry: Entry) -> None:
        if self.shift is not None and self.shift.state is not ShiftState.CLOSED:
            raise Discrepancy(f"Entry {entry.seq} opens a shift while shift {self.shift.number} is open.")
        body = entry.body
        piles = dict(EMPTY) | {TenderKind.CASH: Pile(0, body["float_cents"])}
        for item in body["held"]:
            kind = TenderKind(item["kind"])
            piles[kind] = piles[kind].plus(item["amount_cents"], kind is not TenderKind.CASH)
        self.receipts, self._in_receipt = set(), {}
        self.shift = Shift(
            entry.subject,
            body["number"],
            body["business_date"],
            body["by"],
            body["by_id"],
            entry.at,
            Cents(body["float_cents"]),
            piles,
        )

    def _moved(self, shift: Shift, entry: Entry) -> Shift:
        sources, target = MOVES[entry.kind]
        if entry.subject != shift.id or shift.state not in sources:
            raise Discrepancy(
                f"Entry {entry.seq} ({entry.kind}) does not follow: shift {shift.number} is {shift.state}."
            )
        body = entry.body
        revision = body["revision"] if entry.kind is EntryKind.SHIFT_REOPENED else shift.revision
        back = ShiftState.OPEN if revision == 1 else ShiftState.REOPENED
        shift = replace(shift, state=target or back, revision=revision)
        match entry.kind:
            case EntryKind.SHIFT_COUNTED:
                return replace(shift, counts=(*shift.counts, count_made(entry)), approver="")
            case EntryKind.SHIFT_BALANCED:
                return replace(shift, approver=body["approver"])
            case EntryKind.SHIFT_RESUMED | EntryKind.SHIFT_REJECTED | EntryKind.SHIFT_REOPENED:
                return replace(shift, counts=(), approver="")
        return shift

    def _money(self, shift: Shift, entry: Entry) -> None:
        body = entry.body
        match entry.kind:
            case EntryKind.TENDER_TAKEN:
                self._change(entry, body["tender"]["kind"], body["tender"]["amount_cents"])
            case EntryKind.TENDER_RETURNED:
                self._change(entry, body["kind"], -body["amount_cents"])
            case EntryKind.RECEIPT_ISSUED:
                if shift.state is not ShiftState.CLOSED:
                    self.receipts.add(body["number"])
                self._in_receipt[body["number"]] = [
                    (TenderKind(item["kind"]), item["amount_cents"])
                    for item in body["tenders"]
                    if TenderKind(item["kind"]) in IN_DRAWER
                ]
            case EntryKind.RECEIPT_VOIDED:
                for kind, cents in self._in_receipt.get(body["receipt"], ()):
                    self._change(entry, kind, -cents)
            case EntryKind.REFUND_MADE:
                if body["kind"] == TenderKind.CASH and body["is_done"]:
                    self._change(entry, TenderKind.CASH, -body["amount_cents"] - body["service_fee_cents"])
            case _:
                self._cash(shift, entry)

    def _cash(self, shift: Shift, entry: Entry) -> None:
        body = entry.body
        cents = body["amount_cents"]
        self._change(entry, TenderKind.CASH, cents if entry.kind is EntryKind.CASH_PAID_IN else -cents)
        move = CashMove(
            entry.kind, entry.at, Cents(cents), body["reason"], body["by"], body.get("approver", "")
        )
        assert self.shift is not None, "as before the change"
        self.shift = replace(self.shift, moves=(*self.shift.moves, move))

    def _change(self, entry: Entry, kind: str, cents: int) -> None:
        assert self.shift is not None, "entries before the first shift are not taken"
        if self.shift.state is ShiftState.CLOSED:
            raise Discrepancy(f"Entry {entry.seq} ({entry.kind}) moves money of a drawer that is closed.")
        found = TenderKind(kind)
        papers = 0 if found is TenderKind.CASH else 1 if cents > 0 else -1
        pile = self.shift.drawer[found].plus(cents, papers)
        self.shift = replace(self.shift, drawer={**self.shift.drawer, found: pile})


def piles_to_json(piles: Piles) -> dict[str, Any]:
    """Members of piles, for entries."""
    return {
        kind.value: {"count": piles[kind].count, "amount_cents": piles[kind].amount_cents}
        for kind in IN_DRAWER
    }


def piles_from_json(body: Json) -> Piles:
    """The inverse of piles_to_json."""
    return {kind: Pile(body[kind.value]["count"], body[kind.value]["amount_cents"]) for kind in IN_DRAWER}


def count_made(entry: Entry) -> CountMade:
    """The count that a SHIFT_COUNTED entry records."""
    body = entry.body
    return CountMade(
        entry.id,
        entry.at,
        body["by"],
        body["by_id"],
        piles_from_json(body["counted"]),
        piles_from_json(body["expected"]),
        Outcome(body["outcome"]),
        {int(cents): count for cents, count in body["pieces"].items()},
    )
