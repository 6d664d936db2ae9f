"""Whether the journal still says what was recorded, and what follows when it does not (behaviour A1).

A broken chain is never repaired here. Facts are still recorded behind it – money that moved must be known –
but no new payment is taken until a supervisor has acknowledged the break.
"""

from collections.abc import Callable

from cashier.domain.entries import Break, Draft, EntryKind
from cashier.domain.errors import Refused
from cashier.domain.people import Permission
from cashier.till.approval import checked_reason
from cashier.till.identity import new_id
from cashier.till.people import People
from cashier.till.ports import Clock, Journal, Randomness


class Integrity:
    """What verification found at the start."""

    def __init__(
        self,
        clock: Clock,
        randomness: Randomness,
        journal: Journal,
        people: People,
        changed: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._randomness = randomness
        self._journal = journal
        self._people = people
        self._changed = changed
        self._broken: Break | None = None
        #: What the hub's copy contradicts: no file shows that.
        self._fork: Break | None = None

    @property
    def broken(self) -> Break | None:
        """The first bad entry that no supervisor has acknowledged, or None."""
        return self._broken

    @property
    def refusal(self) -> str:
        """Why no payment is taken now, or empty."""
        if self._broken is None:
            return ""
        return (
            f"The journal does not hold at entry {self._broken.seq}: {self._broken.reason}. No payment is "
            "taken until a supervisor has acknowledged it."
        )

    def require(self) -> None:
        """Refuse what moves money behind a break that nobody has acknowledged."""
        if self.refusal:
            raise Refused(self.refusal)

    def verified(self, broken: Break | None) -> None:
        """What verification found. A break that was acknowledged before stands no more in the way."""
        broken = broken or self._fork
        known = self._journal.last_of(EntryKind.BREAK_ACKNOWLEDGED)
        if broken and known and (known.body["seq"], known.body["reason"]) == (broken.seq, broken.reason):
            broken = None
        self._broken = broken
        self._changed()

    def forked(self, fork: Break) -> None:
        """The hub's copy of this journal says something else from an entry on: it was cut or begun anew."""
        self._fork = fork
        if self._broken is None:
            self.verified(None)

    async def acknowledge(self, *, note: str, supervisor: str, pin: str) -> None:
        """Go on behind the break, on a supervisor's word. Raises Refused."""
        broken = self._broken
        if broken is None:
            raise Refused("The journal holds; there is nothing to acknowledge.")
        note = checked_reason(note, "note")
        what = f"break at entry {broken.seq}"
        approver = await self._people.approve(supervisor, pin, Permission.APPROVE_BREAK, what)
        body = {"seq": broken.seq, "reason": broken.reason, "by": approver.name, "note": note}
        entry_id = str(new_id(self._clock, self._randomness))
        draft = Draft(entry_id, EntryKind.BREAK_ACKNOWLEDGED, "journal", body)
        self._journal.record([draft])
        self._broken = None
        self._changed()
