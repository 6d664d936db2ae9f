"""The table of payment states, spelled out a second time: each pair is listed here or refused."""

import itertools

import pytest

from cashier.domain.payment import (
    FACTS,
    HINTS,
    LOCKING,
    PAGE_HINTS,
    TRANSITIONS,
    UNSETTLED,
    Confirmation,
    NotAllowed,
    PaymentEvent,
    PaymentState,
    apply,
)
from tests.helpers.payments import make_payment

S, E = PaymentState, PaymentEvent

EXPECTED: dict[PaymentState, dict[PaymentEvent, PaymentState]] = {
    S.ISSUED: {
        E.CARD_DECLINED: S.IN_DOUBT,
        E.PAGE_OPENING: S.OPEN,
        E.GIVEN_UP_UNOPENED: S.ABANDONED,
        E.TILL_RESTARTED: S.ISSUED,
        E.CONFIRMED_PAID: S.APPROVED,
        E.CONFIRMED_DECLINED: S.DECLINED,
        E.CONFIRMED_UNPAID: S.ABANDONED,
        E.PART_CONFIRMED: S.IN_DOUBT,
        E.NEEDS_REVIEW: S.IN_DOUBT,
    },
    S.OPEN: {
        E.CARD_DECLINED: S.OPEN,
        E.LINE_LOST: S.IN_DOUBT,
        E.READER_LOST: S.IN_DOUBT,
        E.PAGE_SUBMITTED: S.OPEN,
        E.PAGE_RETURNED: S.IN_DOUBT,
        E.PAGE_CLOSED: S.IN_DOUBT,
        E.PAGE_FAILED: S.IN_DOUBT,
        E.RENDERER_DIED: S.IN_DOUBT,
        E.TILL_RESTARTED: S.IN_DOUBT,
        E.CONFIRMED_PAID: S.APPROVED,
        E.CONFIRMED_DECLINED: S.DECLINED,
        E.CONFIRMED_UNPAID: S.ABANDONED,
        E.PART_CONFIRMED: S.OPEN,
        E.NEEDS_REVIEW: S.IN_DOUBT,
    },
    S.IN_DOUBT: {
        E.CARD_DECLINED: S.IN_DOUBT,
        E.REST_UNPAID: S.APPROVED,
        E.VOUCHED_PAID: S.VOUCHED,
        E.PAGE_SUBMITTED: S.IN_DOUBT,
        E.PAGE_RETURNED: S.IN_DOUBT,
        E.PAGE_CLOSED: S.IN_DOUBT,
        E.PAGE_FAILED: S.IN_DOUBT,
        E.RENDERER_DIED: S.IN_DOUBT,
        E.TILL_RESTARTED: S.IN_DOUBT,
        E.CONFIRMED_PAID: S.APPROVED,
        E.CONFIRMED_DECLINED: S.DECLINED,
        E.CONFIRMED_UNPAID: S.ABANDONED,
        E.PART_CONFIRMED: S.IN_DOUBT,
        E.NEEDS_REVIEW: S.IN_DOUBT,
    },
    S.VOUCHED: {
        E.PAGE_SUBMITTED: S.VOUCHED,
        E.PAGE_RETURNED: S.VOUCHED,
        E.PAGE_CLOSED: S.VOUCHED,
        E.PAGE_FAILED: S.VOUCHED,
        E.RENDERER_DIED: S.VOUCHED,
        E.TILL_RESTARTED: S.VOUCHED,
        E.CONFIRMED_PAID: S.APPROVED,
        E.CARD_DECLINED: S.VOUCHED,
        E.CONFIRMED_DECLINED: S.VOUCHED,
        E.CONFIRMED_UNPAID: S.VOUCHED,
        E.PART_CONFIRMED: S.VOUCHED,
        E.NEEDS_REVIEW: S.VOUCHED,
    },
    S.DECLINED: {
        E.CARD_DECLINED: S.DECLINED,
        E.PAGE_SUBMITTED: S.OPEN,
        E.PAGE_RETURNED: S.DECLINED,
        E.PAGE_CLOSED: S.DECLINED,
        E.PAGE_FAILED: S.DECLINED,
        E.RENDERER_DIED: S.DECLINED,
        E.TILL_RESTARTED: S.DECLINED,
        E.CONFIRMED_PAID: S.APPROVED,
        E.CONFIRMED_DECLINED: S.DECLINED,
        E.PART_CONFIRMED: S.IN_DOUBT,
        E.NEEDS_REVIEW: S.IN_DOUBT,
    },
    S.ABANDONED: {
        E.CARD_DECLINED: S.ABANDONED,
        E.PAGE_SUBMITTED: S.IN_DOUBT,
        E.CONFIRMED_PAID: S.APPROVED,
        E.CONFIRMED_DECLINED: S.ABANDONED,
        E.PART_CONFIRMED: S.IN_DOUBT,
        E.NEEDS_REVIEW: S.IN_DOUBT,
    },
    S.APPROVED: {
        E.CARD_DECLINED: S.APPROVED,
        E.PAGE_SUBMITTED: S.APPROVED,
        E.PAGE_RETURNED: S.APPROVED,
        E.PAGE_CLOSED: S.APPROVED,
        E.PAGE_FAILED: S.APPROVED,
        E.RENDERER_DIED: S.APPROVED,
        E.TILL_RESTARTED: S.APPROVED,
        E.CONFIRMED_PAID: S.APPROVED,
        E.CONFIRMED_DECLINED: S.APPROVED,
        E.PART_CONFIRMED: S.APPROVED,
        E.NEEDS_REVIEW: S.APPROVED,
    },
}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(S, E)))
def test_every_pair_is_listed_or_refused(state: PaymentState, event: PaymentEvent) -> None:
    wanted = EXPECTED[state].get(event)
    assert TRANSITIONS.get((state, event)) is wanted
    if wanted is None:
        with pytest.raises(NotAllowed, match=f"{event} is not allowed in {state}"):
            apply(state, event)
    else:
        assert apply(state, event) is wanted


