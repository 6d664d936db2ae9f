"""X at any time, Z at the close: recorded with it, and the same byte for byte whatever comes later."""

import datetime as dt

import pytest

from cashier.domain.corrections import correction_draft
from cashier.domain.daily import ReportKind, Scope, figures_to_json
from cashier.domain.entries import Draft, EntryKind, canonical
from cashier.domain.errors import Discrepancy, Refused
from cashier.domain.payment import PaymentEvent
from cashier.till.day import z_text
from cashier.till.reporting import Counter, JournalDaybook, reported, x_report
from tests.helpers.daily import void
from tests.till.conftest import Desk

E = PaymentEvent
DAY = dt.date(2026, 2, 3)
SCOPE = Scope(DAY, DAY)


async def _sold(desk: Desk, code: str = "permit") -> None:
    await desk.open_page(code)
    desk.approve(convenience_fee_cents=desk.payment.expected_fee_cents)
    desk.till.new_sale()


def _report(desk: Desk, scope: Scope = SCOPE):  # type: ignore[no-untyped-def]
    return reported(JournalDaybook(desk.journal), Counter.of(desk.till.config), scope, desk.clock.now())


async def test_an_x_report_changes_nothing_and_may_be_taken_again(desk: Desk) -> None:
    await _sold(desk)
    count = len(list(desk.journal.entries()))
    daybook, counter = JournalDaybook(desk.journal), Counter.of(desk.till.config)
    first, second = (x_report(daybook, counter, DAY, desk.clock.now()) for _ in range(2))
    assert first == second
    assert (first.heading.kind, first.figures.taken.amount_cents) == (ReportKind.X, 10_000)
    assert len(list(desk.journal.entries())) == count
    await _sold(desk, "plan")
    assert x_report(daybook, counter, DAY, desk.clock.now()).figures.taken.count == 2


async def test_t5_a_z_is_recorded_and_the_same_after_a_late_approval(desk: Desk) -> None:
    await _sold(desk)
    late = await desk.open_page("plan")
    desk.hint(E.PAGE_CLOSED)
    body = desk.close_day().body
    text, z = z_text(body), _report(desk)
    assert z.heading.kind is ReportKind.Z
    assert canonical(figures_to_json(z.figures)) == canonical(body["report"]["figures"])
    assert [item.reference for item in z.carried] == [late.reference]
    desk.clock.advance(3 * 24 * 3600)
    desk.approve(late)
    assert _report(desk) == z
    (entry,) = desk.entries(EntryKind.DAY_CLOSED)
    assert z_text(entry.body) == text
    later = desk.clock.today()
    after = _report(desk, Scope(later, later))
    assert [(row.belongs_to, row.reference) for row in after.late] == [("2026-02-03", late.reference)]
    with pytest.raises(Refused, match="has its Z report"):
        x_report(JournalDaybook(desk.journal), Counter.of(desk.till.config), DAY, desk.clock.now())


async def test_r3_a_voided_receipt_is_in_the_close_and_in_no_total(desk: Desk) -> None:
    await _sold(desk)
    await _sold(desk, "plan")
    receipt = desk.journal.receipt("A-000002")
    assert receipt is not None
    desk.journal.record([correction_draft("v1", receipt.sale_id, void(receipt))])
    body = desk.close_day().body
    assert body["receipts"] == ["A-000001", "A-000002"]
    assert (body["total_cents"], body["tenders"]["card"]["count"]) == (10_000, 1)
    (numbers,) = body["report"]["numbers"]
    assert (numbers["voided"], numbers["gaps"]) == (["A-000002"], [])
    z = _report(desk)
    assert [(row.receipt, row.approver) for row in z.voids] == [("A-000002", "Robin Supervisor")]


async def test_a_close_that_the_journal_does_not_give_again_is_told(desk: Desk) -> None:
    await _sold(desk)
    desk.close_day()
    receipt = desk.journal.receipt("A-000001")
    assert receipt is not None

    class Fewer(JournalDaybook):
        def receipts(self, first: str, last: str):  # type: ignore[no-untyped-def]
            return iter(())

    with pytest.raises(Discrepancy, match="figures that the close"):
        reported(Fewer(desk.journal), Counter.of(desk.till.config), SCOPE, desk.clock.now())


async def test_days_and_clerks_are_put_together_from_the_journal(desk: Desk) -> None:
    await _sold(desk)
    desk.close_day()
    desk.clock.advance(24 * 3600)
    desk.next_shift()
    await _sold(desk, "plan")
    both = _report(desk, Scope(DAY, DAY + dt.timedelta(days=1)))
    assert (both.heading.kind, both.figures.taken.count) == (ReportKind.DAILY, 2)
    assert (both.numbers[0].first, both.numbers[0].last) == ("A-000001", "A-000002")
    assert _report(desk, Scope(DAY, DAY, clerk="Nobody")).figures.taken.count == 0


async def test_p9_what_a_person_has_to_see_to_is_on_the_z_and_stays_there(desk: Desk) -> None:
    await _sold(desk)
    reason = {"reason": "DUPLICATE PAYMENT of invoice 700001", "reference": "A-1"}
    (found,) = desk.journal.record([Draft("m1", EntryKind.DISCREPANCY_FOUND, "unknown-payment", reason)])
    body = desk.close_day().body
    assert body["report"]["matters"] == ["2026-02-03 DUPLICATE PAYMENT of invoice 700001"]
    desk.journal.record([Draft("m2", EntryKind.MATTER_SEEN, "unknown-payment", {"matter": found.id})])
    assert desk.journal.open_matters() == ()
    assert _report(desk).matters == ("2026-02-03 DUPLICATE PAYMENT of invoice 700001",)
