"""The fold of a payment over its entries."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cashier.domain.entries import Draft, Entry, EntryKind
from cashier.domain.errors import Discrepancy
from cashier.domain.fold import fold_payment, step
from cashier.domain.payment import (
    TRANSITIONS,
    Confirmation,
    InvoiceShare,
    NotAllowed,
    Payment,
    PaymentEvent,
    PaymentState,
    apply,
)
from tests.fakes.entries import Drafts, confirmation

E = PaymentEvent
S = PaymentState


def _entries(drafts: Iterable[Draft]) -> list[Entry]:
    return [
        Entry(seq, draft.id, draft.kind, "2026-02-03T15:04:05.123Z", "A", draft.subject, draft.body, "", "")
        for seq, draft in enumerate(drafts, start=1)
    ]


def _fold(*drafts: Draft) -> Payment:
    return fold_payment(_entries(drafts))


def test_an_issued_payment_has_all_that_was_recorded() -> None:
    drafts = Drafts()
    two = [{"number": "7-6", "amount_cents": 22000}, {"number": "7-43", "amount_cents": 418}]
    assert _fold(drafts.issued("p1", "s1", invoices=two, minimum_cents=500)) == Payment(
        id="p1",
        sale_id="s1",
        reference="A-p1",
        till="A",
        biller="Building",
        cashier="Kim Clerk",
        issued_at="2026-02-03T15:04:05.123Z",
        amount_cents=22418,  # type: ignore[arg-type]
        expected_fee_cents=561,  # type: ignore[arg-type]
        invoices=(InvoiceShare("7-6", 22000), InvoiceShare("7-43", 418)),  # type: ignore[arg-type]
        minimum_cents=500,  # type: ignore[arg-type]
        reader="Window 1",
        request='{"BalanceDue": "224.18"}',
        state=S.ISSUED,
        moved_at="2026-02-03T15:04:05.123Z",
    )


def test_confirmations_add_up_over_several_facts() -> None:
    drafts = Drafts()
    payment = _fold(
        drafts.issued("p1", "s1"),
        drafts.hinted("p1", E.PAGE_OPENING),
        drafts.told("p1", E.PART_CONFIRMED, "ok", confirmation("7-6", 22000)),
        drafts.told("p1", E.CONFIRMED_PAID, "ok", confirmation("7-43", 418)),
    )
    assert payment.state is S.APPROVED
    assert payment.confirmed_cents == 22418
    assert payment.service_fee_cents == 1122
    assert payment.confirmations[1] == Confirmation("7-43", 418, 561, "G-1", "VISA", "APPROVED 727634")  # type: ignore[arg-type]


def test_declines_and_reviews_keep_their_reasons() -> None:
    drafts = Drafts()
    payment = _fold(
        drafts.issued("p1", "s1"),
        drafts.hinted("p1", E.PAGE_OPENING),
        drafts.told("p1", E.CONFIRMED_DECLINED, "insufficient funds"),
        drafts.hinted("p1", E.PAGE_SUBMITTED),
        drafts.told("p1", E.CONFIRMED_DECLINED, "expired"),
        drafts.told("p1", E.NEEDS_REVIEW, "another amount"),
        drafts.draft(EntryKind.DISCREPANCY_FOUND, "p1", {"reason": "another amount", "postback": "x"}),
        drafts.draft(EntryKind.DISCREPANCY_FOUND, "p1", {"reason": "DUPLICATE PAYMENT"}),
        drafts.draft(EntryKind.POSTBACK_REPEATED, "p1", {"reason": "again"}),
    )
    assert payment.state is S.IN_DOUBT
    assert payment.declines == ("insufficient funds", "expired")
    assert payment.reviews == ("another amount", "DUPLICATE PAYMENT")
    assert payment.confirmations == ()


@given(st.lists(st.sampled_from(PaymentEvent), max_size=12))
def test_the_fold_goes_as_the_table_goes(events: list[PaymentEvent]) -> None:
    drafts, state = Drafts(), S.ISSUED
    recorded = [drafts.issued("p1", "s1")]
    for event in events:
        if (state, event) not in TRANSITIONS:
            with pytest.raises(NotAllowed):
                apply(state, event)
            continue
        state = apply(state, event)
        recorded.append(drafts.told("p1", event, "because"))
    assert _fold(*recorded).state is state


@pytest.mark.parametrize("event", PaymentEvent)
@pytest.mark.parametrize("recorded", PaymentState)
def test_only_the_state_of_the_table_is_believed(event: PaymentEvent, recorded: PaymentState) -> None:
    drafts = Drafts()
    body: dict[str, Any] = {"event": event.value, "state": recorded.value, "reason": "r", "confirmations": []}
    entries = _entries([drafts.issued("p1", "s1"), drafts.draft(EntryKind.PAYMENT_TOLD, "p1", body)])
    if TRANSITIONS.get((S.ISSUED, event)) is recorded:
        assert fold_payment(entries).state is recorded
    else:
        with pytest.raises(Discrepancy, match="Entry 2"):
            fold_payment(entries)


def test_what_does_not_follow_is_a_discrepancy() -> None:
    drafts = Drafts()
    issued, opened = _entries([drafts.issued("p1", "s1"), drafts.hinted("p1", E.PAGE_OPENING)])
    payment = step(None, issued)
    with pytest.raises(Discrepancy, match="second time"):
        step(payment, issued)
    with pytest.raises(Discrepancy, match="never issued"):
        step(None, opened)
    drafts.issued("p2", "s1")
    (other,) = _entries([drafts.hinted("p2", E.PAGE_OPENING)])
    with pytest.raises(Discrepancy, match="not about payment p1"):
        step(payment, other)
    (sale,) = _entries([drafts.sale("p1")])
    with pytest.raises(Discrepancy, match="cannot be about a payment"):
        step(payment, sale)
    (unknown,) = _entries([drafts.draft(EntryKind.PAYMENT_HINTED, "p1", {"event": "magic", "state": "OPEN"})])
    with pytest.raises(Discrepancy, match="magic"):
        step(payment, unknown)


def test_no_entries_are_no_payment() -> None:
    with pytest.raises(ValueError, match="without entries"):
        fold_payment([])