def test_events_are_hints_or_facts_and_page_hints_are_hints() -> None:
    assert set(E) == FACTS | HINTS | {E.VOUCHED_PAID}
    assert not FACTS & HINTS
    assert PAGE_HINTS < HINTS
    assert E.GIVEN_UP_UNOPENED not in PAGE_HINTS


@pytest.mark.parametrize("event", sorted(HINTS))
def test_p17_a_hint_ends_no_payment_except_giving_up_an_unopened_one(event: PaymentEvent) -> None:
    settled = {S.APPROVED, S.DECLINED, S.ABANDONED}
    ends = {state for state in S if state not in settled and TRANSITIONS.get((state, event)) in settled}
    assert ends == ({S.ISSUED} if event is E.GIVEN_UP_UNOPENED else set())


@pytest.mark.parametrize("event", sorted(HINTS))
def test_a_hint_never_leads_from_one_end_to_another(event: PaymentEvent) -> None:
    for state in (S.APPROVED, S.DECLINED, S.ABANDONED):
        assert TRANSITIONS.get((state, event), state) in (state, S.OPEN, S.IN_DOUBT)


@pytest.mark.parametrize("event", list(E))
def test_p12_nothing_leaves_approved(event: PaymentEvent) -> None:
    assert TRANSITIONS.get((S.APPROVED, event), S.APPROVED) is S.APPROVED


@pytest.mark.parametrize("event", list(E))
def test_p6_only_a_fact_or_two_people_leave_doubt(event: PaymentEvent) -> None:
    if TRANSITIONS.get((S.IN_DOUBT, event), S.IN_DOUBT) is not S.IN_DOUBT:
        assert event in FACTS | {E.VOUCHED_PAID}


@pytest.mark.parametrize("event", list(E))
def test_p19_only_the_gateways_own_word_ends_a_vouch(event: PaymentEvent) -> None:
    after = TRANSITIONS.get((S.VOUCHED, event), S.VOUCHED)
    assert after is (S.APPROVED if event is E.CONFIRMED_PAID else S.VOUCHED)


def test_a_vouched_payment_is_unsettled_and_locks_nothing() -> None:
    assert LOCKING | {S.VOUCHED} == UNSETTLED


@pytest.mark.parametrize("state", list(S))
def test_p7_an_approval_wins_over_everything(state: PaymentState) -> None:
    assert apply(state, E.CONFIRMED_PAID) is S.APPROVED


@pytest.mark.parametrize("state", list(S))
def test_what_can_still_take_money_locks_the_sale(state: PaymentState) -> None:
    locked = {S.ISSUED, S.OPEN, S.IN_DOUBT}
    assert make_payment(state=state).locks_sale is (state in locked)
    assert frozenset(locked) == LOCKING


def test_a_payments_sums_are_its_confirmations() -> None:
    payment = make_payment(
        10_000,
        4_000,
        confirmations=(
            Confirmation("700001-6", 10_000, 250, "g", "VISA", "ok"),  # type: ignore[arg-type]
            Confirmation("700001-43", 4_000, 100, "g", "VISA", "ok"),  # type: ignore[arg-type]
        ),
    )
    assert (payment.confirmed_cents, payment.service_fee_cents) == (14_000, 350)
