"""What every journal promises, run against the fake and the real one."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cashier.domain.entries import GENESIS, Draft, EntryKind, first_break
from cashier.domain.errors import Discrepancy, Refused
from cashier.domain.outbox import Anchor, Kept, Outage, Owed
from cashier.domain.payment import PaymentEvent, PaymentState
from cashier.domain.records import sale_to_json
from cashier.domain.sizes import ENTRY_MAX_BYTES, SALE_MAX_BYTES
from cashier.journal.store import SqliteJournal
from cashier.till.ports import Journal, PeopleJournal
from tests.fakes.entries import Drafts, FixedClock, confirmation, make_sale
from tests.fakes.journal import MemoryJournal


@pytest.fixture(params=["fake", "real"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PeopleJournal]:
    if request.param == "fake":
        yield MemoryJournal("A", FixedClock())
    else:
        with SqliteJournal(tmp_path / "j.db", till="A", clock=FixedClock(), holder="a test") as real:
            yield real


@pytest.fixture
def drafts() -> Drafts:
    return Drafts()


def _count(journal: Journal) -> int:
    return len(list(journal.entries()))


def test_an_empty_journal_knows_nothing(journal: Journal) -> None:
    assert list(journal.entries()) == []
    assert journal.record([]) == ()
    assert journal.entry("id-000001") is None
    assert journal.payment("A-p1") is None
    assert journal.sale("s1") is None
    assert journal.receipt("A-000001") is None
    assert journal.unsettled_payments() == journal.payments_of_sale("s1") == ()
    assert journal.receipts_of_sale("s1") == journal.search("", 9) == journal.search("robin", 9) == ()
    assert journal.verify() is None


def test_what_is_too_large_for_the_hub_is_refused_and_nothing_of_its_commit_is_there(
    journal: Journal, drafts: Drafts
) -> None:
    fine = drafts.draft(EntryKind.DRAWER_OPENED, "drawer", {"reason": "change"})
    large = drafts.draft(EntryKind.DRAWER_OPENED, "drawer", {"reason": "x" * ENTRY_MAX_BYTES})
    sale = drafts.sale("s1", make_sale("Robin " + "x" * SALE_MAX_BYTES))
    for too_large in (large, sale):
        with pytest.raises(Refused, match="Nothing was recorded"):
            journal.record([fine, too_large])
        assert _count(journal) == 0
    assert len(journal.record([fine])) == 1


def test_entries_come_back_in_order_as_recorded(journal: Journal, drafts: Drafts) -> None:
    recorded = journal.record(drafts.paid_sale("s1")) + journal.record(drafts.paid_sale("s2"))
    assert tuple(journal.entries()) == recorded
    assert [entry.seq for entry in recorded] == list(range(1, 15))
    assert {entry.at for entry in recorded} == {"2026-02-03T15:04:05.123Z"}
    assert {entry.till for entry in recorded} == {"A"}
    assert [entry.previous for entry in recorded] == [GENESIS, *(entry.hash for entry in recorded[:-1])]
    assert [entry.kind for entry in journal.entries("s2")] == [
        EntryKind.SALE_RECORDED,
        EntryKind.RECEIPT_ISSUED,
    ]
    assert journal.verify() is None


def test_a_sale_comes_back_as_recorded_last(journal: Journal, drafts: Drafts) -> None:
    first, second = make_sale(payer="Robin Example"), make_sale(payer="Robin B. Example")
    journal.record([drafts.sale("s1", first)])
    assert journal.sale("s1") == first
    journal.record([drafts.sale("s1", second)])
    assert journal.sale("s1") == second


def test_the_same_id_twice_is_one(journal: Journal, drafts: Drafts) -> None:
    life = drafts.paid_sale("s1")
    first = journal.record(life)
    assert journal.record(life) == first
    assert journal.record(life[5:6]) == first[5:6], "a receipt is compared without its number"
    assert _count(journal) == 7
    assert len(journal.receipts_of_sale("s1")) == 1


def test_the_same_id_twice_in_one_commit_is_one(journal: Journal, drafts: Drafts) -> None:
    sale = drafts.sale("s1")
    first, second = journal.record([sale, sale])
    assert first == second
    assert _count(journal) == 1


@pytest.mark.parametrize("change", ["kind", "subject", "body"])
def test_the_same_id_with_other_content_is_a_discrepancy(
    journal: Journal, drafts: Drafts, change: str
) -> None:
    sale = drafts.sale("s1")
    journal.record([sale])
    others = {
        "kind": Draft(sale.id, EntryKind.POSTBACK_UNMATCHED, sale.subject, sale.body),
        "subject": Draft(sale.id, sale.kind, "s2", sale.body),
        "body": Draft(sale.id, sale.kind, sale.subject, sale_to_json(make_sale(payer="Sam Other"))),
    }
    with pytest.raises(Discrepancy):
        journal.record([drafts.sale("s3"), others[change]])
    assert _count(journal) == 1, "nothing of the commit was written"
    assert journal.sale("s3") is None


def test_two_payments_of_one_reference_are_a_discrepancy(journal: Journal, drafts: Drafts) -> None:
    journal.record([drafts.issued("p1", "s1", reference="A-same")])
    with pytest.raises(Discrepancy):
        journal.record([drafts.issued("p2", "s2", reference="A-same")])
    assert _count(journal) == 1


def test_a_payment_follows_its_entries(journal: Journal, drafts: Drafts) -> None:
    journal.record([drafts.sale("s1"), drafts.issued("p1", "s1")])
    payment = journal.payment("A-p1")
    assert payment is not None
    assert (payment.id, payment.sale_id, payment.state) == ("p1", "s1", PaymentState.ISSUED)
    journal.record([drafts.hinted("p1", PaymentEvent.PAGE_OPENING)])
    journal.record([drafts.told("p1", PaymentEvent.CONFIRMED_PAID, "ok", confirmation())])
    payment = journal.payment("A-p1")
    assert payment is not None
    assert payment.state is PaymentState.APPROVED
    assert payment.confirmed_cents == 22418


def test_a_recorded_state_that_the_table_does_not_give_is_refused(journal: Journal, drafts: Drafts) -> None:
    journal.record([drafts.issued("p1", "s1")])
    lie = {"event": PaymentEvent.PAGE_OPENING.value, "state": PaymentState.APPROVED.value, "detail": ""}
    with pytest.raises(Discrepancy):
        journal.record([drafts.draft(EntryKind.PAYMENT_HINTED, "p1", lie)])
    assert _count(journal) == 1


def test_unsettled_payments_oldest_first(journal: Journal, drafts: Drafts) -> None:
    events = PaymentEvent
    for name in ("p1", "p2", "p3", "p4", "p5"):
        journal.record([drafts.issued(name, f"s-{name}")])
    for name in ("p2", "p3", "p4"):
        journal.record([drafts.hinted(name, events.PAGE_OPENING)])
    journal.record([drafts.hinted("p3", events.RENDERER_DIED)])
    journal.record([drafts.told("p4", events.CONFIRMED_DECLINED, "no")])
    journal.record([drafts.hinted("p5", events.GIVEN_UP_UNOPENED)])
    assert [(p.id, p.state.value) for p in journal.unsettled_payments()] == [
        ("p1", "ISSUED"),
        ("p2", "OPEN"),
        ("p3", "IN_DOUBT"),
    ]


def test_payments_and_receipts_of_a_sale_oldest_first(journal: Journal, drafts: Drafts) -> None:
    journal.record([drafts.issued("p2", "s1"), drafts.issued("other", "s2"), drafts.issued("p1", "s1")])
    journal.record([drafts.receipt("s1"), drafts.receipt("s2"), drafts.receipt("s1")])
    assert [payment.id for payment in journal.payments_of_sale("s1")] == ["p2", "p1"]
    assert [receipt.number for receipt in journal.receipts_of_sale("s1")] == ["A-000001", "A-000003"]


def test_receipts_are_numbered_without_gaps_in_their_own_commit(journal: Journal, drafts: Drafts) -> None:
    (one,) = journal.record([drafts.receipt("s1")])
    two, other, three = journal.record([drafts.receipt("s2"), drafts.sale("s3"), drafts.receipt("s3")])
    assert [entry.body.get("number") for entry in (one, two, other, three)] == [
        "A-000001",
        "A-000002",
        None,
        "A-000003",
    ]
    receipt = journal.receipt("A-000002")
    assert receipt is not None
    assert receipt.sale_id == "s2"


def test_a_failed_commit_uses_no_number(journal: Journal, drafts: Drafts) -> None:
    with pytest.raises(TypeError):
        journal.record([drafts.receipt("s1"), drafts.draft(EntryKind.SALE_RECORDED, "s", {"a": 1.5})])
    (entry,) = journal.record([drafts.receipt("s2")])
    assert entry.body["number"] == "A-000001"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", [3, 2, 1]),
        ("robin", [3, 1]),
        ("ROB", [3, 1]),
        ("exa rob", [3, 1]),
        ("obin", []),
        ("A-000002", [2]),
        ("a-000002", [2]),
        ("CSGN-26-000013", [2]),
        ("csgn-26-0", [3, 2, 1]),
        ("700003", [3]),
        ("224.18", [3, 1]),
        ("100.00", [2]),
        ("105.61", [2]),
        ("224.19", []),
        ("2026-02-03", [3, 2, 1]),
        ("2026-02-04", []),
        ("robin 700001", [1]),
        ("robin 700002", []),
    ],
)
def test_search_finds_what_was_typed_newest_first(
    journal: Journal, drafts: Drafts, text: str, found: list[int]
) -> None:
    _three_receipts(journal, drafts)
    assert [receipt.number for receipt in journal.search(text, 9)] == [f"A-{n:06d}" for n in found]


def test_a_bare_number_finds_its_receipt_first(journal: Journal, drafts: Drafts) -> None:
    _three_receipts(journal, drafts)
    assert journal.search("2", 9)[0].number == "A-000002"


def test_search_stops_at_its_limit(journal: Journal, drafts: Drafts) -> None:
    _three_receipts(journal, drafts)
    assert [receipt.number for receipt in journal.search("", 2)] == ["A-000003", "A-000002"]
    assert [receipt.number for receipt in journal.search("csgn", 1)] == ["A-000003"]
    assert journal.search("csgn", 0) == ()


def _three_receipts(journal: Journal, drafts: Drafts) -> None:
    second = make_sale("Sam O'Sample", "CSGN-26-000013", "700002")
    journal.record([drafts.receipt("s1", make_sale(invoice="700001"))])
    make: Callable[..., Draft] = drafts.receipt
    part = make("s2", second)
    part = Draft(part.id, part.kind, part.subject, _paying(part, 10000))
    journal.record([part])
    journal.record([drafts.receipt("s3", make_sale(permit="CSGN-26-000014", invoice="700003"))])


def _paying(draft: Draft, cents: int) -> dict[str, object]:
    tender = {**draft.body["tenders"][0], "amount_cents": cents}
    return {**draft.body, "tenders": [tender], "paid_cents": cents}


# -- what a person has to see to, charges, days --------------------------------------------------------------


def test_a_matter_is_open_until_it_is_seen_to(journal: Journal, drafts: Drafts) -> None:
    journal.record([*drafts.paid_sale("s1")])
    assert journal.open_matters() == ()
    unknown = drafts.draft(EntryKind.POSTBACK_UNMATCHED, "A-x", {"reason": "unknown"})
    found = drafts.draft(EntryKind.DISCREPANCY_FOUND, "p-s1", {"reason": "twice"})
    journal.record([unknown, found])
    assert [matter.id for matter in journal.open_matters()] == [unknown.id, found.id]
    seen = {"matter": unknown.id, "by": "Robin Supervisor", "note": "asked the gateway"}
    journal.record([drafts.draft(EntryKind.MATTER_SEEN, "A-x", seen)])
    assert [matter.id for matter in journal.open_matters()] == [found.id]


def test_a_charge_belongs_to_the_payment_that_confirmed_it_first(journal: Journal, drafts: Drafts) -> None:
    assert journal.charged_reference("G-1") is None
    journal.record(drafts.paid_sale("s1"))
    journal.record(drafts.paid_sale("s2"))
    assert journal.charged_reference("G-1") == "A-p-s1"
    assert journal.charged_reference("G-2") is None


def test_payments_of_an_invoice_whatever_its_case(journal: Journal, drafts: Drafts) -> None:
    one = [{"number": "Ab-6", "amount_cents": 22418}]
    journal.record([drafts.issued("p1", "s1", invoices=one), drafts.issued("p2", "s2", invoices=one)])
    journal.record([drafts.issued("p3", "s3")])
    assert [payment.id for payment in journal.payments_of_invoice("aB-6")] == ["p1", "p2"]
    assert journal.payments_of_invoice("ab-7") == ()


def test_an_entry_is_found_by_its_id(journal: Journal, drafts: Drafts) -> None:
    (entry,) = journal.record([drafts.sale("s1")])
    assert journal.entry(entry.id) == entry


def test_receipts_of_a_day_and_the_last_close(journal: Journal, drafts: Drafts) -> None:
    journal.record([drafts.receipt("s1"), drafts.receipt("s2", business_date="2026-02-04")])
    assert [receipt.number for receipt in journal.receipts_of_day("2026-02-03")] == ["A-000001"]
    assert journal.receipts_of_day("2026-02-05") == ()
    assert journal.last_of(EntryKind.DAY_CLOSED) is None
    for date in ("2026-02-03", "2026-02-04"):
        journal.record([drafts.draft(EntryKind.DAY_CLOSED, date, {"business_date": date})])
    closed = journal.last_of(EntryKind.DAY_CLOSED)
    assert closed is not None
    assert closed.subject == "2026-02-04"
    assert journal.last_of(EntryKind.READER_SELECTED) is None
    assert journal.last_of(EntryKind.RECEIPT_ISSUED) == list(journal.entries())[1]


def test_entries_of_some_kinds_come_in_order(journal: Journal, drafts: Drafts) -> None:
    journal.record([*drafts.paid_sale("s1"), *drafts.paid_sale("s2", make_sale(invoice="700002"))])
    kinds = (EntryKind.RECEIPT_ISSUED, EntryKind.SALE_RECORDED)
    found = list(journal.entries_of(kinds))
    assert found == [entry for entry in journal.entries() if entry.kind in kinds]
    assert len(found) == 4
    assert list(journal.entries_of((EntryKind.DAY_CLOSED,))) == []
    assert list(journal.entries_of(())) == []
    assert list(journal.entries_of(kinds, after=found[1].seq)) == found[2:]


def test_a_vouched_payment_stays_unsettled(journal: Journal, drafts: Drafts) -> None:
    events = PaymentEvent
    journal.record([drafts.issued("p1", "s1"), drafts.hinted("p1", events.PAGE_OPENING)])
    journal.record([drafts.hinted("p1", events.PAGE_CLOSED)])
    vouch = {
        "event": events.VOUCHED_PAID.value,
        "state": PaymentState.VOUCHED.value,
        "authorisation": "727634",
        "reason": "the portal shows it",
        "asked_by": "Kim Clerk",
        "approved_by": "Robin Supervisor",
    }
    journal.record([drafts.draft(EntryKind.PAYMENT_VOUCHED, "p1", vouch)])
    (payment,) = journal.unsettled_payments()
    assert payment.state is PaymentState.VOUCHED
    assert payment.vouch is not None
    assert payment.vouch.authorisation == "727634"
    assert journal.verify() is None


def test_the_hash_of_a_pin_is_kept_with_its_entry_and_in_none(journal: PeopleJournal, drafts: Drafts) -> None:
    assert journal.pin_hash("kim") is None
    first = drafts.draft(EntryKind.PIN_SET, "people", {"person": "kim", "by": "robin"})
    (entry,) = journal.record_pin([first], "kim", "planted-hash-1")
    assert (entry.kind, journal.pin_hash("kim")) == (EntryKind.PIN_SET, "planted-hash-1")
    second = drafts.draft(EntryKind.PIN_SET, "people", {"person": "kim", "by": "kim"})
    journal.record_pin([second], "kim", "planted-hash-2")
    assert (journal.pin_hash("kim"), journal.pin_hash("robin")) == ("planted-hash-2", None)
    assert not any("planted" in repr(entry) for entry in journal.entries())
    assert journal.verify() is None


def test_a_pin_whose_entry_is_refused_is_not_kept(journal: PeopleJournal, drafts: Drafts) -> None:
    draft = drafts.draft(EntryKind.PIN_SET, "people", {"person": "kim", "by": "robin"})
    journal.record_pin([draft], "kim", "first")
    with pytest.raises(Discrepancy):
        journal.record_pin([Draft(draft.id, draft.kind, "people", {"person": "other"})], "kim", "second")
    assert journal.pin_hash("kim") == "first"


# -- what is told to the hub ---------------------------------------------------------------------------------


def test_entries_are_given_out_exactly_as_they_stand(journal: PeopleJournal, drafts: Drafts) -> None:
    assert (journal.head(), journal.rows_after(0, 9)) == (Kept(0, GENESIS), ())
    recorded = journal.record(drafts.paid_sale("s1"))
    assert journal.head() == Kept(7, recorded[-1].hash)
    rows = journal.rows_after(2, 3)
    assert [(row.seq, row.id, row.hash) for row in rows] == [(e.seq, e.id, e.hash) for e in recorded[2:5]]
    assert first_break(journal.rows_after(0, 99)) is None, "the text is what was hashed"
    assert journal.rows_after(7, 9) == ()


def test_how_far_was_told_is_kept_for_each_kind(journal: PeopleJournal, drafts: Drafts) -> None:
    journal.record(drafts.paid_sale("s1"))
    assert [journal.sent(what) for what in Owed] == [0, 0]
    journal.mark_sent(Owed.ENTRIES, 5)
    journal.mark_sent(Owed.NOTICES, 7)
    journal.mark_sent(Owed.ENTRIES, 3)
    assert (journal.sent(Owed.ENTRIES), journal.sent(Owed.NOTICES)) == (3, 7)
    assert _count(journal) == 7, "no entry says so"


def test_receipts_are_counted_from_an_entry_on(journal: PeopleJournal, drafts: Drafts) -> None:
    journal.record([*drafts.paid_sale("s1"), *drafts.paid_sale("s2", make_sale(invoice="700002"))])
    assert [journal.receipts_after(seq) for seq in (0, 5, 6, 13)] == [2, 2, 1, 0]


def test_anchors_are_kept_once(journal: PeopleJournal, drafts: Drafts) -> None:
    recorded = journal.record(drafts.paid_sale("s1"))
    first, second = (
        Anchor(entry.seq, entry.hash, "2026-02-03T15:04:05.123Z", f"{entry.seq:064x}")
        for entry in (recorded[1], recorded[4])
    )
    journal.mark_sent(Owed.ENTRIES, 5, [second])
    journal.mark_sent(Owed.ENTRIES, 5, [first, second])
    assert journal.anchors() == (first, second)
    assert journal.verify() is None


def test_where_an_outage_began_is_kept_beside_what_was_sent(journal: PeopleJournal) -> None:
    assert journal.outage() is None
    for outage in (Outage(7), Outage(7, 5), Outage(0, 0), None, None, Outage(9)):
        journal.mark_outage(outage)
        assert journal.outage() == outage
    assert [journal.sent(what) for what in Owed] == [0, 0]
