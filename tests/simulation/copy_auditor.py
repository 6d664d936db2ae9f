"""The auditor of the second copies: what the hub has of the journals, and what portals hear of drawers."""

import json
from typing import TYPE_CHECKING

from cashier.domain.entries import Entry, EntryKind
from cashier.domain.outbox import Owed

if TYPE_CHECKING:
    from tests.simulation.world import World


class CopyAuditor:
    """Watches one world, as a part of its auditor."""

    def __init__(self, world: "World") -> None:
        self._world = world
        #: By till, of its receipts at the drawer: numbers of entry and receipt, and cents; by entry id.
        self._owed: dict[str, dict[str, tuple[int, str, int]]] = {}

    def _must(self, holds: bool, sentence: str) -> None:
        if not holds:
            raise self._world.failure(sentence)

    def is_owed(self, code: str, entry: Entry) -> None:
        """A receipt was issued at a till's drawer: a portal is to hear of it."""
        number, cents = entry.body["number"], entry.body["paid_cents"]
        self._must(cents > 0, f"till {code}: receipt {number} of nothing")
        self._owed.setdefault(code, {})[entry.id] = (entry.seq, number, cents)

    def marked(self, code: str, what: Owed, seq: int) -> None:
        """A till notes that the hub has what it owed up to an entry: by then the hub must have it."""
        hub = self._world.hub.copies
        if what is Owed.ENTRIES:
            kept = hub.kept(code).seq
            self._must(seq <= kept, f"till {code} takes {seq} entries to be at the hub, which has {kept}")
            return
        told = hub.told()
        for own, (at, number, _) in self._owed.get(code, {}).items():
            self._must(
                at > seq or own in told, f"till {code} takes the portal to know of {number}, and it does not"
            )

    def audit(self) -> None:
        """The hub has each entry as it stands, in its place, once; portals hear of each receipt once."""
        hub = self._world.hub.copies
        self._must(not hub.alarms, f"the hub's copies: {', '.join(hub.alarms[:3])}")
        for station in self._world.stations:
            own = [(row.seq, row.id, row.hash) for row in station.store.rows_after(0, 10**9)]
            kept = [(row.seq, row.id, row.hash) for row in hub.rows(station.code)]
            self._must(own == kept, f"the hub has {len(kept)} of {len(own)} entries of till {station.code}")
            process = station.process
            owed = process.till.outbox.view().to_send if process else 0
            self._must(owed == 0, f"till {station.code} still owes {owed}")
            refused = next(station.store.entries_of([EntryKind.COPY_REFUSED]), None)
            self._must(refused is None, f"till {station.code}: the hub refused {refused and refused.body}")
        wanted = {
            own: (number, cents)
            for receipts in self._owed.values()
            for own, (_, number, cents) in receipts.items()
        }
        told = {own: _told_of(body) for own, body in hub.told().items()}
        self._must(
            told == wanted,
            f"portals hear of {len(told)} receipts at the drawer, of {len(wanted)}: "
            f"{sorted(set(told.items()) ^ set(wanted.items()))[:3]}",
        )


def _told_of(body: bytes) -> tuple[str, int]:
    """The receipt that a notice is about, and its amount in cents."""
    data = json.loads(body)["data"]
    return data["receipt"], data["amount_cents"]
