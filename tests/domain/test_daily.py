"""The daily receipts: rows, what was undone beside them, and totals that are nothing but the sums of rows."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cashier.domain.corrections import Correction
from cashier.domain.daily import Allocation, Carried, DailyReport, Scope, Tally, figures_to_json
from cashier.domain.daily_fold import undone_spread
from cashier.domain.entries import canonical
from cashier.domain.money import Cents
from cashier.domain.receipt import Receipt, Tender, TenderKind
from tests.helpers.daily import (
    DAY,
    K,
    card,
    cash,
    check,
    receipt,
    refund,
    report_of,
    returned,
    void,
    whole_day,
)


def add_up(report: DailyReport) -> None:
    """Every figure again, from the rows alone and in another way than the fold has it."""
    figures = report.figures
    for kind in TenderKind:
        rows = [row for row in report.instruments if row.kind is kind]
        told = figures.tenders.get(kind, Tally())
        assert (told.count, told.amount_cents) == (len(rows), sum(row.amount_cents for row in rows))
        assert told.service_fee_cents == sum(row.service_fee_cents for row in rows)
        done = [row for row in report.refunds if row.is_done and row.kind is kind]
        back = figures.refunds.get(kind, Tally())
        assert (back.count, back.amount_cents) == (len(done), sum(row.amount_cents for row in done))
    assert figures.returned.amount_cents == sum(row.amount_cents for row in report.returned)
    assert figures.voids.amount_cents == sum(row.amount_cents for row in report.voids)
    for void_row in report.voids:
        assert void_row.amount_cents == sum(row.amount_cents for row in void_row.instruments)
    assert figures.receipts.count == len({row.receipt for row in report.instruments})
    assert sum(tally.amount_cents for tally in figures.hours.values()) == figures.taken.amount_cents
    assert sum(share.amount_cents for share in report.allocations) == figures.net_cents
    for name, flow in figures.types.items():
        own = [share.amount_cents for share in report.allocations if share.type_id == name]
        assert (flow.net_cents, flow.taken_cents) == (sum(own), sum(cents for cents in own if cents > 0))
    for account, flow in figures.accounts.items():
        own = [share.amount_cents for share in report.allocations if share.account == account]
        assert flow.net_cents == sum(own)
    for flows in (figures.types, figures.accounts):
        assert sum(flow.taken_cents for flow in flows.values()) == figures.taken.amount_cents


def test_t7_three_checks_on_one_receipt_cash_a_refund_and_a_void() -> None:
    checks = receipt(1, check(4_000, "1001"), check(5_000, "1002"), check(1_000, "1003"))
    by_cash, taken_back = receipt(2, cash(12_345, 15_000)), receipt(3, cash(500), check(700, "1004"))
    report = report_of([checks, by_cash, taken_back], [refund(by_cash, 2_000), void(taken_back)])
    rows = report.of_kind(K.CHECK)
    assert [(row.number, row.bank, row.drawn_by, row.amount_cents, row.receipt) for row in rows] == [
        ("1001", "First Sample Bank", "Robin Example", 4_000, "A-000001"),
        ("1002", "First Sample Bank", "Robin Example", 5_000, "A-000001"),
        ("1003", "First Sample Bank", "Robin Example", 1_000, "A-000001"),
    ]
    assert report.figures.tenders == {K.CASH: Tally(1, 12_345), K.CHECK: Tally(3, 10_000)}
    assert [row.receipt for row in report.refunds] == ["A-000002"]
    assert [row.receipt for row in report.voids] == ["A-000003"]
    assert report.figures.net_cents == 12_345 + 10_000 - 2_000
    # What is counted in the drawer: three checks, and the cash less the cash that was given back.
    assert report.figures.drawer[K.CHECK] == Tally(3, 10_000)
    assert report.figures.drawer[K.CASH].amount_cents == 10_345
    add_up(report)


def test_r3_a_voided_number_is_present_as_void_with_reason_requester_and_approver() -> None:
    receipts = [receipt(number, cash(1_000)) for number in (1, 2, 3)]
    report = report_of(receipts, [void(receipts[1])])
    (numbers,) = report.numbers
    assert (numbers.first, numbers.last, numbers.count) == ("A-000001", "A-000003", 3)
    assert (numbers.voided, numbers.gaps) == (("A-000002",), ())
    (row,) = report.voids
    assert (row.reason, row.text, row.requester, row.approver) == (
        "wrong permit or customer",
        "the neighbour's permit",
        "Kim Clerk",
        "Robin Supervisor",
    )
    assert report.figures.tenders == {K.CASH: Tally(2, 2_000)}


def test_r3_a_missing_number_is_a_gap_with_what_the_journal_knows_of_it() -> None:
    earlier = replace(receipt(2, cash(100)), business_date="2026-02-02")
    report = report_of([receipt(1, cash(100)), receipt(4, cash(100))], earlier=[earlier])
    (numbers,) = report.numbers
    assert [(gap.number, gap.reason) for gap in numbers.gaps] == [
        ("A-000002", "on business date 2026-02-02"),
        ("A-000003", "not in this journal: find out why, and write it here"),
    ]


def test_r3_numbers_missing_before_the_first_of_a_day_are_a_gap_too() -> None:
    earlier = replace(receipt(3, cash(100)), business_date="2026-02-02")
    report = report_of([receipt(6, cash(100))], earlier=[earlier])
    assert [gap.number for gap in report.numbers[0].gaps] == ["A-000004", "A-000005"]
    alone = report_of([receipt(400, cash(100))])
    assert len(alone.numbers[0].gaps) <= 201


def test_t5_a_late_approval_counts_on_its_day_and_names_the_closed_one() -> None:
    report = report_of([receipt(1, card(7_777, 194), belongs_to="2026-02-01"), receipt(2, card(100))])
    assert [(row.receipt, row.belongs_to) for row in report.late] == [("A-000001", "2026-02-01")]
    assert report.figures.tenders[K.CARD] == Tally(2, 7_877, 194)


def test_t4_what_is_in_doubt_is_named_and_in_no_total() -> None:
    carried = (Carried("A-0197", 22_418, "IN_DOUBT", "2026-02-03T20:01:00Z", "2026-02-03"),)
    report = report_of([receipt(1, cash(500))], carried=carried)
    assert report.carried == carried
    assert (report.figures.taken, report.figures.net_cents) == (Tally(1, 500), 500)


def test_s2_a_part_payment_is_told_by_permit_type_and_account_to_the_cent() -> None:
    report = report_of([receipt(1, cash(4_001), total=(3_001, 9_000))])
    assert [(share.type_id, share.account, share.amount_cents) for share in report.allocations] == [
        (6, "001-3200", 1_000),
        (6, "001-3290", 2_001),
        (93, "001-3210", 1_000),
    ]
    assert {share.permit for share in report.allocations} == {"BLD-26-000001"}
    add_up(report)


def test_a_card_refund_that_was_asked_for_is_in_no_total_until_it_is_done() -> None:
    paid = receipt(1, card(10_000, 250))
    asked = refund(paid, 4_000, K.CARD, done=False)
    report = report_of([paid], [asked])
    assert report.figures.net_cents == 10_000
    assert report.figures.refunds_asked == Tally(1, 4_000)
    done = report_of([paid], [asked, replace(asked, is_done=True)])
    assert [row.is_done for row in done.refunds] == [True]
    assert done.figures.net_cents == 6_000
    add_up(done)


def test_a_refund_takes_back_last_what_was_paid_first_across_repeats() -> None:
    paid = receipt(1, cash(12_000), total=(3_000, 9_000))
    whole = dict(undone_spread(paid, 0, 12_000))
    assert sum(whole.values()) == 12_000
    assert undone_spread(paid, 0, 6_000) == {(93, "001-3290"): 6_000}
    assert undone_spread(paid, 6_000, 4_000) == {(93, "001-3210"): 3_000, (6, "001-3290"): 1_000}
    assert undone_spread(None, 0, 700) == {(0, ""): 700}


def test_a_refund_of_an_earlier_day_counts_on_the_day_it_happens() -> None:
    earlier = replace(receipt(1, check(9_000, "88")), business_date="2026-02-02")
    first = replace(refund(earlier, 1_000, id="r0"), business_date="2026-02-02")
    report = report_of([receipt(2, cash(500))], [first, refund(earlier, 2_500)], earlier=[earlier])
    assert [(row.receipt, row.amount_cents) for row in report.refunds] == [("A-000001", 2_500)]
    assert report.figures.net_cents == -2_000
    add_up(report)


def test_one_clerk_or_till_has_its_own_rows_and_every_number_is_still_looked_for() -> None:
    receipts = [receipt(1, cash(100)), receipt(2, cash(200), cashier="Lee Other"), receipt(3, cash(400))]
    report = report_of(receipts, [void(receipts[1])], scope=Scope(DAY, DAY, clerk="Kim Clerk"))
    assert [row.receipt for row in report.instruments] == ["A-000001", "A-000003"]
    assert report.voids == ()
    assert (report.numbers[0].gaps, report.numbers[0].voided) == ((), ("A-000002",))
    assert report_of(receipts, scope=Scope(DAY, DAY, till="B")).instruments == ()
    add_up(report)


def test_what_no_fee_accounts_for_is_told_apart() -> None:
    over = receipt(1, cash(1_000), invoices=())
    report = report_of([over])
    assert report.allocations == (Allocation("A-000001", "BLD-26-000001", 0, "", 1_000),)
    assert report.type_name(0) == "no invoice"


def test_an_empty_day_has_a_report_of_nothing() -> None:
    report = report_of([])
    assert (report.figures.taken, report.numbers, report.figures.hours) == (Tally(), (), {})
    add_up(report)


def test_the_whole_made_up_day_adds_up() -> None:
    add_up(whole_day())


# -- properties --------------------------------------------------------------------------------------------

amounts = st.integers(1, 500_000)
tenders = st.one_of(
    st.builds(lambda cents, extra: cash(cents, cents + extra), amounts, st.integers(0, 5_000)),
    st.builds(lambda cents, number: check(cents, str(number)), amounts, st.integers(1, 99_999)),
    st.builds(lambda cents: Tender(K.MONEY_ORDER, Cents(cents), number="MO-1"), amounts),
    st.builds(card, amounts, st.integers(0, 9_999), st.sampled_from(["VISA", "AMEX", ""])),
    st.builds(lambda cents: Tender(K.BANK, Cents(cents), Cents(95)), amounts),
)


@st.composite
def days(draw: st.DrawFn) -> tuple[list[Receipt], list[Correction]]:
    """Receipts of any mix of tenders, whole and in part, with what undoes them."""
    receipts: list[Receipt] = []
    corrections: list[Correction] = []
    for sequence in range(1, draw(st.integers(0, 8)) + 1):
        taken = draw(st.lists(tenders, min_size=1, max_size=4))
        paid = sum(tender.amount_cents for tender in taken)
        cuts = sorted(draw(st.lists(st.integers(0, paid), max_size=3)))
        parts = [end - start for start, end in zip([0, *cuts], [*cuts, paid], strict=True)]
        parts[-1] += draw(st.integers(0, 1_000))
        before = draw(st.integers(0, min(500, sum(parts) - paid)))
        made = receipt(sequence, *taken, total=tuple(parts), paid_before_cents=Cents(before))
        receipts.append(replace(made, cashier=draw(st.sampled_from(["Kim Clerk", "Lee Other"]))))
        match draw(st.sampled_from(["kept", "void", "refund", "returned", "both"])):
            case "void":
                corrections.append(void(receipts[-1]))
            case "refund":
                kind = draw(st.sampled_from([K.CASH, K.CHECK, K.CARD]))
                done = draw(st.booleans())
                back = draw(st.integers(1, paid))
                corrections.append(refund(receipts[-1], back, kind, done=done, id=f"r{sequence}"))
            case "returned":
                corrections.append(returned(receipts[-1], draw(st.integers(1, paid))))
            case "both":
                first = draw(st.integers(0, paid - 1))
                if first:
                    corrections.append(refund(receipts[-1], first, id=f"r{sequence}"))
                corrections.append(refund(receipts[-1], paid - first, id=f"s{sequence}"))
            case _:
                pass
    return receipts, corrections


@given(days(), st.sampled_from(["", "Kim Clerk", "Lee Other"]))
@settings(max_examples=150)
def test_sums_of_rows_are_the_totals_and_no_cent_appears_or_vanishes(
    day: tuple[list[Receipt], list[Correction]], clerk: str
) -> None:
    receipts, corrections = day
    add_up(report_of(receipts, corrections, scope=Scope(DAY, DAY, clerk=clerk)))
    report = report_of(receipts, corrections)
    paid = sum(item.paid_cents for item in receipts)
    assert report.figures.taken.amount_cents + report.figures.voids.amount_cents == paid
    gone = report.figures.refunded.amount_cents + report.figures.returned.amount_cents
    assert report.figures.net_cents == paid - report.figures.voids.amount_cents - gone
    # A whole refund takes back of every account what the receipt paid of it.
    for item in receipts:
        own = [share for share in report.allocations if share.receipt == item.number]
        if sum(share.amount_cents for share in own) == 0:
            accounts = {(share.type_id, share.account) for share in own}
            for key in accounts:
                rest = [share.amount_cents for share in own if (share.type_id, share.account) == key]
                assert sum(rest) == 0
    assert canonical(figures_to_json(report.figures)) == canonical(
        figures_to_json(report_of(receipts, corrections).figures)
    )


@given(days())
@settings(max_examples=50)
def test_clerks_together_are_everybody(day: tuple[list[Receipt], list[Correction]]) -> None:
    receipts, _corrections = day
    parts = [report_of(receipts, scope=Scope(DAY, DAY, clerk=name)) for name in ("Kim Clerk", "Lee Other")]
    whole = report_of(receipts)
    assert sum(part.figures.taken.amount_cents for part in parts) == whole.figures.taken.amount_cents
    assert sum(part.figures.taken.count for part in parts) == whole.figures.taken.count


def test_the_figures_are_plain_members_without_floats() -> None:
    assert '"net_cents"' in canonical(figures_to_json(whole_day().figures))
    with pytest.raises(TypeError):
        canonical({"net": 1.0})
