"""Search as typed, beyond the port's own promises."""

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cashier.domain.entries import EntryKind
from cashier.domain.errors import Refused
from cashier.journal.schema import SCHEMA_VERSION
from cashier.journal.search import search_file
from cashier.journal.sqlite import sqlite3
from cashier.journal.store import SqliteJournal
from tests.fakes.entries import Drafts, FixedClock, make_sale
from tests.journal.conftest import Open
from tests.journal.faults import Faults


@pytest.fixture
def journal(open_journal: Open, drafts: Drafts) -> SqliteJournal:
    """Five receipts: the first three on 2026-02-02, the others on 2026-02-03, which is today."""
    journal = open_journal()
    sales = [
        make_sale("José Muñoz-Łuksza", "BLD-26-000112", "BU5-00001-6"),
        make_sale("O'Brien & Sons, LLC", "BLD-26-000113", "BU5-00002-6"),
        make_sale("Robin Example", "CSGN-26-000012", "700001"),
        make_sale('"AND" OR NOT NEAR* Ltd.', "PLN-26-000001", "700002"),
        make_sale("李 Example", "", "700003"),
    ]
    for number, sale in enumerate(sales, start=1):
        day = "2026-02-02" if number <= 3 else "2026-02-03"
        journal.record([drafts.receipt(f"s{number}", sale, business_date=day)])
    return journal


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # Names: by word, without accents, with whatever stands between words.
        ("jose", [1]),
        ("MUNOZ", [1]),
        ("muñoz-łuk", [1]),
        ("luk", []),
        ("o'bri", [2]),
        ("brien", [2]),
        ("sons llc", [2]),
        ("LLC & O'Brien", [2]),
        ("李", [5]),
        ("example", [5, 3]),
        # Words of the index's own language are only words.
        ("and", [4]),
        ("AND", [4]),
        ("or not", [4]),
        ('"AND"', [4]),
        ("near*", [4]),
        ("payer:robin", []),
        ("facts", []),
        ("n1", []),
        ("d20260203", []),
        ("a22418", []),
        # Numbers.
        ("A-3", [3]),
        ("a-000003", [3]),
        ("A-00000", [5, 4, 3, 2, 1]),
        ("A-0", [5, 4, 3, 2, 1]),
        ("A-9", []),
        ("A-", [5, 4, 3, 2, 1]),
        ("B-000003", []),
        ("3", [3]),
        ("bld-26-00011", [2, 1]),
        ("000113", [2]),
        ("BU5-00002-6", [2]),
        ("70000", [5, 4, 3]),
        # Amounts, with or without the service fee of 5.61.
        ("224.18", [5, 4, 3, 2, 1]),
        ("$224.18", [5, 4, 3, 2, 1]),
        ("229.79", [5, 4, 3, 2, 1]),
        ("$224", []),
        ("1,224.18", []),
        # Dates.
        ("today", [5, 4]),
        ("Yesterday", [3, 2, 1]),
        ("2026-02-03", [5, 4]),
        ("2026-2-3", [5, 4]),
        ("02/03/2026", [5, 4]),
        ("2/2/2026", [3, 2, 1]),
        ("02/30/2026", []),
        ("0000-01-01", []),
        # Several at once.
        ("example today", [5]),
        ("yesterday 224.18 bld", [2, 1]),
        ("robin today", []),
        # Nothing to search for.
        ("   ", [5, 4, 3, 2, 1]),
        ('"', []),
        ("--", []),
        ("*", []),
        ("\x00", []),
        ("robin \x00", [3]),
        ("\ud800", []),
    ],
)
def test_what_is_typed_is_found(journal: SqliteJournal, text: str, found: list[int]) -> None:
    assert [receipt.number for receipt in journal.search(text, 9)] == [f"A-{n:06d}" for n in found]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text() | st.text(alphabet='"*():^-+{}AND ORNT,.$/0129\x00\n'))
def test_no_text_breaks_the_search(journal: SqliteJournal, text: str) -> None:
    assert len(journal.search(text, 3)) <= 3


def test_a_very_long_text_is_cut(journal: SqliteJournal) -> None:
    assert journal.search("robin " * 10_000, 9)[0].customer.name == "Robin Example"
    assert journal.search("x" * 1_000_000, 9) == ()


