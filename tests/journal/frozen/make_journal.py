"""Writes the frozen journal of the current schema: `python -m tests.journal.frozen.make_journal FILE`.

Run once for each new schema version, under a new name. A file of an earlier version is never made again:
it stands for the journals that tills out there have.
"""

import sys
from contextlib import closing
from pathlib import Path

from cashier.domain.entries import EntryKind
from cashier.domain.outbox import Anchor, Owed
from cashier.domain.payment import PaymentEvent
from cashier.journal.sqlite import sqlite3
from cashier.journal.store import SqliteJournal
from tests.fakes.entries import Drafts, FixedClock, confirmation, make_sale


def write(file: Path) -> None:
    """One paid sale, one declined and retried, one in doubt and seen to, a postback of nobody, the close."""
    events, drafts = PaymentEvent, Drafts("frozen")
    with SqliteJournal(file, till="A", clock=FixedClock(), holder="the maker") as journal:
        journal.record(drafts.paid_sale("s1"))
        journal.record([drafts.sale("s2", make_sale("Sam Sample", "BLD-26-000113", "700002"))])
        journal.record([drafts.issued("p2", "s2"), drafts.hinted("p2", events.PAGE_OPENING)])
        journal.record([drafts.told("p2", events.CARD_DECLINED, "insufficient funds")])
        journal.record([drafts.hinted("p2", events.PAGE_SUBMITTED)])
        journal.record(
            [
                drafts.told("p2", events.CONFIRMED_PAID, "ok", confirmation("700002")),
                drafts.receipt("s2", make_sale("Sam Sample", "BLD-26-000113", "700002")),
            ]
        )
        journal.record([drafts.sale("s3"), drafts.issued("p3", "s3")])
        journal.record([drafts.hinted("p3", events.PAGE_OPENING), drafts.hinted("p3", events.RENDERER_DIED)])
        found = drafts.draft(EntryKind.DISCREPANCY_FOUND, "p3", {"reason": "another amount"})
        journal.record([found])
        journal.record([drafts.draft(EntryKind.POSTBACK_UNMATCHED, "A-nobody", {"reason": "unknown"})])
        seen = {"matter": found.id, "by": "Robin Supervisor", "note": "asked the gateway"}
        journal.record([drafts.draft(EntryKind.MATTER_SEEN, "p3", seen)])
        selected = {"reader": "lane", "bindings": {"lane": "0acd:0630:SIM-1"}}
        journal.record([drafts.draft(EntryKind.READER_SELECTED, "readers", selected)])
        person, by = {"person": "p-kim"}, {"by": "p-kim"}
        added = drafts.draft(
            EntryKind.PERSON_ADDED, "people", person | by | {"name": "Kim Clerk", "role": "administrator"}
        )
        journal.record_pin([added, drafts.draft(EntryKind.PIN_SET, "people", person | by)], "p-kim", "hash")
        closed = {"business_date": "2026-02-03", "receipts": ["A-000001", "A-000002"]}
        journal.record([drafts.draft(EntryKind.DAY_CLOSED, "2026-02-03", closed)])
        (last,) = journal.rows_after(24, 1)
        journal.mark_sent(Owed.ENTRIES, last.seq, [Anchor(last.seq, last.hash, last.at, "5" * 64)])
    with closing(sqlite3.connect(file)) as connection:
        # The migration's own time stamp is the only thing in it that the maker's clock does not give.
        connection.execute("UPDATE _sqlite_migrations SET applied_at = '2026-02-03 15:04:05+00:00'")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file.with_name(file.name + ".lock").unlink()


if __name__ == "__main__":
    write(Path(sys.argv[1]))
