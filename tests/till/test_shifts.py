"""Shifts: no money without one, a blind count, two people, and a close that waits for nobody."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from cashier.domain.daily import ReportKind, Scope
from cashier.domain.entries import EntryKind
from cashier.domain.errors import Refused, Unavailable
from cashier.domain.money import Cents
from cashier.domain.payment import PaymentEvent
from cashier.domain.people import Role
from cashier.domain.receipt import Tender, TenderKind
from cashier.domain.shift import Count, Outcome, Pile, ShiftState
from cashier.till.config import DrawerRules
from cashier.till.day import z_text
from cashier.till.reporting import Counter, JournalDaybook, reported
from cashier.till.shifts import NO_SHIFT, Review
from tests.fakes.people import CLERK, CLERK_PIN, PIN, SUPERVISOR, at_once, hire
from tests.fakes.shifts import FLOAT, counted, right_count
from tests.till.conftest import Desk

K, S, E = TenderKind, ShiftState, PaymentEvent
WHO = {"supervisor": SUPERVISOR, "pin": PIN}
DAY = dt.date(2026, 2, 3)


def cash(cents: int) -> Tender:
    return Tender(K.CASH, Cents(0), received_cents=Cents(cents))


def sell(desk: Desk, tender: Tender, code: str = "permit") -> None:
    """A sale that one tender pays."""
    desk.fill(code)
    assert desk.till.take_tender(tender).receipt is not None
    desk.till.new_sale()


def sign_in(desk: Desk, name: str, pin: str) -> None:
    desk.till.people.sign_out()
    at_once(desk.till.people.sign_in(name, pin))


def other_count(desk: Desk, cash_cents: int = 0, checks: int = 0) -> Count:
    """A count that is off by so much."""
    piles = dict(desk.till.shifts._open_shift().drawer)
    piles[K.CASH] = piles[K.CASH].plus(cash_cents)
    piles[K.CHECK] = piles[K.CHECK].plus(checks, 0)
    return counted(piles, desk.till.config.drawer.denominations)


def state(desk: Desk) -> ShiftState:
    view = desk.till.shifts.view()
    assert view is not None
    return view.state


def drawer_cash(desk: Desk) -> int:
    return desk.till.shifts._open_shift().drawer[K.CASH].amount_cents


# -- T1 ----------------------------------------------------------------------------------------------------


async def test_t1_without_a_shift_no_money_is_taken_and_opening_needs_the_starting_cash(desk: Desk) -> None:
    desk.close_day()
    desk.fill()
    before = len(list(desk.journal.entries()))
    with pytest.raises(Refused, match="No shift is open"):
        desk.till.take_tender(cash(10_000))
    with pytest.raises(Refused, match="No shift is open"):
        await desk.till.pay_by_card()
    snapshot = desk.till.snapshot()
    assert (snapshot.no_money, snapshot.draft.card_refusal, snapshot.draft.drawer_refusal) == (
        NO_SHIFT,
        NO_SHIFT,
        NO_SHIFT,
    )
    with pytest.raises(Refused, match="cash that the drawer starts with"):
        desk.till.shifts.open(None)
    assert len(list(desk.journal.entries())) == before
    desk.till.shifts.open(Cents(0))
    assert desk.till.take_tender(cash(10_000)).receipt is not None


def test_t1_a_shift_that_cannot_be_recorded_is_not_open(desk: Desk) -> None:
    desk.close_day()
    desk.journal.disk_full = True
    with pytest.raises(Unavailable):
        desk.till.shifts.open(FLOAT)
    desk.journal.disk_full = False
    assert desk.till.shifts.refusal() == NO_SHIFT


def test_one_shift_at_a_time(desk: Desk) -> None:
    with pytest.raises(Refused, match=f"The shift of {CLERK} is open"):
        desk.till.shifts.open(FLOAT)


async def test_another_clerk_takes_no_money_in_somebody_elses_shift_and_a_supervisor_may(desk: Desk) -> None:
    hire(desk.till.people, "Lee Other", Role.CLERK, "3141")
    sign_in(desk, "Lee Other", "3141")
    desk.fill()
    for verb in (lambda: desk.till.take_tender(cash(10_000)), desk.till.shifts.suspend):
        with pytest.raises(Refused, match=f"This is the shift of {CLERK}"):
            verb()
    with pytest.raises(Refused, match=f"This is the shift of {CLERK}"):
        await desk.till.pay_by_card()
    sign_in(desk, SUPERVISOR, PIN)
    assert desk.till.take_tender(cash(10_000)).receipt is not None


def test_a_suspended_shift_takes_no_money_until_it_is_resumed(desk: Desk) -> None:
    desk.till.shifts.suspend()
    desk.fill()
    with pytest.raises(Refused, match="suspended"):
        desk.till.take_tender(cash(10_000))
    desk.restart()
    assert state(desk) is S.SUSPENDED
    desk.till.shifts.resume()
    desk.fill()
    assert desk.till.take_tender(cash(10_000)).receipt is not None


# -- T2, T3 ------------------------------------------------------------------------------------------------


def test_t2_a_clerk_counts_blind_every_tender_and_blank_is_not_zero(desk: Desk) -> None:
    sell(desk, cash(10_000))
    shifts = desk.till.shifts
    with pytest.raises(Refused, match="see expected totals"):
        shifts.expected()
    with pytest.raises(Refused, match="print reports"):
        desk.till.report(Scope(DAY, DAY))
    right = right_count(shifts)
    for blank, named in (
        (replace(right, pieces={**right.pieces, 25: None}), r"Count 0\.25"),
        (replace(right, others={**right.others, K.CHECK: None}), "Count the checks"),
        (replace(right, others={K.CHECK: Pile()}), "Count the money orders"),
        (replace(right, pieces={10_000: 3}), "every bill and coin"),
        (replace(right, pieces={**right.pieces, 25: -1}), "cannot be right"),
        (replace(right, others={**right.others, K.CHECK: Pile(0, 500)}), "do not go together"),
    ):
        with pytest.raises(Refused, match=named):
            shifts.count(blank)
    assert state(desk) is S.OPEN
    # 300.00 by its bills and coins, and not by a sum that somebody types.
    assert shifts.count(right) is Outcome.BALANCED
    view = shifts.view()
    assert "30000" not in repr(view) and "300.00" not in repr(view)


async def test_t3_a_difference_is_counted_again_and_known_to_the_supervisor_alone(make_desk: Any) -> None:
    desk: Desk = make_desk(drawer=DrawerRules(variance_limit_cents=Cents(499)))
    sell(desk, cash(10_000))
    shifts = desk.till.shifts
    assert shifts.count(other_count(desk, -500)) is Outcome.RECOUNT
    with pytest.raises(Refused, match="once more"):
        await shifts.review(**WHO)
    assert shifts.count(other_count(desk, -500)) is Outcome.APPROVAL
    counts = desk.entries(EntryKind.SHIFT_COUNTED)
    assert [entry.body["outcome"] for entry in counts] == ["recount", "approval"], "both are kept"
    assert "500" not in repr(shifts.view())
    with pytest.raises(Refused, match="not accepted yet"):
        shifts.close()
    with pytest.raises(Refused, match="second person"):
        await shifts.review(CLERK, CLERK_PIN)
    review = await shifts.review(**WHO)
    assert (review.count.over_cents[K.CASH], review.count.net_over_cents) == (-500, -500)
    with pytest.raises(Refused, match="Write a reason"):
        shifts.approve(review, "")
    shifts.approve(review, "a five dollar bill was given as change by mistake")
    body = shifts.close().body
    assert (body["over_cents"]["cash"], body["approver"], body["counted_by"]) == (-500, SUPERVISOR, CLERK)


async def test_t3_whoever_counted_does_not_approve_it(desk: Desk) -> None:
    hire(desk.till.people, "Pat Second", Role.SUPERVISOR, "314159")
    sign_in(desk, SUPERVISOR, PIN)
    for _ in range(2):
        desk.till.shifts.count(other_count(desk, 10_000))
    sign_in(desk, CLERK, CLERK_PIN)
    with pytest.raises(Refused, match="counted the drawer cannot approve"):
        await desk.till.shifts.review(**WHO)
    assert (await desk.till.shifts.review("Pat Second", "314159")).supervisor.name == "Pat Second"


async def test_t3_a_rejected_count_is_made_again(desk: Desk) -> None:
    shifts = desk.till.shifts
    for _ in range(2):
        shifts.count(other_count(desk, 10_000))
    review = await shifts.review(**WHO)
    shifts.reject(review, "the bag from this morning was counted, too")
    assert state(desk) is S.REJECTED
    for decide in (shifts.approve, shifts.reject):
        with pytest.raises(Refused, match="no count that waits"):
            decide(review, "a look is good for one decision")
    assert shifts.count(right_count(shifts)) is Outcome.BALANCED


async def test_a_look_at_one_count_decides_about_no_other(desk: Desk) -> None:
    shifts = desk.till.shifts
    for _ in range(2):
        shifts.count(other_count(desk, 10_000))
    review = await shifts.review(**WHO)
    forged = Review(review.shift, review.count, review.supervisor)
    with pytest.raises(Refused, match="counted again"):
        shifts.approve(forged, "made up by somebody else")
    shifts.count(other_count(desk, 9_000))
    with pytest.raises(Refused, match="counted again"):
        shifts.approve(review, "of the count before this one")


def test_a_small_difference_is_accepted_after_a_recount_and_recorded(desk: Desk) -> None:
    shifts = desk.till.shifts
    assert shifts.count(other_count(desk, 500)) is Outcome.RECOUNT
    assert shifts.count(other_count(desk, 500)) is Outcome.BALANCED
    body = shifts.close().body
    assert (body["over_cents"], body["off_cents"], body["approver"]) == (
        {"cash": 500, "check": 0, "money_order": 0},
        500,
        "",
    )


def test_one_tender_over_hides_no_other_that_is_short(desk: Desk) -> None:
    sell(desk, Tender(K.CHECK, Cents(10_000), number="1001"))
    for _ in range(2):
        outcome = desk.till.shifts.count(other_count(desk, 600, -600))
    assert outcome is Outcome.APPROVAL


def test_a_check_that_is_missing_is_a_difference_though_the_sum_is_right(desk: Desk) -> None:
    for number in ("1001", "1002"):
        sell(desk, Tender(K.CHECK, Cents(4_000), number=number), "plan")
    count = right_count(desk.till.shifts)
    fewer = replace(count, others={**count.others, K.CHECK: Pile(1, 8_000)})
    assert desk.till.shifts.count(fewer) is Outcome.RECOUNT


def test_a_counted_drawer_stays_as_it_is_until_the_shift_goes_on(desk: Desk) -> None:
    desk.till.shifts.count(right_count(desk.till.shifts))
    desk.fill()
    with pytest.raises(Refused, match="being counted"):
        desk.till.take_tender(cash(10_000))
    with pytest.raises(Refused, match="being counted"):
        desk.till.shifts.pay_in(Cents(1_000), "change from the bank")
    desk.till.shifts.resume()
    assert desk.till.take_tender(cash(10_000)).receipt is not None
    with pytest.raises(Refused, match="Count the drawer first"):
        desk.till.shifts.close()


# -- T4, T5, T6 --------------------------------------------------------------------------------------------


async def test_t4_a_shift_closes_with_what_is_in_doubt_carried_by_name_and_the_next_opens_with_it(
    desk: Desk,
) -> None:
    sell(desk, cash(4_000), "plan")
    desk.fill()
    desk.till.take_tender(cash(4_000))
    await desk.till.pay_by_card()
    doubtful = desk.payment
    with pytest.raises(Refused, match="still open"):
        desk.till.shifts.count(right_count(desk.till.shifts))
    desk.hint(E.PAGE_CLOSED)
    assert (desk.till.shifts.carried().payments, len(desk.till.shifts.carried().held)) == (1, 1)
    z = desk.close_day()
    names = [(item["amount_cents"], item["state"]) for item in z.body["carried"]]
    assert names == [(6_000, "IN_DOUBT"), (4_000, "HELD cash")]
    assert z.body["total_cents"] == 4_000, "what is in doubt is in no total"
    (closed,) = desk.entries(EntryKind.SHIFT_CLOSED)
    assert closed.body["carried"] == z.body["carried"]
    assert closed.body["deposit_cents"]["cash"] == 4_000, "money that waits beside a card is not deposited"
    desk.clock.advance(24 * 3600)
    desk.next_shift()
    (_, opened) = desk.entries(EntryKind.SHIFT_OPENED)
    assert [item["reference"] for item in opened.body["carried"]] == [doubtful.reference]
    assert drawer_cash(desk) == FLOAT + 4_000
    told = desk.approve(doubtful)
    assert told.receipt is not None and told.receipt.paid_cents == 10_000
    assert drawer_cash(desk) == FLOAT + 4_000
    assert desk.close_day().body["carried"] == []


async def test_money_that_can_be_seen_to_is_seen_to_before_the_count(desk: Desk) -> None:
    desk.fill()
    taken = desk.till.take_tender(cash(4_000))
    with pytest.raises(Refused, match=r"40\.00 was taken and is on no receipt"):
        desk.till.shifts.count(right_count(desk.till.shifts))
    (held,) = desk.till.snapshot().draft.held
    desk.till.give_back(held.sale_id, [taken.tender.id], "the payer went away")
    assert desk.till.shifts.count(right_count(desk.till.shifts)) is Outcome.BALANCED


async def test_t5_a_day_that_was_only_told_late_is_closed_by_the_next_shift(desk: Desk) -> None:
    payment = await desk.open_page()
    desk.hint(E.PAGE_CLOSED)
    desk.close_day()
    desk.clock.advance(24 * 3600)
    told = desk.approve(payment)
    assert told.receipt is not None
    assert (told.receipt.business_date, told.receipt.belongs_to) == ("2026-02-04", "2026-02-03")
    desk.clock.advance(24 * 3600)
    desk.next_shift()
    closes = desk.entries(EntryKind.DAY_CLOSED)
    assert [(z.body["business_date"], z.body["receipts"]) for z in closes] == [
        ("2026-02-03", []),
        ("2026-02-04", ["A-000001"]),
    ]


async def test_t6_a_closed_day_is_opened_again_as_its_next_revision_and_the_old_z_stays(desk: Desk) -> None:
    sell(desk, cash(10_000))
    first = desk.close_day()
    text = z_text(first.body)
    scope, counter = Scope(DAY, DAY), Counter.of(desk.till.config)
    old = reported(JournalDaybook(desk.journal), counter, scope, desk.clock.now())
    reason = "a check was left under the tray"
    with pytest.raises(Refused, match="may not reopen a day"):
        desk.till.shifts.reopen(reason)
    sign_in(desk, SUPERVISOR, PIN)
    with pytest.raises(Refused, match="Write a reason"):
        desk.till.shifts.reopen("no")
    desk.till.shifts.reopen(reason)
    assert (state(desk), desk.till.business_date) == (S.REOPENED, DAY)
    sign_in(desk, CLERK, CLERK_PIN)
    sell(desk, Tender(K.CHECK, Cents(4_000), number="1001"), "plan")
    # Balanced, and still to be approved once more.
    assert desk.till.shifts.count(right_count(desk.till.shifts)) is Outcome.APPROVAL
    desk.till.shifts.approve(await desk.till.shifts.review(**WHO), "counted together, it is right")
    second = desk.till.shifts.close(closes_day=False)
    assert second.body["revision"] == 2
    assert [z.body["receipts"] for z in desk.entries(EntryKind.DAY_CLOSED)] == [
        ["A-000001"],
        ["A-000001", "A-000002"],
    ], "a day that was closed is closed again, whatever was said"
    assert z_text(desk.entries(EntryKind.DAY_CLOSED)[0].body) == text
    book, now = JournalDaybook(desk.journal), desk.clock.now()
    again = reported(book, counter, replace(scope, revision=1), now)
    assert replace(again, scope=old.scope) == old
    new = reported(book, counter, scope, now)
    assert (new.heading.kind, new.heading.revision, new.figures.taken.count) == (ReportKind.Z, 2, 2)
    assert [(row.number, row.revision) for row in new.shifts] == [(1, 2)]
    with pytest.raises(Refused, match="no revision 3"):
        reported(book, counter, replace(scope, revision=3), now)


def test_t6_only_the_newest_shift_is_opened_again(desk: Desk) -> None:
    desk.close_day()
    desk.next_shift()
    sign_in(desk, SUPERVISOR, PIN)
    with pytest.raises(Refused, match="no closed shift"):
        desk.till.shifts.reopen("yesterday was not right after all")


async def test_t6_no_day_is_opened_again_behind_a_later_one_that_is_closed(desk: Desk) -> None:
    payment = await desk.open_page()
    desk.hint(E.PAGE_CLOSED)
    desk.close_day()
    desk.clock.advance(24 * 3600)
    assert desk.approve(payment).receipt is not None
    desk.till.close_day()
    sign_in(desk, SUPERVISOR, PIN)
    with pytest.raises(Refused, match="2026-02-04 is closed already"):
        desk.till.shifts.reopen("yesterday was not right after all")


def test_two_shifts_of_one_day_are_both_on_its_z(desk: Desk) -> None:
    sell(desk, cash(10_000))
    desk.till.shifts.count(right_count(desk.till.shifts))
    desk.till.shifts.close(closes_day=False)
    assert desk.entries(EntryKind.DAY_CLOSED) == []
    desk.next_shift()
    sell(desk, cash(4_000), "plan")
    z = desk.close_day()
    assert z.body["receipts"] == ["A-000001", "A-000002"]
    report = reported(
        JournalDaybook(desk.journal), Counter.of(desk.till.config), Scope(DAY, DAY), desk.clock.now()
    )
    assert [(row.number, row.deposit_cents[K.CASH]) for row in report.shifts] == [(1, 10_000), (2, 4_000)]


# -- T7 ----------------------------------------------------------------------------------------------------


async def test_t7_the_report_lists_every_instrument_and_its_drawer_is_what_was_counted(desk: Desk) -> None:
    desk.fill("permit", "tech", "plan")
    due = desk.till.snapshot().draft.due_cents
    for number, cents in (("1001", 5_000), ("1002", 5_000), ("1003", due - 10_000)):
        taken = desk.till.take_tender(Tender(K.CHECK, Cents(cents), number=number))
    assert taken.receipt is not None
    desk.till.new_sale()
    for code in ("permit", "plan", "plan"):
        sell(desk, cash(10_000), code)
    why = {"reason": "wrong amount", "text": "the payer asked for another", **WHO}
    await desk.till.corrections.void("A-000003", **why)
    await desk.till.corrections.refund("A-000002", K.CASH, Cents(2_500), **why)
    z = desk.close_day()
    report = reported(
        JournalDaybook(desk.journal), Counter.of(desk.till.config), Scope(DAY, DAY), desk.clock.now()
    )
    assert [item.number for item in report.of_kind(K.CHECK)] == ["1001", "1002", "1003"]
    assert ([row.receipt for row in report.voids], [row.receipt for row in report.refunds]) == (
        ["A-000003"],
        ["A-000002"],
    )
    for kind, tally in report.figures.tenders.items():
        assert tally.amount_cents == sum(item.amount_cents for item in report.of_kind(kind))
    assert z.body["total_cents"] == report.figures.taken.amount_cents
    (row,) = report.shifts
    for kind, tally in report.figures.drawer.items():
        assert row.deposit_cents[kind] == tally.amount_cents, "the count is the drawer's"
        assert row.over_cents[kind] == 0
    assert row.counted[K.CHECK] == Pile(3, due)


# -- T8 ----------------------------------------------------------------------------------------------------


def test_t8_the_business_date_is_the_shifts_past_midnight_and_a_changed_clock(desk: Desk) -> None:
    desk.clock.advance(24 * 3600)
    sell(desk, cash(10_000))
    view = desk.till.shifts.view()
    assert view is not None
    assert "This shift is of 2026-02-03" in view.date_warning
    desk.clock.advance(-3 * 24 * 3600)
    sell(desk, cash(4_000), "plan")
    view = desk.till.shifts.view()
    assert view is not None
    assert "clock was set back" in view.date_warning
    receipts = [desk.journal.receipt(number) for number in desk.receipts()]
    assert [receipt.business_date for receipt in receipts if receipt] == ["2026-02-03", "2026-02-03"]
    entries = list(desk.journal.entries())
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert entries[-1].at < entries[0].at, "order is by sequence, not by the clock"


def test_t8_the_date_is_chosen_when_the_shift_opens_and_never_goes_back(desk: Desk) -> None:
    desk.close_day()
    days = desk.till.shifts.dates()
    assert days[0] == dt.date(2026, 2, 4)
    assert min(days) == dt.date(2026, 2, 4), "none before the day that was closed"
    with pytest.raises(Refused, match="2026-02-03"):
        desk.till.shifts.open(FLOAT, DAY)
    desk.till.shifts.open(FLOAT, dt.date(2026, 2, 6))
    assert desk.till.business_date == dt.date(2026, 2, 6)


# -- T9 and cash in and out --------------------------------------------------------------------------------


async def test_t9_cash_above_the_limits_warns_and_then_waits_for_a_drop_by_two_people(make_desk: Any) -> None:
    rules = DrawerRules(soft_limit_cents=Cents(25_000), hard_limit_cents=Cents(35_000))
    desk: Desk = make_desk(drawer=rules)
    warnings = []
    for _ in range(2):
        warnings.append(_warning(desk))
        sell(desk, cash(10_000))
    assert (warnings[0], warnings[1][:26], _warning(desk)[:26]) == (
        "",
        "The drawer holds 250.00 or",
        "The drawer holds 250.00 or",
    )
    desk.fill()
    before = len(list(desk.journal.entries()))
    with pytest.raises(Refused, match="Two people must log a drop"):
        desk.till.take_tender(cash(10_000))
    assert len(list(desk.journal.entries())) == before
    assert desk.till.take_tender(Tender(K.CHECK, Cents(10_000), number="1001")).receipt is not None
    desk.till.new_sale()
    shifts = desk.till.shifts
    with pytest.raises(Refused, match="second person"):
        await shifts.drop(Cents(20_000), "B-17", supervisor=CLERK, pin=CLERK_PIN)
    with pytest.raises(Refused, match="number of the bag"):
        await shifts.drop(Cents(20_000), " ", **WHO)
    with pytest.raises(Refused, match="more cash than the drawer"):
        await shifts.drop(Cents(99_000), "B-17", **WHO)
    await shifts.drop(Cents(20_000), "B-17", **WHO)
    (dropped,) = desk.entries(EntryKind.CASH_DROPPED)
    assert dropped.body == {
        "amount_cents": 20_000,
        "reason": "B-17",
        "by": CLERK,
        "approver": SUPERVISOR,
    }
    assert (_warning(desk), drawer_cash(desk)) == ("", 20_000)
    sell(desk, cash(10_000))


def _warning(desk: Desk) -> str:
    view = desk.till.snapshot().shift
    assert view is not None
    return view.cash_warning


def test_cash_paid_in_and_out_is_expected_and_named(desk: Desk) -> None:
    shifts = desk.till.shifts
    shifts.pay_in(Cents(5_000), "change from the bank")
    shifts.pay_out(Cents(1_250), "postage for certified mail")
    assert drawer_cash(desk) == FLOAT + 3_750
    with pytest.raises(Refused, match="more cash than the drawer"):
        shifts.pay_out(Cents(99_999), "more than there is in it")
    for amount, reason in ((0, "nothing was paid in"), (-5, "less than nothing"), (100, "why")):
        with pytest.raises(Refused):
            shifts.pay_in(Cents(amount), reason)
    body = desk.close_day() and desk.entries(EntryKind.SHIFT_CLOSED)[-1].body
    assert (body["paid_in_cents"], body["paid_out_cents"], body["deposit_cents"]["cash"]) == (
        5_000,
        1_250,
        3_750,
    )


async def test_no_more_cash_is_given_back_than_lies_in_the_drawer(desk: Desk) -> None:
    sell(desk, cash(10_000))
    await desk.till.shifts.drop(Cents(25_000), "B-18", **WHO)
    why = {"reason": "wrong amount", "text": "the payer asked for another", **WHO}
    for verb in (
        lambda: desk.till.corrections.void("A-000001", **why),
        lambda: desk.till.corrections.refund("A-000001", K.CASH, Cents(10_000), **why),
    ):
        with pytest.raises(Refused, match="not that much cash in the drawer"):
            await verb()
    asked = [entry.body["permission"] for entry in desk.entries(EntryKind.PERMISSION_USED)]
    assert asked == ["APPROVE_DROP"], "no supervisor is asked for what cannot be"
    desk.till.shifts.pay_in(Cents(10_000), "from the safe, for a refund")
    await desk.till.corrections.void("A-000001", **why)
    assert drawer_cash(desk) == 5_000


async def test_cash_that_is_held_for_a_sale_stays_in_the_drawer(desk: Desk) -> None:
    desk.fill()
    taken = desk.till.take_tender(cash(4_000))
    (held,) = desk.till.snapshot().draft.held
    with pytest.raises(Refused, match="more cash than the drawer"):
        desk.till.shifts.pay_out(Cents(FLOAT + 1), "all there is, and of the payer's one cent")
    desk.till.shifts.pay_out(FLOAT, "all that is not a payer's")
    desk.till.give_back(held.sale_id, [taken.tender.id], "the payer came back for it")
    assert drawer_cash(desk) == 0


async def test_v2_a_receipt_of_a_closed_shift_is_refunded_and_not_void_even_on_its_day(desk: Desk) -> None:
    sell(desk, cash(10_000))
    desk.till.shifts.count(right_count(desk.till.shifts))
    desk.till.shifts.close(closes_day=False)
    desk.next_shift()
    receipt = desk.till.receipt("A-000001")
    assert receipt is not None and receipt.business_date == desk.till.business_date.isoformat()
    assert "Only a refund" in desk.till.corrections.void_refusal(receipt)


def test_a_journal_that_contradicts_itself_takes_no_money_and_says_so(desk: Desk) -> None:
    (opened,) = desk.entries(EntryKind.SHIFT_OPENED)
    drafts = desk.till.shifts._draft(EntryKind.SHIFT_CLOSED, opened.subject, dict(opened.body))
    desk.journal.record([drafts])
    desk.restart(shift=False)
    assert "Verify the journal" in desk.till.snapshot().no_money
    desk.fill()
    with pytest.raises(Refused, match="Verify the journal"):
        desk.till.take_tender(cash(10_000))
