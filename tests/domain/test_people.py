"""People: one table of permissions, PINs that are worth something, and the fold over their entries."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cashier.domain.entries import Entry, EntryKind
from cashier.domain.errors import Discrepancy, Refused
from cashier.domain.people import (
    PEOPLE,
    PERMISSIONS,
    PIN_MAX,
    PIN_MIN,
    WAIT_FIRST_S,
    WAIT_MAX_S,
    WRONG_MAX,
    Permission,
    Person,
    Role,
    check_pin,
    checked_name,
    could_be_pin,
    fold_people,
    wait_after,
)


def entries(*items: tuple[EntryKind, dict[str, Any]]) -> list[Entry]:
    return [
        Entry(seq, f"e{seq}", kind, "2026-02-03T15:04:05.000Z", "A", PEOPLE, {"person": "p1", **body}, "", "")
        for seq, (kind, body) in enumerate(items, start=1)
    ]


KIM = (EntryKind.PERSON_ADDED, {"name": "Kim Clerk", "role": "clerk"})
PIN = (EntryKind.PIN_SET, {})


def changed(**changes: Any) -> tuple[EntryKind, dict[str, Any]]:
    return EntryKind.PERSON_CHANGED, {"name": "Kim Clerk", "role": "clerk", "is_active": True, **changes}


# -- who may do what -----------------------------------------------------------------------------------------


def test_every_role_may_what_the_one_below_it_may() -> None:
    assert PERMISSIONS[Role.CLERK] < PERMISSIONS[Role.SUPERVISOR] < PERMISSIONS[Role.ADMINISTRATOR]
    assert PERMISSIONS[Role.ADMINISTRATOR] == set(Permission)


@pytest.mark.parametrize("permission", [item for item in Permission if item.name.startswith("APPROVE_")])
def test_no_clerk_approves_anything(permission: Permission) -> None:
    assert not Person("p", "Kim", Role.CLERK).may(permission)
    assert Person("p", "Robin", Role.SUPERVISOR).may(permission)


def test_t2_a_clerk_does_not_see_expected_totals() -> None:
    for permission in (Permission.SEE_EXPECTED_TOTALS, Permission.PRINT_REPORTS):
        assert permission not in PERMISSIONS[Role.CLERK]


def test_who_is_not_active_may_nothing() -> None:
    gone = Person("p", "Alex", Role.ADMINISTRATOR, is_active=False)
    assert not any(gone.may(permission) for permission in Permission)


# -- PINs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", list(Role))
def test_a_pin_has_as_many_digits_as_its_role_asks(role: Role) -> None:
    pin = "271828182845"
    for length in range(1, PIN_MAX + 1):
        if length >= PIN_MIN[role]:
            check_pin(pin[:length], role)
        else:
            with pytest.raises(Refused, match=f"PIN is {PIN_MIN[role]} to 12 digits"):
                check_pin(pin[:length], role)
    assert (PIN_MIN[Role.CLERK], PIN_MIN[Role.SUPERVISOR], PIN_MIN[Role.ADMINISTRATOR]) == (4, 6, 6)


@pytest.mark.parametrize(
    "pin", ["", "12345", "1234567890123", "abcdef", "२७१८२८", "2718 2", "27182\n", "-27182"]
)
def test_what_is_no_pin_is_refused_and_not_repeated(pin: str) -> None:
    with pytest.raises(Refused, match="6 to 12 digits") as refused:
        check_pin(pin, Role.SUPERVISOR)
    assert not pin or pin not in refused.value.user_text


@pytest.mark.parametrize(
    "pin", ["0000", "7777", "1234", "4321", "7890", "8901", "3210", "1212", "123456", "99999999"]
)
def test_what_is_guessed_first_is_refused(pin: str) -> None:
    with pytest.raises(Refused, match="too easy to guess"):
        check_pin(pin, Role.CLERK)


@given(st.text(max_size=14))
def test_only_what_could_be_a_pin_is_ever_compared(text: str) -> None:
    if could_be_pin(text):
        assert text.isascii() and text.isdigit() and len(text) <= PIN_MAX


def test_the_wait_doubles_up_to_an_hour() -> None:
    waits = [wait_after(wrong) for wrong in range(WRONG_MAX + 8)]
    assert waits[:WRONG_MAX] == [0] * WRONG_MAX
    assert waits[WRONG_MAX : WRONG_MAX + 4] == [60, 120, 240, 480]
    assert waits[-1] == WAIT_MAX_S


@given(st.integers(min_value=WRONG_MAX, max_value=10**9))
def test_no_number_of_wrong_pins_shortens_the_wait(wrong: int) -> None:
    assert WAIT_FIRST_S <= wait_after(wrong) <= wait_after(wrong + 1) <= WAIT_MAX_S


@pytest.mark.parametrize("name", ["", " ", "K", "K" * 61, "Kim\x07Clerk", "Kim 4111111111111111"])
def test_a_name_that_no_receipt_could_carry(name: str) -> None:
    with pytest.raises(Refused):
        checked_name(name)


def test_a_name_is_one_line() -> None:
    assert checked_name("  Jo   Ångström ") == "Jo Ångström"


# -- the fold ------------------------------------------------------------------------------------------------


def test_a_person_is_the_fold_of_their_entries() -> None:
    roster = fold_people(entries(KIM, PIN, changed(name="Kim Other")))
    assert roster.of_id("p1") == Person("p1", "Kim Other", Role.CLERK, pin_id="e2")
    assert roster.named("  kim OTHER") == roster.of_id("p1")
    assert roster.named("Kim Clerk") is None
    with pytest.raises(Refused, match="not known"):
        roster.of_id("p2")


def test_wrong_pins_add_up_until_a_right_or_a_new_one() -> None:
    wrong, right = (EntryKind.PIN_REFUSED, {}), (EntryKind.PIN_ACCEPTED, {})
    assert fold_people(entries(KIM, PIN, wrong, wrong)).of_id("p1").wrong == 2
    assert fold_people(entries(KIM, PIN, wrong, wrong, right, wrong)).of_id("p1").wrong == 1
    assert fold_people(entries(KIM, PIN, wrong, PIN)).of_id("p1").wrong == 0


def test_a_short_pin_does_not_rise_with_its_clerk() -> None:
    assert fold_people(entries(KIM, PIN, changed(role="supervisor"))).of_id("p1").pin_id == ""
    assert fold_people(entries(KIM, PIN, changed(role="supervisor"), PIN)).of_id("p1").pin_id == "e4"
    risen = entries(KIM, PIN, changed(role="supervisor"), PIN, changed(role="administrator"), changed())
    assert fold_people(risen).of_id("p1").pin_id == "e4"


def test_the_last_administrator_is_the_only_one_who_could_manage_people() -> None:
    boss = ({"name": "Alex", "role": "administrator"}, {"name": "Robin", "role": "administrator"})
    two = [
        (EntryKind.PERSON_ADDED, boss[0]),
        PIN,
        (EntryKind.PERSON_ADDED, {"person": "p2", **boss[1]}),
    ]
    roster = fold_people(entries(*two))
    assert roster.is_last_administrator(roster.of_id("p1")), "the other has no PIN, and cannot sign in"
    roster = fold_people(entries(*two, (EntryKind.PIN_SET, {"person": "p2"})))
    assert not any(roster.is_last_administrator(person) for person in roster.active)


@pytest.mark.parametrize(
    "items",
    [
        (KIM, KIM),
        (PIN,),
        (changed(),),
        (KIM, (EntryKind.RECEIPT_ISSUED, {})),
    ],
)
def test_entries_that_do_not_follow(items: tuple[Any, ...]) -> None:
    with pytest.raises(Discrepancy):
        fold_people(entries(*items))
