"""The one reconciler: what each kind of postback means for a payment, one by one and in every order."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cashier.domain.entries import EntryKind
from cashier.domain.payment import InvoiceShare, Payment, PaymentEvent, PaymentState
from cashier.domain.postback import Approved, Postback
from cashier.domain.scrub import scrub_card_numbers
from cashier.till.reconcile import charge_id, judge
from tests.helpers.payments import (
    BILLER_GUID,
    GUID,
    after,
    judged,
    make_payment,
    told_all,
    told_declined,
    told_each,
)

S, E = PaymentState, PaymentEvent
REPEATED = EntryKind.POSTBACK_REPEATED


# -- one postback ------------------------------------------------------------------------------------------


def test_a_matched_approval_pays_exactly_what_was_launched() -> None:
    payment = make_payment(14_550)
    verdict = judge(payment, told_all(payment), BILLER_GUID)
    assert (verdict.kind, verdict.event) == (EntryKind.PAYMENT_TOLD, E.CONFIRMED_PAID)
    assert (verdict.reason, verdict.discrepancy) == ("APPROVED 727634", "")
    (confirmation,) = verdict.confirmations
    assert (confirmation.invoice_number, confirmation.amount_cents) == ("700001-6", 14_550)
    assert (confirmation.service_fee_cents, confirmation.payment_guid) == (250, GUID)
    assert (confirmation.card_type, confirmation.message) == ("VISA", "APPROVED 727634")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"payment_amount_cents": 9_999}, "reports 99.99, launched were 100.00"),
        ({"payment_amount_cents": 10_001}, "reports 100.01, launched were 100.00"),
        ({"payment_amount_cents": 0}, "reports 0.00, launched were 100.00"),
        ({"payment_amount_cents": None}, "reports no amount, launched were 100.00"),
        ({"payment_amount_cents": 1_000_000}, "reports 10,000.00, launched were 100.00"),
        ({"biller_reference": "A-another"}, "another payment reference"),
        ({"biller_reference": ""}, "another payment reference"),
        ({"invoice_number": "700002-6"}, "an invoice that was not launched"),
        ({"invoice_number": "700001-6,700002-6"}, "an invoice that was not launched"),
        ({"invoice_number": ""}, "an invoice that was not launched"),
        ({"invoice_number": " , ;"}, "an invoice that was not launched"),
        ({"biller_guid": "7c9e6679-0000-40de-944b-e07fc1f90ae7"}, "another biller"),
        ({"biller_guid": ""}, "another biller"),
        ({"approved": Approved.UNCLEAR}, "neither approved nor declined"),
        ({"payment_guid": ""}, "gave no payment id"),
        ({"faults": ("PaymentAmount is missing",)}, "not as agreed: PaymentAmount is missing"),
        ({"approved": Approved.NO, "faults": ("odd",)}, "not as agreed: odd"),
        ({"approved": Approved.NO, "invoice_number": "700002-6"}, "an invoice that was not launched"),
    ],
)
@pytest.mark.parametrize("state", list(S))
def test_p13_what_does_not_match_is_for_a_person(
    state: PaymentState, changes: dict[str, Any], reason: str
) -> None:
    payment = make_payment(state=state)
    verdict = judge(payment, told_all(payment, **changes), BILLER_GUID)
    assert (verdict.kind, verdict.event, verdict.confirmations) == (
        EntryKind.PAYMENT_TOLD,
        E.NEEDS_REVIEW,
        (),
    )
    assert reason in verdict.reason
    certain = state in (S.APPROVED, S.VOUCHED)
    assert verdict.discrepancy == (verdict.reason if certain else "")
    assert after(payment, verdict).state is (state if certain else S.IN_DOUBT)


def test_the_biller_is_compared_without_case_and_only_when_it_is_known() -> None:
    payment = make_payment()
    assert (
        judge(payment, told_all(payment, biller_guid=BILLER_GUID.upper()), BILLER_GUID).event
        is E.CONFIRMED_PAID
    )
    assert judge(payment, told_all(payment, biller_guid="another"), "").event is E.CONFIRMED_PAID


@pytest.mark.parametrize("state", [S.ISSUED, S.OPEN, S.IN_DOUBT])
def test_p7_an_approval_ends_every_waiting(state: PaymentState) -> None:
    payment = make_payment(state=state)
    verdict = judge(payment, told_all(payment), BILLER_GUID)
    assert (verdict.event, verdict.discrepancy) == (E.CONFIRMED_PAID, "")


@pytest.mark.parametrize("state", [S.DECLINED, S.ABANDONED])
def test_p9_an_approval_after_the_end_is_paid_and_a_discrepancy(state: PaymentState) -> None:
    payment = make_payment(state=state)
    verdict = judge(payment, told_all(payment), BILLER_GUID)
    assert (verdict.event, after(payment, verdict).state) == (E.CONFIRMED_PAID, S.APPROVED)
    assert "approved after it was taken to be over" in verdict.discrepancy


# -- the same again ----------------------------------------------------------------------------------------


def test_p10_the_same_approval_again_is_a_repetition() -> None:
    payment, _ = judged(make_payment(), told_all(make_payment()))
    verdict = judge(payment, told_all(payment), BILLER_GUID)
    assert (verdict.kind, verdict.event, verdict.confirmations) == (REPEATED, None, ())


@pytest.mark.parametrize("state", [S.APPROVED, S.IN_DOUBT])
def test_a_second_charge_is_for_a_person(state: PaymentState) -> None:
    payment, _ = judged(make_payment(), told_all(make_payment()))
    payment = replace(payment, state=state)
    verdict = judge(payment, told_all(payment, payment_guid="another-charge"), BILLER_GUID)
    assert (verdict.event, verdict.confirmations) == (E.NEEDS_REVIEW, ())
    assert "a second charge" in verdict.reason
    assert bool(verdict.discrepancy) is (state is S.APPROVED)


@pytest.mark.parametrize("cents", [9_999, 10_001, 5_000, 20_000])
def test_a_repetition_with_another_amount_is_for_a_person(cents: int) -> None:
    payment, _ = judged(make_payment(minimum_cents=100), told_all(make_payment()))
    verdict = judge(payment, told_all(payment, payment_amount_cents=cents), BILLER_GUID)
    assert (verdict.event, verdict.confirmations) == (E.NEEDS_REVIEW, ())
    assert "with another amount" in verdict.discrepancy


def test_p12_a_decline_of_the_approved_charge_does_not_undo_it_and_is_a_discrepancy() -> None:
    payment, _ = judged(make_payment(), told_all(make_payment()))
    verdict = judge(payment, told_declined(payment, GUID), BILLER_GUID)
    assert "approved and then declined" in verdict.discrepancy
    assert after(payment, verdict).state is S.APPROVED


def test_p12_a_late_decline_of_an_earlier_card_changes_nothing_after_an_approval() -> None:
    payment, _ = judged(make_payment(), told_all(make_payment()))
    verdict = judge(payment, told_declined(payment), BILLER_GUID)
    assert (verdict.event, verdict.discrepancy) == (E.CARD_DECLINED, "")
    assert after(payment, verdict).state is S.APPROVED


# -- declines ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "then"), [(S.ISSUED, S.IN_DOUBT), (S.OPEN, S.OPEN), (S.IN_DOUBT, S.IN_DOUBT)]
)
def test_a_decline_speaks_of_one_card_with_the_gateways_words(
    state: PaymentState, then: PaymentState
) -> None:
    payment = make_payment(state=state)
    verdict = judge(payment, told_declined(payment), BILLER_GUID)
    assert (verdict.event, verdict.reason) == (E.CARD_DECLINED, "DECLINED - DO NOT HONOR")
    assert after(payment, verdict).state is then
    assert judge(payment, told_declined(payment, payment_message=""), BILLER_GUID).reason == "declined"


@pytest.mark.parametrize("state", [S.OPEN, S.IN_DOUBT])
def test_a_decline_told_again_does_not_end_the_try_of_another_card(state: PaymentState) -> None:
    """The payer pressed on with a second card; the first decline comes once more, or an invoice at a time."""
    payment = make_payment(10_000, 4_000, state=state)
    for each in told_each(payment, approved=Approved.NO, payment_guid="d-1"):
        verdict = judge(payment, each, BILLER_GUID, {"d-1"})
        assert (verdict.kind, verdict.event) == (REPEATED, None)
    assert judge(payment, told_declined(payment, "d-2"), BILLER_GUID, {"d-1"}).event is E.CARD_DECLINED


def test_declines_without_an_id_are_told_apart_by_date_and_message() -> None:
    payment = make_payment()
    first = told_declined(payment, "")
    known = {charge_id(first.payment_guid, first.payment_date, first.payment_message)}
    later = replace(first, payment_date="2/3/2026 10:07:00 AM")
    assert judge(payment, first, BILLER_GUID, known).event is None
    assert judge(payment, later, BILLER_GUID, known).event is E.CARD_DECLINED


@pytest.mark.parametrize("state", [S.OPEN, S.IN_DOUBT])
def test_a_decline_beside_a_paid_part_never_says_that_no_money_was_taken(state: PaymentState) -> None:
    payment = make_payment(10_000, 4_000, state=state)
    first, second = told_each(payment)
    part, _ = judged(payment, first)
    for decline in (told_declined(part), replace(second, approved=Approved.NO)):
        verdict = judge(part, decline, BILLER_GUID)
        assert after(part, verdict).state in (S.OPEN, S.IN_DOUBT)
    contradiction = judge(part, replace(second, approved=Approved.NO), BILLER_GUID)
    assert contradiction.event is E.NEEDS_REVIEW
    done, _ = judged(part, told_declined(part), second)
    assert done.state is S.APPROVED


# -- parts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minimum", "cents", "paid"),
    [
        (None, 4_000, False),
        (4_000, 4_000, True),
        (1, 1, True),
        (4_000, 3_999, False),
        (4_000, 9_999, True),
        (4_000, 10_000, True),
        (4_000, 10_001, False),
        (0, 0, False),
    ],
)
def test_p14_a_part_counts_from_the_minimum_that_was_launched(
    minimum: int | None, cents: int, paid: bool
) -> None:
    payment = make_payment(minimum_cents=minimum)
    verdict = judge(payment, told_all(payment, payment_amount_cents=cents), BILLER_GUID)
    assert verdict.event is (E.CONFIRMED_PAID if paid else E.NEEDS_REVIEW)
    assert sum(item.amount_cents for item in verdict.confirmations) == (cents if paid else 0)


def test_p14_a_part_told_again_is_a_repetition_and_the_whole_after_it_is_not() -> None:
    payment = make_payment(minimum_cents=1_000)
    part = told_all(payment, payment_amount_cents=4_000)
    paid, _ = judged(payment, part)
    assert judge(paid, part, BILLER_GUID).kind is REPEATED
    for cents in (6_000, 10_000, 4_001):
        again = judge(paid, replace(part, payment_amount_cents=cents), BILLER_GUID)
        assert (again.event, again.confirmations) == (E.NEEDS_REVIEW, ())
        assert "another amount" in again.discrepancy


def test_several_invoices_cannot_be_paid_in_part() -> None:
    payment = make_payment(10_000, 4_000, minimum_cents=1_000)
    verdict = judge(payment, told_all(payment, payment_amount_cents=5_000), BILLER_GUID)
    assert verdict.event is E.NEEDS_REVIEW


# -- several invoices --------------------------------------------------------------------------------------

THREE = (10_000, 4_000, 550)


def test_one_postback_an_invoice_pays_when_the_last_has_come() -> None:
    payment = make_payment(*THREE)
    paid, verdicts = judged(payment, *told_each(payment))
    assert [verdict.event for verdict in verdicts] == [E.PART_CONFIRMED, E.PART_CONFIRMED, E.CONFIRMED_PAID]
    assert (paid.state, paid.confirmed_cents, paid.service_fee_cents) == (S.APPROVED, 14_550, 250)


@pytest.mark.parametrize(
    "names",
    [
        "700001-6,700001-43,700001-93",
        "700001-93; 700001-6 ;700001-43;",
        " 700001-6 , 700001-43 , 700001-93 ",
        "700001-43",
    ],
)
def test_one_postback_for_all_pays_all_however_it_names_them(names: str) -> None:
    payment = make_payment(*THREE)
    paid, (verdict,) = judged(payment, told_all(payment, invoice_number=names))
    assert verdict.event is E.CONFIRMED_PAID
    assert {item.invoice_number: item.amount_cents for item in paid.confirmations} == {
        "700001-6": 10_000,
        "700001-43": 4_000,
        "700001-93": 550,
    }
    assert paid.service_fee_cents == 250


def test_one_for_all_after_one_of_them_confirms_the_rest_with_the_rest_of_the_fee() -> None:
    payment = make_payment(*THREE)
    first = told_each(payment, fee_cents=100)[0]
    for whole in (told_all(payment), told_all(payment, invoice_number="700001-6")):
        paid, verdicts = judged(payment, first, whole, first, whole)
        assert [verdict.event for verdict in verdicts] == [E.PART_CONFIRMED, E.CONFIRMED_PAID, None, None]
        assert (paid.confirmed_cents, paid.service_fee_cents) == (14_550, 250)


def test_each_invoice_may_carry_its_own_service_fee() -> None:
    payment = make_payment(*THREE)
    each = [
        replace(told, convenience_fee_cents=fee)
        for told, fee in zip(told_each(payment), (175, 65, 10), strict=True)
    ]
    paid, _ = judged(payment, *each)
    assert paid.service_fee_cents == 250


def test_a_list_of_some_of_the_invoices_pays_those() -> None:
    payment = make_payment(*THREE)
    some = told_all(payment, invoice_number="700001-6,700001-93", payment_amount_cents=10_550)
    part, (verdict,) = judged(payment, some)
    assert (verdict.event, part.confirmed_cents) == (E.PART_CONFIRMED, 10_550)
    paid, _ = judged(part, told_each(payment)[1])
    assert (paid.state, paid.confirmed_cents) == (S.APPROVED, 14_550)


@pytest.mark.parametrize("cents", [14_549, 10_000, 14_551])
def test_p13_a_wrong_sum_for_several_invoices_is_for_a_person(cents: int) -> None:
    payment = make_payment(*THREE)
    assert judge(payment, told_all(payment, payment_amount_cents=cents), BILLER_GUID).event is E.NEEDS_REVIEW


def test_p13_an_amount_on_the_wrong_invoice_is_for_a_person() -> None:
    payment = make_payment(*THREE)
    wrong = told_all(payment, invoice_number="700001-43", payment_amount_cents=10_000)
    assert judge(payment, wrong, BILLER_GUID).event is E.NEEDS_REVIEW


def test_the_whole_under_another_charge_does_not_complete_a_part() -> None:
    payment = make_payment(*THREE)
    part, _ = judged(payment, told_each(payment)[0])
    whole = told_all(payment, invoice_number="700001-43", payment_guid="another-charge")
    assert judge(part, whole, BILLER_GUID).event is E.NEEDS_REVIEW


# -- invoice numbers that look like card numbers -----------------------------------------------------------


def test_a_number_masked_as_a_card_number_is_still_known() -> None:
    """12-digit accounts make longer invoice numbers, and many of those pass the Luhn test."""
    number = "411111111111-1111"
    masked = scrub_card_numbers(number)
    assert masked != number, "the example must be one that is masked"
    payment = make_payment(invoices=(InvoiceShare(number, 10_000),))  # type: ignore[arg-type]
    verdict = judge(payment, told_all(payment, invoice_number=masked), BILLER_GUID)
    assert verdict.event is E.CONFIRMED_PAID
    assert verdict.confirmations[0].invoice_number == number


def test_numbers_that_are_masked_alike_are_for_a_person() -> None:
    shares = (InvoiceShare("411111111111-1111", 10_000), InvoiceShare("4012888888881881", 4_000))  # type: ignore[arg-type]
    payment = make_payment(10_000, 4_000, invoices=shares)
    masked = scrub_card_numbers(shares[0].number)
    assert masked == scrub_card_numbers(shares[1].number)
    for cents in (10_000, 4_000, 14_000):
        told = told_all(payment, invoice_number=masked, payment_amount_cents=cents)
        assert judge(payment, told, BILLER_GUID).event is E.NEEDS_REVIEW


def test_a_number_with_a_comma_in_it_is_one_number() -> None:
    payment = make_payment(invoices=(InvoiceShare("7,1;2", 10_000),))  # type: ignore[arg-type]
    assert judge(payment, told_all(payment), BILLER_GUID).event is E.CONFIRMED_PAID


# -- every order, every repetition, every mutation ---------------------------------------------------------

_AMOUNTS = st.lists(st.integers(1, 10**7), min_size=1, max_size=4)
_WAITING = st.sampled_from([S.ISSUED, S.OPEN, S.IN_DOUBT, S.DECLINED, S.ABANDONED])


def _ways(payment: Payment, fees: Sequence[int]) -> tuple[list[Postback], list[Postback]]:
    """The postbacks of one charge both ways: one an invoice, and one for all in several spellings."""
    each = [
        replace(told, convenience_fee_cents=fee) for told, fee in zip(told_each(payment), fees, strict=True)
    ]
    names = [share.number for share in payment.invoices]
    spelled = (",".join(names), ";".join(reversed(names)), names[-1])
    return each, [told_all(payment, invoice_number=text, convenience_fee_cents=sum(fees)) for text in spelled]


@given(_AMOUNTS, _WAITING, st.data())
def test_p10_p11_any_order_and_repetition_ends_paid_once_to_the_cent(
    amounts: list[int], state: PaymentState, data: st.DataObject
) -> None:
    fees = data.draw(st.lists(st.integers(0, 999), min_size=len(amounts), max_size=len(amounts)))
    payment = make_payment(*amounts, state=state, expected_fee_cents=sum(fees))
    each, for_all = _ways(payment, fees)
    complete = data.draw(st.sampled_from([each, *([one] for one in for_all)]))
    more = data.draw(st.lists(st.sampled_from([*each, *for_all]), max_size=8))
    order = data.draw(st.permutations([*complete, *more]))
    paid, verdicts = judged(payment, *order)
    assert paid.state is S.APPROVED
    assert {item.invoice_number: item.amount_cents for item in paid.confirmations} == {
        share.number: share.amount_cents for share in payment.invoices
    }
    assert len(paid.confirmations) == len(payment.invoices)
    assert paid.service_fee_cents == sum(fees)
    assert [verdict.event for verdict in verdicts].count(E.CONFIRMED_PAID) == 1
    assert not any(verdict.event is E.NEEDS_REVIEW for verdict in verdicts)
    assert sum(bool(verdict.discrepancy) for verdict in verdicts) == (state in (S.DECLINED, S.ABANDONED))


_OTHER_TEXT = st.text(max_size=12)
_MUTATIONS: tuple[Callable[[st.DataObject, Postback], dict[str, Any]], ...] = (
    lambda data, told: {"approved": data.draw(st.sampled_from([Approved.NO, Approved.UNCLEAR]))},
    lambda data, told: {"biller_reference": data.draw(_OTHER_TEXT)},
    lambda data, told: {"biller_guid": data.draw(_OTHER_TEXT)},
    lambda data, told: {"invoice_number": data.draw(_OTHER_TEXT)},
    lambda data, told: {"invoice_number": told.invoice_number + data.draw(st.sampled_from([",x", "x", "0"]))},
    lambda data, told: {
        "payment_amount_cents": data.draw(
            st.none()
            | st.integers(-(10**9), 10**9)
            | st.sampled_from([-1, 1, -100]).map(lambda step: (told.payment_amount_cents or 0) + step)
        )
    },
    lambda data, told: {"payment_guid": ""},
    lambda data, told: {"faults": ("Approved is given more than once with different values",)},
)


@given(_AMOUNTS, _WAITING, st.sampled_from(_MUTATIONS), st.booleans(), st.data())
def test_p13_no_mutation_of_a_correct_postback_ever_pays(
    amounts: list[int],
    state: PaymentState,
    mutate: Callable[[st.DataObject, Postback], dict[str, Any]],
    by_invoice: bool,
    data: st.DataObject,
) -> None:
    payment = make_payment(*amounts, state=state)
    before, right = [], told_all(payment)
    if by_invoice:
        *before, right = told_each(payment)
    payment, _ = judged(payment, *before)
    wrong = replace(right, **mutate(data, right))
    assume(wrong != right)
    verdict = judge(payment, wrong, BILLER_GUID)
    assert verdict.event is not E.CONFIRMED_PAID
    assert verdict.confirmations == ()
    assert after(payment, verdict).state is not S.APPROVED
    paid, _ = judged(after(payment, verdict), right)
    assert paid.state is S.APPROVED, "the right one is believed after the wrong one"


@given(_AMOUNTS, st.data())
def test_p17_nothing_is_approved_before_every_invoice_is_told(
    amounts: list[int], data: st.DataObject
) -> None:
    payment = make_payment(*amounts)
    each = told_each(payment)
    missing = data.draw(st.sampled_from(each))
    others = [told for told in each if told is not missing]
    noise = [
        told_declined(payment),
        replace(missing, approved=Approved.UNCLEAR),
        told_all(payment, faults=("x",)),
    ]
    order = data.draw(st.permutations([*others, *others, *noise]))
    left, _ = judged(payment, *order)
    assert left.state is not S.APPROVED
    assert left.confirmed_cents == payment.amount_cents - (missing.payment_amount_cents or 0)
    if others:
        assert left.locks_sale, "money was taken: the sale stays locked"
