"""The settlement match: one verdict a charge, every cent of the file in exactly one row, nothing changed."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cashier.domain.charges import journal_charges, journal_refunds
from cashier.domain.corrections import Refund, RefundConfirmed, SeenAt, correction_draft
from cashier.domain.entries import EntryKind
from cashier.domain.money import Cents
from cashier.domain.payment import PaymentEvent
from cashier.domain.postback import Approved
from cashier.domain.receipt import TenderKind
from cashier.domain.settlement import (
    HubCharge,
    JournalCharge,
    JournalRefund,
    LineKind,
    Row,
    SettlementLine,
    SettlementMatch,
    Side,
    Verdict,
)
from cashier.domain.settling import match
from tests.fakes.clock import MovingClock
from tests.fakes.entries import Drafts, confirmation
from tests.fakes.journal import MemoryJournal

GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
OTHER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
REFERENCE = "A-0190c4d2a7b87c3e9f00112233445566"
AT = "2026-02-03T15:04:05.000Z"
DAY = dt.date(2026, 2, 3)


def line(row: int = 2, **changes: Any) -> SettlementLine:
    members: dict[str, Any] = {
        "payment_guid": GUID,
        "reference": REFERENCE,
        "invoice": "700001",
        "amount_cents": 10_000,
        "fee_cents": 250,
        "date": DAY,
    }
    return SettlementLine(row=row, **members | changes)


def journal(**changes: Any) -> JournalCharge:
    members: dict[str, Any] = {
        "payment_guid": GUID,
        "reference": REFERENCE,
        "invoice": "700001",
        "amount_cents": 10_000,
        "fee_cents": 250,
        "at": AT,
        "till": "A",
        "receipt": "A-000001",
    }
    return JournalCharge(**members | changes)


def hub(**changes: Any) -> HubCharge:
    members: dict[str, Any] = {
        "seq": 1,
        "id": "0190c4d2-a7b8-7c3e-9f00-112233445566",
        "till": "A",
        "received_at": AT,
        "reference": REFERENCE,
        "approved": Approved.YES,
        "invoice": "700001",
        "payment_guid": GUID,
        "amount_cents": 10_000,
        "fee_cents": 250,
        "payment_date": "2/3/2026 10:04:05 AM",
    }
    return HubCharge(**members | changes)


SECOND: dict[str, Any] = {"invoice": "700002", "amount_cents": 5_000, "fee_cents": 0}
BOTH: dict[str, Any] = {"invoice": "700001,700002", "amount_cents": 15_000}


def verdicts(found: SettlementMatch) -> list[tuple[Verdict, tuple[int, ...]]]:
    return [(row.verdict, row.lines) for row in found.rows]


def only(found: SettlementMatch) -> Row:
    (row,) = found.rows
    return row


# -- one charge of one invoice -------------------------------------------------------------------------------


def test_all_three_agree() -> None:
    found = match([line()], [journal()], [hub()], "A")
    row = only(found)
    assert row.verdict is Verdict.MATCHED
    assert (row.receipt, row.till, row.lines, row.notes) == ("A-000001", "A", (2,), ())
    assert row.file == row.journal == row.hub == Side(10_000, 250)
    assert found.agrees


@pytest.mark.parametrize(
    ("lines", "charges", "postbacks", "verdict"),
    [
        ([line()], [], [hub(till="B")], Verdict.OTHER_TILL),
        ([line()], [], [hub()], Verdict.MISSING_IN_JOURNAL),
        ([line()], [journal()], [], Verdict.MISSING_AT_HUB),
        ([line()], [journal()], None, Verdict.MATCHED),
        ([], [journal()], [hub()], Verdict.MISSING_AT_GATEWAY),
        ([], [], [hub(till="B")], Verdict.MISSING_AT_GATEWAY),
        ([line(amount_cents=9_999)], [journal()], [hub()], Verdict.AMOUNT_DIFFERS),
        ([line()], [], [hub(till="B", amount_cents=9_999)], Verdict.AMOUNT_DIFFERS),
        ([line()], [], [hub(till="B", amount_cents=None)], Verdict.AMOUNT_DIFFERS),
        ([line(fee_cents=249)], [journal()], [hub()], Verdict.FEE_DIFFERS),
        ([line(fee_cents=None)], [journal()], [hub()], Verdict.MATCHED),
        ([line()], [journal(fee_cents=None)], [hub()], Verdict.MATCHED),
        ([line()], [], [], Verdict.UNKNOWN),
        ([line()], [], [hub(approved=Approved.NO)], Verdict.UNKNOWN),
        ([line()], [], [hub(approved=Approved.UNCLEAR)], Verdict.UNKNOWN),
        ([line(amount_cents=-10_000, kind=LineKind.REFUND)], [], [], Verdict.REFUND),
    ],
)
def test_a_verdict_for_each_way_to_disagree(
    lines: list[SettlementLine],
    charges: list[JournalCharge],
    postbacks: list[HubCharge] | None,
    verdict: Verdict,
) -> None:
    found = match(lines, charges, postbacks, "A")
    assert only(found).verdict is verdict
    assert found.agrees is (verdict in (Verdict.MATCHED, Verdict.OTHER_TILL))


def test_a_missing_receipt_of_the_gateway_says_that_it_may_settle_later() -> None:
    found = match([], [journal()], [hub()], "A")
    assert "settle later" in found.meaning(Verdict.MISSING_AT_GATEWAY)


def test_a_charge_outside_of_the_days_is_matched_but_not_missed() -> None:
    def expected(stamp: str) -> bool:
        return stamp.startswith("2026-02-04")

    assert match([], [journal()], [hub()], "A", expected).rows == ()
    assert only(match([line()], [journal()], [hub()], "A", expected)).verdict is Verdict.MATCHED


def test_notes_say_what_each_source_has() -> None:
    row = only(match([line(amount_cents=9_999, fee_cents=1)], [journal()], [], "A"))
    assert row.notes == (
        "No approval of it is at the hub.",
        "Amount: gateway 99.99, journal 100.00.",
        "Service fee: gateway 0.01, journal 2.50.",
    )
    row = only(match([line()], [], [hub(approved=Approved.NO)], "A"))
    assert row.notes == ("A message at the hub says that it was declined.",)
    row = only(match([line(reference="A-other")], [journal()], [hub()], "A"))
    assert row.notes == ("The sources name different payment references.",)
    row = only(match([line()], [journal(payment_guid="", fee_cents=None, vouched=True)], [hub()], "A"))
    assert (row.verdict, len(row.notes)) == (Verdict.MATCHED, 1)
    assert "two people" in row.notes[0]


def test_without_the_hub_an_unknown_charge_may_be_another_tills() -> None:
    found = match([line()], [], None, "A")
    assert only(found).verdict is Verdict.UNKNOWN
    assert "another till" in found.meaning(Verdict.UNKNOWN)
    assert "hub was not asked" in found.meaning(Verdict.MATCHED)


@pytest.mark.parametrize("spelling", [GUID.upper(), f"{{{GUID}}}", GUID.replace("-", ""), f" {GUID} "])
def test_a_payment_guid_is_one_in_any_spelling(spelling: str) -> None:
    assert only(match([line(payment_guid=spelling)], [journal()], [hub()], "A")).verdict is Verdict.MATCHED


def test_an_invoice_number_masked_in_a_message_is_still_that_invoice() -> None:
    number, masked = "4111111111111111-6", "[card number removed]-6"
    found = match([line(invoice=masked)], [journal(invoice=number)], [hub(invoice=masked)], "A")
    assert only(found).verdict is Verdict.MATCHED


# -- several invoices ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "postbacks", [[hub(), hub(**SECOND)], [hub(**BOTH)], [hub(), hub(**SECOND), hub(**BOTH), hub()]]
)
@pytest.mark.parametrize(
    "lines",
    [
        [line(), line(3, **SECOND)],
        [line(**BOTH)],
        [line(invoice="", amount_cents=15_000)],
        [line(invoice=""), line(3, **SECOND | {"invoice": ""})],
        [line(invoice="700002; 700001", amount_cents=15_000)],
    ],
)
def test_a_line_an_invoice_and_one_for_all_are_both_understood(
    lines: list[SettlementLine], postbacks: list[HubCharge]
) -> None:
    found = match(lines, [journal(), journal(**SECOND)], postbacks, "A")
    assert {row.verdict for row in found.rows} == {Verdict.MATCHED}
    total = found.total()
    assert total.file_cents == total.journal_cents == total.hub_cents == 15_000
    assert total.fee_cents == 250


def test_invoices_have_a_row_each_where_every_source_tells_them_apart() -> None:
    charges, postbacks = [journal(), journal(**SECOND)], [hub(), hub(**SECOND)]
    found = match([line(), line(3, **SECOND)], charges, postbacks, "A")
    assert [row.invoices for row in found.rows] == [("700001",), ("700002",)]
    found = match([line(3, **SECOND)], charges, postbacks, "A")
    assert verdicts(found) == [(Verdict.MISSING_AT_GATEWAY, ()), (Verdict.MATCHED, (3,))]


def test_a_fee_spread_otherwise_over_the_invoices_is_the_same_fee() -> None:
    lines = [line(fee_cents=167), line(3, **SECOND | {"fee_cents": 83})]
    found = match(lines, [journal(), journal(**SECOND)], [hub(), hub(**SECOND)], "A")
    assert {row.verdict for row in found.rows} == {Verdict.MATCHED}


def test_an_invoice_number_with_a_comma_is_one_invoice() -> None:
    found = match([line(invoice="7,1")], [journal(invoice="7,1")], [hub(invoice="7,1")], "A")
    assert only(found).invoices == ("7,1",)


# -- the same charge twice -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "repeated"),
    [
        ([line(2), line(3)], (3,)),
        ([line(2, invoice=""), line(3, invoice="")], (3,)),
        ([line(2, amount_cents=9_900), line(3)], (2,)),
        ([line(2), line(3, invoice="")], (3,)),
        ([line(2, payment_guid=""), line(3, payment_guid="")], (3,)),
    ],
)
def test_a_line_that_lists_a_charge_again_is_a_duplicate(
    lines: list[SettlementLine], repeated: tuple[int, ...]
) -> None:
    found = match(lines, [journal()], [hub()], "A")
    assert [verdict for verdict, _ in verdicts(found)] == [Verdict.DUPLICATE, Verdict.MATCHED]
    assert found.rows[0].lines == repeated
    assert found.rows[0].notes[0].startswith("See line ")
    assert not found.agrees


def test_parts_of_a_charge_are_no_duplicates() -> None:
    """Two invoices of the same amount in a file without a column for invoices."""
    charges = [journal(amount_cents=5_000), journal(**SECOND)]
    lines = [line(2, invoice="", amount_cents=5_000), line(3, invoice="", amount_cents=5_000, fee_cents=0)]
    assert verdicts(match(lines, charges, None, "A")) == [(Verdict.MATCHED, (2, 3))]
    again = [*lines, line(4, invoice="", amount_cents=5_000, fee_cents=0)]
    assert verdicts(match(again, charges, None, "A")) == [
        (Verdict.DUPLICATE, (4,)),
        (Verdict.MATCHED, (2, 3)),
    ]


def test_a_charge_nobody_knows_is_a_duplicate_only_when_it_is_repeated_exactly() -> None:
    assert verdicts(match([line(2), line(3)], [], [], "A")) == [
        (Verdict.UNKNOWN, (2,)),
        (Verdict.DUPLICATE, (3,)),
    ]
    assert verdicts(match([line(2), line(3, **SECOND)], [], [], "A")) == [
        (Verdict.UNKNOWN, (2,)),
        (Verdict.UNKNOWN, (3,)),
    ]


def test_a_second_charge_of_the_same_payment_is_not_a_duplicate_line() -> None:
    """The payer was charged twice: two PaymentGUIDs, and the journal has one of them."""
    lines = [line(2), line(3, payment_guid=OTHER)]
    found = match(lines, [journal()], [hub(), hub(seq=2, payment_guid=OTHER)], "A")
    assert verdicts(found) == [(Verdict.MISSING_IN_JOURNAL, (3,)), (Verdict.MATCHED, (2,))]


# -- without a PaymentGUID -----------------------------------------------------------------------------------


def test_a_file_without_guids_is_matched_by_reference_and_amount() -> None:
    found = match([line(payment_guid="", invoice="")], [journal()], [hub()], "A")
    assert only(found).verdict is Verdict.MATCHED
    assert only(match([line(payment_guid="", reference="A-x")], [], [], "A")).verdict is Verdict.UNKNOWN
    short = match([line(payment_guid="", amount_cents=9_999)], [journal()], [hub()], "A")
    assert only(short).verdict is Verdict.AMOUNT_DIFFERS


def test_two_charges_of_a_reference_are_told_apart_by_amount() -> None:
    other = {"payment_guid": OTHER, "amount_cents": 5_000, "fee_cents": 100}
    lines = [line(2, payment_guid="", amount_cents=5_000, fee_cents=100), line(3, payment_guid="")]
    found = match(lines, [journal(), journal(**other)], [hub(), hub(**other)], "A")
    assert [(row.lines, row.payment_guid) for row in found.rows] == [((2,), OTHER), ((3,), GUID)]
    assert found.agrees


def test_what_an_enquiry_settled_is_found_by_its_reference() -> None:
    asked = journal(payment_guid="", fee_cents=None)
    assert only(match([line()], [asked], None, "A")).verdict is Verdict.MATCHED
    assert only(match([line()], [asked], [], "A")).verdict is Verdict.MISSING_AT_HUB
    assert only(match([line(payment_guid="")], [asked], None, "A")).verdict is Verdict.MATCHED


# -- refunds -------------------------------------------------------------------------------------------------


def test_a_refund_stands_apart_and_names_the_receipt() -> None:
    back = line(3, amount_cents=-10_000, fee_cents=-250, kind=LineKind.REFUND)
    found = match([line(), back], [journal()], [hub()], "A")
    assert verdicts(found) == [(Verdict.REFUND, (3,)), (Verdict.MATCHED, (2,))]
    assert found.rows[0].receipt == "A-000001"
    assert found.total().file_cents == 0
    assert not found.agrees


def back(row: int = 3, cents: int = -4_000, **changes: Any) -> SettlementLine:
    return line(row, amount_cents=cents, fee_cents=0, kind=LineKind.REFUND, **changes)


def asked(cents: int = 4_000, **changes: Any) -> JournalRefund:
    members: dict[str, Any] = {"is_done": False, "reference": REFERENCE, "payment_guids": (GUID,)}
    return JournalRefund("A-000001", "2026-02-04", Cents(cents), **members | changes)


@pytest.mark.parametrize(
    ("told", "refunds", "note"),
    [
        (back(), [asked()], "Asked for on 2026-02-04 and not recorded as made"),
        (back(payment_guid=OTHER), [asked()], "this file and line 3"),
        (back(), [asked(is_done=True)], "and recorded as made"),
        (back(), [asked(is_done=True), asked()], "not recorded as made"),
        (back(cents=-4_001), [asked()], "Another amount than was asked for: 40.00."),
        (back(), [], "asks for no such refund"),
    ],
)
def test_money_that_went_back_is_held_beside_what_was_asked_for(
    told: SettlementLine, refunds: list[JournalRefund], note: str
) -> None:
    found = match([line(), told], [journal()], None, "A", refunds=refunds)
    (row,) = found.of(Verdict.REFUND)
    assert row.receipt == "A-000001"
    assert len(row.notes) == 1 and note in row.notes[0]


def test_each_line_takes_one_refund_and_another_tills_says_nothing() -> None:
    lines = [back(3), back(4), back(5), back(6, payment_guid=OTHER, reference="B-1")]
    found = match(lines, [journal()], None, "A", refunds=[asked(), asked(is_done=True)])
    assert [row.notes[0].split(" on ")[0] if row.notes else "" for row in found.of(Verdict.REFUND)] == [
        "Asked for",
        "Asked for",
        "More than was asked for: other lines of this file are its refunds.",
        "",
    ]


def test_a_refund_that_the_file_tells_once_an_invoice_is_one() -> None:
    parts = [back(3, -3_000, invoice="700001"), back(4, -1_000, invoice="700002")]
    rows = match([*parts, back(5, -7)], [journal()], None, "A", refunds=[asked()]).of(Verdict.REFUND)
    assert ["Another amount" in row.notes[0] for row in rows] == [True] * 3, "together they are too much"
    rows = match(parts, [journal()], None, "A", refunds=[asked()]).of(Verdict.REFUND)
    assert ["not recorded as made" in row.notes[0] for row in rows] == [True] * 2


def test_the_journals_refunds_are_those_of_cards_with_what_became_of_them() -> None:
    drafts, memory = Drafts(), MemoryJournal("A", MovingClock())
    life = [draft for draft in drafts.paid_sale("s1") if draft.kind is not EntryKind.RECEIPT_ISSUED]
    memory.record([*life, drafts.receipt("s1", payment_id="p-s1")])
    why = ("other", "moved away", "Kim Clerk", "Robin Supervisor")

    def refund(name: str, kind: TenderKind, cents: int) -> Refund:
        done = kind is TenderKind.CASH
        return Refund(name, "A-000001", "2026-02-04", kind, Cents(cents), Cents(0), *why, is_done=done)

    seen = RefundConfirmed("r1", "A-000001", "2026-02-05", SeenAt.PORTAL, "R-77", "seen there", *why[2:])
    corrections = (
        refund("r1", TenderKind.CARD, 4_000),
        refund("r2", TenderKind.CARD, 500),
        refund("r3", TenderKind.CASH, 100),
        seen,
    )
    memory.record([correction_draft(f"c{n}", "s1", item) for n, item in enumerate(corrections)])
    found = journal_refunds(memory.entries())
    assert [(item.receipt, item.amount_cents, item.is_done) for item in found] == [
        ("A-000001", 4_000, True),
        ("A-000001", 500, False),
    ]
    assert {(item.reference, item.payment_guids) for item in found} == {("A-s1", ("G-1",))}


# -- whatever the sources say --------------------------------------------------------------------------------

_GUIDS = st.sampled_from([GUID, OTHER, ""])
_REFERENCES = st.sampled_from(["A-1", "A-2", "B-1"])
_INVOICES = st.sampled_from(["700001", "700002", "", "700001,700002"])
_CENTS = st.sampled_from([0, 1, 5_000, 10_000, 15_000])
_FEES = st.sampled_from([None, 0, 250])
_LINES = st.lists(
    st.builds(
        SettlementLine,
        st.integers(2, 99),
        _GUIDS,
        _REFERENCES,
        _INVOICES,
        _CENTS,
        _FEES,
        st.sampled_from(LineKind),
        st.none(),
    ),
    max_size=12,
    unique_by=lambda item: item.row,
)
_JOURNAL = st.lists(
    st.builds(
        journal,
        payment_guid=_GUIDS,
        reference=_REFERENCES,
        invoice=st.sampled_from(["700001", "700002"]),
        amount_cents=_CENTS,
        fee_cents=_FEES,
    ),
    max_size=6,
)
_HUB = st.none() | st.lists(
    st.builds(
        hub,
        till=st.sampled_from(["A", "B"]),
        payment_guid=_GUIDS,
        reference=_REFERENCES,
        invoice=_INVOICES,
        amount_cents=_CENTS | st.none(),
        fee_cents=_FEES,
        approved=st.sampled_from(Approved),
    ),
    max_size=6,
)


@given(_LINES, _JOURNAL, _HUB)
def test_every_cent_of_the_file_is_in_exactly_one_row(
    lines: list[SettlementLine], charges: list[JournalCharge], postbacks: list[HubCharge] | None
) -> None:
    found = match(lines, charges, postbacks, "A")
    assert sorted(number for row in found.rows for number in row.lines) == sorted(item.row for item in lines)
    amounts = {item.row: item.amount_cents for item in lines}
    for row in found.rows:
        assert (row.file is None) == (row.lines == ())
        if row.file is not None:
            assert row.file.amount_cents == sum(amounts[number] for number in row.lines)
    assert found.total().file_cents == sum(item.amount_cents for item in lines)
    assert found.total().journal_cents == sum(item.amount_cents for item in charges)
    totals = [found.total(verdict) for verdict in Verdict]
    assert sum(total.count for total in totals) == len(found.rows)
    assert sum(total.file_cents for total in totals) == found.total().file_cents


@given(_LINES, _JOURNAL, _HUB)
def test_matched_means_that_every_source_has_the_same_amount(
    lines: list[SettlementLine], charges: list[JournalCharge], postbacks: list[HubCharge] | None
) -> None:
    found = match(lines, charges, postbacks, "A")
    for row in found.of(Verdict.MATCHED):
        assert row.file is not None and row.journal is not None
        assert (row.hub is None) == (postbacks is None)
        assert row.file.amount_cents == row.journal.amount_cents
        assert row.hub is None or row.hub.amount_cents == row.file.amount_cents
    for row in found.of(Verdict.OTHER_TILL):
        assert row.till == "B"
        assert row.journal is None and row.hub is not None and row.hub.amount_cents == row.file.amount_cents  # type: ignore[union-attr]


# -- the journal's side --------------------------------------------------------------------------------------


def test_the_journals_charges_are_its_confirmations() -> None:
    kept, drafts = MemoryJournal("A", MovingClock()), Drafts()
    kept.record(drafts.paid_sale("s1"))
    kept.record(
        [drafts.sale("s2"), drafts.issued("p-s2", "s2"), drafts.hinted("p-s2", PaymentEvent.PAGE_OPENING)]
    )
    (charge,) = journal_charges(kept.entries())
    assert (charge.payment_guid, charge.reference, charge.invoice) == ("G-1", "A-p-s1", "700001")
    assert (charge.amount_cents, charge.fee_cents, charge.till, charge.vouched) == (22_418, 561, "A", False)
    told = next(entry for entry in kept.entries() if entry.kind is EntryKind.PAYMENT_TOLD)
    assert charge.at == told.at


def test_a_postback_takes_the_place_of_what_an_enquiry_said() -> None:
    kept, drafts = MemoryJournal("A", MovingClock()), Drafts()
    asked = confirmation(guid="") | {"service_fee_cents": 0}
    kept.record(
        [
            drafts.sale("s1"),
            drafts.issued("p-s1", "s1"),
            drafts.hinted("p-s1", PaymentEvent.PAGE_OPENING),
            drafts.told("p-s1", PaymentEvent.CONFIRMED_PAID, "the gateway says paid", asked),
        ]
    )
    (charge,) = journal_charges(kept.entries())
    assert (charge.payment_guid, charge.fee_cents, charge.amount_cents) == ("", None, 22_418)
    kept.record([drafts.told("p-s1", PaymentEvent.CONFIRMED_PAID, "APPROVED 727634", confirmation())])
    (charge,) = journal_charges(kept.entries())
    assert (charge.payment_guid, charge.fee_cents) == ("G-1", 561)


def test_the_word_of_two_people_counts_until_a_fact_comes() -> None:
    kept, drafts = MemoryJournal("A", MovingClock()), Drafts()
    kept.record(
        [
            drafts.sale("s1"),
            drafts.issued("p-s1", "s1"),
            drafts.hinted("p-s1", PaymentEvent.PAGE_OPENING),
            drafts.hinted("p-s1", PaymentEvent.PAGE_CLOSED),
            drafts.draft(
                EntryKind.PAYMENT_VOUCHED,
                "p-s1",
                {
                    "event": PaymentEvent.VOUCHED_PAID.value,
                    "state": "VOUCHED",
                    "authorisation": "727634",
                    "reason": "seen in the gateway's portal",
                    "asked_by": "Kim Clerk",
                    "approved_by": "Pat Supervisor",
                },
            ),
        ]
    )
    (charge,) = journal_charges(kept.entries())
    assert (charge.vouched, charge.payment_guid, charge.amount_cents) == (True, "", 22_418)