def test_today_is_the_clocks_day_at_the_counter(open_journal: Open, drafts: Drafts) -> None:
    clock = FixedClock(dt.datetime(2026, 2, 4, 2, 0, tzinfo=dt.UTC))  # Still the evening of the 3rd.
    journal = open_journal(clock=clock)
    journal.record([drafts.receipt("s1", business_date="2026-02-03")])
    assert len(journal.search("today", 9)) == 1
    clock.moment += dt.timedelta(hours=4)
    assert journal.search("today", 9) == ()
    assert len(journal.search("yesterday", 9)) == 1


def test_an_exact_number_comes_before_newer_ones_that_start_like_it(
    open_journal: Open, drafts: Drafts
) -> None:
    journal = open_journal()
    journal.record([drafts.receipt(f"s{n}", make_sale(permit="P", invoice="I")) for n in range(1, 31)])
    found = [receipt.number for receipt in journal.search("2", 4)]
    assert found == ["A-000002", "A-000029", "A-000028", "A-000027"]


def test_a_days_receipts_come_before_newer_ones_that_only_name_the_day(
    open_journal: Open, drafts: Drafts
) -> None:
    journal = open_journal()
    journal.record([drafts.receipt(f"s{n}", business_date="2026-02-03") for n in range(1, 3)])
    named = make_sale(permit="P-2026-02-034")
    journal.record([drafts.receipt(f"s{n}", named, business_date="2026-02-04") for n in range(3, 5)])
    for limit in (1, 2, 3, 9):
        found = [receipt.number for receipt in journal.search("2026-02-03", limit)]
        assert found == ["A-000002", "A-000001", "A-000004", "A-000003"][:limit]


def test_no_question_reads_a_whole_table_or_sorts_one(open_journal: Open, drafts: Drafts) -> None:
    """Every SELECT of the sale path and of search walks an index, so that a million receipts cost nothing."""
    faults = Faults()
    journal = open_journal(open_connection=faults.connect)
    faults.statements.clear()
    journal.record(drafts.paid_sale("s1"))
    journal.payment("A-p-s1"), journal.unsettled_payments(), journal.payments_of_sale("s1")
    journal.sale("s1"), journal.receipt("a-000001"), journal.receipts_of_sale("s1"), journal.entry("x")
    list(journal.entries()), list(journal.entries("s1"))
    for text in ("", "robin today", "A-1", "1", "224.18", "2026-02-03"):
        assert journal.search(text, 9)
    asked = {sql for sql in faults.statements if sql.startswith("SELECT")}
    assert len(asked) >= 15
    db = journal._opened()
    for sql in asked:
        plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", [None] * sql.count("?"))]
        for step in plan:
            newest_first = step in ("SCAN entry", "SCAN receipt") and "ORDER BY seq DESC LIMIT" in sql
            unsettled = "USING INDEX payment_unsettled" in step
            in_index = step.startswith("SEARCH") or "VIRTUAL TABLE INDEX" in step
            assert newest_first or unsettled or in_index, (sql, plan)


def test_entries_of_several_kinds_come_from_the_index_unsorted(open_journal: Open, drafts: Drafts) -> None:
    faults = Faults()
    journal = open_journal(open_connection=faults.connect)
    journal.record([*drafts.paid_sale("s1"), *drafts.paid_sale("s2", make_sale(invoice="700002"))])
    faults.statements.clear()
    kinds = (EntryKind.RECEIPT_ISSUED, EntryKind.SALE_RECORDED, EntryKind.DAY_CLOSED)
    assert [entry.seq for entry in journal.entries_of(kinds, after=1)] == [6, 8, 13]
    [sql] = faults.statements
    plan = [row[3] for row in journal._opened().execute(f"EXPLAIN QUERY PLAN {sql}", [None] * 4)]
    assert not [step for step in plan if "TEMP B-TREE" in step or step.startswith("SCAN")], plan


def test_a_file_is_searched_without_its_lock(journal: SqliteJournal, file: Path) -> None:
    def today() -> dt.date:
        return dt.date(2026, 2, 3)

    assert [receipt.number for receipt in search_file(file, "today", 9, today)] == ["A-000005", "A-000004"]
    journal.close()
    with sqlite3.connect(file) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION - 1}")
    connection.close()
    with pytest.raises(Refused, match="older version"):
        search_file(file, "today", 9, today)
    with pytest.raises(Refused, match="no journal"):
        search_file(file.with_name("none.db"), "today", 9, today)
