"""Entries of several tills as one Daybook: what a till's own journal says, and all of them together."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cashier.domain.daily import Scope
from cashier.domain.entries import EntryKind
from cashier.domain.errors import Discrepancy
from cashier.domain.money import Cents
from cashier.domain.receipt import TenderKind
from cashier.journal.adopt import ADOPTED_AT_ONCE
from cashier.journal.daybook import open_daybook
from cashier.journal.site_daybook import SiteDaybook
from cashier.journal.store import SqliteJournal
from cashier.till.reporting import Counter, reported
from tests.helpers.daily import DAY
from tests.helpers.site import SITE_DAY, SiteTill, two_tills

NOW = dt.datetime(2026, 2, 3, 20, 0, tzinfo=dt.UTC)
COUNTER = Counter("Town of Sampleton", "", "Kim Clerk", {})
WHOLE = Scope(DAY, DAY)


@pytest.fixture
def book() -> Iterator[SiteDaybook]:
    with SiteDaybook() as made:
        yield made


@pytest.mark.parametrize("place", [0, 1])
def test_of_one_till_it_says_what_the_tills_own_journal_says(
    place: int, book: SiteDaybook, tmp_path: Path
) -> None:
    till = two_tills()[place]
    file = tmp_path / "journal.db"
    with SqliteJournal(file, till=till.till, clock=till.clock, holder="a test") as journal:
        assert len(till.rows) <= ADOPTED_AT_ONCE
        journal.adopt(till.rows)
    for row in till.rows:
        book.add(till.till, [row])
    with open_daybook(file) as own:
        for counter in (COUNTER, replace(COUNTER, till=till.till)):
            assert reported(book, counter, WHOLE, NOW) == reported(own, counter, WHOLE, NOW)
        assert [entry.id for entry in own.open_matters()] == [entry.id for entry in book.open_matters()]
    assert reported(book, COUNTER, WHOLE, NOW).instruments, "the day is not empty"


def test_every_tills_receipts_of_the_day_are_in_one_report(book: SiteDaybook) -> None:
    for till in two_tills():
        book.add(till.till, till.rows)
    report = reported(book, COUNTER, WHOLE, NOW)
    assert [(item.receipt, item.amount_cents) for item in report.of_kind(TenderKind.CASH)] == [
        ("A-000001", 8_418),
        ("A-000003", 4_000),
        ("B-000001", 1_000),
    ]
    assert [(one.first, one.last, one.voided, one.gaps) for one in report.numbers] == [
        ("A-000001", "A-000003", (), ()),
        ("B-000001", "B-000002", ("B-000002",), ()),
    ]
    assert report.figures.net_cents == 4_000 + 8_418 + 22_418 + 4_000 + 1_000
    assert [(row.till, row.deposit_cents[TenderKind.CASH]) for row in report.shifts] == [
        ("A", 12_418),
        ("B", 1_000),
    ]
    assert [(item.reference, item.state) for item in report.carried] == [("A-B-p1", "ISSUED")]
    assert len(report.matters) == 1


def test_receipts_come_in_the_order_they_were_issued_whichever_till_did(book: SiteDaybook) -> None:
    a, b = SiteTill("A"), SiteTill("B")
    from tests.helpers.daily import cash

    for minute in (5, 20):
        a.take(cash(Cents(100)), minute=minute)
    for minute in (10, 30):
        b.take(cash(Cents(100)), minute=minute)
    book.add("B", b.rows)
    book.add("A", a.rows)
    found = [receipt.number for receipt in book.receipts(SITE_DAY, SITE_DAY)]
    assert found == ["A-000001", "B-000001", "A-000002", "B-000002"]
    assert not list(book.receipts("2026-02-04", "2026-02-05"))


def test_a_receipt_taken_back_at_another_till_is_void_in_the_sites_report(book: SiteDaybook) -> None:
    from tests.helpers.daily import cash

    a, b = SiteTill("A", 15), SiteTill("B", 16)
    taken = a.take(cash(5_000))
    b.void(taken)
    book.add("A", a.rows)
    book.add("B", b.rows)
    report = reported(book, COUNTER, WHOLE, NOW)
    assert [(row.receipt, row.amount_cents) for row in report.voids] == [("A-000001", 5_000)]
    assert report.figures.net_cents == 0


def test_a_closed_date_is_one_until_it_is_opened_again(book: SiteDaybook) -> None:
    a, _ = two_tills()
    assert book.closed_dates("A") == ()
    book.add("A", a.rows)
    assert book.closed_dates("A") == (SITE_DAY,)
    seen = len(a.rows)
    a.reopen_day()
    book.add("A", a.rows[seen:])
    assert book.closed_dates("A") == ()
    a.close_day()
    book.add("A", a.rows[seen + 1 :])
    assert book.closed_dates("A") == (SITE_DAY,)


def test_an_entry_that_was_changed_or_is_anothers_makes_no_report(book: SiteDaybook) -> None:
    a, b = two_tills()
    first = next(row for row in a.rows if row.kind == EntryKind.RECEIPT_ISSUED)
    changed = replace(first, body_text=first.body_text.replace("4000", "9000"))
    assert changed != first
    with pytest.raises(Discrepancy, match="was changed"):
        book.add("A", [changed])
    with pytest.raises(Discrepancy, match="says that it is till B's"):
        book.add("A", b.rows)


def test_a_receipt_that_is_missing_in_the_middle_makes_no_report(book: SiteDaybook) -> None:
    a, _ = two_tills()
    first = next(row for row in a.rows if row.kind == EntryKind.RECEIPT_ISSUED)
    with pytest.raises(Discrepancy, match=r"copy of till A does not hold.*A-000002 where A-000001 is due"):
        book.add("A", [row for row in a.rows if row != first])


def test_what_the_hub_keeps_without_a_card_number_counts_as_it_is_kept(book: SiteDaybook) -> None:
    a, _ = two_tills()
    rows = [
        replace(row, body_text=row.body_text.replace("Payer A-s1", "[removed]"))
        if row.kind == EntryKind.RECEIPT_ISSUED
        else row
        for row in a.rows
    ]
    altered = [row.seq for row, before in zip(rows, a.rows, strict=True) if row != before]
    assert len(altered) == 1
    book.add("A", rows, altered)
    assert next(book.receipts(SITE_DAY, SITE_DAY)).customer.name == "[removed]"


def test_an_entry_that_cannot_be_read_any_more_is_named(book: SiteDaybook) -> None:
    a, _ = two_tills()
    first = next(row for row in a.rows if row.kind == EntryKind.RECEIPT_ISSUED)
    for body in ("no JSON", '"text"', "{}", '{"n": 1.5}'):
        with pytest.raises(Discrepancy, match=f"Entry {first.seq} of till A cannot be read"):
            book.add("A", [replace(first, body_text=body)], [first.seq])
