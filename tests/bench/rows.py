"""Entries for measurements: many, made quickly, and rows of a chain that holds."""

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from cashier.domain.entries import GENESIS, EntryKind, StoredRow, canonical, entry_hash
from cashier.domain.records import receipt_to_json
from cashier.journal.rows import COLUMNS
from cashier.journal.sqlite import sqlite3
from cashier.journal.store import SqliteJournal
from tests.fakes.clock import MovingClock
from tests.fakes.entries import make_receipt, make_sale

NAMES = ("Robin Example", "Sam Sample", "Kim Specimen", "Alex Muster", "Jo Instance", "Lee Model")
AT_ONCE = 20_000
_VARYING = ("@payer", "@permit", "@invoice", "@sale", "@number", "@date")


def values(till: str, number: int, count: int, days: int) -> tuple[str, ...]:
    """What varies in the receipts, in the order of _VARYING."""
    day = 1 + number * days // (count + 1)
    return (
        f"{NAMES[number % len(NAMES)]} {number % 9_973}",
        f"CSGN-26-{number:06d}",
        f"{700_000 + number}",
        f"s{number}",
        f"{till}-{number:06d}",
        f"2026-{1 + (day - 1) // 31:02d}-{1 + (day - 1) % 28:02d}",
    )


def chain(till: str, count: int, days: int = 364) -> Iterator[StoredRow]:
    """Receipts of so many days, as a journal has them one after the other: rows of a chain that holds."""
    payer, permit, invoice, sale, receipt, date = _VARYING
    template = receipt_to_json(make_receipt(sale, make_sale(payer, permit, invoice), till))
    text = canonical(template | {"number": receipt, "business_date": date})
    previous = GENESIS
    for number in range(1, count + 1):
        body = text
        for name, value in zip(_VARYING, values(till, number, count, days), strict=True):
            body = body.replace(name, value)
        row = StoredRow(
            seq=number,
            id=f"0190c4d2-a7b8-7c3e-9f00-{number:012x}",
            kind=EntryKind.RECEIPT_ISSUED.value,
            at="2026-02-03T15:04:05.123Z",
            till=till,
            subject=f"s{number}",
            body_text=body,
            previous=previous,
            hash="",
        )
        members = {name: getattr(row, name) for name in StoredRow.__dataclass_fields__ if name != "hash"}
        previous = entry_hash(**members)
        yield StoredRow(**members, hash=previous)


def write_journal(file: Path, till: str, count: int, days: int = 364) -> None:
    """A journal of so many receipts, written past the code that records them, which takes its time."""
    SqliteJournal(file, till=till, clock=MovingClock(), holder="a bench").close()
    rows = chain(till, count, days)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        while some := list(islice(rows, AT_ONCE)):
            connection.executemany(
                f"INSERT INTO entry ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [tuple(vars(row).values()) for row in some],
            )
            receipts, words = [], []
            for row in some:
                payer, permit, invoice, sale, number, date = values(till, row.seq, count, days)
                ids = (sale, f"payment-of-{sale}", f"{till}-{sale}")
                rest = (row.at, date, "Kim Clerk", payer, permit, 22_418, 561)
                receipts.append((row.seq, till, row.seq, number, *ids, *rest))
                facts = f"d{date.replace('-', '')} n{row.seq} a22418 a22979"
                words.append((row.seq, number, payer, permit, invoice, facts))
            connection.executemany(f"INSERT INTO receipt VALUES ({', '.join('?' * 14)})", receipts)
            connection.executemany(
                "INSERT INTO receipt_text (rowid, number, payer, permit, invoices, facts)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                words,
            )
            connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
