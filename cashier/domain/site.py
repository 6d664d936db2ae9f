"""Every counter of a site: what a report over all its tills is made of, and how far each one has come.

The hub knows what a till has sent, never what it has not. Only a closed business date says that nothing more
of it can come; of any other till a report says when it was heard last, and that it may have more.
"""

from dataclasses import dataclass

from cashier.domain.corrections import CORRECTION_KINDS
from cashier.domain.entries import EntryKind

#: What reports are made of. Nothing about people and PINs, and no sale before it is paid.
REPORT_KINDS = frozenset(CORRECTION_KINDS) | {
    EntryKind.PAYMENT_ISSUED,
    EntryKind.PAYMENT_HINTED,
    EntryKind.PAYMENT_TOLD,
    EntryKind.PAYMENT_VOUCHED,
    EntryKind.PAYMENT_RELEASED,
    EntryKind.POSTBACK_REPEATED,
    EntryKind.POSTBACK_UNMATCHED,
    EntryKind.DISCREPANCY_FOUND,
    EntryKind.MATTER_SEEN,
    EntryKind.COPY_REFUSED,
    EntryKind.RECEIPT_ISSUED,
    EntryKind.SHIFT_CLOSED,
    EntryKind.SHIFT_REOPENED,
    EntryKind.DAY_CLOSED,
}


@dataclass(frozen=True)
class TillCopy:
    """A till of the site, as the hub has its journal.

    `last_at` is when it last sent entries, UTC text, empty when it never did. `alarms` counts what it told
    that contradicts what it had told before. `is_revoked`: its key is good no more, such as a dead till's.
    """

    till: str
    entries: int
    last_at: str
    alarms: int
    is_revoked: bool


@dataclass(frozen=True)
class Source:
    """A till's part of a site's report. `heard_time` is the counter's local time of `last_at`.

    `is_complete`: the till has closed the last business date of the report, so that all of it is here.
    `altered` counts entries that the hub keeps without what may be a card number.
    """

    till: str
    entries: int
    last_at: str
    heard_time: str
    is_complete: bool
    altered: int = 0
    alarms: int = 0
    is_revoked: bool = False

    @property
    def told(self) -> str:
        """How far it can be relied on, in a line."""
        name = f"till {self.till}"
        if not self.last_at:
            text = f"{name}: the hub has nothing of it: UNSYNCED, nothing of it is in these figures"
        elif self.is_complete:
            text = f"{name}: its business date is closed and all here; last heard {self.heard_time}"
        else:
            text = (
                f"{name}: UNSYNCED, last heard {self.heard_time}; no close of the business date came yet, "
                "it may have more"
            )
        if self.is_revoked:
            text += "; its key is revoked"
        if self.altered:
            text += f"; {self.altered} of its entries are kept without what may be a card number"
        if self.alarms:
            text += f"; the hub holds {self.alarms} contradictions of its journal: call support"
        return text
